/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * show.c: bpf_snprintf_btf: memory of a known type as text, as the kernel
 * writes it. Values that are 0 are left out, and what has nothing else inside,
 * unless BTF_F_ZERO wants them. Types are those of the program's object.
 */
#include "call/bodies.h"
#include "base/os.h"
#include "base/strbuf.h"
#include "btf/btf.h"
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	FLAGS_ALL = BTF_F_COMPACT | BTF_F_NONAME | BTF_F_PTR_RAW | BTF_F_ZERO,
	NAME_BYTES = 80,	/* the kernel cuts what stands before a value */
	BYTES_MAX = 1 << 20,
	LEAVES_MAX = 1 << 20,	/* and ends what repeats for ever */
	STEPS_MAX = 8,		/* of pointers, arrays, typedefs in a name */
};

struct show {
	struct strbuf *out;	/* NULL: only whether there is something */
	const struct btf *btf;
	const u8 *data;
	u64 flags;
	u32 depth, leaves;
	bool found;		/* a value to show */
	/* of the value at hand */
	const char *member;	/* NULL = none, "" = anonymous */
	u32 id;			/* as declared, for its name */
	/* of an array, and no array has ended since it began: nothing is named.
	   What looks whether there is something counts, as in the kernel */
	bool element;
	bool text, ended;	/* of an array of bytes; its NUL was seen */
};

static void show_any(struct show *s, u32 id, u64 off);

/* ---- what stands before and behind ------------------------------------------------ */

/* ID without const, volatile, restrict and type tags. */
static u32 skip_qualifiers(const struct btf *btf, u32 id)
{
	for (;;) {
		const struct btf_type *t = btf_type(btf, id);
		u32 kind = btf_kind(t);

		if (kind != BTF_KIND_CONST && kind != BTF_KIND_VOLATILE &&
		    kind != BTF_KIND_RESTRICT && kind != BTF_KIND_TYPE_TAG)
			return id;
		id = t->type;
	}
}

struct type_name {
	const char *prefix, *name, *open;
	u32 pointers, arrays;
};

static bool name_step(const struct btf *btf, struct type_name *n, bool *alias, u32 *id)
{
	const struct btf_type *t = btf_type(btf, *id);

	switch (btf_kind(t)) {
	case BTF_KIND_TYPEDEF:
		*alias = true;
		if (!*n->name)
			n->name = btf_type_name(btf, *id);
		break;
	case BTF_KIND_PTR:
		n->pointers++;
		break;
	case BTF_KIND_ARRAY:
		n->arrays++;
		*id = skip_qualifiers(btf, ((const struct btf_array *)(t + 1))->type);
		return true;
	default:
		return false;
	}
	*id = skip_qualifiers(btf, t->type);
	return *id != 0;
}

static bool type_name(const struct btf *btf, u32 id, struct type_name *n)
{
	bool alias = false, more = true;
	u32 kind;

	*n = (struct type_name){ "", "", "", 0, 0 };
	for (int i = 0; more; i++) {
		if (i == STEPS_MAX)
			return false;
		more = name_step(btf, n, &alias, &id);
	}
	kind = btf_kind(btf_type(btf, id));
	if (n->arrays)
		n->open = "[";
	if (kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION) {
		n->prefix = kind == BTF_KIND_STRUCT ? "struct" : "union";
		n->open = n->arrays ? "[" : "{";
	} else if (kind == BTF_KIND_ENUM || kind == BTF_KIND_ENUM64) {
		n->prefix = "enum";
	}
	if (n->pointers)
		n->open = "";
	if (alias)
		n->prefix = "";
	if (!*n->name)
		n->name = btf_type_name(btf, id);
	return true;
}

static void put_name(struct show *s)
{
	struct strbuf b = { 0 };
	struct type_name n;

	if (s->element || !type_name(s->btf, s->id, &n))
		return;
	if (s->flags & BTF_F_NONAME) {
		sb_puts(s->out, n.open);
		return;
	}
	if (s->member && *s->member)
		sb_printf(&b, ".%s = ", s->member);
	sb_printf(&b, "(%s%s%s%s", n.prefix, *n.prefix && *n.name ? " " : "", n.name,
		  n.pointers ? " " : "");
	for (u32 i = 0; i < n.pointers; i++)
		sb_putc(&b, '*');
	for (u32 i = 0; i < n.arrays; i++)
		sb_puts(&b, "[]");
	sb_printf(&b, ")%s", n.open);
	sb_add(s->out, sb_text(&b), min_u64(b.n, NAME_BYTES - 1));
	sb_free(&b);
}

