#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# attach_faults.t: `skep attach` when a call to the kernel fails, each of them once, and
# when a signal comes, at any time: it ends with a status of its manual page and one
# error, and nothing of it stays: no program, link, pin, trace buffer, route, qdisc or
# process. Attaches to processes, a network name space and a cgroup of its own.
. test/tap.sh
needs "faults while attaching" unshare nsenter tc
export CLANG
why=$("$SKEP" run --on kernel examples/firewall/firewall.o examples/firewall/traffic.pcapng -q 2>&1) ||
	skip_all "$(printf '%s' "$why" | head -n 1)"
unshare -n true 2> /dev/null || skip_all "no network name space can be made here"
[ -z "${SAN-}" ] || skip_all "the sanitizers come before what is loaded before a program"
cc=${CC:-cc}
$cc -O1 -shared -fPIC -o "$tmp/inject.so" test/cli/inject.c -ldl 2> "$tmp/err" ||
	skip_all "no C compiler: $(head -n 1 "$tmp/err")"

$cc -O1 -o "$tmp/interrupt" test/cli/interrupt.c

cat > "$tmp/target.c" <<'X'
#include <stdlib.h>
#include <unistd.h>
__attribute__((noinline)) long work(long a) { __asm__ volatile("" : "+r"(a)); return a; }
int main(int argc, char **argv)
{
	work(argc);
	return argc > 1 ? (int)sleep(atoi(argv[1])) : 0;
}
X
target=target-$$	# a name that no other process has
$cc -O1 -g -o "$tmp/$target" "$tmp/target.c"
# object NAME TEXT
object()
{
	printf '%s\n' '#include <linux/bpf.h>' '#include <linux/ptrace.h>' \
		'#include <bpf/bpf_helpers.h>' '#include <bpf/bpf_tracing.h>' \
		'char _license[] SEC("license") = "GPL"; __u64 hits;' "$2" > "$tmp/$1.c"
	"$SKEP" cc "$tmp/$1.c" -o "$tmp/$1.o" > "$tmp/err" 2>&1 ||
		same "$1 compiles" "" "$(cat "$tmp/err")"
}
object probes 'struct event { __u32 n; } *unused;
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __type(key, int); __type(value, int); }
	buf SEC(".maps");
SEC("uprobe") int skep_f_up(struct pt_regs *ctx)
{
	struct event e = { hits++ };

	bpf_ringbuf_output(&events, &e, sizeof(e), 0);
	bpf_perf_event_output(ctx, &buf, BPF_F_CURRENT_CPU, &e, sizeof(e));
	bpf_printk("hit %d", e.n);
	return 0;
}
SEC("uretprobe") int skep_f_ur(struct pt_regs *ctx) { hits++; return 0; }'
object net 'SEC("xdp") int skep_f_xdp(struct xdp_md *ctx) { hits++; return XDP_PASS; }
SEC("tc") int skep_f_tc(struct __sk_buff *ctx) { hits++; return 0; }
SEC("sk_lookup") int skep_f_skl(struct bpf_sk_lookup *ctx) { hits++; return SK_PASS; }
SEC("lwt_out") int skep_f_lwt(struct __sk_buff *ctx) { hits++; return 0; }'
object cgroup 'struct { __uint(type, BPF_MAP_TYPE_SOCKMAP); __uint(max_entries, 4);
	__type(key, __u32); __type(value, __u32); } socks SEC(".maps");
SEC("cgroup/connect4") int skep_f_c4(struct bpf_sock_addr *ctx) { hits++; return 1; }
SEC("sockops") int skep_f_so(struct bpf_sock_ops *ctx) { hits++; return 1; }
SEC("sk_msg") int skep_f_sm(struct sk_msg_md *ctx) { hits++; return SK_PASS; }'
object events 'SEC("perf_event") int skep_f_pe(void *ctx) { hits++; return 0; }
SEC("tp/syscalls/sys_enter_getpgid") int skep_f_tp(void *ctx) { hits++; return 0; }
SEC("raw_tp/bpf_test_finish") int skep_f_rtp(void *ctx) { hits++; return 0; }'

