/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_attach.c: `skep attach`: an object's programs into the running kernel, attached as
 * their sections say; what they say is printed until somebody ends it. Detaches what it
 * attached, however it ends.
 */
#include "cli/attach.h"
#include "cli/attach_record.h"
#include "kernel/kernel.h"
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* How often targets that go away are looked for; and runs, for which nobody wakes us. */
enum { TICK_MS = 200, RECORD_TICK_MS = 10 };
enum end { GOES_ON, ENDS, FAILS };

struct job {
	struct where_opts o;
	struct load_opts load;
	struct str_list records, net, maps;
	const char *command, *pins, *duration;
	u64 pid, duration_ns;	/* UINT64_MAX: none */
	bool json, quiet, show_maps;
	struct object_list objs;
	struct skep_object *obj;
	struct child child;
	struct link_where where;
	VEC(struct link) links;
	struct stream stream;
	struct attach_record record;
	int signals;
	void (*on_pipe)(int);	/* what SIGPIPE did before */
	bool gone;		/* a target went away */
	struct skep_err err;
};

/* ---- which programs -------------------------------------------------------- */

static bool is_named(const struct job *j, const char *name)
{
	for (size_t i = 0; i < j->load.progs.n; i++)
		if (!strcmp(j->load.progs.v[i], name))
			return true;
	return false;
}

/* Does a prog array of the object hold program I? It runs when another calls it. */
static bool is_called(const struct image *img, u32 i)
{
	for (u32 m = 0; m < img->nr_maps; m++)
		for (u32 k = 0; k < img->maps[m].nr_slots; k++)
			if (img->maps[m].type == BPF_MAP_TYPE_PROG_ARRAY &&
			    img->maps[m].slots[k] == (s32)i)
				return true;
	return false;
}

static bool is_wanted(const struct job *j, u32 i)
{
	const struct image *img = j->obj->img;

	if (j->load.progs.n)
		return is_named(j, img->progs[i].name);
	return img->progs[i].autoload && !is_called(img, i);
}

static bool is_ops(const struct image_prog *p)
{
	return p->type == BPF_PROG_TYPE_STRUCT_OPS;
}

static int check_names(struct job *j)
{
	for (size_t i = 0; i < j->load.progs.n; i++)
		if (!skep_object_prog(j->obj, j->load.progs.v[i]))
			return no_program(&j->objs, j->load.progs.v[i], &j->err);
	return where_check(&j->o, &j->objs, &j->err);
}

/* ---- loading and attaching ------------------------------------------------- */

static int prepare(struct job *j)
{
	struct image *img = j->obj->img;
	int r = 0;

	for (u32 i = 0; !r && i < img->nr_progs; i++) {
		if (!is_wanted(j, i))
			continue;
		r = where_of(&j->where, &j->o, &img->progs[i], &j->err);
		if (!r)
			r = link_prepare(&img->progs[i], &j->where, &j->err);
	}
	return r;
}

static int load(struct job *j)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .engine = SKEP_KERNEL,
		.pins = j->pins };
	VEC(u32) only = { 0 };
	bool *told = mem_alloc(j->obj->img->nr_progs + 1ul);
	int r = 0;

	for (u32 i = 0; i < j->obj->img->nr_progs; i++) {
		told[i] = is_wanted(j, i) || (!j->load.progs.n && j->obj->img->progs[i].autoload);
		if (is_wanted(j, i))
			*vec_push(&only) = i;
	}
	if (!only.n)
		r = err_set(&j->err, ERR_PROG_NONE, j->obj->img->file,
			    "there is no program to attach");
	else if (j->record.path)
		r = attach_record_open(&j->record, &j->obj, told, &j->err);
	if (!r)
		do
			r = object_load(j->obj, &opts, j->load.progs.n ?
					&(struct prog_set){ only.v, only.n } : NULL, &j->err);
		while (r && attach_record_again(&j->record, told, &j->err));
	if (!r && j->record.path)
		r = attach_record_begin(&j->record, &j->err);
	vec_free(&only);
	free(told);
	return r;
}

