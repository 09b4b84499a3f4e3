#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# as.t: `skep verify --as`: the verdicts of other kernels. Where the running kernel is one
# that tables know, its own verdicts are compared with those said to be its.
. test/tap.sh
fw=examples/firewall/firewall.o

out=$($SKEP verify --as 6.1,6.18 $fw examples/constructs/loops.o 2>"$tmp/err")
same "exit status" 1 $?
has "a column for each kernel" "insns  6.1       6.18" "$out"
has "what all have" "184    ok        ok" "$out"
has "what came later" "253    rejected  ok" "$out"
has "is told with the version that brought it" \
	"error: the instruction: may_goto came with Linux 6.9 [SKEP-E0171] (6.1 only)" "$(cat "$tmp/err")"
out=$($SKEP verify --as 5.10,6.1 $fw 2>&1)
has "nobody asked 5.10" "ok?   ok" "$out"
has "which is said" "no kernel before 6.1 was asked" "$out"
status "what all accept" 0 $SKEP verify --as 5.10,6.18 $fw
many=5.4,5.5,5.6,5.7,5.8,5.9,5.10,5.11,5.12,5.13,5.14,5.15,5.16,5.17,5.18,5.19,6.0,6.1,6.2,6.3
status "all versions" 0 $SKEP verify --as $many,6.4,6.5,6.6,6.7,6.8,6.9,6.10,6.11,6.12,6.18 $fw
status "no version" 2 $SKEP verify --as old $fw
status "nor with a letter behind it" 2 $SKEP verify --as 6.1x $fw
status "a distribution's" 0 $SKEP verify --as 6.1.0-18-amd64 $fw
status "a range" 2 $SKEP verify --as 5.15..6.6 $fw
status "a space behind the comma" 0 $SKEP verify --as '6.1, 6.18' $fw
status "one that nobody knows" 2 $SKEP verify --as 4.9 $fw
has "what is known" "5.4 to 6.18" "$($SKEP verify --as 4.9 $fw 2>&1)"
status "twice" 2 $SKEP verify --as 6.1,6.1 $fw
has "a newer one than it knows" "Linux 99.1 is newer than this skep, which knows what 5.4 to 6.18" \
	"$($SKEP verify --as 99.1 $fw 2>&1)"
has "and what to ask instead" "newer kernels hardly ever refuse: --as 6.18" \
	"$($SKEP verify --as 6.19 $fw 2>&1)"
status "not with a log" 2 $SKEP verify --as 6.1 --log kernel $fw
mkdir "$tmp/none"
status "a folder without types" 2 $SKEP verify --btf "$tmp/none" $fw
if command -v jq >/dev/null; then
	same "JSON" "5.10 ok false;6.1 ok true" "$($SKEP verify --json --as 5.10,6.1 $fw \
		2>/dev/null | jq -r '[.programs[] | "\(.as) \(.verdict) \(.asked)"] | sort | join(";")')"
else
	skip "JSON" "no jq"
fi

# A rule that changed: the note says since when the program is accepted.
if [ -n "$CLANG" ]; then
	export CLANG
	cat >"$tmp/key.c" <<-'EOF'
	#include <linux/bpf.h>
	#include <bpf/bpf_helpers.h>
	struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4);
		__type(key, int); __type(value, long); } stats SEC(".maps");
	SEC("xdp") int count(struct xdp_md *ctx)
	{
		int key = 0;
		long *n = bpf_map_lookup_elem(&stats, &key);
		*n += 1;
		return XDP_PASS;
	}
	EOF
	$SKEP cc "$tmp/key.c" -o "$tmp/key.o"
	out=$($SKEP verify --as 6.1,6.18 "$tmp/key.o" 2>"$tmp/err")
	has "one kernel knows that the key exists" "rejected  ok" "$out"
	has "the other does not" "may be NULL [SKEP-E0107] (6.1 only)" "$(cat "$tmp/err")"
	has "and since when" "note: from 6.14 on, a constant key inside an array map is known to exist" \
		"$(cat "$tmp/err")"
fi

