/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unwind: reads the frames of an interpreter's stack in user space, names and all,
 * once frame by frame and once in a loop.
 */
#include "common.h"

enum { FRAMES = 40, NAME = 64 };

struct offsets { __u64 frame, code, back, line, name, file, self; };
struct frame { char file[NAME], class[32], name[NAME]; };
struct event {
	__u32 pid, tid, nr;
	__u32 ids[FRAMES];
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct offsets);
} targets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct event);
} scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct frame);
	__type(value, __u32);
} names SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

static __always_inline __u64 word(__u64 at)
{
	__u64 v = 0;

	bpf_probe_read_user(&v, sizeof(v), (void *)at);
	return v;
}

static __always_inline void read_frame(const struct offsets *o, __u64 at, struct frame *f)
{
	__u64 code = word(at + o->code), self;

	if (!code)
		return;
	bpf_probe_read_user_str(f->file, sizeof(f->file), (void *)word(code + o->file));
	bpf_probe_read_user_str(f->name, sizeof(f->name), (void *)word(code + o->name));
	if (f->name[0] == 's' && f->name[1] == 'e' && f->name[2] == 'l' && f->name[3] == 'f') {
		self = word(at + o->self);
		if (self)
			bpf_probe_read_user_str(f->class, sizeof(f->class), (void *)word(self));
	}
}

static __always_inline __u32 id_of(struct frame *f, __u32 next)
{
	__u32 *id = bpf_map_lookup_elem(&names, f);

	if (id)
		return *id;
	bpf_map_update_elem(&names, f, &next, BPF_ANY);
	return next;
}

static __always_inline int begin(struct event **e, struct offsets **o)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 zero = 0, pid = id >> 32;

	*o = bpf_map_lookup_elem(&targets, &pid);
	*e = bpf_map_lookup_elem(&scratch, &zero);
	if (!*o || !*e)
		return -1;
	(*e)->pid = pid;
	(*e)->tid = id;
	(*e)->nr = 0;
	bpf_get_current_comm((*e)->comm, sizeof((*e)->comm));
	return 0;
}

#define ONE(i) \
	if (!at) \
		goto out; \
	read_frame(o, at, &f); \
	e->ids[i] = id_of(&f, (i) * 64 + (e->pid & 63)); \
	e->nr = (i) + 1; \
	at = word(at + o->back);
#define TEN(i) ONE(i) ONE(i + 1) ONE(i + 2) ONE(i + 3) ONE(i + 4) ONE(i + 5) ONE(i + 6) \
	ONE(i + 7) ONE(i + 8) ONE(i + 9)

SEC("raw_tp/sched_switch")
int unrolled(void *ctx)
{
	struct event *e;
	struct offsets *o;
	struct frame f = {};
	__u64 at;

	if (begin(&e, &o))
		return 0;
	at = word(o->frame);
	TEN(0) TEN(10) TEN(20) TEN(30)
out:
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, e, sizeof(*e));
	return 0;
}

SEC("raw_tp/sched_switch")
int looping(void *ctx)
{
	struct event *e;
	struct offsets *o;
	struct frame f = {};
	__u64 at;

	if (begin(&e, &o))
		return 0;
	at = word(o->frame);
#pragma clang loop unroll(disable)
	for (int i = 0; i < FRAMES; i++) {
		if (!at)
			break;
		read_frame(o, at, &f);
		e->ids[i] = id_of(&f, i * 64 + (e->pid & 63));
		e->nr = i + 1;
		at = word(at + o->back);
	}
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, e, sizeof(*e));
	return 0;
}
