#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# arena.t: pages that programs and user space share.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
export CLANG
cap=examples/firewall/traffic.pcapng
both=1
$SKEP run --on kernel examples/firewall/firewall.o $cap -q > /dev/null 2>&1 || both=

cat > "$tmp/head.c" <<'C'
#define K __attribute__((section(".ksyms")))
#define __arena __attribute__((address_space(1)))
struct bpf_wq { __u64 opaque[2]; } __attribute__((aligned(8)));
extern int bpf_wq_init(struct bpf_wq *wq, void *map, unsigned int flags) K;
extern int bpf_wq_set_callback_impl(struct bpf_wq *wq,
	int (*cb)(void *map, int *key, void *value), unsigned int flags, void *aux) K;
extern int bpf_wq_start(struct bpf_wq *wq, unsigned int flags) K;
extern void __arena *bpf_arena_alloc_pages(void *map, void __arena *addr, __u32 pages, int node,
	__u64 flags) K;
extern void bpf_arena_free_pages(void *map, void __arena *addr, __u32 pages) K;
struct { __uint(type, 33); __uint(map_flags, BPF_F_MMAPABLE); __uint(max_entries, 100);
	} pages SEC(".maps");
char _license[] SEC("license") = "GPL";
C
cat "$tmp/head.c" - > "$tmp/globals.c" <<'C'
long __arena packets = 5;
long __arena sizes[64];
struct item { struct item __arena *next; long n; };
struct item __arena items[16];
struct item __arena * __arena first;
long seen, sum;
SEC("xdp") int globals(struct xdp_md *ctx)
{
	unsigned bytes = ctx->data_end - ctx->data;
	struct item __arena *i = &items[bytes & 15];

	packets++;
	sizes[bytes & 63] += bytes;
	if (!i->n) {
		i->next = first;
		first = i;
	}
	i->n++;
	sum = 0;
	i = first;
	for (int k = 0; k < 20 && i; k++, i = i->next)
		sum += i->n;
	seen = packets;
	return XDP_PASS;
}
C
if ! $SKEP cc "$tmp/globals.c" -o "$tmp/globals.o" > "$tmp/cc" 2>&1; then
	cat "$tmp/cc"
	skip_all "clang has no address spaces"
fi
out=$($SKEP run "$tmp/globals.o" $cap 2>&1)
has "variables of an arena begin as the object says" "seen: 10988" "$out"
has "and hold lists" "sum: 10983" "$out"
if [ -n "$both" ]; then
	has "as in the kernel" "agree: 10983 verdicts" "$($SKEP run --on both "$tmp/globals.o" $cap -q 2>&1)"
else
	skip "as in the kernel" "programs cannot be loaded into this kernel"
fi

cat "$tmp/head.c" - > "$tmp/alloc.c" <<'C'
struct value { struct bpf_wq work; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int);
	__type(value, struct value); } works SEC(".maps");
