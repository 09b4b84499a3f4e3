/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * maps_kernel_test.c: our maps against those of the running kernel, where
 * bpf(2) is allowed: the same random operations on both, errno by errno and
 * byte by byte. Only creates maps.
 */
#include "maps/map.h"
#include "base/os.h"
#include <stdio.h>
#include <stdlib.h>
#include "kernel_bpf.h"
#include "model/uapi.h"
#include <linux/btf.h>

enum { KEY_BYTES = 512, VALUE_BYTES = 4096, OPS = 20000 };

#define MAP(called, kind, key, value, entries, flags) \
	{ .name = called, .type = kind, .key_size = key, .value_size = value, \
	  .max_entries = entries, .map_flags = flags }

static u64 rng;

static u32 any(u32 below)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (u32)(rng >> 33) % below;
}

/* ---- creating ------------------------------------------------------------------- */

/* The errno that the refusal names; 0 when it was made. */
static int our_create(const struct map_attr *m)
{
	static const struct { const char *name; int code; } names[] = {
		{ "(EINVAL)", -EINVAL }, { "(E2BIG)", -E2BIG },
		{ "(ENOMEM)", -ENOMEM }, { "(ENOTSUPP)", -KERNEL_ENOTSUPP },
		{ "(EBADF)", -EBADF }, { "(EPERM)", -EPERM },
	};
	struct skep_err err = { 0 };
	struct map *map;

	if (!map_create(&map, m, 2, &err)) {
		map_free(map);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strstr(err.text, names[i].name))
			return names[i].code;
	fail_msg("no errno in: %s", err.text);
	return 1;
}

static void compare_create(const struct map_attr *m)
{
	int fd = kmap_create(m), ours = our_create(m);

	if (fd >= 0)
		close(fd);
	if (ours != (fd < 0 ? fd : 0))
		fail_msg("type %u key %u value %u entries %u flags 0x%x extra "
			 "%llu: kernel %d, ours %d", m->type, m->key_size,
			 m->value_size, m->max_entries, m->map_flags,
			 (unsigned long long)m->map_extra, fd, ours);
}

static const u32 our_types[] = { BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_ARRAY,
	BPF_MAP_TYPE_PROG_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_LPM_TRIE,
	BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH,
	BPF_MAP_TYPE_CGROUP_ARRAY, BPF_MAP_TYPE_QUEUE, BPF_MAP_TYPE_STACK,
	BPF_MAP_TYPE_BLOOM_FILTER, BPF_MAP_TYPE_DEVMAP, BPF_MAP_TYPE_DEVMAP_HASH,
	BPF_MAP_TYPE_CPUMAP, BPF_MAP_TYPE_XSKMAP, BPF_MAP_TYPE_RINGBUF,
	BPF_MAP_TYPE_USER_RINGBUF, BPF_MAP_TYPE_STACK_TRACE,
	BPF_MAP_TYPE_PERF_EVENT_ARRAY };

static bool is_keyless(u32 type)
{
	return type == BPF_MAP_TYPE_QUEUE || type == BPF_MAP_TYPE_STACK ||
	       type == BPF_MAP_TYPE_BLOOM_FILTER;
}

static void test_create(void **state)
{
	static const u32 sizes[] = { 0, 1, 3, 4, 5, 8, 12, 16, 260, 261, 512,
		513, 4096, 32768, 32769 };
	static const u32 flags[] = { 0, 0, 0, 1, 1, 1, 2, 4, 8, 16, 24, 64, 128,
		256, 384, 1024, 2048, 4096, 1 << 15, 1u << 31 };

	need_old_kernel();
	rng = 1;
	for (int i = 0; i < 30000; i++) {
		struct map_attr m = { .name = "m", .type = our_types[any(ARRAY_LEN(our_types))],
			.key_size = sizes[any(8) ? any(9) : any(15)],
			.value_size = sizes[any(15)], .max_entries = any(6),
			.map_flags = flags[any(20)] | flags[any(20)],
			.map_extra = any(12) == 0 };

		if (any(3))
			m.key_size = m.type == BPF_MAP_TYPE_LPM_TRIE ? 8 :
				     is_keyless(m.type) ? 0 : 4;
		if ((m.type == BPF_MAP_TYPE_RINGBUF || m.type == BPF_MAP_TYPE_USER_RINGBUF) &&
		    any(4)) {
			m.key_size = any(8) == 0;
			m.value_size = any(8) == 0;
			m.max_entries = any(6) * 4096 + (any(8) == 0);
		}
		if (any(2) && m.key_size == 4)
			m.value_size = 4;
		compare_create(&m);
	}
}

