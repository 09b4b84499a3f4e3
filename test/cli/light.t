#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# light.t: `skep gen skeleton -L`: headers that load by a BPF program. They compile with
# libbpf's headers and no library, and do what bpftool's do; what a loader cannot do is
# refused by name. Attaches two programs, to a tracepoint that counts this test's own calls.
. test/tap.sh
[ -n "${CLANG-}" ] || skip_all "no clang"
export CLANG

cat > "$tmp/no.c" <<'C'
extern int CONFIG_HZ __kconfig;
SEC("xdp") int p(struct xdp_md *c) { return CONFIG_HZ == 0; }
char _license[] SEC("license") = "GPL";
C
cat > "$tmp/ext.c" <<'C'
SEC("freplace/f") int p(struct xdp_md *c) { return 0; }
char _license[] SEC("license") = "GPL";
C
cat > "$tmp/trace.c" <<'C'
SEC("fentry") int p(void *c) { return 0; }
char _license[] SEC("license") = "GPL";
C
cat > "$tmp/sec.c" <<'C'
SEC("nosuch") int p(void *c) { return 0; }
char _license[] SEC("license") = "GPL";
C
has "the kernel's configuration" "values of the kernel's configuration, which only a library reads ('CONFIG_HZ') [SKEP-E0951]" \
	"$($SKEP gen skeleton -L "$tmp/no.c" 2>&1)"
has "replacements" "replacements of functions of programs ('p')" "$($SKEP gen skeleton -L "$tmp/ext.c" 2>&1)"
has "programs for nothing" "do not say what they trace ('p')" "$($SKEP gen skeleton -L "$tmp/trace.c" 2>&1)"
has "programs of unknown sections" "that it does not know ('nosuch')" "$($SKEP gen skeleton -L "$tmp/sec.c" 2>&1)"
status "is no answer" 2 $SKEP gen skeleton -L "$tmp/no.c"
same "and prints no header" "" "$($SKEP gen skeleton -L "$tmp/no.c" 2>/dev/null)"
status "for no library" 2 $SKEP gen skeleton -L "$tmp/no.c" --for skep
ln -s "$SKEP" "$tmp/bpftool"
has "also under the name bpftool" "[SKEP-E0951]" "$("$tmp/bpftool" -L gen skeleton "$tmp/no.c" 2>&1)"
rm "$tmp/bpftool"

if ! [ -r /sys/kernel/btf/vmlinux ] || ! $SKEP run --on kernel examples/firewall/firewall.o \
	examples/firewall/traffic.pcapng -q >/dev/null 2>&1; then
	skip "what they do" "programs cannot be loaded into this kernel"
	done_testing
	exit
fi
echo 'int main(void) { return 0; }' >"$tmp/empty.c"
if ! ${CC:-cc} -include string.h -include errno.h -include bpf/skel_internal.h "$tmp/empty.c" -o "$tmp/empty" 2>/dev/null; then
	skip "what they do" "no headers of libbpf"
	done_testing
	exit
fi
$SKEP btf dump file /sys/kernel/btf/vmlinux format c >"$tmp/vmlinux.h"

# ---- what bpftool's can, too
cat > "$tmp/a.bpf.c" <<'C'
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
const volatile int ro = 7;
int counter = 3;
long zero;
struct task_struct___x { int nothere; } __attribute__((preserve_access_index));
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, __u64);
	 __uint(max_entries, 64); } h SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); }
	perf SEC(".maps");