long allocated, none, wrong, freed;
static int work(void *map, int *key, void *value)
{
	volatile char __arena *p = bpf_arena_alloc_pages(&pages, 0, 2, -1, 0);
	char __arena *q;

	if (!p)
		return 0;
	allocated++;
	p[5000] = 7;
	if (p[5000] != 7 || p[1])
		wrong++;
	q = bpf_arena_alloc_pages(&pages, (char __arena *)p, 1, -1, 0);
	none += !q;
	none += !bpf_arena_alloc_pages(&pages, 0, 101, -1, 0);
	none += !bpf_arena_alloc_pages(&pages, 0, 0, -1, 0);
	none += !bpf_arena_alloc_pages(&pages, 0, 1, -1, 1);
	bpf_arena_free_pages(&pages, (char __arena *)p, 2);
	p[5000] = 1;
	freed += !p[5000];
	return 0;
}
SEC("xdp") int alloc(struct xdp_md *ctx)
{
	int key = 0;
	struct value *v = bpf_map_lookup_elem(&works, &key);

	if (!v)
		return XDP_DROP;
	bpf_wq_init(&v->work, &works, 0);
	bpf_wq_set_callback_impl(&v->work, (void *)work, 0, 0);
	bpf_wq_start(&v->work, 0);
	return XDP_PASS;
}
C
out=$($SKEP run "$tmp/alloc.c" $cap 2>&1)
n=$(echo "$out" | sed -n "s/.*allocated: \([0-9]*\).*/\1/p")
ok "pages for the asking" test "${n:-0}" -ge 10982
has "that are zeroes" "wrong: 0" "$out"
has "and are nobody else's, nor too many" "none: $((n * 4)) " "$out"
has "what is given back is gone" "freed: $n" "$out"
cat "$tmp/head.c" - > "$tmp/far.c" <<'C'
long __arena here[600];
long got[40];
SEC("xdp") int far(struct xdp_md *ctx)
{
	char __arena *p = (char __arena *)here;
	volatile char __arena *u = p + 50 * 4096;
	int n = 0;

	here[0] = 0x1122334455667788;
	here[1] = -2;
#define GOT(x) got[n++] += (long)(x)
	GOT(*(volatile long __arena *)u);
	*(volatile long __arena *)u = 77;
	GOT(*(volatile long __arena *)u);
	*(volatile int __arena *)(u + 4) = 5;
	GOT(*(volatile int __arena *)(u + 4));
	GOT(*(volatile signed char __arena *)(p + 8));
	GOT(*(volatile short __arena *)(p + 8));
	GOT(*(volatile long __arena *)(p + 4));		/* not aligned */
	GOT(*(volatile long __arena *)0);
	GOT(*(volatile long __arena *)8);
	GOT(*(volatile long __arena *)0xfffffff8);
	GOT(*(volatile long __arena *)0xfffffffc);
	GOT(*(volatile long __arena *)(p + (1ull << 32)));	/* the lower half counts */
	GOT(*(volatile long __arena *)(p - 8));
	GOT(*(volatile long __arena *)(p + 4096 * 2));
	GOT(__sync_fetch_and_add((long __arena *)(p + 8), 3));
	GOT(here[1]);
	GOT(__sync_val_compare_and_swap((long __arena *)(p + 8), 1, 9));
	GOT(here[1]);
	GOT(__sync_lock_test_and_set((long __arena *)(p + 8), 4));
	GOT(here[1]);
	__sync_fetch_and_or((long __arena *)(p + 8), 0x70);
	GOT(here[1]);
	GOT(__sync_fetch_and_add((int __arena *)(p + 8), 0xff));
	GOT(here[1]);
	GOT(__sync_fetch_and_add((long __arena *)u, 3)); GOT(__sync_val_compare_and_swap((long __arena *)u, 5, 9)); GOT(__sync_lock_test_and_set((int __arena *)u, 4)); __sync_fetch_and_or((long __arena *)u, 0x70); GOT(*(volatile long __arena *)u); GOT(!p); GOT((long)(p + 16) - (long)p);
	{
		long __arena *z = (long __arena *)(long)got[39];
		GOT(!z);
		if (z) GOT(1); else GOT(2);
	}
	return XDP_PASS;
}
C
$SKEP cc "$tmp/far.c" -o "$tmp/far.o" > "$tmp/cc" 2>&1 || cat "$tmp/cc"
values() { $SKEP run "$tmp/far.o" $cap "$@" 2>&1 | grep got:; }
tier() { $SKEP run "$tmp/far.o" $cap --stats "$@" 2>&1 | sed -n 's/^  far: \([a-z-]*\),.*/\1/p'; }
checked=$(values --unverified)
has "what is not there reads as 0, is not kept, and leaves registers" \
	"[0, 0, 0, -21966, -21966, -91186144122276, 0, 0, 0, 0, 1316591145652988856, 0, 0, -21966," "$checked"
for how in off fast opt; do
	same "the same with --jit $how" "$checked" "$(values --jit $how)"
done
same "arenas are no reason to check accesses" fast "$(tier --jit off)"
if $SKEP run --stats "$tmp/far.o" $cap 2>&1 | grep -q 'far: jit'; then
	has "nor not to compile" jit "$(tier --jit fast)"
else
	skip "nor not to compile" "no compiler for this processor"
fi
if [ -n "$both" ]; then
	has "faults are the kernel's" "agree: 10983 verdicts" "$($SKEP run --on both "$tmp/far.o" $cap -q 2>&1)"
else
	skip "faults are the kernel's" "programs cannot be loaded into this kernel"
fi
done_testing
