#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The layers hold in this tree, and tools/check-layers refuses what it should.
. test/tap.sh

ok "no upward include" tools/check-layers

mkdir -p "$tmp/src/low" "$tmp/src/high"
cd "$tmp" || exit 2
check=$OLDPWD/tools/check-layers
printf '# comment\nlow\nhigh low # comment\n' >LAYERS
printf '#include <stdio.h>\n#include "low/b.h"\n#include "skep/err.h"\n' >src/low/a.c
printf '#include "low/a.h"\n' >src/high/a.c
ok "downward includes pass" "$check" "$tmp"
printf '\n  # include "high/a.h"\n' >>src/low/a.c
same "an upward include is refused with file and line" \
	"src/low/a.c:5: low must not include high (high/a.h)" "$("$check" "$tmp")"
status "and fails" 1 "$check" "$tmp"
printf '#include "../high/a.h"\n' >src/low/a.c
same "a relative path is refused" \
	"src/low/a.c:1: include by relative path: ../high/a.h" "$("$check" .)"
rm src/low/a.c
printf 'low high\nhigh low\n' >LAYERS
same "LAYERS itself goes downwards" \
	"LAYERS:1: low may not include high, which is not below it" "$("$check" .)"
printf 'low\n' >LAYERS
has "an unknown layer is refused" "layer high is not in LAYERS" "$("$check" .)"
done_testing
