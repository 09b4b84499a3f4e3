/* SPDX-License-Identifier: BSD-2-Clause */
/* overlooked.c: what other programs here do not ask: found by breaking the verifier
 * (test/break). */
char _license[] SEC("license") = "GPL";
#define K __attribute__((section(".ksyms")))
#define CORE __attribute__((preserve_access_index))
#define NOINLINE static __attribute__((noinline))
#define ARRAY(name, of) struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); \
	__type(key, int); __type(value, of); } name SEC(".maps")
#define LOOKUP(map) ({ int key_ = zero; bpf_map_lookup_elem(&map, &key_); })
/* X is FIRST on the path that is followed first, SECOND on another, and they meet. */
#define EITHER(x, first, second) asm volatile("%0 = " #second "; if %1 == 0 goto 9f;" \
	"%0 = " #first "; %0 = %0; %0 = %0; %0 = %0; %0 = %0; %0 = %0; %0 = %0;" \
	"goto 9f; 9:" : "=&r"(x) : "r"(bpf_get_prandom_u32()))
#define bpf_core_type_id_kernel(type) __builtin_btf_type_id(*(type *)0, 1)
int zero;

/* ---- work ------------------------------------------------------------------ */

struct bpf_wq { __u64 opaque[2]; } __attribute__((aligned(8)));
struct worked { long n; struct bpf_wq work; long m; };
ARRAY(works, struct worked);
ARRAY(others, struct worked);
ARRAY(longs, long);
struct larger { struct worked w; long m; };
ARRAY(largers, struct larger);
extern int bpf_wq_init(struct bpf_wq *w, void *map, unsigned flags) K;
extern int bpf_wq_set_callback_impl(struct bpf_wq *w, int (*f)(void *map, int *key, void *v),
				    unsigned flags, void *aux) K;
extern int bpf_wq_start(struct bpf_wq *w, unsigned flags) K;

NOINLINE int later(void *map, int *key, void *v)
{
	struct worked *w = v;

	w->m++;
	return 0;
}
// ok: work to be done
SEC("tc") int work(void *ctx)
{
	struct worked *w = LOOKUP(works);

	if (!w || bpf_wq_init(&w->work, &works, 0))
		return 0;
	bpf_wq_set_callback_impl(&w->work, later, 0, 0);
	return bpf_wq_start(&w->work, 0);
}
NOINLINE int larger_later(void *map, int *key, void *v)
{
	((struct larger *)v)->m++;
	return 0;
}
// ok: work of a larger value than the first map has
SEC("tc") int work_larger(void *ctx)
{
	struct larger *w = LOOKUP(largers);

	if (w)
		bpf_wq_set_callback_impl(&w->w.work, larger_later, 0, 0);
	return 0;
}
NOINLINE int behind(void *map, int *key, void *v)
{
	volatile struct worked *w = v;

	return w[1].n & 0;
}
// rejected 0202: work that reads behind its value
SEC("tc") int work_behind(void *ctx)
{
	struct worked *w = LOOKUP(works);

	if (w)
		bpf_wq_set_callback_impl(&w->work, behind, 0, 0);
	return 0;
}
// rejected 0354: work on the stack
SEC("tc") int work_on_stack(void *ctx)
{
	struct bpf_wq w = {};

	bpf_wq_start(&w, 0);
	return 0;
}
// rejected 0354: work in a value that may not be there
SEC("tc") int work_null(void *ctx)
{
	struct worked *w = LOOKUP(works);

	bpf_wq_start((void *)w, 0);
	return 0;
}
// rejected 0370: work somewhere else in the value
SEC("tc") int work_elsewhere(void *ctx)
{
	struct worked *w = LOOKUP(works);

	if (w)
		bpf_wq_start((void *)&w->n, 0);
	return 0;
}
// rejected 0370: work at one of two places
SEC("tc") int work_somewhere(void *ctx)
{
	struct worked *w = LOOKUP(works);

	if (w)
		bpf_wq_start((void *)&w->work + (bpf_get_prandom_u32() & 8), 0);
	return 0;
}
// rejected 0375: work of another map
SEC("tc") int work_other_map(void *ctx)
{
	struct worked *w = LOOKUP(works);

	if (w)
		bpf_wq_init(&w->work, &others, 0);
	return 0;
}

/* ---- callbacks --------------------------------------------------------------- */

