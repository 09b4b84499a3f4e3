#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# big.t: arrays of 2^27 entries are shown at once: only touched pages are read.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
export CLANG
cap=examples/firewall/traffic.pcapng

cat > "$tmp/big.c" <<'C'
#define ARRAY(name_, type_, n_) struct { __uint(type, type_); __uint(max_entries, n_); \
	__type(key, __u32); __type(value, __u64); } name_ SEC(".maps")
ARRAY(plain, BPF_MAP_TYPE_ARRAY, 1 << 27);
ARRAY(each, BPF_MAP_TYPE_PERCPU_ARRAY, 1 << 27);
ARRAY(some, BPF_MAP_TYPE_ARRAY, 65);
ARRAY(few, BPF_MAP_TYPE_ARRAY, 64);
static int one(void *map, __u32 key)
{
	__u64 *v = bpf_map_lookup_elem(map, &key);

	return v ? *v = 1 : 0;
}
SEC("xdp") int prog(struct xdp_md *ctx)
{
	one(&plain, 100000000);
	one(&plain, 3);
	one(&plain, (1 << 27) - 1);
	one(&each, 77777777);
	one(&some, 64);
	one(&few, 63);
	return XDP_PASS;
}
C
ok "compiles" $SKEP cc "$tmp/big.c" -o "$tmp/big.o"
run="timeout 20 $SKEP run $tmp/big.o $cap"
ok "text, in time" sh -c "$run --cpus 4 > $tmp/text 2>&1"
has "an array's elements, in order" "  3: 1   100000000: 1   134217727: 1" "$(cat "$tmp/text")"
has "the count tells of the others" "all other 134217725 values are 0" "$(cat "$tmp/text")"
has "a per-cpu array's" "  77777777: " "$(cat "$tmp/text")"
ok "JSON, in time" sh -c "$run --cpus 4 --json > $tmp/json 2> /dev/null"
if command -v jq > /dev/null; then
	elements() { jq -c --arg m "$1" '[.maps[] | select(.name == $m) | .elements[].key]' "$tmp/json"; }
	same "the same elements" '[3,100000000,134217727]' "$(elements plain)"
	same "of the per-cpu array" '[77777777]' "$(elements each)"
	same "above 64 entries zeroes are left out" '[64]' "$(elements some)"
	same "up to 64 they are shown" 64 "$(jq '.maps[3].elements | length' "$tmp/json")"
	same "and the entries are told" 134217728 "$(jq '.maps[0].max_entries' "$tmp/json")"
else
	skip "elements of JSON" "no jq"
fi

# The array of a load balancer that is in production: 33 million entries, of which
# a run touches ten. It costs those pages and no more, printing included.
cat > "$tmp/ring.c" <<'C'
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 33554432);
	__type(key, __u32); __type(value, __u32); } ring SEC(".maps");
SEC("xdp") int touch(struct xdp_md *ctx)
{
	for (__u32 i = 0; i < 10; i++) {
		__u32 key = i * 3355443, *v = bpf_map_lookup_elem(&ring, &key);

		if (v)
			*v = i + 1;
	}
	return XDP_PASS;
}
C
cat > "$tmp/peak.c" <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	struct rusage u;
	int status;

	if (!fork())
		execvp(argv[1], argv + 1), _exit(127);
	wait(&status);
	getrusage(RUSAGE_CHILDREN, &u);
	fprintf(stderr, "peak %ld KB\n", u.ru_maxrss);
	return argc < 2 || !WIFEXITED(status) ? 1 : WEXITSTATUS(status);
}
C
# peak ARGUMENT...: the KB that such a run had in memory at most
peak() { timeout 20 "$tmp/peak" $SKEP run "$@" $cap 2>&1 > "$tmp/shown" | sed -n 's/^peak \(.*\) KB/\1/p'; }
$SKEP cc "$tmp/ring.c" -o "$tmp/ring.o"
sed 's/33554432/1000/; s/3355443/100/' "$tmp/ring.c" > "$tmp/small.c"
$SKEP cc "$tmp/small.c" -o "$tmp/small.o"
if [ -n "$SAN" ] || ! ${CC:-cc} "$tmp/peak.c" -o "$tmp/peak" 2> /dev/null; then
	skip "33 million entries" "a sanitizer has memory of its own, or no compiler"
else
	small=$(peak "$tmp/small.o")
	for how in -q --json; do
		large=$(peak "$tmp/ring.o" $how)
		ok "33 million entries cost what is touched ($how): $large KB, $small without" \
			test "$large" -lt $((small + 2048))
	done
	has "all that were touched are shown" '"value": 10' "$(cat "$tmp/shown")"
fi
done_testing
