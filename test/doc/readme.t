#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# readme.t: every transcript of README.md must be true. A block ```console is
# run command by command ("$ ..." lines) in a scratch folder with the example's
# files and an installed skep; what it prints is compared with the block, runs
# of digits counting as equal. A block ```c with a first line "// NAME" is
# stored as that file before. REBASE=1 rewrites the blocks as they are.
set -u
root=$(pwd)
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/work"
cp examples/firewall/* "$tmp/work"
make -s install PREFIX="$tmp/usr" DESTDIR= ${SAN:+SAN=$SAN} > "$tmp/install.log" 2>&1 || {
	echo "1..1"; echo "not ok 1 - make install"; sed 's/^/# /' "$tmp/install.log"; exit 1; }
PATH=$tmp/usr/bin:$PATH
PKG_CONFIG_PATH=$tmp/usr/lib/pkgconfig
LD_LIBRARY_PATH=$tmp/usr/lib
export PATH PKG_CONFIG_PATH LD_LIBRARY_PATH
[ -n "${CLANG:-}" ] && export CLANG

# Splits README.md: files to work/, blocks to block.N (with their commands).
awk -v dir="$tmp" '
/^```console/ { n++; out = dir "/block." n; printf "" > out; next }
/^```c$/ { want = 1; next }
/^```/ { out = ""; want = 0; next }
want { want = 0; out = dir "/work/" $2; printf "" > out; next }
out != "" { print > out }
END { print n + 0 > (dir "/count") }' README.md
count=$(cat "$tmp/count")

normal() { sed -e 's/[0-9][0-9.]*/N/g' -e 's/  */ /g' -e 's/ *$//' "$1"; }

echo "1..$count"
i=0
while [ "$i" -lt "$count" ]; do
	i=$((i + 1))
	b=$tmp/block.$i
	title=$(sed -n 's/^\$ //p' "$b" | head -n 1)
	case "$title" in
	"./bootstrap"*|"make"*|"git "*)
		echo "ok $i - $title # SKIP building is what this test starts from"
		continue ;;
	esac
	if grep -q '\.c\b.*pcap\|skep cc' "$b" && [ -z "${CLANG:-}" ]; then
		echo "ok $i - $title # SKIP no clang"
		continue
	fi
	if [ -n "${SAN:-}" ] && grep -q 'pkg-config' "$b"; then
		echo "ok $i - $title # SKIP programs of others are built without the sanitizers' libraries"
		continue
	fi
	# each command, its echo before it, in one shell
	awk '/^\$ / { c = substr($0, 3); q = c; gsub(/\047/, "\047\\\047\047", q)
		printf "printf \047%%s\\n\047 \047$ %s\047\n(exit ${rc:-0})\n{ %s\n} 2>&1\nrc=$?\n", q, c }' "$b" > "$b.sh"
	(cd "$tmp/work" && sh "$b.sh") > "$b.out" 2>&1
	[ -n "${REBASE:-}" ] && cp "$b.out" "$b"
	normal "$b" > "$b.want"
	normal "$b.out" > "$b.got"
	if cmp -s "$b.want" "$b.got"; then
		echo "ok $i - $title"
	else
		echo "not ok $i - $title"
		diff -u "$b.want" "$b.got" | sed 's/^/# /'
	fi
done
[ -n "${REBASE:-}" ] || exit 0
awk -v dir="$tmp" '
/^```console/ { print; n++; inside = 1; while ((getline line < (dir "/block." n)) > 0) print line; next }
/^```/ { inside = 0 }
!inside { print }' README.md > "$tmp/README.md" && cp "$tmp/README.md" README.md
