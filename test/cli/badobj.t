#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# badobj.t: objects that no compiler makes: each gets one message that names the
# file, the section and the place, says what to do, and exit status 2 at once.
. test/tap.sh
cap=examples/firewall/traffic.pcapng
fw=examples/firewall/firewall.o

# refused WHAT PART COMMAND...: PART is the message's beginning
refused()
{
	r_what=$1 r_part=$2
	shift 2
	r_out=$(timeout 20 "$@" 2>&1 >"$tmp/stdout" </dev/null)
	same "$r_what: exit status" 2 $?
	has "$r_what: message" "$r_part" "$r_out"
	same "$r_what: one error" 1 "$(printf '%s\n' "$r_out" | grep -c 'error:')"
	r_id=$(printf '%s\n' "$r_out" | sed -n 's/.*\[\(SKEP-E[0-9]*\)\].*/\1/p')
	ok "$r_what: what to do" $SKEP explain "$r_id"
}

# A byte of FILE at OFFSET becomes VALUE (octal).
poke() # FILE OFFSET VALUE
{
	printf "\\$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# ELF64: where the headers of sections are, and where section N's header is
number() { od -An -t u"$3" -j "$2" -N "$3" "$1" | tr -d ' '; }
header() { echo $(($(number "$1" 40 8) + $2 * 64)); }

cp $fw "$tmp/fw.o"
at=$(header "$tmp/fw.o" 3)
poke "$tmp/fw.o" $((at + 28)) 001	# the offset, from 16 MB on
refused "a section behind the end" "fw.o: error: section 3 at 0x1" \
	$SKEP inspect "$tmp/fw.o"
cp $fw "$tmp/fw.o"
call=$(LC_ALL=C grep -obUaP '\x85\0\0\0\x01\0\0\0' "$tmp/fw.o" | head -1 | cut -d: -f1)
poke "$tmp/fw.o" $((call + 1)) 040	# a call of a helper becomes one of the kernel's
refused "a function of the kernel that no symbol names" "fw.o:" \
	$SKEP verify "$tmp/fw.o"
cp $fw "$tmp/fw.o"
poke "$tmp/fw.o" $((at + 33)) 077	# the size
refused "overlapping sections" "fw.o: error: section" $SKEP inspect "$tmp/fw.o"

# Relocations: the section of type 9, and the type of its first entry
rel=0 n=$(number $fw 60 2)
while [ "$rel" -lt "$n" ] && [ "$(number $fw $(($(header $fw $rel) + 4)) 4)" != 9 ]; do
	rel=$((rel + 1))
done
off=$(number $fw $(($(header $fw $rel) + 24)) 8)
cp $fw "$tmp/fw.o"
poke "$tmp/fw.o" $((off + 8)) 143
refused "an unknown relocation" "fw.o:.text+0x28: error: relocation of unknown type" $SKEP run "$tmp/fw.o" $cap
has "an unknown relocation: its type" "99" "$r_out"
has "and when linked" "fw.o:.text+0x28: error: relocation of unknown type 99" "$($SKEP gen object "$tmp/out.o" "$tmp/fw.o" 2>&1)"
ok "nothing is left of it" test ! -e "$tmp/out.o"
cp $fw "$tmp/fw.o"
poke "$tmp/fw.o" $((off + 15)) 177
refused "a relocation to a symbol that is not there" "fw.o:.text+0x28: error: relocation to symbol" \
	$SKEP run "$tmp/fw.o" $cap

refused "two objects that define the same symbol" \
	"test/obj/link-b.o:.text+0x0: error: 'helper_b' is defined twice" \
	$SKEP gen object "$tmp/out.o" test/obj/link-b.o test/obj/link-b.o
has "two objects that define the same symbol: a way out" "help: make one of them static" \
	"$r_out"
cp test/obj/link-b.o "$tmp/link-c.o"
has "and by name when they are run" "is defined twice" \
	"$($SKEP run test/obj/link-a.o test/obj/link-b.o "$tmp/link-c.o" $cap 2>&1)"

if ! [ "$CLANG" ]; then
	skip "types without end" "clang is not there"
	done_testing
fi

# An object with the program "prog" and the types WORDS and STRING after "".
types() # NAME WORDS [STRING]
{
	cat >"$tmp/$1.s" <<-E
		.section xdp,"ax",@progbits
		.globl prog
		.type prog,@function
		prog:	r0 = 2
			exit
		.size prog, .-prog
		.section license,"aw",@progbits
		.asciz "GPL"
		.section .BTF,"",@progbits
		.short 0xeb9f
		.byte 1, 0
		.long 24, 0, 2f-1f, 2f-1f, 3f-2f
		1:
		$2
		2:	.byte 0
		.asciz "${3-x}"
		3:
	E
	$CLANG -target bpf -c "$tmp/$1.s" -o "$tmp/$1.o"
}

types loop '.long 0,0x0a000000,2, 0,0x0a000000,1'
refused "types in a circle" "loop.o:.BTF: error: type 1 at 0x0 (const) leads back to itself" \
	$SKEP run "$tmp/loop.o" $cap
refused "types in a circle, printed" "loop.o:.BTF: error: type 1 at 0x0" \
	$SKEP btf dump "$tmp/loop.o"
types self '.long 0,0x02000000,0, 1,0x04000001,4, 1,2,0'
refused "a struct in itself" "self.o:.BTF: error: type 2 at 0xc (struct) contains itself" \
	$SKEP inspect "$tmp/self.o"
types array '.long 0,0x03000000,0,1,1,4'
refused "an array of itself" "array.o:.BTF: error: type 1 at 0x0 (array)" \
	$SKEP inspect "$tmp/array.o"
types kind '.long 0,0x02000000,0, 0,0x1e000000,0'
refused "an unknown kind of type" "kind.o:.BTF: error: type 2 at 0xc has kind 30" \
	$SKEP inspect "$tmp/kind.o"
types none '.long 0,0x02000000,77'
refused "a type that is not there" "type 1 at 0x0 (pointer) refers to type 77; there are 2" \
	$SKEP inspect "$tmp/none.o"

# Much and deep: half a million links, structs in structs, and more elements than fit 64 bits.
types chain '.set i, 2
	.rept 500000
	.long 0,0x0a000000,i
	.set i, i + 1
	.endr
	.long 1,0x04000000,0'
refused "a chain of half a million" "chain.o:.BTF: error: type 1 at 0x0 (const)" \
	$SKEP inspect "$tmp/chain.o"
types deep '.set i, 2
	.rept 30000
	.long 0,0x04000001,4, 1,i,0
	.set i, i + 1
	.endr
	.long 1,0x01000000,4,32'
refused "structs 30,000 deep" "nests deeper than 64 levels" $SKEP inspect "$tmp/deep.o"
refused "and linked" "nests deeper than 64 levels" \
	$SKEP gen object "$tmp/out.o" "$tmp/deep.o" $fw
types wide '.long 1,0x01000000,4,32
	.long 0,0x03000000,0,1,1,0x7fffffff
	.long 0,0x03000000,0,2,1,0x7fffffff
	.long 0,0x03000000,0,3,1,0x7fffffff'
refused "an array of 2 to the 93" "wide.o:.BTF: error: type 3 at 0x28 (array) has 2147483647 elements" \
	$SKEP inspect "$tmp/wide.o"
types many '.rept 349000
	.long 0,0x02000000,0
	.endr'
ok "350,000 types are no error" timeout 20 $SKEP inspect "$tmp/many.o"

cat >"$tmp/map.c" <<'E1'
#define SEC(s) __attribute__((section(s), used))
struct {
	int (*type)[2];
	int (*max_entries)[1];
	int *key;
	int (*value_size)[0x7fffffff];
} m SEC(".maps");
static void *(*lookup)(void *, const void *) = (void *)1;
SEC("xdp") int prog(void *ctx) { int k = 0; return lookup(&m, &k) ? 1 : 2; }
char _license[] SEC("license") = "GPL";
E1
sed -i 's/max_entries)\[1\]/max_entries)[0x7fffffff]/' "$tmp/map.c"
$CLANG -target bpf -g -O2 -c "$tmp/map.c" -o "$tmp/map.o"
refused "a map of absurd size" "map.o: error: map 'm': 2147483647 entries need" \
	$SKEP run "$tmp/map.o" $cap
has "a map of absurd size: a way out" "help: define fewer entries" "$r_out"
done_testing
