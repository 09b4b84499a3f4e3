/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arena.c: ARENA: pages that programs and user space share. An arena has a window of 4 GiB
 * that begins at a multiple of that, so that the lower half of a pointer says all; its
 * pages begin where map_extra says, or somewhere. A page is there once a program has asked
 * for it or user space has touched it: what is not there reads as 0, and what is written to
 * it is lost, as in the kernel.
 */
#include "maps/area.h"
#include "base/os.h"
#include "model/uapi.h"

enum {
	PAGES_MAX = 1 << 20,
	SEGV_ON_FAULT = 1 << 17, NO_USER_CONV = 1 << 18,
	FLAGS = BPF_F_MMAPABLE | SEGV_ON_FAULT | NO_USER_CONV,
};

#define WINDOW (1ull << 32)
#define GUARD 65536ull		/* behind it: offsets of instructions reach 32 KiB */
#define GUARD_PAGES (GUARD / AREA_PAGE)
#define KNOWN_BYTES (WINDOW / AREA_PAGE + 2 * GUARD_PAGES)	/* of m->marks */

static int arena_check(const struct map_attr *a, struct skep_err *err)
{
	u64 last = a->map_extra + a->max_entries * (u64)AREA_PAGE - 1;

	if (a->key_size || a->value_size)
		return attr_refuse(a, err, "EINVAL", "%s is %u, not 0", a->key_size ? "key_size" :
				   "value_size", a->key_size ? a->key_size : a->value_size);
	if (!(a->map_flags & BPF_F_MMAPABLE))
		return attr_refuse(a, err, "EINVAL", "it wants the flag BPF_F_MMAPABLE");
	if (a->map_flags & ~(u32)FLAGS)
		return attr_refuse(a, err, "EINVAL", "map_flags 0x%x are not for this type",
				   a->map_flags & ~(u32)FLAGS);
	if (!a->max_entries || a->map_extra % AREA_PAGE)
		return attr_refuse(a, err, "EINVAL", "%s", a->max_entries ?
				   "map_extra is no address of a page" : "max_entries is 0");
	if (a->max_entries > PAGES_MAX)
		return attr_refuse(a, err, "E2BIG", "max_entries %u exceeds %d pages",
				   a->max_entries, PAGES_MAX);
	if (a->map_extra >> 32 != last >> 32)
		return attr_refuse(a, err, "ERANGE", "its pages cross a multiple of 4 GiB");
	return 0;
}

/* Bits of the pages: taken, and set aside. */
static u64 map_words(u32 pages) { return (pages + 63ull) / 64; }

static u64 arena_bytes(const struct map_attr *a, u32 cpus)
{
	return sizeof(struct area_head) + 16 * map_words(a->max_entries);
}

static void arena_init(struct map *m)
{
	m->index = m->mem + sizeof(struct area_head);
	m->nr_elems = m->max_entries;
	m->elem_stride = AREA_PAGE;
}

/* Where nobody says so, and there is room, no page is at NULL. */
static u32 first_page(u32 pages) { return pages <= PAGES_MAX - 16 ? 16 * AREA_PAGE : 0; }

static int arena_open(struct map *m, const struct map_attr *a, u32 cpus, struct skep_err *err)
{
	m->window = os_map_window(a->map_extra & ~(WINDOW - 1), WINDOW, GUARD);
	m->marks = m->window ? os_map_lazy(KNOWN_BYTES) : NULL;
	if (!m->marks)
		return err_set(err, ERR_MAP_SIZE, NULL, "map '%s': no window of 4 GiB in this "
			       "process's address space (ENOMEM)", m->name);
	m->elems = m->window + (a->map_extra ? (u32)a->map_extra : first_page(a->max_entries));
	return 0;
}

static void arena_close(struct map *m)
{
	if (m->window)
		os_unmap(m->window, WINDOW + GUARD);
	if (m->marks)
		os_unmap(m->marks, KNOWN_BYTES);
}

/* Not by this: addresses are asked about one by one. */
static struct map_mem arena_values(const struct map *m)
{
	return (struct map_mem){ .base = m->elems, .stride = AREA_PAGE };
}

/* ---- pages ------------------------------------------------------------------------ */

static u64 *taken_word(const struct map *m, u32 page) { return (u64 *)m->index + page / 64; }

static u64 *aside_word(const struct map *m, u32 page)
{
	return taken_word(m, page) + map_words(m->max_entries);
}

static u64 bit(u32 page) { return 1ull << page % 64; }

static bool is_taken(const struct map *m, u32 page)
{
	return load_relaxed(taken_word(m, page)) & bit(page);
}

static bool is_free(const struct map *m, u32 page)
{
	return !is_taken(m, page) && !(load_relaxed(aside_word(m, page)) & bit(page)) &&
	       !os_page_touched(m->elems + page * (u64)AREA_PAGE);
}

