/* SPDX-License-Identifier: BSD-2-Clause */
/* joined.c: programs with more paths than can be followed: what joined states find out of
 * functions must hold for what is looked at afterwards. */
#define NOINLINE static __attribute__((noinline))
#define NAKED __attribute__((naked))
/* 2^30 paths, on each of which r7 is another number; beside them one that following paths
 * does not come to. */
#define PATHS "r9 = r1; call 7; if r0 == 5 goto 5f; call 7; r6 = r0; r7 = 1; .rept 30;" \
	"if r6 & 1 goto +1; r7 += 1; r7 *= 3; r6 >>= 1; .endr; r7 &= 7; r1 = %[table] ll;" \
	"r1 += r7; r0 = *(u8 *)(r1 + 0); r0 = 2; exit; 5:"
#define TABLE [table]"i"(&table)
#define K __attribute__((section(".ksyms")))
char _license[] SEC("license") = "GPL";
char table[16];
struct timed { struct bpf_timer timer; long n; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 1); __type(key, int);
	__type(value, struct timed); } timers SEC(".maps");
struct iter_num { __u64 opaque[1]; };
extern int bpf_iter_num_new(struct iter_num *it, int a, int b) K;
extern int *bpf_iter_num_next(struct iter_num *it) K;
extern void bpf_iter_num_destroy(struct iter_num *it) K;
extern void bpf_rcu_read_lock(void) K;
extern void bpf_rcu_read_unlock(void) K;
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __type(key, int);
	__type(value, int); } progs SEC(".maps");

// ok, kernel rejected: many paths
SEC("xdp") NAKED int many(void)
{
	asm volatile(PATHS "r0 = 2; exit;" :: TABLE : "r0");
}
__attribute__((noinline)) int by_number(int i)
{
	table[i] = 1;
	return 0;
}
// rejected 0113: a global function behind many paths
SEC("xdp") NAKED int calls_global(void)
{
	asm volatile(PATHS "r1 = 1; call by_number; r0 = 2; exit;" :: TABLE : "r0");
}
NOINLINE NAKED int tails(void)
{
	asm volatile("r2 = %[progs] ll; r3 = 0; call 12; r0 = 0; exit;" :: [progs]"i"(&progs)
		: "r0");
}
// rejected 0160: a tail call behind many paths
SEC("xdp") NAKED int calls_tail(void)
{
	asm volatile("r2 = 0; *(u64 *)(r10 - 304) = r2;" PATHS "r1 = r9; call %[f]; r0 = 2; exit;"
		:: TABLE, [f]"i"(tails) : "r0");
}
NOINLINE NAKED int deep(void)
{
	asm volatile("r1 = 0; *(u64 *)(r10 - 304) = r1; r0 = 0; exit;" ::: "r0");
}
// rejected 0158: a deep stack behind many paths
SEC("xdp") NAKED int calls_deep(void)
{
	asm volatile("r2 = 0; *(u64 *)(r10 - 304) = r2;" PATHS "call %[f]; r0 = 2; exit;"
		:: TABLE, [f]"i"(deep) : "r0");
}
// ok: what the assembler below calls
SEC("xdp") int declared(void *ctx)
{
	struct iter_num it;

	bpf_rcu_read_lock();
	bpf_iter_num_new(&it, 0, 9);
	bpf_iter_num_next(&it);
	bpf_iter_num_destroy(&it);
	bpf_rcu_read_unlock();
	return 2;
}
/* Takes and gives back by turns; comes to HERE when it gave back. */
#define TURNS(here) PATHS "r7 = 0; 6: if r7 != 0 goto 3f; call %[lock]; r7 = 1; goto 4f;" \
	"3: call %[unlock]; r7 = 0; " here "4: call 7; if r0 != 0 goto 6b;" \
	"if r7 == 0 goto 8f; call %[unlock]; 8: r0 = 2; exit;"
#define SECTION [lock]"i"(bpf_rcu_read_lock), [unlock]"i"(bpf_rcu_read_unlock)
// rejected 0155: by turns, for ever
SEC("xdp") NAKED int turns(void)
{
	asm volatile(TURNS("") :: TABLE, SECTION : "r0");
}
// ok, kernel rejected: by turns, once
SEC("xdp") NAKED int one_turn(void)
{
	asm volatile(TURNS("r0 = 2; exit;") :: TABLE, SECTION : "r0");
}
#define NUMBERS "r2 = 0; r3 = 1000; call %[new];"
#define OVER(at, body) "r1 = r10; r1 += -" #at ";" NUMBERS "6" #at ": r1 = r10; r1 += -" #at ";" \
	"call %[next]; if r0 == 0 goto 7" #at "f;" body " goto 6" #at "b; 7" #at ":" \
	"r1 = r10; r1 += -" #at "; call %[destroy];"
