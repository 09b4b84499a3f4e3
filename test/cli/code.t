#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# code.t: instructions without an object: classic BPF and raw bytes; --type,
# --set and linking in every command that loads.
. test/tap.sh
fw=examples/firewall/firewall.o
cap=examples/firewall/traffic.pcapng

printf '4\n40 0 0 12\n21 0 1 2048\n6 0 0 262144\n6 0 0 0\n' > "$tmp/ip.txt"
out=$($SKEP run "$tmp/ip.txt" $cap 2>/dev/null)
has "classic BPF is a socket filter" "filter (socket_filter): 10983 packets" "$out"
has "its verdict is what is kept" "262144 " "$out"
same "the same on standard input" "$(echo "$out" | tail -n +2)" \
	"$($SKEP run - $cap < "$tmp/ip.txt" 2>/dev/null | tail -n +2)"
same "and from a pipe" "$(echo "$out" | tail -n +2)" \
	"$(cat "$tmp/ip.txt" | $SKEP run - $cap 2>/dev/null | tail -n +2)"
has "inspect" "filter" "$($SKEP inspect "$tmp/ip.txt")"
printf '2\n6 0 0 0\n' > "$tmp/short.txt"
status "classic BPF that is none" 2 $SKEP run "$tmp/short.txt" $cap
has "is named" "short.txt:" "$($SKEP run "$tmp/short.txt" $cap 2>&1)"

printf 'r0 = 1\nexit\n' > "$tmp/a.s"
$SKEP asm "$tmp/a.s" -o "$tmp/a.bin"
status "raw instructions without a type" 2 $SKEP run "$tmp/a.bin" $cap
has "the message says how" "--type" "$($SKEP run "$tmp/a.bin" $cap 2>&1)"
has "raw instructions" "code (xdp): 10983" "$($SKEP run "$tmp/a.bin" $cap --type xdp 2>/dev/null)"
has "of another type" "TC_ACT_" "$($SKEP run "$tmp/a.bin" $cap --type tc 2>/dev/null)"
has "inspect of them" "xdp" "$($SKEP inspect "$tmp/a.bin" --type xdp)"
status "beside an object" 1 $SKEP verify --type xdp "$tmp/a.bin" examples/firewall/bad.o
status "by name" 0 $SKEP verify --type code=xdp "$tmp/a.bin" $fw
status "an object alone has its types" 2 $SKEP verify --type xdp $fw
status "a type that is none" 2 $SKEP run "$tmp/a.bin" $cap --type nothing
printf '\377\377\377\377\377\377\377\377' > "$tmp/bad.bin"
status "bytes that are no instructions" 2 $SKEP run "$tmp/bad.bin" $cap --type xdp

# What tcpdump keeps is what skep keeps.
if command -v tcpdump > /dev/null && tcpdump -ddd -r $cap ip > /dev/null 2>&1; then
	for filter in ip 'tcp port 80' 'udp and ip[2:2] > 100' 'ip[8] < 60 or arp' \
		'ip6 or (tcp[tcpflags] & tcp-syn != 0)' 'net 10.0.0.0/8' 'vlan or icmp' \
		'src host 10.9.0.1 or dst portrange 1-1023' 'ether broadcast'; do
		tcpdump -ddd -r $cap "$filter" > "$tmp/f.txt" 2> /dev/null
		$SKEP run "$tmp/f.txt" $cap -q --verdicts "$tmp/f.verdicts" 2> "$tmp/f.err"
		same "tcpdump '$filter'" "$(tcpdump -nr $cap "$filter" 2> /dev/null | wc -l)" \
			"$(awk '$2 != 0' "$tmp/f.verdicts" | wc -l)"
	done
else
	skip "tcpdump's own filter" "no tcpdump that reads the capture"
fi

if [ -n "$CLANG" ]; then
	export CLANG
	cat > "$tmp/main.c" <<'C'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
int limit = 3;
int twice(int x);
SEC("xdp") int prog(struct xdp_md *ctx) { return twice(limit) == 6 ? XDP_DROP : XDP_PASS; }
C
	cat > "$tmp/part.c" <<'C'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
int more;
__attribute__((noinline)) int twice(int x) { return x * 2 + more; }
C
	cat > "$tmp/guess.c" <<'C'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
int other = 1;
SEC("tc_ingress") int guess(struct __sk_buff *skb) { return other; }
C
	for f in main part guess; do $SKEP cc "$tmp/$f.c" -o "$tmp/$f.o"; done
	two="$tmp/main.o $tmp/part.o"
	# shellcheck disable=SC2086 # words are meant
	{
		has "run links" "XDP_DROP" "$($SKEP run $two $cap 2> /dev/null)"
		has "inspect links" "main.o+" "$($SKEP inspect $two 2>&1)"
		has "disasm links" "twice" "$($SKEP disasm $two 2>&1)"
		ok "--set of one linked" $SKEP run $two $cap -q --set more=1
	}
	both="$fw $tmp/guess.o"
	has "--set where the variable is" "TC_ACT_SHOT " \
		"$($SKEP run $both $cap --prog guess --set other=2 2> /dev/null)"
	status "--set of what no object has" 2 $SKEP run $both $cap --prog guess --set nothing=2
	for c in "run $tmp/guess.o $cap" "inspect $tmp/guess.o" "disasm $tmp/guess.o"; do
		has "a guess is told: ${c%% *}" "section 'tc_ingress' taken for type sched_cls" \
			"$($SKEP $c 2>&1 > /dev/null)"
		same "not with --type: ${c%% *}" "" \
			"$($SKEP $c --type sched_act 2>&1 > /dev/null | grep taken)"
	done
	has "inspect --type" "sched_act" "$($SKEP inspect "$tmp/guess.o" --type sched_act)"
	same "disasm keeps the order" "r0 = 0x1" \
		"$($SKEP disasm "$tmp/a.bin" "$tmp/guess.o" 2> /dev/null | head -n 1 | cut -f 2)"
else
	skip "objects that are linked" "no clang"
fi
done_testing
