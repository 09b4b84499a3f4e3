/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_perf.c: programs on tracepoints, functions of the kernel and of files, whichever
 * processes have them, in bpftool's grammar and forms. Changes nothing.
 */
#include "cli/hook_view.h"
#include "kernel/hooks.h"

/* Symbols of which the kernel gives the address alone. */
static void print_function(struct tool *job, const struct hook_perf *p)
{
	if (*p->name) {
		hook_str(job, "func", "func %s  ", p->name);
		hook_u64(job, "offset", "offset %" PRIu64, p->offset);
	} else {
		hook_u64(job, "addr", "addr %" PRIu64, p->addr);
	}
}

static void print_file(struct tool *job, const struct hook_perf *p)
{
	hook_str(job, "filename", "filename %s  ", p->name);
	hook_u64(job, "offset", "offset %" PRIu64, p->offset);
}

static void print_event(struct tool *job, const struct hook_perf *p)
{
	static const char *const kinds[] = {
		[HOOK_RAW_TP] = "raw_tracepoint", [HOOK_TP] = "tracepoint",
		[HOOK_KPROBE] = "kprobe", [HOOK_KRETPROBE] = "kretprobe",
		[HOOK_UPROBE] = "uprobe", [HOOK_URETPROBE] = "uretprobe",
	};

	if (p->event < ARRAY_LEN(kinds))
		hook_str(job, "fd_type", "%s  ", kinds[p->event]);
	else
		hook_u64(job, "fd_type", "type %" PRIu64 "  ", p->event);
	switch (p->event) {
	case HOOK_KPROBE:
	case HOOK_KRETPROBE: print_function(job, p); break;
	case HOOK_UPROBE:
	case HOOK_URETPROBE: print_file(job, p); break;
	default: hook_str(job, "tracepoint", "%s", p->name); break;
	}
}

static void print_row(void *arg, const struct hook_perf *p)
{
	struct tool *job = arg;

	if (job->form.json)
		json_obj(&job->j, NULL);
	hook_u64(job, "pid", "pid %" PRIu64 "  ", p->pid);
	hook_u64(job, "fd", "fd %" PRIu64 ": ", p->fd);
	hook_u64(job, "prog_id", "prog_id %" PRIu64 "  ", p->prog);
	print_event(job, p);
	if (job->form.json)
		json_obj_end(&job->j);
	else
		sb_putc(&job->out, '\n');
}

static int perf_show(struct tool *job)
{
	int r = tool_no_more(job);

	if (r)
		return r;
	if (job->form.json)
		json_arr(&job->j, NULL);
	r = hook_perf_each(print_row, job);
	if (job->form.json)
		json_arr_end(&job->j);
	return r ? hook_refused(job, r, "the kernel does not tell which events have programs") :
	       tool_finish(job);
}

int cmd_perf(const struct command *cmd, int argc, char **argv)
{
	static const struct tool_command rows[] = {
		{ "show", "", perf_show },
		{ "list", "", perf_show },
		{ "help", "", tool_help },
	};
	static const struct tool_kind kind = {
		"perf", "events of perf", rows, ARRAY_LEN(rows),
		"Shows what processes have open, as far as this user sees them.\n",
		"jp",
	};

	return tool_main(&kind, cmd, argc, argv);
}
