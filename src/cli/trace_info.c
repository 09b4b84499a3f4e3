/* SPDX-License-Identifier: BSD-2-Clause */
/* trace_info.c: skep trace --info: what scripts can use on the running kernel. */
#include "cli/trace.h"
#include "kernel/kernel.h"
#include "model/uapi.h"
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

static const char *answer(int known)
{
	return known > 0 ? "yes" : known ? "unknown" : "no";
}

static void row(struct strbuf *b, const char *name, int known)
{
	sb_printf(b, "  %s: %s\n", name, answer(known));
}

static bool has_file(const char *path) { return !access(path, R_OK); }

/* Types of modules: files beside vmlinux. */
static bool has_modules(void)
{
	size_t n;
	char **names = os_dir_names("/sys/kernel/btf", &n);
	const bool has = n > 1;

	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return has;
}

static void helpers(struct strbuf *b)
{
	static const struct { const char *name; u32 id, type; } rows[] = {
		{ "get_tai_ns", BPF_FUNC_ktime_get_tai_ns, BPF_PROG_TYPE_TRACEPOINT },
		{ "get_func_ip", BPF_FUNC_get_func_ip, BPF_PROG_TYPE_KPROBE },
		{ "lookup_percpu_elem", BPF_FUNC_map_lookup_percpu_elem, BPF_PROG_TYPE_TRACEPOINT },
		{ "loop", BPF_FUNC_loop, BPF_PROG_TYPE_TRACEPOINT },
		{ "probe_write_user", BPF_FUNC_probe_write_user, BPF_PROG_TYPE_TRACEPOINT },
	};

	sb_puts(b, "\nKernel helpers\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		row(b, rows[i].name, kernel_has_helper(rows[i].id, rows[i].type));
}

static void features(struct strbuf *b)
{
	sb_puts(b, "\nKernel features\n");
	sb_printf(b, "  Instruction set: v%d\n  Instruction limit: %d\n", kernel_isa_level(),
		  kernel_max_insns());
	row(b, "btf", has_file("/sys/kernel/btf/vmlinux"));
	row(b, "module btf", has_modules());
	row(b, "open-coded iterators", kernel_has_kfunc("bpf_iter_num_new"));
	row(b, "kallsyms", has_file("/proc/kallsyms"));
}

static void probes(struct strbuf *b)
{
	const bool kprobes = has_file("/sys/bus/event_source/devices/kprobe/type");

	sb_puts(b, "\nProbe types\n");
	row(b, "tracepoint", has_file("/sys/kernel/tracing/events/sched"));
	row(b, "rawtracepoint", kernel_has_attach(BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP));
	row(b, "fentry", kernel_has_attach(BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY));
	row(b, "kprobe", kprobes);
	row(b, "kprobe_multi", kprobes ? kernel_has_attach(BPF_PROG_TYPE_KPROBE,
							   BPF_TRACE_KPROBE_MULTI) : 0);
	row(b, "uprobe", has_file("/sys/bus/event_source/devices/uprobe/type"));
	row(b, "uprobe_multi", kernel_has_attach(BPF_PROG_TYPE_KPROBE, UAPI_TRACE_UPROBE_MULTI));
	row(b, "iter", kernel_has_attach(BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER));
}

int trace_info(void)
{
	struct strbuf b = { 0 };
	struct utsname u;
	int status;

	if (!uname(&u))
		sb_printf(&b, "System\n  OS: %s %s %s\n  Arch: %s\n", u.sysname, u.release,
			  u.version, u.machine);
	helpers(&b);
	features(&b);
	probes(&b);
	status = print_out(&b);
	sb_free(&b);
	return status;
}
