#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# test/run counts what it should, and lets nothing pass that did not run.
. test/tap.sh

new() # NAME: a test whose script is standard input
{
	{ echo '#!/bin/sh'; cat; } >"$tmp/$1"
	chmod +x "$tmp/$1"
}
limit=30
run() { BUILD="$tmp/build" TEST_TIMEOUT=$limit test/run "$@"; }
last() { run "$tmp/$1" 2>&1 | tail -n 1; }

new good.t <<'E'
printf '1..3\nok 1 - a\nok 2 - b # SKIP no root\nok\n'
E
new bad.t <<'E'
printf '1..2\nok 1\nnot ok 2 - broken\n# expected 1\n'; exit 1
E
new skip.t <<'E'
echo '1..0 # SKIP no kernel'
E
new crash.t <<'E'
printf '1..2\nok 1\n'; kill -SEGV $$
E
new short.t <<'E'
printf '1..2\nok 1\n'
E
new noplan.t <<'E'
printf 'ok 1\n'
E
new mute.t <<'E'
exit 0
E
new empty.t <<'E'
echo 1..0
E
new fails.t <<'E'
printf '1..1\nok 1\n'; echo some reason >&2; exit 3
E
new slow.t <<'E'
printf '1..1\n'; exec sleep 9
E
new unit_test <<'E'
printf '1..2\n# no privilege\nnot ok 1 # SKIP a_test\nok 2 - b_test\n'
E

same "passes and skips" "2 passed, 0 failed, 1 skipped" "$(last good.t)"
same "a failure" "1 passed, 1 failed, 0 skipped" "$(last bad.t)"
has "its diagnostics" "# expected 1" "$(run "$tmp/bad.t")"
status "its exit status" 1 run "$tmp/good.t" "$tmp/bad.t"
ok "the exit status without one" run "$tmp/good.t" "$tmp/skip.t"
same "all skipped" "0 passed, 0 failed, 1 skipped" "$(last skip.t)"
has "reasons are printed" "skipped 1: no kernel" "$(run "$tmp/skip.t")"
has "and grouped" "skipped 2: no kernel" \
	"$(cp "$tmp/skip.t" "$tmp/skip2.t"; run "$tmp/skip.t" "$tmp/skip2.t")"
same "a crash" "1 passed, 1 failed, 0 skipped" "$(last crash.t)"
same "fewer than planned" "1 passed, 1 failed, 0 skipped" "$(last short.t)"
same "no plan" "1 passed, 1 failed, 0 skipped" "$(last noplan.t)"
same "no output" "0 passed, 1 failed, 0 skipped" "$(last mute.t)"
same "no case" "0 passed, 1 failed, 0 skipped" "$(last empty.t)"
same "an exit status without a failed case" "1 passed, 1 failed, 0 skipped" \
	"$(last fails.t)"
has "with what it said" "some reason" "$(run "$tmp/fails.t")"
limit=1
same "too slow" "0 passed, 1 failed, 0 skipped" "$(last slow.t)"
has "which is told" "stopped after 1 seconds" "$(run "$tmp/slow.t")"
limit=30
same "a program that is not there" "0 passed, 1 failed, 0 skipped" \
	"$(last missing.t)"
has "the skip reason of a cmocka test is the line before it" \
	"skipped 1: no privilege" "$(run "$tmp/unit_test")"
# Each waits for what the other does.
new first.t <<E
printf '1..1\n'; : >$tmp/first; until [ -e $tmp/second ]; do sleep 0.02; done; echo ok
E
new second.t <<E
printf '1..1\n'; until [ -e $tmp/first ]; do sleep 0.02; done; : >$tmp/second; echo ok
E
names() { awk '($1 == "ok" || $1 == "FAIL") && / passed/ { sub(/.*\//, "", $2); printf "%s ", $2 }'; }
same "two at a time" "2 passed, 0 failed, 0 skipped" \
	"$(TEST_JOBS=2 run "$tmp/first.t" "$tmp/second.t" | tail -n 1)"
rm "$tmp/first" "$tmp/second"
limit=1
has "no more than wanted" "stopped after 1 seconds" \
	"$(TEST_JOBS=1 run "$tmp/first.t" "$tmp/second.t")"
limit=30
new later.t <<'E'
printf '1..1\n'; sleep 0.3; echo ok
E
same "lines in their order" "later.t good.t crash.t skip.t " \
	"$(TEST_JOBS=3 run "$tmp/later.t" "$tmp/good.t" "$tmp/crash.t" "$tmp/skip.t" | names)"
mkdir "$tmp/own"
cp test/run "$tmp/own"
printf 'alone %s\nearly %s\n' "$tmp/later.t" "$tmp/skip.t" >"$tmp/own/order"
same "but for those that begin early, or run alone" "skip.t good.t later.t " \
	"$(BUILD="$tmp/build" TEST_JOBS=2 "$tmp/own/run" "$tmp/later.t" "$tmp/good.t" "$tmp/skip.t" |
		names)"
same "their times are kept" 3 "$(wc -l <"$tmp/build/test/log/times")"
same "nothing to run is a failure" "0 passed, 1 failed, 0 skipped" "$(run | tail -n 1)"
done_testing
