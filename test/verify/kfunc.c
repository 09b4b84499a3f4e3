/* SPDX-License-Identifier: BSD-2-Clause */
/* kfunc.c: functions of the kernel: sections, iterators, strings, interrupts. */
#define K __attribute__((section(".ksyms")))
extern void bpf_rcu_read_lock(void) K;
extern void bpf_rcu_read_unlock(void) K;
extern void bpf_preempt_disable(void) K;
extern void bpf_preempt_enable(void) K;
extern void bpf_local_irq_save(unsigned long *flags) K;
extern void bpf_local_irq_restore(unsigned long *flags) K;
extern int bpf_strlen(const char *s) K;
extern int bpf_strcmp(const char *a, const char *b) K;
extern int bpf_strnchr(const char *a, __u64 n, char c) K;
struct bpf_map;
extern __s64 bpf_map_sum_elem_count(const struct bpf_map *map) K;
extern int bpf_xdp_pull_data(struct xdp_md *x, __u32 n) K;
struct iter_bits { __u64 opaque[2]; };
extern int bpf_iter_bits_new(struct iter_bits *it, const __u64 *p, __u32 n) K;
extern int *bpf_iter_bits_next(struct iter_bits *it) K;
extern void bpf_iter_bits_destroy(struct iter_bits *it) K;
struct iter_num { __u64 opaque[1]; };
extern int bpf_iter_num_new(struct iter_num *it, int a, int b) K;
extern int *bpf_iter_num_next(struct iter_num *it) K;
extern void bpf_iter_num_destroy(struct iter_num *it) K;
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, int);
	__type(value, int); } hash SEC(".maps");
char text[16];
int sum;

