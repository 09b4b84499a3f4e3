/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kfunc_kernel_test.c: the kernel's functions that call/ has against the running
 * kernel's own: XDP programs of a few instructions call them with the same
 * arguments, run by BPF_PROG_TEST_RUN. Loads programs, attaches nothing.
 */
#include "base/os.h"
#include "btf/btf.h"
#include "call/object.h"
#include "kernel_prog.h"
#include "model/tables.h"
#include <stdlib.h>

static struct btf_file vmlinux;

static int open_types(void **state)
{
	return no_kernel() ? 0 : btf_open_file(&vmlinux, "/sys/kernel/btf/vmlinux", NULL, NULL);
}

static int close_types(void **state)
{
	btf_close_file(&vmlinux);
	return 0;
}

/* The number of bpf_NAME in the kernel's types. */
static u32 kfunc_id(const char *name)
{
	char full[64];
	u32 id;

	snprintf(full, sizeof(full), "bpf_%s", name);
	id = btf_find(vmlinux.btf, full, BTF_KIND_FUNC);
	if (!id)
		fail_msg("the kernel has no function %s", full);
	return id;
}

static void emit_kfunc(struct code *c, const char *name)
{
	emit(c, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, (s32)kfunc_id(name));
}

static u64 our_kfunc(const char *name, u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, struct run *run)
{
	char full[64];
	helper_fn fn;

	snprintf(full, sizeof(full), "bpf_%s", name);
	fn = call_kfunc(full, BPF_PROG_TYPE_SCHED_CLS);
	if (!fn)
		fail_msg("no body for %s", full);
	return fn(r1, r2, r3, r4, r5, run);
}

/* ---- who may call what ------------------------------------------------------------- */

/* With how each is attached, and the TYPEDEF or FUNC of what TRACING is attached to. */
static const struct prog_type { u32 type, attach; const char *to; } prog_types[] = {
	{ BPF_PROG_TYPE_SOCKET_FILTER, 0, NULL }, { BPF_PROG_TYPE_KPROBE, 0, NULL },
	{ BPF_PROG_TYPE_SCHED_CLS, 0, NULL }, { BPF_PROG_TYPE_SCHED_ACT, 0, NULL },
	{ BPF_PROG_TYPE_TRACEPOINT, 0, NULL }, { BPF_PROG_TYPE_XDP, 0, NULL },
	{ BPF_PROG_TYPE_PERF_EVENT, 0, NULL }, { BPF_PROG_TYPE_CGROUP_SKB, 0, NULL },
	{ BPF_PROG_TYPE_LWT_IN, 0, NULL }, { BPF_PROG_TYPE_LWT_OUT, 0, NULL },
	{ BPF_PROG_TYPE_LWT_XMIT, 0, NULL }, { BPF_PROG_TYPE_SOCK_OPS, 0, NULL },
	{ BPF_PROG_TYPE_SK_SKB, 0, NULL }, { BPF_PROG_TYPE_CGROUP_DEVICE, 0, NULL },
	{ BPF_PROG_TYPE_SK_MSG, 0, NULL }, { BPF_PROG_TYPE_RAW_TRACEPOINT, 0, NULL },
	{ BPF_PROG_TYPE_LWT_SEG6LOCAL, 0, NULL }, { BPF_PROG_TYPE_SK_REUSEPORT, 0, NULL },
	{ BPF_PROG_TYPE_FLOW_DISSECTOR, 0, NULL }, { BPF_PROG_TYPE_CGROUP_SYSCTL, 0, NULL },
	{ BPF_PROG_TYPE_SYSCALL, 0, NULL },
	{ BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE, NULL },
	{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_BIND, NULL },
	{ BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_GETSOCKOPT, NULL },
	{ BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP, NULL },
	{ BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, "btf_trace_sys_enter" },
};

