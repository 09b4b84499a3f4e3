#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# helpers.t: helpers that no test of a part calls: programs in both engines. What a program
# found is in its map, which `--on both` compares as well.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
export CLANG
cap=examples/firewall/traffic.pcapng
both=1
$SKEP run --on kernel examples/firewall/firewall.o $cap -q > /dev/null 2>&1 || both=

# agree WHAT FILE RESULTS: the engines agree, and that is what they find
agree()
{
	has "$1" "$3" "$($SKEP run "$2" $cap 2>&1 | tr -d ' ')"
	if [ -n "$both" ]; then
		has "$1: as in the kernel" "agree: 1098" "$($SKEP run --on both "$2" $cap -q 2>&1)"
	else
		skip "$1: as in the kernel" "programs cannot be loaded into this kernel"
	fi
}

# Slot 999 is that of no cpu; behind 1000 there is none.
cat > "$tmp/counters.c" <<'C'
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(max_entries, 1000);
	__type(key, int); __type(value, int); } counters SEC(".maps");
long results[8];
SEC("xdp") int count(struct xdp_md *ctx)
{
	struct bpf_perf_event_value v = { 1, 2, 3 };
	__u64 short_one[2] = { 4, 5 };

	results[0] = bpf_perf_event_read(&counters, 999);
	results[1] = bpf_perf_event_read(&counters, 1000);
	results[2] = bpf_perf_event_read(&counters, 1ull << 32);
	results[3] = bpf_perf_event_read_value(&counters, 999, &v, sizeof(v));
	results[4] = v.counter + v.enabled + v.running;
	results[5] = bpf_perf_event_read_value(&counters, 1000, &v, sizeof(v));
	results[6] = bpf_perf_event_read_value(&counters, 999, (void *)short_one, 16);
	results[7] = short_one[0] + short_one[1];
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
agree "counters that count nothing" "$tmp/counters.c" "results:[-2,-7,-22,-2,0,-7,-22,0]"

cat > "$tmp/percpu.c" <<'C'
#define MAP(name, kind) struct { __uint(type, kind); __uint(max_entries, 4); \
	__type(key, int); __type(value, __u64); } name SEC(".maps")
MAP(array, BPF_MAP_TYPE_PERCPU_ARRAY);
MAP(hash, BPF_MAP_TYPE_PERCPU_HASH);
MAP(lru, BPF_MAP_TYPE_LRU_PERCPU_HASH);
long results[12];
#define LOOK(m, at) ({ \
	__u64 *own_ = bpf_map_lookup_elem(&m, &key), *same_, other_ = 0; \
	if (own_) \
		++*own_; \
	same_ = bpf_map_lookup_percpu_elem(&m, &key, bpf_get_smp_processor_id()); \
	results[at] = same_ == own_ && own_; \
	results[at + 1] = !bpf_map_lookup_percpu_elem(&m, &key, 99999); \
	for (int cpu = 0; cpu < 4; cpu++) { \
		same_ = bpf_map_lookup_percpu_elem(&m, &key, cpu); \
		other_ += same_ ? *same_ : 0; \
	} \
	results[at + 2] = other_; \
	key += 9; \
	results[at + 3] = !bpf_map_lookup_percpu_elem(&m, &key, 0); \
	key -= 9; })
SEC("xdp") int each(struct xdp_md *ctx)
{
	int key = 3;
	__u64 one = 1;

	if (results[2])
		return XDP_PASS;
	bpf_map_update_elem(&hash, &key, &one, BPF_NOEXIST);
	bpf_map_update_elem(&lru, &key, &one, BPF_NOEXIST);
	LOOK(array, 0);
	LOOK(hash, 4);
	LOOK(lru, 8);
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
agree "values of a cpu" "$tmp/percpu.c" "results:[1,1,1,1,1,1,2,1,1,1,2,1]"

cat > "$tmp/ns.c" <<C
#define NS_DEV $(stat -Lc %d /proc/self/ns/pid 2> /dev/null || echo 0)ull
#define NS_INO $(stat -Lc %i /proc/self/ns/pid 2> /dev/null || echo 0)ull
C
cat >> "$tmp/ns.c" <<'C'
long results[8];
SEC("xdp") int who(struct xdp_md *ctx)
{
	struct bpf_pidns_info info = { 1, 2 };
	__u64 ids = bpf_get_current_pid_tgid();

	results[0] = bpf_get_ns_current_pid_tgid(NS_DEV, NS_INO, &info, sizeof(info));
	results[1] = info.tgid == ids >> 32 && info.pid == (__u32)ids;
	results[2] = bpf_get_ns_current_pid_tgid(NS_DEV, NS_INO + 1, &info, sizeof(info));
	results[3] = info.pid | info.tgid;
	results[4] = bpf_get_ns_current_pid_tgid(NS_DEV + 1, NS_INO, &info, sizeof(info));
	info.pid = 3;
	results[5] = bpf_get_ns_current_pid_tgid(NS_DEV, NS_INO, &info, 4);
	results[6] = info.pid;
	results[7] = bpf_get_ns_current_pid_tgid(NS_DEV | 1ull << 32, NS_INO, &info, 8);
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
if [ -e /proc/self/ns/pid ]; then
	agree "who runs, in a namespace" "$tmp/ns.c" "results:[0,1,-22,0,-22,-22,0,-22]"
else
	skip "who runs, in a namespace" "there is no /proc"
fi

cat > "$tmp/slices.c" <<'C'
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1);
	__type(key, int); __type(value, __u64[8]); } memory SEC(".maps");
