/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * show.c: values as text, as gdb writes them: {a = 1, b = "text"}, 65 'A', repeats of
 * equal elements once, pointers with what they lead to. What cannot be read is said in
 * its place, and nothing else is lost for it.
 */
#include "debug/value.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

enum { LIMIT = 200, DEPTH = 20, REPEATS = 10 };

struct shower {
	const struct value_env *env;
	const struct show_opts *o;
	struct strbuf *out;
	u32 left;		/* elements that may be written yet */
};

static void show(struct shower *s, const struct value *v, u32 depth);

/* ---- numbers ------------------------------------------------------------------ */

static void put_char(struct strbuf *out, u8 c, char quote)
{
	static const char from[] = "\n\t\r\a\b\f\v\033", to[] = "ntrabfve";
	const char *at = c ? strchr(from, c) : NULL;

	if (at)
		sb_printf(out, "\\%c", to[at - from]);
	else if (c == (u8)quote || c == '\\')
		sb_printf(out, "\\%c", c);
	else if (c < 32 || c > 126)
		sb_printf(out, "\\%03o", c);
	else
		sb_putc(out, (char)c);
}

static void put_quoted(struct strbuf *out, u8 c)
{
	sb_putc(out, '\'');
	put_char(out, c, '\'');
	sb_putc(out, '\'');
}

static void put_bits(struct strbuf *out, u64 n)
{
	unsigned top = n ? 63 - (unsigned)__builtin_clzll(n) : 0;

	for (int i = (int)top; i >= 0; i--)
		sb_putc(out, n >> i & 1 ? '1' : '0');
}

static void put_address(struct shower *s, u64 n)
{
	struct strbuf where = { 0 };

	sb_printf(s->out, "0x%" PRIx64, n);
	if (n && s->env->where)
		s->env->where(s->env->arg, n, &where);
	if (where.n)
		sb_printf(s->out, " <%s>", sb_text(&where));
	sb_free(&where);
}

/* N in another form than its type has; false: there is none such. */
static bool put_format(struct shower *s, struct dtype ty, u64 n, u64 bytes)
{
	u64 cut = bytes < 8 && bytes ? n & ((1ull << bytes * 8) - 1) : n;
	s64 sign = (s64)(cut << (64 - bytes * 8)) >> (64 - bytes * 8);

	switch (s->o->format) {
	case 'x':
		sb_printf(s->out, "0x%" PRIx64, cut);
		return true;
	case 'z':
		sb_printf(s->out, "0x%0*" PRIx64, (int)bytes * 2, cut);
		return true;
	case 'd':
		sb_printf(s->out, "%" PRId64, bytes ? sign : (s64)n);
		return true;
	case 'u':
		sb_printf(s->out, "%" PRIu64, cut);
		return true;
	case 'o':
		sb_printf(s->out, "%s%" PRIo64, cut ? "0" : "", cut);
		return true;
	case 't':
		put_bits(s->out, cut);
		return true;
	case 'a':
		put_address(s, cut);
		return true;
	case 'c':
		sb_printf(s->out, "%d ", (int)(s8)n);
		put_quoted(s->out, (u8)n);
		return true;
	default:
		return false;
	}
}

/* ---- enums ------------------------------------------------------------------- */

static u64 enum_value(const struct btf_type *t, u32 i)
{
	const struct btf_enum *e = (const void *)(t + 1);
	const struct btf_enum64 *e64 = (const void *)(t + 1);

	return btf_kind(t) == BTF_KIND_ENUM64 ? e64[i].val_lo32 | (u64)e64[i].val_hi32 << 32 :
	       btf_kflag(t) ? (u64)(s64)e[i].val : (u32)e[i].val;
}

static const char *enum_name(const struct btf *btf, const struct btf_type *t, u32 i)
{
	const struct btf_enum *e = (const void *)(t + 1);
	const struct btf_enum64 *e64 = (const void *)(t + 1);

	return btf_str(btf, btf_kind(t) == BTF_KIND_ENUM64 ? e64[i].name_off : e[i].name_off);
}

/* "(A | B | 0x8)", of an enum whose values are single bits; false: it is none, or N has
 * none of them. */
static bool put_flags(struct strbuf *out, const struct btf *btf, const struct btf_type *t, u64 n)
{
	u64 rest = n;
	bool any = false;
	size_t from = out->n;

	for (u32 i = 0; i < btf_vlen(t); i++) {
		u64 v = enum_value(t, i);

		if (v & (v - 1)) {
			out->n = from;
			return false;
		}
		if (!v || !(n & v))
			continue;
		sb_printf(out, "%s%s", any ? " | " : "(", enum_name(btf, t, i));
		rest &= ~v;
		any = true;
	}
	if (!any)
		return false;
	if (rest)
		sb_printf(out, " | unknown: 0x%" PRIx64, rest);
	sb_putc(out, ')');
	return true;
}

