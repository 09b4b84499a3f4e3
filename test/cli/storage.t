#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# storage.t: values that sockets, tasks and cgroups have, and what programs learn of these.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
export CLANG
cap=examples/firewall/traffic.pcapng
both=1
$SKEP run --on kernel examples/firewall/firewall.o $cap -q > /dev/null 2>&1 || both=

# agree WHAT FILE: the engines agree; else only this one runs
agree()
{
	$SKEP run "$2" $cap > "$tmp/out" 2>&1 || cat "$tmp/out"
	if [ -n "$both" ]; then
		has "$1: as in the kernel" "agree: 1098" "$($SKEP run --on both "$2" $cap -q 2>&1)"
	else
		skip "$1: as in the kernel" "programs cannot be loaded into this kernel"
	fi
}

cat > "$tmp/head.c" <<'C'
#define K __attribute__((section(".ksyms")))
#ifndef BPF_LOCAL_STORAGE_GET_F_CREATE
#define BPF_LOCAL_STORAGE_GET_F_CREATE 1
#endif
#define CREATE BPF_LOCAL_STORAGE_GET_F_CREATE
#ifndef __BPF_CGRP
#define BPF_MAP_TYPE_CGRP_STORAGE_ 32
#endif
struct task_struct { int dummy; } __attribute__((preserve_access_index));
struct cgroup { int dummy; } __attribute__((preserve_access_index));
extern struct task_struct *bpf_task_acquire(struct task_struct *p) K;
extern void bpf_task_release(struct task_struct *p) K;
extern struct task_struct *bpf_task_from_pid(int pid) K;
extern long bpf_task_under_cgroup(struct task_struct *task, struct cgroup *ancestor) K;
extern struct cgroup *bpf_cgroup_from_id(__u64 cgid) K;
extern struct cgroup *bpf_cgroup_acquire(struct cgroup *cgrp) K;
extern struct cgroup *bpf_cgroup_ancestor(struct cgroup *cgrp, int level) K;
extern void bpf_cgroup_release(struct cgroup *cgrp) K;
struct value { __u64 n, bytes; };
long results[16];
#define MADE(m, who, init) ({ \
	struct value *v_ = GET(m, who, init, CREATE); \
	if (v_) { v_->n++; v_->bytes += results[15]; results[0] = v_->n; results[1] = v_->bytes; } \
	v_; })
C

# ---- sockets
cat "$tmp/head.c" - > "$tmp/sk.c" <<'C'
struct { __uint(type, BPF_MAP_TYPE_SK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int); __type(value, struct value); } of SEC(".maps");
#define GET bpf_sk_storage_get
SEC("tc") int sk(struct __sk_buff *ctx)
{
	struct value init = { 40, 2 };
	struct bpf_sock *sk = ctx->sk;

	if (!sk)
		return 0;
	results[15] = ctx->len;
	results[2] += !bpf_sk_storage_get(&of, sk, 0, 0);
	results[3] = bpf_sk_storage_delete(&of, sk);
	MADE(&of, sk, &init);
	MADE(&of, sk, &init);
	results[4] = !bpf_sk_storage_get(&of, sk, 0, 2);
	results[5] = !bpf_sk_storage_get(&of, sk, 0, 0);
	results[6] = bpf_sk_storage_delete(&of, sk);
	results[7] = bpf_sk_storage_delete(&of, sk);
	MADE(&of, sk, 0);
	results[8] = bpf_sk_storage_delete(&of, sk);
	return 0;
}
char _license[] SEC("license") = "GPL";
C
agree "values of sockets" "$tmp/sk.c"
has "two updates after 40" "[1,42,10983" "$(tr -d ' ' < "$tmp/out" | sed 's/results:\[\([0-9]*\),[0-9]*,/[\1,42,/')"

