/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run_space.c: what processes have mapped, and names of their code. Mappings are told by
 * the kernel as they are made, so that stacks of a process have names that lived for
 * milliseconds; what was there before is read from /proc when tracing begins. Files are
 * opened when they are seen first, since they may be gone when a name is wanted, and read
 * when one is. Where the kernel tells nothing, what /proc says at the time has to do.
 */
#include "kernel/procwatch.h"
#include "lang/run_in.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { BUCKETS = 4096, MAX_SPACES = 65536, MAX_PARENTS = 32, JIT = UINT32_MAX };

struct part { u64 from, to, off; u32 file; };	/* of an address space; FILE: or JIT */
struct code { u64 from, to; const char *name; };	/* that a process made by itself */

/* A process. One that was forked and has executed nothing has its parent's parts, too. */
struct space {
	u32 pid, next;		/* NEXT: 1 + index of the next one of its bucket; 0 none */
	u32 parent, parent_life;	/* 1 + index; its life then */
	u32 life;		/* counts whom this place was given to */
	bool ended, looked;	/* LOOKED: in /proc, for what nobody told of */
	bool watched, moved;	/* for dw_ustack; MOVED: since run_unwind.c was told */
	VEC(struct part) parts;	/* what came last wins */
	VEC(struct code) jit;
	struct arena text;	/* of jit */
	s64 jit_bytes;		/* of the file, as it was read */
};

struct file {
	char *path;
	u64 dev, ino;
	int fd;			/* -1: by its path */
	bool tried;
	struct sym_names *names;	/* NULL: not read, or nothing to be read */
};

struct spaces {
	struct procwatch *watch;	/* NULL: /proc alone */
	VEC(struct space) v;
	u32 bucket[BUCKETS];
	u32 oldest;		/* where to look for one to forget */
	u64 forgotten, lost;
	VEC(struct file *) files;
	bool inodes_differ;	/* from what stat says, as on some overlays */
};

/* ---- processes ----------------------------------------------------------- */

static struct space *space_find(struct spaces *s, u32 pid)
{
	for (u32 i = s->bucket[pid % BUCKETS]; i; i = s->v.v[i - 1].next)
		if (s->v.v[i - 1].pid == pid)
			return &s->v.v[i - 1];
	return NULL;
}

static void space_clear(struct space *p)
{
	vec_free(&p->parts);
	vec_free(&p->jit);
	arena_free(&p->text);
}

static void unlink_space(struct spaces *s, u32 i)
{
	u32 *at = &s->bucket[s->v.v[i].pid % BUCKETS];

	while (*at && *at != i + 1)
		at = &s->v.v[*at - 1].next;
	if (*at)
		*at = s->v.v[i].next;
}

/* The place of one that has ended long ago; MAX_SPACES: all of them live. */
static u32 forget_one(struct spaces *s)
{
	for (u32 n = 0; n < MAX_SPACES; n++) {
		const u32 i = s->oldest++ % MAX_SPACES;

		if (!s->v.v[i].ended)
			continue;
		unlink_space(s, i);
		space_clear(&s->v.v[i]);
		s->forgotten++;
		return i;
	}
	return MAX_SPACES;
}

static struct space *space_of(struct spaces *s, u32 pid)
{
	struct space *p = space_find(s, pid);
	u32 i = (u32)s->v.n, life = 0;

	if (p)
		return p;
	if (i >= MAX_SPACES) {
		i = forget_one(s);
		if (i == MAX_SPACES)
			return NULL;
		life = s->v.v[i].life + 1;
	} else {
		(void)vec_push(&s->v);
	}
	s->v.v[i] = (struct space){ .pid = pid, .life = life, .next = s->bucket[pid % BUCKETS] };
	s->bucket[pid % BUCKETS] = i + 1;
	return &s->v.v[i];
}

static void add_part(struct space *p, const struct part *part)
{
	size_t i = p->parts.n;

	while (i && memcmp(&p->parts.v[i - 1], part, sizeof(*part)))
		i--;
	if (i)		/* mapped again, it comes last */
		memmove(&p->parts.v[i - 1], &p->parts.v[i],
			(p->parts.n-- - i) * sizeof(*part));
	*vec_push(&p->parts) = *part;
	p->moved = true;
}

