/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usdt_arg.c: operands of probes, as compilers print them into the note: SIZE@OPERAND,
 * a negative SIZE for signed values, "f" behind it for floating point.
 */
#include "sym/usdt.h"
#include <ctype.h>
#include <elf.h>
#include <stdlib.h>

enum { OPERAND_MAX = 256, RIP = 16 * 8 };

/* ---- registers: names and places in struct pt_regs ------------------------- */

/* In the kernel's order; names of 8, 4, 2 and 1 bytes. */
static const char *const x86[][4] = {
	{ "r15", "r15d", "r15w", "r15b" }, { "r14", "r14d", "r14w", "r14b" },
	{ "r13", "r13d", "r13w", "r13b" }, { "r12", "r12d", "r12w", "r12b" },
	{ "rbp", "ebp", "bp", "bpl" }, { "rbx", "ebx", "bx", "bl" },
	{ "r11", "r11d", "r11w", "r11b" }, { "r10", "r10d", "r10w", "r10b" },
	{ "r9", "r9d", "r9w", "r9b" }, { "r8", "r8d", "r8w", "r8b" },
	{ "rax", "eax", "ax", "al" }, { "rcx", "ecx", "cx", "cl" },
	{ "rdx", "edx", "dx", "dl" }, { "rsi", "esi", "si", "sil" },
	{ "rdi", "edi", "di", "dil" }, { "orig_rax", "", "", "" },
	{ "rip", "eip", "ip", "" }, { "cs", "", "", "" }, { "flags", "", "", "" },
	{ "rsp", "esp", "sp", "spl" },
};
/* The second bytes of four of them. */
static const struct { const char *name; u16 off; } x86_high[] = {
	{ "ah", 81 }, { "bh", 41 }, { "ch", 89 }, { "dh", 97 },
};

static bool is_name(const char *name, const char *s, size_t n)
{
	return *name && strlen(name) == n && !memcmp(name, s, n);
}

static int x86_reg(const char *s, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(x86); i++)
		for (size_t k = 0; k < 4; k++)
			if (is_name(x86[i][k], s, n))
				return (int)(i * 8);
	for (size_t i = 0; i < ARRAY_LEN(x86_high); i++)
		if (is_name(x86_high[i].name, s, n))
			return x86_high[i].off;
	return -1;
}

/* struct user_pt_regs: x0 to x30, sp, pc. */
static int arm_reg(const char *s, size_t n)
{
	int i = 0;

	if (is_name("sp", s, n))
		return 31 * 8;
	if (n < 2 || n > 3 || (s[0] != 'x' && s[0] != 'w'))
		return -1;
	for (size_t k = 1; k < n; k++) {
		if (!isdigit((unsigned char)s[k]))
			return -1;
		i = i * 10 + s[k] - '0';
	}
	return i <= 30 ? i * 8 : -1;
}

/* ---- parts ----------------------------------------------------------------- */

static size_t word_length(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return n;
}

/* A number with its sign at *S; false: there is none. */
static bool take_number(const char **s, s64 *out)
{
	char *end;

	errno = 0;
	*out = (s64)strtoll(*s, &end, 0);
	if (errno == ERANGE) {		/* constants may be unsigned */
		errno = 0;
		*out = (s64)strtoull(*s, &end, 0);
	}
	if (end == *s || errno || isspace((unsigned char)**s))
		return false;
	*s = end;
	return true;
}

/* "%rax" at *S. */
static bool take_x86(const char **s, u16 *out)
{
	size_t n;
	int reg;

	if (**s != '%')
		return false;
	n = word_length(*s + 1);
	reg = x86_reg(*s + 1, n);
	if (reg < 0)
		return false;
	*out = (u16)reg;
	*s += 1 + n;
	return true;
}

static bool take_char(const char **s, char c)
{
	if (**s != c)
		return false;
	++*s;
	return true;
}

/* A name as assemblers have them: "NBuffers", "state.12", "x@GOTPCREL" not. */
static bool take_symbol(const char **s, char out[USDT_NAME_MAX])
{
	size_t n = 0;

	while (isalnum((unsigned char)(*s)[n]) || ((*s)[n] && strchr("_.$", (*s)[n])))
		n++;
	if (!n || n >= USDT_NAME_MAX || isdigit((unsigned char)**s))
		return false;
	memcpy(out, *s, n);
	out[n] = 0;
	*s += n;
	return true;
}

/* ---- x86-64 ---------------------------------------------------------------- */

/* "1", "2", "4" or "8". */
static bool take_scale(const char **s, u8 *out)
{
	static const char scales[] = "1248";
	const char *at = **s ? strchr(scales, **s) : NULL;

	if (!at)
		return false;
	*out = (u8)(at - scales);
	++*s;
	return true;
}

/* What comes before the "(": a number, a symbol, and sums of these. */
static bool take_displacement(const char **s, struct usdt_arg *a)
{
	s64 v;

	while (**s && **s != '(') {
		if (take_number(s, &v))
			a->value += v;
		else if (!a->symbol[0] && take_symbol(s, a->symbol))
			;
		else
			return false;
		if (**s == '+' && (*s)[1] != '-' && !isdigit((unsigned char)(*s)[1]))
			++*s;
	}
	return true;
}

