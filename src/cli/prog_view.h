/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prog_view.h: programs and links of the running kernel as `skep prog` and `skep link`
 * see them: which ones words of bpftool's grammar name, facts and instructions in
 * bpftool's forms. Commands are in cmd_prog.c.
 */
#ifndef CLI_PROG_VIEW_H
#define CLI_PROG_VIEW_H

#include "cli/map_view.h"

/* ---- prog_view.c ------------------------------------------------------------------ */

struct prog_list { struct live_prog *v; size_t n, cap; };	/* a VEC */

/* What PROG stands for: "id N", "tag T", "name N" (several may have these) or "pinned
 * FILE". Errors: USAGE, LIVE, PIN, KERNEL. */
int prog_list_parse(struct prog_list *l, struct words *w, struct skep_err *err);
/* Calls FN with each program that there is; never more than one is open. */
int prog_each(void (*fn)(void *arg, const struct live_prog *p), void *arg,
	      struct skep_err *err);
void prog_list_free(struct prog_list *l);
/* One program and no more: a descriptor. */
int prog_parse(struct words *w, struct skep_err *err);
/* Its name, which the kernel cuts off at 15 characters, as its types have it whole: for
 * free(). */
char *prog_full_name(const struct live_prog *p);

struct link_list { struct live_link *v; size_t n, cap; };	/* a VEC */

/* What LINK stands for: "id N" or "pinned FILE". */
int link_list_parse(struct link_list *l, struct words *w, struct skep_err *err);
int link_each(void (*fn)(void *arg, const struct live_link *l), void *arg,
	      struct skep_err *err);
void link_list_free(struct link_list *l);

/* ---- prog_print.c ----------------------------------------------------------------- */

/* Facts as `prog show` prints them; PINS may be NULL. */
void prog_print_facts(struct strbuf *out, const struct live_prog *p,
		      const struct live_pins *pins);
void prog_json_facts(struct json *j, const struct live_prog *p, const struct live_pins *pins);
/* Which one it is: the first line; members of an object that is open. */
void prog_print_head(struct strbuf *out, const struct live_prog *p);
void prog_json_head(struct json *j, const struct live_prog *p);

/* ---- link_print.c ----------------------------------------------------------------- */

void link_print_facts(struct strbuf *out, const struct live_link *l,
		      const struct live_pins *pins);
void link_json_facts(struct json *j, const struct live_link *l, const struct live_pins *pins);
/* Where a link of netfilter is: "\tip input prio -128"; members of an object. */
void link_print_netfilter(struct strbuf *out, const struct live_link *l);
void link_json_netfilter(struct json *j, const struct live_link *l);

/* ---- prog_dump.c ------------------------------------------------------------------ */

struct prog_dump_opts {
	bool opcodes, linum, visual;
	bool json;
};

/* Appends "u32 (struct sock *)": a prototype without names. */
void prog_type_text(struct strbuf *out, const struct btf *btf, u32 proto);

/* A program's instructions, with all that their text needs. */
struct prog_text;
int prog_text_open(struct prog_text **out, const struct live_prog *p, struct skep_err *err);
void prog_text_close(struct prog_text *t);	/* NULL is fine */
const struct live_code *prog_text_code(const struct prog_text *t);
/* Appends instruction AT, calls within the program without the function's name. */
void prog_text_insn(struct prog_text *t, struct strbuf *out, u32 at);
/* Its types, or NULL; "int f(int a)" of function ID of them, good until the next call; "". */
const struct btf *prog_text_types(const struct prog_text *t);
const char *prog_text_proto(struct prog_text *t, u32 id);

/* Instructions of P, one a line into OUT or, with JSON, as members of an array that is
 * open in J. */
int prog_dump(struct strbuf *out, struct json *j, const struct live_prog *p,
	      const struct prog_dump_opts *o, struct skep_err *err);

/* prog_visual.c: how control flows through P, for dot(1). */
int prog_dump_graph(struct strbuf *out, const struct live_prog *p, struct skep_err *err);
/* prog_jited.c: native code of P, as prog_dump does. */
int prog_dump_jited(struct strbuf *out, struct json *j, const struct live_prog *p,
		    const struct prog_dump_opts *o, struct skep_err *err);

#endif