# ---- nothing stays --------------------------------------------------------------------------
unshare -n sleep 1000 &
ns=$!
root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
cg=${root:+$root/skep-faults-$$}
{ [ -n "$cg" ] && mkdir "$cg" 2> /dev/null; } || cg=
trap 'kill $ns 2> /dev/null; [ -z "$cg" ] || rmdir "$cg" 2> /dev/null; rm -rf "$tmp"' EXIT
for t in 1 2 3 4 5 6 7 8 9 10; do
	[ "$(readlink /proc/$ns/ns/net)" != "$(readlink /proc/self/ns/net)" ] && break
	sleep 0.1
done
nsenter -t $ns -n ip link set lo up
on_net="$tmp/net.o --netns $ns --dev lo --at skep_f_xdp=generic --at skep_f_tc=clsact/ingress
	--at skep_f_lwt=10.7.0.0/16"

# left: what is left of the runs, a line each
left_now()
{
	"$SKEP" prog show 2> /dev/null | grep -o 'name skep_f_[a-z0-9]*'
	find /sys/fs/bpf -name '*skep_f_*' 2> /dev/null
	grep -l "$target" /proc/[0-9]*/cmdline 2> /dev/null
	nsenter -t $ns -n sh -c 'ip route show; tc qdisc show dev lo' | grep -E '10\.7\.|clsact'
	unshare -m sh -c "mount -t tracefs none /mnt && ls /mnt/instances" 2> /dev/null |
		sed -n 's/^skep-\([0-9]*\)-.*/\1/p' | sort -u | comm -12 - "$tmp/pids.sorted"
}

# What was told to end does so a moment later.
left()
{
	for l_try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		left_now > "$tmp/left"
		[ -s "$tmp/left" ] || break
		sleep 0.2
	done
	cat "$tmp/left"
}

# ---- each call that fails ---------------------------------------------------------------------
# ended NAME STATUS OUTPUT: a line of $tmp/runs about a run
ended()
{
	o_errors=$(grep -c 'error: ' "$3")
	o_ids=$(grep -c 'error: .*\[SKEP-E[0-9]*\]$' "$3")
	case $2:$o_errors:$o_ids in
	0:0:0) echo "well" >> "$tmp/runs" ;;
	[12]:1:1) echo "error $1 $(cat "$3")" >> "$tmp/runs" ;;
	*) echo "bad $1: status $2, $(cat "$3")" >> "$tmp/runs" ;;
	esac
	rm -f "$3"
}

# one CALL:N:ERRNO ARGUMENT...
one()
{
	o_what=$1
	shift
	INJECT=$o_what timeout -k 1 30 sh -c 'echo $$ >> "$0"
		exec env LD_PRELOAD="$@"' "$tmp/pids" "$tmp/inject.so" "$SKEP" attach "$@" \
		> "$tmp/out.$o_what" 2>&1
	ended "$o_what" $? "$tmp/out.$o_what"
}

# number of ERRNO, everywhere the same
number() { case $1 in EPERM) echo 1 ;; EINTR) echo 4 ;; EAGAIN) echo 11 ;; ENOMEM) echo 12 ;; esac; }

wait_runs() { for w_pid in $runs; do wait $w_pid; done; runs=; }

# each WIDTH WHAT CALL ARGUMENT...: each CALL of that run fails, with each of four errors;
# WIDTH runs at a time
each()
{
	e_width=$1 e_what=$2 e_call=$3
	shift 3
	INJECT=$e_call:0:0 INJECT_LOG=$tmp/calls LD_PRELOAD=$tmp/inject.so \
		"$SKEP" attach "$@" > "$tmp/out" 2>&1 || {
		tap_line 1 "$e_what: without faults" "$(cat "$tmp/out")"
		return
	}
	e_n=$(cat "$tmp/calls")
	for e_error in EINTR EAGAIN ENOMEM EPERM; do
		: > "$tmp/runs"
		: > "$tmp/pids"
		e_i=0 runs=
		while [ $((e_i += 1)) -le "$e_n" ]; do
			one $e_call:$e_i:$(number $e_error) "$@" &
			runs="$runs $!"
			[ $((e_i % e_width)) != 0 ] || wait_runs
		done
		wait_runs
		sort -u "$tmp/pids" > "$tmp/pids.sorted"
		e_name="$e_what: $e_error of each $e_call"
		same "$e_name: all runs have ended" "$e_n" "$(grep -c -E '^(well|error|bad)' "$tmp/runs")"
		same "$e_name: well or with one error" "" "$(sed -n '/^bad/,$p' "$tmp/runs")"
		[ $e_error != EINTR ] || same "$e_name: is called again" "" "$(grep -v well "$tmp/runs")"
		same "$e_name: nothing stays" "" "$(left)"
		[ -z "${VERBOSE-}" ] || sed 's/^/# /' "$tmp/runs"
	done
}

