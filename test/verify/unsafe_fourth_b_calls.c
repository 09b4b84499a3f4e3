/* SPDX-License-Identifier: BSD-2-Clause */
/* unsafe_fourth_b_calls.c: what functions are given and change: packets behind dynptrs,
 * objects of each cpu, packets that are only read; what may be called with a lock held. */
#define K __attribute__((section(".ksyms")))
#define NOINLINE __attribute__((noinline))
#define PERCPU __attribute__((btf_type_tag("percpu_kptr")))
#define LOOKUP(map) ({ int key_ = 0; bpf_map_lookup_elem(&map, &key_); })
#define ARRAY(name, type_) struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); \
	__type(key, __u32); __type(value, type_); } name SEC(".maps")
struct bpf_iter_num { __u64 a; } __attribute__((aligned(8)));
struct bpf_iter_task { __u64 a[3]; } __attribute__((aligned(8)));
struct task_struct { int pid; } __attribute__((preserve_access_index));
extern void *bpf_percpu_obj_new_impl(__u64 type, void *meta) K;
extern void bpf_percpu_obj_drop_impl(void *p, void *meta) K;
extern int bpf_iter_num_new(struct bpf_iter_num *it, int from, int to) K;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) K;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) K;
extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *t, unsigned f) K;
extern struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) K;
extern void bpf_iter_task_destroy(struct bpf_iter_task *it) K;
extern int bpf_dynptr_from_skb(struct __sk_buff *s, __u64 flags, struct bpf_dynptr *p) K;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, __u32 off, void *buf, __u32 n) K;
extern int bpf_dynptr_copy(struct bpf_dynptr *to, __u32 at, struct bpf_dynptr *from, __u32 off,
			   __u32 n) K;
extern int bpf_dynptr_memset(struct bpf_dynptr *p, __u32 at, __u32 n, __u8 with) K;
struct eight { long a[8]; };
struct counts { struct eight PERCPU *p; };
struct locked { struct bpf_spin_lock lock; long n; };
ARRAY(percpu, struct counts);
ARRAY(locks, struct locked);
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
long bytes[4];

/* ---- objects of each cpu --------------------------------------------------------- */

// ok: for the type's sake
SEC("tc") int types(void *ctx)
{
	struct eight *e = bpf_percpu_obj_new_impl(__builtin_btf_type_id(*(struct eight *)0, 0), 0);

	if (e)
		bpf_percpu_obj_drop_impl(e, 0);
	return 0;
}
#define COUNTS(off) \
	struct counts *v = LOOKUP(percpu); \
	void *e = v ? v->p : 0; \
	struct eight *c; \
	if (!e) \
		return 0; \
	e += off; \
	asm volatile("" : "+r"(e)); \
	c = bpf_this_cpu_ptr(e); \
	c->a[7] = 1; \
	return 0
// rejected 0209: the last number behind an address in the middle
SEC("tc") int percpu_middle(void *ctx)
{
	COUNTS(8);
}
// ok: of the whole
SEC("tc") int percpu_whole(void *ctx)
{
	COUNTS(0);
}

/* ---- with a lock held --------------------------------------------------------------- */

// rejected 0310: the next of all tasks
SEC("tc") int tasks_locked(void *ctx)
{
	struct locked *v = LOOKUP(locks);
	struct bpf_iter_task it;

	if (!v)
		return 0;
	bpf_iter_task_new(&it, 0, 0);
	bpf_spin_lock(&v->lock);
	bpf_iter_task_next(&it);
	bpf_spin_unlock(&v->lock);
	bpf_iter_task_destroy(&it);
	return 0;
}
// ok: numbers
SEC("tc") int numbers_locked(void *ctx)
{
	struct locked *v = LOOKUP(locks);
	struct bpf_iter_num it;

	if (!v)
		return 0;
	bpf_spin_lock(&v->lock);
	bpf_iter_num_new(&it, 0, 3);
	while (bpf_iter_num_next(&it))
		v->n++;
	bpf_iter_num_destroy(&it);
	bpf_spin_unlock(&v->lock);
	return 0;
}

/* ---- writes into packets, by dynptrs ---------------------------------------------------- */

#define IN_GLOBAL(name, write) \
	NOINLINE int name##_in(struct __sk_buff *ctx) \
	{ \
		struct bpf_dynptr packet, own; \
		bpf_dynptr_from_mem(bytes, 32, 0, &own); \
		bpf_dynptr_from_skb(ctx, 0, &packet); \
		write; \
		return ctx->len; \
	}
#define CALLED(name) { \
		volatile char *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end; \
		if (p + 8 > end) \
			return 0; \
		name##_in(ctx); \
		return p[0]; \
	}
