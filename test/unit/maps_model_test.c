/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * maps_model_test.c: a million random operations on a map of each type, as
 * programs of several cpus and as user space, against a simple table; and on the
 * kernel's map as well, where bpf(2) is allowed. MODEL_OPS is another number.
 *
 * What LRU types give up is their own affair: they may lose keys, never have more
 * than max_entries, never another value, and always the key of the last update.
 */
#include "kernel_bpf.h"
#include "base/os.h"
#include <stdlib.h>

enum { KEYS = 400, CPUS = 3, KEY_MAX = 40, WORDS = 3, OPS = 1000000, KERNEL_OPS = 200000 };

struct model {
	struct map *m;
	int fd;			/* the kernel's, or -1 */
	struct map_attr attr;
	bool there[KEYS];
	u64 value[KEYS][CPUS][WORDS];
	u32 count;
	u64 step;
	u32 same[KEYS];		/* the first number with an equal key */
};

static u64 rng;

static u32 any(u32 below)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (u32)(rng >> 33) % below;
}

static bool is_lru(const struct model *o)
{
	return o->attr.type == BPF_MAP_TYPE_LRU_HASH ||
	       o->attr.type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static bool is_lpm(const struct model *o) { return o->attr.type == BPF_MAP_TYPE_LPM_TRIE; }

/* Values that owners have: no keys to go from one to the next, no limit that is near. */
static bool is_local(const struct model *o) { return map_is_local(o->attr.type); }

static void key_of(const struct model *o, u32 nr, u8 *key)
{
	u32 len = 8 + nr % 25, word = nr * 2654435761u % 64 * 0x04210842u;

	memset(key, 0, KEY_MAX);
	if (!is_lpm(o)) {
		memcpy(key, &nr, 4);
		if (o->attr.key_size > 8)
			memset(key + 8, (int)nr, o->attr.key_size - 8);
		return;
	}
	word = __builtin_bswap32(word >> (32 - len) << (32 - len));
	memcpy(key, &len, 4);
	memcpy(key + 4, &word, 4);
}

/* The number of an equal key: prefixes of several numbers are the same. */
static u32 same_key(const struct model *o, u32 nr)
{
	u8 a[KEY_MAX], b[KEY_MAX];

	if (!is_lpm(o))
		return nr;
	key_of(o, nr, a);
	for (u32 i = 0; i < nr; i++) {
		key_of(o, i, b);
		if (!memcmp(a, b, KEY_MAX))
			return i;
	}
	return nr;
}

/* What a lookup of key NR is to find: a number, or KEYS. */
static u32 find(const struct model *o, u32 nr)
{
	u32 best = KEYS, best_len = 0, len, x, y;
	u8 a[KEY_MAX], b[KEY_MAX];

	if (!is_lpm(o))
		return o->there[nr] ? nr : KEYS;
	key_of(o, nr, a);
	memcpy(&x, a + 4, 4);
	for (u32 i = 0; i < KEYS; i++) {
		if (!o->there[i])
			continue;
		key_of(o, i, b);
		len = b[0];
		memcpy(&y, b + 4, 4);
		if (len > a[0] || len < best_len || __builtin_bswap32(x ^ y) >> (32 - len))
			continue;
		best = i;
		best_len = len;
	}
	return best;
}

static void check(const struct model *o, bool ok, const char *what)
{
	if (!ok)
		fail_msg("%s map, step %llu: %s", o->m->row->name,
			 (unsigned long long)o->step, what);
}

static int kernel_op(const struct model *o, int cmd, const void *key, void *value, u64 flags)
{
	union bpf_attr a = { .map_fd = (u32)o->fd, .key = (uintptr_t)key,
		.value = (uintptr_t)value, .flags = flags };

	return sys_bpf(cmd, &a);
}

/* ---- one operation -------------------------------------------------------------- */

/* What updates of key NR are to say. */
static int model_update(const struct model *o, u32 nr, u64 flags)
{
	if (o->there[nr])
		return flags & BPF_NOEXIST ? -EEXIST : 0;
	if (flags & BPF_EXIST)
		return -ENOENT;
	if (o->count < o->attr.max_entries || is_lru(o) || is_local(o))
		return 0;
	return is_lpm(o) ? -ENOSPC : -E2BIG;
}

static void model_store(struct model *o, u32 nr, u64 (*value)[WORDS], u32 cpu)
{
	u32 slots = o->m->row->percpu ? CPUS : 1;

	if (!o->there[nr])
		memset(o->value[nr], 0, sizeof(o->value[nr]));
	for (u32 i = 0; i < slots; i++)
		if (cpu == MAP_USER || slots == 1 || i == cpu)
			memcpy(o->value[nr][i], value[cpu == MAP_USER ? i : 0], o->attr.value_size);
	o->count += !o->there[nr];
	o->there[nr] = true;
}

static void do_update(struct model *o, u32 nr)
{
	static const u64 flags[] = { 0, 0, 0, 0, 0, BPF_NOEXIST, BPF_EXIST };
	u64 value[CPUS][WORDS], f = flags[any(7)];
	u32 cpu = any(3) && o->fd < 0 ? any(CPUS) : MAP_USER;
	int want, r;
	u8 key[KEY_MAX];

	memset(value, 0, sizeof(value));
	for (u32 i = 0; i < CPUS; i++)
		for (u32 w = 0; w < o->attr.value_size / 8; w++)
			value[i][w] = rng + i * 7 + w;
	key_of(o, nr, key);
	if (is_lru(o) && o->there[nr] && !o->m->ops->lookup(o->m, key, MAP_USER)) {
		o->there[nr] = false;	/* it was given up */
		o->count--;
	}
	want = model_update(o, nr, f);
	r = cpu == MAP_USER ? map_user_update(o->m, key, value, f) :
			      o->m->ops->update(o->m, key, value, f, cpu);
	check(o, r == want, "update");
	if (o->fd >= 0)
		check(o, kernel_op(o, BPF_MAP_UPDATE_ELEM, key, value, f) == r, "kernel's update");
	if (!r)
		model_store(o, nr, value, cpu);
	if (!r && is_lru(o))
		check(o, o->m->ops->lookup(o->m, key, 0) != NULL, "an update is given up");
}

static void do_remove(struct model *o, u32 nr)
{
	u64 value[CPUS][WORDS];
	bool take = o->m->ops->take && any(3) == 0;
	int want = o->there[nr] ? 0 : -ENOENT, r;
	u8 key[KEY_MAX];

	key_of(o, nr, key);
	r = take ? map_user_take(o->m, key, value, 0) :
	    any(2) ? map_user_delete(o->m, key) : o->m->ops->remove(o->m, key, any(CPUS));
	check(o, r == want || (is_lru(o) && r == -ENOENT), take ? "take" : "remove");
	if (!r && take)
		check(o, !memcmp(value, o->value[nr], o->attr.value_size), "value taken");
	if (o->fd >= 0)
		check(o, kernel_op(o, BPF_MAP_DELETE_ELEM, key, NULL, 0) == r, "kernel's delete");
	o->count -= o->there[nr];
	o->there[nr] = false;
}

static void do_lookup(struct model *o, u32 nr)
{
	u64 value[CPUS][WORDS], theirs[64 * WORDS];
	u32 found = find(o, nr), cpu = any(CPUS), slots = o->m->row->percpu ? CPUS : 1;
	u8 key[KEY_MAX], *v;

	key_of(o, nr, key);
	v = o->m->ops->lookup(o->m, key, cpu);
	check(o, !v || found < KEYS, "a key that is not there");
	check(o, v || found == KEYS || is_lru(o), "a key is missing");
	if (!v)
		return;
	check(o, !memcmp(v, o->value[found][slots > 1 ? cpu : 0], o->attr.value_size), "value");
	check(o, !map_user_lookup(o->m, key, value, 0), "user's lookup");
	for (u32 i = 0; i < slots; i++)
		check(o, !memcmp((u8 *)value + i * o->m->value_stride, o->value[found][i],
				 o->attr.value_size), "user's value");
	if (o->fd >= 0 && slots == 1)
		check(o, !kernel_op(o, BPF_MAP_LOOKUP_ELEM, key, theirs, 0) &&
			 !memcmp(theirs, value, o->attr.value_size), "kernel's value");
}

/* Everything, by keys and by positions. */
static void do_walk(struct model *o)
{
	u8 key[KEY_MAX], next[KEY_MAX];
	u64 n = 0, pos = 0;
	void *value;

	check(o, o->m->ops->count(o->m) == o->count || is_lru(o), "number of elements");
	if (is_local(o))
		return;
	for (int r = map_user_next_key(o->m, NULL, key); !r; n++) {
		check(o, n < KEYS, "keys without end");
		r = map_user_next_key(o->m, key, next);
		memcpy(key, next, sizeof(key));
	}
	check(o, is_lru(o) ? n <= o->attr.max_entries : n == o->count, "number of keys");
	check(o, o->m->ops->count(o->m) == n, "count");
	for (; o->m->ops->walk && o->m->ops->walk(o->m, &pos, key, &value, 0); n--)
		check(o, n > 0, "walk");
	check(o, !o->m->ops->walk || !n, "end of a walk");
}

static void play(struct model *o, u64 ops)
{
	for (o->step = 0; o->step < ops; o->step++) {
		u32 nr = o->same[any(KEYS)], what = any(1000);

		if (what == 0)
			do_walk(o);
		else if (what < 350)
			do_update(o, nr);
		else if (what < 600)
			do_remove(o, nr);
		else
			do_lookup(o, nr);
	}
}

/* ---- types ----------------------------------------------------------------------- */

/* Values of per-cpu types are as long as a row of the model. */
static const struct map_attr hashes[] = {
	{ .type = BPF_MAP_TYPE_HASH, .key_size = 8, .value_size = 8, .max_entries = 300 },
	{ .type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 24, .max_entries = 150,
	  .map_flags = BPF_F_NO_PREALLOC },
	{ .type = BPF_MAP_TYPE_HASH, .key_size = 37, .value_size = 16, .max_entries = 200,
	  .map_flags = BPF_F_ZERO_SEED },
	{ .type = BPF_MAP_TYPE_PERCPU_HASH, .key_size = 8, .value_size = 24, .max_entries = 200 },
	{ .type = BPF_MAP_TYPE_LRU_HASH, .key_size = 8, .value_size = 8, .max_entries = 100 },
	{ .type = BPF_MAP_TYPE_LRU_HASH, .key_size = 8, .value_size = 8, .max_entries = 99,
	  .map_flags = BPF_F_NO_COMMON_LRU },
	{ .type = BPF_MAP_TYPE_LRU_PERCPU_HASH, .key_size = 12, .value_size = 24,
	  .max_entries = 100 },
	{ .type = BPF_MAP_TYPE_TASK_STORAGE, .key_size = 4, .value_size = 24,
	  .map_flags = BPF_F_NO_PREALLOC },
	{ .type = BPF_MAP_TYPE_SK_STORAGE, .key_size = 4, .value_size = 8,
	  .map_flags = BPF_F_NO_PREALLOC },
	{ .type = BPF_MAP_TYPE_LPM_TRIE, .key_size = 8, .value_size = 8, .max_entries = 200,
	  .map_flags = BPF_F_NO_PREALLOC },
};

static u64 ops_wanted(u64 otherwise)
{
	const char *s = getenv("MODEL_OPS");

	return s ? strtoull(s, NULL, 0) : otherwise;
}

/* The model of a trie is slow. */
static u64 ops_of(const struct map_attr *a, u64 ops)
{
	return a->type == BPF_MAP_TYPE_LPM_TRIE ? ops / 4 : ops;
}

static void run(const struct map_attr *attr, int fd, u64 ops)
{
	struct model *o = mem_alloc(sizeof(*o));
	struct skep_err err = { 0 };

	rng = attr->type + ops;
	o->attr = *attr;
	o->fd = fd;
	if (map_create(&o->m, attr, CPUS, &err))
		fail_msg("%s", err.text);
	for (u32 i = 0; i < KEYS; i++)
		o->same[i] = same_key(o, i);
	play(o, ops);
	map_free(o->m);
	free(o);
}

static void test_model(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(hashes); i++)
		run(&hashes[i], -1, ops_wanted(ops_of(&hashes[i], OPS)));
}

