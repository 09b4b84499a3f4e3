/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * share_member.c: who has a pinned file open, what a dead one left, and whose cpus are.
 *
 * Every lock in the area names a member. Who waits for one long asks whether that
 * member lives, which the lock of its byte tells: the system gives it up however a
 * process ends, in any name space, and a copy of the file has no members at all. A
 * dead member is buried once, by whoever meets it first, with all that it holds.
 */
#include "maps/share_in.h"
#include "base/os.h"

enum { LOCK_JOIN = 0 };		/* byte 0; a member's byte is its number */

/* Around changes of who takes part, against other processes and threads. */
static void members_lock(struct share *sh)
{
	lock_take(&sh->mutex, 1);
	os_shared_lock(sh->fd, LOCK_JOIN, true);
}

static void members_unlock(struct share *sh)
{
	os_shared_unlock(sh->fd, LOCK_JOIN);
	lock_drop(&sh->mutex);
}

static u64 pid_space(void)
{
	u64 dev, ino;

	return os_pid_ns(&dev, &ino) ? ino : 0;
}

static bool is_alive(const struct share *sh, u32 member)
{
	const struct share_member *who;
	u64 space;

	if (member == sh->me)
		return true;
	if (!member || member > SHARE_MEMBERS || !os_shared_locked(sh->fd, member))
		return false;
	who = &sh->state->members[member];
	space = load_relaxed(&who->pid_ns);
	return !load_relaxed(&who->pid) || !space || space != pid_space() ||
	       os_process_lives(load_relaxed(&who->pid));
}

/* ---- the dead -------------------------------------------------------------------- */

