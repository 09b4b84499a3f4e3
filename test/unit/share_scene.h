/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * share_scene.h: changes of shared maps that a process dies in (share_states_test.c,
 * share_kill_test.c): what the map is before, who changes what, a process that is stepped
 * through it, and what must hold whenever it died.
 */
#ifndef TEST_SHARE_SCENE_H
#define TEST_SHARE_SCENE_H

#include "base/os.h"
#include "maps/hash.h"
#include "maps/share.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { CPUS = 2 };

static char dir[] = "/tmp/skep-kill-XXXXXX";
static char path[128];			/* of the map */
static volatile u32 *stage;		/* shared with the writer: 1 in the change, 2 behind */

/* ---- scenes --------------------------------------------------------------------------- */

/* What the change is about, and in which map. */
struct scene {
	const char *name;
	struct map_attr attr;
	u32 fill;		/* elements before */
	u32 cpu;		/* who changes: a cpu, or MAP_USER */
	u32 key, value;		/* of the change; VALUE 0: a delete or pop */
	u64 flags;
	bool chain;		/* all keys are of one bucket */
};

static u32 keys[64];		/* of the scene at hand: elements 0 .. fill - 1, then others */

static void key_bytes(const struct scene *s, u32 i, u8 *key)
{
	u32 k = keys[i], len = 8 + i % 3 * 8;
	u8 group = (u8)(i / 3);

	memset(key, 0, 8);
	if (s->attr.type != BPF_MAP_TYPE_LPM_TRIE) {
		memcpy(key, &k, 4);
		return;
	}
	memcpy(key, &len, 4);	/* one inside the other, by threes */
	key[4] = 10 + group;
	key[5] = len > 8 ? group * 64 : 0;
	key[6] = len > 16 ? group * 37 : 0;
}

/* Values are of two equal halves: a torn one shows. */
static void value_bytes(const struct scene *s, u32 v, u8 *value)
{
	u32 n = s->attr.value_size / 4;

	for (u32 cpu = 0; cpu < CPUS; cpu++)
		for (u32 i = 0; i < n; i++)
			memcpy(value + cpu * round_up(n * 4, 8) + i * 4, &v, 4);
}

