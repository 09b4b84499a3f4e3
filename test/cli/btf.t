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
status "no such command" 2 $SKEP btf list
status "nothing" 2 $SKEP btf
status "an object without types" 2 $SKEP btf dump test/obj/nobtf.o
status "help" 0 $SKEP btf --help
status "a full disk" 2 sh -c "$SKEP btf dump $types > /dev/full"

# Types that double at each of 24 levels.
status "types without bound" 2 $SKEP btf dump test/fuzz/corpus/btf/double format c

if [ ! -r $vmlinux ] || ! command -v pahole > /dev/null || [ -z "${CC-}" ]; then
	skip "a module's types" "no pahole, compiler or $vmlinux"
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
