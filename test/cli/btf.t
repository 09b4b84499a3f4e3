#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# btf.t: skep btf dump: grammar, formats, bases, exit statuses.
. test/tap.sh
types=test/obj/types.o
vmlinux=/sys/kernel/btf/vmlinux

has "raw is the default" "STRUCT 'ethhdr' size=14 vlen=3" "$($SKEP btf dump $types)"
same "the long form" "$($SKEP btf dump $types)" "$($SKEP btf dump file $types format raw)"
has "C" "struct ethhdr {" "$($SKEP btf dump $types format c)"
same "an object on standard input" "$($SKEP btf dump $types format c | cksum)" \
	"$($SKEP btf dump - format c < $types | cksum)"
same "unsorted is what it is anyway" "$($SKEP btf dump $types format c | cksum)" \
	"$($SKEP btf dump $types format c unsorted | cksum)"
same "one type" "[1] $($SKEP btf dump $types | sed -n '1s/^[^ ]* //p')" \
	"$($SKEP btf dump $types root_id 1 | sed -n 1p)"
id=$($SKEP btf dump $types | sed -n "s/^.\\([0-9]*\\). STRUCT 'ethhdr'.*/\\1/p")
$SKEP btf dump $types format c root_id "$id" > "$tmp/one.h"
same "one type as C, and what it needs" 1 "$(grep -c '^struct' "$tmp/one.h")"
if command -v jq > /dev/null; then
	same "JSON" 3 "$($SKEP btf dump --json $types |
		jq '.types[] | select(.kind == "STRUCT" and .name == "ethhdr").vlen')"
else
	skip "JSON" "no jq"
fi
status "no file" 2 $SKEP btf dump
status "no such file" 2 $SKEP btf dump "$tmp/none"
status "no such format" 2 $SKEP btf dump $types format d
status "no format" 2 $SKEP btf dump $types format
status "no such word" 2 $SKEP btf dump $types formal c
status "no such type" 2 $SKEP btf dump $types root_id 99999
status "no type id" 2 $SKEP btf dump $types root_id x
status "no such command" 2 $SKEP btf dmp
has "what it may mean" "did you mean 'skep btf dump'?" "$($SKEP btf dmp 2>&1)"
has "its commands" "gen        PROGRAM -o FILE" "$($SKEP btf --help)"
status "C as JSON" 2 $SKEP btf dump -j $types format c
status "no such types of the kernel" 2 $SKEP btf dump id 4294967294
status "an object without types" 2 $SKEP btf dump test/obj/nobtf.o
status "help" 0 $SKEP btf --help
status "a full disk" 2 sh -c "$SKEP btf dump $types > /dev/full"

# From a program's DWARF.
status "gen without a program" 2 $SKEP btf gen -o "$tmp/t.btf"
status "gen without a place to write to" 2 $SKEP btf gen "$SKEP"
status "gen of no such file" 2 $SKEP btf gen "$tmp/none" -o "$tmp/t.btf"
status "gen of no program" 2 $SKEP btf gen test/cli/btf.t -o "$tmp/t.btf"
status "nothing is left then" 1 test -e "$tmp/t.btf"
if [ -n "${CC-}" ] && $CC -g -o "$tmp/program" test/btf/dwarf/a.c test/btf/dwarf/b.c \
		2> /dev/null && $SKEP btf gen "$tmp/program" -o "$tmp/t.btf" 2> "$tmp/note"; then
	has "gen says what it made" "types of 2 compile units" "$(cat "$tmp/note")"
	has "types" "STRUCT 'tree' size=64 vlen=3" "$($SKEP btf dump "$tmp/t.btf")"
	has "functions" "FUNC 'local' type_id" "$($SKEP btf dump "$tmp/t.btf")"
	has "variables" "(VAR 'shared')" "$($SKEP btf dump "$tmp/t.btf")"
	same "two structs of one name" 2 \
		"$($SKEP btf dump "$tmp/t.btf" | grep -c "STRUCT 'differs' ")"
	has "arrays of arrays" "byte grid[2][3][5];" "$($SKEP btf dump "$tmp/t.btf" format c)"
	same "to standard output" "$(cksum < "$tmp/t.btf")" \
		"$($SKEP btf gen "$tmp/program" -o - 2> /dev/null | cksum)"
	head -c 9000 "$tmp/program" > "$tmp/cut"
	status "a file that was cut off" 2 $SKEP btf gen "$tmp/cut" -o "$tmp/bad.btf"
	strip -s "$tmp/program"
	status "no debug information" 2 $SKEP btf gen "$tmp/program" -o "$tmp/bad.btf"
else
	skip "types of a program" "no compiler or no libdw"
fi

# Types that double at each of 24 levels.
status "types without bound" 2 $SKEP btf dump test/fuzz/corpus/btf/double format c

if [ ! -r $vmlinux ] || ! command -v pahole > /dev/null || [ -z "${CC-}" ] ||
	! command -v llvm-objcopy > /dev/null; then	# pahole -J calls it
	skip "a module's types" "no pahole, llvm-objcopy, compiler or $vmlinux"
	done_testing
	exit
fi
cat > "$tmp/mod.c" << 'END'
struct list_head { struct list_head *next, *prev; };
struct skep_state { struct list_head l; int count; struct skep_state *up; };
int skep_count(struct skep_state *s) { return s->count; }
END
ok "a module compiles" "$CC" -g -c -o "$tmp/mod.o" "$tmp/mod.c"
ok "and gets types" pahole -J --btf_base=$vmlinux "$tmp/mod.o"
status "which need a base" 2 $SKEP btf dump "$tmp/mod.o"
$SKEP btf dump -B $vmlinux "$tmp/mod.o" > "$tmp/ours" || :
has "types of the module" "STRUCT 'skep_state'" "$(cat "$tmp/ours")"
has "and of its base as C" "struct list_head {" \
	"$($SKEP btf dump --base=$vmlinux "$tmp/mod.o" format c)"
if command -v bpftool > /dev/null; then
	bpftool -B $vmlinux btf dump file "$tmp/mod.o" > "$tmp/theirs"
	ok "as bpftool has them" cmp "$tmp/ours" "$tmp/theirs"
else
	skip "as bpftool has them" "no bpftool"
fi
done_testing
