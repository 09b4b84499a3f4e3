/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ring.c: BPF_MAP_TYPE_RINGBUF and USER_RINGBUF, in the kernel's layout: records
 * of 8 bytes of header and data rounded up to 8, which may not pass the oldest one
 * that is not committed yet. The data pages are mapped twice in a row, so that every
 * record is in one piece.
 *
 * Producers take their places under the area's lock and commit by one store to
 * the header; there is one reader at a time, which takes none.
 */
#include "maps/area.h"
#include "base/os.h"
#include "maps/share.h"
#include "base/os.h"
#include "model/dynptr.h"

enum {
	RING_FLAGS = BPF_F_NUMA_NODE,
	RECORD_HEAD = 8,
	RECORD_BYTES_MAX = UINT32_MAX / 4,
	GATHER_BYTES = 2048, GATHER_NS = 1000,
};

/* In the area's first page, behind its head. Positions only grow. */
struct ring {
	u64 consumed __attribute__((aligned(AREA_LINE)));
	u64 produced __attribute__((aligned(AREA_LINE)));
	u64 pending;	/* the oldest record that may be uncommitted */
	u64 seen;	/* what consumed was when there seemed to be no room */
	u64 lost;	/* records that found no room */
	/* of shared maps: a reader sleeps until WAKES has changed */
	u32 sleeps __attribute__((aligned(AREA_LINE)));
	u32 wakes;
	/* of shared maps: who reads, or writes to a user ring buffer, at this time */
	u32 busy __attribute__((aligned(AREA_LINE)));
};
_Static_assert(sizeof(struct area_head) + sizeof(struct ring) <= AREA_PAGE, "one page");

/* The kernel's struct bpf_ringbuf_hdr; pg_off: from the area's start, in a shared map
 * with the member that reserved the record, whose death ends it. */
struct record {
	u32 len, pg_off;
};
enum { PAGE_BITS = 20 };
_Static_assert(SHARE_MEMBERS < 1 << (32 - PAGE_BITS), "members fit");

static int ring_check(const struct map_attr *a, struct skep_err *err)
{
	int r = attr_flags(a, RING_FLAGS, err);

	if (r)
		return r;
	if (a->key_size || a->value_size)
		return attr_refuse(a, err, "EINVAL", "%s is %u, not 0",
				   a->key_size ? "key_size" : "value_size",
				   a->key_size ? a->key_size : a->value_size);
	if (!a->max_entries || a->max_entries & (a->max_entries - 1) ||
	    a->max_entries % AREA_PAGE)
		return attr_refuse(a, err, "EINVAL", "max_entries %u is no power of two "
				   "of whole pages", a->max_entries);
	return 0;
}

static u64 ring_bytes(const struct map_attr *a, u32 cpus)
{
	return AREA_PAGE + 2ull * a->max_entries;
}

static void ring_init(struct map *m)
{
	m->index = m->mem + sizeof(struct area_head);
	m->elems = m->mem + AREA_PAGE;
	m->index_mask = m->max_entries - 1;
}

static struct map_mem ring_values(const struct map *m)
{
	return (struct map_mem){ .base = m->elems, .stride = 8 };
}

static struct record *record_at(const struct map *m, u64 pos)
{
	return (struct record *)(m->elems + (pos & m->index_mask & ~7ull));
}

static u64 record_bytes(u32 len)
{
	return round_up((u64)(len & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT)) +
			RECORD_HEAD, 8);
}

/* Ends a record whose producer is dead, as if it had been discarded. */
static bool record_bury(struct record *rec, u32 len)
{
	return __atomic_compare_exchange_n(&rec->len, &len, (len & ~BPF_RINGBUF_BUSY_BIT) |
					   BPF_RINGBUF_DISCARD_BIT, false, __ATOMIC_RELEASE,
					   __ATOMIC_RELAXED);
}

/* Its length, once whoever was to commit it is no more. */
static u32 record_len(const struct map *m, struct record *rec)
{
	u32 len = load_acquire(&rec->len);

	if (unlikely(m->share && len & BPF_RINGBUF_BUSY_BIT) &&
	    share_is_dead(m, load_relaxed(&rec->pg_off) >> PAGE_BITS) && record_bury(rec, len))
		len = load_acquire(&rec->len);
	return len;
}

