/* SPDX-License-Identifier: BSD-2-Clause */
/* place_kernel.c: functions of the kernel: which can be traced, and what else there is. */
#include "lang/place.h"
#include "kernel/tracefs.h"
#include <fnmatch.h>
#include <stdlib.h>
#include <unistd.h>

bool kernel_has_kprobes(struct lang *l)
{
	(void)l;
	return !access("/sys/bus/event_source/devices/kprobe/type", R_OK);
}

/* vfs_read and its like are what system calls of that name do. */
void place_hint_instead(struct at *a, const char *fn)
{
	static const char *const before[] = { "vfs_", "__x64_sys_", "__arm64_sys_", "do_sys_",
		"ksys_", "sys_", "do_" };
	const char *name = fn;
	const struct btf *btf = lang_kernel(a->l);

	for (size_t i = 0; i < ARRAY_LEN(before); i++)
		if (!strncmp(fn, before[i], strlen(before[i]))) {
			name = fn + strlen(before[i]);
			break;
		}
	if (tracefs_event_id("syscalls", arena_printf(a->l->arena, "sys_enter_%s", name)) >= 0)
		diag_hint(a->l->script, "available here: tracepoint:syscalls:sys_%s_%s",
			  a->kind == LP_KRETPROBE ? "exit" : "enter", name);
	else if (btf && btf_find(btf, fn, BTF_KIND_FUNC))
		diag_hint(a->l->script, "if this kernel allows it: %s:%s",
			  a->kind == LP_KRETPROBE ? "fexit" : "fentry", fn);
}

/* Names of functions that can be traced, one a line. */
static int read_functions(struct at *a, struct strbuf *all)
{
	const char *path = a->l->opts->functions;
	struct skep_err err;
	struct os_file f;

	if (!path)
		return tracefs_read(all, "available_filter_functions");
	if (os_file_read(&f, path, &err)) {
		diag_error(a->l->script, a->node->at, "%.*s", (int)strcspn(err.text, "\n"),
			   err.text);
		return -ENOENT;
	}
	sb_add(all, f.data, f.size);
	os_file_close(&f);
	return 0;
}

void place_kernel_matches(struct at *a, const char *pattern)
{
	struct strbuf all = { 0 };
	size_t found = 0;
	int r = read_functions(a, &all);

	for (char *line = all.s; !r && line && *line;) {
		char *end = strchr(line, '\n'), *next = end ? end + 1 : line + strlen(line);

		if (end)
			*end = 0;
		line[strcspn(line, " \t")] = 0;
		if (!fnmatch(pattern, line, 0)) {
			place_add(a, arena_printf(a->l->arena, "%s:%s", probe_name(a->kind), line),
				  line)->func = arena_strdup(a->l->arena, line);
			found++;
		}
		line = next;
	}
	sb_free(&all);
	if (!found)
		place_missing(a, arena_printf(a->l->arena, "No matches for %s:%s",
					      probe_name(a->kind), pattern));
}
