/* SPDX-License-Identifier: BSD-2-Clause */
/* user_view.c: see user_view.h. */
#include "cli/user_view.h"
#include "api/registry.h"
#include "model/tables.h"
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

/* What is asked for; WORD NULL: everything. */
struct pick {
	const char *word, *value;
};

struct job {
	const struct user_show *s;
	struct pick pick;
	u32 found;
};

int user_wanted(const char *on, bool *user, struct skep_err *err)
{
	*user = on && !strcmp(on, "user");
	if (!on || *user || !strcmp(on, "kernel"))
		return 0;
	return err_set(err, ERR_USAGE, NULL, "--on takes user or kernel, not '%s'", on);
}

static bool is_shown(const char *command)
{
	return !strcmp(command, "show") || !strcmp(command, "list") || !strcmp(command, "help");
}

int user_refused(const char *on, const char *command, struct skep_err *err)
{
	bool user;
	int r = user_wanted(on, &user, err);

	if (r || !user || is_shown(command))
		return r;
	return err_set(err, ERR_USAGE, NULL, "--on user is for 'show' alone: '%s' cannot reach "
		       "into another process", command);
}

/* ---- ids ------------------------------------------------------------------------------ */

struct id { char text[40]; };

static struct id id_of(const struct registry_object *o, u32 thing)
{
	struct id id;

	snprintf(id.text, sizeof(id.text), "%u.%u.%u", o->pid, o->serial, thing);
	return id;
}

/* NAME and TAG: NULL when the thing has none. */
static bool is_picked(const struct pick *p, const struct registry_object *o, u32 thing,
		      const char *name, const char *tag)
{
	char pid[16];

	if (!p->word)
		return true;
	snprintf(pid, sizeof(pid), "%u", o->pid);
	switch (*p->word) {
	case 'i': return !strcmp(p->value, id_of(o, thing).text);
	case 'n': return name && !strcmp(p->value, name);
	case 't': return tag && !strcmp(p->value, tag);
	}
	return !strcmp(p->value, pid);
}

/* ---- whose ---------------------------------------------------------------------------- */

static void json_owner(struct json *j, const struct registry_object *o)
{
	json_str(j, "object", o->file);
	json_u64(j, "loaded_at", o->loaded_at);
	json_u64(j, "uid", o->uid);
	json_arr(j, "pids");
	json_obj(j, NULL);
	json_u64(j, "pid", o->pid);
	json_str(j, "comm", o->comm);
	json_obj_end(j);
	json_arr_end(j);
}

static void print_owner(struct strbuf *out, const struct registry_object *o)
{
	sb_printf(out, "\n\tobject %s\n\tpids %s(%u)", o->file, o->comm, o->pid);
	if (o->uid != getuid())
		sb_printf(out, "  uid %u", o->uid);
	sb_putc(out, '\n');
}

/* ---- programs --------------------------------------------------------------------------- */

static void json_prog(struct json *j, const struct registry_object *o,
		      const struct registry_prog *p)
{
	json_obj(j, NULL);
	json_str(j, "id", id_of(o, p->id).text);
	json_str(j, "type", p->type);
	json_str(j, "name", p->name);
	json_str(j, "tag", p->tag);
	json_bool(j, "gpl_compatible", p->gpl);
	json_str(j, "section", p->section);
	json_str(j, "verdict", p->verdict);
	json_str(j, "engine", p->engine);
	json_u64(j, "bytes_xlated", p->xlated);
	json_bool(j, "jited", p->jited);
	if (p->jited)
		json_u64(j, "bytes_jited", p->jited);
	if (p->nr_maps) {
		json_arr(j, "map_ids");
		for (u32 i = 0; i < p->nr_maps; i++)
			json_str(j, NULL, id_of(o, p->maps[i]).text);
		json_arr_end(j);
	}
	json_owner(j, o);
	json_obj_end(j);
}

static void print_prog(struct strbuf *out, const struct registry_object *o,
		       const struct registry_prog *p)
{
	time_t when = (time_t)o->loaded_at;
	char text[64] = "";
	struct tm tm;

	sb_printf(out, "%s: %s  name %s  tag %s%s\n", id_of(o, p->id).text, p->type, p->name,
		  p->tag, p->gpl ? "  gpl" : "");
	if (localtime_r(&when, &tm) && strftime(text, sizeof(text), "%FT%T%z", &tm))
		sb_printf(out, "\tloaded_at %s  uid %u\n", text, o->uid);
	sb_printf(out, "\txlated %uB", p->xlated);
	if (p->jited)
		sb_printf(out, "  jited %uB", p->jited);
	else
		sb_puts(out, "  not jited");
	for (u32 i = 0; i < p->nr_maps; i++)
		sb_printf(out, "%s%s", i ? "," : "  map_ids ", id_of(o, p->maps[i]).text);
	sb_printf(out, "\n\t%s  engine %s", p->verdict, p->engine);
	print_owner(out, o);
}

static void show_progs(struct job *job, const struct registry_object *o)
{
	for (u32 i = 0; i < o->nr_progs; i++) {
		const struct registry_prog *p = &o->progs[i];

		if (!is_picked(&job->pick, o, p->id, p->name, p->tag))
			continue;
		job->found++;
		if (job->s->json)
			json_prog(job->s->j, o, p);
		else
			print_prog(job->s->out, o, p);
	}
}

/* ---- maps ------------------------------------------------------------------------------- */

