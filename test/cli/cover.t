#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# cover.t: --coverage of `skep run` and `skep test`, and `skep cover`.
. test/tap.sh
fw=examples/firewall/firewall.o
cap=examples/firewall/traffic.pcapng

$SKEP run -q $fw $cap --coverage "$tmp/fw.info" >/dev/null 2>&1
same "exit status" 0 $?
info=$(cat "$tmp/fw.info")
has "functions" "FNDA:10983,firewall" "$info"
same "each condition has two branches" "$(printf '%s\n' "$info" | grep -c ',0,[-0-9]*$')" \
	"$(printf '%s\n' "$info" | grep -c ',1,[-0-9]*$')"
same "the sums are right" "$(printf '%s\n' "$info" | grep -c '^DA:') $(printf '%s\n' "$info" |
	grep '^DA:' | grep -vc ',0$')" "$(printf '%s\n' "$info" | sed -n 's/^L[FH]://p' | xargs)"
out=$($SKEP cover "$tmp/fw.info")
has "lines with their counts" "    10983:  212:	__sync_fetch_and_add(&packets_seen, 1);" "$out"
has "lines without code" "        -:  216:char _license" "$out"
has "a line that did not run" "    #####:  167:" "$out"
has "a summary" "firewall.c: " "$($SKEP cover -s "$tmp/fw.info")"
same "only others" "" "$($SKEP cover -f nothing "$tmp/fw.info")"
same "two tracefiles add up" "    21966:  212" \
	"$($SKEP cover "$tmp/fw.info" "$tmp/fw.info" | grep '__sync_fetch_and_add(&packets_seen' |
	cut -c 1-15)"

# Sources that are not where they were compiled.
mkdir -p "$tmp/at/deep" && cp examples/firewall/*.c "$tmp/at/deep/"
sed 's,^SF:.*/,SF:/was/once/deep/,' "$tmp/fw.info" >"$tmp/moved.info"
out=$($SKEP cover "$tmp/moved.info" 2>&1)
has "a source that is not there" "-S DIR says in which folder the sources are" "$out"
out=$($SKEP cover -S "$tmp/nowhere" --source-dir "$tmp/at" "$tmp/moved.info" 2>&1)
has "is found below a folder by the end of its path" "    10983:  212:" "$out"
has "or by its name" "    10983:  212:" "$($SKEP cover -S "$tmp/at/deep" "$tmp/moved.info" 2>&1)"
has "in no folder" "No such file" "$($SKEP cover -S "$tmp" "$tmp/moved.info" 2>&1)"

has "branches in the summary" "branches were taken" "$($SKEP cover -s "$tmp/fw.info")"
printf 'SF:%s\nDA:1,9\nBRDA:1,0,0,4\nBRDA:1,0,1,0\nBRDA:1,1,0,-\nBRDA:1,1,1,-\nBRDA:2,0,0,1\nBRDA:2,0,1,1\n' \
	"$tmp/b.c" >"$tmp/b.info"
printf 'int a;\nint b;\n' >"$tmp/b.c"
same "ways that nothing took" "branch  0.0 taken 4
branch  0.1 taken 0" "$($SKEP cover "$tmp/b.info" | grep '^branch')"
same "all of them" 6 "$($SKEP cover -b "$tmp/b.info" | grep -c '^branch')"
has "that never ran" "branch  1.1 never executed" "$($SKEP cover -b "$tmp/b.info")"
has "counted" "3 of 6 branches were taken (50.0 %)" "$($SKEP cover -s "$tmp/b.info")"
has "two files add up" "branch  0.0 taken 8" "$($SKEP cover "$tmp/b.info" "$tmp/b.info")"
same "as many as the file says" "$(grep '^BRDA:' "$tmp/fw.info" | grep -vc ',[0-]$')" \
	"$($SKEP cover -s "$tmp/fw.info" | sed -n 's/.*; \([0-9]*\) of .* branches.*/\1/p')"
for bad in 0,0,0,1 1,0,1 1,0,x,1 1,0,0,-1 1,0,0,; do
	printf 'SF:x.c\nBRDA:%s\n' "$bad" >"$tmp/bad.info"
	status "no branch: $bad" 2 $SKEP cover "$tmp/bad.info"
done
if command -v lcov >/dev/null; then
	status "lcov reads it" 0 lcov --summary "$tmp/fw.info"
else
	skip "lcov reads it" "no lcov"
fi
status "nothing to count in a kernel" 2 $SKEP run $fw $cap --on kernel --coverage "$tmp/k.info"
status "nor without a verdict" 2 $SKEP run $fw $cap --unverified --coverage "$tmp/k.info"
status "not over what is read" 2 $SKEP run $fw $cap --coverage $fw
status "no tracefile" 2 $SKEP cover $fw
printf 'SF:x.c\nDA:0,1\n' >"$tmp/bad.info"
has "line 0" "bad.info:2: error: no record" "$($SKEP cover "$tmp/bad.info" 2>&1)"
printf 'SF:x.c\nDA:99999999999,1\n' >"$tmp/bad.info"
status "a line behind all" 2 $SKEP cover "$tmp/bad.info"
printf 'SF:x.c\nDA:1,-1\n' >"$tmp/bad.info"
status "a count below zero" 2 $SKEP cover "$tmp/bad.info"
printf 'SF:x.c\nDA:1,1\n\0DA:2,1\n' >"$tmp/bad.info"
has "what is no text" "bytes that are zero" "$($SKEP cover "$tmp/bad.info" 2>&1)"
echo 'int x;' >"$tmp/x.c"
for i in 1 2 3; do
	printf 'SF:%s/x.c\nDA:1,9223372036854775807\n' "$tmp"
