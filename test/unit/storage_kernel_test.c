/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * storage_kernel_test.c: maps whose values somebody owns against those of the running
 * kernel: the same random operations of user space on both, errno by errno and byte by
 * byte. Makes maps, sockets, processes and empty cgroups; attaches nothing.
 */
#include "kernel_bpf.h"
#include "base/os.h"
#include "btf/btf.h"
#include "model/uapi.h"
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define MAP(kind, key, value, entries, flags) \
	{ .name = "m", .type = kind, .key_size = key, .value_size = value, \
	  .max_entries = entries, .map_flags = flags }

static u64 rng;

static u32 any(u32 below)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (u32)(rng >> 33) % below;
}

/* ---- values of sockets, tasks, inodes and groups ------------------------------------ */

enum { OWNERS = 4 };

/* Descriptors on the kernel's side; on ours their numbers. */
static struct owners {
	int fd[OWNERS];
	pid_t child[OWNERS];
	u32 type;		/* 0: none are open */
} of;

static int owner_of(void *arg, u32 type, u32 number, struct map_owner *o)
{
	if (number >= OWNERS)
		return -EBADF;
	o->id = number + 100;
	return 0;
}

static int task_fd(u32 i)
{
	of.child[i] = fork();
	if (!of.child[i]) {
		pause();
		_exit(0);
	}
	return (int)syscall(SYS_pidfd_open, of.child[i], 0);
}

static int group_fd(u32 i, bool make)
{
	bool alone = !access("/sys/fs/cgroup/cgroup.controllers", F_OK);
	char path[100];

	snprintf(path, sizeof(path), "/sys/fs/cgroup/%sstorage_kernel_test.%d.%u",
		 alone ? "" : "unified/", getpid(), i);
	if (!make)
		return rmdir(path);
	return mkdir(path, 0755) ? -1 : open(path, O_RDONLY | O_DIRECTORY);
}

static bool owners_open(u32 type)
{
	bool all = true;

	of.type = type;
	for (u32 i = 0; i < OWNERS; i++) {
		of.fd[i] = type == BPF_MAP_TYPE_SK_STORAGE ? socket(AF_INET, SOCK_DGRAM, 0) :
			   type == BPF_MAP_TYPE_TASK_STORAGE ? task_fd(i) :
			   type == BPF_MAP_TYPE_INODE_STORAGE ?
			   (int)syscall(SYS_memfd_create, "i", 0) :
			   group_fd(i, true);
		all = all && of.fd[i] >= 0;
	}
	return all;
}

static int owners_close(void **state)
{
	for (u32 i = 0; of.type && i < OWNERS; i++) {
		close(of.fd[i]);
		if (of.type == BPF_MAP_TYPE_TASK_STORAGE) {
			kill(of.child[i], SIGKILL);
			waitpid(of.child[i], NULL, 0);
		}
		if (of.type == UAPI_MAP_TYPE_CGRP_STORAGE)
			group_fd(i, false);
	}
	of.type = 0;
	return 0;
}

static int storage_create(const struct map_attr *m)
{
	union bpf_attr a = { .map_type = m->type, .key_size = 4, .value_size = m->value_size,
		.map_flags = m->map_flags, .btf_key_type_id = 1, .btf_value_type_id = 2 };
	int types = btf_of(m->value_size), fd;

	a.btf_fd = (u32)types;
	fd = sys_bpf(BPF_MAP_CREATE, &a);
	close(types);
	return fd;
}

static void same_storage(const char *what, u32 type, int step, int kernel, int ours)
{
	if (kernel != ours)
		fail_msg("type %u, step %d, %s: kernel %d, ours %d", type, step, what, kernel,
			 ours);
}

static void storage_step(struct map *m, int fd, int step)
{
	static const u64 flags[] = { 0, 0, 0, 0, 1, 2, 3, 4, 5, 8, 1ull << 40 };
	u32 key = any(OWNERS + 1), none = 12345, what = any(10);
	const void *theirs = key < OWNERS ? (void *)&of.fd[key] : &none;
	u64 f = flags[any(ARRAY_LEN(flags))];
	u8 a[64] = { 0 }, b[64] = { 0 };
	int r;

	for (u32 i = 0; i < m->value_size; i++)
		a[i] = (u8)any(256);
	if (what < 4) {
		same_storage("update", m->type, step,
			     kmap_op(BPF_MAP_UPDATE_ELEM, fd, theirs, a, f),
			     map_user_update(m, &key, a, f));
	} else if (what < 7) {
		memcpy(b, a, sizeof(b));
		f = any(5) ? 0 : f;
		r = kmap_op(BPF_MAP_LOOKUP_ELEM, fd, theirs, a, f);
		same_storage("lookup", m->type, step, r, map_user_lookup(m, &key, b, f));
		assert_memory_equal(a, b, r ? 0 : m->value_size);
	} else if (what < 8) {
		same_storage("delete", m->type, step,
			     kmap_op(BPF_MAP_DELETE_ELEM, fd, theirs, NULL, 0),
			     map_user_delete(m, &key));
	} else if (what < 9) {
		same_storage("take", m->type, step,
			     kmap_op(BPF_MAP_LOOKUP_AND_DELETE_ELEM, fd, theirs, a, 0),
			     map_user_take(m, &key, b, 0));
	} else {
		same_storage("next key", m->type, step,
			     kmap_op(BPF_MAP_GET_NEXT_KEY, fd, any(2) ? theirs : NULL, a, 0),
			     map_user_next_key(m, &key, b));
	}
}