NOINLINE int behind_key(void *map, volatile long *key, void *value, void *c)
{
	return *key & 0;
}
// rejected 0202: behind the key that a callback is shown
SEC("tc") int key_behind(void *ctx)
{
	bpf_for_each_map_elem(&longs, behind_key, 0, 0);
	return 0;
}

/* ---- sections ------------------------------------------------------------------ */

extern void bpf_preempt_disable(void) K;
extern void bpf_preempt_enable(void) K;
extern void bpf_local_irq_save(unsigned long *flags) K;
extern void bpf_local_irq_restore(unsigned long *flags) K;
extern void bpf_rcu_read_lock(void) K;
extern void bpf_rcu_read_unlock(void) K;
long long load_byte(void *skb, long long off) asm("llvm.bpf.load.byte");

// rejected 0315: a load of the packet that may end the program, without preemption
SEC("tc") int load_preempt(void *ctx)
{
	long n;

	bpf_preempt_disable();
	n = load_byte(ctx, 0);
	bpf_preempt_enable();
	return n;
}
// rejected 0309: one without interrupts
SEC("tc") int load_irq(void *ctx)
{
	unsigned long flags;
	long n;

	bpf_local_irq_save(&flags);
	n = load_byte(ctx, 0);
	bpf_local_irq_restore(&flags);
	return n;
}
struct kmem_cache;
struct bpf_iter_kmem_cache { __u64 o[1]; };
extern int bpf_iter_kmem_cache_new(struct bpf_iter_kmem_cache *it) K;
extern struct kmem_cache *bpf_iter_kmem_cache_next(struct bpf_iter_kmem_cache *it) K;
extern void bpf_iter_kmem_cache_destroy(struct bpf_iter_kmem_cache *it) K;
// rejected 0256: an element, which may sleep, in a read section
SEC("syscall") int next_sleeps(void *ctx)
{
	struct bpf_iter_kmem_cache it;

	bpf_iter_kmem_cache_new(&it);
	bpf_rcu_read_lock();
	bpf_iter_kmem_cache_next(&it);
	bpf_rcu_read_unlock();
	bpf_iter_kmem_cache_destroy(&it);
	return 0;
}
// rejected 0256: an iterator's end, which may sleep, in a read section
SEC("syscall") int destroy_sleeps(void *ctx)
{
	struct bpf_iter_kmem_cache it;

	bpf_iter_kmem_cache_new(&it);
	bpf_rcu_read_lock();
	bpf_iter_kmem_cache_destroy(&it);
	bpf_rcu_read_unlock();
	return 0;
}

/* ---- objects ------------------------------------------------------------------- */

#define NEW(type) ((type *)bpf_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), 0))
#define DROP(p) bpf_obj_drop_impl(p, 0)
#define KPTR __attribute__((btf_type_tag("kptr")))
#define UNTRUSTED __attribute__((btf_type_tag("kptr_untrusted")))
extern void *bpf_obj_new_impl(__u64 type, void *meta) K;
extern void bpf_obj_drop_impl(void *p, void *meta) K;
extern void *bpf_refcount_acquire_impl(void *p, void *meta) K;
struct task_struct { int pid; struct task_struct *real_parent; } CORE;
struct rq { unsigned nr_running; } CORE;
extern struct rq runqueues K;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) K;
extern void bpf_task_release(struct task_struct *p) K;
struct item { int a, b; };
struct owner { long n; struct item KPTR *item; };

// rejected 0240: two members of an own object at once
SEC("tp_btf/sched_switch") int own_two(__u64 *ctx)
{
	struct item *p = NEW(struct item);
	long n = 0;

	if (p) {
		n = *(volatile long *)p;
		DROP(p);
	}
	return n;
}
// rejected 0279: the pointer that an own object holds
SEC("tp_btf/sched_switch") int own_pointer(__u64 *ctx)
{
	struct owner *p = NEW(struct owner);
	long n = 0;

	if (p) {
		n = *(volatile long *)&p->item;
		DROP(p);
	}
	return n;
}
// rejected 0277: one more reference to an object of the kernel
SEC("tp_btf/sched_switch") int count_task(__u64 *ctx)
{
	struct task_struct *t = bpf_task_acquire((void *)ctx[1]);

	if (t) {
		bpf_refcount_acquire_impl(t, 0);
		bpf_task_release(t);
	}
	return 0;
}
struct tagged { long n; struct rq UNTRUSTED *rq; struct task_struct UNTRUSTED *task; };
ARRAY(tagged, struct tagged);
// rejected 0287: a variable of each cpu into a map value
SEC("tp_btf/sched_switch") int store_percpu(__u64 *ctx)
{
	struct tagged *v = LOOKUP(tagged);

	if (v)
		v->rq = &runqueues;
	return 0;
}
// rejected 0287, kernel ok: NULL on one path, a number on another
SEC("tp_btf/sched_switch") int store_either(__u64 *ctx)
{
	struct tagged *v = LOOKUP(tagged);
	void *p;

	if (!v)
		return 0;
	EITHER(p, 0, 4660);
	v->task = p;
	return 0;
}

