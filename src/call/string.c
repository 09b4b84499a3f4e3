/* SPDX-License-Identifier: BSD-2-Clause */
/* string.c: numbers from text, comparing text, checksums. */
#include "call/bodies.h"

enum { BASE_MASK = 0x1f, NUMBER_CHARS_MAX = 63 };

/* As the kernel's isspace: Latin-1's hard space counts. */
static bool is_space(u8 c)
{
	return (c >= 9 && c <= 13) || c == ' ' || c == 0xa0;
}

static bool has_hex_prefix(const u8 *s, const u8 *end)
{
	return end - s >= 2 && s[0] == '0' && (s[1] | 0x20) == 'x';
}

/* The base that the text shows, and the text after its prefix. */
static const u8 *skip_prefix(const u8 *s, const u8 *end, u32 *base)
{
	if (!*base) {
		*base = 10;
		if (s < end && *s == '0')
			*base = has_hex_prefix(s, end) && end - s > 2 &&
				digit_value((char)s[2]) < 16 ? 16 : 8;
	}
	return *base == 16 && has_hex_prefix(s, end) ? s + 2 : s;
}

/* The end of the digits at S; *R is -EINVAL for none, -ERANGE for too many. */
static const u8 *read_digits(const u8 *s, const u8 *end, u32 base, u64 *res, int *r)
{
	const u8 *start = s;
	bool over = false;

	*res = 0;
	for (; s < end && digit_value((char)*s) < base; s++) {
		over |= __builtin_mul_overflow(*res, base, res);
		over |= __builtin_add_overflow(*res, digit_value((char)*s), res);
	}
	*r = s == start ? -EINVAL : over ? -ERANGE : 0;
	return s;
}

/* The bytes consumed, or a negative errno. */
static s64 read_number(const u8 *text, u64 n, u64 flags, u64 *res, bool *negative)
{
	const u8 *s = text, *end = text + n;
	u32 base = flags & BASE_MASK;
	int r;

	if (!n || flags & ~(u64)BASE_MASK ||
	    (base && base != 8 && base != 10 && base != 16))
		return -EINVAL;
	while (s < end && is_space(*s))
		s++;
	*negative = s < end && *s == '-';
	s += *negative;
	if (end - s > NUMBER_CHARS_MAX)
		end = s + NUMBER_CHARS_MAX;
	s = skip_prefix(s, end, &base);
	s = read_digits(s, end, base, res, &r);
	return r ? r : s - text;
}

HELPER_BODY(call_strtol)
{
	u64 v = 0;
	s64 value = 0;
	bool negative = false;
	s64 n = read_number(call_ptr(r1), r2, r3, &v, &negative);

	if (n >= 0) {
		value = (s64)(negative ? 0 - v : v);
		if (negative ? value > 0 : value < 0) {
			value = 0;
			n = -ERANGE;
		}
	}
	memcpy(call_ptr(r4), &value, sizeof(value));
	return (u64)n;
}

HELPER_BODY(call_strtoul)
{
	u64 v = 0;
	bool negative = false;
	s64 n = read_number(call_ptr(r1), r2, r3, &v, &negative);

	if (n >= 0 && negative)
		n = -EINVAL;
	if (n < 0)
		v = 0;
	memcpy(call_ptr(r4), &v, sizeof(v));
	return (u64)n;
}

HELPER_BODY(call_strncmp)
{
	int r = strncmp(call_ptr(r1), call_ptr(r3), (u32)r2);

	return call_error((r > 0) - (r < 0));
}

/* ---- checksums -------------------------------------------------------------- */

static u64 add_carry(u64 a, u64 b)
{
	u64 sum = a + b;

	return sum + (sum < a);
}

static u32 fold32(u64 v)
{
	u64 sum = (v & UINT32_MAX) + (v >> 32);

	return (u32)(sum + (sum >> 32));
}

static u32 fold16(u32 v)
{
	u32 sum = (v & 0xffff) + (v >> 16);

	return (sum + (sum >> 16)) & 0xffff;
}

/* Ones' complement sum of N bytes and SUM. */
static u32 csum_add_bytes(const u8 *p, u32 n, u32 sum)
{
	u64 acc = sum, v;

	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&v, p, 8);
		acc = add_carry(acc, v);
	}
	if (n) {
		v = 0;
		memcpy(&v, p, n);
		acc = add_carry(acc, v);
	}
	return fold32(acc);
}

HELPER_BODY(call_csum_diff)
{
	u32 from_size = (u32)r2, to_size = (u32)r4, sum = (u32)r5;

	if (from_size && to_size)
		sum = fold32((u64)csum_add_bytes(call_ptr(r3), to_size, sum) +
			     (u32)~csum_add_bytes(call_ptr(r1), from_size, 0));
	else if (to_size)
		sum = csum_add_bytes(call_ptr(r3), to_size, sum);
	else if (from_size)
		sum = ~csum_add_bytes(call_ptr(r1), from_size, ~sum);
	return fold16(sum);
}
