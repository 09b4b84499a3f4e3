/* SPDX-License-Identifier: BSD-2-Clause */
/* prog_view.c: which programs and links are meant. */
#include "cli/prog_view.h"
#include <stdlib.h>
#include <unistd.h>

enum { NAME_CUT = 15 };		/* the kernel keeps so many characters */

/* ---- names ------------------------------------------------------------------------ */

/* The first function's name in the program's types, or NULL. */
static char *types_name(const struct live_prog *p)
{
	struct live_code code;
	struct arena arena = { 0 };
	struct skep_err unused;
	struct btf *btf;
	char *name = NULL;

	if (!live_code_read(&code, p->fd, &unused) && code.nr_funcs &&
	    !live_btf(&btf, &arena, p->btf_id, NULL, &unused) &&
	    code.funcs[0].type_id < btf->nr_types)
		name = mem_strdup(btf_type_name(btf, code.funcs[0].type_id));
	arena_free(&arena);
	live_code_free(&code);
	return name;
}

char *prog_full_name(const struct live_prog *p)
{
	char *name = strlen(p->name) == NAME_CUT && p->btf_id ? types_name(p) : NULL;

	if (name && !strncmp(name, p->name, NAME_CUT))
		return name;
	free(name);
	return mem_strdup(p->name);
}

static bool has_name(const struct live_prog *p, const char *name)
{
	char *full;
	bool is;

	if (strncmp(p->name, name, NAME_CUT))
		return false;
	if (strlen(name) <= NAME_CUT)
		return true;
	full = prog_full_name(p);
	is = !strcmp(full, name) || !strcmp(full, p->name);
	free(full);
	return is;
}

static bool has_tag(const struct live_prog *p, const char *tag)
{
	char hex[17];

	for (size_t i = 0; i < sizeof(p->tag); i++)
		snprintf(hex + 2 * i, 3, "%02x", p->tag[i]);
	return !strcasecmp(hex, tag);
}

/* ---- programs --------------------------------------------------------------------- */

static int add_fd(struct prog_list *l, int fd, struct skep_err *err)
{
	struct live_prog p;
	int r = fd < 0 ? fd : live_prog_read(&p, fd, err);

	if (!r)
		*vec_push(l) = p;
	return r;
}

/* A program may go while we look. */
int prog_each(void (*fn)(void *arg, const struct live_prog *p), void *arg,
	      struct skep_err *err)
{
	struct skep_err unused;
	struct live_prog p;
	u32 id = 0;
	int r, fd;

	while (!(r = live_next(LIVE_PROG, &id))) {
		fd = live_open(LIVE_PROG, id, &unused);
		if (fd < 0 || live_prog_read(&p, fd, &unused))
			continue;
		fn(arg, &p);
		close(fd);
	}
	if (r == -ENOENT)
		return 0;
	return err_set(err, ERR_KERNEL, NULL, "the kernel does not list its programs: %s",
		       strerror(-r));
}

struct search {
	struct prog_list *l;
	const char *name, *tag;	/* one of them is NULL */
	struct skep_err *err;
	int r;
};

/* The descriptor is the walk's, another one stays open. */
static void take_called(void *arg, const struct live_prog *p)
{
	struct search *s = arg;

	if (!s->r && (s->name ? has_name(p, s->name) : has_tag(p, s->tag)))
		s->r = add_fd(s->l, live_open(LIVE_PROG, p->id, s->err), s->err);
}

static int add_called(struct prog_list *l, const char *name, const char *tag,
		      struct skep_err *err)
{
	struct search s = { l, name, tag, err, 0 };
	int r = prog_each(take_called, &s, err);

	if (r || s.r)
		return r ? r : s.r;
	if (l->n)
		return 0;
	return err_set(err, ERR_LIVE, NULL, "the kernel has no program called %s%s",
		       name ? "" : "tag ", name ? name : tag);
}

int prog_list_parse(struct prog_list *l, struct words *w, struct skep_err *err)
{
	const char *what = word_next(w), *value = word_peek(w);
	u32 id;
	int r;

	if (!what || !value)
		return err_set(err, ERR_USAGE, NULL, "which program? id N, name NAME, tag TAG or "
			       "pinned FILE");
	if (!strcmp(what, "id")) {
		r = word_u32(w, "the program's id", &id, err);
		return r ? r : add_fd(l, live_open(LIVE_PROG, id, err), err);
	}
	w->at++;
	if (!strcmp(what, "pinned"))
		return add_fd(l, live_open_pin(LIVE_PROG, value, err), err);
	if (!strcmp(what, "name") || !strcmp(what, "tag"))
		return add_called(l, *what == 'n' ? value : NULL, *what == 't' ? value : NULL, err);
	return err_set(err, ERR_USAGE, NULL, "'%s' names no program; there are id, name, tag and "
		       "pinned", what);
}

void prog_list_free(struct prog_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].fd >= 0)
			close(l->v[i].fd);
	vec_free(l);
}

static int too_many(const struct prog_list *l, const char *word, struct skep_err *err)
{
	int r = err_set(err, ERR_LIVE, NULL, "%s is what %zu programs are called", word, l->n);

	for (size_t i = 0; i < l->n && i < 8; i++)
		err_note(err, "one has the id %u", l->v[i].id);
	return r;
}

int prog_parse(struct words *w, struct skep_err *err)
{
	struct prog_list l = { 0 };
	int r = prog_list_parse(&l, w, err), fd = -1;

	if (!r && l.n > 1)
		r = too_many(&l, w->v[w->at - 1], err);
	if (!r) {
		fd = l.v[0].fd;
		l.v[0].fd = -1;
	}
	prog_list_free(&l);
	return r ? r : fd;
}

/* ---- links ------------------------------------------------------------------------ */

static int add_link(struct link_list *l, int fd, struct skep_err *err)
{
	struct live_link link;
	int r = fd < 0 ? fd : live_link_read(&link, fd, err);

	if (!r)
		*vec_push(l) = link;
	return r;
}

int link_each(void (*fn)(void *arg, const struct live_link *l), void *arg,
	      struct skep_err *err)
{
	struct skep_err unused;
	struct live_link l;
	u32 id = 0;
	int r, fd;

	while (!(r = live_next(LIVE_LINK, &id))) {
		fd = live_open(LIVE_LINK, id, &unused);
		if (fd < 0 || live_link_read(&l, fd, &unused))
			continue;
		fn(arg, &l);
		live_link_close(&l);
	}
	if (r == -ENOENT)
		return 0;
	return err_set(err, ERR_KERNEL, NULL, "the kernel does not list its links: %s",
		       strerror(-r));
}

int link_list_parse(struct link_list *l, struct words *w, struct skep_err *err)
{
	const char *what = word_next(w), *value = word_peek(w);
	u32 id;
	int r;

	if (!what || !value)
		return err_set(err, ERR_USAGE, NULL, "which link? id N or pinned FILE");
	if (!strcmp(what, "id")) {
		r = word_u32(w, "the link's id", &id, err);
		return r ? r : add_link(l, live_open(LIVE_LINK, id, err), err);
	}
	if (strcmp(what, "pinned"))
		return err_set(err, ERR_USAGE, NULL, "'%s' names no link; there are id and pinned",
			       what);
	w->at++;
	return add_link(l, live_open_pin(LIVE_LINK, value, err), err);
}

void link_list_free(struct link_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		live_link_close(&l->v[i]);
	vec_free(l);
}
