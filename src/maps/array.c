/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * array.c: BPF_MAP_TYPE_ARRAY and PERCPU_ARRAY. All elements exist from the
 * start and are never freed; they are committed as they are touched. A per-cpu
 * array is one array a slot, each padded to whole cache lines so that no two
 * slots share one. Updates write in place, word by word, as in the kernel.
 */
#include "maps/area.h"
#include "base/os.h"

enum {
	ACCESS_FLAGS = BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG |
		       BPF_F_WRONLY_PROG,
	ARRAY_FLAGS = ACCESS_FLAGS | BPF_F_NUMA_NODE | BPF_F_MMAPABLE |
		      BPF_F_INNER_MAP,
};

static u64 stride_of(u32 value_size) { return round_up(value_size, 8); }

static u32 key_index(const void *key)
{
	u32 i;

	memcpy(&i, key, sizeof(i));
	return i;
}

static int array_check(const struct map_attr *a, struct skep_err *err)
{
	bool percpu = a->type == BPF_MAP_TYPE_PERCPU_ARRAY;
	int r = attr_check(a, percpu ? ACCESS_FLAGS : ARRAY_FLAGS, err);

	if (r)
		return r;
	if (a->key_size != 4)
		return attr_refuse(a, err, "EINVAL", "key_size is %u, not 4",
				   a->key_size);
	if (a->value_size > INT32_MAX)
		return attr_refuse(a, err, "E2BIG", "value_size %u exceeds %d",
				   a->value_size, INT32_MAX);
	if (percpu && stride_of(a->value_size) > PERCPU_VALUE_MAX)
		return attr_refuse(a, err, "E2BIG", "value_size %u exceeds %d",
				   a->value_size, PERCPU_VALUE_MAX);
	return 0;
}

static u64 array_start(u32 flags)
{
	return flags & BPF_F_MMAPABLE ? AREA_PAGE : sizeof(struct area_head);
}

static u64 array_bytes(const struct map_attr *a, u32 cpus)
{
	u64 bytes = array_start(a->map_flags) +
		    stride_of(a->value_size) * a->max_entries;

	return a->map_flags & BPF_F_MMAPABLE ? round_up(bytes, AREA_PAGE) : bytes;
}

static void array_init(struct map *m)
{
	m->elems = m->mem + array_start(m->map_flags);
	m->elem_stride = m->value_stride;
	m->nr_elems = m->max_entries;
}

/* Eight strides are whole cache lines. */
static u64 percpu_slots(u32 max_entries) { return round_up(max_entries, 8); }

static u64 percpu_bytes(const struct map_attr *a, u32 cpus)
{
	u64 bytes = stride_of(a->value_size) * percpu_slots(a->max_entries);

	if (__builtin_mul_overflow(bytes, cpus, &bytes) || bytes >= AREA_TOO_BIG)
		return UINT64_MAX;
	return array_start(0) + bytes;
}

static struct map_mem array_values(const struct map *m)
{
	u64 nr = m->row->percpu ? percpu_slots(m->max_entries) * m->cpus
				: m->max_entries;

	return (struct map_mem){ .base = m->elems, .nr = nr,
		.stride = m->value_stride, .value_bytes = m->value_size,
		.read_only = m->map_flags & BPF_F_RDONLY_PROG,
		.write_only = m->map_flags & BPF_F_WRONLY_PROG };
}

static void *array_lookup(struct map *m, const void *key, u32 cpu)
{
	u32 i = key_index(key);

	return likely(i < m->nr_elems) ? m->elems + i * m->elem_stride : NULL;
}

static void *percpu_lookup(struct map *m, const void *key, u32 cpu)
{
	u32 i = key_index(key);

	if (unlikely(i >= m->nr_elems))
		return NULL;
	return m->elems + (percpu_slots(m->max_entries) * cpu + i) * m->elem_stride;
}

static void array_inlined(const struct map *m, struct map_inline *out)
{
	*out = (struct map_inline){ .base = m->elems, .nr = m->nr_elems,
				    .stride = (u32)m->elem_stride };
}

static void percpu_inlined(const struct map *m, struct map_inline *out)
{
	array_inlined(m, out);
	out->cpu_step = percpu_slots(m->max_entries) * m->elem_stride;
}

