/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalar_test.c: that the scalar domain loses no number. Operations on all
 * small tnums and ranges, placed where words begin, end and have their middle,
 * against the exact result; and random scalars of all parts, with members near
 * their bounds. SKEP_EXHAUSTIVE=1 takes larger ones and many more: an hour.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "scalar_gen.h"
#include "verify/range.h"

static bool exhaustive;

static void show(const char *what, const struct scalar *s)
{
	struct strbuf b = { 0 };

	scalar_log(&b, s, 0, NULL);
	print_error("%s %s value %llx mask %llx u %llx..%llx s %llx..%llx u32 %x..%x s32 %x..%x\n",
		    what, sb_text(&b), (unsigned long long)s->bits.value,
		    (unsigned long long)s->bits.mask, (unsigned long long)s->umin,
		    (unsigned long long)s->umax, (unsigned long long)s->smin,
		    (unsigned long long)s->smax, s->u32_min, s->u32_max, (u32)s->s32_min,
		    (u32)s->s32_max);
	sb_free(&b);
}

/* ---- all small elements ---------------------------------------------------- */

/* A set of numbers: one, or the union of two earlier elements of its family. */
struct elem { struct scalar s; u64 value; int left, right; };
struct family { struct elem *v; size_t n; };

/* The smallest scalar that holds both, without reduction. */
static void hull_into(struct scalar *a, const struct scalar *b)
{
	a->bits = tnum_join(a->bits, b->bits);
	a->umin = min_u64(a->umin, b->umin);
	a->umax = max_u64(a->umax, b->umax);
	a->smin = min_s64(a->smin, b->smin);
	a->smax = max_s64(a->smax, b->smax);
	a->u32_min = (u32)min_u64(a->u32_min, b->u32_min);
	a->u32_max = (u32)max_u64(a->u32_max, b->u32_max);
	a->s32_min = (s32)min_s64(a->s32_min, b->s32_min);
	a->s32_max = (s32)max_s64(a->s32_max, b->s32_max);
}

static void family_add(struct family *f, size_t i, u64 value, int left, int right)
{
	f->v[i] = (struct elem){ scalar_const(value), value, left, right };
}

/* All tnums of K bits, shifted by AT, in the order of their ternary numbers. */
static struct family tnums(unsigned k, unsigned at)
{
	struct family f = { .n = 1 };
	size_t unit;

	for (unsigned i = 0; i < k; i++)
		f.n *= 3;
	f.v = calloc(f.n, sizeof(*f.v));
	for (size_t i = 0; i < f.n; i++) {
		struct tnum t = { 0, 0 };
		size_t rest = i, split = 0;

		unit = 1;
		for (unsigned bit = 0; bit < k; bit++, rest /= 3, unit *= 3) {
			t.value |= (u64)(rest % 3 == 1) << bit << at;
			t.mask |= (u64)(rest % 3 == 2) << bit << at;
			split = rest % 3 == 2 ? unit : split;
		}
		family_add(&f, i, t.value, split ? (int)(i - 2 * split) : -1, (int)(i - split));
		f.v[i].s = scalar_unknown();
		f.v[i].s.bits = t;
		assert_true(scalar_sync(&f.v[i].s));
	}
	return f;
}

/* All ranges of 2^K numbers from BASE on, which may wrap. */
static struct family ranges(unsigned k, u64 base)
{
	u64 size = (u64)1 << k;
	struct family f = { .v = calloc(size * (size + 1) / 2, sizeof(*f.v)) };

	for (u64 lo = 0; lo < size; lo++)
		family_add(&f, f.n++, base + lo, -1, -1);
	for (u64 lo = 0; lo < size; lo++) {
		int last = (int)lo;

		for (u64 hi = lo + 1; hi < size; hi++) {
			family_add(&f, f.n, 0, last, (int)hi);
			f.v[f.n].s = f.v[last].s;
			hull_into(&f.v[f.n].s, &f.v[hi].s);
			last = (int)f.n++;
		}
	}
	for (size_t i = 0; i < f.n; i++)
		assert_true(scalar_sync(&f.v[i].s));
	return f;
}

static void unsound(const struct gen_op *op, const struct elem *a, const struct elem *b,
		    const struct scalar *exact, const struct scalar *got)
{
	show("a    ", &a->s);
	show("b    ", &b->s);
	show("exact", exact);
	show("got  ", got);
	fail_msg("%s loses results", op->name);
}

/* The exact result of every pair by halving, against the abstract one. Returns
 * how many are the best possible. */
