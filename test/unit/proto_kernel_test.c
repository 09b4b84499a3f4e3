/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proto_kernel_test.c: calls of helpers, judged by the verifier and by the running
 * kernel: for each program type and helper one program whose arguments fit, and
 * for each argument programs that pass something else there: numbers, NULL,
 * context, stack, maps of all types, map values, packets, records, sockets. And
 * reads of maps themselves, and what programs return.
 * PROTO_VERBOSE=1 prints all that differs.
 */
#include "ctx_probe.h"
#include "helper_probe.h"
#include "kernel_bpf.h"
#include "model/uapi.h"
#include "verify/verify.h"
#include <stdlib.h>

/* ---- maps ----------------------------------------------------------------------- */

enum { ARRAY, RODATA, RINGBUF, NR_SPECIAL };

static struct image_map maps[] = {
	[ARRAY] = { .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 64 },
	[RODATA] = { .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8,
		     .map_flags = BPF_F_RDONLY_PROG, .kind = IMAGE_MAP_RODATA },
	[RINGBUF] = { .type = BPF_MAP_TYPE_RINGBUF, .max_entries = 4096 },
	{ .type = BPF_MAP_TYPE_HASH, .key_size = 8, .value_size = 48 },
	{ .type = BPF_MAP_TYPE_PROG_ARRAY, .key_size = 4, .value_size = 4 },
	{ .type = BPF_MAP_TYPE_PERF_EVENT_ARRAY, .key_size = 4, .value_size = 4 },
	{ .type = BPF_MAP_TYPE_PERCPU_HASH, .key_size = 4, .value_size = 16 },
	{ .type = BPF_MAP_TYPE_PERCPU_ARRAY, .key_size = 4, .value_size = 16 },
	{ .type = BPF_MAP_TYPE_STACK_TRACE, .key_size = 4, .value_size = 8 },
	{ .type = BPF_MAP_TYPE_CGROUP_ARRAY, .key_size = 4, .value_size = 4 },
	{ .type = BPF_MAP_TYPE_LRU_HASH, .key_size = 4, .value_size = 16 },
	{ .type = BPF_MAP_TYPE_LPM_TRIE, .key_size = 8, .value_size = 8, .map_flags = 1 },
	{ .type = BPF_MAP_TYPE_DEVMAP, .key_size = 4, .value_size = 4 },
	{ .type = BPF_MAP_TYPE_DEVMAP_HASH, .key_size = 4, .value_size = 8 },
	{ .type = BPF_MAP_TYPE_SOCKMAP, .key_size = 4, .value_size = 4 },
	{ .type = BPF_MAP_TYPE_SOCKHASH, .key_size = 8, .value_size = 8 },
	{ .type = BPF_MAP_TYPE_CPUMAP, .key_size = 4, .value_size = 4 },
	{ .type = BPF_MAP_TYPE_XSKMAP, .key_size = 4, .value_size = 4 },
	{ .type = BPF_MAP_TYPE_CGROUP_STORAGE, .key_size = 16, .value_size = 16 },
	{ .type = BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, .key_size = 4, .value_size = 8 },
	{ .type = BPF_MAP_TYPE_QUEUE, .value_size = 8 },
	{ .type = BPF_MAP_TYPE_STACK, .value_size = 8 },
	{ .type = BPF_MAP_TYPE_BLOOM_FILTER, .value_size = 8 },
	{ .type = BPF_MAP_TYPE_SK_STORAGE, .key_size = 4, .value_size = 4 },
	{ .type = BPF_MAP_TYPE_USER_RINGBUF, .max_entries = 4096 },
};
static int fds[ARRAY_LEN(maps)];