static bool kernel_allows(const char *name, const struct prog_type *p)
{
	static char log[1 << 14];
	struct code c = { .n = 0 };
	union bpf_attr a = { .prog_type = p->type, .expected_attach_type = p->attach,
		.insns = (uintptr_t)c.insns, .license = (uintptr_t)"GPL", .log_level = 1,
		.log_size = sizeof(log), .log_buf = (uintptr_t)log };
	int fd;

	emit_kfunc(&c, name);
	emit(&c, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
	emit(&c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	a.insn_cnt = c.n;
	if (p->type == BPF_PROG_TYPE_SYSCALL)
		a.prog_flags = BPF_F_SLEEPABLE;
	if (p->to)
		a.attach_btf_id = btf_find(vmlinux.btf, p->to, BTF_KIND_TYPEDEF);
	log[0] = 0;
	fd = sys_bpf(BPF_PROG_LOAD, &a);
	if (fd >= 0)
		close(fd);
	return !strstr(log, "is not allowed");
}

static void same_types(const char *name, u64 types)
{
	for (size_t i = 0; i < ARRAY_LEN(prog_types); i++)
		if (kernel_allows(name, &prog_types[i]) != (types >> prog_types[i].type & 1))
			fail_msg("bpf_%s for %s: kernel %d", name,
				 progtype_row(prog_types[i].type)->name,
				 kernel_allows(name, &prog_types[i]));
}

static void test_types(void **state)
{
	need_kernel();
	for (const struct helper_row *k = kfunc_next(NULL); k; k = kfunc_next(k))
		same_types(k->name, k->types);
	for (const struct kfunc_typed_row *k = kfunc_typed_next(NULL); k; k = kfunc_typed_next(k))
		same_types(k->name + strlen("bpf_"),
			   k->flags & (KFUNC_ITER | KFUNC_SESSION) ? 0 : k->types);
}

/* ---- text ---------------------------------------------------------------------------- */

enum { TEXT_A = IO_ARGS, TEXT_B = IO_OUT };

/* The memory that programs may read: IO. */
static u8 text_io[IO_BYTES];

static u64 text_readable(struct run *run, u64 addr)
{
	u64 off = addr - addr_of(text_io);

	return off < IO_BYTES ? IO_BYTES - off : 0;
}

struct text_call {
	const char *name;
	u8 args[3];	/* a, b: the texts; c: a character; n: a length */
};

static const struct text_call text_calls[] = {
	{ "strcmp", "ab" }, { "strcasecmp", "ab" }, { "strchr", "ac" }, { "strchrnul", "ac" },
	{ "strnchr", "anc" }, { "strrchr", "ac" }, { "strlen", "a" }, { "strnlen", "an" },
	{ "strspn", "ab" }, { "strcspn", "ab" }, { "strstr", "ab" }, { "strnstr", "abn" },
};

static void any_text(u8 *out, u32 alphabet)
{
	static const u8 chars[] = "aAbzZ\x80\xff [{@";
	u32 n = any(4) ? any(6) : any(2) ? 0 : any(40);

	for (u32 i = 0; i < n; i++)
		out[i] = chars[any(alphabet)];
	out[n] = 0;
}

static u64 text_arg(struct code *c, u8 reg, u8 kind, bool bad)
{
	static const u64 lengths[] = { 0, 1, 2, 3, 5, 6, 7, 50, 70000, UINT64_MAX };
	u64 v = kind == 'c' ? (u64)"aAbzZ\x80\xff\0x"[any(9)] & 0xff :
		kind == 'n' ? lengths[any(ARRAY_LEN(lengths))] : 0;
	u32 off = kind == 'a' ? TEXT_A : TEXT_B;

	if (v || kind == 'c' || kind == 'n' || bad) {
		emit_imm(c, reg, v);
		return v;
	}
	emit_value(c, reg, c->io, off);
	return addr_of(text_io + off);
}

static void text_case(u32 seed, const struct text_call *t)
{
	struct run run = { .readable = text_readable };
	u8 io[IO_BYTES];
	u64 r[3] = { 0 };
	struct code c;
	s32 mine;

	rng = seed;
	memset(text_io, 0, sizeof(text_io));
	any_text(text_io + TEXT_A, 2 + any(9));
	any_text(text_io + TEXT_B, 2 + any(9));
	memcpy(io, text_io, sizeof(io));
	code_start(&c);
	for (u32 i = 0; i < 3 && t->args[i]; i++)
		r[i] = text_arg(&c, (u8)(i + 1), t->args[i], any(30) == 0);
	emit_kfunc(&c, t->name);
	emit_result(&c, 0);
	run_io(&c, io);
	mine = (s32)our_kfunc(t->name, r[0], r[1], r[2], 0, 0, &run);
	if ((s32)u64_at(io) != mine)
		fail_msg("seed %u: %s(%llx, %llx, %llx), '%s' and '%s': kernel %d, ours %d", seed,
			 t->name, (unsigned long long)r[0], (unsigned long long)r[1],
			 (unsigned long long)r[2], text_io + TEXT_A, text_io + TEXT_B,
			 (s32)u64_at(io), mine);
}

static void test_text(void **state)
{
	need_kernel();
	for (u32 i = 0; i < 250; i++)
		for (size_t k = 0; k < ARRAY_LEN(text_calls); k++)
			text_case(i * 100 + (u32)k, &text_calls[k]);
}


/* The kernel looks at 64 KB; more is -E2BIG. */
enum { LONG_BYTES = 70000 };
static u8 long_text[LONG_BYTES];

static u64 long_readable(struct run *run, u64 addr)
{
	u64 off = addr - addr_of(long_text);

	return off < LONG_BYTES ? LONG_BYTES - off : 0;
}

static int long_map(void)
{
	struct map_attr m = { .type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
		.value_size = LONG_BYTES, .max_entries = 1 };
	u32 key = 0;
	int fd = kmap_create(&m);
	union bpf_attr a = { .map_fd = (u32)fd, .key = (uintptr_t)&key,
		.value = (uintptr_t)long_text };

	assert_int_equal(sys_bpf(BPF_MAP_UPDATE_ELEM, &a), 0);
	return fd;
}

static void long_case(const char *name, u64 r2, u64 r3, bool text2)
{
	struct run run = { .readable = long_readable };
	u8 io[IO_BYTES] = { 0 };
	struct code c;
	int fd = long_map();
	s32 mine;

	code_start(&c);
	emit_value(&c, 1, fd, 0);
	if (text2)
		emit_value(&c, 2, fd, 0);
	else
		emit_imm(&c, 2, r2);
	emit_imm(&c, 3, r3);
	emit_kfunc(&c, name);
	emit_result(&c, 0);
	run_io(&c, io);
	close(fd);
	mine = (s32)our_kfunc(name, addr_of(long_text), text2 ? addr_of(long_text) : r2, r3, 0, 0,
			      &run);
	if ((s32)u64_at(io) != mine)
		fail_msg("%s(%llu, %llu) of %zu bytes: kernel %d, ours %d", name,
			 (unsigned long long)r2, (unsigned long long)r3,
			 strlen((char *)long_text), (s32)u64_at(io), mine);
}

static void test_long_text(void **state)
{
	static const u32 ends[] = { 65534, 65535, 65536, 65537, 69999 };
	static const u64 counts[] = { 65533, 65534, 65535, 65536, 65537, 80000 };

	need_kernel();
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		memset(long_text, 'a', LONG_BYTES);
		long_text[ends[i]] = 0;
		long_case("strlen", 0, 0, false);
		long_case("strchr", 'b', 0, false);
		long_case("strchr", 0, 0, false);
		long_case("strchrnul", 'b', 0, false);
		long_case("strrchr", 'a', 0, false);
		long_case("strcmp", 0, 0, true);
		for (size_t k = 0; k < ARRAY_LEN(counts); k++) {
			long_case("strnlen", counts[k], 0, false);
			long_case("strnchr", counts[k], 'b', false);
			long_case("strnstr", 0, counts[k], true);
		}
	}
}

/* ---- dynptrs -------------------------------------------------------------------------- */

enum { DYN_MEM, DYN_RECORD, DYN_XDP, DYN_SKB, DYN_KINDS, DYN_OPS = 8, DYN_PART = 64 };

/* Two dynptrs, the second a clone of the first, at r10 - 16 and r10 - 32; below
 * them a buffer of 32 bytes. */
struct dyn {
	u32 kind;
	struct code c;
	u8 mine[IO_BYTES];
	u64 ptr[2][2];		/* ours */
	int ring_fd;
	struct map *ring;
	struct run run;
	u8 frame[FRAME], packet[PACKET];
	char log[DYN_OPS * 64];
};

static void emit_stack(struct code *c, u8 reg, s32 off)
{
	emit(c, BPF_ALU64 | BPF_MOV | BPF_X, reg, 10, 0, 0);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_K, reg, 0, 0, off);
}

