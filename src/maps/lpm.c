/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lpm.c: BPF_MAP_TYPE_LPM_TRIE: a binary trie of prefixes without one-child
 * chains. A node is real (an element) or a fork (two children, no value).
 *
 * A lookup first goes to the table of the first eight bits, which names the
 * top node of at least eight bits below it and the longest real prefix of
 * fewer; then down by the bits of the key without comparing. One comparison
 * with the last node gives how many bits match: the longest real prefix on the
 * way with no more bits is the answer, since a node's prefix begins with that
 * of every node above it.
 *
 * Lookups take no lock; writers hold the map's. Every store of a writer leaves
 * the trie whole, and ver in the head advances between unlinking and freeing a
 * node, so a reader that finds it changed looks again.
 *
 * Node: children, length and kind, the prefix as big-endian words, the value.
 */
#include "maps/area.h"
#include "base/os.h"
#include "model/run.h"
#include <stdlib.h>

enum {
	LPM_FLAGS = BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | BPF_F_RDONLY |
		    BPF_F_WRONLY | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG,
	DATA_MAX = 256,			/* bytes of prefix */
	WORDS_MAX = DATA_MAX / 8,
	DEPTH_MAX = DATA_MAX * 8 + 1,	/* nodes above one another */
	VALUE_MAX = (4 << 20) - 280,	/* the kernel's limit */
	TOP_BITS = 8,
};

struct node {
	u32 child[2];		/* node numbers; 0 = none */
	u32 len;		/* bits of the prefix */
	u32 fork;		/* 1: no element */
	u64 words[];
};

struct top {
	u32 node;		/* the highest with at least TOP_BITS bits */
	u32 best;		/* the longest real one with fewer */
};

/* A key on its way through the trie. */
struct lpm_key {
	u32 len, words;
	u64 w[WORDS_MAX];
};

/* Nodes from the root down. */
struct path {
	u32 n;
	u32 node[DEPTH_MAX];
};

static u32 words_of(u32 key_size) { return (key_size - 4 + 7) / 8; }

static u64 node_stride(u32 key_size, u32 value_size)
{
	return sizeof(struct node) + words_of(key_size) * 8ull +
	       round_up(value_size, 8);
}

/* Forks are fewer than elements; one node is in flight, number 0 is none. */
static u32 node_numbers(u32 max_entries)
{
	return (u32)min_u64(2ull * max_entries + 2, UINT32_MAX);
}

static int lpm_check(const struct map_attr *a, struct skep_err *err)
{
	int r = attr_check(a, LPM_FLAGS, err);

	if (r)
		return r;
	if (!(a->map_flags & BPF_F_NO_PREALLOC))
		return attr_refuse(a, err, "EINVAL",
				   "map_flags lack BPF_F_NO_PREALLOC");
	if (a->key_size < 5 || a->key_size > 4 + DATA_MAX)
		return attr_refuse(a, err, "EINVAL", "key_size is %u, not "
				   "between 5 and %d", a->key_size, 4 + DATA_MAX);
	if (a->value_size > VALUE_MAX)
		return attr_refuse(a, err, "EINVAL", "value_size %u exceeds %d",
				   a->value_size, VALUE_MAX);
	return 0;
}

enum { NODES_AT = sizeof(struct area_head) + (sizeof(struct top) << TOP_BITS) };

static u64 lpm_bytes(const struct map_attr *a, u32 cpus)
{
	return NODES_AT + node_stride(a->key_size, a->value_size) *
	       node_numbers(a->max_entries);
}

/* Nodes are used from the first on. */
static u64 lpm_dense(const struct map_attr *a, u32 cpus) { return lpm_bytes(a, cpus); }

static void lpm_init(struct map *m)
{
	m->index = m->mem + sizeof(struct area_head);
	m->elems = m->mem + NODES_AT;
	m->elem_stride = node_stride(m->key_size, m->value_size);
	m->nr_elems = node_numbers(m->max_entries);
}

/* ---- parts ------------------------------------------------------------------ */

