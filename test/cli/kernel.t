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

# What differs is told: the engines have clocks and random numbers of their own.
cat > "$tmp/clock.c" <<'EOF'
__u64 last;
SEC("xdp") int clock(struct xdp_md *ctx)
{
	last = bpf_ktime_get_ns();
	return bpf_get_prandom_u32() & 1 ? XDP_PASS : XDP_DROP;
}
char _license[] SEC("license") = "GPL";
EOF
out=$($SKEP run --on both "$tmp/clock.c" $cap -q)
same "engines that differ: exit status" 1 $?
has "the packets" ": user XDP_" "$out"
has "the maps" "map .bss: user " "$out"
has "how many" "differ: " "$out"
has "what each engine has of its own" \
	"calls bpf_get_prandom_u32, and each engine has its own random numbers" \
	"$($SKEP run --on both "$tmp/clock.c" $cap -q 2>&1)"

# A repeated run finds what the one before left: the packet, where it begins, its fields.
cat > "$tmp/again.c" <<'EOF'
SEC("xdp") int count(struct xdp_md *ctx)
{
	unsigned char *p = (void *)(long)ctx->data;

	if ((void *)(p + 14) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	return ++p[0] & 3;
}
SEC("xdp") int grow(struct xdp_md *ctx) { return bpf_xdp_adjust_head(ctx, -8) ? 1 : 2; }
SEC("tc") int mark(struct __sk_buff *skb)
{
	skb->priority += ++skb->cb[0];
	return ++skb->mark & 3;
}
char _license[] SEC("license") = "GPL";
EOF
few=examples/nat64/outgoing.pcap
for n in 1 2 5 40; do
	for prog in count grow mark; do
		has "$n times $prog" "agree: " \
			"$($SKEP run --on both --repeat $n --prog $prog "$tmp/again.c" $few -q 2>&1)"
	done
done
has "40 times is more than the room in front" "XDP_DROP" \
	"$($SKEP run --repeat 40 --prog grow "$tmp/again.c" $few)"

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

# Every type that takes packets and has a test run.
for sec in xdp tc action socket cgroup_skb/egress lwt_in lwt_out lwt_xmit; do
	cat > "$tmp/type.c" <<EOF
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 4096);
	__type(value, __u32); } seen SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LRU_HASH); __uint(max_entries, 64);
	__type(key, __u32); __type(value, __u32); } last SEC(".maps");
__u64 runs;
SEC("$sec") int type(void *ctx)
{
	__u32 n = ++runs;

	bpf_map_push_elem(&seen, &n, 0);
	bpf_map_update_elem(&last, &n, &n, 0);
	return n & 1;
}
char _license[] SEC("license") = "GPL";
EOF
	out=$($SKEP run --on both "$tmp/type.c" $cap -q 2>&1)
	has "$sec: both engines agree" " agree: 109" "$out"
done
has "what LRU maps gave up is told, not compared" \
	"which ones maps of type lru_hash give up" "$out"

# Queues are compared, too.
cat > "$tmp/queue.c" <<'EOF'
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 4096);
	__type(value, __u32); } seen SEC(".maps");
SEC("xdp") int queue(struct xdp_md *ctx)
{
	__u32 n = bpf_get_prandom_u32();

	return bpf_map_push_elem(&seen, &n, 0) ? XDP_PASS : XDP_DROP;
}
char _license[] SEC("license") = "GPL";
EOF
has "values of queues that differ" "map seen: user value 0, kernel another" \
	"$($SKEP run --on both "$tmp/queue.c" $cap -q 2>&1)"

# Why the kernel says no.
cat > "$tmp/f.c" <<'EOF'
SEC("fentry/vfs_raed") int f(__u64 *ctx) { return 0; }
char _license[] SEC("license") = "GPL";
EOF
out=$($SKEP run --on kernel --prog f "$tmp/f.c" $cap 2>&1)
same "a function that the kernel lacks: exit status" 2 $?
has "is named" "has no function 'vfs_raed'" "$out"
has "with the nearest" "did you mean 'vfs_read'?" "$out"

# Without rights each one that is missing is named.
nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
cp $fw $cap "$tmp" && chmod 755 "$tmp" && chmod 644 "$tmp"/*.o "$tmp"/*.pcapng
if [ "$(id -u)" = 0 ] && nobody $SKEP --help > /dev/null 2>&1; then
	out=$(nobody $SKEP run --on kernel "$tmp/firewall.o" "$tmp/traffic.pcapng" 2>&1)
	same "without rights: exit status" 2 $?
	has "the capability is named" "this process has no CAP_BPF, which is for loading" "$out"
	has "and what to do" "help: sudo skep" "$out"
else
	skip "the capability is named" "setpriv and root, to be nobody"
fi

# Pinned maps go on where they were, when they are the object's; the file system
# and its mount are of a name space that goes with the shell.
for entries in 1 2; do
	cat > "$tmp/pin$entries.c" <<EOF
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, $entries);
	__type(key, __u32); __type(value, __u64); __uint(pinning, 1); } total SEC(".maps");
SEC("xdp") int count(struct xdp_md *ctx)
{
	__u32 key = 0;
	__u64 *n = bpf_map_lookup_elem(&total, &key);

	if (n)
		*n += 1;
	return XDP_PASS;
}
EOF
done
mkdir "$tmp/pins"
cat > "$tmp/pins.sh" <<EOF
mount -t bpf bpf "$tmp/pins" || exit 77
$SKEP run --on kernel --pin-dir "$tmp/pins" "$tmp/pin1.c" $cap -q || exit 1
$SKEP run --on kernel --pin-dir "$tmp/pins" "$tmp/pin1.c" $cap || exit 1
$SKEP run --on kernel "$tmp/pin1.c" $cap || exit 1
ls "$tmp/pins"
$SKEP run --on kernel --pin-dir "$tmp/pins" "$tmp/pin2.c" $cap
EOF
out=$(unshare -m sh "$tmp/pins.sh" 2>&1)
code=$?
if [ $code = 77 ] || ! unshare -m true 2> /dev/null; then
	skip "pinned maps" "no file system of type bpf may be mounted"
else
	same "a pinned map of another definition: exit status" 2 $code
	has "what differs" "its max_entries is 1, the object wants 2" "$out"
	has "a pinned map goes on" "0: 21966" "$out"
	has "and only with --pin-dir" "0: 10983" "$out"
	has "it has the map's name" "
total
" "$out"
fi
status "--pin-dir for both" 2 $SKEP run --on both --pin-dir /tmp $fw $cap

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
	count() { bpftool -j "$1" show | jq "[.[] | select($2)] | length"; }
	mine() {
		count prog '.name == "firewall"'
		count map '.name == "deny" or .name == "stats"'
		find /sys/fs/bpf -name firewall -o -name deny 2> /dev/null | wc -l
	}
	wait_until() { # TEST: "=" or "!=", of what is there now and what was before
		for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
			now=$(mine)
			[ "$now" "$1" "$before" ] && break
			sleep 0.3
		done
	}
	before=$(mine)
	mkfifo "$tmp/fifo"
	$SKEP run --on kernel $fw "$tmp/fifo" -q > /dev/null 2>&1 &
	pid=$!
	exec 9> "$tmp/fifo"
	cat $cap >&9
	wait_until !=
	ok "a run has its program and maps in the kernel" test "$now" != "$before"
	kill -KILL $pid
	wait $pid 2> /dev/null
	exec 9>&-
	wait_until =		# maps go after a grace period
	same "a killed run leaves nothing in the kernel" "$before" "$now"
else
	skip "a killed run leaves nothing in the kernel" "no bpftool or jq"
fi
done_testing
