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
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 1);
	__type(key, int); __type(value, int); } here SEC(".maps");
SEC("tc") __test("per CPU", "map=here:[{\"key\": 0, \"value\": 4}]; retval=5;"
		 "expect=here:[{\"key\": 0, \"value\": 5}]")
int counts(struct __sk_buff *skb)
{
	int zero = 0, *n = bpf_map_lookup_elem(&here, &zero);

	return n ? ++*n : 0;
}
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
has "all are counted" "10 passed, 0 failed, 0 skipped" "$(cat "$tmp/err")"
has "TAP" "1..10" "$out"
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
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 1);
	__type(key, int); __type(value, int); } each SEC(".maps");
SEC("xdp")
__test("verdict", "retval=XDP_DROP")
__test("no such verdict", "retval=XDP_DORP")
__test("typo", "paket=00")
__test("no value", "packet; retval=any")
__test("no bytes", "packet=0x; retval=any")
__test("half a byte", "packet=012; retval=any")
__test("no capture", "packet=none.pcapng#1; retval=any")
__test("no such packet", "packet=limits.json#1; retval=any")
__test("no packet zero", "packet=traffic.pcapng#0; retval=any")
__test("behind the last", "packet=traffic.pcapng#99999999; retval=any")
__test("no such map", "map=sen:[]; retval=any")
__test("no JSON", "map=seen:[{]; retval=any")
__test("wrong key", "map=seen:[{\"key\": \"x\", \"value\": 1}]; retval=any")
__test("other content", "expect=seen:[{\"key\": 1, \"value\": 2}]")
__test("other value", "map=each:[{\"key\": 0, \"value\": 3}];"
       "expect=each:[{\"key\": 0, \"value\": 4}]")
__test("other bytes", "packet=000102030405060708090a0b0c0d; out=ff0102030405060708090a0b0c0d")
__test("other length", "out=00")
__test("not a number", "ifindex=eth0; retval=any")
__test("too great", "ifindex=4294967297; retval=any")
__test("below zero", "ifindex=-1; retval=any")
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
has "and the others pass" "10 passed, 33 failed, 0 skipped" "$(cat "$tmp/err")"
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
has "JUnit" 'tests="43" failures="33" skipped="0"' "$(cat "$tmp/out.xml")"
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
	on_kernel=y
	cat >"$tmp/short.c" <<'X'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <skep/test.h>
SEC("xdp") __test("short", "packet=0102; retval=XDP_PASS") int passes(struct xdp_md *ctx) { return XDP_PASS; }
X
	out=$($SKEP test --on both "$tmp/short.c" 2>/dev/null)
	same "a packet that the kernel's test run does not take" 0 $?
	has "is left out there" "(kernel) # SKIP the kernel's test run does not take a packet as this one, of 2 bytes" "$out"
	has "and runs here" "ok 1 " "$out"
else
	on_kernel=
	skip "on the kernel, too" "the kernel loads nothing here"
fi

# Records, contexts, tasks, numbers in network order.
cat >"$tmp/more.c" <<'EOF'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <skep/test.h>
struct event { __u32 pid; __u16 port; char comm[16]; __u64 at; };
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } out SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4);
	__uint(value_size, 4); } perf SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4);
	__type(key, __be16); __type(value, __u32); } ports SEC(".maps");
struct event *unused;

SEC("tc")
__test("a record", "now=5; context={\"mark\": 8080}; pid=7; tgid=6; comm=nginx;"
       "records=out=event:[{\"pid\": 6, \"port\": \"htons(8080)\", \"comm\": \"nginx\"}]")
__test("all of it", "now=5; context={\"mark\": 1}; tgid=6; comm=x;"
       "records=out=struct event:[{\"pid\": 6, \"port\": 256, \"comm\": \"x\", \"at\": 5}]")
