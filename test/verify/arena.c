/* SPDX-License-Identifier: BSD-2-Clause */
/* arena.c: memory that programs share with user space. */
char _license[] SEC("license") = "GPL";
#define K __attribute__((section(".ksyms")))
#define ARENA __attribute__((address_space(1)))
#define ARENA_MAP 33
#define USE(map) asm volatile("" :: "r"(&map))
#define AS_KERNEL(r) r " = addr_space_cast(" r ", 0, 1);"
struct { __uint(type, ARENA_MAP); __uint(map_flags, 1 << 10); __uint(max_entries, 100);
	} arena SEC(".maps"), other SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int);
	__type(value, long); } array SEC(".maps");
extern void ARENA *bpf_arena_alloc_pages(void *map, void ARENA *addr, __u32 n, int node,
					 __u64 flags) K;
extern void bpf_arena_free_pages(void *map, void ARENA *addr, __u32 n) K;
extern int bpf_arena_reserve_pages(void *map, void ARENA *addr, __u32 n) K;
extern void bpf_rcu_read_lock(void) K;
extern void bpf_rcu_read_unlock(void) K;
struct node { struct node ARENA *next; int v; };
struct node ARENA *head;
__u64 sum;

// ok: an element is made
SEC("syscall") int push(void *ctx)
{
	struct node ARENA *n = bpf_arena_alloc_pages(&arena, (void ARENA *)0, 1, -1, 0);

	if (!n)
		return 1;
	n->v = 5;
	n->next = head;
	head = n;
	return n->v;
}
// ok: a list is followed
SEC("syscall") int walk(void *ctx)
{
	struct node ARENA *n = head;

	USE(arena);
	for (int i = 0; i < 10 && n; i++, n = n->next)
		sum += n->v;
	bpf_arena_free_pages(&arena, head, 1);
	return bpf_arena_reserve_pages(&arena, head, 1) != 0;
}
// ok: anything may be computed
SEC("xdp") int computed(struct xdp_md *ctx)
{
	int ARENA *p = (int ARENA *)(sum * 12345 ^ 77);

	USE(arena);
	p[sum] = p[-1000] + 1;
	p[3]++;
	return XDP_PASS;
}
// ok 0118: an address of the kernel that user space can read
SEC("syscall") int kept_there(void *ctx)
{
	void *ARENA *n = bpf_arena_alloc_pages(&arena, (void ARENA *)0, 1, -1, 0);

	if (n)
		*n = ctx;
	return 0;
}
// rejected 0120: an address that was not cast
SEC("xdp") __attribute__((naked)) int not_cast(void)
{
	asm volatile("r1 = %[arena] ll; r1 = 4096; r0 = *(u32 *)(r1 + 0); r0 = 2; exit;"
		     :: [arena]"i"(&arena) : "r0", "r1");
}
// ok: the same, cast
SEC("xdp") __attribute__((naked)) int cast(void)
{
	asm volatile("r1 = %[arena] ll; r1 = 4096;" AS_KERNEL("r1")
		     "r0 = *(u32 *)(r1 + 3); r0 = 2; exit;" :: [arena]"i"(&arena) : "r0", "r1");
}
// rejected 0263: a cast between spaces that are none
SEC("xdp") __attribute__((naked)) int cast_spaces(void)
{
	asm volatile("r1 = %[arena] ll; r1 = 4096; r1 = addr_space_cast(r1, 0, 2);"
		     "r0 = 2; exit;" :: [arena]"i"(&arena) : "r0", "r1");
}
// rejected 0262: no arena
SEC("xdp") __attribute__((naked)) int no_arena(void)
{
	asm volatile("r1 = 4096;" AS_KERNEL("r1") "r0 = *(u32 *)(r1 + 0); r0 = 2; exit;"
		     ::: "r0", "r1");
}
// rejected 0282: two of them
SEC("syscall") int two(void *ctx)
{
	USE(arena);
	USE(other);
	return 0;
}
// rejected 0354: as a helper's memory
SEC("xdp") __attribute__((naked)) int of_helper(void)
{
	asm volatile("r1 = %[arena] ll; r1 = 4096;" AS_KERNEL("r1")
		     "r2 = 4; call 6; r0 = 2; exit;" :: [arena]"i"(&arena) : "r0", "r1");
}
// ok: spilled, compared, with a number
SEC("xdp") __attribute__((naked)) int spilled(void)
{
	asm volatile("r1 = %[arena] ll; call 7; r6 = r0; r7 = r0;" AS_KERNEL("r6")
		     "*(u64 *)(r10 - 8) = r6; r8 = *(u64 *)(r10 - 8); r7 += r8;"
		     "if r7 > 100 goto 1f; if r8 == r10 goto 1f; w8 *= 3; r0 = *(u8 *)(r8 + 1);"
		     "lock *(u64 *)(r7 + 0) += r6; r0 = *(s8 *)(r7 - 1); 1: r0 = 2; exit;"
		     :: [arena]"i"(&arena) : "r0", "r1");
}
// rejected 0120: an address that was loaded, not cast
SEC("xdp") __attribute__((naked)) int loaded(void)
{
	asm volatile("r1 = %[arena] ll; r6 = 4096;" AS_KERNEL("r6")
		     "r6 = *(u64 *)(r6 + 0); r0 = *(u8 *)(r6 + 1); r0 = 2; exit;"
		     :: [arena]"i"(&arena) : "r0", "r1");
}
// rejected 0387: pages where nothing may sleep
SEC("xdp") int alloc_xdp(struct xdp_md *ctx)
{
	head = bpf_arena_alloc_pages(&arena, (void ARENA *)0, 1, -1, 0);
	return XDP_PASS;
}
// rejected 0256: in a read section
SEC("syscall") int alloc_section(void *ctx)
{
	bpf_rcu_read_lock();
	head = bpf_arena_alloc_pages(&arena, (void ARENA *)0, 1, -1, 0);
	bpf_rcu_read_unlock();
	return 0;
}
// rejected 0264: of what is no map
SEC("syscall") int alloc_stack(void *ctx)
{
	long x = 1;

	head = bpf_arena_alloc_pages(&x, (void ARENA *)0, 1, -1, 0);
	return 0;
}
// rejected 0388: of none
SEC("syscall") int alloc_null(void *ctx)
{
	head = bpf_arena_alloc_pages(0, (void ARENA *)0, 1, -1, 0);
	return 0;
}
// rejected 0255: a number that is none
SEC("syscall") int alloc_count(void *ctx)
{
	head = bpf_arena_alloc_pages(&arena, (void ARENA *)0, (__u32)(long)ctx, -1, 0);
	return 0;
}
// rejected 0120: what comes is to be cast
SEC("syscall") __attribute__((naked)) int alloc_result(void)
{
	asm volatile("r1 = %[arena] ll; r2 = 0; r3 = 1; r4 = -1; r5 = 0; call %[alloc];"
		     "r0 = *(u32 *)(r0 + 0); exit;"
		     :: [arena]"i"(&arena), [alloc]"i"(bpf_arena_alloc_pages) : "r0", "r1");
}
__attribute__((noinline)) int global(int ARENA *p __attribute__((btf_decl_tag("arg:arena"))))
{
	return p ? *p : 0;
}
// ok: a global function gets an address
SEC("syscall") int call_global(void *ctx)
{
	USE(arena);
	return global((int ARENA *)sum);
}
// rejected 0265: an address of something else
SEC("syscall") __attribute__((naked)) int call_global_stack(void)
{
	asm volatile("r1 = %[arena] ll; r1 = r10; call %[global]; exit;"
		     :: [arena]"i"(&arena), [global]"i"(global) : "r0", "r1");
}