on_probes="$tmp/probes.o --at $tmp/$target:work -c"
each 8 "probes" bpf $on_probes "$tmp/$target"
each 8 "probes" perf $on_probes "$tmp/$target"
each 8 "probes" poll $on_probes "$tmp/$target"
each 8 "probes" read $on_probes "$tmp/$target"
each 1 "networks" bpf $on_net --duration 0
[ -z "$cg" ] || each 1 "cgroups" bpf "$tmp/cgroup.o" --cgroup "$cg" --duration 0
each 8 "events" bpf "$tmp/events.o" -c "$tmp/$target"
each 8 "events" perf "$tmp/events.o" -c "$tmp/$target"

# ---- signals ------------------------------------------------------------------------------------
# stopped SIGNAL MS ARGUMENT...: a run that gets SIGNAL after MS milliseconds. Before it has
# begun to attach, it ends as others do that are not prepared.
stopped()
{
	i_sig=$1 i_ms=$2
	shift 2
	"$tmp/interrupt" "$tmp/pids" $i_sig $i_ms "$SKEP" attach "$@" > "$tmp/out.$i_sig.$i_ms" 2>&1
	case $i_sig:$(tail -n 1 "$tmp/out.$i_sig.$i_ms") in
	*:"exit 0") ended "$i_sig after $i_ms" 0 "$tmp/out.$i_sig.$i_ms" ;;
	1:"signal 1" | 2:"signal 2" | 15:"signal 15" | 14:"signal 14") echo killed >> "$tmp/runs" ;;
	*) echo "bad $i_sig after $i_ms: $(cat "$tmp/out.$i_sig.$i_ms")" >> "$tmp/runs" ;;
	esac
}

# each_time WIDTH WHAT SIGNAL "MS..." ARGUMENT...
each_time()
{
	e_width=$1 e_name="$2, signal $3" e_sig=$3 e_times=$4 e_i=0 runs=
	shift 4
	: > "$tmp/runs"
	: > "$tmp/pids"
	for e_ms in $e_times; do
		stopped $e_sig $e_ms "$@" &
		runs="$runs $!"
		[ $(((e_i += 1) % e_width)) != 0 ] || wait_runs
	done
	wait_runs
	sort -u "$tmp/pids" > "$tmp/pids.sorted"
	same "$e_name: all runs have ended" $e_i "$(grep -c -E '^(well|killed|error|bad)' "$tmp/runs")"
	same "$e_name: with a status of the manual" "" "$(grep -v -e '^well$' -e '^killed$' "$tmp/runs")"
	[ $e_sig = 14 ] || same "$e_name: some had begun" yes "$(sed -n 's/well/yes/p' "$tmp/runs" | head -n 1)"
	same "$e_name: nothing stays" "" "$(left)"
	[ -z "${VERBOSE-}" ] || sed 's/^/# /' "$tmp/runs"
}
times="0 1 2 3 4 5 6 8 10 15 20 30 40 60 100 200"
for sig in 2 15 1; do	# SIGINT, SIGTERM, SIGHUP
	each_time 8 "probes" $sig "$times" $on_probes "$tmp/$target 20"
done
each_time 1 "networks" 2 "$times" $on_net
[ -z "$cg" ] || each_time 8 "cgroups" 2 "$times" "$tmp/cgroup.o" --cgroup "$cg"
each_time 8 "events" 2 "$times" "$tmp/events.o" -c "$tmp/$target 20"
each_time 8 "probes" 14 "$times" $on_probes "$tmp/$target 20"	# SIGALRM, which nobody waits for
each_time 4 "probes" 19 "1 2 5 10" $on_probes "$tmp/$target 20"	# stopped and continued
each_time 1 "networks" 19 "2 7" $on_net
done_testing
