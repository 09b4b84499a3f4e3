#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# bootstrap says what is missing, and calls the package manager only then.
. test/tap.sh

mkdir "$tmp/bin"
for tool in sh awk cat cut dirname tr grep id sed; do
	ln -s "$(command -v $tool)" "$tmp/bin/$tool"
done
# bootstrap adds the usual folders to PATH; a copy without that sees only ours.
sed 's|^export LC_ALL=C PATH=.*|export LC_ALL=C|' bootstrap >"$tmp/bootstrap"
chmod +x "$tmp/bootstrap"
mkdir "$tmp/examples"
stub() { printf '#!/bin/sh\n' >"$tmp/bin/$1"; chmod +x "$tmp/bin/$1"; }
bare() { PATH="$tmp/bin" sh "$tmp/bootstrap" "$@"; }

status "no goal is a usage error" 2 ./bootstrap
status "so is an unknown one" 2 ./bootstrap fly
ok "--help" ./bootstrap --help
has "names what the demo misses" gcc "$(bare missing demo)"
status "elsewhere than on Debian it stops" 2 bare demo
has "and names tools" "objcopy: links skep" "$(bare demo 2>&1)"

printf '#!/bin/sh\necho called >>%s/calls\nexit 1\n' "$tmp" >"$tmp/bin/apt-get"
chmod +x "$tmp/bin/apt-get"
if [ "$(id -u)" != 0 ]; then
	status "without root and sudo it stops" 2 bare demo
	has "and says so" "needs root" "$(bare demo 2>&1)"
else
	printf '#!/bin/sh\necho 1000\n' >"$tmp/id"
	rm "$tmp/bin/id"
	mv "$tmp/id" "$tmp/bin/id"
	chmod +x "$tmp/bin/id"
	status "without root and sudo it stops" 2 bare demo
	has "and says so" "needs root" "$(bare demo 2>&1)"
fi
ok "without calling apt-get" test ! -e "$tmp/calls"

for tool in $(sed -n 's/^\t\t[a-z][^ ]* *demo *\([^ ]*\) .*/\1/p' bootstrap); do
	case $tool in
	*.h) ;;
	*) stub "$tool" ;;
	esac
done
stub nproc
if [ -z "$(bare missing demo)" ]; then
	bare demo >/dev/null 2>&1
	ok "nothing missing, apt-get not called" test ! -e "$tmp/calls"
else
	skip "nothing missing, apt-get not called" \
		"missing here: $(bare missing demo | tr "\n" " ")"
fi
done_testing
