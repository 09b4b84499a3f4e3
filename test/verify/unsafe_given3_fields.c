/* SPDX-License-Identifier: BSD-2-Clause */
/* unsafe_given3_fields.c: special fields where they are not looked for, or twice. */
#define K __attribute__((section(".ksyms")))
#define KPTR __attribute__((btf_type_tag("kptr")))
#define ARRAY(name, type_) struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); \
	__type(key, __u32); __type(value, type_); } name SEC(".maps")
#define LOOKUP(map) ({ int key_ = 0; bpf_map_lookup_elem(&map, &key_); })
extern void *bpf_obj_new_impl(__u64 type, void *meta) K;
extern void bpf_obj_drop_impl(void *p, void *meta) K;
struct item { long a, b; };
struct nested { long n; struct { struct item KPTR *p; } in; };
struct array { long n; struct item KPTR *p[3]; };
struct changing { long n; struct item KPTR *volatile p; };
struct locked { struct bpf_spin_lock lock; int n; struct item KPTR *p; };
ARRAY(nested, struct nested);
ARRAY(array, struct array);
ARRAY(changing, struct changing);
ARRAY(locked, struct locked);

// rejected 0335: a pointer to an object, in a struct in the value, is written
SEC("tc") int write_nested(void *ctx)
{
	struct nested *v = LOOKUP(nested);

	if (v)
		*(volatile long *)&v->in.p = 4660;
	return 0;
}
// rejected 0335: one of an array
SEC("tc") int write_element(void *ctx)
{
	struct array *v = LOOKUP(array);

	if (v)
		*(volatile long *)&v->p[1] = 4660;
	return 0;
}
// rejected 0335: one that is volatile
SEC("tc") int write_volatile(void *ctx)
{
	struct changing *v = LOOKUP(changing);

	if (v)
		*(volatile long *)&v->p = 4660;
	return 0;
}
// ok: one is exchanged in each of these places
SEC("tc") int exchange_all(void *ctx)
{
	struct nested *n = LOOKUP(nested);
	struct array *a = LOOKUP(array);
	struct item *p;

	if (!n || !a)
		return 0;
	p = bpf_kptr_xchg(&n->in.p, 0);
	if (p)
		p = bpf_kptr_xchg(&a->p[2], p);
	if (p)
		bpf_obj_drop_impl(p, 0);
	return 0;
}
// rejected 0310: a pointer is exchanged while a lock is held
SEC("tc") int exchange_locked(void *ctx)
{
	struct locked *v = LOOKUP(locked);
	struct item *p;

	if (!v)
		return 0;
	bpf_spin_lock(&v->lock);
	p = bpf_kptr_xchg(&v->p, 0);
	bpf_spin_unlock(&v->lock);
	if (p)
		bpf_obj_drop_impl(p, 0);
	return 0;
}
// ok: behind the section
SEC("tc") int exchange_behind(void *ctx)
{
	struct locked *v = LOOKUP(locked);
	struct item *p;

	if (!v)
		return 0;
	bpf_spin_lock(&v->lock);
	v->n++;
	bpf_spin_unlock(&v->lock);
	p = bpf_kptr_xchg(&v->p, 0);
	if (p)
		bpf_obj_drop_impl(p, 0);
	return 0;
}
// ok: for the type's sake
SEC("tc") int make_item(void *ctx)
{
	struct item *p = bpf_obj_new_impl(__builtin_btf_type_id(*(struct item *)0, 0), 0);

	if (p)
		bpf_obj_drop_impl(p, 0);
	return 0;
}
struct bpf_wq { __u64 a, b; } __attribute__((aligned(8)));
struct work { long n; struct { long m; struct bpf_wq work; } in; };
ARRAY(works, struct work);
// rejected 0247: a work queue in values that a program which interrupts uses
SEC("perf_event") int work_interrupted(void *ctx)
{
	struct work *v = LOOKUP(works);

	if (v)
		v->n++;
	return 0;
}
// ok: one that does not
SEC("tc") int work_used(void *ctx)
{
	struct work *v = LOOKUP(works);

	if (v)
		v->n++;
	return 0;
}
char _license[] SEC("license") = "GPL";
