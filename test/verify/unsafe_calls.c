/* SPDX-License-Identifier: BSD-2-Clause */
/* unsafe_calls.c: calls that end early or move the packet. */
#define NAKED __attribute__((naked))
#define NOINLINE __attribute__((noinline))
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32);
	__type(value, __u64); } numbers SEC(".maps");

static NOINLINE NAKED int load_then_520(void)
{
	asm volatile("r6 = r1; r0 = *(u8 *)skb[60000]; r0 = 520; exit;" ::: "r0");
}
// rejected 0204: a packet load that fails ends the function with 0
SEC("tc") NAKED int load_ends_number(void)
{
	asm volatile("call %[f]; r1 = 0; *(u64 *)(r10 - 8) = r1; r1 = r10; r1 += -528;"
		"r1 += r0; r0 = *(u64 *)(r1 + 0); exit;" :: [f]"i"(load_then_520) : "r0");
}
static NOINLINE NAKED int load_then_value(void)
{
	asm volatile("r6 = r1; r1 = 0; *(u32 *)(r10 - 4) = r1; r2 = r10; r2 += -4;"
		"r1 = %[map] ll; call 1; r7 = r0; r0 = *(u8 *)skb[60000]; r0 = r7; exit;"
		:: [map]"i"(&numbers) : "r0");
}
// rejected 0120: a packet load that fails ends a function that returns a pointer
SEC("tc") NAKED int load_ends_pointer(void)
{
	asm volatile("call %[f]; r0 = *(u64 *)(r0 + 0); exit;"
		:: [f]"i"(load_then_value) : "r0");
}
static NOINLINE int shrink(int i, void **ctx)
{
	bpf_xdp_adjust_head(*ctx, 20);
	return 1;
}
NOINLINE int shrink_in_loop(struct xdp_md *ctx)
{
	void *c = ctx;

	bpf_loop(1, shrink, &c, 0);
	return 0;
}
// rejected 0120: a callback of a global function moves the packet
SEC("xdp") int callback_moves(struct xdp_md *ctx)
{
	char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + 14 > end)
		return 1;
	shrink_in_loop(ctx);
	return data[13];
}
NOINLINE int shrink_and_read(struct xdp_md *ctx, long *p)
{
	if (!p)
		return 0;
	bpf_xdp_adjust_head(ctx, 60);
	return *p;
}
// rejected 0374, kernel ok: packet memory for a function that moves it
SEC("xdp") int packet_argument(struct xdp_md *ctx)
{
	char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + 14 > end)
		return 1;
	return shrink_and_read(ctx, (void *)data);
}
NOINLINE int interface(struct xdp_md *ctx)
{
	return ctx->ingress_ifindex;
}
// rejected 0354: a context with a variable offset is an argument
SEC("xdp") NAKED int moved_context(void)
{
	asm volatile("r6 = r1; call 7; r0 &= 0xf8; r1 = r6; r1 += r0; call %[f]; r0 = 0; exit;"
		:: [f]"i"(interface) : "r0");
}
NOINLINE int shrink_60(struct xdp_md *ctx)
{
	return bpf_xdp_adjust_head(ctx, 60);
}
#define BUSY "r1 = 0; 1: r1 += 1; r2 = 1; r2 = 2; r2 = 3; r2 = 4; r2 = 5; if r1 < 3000 goto 1b;"
// rejected 0120: the packet is moved after the two explorations took turns
SEC("xdp") int late_mover(struct xdp_md *ctx)
{
	char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + 14 > end)
		return 1;
	asm volatile(BUSY ::: "r1", "r2");
	shrink_60(ctx);
	return data[13];
}
/* The loop goes on when the function ends early, and counts when it does not. */
static NOINLINE NAKED int load_then_count(void)
{
	asm volatile("r7 = r2; r6 = r1; r0 = *(u8 *)skb[60000]; r1 = *(u64 *)(r7 + 0); r1 += 1;"
		"*(u64 *)(r7 + 0) = r1; r0 = 0; exit;" ::: "r0");
}
static NOINLINE NAKED int just_count(void)
{
	asm volatile("r7 = r2; r1 = *(u64 *)(r7 + 0); r1 += 1;"
		"*(u64 *)(r7 + 0) = r1; r0 = 0; exit;" ::: "r0");
}
#define COUNT "r8 = r1; r1 = 0; *(u64 *)(r10 - 8) = r1; goto 2f;" \
	"1: r1 = r8; r2 = r10; r2 += -8; call %[f]; 2: r1 = *(u64 *)(r10 - 8);" \
	"*(u64 *)(r10 - 8) = r1; if r1 < 100000 goto 1b; r0 = 2; exit;"
// rejected 0156: a packet load that fails leads back to the head of a loop
SEC("tc") NAKED int load_ends_trip(void)
{
	asm volatile(COUNT :: [f]"i"(load_then_count) : "r0");
}
// ok, kernel rejected: the function always counts
SEC("tc") NAKED int all_trips_count(void)
{
	asm volatile(COUNT :: [f]"i"(just_count) : "r0");
}
#define K __attribute__((section(".ksyms")))
extern int bpf_dynptr_from_xdp(struct xdp_md *x, __u64 flags, struct bpf_dynptr *p) K;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, __u32 off, void *buf, __u32 n) K;
// rejected 0374, kernel ok: a slice of the packet for a function that moves it
SEC("xdp") int slice_argument(struct xdp_md *ctx)
{
	struct bpf_dynptr d;
	long *p;

	bpf_dynptr_from_xdp(ctx, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 0, 0, 8);
	return p ? shrink_and_read(ctx, p) : 1;
}
NOINLINE int just_read(long *p)
{
	return p ? *p : 0;
}
// ok: for one that does not
SEC("xdp") int slice_is_read(struct xdp_md *ctx)
{
	struct bpf_dynptr d;
	long *p;

	bpf_dynptr_from_xdp(ctx, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 0, 0, 8);
	return p ? just_read(p) : 1;
}
char _license[] SEC("license") = "GPL";
