/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map_top.c: which maps are used most, again and again: of the embedded engine's maps that
 * are pinned as files, what all processes do with them; of the kernel's, how many elements
 * they have and which programs use them, and how often those run. Files are watched while
 * this runs and no longer. Attaches nothing.
 */
#include "cli/map_top.h"
#include "kernel/kernel.h"
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	COUNT_MAX = 1 << 16,	/* larger maps of the kernel are not walked */
	MAPS_OF_PROG = 256, USERS_SHOWN = 4,
};

struct sample { u64 lookups, hits, updates, deletes; };

/* A program of the kernel that uses a map. */
struct user { u32 id; char name[16]; u64 runs, run_ns; double runs_per_s, ns_per_run; };
typedef VEC(struct user) user_list;

struct row {
	struct map_view v;	/* of a file; else v.obj is NULL, and v.live has id and name */
	char *name;		/* the file's, or the map's */
	const struct maptype_row *type;
	u64 count, max;
	bool counted;		/* COUNT is known */
	u32 users;		/* processes, of a file */
	struct sample now;
	double lookups, hits, updates, deletes, runs;	/* per second */
	user_list progs;
	bool seen;		/* in this round */
};

struct top {
	const struct top_opts *o;
	struct words *w;
	VEC(struct row *) rows;
	user_list last;		/* programs, a round ago */
	u64 at_ns;
	double seconds;		/* between the last two rounds */
	int stats_fd;
	bool files, kernel;	/* all: of the folder, of the kernel */
	struct skep_err *err;
};

static volatile sig_atomic_t stopped;
static void stop(int sig) { (void)sig; stopped = 1; }

/* ---- files ------------------------------------------------------------------------------ */

static struct row *row_add(struct top *t, const char *name)
{
	struct row *r = mem_alloc(sizeof(*r));

	r->name = mem_strdup(name);
	*vec_push(&t->rows) = r;
	return r;
}

static void row_free(struct row *r)
{
	if (r->v.obj)
		map_view_close(&r->v);
	vec_free(&r->progs);
	free(r->name);
	free(r);
}

static struct row *find_file(const struct top *t, const char *path)
{
	for (size_t i = 0; i < t->rows.n; i++)
		if (t->rows.v[i]->v.obj && !strcmp(t->rows.v[i]->v.live.file, path))
			return t->rows.v[i];
	return NULL;
}

static struct row *find_id(const struct top *t, u32 id)
{
	for (size_t i = 0; i < t->rows.n; i++)
		if (!t->rows.v[i]->v.obj && t->rows.v[i]->v.live.id == id)
			return t->rows.v[i];
	return NULL;
}

/* Takes M, a map in a file. */
static int file_add(struct top *t, struct live_map *m, struct skep_err *err)
{
	const char *slash = strrchr(m->file, '/');
	struct row *r = row_add(t, slash ? slash + 1 : m->file);
	int code = map_view_open(&r->v, m, err);

	if (code) {
		row_free(t->rows.v[--t->rows.n]);
		return code;
	}
	r->type = r->v.info.row;
	r->max = r->v.info.max_entries;
	r->v.b->ops->map_watch(r->v.b, 0, true);
	return 0;
}

static int path_add(struct top *t, const char *path, struct skep_err *err)
{
	struct map_list l = { 0 };
	struct words w = { &path, 1, 0 };
	int r = find_file(t, path) ? 0 : map_list_parse(&l, &w, err);

	for (size_t i = 0; !r && i < l.n; i++)
		r = file_add(t, &l.v[i], err);
	map_list_free(&l);
	return r;
}

/* Files of the folder that are maps; others may come later. */
static void folder_add(struct top *t, const char *dir)
{
	size_t n = 0;
	char **names = os_dir_names(dir, &n);

	for (size_t i = 0; i < n; i++) {
		struct skep_err unused;
		struct strbuf path = { 0 };

		sb_printf(&path, "%s/%s", dir, names[i]);
		if (os_is_plain_file(sb_text(&path)))
			path_add(t, sb_text(&path), &unused);
		sb_free(&path);
		free(names[i]);
	}
	free(names);
}

static void files_find(struct top *t)
{
	struct strbuf path = { 0 };
	struct skep_err unused;

	if (t->o->pin_dir)
		folder_add(t, t->o->pin_dir);
	else if (!pin_path(&path, "", ".", &unused))
		folder_add(t, sb_text(&path));
	sb_free(&path);
}

static double rate(const struct top *t, u64 now, u64 then)
{
	return t->seconds > 0 && now >= then ? (double)(now - then) / t->seconds : 0;
}