/* A type of four bytes, which storage maps need: id 1. */
static int four_bytes(void)
{
	static const u32 type[4] = { 1, BTF_KIND_INT << 24, 4, 32 };
	struct btf_header h = { .magic = BTF_MAGIC, .version = 1, .hdr_len = sizeof(h),
				.type_len = sizeof(type), .str_off = sizeof(type), .str_len = 3 };
	u8 raw[sizeof(h) + sizeof(type) + 3];
	union bpf_attr a = { .btf = (uintptr_t)raw, .btf_size = sizeof(raw) };

	memcpy(raw, &h, sizeof(h));
	memcpy(raw + sizeof(h), type, sizeof(type));
	memcpy(raw + sizeof(h) + sizeof(type), "\0u", 3);
	return sys_bpf(BPF_BTF_LOAD, &a);
}

static int map_make(struct image_map *m)
{
	union bpf_attr a = { .map_type = m->type, .key_size = m->key_size,
		.value_size = m->value_size, .map_flags = m->map_flags };

	if (m->type == BPF_MAP_TYPE_SK_STORAGE) {
		a.btf_fd = (u32)four_bytes();
		a.btf_key_type_id = a.btf_value_type_id = 1;
		a.map_flags = m->map_flags = BPF_F_NO_PREALLOC;
	} else if (m->type != BPF_MAP_TYPE_CGROUP_STORAGE) {
		m->max_entries = m->max_entries ? m->max_entries : 2;
		a.max_entries = m->max_entries;
	}
	return sys_bpf(BPF_MAP_CREATE, &a);
}

/* Anew for each program type: maps with programs in them are for one type only. */
static void maps_make(void)
{
	union bpf_attr a = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
		maps[i].name = "map";
		maps[i].max_entries = i == RODATA || i == ARRAY ? 1 : maps[i].max_entries;
		if (fds[i] > 0)
			close(fds[i]);
		fds[i] = map_make(&maps[i]);
		if (fds[i] < 0)
			fail_msg("map type %u: %d", maps[i].type, fds[i]);
	}
	a.map_fd = (u32)fds[RODATA];
	assert_int_equal(sys_bpf(BPF_MAP_FREEZE, &a), 0);
}

/* ---- what is passed --------------------------------------------------------------- */

enum pass {
	PASS_NULL, PASS_ONE, PASS_EIGHT, PASS_BIG, PASS_NUMBER, PASS_CTX, PASS_STACK, PASS_ODD,
	PASS_UNINIT, PASS_VALUE, PASS_VALUE_OR_NULL, PASS_VALUE_PLUS, PASS_RODATA, PASS_PACKET,
	PASS_PACKET_END, PASS_RECORD, PASS_SOCK_OR_NULL, PASS_SOCK, PASS_FULLSOCK,
	PASS_TCP_SOCK, PASS_ACQUIRED, PASS_TASK, PASS_MAP,	/* + index in maps */
};

static const char *const pass_names[] = {
	"NULL", "1", "8", "a great number", "some number", "context", "stack", "unaligned stack",
	"unwritten stack", "map value", "map value or NULL", "inside a map value",
	"constant string", "packet", "packet end", "record", "socket or NULL", "socket",
	"full socket", "TCP socket", "acquired socket", "task", "map",
};

#define WORLD(type, attach, name, data, sk, size) \
	{ type, attach, name, data, sk, size, NULL, NULL, 0 }

