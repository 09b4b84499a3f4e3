#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# forward.t: where packets of captures go from a program: copies, broadcasts,
# programs in devmaps and cpumaps, verdicts of tc.
. test/tap.sh
cap=examples/firewall/traffic.pcapng
[ -n "$CLANG" ] || skip_all "no clang that compiles to BPF"

cat > "$tmp/xdp.c" <<'EOT'
#define MAP(name, kind, value_type) struct { \
	__uint(type, BPF_MAP_TYPE_##kind); __uint(max_entries, 8); \
	__type(key, __u32); __type(value, value_type); } name SEC(".maps")
MAP(devs, DEVMAP, struct bpf_devmap_val);
MAP(hashed, DEVMAP_HASH, struct bpf_devmap_val);
MAP(cpus, CPUMAP, struct bpf_cpumap_val);
const volatile __u32 how;
__u64 n, egress, ingress, cpu;
SEC("xdp") int entry(struct xdp_md *ctx)
{
	__u32 i = n++ % 4;

	switch (how) {
	case 0:
		return bpf_redirect_map(&devs, i, 0);
	case 1:
		return bpf_redirect_map(&devs, 0, BPF_F_BROADCAST);
	case 2:
		return bpf_redirect_map(&hashed, 0, BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS);
	case 3:
		return bpf_redirect_map(&cpus, i, 0);
	}
	return XDP_PASS;
}
SEC("xdp/devmap") int out(struct xdp_md *ctx)
{
	unsigned char *p = (void *)(long)ctx->data;

	egress += ctx->egress_ifindex;
	ingress += ctx->ingress_ifindex;
	if (p + 14 > (unsigned char *)(long)ctx->data_end)
		return XDP_ABORTED;
	p[0] = 0xee;
	return ctx->egress_ifindex == 9 ? XDP_DROP : XDP_PASS;
}
SEC("xdp/cpumap") int there(struct xdp_md *ctx)
{
	cpu += bpf_get_smp_processor_id();
	return bpf_redirect_map(&devs, 0, 0);
}
SEC("xdp/cpumap") int around(struct xdp_md *ctx) { return bpf_redirect_map(&cpus, 3, 0); }
char _license[] SEC("license") = "GPL";
EOT
cat > "$tmp/devs.json" <<'EOT'
[{"key": 0, "value": {"ifindex": 5, "bpf_prog": {"fd": 0}}},
 {"key": 1, "value": {"ifindex": 6, "bpf_prog": {"fd": "out"}}},
 {"key": 2, "value": {"ifindex": 9, "bpf_prog": {"fd": "out"}}}]
EOT
cat > "$tmp/hashed.json" <<'EOT'
[{"key": 10, "value": {"ifindex": 1, "bpf_prog": {"fd": 0}}},
 {"key": 11, "value": {"ifindex": 6, "bpf_prog": {"fd": "out"}}}]
EOT
cat > "$tmp/cpus.json" <<'EOT'
[{"key": 0, "value": {"qsize": 64, "bpf_prog": {"fd": 0}}},
 {"key": 1, "value": {"qsize": 64, "bpf_prog": {"fd": "there"}}}]
EOT
echo '[{"key": 3, "value": {"qsize": 64, "bpf_prog": {"fd": "around"}}}]' > "$tmp/round.json"
$SKEP cc "$tmp/xdp.c" -o "$tmp/xdp.o" || exit 2
go() # HOW [OPTION...]
{
	go_how=$1
	shift
	$SKEP run "$tmp/xdp.o" $cap --set how="$go_how" --map devs="$tmp/devs.json" \
		--map hashed="$tmp/hashed.json" --map cpus="$tmp/cpus.json" "$@" 2>"$tmp/err"
}
packets() { $SKEP run "$tmp/xdp.o" "$1" --set how=9 2>/dev/null | sed 's/,.*//;q'; }
first() { od -An -tx1 -j "$2" -N 1 "$1" | tr -d ' '; }
all() { tr -s ' \n' ' '; }