static void storage_case(u32 type, u32 bytes, u64 seed)
{
	struct map_attr attr = MAP(type, 4, bytes, 0, BPF_F_NO_PREALLOC);
	struct skep_err err = { 0 };
	struct map *m;
	int fd = storage_create(&attr);

	attr.owner_of = owner_of;
	if (fd < 0 || !owners_open(type)) {
		print_message("# type %u cannot be made here\n", type);
		owners_close(NULL);
		return;
	}
	if (map_create(&m, &attr, 2, &err))
		fail_msg("%s", err.text);
	rng = seed;
	for (int step = 0; step < 5000; step++)
		storage_step(m, fd, step);
	owners_close(NULL);
	close(fd);
	map_free(m);
}

static void test_storages(void **state)
{
	static const u32 types[] = { BPF_MAP_TYPE_SK_STORAGE, BPF_MAP_TYPE_TASK_STORAGE,
		BPF_MAP_TYPE_INODE_STORAGE, UAPI_MAP_TYPE_CGRP_STORAGE };

	need_kernel();
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		storage_case(types[i], 8, 800 + i);
		storage_case(types[i], 13, 810 + i);
	}
}

/* Copies under the value's own lock, which nobody sees; owners that are gone make room. */
static u64 alive_from;

static bool lives(void *arg, u32 type, const struct map_owner *o) { return o->id >= alive_from; }

static void test_locks_and_room(void **state)
{
	struct map_attr attr = MAP(BPF_MAP_TYPE_TASK_STORAGE, 4, 65000, 0, BPF_F_NO_PREALLOC);
	u8 *a = calloc(1, 65000), *b = calloc(1, 65000);
	u32 key = 5, made = 0;
	struct map *m;

	attr.lock_at = 1;
	attr.owner_lives = lives;
	memset(a, 0x11, 65000);
	assert_int_equal(map_create(&m, &attr, 1, NULL), 0);
	assert_int_equal(map_user_update(m, &key, a, BPF_F_LOCK), 0);
	assert_int_equal(map_user_update(m, &key, a, BPF_F_LOCK | BPF_NOEXIST), -EEXIST);
	assert_int_equal(map_user_lookup(m, &key, b, BPF_F_LOCK), 0);
	memset(a, 0, 4);
	assert_memory_equal(a, b, 65000);
	for (u64 id = 10; id < 20000; id++) {
		struct map_owner o = { .id = id };

		if (!map_owner_value(m, &o, NULL, true, 0))
			break;
		made++;
	}
	assert_true(made > 1000 && made < 19000);
	alive_from = 500;
	assert_non_null(map_owner_value(m, &(struct map_owner){ .id = 30000 }, NULL, true, 0));
	assert_null(map_owner_value(m, &(struct map_owner){ .id = 20 }, NULL, false, 0));
	assert_non_null(map_owner_value(m, &(struct map_owner){ .id = 600 }, NULL, false, 0));
	map_free(m);
	free(a);
	free(b);
}

