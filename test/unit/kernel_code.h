/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel_code.h: small programs for tests that run them here and by bpf(2). */
#ifndef TEST_KERNEL_CODE_H
#define TEST_KERNEL_CODE_H

#include "kernel_bpf.h"

enum { CODE_MAX = 256, CODE_LOG = 1 << 16 };

struct code {
	struct bpf_insn insns[CODE_MAX];
	u32 n;
};

static char code_log[CODE_LOG];

static inline void emit(struct code *c, u8 op, u8 dst, u8 src, s16 off, s32 imm)
{
	c->insns[c->n++] = (struct bpf_insn){ .code = op, .dst_reg = dst & 15,
		.src_reg = src & 15, .off = off, .imm = imm };
}

static inline void emit_mov(struct code *c, u8 reg, s32 v)
{
	emit(c, BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, v);
}

static inline void emit_copy(struct code *c, u8 to, u8 from)
{
	emit(c, BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
}

static inline void emit_call(struct code *c, s32 id)
{
	emit(c, BPF_JMP | BPF_CALL, 0, 0, 0, id);
}

static inline void emit_exit(struct code *c, s32 ret)
{
	emit_mov(c, 0, ret);
	emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* The program, or -errno and the verifier's words in code_log. */
static inline int code_load(const struct code *c, u32 type, u32 attach, u32 flags)
{
	union bpf_attr a = { .prog_type = type, .insns = (uintptr_t)c->insns,
		.insn_cnt = c->n, .license = (uintptr_t)"GPL", .log_level = 1,
		.log_size = CODE_LOG, .log_buf = (uintptr_t)code_log,
		.expected_attach_type = attach, .prog_flags = flags };

	code_log[0] = 0;
	return sys_bpf(BPF_PROG_LOAD, &a);
}

static inline bool code_loads(const struct code *c, u32 type, u32 attach)
{
	int fd = code_load(c, type, attach, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* One access of 1 << I bytes at OFF of the context. */
static inline bool kernel_allows(u32 type, u32 attach, u32 off, u32 i, bool write, s32 ret)
{
	static const u8 sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW };
	struct code c = { .n = 0 };

	emit_mov(&c, 0, 0);
	if (write)
		emit(&c, BPF_STX | BPF_MEM | sizes[i], 1, 0, (s16)off, 0);
	else
		emit(&c, BPF_LDX | BPF_MEM | sizes[i], 0, 1, (s16)off, 0);
	emit_exit(&c, ret);
	return code_loads(&c, type, attach);
}

/* Every access to the context that the tables allow, and no other. RET is an
 * answer that the type allows. */
static inline void compare_context(u32 type, u32 attach, s32 ret)
{
	const struct ctx_desc *d = ctx_desc(type);

	for (u32 k = 0; k < (d->size + 8) * 8; k++) {
		u32 off = k / 8, bytes = 1u << k % 4;
		const struct ctx_field *f = ctx_field(d, off, bytes);
		bool write = k % 8 >= 4, mine = f && f->flags & (write ? CTX_WRITE : CTX_READ);

		if (write && f && f->size != bytes)
			mine = mine && f->flags & CTX_ARRAY;
		if (kernel_allows(type, attach, off, k % 4, write, ret) != mine)
			fail_msg("type %u: %s of %u bytes at %u: %s here", type,
				 write ? "write" : "read", bytes, off,
				 mine ? "allowed" : "refused");
	}
}

/* No helper that the kernel has not for the type. */
static inline void compare_helpers(u32 type, u32 attach, helper_fn (*body)(u32 id, u32 type))
{
	for (u32 id = 1; id <= 211; id++) {
		struct code c = { .n = 0 };

		if (!body(id, type))
			continue;
		emit_call(&c, (s32)id);
		emit_exit(&c, 0);
		code_loads(&c, type, attach);
		if (strstr(code_log, "cannot use helper") || strstr(code_log, "unknown func"))
			fail_msg("%s is not for type %u", helper_row(id)->name, type);
	}
}

#endif
