/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * share_states_test.c: all that a process can leave that dies in the middle of changing a
 * shared map (KILL_ONLY=word: only the changes whose names have it).
 *
 * It is single-stepped. Each time that the file is another than before, the others get a
 * copy, in which nobody is but them, as if it had been killed there: who opens it alone
 * (then not a thing may be missing); who had it open all the time (then one element may be
 * out of use until somebody opens the file alone, which is done then, too); who changes
 * what the dead one was about before he notices that somebody died. And who puts a file in
 * order may die of that.
 */
#include "share_scene.h"
#include <sched.h>

static char copy[128];
static size_t bytes;		/* of the file, and of these: */
static u8 *begun;		/* as it was before anybody opened it */
static u8 *left;		/* as it is now */
static u64 states;		/* of all scenes */

/* ---- files ---------------------------------------------------------------------------- */

static u8 *map_file(const char *name)
{
	struct stat st;
	int fd = open(name, O_RDWR | O_CLOEXEC);
	u8 *p;

	assert_true(fd >= 0 && !fstat(fd, &st));
	bytes = (size_t)st.st_size;
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(p != MAP_FAILED);
	close(fd);
	return p;
}

static void file_set(const char *name, const u8 *from)
{
	u8 *p = map_file(name);

	memcpy(p, from, bytes);
	munmap(p, bytes);
}

/* A file of its own, in which nobody is. */
static void file_new(const char *name, const u8 *from)
{
	int fd;

	unlink(name);
	fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && !ftruncate(fd, (off_t)bytes));
	close(fd);
	file_set(name, from);
}

static void begin(const struct scene *s)
{
	u8 *p;

	make(s);
	p = map_file(path);
	begun = realloc(begun, bytes);
	left = realloc(left, bytes);
	assert_true(begun && left);
	memcpy(begun, p, bytes);
	munmap(p, bytes);
}

/* ---- ways to go on ----------------------------------------------------------------------- */

static bool has_elements(const struct scene *s)
{
	return !is_ring(s) && !is_queue(s) && s->attr.type != BPF_MAP_TYPE_ARRAY;
}

/* Nobody had the file open; nothing is missing when it is opened. */
static void look_alone(const struct scene *s)
{
	struct map *m;

	file_new(copy, left);
	m = must_open(copy);
	check(m, s, 0);
	map_free(m);
}

/* The map in a new file that is as FROM says, where the first member is we. */
static struct map *survivor(const char *name, u32 cpu, const u8 *from)
{
	struct map *m;

	file_new(name, begun);
	m = must_open(name);
	if (cpu != MAP_USER && share_has_cpus(m))
		assert_true(share_cpu(m, cpu));
	file_set(name, from);
	return m;
}

/* Whoever opens the file afterwards finds it in order. */
static void look_later(const struct scene *s)
{
	struct map *m = must_open(copy);

	if (has_elements(s)) {
		assert_int_equal(m->ops->count(m), count_keys(m));
		check_room(m, s, count_keys(m), 0);
		check_cpu(m, s);
	}
	map_free(m);
}

static void look_together(const struct scene *s)
{
	struct map *m = survivor(copy, MAP_USER, left);

	check(m, s, 1);
	map_free(m);
	look_later(s);
}

/* What the others did by the time that the dead one is noticed. */
enum { OVERWRITE = 1, DELETE = 2, REUSE = 4, CROWD = 8, ALL_DEEDS = 16 };

static u32 nr, did;			/* the file at hand, and these */
static u32 last[ARRAY_LEN(keys)];	/* what each element was set to; 0: it is unknown */

static void set(struct map *m, const struct scene *s, u32 i, u32 v, u32 cpu)
{
	u8 key[8], value[64];

	key_bytes(s, i, key);
	value_bytes(s, v, value);
	if (!m->ops->update(m, key, value, 0, cpu))
		last[i] = v;
}

static void drop(struct map *m, const struct scene *s, u32 i, u32 cpu)
{
	u8 key[8];

	key_bytes(s, i, key);
	m->ops->remove(m, key, cpu);
	last[i] = 0;
}

static void disturb(struct map *m, const struct scene *s, u32 deeds)
{
	if (deeds & OVERWRITE)
		set(m, s, s->key, 300, 1);
	if (deeds & DELETE)
		drop(m, s, s->key, 1);
	if (deeds & REUSE)
		set(m, s, s->fill ? s->fill - 1 : 0, 301, 1);
	for (u32 i = 20; deeds & CROWD && i < 40; i++)
		set(m, s, i, 302, 1);
}

/* The value of element I, or 0; of per-cpu types whatever is taken for right. */
static u32 found(struct map *m, const struct scene *s, u32 i)
{
	u8 key[8];

	if (!is_percpu(s))
		return value_of(m, s, i);
	key_bytes(s, i, key);
	return !has_key(m, key) ? 0 : last[i] ? last[i] : 1;
}

/* What is there is what was set last, and a walk meets nothing else, nor anything twice. */
static void check_last(struct map *m, const struct scene *s)
{
	u32 there = 0;

	for (u32 i = 0; i < ARRAY_LEN(keys); i++) {
		u32 v = found(m, s, i);

		there += !!v;
		if (!last[i] || v == last[i] || (is_lru(s) && !v))
			continue;
		fail_msg("%s, file %u, others did %#x: element %u is %u, not %u", s->name,
			 nr, did, i, v, last[i]);
	}
	assert_int_equal(count_keys(m), there);
}

