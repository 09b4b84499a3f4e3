#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# unwind.t: dw_ustack: whole stacks of programs without frame pointers, through the C
# library, signals, realigned stacks and libraries that are opened later; of processes that
# run already and of what they start.
. test/tap.sh

[ "$(uname -m)" = x86_64 ] || skip_all "dw_ustack is of x86-64"
$SKEP trace -q --no-warnings --dry-run -e "uprobe:$SKEP:main { @[dw_ustack] = count(); }" >/dev/null 2>&1 ||
	skip_all "this system lets nobody run such a script"
cc="${CC:-cc} -O2 -fomit-frame-pointer -fno-optimize-sibling-calls"

cat > "$tmp/t.c" <<'EOF2'
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#define OWN __attribute__((noinline))
volatile long x;
OWN void leaf(long n) { x += n + getppid(); }
static int by(const void *a, const void *b) { leaf(1); return *(long *)a > *(long *)b; }
OWN void sorts(void) { long v[2] = { 2, 1 }; qsort(v, 2, sizeof(*v), by); x += v[0]; }
OWN int deep(int n) { int r; if (!n) { sorts(); return 1; } r = deep(n - 1); x += r; return r + 1; }
static void on_signal(int s) { leaf(s); x++; }
OWN void signals(void) { signal(SIGUSR1, on_signal); raise(SIGUSR1); x++; }
OWN void aligned(void) { __attribute__((aligned(64))) char b[128]; memset(b, x, 128); leaf(b[x & 1]); x += b[3]; }
OWN void varies(int n) { char b[n]; memset(b, 0, n); leaf(n); x += b[n / 2]; }
OWN void opens(const char *lib)
{
	void *so = dlopen(lib, RTLD_NOW);
	void (*fn)(void (*)(long)) = dlsym(so, "in_library");
	usleep(400000);		/* until the tracer has seen it */
	fn(leaf);
	x++;
}
int main(int argc, char **argv)
{
	if (!strcmp(argv[1], "sort")) deep(2);
	if (!strcmp(argv[1], "signal")) signals();
	if (!strcmp(argv[1], "align")) { aligned(); varies(argc * 100); }
	if (!strcmp(argv[1], "open")) opens(argv[2]);
	if (!strcmp(argv[1], "fork")) { if (!fork()) { usleep(400000); sorts(); _exit(0); } wait(NULL); }
	if (!strcmp(argv[1], "loop")) { getchar(); deep(1); }
	if (!strcmp(argv[1], "spin")) for (long i = 0; i < 300000000; i++) x += i;
	return x == 12345;
}
EOF2
echo 'void in_library(void (*f)(long)) { f(7); f(8); }' > "$tmp/l.c"
{ $cc -o "$tmp/t" "$tmp/t.c" -ldl && $cc -fPIC -shared -o "$tmp/l.so" "$tmp/l.c"; } 2>/dev/null ||
	skip_all "no compiler"

# PLACE VALUE ARGUMENTS...: the functions of the stack, up to main
stack()
{
	place=$1 value=$2
	shift 2
	$SKEP trace -q --no-warnings -e "$place { printf(\"%s\\n\", $value); exit(); }" -c "$tmp/t $*" 2>&1 |
		sed -n 's/^ *\([a-z_]*\).*+[0-9].*/\1/p' | sed '/^main$/q' | tr '\n' ' '
}
u="uprobe:$tmp/t:leaf"
got=$(stack "$u" dw_ustack sort)
has "recursion and a call back from the C library" "sorts deep deep deep main" "$got"
same "it begins with the function and who called it" "leaf by" "$(echo "$got" | cut -d ' ' -f 1-2)"
same "frame pointers lead nowhere there" "" "$(stack "$u" ustack sort | grep -o main)"
got=$(stack "$u" dw_ustack signal)
case $got in
"leaf on_signal "*" raise signals main "* | "leaf on_signal "*"gsignal signals main "*)
	same "through a signal" 0 0 ;;
*) same "through a signal" "leaf on_signal ... raise signals main" "$got" ;;
esac
same "a stack that was realigned" "leaf aligned main " "$(stack "$u" dw_ustack align)"
same "arrays of a size that varies" "leaf varies main " \
	"$(stack "$u /arg0 > 99/" dw_ustack align)"
same "of the return" "leaf aligned main" \
	"$(stack "uretprobe:$tmp/t:aligned" dw_ustack align | sed 's/^main/leaf aligned main/; s/ $//')"