static size_t check_pairs(const struct gen_op *op, const struct family *fa,
			  const struct family *fb, struct scalar *table)
{
	size_t best = 0;

	for (size_t i = 0; i < fa->n; i++)
		for (size_t j = 0; j < fb->n; j++) {
			const struct elem *a = &fa->v[i], *b = &fb->v[j];
			struct scalar *exact = &table[i * fb->n + j], got = a->s;

			if (b->left >= 0) {
				*exact = table[i * fb->n + (size_t)b->left];
				hull_into(exact, &table[i * fb->n + (size_t)b->right]);
			} else if (a->left >= 0) {
				*exact = table[(size_t)a->left * fb->n + j];
				hull_into(exact, &table[(size_t)a->right * fb->n + j]);
			} else {
				*exact = scalar_const(concrete_alu(op->kind, op->width,
								   a->value, b->value));
			}
			scalar_alu(op->kind, op->width, &got, &b->s);
			if (!scalar_subset(exact, &got))
				unsound(op, a, b, exact, &got);
			best += scalar_subset(&got, exact);
		}
	return best;
}

static void check_families(const struct family *a, const struct family *b, const char *what)
{
	struct gen_op ops[64];
	size_t n = gen_ops(ops, KIND_ALU_ADD, KIND_BSWAP);
	struct scalar *table = malloc(a->n * b->n * sizeof(*table));

	for (size_t i = 0; i < n; i++) {
		size_t best = check_pairs(&ops[i], a, b, table);

		if (getenv("SKEP_SHOW"))
			print_message("%-28s %-12s %5.1f %% exact\n", what, ops[i].name,
				      100.0 * (double)best / (double)(a->n * b->n));
	}
	free(table);
}

static void test_small_tnums(void **state)
{
	static const unsigned at[] = { 0, 29, 59 };
	unsigned k = exhaustive ? 6 : 4;

	for (unsigned i = 0; i < 9; i++) {
		struct family a = tnums(k, at[i / 3]), b = tnums(k, at[i % 3]);
		char what[64];

		snprintf(what, sizeof(what), "tnums at %u and %u", at[i / 3], at[i % 3]);
		check_families(&a, &b, what);
		free(a.v);
		free(b.v);
	}
}

static void test_small_ranges(void **state)
{
	unsigned k = exhaustive ? 5 : 3;
	u64 half = (u64)1 << (k - 1);
	u64 base[] = { 0 - half, 0, ((u64)1 << 31) - half, ((u64)1 << 32) - half,
		       ((u64)1 << 63) - half, 30 };

	for (unsigned i = 0; i < 36; i++) {
		struct family a = ranges(k, base[i / 6]), b = ranges(k, base[i % 6]);
		char what[64];

		snprintf(what, sizeof(what), "ranges at %llx and %llx",
			 (unsigned long long)base[i / 6], (unsigned long long)base[i % 6]);
		check_families(&a, &b, what);
		free(a.v);
		free(b.v);
	}
}

/* ---- random scalars -------------------------------------------------------- */

static void check_reduced(const char *what, const struct scalar *s)
{
	struct scalar again = *s;

	if (scalar_sync(&again) && scalar_eq(&again, s))
		return;
	show("once ", s);
	show("twice", &again);
	fail_msg("the result of %s is not reduced", what);
}

static void check_alu(const struct gen_op *op, const struct gen *a, const struct gen *b)
{
	struct scalar r = a->s;

	scalar_alu(op->kind, op->width, &r, &b->s);
	for (unsigned i = 0; i < a->n; i++)
		for (unsigned j = 0; j < b->n; j++) {
			u64 v = concrete_alu(op->kind, op->width, a->member[i], b->member[j]);

			if (scalar_has(&r, v))
				continue;
			show("a  ", &a->s);
			show("b  ", &b->s);
			show("got", &r);
			fail_msg("%s: %llx and %llx give %llx", op->name,
				 (unsigned long long)a->member[i],
				 (unsigned long long)b->member[j], (unsigned long long)v);
		}
	if (op->kind != KIND_MOV && op->kind != KIND_LE)
		check_reduced(op->name, &r);
}

static void test_random_alu(void **state)
{
	struct gen_op ops[64];
	size_t n = gen_ops(ops, KIND_ALU_ADD, KIND_BSWAP);
	struct gen a, b;

	assert_int_equal(n, 44);
	for (unsigned i = 0; i < (exhaustive ? 20000000u : 40000u); i++) {
		gen_scalar(&a);
		gen_scalar(&b);
		for (size_t k = 0; k < n; k++)
			check_alu(&ops[k], &a, &b);
	}
}