/* Without a program attached there are no values: what an empty map says. */
static void test_cgroup_storages(void **state)
{
	need_kernel();
	for (u32 i = 0; i < 4; i++) {
		u32 type = i % 2 ? BPF_MAP_TYPE_CGROUP_STORAGE : BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
		struct map_attr attr = MAP(type, i / 2 ? 8 : 16, 8, 0, 0);
		u64 key[2] = { 1 }, a[64], b[64];
		struct map *m;
		int fd = kmap_create(&attr);

		assert_true(fd >= 0);
		assert_int_equal(map_create(&m, &attr, (u32)os_cpu_count(), NULL), 0);
		for (u64 f = 0; f < 9; f++)
			same_storage("update", attr.type, (int)f,
				     kmap_op(BPF_MAP_UPDATE_ELEM, fd, key, a, f),
				     map_user_update(m, key, a, f));
		same_storage("lookup", attr.type, 0, kmap_op(BPF_MAP_LOOKUP_ELEM, fd, key, a, 0),
			     map_user_lookup(m, key, b, 0));
		same_storage("delete", attr.type, 0, kmap_op(BPF_MAP_DELETE_ELEM, fd, key, NULL, 0),
			     map_user_delete(m, key));
		same_storage("take", attr.type, 0,
			     kmap_op(BPF_MAP_LOOKUP_AND_DELETE_ELEM, fd, key, a, 0),
			     map_user_take(m, key, b, 0));
		same_storage("next key", attr.type, 0, kmap_op(BPF_MAP_GET_NEXT_KEY, fd, key, a, 0),
			     map_user_next_key(m, key, b));
		same_storage("first key", attr.type, 0,
			     kmap_op(BPF_MAP_GET_NEXT_KEY, fd, NULL, a, 0),
			     map_user_next_key(m, NULL, b));
		close(fd);
		map_free(m);
	}
}

/* ---- what struct_ops maps are before somebody is registered ---------------------------- */

static void test_struct_ops(void **state)
{
	struct btf_file f = { 0 };
	struct map_attr attr = MAP(BPF_MAP_TYPE_STRUCT_OPS, 4, 0, 1, 0);
	union bpf_attr a = { .map_type = attr.type, .key_size = 4, .max_entries = 1 };
	u8 x[4096] = { 0 }, y[4096];
	struct map *m;
	int fd, types;

	need_kernel();
	assert_int_equal(btf_open_file(&f, "/sys/kernel/btf/vmlinux", NULL, NULL), 0);
	a.btf_vmlinux_value_type_id = btf_find(f.btf, "bpf_struct_ops_tcp_congestion_ops",
					       BTF_KIND_STRUCT);
	a.value_size = attr.value_size = (u32)btf_bytes(f.btf, a.btf_vmlinux_value_type_id);
	btf_close_file(&f);
	types = btf_of(4);		/* some must come along */
	a.btf_fd = (u32)types;
	fd = a.btf_vmlinux_value_type_id ? sys_bpf(BPF_MAP_CREATE, &a) : -1;
	close(types);
	if (fd < 0)
		skip_as("the kernel has no such maps");
	assert_true(attr.value_size <= sizeof(x));
	assert_int_equal(map_create(&m, &attr, 1, NULL), 0);
	for (u32 key = 0; key < 2; key++) {
		memset(y, 0x55, sizeof(y));
		same_storage("lookup", attr.type, (int)key,
			     kmap_op(BPF_MAP_LOOKUP_ELEM, fd, &key, x, 0),
			     map_user_lookup(m, &key, y, 0));
		assert_memory_equal(x, y, key ? 0 : attr.value_size);
		same_storage("delete", attr.type, (int)key,
			     kmap_op(BPF_MAP_DELETE_ELEM, fd, &key, NULL, 0),
			     map_user_delete(m, &key));
		same_storage("take", attr.type, (int)key,
			     kmap_op(BPF_MAP_LOOKUP_AND_DELETE_ELEM, fd, &key, x, 0),
			     map_user_take(m, &key, y, 0));
		same_storage("next key", attr.type, (int)key,
			     kmap_op(BPF_MAP_GET_NEXT_KEY, fd, &key, x, 0),
			     map_user_next_key(m, &key, y));
		memset(x, 0, sizeof(x));
		x[4] = !key;		/* a state is not for users to say */
		for (u64 flags = 0; flags < 3; flags++)
			same_storage("update", attr.type, (int)flags,
				     kmap_op(BPF_MAP_UPDATE_ELEM, fd, &key, x, flags),
				     map_user_update(m, &key, x, flags));
		x[4] = 0;
	}
	close(fd);
	memset(x + 8, 7, attr.value_size - 8);	/* ours is data, and goes on */
	assert_int_equal(map_user_update(m, &(u32){ 0 }, x, 0), 0);
	assert_int_equal(map_user_update(m, &(u32){ 0 }, x, 0), -EBUSY);
	assert_int_equal(map_user_lookup(m, &(u32){ 0 }, y, 0), 0);
	assert_int_equal(y[4], 1);
	assert_memory_equal(x + 8, y + 8, attr.value_size - 8);
	assert_int_equal(map_user_delete(m, &(u32){ 0 }), 0);
	assert_int_equal(map_user_delete(m, &(u32){ 0 }), -EINPROGRESS);
	map_free(m);
}

/* ---- arenas ------------------------------------------------------------------------- */