static inline struct node *node_at(const struct map *m, u32 n)
{
	return (struct node *)(m->elems + n * m->elem_stride);
}

/* What a link says, 0 when that is no node. */
static inline u32 node_number(const struct map *m, const u32 *link)
{
	u32 n = load_relaxed(link);

	return likely(n < m->nr_elems) ? n : 0;
}

static inline void *node_value(const struct map *m, u32 n)
{
	return (u8 *)node_at(m, n)->words + words_of(m->key_size) * 8;
}

static struct map_mem lpm_values(const struct map *m)
{
	return (struct map_mem){
		.base = node_value(m, 1), .nr = m->nr_elems - 1,
		.stride = (u32)m->elem_stride, .value_bytes = m->value_size,
		.read_only = m->map_flags & BPF_F_RDONLY_PROG,
		.write_only = m->map_flags & BPF_F_WRONLY_PROG };
}

static struct pool_mem node_mem(const struct map *m)
{
	return (struct pool_mem){ m->elems, m->elem_stride, m->nr_elems };
}

static inline u64 big_endian(u64 v)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap64(v) : v;
}

/* False when KEY is longer than the map's prefixes. */
static inline bool key_read(const u8 *key, u32 key_size, struct lpm_key *k)
{
	u32 n = key_size - 4, i = 0;

	memcpy(&k->len, key, 4);
	key += 4;
	for (; n > 8; n -= 8, key += 8)
		k->w[i++] = big_endian(word_of(key, 8));
	k->w[i++] = big_endian(word_of(key, n));
	k->words = i;
	return k->len <= (key_size - 4) * 8;
}

static void key_write(const struct map *m, u32 n, u8 *key)
{
	const struct node *node = node_at(m, n);
	u32 len = node->len, left = m->key_size - 4;

	memcpy(key, &len, 4);
	key += 4;
	for (const u64 *w = node->words; left; w++) {
		u64 v = big_endian(load_relaxed(w));
		u32 part = left < 8 ? left : 8;

		memcpy(key, &v, part);
		key += part;
		left -= part;
	}
}

/* Bit I of a key that has more. */
static inline u32 own_bit(const struct lpm_key *k, u32 i)
{
	return k->w[i / 64] << i % 64 >> 63;
}

/* Bit I, which comes from a shared file and may be any number. */
static inline u32 key_bit(const struct lpm_key *k, u32 i)
{
	return own_bit(k, i % (64 * WORDS_MAX));
}

/* Leading bits that NODE's prefix and the key have in common. */
static inline u32 common_bits(const struct node *node, const struct lpm_key *k)
{
	u32 limit = load_relaxed(&node->len), i;
	u64 differ = 0;

	limit = limit < k->len ? limit : k->len;
	for (i = 0; i < k->words && !differ; i++)
		differ = load_relaxed(&node->words[i]) ^ k->w[i];
	if (differ)
		i = (i - 1) * 64 + (u32)__builtin_clzll(differ);
	else
		i *= 64;
	return i < limit ? i : limit;
}

/* ---- looking ---------------------------------------------------------------- */

/* From node N down by the key's bits. Lengths must grow, or a writer has been
 * here and the caller will look again. */
static inline void descend(const struct map *m, u32 n, const struct lpm_key *k,
			   struct path *path)
{
	u32 len = 0;

	path->n = 0;
	while (n && n < m->nr_elems && path->n < DEPTH_MAX) {
		const struct node *node = node_at(m, n);
		u32 l = load_relaxed(&node->len);

		if (l > k->len || (l <= len && path->n))
			break;
		path->node[path->n++] = n;
		if (l >= k->len)
			break;
		len = l;
		n = load_acquire(&node->child[own_bit(k, l)]);
	}
}

/* The longest real prefix of the key on the path, or 0. */
static inline u32 path_best(const struct map *m, const struct path *path,
			    const struct lpm_key *k)
{
	u32 i = path->n, bits;

	if (!i)
		return 0;
	bits = common_bits(node_at(m, path->node[i - 1]), k);
	while (i--) {
		const struct node *node = node_at(m, path->node[i]);

		if (load_relaxed(&node->len) <= bits && !load_relaxed(&node->fork))
			return path->node[i];
	}
	return 0;
}