/* The limits, from both sides. */
static void test_create_limits(void **state)
{
	static const struct map_attr rows[] = {
		MAP(NULL, BPF_MAP_TYPE_HASH, 8, (4 << 20) - 48 - 8, 1, 0),
		MAP(NULL, BPF_MAP_TYPE_HASH, 8, (4 << 20) - 48 - 9, 1, 0),
		MAP(NULL, BPF_MAP_TYPE_HASH, 8, 4 << 20, 1, 1),
		MAP(NULL, BPF_MAP_TYPE_HASH, 8, 8, (1u << 31) + 1, 1),
		MAP(NULL, BPF_MAP_TYPE_HASH, 8, 8, UINT32_MAX, 1),
		MAP(NULL, BPF_MAP_TYPE_ARRAY, 4, 1u << 31, 1, 0),
		MAP(NULL, BPF_MAP_TYPE_ARRAY, 4, UINT32_MAX, 1, 0),
		MAP(NULL, BPF_MAP_TYPE_LPM_TRIE, 8, (4 << 20) - 280, 1, 1),
		MAP(NULL, BPF_MAP_TYPE_LPM_TRIE, 8, (4 << 20) - 279, 1, 1),
		MAP(NULL, BPF_MAP_TYPE_LPM_TRIE, 8, UINT32_MAX, 1, 1),
		MAP(NULL, BPF_MAP_TYPE_LPM_TRIE, 8, 8, UINT32_MAX, 1),
	};

	need_kernel_since(6, 18, "other limits of LPM tries");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		compare_create(&rows[i]);
}

/* ---- types that only the kernel has ----------------------------------------------- */

