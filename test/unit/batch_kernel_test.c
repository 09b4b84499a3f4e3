/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * batch_kernel_test.c: batches of elements against the running kernel's: which types have
 * which, errno by errno; what they read, write and delete. Only creates maps.
 */
#include "kernel_bpf.h"
#include "base/os.h"
#include "model/uapi.h"
#include <stdlib.h>

enum { ROOM = 64, KEY = 24, VALUE = 512, NR_CMDS = 4 };

static const int cmds[NR_CMDS] = { BPF_MAP_LOOKUP_BATCH, BPF_MAP_LOOKUP_AND_DELETE_BATCH,
	BPF_MAP_UPDATE_BATCH, BPF_MAP_DELETE_BATCH };

#define MAP(kind, key, value, entries, flags) \
	{ .name = "m", .type = kind, .key_size = key, .value_size = value, \
	  .max_entries = entries, .map_flags = flags }

static u64 rng;

static u32 any(u32 below)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (u32)(rng >> 33) % below;
}

/* One call on one side. */
struct batch {
	u8 keys[ROOM * KEY], values[ROOM * VALUE];
	u64 at[KEY];
	bool started;
	u32 n;
};

static int kernel_batch(int fd, int cmd, struct batch *b, u64 flags)
{
	union bpf_attr a = { .batch = { .map_fd = (u32)fd, .keys = (uintptr_t)b->keys,
		.values = (uintptr_t)b->values, .count = b->n, .elem_flags = flags,
		.in_batch = b->started ? (uintptr_t)b->at : 0, .out_batch = (uintptr_t)b->at } };
	int r = sys_bpf(cmd, &a);

	b->n = a.batch.count;
	b->started = true;
	return r;
}

static int our_batch(struct map *m, int cmd, struct batch *b, u64 flags)
{
	const void *from = b->started ? b->at : NULL;

	b->started = true;
	switch (cmd) {
	case BPF_MAP_LOOKUP_BATCH:
	case BPF_MAP_LOOKUP_AND_DELETE_BATCH:
		return map_user_read_batch(m, from, b->at, b->keys, b->values, &b->n, flags,
					   cmd != BPF_MAP_LOOKUP_BATCH);
	case BPF_MAP_UPDATE_BATCH:
		return map_user_write_batch(m, b->keys, b->values, &b->n, flags);
	default:
		return map_user_delete_batch(m, b->keys, &b->n, flags);
	}
}

/* ---- who may what ---------------------------------------------------------------- */

