#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The house style holds in this tree, and tools/check-style sees what it should.
. test/tap.sh

ok "this tree" tools/check-style

mkdir -p "$tmp/src/x" "$tmp/tools"
check=$PWD/tools/check-style
cd "$tmp" || exit 2
: >tools/style-exceptions
spdx='/* SPDX-License-Identifier: BSD-2-Clause */'
lines() { awk -v n="$1" 'BEGIN { while (n--) print "\tx();" }'; }
function_of() # LINES
{
	echo "$spdx"
	printf 'static int\nlong_one(int a,\n\t int b)\n{\n'
	lines $(($1 - 2))
	printf '}\n'
}
good() { printf '%s\nint a(void)\n{\n\treturn 0;\n}\n' "$spdx"; }

good >src/x/a.c
ok "a clean file passes" "$check" .
function_of 100 >src/x/a.c
ok "100 lines are allowed" "$check" .
function_of 101 >src/x/a.c
same "101 lines are not" "src/x/a.c:5: long_one has 101 lines, at most 100" \
	"$("$check" .)"
echo 'src/x/a.c long_one the one dispatcher' >tools/style-exceptions
ok "an exception lets it pass" "$check" .
function_of 90 >src/x/a.c
has "a useless exception is told" "long_one needs no exception" "$("$check" .)"
echo 'src/x/a.c long_one' >tools/style-exceptions
has "so is one without a reason" "exception without a reason" "$("$check" .)"
: >tools/style-exceptions
{ good; lines 900; } >src/x/a.c
has "long files" "src/x/a.c:905: 905 lines, at most 900" "$("$check" .)"
{ good; echo 'int b; '; } >src/x/a.c
same "white space at a line's end" \
	"src/x/a.c:6: white space at the end of the line" "$("$check" .)"
{ good; printf '\t\t\t\t\t\t\t%045d;\n' 0; } >src/x/a.c
same "a tab counts up to 8 columns" \
	"src/x/a.c:6: line of 102 columns, at most 100" "$("$check" .)"
good | sed 1d >src/x/a.c
has "the licence line" "src/x/a.c:1: no SPDX" "$("$check" .)"
good >src/x/a.c
mkdir -p test/y
printf '#!/bin/sh\n# SPDX-License-Identifier: BSD-2-Clause\n' >test/y/a.t
same "a test that cannot be executed" "test/y/a.t:1: not executable" "$("$check" .)"
ok "is a fault" test "$("$check" . >/dev/null; echo $?)" = 1
chmod +x test/y/a.t
ok "one that can is none" "$check" .
done_testing
