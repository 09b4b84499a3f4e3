/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctx_probe.h: asks the running kernel what programs may do with their context
 * and with the structs that it leads to, by loading programs of one access each.
 * For the test of model/access.def and for the tool that writes that file.
 */
#ifndef TEST_CTX_PROBE_H
#define TEST_CTX_PROBE_H

#include "model/access.h"
#include "model/uapi.h"
#include <ctype.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

struct ctx_case {
	const char *id;		/* of the rows */
	const char *name;	/* the struct */
	u32 type, attach, flags;
	u32 bytes;		/* that are asked for, and some more */
	u8 object;		/* enum access_object: what the access goes through */
};

#define CTX_CASE(id, name, type, attach, bytes) \
	{ #id, name, BPF_PROG_TYPE_##type, attach, 0, bytes, OBJECT_CTX }
#define ADDR_CASE(id, attach) CTX_CASE(id, "bpf_sock_addr", CGROUP_SOCK_ADDR, attach, 72)

static const struct ctx_case ctx_cases[] = {
	CTX_CASE(socket_filter, "__sk_buff", SOCKET_FILTER, 0, 192),
	CTX_CASE(kprobe, "pt_regs", KPROBE, 0, 168),
	CTX_CASE(sched_cls, "__sk_buff", SCHED_CLS, 0, 192),
	CTX_CASE(sched_act, "__sk_buff", SCHED_ACT, 0, 192),
	CTX_CASE(tracepoint, "", TRACEPOINT, 0, 8192),
	CTX_CASE(xdp, "xdp_md", XDP, 0, 24),
	CTX_CASE(xdp_devmap, "xdp_md", XDP, BPF_XDP_DEVMAP, 24),
	CTX_CASE(xdp_cpumap, "xdp_md", XDP, BPF_XDP_CPUMAP, 24),
	CTX_CASE(perf_event, "bpf_perf_event_data", PERF_EVENT, 0, 184),
	CTX_CASE(cgroup_skb, "__sk_buff", CGROUP_SKB, BPF_CGROUP_INET_INGRESS, 192),
	CTX_CASE(cgroup_skb_egress, "__sk_buff", CGROUP_SKB, BPF_CGROUP_INET_EGRESS, 192),
	CTX_CASE(cgroup_sock, "bpf_sock", CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE, 80),
	CTX_CASE(cgroup_sock_release, "bpf_sock", CGROUP_SOCK, BPF_CGROUP_INET_SOCK_RELEASE, 80),
	CTX_CASE(cgroup_post_bind4, "bpf_sock", CGROUP_SOCK, BPF_CGROUP_INET4_POST_BIND, 80),
	CTX_CASE(cgroup_post_bind6, "bpf_sock", CGROUP_SOCK, BPF_CGROUP_INET6_POST_BIND, 80),
	CTX_CASE(lwt_in, "__sk_buff", LWT_IN, 0, 192),
	CTX_CASE(lwt_out, "__sk_buff", LWT_OUT, 0, 192),
	CTX_CASE(lwt_xmit, "__sk_buff", LWT_XMIT, 0, 192),
	CTX_CASE(sock_ops, "bpf_sock_ops", SOCK_OPS, BPF_CGROUP_SOCK_OPS, 240),
	CTX_CASE(sk_skb, "__sk_buff", SK_SKB, 0, 192),
	CTX_CASE(cgroup_device, "bpf_cgroup_dev_ctx", CGROUP_DEVICE, BPF_CGROUP_DEVICE, 16),
	CTX_CASE(sk_msg, "sk_msg_md", SK_MSG, BPF_SK_MSG_VERDICT, 80),
	CTX_CASE(raw_tracepoint, "bpf_raw_tracepoint_args", RAW_TRACEPOINT, 0, 128),
	ADDR_CASE(bind4, BPF_CGROUP_INET4_BIND),
	ADDR_CASE(bind6, BPF_CGROUP_INET6_BIND),
	ADDR_CASE(connect4, BPF_CGROUP_INET4_CONNECT),
	ADDR_CASE(connect6, BPF_CGROUP_INET6_CONNECT),
	ADDR_CASE(connect_unix, UAPI_CGROUP_UNIX_CONNECT),
	ADDR_CASE(sendmsg4, BPF_CGROUP_UDP4_SENDMSG),
	ADDR_CASE(sendmsg6, BPF_CGROUP_UDP6_SENDMSG),
	ADDR_CASE(sendmsg_unix, UAPI_CGROUP_UNIX_SENDMSG),
	ADDR_CASE(recvmsg4, BPF_CGROUP_UDP4_RECVMSG),
	ADDR_CASE(recvmsg6, BPF_CGROUP_UDP6_RECVMSG),
	ADDR_CASE(recvmsg_unix, UAPI_CGROUP_UNIX_RECVMSG),
	ADDR_CASE(getpeername4, BPF_CGROUP_INET4_GETPEERNAME),
	ADDR_CASE(getpeername6, BPF_CGROUP_INET6_GETPEERNAME),
	ADDR_CASE(getpeername_unix, UAPI_CGROUP_UNIX_GETPEERNAME),
	ADDR_CASE(getsockname4, BPF_CGROUP_INET4_GETSOCKNAME),
	ADDR_CASE(getsockname6, BPF_CGROUP_INET6_GETSOCKNAME),
	ADDR_CASE(getsockname_unix, UAPI_CGROUP_UNIX_GETSOCKNAME),
	CTX_CASE(lwt_seg6local, "__sk_buff", LWT_SEG6LOCAL, 0, 192),
	CTX_CASE(lirc_mode2, "", LIRC_MODE2, 0, 8),
	CTX_CASE(sk_reuseport, "sk_reuseport_md", SK_REUSEPORT, BPF_SK_REUSEPORT_SELECT, 64),
	CTX_CASE(sk_reuseport_migrate, "sk_reuseport_md", SK_REUSEPORT,
		 BPF_SK_REUSEPORT_SELECT_OR_MIGRATE, 64),
	CTX_CASE(flow_dissector, "__sk_buff", FLOW_DISSECTOR, BPF_FLOW_DISSECTOR, 192),
	CTX_CASE(cgroup_sysctl, "bpf_sysctl", CGROUP_SYSCTL, BPF_CGROUP_SYSCTL, 8),
	CTX_CASE(raw_tracepoint_writable, "bpf_raw_tracepoint_args", RAW_TRACEPOINT_WRITABLE,
		 0, 128),
	CTX_CASE(getsockopt, "bpf_sockopt", CGROUP_SOCKOPT, BPF_CGROUP_GETSOCKOPT, 40),
	CTX_CASE(setsockopt, "bpf_sockopt", CGROUP_SOCKOPT, BPF_CGROUP_SETSOCKOPT, 40),
	CTX_CASE(sk_lookup, "bpf_sk_lookup", SK_LOOKUP, BPF_SK_LOOKUP, 72),
	{ "syscall", "", BPF_PROG_TYPE_SYSCALL, 0, BPF_F_SLEEPABLE, 65536, OBJECT_CTX },
	{ "netfilter", "bpf_nf_ctx", UAPI_PROG_TYPE_NETFILTER, UAPI_NETFILTER, 0, 16, OBJECT_CTX },
	{ "sock_common", "bpf_sock", BPF_PROG_TYPE_SCHED_CLS, 0, 0, 80, OBJECT_SOCK_COMMON },
	{ "sock", "bpf_sock", BPF_PROG_TYPE_SCHED_CLS, 0, 0, 80, OBJECT_SOCK },
	{ "tcp_sock", "bpf_tcp_sock", BPF_PROG_TYPE_SCHED_CLS, 0, 0, 112, OBJECT_TCP_SOCK },
	{ "xdp_sock", "bpf_xdp_sock", BPF_PROG_TYPE_XDP, 0, 0, 4, OBJECT_XDP_SOCK },
};

/* ---- programs ------------------------------------------------------------------ */

struct ctx_code { struct bpf_insn insns[24]; u32 n; };

static inline void ctx_emit(struct ctx_code *c, u8 op, u8 dst, u8 src, s16 off, s32 imm)
{
	c->insns[c->n++] = (struct bpf_insn){ .code = op, .dst_reg = dst, .src_reg = src,
					      .off = off, .imm = imm };
}

/* if r0 == 0, return 1 */
static inline void ctx_null_check(struct ctx_code *c)
{
	ctx_emit(c, BPF_JMP | BPF_JNE | BPF_K, 0, 0, 2, 0);
	ctx_emit(c, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1);
	ctx_emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	ctx_emit(c, BPF_ALU64 | BPF_MOV | BPF_X, 1, 0, 0, 0);
}

static inline int ctx_xsk_map(void)
{
	static int fd;
	union bpf_attr a = { .map_type = BPF_MAP_TYPE_XSKMAP, .key_size = 4, .value_size = 4,
			     .max_entries = 1 };

	if (!fd)
		fd = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &a, sizeof(a));
	return fd;
}

