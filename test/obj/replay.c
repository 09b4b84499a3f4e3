/* SPDX-License-Identifier: BSD-2-Clause */
/* replay.c: for tests of recordings and sessions: programs that leave traces everywhere. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct value { __u64 n; __u32 first, last; };
struct timed { __u64 n; struct bpf_timer timer; };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct value);
} seen SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} recent SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 8);
	__type(value, __u32);
} queue SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct timed);
} timers SEC(".maps");
__u64 sum, ticks;

struct walk { __u32 seed, steps; };

static __attribute__((noinline)) void count(__u32 i)
{
	__u64 *n = bpf_map_lookup_elem(&counts, &i);

	if (n)
		*n += 1;
}

static long step(__u32 i, struct walk *w)
{
	__u32 key;
	__u64 one = 1;

	w->seed = w->seed * 1103515245 + 12345;
	key = w->seed >> 16 & 31;
	w->steps++;
	bpf_map_update_elem(&recent, &key, &one, BPF_ANY);
	if (i % 3 == 0)
		bpf_map_delete_elem(&recent, &key);
	count(i & 3);
	return 0;
}

static int fired(void *map, __u32 *key, struct timed *t)
{
	t->n++;
	ticks++;
	bpf_timer_start(&t->timer, 1000000, 0);
	return 0;
}

static void start(void)
{
	__u32 zero = 0;
	struct timed *t = bpf_map_lookup_elem(&timers, &zero);

	if (!t)
		return;
	bpf_timer_init(&t->timer, &timers, 1);
	bpf_timer_set_callback(&t->timer, fired);
	bpf_timer_start(&t->timer, 1000000, 0);
}

SEC("xdp") int tail(struct xdp_md *ctx)
{
	sum += bpf_get_prandom_u32() & 0xff;
	return (sum ^ (bpf_ktime_get_ns() >> 10) ^ (bpf_get_current_pid_tgid() >> 32)) % 2 ?
	       XDP_PASS : XDP_DROP;
}

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__array(values, int (struct xdp_md *));
} tails SEC(".maps") = { .values = { [0] = (void *)&tail } };

SEC("xdp") int all(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct value fresh = { .first = ctx->ingress_ifindex }, *v;
	struct walk w = { 7, 0 };
	__u8 *p = data;
	__u32 key, *r;

	if (data + 14 > end)
		return XDP_ABORTED;
	key = p[13];
	w.seed = p[12] + bpf_get_prandom_u32();
	v = bpf_map_lookup_elem(&seen, &key);
	if (!v) {
		bpf_map_update_elem(&seen, &key, &fresh, BPF_ANY);
		v = bpf_map_lookup_elem(&seen, &key);
	}
	if (v) {
		v->n++;
		v->last = w.seed;
	}
	p[0] ^= 1;
	bpf_loop(20, step, &w, 0);
	bpf_map_push_elem(&queue, &key, BPF_EXIST);
	r = bpf_ringbuf_reserve(&events, 8, 0);
	if (r) {
		r[0] = key;
		r[1] = w.steps;
		bpf_ringbuf_submit(r, 0);
	}
	start();
	sum += w.seed;
	bpf_tail_call(ctx, &tails, 0);
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
