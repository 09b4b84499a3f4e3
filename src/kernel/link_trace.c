/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link_trace.c: tracepoints, raw tracepoints, what a program was loaded for (tp_btf,
 * fentry and its kin, LSM), functions of the kernel (kprobes), and programs that
 * replace others. The kernel runs a program on a tracepoint or kprobe for all
 * processes, whatever process its event was opened for: LINK_ALL_PIDS.
 */
#include "kernel/link_priv.h"
#include "model/uapi.h"
#include "obj/obj.h"
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

static void all_pids(struct link_job *j)
{
	if (j->w->pid)
		j->l->flags |= LINK_ALL_PIDS;
}

/* ---- tracepoints ----------------------------------------------------------- */

static int no_tracepoint(struct link_job *j, s64 code, const char *category, const char *name)
{
	int r;

	if (code != -ENOENT) {
		r = link_refused(j, (int)code, "tracepoint %s/%s", category, name);
		err_note(j->err, "its number stands in tracefs, which cannot be read");
		return r;
	}
	r = err_set(j->err, ERR_ATTACH_FIND, j->img->file, "kernel %s has no tracepoint '%s/%s' "
		    "for program '%s'", j->k->release, category, name, j->p->name);
	tracefs_suggest(category, name, j->err);
	return r;
}

static int tracepoint_at(struct link_job *j, const char *category, const char *name)
{
	const s64 id = tracefs_event_id(category, name);
	struct perf_event_attr a = { .size = sizeof(a), .type = PERF_TYPE_TRACEPOINT,
		.config = (u64)id, .sample_period = 1, .wakeup_events = 1, .disabled = 1 };
	int fd, r;

	if (id < 0)
		return no_tracepoint(j, id, category, name);
	/* one event of one cpu is enough: the program runs on all */
	fd = sys_perf_open(&a, -1, 0);
	r = fd < 0 ? fd : link_perf_attach(j, fd);
	if (r)
		return link_refused(j, r, "tracepoint %s/%s", category, name);
	j->l->places = 1;
	all_pids(j);
	link_says(j, "%s/%s", category, name);
	return 0;
}

int link_tracepoint(struct link_job *j)
{
	char *category = mem_strdup(j->w->at), *name = strpbrk(category, "/:");
	int r;

	if (name)
		*name++ = 0;
	if (!name || !*name || !*category || strchr(name, '/') || strstr(j->w->at, ".."))
		r = link_bad_where(j, "'%s' is not CATEGORY/NAME", j->w->at);
	else
		r = tracepoint_at(j, category, name);
	free(category);
	return r;
}

/* ---- raw tracepoints ------------------------------------------------------- */

/* Names in the kernel's types: btf_trace_NAME. */
static void suggest_raw(struct link_job *j, const char *name)
{
	VEC(const char *) names = { 0 };
	const struct btf *btf;
	const char *near;

	if (kernel_btf(j->k, &btf, NULL))
		return;
	for (u32 id = 1; id < btf->nr_types; id++)
		if (btf_kind(btf_type(btf, id)) == BTF_KIND_TYPEDEF &&
		    !strncmp(btf_type_name(btf, id), "btf_trace_", 10))
			*vec_push(&names) = btf_type_name(btf, id) + 10;
	near = err_nearest(name, names.v, names.n);
	if (near)
		err_help(j->err, "did you mean '%s'?", near);
	vec_free(&names);
}

static int raw_open(struct link_job *j, const char *name)
{
	union bpf_attr a = { 0 };
	struct { u64 name; u32 fd, pad; u64 cookie; } is = { .name = (uintptr_t)name,
		.fd = (u32)j->prog_fd, .cookie = j->w->has_cookie ? j->w->cookie : 0 };

	memcpy(&a, &is, sizeof(is));	/* the cookie: 6.10 */
	return sys_bpf(BPF_RAW_TRACEPOINT_OPEN, &a);
}

int link_raw_tp(struct link_job *j)
{
	const char *name = j->w->at;
	int fd, r;

	if (!*name)
		return link_bad_where(j, "it does not say which tracepoint");
	fd = raw_open(j, name);
	if (fd == -ENOENT) {
		r = err_set(j->err, ERR_ATTACH_FIND, j->img->file, "kernel %s has no tracepoint "
			    "'%s' for program '%s'", j->k->release, name, j->p->name);
		suggest_raw(j, name);
		return r;
	}
	if (fd < 0)
		return link_refused(j, fd, "raw tracepoint %s", name);
	j->l->fd = fd;
	all_pids(j);
	link_says(j, "%s", name);
	return 0;
}

int link_loaded(struct link_job *j)
{
	const char *name = j->p->target;
	int fd;

	if (!*name)
		return link_bad_where(j, "it does not say what it is for");
	fd = raw_open(j, NULL);
	if (fd < 0)
		return link_refused(j, fd, "%s", name);
	j->l->fd = fd;
	all_pids(j);
	if (j->p->of_prog)
		link_says(j, "%s of program %u", name, j->p->of_prog);
	else
		link_says(j, "%s", name);
	return 0;
}

/* ---- functions of the kernel ----------------------------------------------- */

static u32 pmu_type(const char *name)
{
	char path[96];
	unsigned type = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/type", name);
	f = fopen(path, "re");
	if (f && fscanf(f, "%u", &type) != 1)
		type = 0;
	if (f)
		fclose(f);
	return type;
}

