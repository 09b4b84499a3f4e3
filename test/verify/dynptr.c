/* SPDX-License-Identifier: BSD-2-Clause */
/* dynptr.c: dynptrs and their slices. */
#define K __attribute__((section(".ksyms")))
extern int bpf_dynptr_from_xdp(struct xdp_md *x, __u64 flags, struct bpf_dynptr *p) K;
extern int bpf_dynptr_from_skb(struct __sk_buff *s, __u64 flags, struct bpf_dynptr *p) K;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, __u32 off, void *buf, __u32 n) K;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, __u32 off, void *buf, __u32 n) K;
extern int bpf_dynptr_adjust(const struct bpf_dynptr *p, __u32 start, __u32 end) K;
extern int bpf_dynptr_clone(const struct bpf_dynptr *p, struct bpf_dynptr *to) K;
extern __u32 bpf_dynptr_size(const struct bpf_dynptr *p) K;
extern _Bool bpf_dynptr_is_null(const struct bpf_dynptr *p) K;
extern _Bool bpf_dynptr_is_rdonly(const struct bpf_dynptr *p) K;
extern int bpf_dynptr_copy(struct bpf_dynptr *to, __u32 to_off, struct bpf_dynptr *from,
			   __u32 off, __u32 n) K;
extern int bpf_dynptr_memset(struct bpf_dynptr *p, __u32 off, __u32 n, __u8 byte) K;
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_USER_RINGBUF); __uint(max_entries, 4096); } user SEC(".maps");
char mem[64];
long sum;
#define use(x) asm volatile("" : : "r"(x) : "memory")