static int check_update(const struct map *m, const void *key, u64 flags)
{
	if ((flags & ~(u64)BPF_F_LOCK) > BPF_EXIST)
		return -EINVAL;
	if (key_index(key) >= m->max_entries)
		return -E2BIG;
	return flags & BPF_NOEXIST ? -EEXIST : 0;
}

static s64 array_update(struct map *m, const void *key, const void *value,
			u64 flags, u32 cpu)
{
	void *elem = array_lookup(m, key, cpu);
	int r = check_update(m, key, flags);

	if (r)
		return r;
	if (!(flags & BPF_F_LOCK))
		value_set(m, elem, value);
	else if (m->lock_at)
		value_set_locked(m, elem, value, cpu);
	else
		return -EINVAL;
	value_retire(m, elem);
	return 0;
}

/* From a program: its slot's value. From user space: those of all slots. */
static s64 percpu_update(struct map *m, const void *key, const void *value,
			 u64 flags, u32 cpu)
{
	const u8 *v = value;
	int r = flags & BPF_F_LOCK ? -EINVAL : check_update(m, key, flags);

	if (r)
		return r;
	if (cpu != MAP_USER) {
		value_set(m, percpu_lookup(m, key, cpu), value);
		return 0;
	}
	for (cpu = 0; cpu < m->cpus; cpu++, v += m->value_stride)
		words_set(percpu_lookup(m, key, cpu), v, m->value_stride);
	return 0;
}

static int array_remove(struct map *m, const void *key, u32 cpu)
{
	return -EINVAL;
}

static int array_next_key(struct map *m, const void *key, void *next)
{
	u32 i = key ? key_index(key) : UINT32_MAX;

	if (i == m->max_entries - 1)
		return -ENOENT;
	i = i < m->max_entries ? i + 1 : 0;
	memcpy(next, &i, sizeof(i));
	return 0;
}

static bool array_walk(struct map *m, u64 *pos, void *key, void **value, u32 cpu)
{
	u32 i = (u32)*pos;

	if (*pos >= m->max_entries)
		return false;
	*pos += 1;
	memcpy(key, &i, sizeof(i));
	*value = m->ops->lookup(m, &i, cpu == MAP_USER ? 0 : cpu);
	return true;
}

enum { TOUCHED_WINDOW = 16 << 20 };	/* bytes of a slot that are searched at once */

/* Elements [*FROM, the result) of slot CPU, below TO: the next touched ones. */
static u64 slot_touched(const struct map *m, u32 cpu, u64 *from, u64 to)
{
	const u8 *base = m->elems + percpu_slots(m->max_entries) * m->elem_stride * cpu;
	size_t at = *from * m->elem_stride, end;

	end = os_map_touched(base, &at, to * m->elem_stride);
	*from = at / m->elem_stride;
	return (end + m->elem_stride - 1) / m->elem_stride;
}

/* All slots go forward together, so that no page is looked at again and again. */
static bool array_touched(const struct map *m, u64 *from, u64 *to)
{
	u64 window = TOUCHED_WINDOW / m->elem_stride + 1;
	u32 cpus = m->row->percpu ? m->cpus : 1;

	for (u64 at = *from; at < m->max_entries; at += window) {
		u64 end = at + window < m->max_entries ? at + window : m->max_entries;
		u64 first = end, last = end;

		for (u32 cpu = 0; cpu < cpus; cpu++) {
			u64 start = at, stop = slot_touched(m, cpu, &start, end);

			if (start < first) {
				first = start;
				last = stop;
			}
		}
		if (first < end) {
			*from = first;
			*to = last;
			return true;
		}
	}
	return false;
}

static u64 array_count(const struct map *m) { return m->max_entries; }

const struct map_ops array_ops = {
	.type = BPF_MAP_TYPE_ARRAY, .check = array_check, .bytes = array_bytes,
	.init = array_init, .values = array_values, .lookup = array_lookup,
	.inlined = array_inlined,
	.update = array_update, .remove = array_remove, .walk = array_walk,
	.next_key = array_next_key, .count = array_count,
	.touched = array_touched, .shares = true,
};

const struct map_ops percpu_array_ops = {
	.type = BPF_MAP_TYPE_PERCPU_ARRAY, .check = array_check,
	.bytes = percpu_bytes, .init = array_init, .values = array_values,
	.lookup = percpu_lookup, .update = percpu_update,
	.inlined = percpu_inlined,
	.remove = array_remove, .walk = array_walk,
	.next_key = array_next_key, .count = array_count,
	.touched = array_touched, .shares = true,
};
