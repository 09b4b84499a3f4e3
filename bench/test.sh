#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# test.sh: how long `skep test` takes for 1000 small tests of a compiled object, medians of
# RUNS: on packets, with a map that is filled and one that is compared, one after the
# other and by two processes. Figure: at most one second.
#
#	bench/test.sh [RUNS]
runs=${1:-9}
CLANG=${CLANG:-$(command -v clang-19 || command -v clang)}
[ -n "$CLANG" ] || { echo "test.sh: no clang"; exit 0; }
export CLANG
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
{
	cat <<'EOF'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <skep/test.h>
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64);
	__type(key, int); __type(value, int); } limits SEC(".maps");
EOF
	awk 'BEGIN {
		packet = "packet=0102030405060708090a0b0c0d0e"
		element = "limits:[{\\\"key\\\": 1, \\\"value\\\": %d}]"
		one = "__test(\"%d\", \"ifindex=%d; " packet "; map=" element \
		      "; retval=%d; expect=" element "\")\n"
		for (i = 0; i < 20; i++) {
			print "SEC(\"xdp\")"
			for (j = 0; j < 50; j++)
				printf one, j, j + 1, j, j + 1, j + 1
			printf "int test%d(struct xdp_md *ctx)\n{\n\tint key = 1;\n" \
			       "\tint *n = bpf_map_lookup_elem(&limits, &key);\n\n" \
			       "\tif (n)\n\t\t++*n;\n\treturn ctx->ingress_ifindex;\n}\n", i
		}
	}'
	echo 'char _license[] SEC("license") = "GPL";'
} >"$tmp/t.c"
"$SKEP" cc "$tmp/t.c" -o "$tmp/t.o" || exit 1
if ! "$SKEP" test "$tmp/t.o" 2>&1 >/dev/null | grep -q '^1000 passed'; then
	echo "test.sh: they fail"
	exit 1
fi
for jobs in 1 2; do
	i=0
	while [ $((i += 1)) -le "$runs" ]; do
		start=$(date +%s%N)
		"$SKEP" test -j $jobs "$tmp/t.o" >/dev/null 2>&1
		echo $((($(date +%s%N) - start) / 1000000))
	done | sort -n | awk -v jobs=$jobs '{ v[NR] = $1 }
		END { printf "1000 tests, -j %d: %d ms\n", jobs, v[int((NR + 1) / 2)] }'
done