static void check_self(const struct gen_op *op, const struct gen *a)
{
	struct scalar r = a->s;

	scalar_alu_self(op->kind, op->width, &r);
	for (unsigned i = 0; i < a->n; i++)
		assert_true(scalar_has(&r, concrete_alu(op->kind, op->width, a->member[i],
							a->member[i])));
}

static void test_random_self(void **state)
{
	struct gen_op ops[64];
	size_t n = gen_ops(ops, KIND_ALU_ADD, KIND_BSWAP);
	struct gen a;

	for (unsigned i = 0; i < 5000; i++) {
		gen_scalar(&a);
		for (size_t k = 0; k < n; k++)
			check_self(&ops[k], &a);
	}
}

static void lost(const struct gen_op *op, const struct gen *a, const struct gen *b, u64 x, u64 y,
		 const char *what)
{
	show("a", &a->s);
	show("b", &b->s);
	fail_msg("%s of %llx and %llx: %s", op->name, (unsigned long long)x,
		 (unsigned long long)y, what);
}

static void check_jump(const struct gen_op *op, const struct gen *a, const struct gen *b)
{
	struct scalar x[2] = { a->s, a->s }, y[2] = { b->s, b->s };
	enum scalar_truth t = scalar_branch_taken(op->kind, op->width, &a->s, &b->s);
	bool possible[2];

	for (int taken = 0; taken < 2; taken++) {
		possible[taken] = scalar_refine(op->kind, op->width, &x[taken], &y[taken], taken);
		if (!possible[taken])
			continue;
		check_reduced(op->name, &x[taken]);
		check_reduced(op->name, &y[taken]);
	}
	if ((t == SCALAR_ALWAYS && possible[0]) || (t == SCALAR_NEVER && possible[1]))
		lost(op, a, b, 0, 0, "refine does not see that it is impossible");
	for (unsigned i = 0; i < a->n; i++)
		for (unsigned j = 0; j < b->n; j++) {
			u64 u = a->member[i], v = b->member[j];
			bool taken = concrete_jump(op->kind, op->width, u, v);

			if (t == (taken ? SCALAR_NEVER : SCALAR_ALWAYS))
				lost(op, a, b, u, v, "the jump is decided wrongly");
			if (!possible[taken] || !scalar_has(&x[taken], u) ||
			    !scalar_has(&y[taken], v))
				lost(op, a, b, u, v, "the pair is lost");
		}
}

static void test_random_jumps(void **state)
{
	struct gen_op ops[64];
	size_t n = gen_ops(ops, KIND_JMP_JEQ, KIND_JMP_JSLE);
	struct gen a, b;

	assert_int_equal(n, 22);
	for (unsigned i = 0; i < (exhaustive ? 20000000u : 60000u); i++) {
		gen_scalar(&a);
		gen_scalar(&b);
		if (!gen_below(4))
			b.s = scalar_const(b.member[0]), b.n = 1;
		for (size_t k = 0; k < n; k++)
			check_jump(&ops[k], &a, &b);
	}
}

static void check_members(const struct gen *g, const struct scalar *s, const char *what)
{
	for (unsigned i = 0; i < g->n; i++)
		if (!scalar_has(s, g->member[i])) {
			show("from", &g->s);
			show("got ", s);
			fail_msg("%s loses %llx", what, (unsigned long long)g->member[i]);
		}
}

static void test_sync(void **state)
{
	struct gen g;

	for (unsigned i = 0; i < (exhaustive ? 100000000u : 400000u); i++) {
		struct scalar s;

		gen_raw(&g);
		gen_near(&g);
		s = g.s;
		if (!scalar_sync(&s))
			fail_msg("a scalar with members is called empty");
		check_members(&g, &s, "sync");
		check_reduced("sync", &s);
		assert_true(scalar_subset(&s, &g.s));
	}
}

/* Parts of different scalars: where no member is, sync must not find one that
 * satisfies all; whatever it says, members stay. */
