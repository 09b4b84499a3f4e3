#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# run.sh: nanoseconds per packet of the examples as `skep run --repeat` tells them, less
# those of a program that returns at once, embedded and by the running kernel's test runs,
# in turns: medians of ROUNDS. Embedded is to be no slower. Needs clang, and bpf(2) for
# the kernel's side.
ROUNDS=${ROUNDS:-7}
cd "$(dirname "$0")/.." || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cat > "$tmp/empty.c" <<'C'
SEC("xdp") int empty(struct xdp_md *ctx) { return XDP_PASS; }
SEC("tc") int empty_tc(struct __sk_buff *skb) { return 0; }
char _license[] SEC("license") = "GPL";
C
"$SKEP" cc "$tmp/empty.c" -o "$tmp/empty.o" || exit 1

ns() # ENGINE ARGUMENT...: of a packet
{
	on=$1
	shift
	"$SKEP" run -q --json --on "$on" --repeat 5000 "$@" 2>/dev/null |
		sed -n 's/^  "ns_per_packet": \([0-9]*\),*/\1/p'
}
median() # FILE
{
	sort -n "$1" | sed -n "$(((ROUNDS + 1) / 2))p"
}
example() # NAME EMPTY ARGUMENT...
{
	name=$1 empty=$2
	shift 2
	rm -f "$tmp"/user* "$tmp"/kernel*
	i=0
	while [ $i -lt "$ROUNDS" ]; do
		for on in user kernel; do
			ns $on "$@" >> "$tmp/$on"
			ns $on --prog "$empty" "$tmp/empty.o" "$cap" >> "$tmp/$on.empty"
		done
		i=$((i + 1))
	done
	u=$(median "$tmp/user") ue=$(median "$tmp/user.empty")
	k=$(median "$tmp/kernel") ke=$(median "$tmp/kernel.empty")
	[ -n "$u" ] || { echo "$name: does not run"; return; }
	[ -n "$k" ] || { echo "$name: $((u - ue)) ns embedded; no kernel"; return; }
	printf '%-10s %4d ns embedded, %4d ns in the kernel (empty: %d, %d)\n' "$name" \
		$((u - ue)) $((k - ke)) "$ue" "$ke"
}

# the capture's first packets, as far as they go: each costs the kernel a millisecond
cap=$tmp/part.pcapng
head -c 30000 examples/firewall/traffic.pcapng > "$cap"
example firewall empty examples/firewall/firewall.o "$cap" \
	--map deny=examples/firewall/deny.json
example balancer empty examples/balancer/balancer.o "$cap" \
	--map services=examples/balancer/services.json \
	--map backends=examples/balancer/backends.json
example ipv4 empty examples/constructs/ipv4.o "$cap"
example loops empty examples/constructs/loops.o "$cap"
example entry empty examples/constructs/entry.o "$cap" --prog entry
# the kernel's runs but for the first find the packet translated
example nat64_in empty_tc examples/nat64/nat64.o "$cap" --prog nat64_in \
	--map outside=examples/nat64/outside.json
example shaper empty_tc examples/shaper/shaper.o "$cap" \
	--map ports=examples/shaper/ports.json --map classes=examples/shaper/classes.json
