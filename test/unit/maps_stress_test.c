/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * maps_stress_test.c: eight threads at once on a map of every type, two of them
 * as user space, six as cpus; each does so many steps, whatever else the machine
 * does. Afterwards the map must be whole. `make check T=stress SAN=thread` looks
 * for races as well.
 */
#include "maps_crowd.h"
#include "model/sock.h"
#include "model/uapi.h"
#include <netinet/in.h>

/* Of per-cpu maps user space writes the values of all cpus. */
static int put(struct crowd *c, const void *key, u64 value, u32 cpu)
{
	u64 all[CPUS];

	for (u32 i = 0; i < CPUS; i++)
		all[i] = value;
	return c->m->ops->update(c->m, key, all, 0, cpu);
}

static u64 *get(struct crowd *c, const void *key, u32 cpu)
{
	if (cpu == MAP_USER && c->m->row->percpu)
		cpu = 0;
	return c->m->ops->lookup(c->m, key, cpu);
}

/* As user space reads, now and then. */
static u64 look_around(struct crowd *c, u64 x, const void *key)
{
	u64 all[CPUS], next[8], pos = x % 7 << 32;
	int r = map_user_lookup(c->m, key, all, 0);
	void *value;

	if (r && r != -ENOENT)
		return 1;
	r = map_user_next_key(c->m, x % 3 ? key : NULL, next);
	if (r && r != -ENOENT)
		return 1;
	if (c->m->ops->walk)
		c->m->ops->walk(c->m, &pos, next, &value, 0);
	return c->m->ops->count(c->m) > c->m->max_entries + (u64)CPUS;
}

/* ---- hash tables ------------------------------------------------------------------- */

/* Keys below 8 are only overwritten and must always be found; the others come
 * and go. */
static u64 hash_step(struct crowd *c, u64 x, u32 cpu)
{
	u64 key = x % c->keys, all[CPUS];
	int r;

	switch (x >> 30 & 7) {
	case 0:
	case 1:
		r = put(c, &key, x, cpu);
		return r && r != -E2BIG;
	case 2:
		r = key < 8 ? 0 : c->m->ops->remove(c->m, &key, cpu);
		return r && r != -ENOENT;
	case 3:
		r = key < 8 ? 0 : c->m->ops->take(c->m, &key, all, MAP_USER);
		return r && r != -ENOENT;
	case 4:
		return look_around(c, x, &key);
	default:
		key %= 8;
		return !get(c, &key, cpu);
	}
}

static u64 walk_all(struct crowd *c)
{
	u64 n = 0, pos = 0, key;
	void *value;

	for (; c->m->ops->walk(c->m, &pos, &key, &value, 0); n++)
		assert_ptr_equal(get(c, &key, 0), value);
	assert_int_equal(c->m->ops->count(c->m), n);
	return n;
}

static void test_hash(void **state)
{
	static const u32 types[] = { BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_PERCPU_HASH };
	static const u32 entries[] = { 24, 100, 4096 };

	for (size_t i = 0; i < 6; i++) {
		struct crowd c = { .step = hash_step, .keys = entries[i / 2] * 3 / 2 };

		c.m = make(types[i % 2], 8, 8, entries[i / 2], 0);
		for (u64 k = 0; k < 8; k++)
			put(&c, &k, 0, 0);
		crowd_run(&c);
		walk_all(&c);
		for (u64 k = 0; k < c.keys; k++)
			c.m->ops->remove(c.m, &k, 0);
		assert_int_equal(c.m->ops->count(c.m), 0);
		for (u64 k = 0; k < entries[i / 2]; k++)
			assert_int_equal(put(&c, &k, k, (u32)(k % CPUS)), 0);
		map_free(c.m);
	}
}

/* No update of an LRU map fails, however full it is; what comes out has the
 * key's own value or, when it was given up meanwhile, another's. */
static u64 lru_step(struct crowd *c, u64 x, u32 cpu)
{
	u64 key = x % c->keys, *v;

	switch (x >> 30 & 7) {
	case 0:
	case 1:
	case 2:
		return put(c, &key, key, cpu) != 0;
	case 3:
		c->m->ops->remove(c->m, &key, cpu);
		return 0;
	case 4:
		return look_around(c, x, &key);
	default:
		v = get(c, &key, cpu);
		return v && load_relaxed(v) >= c->keys;
	}
}

