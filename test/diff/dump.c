/* SPDX-License-Identifier: BSD-2-Clause */
/* dump.c: see dump.h. */

#include "diff/dump.h"
#include "model/tables.h"
#include <stdlib.h>

enum {
	CPUS_MAX = 64,
	VALUE_MAX = 1 << 16,	/* of all cpus */
	KEY_BYTES_MAX = 512,
};

struct dumping {
	struct dump *d;
	u32 n;			/* bytes so far */
	const struct dump_side *side;
	const struct diff_map *map;
	u32 index;
	u8 key[KEY_BYTES_MAX], value[VALUE_MAX];
};

static bool is_array(u32 type)
{
	return type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static bool has_keys(u32 type)
{
	switch (type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_LPM_TRIE:
		return true;
	}
	return false;
}

static bool is_queue(u32 type)
{
	return type == BPF_MAP_TYPE_QUEUE || type == BPF_MAP_TYPE_STACK;
}

bool dump_compares(const struct diff_map *m)
{
	return is_array(m->attr.type) || has_keys(m->attr.type) || is_queue(m->attr.type) ||
	       m->attr.type == BPF_MAP_TYPE_RINGBUF;
}

static void put(struct dumping *d, const void *v, u32 bytes)
{
	assert(d->n + bytes <= DUMP_BYTES);
	memcpy(d->d->v + d->n, v, bytes);
	d->n += bytes;
}

/* All cpus as one: all but one have zeroes, whichever it is. */
static void fold(struct dumping *d)
{
	u32 stride = (u32)round_up(d->map->attr.value_size, 8);

	assert((u64)stride * d->side->cpus <= VALUE_MAX);
	if (!maptype_row(d->map->attr.type)->percpu)
		return;
	for (u32 i = 1; i < d->side->cpus; i++)
		for (u32 k = 0; k < d->map->attr.value_size; k++)
			d->value[k] |= d->value[i * stride + k];
}

/* ---- by kind of map ------------------------------------------------------------ */

static void array(struct dumping *d)
{
	static const u8 zeroes[VALUE_MAX];
	const struct map_attr *a = &d->map->attr;
	const u8 *init = d->map->init ? d->map->init : zeroes;

	if (d->map->frozen)
		return;
	for (u32 key = 0; key < a->max_entries; key++) {
		int r = d->side->lookup(d->side->arg, d->index, &key, d->value);

		assert(!r);
		fold(d);
		put(d, d->value, a->value_size);
		if (!memcmp(d->value, init, a->value_size))
			continue;
		r = d->side->update(d->side->arg, d->index, &key, init);
		assert(!r);
	}
}

static int by_bytes(const void *a, const void *b, void *bytes)
{
	return memcmp(a, b, *(u32 *)bytes);
}

/* In the order of keys; the map is empty then. */
static void keys(struct dumping *d)
{
	const struct map_attr *a = &d->map->attr;
	u32 bytes = a->key_size + a->value_size, from = d->n;

	assert(a->key_size <= KEY_BYTES_MAX);
	while (!d->side->next_key(d->side->arg, d->index, d->key)) {
		int r = d->side->lookup(d->side->arg, d->index, d->key, d->value);

		assert(!r);
		fold(d);
		put(d, d->key, a->key_size);
		put(d, d->value, a->value_size);
		r = d->side->remove(d->side->arg, d->index, d->key);
		assert(!r);
	}
	qsort_r(d->d->v + from, (d->n - from) / bytes, bytes, by_bytes, &bytes);
}

static void queue(struct dumping *d)
{
	while (!d->side->take(d->side->arg, d->index, d->value))
		put(d, d->value, d->map->attr.value_size);
}

/* A record behind its length. */
static int record(void *arg, const struct map_event *e)
{
	struct dumping *d = arg;

	put(d, &e->bytes, sizeof(e->bytes));
	put(d, e->data, (u32)e->bytes);
	return 0;
}

static void one(struct dumping *d)
{
	u32 type = d->map->attr.type;

	if (is_array(type))
		array(d);
	else if (has_keys(type))
		keys(d);
	else if (is_queue(type))
		queue(d);
	else if (type == BPF_MAP_TYPE_RINGBUF)
		d->side->records(d->side->arg, d->index, record, d);
}

void dump_maps(struct dump *to, const struct dump_side *side, const struct diff_scene *scene)
{
	static struct dumping d;

	d.d = to;
	d.n = 0;
	d.side = side;
	for (u32 i = 0; i < scene->nr_maps; i++) {
		to->at[i] = d.n;
		d.map = &scene->maps[i];
		d.index = i;
		one(&d);
	}
	to->at[scene->nr_maps] = d.n;
}

bool dump_differs(const struct dump *a, const struct dump *b, u32 nr_maps, u32 *map, u32 *byte)
{
	for (u32 i = 0; i < nr_maps; i++) {
		u32 n = a->at[i + 1] - a->at[i], m = b->at[i + 1] - b->at[i], k = 0;

		while (k < n && k < m && a->v[a->at[i] + k] == b->v[b->at[i] + k])
			k++;
		if (k == n && k == m)
			continue;
		*map = i;
		*byte = k;
		return true;
	}
	return false;
}
