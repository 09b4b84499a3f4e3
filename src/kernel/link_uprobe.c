/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link_uprobe.c: uprobes and uretprobes, one place by an event of perf or many by one
 * link (6.6). Names of functions become places in a file; nothing of the traced process
 * is read or written here.
 */
#include "kernel/uprobe.h"
#include "model/uapi.h"
#include "sym/insn.h"
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PLACES_MAX = 1 << 20 };	/* what the kernel takes in one link */

u32 uprobe_pmu(void)
{
	unsigned type = 0;
	FILE *f = fopen("/sys/bus/event_source/devices/uprobe/type", "re");

	if (f && fscanf(f, "%u", &type) != 1)
		type = 0;
	if (f)
		fclose(f);
	return type;
}

/* Does process PID run code of a file that was called PATH, and is no longer? That one
 * would be looked at in vain: probes are on files, not on names. */
static bool runs_replaced(u32 pid, const char *path)
{
	char line[4352], file[64], *name, *end;
	bool gone = false, here = false;
	FILE *maps;

	snprintf(file, sizeof(file), "/proc/%u/maps", pid);
	maps = fopen(file, "re");
	while (maps && fgets(line, sizeof(line), maps)) {
		name = strchr(line, '/');
		if (!name || strncmp(name, path, strlen(path)))
			continue;
		end = name + strlen(path);
		gone |= !strcmp(end, " (deleted)\n");
		here |= !strcmp(end, "\n");
	}
	if (maps)
		fclose(maps);
	return gone && !here;
}

static int say_replaced(struct link_job *j, const char *path)
{
	int r = err_set(j->err, ERR_ATTACH_REPLACED, j->img->file, "program '%s': process %u runs "
			"another file than the one that is called %s now", j->p->name, j->w->pid,
			path);

	err_note(j->err, "it was replaced or removed after the process had started");
	err_help(j->err, "start the process anew; or, when it is the program itself, "
		 "/proc/%u/exe instead of the path", j->w->pid);
	return r;
}

int uprobe_open(struct link_job *j, struct sym_file *f, const char *path, char **found)
{
	int r;

	*found = sym_find_file(path, j->w->pid);
	if (!*found) {
		r = err_set(j->err, ERR_ATTACH_FIND, j->img->file, "program '%s': there is no "
			    "program or library '%s'", j->p->name, path);
		err_note(j->err, "programs are looked for in $PATH, libraries (NAME.so..., "
			 "libNAME) where the system has them%s",
			 j->w->pid ? " and the process does" : "");
		return r;
	}
	r = j->w->pid && runs_replaced(j->w->pid, *found) ? say_replaced(j, *found) :
							    sym_open(f, *found, j->err);
	if (r) {
		free(*found);
		*found = NULL;
		return r;
	}
	if (access(*found, F_OK))	/* the kernel knows files, not what is in archives */
		(*found)[sym_archive_len(*found)] = 0;
	return 0;
}

/* Is OFF the beginning of an instruction? */
static int check_begin(struct link_job *j, const struct sym_file *f, u64 off)
{
	const struct sym_insn i = sym_insn_at(f, off);
	int r;

	if (i.kind == SYM_INSN_BEGINS)
		return 0;
	r = err_set(j->err, ERR_ATTACH_INSN, j->img->file, "program '%s' is not attached to "
		    "0x%llx of %s: %s", j->p->name, (unsigned long long)off, f->path,
		    i.kind == SYM_INSN_INSIDE ? "it is inside of an instruction" :
		    "whether an instruction begins there cannot be told");
	if (i.kind == SYM_INSN_INSIDE && i.func.name)
		err_help(j->err, "instructions begin at %s+%llu and %s+%llu", i.func.name,
			 (unsigned long long)(i.prev - i.func_off), i.func.name,
			 (unsigned long long)(i.next - i.func_off));
	else if (i.kind == SYM_INSN_INSIDE)
		err_help(j->err, "instructions begin at 0x%llx and 0x%llx",
			 (unsigned long long)i.prev, (unsigned long long)i.next);
	return r;
}

