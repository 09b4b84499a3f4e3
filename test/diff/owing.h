/* SPDX-License-Identifier: BSD-2-Clause */
/* owing.h: what programs of owing.awk begin with. */
#define K __attribute__((section(".ksyms")))
#define NOINLINE __attribute__((noinline))
#define NEW(type) ((type *)bpf_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), 0))
#define DROP(p) bpf_obj_drop_impl(p, 0)
#define OWNER(p, member) \
	((struct owned *)((char *)(p) - __builtin_offsetof(struct owned, member)))
#define LOOKUP(map) ({ int key_ = 0; bpf_map_lookup_elem(&map, &key_); })
#define KPTR __attribute__((btf_type_tag("kptr")))
#define PERCPU __attribute__((btf_type_tag("percpu_kptr")))
#define NEW_PERCPU(type) \
	((type *)bpf_percpu_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), 0))
#define OWNS(node) __attribute__((btf_decl_tag("contains:owned:" #node)))
#define PRIVATE(name) __attribute__((section(".data." #name), aligned(8)))
#define ALIGN(n) __attribute__((aligned(n)))
struct bpf_list_head { __u64 a[2]; } ALIGN(8);
struct bpf_list_node { __u64 a[3]; } ALIGN(8);
struct bpf_rb_root { __u64 a[2]; } ALIGN(8);
struct bpf_rb_node { __u64 a[4]; } ALIGN(8);
struct bpf_refcount { __u32 a; } ALIGN(4);
struct bpf_iter_num { __u64 a; } ALIGN(8);
extern void *bpf_obj_new_impl(__u64 type, void *meta) K;
extern void bpf_obj_drop_impl(void *p, void *meta) K;
extern void *bpf_percpu_obj_new_impl(__u64 type, void *meta) K;
extern void bpf_percpu_obj_drop_impl(void *p, void *meta) K;
extern void *bpf_refcount_acquire_impl(void *p, void *meta) K;
extern void bpf_rcu_read_lock(void) K;
extern void bpf_rcu_read_unlock(void) K;
extern void bpf_preempt_disable(void) K;
extern void bpf_preempt_enable(void) K;
extern void bpf_local_irq_save(unsigned long *f) K;
extern void bpf_local_irq_restore(unsigned long *f) K;
extern int bpf_iter_num_new(struct bpf_iter_num *it, int from, int to) K;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) K;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) K;
extern int bpf_dynptr_from_skb(struct __sk_buff *s, __u64 flags, struct bpf_dynptr *p) K;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, __u32 off, void *buf, __u32 n) K;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, __u32 off, void *buf, __u32 n) K;
extern int bpf_dynptr_clone(const struct bpf_dynptr *p, struct bpf_dynptr *to) K;
extern int bpf_dynptr_copy(struct bpf_dynptr *to, __u32 at, struct bpf_dynptr *from, __u32 off,
			   __u32 n) K;
extern int bpf_dynptr_memset(struct bpf_dynptr *p, __u32 at, __u32 n, __u8 with) K;
extern int bpf_dynptr_adjust(const struct bpf_dynptr *p, __u32 from, __u32 to) K;
extern int bpf_list_push_front_impl(struct bpf_list_head *h, struct bpf_list_node *n, void *meta,
				    __u64 off) K;
extern struct bpf_list_node *bpf_list_pop_back(struct bpf_list_head *h) K;
extern struct bpf_list_node *bpf_list_front(struct bpf_list_head *h) K;
extern int bpf_rbtree_add_impl(struct bpf_rb_root *r, struct bpf_rb_node *n,
			       _Bool (less)(struct bpf_rb_node *a, const struct bpf_rb_node *b),
			       void *meta, __u64 off) K;
extern struct bpf_rb_node *bpf_rbtree_first(struct bpf_rb_root *r) K;
extern struct bpf_rb_node *bpf_rbtree_remove(struct bpf_rb_root *r, struct bpf_rb_node *n) K;

struct item { long a, b; };
struct owned { struct bpf_rb_node r; long key; struct bpf_refcount refs; struct bpf_list_node l; };
struct each { long a[4]; };
struct value { struct item KPTR *p; struct { long n; struct item KPTR *p; } in;
	struct owned KPTR *t; struct each PERCPU *e; };
struct env { void *r; struct item *o; struct owned *t; char *k; struct value *kv; };
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32);
	__type(value, struct value); } values SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_USER_RINGBUF); __uint(max_entries, 4096); } user SEC(".maps");
PRIVATE(a) struct bpf_spin_lock lock;
PRIVATE(a) struct bpf_rb_root root OWNS(r);
PRIVATE(a) struct bpf_list_head list OWNS(l);
PRIVATE(b) struct bpf_spin_lock other;
long bytes[4];
volatile long sink;
static _Bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return OWNER(a, r)->key < OWNER(b, r)->key;
}
NOINLINE int seen(int *p)
{
	return p ? *p : 0;
}
SEC("tc") int types(void *ctx)	/* that are named alone have none */
{
	struct owned *n = NEW(struct owned);
	struct item *i = NEW(struct item);
	struct each *e = NEW_PERCPU(struct each);

	if (e)
		bpf_percpu_obj_drop_impl(e, 0);
	if (n)
		DROP(n);
	if (i)
		DROP(i);
	return 0;
}
char _license[] SEC("license") = "GPL";

#define BEGIN void *r0 = 0, *r1 = 0, *s0 = 0; struct item *o0 = 0, *o1 = 0, *lent = 0; \
	struct owned *t0 = 0, *t1 = 0, *shown = 0; struct value *kv = LOOKUP(values); \
	struct bpf_sock *sk = 0; struct bpf_tcp_sock *tp = 0; struct bpf_sock_tuple tup = {}; \
	struct bpf_dynptr d0, d1; volatile char *pk = 0; struct env e = {}; \
	struct each *c0 = 0, *c1 = 0, *cs = 0, *cn = 0; \
	bpf_dynptr_from_mem(bytes, 32, 0, &d0); bpf_dynptr_from_skb(ctx, 0, &d1);
#define END if (r0) bpf_ringbuf_discard(r0, 0); if (r1) bpf_ringbuf_discard(r1, 0); \
	if (o0) DROP(o0); if (o1) DROP(o1); if (t0) DROP(t0); if (t1) DROP(t1); \
	if (c0) bpf_percpu_obj_drop_impl(c0, 0); if (c1) bpf_percpu_obj_drop_impl(c1, 0); \
	if (sk) bpf_sk_release(sk); return 0;