/* ---- maps ---------------------------------------------------------------------- */

struct bpf_map { __u32 id; } CORE;
// rejected 0240: behind what the kernel has of a map
SEC("tp_btf/sched_switch") int map_behind(__u64 *ctx)
{
	struct bpf_map *map = (void *)&longs;

	return map->id + *((volatile char *)map + 8191);
}

/* ---- functions of the kernel ----------------------------------------------------- */

extern int bpf_dynptr_from_skb(void *skb, __u64 flags, struct bpf_dynptr *p) K;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, __u32 off, void *buf, __u32 n) K;
extern int bpf_dynptr_from_xdp(void *xdp, __u64 flags, struct bpf_dynptr *p) K;
extern __u64 *bpf_session_cookie(void) K;

// rejected 0388: a packet that may not be there
SEC("tp_btf/tcp_send_reset") int skb_null(__u64 *ctx)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb((void *)ctx[1], 0, &d);
	return 0;
}
// ok 0369: a buffer that nobody wrote
SEC("tc") int slice_uninit(void *ctx)
{
	struct bpf_dynptr d;
	char buf[8], *p;

	bpf_dynptr_from_skb(ctx, 0, &d);
	p = bpf_dynptr_slice(&d, 0, buf, 8);
	return p ? *p : 0;
}
// rejected 0386: a socket for a task
SEC("tc") int socket_task(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct task_struct *t;

	if (!sk)
		return 0;
	t = bpf_task_acquire((void *)sk);
	if (t)
		bpf_task_release(t);
	return 0;
}
// rejected 0203: behind a session's cookie
SEC("uprobe.session//bin/true:main") int cookie_behind(void *ctx)
{
	return ((volatile __u64 *)bpf_session_cookie())[1] & 0;
}
// ok: a session's cookie
SEC("uprobe.session//bin/true:main") int cookie(void *ctx)
{
	*bpf_session_cookie() = 1;
	return 0;
}

/* ---- functions --------------------------------------------------------------------- */

#define GLOBAL __attribute__((noinline))
GLOBAL long read_long(long *p)
{
	return p ? *p : 0;
}
// ok 0369: a global function's memory that nobody wrote
SEC("tc") int global_uninit(void *ctx)
{
	long n;

	return read_long(&n);
}
// rejected 0230: a map for memory
SEC("tc") int global_map(void *ctx)
{
	return read_long((long *)&works);
}

/* ---- hooks ---------------------------------------------------------------------------- */

// rejected 0206: what is a pointer to a pointer
SEC("lsm/sb_eat_lsm_opts") int pointer_pointer(__u64 *ctx)
{
	return -(ctx[1] != 0);
}
struct bpf_iter_meta { void *seq; } CORE;
struct bpf_iter__bpf_map_elem { struct bpf_iter_meta *meta; struct bpf_map *map; void *key;
	void *value; } CORE;
// ok 0118: a pointer in a map's value
SEC("iter/bpf_map_elem") int leak(struct bpf_iter__bpf_map_elem *ctx)
{
	void **p = ctx->value;

	if (p)
		*p = ctx;
	return 0;
}
extern void *bpf_rdonly_cast(const void *p, __u32 id) K;
char bytes[64];
// rejected 0112, kernel ok: a number and the address of what may be read anywhere
SEC("tp_btf/sched_switch") int number_address(__u64 *ctx)
{
	unsigned long n = 8;
	void *p = bpf_rdonly_cast((void *)ctx[1], 0);

	asm volatile("%0 += %1" : "+r"(n) : "r"(p));
	return bytes[n];
}
struct cpumask { unsigned long bits[1]; } CORE;
extern _Bool bpf_cpumask_full(const struct cpumask *m) K;
// not judged, kernel rejected: a mask of processors on the stack
SEC("tp_btf/sched_switch") int own_mask(__u64 *ctx)
{
	unsigned long m = 0;

	return bpf_cpumask_full((void *)&m);
}
struct user { long n; };
struct uptr { struct user __attribute__((btf_type_tag("uptr"))) *u; long n; };
struct { __uint(type, BPF_MAP_TYPE_TASK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int); __type(value, struct uptr); } uptrs SEC(".maps");
// not judged, kernel ok: memory of a process in a map value
SEC("tp_btf/sched_switch") int user_memory(__u64 *ctx)
{
	struct uptr *v = bpf_task_storage_get(&uptrs, (void *)ctx[1], 0, 0);

	return v && v->u;
}

