/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0236: objects of the kernel (struct task_struct) are for programs under a GPL */
#include "common.h"

/* With CAP_PERFMON it is fine; with --caps bpf an error. */
struct task_struct { int pid; } __attribute__((preserve_access_index));
extern struct task_struct *bpf_task_from_pid(int pid) __attribute__((section(".ksyms")));
extern void bpf_task_release(struct task_struct *p) __attribute__((section(".ksyms")));

SEC("tc") int prog(void *ctx)
{
	struct task_struct *p = bpf_task_from_pid(1);
	int n = 0;

	if (!p)
		return 0;
#ifndef FIXED
	n = p->pid;
#endif
	bpf_task_release(p);
	return n & 1;
}
