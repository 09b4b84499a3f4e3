#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# ports.t: `skep run` on live ports: TAP devices, packet and AF_XDP sockets, in a
# network namespace of the test's own, which is gone with it.
if [ -z "${SKEP_TEST_NETNS-}" ]; then
	how="unshare -n"
	[ "$(id -u)" = 0 ] || how="unshare -Urn"
	if ! $how ip link add skep0 type veth peer name skep1 2>/dev/null; then
		echo "1..0 # SKIP no network namespace with a veth pair of one's own"
		exit 0
	fi
	SKEP_TEST_NETNS=1 exec $how "$0"
fi
. test/tap.sh
fw=examples/firewall/firewall.o
cap=examples/firewall/traffic.pcapng
deny=examples/firewall/deny.json

veth() # A B: a pair that sends nothing of its own accord
{
	ip link add "$1" type veth peer name "$2"
	for dev in "$1" "$2"; do
		ip link set "$dev" addrgenmode none
		ip link set "$dev" up
	done
}

number() # KEY JSON: its first value
{
	printf '%s\n' "$2" | sed -n "s/^ *\"$1\": \([0-9]*\),*\$/\1/p" | head -n 1
}

# State and cpu time of a process.
at_work() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '{ print $1, $12 + $13 }'; }

settle() # PID: until it waits for packets and has read all of those that came
{
	settle_n=0 settle_last=
	while [ $settle_n -lt 100 ]; do
		settle_now=$(at_work "$1")
		case $settle_now in
		S*) [ "$settle_now" = "$settle_last" ] && break ;;
		Z* | "") break ;;
		esac
		settle_last=$settle_now
		settle_n=$((settle_n + 1))
		sleep 0.1
	done
}

# A live run in the background; `finish` ends it as Ctrl-C does.
live() # ARGUMENT...
{
	$SKEP run "$@" >"$tmp/live.out" 2>"$tmp/live.err" &
	live_pid=$!
	settle "$live_pid"
}

finish()
{
	settle "$live_pid"
	kill -INT "$live_pid"
	wait "$live_pid"
	live_status=$?
	live_out=$(cat "$tmp/live.out")
}

veth skep0 skep1
have_xdp=
have_tap=

# ---- mistakes ----------------------------------------------------------------
wrong() # WHAT TEXT ARGUMENT...
{
	wrong_what=$1 wrong_text=$2
	shift 2
	wrong_out=$(timeout 10 $SKEP run $fw "$@" 2>&1 </dev/null)
	same "$wrong_what: exit status" 2 $?
	has "$wrong_what" "$wrong_text" "$wrong_out"
}
wrong "an interface that is not there" \
	"there is no interface 'skep9' in this network namespace" packet:skep9
wrong "its neighbour is named" "did you mean" packet:skep2
wrong "the same for AF_XDP" "there is no interface 'skep9'" xdp:skep9
wrong "no name" "'' is no name of an interface" packet:
wrong "a name that is too long" "1 to 15 characters" packet:abcdefghijklmnop
wrong "a pattern" "is no name of an interface" tap:tap%d
wrong "a queue that is none" "'x' is no number of a queue" xdp:skep1/x
wrong "a port of no kind" "a port is tap:NAME" --in eth:skep1
wrong "a port given twice" "this port is given twice" packet:skep1 --in packet:skep1
wrong "--count without a port" "--count and --seconds are for live ports" $cap --count 1
wrong "another engine" "are for --on user" packet:skep1 --on both
wrong "a target without a number" "IFINDEX is a number" $cap --port a=b
wrong "a target without a name" "no NAME=" $cap --port 3
wrong "two targets of one number" "another --port has this number" $cap \
	--port a=3 --port b=3
wrong "a target that is nothing" "only ,out= may follow" $cap --port a=3,to=x
ip link set skep1 down
wrong "an interface that is down" "Network is down" packet:skep1
ip link set skep1 up