static bool kernel_takes(const struct map_attr *m)
{
	union bpf_attr a = { .map_type = m->type, .key_size = m->key_size,
		.value_size = m->value_size, .max_entries = m->max_entries,
		.map_flags = m->map_flags, .map_extra = m->map_extra };
	bool local = m->type != BPF_MAP_TYPE_STACK_TRACE && m->type != UAPI_MAP_TYPE_ARENA &&
		     m->type != BPF_MAP_TYPE_CGROUP_STORAGE &&
		     m->type != BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
	int types = local ? btf_of(m->value_size) : -1, fd;

	if (types >= 0) {
		a.btf_fd = (u32)types;
		a.btf_key_type_id = 1;
		a.btf_value_type_id = 2;
	}
	fd = sys_bpf(BPF_MAP_CREATE, &a);
	if (types >= 0)
		close(types);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void test_foreign(void **state)
{
	static const u32 types[] = { BPF_MAP_TYPE_SK_STORAGE, BPF_MAP_TYPE_INODE_STORAGE,
		BPF_MAP_TYPE_TASK_STORAGE, UAPI_MAP_TYPE_CGRP_STORAGE,
		BPF_MAP_TYPE_CGROUP_STORAGE, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
		BPF_MAP_TYPE_STACK_TRACE, UAPI_MAP_TYPE_ARENA };
	static const u32 sizes[] = { 0, 1, 4, 8, 16, 24, 32, 1016, 1024, 4064, 4096, 32768,
		32769, 65407, 65408 };
	static const u32 entries[] = { 0, 0, 0, 1, 1, 5, 1 << 20, (1 << 20) + 1 };

	need_kernel();
	rng = 3;
	for (int i = 0; i < 20000; i++) {
		struct map_attr m = { .name = "m", .type = types[any(ARRAY_LEN(types))],
			.key_size = sizes[any(5)], .value_size = sizes[any(ARRAY_LEN(sizes))],
			.max_entries = entries[any(ARRAY_LEN(entries))],
			.map_flags = any(3) ? any(3) ? 1 : 1024 : 0,
			.map_extra = any(8) ? 0 : any(2) ? 4096 : 8 };
		struct skep_err err = { 0 };

		if (!any(4))
			m.map_flags |= 1u << any(19);
		if (m.type == BPF_MAP_TYPE_STACK_TRACE && m.max_entries > 5)
			m.max_entries = 5;
		if (kernel_takes(&m) != !map_check(&m, &err))
			fail_msg("type %u key %u value %u entries %u flags 0x%x extra %llu: "
				 "kernel %d, ours: %s", m.type, m.key_size, m.value_size,
				 m.max_entries, m.map_flags, (unsigned long long)m.map_extra,
				 kernel_takes(&m), err.text);
	}
}

/* ---- random operations ------------------------------------------------------------ */

struct pair {
	struct map *ours;
	int fd;
	struct map_attr attr;
	u32 value_bytes;
	u32 keys;		/* distinct ones that are tried */
};

static void pair_open(struct pair *p, const struct map_attr *attr, u32 keys)
{
	struct skep_err err = { 0 };

	p->attr = *attr;
	p->keys = keys;
	p->fd = kmap_create(attr);
	assert_true(p->fd >= 0);
	if (map_create(&p->ours, attr, (u32)os_cpu_count(), &err))
		fail_msg("%s", err.text);
	p->value_bytes = (u32)map_user_value_bytes(p->ours);
	assert_true(p->value_bytes <= VALUE_BYTES);
}

static void pair_close(struct pair *p)
{
	close(p->fd);
	map_free(p->ours);
}

static void any_key(const struct pair *p, u8 *key)
{
	u32 n = any(p->keys), max = (p->attr.key_size - 4) * 8, len;

	memset(key, 0, p->attr.key_size);
	if (p->attr.type != BPF_MAP_TYPE_LPM_TRIE) {
		memcpy(key, &n, 4);
		if (p->attr.key_size > 8)
			key[p->attr.key_size - 1] = (u8)(n * 7);
		return;
	}
	len = any(50) ? any(max + 1) : max + 1 + any(3);
	if (max > 16 && any(2))
		len = any(17);
	memcpy(key, &len, 4);
	for (u32 i = 4; i < p->attr.key_size; i++)
		key[i] = any(3) ? 0x80 : (u8)(any(4) << any(7));
}

/* Devices that exist, queues that are not too long, now and then. */
static void any_target(const struct pair *p, u8 *value)
{
	bool cpu = p->attr.type == BPF_MAP_TYPE_CPUMAP;
	u32 what = cpu ? any(3) * 8 : any(3), with = any(2) ? 0 : UINT32_MAX;

	if (cpu && !any(20))
		what = any(2) ? 16385 : 20000;
	memcpy(value, &what, 4);
	if (p->value_bytes == 8)
		memcpy(value + 4, &with, 4);
}

static void any_value(const struct pair *p, u8 *value)
{
	switch (p->attr.type) {
	case BPF_MAP_TYPE_BLOOM_FILTER:	/* few enough to be met again */
		memset(value, 0, p->value_bytes);
		value[0] = (u8)any(256);
		value[1] = (u8)any(64);
		return;
	case BPF_MAP_TYPE_DEVMAP:
	case BPF_MAP_TYPE_DEVMAP_HASH:
	case BPF_MAP_TYPE_CPUMAP:
		any_target(p, value);
		return;
	}
	for (u32 i = 0; i < p->value_bytes; i++)
		value[i] = (u8)any(256);
}

/* The kernel wants no key where there is none. */
static const u8 *kernel_key(const struct pair *p, const u8 *key)
{
	return p->attr.key_size ? key : NULL;
}

static void same(const struct pair *p, const char *what, int kernel, int ours, int step)
{
	if (kernel != ours)
		fail_msg("%s map, step %d, %s: kernel %d, ours %d",
			 p->ours->row->name, step, what, kernel, ours);
}

static void do_update(struct pair *p, int step)
{
	static const u64 flags[] = { 0, 0, 0, 0, 0, 0, 1, 2, 1, 2, 3, 4, 5, 8,
				     1ull << 63 };
	u8 key[KEY_BYTES], value[VALUE_BYTES];
	u64 f = flags[any(ARRAY_LEN(flags))];

	any_key(p, key);
	any_value(p, value);
	same(p, "update", kmap_op(BPF_MAP_UPDATE_ELEM, p->fd, kernel_key(p, key), value, f),
	     map_user_update(p->ours, key, value, f), step);
}

static void do_lookup(struct pair *p, int step)
{
	u8 key[KEY_BYTES], a[VALUE_BYTES] = { 0 }, b[VALUE_BYTES] = { 0 };
	u64 f = any(20) ? 0 : 1ull << any(5);
	int r;

	any_key(p, key);
	if (is_keyless(p->attr.type)) {
		any_value(p, a);
		memcpy(b, a, sizeof(a));
	}
	r = kmap_op(BPF_MAP_LOOKUP_ELEM, p->fd, kernel_key(p, key), a, f);
	same(p, "lookup", r, map_user_lookup(p->ours, key, b, f), step);
	if (!r && memcmp(a, b, p->value_bytes))
		fail_msg("%s map, step %d: other value", p->ours->row->name, step);
}

static void do_take(struct pair *p, int step)
{
	u8 key[KEY_BYTES], a[VALUE_BYTES] = { 0 }, b[VALUE_BYTES] = { 0 };
	u64 f = any(20) ? 0 : 1ull << any(5);
	int r;

	any_key(p, key);
	r = kmap_op(BPF_MAP_LOOKUP_AND_DELETE_ELEM, p->fd, kernel_key(p, key), a, f);
	same(p, "lookup and delete", r, map_user_take(p->ours, key, b, f), step);
	if (!r && memcmp(a, b, p->value_bytes))
		fail_msg("%s map, step %d: other value taken", p->ours->row->name, step);
}

static void do_delete(struct pair *p, int step)
{
	u8 key[KEY_BYTES];

	any_key(p, key);
	same(p, "delete", kmap_op(BPF_MAP_DELETE_ELEM, p->fd, kernel_key(p, key), NULL, 0),
	     map_user_delete(p->ours, key), step);
}

static bool is_hash(const struct pair *p)
{
	switch (p->attr.type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
	case BPF_MAP_TYPE_DEVMAP_HASH:
		return true;
	default:
		return false;
	}
}

/* Hash maps have an order of their own: only whether there is a next key. */
static void do_next(struct pair *p, int step)
{
	u8 key[KEY_BYTES], a[KEY_BYTES] = { 0 }, b[KEY_BYTES] = { 0 };
	bool start = any(10) == 0, hash = is_hash(p);
	int r;

	if (hash && !start)
		return;
	any_key(p, key);
	start |= !p->attr.key_size;
	r = kmap_op(BPF_MAP_GET_NEXT_KEY, p->fd, start ? NULL : key, a, 0);
	same(p, "next key", r,
	     map_user_next_key(p->ours, start ? NULL : key, b), step);
	if (!r && !hash && memcmp(a, b, p->attr.key_size))
		fail_msg("%s map, step %d: other next key",
			 p->ours->row->name, step);
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, KEY_BYTES);
}

