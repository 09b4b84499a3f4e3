#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# diff.t: `skep diff`: two builds of programs beside each other.
. test/tap.sh
fw=examples/firewall/firewall.o
cap=examples/firewall/traffic.pcapng

out=$($SKEP diff $fw $fw $cap 2>/dev/null)
same "the same: exit status" 0 $?
has "its figures" "firewall  ok       184    " "$out"
has "no packet differs" "firewall: 0 of 10983 packets differ; " "$out"
out=$($SKEP diff $fw examples/firewall/bad.o 2>"$tmp/err")
same "a verdict that changed: exit status" 1 $?
has "the verdict" "ok -> rejected" "$out"
has "the size" "184 -> 25 (-86.4 %)" "$out"
has "and why" "[SKEP-E0201]" "$(cat "$tmp/err")"
out=$($SKEP diff examples/firewall/bad.o $fw 2>&1)
has "the other way" "rejected -> ok" "$out"
hasnt() { case $3 in *"$2"*) ok "$1" false ;; *) ok "$1" true ;; esac; }
hasnt "is nothing to explain" "SKEP-E" "$out"
has "what cannot run is not compared" "firewall: not run: " \
	"$($SKEP diff $fw examples/firewall/bad.o $cap 2>/dev/null)"
out=$($SKEP diff $fw examples/balancer/balancer.o 2>/dev/null)
has "a program that is gone" "firewall  ok -> none" "$out"
has "a new one" "balancer  none -> ok" "$out"
has "only one of them" "none -> ok" "$($SKEP diff --prog balancer $fw examples/balancer/balancer.o)"
status "one object" 2 $SKEP diff $fw
status "three" 2 $SKEP diff $fw $fw examples/firewall/bad.o
status "no such program" 2 $SKEP diff --prog none $fw examples/firewall/bad.o
status "no such file" 2 $SKEP diff $fw "$tmp/none.o"

[ -n "$CLANG" ] || { skip "packets that differ" "no clang"; done_testing; }
export CLANG
cat >"$tmp/a.c" <<'EOF'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("xdp") int limit(struct xdp_md *ctx)
{
	return ctx->data_end - ctx->data > LIMIT ? XDP_PASS : XDP_DROP;
}
SEC("xdp") int mark(struct xdp_md *ctx)
{
	unsigned char *p = (void *)(long)ctx->data;

	if (p + 14 > (unsigned char *)(long)ctx->data_end)
		return XDP_DROP;
	p[13] ^= MARK;
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
EOF
sed 's/LIMIT/100/; s/MARK/1/' "$tmp/a.c" >"$tmp/old.c"
sed 's/LIMIT/200/; s/MARK/2/' "$tmp/a.c" >"$tmp/new.c"
out=$($SKEP diff "$tmp/old.c" "$tmp/new.c" $cap)
same "packets differ: exit status" 1 $?
n=$($SKEP run -q --prog limit "$tmp/old.c" $cap --verdicts "$tmp/v" 2>/dev/null &&
	$SKEP run -q --prog limit "$tmp/new.c" $cap --expect "$tmp/v" 2>/dev/null |
	sed -n 's/.*: \([0-9]*\) of .*/\1/p')
has "as many as two runs say" "limit: $n of 10983 packets differ" "$out"
has "which, and how" ": XDP_PASS -> XDP_DROP" "$out"
has "what is left of it" ", and what is left of the packet differs" "$out"
has "not all" "... and " "$out"
cat >"$tmp/one.c" <<'EOF'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("xdp") int to(struct xdp_md *ctx) { return bpf_redirect(7, 0); }
SEC("xdp") int kind(struct xdp_md *ctx) { return 1; }
char _license[] SEC("license") = "GPL";
EOF
sed 's/7, 0/8, 0/; s/SEC("xdp") int kind(struct xdp_md/SEC("tc") int kind(struct __sk_buff/
	s/return 1/return 2/' "$tmp/one.c" >"$tmp/two.c"
out=$($SKEP diff "$tmp/one.c" "$tmp/two.c" $cap)
has "another interface" "XDP_REDIRECT, interface 7 -> 8" "$out"
hasnt "is not the packet" "XDP_REDIRECT, interface 7 -> 8, and" "$out"
has "verdicts of each side's type" "XDP_DROP -> TC_ACT_SHOT" "$out"

# A later capture that is cut.
head -c 3000 $cap >"$tmp/cut.pcapng"
out=$($SKEP diff "$tmp/old.c" "$tmp/new.c" $cap "$tmp/cut.pcapng" 2>"$tmp/err")
same "a capture that is cut: exit status" 2 $?
has "its reason" "cut.pcapng" "$(cat "$tmp/err")"
has "the table all the same" "program  verdict" "$out"
has "and what there was before" "packets differ" "$out"
done_testing
