/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btf_spell.h: the named types of a BTF as sorted lines, so that two that number
 * types otherwise can be compared. A line says all that a type is by itself and
 * names what it refers to, which has a line of its own.
 */
#ifndef TEST_BTF_SPELL_H
#define TEST_BTF_SPELL_H

#include "base/vec.h"
#include "btf/btf.h"
#include <stdio.h>
#include <stdlib.h>

struct lines { char **v; size_t n, cap; };

/* ---- one type in one line ----------------------------------------------------- */

static inline void spell(struct strbuf *s, const struct btf *btf, u32 id, int depth);

static inline void spell_members(struct strbuf *s, const struct btf *btf,
			  const struct btf_type *t, int depth)
{
	sb_printf(s, "(%u){", t->size);
	for (u32 i = 0; i < btf_vlen(t); i++) {
		struct btf_member_info m = btf_member(btf, t, i);

		sb_printf(s, "%s@%u:%u ", m.name, m.bit_off, m.bit_size);
		spell(s, btf, m.type_id, depth + 1);
		sb_puts(s, "; ");
	}
	sb_puts(s, "}");
}

static inline void spell_enum(struct strbuf *s, const struct btf *btf, const struct btf_type *t)
{
	const struct btf_enum *e = (const void *)(t + 1);
	const struct btf_enum64 *w = (const void *)(t + 1);

	sb_printf(s, "(%u){", t->size);
	for (u32 i = 0; i < btf_vlen(t); i++)
		if (btf_kind(t) == BTF_KIND_ENUM64)
			sb_printf(s, "%s=%x:%x ", btf_str(btf, w[i].name_off),
				  w[i].val_hi32, w[i].val_lo32);
		else
			sb_printf(s, "%s=%x ", btf_str(btf, e[i].name_off), (u32)e[i].val);
	sb_puts(s, "}");
}

static inline void spell_params(struct strbuf *s, const struct btf *btf,
			 const struct btf_type *t, int depth)
{
	const struct btf_param *p = (const void *)(t + 1);

	sb_puts(s, "(");
	for (u32 i = 0; i < btf_vlen(t); i++) {
		sb_printf(s, "%s ", btf_str(btf, p[i].name_off));
		spell(s, btf, p[i].type, depth + 1);
		sb_puts(s, ", ");
	}
	sb_puts(s, ")");
	spell(s, btf, t->type, depth + 1);
}

/* pahole makes one dimension of several. */
static inline void spell_array(struct strbuf *s, const struct btf *btf,
			const struct btf_type *t, int depth)
{
	const struct btf_array *a = (const void *)(t + 1);
	u64 n = a->nelems;

	for (; btf_kind(btf_type(btf, a->type)) == BTF_KIND_ARRAY; n *= a->nelems)
		a = (const void *)(btf_type(btf, a->type) + 1);
	sb_printf(s, "[%llu]", (unsigned long long)n);
	spell(s, btf, a->type, depth + 1);
}

static inline void spell_tag(struct strbuf *s, const struct btf *btf, const struct btf_type *t)
{
	sb_printf(s, "at %d of %u %s", ((const struct btf_decl_tag *)(t + 1))->component_idx,
		  btf_kind(btf_type(btf, t->type)), btf_type_name(btf, t->type));
}

/* Variables by name: the BTFs number them otherwise. */
static inline void spell_section(struct strbuf *s, const struct btf *btf, const struct btf_type *t)
{
	const struct btf_var_secinfo *v = (const void *)(t + 1);

	sb_printf(s, "(%u)", t->size);
	for (u32 i = 0; i < btf_vlen(t); i++)
		sb_printf(s, " %s@%u:%u", btf_type_name(btf, v[i].type), v[i].offset, v[i].size);
}

