/* SPDX-License-Identifier: BSD-2-Clause */
/* format.c: the grammar of formats; characters are those of ISO 8859-1. */
#include "model/format.h"

static bool is_space(u8 c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xa0;
}

static bool is_letter(u8 c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0xc0;
}

static bool is_digit(u8 c)
{
	return c >= '0' && c <= '9';
}

static bool is_punct(u8 c)
{
	if (c >= 0xa1)
		return c < 0xc0 || c == 0xd7 || c == 0xf7;
	return c > ' ' && c < 0x7f && !is_letter(c) && !is_digit(c);
}

/* May a conversion end before C? */
static bool is_end(char c)
{
	return !c || is_space((u8)c) || is_punct((u8)c);
}

static const char *read_flags(const char *f, struct format_spec *s)
{
	for (; *f == '0' || *f == '+' || *f == '-' || *f == ' '; f++) {
		s->zero |= *f == '0';
		s->plus |= *f == '+';
		s->left |= *f == '-';
		s->space |= *f == ' ';
	}
	for (; is_digit((u8)*f); f++)
		if (s->width <= FORMAT_WIDTH_MAX)
			s->width = s->width * 10 + (u32)(*f - '0');
	if (s->width > FORMAT_WIDTH_MAX)
		s->width = FORMAT_WIDTH_MAX;
	return f;
}

/* Behind "%p". What is read from memory gets no width, as in the kernel. */
static const char *read_pointer(const char *f, struct format_spec *s)
{
	s->kind = 'p';
	s->bytes = 8;
	if (is_end(*f))
		return f;
	if ((*f == 'k' || *f == 'u') && f[1] == 's') {
		s->kind = 's';
		s->width = 0;
		return is_end(f[2]) ? f + 2 : NULL;
	}
	if (*f == 'K' || *f == 'x')
		return f + 1;
	if (*f == 's' || *f == 'S' || *f == 'B') {
		s->kind = 'S';
		return f + 1;
	}
	if ((*f != 'i' && *f != 'I') || (f[1] != '4' && f[1] != '6'))
		return NULL;
	s->variant = *f;
	s->kind = f[1];
	s->width = 0;
	return f + 2;
}

static const char *read_number(const char *f, struct format_spec *s)
{
	s->bytes = 4;
	for (int i = 0; i < 2 && *f == 'l'; i++, f++)
		s->bytes = 8;
	if (!*f || !strchr("diuxX", *f))
		return NULL;
	s->kind = *f == 'i' ? 'd' : *f;
	return f + 1;
}

const char *format_spec_read(const char *f, struct format_spec *s)
{
	*s = (struct format_spec){ 0 };
	f = read_flags(f, s);
	if (*f == 'p')
		return read_pointer(f + 1, s);
	if (*f == 's') {
		s->kind = 's';
		return is_end(f[1]) ? f + 1 : NULL;
	}
	if (*f == 'c') {
		s->kind = 'c';
		return f + 1;
	}
	return read_number(f, s);
}

const char *format_bad(const char *f, u32 nr)
{
	struct format_spec s;
	const char *end;

	for (u32 i = 0; *f; f = end) {
		end = f + 1;
		if ((u8)*f == 0x7f || ((u8)*f < ' ' && !is_space((u8)*f)))
			return f;
		if (*f != '%')
			continue;
		if (*end == '%') {
			end++;
			continue;
		}
		end = i++ < nr ? format_spec_read(end, &s) : NULL;
		if (!end)
			return f;
	}
	return NULL;
}
