#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# replay.t: `skep run --record FILE` and `skep replay`: the same runs again on every engine,
# changed programs, what differs, damaged files.
. test/tap.sh
obj=test/obj/replay.o
fw=examples/firewall/firewall.o
cap=examples/firewall/traffic.pcapng
rec=$tmp/a.rec

same "recording changes nothing" "$($SKEP run $fw $cap 2>&1 | grep -v ns/packet)" \
	"$($SKEP run $fw $cap --record "$rec" 2>&1 | grep -v ns/packet)"
same "it is replayed" "firewall.o: 10983 runs replayed, all ended as recorded" \
	"$($SKEP replay "$rec" | head -n 1)"
for how in "--jit off" "--jit fast" "--jit opt" "--unverified"; do
	# shellcheck disable=SC2086 # words
	ok "with $how" $SKEP replay -q $how "$rec"
done
$SKEP run -q $fw $cap --verdicts "$tmp/v1"
ok "verdicts go to a file" $SKEP replay -q "$rec" --verdicts "$tmp/v2"
ok "the same file" cmp "$tmp/v1" "$tmp/v2"
size=$(wc -c <"$rec")
same "a recording is little more than the packets" 1 $((size < 10983 * 160))

# ---- what depends on the machine -------------------------------------------------------

# The verdict has the clock, the process, random numbers and maps in it; timers run.
$SKEP run -q $obj $cap --prog all --record "$rec" --verdicts "$tmp/v1" --cpus 3
for how in "" "--jit off" "--unverified"; do
	# shellcheck disable=SC2086 # words
	ok "clocks, processes, random numbers, timers: $how" $SKEP replay -q $how "$rec" \
		--verdicts "$tmp/v2"
	ok "the same verdicts: $how" cmp "$tmp/v1" "$tmp/v2"
done
ok "packets' time" $SKEP run -q $obj $cap --prog all --clock capture --record "$tmp/c.rec"
ok "is replayed" $SKEP replay -q "$tmp/c.rec"
ok "repeated runs" $SKEP run -q $obj $cap --prog all --repeat 3 --record "$tmp/c.rec"
ok "are replayed" $SKEP replay -q "$tmp/c.rec"
ok "without a verdict" $SKEP run -q --unverified $obj $cap --prog all --record "$tmp/c.rec"
ok "is replayed, too" $SKEP replay -q "$tmp/c.rec"
same "one run" "run 7: $(sed -n 's/^7 //p' "$tmp/v1")
replay.o: 1 run replayed, it ended as recorded" "$($SKEP replay "$rec" --run 7)"
status "a run that there is not" 2 $SKEP replay "$rec" --run 99999999
status "runs are numbered from 1" 2 $SKEP replay "$rec" --run 0
has "says so" "the first is 1" "$($SKEP replay "$rec" --run 0 2>&1)"
has "a number that no recording has" "there is no run 18446744073709551615" \
	"$($SKEP replay "$rec" --run 18446744073709551615 2>&1)"
for n in 18446744073709551616 -1 0x10 7x ""; do
	status "no number: '$n'" 2 $SKEP replay "$rec" --run "$n"
done
mkfifo "$tmp/pipe"
cat "$rec" > "$tmp/pipe" &
same "from a pipe" "replay.o: 10983 runs replayed, all ended as recorded" \
	"$($SKEP replay "$tmp/pipe" | head -n 1)"
same "from standard input" "replay.o: 10983 runs replayed, all ended as recorded" \
	"$($SKEP replay /dev/stdin < "$rec" | head -n 1)"
status "Ctrl-C ends what is repeated very often" 124 timeout -k 5 -s INT 1 $SKEP run -q \
	$obj $cap --prog all --repeat 4294967295 --record "$tmp/long.rec"
for how in "--set x=5" "--btf none" "--type xdp" "-DX"; do
	# shellcheck disable=SC2086 # words
	status "$how is for another object" 2 $SKEP replay "$rec" $how
done
has "says so" "are for the object of --with" "$($SKEP replay "$rec" --set x=5 2>&1)"
has "says so" "[SKEP-E0816]" "$($SKEP replay "$rec" --run 99999999 2>&1)"
same "one line each" 10983 "$($SKEP replay "$rec" -v | grep -c '^run ')"
if command -v jq >/dev/null; then
	same "JSON" "10983 0 true run" "$($SKEP replay "$rec" --json |
		jq -r '"\(.runs) \(.differ) \(.whole) \(.source)"')"
	same "JSON of a run" "7 false all" "$($SKEP replay "$rec" --json --run 7 |
		jq -r '.results[] | "\(.run) \(.differs) \(.program)"')"
