#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# vsock.t: `skep verify` on programs with sockets, storage and callbacks: each
# function's name says what the verdict is, here and by the kernel.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"

cat > "$tmp/v.c" <<'C'
typedef unsigned int u32;
typedef unsigned long u64;
#define SEC(x) __attribute__((section(x), used))
#define FN(name, id, ret, ...) static ret (*name)(__VA_ARGS__) = (void *)id
struct sock { u32 bound, family, type, protocol, mark, priority, ip4; };
struct tcp_sock { u32 cwnd, srtt; };
struct tuple { u32 saddr, daddr; unsigned short sport, dport; };
struct skb { u32 fields[42]; struct sock *sk; };
FN(lookup, 1, void *, void *, const void *);
FN(get_local_storage, 81, void *, void *, u64);
FN(sk_lookup_tcp, 84, struct sock *, void *, struct tuple *, u32, u64, u64);
FN(sk_release, 86, long, void *);
FN(sk_fullsock, 95, struct sock *, struct sock *);
FN(tcp_sock, 96, struct tcp_sock *, struct sock *);
FN(get_listener_sock, 98, struct sock *, struct sock *);
FN(sk_storage_get, 107, void *, void *, void *, void *, u64);
FN(get_current_task_btf, 158, void *, void);
FN(find_vma, 180, long, void *, u64, void *, void *, u64);
struct { int (*type)[24]; int (*map_flags)[1]; int *key; u64 *value; } storage SEC(".maps");
struct { int (*type)[19]; char (*key)[16]; u64 *value; } local SEC(".maps");
struct { int (*type)[15]; int (*max_entries)[4]; u32 *key; u64 *value; } socks SEC(".maps");

SEC("tc") int ok_sk(struct skb *c)
{
	struct sock *sk = c->sk, *full;

	if (!sk || sk->family != 2)
		return 0;
	full = sk_fullsock(sk);
	return full ? full->type : 0;
}
SEC("tc") int rejected_not_full(struct skb *c) { return c->sk ? c->sk->type : 0; }
SEC("tc") int rejected_null(struct skb *c) { return sk_fullsock(c->sk) ? 1 : 0; }
SEC("tc") int ok_lookup(void *c)
{
	struct tuple t = {};
	struct sock *sk = sk_lookup_tcp(c, &t, sizeof(t), -1, 0);
	struct tcp_sock *tp;
	int n = 0;

	if (!sk)
		return 0;
	tp = tcp_sock(sk);
	if (tp)
		n = tp->cwnd;
	sk_release(sk);
	return n;
}
SEC("tc") int rejected_after_release(void *c)
{
	struct tuple t = {};
	struct sock *sk = sk_lookup_tcp(c, &t, sizeof(t), -1, 0);
	struct tcp_sock *tp;

	if (!sk)
		return 0;
	tp = tcp_sock(sk);
	sk_release(sk);
	return tp ? tp->cwnd : 0;
}
SEC("tc") int rejected_kept(void *c)
{
	struct tuple t = {};
	struct sock *sk = sk_lookup_tcp(c, &t, sizeof(t), -1, 0);

	return sk ? sk->mark : 0;
}
SEC("tc") int ok_release_tcp(void *c)
{
	struct tuple t = {};
	struct sock *sk = sk_lookup_tcp(c, &t, sizeof(t), -1, 0);
	struct tcp_sock *tp;

	if (!sk)
		return 0;
	tp = tcp_sock(sk);
	if (!tp)
		sk_release(sk);
	else
		sk_release(tp);
	return 0;
}
SEC("tc") int ok_storage(struct skb *c)
{
	struct sock *sk = c->sk ? sk_fullsock(c->sk) : 0;
	u64 *n = sk ? sk_storage_get(&storage, sk, 0, 1) : 0;

	return n ? ++*n : 0;
}
SEC("tc") int rejected_storage_sock(struct skb *c)
{
	u64 *n = sk_storage_get(&storage, c->sk, 0, 1);

	return n ? ++*n : 0;
}
SEC("cgroup_skb/egress") int ok_local(void *c) { return ++*(u64 *)get_local_storage(&local, 0) & 1; }
SEC("cgroup_skb/egress") int rejected_flags(void *c) { return *(u64 *)get_local_storage(&local, 1) & 1; }
SEC("tc") int ok_sockmap(void *c)
{
	u32 key = 0;
	struct sock *sk = lookup(&socks, &key);

	if (sk)
		sk_release(sk);
	return 0;
}
SEC("tc") int rejected_sockmap(void *c)
{
	u32 key = 0;
	struct sock *sk = lookup(&socks, &key);

	return sk ? sk->family : 0;
}
SEC("tc") int ok_listener(struct skb *c)
{
	struct sock *sk = c->sk ? get_listener_sock(c->sk) : 0;

	return sk ? sk->mark : 0;
}
static long seen(void *task, void *area, int *n) { *n = 1; return 0; }
static long two(void *task, void *area, int *n) { *n = 1; return 2; }
SEC("perf_event") int ok_vma(void *c)
{
	int n = 0;

	find_vma(get_current_task_btf(), 4096, seen, &n, 0);
	return n;
}
SEC("perf_event") int rejected_vma(void *c)
{
	int n = 0;

	find_vma(get_current_task_btf(), 4096, two, &n, 0);
	return n;
}
SEC("perf_event") int rejected_vma_ctx(void *c) { return find_vma(get_current_task_btf(), 1, seen, c, 0); }
struct bpf_spin_lock { u32 val; };
struct locked { struct bpf_spin_lock lock; u32 n; };
struct { int (*type)[2]; int (*max_entries)[1]; u32 *key; struct locked *value; } locks SEC(".maps");
SEC("uprobe.s/x") int rejected_sleeps(void *c)
{
	u32 key = 0;

	return lookup(&socks, &key) ? 1 : 0;
}
SEC("kprobe/x") int rejected_lock(void *c)
{
	u32 key = 0;

	return lookup(&locks, &key) ? 1 : 0;
}
char _license[] SEC("license") = "GPL";
C
ok "a program compiles" $CLANG -O2 -g -target bpf -c "$tmp/v.c" -o "$tmp/v.o"
out=$($SKEP verify --on both "$tmp/v.o" 2> "$tmp/err")
same "all are judged" 19 "$(printf '%s\n' "$out" | awk '$1 ~ /^(ok|rejected)_/' | wc -l | tr -d ' ')"
printf '%s\n' "$out" | awk '$1 ~ /^(ok|rejected)_/ { print $1, $4, $NF }' > "$tmp/all"
while read -r name ours kernel; do
	same "$name" "${name%%_*}" "$ours"
	case $kernel in
	ok | rejected)
		same "$name, by the kernel" "${name%%_*}" "$kernel" ;;
	*)
		skip "$name, by the kernel" "the kernel loads nothing here" ;;
	esac
done < "$tmp/all"
done_testing
