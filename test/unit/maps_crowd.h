/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * maps_crowd.h: eight threads at once on a map, two of them as user space, six as cpus.
 */
#ifndef TEST_MAPS_CROWD_H
#define TEST_MAPS_CROWD_H

#include "maps/area.h"
#include "base/os.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#ifdef __SANITIZE_THREAD__
enum { STEPS = 20000 };
#else
enum { STEPS = 200000 };	/* what is wrong shows where a thread loses its cpu */
#endif
enum { THREADS = 8, CPUS = 6 };

struct crowd {
	struct map *m;
	u64 (*step)(struct crowd *c, u64 x, u32 cpu);	/* 1 = something wrong */
	u64 keys;
	u64 steps;
	u64 in, out;		/* sums of what was put in and taken out */
	u32 left;		/* members that are not done */
};

struct member {
	struct crowd *crowd;
	pthread_t thread;
	u32 cpu;
	u64 wrong;
};

static void *member_run(void *arg)
{
	struct member *me = arg;
	u64 x = me->cpu + 1, steps = me->crowd->steps ? me->crowd->steps : STEPS;

	for (u64 i = 0; i < steps; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		me->wrong += me->crowd->step(me->crowd, x >> 20, me->cpu);
		if (x >> 57 == 0)
			os_yield();
	}
	__atomic_fetch_sub(&me->crowd->left, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void crowd_run(struct crowd *c)
{
	struct member members[THREADS] = { 0 };

	c->left = THREADS;
	for (u32 i = 0; i < THREADS; i++) {
		members[i].crowd = c;
		members[i].cpu = i < CPUS ? i : MAP_USER;
		pthread_create(&members[i].thread, NULL, member_run, &members[i]);
	}
	for (u32 i = 0; i < THREADS; i++) {
		pthread_join(members[i].thread, NULL);
		assert_int_equal(members[i].wrong, 0);
	}
}

static bool made[64];	/* by type */

static struct map *make_as(struct map_attr a)
{
	struct skep_err err = { 0 };
	struct map *m;

	a.name = "m";
	if (map_create(&m, &a, CPUS, &err))
		fail_msg("%s", err.text);
	made[a.type] = true;
	return m;
}

static struct map *make(u32 type, u32 key, u32 value, u32 entries, u32 flags)
{
	return make_as((struct map_attr){ .type = type, .key_size = key, .value_size = value,
		.max_entries = entries, .map_flags = flags });
}

#endif
