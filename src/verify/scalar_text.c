/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalar_text.c: scalars as text, for people and as the kernel's log has them.
 * The kernel's form was observed: test/unit/scalar_kernel_test.c compares.
 */
#include <inttypes.h>
#include "verify/range.h"
#include "verify/scalar.h"

/* ---- the kernel's log ---------------------------------------------------- */

/* One bound; lower and upper ones alternate. Lower bounds are one group when
 * they are the same integer, and so are upper ones; signed bounds of 32 bits
 * that are not short count as unsigned. */
struct bound {
	const char *name;
	u64 v;
	bool negative;	/* V is that far below 2^64 */
	bool is_signed;	/* decimal in -2^15..2^15-1, not in 0..2^16-1 */
	bool omit;	/* says nothing, or was printed */
};

static bool is_short(s64 v) { return v >= INT16_MIN && v <= INT16_MAX; }

static struct bound signed_bound(const char *name, s64 v, s64 end)
{
	return (struct bound){ name, (u64)v, v < 0, true, v == end };
}

static struct bound signed32_bound(const char *name, s32 v, s32 end)
{
	if (is_short(v))
		return signed_bound(name, v, end);
	return (struct bound){ name, (u32)v, false, true, v == end };
}

static struct bound unsigned_bound(const char *name, u64 v, u64 end)
{
	return (struct bound){ name, v, false, false, v == end };
}

static void log_signed(struct strbuf *out, u64 v)
{
	if (is_short((s64)v))
		sb_printf(out, "%" PRId64, (s64)v);
	else
		sb_printf(out, "0x%" PRIx64, v);
}

static void log_bound(struct strbuf *out, const struct bound *b)
{
	if (b->is_signed)
		log_signed(out, b->v);
	else if (b->v <= UINT16_MAX)
		sb_printf(out, "%" PRIu64, b->v);
	else
		sb_printf(out, "0x%" PRIx64, b->v);
}

static void log_bounds(struct strbuf *out, struct bound *b, size_t n, const char **sep)
{
	for (size_t i = 0; i < n; i++) {
		if (b[i].omit)
			continue;
		sb_printf(out, "%s%s=", *sep, b[i].name);
		*sep = ",";
		for (size_t j = i + 2; j < n; j += 2) {
			if (b[j].omit || b[j].v != b[i].v || b[j].negative != b[i].negative)
				continue;
			sb_printf(out, "%s=", b[j].name);
			b[j].omit = true;
		}
		log_bound(out, &b[i]);
	}
}

void scalar_log(struct strbuf *out, const struct scalar *s, u32 id, const s32 *delta)
{
	struct bound bounds[] = {
		signed_bound("smin", s->smin, INT64_MIN),
		signed_bound("smax", s->smax, INT64_MAX),
		unsigned_bound("umin", s->umin, 0),
		unsigned_bound("umax", s->umax, UINT64_MAX),
		signed32_bound("smin32", s->s32_min, INT32_MIN),
		signed32_bound("smax32", s->s32_max, INT32_MAX),
		unsigned_bound("umin32", s->u32_min, 0),
		unsigned_bound("umax32", s->u32_max, UINT32_MAX),
	};
	const char *sep = "";

	if (scalar_is_const(s)) {
		log_signed(out, s->bits.value);
		return;
	}
	sb_puts(out, "scalar(");
	if (id) {
		sb_printf(out, "id=%u", id);
		if (delta)
			sb_printf(out, "%+d", *delta);
		sep = ",";
	}
	log_bounds(out, bounds, ARRAY_LEN(bounds), &sep);
	if (!tnum_is_unknown(s->bits))
		sb_printf(out, "%svar_off=(0x%" PRIx64 "; 0x%" PRIx64 ")", sep,
			  s->bits.value, s->bits.mask);
	sb_puts(out, ")");
}

/* ---- for people ---------------------------------------------------------- */

static void text_unsigned(struct strbuf *out, u64 v)
{
	sb_printf(out, v < 10000000 ? "%" PRIu64 : "0x%" PRIx64, v);
}

