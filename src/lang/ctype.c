/* SPDX-License-Identifier: BSD-2-Clause */
/* ctype.c: types of C: made, found by name, laid out as the System V ABIs of x86-64 and
 * AArch64 have it. */
#include "lang/ctype.h"

enum { MAX_BYTES = 1 << 28 };

struct ctype *ctype_new(struct cdecl_parser *p, enum ctype_kind kind)
{
	struct ctype *t = arena_new(&p->s->arena, struct ctype);

	t->kind = kind;
	t->name = "";
	t->align = 1;
	*p->all_end = t;
	p->all_end = &t->next;
	return t;
}

struct ctype *ctype_int(struct cdecl_parser *p, const char *name, u32 bytes, bool is_signed)
{
	char key[40];
	struct ctype *t;
	u32 i;

	snprintf(key, sizeof(key), "int %s", name);
	if (strtab_get(&p->tags, key, &i))
		return p->named.v[i];
	t = ctype_new(p, C_INT);
	t->name = arena_strdup(&p->s->arena, name);
	t->bytes = bytes;
	t->align = bytes;
	t->is_signed = is_signed;
	t->is_bool = !strcmp(name, "_Bool");
	t->is_char = !strcmp(name, "char");
	t->done = true;
	strtab_put(&p->tags, arena_strdup(&p->s->arena, key), (u32)p->named.n);
	*vec_push(&p->named) = t;
	return t;
}

struct ctype *ctype_ptr(struct cdecl_parser *p, struct ctype *of)
{
	struct ctype *t = ctype_new(p, C_PTR);

	t->of = of;
	t->bytes = t->align = 8;
	t->done = true;
	return t;
}

struct ctype *ctype_array(struct cdecl_parser *p, struct ctype *of, u64 n)
{
	struct ctype *t = ctype_new(p, C_ARRAY);
	struct ctype *real = ctype_real(of);

	t->of = of;
	t->n = n;
	t->align = real->align;
	t->done = true;
	if (n > UINT32_MAX || __builtin_mul_overflow(real->bytes, n, &t->bytes) ||
	    t->bytes > MAX_BYTES)
		return NULL;
	return t;
}

struct ctype *ctype_real(struct ctype *t)
{
	while (t->kind == C_TYPEDEF)
		t = t->of;
	return t;
}

/* ---- the kernel's --------------------------------------------------------------- */

static u32 kernel_align(const struct btf *btf, u32 id, u32 depth)
{
	const struct btf_type *t;
	u32 align = 1;

	id = btf_skip_mods(btf, id);
	t = btf_type(btf, id);
	if (depth > 20)
		return 8;
	switch (btf_kind(t)) {
	case BTF_KIND_ARRAY:
		return kernel_align(btf, ((const struct btf_array *)(t + 1))->type, depth + 1);
	case BTF_KIND_STRUCT: case BTF_KIND_UNION:
		for (u32 i = 0; i < btf_vlen(t); i++) {
			struct btf_member_info m = btf_member(btf, t, i);
			u32 a = kernel_align(btf, m.type_id, depth + 1);

			if (a > align && !(m.bit_off % (8 * a)))
				align = a;
		}
		while (align > 1 && t->size % align)
			align /= 2;
		return align;
	case BTF_KIND_PTR:
		return 8;
	default:
		return t->size >= 1 && t->size <= 16 ? t->size : 1;
	}
}

static struct ctype *from_kernel(struct cdecl_parser *p, u32 id)
{
	struct ctype *t = ctype_new(p, C_KERNEL);

	t->id = id;
	t->bytes = btf_bytes(p->kernel, id);
	t->align = kernel_align(p->kernel, id, 0);
	t->done = true;
	p->uses_kernel = true;
	return t;
}

/* ---- names ---------------------------------------------------------------------- */

struct std { const char *name, *as; u8 bytes; bool is_signed; };

/* What is known without a header: the widths are the same on all 64-bit machines. */
static const struct std std[] = {
	{ "bool", "_Bool", 1, false }, { "__u8", "unsigned char", 1, false },
	{ "__u16", "unsigned short", 2, false }, { "__u32", "unsigned int", 4, false },
	{ "__u64", "unsigned long long", 8, false }, { "__s8", "signed char", 1, true },
	{ "__s16", "short", 2, true }, { "__s32", "int", 4, true },
	{ "__s64", "long long", 8, true }, { "u8", "unsigned char", 1, false },
	{ "u16", "unsigned short", 2, false }, { "u32", "unsigned int", 4, false },
	{ "u64", "unsigned long long", 8, false }, { "s8", "signed char", 1, true },
	{ "s16", "short", 2, true }, { "s32", "int", 4, true }, { "s64", "long long", 8, true },
	{ "uint8_t", "unsigned char", 1, false }, { "uint16_t", "unsigned short", 2, false },
	{ "uint32_t", "unsigned int", 4, false }, { "uint64_t", "unsigned long", 8, false },
	{ "int8_t", "signed char", 1, true }, { "int16_t", "short", 2, true },
	{ "int32_t", "int", 4, true }, { "int64_t", "long", 8, true },
	{ "size_t", "unsigned long", 8, false }, { "ssize_t", "long", 8, true },
	{ "uintptr_t", "unsigned long", 8, false }, { "intptr_t", "long", 8, true },
	{ "ptrdiff_t", "long", 8, true }, { "off_t", "long", 8, true },
	{ "pid_t", "int", 4, true }, { "uid_t", "unsigned int", 4, false },
	{ "gid_t", "unsigned int", 4, false }, { "mode_t", "unsigned int", 4, false },
	{ "time_t", "long", 8, true }, { "socklen_t", "unsigned int", 4, false },
	{ "in_addr_t", "unsigned int", 4, false }, { "in_port_t", "unsigned short", 2, false },
	{ "sa_family_t", "unsigned short", 2, false }, { "uint", "unsigned int", 4, false },
	{ "ulong", "unsigned long", 8, false }, { "ushort", "unsigned short", 2, false },
	{ "__be16", "unsigned short", 2, false }, { "__be32", "unsigned int", 4, false },
	{ "__be64", "unsigned long long", 8, false }, { "__le16", "unsigned short", 2, false },
	{ "__le32", "unsigned int", 4, false }, { "__le64", "unsigned long long", 8, false },
};

