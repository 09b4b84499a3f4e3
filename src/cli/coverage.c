/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * coverage.c: see coverage.h. The format is geninfo(1)'s, with comments "#unreachable:LINE"
 * for `skep cover`. A line counts as often as that of its places which ran most in one
 * program; programs that share a line (inline functions) add up.
 */
#include "cli/coverage.h"
#include "isa/isa.h"
#include "obj/obj.h"
#include "verify/verify.h"
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>

struct coverage_prog {
	const struct image *img;
	u32 index;
	u64 *at, *away;		/* [nr_insns] */
};

/* Something at a line of a file: what kind says which of the rest it has. */
struct mark {
	const char *file;
	u32 line;
	const struct coverage_prog *prog;
	u64 count;
	bool reached;		/* lines: the verifier has not ruled it out */
	const char *name;	/* functions */
	u64 taken;		/* branches: COUNT, and how often it held */
};
struct marks { struct mark *v; size_t n, cap; };	/* a VEC */

struct report { struct marks lines, functions, branches; };

/* ---- collecting ------------------------------------------------------------- */

static struct coverage_prog *prog_of(struct coverage *c, const struct image *img, u32 index)
{
	struct coverage_prog *p;
	u32 n = img->progs[index].nr_insns;

	for (size_t i = 0; i < c->progs.n; i++)
		if (c->progs.v[i]->img == img && c->progs.v[i]->index == index)
			return c->progs.v[i];
	p = arena_new(&c->arena, struct coverage_prog);
	*p = (struct coverage_prog){ img, index, arena_news(&c->arena, n, u64),
				     arena_news(&c->arena, n, u64) };
	*vec_push(&c->progs) = p;
	return p;
}

void coverage_add(struct coverage *c, const struct skep_object *obj)
{
	for (u32 i = 0; i < obj->img->nr_progs; i++) {
		struct coverage_prog *p = prog_of(c, obj->img, i);
		const u64 *at, *away;
		u32 n;

		if (skep_prog_counts(&obj->progs[i], &at, &away, &n))
			continue;
		for (u32 k = 0; k < n; k++) {
			/* other processes may be adding theirs: coverage_share() */
			__atomic_fetch_add(&p->at[k], at[k], __ATOMIC_RELAXED);
			__atomic_fetch_add(&p->away[k], away[k], __ATOMIC_RELAXED);
		}
	}
}

/* The counts V of N instructions lie at TO from now on; what is behind them. */
static u64 *move_counts(u64 **v, u32 n, u64 *to)
{
	memcpy(to, *v, n * sizeof(*to));
	*v = to;
	return to + n;
}

bool coverage_share(struct coverage *c)
{
	u64 n = 0, *to;

	for (size_t i = 0; i < c->progs.n; i++)
		n += 2ull * c->progs.v[i]->img->progs[c->progs.v[i]->index].nr_insns;
	c->shared_bytes = (n + 1) * sizeof(u64);
	to = mmap(NULL, c->shared_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (to == MAP_FAILED)
		return false;
	c->shared = to;
	for (size_t i = 0; i < c->progs.n; i++) {
		struct coverage_prog *p = c->progs.v[i];
		u32 insns = p->img->progs[p->index].nr_insns;

		to = move_counts(&p->away, insns, move_counts(&p->at, insns, to));
	}
	return true;
}

void coverage_free(struct coverage *c)
{
	if (c->shared)
		munmap(c->shared, c->shared_bytes);
	vec_free(&c->progs);
	arena_free(&c->arena);
}

/* ---- a program's marks ---------------------------------------------------------- */

static bool is_condition(const struct bpf_insn *insn)
{
	enum isa_op op = isa_op(insn);

	return op < OP_MAX && isa_rows[op].kind >= KIND_JMP_JEQ &&
	       isa_rows[op].kind <= KIND_JMP_JSLE;
}

/* What an instruction says of its line. */
static void mark_insn(struct report *r, const struct coverage_prog *c,
		      const struct verify_result *v, u32 i)
{
	const struct image_prog *p = &c->img->progs[c->index];
	const struct image_line *l = image_line(p, i);

	if (!l || !l->line)
		return;
	/* what follows a jump without a line of its own is not of the line before it */
	if (l->insn == i)
		*vec_push(&r->lines) = (struct mark){ .file = image_line_file(l), .line = l->line,
			.prog = c, .count = c->at[i],
			.reached = c->at[i] || !v->insns || v->insns[i].reached };
	if (is_condition(&p->insns[i]))
		*vec_push(&r->branches) = (struct mark){ .file = image_line_file(l),
			.line = l->line, .prog = c, .count = c->at[i], .taken = c->away[i] };
}

static void mark_functions(struct report *r, const struct coverage_prog *c)
{
	const struct image_prog *p = &c->img->progs[c->index];

	for (u32 f = 0; f < p->nr_funcs; f++) {
		const struct image_line *l = image_line(p, p->funcs[f].insn);

		if (l && l->line)
			*vec_push(&r->functions) = (struct mark){ .file = image_line_file(l),
				.line = l->line, .name = p->funcs[f].name,
				.count = c->at[p->funcs[f].insn] };
	}
}

static void mark_prog(struct report *r, const struct coverage_prog *c)
{
	const struct image_prog *p = &c->img->progs[c->index];
	const struct verify_opts opts = { .caps = VERIFY_CAP_ALL };
	struct arena arena = ARENA_INIT;
	struct verify_result v = { 0 };
	struct skep_err err;

	if (verify_prog(&v, &arena, c->img, p, &opts, &err))
		v.insns = NULL;
	for (u32 i = 0; i < p->nr_insns; i += isa_slots(&p->insns[i]))
		mark_insn(r, c, &v, i);
	mark_functions(r, c);
	arena_free(&arena);
}

/* ---- all of one file ---------------------------------------------------------------- */

static int mark_order(const void *a, const void *b)
{
	const struct mark *ma = a, *mb = b;
	int r = strcmp(ma->file, mb->file);

	if (r)
		return r;
	if (ma->line != mb->line)
		return ma->line < mb->line ? -1 : 1;
	if (ma->name && mb->name)
		return strcmp(ma->name, mb->name);
	return (ma->prog > mb->prog) - (ma->prog < mb->prog);
}

static void sort(struct marks *m)
{
	if (m->n)
		qsort(m->v, m->n, sizeof(*m->v), mark_order);
}

/* Marks of one line become one: the most of a program, and the sum of programs. */
static void merge_lines(struct marks *m)
{
	size_t kept = 0;
	u64 most = 0;

	for (size_t i = 0; i < m->n; i++) {
		const struct mark one = m->v[i];
		struct mark *to = kept ? &m->v[kept - 1] : NULL;

		if (!to || strcmp(to->file, one.file) || to->line != one.line) {
			m->v[kept++] = one;
			most = one.count;
			continue;
		}
		to->reached = to->reached || one.reached;
		if (to->prog != one.prog) {
			to->prog = one.prog;
			to->count += one.count;
			most = one.count;
		} else if (one.count > most) {
			to->count += one.count - most;
			most = one.count;
		}
	}
	m->n = kept;
}

static void merge_functions(struct marks *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->n; i++) {
		struct mark *to = kept ? &m->v[kept - 1] : NULL;

		if (to && !strcmp(to->file, m->v[i].file) && !strcmp(to->name, m->v[i].name))
			to->count += m->v[i].count;
		else
			m->v[kept++] = m->v[i];
	}
	m->n = kept;
}

