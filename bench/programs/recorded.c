/* SPDX-License-Identifier: BSD-2-Clause */
/* recorded.c: what a tracer does for an event, for bench/record.c: who calls, how often, how
 * long it was between; and a record of it. */
#include "common.h"

struct seen { __u64 last, n, between; };
struct event { __u64 pid_tgid, ns, arg; char comm[16]; };
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct seen);
} callers SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} events SEC(".maps");
struct enter { __u64 common; long nr; unsigned long args[6]; };

SEC("tp/syscalls/sys_enter_getpgid")
int enter(struct enter *ctx)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid(), ns = bpf_ktime_get_ns();
	__u32 pid = pid_tgid >> 32;
	struct seen *s = bpf_map_lookup_elem(&callers, &pid);

	if (s) {
		s->between += ns - s->last;
		s->last = ns;
		s->n++;
	} else {
		struct seen first = { ns, 1, 0 };

		bpf_map_update_elem(&callers, &pid, &first, BPF_ANY);
	}
	return 0;
}

SEC("tp/syscalls/sys_enter_getpgid")
int send(struct enter *ctx)
{
	struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e)
		return 0;
	e->pid_tgid = bpf_get_current_pid_tgid();
	e->ns = bpf_ktime_get_ns();
	e->arg = ctx->args[0];
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	return 0;
}