# ---- tasks
cat "$tmp/head.c" - > "$tmp/task.c" <<'C'
struct { __uint(type, BPF_MAP_TYPE_TASK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int); __type(value, struct value); } of SEC(".maps");
#define GET bpf_task_storage_get
SEC("xdp") int task(struct xdp_md *ctx)
{
	struct task_struct *t = bpf_get_current_task_btf(), *p;
	struct value init = { 40, 2 };

	results[15] = ctx->data_end - ctx->data;
	if ((__u64)results[15] % 7 == 0)
		results[2] += bpf_task_storage_delete(&of, t);
	results[3] += !bpf_task_storage_get(&of, t, 0, 0);
	if (results[15] & 1)
		MADE(&of, t, &init);
	MADE(&of, t, 0);
	results[4] = !bpf_task_storage_get(&of, t, 0, 2);
	p = bpf_task_from_pid(bpf_get_current_pid_tgid());
	if (p) {
		results[5]++;
		MADE(&of, p, 0);
		bpf_task_release(p);
	}
	p = bpf_task_acquire(t);
	if (p) {
		results[6] += !!bpf_task_storage_get(&of, p, 0, 0);
		bpf_task_release(p);
	}
	p = bpf_task_from_pid(-1);
	results[7] = !p;
	if (p)
		bpf_task_release(p);
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
agree "values of tasks" "$tmp/task.c"
has "as many as there are owners" "map of (task_storage, 1)" "$(cat "$tmp/out")"

# ---- cgroups
cat "$tmp/head.c" - > "$tmp/group.c" <<'C'
struct { __uint(type, 32); __uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int); __type(value, struct value); } of SEC(".maps");
static void *(*const bpf_cgrp_get)(void *, struct cgroup *, void *, __u64) = (void *)210;
static long (*const bpf_cgrp_delete)(void *, struct cgroup *) = (void *)211;
#define GET bpf_cgrp_get
SEC("xdp") int group(struct xdp_md *ctx)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct cgroup *g = bpf_cgroup_from_id(bpf_get_current_cgroup_id()), *a;

	results[15] = ctx->data_end - ctx->data;
	if (!g)
		return XDP_DROP;
	results[2] += !bpf_cgrp_get(&of, g, 0, 0);
	MADE(&of, g, 0);
	results[3] = bpf_task_under_cgroup(t, g);
	for (int i = -1; i < 3; i++) {
		a = bpf_cgroup_ancestor(g, i);
		results[5 + i] += !!a;
		if (a) {
			MADE(&of, a, 0);
			results[8] += bpf_task_under_cgroup(t, a);
			bpf_cgroup_release(a);
		}
	}
	a = bpf_cgroup_acquire(g);
	if (a) {
		if ((__u64)results[15] % 5 == 0)
			results[9] += bpf_cgrp_delete(&of, a);
		bpf_cgroup_release(a);
	}
	bpf_cgroup_release(g);
	g = bpf_cgroup_from_id(0x7fffffffffff);
	results[10] += !!g;
	if (g)
		bpf_cgroup_release(g);
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
agree "values of cgroups" "$tmp/group.c"

cat "$tmp/head.c" - > "$tmp/ids.c" <<'C'
struct { __uint(type, BPF_MAP_TYPE_CGROUP_ARRAY); __uint(max_entries, 4);
	__type(key, int); __type(value, int); } groups SEC(".maps");
SEC("tc") int ids(struct __sk_buff *ctx)
{
	results[0] = bpf_skb_cgroup_id(ctx);
	results[1] = bpf_skb_ancestor_cgroup_id(ctx, 0);
	results[2] = bpf_skb_ancestor_cgroup_id(ctx, 1);
	results[3] = bpf_skb_ancestor_cgroup_id(ctx, -1);
	results[4] = bpf_skb_under_cgroup(ctx, &groups, 0);
	results[5] = bpf_skb_under_cgroup(ctx, &groups, 4);
	results[6] = bpf_current_task_under_cgroup(&groups, 3);
	results[7] = bpf_current_task_under_cgroup(&groups, 4);
	results[8] = bpf_get_cgroup_classid(ctx);
	return 0;
}
char _license[] SEC("license") = "GPL";
C
agree "cgroups of packets" "$tmp/ids.c"

cat "$tmp/head.c" - > "$tmp/skids.c" <<'C'
struct { __uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key); __type(value, struct value); } one SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key); __type(value, struct value); } each SEC(".maps");
SEC("cgroup_skb/ingress") int ids(struct __sk_buff *ctx)
{
	struct value *v = bpf_get_local_storage(&one, 0), *w = bpf_get_local_storage(&each, 0);
	struct bpf_sock *sk = ctx->sk;

	if (!sk)
		return 0;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return 0;
	results[0] = bpf_sk_cgroup_id(sk);
	results[1] = bpf_sk_ancestor_cgroup_id(sk, 0);
	results[2] = bpf_sk_ancestor_cgroup_id(sk, 1);
	results[3] = bpf_skb_cgroup_id(ctx);
	results[4] = v->n++;
	results[5] = w->bytes += ctx->len;
	v->n = w->bytes = 0;
	return 1;
}
char _license[] SEC("license") = "GPL";
C
agree "cgroups of sockets" "$tmp/skids.c"

# fault WHAT BODY PART: programs that nobody has verified
fault()
{
	cat "$tmp/head.c" - > "$tmp/fault.c" << C
struct { __uint(type, BPF_MAP_TYPE_TASK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int); __type(value, struct value); } of SEC(".maps");
SEC("xdp") int wrong(struct xdp_md *ctx)
{
	struct task_struct *t = bpf_get_current_task_btf(), *p = bpf_task_acquire(t);
	struct value *v = 0;

	if (!p)
		return XDP_DROP;
	$2
	return XDP_PASS;
}
char _license[] SEC("license") = "GPL";
C
	out=$($SKEP run --unverified "$tmp/fault.c" $cap 2>&1)
	same "$1: exit status" 1 $?
	has "$1: message" "$3" "$out"
}
fault "a task that is kept" '' "the task made here is not given back"
fault "kept twice" 'p = bpf_task_acquire(p);' "the task made here is not given back"
fault "given back twice" 'bpf_task_release(p); bpf_task_release(p);' "is no task of the program"
fault "that of the thread given back" 'bpf_task_release(p); bpf_task_release(t);' \
	"is no task of the program"
fault "a number as a task" 'bpf_task_release(p); bpf_task_storage_get(&of, (void *)ctx, 0, 1);' \
	"is no task of the program"
fault "a value beyond its end" 'bpf_task_release(p); v = bpf_task_storage_get(&of, t, 0, 1);
	if (v) v[1].n = 1;' "bytes 16..23 of a map value are written, it has 16"
done_testing