__test("from a file", "now=5; context={\"mark\": 1}; tgid=6; comm=x; records=out=event:rec.json")
int record(struct __sk_buff *skb)
{
	struct event *e = bpf_ringbuf_reserve(&out, sizeof(*e), 0);

	if (!e)
		return 1;
	__builtin_memset(e, 0, sizeof(*e));
	e->pid = bpf_get_current_pid_tgid() >> 32;
	e->port = __builtin_bswap16(skb->mark);
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	e->at = bpf_ktime_get_ns();
	bpf_ringbuf_submit(e, 0);
	return 0;
}
SEC("raw_tp") __test("args", "args=3, 0x10; retval=19; uid=4; gid=5")
__test("words", "context=0300000000000000 1000000000000000; retval=19")
int add(struct bpf_raw_tracepoint_args *ctx) { return ctx->args[0] + ctx->args[1]; }
SEC("raw_tp") __test("thread", "pid=3; tgid=2; retval=3")
__test("process", "pid=3; retval=3")
int thread(void *ctx) { return bpf_get_current_pid_tgid(); }
SEC("raw_tp") __test("user", "uid=1000; gid=7; retval=1007")
int user(void *ctx) { __u64 u = bpf_get_current_uid_gid(); return (__u32)u + (u >> 32); }
SEC("xdp") __test("port", "map=ports:[{\"key\": \"htons(80)\", \"value\": 3}]; retval=3")
int port(struct xdp_md *ctx)
{
	__be16 key = __builtin_bswap16(80);
	__u32 *n = bpf_map_lookup_elem(&ports, &key);

	return n ? *n : 0;
}
SEC("xdp") __test("perf", "records=perf:[\"01020304\", \"01 02:03 04\"]")
int events(struct xdp_md *ctx)
{
	__u32 n = __builtin_bswap32(0x01020304);

	bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &n, sizeof(n));
	bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &n, sizeof(n));
	return 2;
}
char _license[] SEC("license") = "GPL";
EOF
echo '[{"comm": "x"}]' >"$tmp/rec.json"
out=$($SKEP test "$tmp/more.c" 2>&1)
same "records, contexts and tasks: exit status" 0 $?
has "all of them pass" "10 passed, 0 failed, 0 skipped" "$out"
$SKEP cc "$tmp/more.c" -o "$tmp/more.o"

cat >"$tmp/wrong.c" <<'EOF'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <skep/test.h>
struct event { __u32 pid; __u32 port; };
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } out SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4);
	__type(key, int); __type(value, __u16); } sizes SEC(".maps");
struct event *unused;
static long forever(unsigned i, void *ctx) { return 0; }
static long outer(unsigned i, void *ctx) { return bpf_loop(1 << 23, forever, 0, 0) < 0; }

SEC("xdp")
__test("other record", "records=out=event:[{\"pid\": 2}]")
__test("more records", "records=out=event:[]")
__test("fewer records", "records=out=event:[{\"pid\": 1}, {\"pid\": 1}]")
__test("no type", "records=out=evnt:[]")
__test("no member", "records=out=event:[{\"pit\": 1}]")
__test("no records", "records=sizes:[]")
__test("no bytes", "records=out:[{\"pid\": 1}]")
__test("half a byte", "records=out:[\"01 020\"]")
__test("no digit", "records=out:[\"01 0g\"]")
__test("no such input", "foo=1")
__test("checks nothing", "ifindex=1")
__test("a context", "context={\"data\": 1}; retval=2")
__test("arguments", "args=1; retval=2")
__test("a long name", "comm=0123456789abcdef; retval=2")
__test("four bytes in two", "map=sizes:[{\"key\": 0, \"value\": \"htonl(1)\"}]; retval=2")
__test("too great for two", "map=sizes:[{\"key\": 0, \"value\": \"htons(65536)\"}]; retval=2")
int pass(struct xdp_md *ctx)
{
	struct event e = { 1, 2 };

	bpf_ringbuf_output(&out, &e, sizeof(e), 0);
	return 2;
}
SEC("xdp")
__test("no end", "retval=2")
int endless(struct xdp_md *ctx)
{
	bpf_loop(1 << 23, outer, 0, 0);
	return 2;
}
SEC("xdp") __failure __test("rejected", "retval=0") int both(struct xdp_md *ctx) { return 0; }
SEC("raw_tp") __test("a packet", "packet=00; retval=0") int raw(void *ctx) { return 0; }
SEC("lsm/file_open") __test("no engine", "retval=0") int lsm(void *ctx) { return 0; }
SEC("xdp") __test("the last", "retval=1") int last(struct xdp_md *ctx) { return 1; }
char _license[] SEC("license") = "GPL";
EOF
out=$($SKEP test "$tmp/wrong.c" 2>"$tmp/err")
same "what is wrong: exit status" 1 $?
has "the others go on" "1 passed, 21 failed, 0 skipped" "$(cat "$tmp/err")"
has "the first byte" "record 0 of map 'out' is not as it was to be, from byte 0 on" "$out"
has "what is there" 'the record 0: {"pid": 1' "$out"
has "more than expected" "map 'out' has 1 records, expected 0" "$out"
has "no such type" "the object has no type 'evnt': a global variable keeps a type that only functions use, struct evnt *unused;" "$out"
has "no such member" "did you mean 'pid'?" "$out"
has "no such records" "map 'sizes' has no records; expect says what it holds" "$out"
has "a record of no type" "bytes in hexadecimal are needed" "$out"
has "half a byte" "half a byte is missing: 5 hexadecimal digits" "$out"
has "what is no digit" "'g' is no hexadecimal digit" "$out"
same "nothing was meant" "# there is no input or result 'foo'" "$(printf '%s\n' "$out" | grep "'foo'")"
has "a case that checks nothing" "it checks nothing: retval, out, expect, records or redirect" "$out"
has "a context of no use" "programs of type xdp take no context" "$out"
has "words of no use" "args are the words of a raw tracepoint; this is another program" "$out"
has "a name that is too long" "a name has at most 15 bytes" "$out"
has "a number of another size" "\"htonl(1)\" is no number of 2 bytes" "$out"
has "a number that is too great" "\"htons(65536)\" is no number of 2 bytes" "$out"
has "a test that does not end" "and no end" "$out"
has "what is rejected cannot run" "__test and __failure contradict each other" "$out"
has "a packet for none" "a raw tracepoint gets none" "$out"
has "a type that no engine runs" "which the embedded engine cannot run yet" "$out"
has "the line of the annotation" "# at $tmp/wrong.c:13" "$out"
has "of each" "# at $tmp/wrong.c:20" "$out"
has "of a program without" "# at $tmp/bad.c:" "$($SKEP test "$tmp/bad.c" 2>/dev/null)"

