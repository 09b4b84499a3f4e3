#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# struct_ops.t: `skep struct_ops` and `skep iter`: structs of functions become known to the
# kernel, are shown as bpftool shows them, and taken back; iterators are pinned and read.
# Congestion controls of a name of their own, which no socket uses; pins are below a mount
# that nobody else sees.
. test/tap.sh

status "a command that is none" 2 $SKEP struct_ops regster
has "what it may mean" "did you mean 'skep struct_ops register'?" "$($SKEP struct_ops regster 2>&1)"
status "register what" 2 $SKEP struct_ops register
status "no such file" 2 $SKEP struct_ops register "$tmp/none.o"
has "unregister which" "id N or name NAME" "$($SKEP struct_ops unregister 2>&1)"
has "no other selectors" "there are id N and name NAME" "$($SKEP struct_ops show pinned x 2>&1)"
has "help" "skep struct_ops unregister MAP" "$($SKEP struct_ops help)"
status "pin what" 2 $SKEP iter pin
has "pin where" "the pin's path is missing" "$($SKEP iter pin x.o 2>&1)"
has "help of iter" "skep iter pin    OBJ PATH [map MAP]" "$($SKEP iter help)"

why=
for tool in bpftool jq; do
	command -v $tool >/dev/null || why="no $tool"
done
[ -r /sys/kernel/btf/vmlinux ] || why="no types of the kernel"
if [ -n "$why" ] || [ -z "${CLANG-}" ]; then
	skip "bpftool says the same" "${why:-no clang}"
	done_testing
	exit
fi
name=skt$$
cat > "$tmp/ops.h" <<EOF2
struct sock;
struct tcp_congestion_ops {
	unsigned (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, unsigned ack, unsigned acked);
	unsigned (*undo_cwnd)(struct sock *sk);
	char name[16];
} __attribute__((preserve_access_index));
SEC("struct_ops/ssthresh") unsigned skt_ssthresh(unsigned long long *c) { return 2; }
SEC("struct_ops/undo") unsigned skt_undo(unsigned long long *c) { return 2; }
SEC("struct_ops/cong") void skt_cong(unsigned long long *c) { }
char _license[] SEC("license") = "GPL";
EOF2
one() # FILE SECTION NAME
{
	{
		cat "$tmp/ops.h"
		echo "SEC(\"$2\") struct tcp_congestion_ops $3 = { .ssthresh = (void *)skt_ssthresh,"
		echo ".undo_cwnd = (void *)skt_undo, .cong_avoid = (void *)skt_cong, .name = \"$3\" };"
	} >"$tmp/$1.c"
	ok "$1 compiles" $SKEP cc "$tmp/$1.c" -o "$tmp/$1.o"
}
one ops .struct_ops "$name"
one ops2 .struct_ops "${name}b"
one link .struct_ops.link "${name}l"
cat > "$tmp/iter.c" <<'EOF2'
struct seq_file;
struct bpf_iter_meta { struct seq_file *seq; } __attribute__((preserve_access_index));
struct bpf_iter__bpf_map_elem { struct bpf_iter_meta *meta; void *map, *key, *value; }
	__attribute__((preserve_access_index));
SEC("iter/bpf_map_elem") int elems(struct bpf_iter__bpf_map_elem *ctx)
{
	static const char fmt[] = "%d is %llu\n";
	__u32 *k = ctx->key;
	__u64 *v = ctx->value, args[2];

	if (!k || !v)
		return 0;
	args[0] = *k;
	args[1] = *v;
	bpf_seq_printf(ctx->meta->seq, fmt, sizeof(fmt), args, sizeof(args));
	return 0;
}
char _license[] SEC("license") = "GPL";
EOF2
cat > "$tmp/map.c" <<'EOF2'
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, __u64);
	 __uint(max_entries, 8); } table SEC(".maps");
