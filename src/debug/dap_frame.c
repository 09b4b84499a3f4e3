/* SPDX-License-Identifier: BSD-2-Clause */
/* dap_frame.c: one message of the protocol: headers, an empty line, JSON. */
#include "debug/dap.h"
#include <stdio.h>
#include <strings.h>

static int bad(struct skep_err *err, const char *what)
{
	return err_set(err, ERR_DAP, "<stdin>", "%s", what);
}

/* The number after "Content-Length:" in a header of N bytes; -1: it is another header. */
static s64 length_of(const char *line, size_t n)
{
	static const char name[] = "content-length:";
	size_t i = sizeof(name) - 1;
	s64 v = 0;

	if (n < i || strncasecmp(line, name, i))
		return -1;
	while (i < n && (line[i] == ' ' || line[i] == '\t'))
		i++;
	if (i == n)
		return INT64_MAX;
	for (; i < n; i++) {
		if (line[i] < '0' || line[i] > '9' || v > INT32_MAX)
			return INT64_MAX;
		v = v * 10 + (line[i] - '0');
	}
	return v;
}

/* The headers' end, behind the empty line; 0: it is not there. */
static size_t head_end(const char *p, size_t n, s64 *length)
{
	for (size_t at = 0; at < n;) {
		const char *nl = memchr(p + at, '\n', n - at);
		size_t line;
		s64 v;

		if (!nl)
			return 0;
		line = (size_t)(nl - (p + at));
		line -= line && p[at + line - 1] == '\r';
		if (!line)
			return (size_t)(nl - p) + 1;
		v = length_of(p + at, line);
		*length = v >= 0 ? v : *length;
		at = (size_t)(nl - p) + 1;
	}
	return 0;
}

s64 dap_frame(const u8 *data, size_t n, size_t *body, size_t *bytes, struct skep_err *err)
{
	s64 length = -1;
	size_t head = head_end((const char *)data, n < DAP_HEAD_MAX ? n : DAP_HEAD_MAX, &length);

	if (!head && n >= DAP_HEAD_MAX)
		return bad(err, "headers without an end");
	if (!head)
		return 0;
	if (length < 0)
		return bad(err, "a message without Content-Length");
	if (length > DAP_BODY_MAX)
		return err_set(err, ERR_DAP, "<stdin>", "a Content-Length that is no number up to "
			       "%d", DAP_BODY_MAX);
	if (n - head < (size_t)length)
		return 0;
	*body = head;
	*bytes = (size_t)length;
	return (s64)head + length;
}
