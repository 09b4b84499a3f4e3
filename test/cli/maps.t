#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# maps.t: map files: every kind of type in and out again, and what does not fit.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
export CLANG
cap=examples/firewall/traffic.pcapng

cat > "$tmp/kinds.c" <<'C'
enum color { RED, GREEN = 5, NEGATIVE = -3 };
enum wide { FAR = 0x1ffffffffULL, NEAR = 1 };
struct bits { int a; unsigned b : 3; int c : 5; };
struct value {
	signed char s8; unsigned char u8; int s32; long long s64; unsigned long long u64;
	_Bool yes; enum color color; enum wide wide; char name[16]; unsigned char mac[6];
	struct { union { int whole; struct { short low, high; }; }; int after; };
	struct bits bits; struct bits two[2]; int matrix[2][3];
	__int128 broad : 100;
	void *pointer; float single; double twice; __int128 huge;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, int);
	__type(value, struct value);
} kinds SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, int);
} each SEC(".maps");
int first = 3, second = 4;
const volatile int fixed = 5;
SEC("xdp") int prog(struct xdp_md *ctx)
{
	int k = 0;

	bpf_map_lookup_elem(&kinds, &k);
	bpf_map_lookup_elem(&each, &k);
	return first + second + fixed == 12 ? XDP_PASS : XDP_DROP;
}
C
ok "compiles" $SKEP cc "$tmp/kinds.c" -o "$tmp/kinds.o"

# load MAP JSON: exit status and messages of a run with that map file
load()
{
	printf '%s' "$2" > "$tmp/m.json"
	$SKEP run "$tmp/kinds.o" $cap --map "$1=$tmp/m.json" -j 2>&1
	echo "status $?"
}

# put MEMBERS TEXT: a value of these members is stored and printed as TEXT
put()
{
	has "$1" "$2" "$(load kinds "[{\"key\": 1, \"value\": {$1}}]" | tr -d '\n' | tr -s ' ')"
}

# refuse MEMBERS PART
refuse()
{
	refuse_out=$(load kinds "[{\"key\": 1, \"value\": {$1}}]")
	has "$1 is refused" "status 2" "$refuse_out"
	has "$1: message" "$2" "$refuse_out"
}

put '"s8": -128, "u8": 255' '"s8": -128, "u8": 255'
put '"s64": -9223372036854775808' '"s64": -9223372036854775808'
put '"u64": "18446744073709551615"' '"u64": 18446744073709551615'
refuse '"s8": 128' "s8: 128 does not fit 1 bytes, signed"
refuse '"s8": -129' "does not fit"
refuse '"u8": -1' "u8: -1 does not fit 1 bytes, unsigned"
refuse '"s64": "9223372036854775808"' "does not fit"
refuse '"u64": 18446744073709551615' "given as text"
refuse '"u64": 1.5' "a number is needed, not a fraction"
put '"color": "NEGATIVE", "wide": "FAR"' '"color": "NEGATIVE", "wide": "FAR"'
put '"color": 5' '"color": "GREEN"'
refuse '"color": "GREN"' "did you mean 'GREEN'"
refuse '"wide": "FAAR"' "did you mean 'FAR'"
put '"bits": {"b": 7, "c": -16}' '"b": 7, "c": -16'
refuse '"bits": {"b": 8}' "does not fit 3 bits"
refuse '"bits": {"b": -1}' "does not fit 3 bits"
refuse '"bits": {"c": 16}' "does not fit 5 bits"
put '"low": 1, "high": 1, "after": 9' '"whole": 65537'
put '"two": [{"a": 1}], "matrix": [[1, 2, 3], [4]]' '[ 1, 2, 3 ], [ 4, 0, 0 ]'
refuse '"matrix": [[1, 2, 3, 4]]' "4 elements, there is room for 3"
put '"mac": "0a:0B:0c:0d:0e:0f"' '10, 11, 12, 13, 14, 15'
refuse '"mac": " a:+b:-c:dd:ee:ff"' "mac: "
put '"name": "a\u0000b"' '"name": "a"'
refuse '"name": "seventeen letters"' "a text of 17 bytes does not fit 16"
put '"pointer": "0xffff888000000000"' '"pointer": "0xffff888000000000"'
put '"single": -1.5, "twice": 2' '"single": -1.500000, "twice": 2.000000'
put '"broad": -5' '"broad": "0xffffffffffffffffffffffffb"'
put '"huge": "0x123456789abcdef0fedcba9876543210"' '"huge": "0x123456789abcdef0fedcba9876543210"'
refuse '"huge": "0x123456789abcdef0fedcba98765432100"' "huge: "

out=$(load .data '[{"key": 0, "value": {"second": 99}}]')
has "a variable is set" '"second": 99' "$out"
has "the others stay" '"first": 3' "$out"
has "a variable that is not there" "[0].value: it has no variable 'third'" \
	"$(load .data '[{"key": 0, "value": {"third": 1}}]')"
has "read-only variables" "it is read-only" "$(load .rodata '[{"key": 0, "value": {"fixed": 1}}]')"

echo '[{"key": 0, "values": [{"cpu": 0, "value": 7}]}]' > "$tmp/m.json"
has "values of the only cpu" "0: 7" \
	"$($SKEP run "$tmp/kinds.o" $cap --cpus 1 --map each="$tmp/m.json" 2>&1)"

if command -v jq > /dev/null; then
	load kinds '[{"key": 1, "value": {"s8": -3, "color": "GREEN", "wide": "FAR", "name": "zz",
		"whole": 70000, "pointer": 1, "single": 0.5, "huge": "0x1"}}]' |
		sed '/^status/d;/^note/d;/^warning/d' > "$tmp/j.json"
	for map in kinds each .data; do
		jq --arg m $map '.maps[] | select(.name == $m) | .elements' "$tmp/j.json" > "$tmp/$map.json"
		ok "what is printed of $map can be loaded" \
			$SKEP run "$tmp/kinds.o" $cap -q --map "$map=$tmp/$map.json"
	done
	same "and is the same then" "$(jq .maps "$tmp/j.json")" \
		"$($SKEP run "$tmp/kinds.o" $cap -j --map kinds="$tmp/kinds.json" 2>/dev/null | jq .maps)"
else
	skip "what is printed can be loaded" "no jq"
fi
done_testing