static void test_sync_empty(void **state)
{
	struct gen g, h;
	unsigned empty = 0, n = exhaustive ? 20000000 : 200000;

	for (unsigned i = 0; i < n; i++) {
		struct scalar s;

		gen_raw(&g);
		gen_raw(&h);
		s = g.s;
		if (gen_below(2)) { s.umin = h.s.umin; s.umax = h.s.umax; }
		if (gen_below(2)) { s.smin = h.s.smin; s.smax = h.s.smax; }
		if (gen_below(2)) { s.u32_min = h.s.u32_min; s.u32_max = h.s.u32_max; }
		if (gen_below(2)) { s.s32_min = h.s.s32_min; s.s32_max = h.s.s32_max; }
		g.s = s;
		g.n = 0;
		gen_near(&g);
		if (scalar_sync(&s))
			check_members(&g, &s, "sync");
		else
			empty++, assert_int_equal(g.n, 0);
	}
	assert_in_range(empty, n / 10, n);
}

static void test_lattice(void **state)
{
	struct gen a, b;

	for (unsigned i = 0; i < (exhaustive ? 50000000u : 200000u); i++) {
		struct scalar j, m;

		gen_scalar(&a);
		gen_scalar(&b);
		j = scalar_join(&a.s, &b.s);
		check_members(&a, &j, "join");
		check_members(&b, &j, "join");
		m = a.s;
		if (scalar_meet(&m, &b.s))
			assert_true(scalar_subset(&m, &a.s) && scalar_subset(&m, &b.s));
		for (unsigned k = 0; k < a.n; k++)
			if (scalar_has(&b.s, a.member[k]))
				assert_true(scalar_has(&m, a.member[k]));
		assert_true(scalar_subset(&a.s, &a.s));
		if (scalar_subset(&a.s, &b.s))
			check_members(&a, &b.s, "subset");
	}
}

/* Every chain of widening ends soon, and holds what went in. */
static void test_widen(void **state)
{
	s64 t[] = { INT32_MIN, -100, -1, 0, 1, 16, 255, 4096, INT32_MAX, (s64)1 << 40 };
	size_t n = ARRAY_LEN(t), most = 0;
	struct gen g;

	for (unsigned i = 0; i < (exhaustive ? 1000000u : 4000u); i++) {
		struct scalar w;
		size_t used = gen_below(n + 1), changes = 0;

		gen_scalar(&g);
		w = g.s;
		for (unsigned k = 0; k < 100; k++) {
			struct scalar next;

			gen_scalar(&g);
			next = scalar_widen(&w, &g.s, t + (n - used), used);
			check_members(&g, &next, "widen");
			assert_true(scalar_subset(&w, &next) && scalar_subset(&g.s, &next));
			changes += !scalar_eq(&w, &next);
			w = next;
		}
		assert_true(changes <= 8 * (used + 2) + 64);
		most = changes > most ? changes : most;
	}
	assert_in_range(most, 3, 60);
}

static void test_widen_thresholds(void **state)
{
	s64 t[] = { -5, 0, 100, 4096 };
	struct scalar zero = scalar_const(0), next = scalar_urange(0, 1), w;

	w = scalar_widen(&zero, &next, t, ARRAY_LEN(t));
	assert_int_equal(w.umax, 100);
	assert_int_equal(w.smax, 100);
	assert_int_equal(w.smin, 0);
	next = scalar_urange(0, 101);
	w = scalar_widen(&w, &next, t, ARRAY_LEN(t));
	assert_int_equal(w.umax, 4096);
	next = scalar_srange(-1, 4097);
	w = scalar_widen(&w, &next, t, ARRAY_LEN(t));
	assert_int_equal(w.smin, -5);
	assert_int_equal(w.smax, INT64_MAX);
	assert_true(w.umax == UINT64_MAX);
}

/* ---- by hand ------------------------------------------------------------------ */

static struct scalar parts(struct tnum bits, u64 umin, u64 umax, s64 smin, s64 smax, u32 u32_min,
			   u32 u32_max, s32 s32_min, s32 s32_max)
{
	return (struct scalar){ bits, smin, smax, umin, umax, s32_min, s32_max, u32_min,
				u32_max };
}

#define ANY_S64 INT64_MIN, INT64_MAX
#define ANY_U32 0, UINT32_MAX
#define ANY_S32 INT32_MIN, INT32_MAX

