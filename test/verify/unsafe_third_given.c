/* SPDX-License-Identifier: BSD-2-Clause */
/* unsafe_third_given.c: contexts that functions are given as memory. */
#define GLOBAL __attribute__((noinline))
GLOBAL int number(__u32 *p)
{
	if (p)
		*p = 0x41414141;
	return p ? *p : 0;
}
struct args { __u64 a, b; };
GLOBAL int two(struct args *p)
{
	if (p)
		p->a = 1;
	return p ? p->b : 0;
}
// rejected 0354: a socket's context as a number in memory
SEC("cgroup/sock_create") int socket(struct bpf_sock *ctx)
{
	number((__u32 *)ctx);
	return 1;
}
// ok: its member by value and a number on the stack
SEC("cgroup/sock_create") int member(struct bpf_sock *ctx)
{
	__u32 n = ctx->bound_dev_if;

	return number(&n) & 1;
}
// rejected 0354: keys of a flow dissector
SEC("flow_dissector") int keys(struct __sk_buff *ctx)
{
	number((__u32 *)ctx->flow_keys);
	return 0;
}
// rejected 0354: the buffer of a tracepoint that may be written to
SEC("raw_tp.w/sys_enter") int buffer(__u64 *ctx)
{
	number((__u32 *)ctx[0]);
	return 0;
}
// ok: what is given to a program of type syscall is memory
SEC("syscall") int given(struct args *ctx)
{
	return two(ctx);
}
char _license[] SEC("license") = "GPL";