static void put_enum(struct shower *s, struct dtype ty, u64 n)
{
	const struct btf *btf = s->env->types->btf;
	const struct btf_type *t = btf_type(btf, dtype_plain(s->env->types, ty).id);

	for (u32 i = 0; i < btf_vlen(t); i++)
		if (value_extend(s->env->types, ty, enum_value(t, i)) == n) {
			sb_puts(s->out, enum_name(btf, t, i));
			return;
		}
	if (!put_flags(s->out, btf, t, n))
		sb_printf(s->out, btf_kflag(t) ? "%" PRId64 : "%" PRIu64, n);
}

/* ---- strings ------------------------------------------------------------------ */

/* N bytes as a C string, up to LIMIT of them; NULs at the end are left out. */
static void put_string(struct shower *s, const u8 *p, u64 n, bool cut)
{
	sb_putc(s->out, '"');
	for (u64 i = 0; i < n; i++)
		put_char(s->out, p[i], '"');
	sb_puts(s->out, cut ? "\"..." : "\"");
}

static u32 limit_of(const struct show_opts *o) { return o->limit ? o->limit : LIMIT; }

/* What a pointer to char leads to. */
static void put_pointed(struct shower *s, u64 addr)
{
	struct value v = { .kind = VALUE_MEM, .addr = addr,
			   .type = types_basic(s->env->types, BASIC_CHAR) };
	u32 limit = limit_of(s->o);
	u8 *text = mem_alloc(limit + 1);
	u64 n = value_copy(s->env, &v, text, limit), len = strnlen((const char *)text, n);

	if (n) {
		sb_putc(s->out, ' ');
		put_string(s, text, len, len == limit);
	}
	free(text);
}

static bool is_text(const u8 *p, u64 n)
{
	u64 len = strnlen((const char *)p, n);

	for (u64 i = 0; i < n; i++)
		if (i < len ? !(isprint(p[i]) || isspace(p[i])) : p[i])
			return false;
	return true;
}

/* An array of char is a string, one of unsigned char only when it reads as one. */
static bool put_char_array(struct shower *s, const struct value *v, struct dtype inner, u32 n)
{
	bool plain = dtype_is_signed(s->env->types, inner);
	u8 *bytes;
	u64 have, len;
	bool ok;

	if (!dtype_is_char(s->env->types, inner) || (s->o->format && s->o->format != 's') || !n)
		return false;
	bytes = mem_alloc(n);
	have = value_copy(s->env, v, bytes, n);
	len = strnlen((const char *)bytes, have);
	ok = have == n && (s->o->format == 's' || is_text(bytes, n)) && (plain || *bytes ||
	     s->o->format == 's');
	if (ok)
		put_string(s, bytes, min_u64(len, limit_of(s->o)), len > limit_of(s->o));
	free(bytes);
	return ok;
}

/* ---- scalars ----------------------------------------------------------------- */

static void put_pointer(struct shower *s, struct dtype ty, u64 n)
{
	struct dtype inner;

	if (s->o->top) {
		sb_putc(s->out, '(');
		dtype_text(s->out, s->env->types, ty, "");
		sb_puts(s->out, ") ");
	}
	put_address(s, n);
	if (n && dtype_inner(s->env->types, dtype_plain(s->env->types, ty), &inner) &&
	    dtype_is_char(s->env->types, inner) && dtype_is_signed(s->env->types, inner))
		put_pointed(s, n);
}

static void put_integer(struct shower *s, struct dtype ty, u64 n)
{
	const struct types *t = s->env->types;
	const char *name = btf_type_name(t->btf, dtype_plain(t, ty).id);

	if (!strcmp(name, "_Bool") || !strcmp(name, "bool")) {
		sb_puts(s->out, n == 0 ? "false" : n == 1 ? "true" : "");
		if (n > 1)
			sb_printf(s->out, "%" PRIu64, n);
		return;
	}
	if (dtype_is_signed(t, ty))
		sb_printf(s->out, "%" PRId64, (s64)n);
	else
		sb_printf(s->out, "%" PRIu64, n);
	if (dtype_is_char(t, ty)) {
		sb_putc(s->out, ' ');
		put_quoted(s->out, (u8)n);
	}
}

static void put_scalar(struct shower *s, struct dtype ty, u64 n)
{
	u32 kind = dtype_kind(s->env->types, ty);
	u64 bytes = dtype_bytes(s->env->types, ty);

	if (bytes == 4 && n >> 32 && !dtype_is_signed(s->env->types, ty))
		bytes = 8;	/* a pointer in the context */
	if (s->o->format && put_format(s, ty, n, bytes ? bytes : 8))
		return;
	if (kind == BTF_KIND_PTR)
		put_pointer(s, ty, n);
	else if (kind == BTF_KIND_ENUM || kind == BTF_KIND_ENUM64)
		put_enum(s, ty, n);
	else if (bytes == 8 && dtype_bytes(s->env->types, ty) == 4)
		put_address(s, n);
	else
		put_integer(s, ty, n);
}

