#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# gdb.t: stock gdb in compiled programs: breakpoints by line and by name, callers through
# to C, in skep itself and in hosts that embed it and have another compiler's list.
. test/tap.sh
fw=examples/firewall/firewall.o
cap=examples/firewall/traffic.pcapng
export ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0"	# which cannot be under a debugger

command -v gdb >/dev/null || skip_all "no gdb"
$SKEP disasm --jit fast $fw >/dev/null 2>&1 || skip_all "no native code here"

cat >"$tmp/start" <<'G'
set pagination off
set confirm off
set width 0
set startup-with-shell off
set debuginfod enabled off
set breakpoint pending on
G
debug() # COMMANDS PROGRAM...
{
	printf '%s\n' "$1" >"$tmp/commands"
	shift
	SKEP_GDB=1 timeout 120 gdb -nx -batch -x "$tmp/start" -x "$tmp/commands" --args "$@" 2>&1 </dev/null
}
case $(debug 'run' $SKEP --version) in *"exited normally"*) ;; *) skip_all "gdb can start nothing here" ;; esac
frames() { sed 's/0x[0-9a-f]* in //; s/ (.*) at / at /' | grep '^#'; }	# NUMBER FUNCTION at PLACE

case $(uname -m) in
x86_64) saved='rbx rbp r12 r13 r14 r15' ;;
*) saved='x19 x20 x21 x22 x23 x29' ;;
esac
for tier in fast opt; do
	out=$(debug 'break firewall.c:209
run
bt
list 209,209
info symbol $pc' $SKEP run -q --jit $tier $fw $cap)
	has "$tier: stops at a line" "firewall () at $(dirname $fw)/firewall.c:209" "$out"
	has "the program is the first frame" "#0  firewall at examples/firewall/firewall.c:209" \
		"$(printf '%s\n' "$out" | frames)"
	has "and C is around it" " main at src/cli/main.c:" "$(printf '%s\n' "$out" | frames)"
	has "its text" "209		void *end = (void *)(long)ctx->data_end;" "$out"
	has "its symbol" "firewall in section .text of <in-memory@" "$out"

	out=$(debug 'break count_source
run
bt
echo up:\n
finish
info registers rip
delete
continue' $SKEP run -q --jit $tier $fw $cap)
	trace=$(printf '%s\n' "$out" | frames)
	has "$tier: stops in a subprogram" "#0  count_source at examples/firewall/firewall.c:96" "$trace"
	has "that the program called" "#1  firewall at examples/firewall/firewall.c:142" "$trace"
	has "which C called" " main at src/cli/main.c:" "$trace"
	has "finish goes back there" "firewall () at examples/firewall/firewall.c:142" \
		"${out##*up:}"
	has "and the process to its end" "exited normally" "$out"

	# At each instruction of a function's beginning; its caller's registers are those
	# that it began with.
	out=$(debug "tbreak firewall.c:209
run
break *count_source
continue
$(for r in $saved; do echo "set \$was_$r = \$$r"; done)
set \$i = 0
while \$i < 24
bt
frame function firewall
echo kept:
output 1 $(for r in $saved; do printf '%s' " && \$$r == \$was_$r"; done)
echo \\n
stepi
set \$i = \$i + 1
end" $SKEP run -q --jit $tier $fw $cap)
	same "$tier: callers at each of the first instructions" 24 \
		"$(printf '%s\n' "$out" | frames | grep -c ' main at src/cli/main.c:')"
	same "none is unknown" "" "$(printf '%s\n' "$out" | frames | grep '??')"
	same "with their registers" 24 "$(printf '%s\n' "$out" | grep -c '^kept:1$')"
done

out=$(debug 'unset environment SKEP_GDB
break firewall.c:209
run' $SKEP run -q $fw $cap)
has "not unasked" "exited normally" "$out"

# ---- without lines: names and callers
objcopy=
for tool in llvm-objcopy llvm-objcopy-19 llvm-objcopy-18; do
	command -v $tool >/dev/null && objcopy=$tool
done
if [ "$objcopy" ]; then
	$objcopy --remove-section=.BTF.ext --remove-section=.rel.BTF.ext $fw "$tmp/bare.o" || exit 2
	out=$(debug 'break verdict
run
bt
info symbol $pc
info line *$pc' $SKEP run -q "$tmp/bare.o" $cap)
	has "without lines: stops by name" "verdict in section .text of <in-memory@" "$out"
	has "no line" 'No line number information available for address 0x' "$out"
	has "callers" " main at src/cli/main.c:" "$(printf '%s\n' "$out" | frames)"
else
	skip "without lines" "no llvm-objcopy"
fi

# ---- hosts: with another compiler in a library, or in the program itself, and without
cat >"$tmp/other.c" <<'C'
#include <stdint.h>
#include <stdio.h>
struct list { uint32_t version, action; void *changed, *first; };
struct list __jit_debug_descriptor = { 1, 0, 0, 0 };
static int told;
__attribute__((noinline)) void __jit_debug_register_code(void) { told++; }
int other(void) { return printf("told %d, has %p\n", told, __jit_debug_descriptor.first) < 0; }
C
cat >"$tmp/host.c" <<'C'
#include <skep/skep.h>
#include <stdio.h>
int other(void);
#ifdef ALONE
int other(void) { return 0; }
#endif
int main(int argc, char **argv)
{
	static const unsigned char packet[64];
	struct skep_run run = { .size = sizeof(run), .data = packet, .data_bytes = sizeof(packet) };
	struct skep_object *obj;
	struct skep_err err;

	if (skep_object_open(&obj, argv[1], &err) || skep_object_load(obj, NULL, &err) ||
	    skep_prog_run(skep_object_prog(obj, "firewall"), &run, &err))
		return 1;
	if (argc > 2)
		puts("ready"), fflush(stdout), getchar();
	skep_object_close(obj);
	return other();
}
C
san=
case ${SAN-} in '') ;; *thread*) san=-fsanitize=thread ;; *) san=-fsanitize=address,undefined ;; esac
cp "$BUILD/libskep.so.0" "$tmp/" && strip "$tmp/libskep.so.0" || exit 2
shared="$tmp/libskep.so.0 -Wl,-rpath,$tmp"
archive="$BUILD/libskep.a -lelf -lz -ldl -lpthread"
# shellcheck disable=SC2086
host() { $CC $san -g -Iinclude "$@"; }
visit() # PROGRAM
{
	debug 'break firewall.c:209
run
bt
delete
break skep_object_close
continue
info symbol firewall
finish
delete
info symbol firewall
continue' "$1" $fw
}
# shellcheck disable=SC2086
host -shared -fPIC -o "$tmp/libother.so" "$tmp/other.c" || exit 2
# shellcheck disable=SC2086
for with in "-DALONE $shared" "-DALONE $archive" "$tmp/libother.so $shared"; do
	what="with $(printf '%s\n' "$with" | sed "s|$tmp/||g; s|$BUILD/||g; s/-DALONE //; s/ -W.*//; s/ -lelf.*//")"
	host -o "$tmp/host" "$tmp/host.c" $with || exit 2
	out=$(visit "$tmp/host")
	has "a host $what: stops" "#0  firewall at examples/firewall/firewall.c:209" \
		"$(printf '%s\n' "$out" | frames)"
	has "below main" " main at $tmp/host.c:" "$(printf '%s\n' "$out" | frames)"
	has "known until it is freed" "firewall in section .text of <in-memory@" "$out"
	has "then no more" 'No symbol "firewall" in current context.' "$out"
done
has "the other's list is left alone" "told 0, has (nil)" "$(SKEP_GDB=1 "$tmp/host" $fw 2>&1)"
# shellcheck disable=SC2086
for with in "$shared" "$archive"; do
	ok "a program with a list of its own links" host -o "$tmp/host" "$tmp/host.c" "$tmp/other.c" $with
	has "and has it for itself" "told 0, has (nil)" "$(SKEP_GDB=1 "$tmp/host" $fw 2>&1)"
done

# ---- a process that runs already
# shellcheck disable=SC2086
host -DALONE -o "$tmp/host" "$tmp/host.c" $shared || exit 2
mkfifo "$tmp/in" "$tmp/out" || exit 2
SKEP_GDB=1 "$tmp/host" $fw hold <"$tmp/in" >"$tmp/out" &
pid=$!
exec 3>"$tmp/in" 4<"$tmp/out"
read -r line <&4
same "a host that waits" ready "$line"
out=$(timeout 60 gdb -nx -batch -x "$tmp/start" -p $pid -ex 'info symbol firewall' \
	-ex 'info line firewall' 2>&1 </dev/null)
case $out in
*ptrace:*) skip "attached to: knows what was compiled before" "gdb may not attach here" ;;
*) has "attached to: knows what was compiled before" \
	'Line 209 of "examples/firewall/firewall.c" starts at address' "$out" ;;
esac
exec 3>&- 4<&-
wait $pid

done_testing
