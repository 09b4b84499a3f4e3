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
	has "for the same reason" "bytes 70..70 of the packet are read" \
		"$($SKEP replay "$tmp/b.rec" -v 2>&1)"
else
	skip "a changed program" "no clang"
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
