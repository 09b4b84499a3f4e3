/* SPDX-License-Identifier: BSD-2-Clause */
/* license.c: what programs may not that are under another licence. */
#define K __attribute__((section(".ksyms")))
struct task_struct { int pid; } __attribute__((preserve_access_index));
extern void bpf_rcu_read_lock(void) K;
extern void bpf_rcu_read_unlock(void) K;
extern int bpf_strnlen(const char *s, __u32 n) K;
char text[8];

// rejected 0236: an object of the kernel
SEC("tp_btf/sched_switch") int member(__u64 *ctx)
{
	return ((struct task_struct *)ctx[1])->pid;
}
// rejected 0381: a function of the kernel
SEC("xdp") int function(struct xdp_md *ctx)
{
	return bpf_strnlen(text, 4) & 1;
}
// rejected 0167: a hook of security modules
SEC("lsm/file_open") int hook(void *ctx)
{
	return 0;
}
char _license[] SEC("license") = "Proprietary";