static void put_functions(struct strbuf *out, const struct marks *m, const char *file)
{
	u32 found = 0, hit = 0;

	for (size_t i = 0; i < m->n; i++)
		if (!strcmp(m->v[i].file, file))
			sb_printf(out, "FN:%u,%s\n", m->v[i].line, m->v[i].name);
	for (size_t i = 0; i < m->n; i++) {
		if (strcmp(m->v[i].file, file))
			continue;
		sb_printf(out, "FNDA:%" PRIu64 ",%s\n", m->v[i].count, m->v[i].name);
		found++;
		hit += m->v[i].count > 0;
	}
	sb_printf(out, "FNF:%u\nFNH:%u\n", found, hit);
}

/* Each condition is a block of two branches. */
static void put_branches(struct strbuf *out, const struct marks *m, const char *file)
{
	u32 found = 0, hit = 0, block = 0, line = 0;

	for (size_t i = 0; i < m->n; i++) {
		const struct mark *b = &m->v[i];
		const u64 counts[] = { b->count - b->taken, b->taken };

		if (strcmp(b->file, file))
			continue;
		block = b->line == line ? block + 1 : 0;
		line = b->line;
		for (u32 k = 0; k < 2; k++) {
			sb_printf(out, "BRDA:%u,%u,%u,", line, block, k);
			if (b->count)
				sb_printf(out, "%" PRIu64 "\n", counts[k]);
			else
				sb_puts(out, "-\n");
			hit += b->count && counts[k];
		}
		found += 2;
	}
	sb_printf(out, "BRF:%u\nBRH:%u\n", found, hit);
}

static void put_lines(struct strbuf *out, const struct marks *m, const char *file)
{
	u32 found = 0, hit = 0;

	for (size_t i = 0; i < m->n; i++) {
		const struct mark *l = &m->v[i];

		if (strcmp(l->file, file))
			continue;
		if (!l->reached) {
			sb_printf(out, "#unreachable:%u\n", l->line);
			continue;
		}
		sb_printf(out, "DA:%u,%" PRIu64 "\n", l->line, l->count);
		found++;
		hit += l->count > 0;
	}
	sb_printf(out, "LF:%u\nLH:%u\n", found, hit);
}

static void put_files(struct strbuf *out, const struct report *r)
{
	const char *last = NULL;

	for (size_t i = 0; i < r->lines.n; i++) {
		const char *file = r->lines.v[i].file;

		if (last && !strcmp(file, last))
			continue;
		last = file;
		sb_printf(out, "TN:\nSF:%s\n", file);
		put_functions(out, &r->functions, file);
		put_branches(out, &r->branches, file);
		put_lines(out, &r->lines, file);
		sb_puts(out, "end_of_record\n");
	}
}

int coverage_write(const struct coverage *c, const char *path, struct skep_err *err)
{
	struct report r = { 0 };
	struct strbuf out = { 0 };
	struct os_out f;
	int rc = os_out_open(&f, path, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < c->progs.n; i++)
		mark_prog(&r, c->progs.v[i]);
	sort(&r.lines);
	sort(&r.functions);
	sort(&r.branches);
	merge_lines(&r.lines);
	merge_functions(&r.functions);
	put_files(&out, &r);
	fwrite(sb_text(&out), 1, out.n, f.f);
	sb_free(&out);
	vec_free(&r.lines);
	vec_free(&r.functions);
	vec_free(&r.branches);
	return os_out_commit(&f, err);
}
