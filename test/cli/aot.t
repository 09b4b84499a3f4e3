#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# aot.t: skep aot: object files and headers that it writes, linked into programs which do
# what the command does; what is not compiled leaves no file.
. test/tap.sh
fw=examples/firewall/firewall.o
cap=examples/firewall/traffic.pcapng
why=$($SKEP aot $fw -o "$tmp/fw_native.o" 2>&1) || case $why in
*E0409*) skip_all "$why" ;;
esac
same "a firewall is compiled, and nothing said" "" "$why"

# ---- the object
same "it and its header" "fw_native.h fw_native.o" "$(cd "$tmp" && echo *)"
if command -v readelf > /dev/null; then
	same "readelf has nothing against it" "" "$(readelf -aW --debug-dump "$tmp/fw_native.o" 2>&1 |
		grep -i 'warning\|error' | grep -v -i 'err_\|error.*=')"
	syms=$(readelf -sW "$tmp/fw_native.o" | awk '$4 == "FUNC" || $4 == "OBJECT" {
		print $4, $5, $8 }')
	same "symbols of the program, its functions and the whole" \
"FUNC LOCAL firewall.count_source
FUNC LOCAL firewall.verdict
FUNC GLOBAL fw_native_firewall
OBJECT GLOBAL fw_native" "$syms"
	same "no relocation in the code" "" "$(readelf -rW "$tmp/fw_native.o" | grep 'rela.text')"
	has "no stack to execute" ".note.GNU-stack" "$(readelf -SW "$tmp/fw_native.o")"
	has "BPF's lines" "firewall.c 209" "$(readelf --debug-dump=decodedline "$tmp/fw_native.o" |
		sed 's/  */ /g')"
	has "how callers are found" "DW_CFA_def_cfa" "$(readelf --debug-dump=frames "$tmp/fw_native.o")"
else
	skip "what is in the object" "no readelf"
fi
if command -v objdump > /dev/null; then
	has "objdump shows the code" "<fw_native_firewall>:" "$(objdump -d "$tmp/fw_native.o")"
fi
cp "$tmp/fw_native.o" "$tmp/first.o"
$SKEP aot $fw -o "$tmp/fw_native.o"
ok "the same every time" cmp "$tmp/first.o" "$tmp/fw_native.o"
rm "$tmp/first.o"

# ---- linked
inc="-Iinclude -I$tmp"
lib="$BUILD/libskep.a -lelf -lz -ldl -lpthread"
shared="$BUILD/libskep.so.0 -Wl,-rpath,$BUILD"
run_fw() # what host.c prints of the firewall, as the command has it
{
	$SKEP run $fw $cap --map deny=examples/firewall/deny.json 2>/dev/null |
		awk '$1 == "XDP_PASS" { p = $2 } $1 == "XDP_DROP" { d = $2 }
		/"10.9.0.0"/ { n = $NF } END { print p " pass, " d " drop; 10.9.0.0/24: " n }'
}
if [ -n "${SAN:-}" ]; then
	skip "linked into programs" "programs of others are built without the sanitizers' libraries"
	done_testing
	exit
fi
# shellcheck disable=SC2086 # several options
link() # OUT SOURCE... : with the archive
{
	link_out=$1
	shift
	$CC -O1 -Wall -Wextra -Werror $inc "$@" $lib -o "$link_out"
}
ok "a program is linked with it" link "$tmp/host" examples/aot/host.c "$tmp/fw_native.o"
want=$(run_fw)
has "the command has an answer" "373 drop" "$want"
same "and has the same" "$want" "$("$tmp/host" $cap 2>&1)"
# shellcheck disable=SC2086 # several options
ok "with the shared library" $CC $inc examples/aot/host.c "$tmp/fw_native.o" $shared -o "$tmp/shared"
same "the same" "$want" "$("$tmp/shared" $cap 2>&1)"
# shellcheck disable=SC2086 # several options
ok "not at any address" $CC -no-pie $inc examples/aot/host.c "$tmp/fw_native.o" $shared -o "$tmp/fixed"
same "still the same" "$want" "$("$tmp/fixed" $cap 2>&1)"
if command -v c++ > /dev/null; then
	printf '#include "fw_native.h"\nint main() { return fw_native.size != sizeof(skep_aot); }\n' \
		> "$tmp/x.cc"
	# shellcheck disable=SC2086 # several options
	ok "from C++" c++ -Wall -Wextra -Werror $inc "$tmp/x.cc" "$tmp/fw_native.o" -o "$tmp/cxx"
	ok "which sees it" "$tmp/cxx"