/* "(%base,%index,scale)" with parts left out. */
static bool take_base(const char **s, struct usdt_arg *a)
{
	a->kind = USDT_MEM;
	if (!take_char(s, '('))
		return false;
	if (a->symbol[0]) {
		a->kind = USDT_SYMBOL;
		return !strcmp(*s, "%rip)") && (*s += 5);
	}
	if (!take_x86(s, &a->reg))
		return false;
	if (take_char(s, ',')) {
		a->kind = USDT_INDEX;
		if (a->reg == RIP || !take_x86(s, &a->index))
			return false;
		if (take_char(s, ',') && !take_scale(s, &a->scale))
			return false;
	}
	return take_char(s, ')');
}

static bool x86_operand(struct usdt_arg *a, const char *s)
{
	if (!strncmp(s, "%xmm", 4) || !strncmp(s, "%ymm", 4) || !strncmp(s, "%st", 3)) {
		a->kind = USDT_FLOAT;
		return true;
	}
	if (take_char(&s, '$')) {
		a->kind = USDT_CONST;
		return take_number(&s, &a->value) && !*s;
	}
	if (*s == '%') {
		a->kind = USDT_REG;
		return take_x86(&s, &a->reg) && !*s;
	}
	return take_displacement(&s, a) && take_base(&s, a) && !*s;
}

/* ---- AArch64 --------------------------------------------------------------- */

static bool take_arm(const char **s, u16 *out)
{
	size_t n = word_length(*s);
	int reg = arm_reg(*s, n);

	if (reg < 0)
		return false;
	*out = (u16)reg;
	*s += n;
	return true;
}

/* "[x0]", "[sp, 16]", "[x0, x1]", "[x0, x1, lsl 3]"; spaces were removed. */
static bool arm_memory(struct usdt_arg *a, const char *s)
{
	s64 shift = 0;

	a->kind = USDT_MEM;
	if (!take_arm(&s, &a->reg))
		return false;
	if (take_char(&s, ',')) {
		take_char(&s, '#');
		if (take_arm(&s, &a->index)) {
			a->kind = USDT_INDEX;
			if (!strncmp(s, ",lsl", 4)) {
				s += 4;
				take_char(&s, '#');
				if (!take_number(&s, &shift) || shift < 0 || shift > 3)
					return false;
			}
		} else if (!take_number(&s, &a->value)) {
			return false;
		}
	}
	a->scale = (u8)shift;
	return take_char(&s, ']') && !*s;
}

static bool arm_operand(struct usdt_arg *a, const char *s)
{
	if (*s && strchr("bhsdqv", *s) && isdigit((unsigned char)s[1])) {
		a->kind = USDT_FLOAT;
		return true;
	}
	if (take_char(&s, '['))
		return arm_memory(a, s);
	if (isalpha((unsigned char)*s)) {
		a->kind = USDT_REG;
		return take_arm(&s, &a->reg) && !*s;
	}
	a->kind = USDT_CONST;
	take_char(&s, '#');
	return take_number(&s, &a->value) && !*s;
}

/* ---- one argument ---------------------------------------------------------- */

/* "-4@": the size; compilers leave it out where they do not know it. */
static bool take_size(const char **s, struct usdt_arg *a)
{
	s64 n = 8;
	const char *at = *s;

	a->bytes = 8;
	if (!take_number(&at, &n))
		return true;
	if (*at == 'f')
		at++;
	if (*at != '@')		/* a bare operand */
		return true;
	a->is_signed = n < 0;
	n = n < 0 ? -n : n;
	a->bytes = (u8)n;
	*s = at + 1;
	return n == 1 || n == 2 || n == 4 || n == 8;
}

/* Up to the space that ends it, of which brackets may hold some: without them. */
static bool cut(char out[OPERAND_MAX], const char **text)
{
	bool inside = false;
	size_t n = 0;

	for (; **text && (inside || !isspace((unsigned char)**text)); ++*text) {
		if (**text == '[')
			inside = true;
		if (**text == ']')
			inside = false;
		if (isspace((unsigned char)**text))
			continue;
		if (n == OPERAND_MAX - 1)
			return false;
		out[n++] = **text;
	}
	out[n] = 0;
	return true;
}

int usdt_arg_next(struct usdt_arg *a, const char **text, u16 machine, struct skep_err *err)
{
	char one[OPERAND_MAX];
	const char *begin, *s = one;
	bool ok;

	*a = (struct usdt_arg){ 0 };
	while (isspace((unsigned char)**text))
		++*text;
	if (!**text)
		return 0;
	begin = *text;
	ok = cut(one, text) && take_size(&s, a);
	if (ok && machine == EM_X86_64)
		ok = x86_operand(a, s);
	else if (ok && machine == EM_AARCH64)
		ok = arm_operand(a, s);
	else
		ok = false;
	if (ok)
		return 1;
	return err_set(err, ERR_USDT, NULL, "'%.*s' is no argument of a probe that is understood",
		       (int)min_u64((u64)(*text - begin), OPERAND_MAX), begin);
}
