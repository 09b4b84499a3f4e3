/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * share_test.c: maps in files, in one process: what one opener does another sees; what
 * may not be shared; files that are cut off, foreign, damaged, of another version; a
 * full disk; more members than places. share_kill_test.c has processes that die.
 */
#include "base/os.h"
#include "maps/share.h"
#include "maps/area.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

static char dir[] = "/tmp/skep-share-XXXXXX";
static char path[128];

static struct map_attr attr(u32 type, u32 key, u32 value, u32 entries, u32 flags)
{
	return (struct map_attr){ .name = "m", .type = type, .key_size = key,
		.value_size = value, .max_entries = entries, .map_flags = flags };
}

static struct map *make(struct map_attr a, u32 cpus)
{
	struct skep_err err = { 0 };
	struct map *m;

	if (map_create(&m, &a, cpus, &err))
		fail_msg("%s", err.text);
	return m;
}

static void pin(struct map *m)
{
	struct skep_err err = { 0 };

	if (share_create(m, path, NULL, &err))
		fail_msg("%s", err.text);
}

static struct map *open_map(void)
{
	struct skep_err err = { 0 };
	struct map *m;

	if (share_open(&m, path, NULL, NULL, &err))
		fail_msg("%s", err.text);
	return m;
}

static struct map *pinned(u32 type, u32 key, u32 value, u32 entries, u32 flags)
{
	struct map *m = make(attr(type, key, value, entries, flags), 2);

	pin(m);
	return m;
}

static void gone(struct map *a, struct map *b)
{
	map_free(a);
	map_free(b);
	assert_int_equal(unlink(path), 0);
}

/* ---- what one does the other sees -------------------------------------------------- */

static u32 flags_of(u32 type) { return type == BPF_MAP_TYPE_LPM_TRIE ? BPF_F_NO_PREALLOC : 0; }

static void key_of(u32 type, u32 i, u8 key[8])
{
	u32 k = type == BPF_MAP_TYPE_LPM_TRIE ? 32 : i;

	memcpy(key, &k, 4);
	memcpy(key + 4, &i, 4);
}

static void fill_and_look(u32 type)
{
	u32 key_size = type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY ? 4 : 8;
	struct map *a = make(attr(type, key_size, 12, 64, flags_of(type)), 2), *b;
	u64 value[4] = { 0 }, got[4];
	u8 key[8];

	for (u32 i = 0; i < 20; i++) {
		key_of(type, i, key);
		value[0] = i + 1;
		assert_int_equal(map_user_update(a, key, value, 0), 0);
	}
	pin(a);
	b = open_map();
	for (u32 i = 20; i < 40; i++) {
		key_of(type, i, key);
		value[0] = i + 1;
		assert_int_equal(map_user_update(b, key, value, 0), 0);
	}
	for (u32 i = 0; i < 40; i++) {
		key_of(type, i, key);
		assert_int_equal(map_user_lookup(a, key, got, 0), 0);
		assert_int_equal(got[0], i + 1);
		assert_int_equal(map_user_lookup(b, key, got, 0), 0);
		assert_int_equal(got[0], i + 1);
	}
	gone(a, b);
}

static void test_elements(void **state)
{
	const u32 types[] = { BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_HASH,
		BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH,
		BPF_MAP_TYPE_LPM_TRIE };

	for (u32 i = 0; i < ARRAY_LEN(types); i++)
		fill_and_look(types[i]);
}

static void test_queues(void **state)
{
	for (u32 stack = 0; stack < 2; stack++) {
		struct map *a = pinned(stack ? BPF_MAP_TYPE_STACK : BPF_MAP_TYPE_QUEUE, 0, 4, 8, 0);
		struct map *b = open_map();
		u32 v;

		for (u32 i = 1; i <= 8; i++)
			assert_int_equal(map_user_update(i % 2 ? a : b, NULL, &i, 0), 0);
		v = 9;
		assert_int_equal(map_user_update(a, NULL, &v, 0), -E2BIG);
		for (u32 i = 1; i <= 8; i++) {
			assert_int_equal(map_user_take(i % 2 ? b : a, NULL, &v, 0), 0);
			assert_int_equal(v, stack ? 9 - i : i);
		}
		gone(a, b);
	}
}