static int fill_maps(struct job *j)
{
	int r = 0;

	for (size_t i = 0; !r && i < j->maps.n; i++) {
		const char *arg = j->maps.v[i], *eq = strchr(arg, '=');
		char *name;
		int m;

		if (!eq || eq == arg)
			return err_set(&j->err, ERR_USAGE, NULL, "--map takes NAME=FILE, not '%s'",
				       arg);
		name = mem_strdup(arg);
		name[eq - arg] = 0;
		m = image_map_find(j->obj->img, name);
		if (m >= 0)
			r = map_load_json(j->obj, (u32)m, eq + 1, NULL, &j->err);
		else
			r = err_set(&j->err, ERR_MAP_NAME, j->obj->img->file,
				    "there is no map '%s'", name);
		free(name);
	}
	return r;
}

static int attach_prog(struct job *j, u32 i)
{
	const struct image_prog *p = &j->obj->img->progs[i];
	int r = where_of(&j->where, &j->o, p, &j->err);

	if (!r)
		r = link_attach(vec_push(&j->links), j->obj->backend, (u32)j->obj->progs[i].loaded,
				&j->where, &j->err);
	return r;
}

static int attach_all(struct job *j)
{
	const struct image *img = j->obj->img;
	bool ops = false;
	int r = 0;

	for (u32 i = 0; !r && i < img->nr_progs; i++) {
		if (!is_wanted(j, i))
			continue;
		if (is_ops(&img->progs[i]))
			ops = true;
		else
			r = attach_prog(j, i);
	}
	for (u32 i = 0; !r && ops && i < img->nr_maps; i++)
		if (img->maps[i].type == BPF_MAP_TYPE_STRUCT_OPS)
			r = link_attach_ops(vec_push(&j->links), j->obj->backend, i, &j->err);
	return r;
}

/* ---- what is said of it ---------------------------------------------------- */

static void say_link(const struct link *l)
{
	struct strbuf out = { 0 };

	sb_printf(&out, "attached: %s: %s", l->name, l->text);
	if (l->places > 1)
		sb_printf(&out, ", %u places", l->places);
	sb_putc(&out, '\n');
	if (l->flags & LINK_ALL_PIDS)
		sb_printf(&out, "note: '%s' runs for all processes: Linux has no programs of "
			  "this kind for one\n", l->name);
	if (l->flags & LINK_STAYS)
		sb_printf(&out, "note: '%s' stays attached if skep is killed: Linux has no link "
			  "for it\n", l->name);
	write_text(stderr, out.s, out.n);
	sb_free(&out);
}

static void links_json(struct job *j)
{
	struct strbuf out = { 0 };
	struct json js = { .out = &out };

	json_obj(&js, NULL);
	json_arr(&js, "attached");
	for (size_t i = 0; i < j->links.n; i++) {
		const struct link *l = &j->links.v[i];

		json_obj(&js, NULL);
		json_str(&js, "program", l->name);
		json_str(&js, "where", l->text);
		json_u64(&js, "places", l->places);
		if (l->row->how != ATTACH_STRUCT_OPS)
			json_u64(&js, "prog_id", kernel_prog_id(j->obj->backend, l->prog));
		if (l->id)
			json_u64(&js, "link_id", l->id);
		json_bool(&js, "all_processes", l->flags & LINK_ALL_PIDS);
		json_obj_end(&js);
	}
	json_arr_end(&js);
	json_obj_end(&js);
	sb_putc(&out, '\n');
	stream_put(&j->stream, &out);
	sb_free(&out);
}

static void say_links(struct job *j)
{
	if (j->json)
		links_json(j);
	for (size_t i = 0; i < j->links.n && !j->quiet; i++)
		if (!(j->links.v[i].flags & (LINK_READS | LINK_ONCE)))
			say_link(&j->links.v[i]);
}

struct reading { struct job *j; const char *program; };

static void on_text(void *arg, const char *text, size_t n)
{
	const struct reading *r = arg;

	stream_text(&r->j->stream, r->program, text, n);
}