static void json_map(struct json *j, const struct registry_object *o,
		     const struct registry_map *m)
{
	const struct maptype_row *row = maptype_row(m->type);

	json_obj(j, NULL);
	json_str(j, "id", id_of(o, m->id).text);
	if (row)
		json_str(j, "type", row->name);
	else
		json_u64(j, "type", m->type);
	json_str(j, "name", m->name);
	json_u64(j, "flags", m->flags);
	json_u64(j, "bytes_key", m->key_size);
	json_u64(j, "bytes_value", m->value_size);
	json_u64(j, "max_entries", m->max_entries);
	if (m->pin) {
		json_arr(j, "pinned");
		json_str(j, NULL, m->pin);
		json_arr_end(j);
	}
	json_owner(j, o);
	json_obj_end(j);
}

static void print_map(struct strbuf *out, const struct registry_object *o,
		      const struct registry_map *m)
{
	const struct maptype_row *row = maptype_row(m->type);

	sb_printf(out, "%s: ", id_of(o, m->id).text);
	if (row)
		sb_printf(out, "%s  ", row->name);
	else
		sb_printf(out, "type %u  ", m->type);
	sb_printf(out, "name %s  flags 0x%x\n\tkey %uB  value %uB  max_entries %u", m->name,
		  m->flags, m->key_size, m->value_size, m->max_entries);
	if (m->pin)
		sb_printf(out, "\n\tpinned %s", m->pin);
	print_owner(out, o);
}

static void show_maps(struct job *job, const struct registry_object *o)
{
	for (u32 i = 0; i < o->nr_maps; i++) {
		const struct registry_map *m = &o->maps[i];

		if (!is_picked(&job->pick, o, m->id, m->name, NULL))
			continue;
		job->found++;
		if (job->s->json)
			json_map(job->s->j, o, m);
		else
			print_map(job->s->out, o, m);
	}
}

/* ---- links ------------------------------------------------------------------------------ */

static const char *prog_name(const struct registry_object *o, u32 id)
{
	for (u32 i = 0; i < o->nr_progs; i++)
		if (o->progs[i].id == id)
			return o->progs[i].name;
	return "";
}

static void json_link(struct json *j, const struct registry_object *o,
		      const struct registry_link *l)
{
	json_obj(j, NULL);
	json_str(j, "id", id_of(o, l->id).text);
	json_str(j, "type", l->kind);
	json_str(j, "prog_id", id_of(o, l->prog).text);
	json_str(j, "prog_name", prog_name(o, l->prog));
	json_str(j, "where", l->where);
	json_owner(j, o);
	json_obj_end(j);
}

static void print_link(struct strbuf *out, const struct registry_object *o,
		       const struct registry_link *l)
{
	sb_printf(out, "%s: %s  prog %s  \n\tname %s  where %s", id_of(o, l->id).text, l->kind,
		  id_of(o, l->prog).text, prog_name(o, l->prog), l->where);
	print_owner(out, o);
}

static void show_links(struct job *job, const struct registry_object *o)
{
	for (u32 i = 0; i < o->nr_links; i++) {
		const struct registry_link *l = &o->links[i];

		if (!is_picked(&job->pick, o, l->id, prog_name(o, l->prog), NULL))
			continue;
		job->found++;
		if (job->s->json)
			json_link(job->s->j, o, l);
		else
			print_link(job->s->out, o, l);
	}
}

/* ---- all --------------------------------------------------------------------------------- */

static void show_object(void *arg, const struct registry_object *o)
{
	struct job *job = arg;

	switch (job->s->kind) {
	case USER_PROG: show_progs(job, o); break;
	case USER_MAP: show_maps(job, o); break;
	case USER_LINK: show_links(job, o); break;
	}
}

static void tell_bad(void *arg, const char *path, const struct skep_err *why)
{
	fprintf(stderr, "note: %s is no list of a process' programs, and was left out: %.*s\n",
		path, (int)strcspn(skep_err_text(why), "\n"), skep_err_text(why));
}

static int parse_pick(const struct user_show *s, struct pick *p, struct words *w,
		      struct skep_err *err)
{
	static const char *const words[] = { "id", "name", "tag", "pid" };

	p->word = word_next(w);
	if (!p->word)
		return 0;
	p->value = word_next(w);
	for (size_t i = 0; p->value && i < ARRAY_LEN(words); i++)
		if (!strcmp(words[i], p->word) && (i != 2 || s->kind == USER_PROG))
			return words_end(w, err);
	return err_set(err, ERR_USAGE, NULL, "which ones of the embedded engine? id PID.N.I, name "
		       "NAME, %spid PID", s->kind == USER_PROG ? "tag TAG, " : "");
}

#define WAY_OUT "set SKEP_REGISTRY=DIR here and for those processes, a folder that only this " \
		"user can write to"

/* Nothing was found of what is asked for. */
static int missing(const struct user_show *s, const struct pick *p, struct skep_err *err)
{
	static const char *const things[] = { "program", "map", "link" };
	char why[300];
	int r;

	if (!registry_absent(why, sizeof(why)))
		return err_set(err, ERR_USER_LIVE, NULL, "the embedded engine has no %s of %s %s "
			       "in this user's processes", things[s->kind], p->word, p->value);
	r = err_set(err, ERR_USER_LIVE, NULL, "whether there is a %s of %s %s is not known, "
		    "since nothing is registered: %s", things[s->kind], p->word, p->value, why);
	err_help(err, WAY_OUT);
	return r;
}

static void tell_absent(void)
{
	char why[300];

	if (registry_absent(why, sizeof(why)))
		fprintf(stderr, "note: nothing is registered: %s; " WAY_OUT "\n", why);
}

int user_show(const struct user_show *s, struct words *w, struct skep_err *err)
{
	struct job job = { .s = s };
	int r = parse_pick(s, &job.pick, w, err);

	if (r)
		return r;
	registry_each(show_object, tell_bad, &job);
	if (!job.found && job.pick.word)
		return missing(s, &job.pick, err);
	if (!job.found)
		tell_absent();
	return 0;
}
