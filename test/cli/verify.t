#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# verify.t: verdicts of `skep verify`, their reasons, and the kernel's.
. test/tap.sh
fw=examples/firewall/firewall.o
bad=examples/firewall/bad.o

ok "a safe program" $SKEP verify $fw
has "its line" "firewall  xdp      184    ok" "$($SKEP verify $fw)"
status "an unsafe one" 1 $SKEP verify $bad
out=$($SKEP verify $bad 2>&1)
has "where and what" "bad.c:38:17: error: bytes 26..29 of the packet are read, only 14" "$out"
has "the check that is too weak" "bad.c:34:6: note: the last check against data_end on this path proves 14 bytes" "$out"
has "the source line" "   38 | 	key.addr = ip->saddr;" "$out"
has "the kernel's words" "kernel: invalid access to packet, off=26 size=4, R1(id=0,off=26,r=14)" "$out"
has "explained" "of the packet" "$($SKEP explain SKEP-E0201)"
status "usage" 2 $SKEP verify
status "no such policy" 2 $SKEP verify --policy none $fw

verdict() # TYPE CODE: the verdict on instructions
{
	printf '%s\n' "$2" > "$tmp/code.s"
	$SKEP asm "$tmp/code.s" -o "$tmp/code.bin" &&
		$SKEP verify --type "$1" "$tmp/code.bin" 2> "$tmp/err" |
		sed -n '2s/.*  \(ok\|rejected\|not judged\) .*/\1/p'
}
says_in() # TYPE WHAT ID CODE
{
	same "$2" rejected "$(verdict "$1" "$4")"
	has "$2: reason" "[SKEP-E$3]" "$(cat "$tmp/err")"
}
says() { says_in xdp "$@"; }
same "nothing wrong" ok "$(verdict xdp 'r0 = 2; exit')"
says "unset result" 0101 'exit'
says "write to r10" 0102 'r10 = 1; r0 = 0; exit'
says "product of a pointer" 0103 'r1 *= 2; r0 = 0; exit'
says "difference of pointer and number" 0110 'r0 = 0; r0 -= r1; exit'
says "division by 0" 0121 'r0 = 1; r0 /= 0; exit'
says "shift" 0122 'r0 = 1; r0 <<= 64; exit'
says "unreachable code" 0151 'r0 = 0; exit; r0 = 1; exit'
says "no end" 0153 'r0 = 0'
says "endless loop" 0154 'r0 = 0; if r0 == 0 goto -1; exit'
says "frame" 0204 'r0 = *(u64 *)(r10 - 520); exit'
says "context" 0206 'r0 = *(u32 *)(r1 + 200); exit'
says "alignment" 0207 '*(u64 *)(r10 - 12) = 0; r0 = 0; exit'
says "a number stored by ST, pruned" 0112 'call 7; r6 = r0; call 7; r0 &= 15
	*(u64 *)(r10 - 16) = 0; if r0 < 5 goto +2; r6 = *(u64 *)(r10 - 16); r1 = 1
	if r0 < 9 goto +0; r1 = r10; r1 += r6; r0 = *(u8 *)(r1 - 2); exit'
says "moved context" 0209 'r1 += 4; r0 = *(u32 *)(r1 + 0); exit'
says "number as address" 0120 'r1 = 4096; r0 = *(u32 *)(r1 + 0); exit'
says "no such helper" 0351 'call 9999; exit'
says "helper of other types" 0352 'r1 = 0; r2 = 0; r3 = 0; r4 = 0; r5 = 0; call 49; exit'
says "a linked number plus itself" 0120 'call 7; r8 = r0; r9 = r0; if r8 != 21 goto +3; r8 += r8;
	call 7; if r0 == r8 goto +2; r0 = 0; exit; r1 = 0; r0 = *(u32 *)(r1 + 0); exit'

long='r1 = 0; r2 = r1; r1 += 1; if r1 < 400000 goto -3; r0 = 0; exit'
same "a long loop" ok "$(verdict xdp "$long")"
has "what the kernel may say" "--policy kernel" "$(cat "$tmp/err")"
says "a long loop that stands" 0154 \
	'r1 = 0; r2 = r1; r1 += 1; r1 -= 1; if r1 < 400000 goto -4; r0 = 0; exit'