out=$(go 0 --port a=5,out="$tmp/a.pcapng" --port b=6,out="$tmp/b.pcapng" --port c=9 | all)
has "each to its device" "a 2746 5 $tmp/a.pcapng b 2746 6 $tmp/b.pcapng c 0 9" "$out"
has "the devices' program knows where it is" "egress: 41190 ingress: 5492" "$out"
same "what it makes of a packet goes out" "entry (xdp): 2746 packets" "$(packets "$tmp/b.pcapng")"
lines=$(go 0 -v | head -n 4)
has "-v without a program" "-> ifindex 5" "$(echo "$lines" | sed -n 1p)"
has "-v with one" "-> ifindex 6" "$(echo "$lines" | sed -n 2p)"
has "-v where it drops" "-> dropped" "$(echo "$lines" | sed -n 3p)"
has "an empty place is no redirect" "XDP_ABORTED" "$(echo "$lines" | sed -n 4p)"

out=$(go 1 --port a=5 --port b=6,out="$tmp/b.pcapng" --port c=9 | all)
has "a broadcast goes to all" "a 10983 5 b 10983 6 $tmp/b.pcapng c 0 9" "$out"
same "programs change their own copy only" "-> ifindex 5 -> ifindex 6 -> dropped" \
	"$(go 1 -v | head -n 1 | sed 's/.*bytes //')"
has "--json tells where to" '"copies": [{"verdict": "XDP_REDIRECT", "ifindex": 5, "bytes": 42}, {"verdict": "XDP_REDIRECT", "ifindex": 6, "bytes": 42}, {"verdict": "XDP_DROP", "ifindex": 9, "bytes": 42}]' \
	"$(go 1 -v --json | head -n 1)"
out=$(go 2 --port a=1 --port b=6 | all)
has "not to where it came from" "a 0 1 b 10983 6" "$out"
out=$(go 2 --ifindex 3 --port a=1 --port b=6 | all)
has "which may be another interface" "a 10983 1 b 10983 6" "$out"

lines=$(go 3 --cpus 4 -v | head -n 4)
has "another cpu passes it to the stack" "-> stack" "$(echo "$lines" | sed -n 1p)"
has "or its program sends it on" "-> ifindex 5" "$(echo "$lines" | sed -n 2p)"
out=$(go 3 --cpus 4 --port a=5 | all)
has "which runs there" "cpu: 2746" "$out"
has "from there to a device" "a 2746 5" "$out"
status "cpus that go round without end" 2 $SKEP run "$tmp/xdp.o" $cap --set how=3 \
	--map cpus="$tmp/round.json"
sed 's/"out"/"there"/' "$tmp/devs.json" > "$tmp/bad.json"
status "a program that is not for devices" 2 $SKEP run "$tmp/xdp.o" $cap --map devs="$tmp/bad.json"

cat > "$tmp/tc.c" <<'EOT'
#include <linux/pkt_cls.h>
__u64 n;
SEC("tc") int steer(struct __sk_buff *skb)
{
	__u8 x = 0xee;

	switch (n++ % 4) {
	case 0:
		return bpf_redirect(5, 0);
	case 1:
		bpf_clone_redirect(skb, 6, 0);
		bpf_skb_store_bytes(skb, 0, &x, 1, 0);
		bpf_clone_redirect(skb, 6, 0);
		return TC_ACT_OK;
	case 2:
		return TC_ACT_SHOT;
	}
	return TC_ACT_OK;
}
char _license[] SEC("license") = "GPL";
EOT
$SKEP cc "$tmp/tc.c" -o "$tmp/tc.o" || exit 2
out=$($SKEP run "$tmp/tc.o" $cap --port a=5 --port b=6,out="$tmp/b.pcapng" 2>/dev/null | all)
has "tc redirects, and its clones" "a 2746 5 b 5492 6" "$out"
has "clones in -v" "bytes -> ifindex 6 -> ifindex 6" \
	"$($SKEP run "$tmp/tc.o" $cap -v 2>/dev/null | sed -n 2p)"

sed '/"key": 0/d; s/^ {/[{/' "$tmp/cpus.json" > "$tmp/one.json"
if $SKEP run --on both "$tmp/tc.o" $cap -q > /dev/null 2>&1; then
	ok "programs of cpumaps in the kernel, which its test run leaves alone" $SKEP run \
		--on both "$tmp/xdp.o" $cap --set how=3 --map cpus="$tmp/one.json"
else
	skip "programs of cpumaps in the kernel" "it runs no programs here"
fi
done_testing