static void emit_dyn(struct code *c, u8 reg, u32 which) { emit_stack(c, reg, which ? -32 : -16); }

static void keep_result(struct dyn *d, u32 i, u64 mine)
{
	emit(&d->c, BPF_ALU | BPF_MOV | BPF_X, 0, 0, 0, 0);
	emit_result(&d->c, i);
	mine = (u32)mine;
	memcpy(d->mine + i * 8, &mine, 8);
}

static u64 at_dyn(struct dyn *d, u32 which) { return addr_of(d->ptr[which]); }

static void dyn_make(struct dyn *d, u32 size)
{
	struct code *c = &d->c;
	u64 r;

	switch (d->kind) {
	case DYN_MEM:
		emit_value(c, 1, c->io, IO_ARGS);
		emit_imm(c, 2, size);
		emit_imm(c, 3, 0);
		emit_dyn(c, 4, 0);
		emit_call(c, BPF_FUNC_dynptr_from_mem);
		r = ours(BPF_FUNC_dynptr_from_mem, addr_of(d->mine + IO_ARGS), size, 0,
			 at_dyn(d, 0), 0, &d->run);
		break;
	case DYN_RECORD:
		emit(c, BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, d->ring_fd);
		emit(c, 0, 0, 0, 0, 0);
		emit_imm(c, 2, size);
		emit_imm(c, 3, 0);
		emit_dyn(c, 4, 0);
		emit_call(c, BPF_FUNC_ringbuf_reserve_dynptr);
		r = ours(BPF_FUNC_ringbuf_reserve_dynptr, addr_of(d->ring), size, 0, at_dyn(d, 0),
			 0, &d->run);
		break;
	default:
		emit_ctx(c, 1);
		emit_imm(c, 2, any(6) == 0);
		emit_dyn(c, 3, 0);
		emit_kfunc(c, d->kind == DYN_XDP ? "dynptr_from_xdp" : "dynptr_from_skb");
		r = our_kfunc(d->kind == DYN_XDP ? "dynptr_from_xdp" : "dynptr_from_skb",
			      addr_of(&d->run), (u64)c->insns[c->n - 5].imm, at_dyn(d, 0), 0, 0,
			      &d->run);
	}
	keep_result(d, 0, r);
	emit_dyn(c, 1, 0);
	emit_dyn(c, 2, 1);
	emit_kfunc(c, "dynptr_clone");
	keep_result(d, 1, our_kfunc("dynptr_clone", at_dyn(d, 0), at_dyn(d, 1), 0, 0, 0, &d->run));
}

