#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# frags.t: XDP programs on packets that do not fit into a page.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang that compiles to BPF"

# A pcap of one packet of 60 bytes and one of 9000 (0x2328), all of them 'x'.
{
	printf '\324\303\262\241\002\000\004\000\000\000\000\000\000\000\000\000'
	printf '\000\000\001\000\001\000\000\000'
	printf '\000\000\000\000\000\000\000\000\074\000\000\000\074\000\000\000'
	printf '%060d' 0 | tr 0 x
	printf '\000\000\000\000\000\000\000\000\050\043\000\000\050\043\000\000'
	printf '%09000d' 0 | tr 0 x
} > "$tmp/big.pcap"
cat > "$tmp/frags.c" <<'EOT'
__u64 bytes, linear;
SEC("xdp.frags") int cut(struct xdp_md *ctx)
{
	__u64 all = bpf_xdp_get_buff_len(ctx);
	char word[4] = "HERE";

	bytes += all;
	linear += ctx->data_end - ctx->data;
	if (all < 9000)
		return XDP_PASS;
	bpf_xdp_store_bytes(ctx, 5000, word, 4);
	bpf_xdp_store_bytes(ctx, 3518, word, 4);
	return bpf_xdp_adjust_tail(ctx, -3000) ? XDP_ABORTED : XDP_TX;
}
SEC("xdp") int whole(struct xdp_md *ctx)
{
	char *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	linear += end - p;
	return p + 5000 < end ? XDP_DROP : XDP_PASS;
}
SEC("xdp") int sure(struct xdp_md *ctx)
{
	char *p = (void *)(long)ctx->data;

	return bpf_xdp_get_buff_len(ctx) == 9000 && p[5000] ? XDP_DROP : XDP_PASS;
}
char _license[] SEC("license") = "GPL";
EOT
$SKEP cc "$tmp/frags.c" -o "$tmp/frags.o" || exit 2
run="$SKEP run $tmp/frags.o $tmp/big.pcap"
$run --prog cut -v -o "$tmp/out.pcapng" > "$tmp/out"
has "a long packet" "XDP_TX        9000 bytes -> 6000 bytes" "$(cat "$tmp/out")"
has "its length, and that of the linear part" "bytes: 9060   linear: 3580" \
	"$(tr -s ' \n' ' ' < "$tmp/out" | sed 's/ linear/   linear/')"
same "both words are in the packet" "3518 5000" \
	"$(grep -abo HERE "$tmp/out.pcapng" | sed 's/:.*//' | awk 'NR == 1 { a = $1 }
	{ printf "%s%d", NR == 1 ? "" : " ", 3518 + $1 - a }')"
has "without a line per packet" "bytes: 9060" "$($run --prog cut | tr -s ' ')"
has "fragments for programs that do not ask for them" "linear: 3580" \
	"$($run --prog whole | tr -s ' ')"
has "the same" "XDP_PASS         2  100.0" "$($run --prog whole)"
has "an access to a fragment" "bytes 5000..5000 of the packet are read, only 0..3519 are in its \
linear part, 5480 more in fragments [SKEP-E" "$($run --unverified --prog sure 2>&1)"
for p in cut whole; do
	out=$($run --prog $p --on both 2>/dev/null)
	case $out in
	*agree:*) has "$p as on the kernel" "agree: 2 verdicts, 2 packets" "$out" ;;
	*differ*) same "$p as on the kernel" "" "$out" ;;
	*) skip "$p as on the kernel" "no bpf(2)" ;;
	esac
done
done_testing