static void file_sample(const struct top *t, struct row *r)
{
	struct map_info info;
	struct sample now;

	r->v.b->ops->map_info(r->v.b, 0, &info);
	now = (struct sample){ info.lookups, info.hits, info.updates, info.deletes };
	r->lookups = rate(t, now.lookups, r->now.lookups);
	r->hits = rate(t, now.hits, r->now.hits);
	r->updates = rate(t, now.updates, r->now.updates);
	r->deletes = rate(t, now.deletes, r->now.deletes);
	r->now = now;
	r->count = info.count;
	r->counted = true;
	r->users = info.users;
	r->seen = !access(r->v.live.file, F_OK);
}

/* ---- the kernel ------------------------------------------------------------------------- */

static struct user *user_at(const user_list *l, u32 id)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].id == id)
			return &l->v[i];
	return NULL;
}

static void prog_sample(struct top *t, user_list *all, u32 id)
{
	struct skep_err unused;
	u32 maps[MAPS_OF_PROG], n;
	struct live_prog p;
	struct user *was, u;
	int fd = live_open(LIVE_PROG, id, &unused);

	if (fd < 0 || live_prog_read(&p, fd, &unused))
		return;
	was = user_at(&t->last, id);
	u = (struct user){ .id = id, .runs = p.runs, .run_ns = p.run_ns };
	memcpy(u.name, p.name, sizeof(u.name));
	if (was && p.runs > was->runs) {
		u.runs_per_s = rate(t, p.runs, was->runs);
		u.ns_per_run = (double)(p.run_ns - was->run_ns) / (double)(p.runs - was->runs);
	}
	*vec_push(all) = u;
	n = (u32)min_u64(live_prog_maps(fd, maps, MAPS_OF_PROG), MAPS_OF_PROG);
	for (u32 i = 0; i < n; i++) {
		struct row *r = find_id(t, maps[i]);

		if (!r)
			continue;
		*vec_push(&r->progs) = u;
		r->runs += u.runs_per_s;
	}
	close(fd);
}

static void progs_sample(struct top *t)
{
	user_list all = { 0 };
	u32 id = 0;

	while (!live_next(LIVE_PROG, &id))
		prog_sample(t, &all, id);
	vec_free(&t->last);
	t->last = all;
}

static bool is_countable(const struct live_map *m)
{
	switch (m->type) {
	case BPF_MAP_TYPE_HASH: case BPF_MAP_TYPE_LRU_HASH: case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH: case BPF_MAP_TYPE_LPM_TRIE:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
		return m->max_entries <= COUNT_MAX;
	default:
		return false;
	}
}

/* Takes M. */
static void kernel_count(struct row *r, struct live_map *m, struct backend *b)
{
	struct image_map def;
	struct map_info info;
	u32 number;

	if (!is_countable(m)) {
		live_map_close(m);
		return;
	}
	number = live_map_adopt(b, m, &def);
	r->counted = live_map_shape(b, number, &info) && !b->ops->map_info(b, number, &info);
	r->count = info.count;
}

static void kernel_sample(struct top *t, struct backend *b, u32 id)
{
	struct skep_err unused;
	struct live_map m;
	struct row *r;
	int fd = live_open(LIVE_MAP, id, &unused);

	if (fd < 0 || live_map_read(&m, fd, &unused))
		return;
	r = find_id(t, id);
	if (!r && !t->kernel) {
		live_map_close(&m);
		return;
	}
	if (!r) {
		r = row_add(t, m.name);
		r->v.live.id = id;
		r->v.live.fd = -1;
		r->type = maptype_row(m.type);
		r->max = m.max_entries;
	}
	r->seen = true;
	r->runs = 0;
	r->progs.n = 0;
	kernel_count(r, &m, b);
}

/* A map may go at any time, and so may a program. */
static void kernel_round(struct top *t)
{
	struct skep_err unused;
	struct backend *b;
	bool any = t->kernel;
	u32 id = 0;

	for (size_t i = 0; i < t->rows.n; i++)
		any |= !t->rows.v[i]->v.obj;
	if (!any || kernel_open(&b, NULL, &unused))
		return;
	while (!live_next(LIVE_MAP, &id))
		kernel_sample(t, b, id);
	b->ops->close(b);
	progs_sample(t);
}

/* ---- rounds ----------------------------------------------------------------------------- */

static double heat(const struct row *r) { return r->lookups + r->updates + r->deletes; }

static int hotter(const void *a, const void *b)
{
	const struct row *x = *(struct row *const *)a, *y = *(struct row *const *)b;

	if (heat(x) != heat(y))
		return heat(x) < heat(y) ? 1 : -1;
	if (x->runs != y->runs)
		return x->runs < y->runs ? 1 : -1;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void drop_gone(struct top *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->rows.n; i++) {
		struct row *r = t->rows.v[i];

		if (r->seen)
			t->rows.v[n++] = r;
		else
			row_free(r);
	}
	t->rows.n = n;
}

