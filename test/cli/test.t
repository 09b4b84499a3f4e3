#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# test.t: `skep test`: tests in the source of programs.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
export CLANG
cp examples/firewall/traffic.pcapng "$tmp/"
cat >"$tmp/good.c" <<'EOF'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <skep/test.h>
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4);
	__type(key, int); __type(value, long); } sizes SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4);
	__type(key, int); __type(value, int); } limits SEC(".maps");

SEC("xdp")
__test("short", "packet=0102 0304 0506 0708 090a 0b0c 0d0e; retval=XDP_DROP; expect=sizes:[]")
__test("of a capture", "packet=traffic.pcapng#1; retval=XDP_PASS;"
       "expect=sizes:[{\"key\": 1, \"value\": 1}]")
__test("limit=1000; and a name", "packet=traffic.pcapng#1; retval=XDP_DROP;"
       "map=limits:[{\"key\": 0, \"value\": 1000}]")
__test("from a file", "packet=traffic.pcapng#1; map=limits:limits.json; retval=XDP_DROP")
int big(struct xdp_md *ctx)
{
	int key = 1, zero = 0, *limit = bpf_map_lookup_elem(&limits, &zero);
	long *n = bpf_map_lookup_elem(&sizes, &key);

	if (ctx->data_end - ctx->data < (limit ? *limit : 20))
		return XDP_DROP;
	if (n)
		*n += 1;
	return XDP_PASS;
}
SEC("xdp") __test("writes", "packet=00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d; "
		  "out=ff:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d; retval=3")
int writes(struct xdp_md *ctx)
{
	unsigned char *p = (void *)(long)ctx->data;

	if (p + 1 > (unsigned char *)(long)ctx->data_end)
		return XDP_DROP;
	*p = 0xff;
	return XDP_TX;
}
SEC("xdp") __test("goes on", "redirect=7; retval=XDP_REDIRECT; ifindex=7")
int forwards(struct xdp_md *ctx) { return bpf_redirect(ctx->ingress_ifindex, 0); }
SEC("tc") __test("at that time", "now=12345; retval=12345")
int now(struct __sk_buff *skb) { return bpf_ktime_get_ns(); }
SEC("socket") __description("the answer") __success __retval(42) int answer(void *ctx) { return 42; }
SEC("xdp") __failure __not_msg("R9")
__msg("invalid access to packet, off={{[0-9]}} size=1") __log_level(2)
int unsafe(struct xdp_md *ctx) { return *(char *)(long)ctx->data; }
SEC("xdp") __auxiliary int part(struct xdp_md *ctx) { return 0; }
char _license[] SEC("license") = "GPL";
EOF
echo '[{"key": 0, "value": 2000}]' >"$tmp/limits.json"
out=$($SKEP test "$tmp/good.c" 2>"$tmp/err")
same "good tests: exit status" 0 $?
same "none fails" "" "$(printf '%s\n' "$out" | grep '^not ok\|^#')"
has "all are counted" "9 passed, 0 failed, 0 skipped" "$(cat "$tmp/err")"
has "TAP" "1..9" "$out"
has "a name" "good.c: big: limit=1000; and a name" "$out"
has "a description" "good.c: answer: the answer" "$out"
same "a filter" "1..4" "$($SKEP test -f big: "$tmp/good.c" 2>/dev/null | tail -n 1)"
status "a filter that nothing has" 2 $SKEP test -f nothing "$tmp/good.c"
$SKEP cc "$tmp/good.c" -o "$tmp/good.o"
status "an object" 0 $SKEP test "$tmp/good.o"

cat >"$tmp/bad.c" <<'EOF'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <skep/test.h>
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4);
	__type(key, int); __type(value, int); } seen SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 4); __type(value, int); } last
	SEC(".maps");
