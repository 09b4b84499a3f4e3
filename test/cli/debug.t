#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# debug.t: `skep debug`: transcripts of the debugger's command line, forwards and backwards.
# Addresses differ from run to run: they are ADDR here.
. test/tap.sh
obj=test/obj/debug.o
fw=examples/firewall/firewall.o
cap=examples/firewall/traffic.pcapng

# COMMANDS, one a line, on program PROG of the object with DWARF; messages too.
debug() # PROG COMMANDS [OPTION...]
{
	printf '%s\n' "$2" >"$tmp/commands"
	dbg_prog=$1
	shift 2
	timeout 60 $SKEP debug -q $obj $cap --prog "$dbg_prog" --cpus 2 -batch -x "$tmp/commands" "$@" 2>&1 |
		sed 's/0x[0-9a-f]\{9,\}/ADDR/g'
}

$SKEP debug -q $obj $cap --prog walk -batch -ex start -ex 'info args' 2>&1 | grep -q 'ctx = ' ||
	skip_all "no libdw"

# ---- breakpoints and moves
out=$(debug walk 'break sum
info breakpoints
run
backtrace
info args
next
next
finish
step
step
step
info locals')
same "breakpoint, backtrace, next, finish, step" 'Breakpoint 1 at sum: file test/obj/debug.c, line 37.
Num     Type           Disp Enb What
1       breakpoint     keep y   sum: file test/obj/debug.c, line 37.

' "$(printf '%s\n' "$out" | head -4)
"
printf '%s\n' "$out" >"$tmp/out1"
