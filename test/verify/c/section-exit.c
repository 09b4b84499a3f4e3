/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0317: the program ends inside a section that bpf_rcu_read_lock began */
#include "common.h"

#define __ksym __attribute__((section(".ksyms")))

extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

SEC("tc") int prog(void *ctx)
{
	bpf_rcu_read_lock();
#ifdef FIXED
	bpf_rcu_read_unlock();
#endif
	return 0;
}