static u32 any_off(void)
{
	static const u32 offs[] = { 0, 0, 1, 7, 8, 20, 31, 32, 33, 36, 64, 84, 99, 100, 101,
				    0x7fffffff, 0xffffffff };

	return offs[any(ARRAY_LEN(offs))];
}

/* A byte of the slice, or -1: the first instruction of the kernel's after NULL. */
static void dyn_slice(struct dyn *d, u32 i, u32 x, bool write)
{
	const char *name = write ? "dynptr_slice_rdwr" : "dynptr_slice";
	struct code *c = &d->c;
	u32 off = any_off(), bytes = 1 + any(32);
	bool buffer = any(2);
	u8 spare[32] = { 0 };
	u64 r;

	emit_dyn(c, 1, x);
	emit_imm(c, 2, off);
	if (buffer)
		emit_stack(c, 3, -64);
	else
		emit_imm(c, 3, 0);
	emit(c, BPF_ALU64 | BPF_MOV | BPF_K, 4, 0, 0, (s32)bytes);
	emit_kfunc(c, name);
	emit(c, BPF_JMP | BPF_JNE | BPF_K, 0, 0, 2, 0);
	emit(c, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, -1);
	emit(c, BPF_JMP | BPF_JA, 0, 0, write ? 2 : 1, 0);
	if (write)
		emit(c, BPF_ST | BPF_MEM | BPF_B, 0, 0, (s16)(bytes - 1), 0x5a);
	emit(c, BPF_LDX | BPF_MEM | BPF_B, 0, 0, 0, 0);
	r = our_kfunc(name, at_dyn(d, x), off, buffer ? addr_of(spare) : 0, bytes, 0, &d->run);
	if (r && write)
		((u8 *)r)[bytes - 1] = 0x5a;
	keep_result(d, i, r ? *(u8 *)r : (u64)-1);
	sprintf(d->log + strlen(d->log), " %u:%s(%u, %u, %u)", i, name, x, off, bytes);
}

static void dyn_copy_bytes(struct dyn *d, u32 i, u32 x, bool write)
{
	u32 off = any_off(), bytes = 1 + any(DYN_PART), part = IO_OUT + i * DYN_PART;
	u32 id = write ? BPF_FUNC_dynptr_write : BPF_FUNC_dynptr_read;
	u64 flags = any(6) ? 0 : 1 + any(3);
	struct code *c = &d->c;

	if (write) {
		emit_dyn(c, 1, x);
		emit_imm(c, 2, off);
		emit_value(c, 3, c->io, part);
		emit_imm(c, 4, bytes);
	} else {
		emit_value(c, 1, c->io, part);
		emit_imm(c, 2, bytes);
		emit_dyn(c, 3, x);
		emit_imm(c, 4, off);
	}
	emit_imm(c, 5, flags);
	emit_call(c, id);
	keep_result(d, i, write ?
		    ours(id, at_dyn(d, x), off, addr_of(d->mine + part), bytes, flags, &d->run) :
		    ours(id, addr_of(d->mine + part), bytes, at_dyn(d, x), off, flags, &d->run));
	sprintf(d->log + strlen(d->log), " %u:%s(%u, %u, %u)", i, write ? "write" : "read", x,
		off, bytes);
}

