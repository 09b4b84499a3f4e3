#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# compilers.t: the sources of test/obj from every compiler for BPF that is there:
# what each makes of them has the programs and maps of the committed objects, and
# runs with their results.
. test/tap.sh
command -v jq >/dev/null || skip_all "no jq"
cap=examples/firewall/traffic.pcapng
inc="-I/usr/include -I/usr/include/$(uname -m)-linux-gnu"

shape() # OBJECT: programs and maps, without what compilers choose
{
	$SKEP inspect --json "$1" 2>/dev/null | jq -S '.[0] | { programs: [.programs[] | {name, section,
		type}] | sort_by(.name), maps: [.maps[] | {name, type, max_entries}
		| select(.name | startswith(".rodata.") | not)] | sort_by(.name) }'
}

results() # OBJECT PROGRAM
{
	$SKEP run "$1" --prog "$2" $cap --json -q | jq -S '{ verdicts, maps: [.maps[]
		| select(.name | startswith(".") | not) | {name, elements}] | sort_by(.name) }'
}

has "what is compared" '"name": "prog"' "$(shape test/obj/multi.o)$(shape test/obj/gcc.o)"
has "results that are compared" '"100113": 1' "$(results test/obj/basic-v3.o firewall)"
found=0
for cc in clang-13 clang-14 clang-15 clang-16 clang-17 clang-18 clang-19 clang-20 clang-21; do
	if ! command -v $cc >/dev/null; then
		skip "$cc" "not installed"
		continue
	fi
	found=1
	for src in basic types externs maps multi legacy link-a link-b; do
		if ! $cc -O2 -g -target bpf -mcpu=v3 -Wno-visibility $inc \
			-c test/obj/$src.c -o "$tmp/$src.o" 2>"$tmp/err"; then
			skip "$cc: $src.c" "$(head -n 1 "$tmp/err")"
			continue
		fi
		case $src in
		link-?) ;;
		basic) same "$cc: $src.c" "$(shape test/obj/basic-v3.o)" "$(shape "$tmp/$src.o")" ;;
		*) same "$cc: $src.c" "$(shape test/obj/$src.o)" "$(shape "$tmp/$src.o")" ;;
		esac
	done
	same "$cc: basic.c runs alike" "$(results test/obj/basic-v3.o firewall)" \
		"$(results "$tmp/basic.o" firewall)"
	$SKEP gen object "$tmp/linked.o" "$tmp/link-a.o" "$tmp/link-b.o"
	$SKEP gen object "$tmp/want.o" test/obj/link-a.o test/obj/link-b.o
	same "$cc: linked objects run alike" "$(results "$tmp/want.o" prog)" \
		"$(results "$tmp/linked.o" prog)"
done
[ $found = 1 ] || skip "clang" "none is installed"

# gcc 12 compiles no calls by libbpf's constants, which are pointers to it
if command -v bpf-gcc >/dev/null; then
	for src in gcc types; do
		ok "gcc: $src.c" bpf-gcc -O2 -gbtf $inc -c test/obj/$src.c -o "$tmp/$src.o"
		same "gcc: $src.c as committed" "$(shape test/obj/$src.o)" "$(shape "$tmp/$src.o")"
	done
	same "gcc: gcc.c runs alike" "$(results test/obj/gcc.o prog)" \
		"$(results "$tmp/gcc.o" prog)"
else
	skip "gcc for BPF" "not installed"
fi
done_testing