# Several at a time give the same, in the same order.
same "-j: the same results" "$($SKEP test "$tmp/wrong.c" "$tmp/bad.c" 2>/dev/null)" \
	"$($SKEP test -j 4 "$tmp/wrong.c" "$tmp/bad.c" 2>/dev/null)"
has "-j: and counts" "1 passed, 21 failed" "$($SKEP test -j 4 "$tmp/wrong.c" 2>&1 >/dev/null)"
status "-j 0" 2 $SKEP test -j 0 "$tmp/good.c"
$SKEP test --coverage "$tmp/x1.info" "$tmp/good.c" > /dev/null 2>&1
$SKEP test -j 3 --coverage "$tmp/x3.info" "$tmp/good.c" > /dev/null 2>&1
ok "-j counts for --coverage what one process counts" cmp "$tmp/x1.info" "$tmp/x3.info"
has "which is something" "DA:" "$(cat "$tmp/x3.info")"
cat > "$tmp/long.c" <<'EOF'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <skep/test.h>
SEC("xdp") __test("a", "repeat=4294967295; retval=1") __test("b", "repeat=4294967295; retval=1")
int slow(struct xdp_md *ctx)
{
	for (int i = 0; i < 1000; i++)
		asm volatile("" :: "r"(bpf_get_prandom_u32()));
	return 1;
}
EOF
status "Ctrl-C ends what is repeated very often" 124 timeout -k 5 -s INT 1 $SKEP test "$tmp/long.c"
status "in several processes, too" 124 timeout -k 5 -s INT 1 $SKEP test -j 2 "$tmp/long.c"
sleep 0.3
same "none of which stays" "" "$(pgrep -f "skep test -j 2 $tmp/long.c")"
cat >"$tmp/long.c" <<'EOF'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <skep/test.h>
static long in(unsigned i, void *ctx) { return 0; }
static long out(unsigned i, void *ctx) { return bpf_loop(1 << 23, in, 0, 0) < 0; }
SEC("xdp") __test("long", "retval=2; budget=1000000000000")
int endless(struct xdp_md *ctx) { bpf_loop(1 << 23, out, 0, 0); return 2; }
SEC("xdp") __test("a", "retval=1") __test("b", "retval=1") __test("c", "retval=1")
int one(struct xdp_md *ctx) { return 1; }
char _license[] SEC("license") = "GPL";
EOF
$SKEP cc "$tmp/long.c" -o "$tmp/long.o"
$SKEP test -j 2 "$tmp/long.o" >"$tmp/long.out" 2>&1 &
pid=$!
i=0
while [ $i -lt 50 ] && [ "$(ps --ppid $pid -o pid= | wc -l)" != 1 ]; do
	sleep 0.1
	i=$((i + 1))
done
sleep 0.2
kill -9 $(ps --ppid $pid -o pid=)
wait $pid
same "a process that ends: exit status" 1 $?
has "its test has failed" "the process that ran it was ended: Killed" "$(cat "$tmp/long.out")"
has "the others pass" "3 passed, 1 failed" "$(cat "$tmp/long.out")"