static void put_indent(struct show *s)
{
	for (u32 i = 0; i < s->depth && !(s->flags & BTF_F_COMPACT); i++)
		sb_putc(s->out, ' ');
}

static void put_end(struct show *s, const char *close)
{
	sb_printf(s->out, "%s%s%s", close, s->depth ? "," : "",
		  s->flags & BTF_F_COMPACT ? "" : "\n");
}

/* ---- values without parts ------------------------------------------------------------ */

/* A value that is written as TEXT. */
static void put_value(struct show *s, bool zero, const char *text)
{
	s->leaves++;
	if (zero && !(s->flags & BTF_F_ZERO) && s->depth)
		return;
	s->found = true;
	if (!s->out)
		return;
	put_indent(s);
	put_name(s);
	put_end(s, text);
}

static void put_hex(struct show *s, u64 hi, u64 lo)
{
	char text[48];

	if (hi)
		snprintf(text, sizeof(text), "0x%llx%016llx", (unsigned long long)hi,
			 (unsigned long long)lo);
	else
		snprintf(text, sizeof(text), "0x%llx", (unsigned long long)lo);
	put_value(s, !hi && !lo, text);
}

static u64 load(const struct show *s, u64 off, u32 bytes, bool is_signed)
{
	u64 v = 0;

	memcpy(&v, s->data + off, bytes);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v >>= 64 - bytes * 8;
#endif
	if (is_signed && bytes < 8 && v >> (bytes * 8 - 1))
		v |= ~0ull << bytes * 8;
	return v;
}

static void put_number(struct show *s, u64 v, bool is_signed)
{
	char text[24];

	snprintf(text, sizeof(text), is_signed ? "%lld" : "%llu", (unsigned long long)v);
	put_value(s, !v, text);
}

static void show_int(struct show *s, const struct btf_type *t, u64 off)
{
	bool is_signed = BTF_INT_ENCODING(*(const u32 *)(t + 1)) & BTF_INT_SIGNED;
	u64 v, more;
	char text[4];

	if (t->size > 8) {
		memcpy(&v, s->data + off, 8);
		memcpy(&more, s->data + off + 8, 8);
		put_hex(s, more, v);
		return;
	}
	v = load(s, off, t->size, is_signed);
	if (s->text && t->size == 1) {
		s->ended |= !v;
		if (s->ended)
			return;
		if (((u8)v >= ' ' && (u8)v < 0x7f) || (u8)v >= 0xa0) {	/* Latin-1 */
			snprintf(text, sizeof(text), "'%c'", (char)v);
			put_value(s, false, text);
			return;
		}
	}
	put_number(s, v, is_signed);
}

/* A value with a name is never left out. */
static void show_enum(struct show *s, const struct btf_type *t, u64 off)
{
	bool wide = btf_kind(t) == BTF_KIND_ENUM64;
	u64 v = load(s, off, t->size, wide ? btf_kflag(t) : true);

	for (u32 i = 0; i < btf_vlen(t); i++) {
		const struct btf_enum *e = (const struct btf_enum *)(t + 1) + i;
		const struct btf_enum64 *w = (const struct btf_enum64 *)(t + 1) + i;
		u64 val = wide ? (u64)w->val_hi32 << 32 | w->val_lo32 : (u64)(s64)e->val;

		if (val == v) {
			put_value(s, false, btf_str(s->btf, wide ? w->name_off : e->name_off));
			return;
		}
	}
	put_number(s, wide || btf_kflag(t) ? v : (u32)v, btf_kflag(t));
}

static void show_bits(struct show *s, u64 bit, u32 bits)
{
	u64 v[2] = { 0, 0 };

	for (u32 i = 0; i < bits && i < 128; i++) {
		u64 at = bit + i;

		v[i / 64] |= (u64)(s->data[at / 8] >> at % 8 & 1) << i % 64;
	}
	put_hex(s, v[1], v[0]);
}

static void show_pointer(struct show *s, u64 off)
{
	char text[24];
	u64 v = load(s, off, 8, false);

	snprintf(text, sizeof(text), "0x%016llx", (unsigned long long)v);
	put_value(s, !v, text);
}

/* ---- values with parts ----------------------------------------------------------------- */

