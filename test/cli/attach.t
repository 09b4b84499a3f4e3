#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# attach.t: `skep attach`: a program of each kind is attached, fires and is detached.
# Only processes, network name spaces and cgroups of its own: tracepoints, which Linux
# does not limit to a process, are those of calls that nobody makes often, and stay
# attached for as long as the command that makes them runs.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
export CLANG

# ---- without the kernel ----------------------------------------------------------------
cat > "$tmp/none.c" <<'X'
SEC("xdp") int drop(struct xdp_md *ctx) { return XDP_PASS; }
char _license[] SEC("license") = "GPL";
X
status "no object" 2 "$SKEP" attach
status "no such process" 2 "$SKEP" attach "$tmp/none.c" -p 4194399
has "which is said" "there is no process 4194399" "$("$SKEP" attach "$tmp/none.c" -p 4194399 2>&1)"
has "no such program" "there is no program 'drpo'" "$("$SKEP" attach "$tmp/none.c" --prog drpo 2>&1)"
has "no such program for --at" "there is no program 'dorp'" \
	"$("$SKEP" attach "$tmp/none.c" --at dorp=generic 2>&1)"
cat > "$tmp/refused.c" <<'X'
SEC("xdp") int drop(struct xdp_md *ctx) { return *(int *)(long)ctx->data; }
char _license[] SEC("license") = "GPL";
X
has "no such device" "there is no network device 'skepnone0' [SKEP-E0942]" \
	"$("$SKEP" attach "$tmp/none.c" --dev skepnone0 2>&1)"
has "a cookie that is no number" "--cookie takes a number" \
	"$("$SKEP" attach "$tmp/none.c" --cookie x 2>&1)"
why=$("$SKEP" run --on kernel examples/firewall/firewall.o examples/firewall/traffic.pcapng -q 2>&1) || {
	skip "programs are attached" "$(printf '%s' "$why" | head -n 1)"
	done_testing
	exit
}

status "a program that the kernel's verifier refuses" 1 "$SKEP" attach "$tmp/refused.c"

# ---- helpers of the test ------------------------------------------------------------------
cat > "$tmp/target.c" <<'X'
#define _GNU_SOURCE
#include <stdlib.h>
#include <unistd.h>
#include <sys/syscall.h>
__attribute__((noinline)) long work(long a, long b) { __asm__ volatile(""); return a * b; }
__attribute__((noinline)) long work_more(long a, long b) { __asm__ volatile(""); return a + b; }
int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 3, s = 0;

	for (long i = 0; i < n; i++) {
		s += work(i, 7) + work_more(i, 1);
		syscall(SYS_getpgid, 0);
	}
	if (argc > 2)
		usleep(atoi(argv[2]) * 1000);
	return s < 0;
}
X
cc=${CC:-cc}
$cc -O2 -g -o "$tmp/target" "$tmp/target.c" || skip_all "no C compiler"
# By a name that no other process has: programs that run for all processes know it by that.
own=skep-$$
ln -s target "$tmp/$own"

# object NAME TEXT: $tmp/NAME.o
object()
{
	printf '%s\n' '#include <linux/bpf.h>' '#include <linux/ptrace.h>' \
		'#include <bpf/bpf_helpers.h>' '#include <bpf/bpf_tracing.h>' \
		'char _license[] SEC("license") = "GPL"; __u64 hits; __s64 seen;' \
		"$2" > "$tmp/$1.c"
	"$SKEP" cc "$tmp/$1.c" -o "$tmp/$1.o" > "$tmp/err" 2>&1 ||
		same "$1 compiles" "" "$(cat "$tmp/err")"
}

# attach ARGUMENT...: what it says, and the maps
attach() { timeout 30 "$SKEP" attach --maps "$@" 2>&1; }

bpftool=$(command -v bpftool)	# a second opinion, where it is installed

# loaded NAME: is a program of that name still loaded? It ends with its last user, which
# the kernel may notice a moment later.
loaded()
{
	for l_try in 1 2 3 4 5 6 7 8 9 10; do
		$bpftool prog show name "$1" 2> /dev/null | grep -q . || return 1
		sleep 0.1
	done
}

# ---- user probes -----------------------------------------------------------------------------
object uprobe 'struct event { __u32 pid; long a, b; char comm[16]; } *unused;
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");
SEC("uprobe") int skep_t_up(struct pt_regs *ctx)
{
	struct event e = { bpf_get_current_pid_tgid() >> 32, PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx) };

	bpf_get_current_comm(e.comm, sizeof(e.comm));
	bpf_ringbuf_output(&events, &e, sizeof(e), 0);
	seen = bpf_get_attach_cookie(ctx);
	hits++;
	return 0;
}'
out=$(attach "$tmp/uprobe.o" --at "$tmp/target:work" --cookie 77 -c "$tmp/target 3")
same "a uprobe: exit status" 0 $?
has "its records are typed" '"a": 2, "b": 7, "comm": "target"}' "$out"
has "how many" "map events: 3 records" "$out"
has "the cookie" 'seen: 77' "$out"
has "as JSON" '{"map": "events", "bytes": 40, "value": {"pid": ' \
	"$("$SKEP" attach --json "$tmp/uprobe.o" --at "$tmp/target:work" -c "$tmp/target 1" 2> /dev/null)"
has "a symbol that is not there" "there is no function 'wrok' [SKEP-E0942]
help: did you mean 'work'?" "$(attach "$tmp/uprobe.o" --at "$tmp/target:wrok" -c "$tmp/target")"
has "a file that is not there" "there is no program or library 'skep-no-such'" \
	"$(attach "$tmp/uprobe.o" --at "skep-no-such:x" -c "$tmp/target")"
has "no place at all" "it does not say where (--at PATH:FUNCTION)" "$(attach "$tmp/uprobe.o" -c "$tmp/target")"
has "no place of the form" "is not PATH:FUNCTION[+OFFSET]" \
	"$(attach "$tmp/uprobe.o" --at "$tmp/target" -c "$tmp/target")"
has "a place behind the function" "bytes, none at 4096" \
	"$(attach "$tmp/uprobe.o" --at "$tmp/target:work+4096" -c "$tmp/target")"
# A file that is replaced while a process runs it: its probes would see nothing.
cat > "$tmp/old.c" <<'C'
#include <unistd.h>
__attribute__((noinline)) int work(int x) { __asm__ volatile("" ::: "memory"); return x + 1; }
int main(void)
{
	for (int i = 0; i < 600; i++)
		work(i), usleep(20000);
	return 0;
}
C
$CC -O1 -g "$tmp/old.c" -o "$tmp/old"
cp "$tmp/old" "$tmp/new"
"$tmp/old" &
old=$!
sleep 0.2
has "a program of a process that runs" "map events: " \
	"$(attach "$tmp/uprobe.o" --at "$tmp/old:work" -p $old --duration 0.3)"
mv "$tmp/new" "$tmp/old"
status "a program that was replaced meanwhile" 2 \
	"$SKEP" attach "$tmp/uprobe.o" --at "$tmp/old:work" -p $old --duration 0.3
out=$(attach "$tmp/uprobe.o" --at "$tmp/old:work" -p $old --duration 0.3)
has "is said to be another one" "another file than the one that is called $tmp/old now [SKEP-E0953]" "$out"
has "and how to say the one that runs" "/proc/$old/exe" "$out"
has "which works" "map events: " \
	"$(attach "$tmp/uprobe.o" --at "/proc/$old/exe:work" -p $old --duration 0.3)"
kill $old
wait $old 2> /dev/null
if [ "$(uname -m)" = x86_64 ]; then
	printf '%s\n' '__asm__(".globl odd\n.type odd,@function\nodd: movabs $0x1122334455667788, %rax\n"' \
		'"	ret\n.size odd, .-odd\n");' 'long odd(void);' \
		'int main(void) { return odd() != 0x1122334455667788; }' > "$tmp/odd.c"
	$cc -O1 -o "$tmp/odd" "$tmp/odd.c" && out=$(attach "$tmp/uprobe.o" --at "$tmp/odd:odd+2" \
		-c "$tmp/odd")
	has "a place inside of an instruction" "it is inside of an instruction [SKEP-E1042]
help: instructions begin at odd+0 and odd+10" "$out"
	has "the next instruction" "map events: 1 record" \
		"$(attach "$tmp/uprobe.o" --at "$tmp/odd:odd+10" -c "$tmp/odd")"
	at=$(nm "$tmp/odd" | sed -n 's/^0*\([0-9a-f]*\) T odd$/\1/p')
	strip -s "$tmp/odd"
	has "without a symbol" "is inside of an instruction" "$(attach "$tmp/uprobe.o" \
		--at "$tmp/odd:0x$(printf %x $((0x$at + 2)))" -c "$tmp/odd")"