static void test_lru(void **state)
{
	static const u32 types[] = { BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH };
	static const u32 flags[] = { 0, BPF_F_NO_COMMON_LRU };

	for (size_t i = 0; i < 4; i++) {
		struct crowd c = { .step = lru_step, .keys = 1000 };

		c.m = make(types[i % 2], 8, 8, 198, flags[i / 2]);
		crowd_run(&c);
		assert_true(walk_all(&c) <= 198);
		map_free(c.m);
	}
}

/* Long keys, all bytes alike: a lookup of two halves of others must miss. */
static u64 torn_step(struct crowd *c, u64 x, u32 cpu)
{
	u8 key[40];

	memset(key, (int)(x % 6), sizeof(key));
	switch (x >> 30 & 3) {
	case 0:
		return put(c, key, x, cpu) != 0;
	case 1:
		c->m->ops->remove(c->m, key, cpu);
		return 0;
	default:
		memset(key + 20, (int)(x % 6 + 1), 20);
		return get(c, key, cpu) != NULL;
	}
}

/* Room for six keys and what threads are about to free. */
static void test_torn_keys(void **state)
{
	struct crowd c = { .step = torn_step };

	c.m = make(BPF_MAP_TYPE_HASH, 40, 8, 6 + THREADS, 0);
	crowd_run(&c);
	map_free(c.m);
}

/* ---- values with a lock ------------------------------------------------------------ */

enum { LOCKED_WORDS = 8 };	/* the first is the lock */

static u64 all_alike(const u64 *words)
{
	for (u32 i = 2; i < LOCKED_WORDS; i++)
		if (words[i] != words[1])
			return 1;
	return 0;
}

/* With BPF_F_LOCK nobody sees half of a value, programs with bpf_spin_lock too. */
static u64 locked_step(struct crowd *c, u64 x, u32 cpu)
{
	u64 key = x % 4, words[LOCKED_WORDS], wrong, *v;

	if (x >> 30 & 1) {
		for (u32 i = 0; i < LOCKED_WORDS; i++)
			words[i] = x;
		return map_user_update(c->m, &key, words, BPF_F_LOCK) != 0;
	}
	if (cpu == MAP_USER)
		return map_user_lookup(c->m, &key, words, BPF_F_LOCK) || all_alike(words) ||
		       (u32)words[0];
	v = get(c, &key, cpu);
	if (!v)
		return 1;
	map_spin_lock(v, cpu);
	for (u32 i = 1; i < LOCKED_WORDS; i++)
		words[i] = v[i];
	wrong = all_alike(words);
	for (u32 i = 1; i < LOCKED_WORDS; i++)
		v[i] = x;
	map_spin_unlock(v);
	return wrong;
}

static void test_locked(void **state)
{
	static const u32 types[] = { BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct crowd c = { .step = locked_step };
		u64 words[LOCKED_WORDS] = { 0 };

		c.m = make_as((struct map_attr){ .type = types[i], .value_size = sizeof(words),
			.key_size = types[i] == BPF_MAP_TYPE_ARRAY ? 4 : 8, .max_entries = 16,
			.lock_at = 1 });
		for (u64 k = 0; k < 4; k++)
			assert_int_equal(map_user_update(c.m, &k, words, 0), 0);
		crowd_run(&c);
		map_free(c.m);
	}
}

/* ---- tries ------------------------------------------------------------------------- */

struct prefix {
	u32 len;
	u8 addr[4];
};

/* 10/8 is only overwritten: every address below it has a match. */
static u64 lpm_step(struct crowd *c, u64 x, u32 cpu)
{
	struct prefix p = { 8 + x % 25, { 10, (u8)(x >> 8), (u8)(x >> 16 & 3), 1 } };
	int r;

	switch (x >> 30 & 7) {
	case 0:
	case 1:
		r = put(c, &p, x, cpu);
		return r && r != -ENOSPC;
	case 2:
	case 3:
		r = p.len == 8 ? 0 : c->m->ops->remove(c->m, &p, cpu);
		return r && r != -ENOENT;
	case 4:
		return look_around(c, x, &p);
	default:
		p.len = 32;
		return !get(c, &p, cpu);
	}
}

