/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctx.c: access to ctx/<type>.def: what programs of a type see, and where the
 * engine finds it.
 */
#include "model/sock.h"
#include <linux/bpf.h>

static const struct ctx_field xdp_fields[] = {
#define CTX_FIELD(name, flags, view) \
	{ #name, offsetof(struct xdp_md, name), \
	  sizeof(((struct xdp_md *)0)->name), flags, \
	  offsetof(struct run, view), sizeof(((struct run *)0)->view), NULL },
#include "model/ctx/xdp.def"
#undef CTX_FIELD
};

static const struct ctx_desc xdp_desc = {
	.name = "xdp_md", .size = sizeof(struct xdp_md),
	.fields = xdp_fields, .nr_fields = ARRAY_LEN(xdp_fields),
};

/* ---- flow dissectors ------------------------------------------------------- */

static const struct ctx_field flow_keys_fields[] = {
#define KEY_FIELD(name) \
	{ #name, offsetof(struct bpf_flow_keys, name), \
	  sizeof(((struct bpf_flow_keys *)0)->name), CTX_READ | CTX_WRITE, 0, 0, NULL },
#include "model/ctx/flow.def"
#undef KEY_FIELD
};

static const struct ctx_desc flow_keys_desc = {
	.name = "bpf_flow_keys", .size = sizeof(struct bpf_flow_keys),
	.fields = flow_keys_fields, .nr_fields = ARRAY_LEN(flow_keys_fields), .kind = OBJ_MEMORY,
};

#define SKB_ROW(name, flags, view, to) \
	{ #name, offsetof(struct __sk_buff, name), \
	  sizeof(((struct __sk_buff *)0)->name), flags, \
	  offsetof(struct run, view), sizeof(((struct run *)0)->view), to },
static const struct ctx_field flow_fields[] = {
#define CTX_FIELD(name, flags, view) SKB_ROW(name, flags, view, NULL)
#define CTX_POINTER(name, view, to) SKB_ROW(name, CTX_READ | CTX_OBJ, view, &to)
#include "model/ctx/flow.def"
#undef CTX_FIELD
#undef CTX_POINTER
};

static const struct ctx_desc flow_desc = {
	.name = "__sk_buff", .size = sizeof(struct __sk_buff),
	.fields = flow_fields, .nr_fields = ARRAY_LEN(flow_fields),
};

/* ---- raw tracepoints -------------------------------------------------------- */

