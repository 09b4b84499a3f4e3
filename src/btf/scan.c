/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan.c: where the records of types begin. A record says how long it is, so that
 * each step waits for what the one before it has read. Long sections are gone
 * through in lanes: from several places at once, which a processor does in the time
 * of one. Where a lane begins is a guess, at words that look like records; what it
 * found counts from the first place on that the records before it lead to. So the
 * result is the same as that of one lane, for any bytes.
 */
#include "btf/parse.h"
#include "base/os.h"
#include <stdlib.h>

enum {
	MAX_TYPES = 0x100000,	/* BTF_MAX_TYPE and one, as in the kernel */
	LANES = 4,		/* side by side */
	PARTS = 16,		/* one after another in these: neighbours are alike */
	LANES_BYTES_MIN = 2048,	/* of the section, for more than one */
	SYNC_RECORDS = 16,	/* in a row make a good guess */
	SYNC_TRIES = 1024,
};

struct lane {
	u32 at, end;		/* where it goes on; where the next one began */
	u32 n;
	u32 *own;		/* [n] records, as struct btf has them */
};

struct scan {
	const u8 *records;
	u32 len;
	u32 sizes[32];		/* by kind: fixed bytes, and those of each member << 16 */
	struct lane lanes[PARTS];
	u32 *room;		/* what the lanes write into */
	struct lane all;	/* what counts; own is in the arena */
	u32 cap;		/* of it */
};

/* ---- one record --------------------------------------------------------------- */

static void fill_sizes(u32 *sizes)
{
	for (u32 kind = 0; kind < ARRAY_LEN(btf_kinds); kind++) {
		const struct kind_row *k = &btf_kinds[kind];

		if (k->name)
			sizes[kind] = ((u32)sizeof(struct btf_type) + k->fixed) |
				      (u32)k->each << 16;
	}
}

/* Bytes of the record at AT, or 0 when there is none that ends before LEN. */
static inline u32 record_bytes(const struct scan *s, u32 at)
{
	const struct btf_type *t = (const void *)(s->records + at);
	u32 size, n;

	if (s->len - at < sizeof(*t))
		return 0;
	size = s->sizes[btf_kind(t)];
	n = (size & 0xffff) + (size >> 16) * btf_vlen(t);
	return n <= s->len - at ? n : 0;
}

static inline u32 word(const struct scan *s, u32 at)
{
	return btf_own_word(at, btf_kind((const void *)(s->records + at)));
}

static inline u32 offset(u32 own) { return own >> 5 << 2; }

static int record_bad(struct parse *p, u32 id, u32 off)
{
	const struct btf_type *t = (const void *)(p->btf->records + off);
	u32 left = p->hdr.type_len - off;
	u32 kind = left < sizeof(*t) ? 0 : btf_kind(t);
	bool known = kind < ARRAY_LEN(btf_kinds) && btf_kinds[kind].name;

	if (left < sizeof(*t) || known)
		return err_set(p->err, ERR_BTF, p->where,
			       "type %u at 0x%x ends behind the section's last type byte",
			       id, off);
	return err_set(p->err, ERR_BTF, p->where,
		       "type %u at 0x%x has kind %u; 1..%zu are known", id,
		       off, kind, ARRAY_LEN(btf_kinds) - 1);
}

/* ---- lanes ---------------------------------------------------------------------- */

static bool looks_good(const struct scan *s, u32 at)
{
	for (u32 i = 0; i < SYNC_RECORDS && at < s->len; i++) {
		u32 n = record_bytes(s, at);

		if (!n)
			return false;
		at += n;
	}
	return true;
}

/* To where a record seems to begin, or to the end. */
static void sync(const struct scan *s, struct lane *l)
{
	for (u32 i = 0; i < SYNC_TRIES && l->at < l->end; i++, l->at += 4)
		if (looks_good(s, l->at))
			return;
	l->at = l->end;
}

/* All lanes side by side, in registers, until one of them is through or is lost. */
static void together(const struct scan *s, struct lane *l)
{
	u32 a = l[0].at, b = l[1].at, c = l[2].at, d = l[3].at, i = 0;
	u32 na = 1, nb = 1, nc = 1, nd = 1;

	for (; a < l[0].end && b < l[1].end && c < l[2].end && d < l[3].end; i++) {
		na = record_bytes(s, a);
		nb = record_bytes(s, b);
		nc = record_bytes(s, c);
		nd = record_bytes(s, d);
		if (!na || !nb || !nc || !nd)
			break;
		l[0].own[i] = word(s, a);
		l[1].own[i] = word(s, b);
		l[2].own[i] = word(s, c);
		l[3].own[i] = word(s, d);
		a += na;
		b += nb;
		c += nc;
		d += nd;
	}
	l[0].at = a;
	l[1].at = b;
	l[2].at = c;
	l[3].at = d;
	for (u32 k = 0; k < LANES; k++)
		l[k].n = i;
}