static void text_signed(struct strbuf *out, s64 v)
{
	if (v < 0)
		sb_putc(out, '-');
	text_unsigned(out, v < 0 ? -(u64)v : (u64)v);
}

/* A range of either order; the signed one unless only the other says something. */
static void text_range(struct strbuf *out, const struct scalar *s)
{
	bool any_signed = s->smin == INT64_MIN && s->smax == INT64_MAX;

	if (s->smin >= 0 || any_signed) {
		text_unsigned(out, s->umin);
		sb_puts(out, "..");
		text_unsigned(out, s->umax);
	} else {
		text_signed(out, s->smin);
		sb_puts(out, "..");
		text_signed(out, s->smax);
	}
}

/* Either sign, and no bounds but those that the bits have. */
static bool any_whole(const struct scalar *s)
{
	u64 sign = (u64)1 << 63, most = s->bits.value | s->bits.mask;

	return (s->bits.mask & sign) && s->umin == s->bits.value && s->umax == most &&
	       s->smin == (s64)(s->bits.value | sign) && s->smax == (s64)(most & ~sign);
}

/* Known bits between unknown ones, which neither step nor range shows. */
static bool has_holes(u64 mask)
{
	if (!mask)
		return false;
	mask >>= __builtin_ctzll(mask);
	return mask & (mask + 1);
}

/* All members, when they are up to four and no range; false when not. */
static bool text_few(struct strbuf *out, const struct scalar *s)
{
	u64 m = s->bits.mask, sub = 0, member[4];
	int unknown = __builtin_popcountll(m);
	size_t n = 0;

	if (m == 1 || unknown > 2 || (unknown == 2 && !has_holes(m)))
		return false;
	do {
		if (scalar_has(s, s->bits.value | sub))
			member[n++] = s->bits.value | sub;
		sub = (sub - m) & m;
	} while (sub);
	for (size_t i = 0; i < n; i++) {
		sb_puts(out, !i ? "" : i + 1 < n ? ", " : " or ");
		text_signed(out, (s64)member[i]);
	}
	return true;
}

/* The low bits that all members share: "1 more than a multiple of 4". */
static void text_step(struct strbuf *out, const struct scalar *s)
{
	unsigned n = (unsigned)__builtin_ctzll(s->bits.mask);
	u64 rest = s->bits.value & (((u64)1 << n) - 1);

	if (!n)
		return;
	if (rest) {
		text_unsigned(out, rest);
		sb_puts(out, " more than ");
	}
	sb_puts(out, "a multiple of ");
	text_unsigned(out, (u64)1 << n);
}

/* The same of the lower half. */
static bool any_half(const struct scalar *s)
{
	u32 sign = (u32)1 << 31, least = (u32)s->bits.value, most = least | (u32)s->bits.mask;

	return (s->bits.mask & sign) && s->u32_min == least && s->u32_max == most &&
	       s->s32_min == (s32)(least | sign) && s->s32_max == (s32)(most & ~sign);
}

static void text_half(struct strbuf *out, const struct scalar *s)
{
	sb_puts(out, " whose lower half is ");
	if (s->s32_min < 0 && (s->s32_min > INT32_MIN || s->s32_max < INT32_MAX)) {
		text_signed(out, s->s32_min);
		sb_puts(out, "..");
		text_signed(out, s->s32_max);
	} else {
		text_unsigned(out, s->u32_min);
		sb_puts(out, "..");
		text_unsigned(out, s->u32_max);
	}
}

void scalar_text(struct strbuf *out, const struct scalar *s)
{
	size_t start = out->n;
	bool half = any_whole(s) && !any_half(s);
	bool holes = has_holes(half ? (u32)s->bits.mask : s->bits.mask);

	if (scalar_is_const(s)) {
		text_signed(out, (s64)s->bits.value);
		return;
	}
	if (text_few(out, s))
		return;
	text_step(out, s);
	if (!any_whole(s)) {
		sb_puts(out, out->n > start ? " in " : "");
		text_range(out, s);
	} else if (out->n == start) {
		sb_puts(out, "any number");
	}
	if (holes)
		sb_printf(out, " of which only the bits 0x%" PRIx64 " vary", s->bits.mask);
	if (half)
		text_half(out, s);
}
