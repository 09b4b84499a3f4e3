#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# net.t: `skep net`: programs of network devices, shown, attached and detached; where
# bpftool is installed, its output and ours are the same, but for what that one does not
# know. In a network name space of its own.
. test/tap.sh

status "a command that is none" 2 $SKEP net shw
status "no device" 2 $SKEP net show dev
has "which way there is to name one" "dev NAME, not 'lo'" "$($SKEP net show lo 2>&1)"
has "a device that is not there" "no network device 'none' [SKEP-E0971]" "$($SKEP net show dev none 2>&1)"
status "a word too many" 2 $SKEP net show dev lo now
has "a type that is none" "did you mean xdpdrv?" "$($SKEP net attach xdpdrf id 1 dev lo 2>&1)"
status "no type" 2 $SKEP net attach
status "no program" 2 $SKEP net attach xdp
status "an empty type" 2 $SKEP net detach '' dev lo
has "help" "skep net attach TYPE PROG dev NAME [overwrite|prepend]" "$($SKEP net help)"

needs "bpftool says the same" bpftool tc ip python3
export CLANG
cat > "$tmp/p.c" <<'EOF2'
SEC("xdp") int touch(struct xdp_md *s) { return 2; }
SEC("tc") int cls(struct __sk_buff *s) { return 0; }
SEC("classifier/one") int one(struct __sk_buff *s) { return -1; }
SEC("classifier/two") int two(struct __sk_buff *s) { return -1; }
SEC("classifier/three") int a_name_longer_than_fifteen(struct __sk_buff *s) { return -1; }
SEC("flow_dissector") int flow(struct __sk_buff *s) { return 0; }
char _license[] SEC("license") = "GPL";
EOF2
cat > "$tmp/l.c" <<'EOF2'
struct bpf_nf_ctx;
SEC("tcx/egress") int tcx(struct __sk_buff *s) { return -1; }
SEC("netfilter") int nf(struct bpf_nf_ctx *s) { return 1; }
char _license[] SEC("license") = "GPL";
EOF2
ok "compiles" $SKEP cc "$tmp/p.c" -o "$tmp/p.o"
ok "compiles what is attached by links" $SKEP cc "$tmp/l.c" -o "$tmp/l.o"

# bpftool's, made JSON: its flow dissector is a member of an array; and what it lacks.
cat > "$tmp/same.py" <<'EOF2'
import json, re, sys
theirs = json.loads(re.sub(r'\["id":(\d+)\]', r'[{"id":\1}]', open('theirs').read()))
ours = json.load(open('ours'))
assert [type(x) for x in ours] == [dict] and len(ours) == 1
netfilter = ours[0].pop('netfilter')
tc = ours[0]['tc']
ours[0]['tc'] = [x for x in tc if not x['kind'].startswith('tcx/')]
print('same' if theirs == ours and list(theirs[0]) == list(ours[0]) else (theirs, ours))
EOF2
cat > "$tmp/both" <<'EOF2'
cd "$1" || exit 78
mkdir -p pins && mount -t bpf bpf pins && ip link set lo up || exit 77
ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up || exit 77
"$SKEP" prog loadall p.o pins || exit 78	# bpftool 7.1 knows no section "classifier/one"
skep() { "$SKEP" net "$@"; }
xdp=pins/touch
skep attach xdp pinned $xdp dev v0 || echo failed
skep attach xdpgeneric pinned $xdp dev v1 || echo failed
skep attach xdpdrv pinned $xdp dev v0 overwrite || echo failed
skep attach xdpdrv pinned $xdp dev v0 2>&1 | grep -o 'the kernel says: XDP program already attached'
tc qdisc add dev lo clsact || exit 78
tc filter add dev lo ingress bpf da object-pinned pins/cls || exit 78
tc filter add dev lo ingress bpf da object-pinned pins/cls classid 1:1
tc filter add dev lo egress bpf object-pinned pins/cls
tc qdisc add dev v1 root handle 1: htb
tc class add dev v1 parent 1: classid 1:1 htb rate 1mbit
tc filter add dev v1 parent 1:1 bpf object-pinned pins/cls classid 1:10
bpftool prog attach pinned pins/flow flow_dissector || exit 78
for args in "show" "show dev lo" "list dev v0" "show dev v1"; do
	bpftool net $args >theirs
	skep $args | sed '/^netfilter:/,$d' >ours
	tail -n 1 ours | grep -q . && echo "no empty line: $args"
	sed -i '$d' ours	# before netfilter
	sed -i '${/^$/d}' theirs
	sed -i '${/^$/d}' ours
	cmp -s theirs ours || { echo "differs: net $args"; diff theirs ours; }
	for form in -j -jp; do
		bpftool $form net $args >theirs
		skep $form $args >ours
		tr -d ' \n' <theirs >compact && mv compact theirs
		result=$(python3 same.py)
		[ "$result" = same ] || { echo "differs: net $form $args"; echo "$result"; }
	done
