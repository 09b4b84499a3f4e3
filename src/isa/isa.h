/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * isa.h: the instruction set as data, and the passage between its forms: raw
 * slots (struct bpf_insn), text, classic BPF. Everything here is a function of
 * insn.def. Knows nothing of programs, maps or helpers.
 */
#ifndef ISA_ISA_H
#define ISA_ISA_H

#include "base/base.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include <linux/bpf.h>

enum isa_op {
#define INSN(name, ...) OP_##name,
#include "isa/insn.def"
	OP_MAX,
	OP_BAD = OP_MAX,	/* no instruction */
};

/* What consumers switch on. */
enum isa_kind {
	KIND_ALU_ADD, KIND_ALU_SUB, KIND_ALU_MUL, KIND_ALU_DIV, KIND_ALU_SDIV,
	KIND_ALU_OR, KIND_ALU_AND, KIND_ALU_LSH, KIND_ALU_RSH, KIND_ALU_MOD,
	KIND_ALU_SMOD, KIND_ALU_XOR, KIND_ALU_ARSH,
	KIND_NEG, KIND_MOV, KIND_MOVSX8, KIND_MOVSX16, KIND_MOVSX32,
	KIND_AS_CAST, KIND_LE, KIND_BE, KIND_BSWAP,
	KIND_JMP_JEQ, KIND_JMP_JGT, KIND_JMP_JGE, KIND_JMP_JSET, KIND_JMP_JNE,
	KIND_JMP_JSGT, KIND_JMP_JSGE, KIND_JMP_JLT, KIND_JMP_JLE,
	KIND_JMP_JSLT, KIND_JMP_JSLE,
	KIND_JA, KIND_JA32, KIND_MAY_GOTO,
	KIND_CALL, KIND_CALL_LOCAL, KIND_CALL_KFUNC, KIND_CALL_REG, KIND_EXIT,
	KIND_LDDW, KIND_LDX, KIND_LDXSX, KIND_ST, KIND_STX,
	KIND_ATOMIC_ADD, KIND_ATOMIC_FADD, KIND_ATOMIC_XOR, KIND_ATOMIC_FXOR,
	KIND_ATOMIC_OR, KIND_ATOMIC_FOR, KIND_ATOMIC_AND, KIND_ATOMIC_FAND,
	KIND_ATOMIC_XCHG, KIND_ATOMIC_CMPXCHG, KIND_ATOMIC_LDACQ,
	KIND_ATOMIC_STREL,
	KIND_LD_ABS, KIND_LD_IND,
};

enum isa_sel { SEL_NONE, SEL_OFF, SEL_SRC, SEL_IMM };
enum isa_group {
	GROUP_BASE32, GROUP_BASE64, GROUP_ATOMIC32, GROUP_ATOMIC64,
	GROUP_DIVMUL32, GROUP_DIVMUL64, GROUP_PACKET, GROUP_KERNEL,
};

/* Fields that an instruction uses; the others must be zero. From its text. */
enum isa_field {
	FIELD_DST = 1, FIELD_SRC = 2, FIELD_OFF = 4, FIELD_IMM = 8,
	FIELD_IMM2 = 16,	/* imm of the second slot */
};

struct isa_row {
	const char *name;	/* of insn.def, e.g. "ADD64_K" */
	const char *text;	/* syntax template, see insn.def */
	u8 opcode, sel, kind, width, group, cpu;
	s16 val;		/* what the field SEL must be */
};

extern const struct isa_row isa_rows[OP_MAX];

/* ---- decode.c -------------------------------------------------------- */

/* The row that INSN's opcode and selector field pick, or OP_BAD. */
enum isa_op isa_op(const struct bpf_insn *insn);
/* Mask of enum isa_field that row OP uses (its selector field included); 0 for
 * OP_BAD. */
unsigned isa_fields(enum isa_op op);
/* A 64-bit immediate load of any kind, which takes two slots. */
static inline bool isa_is_lddw(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_DW | BPF_IMM);
}
/* 1, or 2 for 64-bit immediate loads; 1 for what is no instruction. */
static inline unsigned isa_slots(const struct bpf_insn *insn)
{
	return isa_is_lddw(insn) ? 2 : 1;
}
/* True when the jump or local call at INSN transfers control by a number;
 * *DELTA is then relative to the next instruction, in slots. */
bool isa_target(const struct bpf_insn *insn, s64 *delta);
/* The same where INSN's row is known. */
bool isa_op_target(enum isa_op op, const struct bpf_insn *insn, s64 *delta);

/*
 * Checks N slots as the kernel does before it verifies: every slot decodes,
 * registers are r0..r10, reserved fields are zero, second slots are whole,
 * jumps, local calls and function addresses lead to an instruction inside.
 * WHERE prefixes the message ("fw.o:firewall"), to which ":INSN" is added.
 * Errors: INSN, JUMP.
 */
int isa_check(const struct bpf_insn *insns, size_t n, const char *where,
	      struct skep_err *err);