static void test_lpm(void **state)
{
	struct crowd c = { .step = lpm_step };
	struct prefix p = { 8, { 10 } }, prev;
	u64 n = 0;

	c.m = make(BPF_MAP_TYPE_LPM_TRIE, 8, 8, 200, BPF_F_NO_PREALLOC);
	put(&c, &p, 0, 0);
	crowd_run(&c);
	for (void *at = NULL; !c.m->ops->next_key(c.m, at, &p); n++) {
		prev = p;
		at = &prev;
	}
	assert_int_equal(c.m->ops->count(c.m), n);
	while (!c.m->ops->next_key(c.m, NULL, &p))
		assert_int_equal(c.m->ops->remove(c.m, &p, 0), 0);
	assert_int_equal(c.m->ops->count(c.m), 0);
	for (u32 i = 0; i < 200; i++) {
		p = (struct prefix){ 32, { 1, 2, (u8)i, 3 } };
		assert_int_equal(c.m->ops->update(c.m, &p, &n, BPF_NOEXIST, 0), 0);
	}
	map_free(c.m);
}

/* ---- values without keys ----------------------------------------------------------- */

static void in(struct crowd *c, u64 v) { __atomic_fetch_add(&c->in, v, __ATOMIC_RELAXED); }
static void out(struct crowd *c, u64 v) { __atomic_fetch_add(&c->out, v, __ATOMIC_RELAXED); }

static u64 queue_step(struct crowd *c, u64 x, u32 cpu)
{
	u64 v = x;
	int r;

	switch (x >> 30 & 3) {
	case 0:
	case 1:
		r = c->m->ops->push(c->m, &v, 0, cpu);
		in(c, r ? 0 : x);
		return r && r != -E2BIG;
	case 2:
		r = c->m->ops->pop(c->m, &v, cpu);
		out(c, r ? 0 : v);
		return r && r != -ENOENT;
	default:
		r = c->m->ops->peek(c->m, &v, cpu);
		c->m->ops->nth(c->m, x % 8, &v);
		return r && r != -ENOENT;
	}
}

static void test_queue(void **state)
{
	static const u32 types[] = { BPF_MAP_TYPE_QUEUE, BPF_MAP_TYPE_STACK };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct crowd c = { .step = queue_step };
		u64 v;

		c.m = make(types[i], 0, 8, 50, 0);
		crowd_run(&c);
		while (!c.m->ops->pop(c.m, &v, 0))
			out(&c, v);
		assert_int_equal(c.in, c.out);
		map_free(c.m);
	}
}

static u64 bloom_step(struct crowd *c, u64 x, u32 cpu)
{
	u64 v = x % 512;

	return c->m->ops->push(c->m, &v, 0, cpu) || c->m->ops->peek(c->m, &v, cpu);
}

static void test_bloom(void **state)
{
	struct crowd c = { .step = bloom_step };

	c.m = make(BPF_MAP_TYPE_BLOOM_FILTER, 0, 8, 1000, 0);
	crowd_run(&c);
	map_free(c.m);
}

/* ---- arrays ------------------------------------------------------------------------ */

static u64 array_step(struct crowd *c, u64 x, u32 cpu)
{
	u32 key = x % 16;
	u64 *v;

	switch (x >> 30 & 3) {
	case 0:
		return put(c, &key, x, cpu) != 0;
	case 1:
		return look_around(c, x, &key);
	default:
		v = get(c, &key, cpu);
		if (v)
			__atomic_fetch_add(v, 1, __ATOMIC_RELAXED);
		return !v;
	}
}

static void test_array(void **state)
{
	static const u32 types[] = { BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct crowd c = { .step = array_step };

		c.m = make(types[i], 4, 8, 16, 0);
		crowd_run(&c);
		map_free(c.m);
	}
}

