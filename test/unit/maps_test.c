/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * maps_test.c: maps by themselves: limits, full maps, walks, values that stay
 * put, spin locks. maps_stress_test.c has threads, maps_model_test.c long random
 * runs; maps_kernel_test.c compares every operation with the kernel.
 */
#include "maps/area.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static struct map *make(u32 type, u32 key, u32 value, u32 entries, u32 flags)
{
	struct map_attr a = { .name = "m", .type = type, .key_size = key,
		.value_size = value, .max_entries = entries, .map_flags = flags };
	struct skep_err err = { 0 };
	struct map *m;

	if (map_create(&m, &a, 4, &err))
		fail_msg("%s", err.text);
	return m;
}

static int put(struct map *m, u64 key, u64 value, u64 flags)
{
	return m->ops->update(m, &key, &value, flags, 0);
}

static u64 *get(struct map *m, u64 key)
{
	return m->ops->lookup(m, &key, 0);
}

static int drop(struct map *m, u64 key) { return m->ops->remove(m, &key, 0); }

/* ---- creating -------------------------------------------------------------------- */

static void refused(struct map_attr a, int id, const char *text)
{
	struct skep_err err = { 0 };
	struct map *m;

	a.name = "x";
	assert_true(map_create(&m, &a, 2, &err) < 0);
	assert_null(m);
	assert_int_equal(err.id, id);
	if (!strstr(err.text, text))
		fail_msg("no '%s' in: %s", text, err.text);
}

static void test_refusals(void **state)
{
	const u32 hash = BPF_MAP_TYPE_HASH, lpm = BPF_MAP_TYPE_LPM_TRIE;

	refused((struct map_attr){ .type = hash, .key_size = 4, .value_size = 4 },
		ERR_MAP_ATTR, "hash map 'x': max_entries is 0 (EINVAL)");
	refused((struct map_attr){ .type = lpm, .key_size = 8, .value_size = 4,
				   .max_entries = 1 },
		ERR_MAP_ATTR, "BPF_F_NO_PREALLOC (EINVAL)");
	refused((struct map_attr){ .type = hash, .key_size = 4, .value_size = 4,
				   .max_entries = UINT32_MAX },
		ERR_MAP_ATTR, "(E2BIG)");
	refused((struct map_attr){ .type = hash, .key_size = 4, .value_size = 1 << 21,
				   .max_entries = 1u << 31 },
		ERR_MAP_SIZE, "(ENOMEM)");
	refused((struct map_attr){ .type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
				   .value_size = INT32_MAX, .max_entries = UINT32_MAX },
		ERR_MAP_SIZE, "(ENOMEM)");
	refused((struct map_attr){ .type = BPF_MAP_TYPE_STRUCT_OPS, .max_entries = 1 },
		ERR_MAP_ATTR, "by a key of 4 bytes (EINVAL)");
	refused((struct map_attr){ .type = 4711 }, ERR_MAP_TYPE, "no map type 4711");
}

/* Big maps cost address space only. */
static void test_big(void **state)
{
	struct map *a = make(BPF_MAP_TYPE_ARRAY, 4, 8, 1u << 30, 0);
	struct map *h = make(BPF_MAP_TYPE_HASH, 8, 8, 1u << 28, 0);
	u32 last = (1u << 30) - 1;
	u64 *v = a->ops->lookup(a, &last, 0);

	assert_non_null(v);
	*v = 7;
	assert_int_equal(put(h, 1, 2, 0), 0);
	assert_int_equal(*get(h, 1), 2);
	map_free(a);
	map_free(h);
}

/* 2^15 bytes for each of 2^32 keys and 2^17 cpus are 2^64. */
static void test_too_big(void **state)
{
	const struct map_attr a = { .type = BPF_MAP_TYPE_PERCPU_ARRAY, .key_size = 4,
		.value_size = 32768, .max_entries = UINT32_MAX };
	struct map *m;

	assert_int_equal(map_create(&m, &a, 1u << 17, NULL), -ENOMEM);
	assert_null(m);
}

/* ---- one thread ------------------------------------------------------------------- */

