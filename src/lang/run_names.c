/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run_names.c: names of the kernel's addresses from /proc/kallsyms, stacks, cgroups and
 * accounts. Names of processes' addresses: run_space.c.
 */
#include "lang/run_in.h"
#include "sym/names.h"
#include <dirent.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct ksym { u64 addr; u32 name; };

struct names {
	bool asked;
	VEC(struct ksym) ksyms;
	struct strbuf ktext;
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
	const char *name;
	char *rust;

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
	name = n->ktext.s + n->ksyms.v[low - 1].name;
	rust = strncmp(name, "_R", 2) ? NULL : sym_demangle(name);
	sb_puts(b, rust ? rust : name);
	free(rust);
	if (offset)
		sb_printf(b, "+%" PRIu64, addr - n->ksyms.v[low - 1].addr);
}

/* ---- stacks ------------------------------------------------------------------ */

/* Of dw_ustack: by its hash. */
static u32 dw_stack(struct run *r, const struct lang_stacks *where, const struct lang_stack *s,
		    u64 *ips, u32 max)
{
	const s32 map = run_map(r, where->bpf_name[0]);
	u64 all[1 + 127] = { 0 };
	u32 n = 0;

	if (map < 0 || r->b->ops->map_lookup(r->b, (u32)map, &s->id, all, 0))
		return 0;
	while (n < max && n < where->frames && n < all[0]) {
		ips[n] = all[1 + n];
		n++;
	}
	return n;
}

static u32 stack(void *arg, const struct ty *t, const struct lang_stack *s, u64 *ips, u32 max)
{
	struct run *r = arg;
	const struct lang_stacks *where = &r->o->unit->stacks.v[t->par[2]];
	const s32 map = s->level < LANG_STACK_LEVELS && !where->dwarf ?
		run_map(r, where->bpf_name[s->level]) : -1;
	u64 all[127] = { 0 };
	const u32 key = (u32)s->id;
	u32 n = 0;

	if (where->dwarf)
		return dw_stack(r, where, s, ips, max);
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
	r->out.usym = run_space_name;
	r->out.module = run_space_module;
	r->out.frames = run_space_frames;
	r->out.stack = stack;
	r->out.cgroup = cgroup;
	r->out.user = user;
}

void run_names_close(struct run *r)
{
	struct names *n = r->names;

	if (!n)
		return;
	vec_free(&n->ksyms);
	sb_free(&n->ktext);
	free(n);
}
