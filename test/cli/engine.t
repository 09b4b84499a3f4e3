#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# engine.t: what the verifier says decides what runs a program, compiled code or one of
# the interpreters, and users are told; programs of all in one object; budgets.
. test/tap.sh
fw=examples/firewall/firewall.o
cap=examples/firewall/traffic.pcapng
[ -n "$CLANG" ] || skip_all "no clang"
export CLANG

keys() # ARGUMENT...: verdict and engine
{
	$SKEP run -q --json "$@" 2>/dev/null | sed -n 's/^  "\(verdict\|engine\)": "\(.*\)",/\2/p' |
		tr '\n' ' '
}
sums() # ARGUMENT...: verdicts and maps
{
	$SKEP run -q --json "$@" 2>/dev/null | grep -v 'ns_per_packet\|"engine"\|"verdict"' | sort
}
same "a verified program" "verified jit-opt " "$(keys $fw $cap)"
same "in one pass" "verified jit-fast " "$(keys --jit fast $fw $cap)"
same "interpreted" "verified fast " "$(keys --jit off $fw $cap)"
same "one that nobody asked about" "not verified checked " "$(keys --unverified $fw $cap)"
has "-v says so" "note: 'firewall' is verified and runs as optimised native code" \
	"$($SKEP run -v $fw $cap 2>&1 >/dev/null)"
has "of each" "note: 'firewall' is verified and runs as native code of one pass" \
	"$($SKEP run -v --jit fast $fw $cap 2>&1 >/dev/null)"
has "engine" "note: 'firewall' is verified and runs in the fast interpreter" \
	"$($SKEP run -v --jit off $fw $cap 2>&1 >/dev/null)"
has "what is not verified is never compiled, and says so" \
	"is not verified and runs in the checked interpreter: only what is verified is compiled" \
	"$($SKEP run --unverified --jit opt $fw $cap 2>&1 >/dev/null)"
has "another word" "--jit takes off, fast or opt, not 'on'" "$($SKEP run --jit on $fw $cap 2>&1)"
has "a kernel has its own" "--jit is for the embedded engine" \
	"$($SKEP run --jit opt --on kernel $fw $cap 2>&1)"
same "without it nothing is said" "" "$($SKEP run $fw examples/nat64/outgoing.pcap 2>&1 >/dev/null)"
for jit in off fast opt; do
	same "all do the same: --jit $jit" "$(sums --unverified $fw $cap)" "$(sums --jit $jit $fw $cap)"
done

# ---- how many: what should be optimised is
cap64=examples/nat64/outgoing.pcap
for o in examples/*/*.o; do
	case $o in */bad.o) continue ;; esac
	for prog in $($SKEP inspect --json "$o" | sed -n '/"programs": \[/,/^    \]/s/^        "name": "\(.*\)",/\1/p'); do
		out=$($SKEP run -q --stats --prog "$prog" "$o" $cap64 2>&1) || continue
		case $out in *"jit-fast, 0 fast, 0 checked"*) ;; *) out="$o $prog: $out" ;; esac
		has "$prog of $o is optimised" "0 jit-fast, 0 fast, 0 checked" "$out"
	done
done
out=$($SKEP run -q --stats $fw $cap 2>&1)
has "--stats counts" "programs: 1 jit-opt, 0 jit-fast, 0 fast, 0 checked" "$out"
same "and says of each" "  firewall: jit-opt, N instructions, N bytes in N us" \
	"$(echo "$out" | sed -n '/firewall/s/ [0-9][0-9]*/ N/gp')"
has "with the reason" "programs: 0 jit-opt, 0 jit-fast, 0 fast, 1 checked" \
	"$($SKEP run -q --stats --unverified $fw $cap 2>&1)"
has "in JSON" '"code_bytes": 0,' "$($SKEP run -q --stats --json --jit off $fw $cap 2>&1)"

# ---- names for perf(1)
# OFFSET SIZE NAME, from the page where the code begins
perf_map()
{
	SKEP_PERF_MAP=1 $SKEP run -q --jit "$1" $fw $cap64 &
	pid=$!
	wait $pid
	while read -r at size name; do
		printf '%x %x %s\n' $((0x$at & 0xfff)) $((0x$size)) "$name"
	done < /tmp/perf-$pid.map
	rm -f /tmp/perf-$pid.map
}
for jit in fast opt; do
	out=$(perf_map $jit)
	same "a line for each function, where it is asked for ($jit)" "bpf:firewall:firewall
bpf:firewall:count_source
bpf:firewall:verdict" "$(echo "$out" | cut -d' ' -f3)"
	end=16 gaps=
	while read -r at size _; do
		[ $((0x$at)) = $end ] || gaps="$gaps $at"
		end=$((0x$at + 0x$size))
	done <<-E
	$out
	E
	same "each begins where the one before ends ($jit)" "" "$gaps"
