#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# prog_load.t: `skep prog load` and its kin: programs into the running kernel and their
# pins, below a mount that nobody else sees; what they are is what bpftool makes of the
# same object. After an error nothing is left. Runs, graphs and native code of them.
. test/tap.sh

status "load of nothing" 2 $SKEP prog load
status "load to nowhere" 2 $SKEP prog load x.o
has "what load takes" "there are type, map, offload_dev, xdpmeta_dev, pinmaps, autoattach" \
	"$($SKEP prog load x.o /sys/fs/bpf/x frob 2>&1)"
has "which map" "map idx N MAP or map name NAME MAP" "$($SKEP prog load x.o y map x 2>&1)"
has "no such device" "there is no network device 'none0'" \
	"$($SKEP prog load x.o y offload_dev none0 2>&1)"
has "help lists them" "loadall    OBJ DIR [as above]" "$($SKEP prog --help)"
status "no metric" 2 $SKEP prog profile

why=
for tool in bpftool jq; do
	command -v $tool >/dev/null || why="no $tool"
done
if [ -n "$why" ] || [ -z "${CLANG-}" ]; then
	skip "programs are loaded" "${why:-no clang}"
	done_testing
	exit
fi
export CLANG
cat > "$tmp/a_long_name.c" <<'EOF2'
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, __u64);
	 __uint(max_entries, 8); } table SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u32);
	 __uint(max_entries, 2); } cells SEC(".maps");
int counter, start = 7;
int custom SEC(".data.own") = 4;
const int limit = 5;
static long each(__u32 i, void *c) { counter += i; return counter > 5; }
static __attribute__((noinline)) int sub(__u32 k)
{
	__u64 *v = bpf_map_lookup_elem(&table, &k);

	return v ? *v > 4 ? 3 : 2 : 1;
}
SEC("xdp") int first(struct xdp_md *ctx)
{
	volatile int sum = start;

	for (int i = 0; i < 30; i++) {
		sum += i;
		if (sum == 22)
			break;
	}
	bpf_loop(3, each, 0, 0);
	switch (ctx->rx_queue_index) {
	case 3: counter = 9; break;
	case 11: return 7;
	}
	return sub(ctx->rx_queue_index) + limit + custom + sum;
}
SEC("xdp") int second(struct xdp_md *ctx)
{
	char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 zero = 0, *n = bpf_map_lookup_elem(&cells, &zero);

	if (n)
		++*n;
	if (data + 14 > end)
		return 0;
	data[3] = 7;
	return 2;
}
SEC("tc") int third(struct __sk_buff *s) { s->mark = 5; s->cb[0] = s->len; return 1; }
SEC("syscall") int fourth(int *ctx) { *ctx += 2; return 7; }
SEC("socket") int fifth(struct __sk_buff *s) { return s->len; }
char _license[] SEC("license") = "GPL";
EOF2
cat > "$tmp/bad.c" <<'EOF2'
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u32);
	 __uint(max_entries, 2); } cells SEC(".maps");
SEC("xdp") int good(struct xdp_md *ctx) { return 2; }
SEC("xdp") int bad(struct xdp_md *ctx) { return *(char *)(long)ctx->data; }
char _license[] SEC("license") = "GPL";
EOF2
cat > "$tmp/none.c" <<'EOF2'
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u32);
	 __uint(max_entries, 2); } cells SEC(".maps");
char _license[] SEC("license") = "GPL";
EOF2
cat > "$tmp/socks.c" <<'EOF2'
struct { __uint(type, BPF_MAP_TYPE_SOCKMAP); __uint(key_size, 4); __uint(value_size, 4);
	 __uint(max_entries, 8); } socks SEC(".maps");
SEC("sk_skb/stream_verdict") int verdict(struct __sk_buff *s) { return 1; }
SEC("sk_skb/stream_parser") int parser(struct __sk_buff *s) { return s->len; }
SEC("sk_msg") int msg(struct sk_msg_md *s) { return 1; }
SEC("flow_dissector") int flow(struct __sk_buff *s) { return 0; }
char _license[] SEC("license") = "GPL";
EOF2
cat > "$tmp/point.c" <<'EOF2'
SEC("raw_tp/sys_enter") int on_enter(void *ctx) { return 0; }
SEC("xdp") int nowhere(struct xdp_md *ctx) { return 2; }
char _license[] SEC("license") = "GPL";
EOF2
for name in a_long_name bad none socks point; do
	ok "$name compiles" $SKEP cc "$tmp/$name.c" -o "$tmp/$name.o"
done

# What is asked of both, and answered alike. "ours" and "theirs" are folders for pins.
cat > "$tmp/both" <<'EOF2'
cd "$1" || exit 78
mkdir -p m && mount -t bpf bpf m || exit 77
skep() { "$SKEP" "$@"; }
# all that is not a number of this load or a time
facts() { jq -c 'del(.id, .loaded_at, .map_ids, .btf_id, .bytes_memlock)'; }
same() { [ "$2" = "$3" ] || { echo "differs: $1"; echo "$2" | head -5; echo "$3" | head -5; }; }

