/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prelude.h: what programs printed in books leave out. Put before a source
 * that includes neither libbpf's headers nor vmlinux.h; where libbpf's headers
 * are installed they are used. cc.c embeds this file.
 */
#include <linux/types.h>
#include <linux/bpf.h>
#if __has_include(<bpf/bpf_helpers.h>)
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#else
#define SEC(name) __attribute__((section(name), used))
#define __always_inline inline __attribute__((always_inline))
#define __noinline __attribute__((noinline))
#define __uint(name, val) int (*name)[val]
#define __type(name, val) typeof(val) *name
#define __array(name, val) typeof(val) *name[]
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define bpf_htons(x) ((__u16)__builtin_bswap16(x))
#define bpf_htonl(x) ((__u32)__builtin_bswap32(x))
#else
#define bpf_htons(x) ((__u16)(x))
#define bpf_htonl(x) ((__u32)(x))
#endif
#define bpf_ntohs(x) bpf_htons(x)
#define bpf_ntohl(x) bpf_htonl(x)
static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*const bpf_map_update_elem)(void *map, const void *key, const void *value,
					 __u64 flags) = (void *)2;
static long (*const bpf_map_delete_elem)(void *map, const void *key) = (void *)3;
static __u64 (*const bpf_ktime_get_ns)(void) = (void *)5;
static long (*const bpf_trace_printk)(const char *fmt, __u32 fmt_size, ...) = (void *)6;
static __u32 (*const bpf_get_prandom_u32)(void) = (void *)7;
static __u32 (*const bpf_get_smp_processor_id)(void) = (void *)8;
static long (*const bpf_redirect)(__u32 ifindex, __u64 flags) = (void *)23;
static __s64 (*const bpf_csum_diff)(__be32 *from, __u32 from_size, __be32 *to,
				    __u32 to_size, __wsum seed) = (void *)28;
static long (*const bpf_xdp_adjust_head)(struct xdp_md *ctx, int delta) = (void *)44;
static long (*const bpf_xdp_adjust_tail)(struct xdp_md *ctx, int delta) = (void *)65;
#define bpf_printk(fmt, args...) ({ \
	static const char text_[] = fmt; \
	bpf_trace_printk(text_, sizeof(text_), ##args); \
})
#endif
#ifndef htons
#define htons(x) bpf_htons(x)
#define htonl(x) bpf_htonl(x)
#define ntohs(x) bpf_ntohs(x)
#define ntohl(x) bpf_ntohl(x)
#endif
