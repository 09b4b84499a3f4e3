#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# output.t: what skep run shows of messages, records, addresses and two engines;
# the sections that inspect lists; what is not overwritten.
. test/tap.sh
fw=examples/firewall/firewall.o
cap=examples/firewall/traffic.pcapng
[ -n "$CLANG" ] || skip_all "no clang"
export CLANG

cat > "$tmp/talk.c" <<'C'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct event { __u32 number; __u32 peer; };
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, struct event); __uint(max_entries, 4); } peers SEC(".maps");
__u32 n, gateway = 0x0100a8c0;
SEC("xdp") int talk(struct xdp_md *ctx)
{
	struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e) + 2, 0);
	__u32 peer;

	if (!e)
		return XDP_ABORTED;
	e->number = ++n;
	e->peer = 0x0100007f;
	((char *)(e + 1))[0] = 0xab;
	((char *)(e + 1))[1] = 1;
	peer = e->peer;
	bpf_map_update_elem(&peers, &peer, e, 0);
	if (n % 2)
		bpf_printk("odd %u", n);
	bpf_ringbuf_submit(e, 0);
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
$SKEP cc "$tmp/talk.c" -o "$tmp/talk.o"
run() { $SKEP run "$tmp/talk.o" $cap "$@" 2> "$tmp/err"; }

run > "$tmp/out"
same "the first messages, each with its packet" "printk: packet 39: odd 39" \
	"$(grep -a odd "$tmp/err" | sed -n 20p)"
same "the others are counted" "printk: ... and 5472 more lines (--verbose has all)" \
	"$(grep -a '\.\.\.' "$tmp/err")"
same "no more than that" 21 "$(grep -c printk "$tmp/err")"
run -v > "$tmp/out"
same "-v: all of them" 5492 "$(grep -c 'printk: packet' "$tmp/err")"
has "-v: a record without a type" "       1  events: 10 bytes 010000007f000001ab01" "$(sed -n 1,2p "$tmp/out")"
run -q > /dev/null
same "-q: none" "" "$(cat "$tmp/err")"

run -v --record events=event > "$tmp/out"
has "--record: typed, and the rest" \
	'       2  events: 10 bytes {"number": 2, "peer": 16777343} ab01' "$(sed -n 3,4p "$tmp/out")"
run -v --record "events=struct event" --net peer --net peers --net gateway > "$tmp/out"
has "--net: an address in a record" '{"number": 2, "peer": "127.0.0.1"} ab01' "$(sed -n 3,4p "$tmp/out")"
has "--net: a key and a member" '  "127.0.0.1": {"number": 10983, "peer": "127.0.0.1"}' "$(cat "$tmp/out")"
has "--net: a variable" 'gateway: "192.168.0.1"' "$(cat "$tmp/out")"
run --json --net peers --record events=event > "$tmp/out"
if command -v jq > /dev/null; then
	same "JSON: the key" "127.0.0.1" "$(jq -r '.maps[] | select(.name == "peers").elements[0].key' "$tmp/out")"
	same "JSON: a record" '{"number":3,"peer":16777343} ab01' \
		"$(jq -r '.events[2] | "\(.value) \(.data)"' "$tmp/out")"
fi
for bad in events evens=event peers=event events= =event events=evnt; do
	status "--record $bad" 2 $SKEP run "$tmp/talk.o" $cap --record $bad
done
has "--record: the type that may be meant" "did you mean struct event?" \
	"$($SKEP run "$tmp/talk.o" $cap --record events=evnt 2>&1)"

# Every section, by name, size and flags, as other tools see them.
$SKEP inspect -S "$tmp/talk.o" > "$tmp/out"
has "sections: the programs" "xdp " "$(grep 'programs$' "$tmp/out")"
has "sections: relocations" "relocations of xdp" "$(cat "$tmp/out")"
if command -v readelf > /dev/null && command -v jq > /dev/null; then
	same "as readelf lists them" \
		"$(readelf -SW "$tmp/talk.o" | sed -n 's/^ *\[ *[1-9][0-9]*\] //p' | while read -r name type _ _ size _; do echo "$name $((0x$size))"; done)" \
		"$($SKEP inspect --json "$tmp/talk.o" | jq -r '.[].sections[] | "\(.name) \(.size)"')"
fi

# Two engines, one document.
if $SKEP run --on kernel $fw $cap -q 2> /dev/null && command -v jq > /dev/null; then
	doc=$($SKEP run --on both $fw $cap --json 2> /dev/null)
	same "both engines: one document" "0 true 10983 10983" "$(printf '%s' "$doc" | jq -r '"\(.differences) \(.differ == [] and ([.kernel.maps[].name] == [.maps[].name])) \(.verdicts.XDP_PASS) \(.kernel.verdicts.XDP_PASS)"')"
	cat > "$tmp/clock.c" <<'C'
