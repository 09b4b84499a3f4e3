#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# text.t: asm, disasm, inspect, explain, help.
. test/tap.sh
fw=examples/firewall/firewall.o

printf 'r0 = 2\nexit\n' > "$tmp/a.s"
ok "asm" $SKEP asm "$tmp/a.s" -o "$tmp/a.bin"
same "16 bytes" 16 "$(wc -c < "$tmp/a.bin")"
has "disasm of raw bytes" "r0 = 0x2" "$($SKEP disasm "$tmp/a.bin")"
$SKEP disasm --plain --prog firewall $fw > "$tmp/fw.s"
ok "an object's text assembles" $SKEP asm "$tmp/fw.s" -o "$tmp/fw.bin"
$SKEP disasm --plain "$tmp/fw.bin" > "$tmp/fw2.s"
ok "to the same text" cmp "$tmp/fw.s" "$tmp/fw2.s"
same "disasm of an object on standard input" "$($SKEP disasm $fw | cksum)" \
	"$($SKEP disasm - < $fw | cksum)"
same "and from a pipe" "$($SKEP disasm $fw | cksum)" "$(cat $fw | $SKEP disasm - | cksum)"
has "inspect of an object on standard input" "<stdin>: 1 program" "$(cat $fw | $SKEP inspect -)"
: > "$tmp/empty.s"
ok "asm of nothing" $SKEP asm "$tmp/empty.s" -o "$tmp/empty.bin"
has "source lines" "; " "$($SKEP disasm -l $fw)"
printf '4\n40 0 0 12\n21 0 1 2048\n6 0 0 262144\n6 0 0 0\n' > "$tmp/ip.txt"
has "classic BPF" "ldh" "$($SKEP disasm "$tmp/ip.txt")"
has "classic BPF as eBPF" "r0 = *(u16 *)skb[0xc]" "$($SKEP disasm -t "$tmp/ip.txt")"
has "inspect" "lpm_trie" "$($SKEP inspect $fw)"
has "helpers by name" "map_lookup_elem" "$($SKEP inspect $fw)"
if command -v jq > /dev/null; then
	same "inspect --json" '"xdp"' "$($SKEP inspect --json $fw | jq '.[0].programs[0].type')"
	same "disasm --json" '"exit"' "$($SKEP disasm --json "$tmp/a.bin" | jq '.[0].insns[1].text')"
else
	skip "JSON" "no jq"
fi
for id in SKEP-E0801 E0801 801; do
	has "explain $id" "SKEP-E0801: " "$($SKEP explain $id)"
done
# Every explanation tells what to do: a second sentence at least, and a command.
do='Attach|End|Replay|Start|Check|Try|Give|Install|Correct|Compile|Choose|Rewrite|Use|Run|Record|Convert|Define|Bound'
do="$do|Nest|Declare|Bring|Cut|Make|make|cut|lists|takes|choose|give|needs|In a user|correct"
for id in $(sed -n 's/^ERR([A-Z_]*,[^0-9]*\([0-9]*\),.*/\1/p' src/base/err.def); do
	text=$($SKEP explain "$id")
	if printf '%s' "$text" | grep -Eq "($do)"; then
		ok "explain $id tells what to do" true
	else
		same "explain $id tells what to do" "something to do" "$text"
	fi
done

# Colour: on a terminal only.
bad="$SKEP inspect $tmp/nothing.o"
esc=$(printf '\033')
same "no colour in a pipe" 0 "$(TERM=xterm $bad 2>&1 | grep -c "$esc")"
if command -v script > /dev/null; then
	tty() { env "$@" script -qec "$bad" /dev/null 2>&1 | grep -c "$esc\[1;31merror:"; }
	same "colour on a terminal" 1 "$(tty -u NO_COLOR TERM=xterm)"
	same "none with NO_COLOR" 0 "$(tty NO_COLOR=1 TERM=xterm)"
	same "none on a dumb one" 0 "$(tty -u NO_COLOR TERM=dumb)"
else
	skip "colour on a terminal" "no script(1)"
fi
ok "--version" $SKEP --version
ok "--help" $SKEP --help
for c in run inspect disasm asm cc explain; do
	has "$c --help" "Usage: skep $c" "$($SKEP $c --help)"
	has "help $c" "Usage: skep $c" "$($SKEP help $c)"
done
status "no command" 2 $SKEP
[ -e /dev/full ] && status "a full disk is no success" 2 sh -c "$SKEP inspect $fw > /dev/full"
done_testing