/* What the kernel calls the body of system call NAME. */
static void syscall_function(char out[160], const char *name)
{
	struct utsname u;

	uname(&u);
	if (!strcmp(u.machine, "x86_64"))
		snprintf(out, 160, "__x64_sys_%s", name);
	else if (!strcmp(u.machine, "aarch64"))
		snprintf(out, 160, "__arm64_sys_%s", name);
	else if (!strcmp(u.machine, "s390x"))
		snprintf(out, 160, "__s390x_sys_%s", name);
	else
		snprintf(out, 160, "sys_%s", name);
}

static int no_kprobes(struct link_job *j, const char *what, const char *option)
{
	const char *value = NULL;
	int r = err_set(j->err, ERR_ATTACH, j->img->file, "program '%s' is not attached to "
			"function %s: kernel %s has no %s", j->p->name, what, j->k->release,
			option[7] == 'K' ? "kprobes" : "kprobes of many functions");

	target_config(j->k->target, option, &value, NULL);
	if (!value || value[0] == 'n')
		err_note(j->err, "they need %s, which this kernel was built without", option);
	return r;
}

int link_kprobe(struct link_job *j)
{
	const bool ret = j->l->row->how == ATTACH_KRETPROBE || j->l->row->how == ATTACH_KRETSYSCALL;
	const bool syscall_ = j->l->row->how == ATTACH_KSYSCALL ||
			      j->l->row->how == ATTACH_KRETSYSCALL;
	const u32 type = pmu_type("kprobe");
	struct perf_event_attr a = { .size = sizeof(a), .type = type, .config = ret };
	char name[160], *plus, *end = NULL;
	int fd, r;

	snprintf(name, sizeof(name), "%s", j->w->at);
	if (syscall_)
		syscall_function(name, j->w->at);
	plus = strchr(name, '+');
	a.probe_offset = plus ? strtoull(plus + 1, &end, 0) : 0;
	if (plus)
		*plus = 0;
	if (!*name || (plus && (*end || end == plus + 1)))
		return link_bad_where(j, "'%s' is not FUNCTION[+OFFSET]", j->w->at);
	if (ret && a.probe_offset)
		return link_bad_where(j, "a return has no offset");
	if (!type)
		return no_kprobes(j, name, "CONFIG_KPROBE_EVENTS");
	a.kprobe_func = (uintptr_t)name;
	fd = sys_perf_open(&a, -1, 0);
	r = fd < 0 ? fd : link_perf_attach(j, fd);
	if (r)
		return link_refused(j, r, "function %s", name);
	j->l->places = 1;
	all_pids(j);
	link_says(j, "%s", j->w->at);
	return 0;
}

/* ---- many of them at once (5.18) ------------------------------------------- */

struct names { const char **v; size_t n, cap; };	/* a VEC */

/* Functions that can be traced and that PATTERN, with * and ?, means. */
static int match_functions(struct names *out, const char *pattern)
{
	int fd = tracefs_open("available_filter_functions");
	FILE *f = fd < 0 ? NULL : fdopen(fd, "re");
	char line[512];

	if (!f)
		return fd < 0 ? fd : -errno;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, " \t\n")] = 0;
		if (!fnmatch(pattern, line, 0))
			*vec_push(out) = mem_strdup(line);
	}
	fclose(f);
	return 0;
}

static int attach_all(struct link_job *j, const struct names *names)
{
	const bool ret = j->l->row->how == ATTACH_KRETPROBE_MULTI;
	struct link_attr a = { .prog_fd = (u32)j->prog_fd,
		.attach_type = j->p->expected_attach };
	u64 *cookies = mem_alloc(names->n * sizeof(*cookies));
	int fd;

	for (size_t i = 0; i < names->n; i++)
		cookies[i] = j->w->cookie;
	a.u.kprobe_multi.flags = ret;
	a.u.kprobe_multi.cnt = (u32)names->n;
	a.u.kprobe_multi.syms = (uintptr_t)names->v;
	if (j->w->has_cookie)
		a.u.kprobe_multi.cookies = (uintptr_t)cookies;
	fd = link_create(&a);
	free(cookies);
	if (fd == -EOPNOTSUPP || fd == NOT_SUPPORTED)
		return no_kprobes(j, j->w->at, "CONFIG_FPROBE");
	if (fd < 0)
		return link_refused(j, fd, "functions %s", j->w->at);
	j->l->fd = fd;
	j->l->places = (u32)names->n;
	all_pids(j);
	link_says(j, "%s", j->w->at);
	return 0;
}

int link_kprobe_multi(struct link_job *j)
{
	struct names names = { 0 };
	int r = 0;

	if (!*j->w->at)
		return link_bad_where(j, "it does not say which functions");
	if (strpbrk(j->w->at, "*?["))
		r = match_functions(&names, j->w->at);
	else
		*vec_push(&names) = mem_strdup(j->w->at);
	if (r)
		r = link_refused(j, r, "functions %s", j->w->at);
	else if (!names.n)
		r = err_set(j->err, ERR_ATTACH_FIND, j->img->file, "kernel %s has no function "
			    "'%s' that can be traced", j->k->release, j->w->at);
	else
		r = attach_all(j, &names);
	for (size_t i = 0; i < names.n; i++)
		free((void *)(uintptr_t)names.v[i]);
	vec_free(&names);
	return r;
}

/* ---- programs in place of others ------------------------------------------- */

int link_freplace(struct link_job *j)
{
	int r;

	if (j->p->of_prog)
		return link_loaded(j);
	r = link_bad_where(j, "it does not say of which program");
	err_help(j->err, "--at id:N[:FUNCTION], or the path of its pin in place of id:N");
	return r;
}