done
echo "== own"
"$SKEP" attach l.o --dev lo --at nf=ip/input >attached 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null; wait' EXIT
attached 2
skep attach tcx_ingress pinned pins/one dev v0 && skep attach tcx_ingress pinned pins/two dev v0
skep attach tcx_ingress pinned pins/a_name_longer_than_fifteen dev v0 prepend
list() { skep show dev $1 | sed -n 's/prog_id [0-9]*/prog_id N/; s/link_id [0-9]*/link_id N/; /tcx/s/ *$//p'; }
list v0
list lo
skep -j show dev lo | grep -o '"kind":"tcx/egress","name":"tcx","prog_id":[0-9]*,"prog_flags":\[\],"link_id":[0-9]*,"link_flags":\[\]' |
	sed 's/:[0-9][0-9]*/:N/g'
skep show | sed -n 's/prog_id [0-9]*/prog_id N/; /ip input prio/p' | head -n 1
skep -j | grep -o '"netfilter":\[{"pf":2,"hook":1,"prio":-128,"flags":0,"id":' | head -n 1
skep detach tcx_ingress dev v0 && list v0
skep detach tcx_ingress pinned pins/one dev v0 && list v0
skep detach tcx_egress dev lo 2>&1 | grep -o 'links are detached by .skep link detach.'
skep attach tcx_egress pinned pins/two dev lo overwrite 2>&1 | grep -o 'none is overwritten'
skep attach xdp pinned $xdp dev lo prepend 2>&1 | grep -o 'before which none can be'
skep attach xdp pinned pins/cls dev lo 2>&1 | grep -o 'Invalid argument.*'
skep attach xdpoffload pinned $xdp dev lo 2>&1 | grep -o 'Operation not supported.*'
skep -j attach xdp pinned $xdp dev lo
skep detach xdp dev lo && skep detach xdpgeneric dev v1 && skep detach xdpdrv dev v0 && echo detached
skep show dev v0 | sed -n 2p
EOF2
apart "bpftool says the same" -mn "$tmp/both"
same "bpftool says the same" "the kernel says: XDP program already attached" \
	"$(printf '%s\n' "$out" | sed '/^== own$/,$d')"
same "tcx, netfilter, detaching, what is wrong" "v0(3) tcx/ingress a_name_longer_than_fifteen prog_id N
v0(3) tcx/ingress one prog_id N
v0(3) tcx/ingress two prog_id N
lo(1) tcx/egress tcx prog_id N link_id N
\"kind\":\"tcx/egress\",\"name\":\"tcx\",\"prog_id\":N,\"prog_flags\":[],\"link_id\":N,\"link_flags\":[]
	ip input prio -128 prog_id N
\"netfilter\":[{\"pf\":2,\"hook\":1,\"prio\":-128,\"flags\":0,\"id\":
v0(3) tcx/ingress a_name_longer_than_fifteen prog_id N
v0(3) tcx/ingress one prog_id N
v0(3) tcx/ingress a_name_longer_than_fifteen prog_id N
links are detached by \`skep link detach\`
none is overwritten
before which none can be
Invalid argument [SKEP-E0970]
Operation not supported [SKEP-E0970]
null
detached" "$(printf '%s\n' "$out" | sed -n '/^== own$/,$p' | sed 1d)"
done_testing