bpftool prog loadall a_long_name.o m/theirs pinmaps m/their_maps || exit 78
skep prog loadall a_long_name.o m/ours pinmaps m/our_maps || echo "loadall fails"
same "pins" "$(cd m/theirs && ls; cd ../their_maps && ls)" "$(cd m/ours && ls; cd ../our_maps && ls)"
for p in first second third fourth fifth; do
	same "program $p" "$(bpftool -j prog show pinned m/theirs/$p | facts)" \
		"$(bpftool -j prog show pinned m/ours/$p | facts)"
	same "keys of $p" "$(bpftool -j prog show pinned m/theirs/$p | jq -c 'map_values(type)')" \
		"$(skep prog -j show pinned m/ours/$p | jq -c 'map_values(type)')"
	bpftool prog dump xlated pinned m/ours/$p visual > t1
	skep prog dump xlated pinned m/ours/$p visual > t2
	cmp -s t1 t2 || { echo "graph of $p differs"; diff t1 t2 | head -5; }
done
for map in m/their_maps/*; do
	same "map $map" "$(bpftool -j map show pinned $map | facts)" \
		"$(bpftool -j map show pinned m/our_maps/${map##*/} | facts)"
	same "map $map" "$(bpftool map dump pinned $map)" \
		"$(bpftool map dump pinned m/our_maps/${map##*/})"
done

# runs
head -c 64 /dev/zero > in
head -c 31 /dev/urandom > odd
head -c 192 /dev/zero > ctx
printf '\5\0\0\0' > four
runs() # TOOL FORM WORD...
{
	tool=$1 form=$2
	shift 2
	rm -f out ctx.out
	$tool prog $form run "$@" 2>/dev/null </dev/null | sed 's/[0-9]*ns$//; s/"duration":[ 0-9]*//'
	for f in out ctx.out; do [ -s $f ] && { od -An -tx1 $f; rm $f; }; done
}
while read -r words; do
	for form in "" -j -jp; do
		same "run $form $words" "$(runs bpftool "$form" $words)" "$(runs skep "$form" $words)"
	done
done <<EOF3
pinned m/ours/second data_in in
pinned m/ours/second data_in in data_out -
pinned m/ours/second data_in odd data_out -
pinned m/ours/second data_in in data_out out repeat 100
pinned m/ours/third data_in in ctx_in ctx ctx_out - data_out -
pinned m/ours/third data_in in ctx_in ctx ctx_out ctx.out
pinned m/ours/third data_in in ctx_out ctx.out
EOF3
for words in 'data_in in data_out - data_size_out 10' 'data_in none' 'data_in in repeat x' \
	'data_in' 'data_in in frob' 'data_in - ctx_in -' ''; do
	skep prog run pinned m/ours/third $words >t1 2>&1
	[ $? = 2 ] || echo "run $words: $(cat t1)"
done
echo "== own"
printf '\5\0\0\0' | skep prog run pinned m/ours/fourth ctx_in - ctx_out -
skep prog run pinned m/ours/fourth ctx_in four 2>&1 | sed 's/[0-9]*ns/Nns/'
skep prog run pinned m/ours/second data_in in data_size_out 9 2>&1 | grep -o 'has 64 bytes of data'

# maps of others stand for an object's
id=$(bpftool -j map show pinned m/our_maps/table | jq .id)
skep prog load a_long_name.o m/reused map name table id $id map idx 0 pinned m/our_maps/cells \
	map name .bss pinned m/our_maps/a_long_n_bss
bpftool -j prog show pinned m/reused | jq -c "[.name, (.map_ids | contains([$id]))]"
skep prog load a_long_name.o m/x map name tabel id $id 2>&1 | grep -o "did you mean '*table"
skep prog load a_long_name.o m/x map idx 77 id $id 2>&1 | grep -o 'there is no map 77; it has [0-9]*'
skep prog load a_long_name.o m/x map idx 0 id $id 2>&1 | grep -o "cannot stand for 'cells'"
skep prog load a_long_name.o m/x map idx 0 id 4294967294 2>&1 | grep -o 'has no map with id'
skep prog load a_long_name.o m/x map name table id $id map idx 1 id $id 2>&1 | grep -o 'given twice'

# all or nothing
skep prog loadall bad.o m/bad pinmaps m/bad_maps >t1 2>&1; echo "rejected: $?"
grep -o "rejects 'bad'" t1
skep prog load a_long_name.o m/x pinmaps m/our_maps 2>&1 | grep -o 'File exists'
skep prog loadall a_long_name.o m/ours 2>&1 | grep -o 'File exists'
skep prog loadall a_long_name.o m/half pinmaps m/our_maps 2>&1 | grep -o 'File exists'
skep prog load none.o m/x 2>&1 | grep -o 'the object has no program'
skep prog load a_long_name.o m/a.dot 2>&1 | grep -o "a pin's name has no dot"
skep prog load a_long_name.o here 2>&1 | grep -o 'file system of type bpf'
skep prog load a_long_name.o m/x type frob 2>&1 | grep -o "no program type 'frob'"
skep prog load a_long_name.o m/x type sokcet 2>&1 | grep -o "did you mean socket"
skep prog load missing.o m/x 2>&1 | grep -o 'No such file'
skep prog -j load missing.o m/x | jq -r '.error | test("missing.o.*No such file")'
ls m here 2>/dev/null | grep -v debug | tr '\n' ' ' | sed 's/ $//'; echo

