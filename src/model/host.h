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
	   RUN error; 1 when the kernel would not ask the program about such a
	   packet. */
	int (*begin)(struct run *run, u8 *buffer, const struct test_run *t,
		     struct skep_err *err);
	/* Puts what came of the packet into T's results; NULL: the packet is
	   what is in RUN->pkt. */
	void (*finish)(struct run *run, struct test_run *t);
	/* From one packet to the next nothing but run_packet needs to be done,
	   when the program keeps the packet's bounds. */
	bool same_context;
	bool read_only;		/* programs may read packets, not write to them */
};

#endif