static int our_errno(const struct map_attr *attr)
{
	static const struct { const char *name; int code; } names[] = {
		{ "(EINVAL)", -EINVAL }, { "(E2BIG)", -E2BIG }, { "(ERANGE)", -ERANGE } };
	struct skep_err err = { 0 };
	struct map *m;

	if (!map_create(&m, attr, 1, &err)) {
		map_free(m);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strstr(err.text, names[i].name))
			return names[i].code;
	fail_msg("no errno in: %s", err.text);
	return 1;
}

static void test_arena_create(void **state)
{
	static const u32 pages[] = { 0, 1, 5, 1 << 19, 1 << 20, (1 << 20) + 1 };
	static const u64 at[] = { 0, 4096, 8, 1ull << 44, (1ull << 44) + 4096, 0xfffff000u };

	need_kernel();
	rng = 5;
	for (u32 i = 0; i < 3000; i++) {
		struct map_attr a = MAP(UAPI_MAP_TYPE_ARENA, any(8) == 0, any(8) == 0,
					pages[any(6)], any(8) ? BPF_F_MMAPABLE : 0);
		int fd;

		a.map_flags |= any(4) ? 0 : 1u << any(20);
		a.map_extra = at[any(6)];
		fd = kmap_create(&a);
		if (fd >= 0)
			close(fd);
		same_storage("create", a.type, (int)i, fd < 0 ? fd : 0, our_errno(&a));
	}
}

static void test_arena_user(void **state)
{
	struct map_attr attr = MAP(UAPI_MAP_TYPE_ARENA, 0, 0, 10, BPF_F_MMAPABLE);
	u64 key = 0, a[4] = { 0 };
	struct map *m;
	int fd;

	need_kernel();
	fd = kmap_create(&attr);
	assert_true(fd >= 0);
	assert_int_equal(map_create(&m, &attr, 1, NULL), 0);
	same_storage("lookup", attr.type, 0, kmap_op(BPF_MAP_LOOKUP_ELEM, fd, NULL, a, 0),
		     map_user_lookup(m, &key, a, 0));
	same_storage("update", attr.type, 0, kmap_op(BPF_MAP_UPDATE_ELEM, fd, NULL, a, 0),
		     map_user_update(m, &key, a, 0));
	same_storage("delete", attr.type, 0, kmap_op(BPF_MAP_DELETE_ELEM, fd, NULL, NULL, 0),
		     map_user_delete(m, &key));
	same_storage("next key", attr.type, 0, kmap_op(BPF_MAP_GET_NEXT_KEY, fd, NULL, a, 0),
		     map_user_next_key(m, NULL, a));
	close(fd);
	map_free(m);
}

/* Pages are whose asked for them, at most once; what is set aside is nobody's. */
static void test_arena_pages(void **state)
{
	struct map_attr attr = MAP(UAPI_MAP_TYPE_ARENA, 0, 0, 100, BPF_F_MMAPABLE);
	bool held[100] = { false };
	size_t bytes;
	struct map *m;
	u8 *memory;

	assert_int_equal(map_create(&m, &attr, 1, NULL), 0);
	memory = map_memory(m, &bytes);
	assert_int_equal(bytes, 100 * 4096);
	assert_int_equal(map_arena_reserve(m, (uintptr_t)memory + 90 * 4096, 11), -EINVAL);
	assert_int_equal(map_arena_reserve(m, (uintptr_t)memory + 90 * 4096, 10), 0);
	assert_int_equal(map_arena_reserve(m, (uintptr_t)memory + 99 * 4096, 1), -EBUSY);
	rng = 9;
	for (u32 i = 0; i < 20000; i++) {
		u32 at = any(100), n = 1 + any(6);
		u64 addr = (uintptr_t)memory + at * 4096, got;

		if (any(2)) {
			map_arena_drop(m, addr, n);
			for (u32 k = at; k < at + n && k < 90; k++)
				held[k] = false;
			continue;
		}
		got = map_arena_take(m, any(2) ? addr : 0, n);
		if (!got)
			continue;
		at = (u32)((got - (uintptr_t)memory) / 4096);
		assert_true(at + n <= 90);
		for (u32 k = at; k < at + n; k++) {
			assert_false(held[k]);
			held[k] = true;
			assert_true(map_arena_there(m, got + (k - at) * 4096ull));
			assert_int_equal(memory[k * 4096], 0);
			memory[k * 4096] = 1;
		}
	}
	for (u32 k = 0; k < 90; k++)
		assert_int_equal(map_arena_there(m, (uintptr_t)memory + k * 4096), held[k]);
	map_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_storages, owners_close),
		cmocka_unit_test(test_locks_and_room),
		cmocka_unit_test(test_cgroup_storages),
		cmocka_unit_test(test_struct_ops),
		cmocka_unit_test(test_arena_create),
		cmocka_unit_test(test_arena_user),
		cmocka_unit_test(test_arena_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