__u64 last;
SEC("xdp") int clock(struct xdp_md *ctx) { last = bpf_ktime_get_ns(); return last & 1 ? XDP_PASS : XDP_DROP; }
char _license[] SEC("license") = "GPL";
C
	doc=$($SKEP run --on both "$tmp/clock.c" $cap --json 2> /dev/null)
	same "engines that differ: exit status" 1 $?
	same "what differs" "verdict true true" "$(printf '%s' "$doc" | jq -r '"\(.differ[0].what) \(.differ[0].user != .differ[0].kernel) \(.differences >= (.differ | length))"')"
	doc=$($SKEP run --on both "$tmp/talk.o" examples/nat64/outgoing.pcap --json 2> /dev/null)
	same "records, too" "0 6 60 6" "$(printf '%s' "$doc" | jq -r '"\(.differences) \(.event_maps[0].records) \(.event_maps[0].bytes) \(.events | length)"')"
	cat > "$tmp/odd.c" <<'C'
SEC("xdp") int odd(struct xdp_md *ctx) { return 77; }
C
	for on in user kernel both; do
		has "answers above XDP_REDIRECT are told: $on" "warning: 6 packets got a return value above XDP_REDIRECT" \
			"$($SKEP run --on $on "$tmp/odd.c" examples/nat64/outgoing.pcap 2>&1)"
	done
	printf '1 XDP_TX\n' > "$tmp/e"
	status "--expect counts with both, too" 1 $SKEP run --on both $fw $cap --expect "$tmp/e"
	status "both engines and packets on standard output" 2 $SKEP run --on both $fw $cap -o -
else
	skip "both engines: one document" "no kernel to run on, or no jq"
fi

# --type for several programs.
cat > "$tmp/two.c" <<'C'
SEC("p1") int one(struct __sk_buff *skb) { return -1; }
SEC("p2") int two(struct __sk_buff *skb) { return 2; }
C
$SKEP cc "$tmp/two.c" -o "$tmp/two.o"
has "--type is for all that --prog names" "TC_ACT_SHOT" "$($SKEP run "$tmp/two.o" $cap --prog one --prog two --type tc 2>&1)"
has "--type of each" "two      p2       xdp" "$($SKEP inspect "$tmp/two.o" --type one=tc --type two=xdp 2>&1)"
same "--type of one" "unspec" "$($SKEP inspect "$tmp/two.o" --type one=tc --json 2> /dev/null | grep '"type": "unspec"' | cut -d '"' -f 4)"

# Names and messages of others do not command the terminal.
cat > "$tmp/esc.c" <<'C'
SEC("xdp_$[32m") int evil(struct xdp_md *ctx) asm("p$]0;x");
int evil(struct xdp_md *ctx) { bpf_printk("%c[2J", 27); return 1; }
char _license[] SEC("license") = "GPL";
C
$SKEP cc "$tmp/esc.c" -o "$tmp/dollar.o" -- -g0
tr '$' '\033' < "$tmp/dollar.o" > "$tmp/esc.o"
esc=$(printf '\033')
for c in run inspect disasm 'run -v' 'run --json' 'inspect --json'; do
	pkts=
	[ "${c%% *}" = run ] && pkts=examples/nat64/outgoing.pcap
	# shellcheck disable=SC2086 # words are meant
	out=$($SKEP $c "$tmp/esc.o" $pkts 2>&1)
	has "no escapes: $c, which names the program" "]0;x" "$out"
	same "no escapes: $c" 0 "$(printf '%s' "$out" | LC_ALL=C grep -c "$esc")"
done
has "no escapes: what it says" "printk: packet 1: ?[2J" "$($SKEP run "$tmp/esc.o" examples/nat64/outgoing.pcap 2>&1)"

# What exists is not lost by mistake.
cp $fw "$tmp/a.o"
cp examples/shaper/shaper.o "$tmp/b.o"
sum=$(cksum < "$tmp/a.o")
status "gen object: the output forgotten" 2 $SKEP gen object "$tmp/a.o" "$tmp/b.o"
status "gen object: the output is an input" 2 $SKEP gen object "$tmp/a.o" "$tmp/a.o" "$tmp/b.o"
status "gen object: onto C source" 2 $SKEP gen object "$tmp/talk.c" "$tmp/b.o"
same "nothing is lost" "$sum" "$(cksum < "$tmp/a.o")"
ok "gen object: once" $SKEP gen object "$tmp/all.o" "$tmp/two.o"
ok "gen object: again" $SKEP gen object "$tmp/all.o" "$tmp/two.o"
ok "gen object: another result there" $SKEP gen object "$tmp/all.o" "$tmp/b.o"

has "btf dump of a C file" "struct event {" "$($SKEP btf dump "$tmp/talk.c" format c 2>&1)"

# Nothing stays when skep is killed in the middle of a compilation.
mkdir "$tmp/t"
printf '#!/bin/sh\nsleep 5 & echo $! > "%s"; wait\n' "$tmp/child" > "$tmp/cc"
chmod +x "$tmp/cc"
for sig in KILL TERM; do
	rm -f "$tmp/child"
	TMPDIR=$tmp/t CLANG=$tmp/cc $SKEP cc "$tmp/two.c" -o "$tmp/t/x.o" > /dev/null 2>&1 &
	pid=$!
	for _ in 1 2 3 4 5 6 7 8 9 10; do [ -s "$tmp/child" ] || sleep 0.2; done
	kill -$sig $pid
	wait $pid 2> /dev/null
	same "nothing stays after SIG$sig" "" "$(ls -A "$tmp/t")"
	kill "$(cat "$tmp/child")" 2> /dev/null
done
done_testing
