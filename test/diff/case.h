/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * case.h: programs as text, as test/diff/cases has them and as a difference is
 * printed:
 *
 *	=== what it shows
 *	-- type sched_cls
 *	-- packet 0102...		hexadecimal; may go on in further lines
 *	-- maps generated		those of gen.c, or a line for each:
 *	-- map NAME TYPE KEY VALUE ENTRIES FLAGS [frozen|self] [HEX]
 *	-- extern bpf_rcu_read_lock	a function of the kernel, by its number
 *	-- asm
 *		r0 = 1
 *		exit
 *	-- result 1			r0, for machines without bpf(2)
 *	-- quirk TAIL_COUNT		kernels that have it (quirk.def) do otherwise
 *
 * Lines before the first "===" and lines that begin with '#' are comments.
 */
#ifndef DIFF_CASE_H
#define DIFF_CASE_H

#include "base/strbuf.h"
#include "diff/level.h"

struct diff_case {
	char name[128];
	struct diff_prog prog;
	struct diff_packet pkt;
	struct diff_map maps[WORLD_MAPS];
	struct image_extern externs[WORLD_EXTERNS];
	struct diff_scene scene;
	bool has_result;
	enum quirk quirk;	/* NR_QUIRKS: none */
	u32 result;
};

/* The next case of TEXT from *AT on: 1, 0 at the end, or -EINVAL with a text.
 * Its names and values are freed by case_free. */
int case_next(struct diff_case *c, const char *text, size_t *at, char *why, size_t n);
void case_free(struct diff_case *c);
/* Prints what case_next reads. */
void case_print(struct strbuf *out, const char *name, const struct diff_scene *scene,
		const struct diff_prog *p, const struct diff_packet *pkt);

#endif
