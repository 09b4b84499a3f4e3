/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hooks.c: programs for hooks of security modules: what they may return, what they
 * get. A kernel that loads none of them has no answer.
 */
char _license[] SEC("license") = "GPL";
#define CORE __attribute__((preserve_access_index))
struct file { unsigned f_flags; } CORE;
struct inode { unsigned short i_mode; } CORE;
struct task_struct { int pid; } CORE;
extern struct task_struct *bpf_task_acquire(struct task_struct *p)
	__attribute__((section(".ksyms")));
extern void bpf_task_release(struct task_struct *p) __attribute__((section(".ksyms")));

// ok: 0 or an errno
SEC("lsm/file_open") int open_file(__u64 *ctx)
{
	struct file *f = (void *)ctx[0];

	return f->f_flags & 1 ? -13 : 0;
}
// rejected 0123: a positive number
SEC("lsm/file_open") int positive(__u64 *ctx)
{
	return 1;
}
// rejected 0123: less than any errno
SEC("lsm/file_open") int too_small(__u64 *ctx)
{
	return -4096;
}
// ok: the least errno
SEC("lsm/file_open") int smallest(__u64 *ctx)
{
	return -4095;
}
// rejected 0124: any number
SEC("lsm/file_open") int unknown(__u64 *ctx)
{
	return bpf_get_prandom_u32();
}
// ok: what the hook gave so far
SEC("lsm/file_open") int result_so_far(__u64 *ctx)
{
	int ret = (int)ctx[1];

	return ret;
}
// rejected 0123: what the hook gave so far, and 1
SEC("lsm/file_open") int result_changed(__u64 *ctx)
{
	int ret = (int)ctx[1];

	return ret + 1;
}
// rejected 0206: behind the result
SEC("lsm/file_open") int behind_result(__u64 *ctx)
{
	return -*(volatile unsigned char *)&ctx[2];
}
// ok: a hook without a result takes any
SEC("lsm/file_free_security") int no_result(__u64 *ctx)
{
	return bpf_get_prandom_u32();
}
// rejected 0206: and has none so far
SEC("lsm/file_free_security") int no_result_so_far(__u64 *ctx)
{
	return (int)ctx[1];
}
// ok: yes or no
SEC("lsm/inode_xattr_skipcap") int boolean(__u64 *ctx)
{
	return bpf_get_prandom_u32() & 1;
}
// rejected 0123: neither yes nor no
SEC("lsm/inode_xattr_skipcap") int no_boolean(__u64 *ctx)
{
	return -1;
}
// ok: a hook of a cgroup: yes or no
SEC("lsm_cgroup/socket_bind") int of_cgroup(__u64 *ctx)
{
	return bpf_get_prandom_u32() & 1;
}
// rejected 0123: an errno there
SEC("lsm_cgroup/socket_bind") int of_cgroup_errno(__u64 *ctx)
{
	return -1;
}
// ok: without a result: yes
SEC("lsm_cgroup/sk_free_security") int of_cgroup_void(__u64 *ctx)
{
	return 1;
}
// rejected 0123: without a result it cannot say no
SEC("lsm_cgroup/sk_free_security") int of_cgroup_refuses(__u64 *ctx)
{
	return 0;
}
// rejected 0165: a hook that takes no programs
SEC("lsm/getprocattr") int switched_off(__u64 *ctx)
{
	return 0;
}
// rejected 0166: a hook where nothing may sleep
SEC("lsm.s/file_permission") int sleeps(__u64 *ctx)
{
	return 0;
}
// ok: a hook where programs may
SEC("lsm.s/bprm_committed_creds") int may_sleep(__u64 *ctx)
{
	return 0;
}
// ok: a task that is there to stay
SEC("lsm/task_alloc") int task(__u64 *ctx)
{
	struct task_struct *t = bpf_task_acquire((void *)ctx[0]);

	if (t)
		bpf_task_release(t);
	return 0;
}
// rejected 0385: a task that goes
SEC("lsm/task_free") int task_gone(__u64 *ctx)
{
	struct task_struct *t = bpf_task_acquire((void *)ctx[0]);

	if (t)
		bpf_task_release(t);
	return 0;
}
// ok: fmod_ret may return anything, and sees the result
SEC("fmod_ret/security_file_open") int modified(__u64 *ctx)
{
	return (int)ctx[1] + 1;
}
// rejected 0206: fentry sees no result
SEC("fentry/security_file_open") int entered(__u64 *ctx)
{
	volatile __u64 ret = ctx[1];

	return 0;
}
// ok: fexit does
SEC("fexit/security_file_open") int left(__u64 *ctx)
{
	volatile __u64 ret = ctx[1];

	return 0;
}
