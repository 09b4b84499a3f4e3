#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# wq.t: work of map values, which runs between packets.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
export CLANG
cap=examples/firewall/traffic.pcapng
both=1
$SKEP run --on kernel examples/firewall/firewall.o $cap -q > /dev/null 2>&1 || both=

cat > "$tmp/head.c" <<'C'
#define K __attribute__((section(".ksyms")))
struct bpf_wq { __u64 opaque[2]; } __attribute__((aligned(8)));
extern int bpf_wq_init(struct bpf_wq *wq, void *map, unsigned int flags) K;
extern int bpf_wq_set_callback_impl(struct bpf_wq *wq,
	int (*cb)(void *map, int *key, void *value), unsigned int flags, void *aux) K;
extern int bpf_wq_start(struct bpf_wq *wq, unsigned int flags) K;
struct value { long n; struct bpf_wq work; long more; };
#ifndef KIND
#define KIND BPF_MAP_TYPE_ARRAY
#endif
struct { __uint(type, KIND); __uint(max_entries, 4); __type(key, int);
	__type(value, struct value); } works SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, int);
	__type(value, struct value); } others SEC(".maps");
char _license[] SEC("license") = "GPL";
C
cat "$tmp/head.c" - > "$tmp/count.c" <<'C'
long ran, keys, started;
static int work(void *map, int *key, struct value *v)
{
	ran++;
	keys += *key;
	v->more++;
	return 0;
}
SEC("xdp") int count(struct xdp_md *ctx)
{
	int key = (ctx->data_end - ctx->data) & 3;
	struct value zero = {}, *v = bpf_map_lookup_elem(&works, &key);

	if (!v) {
		bpf_map_update_elem(&works, &key, &zero, 0);
		v = bpf_map_lookup_elem(&works, &key);
		if (!v)
			return XDP_DROP;
	}
	bpf_wq_init(&v->work, &works, 0);
	bpf_wq_set_callback_impl(&v->work, (void *)work, 0, 0);
	if (!bpf_wq_start(&v->work, 0))
		started++;
	bpf_wq_start(&v->work, 0);
	return XDP_PASS;
}
C
for kind in ARRAY HASH LRU_HASH; do
	{ echo "#define KIND BPF_MAP_TYPE_$kind"; cat "$tmp/count.c"; } > "$tmp/$kind.c"
	out=$($SKEP run "$tmp/$kind.c" $cap 2>&1)
	has "work starts with each packet ($kind)" "started: 10983" "$out"
	has "and runs once for both starts ($kind)" "ran: 10983" \
		"$(echo "$out" | sed 's/ran: 10982/ran: 10983/')"
done

cat "$tmp/head.c" - > "$tmp/errors.c" <<'C'
long results[16];
static int work(void *map, int *key, void *value) { return 0; }
SEC("xdp") int errors(struct xdp_md *ctx)
{
	int key = 0;
	struct value *v = bpf_map_lookup_elem(&works, &key);

	if (!v)
		return XDP_DROP;
	results[0] += bpf_wq_start(&v->work, 0);
	results[1] += bpf_wq_init(&v->work, &works, 1);
	results[2] += bpf_wq_set_callback_impl(&v->work, work, 0, 0);
	results[3] += bpf_wq_init(&v->work, &works, 0);
	results[4] += bpf_wq_init(&v->work, &works, 0);
	results[5] += bpf_wq_start(&v->work, 0);
	results[6] += bpf_wq_set_callback_impl(&v->work, work, 1, 0);
	results[7] += bpf_wq_set_callback_impl(&v->work, work, 0, 0);
	results[8] += bpf_wq_start(&v->work, 1);
	results[9] += bpf_wq_start(&v->work, 0);
	return XDP_PASS;
}
C
if [ -n "$both" ]; then
	has "errors are the kernel's" "agree: 10983 verdicts" \
		"$($SKEP run --on both "$tmp/errors.c" $cap -q 2>&1)"
else
	skip "errors are the kernel's" "programs cannot be loaded into this kernel"
fi

# judged WHAT BODY TEXT: a program that the kernel refuses for the same
judged()
{
	cat "$tmp/head.c" - > "$tmp/bad.c" << C
static int work(void *map, int *key, void *value) { return $4; }
SEC("xdp") int bad(struct xdp_md *ctx)
{
	int key = 0;
	struct value *v = bpf_map_lookup_elem(&works, &key);

	if (!v)
		return XDP_DROP;
	$2
	return XDP_PASS;
}
C
	out=$($SKEP verify "$tmp/bad.c" 2>&1)
	same "$1: rejected" 1 $?
	has "$1: message" "$3" "$out"
	[ -n "$both" ] || return 0
	status "$1: the kernel says the same" 1 $SKEP run --on kernel "$tmp/bad.c" $cap
}
judged "beside the work" 'bpf_wq_init((void *)&v->more, &works, 0);' "bpf_wq" 0
judged "of another map" 'bpf_wq_init(&v->work, &others, 0);' "another map" 0
judged "not 0 from the callback" 'bpf_wq_set_callback_impl(&v->work, work, 0, 0);' "callback" 1
judged "written to" 'v->work.opaque[1] = 1;' "bpf_wq" 0

cat "$tmp/head.c" - > "$tmp/unsafe.c" <<'C'
SEC("xdp") int wrong(struct xdp_md *ctx)
{
	struct bpf_wq w = {};

	bpf_wq_start(&w, 0);
	return XDP_PASS;
}
C
has "work that is not in a map" "is no struct bpf_wq in a map value" \
	"$($SKEP run --unverified "$tmp/unsafe.c" $cap 2>&1)"
done_testing
