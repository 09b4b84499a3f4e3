#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# routes.t: skep run --routes: descriptions of a network good and bad, what
# programs see of it, and the same on the kernel in a network namespace.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang that compiles to BPF"

bytes() # HEX...
{
	for b in $(echo "$*" | sed 's/ //g; s/../& /g'); do
		printf "\\$(printf %03o "0x$b")"
	done
}
packet() # HEX: one record of a pcap file
{
	bytes "$(printf '00000000 00000000 %02x000000 %02x000000' $((${#1} / 2)) $((${#1} / 2)))"
	bytes "$1"
}
ip4() # DST: a frame for an IPv4 address in hex, from 10.0.0.9
{
	echo "0200000000010200000000020800450000140000000040110000""0a000009$1"
}
{
	bytes d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000
	packet "$(ip4 0a010203)"	# 10.1.2.3: by 10.0.0.2
	packet "$(ip4 0a000003)"	# 10.0.0.3: a neighbour
	packet "$(ip4 0a000004)"	# 10.0.0.4: nobody's
	packet "$(ip4 0a020001)"	# 10.2.0.1: blackhole
	packet "$(ip4 0b000001)"	# 11.0.0.1: no route
} > "$tmp/in.pcap"

cat > "$tmp/net.json" <<'E'
[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP"],"mtu":65536,"link_type":"loopback"},
 {"ifindex":7,"ifname":"eth0","flags":["BROADCAST","UP"],"mtu":1400,"link_type":"ether",
  "address":"02:00:00:00:07:07","addr_info":[{"family":"inet","local":"10.0.0.1","prefixlen":24,
  "scope":"global"}]}]
[{"type":"unicast","dst":"10.0.0.0/24","dev":"eth0","table":"main","scope":"link",
  "prefsrc":"10.0.0.1","flags":[]},
 {"dst":"10.1.0.0/16","gateway":"10.0.0.2","dev":"eth0","metric":33,"flags":[]},
 {"type":"blackhole","dst":"10.2.0.0/16","flags":[]}]
[{"dst":"10.0.0.2","dev":"eth0","lladdr":"02:00:00:00:00:22","state":["REACHABLE"]},
 {"dst":"10.0.0.3","dev":"eth0","lladdr":"02:00:00:00:00:33","state":["STALE"]},
 {"dst":"10.0.0.4","dev":"eth0","state":["FAILED"]}]
E

cat > "$tmp/fwd.c" <<'E'
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 16);
	__type(key, __u32); __type(value, __u64); } answers SEC(".maps");
SEC("xdp") int forward(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	struct bpf_fib_lookup p = { .family = 2, .ifindex = ctx->ingress_ifindex, .tot_len = 20 };
	__u64 *n;
	__u32 r;

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	p.ipv4_src = ip->saddr;
	p.ipv4_dst = ip->daddr;
	r = bpf_fib_lookup(ctx, &p, sizeof(p), 0);
	n = bpf_map_lookup_elem(&answers, &r);
	if (n)
		*n += 1;
	if (r)
		return XDP_DROP;
	__builtin_memcpy(eth->h_dest, p.dmac, 6);
	__builtin_memcpy(eth->h_source, p.smac, 6);
	return bpf_redirect(p.ifindex, 0);
}
char _license[] SEC("license") = "GPL";
E
cat > "$tmp/neigh.c" <<'E'
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
const volatile __u32 via, out = 7;
__u32 mtu, ret;
SEC("tc") int neigh(struct __sk_buff *skb)
{
	struct bpf_redir_neigh nh = { .nh_family = 2, .ipv4_nh = bpf_htonl(via) };

	ret = bpf_check_mtu(skb, out, &mtu, 0, 0);
	return via ? bpf_redirect_neigh(out, &nh, sizeof(nh), 0) :
		     bpf_redirect_neigh(out, 0, 0, 0);
}
char _license[] SEC("license") = "GPL";
E
ok "compiles" $SKEP cc "$tmp/fwd.c" -o "$tmp/fwd.o"
ok "compiles" $SKEP cc "$tmp/neigh.c" -o "$tmp/neigh.o"

# ---- what programs see ------------------------------------------------------------
out=$($SKEP run "$tmp/fwd.o" "$tmp/in.pcap" --routes "$tmp/net.json" --ifindex 7 -v \
	--port eth=7,out="$tmp/eth.pcap" 2>&1)
