#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# kernel.t: `skep run --on kernel|both`: the running kernel as the engine.
. test/tap.sh
fw=examples/firewall/firewall.o
cap=examples/firewall/traffic.pcapng
deny=examples/firewall/deny.json

status "an engine that is none" 2 $SKEP run --on moon $fw $cap
why=$($SKEP run --on kernel $fw $cap -q 2>&1) || {
	skip "runs on the kernel" "$(printf '%s' "$why" | head -n 1)"
	done_testing
	exit
}
has "both engines agree on the firewall" "agree: 10983 verdicts" \
	"$($SKEP run --on both $fw $cap --map deny=$deny -q)"
plain() { grep -v ns_per_packet | grep -v cpu | tr -d , | sort; }
same "the same verdicts on the kernel" \
	"$($SKEP run $fw $cap --map deny=$deny -q --json | grep XDP_)" \
	"$($SKEP run --on kernel $fw $cap --map deny=$deny -q --json | grep XDP_)"

out=$($SKEP run --on kernel examples/firewall/bad.o $cap 2>&1)
same "a rejected program: exit status" 1 $?
has "the source line" "bad.c:38:17: error: kernel " "$out"
has "the verifier's words" "invalid access to packet, off=26 size=4" "$out"

# What differs is told: the engines have clocks of their own.
cat > "$tmp/clock.c" <<'EOF'
__u64 last;
SEC("xdp") int clock(struct xdp_md *ctx)
{
	last = bpf_ktime_get_ns();
	return last & 1 ? XDP_PASS : XDP_DROP;
}
char _license[] SEC("license") = "GPL";
EOF
out=$($SKEP run --on both "$tmp/clock.c" $cap -q)
same "engines that differ: exit status" 1 $?
has "the packets" ": user XDP_" "$out"
has "the maps" "map .bss: user " "$out"
has "how many" "differ: " "$out"

# A load outside the packet ends the function that it is in, which returns 0.
cat > "$tmp/abs.c" <<'EOF'
static __noinline int at_60(struct __sk_buff *skb)
{
	int r;

	asm volatile("r6 = %[skb]; r0 = *(u8 *)skb[60]; %[r] = 1"
		     : [r] "=r"(r) : [skb] "r"(skb) : "r0", "r1", "r2", "r3", "r4", "r5", "r6");
	return r;
}
SEC("tc") int prog(struct __sk_buff *skb) { return at_60(skb) + 2; }
char _license[] SEC("license") = "GPL";
EOF
has "a load outside the packet in a function" "agree: 10980 verdicts" \
	"$($SKEP run --on both "$tmp/abs.c" $cap -q 2>&1)"
out=$($SKEP run "$tmp/abs.c" $cap 2>&1)
has "short packets" TC_ACT_SHOT "$out"
has "long ones" TC_ACT_PIPE "$out"

# A ring buffer is emptied after each packet, on either side, and compared.
cat > "$tmp/ring.c" <<'EOF'
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");
SEC("xdp") int ring(struct xdp_md *ctx)
{
	__u64 e[2] = { ctx->data_end - ctx->data, 7 };

	return bpf_ringbuf_output(&events, e, sizeof(e), 0) ? XDP_ABORTED : XDP_PASS;
}
char _license[] SEC("license") = "GPL";
EOF
has "records of ring buffers agree" "agree: 10983 verdicts" \
	"$($SKEP run --on both "$tmp/ring.c" $cap -q 2>&1)"
has "records come out of the kernel" "map events (ringbuf): 10983 records" \
	"$($SKEP run --on kernel "$tmp/ring.c" $cap 2>&1)"

# What is wrong with a program is an answer, on either engine.
cat > "$tmp/endless.c" <<'EOF'
int n;
SEC("xdp") int endless(struct xdp_md *ctx) { for (;;) n++; return 1; }
EOF
for on in user kernel both; do
	status "an endless loop: $on" 1 $SKEP run --on $on "$tmp/endless.c" $cap -q
done

# What lies before a packet is not what lay there with the one before.
cat > "$tmp/room.c" <<'EOF'
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, int); __type(value, __u64); __uint(max_entries, 2); } seen SEC(".maps");
static __always_inline void add(int k, __u64 v)
{
	__u64 *p = bpf_map_lookup_elem(&seen, &k);

	if (p)
		*p |= v;
}
SEC("xdp") int room(struct xdp_md *ctx)
{
	__u64 *p;

	if (bpf_xdp_adjust_meta(ctx, -16))
		return XDP_ABORTED;
	p = (void *)(long)ctx->data_meta;
	if ((void *)(p + 2) > (void *)(long)ctx->data)
		return XDP_DROP;
	add(0, p[0] | p[1]);
	p[0] = p[1] = ~0ull;
	if (bpf_xdp_adjust_head(ctx, -64))
		return XDP_ABORTED;
	p = (void *)(long)ctx->data;
	if ((void *)(p + 8) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	add(1, p[0] | p[1] | p[2] | p[3]);
	p[0] = p[1] = p[2] = p[3] = ~0ull;
	return XDP_PASS;
}
EOF
out=$($SKEP run --on both "$tmp/room.c" $cap --json 2> /dev/null)
same "room before packets: exit status" 0 $?
same "room before packets is empty" 4 "$(printf '%s' "$out" | grep -c '"value": 0$')"

# Nothing is left in the kernel, not even after a kill.
if command -v bpftool > /dev/null && command -v jq > /dev/null; then
	mine() { bpftool -j prog show | jq '[.[] | select(.name == "firewall")] | length'; }
	before=$(mine)
	$SKEP run --on kernel $fw - -q < /dev/zero > /dev/null 2>&1
	mkfifo "$tmp/fifo"
	$SKEP run --on kernel $fw "$tmp/fifo" -q > /dev/null 2>&1 &
	pid=$!
	exec 9> "$tmp/fifo"
	sleep 0.2
	kill -KILL $pid
	wait $pid 2> /dev/null
	exec 9>&-
	same "a killed run leaves nothing in the kernel" "$before" "$(mine)"
else
	skip "a killed run leaves nothing in the kernel" "no bpftool or jq"
fi
done_testing