fi
cp "$tmp/target" "$tmp/stripped"
strip -s "$tmp/stripped"
has "a stripped program" "it is stripped" \
	"$(attach "$tmp/uprobe.o" --at "$tmp/stripped:work" -c "$tmp/stripped")"
at=$(nm "$tmp/target" | sed -n 's/^0*\([0-9a-f]*\) T work$/\1/p')
has "a stripped program, by its offset" "map events: 3 records" \
	"$(attach "$tmp/uprobe.o" --at "$tmp/stripped:0x$at" -c "$tmp/stripped 3")"
if $cc -O2 -static -o "$tmp/static" "$tmp/target.c" 2> /dev/null; then
	has "a static program" "map events: 4 records" \
		"$(attach "$tmp/uprobe.o" --at "$tmp/static:work" -c "$tmp/static 4")"
else
	skip "a static program" "no static libc"
fi
has "a library by its name" "map events: 1 records" \
	"$(attach "$tmp/uprobe.o" --at "libc:usleep" -c "$tmp/target 1 1")"
has "a version of a symbol" "map events: 1 records" \
	"$(attach "$tmp/uprobe.o" --at "libc.so.6:usleep@@GLIBC_2.2.5" -c "$tmp/target 1 1")"
has "a version that it has not" "there is no function 'usleep@GLIBC_1'" \
	"$(attach "$tmp/uprobe.o" --at "libc.so.6:usleep@GLIBC_1" -c "$tmp/target 1 1")"
"$tmp/target" 1 2000 &
pid=$!
has "another process is not looked at" "map events: 2 records" \
	"$(attach "$tmp/uprobe.o" --at "$tmp/target:work" -c "$tmp/target 2")"
out=$(attach "$tmp/uprobe.o" --at "$tmp/target:work" -p $pid)
same "a process that ends: exit status" 0 $?
has "which is said" "process $pid has ended" "$out"
wait $pid


# Commands: words as a shell has them, and the shell itself where it is needed.
same "a command's words" "a  b|c d|e" "$("$SKEP" attach -q "$tmp/uprobe.o" --at "$tmp/target:work" \
	-c "printf '%s|%s|%s' \"a  b\" c\\ d 'e'" 2>&1)"
has "a command that a shell begins" "map events: 2 records" \
	"$(attach "$tmp/uprobe.o" --at "$tmp/target:work" -c "X=1 $tmp/target 2 > /dev/null")"
has "a command that is not there" "'/no/such x' cannot be started: No such file or directory [SKEP-E0946]" \
	"$(attach "$tmp/uprobe.o" --at "$tmp/target:work" -c "/no/such x")"
has "a process and a command" "exclude each other" \
	"$(attach "$tmp/uprobe.o" --at "$tmp/target:work" -p 1 -c true)"
start=$(date +%s)
status "a command that goes on is ended" 0 "$SKEP" attach -q "$tmp/uprobe.o" \
	--at "$tmp/target:work" -c "sleep 30" --duration 0.2
[ $(($(date +%s) - start)) -lt 20 ]
same "at once" 0 $?
status "a duration that is none" 2 "$SKEP" attach "$tmp/uprobe.o" --at "$tmp/target:work" --duration x
# What is wrong is said before anything is attached.
for bad in "--duration x" "-c nosuchcommand" "-c /tmp" "--record-all -c true"; do
	out=$(attach "$tmp/uprobe.o" --at "$tmp/target:work" $bad)
	same "$bad: exit status" 2 $?
	same "$bad: nothing was attached" 0 "$(echo "$out" | grep -c attached:)"
done
has "--record-all alone" "give --record FILE" "$out"
out=$(attach "$tmp/uprobe.o" --at "$tmp/target:work" -c ' ')
same "a command that is empty: exit status" 2 $?
same "what is said" "skep attach: error: -c is empty: it takes a program and its arguments [SKEP-E0001]" \
	"$(echo "$out" | head -n 1)"

# ---- values of each cpu ----------------------------------------------------------------------
cat > "$tmp/cpus.c" <<'X'
#define _GNU_SOURCE
#include <sched.h>
__attribute__((noinline)) int work(int x) { __asm__ volatile(""); return x + 1; }
int main(void)
{
	for (int c = 0; c < 2; c++) {
		cpu_set_t s;

		CPU_ZERO(&s);
		CPU_SET(c, &s);
		if (sched_setaffinity(0, sizeof(s), &s))
			return 1;
		for (int i = 0; i < 5 + c; i++)
			work(i);
	}
}
X
object percpu 'enum kind { NONE, GOOD, BAD };
struct nums { __u64 n; __u32 a : 4, b : 12; __s32 c : 16; __u32 v[2]; };
struct mixed { __u64 n; enum kind kind; };
#define M(name, t, max) struct { __uint(type, t); __uint(max_entries, max); __type(key, __u32);	\
	__type(value, struct name); } name SEC(".maps")
M(nums, BPF_MAP_TYPE_PERCPU_ARRAY, 1);
M(mixed, BPF_MAP_TYPE_PERCPU_ARRAY, 2);
struct { __uint(type, BPF_MAP_TYPE_PERCPU_HASH); __uint(max_entries, 4); __uint(key_size, 4);
	__uint(value_size, 12); } raw SEC(".maps");
SEC("uprobe") int skep_t_pc(void *ctx)
{
	__u32 k = 0, z[3] = { 0 }, *r;
	struct nums *n = bpf_map_lookup_elem(&nums, &k);
	struct mixed *m = bpf_map_lookup_elem(&mixed, &k);

	bpf_map_update_elem(&raw, &k, z, BPF_NOEXIST);
	r = bpf_map_lookup_elem(&raw, &k);
	if (!n || !m || !r)
		return 0;
	n->n++, n->a++, n->b += 300, n->c--, n->v[1] += 2;
	m->n++, m->kind = BAD;
	r[2]++;
	return 0;
}'
$cc -O1 -g -o "$tmp/cpus" "$tmp/cpus.c"
if "$tmp/cpus"; then
	same "numbers are summed, also of bit-fields; others are shown by cpu" \
'map nums (percpu_array, 1 of 1, summed over cpus)
  0: {"n": 11, "a": 11, "b": 3300, "c": -11, "v": [0, 22]}
map mixed (percpu_array, 2 of 2, by cpu)
  0, cpu 0: {"n": 5, "kind": "BAD"}
  0, cpu 1: {"n": 6, "kind": "BAD"}
  1, all cpus: {"n": 0, "kind": "NONE"}
map raw (percpu_hash, 1 of 4, by cpu)
  0, cpu 0: ["0x00", "0x00", "0x00", "0x00", "0x00", "0x00", "0x00", "0x00", "0x05", "0x00", "0x00", "0x00"]
  0, cpu 1: ["0x00", "0x00", "0x00", "0x00", "0x00", "0x00", "0x00", "0x00", "0x06", "0x00", "0x00", "0x00"]' \
		"$(attach -q "$tmp/percpu.o" --at "$tmp/cpus:work" -c "$tmp/cpus" | sed '/^map \.bss/,$d')"
	has "maps as JSON" '{"end": {"maps": [{"name": "nums", "type": "percpu_array", "max_entries": 1, "count": 1, "elements": [{"key": 0, "values": [{"cpu": 0, "value": {"n": 5, "a": 5, "b": 1500, "c": -5, "v": [0, 10]}}, {"cpu": 1, "value": {"n": 6,' \
		"$(attach --json "$tmp/percpu.o" --at "$tmp/cpus:work" -c "$tmp/cpus" | tail -n 1)"
	same "and not without --maps" '{"end": {"maps": []}}' \
		"$("$SKEP" attach --json "$tmp/percpu.o" --at "$tmp/cpus:work" -c "$tmp/cpus" 2> /dev/null | tail -n 1)"
else
	skip "values of each cpu" "there are no two cpus"
fi
cp "$tmp/uprobe.o" "$tmp/anyone.o"
chmod 755 "$tmp"
out=$(setpriv --reuid 65534 --regid 65534 --clear-groups "$SKEP" attach "$tmp/anyone.o" \
	--at "$tmp/target:work" --duration 0 2>&1)
same "without rights: exit status" 2 $?
case $out in
*"setpriv:"*) ;;
*) has "which are missing" "this process has no CAP_BPF" "$out" ;;
esac

object perfbuf 'struct event { __u32 n; char text[8]; } *unused;
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __type(key, __u32); __type(value, __u32); }
	events SEC(".maps");
