/* SPDX-License-Identifier: BSD-2-Clause */
/* overlooked_more.c: what other programs here do not ask: found by breaking the verifier
 * (test/break): objects for each cpu, slices in slices, fields in maps that cannot have
 * them, arguments of global functions. */
char _license[] SEC("license") = "GPL";
#define K __attribute__((section(".ksyms")))
#define CORE __attribute__((preserve_access_index))
#define NOINLINE __attribute__((noinline))
#define TAG(name) __attribute__((btf_decl_tag("arg:" name)))
#define KPTR __attribute__((btf_type_tag("kptr")))
#define LOOKUP(map) ({ int key_ = 0; bpf_map_lookup_elem(&map, &key_); })
#define KEEP(x) asm volatile("" : "+r"(x))
struct task_struct { int pid; struct task_struct *real_parent; } CORE;
struct file { int f_flags; } CORE;
struct rq { unsigned nr_running; } CORE;
extern struct rq runqueues K;
extern int bpf_dynptr_from_skb(struct __sk_buff *s, __u64 flags, struct bpf_dynptr *p) K;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, __u32 off, void *buf, __u32 n) K;
extern void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, __u32 off, void *buf, __u32 n) K;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) K;
extern struct task_struct *bpf_task_from_pid(int pid) K;
extern void bpf_task_release(struct task_struct *p) K;
long bytes[4];

/* ---- objects for each cpu ---------------------------------------------------- */

// rejected 0210: somewhere in a variable of each cpu
SEC("tp_btf/sched_switch") int percpu_somewhere(__u64 *ctx)
{
	char *p = (char *)&runqueues;

	KEEP(p);
	p += (bpf_get_prandom_u32() & 1) * 8;
	return *(unsigned *)bpf_this_cpu_ptr(p);
}

/* ---- slices ------------------------------------------------------------------- */

// rejected 0120, kernel ok: a slice in the buffer of a slice, which is written
SEC("tc") int slice_in_slice(struct __sk_buff *ctx)
{
	void *volatile buf[2] = {};
	struct bpf_dynptr d;
	long *p, *q;

	bpf_dynptr_from_skb(ctx, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 0, (void *)buf, 16);
	if (!p)
		return 0;
	q = bpf_dynptr_slice_rdwr(&d, 16, p, 16);
	if (!q)
		return 0;
	buf[0] = bytes;
	q[0] = 0x1234;
	return *(long *)buf[0];
}
// rejected 0101, kernel none, caps bpf: its buffer is written
SEC("tc") int slice_gone(struct __sk_buff *ctx)
{
	volatile long buf[2] = {};
	struct bpf_dynptr d;
	long *p;

	bpf_dynptr_from_skb(ctx, 0, &d);
	p = bpf_dynptr_slice_rdwr(&d, 0, (void *)buf, 16);
	if (!p)
		return 0;
	buf[0] = 3;
	return p[0] & 1;
}
/* So many instructions that the state where paths meet is kept. */
#define LONG(x) asm volatile("%0 = %0; %0 = %0; %0 = %0; %0 = %0; %0 = %0; %0 = %0; %0 = %0;" \
	"%0 = %0; %0 = %0; %0 = %0; if %0 == 0 goto +0;" : "+r"(x))
/* P is a slice in A or in B, whichever is followed first. */
#define EITHER(first, second) \
	void *volatile a[2] = {}, *volatile b[2] = {}; \
	struct bpf_dynptr d; \
	long *p; \
	bpf_dynptr_from_skb(ctx, 0, &d); \
	if (ctx->mark) { \
		p = bpf_dynptr_slice_rdwr(&d, 0, (void *)first, 16); \
		LONG(p); \
	} else { \
		p = bpf_dynptr_slice_rdwr(&d, 0, (void *)second, 16); \
		LONG(p); \
	} \
	LONG(p); \
	if (!p) \
		return 0; \
	a[0] = bytes; \
	p[0] = 0x1234; \
	return *(long *)a[0]
// rejected 0120, kernel ok: one buffer or the other, and one is written
SEC("tc") int either_buffer(struct __sk_buff *ctx)
{
	EITHER(a, b);
}
// rejected 0120, kernel ok: the other way round
SEC("tc") int other_buffer(struct __sk_buff *ctx)
{
	EITHER(b, a);
}

/* ---- fields of maps -------------------------------------------------------------- */

struct owner { long n; struct task_struct KPTR *task; };
struct filed { long n; struct file KPTR *file; };
struct three { struct task_struct KPTR *tasks[4]; };
struct lpm { __u32 len, addr; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int);
	__uint(map_flags, BPF_F_RDONLY_PROG); __type(value, struct owner); } frozen SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(max_entries, 1); __type(key, struct lpm);
	__uint(map_flags, BPF_F_NO_PREALLOC); __type(value, struct owner); } trie SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int);
	__type(value, struct filed); } files SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int);
	__type(value, struct three); } tasks SEC(".maps");