#define ITER [new]"i"(bpf_iter_num_new), [next]"i"(bpf_iter_num_next), \
	[destroy]"i"(bpf_iter_num_destroy)
// ok, kernel rejected: iterators in iterators behind many paths
SEC("xdp") NAKED int iterators(void)
{
	asm volatile(PATHS OVER(8, OVER(16, "")) "r0 = 2; exit;" :: TABLE, ITER : "r0");
}
// rejected 0155: a loop of 2^24 trips in an iterator
SEC("xdp") NAKED int long_in_iterator(void)
{
	asm volatile(PATHS OVER(8, "r6 = 0; 9: r6 += 1; if r6 < 16777216 goto 9b;")
		     "r0 = 2; exit;" :: TABLE, ITER : "r0");
}
// ok, kernel rejected: a loop of 256 trips in an iterator
SEC("xdp") NAKED int short_in_iterator(void)
{
	asm volatile(PATHS OVER(8, "r6 = 0; 9: r6 += 1; if r6 < 256 goto 9b;")
		     "r0 = 2; exit;" :: TABLE, ITER : "r0");
}
#define MAY_GOTO(off) ".8byte 0x" off "00e5;"
// ok, kernel rejected: may_goto behind many paths
SEC("xdp") NAKED int may_goto(void)
{
	asm volatile(PATHS "6:" MAY_GOTO("0002") "call 7; goto 6b; r0 = 2; exit;" :: TABLE : "r0");
}
// rejected 0155: a way round beside may_goto
SEC("xdp") NAKED int beside_may_goto(void)
{
	asm volatile(PATHS "6: call 7; if r0 == 1 goto 6b;" MAY_GOTO("0001")
		     "goto 6b; r0 = 2; exit;" :: TABLE : "r0");
}
NOINLINE NAKED int tick(void)
{
	asm volatile("r6 = 0; 9: r6 += 1; if r6 < 256 goto 9b; r0 = 0; exit;" ::: "r0");
}
NOINLINE NAKED int tick_bad(void)
{
	asm volatile("r0 = 1; exit;" ::: "r0");
}
#define TIMER "r1 = 0; *(u32 *)(r10 - 4) = r1; r2 = r10; r2 += -4; r1 = %[timers] ll;" \
	"call 1; if r0 == 0 goto 8f; r1 = r0; r2 = %[tick] ll; call 170; 8:"
// ok, kernel rejected: a timer's callback behind many paths
SEC("xdp") NAKED int timer(void)
{
	asm volatile(PATHS TIMER "r0 = 2; exit;" :: TABLE, [timers]"i"(&timers), [tick]"i"(tick)
		     : "r0");
}
// ok, kernel rejected: one that is set in a loop
SEC("xdp") NAKED int timer_in_loop(void)
{
	asm volatile(PATHS "r7 = 0; 6:" TIMER "r7 += 1; if r7 < 9 goto 6b; r0 = 2; exit;"
		     :: TABLE, [timers]"i"(&timers), [tick]"i"(tick) : "r0");
}
// rejected 0155: one that returns 1
SEC("xdp") NAKED int timer_bad(void)
{
	asm volatile(PATHS TIMER "r0 = 2; exit;" :: TABLE, [timers]"i"(&timers),
		     [tick]"i"(tick_bad) : "r0");
}
NOINLINE NAKED int first_byte(void)
{
	asm volatile("r0 = *(u32 *)(r1 + 0); r0 = 0; exit;" ::: "r0");
}
__attribute__((noinline)) NAKED int by_table(int i)
{
	asm volatile("r1 = %[table] ll; call %[f]; exit;" :: TABLE, [f]"i"(first_byte) : "r0");
}
// rejected 0127: the context behind many paths, a map value in another function
SEC("xdp") NAKED int two_kinds(void)
{
	asm volatile(PATHS "r1 = r9; call %[f]; r1 = 1; call by_table; r0 = 2; exit;"
		     :: TABLE, [f]"i"(first_byte) : "r0");
}
