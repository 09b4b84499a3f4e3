#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# gen.t: `skep gen`: skeletons that compile and work, with libbpf as those of bpftool do,
# and with libskep; the types that CO-RE relocations need, the same as bpftool's.
. test/tap.sh

status "a word that is none" 2 $SKEP gen skelton
has "what it may mean" "did you mean 'skep gen skeleton'?" "$($SKEP gen skelton 2>&1)"
status "nothing to do" 2 $SKEP gen
status "no object" 2 $SKEP gen skeleton
status "no name" 2 $SKEP gen skeleton x.o name
status "a word too many" 2 $SKEP gen skeleton x.o name y z
status "for whom" 2 $SKEP gen skeleton x.o --for me
has "parts with libskep" "are for libbpf alone" "$($SKEP gen subskeleton x.o --for skep 2>&1)"
status "a file that is not there" 2 $SKEP gen skeleton "$tmp/none.o"
status "types of what" 2 $SKEP gen min_core_btf /sys/kernel/btf/vmlinux "$tmp/out"
has "help" "skep gen min_core_btf BTF OUT OBJ" "$($SKEP gen help)"
if [ -z "${CLANG-}" ]; then
	skip "skeletons" "no clang"
	done_testing
	exit
fi
export CLANG
cat > "$tmp/sk.bpf.c" <<'EOF2'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct ev { int pid; char comm[16]; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, int); __type(value, struct ev);
	 __uint(max_entries, 4); } events SEC(".maps");
const volatile int target = 3;
const volatile struct ev first = { 1, "a" };
enum mode { A, B = 7 };
enum mode m = B;
int counter;
long long big[4];
struct ev last;
static int hidden;
int (*never)(int);
const char *const volatile where = 0;
char text[8] = "abc";
int custom SEC(".data.custom") = 5;
struct { int anon; union { int x; long y; } u; } box;
SEC("xdp") int count(struct xdp_md *c)
{
	counter++;
	hidden += counter;
	big[0] = hidden;
	m = A;
	text[0]++;
	custom++;
	box.u.y = never != 0;
	last.pid = target;
	return first.pid + 1 + (where != 0);
}
SEC("?xdp") int other(struct xdp_md *c) { return 2; }
char _license[] SEC("license") = "GPL";
EOF2
ok "compiles" $SKEP cc "$tmp/sk.bpf.c" -o "$tmp/sk.bpf.o"
ok "a skeleton for libskep" sh -c "\$0 gen skeleton '$tmp/sk.bpf.o' --for skep name fw >'$tmp/fw.h'" $SKEP
has "a name that is none" "no name for a struct in C" "$($SKEP gen skeleton "$tmp/sk.bpf.o" name 2x 2>&1)"
cp "$tmp/sk.bpf.o" "$tmp/7.o"
has "nor made of the file's" "name NAME gives it another one" "$($SKEP gen skeleton "$tmp/7.o" 2>&1)"
cat > "$tmp/fw.c" <<'EOF2'
#include <stdio.h>
struct ev { int pid; char comm[16]; };
enum mode { A, B = 7 };
#include "fw.h"
int main(void)
{
	static unsigned char packet[64];
	struct skep_run run;
	struct skep_err err;
	struct fw *fw = fw__open(&err);

	if (!fw || skep_object_set(fw->obj, "target", "42", &err) || fw__load(fw, NULL, &err))
		return fputs(skep_err_text(&err), stderr), 1;
	memset(&run, 0, sizeof(run));
	run.size = sizeof(run);
	run.data = packet;
	run.data_bytes = sizeof(packet);
	printf("%d %s %s %d\n", fw->rodata->target, fw->rodata->first.comm, fw->data->text, fw->data->m);
	if (skep_prog_run(fw->progs.count, &run, &err))
		return fputs(skep_err_text(&err), stderr), 1;
	printf("%d %d %d %s %d %s\n", (int)run.retval, fw->bss->counter, fw->bss->last.pid, fw->data->text,
	       fw->data_custom->custom, skep_map_name(fw->maps.events));
	fw__destroy(fw);
	return 0;
}
EOF2
sed -i 's/#include <stdio.h>/&\n#include <string.h>/' "$tmp/fw.c"
if ${CC:-cc} -Wall -Wextra -Werror -Iinclude "$tmp/fw.c" -o "$tmp/fw" \
	"$BUILD/libskep.a" -lelf -lz -ldl -lpthread >"$tmp/log" 2>&1; then
	same "it works with libskep" "42 a abc 7
