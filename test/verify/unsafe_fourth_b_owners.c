/* SPDX-License-Identifier: BSD-2-Clause */
/* unsafe_fourth_b_owners.c: who owns whom in types: what no kernel takes, beside what it
 * does. (One such type, and a kernel refuses all types of the object: those that are right
 * are in lists.c and trees.c.) */
#include "owned.h"
struct eater { struct bpf_spin_lock lock; struct bpf_list_head own CONTAINS(eater, node);
	struct bpf_list_node node; };
struct one { struct bpf_spin_lock lock; struct bpf_list_head own CONTAINS(two, node);
	struct bpf_list_node node; };
struct two { struct bpf_spin_lock lock; struct bpf_list_head own CONTAINS(one, node);
	struct bpf_list_node node; };
struct twice { struct bpf_rb_node leaf; struct bpf_list_node node; long n; };
struct open { struct bpf_list_head own CONTAINS(item, node); long n; };
struct vague { struct bpf_spin_lock lock; struct bpf_list_head own; long n; };
struct wrong { struct bpf_spin_lock lock; struct bpf_list_head own CONTAINS(item, v); };
#define ONE(type) { \
	type *p = NEW(type); \
	if (p) \
		DROP(p); \
	return 0; \
}
// not judged, kernel rejected: a type that owns itself
SEC("tc") int of_self(void *ctx) ONE(struct eater)
// not judged, kernel rejected: two that own each other
SEC("tc") int of_each_other(void *ctx) ONE(struct one)
// not judged, kernel rejected: the same, from the other side
SEC("tc") int of_each_other_too(void *ctx) ONE(struct two)
// not judged, kernel rejected: in a list and in a tree, and nobody counts
SEC("tc") int twice_owned(void *ctx) ONE(struct twice)
// not judged, kernel rejected: a head without a lock
SEC("tc") int no_lock(void *ctx) ONE(struct open)
// not judged, kernel rejected: a head of who knows what
SEC("tc") int no_type(void *ctx) ONE(struct vague)
// not judged, kernel rejected: a node that is a number
SEC("tc") int no_node(void *ctx) ONE(struct wrong)
// ok, kernel rejected: what is right, among these
SEC("tc") int right(void *ctx) ONE(struct item)
char _license[] SEC("license") = "GPL";
