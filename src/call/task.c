/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * task.c: who calls: the thread that runs the program. There is no struct
 * task_struct here, so a pointer to it is NULL.
 */
#include "call/bodies.h"
#include "base/os.h"
#include <linux/bpf.h>

HELPER_BODY(call_pid_tgid)
{
	const struct run_who *w = run->task.who;

	return w && w->has_ids ? (u64)w->tgid << 32 | w->pid : os_pid_tgid();
}

HELPER_BODY(call_uid_gid)
{
	const struct run_who *w = run->task.who;

	return w && w->has_user ? (u64)w->gid << 32 | w->uid : os_uid_gid();
}

HELPER_BODY(call_task) { return 0; }

HELPER_BODY(call_comm)
{
	char comm[16];
	u64 size = (u32)r2;
	u8 *out = call_ptr(r1);

	if (run->task.who && run->task.who->has_comm)
		memcpy(comm, run->task.who->comm, sizeof(comm));
	else
		os_comm(comm);
	memset(out, 0, size);
	memcpy(out, comm, min_u64(size - 1, sizeof(comm)));
	return 0;
}

HELPER_BODY(call_cgroup_id)
{
	if (!run->task.cgroup_id)
		run->task.cgroup_id = os_cgroup_id(-1);
	return run->task.cgroup_id;
}

HELPER_BODY(call_ancestor_cgroup_id)
{
	return (s32)r1 < 0 ? 0 : os_cgroup_id((s32)r1);
}

HELPER_BODY(call_ns_pid_tgid)
{
	struct bpf_pidns_info info = { 0 };
	u64 dev, ino, ids = call_pid_tgid(0, 0, 0, 0, 0, run);
	int r = -EINVAL;

	if (r4 == sizeof(info) && os_pid_ns(&dev, &ino) && dev == r1 && ino == r2) {
		info.pid = (u32)ids;
		info.tgid = (u32)(ids >> 32);
		r = 0;
	}
	memset(call_ptr(r3), 0, (u32)r4);
	memcpy(call_ptr(r3), &info, min_u64((u32)r4, r ? 0 : sizeof(info)));
	return call_error(r);
}

/* ---- what the caller was attached to: nothing ------------------------------------- */

HELPER_BODY(call_none) { return 0; }
HELPER_BODY(call_no_value) { return call_error(-EOPNOTSUPP); }

HELPER_BODY(call_get_retval) { return call_error(run->task.retval); }

HELPER_BODY(call_set_retval)
{
	s32 v = (s32)r1;

	if (v > 0 || v < -4095)		/* the kernel's MAX_ERRNO */
		return call_error(-EINVAL);
	run->task.retval = v;
	return 0;
}