static bool is_percpu(const struct scene *s)
{
	return s->attr.type == BPF_MAP_TYPE_PERCPU_HASH ||
	       s->attr.type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static bool is_lru(const struct scene *s)
{
	return s->attr.type == BPF_MAP_TYPE_LRU_HASH ||
	       s->attr.type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static bool is_queue(const struct scene *s)
{
	return s->attr.type == BPF_MAP_TYPE_QUEUE || s->attr.type == BPF_MAP_TYPE_STACK;
}

static bool is_ring(const struct scene *s) { return s->attr.type == BPF_MAP_TYPE_RINGBUF; }

/* ---- before --------------------------------------------------------------------------- */

static struct map *must_open(const char *name)
{
	struct skep_err err = { 0 };
	struct map *m;

	if (share_open(&m, name, NULL, NULL, &err))
		fail_msg("%s", err.text);
	return m;
}

static int put(struct map *m, const struct scene *s, u32 i, u32 v, u64 flags)
{
	u8 key[8], value[64];

	key_bytes(s, i, key);
	value_bytes(s, v, value);
	return map_user_update(m, key, value, flags);
}

static void put_record(struct map *m, u32 v)
{
	u32 *rec = ring_reserve(m, 40, 0);

	assert_non_null(rec);
	for (u32 i = 0; i < 10; i++)
		rec[i] = v;
	ring_commit(rec, false);
}

/* Keys, for a scene with CHAIN such that they are of the first one's bucket. */
static void choose_keys(struct map *m, const struct scene *s)
{
	struct place at, home = { 0 };
	u32 n = 0;

	for (u32 k = 1; n < ARRAY_LEN(keys); k++) {
		if (s->chain) {
			u8 key[8] = { 0 };

			memcpy(key, &k, sizeof(k));
			hash_find(m, &at, key);
			if (!n)
				home = at;
			if (at.first != home.first)
				continue;
		}
		keys[n++] = k;
	}
}

static void make(const struct scene *s)
{
	struct skep_err err = { 0 };
	struct map *m;

	unlink(path);
	if (map_create(&m, &s->attr, CPUS, &err) || share_create(m, path, NULL, &err))
		fail_msg("%s", err.text);
	choose_keys(m, s);
	for (u32 i = 0; i < s->fill; i++) {
		if (is_ring(s))
			put_record(m, 100 + i);
		else
			assert_int_equal(put(m, s, i, 100 + i, 0), 0);
	}
	map_free(m);
}

/* ---- the change ------------------------------------------------------------------------ */

static void change_ring(struct map *m, const struct scene *s)
{
	u32 *rec = ring_reserve(m, 40, s->cpu);

	for (u32 i = 0; rec && i < 10; i++)
		rec[i] = s->value;
	if (rec)
		ring_commit(rec, s->flags);
}

static void change(struct map *m, const struct scene *s, const u8 *key, u8 *value)
{
	if (is_ring(s))
		change_ring(m, s);
	else if (is_queue(s) && s->value)
		m->ops->push(m, value, s->flags, s->cpu);
	else if (is_queue(s))
		m->ops->pop(m, value, s->cpu);
	else if (s->value)
		m->ops->update(m, key, value, s->flags, s->cpu);
	else
		m->ops->remove(m, key, s->cpu);
}

/* Until somebody steps it. */
static void wait_traced(void)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(5);
	raise(SIGSTOP);
	*stage = 1;
}

/* Changes the map in the file NAME, in steps. */
static _Noreturn void writer(const struct scene *s, const char *name)
{
	struct skep_err err = { 0 };
	u8 key[8], value[64];
	struct map *m;

	key_bytes(s, s->key, key);
	value_bytes(s, s->value, value);
	if (share_open(&m, name, NULL, NULL, &err))
		_exit(3);
	if (s->cpu != MAP_USER && share_has_cpus(m) && !share_cpu(m, s->cpu))
		_exit(4);
	wait_traced();
	change(m, s, key, value);
	*stage = 2;
	raise(SIGKILL);
	_exit(6);
}

/* RUN as a child that waits to be stepped. */
static pid_t traced(const struct scene *s, const char *name,
		    void (*run)(const struct scene *s, const char *name))
{
	int status;
	pid_t pid;

	*stage = 0;
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		run(s, name);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGSTOP)
		fail_msg("%s: the child's status is %#x", s->name, status);
	return pid;
}

/* To its next instruction; false: it is done. */
static bool step(const struct scene *s, pid_t pid)
{
	int status;

	if (*stage == 2)
		return false;
	assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSTOPPED(status))
		fail_msg("%s: the child's status is %#x", s->name, status);
	return true;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* ---- afterwards --------------------------------------------------------------------------- */

/* Is KEY among the keys? A trie's look-up would find shorter ones as well. */
static bool has_key(struct map *m, const u8 *key)
{
	u8 at[8], next[8];
	bool start = true;

	for (u32 n = 0; n < 1000 && !map_user_next_key(m, start ? NULL : at, next); n++) {
		if (!memcmp(next, key, m->key_size))
			return true;
		memcpy(at, next, sizeof(at));
		start = false;
	}
	return false;
}

/* The value of element I, 0 when it is not there. */
static u32 value_of(struct map *m, const struct scene *s, u32 i)
{
	u8 key[8], value[64], want[64];
	u32 v;

	key_bytes(s, i, key);
	memset(value, 0, sizeof(value));
	if (map_user_lookup(m, key, value, 0) ||
	    (s->attr.type == BPF_MAP_TYPE_LPM_TRIE && !has_key(m, key)))
		return 0;
	memcpy(&v, value, 4);
	if (is_percpu(s))	/* written in place, cpu by cpu */
		return v;
	value_bytes(s, v, want);
	assert_memory_equal(value, want, s->attr.value_size);
	return v;
}

/* Elements by their keys, one after another. */
static u32 count_keys(struct map *m)
{
	u8 key[8], next[8];
	u32 n = 0;
	bool start = true;

	while (!map_user_next_key(m, start ? NULL : key, next) && n < 1000) {
		memcpy(key, next, sizeof(key));
		start = false;
		n++;
	}
	return n;
}