/* All keys, in order of the walk; how many. */
static u32 kernel_keys(const struct pair *p, u8 (*keys)[KEY_BYTES], u32 room)
{
	const u8 *prev = NULL;
	u32 n = 0;

	memset(keys, 0, (size_t)room * KEY_BYTES);
	while (n < room && !kmap_op(BPF_MAP_GET_NEXT_KEY, p->fd, prev, keys[n], 0))
		prev = keys[n++];
	return n;
}

static u32 our_keys(const struct pair *p, u8 (*keys)[KEY_BYTES], u32 room)
{
	const u8 *prev = NULL;
	u32 n = 0;

	memset(keys, 0, (size_t)room * KEY_BYTES);
	while (n < room && !map_user_next_key(p->ours, prev, keys[n]))
		prev = keys[n++];
	return n;
}

static void same_keys(const struct pair *p, int step)
{
	static u8 a[600][KEY_BYTES], b[600][KEY_BYTES];
	u32 n = kernel_keys(p, a, 600);

	assert_int_equal(our_keys(p, b, 600), n);
	if (p->attr.type != BPF_MAP_TYPE_DEVMAP && p->attr.type != BPF_MAP_TYPE_CPUMAP &&
	    !is_keyless(p->attr.type) && p->attr.type != BPF_MAP_TYPE_ARRAY_OF_MAPS)
		assert_int_equal(p->ours->ops->count(p->ours), n);
	if (is_hash(p)) {
		qsort(a, n, KEY_BYTES, by_bytes);
		qsort(b, n, KEY_BYTES, by_bytes);
	}
	for (u32 i = 0; i < n; i++)
		if (memcmp(a[i], b[i], KEY_BYTES))
			fail_msg("%s map, step %d: key %u differs",
				 p->ours->row->name, step, i);
}

