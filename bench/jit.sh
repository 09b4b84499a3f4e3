#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# jit.sh: compiles bench/jit/bodies.h as native code and to BPF, and measures with
# bench/jit.c.
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$here/jit" || exit 1
"$SKEP" cc bpf.c -o "$tmp/bodies.o" || exit 1
gcc -shared -fPIC -O1 -w -o "$tmp/o1.so" native.c || exit 1
gcc -shared -fPIC -O2 -fno-tree-vectorize -fno-tree-slp-vectorize -w \
	-fno-tree-loop-distribute-patterns -o "$tmp/o2.so" native.c || exit 1
"$BUILD/bench/jit" "$tmp/bodies.o" "$tmp/o1.so" "$tmp/o2.so"
