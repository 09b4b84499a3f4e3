/* SPDX-License-Identifier: BSD-2-Clause */
/* Maps and section names from before BTF, as several loaders had them. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct { unsigned int word[9]; }
	inner SEC("maps") = { { 1, 4, 8, 16, 0, 7, 0, 0, 2 } },
	iproute SEC("maps") = { { 12, 4, 4, 16, 0, 0, 2, 7, -1 } };

struct { unsigned int word[6]; char path[256]; }
	pinned SEC("maps/pinned") = { { 1, 4, 8, 16, 0, 1 }, "globals/x" };

struct { unsigned int word[7]; }
	samples SEC("maps/samples") = { { 1, 4, 8, 16, 4, 0, 1 } };

SEC("2/0") int tail(void *ctx)
{
	return bpf_map_lookup_elem(&iproute, ctx) ? bpf_map_lookup_elem(&pinned, ctx) != 0 :
						    bpf_map_lookup_elem(&samples, ctx) != 0;
}
SEC("socket1") int sock(void *ctx) { return 0; }
SEC("uprobe//bin/sh:main+4") int probe(void *ctx) { return 0; }
__attribute__((used)) SEC("xdp_packet_hook") static int entry(void *ctx) { return 2; }
