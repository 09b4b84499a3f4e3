#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# netact.t: `skep net show` of filters with actions, as bpftool shows them. Of kernels that
# have actions which are programs (act_bpf): the emulated machine's (make check-vm). In a
# network name space of its own.
. test/tap.sh
needs "actions" bpftool tc ip unshare
export CLANG
cat > "$tmp/p.c" <<'EOF2'
SEC("classifier") int cls(struct __sk_buff *s) { return 0; }
SEC("action") int act(struct __sk_buff *s) { return 0; }
char _license[] SEC("license") = "GPL";
EOF2
ok "compiles" $SKEP cc "$tmp/p.c" -o "$tmp/p.o"
cat > "$tmp/both" <<'EOF2'
cd "$1" || exit 78
for dir in /usr/sbin /sbin; do	# a shell may have a smaller one of its own
	[ ! -x $dir/tc ] || tc=$dir/tc
done
mkdir -p pins && mount -t bpf bpf pins && ip link set lo up || exit 77
"$SKEP" prog loadall p.o pins || exit 78
$tc qdisc add dev lo clsact || exit 78
$tc filter add dev lo ingress bpf object-pinned pins/cls action bpf object-pinned pins/act ||
	{ echo "this kernel has no actions that are programs" >why; cat why >&2; exit 77; }
$tc filter add dev lo ingress bpf object-pinned pins/cls action bpf object-pinned pins/act pipe \
	action bpf object-pinned pins/act
$tc filter add dev lo egress bpf da object-pinned pins/cls
for args in "show" "show dev lo"; do
	bpftool net $args >theirs
	"$SKEP" net $args | sed '/^netfilter:/,$d' >ours
	sed -i '${/^$/d}' theirs
	sed -i '${/^$/d}' ours
	sed -i '${/^$/d}' ours
	cmp -s theirs ours || { echo "differs: net $args"; diff theirs ours; }
	bpftool -j net $args | sed 's/.*"tc":\(.*\),"flow_dissector.*/\1/' >theirs
	"$SKEP" net -j $args | sed 's/.*"tc":\(.*\),"flow_dissector.*/\1/' >ours
	cmp -s theirs ours || { echo "differs: net -j $args"; diff theirs ours; }
done
"$SKEP" net show dev lo | sed -n 's/.*\(act \[.*\] \)$/\1/p' | sed 's/id [0-9]*/id N/g; s/{[^ ]*/{NAME/g; s/ $//' | sort
EOF2
apart "actions" -mn "$tmp/both"
same "actions that are programs, as bpftool has them" "act [{NAME id N}]
act [{NAME id N}{NAME id N}]" "$out"
done_testing
