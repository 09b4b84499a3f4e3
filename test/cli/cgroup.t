#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# cgroup.t: `skep cgroup`: programs of cgroups, shown, attached and detached; where
# bpftool is installed, its output and ours are the same. On cgroups that are made for
# it, in a mount name space of its own; pins are where nobody else sees them.
. test/tap.sh

status "a command that is none" 2 $SKEP cgroup shw
has "what it may mean" "did you mean 'skep cgroup show'?" "$($SKEP cgroup shw 2>&1)"
status "an empty word is no command" 2 $SKEP cgroup ''
status "no cgroup" 2 $SKEP cgroup show
has "what is missing" "the cgroup's folder is missing" "$($SKEP cgroup show 2>&1)"
status "no folder" 2 $SKEP cgroup show "$tmp/none"
has "which" "$tmp/none: error: the cgroup cannot be opened: No such file" "$($SKEP cgroup show "$tmp/none" 2>&1)"
has "a folder of another kind" "no folder of cgroup v2 [SKEP-E0971]" "$($SKEP cgroup show "$tmp" 2>&1)"
has "a tree of none" "no folder of cgroup v2" "$($SKEP cgroup tree "$tmp" 2>&1)"
has "an attach type that is none" "did you mean cgroup_inet_egress?" \
	"$($SKEP cgroup attach "$tmp" cgroup_inet_egrss id 1 2>&1)"
status "one of another place" 2 $SKEP cgroup attach "$tmp" xdp id 1
status "no type" 2 $SKEP cgroup attach "$tmp"
status "an empty type" 2 $SKEP cgroup attach "$tmp" '' id 1
has "errors as JSON" '{"error":"' "$($SKEP cgroup -j show "$tmp" 2>/dev/null)"
ln -s "$SKEP" "$tmp/bpftool"
has "under the name bpftool, with options that it has everywhere" "no folder of cgroup v2" \
	"$("$tmp/bpftool" -f -d cgroup show "$tmp" 2>&1)"
rm "$tmp/bpftool"
has "help" "skep cgroup attach CGROUP TYPE PROG [multi|override]" "$($SKEP cgroup help)"

needs "bpftool says the same" bpftool
export CLANG
cat > "$tmp/p.c" <<'EOF2'
SEC("cgroup_skb/egress") int out(struct __sk_buff *s) { return 1; }
SEC("cgroup_skb/egress") int a_name_longer_than_fifteen(struct __sk_buff *s) { return 1; }
SEC("cgroup_skb/ingress") int in(struct __sk_buff *s) { return 1; }
SEC("cgroup/connect4") int conn(struct bpf_sock_addr *s) { return 1; }
SEC("cgroup/getsockopt") int opt(struct bpf_sockopt *s) { return 1; }
SEC("sockops") int ops(struct bpf_sock_ops *s) { return 1; }
SEC("cgroup/dev") int dev(struct bpf_cgroup_dev_ctx *s) { return 1; }
SEC("cgroup/sock_release") int rel(struct bpf_sock *s) { return 1; }
char _license[] SEC("license") = "GPL";
EOF2
cat > "$tmp/l.c" <<'EOF2'
SEC("cgroup/connect4") int lconn(struct bpf_sock_addr *s) { return 1; }
char _license[] SEC("license") = "GPL";
EOF2
ok "compiles" $SKEP cc "$tmp/p.c" -o "$tmp/p.o"
ok "compiles what is attached by a link" $SKEP cc "$tmp/l.c" -o "$tmp/l.o"
cat > "$tmp/both" <<'EOF2'
cd "$1" || exit 78
mkdir -p pins && mount -t bpf bpf pins && mount -t cgroup2 none /mnt || exit 77
cg=/mnt/skep-cgroup-$$
mkdir -p $cg/sub/deep || exit 77
trap '[ -z "$pid" ] || kill $pid 2>/dev/null; wait; rmdir $cg/sub/deep $cg/sub $cg' EXIT
pid=
bpftool prog loadall p.o pins/p >/dev/null || exit 78
skep() { "$SKEP" cgroup "$@"; }
skep attach $cg cgroup_inet_egress pinned pins/p/out multi || echo failed
skep attach $cg egress pinned pins/p/a_name_longer_than_fifteen multi || echo failed
skep attach $cg/sub cgroup_inet_ingress pinned pins/p/in override || echo failed
skep attach $cg/sub/deep cgroup_inet_egress pinned pins/p/out multi || echo failed
skep attach $cg/sub/deep cgroup_sock_ops pinned pins/p/ops || echo failed
skep attach $cg/sub cgroup_inet_sock_rel pinned pins/p/rel multi || echo failed
skep attach $cg/sub cgroup_device pinned pins/p/dev multi || echo failed
bpftool cgroup attach $cg/sub cgroup_getsockopt pinned pins/p/opt multi || echo failed
"$SKEP" attach l.o --cgroup $cg/sub >attached 2>&1 &
pid=$!
attached 1
for form in "" -j -jp; do
	for args in "show $cg" "show $cg/sub" "list $cg/sub effective" "show $cg/sub/deep" \
		"show $cg/sub/deep effective" "tree $cg" "tree $cg effective"; do
		bpftool $form cgroup $args >theirs 2>&1
		skep $form $args >ours 2>&1 || echo "status: $args"
		cmp -s theirs ours || { echo "differs: cgroup $form $args"; diff theirs ours; }
	done
done
skep -j tree | grep -q "{\"cgroup\":\"[^\"]*/skep-cgroup-$$/sub/deep\",\"programs\":\[{" || echo "not in the tree of all"
echo "== own"
skep attach $cg cgroup_inet_egress pinned pins/p/out 2>&1 | grep -o "Operation not permitted.*"
skep attach $cg cgroup_inet_egress pinned pins/p/out 2>&1 | grep -o "multi shares it"
skep attach $cg cgroup_inet_egress pinned pins/p/conn multi 2>&1 | grep -o "another type is not attached as cgroup_inet_egress"
skep attach $cg cgroup_inet_egress pinned pins/p/out multi override 2>&1 | grep -o "exclude each other"
skep attach $cg cgroup_inet_egress pinned pins/p/out many 2>&1 | grep -o "'many' is neither multi nor override"
skep detach $cg cgroup_inet_egress pinned pins/p/in 2>&1 | grep -o "No such file.*"
skep detach $cg/sub connect4 pinned pins/p/conn 2>&1 | grep -o "or by a link, which .skep link detach. detaches"
skep detach $cg cgroup_inet_egress pinned pins/p/out now 2>&1 | grep -o "'now' is one word too many"
skep show $cg effectively 2>&1 | grep -o "'effectively' is one word too many"
skep -j detach $cg cgroup_inet_egress pinned pins/p/out
skep detach $cg egress pinned pins/p/a_name_longer_than_fifteen && echo detached
skep show $cg && skep -j show $cg
EOF2
apart "bpftool says the same" -m "$tmp/both"
same "bpftool says the same" "" "$(printf '%s\n' "$out" | sed '/^== own$/,$d')"
same "attaching, detaching, what is wrong" "Operation not permitted [SKEP-E0970]
multi shares it
another type is not attached as cgroup_inet_egress
exclude each other
'many' is neither multi nor override
No such file or directory [SKEP-E0970]
or by a link, which \`skep link detach\` detaches
'now' is one word too many
'effectively' is one word too many
null
detached
[]" "$(printf '%s\n' "$out" | sed -n '/^== own$/,$p' | sed 1d)"
done_testing
