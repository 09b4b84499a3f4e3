/* SPDX-License-Identifier: BSD-2-Clause */
/* out_value.c: values as text and as JSON, and what format strings make of them. */
#include "lang/format.h"
#include "lang/out.h"
#include <arpa/inet.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ---- numbers ----------------------------------------------------------------- */

static u64 raw(const struct ty *t, const u8 *v)
{
	u64 n = 0;

	memcpy(&n, v, t->bytes < 8 ? t->bytes : 8);
	return n;
}

/* Extended as the type says. */
static u64 number(const struct ty *t, const u8 *v)
{
	const u64 n = raw(t, v);
	const u32 unused = t->bytes < 8 ? 64 - 8 * t->bytes : 0;

	if (t->kind != TY_INT && t->kind != TY_ENUM)
		return n;
	return t->is_signed ? (u64)((s64)(n << unused) >> unused) : n;
}

static bool is_number(const struct ty *t)
{
	return ty_is_number(t) || t->kind == TY_PTR ||
	       (t->kind >= TY_CGROUP_PATH && t->kind <= TY_USERNAME) || t->kind == TY_KSYM ||
	       t->kind == TY_USYM;
}

static const char *enum_name(const struct ty *t, u64 v)
{
	const struct btf_type *b = btf_type(t->btf, t->id);
	const struct btf_enum *e = (const struct btf_enum *)(b + 1);
	const struct btf_enum64 *e64 = (const struct btf_enum64 *)(b + 1);

	for (u32 i = 0; i < btf_vlen(b); i++)
		if (btf_kind(b) == BTF_KIND_ENUM ? (u32)e[i].val == (u32)v :
		    ((u64)e64[i].val_hi32 << 32 | e64[i].val_lo32) == v)
			return btf_str(t->btf, btf_kind(b) == BTF_KIND_ENUM ? e[i].name_off :
				       e64[i].name_off);
	return NULL;
}

/* ---- text of special values -------------------------------------------------- */

/* strftime with %f: microseconds. */
static void time_text(struct strbuf *b, const char *format, u64 real)
{
	const time_t s = (time_t)(real / 1000000000);
	char fmt[512], out[1024], *to = fmt;
	struct tm tm;

	localtime_r(&s, &tm);
	for (const char *f = format; *f && to < fmt + sizeof(fmt) - 8; f++) {
		if (f[0] == '%' && f[1] == 'f') {
			to += snprintf(to, 8, "%06u", (unsigned)(real % 1000000000 / 1000));
			f++;
		} else {
			*to++ = *f;
			if (*f == '%' && f[1])
				*to++ = *++f;
		}
	}
	*to = 0;
	if (strftime(out, sizeof(out), fmt, &tm))
		sb_puts(b, out);
}

static void bytes_text(struct strbuf *b, const u8 *s, u32 n, char kind)
{
	for (u32 i = 0; i < n; i++)
		if (kind == 'h')
			sb_printf(b, i ? " %02x" : "%02x", s[i]);
		else if (kind == 'x' || s[i] < 32 || s[i] > 126)
			sb_printf(b, "\\x%02x", s[i]);
		else
			sb_putc(b, (char)s[i]);
}

static void inet_text(struct strbuf *b, const u8 *v)
{
	struct lang_inet in;
	char text[64];

	memcpy(&in, v, sizeof(in));
	if (inet_ntop((int)in.family, in.addr, text, sizeof(text)))
		sb_puts(b, text);
}

static void string_text(struct out *o, struct strbuf *b, const struct ty *t, const u8 *v)
{
	const size_t n = strnlen((const char *)v, t->bytes);

	sb_add(b, v, n);
	if (n + 1 == t->bytes && n == o->u->config.max_strlen)
		sb_puts(b, o->u->config.str_trunc_trailer);
}

