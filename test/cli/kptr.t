#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# kptr.t: objects that programs allocate, and map values that hold them.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
export CLANG
cap=examples/firewall/traffic.pcapng
both=1
$SKEP run --on kernel examples/firewall/firewall.o $cap -q > /dev/null 2>&1 || both=

cat > "$tmp/head.c" <<'C'
#define K __attribute__((section(".ksyms")))
#define __kptr __attribute__((btf_type_tag("kptr")))
extern void *bpf_obj_new_impl(__u64 type, void *meta) K;
extern void bpf_obj_drop_impl(void *p, void *meta) K;
extern void bpf_rcu_read_lock(void) K;
extern void bpf_rcu_read_unlock(void) K;
#define make(type) ((type *)bpf_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), 0))
#define drop(p) bpf_obj_drop_impl(p, 0)
struct item { __u64 n, bytes; char text[40]; };
struct value { __u32 before; struct item __kptr *node; __u32 after; struct item __kptr *other; };
#ifndef KIND
#define KIND HASH
#endif
#define TYPE(kind) TYPE_(kind)
#define TYPE_(kind) BPF_MAP_TYPE_##kind
struct { __uint(type, TYPE(KIND)); __uint(max_entries, 64); __type(key, __u32);
	__type(value, struct value); } nodes SEC(".maps");
