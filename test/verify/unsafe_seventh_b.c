/* SPDX-License-Identifier: BSD-2-Clause */
/* unsafe_seventh_b.c: objects that somebody else gives back, and who waits for whom. */
#include "owned.h"
#define KPTR __attribute__((btf_type_tag("kptr")))
#define LOOKUP(map) ({ int key_ = 0; bpf_map_lookup_elem(&map, &key_); })
char _license[] SEC("license") = "GPL";
struct kept { struct leaf KPTR *leaf; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32);
	__type(value, struct kept); } keeps SEC(".maps");
struct bpf_spin_lock lock PRIVATE(A);
struct bpf_rb_root tree PRIVATE(A) CONTAINS(leaf, node);

// ok: for the type's sake
SEC("tc") int leaves(void *ctx)
{
	struct leaf *p = NEW(struct leaf);

	if (p)
		DROP(p);
	return 0;
}
/* A section of the tree's lock, in which what a map value owns is seen. */
static __attribute__((always_inline)) int seen(struct leaf *p, _Bool afterwards)
{
	int found = 0;

	if (!p)
		return 0;
	bpf_spin_lock(&lock);
	if (bpf_rbtree_left(&tree, &p->node))
		found = p->key;
	bpf_spin_unlock(&lock);
	return found + (afterwards ? p->key : 0);
}
// rejected 0120: what a map value owns, after the lock was given back
SEC("tc") int owned_after(void *ctx)
{
	struct kept *v = LOOKUP(keeps);

	return v ? seen(v->leaf, 1) : 0;
}
// ok: before that
SEC("tc") int owned_before(void *ctx)
{
	struct kept *v = LOOKUP(keeps);

	return v ? seen(v->leaf, 0) : 0;
}
