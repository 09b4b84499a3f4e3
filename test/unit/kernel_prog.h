/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel_prog.h: XDP programs of a few instructions that the running kernel
 * executes by BPF_PROG_TEST_RUN, their arguments and results in an array map.
 * Loads programs, attaches nothing.
 */
#ifndef TEST_KERNEL_PROG_H
#define TEST_KERNEL_PROG_H

#include "call/call.h"
#include "kernel_bpf.h"

enum {
	IO_BYTES = 4096,	/* the map value that arguments point into */
	IO_RESULT = 0,		/* r0 of each call, 8 bytes each */
	IO_ARGS = 256,
	IO_OUT = 2048,
	FRAME = 4096, HEAD = 256, TAIL = 320,	/* of a test run's packet */
	PACKET = 100,
};

static u64 rng;

static inline u32 any(u32 below)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (u32)(rng >> 33) % below;
}

/* ---- programs -------------------------------------------------------------------- */

struct code {
	struct bpf_insn insns[512];
	u32 n;
	int io;			/* fd of the array map with the arguments */
};

static inline void emit(struct code *c, u8 op, u8 dst, u8 src, s16 off, s32 imm)
{
	c->insns[c->n++] = (struct bpf_insn){ .code = op, .dst_reg = dst,
		.src_reg = src, .off = off, .imm = imm };
}

static inline void emit_imm(struct code *c, u8 reg, u64 v)
{
	emit(c, BPF_LD | BPF_DW | BPF_IMM, reg, 0, 0, (s32)v);
	emit(c, 0, 0, 0, 0, (s32)(v >> 32));
}

static inline void emit_value(struct code *c, u8 reg, int fd, u32 off)
{
	emit(c, BPF_LD | BPF_DW | BPF_IMM, reg, BPF_PSEUDO_MAP_VALUE, 0, fd);
	emit(c, 0, 0, 0, 0, (s32)off);
}

static inline void emit_call(struct code *c, u32 id)
{
	emit(c, BPF_JMP | BPF_CALL, 0, 0, 0, (s32)id);
}

static inline void emit_ctx(struct code *c, u8 reg)
{
	emit(c, BPF_ALU64 | BPF_MOV | BPF_X, reg, 6, 0, 0);
}

static inline void emit_result(struct code *c, u32 i)
{
	emit_value(c, 1, c->io, IO_RESULT + i * 8);
	emit(c, BPF_STX | BPF_MEM | BPF_DW, 1, 0, 0, 0);
}

static inline void code_start(struct code *c)
{
	struct map_attr m = { .type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
		.value_size = IO_BYTES, .max_entries = 1 };

	c->n = 0;
	c->io = kmap_create(&m);
	assert_true(c->io >= 0);
	emit(c, BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0);
}

static inline void io_set(struct code *c, const u8 *io)
{
	u32 key = 0;
	union bpf_attr a = { .map_fd = (u32)c->io, .key = (uintptr_t)&key,
		.value = (uintptr_t)io };

	assert_int_equal(sys_bpf(BPF_MAP_UPDATE_ELEM, &a), 0);
}

static inline void io_get(struct code *c, u8 *io)
{
	u32 key = 0;
	union bpf_attr a = { .map_fd = (u32)c->io, .key = (uintptr_t)&key,
		.value = (uintptr_t)io };

	assert_int_equal(sys_bpf(BPF_MAP_LOOKUP_ELEM, &a), 0);
}

/* A frozen map with TEXT, for constant strings. */
static inline int text_map(const char *text)
{
	struct map_attr m = { .type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
		.value_size = (u32)strlen(text) + 1, .max_entries = 1,
		.map_flags = BPF_F_RDONLY_PROG };
	u32 key = 0;
	int fd = kmap_create(&m);
	union bpf_attr a = { .map_fd = (u32)fd, .key = (uintptr_t)&key,
		.value = (uintptr_t)text };
	union bpf_attr f = { .map_fd = (u32)fd };

	assert_int_equal(sys_bpf(BPF_MAP_UPDATE_ELEM, &a), 0);
	assert_int_equal(sys_bpf(BPF_MAP_FREEZE, &f), 0);
	return fd;
}

static inline int load(struct code *c, u32 type, const char *license, char *log, u32 size)
{
	union bpf_attr a = { .prog_type = type, .insns = (uintptr_t)c->insns,
		.insn_cnt = c->n, .license = (uintptr_t)license,
		.log_level = log ? 1 : 0, .log_size = size,
		.log_buf = (uintptr_t)log };

	if (log)
		*log = 0;
	return sys_bpf(BPF_PROG_LOAD, &a);
}

/* Runs the program of TYPE once over PACKET bytes; the packet comes back in OUT. */
static inline u32 run_kernel_as(struct code *c, u32 type, const u8 *packet, u8 *out)
{
	static char log[1 << 16];
	union bpf_attr t = { 0 };
	int fd;

	emit(c, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 2);	/* XDP_PASS */
	emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	fd = load(c, type, "GPL", log, sizeof(log));
	if (fd < 0)
		fail_msg("the kernel refuses the program: %s", log);
	t.test.prog_fd = (u32)fd;
	t.test.data_in = (uintptr_t)packet;
	t.test.data_size_in = PACKET;
	t.test.data_out = (uintptr_t)out;
	t.test.data_size_out = FRAME;
	assert_int_equal(sys_bpf(BPF_PROG_TEST_RUN, &t), 0);
	close(fd);
	return t.test.data_size_out;
}

static inline u32 run_kernel(struct code *c, const u8 *packet, u8 *out)
{
	return run_kernel_as(c, BPF_PROG_TYPE_XDP, packet, out);
}

static inline void code_end(struct code *c) { close(c->io); }

/* Runs the program where only the argument memory matters. */
static inline void run_io(struct code *c, u8 *io)
{
	static u8 packet[FRAME];

	io_set(c, io);
	run_kernel(c, packet, packet);
	io_get(c, io);
	code_end(c);
}

static inline u64 u64_at(const u8 *p)
{
	u64 v;

	memcpy(&v, p, 8);
	return v;
}

/* Loads the program of TYPE, which has FLAGS, ends it with 0 and runs it without a packet:
 * what the call of ID gives, whose arguments are in the registers. IO gets the memory. */
static inline s64 run_bare(struct code *c, u32 type, u32 flags, u32 id, u8 *io)
{
	union bpf_attr t = { 0 }, a = { .prog_type = type, .insns = (uintptr_t)c->insns,
		.license = (uintptr_t)"GPL", .prog_flags = flags };

	emit_call(c, id);
	emit_result(c, 0);
	emit(c, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
	emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	a.insn_cnt = c->n;
	t.test.prog_fd = (u32)sys_bpf(BPF_PROG_LOAD, &a);
	assert_true((int)t.test.prog_fd >= 0);
	assert_int_equal(sys_bpf(BPF_PROG_TEST_RUN, &t), 0);
	close((int)t.test.prog_fd);
	io_get(c, io);
	code_end(c);
	return (s64)u64_at(io);
}

/* As a raw tracepoint program. */
static inline s64 run_raw(struct code *c, u32 id)
{
	u8 io[IO_BYTES];

	return run_bare(c, BPF_PROG_TYPE_RAW_TRACEPOINT, 0, id, io);
}

static inline u64 addr_of(const void *p) { return (uintptr_t)p; }

static inline u64 ours(u32 id, u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, struct run *run)
{
	helper_fn fn = call_helper(id, BPF_PROG_TYPE_XDP);

	assert_non_null(fn);
	return fn(r1, r2, r3, r4, r5, run);
}

#endif
