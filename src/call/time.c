/* SPDX-License-Identifier: BSD-2-Clause */
/* time.c: clocks, random numbers, and who and where the caller is. */
#include "call/bodies.h"
#include "base/os.h"

/* CONFIG_HZ of most distributions; the kernel starts counting five minutes
 * before the counter's low half wraps. */
enum { JIFFIES_HZ = 250, NS_PER_JIFFY = 1000000000 / JIFFIES_HZ };

HELPER_BODY(call_ktime) { return os_clock_ns(); }
HELPER_BODY(call_ktime_boot) { return os_clock_boot_ns(); }
HELPER_BODY(call_ktime_coarse) { return os_clock_coarse_ns(); }
HELPER_BODY(call_ktime_tai) { return os_clock_tai_ns(); }

HELPER_BODY(call_jiffies)
{
	return (u32)(-300 * JIFFIES_HZ) + os_clock_coarse_ns() / NS_PER_JIFFY;
}

/* A counter with odd steps, mixed: any seed will do, 0 as well. */
HELPER_BODY(call_prandom)
{
	u64 x = run->rand += 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return (u32)(x ^ x >> 31);
}

HELPER_BODY(call_cpu) { return run->cpu; }
HELPER_BODY(call_numa_node) { return 0; }
HELPER_BODY(call_pid_tgid) { return os_pid_tgid(); }
