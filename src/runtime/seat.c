/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seat.c: virtual cpus and the threads that have them. A thread gets the lowest free
 * one with its first run and keeps it; one whose thread is no more is given to the
 * next that asks when no other is free. What a run works with is its seat's alone,
 * so that the way of a run has no atomic operation and no fence: it says by a plain
 * store that it runs, and who wants to free what programs may look at makes all
 * threads' stores visible (membarrier) before it looks.
 */
#include "base/os.h"
#include "runtime/private.h"
#include "call/object.h"
#include "call/owner.h"
#include <inttypes.h>

_Thread_local struct last_seat runtime_last;

static u32 thread_id(void) { return (u32)os_pid_tgid(); }

void runtime_lock(struct runtime *rt) { map_spin_lock(&rt->lock, MAP_USER); }
void runtime_unlock(struct runtime *rt) { map_spin_unlock(&rt->lock); }

static struct seat *seat_of(const struct runtime *rt, u32 i)
{
	return __atomic_load_n(&rt->seats[i], __ATOMIC_ACQUIRE);
}

/* Below each seat, and so its run, lies the table of code that was compiled before. */
static size_t table_bytes(const struct runtime *rt)
{
	return rt->opts.aot ? round_up(rt->opts.aot->nr_refs * sizeof(u64), 64) : 0;
}

static void fill_table(const struct runtime *rt, struct seat *s)
{
	u32 n = rt->opts.aot ? rt->opts.aot->nr_refs : 0;

	if (n)
		memcpy((u8 *)s - n * sizeof(u64), rt->table, n * sizeof(u64));
}

/* The seat of cpu I, made when somebody first takes it. */
static struct seat *seat_at(struct runtime *rt, u32 i)
{
	struct seat *s = rt->seats[i];

	if (s)
		return s;
	s = (struct seat *)((u8 *)mem_alloc(table_bytes(rt) + sizeof(*s)) + table_bytes(rt));
	s->rt = rt;
	s->run = rt->run;
	s->run.cpu = i;
	s->run.rand = rt->run.rand ^ i * 0x9e3779b97f4a7c15u;
	s->machine = vm_machine_new();
	__atomic_store_n(&rt->seats[i], s, __ATOMIC_RELEASE);
	return s;
}

/* The cpu of thread ID, or one that it may have; rt->opts.cpus: none. */
static u32 seat_find(struct runtime *rt, u32 id)
{
	u32 none = rt->opts.cpus, free = none;

	for (u32 i = 0; i < rt->opts.cpus; i++) {
		u32 owner = rt->owners[i];

		if (owner == id && runtime_cpu_shared(rt, i))
			return i;
		if (owner == id)	/* a map was opened where another process has it */
			rt->owners[i] = 0;
		else if (!owner && free == none && runtime_cpu_shared(rt, i))
			free = i;
	}
	for (u32 i = 0; free == none && i < rt->opts.cpus; i++)
		if (rt->owners[i] && rt->owners[i] != SEAT_LENT &&
		    !os_thread_lives(rt->owners[i]) && runtime_cpu_shared(rt, i))
			free = i;
	return free;
}

/* What was loaded since the seat's last run. */
static int seat_refresh(struct runtime *rt, struct seat *s, struct skep_err *err)
{
	s->version = rt->version;
	s->run.btf = rt->run.btf;
	s->run.inner_map = rt->run.inner_map;
	s->run.inner_at = rt->run.inner_at;
	s->run.timers = rt->run.timers;
	s->run.objects = rt->run.objects;
	s->run.held_at = rt->run.held_at;
	s->run.alone = rt->files ? NULL : os_single_threaded();
	fill_table(rt, s);
	if (s->buffer_bytes >= rt->buffer_bytes)
		return 0;
	os_unmap(s->buffer, s->buffer_bytes);
	s->buffer = os_map_lazy(rt->buffer_bytes);
	s->buffer_bytes = s->buffer ? rt->buffer_bytes : 0;
	if (s->buffer)
		return 0;
	s->version--;
	return err_set(err, ERR_NO_MEM, NULL, "no memory for a packet buffer of %" PRIu64 " bytes",
		       rt->buffer_bytes);
}

