#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# sockets.t: `skep run --sockets`: programs that look up and choose sockets, how
# sockets are described, and every way to describe them badly.
. test/tap.sh
cap=examples/firewall/traffic.pcapng
[ -n "$CLANG" ] || skip_all "no clang that compiles to BPF"
$SKEP run examples/firewall/firewall.o $cap --map deny=examples/firewall/deny.json -q ||
	skip_all "no JSON"

cat > "$tmp/lookup.c" <<'EOT'
struct { __uint(type, BPF_MAP_TYPE_SOCKMAP); __uint(max_entries, 4); __type(key, __u32);
	__type(value, __u64); } socks SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_SOCKHASH); __uint(max_entries, 4); __type(key, __u16);
	__type(value, __u64); } ports SEC(".maps");
__u64 chosen, other;
SEC("sk_lookup") int steer(struct bpf_sk_lookup *ctx)
{
	__u16 port = ctx->local_port;
	struct bpf_sock *sk = bpf_map_lookup_elem(&ports, &port);
	long r;

	if (!sk)
		return SK_PASS;
	r = bpf_sk_assign(ctx, sk, 0);
	bpf_sk_release(sk);
	if (ctx->sk && port == 80)
		chosen = ctx->sk->src_port;
	return r ? SK_DROP : SK_PASS;
}
SEC("sk_lookup") int plain(struct bpf_sk_lookup *ctx)
{
	return ctx->family == 2 && ctx->protocol == 6 && ctx->remote_port == bpf_htons(80) ?
		SK_DROP : SK_PASS;
}
SEC("sk_lookup") int leak(struct bpf_sk_lookup *ctx)
{
	__u32 key = 0;
	struct bpf_sock *sk = bpf_map_lookup_elem(&socks, &key);

	return !sk || sk->state == 10;
}
char _license[] SEC("license") = "GPL";
EOT
cat > "$tmp/tc.c" <<'EOT'
#include <linux/pkt_cls.h>
__u64 listening, connected, none, mark;
SEC("tc") int find(struct __sk_buff *skb)
{
	struct bpf_sock_tuple t = {};
	struct bpf_sock *sk;
	__u8 proto = 0;
	int state;

	bpf_skb_load_bytes(skb, 23, &proto, 1);
	if (proto != 6 || bpf_skb_load_bytes(skb, 26, &t, 12))
		return TC_ACT_OK;
	sk = bpf_sk_lookup_tcp(skb, &t, sizeof(t.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (!sk) {
		none++;
		return TC_ACT_OK;
	}
	state = sk->state;
	mark = sk->mark;
	state == 10 ? listening++ : connected++;
	bpf_sk_assign(skb, sk, 0);
	bpf_sk_release(sk);
	return TC_ACT_OK;
}
char _license[] SEC("license") = "GPL";
EOT
cat > "$tmp/reuse.c" <<'EOT'
struct { __uint(type, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY); __uint(max_entries, 2);
	__type(key, __u32); __type(value, __u64); } workers SEC(".maps");
__u64 len;
SEC("sk_reuseport") int pick(struct sk_reuseport_md *ctx)
{
	__u16 source = 0;
	__u32 key;

	bpf_skb_load_bytes(ctx, 0, &source, 2);
	key = bpf_ntohs(source) >> 1 & 1;	/* those of clients are even */
	len += ctx->len;
	return bpf_sk_select_reuseport(ctx, &workers, &key, 0) ? SK_DROP : SK_PASS;
}
char _license[] SEC("license") = "GPL";
EOT
cat > "$tmp/stream.c" <<'EOT'
struct { __uint(type, BPF_MAP_TYPE_SOCKMAP); __uint(max_entries, 2); __type(key, __u32);
	__type(value, __u64); } to SEC(".maps");
__u64 bytes, gets;
SEC("sk_skb/stream_verdict") int route(struct __sk_buff *skb)
{
	char word[4] = "";

	bytes += skb->len;
	if (skb->remote_port != bpf_htonl(49358) || skb->local_port != 80)
		return SK_DROP;
	bpf_skb_load_bytes(skb, 0, word, 3);
	if (word[0] != 'G' || word[1] != 'E' || word[2] != 'T')
		return SK_DROP;
	gets++;
	return bpf_sk_redirect_map(skb, &to, 0, BPF_F_INGRESS);
}
char _license[] SEC("license") = "GPL";
EOT
for f in lookup tc reuse stream; do $SKEP cc "$tmp/$f.c" -o "$tmp/$f.o" || exit 2; done

# ---- descriptions ---------------------------------------------------------------

cat > "$tmp/s.json" <<'EOT'
[ {"name": "web", "protocol": "tcp", "local": "0.0.0.0:8080", "cookie": 77, "mark": 9},
  {"name": "dns", "protocol": "udp", "local": "*:53"},
  {"name": "a", "protocol": "tcp", "local": "10.8.0.1:80", "reuseport": "g", "mark": 5},
  {"name": "b", "protocol": "tcp", "local": "10.8.0.1:80", "reuseport": "g"},
  {"name": "c", "protocol": "tcp", "local": "10.8.0.1:80", "remote": "10.8.0.2:49358"},
  {"name": "six", "protocol": "tcp", "local": "[fd00::1]:443", "v6only": true, "snd_cwnd": 10} ]
EOT
echo '[{"key": 80, "value": "web"}, {"key": 53, "value": 2}]' > "$tmp/ports.json"
look="$SKEP run $tmp/lookup.o $cap --prog steer --sockets $tmp/s.json --map ports=$tmp/ports.json"
$look > "$tmp/out" 2> "$tmp/err"
has "verdicts" "steer (sk_lookup): 9394 packets" "$(cat "$tmp/out")"
has "what programs are not asked about" "note: 1589 packets were left out: the kernel asks \
programs of type sk_lookup about TCP and UDP only" "$(cat "$tmp/err")"
has "the program reads the socket" "chosen: 8080" "$(cat "$tmp/out")"
has "the map has its cookie" "80: 77" "$(cat "$tmp/out")"
has "-v names the socket" "SK_PASS       74 bytes -> web" "$($look -v 2>/dev/null | sed -n 3p)"
has "-v --json, too" '"socket": "web", "cookie": 77' "$($look -v --json 2>/dev/null | sed -n 3p)"
has "dns is UDP" '"socket": "dns", "cookie": 2' "$($look -v --json 2>/dev/null | sed -n 1p)"
has "counted in JSON" '"packets_left_out": 1589' "$($look --json 2>/dev/null)"
has "a socket that is not released" "error: the socket that is acquired here is not released" \
	"$($SKEP run --unverified "$tmp/lookup.o" $cap --prog leak --sockets "$tmp/s.json" --map \
	socks="$tmp/socks.json" 2>&1; echo '[{"key": 0, "value": "web"}]' > "$tmp/socks.json"
	$SKEP run --unverified "$tmp/lookup.o" $cap --prog leak --sockets "$tmp/s.json" \
	--map socks="$tmp/socks.json" 2>&1)"
$look --verdicts "$tmp/v" -q
same "packets keep their numbers" "3 SK_PASS" "$(head -n 1 "$tmp/v")"
ok "and are compared by them" $look --expect "$tmp/v" -q
echo "2 SK_PASS" | cat - "$tmp/v" > "$tmp/v2"
has "a verdict on what was not asked" "packet 2: expected SK_PASS, and the program was not asked" \
	"$($look --expect "$tmp/v2" -q 2>&1)"
out=$($SKEP run "$tmp/lookup.o" $cap --prog plain --on both 2>/dev/null)
case $out in
*agree:*) has "as on the kernel" "agree: 9394 verdicts" "$out" ;;
*differ*) same "as on the kernel" "" "$out" ;;
*) skip "as on the kernel" "no bpf(2)" ;;
esac