same "each packet finds its way" "REDIRECT REDIRECT DROP DROP DROP" \
	"$(echo "$out" | sed -n 's/^ *[1-5]  XDP_\([A-Z]*\).*/\1/p' | tr '\n' ' ' | sed 's/ $//')"
has "the answers" "0: 2   1: 1   2: 0   3: 0   4: 1   5: 0   6: 0   7: 1" "$out"
if command -v tcpdump >/dev/null; then
	same "with its neighbour's address and the link's own" \
"02:00:00:00:07:07 > 02:00:00:00:00:22
02:00:00:00:07:07 > 02:00:00:00:00:33" \
		"$(tcpdump -etnr "$tmp/eth.pcap" 2>/dev/null | sed 's/,.*//')"
else
	skip "with its neighbour's address and the link's own" "there is no tcpdump"
fi
out=$($SKEP run "$tmp/fwd.o" "$tmp/in.pcap" --routes "$tmp/net.json" --ifindex 8 2>&1)
has "an interface that is none is an error (-19)" "XDP_DROP         5" "$out"
out=$($SKEP run "$tmp/fwd.o" "$tmp/in.pcap" 2>&1)
has "without a description nothing is forwarded" "4: 5" "$out"
has "which is said" "without --routes bpf_fib_lookup answers BPF_FIB_LKUP_RET_NOT_FWDED" "$out"
same "but not with -q" "" "$($SKEP run -q "$tmp/fwd.o" "$tmp/in.pcap" 2>&1)"

# ---- bpf_redirect_neigh, bpf_check_mtu ----------------------------------------------
neigh() { $SKEP run "$tmp/neigh.o" "$tmp/in.pcap" --port eth=7,out="$tmp/eth.pcap" "$@" 2>&1; }
out=$(neigh --routes "$tmp/net.json" -v)
has "by the packet's route" "1  TC_ACT_REDIRECT  34 bytes -> ifindex 7
" "$out
"
has "no neighbour" "3  TC_ACT_REDIRECT  34 bytes -> ifindex 7 (no neighbour)" "$out"
has "what went nowhere is told" "3 packets of bpf_redirect_neigh were not sent" "$out"
has "the link's MTU" "mtu: 1400" "$out"
has "as JSON" '"redirected_unresolved": 3' "$(neigh --routes "$tmp/net.json" --json -q)"
out=$(neigh --routes "$tmp/net.json" --set via=0x0a000003)
same "by a neighbour that the program names" 0 "$(echo "$out" | grep -c "not sent")"
if command -v tcpdump >/dev/null; then
	same "all have its address" "5 02:00:00:00:07:07 > 02:00:00:00:00:33" \
		"$(tcpdump -etnr "$tmp/eth.pcap" 2>/dev/null | sed 's/,.*//' | sort | uniq -c |
		sed 's/^ *//')"
else
	skip "all have its address" "there is no tcpdump"
fi
has "a link that is none" "ret: 4294967277" "$(neigh --routes "$tmp/net.json" --set out=9)"
out=$(neigh)
has "without a description addresses stay" "bpf_redirect_neigh keep their Ethernet" "$out"
has "and the MTU is assumed" "bpf_check_mtu takes 65536 for the MTU of interface 1" "$out"