int uprobe_check(struct link_job *j, const struct sym_file *f, u64 off)
{
	int r;

	if (sym_address(f, off) < 0)
		return link_bad_where(j, "%s has no code at offset 0x%llx", f->path,
				      (unsigned long long)off);
	r = check_begin(j, f, off);
	if (r)
		return r;
	if (!redzone_is_at_risk(j, f, off))
		return 0;
	r = err_set(j->err, ERR_ATTACH_RED_ZONE, j->img->file, "program '%s' is not attached to "
		    "the nop at 0x%llx of %s: the probed function would lose its variables",
		    j->p->name, (unsigned long long)off, f->path);
	err_note(j->err, "kernel %s replaces the nop by a call, which writes below the stack "
		 "pointer, where the function keeps variables", j->k->release);
	err_help(j->err, "attach to the instruction behind it, 0x%llx",
		 (unsigned long long)off + 5);
	return r;
}

/* ---- one place ------------------------------------------------------------- */

int uprobe_perf(struct link_job *j, const char *path, u64 off, u64 ref, u64 cookie, bool ret)
{
	struct perf_event_attr a = { .size = sizeof(a), .type = uprobe_pmu(), .disabled = 1,
		.config = (u64)ret | ref << 32, .probe_offset = off };
	struct link_where w = *j->w;
	struct link_job own = *j;
	int fd, r;

	w.cookie = cookie;
	own.w = &w;
	a.uprobe_path = (uintptr_t)path;
	if (!a.type)
		return link_refused(j, -EOPNOTSUPP, "%s: this kernel has no uprobes "
				    "(CONFIG_UPROBE_EVENTS)", path);
	fd = sys_perf_open(&a, j->w->pid ? (s32)j->w->pid : -1, j->w->pid ? -1 : 0);
	r = fd < 0 ? fd : link_perf_attach(&own, fd);
	return r ? link_refused(j, r, "%s at 0x%llx", path, (unsigned long long)off) : 0;
}

/* Where the place that P names is in F. */
static int resolve(struct link_job *j, const struct sym_file *f, const struct sym_place *p,
		   u64 *off)
{
	struct sym s = { 0 };
	s64 at = 0;
	int r = *p->symbol ? sym_find(f, p->symbol, &s, j->err) : 0;

	if (r)
		return r;
	if (*p->symbol && (at = sym_offset(f, s.addr)) < 0)
		return link_bad_where(j, "%s has no code for '%s'", f->path, p->symbol);
	if (*p->symbol && p->off && s.bytes && p->off >= s.bytes)
		return link_bad_where(j, "'%s' has %llu bytes, none at %llu", p->symbol,
				      (unsigned long long)s.bytes, (unsigned long long)p->off);
	*off = (u64)at + p->off;
	return uprobe_check(j, f, *off);
}

static int parse(struct link_job *j, struct sym_place *p)
{
	if (!*j->w->at)
		return link_bad_where(j, "it does not say where (--at PATH:FUNCTION)");
	if (!sym_place_parse(p, j->w->at, false))
		return link_bad_where(j, "'%s' is not PATH:FUNCTION[+OFFSET]", j->w->at);
	return 0;
}

int link_uprobe(struct link_job *j)
{
	const bool ret = j->l->row->how == ATTACH_URETPROBE;
	struct sym_place p;
	struct sym_file f;
	char *path;
	u64 off;
	int r = parse(j, &p);

	if (r)
		return r;
	r = ret && p.off && *p.symbol ? link_bad_where(j, "a return has no offset") : 0;
	if (!r)
		r = uprobe_open(j, &f, p.path, &path);
	if (!r) {
		r = resolve(j, &f, &p, &off);
		if (!r)
			r = uprobe_perf(j, path, off, j->w->ref, j->w->cookie, ret);
		if (!r)
			link_says(j, "%s:%s+0x%llx", path, p.symbol,
				  (unsigned long long)(*p.symbol ? p.off : off));
		sym_close(&f);
		free(path);
	}
	sym_place_free(&p);
	return r;
}

