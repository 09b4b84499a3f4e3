#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fields.t: locks inside structs of a value, and among variables: what is copied into
# the value or a variable begins with leaves them alone, or a program would wait for ever.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
cap=examples/firewall/traffic.pcapng

cat > "$tmp/locks.c" << 'C'
struct value { long n; struct { long m; struct bpf_spin_lock lock; int count; } in; };
struct bytes { long n; char all[16]; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32);
	__type(value, struct value); } values SEC(".maps");
#define PRIVATE __attribute__((section(".data.mine"), aligned(8)))
PRIVATE struct bpf_spin_lock lock = { 1 };
PRIVATE int count = 1;
SEC("xdp") int nested(void *ctx)
{
	struct bytes b = { 1, "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1" };
	struct value *v;
	int key = 0;

	bpf_map_update_elem(&values, &key, &b, 0);
	v = bpf_map_lookup_elem(&values, &key);
	if (!v)
		return XDP_DROP;
	bpf_spin_lock(&v->in.lock);
	v->in.count++;
	bpf_spin_unlock(&v->in.lock);
	return v->in.m == 0x0101010101010101 ? XDP_PASS : XDP_DROP;
}
SEC("xdp") int variable(void *ctx)
{
	int n;

	bpf_spin_lock(&lock);
	n = count++;
	bpf_spin_unlock(&lock);
	return n ? XDP_PASS : XDP_DROP;
}
char _license[] SEC("license") = "GPL";
C
$SKEP cc "$tmp/locks.c" -o "$tmp/locks.o" > "$tmp/err" 2>&1 || same "compiles" "" "$(cat "$tmp/err")"
for prog in nested variable; do
	for how in "" --unverified; do
		out=$(timeout 60 $SKEP run $how --prog $prog "$tmp/locks.o" $cap -q 2>&1)
		same "$prog $how" 0 $?
		out=$(timeout 60 $SKEP run $how --prog $prog "$tmp/locks.o" $cap 2>&1)
		has "$prog $how: it goes on" "XDP_PASS     10983" "$out"
	done
done
done_testing
