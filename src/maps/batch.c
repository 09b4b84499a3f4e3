/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * batch.c: many elements in one call, as bpf(2)'s batch commands have them: which types
 * have which, what they refuse, what an error leaves. Where a walk stands is a number of
 * the map type's; hash types of the kernel give whole buckets and refuse less room, here
 * any room is enough.
 */
#include "maps/area.h"
#include "base/os.h"
#include <stdlib.h>

enum { READ = 1, TAKE = 2, WRITE = 4, DROP = 8, ALL = READ | TAKE | WRITE | DROP };

/* By type, as Linux 6.18 has them. */
static const u8 has[] = {
	[BPF_MAP_TYPE_ARRAY] = READ | WRITE,
	[BPF_MAP_TYPE_PERCPU_ARRAY] = READ | WRITE,
	[BPF_MAP_TYPE_ARRAY_OF_MAPS] = READ | WRITE,
	[BPF_MAP_TYPE_HASH] = ALL,
	[BPF_MAP_TYPE_PERCPU_HASH] = ALL,
	[BPF_MAP_TYPE_LRU_HASH] = ALL,
	[BPF_MAP_TYPE_LRU_PERCPU_HASH] = ALL,
	[BPF_MAP_TYPE_HASH_OF_MAPS] = ALL,
	[BPF_MAP_TYPE_LPM_TRIE] = READ | WRITE | DROP,
};

static bool is_hash(const struct map *m) { return has[m->type] == ALL; }

/* Why not: 0 or -errno. */
static int refuse(const struct map *m, u8 what, u64 flags)
{
	bool reads = what & (READ | TAKE), writes = what != READ;

	if ((reads && m->map_flags & BPF_F_WRONLY) ||
	    (writes && (m->map_flags & BPF_F_RDONLY || m->frozen)))
		return -EPERM;
	if (m->type >= ARRAY_LEN(has) || !(has[m->type] & what))
		return -KERNEL_ENOTSUPP;
	if (flags & ~(u64)BPF_F_LOCK || (flags & BPF_F_LOCK && !m->lock_at))
		return -EINVAL;
	return 0;
}

/* Where a walk stands, of types that count places and of types that go from key to key. */
struct place {
	bool (*walk)(struct map *m, u64 *pos, void *key, void **value, u32 cpu);
	u64 pos;
	const void *key;	/* the one before, NULL at the start */
};

static void place_open(const struct map *m, struct place *at, const void *from)
{
	*at = (struct place){ .key = from };
	at->walk = m->type == BPF_MAP_TYPE_HASH_OF_MAPS ? hash_ops.walk : m->ops->walk;
	if (at->walk && from)
		memcpy(&at->pos, from, sizeof(at->pos));
}

static bool next(struct map *m, struct place *at, void *key)
{
	void *value;

	if (at->walk)
		return at->walk(m, &at->pos, key, &value, 0);
	if (m->ops->next_key(m, at->key, key))
		return false;
	at->key = key;
	return true;
}

static void place_close(const struct map *m, const struct place *at, void *to)
{
	if (at->walk)
		memcpy(to, &at->pos, sizeof(at->pos));
	else if (at->key && at->key != to)
		memcpy(to, at->key, m->key_size);
}

/* Hash types say at once that there are no more; others with the next call. */
static bool over(struct map *m, struct place at)
{
	void *key = is_hash(m) ? mem_alloc(m->key_size) : NULL;
	bool none = key && !next(m, &at, key);

	free(key);
	return none;
}

/* Of maps of maps, too, whose elements nobody takes one by one. */
static int read_one(struct map *m, const void *key, void *value, u64 flags, bool take)
{
	int r;

	if (take && m->ops->take)
		return map_user_take(m, key, value, flags);
	r = map_user_lookup(m, key, value, flags);
	return r || !take ? r : map_user_delete(m, key);
}

int map_user_read_batch(struct map *m, const void *from, void *to, void *keys, void *values,
			u32 *n, u64 flags, bool take)
{
	u64 bytes = map_user_value_bytes(m);
	u32 room = *n, got = 0;
	u8 *key = keys, *value = values;
	int r = refuse(m, take ? TAKE : READ, flags);
	struct place at;

	*n = 0;
	if (r || !room)
		return r;
	place_open(m, &at, from);
	while (!r && got < room) {
		if (!next(m, &at, key)) {
			r = -ENOENT;
			break;
		}
		r = read_one(m, key, value, flags, take);
		got += !r;
		key += r ? 0 : m->key_size;
		value += r ? 0 : bytes;
		r = r == -ENOENT ? 0 : r;	/* it has gone meanwhile */
	}
	*n = got;
	place_close(m, &at, to);
	return !r && over(m, at) ? -ENOENT : r;
}

int map_user_write_batch(struct map *m, const void *keys, const void *values, u32 *n, u64 flags)
{
	u64 bytes = map_user_value_bytes(m);
	u32 all = *n, done = 0;
	int r = refuse(m, WRITE, flags);

	for (; !r && done < all; done += !r)
		r = map_user_update(m, (const u8 *)keys + (u64)done * m->key_size,
				    (const u8 *)values + done * bytes, flags);
	*n = done;
	return r;
}

int map_user_delete_batch(struct map *m, const void *keys, u32 *n, u64 flags)
{
	u32 all = *n, done = 0;
	int r = refuse(m, DROP, flags);

	for (; !r && done < all; done += !r)
		r = map_user_delete(m, (const u8 *)keys + (u64)done * m->key_size);
	*n = done;
	return r;
}
