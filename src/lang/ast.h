/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ast.h: a script as a tree. The parser makes it, expand.c takes macros and imports out
 * of it, sema.c writes types into it, lower.c reads it. Nodes live in the script's arena
 * and know where they stand, so that every message can quote its line.
 */
#ifndef LANG_AST_H
#define LANG_AST_H

#include "base/arena.h"
#include "base/strbuf.h"

enum node_kind {
#define NODE(kind, name) N_##kind,
#include "lang/ast.def"
#undef NODE
	N_COUNT
};

enum node_op {
	OP_NONE,
	OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_MOD, OP_AND, OP_OR, OP_XOR, OP_SHL, OP_SHR,
	OP_LAND, OP_LOR, OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE,
	OP_NOT, OP_BNOT, OP_NEG, OP_DEREF, OP_ADDR, OP_INC, OP_DEC,
};

/* A piece of a source file: bytes [FROM, TO) of SRC. */
struct span {
	const struct source *src;
	u32 from, to;
};

struct node {
	enum node_kind kind;
	struct span at;
	struct node *next;	/* in the list that it is in */
	struct node *a, *b, *c;
	struct node *list;
	struct node *type;	/* N_TYPE */
	const char *text;
	const char *name;
	u64 num;
	u32 text_n;
	enum node_op op;
	bool is_unsigned, arrow, post, comptime;
	u32 high;		/* of the tree that it is: at most LANG_DEPTH */
	/* of sema.c */
	const struct ty *ty;
	void *sem;		/* what it found out: a variable, a map, a builtin's row */
};

/* A file, or the text of -e. */
struct source {
	const char *name;	/* "stdin" of -e, as bpftrace calls it */
	const char *text;	/* ends with NUL */
	u32 bytes;
	const u32 *lines;	/* where each begins */
	u32 nr_lines;
	/* Code that expand.c copied from a macro has a source of its own, with the macro's
	   text and this: the call, so that messages can name both. NULL else. */
	const struct span *via;
};

/* What went wrong, in the order of the text; all in one go. */
enum diag_kind { DIAG_ERROR, DIAG_WARNING };
struct diag {
	struct diag *next;
	enum diag_kind kind;
	struct span at;		/* src NULL: of no place */
	const char *text;
	const char *hint;	/* or NULL; may have several lines */
};

struct script {
	struct arena arena;
	struct node *list;	/* of the file, in order; after expand.c PROBE, FN,
				   MAPDECL, CONFIG, CPART alone */
	struct diag *diags, **diags_end, *last;
	u32 nr_diags;		/* also those that are not kept */
	u32 nr_errors;
	struct expand_option *options;	/* that the script has: getopt() */
	/* import "x.bpf.c": what has to be compiled */
	struct script_c { struct script_c *next; const char *path; struct span at; } *c_files;
	struct cpp *cpp;	/* of the C part (cdecl.h); NULL: there is none */
};

/* How deep trees may nest: whoever walks them recurses. */
#define LANG_DEPTH 500

/* ---- ast.c ---------------------------------------------------------------------- */

void script_open(struct script *s);
void script_free(struct script *s);
/* TEXT must live as long as S; it has a NUL behind it. */
const struct source *script_source(struct script *s, const char *name, const char *text,
				   u32 bytes);
/* A source of its own memory. */
const struct source *script_source_copy(struct script *s, const char *name, const void *data,
					u32 bytes);
struct node *node_new(struct script *s, enum node_kind kind, struct span at);
/* Deep copies: of N without what is next to it, of a whole list. */
struct node *node_copy(struct script *s, const struct node *n);
struct node *node_copy_list(struct script *s, const struct node *list);
struct span span_join(struct span a, struct span b);
/* Sets N->high, of what its members say. */
void node_measure(struct node *n);
/* Its row's name; "+"; "a\n" with quotes. */
/* Does it end in a brace, without ";"? */
bool node_is_braced(const struct node *n);
const char *node_kind_name(enum node_kind kind);
const char *ast_op_name(enum node_op op);
void ast_put_string(struct strbuf *out, const char *s, size_t n);
/* -d ast */
void ast_print(struct strbuf *out, const struct script *s);

/* An error or warning of this place; at most 100 are kept. */
void diag_error(struct script *s, struct span at, const char *fmt, ...) PRINTF_LIKE(3, 4);
void diag_warn(struct script *s, struct span at, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Gives the last one a hint. */
void diag_hint(struct script *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* All of them as bpftrace writes them: "stdin:1:1-38: ERROR: TEXT", the line, "~~~~"
 * under the place, "HINT: ...". */
void diag_print(struct strbuf *out, const struct script *s);
/* One message of that form, KIND being "ERROR" or another word; and of code of a macro which
 * calls it came from. */
void diag_place(struct strbuf *out, struct span at, const char *kind, const char *text);
void diag_calls(struct strbuf *out, struct span at, const char *kind);

/* Line and column of byte POS, from 1. */
u32 source_line(const struct source *src, u32 pos);
u32 source_col(const struct source *src, u32 pos);

/* ---- parse.c -------------------------------------------------------------------- */

/* Appends what SRC says to S->list; errors are S's, and parsing goes on behind them. */
void parse_script(struct script *s, const struct source *src);
/* SRC as one expression; NULL, and no error, when it is none. */
struct node *parse_expression(struct script *s, const struct source *src);

/* ---- fmt.c ---------------------------------------------------------------------- */

/* --fmt: the script as it should look, comments kept; false after errors. */
bool fmt_script(struct strbuf *out, struct script *s, const struct source *src);

/* ---- expand.c ------------------------------------------------------------------- */

struct expand_opts {
	const char *const *args;	/* $1 ..., and --NAME=VALUE of getopt() */
	u32 nr_args;
	const char *const *dirs;	/* where import looks: the script's own folder first */
	u32 nr_dirs;
};
/* What the script takes by getopt(). */
struct expand_option {
	struct expand_option *next;
	const char *name, *help;	/* help NULL: none */
	const struct node *value;	/* BOOL, INT, STR: when it is not given */
	struct span at;
};
/*
 * Reads what is imported; replaces macros, positional parameters and getopt() by what
 * they stand for. Variables of macros get names of their own, "$x#1", that no script can
 * write; nodes that a macro made have a source with via.
 */
void expand_script(struct script *s, const struct expand_opts *o);

#endif