else
	skip "from C++" "no c++"
fi

# ---- where nothing becomes executable any more
cat > "$tmp/strict.c" <<'C'
#include "fw_native.h"
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
int main(void)
{
	struct skep_prog_engine e = { .size = sizeof(e) };
	struct skep_object *obj;
	struct skep_err err;
	uint8_t packet[64] = { 0 };
	struct skep_run r = { .size = sizeof(r), .data = packet, .data_bytes = sizeof(packet) };

	if (prctl(65 /* PR_SET_MDWE */, 1, 0, 0, 0))
		return puts("no such thing"), 0;
	if (fw_native_open(&obj, &err) || skep_object_load(obj, NULL, &err) ||
	    skep_prog_run(fw_native_prog_firewall(obj), &r, &err))
		return fputs(skep_err_text(&err), stderr), 1;
	skep_prog_engine(fw_native_prog_firewall(obj), &e);
	printf("%d %s %u\n", e.tier == SKEP_TIER_AOT, e.note, r.retval);
	skep_object_close(obj);
	return 0;
}
C
link "$tmp/strict" "$tmp/strict.c" "$tmp/fw_native.o"
out=$("$tmp/strict" 2>&1)
case $out in
"no such thing") skip "no memory becomes executable" "this kernel cannot forbid it" ;;
*) same "no memory becomes executable" "1  2" "$out" ;;
esac

