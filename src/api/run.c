/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run.c: programs of an object that is loaded run: one packet, many, and timers. In: what
 * users ask, checked here; out: what the engine (model/backend.h) says of it.
 */
#include "api/object.h"
#include "model/sock.h"
#include "runtime/single.h"

static int run_loaded(struct skep_prog *prog, struct skep_run *run, struct skep_err *err)
{
	struct backend *b = prog->obj->backend;
	struct test_run t = {
		.data = run->data, .bytes = run->data_bytes, .ifindex = run->ifindex,
		.rx_queue = run->rx_queue, .repeat = run->repeat,
		.budget = run->budget,
		.now_ns = run->now_ns,
		.ctx_in = run->ctx_in, .ctx_in_bytes = run->ctx_in_bytes,
	};
	int r = b->ops->test_run(b, (u32)prog->loaded, &t, err);

	if (r > 0)
		return err_set(err, ERR_RUN, NULL, "programs of type %s are not asked about such "
			       "a packet", progtype_row(skep_prog_type(prog))->name);
	if (r)
		return r;
	run->retval = t.retval;
	run->data_out = t.data_out;
	run->data_out_bytes = t.bytes_out;
	run->redirect_ifindex = t.redirect_ifindex;
	run->redirect_flags = t.redirect_flags | (t.unresolved ? SKEP_NO_NEIGHBOUR : 0);
	run->tc_classid = t.tc_classid;
	run->ctx_out = t.ctx_out;
	run->ctx_out_bytes = t.ctx_out_bytes;
	run->socket_cookie = t.sock ? t.sock->cookie : 0;
	run->insns = t.insns;
	run->duration_ns = t.duration_ns;
	return 0;
}

/* Can PROG run as RUN says? */
static int check_run(const struct skep_prog *prog, const struct skep_run *run,
		     struct skep_err *err)
{
	if (!prog)
		return err_set(err, ERR_RUN, NULL, "there is no program to run (NULL)");
	if (!prog->obj->backend || prog->loaded < 0)
		return err_set(err, ERR_RUN, NULL, "program '%s' is not loaded",
			       skep_prog_name(prog));
	if (run->size != sizeof(*run))
		return err_set(err, ERR_RUN, NULL, "struct skep_run has size %zu, not %zu",
			       run->size, sizeof(*run));
	return 0;
}

/* Not as the one before. */
__attribute__((noinline))
static int run_anew(struct skep_prog *prog, struct skep_run *run, struct skep_err *err)
{
	struct backend *b;
	int r;

	err_clear(err);
	r = check_run(prog, run, err);
	if (r)
		return r;
	r = runtime_single_other(prog->ticket, run, err);
	if (r <= 0)
		return r;
	if (run->data_bytes && !run->data)
		return err_set(err, ERR_RUN, NULL, "no data, and data_bytes is %u",
			       run->data_bytes);
	b = prog->obj->backend;
	r = run->ctx_in || run->repeat > 1 || !b->ops->test_run_single ? 1 :
		b->ops->test_run_single(b, (u32)prog->loaded, run, err);
	return r > 0 ? run_loaded(prog, run, err) : r;
}

int skep_prog_run(struct skep_prog *prog, struct skep_run *run, struct skep_err *err)
{
	const struct runtime_single *q = &runtime_single;

	if (likely(prog) && likely(run->size == sizeof(*run)) &&
	    runtime_single_fits(q, prog->ticket, run))
		return runtime_single_run(q, run, err);
	return run_anew(prog, run, err);
}

_Static_assert(sizeof(struct skep_packet) == sizeof(struct test_packet) &&
	       offsetof(struct skep_packet, retval) == offsetof(struct test_packet, retval) &&
	       offsetof(struct skep_packet, left_out) == offsetof(struct test_packet, left_out),
	       "a packet is the same to users and engines");

int skep_prog_run_packets(struct skep_prog *prog, const struct skep_run *run,
			  struct skep_packet *packets, size_t *n, struct skep_err *err)
{
	struct test_run t = { 0 };
	size_t done = 0;
	int r;

	err_clear(err);
	r = check_run(prog, run, err);
	if (!r) {
		t.ifindex = run->ifindex;
		t.rx_queue = run->rx_queue;
		t.budget = run->budget;
		t.now_ns = run->now_ns;
	}
	while (!r && done < *n) {
		struct backend *b = prog->obj->backend;
		u32 nr = (u32)min_u64(*n - done, UINT32_MAX);

		r = b->ops->test_run_batch(b, (u32)prog->loaded, &t,
					   (struct test_packet *)packets + done, &nr, err);
		done += nr;
	}
	if (r)
		*n = done;
	return r;
}

int skep_object_run_timers(struct skep_object *obj, uint64_t now_ns, uint32_t *waiting,
			   struct skep_err *err)
{
	struct backend *b = obj->backend;
	u32 left = 0;
	int r = 0;

	err_clear(err);
	if (!b)
		return err_set(err, ERR_RUN, obj->img->file, "the object is not loaded");
	if (b->ops->timers_run)
		r = b->ops->timers_run(b, now_ns, 0, &left, err);
	if (waiting)
		*waiting = left;
	return r;
}