skep prog load none.c m/x 2>&1 | grep -o 'the object has no program'
skep prog -L load a_long_name.o && echo loaded; ls m | grep -c '^x$'
skep prog -j load point.c m/compiled type socket && bpftool -j prog show pinned m/compiled | jq -r .type
skep prog -d load a_long_name.o m/logged 2>&1 | grep -c "^program '.*': the kernel's verifier says"
skep prog -d -L load a_long_name.o 2>&1 | grep -c '^processed [0-9]* insns'

# links are pinned where the section says where to
skep prog loadall point.o m/auto autoattach 2>&1 | grep -o "'nowhere' is not attached by itself"
skep link show pinned m/auto/on_enter | grep -o raw_tracepoint
skep prog show pinned m/auto/nowhere | grep -o xdp
rm -r m/auto

# sockmaps and this name space's flow dissector
skep prog loadall socks.o m/sk pinmaps m/skm
attach() { skep prog $1 pinned m/sk/$2 $3 $4 2>&1; echo "$1 $2 $?"; }
M="pinned m/skm/socks"
attach attach verdict sk_skb_stream_verdict "$M"
attach attach parser stream_parser "$M"
attach attach msg sk_msg_verdict "$M"
attach detach msg sk_msg_verdict "$M"
attach detach msg sk_msg_verdict "$M" | grep -v '^note\|^error\|^skep'
bpftool prog detach pinned m/sk/verdict sk_skb_stream_verdict $M && echo "bpftool agrees"
attach attach flow flow_dissector
bpftool net show | sed -n '/^flow/,$p' | grep -c '^id'
attach attach flow flow_dissector | grep -o 'has one already'
attach detach flow flow_dissector
skep prog attach pinned m/sk/msg sk_msg_verdikt $M 2>&1 | grep -o 'did you mean sk_msg_verdict'
skep prog attach pinned m/sk/msg sk_msg_verdict 2>&1 | grep -o 'which map'

# native code
skep prog dump jited pinned m/ours/first file jit && bpftool -j prog show pinned m/ours/first |
	jq -r ".bytes_jited == $(wc -c < jit)"
skep prog -j dump jited pinned m/ours/first opcodes linum > jit.json
# the bytes of all functions are those of the file
jq -r '.[].insns[].opcodes[]' jit.json | sed 's/0x//' | tr -d '\n' > t1
od -An -v -tx1 jit | tr -d ' \n' > t2
cmp t1 t2 && echo "all bytes"
jq -r '[.[].proto] | length, (.[0] | test("^int first"))' jit.json
jq -r '[.[].insns[] | select(.line_num)] | length > 5' jit.json
jq -r '[.[].name | test("^bpf_prog_[0-9a-f]{16}_")] | all' jit.json
skep prog dump jited pinned m/ours/first opcodes linum | grep -c '^; .*line_num:' | grep -qv '^0$' && echo lines
skep prog dump jited tag "$(bpftool -j prog show pinned m/ours/fifth | jq -r .tag)" file jit 2>&1 |
	grep -o 'a graph takes one'
skep prog dump xlated pinned m/ours/first visual opcodes 2>&1 | grep -o 'visual is by itself'

skep prog profile pinned m/ours/first duration 1 cycels 2>&1 | grep -o 'did you mean cycles'
EOF2
out=$(unshare -mn sh "$tmp/both" "$tmp" 2>"$tmp/why")
case $? in
77 | 78)
	skip "programs are loaded" "$(head -n 1 "$tmp/why")"
	done_testing
	exit ;;
esac
same "bpftool makes and says the same" "" "$(printf '%s\n' "$out" | sed '/^== own$/,$d')"
same "the rest" '0000000	0700 0000                               | ....
Return value: 7, duration: 0ns
Return value: 7, duration: Nns
has 64 bytes of data
["first",true]
did you mean '"'"'table
there is no map 77; it has 6
cannot stand for '"'"'cells'"'"'
has no map with id
given twice
rejected: 1
rejects '"'"'bad'"'"'
File exists
File exists
File exists
the object has no program
a pin'"'"'s name has no dot
file system of type bpf
no program type '"'"'frob'"'"'
did you mean socket
No such file
true
m: our_maps ours reused their_maps theirs
the object has no program
loaded
0
null
socket_filter
5
5
'"'"'nowhere'"'"' is not attached by itself
raw_tracepoint
xdp
attach verdict 0
attach parser 0
attach msg 0
detach msg 0
detach msg 2
bpftool agrees
attach flow 0
1
has one already
detach flow 0
did you mean sk_msg_verdict
which map
true
all bytes
3
true
true
true
lines
a graph takes one
visual is by itself
did you mean cycles' "$(printf '%s\n' "$out" | sed -n '/^== own$/,$p' | sed 1d)"
done_testing
