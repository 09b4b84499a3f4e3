#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# prog.t: `skep prog`: programs of the running kernel, shown, dumped and pinned; where
# bpftool is installed, its output and ours are the same. Pins are below a mount that
# nobody else sees. Attaches nothing.
. test/tap.sh

status "a command that is none" 2 $SKEP prog dmp
has "what it may mean" "did you mean 'skep prog dump'?" "$($SKEP prog dmp 2>&1)"
status "no program" 2 $SKEP prog dump xlated
has "which ways there are to name one" "id N, name NAME, tag TAG or pinned FILE" \
	"$($SKEP prog dump xlated 2>&1)"
has "dump of what" "dump xlated PROG" "$($SKEP prog dump id 1 2>&1)"
status "no number" 2 $SKEP prog show id x
status "a word too many" 2 $SKEP prog show name x y
has "help" "skep prog pin    PROG FILE" "$($SKEP prog help)"
has "shortened" "skep prog pin    PROG FILE" "$($SKEP prog he)"

why=
for tool in bpftool; do
	command -v $tool >/dev/null || why="no $tool"
done
if [ -n "$why" ] || [ -z "${CLANG-}" ]; then
	skip "bpftool says the same" "${why:-no clang}"
	done_testing
	exit
fi
export CLANG
cat > "$tmp/code.c" <<'EOF2'
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, __u64);
	 __uint(max_entries, 8); } table SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64);
	 __uint(max_entries, 8); } cells SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(key_size, 4); __uint(value_size, 4);
	 __uint(max_entries, 8); } jumps SEC(".maps");
struct deep { int a; struct deep *next; };
enum colour { RED };
typedef int (*callback_t)(int, void *);
int counter;
const char bpf_metadata_note[] SEC(".rodata") = "what";
const int bpf_metadata_n SEC(".rodata") = 7;
static __attribute__((noinline)) int sub(struct xdp_md *ctx, __u32 k)
{
	__u64 *v = bpf_map_lookup_elem(&table, &k);
	volatile __u64 x = 0x123456789abcdefull, y = 4;

	if (!v)
		return 1;
	x = __sync_fetch_and_add(v, 1);
	y = __sync_fetch_and_or((__u32 *)v, 3);
	__sync_fetch_and_xor(v, 5);
	x = __sync_lock_test_and_set(v, 5);
	x = __sync_val_compare_and_swap(v, 5, 6);
	y = __sync_val_compare_and_swap((__u32 *)v, 5, 6);
	x /= 7;
	y = (__u32)y % 9 ^ -(__u32)y;
	*(volatile char *)v = 3;
	if ((long)x < (long)y)
		x = __builtin_bswap64(y) >> 3;
	return x != y;
}
static __attribute__((noinline)) int types(callback_t f, int (*g)(long, void *, const struct deep *, ...),
					   int *const *x, enum colour c, volatile int *p)
{
	return f ? 1 : 2;
}
static long each(__u32 i, void *c) { counter += i; return 0; }
SEC("xdp") int a_name_longer_than_fifteen(struct xdp_md *ctx)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&cells, &zero);

	if (n)
		++*n;
	bpf_printk("x %d", counter);
	bpf_loop(3, each, NULL, 0);
	bpf_tail_call(ctx, &jumps, 1);
	if ((short)bpf_get_prandom_u32() > 5)
		counter = __builtin_bswap32(counter);
	zero = sub(ctx, ctx->rx_queue_index);
	return zero + types((callback_t)(long)ctx->data, 0, 0, RED, 0);
}
SEC("cgroup_skb/egress") int twin_one(struct __sk_buff *s) { return 1; }
SEC("cgroup/connect4") int twin_two(struct bpf_sock_addr *s) { return 1; }
SEC("tc") int bytes(struct __sk_buff *s) { __u8 b[4]; bpf_skb_load_bytes(s, 2, b, 4); return b[1] + s->mark; }
char _license[] SEC("license") = "GPL";
EOF2
ok "compiles" $SKEP cc "$tmp/code.c" -o "$tmp/code.o"
cat > "$tmp/both" <<'EOF2'
cd "$1" || exit 78	# bpftool has dots of its own in paths
mkdir -p pins && mount -t bpf bpf pins || exit 77
bpftool prog loadall code.o pins/progs >/dev/null || exit 78
tag=$(bpftool -j prog show pinned pins/progs/twin_one | sed 's/.*"tag":"//; s/".*//')
while read -r args; do
	for form in "" -j -jp; do
		bpftool $form prog $args >theirs 2>/dev/null </dev/null
		code=$?
		"$SKEP" prog $form $args >ours 2>ours.err </dev/null
		[ $? = $code ] || echo "status differs: prog $form $args"
		cmp -s theirs ours && continue
		echo "differs: prog $form $args"
		diff theirs ours | cut -c1-200 | head -n 6
	done
done <<EOF3
$(for prog in a_name_longer_than_fifteen twin_one twin_two bytes; do
	echo "show pinned pins/progs/$prog"
	echo "-f show pinned pins/progs/$prog"
	echo "dump xlated pinned pins/progs/$prog"
	echo "dump xlated pinned pins/progs/$prog opcodes"
	echo "dump xlated pinned pins/progs/$prog linum"
	echo "dump xlated pinned pins/progs/$prog visual"
done)
list pinned pins/progs/bytes
show tag $tag
dump xlated tag $tag
EOF3
echo "== own"
bpftool prog dump xlated pinned pins/progs/bytes file theirs
"$SKEP" prog dump xlated pinned pins/progs/bytes file ours && cmp theirs ours && echo same file
"$SKEP" prog dump xlated pinned pins/progs/bytes opcodes linum | grep -c 'line_num\|^       [0-9a-f]' |
	grep -qv '^0$' && echo both
"$SKEP" prog pin pinned pins/progs/bytes pins/again && "$SKEP" prog show pinned pins/again | grep -c 'name bytes'
"$SKEP" prog pin pinned pins/progs/bytes pins/again 2>&1 | grep -o 'File exists'
"$SKEP" prog -j pin pinned pins/progs/bytes pins/third
"$SKEP" prog pin pinned pins/progs/bytes ours.pin 2>&1 | grep -o 'file system of type bpf'
"$SKEP" prog pin tag $tag pins/many 2>&1 | grep -o 'is what [2-9] programs are called'
"$SKEP" prog -j show | grep -c '"name":"a_name_longer_than_fifteen"'
"$SKEP" prog show name a_name_longer_than_fifteen | grep -c 'note = "what"'
"$SKEP" prog show name a_name_longer_than_sixteen 2>&1 | grep -o 'no program called'
"$SKEP" prog show id 4294967294 2>&1 | grep -o 'the kernel has no program with id 4294967294'
"$SKEP" prog -j show id 4294967294 | grep -c '^{"error":".*"}$'
"$SKEP" prog dump xlated pinned pins/progs/bytes visible 2>&1 | grep -o "'visible' is nothing that a dump takes"
EOF2
out=$(unshare -m sh "$tmp/both" "$tmp" 2>"$tmp/why")
case $? in
77 | 78)
	skip "bpftool says the same" "$(head -n 1 "$tmp/why")"
	done_testing
	exit ;;
esac
same "bpftool says the same" "" "$(printf '%s\n' "$out" | sed '/^== own$/,$d')"
same "files, pins, names, what is wrong" "same file
both
1
File exists
null
file system of type bpf
is what 2 programs are called
1
1
no program called
the kernel has no program with id 4294967294
1
'visible' is nothing that a dump takes" "$(printf '%s\n' "$out" | sed -n '/^== own$/,$p' | sed 1d)"
done_testing