printf '%s\n' "$long" > "$tmp/code.s"
$SKEP asm "$tmp/code.s" -o "$tmp/code.bin"
status "a long loop, the kernel's way" 1 $SKEP verify --policy kernel --type xdp "$tmp/code.bin"
says_in raw_tracepoint.w "before a tracepoint's buffer" 0234 \
	'r1 = *(u64 *)(r1 + 0); r0 = *(u64 *)(r1 - 8); exit'
same "in it" ok "$(verdict raw_tracepoint.w 'r1 = *(u64 *)(r1 + 0); r0 = *(u64 *)(r1 + 8); exit')"
sk='r1 = *(u64 *)(r1 + 168); r0 = 0; if r1 == 0 goto +2'
same "a socket's field" ok "$(verdict tc "$sk; r0 = *(u32 *)(r1 + 4); r0 = 0; exit")"
says_in tc "no field of a socket" 0229 "$sk; r0 = *(u64 *)(r1 + 4); r0 = 0; exit"
says_in tc "a socket that may be NULL" 0107 'r1 = *(u64 *)(r1 + 168); r0 = *(u32 *)(r1 + 4); exit'
lookup='r6 = r1; *(u64 *)(r10 - 8) = 0; *(u64 *)(r10 - 16) = 0; r2 = r10; r2 += -16
	r3 = 12; r4 = -1; r5 = 0; call 84'
same "a socket given back" ok "$(verdict tc "$lookup; if r0 == 0 goto +2; r1 = r0; call 86
	r0 = 0; exit")"
says_in tc "a socket kept" 0305 "$lookup; r0 = 0; exit"
says_in tc "a socket given back twice" 0354 "$lookup; if r0 == 0 goto +4; r7 = r0; r1 = r0
	call 86; r1 = r7; call 86; r0 = 0; exit"
says_in tc "a TCP socket after its socket was given back" 0120 "$lookup; if r0 == 0 goto +9
	r7 = r0; r1 = r0; call 96; r8 = r0; r1 = r7; call 86; if r8 == 0 goto +1
	r0 = *(u32 *)(r8 + 0); r0 = 0; exit"
says_in tc "a socket that was not acquired" 0306 "$sk; call 86; r0 = 0; exit"
says_in kprobe "a helper that sleeps" 0391 \
	'r1 = r10; r1 += -8; r2 = 8; r3 = 0; call 148; r0 = 0; exit'
says_in perf_event "outside of functions" 0392 'call 173; r0 = 0; exit'
says_in syscall "storage without a trace" 0379 'r1 = 0; r2 = 0; call 108; r0 = 0; exit'
says "a call through a register" 0169 'r2 = 0; callx r2; r0 = 0; exit'
same "registers of a kprobe" ok "$(verdict kprobe 'r0 = *(u64 *)(r1 + 160); exit')"
says_in kprobe "behind them" 0206 'r0 = *(u64 *)(r1 + 168); exit'