/* Iterators and programs that have run; how many others there are. */
static int show_once(struct job *j, size_t *others)
{
	*others = 0;
	for (size_t i = 0; i < j->links.n; i++) {
		const struct link *l = &j->links.v[i];
		int r = 0;

		if (l->row->how == ATTACH_RUN_ONCE)
			stream_retval(&j->stream, l->name, l->retval);
		else if (l->flags & LINK_READS)
			r = link_read(l, on_text, &(struct reading){ j, l->name });
		else
			*others += l->row->how != ATTACH_IN_MAP;
		if (r)
			return err_set(&j->err, ERR_ATTACH, NULL, "iterator '%s' cannot be read: "
				       "%s", l->name, strerror(-r));
	}
	return 0;
}

/* ---- waiting --------------------------------------------------------------- */

static int catch_signals(struct job *j)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	j->on_pipe = signal(SIGPIPE, SIG_IGN);
	j->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return j->signals < 0 ? err_set(&j->err, ERR_RUN, NULL, "%s", strerror(errno)) : 0;
}

/* The kernel detaches programs from what is removed. */
static enum end look_at_links(struct job *j)
{
	for (size_t i = 0; i < j->links.n; i++)
		if (!link_lives(&j->links.v[i])) {
			err_set(&j->err, ERR_ATTACH_GONE, NULL, "program '%s' is detached: what it "
				"was attached to (%s) is gone", j->links.v[i].name,
				j->links.v[i].text);
			return FAILS;
		}
	return GOES_ON;
}

static enum end wait_once(struct job *j, struct pollfd *v, size_t n, u64 until)
{
	const u64 now = os_clock_ns();
	const u64 tick = j->record.path ? RECORD_TICK_MS : TICK_MS;
	u64 ms = until > now ? (until - now + 999999) / 1000000 : 0;

	if (poll(v, n, (int)min_u64(ms, tick)) < 0 && errno != EINTR) {
		err_set(&j->err, ERR_RUN, NULL, "%s", strerror(errno));
		return FAILS;
	}
	stream_read(&j->stream);
	attach_record_read(&j->record);
	if (v[0].revents || j->stream.broken || os_clock_ns() >= until)
		return ENDS;
	if (v[1].revents) {		/* the process has ended */
		if (!j->child.own && !j->quiet)
			fprintf(stderr, "process %u has ended\n", j->child.pid);
		return ENDS;
	}
	return look_at_links(j);
}

static enum end wait_all(struct job *j, u64 until)
{
	struct fds fds = { 0 };
	struct pollfd *v;
	enum end end;
	size_t n;

	stream_fds(&j->stream, &fds);
	n = fds.n + 2;
	v = mem_alloc(n * sizeof(*v));
	v[0] = (struct pollfd){ .fd = j->signals, .events = POLLIN };
	v[1] = (struct pollfd){ .fd = j->child.pidfd, .events = POLLIN };
	for (size_t i = 0; i < fds.n; i++)
		v[i + 2] = (struct pollfd){ .fd = fds.v[i], .events = POLLIN };
	do
		end = wait_once(j, v, n, until);
	while (end == GOES_ON);
	free(v);
	vec_free(&fds);
	return end;
}

static void detach_all(struct job *j)
{
	while (j->links.n)
		link_detach(&j->links.v[--j->links.n]);
	vec_free(&j->links);
}

static void show_maps(struct job *j)
{
	const struct image *img = j->objs.v[0]->img;	/* without those of recordings */
	struct strbuf out = { 0 };

	for (u32 i = 0; j->show_maps && !j->json && i < img->nr_maps; i++)
		if (!stream_hides(img->maps[i].name))
			map_show_text(&out, j->obj, i, &j->net);
	stream_put(&j->stream, &out);
	sb_free(&out);
}

/* ---- the whole ------------------------------------------------------------- */

