/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timer.c: bpf_timer helpers, and the timers that wait, in a heap: the earliest
 * first, those of one moment in the order of their starts. Work (bpf_wq) is a timer that
 * is due when it starts.
 */
#include "call/timer.h"
#include "base/os.h"
#include "base/vec.h"
#include "call/bodies.h"
#include "maps/map.h"
#include <linux/bpf.h>
#include <time.h>

enum {
	TIMERS_MAX = 4 << 20,
	TIMER_ABS = 1, TIMER_CPU_PIN = 2,	/* flags: 6.4, 6.7 */
};

struct timer {
	struct map *map;	/* NULL: not in use */
	u8 *place;		/* the struct bpf_timer that holds the handle */
	u64 func;		/* 0: not set yet */
	u64 at, seq;
	u32 gen;		/* changes with every use; upper half of the handle */
	u32 waits;		/* 1 + place in the heap; 0 = does not wait */
	s32 clock;
	u32 cancelling;		/* callbacks of others that wait for the end of its own */
	bool work;		/* of a struct bpf_wq */
};

struct timers {
	VEC(struct timer) v;
	VEC(u32) free;		/* numbers not in use */
	VEC(u32) heap;		/* numbers of those that wait */
	u64 seq;
	u32 lock;		/* of all of this */
	u32 waiting;		/* in the heap: for who has no lock */
	VEC(u64) running;	/* by cpu: handle of the one whose callback runs there */
};

struct timers *timers_new(void) { return mem_alloc(sizeof(struct timers)); }

void timers_free(struct timers *t)
{
	if (!t)
		return;
	vec_free(&t->v);
	vec_free(&t->free);
	vec_free(&t->heap);
	vec_free(&t->running);
	free(t);
}

void timers_keep(struct timers *t, keep_fn keep, void *arg)
{
	if (!t)
		return;
	keep(arg, KEEP_VEC, &t->v, sizeof(*t->v.v));
	keep(arg, KEEP_VEC, &t->free, sizeof(*t->free.v));
	keep(arg, KEEP_VEC, &t->heap, sizeof(*t->heap.v));
	keep(arg, KEEP_VEC, &t->running, sizeof(*t->running.v));
	keep(arg, KEEP_BYTES, &t->seq, sizeof(t->seq));
	keep(arg, KEEP_BYTES, &t->waiting, sizeof(t->waiting));
}

u32 timers_waiting(const struct timers *t)
{
	return __atomic_load_n(&t->waiting, __ATOMIC_RELAXED);
}

static void lock(struct timers *t) { map_spin_lock(&t->lock, MAP_USER); }

static void unlock(struct timers *t)
{
	__atomic_store_n(&t->waiting, (u32)t->heap.n, __ATOMIC_RELAXED);
	map_spin_unlock(&t->lock);
}

/* ---- the heap -------------------------------------------------------------------- */

static bool before(const struct timers *t, u32 a, u32 b)
{
	const struct timer *x = &t->v.v[a], *y = &t->v.v[b];

	return x->at != y->at ? x->at < y->at : x->seq < y->seq;
}

static void heap_put(struct timers *t, u32 place, u32 number)
{
	t->heap.v[place] = number;
	t->v.v[number].waits = place + 1;
}

static void heap_up(struct timers *t, u32 place)
{
	u32 number = t->heap.v[place];

	for (; place && before(t, number, t->heap.v[(place - 1) / 2]); place = (place - 1) / 2)
		heap_put(t, place, t->heap.v[(place - 1) / 2]);
	heap_put(t, place, number);
}

static void heap_down(struct timers *t, u32 place)
{
	u32 number = t->heap.v[place], n = (u32)t->heap.n, child;

	for (; (child = place * 2 + 1) < n; place = child) {
		child += child + 1 < n && before(t, t->heap.v[child + 1], t->heap.v[child]);
		if (!before(t, t->heap.v[child], number))
			break;
		heap_put(t, place, t->heap.v[child]);
	}
	heap_put(t, place, number);
}

/* True when it did wait. */
static bool stop(struct timers *t, struct timer *timer)
{
	u32 place = timer->waits - 1, last;

	if (!timer->waits)
		return false;
	timer->waits = 0;
	last = t->heap.v[--t->heap.n];
	if (place < t->heap.n) {
		heap_put(t, place, last);
		heap_up(t, place);
		heap_down(t, t->v.v[last].waits - 1);
	}
	return true;
}