/* Each cpu counts in its own value, and user space adds them up. */
static u64 count_step(struct crowd *c, u64 x, u32 cpu)
{
	u32 key = 1;
	u64 *v = cpu == MAP_USER ? NULL : get(c, &key, cpu);

	if (v)
		store_relaxed(v, load_relaxed(v) + 1);
	return v ? 0 : look_around(c, x, &key);
}

static void test_count(void **state)
{
	struct crowd c = { .step = count_step };
	u64 all[CPUS];
	u32 key = 1;

	c.m = make(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 2, 0);
	crowd_run(&c);
	assert_int_equal(map_user_lookup(c.m, &key, all, 0), 0);
	for (u32 i = 0; i < CPUS; i++)
		assert_int_equal(all[i], STEPS);
	map_free(c.m);
}

/* Arrays of numbers: user space writes, programs read. */
static u64 slots_step(struct crowd *c, u64 x, u32 cpu)
{
	u32 key = x % 8, value[2] = { (u32)(x >> 8) % 100 + 1, 0 };
	int r;

	if (cpu != MAP_USER) {
		c->m->ops->lookup(c->m, &key, cpu);
		return c->m->type == BPF_MAP_TYPE_PROG_ARRAY && map_fd_slot(c->m, key) > 100;
	}
	switch (x >> 30 & 3) {
	case 0:
		r = c->m->ops->remove(c->m, &key, cpu);
		return r && r != -ENOENT;
	case 1:
		r = map_user_next_key(c->m, &key, value);
		return c->m->ops->count(c->m) > 8 || (r && r != -ENOENT);
	default:
		r = c->m->ops->update(c->m, &key, value, 0, cpu);
		return r && r != -ENODEV && r != -EBADF;	/* no such cpu, no such cgroup */
	}
}

static void test_slots(void **state)
{
	static const u32 types[] = { BPF_MAP_TYPE_PROG_ARRAY, BPF_MAP_TYPE_CGROUP_ARRAY,
		BPF_MAP_TYPE_DEVMAP, BPF_MAP_TYPE_DEVMAP_HASH, BPF_MAP_TYPE_CPUMAP,
		BPF_MAP_TYPE_XSKMAP };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct crowd c = { .step = slots_step };

		c.m = make(types[i], 4, 4, 8, 0);
		crowd_run(&c);
		map_free(c.m);
	}
}

/* ---- maps of maps, of sockets ------------------------------------------------------ */

static struct map *inner[4];
static s32 held[4];

static struct map *inner_of(void *arg, u32 id) { return id < 4 ? inner[id] : NULL; }

static void inner_held(void *arg, u32 id, int by)
{
	__atomic_fetch_add(&held[id], by, __ATOMIC_RELAXED);
}

static u64 outer_step(struct crowd *c, u64 x, u32 cpu)
{
	u32 key = x % 8, value = (u32)(x >> 8) % 4;
	struct map *in;
	int r;

	if (cpu != MAP_USER) {
		in = c->m->ops->lookup(c->m, &key, cpu);
		return in && in != inner[0] && in != inner[1] && in != inner[2] && in != inner[3];
	}
	r = x >> 30 & 1 ? c->m->ops->remove(c->m, &key, cpu) :
			  c->m->ops->update(c->m, &key, &value, 0, cpu);
	return r && r != -ENOENT;
}

static void test_outer(void **state)
{
	static const u32 types[] = { BPF_MAP_TYPE_ARRAY_OF_MAPS, BPF_MAP_TYPE_HASH_OF_MAPS };
	const struct map_attr in = { .type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
		.value_size = 8, .max_entries = 1 };

	for (u32 i = 0; i < 4; i++)
		inner[i] = make_as(in);
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct crowd c = { .step = outer_step };

		c.m = make_as((struct map_attr){ .type = types[i], .key_size = 4, .value_size = 4,
			.max_entries = 8, .inner = &in, .inner_of = inner_of,
			.inner_held = inner_held });
		crowd_run(&c);
		map_free(c.m);
		for (u32 n = 0; n < 4; n++)
			assert_int_equal(held[n], 0);
	}
	for (u32 i = 0; i < 4; i++)
		map_free(inner[i]);
}

static struct sock socks[4];

static struct sock *sock_of(void *arg, u32 n) { return n < 4 ? &socks[n] : NULL; }

