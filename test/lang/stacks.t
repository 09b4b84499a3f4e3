#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# stacks.t: names in stacks of processes that this test makes: inlined functions, lines,
# what strip took away, C++, code made at run time, and processes that are gone.
. test/tap.sh

$SKEP trace -q -e 'begin { exit(); }' >/dev/null 2>&1 ||
	skip_all "this system lets nobody run a script"
cc="${CC:-cc} -O1 -fno-omit-frame-pointer -fno-optimize-sibling-calls"
$SKEP trace --dry-run -e "uprobe:$SKEP:main { }" >/dev/null 2>&1 || skip_all "no uprobes"

cat > "$tmp/in.c" <<'EOF2'
#include <unistd.h>
static volatile long x;
__attribute__((noinline)) void leaf(void) { x += getppid(); }
static inline __attribute__((always_inline)) void deepest(void) { leaf(); x++; }
static inline __attribute__((always_inline)) void middle(void)
{
	deepest();
	x++;
}
__attribute__((noinline)) void outer(void)
{
	middle();
	x++;
}
int main(void)
{
	outer();
	return 0;
}
EOF2

# FILE SCRIPT-PART: the stack at leaf, what comes from the C library cut off
stack()
{
	$SKEP trace -q -e "${3-} uprobe:$1:leaf { print($2); }" -c "$1" 2>&1 | sed -n '/[a-z]/p' |
		sed '/libc/,$d' | sed "s|@.*/|@|; s/+[1-9][0-9]*/+N/; s/^ *//"
}

(cd "$tmp" && $cc -g -o in in.c) || skip_all "no compiler"
inlined='leaf+0@in.c:3
[inlined] deepest@in.c:4
[inlined] middle@in.c:7
outer+N@in.c:12
main+N@in.c:17'
plain='leaf+0
outer+N
main+N'
got=$(stack "$tmp/in" ustack)
if [ "$got" = "$plain" ]; then
	skip "inlined functions" "built without libdw"
	dwarf=
else
	dwarf=yes
	same "inlined functions, files and lines" "$inlined" "$got"
	same "as perf writes them" "leaf+0
deepest (inlined)
middle (inlined)
outer+N
main+N" "$(stack "$tmp/in" 'ustack(perf)' | sed 's/^[0-9a-f]* //')"
fi
same "without, when nobody wants them" "$plain" \
	"$(stack "$tmp/in" ustack 'config = { show_debug_info = false }')"

# ---- what strip takes away
if [ "$dwarf" ] && objcopy --only-keep-debug "$tmp/in" "$tmp/other.dbg" 2>/dev/null; then
	strip -o "$tmp/linked" "$tmp/in" && objcopy --add-gnu-debuglink="$tmp/other.dbg" "$tmp/linked"
	off=$(nm "$tmp/in" | sed -n 's/^0*\([0-9a-f]*\) T leaf$/\1/p')
	at_off()
	{
		$SKEP trace -q -e "uprobe:$1:0x$off { print(ustack); }" -c "$1" 2>&1 |
			sed -n '/[a-z]/p' | sed '/libc/,$d' |
			sed "s|@.*/|@|; s/+[1-9][0-9]*/+N/; s/^ *//"
	}
	same "stripped, with .gnu_debuglink" "$inlined" "$(at_off "$tmp/linked")"
	if command -v xz >/dev/null; then
		printf 'leaf\nouter\nmain\n' > "$tmp/keep"
		objcopy -S --keep-symbols="$tmp/keep" "$tmp/other.dbg" "$tmp/mini" 2>/dev/null
		xz -f "$tmp/mini"
		strip -o "$tmp/small" "$tmp/in"
		objcopy --add-section .gnu_debugdata="$tmp/mini.xz" "$tmp/small"
		same "stripped, with .gnu_debugdata" "$plain" "$(at_off "$tmp/small")"
	else
		skip "stripped, with .gnu_debugdata" "no xz"
	fi