/* Nothing satisfies all parts, and sync says so. */
static void test_nothing(void **state)
{
	struct scalar s[] = {
		parts(TNUM_UNKNOWN, 5, 4, ANY_S64, ANY_U32, ANY_S32),
		parts(TNUM_UNKNOWN, 5, 9, -7, -1, ANY_U32, ANY_S32),
		parts(TNUM_UNKNOWN, 5, 9, -7, 3, ANY_U32, ANY_S32),
		parts(TNUM_UNKNOWN, 5, 9, ANY_S64, 10, 20, ANY_S32),
		parts(TNUM_UNKNOWN, ~(u64)5, ~(u64)3, ANY_S64, 7, 20, ANY_S32),
		parts(TNUM_UNKNOWN, 0, 1, ANY_S64, 2, 20, ANY_S32),
		parts(TNUM_UNKNOWN, (u64)7 << 32, ((u64)7 << 32) + 2, ANY_S64, ANY_U32, 3, 9),
		parts(TNUM_UNKNOWN, (u64)7 << 32, ((u64)7 << 32) + 2, ANY_S64, ANY_U32, -9, -3),
		parts((struct tnum){ 0, 8 }, 1, 7, ANY_S64, ANY_U32, ANY_S32),
		parts((struct tnum){ 0, ~(u64)7 }, 1, 7, ANY_S64, ANY_U32, ANY_S32),
		parts((struct tnum){ 0, ~(u64)7 }, 0, UINT64_MAX, ANY_S64, 1, 7, ANY_S32),
		parts((struct tnum){ 1, ~(u64)1 }, 0, UINT64_MAX, 4, 4, ANY_U32, ANY_S32),
		parts(tnum_const(4), 5, 9, ANY_S64, ANY_U32, ANY_S32),
	};

	for (size_t i = 0; i < ARRAY_LEN(s); i++)
		if (scalar_sync(&s[i])) {
			show("not empty", &s[i]);
			fail_msg("case %zu", i);
		}
}

static void check_log(struct scalar s, const char *want)
{
	struct strbuf b = { 0 };

	scalar_log(&b, &s, 0, NULL);
	assert_string_equal(sb_text(&b), want);
	sb_free(&b);
}

/* More of it, from the kernel itself: scalar_kernel_test.c. */
static void test_log(void **state)
{
	check_log(scalar_const(5), "5");
	check_log(scalar_const(0), "0");
	check_log(scalar_const((u64)-32768), "-32768");
	check_log(scalar_const(32768), "0x8000");
	check_log(scalar_unknown(), "scalar()");
	check_log(scalar_load(1, false), "scalar(smin=smin32=0,smax=umax=smax32=umax32=255,"
		  "var_off=(0x0; 0xff))");
	check_log(scalar_load(2, true), "scalar(smin=smin32=-32768,smax=smax32=32767)");
}

static void check_text(struct scalar s, const char *want)
{
	struct strbuf b = { 0 };

	assert_true(scalar_sync(&s));
	scalar_text(&b, &s);
	assert_string_equal(sb_text(&b), want);
	sb_free(&b);
}

static struct scalar of_bits(u64 value, u64 mask)
{
	struct scalar s = scalar_unknown();

	s.bits = (struct tnum){ value, mask };
	return s;
}

static void test_text(void **state)
{
	struct scalar s = scalar_unknown();

	check_text(scalar_const(5), "5");
	check_text(scalar_const((u64)-5), "-5");
	check_text(s, "any number");
	check_text(scalar_urange(0, 15), "0..15");
	check_text(scalar_srange(-3, 15), "-3..15");
	check_text(scalar_urange(1000, UINT64_MAX), "1000..0xffffffffffffffff");
	check_text(scalar_load(4, false), "0..0xffffffff");
	check_text(of_bits(0, 60), "a multiple of 4 in 0..60");
	check_text(of_bits(2, 60), "2 more than a multiple of 4 in 2..62");
	check_text(of_bits(0, ~(u64)7), "a multiple of 8");
	check_text(of_bits(0, ~(u64)0xf0), "any number of which only the bits "
		   "0xffffffffffffff0f vary");
	check_text(of_bits(0, 9), "0, 1, 8 or 9");
	check_text(of_bits(4, 8), "4 or 12");
	check_text(of_bits(0, 0x8c), "a multiple of 4 in 0..140 of which only the bits 0x8c vary");
	s.u32_max = 15;
	check_text(s, "any number whose lower half is 0..15");
	s = scalar_unknown();
	s.s32_min = -1;
	check_text(s, "any number whose lower half is -1..0x7fffffff");
}

