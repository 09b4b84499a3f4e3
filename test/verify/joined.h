/* SPDX-License-Identifier: BSD-2-Clause */
/* What the programs of joined.c and endless.c share. */
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
/* What assembler calls must be declared in C. */
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
#define NUMBERS "r2 = 0; r3 = 1000; call %[new];"
#define OVER(at, body) "r1 = r10; r1 += -" #at ";" NUMBERS "6" #at ": r1 = r10; r1 += -" #at ";" \
	"call %[next]; if r0 == 0 goto 7" #at "f;" body " goto 6" #at "b; 7" #at ":" \
	"r1 = r10; r1 += -" #at "; call %[destroy];"
#define ITER [new]"i"(bpf_iter_num_new), [next]"i"(bpf_iter_num_next), \
	[destroy]"i"(bpf_iter_num_destroy)
#define MAY_GOTO(off) ".8byte 0x" off "00e5;"
#define TIMER "r1 = 0; *(u32 *)(r10 - 4) = r1; r2 = r10; r2 += -4; r1 = %[timers] ll;" \
	"call 1; if r0 == 0 goto 8f; r1 = r0; r2 = %[tick] ll; call 170; 8:"
