#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# ops.t: structs of functions that no kernel has, or that are none: one clear error,
# and nothing is left in the kernel.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
kernel=$($SKEP verify --on both examples/firewall/firewall.o 2> /dev/null | awk 'NR == 2 { print $NF }')

# object TEXT: $tmp/ops.o
object()
{
	printf '%s\n' '#include <linux/bpf.h>' '#include <bpf/bpf_helpers.h>' \
		'char _license[] SEC("license") = "GPL";' 'int global = 5;' \
		'static __attribute__((noinline)) int plain(void *a) { return 1; }' \
		'SEC("struct_ops/test_1") int one(__u64 *ctx) { return plain(ctx); }' "$1" > "$tmp/ops.c"
	$SKEP cc "$tmp/ops.c" -o "$tmp/ops.o" > "$tmp/err" 2>&1 || same "compiles" "" "$(cat "$tmp/err")"
}

# refused WHAT PART TEXT: when it is opened
refused()
{
	object "$3"
	r_out=$($SKEP verify "$tmp/ops.o" 2>&1 > /dev/null)
	same "$1: exit status" 2 $?
	has "$1: message" "$2" "$r_out"
	same "$1: one error" 1 "$(printf '%s\n' "$r_out" | grep -c error:)"
	same "$1: inspected, too" "$r_out" "$($SKEP inspect "$tmp/ops.o" 2>&1 > /dev/null)"
}

# unknown WHAT PART TEXT: when the kernel is asked
unknown()
{
	[ "$kernel" = ok ] || return 0
	object "$3"
	r_out=$($SKEP verify --on both "$tmp/ops.o" 2>&1 > /dev/null)
	has "$1: message" "$2" "$r_out"
	has "$1: no answer" "no answer" "$($SKEP verify --on both "$tmp/ops.o" 2> /dev/null)"
}

refused "a function that is no program" "is stored in member 'test_1' of 'd' and is no program" \
	'struct bpf_dummy_ops { int (*test_1)(void *); };
	SEC(".struct_ops") struct bpf_dummy_ops d = { plain };'
refused "data in place of a function" "'global' is stored in member 'test_1'" \
	'struct bpf_dummy_ops { int (*test_1)(void *); };
	SEC(".struct_ops") struct bpf_dummy_ops d = { (void *)&global };'
refused "an int" "'d' is no struct inside the section's 4 bytes" 'SEC(".struct_ops") int d = 5;'
refused "an array" "'d' is no struct" 'struct bpf_dummy_ops { int (*test_1)(void *); };
	SEC(".struct_ops") struct bpf_dummy_ops d[2] = { { (void *)one } };'
refused "a union" "'d' is no struct" 'union bpf_dummy_ops { int (*test_1)(void *); };
	SEC(".struct_ops") union bpf_dummy_ops d = { (void *)one };'

unknown "a number in place of a function" "member 'test_1' of 'd' is another" \
	'struct bpf_dummy_ops { __u64 test_1; };
	SEC(".struct_ops") struct bpf_dummy_ops d = { 5 };'
unknown "an address in place of a function" "member 'test_1' of 'd' is another" \
	'struct bpf_dummy_ops { int (*test_1)(void *); };
	SEC(".struct_ops") struct bpf_dummy_ops d = { (void *)5 };'
unknown "a struct that no kernel has" "takes no programs for 'struct skep_no_ops'" \
	'struct skep_no_ops { int (*test_1)(void *); };
	SEC(".struct_ops") struct skep_no_ops d = { (void *)one };'
unknown "a struct without a name" "takes no programs for 'struct '" \
	'SEC(".struct_ops") struct { int (*test_1)(void *); } d = { (void *)one };'
unknown "a function in a bit field" "has no member ''" \
	'struct bpf_dummy_ops { union { __u64 bits : 7; int (*test_1)(void *); }; };
	SEC(".struct_ops") struct bpf_dummy_ops d = { .test_1 = (void *)one };'
unknown "a function where the name is" "member 'name' of 'd' is another" \
	'struct tcp_congestion_ops { struct { void *p[2]; } name; };
	SEC(".struct_ops") struct tcp_congestion_ops d = { { { (void *)one, (void *)one } } };'
unknown "one program in two members" "one program is made for one" \
	'struct bpf_dummy_ops { int (*test_1)(void *), (*test_2)(void *); };
	SEC(".struct_ops") struct bpf_dummy_ops d = { (void *)one, (void *)one };'
unknown "a program in no struct" "'one' is in no struct of functions" ''

object 'struct bpf_dummy_ops { int (*test_1)(void *); };
	SEC(".struct_ops") struct bpf_dummy_ops d = { (void *)one };
	SEC("xdp") int use(void *ctx) { return bpf_map_lookup_elem(&d, &(int){ 0 }) ? 1 : 2; }'
has "a program that looks into it" "[SKEP-E0180]" \
	"$($SKEP verify --prog use "$tmp/ops.o" 2>&1)"
[ "$kernel" = ok ] && has "the kernel refuses it, too" "rejected" \
	"$($SKEP verify --on both --prog use "$tmp/ops.o" 2> /dev/null)"
[ "$kernel" = ok ] || skip "what the kernel says" "bpf(2) is not allowed"
done_testing