SEC("uprobe") int skep_t_pb(struct pt_regs *ctx)
{
	struct event e = { PT_REGS_PARM1(ctx), "perf" };

	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &e, sizeof(e));
	return 0;
}'
out=$(attach "$tmp/perfbuf.o" --at "$tmp/target:work" -c "$tmp/target 3")
has "records of a perf event array" 'events: {"n": 2, "text": "perf"}' "$out"
has "with their cpu" '"cpu": ' \
	"$("$SKEP" attach --json "$tmp/perfbuf.o" --at "$tmp/target:work" -c "$tmp/target 1" 2> /dev/null)"
# whoever reads goes away
piped() { { "$SKEP" attach "$@" "$tmp/perfbuf.o" --at "$tmp/target:work" \
	-c "$tmp/target 3 2000" 2> "$tmp/err"; echo $? > "$tmp/status"; } | head -n 1; }
for how in --quiet --json; do
	piped --maps $how > "$tmp/out"	# what comes at the end comes later
	same "a closed pipe: one line $how" 1 "$(grep -c . "$tmp/out")"
	same "ends it, as it ends others $how" 141 "$(cat "$tmp/status")"
	same "quietly $how" "" "$(grep error "$tmp/err")"
done
[ -z "$bpftool" ] || same "and nothing stays" no "$(loaded skep_t_pb && echo yes || echo no)"
if [ -w /dev/full ]; then
	"$SKEP" attach "$tmp/perfbuf.o" --at "$tmp/target:work" -c "$tmp/target 3" \
		> /dev/full 2> "$tmp/err"
	same "no room: exit status" 2 $?
	has "says why" "<stdout>: error: No space left on device" "$(cat "$tmp/err")"
fi

# skep sleeps while more come than there is room for
sh -c "sleep 2; exec $tmp/target 20000" &
pid=$!
"$SKEP" attach "$tmp/perfbuf.o" --at "$tmp/target:work" -p $pid > "$tmp/out" 2>&1 &
skep=$!
sleep 1
kill -STOP $skep
wait $pid
kill -CONT $skep
wait $skep
lost=$(sed -n 's/^warning: map events: \([0-9]*\) records lost, it was full$/\1/p' "$tmp/out")
seen=$(sed -n 's/^map events: \([0-9]*\) records$/\1/p' "$tmp/out")
same "lost records are counted: all are accounted for" 20000 $((${lost:-0} + ${seen:-0}))
same "some were lost" yes "$([ "${lost:-0}" -gt 0 ] && echo yes)"

object filled 'struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, __u32);
	__type(value, __u64); } wanted SEC(".maps");
const volatile int factor = 1;
SEC("uprobe") int skep_t_fi(struct pt_regs *ctx)
{
	__u32 key = PT_REGS_PARM1(ctx);
	__u64 *v = bpf_map_lookup_elem(&wanted, &key);

	if (v)
		hits += *v * factor;
	return 0;
}'
echo '[{"key": 2, "value": 40}]' > "$tmp/wanted.json"
has "maps are filled and variables set before" "hits: 120" "$(attach "$tmp/filled.o" \
	--at "$tmp/target:work" -m "wanted=$tmp/wanted.json" --set factor=3 -c "$tmp/target 4")"
has "a map that is not there" "there is no map 'unwanted'" "$(attach "$tmp/filled.o" \
	--at "$tmp/target:work" -m "unwanted=$tmp/wanted.json" -c "$tmp/target 4")"

object uret 'SEC("uretprobe") int skep_t_ur(struct pt_regs *ctx)
{
	seen = PT_REGS_RC(ctx);
	hits++;
	return 0;
}'
out=$(attach "$tmp/uret.o" --at "$tmp/target:work" -c "$tmp/target 4")
has "a uretprobe: what comes back" "seen: 21" "$out"
has "each time" "hits: 4" "$out"

object umulti 'SEC("uprobe.multi") int skep_t_um(struct pt_regs *ctx) { hits++; return 0; }'
out=$(attach "$tmp/umulti.o" --at "$tmp/target:work*" -c "$tmp/target 5")
case $out in
*"needs Linux 6.6"*) skip "many places" "needs Linux 6.6" ;;
*)
	has "many places" "2 places" "$out"
	has "fire" "hits: 10" "$out"
	has "no place that matches" "that matches 'xork*'" \
		"$(attach "$tmp/umulti.o" --at "$tmp/target:xork*" -c "$tmp/target")"
	;;
esac
object urmulti 'SEC("uretprobe.multi") int skep_t_urm(struct pt_regs *ctx)
{
	seen = PT_REGS_RC(ctx);
	hits++;
	return 0;
}'
out=$(attach "$tmp/urmulti.o" --at "$tmp/target:work" -c "$tmp/target 5")
case $out in
*"needs Linux 6.6"*) skip "many returns" "needs Linux 6.6" ;;
*) has "many returns" "seen: 28" "$out" ;;
esac
object usession 'SEC("uprobe.session") int skep_t_us(struct pt_regs *ctx) { hits++; return 0; }'
out=$(attach "$tmp/usession.o" --at "$tmp/target:work" -c "$tmp/target 5")
case $out in
*"needs Linux 6.13"*) skip "a session" "needs Linux 6.13" ;;
*) has "a session: entry and return" "hits: 10" "$out" ;;
esac

for kind in uprobe.s uretprobe.s uprobe.multi.s uretprobe.multi.s uprobe.session.s; do
	object sleeps "SEC(\"$kind\") int skep_t_sl(void *ctx) { hits++; return 0; }"
	out=$(attach "$tmp/sleeps.o" --at "$tmp/target:work" -c "$tmp/target 3")
	case $out in
	*"needs Linux"*) skip "$kind" "$(printf '%s' "$out" | grep "needs Linux")" ;;
	*session*) has "$kind" "hits: 6" "$out" ;;
	*) has "$kind" "hits: 3" "$out" ;;
	esac
done

# ---- bpf_printk, as fields ----------------------------------------------------------------------
object printk 'SEC("uprobe") int skep_t_pr(struct pt_regs *ctx)
{
	bpf_printk("work %ld of %ld", PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx));
	seen = bpf_get_current_pid_tgid() >> 32;
	return 0;
}'
out=$(attach "$tmp/printk.o" --at "$tmp/target:work" -c "$tmp/target 2")
# The number of the process is exact. Of names Linux keeps the one of the last switch, which
# may be that before exec, or none: only that there is a name can be asked for.
pid=$(printf '%s\n' "$out" | sed -n 's/.*seen: \([0-9][0-9]*\).*/\1/p')
same "bpf_printk" 2 "$(printf '%s\n' "$out" | grep -c "^printk: skep_t_pr [^ ][^ ]*-${pid:-none} ")"
has "its text" ": work 1 of 7" "$out"
has "as JSON" '"text": "work 0 of 7"}}' \
	"$("$SKEP" attach "$tmp/printk.o" --at "$tmp/target:work" -c "$tmp/target 2" --json 2> /dev/null)"

