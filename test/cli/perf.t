#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# perf.t: `skep perf`: programs on events of perf; where bpftool is installed, its output
# and ours are the same. In a process name space of its own, where only its own
# processes are; programs are on that of the test alone.
. test/tap.sh

status "a command that is none" 2 $SKEP perf shw
status "a word too many" 2 $SKEP perf show now
has "help" "skep perf show" "$($SKEP perf help)"

needs "bpftool says the same" bpftool
export CLANG
cat > "$tmp/p.c" <<'EOF2'
SEC("tracepoint/syscalls/sys_enter_getpgid") int tp(void *s) { return 0; }
SEC("raw_tp/sys_enter") int raw(void *s) { return 0; }
SEC("uprobe") int up(void *s) { return 0; }
SEC("uretprobe") int ret(void *s) { return 0; }
SEC("perf_event") int ticks(void *s) { return 0; }
char _license[] SEC("license") = "GPL";
EOF2
ok "compiles" $SKEP cc "$tmp/p.c" -o "$tmp/p.o"
cat > "$tmp/both" <<'EOF2'
cd "$1" || exit 78
mount -t proc proc /proc || exit 77
echo "nothing: $("$SKEP" perf -j)$("$SKEP" perf)"
"$SKEP" attach p.o -p $$ --at up="$SKEP:main" --at ret="$SKEP:main" \
	--at ticks=cpu-clock@10hz >attached 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null; wait' EXIT
attached 5
for form in "" -j -jp; do
	bpftool $form perf show >theirs
	"$SKEP" perf $form list >ours || echo failed
	cmp -s theirs ours || { echo "differs: perf $form"; diff theirs ours; }
done
"$SKEP" perf | sed 's/.*prog_id [0-9]* *//; s/ *filename .*//'
EOF2
apart "bpftool says the same" -mpf "$tmp/both"
same "bpftool says the same" "nothing: []
tracepoint  sys_enter_getpgid
raw_tracepoint  sys_enter
uprobe
uretprobe" "$out"
done_testing