/* Numbers with names. */
static void shown_text(struct out *o, struct strbuf *b, const struct ty *t, u64 v)
{
	const char *name;

	switch (t->kind) {
	case TY_KSYM:
		o->ksym(o->arg, b, v, false);
		return;
	case TY_CGROUP_PATH:
		o->cgroup(o->arg, b, v, o->u->texts.v[t->par[0]]);
		return;
	case TY_STRFTIME:
		time_text(b, o->u->texts.v[t->par[0]], v + (u64)o->boot_to_real);
		return;
	case TY_USERNAME:
		o->user(o->arg, b, v);
		return;
	case TY_ERRNO:
		sb_puts(b, strerror((int)v < 0 ? -(int)v : (int)v));
		return;
	case TY_SIGNAL:
		sb_puts(b, v && v < 65 ? strsignal((int)v) : "N/A");
		return;
	default:
		name = out_syscall_name(v);
		if (name)
			sb_puts(b, name);
		else
			sb_printf(b, "[unknown: %" PRIu64 "]", v);
	}
}

/* A frame of a process in the style of bpftrace, or of perf. */
static void frame_text(struct strbuf *b, const struct sym_frame *f, bool perf)
{
	if (f->inlined && !perf)
		sb_puts(b, "[inlined] ");
	sb_puts(b, f->name);
	if (!f->inlined)
		sb_printf(b, "+%" PRIu64, f->off);
	if (f->inlined && perf)
		sb_puts(b, " (inlined)");
	if (f->file && !perf)
		sb_printf(b, "@%s:%u", f->file, f->line);
}

static void address_text(struct out *o, struct strbuf *b, const struct ty *t, u64 ip)
{
	if (t->par[0] == 1)
		sb_printf(b, "%" PRIx64 " ", ip);
	if (t->par[0] >= 2 || t->user)
		sb_printf(b, "0x%" PRIx64, ip);
	else
		o->ksym(o->arg, b, ip, true);
	sb_putc(b, '\n');
}

/* Each address is a line; of processes, with names, also what was inlined there. */
static void stack_text(struct out *o, struct strbuf *b, const struct ty *t, const u8 *v, u32 indent)
{
	const bool perf = t->par[0] == 1, named = t->user && t->par[0] < 2;
	struct sym_frame frames[64];
	struct lang_stack s;
	u64 ips[127];
	u32 n;

	memcpy(&s, v, sizeof(s));
	n = o->stack(o->arg, t, &s, ips, ARRAY_LEN(ips));
	sb_putc(b, '\n');
	for (u32 i = 0; i < n; i++) {
		const u32 k = named ? o->frames(o->arg, frames, ARRAY_LEN(frames), ips[i], s.pid,
						i > 0) : 0;

		if (!k) {
			sb_printf(b, "%*s", (int)indent, "");
			address_text(o, b, t, ips[i]);
		}
		for (u32 j = 0; j < k; j++) {
			sb_printf(b, "%*s", (int)indent, "");
			if (perf)
				sb_printf(b, "%" PRIx64 " ", ips[i]);
			frame_text(b, &frames[j], perf);
			sb_putc(b, '\n');
		}
	}
}

/* ---- structs of C ------------------------------------------------------------ */

/* A member's bits as a number. */
static u64 member_bits(const struct btf_member_info *m, const u8 *v)
{
	u64 n = 0;
	const u32 at = m->bit_off / 8, bit = m->bit_off % 8;

	memcpy(&n, v + at, (bit + m->bit_size + 7) / 8 < 8 ? (bit + m->bit_size + 7) / 8 : 8);
	return n << (64 - bit - m->bit_size) >> (64 - m->bit_size);
}

static const struct ty *member_ty(struct out *o, const struct ty *t, u32 id)
{
	struct ty_table *table = o->types;
	const struct ty *m = ty_btf(table, t->btf, id, SPACE_KERNEL);

	if (m && m->kind == TY_ARRAY && m->of->kind == TY_INT && m->of->bytes == 1 && m->n)
		return ty_str(table, m->n);
	return m;
}

/* ---- what values are made of ------------------------------------------------- */

struct brackets { const char *open, *between, *close; };