static u64 sock_step(struct crowd *c, u64 x, u32 cpu)
{
	u32 key = x % 8;
	u64 value = x >> 8 & 3, cookie;
	struct sock *s;
	int r;

	switch (x >> 30 & 3) {
	case 0:
		r = map_user_update(c->m, &key, &value, 0);
		return r && r != -E2BIG && r != -EBUSY;	/* it is in a reuseport array */
	case 1:
		r = c->m->ops->remove(c->m, &key, cpu);
		return r && r != -ENOENT && r != -EINVAL;
	case 2:
		r = map_user_lookup(c->m, &key, &cookie, 0);
		return r && r != -ENOENT;
	default:
		s = c->m->ops->lookup(c->m, &key, cpu);
		return s && (s < socks || s >= socks + 4);
	}
}

static void test_socks(void **state)
{
	static const u32 types[] = { BPF_MAP_TYPE_SOCKMAP, BPF_MAP_TYPE_SOCKHASH,
		BPF_MAP_TYPE_REUSEPORT_SOCKARRAY };

	for (u32 i = 0; i < 4; i++) {
		socks[i].full.protocol = IPPROTO_TCP;
		socks[i].full.state = SOCK_LISTEN;
		socks[i].group = 1;
	}
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct crowd c = { .step = sock_step };

		c.m = make_as((struct map_attr){ .type = types[i], .key_size = 4, .value_size = 8,
			.max_entries = 8, .sock_of = sock_of });
		crowd_run(&c);
		for (u32 key = 0; key < 8; key++)
			c.m->ops->remove(c.m, &key, MAP_USER);
		for (u32 n = 0; n < 4; n++)
			assert_true(!socks[n].maps && !socks[n].array);
		map_free(c.m);
	}
}

/* ---- records ----------------------------------------------------------------------- */

struct record {
	u64 v, same[3];
};

static int take_record(void *arg, const struct map_event *e)
{
	const struct record *r = (const struct record *)e->data;
	struct crowd *c = arg;

	if (e->bytes == sizeof(*r) && r->v == r->same[0] && r->v == r->same[2])
		out(c, r->v);
	return 0;
}

/* Every second one is discarded. One thread reads. */
static u64 ring_step(struct crowd *c, u64 x, u32 cpu)
{
	struct record *r;
	u64 v = x & 0xffffff;

	if (cpu == 0) {
		c->m->ops->read(c->m, take_record, c);
		return 0;
	}
	r = ring_reserve(c->m, sizeof(*r), cpu);
	if (!r)
		return 0;
	*r = (struct record){ v, { v, v, v } };
	in(c, x & 1 ? 0 : v);
	ring_commit(r, x & 1);
	return ring_query(c->m, BPF_RB_AVAIL_DATA) > c->m->max_entries;
}

static void test_ring(void **state)
{
	struct crowd c = { .step = ring_step };

	c.m = make(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0);
	crowd_run(&c);
	c.m->ops->read(c.m, take_record, &c);
	assert_int_equal(c.in, c.out);
	assert_int_not_equal(c.in, 0);
	map_free(c.m);
}

/* One writer; all others drain, whoever gets the lock. */
static u64 user_ring_step(struct crowd *c, u64 x, u32 cpu)
{
	u64 v = x & 0xffffff;
	void *data;
	u32 bytes;

	if (cpu == 0) {
		in(c, user_ring_write(c->m, &v, sizeof(v)) ? 0 : v);
		return 0;
	}
	if (!user_ring_lock(c->m, cpu))
		return 0;
	if (!user_ring_peek(c->m, &data, &bytes)) {
		out(c, *(u64 *)data);
		user_ring_release(c->m, bytes);
	}
	user_ring_unlock(c->m);
	return 0;
}

static void test_user_ring(void **state)
{
	struct crowd c = { .step = user_ring_step };
	void *data;
	u32 bytes;

	c.m = make(BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 4096, 0);
	crowd_run(&c);
	for (; !user_ring_peek(c.m, &data, &bytes); user_ring_release(c.m, bytes))
		out(&c, *(u64 *)data);
	assert_int_equal(c.in, c.out);
	map_free(c.m);
}

