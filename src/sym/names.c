/* SPDX-License-Identifier: BSD-2-Clause */
/* names.c: symbols by address, sorted once; frames of an address. */
#include "sym/names_in.h"
#include "base/hash.h"
#include <stdio.h>
#include <stdlib.h>

/* ---- readable names -------------------------------------------------------- */

static struct names_text *text_slot(struct sym_names *n, const char *name, u64 hash)
{
	u32 i = (u32)hash & (n->cap_texts - 1);

	while (n->texts[i].from &&
	       (n->texts[i].hash != hash || strcmp(n->texts[i].from, name)))
		i = (i + 1) & (n->cap_texts - 1);
	return &n->texts[i];
}

static void grow_texts(struct sym_names *n)
{
	struct names_text *old = n->texts;
	const u32 had = n->cap_texts;

	n->cap_texts = had ? had * 2 : 256;
	n->texts = mem_alloc(n->cap_texts * sizeof(*n->texts));
	memset(n->texts, 0, n->cap_texts * sizeof(*n->texts));
	for (u32 i = 0; i < had; i++)
		if (old[i].from)
			*text_slot(n, old[i].from, old[i].hash) = old[i];
	free(old);
}

const char *names_text(struct sym_names *n, const char *name)
{
	const u64 hash = hash_bytes(name, strlen(name), 0);
	struct names_text *t;
	char *made;

	if (n->nr_texts >= n->cap_texts / 2)
		grow_texts(n);
	t = text_slot(n, name, hash);
	if (t->from)
		return t->to;
	made = n->o.raw ? NULL : sym_demangle(name);
	t->hash = hash;
	t->from = arena_strndup(&n->arena, name, strlen(name));
	t->to = made ? arena_strndup(&n->arena, made, strlen(made)) : t->from;
	n->nr_texts++;
	free(made);
	return t->to;
}

/* ---- symbols --------------------------------------------------------------- */

void names_add(struct sym_names *n, u64 addr, u64 bytes, const char *name)
{
	*vec_push(&n->syms) = (struct names_sym){ .addr = addr, .end = bytes ? addr + bytes : 0,
						  .name = name, .order = (u32)n->syms.n };
}

static int add(void *arg, const struct sym *s)
{
	names_add(arg, s->addr, s->bytes, s->name);
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct names_sym *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void sort(struct sym_names *n)
{
	u64 reach = 0;

	if (!n->syms.n)
		return;
	qsort(n->syms.v, n->syms.n, sizeof(*n->syms.v), by_address);
	for (size_t i = 0; i < n->syms.n; i++) {
		struct names_sym *s = &n->syms.v[i];
		size_t next = i + 1;

		/* one without a size, as of assembly, goes until the next */
		while (!s->end && next < n->syms.n && n->syms.v[next].addr == s->addr)
			next++;
		if (!s->end && next < n->syms.n)
			s->end = n->syms.v[next].addr;
		reach = max_u64(reach, s->end);
		s->reach = reach;
	}
}

/* The one that begins last of those that hold ADDR; NULL: none. */
static const struct names_sym *symbol_at(const struct sym_names *n, u64 addr)
{
	const struct names_sym *best = NULL;
	size_t low = 0, high = n->syms.n;

	while (low < high) {
		const size_t mid = (low + high) / 2;

		if (n->syms.v[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	while (low-- && n->syms.v[low].reach > addr) {
		const struct names_sym *s = &n->syms.v[low];

		if (best && s->addr != best->addr)
			break;
		if (addr < s->end)
			best = s;
	}
	return best;
}

/* ---- frames ---------------------------------------------------------------- */

u32 sym_names_at(struct sym_names *n, u64 off, bool returns, struct sym_frame *v, u32 max)
{
	const s64 at = sym_address(&n->f, off);
	const u64 addr = (u64)at - (returns && at > 0);
	const struct names_sym *s = at < 0 ? NULL : symbol_at(n, addr);
	u64 entry = 0;
	u32 got = at < 0 || !max ? 0 : names_dwarf_at(n, addr, v, max, &entry);

	if (s && max && !got)
		v[got++] = (struct sym_frame){ .line = 0 };
	if (!got || v[got - 1].inlined)
		return got;
	if (s) {	/* the symbol is the name that others show */
		v[got - 1].name = names_text(n, s->name);
		entry = s->addr;
	}
	v[got - 1].off = (u64)at - entry;
	return got;
}

int sym_names_open(struct sym_names **out, const char *path, int fd,
		   const struct sym_names_opts *o, struct skep_err *err)
{
	struct sym_names *n = mem_alloc(sizeof(*n));
	char of[64];
	int r;

	memset(n, 0, sizeof(*n));
	n->o = *o;
	snprintf(of, sizeof(of), "/proc/self/fd/%d", fd);
	r = sym_open(&n->f, fd >= 0 ? of : path, err);
	if (r) {
		free(n);
		return r;
	}
	sym_each(&n->f, add, n);
	names_dwarf_open(n, path, fd);
	sort(n);
	*out = n;
	return 0;
}

void sym_names_close(struct sym_names *n)
{
	if (!n)
		return;
	names_dwarf_close(n);
	sym_close(&n->f);
	vec_free(&n->syms);
	free(n->texts);
	arena_free(&n->arena);
	free(n);
}
