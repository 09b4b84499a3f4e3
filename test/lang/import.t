#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# import.t: functions in C that scripts import.
. test/tap.sh

command -v "${CLANG:-clang}" > /dev/null || skip_all "no clang"
cat > "$tmp/my.bpf.c" <<'END'
static int helper(int x) { return x * 2; }
int twice(int x) { return helper(x); }
long add3(long a, long b, long c) { return a + b + c; }
unsigned char low(unsigned long x) { return x; }
int first(const char *s) { return s[0]; }
int second(const int *pair) { return pair[1]; }
void nothing(void) { }
__attribute__((noinline)) static int hidden(int x) { return x + 3; }
int third(int x) { return hidden(x); }
int counter;
int bump(void) { return ++counter; }
END
run() # ENGINE SCRIPT
{
	printf 'import "my.bpf.c";\n%s\n' "$2" > "$tmp/m.bt"
	timeout 60 "$SKEP" trace -q --on "$1" "$tmp/m.bt" 2>&1
}

engines=user
$SKEP trace -q -e 'begin { exit(); }' > /dev/null 2>&1 && engines="user kernel"
for engine in $engines; do
	same "$engine: values" "42
5
255
104
0
2
4
4
-8
1
3" "$(run $engine 'begin { print(twice(21)); print(add3(1, -2, twice(3))); print(low(0x1ff));
		print(first("hello")); nothing(); for ($i : 0..3) { print(twice($i)); }
		@a[1] = 2; for ($kv : @a) { print(twice($kv.1)); } clear(@a); print(twice(-4));
		print(bump()); bump(); print(bump()); exit(); }' | sed '/^$/d')"
done
has "how many arguments" "twice() takes 1 arguments (2 provided)" "$(run user 'begin { twice(1, 2); }')"
has "a static one" "Unknown function: 'helper'" "$(run user 'begin { helper(1); }')"
has "one that stays" "Unknown function: 'hidden'" "$(run user 'begin { hidden(1); }')"
echo 'int twice(int x) { return y; }' > "$tmp/my.bpf.c"
out=$(run user 'begin { twice(1); }')
has "what clang does not compile" "cannot import $tmp/my.bpf.c" "$out"
has "where" "import \"my.bpf.c\"" "$out"
has "what clang says" "undeclared identifier 'y'" "$out"
mkdir "$tmp/lib"
echo 'int seven(void) { return 7; }' > "$tmp/lib/a.bpf.c"
echo 'int eight(void) { return 8; }' > "$tmp/lib/b.bpf.c"
echo 'macro nine() { eight() + 1 }' > "$tmp/lib/c.bt"
printf 'import "lib"; begin { print((seven(), eight(), nine())); exit(); }\n' > "$tmp/l.bt"
same "a folder" "(7, 8, 9)" "$(timeout 60 "$SKEP" trace -q --on user "$tmp/l.bt" 2>&1 | sed '/^$/d')"
mkfifo -m 644 "$tmp/pipe.bt"
printf 'import "pipe.bt"; begin { exit(); }\n' > "$tmp/p.bt"
has "a pipe is no script" "cannot import $tmp/pipe.bt" \
	"$(timeout 10 "$SKEP" trace -q --on user "$tmp/p.bt" 2>&1)"
done_testing