/* What programs look at before they ask: the page is there. */
static void page_known(struct map *m, u32 page, bool there)
{
	u64 at = (u64)(m->elems - m->window) / AREA_PAGE + page;

	store_relaxed(&m->marks[GUARD_PAGES + at], there);
}

const u8 *map_arena_known(const struct map *m) { return m->marks; }

static void lock(struct map *m) { lock_take(&area_head(m)->lock, lock_owner(MAP_USER)); }
static void unlock(struct map *m) { lock_drop(&area_head(m)->lock); }

/* The page of ADDR, whose lower half counts; false outside of the arena. */
static bool page_of(const struct map *m, u64 addr, u32 *page)
{
	u64 off = (u32)addr - (u64)(u32)(uintptr_t)m->elems;

	*page = (u32)(off / AREA_PAGE);
	return off / AREA_PAGE < m->max_entries;
}

/* So many that are free from PAGE on, at most WANT. */
static u32 free_run(const struct map *m, u32 page, u32 want)
{
	u32 n = 0;

	while (n < want && page + n < m->max_entries && is_free(m, page + n))
		n++;
	return n;
}

static bool find(const struct map *m, u32 want, u32 *page)
{
	u32 at = 0, n;

	for (; at + want <= m->max_entries; at += n + 1) {
		n = free_run(m, at, want);
		if (n == want) {
			*page = at;
			return true;
		}
	}
	return false;
}

u64 map_arena_take(struct map *m, u64 addr, u32 pages)
{
	u32 page = 0;
	bool ok;

	if (!pages || pages > m->max_entries)
		return 0;
	if (addr && (!page_of(m, addr, &page) || page > m->max_entries - pages))
		return 0;
	lock(m);
	ok = addr ? free_run(m, page, pages) == pages : find(m, pages, &page);
	for (u32 i = 0; ok && i < pages; i++) {
		__atomic_fetch_or(taken_word(m, page + i), bit(page + i), __ATOMIC_RELAXED);
		page_known(m, page + i, true);
	}
	unlock(m);
	return ok ? (uintptr_t)m->elems + page * (u64)AREA_PAGE : 0;
}

void map_arena_drop(struct map *m, u64 addr, u32 pages)
{
	u32 page;

	if (addr % AREA_PAGE || !page_of(m, addr, &page))
		return;
	pages = (u32)min_u64(pages, m->max_entries - page);
	lock(m);
	for (u32 i = 0; i < pages; i++) {
		__atomic_fetch_and(taken_word(m, page + i), ~bit(page + i), __ATOMIC_RELAXED);
		page_known(m, page + i, false);
	}
	os_page_drop(m->elems + page * (u64)AREA_PAGE, pages * (u64)AREA_PAGE);
	unlock(m);
}

int map_arena_reserve(struct map *m, u64 addr, u32 pages)
{
	u32 page;
	int r = 0;

	if (!pages)
		return 0;
	if (!page_of(m, addr, &page) || pages > m->max_entries - page)
		return -EINVAL;
	lock(m);
	if (free_run(m, page, pages) < pages)
		r = -EBUSY;
	for (u32 i = 0; !r && i < pages; i++)
		__atomic_fetch_or(aside_word(m, page + i), bit(page + i), __ATOMIC_RELAXED);
	unlock(m);
	return r;
}

bool map_arena_there(struct map *m, u64 addr)
{
	bool there = false;
	u32 page;

	if (!page_of(m, addr, &page))
		return false;
	lock(m);	/* nobody gives it back in between */
	if (is_taken(m, page) || os_page_touched(m->elems + page * (u64)AREA_PAGE)) {
		page_known(m, page, true);
		there = true;
	}
	unlock(m);
	return there;
}

void arena_keep(struct map *m, keep_fn keep, void *arg)
{
	keep(arg, KEEP_AREA, m->marks, KNOWN_BYTES);
	keep(arg, KEEP_PAGES, m->elems, m->max_entries * (u64)AREA_PAGE);
}

/* ---- the rest ------------------------------------------------------------------------ */

static void *no_lookup(struct map *m, const void *key, u32 cpu) { return NULL; }
static int no_remove(struct map *m, const void *key, u32 cpu) { return -EOPNOTSUPP; }
static int no_next_key(struct map *m, const void *key, void *next) { return -EOPNOTSUPP; }

static s64 no_update(struct map *m, const void *key, const void *value, u64 flags, u32 cpu)
{
	return -EOPNOTSUPP;
}

/* Pages that programs have. */
static u64 arena_count(const struct map *m)
{
	u64 n = 0;

	for (u32 i = 0; i < m->max_entries; i++)
		n += is_taken(m, i);
	return n;
}

const struct map_ops arena_ops = {
	.type = UAPI_MAP_TYPE_ARENA, .check = arena_check, .bytes = arena_bytes,
	.init = arena_init, .open = arena_open, .close = arena_close, .values = arena_values,
	.lookup = no_lookup, .update = no_update, .remove = no_remove,
	.next_key = no_next_key, .count = arena_count,
};
