#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# messages.t: what a newcomer gets wrong is answered by one error of one shape,
# then what was meant, then where help is.
. test/tap.sh
fw=examples/firewall/firewall.o
cap=examples/firewall/traffic.pcapng

# says WHAT STATUS TEXT ARGUMENT...: TEXT is all of standard error
says()
{
	says_what=$1 says_status=$2 says_text=$3
	shift 3
	says_out=$("$SKEP" "$@" 2>&1 > /dev/null < /dev/null)
	same "$says_what: exit status" "$says_status" $?
	same "$says_what" "$says_text" "$(printf '%s\n' "$says_out" | sed "s|$tmp/||g")"
}
run_help="help: \`skep run --help\` says what it takes"

says "no option" 2 "skep run: error: no option --verdict [SKEP-E0001]
help: did you mean --verdicts?
$run_help" run $fw $cap --verdict x
says "no option, no letter" 2 "skep run: error: no option -x [SKEP-E0001]
$run_help" run $fw $cap -x
says "an option of the compiler" 2 "skep cc: error: no option -O [SKEP-E0001]
help: \`skep cc FILE -- OPTION\` gives it to the compiler
help: \`skep cc --help\` says what it takes" cc -O2 x.c
says "no command" 2 "skep: error: no command 'rnu' [SKEP-E0001]
help: did you mean 'skep run'?
help: \`skep --help\` says what it takes" rnu
says "no value" 2 "skep run: error: --set takes VAR=VALUE, not 'x' [SKEP-E0001]
$run_help" run $fw $cap --set x
says "no run at all" 2 "skep run: error: --repeat is at least 1 [SKEP-E0001]
$run_help" run $fw $cap --repeat 0
says "a type mistyped" 2 "skep run: error: --type: no program type 'xpd' [SKEP-E0001]
help: did you mean xdp?
$run_help" run $fw $cap --type xpd
says "a type for no program" 2 "$fw: error: there is no program 'wall' [SKEP-E0009]
note: $fw has 'firewall' in section 'xdp'" run $fw $cap --type wall=xdp
says "a type for a program" 0 "" run $fw $cap --type firewall=xdp -q
says "a program that disasm does not find" 2 "$fw: error: there is no program 'x' [SKEP-E0009]
note: $fw has 'firewall' in section 'xdp'" disasm $fw --prog x
says "a program that verify does not find" 2 "$fw: error: there is no program 'x' [SKEP-E0009]
note: $fw has 'firewall' in section 'xdp'" verify $fw --prog x
says "one object twice" 2 "examples/../$fw: error: this object is given twice [SKEP-E0001]
$run_help" run $fw examples/../$fw $cap
says "an interface as a file" 2 "lo: error: No such file or directory [SKEP-E0002]
help: what interface lo receives is packet:lo" run $fw lo

: > "$tmp/e"
says "no expectation" 2 "e: error: it expects no verdict at all [SKEP-E0013]" \
	run $fw $cap -q --expect "$tmp/e"
echo '1 XDP_PAS' > "$tmp/e"
says "a verdict mistyped" 2 "e:1: error: a line NUMBER VERDICT is needed, e.g. \"1 XDP_PASS\" [SKEP-E0013]
help: did you mean XDP_PASS?
help: verdicts are XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_TX, XDP_REDIRECT, and numbers" \
	run $fw $cap -q --expect "$tmp/e"
for line in '99999999999999999999 XDP_PASS' '1 XDP_PASS\0x' "1 XDP_PASS $(printf %300s x)" '1' '0 XDP_PASS'; do
	printf "$line\n" > "$tmp/e"
	status "no verdict line: $(printf %.20s "$line")" 2 $SKEP run $fw $cap -q --expect "$tmp/e"
done
printf '1 XDP_PASS # %300s\n' x > "$tmp/e"
ok "a long comment" $SKEP run $fw $cap -q --expect "$tmp/e"
echo '[{"key": {"prefixlen": 8, "prefixlen": 24, "addr": "10.9.0.0"}, "value": 0}]' > "$tmp/m.json"
has "a member twice" "m.json:1:" "$($SKEP run $fw $cap --map deny="$tmp/m.json" 2>&1)"
has "a member twice: what" "duplicate" "$($SKEP run $fw $cap --map deny="$tmp/m.json" 2>&1)"

# Numbers, names and files that are not what they should be.
for o in --cpus --budget --repeat; do
	status "$o 0" 2 $SKEP run $fw $cap -q $o 0
done
for n in -1 18446744073709551616 '' ' 1' 1x 1e3 0x; do
	status "--repeat '$n'" 2 $SKEP run $fw $cap -q --repeat "$n"
done
status "no octal numbers: 08 is 8" 1 $SKEP run $fw $cap -q --budget 08
has "no octal numbers: 010 is ten" " 10 instructions" "$($SKEP run $fw $cap -q --budget 010 2>&1)"
says "a flag with a value" 2 "skep run: error: --quiet takes no value [SKEP-E0001]
$run_help" run $fw $cap -q=1
says "--net of what is not there" 2 "skep run: error: --net: no member, variable or map is called 'adr' [SKEP-E0001]
help: did you mean addr?
$run_help" run $fw $cap -q --net adr
status "--net of nothing" 2 $SKEP run $fw $cap -q --net ''
for o in --btf --kconfig; do
	status "$o: no file, needed or not" 2 $SKEP run $fw $cap -q $o "$tmp/nothing"
	status "$o: a folder, needed or not" 2 $SKEP run $fw $cap -q $o "$tmp"
done
printf 'CONFIG_HZ=100\0\n' > "$tmp/config"
has "a configuration with bytes of zero" "bytes of zero" \
	"$($SKEP run examples/constructs/kconfig.o $cap --kconfig "$tmp/config" 2>&1)"
status "dump writes no file" 2 $SKEP btf dump $fw -o "$tmp/x"
status "-j is not for gen" 2 $SKEP btf gen $fw -j -o "$tmp/x"

# Outputs that would replace what is read, or each other.
cp $fw "$tmp/fw.o"
cp examples/nat64/outgoing.pcap "$tmp/in.pcap"
cp examples/firewall/deny.json "$tmp/deny.json"
ln -s fw.o "$tmp/link.o"
mkdir "$tmp/dir"
small="$tmp/fw.o $tmp/in.pcap --map deny=$tmp/deny.json -q"
for out in in.pcap fw.o deny.json link.o dir/../fw.o; do
	# shellcheck disable=SC2086 # words are meant
	has "-o $out" "the output is an input" "$($SKEP run $small -o "$tmp/$out" 2>&1)"
done
# shellcheck disable=SC2086
{
	status "--verdicts onto an input" 2 $SKEP run $small --verdicts "$tmp/deny.json"
	status "a port's file onto an input" 2 $SKEP run $small --port a=3,out="$tmp/in.pcap"
	status "two outputs, two names, one file" 2 $SKEP run $small -o "$tmp/x" --verdicts "$tmp/dir/../x"
	status "two ports, one file" 2 $SKEP run $small --port a=3,out="$tmp/x" --port b=4,out="$tmp/x"
	status "two on standard output" 2 $SKEP run $small -o - --verdicts -
	ok "two on a device" $SKEP run $small -o /dev/null --verdicts /dev/null
}
ok "what was read is as it was" cmp $fw "$tmp/fw.o"

# Map files: nothing in them is passed over.
refuses() # TEXT JSON [MAP]
{
	printf '%s' "$2" > "$tmp/m.json"
	has "map file: $1" "$1" "$($SKEP run $fw $cap -q --map "${3-deny}=$tmp/m.json" 2>&1)"
}
ten='{"prefixlen": 8, "addr": "10.0.0.0"}'
refuses 'm.json:1:2: error: [0]: elements have no "vaule"' "[{\"key\": $ten, \"vaule\": 0}]"
refuses 'it has both "value" and "values"' '[{"key": 0, "value": {}, "values": []}]' stats
refuses 'cpu 0 has a value already' '[{"key": 0, "values": [{"cpu": 0, "value": {}}, {"cpu": 0, "value": {}}]}]' stats
refuses "this key is there already" "[{\"key\": $ten, \"value\": 0}, {\"key\": $ten, \"value\": 1}]"
refuses 'a number is needed, not a string' '[{"key": {"prefixlen": 8, "addr": "10.0.0.0\u0000x"}, "value": 0}]'
for n in ' 8' '+8' '8 ' '0x' '0x8 ' ''; do
	refuses 'neither a number' "[{\"key\": {\"prefixlen\": \"$n\", \"addr\": 0}, \"value\": 0}]"
done
refuses 'prefixlen is at most 32' '[{"key": {"prefixlen": "040", "addr": 0}, "value": 0}]'
has "standard input twice" "<stdin>: error: it can be one operand only" "$($SKEP inspect - - < $fw 2>&1)"

printf 'exit\n' > "$tmp/x.s"
status "asm onto its source" 2 $SKEP asm "$tmp/x.s" -o "$tmp/dir/../x.s"
status "btf gen onto the program" 2 $SKEP btf gen "$tmp/fw.o" -o "$tmp/fw.o"
status "out= twice" 2 $SKEP run $fw $cap -q --port a=3,out=tap:x,out="$tmp/x"
says "one program twice in a chain" 2 "skep run: error: --prog 'nat64_in' is given twice [SKEP-E0001]
$run_help" run examples/nat64/nat64.o $cap --prog nat64_in --prog nat64_in
has "no object on standard input" "<stdin>: error: neither" "$($SKEP inspect - < /dev/null 2>&1)"
has "a file that may not grow" "x: error: File too large" \
	"$( (ulimit -f 0; $SKEP run $fw $cap -q -o "$tmp/x" 2>&1) )"
same "no compiler: one line" "x.c: error: /nowhere/clang: No such file or directory [SKEP-E0008]" \
	"$(cd "$tmp" && echo > x.c && CLANG=/nowhere/clang $SKEP cc x.c 2>&1)"

[ -n "$CLANG" ] || { skip "messages about C files" "no clang"; done_testing; exit; }
export CLANG
new() { { echo '#include <linux/bpf.h>'; echo '#include <bpf/bpf_helpers.h>'; cat; } > "$tmp/$1.c" && $SKEP cc "$tmp/$1.c" -o "$tmp/$1.o"; }
new typo <<'C'
SEC("classifer") int prog(struct __sk_buff *skb) { return 0; }
C
says "a section mistyped" 2 "note: typo.o: section 'classifer' names no program type; did you mean SEC(\"classifier\")?
skep run: error: no program takes packets; those of type xdp, tc, socket, cgroup_skb, lwt, flow_dissector, sk_lookup, sk_reuseport and sk_skb do (SEC(\"xdp\"), SEC(\"tc\") ...) [SKEP-E0009]
note: typo.o has 'prog' in section 'classifer' (no known section name)" run "$tmp/typo.o" $cap
says "a section mistyped, the type given" 0 "" run "$tmp/typo.o" $cap --type tc -q
echo 'int x;' > "$tmp/x.c"
says "verify of no program is no answer" 2 "x.c: error: it has no program [SKEP-E0009]" verify "$tmp/x.c"
new none <<'C'
int prog(struct xdp_md *ctx) { return XDP_PASS; }
C
has "no section" "help: a program needs a section: SEC(\"xdp\") int prog(struct xdp_md *ctx)" \
	"$($SKEP run "$tmp/none.o" $cap 2>&1)"
new maps <<'C'
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, int); __type(value, int); __uint(max_entries, 4); } m SEC("maps");
SEC("xdp") int prog(struct xdp_md *ctx) { int k = 0; return bpf_map_lookup_elem(&m, &k) ? 1 : 2; }
C
says "maps in the wrong section" 2 "maps.o:maps+0x0: error: map 'm' in section 'maps' has type 0 [SKEP-E0407]
help: what __uint and __type define belongs in SEC(\".maps\")" inspect "$tmp/maps.o"
new inner <<'C'
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, int); __type(value, int); __uint(max_entries, 1); } one SEC(".maps"), two SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS); __type(key, int); __uint(max_entries, 4); __array(values, struct inner); } outer SEC(".maps") = { .values = { 0 } };
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");
SEC("xdp") int prog(struct xdp_md *ctx) { int k = 0; return bpf_map_lookup_elem(&outer, &k) && bpf_map_lookup_elem(&one, &k) && bpf_map_lookup_elem(&two, &k) && bpf_ringbuf_query(&events, 0) ? 1 : 2; }
C
echo '[{"key": 0, "value": "tow"}]' > "$tmp/m.json"
says "a map that there is not" 2 "m.json:1:22: error: [0].value: there is no map 'tow' [SKEP-E0705]
note: it may hold 'one'
note: it may hold 'two'
help: did you mean 'two'?" run "$tmp/inner.o" $cap --map outer="$tmp/m.json"
says "elements for a ring buffer" 2 "m.json: error: map 'events' is of type ringbuf, which has no elements to fill [SKEP-E0705]" \
	run "$tmp/inner.o" $cap --map events="$tmp/m.json"
cp "$tmp/maps.c" "$tmp/dir/maps.c"
has "two sources, one object" "maps.o: error: two outputs are to go to the same file" \
	"$(cd "$tmp" && $SKEP cc maps.c dir/maps.c 2>&1)"
has "an object called as C" "the output has the name of a C file" \
	"$($SKEP cc "$tmp/maps.c" -o "$tmp/none.c" 2>&1)"
for flag in -E -S; do
	has "cc -- $flag" "the compiler wrote no object" "$($SKEP cc "$tmp/maps.c" -o "$tmp/x.o" -- $flag 2>&1)"
	status "cc -- $flag: no file" 1 test -e "$tmp/x.o"
done
status "cc: -o behind --" 2 $SKEP cc "$tmp/maps.c" -- -o "$tmp/x.o"
new endless <<'C'
int n; SEC("xdp") int prog(struct xdp_md *ctx) { for (;;) n++; return 1; }
C
status "an endless loop is a wrong program" 1 $SKEP run "$tmp/endless.o" $cap -q
done_testing