/* Types that neither have a value for each of its cpus nor give up elements. */
static void test_model_kernel(void **state)
{
	need_kernel();
	for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
		const struct map_attr *a = &hashes[i];
		int fd;

		if (a->type != BPF_MAP_TYPE_HASH && a->type != BPF_MAP_TYPE_LPM_TRIE)
			continue;
		fd = kmap_create(a);
		assert_true(fd >= 0);
		run(a, fd, ops_wanted(ops_of(a, KERNEL_OPS)));
		close(fd);
	}
}

/* A queue and a stack against an array. */
static void test_model_queue(void **state)
{
	static u64 line[OPS * 2];

	for (int stack = 0; stack < 2; stack++) {
		const struct map_attr a = { .type = stack ? BPF_MAP_TYPE_STACK : BPF_MAP_TYPE_QUEUE,
			.value_size = 8, .max_entries = 100 };
		u64 from = 0, to = 0, v, ops = ops_wanted(OPS);
		struct map *m;

		assert_int_equal(map_create(&m, &a, CPUS, NULL), 0);
		for (u64 i = 0; i < ops && to < ARRAY_LEN(line); i++) {
			u64 at = stack ? to - 1 : from;
			bool pop = any(2);

			if (any(100) >= 50) {
				v = i;
				assert_int_equal(m->ops->push(m, &v, 0, 0),
						 to - from < 100 ? 0 : -E2BIG);
				if (to - from < 100)
					line[to++] = i;
				continue;
			}
			assert_int_equal(pop ? m->ops->pop(m, &v, 0) : m->ops->peek(m, &v, 0),
					 to > from ? 0 : -ENOENT);
			if (to == from)
				continue;
			assert_int_equal(v, line[at]);
			from += pop && !stack;
			to -= pop && stack;
		}
		assert_int_equal(m->ops->count(m), to - from);
		map_free(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_model_kernel),
		cmocka_unit_test(test_model_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