static const struct ctx_field raw_fields[] = {
#define CTX_WORD(n) \
	{ "args[" #n "]", 8 * (n), 8, CTX_READ, offsetof(struct run, raw.args[n]), 8, NULL },
#include "model/ctx/raw.def"
#undef CTX_WORD
};

static const struct ctx_desc raw_desc = {
	.name = "bpf_raw_tracepoint_args", .size = sizeof(struct raw_view),
	.fields = raw_fields, .nr_fields = ARRAY_LEN(raw_fields),
};

/* ---- sockets ---------------------------------------------------------------- */

/* Sets of kinds in sock.def. */
enum { COMMON = 1, FULL = 2 };

#define SOCK_ROW(type, name, bytes, flags) \
	{ #name, offsetof(struct type, name), bytes, flags, 0, 0, NULL },
#define SOCK_FIELD(name, bytes, kinds, flags) \
	SOCK_ROW(bpf_sock, name, bytes, ((kinds) & SOCK_KIND ? CTX_READ : 0) | (flags))
#define SOCK_KIND COMMON
static const struct ctx_field sock_common_fields[] = {
#include "model/ctx/sock.def"
};
#undef SOCK_KIND
#define SOCK_KIND FULL
static const struct ctx_field sock_full_fields[] = {
#include "model/ctx/sock.def"
};
#undef SOCK_KIND
#undef SOCK_FIELD

static const struct ctx_field sock_tcp_fields[] = {
#define TCP_FIELD(name) \
	SOCK_ROW(bpf_tcp_sock, name, sizeof(((struct bpf_tcp_sock *)0)->name), CTX_READ)
#include "model/ctx/sock.def"
#undef TCP_FIELD
};

#define SOCK_DESC(which, text, type, what) \
	const struct ctx_desc sock_##which##_desc = { \
		.name = text, .size = sizeof(struct type), .kind = what, \
		.fields = sock_##which##_fields, .nr_fields = ARRAY_LEN(sock_##which##_fields), \
	}
SOCK_DESC(common, "struct sock_common", bpf_sock, OBJ_SOCK_COMMON);
SOCK_DESC(full, "struct bpf_sock", bpf_sock, OBJ_SOCK);
SOCK_DESC(tcp, "struct bpf_tcp_sock", bpf_tcp_sock, OBJ_TCP_SOCK);

/* ---- what chooses a socket ----------------------------------------------------- */

#define VIEW(of, name) offsetof(struct run, of.name), sizeof(((struct run *)0)->of.name)
static const struct ctx_field lookup_fields[] = {
	{ "sk", offsetof(struct bpf_sk_lookup, sk), 8, CTX_READ | CTX_OBJ, VIEW(lookup, sk),
	  &sock_full_desc },
#define LOOKUP_FIELD(name, bytes, flags) \
	{ #name, offsetof(struct bpf_sk_lookup, name), bytes, CTX_READ | (flags), \
	  VIEW(lookup, name), NULL },
#include "model/ctx/sock.def"
#undef LOOKUP_FIELD
};

static const struct ctx_desc lookup_desc = {
	.name = "bpf_sk_lookup", .size = sizeof(struct bpf_sk_lookup),
	.fields = lookup_fields, .nr_fields = ARRAY_LEN(lookup_fields),
};

#define REUSE_OFF(name) offsetof(struct sk_reuseport_md, name)
static const struct ctx_field reuse_fields[] = {
	{ "data", REUSE_OFF(data), 8, CTX_READ | CTX_PKT, VIEW(pkt, data), NULL },
	{ "data_end", REUSE_OFF(data_end), 8, CTX_READ | CTX_PKT, VIEW(pkt, data_end), NULL },
#define REUSE_FIELD(name, bytes, flags) \
	{ #name, REUSE_OFF(name), bytes, CTX_READ | (flags), VIEW(reuse, name), NULL },
#include "model/ctx/sock.def"
#undef REUSE_FIELD
	{ "sk", REUSE_OFF(sk), 8, CTX_READ | CTX_OBJ, VIEW(reuse, sk), &sock_full_desc },
	{ "migrating_sk", REUSE_OFF(migrating_sk), 8, CTX_READ | CTX_OBJ,
	  VIEW(reuse, migrating_sk), &sock_common_desc },
};

static const struct ctx_desc reuse_desc = {
	.name = "sk_reuseport_md", .size = sizeof(struct sk_reuseport_md),
	.fields = reuse_fields, .nr_fields = ARRAY_LEN(reuse_fields),
};

/* ---- struct __sk_buff ------------------------------------------------------- */

/* Sets of program types in skb.def. */
enum {
	SKB_SOCK = 1, SKB_TC = 2, SKB_CG = 4, SKB_LWT = 8, SKB_SKSKB = 16,
	SKB_DIRECT = SKB_TC | SKB_CG | SKB_LWT | SKB_SKSKB,
	SKB_ALL = SKB_SOCK | SKB_DIRECT, SKB_NO_SKSKB = SKB_ALL & ~SKB_SKSKB,
};

#define SKB_FIELD(set, name, at, bytes, r, w, flags, view, to) \
	{ name, at, bytes, \
	  ((r) & (set) ? CTX_READ : 0) | ((w) & (set) ? CTX_WRITE : 0) | (flags), \
	  offsetof(struct run, view), sizeof(((struct run *)0)->view), to },
#define CTX_FIELD(name, r, w, flags, view) \
	SKB_FIELD(SKB_SET, #name, offsetof(struct __sk_buff, name), \
		  sizeof(((struct __sk_buff *)0)->name), r, w, flags, view, NULL)
#define CTX_POINTER(name, r, view, to) \
	SKB_FIELD(SKB_SET, #name, offsetof(struct __sk_buff, name), 8, r, 0, CTX_OBJ, view, &to)
/* A bit field that follows gso_size. */
#define CTX_BYTE(name, r, view) \
	SKB_FIELD(SKB_SET, #name, offsetof(struct __sk_buff, gso_size) + 4, 1, r, 0, 0, view, NULL)

#define SKB_SET SKB_SOCK
static const struct ctx_field skb_sock_fields[] = {
#include "model/ctx/skb.def"
};
#undef SKB_SET
#define SKB_SET SKB_TC
static const struct ctx_field skb_tc_fields[] = {
#include "model/ctx/skb.def"
};
#undef SKB_SET
#define SKB_SET SKB_CG
static const struct ctx_field skb_cg_fields[] = {
#include "model/ctx/skb.def"
};
#undef SKB_SET
#define SKB_SET SKB_LWT
static const struct ctx_field skb_lwt_fields[] = {
#include "model/ctx/skb.def"
};
#undef SKB_SET
#define SKB_SET SKB_SKSKB
static const struct ctx_field skb_skskb_fields[] = {
#include "model/ctx/skb.def"
};
#undef SKB_SET
#undef CTX_FIELD
#undef CTX_POINTER
#undef CTX_BYTE

#define SKB_DESC(which) \
	static const struct ctx_desc skb_##which = { \
		.name = "__sk_buff", .size = sizeof(struct __sk_buff), \
		.fields = skb_##which##_fields, \
		.nr_fields = ARRAY_LEN(skb_##which##_fields), \
	}
SKB_DESC(sock);
SKB_DESC(tc);
SKB_DESC(cg);
SKB_DESC(lwt);
SKB_DESC(skskb);

const struct ctx_desc *ctx_desc(u32 prog_type)
{
	switch (prog_type) {
	case BPF_PROG_TYPE_XDP:
		return &xdp_desc;
	case BPF_PROG_TYPE_SOCKET_FILTER:
		return &skb_sock;
	case BPF_PROG_TYPE_SCHED_CLS:
	case BPF_PROG_TYPE_SCHED_ACT:
		return &skb_tc;
	case BPF_PROG_TYPE_CGROUP_SKB:
		return &skb_cg;
	case BPF_PROG_TYPE_LWT_IN:
	case BPF_PROG_TYPE_LWT_OUT:
	case BPF_PROG_TYPE_LWT_XMIT:
	case BPF_PROG_TYPE_LWT_SEG6LOCAL:
		return &skb_lwt;
	case BPF_PROG_TYPE_SK_SKB:
		return &skb_skskb;
	case BPF_PROG_TYPE_RAW_TRACEPOINT:
		return &raw_desc;
	case BPF_PROG_TYPE_FLOW_DISSECTOR:
		return &flow_desc;
	case BPF_PROG_TYPE_SK_LOOKUP:
		return &lookup_desc;
	case BPF_PROG_TYPE_SK_REUSEPORT:
		return &reuse_desc;
	default:
		return NULL;
	}
}

const struct ctx_desc *ctx_out_desc(u32 prog_type)
{
	return prog_type == BPF_PROG_TYPE_FLOW_DISSECTOR ? &flow_keys_desc : ctx_desc(prog_type);
}

/* Whether OFF..OFF+SIZE of F may be accessed at once. */
static bool part_ok(const struct ctx_field *f, u64 off, u32 size)
{
	if (off % size || (f->flags & CTX_START && off != f->off))
		return false;
	if ((f->flags & CTX_HALF && size < 2) || (f->flags & CTX_WORD && size > 4))
		return false;
	if (f->flags & CTX_ARRAY && !(f->flags & CTX_NARROW))
		return size == 4;
	return size == f->size || f->flags & CTX_NARROW;
}

const struct ctx_field *ctx_field(const struct ctx_desc *d, u64 off, u32 size)
{
	for (u32 i = 0; i < d->nr_fields; i++) {
		const struct ctx_field *f = &d->fields[i];

		if (f->flags & CTX_WIDE && off == f->off && size == 4)
			return f;
		if (off < f->off || !in_bounds(off - f->off, size, f->size))
			continue;
		return part_ok(f, off, size) ? f : NULL;
	}
	return NULL;
}