// not judged, kernel none: owned pointers in a map that programs only read
SEC("tp_btf/sched_switch") int only_read(__u64 *ctx)
{
	struct owner *o = LOOKUP(frozen);

	return o ? o->n : 0;
}
// not judged, kernel none: in a trie
SEC("tp_btf/sched_switch") int in_trie(__u64 *ctx)
{
	struct lpm key = {};
	struct owner *o = bpf_map_lookup_elem(&trie, &key);

	return o ? o->n : 0;
}
// not judged, kernel none: of a type that nothing can give back
SEC("tp_btf/sched_switch") int no_destructor(__u64 *ctx)
{
	struct filed *f = LOOKUP(files);
	struct file *old;

	old = f ? bpf_kptr_xchg(&f->file, 0) : 0;
	return !!old;
}
// rejected 0370: one of several, nobody knows which
SEC("tp_btf/sched_switch") int any_of_them(__u64 *ctx)
{
	struct three *t = LOOKUP(tasks);
	struct task_struct *old;

	if (!t)
		return 0;
	old = bpf_kptr_xchg(&t->tasks[bpf_get_prandom_u32() & 3], 0);
	if (old)
		bpf_task_release(old);
	return 0;
}

/* ---- arguments of global functions ------------------------------------------------- */

NOINLINE int of_task(struct task_struct *t TAG("trusted"))
{
	return t->pid;
}
NOINLINE int twice(struct __sk_buff *s TAG("ctx") TAG("nonnull"))
{
	return s->mark;
}
// rejected 0354: a file for a task
SEC("lsm/file_open") int wrong_type(__u64 *ctx)
{
	return of_task((void *)ctx[0]) & 0;
}
NOINLINE int perhaps_task(struct task_struct *t TAG("trusted") TAG("nullable"))
{
	return t ? t->pid : 0;
}
// rejected 0354: NULL on the path that is followed first, a number on the other
SEC("tp_btf/sched_switch") int null_or_number(__u64 *ctx)
{
	struct task_struct *t;

	asm volatile("%0 = 5; if %1 == 0 goto 9f; %0 = 0; %0 = %0; %0 = %0; %0 = %0; %0 = %0;"
		     "%0 = %0; %0 = %0; goto 9f; 9:" : "=&r"(t) : "r"(bpf_get_prandom_u32()));
	return perhaps_task(t) & 0;
}
// not judged, kernel rejected: a parameter with two tags that contradict each other
SEC("tc") int two_tags(struct __sk_buff *ctx)
{
	return twice(ctx);
}

/* ---- what is there in a callback only ------------------------------------------------ */

struct { __uint(type, BPF_MAP_TYPE_USER_RINGBUF); __uint(max_entries, 4096); } asked SEC(".maps");
struct shown { struct bpf_dynptr d; long *p; };

static long show(struct bpf_dynptr *sample, struct shown *s)
{
	void *m = bpf_dynptr_data(sample, 0, 16);

	if (m)
		s->p = bpf_dynptr_slice_rdwr(&s->d, 0, m, 16);
	return 0;
}
// rejected 0120: a slice that may lie in the sample, which is gone
SEC("tc") int sample_gone(struct __sk_buff *ctx)
{
	struct shown s = {};

	bpf_dynptr_from_skb(ctx, 0, &s.d);
	bpf_user_ringbuf_drain(&asked, show, &s, 0);
	return s.p ? *s.p & 1 : 0;
}

/* ---- fields of objects that are given back ---------------------------------------------- */

struct inode { unsigned long i_ino; } CORE;
struct file___opened { struct inode *f_inode; } CORE;
struct { __uint(type, BPF_MAP_TYPE_INODE_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int); __type(value, long); } inodes SEC(".maps");
extern struct file *bpf_get_task_exe_file(struct task_struct *task) K;
extern void bpf_put_file(struct file *file) K;

// rejected 0354, kernel none: the inode of a file that was put
SEC("lsm.s/file_open") int inode_gone(__u64 *ctx)
{
	struct file *f = bpf_get_task_exe_file(bpf_get_current_task_btf());
	struct inode *i;
	long *n;

	if (!f)
		return 0;
	i = ((struct file___opened *)f)->f_inode;
	bpf_put_file(f);
	n = bpf_inode_storage_get(&inodes, i, 0, 0);
	return n ? *n & 0 : 0;
}
// ok, kernel none: before
SEC("lsm.s/file_open") int inode_there(__u64 *ctx)
{
	struct file *f = bpf_get_task_exe_file(bpf_get_current_task_btf());
	long *n;

	if (!f)
		return 0;
	n = bpf_inode_storage_get(&inodes, ((struct file___opened *)f)->f_inode, 0, 0);
	bpf_put_file(f);
	return n ? *n & 0 : 0;
}
