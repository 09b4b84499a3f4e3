#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# events.t: what programs leave in ring buffers, perf event arrays and queues,
# and what skep run shows of it.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
export CLANG
cap=examples/firewall/traffic.pcapng

cat > "$tmp/events.c" <<'C'
struct event { unsigned number; unsigned bytes; };
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(key, int);
	__type(value, int);
} perf SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 3);
	__type(value, int);
} queue SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4);
	__type(key, int);
	__type(value, int);
} recent SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 2);
	__type(key, int);
	__type(value, int);
} ports SEC(".maps");
unsigned count;
SEC("xdp") int prog(struct xdp_md *ctx)
{
	int n = ++count;
	struct event *e;

	bpf_map_push_elem(&queue, &n, BPF_EXIST);
	bpf_map_update_elem(&recent, &n, &n, BPF_ANY);
	if (n > 3)
		return bpf_redirect_map(&ports, n & 1, XDP_PASS);
	if (n == 3) {
		bpf_perf_event_output(ctx, &perf, 4ull << 32 | BPF_F_CURRENT_CPU, &n, 4);
		return XDP_DROP;
	}
	e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);
	if (!e)
		return XDP_ABORTED;
	e->number = n;
	e->bytes = ctx->data_end - ctx->data;
	bpf_ringbuf_submit(e, 0);
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
ok "compiles" $SKEP cc "$tmp/events.c" -o "$tmp/events.o"

echo '[{"key": 1, "value": 77}]' > "$tmp/ports.json"
echo '[{"value": 5}, {"value": 6}]' > "$tmp/queue.json"
$SKEP run "$tmp/events.o" $cap --map "ports=$tmp/ports.json" --map "queue=$tmp/queue.json" \
	> "$tmp/out"
has "records are counted" "map ring (ringbuf): 2 records, 16 bytes (-v shows them)" "$(cat "$tmp/out")"
has "perf events as well" "map perf (perf_event_array): 1 records, 8 bytes" "$(cat "$tmp/out")"
has "a queue has three" "map queue (queue, 3 of 3)" "$(cat "$tmp/out")"
has "an LRU map is full" "map recent (lru_hash, 4 of 4)" "$(cat "$tmp/out")"
has "packets are redirected" "XDP_REDIRECT" "$(cat "$tmp/out")"
has "a devmap shows its ports" "  1: 77" "$(cat "$tmp/out")"

$SKEP run "$tmp/events.o" $cap --map "ports=$tmp/ports.json" -v > "$tmp/out"
has "records follow their packet" "       1  ring: 8 bytes 01000000" "$(cat "$tmp/out")"
has "the redirect's target" "-> ifindex 77" "$(cat "$tmp/out")"

$SKEP run "$tmp/events.o" $cap -j | tr -d '\n' | tr -s ' ' > "$tmp/out"
has "JSON has the records" '"events": [ { "packet": 1, "map": "ring", "bytes": 8, "data": "01000000' \
	"$(cat "$tmp/out")"
has "JSON has the cpu of a perf event" '"packet": 3, "map": "perf", "cpu": 0, "bytes": 8' "$(cat "$tmp/out")"
has "JSON has the counts" '"name": "ring", "type": "ringbuf", "records": 2, "bytes": 16, "lost": 0' \
	"$(cat "$tmp/out")"

# ---- perf events of the kernel
cat > "$tmp/perf.c" <<'C'
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __type(key, int); __type(value, int); } perf SEC(".maps");
unsigned long n;
SEC("xdp") int p(struct xdp_md *ctx)
{
	char b[64] = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	long r; n++;
	r = bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, b, n & 31);
	r += bpf_perf_event_output(ctx, &perf, ((n & 15) << 32) | BPF_F_CURRENT_CPU, b, 8);
	return r ? XDP_DROP : XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
$SKEP cc "$tmp/perf.c" -o "$tmp/perf.o"
if $SKEP run --on kernel examples/firewall/firewall.o $cap -q > "$tmp/out" 2>&1; then
	has "the kernel's perf events are read" "map perf (perf_event_array): 21966 records" \
		"$($SKEP run --on kernel "$tmp/perf.o" $cap 2> "$tmp/err")"
	has "and are the same, each byte" "agree: 10983 verdicts" \
		"$($SKEP run --on both "$tmp/perf.o" $cap 2> "$tmp/err")"
	sed 's/b\[64\] = "a/b[64] = { bpf_get_prandom_u32() }, c[] = "/' "$tmp/perf.c" > "$tmp/differ.c"
	has "differences are seen" "differ: " \
		"$($SKEP run --on both "$tmp/differ.c" $cap 2> "$tmp/err")"
else
	skip "the kernel's perf events are read" "programs cannot be loaded into this kernel"
fi
out=$($SKEP run -q "$tmp/events.c" $cap --record recent=event 2>&1)
has "a map of another kind" "there is no ring buffer or perf event array 'recent'" "$out"
cat > "$tmp/untyped.c" <<'C'
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } out SEC(".maps");
SEC("xdp") int prog(struct xdp_md *ctx) { __u64 v = 1; return bpf_ringbuf_output(&out, &v, 8, 0) ? 1 : 2; }
char _license[] SEC("license") = "GPL";
C
has "a type that is not there: what keeps it" "only functions use: struct zyxw *unused;" \
	"$($SKEP run -q "$tmp/untyped.c" $cap --record out=zyxw 2>&1)"
same "nothing else was meant" "" "$(printf '%s\n' "$out" | grep 'did you mean')"
done_testing
