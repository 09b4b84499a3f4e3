#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# attach_record.t: `skep attach --record`: what programs in the kernel saw is saved, and
# `skep replay` computes the same from it: what each run returned, records that it sent, maps
# at the end. User probes of processes of its own, devices in a network name space of its
# own; tracepoints run for all processes while a command of its own runs.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
export CLANG

status "a recording is one file" 2 "$SKEP" attach --record "$tmp/a" --record "$tmp/b" x.o
why=$("$SKEP" run --on kernel examples/firewall/firewall.o examples/firewall/traffic.pcapng -q 2>&1) ||
	skip_all "$(printf '%s' "$why" | head -n 1)"

cat > "$tmp/target.c" <<'X'
#include <stdlib.h>
#include <unistd.h>
#include <fcntl.h>
__attribute__((noinline)) long work(long a, const char *text) { __asm__ volatile(""); return a * 3 + text[0]; }
int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 3, s = 0;
	char text[8] = "a-text";

	for (long i = 0; i < n; i++) {
		text[0] = 'a' + i % 26;
		s += work(i, text);
		if (argc > 2)
			close(open(text, O_RDONLY));
	}
	return s < 0;
}
X
${CC:-cc} -O2 -g -o "$tmp/target" "$tmp/target.c" || skip_all "no C compiler"

# object NAME TEXT: $tmp/NAME.o
object()
{
	printf '%s\n' '#include <linux/bpf.h>' '#include <linux/ptrace.h>' \
		'#include <bpf/bpf_helpers.h>' '#include <bpf/bpf_tracing.h>' '#include <bpf/bpf_core_read.h>' \
		'char _license[] SEC("license") = "GPL";' "$2" > "$tmp/$1.c"
	"$SKEP" cc "$tmp/$1.c" -o "$tmp/$1.o" > "$tmp/err" 2>&1 ||
		same "$1 compiles" "" "$(cat "$tmp/err")"
}

# attach NAME ARGUMENT...: recorded to $tmp/NAME.rec; its output in $tmp/out and $tmp/err
attach()
{
	a_name=$1
	shift
	timeout 60 "$SKEP" attach --record "$tmp/$a_name.rec" "$tmp/$a_name.o" "$@" \
		> "$tmp/out" 2> "$tmp/err"
	a_status=$?
	[ $a_status = 0 ] || cat "$tmp/err" >&2
	runs=$(sed -n 's/.*: \([0-9]*\) runs* of .*/\1/p' "$tmp/err")
}

# again NAME WHAT MAP...: replayed, all is the same, maps too, records of events (if any)
again()
{
	g_name=$1 g_what=$2
	shift 2
	"$SKEP" replay "$tmp/$g_name.rec" > "$tmp/replayed" 2>&1
	same "$g_what: all runs are the same" 0 $?
	same "$g_what: as many" "$runs" "$(sed -n 's/.*: \([0-9]*\) runs* in kernel .*/\1/p' "$tmp/replayed")"
	for g_map; do
		has "$g_what: map $g_map" "the same" "$(grep "^map $g_map " "$tmp/replayed")"
	done
	grep '^events: ' "$tmp/out" | sort > "$tmp/want"
	"$SKEP" replay -v "$tmp/$g_name.rec" | grep '^events: ' | sort > "$tmp/got"
	same "$g_what: the same records" "$(cksum < "$tmp/want")" "$(cksum < "$tmp/got")"
}

# ---- 1,000 runs ------------------------------------------------------------------------------
object uprobe '
struct event { __u32 pid; long a; char comm[16], text[8]; } *unused;
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 1 << 20); } events SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, __u32);
	__type(value, __u64); } letters SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 4); __type(key, __u32);
	__type(value, __u64); } sums SEC(".maps");
