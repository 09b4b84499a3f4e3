/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * owner.c: tasks, cgroups, and the values that they and sockets have in storages. See
 * owner.h.
 */
#include "call/owner.h"
#include "base/os.h"
#include "call/object.h"
#include "call/sock.h"
#include "maps/map.h"
#include "model/tape.h"
#include "model/uapi.h"
#include <limits.h>

enum { GET_CREATE = 1 };	/* BPF_LOCAL_STORAGE_GET_F_CREATE */

/* The memory of such an object is its name. */
static const struct map_owner *object_owner(const struct run *run, u64 at, enum lent_kind kind)
{
	return at && run->objects ? object_of_kind(run->objects, at, kind) : NULL;
}

static u64 owner_new(struct run *run, enum lent_kind kind, struct map_owner o)
{
	u64 at = o.id ? object_new(run, sizeof(o), kind) : 0;

	if (at)
		memcpy(call_ptr(at), &o, sizeof(o));
	return at;
}

static struct map_owner thread_owner(u32 id)
{
	u64 start = os_thread_start(id);

	return (struct map_owner){ start ? id : 0, start };
}

int owner_of_number(u32 type, u32 number, struct map_owner *o)
{
	switch (type) {
	case BPF_MAP_TYPE_TASK_STORAGE:
		*o = thread_owner(number);
		return o->id ? 0 : -ENOENT;
	case UAPI_MAP_TYPE_CGRP_STORAGE:
		*o = (struct map_owner){ .id = os_cgroup_of_fd((int)number) };
		return o->id ? 0 : -EBADF;
	default:
		return os_inode_of_fd((int)number, &o->more, &o->id) ? 0 : -EBADF;
	}
}

bool owner_lives(struct tape *t, u32 type, const struct map_owner *o)
{
	u64 lives;

	if (type != BPF_MAP_TYPE_TASK_STORAGE)
		return true;
	if (!tape_knows(t, TAPE_LIVES, &lives, sizeof(lives))) {
		lives = os_thread_start((u32)o->id) == o->more;
		tape_note(t, TAPE_LIVES, &lives, sizeof(lives));
	}
	return lives;
}

/* ---- tasks ------------------------------------------------------------------------ */

/* The caller, or the thread of this process that has number ID; all 0: there is none. */
static struct map_owner asked_thread(struct run *run, enum tape_fact fact, u32 id)
{
	struct map_owner o = { 0 };

	if (tape_knows(run->tape, fact, &o, sizeof(o)))
		return o;
	if (fact == TAPE_THREAD)
		o = thread_owner((u32)os_pid_tgid());
	else if ((s32)id > 0 && os_thread_lives(id))
		o = thread_owner(id);
	tape_note(run->tape, fact, &o, sizeof(o));
	return o;
}

/* That of the thread, which is nobody's to give back. */
HELPER_BODY(call_task_btf)
{
	struct map_owner o;

	if (!run->task.self && run->objects) {
		o = asked_thread(run, TAPE_THREAD, 0);
		run->task.self = object_keep(run->objects, &o, sizeof(o), LENT_TASK);
	}
	return run->task.self;
}

void owner_task_changed(struct run *run)
{
	if (run->task.self)
		object_gone(run->objects, run->task.self);
	run->task.self = 0;
}

HELPER_BODY(kfunc_task_acquire)
{
	return object_owner(run, r1, LENT_TASK) || object_owner(run, r1, LENT_CGROUP) ?
		object_get(run, r1) : 0;
}

HELPER_BODY(kfunc_task_release)
{
	object_put(r1);
	return 0;
}

/* A thread of this process: of others a program is told nothing. */
HELPER_BODY(kfunc_task_from_pid)
{
	return owner_new(run, LENT_TASK, asked_thread(run, TAPE_TASK, (u32)r1));
}

/* ---- cgroups ------------------------------------------------------------------------ */

/* Is the cgroup PATH the one with ID, or in it? */
static bool path_under(const char *path, u64 id)
{
	for (int level = 0;; level++) {
		u64 at = os_cgroup_at(path, level);

		if (!at || at == id)
			return at;
	}
}

HELPER_BODY(kfunc_task_under_cgroup)
{
	const struct map_owner *task = object_owner(run, r1, LENT_TASK);
	const struct map_owner *group = object_owner(run, r2, LENT_CGROUP);
	char path[PATH_MAX];
	u64 under = 0;

	if (!task || !group || tape_knows(run->tape, TAPE_UNDER, &under, sizeof(under)))
		return under;
	under = os_cgroup_of_thread((u32)task->id, path, sizeof(path)) &&
		path_under(path, group->id);
	tape_note(run->tape, TAPE_UNDER, &under, sizeof(under));
	return under;
}

static u64 new_cgroup(struct run *run, u64 id)
{
	tape_note(run->tape, TAPE_CGROUP, &id, sizeof(id));
	return owner_new(run, LENT_CGROUP, (struct map_owner){ .id = id });
}

HELPER_BODY(kfunc_cgroup_from_id)
{
	char path[PATH_MAX];
	u64 id;

	if (tape_knows(run->tape, TAPE_CGROUP, &id, sizeof(id)))
		return owner_new(run, LENT_CGROUP, (struct map_owner){ .id = id });
	return new_cgroup(run, os_cgroup_find(r1, path, sizeof(path)) ? r1 : 0);
}

