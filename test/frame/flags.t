#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# flags.t: objects follow what they are compiled with: other flags, or a library
# that was installed meanwhile, make them anew, and nothing else does.
. test/tap.sh
command -v make >/dev/null || skip_all "no make"
object=$tmp/out/src/base/hash.o

build() # VAR=VALUE...
{
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s O="$tmp/out" CC="${CC:-cc}" \
		CFLAGS=-O0 "$@" "$object"
	stat -c %y "$object"
}

first=$(build HAVE=)
same "nothing changed" "$first" "$(build HAVE=)"
second=$(build HAVE=-DHAVE_LIBDW)
ok "a library more" test "$first" != "$second"
same "and nothing after it" "$second" "$(build HAVE=-DHAVE_LIBDW)"
ok "other flags" test "$second" != "$(build HAVE=-DHAVE_LIBDW CFLAGS="-O1 -DX='\"y\"'")"
done_testing
