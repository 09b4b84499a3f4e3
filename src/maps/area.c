/* SPDX-License-Identifier: BSD-2-Clause */
/* area.c: pools, locks, counted entries and watched copies; see area.h. */
#include "maps/area.h"
#include "base/os.h"
#include <stdarg.h>
#include <stdio.h>

/* ---- pools ---------------------------------------------------------------- */

static u32 *pool_link(const struct pool_mem *mem, u32 number)
{
	return (u32 *)(mem->base + number * mem->stride);
}

static u32 pool_fresh(struct pool *p, u32 nr)
{
	u32 used = load_relaxed(&p->fresh);

	do {
		if (used >= nr - 1)
			return 0;
	} while (!__atomic_compare_exchange_n(&p->fresh, &used, used + 1, true,
					      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return used + 1;
}

/* A link read here may be a key by now; then the tag has changed as well. */
u32 pool_get(struct pool *p, const struct pool_mem *mem)
{
	u64 top = load_acquire(&p->top), next;
	u32 number;

	do {
		number = (u32)top;
		if (!number || number >= mem->nr)
			return pool_fresh(p, mem->nr);
		next = ((top >> 32) + 1) << 32 |
		       load_relaxed(pool_link(mem, number));
	} while (!__atomic_compare_exchange_n(&p->top, &top, next, true,
					      __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE));
	return number;
}

void pool_put(struct pool *p, const struct pool_mem *mem, u32 number)
{
	u64 top = load_relaxed(&p->top), next;

	do {
		store_relaxed(pool_link(mem, number), (u32)top);
		next = (top >> 32) << 32 | number;
	} while (!__atomic_compare_exchange_n(&p->top, &top, next, true,
					      __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

/* ---- locks and counts ------------------------------------------------------ */

static inline void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

void lock_pause(u32 spins)
{
	if (spins % 128)
		cpu_relax();
	else
		os_yield();
}

void lock_take_slow(u32 *word, u32 owner)
{
	for (u32 spins = 1; load_relaxed(word) || !lock_try(word, owner); spins++)
		lock_pause(spins);
}

void area_lock_slow(const struct map *m, u32 *word)
{
	for (u32 spins = 1; load_relaxed(word) || !lock_try(word, m->owner); spins++) {
		lock_pause(spins);
		if (unlikely(m->share) && spins % SHARE_LOOKS == 0)
			share_dead(m, load_relaxed(word));
	}
}

bool count_take(u32 *count, u32 max)
{
	u32 n = load_relaxed(count);

	do {
		if (n >= max)
			return false;
	} while (!__atomic_compare_exchange_n(count, &n, n + 1, true,
					      __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
	return true;
}

void count_drop(u32 *count)
{
	__atomic_fetch_sub(count, 1, __ATOMIC_RELEASE);
}

/* ---- bytes ----------------------------------------------------------------- */

void words_get(void *dst, const u64 *src, u32 n)
{
	u8 *p = dst;
	u64 v;

	for (; n >= 8; n -= 8, p += 8) {
		v = load_relaxed(src++);
		memcpy(p, &v, 8);
	}
	if (n) {
		v = load_relaxed(src);
		memcpy(p, &v, n);
	}
}

static bool has_fields(const struct map *m) { return m->nr_fields; }

/* To and from an element that others may read and write meanwhile, where fields,
 * and so the parts between them, are aligned to 4 bytes. */
static void part_set(u8 *elem, const u8 *value, u32 n)
{
	u32 v;

	for (; n >= sizeof(v); n -= 4, elem += 4, value += 4) {
		memcpy(&v, value, sizeof(v));
		store_relaxed((u32 *)elem, v);
	}
	for (; n; n--)
		store_relaxed(elem++, *value++);
}

static void part_get(u8 *value, const u8 *elem, u32 n)
{
	u32 v;

	for (; n >= sizeof(v); n -= 4, elem += 4, value += 4) {
		v = load_relaxed((const u32 *)elem);
		memcpy(value, &v, sizeof(v));
	}
	for (; n; n--)
		*value++ = load_relaxed(elem++);
}

/* All but the lock, the timer and objects, by COPY. */
static void copy_around_fields(const struct map *m, u8 *dst, const u8 *src,
			       void (*copy)(u8 *dst, const u8 *src, u32 n))
{
	u32 from = 0;

	for (u32 i = 0; i < m->nr_fields; i++) {
		copy(dst + from, src + from, m->fields[i].at - from);
		from = m->fields[i].at + m->fields[i].bytes;
	}
	copy(dst + from, src + from, m->value_size - from);
}

void value_set(const struct map *m, void *elem, const void *value)
{
	if (unlikely(has_fields(m)))
		copy_around_fields(m, elem, value, part_set);
	else
		words_set(elem, value, m->value_size);
}

static void clear_fields(const struct map *m, u8 *value)
{
	for (u32 i = 0; i < m->nr_fields; i++)
		memset(value + m->fields[i].at, 0, m->fields[i].bytes);
}

void value_init(const struct map *m, void *elem, const void *value)
{
	value_set(m, elem, value);
	if (unlikely(has_fields(m)))
		clear_fields(m, elem);
}

static void kptrs_retire(const struct map *m, u8 *elem)
{
	for (u32 i = 0; i < m->nr_kptrs; i++) {
		u64 object = __atomic_exchange_n((u64 *)(elem + m->kptrs[i]), 0, __ATOMIC_ACQ_REL);

		if (object && m->kptr_gone)
			m->kptr_gone(*m->objects, object);
	}
}

/* What lies at PLACE holds a handle. */
static void timer_retire(const struct map *m, u8 *place)
{
	u64 handle;

	memcpy(&handle, place, sizeof(handle));
	memset(place, 0, TIMER_BYTES);
	if (handle && m->timer_gone)
		m->timer_gone(m->timer_arg, handle);
}

void value_retire(const struct map *m, void *elem)
{
	if (unlikely(m->nr_kptrs))
		kptrs_retire(m, elem);
	if (unlikely(m->timer_at))
		timer_retire(m, (u8 *)elem + m->timer_at - 1);
	if (unlikely(m->work_at))
		timer_retire(m, (u8 *)elem + m->work_at - 1);
}

void value_set_locked(const struct map *m, void *elem, const void *value, u32 cpu)
{
	u32 *lock = (u32 *)((u8 *)elem + m->lock_at - 1);

	lock_take(lock, lock_owner(cpu));
	value_set(m, elem, value);
	lock_drop(lock);
}

void value_get(const struct map *m, void *value, const void *elem)
{
	if (likely(!has_fields(m))) {
		words_get(value, elem, m->value_size);
		return;
	}
	copy_around_fields(m, value, elem, part_get);
	clear_fields(m, value);
}

/* ---- attributes ------------------------------------------------------------ */

int attr_refuse(const struct map_attr *a, struct skep_err *err,
		const char *errno_name, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(err, ERR_MAP_ATTR, NULL, "%s map '%s': %s (%s)",
		       maptype_row(a->type)->name, a->name ? a->name : "", text,
		       errno_name);
}

int attr_flags(const struct map_attr *a, u32 mask, struct skep_err *err)
{
	u32 f = a->map_flags, user = BPF_F_RDONLY | BPF_F_WRONLY,
	    prog = BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG;

	if (f & ~mask)
		return attr_refuse(a, err, "EINVAL",
				   "map_flags 0x%x are not for this type", f & ~mask);
	if ((f & user) == user || (f & prog) == prog)
		return attr_refuse(a, err, "EINVAL", "map_flags 0x%x make it "
				   "both read-only and write-only", f);
	if (a->map_extra)
		return attr_refuse(a, err, "EINVAL", "map_extra is %llu, not 0",
				   (unsigned long long)a->map_extra);
	return 0;
}

static int kptrs_check(const struct map_attr *a, struct skep_err *err)
{
	if (a->type != BPF_MAP_TYPE_ARRAY && a->type != BPF_MAP_TYPE_HASH &&
	    a->type != BPF_MAP_TYPE_LRU_HASH)
		return attr_refuse(a, err, "EOPNOTSUPP", "values of this type have no objects");
	for (u32 i = 0; i < a->nr_kptrs; i++)
		if (a->kptrs[i] % 8 || !in_bounds(a->kptrs[i], 8, a->value_size))
			return attr_refuse(a, err, "EINVAL", "its object at offset %u does not fit "
					   "value_size %u", a->kptrs[i], a->value_size);
	return 0;
}

static int timer_check(const struct map_attr *a, const char *what, u32 at, struct skep_err *err)
{
	if (a->type != BPF_MAP_TYPE_ARRAY && a->type != BPF_MAP_TYPE_HASH &&
	    a->type != BPF_MAP_TYPE_LRU_HASH)
		return attr_refuse(a, err, "EOPNOTSUPP", "values of this type have no %ss", what);
	if ((at - 1) % 8 || !in_bounds(at - 1, TIMER_BYTES, a->value_size))
		return attr_refuse(a, err, "EINVAL", "its %s at offset %u does not fit "
				   "value_size %u", what, at - 1, a->value_size);
	return 0;
}

static bool has_locks(u32 type)
{
	switch (type) {
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LPM_TRIE:
		return false;
	default:
		return true;
	}
}

static int lock_check(const struct map_attr *a, struct skep_err *err)
{
	u32 at = a->lock_at - 1;

	if (!has_locks(a->type))
		return attr_refuse(a, err, "EOPNOTSUPP", "values of this type have no spin locks");
	if (at % 4)
		return attr_refuse(a, err, "EINVAL", "its spin lock is not aligned: offset %u", at);
	if (!in_bounds(at, 4, a->value_size))
		return attr_refuse(a, err, "EINVAL", "its spin lock at offset %u does not fit "
				   "value_size %u", at, a->value_size);
	return 0;
}

int attr_check(const struct map_attr *a, u32 flags_mask, struct skep_err *err)
{
	if (!a->key_size)
		return attr_refuse(a, err, "EINVAL", "key_size is 0");
	if (!a->value_size)
		return attr_refuse(a, err, "EINVAL", "value_size is 0");
	if (!a->max_entries)
		return attr_refuse(a, err, "EINVAL", "max_entries is 0");
	if (a->lock_at && lock_check(a, err))
		return -EINVAL;
	if (a->timer_at && timer_check(a, "timer", a->timer_at, err))
		return -EINVAL;
	if (a->work_at && timer_check(a, "work queue", a->work_at, err))
		return -EINVAL;
	if (a->nr_kptrs && kptrs_check(a, err))
		return -EINVAL;
	return attr_flags(a, flags_mask, err);
}

int attr_slots(const struct map_attr *a, u32 flags_mask, struct skep_err *err)
{
	int r = attr_check(a, flags_mask, err);

	if (r)
		return r;
	if (a->key_size != 4)
		return attr_refuse(a, err, "EINVAL", "key_size is %u, not 4", a->key_size);
	if (a->value_size != 4)
		return attr_refuse(a, err, "EINVAL", "value_size is %u, not 4", a->value_size);
	return 0;
}

int attr_keyless(const struct map_attr *a, u32 flags_mask, struct skep_err *err)
{
	enum { VALUE_BYTES_MAX = 4 << 20 };	/* the kernel's limit */
	int r = attr_flags(a, flags_mask, err);

	if (r)
		return r;
	if (a->key_size)
		return attr_refuse(a, err, "EINVAL", "key_size is %u, not 0", a->key_size);
	if (!a->value_size || !a->max_entries)
		return attr_refuse(a, err, "EINVAL", "%s is 0",
				   a->value_size ? "max_entries" : "value_size");
	if (a->lock_at)
		return attr_refuse(a, err, "ENOTSUPP", "a spin lock in its value");
	if (a->value_size > VALUE_BYTES_MAX)
		return attr_refuse(a, err, "E2BIG", "value_size %u exceeds %d",
				   a->value_size, VALUE_BYTES_MAX);
	return 0;
}
