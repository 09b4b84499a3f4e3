#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mapjson.t: further shapes of map files, and where their errors are said to be.
. test/tap.sh
fw=examples/firewall/firewall.o
pkts=examples/firewall/traffic.pcapng
run() { $SKEP run --map "deny=$tmp/m.json" $fw $pkts 2> "$tmp/err"; }

printf '[\n  {"key": {"prefixlen": 24, "addr": "10.9.0.0"}, "value": 0},\n%s' \
	'  {"key": {"prefixlen": 24, "addr": "10.9.0.x"}, "value": 0}]' > "$tmp/m.json"
run
has "line, column and path" "m.json:3:37: error: [1].key.addr: \"10.9.0.x\"" "$(cat "$tmp/err")"
echo '[{"key":["0x18"],"formatted":{"key":{"prefixlen":24,"addr":"10.9.0.0"},"value":5}}]' |
	sed 's/"key":\["0x18"\],//' > "$tmp/m.json"
has "only what bpftool formatted" "map deny (lpm_trie, 1 of 1024)" "$(run)"
$SKEP run --json --map "deny=$tmp/m.json" $fw $pkts > "$tmp/all.json" 2> /dev/null
mv "$tmp/all.json" "$tmp/m.json"
has "what run --json prints" "map deny (lpm_trie, 1 of 1024)" "$(run)"
done_testing
