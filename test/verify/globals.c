/* SPDX-License-Identifier: BSD-2-Clause */
/* globals.c: global functions where nothing may sleep, or a lock is held. */
char _license[] SEC("license") = "GPL";
#define K __attribute__((section(".ksyms")))
#define NOINLINE __attribute__((noinline))
extern void bpf_rcu_read_lock(void) K;
extern void bpf_rcu_read_unlock(void) K;
extern void bpf_preempt_disable(void) K;
extern void bpf_preempt_enable(void) K;
long x;
char b[8];
struct lk { struct bpf_spin_lock lock; int n; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int);
	__type(value, struct lk); } locks SEC(".maps");
NOINLINE int sleeps(int a)
{
	return bpf_copy_from_user(b, 8, (void *)(long)a);
}
NOINLINE int deep(int a)
{
	return sleeps(a + 1);
}
NOINLINE int calm(int a)
{
	return a + x;
}

// ok: where it may sleep
SEC("syscall") int ok1(void *ctx)
{
	return deep(1);
}
// rejected 0266: in a read section
SEC("syscall") int in_rcu(void *ctx)
{
	int r;

	bpf_rcu_read_lock();
	r = deep(1);
	bpf_rcu_read_unlock();
	return r;
}
// ok: one that does not sleep
SEC("syscall") int in_rcu_calm(void *ctx)
{
	int r;

	bpf_rcu_read_lock();
	r = calm(1);
	bpf_rcu_read_unlock();
	return r;
}
// rejected 0266: without preemption
SEC("syscall") int in_pre(void *ctx)
{
	int r;

	bpf_preempt_disable();
	r = sleeps(1);
	bpf_preempt_enable();
	return r;
}
// rejected 0266: in a program that may not
SEC("xdp") int in_xdp(void *ctx)
{
	return deep(1);
}
// rejected 0267: with a lock
SEC("tc") int in_lock(void *ctx)
{
	int k = 0, r;
	struct lk *l = bpf_map_lookup_elem(&locks, &k);

	if (!l)
		return 0;
	bpf_spin_lock(&l->lock);
	r = calm(1);
	bpf_spin_unlock(&l->lock);
	return r;
}