# ---- several in one program, each with its example's programs and maps
set --
{
	echo '#include <stdio.h>'
	for o in balancer/balancer constructs/entry constructs/loops nat64/nat64 shaper/shaper \
		fields/fields pinned/hosts; do
		n=$(basename $o)_n
		$SKEP aot examples/$o.o -o "$tmp/$n.o" 2> "$tmp/err" || cat "$tmp/err" >&2
		set -- "$@" "$tmp/$n.o"
		echo "#include \"$n.h\""
		all="${all:-} $n"
	done
	cat <<'C'
static int one(const char *name, int (*open)(struct skep_object **, struct skep_err *))
{
	struct skep_prog *p = NULL;
	struct skep_object *obj;
	struct skep_err err;
	uint8_t packet[64] = { [12] = 8, [14] = 0x45, [23] = 17 };
	struct skep_run r = { .size = sizeof(r), .data = packet, .data_bytes = sizeof(packet) };

	if (open(&obj, &err) || skep_object_load(obj, NULL, &err))
		return fputs(skep_err_text(&err), stdout), 1;
	while ((p = skep_object_next_prog(obj, p))) {
		struct skep_prog_engine e = { .size = sizeof(e) };
		int ok = !skep_prog_engine(p, &e) && !skep_prog_run(p, &r, &err);

		printf("%u %s %s %s %d\n", r.retval, name, skep_prog_name(p),
		       ok && e.tier == SKEP_TIER_AOT ? "aot" : "other", ok);
	}
	skep_object_close(obj);
	return 0;
}
int main(void)
{
C
	for n in $all; do
		echo "	if (one(\"$n\", ${n}_open)) return 1;"
	done
	printf '\treturn 0;\n}\n'
} > "$tmp/many.c"
ok "seven objects in one program" link "$tmp/many" "$tmp/many.c" "$@"
out=$("$tmp/many")
same "each opens" 0 $?
same "and runs all it has natively" "" "$(echo "$out" | grep -v ' aot 1$')"
has "of several programs, too" "nat64_n nat64_in aot 1" "$out"
echo "$out" > "$tmp/many.out"

# ---- arenas, which lie elsewhere each time
cat > "$tmp/pages.c" <<'C'
#define __arena __attribute__((address_space(1)))
struct { __uint(type, 33); __uint(map_flags, BPF_F_MMAPABLE); __uint(max_entries, 100);
	} pages SEC(".maps");
long __arena packets = 5;
struct item { struct item __arena *next; long n; };
struct item __arena items[16];
struct item __arena * __arena first;
long seen, sum;
SEC("xdp") int globals(struct xdp_md *ctx)
{
	unsigned bytes = ctx->data_end - ctx->data;
	struct item __arena *i = &items[bytes & 15];

	packets++;
	if (!i->n) {
		i->next = first;
		first = i;
	}
	__sync_fetch_and_add(&i->n, 1);
	sum = 0;
	i = first;
	for (int k = 0; k < 20 && i; k++, i = i->next)
		sum += i->n;
	seen = packets;
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
cat > "$tmp/walk.c" <<'C'
/* walk CAPTURE PROG MAP N [PINS]: runs it on all packets, prints N words of MAP's first value. */
#define _str(x) #x
#define STR(x) _str(x)
#define _cat(a, b) a##b
#define CAT(a, b) _cat(a, b)
#include STR(NATIVE.h)
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
	static uint32_t block[1 << 16];
	struct skep_load_opts opts = { .size = sizeof(opts), .clock = SKEP_CLOCK_RUN };
	struct skep_prog_engine e = { .size = sizeof(e) };
	uint8_t key[64];
	static uint64_t words[512];
	struct skep_object *obj;
	struct skep_prog *prog;
	struct skep_err err;
	FILE *f = argc > 4 ? fopen(argv[1], "rb") : NULL;

	opts.pins = argc > 5 ? argv[5] : NULL;
	if (!f || CAT(NATIVE, _open)(&obj, &err) || skep_object_load(obj, &opts, &err))
		return f ? fputs(skep_err_text(&err), stdout), 1 : 2;
	prog = skep_object_prog(obj, argv[2]);
	while (fread(block, 8, 1, f) == 1 && fread(block + 2, block[1] - 8, 1, f) == 1) {
		struct skep_run run = { .size = sizeof(run), .data = block + 7,
					.data_bytes = block[5],
					.now_ns = ((uint64_t)block[3] << 32 | block[4]) * 1000 };

		if (block[0] == 6 && skep_prog_run(prog, &run, &err))
			return fputs(skep_err_text(&err), stdout), 1;
	}
	skep_prog_engine(prog, &e);
	if (skep_map_next_key(skep_object_map(obj, argv[3]), NULL, key) ||
	    skep_map_lookup(skep_object_map(obj, argv[3]), key, words))
		return puts("nothing there"), 1;
	printf("%s", e.tier == SKEP_TIER_AOT ? "aot" : e.note);
	for (int i = 0; i < atoi(argv[4]); i++)
		printf(" %lld", (long long)words[i]);
	puts("");
	skep_object_close(obj);
	return 0;
}
C
walk() # OBJECT PROG MAP N [PINS]: of what was compiled to OBJECT_n
{
	walk_n=$1_n
	shift
	link "$tmp/walk" "-DNATIVE=$walk_n" "$tmp/walk.c" "$tmp/$walk_n.o" && "$tmp/walk" $cap "$@"
}
if [ -n "$CLANG" ]; then
	export CLANG
	if $SKEP cc "$tmp/pages.c" -o "$tmp/pages.o" > /dev/null 2>&1; then
		ok "an arena is compiled" $SKEP aot "$tmp/pages.o" -o "$tmp/pages_n.o"
		same "and has the values that the command has" "$($SKEP run "$tmp/pages.o" $cap 2>/dev/null |
			sed -n 's/^ *sum: \(.*\) *seen: \(.*\)/aot \1 \2/p' | tr -s ' ')" \
			"$(walk pages globals .bss 2)"
	else
		skip "arenas" "clang has no address spaces"
	fi

	# ---- timers, whose callbacks are functions of the code
	cat > "$tmp/timers.c" <<'C'
