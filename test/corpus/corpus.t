#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# corpus.t: the objects inside the programs of libbpf-tools, where installed:
# each is opened, linked within itself and printed.
. test/tap.sh
[ -x /usr/sbin/biolatency ] && command -v dpkg >/dev/null ||
	skip_all "libbpf-tools is not installed"
# shellcheck disable=SC2046 # paths of a package
tools/cut-objects $(dpkg -L libbpf-tools | grep '^/usr/sbin/.') -o "$tmp/o" >"$tmp/list"
ok "objects were found" test -s "$tmp/list"
while read -r object; do
	name=${object##*/}
	ok "$name opens" $SKEP inspect "$object"
	ok "$name is printed" $SKEP disasm "$object"
	ok "$name links" $SKEP gen object "$tmp/linked.o" "$object"
done <"$tmp/list"
done_testing
