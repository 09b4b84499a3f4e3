/* SPDX-License-Identifier: BSD-2-Clause */
/* unsafe_fifth_sleep.c: who may sleep: work of programs that do not, what it calls, and
 * callbacks of calls that keep others waiting. */
#define K __attribute__((section(".ksyms")))
#define NOINLINE __attribute__((noinline))
#define KPTR __attribute__((btf_type_tag("kptr")))
#define LOOKUP(map) ({ int key_ = 0; bpf_map_lookup_elem(&map, &key_); })
#define MAP(name, type_, val) struct { __uint(type, BPF_MAP_TYPE_##type_); \
	__uint(max_entries, 4); __type(key, __u32); __type(value, val); } name SEC(".maps")
struct bpf_wq { __u64 opaque[2]; } __attribute__((aligned(8)));
extern int bpf_wq_init(struct bpf_wq *w, void *map, unsigned flags) K;
extern int bpf_wq_set_callback_impl(struct bpf_wq *w, int (*f)(void *map, int *key, void *v),
				    unsigned flags, void *aux) K;
extern int bpf_wq_start(struct bpf_wq *w, unsigned flags) K;
extern void *bpf_obj_new_impl(__u64 type, void *meta) K;
extern void bpf_obj_drop_impl(void *p, void *meta) K;
extern void bpf_rcu_read_lock(void) K;
extern void bpf_rcu_read_unlock(void) K;
struct item { long a[8]; };
struct worked { long n; struct bpf_wq work; };
struct kept { struct item KPTR *p; };
MAP(works, ARRAY, struct worked);
MAP(keeps, ARRAY, struct kept);
MAP(hash, HASH, long);
MAP(array, ARRAY, long);
MAP(devices, DEVMAP, int);
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, __u32);
	__type(value, __u64); };
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 1); __type(key, __u32);
	__array(values, struct inner); } outer SEC(".maps");
#define WORK(f) { \
	struct worked *w = LOOKUP(works); \
	if (!w || bpf_wq_init(&w->work, &works, 0)) \
		return 0; \
	bpf_wq_set_callback_impl(&w->work, f, 0, 0); \
	return bpf_wq_start(&w->work, 0); \
}
#define BODY(name) static NOINLINE int name(void *map, int *key, void *v)

/* ---- what work calls ------------------------------------------------------------- */

// ok: for the type's sake
SEC("tc") int types(void *ctx)
{
	struct item *p = bpf_obj_new_impl(__builtin_btf_type_id(*(struct item *)0, 0), 0);

	if (p)
		bpf_obj_drop_impl(p, 0);
	return 0;
}
NOINLINE int writes_kept(int x)
{
	struct kept *k = LOOKUP(keeps);
	struct item *p = k ? k->p : 0;

	if (!p)
		return 0;
	p->a[2] = x;
	return p->a[3];
}
NOINLINE int in_section(int x)
{
	struct kept *k = LOOKUP(keeps);
	struct item *p;

	bpf_rcu_read_lock();
	p = k ? k->p : 0;
	if (p)
		p->a[2] = x;
	bpf_rcu_read_unlock();
	return x;
}
NOINLINE int calls_it(int x) { return writes_kept(x) + 1; }
BODY(calls) { return writes_kept(3) & 0; }
BODY(calls_deep) { return calls_it(3) & 0; }
BODY(calls_right) { return in_section(3) & 0; }
// rejected 0235, kernel ok: an object that only a read section keeps, in a function
SEC("tc") int work_calls(void *ctx) WORK(calls)
// rejected 0235, kernel ok: in one that this calls
SEC("tc") int work_calls_deep(void *ctx) WORK(calls_deep)
// ok: in a section
SEC("tc") int work_calls_right(void *ctx) WORK(calls_right)
// ok: the function, called from where nothing sleeps
SEC("tc") int not_work(void *ctx) { return calls_it(3); }
// rejected 0235, kernel ok: called from both
SEC("tc") int both(void *ctx)
{
	struct worked *w = LOOKUP(works);

	if (calls_it(3) == 7 || !w)
		return 0;
	bpf_wq_set_callback_impl(&w->work, calls, 0, 0);
	return 0;
}

/* ---- maps of which something may go meanwhile ---------------------------------------- */

BODY(device)
{
	int *p = LOOKUP(devices);

	return p ? *p & 0 : 0;
}
BODY(inner_map)
{
	void *m = LOOKUP(outer);
	long *p = m ? bpf_map_lookup_elem(m, key) : 0;

	return p ? *p & 0 : 0;
}
BODY(plain_map)
{
	long *p = LOOKUP(hash);

	return p ? *p & 0 : 0;
}
// rejected 0246, kernel ok: a map that programs which sleep may not use
SEC("tc") int work_device(void *ctx) WORK(device)
// rejected 0246, kernel ok: a map of maps
SEC("tc") int work_inner(void *ctx) WORK(inner_map)
// ok: a map for all
SEC("tc") int work_hash(void *ctx) WORK(plain_map)

/* ---- callbacks that others wait for --------------------------------------------------- */

static int copies(void *map, int *key, long *v, void *ctx)
{
	char b[8];

	return bpf_copy_from_user(b, 8, (void *)4096) == 0;
}
static int copies_too(int i, void *ctx)
{
	char b[8];

	return bpf_copy_from_user(b, 8, (void *)4096) == 0;
}
NOINLINE int sleeps(int x)
{
	char b[8];

	bpf_copy_from_user(b, 8, (void *)4096);
	return x;
}
static int calls_sleeper(void *map, int *key, long *v, void *ctx) { return sleeps(3) & 1; }
static int in_area(struct task_struct *t, void *area, void *ctx)
{
	char b[8];

	return bpf_copy_from_user(b, 8, (void *)4096) == 0;
}
// rejected 0397, kernel ok: elements of a hash, which readers keep
SEC("syscall") int each_of_hash(void *ctx)
{
	return bpf_for_each_map_elem(&hash, copies, 0, 0);
}
// rejected 0266, kernel ok: by a global function
SEC("syscall") int each_calls(void *ctx)
{
	return bpf_for_each_map_elem(&hash, calls_sleeper, 0, 0);
}
// rejected 0397, kernel ok: a mapping, while the address space is locked
SEC("syscall") int area(void *ctx)
{
	return bpf_find_vma((void *)bpf_get_current_task_btf(), 4096, in_area, 0, 0);
}
// ok: elements of an array
SEC("syscall") int each_of_array(void *ctx)
{
	return bpf_for_each_map_elem(&array, copies, 0, 0);
}
// ok: a loop
SEC("syscall") int loop(void *ctx)
{
	return bpf_loop(4, copies_too, 0, 0);
}
char _license[] SEC("license") = "GPL";
