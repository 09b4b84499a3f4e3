#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# clock.t: `skep run --clock capture`: time stamps as time, and timers by them.
. test/tap.sh
cap=examples/firewall/traffic.pcapng
[ -n "$CLANG" ] || skip_all "no clang that compiles to BPF"

cat > "$tmp/t.c" <<'EOF'
struct elem { __u64 n; struct bpf_timer t; };
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct elem);
} flows SEC(".maps");
__u64 packets, fires, sum, first, last, span;
static int tick(void *map, __u32 *key, struct elem *e)
{
	fires++;
	sum += *key;
	last = bpf_ktime_get_ns();
	if (last - first < 100000000000ull)
		bpf_timer_start(&e->t, 1000000000, 0);
	return 0;
}
SEC("xdp") int timers(struct xdp_md *ctx)
{
	struct elem zero = {}, *e;
	__u32 key = 7;

	span = bpf_ktime_get_ns() - first;
	if (packets++)
		return XDP_PASS;
	first = bpf_ktime_get_ns();
	bpf_map_update_elem(&flows, &key, &zero, BPF_ANY);
	e = bpf_map_lookup_elem(&flows, &key);
	if (!e || bpf_timer_init(&e->t, &flows, 1) ||
	    bpf_timer_set_callback(&e->t, tick) ||
	    bpf_timer_start(&e->t, 1000000000, 0))
		return XDP_ABORTED;
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
EOF
$SKEP cc "$tmp/t.c" -o "$tmp/t.o" || exit 2
one=$($SKEP run "$tmp/t.o" $cap --clock capture 2>"$tmp/notes" | tail -n +4)
has "every second of the capture" "fires: 11 " "$one"
has "callbacks get the key" "sum: 77" "$one"
has "what waits is told" "timers that still wait after the last packet: 1; --linger" \
	"$(cat "$tmp/notes")"
same "the same results in every run" "$one" \
	"$($SKEP run "$tmp/t.o" $cap --clock capture 2>&1 | tail -n +4 | grep -v ^note)"
has "time goes on behind the last packet" '"fires": 14' \
	"$($SKEP run "$tmp/t.o" $cap --clock capture --linger 3000 --json -q)"
last=$($SKEP run "$tmp/t.o" $cap --clock capture --linger 200000 --json -q)
has "until no timer waits" '"timers_waiting": 0' "$last"
has "which is so after the last" '"fires": 100' "$last"
has "what happens with a real clock" "fires: 0" \
	"$($SKEP run "$tmp/t.o" $cap 2>/dev/null | tail -n 4 | tr '\n' ' ')"

# A callback is checked as a program is.
sed 's/fires++;/for (;;) fires++;/' "$tmp/t.c" > "$tmp/loop.c"
out=$($SKEP run --unverified "$tmp/loop.c" $cap --clock capture 2>&1)
same "a callback without end: exit status" 1 $?
has "its budget" "1000000 instructions executed and no end" "$out"
has "that it was a timer's" "in the callback of a timer in map 'flows'" "$out"
sed 's/1000000000, 0);$/0, 0);/' "$tmp/t.c" > "$tmp/zero.c"
has "timers that start each other" "start each other without end" \
	"$($SKEP run "$tmp/zero.c" $cap --clock capture 2>&1)"
sed 's/sum += \*key;/sum += key[1];/' "$tmp/t.c" > "$tmp/over.c"
out=$($SKEP run "$tmp/over.c" $cap --clock capture 2>&1)
same "a callback that reads what it may not" 1 $?
has "it is not even started" "[SKEP-E0202]" "$out"
out=$($SKEP run --unverified "$tmp/over.c" $cap --clock capture 2>&1)
same "a callback that does, unverified" 1 $?
has "which callback" "in the callback of a timer in map 'flows'" "$out"

status "a clock that is none" 2 $SKEP run "$tmp/t.o" $cap --clock moon
status "no end to a real clock" 2 $SKEP run "$tmp/t.o" $cap --linger 5
status "the kernel's clock" 2 $SKEP run "$tmp/t.o" $cap --clock capture --on kernel
done_testing
