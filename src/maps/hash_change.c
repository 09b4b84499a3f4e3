/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash_change.c: updates and deletes of hash types. In: a key, a value, who asks.
 * Out: 0 or the kernel's errno. Never: a store after which a bucket is not whole.
 *
 * Writers look as readers do, fill an element, and only then lock the bucket, by
 * an exchange of ver that fails when the version is not the one that they looked
 * at. So a bucket is locked for a few stores, and nothing is looked for twice. Who
 * will most likely overwrite or delete locks the bucket as soon as a tag is the
 * key's, and compares the key then: the lines of the bucket and of the element, which
 * another cpu may have written last, are on their way at the same time.
 */
#include "maps/hash.h"

enum { AGAIN = 1 };	/* somebody else changed the bucket */

/* ---- locking --------------------------------------------------------------------- */

/* Until nobody changes the bucket: who does only needs a few stores. */
static NOINLINE void bucket_wait(const struct map *m, const struct bucket *first)
{
	u32 owner;

	for (u32 spins = 1; (owner = load_relaxed(&first->ver) & OWNER_MASK); spins++) {
		lock_pause(spins);
		if (m->share && spins % SHARE_LOOKS == 0)
			share_dead(m, owner);
	}
}

/* The version is what *WAS gets when it is not as AT says. */
static INLINE bool lock(const struct map *m, const struct place *at, u64 *was)
{
	*was = at->ver & ~(u64)OWNER_MASK;
	return likely(__atomic_compare_exchange_n(&at->first->ver, was, *was | m->owner, false,
						  __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
}

static INLINE void unlock(const struct place *at)
{
	store_release(&at->first->ver, (at->ver & ~(u64)OWNER_MASK) + (1u << OWNER_BITS));
	/* before the stores of who uses again what was unlinked */
	fence_release();
}

bool bucket_lock(const struct map *m, const struct place *at)
{
	u64 was;

	if (lock(m, at, &was))
		return true;
	if (was & OWNER_MASK)
		bucket_wait(m, at->first);
	return false;
}

void bucket_unlock(const struct place *at) { unlock(at); }

/* The bucket for HASH, which is on its way from here on. */
static INLINE void aim(const struct map *m, struct place *at, u64 hash)
{
	at->first = at->b = first_bucket(m, hash);
	at->tag = hash_tag(hash);
	prefetch_own(at->first);
}

/* The place of the first element in AT->first that may be the one, by its tag, or 0. Its
 * line is on its way. */
static INLINE u32 guess(const struct map *m, struct place *at)
{
	u32 match, e;

	at->ver = load_acquire(&at->first->ver);
	match = bucket_match(at->first, at->tag);
	if (unlikely(!match))
		return 0;
	at->slot = (u32)__builtin_ctz(match);
	e = load_acquire(&at->first->elem[at->slot]);
	if (unlikely(e >= m->nr_elems))
		return 0;
	prefetch_own(elem_key(m, e));
	return e;
}

/* Locks the bucket of a guess, the element with the key WORDS, and compares the key, which
 * begins with FIRST; false: KEY may be there all the same. Waits for nobody. */
static INLINE bool lock_guess(const struct map *m, const struct place *at, const u64 *words,
			      u64 first, const void *key, u32 n)
{
	u64 was;

	if (unlikely(!lock(m, at, &was)))
		return false;
	if (likely(load_relaxed(words) == first) &&
	    (n <= 8 || likely(words_equal(words + 1, (const u8 *)key + 8, n - 8))))
		return true;
	store_release(&at->first->ver, at->ver & ~(u64)OWNER_MASK);
	return false;
}

/* The element with KEY, and its bucket is locked; or 0. */
static NOINLINE u32 lock_found(struct map *m, struct place *at, const void *key)
{
	u32 e, n = m->key_size;

	aim(m, at, likely(n == 8) ? hash_key(m, key, 8) : hash_key(m, key, n));
	e = guess(m, at);
	if (likely(e) && likely(lock_guess(m, at, elem_key(m, e), word_of(key, n < 8 ? n : 8),
					   key, n)))
		return e;
	do {
		e = hash_find_own(m, at, key);
	} while (e && unlikely(!bucket_lock(m, at)));
	return e;
}

/* ---- changing ------------------------------------------------------------------ */

static struct pool_mem overflow_mem(const struct map *m)
{
	return (struct pool_mem){ m->overflow, sizeof(struct bucket), m->nr_overflow };
}

/* Appends an empty overflow bucket to the chain that ends with B. */
static struct bucket *chain_grow(struct map *m, struct bucket *b)
{
	struct pool_mem mem = overflow_mem(m);
	u32 n = pool_get(&area_head(m)->overflow, &mem);
	struct bucket *next = n ? overflow_bucket(m, n) : NULL;

	if (!next)
		return NULL;
	store_relaxed(&next->next, 0);
	store_release(&b->next, n);
	return next;
}

/* The first free slot of the chain of AT. */
static bool chain_room(struct map *m, struct place *at)
{
	u32 free, hops = 0;

	at->b = at->first;
	while (unlikely(!(free = bucket_match(at->b, 0)))) {
		u32 n = load_relaxed(&at->b->next);
		struct bucket *next = n ? overflow_bucket(m, n) : chain_grow(m, at->b);

		if (!next || ++hops > m->nr_overflow)
			return false;
		at->b = next;
	}
	at->slot = (u32)__builtin_ctz(free);
	return true;
}

/* Cuts off what is empty at the chain's end: its first bucket's number, or 0.
 * Not in the middle: places in the order of a walk stay what they are. */
static u32 chain_trim(const struct map *m, struct bucket *b)
{
	struct bucket *last = b;
	u32 n, hops = 0;

	while ((n = load_relaxed(&b->next)) && (b = overflow_bucket(m, n)) &&
	       hops++ < m->nr_overflow)
		if (bucket_match(b, 0) != (1u << BUCKET_SLOTS) - 1)
			last = b;
	n = load_relaxed(&last->next);
	store_release(&last->next, 0);
	return n;
}

static void overflow_free(struct map *m, u32 n)
{
	struct pool_mem mem = overflow_mem(m);

	for (u32 hops = 0; n && n < m->nr_overflow && hops < m->nr_overflow; hops++) {
		u32 next = load_relaxed(&overflow_bucket(m, n)->next);

		pool_put(&area_head(m)->overflow, &mem, n);
		n = next;
	}
}

/* Takes E out of its bucket, which stays locked; overflow buckets to be freed. */
static u32 take_out(struct map *m, const struct place *at, u32 e)
{
	store_release(&at->b->tags[at->slot], 0);
	elem_mark(m, e, 0);
	return unlikely(at->b != at->first) ? chain_trim(m, at->first) : 0;
}

void bucket_unlink(struct map *m, const struct place *at, u32 e)
{
	u32 empty = take_out(m, at, e);

	bucket_unlock(at);
	overflow_free(m, empty);
}

/* The same, and E is free. It is before the bucket is unlocked: who adds an element
 * then finds one, as long as there are fewer than max_entries. What fields of values
 * hold must be given up first, which may take long. */
static void unlink_free(struct map *m, const struct place *at, u32 e, u32 cpu)
{
	u32 empty;

	if (unlikely(m->nr_fields)) {
		bucket_unlink(m, at, e);
		value_retire(m, elem_value(m, e, 0));
		elem_put(m, slot_of(m, cpu), e);
		return;
	}
	empty = take_out(m, at, e);
	elem_put(m, slot_of(m, cpu), e);
	bucket_unlock(at);
	overflow_free(m, empty);
}

/* ---- updates -------------------------------------------------------------------- */

/* A change on its way. */
struct change {
	const void *key, *value;
	u64 flags;
	u32 cpu;
	u32 extra;	/* the slot's, which becomes the key's */
	u32 fresh;	/* a free element, when it was wanted once */
	bool built;	/* the extra element has key and value */
	struct hash_slot *s;
	struct place at;
};

/* From user space VALUE has the values of all cpus, else that of CPU. */
static void percpu_set(struct map *m, u32 e, const u8 *value, u32 cpu)
{
	if (cpu != MAP_USER) {
		value_set(m, elem_value(m, e, cpu), value);
		return;
	}
	for (cpu = 0; cpu < m->cpus; cpu++, value += m->value_stride)
		words_set(elem_value(m, e, cpu), value, m->value_stride);
}

/* What other cpus see of a new element is zero. */
static void percpu_init(struct map *m, u32 e, const void *value, u32 cpu)
{
	static const u64 zero;

	for (u32 i = 0; cpu != MAP_USER && i < m->cpus; i++)
		for (u32 at = 0; i != cpu && at < m->value_stride; at += 8)
			words_set((u64 *)elem_value(m, e, i) + at / 8, &zero, 8);
	percpu_set(m, e, value, cpu);
}

/* Element E, which nobody sees yet, gets KEY and VALUE. */
static INLINE void elem_build(struct map *m, u32 e, const void *key, u32 n, const void *value,
			      u32 cpu)
{
	words_set(elem_key(m, e), key, n);
	if (unlikely(m->values))
		percpu_init(m, e, value, cpu);
	else if (unlikely(m->nr_fields))
		value_init(m, elem_value(m, e, cpu), value);
	else if (likely(m->value_size == 8))
		words_set(elem_value(m, e, cpu), value, 8);
	else
		words_set(elem_value(m, e, cpu), value, m->value_size);
}

/* The same where all are words. */
static INLINE void elem_copy(struct map *m, u32 e, u64 key, const void *value)
{
	u64 *to = elem_key(m, e);
	const u8 *from = value;
	u32 n = m->value_size;

	store_relaxed(to, key);
	do {
		store_relaxed(++to, word_of(from, 8));
		from += 8;
	} while (unlikely(n -= 8));
}

static void change_build(struct map *m, struct change *c)
{
	if (!c->built)
		elem_build(m, c->extra, c->key, m->key_size, c->value, c->cpu);
	c->built = true;
}

/* Publishes E, the extra element of S, at the place AT of OLD, which is the next extra. The
 * bucket is locked, and it is unlocked here. MARKS are the map's. */
static INLINE void replace(struct hash_slot *s, const struct place *at, u32 e, u32 old, u8 *marks)
{
	if (unlikely(marks)) {
		store_relaxed(&marks[old], 0);
		store_relaxed(&marks[e], MARK_IN_USE | MARK_USED);
	}
	store_relaxed(&s->next_extra, old);
	store_release(&at->b->elem[at->slot], e);
	store_release(&s->extra, old);
	unlock(at);
}

/* The values of per-cpu types are written in place, as in the kernel. The same otherwise. */
static int rewrite(struct map *m, const struct place *at, u32 old, const void *value, u32 cpu)
{
	elem_mark(m, old, MARK_IN_USE | MARK_USED);
	percpu_set(m, old, value, cpu);
	unlock(at);
	return 0;
}

static int change_old(struct map *m, struct change *c, u32 old)
{
	if (unlikely(c->flags & BPF_NOEXIST))
		return -EEXIST;
	if (unlikely(c->flags & BPF_F_LOCK)) {
		value_set_locked(m, elem_value(m, old, c->cpu), c->value, c->cpu);
		return 0;
	}
	if (!m->values)
		change_build(m, c);
	if (!bucket_lock(m, &c->at))
		return AGAIN;
	if (m->values)
		return rewrite(m, &c->at, old, c->value, c->cpu);
	replace(c->s, &c->at, c->extra, old, m->marks);
	value_retire(m, elem_value(m, old, 0));
	return 0;
}

/* An overwrite as most are. AGAIN: it may be none, or the place is not clear. What comes behind
 * the exchange waits for it, and another cpu for that: so nothing is left to look up. */
static INLINE int overwrite_sized(struct map *m, struct hash_slot *s, const void *key, u32 n,
				  const void *value, u32 cpu)
{
	u32 e = load_relaxed(&s->extra), old;
	bool fields = m->nr_fields;
	u8 *marks = m->marks;
	struct place at;

	aim(m, &at, hash_key(m, key, n));
	old = guess(m, &at);
	if (unlikely(!old || !e || e >= m->nr_elems))
		return AGAIN;
	elem_build(m, e, key, n, value, cpu);
	if (unlikely(!lock_guess(m, &at, elem_key(m, old), word_of(key, n < 8 ? n : 8), key, n)))
		return AGAIN;
	replace(s, &at, e, old, marks);
	if (unlikely(fields))
		value_retire(m, elem_value(m, old, 0));
	return 0;
}

/* The same with E, the extra element of S, where elements are two words or more, and nothing
 * else is to be done (m->plain). An exchange waits for each store before it, and the cpu looks
 * only so many instructions ahead for lines that it will need: the fewer there are, the more
 * are on their way at a time. */
static INLINE int overwrite_plain(struct map *m, struct hash_slot *s, u32 e, const void *key,
				  const void *value)
{
	u64 word = word_of_two(key);
	struct place at;
	u32 old;

	aim(m, &at, hash_word(m, word));
	elem_copy(m, e, word, value);
	old = guess(m, &at);
	if (unlikely(!old) || unlikely(!lock_guess(m, &at, elem_key(m, old), word, key, 8)))
		return AGAIN;
	replace(s, &at, e, old, NULL);
	return 0;
}

static int overwrite_any(struct map *m, struct hash_slot *s, const void *key,
				  const void *value, u32 cpu)
{
	struct place at;
	u32 old;

	if (likely(!m->values))
		return likely(m->key_size == 8) ?
			overwrite_sized(m, s, key, 8, value, cpu) :
			overwrite_sized(m, s, key, m->key_size, value, cpu);
	old = lock_found(m, &at, key);
	return old ? rewrite(m, &at, old, value, cpu) : AGAIN;
}

/* Publishes the extra element in the first free place; the next extra is
 * C->fresh. The bucket is locked, and it is unlocked here. */
static int publish(struct map *m, struct change *c)
{
	u32 e = c->extra;

	if (unlikely(!chain_room(m, &c->at))) {
		bucket_unlock(&c->at);
		return -ENOMEM;
	}
	elem_mark(m, e, MARK_IN_USE);
	store_relaxed(&c->s->next_extra, c->fresh);
	store_release(&c->at.b->elem[c->at.slot], e);
	store_release(&c->at.b->tags[c->at.slot], c->at.tag);
	store_release(&c->s->extra, c->fresh);
	bucket_unlock(&c->at);
	c->fresh = 0;
	return 0;
}

/* Free elements are only taken while the bucket is locked, when it is sure that
 * they are needed: else a map that is nearly full would now and then be full. */
static int insert(struct map *m, struct change *c)
{
	if (unlikely(c->flags & BPF_EXIST))
		return -ENOENT;
	change_build(m, c);
	if (unlikely(!bucket_lock(m, &c->at)))
		return AGAIN;
	if (likely(!c->fresh))
		c->fresh = elem_get(m, c->s);
	if (likely(c->fresh))
		return publish(m, c);
	bucket_unlock(&c->at);
	if (!hash_is_lru(m->type))
		return -E2BIG;
	c->fresh = elem_evict(m, c->s);
	return c->fresh ? AGAIN : -ENOMEM;
}

/* The slot's extra element, which it has none of after a death. */
static int change_begin(struct map *m, struct change *c)
{
	c->extra = load_relaxed(&c->s->extra);
	if (likely(c->extra && c->extra < m->nr_elems))
		return 0;
	if (!elem_extra(m, c->s))
		return hash_is_lru(m->type) ? -ENOMEM : -E2BIG;
	c->extra = load_relaxed(&c->s->extra) % m->nr_elems;
	return 0;
}

static int change(struct map *m, struct change *c)
{
	u32 old;
	int r;

	do {
		old = hash_find_own(m, &c->at, c->key);
		r = old ? change_old(m, c, old) : insert(m, c);
	} while (r == AGAIN);
	if (unlikely(c->fresh))
		elem_put(m, c->s, c->fresh);
	return r;
}

/* As S, whatever it takes. */
static NOINLINE int change_as(struct map *m, struct hash_slot *s, const void *key,
			      const void *value, u64 flags, u32 cpu)
{
	struct change c = { .key = key, .value = value, .flags = flags, .cpu = cpu, .s = s };
	int r = change_begin(m, &c);

	if (likely(!r))
		r = change(m, &c);
	slot_drop(m, s);
	return r;
}

/* An update that is not as most are. */
static NOINLINE s64 update_any(struct map *m, const void *key, const void *value, u64 flags,
			       u32 cpu)
{
	struct hash_slot *s;

	if (unlikely((flags & ~(u64)BPF_F_LOCK) > BPF_EXIST ||
		     (flags & BPF_F_LOCK && !m->lock_at)))
		return -EINVAL;
	s = slot_take(m, cpu);
	if (unlikely(m->plain) || unlikely(flags & (BPF_NOEXIST | BPF_F_LOCK)) ||
	    unlikely(overwrite_any(m, s, key, value, cpu) == AGAIN))
		return change_as(m, s, key, value, flags, cpu);
	slot_drop(m, s);
	return 0;
}

/* What overwrite_plain() did not do: key and value are in E. */
static NOINLINE s64 update_built(struct map *m, struct hash_slot *s, u32 e)
{
	struct change c = { .key = elem_key(m, e), .value = elem_key(m, e) + 1, .extra = e,
		.built = true, .cpu = (u32)(s - hash_slot(m, 0)), .s = s };

	return change(m, &c);
}

s64 hash_update(struct map *m, const void *key, const void *value, u64 flags, u32 cpu)
{
	struct hash_slot *s = hash_slot(m, cpu);
	u32 e;

	if (unlikely(!m->plain) || unlikely(flags) || unlikely(cpu >= m->cpus))
		return update_any(m, key, value, flags, cpu);
	e = load_relaxed(&s->extra);
	if (unlikely(!e || e >= m->nr_elems))
		return update_any(m, key, value, flags, cpu);
	if (likely(overwrite_plain(m, s, e, key, value) != AGAIN))
		return 0;
	return update_built(m, s, e);
}

int hash_remove(struct map *m, const void *key, u32 cpu)
{
	struct place at;
	u32 e = lock_found(m, &at, key);

	if (!e)
		return -ENOENT;
	unlink_free(m, &at, e, cpu);
	return 0;
}

/* What user space sees of the value of E. */
static void value_out(const struct map *m, u8 *value, u32 e, u32 cpu)
{
	if (!m->values)
		value_get(m, value, elem_value(m, e, cpu));
	for (u32 i = 0; m->values && i < m->cpus; i++)
		words_get(value + (u64)i * m->value_stride, elem_value(m, e, i), m->value_stride);
}

/* The value is taken in the same step as it goes. */
int hash_take(struct map *m, const void *key, void *value, u32 cpu)
{
	struct place at;
	u32 e = lock_found(m, &at, key);

	if (!e)
		return -ENOENT;
	value_out(m, value, e, cpu);
	unlink_free(m, &at, e, cpu);
	return 0;
}
