/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dump_c.c: types as C. A declaration is built from its name outwards, as one
 * reads it: each pointer goes to the left, each array and parameter list to
 * the right, until a type with a name ends the chain. Bodies that nest or
 * repeat without bound are cut with "...".
 */
#include "btf/dump.h"
#include <ctype.h>
#include <stdio.h>

enum {
	MAX_PARTS = 16384,	/* of one declaration outside headers */
	MAX_DEPTH = 32,		/* parameter lists and bodies inside each other */
};
enum { CONST = 1, VOLATILE = 2, RESTRICT = 4 };

static void tabs(struct strbuf *out, u32 n)
{
	while (n--)
		sb_putc(out, '\t');
}

/* What stands before a type's name, or behind the '*' that it belongs to. */
struct quals {
	unsigned set;
	const struct btf_type *tag;	/* a TYPE_TAG or NULL */
};

static void qualifiers(struct dump *d, struct strbuf *out, struct quals quals)
{
	if (d->plain)
		return;
	if (quals.set & CONST)
		sb_puts(out, "const ");
	if (quals.set & VOLATILE)
		sb_puts(out, "volatile ");
	if (quals.set & RESTRICT)
		sb_puts(out, "restrict ");
	if (quals.tag && d->h)
		sb_printf(out, btf_kflag(quals.tag) ? "__attribute__((%s)) " :
			  "__attribute__((btf_type_tag(\"%s\"))) ",
			  btf_str(d->btf, quals.tag->name_off));
}

static bool has_quals(struct dump *d, struct quals quals)
{
	return !d->plain && (quals.set || (quals.tag && d->h));
}

/* Something is left out, which no header may be. */
static void cut(struct dump *d, struct strbuf *out, const char *text)
{
	sb_puts(out, text);
	if (d->h)
		d->h->failed = true;
}

/* ---- names --------------------------------------------------------------- */

/* Names of other languages, or made up, must not become other C. */
static void put_name(struct dump *d, struct strbuf *out, const char *name)
{
	for (; *name; name++)
		sb_putc(out, !d->h || isalnum((u8)*name) || *name == '_' ||
			*name == '$' ? *name : '_');
}

/* Types and enumerators of one name get ___2, ___3, as libbpf has it. */
static void put_version(struct strbuf *out, u32 version)
{
	if (version > 1)
		sb_printf(out, "___%u", version);
}

void dump_name(struct dump *d, struct strbuf *out, u32 id)
{
	put_name(d, out, btf_type_name(d->btf, id));
	if (d->h)
		put_version(out, header_version(d, id));
}

/* ---- bodies ------------------------------------------------------------- */

static void member(struct dump *d, struct strbuf *out,
		   const struct btf_member_info *m, u32 indent)
{
	struct strbuf name = { 0 };

	put_name(d, &name, m->name);
	tabs(out, indent);
	dump_declare(d, out, m->type_id, sb_text(&name), indent);
	if (m->bit_size)
		sb_printf(out, d->h ? ": %u" : ":%u", m->bit_size);
	sb_puts(out, ";\n");
	sb_free(&name);
}

static void members(struct dump *d, struct strbuf *out, u32 id, u32 indent)
{
	const struct btf_type *t = btf_type(d->btf, id);
	u64 off = 0;

	sb_puts(out, "{\n");
	for (u32 i = 0; i < btf_vlen(t); i++) {
		struct btf_member_info m = btf_member(d->btf, t, i);
		u64 bits = m.bit_size ? m.bit_size : btf_bytes(d->btf, m.type_id) * 8;

		if (d->parts >= d->max_parts) {
			tabs(out, indent + 1);
			sb_puts(out, "...\n");
			break;
		}
		if (d->h)
			layout_pad(d, out, id, off, &m, indent + 1);
		member(d, out, &m, indent + 1);
		off = btf_kind(t) == BTF_KIND_UNION ? max_u64(off, bits) : m.bit_off + bits;
	}
	if (d->h)
		layout_pad(d, out, id, off, NULL, indent + 1);
	tabs(out, indent);
	sb_putc(out, '}');
	if (d->h && layout_packed(d, id))
		sb_puts(out, " __attribute__((packed))");
}

static u64 enum_value(const struct btf_type *t, u32 i, u32 *name_off)
{
	const struct btf_enum *e = (const struct btf_enum *)(t + 1) + i;
	const struct btf_enum64 *e64 = (const struct btf_enum64 *)(t + 1) + i;

	if (btf_kind(t) == BTF_KIND_ENUM64) {
		*name_off = e64->name_off;
		return (u64)e64->val_hi32 << 32 | e64->val_lo32;
	}
	*name_off = e->name_off;
	return btf_kflag(t) ? (u64)(s64)e->val : (u32)e->val;
}