// ok: a read section
SEC("xdp") int rcu(struct xdp_md *ctx)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	return XDP_PASS;
}
// rejected 0334: one in another
SEC("xdp") int rcu_nested(struct xdp_md *ctx)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	bpf_rcu_read_unlock();
	return XDP_PASS;
}
// rejected 0317: not left
SEC("xdp") int rcu_open(struct xdp_md *ctx)
{
	bpf_rcu_read_lock();
	return XDP_PASS;
}
// rejected 0316: not entered
SEC("xdp") int rcu_none(struct xdp_md *ctx)
{
	bpf_rcu_read_unlock();
	return XDP_PASS;
}
// ok: nested sections without preemption
SEC("xdp") int preempt(struct xdp_md *ctx)
{
	bpf_preempt_disable();
	bpf_preempt_disable();
	bpf_preempt_enable();
	bpf_preempt_enable();
	return XDP_PASS;
}
// ok: interrupts
SEC("xdp") int irq(struct xdp_md *ctx)
{
	unsigned long a, b;

	bpf_local_irq_save(&a);
	bpf_local_irq_save(&b);
	bpf_local_irq_restore(&b);
	bpf_local_irq_restore(&a);
	return XDP_PASS;
}
// rejected 0333: in the wrong order
SEC("xdp") int irq_order(struct xdp_md *ctx)
{
	unsigned long a, b;

	bpf_local_irq_save(&a);
	bpf_local_irq_save(&b);
	bpf_local_irq_restore(&a);
	bpf_local_irq_restore(&b);
	return XDP_PASS;
}
// rejected 0317: not restored
SEC("xdp") int irq_open(struct xdp_md *ctx)
{
	unsigned long a;

	bpf_local_irq_save(&a);
	return XDP_PASS;
}
// rejected 0331: nothing was saved
SEC("xdp") int irq_none(struct xdp_md *ctx)
{
	unsigned long a = 0;

	bpf_local_irq_restore(&a);
	return XDP_PASS;
}
// rejected 0332: saved over what was saved
SEC("xdp") int irq_twice(struct xdp_md *ctx)
{
	unsigned long a;

	bpf_local_irq_save(&a);
	bpf_local_irq_save(&a);
	bpf_local_irq_restore(&a);
	bpf_local_irq_restore(&a);
	return XDP_PASS;
}
// rejected 0331: what was saved is overwritten
SEC("xdp") int irq_over(struct xdp_md *ctx)
{
	unsigned long a;

	bpf_local_irq_save(&a);
	*(volatile long *)&a = 1;
	bpf_local_irq_restore(&a);
	return XDP_PASS;
}
// rejected 0332: saved in a map value
SEC("xdp") int irq_map(struct xdp_md *ctx)
{
	bpf_local_irq_save((void *)text);
	bpf_local_irq_restore((void *)text);
	return XDP_PASS;
}
// ok: strings are read with faults caught
SEC("xdp") int strings(struct xdp_md *ctx)
{
	return (bpf_strlen(text) + bpf_strcmp(text, (void *)8) + bpf_strnchr(text, 9, 'x')) & 1;
}
// rejected 0255: a pointer as a character
SEC("xdp") int string_char(struct xdp_md *ctx)
{
	int r;

	asm volatile("r1 = %1; r2 = 4; r3 = %1; call %2; %0 = r0" : "=r"(r)
		     : "r"(&text), "i"(bpf_strnchr) : "r0", "r1", "r2", "r3", "r4", "r5");
	return r & 1;
}
// ok: elements of a map
SEC("xdp") int elements(struct xdp_md *ctx)
{
	return bpf_map_sum_elem_count((void *)&hash) & 1;
}
// rejected 0120: a packet pointer after the packet was pulled
SEC("xdp") int pulled(struct xdp_md *ctx)
{
	char *p = (void *)(long)ctx->data;

	if (p + 1 > (char *)(long)ctx->data_end)
		return XDP_PASS;
	bpf_xdp_pull_data(ctx, 64);
	return p[0] & 1;
}
// rejected 0380: another type's function
SEC("tc") int pull_tc(struct __sk_buff *ctx)
{
	bpf_xdp_pull_data((void *)ctx, 64);
	return 0;
}
// ok: bits
SEC("xdp") int bits(struct xdp_md *ctx)
{
	struct iter_bits it;
	__u64 words = 0x5;
	int *p;

	bpf_iter_bits_new(&it, &words, 1);
	while ((p = bpf_iter_bits_next(&it)))
		sum += *p;
	bpf_iter_bits_destroy(&it);
	return XDP_PASS;
}
// rejected 0305: bits not given back
SEC("xdp") int bits_lost(struct xdp_md *ctx)
{
	struct iter_bits it;
	__u64 words = 0x5;

	bpf_iter_bits_new(&it, &words, 1);
	return XDP_PASS;
}
// rejected 0318: an iterator of another kind
SEC("xdp") int bits_num(struct xdp_md *ctx)
{
	struct iter_bits it;
	__u64 words = 0x5;

	bpf_iter_bits_new(&it, &words, 1);
	bpf_iter_num_destroy((void *)&it);
	return XDP_PASS;
}
// rejected 0318: half overwritten
SEC("xdp") int bits_over(struct xdp_md *ctx)
{
	struct iter_bits it;
	__u64 words = 0x5;

	bpf_iter_bits_new(&it, &words, 1);
	((volatile __u64 *)&it)[1] = 1;
	bpf_iter_bits_destroy(&it);
	return XDP_PASS;
}
// rejected 0208: an element is written
SEC("xdp") int bits_write(struct xdp_md *ctx)
{
	struct iter_bits it;
	__u64 words = 0x5;
	int *p;

	bpf_iter_bits_new(&it, &words, 1);
	while ((p = bpf_iter_bits_next(&it)))
		*p = 1;
	bpf_iter_bits_destroy(&it);
	return XDP_PASS;
}
// rejected 0319: made twice
SEC("xdp") int num_twice(struct xdp_md *ctx)
{
	struct iter_num it;

	bpf_iter_num_new(&it, 0, 3);
	bpf_iter_num_new(&it, 0, 3);
	bpf_iter_num_destroy(&it);
	return XDP_PASS;
}
// rejected 0318: never made
SEC("xdp") int num_none(struct xdp_md *ctx)
{
	struct iter_num it;

	bpf_iter_num_destroy(&it);
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
