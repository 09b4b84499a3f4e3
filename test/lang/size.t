#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The numbers in test/lang/ir that ours are compared with are clang 19's.
. test/tap.sh
case $CLANG in *clang-19) ;; *) skip_all "clang 19 is not there" ;; esac
command -v llvm-objdump-19 >/dev/null || skip_all "llvm-objdump-19 is not there"

count() # SET FILE
{
	$CLANG -O2 -target bpf -mcpu=v$1 -c "$2" -o "$tmp/c.o" 2>/dev/null || { echo 0; return; }
	llvm-objdump-19 -d --no-show-raw-insn "$tmp/c.o" |
		awk '/^ *[0-9]+:/ { n = $1 + 1 } / ll$/ { n++ } END { print n }'
}

for c in test/lang/ir/c/*.c; do
	name=$(basename "$c" .c)
	want=$(sed -n 's/^# llvm //p' "test/lang/ir/size_$name.txt")
	same "$name" "$want" "$(count 3 "$c") $(count 4 "$c")"
done
done_testing