struct elem { __u64 n, late; struct bpf_timer t; };
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct elem);
} ticks SEC(".maps");
static int tick(void *map, int *key, struct elem *e)
{
	e->n++;
	bpf_timer_start(&e->t, 100000000, 0);
	return 0;
}
SEC("xdp") int timers(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct elem *e = bpf_map_lookup_elem(&ticks, &zero);

	if (!e)
		return XDP_DROP;
	e->late++;
	if (e->late == 1) {
		bpf_timer_init(&e->t, &ticks, 1);
		bpf_timer_set_callback(&e->t, tick);
		bpf_timer_start(&e->t, 100000000, 0);
	}
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
	ok "timers are compiled" $SKEP aot "$tmp/timers.c" -o "$tmp/timers_n.o"
	want=$($SKEP run --clock capture --json -q "$tmp/timers.c" $cap 2>/dev/null |
		sed -n 's/^ *"n": \([0-9]*\),/\1/p')
	got=$(walk timers timers ticks 2)
	same "they tick" "aot $want 10983" "$got"
	if [ "${want:-0}" -lt 10 ]; then same "more than once" "10 times" "$want"; fi

	# ---- for another kernel than that of this machine
	cat > "$tmp/6.1-small.c" <<'C'
struct sk_buff {
	char before[40];
	__u16 queue_mapping;
	unsigned int len, data_len;
};
struct __sk_buff *ctx;
struct sk_buff *skb;
C
	$SKEP cc "$tmp/6.1-small.c" -o "$tmp/6.1-small.btf" 2> /dev/null
	printf 'CONFIG_HZ=100\nCONFIG_IPV6=y\n' > "$tmp/config"
	set -- --btf "$tmp/6.1-small.btf"
	ok "fields of another kernel" $SKEP aot examples/constructs/symbolic.o "$@" -o "$tmp/symbolic_n.o"
	want=$($SKEP run examples/constructs/symbolic.o $cap "$@" 2>/dev/null | grep -c 'sk_buff_bytes": 52')
	same "the command sees them" 1 "$want"
	got=$(walk symbolic symbolic found 6)
	has "the program has them where it runs" "aot 10983 1119981 2256" "$got"
	set -- "$@" --kconfig "$tmp/config"
	ok "another configuration" $SKEP aot examples/constructs/kconfig.o "$@" -o "$tmp/kconfig_n.o"
	same "whatever this kernel's is" "aot 100 $((6 << 16 | 1 << 8))" \
		"$(walk kconfig kconfig found 2)"
	set --
fi

# ---- pins: another process sees the maps
ok "a program with maps that are pinned" $SKEP aot examples/pinned/hosts.o -o "$tmp/hosts_n.o"
mkdir "$tmp/pins"
first=$(walk hosts count hosts 1 "$tmp/pins")
has "it runs natively" "aot " "$first"
has "and others look at its maps" "key 4B  value 16B  max_entries 1024  entries 4" \
	"$($SKEP map show "$tmp/pins/hosts" 2>&1)"
same "the next run goes on with them" "aot $((2 * ${first#aot }))" \
	"$(walk hosts count hosts 1 "$tmp/pins")"

# ---- options
ok "--name and --header" $SKEP aot $fw -o "$tmp/a.o" --header "$tmp/other.h" --name my_fw
has "the header is for that name" "extern const struct skep_aot my_fw;" "$(cat "$tmp/other.h")"
same "and no other was written" "no" "$([ -e "$tmp/a.h" ] && echo yes || echo no)"
ok "--cpu native" $SKEP aot $fw --cpu native -o "$tmp/b.o"
ok "one program of several" $SKEP aot examples/nat64/nat64.o --prog nat64_in -o "$tmp/c.o"
same "and no other in the header" "c_prog_nat64_in" "$(grep -o 'c_prog_[a-z0-9_]*' "$tmp/c.h")"
has "a keyword is no name" "--name takes a name of C, not 'int'" \
	"$($SKEP aot $fw -o "$tmp/k.o" --name int 2>&1)"
status "nor one of C++, which may include it" 2 $SKEP aot $fw -o "$tmp/k.o" --name class
ok "an object called as one" $SKEP aot $fw -o "$tmp/while.o"
has "gets another name" "extern const struct skep_aot while_;" "$(cat "$tmp/while.h")"
ok "a name that begins with a digit" $SKEP aot $fw -o "$tmp/4 ways.o"
has "becomes one of C" "skep_aot _4_ways;" "$(cat "$tmp/4 ways.h")"
abs=$(cd "$(dirname "$SKEP")" && pwd)/$(basename "$SKEP") here=$PWD
(cd "$tmp" && mkdir d && cd d && "$abs" aot "$here/$fw")
same "without -o: here, named after the object" "firewall_native.h firewall_native.o" \
	"$(cd "$tmp/d" && echo *)"
ok "constants are set before" $SKEP aot $fw --set vlan_tags_max=0 -o "$tmp/fw_native.o"
link "$tmp/host0" examples/aot/host.c "$tmp/fw_native.o"
same "and stay so" "$($SKEP run $fw $cap --set vlan_tags_max=0 \
	--map deny=examples/firewall/deny.json 2>/dev/null | awk '$1 == "XDP_DROP" { print $2 }')" \
	"$("$tmp/host0" $cap | sed 's/.* \([0-9]*\) drop.*/\1/')"

# ---- for another processor: run where the library for that was built, too
arm=aarch64-linux-gnu
arm_root=build/root/$arm
mkdir "$tmp/many_arm"
for o in balancer/balancer constructs/entry constructs/loops nat64/nat64 shaper/shaper \
	fields/fields pinned/hosts; do
	same "$o for AArch64" "" "$($SKEP aot --arch aarch64 examples/$o.o \
		-o "$tmp/many_arm/$(basename $o)_n.o" 2>&1)"
done
if command -v readelf > /dev/null; then
	$SKEP aot --arch aarch64 $fw -o "$tmp/arm.o" --header "$tmp/fw_native.h" --name fw_native
	same "readelf has nothing against that" "" "$(readelf -aW --debug-dump "$tmp/arm.o" 2>&1 |
		grep -i 'warning\|error' | grep -v -i 'err_\|error.*=')"
	has "it is one for AArch64" "AArch64" "$(readelf -hW "$tmp/arm.o")"
	same "no relocation in that code" "" "$(readelf -rW "$tmp/arm.o" | grep 'rela.text')"
	has "relocations of that processor" "R_AARCH64_PREL32" "$(readelf -rW "$tmp/arm.o")"