SEC("raw_tp/sys_enter") int on_call(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	__u32 k = BPF_CORE_READ(t, tgid);
	__u64 v = 1;

	if (k != ro || ctx->args[1] != 121 /* getpgid */)
		return 0;
	bpf_map_update_elem(&h, &k, &v, 0);
	if (!bpf_core_field_exists(((struct task_struct___x *)0)->nothere))
		counter++;
	return 0;
}
SEC("tp_btf/sys_exit") int BPF_PROG(on_return, struct pt_regs *regs, long ret)
{
	struct task_struct *t = bpf_get_current_task_btf();

	if (t->tgid == ro)
		__sync_fetch_and_add(&zero, 1);
	return 0;
}
SEC("xdp") int pass(struct xdp_md *c) { return ro != 1 ? 2 : 1; }
SEC("?xdp") int later(struct xdp_md *c) { return 1; }
char _license[] SEC("license") = "GPL";
C
cat > "$tmp/use.c" <<'C'
#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include HDR
static int fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}
static int info(int fd, struct bpf_map_info *m)
{
	union bpf_attr a;

	memset(&a, 0, sizeof(a));
	a.info.bpf_fd = fd;
	a.info.info_len = sizeof(*m);
	a.info.info = (long)m;
	return syscall(__NR_bpf, BPF_OBJ_GET_INFO_BY_FD, &a, sizeof(a));
}
int main(void)
{
	struct a_bpf *k = a_bpf__open();
	struct bpf_map_info m;
	int before = fds();

	if (!k)
		return perror("open"), 1;
	printf("%d %d %ld\n", k->rodata->ro, k->data->counter, k->bss->zero);
	k->rodata->ro = getpid();
	k->data->counter = 10;
	k->maps.h.max_entries = 5;
	k->maps.perf.max_entries = 3;
	if (a_bpf__load(k) < 0)
		return perror("load"), 77;
	memset(&m, 0, sizeof(m));
	printf("%d", info(k->maps.h.map_fd, &m));
	printf(" %u %s %d\n", m.max_entries, m.name, m.btf_value_type_id != 0);
	printf("%d\n", a_bpf__attach(k));
	for (int i = 0; i < 5; i++)
		syscall(121, 0);
	printf("%d %d %d\n", k->data->counter, k->bss->zero >= 5, k->rodata->ro == getpid());
	printf("%d %d\n", k->progs.pass.prog_fd > 0, k->progs.later.prog_fd);
	a_bpf__detach(k);
	k->links.on_call_fd = k->links.on_return_fd = 0;
	a_bpf__destroy(k);
	printf("%d\n", fds() - before);
	return 0;
}
C
ok "compiles" $SKEP cc "$tmp/a.bpf.c" -o "$tmp/a.bpf.o" -- -I"$tmp" -D__TARGET_ARCH_x86 -Wno-everything
ok "a header" sh -c "\$0 gen skeleton -L '$tmp/a.bpf.o' >'$tmp/ours.h'" $SKEP
build() # HEADER PROGRAM
{
	${CC:-cc} -Wall -Wextra -Wno-sign-compare -Wno-unused-parameter -Werror -I"$tmp" \
		-DHDR="\"$1\"" "$tmp/$2.c" -o "$tmp/$2" 2>&1
}
same "which compiles, and needs no library" "" "$(build ours.h use)"
printf '#include HDR\n#include <bpf/skel_internal.h>\nint main(void) { a_bpf__destroy(a_bpf__open()); }\n' >"$tmp/alone.c"
same "nor any other header" "" "$(build ours.h alone)"
if [ "$(uname -m)" = x86_64 ]; then
	same "it loads, with what was set before, and attaches" "7 3 0
0 5 h 1
0
15 1 1
1 0
0" "$("$tmp/use" 2>&1)"
	if command -v bpftool >/dev/null && bpftool -L gen skeleton "$tmp/a.bpf.o" >"$tmp/theirs.h" 2>/dev/null &&
		[ -z "$(${CC:-cc} -I"$tmp" -DHDR='"theirs.h"' "$tmp/use.c" -o "$tmp/theirs" 2>&1)" ]; then
		same "as bpftool's does" "$("$tmp/theirs" 2>&1)" "$("$tmp/use" 2>&1)"
		# whatever stands in both structs has the same name and type
		same "with the same members" "$(sed -n '/^struct a_bpf {/,/^};/p' "$tmp/theirs.h" | sort)" \
			"$(sed -n '/^struct a_bpf {/,/^};/p' "$tmp/ours.h" | sort)"
	else
		skip "as bpftool's does" "no bpftool that makes them"
	fi
else
	skip "it loads, with what was set before, and attaches" "the test has system calls of x86-64"