SEC("xdp") int one(struct xdp_md *ctx) { __u32 k = 1; return !!bpf_map_lookup_elem(&table, &k); }
char _license[] SEC("license") = "GPL";
EOF2
ok "iter compiles" $SKEP cc "$tmp/iter.c" -o "$tmp/iter.o"
ok "map compiles" $SKEP cc "$tmp/map.c" -o "$tmp/map.o"
cat > "$tmp/both" <<'EOF2'
cd "$1" || exit 78
name=$2
mkdir -p m && mount -t bpf bpf m || exit 77
trap 'exit 1' HUP INT TERM
trap 'bpftool struct_ops unregister name $name; bpftool struct_ops unregister name ${name}b' EXIT
skep() { "$SKEP" "$@"; }
bpftool struct_ops register ops.o >theirs 2>&1 || { cat theirs >&2; exit 78; }
bpftool struct_ops unregister name $name >theirs.gone 2>&1
number() { sed 's/[0-9]*$/N/'; }
skep struct_ops register ops.o >ours || echo "register fails"
[ "$(number <theirs)" = "$(number <ours)" ] || echo "differs: $(cat ours)"
for words in "show name $name" "list name $name" "dump name $name" \
	"show id $(bpftool -j map show name $name | jq .id)"; do
	for form in "" -j -jp; do
		bpftool $form struct_ops $words >theirs 2>/dev/null
		skep struct_ops $form $words >ours 2>/dev/null
		cmp -s theirs ours || { echo "differs: $form $words"; diff theirs ours | head -n 8; }
	done
done
bpftool -j struct_ops show | jq -c "map(select(.name == \"$name\"))" >theirs
skep struct_ops -j | jq -c "map(select(.name == \"$name\"))" >ours
cmp theirs ours
skep struct_ops unregister name $name >ours.gone
[ "$(number <theirs.gone)" = "$(number <ours.gone)" ] || echo "differs: $(cat ours.gone)"
echo "== own"
skep struct_ops unregister name $name 2>&1 | grep -o 'has no map called'
skep struct_ops register map.o 2>&1 | grep -o 'no struct of functions is in the object'
# one that is there already
skep struct_ops register ops.o >/dev/null
skep struct_ops register ops.o 2>&1 | grep -o 'File exists'
bpftool struct_ops show name $name | grep -c tcp_congestion_ops
skep struct_ops -j unregister name $name
skep struct_ops unregister id $(bpftool -j prog show | jq '.[0].id') 2>&1 | grep -c 'error:'
# by a link
skep struct_ops register link.o 2>&1 | grep -o 'which needs a pin'
skep struct_ops -j register link.o m/links
ls m/links | sed "s/$name/NAME/"
skep link show pinned m/links/${name}l | grep -o struct_ops
skep struct_ops unregister name ${name}l 2>&1 | grep -o 'registered by a link'
skep struct_ops show | grep -c "${name}l"
rm -r m/links
for t in 1 2 3 4 5 6 7 8 9 10; do	# the kernel takes it away a moment later
	skep struct_ops show | grep -q "${name}l" || break
	sleep 0.3
done
skep struct_ops show | grep -c "${name}l"
skep struct_ops register link.o m/none/there 2>&1 | grep -o 'cannot be made'
skep struct_ops show | grep -c "$name"
# iterators
bpftool prog load map.o m/one pinmaps m/maps
skep map update pinned m/maps/table key 7 0 0 0 value 9 0 0 0 0 0 0 0
skep iter pin iter.o m/it map pinned m/maps/table && cat m/it
skep map update pinned m/maps/table key 7 0 0 0 value 8 0 0 0 0 0 0 0
cat m/it
id=$(bpftool -j map show pinned m/maps/table | jq .id)
bpftool -j link show pinned m/it | jq -c "[.type, .target_name, .map_id == $id]"
skep iter -j pin iter.o m/it map id $id | jq -r '.error | test("m/it.*File exists")'
skep iter pin iter.o m/x 2>&1 | grep -o 'no map whose elements'
skep iter pin map.o m/x map id $id 2>&1 | grep -o 'is no iterator'
skep iter pin iter.o m/x map id 4294967294 2>&1 | grep -o 'has no map with id'
skep iter pin iter.o here map id $id 2>&1 | grep -o 'file system of type bpf'
ls m | grep -v debug | tr '\n' ' '; echo
EOF2
out=$(unshare -m sh "$tmp/both" "$tmp" "$name" 2>"$tmp/why")
case $? in
77 | 78)
	skip "bpftool says the same" "$(head -n 1 "$tmp/why")"
	done_testing
	exit ;;
esac
same "bpftool says the same" "" "$(printf '%s\n' "$out" | sed '/^== own$/,$d')"
same "the rest" 'has no map called
no struct of functions is in the object
File exists
1
null
1
which needs a pin
null
NAMEl
struct_ops
registered by a link
1
0
cannot be made
0
7 is 9
7 is 8
["iter","bpf_map_elem",true]
true
no map whose elements
is no iterator
has no map with id
file system of type bpf
it maps one ' "$(printf '%s\n' "$out" | sed -n '/^== own$/,$p' | sed 1d)"
done_testing