# forms for programs
has "JSON: the reason" '"id": "SKEP-E0201"' "$($SKEP verify --json $bad 2>/dev/null)"
has "JSON: its line" '"line": 38' "$($SKEP verify --json $bad 2>/dev/null)"
status "JSON: exit status" 1 $SKEP verify --json $bad
status "SARIF" 1 $SKEP verify --sarif "$tmp/out.sarif" $bad $fw
has "SARIF: version" '"version": "2.1.0"' "$(cat "$tmp/out.sarif")"
same "SARIF: one result" 1 "$(grep -c '"ruleId"' "$tmp/out.sarif")"
cat >"$tmp/broken.c" <<'EOF'
int f( { return }
EOF
if [ -n "$CLANG" ]; then
	export CLANG
	status "a source that does not compile" 2 $SKEP verify --sarif "$tmp/b.sarif" "$tmp/broken.c"
	has "is a result" '"ruleId": "SKEP-E0007"' "$(cat "$tmp/b.sarif")"
	has "at its file" "\"uri\": \"$tmp/broken.c\"" "$(cat "$tmp/b.sarif")"
	out=$($SKEP verify --sarif "$tmp/b.sarif" "$tmp/broken.c" $bad $fw 2>&1)
	same "with others: exit status" 1 $?
	same "which are judged" "SKEP-E0007 SKEP-E0201" "$(sed -n 's/.*"ruleId": "\(.*\)",/\1/p' \
		"$tmp/b.sarif" | tr '\n' ' ' | sed 's/ $//')"
	status "without a document nothing is" 2 $SKEP verify "$tmp/broken.c" $bad
fi
has "SARIF: place" '"startLine": 38' "$(cat "$tmp/out.sarif")"
status "figures are saved" 1 $SKEP verify --save "$tmp/figures" $bad $fw
status "figures: nothing changed" 0 $SKEP verify --compare "$tmp/figures" $bad $fw
same "figures: ... and it says so" "nothing changed" \
	"$($SKEP verify --compare "$tmp/figures" $bad $fw 2>/dev/null)"
sed 's/rejected/ok/' "$tmp/figures" > "$tmp/other"
status "figures: a verdict changed" 1 $SKEP verify --compare "$tmp/other" $bad $fw
has "figures: which" "ok -> rejected" "$($SKEP verify --compare "$tmp/other" $bad $fw 2>/dev/null)"
status "figures: a program is gone" 1 $SKEP verify --compare "$tmp/figures" $fw
echo rubbish > "$tmp/other"
status "figures: another file" 2 $SKEP verify --compare "$tmp/other" $fw
status "figures: no file" 2 $SKEP verify --compare "$tmp/none" $fw
status "figures: not with JSON" 2 $SKEP verify --json --compare "$tmp/figures" $fw

# the kernel's log, and what ids mean
log=$($SKEP verify --log kernel $bad)
has "log: the last instruction" "13: (61) r1 = *(u32 *)(r1 +26)" "$log"
has "log: the line" "invalid access to packet, off=26 size=4, R1(id=0,off=26,r=14)" "$log"
has "log: statistics" "processed 14 insns (limit 1000000)" "$log"
same "log: nothing but statistics of what is safe" 1 "$($SKEP verify --log kernel $fw 2>/dev/null | wc -l)"
same "log: all paths" 1 \
	"$($SKEP verify --log kernel --log-level 2 $fw 2>/dev/null | grep -c "from 11 to 128: safe")"
status "log: no such level" 2 $SKEP verify --log kernel --log-level 3 $fw
has "explain: an example" "	r2 = *(u32 *)(r1 + 0)" "$($SKEP explain 201)"
has "explain: all ids" "SKEP-E0107  'p' may be NULL" "$($SKEP explain)"
same "explain: no keys are left" "" "$($SKEP explain | grep '[{}]')"

# constants that a loader may set
has "judged for values" "was judged for vlan_tags_max = 2, count_sources = 1" \
	"$($SKEP verify $fw 2>&1 > /dev/null)"
status "for every value" 0 $SKEP verify --set count_sources=any $fw
same "for every value: nothing to say about it" 0 \
	"$($SKEP verify --set count_sources=any $fw 2>&1 | grep -c "count_sources =")"
status "no such constant" 2 $SKEP verify --set none=any $fw

# definitions of maps
if [ -n "$CLANG" ]; then
	cat > "$tmp/maps.c" <<-'E'
	#define MAP(name, kind, n, k, v) struct { __uint(type, kind); __uint(max_entries, n); \
		__type(key, k); __type(value, v); } name SEC(".maps");
	MAP(wide_key, BPF_MAP_TYPE_ARRAY, 4, __u64, int)
	MAP(no_entries, BPF_MAP_TYPE_HASH, 0, int, int)
	MAP(no_flag, BPF_MAP_TYPE_LPM_TRIE, 4, __u64, int)
	MAP(of_task, BPF_MAP_TYPE_TASK_STORAGE, 0, int, int)
	MAP(frames, BPF_MAP_TYPE_STACK_TRACE, 4, int, char[12])
	struct locked { struct bpf_spin_lock lock; int n; };
	MAP(old, BPF_MAP_TYPE_LRU_HASH, 4, int, struct locked)
	MAP(good, BPF_MAP_TYPE_HASH, 4, int, int)
	struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4);
		__type(key, int); __type(value, long); };
	struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 1);
		__type(key, int); __array(values, struct inner); } good_outer SEC(".maps");
	struct { __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS); __uint(max_entries, 1);
		__type(key, int); __type(value, int); } no_inner SEC(".maps");
	SEC("xdp") int p(struct xdp_md *ctx) { return XDP_PASS; }
	E
	ok "maps compile" $SKEP cc "$tmp/maps.c" -o "$tmp/maps.o"
	status "maps that the kernel does not make" 1 $SKEP verify "$tmp/maps.o"
	out=$($SKEP verify "$tmp/maps.o" 2>&1)
	has "a key" "error: array map 'wide_key': key_size is 8, not 4 (EINVAL) [SKEP-E0701]" "$out"
	has "a flag" "error: lpm_trie map 'no_flag': map_flags lack BPF_F_NO_PREALLOC" "$out"
	has "values of tasks" "error: task_storage map 'of_task': it wants the flag BPF_F_NO_PREALLOC" "$out"
	has "frames" "error: stack_trace map 'frames': value_size is 12" "$out"
	has "locks" "error: lru_hash map 'old': values of this type have no spin locks" "$out"
	has "what a loader may give" "warning: hash map 'no_entries': max_entries is 0" "$out"
	has "which inner map" "warning: hash_of_maps map 'no_inner': it has no inner map (EBADF)" "$out"
	same "nothing of a good one" 0 "$(printf '%s\n' "$out" | grep -c "'good")"
	has "in JSON" '"error": "array map' "$($SKEP verify --json "$tmp/maps.o" 2> /dev/null)"