static void pair_ops(struct pair *p, u64 seed, int ops)
{
	rng = seed;
	for (int i = 0; i < ops; i++) {
		u32 what = any(10);

		if (what < 4)
			do_update(p, i);
		else if (what < 6)
			do_lookup(p, i);
		else if (what < 8)
			do_delete(p, i);
		else if (what < 9)
			do_take(p, i);
		else
			do_next(p, i);
		if (i % 500 == 0)
			same_keys(p, i);
	}
}

static void run_pair(const struct map_attr *attr, u32 keys, u64 seed)
{
	struct pair p;

	pair_open(&p, attr, keys);
	pair_ops(&p, seed, attr->type == BPF_MAP_TYPE_CPUMAP ? OPS / 100 : OPS);
	pair_close(&p);
}

static void test_arrays(void **state)
{
	static const struct map_attr rows[] = {
		MAP("a", BPF_MAP_TYPE_ARRAY, 4, 8, 16, 0),
		MAP("a", BPF_MAP_TYPE_ARRAY, 4, 13, 7, BPF_F_MMAPABLE),
		MAP("a", BPF_MAP_TYPE_ARRAY, 4, 1, 1, 0),
		MAP("a", BPF_MAP_TYPE_ARRAY, 4, 300, 5, BPF_F_RDONLY_PROG),
		MAP("p", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 16, 0),
		MAP("p", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 13, 3, 0),
	};

	need_old_kernel();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		run_pair(&rows[i], rows[i].max_entries + 4, 100 + i);
}

static void test_hash(void **state)
{
	static const struct map_attr rows[] = {
		MAP("h", BPF_MAP_TYPE_HASH, 4, 8, 64, 0),
		MAP("h", BPF_MAP_TYPE_HASH, 8, 8, 200, 0),
		MAP("h", BPF_MAP_TYPE_HASH, 8, 5, 64, BPF_F_NO_PREALLOC),
		MAP("h", BPF_MAP_TYPE_HASH, 13, 33, 50, 0),
		MAP("h", BPF_MAP_TYPE_HASH, 1, 1, 10, BPF_F_ZERO_SEED),
		MAP("h", BPF_MAP_TYPE_HASH, 512, 100, 30, 0),
		MAP("h", BPF_MAP_TYPE_HASH, 16, 8, 1, 0),
		MAP("p", BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 64, 0),
		MAP("p", BPF_MAP_TYPE_PERCPU_HASH, 8, 13, 64, BPF_F_NO_PREALLOC),
		MAP("p", BPF_MAP_TYPE_PERCPU_HASH, 16, 100, 7, 0),
	};

	need_old_kernel();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		run_pair(&rows[i], rows[i].max_entries + rows[i].max_entries / 3 + 2,
			 200 + i);
}

