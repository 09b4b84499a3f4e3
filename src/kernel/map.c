/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map.c: maps of the kernel. A prog array holds programs' numbers for those
 * above, a map of maps those of maps, descriptors and ids for the kernel:
 * translated here.
 */
#include "kernel/sys.h"
#include "model/uapi.h"
#include <stdlib.h>
#include <unistd.h>

struct kernel_map *kernel_map(struct backend *b, u32 map)
{
	struct kernel *k = kernel_of(b);

	return map < k->maps.n ? &k->maps.v[map] : NULL;
}

int kernel_elements(struct backend *b, u32 map, struct kernel_map **out)
{
	*out = kernel_map(b, map);
	return !*out ? -EBADF : (*out)->def->type == BPF_MAP_TYPE_STRUCT_OPS ? NOT_SUPPORTED : 0;
}

/* ---- creation ---------------------------------------------------------------- */

/* Types whose creation refuses type information. */
bool kernel_map_takes_btf(u32 type)
{
	switch (type) {
	case BPF_MAP_TYPE_PROG_ARRAY:
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
	case BPF_MAP_TYPE_CGROUP_ARRAY:
	case BPF_MAP_TYPE_STACK_TRACE:
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
	case BPF_MAP_TYPE_DEVMAP:
	case BPF_MAP_TYPE_DEVMAP_HASH:
	case BPF_MAP_TYPE_CPUMAP:
	case BPF_MAP_TYPE_XSKMAP:
	case BPF_MAP_TYPE_SOCKMAP:
	case BPF_MAP_TYPE_SOCKHASH:
	case BPF_MAP_TYPE_QUEUE:
	case BPF_MAP_TYPE_STACK:
	case BPF_MAP_TYPE_RINGBUF:
	case BPF_MAP_TYPE_USER_RINGBUF:
		return false;
	}
	return true;
}

static int create_as(struct kernel *k, const struct image_map *def, int inner_fd, u32 flags)
{
	union bpf_attr a = {
		.map_type = def->type, .key_size = def->key_size, .value_size = def->value_size,
		.max_entries = def->max_entries, .map_flags = def->map_flags | flags,
		.map_extra = def->map_extra, .numa_node = def->numa_node,
		.map_ifindex = k->how.map_ifindex,
		.inner_map_fd = inner_fd < 0 ? 0 : (u32)inner_fd,
	};
	int fd;

	sys_name(a.map_name, def->name);
	if (k->btf_fd < 0 || !def->value_type || !kernel_map_takes_btf(def->type))
		return sys_bpf(BPF_MAP_CREATE, &a);
	a.btf_fd = (u32)k->btf_fd;
	a.btf_key_type_id = def->key_type;
	a.btf_value_type_id = def->value_type;
	fd = sys_bpf(BPF_MAP_CREATE, &a);
	if (fd != -EINVAL || def->lock_at || def->nr_kptrs)
		return fd;
	/* types that it does not take, as of keys that no type stands for */
	a.btf_fd = a.btf_key_type_id = a.btf_value_type_id = 0;
	return sys_bpf(BPF_MAP_CREATE, &a);
}

static int create_ops(struct kernel *k, const struct image_map *def, const struct kernel_ops *ops)
{
	union bpf_attr a = {
		.map_type = def->type, .key_size = def->key_size, .value_size = ops->bytes,
		.max_entries = def->max_entries, .map_flags = def->map_flags,
		.btf_fd = k->btf_fd < 0 ? 0 : (u32)k->btf_fd,
		.btf_vmlinux_value_type_id = ops->wrapper,
	};

	sys_name(a.map_name, def->name);
	return sys_bpf(BPF_MAP_CREATE, &a);
}

