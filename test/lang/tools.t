#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# tools.t: the scripts of tools/trace: each compiles and the kernel takes it (nothing is
# attached), keeps its layout, and says in its head what it is for. Then some of them, a
# profile and flame graphs, on processes that this test makes.
. test/tap.sh

$SKEP trace -q -e 'begin { exit(); }' >/dev/null 2>&1 ||
	skip_all "this system lets nobody run a script"

for script in tools/trace/*.bt; do
	name=$(basename "$script" .bt)
	args=
	case $name in
	func* | argdist | stackcount) args="libc malloc" ;;
	esac
	[ "$name" = bashreadline ] && [ ! -x /bin/bash ] && continue
	out=$($SKEP trace --dry-run "$script" $args 2>&1)
	code=$?
	case $out in
	*"does not exist or is not executable"*) skip "$name is taken" "no such library here" ;;
	*"o matches for"* | *"racepoint not found"* | *"Could not resolve symbol"*)
		skip "$name is taken" "$(echo "$out" | head -n 1)" ;;
	*) same "$name is taken" "0" "$code$out" ;;
	esac
	has "$name says what it is for" "$name: " "$(head -n 4 "$script")"
	has "$name has a page" "skep-$name - " "$(cat "man/tools/skep-$name.8.scd" 2>&1)"
done

cat > "$tmp/busy.c" <<'EOF'
#include <stdlib.h>
__attribute__((noinline)) long inner(volatile long *x, long n)
{
	while (n--)
		*x += n;
	return *x;
}
__attribute__((noinline)) long outer(volatile long *x) { return inner(x, 4000000) + 1; }
int main(int argc, char **argv)
{
	volatile long x = 0;
	for (int i = 0; i < atoi(argv[argc - 1]); i++)
		outer(&x);
	return 0;
}
EOF
${CC:-cc} -O1 -fno-omit-frame-pointer -fno-optimize-sibling-calls -fno-inline -o "$tmp/busy" \
	"$tmp/busy.c" || skip_all "no compiler"

game=$( { for key in a s s s q; do printf $key; sleep 0.1; done; sleep 1; } |
	timeout 20 $SKEP trace -q -c cat tools/trace/tetris.bt 2>&1)
has "a game" "score 0 " "$game"
has "of ten columns" "[44m" "$(printf '%s' "$game" | sed 's/\[4[1-7]m/[44m/g')"

same "functions are counted" "@calls[outer]: 3" \
	"$($SKEP trace -q tools/trace/funccount.bt "$tmp/busy" 'outer' -c "$tmp/busy 3" 2>&1 |
	   grep -v '^$')"
has "a function's time" "|@" \
	"$($SKEP trace -q tools/trace/funclatency.bt "$tmp/busy" outer -c "$tmp/busy 5" 2>&1)"
has "stacks" "outer+" \
	"$($SKEP trace -q tools/trace/stackcount.bt "$tmp/busy" outer -c "$tmp/busy 5" 2>&1)"

same "how many frames: inner has more than main" "true" \
	"$($SKEP trace -q -e "uprobe:$tmp/busy:main { @ = len(ustack); }
	   uprobe:$tmp/busy:inner { print(len(ustack) > @); }
	   end { clear(@); }" -c "$tmp/busy 1" 2>&1 | grep -v '^$')"

# A program that is interrupted by another one finds its memory of the cpu as it was.
cat > "$tmp/many.c" <<'EOF'
static char text[] = "/item";
__attribute__((noinline)) void tick(const volatile char *s) { *s; }
int main(void)
{
	for (int i = 0; i < 30000; i++)
		tick(text);
	return 0;
}
EOF
${CC:-cc} -O1 -o "$tmp/many" "$tmp/many.c"
same "programs that interrupt each other" "@n: 30000" \
	"$($SKEP trace -q -e "uprobe:$tmp/many:tick {
	     \$s = str((uint8 *)arg0); @n = count();
	     for (\$i : 0..200) { if (\$s[0] != 47) { @bad = count(); } } }
	   profile:us:50 { \$a = str(kptr((uint8 *)curtask)); @k[\$a] = count(); }
	   end { clear(@k); }" -c "$tmp/many" 2>&1 | grep -v '^$')"

if $SKEP profile -c "$tmp/busy 200" -F 999 -f folded -o "$tmp/folded" 2>"$tmp/said"; then
	has "folded stacks" "busy;" "$(cat "$tmp/folded")"
	has "with names" "main;" "$(cat "$tmp/folded")"
	has "how many" " samples, " "$(cat "$tmp/said")"
	ok "a flame graph" $SKEP profile -c "$tmp/busy 200" -F 999 -f flame -o "$tmp/f.html"
	has "is one file with SVG" "<svg xmlns" "$(cat "$tmp/f.html")"
	has "and its script" "</script>" "$(cat "$tmp/f.html")"
	same "that loads nothing" "" "$(grep -E 'src=|href=' "$tmp/f.html")"
	ok "compared" $SKEP profile -c "$tmp/busy 200" -F 999 -f flame --compare "$tmp/folded" \
		-o "$tmp/diff.html"
	has "with differences" "; +" "$(cat "$tmp/diff.html")"
	for format in text folded flame; do
		{ timeout 60 $SKEP profile -f $format 1 2>"$tmp/said"; echo $? >"$tmp/status"; } | true
		same "nobody reads $format: the end, and not a word" "0" \
			"$(cat "$tmp/said" "$tmp/status")"
		same "a command that cannot be started: no result as $format" "" \
			"$($SKEP profile -f $format -c "$tmp/nosuch" 2>/dev/null)"
	done
	status "is an error" 2 $SKEP profile -c "$tmp/nosuch"
	has "which says why" "nosuch' cannot be started: No such file" "$($SKEP profile -c "$tmp/nosuch" 2>&1)"
	same "nor as a map of a script's" "" "$($SKEP trace -q -e 'begin { @ = 1; }' -c "$tmp/nosuch" 2>/dev/null)"
	{ timeout 60 $SKEP trace -q -e 'interval:ms:20 { print(1); @ = 1; }' 2>"$tmp/said"
	  echo $? >"$tmp/status"; } | head -n 1 >"$tmp/line"
	same "nor does a script go on for nobody" "10" "$(cat "$tmp/line" "$tmp/said" "$tmp/status" | tr -d '\n')"
	if [ -e /dev/full ]; then
		has "a full disk is said" "[SKEP-E0004]" "$($SKEP profile -f folded 1 2>&1 >/dev/full)"
	fi
else
	skip "profiles" "$(head -n 1 "$tmp/said")"
fi
status "no frequency" 2 $SKEP profile -F 0
has "a number of seconds below 0" "no number below 0 is taken there" "$($SKEP profile -5 2>&1)"
has "also behind --" "'-5' is no number of seconds" "$($SKEP profile -- -5 2>&1)"
has "more seconds than there are" "is no number of seconds: 1 to" \
	"$($SKEP profile 99999999999999999999 2>&1)"
has "comparing without a flame graph" "--compare makes a flame graph: -f flame" \
	"$($SKEP profile --compare "$tmp/busy.c" 1 2>&1)"
has "comparing with what is no stack" "these are no folded stacks: '#include <stdlib.h>'" \
	"$($SKEP profile -f flame --compare "$tmp/busy.c" 1 2>&1)"
status "no such format" 2 $SKEP profile -f pdf
status "no such process" 2 $SKEP profile -p 4194303

ln -s "$(realpath $SKEP)" "$tmp/bpftrace"
same "called bpftrace" "7" "$("$tmp/bpftrace" -q -e 'BEGIN { printf("%d\n", 7); exit(); }' |
	grep -v '^$')"
done_testing
