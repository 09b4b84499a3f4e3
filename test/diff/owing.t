#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# owing.t: our verdicts and the kernel's on random programs in C that owe something
# (owing.awk): what we accept the kernel accepts, where it does not give up. Prints the
# seed.
#
#	OWING_SEED=N	other programs
#	OWING_RUNS=N	how many
#
# On record: see doc/testing.md.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
[ "$($SKEP verify --on both examples/firewall/firewall.o 2> /dev/null |
	awk 'NR == 2 { print $NF }')" = ok ] || skip_all "programs cannot be loaded into this kernel"
seed=${OWING_SEED:-$(date +%s)} runs=${OWING_RUNS:-24}
echo "# OWING_SEED=$seed"
cat test/diff/owing.h > "$tmp/owing.c"
awk -v seed="$seed" -v programs="$runs" -f test/diff/owing.awk >> "$tmp/owing.c"
$SKEP cc "$tmp/owing.c" -o "$tmp/owing.o" > "$tmp/err" 2>&1
same "they compile" 0 $?

n=0 looser='' : > "$tmp/all"
while [ $n -lt "$runs" ]; do
	timeout 20 $SKEP verify --on both --prog p$n "$tmp/owing.o" 2> "$tmp/err" > "$tmp/out"
	too=$(grep -c 'too complex\|too large' "$tmp/err")
	sed -n 2p "$tmp/out" | sed "$([ "$too" = 0 ] || echo 's/rejected$/gave up/')" >> "$tmp/all"
	n=$((n + 1))
done
looser=$(awk '/  ok  / && $NF == "rejected" { print $1 }' "$tmp/all")
same "none is accepted here alone" "" "$looser"
for prog in $looser; do
	$SKEP verify --on both --prog "$prog" "$tmp/owing.o" 2>&1 | sed 's/^/# /'
	sed -n "/int $prog(/,/^}/p" "$tmp/owing.c" | sed 's/^/# /'
done
awk -v runs="$runs" '{ ours = /  ok  / ? "ok" : "rejected"; n[ours " and " $NF]++ }
	END { for (i in n) printf "# %s: %d of %d\n", i, n[i], runs }' "$tmp/all"
ok "many are accepted by both" test "$(grep -c '  ok  .*  ok$' "$tmp/all")" -gt $((runs / 5))
done_testing
