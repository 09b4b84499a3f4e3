/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * payload: strings of user space, one behind the other in one buffer: each goes
 * where those before it ended.
 */
#include "common.h"

enum { STRINGS = 24, STRING = 128, ROOM = STRINGS * STRING };

struct config { __u64 base; __u32 want[STRINGS]; __u64 at[STRINGS]; };
struct record { __u32 pid, bytes; __u16 len[STRINGS]; char text[ROOM + STRING]; };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct config);
} configs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct record);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_openat")
int payload(void *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32, zero = 0;
	struct config *c = bpf_map_lookup_elem(&configs, &pid);
	struct record *r = bpf_map_lookup_elem(&records, &zero);
	__u64 off = 0;

	if (!c || !r)
		return 0;
	r->pid = pid;
#pragma clang loop unroll(full)
	for (int i = 0; i < STRINGS; i++) {
		__u64 at = 0;
		long n;

		if (!c->want[i])
			continue;
		if (c->want[i] == 1)
			at = c->base + c->at[i];
		else
			bpf_probe_read_user(&at, sizeof(at), (void *)(c->base + c->at[i]));
		if (!at || off > ROOM)
			continue;
		n = bpf_probe_read_user_str(r->text + off, STRING, (void *)at);
		if (n < 0 || n > STRING)
			continue;
		r->len[i] = n;
		off += n;
	}
	r->bytes = off;
	if (off > ROOM)
		return 0;
	bpf_ringbuf_output(&ring, r, sizeof(*r) - STRING, 0);
	return 0;
}