// ok: of memory, read and written
SEC("xdp") int from_mem(struct xdp_md *ctx)
{
	struct bpf_dynptr d;
	long n = 0, *p;

	bpf_dynptr_from_mem(mem, sizeof(mem), 0, &d);
	bpf_dynptr_write(&d, 8, &n, sizeof(n), 0);
	bpf_dynptr_read(&n, sizeof(n), &d, 0, 0);
	p = bpf_dynptr_data(&d, 16, 8);
	if (p)
		*p = n;
	return XDP_PASS;
}
// rejected 0382: of the stack
SEC("xdp") int of_stack(struct xdp_md *ctx)
{
	struct bpf_dynptr d;
	long n = 0;

	bpf_dynptr_from_mem(&n, sizeof(n), 0, &d);
	return n;
}
// rejected 0326: none yet
SEC("xdp") int none(struct xdp_md *ctx)
{
	struct bpf_dynptr d;
	long n;

	bpf_dynptr_read(&n, sizeof(n), &d, 0, 0);
	return n;
}
// rejected 0326: on one path only
SEC("xdp") int one_path(struct xdp_md *ctx)
{
	struct bpf_dynptr d;
	long n;

	if (ctx->ingress_ifindex == 7)
		bpf_dynptr_from_mem(mem, sizeof(mem), 0, &d);
	bpf_dynptr_read(&n, sizeof(n), &d, 0, 0);
	return n;
}
// rejected 0325: in the middle of one
SEC("xdp") int middle(struct xdp_md *ctx)
{
	struct bpf_dynptr d[2];
	long n;

	bpf_dynptr_from_mem(mem, sizeof(mem), 0, &d[0]);
	bpf_dynptr_from_mem(mem, sizeof(mem), 0, &d[1]);
	bpf_dynptr_read(&n, sizeof(n), (void *)&d[0] + 4, 0, 0);
	return n;
}
// rejected 0326: half of one and half of the next
SEC("xdp") int halves(struct xdp_md *ctx)
{
	struct bpf_dynptr d[2];
	long n;

	bpf_dynptr_from_mem(mem, sizeof(mem), 0, &d[0]);
	bpf_dynptr_from_mem(mem, sizeof(mem), 0, &d[1]);
	bpf_dynptr_read(&n, sizeof(n), (void *)&d[0] + 8, 0, 0);
	return n;
}
// rejected 0320: read like memory
SEC("xdp") int peek(struct xdp_md *ctx)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_mem(mem, sizeof(mem), 0, &d);
	return *(volatile long *)&d;
}
// rejected 0326: overwritten, then used
SEC("xdp") int overwritten(struct xdp_md *ctx)
{
	struct bpf_dynptr d;
	long n;

	bpf_dynptr_from_mem(mem, sizeof(mem), 0, &d);
	((volatile long *)&d)[1] = 1;
	bpf_dynptr_read(&n, sizeof(n), &d, 0, 0);
	return n;
}
// ok: overwritten and made again
SEC("xdp") int again(struct xdp_md *ctx)
{
	struct bpf_dynptr d;
	long n;

	bpf_dynptr_from_mem(mem, sizeof(mem), 0, &d);
	((volatile long *)&d)[0] = 1;
	bpf_dynptr_from_mem(mem, 8, 0, &d);
	bpf_dynptr_from_mem(mem, 16, 0, &d);
	bpf_dynptr_read(&n, sizeof(n), &d, 0, 0);
	return n;
}
// rejected 0120: a slice of one that was overwritten
SEC("xdp") int dead_slice(struct xdp_md *ctx)
{
	struct bpf_dynptr d;
	long *p;

	bpf_dynptr_from_mem(mem, sizeof(mem), 0, &d);
	p = bpf_dynptr_data(&d, 0, 8);
	if (!p)
		return 0;
	((volatile long *)&d)[0] = 1;
	return *p;
}
// rejected 0203: behind the slice
SEC("xdp") int behind(struct xdp_md *ctx)
{
	struct bpf_dynptr d;
	char *p;

	bpf_dynptr_from_mem(mem, sizeof(mem), 0, &d);
	p = bpf_dynptr_data(&d, 0, 8);
	return p ? p[8] : 0;
}
// rejected 0107: the slice may be NULL
SEC("xdp") int slice_null(struct xdp_md *ctx)
{
	struct bpf_dynptr d;
	char *p;

	bpf_dynptr_from_mem(mem, sizeof(mem), 0, &d);
	p = bpf_dynptr_data(&d, 0, 8);
	return *p;
}
// rejected 0360: the size of a slice is no constant
SEC("xdp") int slice_size(struct xdp_md *ctx)
{
	struct bpf_dynptr d;
	char *p;

	bpf_dynptr_from_mem(mem, sizeof(mem), 0, &d);
	p = bpf_dynptr_data(&d, 0, ctx->rx_queue_index & 7);
	return p ? *p : 0;
}
// ok: a record
SEC("xdp") int record(struct xdp_md *ctx)
{
	struct bpf_dynptr d;
	long n = 1, *p;

	bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d);
	p = bpf_dynptr_data(&d, 0, 8);
	if (p)
		*p = 1;
	bpf_dynptr_write(&d, 0, &n, sizeof(n), 0);
	bpf_ringbuf_submit_dynptr(&d, 0);
	return XDP_PASS;
}
// rejected 0305: a record that is lost
SEC("xdp") int lost(struct xdp_md *ctx)
{
	struct bpf_dynptr d;

	bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d);
	return XDP_PASS;
}
// rejected 0305: lost though its slice was NULL
SEC("xdp") int lost_null(struct xdp_md *ctx)
{
	struct bpf_dynptr d;
	long *p;

	bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d);
	p = bpf_dynptr_data(&d, 0, 8);
	if (!p)
		return 0;
	bpf_ringbuf_submit_dynptr(&d, 0);
	return XDP_PASS;
}
// rejected 0326: given back twice
SEC("xdp") int twice(struct xdp_md *ctx)
{
	struct bpf_dynptr d;

	bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d);
	bpf_ringbuf_submit_dynptr(&d, 0);
	bpf_ringbuf_discard_dynptr(&d, 0);
	return XDP_PASS;
}
// rejected 0327: memory given back
SEC("xdp") int wrong_kind(struct xdp_md *ctx)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_mem(mem, sizeof(mem), 0, &d);
	bpf_ringbuf_submit_dynptr(&d, 0);
	return XDP_PASS;
}
// rejected 0321: a record overwritten
SEC("xdp") int record_over(struct xdp_md *ctx)
{
	struct bpf_dynptr d;

	bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d);
	((volatile long *)&d)[0] = 1;
	bpf_ringbuf_submit_dynptr(&d, 0);
	return XDP_PASS;
}
// rejected 0321: a record overwritten by another
SEC("xdp") int record_remade(struct xdp_md *ctx)
{
	struct bpf_dynptr d;

	bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d);
	bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d);
	bpf_ringbuf_submit_dynptr(&d, 0);
	return XDP_PASS;
}
// rejected 0120: a slice of a record that was submitted
SEC("xdp") int after_submit(struct xdp_md *ctx)
{
	struct bpf_dynptr d;
	long *p;

	bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d);
	p = bpf_dynptr_data(&d, 0, 8);
	bpf_ringbuf_submit_dynptr(&d, 0);
	return p ? *p : 0;
}
// ok: a clone is submitted
SEC("xdp") int clone(struct xdp_md *ctx)
{
	struct bpf_dynptr d, e;

	bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d);
	bpf_dynptr_clone(&d, &e);
	bpf_ringbuf_submit_dynptr(&e, 0);
	return XDP_PASS;
}
// rejected 0326: the original of a clone that was submitted
SEC("xdp") int clone_gone(struct xdp_md *ctx)
{
	struct bpf_dynptr d, e;

	bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d);
	bpf_dynptr_clone(&d, &e);
	bpf_ringbuf_submit_dynptr(&e, 0);
	return bpf_dynptr_size(&d);
}
// ok: a slice of the packet
SEC("xdp") int slice(struct xdp_md *ctx)
{
	struct bpf_dynptr d;
	char buf[14], *p;

	bpf_dynptr_from_xdp(ctx, 0, &d);
	p = bpf_dynptr_slice(&d, 0, buf, sizeof(buf));
	return p ? p[13] & 1 : 0;
}
// ok: a slice without a buffer
SEC("xdp") int slice_nobuf(struct xdp_md *ctx)
{
	struct bpf_dynptr d;
	char *p;

	bpf_dynptr_from_xdp(ctx, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 0, 0, 14);
	if (p)
		p[0] = 1;
	return XDP_PASS;
}
// rejected 0208: a slice to read is written
SEC("xdp") int slice_write(struct xdp_md *ctx)
{
	struct bpf_dynptr d;
	char buf[14], *p;

	bpf_dynptr_from_xdp(ctx, 0, &d);
	p = bpf_dynptr_slice(&d, 0, buf, sizeof(buf));
	if (p)
		p[0] = 1;
	return XDP_PASS;
}
// ok: a slice of the packet, after its dynptr was overwritten
SEC("xdp") int slice_over(struct xdp_md *ctx)
{
	struct bpf_dynptr d;
	char buf[14], *p;

	bpf_dynptr_from_xdp(ctx, 0, &d);
	p = bpf_dynptr_slice(&d, 0, buf, sizeof(buf));
	((volatile long *)&d)[0] = 1;
	return p ? p[13] & 1 : 0;
}
// rejected 0120: a slice after the packet moved
SEC("xdp") int slice_moved(struct xdp_md *ctx)
{
	struct bpf_dynptr d;
	char buf[14], *p;

	bpf_dynptr_from_xdp(ctx, 0, &d);
	p = bpf_dynptr_slice(&d, 0, buf, sizeof(buf));
	if (!p)
		return XDP_PASS;
	bpf_xdp_adjust_head(ctx, 4);
	return p[0] & 1;
}
// rejected 0120: a slice after a write that may move the packet
SEC("tc") int slice_written(struct __sk_buff *ctx)
{
	struct bpf_dynptr d;
	char buf[14] = "", *p;

	bpf_dynptr_from_skb(ctx, 0, &d);
	p = bpf_dynptr_slice(&d, 0, buf, sizeof(buf));
	if (!p)
		return 0;
	bpf_dynptr_write(&d, 0, buf, 4, 0);
	return p[0] & 1;
}
// rejected 0120: packet pointers, too
SEC("tc") int packet_written(struct __sk_buff *ctx)
{
	struct bpf_dynptr d;
	char buf[14] = "", *p = (void *)(long)ctx->data;

	if (p + 1 > (char *)(long)ctx->data_end)
		return 0;
	bpf_dynptr_from_skb(ctx, 0, &d);
	bpf_dynptr_write(&d, 0, buf, 4, 0);
	return p[0] & 1;
}
// ok: XDP packets do not move by that
SEC("xdp") int xdp_written(struct xdp_md *ctx)
{
	struct bpf_dynptr d;
	char buf[14] = "", *p = (void *)(long)ctx->data;

	if (p + 1 > (char *)(long)ctx->data_end)
		return 0;
	bpf_dynptr_from_xdp(ctx, 0, &d);
	bpf_dynptr_write(&d, 0, buf, 4, 0);
	return p[0] & 1;
}
// rejected 0383: a slice to write, where packets are not written
SEC("cgroup_skb/egress") int slice_cgroup(struct __sk_buff *ctx)
{
	struct bpf_dynptr d;
	char *p;

	bpf_dynptr_from_skb(ctx, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 0, 0, 14);
	if (p)
		p[0] = 1;
	return 1;
}
// rejected 0380: another type's packet
SEC("tc") int wrong_packet(struct __sk_buff *ctx)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_xdp((void *)ctx, 0, &d);
	return 0;
}
// ok: what they are
SEC("xdp") int facts(struct xdp_md *ctx)
{
	struct bpf_dynptr d, e;

	bpf_dynptr_from_xdp(ctx, 0, &d);
	bpf_dynptr_from_mem(mem, sizeof(mem), 0, &e);
	bpf_dynptr_copy(&e, 0, &d, 0, 8);
	bpf_dynptr_memset(&e, 8, 8, 0);
	bpf_dynptr_adjust(&d, 1, 2);
	return bpf_dynptr_size(&d) + bpf_dynptr_is_null(&d) + bpf_dynptr_is_rdonly(&d) ? 2 : 1;
}
// rejected 0255: a pointer where a number is wanted
SEC("xdp") int pointer_number(struct xdp_md *ctx)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_mem(mem, sizeof(mem), 0, &d);
	bpf_dynptr_adjust(&d, 1, (__u64)mem);
	return 1;
}
// rejected 0322: a buffer over it
SEC("xdp") int alias(struct xdp_md *ctx)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_mem(mem, sizeof(mem), 0, &d);
	bpf_dynptr_read(&d, 8, &d, 0, 0);
	return 1;
}
static long sample(struct bpf_dynptr *d, void *arg)
{
	long n = 0;

	bpf_dynptr_read(&n, sizeof(n), d, 0, 0);
	sum += n;
	return 0;
}
// ok: samples of user space
SEC("xdp") int drain(struct xdp_md *ctx)
{
	bpf_user_ringbuf_drain(&user, sample, 0, 0);
	return XDP_PASS;
}
static long sample_end(struct bpf_dynptr *d, void *arg)
{
	bpf_ringbuf_discard_dynptr(d, 0);
	return 0;
}
// rejected 0327: a sample is no record
SEC("xdp") int drain_end(struct xdp_md *ctx)
{
	bpf_user_ringbuf_drain(&user, sample_end, 0, 0);
	return XDP_PASS;
}
static long sample_over(struct bpf_dynptr *d, void *arg)
{
	bpf_dynptr_from_mem(mem, 8, 0, d);
	return 0;
}
// rejected 0330: a sample is no place for a dynptr
SEC("xdp") int drain_over(struct xdp_md *ctx)
{
	bpf_user_ringbuf_drain(&user, sample_over, 0, 0);
	return XDP_PASS;
}
static long sample_adjust(struct bpf_dynptr *d, void *arg)
{
	bpf_dynptr_adjust(d, 1, 2);
	return 0;
}
// ok: a sample cut
SEC("xdp") int drain_adjust(struct xdp_md *ctx)
{
	bpf_user_ringbuf_drain(&user, sample_adjust, 0, 0);
	return XDP_PASS;
}
static long sample_two(struct bpf_dynptr *d, void *arg)
{
	return 2;
}
// rejected 0123: what a callback answers
SEC("xdp") int drain_two(struct xdp_md *ctx)
{
	bpf_user_ringbuf_drain(&user, sample_two, 0, 0);
	return XDP_PASS;
}
__noinline long whole(const struct bpf_dynptr *d)
{
	long n = 0;

	bpf_dynptr_read(&n, sizeof(n), d, 0, 0);
	return n;
}
// ok: a parameter
SEC("xdp") int param(struct xdp_md *ctx)
{
	struct bpf_dynptr d;
	long n;

	bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d);
	n = whole(&d);
	bpf_ringbuf_submit_dynptr(&d, 0);
	return n & 1;
}
// rejected 0326: a parameter that is none
SEC("xdp") int param_none(struct xdp_md *ctx)
{
	struct bpf_dynptr d;

	return whole(&d) & 1;
}
// ok: a slice of a clone, of memory
SEC("xdp") int clone_mem(struct xdp_md *ctx)
{
	struct bpf_dynptr d, e;
	long *p;

	bpf_dynptr_from_mem(mem, sizeof(mem), 0, &d);
	p = bpf_dynptr_data(&d, 0, 8);
	bpf_dynptr_clone(&d, &e);
	if (!p)
		return 0;
	((volatile long *)&e)[0] = 1;
	return *p & 1;
}
// rejected 0326: clone of nothing
SEC("xdp") int clone_none(struct xdp_md *ctx)
{
	struct bpf_dynptr d, e;

	bpf_dynptr_clone(&d, &e);
	return 0;
}
// rejected 0120, kernel ok: a slice of a record, after it was submitted
SEC("tc") int record_slice(struct __sk_buff *ctx)
{
	struct bpf_dynptr d;
	char *p;

	bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d);
	p = bpf_dynptr_slice(&d, 0, 0, 8);
	bpf_ringbuf_submit_dynptr(&d, 0);
	return p ? *p : 0;
}
// ok: in a loop
SEC("xdp") int loop(struct xdp_md *ctx)
{
	for (int i = 0; i < 100; i++) {
		struct bpf_dynptr d;

		bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &d);
		if (bpf_get_prandom_u32() & 1)
			bpf_ringbuf_submit_dynptr(&d, 0);
		else
			bpf_ringbuf_discard_dynptr(&d, 0);
	}
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