/* ---- many places ----------------------------------------------------------- */

int uprobe_multi(struct link_job *j, const char *path, const u64 *offs, const u64 *refs,
		 const u64 *cookies, u32 n, bool ret)
{
	struct link_attr a = { .prog_fd = (u32)j->prog_fd,
		.attach_type = j->p->expected_attach };
	int fd;

	a.u.uprobe_multi.path = (uintptr_t)path;
	a.u.uprobe_multi.offsets = (uintptr_t)offs;
	a.u.uprobe_multi.refs = (uintptr_t)refs;
	a.u.uprobe_multi.cookies = (uintptr_t)cookies;
	a.u.uprobe_multi.cnt = n;
	a.u.uprobe_multi.flags = ret;
	a.u.uprobe_multi.pid = j->w->pid;
	fd = link_create(&a);
	if (fd < 0)
		return link_refused(j, fd, "%u places of %s", n, path);
	if (j->l->fd < 0)
		j->l->fd = fd;
	else
		*vec_push(&j->l->fds) = fd;
	j->l->places += n;
	return 0;
}

struct matches {
	const struct sym_file *f;
	const char *pattern;
	VEC(u64) offs;
};

static int add_match(void *arg, const struct sym *s)
{
	struct matches *m = arg;
	s64 off = fnmatch(m->pattern, s->name, 0) ? -1 : sym_offset(m->f, s->addr);

	if (off >= 0)
		*vec_push(&m->offs) = (u64)off;
	return m->offs.n == PLACES_MAX;
}

static int by_number(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Two tables may have the same function, and functions have several names. */
static void once_each(struct matches *m)
{
	size_t n = 0;

	if (m->offs.n)
		qsort(m->offs.v, m->offs.n, sizeof(u64), by_number);
	for (size_t i = 0; i < m->offs.n; i++)
		if (!i || m->offs.v[i] != m->offs.v[i - 1])
			m->offs.v[n++] = m->offs.v[i];
	m->offs.n = n;
}

static int find_all(struct link_job *j, struct matches *m, const struct sym_place *p)
{
	u64 off;
	int r;

	if (strpbrk(p->symbol, "*?[")) {
		m->pattern = p->symbol;
		sym_each(m->f, add_match, m);
		if (m->offs.n == PLACES_MAX)
			return err_set(j->err, ERR_ATTACH_WHERE, m->f->path, "'%s' matches a "
				       "million functions or more, which one link cannot have",
				       p->symbol);
		once_each(m);
		if (!m->offs.n)
			return err_set(j->err, ERR_ATTACH_FIND, m->f->path, "there is no function "
				       "that matches '%s'", p->symbol);
		return 0;
	}
	r = resolve(j, m->f, p, &off);
	if (!r)
		*vec_push(&m->offs) = off;
	return r;
}

static int attach_all(struct link_job *j, const char *path, const struct matches *m)
{
	const bool ret = j->l->row->how == ATTACH_URETPROBE_MULTI;
	u64 *cookies = NULL;
	int r;

	if (j->w->has_cookie) {
		cookies = mem_alloc(m->offs.n * sizeof(*cookies));
		for (size_t i = 0; i < m->offs.n; i++)
			cookies[i] = j->w->cookie;
	}
	r = uprobe_multi(j, path, m->offs.v, NULL, cookies, (u32)m->offs.n, ret);
	free(cookies);
	return r;
}

int link_uprobe_multi(struct link_job *j)
{
	struct sym_place p;
	struct sym_file f;
	struct matches m = { .f = &f };
	char *path;
	int r = parse(j, &p);

	if (r)
		return r;
	r = uprobe_open(j, &f, p.path, &path);
	if (!r) {
		r = find_all(j, &m, &p);
		/* the kernel looks through all mappings of the file for each place */
		sym_close(&f);
		if (!r)
			r = attach_all(j, path, &m);
		if (!r)
			link_says(j, "%s:%s", path, p.symbol);
		vec_free(&m.offs);
		free(path);
	}
	sym_place_free(&p);
	return r;
}