# ---- tracepoints: a call that nobody else makes ------------------------------------------------
# once NAME SECTION BODY: a program in SECTION counts calls of the target
once()
{
	object "$1" "$4 const volatile int target_pid = 0;
SEC(\"$2\") int skep_t_$1($3)
{
	char comm[16] = \"\";

	bpf_get_current_comm(comm, sizeof(comm));
	if (!__builtin_memcmp(comm, \"$own\", sizeof(\"$own\")))
		hits++;
	return 0;
}"
	out=$(attach "$tmp/$1.o" -c "$tmp/$own 6")
	has "$2: fires" "hits: 6" "$out"
	has "$2: for all processes, which is said" "runs for all processes" "$out"
}
once tp tp/syscalls/sys_enter_getpgid "void *ctx"
once tps tracepoint/syscalls/sys_exit_getpgid "void *ctx"
has "a tracepoint that is not there" "did you mean 'syscalls/sys_enter_getpgid'?" \
	"$(attach "$tmp/tp.o" --at syscalls/sys_enter_getpgit --duration 0)"
has "a category that is not there" "did you mean 'syscalls/sys_enter_getpgid'?" \
	"$(attach "$tmp/tp.o" --at syscall/sys_enter_getpgid --duration 0)"
has "no tracepoint" "is not CATEGORY/NAME" "$(attach "$tmp/tp.o" --at getpgid --duration 0)"

object rawtp 'SEC("raw_tp/sched_process_exit") int skep_t_rtp(struct bpf_raw_tracepoint_args *ctx)
{
	char comm[16] = "";

	bpf_get_current_comm(comm, sizeof(comm));
	if (!__builtin_memcmp(comm, "'"$own"'", sizeof("'"$own"'")))
		hits++;
	return 0;
}'
has "a raw tracepoint fires" "hits: 1" "$(attach "$tmp/rawtp.o" -c "$tmp/$own 1 400")"
has "one that is not there" "did you mean 'sched_process_exit'?" \
	"$(attach "$tmp/rawtp.o" --at sched_process_exot --duration 0)"
object rawtpw 'SEC("raw_tp.w/bpf_test_finish") int skep_t_rtw(struct bpf_raw_tracepoint_args *ctx)
{
	hits++;
	return 0;
}'
out=$(attach "$tmp/rawtpw.o" \
	-c "$SKEP run --on kernel examples/firewall/firewall.o examples/firewall/traffic.pcapng -q")
has "a writable raw tracepoint" "attached: skep_t_rtw: raw_tp.w bpf_test_finish" "$out"
same "fires" yes "$(printf '%s' "$out" | sed -n 's/.*hits: [1-9][0-9]* .*/yes/p')"
object tpbtf 'struct task_struct { int tgid; char comm[16]; } __attribute__((preserve_access_index));
SEC("tp_btf/sched_process_exit") int skep_t_tpb(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[0];

	char comm[16];

	__builtin_memcpy(comm, t->comm, sizeof(comm));
	if (!__builtin_memcmp(comm, "'"$own"'", sizeof("'"$own"'"))) {
		seen = t->tgid;
		hits++;
	}
	return 0;
}'
has "a tracepoint by types fires" "hits: 1" "$(attach "$tmp/tpbtf.o" -c "$tmp/$own 1 400")"

# ---- events of perf ---------------------------------------------------------------------------------
object perf 'SEC("perf_event") int skep_t_pe(void *ctx) { hits++; return 0; }'
cat > "$tmp/spin.c" <<'X'
#include <time.h>
int main(void) { while (clock() < CLOCKS_PER_SEC / 2) ; return 0; }
X
$cc -O2 -o "$tmp/spin" "$tmp/spin.c"
n=$(attach "$tmp/perf.o" --at cpu-clock@1000hz -c "$tmp/spin" | sed -n 's/.*hits: \([0-9]*\).*/\1/p')
if [ "${n:-0}" -ge 100 ] && [ "$n" -le 1200 ]; then
	tap_line 0 "samples of a process: about 500"
else
	tap_line 1 "samples of a process: about 500" "got $n"
fi
cat > "$tmp/threads.c" <<'X'
#include <pthread.h>
#include <time.h>
#include <unistd.h>
static void *spin(void *arg)
{
	struct timespec t;

	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	while (t.tv_nsec < 300000000);
	return arg;
}
int main(void)
{
	pthread_t t[3];

	pthread_create(&t[0], 0, spin, 0);	/* one that is there, and two that come */
	usleep(1000000);
	pthread_create(&t[1], 0, spin, 0);
	pthread_create(&t[2], 0, spin, 0);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], 0);
	return 0;
}
X
$cc -O2 -pthread -o "$tmp/threads" "$tmp/threads.c"
n=$(attach "$tmp/perf.o" --at cpu-clock@1000hz -c "$tmp/threads" | sed -n 's/.*hits: \([0-9]*\).*/\1/p')
same "samples of all its threads: about 900" yes "$([ "${n:-0}" -ge 500 ] && echo yes || echo "$n")"
out=$(attach "$tmp/perf.o" --at page-faults -c "$tmp/spin")
has "page faults" "perf_event page-faults" "$out"
same "are counted" yes "$(printf '%s' "$out" | sed -n 's/.*hits: [1-9][0-9]* .*/yes/p')"
has "an event that is not there" "did you mean 'cpu-clock'?" \
	"$(attach "$tmp/perf.o" --at cpu-clokc -c "$tmp/spin")"
has "a rate that is none" "is neither @N, each N events, nor @Nhz" \
	"$(attach "$tmp/perf.o" --at cpu-clock@often -c "$tmp/spin")"
$cc -O2 -no-pie -o "$tmp/fixed" -x c - <<'X'
#include <unistd.h>
volatile int watched = 9;
int main(void) { for (int i = 0; i < 5; i++) watched = i; usleep(1000); return 0; }
X
at=$(nm "$tmp/fixed" | sed -n 's/^0*\([0-9a-f]*\) [BbDd] watched$/\1/p')
out=$(attach "$tmp/perf.o" --at "mem:0x$at/4:w" -c "$tmp/fixed")
case $out in
*"hits: 5"*) tap_line 0 "a breakpoint on a variable" ;;
*"error:"*) skip "a breakpoint on a variable" "$(printf '%s' "$out" | grep error:)" ;;
*) tap_line 1 "a breakpoint on a variable" "$out" ;;
esac

# ---- what runs once --------------------------------------------------------------------------------
object iter 'struct seq_file; struct bpf_iter_meta { struct seq_file *seq; __u64 session, seq_num; };
struct task_struct { int tgid, pid; char comm[16]; } __attribute__((preserve_access_index));
struct bpf_iter__task { struct bpf_iter_meta *meta; struct task_struct *task; };
SEC("iter/task") int skep_t_it(struct bpf_iter__task *ctx)
{
	struct task_struct *t = ctx->task;

	if (t)
		BPF_SEQ_PRINTF(ctx->meta->seq, "task %d %s\n", t->pid, t->comm);
	return 0;
}'
out=$(attach "$tmp/iter.o")
same "an iterator: exit status" 0 $?
has "its text" "task $$ " "$out"
has "its text as JSON" '{"program": "skep_t_it", "text": "' "$("$SKEP" attach --json "$tmp/iter.o" 2>&1)"
"$tmp/target" 1 3000 &
pid=$!
i=0
while [ "$(cat /proc/$pid/comm 2>/dev/null)" != target ] && [ $i -lt 100 ]; do	# it runs
	sleep 0.02
	i=$((i + 1))
done
out=$("$SKEP" attach -q "$tmp/iter.o" -p $pid 2>&1)
case $out in
"task $pid target") tap_line 0 "of one process" ;;
*) tap_line 1 "of one process" "$out" ;;
esac
kill $pid 2> /dev/null
wait $pid 2> /dev/null
object elem 'struct seq_file; struct bpf_iter_meta { struct seq_file *seq; __u64 session, seq_num; };
struct bpf_map;
struct bpf_iter__bpf_map_elem { struct bpf_iter_meta *meta; struct bpf_map *map; void *key, *value; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 3); __type(key, __u32);
	__type(value, __u32); } numbers SEC(".maps");
SEC("iter/bpf_map_elem") int skep_t_el(struct bpf_iter__bpf_map_elem *ctx)
{
	__u32 *k = ctx->key;

	if (k)
		BPF_SEQ_PRINTF(ctx->meta->seq, "key %u\n", *k);
	return 0;
}'
same "elements of a map" "key 0
key 1
key 2" "$("$SKEP" attach -q "$tmp/elem.o" 2>&1)"
sed 's|iter/task|iter.s/task|' "$tmp/iter.c" > "$tmp/iters.c"
has "one that may sleep" "task $$ " "$("$SKEP" attach -q "$tmp/iters.c" 2>&1)"
# Each that Linux has: the last call of a reading is one without an element.
for what in task task_file task_vma bpf_map bpf_prog bpf_link ksym tcp udp unix netlink \
	ipv6_route kmem_cache; do
	object iters "SEC(\"iter/$what\") int skep_t_its(void *ctx) { hits++; return 0; }"
	out=$(attach "$tmp/iters.o")
	case $out in
	*"hits: "[1-9]*) tap_line 0 "an iterator of $what" ;;
	*SKEP-E0413* | *"needs Linux"*) skip "an iterator of $what" "$(printf '%s' "$out" | grep -m 1 error:)" ;;
	*) tap_line 1 "an iterator of $what" "$out" ;;
	esac
done
object sys 'SEC("syscall") int skep_t_sy(void *ctx) { return 42; }'
same "a program that runs once" "skep_t_sy returned 42" "$("$SKEP" attach -q "$tmp/sys.o" 2>&1)"

# ---- networks: in a name space of the test's own -------------------------------------------------
if ! unshare -n true 2> /dev/null || ! command -v nsenter > /dev/null || ! command -v tc > /dev/null; then
	skip "programs of networks" "no network name space can be made here, or nsenter and tc are missing"
	done_testing
	exit
fi
# A process that keeps the name space: v0 and v1 are a pair, lo is up.
unshare -n sleep 300 &
ns=$!
trap 'kill $ns 2> /dev/null; rm -rf "$tmp"' EXIT
for t in 1 2 3 4 5 6 7 8 9 10; do
	[ "$(readlink /proc/$ns/ns/net)" != "$(readlink /proc/self/ns/net)" ] && break
	sleep 0.1
done
inside() { nsenter -t $ns -n "$@"; }
inside ip link set lo up
if ! inside ip link add v0 type veth peer name v1 2> /dev/null; then
	skip "programs on devices" "no veth here"
	done_testing
	exit
