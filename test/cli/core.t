#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# core.t: objects that are made for a kernel: --btf, --kconfig, --set, and what
# is said when a program reaches what the kernel has not.
. test/tap.sh
cap=examples/firewall/traffic.pcapng
obj=test/obj/externs.o

run() # PROGRAM OPTION...
{
	prog=$1
	shift
	$SKEP run --kconfig test/obj/kconfig.txt --prog "$prog" "$@" -q --json $obj $cap 2>&1
}

out=$($SKEP inspect -v --btf test/obj/core-target.o test/obj/core.o)
same "inspect: exit status" 0 $?
has "a field that moved" "field_byte_offset struct thing.id (0:0): 0 -> 8" "$out"
has "a poisoned one, and why" "poisoned: no such field in test/obj/core-target.o" "$out"
has "the nearest name" "nearest name there is 'new_name'" "$out"
has "one that the program asks about first" "guard:" "$(printf '%s\n' "$out" | grep guarded)"
out=$($SKEP run --btf test/obj/core-twice.o test/obj/core.o $cap 2>&1)
same "ambiguous types: exit status" 2 $?
has "ambiguous types: message" "both fit and give different values" "$out"
has "ambiguous types: place" "test/obj/core.o:skep/offsets+0x" "$out"

has "configuration values" '"packets": 10983' "$(run config)"
has "weak symbols are 0" '"XDP_PASS": 10983' "$(run weak)"
has "a kernel's function is a fault when it is reached" \
	"externs.c:62:2: error: function 'a_kfunc' is the kernel's" "$(run kfunc)"
has "so is a kernel's variable" "variable 'a_typed_var' is the kernel's" "$(run variable)"
out=$($SKEP run --kconfig test/obj/build --prog globals $obj $cap 2>&1)
same "a missing configuration value: exit status" 2 $?
has "a missing configuration value: a way out" "--kconfig FILE" "$out"

out=$($SKEP inspect --kconfig test/obj/kconfig.txt --set limit=0x10 --set cfg.ports[2]=80 \
	--set cfg.mode=FAST $obj 2> /dev/null)
has "--set: an integer" "const volatile int (4) 16 before loading" \
	"$(printf '%s\n' "$out" | grep '^limit ' | tr -s ' ')"
has "--set: an element, an enumerator" '{"ports": [1, 2, 80, 4], "mode": "FAST"' "$out"
out=$(run globals --set limi=3)
same "--set: unknown variable: exit status" 2 $?
has "--set: did you mean" "help: did you mean 'limit'?" "$out"
has "--set: no value" "--set takes VAR=VALUE, not 'limit'" "$(run globals --set limit)"
done_testing
