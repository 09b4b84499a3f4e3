/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * perf.c: BPF_MAP_TYPE_PERF_EVENT_ARRAY. In the kernel user space opens an
 * event for each cpu and puts it into the array; here every slot below the
 * number of cpus is a buffer of its own from the start, and an update opens a
 * slot again that was deleted.
 *
 * A buffer has one writer, the programs of its cpu, and one reader: both only
 * move their own position.
 */
#include "maps/area.h"

enum {
	PERF_FLAGS = BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_NUMA_NODE |
		     BPF_F_PRESERVE_ELEMS,
	BUFFER_BYTES = 1 << 19,	/* a power of two; committed as it is used */
	RECORD_HEAD = 8,
	RECORD_BYTES_MAX = 65535 - 64,	/* records have 16-bit sizes */
};

struct buffer {
	u64 produced __attribute__((aligned(AREA_LINE)));
	u64 lost;
	u32 closed;		/* its slot was deleted */
	u64 consumed __attribute__((aligned(AREA_LINE)));
};

static int perf_check(const struct map_attr *a, struct skep_err *err)
{
	return attr_slots(a, PERF_FLAGS, err);
}

/* A record that passes the ring's end runs on behind it, and the next one
 * begins at the start plus as much. */
static u64 buffer_stride(void)
{
	return AREA_PAGE + BUFFER_BYTES + round_up(RECORD_BYTES_MAX + RECORD_HEAD, AREA_PAGE);
}

static u64 perf_bytes(const struct map_attr *a, u32 cpus)
{
	return AREA_PAGE + buffer_stride() * min_u64(a->max_entries, cpus);
}

static void perf_init(struct map *m)
{
	m->elems = m->mem + AREA_PAGE;
	m->elem_stride = buffer_stride();
	m->nr_elems = (u32)min_u64(m->max_entries, m->cpus);
}

static struct map_mem perf_values(const struct map *m)
{
	return (struct map_mem){ .base = m->elems, .stride = 8 };
}

static struct buffer *buffer_of(const struct map *m, u32 index)
{
	return index < m->nr_elems ? (struct buffer *)(m->elems + index * m->elem_stride) : NULL;
}

static u8 *place_at(const struct buffer *b, u64 pos)
{
	return (u8 *)b + AREA_PAGE + (pos & (BUFFER_BYTES - 1));
}

/* ---- the program's side ---------------------------------------------------------- */

static int buffer_put(struct buffer *b, const void *data, u32 bytes,
		      const void *more, u32 more_bytes)
{
	u64 all = (u64)bytes + more_bytes, need = RECORD_HEAD + round_up(all, 8);
	u64 pos = load_relaxed(&b->produced);
	u8 *to = place_at(b, pos);
	u32 len = (u32)all;

	if (pos + need - load_acquire(&b->consumed) > BUFFER_BYTES) {
		store_relaxed(&b->lost, b->lost + 1);
		return -ENOSPC;
	}
	memcpy(to, &len, sizeof(len));
	if (bytes)
		memcpy(to + RECORD_HEAD, data, bytes);
	if (more_bytes)
		memcpy(to + RECORD_HEAD + bytes, more, more_bytes);
	store_release(&b->produced, pos + need);
	return 0;
}

int perf_output(struct map *m, u64 index, const void *data, u64 bytes,
		const void *more, u64 more_bytes, u32 cpu)
{
	struct buffer *b;

	if (index == BPF_F_CURRENT_CPU)
		index = cpu;
	if (index >= m->max_entries)
		return -E2BIG;
	b = buffer_of(m, (u32)index);
	if (!b || load_relaxed(&b->closed))
		return -ENOENT;
	if (index != cpu)
		return -EOPNOTSUPP;
	if (bytes > RECORD_BYTES_MAX || more_bytes > RECORD_BYTES_MAX - bytes)
		return -E2BIG;
	return buffer_put(b, data, (u32)bytes, more, (u32)more_bytes);
}

/* ---- reading ----------------------------------------------------------------------- */

static s64 buffer_read(struct buffer *b, u32 cpu, map_event_fn fn, void *arg, int *stop)
{
	u64 pos = b->consumed;
	s64 n = 0;

	while (!*stop && pos < load_acquire(&b->produced)) {
		struct map_event e = { .cpu = cpu, .data = place_at(b, pos) + RECORD_HEAD };

		memcpy(&e.bytes, e.data - RECORD_HEAD, sizeof(e.bytes));
		if (e.bytes > RECORD_BYTES_MAX)
			break;
		*stop = fn(arg, &e);
		pos += RECORD_HEAD + round_up(e.bytes, 8);
		store_release(&b->consumed, pos);
		n++;
	}
	return n;
}

/* Cpu by cpu; in order on each. */
static s64 perf_read(struct map *m, map_event_fn fn, void *arg)
{
	int stop = 0;
	s64 n = 0;

	for (u32 i = 0; !stop && i < m->nr_elems; i++)
		n += buffer_read(buffer_of(m, i), i, fn, arg, &stop);
	return n;
}

static u64 perf_lost(const struct map *m)
{
	u64 n = 0;

	for (u32 i = 0; i < m->nr_elems; i++)
		n += load_relaxed(&buffer_of(m, i)->lost);
	return n;
}

/* ---- the user's side ----------------------------------------------------------------- */

static void *no_lookup(struct map *m, const void *key, u32 cpu) { return NULL; }

static u32 index_of(const void *key)
{
	u32 i;

	memcpy(&i, key, sizeof(i));
	return i;
}

static s64 perf_update(struct map *m, const void *key, const void *value,
		       u64 flags, u32 cpu)
{
	struct buffer *b = buffer_of(m, index_of(key));

	if (cpu != MAP_USER)
		return -EPERM;
	if (flags != BPF_ANY)
		return -EINVAL;
	if (index_of(key) >= m->max_entries)
		return -E2BIG;
	if (!b)
		return -ENODEV;
	store_relaxed(&b->closed, 0);
	return 0;
}

static int perf_remove(struct map *m, const void *key, u32 cpu)
{
	struct buffer *b = buffer_of(m, index_of(key));

	if (cpu != MAP_USER)
		return -EPERM;
	if (index_of(key) >= m->max_entries)
		return -E2BIG;
	return b && !__atomic_exchange_n(&b->closed, 1, __ATOMIC_RELAXED) ? 0 : -ENOENT;
}

static int perf_next_key(struct map *m, const void *key, void *next)
{
	return array_ops.next_key(m, key, next);
}

static u64 perf_count(const struct map *m) { return m->nr_elems; }

const struct map_ops perf_event_array_ops = {
	.type = BPF_MAP_TYPE_PERF_EVENT_ARRAY, .check = perf_check,
	.bytes = perf_bytes, .init = perf_init, .values = perf_values,
	.lookup = no_lookup, .update = perf_update, .remove = perf_remove,
	.next_key = perf_next_key, .read = perf_read, .lost = perf_lost,
	.count = perf_count,
};