/* ---- on one path of several --------------------------------------------------- */

struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
struct bpf_iter_task { __u64 o[3]; };
extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *t, unsigned f) K;
extern struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) K;
extern void bpf_iter_task_destroy(struct bpf_iter_task *it) K;
/* On the path that is followed first, STMT is done; on another not; they meet. */
#define PADS "r0 = 0; r0 = 0; r0 = 0; r0 = 0; r0 = 0; r0 = 0; r0 = 0;"
#define FIRST(stmt) do { unsigned c_ = bpf_get_prandom_u32(); \
	if (c_) { stmt; asm volatile(PADS "goto 9f; 9:" ::: "r0"); } \
	asm volatile("" : "+r"(c_)); } while (0)

// rejected 0326: a dynptr that one path made
SEC("tc") int dynptr_either(void *ctx)
{
	struct bpf_dynptr d;
	long *v = LOOKUP(longs), n = 0;

	if (!v)
		return 0;
	FIRST(bpf_dynptr_from_mem(v, 8, 0, &d));
	bpf_dynptr_read(&n, 8, &d, 0, 0);
	return n;
}
// rejected 0354, kernel ok: no buffer on one path, a number on another
SEC("tc") int buffer_either(void *ctx)
{
	struct bpf_dynptr d;
	char *p, *buf;

	bpf_dynptr_from_skb(ctx, 0, &d);
	EITHER(buf, 0, 4660);
	p = bpf_dynptr_slice(&d, 0, buf, 8);
	return p ? *p : 0;
}
// rejected 0354, kernel ok: all tasks on one path, those of a number on another
SEC("syscall") int task_either(void *ctx)
{
	struct bpf_iter_task it;
	struct task_struct *t;

	EITHER(t, 0, 4660);
	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, t, 0);
	while (bpf_iter_task_next(&it))
		;
	bpf_iter_task_destroy(&it);
	bpf_rcu_read_unlock();
	return 0;
}
#define KEEP(p) asm volatile("" : "+r"(p))
struct two { long a, b; };
struct one { long a; };
// rejected 0240: an object of one type or another
SEC("tp_btf/sched_switch") int new_either(__u64 *ctx)
{
	unsigned long first = __builtin_btf_type_id(*(struct two *)0, 0), id, c;
	struct two *p;

	c = bpf_get_prandom_u32();
	id = __builtin_btf_type_id(*(struct one *)0, 0);
	asm volatile("if %1 == 0 goto 9f; r0 = 0;" PADS "%0 = %2; goto 9f; 9:"
		     : "+r"(id) : "r"(c), "r"(first) : "r0");
	p = bpf_obj_new_impl(id, 0);
	if (p) {
		p->b = 1;
		DROP(p);
	}
	return 0;
}
struct kept { long n; struct item KPTR *item; };
ARRAY(kepts, struct kept);
// rejected 0354, kernel ok: NULL for an object on one path, a number on another
SEC("tp_btf/sched_switch") int kptr_either(__u64 *ctx)
{
	struct kept *v = LOOKUP(kepts);
	struct item *p;

	if (!v)
		return 0;
	EITHER(p, 0, 4660);
	p = bpf_kptr_xchg(&v->item, p);
	if (p)
		DROP(p);
	return 0;
}

/* ---- other things --------------------------------------------------------------- */