static void enumerator(struct dump *d, struct strbuf *out,
		       const struct btf_type *t, u32 i)
{
	bool wide = btf_kind(t) == BTF_KIND_ENUM64;
	u32 name_off;
	u64 v = enum_value(t, i, &name_off);
	const char *name = btf_str(d->btf, name_off);

	put_name(d, out, name);
	if (d->h)
		put_version(out, header_ident(d, name));
	if (btf_kflag(t) && v == 1ull << 63)
		sb_printf(out, " = -%lldLL - 1,\n", INT64_MAX + 0ll);
	else if (btf_kflag(t))
		sb_printf(out, " = %lld,\n", (long long)v);
	else
		sb_printf(out, wide ? " = %lluULL,\n" : " = %llu,\n",
			  (unsigned long long)v);
}

/* What gives an enum of the size that it has not by its values. */
static const char *enum_mode(const struct btf_type *t)
{
	return t->size == 1 ? " __attribute__((mode(byte)))" :
	       t->size == 2 ? " __attribute__((mode(HI)))" :
	       t->size == 8 ? " __attribute__((mode(DI)))" : "";
}

static void enumerators(struct dump *d, struct strbuf *out, u32 id, u32 indent)
{
	const struct btf_type *t = btf_type(d->btf, id);

	sb_puts(out, "{\n");
	for (u32 i = 0; i < btf_vlen(t); i++) {
		tabs(out, indent + 1);
		if (d->parts++ >= d->max_parts) {
			sb_puts(out, "...\n");
			break;
		}
		enumerator(d, out, t, i);
	}
	if (d->h && !btf_vlen(t)) {	/* C has no empty ones */
		tabs(out, indent + 1);
		sb_printf(out, "__none%u = 0,\n", d->h->nr_pads++);
	}
	tabs(out, indent);
	sb_putc(out, '}');
	if (d->h)
		sb_puts(out, enum_mode(t));
}

void dump_body(struct dump *d, struct strbuf *out, u32 id, u32 indent)
{
	u32 kind = btf_kind(btf_type(d->btf, id));

	if (d->depth >= MAX_DEPTH) {
		cut(d, out, "{ ... }");
		return;
	}
	d->depth++;
	if (kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION)
		members(d, out, id, indent);
	else
		enumerators(d, out, id, indent);
	d->depth--;
}

/* ---- what ends a chain --------------------------------------------------- */

const char *dump_keyword(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
		return "struct";
	case BTF_KIND_UNION:
		return "union";
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return "enum";
	case BTF_KIND_FWD:
		return btf_kflag(t) ? "union" : "struct";
	default:
		return NULL;
	}
}

static void base_type(struct dump *d, struct strbuf *out, u32 id, u32 indent)
{
	const struct btf_type *t = btf_type(d->btf, id);
	const char *name = btf_type_name(d->btf, id), *word = dump_keyword(t);

	if (word) {
		sb_printf(out, "%s ", word);
		if (*name)
			dump_name(d, out, id);
		else
			dump_body(d, out, id, indent);
	} else if (btf_kind(t) == BTF_KIND_DATASEC) {
		sb_printf(out, "/* section %s */", name);
	} else if (btf_kind(t) == BTF_KIND_TYPEDEF) {
		dump_name(d, out, id);
	} else {
		sb_puts(out, id ? name : "void");
	}
}

/* ---- chains ------------------------------------------------------------------- */

static void params(struct dump *d, struct strbuf *out, const struct btf_type *t,
		   u32 indent)
{
	const struct btf_param *p = (const void *)(t + 1);
	u32 n = btf_vlen(t);

	sb_putc(out, '(');
	if (!n)
		sb_puts(out, "void");
	else if (d->depth >= MAX_DEPTH)
		cut(d, out, "...");
	d->depth++;
	for (u32 i = 0; i < n && d->depth <= MAX_DEPTH; i++) {
		if (i)
			sb_puts(out, ", ");
		if (d->parts >= d->max_parts || (!p[i].type && i == n - 1)) {
			sb_puts(out, "...");
			break;
		}
		dump_declare(d, out, p[i].type, btf_str(d->btf, p[i].name_off), indent);
	}
	d->depth--;
	sb_putc(out, ')');
}