tc="$SKEP run $tmp/tc.o $cap --sockets"
$tc "$tmp/s.json" > "$tmp/out" 2>/dev/null
has "a classifier looks sockets up" "listening: 198 connected: 11" "$(tr -s ' \n' ' ' < "$tmp/out")"
has "and connections" "-> c" "$($tc "$tmp/s.json" -v 2>/dev/null | grep -m1 -- '-> c')"
has "and assigns them" "-> a" "$($tc "$tmp/s.json" -v 2>/dev/null | grep -m1 -- '-> a')"
has "without any" "listening: 0   connected: 0" \
	"$($SKEP run "$tmp/tc.o" $cap 2>/dev/null | tail -n 1)"

echo '[{"key": 0, "value": "a"}, {"key": 1, "value": "b"}]' > "$tmp/workers.json"
reuse="$SKEP run $tmp/reuse.o $cap --sockets $tmp/s.json --map workers=$tmp/workers.json"
$reuse -v > "$tmp/out" 2> "$tmp/err"
has "a group of SO_REUSEPORT" "SK_PASS" "$(grep -m1 -- '-> a' "$tmp/out")"
has "its other socket" "SK_PASS" "$(grep -m1 -- '-> b' "$tmp/out")"
has "no packet of others" "about those for a socket of a SO_REUSEPORT group" "$(cat "$tmp/err")"

echo '[{"key": 0, "value": "other"}]' > "$tmp/to.json"
sed '/"name": "c"/a\  {"name": "other", "protocol": "tcp", "local": "10.8.0.1:9", "remote": "10.8.0.9:9"},' \
	"$tmp/s.json" > "$tmp/two.json"
