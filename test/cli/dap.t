#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# dap.t: `skep debug --dap`, the Debug Adapter Protocol, by a scripted client
# (dap_client.c): a whole session, forwards and backwards, and what is no protocol.
. test/tap.sh
obj=test/obj/debug.o
cap=test/obj/debug.pcap
# shellcheck disable=SC2086
$CC -O1 -o "$tmp/client" test/cli/dap_client.c || exit 2
$SKEP debug -q $obj $cap --prog walk -batch -ex start -ex 'info args' 2>&1 | grep -q 'ctx = ' ||
	skip_all "no libdw"

# A script for the client; ADDR for addresses of this run.
session() # SCRIPT
{
	printf '%s\n' "$1" | timeout 120 "$tmp/client" $SKEP debug --dap 2>"$tmp/err" |
		sed 's/0x[0-9a-f]\{10,\}/ADDR/g; s/"seq": [0-9]*, //'
}
begin='> {"command": "initialize", "arguments": {"adapterID": "skep"}}
< "command": "initialize"
> {"command": "launch", "arguments": {"program": "'$obj'", "prog": "walk", "capture": "'$cap'", "cpus": 2'

out=$(session "$begin}}
< initialized
> {\"command\": \"setBreakpoints\", \"arguments\": {\"source\": {\"path\": \"/elsewhere/test/obj/debug.c\"}, \"breakpoints\": [{\"line\": 75}, {\"line\": 42, \"condition\": \"i == 2\"}, {\"line\": 9999}]}}
< setBreakpoints
> {\"command\": \"setFunctionBreakpoints\", \"arguments\": {\"breakpoints\": [{\"name\": \"each\", \"condition\": \"i > 0\", \"hitCondition\": \"2\"}, {\"name\": \"nothing\"}]}}
< setFunctionBreakpoints
> {\"command\": \"setExceptionBreakpoints\", \"arguments\": {\"filters\": [\"fault\"], \"filterOptions\": [{\"filterId\": \"verdict\", \"condition\": \"XDP_PASS\"}]}}
< setExceptionBreakpoints
> {\"command\": \"configurationDone\"}
< \"event\": \"stopped\"
> {\"command\": \"threads\"}
< threads
> {\"command\": \"stackTrace\", \"arguments\": {\"threadId\": 1}}
< stackTrace
> {\"command\": \"scopes\", \"arguments\": {\"frameId\": 1}}
< scopes
> {\"command\": \"variables\", \"arguments\": {\"variablesReference\": 1}}
< \"command\": \"variables\"
> {\"command\": \"variables\", \"arguments\": {\"variablesReference\": 3}}
< \"command\": \"variables\"
> {\"command\": \"variables\", \"arguments\": {\"variablesReference\": 4}}
< \"command\": \"variables\"
> {\"command\": \"variables\", \"arguments\": {\"variablesReference\": 5}}
< \"command\": \"variables\"
> {\"command\": \"stepOut\", \"arguments\": {\"threadId\": 1}}
< \"event\": \"stopped\"
> {\"command\": \"continue\", \"arguments\": {\"threadId\": 1}}
< \"event\": \"stopped\"
> {\"command\": \"next\", \"arguments\": {\"threadId\": 1}}
< \"event\": \"stopped\"
> {\"command\": \"evaluate\", \"arguments\": {\"expression\": \"*ip\", \"frameId\": 1, \"context\": \"watch\"}}
< evaluate
> {\"command\": \"variables\", \"arguments\": {\"variablesReference\": 1, \"format\": {\"hex\": true}}}
< \"command\": \"variables\"
> {\"command\": \"evaluate\", \"arguments\": {\"expression\": \"flows\", \"frameId\": 1, \"context\": \"hover\"}}
< evaluate
> {\"command\": \"variables\", \"arguments\": {\"variablesReference\": 3}}
< \"command\": \"variables\"
> {\"command\": \"evaluate\", \"arguments\": {\"expression\": \"print total\", \"frameId\": 1, \"context\": \"repl\"}}
< evaluate
> {\"command\": \"evaluate\", \"arguments\": {\"expression\": \"nothing\", \"frameId\": 1, \"context\": \"hover\"}}
< evaluate
> {\"command\": \"continue\", \"arguments\": {\"threadId\": 1}}
< \"event\": \"stopped\"
> {\"command\": \"setFunctionBreakpoints\", \"arguments\": {\"breakpoints\": []}}
< setFunctionBreakpoints
> {\"command\": \"stepBack\", \"arguments\": {\"threadId\": 1, \"granularity\": \"instruction\"}}
< \"event\": \"stopped\"
> {\"command\": \"stepBack\", \"arguments\": {\"threadId\": 1}}
< \"event\": \"stopped\"
> {\"command\": \"reverseContinue\", \"arguments\": {\"threadId\": 1}}
< \"event\": \"stopped\"
> {\"command\": \"stackTrace\", \"arguments\": {\"threadId\": 1, \"levels\": 1}}
< stackTrace
> {\"command\": \"stepIn\", \"arguments\": {\"threadId\": 1}}
< \"event\": \"stopped\"
> {\"command\": \"stackTrace\", \"arguments\": {\"threadId\": 1, \"levels\": 1}}
< stackTrace
> {\"command\": \"disassemble\", \"arguments\": {\"memoryReference\": \"0x100000000\", \"instructionOffset\": -1, \"instructionCount\": 3}}
< disassemble
> {\"command\": \"source\", \"arguments\": {\"source\": {\"path\": \"test/obj/debug.c\"}, \"sourceReference\": 0}}
< \"command\": \"source\"
> {\"command\": \"setInstructionBreakpoints\", \"arguments\": {\"breakpoints\": [{\"instructionReference\": \"0x100000000\", \"offset\": 360}]}}
< setInstructionBreakpoints
> {\"command\": \"dataBreakpointInfo\", \"arguments\": {\"name\": \"total\"}}
< dataBreakpointInfo
> {\"command\": \"setDataBreakpoints\", \"arguments\": {\"breakpoints\": [{\"dataId\": \"total\"}]}}
< setDataBreakpoints
> {\"command\": \"reverseContinue\", \"arguments\": {\"threadId\": 1}}
< \"event\": \"stopped\"
> {\"command\": \"reverseContinue\", \"arguments\": {\"threadId\": 1}}
< \"event\": \"stopped\"
> {\"command\": \"evaluate\", \"arguments\": {\"expression\": \"goto 3\", \"context\": \"repl\"}}
< \"event\": \"stopped\"
> {\"command\": \"nonsense\"}
< nonsense
> {\"command\": \"variables\", \"arguments\": {\"variablesReference\": 999}}
< \"command\": \"variables\"
> {\"command\": \"terminate\"}
< terminated
> {\"command\": \"disconnect\"}")
line() { printf '%s\n' "$out" | grep -F -- "$1" | sed -n "${2-1}p"; }
is() { has "$1" "$2" "$(line "$3" "${4-1}")"; }
is "it steps back" '"supportsStepBack": true' '"command": "initialize"'
is "initialized comes after the launch" '"event": "initialized"' '"event"'
is "a breakpoint at its line" '{"verified": true, "id": 1, "line": 75, "source": {"name": "debug.c"' '"command": "setBreakpoints"'
is "a line without code" '{"verified": false, "message": "No line 9999' '"command": "setBreakpoints"'
is "a function" '{"verified": true, "id": 3, "line": 58' '"command": "setFunctionBreakpoints"'
is "no function" 'Function \"nothing\" not defined.' '"command": "setFunctionBreakpoints"'
is "a verdict" '"id": 4' '"command": "setExceptionBreakpoints"'
is "stops at a condition" '"reason": "breakpoint", "threadId": 1, "allThreadsStopped": true, "hitBreakpointIds": [2]' '"event": "stopped"'
is "one thread" '{"id": 1, "name": "walk, packet 1"}' '"command": "threads"'
is "frames" '{"id": 1, "name": "sum", "source": {"name": "debug.c", "path": "'"$PWD"'/test/obj/debug.c"}, "line": 42, "column": 8' '"command": "stackTrace"'
is "the caller" '{"id": 2, "name": "walk"' '"command": "stackTrace"'
is "scopes" '{"name": "Registers", "presentationHint": "registers", "variablesReference": 5, "expensive": false}' '"command": "scopes"'
is "locals" '{"name": "i", "value": "2", "type": "int", "variablesReference": 0, "evaluateName": "i"}' '"command": "variables"'
is "globals" '{"name": "total", "value": "510", "type": "int"' '"command": "variables"' 2
is "maps are opened later" '{"name": "flows", "value": "hash", "variablesReference": ' '"command": "variables"' 3
is "registers, and what the verifier knows" '{"name": "r3", "value": "0x2 <2>, verifier: number 0..4"' '"command": "variables"' 4
is "out of a function" '"reason": "step"' '"event": "stopped"' 2
is "continue" '"hitBreakpointIds": [1]' '"event": "stopped"' 3
is "next" '"reason": "step"' '"event": "stopped"' 4
is "a struct" '"type": "struct iphdr"' '"command": "evaluate"'
is "its members, in hex" '{"name": "ttl", "value": "0x16", "type": "__u8", "variablesReference": 0, "evaluateName": "(*ip).ttl"}' '(*ip).ttl'
is "those without a name" '"value": "{{saddr = 0x80ad4c7, daddr = 0x200}' '(*ip).ttl'
is "a map by name" '"result": "hash"' '"command": "evaluate"' 2
is "its elements" '{"name": "[134927559]", "value": "{source = 134927559, bytes = 42, seen = 1, name = \"eth\"}", "type": "struct flow"' '[134927559]'
is "a command" '"result": "$1 = 1275\n"' '"command": "evaluate"' 3
is "no such name" '"success": false, "command": "evaluate", "message": "No symbol \"nothing\" in current context. [SKEP-E0830]"' '"command": "evaluate"' 4
is "a hit condition: the second" '"hitBreakpointIds": [3]' '"event": "stopped"' 5
is "back by an instruction" '"reason": "step"' '"event": "stopped"' 6
is "back to the breakpoint before" '"hitBreakpointIds": [1]' '"event": "stopped"' 8
is "its line" '"line": 75' '"command": "stackTrace"' 2
is "into a function" '"name": "remember"' '"command": "stackTrace"' 3
is "instructions" '"instruction": "w8 = *(u32 *)(r1 + 0x0)", "symbol": "walk", "line": 65' '"command": "disassemble"'
is "as many as asked for" '"instruction": "(no code)", "presentationHint": "invalid"' '"command": "disassemble"'
is "the source" 'SPDX-License-Identifier' '"command": "source"'
is "at an instruction" '"verified": true, "id": 5, "line": 37' '"command": "setInstructionBreakpoints"'
is "data" '"dataId": "total"' '"command": "dataBreakpointInfo"'
is "writes only" '"accessTypes": ["write"]' '"command": "dataBreakpointInfo"'
is "back to a change" '"reason": "data breakpoint", "text": "Old value = 1275\nNew value = 1020\n"' '"data breakpoint"'
is "a command that moves" '"reason": "step"' '"event": "stopped"' 12
is "an unknown request" '"success": false, "command": "nonsense", "message": "there is no request' '"nonsense"'
is "a stale reference" 'there is no such reference: the program has gone on' 'no such reference'
is "the end" '"exitCode": 0' '"exited"'
has "and it is over" 'exit 0' "$out"

# ---- to the end, with what the debugger says on the way
out=$(session "$begin, \"packet\": 4, \"stopOnEntry\": true}}
< initialized
> {\"command\": \"configurationDone\"}
< \"event\": \"stopped\"
> {\"command\": \"threads\"}
< threads
> {\"command\": \"continue\", \"arguments\": {\"threadId\": 1}}
< terminated
> {\"command\": \"next\", \"arguments\": {\"threadId\": 1}}
< \"next\"")
is "stops on entry" '"reason": "entry"' '"event": "stopped"'
is "of that packet" 'walk, packet 4' threads
is "its verdict is told" '[Packet 4: XDP_PASS, 129 instructions]\n' '"output"'
is "nothing moves then" '"success": false' '"command": "next"'
has "the client leaves" 'exit 0' "$out"

# ---- a fault of a program that is rejected
out=$(session '> {"command": "initialize"}
< initialize
> {"command": "launch", "arguments": {"program": "'$obj'", "prog": "reach", "capture": "'$cap'"}}
< initialized
> {"command": "configurationDone"}
< "event": "stopped"')
is "its verdict is told" "'reach' is rejected" '"output"'
is "a fault" '"reason": "exception", "text": "SKEP-E0801: a NULL pointer is written (offset 0, 8 bytes)"' '"stopped"'

# ---- pause: a program that does not end
out=$(session '> {"command": "initialize"}
< initialize
> {"command": "launch", "arguments": {"program": "'$obj'", "prog": "endless", "capture": "'$cap'", "budget": 100000000000}}
< initialized
> {"command": "configurationDone"}
< configurationDone
> {"command": "pause", "arguments": {"threadId": 1}}
< "event": "stopped"
> {"command": "stackTrace", "arguments": {"threadId": 1}}
< stackTrace
> {"command": "disconnect"}')
is "pause" '"reason": "pause"' '"stopped"'
is "where" '"name": "endless"' stackTrace

# ---- conditions of data
out=$(session "$begin, \"stopOnEntry\": true}}
< initialized
> {\"command\": \"dataBreakpointInfo\", \"arguments\": {\"name\": \"nothing\"}}
< dataBreakpointInfo
> {\"command\": \"setDataBreakpoints\", \"arguments\": {\"breakpoints\": [{\"dataId\": \"total\", \"accessType\": \"write\", \"condition\": \"total > 300\", \"hitCondition\": \"2\"}, {\"dataId\": \"total\", \"accessType\": \"read\"}, {\"dataId\": \"total\", \"condition\": \"nothing\"}]}}
< setDataBreakpoints
> {\"command\": \"configurationDone\"}
< \"event\": \"stopped\"
> {\"command\": \"continue\", \"arguments\": {\"threadId\": 1}}
< \"event\": \"stopped\"
> {\"command\": \"disconnect\"}")
is "nothing is no data" '"dataId": null, "description": "No symbol' '"command": "dataBreakpointInfo"'
is "one of three is set" '[{"verified": true, "id": 1}, {"verified": false' '"command": "setDataBreakpoints"'
is "reads are not watched" "data is watched for writes only, not for 'read'" '"command": "setDataBreakpoints"'
is "the second above 300" '"text": "Old value = 510\nNew value = 765\n"' '"data breakpoint"'

# ---- what is wrong
out=$(session '> {"command": "continue"}
< continue
> {"command": "stackTrace"}
< stackTrace
> {"command": "launch"}
< launch
> {"command": "launch", "arguments": {"program": "none.o"}}
< launch
> {"command": "launch", "arguments": {"program": "'$obj'", "prog": "walk", "capture": "'$cap'", "packet": 6}}
< launch
> {"command": "launch", "arguments": {"program": "'$obj'", "prog": "walk", "capture": "'$cap'", "packet": 0}}
< launch
> {"command": "launch", "arguments": {"program": "'$obj'", "prog": "walk", "capture": "'$cap'", "maps": {"nothing": "none.json"}}}
< launch
> {"command": "launch", "arguments": {"program": "'$obj'", "prog": "walk", "capture": "'$cap'", "packet": 5}}
< initialized')
is "nothing is launched" '"success": false, "command": "continue", "message": "nothing is launched [SKEP-E0835]"' continue
is "no frames either" '"success": false' stackTrace
is "launch without arguments" 'launch: there are no arguments' '"command": "launch"'
is "launch of what is not there" 'none.o' '"command": "launch"' 2
is "launch of a packet that is not there" '"success": false, "command": "launch", "message": "there is no packet 6' '"command": "launch"' 3
is "launch of packet 0" 'launch: packets are numbered from 1' '"command": "launch"' 4
is "launch with a map that is not there" "there is no map 'nothing'" '"command": "launch"' 5
is "and then as it should be" '"success": true' '"command": "launch"' 6
bad() # WHAT BYTES TEXT
{
	out=$(session "! $2
.")
	has "$1" "$3" "$(cat "$tmp/err")"
	has "$1 ends with 2" 'exit 2' "$out"
}
bad "no Content-Length" 'Some: header\r\n\r\n{}' "a message without Content-Length [SKEP-E0839]"
bad "a huge one" 'Content-Length: 99999999999\r\n\r\n' "a Content-Length that is no number up to"
bad "one that is no number" 'Content-Length: x\r\n\r\n{}' "a Content-Length that is no number up to"
bad "a message that is cut" 'Content-Length: 50\r\n\r\n{"seq": 1' "the input ends within a message"
bad "headers without an end" "$(head -c 5000 /dev/zero | tr '\0' a)" "headers without an end"
out=$(session '! Content-Length: 3\r\n\r\n{"aContent-Length: 2\r\n\r\n[]
> {"command": "threads"}
< threads')
is "no JSON is told" '<stdin>:1:' '"category": "stderr"'
is "no object, too" 'no JSON object' 'no JSON object'
is "and it goes on" '"success": true, "command": "threads"' '"command": "threads"'
status "no operands" 2 $SKEP debug --dap $obj
done_testing