// rejected 0354: a part of a record for the record
SEC("tc") int slice_submitted(void *ctx)
{
	struct bpf_dynptr d;
	void *p;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &d);
	p = bpf_dynptr_data(&d, 0, 8);
	if (p)
		bpf_ringbuf_submit(p, 0);
	else
		bpf_ringbuf_discard_dynptr(&d, 0);
	return 0;
}
// rejected 0354: the stack for a packet
SEC("tc") int no_packet(void *ctx)
{
	struct bpf_dynptr d;
	long n = 0;

	bpf_dynptr_from_skb(&n, 0, &d);
	return 0;
}
// rejected 0380: a function of the kernel that such programs may not call
SEC("socket") int filter_task(void *ctx)
{
	bpf_task_release(bpf_task_acquire(0));
	return 0;
}
// rejected 0206: an argument of what is traced, written
SEC("tp_btf/sched_switch") int write_arg(__u64 *ctx)
{
	((volatile __u64 *)ctx)[1] = 0;
	return 0;
}
// rejected 0240: more than a member of what may be anything
SEC("tp_btf/sched_switch") int read_more(__u64 *ctx)
{
	struct task_struct *t = bpf_rdonly_cast((void *)ctx[1],
						bpf_core_type_id_kernel(struct task_struct));

	return *(volatile long *)&t->pid;
}
extern void *bpf_percpu_obj_new_impl(__u64 type, void *meta) K;
extern void bpf_percpu_obj_drop_impl(void *p, void *meta) K;
struct counts { long n; };
struct counted { long n; struct counts KPTR *c; };
ARRAY(counteds, struct counted);
// rejected 0354: an object of each cpu for a pointer to one
SEC("tp_btf/sched_switch") int percpu_kept(__u64 *ctx)
{
	struct counted *v = LOOKUP(counteds);
	struct counts *p;

	if (!v)
		return 0;
	p = bpf_percpu_obj_new_impl(__builtin_btf_type_id(*(struct counts *)0, 0), 0);
	if (!p)
		return 0;
	p = bpf_kptr_xchg(&v->c, p);
	if (p)
		DROP(p);
	return 0;
}
struct timed { struct bpf_timer timer; long n; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int);
	__type(value, struct timed); } timers SEC(".maps");
NOINLINE int deep(void)
{
	volatile char text[300] = {};

	return text[0];
}
static int deeper(void *map, int *key, struct timed *v)
{
	volatile char text[300] = {};

	return deep() & text[0];
}
// rejected 0158: a timer's callback that needs too much stack
SEC("tc") int timer_deep(void *ctx)
{
	struct timed *v = LOOKUP(timers);

	if (v)
		bpf_timer_set_callback(&v->timer, deeper);
	return 0;
}
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int);
	__type(value, struct timed); };
struct { __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS); __uint(max_entries, 2); __type(key, int);
	__array(values, struct inner); } outer SEC(".maps");
static int inner_timer(void *map, int *key, struct timed *v)
{
	struct timed *w = bpf_map_lookup_elem(map, key);

	if (w)
		w->n++;
	return 0;
}
// ok: the map of a timer that is in a map of a map
SEC("tc") int timer_inner(void *ctx)
{
	int key = zero;
	void *map = bpf_map_lookup_elem(&outer, &key);
	struct timed *v = map ? bpf_map_lookup_elem(map, &key) : 0;

	if (v)
		bpf_timer_set_callback(&v->timer, inner_timer);
	return 0;
}
extern int bpf_copy_from_user_str(void *to, __u32 n, const void *from, __u64 flags) K;
GLOBAL int sleeps(int n)
{
	char text[8] = {};

	return bpf_copy_from_user_str(text, sizeof(text), (void *)(long)n, 0);
}
// rejected 0266: a function that calls what may sleep, in a read section
SEC("syscall") int section_sleeps(void *ctx)
{
	int n;

	bpf_rcu_read_lock();
	n = sleeps(0);
	bpf_rcu_read_unlock();
	return n;
}
struct tcp_congestion_ops { char name[16]; } CORE;
SEC(".struct_ops") struct tcp_congestion_ops congestion = { .name = "overlooked" };
// rejected 0180: the map of operations as a map
SEC("tc") int ops_map(void *ctx)
{
	long n = 0;

	asm volatile("%0 = %1 ll" : "=r"(n) : "i"(&congestion));
	return n != 0;
}
struct list_head { void *next; } CORE;
// rejected 0240: an address as one struct or another
SEC("tp_btf/sched_switch") int cast_either(__u64 *ctx)
{
	unsigned long first = bpf_core_type_id_kernel(struct task_struct), id, c;
	struct task_struct *t;

	c = bpf_get_prandom_u32();
	id = bpf_core_type_id_kernel(struct list_head);
	asm volatile("if %1 == 0 goto 9f; r0 = 0;" PADS "%0 = %2; goto 9f; 9:"
		     : "+r"(id) : "r"(c), "r"(first) : "r0");
	t = bpf_rdonly_cast((void *)ctx[1], id);
	return t->pid;
}
// rejected 0380: a session's cookie in a probe that is of none
SEC("kprobe/do_nanosleep") int no_session(void *ctx)
{
	return *bpf_session_cookie();
}