else
	skip "JSON" "no jq"
fi

# Pointers to threads and cgroups, what lies behind them, storages, memory that a kernel function
# reads: asked of the machine when it was recorded, and of the recording elsewhere.
if [ -n "${CLANG-}" ]; then
	cat > "$tmp/who.c" <<'X'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct task_struct;
struct cgroup;
extern struct task_struct *bpf_task_from_pid(int pid) __ksym;
extern void bpf_task_release(struct task_struct *t) __ksym;
extern struct cgroup *bpf_cgroup_from_id(__u64 id) __ksym;
extern struct cgroup *bpf_cgroup_ancestor(struct cgroup *c, int level) __ksym;
extern long bpf_task_under_cgroup(struct task_struct *t, struct cgroup *c) __ksym;
extern void bpf_cgroup_release(struct cgroup *c) __ksym;
extern int bpf_probe_read_kernel_dynptr(struct bpf_dynptr *d, __u32 off, __u32 size,
					const void *from) __ksym;
char _license[] SEC("license") = "GPL";
struct { __uint(type, BPF_MAP_TYPE_TASK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int); __type(value, long); } own SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, int);
	__type(value, long); } seen SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int);
	__type(value, long[4]); } room SEC(".maps");
static __noinline long groups(struct task_struct *t)
{
	struct cgroup *c = bpf_cgroup_from_id(bpf_get_current_cgroup_id()), *up;
	long sum = 0;

	if (!c)
		return 1;
	sum = 10000 + 100000 * bpf_task_under_cgroup(t, c);
	up = bpf_cgroup_ancestor(c, 0);
	if (up) {
		sum += 7000 + *(int *)up;
		bpf_cgroup_release(up);
	}
	bpf_cgroup_release(c);
	return sum;
}
SEC("tc") int who(struct __sk_buff *skb)
{
	struct task_struct *me = bpf_get_current_task_btf(), *t;
	long sum = *(int *)me + *(long *)((char *)me + 8), *v, *r;
	int one = bpf_get_prandom_u32() & 31, zero = 0;
	struct bpf_dynptr d;

	v = bpf_task_storage_get(&own, me, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (v)
		sum += ++*v;
	t = bpf_task_from_pid(bpf_get_current_pid_tgid());
	if (t) {
		sum += 1000 + *(int *)t + groups(t);
		bpf_task_release(t);
	}
	r = bpf_map_lookup_elem(&room, &zero);
	if (!r)
		return 0;
	bpf_dynptr_from_mem(r, 32, 0, &d);
	sum += bpf_probe_read_kernel_dynptr(&d, 8, 8, me) + r[1];
	bpf_map_update_elem(&seen, &one, &sum, 0);
	return sum ^ sum >> 32;
}
X
	$SKEP cc "$tmp/who.c" -o "$tmp/who.o"
	ok "threads and cgroups: recorded" $SKEP run -q --unverified "$tmp/who.o" $cap \
		--record "$tmp/w.rec" --verdicts "$tmp/v1"
	ok "and replayed by another process" $SKEP replay -q "$tmp/w.rec" --verdicts "$tmp/v2"
	ok "the same verdicts" cmp "$tmp/v1" "$tmp/v2"
	$SKEP run -q --unverified "$tmp/who.o" $cap --verdicts "$tmp/v2"
	status "which it would not give by itself" 1 cmp -s "$tmp/v1" "$tmp/v2"
	same "a session has the recorded end, also when it was stepped back" \
		"$(sed -n 's/^3 //p' "$tmp/v1")" \
		"$(printf '%s\n' 'start 3' 'catch verdict' 'goto 30' 'goto 3' 'goto 60' 'reverse-stepi' c |
		$SKEP debug "$tmp/w.rec" 2>&1 | sed -n 's/.*(verdict \([-0-9]*\)).*/\1/p')"
	echo '[{"key": 1, "value": 2}]' > "$tmp/own.json"
	status "a map of threads is not filled" 2 $SKEP run -q "$tmp/who.o" --unverified $cap \
		--record "$tmp/x.rec" --map "own=$tmp/own.json"
	has "says so" "[SKEP-E1060]" "$($SKEP run -q "$tmp/who.o" --unverified $cap \
		--record "$tmp/x.rec" --map "own=$tmp/own.json" 2>&1)"
