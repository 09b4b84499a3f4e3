/* SPDX-License-Identifier: BSD-2-Clause */
/* map.c: helpers on maps and on the locks inside their values. */
#include "call/sock.h"
#include "maps/map.h"

HELPER_BODY(call_map_lookup)
{
	struct map *m = call_ptr(r1);

	if (unlikely(m->socks))
		return sock_acquired(run, m->ops->lookup(m, call_ptr(r2), run->cpu));
	if (map_watched(m))
		return (uintptr_t)map_count_lookup(m, call_ptr(r2), run->cpu);
	return (uintptr_t)m->look(m, call_ptr(r2), run->cpu);
}

HELPER_BODY(call_map_lookup_percpu)
{
	struct map *m = call_ptr(r1);
	void *v = map_lookup_cpu(m, call_ptr(r2), (u32)r3);

	if (map_watched(m))
		map_count(m, run->cpu, v ? MAP_FOUND : MAP_MISSED);
	return (uintptr_t)v;
}

/* The value of a map of sockets; a map that is watched. */
static __attribute__((noinline)) HELPER_BODY(update_more)
{
	struct map *m = call_ptr(r1);

	if (m->socks) {
		struct sock *s = sock_at(run, r3);

		return call_error(s ? map_sock_put(m, call_ptr(r2), s, r4) : -EINVAL);
	}
	map_count(m, run->cpu, MAP_UPDATED);
	return (u64)m->ops->update(m, call_ptr(r2), call_ptr(r3), r4, run->cpu);
}

/* Without a stack of its own, but for what is rare. */
HELPER_BODY(call_map_update)
{
	struct map *m = call_ptr(r1);

	if (unlikely(m->socks) || map_watched(m))
		return update_more(r1, r2, r3, r4, r5, run);
	return (u64)m->ops->update(m, call_ptr(r2), call_ptr(r3), r4, run->cpu);
}

HELPER_BODY(call_map_delete)
{
	struct map *m = call_ptr(r1);

	if (map_watched(m))
		map_count(m, run->cpu, MAP_DELETED);
	return call_error(m->ops->remove(m, call_ptr(r2), run->cpu));
}

HELPER_BODY(call_map_push)
{
	struct map *m = call_ptr(r1);

	if (map_watched(m))
		map_count(m, run->cpu, MAP_UPDATED);
	return call_error(m->ops->push(m, call_ptr(r2), r3, run->cpu));
}

HELPER_BODY(call_map_pop)
{
	struct map *m = call_ptr(r1);

	int r = m->ops->pop(m, call_ptr(r2), run->cpu);

	if (map_watched(m)) {
		map_count(m, run->cpu, r ? MAP_MISSED : MAP_FOUND);
		if (!r)
			map_count(m, run->cpu, MAP_DELETED);
	}
	return call_error(r);
}

HELPER_BODY(call_map_peek)
{
	struct map *m = call_ptr(r1);

	int r = m->ops->peek(m, call_ptr(r2), run->cpu);

	if (map_watched(m))
		map_count(m, run->cpu, r ? MAP_MISSED : MAP_FOUND);
	return call_error(r);
}

/* ---- where packets go ------------------------------------------------------------ */

enum { VERDICT_MASK = 3 };	/* of the flags: the answer when KEY is not there */

static bool is_devices(const struct map *m)
{
	return m->type == BPF_MAP_TYPE_DEVMAP || m->type == BPF_MAP_TYPE_DEVMAP_HASH;
}

HELPER_BODY(call_redirect_map)
{
	struct map *m = call_ptr(r1);
	u64 more = is_devices(m) ? BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS : 0;
	u32 key = (u32)r2, *value, ifindex = 0;
	bool all = r3 & more & BPF_F_BROADCAST;

	if (r3 & ~(VERDICT_MASK | more))
		return XDP_ABORTED;
	value = map_watched(m) ? map_count_lookup(m, &key, run->cpu) :
				 m->ops->lookup(m, &key, run->cpu);
	if (!value && !all) {
		run->redirect.map = NULL;
		return r3 & VERDICT_MASK;
	}
	if (is_devices(m) && !all)
		memcpy(&ifindex, value, sizeof(ifindex));
	run->redirect = (struct redirect){ .map = m, .map_type = m->type, .key = key,
		.ifindex = ifindex, .flags = (u32)(r3 & more) };
	run->xdp.redirect_ifindex = ifindex;
	return XDP_REDIRECT;
}

/* ---- locks ----------------------------------------------------------------------- */

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
