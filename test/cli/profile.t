#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# profile.t: `skep run --profile`: where the time of programs goes. Times vary; what is
# counted does not, and what takes most of the time is built to.
. test/tap.sh
fw=examples/firewall/firewall.o
cap=examples/firewall/traffic.pcapng

$SKEP run -q $fw $cap --coverage "$tmp/fw.info" >/dev/null 2>&1
out=$($SKEP run -q $fw $cap --profile 2>/dev/null)
has "what is measured" "profile of firewall as optimised native code: " "$out"
has "each packet counts once" "of one pass, in the checked interpreter" "$out"
same "counts are those of --coverage" \
	"$(sed -n 's/^DA:\([0-9]*\),\(.*\)/\1 \2/p' "$tmp/fw.info" | sort -n)" \
	"$(printf '%s\n' "$out" | sed -n 's/^ *[-0-9.%]* *\([0-9]*\) *[-0-9.]* *\([0-9]*\): .*/\2 \1/p' |
	sort -n)"
has "calls of helpers" "32917" "$(printf '%s\n' "$out" | grep ' map_lookup_elem$')"
has "what was done with maps" "sources: 10967 lookups, 10947 found, 20 updates, 0 deletes" "$out"
has "a hash takes time" "%" "$(printf '%s\n' "$out" | grep ' sources: ')"
has "the results stay as they are" "firewall (xdp): 10983 packets" \
	"$($SKEP run $fw $cap --profile 2>/dev/null)"
for how in "fast native code of one pass" "off in the fast interpreter"; do
	has "the engine that was asked for: $how" "profile of firewall as ${how#* }:" \
		"$($SKEP run -q $fw $cap --jit "${how%% *}" --profile 2>/dev/null |
		sed 's/firewall in/firewall as in/')"
done
has "and the checked one" "profile of firewall in the checked interpreter:" \
	"$($SKEP run -q $fw $cap --unverified --profile 2>/dev/null)"
out=$($SKEP run -q $fw $cap --profile --insns 2>/dev/null)
has "instructions under their line" ": call 0x1  // map_lookup_elem" "$out"
total() { awk '/^ *time .* helper$/ { exit } /^ .*%.*[0-9]: / { sub("%", "", $1); s += $1 } END { print (s > 97 && s < 103) }'; }
same "shares of lines are of the whole" 1 "$($SKEP run -q $fw $cap --repeat 20 --profile 2>/dev/null | total)"

out=$($SKEP run $fw $cap --profile -j 2>/dev/null)
if command -v jq >/dev/null; then
	same "samples of lines are all" true "$(printf '%s\n' "$out" | jq \
		'.profile | .samples_in_programs == ([.lines[].samples] | add)')"
	same "JSON has the engine" '"jit-opt"' "$(printf '%s\n' "$out" | jq .profile.engine)"
	same "and the summary" 10983 "$(printf '%s\n' "$out" | jq .packets)"
	$SKEP run -q $fw $cap --profile="$tmp/p.json" -f json --insns >/dev/null 2>&1
	same "a file of its own" 32917 "$(jq \
		'.helpers[] | select(.name == "map_lookup_elem").calls' "$tmp/p.json")"
	same "counts of instructions" true \
		"$(jq '[.lines[].insns[].count] | max == 10983' "$tmp/p.json")"
else
	skip "JSON" "no jq"
fi
out=$($SKEP run $fw $cap --profile -f folded 2>/dev/null)
has "folded stacks by function" "firewall;count_source;map_lookup_elem " "$out"
same "and nothing else" "" "$(printf '%s\n' "$out" | grep -v '^firewall[;a-z_]* [0-9]*$')"
$SKEP run -q $fw $cap --profile="$tmp/p.html" -f flame >"$tmp/out" 2>&1
has "a flame graph" "<title>count_source (" "$(cat "$tmp/p.html")"
same "alone in its file" "" "$(cat "$tmp/out")"
$SKEP run $fw $cap --profile="$tmp/p.txt" >"$tmp/out" 2>/dev/null
has "a table in a file" "profile of firewall" "$(cat "$tmp/p.txt")"
same "is not printed" 0 "$(grep -c 'profile of' "$tmp/out")"

cat >"$tmp/bare.txt" <<'EOS'
r0 = 2
exit
EOS
$SKEP asm "$tmp/bare.txt" -o "$tmp/bare.bin" 2>/dev/null
out=$($SKEP run -q "$tmp/bare.bin" --type xdp $cap --profile 2>&1)
has "without lines: by instruction" "code, which has no lines" "$out"
same "its count" 10983 "$(printf '%s\n' "$out" | awk '/ exit$/ { print $2 }')"
has "and how to have lines" "clang -g" "$out"

has "no such format" "--format takes table, json, folded or flame" \
	"$($SKEP run $fw $cap --profile -f svg 2>&1)"
status "a format of nothing" 2 $SKEP run $fw $cap -f folded
status "instructions of nothing" 2 $SKEP run $fw $cap --insns
has "a kernel" "skep prog profile" "$($SKEP run $fw $cap --on kernel --profile 2>&1)"
has "what can be read once" "'-' can be read once; put it in a file" \
	"$($SKEP run $fw - --profile <$cap 2>&1)"
has "live ports" "do not come again" "$($SKEP run $fw --in tap:none0 --profile 2>&1)"
status "not over what is read" 2 $SKEP run $fw $cap --profile=$fw
status "with --coverage" 2 $SKEP run $fw $cap --profile --coverage "$tmp/x"
status "no room on standard output" 2 $SKEP run $fw $cap --profile -o -

[ -n "$CLANG" ] || { skip "functions" "no clang"; done_testing; }
export CLANG
cat >"$tmp/l.c" <<'EOC'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } out SEC(".maps");
static __attribute__((noinline)) int slow(int n)
{
	unsigned long x = n;
	for (int i = 0; i < 200; i++)
		x = x * 6364136223846793005 / (i + 3);
	return x;
}
static long each(unsigned i, void *ctx)
{
	return slow(i) == 12345678;
}
SEC("xdp") int prog(struct xdp_md *ctx)
{
	long *p = bpf_ringbuf_reserve(&out, 8, 0);
	if (p) {
		*p = slow(1);
		bpf_ringbuf_submit(p, 0);
	}
	bpf_loop(16, each, 0, 0);
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
EOC
for how in opt fast off; do
	out=$($SKEP run -q "$tmp/l.c" $cap --profile -f folded --jit $how 2>&1)
	has "callbacks are below their helper ($how)" "prog;loop;each;slow " "$out"
	has "a function called twice ($how)" "prog;slow " "$out"
	same "most of the time is there ($how)" 1 "$(printf '%s\n' "$out" |
		awk '/each;slow/ { m = $2 } { s += $2 } END { print (m > s * .8) }')"
done
out=$($SKEP run -q "$tmp/l.c" $cap --profile 2>&1)
same "the line that takes most" 1 "$(printf '%s\n' "$out" |
	awk '/ [78]: / { sub("%", "", $1); s += $1 } END { print (s > 80) }')"
has "it is counted" "37342200" "$(printf '%s\n' "$out" | grep ' 8: ')"
has "records find room each time" "10983" "$(printf '%s\n' "$out" | grep ' 19: ')"
done_testing
