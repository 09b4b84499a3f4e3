#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# bad.t: bad input gets one clear message, exit status 2 and leaves nothing.
. test/tap.sh
fw=examples/firewall/firewall.o
cap=examples/firewall/traffic.pcapng

# bad WHAT PART COMMAND...: exit status 2, PART in the message, one "error:"
bad()
{
	bad_what=$1 bad_part=$2
	shift 2
	bad_out=$("$@" 2>&1 > "$tmp/stdout" < /dev/null)
	same "$bad_what: exit status" 2 $?
	has "$bad_what: message" "$bad_part" "$bad_out"
	same "$bad_what: one error" 1 "$(printf '%s\n' "$bad_out" | grep -c 'error:\|^skep')"
}

for n in 0 1 63 64 200 1000 5000 20000; do
	head -c $n $fw > "$tmp/cut.o"
	cp "$tmp/cut.o" "$tmp/cut.bpf.o"
	bad "an object of $n bytes" "$tmp/cut.bpf.o" $SKEP inspect "$tmp/cut.bpf.o"
done
bad "no file" "No such file" $SKEP run /nowhere/x.o $cap
bad "a folder" "Is a directory" $SKEP run examples $cap
bad "neither object nor capture" "neither" $SKEP run README.md $cap
bad "no capture" "capture" $SKEP run $fw
bad "no object" "object" $SKEP run $cap

head -c 100001 $cap > "$tmp/cut.pcapng"
bad "a capture cut in mid-packet" "cut.pcapng+0x" $SKEP run $fw "$tmp/cut.pcapng" -o "$tmp/o.pcapng" --verdicts "$tmp/o.txt"
same "nothing half-written" "" "$(ls -A "$tmp" | grep '^o\.\|skep')"
printf 'garbage' > "$tmp/g.pcap"
bad "garbage as a capture" "neither" $SKEP run $fw "$tmp/g.pcap"


bad "an unknown map" "there is no map 'dney'" $SKEP run $fw $cap --map dney=examples/firewall/deny.json
bad "a map file that is no JSON" "SKEP-E0011" $SKEP run $fw $cap --map deny=$fw
echo '[{"key": {"prefixlen": 24, "adr": "10.9.0.0"}, "value": 0}]' > "$tmp/m.json"
bad "a member that is not there" "did you mean 'addr'" $SKEP run $fw $cap --map deny="$tmp/m.json"
echo '[{"key": {"prefixlen": 33, "addr": "10.9.0.0"}, "value": 0}]' > "$tmp/m.json"
bad "a key that the map refuses" "SKEP-E0706" $SKEP run $fw $cap --map deny="$tmp/m.json"
echo '[{"key": {"prefixlen": 24, "addr": "10.9.0"}, "value": 0}]' > "$tmp/m.json"
bad "half an address" "neither a number nor an address" $SKEP run $fw $cap --map deny="$tmp/m.json"
echo '[{"key": {"prefixlen": 4294967296, "addr": 1}, "value": 0}]' > "$tmp/m.json"
bad "a number too big" "does not fit" $SKEP run $fw $cap --map deny="$tmp/m.json"
echo '{"key": 1}' > "$tmp/m.json"
bad "no array" "an array" $SKEP run $fw $cap --map deny="$tmp/m.json"
echo "1 XDP_DORP" > "$tmp/e"
bad "an unknown verdict" "e:1" $SKEP run $fw $cap --expect "$tmp/e"

bad "an unknown command" "did you mean 'skep run'" $SKEP rnu
bad "an unknown option" "did you mean --verdicts" $SKEP run --verdict x
bad "an option without value" "needs" $SKEP run $fw $cap -o
bad "a number that is none" "takes a number" $SKEP run --repeat x
bad "a negative number" "takes a number" $SKEP run $fw $cap --cpus " -3"
bad "a number after a space" "takes a number" $SKEP run $fw $cap --cpus " 3"
bad "no instruction at all" "--budget is at least 1" $SKEP run $fw $cap --budget 0
bad "an empty name of an object" "'': error: No such file" $SKEP run "" $cap
bad "an empty name of a map file" "'': error: No such file" $SKEP run $fw $cap --map deny=
bad "an empty name of an output" "'': error: No such file" $SKEP run $fw $cap -o ""
bad "an output that is a folder's name" "Is a directory" $SKEP run $fw $cap -o "$tmp/new/"
bad "a name that is too long" "File name too long" $SKEP run $fw $cap -o "$(printf %0300d 0)"
bad "two outputs in one file" "same file" $SKEP run $fw $cap -o "$tmp/o" --verdicts "$tmp/o"
bad "two outputs on standard output" "leaves no room" $SKEP run $fw $cap -o - -v
bad "a full disk" "No space left" $SKEP run $fw $cap -o /dev/full
bad "standard output on a full disk" "No space left" sh -c "$SKEP inspect $fw > /dev/full"
bad "assembling onto a full disk" "No space left" sh -c "echo exit | $SKEP asm - > /dev/full"
bad "a file without end" "File too large" $SKEP asm /dev/zero
cp $fw "$tmp/twin.o"
bad "two programs of one name" "give one object" $SKEP run $fw "$tmp/twin.o" $cap --prog firewall
bad "an unknown program" "there is no program 'x'" $SKEP run $fw $cap --prog x
bad "a place that cannot be written" "/nowhere/x" $SKEP run $fw $cap -o /nowhere/x
bad "assembling nonsense" ":2:" sh -c "printf 'r0 = 1\nr0 ~= 2\n' | $SKEP asm -"
bad "an error that does not exist" "no error" $SKEP explain 9999

out=$($SKEP run examples/firewall/bad.o $cap 2>&1)
same "a program that reads too far: exit status" 1 $?
same "is refused, as skep verify does" "$($SKEP verify examples/firewall/bad.o 2>&1 >/dev/null)" "$out"
out=$($SKEP run --unverified examples/firewall/bad.o $cap 2>&1)
same "unverified: exit status" 1 $?
has "the line" "bad.c:" "$out"
has "the kind of memory and the offset" "of the packet are read" "$out"
has "the program" "program 'firewall', instruction" "$out"
has "the packet" "on packet" "$out"

# What is killed leaves nothing behind, and no older file is spoiled.
echo old > "$tmp/old.pcapng"
for sig in TERM KILL; do
	mkfifo "$tmp/fifo"
	$SKEP run $fw - -o "$tmp/old.pcapng" --verdicts "$tmp/new.txt" -q < "$tmp/fifo" 2>/dev/null &
	pid=$!
	exec 9> "$tmp/fifo"
	head -c 200000 $cap >&9
	kill -s $sig $pid
	wait $pid
	exec 9>&-
	same "killed by $sig: nothing left" "" "$(ls -A "$tmp" | grep 'skep\|new')"
	same "killed by $sig: the older file" old "$(cat "$tmp/old.pcapng")"
	rm "$tmp/fifo"
done
ok "an older file is replaced" $SKEP run $fw $cap -q -o "$tmp/old.pcapng"
same "by one" "" "$(ls -A "$tmp" | grep skep)"
ok "which is a capture" $SKEP run $fw "$tmp/old.pcapng" -q
done_testing
