#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# attachk.t: `skep attach` of programs on functions of the kernel, which not every system
# allows, and what older kernels have in place of links. Needs no C compiler, so that it
# runs in the emulated machine, too. What is looked at are system calls of this test,
# though Linux calls these programs for all processes: for a moment each.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
export CLANG
why=$("$SKEP" run --on kernel examples/firewall/firewall.o examples/firewall/traffic.pcapng -q 2>&1) ||
	skip_all "$(printf '%s' "$why" | head -n 1)"

# object TEXT: $tmp/prog.o
object()
{
	printf '%s\n' '#include <linux/bpf.h>' '#include <linux/ptrace.h>' \
		'#include <bpf/bpf_helpers.h>' '#include <bpf/bpf_tracing.h>' \
		'char _license[] SEC("license") = "GPL"; __u64 hits; __s64 seen;' \
		"$1" > "$tmp/prog.c"
	"$SKEP" cc "$tmp/prog.c" -o "$tmp/prog.o" > "$tmp/err" 2>&1 ||
		same "compiles" "" "$(cat "$tmp/err")"
}

attach() { timeout 60 "$SKEP" attach --maps "$@" 2>&1; }

# fires WHAT ARGUMENT...: at least once; skipped where the kernel has no such thing
fires()
{
	f_what=$1
	shift
	f_out=$(attach "$tmp/prog.o" "$@")
	f_n=$(printf '%s' "$f_out" | sed -n 's/.*hits: \([0-9]*\).*/\1/p')
	if [ "${f_n:-0}" -ge 1 ]; then
		tap_line 0 "$f_what"
		return
	fi
	case $f_out in
	*"is not sleepable"* | *"can be sleepable"* | *"has no kprobes"* | *"a rule of this system"* | *"needs Linux"* | *"kernel was built without"* | \
		*"no Linux up to"* | *"may be loaded here"* | *"Operation not permitted"* | \
		*"cannot be read"*)
		skip "$f_what" "$(printf '%s' "$f_out" | grep -m 1 error:)" ;;
	*) tap_line 1 "$f_what" "$f_out" ;;
	esac
}

# traced SECTION [BODY]: a program that counts opened files
traced()
{
	object "SEC(\"$1\") int skep_t_k(void *ctx) { hits++; return 0; }"
	fires "$1" -c "cat /proc/self/comm"
}
traced kprobe/vfs_open
traced kretprobe/vfs_open
traced kprobe/vfs_open+0
traced ksyscall/openat
traced kretsyscall/openat
traced kprobe.multi/vfs_open
traced "kprobe.multi/vfs_o*"
traced kretprobe.multi/vfs_open
traced kprobe.session/vfs_open
traced fentry/vfs_open
traced fexit/vfs_open
traced fmod_ret/security_file_open
traced lsm/file_open
traced lsm.s/file_open
traced fentry.s/__x64_sys_openat
traced fexit.s/__x64_sys_openat
traced fmod_ret.s/__x64_sys_openat
traced fsession/vfs_open
traced fsession.s/__x64_sys_openat
traced tp.s/syscalls/sys_enter_openat
traced tracepoint.s/syscalls/sys_exit_openat
traced raw_tp.s/sys_enter
traced raw_tracepoint.s/sys_enter
traced tp_btf.s/sys_enter
# Functions that Linux calls when a program is tested, and that programs which may sleep
# can be attached to where no others can be made to fail.
object 'SEC("fentry/bpf_fentry_test1") int skep_t_test(void *ctx) { return 0; }'
cp "$tmp/prog.o" "$tmp/test.o"
"$SKEP" attach --json "$tmp/test.o" > "$tmp/json" 2> /dev/null &
test=$!
for t in 1 2 3 4 5 6 7 8 9 10; do
	[ -s "$tmp/json" ] || ! kill -0 $test 2> /dev/null || sleep 0.5
done
id=$(sed -n 's/.*"prog_id": \([0-9]*\).*/\1/p' "$tmp/json")
for kind in fentry.s fexit.s fmod_ret.s; do
	object "SEC(\"$kind/bpf_fentry_test1\") int skep_t_k(void *ctx) { hits++; return 0; }"
	fires "$kind, in a test run" -c "$SKEP prog run id ${id:-0} repeat 1"