static void round_take(struct top *t)
{
	u64 now = os_clock_ns();

	t->seconds = t->at_ns ? (double)(now - t->at_ns) / 1e9 : 0;
	t->at_ns = now;
	if (t->files)
		files_find(t);
	for (size_t i = 0; i < t->rows.n; i++) {
		t->rows.v[i]->seen = false;
		if (t->rows.v[i]->v.obj)
			file_sample(t, t->rows.v[i]);
	}
	kernel_round(t);
	drop_gone(t);
	if (t->rows.n)
		qsort(t->rows.v, t->rows.n, sizeof(*t->rows.v), hotter);
}

/* ---- text ---------------------------------------------------------------------------------- */

static const char *number(char text[32], double v, bool known)
{
	snprintf(text, 32, known ? "%.0f" : "-", v);
	return text;
}

static void users_text(struct strbuf *out, const struct row *r)
{
	if (r->v.obj) {
		sb_printf(out, "%u process%s", r->users, r->users == 1 ? "" : "es");
		return;
	}
	for (size_t i = 0; i < r->progs.n && i < USERS_SHOWN; i++)
		sb_printf(out, "%s%s %u", i ? ", " : "", r->progs.v[i].name, r->progs.v[i].id);
	if (r->progs.n > USERS_SHOWN)
		sb_printf(out, ", and %zu more", r->progs.n - USERS_SHOWN);
}

static void row_text(struct strbuf *out, const struct top *t, const struct row *r)
{
	char name[48], many[48], found[32] = "-", n[4][32];
	bool file = r->v.obj;

	if (file)
		snprintf(name, sizeof(name), "%s", r->name);
	else
		snprintf(name, sizeof(name), "%u:%s", r->v.live.id, r->name);
	if (r->counted)
		snprintf(many, sizeof(many), "%" PRIu64 "/%" PRIu64, r->count, r->max);
	else
		snprintf(many, sizeof(many), "-/%" PRIu64, r->max);
	if (file && r->lookups > 0)
		snprintf(found, sizeof(found), "%.1f", 100 * r->hits / r->lookups);
	sb_printf(out, "%-20s %-14s %15s %11s %6s %11s %11s %9s  ", name,
		  r->type ? r->type->name : "?", many, number(n[0], r->lookups, file), found,
		  number(n[1], r->updates, file), number(n[2], r->deletes, file),
		  number(n[3], r->runs, !file && t->stats_fd >= 0));
	users_text(out, r);
	sb_putc(out, '\n');
}

/* More than a terminal shows is not printed there. */
static size_t rows_shown(const struct top *t)
{
	struct winsize w;

	if (t->o->rounds == 1 || !isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) ||
	    w.ws_row < 4)
		return t->rows.n;
	return (size_t)min_u64(t->rows.n, w.ws_row - 3u);
}

