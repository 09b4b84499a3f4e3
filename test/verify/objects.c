/* SPDX-License-Identifier: BSD-2-Clause */
/* objects.c: objects of the kernel and of the program as arguments; parts of them; pointers
 * in map values; iterators that a helper met. */
#define K __attribute__((section(".ksyms")))
#define CORE __attribute__((preserve_access_index))
#define NAKED __attribute__((naked))
#define __kptr __attribute__((btf_type_tag("kptr")))
#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))
struct seq_file;
struct cpumask { unsigned long bits[1]; } CORE;
struct task_struct { int pid; struct task_struct *real_parent, *last_wakee; } CORE;
struct iter_num { __u64 opaque[1]; };
extern int bpf_iter_num_new(struct iter_num *it, int a, int b) K;
extern int *bpf_iter_num_next(struct iter_num *it) K;
extern void bpf_iter_num_destroy(struct iter_num *it) K;
extern void bpf_rcu_read_lock(void) K;
extern void bpf_rcu_read_unlock(void) K;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) K;
extern struct task_struct *bpf_task_from_pid(int pid) K;
extern void bpf_task_release(struct task_struct *p) K;
extern void *bpf_obj_new_impl(__u64 type, void *meta) K;
extern void bpf_obj_drop_impl(void *p, void *meta) K;
extern void *bpf_rdonly_cast(const void *p, __u32 id) K;
extern int bpf_dynptr_from_xdp(struct xdp_md *x, __u64 flags, struct bpf_dynptr *d) K;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *d, __u32 off, void *buf, __u32 n) K;
extern void bpf_task_release(struct task_struct *p) K;
#define make(type) ((type *)bpf_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), 0))
#define drop(p) bpf_obj_drop_impl(p, 0)
struct item { __u64 n; char text[8]; };
struct value { __u32 n; struct task_struct __kptr *task; struct item __kptr *item; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, int);
	__type(value, struct value); } values SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_TASK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int); __type(value, long); } tasks SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_SK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int); __type(value, long); } socks SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, int);
	__type(value, long); } small SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, int);
	__type(value, long); __uint(map_flags, BPF_F_RDONLY_PROG); } rdonly SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, int);
	__type(value, long); __uint(map_flags, BPF_F_WRONLY_PROG); } wronly SEC(".maps");
extern int bpf_prog_active K;
/* Paths that came together: a state is stored behind it. */
#define MEET "r5 = 0; r5 = 0; r5 = 0; r5 = 0; r5 = 0; r5 = 0; goto 8f; 8: goto 9f; 9:"
int zero;
char table[16];

static struct value *value(void)
{
	int key = zero;

	return bpf_map_lookup_elem(&values, &key);
}

/* ---- arguments of helpers ------------------------------------------------ */

#define STORAGE(map, p) long *n = bpf_##map##_storage_get(&map##s, p, 0, 0); \
	return n ? *n : 0
