/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * header.c: all types as one C header. C wants a struct defined before it is
 * a member, a typedef before it is named at all, and a tag declared before a
 * parameter list names it; so before each definition comes what it needs.
 * Anonymous types stand where they are used. Output is bounded: types that
 * expand without bound are refused.
 */
#include "btf/dump.h"
#include "base/os.h"

enum {
	MAX_LEVELS = 1000,	/* of types that need each other; vmlinux: below 100 */
	PARTS_BASE = 1 << 16,	/* what may be printed, and for each type */
	PARTS_EACH = 64,
};

/* header.states[] */
enum { DECLARED = 1, BUSY = 2, DONE = 4, USED = 8 };

struct order {
	struct dump d;
	struct header h;
	struct strbuf *out;
	u32 self;	/* the struct whose body comes next: it declares its tag */
};

static void need(struct order *o, u32 id, bool whole);

/* ---- names ------------------------------------------------------------------ */

static u32 count(struct strtab *names, const char *name)
{
	u32 n = 0;

	strtab_get(names, name, &n);
	strtab_put(names, name, n + 1);
	return n + 1;
}

/* A forward declaration means the type of its name when there is one. */
static u32 definition(const struct btf *btf, u32 id)
{
	const struct btf_type *t = btf_type(btf, id);
	u32 kind = btf_kflag(t) ? BTF_KIND_UNION : BTF_KIND_STRUCT;
	u32 other;

	if (btf_kind(t) != BTF_KIND_FWD)
		return id;
	other = btf_find(btf, btf_type_name(btf, id), kind);
	return other ? other : btf_find(btf, btf_type_name(btf, id), BTF_KIND_FWD);
}

u32 header_version(struct dump *d, u32 id)
{
	u32 of = definition(d->btf, id), *version = &d->h->versions[id];

	if (*version)
		return *version;
	if (of != id && btf_kflag(btf_type(d->btf, of)) == btf_kflag(btf_type(d->btf, id)))
		*version = header_version(d, of);
	else
		*version = count(btf_kind(btf_type(d->btf, id)) == BTF_KIND_TYPEDEF ?
				 &d->h->idents : &d->h->tags, btf_type_name(d->btf, id));
	return *version;
}

u32 header_ident(struct dump *d, const char *name)
{
	return count(&d->h->idents, name);
}

bool header_is_builtin(struct dump *d, const struct btf_type *t)
{
	return !strcmp(btf_str(d->btf, t->name_off), "__builtin_va_list");
}

/* ---- what is printed -------------------------------------------------------- */

static void print_forward(struct order *o, u32 id)
{
	const struct btf_type *t = btf_type(o->d.btf, id);

	if (id == o->self || o->h.states[id] & (DECLARED | DONE))
		return;
	o->h.states[id] |= DECLARED;
	sb_printf(o->out, "%s ", dump_keyword(t));
	dump_name(&o->d, o->out, id);
	sb_puts(o->out, ";\n\n");
}

static void print_definition(struct order *o, u32 id)
{
	const struct btf_type *t = btf_type(o->d.btf, id);

	sb_printf(o->out, "%s ", dump_keyword(t));
	if (*btf_type_name(o->d.btf, id)) {
		dump_name(&o->d, o->out, id);
		sb_putc(o->out, ' ');
	}
	dump_body(&o->d, o->out, id, 0);
	sb_puts(o->out, ";\n\n");
}

static void print_typedef(struct order *o, u32 id)
{
	struct strbuf name = { 0 };

	dump_name(&o->d, &name, id);
	sb_puts(o->out, "typedef ");
	dump_declare(&o->d, o->out, btf_type(o->d.btf, id)->type, sb_text(&name), 0);
	sb_puts(o->out, ";\n\n");
	sb_free(&name);
}

/* ---- the order --------------------------------------------------------------- */

static void need_members(struct order *o, u32 id)
{
	const struct btf_type *t = btf_type(o->d.btf, id);

	for (u32 i = 0; i < btf_vlen(t) && !o->h.failed; i++)
		need(o, btf_member(o->d.btf, t, i).type_id, true);
}

