#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# bpftool.t: what `bpftool map dump -j` prints of maps in the kernel is loaded
# by --map, with types and without, and is the same then. The programs are
# loaded, never attached; maps are pinned below a mount that nobody else sees,
# and end with it.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
for tool in bpftool jq unshare; do
	command -v $tool > /dev/null || skip_all "no $tool"
done
export CLANG
cap=examples/firewall/traffic.pcapng

cat > "$tmp/m.c" <<'C'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct pair { int a; unsigned char mac[6]; unsigned short port; };
enum color { RED, GREEN };
struct value { long long n; struct pair p; char name[8]; enum color c; unsigned u : 3; };
struct lkey { __u32 len; unsigned char addr[4]; };
#define MAP(name_, type_, n_, k_, v_, f_) struct { __uint(type, type_); __uint(max_entries, n_); \
	__uint(map_flags, f_); __type(key, k_); __type(value, v_); } name_ SEC(".maps")
MAP(plain, BPF_MAP_TYPE_HASH, 8, struct pair, struct value, 0);
MAP(nums, BPF_MAP_TYPE_ARRAY, 4, __u32, __u64, 0);
MAP(each, BPF_MAP_TYPE_PERCPU_ARRAY, 2, __u32, __u32, 0);
MAP(pairs, BPF_MAP_TYPE_PERCPU_HASH, 4, __u32, struct pair, 0);
MAP(lpm, BPF_MAP_TYPE_LPM_TRIE, 4, struct lkey, __u32, BPF_F_NO_PREALLOC);
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __uint(key_size, 4);
	__uint(value_size, 12); } bare SEC(".maps");
#define USE(map, key) ({ if (bpf_map_lookup_elem(&map, &key)) n++; })
SEC("xdp") int prog(struct xdp_md *ctx)
{
	struct pair p = { 0 };
	struct lkey l = { 32 };
	__u32 k = 0, n = 0;

	USE(plain, p);
	USE(nums, k);
	USE(each, k);
	USE(pairs, k);
	USE(lpm, l);
	USE(bare, k);
	return n > 9 ? XDP_DROP : XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
ok "compiles" $SKEP cc "$tmp/m.c" -o "$tmp/m.o"

cat > "$tmp/dump" <<'S'
set -e
cd "$1"
mkdir bpf
mount -t bpf bpf bpf
bpftool prog loadall m.o bpf/p pinmaps bpf/m
put() { m=$1; shift; bpftool map update pinned bpf/m/$m key hex $1 value hex $2; }
put plain '01 0 0 0 aa bb cc dd ee ff 50 0' \
	'fb ff ff ff ff ff ff ff 1 0 0 0 1 2 3 4 5 6 7 0 41 42 0 0 0 0 0 0 1 0 0 0 3 0 0 0 0 0 0 0'
put plain 'ff ff ff ff 0 0 0 0 0 0 ff ff' \
	'0 0 1 0 0 0 0 0 0 0 0 80 0 0 0 0 0 0 ff ff 0 0 0 0 0 0 0 0 0 0 0 0 7 0 0 0 0 0 0 0'
put nums '2 0 0 0' 'ff ff ff ff 0 1 0 0'
put each '1 0 0 0' '7 0 0 0'
put pairs '9 0 0 0' '1 2 3 4 5 6 7 8 9 a b c'
put lpm '18 0 0 0 a 9 0 0' '5 0 0 0'
put bare '1 2 3 4' '1 2 3 4 5 6 7 8 9 a b c'
for m in plain nums each pairs lpm bare; do bpftool map dump -j pinned bpf/m/$m > $m.json; done
umount bpf
S
why=$(unshare -m sh "$tmp/dump" "$tmp" 2>&1) || {
	skip "dumps of maps in the kernel" "$(printf '%s' "$why" | head -n 1)"
	done_testing
	exit
}

# shown FILE MAP: the elements of MAP after it was filled from FILE
shown()
{
	$SKEP run "$tmp/m.o" $cap -j --map "$2=$1" 2> "$tmp/err" |
		jq -S --arg m "$2" '[.maps[] | select(.name == $m) | .elements[]] | sort_by(.key)'
	cat "$tmp/err" >&2
}

for map in plain nums each pairs lpm; do
	# bit-fields are hexadecimal text there and numbers here, addresses numbers there
	jq -S '[.[].formatted] | sort_by(.key) |
		walk(if type == "object" and has("u") then .u |= ltrimstr("0x") + "" else . end)' \
		"$tmp/$map.json" > "$tmp/want"
	jq 'map(del(.formatted))' "$tmp/$map.json" > "$tmp/raw.json"
	jq 'map({formatted})' "$tmp/$map.json" > "$tmp/typed.json"
	jq 'map(.formatted)' "$tmp/$map.json" > "$tmp/btf.json"	# as with --pretty or of older ones
	for form in $map raw typed btf; do
		shown "$tmp/$form.json" $map 2> "$tmp/said" |
			jq -S 'walk(if type == "object" and has("u") then
				.u |= (tostring | ltrimstr("0x"))
			elif type == "object" and (.addr | type) == "string" then
				.addr |= (split(".") | map(tonumber)) else . end)' > "$tmp/got"
		same "$map from $form: $(grep error "$tmp/said")" \
			"$(cat "$tmp/want")" "$(cat "$tmp/got")"
	done
done
same "a map without types" "$(jq -c '.[0].value' "$tmp/bare.json")" \
	"$(shown "$tmp/bare.json" bare 2> /dev/null | jq -c '.[0].value')"
same "its key" 67305985 "$(shown "$tmp/bare.json" bare 2> /dev/null | jq '.[0].key')"
done_testing