static int parse_duration(struct job *j)
{
	char *end;
	double s;

	j->duration_ns = UINT64_MAX;
	if (!j->duration)
		return 0;
	s = strtod(j->duration, &end);
	if (*end || end == j->duration || !(s >= 0) || s > 1e9)
		return err_set(&j->err, ERR_USAGE, NULL, "--duration takes seconds, not '%s'",
			       j->duration);
	j->duration_ns = (u64)(s * 1e9);
	return 0;
}

/* What is wrong with options is said before anything is loaded. */
static int check_opts(struct job *j)
{
	if (j->record.all && !j->record.path)
		return err_set(&j->err, ERR_USAGE, NULL, "--record-all is of a recording: give "
			       "--record FILE, too");
	return parse_duration(j);
}

static int open_process(struct job *j)
{
	j->child = (struct child){ .pidfd = -1, .go = -1, .failed = -1 };
	if (j->command && j->pid)
		return err_set(&j->err, ERR_USAGE, NULL, "--pid and --command exclude each other");
	if (j->pid > INT32_MAX)
		return err_set(&j->err, ERR_ATTACH_PROCESS, NULL, "there is no process %" PRIu64,
			       j->pid);
	if (j->command)
		return child_start(&j->child, j->command, &j->err);
	return j->pid ? child_open(&j->child, (u32)j->pid, &j->err) : 0;
}

static int open_object(struct job *j, const struct str_list *paths)
{
	int r = input_objects(&j->objs, paths, &j->load, &j->err);

	if (r)
		return r;
	if (j->record.path && outputs_check(&(struct str_list){ &j->record.path, 1, 1 }, paths,
					    &j->err))
		return j->err.code;
	if (j->objs.n != 1)
		return err_set(&j->err, ERR_USAGE, NULL, "one object is attached at a time");
	j->obj = j->objs.v[0];
	return check_names(j);
}

static int begin(struct job *j, const struct str_list *paths)
{
	int r = check_opts(j);

	if (!r)
		r = open_object(j, paths);
	if (!r)
		r = catch_signals(j);
	if (!r)
		r = where_enter(&j->o, &j->err);	/* so that the command is in it, too */
	if (!r)
		r = open_process(j);
	if (!r)
		r = where_open(&j->where, &j->o, j->child.pid, &j->err);
	if (!r)
		r = prepare(j);
	if (!r)
		r = load(j);
	if (!r)
		r = fill_maps(j);
	if (!r)
		attach_record_maps(&j->record, j->maps.n || j->pins);
	if (!r)
		r = stream_open(&j->stream, j->obj, j->objs.v[0]->img->nr_maps, &j->err);
	if (!r)
		r = attach_all(j);
	return r;
}

static int go_on(struct job *j)
{
	const u64 now = os_clock_ns();
	const u64 until = j->duration_ns < UINT64_MAX - now ? now + j->duration_ns : UINT64_MAX;
	size_t others;
	enum end end = ENDS;
	int r;

	say_links(j);
	r = show_once(j, &others);
	if (!r && j->child.own)
		r = child_go(&j->child, j->command, &j->err);
	if (r)
		return r;
	if (others)
		end = wait_all(j, until);
	child_close(&j->child);		/* what it says while it ends is still seen */
	detach_all(j);
	stream_read(&j->stream);
	stream_read(&j->stream);
	j->stream.nr_shown = j->show_maps ? j->objs.v[0]->img->nr_maps : 0;
	stream_end(&j->stream, j->quiet || j->json || j->stream.broken);
	show_maps(j);
	r = attach_record_end(&j->record, end == FAILS ? NULL : &j->err);
	return end == FAILS ? j->err.code : r;
}

/* Nobody reads any more, or there is no room. A closed pipe ends it as it ends others, now
 * that nothing is attached. */
static int out_broke(const struct job *j)
{
	if (j->stream.broken == EPIPE && j->on_pipe == SIG_DFL) {
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
	}
	errno = j->stream.broken;
	return no_output();
}

