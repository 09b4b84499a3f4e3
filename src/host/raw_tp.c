/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * raw_tp.c: runs programs of raw tracepoints, as BPF_PROG_TEST_RUN of Linux 6.18 does: on
 * no event, with the words that it is given.
 *
 * In: test_run.ctx_in, up to twelve u64, or none; no packet. Out: what the program
 * returns.
 */
#include "host/hosts.h"
#include <linux/bpf.h>

static int raw_begin(struct run *run, u8 *buffer, const struct test_run *t,
		     struct skep_err *err)
{
	run->pkt = (struct packet_buf){ 0 };
	run->raw = (struct raw_view){ { 0 } };
	if (t->ctx_in_bytes > sizeof(run->raw))
		return err_set(err, ERR_RUN, NULL, "a context of %u bytes; a raw tracepoint has at "
			       "most 12 words of 8", t->ctx_in_bytes);
	if (t->ctx_in)
		memcpy(run->raw.args, t->ctx_in, t->ctx_in_bytes);
	return 0;
}

static void raw_finish(struct run *run, struct test_run *t)
{
	t->data_out = t->data;
	t->bytes_out = t->bytes;
}

const struct host host_raw_tp = {
	.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
	.begin = raw_begin,
	.finish = raw_finish,
};
