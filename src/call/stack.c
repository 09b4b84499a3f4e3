/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack.c: chains of callers. There is no kernel's stack here, and what the host's is,
 * where a program runs, only the host can say (run->stack): without it, and of other
 * threads, there is none.
 */
#include "call/bodies.h"
#include "call/object.h"
#include "base/os.h"
#include "maps/map.h"

enum {
	SKIP = BPF_F_SKIP_FIELD_MASK, FRAMES_MAX = 127,		/* perf_event_max_stack */
	ID_FLAGS = SKIP | BPF_F_USER_STACK | BPF_F_FAST_STACK_CMP | BPF_F_REUSE_STACKID,
	STACK_FLAGS = SKIP | BPF_F_USER_STACK | BPF_F_USER_BUILD_ID,
};

/* What stands for a frame whose file nobody looks for. */
static void with_build_ids(struct bpf_stack_build_id *out, const u64 *ips, u32 n)
{
	for (u32 i = 0; i < n; i++)
		out[i] = (struct bpf_stack_build_id){ .status = BPF_STACK_BUILD_ID_IP,
						      .ip = ips[i] };
}

static u32 frames(struct run *run, u64 flags, u64 *ips, u32 max)
{
	bool user = flags & BPF_F_USER_STACK;

	return run->stack ? run->stack(run->stack_arg, user, ips,
				       (u32)min_u64(max + (flags & SKIP), FRAMES_MAX)) : 0;
}

static s64 stackid(struct run *run, struct map *m, u64 flags)
{
	bool ids = m->map_flags & BPF_F_STACK_BUILD_ID;
	u32 each = ids ? sizeof(struct bpf_stack_build_id) : 8, max = m->value_size / each, n;
	struct bpf_stack_build_id named[FRAMES_MAX];
	u64 ips[FRAMES_MAX];

	if (flags & ~(u64)ID_FLAGS)
		return -EINVAL;
	n = frames(run, flags, ips, max);
	if (n <= (flags & SKIP))
		return -EFAULT;
	n = (u32)min_u64(n - (flags & SKIP), max);
	if (ids)
		with_build_ids(named, ips + (flags & SKIP), n);
	return map_stack_put(m, ids ? (void *)named : ips + (flags & SKIP), n * each, flags);
}

HELPER_BODY(call_get_stackid) { return (u64)stackid(run, call_ptr(r2), r3); }

/* Bytes of the chain in OUT, of SIZE bytes. */
static s64 stack(struct run *run, void *out, u32 size, u64 flags)
{
	bool ids = flags & BPF_F_USER_BUILD_ID;
	u32 each = ids ? sizeof(struct bpf_stack_build_id) : 8, n;
	u64 ips[FRAMES_MAX];

	if (flags & ~(u64)STACK_FLAGS || (ids && !(flags & BPF_F_USER_STACK)) || size % each)
		return -EINVAL;
	n = frames(run, flags, ips, (u32)max_u64(size / each, 1));
	if (!n || n < (flags & SKIP))
		return -EFAULT;
	n = (u32)min_u64(n - (flags & SKIP), size / each);
	if (ids)
		with_build_ids(out, ips + (flags & SKIP), n);
	else
		memcpy(out, ips + (flags & SKIP), n * each);
	return n * each;
}

static u64 stack_out(struct run *run, u64 to, u32 size, u64 flags, bool own)
{
	s64 n = own ? stack(run, call_ptr(to), size, flags) : -EFAULT;
	u32 used = n > 0 ? (u32)n : 0;

	if (size > used)
		memset((u8 *)call_ptr(to) + used, 0, size - used);
	return (u64)n;
}

HELPER_BODY(call_get_stack) { return stack_out(run, r2, (u32)r3, r4, true); }

/* Of another thread than the program's own nobody knows. */
HELPER_BODY(call_get_task_stack)
{
	const struct map_owner *task = run->objects ?
		object_of_kind(run->objects, r1, LENT_TASK) : NULL;

	return stack_out(run, r2, (u32)r3, r4, task && task->id == (u32)os_pid_tgid());
}
