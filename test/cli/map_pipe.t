#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# map_pipe.t: `skep map event_pipe`: records of ring buffers in files, whose writers come,
# go and are killed; perf event arrays and ring buffers of the kernel, as bpftool prints
# them where it is installed. Programs run by test runs; nothing is attached; pins are below
# a mount that nobody else sees.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
export CLANG
cap=$PWD/examples/firewall/traffic.pcapng
mkdir "$tmp/pins" "$tmp/bpf"

cat > "$tmp/ring.c" <<'C'
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 65536); __uint(pinning, 1); }
	ring SEC(".maps");
unsigned long count;
SEC("xdp") int p(struct xdp_md *ctx)
{
	unsigned long *e = bpf_ringbuf_reserve(&ring, 16, 0);

	if (!e)
		return XDP_DROP;
	e[0] = ++count;
	e[1] = 0x1122334455667788;
	bpf_ringbuf_submit(e, 0);
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
$SKEP cc "$tmp/ring.c" -o "$tmp/ring.o"
writer() { $SKEP run "$tmp/ring.o" $cap --pin --pin-dir "$tmp/pins" "$@" > "$tmp/log" 2>&1; }

writer -q
out=$($SKEP map event_pipe "$tmp/pins/ring" -n 2 2> "$tmp/err")
same "records in a file" "== 16 bytes =====
01 00 00 00 00 00 00 00  88 77 66 55 44 33 22 11
== 16 bytes =====
02 00 00 00 00 00 00 00  88 77 66 55 44 33 22 11" "$out"
same "they are gone then; as JSON" \
	'[{"bytes":16,"data":[3,0,0,0,0,0,0,0,136,119,102,85,68,51,34,17]}]' \
	"$($SKEP map -j event_pipe "$tmp/pins/ring" -n 1 2> "$tmp/err")"
status "a ring buffer has no cpu" 2 $SKEP map event_pipe "$tmp/pins/ring" cpu 0 index 0

# a reader that waits, and writers that are killed at any place
$SKEP map event_pipe "$tmp/pins/ring" > "$tmp/out" 2> "$tmp/err" &
reader=$!
for i in 1 2 3 4 5 6; do
	$SKEP run "$tmp/ring.o" $cap --pin --pin-dir "$tmp/pins" --repeat 100000 -q > "$tmp/log" 2>&1 &
	pid=$!
	sleep 0.2
	kill -9 $pid
	wait $pid 2> "$tmp/log"
done
sleep 0.3
before=$(wc -l < "$tmp/out")
ok "a reader goes on when writers are killed" test "$before" -gt 1000
writer -q
sleep 0.5
ok "and reads what comes after" test "$(wc -l < "$tmp/out")" -gt "$before"
kill $reader
wait $reader
same "until it is asked to end" 0 $?
same "every record is whole" 0 "$(grep -v '^== 16 bytes =====$' "$tmp/out" |
	grep -cv '^.. .. .. .. 00 00 00 00  88 77 66 55 44 33 22 11$')"

# ---- the kernel's
cat > "$tmp/perf.c" <<'C'
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __type(key, int); __type(value, int);
	 __uint(max_entries, 256); __uint(pinning, 1); } perf SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); __uint(pinning, 1); }
	kring SEC(".maps");
unsigned count;
SEC("xdp") int p(struct xdp_md *ctx)
{
	char text[40] = "hello, this is an event of some length";

	if (++count > 2)
		return XDP_PASS;
	bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, text, count == 1 ? 10 : 40);
	bpf_ringbuf_output(&kring, text, 7, 0);
	return XDP_PASS;
}
SEC("xdp") int flood(struct xdp_md *ctx)
{
	char text[400] = {};

	bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, text, sizeof(text));
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
$SKEP cc "$tmp/perf.c" -o "$tmp/perf.o"
cat > "$tmp/kernel" <<'SH'
# TMP CAP BPFTOOL
mount -t bpf bpf "$1/bpf" || exit 77
run() { taskset 1 "$SKEP" run --on kernel --pin --pin-dir "$1/bpf" "$1/perf.o" "$2" -q --prog $3 2>&1 |
	grep -v ^note:; }