fi
inside ip addr add 10.9.0.1/24 dev v0
inside ip link set v0 up
inside ip link set v1 up

# Packets out of v0, which come in on v1.
cat > "$tmp/send.c" <<'X'
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1;

	inet_pton(AF_INET, argv[1], &to.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
	for (int i = atoi(argv[2]); i--;)
		sendto(fd, "skep", 4, 0, (void *)&to, sizeof(to));
	usleep(20000);
	return 0;
}
X
$cc -o "$tmp/send" "$tmp/send.c"

# fires WHAT OBJECT COMMAND ARGUMENT...: COMMAND runs in the name space; at least one hit
fires()
{
	f_what=$1 f_obj=$2 f_cmd=$3
	shift 3
	f_out=$(attach "$tmp/$f_obj.o" --netns $ns "$@" -c "nsenter -t $ns -n $f_cmd")
	f_n=$(printf '%s' "$f_out" | sed -n 's/.*hits: \([0-9]*\).*/\1/p')
	if [ "${f_n:-0}" -ge 1 ]; then
		tap_line 0 "$f_what"
	else
		tap_line 1 "$f_what" "$f_out"
	fi
}
object xdp 'SEC("xdp") int skep_t_xdp(struct xdp_md *ctx) { hits++; return XDP_PASS; }'
fires "XDP of the driver" xdp "$tmp/send 10.9.0.255 3" --dev v1
fires "which may be asked for" xdp "$tmp/send 10.9.0.255 3" --dev v1 --at native
fires "generic XDP" xdp "$tmp/send 10.9.0.255 3" --dev v1 --at generic
has "a mode that is none" "is neither native, generic nor offload" \
	"$(attach "$tmp/xdp.o" --netns $ns --dev v1 --at fast)"
has "XDP without a device" "no device is named (--dev)" "$(attach "$tmp/xdp.o" --duration 0)"
has "a driver without XDP" "has no XDP; --at generic" \
	"$(attach "$tmp/xdp.o" --netns $ns --dev lo --at native)"
has "a device with another name" "did you mean 'v1'?" "$(attach "$tmp/xdp.o" --netns $ns --dev v11)"
"$SKEP" attach -q "$tmp/xdp.o" --netns $ns --dev v1 2> /dev/null &
first=$!
sleep 1
out=$(attach "$tmp/xdp.o" --netns $ns --dev v1 --duration 0)
same "a second program: exit status" 2 $?
has "why" "something is attached there already" "$out"
kill -9 $first
wait $first 2> /dev/null
same "killed: nothing stays on the device" "" "$(inside ip link show v1 | grep -o prog/xdp)"
object frags 'SEC("xdp.frags") int skep_t_xf(struct xdp_md *ctx) { hits++; return XDP_PASS; }'
fires "XDP with fragments" frags "$tmp/send 10.9.0.255 3" --dev v1
object tcx 'SEC("tcx/ingress") int skep_t_tcx(struct __sk_buff *ctx) { hits++; return -1; }'
out=$(attach "$tmp/tcx.o" --netns $ns --dev v1 --duration 0)
case $out in
*"needs Linux 6.6"*) skip "tcx" "needs Linux 6.6" ;;
*) fires "tcx, ingress" tcx "$tmp/send 10.9.0.255 3" --dev v1 ;;
esac
object tc 'SEC("tc") int skep_t_tc(struct __sk_buff *ctx) { hits++; return 0; }'
fires "tc" tc "$tmp/send 10.9.0.255 3" --dev v1
fires "tc, egress" tc "$tmp/send 10.9.0.255 3" --dev v0 --at egress
fires "a filter of clsact" tc "$tmp/send 10.9.0.255 3" --dev v1 --at clsact/ingress
fires "of egress" tc "$tmp/send 10.9.0.255 3" --dev v0 --at clsact/egress
same "filters and their qdisc are gone" "" "$(inside tc qdisc show dev v1 | grep clsact)"
inside tc qdisc add dev v1 clsact
fires "a qdisc that is there" tc "$tmp/send 10.9.0.255 3" --dev v1 --at clsact/ingress
has "stays" clsact "$(inside tc qdisc show dev v1)"
has "that it would stay is said" "stays attached if skep is killed" \
	"$(attach "$tmp/tc.o" --netns $ns --dev v1 --at clsact/ingress --duration 0)"

object tci 'SEC("tc/ingress") int skep_t_tci(struct __sk_buff *ctx) { hits++; return -1; }
SEC("?tc/egress") int skep_t_tce(struct __sk_buff *ctx) { hits++; return -1; }
SEC("?classifier") int skep_t_cls(struct __sk_buff *ctx) { hits++; return -1; }
SEC("?tcx/egress") int skep_t_txe(struct __sk_buff *ctx) { hits++; return -1; }
SEC("?netkit/primary") int skep_t_nk(struct __sk_buff *ctx) { hits++; return -1; }
SEC("?action") int skep_t_act(struct __sk_buff *ctx) { hits++; return -1; }'
fires "classifier" tci "$tmp/send 10.9.0.255 3" --dev v1 --prog skep_t_cls
case $(attach "$tmp/tci.o" --netns $ns --dev v1 --duration 0) in
*"needs Linux 6.6"*) skip "tc/ingress" "needs Linux 6.6" ;;
*)
	fires "tc/ingress" tci "$tmp/send 10.9.0.255 3" --dev v1
	fires "tc/egress" tci "$tmp/send 10.9.0.255 3" --dev v0 --prog skep_t_tce
	fires "tcx/egress" tci "$tmp/send 10.9.0.255 3" --dev v0 --prog skep_t_txe
	has "netkit, on another device" "the primary device of a netkit pair" \
		"$(attach "$tmp/tci.o" --netns $ns --dev v1 --prog skep_t_nk --duration 0)"
	;;
esac
has "an action" "nothing attaches program 'skep_t_act' of section '?action' by itself" \
	"$(attach "$tmp/tci.o" --netns $ns --dev v1 --prog skep_t_act --duration 0)"
object lookup 'SEC("sk_lookup") int skep_t_skl(struct bpf_sk_lookup *ctx) { hits++; return SK_PASS; }'
fires "sk_lookup" lookup "$tmp/send 127.0.0.1 3"
object flow 'SEC("flow_dissector") int skep_t_fd(struct __sk_buff *ctx)
{
	hits++;
	return 129;	/* BPF_FLOW_DISSECTOR_CONTINUE */
}'
has "a flow dissector" "attached: skep_t_fd: flow_dissector" \
	"$(attach "$tmp/flow.o" --netns $ns --duration 0)"
"$SKEP" attach -q "$tmp/flow.o" --netns $ns 2> /dev/null &
first=$!
sleep 1
has "a second one" "it takes one" "$(attach "$tmp/flow.o" --netns $ns --duration 0)"
kill $first
wait $first
same "ended by SIGTERM: exit status" 0 $?
object nf 'SEC("netfilter") int skep_t_nf(void *ctx) { hits++; return 1; }'
case $(attach "$tmp/nf.o" --netns $ns --at ip/input --duration 0) in
*error:*) skip "netfilter" "Linux 6.4 has it" ;;
*)
	fires "netfilter" nf "$tmp/send 127.0.0.1 3" --at ip/input
	has "a hook that is none" "is no hook" "$(attach "$tmp/nf.o" --at ip/inptu --duration 0)"
	;;
esac
for way in in out xmit; do
	object lwt "SEC(\"lwt_$way\") int skep_t_lwt(struct __sk_buff *ctx) { hits++; return 0; }"
	case $way in
	in) has "lwt_in" "attached: skep_t_lwt: lwt_in 10.7.0.0/16" \
		"$(attach "$tmp/lwt.o" --netns $ns --dev v0 --at 10.7.0.0/16 --duration 0)" ;;
	*) fires "lwt_$way" lwt "$tmp/send 10.7.0.1 3" --dev v0 --at "10.7.0.0/16 via 10.9.0.2" ;;
	esac
	same "lwt_$way: the route is gone" "" "$(inside ip route show 10.7.0.0/16)"