/* Steps over the committed records at POS; those of a shared file may lie. */
static u64 pass_committed(const struct map *m, u64 pos, u64 end)
{
	if (unlikely(end - pos > m->max_entries))
		return pos;
	while (pos < end) {
		u32 len = record_len(m, record_at(m, pos));

		if (len & BPF_RINGBUF_BUSY_BIT)
			break;
		pos += record_bytes(len);
	}
	return pos;
}

/* A number of a member may be given to another when no record names it. */
static void records_bury(struct map *m, u32 owner)
{
	struct ring *ring = m->index;
	u64 pos = load_relaxed(&ring->pending), end = load_relaxed(&ring->produced);

	while (pos < end && end - pos <= m->max_entries) {
		struct record *rec = record_at(m, pos);
		u32 len = load_acquire(&rec->len);

		if (len & BPF_RINGBUF_BUSY_BIT && load_relaxed(&rec->pg_off) >> PAGE_BITS == owner)
			record_bury(rec, len);
		pos += record_bytes(len);
	}
}

static void ring_bury(struct map *m, u32 owner)
{
	struct ring *ring = m->index;

	if (m->type == BPF_MAP_TYPE_RINGBUF)
		records_bury(m, owner);
	if (load_relaxed(&ring->busy) == owner)
		lock_drop(&ring->busy);
}

static struct record *reserve_locked(struct map *m, u64 need, u32 len)
{
	struct ring *ring = m->index;
	u64 pos = ring->produced, end = pos + need;
	struct record *rec = record_at(m, pos);

	ring->pending = pass_committed(m, ring->pending, pos);
	/* the reader's line is fetched only when it must be */
	if (end - ring->seen > m->index_mask)
		ring->seen = load_acquire(&ring->consumed);
	if (end - ring->seen > m->index_mask || end - ring->pending > m->index_mask)
		return NULL;
	rec->pg_off = (u32)(((u8 *)rec - m->mem) / AREA_PAGE) |
		      (m->share ? m->owner << PAGE_BITS : 0);
	store_relaxed(&rec->len, len | BPF_RINGBUF_BUSY_BIT);
	store_release(&ring->produced, end);
	return rec;
}

void *ring_reserve(struct map *m, u64 bytes, u32 cpu)
{
	struct ring *ring = m->index;
	u32 *lock = &area_head(m)->lock;
	struct record *rec = NULL;
	u64 need = round_up(bytes, 8) + RECORD_HEAD;

	if (bytes <= RECORD_BYTES_MAX && need <= m->max_entries) {
		area_lock(m, lock);
		rec = reserve_locked(m, need, (u32)bytes);
		lock_drop(lock);
	}
	if (!rec) {
		__atomic_fetch_add(&ring->lost, 1, __ATOMIC_RELAXED);
		return NULL;
	}
	return rec + 1;
}

void ring_commit(void *data, bool discard)
{
	struct record *rec = (struct record *)data - 1;
	u32 len = load_relaxed(&rec->len) & ~BPF_RINGBUF_BUSY_BIT;

	store_release(&rec->len, discard ? len | BPF_RINGBUF_DISCARD_BIT : len);
}

bool ring_has(const struct map *m, const void *record)
{
	return m->type == BPF_MAP_TYPE_RINGBUF && (const u8 *)record >= m->elems &&
	       (const u8 *)record < m->elems + 2ull * m->max_entries;
}

bool ring_is_next(const struct map *m, const void *record)
{
	const struct ring *ring = m->index;

	return record_at(m, load_relaxed(&ring->consumed)) + 1 == record;
}

/* Bytes between the reader and the end, both at one time: who loses its cpu between the two
 * looks would else count what came and went meanwhile, more than there is room for. */
static u64 ring_unread(const struct ring *ring)
{
	u64 consumed = load_acquire(&ring->consumed), produced, was;

	do {
		was = consumed;
		produced = load_acquire(&ring->produced);
		consumed = load_acquire(&ring->consumed);
	} while (unlikely(consumed != was));
	return produced - consumed;
}

