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
	if out=$($SKEP inspect "$object" 2>&1); then
		ok "$name" $SKEP disasm "$object"
	else
		case $out in
		*"CO-RE relocations"* | *"kernel symbol"* | *"kernel configuration"*)
			skip "$name" "${out##*not supported yet: }" ;;
		*) has "$name opens" "$name: " "$out" ;;
		esac
	fi
	ok "$name links" $SKEP gen object "$tmp/linked.o" "$object"
done <"$tmp/list"
done_testing