__u64 hits; __s64 last;
const volatile int factor = 2;
static __noinline int note(__u32 letter, __u64 by)
{
	__u64 *v = bpf_map_lookup_elem(&letters, &letter);

	if (v) {
		__sync_fetch_and_add(v, by);
		return *v;
	}
	bpf_map_update_elem(&letters, &letter, &by, BPF_NOEXIST);
	return 0;
}
SEC("uprobe") int skep_r_up(struct pt_regs *ctx)
{
	struct event *e;
	__u32 slot = PT_REGS_PARM1(ctx) & 3;
	__u64 *sum = bpf_map_lookup_elem(&sums, &slot);
	char text[8] = {};
	int n;

	bpf_probe_read_user(text, sizeof(text), (void *)PT_REGS_PARM2(ctx));
	n = note(text[0], factor);
	if (sum)
		*sum += bpf_get_prandom_u32() & 0xff;
	if (text[0] == 99)
		last = __sync_fetch_and_add(&hits, 1);
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e)
		return 0;
	*e = (struct event){ bpf_get_current_pid_tgid() >> 32, n + (bpf_ktime_get_ns() & 7) };
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	bpf_probe_read_user_str(e->text, sizeof(e->text), (void *)PT_REGS_PARM2(ctx));
	bpf_ringbuf_submit(e, 0);
	return text[0] == 122;
}'
attach uprobe --at "$tmp/target:work" --set factor=5 -c "$tmp/target 1000"
same "1,000 runs are recorded" 1000 "$runs"
again uprobe "a user probe" letters sums .bss
has "one run" "run 7: skep_r_up on cpu " "$("$SKEP" replay --run 7 "$tmp/uprobe.rec")"
has "what it sent" '"text": "g-text"' "$("$SKEP" replay --run 7 "$tmp/uprobe.rec")"
has "as JSON" '"source": "kernel"' "$("$SKEP" replay --json "$tmp/uprobe.rec")"
has "and what is the same" '"runs": 1000, "same": 1000, "in_part": 0, "differ": 0' \
	"$("$SKEP" replay --json "$tmp/uprobe.rec")"
status "a run that is not there" 2 "$SKEP" replay --run 1001 "$tmp/uprobe.rec"
has "another object is for recordings of skep run" "was recorded in the kernel" \
	"$("$SKEP" replay --with "$tmp/uprobe.o" "$tmp/uprobe.rec" 2>&1)"
same "what it shows is as without a recording" "$(grep -c '^events: ' "$tmp/out")" 1000
has "maps of the recording are not shown" "map sums" "$(timeout 60 "$SKEP" attach --maps \
	--record "$tmp/m.rec" "$tmp/uprobe.o" --at "$tmp/target:work" -c "$tmp/target 1" 2>&1)"
same "none of them" "" "$(timeout 60 "$SKEP" attach --maps --record "$tmp/m.rec" "$tmp/uprobe.o" \
	--at "$tmp/target:work" -c "$tmp/target 1" 2>&1 | grep "map skep_")"
echo '[{"key": 97, "value": 40}]' > "$tmp/letters.json"
attach uprobe --at "$tmp/target:work" -m "letters=$tmp/letters.json" -c "$tmp/target 10"
again uprobe "maps that were filled before" letters
cp "$tmp/uprobe.o" "$tmp/copy.o"
status "the object is not overwritten" 2 "$SKEP" attach --record "$tmp/copy.o" "$tmp/copy.o" -c true
same "it is what it was" "$(cksum < "$tmp/uprobe.o")" "$(cksum < "$tmp/copy.o")"
sh -c "while :; do $tmp/target 3; sleep 0.05; done" &
loop=$!
"$SKEP" attach -q --record "$tmp/killed.rec" "$tmp/uprobe.o" --at "$tmp/target:work" > /dev/null 2>&1 &
skep=$!
sleep 4
kill -9 $skep $loop
wait $skep $loop 2> /dev/null
has "killed: runs before that are whole" "is whole\|are whole" "$("$SKEP" replay "$tmp/killed.rec" 2>&1 |
	sed 's/.* runs* of it \(is\|are\) whole.*/is whole\\|are whole/')"