else
	skip "threads and cgroups" "no clang"
fi

# ---- a changed program -------------------------------------------------------------------

if [ -n "${CLANG-}" ]; then
	sed 's/\<sum +=/sum += 1 +/; s/% 2 ?/% 2 == 0 ?/' test/obj/replay.c >"$tmp/changed.c"
	out=$($SKEP replay "$rec" --with "$tmp/changed.c" 2>&1)
	same "each verdict is the other one" 10983 "$(printf '%s\n' "$out" |
		grep -c 'was recorded, XDP_.* comes out$')"
	has "its sum" "changed.c: 10983 runs replayed, 10983 differ" "$out"
	has "and its maps" "map .bss: its 1 elements are not those" "$out"
	status "status 1" 1 $SKEP replay -q "$rec" --with "$tmp/changed.c"
	cp test/obj/replay.c "$tmp/same.c"
	ok "the same program compiled again" $SKEP replay -q "$rec" --with "$tmp/same.c"
	sed 's/int all(/int everything(/' test/obj/replay.c >"$tmp/other.c"
	has "a program that is not there" "program 'all' of the recording is not in" \
		"$($SKEP replay "$rec" --with "$tmp/other.c" 2>&1)"
	status "is no answer" 2 $SKEP replay "$rec" --with "$tmp/other.c"
	printf '%s\n' '#include <linux/bpf.h>' '#include <bpf/bpf_helpers.h>' \
		'SEC("xdp") int bad(struct xdp_md *c) { long n = c->rx_queue_index; ' \
		'void *p = (void *)(long)c->data, *e = (void *)(long)c->data_end;' \
		'if (p + 60 > e) return 1; return *(volatile char *)(p + 70); }' >"$tmp/bad.c"
	$SKEP run -q --unverified "$tmp/bad.c" $cap --record "$tmp/b.rec" >/dev/null 2>&1
	ok "a run that was stopped is stopped again" $SKEP replay -q "$tmp/b.rec"
	printf '%s\n' '#include <linux/bpf.h>' '#include <bpf/bpf_helpers.h>' \
		'SEC("xdp") int bad(struct xdp_md *c) { ' \
		'void *p = (void *)(long)c->data, *e = (void *)(long)c->data_end;' \
		'if (p + 60 > e) return 1; return *(volatile char *)(p + 20) & 1; }' >"$tmp/fine.c"
	$SKEP run -q "$tmp/fine.c" $cap --record "$tmp/f.rec"
	sed 's/p + 20/p + 70/' "$tmp/fine.c" >"$tmp/far.c"
	out=$($SKEP replay --unverified "$tmp/f.rec" --with "$tmp/far.c" 2>/dev/null)
	same "the table has runs that were stopped: all runs" "$(printf '%s\n' "$out" |
		sed -n 's/.*: \([0-9]*\) runs replayed.*/\1/p')" "$(printf '%s\n' "$out" |
		awk '/^verdict/ { on = 1; next } on { n += $2 } END { print n }')"
	has "a row of their own" "stopped " "$out"
	has "for the same reason" "bytes 70..70 of the packet are read" \
		"$($SKEP replay "$tmp/b.rec" -v 2>&1)"
else
	skip "a changed program" "no clang"
fi

# ---- in the kernel -----------------------------------------------------------------------

