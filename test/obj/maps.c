/* SPDX-License-Identifier: BSD-2-Clause */
/* Maps whose definitions name other things: programs, maps, variables. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define __arena __attribute__((address_space(1)))

struct ops {
	int (*init)(void *);
	int (*release)(void *);
	char name[8];
};

SEC("struct_ops/init") int on_init(void *ctx) { return 0; }
SEC("struct_ops.s/release") int on_release(void *ctx) { return 0; }

SEC(".struct_ops.link") struct ops tcp = {
	.init = on_init, .release = on_release, .name = "skep",
};

typedef struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, int);
	__type(value, long);
} inner_t;
inner_t in SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, int);
	__array(values, inner_t);
} outer SEC(".maps") = { .values = { [2] = &in } };

struct {
	__uint(type, 33);	/* arena */
	__uint(map_flags, 1 << 10);
	__uint(max_entries, 2);
} arena SEC(".maps");

long __arena SEC(".addr_space.1") counter = 77;

SEC("xdp") int prog(void *ctx)
{
	int key = 2;

	if (bpf_map_lookup_elem(&arena, &key))
		return 1;
	return (int)*(volatile long __arena *)&counter;
}