long results[10];
#define SLICE(at, off, len) ({ \
	__u64 *p_ = bpf_dynptr_data(&d, off, len); \
	if (p_) \
		*p_ += at + 1; \
	results[at] = p_ ? p_ - *all : -1; })
SEC("xdp") int slice(struct xdp_md *ctx)
{
	int key = 0;
	__u64 (*all)[8] = bpf_map_lookup_elem(&memory, &key);
	struct bpf_dynptr d;

	if (!all || results[9]++)
		return XDP_PASS;
	if (bpf_dynptr_from_mem(all, 48, 0, &d))
		return XDP_DROP;
	SLICE(0, 0, 8);
	SLICE(1, 8, 40);
	SLICE(2, 16, 40);
	SLICE(3, 40, 8);
	SLICE(4, 41, 8);
	SLICE(5, 48, 8);
	SLICE(6, -8, 8);
	for (int i = 0; i < 8; i++)
		results[7] = results[7] * 10 + (*all)[i];
	results[8] = bpf_dynptr_from_mem(all, 48, 1, &d);
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
agree "parts of memory" "$tmp/slices.c" "results:[0,1,-1,5,-1,-1,-1,12000400,-22,10983]"

cat > "$tmp/print.c" <<'C'
static const char fmt[] = "%d %s %llx %u %c", wrong[] = "%d %q", four[] = "%d %d %d %d",
	three[] = "%d %s %u";
long results[8];
SEC("xdp") int print(struct xdp_md *ctx)
{
	static const char word[] = "word";
	__u64 args[5] = { -3, (__u64)word, 0xabcdefull << 20, 7, 'x' };

	if (results[7]++)
		return XDP_PASS;
	results[0] = bpf_trace_vprintk(fmt, sizeof(fmt), args, sizeof(args));
	results[1] = bpf_trace_vprintk(fmt, sizeof(fmt), args, 24);
	results[2] = bpf_trace_vprintk(wrong, sizeof(wrong), args, 16);
	args[1] = 12;
	results[3] = bpf_trace_vprintk(four, sizeof(four), args, 32);
	results[4] = bpf_trace_vprintk(four, sizeof(four), args, 36);
	results[5] = bpf_trace_printk(three, sizeof(three), -3, word, 11);
	results[6] = bpf_trace_printk(wrong, sizeof(wrong), 1);
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
agree "printing" "$tmp/print.c" "results:[23,-22,-22,18,-22,10,-22,10983]"

cat > "$tmp/sk.c" <<'C'
long results[2];
SEC("tc") int ask(struct __sk_buff *ctx)
{
	results[0] = bpf_skb_cgroup_classid(ctx);
	results[1] = bpf_get_socket_uid(ctx);
	return 0;
}
char _license[] SEC("license") = "GPL";
C
agree "what a packet's socket is like" "$tmp/sk.c" "results:[0,0]"

cat > "$tmp/lock.c" <<'C'
struct elem { struct bpf_spin_lock lock; int n; __u64 sum; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4);
	__type(key, int); __type(value, struct elem); } locked SEC(".maps");
long results[2];
SEC("xdp") int lock(struct xdp_md *ctx)
{
	int key = 1;
	struct elem init = {}, *e = bpf_map_lookup_elem(&locked, &key);

	if (!e) {
		bpf_map_update_elem(&locked, &key, &init, BPF_NOEXIST);
		return XDP_PASS;
	}
	bpf_spin_lock(&e->lock);
	e->n++;
	e->sum += ctx->data_end - ctx->data;
	results[0] = e->n;
	results[1] = e->sum;
	bpf_spin_unlock(&e->lock);
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
agree "a lock of a value" "$tmp/lock.c" "results:[10982,"

# The callback's time never comes.
cat > "$tmp/timer.c" <<'C'
struct elem { __u64 n; struct bpf_timer timer; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2);
	__type(key, int); __type(value, struct elem); } timers SEC(".maps");
long results[16];
static int ring(void *map, int *key, struct elem *e) { e->n++; return 0; }
SEC("xdp") int start(struct xdp_md *ctx)
{
	int key = 1;
	struct elem *e = bpf_map_lookup_elem(&timers, &key);

	if (!e || results[15]++)
		return XDP_PASS;
	results[0] = bpf_timer_start(&e->timer, 1, 0);
	results[1] = bpf_timer_cancel(&e->timer);
	results[2] = bpf_timer_set_callback(&e->timer, ring);
	results[3] = bpf_timer_init(&e->timer, &timers, 3);
	results[4] = bpf_timer_init(&e->timer, &timers, 1 << 20);
	results[5] = bpf_timer_init(&e->timer, &timers, 1);
	results[6] = bpf_timer_init(&e->timer, &timers, 1);
	results[7] = bpf_timer_start(&e->timer, 1, 0);
	results[8] = bpf_timer_set_callback(&e->timer, ring);
	results[9] = bpf_timer_cancel(&e->timer);
	results[10] = bpf_timer_set_callback(&e->timer, ring);
	results[11] = bpf_timer_start(&e->timer, 1ull << 42, 0);
	results[12] = bpf_timer_start(&e->timer, 1ull << 43, 1 << 10);
	results[13] = bpf_timer_cancel(&e->timer);
	results[14] = bpf_timer_cancel(&e->timer);
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
agree "timers, call by call" "$tmp/timer.c" \
	"results:[-22,-22,-22,-22,-22,0,-16,-22,0,0,0,0,-22,1,0,10983]"

done_testing
