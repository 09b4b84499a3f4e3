/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dap.c: the protocol's session: messages in and out, requests by their table, and what
 * the program does when the response is out: go on, stop, end.
 */
#include "debug/dap_in.h"
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct { const char *name; dap_fn *fn; } requests[] = {
#define REQUEST(name, fn) { name, dap_##fn },
#include "debug/dap_request.def"
#undef REQUEST
};

/* ---- members ------------------------------------------------------------------- */

const char *dap_str(const struct json_node *o, const char *key)
{
	const struct json_node *m = o && o->kind == JSON_OBJECT ? json_member(o, key) : NULL;

	return m && m->kind == JSON_STRING ? m->text : NULL;
}

u64 dap_u64(const struct json_node *o, const char *key, u64 otherwise)
{
	const struct json_node *m = o && o->kind == JSON_OBJECT ? json_member(o, key) : NULL;
	u64 v;

	return m && json_number(m, INT64_MAX, &v) ? v : otherwise;
}

s64 dap_s64(const struct json_node *o, const char *key, s64 otherwise)
{
	const struct json_node *m = o && o->kind == JSON_OBJECT ? json_member(o, key) : NULL;
	char *end;
	long long v;

	if (!m || m->kind != JSON_NUMBER)
		return otherwise;
	v = strtoll(m->text, &end, 10);
	return *end || v > INT32_MAX || v < INT32_MIN ? otherwise : v;
}

bool dap_bool(const struct json_node *o, const char *key, bool otherwise)
{
	const struct json_node *m = o && o->kind == JSON_OBJECT ? json_member(o, key) : NULL;

	return m && m->kind == JSON_BOOL ? !strcmp(m->text, "true") : otherwise;
}

/* ---- writing --------------------------------------------------------------------- */

static void send_bytes(struct dap *s, const char *p, size_t n)
{
	while (n && !s->broken) {
		ssize_t done = write(s->out, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0) {
			s->broken = true;
			return;
		}
		p += done;
		n -= (size_t)done;
	}
}

static void send_message(struct dap *s, struct strbuf *json)
{
	struct strbuf head = { 0 };

	sb_printf(&head, "Content-Length: %zu\r\n\r\n", json->n);
	send_bytes(s, head.s, head.n);
	send_bytes(s, json->s, json->n);
	sb_free(&head);
	sb_free(json);
}

static struct json begin(struct dap *s, struct strbuf *out, const char *type)
{
	struct json j = { .out = out };

	json_obj(&j, NULL);
	json_u64(&j, "seq", ++s->seq);
	json_str(&j, "type", type);
	return j;
}

static struct json event(struct dap *s, struct strbuf *out, const char *name)
{
	struct json j = begin(s, out, "event");

	json_str(&j, "event", name);
	json_obj(&j, "body");
	return j;
}

static void end_event(struct dap *s, struct json *j)
{
	json_obj_end(j);
	json_obj_end(j);
	send_message(s, j->out);
}

static void send_output(struct dap *s, const char *category, const char *text, size_t n)
{
	struct strbuf out = { 0 };
	struct json j = event(s, &out, "output");

	json_str(&j, "category", category);
	json_strn(&j, "output", text, n);
	end_event(s, &j);
}

/* What the program printed, and what the debugger says. */
static void send_said(struct dap *s)
{
	if (s->said.n)
		send_output(s, "console", s->said.s, s->said.n);
	sb_reset(&s->said);
}

/* ---- stops --------------------------------------------------------------------------- */

static const char *reason(const struct debug *d)
{
	switch (d->stop) {
	case DBG_AT_START:
	case DBG_BEGIN:
		return "entry";
	case DBG_BREAKPOINT:
		return "breakpoint";
	case DBG_WATCHPOINT:
	case DBG_SCOPE_END:
		return "data breakpoint";
	case DBG_CATCHPOINT:
	case DBG_FAULT:
		return "exception";
	case DBG_INTERRUPTED:
		return "pause";
	default:
		return "step";
	}
}