static void dyn_kfunc(struct dyn *d, u32 i, u32 x)
{
	static const char *const names[] = { "dynptr_adjust", "dynptr_adjust", "dynptr_is_null",
		"dynptr_is_rdonly", "dynptr_size", "dynptr_copy", "dynptr_copy", "dynptr_memset" };
	const char *name = names[any(ARRAY_LEN(names))];
	bool copy = !strcmp(name, "dynptr_copy");
	u32 a = any(3) ? any(12) : any_off(), b = any(3) ? a + any(60) : any_off(), y = any(2),
	    n = any(4) ? any(20) : any_off();
	struct code *c = &d->c;

	emit_dyn(c, 1, x);
	emit_imm(c, 2, a);
	emit_imm(c, 3, b);
	if (copy)
		emit_dyn(c, 3, y);
	emit_imm(c, 4, copy ? b : n);
	emit_imm(c, 5, n);
	emit_kfunc(c, name);
	if (strstr(name, "_is_"))
		emit(c, BPF_ALU | BPF_AND | BPF_K, 0, 0, 0, 0xff);
	keep_result(d, i, our_kfunc(name, at_dyn(d, x), a, copy ? at_dyn(d, y) : b,
				    copy ? b : n, n, &d->run));
	sprintf(d->log + strlen(d->log), " %u:%s(%u, %u, %u, %u, %u)", i, name, x, a, y, b, n);
}

/* What programs may read on our side. */
static const u8 *dyn_io;

static u64 dyn_readable(struct run *run, u64 addr)
{
	return addr - addr_of(dyn_io) < IO_BYTES ? IO_BYTES - (addr - addr_of(dyn_io)) : 0;
}

static void dyn_probe(struct dyn *d, u32 i, u32 x)
{
	const char *name = any(2) ? "probe_read_kernel_dynptr" : "probe_read_kernel_str_dynptr";
	u32 off = any_off(), n = any(4) ? any(20) : any_off(), from = IO_OUT + any(512);
	struct code *c = &d->c;

	emit_dyn(c, 1, x);
	emit_imm(c, 2, off);
	emit_imm(c, 3, n);
	emit_value(c, 4, c->io, from);
	emit_kfunc(c, name);
	keep_result(d, i, our_kfunc(name, at_dyn(d, x), off, n, addr_of(d->mine + from), 0,
				    &d->run));
	sprintf(d->log + strlen(d->log), " %u:%s(%u, %u, %u)", i, name, x, off, n);
}

static void dyn_op(struct dyn *d, u32 i)
{
	u32 what = any(11), x = any(2);

	if (what > 8) {
		dyn_probe(d, i, x);
		return;
	}
	if (what < 2)
		dyn_copy_bytes(d, i, x, what);
	else if (what < 4)
		dyn_slice(d, i, x, what == 3);
	else
		dyn_kfunc(d, i, x);
}

static void dyn_open(struct dyn *d, u8 *io)
{
	struct map_attr ring = { .type = BPF_MAP_TYPE_RINGBUF, .max_entries = 4096 };

	for (u32 i = IO_ARGS; i < IO_BYTES; i++)
		io[i] = (u8)any(256);
	for (u32 i = 0; i < PACKET; i++)
		d->packet[i] = (u8)any(256);
	memcpy(d->mine, io, IO_BYTES);
	dyn_io = d->mine;
	d->run.readable = dyn_readable;
	memcpy(d->frame + HEAD, d->packet, PACKET);
	d->run.pkt = (struct packet_buf){ .hard_start = d->frame, .data = d->frame + HEAD,
		.data_meta = d->frame + HEAD, .data_end = d->frame + HEAD + PACKET,
		.hard_end = d->frame + FRAME - TAIL };
	d->run.skb.len = PACKET;
	d->ring_fd = kmap_create(&ring);
	assert_int_equal(map_create(&d->ring, &ring, 1, NULL), 0);
	code_start(&d->c);
	for (s16 off = -64; off < -32; off = (s16)(off + 8))
		emit(&d->c, BPF_ST | BPF_MEM | BPF_DW, 10, 0, off, 0);
}

