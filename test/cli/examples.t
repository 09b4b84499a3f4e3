#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# examples.t: each program of examples/ on the embedded engine and on the
# running kernel, packet by packet: no difference. (What they print is tested
# with their READMEs.)
. test/tap.sh
cap=examples/firewall/traffic.pcapng
why=$($SKEP run --on kernel examples/firewall/firewall.o $cap -q 2>&1) ||
	skip_all "$(printf '%s' "$why" | head -n 1)"

for line in \
	"firewall/firewall.o --map deny=examples/firewall/deny.json" \
	"balancer/balancer.o --map services=examples/balancer/services.json --map backends=examples/balancer/backends.json" \
	"constructs/ipv4.o" \
	"constructs/entry.o --prog entry" \
	"constructs/loops.o" \
	"constructs/kconfig.o" \
	"constructs/symbolic.o" \
	"nat64/nat64.o --prog nat64_out --map inside=examples/nat64/inside.json" \
	"nat64/nat64.o --prog nat64_in --map outside=examples/nat64/outside.json" \
	"shaper/shaper.o --map ports=examples/shaper/ports.json --map classes=examples/shaper/classes.json --tstamp capture --mark 7" \
	"fields/fields.o"
do
	set -- $line
	obj=examples/$1
	shift
	why=$($SKEP run --on kernel $obj $cap -q "$@" 2>&1 >/dev/null)
	case $?-$(uname -r) in
	1-[1-5].* | 1-6.[0-9].* | 1-6.1[0-7].*)	# what the newest takes, older ones may refuse
		skip "$obj $*" "$(printf '%s' "$why" | head -n 1)"
		continue
		;;
	esac
	ok "$obj $*" $SKEP run --on both $obj $cap "$@"
done
ok "six packets that leave, on both engines" $SKEP run --on both examples/nat64/nat64.o \
	examples/nat64/outgoing.pcap --prog nat64_out --map inside=examples/nat64/inside.json

# A value of a per-cpu map would be here and there if the kernel's runs were.
mkfifo "$tmp/packets"
$SKEP run --on both examples/fields/fields.o - < "$tmp/packets" > "$tmp/out" 2>&1 &
pid=$!
exec 3> "$tmp/packets"
head -c 4096 $cap >&3
is_one() { sed -n 's/^Cpus_allowed_list:[^0-9]*//p' /proc/$pid/status | grep -qx '[0-9]*'; }
n=0
until is_one || [ $((n += 1)) -gt 500 ] || ! kill -0 $pid; do
	sleep 0.02
done
ok "on one cpu" is_one
exec 3>&-
wait $pid
done_testing