static int attach(struct job *j, const struct str_list *paths)
{
	int r = begin(j, paths), status;

	if (!r)
		r = go_on(j);
	status = r ? report(&j->err) : EXIT_YES;
	detach_all(j);
	child_close(&j->child);
	where_close(&j->where);
	stream_close(&j->stream);
	attach_record_close(&j->record);
	if (j->signals >= 0)
		close(j->signals);
	input_close(&j->objs);
	return j->stream.broken && !r ? out_broke(j) : status;
}

static void free_lists(struct job *j)
{
	vec_free(&j->o.at);
	vec_free(&j->o.cookies);
	vec_free(&j->records);
	vec_free(&j->net);
	vec_free(&j->maps);
	load_opts_free(&j->load);
}

/* Of --record what names a file. */
static bool take_record(struct job *j)
{
	size_t n = 0;

	for (size_t i = 0; i < j->records.n; i++) {
		if (!record_names_file(j->records.v[i])) {
			j->records.v[n++] = j->records.v[i];
			continue;
		}
		if (j->record.path)
			return false;
		j->record.path = j->records.v[i];
	}
	j->records.n = n;
	j->record.quiet = j->quiet;
	j->load.keep = j->record.path;
	return true;
}

int cmd_attach(const struct command *cmd, int argc, char **argv)
{
	struct job j = { .o.sock = UINT64_MAX, .signals = -1, .child = { .pidfd = -1, .go = -1,
		.failed = -1 }, .where = { .cgroup = -1, .netns = -1, .sock = -1 },
		.stream = { .records = &j.records, .net = &j.net } };
	const struct opt opts[] = {
		{ "prog", 0, OPT_LIST, "NAME", "only the program NAME; may come again",
		  &j.load.progs },
		{ "at", 0, OPT_LIST, "[PROG=]WHERE", "where, when the section does not say",
		  &j.o.at },
		{ "dev", 'd', OPT_STR, "DEVICE", "a network device", &j.o.dev },
		{ "cgroup", 0, OPT_STR, "DIR", "a cgroup, of version 2", &j.o.cgroup },
		{ "netns", 0, OPT_STR, "NETNS", "a network name space: name, process id or file",
		  &j.o.netns },
		{ "pid", 'p', OPT_U64, "PID", "only this process; ends when it does", &j.pid },
		{ "command", 'c', OPT_STR, "COMMAND", "the same of a process that runs COMMAND",
		  &j.command },
		{ "socket", 0, OPT_U64, "FD", "the socket that is descriptor FD of PID",
		  &j.o.sock },
		{ "cookie", 0, OPT_LIST, "[PROG=]N", "what bpf_get_attach_cookie says",
		  &j.o.cookies },
		{ "duration", 0, OPT_STR, "SECONDS", "end after SECONDS", &j.duration },
		{ "map", 'm', OPT_LIST, "NAME=FILE", "fill a map from a JSON file", &j.maps },
		{ "record", 0, OPT_LIST, "FILE|MAP=TYPE", "save to FILE what programs see, for "
		  "skep replay; or records of MAP are of struct TYPE", &j.records },
		{ "record-all", 0, OPT_FLAG, NULL, "fail when one of them cannot be recorded",
		  &j.record.all },
		{ "net", 0, OPT_LIST, "NAME", "what is called NAME is an address", &j.net },
		{ "maps", 0, OPT_FLAG, NULL, "print maps at the end", &j.show_maps },
		{ "pin-dir", 0, OPT_STR, "DIR", "use and make pins of maps there", &j.pins },
		{ "json", 0, OPT_FLAG, NULL, "a JSON object on each line", &j.json },
		{ "quiet", 'q', OPT_FLAG, NULL, "say nothing but what programs say", &j.quiet },
		LOAD_OPTS(&j.load),
		{ 0 }
	};
	struct opt_result res;
	int status;

	if (!opts_parse(&res, cmd, opts, argc, argv))
		return free_lists(&j), res.status;
	j.stream.json = j.json;
	if (!take_record(&j))
		return free_lists(&j), usage_error("--record takes one FILE");
	status = res.operands.n ? attach(&j, &res.operands) :
				  usage_error("an object or a C file is needed");
	vec_free(&res.operands);
	free_lists(&j);
	return status;
}