static void test_hash_full(void **state)
{
	static const u32 sizes[] = { 1, 2, 7, 64, 1000, 5000 };

	for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
		u32 n = sizes[s];
		struct map *m = make(BPF_MAP_TYPE_HASH, 8, 8, n, 0);

		for (u32 round = 0; round < 3; round++) {
			for (u64 k = 0; k < n; k++)
				assert_int_equal(put(m, k * 3 + round, k, BPF_NOEXIST), 0);
			assert_int_equal(put(m, 1u << 30, 0, 0), -E2BIG);
			for (u64 k = 0; k < n; k++)
				for (u64 i = 0; i < 3; i++)
					assert_int_equal(put(m, k * 3 + round, i, BPF_EXIST), 0);
			assert_int_equal(m->ops->count(m), n);
			for (u64 k = 0; k < n; k++) {
				assert_int_equal(*get(m, k * 3 + round), 2);
				assert_int_equal(drop(m, k * 3 + round), 0);
				assert_int_equal(drop(m, k * 3 + round), -ENOENT);
			}
		}
		map_free(m);
	}
}

/* An overwritten value stays as it was until its place is used again. */
static void test_hash_old_value(void **state)
{
	struct map *m = make(BPF_MAP_TYPE_HASH, 8, 8, 4, 0);
	u64 *old;

	put(m, 1, 10, 0);
	old = get(m, 1);
	put(m, 1, 11, 0);
	assert_int_equal(*old, 10);
	assert_ptr_not_equal(get(m, 1), old);
	assert_int_equal(*get(m, 1), 11);
	map_free(m);
}

/* Every value that a lookup gives is one of values(). */
static void test_values(void **state)
{
	static const u32 rows[][4] = {
		{ BPF_MAP_TYPE_ARRAY, 4, 12, 0 }, { BPF_MAP_TYPE_PERCPU_ARRAY, 4, 12, 0 },
		{ BPF_MAP_TYPE_HASH, 5, 12, BPF_F_RDONLY_PROG },
		{ BPF_MAP_TYPE_LPM_TRIE, 8, 12, BPF_F_NO_PREALLOC },
	};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct map *m = make(rows[r][0], rows[r][1], rows[r][2], 50, rows[r][3]);
		struct map_mem mem = m->ops->values(m);
		u8 key[8] = { 0 }, value[64] = { 0 };

		assert_int_equal(mem.value_bytes, 12);
		assert_int_equal(mem.read_only, rows[r][3] == BPF_F_RDONLY_PROG);
		for (u32 i = 0; i < 50; i++) {
			u8 *v;

			key[0] = (u8)(rows[r][0] == BPF_MAP_TYPE_LPM_TRIE ? i % 32 : i);
			assert_int_equal(m->ops->update(m, key, value, 0, 3), 0);
			v = m->ops->lookup(m, key, 3);
			assert_true(v >= mem.base);
			assert_int_equal((u64)(v - mem.base) % mem.stride, 0);
			assert_true((u64)(v - mem.base) / mem.stride < mem.nr);
			assert_true(v + mem.value_bytes <= m->mem + m->mem_bytes);
		}
		map_free(m);
	}
}

/* A walk meets every element once, also when it deletes them. */
static void test_walk(void **state)
{
	struct map *m = make(BPF_MAP_TYPE_HASH, 8, 8, 3000, 0);
	static u8 seen[3000];
	u64 pos = 0, key, n = 0;
	void *value;

	for (u64 k = 0; k < 3000; k++)
		put(m, k, k, 0);
	for (; m->ops->walk(m, &pos, &key, &value, 0); n++) {
		assert_true(key < 3000 && !seen[key]);
		assert_int_equal(*(u64 *)value, key);
		seen[key] = 1;
		if (key % 2)
			assert_int_equal(drop(m, key), 0);
	}
	assert_int_equal(n, 3000);
	assert_int_equal(m->ops->count(m), 1500);
	map_free(m);
}

static void test_percpu(void **state)
{
	struct map *m = make(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 3, 0);
	u64 all[4] = { 1, 2, 3, 4 }, v = 9;
	u32 key = 1;

	assert_int_equal(map_user_update(m, &key, all, 0), 0);
	assert_int_equal(*(u64 *)m->ops->lookup(m, &key, 2), 3);
	assert_int_equal(m->ops->update(m, &key, &v, 0, 2), 0);
	assert_int_equal(map_user_lookup(m, &key, all, 0), 0);
	assert_int_equal(all[1], 2);
	assert_int_equal(all[2], 9);
	assert_int_equal(*(u64 *)map_lookup_cpu(m, &key, 3), 4);
	assert_null(map_lookup_cpu(m, &key, 4));
	map_free(m);
}

