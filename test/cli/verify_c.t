#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# verify_c.t: each program of test/verify/c is refused for the reason that it
# names, and safe when compiled with FIXED; the kernel says the same.
. test/tap.sh
if [ -z "$CLANG" ]; then
	skip "mistakes in C" "no clang"
	done_testing
fi
kernel=$($SKEP verify --on both examples/firewall/firewall.o 2> /dev/null | awk 'NR == 2 { print $NF }')
for file in test/verify/c/[a-z]*-*.c; do
	name=$(basename "$file" .c)
	expect=$(sed -n 's|^/\* expect: \(.*\) \*/$|\1|p' "$file")
	caps=all
	grep -q 'with --caps bpf an error' "$file" && caps=bpf
	$CLANG -target bpf -g -O2 -c "$file" -o "$tmp/wrong.o" 2> "$tmp/err" &&
		$CLANG -target bpf -DFIXED -g -O2 -c "$file" -o "$tmp/fixed.o" 2>> "$tmp/err" || {
		same "$name compiles" "" "$(cat "$tmp/err")"
		continue
	}
	status "$name: is refused" 1 $SKEP verify --caps $caps "$tmp/wrong.o"
	err=$($SKEP verify --caps $caps "$tmp/wrong.o" 2>&1 > /dev/null)
	has "$name: id" "[SKEP-E${expect%%:*}]" "$(printf '%s\n' "$err" | grep -m 1 error:)"
	has "$name: reason" "${expect#*: }" "$err"
	has "$name: source line" "$name.c:" "$err"
	has "$name: help" "help: " "$err"
	status "$name: fixed, it is safe" 0 $SKEP verify --caps $caps "$tmp/fixed.o"
	[ "$kernel" = ok ] && [ $caps = all ] || continue
	has "$name: the kernel refuses it, too" "rejected" \
		"$($SKEP verify --on both "$tmp/wrong.o" 2> /dev/null | awk 'NR == 2 { print $NF }')"
	same "$name: fixed, it loads" ok \
		"$($SKEP verify --on both "$tmp/fixed.o" 2> /dev/null | awk 'NR == 2 { print $NF }')"
done

# In a function that is no program what to return is no verdict.
cat >"$tmp/part.c" <<'EOF'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4);
	__type(key, int); __type(value, long); } stats SEC(".maps");
static __attribute__((noinline)) void add(int key)
{
	long *n = bpf_map_lookup_elem(&stats, &key);

	*n += 1;
}
static __attribute__((noinline)) long get(int key)
{
	long *n = bpf_map_lookup_elem(&stats, &key);

	return *n;
}
SEC("xdp") int prog(struct xdp_md *ctx)
{
	int key = ctx->rx_queue_index;
	long *n = bpf_map_lookup_elem(&stats, &key);

	add(1);
	*n += get(2);
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
EOF
out=$($SKEP verify "$tmp/part.c" 2>&1)
has "a function that returns nothing" "if (!n) return;" "$out"
has "one that returns a number" "if (!n) return 0;" "$out"
has "the program" "if (!n) return XDP_PASS;" "$out"
done_testing
