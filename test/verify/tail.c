/* SPDX-License-Identifier: BSD-2-Clause */
/* tail.c: tail calls out of sections. With an array of programs all of an object
 * are loaded, so that each of these must be refused. */
#define K __attribute__((section(".ksyms")))
extern void bpf_rcu_read_lock(void) K;
extern void bpf_rcu_read_unlock(void) K;
extern void bpf_preempt_disable(void) K;
extern void bpf_preempt_enable(void) K;
extern void bpf_local_irq_save(unsigned long *flags) K;
extern void bpf_local_irq_restore(unsigned long *flags) K;
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4); __uint(key_size, 4);
	__uint(value_size, 4); } progs SEC(".maps");
char _license[] SEC("license") = "GPL";
char table[16];
#define NAKED __attribute__((naked))

// rejected 0315: a tail call inside
SEC("xdp") int rcu_tail(struct xdp_md *ctx)
{
	bpf_rcu_read_lock();
	bpf_tail_call(ctx, &progs, 0);
	bpf_rcu_read_unlock();
	return XDP_PASS;
}
// rejected 0315: a tail call without preemption
SEC("xdp") int preempt_tail(struct xdp_md *ctx)
{
	bpf_preempt_disable();
	bpf_tail_call(ctx, &progs, 0);
	bpf_preempt_enable();
	return XDP_PASS;
}
// rejected 0315: a tail call without interrupts
SEC("xdp") int irq_tail(struct xdp_md *ctx)
{
	unsigned long a;

	bpf_local_irq_save(&a);
	bpf_tail_call(ctx, &progs, 0);
	bpf_local_irq_restore(&a);
	return XDP_PASS;
}
static __attribute__((noinline)) NAKED int tails(void)
{
	asm volatile("r2 = %[progs] ll; r3 = 0; call 12; r0 = 0; exit;" :: [progs]"i"(&progs)
		     : "r0");
}
// rejected 0112: another program returns for the function
SEC("xdp") NAKED int tail_result(void)
{
	asm volatile("call %[f]; r1 = %[table] ll; r1 += r0; r0 = *(u8 *)(r1 + 0); r0 = 2; exit;"
		     :: [f]"i"(tails), [table]"i"(&table) : "r0");
}
// rejected 0120: another program may move the packet
SEC("xdp") NAKED int tail_packet(void)
{
	asm volatile("r7 = *(u32 *)(r1 + 0); r8 = *(u32 *)(r1 + 4); r2 = r7; r2 += 14;"
		     "if r2 > r8 goto 1f; call %[f]; r0 = *(u8 *)(r7 + 0); 1: r0 = 2; exit;"
		     :: [f]"i"(tails) : "r0");
}

/* ---- what is held ------------------------------------------------------------------ */

struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
#define RECORD(call) { \
	long *r = bpf_ringbuf_reserve(&ring, 8, 0); \
	if (!r) \
		return XDP_PASS; \
	*r = 1; \
	call; \
	bpf_ringbuf_submit(r, 0); \
	return XDP_PASS; \
}
// rejected 0308: of the program's own
SEC("xdp") int tail_record(struct xdp_md *ctx) RECORD(bpf_tail_call(ctx, &progs, 0))
static __attribute__((noinline)) int keeps(struct xdp_md *ctx)
RECORD(bpf_tail_call(ctx, &progs, 0))
// rejected 0305: of the function, which nobody can give back
SEC("xdp") int tail_lost(struct xdp_md *ctx)
{
	return keeps(ctx) ? XDP_PASS : XDP_DROP;
}