same "and the same" "1" "$("$SKEP" replay "$tmp/killed.rec" 2> /dev/null |
	awk '$1 == "skep_r_up" && $2 > 0 && $2 == $3 { print 1 }')"
cp "$tmp/uprobe.rec" "$tmp/whole"
head -c 3000 "$tmp/whole" > "$tmp/cut.rec"
status "a recording that was cut" 2 "$SKEP" replay "$tmp/cut.rec"

# ---- callbacks, functions ----------------------------------------------------------------------
object calls '
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 8); __type(key, __u32);
	__type(value, __u64); } all SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 1 << 20); } events SEC(".maps");
struct sum { __u64 of, n; };
static long each(struct bpf_map *map, __u32 *key, __u64 *value, struct sum *s)
{
	s->of += *value + *key;
	return *key == 5;
}
static long inner(__u32 i, struct sum *s) { s->of += i; return 0; }
static long outer(__u32 i, struct sum *s)
{
	__u32 key = i & 7;
	__u64 *v = bpf_map_lookup_elem(&all, &key);

	if (v)
		*v += 1;
	bpf_loop(i & 3, inner, s, 0);
	return i == 9;
}
__noinline int global(struct sum *s, int by)
{
	if (!s)
		return -1;
	s->of += by;
	return s->n;
}
SEC("uprobe") int skep_r_cb(struct pt_regs *ctx)
{
	struct sum s = { PT_REGS_PARM1(ctx) };

	bpf_loop(12, outer, &s, 0);
	bpf_for_each_map_elem(&all, each, &s, 0);
	global(&s, bpf_get_prandom_u32() & 3);
	bpf_ringbuf_output(&events, &s, sizeof(s), 0);
	return s.of & 0xff;
}'
attach calls --at "$tmp/target:work" -c "$tmp/target 100"
same "runs with callbacks" 100 "$runs"
again calls "callbacks and functions" all

# Callbacks that change the elements that they are called for.
object walk '
struct k { __u16 a, b, c; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, __u32);
	__type(value, __u64); } ages SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_HASH); __uint(max_entries, 64); __type(key, struct k);
	__type(value, __u64); } odd SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 5); __type(key, __u32);
	__type(value, __u64); } five SEC(".maps");
static long older(struct bpf_map *map, __u32 *key, __u64 *value, __u64 *by)
{
	*value += *by;
	if (*value > 40)
		bpf_map_delete_elem(map, key);
	return 0;
}
static long odder(struct bpf_map *map, struct k *key, __u64 *value, __u64 *by)
{
	__sync_fetch_and_add(value, *by + key->b);
	return 0;
}
static long both(struct bpf_map *map, void *key, __u64 *value, __u64 *by)
{
	*value += 1;
	return 0;
}
SEC("uprobe") int skep_r_wa(struct pt_regs *ctx)
{
	__u64 by = PT_REGS_PARM1(ctx) & 3, one = 1;
	__u32 key = PT_REGS_PARM1(ctx) & 31;
	struct k k = { key, key * 3, 7 };

	bpf_map_update_elem(&ages, &key, &one, BPF_NOEXIST);
	bpf_map_update_elem(&odd, &k, &one, BPF_NOEXIST);
	bpf_for_each_map_elem(&ages, older, &by, 0);
	bpf_for_each_map_elem(&odd, odder, &by, 0);
	bpf_for_each_map_elem(&five, both, &by, 0);
	return by;
}'
attach walk --at "$tmp/target:work" -c "$tmp/target 200"
same "runs with callbacks for elements" 200 "$runs"
again walk "callbacks that change elements" ages odd five
has "keys are shown by their types" 'map odd: {"a": 2, "b": 6, "c": 7} = 1' \
	"$("$SKEP" replay --run 3 "$tmp/walk.rec" | tr -s ' ' | sed 's/{ /{/; s/ }/}/')"
