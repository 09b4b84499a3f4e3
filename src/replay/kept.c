/* SPDX-License-Identifier: BSD-2-Clause */
/* kept.c: see kept.h. Pieces are what the layers tell (base/keep.h). */
#include "replay/kept.h"
#include "base/vec.h"
#include "runtime/runtime.h"

enum { PAGE = 4096 };

struct piece {
	enum keep_kind kind;
	u8 *p;
	u64 bytes;	/* of what lies there; VEC: of one element */
	u64 n;		/* VEC: elements. AREA, PAGES: pieces that follow, of what was touched */
	u64 from;	/* what it was: this far in data */
};

struct kept {
	VEC(struct piece) pieces;
	u8 *data;
	u64 bytes, room;
};

/* How a VEC of anything begins. */
struct any_vec { void *v; size_t n, cap; };

static u64 save(struct kept *st, const void *p, u64 bytes)
{
	u64 from = st->bytes;

	if (st->room - st->bytes < bytes) {
		st->room = max_u64(st->room * 2, st->bytes + bytes);
		st->data = mem_resize(st->data, st->room);
	}
	if (bytes)
		memcpy(st->data + from, p, bytes);
	st->bytes += bytes;
	return from;
}

static struct piece *add(struct kept *st, enum keep_kind kind, void *p, u64 bytes)
{
	struct piece *piece = vec_push(&st->pieces);

	*piece = (struct piece){ .kind = kind, .p = p, .bytes = bytes };
	return piece;
}

static void keep_bytes(struct kept *st, void *p, u64 bytes)
{
	add(st, KEEP_BYTES, p, bytes)->from = save(st, p, bytes);
}

static void keep_vec(struct kept *st, struct any_vec *v, u64 bytes)
{
	struct piece *piece = add(st, KEEP_VEC, v, bytes);

	piece->n = v->n;
	piece->from = save(st, v->v, v->n * bytes);
}

static void keep_area(struct kept *st, enum keep_kind kind, u8 *p, u64 bytes)
{
	size_t area = st->pieces.n, from = 0, to;

	add(st, kind, p, bytes);
	for (; from < bytes; from = to) {
		to = os_map_touched(p, &from, bytes);
		if (from < to)
			keep_bytes(st, p + from, to - from);
	}
	st->pieces.v[area].n = st->pieces.n - area - 1;
}

static void keep(void *arg, enum keep_kind kind, void *p, size_t bytes)
{
	if (kind == KEEP_BYTES)
		keep_bytes(arg, p, bytes);
	else if (kind == KEEP_VEC)
		keep_vec(arg, p, bytes);
	else
		keep_area(arg, kind, p, bytes);
}

struct kept *kept_keep(struct backend *b, struct os_fiber *f)
{
	struct kept *st = mem_alloc(sizeof(*st));
	bool all = runtime_keep(b, keep, st);

	if (f)
		os_fiber_keep(f, keep, st);
	if (all)
		return st;
	kept_free(st);
	return NULL;
}

u64 kept_bytes(const struct kept *st) { return st->bytes; }

void kept_free(struct kept *st)
{
	if (!st)
		return;
	vec_free(&st->pieces);
	free(st->data);
	free(st);
}

/* ---- putting back ------------------------------------------------------------------ */

/* Nobody had touched these bytes. */
static void untouch(enum keep_kind kind, u8 *from, u8 *to)
{
	u8 *first = (u8 *)round_up((uintptr_t)from, PAGE);
	u8 *last = (u8 *)((uintptr_t)to & ~(uintptr_t)(PAGE - 1));

	if (from >= to)
		return;
	if (kind == KEEP_PAGES && first < last)
		os_page_drop(first, (size_t)(last - first));
	else
		memset(from, 0, (size_t)(to - from));
}

/* What is touched now of FROM..TO of an area, and was not, which the pieces behind it say. */
static void untouch_between(const struct piece *area, size_t from, size_t to)
{
	const struct piece *p = area + 1, *end = p + area->n;
	u8 *at = area->p + from, *last = area->p + to;

	for (; p < end && at < last; p++) {
		if (p->p + p->bytes <= at)
			continue;
		if (p->p >= last)
			break;
		untouch(area->kind, at, p->p);
		at = p->p + p->bytes;
	}
	untouch(area->kind, at, last);
}

static void area_clear(const struct piece *area)
{
	size_t from = 0, to;

	for (; from < area->bytes; from = to) {
		to = os_map_touched(area->p, &from, area->bytes);
		if (from < to)
			untouch_between(area, from, to);
	}
}

/* The elements go where the VEC is now, which was never given back. */
static void vec_restore(const struct kept *st, const struct piece *p)
{
	struct any_vec *v = (struct any_vec *)(void *)p->p;

	if (v->cap < p->n) {
		v->v = mem_resize(v->v, p->n * p->bytes);
		v->cap = p->n;
	}
	if (p->n)
		memcpy(v->v, st->data + p->from, p->n * p->bytes);
	v->n = p->n;
}

/* All that was not there goes first: two areas may be the same memory. */
void kept_restore(const struct kept *st, struct backend *b)
{
	const struct piece *p = st->pieces.v, *end = p + st->pieces.n;

	runtime_restoring(b);
	for (p = st->pieces.v; p < end; p++)
		if (p->kind == KEEP_AREA || p->kind == KEEP_PAGES)
			area_clear(p);
	for (p = st->pieces.v; p < end; p++) {
		if (p->kind == KEEP_BYTES && p->bytes)
			memcpy(p->p, st->data + p->from, p->bytes);
		else if (p->kind == KEEP_VEC)
			vec_restore(st, p);
	}
}
