#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# verify_module.t: programs at functions of modules, by the types of --module-btf.
. test/tap.sh
vmlinux=/sys/kernel/btf/vmlinux
[ -n "$CLANG" ] || skip_all "no clang"
command -v pahole > /dev/null || skip_all "no pahole"
cat > "$tmp/one.c" <<-'E'
	struct task_struct;
	struct skep_mod { long pad; int x; struct task_struct *t; };
	int skep_mod_open(struct skep_mod *m, struct task_struct *t, int flags);
	int skep_mod_open(struct skep_mod *m, struct task_struct *t, int flags)
	{
		return m->x + flags;
	}
	E
${CC:-cc} -g -O0 -c "$tmp/one.c" -o "$tmp/one.o" && pahole --btf_base $vmlinux \
	--btf_encode_detached "$tmp/one.btf" "$tmp/one.o" 2> /dev/null ||
	skip_all "pahole makes no types on the kernel's"
cat > "$tmp/use.c" <<-'E'
	#define CORE __attribute__((preserve_access_index))
	struct task_struct { int pid; } CORE;
	struct skep_mod { int x; struct task_struct *t; } CORE;
	long sum;
	char _license[] SEC("license") = "GPL";
	SEC("fentry/skep_mod_open") int good(__u64 *ctx)
	{
		struct skep_mod *m = (void *)ctx[0];

		sum += m->x + m->t->pid + ((struct task_struct *)ctx[1])->pid + (int)ctx[2];
		return 0;
	}
	SEC("fentry/one:skep_mod_open") int named(__u64 *ctx)
	{
		sum += ((struct skep_mod *)ctx[0])->x;
		return 0;
	}
	SEC("fentry/skep_mod_open") int behind(__u64 *ctx)
	{
		sum += ctx[3];
		return 0;
	}
	SEC("fentry/two:skep_mod_open") int elsewhere(__u64 *ctx)
	{
		sum += ctx[0];
		return 0;
	}
	E
ok "compiles" $SKEP cc "$tmp/use.c" -o "$tmp/use.o"
verdict() # PROGRAM OPTIONS
{
	prog=$1
	shift
	$SKEP verify --btf $vmlinux "$@" --prog "$prog" "$tmp/use.o" 2> "$tmp/err" |
		sed -n '2s/.*  \(ok\|rejected\|not judged\)  .*/\1/p'
}
same "its arguments" ok "$(verdict good --module-btf "$tmp/one.btf")"
same "by the module's name, too" ok "$(verdict named --module-btf "$tmp/one.btf")"
same "behind them" rejected "$(verdict behind --module-btf "$tmp/one.btf")"
has "the reason" "[SKEP-E0206]" "$(cat "$tmp/err")"
same "of another module" "not judged" "$(verdict elsewhere --module-btf "$tmp/one.btf")"
same "without its types" "not judged" "$(verdict good)"
done_testing
