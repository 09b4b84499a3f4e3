/* SPDX-License-Identifier: BSD-2-Clause */
/* One construct that is refused, chosen by -DBAD_*. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#ifdef BAD_WEAK
extern int maybe(int) __weak;
#define USE maybe(1)
#endif
#ifdef BAD_EXTERN
extern int nowhere(int);
#define USE nowhere(1)
#endif
#ifdef BAD_OLD_MAPS
struct { unsigned int type, key, value, max, flags; } old SEC("maps") = { 1, 4, 8, 4, 0 };
#define USE (bpf_map_lookup_elem(&old, ctx) != 0)
#endif
#ifdef BAD_STRUCT_OPS
struct ops { int (*init)(void); } ops SEC(".struct_ops") = { 0 };
#endif
#ifdef BAD_INNER
struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, int);
} inner SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, int);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { &inner } };
#endif
#ifdef BAD_MEMBER
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entires, 1);
	__type(key, int);
	__type(value, int);
} m SEC(".maps");
#endif
#ifdef BAD_SECTION
static int lost SEC("elsewhere") = 3;
#define USE (*(volatile int *)&lost)
#endif
#ifdef BAD_SIZES
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, 8);
	__type(key, int);
} m SEC(".maps");
#endif
#ifdef BAD_BSS
char huge[1u << 31];
#define USE huge[(unsigned)(long)ctx & 15]
#endif
#ifndef USE
#define USE 0
#endif

SEC("xdp") int prog(void *ctx)
{
	return (int)USE;
}