static void test_bloom(void **state)
{
	struct map *a = pinned(BPF_MAP_TYPE_BLOOM_FILTER, 0, 4, 100, 0), *b = open_map();
	u32 v = 7;

	assert_int_equal(map_user_update(a, NULL, &v, 0), 0);
	assert_int_equal(map_user_lookup(b, NULL, &v, 0), 0);
	v = 8;
	assert_int_equal(map_user_lookup(b, NULL, &v, 0), -ENOENT);
	gone(a, b);
}

static int sum(void *arg, const struct map_event *e)
{
	*(u64 *)arg += *(const u64 *)e->data + e->bytes;
	return 0;
}

/* Records go around the end several times. */
static void test_ring(void **state)
{
	struct map *a = pinned(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0), *b = open_map();
	u64 want = 0, got = 0;

	for (u64 i = 0; i < 1000; i++) {
		u64 *rec = ring_reserve(i % 2 ? a : b, 24, 0);

		assert_non_null(rec);
		*rec = i;
		ring_commit(rec, i % 7 == 0);
		want += i % 7 ? i + 24 : 0;
		if (i % 50 == 49)
			assert_true((i % 100 == 99 ? a : b)->ops->read(i % 100 == 99 ? b : a, sum,
								       &got) > 0);
	}
	assert_int_equal(got, want);
	gone(a, b);
}

static void test_user_ring(void **state)
{
	struct map *a = pinned(BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 4096, 0), *b = open_map();
	void *data;
	u32 bytes;

	assert_int_equal(user_ring_write(a, "hello", 6), 0);
	assert_true(user_ring_lock(b, 0));
	assert_false(user_ring_lock(a, 0));
	assert_int_equal(user_ring_peek(b, &data, &bytes), 0);
	assert_string_equal(data, "hello");
	user_ring_release(b, bytes);
	user_ring_unlock(b);
	gone(a, b);
}

/* A pointer from a lookup before it was pinned is good afterwards. */
static void test_pointers_stay(void **state)
{
	struct map *a = make(attr(BPF_MAP_TYPE_HASH, 4, 8, 8, 0), 2), *b;
	u32 key = 5;
	u64 value = 1, *p;

	map_user_update(a, &key, &value, 0);
	p = a->ops->lookup(a, &key, 0);
	pin(a);
	b = open_map();
	*p = 77;
	assert_int_equal(map_user_lookup(b, &key, &value, 0), 0);
	assert_int_equal(value, 77);
	gone(a, b);
}

static void test_freeze(void **state)
{
	struct map *a = pinned(BPF_MAP_TYPE_ARRAY, 4, 4, 4, 0), *b = open_map();
	u32 k = 1;

	assert_int_equal(map_freeze(a), 0);
	assert_int_equal(map_user_update(b, &k, &k, 0), -EPERM);
	assert_int_equal(map_freeze(b), -EPERM);
	gone(a, b);
}

/* ---- cpus ---------------------------------------------------------------------------- */

static void test_cpus(void **state)
{
	struct map *a = pinned(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 4, 0), *b = open_map();

	assert_true(share_cpu(a, 0));
	assert_true(share_cpu(a, 0));
	assert_false(share_cpu(b, 0));
	assert_true(share_cpu(b, 1));
	assert_false(share_cpu(a, 1));
	assert_false(share_cpu(a, 2));
	share_cpu_drop(b, 1);
	assert_true(share_cpu(a, 1));
	map_free(a);
	assert_true(share_cpu(b, 0));
	assert_true(share_cpu(b, 1));
	gone(b, NULL);
}

/* ---- refusals -------------------------------------------------------------------------- */