fi
if [ "$(uname -m)" != aarch64 ] && command -v $CC > /dev/null; then
	$CC $inc examples/aot/host.c "$tmp/arm.o" $lib -o "$tmp/no" 2> /dev/null
	same "this machine's linker refuses it" 1 $?
fi
if ! command -v $arm-gcc > /dev/null || ! command -v qemu-aarch64 > /dev/null; then
	skip "run on AArch64" "no $arm-gcc or no qemu-aarch64 (./bootstrap arm64)"
elif [ ! -e build/$arm/libskep.a ] || [ ! -e $arm_root/usr/include/libelf.h ]; then
	skip "run on AArch64" "no library for AArch64 (./bootstrap arm64, make check-arm64)"
elif [ -n "$(find src include -newer build/$arm/libskep.a -name '*.[ch]' | head -n 1)" ]; then
	skip "run on AArch64" "the library for AArch64 is older than the sources (make check-arm64)"
else
	arm_lib="build/$arm/libskep.a -L$arm_root/usr/lib/$arm -L$arm_root/lib/$arm"
	arm_lib="$arm_lib -Wl,-rpath-link,$arm_root/usr/lib/$arm:$arm_root/lib/$arm"
	arm_lib="$arm_lib -lelf -lz -ldl -lpthread"
	on_arm() # CPU PROGRAM...
	{
		qemu-aarch64 -cpu "$1" -L /usr/$arm -E \
			LD_LIBRARY_PATH=$arm_root/usr/lib/$arm:$arm_root/lib/$arm "$2" ${3+"$3"} 2>&1
	}
	# shellcheck disable=SC2086 # several options
	ok "a program for AArch64 is linked with it" $arm-gcc -O1 $inc examples/aot/host.c \
		"$tmp/arm.o" $arm_lib -o "$tmp/arm"
	# shellcheck disable=SC2086 # several options
	ok "and one with seven" $arm-gcc -O1 -I"$tmp/many_arm" $inc "$tmp/many.c" \
		"$tmp/many_arm/"*.o $arm_lib -o "$tmp/arm7"
	for cpu in cortex-a53 max; do
		same "which does the same on $cpu" "$(run_fw)" "$(on_arm $cpu "$tmp/arm" $cap)"
		same "all of them do" "$(cat "$tmp/many.out")" "$(on_arm $cpu "$tmp/arm7")"
	done
fi
$SKEP aot $fw -o "$tmp/fw_native.o"

# ---- what is refused
files() { (cd "$tmp" && echo out*); }
out=$($SKEP aot examples/firewall/bad.o -o "$tmp/out.o" 2>&1)
same "a program that is not safe" 1 $?
has "the reason" "only 14 bytes are proved to exist [SKEP-E0201]" "$out"
same "no file" "out*" "$(files)"
cp $fw "$tmp/in.o"
status "the input is no output" 2 $SKEP aot "$tmp/in.o" -o "$tmp/in.o"
status "nor the header" 2 $SKEP aot "$tmp/in.o" -o "$tmp/out.o" --header "$tmp/in.o"
ok "it is whole" cmp $fw "$tmp/in.o"
status "one file for both" 2 $SKEP aot $fw -o "$tmp/out.o" --header "$tmp/out.o"
status "standard output" 2 $SKEP aot $fw -o -
status "no such processor" 2 $SKEP aot $fw --cpu z80 -o "$tmp/out.o"
status "no such kind of processor" 2 $SKEP aot $fw --arch z80 -o "$tmp/out.o"
status "no such program" 2 $SKEP aot $fw --prog nope -o "$tmp/out.o"
status "no name of C" 2 $SKEP aot $fw --name 1x -o "$tmp/out.o"
status "nothing to compile" 2 $SKEP aot -o "$tmp/out.o"
status "no object" 2 $SKEP aot $cap -o "$tmp/out.o"
status "no folder" 2 $SKEP aot $fw -o "$tmp/no/out.o"
status "no folder for the header" 2 $SKEP aot $fw -o "$tmp/out.o" --header "$tmp/no/out.h"
(ulimit -f 4; $SKEP aot $fw -o "$tmp/out.o") > "$tmp/err" 2>&1
same "no room for the object" 2 $?
same "no file of any of them" "out*" "$(files)"
if [ -n "$CLANG" ]; then
	cat > "$tmp/list.c" <<'C'