static const struct world {
	u32 type, attach;
	const char *name;
	s16 data;		/* offsets in the context; -1: none */
	s16 sk;
	u8 size;		/* BPF_W, BPF_DW: of data */
	const char *section;	/* what else says how it attaches, or NULL */
	const char *func;	/* BTF name of what it attaches to, or NULL */
	u32 kind;		/* BTF_KIND_* of FUNC */
} worlds[] = {
	WORLD(BPF_PROG_TYPE_SOCKET_FILTER, 0, "socket", -1, 168, 0),
	WORLD(BPF_PROG_TYPE_SCHED_CLS, 0, "tc", 76, 168, BPF_W),
	WORLD(BPF_PROG_TYPE_XDP, 0, "xdp", 0, -1, BPF_W),
	WORLD(BPF_PROG_TYPE_KPROBE, 0, "kprobe", -1, -1, 0),
	WORLD(BPF_PROG_TYPE_CGROUP_SKB, 0, "cgroup_skb", 76, 168, BPF_W),
	WORLD(BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE, "cgroup/sock", -1, -1, 0),
	WORLD(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT, "connect4", -1, 64, 0),
	WORLD(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_BIND, "bind4", -1, 64, 0),
	WORLD(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_SENDMSG, "sendmsg4", -1, 64, 0),
	WORLD(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_GETPEERNAME,
	      "getpeername4", -1, 64, 0),
	WORLD(BPF_PROG_TYPE_CGROUP_SYSCTL, BPF_CGROUP_SYSCTL, "sysctl", -1, -1, 0),
	WORLD(BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_GETSOCKOPT, "getsockopt", 8, 0, BPF_DW),
	WORLD(BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_SETSOCKOPT, "setsockopt", 8, 0, BPF_DW),
	WORLD(BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS, "sockops", 192, 184, BPF_DW),
	WORLD(BPF_PROG_TYPE_SK_SKB, 0, "sk_skb", 76, 168, BPF_W),
	WORLD(BPF_PROG_TYPE_SK_MSG, BPF_SK_MSG_VERDICT, "sk_msg", 0, 72, BPF_DW),
	WORLD(BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP, "sk_lookup", -1, 0, 0),
	WORLD(BPF_PROG_TYPE_SK_REUSEPORT, BPF_SK_REUSEPORT_SELECT, "sk_reuseport", 0, 40, BPF_DW),
	WORLD(BPF_PROG_TYPE_LWT_XMIT, 0, "lwt_xmit", 76, 168, BPF_W),
	{ BPF_PROG_TYPE_LWT_SEG6LOCAL, 0, "lwt_seg6local", 76, 168, BPF_W, NULL, NULL, 0 },
	WORLD(BPF_PROG_TYPE_FLOW_DISSECTOR, BPF_FLOW_DISSECTOR, "flow_dissector", 76, -1, BPF_W),
	WORLD(BPF_PROG_TYPE_PERF_EVENT, 0, "perf_event", -1, -1, 0),
	WORLD(UAPI_PROG_TYPE_NETFILTER, UAPI_NETFILTER, "netfilter", -1, -1, 0),
	{ .type = BPF_PROG_TYPE_KPROBE, .name = "uprobe.s", .data = -1, .sk = -1,
	  .section = "uprobe.s/x" },
	{ .type = BPF_PROG_TYPE_SYSCALL, .name = "syscall", .data = -1, .sk = -1,
	  .section = "syscall" },
	{ .type = BPF_PROG_TYPE_TRACING, .attach = BPF_TRACE_RAW_TP, .name = "tp_btf",
	  .data = -1, .sk = -1, .section = "tp_btf/sched_switch",
	  .func = "btf_trace_sched_switch", .kind = BTF_KIND_TYPEDEF },
	{ .type = BPF_PROG_TYPE_TRACING, .attach = BPF_TRACE_ITER, .name = "iter",
	  .data = -1, .sk = -1, .section = "iter/task",
	  .func = "bpf_iter_task", .kind = BTF_KIND_FUNC },
	{ .type = BPF_PROG_TYPE_TRACING, .attach = BPF_TRACE_ITER, .name = "iter.s",
	  .data = -1, .sk = -1, .section = "iter.s/task",
	  .func = "bpf_iter_task", .kind = BTF_KIND_FUNC },
	WORLD(BPF_PROG_TYPE_RAW_TRACEPOINT, 0, "raw_tp", -1, -1, 0),
};

enum { SPILL = -264, KEPT = -312, STACK_AT = -256, UNINIT_AT = -512, REGION = 64 };

struct prog { struct bpf_insn insns[256]; u32 n; const struct world *w; };

static void emit(struct prog *p, u8 op, u8 dst, u8 src, s16 off, s32 imm)
{
	p->insns[p->n++] = (struct bpf_insn){ .code = op, .dst_reg = dst, .src_reg = src,
					      .off = off, .imm = imm };
}

