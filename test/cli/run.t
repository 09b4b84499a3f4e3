#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.t: `skep run` as users call it: operands in any order, verdicts, maps,
# files written, exit status.
. test/tap.sh
fw=examples/firewall/firewall.o
cap=examples/firewall/traffic.pcapng
deny=examples/firewall/deny.json

out=$($SKEP run $fw $cap --map deny=$deny -o "$tmp/out.pcapng" 2>"$tmp/err")
same "exit status" 0 $?
has "head line" "firewall (xdp): 10983 packets, " "$out"
has "verdicts" "XDP_PASS" "$out"
has "a map typed by BTF" '{"prefixlen": 24, "addr": "10.9.0.0"}: ' "$out"
dropped=$(printf '%s\n' "$out" | awk '$1 == "XDP_DROP" { print $2 }')
hits=$(printf '%s\n' "$out" | sed -n 's/.*"10.9.0.0"}: //p')
same "the deny entry counted what was dropped" "$dropped" "$hits"
has "packets that the capture cut are told" "snapshot length" "$(cat "$tmp/err")"

other=$($SKEP run $cap --map deny=$deny $fw -q --json)
same "operands in any order, JSON" "$dropped" \
	"$(printf '%s' "$other" | sed -n 's/.*"XDP_DROP": \([0-9]*\).*/\1/p')"
if command -v jq > /dev/null; then
	same "JSON parses" 10983 "$(printf '%s' "$other" | jq .packets)"
	same "one object per line with -v --json" 10984 \
		"$($SKEP run $cap $fw -q -v --json | jq -c . | wc -l)"
else
	skip "JSON parses" "no jq"
fi
if command -v tshark > /dev/null; then
	same "Wireshark shows the verdicts" "$dropped" \
		"$(tshark -r "$tmp/out.pcapng" -Y 'frame.verdict.ebpf_xdp == 1' 2>/dev/null | wc -l)"
else
	skip "Wireshark shows the verdicts" "no tshark"
fi

# Without -v and files packets run in batches where they lie, else one by one.
plain() # JSON: without the time, and hash maps have no order
{
	grep -v ns_per_packet | tr -d , | sort
}
same "packets in batches: the same verdicts and maps" \
	"$($SKEP run $fw $cap --map deny=$deny -q --json --verdicts "$tmp/each" | plain)" \
	"$($SKEP run $fw $cap --map deny=$deny -q --json | plain)"
cat > "$tmp/late.c" <<'EOF'
SEC("xdp") int late(struct xdp_md *ctx)
{
	static int n;

	return ++n == 100 ? *(int *)(long)ctx->data_end : XDP_PASS;
}
EOF
out=$($SKEP run --unverified "$tmp/late.c" $cap 2>&1)
same "a fault in a batch" 1 $?
has "names the packet" "on packet 100 of $cap" "$out"

cat > "$tmp/room.c" <<'EOF'
SEC("xdp") int room(struct xdp_md *ctx)
{
	int *before;

	if (bpf_xdp_adjust_head(ctx, -4))
		return XDP_ABORTED;
	before = (int *)(long)ctx->data;
	if (before + 1 > (int *)(long)ctx->data_end || *before)
		return XDP_DROP;
	*before = -1;
	return XDP_PASS;
}
EOF
has "headroom has nothing of the packet before" '"XDP_PASS": 10983' \
	"$($SKEP run "$tmp/room.c" $cap -q --json)"

same "a capture on standard input" 10983 \
	"$($SKEP run $fw - -q --json < $cap | sed -n '/^  "packets"/s/.*: \([0-9]*\).*/\1/p')"
same "several captures are one" 21966 \
	"$($SKEP run $fw $cap $cap -q --json | sed -n '/^  "packets"/s/.*: \([0-9]*\).*/\1/p')"

ok "--verdicts" $SKEP run $fw $cap -q --verdicts "$tmp/v"
same "a line per packet" 10983 "$(wc -l < "$tmp/v")"
same "its form" "1 XDP_PASS" "$(head -n 1 "$tmp/v")"
status "--expect: the same" 0 $SKEP run $fw $cap -q --expect "$tmp/v"
status "--expect: nothing" 2 $SKEP run $fw $cap -q --expect /dev/null
status "--expect: different" 1 $SKEP run $fw $cap -q --map deny=$deny --expect "$tmp/v"
echo "99999999 XDP_PASS" > "$tmp/v2"
status "--expect: a packet that does not come" 1 $SKEP run $fw $cap -q --expect "$tmp/v2"
has "the differences are named" "expected XDP_PASS, got XDP_DROP" \
	"$($SKEP run $fw $cap -q --map deny=$deny --expect "$tmp/v")"
status "--expect --json: a packet that does not come" 1 \
	$SKEP run $fw $cap -q --json --expect "$tmp/v2"
diff=$($SKEP run $fw $cap -q --json --expect "$tmp/v2" 2>/dev/null)
same "standard output is JSON only" "{" "$(printf '%s\n' "$diff" | head -n 1)"
has "the count of differences is in it" '"verdicts_differ": 1,' "$diff"

same "-- ends options" 10983 \
	"$($SKEP run --json -q -- $fw $cap | sed -n '/^  "packets"/s/.*: \([0-9]*\).*/\1/p')"
