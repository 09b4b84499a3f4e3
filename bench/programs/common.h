/* SPDX-License-Identifier: BSD-2-Clause */
/* common.h: what the large programs of bench/verify_real.c share. */
#ifndef BENCH_PROGRAMS_COMMON_H
#define BENCH_PROGRAMS_COMMON_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <linux/in.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

char _license[] SEC("license") = "GPL";

#define keep(v) asm volatile("" : "+r"(v))

static __always_inline __u32 rotl(__u32 v, unsigned n) { return v << n | v >> (32 - n); }
static __always_inline __u64 rotl64(__u64 v, unsigned n) { return v << n | v >> (64 - n); }

struct span { void *at, *end; };

static __always_inline void *take(struct span *s, __u64 bytes)
{
	void *p = s->at;

	if (p + bytes > s->end)
		return 0;
	s->at = p + bytes;
	return p;
}

#endif
