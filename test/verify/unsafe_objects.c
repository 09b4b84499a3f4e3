/* SPDX-License-Identifier: BSD-2-Clause */
/* unsafe_objects.c: timers and what their callbacks leave. */
char _license[] SEC("license") = "GPL";
#define NAKED __attribute__((naked))
#define NOINLINE __attribute__((noinline))
struct timed { struct bpf_timer timer; long n; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32);
	__type(value, struct timed); } timers SEC(".maps"), others SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");

static NOINLINE void *reserve(void)
{
	return bpf_ringbuf_reserve(&ring, 8, 0);
}
static int leak(void *map, int *key, struct timed *v)
{
	if (reserve())
		v->n = 1;
	return 0;
}
static int nothing(void *map, int *key, struct timed *v)
{
	return 0;
}
// rejected 0305: a record that a timer's callback keeps
SEC("tc") int timer_leaks(void *ctx)
{
	int key = 0;
	struct timed *v = bpf_map_lookup_elem(&timers, &key);

	if (!v)
		return 0;
	bpf_timer_init(&v->timer, &timers, 1);
	bpf_timer_set_callback(&v->timer, leak);
	return 0;
}
// rejected 0375: a timer of one map, begun with another
SEC("tc") int timer_of_other(void *ctx)
{
	int key = 0;
	struct timed *v = bpf_map_lookup_elem(&timers, &key);

	if (!v)
		return 0;
	bpf_timer_init(&v->timer, &others, 1);
	bpf_timer_set_callback(&v->timer, nothing);
	return 0;
}
static NOINLINE NAKED int deep(void)
{
	asm volatile("r1 = 1; *(u64 *)(r10 - 400) = r1; r0 = 0; exit;" ::: "r0");
}
// rejected 0158: a callback that is also called, too deep
SEC("tc") NAKED int callback_called(void)
{
	asm volatile("r1 = 0; *(u64 *)(r10 - 400) = r1; *(u32 *)(r10 - 4) = r1; r2 = r10;"
		"r2 += -4; r1 = %[map] ll; call 1; if r0 == 0 goto 1f; r6 = r0; r1 = r6;"
		"r2 = %[map] ll; r3 = 1; call 169; r1 = r6; r2 = %[deep] ll; call 170;"
		"r1 = r6; r2 = r6; r3 = r6; call %[deep]; 1: r0 = 0; exit;"
		:: [map]"i"(&timers), [deep]"i"(deep) : "r0");
}
struct locked { struct bpf_spin_lock lock; int n; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, __u32);
	__type(value, struct locked); } locks SEC(".maps");
#define LOOKUP "r1 = 0; *(u32 *)(r10 - 4) = r1; r2 = r10; r2 += -4; r1 = %[map] ll;" \
	"call 1; if r0 == 0 goto 9f;"
// rejected 0314: one of two locks is taken, always the same one is given back
SEC("tc") NAKED int other_lock(void)
{
	asm volatile(LOOKUP "r6 = r0;" LOOKUP "r7 = r0; call 7; r0 &= 1; if r0 != 0 goto 1f;"
		"r1 = r6; call 93; r0 = 0; goto 2f; 1: r1 = r7; call 93; r0 = 0;"
		"2: r1 = 1; r1 = 2; r1 = 3; r1 = 4; r1 = 5; if r0 != 0 goto +0;"
		"if r0 != 0 goto +0; r1 = r6; call 94; r0 = *(u32 *)(r7 + 4); 9: r0 = 0; exit;"
		:: [map]"i"(&locks) : "r0");
}
#define K __attribute__((section(".ksyms")))
extern void *bpf_obj_new_impl(__u64 type, void *meta) K;
extern void bpf_obj_drop_impl(void *p, void *meta) K;
struct open_end { long n; long more[]; };
static __attribute__((always_inline)) int write_open(int element)
{
	struct open_end *p = bpf_obj_new_impl(__builtin_btf_type_id(*(struct open_end *)0, 0), 0);

	if (!p)
		return 0;
	if (element)
		p->more[element] = 1;
	else
		p->n = 1;
	bpf_obj_drop_impl(p, 0);
	return 0;
}
// rejected 0240, kernel ok: behind an object, where an array without a length begins
SEC("tc") int behind_object(void *ctx) { return write_open(1000); }
// ok: before the array
SEC("tc") int before_array(void *ctx) { return write_open(0); }
