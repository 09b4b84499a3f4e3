/* SPDX-License-Identifier: BSD-2-Clause */
/* verify_as.h: `skep verify --as`: the verdicts of several kernels beside each other. */
#ifndef CLI_VERIFY_AS_H
#define CLI_VERIFY_AS_H

#include "cli/verify_out.h"

/* A kernel that is asked about. */
struct as_kernel {
	const char *name;	/* "6.1" */
	u32 code;		/* KERNEL_VERSION() */
	const char *btf;	/* the file with its types, or NULL */
};
struct as_list { struct as_kernel *v; size_t n, cap; };	/* a VEC */

/*
 * Adds the kernels of LIST ("5.15,6.1"), or those whose types lie in the folder DIR:
 * files NAME.btf or NAME that begin with a version, oldest first. Names live in ARENA.
 * Errors: USAGE, FILE_OPEN, FILE_KIND.
 */
int as_parse(struct as_list *kernels, struct arena *arena, const char *list,
	     struct skep_err *err);
int as_folder(struct as_list *kernels, struct arena *arena, const char *dir,
	      struct skep_err *err);

/* One verdict: of ALL[i] by kernel ALL[i].as. Reasons that several kernels have are told
 * once, with the kernels when not all have them. */
void as_reasons(struct strbuf *out, const struct judged_list *all, const struct as_list *kernels,
		const struct verify_opts *opts);
/* A line per program, a column per kernel; "?" behind what nobody asked a kernel. */
void as_table(struct strbuf *out, const struct judged_list *all, const struct as_list *kernels);
/* Is this verdict one that rests on documents alone? */
bool as_unasked(const struct judged *d);

#endif
