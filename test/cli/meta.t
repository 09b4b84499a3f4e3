#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# meta.t: what `skep run` tells programs of a packet beside its bytes, and what
# -v shows of it afterwards; several programs on it.
. test/tap.sh
cap=examples/firewall/traffic.pcapng
[ -n "$CLANG" ] || skip_all "no clang that compiles to BPF"

cat > "$tmp/tc.c" <<'EOT'
#include <linux/pkt_cls.h>
__u64 mark, priority, ifindex, ingress, queue, stamps, last;
SEC("tc") int touch(struct __sk_buff *skb)
{
	mark = skb->mark;
	priority = skb->priority;
	ifindex = skb->ifindex;
	ingress = skb->ingress_ifindex;
	queue = skb->queue_mapping;
	stamps += skb->tstamp > last;
	last = skb->tstamp;
	skb->mark = 5;
	skb->priority = skb->priority + 1;
	skb->tc_classid = 0x10002;
	if (skb->tstamp)
		skb->tstamp += 1000;
	return TC_ACT_OK;
}
char _license[] SEC("license") = "GPL";
EOT
cat > "$tmp/xdp.c" <<'EOT'
__u64 ifindex, queue;
SEC("xdp") int where(struct xdp_md *ctx)
{
	ifindex = ctx->ingress_ifindex;
	queue = ctx->rx_queue_index;
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
EOT
$SKEP cc "$tmp/tc.c" -o "$tmp/tc.o" && $SKEP cc "$tmp/xdp.c" -o "$tmp/xdp.o" || exit 2
fields() { tail -n +4 "$1" | tr '\n' ' ' | sed 's/last: [0-9]*//' | tr -s ' '; }
$SKEP run "$tmp/tc.o" $cap --mark 7 --priority 9 --ifindex 3 --queue 2 > "$tmp/out" 2>/dev/null
has "fields of struct __sk_buff" "mark: 7 priority: 9 ifindex: 3 ingress: 3 queue: 2 stamps: 0" \
	"$(fields "$tmp/out")"
$SKEP run "$tmp/tc.o" $cap > "$tmp/out" 2>/dev/null
has "unless told" "mark: 0 priority: 0 ifindex: 1 ingress: 0 queue: 0 stamps: 0" \
	"$(fields "$tmp/out")"
$SKEP run "$tmp/tc.o" $cap --tstamp capture > "$tmp/out" 2>/dev/null
has "times of capture" "stamps: 10" "$(fields "$tmp/out")"
$SKEP run "$tmp/xdp.o" $cap --ifindex 3 --queue 2 > "$tmp/out" 2>/dev/null
has "fields of struct xdp_md" "ifindex: 3 queue: 2" "$(fields "$tmp/out")"
has "-v shows what changed" \
	"TC_ACT_OK     42 bytes  mark 0x5  priority 0x1  classid 0x2  tstamp +1000 ns" \
	"$($SKEP run "$tmp/tc.o" $cap --tstamp capture -v 2>/dev/null | head -n 1)"
has "nothing else" "bytes  priority 0x1  classid" \
	"$($SKEP run "$tmp/tc.o" $cap --mark 5 -v 2>/dev/null | head -n 1)"
has "-v --json, too" '"mark": 5, "priority": 1, "tc_classid": 2' \
	"$($SKEP run "$tmp/tc.o" $cap -v --json 2>/dev/null | head -n 1)"
status "mark is for struct __sk_buff" 2 $SKEP run "$tmp/xdp.o" $cap --mark 1
status "a time stamp of nowhere" 2 $SKEP run "$tmp/tc.o" $cap --tstamp now
status "a mark of more than 32 bits" 2 $SKEP run "$tmp/tc.o" $cap --mark 0x100000000
status "a queue that is none" 2 $SKEP run "$tmp/tc.o" $cap --queue 65535

# A chain as tcx runs it: TCX_NEXT (-1) goes on, with everything as it is.
cat > "$tmp/chain.c" <<'EOT'
#include <linux/pkt_cls.h>
__u64 seen[3], mark, cb;
SEC("tcx/ingress") int one(struct __sk_buff *skb)
{
	seen[0]++;
	skb->mark = 42;
	skb->cb[0] = seen[0] % 3;
	return -1;
}
SEC("tcx/ingress") int two(struct __sk_buff *skb)
{
	seen[1]++;
	return skb->cb[0] ? -1 : TC_ACT_SHOT;
}
SEC("tcx/ingress") int three(struct __sk_buff *skb)
{
	seen[2]++;
	mark += skb->mark == 42;
	return skb->cb[0] == 1 ? TC_ACT_OK : -1;
}
SEC("xdp") int x(struct xdp_md *ctx) { return XDP_PASS; }
char _license[] SEC("license") = "GPL";
EOT
$SKEP cc "$tmp/chain.c" -o "$tmp/chain.o" || exit 2
out=$($SKEP run "$tmp/chain.o" $cap --prog one --prog two --prog three 2>/dev/null | tr -s ' \n' ' ')
has "a chain is named" "one, two, three (sched_cls)" "$out"
has "TCX_NEXT goes on, others end it" "seen: [10983, 10983, 7322]" "$out"
has "in one context" "mark: 7322" "$out"
has "the last answer counts" "TC_ACT_OK 3661 33.3 TC_ACT_SHOT 3661 33.3 TC_ACT_UNSPEC 3661" "$out"
has "in the order that is given" "seen: [0, 10983, 10983]" \
	"$($SKEP run "$tmp/chain.o" $cap --prog three --prog two 2>/dev/null | tr -s ' \n' ' ')"
has "--json has the chain" '"chain": ["one", "two"]' \
	"$($SKEP run "$tmp/chain.o" $cap --prog one --prog two -v --json 2>/dev/null | tail -n 1)"
status "no chain of XDP programs" 2 $SKEP run "$tmp/chain.o" $cap --prog one --prog x
status "nor with what is not there" 2 $SKEP run "$tmp/chain.o" $cap --prog one --prog five
status "nor on the kernel" 2 $SKEP run --on kernel "$tmp/chain.o" $cap --prog one --prog two

if $SKEP run --on both "$tmp/tc.o" $cap -q > /dev/null 2>/dev/null; then
	ok "the kernel sees the same" $SKEP run --on both "$tmp/tc.o" $cap --mark 7 \
		--priority 9 --tstamp capture
	status "the kernel takes no queue" 2 $SKEP run --on both "$tmp/tc.o" $cap --queue 1
	status "nor an interface that is not there" 2 $SKEP run --on both "$tmp/tc.o" $cap \
		--ifindex 2147483647
	status "for XDP neither" 2 $SKEP run --on both "$tmp/xdp.o" $cap --ifindex 2147483647
else
	skip "the kernel sees the same" "it runs no programs here"
fi
done_testing