# ---- descriptions that are none ---------------------------------------------------------
link='[{"ifindex":7,"ifname":"e","flags":["UP"],"mtu":1500}]'
bad() # WHAT ID PLACE TEXT: the description is on standard input
{
	cat > "$tmp/bad.json"
	out=$($SKEP run "$tmp/fwd.o" "$tmp/in.pcap" --routes "$tmp/bad.json" 2>&1)
	same "$1: exit status" 2 $?
	has "$1" "bad.json$3: error: $4" "$out"
	has "$1: id" "[SKEP-E$2]" "$out"
}
bad "unknown device" 0532 :2:28 "there is no link 'f' in this file" <<E
$link
[{"dst":"10.0.0.0/8","dev":"f"}]
E
bad "prefix length" 0533 :2:9 "'dst' is 10.0.0.0/33: the length is 0 to 32" <<E
$link
[{"dst":"10.0.0.0/33","dev":"e"}]
E
bad "bits behind the prefix" 0533 :2:9 "'dst' is 10.0.0.1/8: bits behind the prefix are not 0" <<E
$link
[{"dst":"10.0.0.1/8","dev":"e"}]
E
bad "no address" 0533 :2:9 "'dst' is 10.0.0: no IPv4 or IPv6 address or prefix" <<E
$link
[{"dst":"10.0.0","dev":"e"}]
E
bad "gateway of the other family" 0533 :2:32 "'gateway' is fd00::1, an address of the other family" <<E
$link
[{"dst":"10.0.0.0/8","gateway":"fd00::1","dev":"e"}]
E
bad "no device" 0531 :2:2 "this next hop has no 'dev'" <<E
$link
[{"dst":"10.0.0.0/8","gateway":"10.0.0.1"}]
E
bad "neither gateway nor device" 0531 :2:2 "this route has no 'dev'" <<E
$link
[{"dst":"10.0.0.0/8"}]
E
bad "a link twice" 0534 :2:2 "a link with this name or ifindex (e, 7) stands above already" <<E
$link
$link
E
bad "a neighbour twice" 0534 :2:49 "this neighbour, 10.0.0.2, stands above already" <<E
$link
[{"dst":"10.0.0.2","dev":"e","state":["STALE"]},{"dst":"10.0.0.2","dev":"e","state":["STALE"]}]
E
bad "a route twice" 0534 :2:33 "the same route stands above already" <<E
$link
[{"dst":"10.0.0.0/8","dev":"e"},{"dst":"10.0.0.0/8","dev":"e"}]
E
bad "MAC address" 0533 :2:39 "'lladdr' is a MAC address, not 02:00" <<E
$link
[{"dst":"10.0.0.2","dev":"e","lladdr":"02:00","state":["STALE"]}]
E
bad "table names" 0531 :2:40 "'table' is blue, a name that is not known here" <<E
$link
[{"dst":"10.0.0.0/8","dev":"e","table":"blue"}]
E
has "and a way out" "ip -N" "$out"
bad "MTU" 0531 ":1:34" "'mtu' is a number of 0 to 2147483647, not x" <<E
[{"ifindex":7,"ifname":"e","mtu":"x"}]
E
bad "link without number" 0531 ":1:2" "this link has no 'ifindex'" <<E
[{"ifname":"e","mtu":1500}]
E
bad "rule" 0533 ":2:22" "'src' is fd00::, an address of the other family" <<E
$link
[{"priority":5,"src":"fd00::","table":"main"}]
E
bad "VRF" 0409 ":1:39" "not supported yet: devices of kind vrf" <<E
[{"ifindex":7,"ifname":"e","linkinfo":{"info_kind":"vrf"}}]
E
bad "something else" 0531 ":1:2" "this is no link, route, neighbour, rule or netconf" <<E
[{"a":1}]
E
bad "another member" 0531 ":1:11" "this is no link, route, neighbour, rule or netconf" <<E
{"routen":[]}
E
bad "nothing" 0531 "" "the file describes no network" </dev/null
bad "no JSON" 0011 ":1:3" "a member's name in quotation marks is needed here" <<E
[{a}]
E
bad "cut" 0011 ":2:1" "the text ends; a ',' or ']' is needed here" <<E
[{"ifindex":7}
E
status "a file that is not there" 2 $SKEP run "$tmp/fwd.o" "$tmp/in.pcap" --routes "$tmp/none"
has "an object names its parts" "XDP_DROP         5" "$(
	echo "{\"links\": $link, \"routes\": [], \"rules6\": []}" > "$tmp/bad.json"
	$SKEP run "$tmp/fwd.o" "$tmp/in.pcap" --routes "$tmp/bad.json" --ifindex 7 2>&1)"

# ---- the kernel -------------------------------------------------------------------------
status "--on kernel has its own" 2 $SKEP run "$tmp/fwd.o" "$tmp/in.pcap" --on kernel \
	--routes "$tmp/net.json"
cat > "$tmp/both" <<'E'
ip link add v0 type veth peer name v1 || exit 77
ip link set lo up; ip link set v0 up; ip link set v1 up
ip addr add 10.0.0.1/24 dev v0
ip route add 10.1.0.0/16 via 10.0.0.2; ip route add blackhole 10.2.0.0/16
ip neigh add 10.0.0.2 lladdr 02:00:00:00:00:22 dev v0
ip neigh add 10.0.0.3 lladdr 02:00:00:00:00:33 dev v0
(ip -j -d addr; ip -j -d route show table all; ip -j neigh; ip -j rule; ip -6 -j rule
	ip -j netconf) > "$1/ns.json"
exec $SKEP run "$1/fwd.o" "$1/in.pcap" --on both --routes "$1/ns.json"
E
if [ "$(id -u)" != 0 ] || ! unshare -n true 2>/dev/null || ! command -v ip >/dev/null; then
	skip "the kernel agrees" "no network namespace may be made here"
