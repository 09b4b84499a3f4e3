/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * out_folded.c: maps keyed by stacks as folded stacks, what flame graphs are made of: the
 * other parts of the key, then the frames of the user's side from the outermost to the
 * innermost, then the kernel's, whose names end with "_[k]"; and the number.
 */
#include "lang/out.h"
#include <inttypes.h>

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

static void frames(struct out *o, struct strbuf *b, const struct ty *t, const u8 *v, size_t line)
{
	struct lang_stack s;
	u64 ips[127];
	u32 n;

	memcpy(&s, v, sizeof(s));
	n = o->stack(o->arg, t, &s, ips, ARRAY_LEN(ips));
	while (n--) {
		size_t at;

		between(b, line);
		at = b->n;
		if (t->user)
			o->usym(o->arg, b, ips[n], s.pid, false);
		else
			o->ksym(o->arg, b, ips[n], false);
		clean(b, at);
		if (!t->user)
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

void out_folded(struct out *o, struct strbuf *b, const struct lang_map *m,
		const struct out_elem *e, size_t n, u32 stride)
{
	for (size_t i = 0; i < n; i++) {
		const size_t line = b->n;
		u64 sum = 0, one;

		for (u32 c = 0; c < (m->percpu ? o->cpus : 1); c++) {
			memcpy(&one, e[i].value + (size_t)c * stride, 8);
			sum += one;
		}
		for (enum part p = OTHERS; p <= KERNEL; p++)
			parts(o, b, m->key, e[i].key, p, line);
		sb_printf(b, " %" PRIu64 "\n", sum);
	}
}