static inline struct top *top_of(const struct map *m, u32 i)
{
	return (struct top *)m->index + i;
}

/* The best of the nodes from TOP's down, else TOP's own. */
__attribute__((noinline))
static u32 find_below(const struct map *m, struct top top, const struct lpm_key *k)
{
	struct path path;
	u32 n;

	descend(m, top.node, k, &path);
	n = path_best(m, &path, k);
	if (n)
		return n;
	return top.best < m->nr_elems ? top.best : 0;
}

static inline u32 find_best(const struct map *m, const struct lpm_key *k)
{
	struct top top;
	u64 word;

	if (unlikely(k->len < TOP_BITS)) {
		top = (struct top){ .node = load_acquire(&area_head(m)->root) };
	} else {
		word = load_acquire((u64 *)top_of(m, k->w[0] >> (64 - TOP_BITS)));
		memcpy(&top, &word, sizeof(top));
	}
	if (top.node)
		return find_below(m, top, k);
	return top.best < m->nr_elems ? top.best : 0;
}

static inline __attribute__((always_inline))
void *find_sized(struct map *m, const void *key, u32 key_size)
{
	u32 *ver = &area_head(m)->ver, was, n;
	struct lpm_key k;

	if (unlikely(!key_read(key, key_size, &k)))
		return NULL;
	do {
		was = load_acquire(ver);
		n = find_best(m, &k);
		fence_acquire();
	} while (unlikely(load_relaxed(ver) != was));
	return n ? node_value(m, n) : NULL;
}

static void *lpm_lookup(struct map *m, const void *key, u32 cpu)
{
	return find_sized(m, key, m->key_size);
}

/* Of IPv4 addresses, of IPv6 addresses, and others. */
MAP_INLINED(find_4, find_sized(m, key, 8))
MAP_INLINED(find_16, find_sized(m, key, 20))
MAP_INLINED(find_any, find_sized(m, key, m->key_size))

static void lpm_inlined(const struct map *m, struct map_inline *out)
{
	*out = (struct map_inline){ .fn = m->key_size == 8 ? find_4 :
				    m->key_size == 20 ? find_16 : find_any };
}

/* ---- changing: the map is locked ---------------------------------------------- */

/*
 * The way to the key: PATH gets the nodes whose whole prefix the key has, up
 * to the key's own length; the node below them that differs, or 0, returns.
 */
static u32 find_way(const struct map *m, const struct lpm_key *k, struct path *path)
{
	u32 n = node_number(m, &area_head(m)->root);

	path->n = 0;
	while (n && path->n < DEPTH_MAX) {
		const struct node *node = node_at(m, n);
		u32 len = load_relaxed(&node->len);

		if (common_bits(node, k) < len)
			return n;
		path->node[path->n++] = n;
		if (len == k->len)
			return 0;
		n = node_number(m, &node->child[key_bit(k, len)]);
	}
	return 0;
}

/* The node of the key itself, or 0. */
static u32 way_exact(const struct map *m, const struct path *path,
		     const struct lpm_key *k)
{
	u32 n = path->n ? path->node[path->n - 1] : 0;

	return n && node_at(m, n)->len == k->len ? n : 0;
}

/* The link that leads from path node I - 1 (or the root) on towards the key. */
static u32 *way_link(const struct map *m, const struct path *path, u32 i,
		     const struct lpm_key *k)
{
	struct node *up;

	if (!i)
		return &area_head(m)->root;
	up = node_at(m, path->node[i - 1]);
	return &up->child[key_bit(k, up->len)];
}