/* The same for one instruction's own fields, without jump targets; NEXT is
 * the second slot or NULL. Returns NULL or the reason (static text). */
const char *isa_check_fields(const struct bpf_insn *insn,
			     const struct bpf_insn *next);

/* ---- disasm.c -------------------------------------------------------- */

/*
 * Appends the text of INSNS[AT], AT < N, as llvm-objdump 19 prints it with
 * -mcpu=v4: "r0 = *(u64 *)(r1 + 0x8)". Numbers of jump targets stay relative
 * ("goto +0x5"). Where llvm's text does not tell instructions apart, ours does:
 * "call pc+0x5" is local, "call kfunc[id:0x5]", "r1 = map[fd:0x3]". Bytes that
 * are no well-formed instruction are printed as ".raw 0x" and 16 hex digits in
 * the order of the file, for each slot that isa_slots counts and N holds. Text
 * of consecutive instructions assembles to the same bytes, whatever they are.
 */
void isa_disasm(struct strbuf *out, const struct bpf_insn *insns, size_t n,
		size_t at);

/* ---- disasm_kernel.c ------------------------------------------------- */

/* Prints what INSN calls or, of a 64-bit immediate, what it loads; false: it does not
 * know better than the numbers in INSN. */
typedef bool isa_name_fn(void *arg, struct strbuf *out, const struct bpf_insn *insn);
/*
 * Appends the instruction at INSN as the kernel's verifier and bpftool print it:
 * "(61) r0 = *(u32 *)(r1 +8)". Of a 64-bit immediate the second slot is there, too.
 */
void isa_disasm_kernel(struct strbuf *out, const struct bpf_insn *insn, isa_name_fn *name,
		       void *arg);

/* ---- asm.c ----------------------------------------------------------- */

struct isa_code { struct bpf_insn *v; size_t n, cap; };	/* a VEC */

/*
 * Assembles TEXT (TEXT_BYTES long, need not end in NUL): one instruction a
 * line or between ';', labels "name:", comments "//", "#" and C comments,
 * numbers in decimal or hex; targets "+5", "pc+5" or labels, also "1:" with
 * "1b" and "1f"; both dialects of clang and the kernel with the addresses,
 * "(b7)" and "<symbol+0x8>" that their tools print around them; and .raw.
 * FILE is for messages ("FILE:LINE:COL: error: ...").
 * Appends to CODE, which the caller frees with vec_free, also after an error.
 * Errors: ASM, ASM_LABEL, ASM_RANGE.
 */
int isa_asm(struct isa_code *code, const char *text, size_t text_bytes,
	    const char *file, struct skep_err *err);

/* ---- cbpf_*.c: classic BPF (linux/filter.h) --------------------------- */

struct sock_filter;
struct isa_cbpf { struct sock_filter *v; size_t n, cap; };	/* a VEC */

/*
 * Parses the text of `tcpdump -ddd` (its lines also joined by commas, as
 * iptables and tc take it) and of `tcpdump -dd` (C initialisers). Appends to
 * PROG, which the caller frees with vec_free, also after an error. FILE is for
 * messages. Error: CBPF.
 */
int cbpf_parse(struct isa_cbpf *prog, const char *text, size_t text_bytes,
	       const char *file, struct skep_err *err);
/* As the kernel's checker: 1..4096 insns, known opcodes, forward jumps inside,
 * M[] below 16 and written before it is read, no division by constant 0, no
 * constant shift above 31, ends in RET. Error: CBPF. */
int cbpf_check(const struct sock_filter *v, size_t n, const char *where,
	       struct skep_err *err);
/* Text of instruction AT in the form of `tcpdump -d`: "(000) ldh [12]". */
void cbpf_disasm(struct strbuf *out, const struct sock_filter *v, size_t at);
/*
 * Translates a checked program to eBPF for a socket filter: r1 is the skb,
 * packet access by LD_ABS/LD_IND, A in r0, X in r7, M[] on the stack; ancillary
 * loads (SKF_AD_OFF) become context loads where struct __sk_buff has the field,
 * calls of helpers for the cpu and random numbers, and a CBPF error otherwise.
 * Appends to OUT at most 6 slots an instruction and 3.
 */
int cbpf_translate(struct isa_code *out, const struct sock_filter *v, size_t n,
		   const char *where, struct skep_err *err);
/*
 * The verdict of a checked program on a packet: bytes to keep, 0 = drop.
 * WIRE_BYTES is the length on the wire (>= BYTES). It is libpcap's verdict:
 * loads outside the packet return 0, also by an X + k that passes 32 bits and
 * from the kernel's offsets that mean other things (SKF_AD_OFF, SKF_NET_OFF,
 * SKF_LL_OFF); division by an X of 0 returns 0; shifts by an X above 31 give 0.
 */
u32 cbpf_run(const struct sock_filter *v, size_t n, const u8 *packet,
	     u32 bytes, u32 wire_bytes);

#endif