/* With room for every key nothing is given up: all is as with a hash. */
static void test_lru(void **state)
{
	static const struct map_attr rows[] = {
		MAP("l", BPF_MAP_TYPE_LRU_HASH, 4, 8, 8192, 0),
		MAP("l", BPF_MAP_TYPE_LRU_HASH, 16, 13, 8192, BPF_F_NO_COMMON_LRU),
		MAP("l", BPF_MAP_TYPE_LRU_PERCPU_HASH, 8, 8, 8192, 0),
		MAP("l", BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 5, 8192, BPF_F_NO_COMMON_LRU),
	};

	need_old_kernel();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		run_pair(&rows[i], 100, 250 + i);
}

static void test_queues(void **state)
{
	static const struct map_attr rows[] = {
		MAP("q", BPF_MAP_TYPE_QUEUE, 0, 8, 5, 0),
		MAP("q", BPF_MAP_TYPE_QUEUE, 0, 13, 1, BPF_F_RDONLY_PROG),
		MAP("s", BPF_MAP_TYPE_STACK, 0, 4, 7, 0),
		MAP("s", BPF_MAP_TYPE_STACK, 0, 100, 40, 0),
		MAP("b", BPF_MAP_TYPE_BLOOM_FILTER, 0, 16, 100000, 0),
	};

	need_old_kernel();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		run_pair(&rows[i], 1, 400 + i);
}

static void test_targets(void **state)
{
	static const struct map_attr rows[] = {
		MAP("d", BPF_MAP_TYPE_DEVMAP, 4, 4, 9, 0),
		MAP("d", BPF_MAP_TYPE_DEVMAP, 4, 8, 4, 0),
		MAP("h", BPF_MAP_TYPE_DEVMAP_HASH, 4, 4, 9, 0),
		MAP("h", BPF_MAP_TYPE_DEVMAP_HASH, 4, 8, 30, 0),
		MAP("c", BPF_MAP_TYPE_CPUMAP, 4, 4, 3, 0),
		MAP("c", BPF_MAP_TYPE_CPUMAP, 4, 8, 2, 0),
	};

	need_old_kernel();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		run_pair(&rows[i], rows[i].max_entries + 4, 500 + i);
}

/* ---- maps of maps ------------------------------------------------------------------ */

enum { INNERS = 14 };

/* The same inner maps on both sides: numbers, descriptors and the kernel's ids. */
struct inners {
	struct map_attr attr[INNERS];
	struct map *ours[INNERS];
	int fd[INNERS];
	u32 id[INNERS];
};

static struct map *inner_of(void *arg, u32 id)
{
	const struct inners *in = arg;

	return id < INNERS ? in->ours[id] : NULL;
}

static u32 kernel_id(int fd)
{
	struct bpf_map_info info = { 0 };
	union bpf_attr a = { .info.bpf_fd = (u32)fd, .info.info_len = sizeof(info),
		.info.info = (uintptr_t)&info };

	assert_int_equal(sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &a), 0);
	return info.id;
}