/* Sets the row of the first bits I of the table anew. */
static void top_refresh(const struct map *m, u32 i)
{
	struct lpm_key k = { .len = TOP_BITS, .words = 1,
			     .w = { (u64)i << (64 - TOP_BITS) } };
	struct top top = { 0 };
	u64 word;

	top.node = node_number(m, &area_head(m)->root);
	for (u32 depth = 0; top.node && depth < TOP_BITS + 1; depth++) {
		const struct node *node = node_at(m, top.node);
		u32 len = load_relaxed(&node->len);
		bool same = common_bits(node, &k) >= min_u64(len, TOP_BITS);

		if (!same)
			top.node = 0;
		if (!same || len >= TOP_BITS)
			break;
		if (!node->fork)
			top.best = top.node;
		top.node = node_number(m, &node->child[key_bit(&k, len)]);
	}
	memcpy(&word, &top, sizeof(word));
	store_release((u64 *)top_of(m, i), word);
}

/* All rows that a change at the key can touch. */
static void tops_refresh(const struct map *m, const struct lpm_key *k)
{
	u32 bits = k->len < TOP_BITS ? k->len : TOP_BITS;
	u32 first = (u32)(k->w[0] >> (64 - TOP_BITS)) >> (TOP_BITS - bits)
		    << (TOP_BITS - bits);

	for (u32 i = 0; i < 1u << (TOP_BITS - bits); i++)
		top_refresh(m, first + i);
}

/* Gives the link from path node I - 1 towards the key to N. Rows of the table end at the
 * first node of so many bits: what is below that is not in them. */
static void way_set(const struct map *m, const struct path *path, u32 i,
		    const struct lpm_key *k, u32 n)
{
	store_release(way_link(m, path, i, k), n);
	if (!i || node_at(m, path->node[i - 1])->len < TOP_BITS)
		tops_refresh(m, k);
}

static u32 node_new(struct map *m, const struct lpm_key *k, const void *value)
{
	struct pool_mem mem = node_mem(m);
	u32 n = pool_get(&area_head(m)->elems, &mem);
	struct node *node = node_at(m, n);

	if (!n)
		return 0;
	store_relaxed(&node->child[0], 0);
	store_relaxed(&node->child[1], 0);
	store_relaxed(&node->len, k->len);
	store_relaxed(&node->fork, !value);
	for (u32 i = 0; i < k->words; i++)
		store_relaxed(&node->words[i], k->w[i]);
	if (value)
		value_init(m, node_value(m, n), value);
	return n;
}

/* Frees a node that no link and no row leads to any more. */
static void node_free(struct map *m, u32 n)
{
	struct area_head *head = area_head(m);
	struct pool_mem mem = node_mem(m);

	store_release(&head->ver, head->ver + 1);
	fence_release();	/* before the stores of who uses it again */
	pool_put(&head->elems, &mem, n);
}

static void replace(struct map *m, const struct path *path,
		    const struct lpm_key *k, u32 old, u32 n)
{
	struct node *from = node_at(m, old), *to = node_at(m, n);

	store_relaxed(&to->child[0], from->child[0]);
	store_relaxed(&to->child[1], from->child[1]);
	way_set(m, path, path->n - 1, k, n);
	node_free(m, old);
}

/* Puts N between the path's end and the node BELOW that the key parts from:
 * as its parent, or beside it under a fork. */
static bool insert_above(struct map *m, const struct path *path,
			 const struct lpm_key *k, u32 below, u32 n)
{
	struct node *node = node_at(m, n), *other = node_at(m, below), *fork;
	struct lpm_key b = { .len = common_bits(other, k), .words = k->words };
	u32 f = n;

	for (u32 i = 0; i < b.words; i++)
		b.w[i] = load_relaxed(&other->words[i]);
	if (b.len == k->len) {
		store_relaxed(&node->child[key_bit(&b, b.len)], below);
	} else {
		f = node_new(m, &b, NULL);
		if (!f)
			return false;
		fork = node_at(m, f);
		store_relaxed(&fork->child[key_bit(k, b.len)], n);
		store_relaxed(&fork->child[key_bit(&b, b.len)], below);
	}
	way_set(m, path, path->n, k, f);
	return true;
}

