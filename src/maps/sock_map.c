/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_map.c: SOCKMAP, SOCKHASH and REUSEPORT_SOCKARRAY. User space fills them
 * in the kernel with descriptors of sockets; here with numbers of sockets that
 * the creator's sock_of() knows, and reads their cookies. The words in the area
 * are numbers + 1, 0 when empty. Programs get sockets, never values.
 */
#include "maps/area.h"
#include "model/sock.h"
#include <netinet/in.h>

enum {
	SOCK_FLAGS = BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_NUMA_NODE,
	KEY_MAX = 512,
};

bool map_holds_socks(u32 type)
{
	return type == BPF_MAP_TYPE_SOCKMAP || type == BPF_MAP_TYPE_SOCKHASH ||
	       type == BPF_MAP_TYPE_REUSEPORT_SOCKARRAY;
}

/* ---- attributes -------------------------------------------------------------- */

static int value_check(const struct map_attr *a, struct skep_err *err)
{
	int r = attr_check(a, SOCK_FLAGS, err);

	if (!r && a->value_size != 4 && a->value_size != 8)
		r = attr_refuse(a, err, "EINVAL", "value_size is %u, not 4 or 8", a->value_size);
	return r;
}

static int sock_check(const struct map_attr *a, struct skep_err *err)
{
	int r = value_check(a, err);

	return r || a->key_size == 4 ? r :
		attr_refuse(a, err, "EINVAL", "key_size is %u, not 4", a->key_size);
}

static int sockhash_check(const struct map_attr *a, struct skep_err *err)
{
	int r = value_check(a, err);

	if (!r && !a->key_size)
		r = attr_refuse(a, err, "EINVAL", "key_size is 0");
	if (!r && a->key_size > KEY_MAX)
		r = attr_refuse(a, err, "E2BIG", "key_size is %u, at most %d", a->key_size,
				KEY_MAX);
	return r;
}

static u64 sock_bytes(const struct map_attr *a, u32 cpus)
{
	return sizeof(struct area_head) + 4ull * a->max_entries;
}

static void sock_init(struct map *m)
{
	m->elems = m->mem + sizeof(struct area_head);
	m->elem_stride = 4;
	m->nr_elems = m->max_entries;
}

static u64 sockhash_bytes(const struct map_attr *a, u32 cpus) { return hash_ops.bytes(a, cpus); }
static void sockhash_init(struct map *m) { hash_ops.init(m); }
static void sockhash_format(struct map *m) { hash_ops.format(m); }

/* No value is for programs to touch. */
static struct map_mem sock_values(const struct map *m)
{
	return (struct map_mem){ .base = m->elems, .stride = 4 };
}

/* ---- slots ------------------------------------------------------------------- */

/* Where KEY's word is, or NULL. */
static u32 *slot_at(struct map *m, const void *key)
{
	u32 i;

	if (m->type == BPF_MAP_TYPE_SOCKHASH)
		return hash_ops.lookup(m, key, MAP_USER);
	memcpy(&i, key, sizeof(i));
	return i < m->nr_elems ? (u32 *)m->elems + i : NULL;
}

static struct sock *sock_in(const struct map *m, const u32 *slot)
{
	u32 number = slot ? load_acquire(slot) : 0;

	return number && m->sock_of ? m->sock_of(m->sock_arg, number - 1) : NULL;
}

static void *sock_lookup(struct map *m, const void *key, u32 cpu)
{
	return sock_in(m, slot_at(m, key));
}

int map_sock_cookie(struct map *m, const void *key, void *value)
{
	struct sock *s = sock_in(m, slot_at(m, key));

	if (m->value_size != sizeof(s->cookie))
		return -ENOSPC;
	if (!s)
		return -ENOENT;
	memcpy(value, &s->cookie, sizeof(s->cookie));
	return 0;
}

/* ---- what may be in ------------------------------------------------------------ */

/* Whether the kernel takes a socket like S: 0 or -errno. */
static int sock_fits(const struct map *m, const struct sock *s)
{
	const struct bpf_sock *f = &s->full;

	if (m->type == BPF_MAP_TYPE_REUSEPORT_SOCKARRAY) {
		if ((f->state != SOCK_LISTEN && f->state != SOCK_CLOSE) || !s->group)
			return -EINVAL;
		return load_relaxed(&s->array) || load_relaxed(&s->maps) ? -EBUSY : 0;
	}
	if (load_relaxed(&s->array))
		return -EBUSY;
	if (f->protocol == IPPROTO_TCP)
		return f->state == SOCK_LISTEN || f->state == SOCK_ESTABLISHED ? 0 : -EOPNOTSUPP;
	return f->src_port ? 0 : -EOPNOTSUPP;
}

static int flags_fit(u64 flags, bool there)
{
	if (flags > BPF_EXIST)
		return -EINVAL;
	if (there && flags == BPF_NOEXIST)
		return -EEXIST;
	return !there && flags == BPF_EXIST ? -ENOENT : 0;
}