static void dyn_run(struct dyn *d, u8 *io)
{
	static u8 out[FRAME];
	u32 n;

	io_set(&d->c, io);
	n = run_kernel_as(&d->c, d->kind == DYN_SKB ? BPF_PROG_TYPE_SCHED_CLS :
			  BPF_PROG_TYPE_XDP, d->packet, out);
	io_get(&d->c, io);
	code_end(&d->c);
	assert_int_equal(n, PACKET);
	if (memcmp(out, d->frame + HEAD, PACKET))
		fail_msg("packets differ: %s", d->log);
}

static void dyn_case(u32 seed)
{
	struct dyn *d = calloc(1, sizeof(*d));
	u8 io[IO_BYTES] = { 0 };

	rng = seed;
	d->kind = seed % DYN_KINDS;
	dyn_open(d, io);
	dyn_make(d, 1 + any(40));
	for (u32 i = 2; i < DYN_OPS; i++)
		dyn_op(d, i);
	if (d->kind == DYN_RECORD) {
		emit_dyn(&d->c, 1, 0);
		emit_imm(&d->c, 2, 0);
		emit_call(&d->c, BPF_FUNC_ringbuf_discard_dynptr);
		ours(BPF_FUNC_ringbuf_discard_dynptr, at_dyn(d, 0), 0, 0, 0, 0, &d->run);
		assert_int_equal(d->ptr[0][0], 0);
	}
	dyn_run(d, io);
	for (u32 i = 0; i < DYN_OPS; i++)
		if (u64_at(io + i * 8) != u64_at(d->mine + i * 8))
			fail_msg("seed %u, kind %u, call %u: kernel %d, ours %d of%s", seed,
				 d->kind, i, (s32)u64_at(io + i * 8),
				 (s32)u64_at(d->mine + i * 8), d->log);
	if (memcmp(io, d->mine, IO_BYTES))
		fail_msg("seed %u, kind %u: bytes differ after%s", seed, d->kind, d->log);
	close(d->ring_fd);
	map_free(d->ring);
	free(d);
}

static void test_dynptrs(void **state)
{
	need_kernel();
	for (u32 i = 0; i < 800; i++)
		dyn_case(i);
}

/* ---- bits, counts ------------------------------------------------------------------------ */

enum { BITS_NEXT = 24 };

static void emit_next_bit(struct code *c, u32 i)
{
	emit_stack(c, 1, -16);
	emit_kfunc(c, "iter_bits_next");
	emit(c, BPF_JMP | BPF_JNE | BPF_K, 0, 0, 1, 0);
	emit(c, BPF_JMP | BPF_JA, 0, 0, 0, 0);		/* to the end: put right later */
	emit(c, BPF_LDX | BPF_MEM | BPF_W, 0, 0, 0, 0);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, 1);
	emit_result(c, i);
}

static void bits_case(u32 words, u32 bits)
{
	u8 io[IO_BYTES] = { 0 };
	u64 mine[BITS_NEXT] = { 0 }, it[2];
	const s32 *bit;
	struct code c;
	struct run run = { .readable = text_readable };

	memset(text_io, 0, sizeof(text_io));
	for (u32 i = 0; i < bits && words; i++)
		text_io[IO_ARGS + any(words < 100 ? words * 8 : 800)] |= (u8)(1 << any(8));
	memcpy(io, text_io, sizeof(io));
	code_start(&c);
	emit_stack(&c, 1, -16);
	emit_value(&c, 2, c.io, IO_ARGS);
	emit_imm(&c, 3, words);
	emit_kfunc(&c, "iter_bits_new");
	emit(&c, BPF_ALU | BPF_MOV | BPF_X, 0, 0, 0, 0);
	emit_result(&c, 0);
	mine[0] = (u32)our_kfunc("iter_bits_new", addr_of(it), addr_of(text_io + IO_ARGS), words, 0,
				 0, &run);
	for (u32 i = 1; i < BITS_NEXT; i++)
		emit_next_bit(&c, i);
	for (u32 i = 0; i < c.n; i++)
		if (c.insns[i].code == (BPF_JMP | BPF_JA))
			c.insns[i].off = (s16)(c.n - i - 1);
	emit_stack(&c, 1, -16);
	emit_kfunc(&c, "iter_bits_destroy");
	for (u32 i = 1; i < BITS_NEXT; i++) {
		bit = (const s32 *)(uintptr_t)our_kfunc("iter_bits_next", addr_of(it), 0, 0, 0, 0,
							   &run);
		if (!bit)
			break;
		mine[i] = (u64)*bit + 1;
	}
	our_kfunc("iter_bits_destroy", addr_of(it), 0, 0, 0, 0, &run);
	assert_int_equal(it[0] | it[1], 0);
	run_io(&c, io);
	for (u32 i = 0; i < BITS_NEXT; i++)
		if (u64_at(io + i * 8) != mine[i])
			fail_msg("%u words, call %u: kernel %lld, ours %lld", words, i,
				 (long long)u64_at(io + i * 8), (long long)mine[i]);
}