else
	out=$(SKEP=$SKEP unshare -n sh "$tmp/both" "$tmp" 2>&1)
	r=$?
	case $r,$out in
	77,*) skip "the kernel agrees" "no veth devices" ;;
	*E0901*) skip "the kernel agrees" "bpf(2) is not allowed here" ;;
	*) has "the kernel agrees" "agree: 5 verdicts" "$out" ;;
	esac
fi

# ---- bpf_redirect_neigh on devices --------------------------------------------------------
# Packets come in by v1, whose program sends them out of v2; v3 is what they reach.
cat > "$tmp/pass.c" <<'E'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("xdp") int pass(void *ctx) { return XDP_PASS; }
E
cat > "$tmp/live" <<'E'
ip link add v0 type veth peer name v1 && ip link add v2 type veth peer name v3 || exit 77
for d in v0 v1 v2 v3; do ip link set $d addrgenmode none; ip link set $d up; done
ip addr add 10.0.0.1/24 dev v2; ip -6 addr add fd00::1/64 dev v2 nodad
ip route add 10.1.0.0/16 via 10.0.0.2; ip -6 route add fd01::/16 via fd00::2
ip neigh add 10.0.0.2 lladdr 02:00:00:00:00:22 dev v2
ip neigh add 10.0.0.3 lladdr 02:00:00:00:00:33 dev v2
ip route add blackhole 10.2.0.0/16; ip neigh add 10.2.0.1 lladdr 02:00:00:00:00:44 dev v2
ip -6 neigh add fd00::2 lladdr 02:00:00:00:00:66 dev v2
out=$(ip -o link show v2 | cut -d: -f1)
(ip -j -d addr; ip -j -d route show table all; ip -j neigh) > "$1/live.json"
sed "s/via, out = 7/via = $2, out = $out/; s/const volatile/const/" "$1/neigh.c" > "$1/live.c"
$SKEP cc "$1/live.c" -o "$1/live.o" || exit 2
tc qdisc add dev v1 clsact && tc filter add dev v1 ingress bpf da obj "$1/live.o" sec tc || exit 77
$SKEP run -q "$1/pass.c" packet:v3 -o "$1/got.pcapng" --seconds 2 &
while ! grep -q v3 /proc/self/net/dev || ! grep -q ' 3 ' /proc/self/net/packet; do
	sleep 0.1