# What the kernel makes of programs.
cat >"$tmp/xlated.c" <<'EOF'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <skep/test.h>
SEC("xdp") __success __xlated("0: r0 = *(u32 *)(r1 +") __xlated("...") __xlated("exit")
int index(struct xdp_md *ctx) { return ctx->rx_queue_index + 7; }
SEC("xdp") __success __xlated("r9 = {{[0-9]+}}") int none(struct xdp_md *ctx) { return 3; }
SEC("xdp") __failure __xlated("exit") int both(struct xdp_md *ctx) { return 3; }
char _license[] SEC("license") = "GPL";
EOF
out=$($SKEP test "$tmp/xlated.c" 2>/dev/null)
has "what is translated is left out here" "# SKIP what a program is translated to says --on both" "$out"
has "a contradiction is told" "__failure and __xlated contradict each other" "$out"
if [ -n "$on_kernel" ]; then
	out=$($SKEP test --on both "$tmp/xlated.c" 2>/dev/null)
	has "lines of it" "ok 2 - $tmp/xlated.c: index (kernel)" "$out"
	has "one that is not there" "the kernel's program lacks 'r9 = {{[0-9]+}}', which is:" "$out"
	has "what there is" "# 1: exit" "$out"
	out=$($SKEP test --on both "$tmp/more.o" 2>/dev/null)
	has "a kernel has its own tasks" "thread: thread (kernel) # SKIP pid: a kernel has its own" "$out"
	has "records of the kernel" "ok 20 - $tmp/more.o: events: perf (kernel)" "$out"
	has "arguments there" "ok 10 - $tmp/more.o: add: words (kernel)" "$out"
	same "none fails there" "" "$(printf '%s\n' "$out" | grep '^not ok')"
else
	skip "on the kernel" "it loads nothing here"
fi

# Types of another processor's kernel: who asks for them fails, the others go on.
printf '\353\237\001\000\000\000\000\030\000\000\000\000\000\000\000\020\000\000\000\020\000\000'\
'\000\005\000\000\000\001\001\000\000\000\000\000\000\004\000\000\000\040\000\151\156\164'\
'\000' >"$tmp/other.btf"
cat >"$tmp/core.c" <<'EOF'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <skep/test.h>
struct task_struct { int pid; } __attribute__((preserve_access_index));
SEC("xdp") __test("plain", "retval=2") int plain(struct xdp_md *ctx) { return 2; }
SEC("raw_tp") __test("core", "retval=any") int core(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *t = (void *)ctx->args[0];

	return BPF_CORE_READ(t, pid);
}
char _license[] SEC("license") = "GPL";
EOF
out=$($SKEP test --btf "$tmp/other.btf" "$tmp/core.c" 2>&1)
same "types of another processor: exit status" 1 $?
has "who needs them fails" "not ok 2 - $tmp/core.c: core" "$out"
has "and the other goes on" "1 passed, 1 failed" "$out"

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
: >"$tmp/watch"
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

# What a source includes, and what its cases name.
echo '#define ANSWER 2' >"$tmp/answer.h"
echo '[{"key": 0, "value": 1}]' >"$tmp/fix.json"
cat >"$tmp/inc.c" <<'EOF'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <skep/test.h>
#include "answer.h"
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1);
	__type(key, int); __type(value, int); } m SEC(".maps");
SEC("xdp") __test("answer", "retval=2; map=m:fix.json; expect=m:[{\"key\": 0, \"value\": 1}]")
int answer(struct xdp_md *ctx) { return ANSWER; }
EOF
$SKEP test --watch "$tmp/inc.c" >"$tmp/watch" 2>&1 &
pid=$!
wait_for '1 passed'
sleep 1
echo '#define ANSWER 3' >"$tmp/answer.h"
wait_for 'expected XDP_PASS'
has "--watch sees headers" "it returns XDP_TX, expected XDP_PASS" "$(cat "$tmp/watch")"
sleep 1
echo '[{"key": 0, "value": 5}]' >"$tmp/fix.json"
wait_for 'does not hold'
kill $pid
wait $pid 2>/dev/null
has "and fixtures" "map 'm' does not hold what it was to" "$(cat "$tmp/watch")"

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
same "in order" "$($SKEP test "$tmp/many.o" 2>/dev/null)" "$($SKEP test -j 8 "$tmp/many.o" 2>/dev/null)"

# ---- results that are no numbers
cat > "$tmp/retval.c" <<'C'
#include <skep/test.h>
SEC("xdp") __retval(XDP_DROP) int named(struct xdp_md *c) { return 1; }
SEC("xdp") __retval(99999999999999999999) int long_one(struct xdp_md *c) { return 2; }
SEC("xdp") __retval(4294967298) int cut(struct xdp_md *c) { return 2; }
char _license[] SEC("license") = "GPL";
C
out=$($SKEP test "$tmp/retval.c" 2>&1)
has "a verdict by its name" "ok 1 - $tmp/retval.c: named" "$out"
has "a number that is none fails" "__retval(99999999999999999999): no number of 32 bits" "$out"
has "one of 33 bits, too" "__retval(4294967298): no number of 32 bits" "$out"
done_testing
