/* SPDX-License-Identifier: BSD-2-Clause */
/* loop.c: helpers that call the program back. */
#include "call/bodies.h"
#include "base/os.h"
#include "maps/map.h"
#include <stdlib.h>

enum { LOOPS_MAX = 8 << 20, KEY_ON_STACK = 64 };

HELPER_BODY(call_loop)
{
	u32 nr = (u32)r1, i = 0;
	u64 stop = 0;

	if (r4)
		return call_error(-EINVAL);
	/* 32 bits: the kernel puts the loop into the program where flags are a
	   constant 0, and has the error in a 32-bit register there */
	if (nr > LOOPS_MAX)
		return (u32)-E2BIG;
	while (i < nr && !stop && !run->stop) {
		u64 args[5] = { i++, r3 };

		stop = run->callback(run, r2, args);
	}
	return i;
}

static u64 each_elem(struct map *m, u64 func, u64 ctx, u8 *key, struct run *run)
{
	u64 pos = 0, n = 0, stop = 0;
	void *value;

	while (!stop && !run->stop &&
	       m->ops->walk(m, &pos, key, &value, run->cpu)) {
		u64 args[5] = { (uintptr_t)m, (uintptr_t)key, (uintptr_t)value, ctx };

		n++;
		stop = run->callback(run, func, args);
	}
	return n;
}

/* The callback gets a copy of the key: it may delete the element. */
HELPER_BODY(call_for_each)
{
	struct map *m = call_ptr(r1);
	const u8 *outer = run->key;
	u32 outer_bytes = run->key_bytes;
	u64 near[KEY_ON_STACK / 8], n;
	u8 *key = (u8 *)near;

	if (r4 || !m->ops->walk)
		return call_error(-EINVAL);
	if (m->key_size > KEY_ON_STACK)
		key = mem_alloc(m->key_size);
	run->key = key;
	run->key_bytes = m->key_size;
	n = each_elem(m, r2, r3, key, run);
	run->key = outer;
	run->key_bytes = outer_bytes;
	if (key != (u8 *)near)
		free(key);
	return n;
}