static int insert(struct map *m, const struct path *path,
		  const struct lpm_key *k, u32 below, u32 old, const void *value)
{
	u32 *count = &area_head(m)->count, n;
	struct pool_mem mem = node_mem(m);

	if (!count_take(count, m->max_entries))
		return -ENOSPC;
	n = node_new(m, k, value);
	if (n && old) {
		replace(m, path, k, old, n);
	} else if (n && !below) {
		way_set(m, path, path->n, k, n);
	} else if (!n || !insert_above(m, path, k, below, n)) {
		if (n)
			pool_put(&area_head(m)->elems, &mem, n);
		count_drop(count);
		return -ENOMEM;
	}
	return 0;
}

static int update_locked(struct map *m, const struct lpm_key *k,
			 const void *value, u64 flags)
{
	struct path path;
	u32 below = find_way(m, k, &path), n = way_exact(m, &path, k), fresh;

	if (!n || node_at(m, n)->fork)
		return flags == BPF_EXIST ? -ENOENT :
		       insert(m, &path, k, below, n, value);
	if (flags == BPF_NOEXIST)
		return -EEXIST;
	fresh = node_new(m, k, value);
	if (!fresh)
		return -ENOMEM;
	replace(m, &path, k, n, fresh);
	return 0;
}

static s64 lpm_update(struct map *m, const void *key, const void *value,
		      u64 flags, u32 cpu)
{
	struct area_head *head = area_head(m);
	struct lpm_key k;
	int r;

	if (flags > BPF_EXIST || !key_read(key, m->key_size, &k))
		return -EINVAL;
	area_lock(m, &head->lock);
	r = update_locked(m, &k, value, flags);
	lock_drop(&head->lock);
	return r;
}

/* Unlinks the path's last node, which has at most one child, and the fork
 * above it that this leaves with one. */
static void unlink_last(struct map *m, const struct path *path,
			const struct lpm_key *k)
{
	u32 n = path->node[path->n - 1], up = 0, i = path->n - 1;
	struct node *node = node_at(m, n);
	u32 heir = node_number(m, &node->child[!node->child[0]]);

	if (!heir && i && node_at(m, path->node[i - 1])->fork) {
		up = path->node[--i];
		heir = node_at(m, up)->child[!key_bit(k, node_at(m, up)->len)];
	}
	way_set(m, path, i, k, heir);
	node_free(m, n);
	if (up)
		node_free(m, up);
}

static int remove_locked(struct map *m, const struct lpm_key *k)
{
	struct path path;
	struct node *node;
	u32 n;

	find_way(m, k, &path);
	n = way_exact(m, &path, k);
	node = node_at(m, n);
	if (!n || node->fork)
		return -ENOENT;
	if (node->child[0] && node->child[1]) {
		store_release(&node->fork, 1);
		tops_refresh(m, k);
	} else {
		unlink_last(m, &path, k);
	}
	count_drop(&area_head(m)->count);
	return 0;
}

static int lpm_remove(struct map *m, const void *key, u32 cpu)
{
	struct area_head *head = area_head(m);
	struct lpm_key k;
	int r;

	if (!key_read(key, m->key_size, &k))
		return -EINVAL;
	area_lock(m, &head->lock);
	r = remove_locked(m, &k);
	lock_drop(&head->lock);
	return r;
}

/* ---- order: children before their node, 0 before 1 --------------------------- */

/* The first element at or below N. */
static u32 first_below(const struct map *m, u32 n)
{
	for (u32 depth = 0; depth < DEPTH_MAX; depth++) {
		const struct node *node = node_at(m, n);
		u32 below = node_number(m, &node->child[0]);

		if (!below)
			below = node_number(m, &node->child[1]);
		if (!below)
			return n;
		n = below;
	}
	return n;
}

/* The element after the path's last node, or 0. */
static u32 next_after(const struct map *m, const struct path *path)
{
	for (u32 i = path->n - 1; i; i--) {
		u32 up = path->node[i - 1];
		const struct node *node = node_at(m, up);
		u32 second = node_number(m, &node->child[1]);

		if (node_number(m, &node->child[0]) == path->node[i] && second)
			return first_below(m, second);
		if (!node->fork)
			return up;
	}
	return 0;
}