sed 's/bpf_for_each_map_elem(&five/bpf_for_each_map_elem(\&odd, both, \&by, 0);&/' "$tmp/walk.c" > "$tmp/mixed.c"
"$SKEP" cc "$tmp/mixed.c" -o "$tmp/mixed.o"
attach mixed --at "$tmp/target:work" -c "$tmp/target 20"
"$SKEP" replay "$tmp/mixed.rec" > "$tmp/replayed" 2>&1
has "a callback for keys of two sizes: its runs are the same" "mixed.rec: 20 runs" "$(cat "$tmp/replayed")"

# What may be missing in a kernel
object weak '
extern int bpf_skep_has_none __ksym __weak;
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32);
	__type(value, __u64); } all SEC(".maps");
SEC("uprobe") int skep_r_wk(struct pt_regs *ctx)
{
	__u32 key = 0, n = 1;
	__u64 *v;

	if (&bpf_skep_has_none)
		n += 16;
	v = bpf_map_lookup_elem(&all, &key);
	if (v)
		*v += n;
	return n;
}'
if [ -r /sys/kernel/btf/vmlinux ]; then
	attach weak --at "$tmp/target:work" -c "$tmp/target 10"
	again weak "what may be missing" all
	has "what is not there was not" " = 1" "$("$SKEP" replay --run 1 "$tmp/weak.rec")"
fi

# may_goto: the kernel says when the loop ends
cat > "$tmp/goto.c" <<'X'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char _license[] SEC("license") = "GPL";
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 8); __type(key, __u32);
	__type(value, __u64); } all SEC(".maps");
SEC("uprobe") int skep_r_go(void *ctx)
{
	__u64 n = 0;

	for (;;) {
		asm volatile goto(".8byte ((%l[end] - . - 8) / 8 & 0xffff) << 16 | 0xe5" :::: end);
		__u32 key = n & 7;
		__u64 *v = bpf_map_lookup_elem(&all, &key);

		if (v)
			*v += n;
		if (++n >= 20 + (bpf_get_prandom_u32() & 7))
			break;
	}
end:
	return n;
}
X
if "$SKEP" cc "$tmp/goto.c" -o "$tmp/goto.o" > "$tmp/err" 2>&1; then
	attach goto --at "$tmp/target:work" -c "$tmp/target 50"
	same "runs with may_goto" 50 "$runs"
	again goto "a loop by may_goto" all
else
	same "may_goto compiles" "" "$(cat "$tmp/err")"
fi

# ---- tracepoints ---------------------------------------------------------------------------------
object points '
struct task_struct { int pid, tgid; struct task_struct *real_parent; } __attribute__((preserve_access_index));
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 1 << 20); } events SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LRU_HASH); __uint(max_entries, 4096); __type(key, __u32);
	__type(value, __u32); } parents SEC(".maps");
struct open { short type; char flags, count; int pid; long nr; unsigned long args[6]; };
SEC("tp/syscalls/sys_enter_openat") int skep_r_tp(struct open *ctx)
{
	char name[32];
	long n = bpf_probe_read_user_str(name, sizeof(name), (void *)ctx->args[1]);

	if (n > 0 && n <= 32)
		bpf_ringbuf_output(&events, name, n, 0);
	return n;
}
SEC("raw_tp/sched_process_fork") int skep_r_raw(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *t = (void *)ctx->args[1];
	__u32 pid = BPF_CORE_READ(t, pid), parent = BPF_CORE_READ(t, real_parent, tgid);

	bpf_map_update_elem(&parents, &pid, &parent, BPF_ANY);
	return parent;
}
SEC("tp_btf/sched_process_exit") int BPF_PROG(skep_r_btf, struct task_struct *t)
{
	__u32 pid = t->pid;

	bpf_map_delete_elem(&parents, &pid);
	return t->real_parent->tgid & 0xff;
}'
if [ -r /sys/kernel/btf/vmlinux ]; then
	attach points -c "sh -c 'for i in 1 2 3; do $tmp/target 10 x; done'"
	again points "tracepoints"
	has "each kind" "skep_r_btf" "$(cat "$tmp/replayed")"