static const struct part *part_in(const struct space *p, u64 addr)
{
	for (size_t i = p->parts.n; i--;)
		if (addr >= p->parts.v[i].from && addr < p->parts.v[i].to)
			return &p->parts.v[i];
	return NULL;
}

/* Where ADDR of PID is; OWNER: whose it is, PID or a parent. */
static const struct part *part_at(struct spaces *s, u32 pid, u64 addr, u32 *owner)
{
	const struct space *p = space_find(s, pid);

	for (u32 n = 0; p && n < MAX_PARENTS; n++) {
		const struct part *part = part_in(p, addr);
		const struct space *up = p->parent ? &s->v.v[p->parent - 1] : NULL;

		*owner = (u32)(p - s->v.v);
		if (part)
			return part;
		p = up && up->life == p->parent_life ? up : NULL;
	}
	return NULL;
}

/* ---- files --------------------------------------------------------------- */

static int open_file(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

static bool is_same(const struct spaces *s, int fd, u64 ino)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode) &&
	       (st.st_ino == ino || !ino || s->inodes_differ);
}

/* What PID has mapped at P and calls PATH; a path may be another file's meanwhile, or in
 * this name space of files: -1. */
static int open_mapped(const struct spaces *s, u32 pid, const struct part *p, const char *path,
		       u64 ino)
{
	char at[4400];
	int fd;

	snprintf(at, sizeof(at), "/proc/%u/map_files/%" PRIx64 "-%" PRIx64, pid, p->from, p->to);
	fd = open_file(at);
	if (fd >= 0)
		return fd;
	for (u32 own = 0; own < 2; own++) {
		if (own)
			snprintf(at, sizeof(at), "%s", path);
		else
			snprintf(at, sizeof(at), "/proc/%u/root%s", pid, path);
		fd = open_file(at);
		if (fd >= 0 && is_same(s, fd, ino))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

/* The system's own library in each process: a file that is only in memory. */
static int open_vdso(void)
{
	const u8 *at = (const u8 *)(uintptr_t)getauxval(AT_SYSINFO_EHDR);
	const long page = sysconf(_SC_PAGESIZE);
	int fd = at ? memfd_create("vdso", MFD_CLOEXEC) : -1;

	/* it has one or two pages; reading is by the system, which minds what is not there */
	for (long n = 2; fd >= 0 && n; n--)
		if (write(fd, at, (size_t)(n * page)) == n * page)
			return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static u32 file_index(struct spaces *s, u32 pid, const struct part *p, const char *path, u64 dev,
		      u64 ino)
{
	struct file *f;

	for (u32 i = 0; i < s->files.n; i++) {
		f = s->files.v[i];
		if (f->ino == ino && f->dev == dev && !strcmp(f->path, path))
			return i;
	}
	f = mem_alloc(sizeof(*f));
	*f = (struct file){ .path = mem_strdup(path), .dev = dev, .ino = ino };
	f->fd = *path == '[' ? open_vdso() : open_mapped(s, pid, p, path, ino);
	f->tried = f->fd < 0;
	*vec_push(&s->files) = f;
	return (u32)s->files.n - 1;
}

static struct sym_names *file_names(struct run *r, struct file *f)
{
	const struct lang_config *c = &r->o->unit->config;
	const struct sym_names_opts o = { .lines = c->show_debug_info, .raw = !c->cpp_demangle };
	struct skep_err err;

	if (!f->tried) {
		f->tried = true;
		if (sym_names_open(&f->names, f->path, f->fd, &o, &err))
			f->names = NULL;
		close(f->fd);
		f->fd = -1;
	}
	return f->names;
}

/* ---- what is mapped ------------------------------------------------------ */

static void add_mapping(struct spaces *s, u32 pid, struct part p, const char *path, u64 dev,
			u64 ino)
{
	struct space *sp = space_of(s, pid);

	if (!sp)
		return;
	if (!*path || !strcmp(path, "//anon")) {
		p.file = JIT;
		p.off = 0;
	} else if (!strcmp(path, "[vdso]")) {
		p.off = 0;
		p.file = file_index(s, pid, &p, path, 0, 0);
	} else if (*path == '/') {
		p.file = file_index(s, pid, &p, path, dev, ino);
	} else {
		return;
	}
	add_part(sp, &p);
}

/* What PID has mapped now. */
static void look(struct spaces *s, u32 pid)
{
	char path[64], line[4400], perm[8], name[4200];
	unsigned maj, min;
	u64 ino;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		struct part p = { 0 };

		*name = 0;
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %x:%x %" SCNu64
			   " %4199[^\n]", &p.from, &p.to, perm, &p.off, &maj, &min, &ino,
			   name) >= 7 && perm[2] == 'x')
			add_mapping(s, pid, p, name, makedev(maj, min), ino);
	}
	if (f)
		fclose(f);
}

