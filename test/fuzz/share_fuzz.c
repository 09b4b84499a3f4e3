/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * share_fuzz.c: pinned files that somebody has changed: opened, looked at, dumped by
 * their types, changed and closed. The first byte chooses a map, the second what is done
 * to the file besides: 1 the checksum is made right, 2 it is cut off, 4 somebody died in
 * it. Then come changes: two bytes of offset, one of length, that many bytes.
 */
#include "api/object.h"
#include "base/hash.h"
#include "maps/share.h"
#include "maps/area.h"
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes);

enum { CPUS = 2 };
enum { FIX_SUM = 1, CUT = 2, DEAD = 4 };

static const struct { u32 type, key, value, entries, flags; } defs[] = {
	{ BPF_MAP_TYPE_ARRAY, 4, 12, 9, 0 },
	{ BPF_MAP_TYPE_PERCPU_ARRAY, 4, 12, 9, 0 },
	{ BPF_MAP_TYPE_HASH, 4, 12, 30, 0 },
	{ BPF_MAP_TYPE_PERCPU_HASH, 4, 12, 30, 0 },
	{ BPF_MAP_TYPE_LRU_HASH, 8, 12, 30, 0 },
	{ BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 12, 30, BPF_F_NO_COMMON_LRU },
	{ BPF_MAP_TYPE_LPM_TRIE, 8, 12, 30, BPF_F_NO_PREALLOC },
	{ BPF_MAP_TYPE_QUEUE, 0, 12, 9, 0 },
	{ BPF_MAP_TYPE_STACK, 0, 12, 9, 0 },
	{ BPF_MAP_TYPE_BLOOM_FILTER, 0, 12, 30, 0 },
	{ BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0 },
	{ BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 4096, 0 },
};

static struct { u8 *data; size_t bytes; } files[ARRAY_LEN(defs)];
static char path[64];

static void key_of(u32 type, u32 i, u8 key[8])
{
	u32 len = i % 33;

	memcpy(key, type == BPF_MAP_TYPE_LPM_TRIE ? &len : &i, 4);
	memcpy(key + 4, &i, 4);
}

/* ---- a file as it should be ------------------------------------------------------ */

static void fill(struct map *m)
{
	u8 key[8], value[64] = { 1, 2, 3 };
	void *rec;

	for (u32 i = 0; i < 20; i++) {
		key_of(m->type, i, key);
		if (m->ops->write)
			m->ops->write(m, value, 20);
		else if (!m->ops->read)
			map_user_update(m, key, value, 0);
		else if ((rec = ring_reserve(m, 20, 0)) && i < 19)	/* one stays busy */
			ring_commit(rec, i % 3 == 0);
	}
	for (u32 i = 3; m->key_size && i < 20; i += 5) {
		key_of(m->type, i, key);
		map_user_delete(m, key);
	}
}

static void make(u32 n)
{
	struct map_attr a = { .name = "fuzz", .type = defs[n].type, .key_size = defs[n].key,
		.value_size = defs[n].value, .max_entries = defs[n].entries,
		.map_flags = defs[n].flags };
	struct map *m;
	int fd;

	unlink(path);
	if (map_create(&m, &a, CPUS, NULL) || share_create(m, path, NULL, NULL))
		abort();
	fill(m);
	map_free(m);
	fd = open(path, O_RDONLY);
	files[n].bytes = (size_t)lseek(fd, 0, SEEK_END);
	files[n].data = malloc(files[n].bytes);
	if (pread(fd, files[n].data, files[n].bytes, 0) != (ssize_t)files[n].bytes)
		abort();
	close(fd);
}

static void make_all(void)
{
	snprintf(path, sizeof(path), "/tmp/skep-share-fuzz-%d", (int)getpid());
	for (u32 i = 0; i < ARRAY_LEN(defs); i++)
		make(i);
}

/* ---- what becomes of it ------------------------------------------------------------- */

static void patch(u8 *file, size_t size, const u8 *data, size_t bytes)
{
	while (bytes > 3) {
		size_t at = (data[0] | (size_t)data[1] << 8) % size, n = data[2];

		n = n < bytes - 3 ? n : bytes - 3;
		for (size_t i = 0; i < n; i++)
			file[(at + i) % size] = data[3 + i];
		data += 3 + n;
		bytes -= 3 + n;
	}
}

static void fix_sum(u8 *file, size_t size)
{
	struct share_head h;
	u64 sum;

	memcpy(&h, file, sizeof(h));
	sum = hash_bytes(&h, offsetof(struct share_head, sum), SHARE_VERSION);
	if (h.btf_bytes && in_bounds(h.btf_at, h.btf_bytes, size))
		sum = hash_bytes(file + h.btf_at, h.btf_bytes, sum);
	memcpy(file + offsetof(struct share_head, sum), &sum, 8);
}

static void died(u8 *file, const struct share_head *h)
{
	struct share_state *state = (void *)(file + h->state_at);

	for (u32 i = 1; i < 4; i++)
		state->members[i].used = 1;
	state->cpus[0] = 2;
}

static void write_file(const u8 *file, size_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, file, size) != (ssize_t)size)
		abort();
	close(fd);
}

