#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# session.t: a first session with an XDP program in C: a mistake, its message,
# the repaired program's results. Numbers vary; words and layout do not.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
[ -e /usr/include/bpf/bpf_helpers.h ] || skip_all "libbpf's headers are not installed"
export CLANG
root=$(pwd)
cp examples/firewall/traffic.pcapng examples/firewall/deny.json "$tmp"

program() # CHECK-OF-THE-PACKET
{
	cat <<C
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

struct key { __u32 prefixlen; __u32 addr; };
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct key);
	__type(value, __u64);
} deny SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} stats SEC(".maps");

SEC("xdp")
int firewall(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	if ((void *)(eth + 1) > end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = (void *)(eth + 1);
	$1
	struct key k = { .prefixlen = 32, .addr = ip->saddr };
	__u64 *hits = bpf_map_lookup_elem(&deny, &k);
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&stats, &zero);
	if (n)
		*n += 1;
	if (hits) {
		__sync_fetch_and_add(hits, 1);
		return XDP_DROP;
	}
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
}

normal() { sed 's/[0-9][0-9.]*/N/g; s/  */ /g'; }

cd "$tmp" || exit 1
program "" > fw.bpf.c
"$SKEP" run fw.bpf.c traffic.pcapng --map deny=deny.json -o out.pcapng > out 2> err
same "a mistake: exit status" 1 $?
same "nothing written" "" "$(ls | grep 'out\.')"
same "the message" "fw.bpf.c:N:N: error: bytes N of the packet are read, only N bytes are proved to exist [SKEP-EN]
 N | 	struct key k = { .prefixlen = N, .addr = ip->saddr };
 | 	 ^
fw.bpf.c:N:N: note: the last check against data_end on this path proves N bytes
help: before line N: if ((void *)(ip + N) > end) return XDP_PASS;
kernel: invalid access to packet, off=N size=N, RN(id=N,off=N,r=N)" "$(normal < err)"
"$SKEP" run --unverified fw.bpf.c traffic.pcapng --map deny=deny.json > out 2> err
same "a mistake that nobody looked for: exit status" 1 $?
same "its message" "fw.bpf.c:N:N: error: bytes N of the packet are read, only N exist [SKEP-EN]
 N | struct key k = { .prefixlen = N, .addr = ip->saddr };
 | ^
note: program 'firewall', instruction N
note: on packet N of traffic.pcapng (N bytes)" "$(normal < err)"
caret=$(awk '/\^/ { print index($0, "^") }' err)
same "the caret stands under saddr" "saddr" "$(sed -n 2p err | cut -c "$caret-$((caret + 4))")"

program "if ((void *)(ip + 1) > end) return XDP_PASS;" > fw.bpf.c
"$SKEP" run fw.bpf.c traffic.pcapng --map deny=deny.json -o out.pcapng > out 2> err
same "repaired: exit status" 0 $?
same "the results" 'firewall (xdp): N packets, N ns/packet
verdict packets %
XDP_PASS N N
XDP_DROP N N
map deny (lpm_trie, N of N)
 {"prefixlen": N, "addr": "N"}: N
map stats (percpu_array, N of N, summed over cpus)
 N: N N: N N: N' "$(sed 's/10\.9\.0\.0/0/' out | normal)"
ok "packets with verdicts" test -s out.pcapng
cd "$root" || exit 1
done_testing