static u32 next_locked(const struct map *m, const void *key)
{
	u32 root = node_number(m, &area_head(m)->root), n;
	struct lpm_key k;
	struct path path;

	if (!root)
		return 0;
	if (!key || !key_read(key, m->key_size, &k))
		return first_below(m, root);
	find_way(m, &k, &path);
	n = way_exact(m, &path, &k);
	if (!n || node_at(m, n)->fork)
		return first_below(m, root);
	return next_after(m, &path);
}

static int lpm_next_key(struct map *m, const void *key, void *next)
{
	struct area_head *head = area_head(m);
	u32 n;

	area_lock(m, &head->lock);
	n = next_locked(m, key);
	if (n)
		key_write(m, n, next);
	lock_drop(&head->lock);
	return n ? 0 : -ENOENT;
}

/* ---- after somebody died while the map was locked -------------------------------- */

struct mend {
	struct map *m;
	u64 *reached;		/* bits */
	u32 *todo, nr_todo;	/* nodes; no more than there are */
	u32 count;
};

/* The node behind LINK is one that PARENT, of bits LEN, may have; else there is none. */
static void mend_link(struct mend *w, u32 *link, u32 len, bool root)
{
	u32 n = *link;
	u64 bit = 1ull << n % 64;
	const struct node *node;

	if (!n)
		return;
	node = n < w->m->nr_elems ? node_at(w->m, n) : NULL;
	if (!node || w->reached[n / 64] & bit || node->len > (w->m->key_size - 4) * 8 ||
	    (!root && node->len <= len)) {
		store_release(link, 0);
		return;
	}
	w->reached[n / 64] |= bit;
	w->count += !node->fork;
	w->todo[w->nr_todo++] = n;
}

static void mend_reach(struct mend *w)
{
	mend_link(w, &area_head(w->m)->root, 0, true);
	while (w->nr_todo) {
		struct node *node = node_at(w->m, w->todo[--w->nr_todo]);

		mend_link(w, &node->child[0], node->len, false);
		mend_link(w, &node->child[1], node->len, false);
	}
}

/* The free ones are those that no link leads to. */
static void mend_pool(struct mend *w)
{
	struct map *m = w->m;
	struct pool *pool = &area_head(m)->elems;
	struct pool_mem mem = node_mem(m);

	if (pool->fresh >= m->nr_elems)
		pool->fresh = m->nr_elems - 1;
	pool->top = ((pool->top >> 32) + 1) << 32;
	for (u32 n = m->nr_elems - 1; n; n--) {
		bool reached = w->reached[n / 64] >> n % 64 & 1;

		if (reached && n > pool->fresh)
			pool->fresh = n;
		else if (!reached && n <= pool->fresh)
			pool_put(pool, &mem, n);
	}
}

/* Links are whole after every store; rows of the table, the count and free nodes may
 * lag behind. */
static void lpm_mend(struct map *m)
{
	struct area_head *head = area_head(m);
	struct mend w = { .m = m };

	w.reached = mem_alloc((m->nr_elems / 64 + 1) * sizeof(u64));
	w.todo = mem_alloc(m->nr_elems * sizeof(u32));
	mend_reach(&w);
	for (u32 i = 0; i < 1u << TOP_BITS; i++)
		top_refresh(m, i);
	store_relaxed(&head->count, w.count);
	store_release(&head->ver, head->ver + 1);
	fence_release();
	mend_pool(&w);
	free(w.reached);
	free(w.todo);
}

static u64 lpm_count(const struct map *m)
{
	return load_relaxed(&area_head(m)->count);
}

const struct map_ops lpm_ops = {
	.type = BPF_MAP_TYPE_LPM_TRIE, .check = lpm_check, .bytes = lpm_bytes, .dense = lpm_dense,
	.init = lpm_init, .values = lpm_values, .lookup = lpm_lookup, .inlined = lpm_inlined,
	.update = lpm_update, .remove = lpm_remove,
	.next_key = lpm_next_key, .count = lpm_count,
	.shares = true, .mend = lpm_mend,
};