static void show_members(struct show *s, const struct btf_type *t, u64 off)
{
	for (u32 i = 0; i < btf_vlen(t) && s->leaves < LEAVES_MAX; i++) {
		struct btf_member_info m = btf_member(s->btf, t, i);

		s->member = m.name;
		s->id = m.type_id;
		if (m.bit_size)
			show_bits(s, off * 8 + m.bit_off, m.bit_size);
		else
			show_any(s, m.type_id, off + m.bit_off / 8);
	}
}

static void show_elements(struct show *s, const struct btf_type *t, u64 off)
{
	const struct btf_array *a = (const struct btf_array *)(t + 1);
	u32 elem = btf_skip_mods(s->btf, a->type);
	s64 size = btf_size(s->btf, elem);
	struct show was = *s;

	s->text = btf_kind(btf_type(s->btf, elem)) == BTF_KIND_INT && size == 1;
	s->ended = false;
	for (u32 i = 0; size >= 0 && i < a->nelems && !s->ended && s->leaves < LEAVES_MAX; i++) {
		s->leaves++;
		s->member = NULL;
		s->id = a->type;
		s->element = true;
		show_any(s, a->type, off + i * (u64)size);
		s->element = false;
	}
	s->text = was.text;
	s->ended = was.ended;
}

static void show_parts(struct show *s, const struct btf_type *t, u64 off)
{
	s->depth++;
	if (btf_kind(t) == BTF_KIND_ARRAY)
		show_elements(s, t, off);
	else
		show_members(s, t, off);
	s->depth--;
}

static bool has_something(struct show *s, const struct btf_type *t, u64 off)
{
	struct show dry = *s;

	dry.out = NULL;
	dry.found = false;
	show_parts(&dry, t, off);
	s->element = dry.element;
	return dry.found;
}

static void show_aggregate(struct show *s, const struct btf_type *t, u64 off)
{
	if (!s->out) {
		s->found |= s->flags & BTF_F_ZERO;
		show_parts(s, t, off);
		return;
	}
	if (s->depth && !(s->flags & BTF_F_ZERO) && !has_something(s, t, off))
		return;
	put_indent(s);
	put_name(s);
	if (!(s->flags & BTF_F_COMPACT))
		sb_putc(s->out, '\n');
	show_parts(s, t, off);
	put_indent(s);
	put_end(s, btf_kind(t) == BTF_KIND_ARRAY ? "]" : "}");
}

static void show_any(struct show *s, u32 id, u64 off)
{
	const struct btf_type *t = btf_type(s->btf, btf_skip_mods(s->btf, id));

	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		show_int(s, t, off);
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		show_enum(s, t, off);
		break;
	case BTF_KIND_PTR:
		show_pointer(s, off);
		break;
	case BTF_KIND_ARRAY:
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		show_aggregate(s, t, off);
		break;
	default:
		break;
	}
}

/* ---- the helper --------------------------------------------------------------------------- */

s64 show_btf(char *out, u64 size, const struct btf *btf, u32 id, const void *data, u64 flags)
{
	struct strbuf b = { 0 };
	struct show s = { .out = &b, .btf = btf, .data = data, .flags = flags, .id = id };
	u64 n;

	show_any(&s, id, 0);
	n = b.n;
	if (size) {
		memcpy(out, sb_text(&b), min_u64(n, size - 1));
		out[min_u64(n, size - 1)] = 0;
	}
	sb_free(&b);
	return (s64)n;
}

HELPER_BODY(call_snprintf_btf)
{
	struct btf_ptr p;
	u8 *copy;
	s64 size, r = -EFAULT;

	if (r5 & ~(u64)FLAGS_ALL || (u32)r4 != sizeof(p))
		return call_error(-EINVAL);
	memcpy(&p, call_ptr(r3), sizeof(p));
	if (!p.type_id)
		return call_error(-EINVAL);
	if (!run->btf || !btf_type(run->btf, p.type_id))
		return call_error(-ENOENT);
	size = btf_size(run->btf, p.type_id);
	if (size < 0 || size > BYTES_MAX)
		return call_error(-EINVAL);
	copy = mem_alloc((size_t)size);
	if (!probe_bytes(run, copy, (uintptr_t)p.ptr, (u64)size))
		r = show_btf(call_ptr(r1), (u32)r2, run->btf, p.type_id, copy, r5);
	free(copy);
	return (u64)r;
}
