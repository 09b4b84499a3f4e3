/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0123: the program returns 2, and its caller takes 0..1 */
#include "common.h"

SEC("cgroup_skb/ingress") int prog(void *skb)
{
#ifdef FIXED
	return 1;
#else
	return 2;
#endif
}