/* Nothing but the key of the change is another than before; how many are there. */
static u32 check_elements(struct map *m, const struct scene *s)
{
	u32 there = 0, missing = 0;

	for (u32 i = 0; i < ARRAY_LEN(keys) / 2; i++) {
		u32 v = value_of(m, s, i), was = i < s->fill ? 100 + i : 0;

		there += !!v;
		if (i == s->key)
			assert_true(v == was || v == s->value || is_percpu(s));
		else if (v != was) {
			assert_true(is_lru(s) && !v);
			missing++;
		}
	}
	assert_true(missing <= 1);
	assert_int_equal(count_keys(m), there);
	return there;
}

/* As many elements as the map is to have, but for LOST. */
static void check_room(struct map *m, const struct scene *s, u32 there, u32 lost)
{
	u32 i, most = s->attr.max_entries;
	int r = 0;

	for (i = 0; i < ARRAY_LEN(keys) && !(r = put(m, s, i, 500 + i, 0)); i++)
		;
	if (is_lru(s)) {
		assert_int_equal(i, ARRAY_LEN(keys));
		assert_in_range(count_keys(m), most - lost, most);
		return;
	}
	assert_int_equal(r, s->attr.type == BPF_MAP_TYPE_LPM_TRIE ? -ENOSPC : -E2BIG);
	assert_in_range(count_keys(m), most - lost, most);
	for (u32 k = 0; k < i; k++)
		assert_int_equal(put(m, s, k, 700 + k, BPF_EXIST), 0);
	for (u32 k = 0; k < i; k++)
		assert_int_equal(value_of(m, s, k), 700 + k);
}

/* The cpu of the dead one goes on as well. */
static void check_cpu(struct map *m, const struct scene *s)
{
	u8 key[8], value[64];

	if (!share_has_cpus(m))
		return;
	assert_true(share_cpu(m, 0));
	for (u32 i = 0; i < 3; i++) {
		key_bytes(s, i, key);
		value_bytes(s, 900 + i, value);
		m->ops->remove(m, key, 0);
		assert_int_equal(m->ops->update(m, key, value, 0, 0), 0);
		assert_int_equal(m->ops->update(m, key, value, BPF_EXIST, 0), 0);
		assert_int_equal(value_of(m, s, i), 900 + i);
	}
}

static void check_queue(struct map *m, const struct scene *s)
{
	u32 got[64], n = 0, want[64], w = 0;
	u8 value[64], same[64];

	for (; n < 64 && !m->ops->pop(m, value, MAP_USER); n++) {
		memcpy(&got[n], value, 4);
		value_bytes(s, got[n], same);
		assert_memory_equal(value, same, s->attr.value_size);
	}
	for (u32 i = 0; i < s->fill; i++)
		want[w++] = s->attr.type == BPF_MAP_TYPE_STACK ? 100 + s->fill - 1 - i : 100 + i;
	if (n == w && !memcmp(got, want, n * 4))
		return;			/* before the change */
	if (!s->value) {		/* behind a pop */
		assert_int_equal(n, w - 1);
		assert_memory_equal(got, want + 1, n * 4);
	} else if (s->attr.type == BPF_MAP_TYPE_STACK) {
		assert_int_equal(n, w + 1);
		assert_int_equal(got[0], s->value);
	} else {			/* a push, of a full queue in place of the oldest */
		u32 gone = s->fill == s->attr.max_entries;

		assert_int_equal(n, w + 1 - gone);
		assert_memory_equal(got, want + gone, (n - 1) * 4);
		assert_int_equal(got[n - 1], s->value);
	}
}

struct records { u32 n, v[32]; };

static int take_record(void *arg, const struct map_event *e)
{
	struct records *r = arg;
	const u32 *v = (const void *)e->data;

	assert_int_equal(e->bytes, 40);
	for (u32 i = 1; i < 10; i++)
		assert_int_equal(v[i], v[0]);
	r->v[r->n++ % 32] = v[0];
	return 0;
}