static void need_params(struct order *o, const struct btf_type *t)
{
	const struct btf_param *p = (const void *)(t + 1);

	for (u32 i = 0; i < btf_vlen(t) && !o->h.failed; i++)
		need(o, p[i].type, false);
}

/* A struct, union, enum or typedef; each once, with what it needs before it. */
static void define(struct order *o, u32 id)
{
	const struct btf_type *t = btf_type(o->d.btf, id);
	u32 kind = btf_kind(t);
	bool named = *btf_type_name(o->d.btf, id);
	u32 outer = o->self;

	if (o->h.states[id] & (BUSY | DONE))
		return;
	o->h.states[id] |= BUSY;
	if (named)
		o->self = kind == BTF_KIND_TYPEDEF ? 0 : id;
	if (kind == BTF_KIND_TYPEDEF)
		need(o, t->type, false);
	else if (kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION)
		need_members(o, id);
	o->self = outer;
	if (o->h.failed)
		return;
	if (kind == BTF_KIND_TYPEDEF)
		print_typedef(o, id);
	else if (named)
		print_definition(o, id);
	o->h.states[id] |= DONE;
	o->h.failed = o->d.parts >= o->d.max_parts;
}

/* The link after T in need's walk; 0 ends it. */
static u32 need_link(struct order *o, u32 id, bool *whole)
{
	const struct btf_type *t = btf_type(o->d.btf, id);
	bool named = *btf_type_name(o->d.btf, id);

	switch (btf_kind(t)) {
	case BTF_KIND_PTR:
		*whole = false;
		return t->type;
	case BTF_KIND_ARRAY:
		*whole = true;
		return ((const struct btf_array *)(t + 1))->type;
	case BTF_KIND_FUNC_PROTO:
		need_params(o, t);
		*whole = false;
		return t->type;
	case BTF_KIND_TYPEDEF:
		if (header_is_builtin(&o->d, t))
			return t->type;
		define(o, id);
		return *whole ? t->type : 0;
	case BTF_KIND_FWD:
		print_forward(o, definition(o->d.btf, id));
		return 0;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		if (named && !*whole)
			print_forward(o, id);
		else
			define(o, id);
		return 0;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		define(o, id);
		return 0;
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
	case BTF_KIND_FUNC:
		return t->type;
	default:
		return 0;
	}
}

/* Prints what must come before a use of ID: its definition when WHOLE, else
 * what is enough for a pointer. */
static void need(struct order *o, u32 id, bool whole)
{
	if (o->h.level++ >= MAX_LEVELS || o->d.parts >= o->d.max_parts)
		o->h.failed = true;
	while (id && id < o->d.btf->nr_types && !o->h.failed) {
		if (o->d.parts++ >= o->d.max_parts)
			o->h.failed = true;
		id = need_link(o, id, &whole);
	}
	o->h.level--;
}

/* ---- anonymous enums, whose constants are wanted too ------------------------- */

static void mark_used(struct order *o, u32 id)
{
	if (id < o->d.btf->nr_types)
		o->h.states[id] |= USED;
}

static void mark_refs(struct order *o, const struct btf_type *t)
{
	const struct btf_member *m = (const void *)(t + 1);
	const struct btf_param *p = (const void *)(t + 1);

	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		for (u32 i = 0; i < btf_vlen(t); i++)
			mark_used(o, m[i].type);
		return;
	case BTF_KIND_FUNC_PROTO:
		for (u32 i = 0; i < btf_vlen(t); i++)
			mark_used(o, p[i].type);
		mark_used(o, t->type);
		return;
	case BTF_KIND_ARRAY:
		mark_used(o, ((const struct btf_array *)(t + 1))->type);
		return;
	case BTF_KIND_PTR:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		mark_used(o, t->type);
		return;
	default:
		return;
	}
}

static void print_type(struct order *o, u32 id)
{
	const struct btf_type *t = btf_type(o->d.btf, id);
	bool named = *btf_type_name(o->d.btf, id);

	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_FWD:
		if (named)
			need(o, id, true);
		return;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		if (named)
			need(o, id, true);
		else if (!(o->h.states[id] & USED) && btf_vlen(t))
			print_definition(o, id);
		return;
	default:
		return;
	}
}

