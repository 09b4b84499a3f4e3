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
done_testing