run "$1" "$2" p
"$SKEP" map show pinned "$1/bpf/perf" > "$1/log" 2>&1 || exit 78
pipe() # NAME COMMAND...
{
	name=$1 at=$2 cap=$3 prog=$4
	shift 4
	"$@" > "$at/$name" 2> "$at/err" &
	pid=$!
	sleep 0.7
	run "$at" "$cap" $prog
	sleep 0.5
	kill -INT $pid
	wait $pid
	echo "status $?" >> "$at/$name"
	cat "$at/err" >> "$at/log"
	cp "$at/err" "$at/err-$name"
}
for form in "" -j -p; do
	pipe "ours$form" "$1" "$2" p "$SKEP" map $form event_pipe pinned "$1/bpf/perf"
	[ -z "$3" ] || pipe "theirs$form" "$1" "$2" p "$3" $form map event_pipe pinned "$1/bpf/perf"
done
pipe slot "$1" "$2" p "$SKEP" map event_pipe pinned "$1/bpf/perf" index 0 cpu 0
pipe lost "$1" "$2" flood "$SKEP" map event_pipe pinned "$1/bpf/perf" cpu 0 index 0
timeout 20 "$SKEP" map event_pipe pinned "$1/bpf/kring" -n 3 > "$1/kring" 2>&1
for words in "cpu 0" "cpu 0 index 9999" "cpu 99999 index 0" "cpu x index 0" "cpu 0 index 0 more"; do
	"$SKEP" map event_pipe pinned "$1/bpf/perf" $words > "$1/wrong" 2>&1
	echo "$? $words: $(sed -n '1s/^skep map: error: //p' "$1/wrong")" >> "$1/words"
done
"$SKEP" map create "$1/bpf/h" type hash key 4 value 4 entries 4 name h
"$SKEP" map event_pipe pinned "$1/bpf/h" 2>&1 | sed 's/map [0-9]*/map N/' > "$1/hash"
SH
if ! unshare -m sh "$tmp/kernel" "$tmp" "$cap" "$(command -v bpftool)" > "$tmp/log2" 2>&1; then
	skip "the kernel's maps" "$(cat "$tmp/log2" "$tmp/log" | head -n 1)"
	done_testing
	exit
fi
same "events of the kernel" "== @T CPU: 0 index: 0 =====
68 65 6c 6c 6f 2c 20 74  68 69 00 00
== @T CPU: 0 index: 0 =====
68 65 6c 6c 6f 2c 20 74  68 69 73 20 69 73 20 61
6e 20 65 76 65 6e 74 20  6f 66 20 73 6f 6d 65 20
6c 65 6e 67 74 68 00 00  00 00 00 00
status 0" "$(sed 's/@[0-9.]*/@T/' "$tmp/ours")"
same "one slot alone" "$(sed 's/@[0-9.]*/@T/' "$tmp/ours")" "$(sed 's/@[0-9.]*/@T/' "$tmp/slot")"
if command -v bpftool > "$tmp/log"; then
	for form in "" -j -p; do
		same "as bpftool does${form:+ with $form}" \
			"$(sed 's/@[0-9.]*/@T/; s/"timestamp": *[0-9]*/T/g; /^Stopping/d' "$tmp/theirs$form")" \
			"$(sed 's/@[0-9.]*/@T/; s/"timestamp": *[0-9]*/T/g' "$tmp/ours$form")"
	done
else
	skip "as bpftool does" "bpftool is not installed"
fi
n=$(grep -c '^== @' "$tmp/lost")
gone=$(sed -n 's/^lost \([0-9]*\) events$/\1/p' "$tmp/lost" | awk '{ n += $1 } END { print n + 0 }')
more=$(sed -n 's/^warning: \([0-9]*\) more events were lost$/\1/p' "$tmp/err-lost")
if [ "$n" = 10983 ]; then
	skip "some were lost" "the reader kept up with the programs"
else
	ok "some were lost" test $((gone + ${more:-0})) -gt 0
fi
ok "and none in silence" test $((n + gone + ${more:-0})) = 10983
has "records of the kernel's ring buffers" "== 7 bytes =====
68 65 6c 6c 6f 2c 20" "$(cat "$tmp/kring")"
same "what is no slot" "2 cpu 0: cpu N and index M come together [SKEP-E0001]
2 cpu 0 index 9999: slot 9999 of the perf event array cannot be filled: Argument list too long [SKEP-E0901]
2 cpu 99999 index 0: events of cpu 99999 cannot be read: perf_event_open: Invalid argument [SKEP-E0901]
2 cpu x index 0: the cpu is a number, not 'x' [SKEP-E0001]
2 cpu 0 index 0 more: 'more' is one word too many [SKEP-E0001]" "$(cat "$tmp/words")"
has "what is no map of records" "map N 'h' of type hash is no perf event array and no ring buffer" \
	"$(cat "$tmp/hash")"
done_testing
