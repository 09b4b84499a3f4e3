#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# link.t: `skep link`: links of the running kernel, shown, pinned and detached; where
# bpftool is installed, its output and ours are the same. All are in a name space of
# their own, and on a cgroup that is made for them; the end of `skep attach` detaches.
. test/tap.sh

status "a command that is none" 2 $SKEP link detch
has "what it may mean" "did you mean 'skep link detach'?" "$($SKEP link detch 2>&1)"
status "no link" 2 $SKEP link detach
has "which ways there are to name one" "id N or pinned FILE" "$($SKEP link detach 2>&1)"
has "links have no names" "there are id and pinned" "$($SKEP link show name x 2>&1)"
has "help" "skep link detach LINK" "$($SKEP link help)"

needs "bpftool says the same" bpftool python3
export CLANG
cat > "$tmp/links.c" <<'EOF2'
SEC("cgroup_skb/egress") int out(struct __sk_buff *s) { return 1; }
SEC("cgroup/connect4") int conn(struct bpf_sock_addr *s) { return 1; }
SEC("sk_lookup") int look(struct bpf_sk_lookup *s) { return 1; }
SEC("flow_dissector") int flow(struct __sk_buff *s) { return 0; }
SEC("xdp") int touch(struct xdp_md *s) { return 2; }
SEC("tcx/ingress") int tcx(struct __sk_buff *s) { return 0; }
char _license[] SEC("license") = "GPL";
EOF2
cat > "$tmp/iter.c" <<'EOF2'
SEC("iter/task") int tasks(void *s) { return 0; }
char _license[] SEC("license") = "GPL";
EOF2
ok "compiles" $SKEP cc "$tmp/links.c" -o "$tmp/links.o"
ok "compiles the iterator" $SKEP cc "$tmp/iter.c" -o "$tmp/iter.o"
cat > "$tmp/both" <<'EOF2'
cd "$1" || exit 78
mkdir -p pins && mount -t bpf bpf pins && mount -t cgroup2 none /mnt || exit 77
ip link set lo up || exit 77
cgroup=/mnt/skep-link-$$
mkdir $cgroup || exit 77
"$SKEP" attach links.o --dev lo --cgroup $cgroup >attached 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null; wait $pid; rmdir $cgroup' EXIT
attached 6
bpftool iter pin iter.o pins/iter >/dev/null || exit 78
ids=$(for f in /proc/$pid/fdinfo/*; do sed -n 's/^link_id:[^0-9]*//p' $f; done)
one=
for id in $ids; do
	type=$("$SKEP" link -j show id $id | sed 's/.*"type":"//; s/".*//')
	case $type in
	cgroup) one=$id ;;
	xdp | tcx) "$SKEP" link show id $id | sed "s/^$id: /ID: /; s/prog [0-9]*/prog N/; s/  \$//" >>devices
		"$SKEP" link -j show id $id | sed 's/"prog_id":[0-9]*,//; s/"id":[0-9]*,//' >>devices
		continue ;;	# of which older ones of bpftool say less
	esac
	for form in "" -j -jp; do
		bpftool $form link show id $id >theirs 2>&1
		"$SKEP" link $form show id $id >ours 2>&1
		cmp -s theirs ours && continue
		echo "differs: link $form show id $id"
		diff theirs ours
	done
done
for form in "" -j -jp -f -jf; do
	bpftool $form link show pinned pins/iter >theirs 2>&1
	"$SKEP" link $form show pinned pins/iter >ours 2>&1
	cmp -s theirs ours && continue
	echo "differs: link $form show pinned"
	diff theirs ours
done
echo "== own"
LC_ALL=C sort devices
"$SKEP" link -j show | grep -c "\"id\":$one,\"type\":\"cgroup\""
"$SKEP" link pin id $one pins/link && "$SKEP" link show pinned pins/link | grep -c "^$one: cgroup"
"$SKEP" link -j pin id $one pins/link | grep -o 'File exists'
"$SKEP" link -j detach pinned pins/link
"$SKEP" link show id $one | grep -o 'cgroup_id 0'
"$SKEP" link detach pinned pins/iter 2>&1 | grep -o 'is not detached'
"$SKEP" link show id 4294967294 2>&1 | grep -o 'the kernel has no link with id 4294967294'
"$SKEP" prog show pinned pins/link 2>&1 | grep -o 'a link is pinned there, not a program'
EOF2
apart "bpftool says the same" -mn "$tmp/both"
same "bpftool says the same" "" "$(printf '%s\n' "$out" | sed '/^== own$/,$d')"
same "devices, pins, detaching, what is wrong" "	ifindex lo(1)
	ifindex lo(1)  attach_type tcx_ingress
ID: tcx  prog N
ID: xdp  prog N
{\"type\":\"tcx\",\"devname\":\"lo\",\"ifindex\":1,\"attach_type\":\"tcx_ingress\"}
{\"type\":\"xdp\",\"devname\":\"lo\",\"ifindex\":1}
1
1
File exists
null
cgroup_id 0
is not detached
the kernel has no link with id 4294967294
a link is pinned there, not a program" "$(printf '%s\n' "$out" | sed -n '/^== own$/,$p' | sed 1d)"
done_testing