HELPER_BODY(kfunc_cgroup_ancestor)
{
	const struct map_owner *group = object_owner(run, r1, LENT_CGROUP);
	char path[PATH_MAX];
	u64 id;

	if ((s32)r2 < 0 || !group)
		return 0;
	if (tape_knows(run->tape, TAPE_CGROUP, &id, sizeof(id)))
		return owner_new(run, LENT_CGROUP, (struct map_owner){ .id = id });
	return new_cgroup(run, os_cgroup_find(group->id, path, sizeof(path)) ?
			  os_cgroup_at(path, (s32)r2) : 0);
}

/* That of this process; its sockets were made in it. */
static u64 own_cgroup(struct run *run)
{
	if (!run->task.cgroup_id)
		run->task.cgroup_id = os_cgroup_id(-1);
	return run->task.cgroup_id;
}

static u64 ancestor_id(s32 level) { return level < 0 ? 0 : os_cgroup_id(level); }

/* In slot R2 of R1, a CGROUP_ARRAY? */
static s64 under_slot(u64 map, u64 index)
{
	const struct map *m = call_ptr(map);
	s64 id = map_cgroup_slot(m, (u32)index);
	char path[PATH_MAX];

	if (id <= 0)
		return id ? -E2BIG : -EAGAIN;
	return os_cgroup_of_thread((u32)os_pid_tgid(), path, sizeof(path)) &&
	       path_under(path, (u64)id);
}

HELPER_BODY(call_task_under_cgroup_array) { return call_error((int)under_slot(r1, r2)); }

static bool has_full_sock(const struct run *run, u64 at)
{
	const struct sock *s = sock_at(run, at);

	return s && sock_is_full(s);
}

HELPER_BODY(call_skb_under_cgroup)
{
	if (!has_full_sock(run, run->skb.sk))
		return call_error(-ENOENT);
	return call_error((int)under_slot(r2, r3));
}

HELPER_BODY(call_skb_cgroup_id)
{
	return has_full_sock(run, run->skb.sk) ? own_cgroup(run) : 0;
}

HELPER_BODY(call_skb_ancestor_cgroup_id)
{
	return has_full_sock(run, run->skb.sk) ? ancestor_id((s32)r2) : 0;
}

HELPER_BODY(call_sk_cgroup_id) { return has_full_sock(run, r1) ? own_cgroup(run) : 0; }

HELPER_BODY(call_sk_ancestor_cgroup_id)
{
	return has_full_sock(run, r1) ? ancestor_id((s32)r2) : 0;
}

/* ---- storages ------------------------------------------------------------------------- */

static u64 value_of(struct run *run, u64 map, const struct map_owner *o, u64 init, u64 flags)
{
	if (!o || flags & ~(u64)GET_CREATE)
		return 0;
	return (uintptr_t)map_owner_value(call_ptr(map), o, call_ptr(init), flags & GET_CREATE,
					  run->cpu);
}

static u64 value_gone(struct run *run, u64 map, const struct map_owner *o)
{
	return call_error(o ? map_owner_remove(call_ptr(map), o, run->cpu) : -EINVAL);
}

HELPER_BODY(call_task_storage_get)
{
	return value_of(run, r1, object_owner(run, r2, LENT_TASK), r3, r4);
}

HELPER_BODY(call_task_storage_delete)
{
	return value_gone(run, r1, object_owner(run, r2, LENT_TASK));
}

HELPER_BODY(call_cgrp_storage_get)
{
	return value_of(run, r1, object_owner(run, r2, LENT_CGROUP), r3, r4);
}

HELPER_BODY(call_cgrp_storage_delete)
{
	return value_gone(run, r1, object_owner(run, r2, LENT_CGROUP));
}

/* The socket at AT that has all its fields: by its number from 1, and the packet's own by
 * its cookie. False: there is none. */
static bool sock_owner(const struct run *run, u64 at, struct map_owner *o)
{
	const struct sock *s = sock_at(run, at);

	if (!s || !sock_is_full(s))
		return false;
	if (s == run->skb_sock)
		*o = (struct map_owner){ run->owner.socket_cookie, 1 };
	else
		*o = (struct map_owner){ (u64)(s - run->socks->v) + 1, 0 };
	return true;
}

HELPER_BODY(call_sk_storage_get)
{
	struct map_owner o;

	return value_of(run, r1, sock_owner(run, r2, &o) ? &o : NULL, r3, r4);
}

HELPER_BODY(call_sk_storage_delete)
{
	struct map_owner o;

	return value_gone(run, r1, sock_owner(run, r2, &o) ? &o : NULL);
}

/* That of this process's cgroup, which all programs are attached to in one way. */
HELPER_BODY(call_local_storage)
{
	struct map_owner o = { 0 };

	/* each time, as others may have asked before who are recorded by their answers */
	if (!tape_knows(run->tape, TAPE_CGROUP, &o.id, sizeof(o.id))) {
		o.id = own_cgroup(run);
		tape_note(run->tape, TAPE_CGROUP, &o.id, sizeof(o.id));
	}
	return (uintptr_t)map_owner_value(call_ptr(r1), &o, NULL, true, run->cpu);
}
