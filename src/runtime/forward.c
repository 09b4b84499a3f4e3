/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forward.c: where packets go from a program, beyond one verdict: copies that
 * it sent on its way, broadcasts to all devices of a map, and the second
 * programs that devmaps and cpumaps run on what is redirected to them, as Linux
 * 6.18 does. A second program sees the packet as the first one left it.
 */
#include "runtime/private.h"
#include <stdlib.h>

enum {
	COPIES_MAX = 1 << 16,
	COPIES_BYTES_MAX = 64 << 20,
	HOPS_MAX = 16,		/* from one cpumap's program to the next */
};

/* The value of a devmap or cpumap. */
struct target {
	u32 what;		/* ifindex, or queue size */
	u32 prog;		/* 1 + number of the second program; 0 = none */
};

/* ---- copies ------------------------------------------------------------------- */

void forward_reset(struct seat *s)
{
	for (size_t i = 0; i < s->copies.v.n; i++)
		free(s->copies.v.v[i].data);
	s->copies.v.n = 0;
	s->copies.bytes = 0;
}

int forward_copy(struct seat *s, u32 verdict, u32 ifindex)
{
	const struct packet_buf *p = &s->run.pkt;
	u32 bytes = packet_bytes(p);
	struct test_copy c = { .verdict = verdict, .ifindex = ifindex, .bytes = bytes };

	if (s->copies.v.n >= COPIES_MAX || s->copies.bytes + bytes > COPIES_BYTES_MAX)
		return -ENOMEM;
	c.data = mem_alloc(bytes + 1);
	memcpy(c.data, p->data, bytes);
	s->copies.bytes += bytes;
	*vec_push(&s->copies.v) = c;
	return 0;
}

static int forward_to(struct seat *s, u32 verdict, u32 ifindex, struct skep_err *err)
{
	if (!forward_copy(s, verdict, ifindex))
		return 0;
	return err_set(err, ERR_BUDGET, NULL, "a packet is redirected to more than %d places, or "
		       "to more than %d bytes in all", COPIES_MAX, COPIES_BYTES_MAX);
}

/* ---- second programs ------------------------------------------------------------- */

static struct target target_in(const struct map *m, const void *value)
{
	struct target t = { 0 };

	memcpy(&t, value, min_u64(m->value_size, sizeof(t)));
	return t;
}

static const struct runtime_prog *second(const struct seat *s, struct target t)
{
	return t.prog && t.prog <= s->rt->progs.n ? s->rt->progs.v[t.prog - 1] : NULL;
}

bool forward_wanted(const struct seat *s, u32 verdict)
{
	const struct redirect *to = &s->run.redirect;
	const void *value;

	if (likely(verdict != XDP_REDIRECT || !to->map || to->map_type == BPF_MAP_TYPE_XSKMAP))
		return false;
	if (to->flags & BPF_F_BROADCAST || to->map_type == BPF_MAP_TYPE_CPUMAP)
		return true;
	value = to->map->ops->lookup(to->map, &to->key, s->run.cpu);
	return value && second(s, target_in(to->map, value));
}

/* Out of device T, through its program. */
static int to_device(struct seat *s, struct target t, u64 budget, struct skep_err *err)
{
	const struct runtime_prog *p = second(s, t);
	u32 ret = XDP_PASS;
	int r = 0;

	s->run.xdp.egress_ifindex = t.what;
	if (p)
		r = runtime_exec(s, p, budget, &ret, err);
	s->run.xdp.egress_ifindex = 0;
	if (r)
		return r;
	return ret == XDP_PASS ? forward_to(s, XDP_REDIRECT, t.what, err) :
				 forward_to(s, ret == XDP_DROP ? ret : XDP_ABORTED, t.what, err);
}

/* The packet as it was before, at the same place. */
struct saved {
	struct packet_buf at;
	u8 *bytes;
};

