/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0316: bpf_rcu_read_unlock() leaves a section that was not entered */
#include "common.h"

#define __ksym __attribute__((section(".ksyms")))

extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

SEC("tc") int prog(void *ctx)
{
#ifdef FIXED
	bpf_rcu_read_lock();
#endif
	bpf_rcu_read_unlock();
	return 0;
}