/* An inner map is needed for the creation alone: the kernel copies what it is like. */
static int create(struct kernel *k, const struct image_map *def)
{
	int inner = def->inner ? create_as(k, def->inner, -1, 0) : -1;
	int fd = -EINVAL;

	if (def->inner && inner < 0)
		return inner;
	if (def->kind == IMAGE_MAP_DATA)	/* so that variables can be mapped; 5.5 */
		fd = create_as(k, def, inner, BPF_F_MMAPABLE);
	if (fd == -EINVAL)
		fd = create_as(k, def, inner, 0);
	if (inner >= 0)
		close(inner);
	return fd;
}

static int fill(struct kernel_map *m, struct skep_err *err)
{
	const struct image_map *def = m->def;
	u32 zero = 0;
	union bpf_attr a = { .map_fd = (u32)m->fd, .key = (uintptr_t)&zero,
		.value = (uintptr_t)def->init };
	int r = 0;

	if (def->type == BPF_MAP_TYPE_STRUCT_OPS)
		return 0;	/* that would register it */
	if (def->type == UAPI_MAP_TYPE_ARENA)
		r = kernel_arena_open(m);
	else if (def->init)
		r = sys_bpf(BPF_MAP_UPDATE_ELEM, &a);
	if (!r && def->kind == IMAGE_MAP_RODATA) {
		a = (union bpf_attr){ .map_fd = (u32)m->fd };
		r = sys_bpf(BPF_MAP_FREEZE, &a);
	}
	if (r)
		return err_set(err, ERR_MAP_UPDATE, NULL, "initial contents of map '%s': %s",
			       def->name, sys_error(r));
	return 0;
}

/* The kernel has said no. */
static int no_map(struct kernel *k, const struct image_map *def, int code, struct skep_err *err)
{
	const struct maptype_row *row = maptype_row(def->type);
	int r = err_set(err, ERR_MAP_ATTR, NULL, "kernel %s refuses map '%s' of type %s: %s",
			k->release, def->name, row ? row->name : "unknown", sys_error(code));

	kernel_why_map(k, def, code, err);
	return r;
}

int kernel_map_create(struct backend *b, const struct image_map *def, struct skep_err *err)
{
	struct kernel *k = kernel_of(b);
	struct kernel_map m = { .fd = -1, .def = def, .max_entries = def->max_entries };
	const bool ops = def->type == BPF_MAP_TYPE_STRUCT_OPS;
	int r = ops ? kernel_ops_open(k, &m.ops, def, err) : 0;

	if (!r) {
		m.fd = ops ? create_ops(k, def, &m.ops) : create(k, def);
		r = m.fd < 0 ? no_map(k, def, m.fd, err) : fill(&m, err);
	}
	if (!r) {
		*vec_push(&k->maps) = m;
		return 0;
	}
	kernel_ops_close(&m.ops);
	kernel_map_unmap(&m);
	if (m.fd >= 0)
		close(m.fd);
	return r;
}

int kernel_map_like(struct backend *b, u32 outer, u32 *number, struct skep_err *err)
{
	const struct kernel_map *m = kernel_map(b, outer);

	if (!m || !m->def->inner)
		return err_set(err, ERR_MAP_TYPE, NULL, "map '%s' is no map of maps",
			       m ? m->def->name : "");
	*number = (u32)kernel_of(b)->maps.n;
	return kernel_map_create(b, m->def->inner, err);
}

/* Its descriptor stays as long as the engine does: a map of maps may have it. */
int kernel_map_drop(struct backend *b, u32 map) { return kernel_map(b, map) ? 0 : -EBADF; }

/* ---- elements ------------------------------------------------------------------ */

static union bpf_attr element(const struct kernel_map *m, const void *key, const void *value,
			      u64 flags)
{
	if (!m->def->key_size)	/* queues; the kernel wants no key */
		key = NULL;
	return (union bpf_attr){ .map_fd = (u32)m->fd, .key = (uintptr_t)key,
		.value = (uintptr_t)value, .flags = flags };
}