#define bpf_sock_storage_get bpf_sk_storage_get
// rejected 0354: the context as a task
SEC("tp_btf/sched_switch") int task_ctx(__u64 *ctx)
{
	STORAGE(task, (void *)ctx);
}
// rejected 0399: a task from its second member on
SEC("tp_btf/sched_switch") int task_offset(__u64 *ctx)
{
	STORAGE(task, (void *)ctx[1] + 8);
}
// rejected 0399: a task at a variable offset
SEC("tp_btf/sched_switch") int task_variable(__u64 *ctx)
{
	STORAGE(task, (void *)ctx[1] + (bpf_get_prandom_u32() & 8));
}
// rejected 0399: a task as a socket
SEC("tp_btf/sched_switch") int sock_task(__u64 *ctx)
{
	STORAGE(sock, (void *)ctx[1]);
}
// rejected 0354: a number as a socket
SEC("tc") int sock_number(struct __sk_buff *skb)
{
	return !bpf_sk_fullsock((void *)(long)skb->len);
}
// rejected 0354: NULL as a socket
SEC("tc") int sock_null(struct __sk_buff *skb)
{
	return !bpf_sk_fullsock(0);
}
// rejected 0306: a socket that was not acquired is released
SEC("tc") int sock_release(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	if (sk)
		sk = bpf_sk_fullsock(sk);
	if (sk)
		bpf_sk_release(sk);
	return 0;
}
// rejected 0354: a task as a variable of each cpu
SEC("tp_btf/sched_switch") int percpu_task(__u64 *ctx)
{
	return !bpf_this_cpu_ptr((void *)ctx[1]);
}
// rejected 0354: the context as a variable of each cpu
SEC("tp_btf/sched_switch") int percpu_ctx(__u64 *ctx)
{
	return !bpf_this_cpu_ptr(ctx);
}
// rejected 0107: one of two cpus that may not be there
SEC("tp_btf/sched_switch") int percpu_two(__u64 *ctx)
{
	int *a = bpf_per_cpu_ptr(&bpf_prog_active, 1), *b = bpf_per_cpu_ptr(&bpf_prog_active, 2);

	return a ? *b : 0;
}
// rejected 0206: half of an argument
SEC("tp_btf/sched_switch") NAKED int argument_half(void)
{
	asm volatile("r0 = *(u32 *)(r1 + 4); r0 = 0; exit;" ::: "r0");
}
// rejected 0206: before the arguments
SEC("tp_btf/sched_switch") NAKED int argument_before(void)
{
	asm volatile("r0 = *(u64 *)(r1 - 8); r0 = 0; exit;" ::: "r0");
}
// rejected 0206: far behind the arguments
SEC("tp_btf/sched_switch") NAKED int argument_behind(void)
{
	asm volatile("r0 = *(u64 *)(r1 + 96); r0 = 0; exit;" ::: "r0");
}
// rejected 0123: a pointer that may be NULL, whatever was seen of it
SEC("cgroup_skb/ingress") int never_sure(struct __sk_buff *skb)
{
	struct task_struct *t = bpf_get_current_task_btf();

	bpf_rcu_read_lock();
	t = t->last_wakee;
	bpf_rcu_read_unlock();
	return t ? 1 : 7;
}
// rejected 0203: more than a variable has
SEC("tp_btf/sched_switch") int variable_large(__u64 *ctx)
{
	return *(volatile long *)bpf_this_cpu_ptr(&bpf_prog_active);
}

/* ---- iterators of the kernel's objects ----------------------------------- */

struct bpf_iter_meta { struct seq_file *seq; } CORE;
struct netlink_sock;
struct fib6_info;
struct kallsym_iter;
struct bpf_iter__netlink { struct bpf_iter_meta *meta; struct netlink_sock *sk; } CORE;
struct bpf_iter__ipv6_route { struct bpf_iter_meta *meta; struct fib6_info *rt; } CORE;
struct bpf_iter__ksym { struct bpf_iter_meta *meta; struct kallsym_iter *ksym; } CORE;
struct bpf_iter__bpf_map_elem { struct bpf_iter_meta *meta; void *map, *key, *value; } CORE;
#define WRITES(field) do { void *p = ctx->field; \
	if (p) bpf_seq_write(ctx->meta->seq, p, 8); return 0; } while (0)
// rejected 0354: a socket that is not trusted
SEC("iter/netlink") int iter_netlink(struct bpf_iter__netlink *ctx)
{
	WRITES(sk);
}
// rejected 0354: a route that is not trusted
SEC("iter/ipv6_route") int iter_route(struct bpf_iter__ipv6_route *ctx)
{
	WRITES(rt);
}
// rejected 0354: a symbol that is not trusted
SEC("iter/ksym") int iter_symbol(struct bpf_iter__ksym *ctx)
{
	WRITES(ksym);
}
// ok: a buffer
SEC("iter/bpf_map_elem") int iter_buffer(struct bpf_iter__bpf_map_elem *ctx)
{
	return !ctx->key;
}

/* ---- pointers in map values ---------------------------------------------- */