static struct ctype *remember(struct cdecl_parser *p, struct strtab *tab, const char *key,
			      struct ctype *t)
{
	strtab_put(tab, key, (u32)p->named.n);
	*vec_push(&p->named) = t;
	return t;
}

static struct ctype *typedef_of(struct cdecl_parser *p, const char *name, struct ctype *of)
{
	struct ctype *t = ctype_new(p, C_TYPEDEF);

	t->name = arena_strdup(&p->s->arena, name);
	t->of = of;
	t->done = true;
	return remember(p, &p->names, t->name, t);
}

struct ctype *ctype_named(struct cdecl_parser *p, const char *name)
{
	u32 i, id;

	if (strtab_get(&p->names, name, &i))
		return p->named.v[i];
	for (size_t k = 0; k < ARRAY_LEN(std); k++)
		if (!strcmp(std[k].name, name))
			return typedef_of(p, name, ctype_int(p, std[k].as, std[k].bytes,
							     std[k].is_signed));
	id = p->kernel ? btf_find(p->kernel, name, BTF_KIND_TYPEDEF) : 0;
	if (!id)
		return NULL;
	return remember(p, &p->names, arena_strdup(&p->s->arena, name), from_kernel(p, id));
}

struct ctype *ctype_tag(struct cdecl_parser *p, const char *key, bool *is_new)
{
	struct ctype *t;
	u32 i;

	*is_new = !strtab_get(&p->tags, key, &i);
	if (!*is_new)
		return p->named.v[i];
	t = ctype_new(p, !strncmp(key, "enum ", 5) ? C_ENUM : C_RECORD);
	t->is_union = !strncmp(key, "union ", 6);
	t->name = arena_strdup(&p->s->arena, strchr(key, ' ') + 1);
	return remember(p, &p->tags, arena_strdup(&p->s->arena, key), t);
}

static bool take_from_kernel(struct cdecl_parser *p, struct ctype *t)
{
	u32 kind = t->kind == C_ENUM ? BTF_KIND_ENUM : t->is_union ? BTF_KIND_UNION :
		   BTF_KIND_STRUCT;
	u32 id = p->kernel && *t->name ? btf_find(p->kernel, t->name, kind) : 0;

	if (!id)
		return false;
	t->kind = C_KERNEL;
	t->id = id;
	t->bytes = btf_bytes(p->kernel, id);
	t->align = kernel_align(p->kernel, id, 0);
	t->done = true;
	p->uses_kernel = true;
	return true;
}

bool ctype_complete(struct cdecl_parser *p, struct ctype *t)
{
	t = ctype_real(t);
	if (t->kind == C_ARRAY)
		return ctype_complete(p, t->of);
	if (t->done || ((t->kind == C_RECORD || t->kind == C_ENUM) && take_from_kernel(p, t)))
		return true;
	return false;
}

/* ---- layout --------------------------------------------------------------------- */

struct layout {
	u64 bits;	/* used so far; of a union: of its largest member */
	u32 align;
	bool packed, is_union;
};

static void raise(struct layout *l, u32 align)
{
	if (align > l->align)
		l->align = align;
}

/* Where bits of this width go: never over the border of a unit of the type, unless packed. */
static void place_field(struct layout *l, struct cmember *m, const struct ctype *t, u32 align)
{
	u64 unit = t->bytes * 8, at = l->is_union ? 0 : l->bits;

	if (!m->bits) {
		at = round_up(at, (u64)8 * t->align);
	} else if (!l->packed && !m->packed) {
		if (at / unit != (at + m->bits - 1) / unit)
			at = round_up(at, (u64)8 * align);
	}
	if (m->align)
		at = round_up(at, (u64)8 * m->align);
	m->bit_off = at;
#ifdef __aarch64__
	raise(l, align);
#else
	if (*m->name)
		raise(l, align);
#endif
	if (at + m->bits > l->bits)
		l->bits = at + m->bits;
}

static void place_member(struct layout *l, struct cmember *m)
{
	const struct ctype *t = ctype_real(m->type);
	u32 align = l->packed || m->packed ? 1 : t->align;
	u64 at;

	if (m->align > align)
		align = m->align;
	if (m->is_field) {
		place_field(l, m, t, align);
		return;
	}
	at = l->is_union ? 0 : round_up(l->bits, (u64)8 * align);
	m->bit_off = at;
	raise(l, align);
	if (at + t->bytes * 8 > l->bits)
		l->bits = at + t->bytes * 8;
}

bool ctype_layout(struct ctype *t, u32 aligned)
{
	struct layout l = { .align = 1, .packed = t->packed, .is_union = t->is_union };

	for (struct cmember *m = t->members; m; m = m->next) {
		place_member(&l, m);
		if (l.bits / 8 > MAX_BYTES)
			return false;
	}
	raise(&l, aligned);
	t->align = l.align;
	t->bytes = round_up(l.bits, (u64)8 * l.align) / 8;
	t->done = true;
	return true;
}