/* How text or JSON has values with parts, and what has none (leaf). */
struct style {
	struct brackets array, tuple, fields;
	const char *name;	/* a format: of a field before its value */
	const char *none;	/* a member whose type the language does not have */
	void (*leaf)(struct out *o, struct strbuf *b, const struct ty *t, const u8 *v);
};

static void value(struct out *o, struct strbuf *b, const struct ty *t, const u8 *v,
		  const struct style *s);

/* What stands before part I. */
static void put_between(struct strbuf *b, const struct brackets *k, u32 i)
{
	sb_puts(b, i ? k->between : k->open);
}

static void array(struct out *o, struct strbuf *b, const struct ty *t, const u8 *v,
		  const struct style *s)
{
	for (u32 i = 0; i < t->n; i++) {
		put_between(b, &s->array, i);
		value(o, b, t->of, v + (size_t)i * t->of->bytes, s);
	}
	sb_printf(b, "%s%s", t->n ? "" : s->array.open, s->array.close);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
/* A tuple, or a record, whose fields have names. */
static void fields(struct out *o, struct strbuf *b, const struct ty *t, const u8 *v,
		   const struct brackets *k, const struct style *s)
{
	for (u32 i = 0; i < t->nr_fields; i++) {
		put_between(b, k, i);
		if (t->kind == TY_RECORD)
			sb_printf(b, s->name, t->fields[i].name);
		value(o, b, t->fields[i].ty, v + t->fields[i].off, s);
	}
	sb_printf(b, "%s%s", t->nr_fields ? "" : k->open, k->close);
}

static void members(struct out *o, struct strbuf *b, const struct ty *t, const u8 *v,
		    const struct style *s)
{
	const struct btf_type *of = btf_type(t->btf, t->id);

	for (u32 i = 0; i < btf_vlen(of); i++) {
		const struct btf_member_info m = btf_member(t->btf, of, i);
		const struct ty *mt = member_ty(o, t, m.type_id);

		put_between(b, &s->fields, i);
		sb_printf(b, s->name, m.name);
		if (m.bit_size)
			sb_printf(b, "%" PRIu64, member_bits(&m, v));
		else if (mt)
			value(o, b, mt, v + m.bit_off / 8, s);
		else
			sb_puts(b, s->none);
	}
	sb_printf(b, "%s%s", btf_vlen(of) ? "" : s->fields.open, s->fields.close);
}
#pragma GCC diagnostic pop

static void value(struct out *o, struct strbuf *b, const struct ty *t, const u8 *v,
		  const struct style *s)
{
	switch (t->kind) {
	case TY_ARRAY: array(o, b, t, v, s); break;
	case TY_TUPLE: fields(o, b, t, v, &s->tuple, s); break;
	case TY_RECORD: fields(o, b, t, v, &s->fields, s); break;
	case TY_CSTRUCT: members(o, b, t, v, s); break;
	default: s->leaf(o, b, t, v);
	}
}

/* ---- as text ----------------------------------------------------------------- */

static void number_text(struct strbuf *b, const struct ty *t, u64 v)
{
	sb_printf(b, t->is_signed ? "%" PRId64 : "%" PRIu64, v);
}

/* An aggregation's number that a script has read is an integer; this is of maps' values. */
static void agg_text(struct strbuf *b, const struct ty *t, const u8 *v)
{
	number_text(b, t, raw(&(struct ty){ .bytes = 8 }, v));
}

static void leaf_text(struct out *o, struct strbuf *b, const struct ty *t, const u8 *v)
{
	struct lang_usym u;
	u32 n;

	switch (t->kind) {
	case TY_INT: number_text(b, t, number(t, v)); break;
	case TY_ENUM:
		if (enum_name(t, number(t, v)))
			sb_puts(b, enum_name(t, number(t, v)));
		else
			number_text(b, t, number(t, v));
		break;
	case TY_BOOL: sb_puts(b, *v ? "true" : "false"); break;
	case TY_STR: string_text(o, b, t, v); break;
	case TY_BUF:
		memcpy(&n, v, 4);
		bytes_text(b, v + 4, n < t->bytes - 4 ? n : t->bytes - 4, 0);
		break;
	case TY_PTR: sb_printf(b, "0x%" PRIx64, raw(t, v)); break;
	case TY_INET: inet_text(b, v); break;
	case TY_MAC:
		sb_printf(b, "%02X:%02X:%02X:%02X:%02X:%02X", v[0], v[1], v[2], v[3], v[4], v[5]);
		break;
	case TY_USYM:
		memcpy(&u, v, sizeof(u));
		o->usym(o->arg, b, u.addr, u.pid, false);
		break;
	case TY_STACK: stack_text(o, b, t, v, o->indent); break;
	case TY_NONE:
	case TY_VOID: break;
	default:
		if (ty_is_agg(t))
			agg_text(b, t, v);
		else
			shown_text(o, b, t, raw(t, v));
	}
}

void out_value(struct out *o, struct strbuf *b, const struct ty *t, const u8 *v)
{
	static const struct style style = { { "[", ",", "]" }, { "(", ", ", ")" },
		{ "{ ", ", ", " }" }, ".%s = ", "<unsupported>", leaf_text };

	value(o, b, t, v, &style);
}

/* ---- JSON -------------------------------------------------------------------- */

/* How many bytes at S, of N, are one character of UTF-8; 0: none. */
static size_t utf8(const char *s, size_t n)
{
	const u8 c = (u8)*s;
	const size_t more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : (c & 0xf0) == 0xe0 ? 2 :
			    c >= 0xf0 && c < 0xf5 ? 3 : n;

	if (more >= n)
		return 0;
	for (size_t i = 1; i <= more; i++)
		if (((u8)s[i] & 0xc0) != 0x80)
			return 0;
	if ((c == 0xe0 && (u8)s[1] < 0xa0) || (c == 0xed && (u8)s[1] > 0x9f) ||
	    (c == 0xf0 && (u8)s[1] < 0x90) || (c == 0xf4 && (u8)s[1] > 0x8f))
		return 0;
	return more + 1;
}

/* Bytes that are no UTF-8 stand as the characters of their numbers. */
void out_json_string(struct strbuf *b, const char *s, size_t n)
{
	sb_putc(b, '"');
	for (size_t i = 0; i < n; i++) {
		const u8 c = (u8)s[i];

		if (c == '"' || c == '\\')
			sb_printf(b, "\\%c", c);
		else if (c == '\n' || c == '\r' || c == '\t')
			sb_printf(b, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
		else if (c < 32 || c == 127 || !utf8(s + i, n - i))
			sb_printf(b, "\\u%04x", c);
		else {
			sb_add(b, s + i, utf8(s + i, n - i));
			i += utf8(s + i, n - i) - 1;
		}
	}
	sb_putc(b, '"');
}

/* Numbers that a double does not hold exactly are strings: without the zeros at its end such
 * a number has more than 53 bits. */
static void number_json(struct strbuf *b, const struct ty *t, u64 v)
{
	const u64 size = t->is_signed && (s64)v < 0 ? 0 - v : v;
	const bool big = size && size >> __builtin_ctzll(size) >= 1ull << 53;

	if (big)
		sb_putc(b, '"');
	number_text(b, t, v);
	if (big)
		sb_putc(b, '"');
}

static void leaf_json(struct out *o, struct strbuf *b, const struct ty *t, const u8 *v)
{
	struct strbuf text = { 0 };

	switch (t->kind) {
	case TY_INT:
	case TY_ENUM: number_json(b, t, number(t, v)); break;
	case TY_PTR: number_json(b, t, raw(t, v)); break;
	case TY_BOOL: sb_puts(b, *v ? "true" : "false"); break;
	default:
		if (ty_is_agg(t)) {
			number_json(b, t, raw(&(struct ty){ .bytes = 8 }, v));
			break;
		}
		leaf_text(o, &text, t, v);
		out_json_string(b, sb_text(&text), text.n);
		sb_free(&text);
	}
}

void out_value_json(struct out *o, struct strbuf *b, const struct ty *t, const u8 *v)
{
	static const struct style style = { { "[", ",", "]" }, { "[", ",", "]" },
		{ "{", ", ", "}" }, "\"%s\": ", "null", leaf_json };

	value(o, b, t, v, &style);
}

/* ---- formats ----------------------------------------------------------------- */

static void padded(struct strbuf *b, const struct format_piece *p, const char *s, size_t n)
{
	const size_t keep =
		p->precision >= 0 && (size_t)p->precision < n ? (size_t)p->precision : n;
	const size_t width = p->width > 0 ? (size_t)p->width : 0;

	for (size_t i = keep; !p->left && i < width; i++)
		sb_putc(b, ' ');
	sb_add(b, s, keep);
	for (size_t i = keep; p->left && i < width; i++)
		sb_putc(b, ' ');
}

static u64 cut(u64 v, u8 bytes, bool is_signed)
{
	const u32 unused = bytes && bytes < 8 ? 64 - 8 * bytes : 0;

	return is_signed ? (u64)((s64)(v << unused) >> unused) : v << unused >> unused;
}

static void format_number(struct strbuf *b, const struct format_piece *p, u64 v)
{
	char spec[32], *s = spec;
	const bool is_signed = p->conv == 'd' || p->conv == 'i';

	if (p->conv == 'c') {
		char c = (char)v;

		padded(b, p, &c, 1);
		return;
	}
	v = cut(v, p->bytes || !strchr("xXo", p->conv) ? p->bytes : 4, is_signed);
	*s++ = '%';
	if (p->left) *s++ = '-';
	if (p->zero) *s++ = '0';
	if (p->plus) *s++ = '+';
	if (p->blank) *s++ = ' ';
	if (p->alt || p->conv == 'p') *s++ = '#';
	snprintf(s, 16, "*.*ll%c", p->conv == 'p' ? 'x' : p->conv == 'i' ? 'd' : p->conv);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	sb_printf(b, spec, p->width > 0 ? p->width : 0, p->precision, v);
#pragma GCC diagnostic pop
}

static void format_text(struct out *o, struct strbuf *b, const struct format_piece *p,
			const struct ty *t, const u8 *v)
{
	struct strbuf text = { 0 };
	u32 n;

	if (p->conv == 'r' && (t->kind == TY_BUF || t->kind == TY_ARRAY || t->kind == TY_STR)) {
		n = t->bytes;
		if (t->kind == TY_BUF) {
			memcpy(&n, v, 4);
			n = n < t->bytes - 4 ? n : t->bytes - 4;
			v += 4;
		}
		bytes_text(&text, v, n, p->kind);
	} else {
		o->indent = 8;
		out_value(o, &text, t, v);
	}
	padded(b, p, sb_text(&text), text.n);
	sb_free(&text);
}

/* The next argument as a number; *ARGS moves on. */
static s32 star(const struct lang_arg **a, const struct lang_arg *end, const u8 *record)
{
	const s32 v = *a < end ? (s32)number((*a)->ty, record + (*a)->off) : 0;

	*a += *a < end;
	return v;
}

void out_format(struct out *o, struct strbuf *b, const char *format, const struct lang_arg *args,
		u32 nr_args, const u8 *record)
{
	const struct lang_arg *a = args, *end = args + nr_args;
	struct format_piece p;

	while (format_next(&format, &p)) {
		if (!p.conv) {
			sb_add(b, p.text, p.n);
			continue;
		}
		if (p.stars && p.star_width)
			p.width = star(&a, end, record), p.stars--;
		if (p.stars)
			p.precision = star(&a, end, record);
		if (p.width < -1) {
			p.left = true;
			p.width = -p.width;
		}
		if (a == end)
			break;
		if (p.conv == 's' || p.conv == 'r' || !is_number(a->ty))
			format_text(o, b, &p, a->ty, record + a->off);
		else
			format_number(b, &p, number(a->ty, record + a->off));
		a++;
	}
}
