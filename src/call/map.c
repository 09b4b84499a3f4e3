/* SPDX-License-Identifier: BSD-2-Clause */
/* map.c: helpers on maps and on the locks inside their values. */
#include "call/bodies.h"
#include "maps/map.h"

HELPER_BODY(call_map_lookup)
{
	struct map *m = call_ptr(r1);

	return (uintptr_t)m->ops->lookup(m, call_ptr(r2), run->cpu);
}

HELPER_BODY(call_map_lookup_percpu)
{
	return (uintptr_t)map_lookup_cpu(call_ptr(r1), call_ptr(r2), (u32)r3);
}

HELPER_BODY(call_map_update)
{
	struct map *m = call_ptr(r1);

	return call_error(m->ops->update(m, call_ptr(r2), call_ptr(r3), r4,
					 run->cpu));
}

HELPER_BODY(call_map_delete)
{
	struct map *m = call_ptr(r1);

	return call_error(m->ops->remove(m, call_ptr(r2), run->cpu));
}

HELPER_BODY(call_spin_lock)
{
	map_spin_lock(call_ptr(r1), run->cpu);
	return 0;
}

HELPER_BODY(call_spin_unlock)
{
	map_spin_unlock(call_ptr(r1));
	return 0;
}