static void look_between(const struct scene *s, u32 deeds)
{
	struct map *m = survivor(copy, 1, left);

	did = deeds;
	memset(last, 0, sizeof(last));
	disturb(m, s, deeds);
	check_last(m, s);
	assert_true(share_cpu(m, 0));
	for (u32 i = 0; i < 3 * s->fill; i++) {
		set(m, s, i % s->fill, 400 + i, 0);
		set(m, s, (i * 5 + 2) % s->fill, 500 + i, 1);
		set(m, s, (i * 7 + 1) % s->fill, 600 + i, MAP_USER);
		if (i % 4 == 3)
			drop(m, s, (i * 3 + 4) % s->fill, i % 8 < 4);
		check_last(m, s);
	}
	for (u32 i = 0; i < ARRAY_LEN(keys); i++)
		drop(m, s, i, 1);
	assert_int_equal(count_keys(m), 0);
	map_free(m);
	look_later(s);
}

/* ---- all that is left ----------------------------------------------------------------------- */

/* Steps RUN through what it does to the file NAME; LOOK at each other file on the way. */
static void each_state(const struct scene *s, const char *name,
		       void (*run)(const struct scene *s, const char *name),
		       void (*look)(const struct scene *s))
{
	u8 *now = map_file(name);
	pid_t pid = traced(s, name, run);

	nr = 0;
	do {
		if (nr && !memcmp(left, now, bytes))
			continue;
		memcpy(left, now, bytes);
		look(s);
		nr++;
	} while (step(s, pid));
	end(pid);
	munmap(now, bytes);
	states += nr;
}

static void play_alone(const struct scene *s)
{
	begin(s);
	each_state(s, path, writer, look_alone);
	print_message("# %s: %u states\n", s->name, nr);
}

static void play_together(const struct scene *s)
{
	struct map *m;

	begin(s);
	m = must_open(path);
	each_state(s, path, writer, look_together);
	map_free(m);
}

static void all_deeds(const struct scene *s)
{
	for (u32 deeds = 0; deeds < ALL_DEEDS; deeds++)
		look_between(s, deeds);
}

static void play_between(const struct scene *s)
{
	struct map *m;

	begin(s);
	m = must_open(path);
	if (share_has_cpus(m)) {
		assert_true(share_cpu(m, 1));
		each_state(s, path, writer, all_deeds);
	}
	map_free(m);
}

/* ---- who puts in order ------------------------------------------------------------------ */

static _Noreturn void opener(const struct scene *s, const char *name)
{
	struct skep_err err = { 0 };
	struct map *m;

	wait_traced();
	if (share_open(&m, name, NULL, NULL, &err))
		_exit(3);
	*stage = 2;
	raise(SIGKILL);
	_exit(6);
}

static u8 *kept[64];		/* what a writer left */

static void keep(const struct scene *s)
{
	assert_in_range(nr, 0, ARRAY_LEN(kept) - 1);
	kept[nr] = realloc(kept[nr], bytes);
	assert_non_null(kept[nr]);
	memcpy(kept[nr], left, bytes);
}

/* At the half and three quarters of what a writer leaves. */
static void play_order(const struct scene *s)
{
	u32 n;

	begin(s);
	each_state(s, path, writer, keep);
	n = nr;
	for (u32 i = n / 2; i < n; i += n / 4 + 1) {
		file_new(path, kept[i]);
		each_state(s, path, opener, look_alone);
	}
}

static void some_deeds(const struct scene *s)
{
	look_between(s, OVERWRITE);
	look_between(s, DELETE | REUSE);
	look_between(s, DELETE | CROWD);
}

/* Of all that it leaves, and others go on. */
static void play_order_between(const struct scene *s)
{
	struct map *m;
	u32 n;

	begin(s);
	m = must_open(path);
	assert_true(share_cpu(m, 1));
	each_state(s, path, writer, keep);
	map_free(m);
	n = nr;
	for (u32 i = 0; i < n; i++) {
		m = survivor(path, 1, kept[i]);
		each_state(s, path, opener, some_deeds);
		map_free(m);
	}
}

static void test_alone(void **state) { play_all(play_alone); }
static void test_together(void **state) { play_all(play_together); }
static void test_between(void **state) { play_all(play_between); }

static void test_order(void **state)
{
	play_order(&hash_scenes[4]);		/* an insert into a longer chain */
	play_order(&lru_scenes[0]);
	play_order(&trie_scenes[1]);
	play_order(&ring_scenes[0]);
	play_order_between(&lru_scenes[3]);	/* an update */
}

/* ---- main ------------------------------------------------------------------------ */

static int teardown(void **state)
{
	print_message("# %llu files\n", (unsigned long long)states);
	unlink(path);
	unlink(copy);
	free(begun);
	free(left);
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		free(kept[i]);
	return rmdir(dir);
}

/* Who steps and who is stepped take turns: that goes faster on one cpu. */
static void stay_here(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_together),
		cmocka_unit_test(test_between),
		cmocka_unit_test(test_order),
	};

	if (!scenes_begin())
		return 0;
	stay_here();
	snprintf(copy, sizeof(copy), "%s/copy", dir);
	return cmocka_run_group_tests(tests, NULL, teardown);
}
