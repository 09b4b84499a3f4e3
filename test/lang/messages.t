#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# messages.t: colours of messages, warnings of features that bpftrace calls unstable, and
# what is said to who gives a script without -e.
. test/tap.sh

esc=$(printf '\033')
said() # COLOUR SCRIPT: standard error, escapes as ^
{
	BPFTRACE_COLOR=$1 $SKEP trace -e "$2" 2>&1 >/dev/null | sed "s/$esc/^/g"
}
plain='stdin:1:9-15: ERROR: Unknown function: '"'foo'"'
begin { foo(1); }
        ~~~~~~'
same "no terminal: no colour" "$plain" "$(said auto 'begin { foo(1); }')"
same "never" "$plain" "$(said never 'begin { foo(1); }')"
same "always: errors are red" "^[31mstdin:1:9-15: ERROR: Unknown function: 'foo'^[0m
begin { foo(1); }
        ~~~~~~" "$(said always 'begin { foo(1); }')"
same "what a script quotes is no message" "^[31mstdin:1:9-25: ERROR: Unknown function: 'foo'^[0m
begin { foo(\": ERROR: \"); }
        ~~~~~~~~~~~~~~~~" "$(said always 'begin { foo(": ERROR: "); }')"
has "another word" "valid values of \`BPFTRACE_COLOR\` are [auto|always|never]. The current value is loud!" \
	"$(said loud 'begin { foo(1); }')"

same "given without -e" "begin { exit(); }: error: No such file or directory [SKEP-E0002]
help: a script that is no file is given by -e: skep trace -e 'begin { exit(); }'" \
	"$($SKEP trace 'begin { exit(); }' 2>&1)"

warning='WARNING: Script is using an unstable feature: tseries. To prevent this warning you must explicitly enable it in the config e.g. unstable_tseries=enable'
series() { $SKEP trace -d types -e "config = { $1 } begin { @ = tseries(1, 1s, 5); @b = tseries(1, 1s, 5); }" 2>&1 >/dev/null; }
same "unstable: warned of once" "$warning" "$(series '')"
same "unstable: enabled" "" "$(series 'unstable_tseries = enable')"
has "unstable: an error" "ERROR: tseries feature is not enabled by default. To enable this unstable feature, set the config flag to enable. unstable_tseries=enable" \
	"$(series 'unstable_tseries = error')"
same "--no-warnings" "" \
	"$($SKEP trace --no-warnings -d types -e 'begin { @ = tseries(1, 1s, 5); }' 2>&1 >/dev/null)"

# ---- options

same "several stages" "== ast
== types
@: int64
begin:" "$($SKEP trace -d ast,types -e 'begin { @ = 1; }' 2>&1 | grep -v '^ *(\|^probe')"
same "one of them is none" "1 -d takes parse, ast, types, ir, bpf or verifier, not 'x'" \
	"$($SKEP trace -d ast,x -e 'begin { @ = 1; }' >"$tmp/o" 2>&1; echo "$? $(sed -n 's/.*error: \(-d.*\) \[.*/\1/p' "$tmp/o")")"
filter() { $SKEP trace --probe-filter "$1" -d types -e 'begin { } interval:s:1 { } interval:ms:20 { }' 2>&1 | tr '\n' ' '; }
same "--probe-filter" "begin: interval:ms:20: " "$(filter ':20$')"
same "--probe-filter: nothing fits" "ERROR: no probe fits --probe-filter 'begin' " "$(filter begin)"
has "--probe-filter: no expression" "'[' is no regular expression" "$(filter '[')"
has "--info" "Instruction limit" "$($SKEP trace --info 2>&1)"

# ---- mistakes of the first day: what is said helps

hint() # SCRIPT: errors and hints, without places
{
	$SKEP trace -d types -e "$1" 2>&1 >/dev/null | sed -n 's/^stdin:[0-9:-]*: ERROR: //p; s/^HINT: //p'
}
same "one mistake, one message" "hist() requires at least 1 argument (0 provided)" \
	"$(hint 'begin { @x = hist(); }')"
same "texts are added" "The + operator can not be used on expressions of types 'string[2]', 'string[2]'
str_concat(a, b) puts texts together" "$(hint 'begin { $s = "a" + "b"; }')"
same "a loop of C" "for (\$i : 0..10) { } or for (\$kv : @map) { }" \
	"$(hint 'begin { for (i = 0; ) { } }' | sed -n 2p)"
has "without braces" 'what is to be done stands in braces' "$(hint 'begin { if (1) print(1); }')"
if [ -r /sys/kernel/tracing/events/syscalls/sys_enter_read/id ]; then
	same "an event without its category" "Invalid probe type: sys_enter_read
did you mean tracepoint:syscalls:sys_enter_read?" "$(hint 'sys_enter_read { }')"
	same "an argument by its name alone" "Unknown identifier: 'filename'
did you mean args.filename?" "$(hint 'tracepoint:syscalls:sys_enter_openat { print(str(filename)); }')"
fi
if [ -r /sys/kernel/btf/vmlinux ]; then
	same "a type that is misspelt" 'Cannot resolve unknown type "struct task_strct"
did you mean struct task_struct?' "$(hint 'begin { $x = (struct task_strct *)0; }')"
fi

$SKEP trace -q -e 'begin { exit(); }' >/dev/null 2>&1 && {
	same "errorf and warnf" "^[33mstdin:1:9-19: WARNING: a^[0m
^[31mstdin:1:21-32: ERROR: b^[0m" "$(said always 'begin { warnf("a"); errorf("b"); exit(); }' | grep -v Attached)"
}
done_testing