/* ---- use ---------------------------------------------------------------------------- */

static int look(void *arg, const struct map_event *e)
{
	for (u32 i = 0; i < e->bytes; i++)
		*(u32 *)arg += e->data[i];
	return 0;
}

static void use_elements(struct map *m, u32 cpu)
{
	u8 key[8], next[8], value[64];
	bool start = true;

	for (u32 i = 0; i < 40; i++) {
		key_of(m->type, i, key);
		memset(value, (int)i, sizeof(value));
		map_user_lookup(m, key, value, 0);
		if (m->ops->lookup(m, key, cpu))
			memset(m->ops->lookup(m, key, cpu), (int)i, m->value_size);
		m->ops->update(m, key, value, i % 3, i % 2 ? cpu : MAP_USER);
		if (i % 4 == 1)
			m->ops->remove(m, key, cpu);
		if (i % 7 == 1)
			map_user_take(m, key, value, 0);
	}
	for (u32 n = 0; n < 100 && !map_user_next_key(m, start ? NULL : key, next); n++) {
		memcpy(key, next, sizeof(key));
		start = false;
	}
}

static void use_keyless(struct map *m)
{
	u8 value[64] = { 0 };

	for (u32 i = 0; i < 30; i++) {
		m->ops->push(m, value, i % 2 ? BPF_EXIST : BPF_ANY, i % 2);
		m->ops->peek(m, value, 0);
		if (m->ops->nth)
			m->ops->nth(m, i, value);
		if (i % 3)
			m->ops->pop(m, value, 1);
	}
}

static void use_ring(struct map *m)
{
	u32 sum = 0;
	void *data;

	for (u32 i = 0; i < 10; i++) {
		data = ring_reserve(m, i * 50, 0);
		if (data) {
			memset(data, 1, i * 50);
			ring_commit(data, i % 2);
		}
		if (i % 4 == 3)
			m->ops->read(m, look, &sum);
	}
	ring_query(m, BPF_RB_AVAIL_DATA);
	m->ops->read(m, look, &sum);
}

static void use_user_ring(struct map *m)
{
	u8 sample[100] = { 0 };
	void *data;
	u32 bytes, sum = 0;

	for (u32 i = 0; i < 10; i++)
		m->ops->write(m, sample, i * 10);
	if (!user_ring_lock(m, 0))
		return;
	for (u32 i = 0; i < 30; i++) {
		int r = user_ring_peek(m, &data, &bytes);

		if (r && r != -EAGAIN)
			break;
		for (u32 k = 0; !r && k < bytes; k++)
			sum += ((const u8 *)data)[k];
		if (!r)
			user_ring_release(m, bytes);
	}
	user_ring_unlock(m);
	(void)sum;
}

static void use(struct map *m)
{
	if (m->key_size > 8 || map_user_value_bytes(m) > 64)
		return;
	if (share_has_cpus(m))
		share_cpu(m, 0);
	m->ops->count(m);
	if (m->ops->push)
		use_keyless(m);
	else if (m->ops->read)
		use_ring(m);
	else if (m->ops->write)
		use_user_ring(m);
	else
		use_elements(m, 0);
	m->ops->count(m);
}

/* As a reader does that only knows the path. */
static void dump(void)
{
	struct strbuf text = { 0 };
	struct json j = { .out = &text };
	struct skep_object *obj;
	struct map_info info;
	u8 key[8], next[8], value[128];
	struct backend *b;
	int r;

	if (object_open_pinned(&obj, path, NULL))
		return;
	b = obj->backend;
	if (b->ops->map_info(b, 0, &info))
		abort();
	/* of some types the sizes may be others and make a map all the same */
	r = info.value_bytes <= sizeof(value) && info.key_size && info.key_size <= 8 ?
	    b->ops->map_next_key(b, 0, NULL, next) : -ENOENT;
	for (u32 n = 0; !r && n < 100; n++) {
		memcpy(key, next, sizeof(key));
		if (!b->ops->map_lookup(b, 0, key, value, 0) && obj->img->maps[0].value_type)
			btf_show_json(&j, "v", obj->img->btf, obj->img->maps[0].value_type, value,
				      info.value_size, 0);
		r = b->ops->map_next_key(b, 0, key, next);
	}
	sb_free(&text);
	skep_object_close(obj);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
	struct share_head good;
	struct map *m;
	size_t size;
	u8 *file;
	u32 n;

	if (!files[0].data)
		make_all();
	if (bytes < 2)
		return 0;
	n = data[0] % ARRAY_LEN(defs);
	size = files[n].bytes;
	file = malloc(size);
	memcpy(file, files[n].data, size);
	memcpy(&good, file, sizeof(good));
	if (data[1] & DEAD)
		died(file, &good);
	patch(file, size, data + 2, bytes - 2);
	if (data[1] & FIX_SUM)
		fix_sum(file, size);
	write_file(file, data[1] & CUT ? size * data[1] / 256 : size);
	dump();
	if (!share_open(&m, path, NULL, NULL, NULL)) {
		use(m);
		map_free(m);
	}
	dump();
	unlink(path);
	free(file);
	return 0;
}
