/* SPDX-License-Identifier: BSD-2-Clause */
/* attach.c: rows of attach.def. */
#include "model/attach.h"
#include <stdio.h>

static const struct attach_row rows[] = {
#define ATTACH(section, how, target, since) { section, ATTACH_##how, ATTACH_TO_##target, since },
#include "model/attach.def"
#undef ATTACH
};

static const char *const targets[] = {
	[ATTACH_TO_NONE] = "nothing",
	[ATTACH_TO_FUNCTION] = "a function of the kernel",
	[ATTACH_TO_BINARY] = "a program or library and a symbol of it",
	[ATTACH_TO_TRACEPOINT] = "a tracepoint",
	[ATTACH_TO_BTF] = "a name of the kernel's types",
	[ATTACH_TO_EVENT] = "an event of perf",
	[ATTACH_TO_DEVICE] = "a network device",
	[ATTACH_TO_CGROUP] = "a cgroup",
	[ATTACH_TO_NETNS] = "a network name space",
	[ATTACH_TO_HOOK] = "a hook of netfilter",
	[ATTACH_TO_SOCKET] = "a socket of a process",
	[ATTACH_TO_MAP] = "a sockmap of the object",
	[ATTACH_TO_ROUTE] = "a route",
	[ATTACH_TO_PROGRAM] = "a program that is loaded",
	[ATTACH_TO_FILE] = "a device's file",
};

const struct attach_row *attach_row(const struct sec_row *sec)
{
	for (size_t i = 0; sec && i < ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].section, sec->prefix))
			return &rows[i];
	return NULL;
}

const char *attach_kind(const struct attach_row *row, char text[32])
{
	size_t n = strlen(row->section);

	if (row->section[n - 1] == '+')
		n--;
	snprintf(text, 32, "%.*s", (int)n, row->section);
	return text;
}

const char *attach_target_text(const struct attach_row *row) { return targets[row->target]; }