static const struct map_attr inner_attr = MAP(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
static struct map *inner;

static struct map *inner_of(void *arg, u32 id) { return id ? NULL : inner; }

static int create(const struct map_attr *m)
{
	int in = m->inner ? kmap_create(m->inner) : -1, fd;
	union bpf_attr a = { .map_type = m->type, .key_size = m->key_size,
		.value_size = m->value_size, .max_entries = m->max_entries,
		.map_flags = m->map_flags, .inner_map_fd = (u32)(in < 0 ? 0 : in) };

	fd = sys_bpf(BPF_MAP_CREATE, &a);
	if (in >= 0)
		close(in);
	return fd;
}

static void errno_case(const struct map_attr *attr)
{
	static const u64 flags[] = { 0, BPF_F_LOCK, BPF_NOEXIST, BPF_EXIST, 1ull << 40 };
	static struct batch a, b;
	int fd = create(attr);
	struct map *m;

	if (fd < 0)
		return;		/* not on this machine */
	assert_int_equal(map_create(&m, attr, (u32)os_cpu_count(), NULL), 0);
	for (u32 i = 0; i < NR_CMDS; i++)
		for (u32 f = 0; f < ARRAY_LEN(flags); f++)
			for (u32 n = 0; n < 2; n++) {
				int theirs, ours;

				memset(&a, 0, sizeof(a));
				a.n = n;
				memset(a.values, 0xff, 4);	/* no descriptor */
				b = a;
				theirs = kernel_batch(fd, cmds[i], &a, flags[f]);
				ours = our_batch(m, cmds[i], &b, flags[f]);
				if (theirs != ours)
					fail_msg("type %u flags 0x%x, command %d of %u, flags "
						 "0x%llx: kernel %d, ours %d", attr->type,
						 attr->map_flags, cmds[i], n,
						 (unsigned long long)flags[f], theirs, ours);
			}
	close(fd);
	map_free(m);
}

static void test_errno(void **state)
{
	static const struct map_attr rows[] = {
		MAP(BPF_MAP_TYPE_HASH, 4, 8, 8, 0), MAP(BPF_MAP_TYPE_ARRAY, 4, 8, 8, 0),
		MAP(BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 8, 0),
		MAP(BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 8, 0),
		MAP(BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 8, 0),
		MAP(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 8, 0),
		MAP(BPF_MAP_TYPE_CGROUP_ARRAY, 4, 4, 8, 0),
		MAP(BPF_MAP_TYPE_LRU_HASH, 4, 8, 8, 0),
		MAP(BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 8, 8, 0),
		MAP(BPF_MAP_TYPE_LPM_TRIE, 8, 8, 8, BPF_F_NO_PREALLOC),
		MAP(BPF_MAP_TYPE_QUEUE, 0, 8, 8, 0), MAP(BPF_MAP_TYPE_STACK, 0, 8, 8, 0),
		MAP(BPF_MAP_TYPE_BLOOM_FILTER, 0, 8, 8, 0),
		MAP(BPF_MAP_TYPE_DEVMAP, 4, 4, 8, 0), MAP(BPF_MAP_TYPE_DEVMAP_HASH, 4, 4, 8, 0),
		MAP(BPF_MAP_TYPE_CPUMAP, 4, 4, 8, 0), MAP(BPF_MAP_TYPE_XSKMAP, 4, 4, 8, 0),
		MAP(BPF_MAP_TYPE_SOCKMAP, 4, 8, 8, 0), MAP(BPF_MAP_TYPE_SOCKHASH, 4, 8, 8, 0),
		MAP(BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, 4, 8, 8, 0),
		MAP(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0),
		MAP(BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 4096, 0),
		MAP(BPF_MAP_TYPE_CGROUP_STORAGE, 16, 8, 0, 0),
		MAP(BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, 16, 8, 0, 0),
		MAP(BPF_MAP_TYPE_STACK_TRACE, 4, 80, 8, 0),
		MAP(UAPI_MAP_TYPE_ARENA, 0, 0, 8, BPF_F_MMAPABLE),
		MAP(BPF_MAP_TYPE_HASH, 4, 8, 8, BPF_F_RDONLY),
		MAP(BPF_MAP_TYPE_HASH, 4, 8, 8, BPF_F_WRONLY),
		MAP(BPF_MAP_TYPE_ARRAY, 4, 8, 8, BPF_F_RDONLY),
		MAP(BPF_MAP_TYPE_DEVMAP, 4, 4, 8, BPF_F_RDONLY),
		MAP(BPF_MAP_TYPE_LPM_TRIE, 8, 8, 8, BPF_F_NO_PREALLOC | BPF_F_WRONLY),
	};

	struct map_attr outer = MAP(BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 8, 0);

	need_kernel();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		errno_case(&rows[i]);
	assert_int_equal(map_create(&inner, &inner_attr, 1, NULL), 0);
	outer.inner = &inner_attr;
	outer.inner_of = inner_of;
	errno_case(&outer);
	outer.type = BPF_MAP_TYPE_HASH_OF_MAPS;
	errno_case(&outer);
	map_free(inner);
}

/* ---- what is in it ------------------------------------------------------------------ */

struct pair {
	struct map_attr attr;
	struct map *ours;
	int fd;
	bool hash;
	u32 bytes;		/* of a value */
};

static struct batch one, two;

static void any_key(const struct pair *p, u8 *key, u32 i)
{
	u32 len = 8 + any(17), n = p->hash ? any(40) : any(p->attr.max_entries + 1);

	memset(key, 0, p->attr.key_size);
	if (p->attr.type == BPF_MAP_TYPE_LPM_TRIE) {
		memcpy(key, &len, 4);
		key[4] = (u8)any(3);
		key[5] = (u8)any(4);
	} else {
		memcpy(key, &n, 4);
	}
}

static void same(const struct pair *p, const char *what, int r, int s)
{
	if (r != s || one.n != two.n)
		fail_msg("%s map, %s: kernel %d (%u), ours %d (%u)", p->ours->row->name, what, r,
			 one.n, s, two.n);
}

static void do_write(struct pair *p, int cmd)
{
	u32 n = any(12);

	for (u32 i = 0; i < n; i++)
		any_key(p, one.keys + i * p->attr.key_size, i);
	for (u32 i = 0; i < n * p->bytes; i++)
		one.values[i] = (u8)any(256);
	one.n = n;
	two = one;
	same(p, cmd == BPF_MAP_UPDATE_BATCH ? "update" : "delete",
	     kernel_batch(p->fd, cmd, &one, 0), our_batch(p->ours, cmd, &two, 0));
}

static int by_bytes(const void *a, const void *b) { return memcmp(a, b, KEY + VALUE); }

/* All that is there, CHUNK at a time; how many elements. */
static u32 read_all(const struct pair *p, bool kernel, bool take, u32 chunk, u8 (*out)[KEY + VALUE])
{
	int cmd = take ? BPF_MAP_LOOKUP_AND_DELETE_BATCH : BPF_MAP_LOOKUP_BATCH, r;
	u32 n = 0;

	memset(&one, 0, sizeof(one));
	do {
		one.n = chunk;
		r = kernel ? kernel_batch(p->fd, cmd, &one, 0) : our_batch(p->ours, cmd, &one, 0);
		if (r && r != -ENOENT)
			fail_msg("%s map: %d", p->ours->row->name, r);
		for (u32 i = 0; i < one.n; i++, n++) {
			memset(out[n], 0, KEY + VALUE);
			memcpy(out[n], one.keys + i * p->attr.key_size, p->attr.key_size);
			memcpy(out[n] + KEY, one.values + i * p->bytes, p->bytes);
		}
	} while (!r);
	return n;
}

static void same_contents(const struct pair *p, bool take)
{
	static u8 a[ROOM][KEY + VALUE], b[ROOM][KEY + VALUE];
	u32 chunk = p->hash ? ROOM : 1 + any(ROOM), n = read_all(p, true, take, chunk, a);
	u32 m = read_all(p, false, take, 1 + any(ROOM), b);

	if (n != m)
		fail_msg("%s map: kernel %u elements, ours %u", p->ours->row->name, n, m);
	if (p->hash) {
		qsort(a, n, sizeof(a[0]), by_bytes);
		qsort(b, n, sizeof(b[0]), by_bytes);
	}
	assert_memory_equal(a, b, n * sizeof(a[0]));
}

static void contents_case(const struct map_attr *attr, u64 seed)
{
	struct pair p = { .attr = *attr };
	bool drops = attr->type != BPF_MAP_TYPE_ARRAY && attr->type != BPF_MAP_TYPE_PERCPU_ARRAY;

	p.hash = drops && attr->type != BPF_MAP_TYPE_LPM_TRIE;
	p.fd = kmap_create(attr);
	assert_true(p.fd >= 0);
	assert_int_equal(map_create(&p.ours, attr, (u32)os_cpu_count(), NULL), 0);
	p.bytes = (u32)map_user_value_bytes(p.ours);
	assert_true(p.bytes <= VALUE && attr->max_entries <= ROOM);
	rng = seed;
	for (u32 i = 0; i < 300; i++) {
		do_write(&p, drops && any(3) == 0 ? BPF_MAP_DELETE_BATCH : BPF_MAP_UPDATE_BATCH);
		if (i % 10 == 0)
			same_contents(&p, p.hash && i % 50 == 0);
	}
	close(p.fd);
	map_free(p.ours);
}

static void test_contents(void **state)
{
	static const struct map_attr rows[] = {
		MAP(BPF_MAP_TYPE_HASH, 4, 8, 30, 0), MAP(BPF_MAP_TYPE_HASH, 16, 13, 64, 1),
		MAP(BPF_MAP_TYPE_PERCPU_HASH, 8, 12, 20, 0),
		MAP(BPF_MAP_TYPE_ARRAY, 4, 8, 40, 0), MAP(BPF_MAP_TYPE_ARRAY, 4, 3, 1, 0),
		MAP(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 16, 9, 0),
		MAP(BPF_MAP_TYPE_LPM_TRIE, 8, 8, 60, BPF_F_NO_PREALLOC),
	};

	need_kernel();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		contents_case(&rows[i], 30 + i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errno),
		cmocka_unit_test(test_contents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