static void mov(struct prog *p, u8 dst, u8 src)
{
	emit(p, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static void num(struct prog *p, u8 dst, s32 n)
{
	emit(p, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, n);
}

static void call(struct prog *p, u32 id)
{
	emit(p, BPF_JMP | BPF_CALL, 0, 0, 0, (s32)id);
}

static void leave(struct prog *p)
{
	num(p, 0, 1);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void not_null(struct prog *p)
{
	emit(p, BPF_JMP | BPF_JNE | BPF_K, 0, 0, 2, 0);
	leave(p);
}

static void stack(struct prog *p, u8 reg, s32 at)
{
	mov(p, reg, 10);
	emit(p, BPF_ALU64 | BPF_ADD | BPF_K, reg, 0, 0, at);
}

static void map(struct prog *p, u8 reg, u8 how, u32 i)
{
	emit(p, BPF_LD | BPF_DW | BPF_IMM, reg, how, 0, (s32)i);
	emit(p, 0, 0, 0, 0, 0);
}

static void lookup(struct prog *p)
{
	map(p, 1, BPF_PSEUDO_MAP_IDX, ARRAY + 3);	/* a hash: NULL is possible */
	stack(p, 2, -8);
	call(p, BPF_FUNC_map_lookup_elem);
}

static void packet(struct prog *p, bool end)
{
	u8 ldx = BPF_LDX | BPF_MEM | p->w->size;
	s16 step = p->w->size == BPF_W ? 4 : 8;

	emit(p, ldx, 1, 6, p->w->data, 0);
	emit(p, ldx, 2, 6, (s16)(p->w->data + step), 0);
	mov(p, 3, 1);
	emit(p, BPF_ALU64 | BPF_ADD | BPF_K, 3, 0, 0, REGION);
	emit(p, BPF_JMP | BPF_JLE | BPF_X, 3, 2, 2, 0);
	leave(p);
	mov(p, 0, end ? 2 : 1);
}

static void sock(struct prog *p, enum pass what)
{
	emit(p, BPF_LDX | BPF_MEM | BPF_DW, 0, 6, p->w->sk, 0);
	if (what == PASS_SOCK_OR_NULL)
		return;
	not_null(p);
	if (what == PASS_SOCK)
		return;
	mov(p, 1, 0);
	call(p, what == PASS_FULLSOCK ? BPF_FUNC_sk_fullsock : BPF_FUNC_tcp_sock);
	not_null(p);
}

static void acquire(struct prog *p)
{
	mov(p, 1, 6);
	stack(p, 2, STACK_AT);
	num(p, 3, 12);
	num(p, 4, 0);
	num(p, 5, 0);
	call(p, BPF_FUNC_sk_lookup_tcp);
	not_null(p);
	emit(p, BPF_STX | BPF_MEM | BPF_DW, 10, 0, KEPT, 0);
}

static void reserve(struct prog *p)
{
	map(p, 1, BPF_PSEUDO_MAP_IDX, RINGBUF);
	num(p, 2, REGION);
	num(p, 3, 0);
	call(p, BPF_FUNC_ringbuf_reserve);
	not_null(p);
	emit(p, BPF_STX | BPF_MEM | BPF_DW, 10, 0, KEPT, 0);
}

static void pass(struct prog *p, u32 what)
{
	switch (what) {
	case PASS_NULL:
		num(p, 0, 0);
		break;
	case PASS_ONE:
		num(p, 0, 1);
		break;
	case PASS_EIGHT:
		num(p, 0, 8);
		break;
	case PASS_BIG:
		num(p, 0, 4096);
		break;
	case PASS_NUMBER:
		call(p, BPF_FUNC_get_prandom_u32);
		break;
	case PASS_CTX:
		mov(p, 0, 6);
		break;
	case PASS_STACK:
		stack(p, 0, STACK_AT);
		break;
	case PASS_ODD:
		stack(p, 0, STACK_AT + 2);
		break;
	case PASS_UNINIT:
		stack(p, 0, UNINIT_AT);
		break;
	case PASS_VALUE:
		lookup(p);
		not_null(p);
		break;
	case PASS_VALUE_OR_NULL:
		lookup(p);
		break;
	case PASS_VALUE_PLUS:
		lookup(p);
		not_null(p);
		emit(p, BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, 44);
		break;
	case PASS_RODATA:
		map(p, 0, BPF_PSEUDO_MAP_IDX_VALUE, RODATA);
		break;
	case PASS_PACKET:
	case PASS_PACKET_END:
		packet(p, what == PASS_PACKET_END);
		break;
	case PASS_RECORD:
		reserve(p);
		break;
	case PASS_SOCK_OR_NULL:
	case PASS_SOCK:
	case PASS_FULLSOCK:
	case PASS_TCP_SOCK:
		sock(p, what);
		break;
	case PASS_ACQUIRED:
		acquire(p);
		break;
	case PASS_TASK:
		call(p, BPF_FUNC_get_current_task_btf);
		break;
	default:
		map(p, 0, BPF_PSEUDO_MAP_IDX, what - PASS_MAP);
	}
}

/* Can a program of W get it at all? */
static bool possible(const struct world *w, u32 what)
{
	switch (what) {
	case PASS_PACKET:
	case PASS_PACKET_END:
		return w->data >= 0;
	case PASS_SOCK_OR_NULL:
	case PASS_SOCK:
		return w->sk >= 0;
	case PASS_FULLSOCK:
		return w->sk >= 0 && helper_offered(BPF_FUNC_sk_fullsock, w->type);
	case PASS_TCP_SOCK:
		return w->sk >= 0 && helper_offered(BPF_FUNC_tcp_sock, w->type);
	case PASS_ACQUIRED:
		return helper_offered(BPF_FUNC_sk_lookup_tcp, w->type);
	case PASS_TASK:
		return helper_offered(BPF_FUNC_get_current_task_btf, w->type);
	default:
		return true;
	}
}

/* ---- arguments that fit ----------------------------------------------------------- */

static u32 map_for(u32 id)
{
	for (u32 i = 0; i < ARRAY_LEN(maps); i++)
		if (helper_takes_map(id, maps[i].type) && i != RODATA)
			return PASS_MAP + i;
	return PASS_NULL;
}

static u32 fitting(const struct world *w, const struct helper_row *row, unsigned i)
{
	switch (row->args[i]) {
	case ARG_CTX:
	case ARG_CTX_OR_NULL:
		return PASS_CTX;
	case ARG_MAP:
		return map_for(row->id);
	case ARG_ANY:
	case ARG_UNREAD:
		return PASS_ONE;
	case ARG_SIZE:
	case ARG_SIZE_0:
	case ARG_ALLOC_SIZE:
		return PASS_EIGHT;
	case ARG_STR:
		return PASS_RODATA;
	case ARG_RECORD:
		return PASS_RECORD;
	case ARG_SOCK_BTF_GIVEN:
		return possible(w, PASS_ACQUIRED) ? PASS_ACQUIRED : PASS_NULL;
	case ARG_SOCK_COMMON:
	case ARG_SOCK_BTF:
	case ARG_SOCK_BTF_OR_NULL:
	case ARG_FULLSOCK_OR_NULL:
		return possible(w, PASS_SOCK) ? PASS_SOCK : PASS_NULL;
	case ARG_TASK:
	case ARG_TASK_OR_NULL:
		return possible(w, PASS_TASK) ? PASS_TASK : PASS_NULL;
	case ARG_ZERO:
	case ARG_FUNC:
		return PASS_NULL;
	default:
		return PASS_STACK;
	}
}

/* ---- programs --------------------------------------------------------------------- */

static void give_back(struct prog *p, u32 what, const struct helper_row *row)
{
	if (what != PASS_RECORD && what != PASS_ACQUIRED)
		return;
	if (row->args[0] == ARG_RECORD || row->args[0] == ARG_SOCK_BTF_GIVEN)
		return;
	emit(p, BPF_LDX | BPF_MEM | BPF_DW, 1, 10, KEPT, 0);
	num(p, 2, 0);
	call(p, what == PASS_RECORD ? BPF_FUNC_ringbuf_discard : BPF_FUNC_sk_release);
}

/* What is made last may be something to be given back: no exit follows. */
static void build(struct prog *p, const struct helper_row *row, const u32 *args, unsigned n,
		  unsigned last)
{
	p->n = 0;
	mov(p, 6, 1);
	for (s16 at = STACK_AT; at < 0; at = (s16)(at + 8))
		emit(p, BPF_ST | BPF_MEM | BPF_DW, 10, 0, at, 0);
	for (unsigned k = 0; k < n; k++) {
		unsigned i = k == n - 1 ? last : k == last ? n - 1 : k;

		pass(p, args[i]);
		emit(p, BPF_STX | BPF_MEM | BPF_DW, 10, 0, (s16)(SPILL - 8 * (s16)i), 0);
	}
	for (unsigned i = 0; i < n; i++)
		emit(p, BPF_LDX | BPF_MEM | BPF_DW, (u8)(i + 1), 10,
		     (s16)(SPILL - 8 * (s16)i), 0);
	call(p, row->id);
	if (n)
		give_back(p, args[last], row);
	leave(p);
}

/* ---- verdicts --------------------------------------------------------------------- */

static char klog[1 << 16];

static const struct btf *kernel_types(void)
{
	static struct btf_file types;

	if (!types.btf)
		btf_open_file(&types, "/sys/kernel/btf/vmlinux", NULL, NULL);
	return types.btf;
}

static const struct sec_row *section(const struct world *w)
{
	return w->section ? sec_row(w->section) : NULL;
}

static bool sleeps(const struct world *w)
{
	return section(w) && section(w)->flags & SEC_SLEEPABLE;
}

static bool kernel_takes(const struct prog *p)
{
	struct prog k = *p;
	union bpf_attr a;
	int fd;

	for (u32 i = 0; i < k.n; i++) {
		struct bpf_insn *in = &k.insns[i];

		if (in->code != (BPF_LD | BPF_DW | BPF_IMM))
			continue;
		if (in->src_reg == BPF_PSEUDO_MAP_IDX || in->src_reg == BPF_PSEUDO_MAP_IDX_VALUE) {
			in->src_reg = (in->src_reg - BPF_PSEUDO_MAP_IDX + BPF_PSEUDO_MAP_FD) & 15;
			in->imm = fds[in->imm];
		}
		i++;
	}
	a = (union bpf_attr){
		.prog_type = p->w->type, .expected_attach_type = p->w->attach,
		.insns = (uintptr_t)k.insns, .insn_cnt = k.n, .license = (uintptr_t)"GPL",
		.log_level = 1, .log_size = sizeof(klog), .log_buf = (uintptr_t)klog,
		.prog_flags = sleeps(p->w) || p->w->type == BPF_PROG_TYPE_SYSCALL ?
			      BPF_F_SLEEPABLE : 0,
		.attach_btf_id = p->w->func ?
			btf_find(kernel_types(), p->w->func, p->w->kind) : 0,
	};
	*klog = 0;
	fd = sys_bpf(BPF_PROG_LOAD, &a);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static enum verdict our_verdict(const struct prog *p, char *why, size_t size)
{
	struct arena arena = ARENA_INIT;
	struct image_func func = { .name = "main" };
	struct image img = { .file = "test", .maps = maps, .nr_maps = ARRAY_LEN(maps),
			     .license = "GPL" };
	struct image_prog prog = { .name = "test", .type = p->w->type,
		.expected_attach = p->w->attach, .autoload = true, .insns = p->insns,
		.nr_insns = p->n, .funcs = &func, .nr_funcs = 1, .sec = section(p->w),
		.target = section(p->w) ? sec_target(section(p->w), p->w->section) : "" };
	struct verify_opts o = { .caps = VERIFY_CAP_ALL, .max_errors = 1,
				 .policy = POLICY_KERNEL };
	struct verify_result r;

	o.vmlinux = kernel_types();
	assert_int_equal(verify_prog(&r, &arena, &img, &prog, &o, NULL), 0);
	snprintf(why, size, "%s", r.nr_errors ? r.errors[0].kernel :
		 r.construct ? r.construct : "");
	arena_free(&arena);
	return r.verdict;
}

/* ---- comparing -------------------------------------------------------------------- */

static struct { u32 same, not_judged, fit, differ; } counts;

/* The last line but the counts. */
static const char *last_line(void)
{
	char *end = strstr(klog, "\nprocessed "), *at;

	if (end)
		*end = 0;
	at = strrchr(klog, '\n');
	return at ? at + 1 : klog;
}

static void differ(const struct prog *p, const struct helper_row *row, const u32 *args,
		   unsigned n, unsigned last, bool theirs, const char *why)
{
	u32 what = n ? args[last] : 0;

	counts.differ++;
	if (!getenv("PROTO_VERBOSE"))
		fail_msg("%s: %s(argument %u: %s): the kernel %s", p->w->name, row->name,
			 last + 1, what < PASS_MAP ? pass_names[what] : "map",
			 theirs ? "takes it" : last_line());
	print_message("%s: %s(%u: %s %d): kernel %s | ours %s\n", p->w->name, row->name, last + 1,
		      what < PASS_MAP ? pass_names[what] : "map",
		      what < PASS_MAP ? 0 : (int)maps[what - PASS_MAP].type,
		      theirs ? "ok" : last_line(), theirs ? why : "ok");
}

/* Does it take a kernel with certain options to be offered the helper? */
static bool is_optional(u32 id)
{
	for (size_t i = 0; i < ARRAY_LEN(probe_known); i++)
		if (probe_known[i].id == id)
			return true;
	return false;
}

/* What tracing programs are offered depends on what they trace, too. */
static bool offered(const struct world *w, u32 id)
{
	return helper_offered_to(id, w->type, w->attach,
				 sleeps(w) || w->type == BPF_PROG_TYPE_SYSCALL);
}

/* False: the kernel does not offer the helper to such programs. */
static bool compare(const struct world *w, const struct helper_row *row, const u32 *args,
		    unsigned n, unsigned last)
{
	struct prog p = { .w = w };
	enum verdict ours;
	bool theirs;
	char why[256];

	build(&p, row, args, n, last);
	theirs = kernel_takes(&p);
	if (strstr(klog, "cannot use helper") || strstr(klog, "unknown func")) {
		if (offered(w, row->id) && !w->func && !is_optional(row->id))
			fail_msg("%s: %s: the kernel does not offer it", w->name, row->name);
		return false;
	}
	if (!offered(w, row->id) && !w->func && !strstr(klog, "Sleepable programs can only"))
		fail_msg("%s: %s: the kernel offers it", w->name, row->name);
	ours = our_verdict(&p, why, sizeof(why));
	if (ours == VERDICT_NOT_JUDGED) {
		counts.not_judged++;
		if (getenv("PROTO_VERBOSE") && !last)
			print_message("not judged: %s\n", why);
	} else if ((ours == VERDICT_OK) == theirs) {
		counts.same++;
	} else {
		differ(&p, row, args, n, last, theirs, why);
	}
	return true;
}

static unsigned nr_args(const struct helper_row *row)
{
	unsigned n = 0;

	while (n < 5 && row->args[n] != ARG_NONE)
		n++;
	return n;
}

/* PROTO_EVERY=N in the environment: one in N programs, for who has little time. */
static bool passed_over(void)
{
	static unsigned n;
	const char *every = getenv("PROTO_EVERY");

	return every && n++ % (unsigned)atoi(every);
}

static void compare_helper(const struct world *w, const struct helper_row *row)
{
	unsigned n = nr_args(row);
	u32 fit[5], args[5];

	for (unsigned i = 0; i < n; i++)
		fit[i] = fitting(w, row, i);
	if (!compare(w, row, fit, n, 0))
		return;
	counts.fit++;
	for (unsigned i = 0; i < n; i++)
		for (u32 what = 0; what < PASS_MAP + ARRAY_LEN(maps); what++) {
			if (!possible(w, what) || (what >= PASS_MAP && row->args[i] != ARG_MAP &&
						   what != PASS_MAP) || passed_over())
				continue;
			memcpy(args, fit, sizeof(args));
			args[i] = what;
			compare(w, row, args, n, i);
		}
}

static void test_helpers(void **state)
{
	(void)state;
	need_kernel();
	for (size_t i = 0; i < ARRAY_LEN(worlds); i++) {
		maps_make();
		for (u32 id = 1; helper_row(id); id++)
			compare_helper(&worlds[i], helper_proto(id, worlds[i].type));
	}
	print_message("%u helpers of %zu program types; %u verdicts are the same, %u differ, "
		      "%u not judged\n", counts.fit, ARRAY_LEN(worlds), counts.same,
		      counts.differ, counts.not_judged);
	assert_int_equal(counts.differ, 0);
}

/* Reads of maps themselves: the kernel's struct, member by member. */
static void compare_map(u32 i, s32 off, u8 width, bool write)
{
	struct prog p = { .w = &worlds[0] };
	bool theirs, ours;
	char why[256];

	map(&p, 1, BPF_PSEUDO_MAP_IDX, i);
	if (write)
		emit(&p, BPF_ST | BPF_MEM | width, 1, 0, (s16)off, 0);
	else
		emit(&p, BPF_LDX | BPF_MEM | width, 2, 1, (s16)off, 0);
	leave(&p);
	theirs = kernel_takes(&p);
	ours = our_verdict(&p, why, sizeof(why)) == VERDICT_OK;
	if (ours != theirs)
		fail_msg("map type %u, offset %d, width %u: the kernel %s", maps[i].type, off,
			 width, theirs ? "takes it" : last_line());
}

static void test_maps(void **state)
{
	enum { SOME_BYTES = 520 };	/* more than most of the structs */
	static const u8 widths[] = { BPF_B, BPF_H, BPF_W, BPF_DW };

	(void)state;
	need_kernel();
	maps_make();
	for (u32 i = 0; i < ARRAY_LEN(maps); i++) {
		for (s32 off = 0; off < SOME_BYTES; off += off % 8 ? 4 : 1 + 3 * (off % 16 != 0))
			compare_map(i, off, widths[(off + (s32)i) % 3 ? 3 : off / 8 % 4], false);
		compare_map(i, -8, BPF_DW, false);
		compare_map(i, 8, BPF_DW, true);
	}
}

/* ---- results -------------------------------------------------------------------- */

static void compare_result(const struct ctx_case *c, s32 value)
{
	const struct world w = { c->type, c->attach, c->id, -1, -1, 0, NULL, NULL, 0 };
	struct prog p = { .w = &w };
	bool theirs, ours;
	char why[256];

	if (value < 4)
		num(&p, 0, value);
	else
		call(&p, BPF_FUNC_get_prandom_u32);
	emit(&p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	theirs = kernel_takes(&p);
	ours = our_verdict(&p, why, sizeof(why)) == VERDICT_OK;
	if (ours != theirs)
		fail_msg("%s returns %d: the kernel %s", c->id, value,
			 theirs ? "takes it" : last_line());
}

static void test_results(void **state)
{
	static const struct ctx_case sessions[] = {
		CTX_CASE(kprobe_session, "", KPROBE, UAPI_TRACE_KPROBE_SESSION, 0),
		CTX_CASE(uprobe_session, "", KPROBE, UAPI_TRACE_UPROBE_SESSION, 0),
	};

	(void)state;
	need_kernel();
	for (s32 value = -2; value <= 4; value++) {
		compare_result(&sessions[0], value);
		compare_result(&sessions[1], value);
	}
	for (size_t i = 0; i < ARRAY_LEN(ctx_cases); i++)
		for (s32 value = -2; value <= 4; value++)
			if (ctx_cases[i].object == OBJECT_CTX && !ctx_cases[i].flags &&
			    ctx_cases[i].type != BPF_PROG_TYPE_LIRC_MODE2)
				compare_result(&ctx_cases[i], value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_helpers),
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_results),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
