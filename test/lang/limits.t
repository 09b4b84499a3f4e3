#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# limits.t: scripts that are too much for a BPF program, or only long: an answer comes soon and
# with little memory.
. test/tap.sh

command -v python3 >/dev/null || skip_all "no python3"
trace() { (ulimit -v 2000000; timeout 120 "$SKEP" trace --emit-elf "$tmp/o" "$@" 2>&1); }
gen() { python3 -c "$1" > "$tmp/s.bt"; }

gen 'print("begin { " + " ".join("@m%d = %d;" % (i, i) for i in range(65)) + " }")'
has "more maps than a program may use" "a BPF program may use 64 maps, and this is the next" \
	"$(trace "$tmp/s.bt")"
gen 'print("begin { " + " ".join("@m%d = %d;" % (i, i) for i in range(60)) + " }\nend { " +
	" ".join("@n%d = %d;" % (i, i) for i in range(60)) + " }")'
same "each program may" "" "$(trace "$tmp/s.bt")"
gen 'print("begin { " + "\n".join("printf(\"%%d\", %d);" % i for i in range(200000)) + " }")'
has "a probe that is too long" \
	"this probe is too long: up to here it makes more than the 1000000 instructions" \
	"$(trace "$tmp/s.bt")"
gen 'print("begin { " + " ".join("@x = nsecs + %d; if (@x > 5) { @y = 1 }" % i for i in range(20000)) + " }")'
same "a script of one line" "" "$(trace "$tmp/s.bt")"
gen 'print("begin { " + "\n".join("$v%d = %d;" % (i, i) for i in range(300000)) + " }")'
same "many variables" "" "$(trace "$tmp/s.bt")"
gen 'print("begin, " * 100000 + "end { }")'
has "many attach points" "Can't attach to 100001 probes because it exceeds the current limit of 1024" \
	"$(trace "$tmp/s.bt")"
gen 'print("begin { $x = 1 " + "+ 1" * 1000 + "; }")'
has "an expression that nests deep" "this nests deeper than 500 levels" "$(trace "$tmp/s.bt")"
has "a map that is too large" "a map of 4294967297 elements is too large: at most 2147483647" \
	"$("$SKEP" trace --on user -e 'let @a = hash(4294967297); begin { @a[1] = 1; }' 2>&1)"
done_testing