/* The elements that a walk over touched pages meets. */
static u64 walk_touched(struct map *m, u64 *met, u64 at)
{
	u64 n = 0, to = 0;

	*met = 0;
	for (; m->ops->touched(m, &at, &to); at = to)
		for (u64 i = at; i < to; i++) {
			u32 key = (u32)i;
			u64 all[4];

			assert_true(i < m->max_entries);
			n++;
			assert_int_equal(map_user_lookup(m, &key, all, 0), 0);
			*met += all[0] || (m->row->percpu && (all[1] || all[2] || all[3]));
		}
	return n;
}

static void test_touched(void **state)
{
	static const u32 types[] = { BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY };
	static const u32 keys[] = { 0, 1, 511, 700000, 1u << 26, (1u << 27) - 1 };

	for (size_t t = 0; t < ARRAY_LEN(types); t++) {
		struct map *m = make(types[t], 4, 8, 1u << 27, 0);
		u64 met, n;

		walk_touched(m, &met, 0);
		assert_int_equal(met, 0);
		for (u32 i = 0; i < ARRAY_LEN(keys); i++) {
			u64 v = i + 1;

			assert_int_equal(m->ops->update(m, &keys[i], &v, 0, i % 4), 0);
		}
		n = walk_touched(m, &met, 0);
		assert_int_equal(met, ARRAY_LEN(keys));
		assert_true(n < 1 << 20);	/* even where pages are of 2 MB */
		walk_touched(m, &met, 700001);
		assert_int_equal(met, 2);
		map_free(m);
	}
}

static void test_prog_array(void **state)
{
	struct map *m = make(BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 3, 0);
	u32 key = 1, value = 0;

	assert_int_equal(map_fd_slot(m, 1), -1);
	assert_int_equal(map_fd_slot(m, 3), -1);
	assert_int_equal(map_user_lookup(m, &key, &value, 0), -ENOENT);
	assert_int_equal(map_user_update(m, &key, &value, BPF_EXIST), -EINVAL);
	assert_int_equal(map_user_update(m, &key, &value, 0), 0);
	assert_int_equal(map_fd_slot(m, 1), 0);
	assert_int_equal(m->ops->count(m), 1);
	assert_null(m->ops->lookup(m, &key, 0));
	assert_int_equal(m->ops->update(m, &key, &value, 0, 0), -EPERM);
	assert_int_equal(map_user_delete(m, &key), 0);
	assert_int_equal(map_user_delete(m, &key), -ENOENT);
	key = 3;
	assert_int_equal(map_user_delete(m, &key), -E2BIG);
	map_free(m);
}

/* Updates and lookups leave the lock word alone; BPF_F_LOCK is allowed. */
static void test_spin_lock(void **state)
{
	struct map_attr a = { .name = "m", .type = BPF_MAP_TYPE_HASH,
		.key_size = 8, .value_size = 16, .max_entries = 4, .lock_at = 5 };
	u32 in[4] = { 1, 77, 3, 4 }, out[4], *v;
	struct map *m;
	u64 key = 1;

	assert_int_equal(map_create(&m, &a, 2, NULL), 0);
	assert_int_equal(map_user_update(m, &key, in, BPF_F_LOCK), 0);
	v = m->ops->lookup(m, &key, 0);
	assert_int_equal(v[1], 0);
	map_spin_lock(&v[1], 0);
	assert_int_equal(map_user_lookup(m, &key, out, 0), 0);
	assert_int_equal(out[1], 0);
	map_spin_unlock(&v[1]);
	in[0] = 2;
	assert_int_equal(map_user_update(m, &key, in, BPF_F_LOCK | BPF_EXIST), 0);
	assert_int_equal(map_user_lookup(m, &key, out, BPF_F_LOCK), 0);
	assert_int_equal(out[0], 2);
	assert_ptr_equal(m->ops->lookup(m, &key, 0), v);
	map_free(m);
}

/* An element that programs use stays, all others go by. */
static void test_lru_order(void **state)
{
	static const struct { u32 flags, room; } rows[] = { { 0, 100 },
		{ BPF_F_NO_COMMON_LRU, 25 } };	/* a cpu's share */

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct map *m = make(BPF_MAP_TYPE_LRU_HASH, 8, 8, 100, rows[i].flags);
		u64 used = 5, v;

		for (u64 k = 0; k < 5000; k++) {
			assert_int_equal(m->ops->update(m, &k, &k, BPF_ANY, 0), 0);
			assert_true(m->ops->count(m) <= rows[i].room);
			if (k >= used)
				assert_non_null(m->ops->lookup(m, &used, 0));
			assert_non_null(m->ops->lookup(m, &k, MAP_USER));
		}
		assert_int_equal(m->ops->count(m), rows[i].room);
		/* a look from outside protects nothing */
		for (u64 k = 0; k < 200; k++) {
			u64 key = 10000 + k, old = 4999;

			map_user_lookup(m, &old, &v, 0);
			m->ops->update(m, &key, &key, BPF_ANY, 0);
		}
		v = 4999;
		assert_null(m->ops->lookup(m, &v, MAP_USER));
		map_free(m);
	}
}