/* As many digits as tell it from all others, as gdb has it; other formats show its bits. */
static void put_float(struct shower *s, const struct value *v)
{
	u64 bytes = dtype_bytes(s->env->types, v->type);
	u8 raw[8];
	double wide;
	float narrow;

	u64 n = 0;

	if ((bytes != 4 && bytes != 8) || value_copy(s->env, v, raw, bytes) != bytes) {
		sb_puts(s->out, "<no value>");
		return;
	}
	memcpy(&n, raw, bytes);
	if (s->o->format && put_format(s, v->type, n, bytes))
		return;
	if (bytes == 4) {
		memcpy(&narrow, raw, sizeof(narrow));
		sb_printf(s->out, "%.9g", (double)narrow);
	} else {
		memcpy(&wide, raw, sizeof(wide));
		sb_printf(s->out, "%.17g", wide);
	}
}

/* ---- records and arrays --------------------------------------------------------- */

static void line_break(struct shower *s, u32 depth)
{
	if (!s->o->pretty)
		return;
	sb_putc(s->out, '\n');
	for (u32 i = 0; i < depth; i++)
		sb_puts(s->out, "  ");
}

static void put_record(struct shower *s, const struct value *v, u32 depth)
{
	u32 n = value_children(s->env->types, v);

	if (depth >= (s->o->depth ? s->o->depth : DEPTH)) {
		sb_puts(s->out, "{...}");
		return;
	}
	sb_putc(s->out, '{');
	for (u32 i = 0; i < n; i++) {
		const char *name;
		struct value m = value_child(s->env->types, v, i, &name);

		if (i)
			sb_puts(s->out, s->o->pretty ? "," : ", ");
		line_break(s, depth + 1);
		if (*name)
			sb_printf(s->out, "%s = ", name);
		show(s, &m, depth + 1);
	}
	line_break(s, depth);
	sb_putc(s->out, '}');
}

/* How many elements from I on, at most MAX, have the bytes of I. */
static u32 equal_run(struct shower *s, const struct value *v, u32 i, u32 max)
{
	enum { BYTES = 64 };
	u8 a[BYTES], b[BYTES];
	const char *name;
	struct value e = value_child(s->env->types, v, i, &name);
	u64 size = dtype_bytes(s->env->types, e.type);
	u32 n = 1;

	if (!size || size > BYTES || value_copy(s->env, &e, a, size) != size)
		return 1;
	for (; n < max; n++) {
		e = value_child(s->env->types, v, i + n, &name);
		if (value_copy(s->env, &e, b, size) != size || memcmp(a, b, size))
			break;
	}
	return n;
}

static void put_array(struct shower *s, const struct value *v, u32 depth)
{
	u32 n = value_children(s->env->types, v), limit = limit_of(s->o);

	if (depth >= (s->o->depth ? s->o->depth : DEPTH)) {
		sb_puts(s->out, "{...}");
		return;
	}
	sb_putc(s->out, '{');
	for (u32 i = 0, shown = 0, run; i < n; i += run, shown++) {
		const char *name;
		struct value e = value_child(s->env->types, v, i, &name);

		if (i)
			sb_puts(s->out, ", ");
		if (shown == limit || !s->left) {
			sb_puts(s->out, "...");
			break;
		}
		s->left--;
		run = equal_run(s, v, i, n - i);
		show(s, &e, depth + 1);
		if (run >= REPEATS)
			sb_printf(s->out, " <repeats %u times>", run);
		else
			run = 1;
	}
	sb_putc(s->out, '}');
}

static void put_compound(struct shower *s, const struct value *v, u32 depth)
{
	struct dtype inner = v->type;
	u32 n = value_children(s->env->types, v);

	if (!v->repeat && dtype_is_record(s->env->types, v->type)) {
		put_record(s, v, depth);
		return;
	}
	if (!v->repeat)
		dtype_inner(s->env->types, dtype_plain(s->env->types, v->type), &inner);
	if (!put_char_array(s, v, inner, n))
		put_array(s, v, depth);
}

static void show(struct shower *s, const struct value *v, u32 depth)
{
	struct skep_err err = { 0 };
	struct value n;
	u32 kind = v->kind == VALUE_MAP ? 0 : dtype_kind(s->env->types, v->type);

	if (v->kind == VALUE_GONE) {
		sb_printf(s->out, "<%s>", v->gone);
	} else if (v->kind == VALUE_MAP) {
		if (s->env->show_map)
			s->env->show_map(s->env->arg, v->map, s->out);
	} else if (v->kind != VALUE_NUMBER && (v->repeat || kind == BTF_KIND_ARRAY ||
					       dtype_is_record(s->env->types, v->type))) {
		put_compound(s, v, depth);
	} else if (kind == BTF_KIND_FLOAT) {
		put_float(s, v);
	} else if (value_load(s->env, v, &n, &err)) {
		sb_puts(s->out, err.id == ERR_DEBUG_MEM ? "<not for the program>" : "<no value>");
	} else {
		put_scalar(s, v->type, n.number);
	}
}

void value_show(struct strbuf *out, const struct value_env *env, const struct value *v,
		const struct show_opts *o)
{
	struct show_opts inner = *o;
	struct shower s = { env, &inner, out, limit_of(o) };

	/* only the value itself has its type before it */
	inner.top = o->top && v->kind != VALUE_GONE && v->kind != VALUE_MAP && !v->repeat &&
		dtype_kind(env->types, v->type) == BTF_KIND_PTR;
	show(&s, v, 0);
}