static void send_stopped(struct dap *s)
{
	struct debug *d = s->d;
	struct strbuf out = { 0 };
	struct json j = event(s, &out, "stopped");
	bool text = d->stop == DBG_CATCHPOINT || d->stop == DBG_FAULT ||
		d->stop == DBG_WATCHPOINT;

	json_str(&j, "reason", reason(d));
	if (d->stop == DBG_BEGIN)
		json_str(&j, "description", "No more reverse-execution history");
	if (text)
		json_str(&j, "text", sb_text(&d->stop_text));
	json_u64(&j, "threadId", 1);
	json_bool(&j, "allThreadsStopped", true);
	if (d->stop == DBG_BREAKPOINT || d->stop == DBG_WATCHPOINT) {
		json_arr(&j, "hitBreakpointIds");
		json_u64(&j, NULL, d->stop_bp);
		json_arr_end(&j);
	}
	end_event(s, &j);
}

static void send_end(struct dap *s)
{
	struct strbuf out = { 0 };
	struct json j;

	if (s->ended)
		return;
	s->ended = true;
	j = event(s, &out, "exited");
	json_u64(&j, "exitCode", 0);
	end_event(s, &j);
	out = (struct strbuf){ 0 };
	j = event(s, &out, "terminated");
	end_event(s, &j);
}

void dap_forget(struct dap *s)
{
	for (size_t i = 0; i < s->refs.n; i++)
		free(s->refs.v[i].path);
	s->refs.n = 0;
	arena_free(&s->stop);
}

/* A fault that nobody wants to see is no stop; a run that ended in a step goes on with the
 * next one. */
static int settle(struct dap *s, struct skep_err *err)
{
	struct debug *d = s->d;
	int r = 0;

	while (!r && ((d->stop == DBG_FAULT && !s->stops_at_faults) || d->stop == DBG_END)) {
		bool end = d->stop == DBG_END;

		if (end)
			dbg_tell_stop(d);
		r = dbg_move(d, end ? MOVE_STEP : MOVE_CONTINUE, false, NULL, 0, err);
	}
	return r;
}

/* It has moved with R: everybody is told where to. */
static void moved(struct dap *s, int r, struct skep_err *err)
{
	dap_forget(s);
	r = r ? r : settle(s, err);
	if (!r && s->d->stop == DBG_NO_INPUT)
		dbg_tell_stop(s->d);
	send_said(s);
	if (r) {
		send_output(s, "stderr", err->text, strlen(err->text));
		send_end(s);
	} else if (s->d->stop == DBG_NO_INPUT) {
		send_end(s);
	} else {
		send_stopped(s);
	}
}

static void after_response(struct dap *s)
{
	enum dap_after what = s->after;
	struct skep_err err = { 0 };
	struct strbuf out = { 0 };
	struct json j;

	s->after = AFTER_NOTHING;
	if (s->d)
		s->d->interrupted = 0;
	switch (what) {
	case AFTER_INITIALIZED:
		send_said(s);
		j = event(s, &out, "initialized");
		end_event(s, &j);
		break;
	case AFTER_RUN:
		moved(s, dbg_run(s->d, s->packet, s->stop_on_entry, &err), &err);
		break;
	case AFTER_MOVE:
		moved(s, dbg_move(s->d, s->move, s->back, NULL, 0, &err), &err);
		break;
	case AFTER_STOPPED:
		send_said(s);
		moved(s, 0, &err);
		break;
	case AFTER_END:
		send_end(s);
		break;
	default:
		send_said(s);
	}
}

/* ---- requests ------------------------------------------------------------------------ */

static dap_fn *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(requests); i++)
		if (!strcmp(requests[i].name, name))
			return requests[i].fn;
	return NULL;
}

void dap_message(struct json *j, const char *key, const struct skep_err *e)
{
	const char *text = e->text + (strncmp(e->text, "error: ", 7) ? 0 : 7);

	json_strn(j, key, text, strcspn(text, "\n"));
}

static void respond(struct dap *s, u64 seq, const char *command, const struct strbuf *body,
		    const struct skep_err *err)
{
	struct strbuf out = { 0 };
	struct json j = begin(s, &out, "response");

	json_u64(&j, "request_seq", seq);
	json_bool(&j, "success", !err);
	json_str(&j, "command", command);
	if (err)
		dap_message(&j, "message", err);
	json_raw(&j, "body", sb_text(body));
	json_obj_end(&j);
	send_message(s, &out);
}

static void fail_body(struct strbuf *body, const struct skep_err *err)
{
	struct json j = { .out = body };

	sb_reset(body);
	json_obj(&j, NULL);
	json_obj(&j, "error");
	json_s64(&j, "id", err->id);
	dap_message(&j, "format", err);
	json_obj_end(&j);
	json_obj_end(&j);
}