stream="$SKEP run $tmp/stream.o $cap --sockets $tmp/two.json --map to=$tmp/to.json"
$stream -v > "$tmp/out" 2> "$tmp/err"
has "what a connection receives goes on" "-> other (ingress)" "$(cat "$tmp/out")"
has "by its payload" "gets: 3" "$(tail -n 1 "$tmp/out")"
has "and no other packet" "the kernel asks programs of type sk_skb about what described \
sockets receive" "$(cat "$tmp/err")"

# ---- what the verifier says of sockets -----------------------------------------------

v=$($SKEP verify "$tmp/lookup.o" "$tmp/tc.o" "$tmp/reuse.o" 2>&1)
has "a socket that is kept" rejected "$(printf "%s\n" "$v" | grep ' leak ')"
has "why" "'sk' is not given back on this path [SKEP-E0305]" "$v"
same "nothing else is taken for a mistake" "" "$(printf '%s' "$v" | grep rejected | grep -v ' leak ')"
for p in plain pick steer find; do
	has "$p is judged" " ok" "$(printf '%s\n' "$v" | grep " $p ")"
done

# ---- as ss prints them -------------------------------------------------------------

cat > "$tmp/ss.txt" <<'EOT'
Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process
udp   UNCONN 0      0                  *:53              *:*     ino:3 sk:3 cgroup:/ v6only:0 <->
tcp   LISTEN 0      128         10.8.0.1:80        0.0.0.0:*     ino:4 sk:a fwmark:0x9 cgroup:/ <->
tcp   LISTEN 0      128         10.8.0.1:80        0.0.0.0:*     ino:5 sk:b cgroup:/ <->
tcp   LISTEN 0      128          0.0.0.0:8080      0.0.0.0:*     ino:6 sk:4d cgroup:/ <->
tcp   ESTAB  0      0          [fd00::1]:84      [fd00::2]:3794  ino:7 sk:11 cgroup:/ <->
tcp   LISTEN 0      128     10.8.0.1%lo:85         0.0.0.0:*     ino:8 sk:12 cgroup:/ <->
EOT
echo '[{"key": 80, "value": "tcp 0.0.0.0:8080"}, {"key": 53, "value": 3}]' > "$tmp/ssports.json"
has "sockets as ss has them" "-> tcp 0.0.0.0:8080" "$($SKEP run "$tmp/lookup.o" $cap \
	--prog steer --sockets "$tmp/ss.txt" --map ports="$tmp/ssports.json" -v 2>/dev/null)"
echo '[{"key": 0, "value": "tcp 10.8.0.1:80"}, {"key": 1, "value": 11}]' > "$tmp/ssw.json"
has "two on one address are a group" "-> tcp 10.8.0.1:80 #11" "$($SKEP run "$tmp/reuse.o" $cap \
	--sockets "$tmp/ss.txt" --map workers="$tmp/ssw.json" -v 2>/dev/null)"
if command -v ss >/dev/null && ss -tuaneH > "$tmp/own.txt" 2>/dev/null; then
	ok "this system's" $SKEP run "$tmp/tc.o" $cap --sockets "$tmp/own.txt" -q
else
	skip "this system's" "no ss"
fi

# ---- bad ones --------------------------------------------------------------------------

bad() # WHAT MESSAGE DESCRIPTION
{
	printf '%s' "$3" > "$tmp/bad"
	tap_out=$($SKEP run "$tmp/tc.o" $cap --sockets "$tmp/bad" 2>&1)
	tap_got=$?
	has "$1" "error: $2 [SKEP-E0017]" "$tap_out"
	same "$1: exit status" 2 $tap_got
}
U='"protocol": "udp", "local": "*:1"'
bad "no protocol" "it has no protocol: tcp or udp" '[{"local": "1.2.3.4:5"}]'
bad "no local end" "it has no local end: ADDRESS:PORT" '[{"protocol": "tcp"}]'
bad "protocol" "protocol: 'sctp' is neither tcp nor udp" '[{"protocol": "sctp"}]'
bad "no port" "local: '1.2.3.4' is no ADDRESS:PORT" '[{"local": "1.2.3.4"}]'
bad "no address" "local: '1.2.3' is no address" '[{"local": "1.2.3:4"}]'
bad "port" "local: 65536 is more than 65535" '[{"local": "1.2.3.4:65536"}]'
bad "families" "remote: one end is IPv4, the other IPv6" \
	'[{"local": "1.2.3.4:1", "remote": "[::1]:2"}]'
bad "state" "state: 'OPEN' is no state: ESTAB, LISTEN, UNCONN and others as ss has them" \
	'[{"state": "OPEN"}]'
