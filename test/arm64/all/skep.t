#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# All of skep on AArch64, in an emulator of user programs: what the examples do there,
# compiled and interpreted, is what they do here. make check-arm64 runs it.
. test/tap.sh

arch=aarch64-linux-gnu
root=$PWD/build/root/$arch
there="qemu-aarch64 -L /usr/$arch -E LD_LIBRARY_PATH=$root/usr/lib/$arch:$root/lib/$arch"
there="$there $PWD/build/$arch/skep"

# Times are of the machine, and how programs run is what differs.
plain() { sed -e 's/, [0-9.]* [mun]*s\/packet//' -e '/^note: .* and runs /d'; }

compare() # ARGUMENTS of run, in examples
{
	(cd examples && "$SKEP" run "$@" -v 2>&1) | plain >"$tmp/here"
	for how in off fast opt; do
		(cd examples && $there run "$@" -v --jit $how 2>&1) | plain >"$tmp/there"
		ok "$1, --jit $how" cmp "$tmp/here" "$tmp/there"
	done
}

compare firewall/firewall.o firewall/traffic.pcapng --map deny=firewall/deny.json
compare firewall/bad.o firewall/traffic.pcapng
compare balancer/balancer.o firewall/traffic.pcapng \
	--map services=balancer/services.json --map backends=balancer/backends.json
compare shaper/shaper.o firewall/traffic.pcapng --tstamp capture \
	--map ports=shaper/ports.json --map classes=shaper/classes.json
compare nat64/nat64.o firewall/traffic.pcapng --prog nat64_in --map outside=nat64/outside.json
compare nat64/nat64.o nat64/outgoing.pcap --prog nat64_out --map inside=nat64/inside.json
compare fields/fields.o firewall/traffic.pcapng
compare constructs/ipv4.o firewall/traffic.pcapng
compare constructs/loops.o firewall/traffic.pcapng

run="$there run examples/firewall/firewall.o examples/firewall/traffic.pcapng --stats"
one="0 jit-opt, 1 jit-fast"
has "compiled in one pass" "$one" "$($run --jit fast 2>&1 >/dev/null)"
has "by itself, too" "$one" "$($run 2>&1 >/dev/null)"
has "the optimising compiler is not there" "there is no optimising compiler for this processor" \
	"$($run --jit opt 2>&1 >/dev/null)"
has "interpreted" "0 jit-opt, 0 jit-fast, 1 fast" "$($run --jit off 2>&1 >/dev/null)"
done_testing
