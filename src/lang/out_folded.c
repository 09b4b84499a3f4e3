/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * out_folded.c: maps keyed by stacks as folded stacks, what flame graphs are made of: the
 * other parts of the key, then the frames of the user's side from the outermost to the
 * innermost, then the kernel's, whose names end with "_[k]"; and the number. Names of
 * functions that were inlined end with "_[i]". Stacks that read alike are one, whatever
 * their addresses; lines are in the order of their text.
 */
#include "lang/out.h"
#include "base/vec.h"
#include <inttypes.h>
#include <stdlib.h>

static bool has_stack(const struct ty *t)
{
	bool found = t->kind == TY_STACK;

	for (u32 i = 0; i < t->nr_fields; i++)
		found |= has_stack(t->fields[i].ty);
	return found;
}

bool out_is_folded(const struct lang_map *m)
{
	return m->key && has_stack(m->key) && (m->value->kind == TY_COUNT ||
		m->value->kind == TY_SUM || m->value->kind == TY_INT);
}

static void between(struct strbuf *b, size_t from)
{
	if (b->n > from)
		sb_putc(b, ';');
}

/* Names hold no semicolons. */
static void clean(struct strbuf *b, size_t from)
{
	for (size_t i = from; i < b->n; i++)
		if (b->s[i] == ';' || b->s[i] == '\n')
			b->s[i] = ':';
}

static void frame(struct strbuf *b, const struct sym_frame *f, size_t line)
{
	size_t at;

	between(b, line);
	at = b->n;
	sb_puts(b, f->name);
	clean(b, at);
	if (f->inlined)
		sb_puts(b, "_[i]");
}

/* One without a name: of which file it is, so that those of several processes meet. */
static void nameless(struct out *o, struct strbuf *b, u64 addr, u32 pid, size_t line)
{
	size_t at;

	between(b, line);
	at = b->n;
	if (!o->module(o->arg, b, addr, pid))
		sb_printf(b, "0x%" PRIx64, addr);
	clean(b, at);
}

static void user_frames(struct out *o, struct strbuf *b, u64 addr, u32 pid, bool returns,
			size_t line)
{
	struct sym_frame v[64];
	u32 n = o->frames(o->arg, v, ARRAY_LEN(v), addr, pid, returns);

	if (!n)
		nameless(o, b, addr, pid, line);
	while (n--)
		frame(b, &v[n], line);
}

static void frames(struct out *o, struct strbuf *b, const struct ty *t, const u8 *v, size_t line)
{
	struct lang_stack s;
	u64 ips[127];
	u32 n;

	memcpy(&s, v, sizeof(s));
	n = o->stack(o->arg, t, &s, ips, ARRAY_LEN(ips));
	while (n--) {
		size_t at;

		if (t->user) {
			user_frames(o, b, ips[n], s.pid, n > 0, line);
			continue;
		}
		between(b, line);
		at = b->n;
		o->ksym(o->arg, b, ips[n], false);
		clean(b, at);
		sb_puts(b, "_[k]");
	}
}

enum part { OTHERS, USER, KERNEL };

static void parts(struct out *o, struct strbuf *b, const struct ty *t, const u8 *v, enum part want,
		  size_t line)
{
	size_t at;

	if (t->nr_fields) {
		for (u32 i = 0; i < t->nr_fields; i++)
			parts(o, b, t->fields[i].ty, v + t->fields[i].off, want, line);
	} else if (t->kind == TY_STACK) {
		if (want == (t->user ? USER : KERNEL))
			frames(o, b, t, v, line);
	} else if (want == OTHERS) {
		between(b, line);
		at = b->n;
		out_value(o, b, t, v);
		clean(b, at);
	}
}

struct line { size_t at; u64 sum; };	/* AT: of its text, which ends with a zero */

static int by_text(const void *a, const void *b, void *text)
{
	const struct line *x = a, *y = b;

	return strcmp((const char *)text + x->at, (const char *)text + y->at);
}

static u64 total(const struct out *o, const struct lang_map *m, const struct out_elem *e,
		 u32 stride)
{
	u64 sum = 0, one;

	for (u32 c = 0; c < (m->percpu ? o->cpus : 1); c++) {
		memcpy(&one, e->value + (size_t)c * stride, 8);
		sum += one;
	}
	return sum;
}

static void write_lines(struct strbuf *b, struct line *v, size_t n, struct strbuf *text)
{
	if (n)
		qsort_r(v, n, sizeof(*v), by_text, text->s);
	for (size_t i = 0, next; i < n; i = next) {
		u64 sum = v[i].sum;

		for (next = i + 1; next < n && !by_text(&v[i], &v[next], text->s); next++)
			sum += v[next].sum;
		sb_printf(b, "%s %" PRIu64 "\n", text->s + v[i].at, sum);
	}
}

void out_folded(struct out *o, struct strbuf *b, const struct lang_map *m,
		const struct out_elem *e, size_t n, u32 stride)
{
	struct line *v = mem_alloc((n + 1) * sizeof(*v));
	struct strbuf text = { 0 };

	for (size_t i = 0; i < n; i++) {
		v[i] = (struct line){ text.n, total(o, m, &e[i], stride) };
		for (enum part p = OTHERS; p <= KERNEL; p++)
			parts(o, &text, m->key, e[i].key, p, v[i].at);
		sb_putc(&text, 0);
	}
	write_lines(b, v, n, &text);
	sb_free(&text);
	free(v);
}