// rejected 0336: at a variable offset
SEC("tp_btf/sched_switch") int kptr_variable(__u64 *ctx)
{
	struct value *v = value();

	return v ? *(long *)((char *)v + 8 + (bpf_get_prandom_u32() & 8)) != 0 : 0;
}
// rejected 0336: from its middle on
SEC("tp_btf/sched_switch") NAKED int kptr_middle(void)
{
	asm volatile("r1 = 0; *(u32 *)(r10 - 4) = r1; r2 = r10; r2 += -4; r1 = %[map] ll; call 1;"
		"if r0 == 0 goto 1f; r0 = *(u64 *)(r0 + 4); 1: r0 = 0; exit;"
		:: [map]"i"(&values) : "r0");
}
// rejected 0354: a variable on the stack
SEC("tp_btf/sched_switch") int xchg_stack(__u64 *ctx)
{
	struct item *p = 0;

	p = bpf_kptr_xchg(&p, 0);
	if (p)
		drop(p);
	return 0;
}
// rejected 0354: a map value goes in
SEC("tp_btf/sched_switch") int xchg_value(__u64 *ctx)
{
	struct value *v = value();
	struct item *p;

	if (!v)
		return 0;
	p = bpf_kptr_xchg(&v->item, (void *)table);
	if (p)
		drop(p);
	return 0;
}
// rejected 0354: a task that is not trusted goes in
SEC("tp_btf/sched_switch") int xchg_untrusted(__u64 *ctx)
{
	struct value *v = value();
	struct task_struct *t;

	if (!v)
		return 0;
	t = bpf_rdonly_cast((void *)ctx[1], __builtin_btf_type_id(*(struct task_struct *)0, 1));
	t = bpf_kptr_xchg(&v->task, t);
	if (t)
		bpf_task_release(t);
	return 0;
}
// rejected 0307: an object from its second member on goes in
SEC("tp_btf/sched_switch") int xchg_offset(__u64 *ctx)
{
	struct value *v = value();
	struct item *p;

	if (!v)
		return 0;
	p = make(struct item);
	if (!p)
		return 0;
	p = bpf_kptr_xchg(&v->item, (void *)p + 8);
	if (p)
		drop(p);
	return 0;
}
// rejected 0307: an object from a variable offset on goes in
SEC("tp_btf/sched_switch") int xchg_variable(__u64 *ctx)
{
	struct value *v = value();
	struct item *p;

	if (!v)
		return 0;
	p = make(struct item);
	if (!p)
		return 0;
	p = bpf_kptr_xchg(&v->item, (void *)p + (bpf_get_prandom_u32() & 8));
	if (p)
		drop(p);
	return 0;
}

// rejected 0101: what was never set goes in
SEC("tp_btf/sched_switch") NAKED int xchg_unset(void)
{
	asm volatile("r1 = 0; *(u32 *)(r10 - 4) = r1; r2 = r10; r2 += -4; r1 = %[map] ll; call 1;"
		"if r0 == 0 goto 1f; r1 = r0; r1 += 16; call 194; 1: r0 = 0; exit;"
		:: [map]"i"(&values) : "r0");
}
// rejected 0389: what the map owns is dropped
SEC("tp_btf/sched_switch") int drop_owned(__u64 *ctx)
{
	struct value *v = value();
	struct item *p = v ? v->item : 0;

	if (p)
		drop(p);
	return 0;
}
// rejected 0386: an object of the program as a task
SEC("tp_btf/sched_switch") int release_own(__u64 *ctx)
{
	struct item *p = make(struct item);

	if (p)
		bpf_task_release((void *)p);
	return 0;
}

/* ---- objects of the program with members that are no numbers ------------- */

struct bpf_list_node { __u64 opaque[3]; } __attribute__((aligned(8)));
struct bpf_wq { __u64 opaque[2]; } __attribute__((aligned(8)));
struct listed { long n; struct bpf_list_node node; };
struct owner { long n; struct item __kptr *item; };
struct around { long n; struct listed in; };
#define FIRST(type) do { struct type *p = make(struct type); long n = 0; \
	if (p) { n = *(volatile long *)p; drop(p); } return n; } while (0)
// ok: one that lists can hold
SEC("tp_btf/sched_switch") int own_listed(__u64 *ctx)
{
	FIRST(listed);
}
// ok: one that holds a pointer
SEC("tp_btf/sched_switch") int own_owner(__u64 *ctx)
{
	FIRST(owner);
}
struct kept { __u32 n; struct item __percpu_kptr *item; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, int);
	__type(value, struct kept); } kepts SEC(".maps");
