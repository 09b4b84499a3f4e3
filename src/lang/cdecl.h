/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cdecl.h: the C part of a script: #define, #include "x.h", struct, union, enum, typedef,
 * as types (BTF, laid out as C compilers for this machine do) and constants. Headers in
 * <> are not read: the kernel's types are known from its BTF. Out: struct cdecl. Never:
 * functions, initialisers.
 */
#ifndef LANG_CDECL_H
#define LANG_CDECL_H

#include "base/hash.h"
#include "base/vec.h"
#include "btf/btf.h"
#include "lang/ast.h"

/* A macro without parameters, or one with, which cannot be used. */
/* Of a macro: parameters; calls of it in arguments of its calls. */
enum { PARAMS_MAX = 16, CALLS_MAX = 64 };

struct cmacro {
	const char *name;
	const struct source *body;	/* its name is the macro's */
	struct span at;
	bool params, busy;		/* PARAMS: it is called, NAME(...) */
	const char **names;		/* of its parameters */
	u32 nr_names;
};

/* What the preprocessor leaves. */
struct cpp;

/* Reads all N_CPART of LIST, once for a script: s->cpp. DIRS: where "x.h" is looked for,
 * after the folder of who includes it. */
void cpp_run(struct script *s, const struct node *list, const char *const *dirs, u32 nr_dirs);
void cpp_free(struct script *s);
/* NULL: it is none. */
struct cmacro *cpp_macro(const struct script *s, const char *name);
/* The body of M with ARGS, N texts, in place of parameters, which is where CALL is. NULL: they
 * are not as many, or it is of a kind that is not there; that has been said. */
const struct source *cpp_call(struct script *s, const struct cmacro *m, const char *const *args,
			      u32 n, struct span call);

struct cdecl {
	struct btf *btf;	/* what is declared; NULL: nothing. Its base is the kernel's
				   when a type of that is used */
	struct strtab types;	/* "struct foo", "foo_t" -> id */
	const struct script *s;
	struct strtab constants;
	VEC(s64) values;
	const struct ctok *first;	/* of what was read */
};

/*
 * CPART is the first of the script's; those behind it are read, too. Errors are the
 * script's: -1 then, else 0. KERNEL may be NULL.
 */
int cdecl_parse(struct script *s, const struct node *cpart, const struct btf *kernel,
		struct cdecl *out);
void cdecl_free(struct cdecl *c);
/* A number that the C part gives a name: an enumerator or a #define. */
bool cdecl_constant(const struct cdecl *c, const char *name, s64 *value);
/* Type "struct foo", "union foo", "enum foo", "foo_t" of c->btf; 0: not declared there. */
u32 cdecl_type(const struct cdecl *c, const char *name);

#endif