# Another user namespace has no say in this network namespace.
if unshare -U true 2>/dev/null; then
	out=$(unshare -U $SKEP run $fw packet:skep1 2>&1)
	same "no permission: exit status" 2 $?
	has "no permission" "Operation not permitted; this needs CAP_NET_RAW" "$out"
	has "no permission for AF_XDP" "this needs CAP_NET_RAW" \
		"$(unshare -U $SKEP run $fw xdp:skep1 2>&1)"
	out=$(unshare -Urn sh -c "ip link add ours type veth peer name theirs && ip link set ours up &&
		ip link set theirs up && $SKEP run $fw xdp:ours --seconds 1" 2>&1)
	same "AF_XDP of a user namespace: exit status" 2 $?
	has "AF_XDP of a user namespace" "this needs CAP_BPF and CAP_NET_ADMIN" "$out"
	ok "a packet socket of a user namespace" unshare -Urn sh -c \
		"ip link add ours type veth peer name theirs && ip link set ours up && ip link set theirs up &&
		$SKEP run $fw packet:ours --seconds 1"
else
	skip "no permission" "no user namespaces"
fi

# ---- AF_PACKET: the capture out of one end, and in at the other -----------------
whole=$($SKEP run $fw $cap --map deny=$deny -q --json)
live $fw packet:skep1 --map deny=$deny --json -o "$tmp/in.pcapng"
sent=$($SKEP run $fw $cap --pass packet:skep0 --json 2>"$tmp/err")
finish
same "Ctrl-C ends a run well" 0 "$live_status"
same "every packet was sent, or counted" 10983 \
	$(($(number sent "$sent") + $(number failed "$sent")))
same "every packet that was sent came" "$(number sent "$sent")" \
	$(($(number received "$live_out") + $(number lost "$live_out")))
same "the firewall drops the same" "$(number XDP_DROP "$whole")" \
	"$(number XDP_DROP "$live_out")"
same "the recording has them all, with verdicts" "$(number packets "$live_out")" \
	"$($SKEP run $fw "$tmp/in.pcapng" -q --json |
		sed -n 's/^  "packets": \([0-9]*\),/\1/p')"

live $fw packet:skep1 --map deny=$deny --json
$SKEP run $fw $cap --pass packet:skep0 -q
finish
same "packets in batches: the firewall drops the same" "$(number XDP_DROP "$whole")" \
	"$(number XDP_DROP "$live_out")"

live $fw packet:skep1 --in packet:skep0
$SKEP run $fw $cap --pass packet:skep0 -q
finish
same "several inputs, and none sees what its interface sends" "10983 0" \
	"$(printf '%s\n' "$live_out" | awk '$1 ~ /^packet:/ { n[$1] = $2 }
	END { print n["packet:skep1"], n["packet:skep0"] }')"

# Without times: each line of bytes of each packet.
bytes_of() { tcpdump -ntxxr "$1" 2>/dev/null | grep '^.0x'; }
if command -v tcpdump >/dev/null; then
	$SKEP run $fw $cap -q -o "$tmp/all.pcapng"
	same "and each byte of them, VLAN tags too" "$(bytes_of "$tmp/all.pcapng" | cksum)" \
		"$(bytes_of "$tmp/in.pcapng" | cksum)"
else
	skip "each byte of them" "no tcpdump"
fi
ip link set skep0 down
out=$($SKEP run $fw $cap --pass packet:skep0 2>&1)
ip link set skep0 up
has "what could not be sent is told" "packet:skep0: 10983 packets were not sent: " "$out"

out=$(timeout 20 $SKEP run $fw packet:skep1 --seconds 1 -q --json)
same "--seconds" "0 0" "$? $(number packets "$out")"
live $fw packet:skep1 --count 100 --json
kill -STOP $live_pid
$SKEP run $fw $cap --pass packet:skep0 -q
sleep 0.2
kill -CONT $live_pid
wait $live_pid
same "--count" "0 100" "$? $(number packets "$(cat "$tmp/live.out")")"
same "what it left is counted" "$(number sent "$sent")" \
	$(($(number received "$(cat "$tmp/live.out")") + $(number lost "$(cat "$tmp/live.out")") +
	$(number unread "$(cat "$tmp/live.out")")))

