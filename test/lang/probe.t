#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# probe.t: places in programs: what a probe is refused at, and where it goes.
. test/tap.sh

cc=${CC:-cc}
$SKEP trace -q -e 'begin { exit(); }' >/dev/null 2>&1 ||
	skip_all "this system lets nobody run a script"

trace() { timeout 30 "$SKEP" trace "$@" 2>&1; }

# ---- instructions ----------------------------------------------------------------------------
if [ "$(uname -m)" = x86_64 ]; then
	printf '%s\n' '__asm__(".globl odd\n.type odd,@function\nodd: movabs $0x1122334455667788, %rax\n"' \
		'"	ret\n.size odd, .-odd\n.byte 0x48, 0xb8\n.globl bare\n.type bare,@function\n"' \
		'"bare:	movabs $5, %rax\n	ret\n");' 'long odd(void), bare(void);' \
		'int main(void) { return odd() != 0x1122334455667788 || bare() != 5; }' > "$tmp/odd.c"
	$cc -O1 -o "$tmp/odd" "$tmp/odd.c" || skip_all "no C compiler"
	at=$(nm "$tmp/odd" | sed -n 's/^0*\([0-9a-f]*\) T odd$/\1/p')
	out=$(trace -c "$tmp/odd" -e "uprobe:$tmp/odd:odd+2 { }")
	has "inside of an instruction" "Could not add uprobe into middle of instruction: odd+2 of $tmp/odd" "$out"
	has "what is around it" "HINT: instructions begin at odd+0 and odd+10" "$out"
	has "by address" "HINT: instructions begin at 0x$at and 0x$(printf %x $((0x$at + 10)))" \
		"$(trace -c "$tmp/odd" -e "uprobe:$tmp/odd:0x$(printf %x $((0x$at + 5))) { }")"
	same "where one begins" "@: 1" \
		"$(trace -q -c "$tmp/odd" -e "uprobe:$tmp/odd:odd+10 { @ = count(); }" | sed '/^$/d')"
	has "of a function without a size" "HINT: instructions begin at bare+0 and bare+10" \
		"$(trace -e "uprobe:$tmp/odd:bare+3 { }")"
	same "where one begins in it" "@: 1" \
		"$(trace -q -c "$tmp/odd" -e "uprobe:$tmp/odd:bare+10 { @ = count(); }" | sed '/^$/d')"
	has "behind the function" "Offset outside the function bounds ('odd' size is 11)" \
		"$(trace -e "uprobe:$tmp/odd:odd+11 { }")"
	has "no number" "uprobe: x is no offset" "$(trace -e "uprobe:$tmp/odd:odd+x { }")"
	has "of a return" "uretprobe does not take an offset" "$(trace -e "uretprobe:$tmp/odd:odd+10 { }")"
	has "no code" "Could not resolve address: $tmp/odd:0x12345678" "$(trace -e "uprobe:$tmp/odd:0x12345678 { }")"
fi

# ---- lines of source -------------------------------------------------------------------------
cat > "$tmp/ln.c" <<'END'
static int work(int n)
{
	int sum = 0;

	for (int i = 0; i < n; i++) {
		sum += i;
	}
	return sum;
}

int main(void)
{
	return work(4) != 6;
}
END
if (cd "$tmp" && $cc -g -O0 -o ln ln.c); then
	line() { trace -q -c "$tmp/ln" -e "uprobe:$tmp/ln@$1 { @[func] = count(); }" | sed '/^$/d'; }
	same "a line in a loop" "@[work]: 4" "$(line ln.c:6)"
	same "a line after it" "@[work]: 1" "$(line ln.c:8)"
	same "with its column" "@[work]: 1" "$(line ln.c:8:9)"
	same "a file by its whole path" "@[main]: 1" "$(line "$tmp/ln.c:13")"
	same "what probe says" "uprobe:$tmp/ln@ln.c:8" \
		"$(trace -q -c "$tmp/ln" -e "uprobe:$tmp/ln@ln.c:8 { print(probe); }" | sed '/^$/d')"
	out=$(line ln.c:7)
	has "a line without code" "No code of ln.c:7 in $tmp/ln" "$out"
	has "the nearest ones" "HINT: the nearest lines with code are 6 and 8" "$out"
	has "the last one" "HINT: the nearest line with code is 14" "$(line ln.c:99)"
	has "a column without code" "No code of ln.c:8 at that column" "$(line ln.c:8:70)"
	has "another file" "is from a file 'n.c'" "$(line n.c:7)"
	has "no line" "takes PATH@FILE:LINE" "$(line ln.c:0)"
	has "a return" "only uprobe takes lines of source" "$(trace -e "uretprobe:$tmp/ln@ln.c:8 { }")"
	has "arguments in the middle" "arguments are known where a function begins" \
		"$(trace --dry-run -e "uprobe:$tmp/ln@ln.c:8 { print(args.n); }")"
	strip -g -o "$tmp/bare" "$tmp/ln"
	has "without debug information" "compile it with -g" "$(trace -e "uprobe:$tmp/bare@ln.c:8 { }")"