done
kill $test 2> /dev/null
wait $test 2> /dev/null
# In a cgroup of the test's own, which nobody else sees mounted.
object 'SEC("lsm_cgroup/socket_post_create") int skep_t_k(void *ctx) { hits++; return 1; }'
cat > "$tmp/incg" <<X
#!/bin/sh
echo \$\$ > /mnt/skep-attachk-$$/cgroup.procs
exec ip link show lo
X
chmod +x "$tmp/incg"
cat > "$tmp/cg" <<X
mount -t cgroup2 none /mnt && mkdir /mnt/skep-attachk-$$ || exit 1
timeout 60 "$SKEP" attach --maps "$tmp/prog.o" --cgroup /mnt/skep-attachk-$$ -c "$tmp/incg"
for t in 1 2 3 4 5 6 7 8 9 10; do
	rmdir /mnt/skep-attachk-$$ 2> /dev/null && break
	sleep 0.5
done
X
attach() { unshare -m sh "$tmp/cg" 2>&1; }
mkdir -p /mnt 2> /dev/null
fires lsm_cgroup/socket_post_create
attach() { timeout 60 "$SKEP" attach --maps "$@" 2>&1; }
object 'SEC("kprobe/skep_no_such_function") int skep_t_k(void *ctx) { return 0; }'
status "a function that is not there" 2 "$SKEP" attach "$tmp/prog.o" --duration 0
object 'SEC("kprobe") int skep_t_k(void *ctx) { return 0; }'
has "no function" "is not FUNCTION[+OFFSET]" "$(attach "$tmp/prog.o" --duration 0)"
object 'SEC("kprobe/vfs_open") int skep_t_k(void *ctx) { bpf_printk("opened %d", 7); return 0; }'
out=$(attach "$tmp/prog.o" -c "cat /proc/self/comm")
case $out in
*"has no kprobes"*) skip "what a kprobe prints" "no kprobes" ;;
*) has "what a kprobe prints" ": opened 7" "$out" ;;
esac
object 'SEC("tp/syscalls/sys_enter_openat") int skep_t_k(void *ctx) { bpf_printk("opened %d", 8); return 0; }'
out=$(attach "$tmp/prog.o" -c "cat /proc/self/comm")
has "what a program on a tracepoint prints" ": opened 8" "$out"

# What has no link before 6.6 is a filter, by netlink.
object 'SEC("tc") int skep_t_k(struct __sk_buff *ctx) { hits++; return 0; }'
if unshare -n true 2> /dev/null; then
	unshare -n sleep 100 &
	ns=$!
	sleep 1
	nsenter=$(command -v nsenter || echo "busybox nsenter")
	ping="$nsenter -t $ns -n $(command -v ping || echo "busybox ping") -c 1 127.0.0.1"
	$nsenter -t $ns -n ip link set lo up
	fires "tc" --netns $ns --dev lo -c "$ping"
	fires "a filter of clsact" --netns $ns --dev lo --at clsact/egress \
		-c "$ping"
	object 'SEC("xdp") int skep_t_k(struct xdp_md *ctx) { hits++; return XDP_PASS; }'
	fires "XDP" --netns $ns --dev lo -c "$ping"
	object 'SEC("sk_lookup") int skep_t_k(struct bpf_sk_lookup *ctx) { hits++; return SK_PASS; }'
	has "sk_lookup" "attached: skep_t_k: sk_lookup" "$(attach "$tmp/prog.o" --netns $ns --duration 0)"
	object 'SEC("tcx/ingress") int skep_t_k(struct __sk_buff *ctx) { hits++; return 0; }'
	fires "tcx" --netns $ns --dev lo -c "$ping"
	if $nsenter -t $ns -n ip link add skepk type netkit 2> /dev/null; then
		peer=$($nsenter -t $ns -n ip link show skepk | sed -n 's/.*skepk@\([^:]*\):.*/\1/p')
		$nsenter -t $ns -n ip addr add 10.9.8.1/24 dev skepk
		$nsenter -t $ns -n ip addr add 10.9.9.1/24 dev $peer
		$nsenter -t $ns -n ip link set $peer up
		$nsenter -t $ns -n ip link set skepk up
		for way in primary:10.9.8.2 peer:10.9.9.2; do	# what is sent there passes it
			object "SEC(\"netkit/${way%:*}\") int skep_t_k(struct __sk_buff *ctx) { hits++; return 0; }"
			fires "netkit/${way%:*}" --netns $ns --dev skepk \
				-c "${ping% *} -W 1 ${way#*:}"
		done
	else
		skip netkit "kernel $(uname -r) has no netkit"
	fi
	object 'SEC("tcx/ingress") int skep_t_k(struct __sk_buff *ctx) { hits++; return 0; }'
	fires "a command in the name space" --netns $ns --dev lo \
		-c "$(command -v ping || echo "busybox ping") -c 1 127.0.0.1"
	kill $ns
	wait $ns 2> /dev/null