SEC("xdp")
__test("verdict", "retval=XDP_DROP")
__test("no such verdict", "retval=XDP_DORP")
__test("typo", "paket=00")
__test("no value", "packet")
__test("no bytes", "packet=0x")
__test("half a byte", "packet=012")
__test("no capture", "packet=none.pcapng#1")
__test("no such packet", "packet=limits.json#1")
__test("no packet zero", "packet=traffic.pcapng#0")
__test("behind the last", "packet=traffic.pcapng#99999999")
__test("no such map", "map=sen:[]")
__test("no JSON", "map=seen:[{]")
__test("wrong key", "map=seen:[{\"key\": \"x\", \"value\": 1}]")
__test("other content", "expect=seen:[{\"key\": 1, \"value\": 2}]")
__test("other bytes", "packet=000102030405060708090a0b0c0d; out=ff0102030405060708090a0b0c0d")
__test("other length", "out=00")
__test("not a number", "ifindex=eth0")
__test("too great", "ifindex=4294967297")
__test("below zero", "ifindex=-1")
__test("33 bits", "retval=4294967298")
__test("twice", "retval=1; retval=2")
__test("no keys", "expect=last:[]")
__test("two\nok 99 - lines", "retval=1")
int pass(struct xdp_md *ctx) { return XDP_PASS; }
SEC("xdp") __failure __success int both(struct xdp_md *ctx) { return 0; }
SEC("xdp") __failure __retval(1) int neither(struct xdp_md *ctx) { return 0; }
SEC("xdp") __failure int safe(struct xdp_md *ctx) { return 0; }
SEC("xdp") __success int unsafe(struct xdp_md *ctx) { return *(char *)(long)ctx->data; }
SEC("xdp") __success __msg("there is no such line") int quiet(struct xdp_md *ctx) { return 0; }
SEC("xdp") __success __msg("processed {{[") int pattern(struct xdp_md *ctx) { return 0; }
SEC("xdp") __success __not_msg("processed") int spoken(struct xdp_md *ctx) { return 0; }
SEC("xdp") __success __log_level(9) int level(struct xdp_md *ctx) { return 0; }
char _license[] SEC("license") = "GPL";
EOF
out=$($SKEP test --junit "$tmp/out.xml" "$tmp/bad.c" "$tmp/missing.c" "$tmp/good.c" 2>"$tmp/err")
same "bad tests: exit status" 1 $?
same "each fails" "" "$(printf '%s\n' "$out" | grep '^ok.*bad\.c')"
has "and the others pass" "9 passed, 32 failed, 0 skipped" "$(cat "$tmp/err")"
has "the file and line" "# at $tmp/bad.c:" "$out"
has "what it returned" "it returns XDP_PASS, expected XDP_DROP" "$out"
has "what was meant" "did you mean 'packet'?" "$out"
has "what a map holds" "map 'seen' does not hold what it was to" "$out"
has "the byte" "byte 0 of the packet is 0x00 afterwards, expected 0xff" "$out"
has "a number that is too great" "ifindex=4294967297: the greatest is 4294967295" "$out"
has "more than a program returns" "retval=4294967298: programs return 32 bits" "$out"
has "what is said twice" "'retval' is given twice" "$out"
has "maps without keys" "map 'last' has no keys" "$out"
has "a name stays in its line" 'two\x0aok 99 - lines' "$out"
has "annotations that contradict" "__success and __failure contradict each other" "$out"
has "the reason" "[SKEP-E0201]" "$out"
has "a file that is not there" "not ok 1 - $tmp/missing.c: it can be read" "$out"
has "JUnit" 'tests="41" failures="32" skipped="0"' "$(cat "$tmp/out.xml")"
has "its texts are XML" "&quot;" "$(cat "$tmp/out.xml")"
if command -v xmllint >/dev/null; then
	status "it is well-formed" 0 xmllint --noout "$tmp/out.xml"
else
	skip "it is well-formed" "no xmllint"
fi
status "the results do not go over a source" 2 $SKEP test --junit "$tmp/good.c" "$tmp/good.c"
printf 'int x;\n' >"$tmp/empty.c"
has "no test" "no program of it has a test" "$($SKEP test "$tmp/empty.c" 2>&1)"
status "is no answer" 2 $SKEP test "$tmp/empty.c"

