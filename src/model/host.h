/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.h: who calls programs of a type in the embedded engine. A host turns
 * input into a context; the runtime reads the packet and verdict afterwards.
 */
#ifndef MODEL_HOST_H
#define MODEL_HOST_H

#include "model/backend.h"
#include "model/run.h"

struct host {
	u32 prog_type;
	/* bytes of private memory per runner, e.g. a packet buffer */
	u64 buffer_bytes;
	/* Makes the context for T in RUN. -EINVAL when T does not fit, with a
	   RUN error. */
	int (*begin)(struct run *run, u8 *buffer, const struct test_run *t,
		     struct skep_err *err);
};

#endif