static void inners_open(struct inners *in)
{
	static const struct map_attr attrs[INNERS] = {
		MAP("i", BPF_MAP_TYPE_ARRAY, 4, 8, 4, 0),
		MAP("i", BPF_MAP_TYPE_ARRAY, 4, 8, 5, 0),
		MAP("i", BPF_MAP_TYPE_ARRAY, 4, 8, 4, BPF_F_INNER_MAP),
		MAP("i", BPF_MAP_TYPE_ARRAY, 4, 8, 9, BPF_F_INNER_MAP),
		MAP("i", BPF_MAP_TYPE_ARRAY, 4, 4, 4, 0),
		MAP("i", BPF_MAP_TYPE_HASH, 4, 8, 4, 0),
		MAP("i", BPF_MAP_TYPE_HASH, 4, 8, 5, 0),
		MAP("i", BPF_MAP_TYPE_HASH, 8, 8, 4, 0),
		MAP("i", BPF_MAP_TYPE_HASH, 4, 8, 4, BPF_F_NO_PREALLOC),
		MAP("i", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 4, 0),
		MAP("i", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 5, 0),
		MAP("i", BPF_MAP_TYPE_LRU_HASH, 4, 8, 5, 0),
		MAP("i", BPF_MAP_TYPE_QUEUE, 0, 8, 5, 0),
		MAP("i", BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 5, 0),
	};

	for (u32 i = 0; i < INNERS; i++) {
		in->attr[i] = attrs[i];
		in->fd[i] = kmap_create(&attrs[i]);
		assert_true(in->fd[i] >= 0);
		in->id[i] = kernel_id(in->fd[i]);
		assert_int_equal(map_create(&in->ours[i], &attrs[i], 2, NULL), 0);
	}
}

static void inners_close(struct inners *in)
{
	for (u32 i = 0; i < INNERS; i++) {
		close(in->fd[i]);
		map_free(in->ours[i]);
	}
}

static int outer_create(const struct map_attr *m, int inner_fd)
{
	union bpf_attr a = { .map_type = m->type, .key_size = m->key_size,
		.value_size = m->value_size, .max_entries = m->max_entries,
		.map_flags = m->map_flags, .inner_map_fd = (u32)inner_fd };

	return sys_bpf(BPF_MAP_CREATE, &a);
}

static struct map_attr outer_attr(u32 type, struct inners *in, u32 inner)
{
	struct map_attr m = MAP("o", type, 4, 4, 6, 0);

	m.inner = inner < INNERS ? &in->attr[inner] : NULL;
	m.inner_of = inner_of;
	m.inner_arg = in;
	return m;
}

static void test_outer_create(void **state)
{
	static const u32 flags[] = { 0, 0, 0, 0, 1, 2, 4, 8, 16, 24, 64, 128, 1024, 4096 };
	struct inners in;

	need_old_kernel();
	inners_open(&in);
	rng = 7;
	for (int i = 0; i < 3000; i++) {
		u32 inner = any(INNERS + 2);
		struct map_attr m = outer_attr(any(2) ? BPF_MAP_TYPE_HASH_OF_MAPS
						      : BPF_MAP_TYPE_ARRAY_OF_MAPS, &in, inner);
		int fd, ours;

		m.key_size = any(4) ? 4 : any(12);
		m.value_size = any(4) ? 4 : any(9);
		m.max_entries = any(4);
		m.map_flags = flags[any(14)] | flags[any(14)];
		fd = outer_create(&m, inner < INNERS ? in.fd[inner] : -1);
		ours = our_create(&m);
		if (fd >= 0)
			close(fd);
		if (ours != (fd < 0 ? fd : 0))
			fail_msg("type %u key %u value %u entries %u flags 0x%x inner %u: "
				 "kernel %d, ours %d", m.type, m.key_size, m.value_size,
				 m.max_entries, m.map_flags, inner, fd, ours);
	}
	inners_close(&in);
}

