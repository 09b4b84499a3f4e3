/* SPDX-License-Identifier: BSD-2-Clause */
/* hook_view.c: see hook_view.h. */
#include "cli/hook_view.h"
#include "kernel/hooks.h"

const char *hook_word(struct tool *t, const char *what)
{
	const char *word = NULL;

	tool_word(t, what, &word);
	return word;
}

int hook_refused(struct tool *t, int code, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return hook_said_no(what, code, &t->err);
}

void hook_str(struct tool *t, const char *key, const char *format, const char *v)
{
	if (t->form.json)
		json_str(&t->j, key, v);
	else
		sb_printf(&t->out, format, v);
}

void hook_u64(struct tool *t, const char *key, const char *format, u64 v)
{
	if (t->form.json)
		json_u64(&t->j, key, v);
	else
		sb_printf(&t->out, format, v);
}