u64 ring_query(const struct map *m, u64 what)
{
	const struct ring *ring = m->index;

	switch (what) {
	case BPF_RB_AVAIL_DATA:
		return ring_unread(ring);
	case BPF_RB_RING_SIZE:
		return m->max_entries;
	case BPF_RB_CONS_POS:
		return load_acquire(&ring->consumed);
	case BPF_RB_PROD_POS:
		return load_acquire(&ring->produced);
	default:
		return 0;
	}
}

/* ---- waiting, in shared maps ------------------------------------------------------ */

/* Who dies between its commit and this leaves the reader asleep until it looks anyway. */
void ring_wake(struct map *m)
{
	struct ring *ring = m->index;

	if (!load_relaxed(&ring->sleeps) ||
	    !__atomic_exchange_n(&ring->sleeps, 0, __ATOMIC_RELAXED))
		return;
	__atomic_fetch_add(&ring->wakes, 1, __ATOMIC_RELEASE);
	os_shared_wake(&ring->wakes);
}

u32 ring_watch(struct map *m)
{
	struct ring *ring = m->index;
	u32 seen = load_acquire(&ring->wakes);

	__atomic_store_n(&ring->sleeps, 1, __ATOMIC_SEQ_CST);
	return seen;
}

void ring_sleep(const struct map *m, u32 seen, u32 ms)
{
	os_shared_sleep(&((const struct ring *)m->index)->wakes, seen, ms);
}

/* ---- reading ------------------------------------------------------------------- */

/* Records from *POS on to END, which was the last position. */
static s64 read_to(struct map *m, u64 *at, u64 end, map_event_fn fn, void *arg, int *stop)
{
	struct ring *ring = m->index;
	u64 pos = *at;
	s64 n = 0;

	while (!*stop && pos < end) {
		struct record *rec = record_at(m, pos);
		u32 len = record_len(m, rec);
		struct map_event e = { .bytes = len, .data = (u8 *)(rec + 1) };

		if (len & BPF_RINGBUF_BUSY_BIT || record_bytes(len) > m->max_entries) {
			*stop = 1;
			break;
		}
		if (!(len & BPF_RINGBUF_DISCARD_BIT)) {
			*stop = fn(arg, &e);
			n++;
		}
		pos += record_bytes(len);
		store_release(&ring->consumed, pos);
	}
	*at = pos;
	return n;
}

/* The end, when all up to END is read. Each look takes the line from who produces, so when
 * somebody does so just now it is to be worth it. */
static u64 end_after(const struct ring *ring, u64 end)
{
	u64 now = load_acquire(&ring->produced);

	if (now == end || now - end >= GATHER_BYTES)
		return now;
	for (u64 until = os_clock_ns() + GATHER_NS; os_clock_ns() < until; )
		lock_pause(1);
	return load_acquire(&ring->produced);
}

static s64 read_all(struct map *m, map_event_fn fn, void *arg)
{
	struct ring *ring = m->index;
	u64 pos = load_relaxed(&ring->consumed), end = load_acquire(&ring->produced);
	int stop = 0;
	s64 n = 0;

	while (!stop && pos < end && end - pos <= m->max_entries) {	/* a file may lie */
		n += read_to(m, &pos, end, fn, arg, &stop);
		if (!stop)
			end = end_after(ring, end);
	}
	return n;
}

/* Of several processes one reads at a time. */
static bool ring_enter(struct map *m)
{
	struct ring *ring = m->index;
	u32 owner;

	if (likely(!m->share) || lock_try(&ring->busy, m->owner))
		return true;
	owner = load_relaxed(&ring->busy);
	if (owner != m->owner)
		share_dead(m, owner);
	return lock_try(&ring->busy, m->owner);
}

static void ring_leave(struct map *m)
{
	if (unlikely(m->share))
		lock_drop(&((struct ring *)m->index)->busy);
}

static s64 ring_read(struct map *m, map_event_fn fn, void *arg)
{
	s64 n;

	if (!ring_enter(m))
		return -EBUSY;
	n = read_all(m, fn, arg);
	ring_leave(m);
	return share_torn(m) ? -EIO : n;
}

static u64 ring_lost(const struct map *m)
{
	return load_relaxed(&((const struct ring *)m->index)->lost);
}

/* ---- samples of user space ------------------------------------------------------------ */