/* The number here of the program that the kernel calls ID. */
static int prog_number(const struct kernel *k, void *value)
{
	u32 id;

	memcpy(&id, value, sizeof(id));
	for (u32 i = 0; i < k->progs.n; i++)
		if (k->progs.v[i].id == id) {
			memcpy(value, &i, sizeof(i));
			return 0;
		}
	return -ENOENT;
}

/* Whether values have a program in their second word: 1 + number, 0 = none. */
static bool runs_programs(const struct kernel_map *m)
{
	u32 type = m->def->type;

	return m->def->value_size == 8 &&
	       (type == BPF_MAP_TYPE_DEVMAP || type == BPF_MAP_TYPE_DEVMAP_HASH ||
		type == BPF_MAP_TYPE_CPUMAP);
}

static int second_number(const struct kernel *k, u8 *value)
{
	u32 id, number;
	int r;

	memcpy(&id, value + 4, sizeof(id));
	if (!id)
		return 0;
	r = prog_number(k, value + 4);
	memcpy(&number, value + 4, sizeof(number));
	number++;
	memcpy(value + 4, &number, sizeof(number));
	return r;
}

static bool holds_maps(const struct kernel_map *m)
{
	return m->def->type == BPF_MAP_TYPE_ARRAY_OF_MAPS ||
	       m->def->type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

static u32 map_id(const struct kernel_map *m)
{
	struct bpf_map_info info = { 0 };
	union bpf_attr a = { .info = { .bpf_fd = (u32)m->fd, .info_len = sizeof(info),
				       .info = (uintptr_t)&info } };

	return sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &a) ? 0 : info.id;
}

/* The number here of the map that the kernel calls ID. */
static int map_number(const struct kernel *k, void *value)
{
	u32 id;

	memcpy(&id, value, sizeof(id));
	for (u32 i = 0; i < k->maps.n; i++)
		if (map_id(&k->maps.v[i]) == id) {
			memcpy(value, &i, sizeof(i));
			return 0;
		}
	return -ENOENT;
}

int kernel_map_lookup(struct backend *b, u32 map, const void *key, void *value, u64 flags)
{
	struct kernel_map *m;
	int r = kernel_elements(b, map, &m);
	union bpf_attr a;

	if (r)
		return r;
	a = element(m, key, value, flags);
	r = sys_bpf(BPF_MAP_LOOKUP_ELEM, &a);
	if (m->as_is)
		return r;
	if (!r && m->def->type == BPF_MAP_TYPE_PROG_ARRAY)
		r = prog_number(kernel_of(b), value);
	else if (!r && holds_maps(m))
		r = map_number(kernel_of(b), value);
	else if (!r && runs_programs(m))
		r = second_number(kernel_of(b), value);
	return r;
}

int kernel_map_update(struct backend *b, u32 map, const void *key, const void *value, u64 flags)
{
	struct kernel_map *m;
	int r = kernel_elements(b, map, &m);
	const struct kernel *k = kernel_of(b);
	union bpf_attr a;
	u32 number, words[2];

	if (r)
		return r;
	a = element(m, key, value, flags);
	if (m->as_is)
		return sys_bpf(BPF_MAP_UPDATE_ELEM, &a);
	if (runs_programs(m)) {
		memcpy(words, value, sizeof(words));
		if ((s32)words[1] > 0 && words[1] > k->progs.n)
			return -EBADF;
		words[1] = (s32)words[1] > 0 ? (u32)k->progs.v[words[1] - 1].fd : 0;
		value = words;
	}
	if (m->def->type == BPF_MAP_TYPE_PROG_ARRAY) {
		memcpy(&number, value, sizeof(number));
		if (number >= k->progs.n)
			return -EBADF;
		value = &k->progs.v[number].fd;
	} else if (holds_maps(m)) {
		memcpy(&number, value, sizeof(number));
		if (number >= k->maps.n)
			return -EBADF;
		value = &k->maps.v[number].fd;
	}
	a = element(m, key, value, flags);
	return sys_bpf(BPF_MAP_UPDATE_ELEM, &a);
}

