#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# map_top.t: `skep map top`: what is done with pinned maps, by whichever process, while
# somebody watches; the kernel's maps and who uses them; `skep run --stats`. Loads one
# program into the kernel where that is allowed, and attaches nothing.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
export CLANG
cap=examples/firewall/traffic.pcapng
mkdir "$tmp/pins"

cat > "$tmp/p.c" <<'C'
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, __u64);
	 __uint(max_entries, 64); __uint(pinning, 1); } flows SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64);
	 __uint(max_entries, 2); } counts SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __type(value, __u32); __uint(max_entries, 4); }
	queue SEC(".maps");
SEC("xdp") int p(struct xdp_md *ctx)
{
	__u32 bytes = ctx->data_end - ctx->data, k = bytes > 100, zero = 0;
	__u64 one = 1, *v = bpf_map_lookup_elem(&flows, &k), *n;

	n = bpf_map_lookup_elem(&counts, &zero);
	if (n)
		++*n;
	if (!v && k)
		bpf_map_update_elem(&flows, &k, &one, 0);
	if (bytes == 60)
		bpf_map_delete_elem(&flows, &k);
	bpf_map_push_elem(&queue, &k, BPF_EXIST);
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
$SKEP cc "$tmp/p.c" -o "$tmp/p.o"
for how in off fast opt; do
	$SKEP run "$tmp/p.o" $cap -q --stats --jit $how 2> "$tmp/$how"
	has "--stats counts lookups (--jit $how)" "flows: 10983 lookups" "$(cat "$tmp/$how")"
	has "and changes" "queue: 0 lookups, 10983 updates, 0 deletes" "$(cat "$tmp/$how")"
done
same "the same whoever runs it" "$(grep flows: "$tmp/off")" "$(grep flows: "$tmp/opt")"
same "unverified, too" "$(grep -E 'flows:|counts:' "$tmp/off")" \
	"$($SKEP run "$tmp/p.o" $cap -q --stats --unverified 2>&1 | grep -E 'flows:|counts:')"
has "an array's, too, when they are calls" "counts: 10983 lookups, 10983 found (100.0%)" \
	"$(cat "$tmp/off")"
if grep -q 'p: jit-opt' "$tmp/opt"; then
	has "when not, it says so" "not counting lookups that are part of compiled code" \
		"$(grep counts: "$tmp/opt")"
else
	skip "when not, it says so" "no optimising compiler for this processor"
fi
has "JSON has them" '"lookups": 10983' \
	"$($SKEP run "$tmp/p.o" $cap --stats --json 2> "$tmp/err" | grep -A1 '"operations"')"
same "only when asked" 0 "$($SKEP run "$tmp/p.o" $cap --json 2> "$tmp/err" | grep -c operations)"

# ---- files: another process is busy with the map
$SKEP run "$tmp/p.o" $cap --pin --pin-dir "$tmp/pins" --repeat 1000000 -q > "$tmp/out" 2>&1 &
busy=$!
i=0
while [ ! -e "$tmp/pins/flows" ] && [ $i -lt 100 ]; do
	sleep 0.05
	i=$((i + 1))
done
sleep 0.2
once=$($SKEP map top --pin-dir "$tmp/pins" --once --interval 0.3 -j)
rate=$(echo "$once" | sed 's/.*"lookups_per_s": \([0-9]*\).*/\1/')
ok "lookups of another process are seen" test "${rate:-0}" -gt 1000
has "who has it" '"processes": 1' "$once"
out=$($SKEP map top pinned "$tmp/pins/flows" -n 2 --interval 0.1)
same "two reports" 2 "$(echo "$out" | grep -c '^flows  *hash  *[0-9]*/64 ')"
same "with a line between them" 1 "$(echo "$out" | grep -c '^$')"
same "no terminal's codes in a pipe" 0 "$(echo "$out" | grep -c "$(printf '\033')")"
before=$($SKEP map top "$tmp/pins/flows" --once --interval 0.05 -j | sed 's/.*"lookups": \([0-9]*\).*/\1/')
sleep 0.3
$SKEP map top "$tmp/pins/flows" -n 1 --interval 0.1 -j > "$tmp/out"
after=$(sed 's/.*"lookups": \([0-9]*\).*/\1/' "$tmp/out")
per=$(sed 's/.*"lookups_per_s": \([0-9]*\).*/\1/' "$tmp/out")
ms=$(sed 's/.*"interval_ms": \([0-9]*\).*/\1/' "$tmp/out")
# what was counted is what was seen, and not what was done in the 300 ms before
ok "nobody counts while nobody watches" \
	test $((after - before)) -le $((per * ms / 1000 + per / 8 + 1000))
$SKEP map top "$tmp/pins/flows" --interval 0.05 > "$tmp/out" &
top=$!
sleep 0.4
kill -9 $top
wait $top 2> "$tmp/err"
has "who is killed while it watches harms nobody" '"processes": 1' \
	"$($SKEP map top "$tmp/pins/flows" --once --interval 0.05 -j)"
$SKEP map top "$tmp/pins/flows" --interval 0.05 > "$tmp/began" &
top=$!
i=0
while ! [ -s "$tmp/began" ] && [ $i -lt 200 ]; do	# it has begun
	sleep 0.05
	i=$((i + 1))
done
kill $top
wait $top
same "an end that is asked for is no failure" 0 $?
kill $busy
wait $busy 2> "$tmp/err"
status "no seconds" 2 $SKEP map top --interval x
status "no map" 2 $SKEP map top pinned "$tmp/p.c"
same "a folder without maps" 1 "$(mkdir "$tmp/none" && $SKEP map top --pin-dir "$tmp/none" --once \
	--interval 0.01 | wc -l)"

# ---- the kernel's
if ! $SKEP run --on kernel examples/firewall/firewall.o $cap -q > "$tmp/out" 2>&1; then
	skip "the kernel's maps" "programs cannot be loaded into this kernel"
	done_testing
	exit
fi
sed 's/flows/ktopflows/; s/__uint(pinning, 1);//; s/int p(/int ktop_prog(/' "$tmp/p.c" > "$tmp/k.c"
sed -i 's/&flows/\&ktopflows/' "$tmp/k.c"
$SKEP cc "$tmp/k.c" -o "$tmp/k.o"
$SKEP run --on kernel "$tmp/k.o" $cap --repeat 1000000 -q > "$tmp/out" 2>&1 &
busy=$!
i=0
while ! $SKEP map show name ktopflows > "$tmp/out" 2>&1 && [ $i -lt 100 ]; do
	sleep 0.05
	i=$((i + 1))
done
out=$($SKEP map top name ktopflows --once --interval 0.3 --prog-stats -jp)
has "its elements" '"entries": ' "$out"
has "who uses it" '"name": "ktop_prog"' "$out"
# A busy machine may leave the program no turn in the time that was looked at.
runs=0 i=0
while [ "${runs:-0}" -le 100 ] && [ $i -lt 20 ]; do
	runs=$($SKEP map top name ktopflows --once --interval 0.5 --prog-stats -jp |
		sed -n 's/.*"runs_per_s": \([0-9]*\),/\1/p' | head -n 1)
	i=$((i + 1))
done
ok "how often that runs" test "${runs:-0}" -gt 100
out=$($SKEP map top name ktopflows --once --interval 0.05)
ok "as a line" sh -c "echo '$out' | grep -q '^[0-9]*:ktopflows  *hash  *[01]/64  *-  *-  *-  *-  *-  ktop_prog [0-9]*\$'"
kill $busy
wait $busy 2> "$tmp/err"
done_testing