bool user_ring_lock(struct map *m, u32 cpu)
{
	u32 *lock = &area_head(m)->lock;

	if (likely(lock_try(lock, m->owner)))
		return true;
	if (m->share)
		share_dead(m, load_relaxed(lock));
	return lock_try(lock, m->owner);
}

void user_ring_unlock(struct map *m) { lock_drop(&area_head(m)->lock); }

static int write_one(struct map *m, const void *data, u64 bytes)
{
	struct ring *ring = m->index;
	u64 pos = load_relaxed(&ring->produced), need = round_up(bytes, 8) + RECORD_HEAD;
	u64 used = pos - load_acquire(&ring->consumed);
	struct record *rec = record_at(m, pos);

	if (bytes >= BPF_RINGBUF_DISCARD_BIT || need > m->max_entries)
		return -E2BIG;
	if (used > m->max_entries || need > m->max_entries - used)
		return -ENOSPC;
	*rec = (struct record){ .len = (u32)bytes };
	memcpy(rec + 1, data, bytes);
	store_release(&ring->produced, pos + need);
	return 0;
}

int user_ring_write(struct map *m, const void *data, u64 bytes)
{
	int r;

	if (!ring_enter(m))
		return -EBUSY;
	r = write_one(m, data, bytes);
	ring_leave(m);
	return r;
}

/* Whoever writes is not trusted with positions and lengths. */
int user_ring_peek(struct map *m, void **data, u32 *bytes)
{
	struct ring *ring = m->index;
	u64 pos = load_acquire(&ring->consumed), end = load_acquire(&ring->produced), all;
	struct record *rec = record_at(m, pos);
	u32 len;

	if (end % 8)
		return -EINVAL;
	if (pos >= end)
		return -ENODATA;
	len = load_acquire(&rec->len);
	*bytes = len & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
	all = record_bytes(len);
	if (all > end - pos)
		return -EINVAL;
	if (all > m->max_entries || *bytes > DYNPTR_SIZE_MAX)
		return -E2BIG;
	if (len & BPF_RINGBUF_DISCARD_BIT) {
		store_release(&ring->consumed, pos + all);
		return -EAGAIN;
	}
	*data = rec + 1;
	return len & BPF_RINGBUF_BUSY_BIT ? -ENODATA : 0;
}

void user_ring_release(struct map *m, u32 bytes)
{
	struct ring *ring = m->index;

	store_release(&ring->consumed, ring->consumed + record_bytes(bytes));
}

/* ---- what a ring buffer has not --------------------------------------------------- */

static void *no_lookup(struct map *m, const void *key, u32 cpu) { return NULL; }
static int no_remove(struct map *m, const void *key, u32 cpu) { return -KERNEL_ENOTSUPP; }
static int no_next_key(struct map *m, const void *key, void *next) { return -KERNEL_ENOTSUPP; }

static s64 no_update(struct map *m, const void *key, const void *value,
		     u64 flags, u32 cpu)
{
	return -KERNEL_ENOTSUPP;
}

/* Records that nobody has read, those that are not complete among them. */
static u64 ring_count(const struct map *m)
{
	const struct ring *ring = m->index;
	u64 pos = load_relaxed(&ring->consumed), end = load_acquire(&ring->produced), n = 0;

	while (pos < end && end - pos <= m->max_entries) {
		u32 len = load_acquire(&record_at(m, pos)->len);

		n += !(len & BPF_RINGBUF_DISCARD_BIT);
		pos += record_bytes(len);
	}
	return n;
}

const struct map_ops ringbuf_ops = {
	.type = BPF_MAP_TYPE_RINGBUF, .ring = true, .check = ring_check,
	.bytes = ring_bytes, .init = ring_init, .values = ring_values,
	.lookup = no_lookup, .update = no_update, .remove = no_remove,
	.next_key = no_next_key, .read = ring_read, .lost = ring_lost,
	.count = ring_count, .shares = true, .bury = ring_bury,
};

const struct map_ops user_ringbuf_ops = {
	.type = BPF_MAP_TYPE_USER_RINGBUF, .ring = true, .check = ring_check,
	.bytes = ring_bytes, .init = ring_init, .values = ring_values,
	.lookup = no_lookup, .update = no_update, .remove = no_remove,
	.next_key = no_next_key, .write = user_ring_write, .count = ring_count,
	.shares = true, .bury = ring_bury,
};