/* The rest of a lane; what comes before words that are no record was a wrong guess. */
static void alone(const struct scan *s, struct lane *l)
{
	while (l->at < l->end) {
		u32 n = record_bytes(s, l->at);

		if (n)
			l->own[l->n++] = word(s, l->at);
		else
			l->n = 0;
		l->at += n ? n : 4;
	}
}

static void lanes_begin(struct scan *s, u32 nr)
{
	const u32 part = s->len / nr / 4 * 4, each = part / (u32)sizeof(struct btf_type) + 4;

	s->room = mem_resize(NULL, (size_t)each * nr * sizeof(*s->room));
	for (u32 i = 0; i < nr; i++)
		s->lanes[i] = (struct lane){ .at = i * part,
			.end = i + 1 < nr ? (i + 1) * part : s->len,
			.own = s->room + (size_t)each * i };
}

/* ---- what counts -------------------------------------------------------------------- */

static void all_reserve(struct scan *s, struct arena *arena, u32 more)
{
	u32 *own;

	if (s->cap - s->all.n >= more)
		return;
	s->cap = s->all.n + more;
	own = arena_news(arena, s->cap + 1ull, u32);
	if (s->all.n)
		memcpy(own, s->all.own, s->all.n * sizeof(*own));
	s->all.own = own;
}

/* Goes on by one record; false when there is none. */
static bool step(struct scan *s, struct arena *arena)
{
	u32 n = record_bytes(s, s->all.at);

	if (!n)
		return false;
	if (s->all.n == s->cap)
		all_reserve(s, arena, s->cap / 2 + 64);
	s->all.own[s->all.n++] = word(s, s->all.at);
	s->all.at += n;
	return true;
}

/* Goes on through what a lane has found, or else by itself; false when there is no
 * record where one must be. */
static bool join(struct scan *s, struct arena *arena, const struct lane *l)
{
	for (u32 i = 0; i < l->n;) {
		if (offset(l->own[i]) < s->all.at) {
			i++;
		} else if (offset(l->own[i]) == s->all.at) {
			all_reserve(s, arena, l->n - i);
			memcpy(s->all.own + s->all.n, l->own + i, (l->n - i) * sizeof(*l->own));
			s->all.n += l->n - i;
			s->all.at = l->at;
			return true;
		} else if (!step(s, arena)) {
			return false;
		}
	}
	return true;
}

static void scan(struct scan *s, struct arena *arena)
{
	const u32 nr = s->len >= LANES_BYTES_MIN ? PARTS : 1;
	struct lane *l = s->lanes;
	bool good = true;
	u32 sum = 0;

	lanes_begin(s, nr);
	for (u32 i = 1; i < nr; i++)
		sync(s, &l[i]);
	for (u32 i = 0; i + LANES <= nr; i += LANES)
		together(s, &l[i]);
	for (u32 i = 0; i < nr; i++) {
		alone(s, &l[i]);
		sum += l[i].n;
	}
	all_reserve(s, arena, sum);
	for (u32 i = 0; good && i < nr; i++)
		good = join(s, arena, &l[i]);
	while (good && s->all.at < s->len)
		good = step(s, arena);
}

int btf_scan(struct parse *p)
{
	struct scan s = { .records = p->btf->records, .len = p->hdr.type_len };
	struct btf *btf = p->btf;
	int ret = 0;

	if (s.len > BTF_OFF_MAX)
		return err_set(p->err, ERR_BTF, p->where, "%u bytes of types; at most %u can be "
			       "told apart", s.len, BTF_OFF_MAX);
	fill_sizes(s.sizes);
	scan(&s, p->arena);
	free(s.room);
	btf->own = s.all.own;
	btf->nr_types = btf->first_id + s.all.n;
	if (s.all.n > MAX_TYPES - btf->first_id)
		ret = err_set(p->err, ERR_BTF, p->where, "more than %d types", MAX_TYPES - 1);
	else if (s.all.at < s.len)
		ret = record_bad(p, btf->nr_types, s.all.at);
	return ret;
}
