#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# inner.t: maps of maps: slots that the object fills, slots filled afterwards.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
export CLANG
cap=examples/firewall/traffic.pcapng
both=1
$SKEP run --on kernel examples/firewall/firewall.o $cap -q > /dev/null 2>&1 || both=

# agree WHAT FILE [ARGUMENT...]: both engines do the same with it
agree()
{
	agree_what=$1
	shift
	if [ -n "$both" ]; then
		has "$agree_what" "agree: 10983 verdicts" "$($SKEP run --on both "$@" $cap -q 2>&1)"
	else
		skip "$agree_what" "programs cannot be loaded into this kernel"
	fi
}

# A counter of packets in the map of each kind, in the slot of their length.
cat > "$tmp/slots.c" <<'C'
struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} low SEC(".maps"), high SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} by_index SEC(".maps") = { .values = { [1] = &low, [3] = &high } };
struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, KEY);
	__array(values, struct inner);
} by_key SEC(".maps") = { .values = { [SLOT] = &low, [2] = &high } };

static long count(void *map)
{
	__u32 zero = 0;
	__u64 *n = map ? bpf_map_lookup_elem(map, &zero) : 0;

	return n ? __sync_fetch_and_add(n, 1), 1 : 0;
}

SEC("xdp") int slots(struct xdp_md *ctx)
{
	__u32 i = (ctx->data_end - ctx->data) & 3;
	KEY k = i ? i - 1 : SLOT;

	return XDP_DROP + count(bpf_map_lookup_elem(&by_index, &i)) +
		2 * count(bpf_map_lookup_elem(&by_key, &k));
}
char _license[] SEC("license") = "GPL";
C

# object KEY SLOT: $tmp/KEY.o is that program, with keys of that type
object()
{
	{
		echo "#define KEY $1"
		echo "#define SLOT $2"
		cat "$tmp/slots.c"
	} > "$tmp/$1.c"
	$SKEP cc "$tmp/$1.c" -o "$tmp/$1.o" 2> /dev/null
}

for key in __u8 __u16 __u32 __u64; do
	object $key 200
	out=$($SKEP run "$tmp/$key.o" $cap 2>&1)
	has "slots of an array of maps, keys $key" '1: "low"   3: "high"' "$out"
	has "slots of a hash of maps, keys $key" '200: "low"' "$out"
	agree "the kernel does the same, keys $key" "$tmp/$key.o"
done
object __u8 300
out=$($SKEP run "$tmp/__u8.o" $cap 2>&1)
same "a slot that no key can name: exit status" 2 $?
has "and its message" "slot 300 of map 'by_key': no key of 1 bytes" "$out"

# Maps that a map file makes, with what is in them.
object __u32 200
cat > "$tmp/index.json" << 'J'
[{"key": 1, "value": [{"key": 0, "value": 100}]}, {"key": 2, "value": []},
 {"key": 3, "value": "low"}]
J
echo '[{"key": 0, "value": [{"key": 0, "value": 5}]}]' > "$tmp/key.json"
set -- --map by_index="$tmp/index.json" --map by_key="$tmp/key.json"
out=$($SKEP run "$tmp/__u32.o" "$@" $cap 2>&1 | tr -d '\n ')
has "their elements are shown" '1:[{"key":0,"value":101}]2:[{"key":0,"value":3432}]3:"low"' "$out"
has "those of a hash, too" '0:[{"key":0,"value":6}]' "$out"
agree "the kernel makes the same maps" "$tmp/__u32.o" "$@"

# refuse TEXT PART: such a file for by_index is refused, and the message says so
refuse()
{
	echo "$1" > "$tmp/bad.json"
	out=$($SKEP run "$tmp/__u32.o" --map by_index="$tmp/bad.json" $cap 2>&1)
	same "$1: exit status" 2 $?
	has "$1: message" "$2" "$out"
}

refuse '[{"key": 1, "value": [{"key": 1, "value": 9}]}]' "[0].value[0]: map 'by_index.inner' (array, 1 \
entries) refuses it: the index is beyond its end"
refuse '[{"key": 1, "value": [{"key": 0}]}]' '[0].value[0]: it has no "value"'
refuse '[{"key": 9, "value": []}]' "refuses it: the index is beyond its end"

# Inner maps whose values have pointers to objects: to those of the template's type.
# typed HOW TYPE: the map in slot 0 has pointers to struct TYPE
typed()
{
	cat > "$tmp/$1.c" << C
struct small { long n; };
struct large { long n[400]; };
struct small_value { struct small __attribute__((btf_type_tag("kptr"))) *p; };
struct large_value { struct large __attribute__((btf_type_tag("kptr"))) *p; };
#define MAP { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32);
struct like MAP __type(value, struct small_value); };
struct MAP __type(value, struct small_value); } smalls SEC(".maps");
struct MAP __type(value, struct large_value); } larges SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 1); __type(key, __u32);
	__array(values, struct like); } outer SEC(".maps") = { .values = { (void *)&$2 } };
extern void *bpf_obj_new_impl(__u64 type, void *meta) __attribute__((section(".ksyms")));
extern void bpf_obj_drop_impl(void *p, void *meta) __attribute__((section(".ksyms")));
SEC("xdp") int use(void *ctx)
{
	void *s = bpf_obj_new_impl(__builtin_btf_type_id(*(struct small *)0, 0), 0);
	void *l = bpf_obj_new_impl(__builtin_btf_type_id(*(struct large *)0, 0), 0);
	int key = 0;

	if (s)
		bpf_obj_drop_impl(s, 0);
	if (l)
		bpf_obj_drop_impl(l, 0);
	return bpf_map_lookup_elem(&smalls, &key) && bpf_map_lookup_elem(&larges, &key) &&
	       bpf_map_lookup_elem(&outer, &key) ? XDP_PASS : XDP_DROP;
}
char _license[] SEC("license") = "GPL";
C
}
typed same smalls
typed other larges
has "pointers of the same type" "XDP_PASS     10983" "$($SKEP run "$tmp/same.c" $cap 2>&1)"
out=$($SKEP run "$tmp/other.c" $cap 2>&1)
same "pointers of another type: exit status" 2 $?
has "pointers of another type: message" "slot 0 of map 'outer': Invalid argument" "$out"
[ -n "$both" ] && has "the kernel refuses them, too" "slot 0 of map 'outer': Invalid argument" \
	"$($SKEP run --on kernel "$tmp/other.c" $cap 2>&1)"

done_testing
