#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# samples.t: user ring buffers: what a map file puts into them, and the program
# that drains them.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
export CLANG
cap=examples/firewall/traffic.pcapng
both=1
$SKEP run --on kernel examples/firewall/firewall.o $cap -q > /dev/null 2>&1 || both=

cat > "$tmp/drain.c" <<'C'
struct msg { __u32 kind; char text[12]; };
struct { __uint(type, BPF_MAP_TYPE_USER_RINGBUF); __uint(max_entries, 4096); } box SEC(".maps");
struct msg *unused;
long drained, again, bad_flags, sum, text, stops, reads, writes;
static long nothing(struct bpf_dynptr *p, void *ctx) { return 0; }
static long sample(struct bpf_dynptr *p, void *ctx)
{
	struct msg m = {};
	long *stop = ctx;

	again += bpf_user_ringbuf_drain(&box, nothing, 0, 0);
	reads += bpf_dynptr_read(&m, sizeof(m), p, 0, 0);
	writes += bpf_dynptr_write(p, 0, "!", 1, 0);
	sum += m.kind;
	text = text * 31 + m.text[0];
	return m.kind == *stop;
}
SEC("xdp") int drain(struct xdp_md *ctx)
{
	long stop = 77;
	long n = bpf_user_ringbuf_drain(&box, sample, &stop, 0);

	drained += n;
	stops += n != 0;
	bad_flags = bpf_user_ringbuf_drain(&box, sample, &stop, 4);
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
cat > "$tmp/box.json" <<'J'
[{"type": "struct msg", "value": {"kind": 1, "text": "abc"}},
 {"type": "struct msg", "value": {"kind": 77, "text": "stop"}},
 {"type": "struct msg", "value": {"kind": 100, "text": "x"}},
 {"value": "twelve bytes, and some"},
 {"value": []},
 {"value": ["0x01", "0x00", "0x00", "0x00"]},
 {"type": "__u32", "value": 5}]
J
$SKEP cc "$tmp/drain.c" -o "$tmp/drain.o"
out=$($SKEP run "$tmp/drain.o" --map box="$tmp/box.json" $cap 2>&1)
has "all are drained, in two calls" "stops: 2" "$out"
has "how many" "drained: 7" "$out"
has "a callback that drains is refused" "again: -112" "$out"
has "flags" "bad_flags: -22" "$out"
has "short ones are not read in full" "reads: -21" "$out"
if [ -n "$both" ]; then
	has "the kernel gets the same" "agree: 10983 verdicts" \
		"$($SKEP run --on both "$tmp/drain.o" --map box="$tmp/box.json" $cap -q 2>&1)"
else
	skip "the kernel gets the same" "programs cannot be loaded into this kernel"
fi

# refuse JSON PART
refuse()
{
	printf '%s' "$1" > "$tmp/bad.json"
	out=$($SKEP run "$tmp/drain.o" --map box="$tmp/bad.json" $cap 2>&1)
	same "$(printf '%.60s' "$1"): exit status" 2 $?
	has "and the message" "$2" "$out"
}

refuse '[{"type": "struct mag", "value": 1}]' "[0].value: the object has no type 'struct mag'"
refuse '[{"type": "struct msg", "value": {"kin": 1}}]' "kin"
refuse '[{"kind": 1}]' 'a sample is an object with a "value"'
refuse '[{"value": 5}]' 'a sample is given with its "type"'
long=$(printf '%04090d' 0)
refuse "[{\"value\": \"$long\"}]" "it is larger than the buffer"
half=$(printf '%02050d' 0)
refuse "[{\"value\": \"$half\"}, {\"value\": \"$half\"}]" "[1].value: map 'box'"
has "when it is full" "it is full" "$out"

# A sample may not be touched outside its bytes, nor after the callback.
fault()
{
	cat > "$tmp/fault.c" << C
struct { __uint(type, BPF_MAP_TYPE_USER_RINGBUF); __uint(max_entries, 4096); } box SEC(".maps");
char *kept, last;
static long sample(struct bpf_dynptr *p, void *ctx)
{
	char *d = bpf_dynptr_data(p, 0, 3);

	$2
	return 0;
}
SEC("xdp") int drain(struct xdp_md *ctx)
{
	bpf_user_ringbuf_drain(&box, sample, 0, 0);
	$3
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
	echo '[{"value": "abc"}]' > "$tmp/box.json"
	out=$($SKEP run --unverified "$tmp/fault.c" --map box="$tmp/box.json" $cap 2>&1)
	same "$1: exit status" 1 $?
	has "$1: message" "$4" "$out"
}
fault "beyond its bytes" 'last = d ? d[3] : 0;' '' "bytes 3..3 of a sample are read, it has 3"
fault "after the callback" 'kept = d;' 'last = kept ? *kept : 0;' "a sample is read that the program has given back"
fault "the dynptr itself" '*(volatile char *)p = 1;' '' "a dynptr is written, and it is read-only"
done_testing