/* A declarator and what it is made of so far. */
struct decl {
	struct strbuf text;
	struct quals quals;
	bool pointer;	/* text begins with '*': suffixes need parentheses */
};

static void add_pointer(struct dump *d, struct decl *c)
{
	struct strbuf with = { 0 };

	sb_putc(&with, '*');
	qualifiers(d, &with, c->quals);
	sb_puts(&with, sb_text(&c->text));
	if (!c->text.n && has_quals(d, c->quals))
		with.s[--with.n] = 0;	/* no blank at the end */
	sb_free(&c->text);
	c->text = with;
	c->quals = (struct quals){ 0 };
	c->pointer = true;
}

static void before_suffix(struct decl *c)
{
	struct strbuf with = { 0 };

	if (!c->pointer)
		return;
	sb_printf(&with, "(%s)", sb_text(&c->text));
	sb_free(&c->text);
	c->text = with;
	c->pointer = false;
}

/* Takes the link T into the declarator; false when T ends the chain. */
static bool add_link(struct dump *d, struct decl *c, const struct btf_type *t, u32 indent)
{
	switch (btf_kind(t)) {
	case BTF_KIND_TYPEDEF:
		return d->h && header_is_builtin(d, t);
	case BTF_KIND_CONST:
		c->quals.set |= CONST;
		return true;
	case BTF_KIND_VOLATILE:
		c->quals.set |= VOLATILE;
		return true;
	case BTF_KIND_RESTRICT:
		c->quals.set |= RESTRICT;
		return true;
	case BTF_KIND_TYPE_TAG:
		c->quals.tag = t;
		return true;
	case BTF_KIND_VAR:
	case BTF_KIND_FUNC:
		return true;
	case BTF_KIND_PTR:
		add_pointer(d, c);
		return true;
	case BTF_KIND_ARRAY:
		before_suffix(c);
		sb_printf(&c->text, "[%u]", ((const struct btf_array *)(t + 1))->nelems);
		return true;
	case BTF_KIND_FUNC_PROTO:
		before_suffix(c);
		params(d, &c->text, t, indent);
		c->quals = (struct quals){ 0 };
		return true;
	default:
		return false;
	}
}

void dump_declare(struct dump *d, struct strbuf *out, u32 id,
		  const char *name, u32 indent)
{
	struct decl c = { 0 };
	bool end = false;

	sb_puts(&c.text, name);
	while (!end) {
		const struct btf_type *t = btf_type(d->btf, id);

		if (d->parts++ >= d->max_parts) {
			sb_puts(out, "...");
			break;
		}
		end = !add_link(d, &c, t, indent);
		if (!end)
			id = btf_kind(t) == BTF_KIND_ARRAY ?
				((const struct btf_array *)(t + 1))->type : t->type;
	}
	if (end) {
		qualifiers(d, out, c.quals);
		base_type(d, out, id, indent);
	}
	if (c.text.n && c.text.s[0] != '[')
		sb_putc(out, ' ');
	sb_puts(out, sb_text(&c.text));
	sb_free(&c.text);
}

void btf_decl_c(struct strbuf *out, const struct btf *btf, u32 type_id,
		const char *name)
{
	struct dump d = { .btf = btf, .max_parts = MAX_PARTS };

	if (type_id < btf->nr_types)
		dump_declare(&d, out, type_id, name, 0);
}

void btf_plain_c(struct strbuf *out, const struct btf *btf, u32 type_id, const char *name,
		 u32 indent)
{
	struct dump d = { .btf = btf, .max_parts = MAX_PARTS, .plain = true };

	if (type_id < btf->nr_types)
		dump_declare(&d, out, type_id, name, indent);
}

void btf_def_c(struct strbuf *out, const struct btf *btf, u32 type_id)
{
	const struct btf_type *t = btf_type(btf, type_id);
	struct dump d = { .btf = btf, .max_parts = MAX_PARTS };
	const char *name = btf_type_name(btf, type_id);

	if (!t)
		return;
	if (dump_keyword(t) && btf_kind(t) != BTF_KIND_FWD) {
		sb_printf(out, *name ? "%s %s " : "%s%s ", dump_keyword(t), name);
		dump_body(&d, out, type_id, 0);
	} else if (btf_kind(t) == BTF_KIND_TYPEDEF) {
		sb_puts(out, "typedef ");
		dump_declare(&d, out, t->type, name, 0);
	} else {
		dump_declare(&d, out, type_id, btf_kind(t) == BTF_KIND_VAR ||
			btf_kind(t) == BTF_KIND_FUNC ? name : "", 0);
	}
	sb_puts(out, ";\n");
}