if [ "$($SKEP verify --on both "$tmp/good.o" 2>/dev/null | awk 'NR == 2 { print $NF }')" = ok ]; then
	out=$($SKEP test --on both -f big: "$tmp/good.o" 2>&1)
	same "on the kernel, too" 0 $?
	has "each" "(kernel)" "$out"
else
	skip "on the kernel, too" "the kernel loads nothing here"
fi

# A jumbo frame in hexadecimal.
{
	printf '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n#include <skep/test.h>\n'
	printf 'SEC("xdp") __test("jumbo", "packet='
	head -c 3000 /dev/zero | od -An -v -tx1 | tr -d ' \n'
	printf '; retval=3000") int size(struct xdp_md *ctx) { return ctx->data_end - ctx->data; }\n'
} >"$tmp/jumbo.c"
has "a long packet" "1 passed, 0 failed" "$($SKEP test "$tmp/jumbo.c" 2>&1)"

# Tests that would never run.
printf '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n#include <skep/test.h>\n%s\n%s\n' \
	'__test("of a part", "retval=9") __attribute__((noinline)) int part(int n) { return n; }' \
	'SEC("xdp") __test("all", "retval=2") int all(struct xdp_md *ctx) { return part(2); }' \
	>"$tmp/stray.c"
out=$($SKEP test "$tmp/stray.c" 2>&1)
same "a test at a function: exit status" 1 $?
has "is told" "'part' has a test, and is no program" "$out"

# Bytes that are no UTF-8 do not spoil the XML.
printf '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n#include <skep/test.h>\n%s\n' \
	'SEC("xdp") __test("QQ", "retval=0") int zero(struct xdp_md *ctx) { return 0; }' >"$tmp/l.c"
$SKEP cc "$tmp/l.c" -o "$tmp/l.o"
LC_ALL=C sed 's/QQ/\xe9\xc3/g' "$tmp/l.o" >"$tmp/latin.o"
$SKEP test --junit "$tmp/latin.xml" "$tmp/latin.o" >/dev/null 2>&1
has "a name in Latin-1" 'name="zero: ??"' "$(cat "$tmp/latin.xml")"

# A file that goes and is not the newest.
cp "$tmp/l.o" "$tmp/gone.o"
cp "$tmp/l.o" "$tmp/stays.o"
touch "$tmp/stays.o"
$SKEP test --watch "$tmp/gone.o" "$tmp/stays.o" >"$tmp/watch" 2>/dev/null &
pid=$!
wait_for() {
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		grep -q "$1" "$tmp/watch" && return
		sleep 0.5
	done
}
wait_for '^1\.\.'
rm "$tmp/gone.o"
wait_for '^not ok'
kill $pid
has "--watch sees it" "not ok 1 - $tmp/gone.o: it can be read" "$(cat "$tmp/watch")"

# A thousand small tests.
{
	echo '#include <linux/bpf.h>'
	echo '#include <bpf/bpf_helpers.h>'
	echo '#include <skep/test.h>'
	for i in 0 1 2 3 4 5 6 7 8 9; do
		echo 'SEC("xdp")'
		for j in 0 1 2 3 4 5 6 7 8 9; do
			for k in 0 1 2 3 4 5 6 7 8 9; do
				echo "__test(\"$j$k\", \"ifindex=1$j$k; retval=1$j$k\")"
			done
		done
		echo "int many$i(struct xdp_md *ctx) { return ctx->ingress_ifindex; }"
	done
	echo 'char _license[] SEC("license") = "GPL";'
} >"$tmp/many.c"
$SKEP cc "$tmp/many.c" -o "$tmp/many.o"
has "a thousand" "1000 passed, 0 failed" "$($SKEP test "$tmp/many.o" 2>&1 >/dev/null)"

done_testing