/* What a cpu puts in is zero to the others, also in a place used before. */
static void test_percpu_hash(void **state)
{
	struct map *m = make(BPF_MAP_TYPE_PERCPU_HASH, 8, 8, 4, 0);

	for (u64 k = 1; k < 50; k++) {
		u64 *v;

		assert_int_equal(m->ops->update(m, &k, &k, BPF_ANY, k % 2), 0);
		v = m->ops->lookup(m, &k, k % 2);
		assert_int_equal(*v, k);
		v = m->ops->lookup(m, &k, !(k % 2));
		assert_int_equal(*v, 0);
		*v = 99;
		assert_ptr_equal(map_lookup_cpu(m, &k, !(k % 2)), v);
		assert_null(map_lookup_cpu(m, &k, m->cpus));
		assert_int_equal(m->ops->remove(m, &k, 0), 0);
	}
	map_free(m);
}

/* ---- user ring buffers ------------------------------------------------------------------- */

/* Positions and headers are the user's to write. */
static void test_user_ring(void **state)
{
	const struct map_attr a = { .name = "box", .type = BPF_MAP_TYPE_USER_RINGBUF,
				    .max_entries = 4096 };
	struct map *m;
	static const u8 zeroes[4096];
	u64 *consumed, *produced;
	u32 *head, bytes;
	void *data;

	assert_int_equal(map_create(&m, &a, 1, NULL), 0);
	consumed = (u64 *)m->index;
	produced = consumed + AREA_LINE / 8;
	head = (u32 *)m->elems;
	assert_int_equal(user_ring_peek(m, &data, &bytes), -ENODATA);
	assert_int_equal(user_ring_write(m, "abc", 3), 0);
	assert_int_equal(*produced, 16);
	assert_int_equal(user_ring_peek(m, &data, &bytes), 0);
	assert_int_equal(bytes, 3);
	assert_memory_equal(data, "abc", 3);
	*head = 3 | BPF_RINGBUF_BUSY_BIT;
	assert_int_equal(user_ring_peek(m, &data, &bytes), -ENODATA);
	*head = 9;			/* beyond what was produced */
	assert_int_equal(user_ring_peek(m, &data, &bytes), -EINVAL);
	*head = 8;
	*produced = 17;
	assert_int_equal(user_ring_peek(m, &data, &bytes), -EINVAL);
	*produced = 1 << 20;		/* a sample that wraps upon itself */
	*head = 4096;
	assert_int_equal(user_ring_peek(m, &data, &bytes), -E2BIG);
	*produced = 16;
	*head = 3 | BPF_RINGBUF_DISCARD_BIT;
	assert_int_equal(user_ring_peek(m, &data, &bytes), -EAGAIN);
	assert_int_equal(*consumed, 16);
	assert_int_equal(user_ring_peek(m, &data, &bytes), -ENODATA);
	assert_int_equal(user_ring_write(m, zeroes, 4088), 0);
	assert_int_equal(user_ring_write(m, "", 0), -ENOSPC);
	assert_int_equal(user_ring_peek(m, &data, &bytes), 0);
	assert_int_equal(bytes, 4088);
	user_ring_release(m, bytes);
	assert_int_equal(user_ring_write(m, zeroes, 4089), -E2BIG);
	assert_int_equal(user_ring_write(m, "", 0), 0);
	assert_int_equal(user_ring_peek(m, &data, &bytes), 0);
	assert_int_equal(bytes, 0);
	assert_true(user_ring_lock(m, 0));
	assert_false(user_ring_lock(m, 1));
	user_ring_unlock(m);
	map_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_big),
		cmocka_unit_test(test_too_big),
		cmocka_unit_test(test_hash_full),
		cmocka_unit_test(test_hash_old_value),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_percpu),
		cmocka_unit_test(test_touched),
		cmocka_unit_test(test_prog_array),
		cmocka_unit_test(test_spin_lock),
		cmocka_unit_test(test_lru_order),
		cmocka_unit_test(test_percpu_hash),
		cmocka_unit_test(test_user_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
