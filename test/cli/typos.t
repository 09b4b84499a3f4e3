#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# typos.t: what somebody mistypes is answered with what they may have meant.
. test/tap.sh
fw=examples/firewall/firewall.o
pkts=examples/firewall/traffic.pcapng

# typo WHAT HINT ARGUMENT...: exit status 2 and the hint on standard error
typo()
{
	what=$1 hint=$2
	shift 2
	"$SKEP" "$@" > "$tmp/out" 2> "$tmp/err" < /dev/null
	same "$what: exit status" 2 $?
	has "$what: hint" "$hint" "$(cat "$tmp/err")"
	same "$what: nothing on standard output" "" "$(cat "$tmp/out")"
}

typo "a command" "did you mean 'skep inspect'?" inspekt $fw
typo "a command of help" "did you mean 'skep run'?" help rnu
typo "an option" "did you mean --verdicts?" run --verdict x $fw $pkts
typo "an object's name" "did you mean examples/firewall/firewall.o?" \
	run examples/firewall/firewal.o $pkts
typo "a capture's name" "did you mean examples/firewall/traffic.pcapng?" \
	run $fw examples/firewall/traffic.pcap
typo "a folder" "name the files in it" run $fw examples/firewall
typo "a program" "did you mean 'firewall'?" run --prog firewal $fw $pkts
typo "a program of disasm" "did you mean 'firewall'?" disasm --prog firewal $fw
typo "a map" "did you mean 'stats'?" run --map stat=x.json $fw $pkts
echo '1 XDP_PAS' > "$tmp/v"
typo "a verdict" "did you mean XDP_PASS?" run --expect "$tmp/v" $fw $pkts
typo "an engine" "user, kernel or both" run --on kernl $fw $pkts

# Standard input and pipes are told apart by content, too.
verdicts() { sed -n 2,3p; }
want=$($SKEP run $fw $pkts 2> /dev/null | verdicts)
has "verdicts" "XDP_PASS     10983" "$want"
same "an object on standard input" "$want" "$(cat $fw | $SKEP run - $pkts 2> /dev/null | verdicts)"
same "a capture on standard input" "$want" "$(cat $pkts | $SKEP run $fw - 2> /dev/null | verdicts)"
same "operands in any order" "$want" "$($SKEP run $pkts $fw 2> /dev/null | verdicts)"
same "an object in a pipe of the shell" "$want" \
	"$(cat $fw | $SKEP run /dev/fd/0 $pkts 2> /dev/null | verdicts)"
done_testing
