/* SPDX-License-Identifier: BSD-2-Clause */
/* inspect.h: the parts of `skep inspect`: what a program may do, and printing. */
#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H

#include "cli/cli.h"
#include "isa/isa.h"

/* Rows of cells, printed with columns as wide as they need. */
struct table {
	struct arena arena;
	VEC(const char *) cells;
	u32 columns;
};

void table_cell(struct table *t, const char *text);
/* Appends the table, nothing when it is empty, and frees it. */
void table_print(struct strbuf *out, struct table *t);

/* ---- flow.c: where pointers into packets and kernel memory go ------------- */

/*
 * The effects (bits 1 << enum effect) of P's own loads and stores: of packets,
 * for types whose context leads to one, and of kernel memory, for types whose
 * context holds pointers to it. Never misses one; may name one that no
 * execution has.
 */
u32 flow_effects(const struct image_prog *p);

/* ---- manifest.c: what a program may do and needs ------------------------------ */

/* Helpers that a program calls, each once, in order of first use. There are
 * 211; the calls of what is none may be more than fit, and are counted. */
struct helpers { u32 id[256]; u32 n, more; };

struct manifest {
	struct helpers helpers;
	u32 effects;		/* bits 1 << enum effect */
	unsigned caps;		/* NEED_*, besides CAP_BPF */
	const char *since;	/* kernel version that has all it uses */
	char why[64];		/* what it was that came last */
	const char *gpl;	/* a helper that needs a GPL licence, or NULL */
	bool *maps;		/* [img->nr_maps] those it refers to */
};

void manifest_make(struct manifest *m, const struct image *img, const struct image_prog *p);
void manifest_free(struct manifest *m);
/* "map_lookup_elem" or "#999". */
const char *helper_text(u32 id, char buf[64]);

/* ---- inspect_facts.c, inspect_text.c, inspect_json.c ------------------------------- */

enum { INSPECT_VALUE_MAX = 1 << 20 };	/* bytes of a .bss variable that are shown */

struct inspect {
	const char *prog;	/* only this one; NULL = all */
	bool source, verbose, sections;
};

const char *inspect_prog_type(const struct image_prog *p);
const char *inspect_map_type(const struct image_map *m);
/* "struct key (8)", or "8 bytes". */
void inspect_type(struct strbuf *out, const struct image *img, u32 type, u32 bytes);
void inspect_flags(struct strbuf *out, u32 flags);
/* A variable in a section of data. */
struct inspect_var {
	const char *name;
	u32 type, off, bytes;
	bool settable;		/* const volatile: a loader may set it */
};
/* Variable I of map M; false when there is none. */
bool inspect_var(struct inspect_var *v, const struct image *img, const struct image_map *m, u32 i);
/* The initial value of V, as JSON. */
void inspect_value(struct json *j, const char *key, const struct image *img,
		   const struct image_map *m, const struct inspect_var *v);
bool inspect_wants(const struct inspect *o, const struct image_prog *p);
void inspect_text(struct strbuf *out, const struct inspect *o, const struct image *img);
void inspect_json(struct json *j, const struct inspect *o, const struct image *img);

/* ---- inspect_sections.c --------------------------------------------------- */

void inspect_sections_text(struct strbuf *out, const struct image *img);
void inspect_sections_json(struct json *j, const struct image *img);

/* ---- inspect_links.c ------------------------------------------------------ */

/* Type, sizes, flags, key and value of M: members of the object at hand. */
void inspect_shape_json(struct json *j, const struct image *img, const struct image_map *m);
/* What M holds at the start, and of which kind the maps in it are. */
void inspect_slots_text(struct strbuf *out, const struct image *img, const struct image_map *m);
void inspect_slots_json(struct json *j, const struct image *img, const struct image_map *m);
/* The kernel function of extern *AT or of one after it that P calls, or NULL; *AT
 * (0 = start) moves behind it. */
const char *inspect_kfunc(const struct image *img, const struct image_prog *p, u32 *at);
void inspect_attach_json(struct json *j, const struct image *img, const struct image_prog *p);

/* ---- inspect_types.c ------------------------------------------------------ */

/* ALL: also the relocations that went well. */
void inspect_types_text(struct strbuf *out, const struct image *img, bool all);
void inspect_types_json(struct json *j, const struct image *img);
void inspect_core_json(struct json *j, const struct image *img, const struct image_prog *p);

#endif
