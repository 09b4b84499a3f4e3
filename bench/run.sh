#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# run.sh: nanoseconds per packet of the examples as `skep run --repeat` tells them, embedded
# and by the running kernel's test runs: medians of ROUNDS in turns. Embedded is to be no
# slower. Behind it what is left without a program that returns at once, which is no time of
# the program alone: a processor does much of what surrounds a program while it waits for
# what the program loads, so that less around it looks like more in it.
#
# On both engines a run finds the packet as the one before left it (skep-run(1)), so both
# take the same branches; that their verdicts are the same is compared. Needs clang, and
# bpf(2) for the kernel's side.
#
# The kernel waits for all its processors before and after a packet's runs, some
# milliseconds, however many they are: few packets, of all parts of the capture, many runs.
ROUNDS=${ROUNDS:-5} EVERY=${EVERY:-600} REPEAT=${REPEAT:-20000}
cd "$(dirname "$0")/.." || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cat > "$tmp/empty.c" <<'C'
SEC("xdp") int empty(struct xdp_md *ctx) { return XDP_PASS; }
SEC("tc") int empty_tc(struct __sk_buff *skb) { return 0; }
char _license[] SEC("license") = "GPL";
C
"$SKEP" cc "$tmp/empty.c" -o "$tmp/empty.o" || exit 1
cap=$tmp/part.pcap
"$BUILD/bench/run" pick examples/firewall/traffic.pcapng "$EVERY" "$cap" || exit 1

once() # NAME ENGINE ARGUMENT...: adds the mean to NAME.ENGINE
{
	to=$tmp/$1.$2 on=$2
	shift 2
	"$SKEP" run -q --json --on "$on" --repeat "$REPEAT" "$@" > "$tmp/out" 2>/dev/null
	sed -n 's/^  "ns_per_packet": \([0-9]*\),*/\1/p' "$tmp/out" >> "$to"
	sed -n '/"verdicts": {/,/}/p' "$tmp/out" > "$to.verdicts"
}
median() # FILE
{
	[ -s "$1" ] && sort -n "$1" | sed -n "$((($(wc -l < "$1") + 1) / 2))p"
}
each() # NAME: runs it once on both
{
	name=$1 dir=examples/$1
	case $1 in
	empty*) set -- --prog "$1" "$tmp/empty.o" ;;
	firewall) set -- $dir/$1.o --map deny=$dir/deny.json ;;
	balancer) set -- $dir/$1.o --map services=$dir/services.json \
			 --map backends=$dir/backends.json ;;
	entry) set -- examples/constructs/$1.o --prog entry ;;
	ipv4 | loops | kconfig | symbolic) set -- examples/constructs/$1.o ;;
	hosts) set -- examples/pinned/hosts.o ;;
	fields) set -- $dir/$1.o ;;
	nat64_*) set -- examples/nat64/nat64.o --prog "$1" \
			--map outside=examples/nat64/outside.json ;;
	shaper) set -- $dir/$1.o --map ports=$dir/ports.json --map classes=$dir/classes.json ;;
	esac
	for on in user kernel; do
		once "$name" $on "$@" "$cap"
	done
}
tell() # NAME EMPTY
{
	u=$(median "$tmp/$1.user") ue=$(median "$tmp/$2.user")
	k=$(median "$tmp/$1.kernel") ke=$(median "$tmp/$2.kernel")
	[ -n "$u" ] || { echo "$1: does not run"; return; }
	[ -n "$k" ] || { echo "$1: $u ns embedded (empty: $ue); no kernel"; return; }
	cmp -s "$tmp/$1.user.verdicts" "$tmp/$1.kernel.verdicts" && same= || same=', other verdicts'
	printf '%-10s %4d ns embedded, %4d ns in the kernel; ' "$1" "$u" "$k"
	printf 'less an empty one (%d, %d): %d, %d%s\n' "$ue" "$ke" $((u - ue)) $((k - ke)) "$same"
}

xdp='firewall balancer ipv4 loops entry kconfig symbolic hosts fields'
tc='shaper nat64_in nat64_out'
i=0
while [ $i -lt "$ROUNDS" ]; do
	for p in empty $xdp empty_tc $tc; do
		each $p
	done
	i=$((i + 1))
done
for p in $xdp; do tell $p empty; done
for p in $tc; do tell $p empty_tc; done
