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

# A type that only a module has. pahole makes the module's types on the kernel's.
module() # NAME MEMBERS
{
	echo "struct skep_mod { $2 } a;" >"$tmp/$1.c"
	${CC:-cc} -g -c "$tmp/$1.c" -o "$tmp/$1.o" &&
		pahole --btf_base /sys/kernel/btf/vmlinux \
			--btf_encode_detached "$tmp/$1.btf" "$tmp/$1.o"
}
if ! command -v pahole >/dev/null; then
	skip "types of modules" "pahole is not there"
elif ! module one 'long pad; int x;' 2>/dev/null || ! module two 'int x;'; then
	skip "types of modules" "pahole makes no types on the kernel's"
elif ! [ "$CLANG" ]; then
	skip "types of modules" "clang is not there"
else
	cat >"$tmp/use.c" <<-E
		#define SEC(s) __attribute__((section(s), used))
		struct skep_mod { int x; } __attribute__((preserve_access_index));
		SEC("xdp") int prog(void *ctx)
		{
			return 2 + (long)&((struct skep_mod *)0)->x;
		}
		char _license[] SEC("license") = "GPL";
	E
	$CLANG -target bpf -g -O2 -c "$tmp/use.c" -o "$tmp/use.o"
	kernel="--btf /sys/kernel/btf/vmlinux"
	has "a module has the type" "struct skep_mod.x (0:0): 0 -> 8" \
		"$($SKEP inspect -v $kernel --module-btf "$tmp/one.btf" "$tmp/use.o")"
	has "without it there is none" "no such type in /sys/kernel/btf/vmlinux" \
		"$($SKEP inspect -v $kernel "$tmp/use.o")"
	out=$($SKEP inspect $kernel --module-btf "$tmp/one.btf" \
		--module-btf "$tmp/two.btf" "$tmp/use.o" 2>&1)
	same "two modules that differ: exit status" 2 $?
	has "two modules that differ: both" "one.btf and type " "$out"
	has "two modules that differ: place" "use.o:xdp+0x0: error:" "$out"
	out=$($SKEP inspect $kernel --module-btf "$obj" "$tmp/use.o" 2>&1)
	same "types that are no module's: exit status" 2 $?
fi

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
