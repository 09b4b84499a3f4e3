/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * skep/insn.h: BPF instructions as C initialisers of struct bpf_insn, for
 * programs written as arrays (RFC 9669; the names are those of the kernel's
 * own macros).
 *
 *	struct bpf_insn prog[] = {
 *		BPF_MOV64_IMM(BPF_REG_0, 2),
 *		BPF_EXIT_INSN(),
 *	};
 *
 * Jumps are relative: BPF_JMP_IMM(BPF_JEQ, BPF_REG_1, 0, 2) skips 2 slots.
 */
#ifndef SKEP_INSN_H
#define SKEP_INSN_H

#include <linux/bpf.h>

#define SKEP_INSN(op, d, s, o, i) \
	((struct bpf_insn){ .code = (__u8)(op), .dst_reg = (__u8)(d), \
			    .src_reg = (__u8)(s), .off = (__s16)(o), .imm = (__s32)(i) })

#ifndef BPF_ALU64_REG
/* OP: BPF_ADD, BPF_SUB, ... */
#define BPF_ALU64_REG(OP, DST, SRC) \
	SKEP_INSN(BPF_ALU64 | BPF_OP(OP) | BPF_X, DST, SRC, 0, 0)
#define BPF_ALU64_IMM(OP, DST, IMM) \
	SKEP_INSN(BPF_ALU64 | BPF_OP(OP) | BPF_K, DST, 0, 0, IMM)
#define BPF_ALU32_REG(OP, DST, SRC) \
	SKEP_INSN(BPF_ALU | BPF_OP(OP) | BPF_X, DST, SRC, 0, 0)
#define BPF_ALU32_IMM(OP, DST, IMM) \
	SKEP_INSN(BPF_ALU | BPF_OP(OP) | BPF_K, DST, 0, 0, IMM)
#define BPF_MOV64_REG(DST, SRC) BPF_ALU64_REG(BPF_MOV, DST, SRC)
#define BPF_MOV64_IMM(DST, IMM) BPF_ALU64_IMM(BPF_MOV, DST, IMM)
#define BPF_MOV32_REG(DST, SRC) BPF_ALU32_REG(BPF_MOV, DST, SRC)
#define BPF_MOV32_IMM(DST, IMM) BPF_ALU32_IMM(BPF_MOV, DST, IMM)
/* TYPE: BPF_TO_LE, BPF_TO_BE; LEN: 16, 32, 64 bits */
#define BPF_ENDIAN(TYPE, DST, LEN) SKEP_INSN(BPF_ALU | BPF_END | (TYPE), DST, 0, 0, LEN)

/* A 64-bit immediate: two slots. */
#define BPF_LD_IMM64(DST, IMM) \
	SKEP_INSN(BPF_LD | BPF_DW | BPF_IMM, DST, 0, 0, (__s32)(__u64)(IMM)), \
	SKEP_INSN(0, 0, 0, 0, (__s32)((__u64)(IMM) >> 32))

/* SIZE: BPF_B, BPF_H, BPF_W, BPF_DW */
#define BPF_LDX_MEM(SIZE, DST, SRC, OFF) \
	SKEP_INSN(BPF_LDX | BPF_SIZE(SIZE) | BPF_MEM, DST, SRC, OFF, 0)
#define BPF_STX_MEM(SIZE, DST, SRC, OFF) \
	SKEP_INSN(BPF_STX | BPF_SIZE(SIZE) | BPF_MEM, DST, SRC, OFF, 0)
#define BPF_ST_MEM(SIZE, DST, OFF, IMM) \
	SKEP_INSN(BPF_ST | BPF_SIZE(SIZE) | BPF_MEM, DST, 0, OFF, IMM)
/* OP: BPF_ADD, BPF_AND, BPF_OR, BPF_XOR, each also | BPF_FETCH, BPF_XCHG, BPF_CMPXCHG */
#define BPF_ATOMIC_OP(SIZE, OP, DST, SRC, OFF) \
	SKEP_INSN(BPF_STX | BPF_SIZE(SIZE) | BPF_ATOMIC, DST, SRC, OFF, OP)

/* OP: BPF_JEQ, BPF_JGT, ... */
#define BPF_JMP_REG(OP, DST, SRC, OFF) \
	SKEP_INSN(BPF_JMP | BPF_OP(OP) | BPF_X, DST, SRC, OFF, 0)
#define BPF_JMP_IMM(OP, DST, IMM, OFF) \
	SKEP_INSN(BPF_JMP | BPF_OP(OP) | BPF_K, DST, 0, OFF, IMM)
#define BPF_JMP32_REG(OP, DST, SRC, OFF) \
	SKEP_INSN(BPF_JMP32 | BPF_OP(OP) | BPF_X, DST, SRC, OFF, 0)
#define BPF_JMP32_IMM(OP, DST, IMM, OFF) \
	SKEP_INSN(BPF_JMP32 | BPF_OP(OP) | BPF_K, DST, 0, OFF, IMM)
#define BPF_JMP_A(OFF) SKEP_INSN(BPF_JMP | BPF_JA, 0, 0, OFF, 0)

/* A helper by its number, BPF_FUNC_*. */
#define BPF_EMIT_CALL(FUNC) SKEP_INSN(BPF_JMP | BPF_CALL, 0, 0, 0, FUNC)
/* A function OFF slots after the next instruction. */
#define BPF_CALL_REL(OFF) SKEP_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, OFF)
#define BPF_LD_ABS(SIZE, IMM) SKEP_INSN(BPF_LD | BPF_SIZE(SIZE) | BPF_ABS, 0, 0, 0, IMM)
#define BPF_LD_IND(SIZE, SRC, IMM) SKEP_INSN(BPF_LD | BPF_SIZE(SIZE) | BPF_IND, 0, SRC, 0, IMM)
#define BPF_RAW_INSN(CODE, DST, SRC, OFF, IMM) SKEP_INSN(CODE, DST, SRC, OFF, IMM)
#define BPF_EXIT_INSN() SKEP_INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#endif

/* Map number I of skep_object_from_insns(), and OFF bytes into its first value. */
#define SKEP_LD_MAP(DST, I) \
	SKEP_INSN(BPF_LD | BPF_DW | BPF_IMM, DST, BPF_PSEUDO_MAP_IDX, 0, I), \
	SKEP_INSN(0, 0, 0, 0, 0)
#define SKEP_LD_MAP_VALUE(DST, I, OFF) \
	SKEP_INSN(BPF_LD | BPF_DW | BPF_IMM, DST, BPF_PSEUDO_MAP_IDX_VALUE, 0, I), \
	SKEP_INSN(0, 0, 0, 0, OFF)

#endif