cat >"$tmp/tx.c" <<'E'
SEC("xdp") int tx(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data;

	if (data + 14 > (unsigned char *)(long)ctx->data_end)
		return XDP_ABORTED;
	data[0] = 0x12;
	return XDP_TX;
}
E
ok "compiles" $SKEP cc "$tmp/tx.c" -o "$tmp/tx.o"
echo_of() # KIND: packets that came back changed, of those that were sent
{
	$SKEP run "$tmp/tx.o" "$1:skep1" --json >"$tmp/tx.out" 2>&1 &
	tx_pid=$!
	settle $tx_pid
	live $fw packet:skep0 -o "$tmp/back.pcapng" --json
	sent=$($SKEP run $fw $cap --pass packet:skep0 -q --json)
	settle $tx_pid
	finish
	back=$live_out
	kill -INT $tx_pid
	wait $tx_pid
}
echo_of packet
same "XDP_TX goes back where it came from" "$(number sent "$sent")" "$(number packets "$back")"
if command -v tcpdump >/dev/null; then
	same "as the program left it" "$(number packets "$back")" \
		"$(tcpdump -nr "$tmp/back.pcapng" 'ether[0] = 0x12' 2>/dev/null | wc -l)"
else
	skip "as the program left it" "no tcpdump"
fi

# ---- redirects ---------------------------------------------------------------------
cat >"$tmp/redirect.c" <<'E'
static long (*const redirect)(__u32 ifindex, __u64 flags) = (void *)23;
SEC("xdp") int redirect_three(struct xdp_md *ctx)
{
	static unsigned n;

	return redirect(70 + n++ % 3, 0);
}
E
ok "compiles" $SKEP cc "$tmp/redirect.c" -o "$tmp/redirect.o"
live $fw packet:skep1 --json
out=$($SKEP run "$tmp/redirect.o" $cap --port live=70,out=packet:skep0 \
	--port file=71,out="$tmp/seventyone.pcapng" 2>"$tmp/err")
finish
same "redirected to a live port" "$(printf '%s\n' "$out" | awk '$1 == "packet:skep0" { print $5 }')" \
	"$(number packets "$live_out")"
has "the target's row" "packet:skep0" "$(printf '%s\n' "$out" | grep '^live ')"
same "redirected to a capture" 3661 \
	"$($SKEP run $fw "$tmp/seventyone.pcapng" -q --json | sed -n 's/^  "packets": \(.*\),/\1/p')"
has "redirected to nowhere" \
	"3661 packets were redirected to where no port is, the first to ifindex 72" \
	"$(cat "$tmp/err")"

# ---- checksums that the stack left to the hardware --------------------------------------
if command -v tcpdump >/dev/null && command -v bash >/dev/null; then
	ip addr add 10.77.0.1/24 dev skep0
	ip neigh add 10.77.0.2 lladdr 02:00:00:00:00:02 dev skep0
	live $fw packet:skep1 -o "$tmp/sum.pcapng"
	bash -c 'printf abc >/dev/udp/10.77.0.2/9'
	finish
	has "a checksum is completed" "udp sum ok" "$(tcpdump -nvvr "$tmp/sum.pcapng" 2>/dev/null)"
	ip addr del 10.77.0.1/24 dev skep0
else
	skip "checksums" "no tcpdump or bash"
fi

# ---- AF_XDP ----------------------------------------------------------------------------
$SKEP run $fw xdp:skep1 --seconds 1 -q >/dev/null 2>"$tmp/err"
if [ $? != 0 ] && grep -q -e E0523 -e 'kernel has no' "$tmp/err"; then
	has "what is missing is told" "E052" "$(cat "$tmp/err")"
	skip "AF_XDP" "$(sed 's/.*error: //;q' "$tmp/err")"