static inline void spell_ref(struct strbuf *s, const struct btf *btf, const struct btf_type *t,
		      int depth)
{
	static const char *const marks[NR_BTF_KINDS] = {
		[BTF_KIND_PTR] = "*", [BTF_KIND_CONST] = "const ",
		[BTF_KIND_VOLATILE] = "volatile ", [BTF_KIND_RESTRICT] = "restrict ",
	};

	if (btf_kind(t) == BTF_KIND_ARRAY) {
		spell_array(s, btf, t, depth);
	} else if (btf_kind(t) == BTF_KIND_FUNC_PROTO) {
		spell_params(s, btf, t, depth);
	} else {
		sb_puts(s, marks[btf_kind(t)] ? marks[btf_kind(t)] : "?");
		spell(s, btf, t->type, depth + 1);
	}
}

static inline void spell(struct strbuf *s, const struct btf *btf, u32 id, int depth)
{
	const struct btf_type *t = btf_type(btf, id);
	const char *name = btf_str(btf, t->name_off);
	u32 kind = btf_kind(t);

	/* named types within others are lines of their own */
	if (kind == BTF_KIND_TYPE_TAG) {
		sb_printf(s, "tag(%s) ", name);
		spell(s, btf, t->type, depth + 1);
		return;
	}
	if (!id || (*name && depth)) {
		sb_puts(s, id ? name : "void");
		return;
	}
	sb_printf(s, "%u %s ", kind == BTF_KIND_ENUM64 ? BTF_KIND_ENUM : kind, name);
	switch (kind) {
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
		sb_printf(s, "(%u)", t->size);
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		spell_members(s, btf, t, depth);
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		spell_enum(s, btf, t);
		break;
	case BTF_KIND_FWD:
		break;
	case BTF_KIND_VAR:
		sb_printf(s, "linkage %u ", ((const struct btf_var *)(t + 1))->linkage);
		/* fall through */
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_FUNC:
		spell(s, btf, t->type, depth + 1);
		break;
	case BTF_KIND_DECL_TAG:
		spell_tag(s, btf, t);
		break;
	case BTF_KIND_DATASEC:
		spell_section(s, btf, t);
		break;
	default:
		spell_ref(s, btf, t, depth);
		break;
	}
}

static inline int line_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Are types of KIND in the lines? TYPES is all but functions, variables, of which
 * pahole takes few, their sections and, in both, what arrays are indexed by. */
enum pick { TYPES, FUNCS, VARS };

static inline bool picked(const struct btf *btf, u32 id, enum pick pick)
{
	switch (btf_kind(btf_type(btf, id))) {
	case BTF_KIND_FUNC:
		return pick == FUNCS;
	case BTF_KIND_VAR:
	case BTF_KIND_DATASEC:
		return pick == VARS;
	case BTF_KIND_TYPE_TAG:
		return false;	/* spelled where it is used */
	default:
		return pick == TYPES && strcmp(btf_type_name(btf, id), "__ARRAY_SIZE_TYPE__");
	}
}

static inline void spell_btf(struct lines *out, const struct btf *btf, enum pick pick)
{
	for (u32 id = 1; id < btf->nr_types; id++) {
		struct strbuf s = { 0 };

		if (!*btf_type_name(btf, id) || !picked(btf, id, pick))
			continue;
		spell(&s, btf, id, 0);
		*vec_push(out) = s.s;
	}
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), line_order);
}

static inline void spell_picked(struct lines *out, const char *path, enum pick pick)
{
	struct btf_file f;
	struct skep_err err;

	if (btf_open_file(&f, path, NULL, &err))
		fail_msg("%s", err.text);
	spell_btf(out, f.btf, pick);
	btf_close_file(&f);
}

static inline void free_lines(struct lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	vec_free(l);
}

/* How many lines only one of both has, which are printed; with FEWER, only what
 * B alone has counts. */
static inline size_t compare_lines(const struct lines *a, const struct lines *b, bool fewer)
{
	size_t i = 0, k = 0, bad = 0;

	while (i < a->n || k < b->n) {
		int order = i == a->n ? 1 : k == b->n ? -1 : strcmp(a->v[i], b->v[k]);

		if (order && !(fewer && order < 0) && bad++ < 20)
			print_message("# %s %s\n", order < 0 ? "ours only:  " :
				      "theirs only:", order < 0 ? a->v[i] : b->v[k]);
		i += order <= 0;
		k += order >= 0;
	}
	return bad;
}

#endif