static int seat_take(struct runtime *rt, struct seat **out, struct skep_err *err)
{
	u32 id = thread_id(), i = seat_find(rt, id);

	if (i == rt->opts.cpus) {
		rt->refused++;
		err_set(err, ERR_THREADS, NULL, "all %u cpus of the engine are taken by other "
			"threads%s (%" PRIu64 " runs were refused)", rt->opts.cpus,
			rt->shared ? " and processes" : "", rt->refused);
		return -EAGAIN;
	}
	if (!rt->run.objects)
		objects_open(&rt->run);
	*out = seat_at(rt, i);
	if (rt->owners[i] != id)
		owner_task_changed(&(*out)->run);
	rt->owners[i] = id;
	return seat_refresh(rt, *out, err);
}

int runtime_seat_slow(struct runtime *rt, struct seat **out, struct skep_err *err)
{
	int r;

	runtime_lock(rt);
	r = seat_take(rt, out, err);
	runtime_unlock(rt);
	runtime_last.rt = r ? NULL : rt;
	runtime_last.serial = rt->serial;
	runtime_last.seat = r ? NULL : *out;
	return r;
}

static int nested(struct skep_err *err)
{
	return err_set(err, ERR_NESTED, NULL, "a program is running on this thread, and has called "
		       "what was to run another");
}

int runtime_seat_run(struct runtime *rt, struct seat **out, struct skep_err *err)
{
	int r = runtime_seat(rt, out, err);

	if (unlikely(r))
		return r;
	if (unlikely(run_under_way(*out)))
		return nested(err);
	runtime_single.ticket = runtime_single.plain = 0;
	return 0;
}

bool runtime_cpu_borrow(struct runtime *rt, u32 cpu)
{
	bool free;

	runtime_lock(rt);
	free = cpu < rt->opts.cpus && !rt->owners[cpu] && runtime_cpu_shared(rt, cpu);
	if (free)
		rt->owners[cpu] = SEAT_LENT;
	runtime_unlock(rt);
	return free;
}

void runtime_cpu_return(struct runtime *rt, u32 cpu)
{
	runtime_lock(rt);
	rt->owners[cpu] = 0;
	runtime_cpu_unshare(rt, cpu);
	runtime_unlock(rt);
}

/* Makes visible what other threads stored when their runs began. */
static bool see_others(const struct runtime *rt)
{
	u32 others = 0;

	for (u32 i = 0; i < rt->opts.cpus; i++)
		others += seat_of(rt, i) && seat_of(rt, i) != runtime_last.seat;
	return !others || os_membarrier();
}

/* Cpu I has a seat with a program that runs. */
static bool runs(const struct runtime *rt, u32 i)
{
	const struct seat *s = seat_of(rt, i);

	return s && __atomic_load_n(&s->run.turn.on, __ATOMIC_ACQUIRE);
}

bool runtime_idle(const struct runtime *rt)
{
	if (!see_others(rt))
		return false;
	for (u32 i = 0; i < rt->opts.cpus; i++)
		if (runs(rt, i))
			return false;
	return true;
}

/* Of each cpu: was a run under way? Should that end before it is asked, the next one counts
 * for it. One at a time may ask. */
bool runtime_sections_mark(void *arg, u64 *seen)
{
	const struct runtime *rt = arg;

	if (!see_others(rt))
		return false;
	for (u32 i = 0; i < rt->opts.cpus; i++) {
		seen[i] = runs(rt, i);
		if (seen[i])
			__atomic_store_n(&seat_of(rt, i)->run.turn.asked, 1, __ATOMIC_RELAXED);
	}
	return true;
}

bool runtime_sections_left(void *arg, const u64 *seen)
{
	const struct runtime *rt = arg;

	for (u32 i = 0; i < rt->opts.cpus; i++)
		if (seen[i] && runs(rt, i) &&
		    __atomic_load_n(&seat_of(rt, i)->run.turn.asked, __ATOMIC_ACQUIRE))
			return false;
	return true;
}

void runtime_seats_open(struct runtime *rt)
{
	rt->serial = os_clock_ns() ^ (uintptr_t)rt;
	rt->seats = mem_alloc(rt->opts.cpus * sizeof(struct seat *));
	rt->owners = mem_alloc(rt->opts.cpus * sizeof(*rt->owners));
	if (rt->opts.aot)
		rt->table = mem_alloc(rt->opts.aot->nr_refs * sizeof(u64));
}

void runtime_seats_free(struct runtime *rt)
{
	for (u32 i = 0; i < rt->opts.cpus; i++) {
		struct seat *s = rt->seats[i];

		if (!s)
			continue;
		forward_reset(s);
		vec_free(&s->copies.v);
		vm_machine_free(s->machine);
		os_unmap(s->buffer, s->buffer_bytes);
		free((u8 *)s - table_bytes(rt));
	}
	free(rt->seats);
	free(rt->owners);
	free(rt->table);
}
