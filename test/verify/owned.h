/* SPDX-License-Identifier: BSD-2-Clause */
/* What the programs of lists.c and trees.c share. */
#define K __attribute__((section(".ksyms")))
#define NOINLINE __attribute__((noinline))
#define CONTAINS(type, node) __attribute__((btf_decl_tag("contains:" #type ":" #node)))
#define PRIVATE(name) __attribute__((section(".bss." #name), aligned(8)))
#define NEW(type) ((type *)bpf_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), 0))
#define DROP(p) bpf_obj_drop_impl(p, 0)
#define OWNER(p, type, member) ((type *)((char *)(p) - __builtin_offsetof(type, member)))
#define ALIGN(n) __attribute__((aligned(n)))
struct bpf_list_head { __u64 a, b; } ALIGN(8);
struct bpf_list_node { __u64 a[3]; } ALIGN(8);
struct bpf_rb_root { __u64 a, b; } ALIGN(8);
struct bpf_rb_node { __u64 a[4]; } ALIGN(8);
struct bpf_refcount { __u32 a; } ALIGN(4);
extern void *bpf_obj_new_impl(__u64 type, void *meta) K;
extern void bpf_obj_drop_impl(void *p, void *meta) K;
extern void *bpf_refcount_acquire_impl(void *p, void *meta) K;
extern int bpf_list_push_front_impl(struct bpf_list_head *h, struct bpf_list_node *n, void *meta,
				    __u64 off) K;
extern int bpf_list_push_back_impl(struct bpf_list_head *h, struct bpf_list_node *n, void *meta,
				   __u64 off) K;
extern struct bpf_list_node *bpf_list_pop_front(struct bpf_list_head *h) K;
extern struct bpf_list_node *bpf_list_pop_back(struct bpf_list_head *h) K;
extern struct bpf_list_node *bpf_list_front(struct bpf_list_head *h) K;
extern int bpf_rbtree_add_impl(struct bpf_rb_root *r, struct bpf_rb_node *n,
			       _Bool (less)(struct bpf_rb_node *a, const struct bpf_rb_node *b),
			       void *meta, __u64 off) K;
extern struct bpf_rb_node *bpf_rbtree_first(struct bpf_rb_root *r) K;
extern struct bpf_rb_node *bpf_rbtree_root(struct bpf_rb_root *r) K;
extern struct bpf_rb_node *bpf_rbtree_left(struct bpf_rb_root *r, struct bpf_rb_node *n) K;
extern struct bpf_rb_node *bpf_rbtree_remove(struct bpf_rb_root *r, struct bpf_rb_node *n) K;
struct item { long v; struct bpf_list_node node; int w; };
struct leaf { long key; struct bpf_rb_node node; struct bpf_refcount refs; };
struct other { long v; struct bpf_list_node node; };
struct plain { long key; struct bpf_rb_node node; };
long sum;
