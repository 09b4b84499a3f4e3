/* SPDX-License-Identifier: BSD-2-Clause */
/* unsafe_fifth_maps.c: maps in maps that have fewer elements than what they are declared
 * like. */
#define INNER(name, type_) struct name { __uint(type, BPF_MAP_TYPE_##type_); \
	__uint(max_entries, 4); __type(key, __u32); __type(value, __u64); }
#define OUTER(name, inner) struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); \
	__uint(max_entries, 1); __type(key, __u32); __array(values, struct inner); } name \
	SEC(".maps")
INNER(percpu, PERCPU_ARRAY);
INNER(array, ARRAY);
OUTER(percpus, percpu);
OUTER(arrays, array);
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 4); __type(key, __u32);
	__type(value, __u64); } plain SEC(".maps");

static __attribute__((always_inline)) int third_of(void *map)
{
	__attribute__((aligned(8))) int three = 3;
	__u64 *v;

	if (!map)
		return 0;
	v = bpf_map_lookup_elem(map, &three);
	asm volatile("" : "+r"(v));
	return *v;
}
#define FIRST(map) ({ int key_ = 0; bpf_map_lookup_elem(&map, &key_); })
// rejected 0107, kernel ok: an array for each cpu, which may be smaller
SEC("tc") int of_percpus(void *ctx) { return third_of(FIRST(percpus)); }
// ok: an array, which has as many
SEC("tc") int of_arrays(void *ctx) { return third_of(FIRST(arrays)); }
// ok: one for each cpu that lies in none
SEC("tc") int of_itself(void *ctx) { return third_of(&plain); }
char _license[] SEC("license") = "GPL";
