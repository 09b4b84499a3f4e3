/* SPDX-License-Identifier: BSD-2-Clause */
/* digest.c: see digest.h. */
#include "replay/digest.h"
#include "base/os.h"
#include <linux/bpf.h>
#include <stdlib.h>

struct walk {
	struct backend *b;
	u32 map;
	struct map_info info;
	u8 *key, *value;
	struct record_map *out;
};

static void add(struct walk *w)
{
	u64 h = record_digest(w->key, w->info.key_size, 0);

	w->out->count++;
	w->out->digest += record_digest(w->value, w->info.value_bytes, h);
}

static bool is_zero(const u8 *p, u64 n)
{
	return !n || (!*p && !memcmp(p, p + 1, n - 1));
}

/* Elements that nobody has touched are not looked at. */
static void walk_array(struct walk *w)
{
	u64 from = 0, to = w->info.max_entries;

	for (int r; from < w->info.max_entries; from = to) {
		to = w->info.max_entries;
		r = w->b->ops->map_touched ?
		    w->b->ops->map_touched(w->b, w->map, &from, &to) : 0;
		if (r == -ENOENT)
			return;
		for (u64 i = from; i < to; i++) {
			memcpy(w->key, &(u32){ (u32)i }, sizeof(u32));
			if (!w->b->ops->map_lookup(w->b, w->map, w->key, w->value, 0) &&
			    !is_zero(w->value, w->info.value_bytes))
				add(w);
		}
	}
}

static void walk_keys(struct walk *w)
{
	u8 *next = mem_alloc(w->info.key_size + 1ull);
	int r = w->b->ops->map_next_key(w->b, w->map, NULL, next);

	while (!r) {
		memcpy(w->key, next, w->info.key_size);
		if (!w->b->ops->map_lookup(w->b, w->map, w->key, w->value, 0))
			add(w);
		r = w->b->ops->map_next_key(w->b, w->map, w->key, next);
	}
	free(next);
}

/* Of queues and stacks: the place is the key. */
static void walk_queue(struct walk *w)
{
	for (u64 i = 0; !w->b->ops->map_nth(w->b, w->map, i, w->value); i++) {
		w->out->count++;
		w->out->digest += record_digest(w->value, w->info.value_bytes, i + 1);
	}
}

static bool walk(struct walk *w)
{
	switch (w->info.row->type) {
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		walk_array(w);
		return true;
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_LPM_TRIE:
		walk_keys(w);
		return true;
	case BPF_MAP_TYPE_QUEUE:
	case BPF_MAP_TYPE_STACK:
		if (!w->b->ops->map_nth)
			return false;
		walk_queue(w);
		return true;
	}
	return false;
}

bool map_digest(const struct skep_object *obj, u32 index, struct record_map *out)
{
	struct walk w = { .b = obj->backend, .map = index, .out = out };
	bool done;

	*out = (struct record_map){ .index = index };
	if (obj->maps[index].absent || obj->backend->ops->map_info(w.b, index, &w.info))
		return false;
	w.key = mem_alloc(w.info.key_size + sizeof(u32));
	w.value = mem_alloc(w.info.value_bytes + 1);
	done = walk(&w);
	free(w.key);
	free(w.value);
	return done;
}
