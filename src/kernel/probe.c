/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * probe.c: what the running kernel can do, asked by the smallest map or program
 * that needs it. Nothing that is made here outlives the question, nothing is
 * attached. Each answer is 1, 0, or -errno when the kernel does not tell this
 * process.
 */
#include "kernel/sys.h"
#include "model/uapi.h"
#include "obj/obj.h"
#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PROBE_LOG = 4096 };

static int answered(int fd)
{
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* ---- maps --------------------------------------------------------------------- */

/* Types that do not take 4-byte keys and values, one element and no flags. */
static const struct map_shape {
	u32 type;
	u16 key, value, entries;
	u32 flags;
} shapes[] = {
	{ BPF_MAP_TYPE_STACK_TRACE, 4, 8, 1, 0 },
	{ BPF_MAP_TYPE_LPM_TRIE, 8, 8, 1, BPF_F_NO_PREALLOC },
	{ BPF_MAP_TYPE_CGROUP_STORAGE, 16, 8, 0, 0 },
	{ BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, 16, 8, 0, 0 },
	{ BPF_MAP_TYPE_QUEUE, 0, 4, 1, 0 },
	{ BPF_MAP_TYPE_STACK, 0, 4, 1, 0 },
	{ BPF_MAP_TYPE_BLOOM_FILTER, 0, 4, 1, 0 },
	{ BPF_MAP_TYPE_RINGBUF, 0, 0, 1, 0 },
	{ BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 1, 0 },
	{ BPF_MAP_TYPE_SK_STORAGE, 4, 4, 0, BPF_F_NO_PREALLOC },
	{ BPF_MAP_TYPE_INODE_STORAGE, 4, 4, 0, BPF_F_NO_PREALLOC },
	{ BPF_MAP_TYPE_TASK_STORAGE, 4, 4, 0, BPF_F_NO_PREALLOC },
	{ UAPI_MAP_TYPE_CGRP_STORAGE, 4, 4, 0, BPF_F_NO_PREALLOC },
	{ UAPI_MAP_TYPE_ARENA, 0, 0, 1, BPF_F_MMAPABLE },
};

static struct map_shape shape_of(u32 type)
{
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
		if (shapes[i].type == type)
			return shapes[i];
	return (struct map_shape){ type, 4, 4, 1, 0 };
}

static bool is_ring(u32 type)
{
	return type == BPF_MAP_TYPE_RINGBUF || type == BPF_MAP_TYPE_USER_RINGBUF;
}

/* Storages ask for types of their keys and values. */
static bool is_storage(u32 type)
{
	return type == BPF_MAP_TYPE_SK_STORAGE || type == BPF_MAP_TYPE_INODE_STORAGE ||
	       type == BPF_MAP_TYPE_TASK_STORAGE || type == UAPI_MAP_TYPE_CGRP_STORAGE;
}

static bool is_outer(u32 type)
{
	return type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

/* Types with one type, the number 1: an int of 4 bytes. */
static int int_btf(void)
{
	struct __attribute__((packed)) {
		struct btf_header h;
		struct btf_type t;
		u32 bits;
		char strings[5];
	} raw = {
		.h = { .magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(raw.h),
			.type_len = sizeof(raw.t) + sizeof(raw.bits),
			.str_off = sizeof(raw.t) + sizeof(raw.bits),
			.str_len = sizeof(raw.strings) },
		.t = { .name_off = 1, .info = (u32)BTF_KIND_INT << 24, .size = 4 },
		.bits = BTF_INT_SIGNED << 24 | 32, .strings = "\0int",
	};
	union bpf_attr a = { .btf = (uintptr_t)&raw, .btf_size = sizeof(raw) };

	return sys_bpf(BPF_BTF_LOAD, &a);
}

static int map_try(u32 type, int inner, int btf, u32 ifindex)
{
	const struct map_shape s = shape_of(type);
	union bpf_attr a = { .map_type = type, .key_size = s.key, .value_size = s.value,
		.max_entries = s.entries, .map_flags = s.flags, .map_ifindex = ifindex };

	if (is_ring(type))
		a.max_entries = (u32)sysconf(_SC_PAGESIZE);
	if (type == BPF_MAP_TYPE_STRUCT_OPS)
		a.btf_vmlinux_value_type_id = 1;	/* which is none: NOT_SUPPORTED */
	if (inner >= 0)
		a.inner_map_fd = (u32)inner;
	if (btf >= 0) {
		a.btf_fd = (u32)btf;
		a.btf_key_type_id = a.btf_value_type_id = 1;
	}
	return sys_bpf(BPF_MAP_CREATE, &a);
}

int kernel_has_maptype_on(u32 type, u32 ifindex)
{
	int inner = is_outer(type) ? map_try(BPF_MAP_TYPE_HASH, -1, -1, 0) : -1;
	int btf = is_storage(type) ? int_btf() : -1;
	int fd = map_try(type, inner, btf, ifindex);

	if (inner >= 0)
		close(inner);
	if (btf >= 0)
		close(btf);
	if (fd == -EPERM)
		return fd;
	if (type == BPF_MAP_TYPE_STRUCT_OPS && fd == NOT_SUPPORTED)
		return 1;
	return answered(fd);
}

int kernel_has_maptype(u32 type)
{
	return kernel_has_maptype_on(type, 0);
}

/* ---- programs ------------------------------------------------------------------ */

struct ask {
	u32 type, attach, flags, btf_id, ifindex;
	const struct bpf_insn *insns;
	u32 n;
	bool quiet;		/* no log, which would be long */
	char log[PROBE_LOG];
};

static int prog_try(struct ask *p)
{
	union bpf_attr a = {
		.prog_type = p->type, .expected_attach_type = p->attach,
		.prog_flags = p->flags, .attach_btf_id = p->btf_id,
		.prog_ifindex = p->ifindex,
		.insns = (uintptr_t)p->insns, .insn_cnt = p->n, .license = (uintptr_t)"GPL",
		.kern_version = p->type == BPF_PROG_TYPE_KPROBE ? kernel_version_code() : 0,
	};
	int fd;

	p->log[0] = 0;
	if (!p->quiet) {
		a.log_level = 1;
		a.log_size = sizeof(p->log);
		a.log_buf = (uintptr_t)p->log;
	}
	fd = sys_bpf(BPF_PROG_LOAD, &a);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

/* Types whose programs are made for one way of attaching. */
static const struct { u32 type, attach, flags; } ways[] = {
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT, 0 },
	{ BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_GETSOCKOPT, 0 },
	{ BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP, 0 },
	{ BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, 0 },
	{ BPF_PROG_TYPE_LSM, BPF_LSM_MAC, 0 },
	{ BPF_PROG_TYPE_SYSCALL, 0, BPF_F_SLEEPABLE },
	{ UAPI_PROG_TYPE_NETFILTER, UAPI_NETFILTER, 0 },
};

static void ask_for(struct ask *p, u32 type, const struct bpf_insn *insns, u32 n)
{
	*p = (struct ask){ .type = type, .insns = insns, .n = n };
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		if (ways[i].type == type) {
			p->attach = ways[i].attach;
			p->flags = ways[i].flags;
		}
}

#define RETURN_0 { .code = BPF_ALU64 | BPF_MOV | BPF_K }
static const struct bpf_insn return_0[] = {
	RETURN_0,
	{ .code = BPF_JMP | BPF_EXIT },
};

int kernel_traces(u32 btf_id, bool returns)
{
	struct ask p = { .type = BPF_PROG_TYPE_TRACING, .insns = return_0, .n = 2,
		.attach = returns ? BPF_TRACE_FEXIT : BPF_TRACE_FENTRY, .btf_id = btf_id };

	return btf_id ? prog_try(&p) : -ENOENT;
}

/* A type that it does not know is refused without a word; others that need more
 * than this program has are refused with some. */
static int known(struct ask *p)
{
	int r = prog_try(p);

	return r == -EPERM ? r : !r || p->log[0] || r == NOT_SUPPORTED;
}

int kernel_has_progtype_on(u32 type, u32 ifindex)
{
	struct ask p;

	ask_for(&p, type, return_0, ARRAY_LEN(return_0));
	p.ifindex = ifindex;
	if (!ifindex)
		return known(&p);
	return !prog_try(&p);	/* a device that runs none says so without a word */
}

int kernel_has_progtype(u32 type)
{
	return kernel_has_progtype_on(type, 0);
}

int kernel_has_attach(u32 type, u32 attach)
{
	struct ask p;

	ask_for(&p, type, return_0, ARRAY_LEN(return_0));
	p.attach = attach;
	return known(&p);
}

bool kernel_no_helper(const char *log)
{
	return strstr(log, "unknown func") || strstr(log, "invalid func") ||
	       strstr(log, "cannot use helper");
}

static int ask_helper(u32 id, u32 type, u32 btf_id, u32 ifindex)
{
	const struct bpf_insn call[] = {
		{ .code = BPF_JMP | BPF_CALL, .imm = (s32)id },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct ask p;
	int r;

	ask_for(&p, type, call, ARRAY_LEN(call));
	p.btf_id = btf_id;
	p.ifindex = ifindex;
	r = prog_try(&p);
	if (r == -EPERM)
		return r;
	/* not even the type, or it needs to attach: the call was not looked at */
	if (r && (!p.log[0] || strstr(p.log, "processed 0 insns")))
		return -EINVAL;
	return !kernel_no_helper(p.log);
}

int kernel_has_helper(u32 id, u32 type)
{
	return ask_helper(id, type, 0, 0);
}

/* A tracepoint that every kernel has; 0 when it shows no types. */
static u32 some_tracepoint(void)
{
	struct target t = { .opts = { 0 } };
	const struct btf *btf = NULL;
	s64 id = 0;

	if (!target_btf(&t, &btf, NULL) && btf)
		id = btf_find(btf, "btf_trace_sched_switch", BTF_KIND_TYPEDEF);
	target_close(&t);
	return id > 0 ? (u32)id : 0;
}

int kernel_helpers(u32 type, u32 ifindex, kernel_helper_fn *fn, void *arg)
{
	u32 btf_id = type == BPF_PROG_TYPE_TRACING ? some_tracepoint() : 0;
	int r = ask_helper(BPF_FUNC_ktime_get_ns, type, btf_id, ifindex);

	if (r < 0)
		return r;
	for (u32 id = 1; helper_row(id); id++)
		fn(arg, id, ask_helper(id, type, btf_id, ifindex) == 1);
	return 0;
}

int kernel_has_kfunc(const char *name)
{
	struct target t = { .opts = { 0 } };
	const struct btf *btf;
	int r = target_btf(&t, &btf, NULL);

	if (!r)
		r = btf ? btf_find(btf, name, BTF_KIND_FUNC) > 0 : -ENOENT;
	target_close(&t);
	return r;
}

/* ---- instructions ---------------------------------------------------------------- */

static int takes_on(const struct bpf_insn *insns, u32 n, u32 ifindex)
{
	struct ask p;
	int r;

	ask_for(&p, ifindex ? BPF_PROG_TYPE_XDP : BPF_PROG_TYPE_SOCKET_FILTER, insns, n);
	p.quiet = true;
	p.ifindex = ifindex;
	r = prog_try(&p);
	return r == -EPERM ? r : !r;
}

static int takes(const struct bpf_insn *insns, u32 n)
{
	return takes_on(insns, n, 0);
}

/*
 * The smallest program around row OP: operands are numbers, memory is a slot of
 * the stack, jumps lead to the next instruction. Not for rows that name a map, a
 * function or a variable, or that need an arena.
 */
static bool around(struct bpf_insn *in, enum isa_op op)
{
	const struct isa_row *r = &isa_rows[op];
	const unsigned fields = isa_fields(op);

	*in = (struct bpf_insn){ .code = r->opcode };
	if (r->kind == KIND_AS_CAST || (r->kind >= KIND_CALL && r->kind <= KIND_EXIT) ||
	    r->kind == KIND_LDDW)
		return false;
	if (r->sel == SEL_IMM)
		in->imm = r->val;
	else if (fields & FIELD_IMM && r->kind < KIND_JA)
		in->imm = 1;		/* a number that divides */
	if (r->sel == SEL_OFF)
		in->off = r->val;
	if (r->kind >= KIND_LDX && r->kind <= KIND_ATOMIC_STREL) {
		in->off = -8;
		if (r->kind <= KIND_LDXSX || r->kind == KIND_ATOMIC_LDACQ)
			in->src_reg = BPF_REG_10;
		else
			in->dst_reg = BPF_REG_10;
	}
	return true;
}

int kernel_has_insn(enum isa_op op)
{
	struct bpf_insn prog[] = {
		/* what loads from packets expect in r6 */
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_6, .src_reg = BPF_REG_1 },
		RETURN_0,
		{ .code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .off = -8 },
		{ 0 },
		RETURN_0,
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return around(&prog[3], op) ? takes(prog, ARRAY_LEN(prog)) : -EINVAL;
}

int kernel_isa_level_on(u32 ifindex)
{
	/* one instruction that each level brought: jump below, the same of 32
	   bits, a move that extends a sign */
	static const struct bpf_insn level[][3] = {
		{ RETURN_0, { .code = BPF_JMP | BPF_JLT | BPF_K, .imm = 1 },
		  { .code = BPF_JMP | BPF_EXIT } },
		{ RETURN_0, { .code = BPF_JMP32 | BPF_JEQ | BPF_K },
		  { .code = BPF_JMP | BPF_EXIT } },
		{ RETURN_0, { .code = BPF_ALU64 | BPF_MOV | BPF_X, .off = 8 },
		  { .code = BPF_JMP | BPF_EXIT } },
	};

	for (u32 i = 0; i < ARRAY_LEN(level); i++) {
		int r = takes_on(level[i], 3, ifindex);

		if (r <= 0)
			return r < 0 ? r : (int)i + 1;
	}
	return 1 + ARRAY_LEN(level);
}

int kernel_isa_level(void)
{
	return kernel_isa_level_on(0);
}

int kernel_has_loops_on(u32 ifindex)
{
	static const struct bpf_insn ten_times[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 10 },
		{ .code = BPF_ALU64 | BPF_SUB | BPF_K, .imm = 1 },
		{ .code = BPF_JMP | BPF_JNE | BPF_K, .off = -2 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return takes_on(ten_times, ARRAY_LEN(ten_times), ifindex);
}

int kernel_max_insns(void)
{
	return kernel_max_insns_on(0);
}

int kernel_max_insns_on(u32 ifindex)
{
	enum { OLD = 4096, NEW = 1000000 };	/* before 5.2, and since */
	struct bpf_insn *long_one = mem_alloc((OLD + 1) * sizeof(*long_one));
	int r;

	for (u32 i = 0; i < OLD; i++)
		long_one[i] = return_0[0];
	long_one[OLD] = return_0[1];
	r = takes_on(long_one, OLD + 1, ifindex);
	free(long_one);
	return r < 0 ? r : r ? NEW : OLD;
}

/* ---- others ---------------------------------------------------------------------- */

int kernel_has_token(void)
{
	enum { TOKEN_CREATE = 36 };		/* BPF_TOKEN_CREATE, 6.9 */
	/* its flags and the descriptor of a file system, which is none */
	const u32 words[2] = { 0, UINT32_MAX };
	union bpf_attr a = { 0 };
	int r;

	memcpy(&a, words, sizeof(words));
	r = sys_bpf(TOKEN_CREATE, &a);
	return r == -EBADF ? 1 : r == -EPERM ? r : 0;
}

u64 kernel_caps(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long long caps = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "CapEff: %llx", &caps) == 1)
			break;
	if (f)
		fclose(f);
	return caps;
}

u32 kernel_version_of(const char *s)
{
	unsigned a = 0, b = 0, c = 0;

	if (sscanf(s, "%3u.%3u.%5u", &a, &b, &c) < 2)
		return 0;
	return a << 16 | (b & 0xff) << 8 | (c > 255 ? 255 : c);
}

u32 kernel_version_code(void)
{
	struct target t = { .opts = { 0 } };
	u32 v = target_version(&t);

	target_close(&t);
	return v;
}