# The types of each kernel: a folder.
if [ -r /sys/kernel/btf/vmlinux ]; then
	mkdir "$tmp/btf"
	cp /sys/kernel/btf/vmlinux "$tmp/btf/6.18.5.btf"
	$SKEP btf dump file "$tmp/btf/6.18.5.btf" >/dev/null 2>&1 &&
		cp "$tmp/btf/6.18.5.btf" "$tmp/btf/6.1.btf"
	mkdir "$tmp/cut"
	head -c 100000 /sys/kernel/btf/vmlinux >"$tmp/cut/6.1.btf"
	out=$($SKEP verify --btf "$tmp/cut" examples/constructs/loops.o 2>&1)
	same "types that are cut: exit status" 2 $?
	has "are told, though nobody needs them" "6.1.btf: error:" "$out"
	has "a folder of types" "6.1  6.18.5" "$($SKEP verify --btf "$tmp/btf" $fw 2>/dev/null)"
else
	skip "a folder of types" "no types of this kernel"
fi

# The running kernel's own verdict on every program at hand.
release=$(uname -r | sed -n 's/^\([0-9]*\.[0-9]*\).*/\1/p')
if ! $SKEP verify --as "$release" $fw >/dev/null 2>&1; then
	skip "the running kernel's verdicts" "Linux $release is not one that tables know"
	done_testing
fi
# OBJ: "program verdict" of what both answer.
compare() # OBJ
{
	$SKEP verify --on both "$1" 2>"$tmp/kernel.err" | awk 'NR > 1 && $NF != "answer" {
		print $1, $NF }' | sort >"$tmp/kernel"
	$SKEP verify --as "$release" "$1" 2>"$tmp/as.err" | awk 'NR > 1 {
		print $1, ($(NF - 1) == "not" ? "not" : $NF) }' | sort >"$tmp/as"
	join "$tmp/kernel" "$tmp/as" 2>/dev/null | awk '$3 != "not" && $2 != $3'
}
if [ "$($SKEP verify --on both $fw 2>/dev/null | awk 'NR == 2 { print $NF }')" != ok ]; then
	skip "the running kernel's verdicts" "the kernel loads nothing here"
	done_testing
fi
# A program for each rule and each instruction that has a date.
bare() # NAME PROGRAM [TYPE]
{
	printf '%s\n' "$2" >"$tmp/bare.s"
	$SKEP asm "$tmp/bare.s" -o "$tmp/bare.bin" || return
	same "as $release: $1" "$($SKEP verify --type ${3:-xdp} --on both "$tmp/bare.bin" 2>"$tmp/kernel.err" |
		awk 'NR == 2 { print $NF }')" \
		"$($SKEP verify --type ${3:-xdp} --as "$release" "$tmp/bare.bin" 2>/dev/null |
		awk 'NR == 2 { print $NF }')"
}
# The same, and that kernels have it from VERSION on, and 6.1 not.
since() # VERSION NAME PROGRAM [TYPE]
{
	bare "$2" "$3" ${4-}
	same "$2: 6.1, and $1" "rejected ok" "$($SKEP verify --type ${4:-xdp} --as 6.1,$1 \
		"$tmp/bare.bin" 2>"$tmp/since.err" | awk 'NR == 2 { print $(NF - 1), $NF }')"
}
use='r2 = r10; r2 += -16; r2 += r1; *(u8 *)(r2 + 0) = 0; r0 = 2; exit'
bare "a constant that is stored" "*(u64 *)(r10 - 8) = 4; r1 = *(u64 *)(r10 - 8); $use"
bare "half of one" "*(u32 *)(r10 - 8) = 4; r1 = *(u32 *)(r10 - 8); $use"
bare "half a register" "r1 = 4; *(u32 *)(r10 - 8) = r1; r1 = *(u32 *)(r10 - 8); $use"
bare "a byte of it" "r1 = 4; *(u8 *)(r10 - 8) = r1; r1 = *(u8 *)(r10 - 8); $use"
bare "the stack at a variable offset" "r1 = *(u32 *)(r1 + 16); r1 &= 7; $use"
bare "sdiv" "r0 = 8; r0 s/= 3; exit"
bare "smod by a register" "r0 = 8; r1 = 3; w0 s%= w1; exit"
bare "movsx" "r1 = 200; r0 = (s8)r1; r0 = 2; exit"
bare "bswap" "r0 = 2; r0 = bswap32 r0; r0 = 2; exit"
bare "gotol" "r0 = 2; gotol +0; exit"
bare "ldsx" "*(u64 *)(r10 - 8) = 4; r0 = *(s8 *)(r10 - 8); r0 = 2; exit"
bare "fetch" "*(u64 *)(r10 - 8) = 4; r1 = 1; r1 = atomic_fetch_add((u64 *)(r10 - 8), r1);
	r0 = 2; exit"