/* Each cpu has a buffer; one reader, as user space. */
static u64 perf_step(struct crowd *c, u64 x, u32 cpu)
{
	u64 v = x & 0xffffff;
	struct record r = { v, { v, v, v } };
	int e;

	if (cpu == 1) {
		c->m->ops->read(c->m, take_record, c);
		return 0;
	}
	if (cpu == MAP_USER)
		return c->m->ops->count(c->m) != CPUS;
	e = perf_output(c->m, BPF_F_CURRENT_CPU, &r, 16, &r.same[1], 16, cpu);
	in(c, e ? 0 : v);
	return e && e != -ENOSPC;
}

static void test_perf(void **state)
{
	struct crowd c = { .step = perf_step };

	c.m = make(BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, CPUS, 0);
	crowd_run(&c);
	c.m->ops->read(c.m, take_record, &c);
	assert_int_equal(c.in, c.out);
	map_free(c.m);
}

/* ---- storages, stacks, arenas ------------------------------------------------------- */

/* Owners below 4 keep their values, whose words are the same; others come and go. */
static u64 storage_step(struct crowd *c, u64 x, u32 cpu)
{
	struct map_owner o = { 1 + x % 16, 0 };
	u64 init[4] = { 0 }, *v;
	u32 key = (u32)o.id - 1;
	int r;

	switch (x >> 30 & 3) {
	case 0:
		r = o.id <= 4 ? 0 : map_owner_remove(c->m, &o, cpu);
		return r && r != -ENOENT;
	case 1:
		r = cpu == MAP_USER ? map_user_lookup(c->m, &key, init, 0) : 0;
		return r && r != -ENOENT;
	default:
		v = map_owner_value(c->m, &o, init, true, cpu);
		if (!v)
			return o.id <= 4;
		if (o.id > 4)
			return 0;
		__atomic_fetch_add(&v[1], 1, __ATOMIC_RELAXED);
		in(c, 1);
		return 0;
	}
}

static void test_storage(void **state)
{
	static const u32 types[] = { BPF_MAP_TYPE_SK_STORAGE, BPF_MAP_TYPE_TASK_STORAGE,
		BPF_MAP_TYPE_INODE_STORAGE, UAPI_MAP_TYPE_CGRP_STORAGE };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct crowd c = { .step = storage_step };
		u64 sum = 0;

		c.m = make(types[i], 4, 32, 0, BPF_F_NO_PREALLOC);
		crowd_run(&c);
		/* meanwhile it counts elements that nobody sees yet or any more, too */
		assert_in_range(c.m->ops->count(c.m), 4, 16);
		for (u64 id = 1; id <= 4; id++) {
			const struct map_owner o = { id, 0 };

			sum += ((u64 *)map_owner_value(c.m, &o, NULL, false, 0))[1];
		}
		assert_int_equal(sum, c.in);
		map_free(c.m);
	}
}

/* Nobody deletes: a cgroup has its value from the first use on. */
static u64 cgroup_step(struct crowd *c, u64 x, u32 cpu)
{
	struct map_owner o = { 1 + x % 16, 0 };
	u64 all[4 * CPUS], next, *v;
	int r;

	if (cpu == MAP_USER) {
		r = x >> 30 & 1 ? map_user_lookup(c->m, &o.id, all, 0) :
				  map_user_next_key(c->m, x >> 31 & 1 ? &o.id : NULL, &next);
		return r && r != -ENOENT;
	}
	v = map_owner_value(c->m, &o, NULL, true, cpu);
	if (!v)
		return 1;
	__atomic_fetch_add(&v[1], 1, __ATOMIC_RELAXED);
	in(c, 1);
	return 0;
}

static u64 cgroup_sum(struct map *m)
{
	u64 sum = 0, slots = m->type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE ? CPUS : 1;

	for (u64 id = 1; id <= 16; id++)
		for (u32 cpu = 0; cpu < slots; cpu++) {
			const struct map_owner o = { id, 0 };
			u64 *v = map_owner_value(m, &o, NULL, false, cpu);

			sum += v ? v[1] : 0;
		}
	return sum;
}

