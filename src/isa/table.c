/* SPDX-License-Identifier: BSD-2-Clause */
/* table.c: insn.def as an array, indexed by enum isa_op. */
#include "isa/isa.h"

const struct isa_row isa_rows[OP_MAX] = {
#define INSN(name, opcode, sel, val, kind, width, group, cpu, text) \
	[OP_##name] = { #name, text, opcode, SEL_##sel, KIND_##kind, width, \
			GROUP_##group, cpu, val },
#include "isa/insn.def"
};
