#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# inspect.t: what is in objects, and what their programs may do and need.
. test/tap.sh
fw=examples/firewall/firewall.o

out=$($SKEP inspect $fw)
has "a settable variable" "vlan_tags_max   .rodata  const volatile __u32 (4)  2" "$out"
has "it is said to be settable" "before loading" "$out"
has "effects" "does    reads packets" "$out"
has "the kernel that it needs" "needs   Linux 5.2 (global variables), CAP_BPF, CAP_NET_ADMIN" "$out"
has "sizes change" "changes the size of packets" "$($SKEP inspect examples/balancer/balancer.o)"
has "locks" "takes locks" "$($SKEP inspect examples/shaper/shaper.o)"
has "loops" "loops with a bound" "$($SKEP inspect examples/fields/fields.o)"
same "several objects" 2 "$($SKEP inspect $fw examples/balancer/balancer.o | grep -c ': 1 program')"
one=$($SKEP inspect --prog entry examples/constructs/entry.o)
has "one program" "goes on in other programs" "$one"
same "and no other" 0 "$(printf '%s\n' "$one" | grep -c entry_ipv4)"
has "source lines" "firewall.c:" "$($SKEP inspect --source $fw)"
has "with instructions" "exit" "$($SKEP inspect -sv $fw)"
status "no such program" 2 $SKEP inspect --prog firewal $fw
if command -v jq > /dev/null; then
	q() { $SKEP inspect --json "$2" | jq -c ".[0]$1"; }
	same "effects as JSON" '["reads_packets","tail_calls"]' \
		"$(q '.programs[2].effects' examples/constructs/entry.o)"
	same "variables as JSON" '["vlan_tags_max",2,true]' \
		"$(q '.variables[0] | [.name, .value, .settable]' $fw)"
	same "capabilities as JSON" '["CAP_BPF","CAP_NET_ADMIN"]' "$(q '.programs[0].capabilities' $fw)"
else
	skip "JSON" "no jq"
fi

if [ -z "$CLANG" ]; then
	skip "programs compiled here" "no clang"
	done_testing
fi
cat > "$tmp/a.c" << 'EOF'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct cursor { unsigned char *at, *end; };
static __attribute__((noinline)) int put(struct cursor *c)
{
	if (c->at + 2 > c->end)
		return 0;
	c->at[1] = 7;
	return 1;
}
SEC("xdp") int through_memory(struct xdp_md *x)
{
	struct cursor c = { (void *)(long)x->data, (void *)(long)x->data_end };
	return put(&c);
}
static int each(unsigned i, void *arg)
{
	struct xdp_md *x = *(struct xdp_md **)arg;
	unsigned char *at = (void *)(long)x->data;
	if (at + 1 <= (unsigned char *)(long)x->data_end)
		*at = 1;
	return 0;
}
SEC("xdp") int in_callback(struct xdp_md *x)
{
	struct xdp_md *arg = x;
	return bpf_loop(3, each, &arg, 0);
}
SEC("xdp") int none(struct xdp_md *x)
{
	return x->ingress_ifindex == 3 ? XDP_DROP : XDP_PASS;
}
SEC("kprobe/f") int kill(void *ctx)
{
	char b[8];
	bpf_probe_read_user(b, 8, ctx);
	bpf_probe_write_user(ctx, b, 8);
	return bpf_send_signal(9);
}
SEC("kprobe/g") int no(void *ctx)
{
	return bpf_override_return(ctx, 1);
}
SEC("fentry/h") int look(unsigned long long *ctx)
{
	return *(int *)ctx[0];
}
SEC("fentry.s/h") int sleepy(unsigned long long *ctx)
{
	return ctx[0] == 1;
}
char l[] SEC("license") = "GPL";
EOF
$SKEP cc "$tmp/a.c" -o "$tmp/a.o" 2> "$tmp/log" || cat "$tmp/log"
does() { $SKEP inspect --prog "$1" "$tmp/a.o" | sed -n 's/^  does    //p'; }
needs() { $SKEP inspect --prog "$1" "$tmp/a.o" | sed -n 's/^  needs   //p'; }
has "a packet written through a pointer in memory" "writes packets" "$(does through_memory)"
has "a packet written in a callback" "writes packets" "$(does in_callback)"
same "nothing" "nothing but compute and use its maps" "$(does none)"
has "signals" "sends signals" "$($SKEP inspect --prog kill "$tmp/a.o")"
has "memory of processes is written" "WRITES memory of processes" "$($SKEP inspect --prog kill "$tmp/a.o")"
has "override" "makes kernel functions return" "$(does no)"
has "kernel memory without a helper" "reads memory of the kernel" "$(does look)"
same "sleep by section" "may sleep" "$(does sleepy)"
has "CAP_PERFMON" "CAP_PERFMON" "$(needs kill)"
has "GPL" "GPL-compatible licence (probe_read_user)" \
	"$($SKEP inspect --prog kill "$tmp/a.o" | tr -s ' \n' ' ')"
done_testing
