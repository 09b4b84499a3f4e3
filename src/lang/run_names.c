/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run_names.c: names of addresses: of the kernel from /proc/kallsyms, of processes from
 * what they have mapped and the symbols of those files, which are opened once. What a
 * process has mapped is kept, so that its stacks have names after it has ended.
 */
#include "lang/run_in.h"
#include "sym/symbols.h"
#include <dirent.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct ksym { u64 addr; u32 name; };
struct part { u64 from, to, off; u32 file; };	/* of an address space */
struct space { u32 pid; VEC(struct part) parts; };
struct file { char *path; struct sym_file f; bool open, tried; };

struct names {
	bool asked;
	VEC(struct ksym) ksyms;
	struct strbuf ktext;
	VEC(struct space) spaces;
	VEC(struct file *) files;
};

/* ---- the kernel -------------------------------------------------------------- */

static int by_address(const void *a, const void *b)
{
	const struct ksym *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static void read_kallsyms(struct names *n)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512], type, name[384];
	u64 addr;

	n->asked = true;
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 " %c %383s", &addr, &type, name) != 3 || !addr ||
		    (type != 't' && type != 'T' && type != 'w' && type != 'W'))
			continue;
		*vec_push(&n->ksyms) = (struct ksym){ addr, (u32)n->ktext.n };
		sb_add(&n->ktext, name, strlen(name) + 1);
	}
	if (f)
		fclose(f);
	if (n->ksyms.n)
		qsort(n->ksyms.v, n->ksyms.n, sizeof(struct ksym), by_address);
}

static void ksym(void *arg, struct strbuf *b, u64 addr, bool offset)
{
	struct names *n = ((struct run *)arg)->names;
	size_t low = 0, high;

	if (!n->asked)
		read_kallsyms(n);
	high = n->ksyms.n;
	while (low < high) {
		size_t mid = (low + high) / 2;

		if (n->ksyms.v[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low) {
		sb_printf(b, "0x%" PRIx64, addr);
		return;
	}
	sb_puts(b, n->ktext.s + n->ksyms.v[low - 1].name);
	if (offset)
		sb_printf(b, "+%" PRIu64, addr - n->ksyms.v[low - 1].addr);
}

/* ---- processes --------------------------------------------------------------- */

static u32 file_index(struct names *n, const char *path)
{
	struct file *f;

	for (u32 i = 0; i < n->files.n; i++)
		if (!strcmp(n->files.v[i]->path, path))
			return i;
	f = mem_alloc(sizeof(*f));
	*f = (struct file){ .path = mem_strdup(path) };
	*vec_push(&n->files) = f;
	return (u32)n->files.n - 1;
}

static struct space *space_of(struct names *n, u32 pid)
{
	for (size_t i = 0; i < n->spaces.n; i++)
		if (n->spaces.v[i].pid == pid)
			return &n->spaces.v[i];
	*vec_push(&n->spaces) = (struct space){ .pid = pid };
	return &n->spaces.v[n->spaces.n - 1];
}

static bool has_part(const struct space *s, const struct part *p)
{
	for (size_t i = 0; i < s->parts.n; i++)
		if (!memcmp(&s->parts.v[i], p, sizeof(*p)))
			return true;
	return false;
}

/* What PID has mapped now is known from then on. */
void run_names_look(struct run *r, u32 pid)
{
	struct names *n = r->names;
	struct space *s;
	char path[64], line[4400], perm[8], file[4200];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	f = n ? fopen(path, "re") : NULL;
	s = f ? space_of(n, pid) : NULL;
	while (f && fgets(line, sizeof(line), f)) {
		struct part p = { 0 };

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %4199[^\n]",
			   &p.from, &p.to, perm, &p.off, file) != 5 ||
		    perm[2] != 'x' || *file != '/')
			continue;
		p.file = file_index(n, file);
		if (!has_part(s, &p))
			*vec_push(&s->parts) = p;
	}
	if (f)
		fclose(f);
}

static bool file_open(struct file *f)
{
	struct skep_err err;

	if (!f->tried) {
		f->tried = true;
		f->open = !sym_open(&f->f, f->path, &err);
	}
	return f->open;
}

