/* SPDX-License-Identifier: BSD-2-Clause */
/* tape.c: bodies that ask run->tape, one for each helper, so that it knows which was called. */
#include "call/bodies.h"
#include "call/call.h"
#include "model/tape.h"

#define HELPER(id, name, since, gpl, ret, a1, a2, a3, a4, a5) \
	static HELPER_BODY(taped_ ## name) \
	{ \
		const u64 args[5] = { r1, r2, r3, r4, r5 }; \
\
		return run->tape->call(run->tape, run, id, args); \
	}
#define HELPER_OTHER(id, name, since, gpl)
#include "model/helper.def"
#undef HELPER

#define HELPER(id, name, since, gpl, ret, a1, a2, a3, a4, a5) [id] = taped_ ## name,
static const helper_fn taped[] = {
#include "model/helper.def"
};
#undef HELPER
#undef HELPER_OTHER

helper_fn call_taped(struct tape *t, u32 id, helper_fn body)
{
	if (!body || !tape_wants(t, id) || id >= ARRAY_LEN(taped) || !taped[id])
		return body;
	t->bodies[id] = body;
	return taped[id];
}

u32 call_taped_id(helper_fn fn)
{
	for (u32 i = 0; i < ARRAY_LEN(taped); i++)
		if (taped[i] && taped[i] == fn)
			return i;
	return 0;
}