2 1 42 bbc 6 events" "$("$tmp/fw" 2>&1)"
else
	same "it compiles with libskep" "" "$(head -n 20 "$tmp/log")"
fi
if command -v g++ >/dev/null; then
	ok "it is C++, too" g++ -x c++ -Wall -Werror -fsyntax-only -Iinclude "$tmp/fw.c"
fi

cat > "$tmp/use.c" <<'EOF2'
#include <stdio.h>
#include <stddef.h>
struct ev { int pid; char comm[16]; };
enum mode { A, B = 7 };
#include HDR
#ifdef __cplusplus
#define AT(s, m)
#else
#define AT(s, m) printf("%s.%s %zu\n", #s, #m, offsetof(struct sk_bpf__##s, m))
#endif
int main(void)
{
	struct sk_bpf *k = sk_bpf__open();
	size_t n;

	AT(rodata, target); AT(rodata, first); AT(data, m); AT(data, text); AT(rodata, where);
	AT(data_custom, custom); AT(bss, counter); AT(bss, big); AT(bss, box); AT(bss, never);
	if (!k)
		return perror("open"), 1;
	sk_bpf__elf_bytes(&n);
	printf("%zu %s %d %d\n", n, k->data->text, k->data->m, k->data_custom->custom);
	printf("%s %s\n", bpf_map__name(k->maps.events), bpf_program__name(k->progs.other));
	printf("%d %d\n", k->rodata->target, k->links.count != NULL);
	k->rodata->target = 42;
	if (sk_bpf__load(k))
		return perror("load"), 77;
	{
		static unsigned char packet[64];
		LIBBPF_OPTS(bpf_test_run_opts, o);

		o.data_in = packet;
		o.data_size_in = sizeof(packet);
		if (bpf_prog_test_run_opts(bpf_program__fd(k->progs.count), &o))
			return perror("run"), 77;
		printf("%u %d %d %s\n", o.retval, k->bss->counter, k->bss->last.pid, k->data->text);
	}
	sk_bpf__detach(k);
	sk_bpf__destroy(k);
	return 0;
}
EOF2
sed -i 's/#include <stddef.h>/&\n#include <bpf\/bpf.h>/' "$tmp/use.c"
cat > "$tmp/part.c" <<'EOF2'
#include <stdio.h>
struct ev { int pid; char comm[16]; };
enum mode { A, B = 7 };
#include HDR
int main(int argc, char **argv)
{
	struct bpf_object *obj = bpf_object__open(argv[1]);
	struct sk_bpf *k;

	if (!obj || bpf_object__load(obj))
		return perror("load"), 77;
	k = sk_bpf__open(obj);
	if (!k)
		return perror("open"), 1;
	printf("%d %s %d %zu %d\n", *k->rodata.target, *k->data.text, *k->data_custom.custom,
	       sizeof(*k->bss.big), bpf_program__fd(k->progs.count) > 0);
	sk_bpf__destroy(k);
	bpf_object__close(obj);
	return argc != 2;
}
EOF2
# Our header and bpftool's, the same program with each.
with_libbpf() # WHAT PROGRAM ARGS...: what differs
{
	what=$1 program=$2
	shift 2
	for who in ours theirs; do
		cp "$tmp/$what.$who" "$tmp/$what-$who.h"
		${CC:-cc} -Wall -Werror -I"$tmp" -DHDR="\"$what-$who.h\"" "$tmp/$program.c" -o "$tmp/$who" -lbpf || return
		(cd "$tmp" && "./$who" "$@") >"$tmp/out.$who" 2>&1
		echo "status $?" >>"$tmp/out.$who"
	done
	diff "$tmp/out.ours" "$tmp/out.theirs"
}
why=
command -v bpftool >/dev/null || why="no bpftool"
echo 'int main(void) { return 0; }' >"$tmp/empty.c"
${CC:-cc} -include bpf/libbpf.h "$tmp/empty.c" -o "$tmp/empty" -lbpf 2>/dev/null || why="no libbpf"
if [ -n "$why" ]; then
	skip "bpftool's skeletons" "$why"
	done_testing
	exit
fi
for what in skeleton subskeleton; do
	$SKEP gen $what "$tmp/sk.bpf.o" >"$tmp/$what.ours"
	bpftool gen $what "$tmp/sk.bpf.o" >"$tmp/$what.theirs"
done
same "a skeleton works as bpftool's" "" "$(with_libbpf skeleton use 2>&1)"
has "and has run" "status" "$(tail -n 1 "$tmp/out.ours")"
[ "$(tail -n 1 "$tmp/out.ours")" = "status 77" ] ||
	has "with what was set before loading" "2 1 42 bbc" "$(cat "$tmp/out.ours")"