bare "cmpxchg" "*(u64 *)(r10 - 8) = 4; r0 = 4; r1 = 1; r0 = cmpxchg_64(r10 - 8, r0, r1);
	r0 = 2; exit"
bare "may_goto" "r0 = 2; may_goto +1; goto -2; exit"
bare "load_acquire" "*(u64 *)(r10 - 8) = 4; r0 = load_acquire((u64 *)(r10 - 8)); r0 = 2; exit"
bare "store_release" "r1 = 4; store_release((u64 *)(r10 - 8), r1); r0 = 2; exit"
bare "a loop" "r0 = 0; r0 += 1; if r0 < 100 goto -2; exit"
bare "signed and unsigned bounds" "r1 = *(u32 *)(r1 + 16); *(u64 *)(r10 - 16) = r1;
	r1 = *(u64 *)(r10 - 16); r2 = -1; if r1 > 7 goto +5; if r1 s> 1 goto +4; r2 = r10; r2 += -16;
	r2 += r1; *(u8 *)(r2 + 0) = 0; r0 = 2; exit"
bare "two that are equal" "call get_prandom_u32#7; r6 = r0; call get_prandom_u32#7;
	if r0 > 7 goto +5; if r6 != r0 goto +4; r2 = r10; r2 += -16; r2 += r6; *(u8 *)(r2 + 0) = 0;
	r0 = 2; exit"
since 6.8 "two numbers that vary" "call get_prandom_u32#7; r6 = r0; call get_prandom_u32#7;
	r6 &= 255; if r0 > 7 goto +5; if r6 > r0 goto +4; r2 = r10; r2 += -16; r2 += r6;
	*(u8 *)(r2 + 0) = 0; r0 = 2; exit"
bare "their lower halves" "call get_prandom_u32#7; r6 = r0; call get_prandom_u32#7;
	if w0 > 7 goto +5; if w6 > w0 goto +4; r2 = r10; r2 += -16; r2 += r6; *(u8 *)(r2 + 0) = 0;
	r0 = 2; exit"
since 6.8 "not one of two" "call get_prandom_u32#7; r1 = r0; r1 &= 8; if r1 == 8 goto +4; r2 = r10;
	r2 += -8; r2 += r1; *(u8 *)(r2 + 0) = 0; r0 = 2; exit"
since 6.8 "not the greatest" "call get_prandom_u32#7; r1 = r0; if r1 > 8 goto +5;
	if r1 == 8 goto +4; r2 = r10; r2 += -8; r2 += r1; *(u8 *)(r2 + 0) = 0; r0 = 2; exit"
bare "a quotient" "call get_prandom_u32#7; r1 = r0; r1 &= 255; r1 /= 64; r2 = r10; r2 += -8;
	r2 += r1; *(u8 *)(r2 + 0) = 0; r0 = 2; exit"
bare "a remainder" "call get_prandom_u32#7; r1 = r0; r1 %= 8; r2 = r10; r2 += -8; r2 += r1;
	*(u8 *)(r2 + 0) = 0; r0 = 2; exit"
since 6.17 "a negative" "call get_prandom_u32#7; r1 = r0; r1 &= 7; r1 = -r1; r2 = r10; r2 += r1;
	r2 += -1; *(u8 *)(r2 + 0) = 0; r0 = 2; exit"
