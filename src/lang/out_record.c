/* SPDX-License-Identifier: BSD-2-Clause */
/* out_record.c: what records of the ring buffer print, and lines of the tracer itself. */
#include "lang/out.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void out_text(struct out *o, const char *type, const char *text, size_t n)
{
	if (!o->json) {
		sb_add(o->b, text, n);
		return;
	}
	sb_printf(o->b, "{\"type\": \"%s\", \"data\": ", type);
	out_json_string(o->b, text, n);
	sb_puts(o->b, "}\n");
}

static void formatted(struct out *o, const struct lang_record *r, const u8 *record)
{
	struct strbuf text = { 0 };

	out_format(o, &text, r->format, r->args, r->nr_args, record);
	out_text(o, "printf", sb_text(&text), text.n);
	sb_free(&text);
}

static void print(struct out *o, const struct lang_record *r, const u8 *record)
{
	const struct lang_arg *a = &r->args[0];

	o->indent = 8;
	if (o->json) {
		sb_puts(o->b, "{\"type\": \"value\", \"data\": ");
		out_value_json(o, o->b, a->ty, record + a->off);
		sb_puts(o->b, "}\n");
	} else {
		out_value(o, o->b, a->ty, record + a->off);
		sb_putc(o->b, '\n');
	}
}

static void time_of_day(struct out *o, const char *format)
{
	const time_t now = time(NULL);
	char text[512];
	struct tm tm;
	size_t n;

	localtime_r(&now, &tm);
	n = strftime(text, sizeof(text), format, &tm);
	out_text(o, "time", text, n);
}

/* Strings one behind the other, each with its NUL. */
static void join(struct out *o, const struct lang_record *r, const u8 *record, u32 bytes)
{
	struct strbuf text = { 0 };
	u64 used;
	const char *s = (const char *)record + 16, *end;

	memcpy(&used, record + 8, 8);
	end = s + (used < bytes - 16 ? used : bytes - 16);
	while (s < end) {
		const size_t n = strnlen(s, (size_t)(end - s));

		if (text.n)
			sb_puts(&text, r->format);
		sb_add(&text, s, n);
		s += n + 1;
	}
	if (!o->json)
		sb_putc(&text, '\n');
	out_text(o, "join", sb_text(&text), text.n);
	sb_free(&text);
}

/* "filename": ..., "line": N, "col": N} */
static void place_json(struct out *o, const struct lang_record *r)
{
	const char *where = r->where ? r->where : "::", *end = where + strlen(where);
	u32 line, col;

	for (u32 colons = 0; end > where && colons < 2;)	/* names may have some, too */
		colons += *--end == ':';
	line = (u32)strtoul(end + 1, NULL, 10);
	col = (u32)strtoul(strrchr(where, ':') + 1, NULL, 10);
	sb_puts(o->b, "\"filename\": ");
	out_json_string(o->b, where, (size_t)(end - where));
	sb_printf(o->b, ", \"line\": %u, \"col\": %u}\n", line, col);
}

/* {"type": "errorf", "msg": TEXT, "filename": ..., "line": N, "col": N} */
static void complaint_json(struct out *o, const struct lang_record *r, const char *type,
			   const struct strbuf *text)
{
	sb_printf(o->b, "{\"type\": \"%s\", \"msg\": ", type);
	out_json_string(o->b, sb_text(text), text->n);
	sb_puts(o->b, ", ");
	place_json(o, r);
}

/* -k: what a helper answered. */
static void helper_error(struct out *o, const struct lang_record *r, const u8 *record,
			 struct strbuf *err)
{
	s64 code;

	memcpy(&code, record + 8, 8);
	if (!o->json) {
		sb_printf(err, "%s%sWARNING: Failed to %s: %s (%" PRId64 ")\n",
			  r->where ? r->where : "", r->where ? ": " : "", r->format,
			  strerror((int)-code), code);
		sb_puts(err, r->source ? r->source : "");
		return;
	}
	sb_puts(o->b, "{\"type\": \"helper_error\", \"msg\": ");
	out_json_string(o->b, strerror((int)-code), strlen(strerror((int)-code)));
	sb_printf(o->b, ", \"helper\": \"%s\", \"retcode\": %" PRId64 ", ", r->format, code);
	place_json(o, r);
}

/* "stdin:1:9-12: ERROR: text", and the calls that a macro's code is of. */
static void complaint(struct out *o, const struct lang_record *r, const u8 *record, bool warning,
		      struct strbuf *err)
{
	struct strbuf text = { 0 };

	out_format(o, &text, r->format, r->args, r->nr_args, record);
	if (o->json) {
		complaint_json(o, r, warning ? "warnf" : "errorf", &text);
	} else {
		sb_printf(err, "%s%s%s: %s\n", r->where ? r->where : "", r->where ? ": " : "",
			  warning ? "WARNING" : "ERROR", sb_text(&text));
		sb_puts(err, r->source ? r->source : "");
	}
	sb_free(&text);
}

bool out_record(struct out *o, const struct lang_record *r, const u8 *record, u32 bytes,
		struct strbuf *err)
{
	switch (r->action) {
	case LA_PRINTF: formatted(o, r, record); return true;
	case LA_PRINT: print(o, r, record); return true;
	case LA_TIME: time_of_day(o, r->format); return true;
	case LA_JOIN: join(o, r, record, bytes); return true;
	case LA_ERRORF:
	case LA_ASSERT: complaint(o, r, record, false, err); return true;
	case LA_WARNF: complaint(o, r, record, true, err); return true;
	case LA_HELPER_ERROR: helper_error(o, r, record, err); return true;
	default: return false;
	}
}

void out_attached(struct out *o, u32 probes, struct strbuf *err)
{
	if (o->json)
		sb_printf(
			o->b,
			"{\"type\": \"attached_probes\", \"count\": %u, "
			  "\"data\": {\"probes\": %u}}\n",
			probes, probes);
	else
		sb_printf(err, "Attached %u probe%s\n", probes, probes == 1 ? "" : "s");
}

void out_lost(struct out *o, u64 events, struct strbuf *err)
{
	if (o->json)
		sb_printf(o->b,
			  "{\"type\": \"lost_events\", \"data\": {\"events\": %" PRIu64 "}}\n",
			  events);
	else
		sb_printf(err, "WARNING: Lost %" PRIu64 " events\n", events);
}