fi

if [ "$($SKEP verify --on both $fw 2>/dev/null | awk 'NR == 2 { print $NF }')" != ok ]; then
	skip "the kernel's verdicts" "the kernel loads nothing here"
	done_testing
fi
for obj in examples/*/*.o; do
	out=$($SKEP verify --on both "$obj" 2>&1)
	same "as the kernel: $obj" "" \
		"$(printf '%s\n' "$out" | awk '/^program /{t = 1; next} t && !/not judged/ && $4 != $NF')"
done

# 60 calls in each of 6 levels: their number has a limit, the search for it an end
if [ -n "$CLANG" ]; then
	{
		echo '#define CALLS(f, g) static __attribute__((noinline, naked)) int f(void) \'
		echo '{ asm volatile(".rept 60; call %[g0]; .endr; r0 = 0; exit;" :: [g0]"i"(g) : "r0"); }'
		echo 'static __attribute__((noinline, naked)) int f7(void)'
		echo '{ asm volatile("r0 = 0; exit;" ::: "r0"); }'
		for n in 6 5 4 3 2 1; do echo "CALLS(f$n, f$((n + 1)))"; done
		echo '__attribute__((noinline, naked)) int global(void)'
		echo '{ asm volatile("call %[f]; r0 = 0; exit;" :: [f]"i"(f1) : "r0"); }'
		echo 'SEC("xdp") __attribute__((naked)) int p(void)'
		echo '{ asm volatile("call %[f]; r0 = 0; exit;" :: [f]"i"(global) : "r0"); }'
	} > "$tmp/calls.c"
	ok "many calls compile" $SKEP cc "$tmp/calls.c" -o "$tmp/calls.o"
	status "many calls end" 1 timeout 10 $SKEP verify "$tmp/calls.o"
fi
# What is written is none of what is read.
cp $fw "$tmp/own.o"
for option in --save --sarif; do
	status "$option on its input" 2 $SKEP verify "$tmp/own.o" $option "$tmp/own.o"
done
ok "which stays" cmp $fw "$tmp/own.o"
status "--save and --sarif to one file" 2 $SKEP verify $fw --save "$tmp/one" --sarif "$tmp/one"
status "--log and --json" 2 $SKEP verify $fw --log kernel --json

# New programs are a change, no figures no answer.
ok "figures" $SKEP verify $fw --save "$tmp/figures"
out=$($SKEP verify $fw examples/firewall/bad.o --compare "$tmp/figures" 2>/dev/null)
same "a new program: exit status" 1 $?
has "a new program" "new -> rejected" "$out"
status "no figures" 2 $SKEP verify $fw --compare /dev/null
has "a column says which of several objects" "object  " \
	"$($SKEP verify examples/firewall/firewall.o examples/firewall/bad.o 2>/dev/null)"
status "a level of no log" 2 $SKEP verify --log-level 2 examples/firewall/firewall.o
done_testing
