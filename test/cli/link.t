#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# link.t: what `skep gen object` writes is an object for bpftool too: it makes a
# skeleton of it that compiles and declares the same as that of its own linker, and
# the kernel takes it and runs it. Programs are pinned below a mount that nobody
# else sees, and end with it.
. test/tap.sh
for tool in bpftool unshare jq; do
	command -v $tool >/dev/null || skip_all "no $tool"
done
for pair in "link-a link-b" "link-b link-a" "basic-v2 link-b"; do
	set -- $pair
	ok "links $pair" $SKEP gen object "$tmp/ours.o" "test/obj/$1.o" "test/obj/$2.o"
	if ! bpftool gen object "$tmp/theirs.o" "test/obj/$1.o" "test/obj/$2.o" 2>/dev/null; then
		skip "$pair: bpftool's" "bpftool does not link them"
		continue
	fi
	for who in ours theirs; do
		bpftool gen skeleton "$tmp/$who.o" name linked >"$tmp/$who.skel.h" 2>"$tmp/err"
		same "$pair: a skeleton of $who" 0 $?
		# what it declares: up to the functions
		sed '/^#ifdef __cplusplus/,$d' "$tmp/$who.skel.h" >"$tmp/$who.decl"
	done
	same "$pair: the skeletons declare the same" "$(cat "$tmp/theirs.decl")" \
		"$(cat "$tmp/ours.decl")"
	if [ -e /usr/include/bpf/libbpf.h ]; then
		ok "$pair: the skeleton compiles" ${CC:-cc} -fsyntax-only -x c \
			-include stddef.h "$tmp/ours.skel.h"
	else
		skip "$pair: the skeleton compiles" "no libbpf"
	fi
done

cat >"$tmp/load" <<'S'
set -e
cd "$1"
mkdir bpf
mount -t bpf bpf bpf
head -c 64 /dev/zero >packet
for who in ours theirs; do
	bpftool prog loadall $who.o bpf/$who >&2
	for prog in prog other; do
		bpftool -j prog run pinned bpf/$who/$prog data_in packet | jq .retval >>$who.run
	done
done
S
for who in ours theirs; do
	tool="bpftool gen object"
	[ $who = ours ] && tool="$SKEP gen object"
	$tool "$tmp/$who.o" test/obj/link-a.o test/obj/link-b.o 2>/dev/null
done
if why=$(unshare -m sh "$tmp/load" "$tmp" 2>&1); then
	same "the kernel runs them alike" "$(cat "$tmp/theirs.run")" "$(cat "$tmp/ours.run")"
	same "both programs" 2 "$(wc -l <"$tmp/ours.run" | tr -d ' ')"
else
	skip "the kernel runs them alike" "$(printf '%s' "$why" | tail -n 1)"
fi
done_testing
