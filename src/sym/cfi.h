/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cfi.h: how a function's caller is found without frame pointers, from a program's
 * .eh_frame: for each range of code where the caller's frame is and where it left its rbp.
 * Of x86-64; the return address is always the word below the frame. What the rows do not
 * know (rare expressions) ends a stack there.
 */
#ifndef SYM_CFI_H
#define SYM_CFI_H

#include "sym/symbols.h"

enum cfi_cfa {
	CFI_END,	/* no caller, no code, or nobody knows */
	CFI_SP,		/* rsp + off */
	CFI_BP,		/* rbp + off */
	CFI_PLT,	/* rsp + 8, and 8 more from byte OFF of the 16 on */
	CFI_SIGNAL,	/* all registers are in the ucontext that rsp points to */
	CFI_DEREF,	/* what is at rbp + off */
};
enum cfi_bp { CFI_BP_SAME, CFI_BP_AT_CFA, CFI_BP_GONE, CFI_BP_AT_BP };

/* From PC, an address as linked, up to the next row's. */
struct cfi_row {
	u64 pc;
	s32 off;
	u8 cfa, bp;
	s16 bp_off;
};

/* The rows of F by address, for free(); N: how many. Errors: FILE_KIND, when it is of another
 * machine or has no .eh_frame, or that is damaged. */
int sym_cfi_read(const struct sym_file *f, struct cfi_row **rows, u32 *n, struct skep_err *err);
/* The row that holds for ADDR; NULL: none. */
const struct cfi_row *sym_cfi_at(const struct cfi_row *rows, u32 n, u64 addr);

#endif
