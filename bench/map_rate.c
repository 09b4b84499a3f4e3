/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map_rate: nanoseconds per map operation as a helper makes it, one thread,
 * random keys that are there. Each figure is the best and the median of many
 * short rounds, so that a busy machine disturbs the first little.
 */
#include <stdio.h>
#include <stdlib.h>
#include "base/os.h"
#include "maps/map.h"

enum { OPS = 2048, ROUNDS = 400, KEYS = 1 << 16, KEY_BYTES = 20 };

enum op { LOOKUP, UPDATE, DELETE_INSERT };

struct bench {
	struct map *m;
	u32 key_size;
	u8 *keys;	/* KEYS of KEY_BYTES */
};

static u64 sum;		/* of what lookups found: keeps them from being dropped */

static void round_of(const struct bench *b, enum op op, u32 from)
{
	const struct map_ops *ops = b->m->ops;
	u64 value = from;

	for (u32 i = 0; i < OPS; i++) {
		const u8 *key = b->keys + (from + i) % KEYS * KEY_BYTES;
		const u64 *v;

		if (op == LOOKUP) {
			v = ops->lookup(b->m, key, 0);
			sum += v ? *v : 0;
			continue;
		}
		if (op == DELETE_INSERT)
			ops->remove(b->m, key, 0);
		ops->update(b->m, key, &value, BPF_ANY, 0);
	}
}

static int by_time(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return (x > y) - (x < y);
}

static void measure(const struct bench *b, const char *what, enum op op)
{
	u64 took[ROUNDS];

	for (u32 r = 0; r < ROUNDS; r++) {
		u64 start = os_clock_ns();

		round_of(b, op, r * OPS);
		took[r] = os_clock_ns() - start;
	}
	qsort(took, ROUNDS, sizeof(took[0]), by_time);
	printf("%-34s %6.1f ns best, %6.1f ns median\n", what,
	       (double)took[0] / OPS, (double)took[ROUNDS / 2] / OPS);
}

static void make(struct bench *b, u32 type, u32 key_size, u32 entries, u32 flags)
{
	struct map_attr a = { .name = "bench", .type = type, .key_size = key_size,
		.value_size = type == BPF_MAP_TYPE_RINGBUF ? 0 : 8,
		.max_entries = entries, .map_flags = flags };
	struct skep_err err = { 0 };

	b->key_size = key_size;
	if (map_create(&b->m, &a, 2, &err)) {
		fputs(skep_err_text(&err), stderr);
		exit(1);
	}
}

/* Key number N of a map: a number, or an address for the trie. */
static void key_make(const struct bench *b, u8 *key, u32 n)
{
	u32 word = n * 2654435761u, len = 32;

	memset(key, 0, KEY_BYTES);
	if (b->m->type != BPF_MAP_TYPE_LPM_TRIE) {
		memcpy(key, &n, 4);
		return;
	}
	memcpy(key, &len, 4);
	memcpy(key + 4, &word, 4);
}

static void fill(struct bench *b, u32 entries)
{
	u8 key[KEY_BYTES];
	u64 value = 1;

	for (u32 i = 0; i < entries; i++) {
		key_make(b, key, i);
		if (b->m->type == BPF_MAP_TYPE_LPM_TRIE)
			key[0] = (u8)(12 + i % 17);
		b->m->ops->update(b->m, key, &value, BPF_ANY, 0);
	}
	b->keys = mem_alloc((size_t)KEYS * KEY_BYTES);
	srandom(1);
	for (u32 i = 0; i < KEYS; i++)
		key_make(b, b->keys + i * KEY_BYTES, (u32)random() % entries);
}

static void run(const char *name, u32 type, u32 key_size, u32 entries, u32 flags)
{
	struct bench b = { 0 };
	char what[64];

	make(&b, type, key_size, entries, flags);
	fill(&b, entries);
	snprintf(what, sizeof(what), "%s lookup", name);
	measure(&b, what, LOOKUP);
	if (type != BPF_MAP_TYPE_LPM_TRIE) {
		snprintf(what, sizeof(what), "%s update", name);
		measure(&b, what, UPDATE);
	}
	if (type == BPF_MAP_TYPE_HASH || type == BPF_MAP_TYPE_LRU_HASH) {
		snprintf(what, sizeof(what), "%s delete + insert", name);
		measure(&b, what, DELETE_INSERT);
	}
	map_free(b.m);
	free(b.keys);
}

/* A record of 32 bytes as bpf_ringbuf_output leaves it, and its reader. */
static int ignore(void *arg, const struct map_event *e)
{
	sum += e->bytes;
	return 0;
}

static void run_ring(void)
{
	struct bench b = { 0 };
	u64 took[ROUNDS], data[4] = { 1, 2, 3, 4 };

	make(&b, BPF_MAP_TYPE_RINGBUF, 0, 1 << 20, 0);
	for (u32 r = 0; r < ROUNDS; r++) {
		u64 start = os_clock_ns();

		for (u32 i = 0; i < OPS; i++) {
			void *rec = ring_reserve(b.m, sizeof(data), 0);

			memcpy(rec, data, sizeof(data));
			ring_commit(rec, false);
		}
		took[r] = os_clock_ns() - start;
		b.m->ops->read(b.m, ignore, NULL);
	}
	qsort(took, ROUNDS, sizeof(took[0]), by_time);
	printf("%-34s %6.1f ns best, %6.1f ns median\n", "ringbuf output 32 bytes",
	       (double)took[0] / OPS, (double)took[ROUNDS / 2] / OPS);
	map_free(b.m);
}

int main(void)
{
	run("array 1024", BPF_MAP_TYPE_ARRAY, 4, 1024, 0);
	run("percpu_array 1024", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 1024, 0);
	run("hash u64 1024", BPF_MAP_TYPE_HASH, 8, 1024, 0);
	run("hash u64 65536", BPF_MAP_TYPE_HASH, 8, 65536, 0);
	run("hash u32 65536", BPF_MAP_TYPE_HASH, 4, 65536, 0);
	run("hash 20 bytes 65536", BPF_MAP_TYPE_HASH, 20, 65536, 0);
	run("percpu_hash u64 65536", BPF_MAP_TYPE_PERCPU_HASH, 8, 65536, 0);
	run("lru_hash u64 65536", BPF_MAP_TYPE_LRU_HASH, 8, 65536, 0);
	run_ring();
	run("lpm_trie IPv4 1000", BPF_MAP_TYPE_LPM_TRIE, 8, 1000, BPF_F_NO_PREALLOC);
	run("lpm_trie IPv4 100000", BPF_MAP_TYPE_LPM_TRIE, 8, 100000, BPF_F_NO_PREALLOC);
	return sum == 42;
}
