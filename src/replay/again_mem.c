/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * again_mem.c: what is known of memory that is elsewhere; see again.h. Elements of maps are
 * kept from run to run, by map, cpu and key; a lookup tells where one lies during a run.
 * Everything else that a program loaded or stored is kept for the run, 8 bytes at a time.
 */
#include "replay/again.h"

enum { BUCKETS = 1 << 12, CELLS = 1 << 10 };

bool again_is_followed(u32 type)
{
	switch (type) {
	case BPF_MAP_TYPE_ARRAY: case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_HASH: case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_HASH: case BPF_MAP_TYPE_LRU_PERCPU_HASH:
		return true;
	default:
		return false;
	}
}

static bool is_array(u32 type)
{
	return type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static bool is_percpu(const struct again_mem *m, u32 map)
{
	const struct maptype_row *row = maptype_row(m->img->maps[map].type);

	return row && row->percpu;
}

void again_mem_open(struct again_mem *m, const struct image *img, u32 cpus)
{
	*m = (struct again_mem){ .img = img, .cpus = cpus, .nr_buckets = BUCKETS };
	m->buckets = mem_alloc(BUCKETS * sizeof(*m->buckets));
	m->outside = mem_alloc(img->nr_maps + 1ul);
}

void again_mem_close(struct again_mem *m)
{
	arena_free(&m->arena);
	arena_free(&m->run);
	free(m->buckets);
	free(m->outside);
	free(m->cells);
	vec_free(&m->regions);
}

void again_mem_run(struct again_mem *m)
{
	m->regions.n = m->nr_fixed;
	arena_free(&m->run);
	m->run = (struct arena)ARENA_INIT;
	if (m->nr_cells)
		memset(m->cells, 0, m->cap_cells * sizeof(*m->cells));
	m->nr_cells = 0;
}

/* ---- elements ---------------------------------------------------------------- */

static u64 hash_of(const struct again_mem *m, u32 map, u32 cpu, const u8 *key)
{
	return hash_bytes(key, m->img->maps[map].key_size, (u64)map << 32 | cpu);
}

static struct again_elem *find(const struct again_mem *m, u32 map, u32 cpu, const u8 *key)
{
	struct again_elem *e = m->buckets[hash_of(m, map, cpu, key) % m->nr_buckets];

	while (e && (e->gone || e->map != map || e->cpu != cpu ||
		     memcmp(e->key, key, m->img->maps[map].key_size)))
		e = e->next;
	return e;
}

static void grow(struct again_mem *m)
{
	u32 old = m->nr_buckets;
	struct again_elem **was = m->buckets;

	if (m->nr_elems++ < 2 * old)
		return;
	m->nr_buckets = 4 * old;
	m->buckets = mem_alloc(m->nr_buckets * sizeof(*m->buckets));
	for (u32 i = 0; i < old; i++)
		for (struct again_elem *e = was[i], *next; e; e = next) {
			u64 at = hash_of(m, e->map, e->cpu, e->key) % m->nr_buckets;

			next = e->next;
			e->next = m->buckets[at];
			m->buckets[at] = e;
		}
	free(was);
}

static void new_value(struct again_mem *m, struct again_elem *e, bool known)
{
	u32 bytes = m->img->maps[e->map].value_size;

	e->value = arena_news(&m->arena, bytes, u8);
	e->known = arena_news(&m->arena, bytes, u8);
	memset(e->known, known, bytes);
}

static struct again_elem *make(struct again_mem *m, u32 map, u32 cpu, const u8 *key, bool known)
{
	struct again_elem *e = arena_new(&m->arena, struct again_elem);
	u64 at;

	grow(m);
	at = hash_of(m, map, cpu, key) % m->nr_buckets;
	*e = (struct again_elem){ .next = m->buckets[at], .map = map, .cpu = cpu,
		.key = arena_copy(&m->arena, key, m->img->maps[map].key_size) };
	new_value(m, e, known);
	m->buckets[at] = e;
	return e;
}

static void add_region(struct again_mem *m, const struct again_region *r)
{
	*vec_push(&m->regions) = *r;
}

static u32 cpu_of(const struct again_mem *m, u32 map, u32 cpu)
{
	return is_percpu(m, map) ? cpu : 0;
}

void again_found(struct again_mem *m, u32 map, u32 cpu, const u8 *key, u64 addr)
{
	const struct image_map *def = &m->img->maps[map];
	struct again_elem *e = find(m, map, cpu_of(m, map, cpu), key);

	if (!addr) {
		if (e && !is_array(def->type)) {
			e->gone = true;		/* somebody else did that */
			m->outside[map] = true;
		}
		return;
	}
	if (!e) {		/* all of an array is there, and 0 at first */
		if (!is_array(def->type))
			m->outside[map] = true;
		e = make(m, map, cpu_of(m, map, cpu), key, is_array(def->type));
	}
	add_region(m, &(struct again_region){ addr, def->value_size, e->value, e->known, map,
					      false });
}

void again_updated(struct again_mem *m, u32 map, u32 cpu, const u8 *key, const u8 *value,
		   bool whole)
{
	const struct image_map *def = &m->img->maps[map];
	struct again_elem *e = find(m, map, cpu_of(m, map, cpu), key);

	if (!e)
		e = make(m, map, cpu_of(m, map, cpu), key, true);
	else if (!is_array(def->type) && !is_percpu(m, map))
		new_value(m, e, true);	/* who has the old one has it still */
	memcpy(e->value, value, def->value_size);
	memset(e->known, whole, def->value_size);
}

void again_given(struct again_mem *m, u32 map, const u8 *key, const u8 *value)
{
	u32 stride = (u32)round_up(m->img->maps[map].value_size, 8);

	for (u32 i = 0; i < (is_percpu(m, map) ? m->cpus : 1); i++)
		again_updated(m, map, i, key, value + (u64)i * stride, true);
}

u64 again_value_bytes(const struct again_mem *m, u32 map)
{
	u32 bytes = m->img->maps[map].value_size;

	return is_percpu(m, map) ? m->cpus * round_up(bytes, 8) : bytes;
}

void again_deleted(struct again_mem *m, u32 map, u32 cpu, const u8 *key)
{
	for (u32 i = 0; i < (is_percpu(m, map) ? m->cpus : 1); i++) {
		struct again_elem *e = find(m, map, i, key);

		if (e)
			e->gone = true;
		else if (i == cpu_of(m, map, cpu))
			m->outside[map] = true;
	}
}

u8 *again_variables(struct again_mem *m, u32 map)
{
	static const u8 zero[4];
	const struct image_map *def = &m->img->maps[map];
	struct again_elem *e = find(m, map, 0, zero);

	if (e)
		return e->value;
	e = make(m, map, 0, zero, true);
	if (def->init)
		memcpy(e->value, def->init, def->value_size);
	add_region(m, &(struct again_region){ (u64)e->value, def->value_size, e->value, e->known,
					      map, false });
	m->nr_fixed = m->regions.n;
	return e->value;
}

/* ---- records ----------------------------------------------------------------- */

void again_reserved(struct again_mem *m, u32 map, u64 addr, u32 bytes)
{
	add_region(m, &(struct again_region){ addr, bytes, arena_news(&m->run, bytes, u8),
					      arena_news(&m->run, bytes, u8), map, true });
}

struct again_region *again_record(struct again_mem *m, u64 addr)
{
	for (size_t i = m->regions.n; i-- > m->nr_fixed;)
		if (m->regions.v[i].record && m->regions.v[i].addr == addr)
			return &m->regions.v[i];
	return NULL;
}

/* ---- bytes ------------------------------------------------------------------- */

/* The last one that has ADDR: what was there before is not what is there now. */
static struct again_region *region_of(const struct again_mem *m, u64 addr)
{
	for (size_t i = m->regions.n; i-- > 0;)
		if (addr - m->regions.v[i].addr < m->regions.v[i].bytes)
			return &m->regions.v[i];
	return NULL;
}

static struct again_cell *cell_in(struct again_cell *v, u32 cap, u64 addr)
{
	u64 at = hash_bytes(&addr, sizeof(addr), 0);

	while (v[at % cap].used && v[at % cap].addr != addr)
		at++;
	return &v[at % cap];
}

static void cells_grow(struct again_mem *m)
{
	u32 cap = m->cap_cells ? 2 * m->cap_cells : CELLS;
	struct again_cell *v = mem_alloc(cap * sizeof(*v));

	for (u32 i = 0; i < m->cap_cells; i++)
		if (m->cells[i].used)
			*cell_in(v, cap, m->cells[i].addr) = m->cells[i];
	free(m->cells);
	m->cells = v;
	m->cap_cells = cap;
}

static bool read_byte(const struct again_mem *m, u64 addr, u8 *to)
{
	const struct again_region *r = region_of(m, addr);
	const struct again_cell *c;

	*to = 0;
	if (r) {
		*to = r->value[addr - r->addr];
		return r->known[addr - r->addr];
	}
	if (!m->cap_cells)
		return false;
	c = cell_in(m->cells, m->cap_cells, addr & ~7ull);
	if (!(c->known >> (addr & 7) & 1))
		return false;
	*to = c->v[addr & 7];
	return true;
}

static void write_byte(struct again_mem *m, u64 addr, const u8 *from)
{
	struct again_region *r = region_of(m, addr);
	struct again_cell *c;

	if (r) {
		r->value[addr - r->addr] = from ? *from : 0;
		r->known[addr - r->addr] = from != NULL;
		return;
	}
	if (2 * m->nr_cells >= m->cap_cells)
		cells_grow(m);
	c = cell_in(m->cells, m->cap_cells, addr & ~7ull);
	m->nr_cells += !c->used;
	c->used = true;
	c->addr = addr & ~7ull;
	c->v[addr & 7] = from ? *from : 0;
	c->known = (u8)(from ? c->known | 1u << (addr & 7) : c->known & ~(1u << (addr & 7)));
}

bool again_read(const struct again_mem *m, u64 addr, void *to, u64 bytes)
{
	bool whole = true;

	for (u64 i = 0; i < bytes; i++)
		whole &= read_byte(m, addr + i, (u8 *)to + i);
	return whole;
}

void again_write(struct again_mem *m, u64 addr, const void *from, u64 bytes)
{
	for (u64 i = 0; i < bytes; i++)
		write_byte(m, addr + i, from ? (const u8 *)from + i : NULL);
}

/* ---- the end ----------------------------------------------------------------- */

/* Elements of MAP as user space sees them, those of all cpus behind each other, as digest.c
 * counts them. WHOLE: all bytes are known. */
struct sum { u64 count, digest; bool whole; };

static bool is_zero(const u8 *p, u64 n)
{
	return !n || (!*p && !memcmp(p, p + 1, n - 1));
}

static void add_sum(const struct again_mem *m, struct sum *s, u32 map, const u8 *key)
{
	const struct image_map *def = &m->img->maps[map];
	u32 cpus = is_percpu(m, map) ? m->cpus : 1;
	u32 stride = is_percpu(m, map) ? (u32)round_up(def->value_size, 8) : def->value_size;
	u64 bytes = (u64)cpus * stride;
	u8 *all = mem_alloc(bytes + 1);

	for (u32 i = 0; i < cpus; i++) {
		const struct again_elem *e = find(m, map, i, key);

		if (e)
			memcpy(all + (u64)i * stride, e->value, def->value_size);
		for (u32 b = 0; e && b < def->value_size; b++)
			s->whole &= e->known[b];
	}
	if (!is_array(def->type) || !is_zero(all, bytes)) {
		s->count++;
		s->digest += record_digest(all, bytes, record_digest(key, def->key_size, 0));
	}
	free(all);
}

/* Is E the element that stands for its key, of all cpus? */
static bool stands_for(const struct again_mem *m, const struct again_elem *e)
{
	for (u32 i = 0; i < e->cpu; i++)
		if (find(m, e->map, i, e->key))
			return false;
	return !e->gone;
}

enum again_map again_map_is(const struct again_mem *m, const struct record_map *r)
{
	struct sum s = { .whole = true };

	if (m->outside[r->index])
		return AGAIN_UNKNOWN;
	for (u32 i = 0; i < m->nr_buckets; i++)
		for (const struct again_elem *e = m->buckets[i]; e; e = e->next)
			if (e->map == r->index && stands_for(m, e))
				add_sum(m, &s, r->index, e->key);
	if (!s.whole)
		return AGAIN_UNKNOWN;
	return s.count == r->count && s.digest == r->digest ? AGAIN_SAME : AGAIN_OTHER;
}