static void test_cgroup_storage(void **state)
{
	static const u32 types[] = { BPF_MAP_TYPE_CGROUP_STORAGE,
				     BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct crowd c = { .step = cgroup_step };

		c.m = make(types[i], 8, 32, 0, 0);
		crowd_run(&c);
		assert_int_equal(c.m->ops->count(c.m), 16);
		assert_int_equal(cgroup_sum(c.m), c.in);
		map_free(c.m);
	}
}

/* One of all who register the value does so, and one takes it back. */
static u64 ops_step(struct crowd *c, u64 x, u32 cpu)
{
	u64 value[4] = { 0, cpu, cpu, cpu };
	u32 key = 0;

	if (x & 1)
		in(c, !map_user_update(c->m, &key, value, 0));
	else
		out(c, !c->m->ops->remove(c->m, &key, cpu));
	if (map_user_lookup(c->m, &key, value, 0))
		return 1;
	return value[0] >> 32 && (value[1] != value[2] || value[2] != value[3]);
}

static void test_struct_ops(void **state)
{
	struct crowd c = { .step = ops_step, .steps = STEPS / 20 };

	for (int i = 0; i < 20; i++) {
		c.in = c.out = 0;
		c.m = make(BPF_MAP_TYPE_STRUCT_OPS, 4, 32, 1, 0);
		crowd_run(&c);
		assert_true(c.in == 1 && c.out == 1);
		map_free(c.m);
	}
}

/* A chain is whole, whoever replaces or deletes it. */
static u64 stack_step(struct crowd *c, u64 x, u32 cpu)
{
	u64 chain[4], got[4];
	u32 key = x % 16;
	s64 id;

	for (u32 i = 0; i < 4; i++)
		chain[i] = x % 50;
	if (cpu != MAP_USER) {
		id = map_stack_put(c->m, chain, sizeof(chain), x & 64 ? BPF_F_REUSE_STACKID : 0);
		return id < 0 ? id != -EEXIST && id != -ENOMEM : id > 15;
	}
	id = x & 64 ? map_user_take(c->m, &key, got, 0) : map_user_lookup(c->m, &key, got, 0);
	if (id)
		return id != -ENOENT;
	return got[0] != got[1] || got[1] != got[2] || got[2] != got[3];
}

static void test_stacks(void **state)
{
	struct crowd c = { .step = stack_step };

	c.m = make(BPF_MAP_TYPE_STACK_TRACE, 4, 32, 10, 0);
	crowd_run(&c);
	assert_true(c.m->ops->count(c.m) <= 10);
	map_free(c.m);
}

/* What is somebody's is nobody else's until it is given back. */
static u64 arena_step(struct crowd *c, u64 x, u32 cpu)
{
	u32 pages = 1 + x % 3;
	u64 addr = map_arena_take(c->m, 0, pages), wrong;
	u32 *first = (u32 *)(uintptr_t)addr;

	if (!addr)
		return 0;
	wrong = __atomic_exchange_n(first, 1, __ATOMIC_RELAXED);
	wrong += !map_arena_there(c->m, addr);
	__atomic_store_n(first, 0, __ATOMIC_RELAXED);
	map_arena_drop(c->m, addr, pages);
	return wrong;
}

static void test_arena(void **state)
{
	struct crowd c = { .step = arena_step, .steps = STEPS / 20 };

	c.m = make(33, 0, 0, 20, BPF_F_MMAPABLE);
	crowd_run(&c);
	assert_int_equal(c.m->ops->count(c.m), 0);
	map_free(c.m);
}

/* After all others. */
static void test_every_type(void **state)
{
	for (u32 type = 0; type < ARRAY_LEN(made); type++)
		if (map_ops_of(type) && !made[type])
			fail_msg("no threads were on a map of type %u", type);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_lru),
		cmocka_unit_test(test_torn_keys),
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_lpm),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_bloom),
		cmocka_unit_test(test_array),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_outer),
		cmocka_unit_test(test_socks),
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_user_ring),
		cmocka_unit_test(test_perf),
		cmocka_unit_test(test_storage),
		cmocka_unit_test(test_stacks),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_cgroup_storage),
		cmocka_unit_test(test_struct_ops),
		cmocka_unit_test(test_every_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