same "so does a part" "" "$(with_libbpf subskeleton part sk.bpf.o 2>&1)"
if command -v g++ >/dev/null; then
	ok "it is C++, too" g++ -x c++ -Wall -fsyntax-only -I"$tmp" -DHDR='"skeleton-ours.h"' "$tmp/use.c"
fi

if ! [ -r /sys/kernel/btf/vmlinux ]; then
	skip "types that relocations need" "this kernel shows no types"
	done_testing
	exit
fi
$SKEP btf dump file /sys/kernel/btf/vmlinux format c >"$tmp/vmlinux.h"
cat > "$tmp/core.bpf.c" <<'EOF2'
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
long out[32];
struct task_struct___old { volatile long state; } __attribute__((preserve_access_index));
struct nothere___x { int a; } __attribute__((preserve_access_index));
SEC("tracepoint/syscalls/sys_enter_getpgid") int on_call(void *c)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	struct sk_buff *s = (void *)t;
	struct file *f = (void *)t;

	out[0] = BPF_CORE_READ(t, pid);
	out[1] = BPF_CORE_READ(t, mm, owner, comm[2]);
	out[2] = BPF_CORE_READ(t, se.avg.load_sum);
	out[3] = bpf_core_field_exists(((struct task_struct___old *)0)->state);
	out[4] = bpf_core_type_exists(struct nothere___x);
	out[5] = bpf_core_type_size(struct mm_struct);
	out[6] = bpf_core_enum_value(enum bpf_map_type, BPF_MAP_TYPE_ARRAY);
	out[7] = bpf_core_type_exists(struct dentry);
	out[8] = BPF_CORE_READ(s, len) + BPF_CORE_READ_BITFIELD_PROBED(s, pkt_type);
	out[9] = BPF_CORE_READ(s, dev, ifindex);
	out[10] = bpf_core_field_size(t->rt_priority);
	out[11] = BPF_CORE_READ(t, signal, pids[1], level);
	out[12] = BPF_CORE_READ(f, f_inode, i_ino);
	return 0;
}
char _license[] SEC("license") = "GPL";
EOF2
cat > "$tmp/more.bpf.c" <<'EOF2'
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
long out2[32];
SEC("raw_tp/sys_enter") int on_enter(void *c)
{
	struct task_struct *t = (void *)bpf_get_current_task();

	out2[0] = (long)BPF_CORE_READ(t, files);
	out2[1] = bpf_core_field_offset(t->signal) + bpf_core_field_size(t->pending);
	out2[2] = bpf_core_type_exists(struct sock) + bpf_core_type_id_kernel(struct inode);
	out2[3] = bpf_core_type_matches(struct list_head) + bpf_core_type_exists(work_func_t);
	return 0;
}
char _license[] SEC("license") = "GPL";
EOF2
for what in core more; do
	ok "compiles $what" $SKEP cc "$tmp/$what.bpf.c" -o "$tmp/$what.o" -- -I"$tmp" -Wno-everything
done
btf=/sys/kernel/btf/vmlinux
for objs in core.o more.o "core.o more.o"; do
	(cd "$tmp" && $SKEP gen min_core_btf $btf ours.btf $objs && bpftool gen min_core_btf $btf theirs.btf $objs) ||
		tap_line 1 "types of $objs"
	same "types of $objs, as bpftool's" "$(bpftool btf dump file "$tmp/theirs.btf")" \
		"$(bpftool btf dump file "$tmp/ours.btf")"
done
for what in core more; do
	# but for the number of a type, which is another one there
	same "relocations of $what give the same" \
		"$($SKEP disasm --btf $btf "$tmp/$what.o" | sed 's/ = 0x[0-9a-f]* ll$/ = TYPE/')" \
		"$($SKEP disasm --btf "$tmp/ours.btf" "$tmp/$what.o" | sed 's/ = 0x[0-9a-f]* ll$/ = TYPE/')"
done
has "an object is not overwritten" "the output is an input, too" \
	"$($SKEP gen min_core_btf $btf "$tmp/core.o" "$tmp/core.o" 2>&1)"
has "types that are none" "error: " "$($SKEP gen min_core_btf "$tmp/core.bpf.c" "$tmp/x" "$tmp/core.o" 2>&1)"
status "a file that is not there" 2 $SKEP gen min_core_btf $btf "$tmp/x" "$tmp/none.o"
status "and nothing was written" 1 test -e "$tmp/x"
done_testing
