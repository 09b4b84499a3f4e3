#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# owing.t: our verdicts and the kernel's on random programs in C: of those that owe
# something (owing.awk), of those that have what the kernel lends (lent.awk). What we accept
# the kernel accepts, where it does not give up. Prints the seed.
#
#	OWING_SEED=N	other programs
#	OWING_RUNS=N	how many of each kind
#
# On record: see doc/testing.md.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
[ "$($SKEP verify --on both examples/firewall/firewall.o 2> /dev/null |
	awk 'NR == 2 { print $NF }')" = ok ] || skip_all "programs cannot be loaded into this kernel"
seed=${OWING_SEED:-$(date +%s)} runs=${OWING_RUNS:-24}
echo "# OWING_SEED=$seed"

# Of what KIND.awk makes: $tmp/all has the verdicts on it.
judge() # KIND
{
	cat test/diff/$1.h > "$tmp/$1.c"
	awk -v seed="$seed" -v programs="$runs" -f test/diff/parts.awk \
		-f test/diff/$1.awk >> "$tmp/$1.c"
	$SKEP cc "$tmp/$1.c" -o "$tmp/$1.o" > "$tmp/err" 2>&1
	same "$1: they compile" 0 $?
	n=0; : > "$tmp/all"
	while [ $n -lt "$runs" ]; do
		timeout 20 $SKEP verify --on both --prog p$n "$tmp/$1.o" 2> "$tmp/err" > "$tmp/out"
		# "verifier bug": of the kernel's
		too=$(grep -c 'too complex\|too large\|verifier bug' "$tmp/err")
		sed -n 2p "$tmp/out" |
			sed "$([ "$too" = 0 ] || echo 's/rejected$/gave up/')" >> "$tmp/all"
		n=$((n + 1))
	done
}

for kind in owing lent; do
	judge $kind
	looser=$(awk '/  ok  / && $NF == "rejected" { print $1 }' "$tmp/all")
	same "$kind: none is accepted here alone" "" "$looser"
	for prog in $looser; do
		$SKEP verify --on both --prog "$prog" "$tmp/$kind.o" 2>&1 | sed 's/^/# /'
		sed -n "/int $prog(/,/^}/p" "$tmp/$kind.c" | sed 's/^/# /'
	done
	awk -v runs="$runs" -v kind=$kind '{ ours = /  ok  / ? "ok" : "rejected"; n[ours " and " $NF]++ }
		END { for (i in n) printf "# %s: %s: %d of %d\n", kind, i, n[i], runs }' "$tmp/all"
	ok "$kind: many are accepted by both" test "$(grep -c '  ok  .*  ok$' "$tmp/all")" -gt $((runs / 5))
done
done_testing