/* Its lock of the head, under which the map may be half changed. */
static void bury_head(struct map *m, u32 member)
{
	u32 *lock = &area_head(m)->lock, was = member;

	if (!__atomic_compare_exchange_n(lock, &was, m->owner, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return;
	if (m->ops->mend)
		m->ops->mend(m);
	lock_drop(lock);
}

static void adopt_cpus(struct map *m, u32 member)
{
	struct share *sh = m->share;

	for (u32 i = 0; m->ops->adopt && i < sh->cpus; i++)
		if (load_relaxed(&sh->state->cpus[i]) == member)
			m->ops->adopt(m, i);
}

static void bury_cpus(struct share *sh, u32 member)
{
	for (u32 i = 0; i < sh->cpus; i++)
		if (load_relaxed(&sh->state->cpus[i]) == member)
			store_release(&sh->state->cpus[i], 0);
}

/* Under the lock of byte 0. */
static void watch(struct share_state *state, u32 member, bool on)
{
	u32 bit = 1u << member % 32, *word = &state->watchers[member / 32 % 8], any = 0;

	store_relaxed(word, on ? load_relaxed(word) | bit : load_relaxed(word) & ~bit);
	for (u32 i = 0; i < ARRAY_LEN(state->watchers); i++)
		any |= load_relaxed(&state->watchers[i]);
	store_relaxed(&state->watched, any != 0);
}

int share_watch(struct map *m, bool on)
{
	struct share *sh = m->share;

	members_lock(sh);
	watch(sh->state, sh->me, on);
	members_unlock(sh);
	return share_torn(m) ? -EIO : 0;
}

/* May be done again when who does it dies on the way. Cpus are adopted while all locks
 * still are as they were left: so nobody has changed what they protect. */
static void bury(struct map *m, u32 member)
{
	adopt_cpus(m, member);
	if (m->ops->bury)
		m->ops->bury(m, member);
	bury_head(m, member);
	bury_cpus(m->share, member);
	watch(m->share->state, member, false);
	if (member <= SHARE_MEMBERS)
		store_release(&m->share->state->members[member].used, 0);
}

void share_dead(const struct map *m, u32 member)
{
	struct share *sh = m->share;

	if (!member || is_alive(sh, member))
		return;
	members_lock(sh);
	if (!is_alive(sh, member)) {
		store_relaxed(&sh->state->dirty, 1);
		bury((struct map *)(uintptr_t)m, member);
	}
	members_unlock(sh);
}

bool share_is_dead(const struct map *m, u32 member)
{
	return m->share && !is_alive(m->share, member);
}

/* ---- joining ---------------------------------------------------------------------- */

/* A number that nobody has, and its byte's lock; 0: all are taken. */
static u32 member_take(struct share *sh)
{
	for (u32 i = 1; i <= SHARE_MEMBERS; i++)
		if (os_shared_lock(sh->fd, i, false))
			return i;
	return 0;
}

/* Buries the dead; how many others live. What is to be swept then is so even when who
 * buries them dies, too. */
static u32 bury_all(struct map *m)
{
	struct share *sh = m->share;
	u32 alive = 0;

	for (u32 i = 1; i <= SHARE_MEMBERS; i++) {
		bool mine = i == sh->me;

		if (!load_relaxed(&sh->state->members[i].used))
			continue;
		if (!mine && is_alive(sh, i)) {
			alive++;
			continue;
		}
		store_relaxed(&sh->state->dirty, 1);
		bury(m, i);
	}
	return alive;
}

/* Locks that name who joins now are nobody's, in whatever file. */
static void put_in_order(struct map *m)
{
	struct share_state *state = m->share->state;

	if (bury_all(m))
		return;
	bury(m, m->share->me);
	if (m->ops->sweep && load_relaxed(&state->dirty))
		m->ops->sweep(m);
	store_release(&state->dirty, 0);
}

int share_join(struct map *m, struct skep_err *err)
{
	struct share *sh = m->share;
	struct share_member *who;

	members_lock(sh);
	sh->me = m->owner = member_take(sh);
	if (sh->me) {
		put_in_order(m);
		who = &sh->state->members[sh->me];
		store_relaxed(&who->pid, sh->pid);
		store_relaxed(&who->pid_ns, pid_space());
		store_release(&who->used, 1);
	}
	members_unlock(sh);
	if (sh->me)
		return 0;
	return err_set(err, ERR_SHARE_MEMBERS, sh->path, "%d others have this map open, and there "
		       "is no room for more (EAGAIN)", SHARE_MEMBERS);
}

void share_leave(struct map *m)
{
	struct share *sh = m->share;

	if (!sh->me || sh->pid != os_pid())
		return;
	members_lock(sh);
	for (u32 i = 0; i < sh->cpus; i++)
		if (load_relaxed(&sh->state->cpus[i]) == sh->me)
			store_release(&sh->state->cpus[i], 0);
	watch(sh->state, sh->me, false);
	store_release(&sh->state->members[sh->me].used, 0);
	os_shared_unlock(sh->fd, sh->me);
	members_unlock(sh);
}

/* ---- cpus ------------------------------------------------------------------------- */

static bool cpu_take(struct map *m, u32 cpu)
{
	struct share *sh = m->share;
	u32 *word = &sh->state->cpus[cpu], owner = load_relaxed(word);

	if (owner && owner != sh->me && is_alive(sh, owner))
		return false;
	if (owner && owner != sh->me) {
		store_relaxed(&sh->state->dirty, 1);
		bury(m, owner);
	}
	store_release(word, sh->me);
	return true;
}

bool share_cpu(struct map *m, u32 cpu)
{
	struct share *sh = m->share;
	bool ours;

	if (cpu >= sh->cpus)
		return false;
	if (load_relaxed(&sh->state->cpus[cpu]) == sh->me)
		return true;
	members_lock(sh);
	ours = cpu_take(m, cpu);
	members_unlock(sh);
	return ours;
}

void share_cpu_drop(struct map *m, u32 cpu)
{
	struct share *sh = m->share;

	if (cpu < sh->cpus && load_relaxed(&sh->state->cpus[cpu]) == sh->me)
		store_release(&sh->state->cpus[cpu], 0);
}

u32 share_users(const struct map *m)
{
	const struct share *sh = m->share;
	u32 n = 0;

	for (u32 i = 1; sh && i <= SHARE_MEMBERS; i++)
		n += i != sh->me && load_relaxed(&sh->state->members[i].used) && is_alive(sh, i);
	return n;
}