fi
if command -v g++ >/dev/null; then
	ok "it is C++, too" g++ -x c++ -Wall -fsyntax-only -I"$tmp" -DHDR='"ours.h"' "$tmp/use.c"
fi

# ---- beyond that: maps in maps, programs in maps, timers, functions and symbols
cat > "$tmp/b.bpf.c" <<'C'
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64);
	       __uint(max_entries, 2); };
struct inner in1 SEC(".maps"), in2 SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 3); __type(key, __u32);
	 __array(values, struct inner); } outer SEC(".maps") = { .values = { [2] = &in2, [0] = &in1 } };
int tailed(struct xdp_md *c);
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 3); __uint(key_size, 4);
	 __array(values, int (void *)); } tails SEC(".maps") = { .values = { [1] = (void *)&tailed } };
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); }
	perf SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
struct el { struct bpf_spin_lock lock; int v; struct bpf_timer t; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, struct el);
	 __uint(max_entries, 4); } els SEC(".maps");
struct odd { char c[3]; };
struct { __uint(type, BPF_MAP_TYPE_STACK_TRACE); __uint(max_entries, 4); __uint(key_size, 4);
	 __uint(value_size, 1016); } stacks SEC(".maps");
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern int bpf_no_such_kfunc(int) __ksym __weak;
extern const int no_such_var __ksym __weak;
extern const void vfs_read __ksym;
extern const void no_such_addr __ksym __weak;
int res[16];
__u64 addr;
static int each(void *m, __u32 *k, __u64 *v, void *ctx) { *(int *)ctx += 1; return 0; }
SEC("xdp") int tailed(struct xdp_md *c) { res[9] = 99; return 3; }
__noinline int glob(int x) { return x * 2 + res[15]; }
struct task_struct___x { int nothere; } __attribute__((preserve_access_index));
SEC("xdp") int main_prog(struct xdp_md *c)
{
	__u32 k = 2;
	void *m = bpf_map_lookup_elem(&outer, &k);
	int n = 0;

	if (m) {
		__u64 v = 77;

		k = 1;
		bpf_map_update_elem(m, &k, &v, 0);
		res[0] = 1;
	}
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	bpf_for_each_map_elem(&in1, each, &n, 0);
	res[1] = n;
	res[2] = glob(21);
	res[3] = bpf_no_such_kfunc != 0;
	if (bpf_no_such_kfunc)
		res[4] = bpf_no_such_kfunc(1);
	res[5] = &no_such_var != 0;
	res[6] = &no_such_addr != 0;
	addr = (__u64)&vfs_read;
	res[7] = bpf_core_field_exists(((struct task_struct___x *)0)->nothere);
	res[8] = bpf_core_type_size(struct list_head);
	res[11] = bpf_core_enum_value(enum bpf_map_type, BPF_MAP_TYPE_RINGBUF);
	bpf_tail_call(c, &tails, 1);
	return 2;
}
SEC("iter/task") int tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *t = ctx->task;

	if (t)
		BPF_SEQ_PRINTF(ctx->meta->seq, "%d\n", t->pid);
	return 0;
}
char _license[] SEC("license") = "GPL";
C
cat > "$tmp/useb.c" <<'C'
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include HDR
int main(void)
{
	static unsigned char packet[64];
	struct b_bpf *k = b_bpf__open_and_load();
	union bpf_attr a;
	unsigned key = 1;
	unsigned long long v = 0;

	if (!k)
		return perror("load"), 1;
	memset(&a, 0, sizeof(a));
	a.test.prog_fd = k->progs.main_prog.prog_fd;
	a.test.data_in = (long)packet;
	a.test.data_size_in = sizeof(packet);
	printf("%ld", syscall(__NR_bpf, BPF_PROG_TEST_RUN, &a, sizeof(a)));
	printf(" %u\n", a.test.retval);
	for (int i = 0; i < 12; i++)
		printf("%d ", k->bss->res[i]);
	printf("%llx\n", k->bss->addr);
	memset(&a, 0, sizeof(a));
	a.map_fd = k->maps.in2.map_fd;
	a.key = (long)&key;
	a.value = (long)&v;
	syscall(__NR_bpf, BPF_MAP_LOOKUP_ELEM, &a, sizeof(a));
	printf("%llu %d %d\n", v, b_bpf__tasks__attach(k) > 0, k->maps.perf.max_entries > 0);
	b_bpf__destroy(k);
	return 0;
}
C
ok "compiles more" $SKEP cc "$tmp/b.bpf.c" -o "$tmp/b.bpf.o" -- -I"$tmp" -Wno-everything
$SKEP gen skeleton -L "$tmp/b.bpf.o" >"$tmp/b.h"
same "and what comes of it" "" "$(build b.h useb)"
vfs_read=$(sed -n 's/^0*\([0-9a-f]*\) T vfs_read$/\1/p' /proc/kallsyms 2>/dev/null)
if [ -n "$vfs_read" ]; then
	same "maps in maps, tail calls, callbacks, kfuncs, symbols" "0 3