static void outer_step(struct pair *p, const struct inners *in, int step)
{
	static const u64 flags[] = { 0, 0, 0, 0, 0, 1, 2, 3, 4 };
	u32 key = any(9), what = any(10), number = any(INNERS + 1), got = 0, id = 0;
	u64 f = flags[any(ARRAY_LEN(flags))];
	int fd = number < INNERS ? in->fd[number] : -1, r;

	if (what < 5) {
		r = kmap_op(BPF_MAP_UPDATE_ELEM, p->fd, &key, &fd, f);
		same(p, "update", r, map_user_update(p->ours, &key, &number, f), step);
	} else if (what < 8) {
		r = kmap_op(BPF_MAP_LOOKUP_ELEM, p->fd, &key, &id, 0);
		same(p, "lookup", r, map_user_lookup(p->ours, &key, &got, 0), step);
		assert_true(r || in->id[got] == id);
		assert_ptr_equal(p->ours->ops->lookup(p->ours, &key, 0),
				 r ? NULL : in->ours[got]);
	} else if (what < 9) {
		do_delete(p, step);
	} else {
		do_next(p, step);
		do_take(p, step);
	}
}

static void test_outer(void **state)
{
	struct inners in;

	need_old_kernel();
	inners_open(&in);
	for (u32 i = 0; i < 2 * (INNERS - 1); i++) {
		struct map_attr m = outer_attr(i % 2 ? BPF_MAP_TYPE_HASH_OF_MAPS
						     : BPF_MAP_TYPE_ARRAY_OF_MAPS, &in, i / 2);
		struct pair p = { .attr = m, .keys = 9, .value_bytes = 4 };

		rng = 600 + i;
		p.fd = outer_create(&m, in.fd[i / 2]);
		assert_true(p.fd >= 0);
		assert_int_equal(map_create(&p.ours, &m, 2, NULL), 0);
		for (int step = 0; step < 1000; step++) {
			outer_step(&p, &in, step);
			if (step % 100 == 0)
				same_keys(&p, step);
		}
		pair_close(&p);
	}
	inners_close(&in);
}

static void test_lpm(void **state)
{
	static const struct map_attr rows[] = {
		MAP("l", BPF_MAP_TYPE_LPM_TRIE, 5, 4, 20, BPF_F_NO_PREALLOC),
		MAP("l", BPF_MAP_TYPE_LPM_TRIE, 6, 4, 90, BPF_F_NO_PREALLOC),
		MAP("l", BPF_MAP_TYPE_LPM_TRIE, 8, 8, 300, BPF_F_NO_PREALLOC),
		MAP("l", BPF_MAP_TYPE_LPM_TRIE, 20, 9, 300, BPF_F_NO_PREALLOC),
		MAP("l", BPF_MAP_TYPE_LPM_TRIE, 260, 9, 100, BPF_F_NO_PREALLOC),
	};

	need_old_kernel();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		run_pair(&rows[i], 1, 300 + i);
}

/* Access flags and freezing, from the user's side. */
static void test_access(void **state)
{
	static const u32 flags[] = { 0, BPF_F_RDONLY, BPF_F_WRONLY };

	need_kernel_since(6, 18, "freezing a frozen map is EBUSY");
	for (u32 i = 0; i < 6; i++) {
		struct map_attr attr = MAP("h", BPF_MAP_TYPE_HASH, 4, 8, 64,
					 flags[i % 3]);
		union bpf_attr a = { 0 };
		struct pair p;

		pair_open(&p, &attr, 8);
		rng = i;
		for (int step = 0; step < 300; step++) {
			do_update(&p, step);
			do_lookup(&p, step);
			do_delete(&p, step);
			do_next(&p, step);
			if (step % 100 != 50 || i < 3)
				continue;
			a.map_fd = (u32)p.fd;
			if (!(attr.map_flags & BPF_F_RDONLY))
				same(&p, "freeze", sys_bpf(BPF_MAP_FREEZE, &a),
				     map_freeze(p.ours), step);
		}
		pair_close(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_create_limits),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_arrays),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_lru),
		cmocka_unit_test(test_queues),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_outer_create),
		cmocka_unit_test(test_outer),
		cmocka_unit_test(test_lpm),
		cmocka_unit_test(test_access),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
