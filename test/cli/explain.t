#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# explain.t: the examples in C that `skep explain` prints, as it prints them: the wrong
# one is refused for what it is an example of, the other is safe; the kernel says so, too.
. test/tap.sh
if [ -z "$CLANG" ]; then
	skip "examples in C" "no clang"
	done_testing
fi
export CLANG

example() # FILE TITLE: the lines after TITLE
{
	awk -v title="$2" '$0 == title { on = 1; next } /^[^\t]/ { on = 0 }
		on { sub(/^\t/, ""); print }' "$1"
}

kernel_says() # OBJECT: ok, rejected, or nothing
{
	$SKEP verify --on both "$1" 2> "$tmp/kernel" > "$tmp/table"
	# without all symbols a kernel has no address for a variable
	grep -q "failed to find the address" "$tmp/kernel" ||
		sed -n '2s/.*  \(ok\|rejected\)$/\1/p' "$tmp/table"
}

n=0
for id in $($SKEP explain | sed -n 's/^SKEP-E\([123][0-9]*\|0[123][0-9]*\) .*/\1/p'); do
	$SKEP explain "$id" > "$tmp/text"
	grep -q '^wrong, in C:$' "$tmp/text" || continue
	n=$((n + 1))
	for how in wrong right; do
		example "$tmp/text" "$how, in C:" > "$tmp/$how.c"
		same "$id: $how compiles" "" \
			"$($SKEP cc "$tmp/$how.c" -o "$tmp/$how.o" 2>&1 || echo not compiled)"
	done
	$SKEP verify "$tmp/wrong.o" > "$tmp/out" 2> "$tmp/err"
	has "$id: refused for it" "[SKEP-E$id]" "$(grep -m 1 error: "$tmp/err")"
	status "$id: the other is safe" 0 $SKEP verify "$tmp/right.o"
	says=$(kernel_says "$tmp/wrong.o")
	[ -z "$says" ] || same "$id: the kernel refuses it" rejected "$says"
	says=$(kernel_says "$tmp/right.o")
	[ -z "$says" ] || same "$id: the kernel takes the other" ok "$says$(
		[ "$says" = ok ] || tail -n 4 "$tmp/kernel")"
done
same "titles are whole" "" "$($SKEP explain | grep -E ' (its|a|the|e\.g|i\.e|and|or|skep)$')"
same "what is left out is a number, not a text" "" "$($SKEP explain | grep -E '  N$| and N$')"
title=$($SKEP explain 804 | sed 's/^[^:]*: //; s/\. .*//; q')
has "as explained" "SKEP-E0804  $title" "$($SKEP explain)"
ok "there are enough of them" test "$n" -ge 60
done_testing