static void look_at_all(struct spaces *s)
{
	size_t n;
	char **names = os_dir_names("/proc", &n);

	for (size_t i = 0; i < n; i++) {
		const unsigned long pid = strtoul(names[i], NULL, 10);

		if (pid)
			look(s, (u32)pid);
		free(names[i]);
	}
	free(names);
}

static void on_fork(struct spaces *s, const struct procwatch_event *e)
{
	struct space *p = space_of(s, e->pid), *up = space_find(s, e->parent);

	if (!p)
		return;
	p->ended = false;
	p->parent = up ? (u32)(up - s->v.v) + 1 : 0;
	p->parent_life = up ? up->life : 0;
	p->watched = p->moved = up && up->watched;
}

/* It executes another file. Parts stay for stacks from before, unless they have to be right. */
static void space_emptied(struct space *p)
{
	p->parent = 0;
	p->moved = true;
	if (p->watched)
		p->parts.n = 0;
}

static void on_event(void *arg, const struct procwatch_event *e)
{
	struct spaces *s = arg;
	struct space *p;

	switch (e->kind) {
	case PROCWATCH_MAP:
		add_mapping(s, e->pid, (struct part){ e->from, e->from + e->bytes, e->off, 0 },
			    e->path, e->dev, e->ino);
		break;
	case PROCWATCH_FORK:
		on_fork(s, e);
		break;
	case PROCWATCH_EXEC:
		p = space_of(s, e->pid);
		if (p)
			space_emptied(p);
		break;
	case PROCWATCH_END:
		p = space_find(s, e->pid);
		if (p)
			p->ended = true;
		break;
	case PROCWATCH_LOST:
		s->lost += e->lost;
	}
}

int run_space_fd(const struct run *r)
{
	return r->spaces && r->spaces->watch ? procwatch_fd(r->spaces->watch) : -1;
}

/* What watched processes have mapped since. */
static void tell_moved(struct run *r)
{
	struct spaces *s = r->spaces;

	for (size_t i = 0; s && r->unwind && i < s->v.n; i++) {
		struct space *p = &s->v.v[i];

		if (!p->watched || (!p->moved && !p->ended))
			continue;
		p->moved = false;
		if (p->ended) {
			p->watched = false;
			run_unwind_drop(r, p->pid);
		} else {
			run_unwind_put(r, p->pid);
		}
	}
}

u32 run_space_parts(struct run *r, u32 pid, struct run_part *v, u32 max)
{
	struct spaces *s = r->spaces;
	const struct space *p = space_find(s, pid);
	u32 n = 0;

	for (u32 up = 0; p && up < MAX_PARENTS; up++) {
		const struct space *parent = p->parent ? &s->v.v[p->parent - 1] : NULL;

		for (size_t i = p->parts.n; i--;) {
			const struct part *part = &p->parts.v[i];
			const struct file *f = part->file == JIT ? NULL : s->files.v[part->file];
			u32 k = 0;

			while (k < n && (part->to <= v[k].from || part->from >= v[k].to))
				k++;
			if (f && k == n && n < max)
				v[n++] = (struct run_part){ part->from, part->to, part->off, f->dev,
					f->ino, f->path, f->fd };
		}
		p = parent && parent->life == p->parent_life ? parent : NULL;
	}
	return n;
}

