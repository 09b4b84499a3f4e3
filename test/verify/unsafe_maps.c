/* SPDX-License-Identifier: BSD-2-Clause */
/* unsafe_maps.c: lookups that are not sure, values that are not memory. */
#define NAKED __attribute__((naked))
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 10);
	__uint(map_flags, BPF_F_INNER_MAP); __type(key, __u32); __type(value, __u64); };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1);
	__uint(map_flags, BPF_F_INNER_MAP); __type(key, __u32); __type(value, __u64);
} shorter SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 1); __type(key, __u32);
	__array(values, struct inner); } outer SEC(".maps") = { .values = { (void *)&shorter } };
struct { __uint(type, BPF_MAP_TYPE_XSKMAP); __uint(max_entries, 4); __type(key, __u32);
	__type(value, __u32); } sockets SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_DEVMAP); __uint(max_entries, 4); __type(key, __u32);
	__type(value, __u32); } devices SEC(".maps");

// rejected 0107: an index below the template's length, in a shorter inner map
SEC("tc") NAKED int shorter_inner(void)
{
	asm volatile("r1 = 0; *(u32 *)(r10 - 8) = r1; r2 = r10; r2 += -8; r1 = %[o] ll; call 1;"
		"if r0 == 0 goto 1f; r1 = 5; *(u32 *)(r10 - 8) = r1; r2 = r10; r2 += -8; r1 = r0;"
		"call 1; r0 = *(u64 *)(r0 + 0); 1: r0 = 0; exit;" :: [o]"i"(&outer) : "r0");
}
// rejected 0208: a socket of a map is written
SEC("xdp") int write_socket(void *ctx)
{
	int key = 0, *value = bpf_map_lookup_elem(&sockets, &key);

	if (value)
		*value = 1;
	return 0;
}
// rejected 0218: a device of a map is written
SEC("xdp") int write_device(void *ctx)
{
	int key = 0, *value = bpf_map_lookup_elem(&devices, &key);

	if (value)
		*value = 1;
	return 0;
}
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32);
	__type(value, __u64); } numbers SEC(".maps");
// rejected 0207: a load-acquire of 8 bytes at 4
SEC("tc") NAKED int misaligned_acquire(void)
{
	asm volatile("r1 = 0; *(u32 *)(r10 - 4) = r1; r2 = r10; r2 += -4; r1 = %[map] ll; call 1;"
		"if r0 == 0 goto 1f; r1 = r0; r1 += 4; .8byte 0x00000100000010db;"
		"1: r0 = 0; exit;" :: [map]"i"(&numbers) : "r0");
}