static void test_bits(void **state)
{
	need_kernel();
	rng = 3;
	for (u32 i = 0; i < 200; i++)
		bits_case(any(4) ? any(8) : any(300), any(30));
	bits_case(0, 0);
	bits_case((IO_BYTES - IO_ARGS) / 8, 20);
	bits_case(512, 20);
	bits_case(UINT32_MAX, 20);
}

static void count_case(u32 type, u32 flags)
{
	const struct map_attr attr = { .type = type, .key_size = 4, .value_size = 8,
		.max_entries = 50, .map_flags = flags };
	u8 io[IO_BYTES] = { 0 };
	int fd = kmap_create(&attr);
	u64 values[64] = { 0 };
	struct run run = { 0 };
	struct map *m;
	struct code c;

	assert_true(fd >= 0);
	assert_int_equal(map_create(&m, &attr, 2, NULL), 0);
	for (u32 key = 0; key < 20; key++) {
		union bpf_attr a = { .map_fd = (u32)fd, .key = (uintptr_t)&key,
				     .value = (uintptr_t)values };

		assert_int_equal(sys_bpf(BPF_MAP_UPDATE_ELEM, &a), 0);
		assert_int_equal(map_user_update(m, &key, values, 0), 0);
		if (key % 3 == 0 && type != BPF_MAP_TYPE_ARRAY) {
			a.value = 0;
			assert_int_equal(sys_bpf(BPF_MAP_DELETE_ELEM, &a), 0);
			assert_int_equal(map_user_delete(m, &key), 0);
		}
	}
	code_start(&c);
	emit(&c, BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, fd);
	emit(&c, 0, 0, 0, 0, 0);
	emit_kfunc(&c, "map_sum_elem_count");
	emit_result(&c, 0);
	run_io(&c, io);
	if (u64_at(io) != our_kfunc("map_sum_elem_count", addr_of(m), 0, 0, 0, 0, &run))
		fail_msg("type %u: the kernel counts %lld", type, (long long)u64_at(io));
	close(fd);
	map_free(m);
}

static void test_counts(void **state)
{
	need_kernel();
	count_case(BPF_MAP_TYPE_HASH, 0);
	count_case(BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC);
	count_case(BPF_MAP_TYPE_PERCPU_HASH, 0);
	count_case(BPF_MAP_TYPE_LRU_HASH, 0);
	count_case(BPF_MAP_TYPE_ARRAY, 0);
}

static void pull_case(u32 len)
{
	u8 io[IO_BYTES] = { 0 }, packet[PACKET];
	struct run run = { .pkt = { .data = packet, .data_end = packet + PACKET } };
	struct code c;

	code_start(&c);
	emit_ctx(&c, 1);
	emit_imm(&c, 2, len);
	emit_kfunc(&c, "xdp_pull_data");
	emit_result(&c, 0);
	run_io(&c, io);
	assert_int_equal((s32)u64_at(io),
			 (s32)our_kfunc("xdp_pull_data", 0, len, 0, 0, 0, &run));
}

static void test_pull(void **state)
{
	static const u32 lens[] = { 0, 1, 14, PACKET - 1, PACKET, PACKET + 1, 4000, UINT32_MAX };

	need_kernel();
	for (size_t i = 0; i < ARRAY_LEN(lens); i++)
		pull_case(lens[i]);
}

/* ---- sets of cpus ------------------------------------------------------------------------ */

enum { MASKS = 3, MASK_OPS = 14 };

static const struct { const char *name, *args; char ret; } mask_ops[] = {
	{ "set_cpu", "cm", 0 }, { "set_cpu", "cm", 0 }, { "clear_cpu", "cm", 0 },
	{ "test_cpu", "cm", 'b' }, { "test_and_set_cpu", "cm", 'b' },
	{ "test_and_clear_cpu", "cm", 'b' }, { "first", "m", 'u' }, { "first_zero", "m", 'u' },
	{ "first_and", "mm", 'u' }, { "setall", "m", 0 }, { "clear", "m", 0 },
	{ "and", "mmm", 'b' }, { "or", "mmm", 0 }, { "xor", "mmm", 0 }, { "copy", "mm", 0 },
	{ "equal", "mm", 'b' }, { "intersects", "mm", 'b' }, { "subset", "mm", 'b' },
	{ "empty", "m", 'b' }, { "full", "m", 'b' }, { "weight", "m", 'u' },
};