same "standard output has the packets alone" "$($SKEP run $fw $cap -q -o - | cksum)" \
	"$($SKEP run $fw $cap -o - 2>/dev/null | cksum)"
same "or the verdicts alone" 10983 "$($SKEP run $fw $cap --verdicts - 2>/dev/null | wc -l)"
status "--expect and JSON: a packet that does not come" 1 \
	$SKEP run $fw $cap -q --json --expect "$tmp/v2"
if command -v jq > /dev/null; then
	same "--expect and JSON: how many differ" 373 "$($SKEP run $fw $cap --json --map deny=$deny \
		--expect "$tmp/v" 2>/dev/null | jq .verdicts_differ)"
else
	skip "--expect and JSON" "no jq"
fi
: > "$tmp/real"
ln -s real "$tmp/link"
ok "an output that is a link" $SKEP run $fw $cap -q -o "$tmp/link"
same "stays a link" real "$(readlink "$tmp/link")"
ok "to the output" $SKEP run $fw "$tmp/real" -q

ok "--repeat" $SKEP run $fw $cap -q --repeat 3
has "-v" "XDP_PASS" "$($SKEP run $fw $cap -v | head -n 1)"
$SKEP run $fw $cap --json > "$tmp/j.json" 2>/dev/null
if command -v jq > /dev/null; then
	jq '.maps[] | select(.name == "deny6") | .elements' "$tmp/j.json" > "$tmp/d6.json"
	ok "map output is map input" $SKEP run $fw $cap -q --map deny6="$tmp/d6.json"
	jq '.maps[] | select(.name == "sources") | .elements' "$tmp/j.json" > "$tmp/src.json"
	ok "structs, too" $SKEP run $fw $cap -q --map sources="$tmp/src.json"
	jq '.maps[] | select(.name == "stats") | .elements' "$tmp/j.json" > "$tmp/st.json"
	ok "per-cpu values, too" $SKEP run $fw $cap -q --map stats="$tmp/st.json"
	cat > "$tmp/tool.json" <<'J'
[{"key": ["0x18","0x00","0x00","0x00","0x0a","0x09","0x00","0x00"],
  "value": ["0x00","0x00","0x00","0x00","0x00","0x00","0x00","0x00"]}]
J
	same "bpftool's form" "$dropped" "$($SKEP run $fw $cap -q --json --map deny="$tmp/tool.json" |
		jq '.verdicts.XDP_DROP')"
else
	skip "map output is map input" "no jq"
fi

[ -n "$CLANG" ] || done_testing
export CLANG
# What is asked for is told, not another program of its type.
cat >"$tmp/chain.c" <<'EOF'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2);
	__type(key, int); __type(value, int); } next SEC(".maps");
SEC("kprobe/vfs_read") int first(void *ctx) { bpf_tail_call(ctx, &next, 0); return 0; }
SEC("kprobe/vfs_read") int asked(void *ctx) { bpf_tail_call(ctx, &next, 1); return 0; }
char _license[] SEC("license") = "GPL";
EOF
has "the program that was asked for" "program 'asked' is of type kprobe" \
	"$($SKEP run --prog asked "$tmp/chain.c" examples/firewall/traffic.pcapng 2>&1)"

# Macros and folders of C files.
mkdir "$tmp/inc"
echo '#define GIVEN XDP_DROP' >"$tmp/inc/given.h"
cat >"$tmp/given.c" <<'EOF'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <given.h>
SEC("xdp") int given(struct xdp_md *ctx) { return GIVEN + MORE; }
EOF
has "-I and -D" "XDP_PASS" "$($SKEP run -I "$tmp/inc" -D MORE=1 "$tmp/given.c" \
	examples/firewall/traffic.pcapng 2>/dev/null)"
has "CPATH" "XDP_DROP" "$(CPATH=$tmp/inc $SKEP run -DMORE=0 "$tmp/given.c" \
	examples/firewall/traffic.pcapng 2>/dev/null)"
for command in verify inspect disasm "diff $tmp/given.c"; do
	status "${command%% *} takes them" 0 $SKEP $command -I "$tmp/inc" -DMORE=0 "$tmp/given.c"
done
ok "cc takes them" $SKEP cc -I "$tmp/inc" -DMORE=0 "$tmp/given.c" -o "$tmp/given.o"
status "without them" 2 $SKEP verify "$tmp/given.c"

# Heads of lists are addresses, each engine's own.
cat >"$tmp/list.c" <<'EOF'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "owned.h"
struct elem { int n; struct bpf_spin_lock lock; struct bpf_list_head list CONTAINS(item, node); };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1);
	__type(key, int); __type(value, struct elem); } elems SEC(".maps");
struct item *item;
SEC("tc") int count(struct __sk_buff *skb)
{
	int key = 0;
	struct elem *e = bpf_map_lookup_elem(&elems, &key);

	if (e)
		e->n++;
	return 0;
}
char _license[] SEC("license") = "GPL";
EOF
out=$($SKEP run --on both -I test/verify "$tmp/list.c" examples/firewall/traffic.pcapng 2>&1)
case $out in
*"agree: "* | *differ*) has "heads of lists are not compared" "agree: " "$out" ;;
*) skip "heads of lists are not compared" "the kernel runs none here" ;;
esac
done_testing
