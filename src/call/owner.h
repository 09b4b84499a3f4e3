/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * owner.h: tasks and cgroups as programs have them: a task is a thread of this process,
 * a cgroup one of the system's. A pointer to either is to an object (object.h) that says
 * which it is and nothing else; bodies look whether it is one. And who owns the values
 * of storages.
 */
#ifndef CALL_OWNER_H
#define CALL_OWNER_H

#include "call/bodies.h"

struct map_owner;
struct tape;

/* For struct map_attr: keys of user space are ids of threads of this process, and
 * descriptors of cgroups and files. -EBADF, -ENOENT. Not for sockets. */
int owner_of_number(u32 type, u32 number, struct map_owner *o);
bool owner_lives(struct tape *t, u32 type, const struct map_owner *o);
/* The calling thread is another than before. */
void owner_task_changed(struct run *run);

HELPER_BODY(call_task_btf);
HELPER_BODY(call_sk_storage_get);
HELPER_BODY(call_sk_storage_delete);
HELPER_BODY(call_task_storage_get);
HELPER_BODY(call_task_storage_delete);
HELPER_BODY(call_cgrp_storage_get);
HELPER_BODY(call_cgrp_storage_delete);
HELPER_BODY(call_local_storage);
HELPER_BODY(call_task_under_cgroup_array);
HELPER_BODY(call_skb_under_cgroup);
HELPER_BODY(call_skb_cgroup_id);
HELPER_BODY(call_skb_ancestor_cgroup_id);
HELPER_BODY(call_sk_cgroup_id);
HELPER_BODY(call_sk_ancestor_cgroup_id);

HELPER_BODY(kfunc_task_acquire);
HELPER_BODY(kfunc_task_release);
HELPER_BODY(kfunc_task_from_pid);
HELPER_BODY(kfunc_task_under_cgroup);
HELPER_BODY(kfunc_cgroup_from_id);
HELPER_BODY(kfunc_cgroup_ancestor);

#endif
