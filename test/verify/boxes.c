/* SPDX-License-Identifier: BSD-2-Clause */
/* boxes.c: pointers to objects in objects of the program. */
#define K __attribute__((section(".ksyms")))
#define KPTR __attribute__((btf_type_tag("kptr")))
#define UNTRUSTED __attribute__((btf_type_tag("kptr_untrusted")))
#define NEW(type) ((type *)bpf_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), 0))
#define DROP(p) bpf_obj_drop_impl(p, 0)
#define LOOKUP(map) ({ int key_ = 0; bpf_map_lookup_elem(&map, &key_); })
extern void *bpf_obj_new_impl(__u64 type, void *meta) K;
extern void bpf_obj_drop_impl(void *p, void *meta) K;
struct task_struct { int pid; } __attribute__((preserve_access_index));
extern struct task_struct *bpf_task_from_pid(int pid) K;
extern void bpf_task_release(struct task_struct *p) K;
struct leaf { long n; };
struct box { long n; struct leaf KPTR *leaf; struct task_struct KPTR *task; };
struct self { long n; struct self KPTR *next; };
struct loose { long n; struct task_struct UNTRUSTED *task; };
struct kept { struct box KPTR *box; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32);
	__type(value, struct kept); } keeps SEC(".maps");
/* BODY with a new object B. */
#define WITH(type, body) { \
	type *b = NEW(type); \
	long n = 0; \
	if (!b) \
		return 0; \
	body; \
	DROP(b); \
	return n; \
}
#define XCHG(at, p) ({ struct leaf *old_ = bpf_kptr_xchg((void *)(at), p); if (old_) DROP(old_); })

// ok: an object goes into another
SEC("tc") int put(void *ctx)
WITH(struct box, { struct leaf *l = NEW(struct leaf); if (l) XCHG(&b->leaf, l); })
// ok: a task
SEC("tc") int put_task(void *ctx)
WITH(struct box, {
	struct task_struct *t = bpf_task_from_pid(1);
	if (t) {
		t = bpf_kptr_xchg(&b->task, t);
		if (t)
			bpf_task_release(t);
	}
})
// ok: of its own type
SEC("tc") int put_self(void *ctx)
WITH(struct self, {
	struct self *l = NEW(struct self);
	if (l) {
		l = bpf_kptr_xchg(&b->next, l);
		if (l)
			DROP(l);
	}
})
// ok: one that has such a pointer
SEC("tc") int into_map(void *ctx)
{
	struct kept *k = LOOKUP(keeps);
	struct box *b;

	if (!k || !(b = NEW(struct box)))
		return 0;
	b = bpf_kptr_xchg(&k->box, b);
	if (b)
		DROP(b);
	return 0;
}
// rejected 0337: one of another type
SEC("tc") int other(void *ctx)
WITH(struct box, { struct box *l = NEW(struct box); if (l) XCHG(&b->leaf, l); })
// rejected 0305: what comes out is lost
SEC("tc") int lost(void *ctx) WITH(struct box, { bpf_kptr_xchg(&b->leaf, 0); })
// rejected 0370: there is a number
SEC("tc") int at_number(void *ctx) WITH(struct box, { XCHG(&b->n, 0); })
// rejected 0288: one that nobody owns
SEC("tc") int loose(void *ctx) WITH(struct loose, { XCHG(&b->task, 0); })
// rejected 0279: it is loaded
SEC("tc") int load(void *ctx) WITH(struct box, { n = b->leaf != 0; })
// rejected 0279: it is stored
SEC("tc") int store(void *ctx) WITH(struct box, { *(volatile long *)&b->leaf = 0; })
// rejected 0354: in an object that is gone
SEC("tc") int gone(void *ctx)
{
	struct box *b = NEW(struct box);

	if (!b)
		return 0;
	DROP(b);
	XCHG(&b->leaf, 0);
	return 0;
}
// rejected 0354: in one that a read section keeps
SEC("tc") int lent(void *ctx)
{
	struct kept *k = LOOKUP(keeps);
	struct box *b = k ? k->box : 0;

	if (b)
		XCHG(&b->leaf, 0);
	return 0;
}
char _license[] SEC("license") = "GPL";