// ok: a value with a pointer for each cpu
SEC("tp_btf/sched_switch") int value_percpu(__u64 *ctx)
{
	struct kept *v = bpf_map_lookup_elem(&kepts, &zero);

	return v ? v->n : 0;
}
struct worked { __u32 n; struct bpf_wq work; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, int);
	__type(value, struct worked); } works SEC(".maps");
// ok: a value with work to do
SEC("tc") int value_work(struct __sk_buff *skb)
{
	struct worked *v = bpf_map_lookup_elem(&works, &zero);

	return v ? v->n : 0;
}

/* ---- slices -------------------------------------------------------------- */

#define SLICED(buf, n) struct bpf_dynptr d; char *p; \
	bpf_dynptr_from_xdp(ctx, 0, &d); p = bpf_dynptr_slice(&d, 0, buf, n); return p ? *p & 1 : 0
// ok: a buffer that may be NULL
SEC("xdp") int slice_null(struct xdp_md *ctx)
{
	void *v = bpf_map_lookup_elem(&small, &zero);
	SLICED(v, 8);
}
// rejected 0354: a buffer that is a number
SEC("xdp") int slice_number(struct xdp_md *ctx)
{
	SLICED((void *)8, 8);
}
// rejected 0204: a buffer that is too small
SEC("xdp") int slice_short(struct xdp_md *ctx)
{
	char b[8];
	SLICED(b, 16);
}
// rejected 0218: a buffer that is read-only
SEC("xdp") int slice_rdonly(struct xdp_md *ctx)
{
	void *v = bpf_map_lookup_elem(&rdonly, &zero);

	if (!v)
		return 0;
	SLICED(v, 8);
}
// rejected 0219: a buffer that is write-only
SEC("xdp") int slice_wronly(struct xdp_md *ctx)
{
	void *v = bpf_map_lookup_elem(&wronly, &zero);

	if (!v)
		return 0;
	SLICED(v, 8);
}
// rejected 0360: a size that is not known
SEC("xdp") int slice_any(struct xdp_md *ctx)
{
	char b[8];
	SLICED(b, ctx->rx_queue_index & 7);
}
// rejected 0360: a size that is a pointer
SEC("xdp") int slice_pointer(struct xdp_md *ctx)
{
	struct bpf_dynptr d;
	char b[8];

	bpf_dynptr_from_xdp(ctx, 0, &d);
	return !((void *(*)(void *, int, void *, void *))bpf_dynptr_slice)(&d, 0, b, ctx);
}
// rejected 0358, kernel ok: a size that is far too large
SEC("xdp") int slice_large(struct xdp_md *ctx)
{
	SLICED(0, 1 << 30);
}
#define SLICE_ASM(set) "r6 = r1; r2 = 0; r3 = r10; r3 += -16; call bpf_dynptr_from_xdp;" set \
	"r1 = r10; r1 += -16; r2 = 0; call bpf_dynptr_slice; r0 = 0; exit;"
// rejected 0101: a buffer that was never set
SEC("xdp") NAKED int slice_unset(void)
{
	asm volatile(SLICE_ASM("r4 = 8;") ::: "r0");
}
// rejected 0101: a size that was never set
SEC("xdp") NAKED int slice_size_unset(void)
{
	asm volatile(SLICE_ASM("r3 = 0;") ::: "r0");
}
// rejected 0204: a buffer that is too small on one path
SEC("xdp") NAKED int slice_paths(void)
{
	asm volatile(SLICE_ASM("call 7; r6 = r0; r3 = r10; r3 += -24; r4 = 32;"
		"if r6 == 1 goto 3f; r4 = 8; 3:" MEET) ::: "r0");
}
// rejected 0120: a pointer in a buffer
SEC("xdp") NAKED int slice_over(void)
{
	asm volatile(SLICE_ASM("*(u64 *)(r10 - 24) = r6; r3 = r10; r3 += -24; r4 = 8;"
		"r1 = r10; r1 += -16; r2 = 0; call bpf_dynptr_slice; r6 = *(u64 *)(r10 - 24);"
		"r0 = *(u32 *)(r6 + 0); r3 = 0; r4 = 8;") ::: "r0");
}