static inline void ctx_call(struct ctx_code *c, s32 id)
{
	ctx_emit(c, BPF_JMP | BPF_CALL, 0, 0, 0, id);
	ctx_null_check(c);
}

/* Brings the object of P into r1. */
static inline void ctx_object(struct ctx_code *c, const struct ctx_case *p)
{
	if (p->object == OBJECT_CTX)
		return;
	if (p->object == OBJECT_XDP_SOCK) {
		ctx_emit(c, BPF_ST | BPF_MEM | BPF_W, 10, 0, -4, 0);
		ctx_emit(c, BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, ctx_xsk_map());
		ctx_emit(c, 0, 0, 0, 0, 0);
		ctx_emit(c, BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0);
		ctx_emit(c, BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4);
		ctx_call(c, BPF_FUNC_map_lookup_elem);
		return;
	}
	ctx_emit(c, BPF_LDX | BPF_MEM | BPF_DW, 0, 1, offsetof(struct __sk_buff, sk), 0);
	ctx_null_check(c);
	if (p->object == OBJECT_SOCK)
		ctx_call(c, BPF_FUNC_sk_fullsock);
	if (p->object == OBJECT_TCP_SOCK)
		ctx_call(c, BPF_FUNC_tcp_sock);
}

static inline u8 ctx_width(u32 size)
{
	return size == 1 ? BPF_B : size == 2 ? BPF_H : size == 4 ? BPF_W : BPF_DW;
}