fi

# ---- names of C++ ----------------------------------------------------------------------------
cat > "$tmp/x.cc" <<'END'
namespace App {
struct Server { int handle(int fd); int handle(long a, char b) const; int operator()(int); };
int Server::handle(int fd) { return fd + 1; }
int Server::handle(long a, char b) const { return a + b; }
int Server::operator()(int x) { return x * 2; }
template <class T> __attribute__((noinline)) T twice(T x) { return x + x; }
}
int main()
{
	App::Server s;

	return s.handle(1) + s.handle(2L, 'a') + s(3) + App::twice(3) + (int)App::twice(3L) == 0;
}
END
if command -v g++ > /dev/null && g++ -O0 -o "$tmp/cpp" "$tmp/x.cc" 2> /dev/null; then
	cpp() { trace -q -c "$tmp/cpp" -e "uprobe:$tmp/cpp:cpp:\"$1\" { @[func] = count(); }" | sed '/^$/d'; }
	both="@[App::Server::handle(int)]: 1
@[App::Server::handle(long, char) const]: 1"
	same "a name" "$both" "$(cpp App::Server::handle)"
	same "with parameters" "@[App::Server::handle(int)]: 1" "$(cpp "App::Server::handle(int)")"
	same "a pattern" "$both
@[App::Server::operator()(int)]: 1" "$(cpp "App::Server::*")"
	same "an operator" "@[App::Server::operator()(int)]: 1" "$(cpp "App::Server::operator()")"
	same "a template's" "@[int App::twice<int>(int)]: 1" "$(cpp "App::twice<int>")"
	same "of C" "@[main]: 1" "$(cpp main)"
	has "a wrong name" 'HINT: did you mean cpp:"App::Server::handle"?' "$(cpp App::Servr::handle)"
else
	skip "names of C++" "no g++"
fi