long made, taken, sum, empty;
C
cat "$tmp/head.c" - > "$tmp/node.c" <<'C'
static long put(struct value *v, __u64 n, __u64 bytes)
{
	struct item *new = make(struct item), *old;

	if (!new)
		return 0;
	new->n = n;
	new->bytes = bytes;
	old = bpf_kptr_xchg(&v->node, new);
	made++;
	if (!old) {
		empty++;
		return 0;
	}
	n = old->n + old->bytes;
	drop(old);
	return n;
}
SEC("xdp") int node(struct xdp_md *ctx)
{
	__u64 bytes = ctx->data_end - ctx->data;
	__u32 key = bytes & 3;
	struct value zero = { .before = bytes, .after = 7 }, *v;
	struct item *p;

	if (bytes % 5 == 0)
		bpf_map_delete_elem(&nodes, &key);
	if (bytes % 7 == 0)
		bpf_map_update_elem(&nodes, &key, &zero, 0);
	v = bpf_map_lookup_elem(&nodes, &key);
	if (!v) {
		bpf_map_update_elem(&nodes, &key, &zero, 0);
		v = bpf_map_lookup_elem(&nodes, &key);
		if (!v)
			return XDP_DROP;
	}
	sum += put(v, made, bytes);
	if (bytes % 3 == 0) {
		p = bpf_kptr_xchg(&v->node, 0);
		if (p) {
			taken++;
			p = bpf_kptr_xchg(&v->other, p);
			if (p)
				drop(p);
		}
	}
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
for kind in HASH ARRAY LRU_HASH; do
	{ echo "#define KIND $kind"; cat "$tmp/node.c"; } > "$tmp/$kind.c"
	$SKEP cc "$tmp/$kind.c" -o "$tmp/$kind.o" || continue
	out=$($SKEP run "$tmp/$kind.o" $cap 2>&1)
	has "every packet makes a node ($kind)" "made: 10983" "$out"
	has "users do not see addresses ($kind)" '"node": "0x0"' "$(echo "$out" | sed 's/"node": 0/"node": "0x0"/')"
	if [ -n "$both" ]; then
		has "the kernel does the same ($kind)" "agree: 10983 verdicts" \
			"$($SKEP run --on both "$tmp/$kind.o" $cap -q 2>&1)"
	else
		skip "the kernel does the same ($kind)" "programs cannot be loaded into this kernel"
	fi
done

# fault WHAT BODY PART
fault()
{
	cat "$tmp/head.c" - > "$tmp/fault.c" << C
SEC("xdp") int wrong(struct xdp_md *ctx)
{
	__u32 key = 0;
	struct value zero = {}, *v;
	struct item *p = make(struct item), *q;

	bpf_map_update_elem(&nodes, &key, &zero, 0);
	v = bpf_map_lookup_elem(&nodes, &key);
	if (!p || !v)
		return XDP_DROP;
	$2
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
	out=$($SKEP run --unverified "$tmp/fault.c" $cap 2>&1)
	same "$1: exit status" 1 $?
	has "$1: message" "$3" "$out"
}
fault "an object that is kept" '' "the object made here is not given back"
fault "given back twice" 'drop(p); drop(p);' "is no object of the program"
fault "used afterwards" 'drop(p); sum = p->n;' "an object is read that the program has given back"
fault "beyond its end" 'p->text[40] = 1; drop(p);' "bytes 56..56 of an object are written, it has 56"
fault "a number as an object" 'drop(p); bpf_kptr_xchg(&v->node, (void *)8);' \
	"is no object of the program"
fault "a place that is no pointer" 'q = bpf_kptr_xchg((void *)&v->before, p);' \
	"is no __kptr pointer in a map value"
fault "a pointer that is written" '*(void *volatile *)&v->node = p;' \
	"a __kptr pointer in a map value is written: only bpf_kptr_xchg changes it"
fault "an object that the map has" 'q = bpf_kptr_xchg(&v->node, p); drop(p);' \
	"is no object of the program"
fault "beyond its end, through the map" 'q = bpf_kptr_xchg(&v->node, p); ((char *)v->node)[56] = 1;' \
	"1 bytes at an address that is no memory of the program are written"
fault "what the map gave up" 'q = bpf_kptr_xchg(&v->node, p); q = bpf_kptr_xchg(&v->node, 0);' \
	"the object made here is not given back"

# A read section lets programs write what the map has, as on Linux: both interpreters do.
cat "$tmp/head.c" - > "$tmp/shared.c" <<'C'
SEC("xdp") int shared(struct xdp_md *ctx)
{
	__u32 key = 0;
	struct value zero = {}, *v;
	struct item *p = make(struct item), *q;

	bpf_map_update_elem(&nodes, &key, &zero, 0);
	v = bpf_map_lookup_elem(&nodes, &key);
	if (!p)
		return XDP_DROP;
	if (v)
		p = bpf_kptr_xchg(&v->node, p);
	if (p)
		drop(p);
	q = v ? v->node : 0;
	if (!q)
		return XDP_DROP;
	q->n = 5;
	return q->n == 5 ? XDP_PASS : XDP_TX;
}
char _license[] SEC("license") = "GPL";
C
has "what the map has is written" "XDP_PASS     10983" "$($SKEP run "$tmp/shared.c" $cap 2>&1)"
has "and with checks" "XDP_PASS     10983" "$($SKEP run --unverified "$tmp/shared.c" $cap 2>&1)"

cat "$tmp/head.c" - > "$tmp/read.c" <<'C'
SEC("xdp") int reader(struct xdp_md *ctx)
{
	__u32 key = 0;
	struct value zero = {}, *v = bpf_map_lookup_elem(&nodes, &key);
	struct item *p;

	if (!v) {
		bpf_map_update_elem(&nodes, &key, &zero, 0);
		return XDP_PASS;
	}
	bpf_rcu_read_lock();
	p = v->node;
	if (p)
		sum += p->n;
	bpf_rcu_read_unlock();
	p = make(struct item);
	if (!p)
		return XDP_DROP;
	p->n = ++made;
	p = bpf_kptr_xchg(&v->node, p);
	if (p)
		drop(p);
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
has "what a map has may be read" "sum: 60296671" "$($SKEP run "$tmp/read.c" $cap 2>&1)"
if [ -n "$both" ]; then
	has "as in the kernel" "agree: 10983 verdicts" \
		"$($SKEP run --on both "$tmp/read.c" $cap -q 2>&1)"
else
	skip "as in the kernel" "programs cannot be loaded into this kernel"
fi

# What was read in a section stays what it was until the section ends, though the object is
# dropped and others are made, also many times.
cat "$tmp/head.c" - > "$tmp/late.c" <<'C'
SEC("xdp") int late(struct xdp_md *ctx)
{
	__u32 key = 0;
	struct value zero = {}, *v = bpf_map_lookup_elem(&nodes, &key);
	struct item *old, *p, *q;

	if (!v)
		bpf_map_update_elem(&nodes, &key, &zero, 0);
	if (!v && !(v = bpf_map_lookup_elem(&nodes, &key)))
		return XDP_ABORTED;
	old = v->node;
	if (old)
		made = old->n;
	p = make(struct item);
	if (!p)
		return XDP_ABORTED;
	p->n = made + 1;
	p = bpf_kptr_xchg(&v->node, p);
	if (p)
		drop(p);
	q = make(struct item);
	if (!q)
		return XDP_ABORTED;
	q->n = 123456;
	sum += q->n == 123456;
	p = q;
	asm volatile("" : "+r"(p));
	if (old && old->n != made)
		taken++;
	if (old)
		old->bytes = made;
	if (p->bytes)
		empty++;
	drop(p);
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
for how in --jit=opt --jit=fast --jit=off --unverified; do
	out=$($SKEP run $how --repeat 10 "$tmp/late.c" $cap 2>&1)
	has "what a section shows stays ($how)" "sum: 109830" "$out"
	has "each packet makes one ($how)" "made: 109829" "$out"
	same "none was another meanwhile ($how)" "" "$(echo "$out" | grep -E '(taken|empty): [1-9]')"
done

# A type of the program's own that has the name of one of the kernel's: no types are taken.
if [ "$both" ]; then
	sed 's/struct item/struct node/g' "$tmp/head.c" - > "$tmp/named.c" <<'C'
SEC("xdp") int named(struct xdp_md *ctx)
{
	struct node *n = make(struct node);

	if (n)
		drop(n);
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
	out=$($SKEP verify --on both "$tmp/named.c" 2>&1)
	has "why the kernel has no types" "note: the kernel did not take the types (BTF) of this object: No such file or directory; a map value may own" "$out"
else
	skip "why the kernel has no types" "no bpf(2)"
fi
done_testing