else
	skip "programs of networks" "no network name space can be made here"
fi
# A function of a program that runs is replaced, and traced.
if [ -n "${ping-}" ]; then
	unshare -n sleep 100 &
	ns=$!
	sleep 1
	ping="$nsenter -t $ns -n $(command -v ping || echo "busybox ping") -c 1 127.0.0.1"
	$nsenter -t $ns -n ip link set lo up
	object '__attribute__((noinline)) int skep_inner(struct xdp_md *ctx)
{
	int one = 1;

	__asm__ volatile("" : "+r"(one));
	return one + (ctx->data > ctx->data_end);
}
SEC("xdp") int skep_t_main(struct xdp_md *ctx) { return skep_inner(ctx) ? XDP_PASS : XDP_DROP; }'
	cp "$tmp/prog.o" "$tmp/main.o"
	"$SKEP" attach --json "$tmp/main.o" --netns $ns --dev lo > "$tmp/json" 2> /dev/null &
	main=$!
	sleep 1
	id=$(sed -n 's/.*"prog_id": \([0-9]*\).*/\1/p' "$tmp/json")
	object 'SEC("freplace/skep_inner") int skep_t_k(struct xdp_md *ctx) { hits++; return 1; }'
	fires "freplace" --at "id:$id" -c "$ping"
	object 'SEC("fentry/skep_inner") int skep_t_k(void *ctx) { hits++; return 0; }'
	fires "fentry of a program's function" --at "id:$id" -c "$ping"
	has "a function that it has not" "did you mean 'skep_inner'?" \
		"$(attach "$tmp/prog.o" --at "id:$id:skep_iner" --duration 0)"
	has "no such program" "SKEP-E0905" "$(attach "$tmp/prog.o" --at "id:4000000000" --duration 0)"
	has "no number" "is not id:N or id:N:FUNCTION" "$(attach "$tmp/prog.o" --at "id:x" --duration 0)"
	out=$("$SKEP" prog profile id $id duration 1 cycles instructions 2>&1)
	case $out in
	*"does not count cycles"* | *"a rule of this system"* | *"may be loaded here"*)
		has "counters that are not there, or may not be read" "[SKEP-E09" "$out" ;;
	*)
		has "counters while it runs" "run_cnt" "$out"
		has "how many instructions of a cycle" "insns per cycle" "$out" ;;
	esac
	kill $main $ns
	wait $main $ns 2> /dev/null
fi
object 'SEC("raw_tp/sched_process_exit") int skep_t_k(void *ctx) { hits++; return 0; }'
fires "a raw tracepoint" -c "true"
object 'SEC("perf_event") int skep_t_k(void *ctx) { hits++; return 0; }'
fires "an event of perf" --at page-faults -c "cat /proc/self/comm"
object 'SEC("uprobe") int skep_t_k(void *ctx) { hits++; return 0; }'
has "a program that is not there" "/no/such: error: No such file" \
	"$(attach "$tmp/prog.o" --at /no/such:main -c true)"
done_testing