done
$SKEP run -q "$1/pass.c" "$1/live.pcap" --pass packet:v0
wait
$SKEP run -q "$1/live.o" "$1/live.pcap" --routes "$1/live.json" --port v2=$out,out="$1/ours.pcap"
E
{
	cat "$tmp/in.pcap"
	packet "02000000000102000000000286dd6000000000003b40fd00000000000000000000000000""0009\
fd010000000000000000000000000003"
	packet "$(ip4 0a000001)"	# the device's own
	packet "$(ip4 0a0000ff)"	# broadcast
	packet "02000000000102000000000286dd6000000000003b40fd00000000000000000000000000""0009\
ff020000000000000000000000000005"
} > "$tmp/live.pcap"
frames() { tcpdump -tenxr "$1" 'ether[0:4] == 0x02000000 or ether[0:4] == 0 or
	ip6 dst ff02::5' 2>/dev/null; }
live() # WHAT VIA PACKETS
{
	out=$(SKEP=$SKEP unshare -n sh "$tmp/live" "$tmp" "$2" 2>&1)
	if [ $? = 77 ]; then
		skip "$1" "no veth devices, or tc attaches no program"
		return
	fi
	same "$1" "$(frames "$tmp/got.pcapng")" "$(frames "$tmp/ours.pcap")"
	same "$1: how many" "$3" "$(frames "$tmp/ours.pcap" | grep -c ethertype)"
}
if [ "$(id -u)" != 0 ] || ! unshare -n true 2>/dev/null || ! command -v tc >/dev/null ||
	! command -v tcpdump >/dev/null; then
	skip "the kernel sends the same" "no network namespace, tc or tcpdump"
else
	live "the kernel sends the same by routes" 0 6
	live "the kernel sends the same by a neighbour" 0x0a000003 7
fi

# ---- the verifier ---------------------------------------------------------------------------
cat > "$tmp/args.c" <<'E'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
const volatile struct bpf_fib_lookup fixed = { .family = 2 };
SEC("tc") int readonly(struct __sk_buff *skb)
{
	return bpf_fib_lookup(skb, (void *)&fixed, sizeof(fixed), 0) & 1;
}
SEC("tc") int never(struct __sk_buff *skb)
{
	struct bpf_fib_lookup p;

	asm volatile("" : "=r"(skb) : "0"(skb));
	return bpf_fib_lookup(skb, &p, sizeof(p), 0) & 1;
}
SEC("tc") int length(struct __sk_buff *skb)
{
	__u32 n;

	asm volatile("" : "=r"(skb) : "0"(skb));
	return bpf_check_mtu(skb, 1, &n, 0, 0) & 1;
}
char _license[] SEC("license") = "GPL";
E
has "parameters are written to" "kernel: write into map forbidden, value_size=64 off=0 size=64" \
	"$($SKEP verify "$tmp/args.c" --prog readonly 2>&1)"
has "and read" "kernel: invalid read from stack R2 off -64+0 size 64" \
	"$($SKEP verify "$tmp/args.c" --prog never --caps bpf 2>&1)"
has "so is bpf_check_mtu's length" "kernel: invalid read from stack R3 off -4+0 size 4" \
	"$($SKEP verify "$tmp/args.c" --prog length --caps bpf 2>&1)"
ok "which some may" $SKEP verify "$tmp/args.c" --prog never
ok "as it should be" $SKEP verify "$tmp/fwd.o" "$tmp/neigh.o"

# ---- what a packet belongs to -------------------------------------------------------------
cat > "$tmp/owner.c" <<'E'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
__u64 cookie, netns, realm, classid, hash, uid;
SEC("tc") int owner(struct __sk_buff *skb)
{
	cookie = bpf_get_socket_cookie(skb);
	netns = bpf_get_netns_cookie(skb);
	realm = bpf_get_route_realm(skb);
	classid = bpf_get_cgroup_classid(skb);
	hash = bpf_get_hash_recalc(skb);
	uid = bpf_get_socket_uid(skb);
	return 0;
}
char _license[] SEC("license") = "GPL";
E
out=$($SKEP run "$tmp/owner.c" "$tmp/in.pcap" --skb socket_cookie=99 --skb netns_cookie=0x10 \
	--skb route_realm=5 --skb cgroup_classid=0x10001 --skb hash=77 --skb socket_uid=1000 2>&1)
for v in "cookie: 99" "netns: 16" "realm: 5" "classid: 65537" "hash: 77" "uid: 1000"; do
	has "--skb: $v" "$v" "$out"
done
has "--skb takes names" "--skb takes socket_cookie=N" \
	"$($SKEP run "$tmp/owner.c" "$tmp/in.pcap" --skb mark=1 2>&1)"
has "and numbers" "not 'hash=4294967296'" \
	"$($SKEP run "$tmp/owner.c" "$tmp/in.pcap" --skb hash=4294967296 2>&1)"
has "for packets of an skb" "--skb is for programs on struct __sk_buff" \
	"$($SKEP run "$tmp/fwd.o" "$tmp/in.pcap" --skb hash=1 2>&1)"

# ---- tunnel metadata ------------------------------------------------------------------------
cat > "$tmp/tunnel.c" <<'E'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
__u64 id, remote, option, seen;
SEC("tc") int first(struct __sk_buff *skb)
{
	struct bpf_tunnel_key k = { .tunnel_id = 4711, .remote_ipv4 = 0x0a000001,
		.local_ipv4 = 0x0a000002 };
	__u32 opt = 99;

	if (skb->len & 1)
		return -1;
	bpf_skb_set_tunnel_key(skb, &k, sizeof(k), 0);
	bpf_skb_set_tunnel_opt(skb, &opt, sizeof(opt));
	return -1;
}
SEC("tc") int second(struct __sk_buff *skb)
{
	struct bpf_tunnel_key k;
	__u32 opt;

	if (bpf_skb_get_tunnel_key(skb, &k, sizeof(k), 0))
		return 0;
	seen++;
	id = k.tunnel_id;
	remote = k.remote_ipv4;
	if (bpf_skb_get_tunnel_opt(skb, &opt, sizeof(opt)) == 4)
		option = opt;
	return 0;
}
char _license[] SEC("license") = "GPL";
E
{
	cat "$tmp/in.pcap"
	packet "$(ip4 0a010203)00"	# an odd length: without a tunnel, after one with
} > "$tmp/odd.pcap"
out=$($SKEP run "$tmp/tunnel.c" "$tmp/odd.pcap" --prog first --prog second 2>&1)
has "the next program reads the tunnel" "seen: 5   id: 4711   remote: 167772162   option: 99" "$out"
done_testing
