/* SPDX-License-Identifier: BSD-2-Clause */
/* cpp.h: the words of the C part, macros replaced; and numbers computed from them. */
#ifndef LANG_CPP_H
#define LANG_CPP_H

#include "lang/cdecl.h"
#include "lang/token.h"

struct ctok {
	struct token t;
	struct span at;		/* of a macro's words: where it was used */
};

struct ctoks { struct ctok *v; size_t n, cap; };	/* a VEC */

struct cpp {
	struct script *s;
	const char *const *dirs;
	u32 nr_dirs;
	struct ctoks toks;
	VEC(struct cmacro *) macros;
	struct strtab names;		/* of macros; UINT32_MAX: undefined again */
	u32 depth;			/* of includes */
	u32 calls;			/* of macros, that are being replaced */
	bool stop;
	bool skipped;			/* an #include <x.h> */
};

/* Appends the words of SRC, macros replaced, as if they stood at AT (src NULL: where they
 * are). DEFINED: after "defined" names stay. */
void cpp_words(struct cpp *c, struct ctoks *out, const struct source *src, struct span at,
	       bool defined);

/* ---- cconst.c ------------------------------------------------------------------- */

struct cexpr {
	const struct ctok *t, *end;
	/* Numbers of names, sizes of types: *E is at the name or behind "sizeof", and is left
	   behind what was taken. False: there is none. */
	bool (*name)(void *arg, struct cexpr *e, bool is_sizeof, s64 *value);
	void *arg;
	const char *wrong;	/* what is, and at which word */
	const struct ctok *where;
	u32 depth;
};

static inline bool ctok_is(const struct ctok *t, u32 op)
{
	return t->t.kind == T_PUNCT && t->t.op == op;
}
static inline bool ctok_word(const struct ctok *t, const char *word)
{
	return t->t.kind == T_IDENT && t->t.text_n == strlen(word) &&
	       !memcmp(t->t.text, word, t->t.text_n);
}

/* The value of the expression at E->t, which goes behind it; "," ends it. */
bool cconst(struct cexpr *e, s64 *value);

#endif