/* What takes and gives a key and a value as they are. */
static int element_call(struct backend *b, u32 map, int command, const void *key,
			const void *value, u64 flags)
{
	struct kernel_map *m;
	int r = kernel_elements(b, map, &m);
	union bpf_attr a;

	if (r)
		return r;
	a = element(m, key, value, flags);
	return sys_bpf(command, &a);
}

int kernel_map_delete(struct backend *b, u32 map, const void *key)
{
	return element_call(b, map, BPF_MAP_DELETE_ELEM, key, NULL, 0);
}

int kernel_map_lookup_delete(struct backend *b, u32 map, const void *key, void *value,
			     u64 flags)
{
	return element_call(b, map, BPF_MAP_LOOKUP_AND_DELETE_ELEM, key, value, flags);
}

int kernel_map_next_key(struct backend *b, u32 map, const void *key, void *next)
{
	return element_call(b, map, BPF_MAP_GET_NEXT_KEY, key, next, 0);
}

int kernel_map_freeze(struct backend *b, u32 map)
{
	const struct kernel_map *m = kernel_map(b, map);
	union bpf_attr a;

	if (!m)
		return -EBADF;
	a = (union bpf_attr){ .map_fd = (u32)m->fd };
	return sys_bpf(BPF_MAP_FREEZE, &a);
}

/* ---- facts ------------------------------------------------------------------------ */

enum { COUNT_STEP = 256 };	/* elements per call */

/* -ENOSPC asks for more room: one of the kernel's buckets has more elements. */
static u64 count_batch(struct backend *b, u32 map, const struct map_info *info)
{
	struct map_batch it = { .value_bytes = info->value_bytes };
	u64 count = 0;
	u32 room = COUNT_STEP, n;
	int r;

	do {
		u8 *keys = mem_alloc((size_t)room * info->key_size);
		u8 *values = mem_alloc((size_t)room * info->value_bytes);

		n = room;
		r = kernel_map_read_batch(b, map, &it, keys, values, &n);
		count += n;
		free(keys);
		free(values);
		if (r == -ENOSPC)
			room *= 2;
	} while (!r || (r == -ENOSPC && room < 1 << 24));
	map_batch_free(&it);
	return count;
}

static u64 count_keys(struct backend *b, u32 map, const struct map_info *info)
{
	u8 *key = mem_alloc(info->key_size + 1);
	bool first = true;
	u64 n = 0;

	for (; !kernel_map_next_key(b, map, first ? NULL : key, key); first = false)
		n++;
	free(key);
	return n;
}

/* Elements now in it: arrays are always full, others are walked. */
static u64 count(struct backend *b, u32 map, const struct map_info *info)
{
	switch (info->row->type) {
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		return info->max_entries;
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
		return count_batch(b, map, info);
	}
	return count_keys(b, map, info);
}

void kernel_map_shape(struct backend *b, const struct kernel_map *m, struct map_info *info)
{
	const struct image_map *def = m->def;
	u32 stride = (u32)round_up(def->value_size, 8);

	*info = (struct map_info){
		.name = def->name, .row = maptype_row(def->type), .key_size = def->key_size,
		.value_size = def->value_size, .max_entries = m->max_entries,
		.map_flags = def->map_flags, .value_bytes = def->value_size,
		.value_stride = stride, .cpus = 1,
	};
	if (info->row && info->row->percpu) {
		info->cpus = kernel_of(b)->cpus;
		info->value_bytes = (u64)stride * info->cpus;
	}
}

int kernel_map_info(struct backend *b, u32 map, struct map_info *info)
{
	const struct kernel_map *m = kernel_map(b, map);

	if (!m)
		return -EBADF;
	kernel_map_shape(b, m, info);
	info->count = count(b, map, info);
	info->lost = m->perf ? perfbuf_lost(m->perf) : 0;
	return 0;
}
