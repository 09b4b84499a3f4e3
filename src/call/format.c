/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format.c: a format is read twice: first every conversion is checked, so that
 * a bad one prints nothing, then the text is made.
 */
#include "call/format.h"
#include <stdio.h>

enum {
	ARGS_BYTES = 512,		/* what the kernel copies arguments to */
	NUMBER_CHARS = 32,
};

struct text {
	char *out;
	u64 size, n;	/* n: of the whole text */
};

static void put(struct text *t, char c, u64 times)
{
	for (; times && t->n + 1 < t->size; times--)
		t->out[t->n++] = c;
	t->n += times;
}

static void puts_n(struct text *t, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put(t, s[i], 1);
}

/* ---- arguments ------------------------------------------------------------------ */

/* At most MAX bytes that the program may read at ADDR. */
static u64 readable(struct run *run, u64 addr, u64 max)
{
	u64 n = run->readable ? run->readable(run, addr) : 0;

	return min_u64(n, max);
}

/* The string at ADDR: its length without NUL, cut to MAX. */
static u64 string_length(struct run *run, u64 addr, u64 max)
{
	u64 n = readable(run, addr, max);
	const char *s = (const char *)(uintptr_t)addr;

	return n ? strnlen(s, (size_t)n) : 0;
}

/* Room that the kernel takes for an argument; *USED so far. A string gets what
 * is left and is cut to it. */
static bool take_room(const struct format_spec *s, u64 arg, struct run *run,
		      u64 *used, u64 *cut)
{
	u64 align = s->kind == 'c' || s->kind == 's' ? 1 : 4, need = s->bytes;

	*cut = ARGS_BYTES - *used;
	if (s->kind == 's') {
		if (!*cut)
			return false;
		need = string_length(run, arg, *cut - 1) + 1;
		*cut -= 1;
	} else if (s->kind == 'c') {
		need = 1;
	} else if (s->kind == '4' || s->kind == '6') {
		need = s->kind == '4' ? 16 : 40;
	} else if (s->kind == 'S') {
		need = 8;
	}
	*used = round_up(*used, align);
	if (!in_bounds(*used, need, ARGS_BYTES))
		return false;
	*used += need;
	return true;
}

/* ---- printing -------------------------------------------------------------------- */

static void put_field(struct text *t, const struct format_spec *s, const char *body, size_t n)
{
	u64 fill = s->width > n ? s->width - n : 0;

	if (!s->left)
		put(t, ' ', fill);
	puts_n(t, body, n);
	if (s->left)
		put(t, ' ', fill);
}

static u64 cut_number(const struct format_spec *s, u64 v)
{
	if (s->bytes == 8)
		return v;
	return s->kind == 'd' ? (u64)(s64)(s32)v : (u32)v;
}

static void put_number(struct text *t, const struct format_spec *s, u64 v)
{
	char digits[NUMBER_CHARS], sign = 0;
	u64 n, total;

	v = cut_number(s, v);
	if (s->kind == 'd') {
		sign = (s64)v < 0 ? '-' : s->plus ? '+' : s->space ? ' ' : 0;
		v = (s64)v < 0 ? 0 - v : v;
	}
	n = (u64)snprintf(digits, sizeof(digits), s->kind == 'x' ? "%llx" :
			  s->kind == 'X' ? "%llX" : "%llu", (unsigned long long)v);
	total = n + (sign != 0);
	total = s->width > total ? s->width - total : 0;
	if (!s->left && !s->zero)
		put(t, ' ', total);
	if (sign)
		put(t, sign, 1);
	if (!s->left && s->zero)
		put(t, '0', total);
	puts_n(t, digits, (size_t)n);
	if (s->left)
		put(t, ' ', total);
}

static void put_pointer(struct text *t, const struct format_spec *s, u64 v)
{
	struct format_spec hex = *s;

	hex.kind = 'x';
	if (!hex.width) {
		hex.width = 16;
		hex.zero = true;
	}
	put_number(t, &hex, v);
}

static void put_symbol(struct text *t, const struct format_spec *s, u64 v)
{
	char body[NUMBER_CHARS];
	int n = snprintf(body, sizeof(body), "0x%llx", (unsigned long long)v);

	put_field(t, s, body, (size_t)n);
}

static int text_ipv4(char *body, size_t size, const u8 *a, bool zeroes)
{
	return snprintf(body, size, zeroes ? "%03u.%03u.%03u.%03u" : "%u.%u.%u.%u",
			a[0], a[1], a[2], a[3]);
}

static int text_ipv6(char *body, size_t size, const u8 *a, bool colons)
{
	int n = 0;

	for (u32 i = 0; i < 16; i += 2)
		n += snprintf(body + n, size - (size_t)n, "%02x%02x%s", a[i],
			      a[i + 1], colons && i < 14 ? ":" : "");
	return n;
}

static void put_address(struct text *t, const struct format_spec *s, u64 addr, struct run *run)
{
	u32 want = s->kind == '4' ? 4 : 16;
	u8 a[16] = { 0 };
	char body[48];
	int n;

	if (readable(run, addr, want) == want)
		memcpy(a, (const void *)(uintptr_t)addr, want);
	n = s->kind == '4' ? text_ipv4(body, sizeof(body), a, s->variant == 'i')
			   : text_ipv6(body, sizeof(body), a, s->variant == 'I');
	put_field(t, s, body, (size_t)n);
}

static void put_arg(struct text *t, const struct format_spec *s, u64 v, u64 cut,
		    struct run *run)
{
	char c = (char)v;

	switch (s->kind) {
	case 'c':
		put_field(t, s, &c, 1);
		break;
	case 's':
		put_field(t, s, (const char *)(uintptr_t)v,
			  (size_t)string_length(run, v, cut));
		break;
	case 'p':
		put_pointer(t, s, v);
		break;
	case 'S':
		put_symbol(t, s, v);
		break;
	case '4':
	case '6':
		put_address(t, s, v, run);
		break;
	default:
		put_number(t, s, v);
	}
}

/* One pass over a format up to BAD; T is NULL when it only looks at the room. */
static int format_pass(struct text *t, const char *f, const char *bad, const u64 *args,
		       struct run *run)
{
	u64 used = 0, cut;
	struct format_spec s;

	for (u32 i = 0; *f;) {
		if (f == bad)
			return -EINVAL;
		if (*f != '%' || f[1] == '%') {
			if (t)
				put(t, *f, 1);
			f += *f == '%' ? 2 : 1;
			continue;
		}
		f = format_spec_read(f + 1, &s);
		if (!take_room(&s, args[i], run, &used, &cut))
			return -ENOSPC;
		if (t)
			put_arg(t, &s, args[i], cut, run);
		i++;
	}
	return 0;
}

s64 format_text(char *out, u64 size, const char *fmt, u64 fmt_size,
		const u64 *args, u32 nr_args, struct run *run)
{
	struct text t = { .out = out, .size = size };
	int r;

	if (!memchr(fmt, 0, (size_t)fmt_size))
		return -EINVAL;
	r = format_pass(NULL, fmt, format_bad(fmt, nr_args), args, run);
	if (r)
		return r;
	format_pass(&t, fmt, NULL, args, run);
	if (size)
		out[t.n < size ? t.n : size - 1] = 0;
	return (s64)t.n;
}