IN_GLOBAL(global_write, bpf_dynptr_write(&packet, 0, bytes, 8, 0))
IN_GLOBAL(global_copy, bpf_dynptr_copy(&packet, 0, &own, 0, 8))
IN_GLOBAL(global_set, bpf_dynptr_memset(&packet, 0, 8, 5))
IN_GLOBAL(global_read, bpf_dynptr_read(bytes, 8, &packet, 0, 0))
// rejected 0120, kernel ok: a global function writes
SEC("tc") int global_write(struct __sk_buff *ctx) CALLED(global_write)
// rejected 0120, kernel ok: it copies
SEC("tc") int global_copy(struct __sk_buff *ctx) CALLED(global_copy)
// rejected 0120, kernel ok: it fills
SEC("tc") int global_set(struct __sk_buff *ctx) CALLED(global_set)
// ok: it reads
SEC("tc") int global_read(struct __sk_buff *ctx) CALLED(global_read)
#define HERE(write) { \
		volatile char *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end; \
		struct bpf_dynptr packet, own; \
		if (p + 8 > end) \
			return 0; \
		bpf_dynptr_from_mem(bytes, 32, 0, &own); \
		bpf_dynptr_from_skb(ctx, 0, &packet); \
		write; \
		return p[0]; \
	}
// rejected 0120, kernel ok: a copy into the packet
SEC("tc") int copy_here(struct __sk_buff *ctx)
HERE(bpf_dynptr_copy(&packet, 0, &own, 0, 8))
// rejected 0120, kernel ok: the packet is filled
SEC("tc") int set_here(struct __sk_buff *ctx)
HERE(bpf_dynptr_memset(&packet, 0, 8, 5))
// ok: a copy out of it
SEC("tc") int copy_out(struct __sk_buff *ctx)
HERE(bpf_dynptr_copy(&own, 0, &packet, 0, 8))
// ok: what is filled is no packet
SEC("tc") int set_own(struct __sk_buff *ctx)
HERE(bpf_dynptr_memset(&own, 0, 8, 5))
NOINLINE int given_in(struct bpf_dynptr *d)
{
	volatile char *p = bpf_dynptr_slice(d, 0, 0, 8);

	if (!p)
		return 0;
	bpf_dynptr_write(d, 0, bytes, 8, 0);
	return p[0];
}
// rejected 0120, kernel ok: into a dynptr that the function was given, of a packet
SEC("tc") int given(struct __sk_buff *ctx)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(ctx, 0, &d);
	return given_in(&d);
}

/* ---- packets that are only read ------------------------------------------------------------ */

NOINLINE int reads(__u64 *p)
{
	return p ? *p : 0;
}
NOINLINE int reads_too(__u64 *p)
{
	return p ? reads(p) + 1 : 0;
}
NOINLINE int writes(__u64 *p)
{
	if (p)
		*p = 5;
	return p ? *p : 0;
}
NOINLINE int writes_too(__u64 *p)
{
	return p ? writes(p) + 1 : 0;
}
#define PACKET(fn) { \
		__u64 *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end, n = 1; \
		if (p + 1 > end) \
			return 1; \
		return fn(&n) + fn(p) & 1; \
	}
// ok: a function reads one
SEC("cgroup_skb/ingress") int shown(struct __sk_buff *ctx) PACKET(reads)
// ok: by another one
SEC("cgroup_skb/ingress") int shown_twice(struct __sk_buff *ctx) PACKET(reads_too)
// rejected 0208, kernel ok: one is written
SEC("cgroup_skb/ingress") int written(struct __sk_buff *ctx) PACKET(writes)
// rejected 0208, kernel ok: by another one
SEC("cgroup_skb/ingress") int written_twice(struct __sk_buff *ctx) PACKET(writes_too)
// ok: one that may be
SEC("tc") int written_right(struct __sk_buff *ctx) PACKET(writes_too)

/* ---- what callbacks leave ------------------------------------------------------------------- */

struct env { void *r; };
static int leaves(int i, struct env *e)
{
	if (!e->r)
		e->r = bpf_ringbuf_reserve(&ring, 8, 0);
	return 0;
}
static int loses(int i, struct env *e)
{
	bpf_ringbuf_reserve(&ring, 8, 0);
	return 0;
}
// ok: a record for who called
SEC("tc") int record_left(void *ctx)
{
	struct env e = {};

	bpf_loop(3, leaves, &e, 0);
	if (e.r)
		bpf_ringbuf_discard(e.r, 0);
	return 0;
}
// rejected 0305: one that is lost
SEC("tc") int record_lost(void *ctx)
{
	struct env e = {};

	bpf_loop(1, loses, &e, 0);
	return 0;
}
char _license[] SEC("license") = "GPL";