done
object seg6 'SEC("lwt_seg6local") int skep_t_s6(struct __sk_buff *ctx) { hits++; return 0; }'
out=$(attach "$tmp/seg6.o" --netns $ns --dev v0 --at fd07::1/128 --duration 0)
case $out in
*"Operation not supported"*) skip "lwt_seg6local" "no segment routing in this kernel" ;;
*) has "lwt_seg6local" "attached: skep_t_s6: lwt_seg6local fd07::1/128, v0" "$out" ;;
esac
# Frames to v0, from v1: of IPv6, with a segment that is left.
cat > "$tmp/frames.py" <<'PY'
import socket, struct, subprocess, sys
link = subprocess.run(['ip', '-br', 'link', 'show', 'v0'], capture_output=True, text=True)
mac = bytes.fromhex(link.stdout.split()[2].replace(':', ''))
a = lambda x: socket.inet_pton(socket.AF_INET6, x)
srh = struct.pack('!BBBBBBH', 59, 4, 4, 1, 1, 0, 0) + a('fd07::2') + a('fd07::1')
ip = struct.pack('!IHBB', 6 << 28, len(srh), 43, 64) + a('fd07::9') + a('fd07::1')
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(('v1', 0))
for i in range(3):
    s.send(mac + b'\2\0\0\0\0\1' + b'\x86\xdd' + ip + srh)
PY
case $out in
*error:*) ;;
*)
	if command -v python3 > /dev/null; then
		fires "lwt_seg6local runs" seg6 "python3 $tmp/frames.py" --dev v0 --at fd07::1/128
		fires "a flow dissector runs" flow "python3 $tmp/frames.py"
		object in6 'SEC("lwt_in") int skep_t_in6(struct __sk_buff *ctx) { hits++; return 0; }'
		fires "lwt_in runs" in6 "python3 $tmp/frames.py" --dev v0 --at fd07::1/128
	else
		skip "lwt_seg6local runs" "no python3"
	fi ;;
esac
same "lwt_seg6local: the route is gone" "" "$(inside ip -6 route show fd07::1)"
has "a route that is none" "'10.7.0.0/33' is no route" \
	"$(attach "$tmp/lwt.o" --netns $ns --dev v0 --at 10.7.0.0/33 --duration 0)"
out=$(timeout 20 "$SKEP" attach "$tmp/xdp.o" --netns $ns --dev v1 2>&1 & p=$!
	sleep 1; inside ip link del v0; wait $p; echo "status $?")
has "a device that goes" "is gone [SKEP-E0947]" "$out"
has "ends it" "status 2" "$out"
kill $ns
wait $ns 2> /dev/null

# ---- cgroups of the test's own -------------------------------------------------------------------
root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
cg=$root/skep-attach-$$
if [ -z "$root" ] || ! mkdir "$cg" 2> /dev/null; then
	skip "programs of cgroups" "no cgroup of version 2 can be made here"
else
	trap 'rmdir "$cg"/below "$cg" 2> /dev/null; rm -rf "$tmp"' EXIT
	# in COMMAND: runs it in the cgroup
	cat > "$tmp/in" <<X
#!/bin/sh
echo \$\$ > $cg/cgroup.procs
exec "\$@"
X
	chmod +x "$tmp/in"
	cat > "$tmp/calls.c" <<'X'
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
int main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) }, b;
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t n = sizeof(b);
	char buf[8];
	int on = 1, l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), s;
	int u = socket(AF_INET, SOCK_DGRAM, 0), u6 = socket(AF_INET6, SOCK_DGRAM, 0);
	int x1 = socket(AF_UNIX, SOCK_DGRAM, 0), x2 = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct sockaddr_un x = { .sun_family = AF_UNIX };

	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	bind(l, (void *)&a, sizeof(a));
	listen(l, 1);
	getsockname(l, (void *)&b, &n);
	connect(c, (void *)&b, sizeof(b));
	s = accept(l, 0, 0);
	getpeername(c, (void *)&b, &n);
	getsockopt(c, SOL_SOCKET, SO_KEEPALIVE, &on, &n);
	if (write(c, "skep", 4) != 4 || read(s, buf, 4) != 4)
		return 1;
	bind(u, (void *)&a, sizeof(a));
	n = sizeof(b);
	getsockname(u, (void *)&b, &n);
	sendto(u, "skep", 4, 0, (void *)&b, sizeof(b));
	recvfrom(u, buf, 4, 0, (void *)&b, &n);
	bind(u6, (void *)&a6, sizeof(a6));
	n = sizeof(a6);
	getsockname(u6, (void *)&a6, &n);
	sendto(u6, "skep", 4, 0, (void *)&a6, sizeof(a6));
	recvfrom(u6, buf, 4, 0, (void *)&a6, &n);
	connect(u6, (void *)&a6, sizeof(a6));
	n = sizeof(a6);
	getpeername(u6, (void *)&a6, &n);
	x.sun_path[0] = 0;
	n = sizeof(x.sun_family) + 5;
	memcpy(x.sun_path, "\0skep", 5);
	bind(x1, (void *)&x, n);
	sendto(x2, "skep", 4, 0, (void *)&x, n);
	n = sizeof(x);
	recvfrom(x1, buf, 4, 0, (void *)&x, &n);
	n = sizeof(x);
	getsockname(x1, (void *)&x, &n);
	connect(x2, (void *)&x, n);
	n = sizeof(x);
	getpeername(x2, (void *)&x, &n);
	access("/dev/null", 0);
	close(s), close(c), close(l), close(u), close(u6);
	return 0;
}
X
	$cc -o "$tmp/calls" "$tmp/calls.c"
	# cgroup SECTION CONTEXT RETURN [STATEMENT]
	cgroup()
	{
		object cg "SEC(\"$1\") int skep_t_cg($2 *ctx) { ${4-} hits++; return $3; }"
		c_out=$(attach "$tmp/cg.o" --cgroup "$cg" -c "$tmp/in unshare -n sh -c 'ip link set lo up; $tmp/calls; cat /dev/null; cat /proc/sys/net/ipv4/ip_forward'")
		c_n=$(printf '%s' "$c_out" | sed -n 's/.*hits: \([0-9]*\).*/\1/p')
		if [ "${c_n:-0}" -ge 1 ]; then
			tap_line 0 "$1"
		elif [ "${c_out#*needs Linux}" != "$c_out" ]; then
			skip "$1" "$(printf '%s' "$c_out" | grep "needs Linux")"
		else
			tap_line 1 "$1" "$c_out"
		fi
	}
	cgroup cgroup_skb/ingress "struct __sk_buff" 1
	cgroup cgroup_skb/egress "struct __sk_buff" 1
	cgroup cgroup/skb "struct __sk_buff" 1
	cgroup cgroup/sock_create "struct bpf_sock" 1
	cgroup cgroup/sock_release "struct bpf_sock" 1
	cgroup cgroup/post_bind4 "struct bpf_sock" 1
	cgroup cgroup/post_bind6 "struct bpf_sock" 1
	cgroup cgroup/bind4 "struct bpf_sock_addr" 1
	cgroup cgroup/bind6 "struct bpf_sock_addr" 1
	cgroup cgroup/connect4 "struct bpf_sock_addr" 1
	cgroup cgroup/connect6 "struct bpf_sock_addr" 1
	cgroup cgroup/sendmsg4 "struct bpf_sock_addr" 1
	cgroup cgroup/recvmsg4 "struct bpf_sock_addr" 1
	cgroup cgroup/getpeername4 "struct bpf_sock_addr" 1
	cgroup cgroup/getsockname4 "struct bpf_sock_addr" 1
	cgroup cgroup/sendmsg6 "struct bpf_sock_addr" 1
	cgroup cgroup/recvmsg6 "struct bpf_sock_addr" 1
	cgroup cgroup/getpeername6 "struct bpf_sock_addr" 1
	cgroup cgroup/getsockname6 "struct bpf_sock_addr" 1
	cgroup cgroup/sock "struct bpf_sock" 1
	cgroup cgroup/connect_unix "struct bpf_sock_addr" 1
	case $c_out in
	*"needs Linux 6.7"*) ;;
	*)
		cgroup cgroup/sendmsg_unix "struct bpf_sock_addr" 1
		cgroup cgroup/recvmsg_unix "struct bpf_sock_addr" 1
		cgroup cgroup/getpeername_unix "struct bpf_sock_addr" 1
		cgroup cgroup/getsockname_unix "struct bpf_sock_addr" 1
		;;
	esac
	cgroup cgroup/setsockopt "struct bpf_sockopt" 1 "ctx->optlen = ctx->optlen > 4096 ? 0 : ctx->optlen;"
	cgroup cgroup/getsockopt "struct bpf_sockopt" 1
	cgroup cgroup/sysctl "struct bpf_sysctl" 1
	cgroup cgroup/dev "struct bpf_cgroup_dev_ctx" 1
	cgroup sockops "struct bpf_sock_ops" 1
	has "without a cgroup" "no cgroup is named (--cgroup)" "$(attach "$tmp/cg.o" --duration 0)"
	has "a folder that is none" "is no folder of cgroup v2" \
		"$(attach "$tmp/cg.o" --cgroup "$tmp" --duration 0)"
	has "a folder that is not there" "there is no such cgroup" \
		"$(attach "$tmp/cg.o" --cgroup "$cg/none" --duration 0)"
	object iters 'SEC("iter/cgroup") int skep_t_its(void *ctx) { hits++; return 0; }'
	has "an iterator of cgroup: this one, and the end" "hits: 2" \
		"$(attach "$tmp/iters.o" --cgroup "$cg")"
	mkdir "$cg/below"
	out=$(timeout 20 "$SKEP" attach "$tmp/cg.o" --cgroup "$cg/below" 2>&1 & p=$!
		sleep 1; rmdir "$cg/below"; wait $p; echo "status $?")
	has "a cgroup that goes" "is gone [SKEP-E0947]" "$out"
	"$SKEP" attach -q "$tmp/cg.o" --cgroup "$cg" 2> /dev/null &
	first=$!
	sleep 1
	[ -z "$bpftool" ] || has "it is attached" skep_t_cg "$($bpftool cgroup show "$cg" 2>&1)"
	kill -9 $first
	wait $first 2> /dev/null
	[ -z "$bpftool" ] || same "killed: nothing stays on the cgroup" "" "$($bpftool cgroup show "$cg" 2>&1)"

	# sockets of the cgroup that connect come into the map, and what they send passes
	object sockmap 'struct { __uint(type, BPF_MAP_TYPE_SOCKMAP); __uint(max_entries, 16);
	__type(key, __u32); __type(value, __u32); } socks SEC(".maps");