else
	have_xdp=1
	live $fw xdp:skep1 --map deny=$deny --json
	wrong "a queue that is not there" "has no queue 7" xdp:skep1/7
	wrong "a queue that another has" "another AF_XDP socket has queue 0" xdp:skep1/0
	sent=$($SKEP run $fw $cap --pass xdp:skep0 -q --json)
	finish
	same "AF_XDP: Ctrl-C" 0 "$live_status"
	same "AF_XDP: every packet was sent, or counted" 10983 \
		$(($(number sent "$sent") + $(number failed "$sent")))
	same "AF_XDP: every packet that was sent came, or is counted" "$(number sent "$sent")" \
		$(($(number received "$live_out") + $(number lost "$live_out")))
	if [ "$(number lost "$live_out")" = 0 ]; then
		same "AF_XDP: the firewall drops the same" "$(number XDP_DROP "$whole")" \
			"$(number XDP_DROP "$live_out")"
	else
		skip "AF_XDP: the firewall drops the same" "the machine was too slow"
	fi
	echo_of xdp
	same "AF_XDP: XDP_TX, all back or counted" "$(number sent "$sent")" \
		$(($(number packets "$back") + $(number lost "$back") +
		$(number lost "$(cat "$tmp/tx.out")") + $(number failed "$(cat "$tmp/tx.out")")))
	same "nothing stays on the interface" "" "$(ip link show skep1 | grep -o 'xdp[a-z]*')"
fi

# ---- TAP devices -----------------------------------------------------------------------
if ! $SKEP run $fw tap:skeptap --seconds 1 -q 2>"$tmp/err" >/dev/null; then
	skip "TAP devices" "$(sed 's/.*error: //;q' "$tmp/err")"
else
	have_tap=1
	status "a device that skep made is gone" 1 ip link show skeptap
	wrong "a device that is no tap" "'skep0' is there and is no TAP device" tap:skep0
	ip tuntap add dev skepa mode tap
	ip link set skepa addrgenmode none up
	if ! command -v ping > /dev/null; then
		skip "the stack sends into a tap" "no ping"
	else
		live $fw tap:skepa --count 1 --seconds 20 --json
		ip addr add 10.78.0.1/24 dev skepa
		ip neigh add 10.78.0.2 lladdr 02:00:00:00:00:02 dev skepa
		ping -c 1 -W 1 10.78.0.2 >/dev/null 2>&1
		wait $live_pid
		same "the stack sends into a tap" "0 1" "$? $(number packets "$(cat "$tmp/live.out")")"
	fi
	ok "a device that was there before stays" ip link show skepa
	live $fw tap:skepa
	ip link del skepa
	wait $live_pid
	same "a device that goes away ends the run" 2 $?
	has "and says so" "tap:skepa: error: " "$(cat "$tmp/live.err")"
fi

# ---- a firewall in front of a namespace's stack: peer - skep0 - skep1 - tap --------------
inline()
{
	live $fw xdp:skep1 --map deny=$deny --pass tap:skepin --json
	ip addr add 10.79.0.2/24 dev skepin
	ip addr add 10.9.0.2/24 dev skepin
	good=$(peer ping -q -c 5 -i 0.1 -W 1 10.79.0.2 2>&1)
	bad=$(peer ping -q -c 3 -i 0.1 -W 1 10.9.0.2 2>&1)
	finish
	has "the firewall lets pass, and the stack answers" " 5 received" "$good"
	has "the firewall drops" " 0 received" "$bad"
	same "and counts" 3 "$(number XDP_DROP "$live_out")"
}
unshare -n sleep 120 &
peer_pid=$!
peer() { nsenter -t $peer_pid -n "$@"; }
sleep 0.2
if [ -z "$have_xdp" ] || [ -z "$have_tap" ] || ! command -v ping >/dev/null; then
	skip "a firewall in front of a stack" "no AF_XDP, TAP devices or ping"
elif ! ip link set skep0 netns $peer_pid 2>/dev/null; then
	skip "a firewall in front of a stack" "no second network namespace"
else
	peer ip link set skep0 up
	peer ip addr add 10.79.0.1/24 dev skep0
	peer ip addr add 10.9.0.1/24 dev skep0
	inline
fi
kill $peer_pid
done_testing