else
	skip "tracepoints" "this kernel shows no types"
fi

# ---- packets ---------------------------------------------------------------------------------------
object xdp '
#include <linux/if_ether.h>
#include <linux/ip.h>
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, __u32);
	__type(value, __u64); } from SEC(".maps");
SEC("xdp") int skep_r_xdp(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	__u64 bytes = end - data, *v;
	__u32 key;

	if ((void *)(ip + 1) > end || eth->h_proto != __builtin_bswap16(ETH_P_IP))
		return XDP_PASS;
	key = ip->saddr;
	v = bpf_map_lookup_elem(&from, &key);
	if (v)
		__sync_fetch_and_add(v, bytes);
	else
		bpf_map_update_elem(&from, &key, &bytes, BPF_ANY);
	ip->ttl--;
	return ip->ttl & 1 ? XDP_PASS : XDP_DROP;
}
SEC("tc") int skep_r_tc(struct __sk_buff *skb)
{
	__u8 first[20];

	if (bpf_skb_load_bytes(skb, 14, first, sizeof(first)))
		return 0;
	skb->mark = first[8];
	return skb->len & 1 ? 0 : -1;
}'
unshare -n sleep 100 &
ns=$!
sleep 0.3
cat > "$tmp/send.c" <<'X'
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
	for (int i = 0; i < atoi(argv[1]); i++)
		sendto(fd, "skep, and so on", 4 + i % 9, 0, (void *)&to, sizeof(to));
	usleep(20000);
	return 0;
}
X
${CC:-cc} -o "$tmp/send" "$tmp/send.c"
inside() { nsenter -t $ns -n "$@"; }
trap 'kill $ns 2> /dev/null; rm -rf "$tmp"' EXIT
if inside ip link set lo up 2> /dev/null; then
	attach xdp --netns $ns --dev lo --prog skep_r_xdp --at generic -c "nsenter -t $ns -n $tmp/send 40"
	has "packets went through it" yes "$([ "${runs:-0}" -ge 20 ] && echo yes)"
	again xdp "an XDP program" from
	attach xdp --netns $ns --dev lo --prog skep_r_tc --at ingress -c "nsenter -t $ns -n $tmp/send 40"
	case $(cat "$tmp/err") in
	*"needs Linux"*) skip "a tc program" "$(cat "$tmp/err" | head -n 1)" ;;
	*) again xdp "a tc program" ;;
	esac
else
	skip "packets" "no ip command"
fi

object classic '
#include <linux/if_ether.h>
unsigned long long load_byte(void *skb, unsigned long long off) __asm__("llvm.bpf.load.byte");
unsigned long long load_half(void *skb, unsigned long long off) __asm__("llvm.bpf.load.half");
unsigned long long load_word(void *skb, unsigned long long off) __asm__("llvm.bpf.load.word");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, __u32);
	__type(value, __u64); } sums SEC(".maps");
SEC("tc") int skep_r_ld(struct __sk_buff *skb)
{
	__u32 key = load_half(skb, 12) == 0x800, at = load_byte(skb, 14) & 15;
	__u64 *v = bpf_map_lookup_elem(&sums, &key);

	if (v)
		*v += load_word(skb, 14 + at * 4);
	/* some packets have no such byte: the program ends there */
	key = load_byte(skb, 40 + (skb->len & 7)) & 3;
	v = bpf_map_lookup_elem(&sums, &key);
	if (v)
		*v += load_byte(skb, 48);
	return -1;
}'
if inside ip link set lo up 2> /dev/null; then
	attach classic --netns $ns --dev lo --at ingress -c "nsenter -t $ns -n $tmp/send 60"
	case $(cat "$tmp/err") in
	*"needs Linux"*) skip "loads of classic BPF" "$(cat "$tmp/err" | head -n 1)" ;;
	*) same "loads of classic BPF" "" "$(grep 'not recorded' "$tmp/err")"
	   has "packets went through them" yes "$([ "${runs:-0}" -ge 20 ] && echo yes)"
	   again classic "loads of classic BPF" sums ;;
	esac
