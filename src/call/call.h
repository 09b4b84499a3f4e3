/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * call.h: helper bodies of the embedded engine. A body trusts its arguments:
 * the verifier or the checked interpreter has looked at every pointer before.
 * Map arguments are struct map pointers.
 */
#ifndef CALL_CALL_H
#define CALL_CALL_H

#include "model/run.h"
#include "model/tables.h"

/* The body of helper ID for programs of PROG_TYPE, or NULL: not supported, or
 * not available to that type. bpf_tail_call (12) is the engine's own. */
helper_fn call_helper(u32 id, u32 prog_type);

/* The body of kernel function NAME for programs of PROG_TYPE, or NULL. */
helper_fn call_kfunc(const char *name, u32 prog_type);

struct tape;
/* What is called instead of BODY, that of helper ID, when T wants to be asked. */
helper_fn call_taped(struct tape *t, u32 id, helper_fn body);
u32 call_taped_id(helper_fn fn);	/* that it stands for; 0: it is a body */

/* Whether body FN asks run->readable what is at some address. */
bool call_asks(helper_fn fn);

#endif
