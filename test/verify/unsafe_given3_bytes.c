/* SPDX-License-Identifier: BSD-2-Clause */
/* unsafe_given3_bytes.c: what is given where a number of bytes is wanted; dynptrs that
 * functions and callbacks are given. */
#define NAKED __attribute__((naked))
#define NOINLINE __attribute__((noinline))
#define K __attribute__((section(".ksyms")))
extern int bpf_dynptr_from_xdp(struct xdp_md *x, __u64 flags, struct bpf_dynptr *p) K;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, __u32 off, void *buf, __u32 n) K;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, __u32 off, void *buf, __u32 n) K;
extern int bpf_dynptr_clone(const struct bpf_dynptr *p, struct bpf_dynptr *to) K;
struct { __uint(type, 33 /* arena */); __uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2); } arena SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_USER_RINGBUF); __uint(max_entries, 4096); } user SEC(".maps");
__u64 bytes[4];

/* ---- memory for functions ----------------------------------------------------- */

NOINLINE int write_int(int *p)
{
	if (!p)
		return 0;
	*p = 5;
	return *p;
}
// rejected 0354: the context as memory, where its first field is four bytes to write
SEC("cgroup/sock_create") int context_as_memory(struct bpf_sock *ctx)
{
	write_int((void *)ctx);
	return 1;
}
// rejected 0354: the keys of a flow as memory
SEC("flow_dissector") int keys_as_memory(struct __sk_buff *ctx)
{
	write_int((void *)(long)ctx->flow_keys);
	return 0;
}
// rejected 0354: a tracepoint's buffer, whose length nobody knows
SEC("raw_tracepoint.w/nbd_send_request") int buffer_as_memory(__u64 *ctx)
{
	write_int((void *)ctx[0]);
	return 0;
}
// rejected 0354: an address in an arena
SEC("syscall") NAKED int arena_as_memory(void)
{
	asm volatile("r1 = %[a] ll; r1 = 4096; r1 = addr_space_cast(r1, 0x0, 0x1);"
		"call write_int; r0 = 0; exit;" :: [a]"i"(&arena) : "r0");
}
// ok: the context of a program that is called with one
SEC("syscall") int argument_as_memory(void *ctx)
{
	write_int(ctx);
	return 0;
}

/* ---- buffers for slices --------------------------------------------------------- */

// rejected 0354: the context as the buffer for a slice
SEC("cgroup/sock_create") int context_as_buffer(struct bpf_sock *ctx)
{
	struct bpf_dynptr d;
	int *p;

	bpf_dynptr_from_mem(bytes, sizeof(bytes), 0, &d);
	p = bpf_dynptr_slice(&d, 0, ctx, 4);
	return p ? *p & 1 : 0;
}
// rejected 0354: the keys of a flow
SEC("flow_dissector") int keys_as_buffer(struct __sk_buff *ctx)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_mem(bytes, sizeof(bytes), 0, &d);
	return !bpf_dynptr_slice(&d, 0, (void *)(long)ctx->flow_keys, 4);
}

/* ---- dynptrs that are given --------------------------------------------------------- */

NOINLINE int slice_then_shrink(struct xdp_md *ctx, struct bpf_dynptr *d)
{
	char *p = bpf_dynptr_slice_rdwr(d, 0, 0, 14);

	if (!p)
		return 0;
	bpf_xdp_adjust_head(ctx, 20);
	p[13] = 1;
	return p[12];
}
// rejected 0120, kernel ok: a parameter's slice is of the packet, which is moved
SEC("xdp") int slice_of_moved(struct xdp_md *ctx)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_xdp(ctx, 0, &d);
	return slice_then_shrink(ctx, &d);
}
NOINLINE int shrink_then_slice(struct xdp_md *ctx, struct bpf_dynptr *d)
{
	char *p;

	bpf_xdp_adjust_head(ctx, 20);
	p = bpf_dynptr_slice_rdwr(d, 0, 0, 14);
	return p ? p[12] : 0;
}
// ok: the slice is made afterwards
SEC("xdp") int slice_after_move(struct xdp_md *ctx)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_xdp(ctx, 0, &d);
	return shrink_then_slice(ctx, &d);
}
static int keep_clone(struct bpf_dynptr *d, struct bpf_dynptr *to)
{
	bpf_dynptr_clone(d, to);
	return 1;
}
// rejected 0326, kernel ok: a clone of a callback's dynptr, after the callback
SEC("tc") int clone_kept(void *ctx)
{
	struct bpf_dynptr d;
	long n = 0;

	bpf_dynptr_from_mem(bytes, sizeof(bytes), 0, &d);
	bpf_user_ringbuf_drain(&user, keep_clone, &d, 0);
	bpf_dynptr_read(&n, 8, &d, 0, 0);
	return n;
}
static int read_clone(struct bpf_dynptr *d, long *sum)
{
	struct bpf_dynptr to;

	bpf_dynptr_clone(d, &to);
	bpf_dynptr_read(sum, 8, &to, 0, 0);
	return 1;
}
// ok: inside it
SEC("tc") int clone_read(void *ctx)
{
	long n = 0;

	bpf_user_ringbuf_drain(&user, read_clone, &n, 0);
	return n;
}
char _license[] SEC("license") = "GPL";
