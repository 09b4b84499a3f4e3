/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rewrite.h: from a verdict to what engines run that check nothing. In: a program
 * and its result, which is OK. Out: model/rewrite.h. Judges nothing: what the
 * verifier has accepted and the embedded engine has no place for is refused with
 * its name, and the program is one for an engine that checks.
 */
#ifndef VERIFY_REWRITE_H
#define VERIFY_REWRITE_H

#include "model/rewrite.h"
#include "verify/verify.h"

/* What OUT refers to lives in ARENA. NULL, or what cannot be rewritten, at slot
 * *INSN: "objects of the kernel's types". */
const char *rewrite_prog(struct rewrite *out, struct arena *arena, const struct image *img,
			 const struct image_prog *prog, const struct verify_result *r, u32 *insn);

#endif
