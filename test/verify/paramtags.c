/* SPDX-License-Identifier: BSD-2-Clause */
/* paramtags.c: global functions whose parameters are objects of the kernel by their tags. */
#define K __attribute__((section(".ksyms")))
#define NOINLINE __attribute__((noinline))
#define TAG(name) __attribute__((btf_decl_tag("arg:" name)))
#define CORE __attribute__((preserve_access_index))
struct task_struct { int pid; struct task_struct *last_wakee, *real_parent; } CORE;
struct cred { int x; } CORE;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) K;
extern struct task_struct *bpf_task_from_pid(int pid) K;
extern void bpf_task_release(struct task_struct *p) K;

/* Callers may pass anything. */
#define ANY(p) asm volatile("" : "+r"(p))

NOINLINE int keeps(struct task_struct *t TAG("trusted"))
{
	struct task_struct *own = bpf_task_acquire(t);
	int pid = own ? own->pid : 0;

	if (own)
		bpf_task_release(own);
	return pid;
}
NOINLINE int keeps_any(struct task_struct *t TAG("trusted") TAG("nullable"))
{
	return t ? keeps(t) : 0;
}
NOINLINE int unasked(struct task_struct *t TAG("trusted") TAG("nullable"))
{
	return keeps(t) + 1;
}
NOINLINE int reads(struct task_struct *t TAG("untrusted"))
{
	return t->pid + t->real_parent->pid;
}
NOINLINE int passes_on(struct task_struct *t TAG("untrusted"))
{
	return keeps(t) + 1;
}
NOINLINE int reads_number(int *p TAG("untrusted"))
{
	ANY(p);
	return p[100];
}
NOINLINE int writes_number(int *p TAG("untrusted"))
{
	ANY(p);
	p[1] = 5;
	return p[1];
}
NOINLINE int reads_void(void *p TAG("untrusted"))
{
	ANY(p);
	return *(int *)p;
}
NOINLINE int nullable_alone(struct task_struct *t TAG("nullable"))
{
	return t ? t->pid : 0;
}
#define CURRENT ((struct task_struct *)bpf_get_current_task_btf())
// ok: the task at hand
SEC("tc") int current(void *ctx) { return keeps(CURRENT); }
// ok: NULL for who takes it
SEC("tc") int none(void *ctx) { return keeps_any(0) + keeps_any(CURRENT); }
// rejected 0354: NULL for who does not
SEC("tc") int none_wrong(void *ctx) { return keeps(0); }
// rejected 0355: what may be NULL
SEC("tc") int maybe(void *ctx)
{
	struct task_struct *t = bpf_task_from_pid(1);
	int pid = keeps(t);

	if (t)
		bpf_task_release(t);
	return pid;
}
// ok: what may be NULL for who takes it
SEC("tc") int maybe_any(void *ctx)
{
	struct task_struct *t = bpf_task_from_pid(1);
	int pid = keeps_any(t);

	if (t)
		bpf_task_release(t);
	return pid;
}
// rejected 0355: it is passed on, and nobody asked
SEC("tc") int passed_on(void *ctx) { return unasked(CURRENT); }
// rejected 0354, kernel ok: one that nobody keeps
SEC("tc") int plain(void *ctx) { return keeps(CURRENT->last_wakee); }
// rejected 0354: the context
SEC("tc") int context(void *ctx) { return keeps(ctx); }
// ok: any address, to read
SEC("tc") int address(void *ctx) { return reads((void *)0x1234) + reads(CURRENT->last_wakee); }
// rejected 0354: it is passed on
SEC("tc") int address_on(void *ctx) { return passes_on(CURRENT); }
// ok: numbers behind any address
SEC("tc") int number(void *ctx) { return reads_number(ctx) + reads_void((void *)5); }
// rejected 0208: they are written
SEC("tc") int number_written(void *ctx) { return writes_number((void *)5); }
char _license[] SEC("license") = "GPL";