bare "half a copy" "call get_prandom_u32#7; w1 = w0; if r0 > 7 goto +4; r2 = r10; r2 += -8;
	r2 += r1; *(u8 *)(r2 + 0) = 0; r0 = 2; exit"
bare "a copy" "call get_prandom_u32#7; r1 = r0; if r0 > 7 goto +4; r2 = r10; r2 += -8;
	r2 += r1; *(u8 *)(r2 + 0) = 0; r0 = 2; exit"
since 6.11 "a copy and one more" "call get_prandom_u32#7; r0 &= 255; r1 = r0; r1 += 1;
	if r0 > 6 goto +4; r2 = r10; r2 += -8; r2 += r1; *(u8 *)(r2 + 0) = 0; r0 = 2; exit"
since 6.9 "a part of a spilled number" "call get_prandom_u32#7; r0 &= 7; *(u64 *)(r10 - 8) = r0;
	r1 = *(u32 *)(r10 - 8); $use"
since 6.9 "a byte of one" "call get_prandom_u32#7; r0 &= 7; *(u64 *)(r10 - 8) = r0;
	r1 = *(u8 *)(r10 - 8); $use"
since 6.9 "a spilled copy" "call get_prandom_u32#7; *(u64 *)(r10 - 24) = r0; if r0 > 7 goto +5;
	r1 = *(u64 *)(r10 - 24); $use"
bare "half a spilled copy" "call get_prandom_u32#7; *(u32 *)(r10 - 24) = r0; if r0 > 7 goto +5;
	r1 = *(u32 *)(r10 - 24); $use"
since 6.7 "a loop from its middle" "r1 = 0; goto +1; r1 += 1; if r1 < 100 goto -2; r0 = 2; exit"
since 6.4 "a constant in the context" "*(u32 *)(r1 + 8) = 7; r0 = 2; exit" sched_cls
since 6.10 "get_current_pid_tgid, which came to this type later" "call get_current_pid_tgid#14;
	r0 = 2; exit"
since 6.16 "get_current_uid_gid, which came to this type later" "call get_current_uid_gid#15; r0 = 2;
	exit"
since 6.15 "get_netns_cookie, which came to this type later" "r1 = 0; call get_netns_cookie#122;
	r0 = 2; exit" sched_cls
bare "a helper of 6.1" "call ktime_get_tai_ns#208; r0 = 2; exit"
if [ -n "$CLANG" ]; then
	cat >"$tmp/rules.c" <<-'EOF'
	#include <linux/bpf.h>
	#include <bpf/bpf_helpers.h>
	struct locked { struct bpf_spin_lock lock; long n; };
	struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1);
		__type(key, int); __type(value, struct locked); } values SEC(".maps");
	static __attribute__((noinline)) long twice(long n) { return n * 2; }
	SEC("tc") int calls_locked(struct __sk_buff *skb)
	{
		int key = 0;
		struct locked *v = bpf_map_lookup_elem(&values, &key);
		if (!v)
			return 0;
		bpf_spin_lock(&v->lock);
		v->n = twice(v->n);
		bpf_spin_unlock(&v->lock);
		return 0;
	}
	SEC("tc") int time_type(struct __sk_buff *skb) { return skb->tstamp_type; }
	SEC("tc") int hw(struct __sk_buff *skb) { return skb->hwtstamp; }
	SEC("xdp.frags") int frags(struct xdp_md *ctx) { return XDP_PASS; }
	char _license[] SEC("license") = "GPL";
	EOF
	$SKEP cc "$tmp/rules.c" -o "$tmp/rules.o"
	same "as $release: rules" "" "$(compare "$tmp/rules.o")"
	same "as $release: a sure key" "" "$(compare "$tmp/key.o")"
fi
for obj in examples/*/*.o; do
	same "as $release: $obj" "" "$(compare "$obj")"
	[ ! -s "$tmp/kernel" ] || grep -h 'kernel:\|error' "$tmp/kernel.err" | head -n 5 | sed 's/^/# /'
done
done_testing
