#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# flowdissector.t: `skep run` of flow dissectors: the keys of each packet, and
# the kernel's.
. test/tap.sh
cap=examples/firewall/traffic.pcapng
[ -n "$CLANG" ] || skip_all "no clang that compiles to BPF"

cat > "$tmp/fd.c" <<'EOT'
#include <linux/if_ether.h>
#include <linux/ip.h>
enum { OK, DROP = 2, CONTINUE = 129, STOP_AT_L3 = 2 };
SEC("flow_dissector") int dissect(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct bpf_flow_keys *k = skb->flow_keys;
	__u32 off = k->thoff & 0xfff;
	struct iphdr *ip = data + off;
	__be16 *p;

	if (k->n_proto != bpf_htons(ETH_P_IP))
		return CONTINUE;
	if ((void *)(ip + 1) > end)
		return DROP;
	k->addr_proto = ETH_P_IP;
	k->ipv4_src = ip->saddr;
	k->ipv4_dst = ip->daddr;
	k->ip_proto = ip->protocol;
	off += ip->ihl * 4;
	k->thoff = off;
	if (k->flags & STOP_AT_L3)
		return OK;
	p = data + (off & 0xfff);
	if ((void *)(p + 2) > end)
		return OK;
	k->sport = p[0];
	k->dport = p[1];
	return OK;
}
char _license[] SEC("license") = "GPL";
EOT
$SKEP cc "$tmp/fd.c" -o "$tmp/fd.o" || exit 2
fd="$SKEP run $tmp/fd.o $cap"
$fd -v > "$tmp/out" 2>/dev/null
has "the keys of -v" "BPF_OK        95 bytes  nhoff 14  thoff 34  n_proto 0x0800  ip_proto 17  \
10.8.0.2 > 10.8.0.1  ports 32830 > 53" "$(sed -n 3p "$tmp/out")"
has "what it does not know" "BPF_FLOW_DISSECTOR_CONTINUE" "$(sed -n 1p "$tmp/out")"
has "the table of verdicts" "dissect (flow_dissector): 10983 packets" "$(tail -n 5 "$tmp/out")"
has "the keys of -v --json" '"n_proto": 2048, "sport": 32830, "dport": 53, "src": "10.8.0.2", '\
'"dst": "10.8.0.1", "flags": 0, "flow_label": 0}}' "$($fd -v --json 2>/dev/null | sed -n 3p)"
$fd -v --flow-flags 2 > "$tmp/flags" 2>/dev/null
same "flags of the keys" "  10.8.0.2 > 10.8.0.1" "$(sed -n '3s/.*ip_proto 17//p' "$tmp/flags")"
$fd -o "$tmp/out.pcapng" -q && $SKEP run "$tmp/fd.o" "$tmp/out.pcapng" -v 2>/dev/null > "$tmp/again"
same "packets stay as they are" "$(sed -n 1,99p "$tmp/out")" "$(sed -n 1,99p "$tmp/again")"
status "flags are for flow dissectors" 2 $SKEP run examples/firewall/firewall.o $cap --flow-flags 1
has "no interface" "flow dissectors are not told" "$($fd --ifindex 3 2>&1)"
sed 's/k->sport = p/*(volatile __u8 *)p = 1; k->sport = p/' "$tmp/fd.c" > "$tmp/write.c"
has "the packet is read-only" "error: the packet is written, and it is read-only to programs of \
this type [SKEP-E" "$($SKEP run --unverified "$tmp/write.c" $cap 2>&1)"
out=$($fd --on both --flow-flags 4 2>/dev/null)
case $out in
*agree:*) has "as on the kernel" "agree: 10983 verdicts" "$out" ;;
*differ*) same "as on the kernel" "" "$out" ;;
*) skip "as on the kernel" "no bpf(2)" ;;
esac
done_testing