else
	skip "stripped programs" "no objcopy, or built without libdw"
fi

# ---- C++ and Rust
cat > "$tmp/p.cc" <<'EOF2'
static volatile long x;
namespace ns {
template <typename T> struct thing {
	__attribute__((noinline)) void move(const T *, thing &) { x++; }
};
}
int main()
{
	ns::thing<int> t;
	int i = 0;
	t.move(&i, t);
	x++;
}
EOF2
if ${CXX:-c++} -O1 -fno-omit-frame-pointer -o "$tmp/p" "$tmp/p.cc" 2>/dev/null; then
	probe="uprobe:$tmp/p:_ZN2ns5thingIiE4moveEPKiRS1_"
	has "C++" "ns::thing<int>::move(int const*, ns::thing<int>&)+0" \
		"$($SKEP trace -q -e "$probe { print(ustack); }" -c "$tmp/p" 2>&1)"
	has "as the linker has it" "_ZN2ns5thingIiE4moveEPKiRS1_+0" "$($SKEP trace -q -e \
		"config = { cpp_demangle = false } $probe { print(ustack); }" -c "$tmp/p" 2>&1)"
else
	skip "C++" "no compiler of C++"
fi

# ---- code that was made at run time
cat > "$tmp/jit.c" <<'EOF2'
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
__attribute__((noinline)) void leaf(void) { getppid(); }
int main(void)
{
	static const unsigned char code[] = { 0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3 };
	unsigned char *at = mmap(NULL, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char path[64];
	FILE *f;

	memcpy(at, code, sizeof(code));
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	f = fopen(path, "w");
	fprintf(f, "%lx %zx script: made here\n", (unsigned long)at, sizeof(code));
	fclose(f);
	((void (*)(void (*)(void)))at)(leaf);
	printf("%s\n", path);
	return 0;
}
EOF2
if [ "$(uname -m)" = x86_64 ] && $cc -o "$tmp/jit" "$tmp/jit.c"; then
	out=$($SKEP trace -q -e "uprobe:$tmp/jit:leaf { print(ustack); }" -c "$tmp/jit" 2>&1)
	has "code made at run time" "script: made here+6" "$out"
	rm -f "$(echo "$out" | grep '^/tmp/perf-[0-9]*.map$')"
else
	skip "code made at run time" "of this machine"
fi

# ---- processes that are gone: none of them lives for 10 ms, nor does its file
cat > "$tmp/gone.sh" <<'EOF2'
sleep 0.5
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	"$1"
done
EOF2
sh "$tmp/gone.sh" "$tmp/in" &
out=$($SKEP trace -q -e "uprobe:$tmp/in:leaf { @[ustack] = count(); }
	interval:ms:1200 { exit(); }" 2>&1)
wait
same "processes that are gone have names" "20 0" \
	"$(echo "$out" | grep -c " main+") $(echo "$out" | grep -c 0x)"

# ---- folded
if $SKEP profile -c "$tmp/in" -f folded -o "$tmp/folded" 2>/dev/null; then
	cat > "$tmp/spin.c" <<'EOF2'
static volatile long x;
static inline __attribute__((always_inline)) void spin(void)
{
	for (long i = 0; i < 300000000; i++)
		x += i;
}
__attribute__((noinline)) void outer(void) { spin(); x++; }
int main(void) { outer(); x++; return 0; }
EOF2
	$cc -g -o "$tmp/spin" "$tmp/spin.c"
	$SKEP profile -U -F 499 -c "$tmp/spin" -f folded -o "$tmp/folded" 2>/dev/null
	[ "$dwarf" ] && has "inlined functions, folded" ";outer;spin_[i] " "$(cat "$tmp/folded")"
	same "each stack once" "" "$(sed 's/ [0-9]*$//' "$tmp/folded" | sort | uniq -d)"
else
	skip "folded stacks" "no profiles here"
fi
done_testing
