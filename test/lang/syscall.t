#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# syscall.t: tracepoints of system calls, of which few are programs at the raw tracepoint of
# all (place_syscall.c): what they see is what programs at the tracepoint itself see. Whoever
# mentions kstack gets the latter.
. test/tap.sh

$SKEP trace -q --dry-run -e 'tracepoint:syscalls:sys_enter_read { }' >/dev/null 2>&1 ||
	skip_all "this system lets nobody trace system calls"

cat > "$tmp/t.c" <<'END'
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
static void no(int s) { _exit(77); }
int main(int argc, char **argv)
{
	char b[8], none[] = "/no/such/file";	/* in memory that is there */
	void *p;

	if (argc > 1) {		/* the 39th of 32 bits is mkdir, of 64 bits getpid */
		long r = 39;
		signal(SIGSEGV, no);
		__asm__ volatile("int $0x80" : "+a"(r) : "b"(0), "c"(0) : "memory", "r8", "r9", "r10", "r11");
		return syscall(SYS_getpid) <= 0 || r >= 0;
	}
	syscall(SYS_openat, AT_FDCWD, none, O_RDONLY | O_NOFOLLOW, 0642);
	int fd = syscall(SYS_openat, AT_FDCWD, "/dev/zero", O_RDWR);
	read(fd, b, 7);
	pread(fd, b, 5, 1234567890123);
	p = mmap((void *)0x10000000, 8192, PROT_READ, MAP_PRIVATE, fd, 4096);
	munmap(p, 8192);
	lseek(fd, -5, SEEK_SET);
	close(-7);
	return 0;
}
END
${CC:-cc} -w -o "$tmp/t" "$tmp/t.c" 2>/dev/null || skip_all "no compiler"

# WHAT SCRIPT: the same of both ways, and something
both()
{
	raw=$($SKEP trace -q -e "$2" -c "$tmp/t" 2>&1 | sed '/^$/d')
	own=$($SKEP trace -q -e "$(echo "$2" | sed 's/{ P/{ if (cpid == 0) { print(kstack); } P/g')" \
		-c "$tmp/t" 2>&1 | sed '/^$/d')
	same "$1" "$own" "$raw"
	same "$1: there is something" yes "$([ -n "$raw" ] && echo yes)"
}
# Behind exec: what closes files before that is not always watched yet.
P='macro P(x) { print(x); }'
both "openat: all arguments" "$P tracepoint:syscalls:sys_enter_openat /comm == \"t\" && pid == cpid && str(args.filename) == \"/no/such/file\"/ { P((args.__syscall_nr, args.dfd, str(args.filename), args.flags, args.mode)); }"
both "openat: what it gives" "$P tracepoint:syscalls:sys_exit_openat /comm == \"t\" && pid == cpid/ { P((args.__syscall_nr, args.ret)); }"
both "read and what comes back" "$P tracepoint:syscalls:sys_enter_read /comm == \"t\" && pid == cpid && args.count == 7/ { P((args.fd, args.count, arg_is(args.buf))); }
	macro arg_is(x) { x > 0 } tracepoint:syscalls:sys_exit_read /comm == \"t\" && pid == cpid && args.ret == 7/ { P(args.ret); }"
both "six arguments" "$P tracepoint:syscalls:sys_enter_mmap /comm == \"t\" && pid == cpid && args.len == 8192 && args.addr == 0x10000000/ { P((args.addr, args.len, args.prot, args.flags, args.fd, args.off)); }"
both "64 bits" "$P tracepoint:syscalls:sys_enter_pread64 /comm == \"t\" && pid == cpid && args.count == 5/ { P(args.pos); }"
both "negative numbers" "$P tracepoint:syscalls:sys_enter_lseek, tracepoint:syscalls:sys_exit_lseek /comm == \"t\" && pid == cpid/ { P(probe); }
	tracepoint:syscalls:sys_enter_close /comm == \"t\" && pid == cpid/ { P(args.fd); } tracepoint:syscalls:sys_exit_close /comm == \"t\" && pid == cpid/ { P(args.ret); }"
both "probe, func-less builtins, counts" "$P tracepoint:syscalls:sys_enter_munmap /comm == \"t\" && pid == cpid/ { P((probe, comm, probetype)); @[probe] = count(); }"

if [ "$(uname -m)" = x86_64 ] && "$tmp/t" x; then
	same "a call of 32 bits with the same number is another one" "@: 1" \
		"$($SKEP trace -q -e 'tracepoint:syscalls:sys_enter_getpid /pid == cpid/ { @ = count(); }' \
		-c "$tmp/t x" 2>&1 | sed '/^$/d')"
	same "the same at its end" "@: 1" \
		"$($SKEP trace -q -e 'tracepoint:syscalls:sys_exit_getpid /pid == cpid/ { @ = count(); }' \
		-c "$tmp/t x" 2>&1 | sed '/^$/d')"
else
	skip "calls of 32 bits" "this kernel has none"
fi
section() { $SKEP trace -d ir -e "$1" 2>/dev/null | sed -n 's/^func .* section //p' | sort -u | tr '\n' ' '; }
e=tracepoint:syscalls:sys_enter_
case $(section "${e}read { @ = count(); }") in
tp_btf/sys_enter*)
	same "few are raw" "tp_btf/sys_enter tp_btf/sys_exit " \
		"$(section "${e}read { @ = count(); } tracepoint:syscalls:sys_exit_read { @ = count(); }")"
	same "stacks of the kernel begin where they did" "tracepoint/syscalls/sys_enter_read " \
		"$(section "${e}read { @[kstack] = count(); }")"
	same "many are not" 0 "$(section "${e}read,${e}write,${e}close,${e}lseek,${e}mmap { @[probe] = count(); }" |
		grep -c tp_btf)"
	same "objects for other machines are not" 1 "$($SKEP trace --emit-elf "$tmp/o" -e "${e}read { @ = count(); }" 2>&1;
		$SKEP inspect "$tmp/o" 2>/dev/null | grep -c 'tracepoint/syscalls/sys_enter_read')" ;;
*) skip "raw ones" "not on this system" ;;
esac
done_testing