static void handle(struct dap *s, const struct json_node *msg)
{
	const struct json_node *args = json_member(msg, "arguments");
	const char *command = dap_str(msg, "command"), *type = dap_str(msg, "type");
	dap_fn *fn = command ? find(command) : NULL;
	struct json body = { .out = &s->body };
	struct skep_err err = { 0 };
	int r;

	if (type && strcmp(type, "request"))
		return;		/* responses: nothing is asked of clients */
	sb_reset(&s->body);
	json_obj(&body, NULL);
	if (fn)
		r = fn(s, args, &body, &err);
	else
		r = err_set(&err, ERR_DAP, NULL, "there is no request '%s'",
			    command ? command : "");
	if (!r)
		json_obj_end(&body);
	else
		fail_body(&s->body, &err);
	respond(s, dap_u64(msg, "seq", 0), command ? command : "", &s->body, r ? &err : NULL);
	if (s->d)
		arena_free(&s->d->scratch);
	after_response(s);
}

/* ---- reading ----------------------------------------------------------------------------- */

/* What came: 1, 0 at the end. */
static int read_more(struct dap *s)
{
	char part[65536];
	ssize_t n;

	do
		n = read(s->in, part, sizeof(part));
	while (n < 0 && errno == EINTR);
	if (n > 0)
		sb_add(&s->read, part, (size_t)n);
	return n > 0;
}

static bool asks_to_stop(const char *json, size_t n)
{
	static const char *const words[] = { "\"pause\"", "\"terminate\"", "\"disconnect\"" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (memmem(json, n, words[i], strlen(words[i])))
			return true;
	return false;
}

/* While the program runs: does somebody ask for a stop? What it is, is looked at when it
 * stands. */
static void look(struct debug *d, void *arg)
{
	struct dap *s = arg;
	struct pollfd p = { .fd = s->in, .events = POLLIN };

	if (poll(&p, 1, 0) <= 0)
		return;
	if (!read_more(s))
		d->interrupted = 1;
	else if (asks_to_stop(s->read.s, s->read.n))
		d->interrupted = 1;
}

static void take(struct dap *s, const char *json, size_t n)
{
	struct json_node *msg = NULL;
	struct skep_err err = { 0 };

	if (json_tree(&msg, &s->arena, json, n, "<stdin>", &err))
		send_output(s, "stderr", err.text, strlen(err.text));
	else if (!msg || msg->kind != JSON_OBJECT)
		send_output(s, "stderr", "no JSON object\n", 15);
	else
		handle(s, msg);
	arena_free(&s->arena);
}

/* One message: 1, 0 at the end. */
static int next_message(struct dap *s, struct skep_err *err)
{
	size_t body, bytes;
	s64 n;
	char *copy;

	while (!(n = dap_frame((const u8 *)sb_text(&s->read), s->read.n, &body, &bytes, err))) {
		if (read_more(s))
			continue;
		if (!s->read.n)
			return 0;
		return err_set(err, ERR_DAP, "<stdin>", "the input ends within a message");
	}
	if (n < 0)
		return (int)n;
	copy = mem_alloc(bytes + 1);
	memcpy(copy, s->read.s + body, bytes);
	s->read.n -= (size_t)n;
	memmove(s->read.s, s->read.s + n, s->read.n + 1);
	take(s, copy, bytes);
	free(copy);
	return 1;
}

static void dap_free(struct dap *s)
{
	dap_forget(s);
	for (size_t i = 0; i < s->bps.n; i++)
		free(s->bps.v[i].of);
	vec_free(&s->refs);
	vec_free(&s->bps);
	sb_free(&s->read);
	sb_free(&s->said);
	sb_free(&s->body);
	arena_free(&s->arena);
}

int dap_serve(int in, int out, const struct dap_host *host, struct skep_err *err)
{
	struct dap s = { .in = in, .out = out, .host = host, .packet = 1,
			 .stops_at_faults = true };
	int r = 1;

	while (r > 0 && !s.broken && !s.quit) {
		r = next_message(&s, err);
		if (s.d && !s.d->look) {
			s.d->look = look;
			s.d->look_arg = &s;
		}
	}
	dap_free(&s);
	return r < 0 ? r : 0;
}
