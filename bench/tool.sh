#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# tool.sh: what is shown of the running kernel, by skep and by bpftool, in turns, medians
# of RUNS ratios: all programs, a map of ENTRIES elements, as JSON. Figures: at most as long
# as bpftool takes. Pins are below a mount that nobody else sees.
#
#	bench/tool.sh [RUNS [ENTRIES]]
runs=${1:-15}
entries=${2:-100000}
for tool in bpftool awk unshare; do
	command -v $tool >/dev/null || { echo "tool.sh: no $tool"; exit 0; }
done
[ "$(id -u)" = 0 ] || { echo "tool.sh: not root"; exit 0; }
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
cat > "$tmp/inside" <<'EOF2'
cd "$1" || exit 2
mkdir pins && mount -t bpf bpf pins || exit 3
bpftool map create pins/table type hash key 4 value 8 entries $3 name table || exit 3
awk -v n=$3 'BEGIN { for (i = 0; i < n; i++)
	printf("map update pinned pins/table key %d %d %d 0 value %d 1 2 3 4 5 6 7\n",
	       i % 256, int(i / 256) % 256, int(i / 65536), i % 256) }' >batch
bpftool batch file batch >/dev/null 2>&1
ns() { # COMMAND...: how long it takes
	start=$(date +%s%N)
	"$@" >/dev/null
	echo $(($(date +%s%N) - start))
}
compare() { # WHAT ARGS...
	what=$1
	shift
	i=0
	while [ $((i += 1)) -le $RUNS ]; do
		if [ $((i % 2)) = 0 ]; then
			a=$(ns "$SKEP" "$@" -j) b=$(ns bpftool -j "$@")
		else
			b=$(ns bpftool -j "$@") a=$(ns "$SKEP" "$@" -j)
		fi
		echo "$a $b"
	done | awk '{ printf("%.4f %.2f %.2f\n", $1 / $2, $1 / 1e6, $2 / 1e6) }' >ratios
	sort -n ratios | awk -v what="$what" '{ r[NR] = $1; a[NR] = $2; b[NR] = $3 }
		END { m = int((NR + 1) / 2)
		printf("%s: %.2f (at most 1.0), about %s ms of %s\n", what, r[m], a[m], b[m]) }'
}
RUNS=$2
i=0
while [ $i -lt 20 ]; do
	echo "SEC(\"xdp\") int p_$i(struct xdp_md *c) { static int n; return n++ ? 2 : 1; }"
	i=$((i + 1))
done >many.c
echo 'char _license[] SEC("license") = "GPL";' >>many.c
if "$SKEP" cc many.c -o many.o 2>/dev/null; then
	for i in 0 1 2 3 4 5 6 7 8 9; do bpftool prog loadall many.o pins/$i; done
fi
compare "prog show -j, $(bpftool -j prog show | grep -o '"id":' | wc -l) programs" prog show
elements=$("$SKEP" map dump -j pinned pins/table | grep -o '"key":' | wc -l)
compare "map dump -j, $elements elements" map dump pinned pins/table
EOF2
unshare -m sh "$tmp/inside" "$tmp" "$runs" "$entries"
