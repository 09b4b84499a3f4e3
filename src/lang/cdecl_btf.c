/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cdecl_btf.c: the C part's types as BTF. When they use one of the kernel's, theirs go on
 * after those, so that nothing is copied and all that a pointer leads to is known.
 */
#include "btf/build.h"
#include "lang/ctype.h"

static u32 id_of(const struct ctype *t)
{
	return t->kind == C_VOID ? 0 : t->id;
}

/* Numbers in the order in which they will be written. */
static void number(struct cdecl_parser *p, u32 first)
{
	for (struct ctype *t = p->all; t; t = t->next)
		if (t->kind != C_VOID && t->kind != C_KERNEL)
			t->id = first++;
}

static void put_record(struct btf_build *b, struct ctype *t)
{
	if (!t->done) {
		btf_build_fwd(b, t->name, t->is_union);
		return;
	}
	btf_build_record(b, t->name, t->is_union, (u32)t->bytes);
	for (struct cmember *m = t->members; m; m = m->next)
		if (!m->is_field || (*m->name && m->bits))
			btf_build_member(b, m->name, id_of(m->type), m->bit_off, m->bits);
}

static void put_enum(struct btf_build *b, struct ctype *t)
{
	btf_build_enum(b, t->name, t->done ? (u32)t->bytes : 4, t->is_signed);
	for (struct cvalue *v = t->values; v; v = v->next)
		btf_build_value(b, v->name, (u64)v->value);
}

static void put_type(struct btf_build *b, struct ctype *t, u32 index)
{
	u32 encoding = (t->is_signed ? BTF_INT_SIGNED : 0) | (t->is_bool ? BTF_INT_BOOL : 0) |
		       (t->is_char ? BTF_INT_CHAR : 0);

	switch (t->kind) {
	case C_INT: btf_build_int(b, t->name, (u32)t->bytes, encoding); break;
	case C_FLOAT: btf_build_float(b, t->name, (u32)t->bytes); break;
	case C_PTR: btf_build_ref(b, BTF_KIND_PTR, "", id_of(t->of)); break;
	case C_ARRAY: btf_build_array(b, id_of(t->of), index, (u32)t->n); break;
	case C_FUNC: btf_build_proto(b, id_of(t->of)); break;
	case C_RECORD: put_record(b, t); break;
	case C_ENUM: put_enum(b, t); break;
	case C_TYPEDEF: btf_build_ref(b, BTF_KIND_TYPEDEF, t->name, id_of(t->of)); break;
	case C_VOID: case C_KERNEL: break;
	}
}

/* Which names mean which types. */
static void put_names(struct cdecl_parser *p)
{
	struct arena *a = &p->s->arena;

	for (const struct ctype *t = p->all; t; t = t->next) {
		const char *word = t->kind == C_ENUM ? "enum " : t->is_union ? "union " :
				   "struct ";

		if (t->kind == C_TYPEDEF)
			strtab_put(&p->out->types, t->name, t->id);
		else if ((t->kind == C_RECORD || t->kind == C_ENUM) && *t->name && t->done)
			strtab_put(&p->out->types, arena_printf(a, "%s%s", word, t->name), t->id);
	}
}

int ctype_btf(struct cdecl_parser *p, struct skep_err *err)
{
	struct arena *a = &p->s->arena;
	struct btf_build b;
	struct strbuf bytes = { 0 };
	u32 index;
	int r;

	ctype_int(p, "unsigned int", 4, false);	/* indexes of arrays */
	for (struct ctype *t = p->all; t; t = t->next)
		if (t->kind == C_RECORD || t->kind == C_ENUM)
			ctype_complete(p, t);	/* what pointers lead to in the kernel */
	btf_build_open(&b, a);
	if (p->uses_kernel) {	/* strings of its own: no table of the kernel's is made */
		b.base = p->kernel;
		b.first_id = p->kernel->nr_types;
		b.first_string = p->kernel->string_bytes;
		sb_reset(&b.strings);
		b.names = (struct strtab){ .arena = a };
		strtab_put(&b.names, "", 0);
	}
	number(p, b.first_id);
	index = ctype_int(p, "unsigned int", 4, false)->id;
	for (struct ctype *t = p->all; t; t = t->next)
		put_type(&b, t, index);
	put_names(p);
	btf_build_write(&b, &bytes);
	if (p->uses_kernel)
		r = btf_parse_split(&p->out->btf, a, p->kernel, (const u8 *)bytes.s, bytes.n,
				    "the C part", err);
	else
		r = btf_parse(&p->out->btf, a, (const u8 *)bytes.s, bytes.n, "the C part", err);
	sb_free(&bytes);
	btf_build_free(&b);
	return r;
}
