#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# readme.t: every transcript of README.md and of examples/*/README.md must be
# true. A block ```console is run command by command ("$ ..." lines) in a
# scratch folder with the example's files, its capture and an installed skep;
# what it prints is compared with the block. In README.md runs of digits count
# as equal; an example's results must be the same but for "N ns/packet". A block
# ```c with a first line "// NAME" is stored as that file before. REBASE=1
# rewrites the blocks as they are.
set -u
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
make -s install PREFIX="$tmp/usr" DESTDIR= ${SAN:+SAN=$SAN} > "$tmp/install.log" 2>&1 || {
	echo "1..1"; echo "not ok 1 - make install"; sed 's/^/# /' "$tmp/install.log"; exit 1; }
PATH=$tmp/usr/bin:$PATH
PKG_CONFIG_PATH=$tmp/usr/lib/pkgconfig
LD_LIBRARY_PATH=$tmp/usr/lib
export PATH PKG_CONFIG_PATH LD_LIBRARY_PATH
[ -n "${CLANG:-}" ] && export CLANG
n=0

# Splits FILE: files to work/, blocks to block.N (with their commands), their
# number to count.
split() # FILE
{
	rm -rf "$tmp/work" "$tmp"/block.*
	mkdir "$tmp/work"
	awk -v dir="$tmp" '
	/^```console/ { n++; out = dir "/block." n; printf "" > out; next }
	/^```c$/ { want = 1; next }
	/^```/ { out = ""; want = 0; next }
	want { want = 0; out = dir "/work/" $2; printf "" > out; next }
	out != "" { print > out }
	END { print n + 0 > (dir "/count") }' "$1"
}

normal() # FILE TEXT
{
	case $1 in
	README.md) sed -e 's/[0-9][0-9.]*/N/g' -e 's/  */ /g' -e 's/ *$//' "$2" ;;
	*) sed -e 's/[0-9]* ns\/packet/N ns\/packet/' "$2" ;;
	esac
}

why_not() # BLOCK TITLE
{
	case "$2" in
	"./bootstrap"*|"make"*|"git "*) echo "building is what this test starts from" ;;
	esac
	if grep -q '\.c\b.*pcap\|skep cc' "$1" && [ -z "${CLANG:-}" ]; then
		echo "no clang"
	elif [ -n "${SAN:-}" ] && grep -q 'pkg-config' "$1"; then
		echo "programs of others are built without the sanitizers' libraries"
	fi
}

# Each command, its echo before it, in one shell.
run_block() # BLOCK
{
	awk '/^\$ / { c = substr($0, 3); q = c; gsub(/\047/, "\047\\\047\047", q)
		printf "printf \047%%s\\n\047 \047$ %s\047\n(exit ${rc:-0})\n{ %s\n} 2>&1\nrc=$?\n", q, c }' "$1" > "$1.sh"
	(cd "$tmp/work" && sh "$1.sh") > "$1.out" 2>&1
}

transcripts() # FILE
{
	count=$(cat "$tmp/count") i=0
	while [ "$i" -lt "$count" ]; do
		i=$((i + 1)) n=$((n + 1)) b=$tmp/block.$i
		title="$1: $(sed -n 's/^\$ //p' "$b" | head -n 1)"
		why=$(why_not "$b" "${title#*: }")
		if [ -n "$why" ]; then
			echo "ok $n - $title # SKIP $why"
			continue
		fi
		run_block "$b"
		[ -n "${REBASE:-}" ] && cp "$b.out" "$b"
		normal "$1" "$b" > "$b.want"
		normal "$1" "$b.out" > "$b.got"
		if cmp -s "$b.want" "$b.got"; then
			echo "ok $n - $title"
		else
			echo "not ok $n - $title"
			diff -u "$b.want" "$b.got" | sed 's/^/# /'
		fi
	done
}

rewrite() # FILE
{
	awk -v dir="$tmp" '
	/^```console/ { print; n++; inside = 1; while ((getline line < (dir "/block." n)) > 0) print line; next }
	/^```/ { inside = 0 }
	!inside { print }' "$1" > "$tmp/new.md" && cp "$tmp/new.md" "$1"
}

for doc in README.md examples/*/README.md; do
	split "$doc"
	files=$(dirname "$doc")
	[ "$doc" = README.md ] && files=examples/firewall
	cp "$files"/* "$tmp/work"
	cp examples/firewall/traffic.pcapng "$tmp/work"
	transcripts "$doc"
	[ -z "${REBASE:-}" ] || rewrite "$doc"
done
echo "1..$n"