1 2 42 0 0 0 0 0 16 99 0 27 $vfs_read
77 1 1" "$("$tmp/useb" 2>&1)"
else
	skip "maps in maps, tail calls, callbacks, kfuncs, symbols" "addresses of symbols are not shown"
fi

# ---- what the kernel refuses leaves nothing behind, and its log can be had
cat > "$tmp/bad.bpf.c" <<'C'
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, __u64);
	 __uint(max_entries, 2); } m SEC(".maps");
int n;
SEC("xdp") int good(struct xdp_md *c) { return n; }
SEC("xdp") int bad(struct xdp_md *c)
{
	__u32 k = 0;
	__u64 *v = bpf_map_lookup_elem(&m, &k);

	return *v;
}
char _license[] SEC("license") = "GPL";
C
cat > "$tmp/usebad.c" <<'C'
#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include HDR
int main(void)
{
	static char log[65536];
	struct bad_bpf *k = bad_bpf__open();
	struct dirent *e;
	DIR *d;
	char path[600], to[256];
	ssize_t n;

	k->ctx.log_level = 1;
	k->ctx.log_size = sizeof(log);
	k->ctx.log_buf = (long)log;
	printf("%d %d %d\n", bad_bpf__load(k), k->maps.m.map_fd, k->progs.good.prog_fd);
	printf("%d\n", strstr(log, "invalid mem access 'map_value_or_null'") != NULL);
	bad_bpf__destroy(k);
	for (d = opendir("/proc/self/fd"); (e = readdir(d));) {
		snprintf(path, sizeof(path), "/proc/self/fd/%s", e->d_name);
		n = readlink(path, to, sizeof(to) - 1);
		to[n < 0 ? 0 : n] = 0;
		if (strstr(to, "bpf") || strstr(to, "btf"))
			puts(to);
	}
	return 0;
}
C
$SKEP cc "$tmp/bad.bpf.c" -o "$tmp/bad.bpf.o"
$SKEP gen skeleton -L "$tmp/bad.bpf.o" >"$tmp/bad.h"
same "of what the kernel rejects, too" "" "$(build bad.h usebad)"
same "its error, the log, and nothing left" "-13 0 0
1" "$("$tmp/usebad" 2>&1)"

# ---- a map that is to be pinned by name, and one that is empty of everything
cat > "$tmp/pin.bpf.c" <<'C'
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64);
	 __uint(max_entries, 2); __uint(pinning, 1); } m SEC(".maps");
char _license[] SEC("license") = "GPL";
C
has "who pins a map is said" "note: map m is not pinned by a light skeleton" \
	"$($SKEP gen skeleton -L "$tmp/pin.bpf.c" 2>&1 >"$tmp/pin.h")"
cat > "$tmp/usepin.c" <<'C'
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include HDR
int main(void)
{
	struct pin_bpf *k = pin_bpf__open_and_load();

	printf("%d\n", k && k->maps.m.map_fd > 0);
	pin_bpf__destroy(k);
	return 0;
}
C
same "an object without programs" "" "$(build pin.h usepin)"
same "is loaded, too" 1 "$("$tmp/usepin" 2>&1)"
done_testing
