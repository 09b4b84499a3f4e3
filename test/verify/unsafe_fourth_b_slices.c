/* SPDX-License-Identifier: BSD-2-Clause */
/* unsafe_fourth_b_slices.c: slices of packets that may lie in the buffer which the call was
 * given; maps that programs may not read, or not write. */
#define K __attribute__((section(".ksyms")))
#define NOINLINE __attribute__((noinline))
#define LOOKUP(map) ({ int key_ = 0; bpf_map_lookup_elem(&map, &key_); })
#define ARRAY(name, flags, type_) struct { __uint(type, BPF_MAP_TYPE_ARRAY); \
	__uint(max_entries, 2); __uint(map_flags, flags); __type(key, __u32); \
	__type(value, type_); } name SEC(".maps")
extern int bpf_dynptr_from_skb(struct __sk_buff *s, __u64 flags, struct bpf_dynptr *p) K;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, __u32 off, void *buf, __u32 n) K;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, __u32 off, void *buf, __u32 n) K;
struct four { long a[4]; };
ARRAY(read_only, BPF_F_RDONLY_PROG, struct four);
ARRAY(write_only, BPF_F_WRONLY_PROG, struct four);
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
long bytes[4];

// rejected 0120, kernel ok: an address is kept in the buffer of a slice, which is written
SEC("tc") int address_in_buffer(struct __sk_buff *ctx)
{
	void *volatile buf[2] = {};
	struct bpf_dynptr d;
	long *p;

	bpf_dynptr_from_skb(ctx, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 0, (void *)buf, 16);
	if (!p)
		return 0;
	buf[0] = bytes;
	p[0] = 0x1234;
	return *(long *)buf[0];
}
// rejected 0120, kernel ok: an index is
SEC("tc") int index_in_buffer(struct __sk_buff *ctx)
{
	volatile long buf[2] = {};
	struct bpf_dynptr d;
	long *p;

	bpf_dynptr_from_skb(ctx, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 0, (void *)buf, 16);
	if (!p)
		return 0;
	buf[0] = 3;
	p[0] = 1000;
	return bytes[buf[0]];
}
// rejected 0120, kernel ok: a dynptr is
SEC("tc") int dynptr_in_buffer(struct __sk_buff *ctx)
{
	struct bpf_dynptr d, buf;
	long *p;

	bpf_dynptr_from_skb(ctx, 0, &d);
	__builtin_memset(&buf, 0, sizeof(buf));
	p = bpf_dynptr_slice_rdwr(&d, 0, &buf, 16);
	if (!p)
		return 0;
	bpf_dynptr_from_mem(bytes, 32, 0, &buf);
	p[0] = 1000;
	return bpf_dynptr_read(bytes, 8, &buf, 0, 0);
}
static NOINLINE long *of_callee(struct bpf_dynptr *d)
{
	long buf = 0;

	return bpf_dynptr_slice_rdwr(d, 0, &buf, 8);
}
// rejected 0120, kernel ok: the buffer is of a function that has returned
SEC("tc") int buffer_gone(struct __sk_buff *ctx)
{
	struct bpf_dynptr d;
	long *p;

	bpf_dynptr_from_skb(ctx, 0, &d);
	p = of_callee(&d);
	if (p)
		*p = 1;
	return 0;
}
// rejected 0120, kernel ok: it is a record that was given back
SEC("tc") int buffer_sent(struct __sk_buff *ctx)
{
	void *r = bpf_ringbuf_reserve(&ring, 16, 0);
	struct bpf_dynptr d;
	long *p;

	if (!r)
		return 0;
	bpf_dynptr_from_skb(ctx, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 0, r, 16);
	bpf_ringbuf_submit(r, 0);
	if (p)
		*p = 1;
	return 0;
}
// ok: two slices with one buffer, other variables meanwhile
SEC("tc") int one_buffer(struct __sk_buff *ctx)
{
	volatile long other = 1;
	struct bpf_dynptr d;
	char buf[16] = {}, *p, *q;

	bpf_dynptr_from_skb(ctx, 0, &d);
	p = bpf_dynptr_slice(&d, 0, buf, 16);
	if (!p)
		return 0;
	other = 2;
	q = bpf_dynptr_slice(&d, 16, buf, 16);
	return q ? p[1] + q[1] + other : p[2];
}
// ok: no buffer, and what the slice shows is written afterwards
SEC("tc") int no_buffer(struct __sk_buff *ctx)
{
	struct bpf_dynptr d;
	volatile long n = 0;
	long *p;

	bpf_dynptr_from_skb(ctx, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 0, 0, 8);
	n = 5;
	if (p)
		*p = n;
	return 0;
}

/* ---- maps ------------------------------------------------------------------------- */

// rejected 0219, kernel ok: a map that is not read, through a dynptr
SEC("tc") int read_unread(struct __sk_buff *ctx)
{
	struct four *v = LOOKUP(write_only);
	struct bpf_dynptr d;

	if (!v)
		return 0;
	bpf_dynptr_from_mem(v, 32, 0, &d);
	return bpf_dynptr_read(bytes, 8, &d, 0, 0);
}
// rejected 0218: one that is not written
SEC("tc") int write_unwritten(struct __sk_buff *ctx)
{
	struct four *v = LOOKUP(read_only);
	struct bpf_dynptr d;

	if (!v)
		return 0;
	bpf_dynptr_from_mem(v, 32, 0, &d);
	return bpf_dynptr_write(&d, 0, bytes, 8, 0);
}
char _license[] SEC("license") = "GPL";