/* What was committed comes out whole, and the ring goes on behind what was not. */
static void check_ring(struct map *m, const struct scene *s)
{
	struct records r = { 0 };
	u32 more = 0;

	put_record(m, 200);
	assert_true(m->ops->read(m, take_record, &r) > 0);
	for (u32 i = 0; i < s->fill; i++)
		assert_int_equal(r.v[i], 100 + i);
	more = r.n > s->fill + 1;
	if (more)
		assert_int_equal(r.v[s->fill], s->value);
	assert_int_equal(r.n, s->fill + 1 + more);
	assert_int_equal(r.v[r.n - 1], 200);
	for (u32 i = 0; i < 300; i++) {		/* around the end */
		put_record(m, i + 1);
		assert_int_equal(m->ops->read(m, take_record, &r), 1);
	}
}

static void check(struct map *m, const struct scene *s, u32 lost)
{
	u32 there;

	if (is_ring(s)) {
		check_ring(m, s);
	} else if (is_queue(s)) {
		check_queue(m, s);
	} else {
		there = check_elements(m, s);
		if (s->attr.type != BPF_MAP_TYPE_ARRAY)
			assert_in_range(m->ops->count(m), there, there + lost);
		if (s->attr.type == BPF_MAP_TYPE_ARRAY)
			return;
		check_room(m, s, there, lost);
		check_cpu(m, s);
	}
}

/* ---- all of them -------------------------------------------------------------------- */

#define TABLE(t, key, entries, flags) { .name = "m", .type = BPF_MAP_TYPE_##t, \
	.key_size = key, .value_size = 16, .max_entries = entries, .map_flags = flags }
#define HASH(t, entries, flags) TABLE(t, 4, entries, flags)
#define WORDS(entries) TABLE(HASH, 8, entries, 0)	/* elements are words: overwrite_plain() */
#define TRIE { .name = "m", .type = BPF_MAP_TYPE_LPM_TRIE, .key_size = 8, .value_size = 16, \
	.max_entries = 16, .map_flags = BPF_F_NO_PREALLOC }
#define LIST(t) { .name = "m", .type = BPF_MAP_TYPE_##t, .value_size = 16, .max_entries = 8 }
#define RING { .name = "m", .type = BPF_MAP_TYPE_RINGBUF, .max_entries = 4096 }

static const struct scene hash_scenes[] = {
	{ "hash insert", HASH(HASH, 12, 0), 6, 0, 9, 77, 0, false },
	{ "hash insert, user", HASH(HASH, 12, 0), 6, MAP_USER, 9, 77, 0, false },
	{ "hash insert, the last one", HASH(HASH, 12, 0), 11, 0, 11, 77, 0, false },
	{ "hash insert, full", HASH(HASH, 12, 0), 12, 0, 13, 77, 0, false },
	{ "hash insert, a longer chain", HASH(HASH, 24, 0), 10, 0, 10, 77, 0, true },
	{ "hash update", HASH(HASH, 12, 0), 6, 0, 3, 77, 0, false },
	{ "hash update, user", HASH(HASH, 12, 0), 6, MAP_USER, 3, 77, 0, false },
	{ "hash update, full", HASH(HASH, 12, 0), 12, 0, 3, 77, 0, false },
	{ "hash update, words", WORDS(12), 6, 0, 3, 77, 0, false },
	{ "hash update, words, full", WORDS(12), 12, 0, 3, 77, 0, false },
	{ "hash update, words, a chain", WORDS(24), 12, 0, 11, 77, 0, true },
	{ "hash insert, words", WORDS(12), 6, 0, 9, 77, 0, false },
	{ "hash delete, words", WORDS(12), 12, 0, 3, 0, 0, false },
	{ "hash delete", HASH(HASH, 12, 0), 6, 0, 3, 0, 0, false },
	{ "hash delete, user", HASH(HASH, 12, 0), 12, MAP_USER, 3, 0, 0, false },
	{ "hash delete, a shorter chain", HASH(HASH, 24, 0), 11, 0, 10, 0, 0, true },
};

