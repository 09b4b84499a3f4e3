/* SPDX-License-Identifier: BSD-2-Clause */
/* dap_in.h: between the files of the Debug Adapter Protocol. */
#ifndef DEBUG_DAP_IN_H
#define DEBUG_DAP_IN_H

#include "base/vec.h"
#include "debug/dap.h"

/* What a variablesReference stands for, until the program goes on. */
enum dap_kind { DAP_LOCALS, DAP_ARGS, DAP_GLOBALS, DAP_REGISTERS, DAP_MAPS, DAP_VALUE };

struct dap_ref {
	enum dap_kind kind;
	u32 frame;
	struct value value;
	char *path;		/* the expression that it is, or NULL */
};

/* What is done after the response was sent. */
enum dap_after {
	AFTER_NOTHING, AFTER_INITIALIZED, AFTER_RUN, AFTER_MOVE, AFTER_STOPPED, AFTER_END,
};

struct dap {
	int in, out;
	const struct dap_host *host;
	struct debug *d;	/* NULL: nothing is launched */
	struct strbuf read;	/* bytes that came and are no message yet */
	struct strbuf said;	/* of the debugger, to become output */
	struct strbuf body;	/* of the response at hand */
	u64 seq;
	enum dap_after after;
	enum dbg_move move;
	bool back;
	u64 packet;
	bool stop_on_entry, ended, broken, quit;
	bool stops_at_faults;
	bool lines_from_0, columns_from_0;
	VEC(struct dap_ref) refs;
	VEC(struct dap_bp { u32 number; char *of; }) bps;	/* of which source or kind */
	struct arena arena;	/* of the message at hand */
	struct arena stop;	/* of values in refs */
};

/* Fills in the members of the response's body. */
typedef int dap_fn(struct dap *s, const struct json_node *args, struct json *body,
		   struct skep_err *err);

#define REQUEST(name, fn) dap_fn dap_##fn;
#include "debug/dap_request.def"
#undef REQUEST

const char *dap_str(const struct json_node *o, const char *key);	/* NULL: none */
bool dap_bool(const struct json_node *o, const char *key, bool otherwise);
s64 dap_s64(const struct json_node *o, const char *key, s64 otherwise);
int dap_not_launched(struct dap *s, struct skep_err *err);	/* 0: it is */
/* The address of an instruction, as the protocol has them: text and number. */
void dap_address(char text[32], u32 prog, u32 insn);
bool dap_address_of(const struct dap *s, const char *text, s64 off, struct dbg_loc *loc);
/* The member source: FILE. */
void dap_source_of(struct dap *s, struct json *j, const char *file);
/* Member KEY: the first line of E without the word before it. */
void dap_message(struct json *j, const char *key, const struct skep_err *e);
/* References of the last stop are nothing any more. */
void dap_forget(struct dap *s);

#endif