__u32 next;
SEC("sockops") int skep_t_so(struct bpf_sock_ops *ctx)
{
	__u32 key = next & 15;

	if (ctx->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB ||
	    ctx->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB) {
		next++;
		bpf_sock_map_update(ctx, &socks, &key, BPF_ANY);
	}
	return 1;
}
SEC("sk_msg") int skep_t_sm(struct sk_msg_md *ctx) { hits += ctx->size; return SK_PASS; }
SEC("sk_skb/stream_verdict") int skep_t_sv(struct __sk_buff *ctx) { seen += ctx->len; return SK_PASS; }'
	out=$(attach "$tmp/sockmap.o" --cgroup "$cg" \
		-c "$tmp/in unshare -n sh -c 'ip link set lo up; $tmp/calls'")
	has "sockmaps: messages and streams" "hits: 4   seen: 4" "$out"
	for kind in sk_skb/verdict sk_skb; do
		sed "s|sk_skb/stream_verdict|$kind|" "$tmp/sockmap.c" > "$tmp/skb.c"
		"$SKEP" cc "$tmp/skb.c" -o "$tmp/skb.o" > /dev/null 2>&1
		out=$(attach "$tmp/skb.o" --cgroup "$cg" \
			-c "$tmp/in unshare -n sh -c 'ip link set lo up; $tmp/calls'")
		has "$kind" "hits: 4   seen: 4" "$out"
	done
	object parser 'struct { __uint(type, BPF_MAP_TYPE_SOCKMAP); __uint(max_entries, 16);
	__type(key, __u32); __type(value, __u32); } socks SEC(".maps");
SEC("sk_skb/stream_parser") int skep_t_sp(struct __sk_buff *ctx) { return ctx->len; }
SEC("sk_skb/stream_verdict") int skep_t_sv(struct __sk_buff *ctx) { return SK_PASS; }'
	has "sk_skb/stream_parser" "attached: skep_t_sp: sk_skb/stream_parser socks" \
		"$(attach "$tmp/parser.o" --duration 0)"
	{
		cat "$tmp/sockmap.c"
		echo 'SEC("sk_skb/stream_parser") int skep_t_sp(struct __sk_buff *ctx)
{
	parsed += ctx->len;
	return ctx->len;
}'
	} | sed 's/^__u32 next;/__u32 next, parsed;/' > "$tmp/parses.c"
	"$SKEP" cc "$tmp/parses.c" -o "$tmp/parses.o" > /dev/null 2>&1
	out=$(attach "$tmp/parses.o" --cgroup "$cg" \
		-c "$tmp/in unshare -n sh -c 'ip link set lo up; $tmp/calls'")
	has "sk_skb/stream_parser, before the verdict" "parsed: 4" "$out"
	rmdir "$cg"
fi

# ---- one socket of a process ----------------------------------------------------------------------
cat > "$tmp/sock.c" <<'X'
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
int main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	socklen_t n = sizeof(a);
	int on = 1, fd = socket(AF_INET, SOCK_DGRAM, 0), to = socket(AF_INET, SOCK_DGRAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	bind(fd, (void *)&a, sizeof(a));
	getsockname(fd, (void *)&a, &n);
	for (int i = 0; i < 300; i++) {
		sendto(to, "skep", 4, 0, (void *)&a, n);
		usleep(10000);
	}
	return 0;
}
X
$cc -o "$tmp/sock" "$tmp/sock.c"
object filter 'SEC("socket") int skep_t_sf(struct __sk_buff *ctx) { hits++; return ctx->len; }'
object reuse 'SEC("sk_reuseport") int skep_t_sr(struct sk_reuseport_md *ctx) { hits++; return SK_PASS; }'
unshare -n sh -c "ip link set lo up; exec $tmp/sock" &
pid=$!
sleep 0.5
object migrate 'SEC("sk_reuseport/migrate") int skep_t_sr(struct sk_reuseport_md *ctx)
{
	hits++;
	return SK_PASS;
}'
for kind in filter reuse migrate; do
	n=$(attach "$tmp/$kind.o" -p $pid --socket 3 --duration 0.3 |
		sed -n 's/.*hits: \([0-9]*\).*/\1/p')
	if [ "${n:-0}" -ge 1 ]; then
		tap_line 0 "a socket's $kind"
	else
		tap_line 1 "a socket's $kind" "got $n"
	fi
done
has "a socket that is none" "is no socket" "$(attach "$tmp/filter.o" -p $pid --socket 0 --duration 0)"
has "a descriptor that is not there" "descriptor 77 of process $pid" \
	"$(attach "$tmp/filter.o" -p $pid --socket 77 --duration 0)"
has "no socket" "no socket is named" "$(attach "$tmp/filter.o" -p $pid --duration 0)"
kill $pid
wait $pid 2> /dev/null

# ---- structs of functions: a congestion control of our own ----------------------------------------
cat > "$tmp/cc.c" <<'X'
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
/* a stream over loopback, sent under the congestion control of the first argument */
int main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	socklen_t n = sizeof(a);
	int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), s;
	static char buf[65536];
	long total = 0, got;

	bind(l, (void *)&a, sizeof(a));
	listen(l, 1);
	getsockname(l, (void *)&a, &n);
	if (setsockopt(c, IPPROTO_TCP, TCP_CONGESTION, argv[1], strlen(argv[1])))
		return perror(argv[1]), 1;
	connect(c, (void *)&a, sizeof(a));
	s = accept(l, 0, 0);
	if (!fork()) {
		for (int i = 0; i < 64; i++)
			if (write(c, buf, sizeof(buf)) != sizeof(buf))
				return 1;
		return 0;
	}
	close(c);
	while ((got = read(s, buf, sizeof(buf))) > 0)
		total += got;
	wait(0);
	printf("%ld bytes\n", total);
	return total != 64 * 65536l;
}
X
$cc -o "$tmp/cc" "$tmp/cc.c"
# ops SECTION NAME
ops()
{
	object "$2" 'struct sock;
struct tcp_sock { __u32 snd_cwnd, snd_ssthresh; } __attribute__((preserve_access_index));
struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	char name[16];
};
SEC("struct_ops/ssthresh") __u32 skep_t_ss(__u64 *ctx) { return 16; }
SEC("struct_ops/cong_avoid") void skep_t_ca(__u64 *ctx) { hits++; }
SEC("struct_ops/undo_cwnd") __u32 skep_t_uc(__u64 *ctx) { return 10; }
SEC("'"$1"'") struct tcp_congestion_ops skep_cc = { .ssthresh = (void *)skep_t_ss,
	.cong_avoid = (void *)skep_t_ca, .undo_cwnd = (void *)skep_t_uc, .name = "skep_'"$2"'" };'
	out=$(attach "$tmp/$2.o" -c "unshare -n sh -c 'ip link set lo up; $tmp/cc skep_$2'")
	has "$1: registered" "attached: skep_cc: struct_ops tcp_congestion_ops" "$out"
	has "$1: carries a stream" "4194304 bytes" "$out"
	same "$1: made its decisions" yes \
		"$(printf '%s' "$out" | sed -n 's/.*hits: [1-9][0-9]*.*/yes/p')"
	same "$1: is gone" "" "$(grep -o "skep_$2" /proc/sys/net/ipv4/tcp_available_congestion_control)"
}
object oldops 'int x;'
out=$(attach "$tmp/oldops.o" 2>&1)
has "no programs" "there is no program to attach" "$out"
ops .struct_ops.link linked
ops .struct_ops stored