static const struct part *part_at(struct run *r, u32 pid, u64 addr)
{
	const struct space *s = space_of(r->names, pid);

	for (size_t i = s->parts.n; i--;)
		if (addr >= s->parts.v[i].from && addr < s->parts.v[i].to)
			return &s->parts.v[i];
	return NULL;
}

static void usym(void *arg, struct strbuf *b, u64 addr, u32 pid, bool offset)
{
	struct run *r = arg;
	const struct part *p = part_at(r, pid, addr);
	struct file *f;
	struct sym s;
	s64 at;

	if (!p) {
		run_names_look(r, pid);
		p = part_at(r, pid, addr);
	}
	f = p ? r->names->files.v[p->file] : NULL;
	at = f && file_open(f) ? sym_address(&f->f, addr - p->from + p->off) : -1;
	if (at < 0 || !sym_at(&f->f, (u64)at, &s)) {
		sb_printf(b, "0x%" PRIx64, addr);
		return;
	}
	sb_puts(b, s.name);
	if (offset)
		sb_printf(b, "+%" PRIu64, (u64)at - s.addr);
}

/* ---- stacks ------------------------------------------------------------------ */

static u32 stack(void *arg, const struct ty *t, const struct lang_stack *s, u64 *ips, u32 max)
{
	struct run *r = arg;
	const struct lang_stacks *where = &r->o->unit->stacks.v[t->par[2]];
	const s32 map = run_map(r, where->bpf_name);
	u64 all[127] = { 0 };
	const u32 key = (u32)s->id;
	u32 n = 0;

	if (map < 0 || s->id < 0 || r->b->ops->map_lookup(r->b, (u32)map, &key, all, 0))
		return 0;
	while (n < max && n < where->frames && all[n]) {
		ips[n] = all[n];
		n++;
	}
	return n;
}

/* ---- cgroups and accounts ---------------------------------------------------- */

/* A cgroup's number is its folder's inode. */
static bool find_cgroup(struct strbuf *b, const char *dir, u64 id, u32 depth)
{
	struct stat st;
	struct dirent *e;
	DIR *d;
	bool found = false;

	if (!stat(dir, &st) && st.st_ino == id) {
		sb_puts(b, dir + strlen("/sys/fs/cgroup"));
		return true;
	}
	d = depth < 32 ? opendir(dir) : NULL;
	while (d && !found && (e = readdir(d))) {
		char path[4096];

		if (e->d_type != DT_DIR || e->d_name[0] == '.' ||
		    snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >= (int)sizeof(path))
			continue;
		found = find_cgroup(b, path, id, depth + 1);
	}
	if (d)
		closedir(d);
	return found;
}

static void cgroup(void *arg, struct strbuf *b, u64 id, const char *filter)
{
	struct strbuf path = { 0 };

	(void)arg;
	if ((*filter && fnmatch(filter, "unified", 0)) ||
	    !find_cgroup(&path, "/sys/fs/cgroup", id, 0))
		sb_printf(b, "%" PRIu64, id);
	else
		sb_printf(b, "unified:%s", path.n ? path.s : "/");
	sb_free(&path);
}

static void user(void *arg, struct strbuf *b, u64 uid)
{
	const struct passwd *p = getpwuid((uid_t)uid);

	(void)arg;
	if (p)
		sb_puts(b, p->pw_name);
	else
		sb_printf(b, "%" PRIu64, uid);
}

/* ---- the whole --------------------------------------------------------------- */

void run_names_open(struct run *r)
{
	r->names = mem_alloc(sizeof(*r->names));
	memset(r->names, 0, sizeof(*r->names));
	r->out.ksym = ksym;
	r->out.usym = usym;
	r->out.stack = stack;
	r->out.cgroup = cgroup;
	r->out.user = user;
}

void run_names_close(struct run *r)
{
	struct names *n = r->names;

	if (!n)
		return;
	for (size_t i = 0; i < n->files.n; i++) {
		if (n->files.v[i]->open)
			sym_close(&n->files.v[i]->f);
		free(n->files.v[i]->path);
		free(n->files.v[i]);
	}
	for (size_t i = 0; i < n->spaces.n; i++)
		vec_free(&n->spaces.v[i].parts);
	vec_free(&n->files);
	vec_free(&n->spaces);
	vec_free(&n->ksyms);
	sb_free(&n->ktext);
	free(n);
}