static struct saved save(const struct seat *s)
{
	struct saved was = { .at = s->run.pkt };
	u64 n = packet_bytes(&was.at);

	was.bytes = mem_alloc(n + 1);
	memcpy(was.bytes, was.at.data, n);
	return was;
}

static void restore(struct seat *s, const struct saved *was)
{
	s->run.pkt = was->at;
	memcpy(was->at.data, was->bytes, packet_bytes(&was->at));
}

static int to_all(struct seat *s, struct redirect to, u64 budget, struct skep_err *err)
{
	u32 key, *at = NULL, in = s->run.xdp.ingress_ifindex;
	struct saved was = save(s);
	int r = 0;

	while (!r && !to.map->ops->next_key(to.map, at, &key)) {
		const void *value = to.map->ops->lookup(to.map, &key, s->run.cpu);
		struct target t = { 0 };

		at = &key;
		if (value)
			t = target_in(to.map, value);
		if (t.what && !(to.flags & BPF_F_EXCLUDE_INGRESS && t.what == in))
			r = to_device(s, t, budget, err);
		restore(s, &was);
	}
	free(was.bytes);
	return r;
}

static int to_map(struct seat *s, struct redirect to, u64 budget, struct skep_err *err)
{
	const void *value;

	if (to.flags & BPF_F_BROADCAST)
		return to_all(s, to, budget, err);
	value = to.map->ops->lookup(to.map, &to.key, s->run.cpu);
	return value ? to_device(s, target_in(to.map, value), budget, err) : 0;
}

/* On another cpu, through the map's program; *AGAIN: that one redirects to a map. */
static int to_cpu(struct seat *s, struct redirect to, u64 budget, bool *again,
		  struct skep_err *err)
{
	const void *value = to.map->ops->lookup(to.map, &to.key, s->run.cpu);
	const struct runtime_prog *p = value ? second(s, target_in(to.map, value)) : NULL;
	struct run *run = &s->run;
	u32 ret = XDP_PASS, own = run->cpu;
	bool borrowed;
	int r;

	if (!value || !p)
		return value ? forward_to(s, XDP_PASS, 0, err) : 0;
	borrowed = to.key != run->cpu && runtime_cpu_borrow(s->rt, to.key);
	if (borrowed)		/* else some thread has that cpu: on this one */
		run->cpu = to.key;
	run->xdp.rx_queue_index = 0;
	run->xdp.redirect_ifindex = 0;
	run->redirect.map = NULL;
	r = runtime_exec(s, p, budget, &ret, err);
	if (borrowed) {
		runtime_cpu_return(s->rt, to.key);
		run->cpu = own;
	}
	if (r)
		return r;
	*again = ret == XDP_REDIRECT && run->redirect.map;
	if (*again)
		return 0;
	if (ret > XDP_REDIRECT || ret == XDP_TX)	/* there is no way back from here */
		ret = XDP_ABORTED;
	return forward_to(s, ret, run->xdp.redirect_ifindex, err);
}

int forward_redirect(struct seat *s, u64 budget, struct skep_err *err)
{
	const struct xdp_view view = s->run.xdp;
	struct saved was = save(s);
	u32 cpu = s->run.cpu;
	bool again = true;
	int r = 0;

	s->forwards = true;
	for (u32 hops = 0; !r && again; hops++) {
		struct redirect to = s->run.redirect;

		again = false;
		if (hops == HOPS_MAX)
			r = err_set(err, ERR_BUDGET, NULL, "the programs of cpumap '%s' redirect "
				    "to each other without end", to.map->name);
		else if (to.map_type == BPF_MAP_TYPE_CPUMAP)
			r = to_cpu(s, to, budget, &again, err);
		else if (to.map_type != BPF_MAP_TYPE_XSKMAP)
			r = to_map(s, to, budget, err);
	}
	restore(s, &was);
	free(was.bytes);
	s->forwards = false;
	s->run.xdp = view;
	s->run.cpu = cpu;
	return r;
}