# ---- watchpoints -----------------------------------------------------------------------------
cat > "$tmp/wp.c" <<'END'
#include <sys/mman.h>
#include <unistd.h>
int main(void)
{
	volatile long *p = mmap((void *)0x10000000, 4096, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	for (int i = 0; i < 10; i++) { *p = i; usleep(30000); }
	return 0;
}
END
$cc -O1 -o "$tmp/wp" "$tmp/wp.c"
out=$(trace -q -c "$tmp/wp" -e 'watchpoint:0x10000000:8:w { @ = count(); }' | sed '/^$/d')
if [ "$out" = "@: 10" ]; then
	same "unwatch" "@: 3
stdin:1:77-87: WARNING: unwatch(): there is no watchpoint at 0x5" "$(trace -q -c "$tmp/wp" \
		-e 'watchpoint:0x10000000:8:w { @ = count(); if (@ == 3) { unwatch(0x10000000); unwatch(5); } }' |
		sed '/^$/d' | sort)"
else
	skip "unwatch" "no watchpoints here: $(echo "$out" | head -1)"
fi

# ---- memory of the cpu ------------------------------------------------------------------------
# A program on a probe of user space claims one of a few memories, and gives it back however it
# ends: if it did not, all but the first few runs would be lost.
cat > "$tmp/busy.c" <<'END'
#include <pthread.h>
__attribute__((noinline)) int work(int n) { __asm__ volatile ("" : "+r"(n)); return n; }
static void *run(void *arg) { for (int i = 0; i < 5000; i++) work(i); return arg; }
int main(void)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++) pthread_create(&t[i], 0, run, 0);
	for (int i = 0; i < 4; i++) pthread_join(t[i], 0);
	return 0;
}
END
if $cc -O1 -o "$tmp/busy" "$tmp/busy.c" -lpthread; then
	out=$(trace -q -c "$tmp/busy" -e "
		begin { @k[1] = 1; @k[2] = 2; }
		uprobe:$tmp/busy:work / arg0 % 5 != 0 / {
			let \$a: string[600] = \"a\"; let \$b: string[600] = \"b\"; @all = count();
			if (arg0 % 5 == 1) { return; }
			for (\$kv : @k) {
				\$a = str_concat(\$a, \"x\"); if (arg0 % 5 == 2) { return; }
				if (arg0 % 5 == 3) { break; }
			}
			if (\$b != \"b\") { @wrong = count(); }
			@[arg0 % 5, \$a] = count();
		}
		end { clear(@k); }" | sed '/^$/d')
	same "every run, by every way out" "@[3, ax]: 4000
@[4, axx]: 4000
@all: 16000" "$out"
fi

# ---- what is given -----------------------------------------------------------------------------
has "a script that is no file" "help: a script that is no file is given by -e: skep trace -e 'begin { }'" \
	"$(trace 'begin { }')"
for pid in 1, , "" 1,,2 ,1 0x1 "1 " -1; do
	has "-p '$pid'" "Failed to parse pid: invalid integer" "$(trace "-p$pid" -p "$pid" --dry-run -e 'begin { }')"
done
same "-p 1,2 -p 3" "" "$(trace -p 1,2 -p 3 --dry-run -e 'begin { }')"
mkdir "$tmp/i"
echo 'macro one() { 1 }' > "$tmp/i/one.bt"
echo 'import "one.bt"; begin { print(one()); }' > "$tmp/i/main.bt"
same "an import" "" "$(trace --dry-run "$tmp/i/main.bt")"
chmod o+w "$tmp/i/one.bt"
has "of what everybody may write" "refusing to import $tmp/i/one.bt, which everybody may write" \
	"$(trace --dry-run "$tmp/i/main.bt")"
chmod o-w "$tmp/i/one.bt"
chmod o+w "$tmp/i"
has "from where everybody may write" "refusing to import from $tmp/i/, which everybody may write" \
	"$(trace --dry-run "$tmp/i/main.bt")"

echo '__attribute__((noinline)) int f(int a) { return a + 1; } int main(void) { return f(2) != 3; }' > "$tmp/g.c"
if $cc -O0 -o "$tmp/g" "$tmp/g.c" && $cc -O0 -g -o "$tmp/gg" "$tmp/g.c"; then
	has "arguments without -g" "compile it with -g, or use arg0 ... arg5" \
		"$(trace --dry-run -e "uprobe:$tmp/g:f { print(args.a); }")"
	has "all of them" "compile the program with -g" "$(trace --dry-run -e "uprobe:$tmp/g:f { print(args); }")"
	has "arguments of a return" "The args builtin can only be used with" \
		"$(trace --dry-run -e "uretprobe:$tmp/gg:f { print(args.a); }")"
	has "which says where they are" "args.a; }" \
		"$(trace --dry-run -e "uretprobe:$tmp/gg:f { print(args.a); }")"
	has "all of a return" "The args builtin can only be used with" \
		"$(trace --dry-run -e "ur:$tmp/gg:f { print(args); }")"
	same "a return's list" "uretprobe:$tmp/gg:f
    int32 retval" "$($SKEP trace -lv "uretprobe:$tmp/gg:f" 2>&1)"
	same "an entry's list" "uprobe:$tmp/gg:f
    int32 a" "$($SKEP trace -lv "uprobe:$tmp/gg:f" 2>&1)"
	same "a mistake in a key is one error" "1" \
		"$(trace --dry-run -e "uprobe:$tmp/gg:f { @[args.q] = count(); }" | grep -c ERROR)"
	same "in a value, too" "1" \
		"$(trace --dry-run -e "uprobe:$tmp/gg:f { @[1] = sum(args.q); }" | grep -c ERROR)"
	same "nor does a map of another's key" "1" \
		"$(trace --dry-run -e "begin { @[@x] = 1; }" | grep -c ERROR)"
	has "a map of which nothing is known" "Undefined map: @x" \
		"$(trace --dry-run -e "uprobe:$tmp/gg:f { @[args.q] = count(); print(@x); }")"
	same "with -g" "2" "$(trace -q -c "$tmp/gg" -e "uprobe:$tmp/gg:f { print(args.a); }" | sed '/^$/d')"
fi
done_testing