done >"$tmp/great.info"
has "counts do not overflow" "9223372036854775807:    1:int x;" "$($SKEP cover "$tmp/great.info")"
printf 'SF:%s/x.c\nDA:9,1\n' "$tmp" >"$tmp/old.info"
has "a source that has changed" "x.c: note: it has 1 lines, and line 9" \
	"$($SKEP cover "$tmp/old.info" 2>&1)"
printf 'SF:none.c\nDA:1,1\nend_of_record\n' >"$tmp/bad.info"
has "a source that is not there" "none.c" "$($SKEP cover "$tmp/bad.info" 2>&1)"
status "no such file" 2 $SKEP cover "$tmp/none.info"

[ -n "$CLANG" ] || { skip "tests" "no clang"; done_testing; }
export CLANG
cat >"$tmp/t.c" <<'EOF'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <skep/test.h>
volatile const int mode = 1;
int calls;
static __attribute__((noinline)) int part(int n)
{
	calls++;
	return n;
}
SEC("xdp")
__test("one", "ifindex=1; retval=1")
__test("two", "ifindex=2; retval=0")
__test("three", "ifindex=2; retval=0")
int choose(struct xdp_md *ctx)
{
	int r = 0;
	if (ctx->ingress_ifindex == 1)
		r = part(1);
	if (mode == 2)
		calls = bpf_get_prandom_u32();
	if (ctx->ingress_ifindex == 77)
		calls = bpf_get_smp_processor_id();
	return r;
}
char _license[] SEC("license") = "GPL";
EOF
status "tests pass" 0 $SKEP test --coverage "$tmp/t.info" "$tmp/t.c"
out=$($SKEP cover "$tmp/t.info")
has "runs of all tests" "        3:   18:	if (ctx->ingress_ifindex == 1)" "$out"
has "of one" "        1:   19:		r = part(1);" "$out"
has "inside a function" "        1:    8:	calls++;" "$out"
has "of none" "    #####:   23:		calls = bpf_get_smp" "$out"
has "proved to be impossible" "    =====:   21:		calls = bpf_get_prandom" "$out"
has "said in the summary" "1 cannot" "$($SKEP cover -s "$tmp/t.info")"
has "a branch" "BRDA:18,0,0,1" "$(cat "$tmp/t.info")"

cat >"$tmp/l.c" <<'EOF'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <skep/test.h>
struct { __uint(type, BPF_MAP_TYPE_LRU_HASH); __uint(max_entries, 4);
	__type(key, int); __type(value, long); } seen SEC(".maps");
SEC("xdp") __test("one", "retval=XDP_PASS")
int count(struct xdp_md *ctx)
{
	int key = 1;
	long one = 1, *n = bpf_map_lookup_elem(&seen, &key);
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&seen, &key, &one, 0);
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
EOF
$SKEP test --coverage "$tmp/l.info" "$tmp/l.c" >/dev/null 2>&1
out=$($SKEP cover "$tmp/l.info")
has "code without a line behind a jump is not of the line before" \
	"    #####:   12:		__sync_fetch_and_add(n, 1);" "$out"
has "the other side" "        1:   14:		bpf_map_update_elem" "$out"

# ---- programs that no run executes --------------------------------------------------------
cat >"$tmp/two.c" <<'EOF'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <skep/test.h>
SEC("xdp") __test("one", "retval=XDP_PASS")
int used(struct xdp_md *ctx)
{
	return XDP_PASS;
}
SEC("xdp")
int idle(struct xdp_md *ctx)
{
	if (ctx->ingress_ifindex == 1)
		return XDP_DROP;
	return XDP_TX;
}
char _license[] SEC("license") = "GPL";
EOF
cat >"$tmp/none.c" <<'EOF'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("xdp") int untested(struct xdp_md *ctx)
{
	return XDP_PASS;
}
EOF
$SKEP test --coverage "$tmp/two.info" "$tmp/two.c" "$tmp/none.c" >/dev/null 2>&1
info=$(cat "$tmp/two.info")
has "a test: a function without runs" "FNDA:0,idle" "$info"
has "its branches" "BRDA:12,0,0,-" "$info"
has "its lines" "    #####:   12:	if (ctx->ingress_ifindex == 1)" "$($SKEP cover "$tmp/two.info")"
has "a file without tests" "FNDA:0,untested" "$info"
has "what ran" "FNDA:1,used" "$info"
$SKEP run -q "$tmp/two.c" $cap --prog used --coverage "$tmp/two.info"
info=$(cat "$tmp/two.info")
has "a run: a function without runs" "FNDA:0,idle" "$info"
has "its branches" "BRDA:12,0,0,-" "$info"
has "its lines" "DA:12,0" "$info"
has "what ran" "FNDA:10983,used" "$info"
done_testing
