#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What make install writes is complete, usable through pkg-config with either
# library, exports skep_* alone (and from libskep.so the two names that gdb looks for:
# where the archive is linked to a program they are in its table of symbols), and is gone
# after make uninstall.
. test/tap.sh
unset MAKEFLAGS MFLAGS MAKELEVEL

pc="$tmp/opt/skep/lib/pkgconfig"
lib="$tmp/opt/skep/lib"
san=
if [ -n "${SAN-}" ]; then
	san=-fsanitize=address,undefined
fi
target()
{
	make -s "$1" SAN="${SAN-}" CC="$CC" PREFIX=/opt/skep DESTDIR="$tmp"
}
skep_config()
{
	PKG_CONFIG_PATH=$pc PKG_CONFIG_SYSROOT_DIR=$tmp pkg-config "$@" skep
}
# Symbols that a library defines for others, without the names of versions.
exports()
{
	nm -g --defined-only "$@" |
		awk 'NF == 3 && $2 != "A" { sub(/@.*/, "", $3); print $3 }' | LC_ALL=C sort
}
foreign() { exports "$@" | grep -v '^skep_'; }
ours() { exports "$@" | grep '^skep_'; }

ok "make install" target install
for f in bin/skep lib/libskep.a lib/libskep.so lib/libskep.so.0 \
	lib/pkgconfig/skep.pc include/skep/skep.h include/skep/err.h \
	share/bash-completion/completions/skep; do
	ok "installs $f" test -s "$tmp/opt/skep/$f"
done
if command -v scdoc >/dev/null; then
	for f in man/*.scd; do
		f=${f#man/}
		ok "installs the page ${f%.scd}" \
			test -s "$tmp/opt/skep/share/man/man1/${f%.scd}"
	done
else
	skip "installs man pages" "scdoc is not installed"
fi
has "the installed command runs" skep "$("$tmp/opt/skep/bin/skep" --version 2>&1)"
ok "prints its version" "$tmp/opt/skep/bin/skep" --version

cat >"$tmp/a.c" <<'E'
#include <stdio.h>
#include <skep/skep.h>
#include <skep/err.h>
int main(void)
{
	return puts(skep_version()) < 0 || !skep_err_explain(1);
}
E
if command -v pkg-config >/dev/null; then
	version=$(skep_config --modversion)
	# shellcheck disable=SC2046 # the flags are words
	ok "compiles against libskep.so" "$CC" $san -o "$tmp/shared" "$tmp/a.c" \
		$(skep_config --cflags --libs)
	same "and runs" "$version" "$(LD_LIBRARY_PATH=$lib "$tmp/shared" 2>&1)"
	# shellcheck disable=SC2046
	ok "compiles against libskep.a" "$CC" $san -o "$tmp/static" "$tmp/a.c" \
		$(skep_config --cflags --static --libs | sed 's/-lskep/-l:libskep.a/')
	same "and runs" "$version" "$("$tmp/static" 2>&1)"
else
	skip "compiles through pkg-config" "pkg-config is not installed"
fi
ok "each header compiles alone, without warnings" sh -c '
	for h in "$1"/opt/skep/include/skep/*.h; do
		"$2" -std=c11 -Wall -Wextra -pedantic -Werror -fsyntax-only \
			-I"$1/opt/skep/include" -x c "$h" || exit 1
	done' sh "$tmp" "$CC"

same "libskep.a exports skep_* alone" "" "$(foreign "$lib/libskep.a")"
same "libskep.so exports skep_* and what gdb looks for" "__jit_debug_descriptor
__jit_debug_register_code" "$(foreign -D "$lib/libskep.so")"
same "both export the same" "$(exports "$lib/libskep.a")" "$(ours -D "$lib/libskep.so")"

ok "make uninstall" target uninstall
same "leaves no file" "" "$(find "$tmp/opt" ! -type d)"
done_testing