static const struct scene percpu_scenes[] = {
	{ "percpu_hash insert", HASH(PERCPU_HASH, 12, 0), 6, 0, 9, 77, 0, false },
	{ "percpu_hash update", HASH(PERCPU_HASH, 12, 0), 6, MAP_USER, 3, 77, 0, false },
	{ "percpu_hash delete", HASH(PERCPU_HASH, 12, 0), 6, 0, 3, 0, 0, false },
};

static const struct scene lru_scenes[] = {
	{ "lru eviction", HASH(LRU_HASH, 12, 0), 12, 0, 13, 77, 0, false },
	{ "lru eviction, user", HASH(LRU_HASH, 12, 0), 12, MAP_USER, 13, 77, 0, false },
	{ "lru eviction, own lists", HASH(LRU_HASH, 12, BPF_F_NO_COMMON_LRU), 12, 0, 13, 77, 0,
	  false },
	{ "lru update", HASH(LRU_HASH, 12, 0), 12, 0, 3, 77, 0, false },
	{ "lru delete", HASH(LRU_HASH, 12, 0), 12, 0, 3, 0, 0, false },
	{ "lru_percpu eviction", HASH(LRU_PERCPU_HASH, 12, 0), 12, 0, 13, 77, 0, false },
};

static const struct scene trie_scenes[] = {
	{ "trie insert", TRIE, 6, MAP_USER, 7, 77, 0, false },
	{ "trie insert, a fork", TRIE, 10, MAP_USER, 13, 77, 0, false },
	{ "trie update", TRIE, 10, MAP_USER, 4, 77, 0, false },
	{ "trie delete", TRIE, 10, MAP_USER, 5, 0, 0, false },
	{ "trie delete, inside", TRIE, 10, MAP_USER, 0, 0, 0, false },
};

static const struct scene lists_scenes[] = {
	{ "queue push", LIST(QUEUE), 5, 0, 0, 77, 0, false },
	{ "queue push, full", LIST(QUEUE), 8, 0, 0, 77, BPF_EXIST, false },
	{ "queue pop", LIST(QUEUE), 5, 0, 0, 0, 0, false },
	{ "stack push", LIST(STACK), 5, 0, 0, 77, 0, false },
	{ "stack pop", LIST(STACK), 5, 0, 0, 0, 0, false },
};

static const struct scene ring_scenes[] = {
	{ "ring reserve and submit", RING, 3, 0, 0, 77, 0, false },
	{ "ring reserve and discard", RING, 3, 0, 0, 77, 1, false },
	{ "ring reserve in an empty one", RING, 0, 0, 0, 77, 0, false },
};

static const struct { const struct scene *s; size_t n; } all_scenes[] = {
	{ hash_scenes, ARRAY_LEN(hash_scenes) }, { percpu_scenes, ARRAY_LEN(percpu_scenes) },
	{ lru_scenes, ARRAY_LEN(lru_scenes) }, { trie_scenes, ARRAY_LEN(trie_scenes) },
	{ lists_scenes, ARRAY_LEN(lists_scenes) }, { ring_scenes, ARRAY_LEN(ring_scenes) },
};

/* PLAY for each scene that KILL_ONLY does not leave out. */
static void play_all(void (*play)(const struct scene *s))
{
	const char *only = getenv("KILL_ONLY");

	for (size_t i = 0; i < ARRAY_LEN(all_scenes); i++) {
		const struct scene *s = all_scenes[i].s;

		for (size_t n = all_scenes[i].n; n--; s++)
			if (!only || strstr(s->name, only))
				play(s);
	}
}

static bool may_trace(void)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (!WIFSTOPPED(status) || ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL))
		return false;
	waitpid(pid, &status, 0);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return true;
}

/* Of main(): false where nobody may be stepped. */
static bool scenes_begin(void)
{
	if (!may_trace()) {
		puts("1..0 # SKIP this system does not let a process single-step another");
		return false;
	}
	stage = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (stage == MAP_FAILED || !mkdtemp(dir))
		exit(1);
	snprintf(path, sizeof(path), "%s/m", dir);
	return true;
}

#endif