fi

# ---- what skep trace makes ----------------------------------------------------------------------------
if "$SKEP" trace -e "uprobe:$tmp/target:work { @[str(arg1)] = count(); @s = sum(arg0); }" \
	--emit-elf "$tmp/script.o" > "$tmp/err" 2>&1; then
	attach script -c "$tmp/target 260"
	has "a script's program" yes "$([ "${runs:-0}" -ge 260 ] && echo yes)"
	again script "a script's program"
else
	same "a script's object" "" "$(cat "$tmp/err")"
fi

# ---- what is not recorded ---------------------------------------------------------------------------------
# A run that goes on in another program is told up to there, and the other one is a run, too; a
# tail call that leads nowhere is one of the things that a run sees.
object tail '
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, __u32);
	__type(value, __u64); } hits SEC(".maps");
static __always_inline void hit(__u32 i, __u64 by)
{
	__u64 *v = bpf_map_lookup_elem(&hits, &i);

	if (v)
		__sync_fetch_and_add(v, by);
}
SEC("uprobe") int skep_r_to(struct pt_regs *ctx)
{
	hit(1, PT_REGS_PARM1(ctx));
	return 9;
}
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4); __uint(key_size, 4);
	__array(values, int (void *)); } next SEC(".maps") = { .values = { [1] = (void *)skep_r_to } };
SEC("uprobe") int skep_r_tail(struct pt_regs *ctx)
{
	long n = PT_REGS_PARM1(ctx), before = bpf_get_prandom_u32() & 15;

	bpf_tail_call(ctx, &next, n & 3);
	hit(2, before);
	bpf_tail_call(ctx, &next, n & 2 ? 3 : 0);
	hit(3, before + n);
	return before + 1;
}'
attach tail --at "$tmp/target:work" -c "$tmp/target 100"
same "runs with tail calls, and those that they led to" 125 "$runs"
again tail "tail calls" hits
has "what went on elsewhere" "goes on in another program by a tail call" \
	"$("$SKEP" replay --run 2 "$tmp/tail.rec")"
same "where it went" 25 "$("$SKEP" replay -v "$tmp/tail.rec" | grep -c 'skep_r_to on .* = 9$')"
has "of JSON a member" '"tail_call":true' "$("$SKEP" replay --json --run 2 "$tmp/tail.rec" | tr -d ' ')"
object infunc '
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 1); __type(key, __u32);
	__type(value, __u32); } next SEC(".maps");
static __noinline int go(struct pt_regs *ctx) { bpf_tail_call(ctx, &next, 0); return 3; }
SEC("uprobe") int skep_r_in(struct pt_regs *ctx) { return go(ctx) + 1; }
SEC("uprobe") int skep_r_fine(struct pt_regs *ctx) { return PT_REGS_PARM1(ctx) & 1; }'
attach infunc --at "$tmp/target:work" -c "$tmp/target 10"
has "a program that cannot be recorded is named" \
	"note: 'skep_r_in' is not recorded: " "$(cat "$tmp/err")"
has "with the reason" ": a tail call in a function: " "$(cat "$tmp/err")"
same "the other is" 10 "$runs"
again infunc "the other"
status "--record-all does not go on" 2 "$SKEP" attach --record "$tmp/x.rec" --record-all \
	"$tmp/infunc.o" --at "$tmp/target:work" -c "$tmp/target 1"
status "nothing to record" 2 "$SKEP" attach --record "$tmp/x.rec" --prog skep_r_in \
	"$tmp/infunc.o" --at "$tmp/target:work" -c "$tmp/target 1"
same "leaves no file" "" "$(ls "$tmp/x.rec" 2> /dev/null)"

# Five arguments leave no register for what recording needs.
object five '
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, __u32);
	__type(value, __u64); } sums SEC(".maps");
