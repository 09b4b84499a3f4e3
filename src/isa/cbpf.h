/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * isa/cbpf.h: between the files of classic BPF: cbpf_text.c (reading and
 * printing), cbpf_run.c (checking and running), cbpf_translate.c (to eBPF).
 * Private to src/isa.
 */
#ifndef ISA_CBPF_H
#define ISA_CBPF_H

#include "isa/isa.h"
#include <linux/filter.h>

/* These opcodes have been lost or renamed in some versions of the headers. */
#ifndef BPF_TAX
#define BPF_TAX 0x00
#endif
#ifndef BPF_TXA
#define BPF_TXA 0x80
#endif
#ifndef BPF_A
#define BPF_A 0x10
#endif

enum { CBPF_MAX_INSNS = 4096 };

enum cbpf_operand {
	OPERAND_NONE, OPERAND_HEX, OPERAND_DEC, OPERAND_X, OPERAND_ABS,
	OPERAND_IND, OPERAND_MEM, OPERAND_LEN, OPERAND_MSH, OPERAND_GOTO,
};

struct cbpf_row {
	u16 code;
	u8 operand;
	char name[5];
};

/* The row of an opcode, or NULL for what is no instruction. */
const struct cbpf_row *cbpf_row(u16 code);

/*
 * The text ("proto") of what a packet load at K reads beside the packet; NULL
 * when K is no such place.
 */
const char *cbpf_ancillary(u32 k);

/* True for conditional jumps, which have jt and jf. */
static inline bool cbpf_is_cond(const struct sock_filter *f)
{
	return BPF_CLASS(f->code) == BPF_JMP && BPF_OP(f->code) != BPF_JA;
}

#endif