# ---- static probes -----------------------------------------------------------------------------------
# Notes as <sys/sdt.h> makes them, without it: it may not be installed.
if [ "$(uname -m)" != x86_64 ]; then
	skip "static probes" "the test's probes are for x86-64"
else
	cat > "$tmp/usdt.c" <<'X'
#define NOTE(name, semaphore, args) "990: nop\n.pushsection .note.stapsdt,\"?\",\"note\"\n.balign 4\n" \
	".4byte 992f-991f, 994f-993f, 3\n991: .asciz \"stapsdt\"\n992: .balign 4\n" \
	"993: .8byte 990b, _.stapsdt.base, " semaphore "\n.asciz \"skep\", \"" name "\", \"" args "\"\n" \
	"994: .balign 4\n.popsection\n.ifndef _.stapsdt.base\n" \
	".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n" \
	".weak _.stapsdt.base\n.hidden _.stapsdt.base\n_.stapsdt.base: .space 1\n" \
	".size _.stapsdt.base, 1\n.popsection\n.endif\n"
unsigned short watched __attribute__((section(".probes"))), unwatched;
int counter = 40, entered;
struct { char pad[8]; short part; } global = { "", -3 };
long table[4] = { 5, 6, 7, 8 };
__attribute__((noinline)) static void one(int n, const char *s, signed char c, long *v)
{
	__asm__ volatile(NOTE("first", "0", "-4@%0 8@%1 -1@%2 -8@%3")
			 :: "nor"(n), "nor"(s), "r"(c), "m"(v[2]));
	__asm__ volatile(NOTE("index", "0", "8@(%1,%0,8) 8@8(%1,%0,8) 1@$-1")
			 :: "r"(2l), "r"(&table[0]));
}
int main(void)
{
	long v[3] = { 1, 2, 12345678901 };

	for (int i = 0; i < 3; i++) {
		one(i + 100, "text", -5, v);
		if (*(volatile unsigned short *)&watched) {
			entered++;
			__asm__ volatile(NOTE("second", "watched", "4@$7 -4@%0") :: "r"(entered));
		}
		__asm__ volatile(NOTE("third", "0",
			"-4@counter(%%rip) -2@8+global(%%rip) 4@$9 8f@%%xmm0") ::: "memory");
		__asm__ volatile(NOTE("fourth", "0",
			"-4@counter(%%rip) -2@8+global(%%rip) -8@table+16(%%rip)") ::: "memory");
	}
	return 0;
}
X
	$cc -O2 -o "$tmp/usdt" "$tmp/usdt.c"
	object probe 'typedef _Bool bool;
#include <bpf/usdt.bpf.h>
struct event { long n, args, v[4]; int r[4]; } *unused;
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");
SEC("usdt") int skep_t_usdt(struct pt_regs *ctx)
{
	struct event e = { bpf_usdt_cookie(ctx), bpf_usdt_arg_cnt(ctx) };

	e.r[0] = bpf_usdt_arg(ctx, 0, &e.v[0]);
	e.r[1] = bpf_usdt_arg(ctx, 1, &e.v[1]);
	e.r[2] = bpf_usdt_arg(ctx, 2, &e.v[2]);
	e.r[3] = bpf_usdt_arg(ctx, 3, &e.v[3]);
	bpf_ringbuf_output(&events, &e, sizeof(e), 0);
	return 0;
}'
	# probe NAME [OPTION...]: what the program sees of it
	probe()
	{
		p_name=$1
		shift
		attach "$tmp/probe.o" --at "$tmp/usdt:skep:$p_name" "$@" -c "$tmp/usdt"
	}
	out=$(probe first --cookie 5)
	has "a static probe" '"n": 5, "args": 4, "v": [102' "$out"
	has "its other arguments" ', -5, 12345678901], "r": [0, 0, 0, 0]}' "$out"
	has "each time" "map events: 3 records" "$out"
	out=$(probe second)
	has "a probe with a semaphore" "map events: 3 records" "$out"
	has "its arguments" '"args": 2, "v": [7, 3, ' "$out"
	has "a probe that is not there" "did you mean 'skep:second'?" "$(probe secnod)"
	has "no probe of the form" "is not PATH:PROVIDER:NAME" \
		"$(attach "$tmp/probe.o" --at "$tmp/usdt:first" -c "$tmp/usdt")"
	has "arguments that are variables" '"args": 3, "v": [40, -3, 7, ' "$(probe fourth)"
	has "an argument that nobody gets" "is in a floating point register" "$(probe third)"
	out=$(probe index)
	case $out in
	*"cannot read"*) has "an index register: headers before libbpf 1.7" SKEP-E0948 "$out" ;;
	*) has "an index register" '"v": [7, 8, 255' "$out" ;;
	esac
	sed 's|SEC("usdt")|SEC("usdt.s")|' "$tmp/probe.c" > "$tmp/probes.c"
	"$SKEP" cc "$tmp/probes.c" -o "$tmp/probes.o" > /dev/null 2>&1
	has "a program that may sleep" "map events: 3 records" \
		"$(attach "$tmp/probes.o" --at "$tmp/usdt:skep:first" -c "$tmp/usdt")"
	strip -s -o "$tmp/bare" "$tmp/usdt"
	has "variables of a stripped program" "'counter' is not in its symbol tables" \
		"$(attach "$tmp/probe.o" --at "$tmp/bare:skep:fourth" -c "$tmp/bare")"
	has "other arguments of it" "map events: 3 records" \
		"$(attach "$tmp/probe.o" --at "$tmp/bare:skep:first" -c "$tmp/bare")"
fi

# ---- the red zone ---------------------------------------------------------------------------------------
# A leaf keeps its variable below the stack pointer, and a nop that kernels may make a call.
if [ "$(uname -m)" = x86_64 ]; then
	cat > "$tmp/leaf.c" <<'X'
#include <stdio.h>
long leaf(long v), plain(long v);
__asm__(".globl leaf\n.type leaf,@function\nleaf: mov %rdi,-8(%rsp)\nleaf_nop: .byte 0x0f,0x1f,0x44,0,0\n"
	"mov -8(%rsp),%rax\nret\n.size leaf, . - leaf\n"
	".globl plain\n.type plain,@function\nplain: mov %rdi,%rax\n.byte 0x0f,0x1f,0x44,0,0\nret\n"
	".size plain, . - plain\n");
int main(void)
{
	int wrong = 0;

	for (long i = 1; i < 100; i++)
		wrong += leaf(i) != i || plain(i) != i;
	printf("%d wrong\n", wrong);
	return 0;
}
X
	$cc -o "$tmp/leaf" "$tmp/leaf.c"
	object hits 'SEC("uprobe") int skep_t_hit(void *ctx) { hits++; return 0; }'
	out=$(attach "$tmp/hits.o" --at "$tmp/leaf:leaf+5" -c "$tmp/leaf")
	case $out in
	*SKEP-E0945*) has "a nop in a leaf is refused" "would lose its variables" "$out" ;;
	*)
		has "a nop in a leaf does no harm here" "hits: 99" "$out"
		has "to what it computes" "0 wrong" "$out"
		;;
	esac
	out=$(attach "$tmp/hits.o" --at "$tmp/leaf:leaf+10" -c "$tmp/leaf")
	has "the instruction behind it does" "hits: 99" "$out"
	has "and is not harmed" "0 wrong" "$out"
	out=$(attach "$tmp/hits.o" --at "$tmp/leaf:plain+3" -c "$tmp/leaf")
	has "a nop where nothing is kept below the stack pointer" "hits: 99" "$out"
	has "is not harmed" "0 wrong" "$out"
fi

# ---- killed -------------------------------------------------------------------------------------------------
"$tmp/target" 1 20000 &
pid=$!
"$SKEP" attach -q "$tmp/printk.o" --at "$tmp/target:work" -p $pid 2> /dev/null &
first=$!
sleep 1
[ -z "$bpftool" ] || has "it is loaded" skep_t_pr "$($bpftool prog show name skep_t_pr 2>&1)"
kill -9 $first
wait $first 2> /dev/null
[ -z "$bpftool" ] || status "killed: no program stays" 1 loaded skep_t_pr
same "nor a trace buffer" "" "$(for t in 1 2 3 4 5 6 7 8 9 10; do
	left=$(unshare -m sh -c "mount -t tracefs none /mnt && ls /mnt/instances | grep skep-$first-")
	[ -n "$left" ] || break
	sleep 0.3
	done; echo "$left")"
kill $pid
wait $pid 2> /dev/null
done_testing
