/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dump_c.c: types as C. A declaration is built from its name outwards, as one
 * reads it: each pointer goes to the left, each array and parameter list to
 * the right, until a type with a name ends the chain. Bodies that nest or
 * repeat without bound are cut with "...".
 */
#include "btf/btf.h"

enum {
	MAX_PARTS = 16384,	/* links of chains, members, parameters */
	MAX_DEPTH = 32,		/* parameter lists and bodies inside each other */
};
enum { CONST = 1, VOLATILE = 2, RESTRICT = 4 };

struct dump {
	const struct btf *btf;
	u32 parts, depth;
};

static void declare(struct dump *d, struct strbuf *out, u32 id,
		    const char *name, u32 indent);

static void tabs(struct strbuf *out, u32 n)
{
	while (n--)
		sb_putc(out, '\t');
}

static void qualifiers(struct strbuf *out, unsigned quals)
{
	if (quals & CONST)
		sb_puts(out, "const ");
	if (quals & VOLATILE)
		sb_puts(out, "volatile ");
	if (quals & RESTRICT)
		sb_puts(out, "restrict ");
}

/* ---- bodies ------------------------------------------------------------- */

static void members(struct dump *d, struct strbuf *out, const struct btf_type *t,
		    u32 indent)
{
	sb_puts(out, "{\n");
	for (u32 i = 0; i < btf_vlen(t); i++) {
		struct btf_member_info m = btf_member(d->btf, t, i);

		tabs(out, indent + 1);
		if (d->parts >= MAX_PARTS) {
			sb_puts(out, "...\n");
			break;
		}
		declare(d, out, m.type_id, m.name, indent + 1);
		if (m.bit_size)
			sb_printf(out, ":%u", m.bit_size);
		sb_puts(out, ";\n");
	}
	tabs(out, indent);
	sb_putc(out, '}');
}

static void enumerator(struct dump *d, struct strbuf *out,
		       const struct btf_type *t, u32 i)
{
	if (btf_kind(t) == BTF_KIND_ENUM) {
		const struct btf_enum *e = (const struct btf_enum *)(t + 1) + i;

		sb_printf(out, btf_kflag(t) ? "%s = %d,\n" : "%s = %u,\n",
			  btf_str(d->btf, e->name_off), e->val);
	} else {
		const struct btf_enum64 *e = (const struct btf_enum64 *)(t + 1) + i;
		unsigned long long v = (u64)e->val_hi32 << 32 | e->val_lo32;

		sb_printf(out, btf_kflag(t) ? "%s = %lld,\n" : "%s = %lluULL,\n",
			  btf_str(d->btf, e->name_off), v);
	}
}

static void enumerators(struct dump *d, struct strbuf *out,
			const struct btf_type *t, u32 indent)
{
	sb_puts(out, "{\n");
	for (u32 i = 0; i < btf_vlen(t); i++) {
		tabs(out, indent + 1);
		if (d->parts++ >= MAX_PARTS) {
			sb_puts(out, "...\n");
			break;
		}
		enumerator(d, out, t, i);
	}
	tabs(out, indent);
	sb_putc(out, '}');
}

static void body(struct dump *d, struct strbuf *out, const struct btf_type *t,
		 u32 indent)
{
	if (d->depth >= MAX_DEPTH) {
		sb_puts(out, "{ ... }");
		return;
	}
	d->depth++;
	if (btf_kind(t) == BTF_KIND_STRUCT || btf_kind(t) == BTF_KIND_UNION)
		members(d, out, t, indent);
	else
		enumerators(d, out, t, indent);
	d->depth--;
}

/* ---- what ends a chain --------------------------------------------------- */

static const char *keyword(const struct btf_type *t)
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
	const char *name = btf_type_name(d->btf, id), *word = keyword(t);

	if (word) {
		sb_printf(out, "%s ", word);
		if (*name)
			sb_puts(out, name);
		else
			body(d, out, t, indent);
	} else if (btf_kind(t) == BTF_KIND_DATASEC) {
		sb_printf(out, "/* section %s */", name);
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
		sb_puts(out, "...");
	d->depth++;
	for (u32 i = 0; i < n && d->depth <= MAX_DEPTH; i++) {
		if (i)
			sb_puts(out, ", ");
		if (d->parts >= MAX_PARTS || (!p[i].type && i == n - 1)) {
			sb_puts(out, "...");
			break;
		}
		declare(d, out, p[i].type, btf_str(d->btf, p[i].name_off), indent);
	}
	d->depth--;
	sb_putc(out, ')');
}

/* A declarator and what it is made of so far. */
struct decl {
	struct strbuf text;
	unsigned quals;
	bool pointer;	/* text begins with '*': suffixes need parentheses */
};

static void add_pointer(struct decl *c)
{
	struct strbuf with = { 0 };

	sb_putc(&with, '*');
	qualifiers(&with, c->quals);
	sb_puts(&with, sb_text(&c->text));
	if (!c->text.n && c->quals)
		with.s[--with.n] = 0;	/* no blank at the end */
	sb_free(&c->text);
	c->text = with;
	c->quals = 0;
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
	case BTF_KIND_CONST:
		c->quals |= CONST;
		return true;
	case BTF_KIND_VOLATILE:
		c->quals |= VOLATILE;
		return true;
	case BTF_KIND_RESTRICT:
		c->quals |= RESTRICT;
		return true;
	case BTF_KIND_TYPE_TAG:
	case BTF_KIND_VAR:
	case BTF_KIND_FUNC:
		return true;
	case BTF_KIND_PTR:
		add_pointer(c);
		return true;
	case BTF_KIND_ARRAY:
		before_suffix(c);
		sb_printf(&c->text, "[%u]", ((const struct btf_array *)(t + 1))->nelems);
		return true;
	case BTF_KIND_FUNC_PROTO:
		before_suffix(c);
		params(d, &c->text, t, indent);
		c->quals = 0;
		return true;
	default:
		return false;
	}
}

static void declare(struct dump *d, struct strbuf *out, u32 id,
		    const char *name, u32 indent)
{
	struct decl c = { 0 };
	bool end = false;

	sb_puts(&c.text, name);
	while (!end) {
		const struct btf_type *t = btf_type(d->btf, id);

		if (d->parts++ >= MAX_PARTS) {
			sb_puts(out, "...");
			break;
		}
		end = !add_link(d, &c, t, indent);
		if (!end)
			id = btf_kind(t) == BTF_KIND_ARRAY ?
				((const struct btf_array *)(t + 1))->type : t->type;
	}
	if (end) {
		qualifiers(out, c.quals);
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
	struct dump d = { .btf = btf };

	if (type_id < btf->nr_types)
		declare(&d, out, type_id, name, 0);
}

void btf_def_c(struct strbuf *out, const struct btf *btf, u32 type_id)
{
	const struct btf_type *t = btf_type(btf, type_id);
	struct dump d = { .btf = btf };
	const char *name = btf_type_name(btf, type_id);

	if (!t)
		return;
	if (keyword(t) && btf_kind(t) != BTF_KIND_FWD) {
		sb_printf(out, *name ? "%s %s " : "%s%s ", keyword(t), name);
		body(&d, out, t, 0);
	} else if (btf_kind(t) == BTF_KIND_TYPEDEF) {
		sb_puts(out, "typedef ");
		declare(&d, out, t->type, name, 0);
	} else {
		declare(&d, out, type_id, btf_kind(t) == BTF_KIND_VAR ||
			btf_kind(t) == BTF_KIND_FUNC ? name : "", 0);
	}
	sb_puts(out, ";\n");
}