void run_space_watch(struct run *r, u32 pid)
{
	struct space *p = r->spaces ? space_of(r->spaces, pid) : NULL;

	if (!p)
		return;
	run_space_read(r);
	p = space_of(r->spaces, pid);
	p->parts.n = 0;
	p->parent = 0;
	look(r->spaces, pid);
	p = space_of(r->spaces, pid);
	p->watched = p->moved = true;
	tell_moved(r);
}

void run_space_read(struct run *r)
{
	struct spaces *s = r->spaces;

	if (s && s->watch)
		procwatch_read(s->watch, on_event, s);
	else if (s && (r->o->child || r->o->pid))
		look(s, r->o->child ? r->o->child : r->o->pid);
	tell_moved(r);
}

/* ---- code that a process made by itself ---------------------------------- */

static int by_from(const void *a, const void *b)
{
	const struct code *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

/* /tmp/perf-PID.map, where compilers at run time say what they made. */
static void read_jit(struct space *p)
{
	char path[64], line[1024];
	struct stat st;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/root/tmp/perf-%u.map", p->pid, p->pid);
	f = fopen(path, "re");
	f = f ? f : fopen(path + strlen(path) - (size_t)snprintf(NULL, 0, "/tmp/perf-%u.map",
								  p->pid), "re");
	if (!f)
		return;
	if (!fstat(fileno(f), &st) && st.st_size != p->jit_bytes) {
		p->jit_bytes = st.st_size;
		p->jit.n = 0;
		while (fgets(line, sizeof(line), f)) {
			u64 from, bytes;
			int at = 0;

			line[strcspn(line, "\n")] = 0;
			if (sscanf(line, "%" SCNx64 " %" SCNx64 " %n", &from, &bytes, &at) == 2 &&
			    at && line[at])
				*vec_push(&p->jit) = (struct code){ from, from + bytes,
					arena_strdup(&p->text, line + at) };
		}
		if (p->jit.n)
			qsort(p->jit.v, p->jit.n, sizeof(*p->jit.v), by_from);
	}
	fclose(f);
}

static u32 jit_frame(struct space *p, u64 addr, u64 shown, struct sym_frame *v)
{
	size_t low = 0, high;

	read_jit(p);
	high = p->jit.n;
	while (low < high) {
		const size_t mid = (low + high) / 2;

		if (p->jit.v[mid].from <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low || addr >= p->jit.v[low - 1].to)
		return 0;
	*v = (struct sym_frame){ .name = p->jit.v[low - 1].name,
				 .off = shown - p->jit.v[low - 1].from };
	return 1;
}

/* ---- names --------------------------------------------------------------- */

/* Once is enough where the kernel tells what comes: stacks have addresses of nothing. */
static bool look_again(struct spaces *s, u32 pid)
{
	struct space *p = space_of(s, pid);

	if (!p || (p->looked && s->watch))
		return false;
	p->looked = true;
	look(s, pid);
	return true;
}

u32 run_space_frames(void *arg, struct sym_frame *v, u32 max, u64 addr, u32 pid, bool returns)
{
	struct run *r = arg;
	struct spaces *s = r->spaces;
	const u64 at = addr - (returns && addr);
	const struct part *p;
	struct sym_names *n;
	u32 owner;

	if (!s)
		return 0;
	run_space_read(r);
	p = part_at(s, pid, at, &owner);
	if (!p && look_again(s, pid))
		p = part_at(s, pid, at, &owner);
	if (!p)
		return 0;
	if (p->file == JIT)
		return jit_frame(&s->v.v[owner], at, addr, v);
	n = file_names(r, s->files.v[p->file]);
	return n ? sym_names_at(n, addr - p->from + p->off, returns, v, max) : 0;
}

bool run_space_module(void *arg, struct strbuf *b, u64 addr, u32 pid)
{
	struct spaces *s = ((struct run *)arg)->spaces;
	u32 owner;
	const struct part *p = s ? part_at(s, pid, addr, &owner) : NULL;
	const char *path, *slash;

	if (!p || p->file == JIT)
		return false;
	path = s->files.v[p->file]->path;
	slash = strrchr(path, '/');
	if (*path == '[')
		sb_puts(b, path);
	else
		sb_printf(b, "[%s]", slash ? slash + 1 : path);
	return true;
}

void run_space_name(void *arg, struct strbuf *b, u64 addr, u32 pid, bool offset)
{
	struct sym_frame v[RUN_FRAMES];
	const u32 n = run_space_frames(arg, v, RUN_FRAMES, addr, pid, false);

	if (!n)
		sb_printf(b, "0x%" PRIx64, addr);
	else
		sb_puts(b, v[n - 1].name);
	if (n && offset)
		sb_printf(b, "+%" PRIu64, v[n - 1].off);
}

/* ---- the whole ----------------------------------------------------------- */

static bool has_user_code(const struct ty *t)
{
	bool found = t && (t->kind == TY_USYM || (t->kind == TY_STACK && t->user));

	for (u32 i = 0; t && i < t->nr_fields; i++)
		found |= has_user_code(t->fields[i].ty);
	return found;
}

static bool wants_names(const struct lang_unit *u)
{
	bool found = false;

	for (size_t i = 0; i < u->maps.n; i++)
		found |= has_user_code(u->maps.v[i].key) || has_user_code(u->maps.v[i].value);
	for (size_t i = 0; i < u->records.n; i++)
		for (u32 k = 0; k < u->records.v[i].nr_args; k++)
			found |= has_user_code(u->records.v[i].args[k].ty);
	return found;
}

/* Does the kernel say of files in maps what stat says? As it does for this program. */
static bool inodes_differ(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[4400], path[4200];
	struct stat st;
	u64 ino;
	bool differ = false;

	while (f && !differ && fgets(line, sizeof(line), f))
		differ = sscanf(line, "%*s %*s %*s %*s %" SCNu64 " %4199[^\n]", &ino, path) == 2 &&
			 *path == '/' && !stat(path, &st) && st.st_ino != ino;
	if (f)
		fclose(f);
	return differ;
}

void run_space_open(struct run *r)
{
	struct rlimit files;
	struct spaces *s;
	struct skep_err err;

	if (!wants_names(r->o->unit) && !r->o->unit->spaces)
		return;
	s = mem_alloc(sizeof(*s));
	memset(s, 0, sizeof(*s));
	r->spaces = s;
	s->inodes_differ = inodes_differ();
	if (!getrlimit(RLIMIT_NOFILE, &files)) {	/* one for each file that is mapped */
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	procwatch_open(&s->watch, &err);	/* without it /proc has to do */
	if (r->o->pid)
		look(s, r->o->pid);
	else if (!r->o->child && s->watch)
		look_at_all(s);
}

void run_space_say(struct run *r)
{
	const struct spaces *s = r->spaces;

	if (s && s->lost)
		sb_printf(&r->errors, "WARNING: %" PRIu64 " events of mapped files were lost: "
			  "stacks may lack names\n", s->lost);
	if (s && s->forgotten)
		sb_printf(&r->errors, "WARNING: names of %" PRIu64 " processes that ended long ago "
			  "were not kept\n", s->forgotten);
}

void run_space_close(struct run *r)
{
	struct spaces *s = r->spaces;

	if (!s)
		return;
	procwatch_close(s->watch);
	for (size_t i = 0; i < s->v.n; i++)
		space_clear(&s->v.v[i]);
	for (size_t i = 0; i < s->files.n; i++) {
		struct file *f = s->files.v[i];

		sym_names_close(f->names);
		if (f->fd >= 0)
			close(f->fd);
		free(f->path);
		free(f);
	}
	vec_free(&s->v);
	vec_free(&s->files);
	free(s);
}