done
# a function is what follows a return and what fills up behind it
starts=$($SKEP disasm --jit opt $fw | sed -n 's/.* \([0-9a-f]*\): \([a-z][a-z0-9]*\).*/\1 \2/p' |
	awk '$2 ~ /int3|nop/ { next } !n++ || ended { print $1 } { ended = $2 == "ret" }')
case $starts in
*[0-9a-f]*) same "with what begins the function" "$starts" "$(echo "$out" | cut -d' ' -f1)" ;;
*) skip "with what begins the function" "no libcapstone" ;;
esac
$SKEP run -q $fw $cap64 &
pid=$!
wait $pid
status "not by itself" 1 test -e /tmp/perf-$pid.map

# ---- refused: the reasons of skep verify, and nothing runs
cat > "$tmp/bad.c" <<'C'
int ran;
SEC("xdp") int bad(struct xdp_md *ctx)
{
	char *p = (void *)(long)ctx->data;

	ran++;
	return p[3] + p[5000];
}
SEC("xdp") int good(struct xdp_md *ctx)
{
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
$SKEP cc "$tmp/bad.c" -o "$tmp/bad.o" || exit 2
out=$($SKEP run --prog bad "$tmp/bad.o" $cap -o "$tmp/o.pcapng" 2>"$tmp/err")
same "refused: exit status" 1 $?
same "nothing on standard output" "" "$out"
same "no file" "" "$(ls "$tmp" | grep o.pcapng)"
same "the text of skep verify" \
	"$($SKEP verify --prog bad "$tmp/bad.o" 2>&1 >/dev/null)" "$(cat "$tmp/err")"
if command -v jq >/dev/null; then
	same "as a document, too" "bad rejected SKEP-E0201" "$($SKEP run --json --prog bad \
		"$tmp/bad.o" $cap 2>/dev/null | jq -r '.program + " " + .verdict + " " + .errors[0].id')"
else
	skip "JSON" "no jq"
fi
status "the good program of the object runs" 0 $SKEP run -q --prog good "$tmp/bad.o" $cap
out=$($SKEP run --unverified --prog bad "$tmp/bad.o" $cap 2>&1)
same "--unverified: stopped where it goes wrong" 1 $?
has "at the packet" "on packet 1 of $cap" "$out"

# ---- accepted, and no place for it in the fast interpreter
cat > "$tmp/map.c" <<'C'
struct bpf_map { __u32 id; char name[16]; __u32 max_entries; }
	__attribute__((preserve_access_index));
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");
SEC("xdp") int entries(struct xdp_md *ctx)
{
	struct bpf_map *m = (void *)&counts;

	return ctx->rx_queue_index ? m->max_entries : XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
if [ -e /sys/kernel/btf/vmlinux ] && $SKEP verify "$tmp/map.c" > /dev/null 2>&1; then
	out=$($SKEP run "$tmp/map.c" $cap 2>&1)
	same "memory that only a kernel has: it runs" 0 $?
	has "checked, and why" "is verified and runs in the checked interpreter: the fast \
interpreter does not have memory that only a kernel has" "$out"
	same "in JSON" "verified checked " "$(keys "$tmp/map.c" $cap)"
else
	skip "memory that only a kernel has" "no types of a kernel"
fi

# ---- a pointer in an object of the program: engines would not give it back with the object
cat > "$tmp/own.c" <<'C'
#define K __attribute__((section(".ksyms")))
struct item { __u64 n; };
struct owner { __u64 n; struct item __attribute__((btf_type_tag("kptr"))) *item; };
extern void *bpf_obj_new_impl(__u64 type, void *meta) K;
extern void bpf_obj_drop_impl(void *p, void *meta) K;
SEC("tc") int own(struct __sk_buff *skb)
{
	struct owner *o = bpf_obj_new_impl(__builtin_btf_type_id(*(struct owner *)0, 0), 0);
	struct item *old;

	if (!o)
		return 0;
	old = bpf_kptr_xchg(&o->item, 0);
	if (old)
		bpf_obj_drop_impl(old, 0);
	bpf_obj_drop_impl(o, 0);
	return 0;
}
char _license[] SEC("license") = "GPL";
C
if [ -e /sys/kernel/btf/vmlinux ] && $SKEP verify "$tmp/own.c" > /dev/null 2>&1; then
	out=$($SKEP run --prog own "$tmp/own.c" $cap 2>&1)
	has "a pointer in an own object: checked" "does not have memory that only a kernel has" \
		"$out"
else
	skip "a pointer in an own object" "no types of a kernel"
fi

# ---- what the kernel's objects are: here they are names, with nothing in them
cat > "$tmp/inside.c" <<'C'
struct task_struct { char comm[16]; } __attribute__((preserve_access_index));
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
SEC("tc") int by_helper(struct __sk_buff *ctx)
{
	struct task_struct *t = (void *)bpf_get_current_task_btf();

	bpf_ringbuf_output(&ring, t->comm, 16, 0);
	return 0;
}
char _license[] SEC("license") = "GPL";
C
if [ -e /sys/kernel/btf/vmlinux ] && $SKEP verify "$tmp/inside.c" > /dev/null 2>&1; then
	out=$($SKEP run "$tmp/inside.c" $cap 2>&1)
	has "what lies in a task is not read for a helper" "bpf_ringbuf_output is no such memory" "$out"
	has "checked, since it is verified" "does not have memory that only a kernel has" "$out"
else
	skip "what lies in a task" "no types of a kernel"
fi

# ---- ways that meet again and again in front of an atomic operation
awk 'BEGIN {
	print "struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, __u64[512]);"
	print "\t__uint(max_entries, 4); } m SEC(\".maps\");"
	print "SEC(\"tc\") int p(struct __sk_buff *s)\n{\n\t__u32 k = 0;\n\t__u64 r = s->mark;"
	print "\tvoid *v = bpf_map_lookup_elem(&m, &k);\n\n\tif (!v)\n\t\treturn 0;"
	print "\tasm volatile(\"r6 = %[r]; r7 = %[v];\""
	for (l = 0; l < 4; l++) {
		for (i = 0; i < 80; i++)
			print "\t\"if r6 != " i " goto 1f; r7 += 8; goto " 100 + l "f; 1:\""
		print "\t\"r7 += 8; " 100 + l ": r6 >>= 3;\""
	}
	print "\t\"r8 = 1; lock *(u64 *)(r7 + 0) += r8;\""
	print "\t:: [r]\"r\"(r), [v]\"r\"(v) : \"r6\", \"r7\", \"r8\", \"memory\");\n\treturn 1;\n}"
	print "char _license[] SEC(\"license\") = \"GPL\";"
}' > "$tmp/ways.c"
status "are not all followed" 0 timeout 20 $SKEP run -q --jit opt "$tmp/ways.c" $cap

# ---- not judged, beside what is
cat > "$tmp/mix.c" <<'C'
struct bpf_list_head { __u64 a, b; } __attribute__((aligned(8)));
struct item { __u64 n; struct bpf_list_head head; };
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct item);
} items SEC(".maps");
int seen[4], key;
int fast(struct xdp_md *ctx);
int checked(struct xdp_md *ctx);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__array(values, int(void *));
} progs SEC(".maps") = { .values = { [0] = (void *)&fast, [1] = (void *)&checked } };
SEC("xdp") int checked(struct xdp_md *ctx)
{
	struct item *it = bpf_map_lookup_elem(&items, &key);

	if (it)
		seen[1] += it->n++ & 1;
	seen[0]++;
	bpf_tail_call(ctx, &progs, seen[0] & 1 ? 0 : 2);
	return XDP_PASS;
}
static __attribute__((noinline)) int deeper(struct xdp_md *ctx)
{
	volatile char stack[64];

	stack[ctx->rx_queue_index & 63] = 1;
	bpf_tail_call(ctx, &progs, 1);
	return stack[0];
}
SEC("xdp") int fast(struct xdp_md *ctx)
{
	int r;

	seen[2]++;
	r = deeper(ctx);
	seen[3] += r;
	return r;
}
char _license[] SEC("license") = "GPL";
C
for p in fast checked; do
	out=$($SKEP run --prog $p "$tmp/mix.c" $cap 2>&1)
	same "both engines in one object, $p first" 0 $?
	has "which is not judged is told" \
		"note: 'checked' is not judged and runs in the checked interpreter: the verifier" "$out"
	same "the same as all checked, $p first" "$(sums --unverified --prog $p "$tmp/mix.c" $cap)" \
		"$(sums --prog $p "$tmp/mix.c" $cap)"
done
same "of the one that runs" "not judged checked " "$(keys --prog checked "$tmp/mix.c" $cap)"

# ---- budgets
cat > "$tmp/long.c" <<'C'
int n;
static long more(__u32 i, void *ctx)
{
	n++;
	return 0;
}
SEC("xdp") int loops(struct xdp_md *ctx)
{
	bpf_loop(1 << 20, more, 0, 0);
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
one=examples/nat64/outgoing.pcap
status "a verified program may take long" 0 $SKEP run -q "$tmp/long.c" $one
out=$($SKEP run --budget 100000 "$tmp/long.c" $one 2>&1)
same "unless a budget is given" 1 $?
has "which names it" "100000 instructions executed and no end [SKEP-E0802]" "$out"
has "and the function" "in 'more', program 'loops'" "$out"
status "unverified it has one" 1 $SKEP run -q --unverified "$tmp/long.c" $one
done_testing
