/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * share_kill_test.c: processes that change a shared map are killed (SIGKILL); others look
 * at what is left and go on with it.
 *
 * One is stepped through a change and killed at an instruction: every change, at every
 * KILL_EVERY-th instruction, from one that changes from run to run (KILL_FIRST sets it;
 * KILL_EVERY=1: at each; KILL_ONLY=word: only the changes whose names have it). That is to
 * show that deaths leave what share_states_test.c makes of all that they can leave. And
 * several change a map at once, and are killed whatever they do (KILL_STORMS: so many times).
 */
#include "share_scene.h"

enum { STEPS_MAX = 200000 };

static unsigned every = 499, first;
static u64 kills;			/* of all scenes */

/* Kills the writer at instruction N of its change; false when that has fewer. */
static bool kill_at(const struct scene *s, u32 n)
{
	pid_t pid = traced(s, path, writer);
	u32 done = 0;

	while (done < n && step(s, pid))
		done += *stage == 1;
	end(pid);
	kills++;
	return *stage < 2;
}

/* ---- all of them ---------------------------------------------------------------------------- */

/* Somebody comes afterwards. */
static bool alone(const struct scene *s, u32 n)
{
	struct map *m;
	bool more;

	make(s);
	more = kill_at(s, n);
	m = must_open(path);
	check(m, s, 0);
	map_free(m);
	return more;
}

/* Somebody is there; then somebody else comes. */
static bool together(const struct scene *s, u32 n)
{
	struct map *m;
	bool more;

	make(s);
	m = must_open(path);
	more = kill_at(s, n);
	check(m, s, 1);
	map_free(m);
	m = must_open(path);
	if (!is_ring(s) && !is_queue(s) && s->attr.type != BPF_MAP_TYPE_ARRAY) {
		assert_int_equal(m->ops->count(m), count_keys(m));
		check_room(m, s, count_keys(m), 0);
		check_cpu(m, s);
	}
	map_free(m);
	return more;
}

static u32 all_steps(const struct scene *s, bool (*way)(const struct scene *s, u32 n))
{
	u32 n = first % every;

	while (n < STEPS_MAX && way(s, n))
		n += every;
	assert_true(n < STEPS_MAX);
	return n;
}

static void play(const struct scene *s)
{
	u64 before = kills, start = os_clock_ns();
	u32 insns = all_steps(s, alone);

	all_steps(s, together);
	print_message("# %s: about %u instructions, %llu kills, %llu ms\n", s->name, insns,
		      (unsigned long long)(kills - before),
		      (unsigned long long)(os_clock_ns() - start) / 1000000);
}

static void test_killed(void **state) { play_all(play); }

/* ---- several at once --------------------------------------------------------------- */

enum { WORKERS = 3, DEATHS = 45 };

/* Changes elements until it is killed. CPU below CPUS: as that cpu, else as user space. */
static _Noreturn void worker(const struct scene *s, u32 cpu, u32 seed)
{
	struct skep_err err = { 0 };
	u8 key[8], value[64];
	struct map *m;

	if (share_open(&m, path, NULL, NULL, &err))
		_exit(3);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (cpu < CPUS && share_has_cpus(m) && !share_cpu(m, cpu))
		usleep(100);
	for (u32 n = seed;; n++) {
		u32 r = n * 2654435761u >> 16;

		key_bytes(s, r % ARRAY_LEN(keys), key);
		value_bytes(s, 1000 + r % ARRAY_LEN(keys), value);
		if (r / 256 % 3)
			m->ops->update(m, key, value, 0, cpu < CPUS ? cpu : MAP_USER);
		else
			m->ops->remove(m, key, cpu < CPUS ? cpu : MAP_USER);
		(*stage)++;
	}
}

static pid_t start(const struct scene *s, u32 i, u32 n)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		worker(s, i, n * 7919);
	return pid;
}

/* Workers die at any moment, now and then two at once, and others take their place; some of
 * all that they had is looked at in between, by one who never dies. */
static void storm(const struct scene *s)
{
	struct map *m;
	pid_t pid[WORKERS];
	u8 key[8];
	u32 before;

	make(s);
	m = must_open(path);
	*stage = 0;
	for (u32 i = 0; i < WORKERS; i++)
		pid[i] = start(s, i, i);
	for (u32 n = 0; n < DEATHS; n++) {
		u32 i = n % WORKERS, other = n % 4 ? i : (n + 1) % WORKERS;

		usleep(500 + n * 13 % 700);
		kill(pid[other], SIGKILL);
		end(pid[i]);
		map_user_next_key(m, NULL, key);
		put(m, s, n % ARRAY_LEN(keys), 1000 + n % ARRAY_LEN(keys), 0);
		pid[i] = start(s, i, n);
		if (other == i)
			continue;
		end(pid[other]);
		pid[other] = start(s, other, n + 1000);
	}
	before = *stage;
	for (u32 i = 0; i < 10000 && *stage == before; i++)
		usleep(100);
	assert_true(*stage != before);		/* they go on */
	for (u32 i = 0; i < WORKERS; i++)
		end(pid[i]);
	map_free(m);
	m = must_open(path);
	assert_int_equal(m->ops->count(m), count_keys(m));
	for (u32 i = 0; i < ARRAY_LEN(keys); i++)
		assert_true(!value_of(m, s, i) || is_percpu(s) || value_of(m, s, i) == 1000 + i);
	check_room(m, s, 0, 0);
	map_free(m);
	print_message("# storm of %s: %u deaths, %u changes\n", s->name, DEATHS + WORKERS, *stage);
}

static void test_storm(void **state)
{
	const struct scene s[] = {
		{ "hash", HASH(HASH, 40, 0), 0, 0, 0, 0, 0, false },
		{ "lru", HASH(LRU_HASH, 40, 0), 0, 0, 0, 0, 0, false },
		{ "percpu_hash", HASH(PERCPU_HASH, 40, 0), 0, 0, 0, 0, 0, false },
		{ "prefixes", { .name = "m", .type = BPF_MAP_TYPE_LPM_TRIE, .key_size = 8,
			    .value_size = 16, .max_entries = 40, .map_flags = BPF_F_NO_PREALLOC },
		  0, 0, 0, 0, 0, false },
	};

	const char *only = getenv("KILL_ONLY"), *storms = getenv("KILL_STORMS");
	int n = storms ? atoi(storms) : 1;

	for (size_t i = 0; i < ARRAY_LEN(s) * n; i++)
		if (!only || strstr(s[i % ARRAY_LEN(s)].name, only))
			storm(&s[i % ARRAY_LEN(s)]);
}

/* ---- main ------------------------------------------------------------------------ */

static int teardown(void **state)
{
	print_message("# %llu processes were killed, at every %u-th instruction from number %u\n",
		      (unsigned long long)kills, every, first % every);
	unlink(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_storm),
	};

	if (!scenes_begin())
		return 0;
	if (getenv("KILL_EVERY"))
		every = (unsigned)atoi(getenv("KILL_EVERY"));
	first = getenv("KILL_FIRST") ? (unsigned)atoi(getenv("KILL_FIRST")) :
				       (unsigned)(os_clock_real_ns() / 1000000000);
	every = every ? every : 1;
	return cmocka_run_group_tests(tests, NULL, teardown);
}