same "fewer frames" "leaf by " "$(stack "$u" 'dw_ustack(2)' sort)"
same "the innermost left out" "by" "$(stack "$u" 'dw_ustack(3, 1)' sort | cut -d ' ' -f 1)"
has "the addresses alone" "0x" "$($SKEP trace -q --no-warnings -e "$u { print(dw_ustack(raw, 3)); exit(); }" \
	-c "$tmp/t sort" 2>&1 | sed 's/^ */0x/')"
has "from the kernel: a system call" "leaf by" \
	"$(stack 'tracepoint:syscalls:sys_enter_getppid /pid == cpid/' dw_ustack sort)"
has "a library that is opened later" "leaf in_library opens main" "$(stack "$u" dw_ustack open "$tmp/l.so")"
has "what it starts" "sorts main" \
	"$(stack 'tracepoint:syscalls:sys_enter_getppid /comm == "t"/' dw_ustack fork)"
has "samples of the processor" "main" \
	"$($SKEP trace -q --no-warnings -e 'profile:hz:99 /pid == cpid/ { @[dw_ustack] = count(); }' \
	-c "$tmp/t spin" 2>&1)"
same "equal stacks are one key" "@: 2" "$($SKEP trace -q --no-warnings -e "$u { @s[dw_ustack] = 1; }
	end { @ = len(@s); clear(@s); }" -c "$tmp/t open $tmp/l.so" 2>&1 | grep '^@')"
same "len" "true" "$($SKEP trace -q --no-warnings -e "$u { print(len(dw_ustack) > 5); exit(); }" \
	-c "$tmp/t sort" 2>&1 | grep .)"

# ---- a process that runs already: it goes on when the tracer is there
mkfifo "$tmp/in"
running() # OPTION: the stack, with N for all offsets
{
	"$tmp/t" loop < "$tmp/in" &
	pid=$!
	exec 3> "$tmp/in"
	$SKEP trace --no-warnings -e "$u { printf(\"%s\\n\", dw_ustack); exit(); }" "$1" $pid \
		> "$tmp/out" 2>&1 &
	n=0
	until grep -q '^Attached\|rror' "$tmp/out" || [ $n = 300 ]; do
		n=$((n + 1))
		sleep 0.1
	done
	echo >&3
	exec 3>&-
	wait
	sed 's/+[0-9]*.*/+N/; s/^ *//' "$tmp/out" | tr '\n' ' '
}
has "-p" "sorts+N deep+N deep+N main+N" "$(running -p)"
has "--dwarf-pid" "sorts+N deep+N deep+N main+N" "$(running --dwarf-pid)"

# ---- skep profile
has "profile --dwarf: to the beginning" ";_start;" \
	"$($SKEP profile --dwarf -U -f folded -c "$tmp/t spin" 2>&1)"
"$tmp/t" spin & pid=$!
has "the same of a process that runs" ";main" "$($SKEP profile --dwarf -U -f folded -p $pid 1 2>&1)"
kill $pid 2>/dev/null
has "of one process alone" "--dwarf is for one process" "$($SKEP profile --dwarf 1 2>&1)"

has "our verifier accepts it, too" ": ok" \
	"$($SKEP trace --no-warnings -d verifier -e "$u { @[dw_ustack] = count(); }" 2>&1)"

# ---- messages
$SKEP trace -e "$u { @[dw_ustack] = count(); exit(); }" > "$tmp/out" 2>&1 &
n=0
until grep -q '^Attached\|rror' "$tmp/out" || [ $n = 300 ]; do
	n=$((n + 1))
	sleep 0.1
done
"$tmp/t" sort
wait
out=$(cat "$tmp/out")
has "nobody named: what is missing" "HINT: -p PID, -c CMD or --dwarf-pid PID" "$out"
has "and one frame" "leaf+0" "$out"
has "it is called unstable" "unstable_dw_ustack=enable" "$out"
has "as an error" "dw_ustack (DWARF stack unwinding) feature is not enabled by default" \
	"$($SKEP trace -e "config = { unstable_dw_ustack = error } $u { print(dw_ustack); }" 2>&1)"
has "not in the embedded engine" "dw_ustack is of the kernel's engine" \
	"$($SKEP trace --on user -e "begin { print(dw_ustack); }" 2>&1)"
status "a command that is not there" 1 $SKEP trace -q -e "$u { @[dw_ustack] = count(); }" -c "$tmp/none"
done_testing