status "--on takes user and kernel" 2 $SKEP replay "$rec" --on both
status "no engine of skep there" 2 $SKEP replay "$rec" --on kernel --jit off
if why=$($SKEP run --on kernel -q $fw $cap 2>&1); then
	$SKEP run -q $fw $cap --record "$rec"
	out=$($SKEP replay "$rec" --on kernel 2>&1)
	same "the kernel ends all runs as recorded" "firewall.o: 10983 runs replayed, all ended as recorded" \
		"$(printf '%s\n' "$out" | grep 'replayed,')"
	ok "status 0" $SKEP replay -q "$rec" --on kernel
	same "one run" "firewall.o: 1 run replayed, it ended as recorded" \
		"$($SKEP replay "$rec" --on kernel --run 7 2>&1 | tail -n 1)"
	$SKEP run -q $obj $cap --prog all --record "$tmp/k.rec"
	out=$($SKEP replay "$tmp/k.rec" --on kernel 2>&1)
	has "it is said what the kernel answers by itself" \
		"the kernel answers bpf_get_prandom_u32, bpf_ktime_get_ns" "$out"
	has "and of how many runs that is the reason" "of the runs that differ asked such things" "$out"
	status "they differ" 1 $SKEP replay -q "$tmp/k.rec" --on kernel
	if [ -n "${CLANG-}" ]; then
		printf '%s\n' '#include <linux/bpf.h>' '#include <bpf/bpf_helpers.h>' \
			'struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64);' \
			'__type(key, __u32); __type(value, __u32); } m SEC(".maps");' \
			'SEC("tc") int t(struct __sk_buff *s) { __u32 k = s->len & 63, *v;' \
			'v = bpf_map_lookup_elem(&m, &k); if (v) { s->mark = *v; return *v; }' \
			'return s->priority + 1; }' > "$tmp/t.c"
		echo '[{"key": 42, "value": 1000}, {"key": 9, "value": 7}]' > "$tmp/m.json"
		$SKEP run -q "$tmp/t.c" $cap --priority 5 --map "m=$tmp/m.json" --record "$tmp/t.rec"
		ok "contexts and maps are given to the kernel" $SKEP replay -q "$tmp/t.rec" --on kernel
		same "JSON says how many the kernel did not run" 3 "$($SKEP replay --json "$tmp/t.rec" \
			--on kernel 2> /dev/null | sed -n 's/.*"not_replayed": \([0-9]*\).*/\1/p')"
		echo '[{"ifindex": 1, "ifname": "lo", "mtu": 1500}]' > "$tmp/routes.json"
		$SKEP run -q "$tmp/t.c" $cap --routes "$tmp/routes.json" --record "$tmp/n.rec"
		has "routes are the kernel's own" "[SKEP-E1061]" \
			"$($SKEP replay "$tmp/n.rec" --on kernel 2>&1)"
	fi
else
	skip "runs in the kernel" "$(printf '%s' "$why" | head -n 1)"
fi

# ---- files ----------------------------------------------------------------------------------

status "no recording" 2 $SKEP replay $fw
has "says so" "[SKEP-E0810]" "$($SKEP replay $fw 2>&1)"
head -c 300000 "$rec" >"$tmp/cut.rec"
status "one that was cut" 2 $SKEP replay "$tmp/cut.rec"
out=$($SKEP replay "$tmp/cut.rec" 2>&1)
has "says where" "the recording ends at byte 300000, before its end" "$out"
has "what is whole of it is replayed" "runs replayed, all ended as recorded" "$out"
{ head -c 100000 "$rec"; printf X; tail -c +100002 "$rec"; } >"$tmp/bad.rec"
has "a byte that is another one" "the checksum of the block that begins here is wrong" \
	"$($SKEP replay "$tmp/bad.rec" 2>&1)"
{ printf 'SKEPREC\n\002\000\000\000'; tail -c +13 "$rec"; } >"$tmp/new.rec"
has "another format" "is of format 2, this skep reads format 1 [SKEP-E0811]" \
	"$($SKEP replay "$tmp/new.rec" 2>&1)"
cat "$rec" "$rec" >"$tmp/twice.rec"
has "more behind the end" "bytes behind the end of the recording" \
	"$($SKEP replay "$tmp/twice.rec" 2>&1)"
status "nothing" 2 $SKEP replay /dev/null
status "two" 2 $SKEP replay "$rec" "$rec"
status "not over what is read" 2 $SKEP run $fw $cap --record $cap
status "not in the kernel" 2 $SKEP run $fw $cap --record "$tmp/x" --on kernel
status "not what others change" 2 $SKEP run $fw $cap --record "$tmp/x" --pin-dir "$tmp"
has "a map is no file" "'counts' is a map" \
	"$($SKEP run -q $obj $cap --prog all --record counts 2>&1)"
status "one file" 2 $SKEP run $fw $cap --record "$tmp/x" --record "$tmp/y"
status "where nothing can be written" 2 $SKEP run -q $fw $cap --record "$tmp/no/x"
if [ -w /dev/full ]; then
	has "no space" "No space left on device" "$($SKEP run -q $fw $cap --record /dev/full 2>&1)"
fi
done_testing
