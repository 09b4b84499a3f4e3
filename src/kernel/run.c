/* SPDX-License-Identifier: BSD-2-Clause */
/* run.c: BPF_PROG_TEST_RUN. */
#include "kernel/sys.h"

static int failed(struct kernel *k, const struct kernel_prog *p, const struct test_run *t,
		  int code, struct skep_err *err)
{
	const struct progtype_row *row = progtype_row(p->prog->type);
	enum err_id id = code == -EINVAL ? ERR_KERNEL_INPUT : ERR_KERNEL;
	int r = err_set(err, id, NULL, "kernel %s does not run '%s': %s", k->release,
			p->prog->name, strerror(-code));

	if (code == -524 || code == -EOPNOTSUPP)
		err_note(err, "it has no test run for programs of type %s",
			 row ? row->name : "unknown");
	else if (code == -EINVAL)
		err_note(err, "its test run takes packets of at least 14 bytes that fit a page, "
			 "IP packets with their header; this one has %u", t->bytes);
	sys_why(err, code);
	return r;
}

int kernel_test_run(struct backend *b, u32 prog, struct test_run *t, struct skep_err *err)
{
	struct kernel *k = kernel_of(b);
	const struct kernel_prog *p;
	union bpf_attr a;
	int r;

	if (prog >= k->progs.n)
		return err_set(err, ERR_RUN, NULL, "there is no program number %u", prog);
	p = &k->progs.v[prog];
	a = (union bpf_attr){ .test = { .prog_fd = (u32)p->fd, .data_in = (uintptr_t)t->data,
		.data_size_in = t->bytes, .data_out = (uintptr_t)k->out,
		.data_size_out = OUT_BYTES, .repeat = t->repeat,
		.ctx_in = (uintptr_t)t->ctx_in, .ctx_size_in = t->ctx_in_bytes } };
	r = sys_bpf(BPF_PROG_TEST_RUN, &a);
	if (r < 0)
		return failed(k, p, t, r, err);
	t->retval = a.test.retval;
	t->data_out = k->out;
	t->bytes_out = a.test.data_size_out;
	t->duration_ns = t->repeat > 1 ? a.test.duration : 0;
	t->redirect_ifindex = 0;
	t->insns = 0;
	return 0;
}

int kernel_test_run_batch(struct backend *b, u32 prog, struct test_run *t,
			  struct test_packet *pkts, u32 *n, struct skep_err *err)
{
	for (u32 i = 0; i < *n; i++) {
		int r;

		t->data = pkts[i].data;
		t->bytes = pkts[i].bytes;
		r = kernel_test_run(b, prog, t, err);
		if (r) {
			*n = i;
			return r;
		}
		pkts[i].retval = t->retval;
	}
	return 0;
}