static void refused(const char *text)
{
	struct skep_err err = { 0 };
	struct map *m;

	assert_true(share_open(&m, path, NULL, NULL, &err) < 0);
	assert_null(m);
	if (!strstr(err.text, text))
		fail_msg("no '%s' in: %s", text, err.text);
}

static void poke(u64 at, const void *data, size_t bytes)
{
	int fd = open(path, O_RDWR);

	assert_int_equal(pwrite(fd, data, bytes, (off_t)at), (ssize_t)bytes);
	close(fd);
}

static void test_bad_files(void **state)
{
	struct map *a = pinned(BPF_MAP_TYPE_HASH, 4, 8, 8, 0);
	struct share_head h;
	struct skep_err err = { 0 };
	struct map *m;
	u32 other;
	int fd = open(path, O_RDWR);
	struct stat st;

	map_free(a);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(read(fd, &h, sizeof(h)), sizeof(h));
	assert_int_equal(st.st_mode & 07777, 0600);
	for (off_t n = 0; n < st.st_size; n += n < 300 ? 1 : 511) {
		assert_int_equal(ftruncate(fd, n), 0);
		poke(0, &h, (size_t)(n < (off_t)sizeof(h) ? n : (off_t)sizeof(h)));
		refused("(EINVAL)");
	}
	assert_int_equal(ftruncate(fd, st.st_size - 1), 0);
	refused("somebody has truncated it");
	assert_int_equal(ftruncate(fd, st.st_size + 1), 0);
	refused("somebody has added to it");
	assert_int_equal(ftruncate(fd, st.st_size), 0);
	other = SHARE_VERSION + 1;
	poke(offsetof(struct share_head, version), &other, 4);
	refused("of version 3");
	other = 0x04030201;
	poke(offsetof(struct share_head, order), &other, 4);
	refused("byte order");
	poke(0, "nothing at all", 8);
	refused("no pinned map");
	poke(0, &h, sizeof(h));
	for (u32 i = 24; i < sizeof(h); i++) {
		u8 byte = (u8)(((u8 *)&h)[i] ^ 1);

		poke(i, &byte, 1);
		refused("(EINVAL)");
		poke(i, (u8 *)&h + i, 1);
	}
	close(fd);
	m = open_map();
	gone(m, NULL);
	assert_int_equal(share_open(&m, path, NULL, NULL, &err), -ENOENT);
	assert_int_equal(mkdir(path, 0700), 0);
	refused("no regular file");
	rmdir(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	refused("no regular file");
	unlink(path);
}

static void not_shared(struct map_attr a, const char *text)
{
	struct map *m = make(a, 2);
	struct skep_err err = { 0 };

	assert_true(share_create(m, path, NULL, &err) < 0);
	assert_int_equal(err.id, ERR_SHARE_FIELD);
	if (!strstr(err.text, text))
		fail_msg("no '%s' in: %s", text, err.text);
	assert_int_equal(access(path, F_OK), -1);
	map_free(m);
}

static void test_not_shared(void **state)
{
	struct map_attr a = attr(BPF_MAP_TYPE_HASH, 4, 32, 8, 0);

	not_shared(attr(BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 8, 0), "programs of this process");
	not_shared(attr(BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 2, 0), "is a perf_event_array");
	a.lock_at = 1 + 4;
	not_shared(a, "offset 4, is a struct bpf_spin_lock");
	a.lock_at = 0;
	a.timer_at = 1 + 8;
	not_shared(a, "offset 8, is a struct bpf_timer");
	a.timer_at = 0;
	a.nr_kptrs = 1;
	a.kptrs[0] = 16;
	not_shared(a, "offset 16, is a pointer to an object");
}

static void test_there_already(void **state)
{
	struct map *a = pinned(BPF_MAP_TYPE_HASH, 4, 8, 8, 0);
	struct map *b = make(attr(BPF_MAP_TYPE_HASH, 4, 8, 8, 0), 2);
	struct skep_err err = { 0 };
	u32 key = 1;
	u64 value = 2;

	assert_int_equal(share_create(b, path, NULL, &err), -EEXIST);
	assert_int_equal(err.id, ERR_PIN);
	assert_int_equal(map_user_update(b, &key, &value, 0), 0);
	assert_int_equal(map_user_lookup(a, &key, &value, 0), -ENOENT);
	assert_null(share_path(b));
	gone(a, NULL);
	pin(b);		/* it may still be */
	assert_string_equal(share_path(b), path);
	gone(b, NULL);
}

/* ---- limits ---------------------------------------------------------------------------- */

static void test_members(void **state)
{
	struct map *m[SHARE_MEMBERS + 1];
	struct skep_err err = { 0 };

	m[0] = pinned(BPF_MAP_TYPE_ARRAY, 4, 8, 4, 0);
	for (u32 i = 1; i < SHARE_MEMBERS; i++)
		m[i] = open_map();
	assert_int_equal(share_open(&m[SHARE_MEMBERS], path, NULL, NULL, &err), -EAGAIN);
	assert_int_equal(err.id, ERR_SHARE_MEMBERS);
	map_free(m[100]);
	m[100] = open_map();
	for (u32 i = 0; i < SHARE_MEMBERS; i++)
		map_free(m[i]);
	unlink(path);
}

/* In a child, whose limit it is: no signal, no file, and the map goes on. */
static void test_file_limit(void **state)
{
	struct map *m = make(attr(BPF_MAP_TYPE_ARRAY, 4, 8, 100000, 0), 2);
	struct rlimit old, most;
	struct skep_err err = { 0 };
	u32 key = 1;
	u64 value = 2;

	getrlimit(RLIMIT_FSIZE, &old);
	most = old;
	most.rlim_cur = 100000;
	setrlimit(RLIMIT_FSIZE, &most);
	assert_int_equal(share_create(m, path, NULL, &err), -ENOSPC);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(err.id, ERR_SHARE_SPACE);
	assert_non_null(strstr(err.text, "(EFBIG)"));
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(map_user_update(m, &key, &value, 0), 0);
	map_free(m);
}

/* What another process cuts off: -EIO from then on, and no signal. */
static void test_cut_while_open(void **state)
{
	struct map *m = pinned(BPF_MAP_TYPE_ARRAY, 4, 4096, 64, 0);
	u32 key = 60;
	u8 value[4096] = { 1 };

	assert_int_equal(map_user_update(m, &key, value, 0), 0);
	assert_int_equal(truncate(path, 4096 * 4), 0);
	assert_int_equal(map_user_lookup(m, &key, value, 0), -EIO);
	assert_int_equal(value[0], 0);
	assert_int_equal(map_user_update(m, &key, value, 0), -EIO);
	assert_true(share_torn(m));
	gone(m, NULL);
}

/* A child of fork has no part in it, and its end is not that of its parent. */
static void test_fork(void **state)
{
	struct map *m = pinned(BPF_MAP_TYPE_HASH, 4, 8, 8, 0), *b;
	u32 key = 1;
	u64 value = 2;
	pid_t child = fork();
	int status;

	if (!child) {
		map_free(m);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(share_cpu(m, 0));
	b = open_map();
	assert_false(share_cpu(b, 0));
	assert_int_equal(map_user_update(m, &key, &value, 0), 0);
	gone(m, b);
}

static int setup(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/m", dir);
	return 0;
}

static int teardown(void **state) { return rmdir(dir); }

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elements),
		cmocka_unit_test(test_queues),
		cmocka_unit_test(test_bloom),
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_user_ring),
		cmocka_unit_test(test_pointers_stay),
		cmocka_unit_test(test_freeze),
		cmocka_unit_test(test_cpus),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_not_shared),
		cmocka_unit_test(test_there_already),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_file_limit),
		cmocka_unit_test(test_cut_while_open),
		cmocka_unit_test(test_fork),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
