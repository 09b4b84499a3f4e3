/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dap.h: the debugger behind the Debug Adapter Protocol, for editors. In: requests on a
 * descriptor; out: responses and events on another. What is launched says the caller,
 * who knows what files are (struct dap_host). A thin view: what moves and shows is
 * debug.h's. Believes no length and no member; what is no protocol ends the session.
 */
#ifndef DEBUG_DAP_H
#define DEBUG_DAP_H

#include "base/json_tree.h"
#include "debug/debug.h"

/* ---- dap_frame.c: messages ---------------------------------------------------- */

enum { DAP_BODY_MAX = 16 << 20, DAP_HEAD_MAX = 4096 };

/*
 * The message that N bytes of DATA begin with: how many bytes it takes, and where its
 * *BYTES of JSON begin; 0: it is not all there yet. Error: DAP.
 */
s64 dap_frame(const u8 *data, size_t n, size_t *body, size_t *bytes, struct skep_err *err);

/* ---- dap.c ------------------------------------------------------------------------ */

struct dap_host {
	void *arg;
	/* Opens what ARGS, of the request launch, say; *D is the debugger of it, whose out is
	   OUT. Once only. */
	int (*launch)(void *arg, const struct json_node *args, struct strbuf *out,
		      struct debug **d, struct skep_err *err);
};

/* The number that member KEY of O is, or OTHERWISE. */
u64 dap_u64(const struct json_node *o, const char *key, u64 otherwise);

/* Serves until the other side is gone, or says so: 0; errors: DAP. */
int dap_serve(int in, int out, const struct dap_host *host, struct skep_err *err);

#endif
