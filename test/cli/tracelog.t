#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# tracelog.t: `skep prog tracelog`: what programs print, in the form of trace_pipe and as
# fields; the trace buffer that it makes goes when it ends, also when it is killed.
. test/tap.sh

status "a word too many" 2 $SKEP prog tracelog x
why=
command -v jq >/dev/null || why="no jq"
command -v bpftool >/dev/null || why="no bpftool"
if [ -n "$why" ] || [ -z "${CLANG-}" ]; then
	skip "lines" "${why:-no clang}"
	done_testing
	exit
fi
export CLANG
cat > "$tmp/say.c" <<EOF2
SEC("tc") int say(struct __sk_buff *s) { bpf_printk("skt$$ len %d", s->len); return 1; }
char _license[] SEC("license") = "GPL";
EOF2
cat > "$tmp/go" <<'EOF2'
cd "$1" || exit 78
mkdir -p m && mount -t bpf bpf m || exit 77
"$SKEP" prog load say.c m/say || exit 78
head -c 60 /dev/zero >in
event=events/bpf_trace/bpf_trace_printk/enable
log() # SIGNAL FORM
{
	"$SKEP" prog $2 tracelog >log 2>&1 &
	pid=$!
	for i in $(seq 100); do
		cat /sys/kernel/tracing/instances/skep-$pid-*/$event \
			/sys/kernel/debug/tracing/instances/skep-$pid-*/$event 2>/dev/null |
			grep -q 1 && break
		sleep 0.1
	done
	"$SKEP" prog run pinned m/say data_in in >/dev/null
	"$SKEP" prog run pinned m/say data_in in >/dev/null
	for i in $(seq 100); do
		[ "$(grep -o "$name" log | grep -c .)" = 2 ] && break
		sleep 0.1
	done
	kill -$1 $pid
	wait $pid
	echo "status $?"
	for i in $(seq 50); do
		ls /sys/kernel/tracing/instances /sys/kernel/debug/tracing/instances 2>/dev/null |
			grep -q "^skep-$pid-" || break
		sleep 0.1
	done
	ls /sys/kernel/tracing/instances /sys/kernel/debug/tracing/instances 2>/dev/null |
		grep -c "^skep-$pid-"
}
name=$2
# an error before Linux 6.17
echo "stream [$("$SKEP" prog tracelog stdout pinned m/say 2>/dev/null)]" \
	"$("$SKEP" prog -j tracelog stderr pinned m/say | sed 's/^{"error.*/""/')"
"$SKEP" prog tracelog stdout id 4294967294 2>/dev/null
echo "none $?"
"$SKEP" prog tracelog >log 2>&1 &
pid=$!
sleep 0.3
kill -0 $pid 2>/dev/null || { cat log >&2; exit 78; }
kill -INT $pid
wait $pid
echo "quiet $?"
log INT ""
# the kernel may have forgotten what the process is called: <...>
grep -c "^ *\(skep\|<\.\.\.>\)-[0-9]* *\[[0-9]\{3\}\] [^ ]\{5,\}  *[0-9]*\.[0-9]\{6\}: bpf_trace_printk: $name len 60$" log
log TERM -j
jq -c "map(select(.text | startswith(\"$name\"))) | map([(.comm | sub(\"<...>\"; \"skep\")), .text, (.pid | type), (.cpu | type),
	(.time | type), (.flags | type)])" log
log KILL ""
EOF2
out=$(unshare -m sh "$tmp/go" "$tmp" "skt$$" 2>"$tmp/why")
case $? in
77 | 78)
	skip "lines" "$(head -n 1 "$tmp/why")"
	done_testing
	exit ;;
esac
same "lines, fields, ends" "stream [] \"\"
none 2
quiet 0
status 0
0
2
status 0
0
[[\"skep\",\"skt$$ len 60\",\"number\",\"number\",\"number\",\"string\"],[\"skep\",\"skt$$ len 60\",\"number\",\"number\",\"number\",\"string\"]]
status 137
0" "$out"
done_testing
