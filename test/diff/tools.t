#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# tools.t: mutants of the programs inside some commands of libbpf-tools, where
# installed: what the kernel says of each goes into the stream of verdicts.
. test/tap.sh
[ -x /usr/sbin/vfsstat ] || skip_all "libbpf-tools is not installed"
tools/cut-objects /usr/sbin/vfsstat /usr/sbin/filetop /usr/sbin/mountsnoop -o "$tmp/o" \
	>/dev/null
export DIFF_OBJECTS="$tmp/o" DIFF_VERDICTS="$tmp/verdicts" DIFF_RUNS=2
CMOCKA_MESSAGE_OUTPUT=STDOUT "$BUILD/test/diff/mutant_test" compiled_objects >"$tmp/out" 2>&1
status=$?
if grep -q '^skipped:' "$tmp/out"; then
	skip_all "$(sed -n 's/^skipped: //p' "$tmp/out")"
fi
ok "nothing differs" test $status = 0
ok "programs of the tools were judged" grep -q "^$tmp/o/vfsstat" "$tmp/verdicts"
ok "each line has 13 columns" awk -F '\t' 'NF != 13 { exit 1 }' "$tmp/verdicts"
done_testing