static void emit_release(struct code *c, u32 mask)
{
	emit(c, BPF_ALU64 | BPF_MOV | BPF_X, 1, (u8)(7 + mask), 0, 0);
	emit_kfunc(c, "cpumask_release");
}

/* Masks in r7 to r9; without memory for one the program ends. */
static void emit_masks(struct code *c)
{
	for (u32 i = 0; i < MASKS; i++) {
		emit_kfunc(c, "cpumask_create");
		emit(c, BPF_JMP | BPF_JNE | BPF_K, 0, 0, (s16)(2 + 2 * i), 0);
		for (u32 k = 0; k < i; k++)
			emit_release(c, k);
		emit(c, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
		emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
		emit(c, BPF_ALU64 | BPF_MOV | BPF_X, (u8)(7 + i), 0, 0, 0);
	}
}

static void mask_op(struct code *c, u8 *mine, const u64 *masks, u32 i, struct run *run)
{
	u32 k = any(ARRAY_LEN(mask_ops));
	u64 r[3] = { 0 }, got;
	char name[32];

	snprintf(name, sizeof(name), "cpumask_%s", mask_ops[k].name);
	for (u32 a = 0; mask_ops[k].args[a]; a++) {
		u32 which = any(MASKS);

		if (mask_ops[k].args[a] == 'c') {
			r[a] = any(4) ? any(run->nr_cpus) : any(9000);
			emit_imm(c, (u8)(a + 1), r[a]);
		} else {
			r[a] = masks[which];
			emit(c, BPF_ALU64 | BPF_MOV | BPF_X, (u8)(a + 1), (u8)(7 + which), 0, 0);
		}
	}
	emit_kfunc(c, name);
	got = our_kfunc(name, r[0], r[1], r[2], 0, 0, run);
	if (!mask_ops[k].ret)
		return;
	emit(c, BPF_ALU | BPF_AND | BPF_K, 0, 0, 0, mask_ops[k].ret == 'b' ? 0xff : -1);
	emit_result(c, i);
	memcpy(mine + i * 8, &got, 8);
}

static int run_syscall(struct code *c)
{
	static char log[1 << 16];
	union bpf_attr a = { .prog_type = BPF_PROG_TYPE_SYSCALL, .insns = (uintptr_t)c->insns,
		.insn_cnt = c->n, .license = (uintptr_t)"GPL", .prog_flags = BPF_F_SLEEPABLE,
		.log_level = 1, .log_size = sizeof(log), .log_buf = (uintptr_t)log };
	union bpf_attr t = { 0 };
	int fd = sys_bpf(BPF_PROG_LOAD, &a), r;

	if (fd < 0)
		fail_msg("the kernel refuses the program: %s", log);
	t.test.prog_fd = (u32)fd;
	r = sys_bpf(BPF_PROG_TEST_RUN, &t);
	close(fd);
	return r;
}

static void masks_case(u32 seed, u32 cpus)
{
	struct run run = { .nr_cpus = cpus };
	u8 io[IO_BYTES] = { 0 }, mine[IO_BYTES] = { 0 };
	u64 masks[MASKS];
	struct code c;

	rng = seed;
	for (u32 i = 0; i < MASKS; i++)
		masks[i] = our_kfunc("cpumask_create", 0, 0, 0, 0, 0, &run);
	code_start(&c);
	emit_masks(&c);
	for (u32 i = 0; i < MASK_OPS; i++)
		mask_op(&c, mine, masks, i, &run);
	for (u32 i = 0; i < MASKS; i++) {
		emit_release(&c, i);
		our_kfunc("cpumask_release", masks[i], 0, 0, 0, 0, &run);
	}
	emit(&c, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
	emit(&c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	assert_int_equal(run_syscall(&c), 0);
	io_get(&c, io);
	code_end(&c);
	objects_free(run.objects);
	for (u32 i = 0; i < MASK_OPS; i++)
		if (u64_at(io + i * 8) != u64_at(mine + i * 8))
			fail_msg("seed %u, call %u: kernel %lld, ours %lld", seed, i,
				 (long long)u64_at(io + i * 8), (long long)u64_at(mine + i * 8));
}

static void test_cpumasks(void **state)
{
	u32 cpus = (u32)sysconf(_SC_NPROCESSORS_CONF);

	need_kernel();
	for (u32 i = 0; i < 500; i++)
		masks_case(i, cpus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_long_text),
		cmocka_unit_test(test_dynptrs),
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_pull),
		cmocka_unit_test(test_cpumasks),
	};

	return cmocka_run_group_tests(tests, open_types, close_types);
}