static void start(struct timers *t, struct timer *timer, u64 at)
{
	u32 number = (u32)(timer - t->v.v);

	stop(t, timer);
	timer->at = at;
	timer->seq = t->seq++;
	*vec_push(&t->heap) = number;
	heap_up(t, (u32)t->heap.n - 1);
}

/* ---- handles ---------------------------------------------------------------------- */

static u64 handle_of(const struct timers *t, const struct timer *timer)
{
	return (u64)timer->gen << 32 | ((u64)(timer - t->v.v) + 1);
}

static struct timer *by_handle(struct timers *t, u64 handle)
{
	u32 number = (u32)handle - 1;
	struct timer *timer = t && number < t->v.n ? &t->v.v[number] : NULL;

	return timer && timer->map && timer->gen == handle >> 32 ? timer : NULL;
}

/* The timer whose handle stands at PLACE. A copy of a handle is none. */
static struct timer *timer_at(const struct run *run, u64 place)
{
	struct timer *timer;
	u64 handle;

	memcpy(&handle, call_ptr(place), sizeof(handle));
	timer = by_handle(run->timers, handle);
	return timer && timer->place == call_ptr(place) ? timer : NULL;
}

static struct timer *timer_new(struct timers *t)
{
	struct timer *timer;

	if (t->free.n)
		return &t->v.v[t->free.v[--t->free.n]];
	if (t->v.n == TIMERS_MAX)
		return NULL;
	timer = vec_push(&t->v);
	*timer = (struct timer){ 0 };
	return timer;
}

void timers_gone(void *arg, u64 handle)
{
	struct timers *t = arg;
	struct timer *timer;

	lock(t);
	timer = by_handle(t, handle);
	if (timer) {
		stop(t, timer);
		timer->map = NULL;
		*vec_push(&t->free) = (u32)(timer - t->v.v);
	}
	unlock(t);
}

/* ---- callbacks -------------------------------------------------------------------- */

static u64 *running_on(struct timers *t, u32 cpu)
{
	while (t->running.n <= cpu)
		*vec_push(&t->running) = 0;
	return &t->running.v[cpu];
}

static bool runs(const struct timers *t, u64 handle)
{
	for (size_t i = 0; i < t->running.n; i++)
		if (t->running.v[i] == handle)
			return true;
	return false;
}

void timers_done(struct timers *t, u32 cpu)
{
	lock(t);
	*running_on(t, cpu) = 0;
	unlock(t);
}

static u32 place_in(const struct map *m, bool work) { return work ? m->work_at : m->timer_at; }

/* One whose callback still runs on another cpu waits for its end, and those after
 * it with it. */
static bool take(struct timers *t, u32 cpu, u64 now, struct timer_call *call)
{
	struct timer *timer = t->heap.n ? &t->v.v[t->heap.v[0]] : NULL;

	*running_on(t, cpu) = 0;
	if (!timer || timer->at > now || runs(t, handle_of(t, timer)))
		return false;
	stop(t, timer);
	*running_on(t, cpu) = handle_of(t, timer);
	*call = (struct timer_call){
		.map = timer->map, .func = timer->func, .at = timer->at,
		.value = timer->place - (place_in(timer->map, timer->work) - 1),
	};
	return true;
}

bool timers_take(struct timers *t, u32 cpu, u64 now, struct timer_call *call)
{
	bool taken;

	lock(t);
	taken = take(t, cpu, now, call);
	unlock(t);
	return taken;
}

/* ---- helpers ------------------------------------------------------------------------ */

/* Whether PLACE is where values of M have their timer, or work. */
static bool is_place(const struct map *m, const u8 *place, bool work)
{
	struct map_mem mem = m->ops->values(m);
	u64 off = (u64)(place - mem.base);
	u32 field = place_in(m, work);

	return field && place >= mem.base && off < mem.nr * mem.stride &&
	       off % mem.stride == field - 1;
}

static s64 init(struct run *run, u64 at, u64 map, s32 clock, bool work)
{
	u8 *place = call_ptr(at);
	struct map *m = call_ptr(map);
	struct timer *timer;
	u64 handle;

	if (!is_place(m, place, work))
		return -EINVAL;
	if (timer_at(run, at))
		return -EBUSY;
	timer = timer_new(run->timers);
	if (!timer)
		return -ENOMEM;
	*timer = (struct timer){ .map = m, .place = place, .gen = timer->gen + 1,
		.clock = clock, .work = work };
	handle = handle_of(run->timers, timer);
	memcpy(place, &handle, sizeof(handle));
	return 0;
}