struct bpf_list_head { __u64 a, b; } __attribute__((aligned(8)));
struct item { __u64 n; struct bpf_list_head head; };
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct item);
} items SEC(".maps");
int key;
SEC("xdp") int counts(struct xdp_md *ctx)
{
	struct item *it = bpf_map_lookup_elem(&items, &key);

	return it && it->n++ ? XDP_DROP : XDP_PASS;
}
SEC("xdp") int plain(struct xdp_md *ctx) { return XDP_PASS; }
char _license[] SEC("license") = "GPL";
C
	out=$($SKEP aot "$tmp/list.c" -o "$tmp/out.o" 2>&1)
	same "a program that is not judged" 2 $?
	has "with what is not" "program 'counts' cannot be compiled: the verifier does not support it \
yet: these special fields (in item) [SKEP-E0863]" "$out"
	ok "the others are" $SKEP aot "$tmp/list.c" --prog plain -o "$tmp/plain.o"
	cat > "$tmp/none.c" <<'C'
int answer = 42;
char _license[] SEC("license") = "GPL";
C
	out=$($SKEP aot "$tmp/none.c" -o "$tmp/out.o" 2>&1)
	same "no program at all" 2 $?
	has "is told" "there is no program to compile" "$out"
	cat > "$tmp/probe.c" <<'C'
SEC("kprobe/x") int probe(void *ctx) { return 0; }
char _license[] SEC("license") = "GPL";
C
	out=$($SKEP aot "$tmp/probe.c" -o "$tmp/out.o" 2>&1)
	same "a type that the engine does not run" 2 $?
	has "which one" "which the embedded engine cannot run yet" "$out"
	same "none of them leaves a file" "out*" "$(files)"
fi

# ---- an object file that was changed, or is for another library
cat > "$tmp/odd.c" <<'C'
#include "fw_native.h"
#include <stdio.h>
#include <string.h>
int main(void)
{
	struct skep_aot d = fw_native;
	struct skep_object *obj;
	struct skep_err err;
	const void *bytes;
	size_t n;

	if (skep_object_open_aot(&obj, &d, &err))
		return fputs(skep_err_text(&err), stderr), 3;
	skep_object_close(obj);
	d.abi++;
	printf("%d %s", skep_object_open_aot(&obj, &d, &err), skep_err_text(&err));
	d.abi--;
	d.machine = 183;
	printf("%d %s", skep_object_open_aot(&obj, &d, &err), skep_err_text(&err));
	bytes = skep_aot_object(&fw_native, &n);
	if (skep_object_open_mem(&obj, bytes, n, "it", &err) ||
	    skep_object_load(obj, NULL, &err))
		return fputs(skep_err_text(&err), stderr), 4;
	skep_object_close(obj);
	return 0;
}
C
$SKEP aot $fw -o "$tmp/fw_native.o"
link "$tmp/odd" "$tmp/odd.c" "$tmp/fw_native.o"
out=$("$tmp/odd" 2>&1)
same "others are refused, the object in it is good" 0 $?
has "another library" "native code of another build of skep than this library, both $($SKEP --version |
	sed 's/skep //') [SKEP-E0861]" "$out"
has "another processor" "native code for another kind of processor (ELF machine 183, this one is 62)" "$out"
LC_ALL=C sed 's/sources_lost/sources_LOST/' "$tmp/fw_native.o" > "$tmp/cut.o"
link "$tmp/cut" "$tmp/odd.c" "$tmp/cut.o"
out=$("$tmp/cut" 2>&1)
same "one that was changed" 3 $?
has "is told" "this is not what skep aot wrote: its data have changed [SKEP-E0860]" "$out"
done_testing