static __noinline long deep(long a, long *b, __u64 *c, int d, struct pt_regs *ctx)
{
	*b += bpf_get_prandom_u32() & 3;
	*c += a + d;
	return PT_REGS_PARM1(ctx) + *b;
}
static __noinline long five(struct pt_regs *ctx, long a, __u64 *c, long *b, int d)
{
	return deep(a, b, c, d, ctx) + deep(a + 1, b, c, d + 2, ctx) + (bpf_ktime_get_ns() & 1);
}
SEC("uprobe") int skep_r_five(struct pt_regs *ctx)
{
	__u32 key = PT_REGS_PARM1(ctx) & 3;
	__u64 *v = bpf_map_lookup_elem(&sums, &key);
	long b = PT_REGS_PARM1(ctx);

	return v ? five(ctx, b, v, &b, 5) : 0;
}'
attach five --at "$tmp/target:work" -c "$tmp/target 60"
same "functions of five arguments" 60 "$runs"
again five "functions of five arguments" sums

object full '
SEC("uprobe") int skep_r_full(struct pt_regs *ctx)
{
	char b[504];

	bpf_probe_read_user(b, sizeof(b), (void *)PT_REGS_PARM2(ctx));
	return b[7];
}'
attach full --at "$tmp/target:work" --record "$tmp/none" -c "$tmp/target 1" 2> /dev/null
has "no room on the stack" "no room on the stack" \
	"$("$SKEP" attach --record "$tmp/full.rec" "$tmp/full.o" --at "$tmp/target:work" -c true 2>&1)"

object long '
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 8); __type(key, __u32);
	__type(value, __u64); } all SEC(".maps");
static long count(__u32 i, void *none)
{
	__u32 key = i & 7;
	__u64 *v = bpf_map_lookup_elem(&all, &key);

	if (v)
		*v += 1;
	return 0;
}
SEC("uprobe") int skep_r_long(struct pt_regs *ctx)
{
	bpf_loop(PT_REGS_PARM1(ctx) & 1 ? 5000 : 5, count, 0, 0);
	return 7;
}'
attach long --at "$tmp/target:work" -c "$tmp/target 10"
has "runs that see too much are counted" "5 of them were too long and are recorded in part" \
	"$(cat "$tmp/err")"
out=$("$SKEP" replay "$tmp/long.rec" 2>&1)
same "and replayed in part" 0 $?
has "which is said" "skep_r_long        10         5         5         0" "$out"
# skep sleeps while more runs are told than there is room for
object lost 'SEC("uprobe") int skep_r_lost(struct pt_regs *ctx)
{
	char b[100];

	bpf_probe_read_user(b, sizeof(b), (void *)PT_REGS_PARM2(ctx) - 50);
	return b[50];
}'
sh -c "sleep 2; exec $tmp/target 150000" &
pid=$!
"$SKEP" attach --record "$tmp/lost.rec" "$tmp/lost.o" --at "$tmp/target:work" -p $pid > "$tmp/out" 2>&1 &
skep=$!
sleep 1
kill -STOP $skep
wait $pid
kill -CONT $skep
wait $skep
lost=$(sed -n 's/^warning: \([0-9]*\) runs are not recorded: the ring buffer was full$/\1/p' "$tmp/out")
runs=$(sed -n 's/.*: \([0-9]*\) runs* of .*/\1/p' "$tmp/out")
same "runs that are lost are counted: all are accounted for" 150000 $((${lost:-0} + ${runs:-0}))
same "some were lost" yes "$([ "${lost:-0}" -gt 0 ] && echo yes)"
ok "the others are computed again" "$SKEP" replay "$tmp/lost.rec"
"$SKEP" attach --record "$tmp/no.rec" "$tmp/lost.o" --at "$tmp/target:work" -c "$tmp/no-such" 2> "$tmp/err"
same "no command: exit status" 2 $?
same "and no recording" no "$([ -e "$tmp/no.rec" ] && echo yes || echo no)"
same "nothing stays attached" "" "$(command -v bpftool > /dev/null && bpftool prog show 2> /dev/null | grep skep_r_)"
done_testing
