/* SPDX-License-Identifier: BSD-2-Clause */
/* format.c: reading format strings. */
#include "lang/format.h"
#include <ctype.h>

static s32 number(const char **s)
{
	s32 n = 0;

	while (isdigit((unsigned char)**s)) {
		n = n > 100000 ? n : n * 10 + (**s - '0');
		++*s;
	}
	return n;
}

static void flags(const char **s, struct format_piece *p)
{
	for (;; ++*s)
		switch (**s) {
		case '-': p->left = true; break;
		case '0': p->zero = true; break;
		case '+': p->plus = true; break;
		case ' ': p->blank = true; break;
		case '#': p->alt = true; break;
		case '\'': break;
		default: return;
		}
}

static void size(const char **s, struct format_piece *p)
{
	for (;; ++*s)
		switch (**s) {
		case 'h': p->bytes = p->bytes == 2 ? 1 : 2; break;
		case 'l':
		case 'z':
		case 'j':
		case 't': p->bytes = 8; break;
		default: return;
		}
}

static void width(const char **s, struct format_piece *p)
{
	if (**s == '*') {
		p->stars++, ++*s;
		p->star_width = true;
	} else if (isdigit((unsigned char)**s)) {
		p->width = number(s);
	}
	if (**s != '.')
		return;
	++*s;
	if (**s == '*')
		p->stars++, ++*s;
	else
		p->precision = number(s);
}

static void conversion(const char **s, struct format_piece *p)
{
	if (**s == 'g' && (*s)[1] == 'r') {
		p->conv = 'r';
		p->kind = 'g';
		*s += 2;
	} else if (**s == 'r') {
		p->conv = 'r';
		++*s;
		if (**s == 'h' || **s == 'x')
			p->kind = *(*s)++;
	} else if (**s && strchr("diuoxXpcs", **s)) {
		p->conv = *(*s)++;
	} else {
		p->conv = '?';
		*s += **s != 0;
	}
}

bool format_next(const char **at, struct format_piece *p)
{
	const char *s = *at;

	*p = (struct format_piece){ .text = s, .width = -1, .precision = -1 };
	if (!*s)
		return false;
	if (*s != '%') {
		s += strcspn(s, "%");
	} else if (s[1] == '%') {
		p->text = ++s;
		s++;
	} else {
		s++;
		flags(&s, p);
		width(&s, p);
		size(&s, p);
		conversion(&s, p);
	}
	p->n = (u32)(s - p->text);
	*at = s;
	return true;
}