/* ---- the context --------------------------------------------------------- */

struct nf_conn;
struct bpf_ct_opts { int netns_id, error; __u8 l4proto, dir, reserved[2]; };
extern struct nf_conn *bpf_xdp_ct_lookup(struct xdp_md *x, struct bpf_sock_tuple *t, __u32 n,
	struct bpf_ct_opts *o, __u32 m) K;
extern struct nf_conn *bpf_skb_ct_lookup(struct __sk_buff *x, struct bpf_sock_tuple *t, __u32 n,
	struct bpf_ct_opts *o, __u32 m) K;
extern void bpf_ct_release(struct nf_conn *c) K;
#define FINDS(how, ctx, n) do { struct bpf_sock_tuple t = {}; struct bpf_ct_opts o = {}; \
	struct nf_conn *c = bpf_##how##_ct_lookup(ctx, &t, sizeof(t.ipv4), &o, n); \
	if (c) bpf_ct_release(c); return 0; } while (0)
// ok: a connection
SEC("xdp") int found(struct xdp_md *ctx)
{
	FINDS(xdp, ctx, sizeof(o));
}
// ok: a connection of another packet
SEC("tc") int found_skb(struct __sk_buff *ctx)
{
	FINDS(skb, ctx, sizeof(o));
}
// rejected 0258: memory as the context
SEC("xdp") int found_memory(struct xdp_md *ctx)
{
	FINDS(xdp, (void *)table, sizeof(o));
}
// rejected 0209: the context from its second member on
SEC("xdp") int found_offset(struct xdp_md *ctx)
{
	FINDS(xdp, (void *)ctx + 4, sizeof(o));
}
// rejected 0209: the context at a variable offset
SEC("xdp") int found_variable(struct xdp_md *ctx)
{
	FINDS(xdp, (void *)ctx + (bpf_get_prandom_u32() & 4), sizeof(o));
}
// ok: a size of which the bounds are known
SEC("xdp") int found_any(struct xdp_md *ctx)
{
	FINDS(xdp, ctx, ctx->rx_queue_index & 12);
}

/* ---- iterators ----------------------------------------------------------- */

// rejected 0318: half of an iterator is written by a helper
SEC("xdp") int iter_half_helper(struct xdp_md *ctx)
{
	struct iter_num it;

	bpf_iter_num_new(&it, 0, 3);
	bpf_xdp_load_bytes(ctx, 0, (char *)&it + 4, 4);
	bpf_iter_num_next(&it);
	bpf_iter_num_destroy(&it);
	return XDP_PASS;
}
// rejected 0318: half of an iterator is written
SEC("xdp") int iter_half(struct xdp_md *ctx)
{
	struct iter_num it;

	bpf_iter_num_new(&it, 0, 3);
	((volatile int *)&it)[1] = 0;
	bpf_iter_num_next(&it);
	bpf_iter_num_destroy(&it);
	return XDP_PASS;
}
// rejected 0320: some byte of an iterator is read
SEC("xdp") int iter_byte(struct xdp_md *ctx)
{
	struct iter_num it;
	volatile char *p = (char *)&it;
	long i = ctx->rx_queue_index & 7;
	int n;

	bpf_iter_num_new(&it, 0, 3);
	asm volatile("%0 += %1" : "+r"(p) : "r"(i));
	n = *p;
	bpf_iter_num_destroy(&it);
	return n & 1;
}
// rejected 0255: an end that is a pointer
SEC("xdp") int iter_end(struct xdp_md *ctx)
{
	struct iter_num it;

	((int (*)(void *, int, void *))bpf_iter_num_new)(&it, 0, ctx);
	bpf_iter_num_destroy(&it);
	return XDP_PASS;
}
// rejected 0101: an end that was never set
SEC("xdp") NAKED int iter_end_unset(void)
{
	asm volatile("call 7; r1 = r10; r1 += -8; r2 = 0; call bpf_iter_num_new; r1 = r10;"
		"r1 += -8; call bpf_iter_num_destroy; r0 = 0; exit;" ::: "r0");
}
char _license[] SEC("license") = "GPL";