static void print_types(struct order *o)
{
	const struct btf *btf = o->d.btf;

	for (u32 id = btf->first_id; id < btf->nr_types; id++)
		mark_refs(o, btf_type(btf, id));
	for (u32 id = btf->first_id; id < btf->nr_types && !o->h.failed; id++)
		print_type(o, id);
}

/* ---- kfuncs -------------------------------------------------------------------- */

static bool is_kfunc_tag(const struct btf *btf, u32 id)
{
	const struct btf_type *t = btf_type(btf, id), *func;

	if (btf_kind(t) != BTF_KIND_DECL_TAG || strcmp(btf_type_name(btf, id), "bpf_kfunc") ||
	    ((const struct btf_decl_tag *)(t + 1))->component_idx != -1)
		return false;
	func = btf_type(btf, t->type);
	return func && btf_kind(func) == BTF_KIND_FUNC;
}

static void print_kfunc(struct order *o, u32 id)
{
	struct strbuf name = { 0 }, text = { 0 };

	if (o->h.states[id] & DONE)
		return;
	o->h.states[id] |= DONE;
	need(o, id, false);
	sb_puts(&name, btf_type_name(o->d.btf, id));
	dump_declare(&o->d, &text, id, sb_text(&name), 0);
	sb_printf(o->out, "extern %s __weak __ksym;\n", sb_text(&text));
	sb_free(&name);
	sb_free(&text);
}

static void print_kfuncs(struct order *o)
{
	const struct btf *btf = o->d.btf;
	bool any = false;

	for (u32 id = btf->first_id; id < btf->nr_types && !o->h.failed; id++) {
		if (!is_kfunc_tag(btf, id))
			continue;
		if (!any)
			sb_puts(o->out, "#ifndef BPF_NO_KFUNC_PROTOTYPES\n"
				"#ifndef __ksym\n"
				"#define __ksym __attribute__((section(\".ksyms\")))\n"
				"#endif\n#ifndef __weak\n"
				"#define __weak __attribute__((weak))\n#endif\n\n");
		any = true;
		print_kfunc(o, btf_type(btf, id)->type);
	}
	if (any)
		sb_puts(o->out, "#endif\n\n");
}

/* ---- the whole -------------------------------------------------------------------- */

static void print_header(struct order *o, const u32 *roots, size_t n)
{
	sb_puts(o->out, "#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\n\n"
		"#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n"
		"#pragma clang attribute push (__attribute__((preserve_access_index)), "
		"apply_to = record)\n#endif\n\n");
	for (size_t i = 0; i < n && !o->h.failed; i++)
		if (roots[i] < o->d.btf->nr_types)
			need(o, roots[i], true);
	if (!n) {
		print_types(o);
		print_kfuncs(o);
	}
	sb_puts(o->out, "#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n"
		"#pragma clang attribute pop\n#endif\n\n"
		"#endif /* __VMLINUX_H__ */\n");
}

int btf_header_c(struct strbuf *out, const struct btf *btf, const u32 *roots,
		 size_t n, const char *where, struct skep_err *err)
{
	struct order o = { .out = out };
	struct btf own, base;	/* copies, to which an index is added */
	u32 nr = btf->nr_types;
	bool failed;

	own = *btf;
	if (btf->base) {
		base = *btf->base;
		own.base = &base;
		btf_index(&base, &o.h.arena);
	}
	btf_index(&own, &o.h.arena);
	o.d = (struct dump){
		.btf = &own, .h = &o.h,
		.max_parts = PARTS_BASE + (u64)nr * PARTS_EACH,
	};
	o.h.tags.arena = o.h.idents.arena = &o.h.arena;
	o.h.states = arena_news(&o.h.arena, nr, u8);
	o.h.layouts = arena_news(&o.h.arena, nr, u8);
	o.h.versions = arena_news(&o.h.arena, nr, u32);
	print_header(&o, roots, n);
	failed = o.h.failed || o.d.parts >= o.d.max_parts;
	arena_free(&o.h.arena);
	return failed ? err_set(err, ERR_LIMIT, where,
				"types that C needs more than %d levels or %llu declarations for",
				MAX_LEVELS, (unsigned long long)o.d.max_parts) : 0;
}