static void test_fork(void **state)
{
	struct scalar mask = scalar_srange(-1, 0), low = scalar_load(4, false), p[2];
	struct scalar c = scalar_const(15), unknown = scalar_unknown();

	assert_true(scalar_fork(KIND_ALU_AND, &mask, &c, p));
	assert_true(scalar_value(&p[0]) == ~(u64)0 && scalar_value(&p[1]) == 0);
	assert_false(scalar_fork(KIND_ALU_ADD, &mask, &c, p));
	assert_false(scalar_fork(KIND_ALU_OR, &mask, &unknown, p));
	assert_false(scalar_fork(KIND_ALU_OR, &low, &c, p));
	low.s32_min = -1;
	low.s32_max = 0;
	assert_true(scalar_fork(KIND_ALU_OR, &low, &c, p));
	assert_true(scalar_is_const(&p[0]) && scalar_value(&p[0]) == UINT32_MAX);
	assert_true(scalar_is_const(&p[1]) && scalar_value(&p[1]) == 0);
}

/* ---- tnums of 8 bits, all pairs --------------------------------------------- */

struct small { u8 value, mask; };

static struct tnum by_number(size_t i)
{
	struct tnum t = { 0, 0 };

	for (unsigned bit = 0; bit < 8; bit++, i /= 3) {
		t.value |= (u64)(i % 3 == 1) << bit;
		t.mask |= (u64)(i % 3 == 2) << bit;
	}
	return t;
}

/* The place of the highest ternary digit 2 of I, as its power of 3; or 0. */
static size_t split_of(size_t i)
{
	size_t split = 0;

	for (size_t unit = 1; i; i /= 3, unit *= 3)
		if (i % 3 == 2)
			split = unit;
	return split;
}

static struct small join_small(struct small a, struct small b)
{
	u8 mask = (u8)(a.mask | b.mask | (a.value ^ b.value));

	return (struct small){ (u8)(a.value & ~mask), mask };
}

typedef struct tnum tnum_fn(struct tnum, struct tnum);

static double check_bytes(tnum_fn *fn, unsigned kind, unsigned at, bool optimal)
{
	enum { N = 6561 };
	static struct tnum t[N];
	static size_t split[N];
	struct small *table = malloc((size_t)N * N * sizeof(*table));
	size_t best = 0;

	for (size_t i = 0; i < N; i++) {
		t[i] = by_number(i);
		split[i] = split_of(i);
	}
	for (size_t i = 0; i < N; i++)
		for (size_t j = 0; j < N; j++) {
			struct small *x = &table[i * N + j];
			struct tnum r = fn((struct tnum){ t[i].value << at, t[i].mask << at },
					   kind == KIND_ALU_MUL ? t[j] :
					   (struct tnum){ t[j].value << at, t[j].mask << at });
			struct small got = { (u8)(r.value >> at), (u8)(r.mask >> at) };

			if (split[j])
				*x = join_small(x[0 - split[j]], x[0 - 2 * split[j]]);
			else if (split[i])
				*x = join_small(x[0 - split[i] * N], x[0 - 2 * split[i] * N]);
			else
				*x = (struct small){ (u8)concrete_alu(kind, 64, t[i].value,
								      t[j].value), 0 };
			if ((x->mask & ~got.mask) || (x->value & ~got.mask) != got.value)
				fail_msg("kind %u of tnums %zu and %zu loses results", kind, i, j);
			best += got.mask == x->mask;
		}
	free(table);
	if (optimal)
		assert_int_equal(best, (size_t)N * N);
	return 100.0 * (double)best / N / N;
}

static void test_bytes(void **state)
{
	static const struct { tnum_fn *fn; unsigned kind; bool optimal; } ops[] = {
		{ tnum_add, KIND_ALU_ADD, true }, { tnum_sub, KIND_ALU_SUB, true },
		{ tnum_and, KIND_ALU_AND, true }, { tnum_or, KIND_ALU_OR, true },
		{ tnum_xor, KIND_ALU_XOR, true }, { tnum_mul, KIND_ALU_MUL, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		for (unsigned at = 0; at <= 56; at += 28) {
			double best = check_bytes(ops[i].fn, ops[i].kind, at, ops[i].optimal);

			print_message("kind %u at %u: %.1f %% of 43046721 exact\n", ops[i].kind,
				      at, best);
			if (!exhaustive)
				break;
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sync),
		cmocka_unit_test(test_sync_empty),
		cmocka_unit_test(test_lattice),
		cmocka_unit_test(test_widen),
		cmocka_unit_test(test_widen_thresholds),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_random_alu),
		cmocka_unit_test(test_random_self),
		cmocka_unit_test(test_random_jumps),
		cmocka_unit_test(test_small_tnums),
		cmocka_unit_test(test_small_ranges),
		cmocka_unit_test(test_bytes),
	};

	exhaustive = getenv("SKEP_EXHAUSTIVE");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