/*
 * Does the kernel load a program of case P that accesses SIZE bytes at OFF? SIZE
 * 0: one that accesses nothing. LOG, of BYTES, gets what it says; or NULL.
 */
static inline bool ctx_ask(const struct ctx_case *p, u32 off, u32 size, bool write,
			   char *log, u32 bytes)
{
	struct ctx_code c = { .n = 0 };
	union bpf_attr a;
	long fd;

	ctx_object(&c, p);
	if (off > INT16_MAX)	/* an instruction cannot say so, and nothing is added */
		return false;
	if (size && write)
		ctx_emit(&c, BPF_ST | BPF_MEM | ctx_width(size), 1, 0, (s16)off, 0);
	else if (size)
		ctx_emit(&c, BPF_LDX | BPF_MEM | ctx_width(size), 0, 1, (s16)off, 0);
	ctx_emit(&c, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1);
	ctx_emit(&c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	a = (union bpf_attr){
		.prog_type = p->type, .expected_attach_type = p->attach, .prog_flags = p->flags,
		.insns = (uintptr_t)c.insns, .insn_cnt = c.n, .license = (uintptr_t)"GPL",
		.log_level = log ? 2 : 0, .log_size = log ? bytes : 0, .log_buf = (uintptr_t)log,
	};
	fd = syscall(SYS_bpf, BPF_PROG_LOAD, &a, sizeof(a));
	if (fd >= 0)
		close((int)fd);
	return fd >= 0;
}

/* What a load that the kernel allows gives, in its words: "scalar", "pkt" ... */
static inline void ctx_ask_value(const struct ctx_case *p, u32 off, u32 size, char *text,
				 size_t bytes)
{
	static char log[1 << 16];
	char key[32], *at;

	snprintf(key, sizeof(key), "r0 = *(u%u *)(r1 +%u)", size * 8, off);
	*text = 0;
	if (!ctx_ask(p, off, size, false, log, sizeof(log)))
		return;
	at = strstr(log, key);
	at = at ? strstr(at, "; R0") : NULL;
	at = at ? strchr(at, '=') : NULL;
	if (!at)
		return;
	at++;
	at[strcspn(at, "( \n")] = 0;
	snprintf(text, bytes, "%s", at);
}

#endif
