/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verdict.h: what the kernel says of programs, beside what a verifier of ours
 * says, as a stream of lines. DIFF_VERDICTS names the file; a line is, with tabs
 * between,
 *
 *	source seed type slots kernel reason insns states peak ours relation log why
 *
 *	source		gen, mutant, or the object's file and program
 *	kernel		ok, or the -errno; reason: of refusal.def, or - or ?
 *	ours		ok, rejected, none
 *	relation	agree; accepts: we do, the kernel does not; rejects: we do, the
 *			kernel does not; open: not judged
 *	log, why	the last line of the kernel's log; what the judge says
 *
 * DIFF_SHOW prints the programs of accepts and rejects to stderr.
 */
#ifndef DIFF_VERDICT_H
#define DIFF_VERDICT_H

#include "diff/world.h"

enum judged { JUDGED_OK, JUDGED_REJECTED, JUDGED_NONE };
enum relation { RELATION_AGREE, RELATION_ACCEPTS, RELATION_REJECTS, RELATION_OPEN,
		NR_RELATIONS };

/*
 * The judge: program PROG of IMG, whose maps and externs are by index; WHY gets a
 * line. NULL: there is none, all is open. The kernel's verdict is one on programs
 * of a privileged user (CAP_PERFMON: pointers may become numbers).
 */
extern enum judged (*verdict_judge)(const struct image *img, u32 prog, char *why, size_t n);

/* Whose verdict the judge is to give, as KERNEL_VERSION(); 0: the newest kernel's. */
extern u32 verdict_as;

/* P in SCENE as an image, which image_free frees and which does not outlive them;
 * NULL when it is no code. */
struct image *verdict_image(const struct diff_scene *scene, const struct diff_prog *p,
			    struct skep_err *err);

struct verdicts {
	void *to;		/* FILE, or NULL */
	u64 n[NR_RELATIONS], accepted, refused, unknown;
	u64 first[NR_RELATIONS];	/* seed of the first of each */
	u64 looser;		/* that we accept and the kernel refuses, for reasons that
				   are no limits and no mistakes of the kernel's */
	char unknown_line[200];	/* the first that no row of refusal.def has */
};

/* P as an image, freed by image_free; NULL: it is none. */
struct image *verdict_image(const struct diff_scene *scene, const struct diff_prog *p,
			    struct skep_err *err);
/* PATH may be NULL. */
void verdicts_open(struct verdicts *v, const char *path);
enum relation verdicts_add(struct verdicts *v, const char *source, u64 seed,
			   const struct diff_scene *scene, const struct diff_prog *p,
			   const struct diff_verdict *kernel);
/* Prints the sums. */
void verdicts_close(struct verdicts *v, const char *what);

#endif
