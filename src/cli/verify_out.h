/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verify_out.h: what `skep verify` found, in forms for programs: JSON, SARIF,
 * and figures to compare a later run with.
 */
#ifndef CLI_VERIFY_OUT_H
#define CLI_VERIFY_OUT_H

#include "cli/inspect.h"
#include "verify/verify.h"

struct as_kernel;

/* One program that was judged; all of it lives as long as the run. */
struct judged {
	const struct image *img;
	const struct image_prog *prog;
	struct verify_result r;
	const char *kernel;	/* its verdict, or NULL: not asked */
	const struct as_kernel *as;	/* whose verdict it is, of --as; or NULL */
};

struct judged_list { struct judged *v; size_t n, cap; };	/* a VEC */

/* A map that the kernel would not make. */
struct wrong_map {
	const struct image *img;
	const struct image_map *map;
	const char *text;	/* with its id */
	const char *help;	/* how a loader may still make it right, or NULL */
};

struct map_list { struct wrong_map *v; size_t n, cap; };	/* a VEC */

/* verify_maps.c: adds those of IMG to WRONG; texts live in ARENA. */
void verify_maps(struct map_list *wrong, struct arena *arena, const struct image *img);
void verify_print_map(const struct wrong_map *w);	/* to stderr */

/* One JSON document: {"maps": [...], "programs": [...]}; maps are the wrong ones. */
void verify_json(struct strbuf *out, const struct judged_list *all, const struct map_list *maps);
/* SARIF 2.1.0: one result for each reason, the rules from reject.def. */
/* FAILED: files of which nothing was judged, and why. */
struct verify_failed { const char *file, *text; int id; };
void verify_sarif(struct strbuf *out, const struct judged_list *all,
		  const struct verify_failed *failed, size_t nr_failed);
/* Lines "file program verdict insns visited states stack", with tabs between. */
void verify_figures(struct strbuf *out, const struct judged_list *all);
/*
 * What is different from the figures in TEXT (of file PATH) as a table; *CHANGED:
 * how many verdicts. Error: FILE_KIND.
 */
int verify_compare(struct strbuf *out, const struct judged_list *all, char *text,
		   const char *path, u32 *changed, struct skep_err *err);
/* The types of TARGET's kernel into OPTS when judging P takes them; *TRIED: they were. What
 * takes types that nobody has is not judged. */
int verify_types(struct verify_opts *opts, struct target *target, bool *tried,
		 const struct image *img, const struct image_prog *p, struct skep_err *err);
/* Moves the names of VAR=any from SET to NAMES. */
void verify_any_take(struct str_list *names, struct str_list *set);
/* That each of NAMES is a constant of some object. Error: GLOBAL. */
int verify_any_check(const struct object_list *objs, const struct str_list *names,
		     struct skep_err *err);
/* OPTS: those constants of IMG that NAMES has, in ARENA. Error: GLOBAL. */
int verify_any_find(struct verify_opts *opts, struct arena *arena, const struct image *img,
		    const struct str_list *names, struct skep_err *err);
/* Adds what the verdict on D is for: values of constants that a loader may set. */
void verify_values(struct strbuf *out, const struct judged *d);
/* Writes B to PATH, whole or not at all. */
int verify_write(const char *path, const struct strbuf *b, struct skep_err *err);

#endif
