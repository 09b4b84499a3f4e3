/* SPDX-License-Identifier: BSD-2-Clause */
/* time.c: clocks, random numbers, and the virtual cpu. */
#include "call/bodies.h"
#include "base/os.h"

/* CONFIG_HZ of most distributions; the kernel starts counting five minutes
 * before the counter's low half wraps. */
enum { JIFFIES_HZ = 250, NS_PER_JIFFY = 1000000000 / JIFFIES_HZ };

static inline u64 clock_of(const struct run *run, u64 (*real)(void))
{
	return run->clock.is_virtual ? run->clock.ns : real();
}

u64 clock_ns(const struct run *run) { return clock_of(run, os_clock_ns); }

HELPER_BODY(call_ktime) { return clock_ns(run); }
HELPER_BODY(call_ktime_boot) { return clock_of(run, os_clock_boot_ns); }
HELPER_BODY(call_ktime_coarse) { return clock_of(run, os_clock_coarse_ns); }
HELPER_BODY(call_ktime_tai) { return clock_of(run, os_clock_tai_ns); }

HELPER_BODY(call_jiffies)
{
	return (u32)(-300 * JIFFIES_HZ) + clock_of(run, os_clock_coarse_ns) / NS_PER_JIFFY;
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