bad "a UDP listener" "a UDP socket is ESTAB or UNCONN" "[{$U, \"state\": \"LISTEN\"}]"
bad "listening to one" "it listens and has a remote end" \
	'[{"protocol": "tcp", "local": "*:1", "remote": "1.2.3.4:2", "state": "LISTEN"}]'
bad "connected to none" "it is connected and has no remote end" \
	'[{"protocol": "tcp", "local": "*:1", "state": "ESTAB"}]'
bad "port 0" "its local port is 0" '[{"protocol": "tcp", "local": "1.2.3.4:0"}]'
bad "cookie 0" "its cookie is 0" "[{$U, \"cookie\": 0}]"
bad "v6only IPv4" "it is IPv4 and v6only" \
	'[{"protocol": "udp", "local": "1.2.3.4:1", "v6only": true}]'
bad "no number" "mark: 'x' is no number" "[{$U, \"mark\": \"x\"}]"
bad "negative" "mark: '-1' is no number" "[{$U, \"mark\": -1}]"
bad "device" "ifindex: there is no interface 'nonesuch' here: give its number" \
	"[{$U, \"ifindex\": \"nonesuch\"}]"
bad "field" "color: there is no field 'color'" "[{$U, \"color\": 1}]"
bad "kind of value" "mark: a string, an integer, true or false is needed" "[{$U, \"mark\": []}]"
bad "no object" "an object that describes a socket is needed" '[5]'
bad "same cookie" "sockets 'udp [::]:1' and 'x' have the same cookie, 1" \
	"[{$U}, {$U, \"name\": \"x\", \"cookie\": 1}]"
bad "same name" "two sockets are called 'udp [::]:1'; give each a name" "[{$U}, {$U}]"
bad "ss: few words" "3 words, a socket has 6: kind, state, two queues, local and remote end" \
	"tcp LISTEN 0"
bad "ss: no line of ss" "the line begins with neither tcp nor udp" "hello"
bad "ss: a raw socket" "the line begins with neither tcp nor udp" "raw UNCONN 0 0 *:icmp *:*"
bad "ss: names of ports" "'http' is no number" "tcp LISTEN 0 1 0.0.0.0:http 0.0.0.0:*"
bad "ss: cookie" "'0xzz' is no number" "tcp LISTEN 0 1 0.0.0.0:1 0.0.0.0:* sk:zz"
has "the place" "$tmp/bad:1:6: error" "$(printf '[ {"protocol": "tcp"},\n{"local": 1}]' > \
	"$tmp/bad"; $SKEP run "$tmp/tc.o" $cap --sockets "$tmp/bad" 2>&1 |
	sed 's/:[0-9]*:[0-9]*: error/:1:6: error/')"
has "JSON that is none" "[SKEP-E0011]" "$(echo '[{' > "$tmp/bad"
	$SKEP run "$tmp/tc.o" $cap --sockets "$tmp/bad" 2>&1)"
has "no array" "an array of sockets is needed" "$(echo '{}' > "$tmp/bad"
	$SKEP run "$tmp/tc.o" $cap --sockets "$tmp/bad" 2>&1)"
status "no file" 2 $SKEP run "$tmp/tc.o" $cap --sockets "$tmp/none"
printf '[]' > "$tmp/own.json"
status "the description is not written over" 2 $SKEP run examples/firewall/firewall.o \
	examples/firewall/traffic.pcapng --sockets "$tmp/own.json" --verdicts "$tmp/own.json" -q
same "it stays" "[]" "$(cat "$tmp/own.json")"
has "a kernel has its own" "--sockets is for --on user" \
	"$($SKEP run "$tmp/tc.o" $cap --on both --sockets "$tmp/s.json" 2>&1)"

map() # WHAT MESSAGE ELEMENT MAP
{
	echo "$3" > "$tmp/bad.json"
	has "$1" "$2" "$($SKEP run "$tmp/$5.o" --prog "$6" $cap --sockets "$tmp/s.json" \
		--map "$4=$tmp/bad.json" 2>&1)"
}
map "no such name" 'no socket is called "nix" [SKEP-E0705]' '[{"key": 0, "value": "nix"}]' \
	socks lookup steer
map "no such cookie" 'no socket has cookie 9 [SKEP-E0705]' '[{"key": 0, "value": 9}]' \
	socks lookup steer
map "no group" "the socket is in no SO_REUSEPORT group, or connected [SKEP-E0706]" \
	'[{"key": 0, "value": "web"}]' workers reuse pick
map "twice in an array" "another element, or a map of another kind, has the socket [SKEP-E0706]" \
	'[{"key": 0, "value": "a"}, {"key": 1, "value": "a"}]' workers reuse pick
has "without --sockets" "none are described: --sockets FILE" "$($SKEP run "$tmp/lookup.o" \
	--prog steer $cap --map ports="$tmp/ports.json" 2>&1)"
done_testing