static s64 timer_init(struct run *run, u64 r1, u64 r2, u64 r3)
{
	if (r3 != CLOCK_MONOTONIC && r3 != CLOCK_REALTIME && r3 != CLOCK_BOOTTIME)
		return -EINVAL;
	return init(run, r1, r2, (s32)r3, false);
}

static s64 timer_set_callback(struct run *run, u64 r1, u64 r2)
{
	struct timer *timer = timer_at(run, r1);

	if (!timer)
		return -EINVAL;
	timer->func = r2;
	return 0;
}

static u64 saturate(u64 a, u64 b) { return a + b < a ? UINT64_MAX : a + b; }

/* NS of the timer's clock on the one that timers go by. */
static u64 moment(const struct run *run, const struct timer *timer, u64 ns, bool absolute)
{
	u64 now = clock_ns(run), shown = now;

	if (!absolute)
		return saturate(now, ns);
	if (timer->clock == CLOCK_BOOTTIME && !run->clock.is_virtual)
		shown = os_clock_boot_ns();
	else if (timer->clock == CLOCK_REALTIME && !run->clock.is_virtual)
		shown = os_clock_real_ns();
	return ns > shown ? saturate(now, ns - shown) : now;
}

static s64 timer_start(struct run *run, u64 r1, u64 r2, u64 r3)
{
	struct timer *timer = timer_at(run, r1);

	if (!timer || !timer->func || r3 & ~(u64)(TIMER_ABS | TIMER_CPU_PIN))
		return -EINVAL;
	start(run->timers, timer, moment(run, timer, r2, r3 & TIMER_ABS));
	return 0;
}

/* ---- work ------------------------------------------------------------------------ */

static s64 wq_init(struct run *run, u64 r1, u64 r2, u64 r3)
{
	return (u32)r3 ? -EINVAL : init(run, r1, r2, CLOCK_MONOTONIC, true);
}

static s64 wq_set_callback(struct run *run, u64 r1, u64 r2, u64 r3)
{
	return (u32)r3 ? -EINVAL : timer_set_callback(run, r1, r2);
}

/* What waits already goes on waiting where it is. */
static s64 wq_start(struct run *run, u64 r1, u64 r2)
{
	struct timer *timer = timer_at(run, r1);

	if (!timer || !timer->func || (u32)r2)
		return -EINVAL;
	if (!timer->waits)
		start(run->timers, timer, clock_ns(run));
	return 0;
}

/* ---- the end of a timer ------------------------------------------------------------ */

/* Waits for the end of the callback of HANDLE. The lock is free meanwhile. */
static void await(struct timers *t, u64 handle)
{
	while (runs(t, handle)) {
		unlock(t);
		os_yield();
		lock(t);
	}
}

/* 1 when it waited for its time. Callbacks that cancel each other's timers get a refusal,
 * not both perhaps. */
static s64 timer_cancel(struct run *run, u64 r1)
{
	struct timers *t = run->timers;
	struct timer *timer = timer_at(run, r1), *own;
	u64 mine = *running_on(t, run->cpu), handle = timer ? handle_of(t, timer) : 0;
	s64 waited;

	if (!timer)
		return -EINVAL;
	own = by_handle(t, mine);
	if (handle == mine || (own && own->cancelling))
		return -EDEADLK;
	timer->func = 0;
	timer->cancelling += mine != 0;
	waited = stop(t, timer);
	await(t, handle);
	timer = by_handle(t, handle);
	if (timer)
		timer->cancelling -= mine != 0;
	return waited;
}

/* Bodies, each one step for other threads; NULL: there are no timers at all. */
#define LOCKED(name, ...) \
	HELPER_BODY(call_ ## name) \
	{ \
		s64 r = -EINVAL; \
\
		if (!run->timers) \
			return call_error(-EINVAL); \
		lock(run->timers); \
		r = name(run, __VA_ARGS__); \
		unlock(run->timers); \
		return r < 0 ? call_error((int)r) : (u64)r; \
	}

LOCKED(timer_init, r1, r2, r3)
LOCKED(timer_set_callback, r1, r2)
LOCKED(timer_start, r1, r2, r3)
LOCKED(timer_cancel, r1)
LOCKED(wq_init, r1, r2, r3)
LOCKED(wq_set_callback, r1, r2, r3)
LOCKED(wq_start, r1, r2)