static void round_text(struct strbuf *out, const struct top *t)
{
	size_t n = rows_shown(t);

	sb_printf(out, "%-20s %-14s %15s %11s %6s %11s %11s %9s  %s\n", "MAP", "TYPE", "ENTRIES",
		  "LOOKUPS/s", "FOUND%", "UPDATES/s", "DELETES/s", "RUNS/s", "USED BY");
	for (size_t i = 0; i < n; i++)
		row_text(out, t, t->rows.v[i]);
	if (n < t->rows.n)
		sb_printf(out, "and %zu more\n", t->rows.n - n);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void rate_json(struct json *j, const char *name, double v)
{
	json_u64(j, name, (u64)(v + 0.5));
}

static void file_json(struct json *j, const struct row *r)
{
	json_str(j, "file", r->v.live.file);
	json_u64(j, "processes", r->users);
	rate_json(j, "lookups_per_s", r->lookups);
	rate_json(j, "hits_per_s", r->hits);
	rate_json(j, "updates_per_s", r->updates);
	rate_json(j, "deletes_per_s", r->deletes);
	json_u64(j, "lookups", r->now.lookups);
	json_u64(j, "hits", r->now.hits);
	json_u64(j, "updates", r->now.updates);
	json_u64(j, "deletes", r->now.deletes);
}

static void kernel_json(struct json *j, const struct top *t, const struct row *r)
{
	json_u64(j, "id", r->v.live.id);
	json_arr(j, "programs");
	for (size_t i = 0; i < r->progs.n; i++) {
		json_obj(j, NULL);
		json_u64(j, "id", r->progs.v[i].id);
		json_str(j, "name", r->progs.v[i].name);
		if (t->stats_fd >= 0) {
			rate_json(j, "runs_per_s", r->progs.v[i].runs_per_s);
			rate_json(j, "ns_per_run", r->progs.v[i].ns_per_run);
		}
		json_obj_end(j);
	}
	json_arr_end(j);
}

static void round_json(struct strbuf *out, const struct top *t)
{
	struct json j = { .out = out, .pretty = t->o->pretty };

	json_obj(&j, NULL);
	json_u64(&j, "interval_ms", (u64)(t->seconds * 1e3 + 0.5));
	json_arr(&j, "maps");
	for (size_t i = 0; i < t->rows.n; i++) {
		const struct row *r = t->rows.v[i];

		json_obj(&j, NULL);
		json_str(&j, "name", r->name);
		json_str(&j, "type", r->type ? r->type->name : "unknown");
		if (r->counted)
			json_u64(&j, "entries", r->count);
		json_u64(&j, "max_entries", r->max);
		if (r->v.obj)
			file_json(&j, r);
		else
			kernel_json(&j, t, r);
		json_obj_end(&j);
	}
	json_arr_end(&j);
	json_obj_end(&j);
	sb_putc(out, '\n');
}

/* A terminal shows the last round only. */
static int round_print(const struct top *t, u64 n)
{
	struct strbuf out = { 0 };
	bool screen = !t->o->json && t->o->rounds != 1 && isatty(STDOUT_FILENO);
	int r;

	if (screen)
		fputs("\033[H\033[J", stdout);
	else if (n && !t->o->json)
		sb_putc(&out, '\n');
	if (t->o->json)
		round_json(&out, t);
	else
		round_text(&out, t);
	r = print_out(&out);
	fflush(stdout);
	sb_free(&out);
	return r;
}

/* ---- the command ---------------------------------------------------------------------------- */

/* The kernel's map stays closed: its id is enough. */
static int operand_add(struct top *t, struct live_map *m)
{
	struct row *r;

	if (m->file)
		return file_add(t, m, t->err);
	r = row_add(t, m->name);
	r->v.live.id = m->id;
	r->v.live.fd = -1;
	r->type = maptype_row(m->type);
	r->max = m->max_entries;
	return 0;
}

static int operands(struct top *t)
{
	int r = 0;

	while (!r && word_peek(t->w)) {
		struct map_list l = { 0 };

		r = map_list_parse(&l, t->w, t->err);
		for (size_t i = 0; !r && i < l.n; i++)
			r = operand_add(t, &l.v[i]);
		map_list_free(&l);
	}
	return r;
}

static int no_folder(struct top *t)
{
	if (os_in_bpf_fs(t->o->pin_dir) < 0 || access(t->o->pin_dir, F_OK))
		return err_set(t->err, ERR_PIN, t->o->pin_dir,
			       "--pin-dir: there is no such folder");
	err_set(t->err, ERR_PIN, t->o->pin_dir, "--pin-dir is for maps that are files, and this "
		"folder has pins of the kernel's maps");
	err_help(t->err, "without --pin-dir the kernel's maps are shown");
	return t->err->code;
}

static int begin(struct top *t)
{
	u32 id = 0;
	int r;

	if (t->o->pin_dir && (os_in_bpf_fs(t->o->pin_dir) || access(t->o->pin_dir, F_OK)))
		return no_folder(t);
	t->files = !word_peek(t->w);
	t->kernel = t->files && !t->o->pin_dir;
	r = operands(t);
	if (!r && t->kernel && live_next(LIVE_MAP, &id) == -EPERM)
		fputs("note: the kernel's maps are not shown: that needs CAP_SYS_ADMIN\n", stderr);
	if (!r && t->o->prog_stats) {
		t->stats_fd = live_stats_open(t->err);
		r = t->stats_fd < 0 ? t->stats_fd : 0;
	}
	return r;
}

/* False: somebody wants the end. */
static bool wait_for(double seconds)
{
	struct timespec left = { (time_t)seconds,
				 (long)((seconds - (double)(time_t)seconds) * 1e9) };

	return !stopped && !ppoll(NULL, 0, &left, NULL) && !stopped;
}

static int rounds(struct top *t)
{
	int status = EXIT_YES;

	round_take(t);
	for (u64 n = 0; status == EXIT_YES && (!t->o->rounds || n < t->o->rounds); n++) {
		if (!wait_for(t->o->interval))
			break;
		round_take(t);
		status = round_print(t, n);
	}
	return status;
}

int map_top(const struct top_opts *o, struct words *w, struct skep_err *err)
{
	struct top t = { .o = o, .w = w, .stats_fd = -1, .err = err };
	const struct sigaction on = { .sa_handler = stop };
	int r = begin(&t);

	if (!r) {
		sigaction(SIGINT, &on, NULL);
		sigaction(SIGTERM, &on, NULL);
		sigaction(SIGHUP, &on, NULL);
		r = rounds(&t);
	}
	for (size_t i = 0; i < t.rows.n; i++)
		row_free(t.rows.v[i]);
	vec_free(&t.rows);
	vec_free(&t.last);
	if (t.stats_fd >= 0)
		close(t.stats_fd);
	return r;
}
