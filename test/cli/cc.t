#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# cc.t: C where an object is taken, the prelude, and what comes of mistakes.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
export CLANG
cap=examples/firewall/traffic.pcapng

cat > "$tmp/book.c" <<'C'
#include <linux/if_ether.h>

SEC("xdp") int only_ip(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > end)
		return XDP_DROP;
	return eth->h_proto == htons(ETH_P_IP) ? XDP_PASS : XDP_DROP;
}
C
has "a program without headers or licence" "only_ip (xdp): 10983 packets" "$($SKEP run "$tmp/book.c" $cap 2>/dev/null)"
ok "cc" $SKEP cc "$tmp/book.c" -o "$tmp/book.o"
ok "cc to standard output" sh -c "$SKEP cc '$tmp/book.c' -o - | cmp - '$tmp/book.o'"
mkfifo "$tmp/pipe"
cat "$tmp/pipe" > "$tmp/piped.o" &
ok "cc to a pipe" $SKEP cc "$tmp/book.c" -o "$tmp/pipe"
wait
ok "which stays one" test -p "$tmp/pipe"
ok "and passed the object on" cmp "$tmp/piped.o" "$tmp/book.o"
ok "its object" $SKEP run "$tmp/book.o" $cap -q
ok "cc in the current folder" sh -c "cd $tmp && $SKEP cc book.c && test -s book.o"
ok "arguments for clang" $SKEP cc "$tmp/book.c" -o "$tmp/v1.o" -- -mcpu=v1 -DX=1
ok "the example" $SKEP run examples/firewall/firewall.c $cap -q

cat > "$tmp/random.c" <<'C'
SEC("xdp") int any(struct xdp_md *ctx) { return bpf_get_prandom_u32(); }
C
has "a program that returns anything" "more values (--json has all)" \
	"$($SKEP run "$tmp/random.c" $cap 2>/dev/null)"
cat > "$tmp/name.c" <<'C'
SEC("xdb") int prog(struct xdp_md *ctx) { return XDP_PASS; }
C
has "a section that names no type" "section 'xdb' names no program type" \
	"$($SKEP run "$tmp/name.c" $cap --prog prog 2>&1)"

cat > "$tmp/loop.c" <<'C'
SEC("xdp") int loop(struct xdp_md *ctx)
{
	volatile int x = 1;

	while (x)
		;
	return XDP_PASS;
}
C
status "a program that never ends" 1 $SKEP run "$tmp/loop.c" $cap
has "says so, with the line" "loop.c:" "$($SKEP run "$tmp/loop.c" $cap 2>&1)"

cat > "$tmp/big.c" <<'C'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 0xffffffff); __type(key, __u64); __type(value, __u64); } big SEC(".maps");
SEC("xdp") int f(struct xdp_md *ctx) { __u64 k = 1; return bpf_map_lookup_elem(&big, &k) ? XDP_DROP : XDP_PASS; }
C
out=$($SKEP run "$tmp/big.c" $cap 2>&1)
same "a map of 2^32 entries" 2 $?
has "is refused by name" "'big'" "$out"

cat > "$tmp/two.c" <<'C'
SEC("xdp") int one(struct xdp_md *ctx) { return XDP_PASS; }
SEC("xdp") int two(struct xdp_md *ctx) { return XDP_DROP; }
C
status "two programs" 2 $SKEP run "$tmp/two.c" $cap
has "the message lists them" "'two'" "$($SKEP run "$tmp/two.c" $cap 2>&1)"
ok "--prog chooses" $SKEP run "$tmp/two.c" $cap -q --prog two

echo 'int x = ;' > "$tmp/bad.c"
status "C with a mistake" 2 $SKEP run "$tmp/bad.c" $cap
status "cc of it" 2 $SKEP cc "$tmp/bad.c" -o "$tmp/bad.o"
same "leaves nothing" "" "$(ls "$tmp" | grep 'bad.*o')"
status "no clang" 2 env CLANG=/nowhere/clang $SKEP cc "$tmp/book.c" -o "$tmp/x.o"

# A signal during compilation leaves no file behind, and ends skep.
printf '#!/bin/sh\n: > %s/started\nexec sleep 20\n' "$tmp" > "$tmp/slow"
chmod +x "$tmp/slow"
mkdir "$tmp/dir"
for sig in TERM INT HUP; do
	rm -f "$tmp/started"
	env --default-signal=$sig CLANG="$tmp/slow" TMPDIR="$tmp/dir" \
		$SKEP cc "$tmp/book.c" -o "$tmp/x.o" > /dev/null 2>&1 &
	pid=$!
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		[ -e "$tmp/started" ] && break
		sleep 0.1
	done
	kill -$sig $pid
	wait $pid 2> /dev/null
	same "SIG$sig ends a compilation" $sig "$(kill -l $?)"
	same "SIG$sig leaves no file" "" "$(ls "$tmp/dir")"
done
printf 'x' > "$tmp/made.o"
cp examples/firewall/firewall.o "$tmp/fw.o"
status "an object is no C file" 2 $SKEP cc "$tmp/fw.o" -o "$tmp/made.o"
same "nothing was written" x "$(cat "$tmp/made.o")"

# ---- a stack that is too large: clang says it for each access
cat > "$tmp/big.c" <<'X'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("xdp") int e(struct xdp_md *c)
{
	volatile char big[1000], more[600];
	for (int i = 0; i < 1000; i++) big[i] = i;
	for (int i = 0; i < 600; i++) more[i] = big[i];
	more[5] = c->data; more[7] = more[9] + big[8];
	return more[c->data % 600] + big[bpf_get_prandom_u32() % 1000];
}
X
status "a stack that is too large" 2 $SKEP verify "$tmp/big.c"
out=$($SKEP verify "$tmp/big.c" 2>&1)
same "is said once" 1 "$(printf '%s\n' "$out" | grep -c 'BPF stack limit')"
has "with the way out" "help: BPF has 512 bytes of stack: keep big objects in a map" "$out"
printf 'int x = y;\nint z = y;\n' > "$tmp/two.c"
same "the same mistake in two places stays two" 2 \
	"$($SKEP verify "$tmp/two.c" 2>&1 | grep -c "undeclared identifier 'y'")"
done_testing