static void leave(struct map *m, const u32 *slot)
{
	struct sock *s = sock_in(m, slot);

	if (s && m->type == BPF_MAP_TYPE_REUSEPORT_SOCKARRAY)
		store_relaxed(&s->array, false);
	else if (s && load_relaxed(&s->maps))
		__atomic_fetch_sub(&s->maps, 1, __ATOMIC_RELAXED);
}

static void enter(const struct map *m, struct sock *s)
{
	if (m->type == BPF_MAP_TYPE_REUSEPORT_SOCKARRAY)
		store_relaxed(&s->array, true);
	else
		__atomic_fetch_add(&s->maps, 1, __ATOMIC_RELAXED);
}

/* Changes are made one after the other: counts of sockets go with them. */
static int put_locked(struct map *m, const void *key, struct sock *s, u32 number, u64 flags)
{
	u64 word = number + 1ull;
	u32 *slot = slot_at(m, key);
	int r = flags_fit(flags, slot && load_relaxed(slot));

	if (!r)
		r = sock_fits(m, s);
	if (r)
		return r;
	leave(m, slot);
	if (m->type == BPF_MAP_TYPE_SOCKHASH)
		r = hash_ops.update(m, key, &word, flags, MAP_USER);
	else
		store_release(slot, number + 1);
	if (!r)
		enter(m, s);
	return r;
}

/* Puts socket number NUMBER, which is S, at KEY. */
static int put(struct map *m, const void *key, struct sock *s, u32 number, u64 flags)
{
	u32 *lock = &area_head(m)->lock;
	int r;

	area_lock(m, lock);
	r = put_locked(m, key, s, number, flags);
	lock_drop(lock);
	return r;
}

int map_sock_put(struct map *m, const void *key, struct sock *s, u64 flags)
{
	u32 n = 0;

	if (m->type != BPF_MAP_TYPE_SOCKHASH && !slot_at(m, key))
		return -E2BIG;
	while (m->sock_of && m->sock_of(m->sock_arg, n) && m->sock_of(m->sock_arg, n) != s)
		n++;
	return m->sock_of && m->sock_of(m->sock_arg, n) ? put(m, key, s, n, flags) : -EOPNOTSUPP;
}

static s64 sock_update(struct map *m, const void *key, const void *value, u64 flags, u32 cpu)
{
	struct sock *s;
	u64 number = 0;

	if (cpu != MAP_USER)
		return -EOPNOTSUPP;
	if (flags > BPF_EXIST)
		return -EINVAL;
	if (m->type != BPF_MAP_TYPE_SOCKHASH && !slot_at(m, key))
		return -E2BIG;
	memcpy(&number, value, m->value_size);
	if (number > INT32_MAX)
		return -EINVAL;
	s = m->sock_of ? m->sock_of(m->sock_arg, (u32)number) : NULL;
	return s ? put(m, key, s, (u32)number, flags) : -EBADF;
}

static int remove_locked(struct map *m, const void *key, u32 cpu)
{
	u32 *slot = slot_at(m, key);

	if (m->type == BPF_MAP_TYPE_SOCKHASH) {
		leave(m, slot);
		return hash_ops.remove(m, key, cpu);
	}
	if (!slot)
		return m->type == BPF_MAP_TYPE_SOCKMAP ? -EINVAL : -E2BIG;
	leave(m, slot);
	if (__atomic_exchange_n(slot, 0, __ATOMIC_ACQ_REL))
		return 0;
	return m->type == BPF_MAP_TYPE_SOCKMAP ? -EINVAL : -ENOENT;
}

static int sock_remove(struct map *m, const void *key, u32 cpu)
{
	u32 *lock = &area_head(m)->lock;
	int r;

	area_lock(m, lock);
	r = remove_locked(m, key, cpu);
	lock_drop(lock);
	return r;
}

static int sock_next_key(struct map *m, const void *key, void *next)
{
	return m->type == BPF_MAP_TYPE_SOCKHASH ? hash_ops.next_key(m, key, next) :
						  array_ops.next_key(m, key, next);
}

static u64 sock_count(const struct map *m)
{
	u64 n = 0;

	if (m->type == BPF_MAP_TYPE_SOCKHASH)
		return hash_ops.count(m);
	for (u32 i = 0; i < m->nr_elems; i++)
		n += load_relaxed((u32 *)m->elems + i) != 0;
	return n;
}

#define SOCK_OPS(number, check_fn, bytes_fn, init_fn, format_fn) { \
	.type = number, .check = check_fn, .bytes = bytes_fn, .init = init_fn, \
	.format = format_fn, .values = sock_values, .lookup = sock_lookup, .update = sock_update, \
	.remove = sock_remove, .next_key = sock_next_key, .count = sock_count }

const struct map_ops sockmap_ops =
	SOCK_OPS(BPF_MAP_TYPE_SOCKMAP, sock_check, sock_bytes, sock_init, NULL);
const struct map_ops reuseport_array_ops =
	SOCK_OPS(BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, sock_check, sock_bytes, sock_init, NULL);
const struct map_ops sockhash_ops =
	SOCK_OPS(BPF_MAP_TYPE_SOCKHASH, sockhash_check, sockhash_bytes, sockhash_init,
		 sockhash_format);
