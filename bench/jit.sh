#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# jit.sh [NAME...]: compiles bench/jit/bodies.h as native code, to BPF, and the BPF
# again to native code by way of C; bench/jit.c measures them. With names, only those.
# JIT_DUMP=DIR: the machine code of both tiers is left there, NAME.opt and NAME.fast,
# and the shared objects of gcc.
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$here/jit" || exit 1
"$SKEP" cc bpf.c -o "$tmp/bodies.o" || exit 1
scalar='-fno-tree-vectorize -fno-tree-slp-vectorize -fno-tree-loop-distribute-patterns'
gcc -shared -fPIC -O1 -w -o "$tmp/o1.so" native.c || exit 1
# shellcheck disable=SC2086 # several options
gcc -shared -fPIC -O2 $scalar -w -o "$tmp/o2.so" native.c || exit 1
"$BUILD/bench/jit_to_c" "$tmp/bodies.o" >"$tmp/again.c" || exit 1
# shellcheck disable=SC2086 # several options
gcc -shared -fPIC -O2 $scalar -fno-strict-aliasing -w -o "$tmp/again.so" "$tmp/again.c" || exit 1
if [ "$JIT_DUMP" ]; then cp "$tmp"/*.so "$tmp"/bodies.o "$JIT_DUMP"; fi
"$BUILD/bench/jit" "$tmp/bodies.o" "$tmp/o1.so" "$tmp/o2.so" "$tmp/again.so" "$@"
