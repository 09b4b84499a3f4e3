/* SPDX-License-Identifier: BSD-2-Clause */
/* map_list.c: `skep map show`: which maps there are, of the kernel or of the embedded
 * engine, one after the other. */
#include "cli/user_view.h"

struct show {
	const struct map_form *form;
	struct live_pins pins;
	struct strbuf *out;
	struct json *j;
	struct skep_err *err;
};

static void show_map(void *arg, struct live_map *m)
{
	struct show *s = arg;

	if (s->form->json)
		map_json_facts(s->j, m, &s->pins);
	else
		map_print_facts(s->out, m, &s->pins);
}

/* Those of L, or all of the kernel's: no two of them are open at a time. */
static int show_maps(struct show *s, const struct map_list *l)
{
	const bool array = s->form->json && (!l || l->n != 1);
	int r = 0;

	if (s->form->pins)
		live_pins_read(&s->pins);
	if (array)
		json_arr(s->j, NULL);
	if (!l)
		r = map_each(show_map, s, s->err);
	for (size_t i = 0; l && i < l->n; i++)
		show_map(s, &l->v[i]);
	if (array)
		json_arr_end(s->j);
	live_pins_free(&s->pins);
	return r;
}

/* What the embedded engine has pinned in the user's own folder, and what processes of this
 * user have. */
static int show_user(struct show *s, struct words *w)
{
	const struct user_show u = { USER_MAP, s->form->json, s->out, s->j };
	struct map_list files = { 0 };
	struct skep_err unused;
	int r;

	if (s->form->json)
		json_arr(s->j, NULL);
	if (!word_peek(w) && !map_list_files(&files, &unused))
		for (size_t i = 0; i < files.n; i++)
			show_map(s, &files.v[i]);
	map_list_free(&files);
	r = user_show(&u, w, s->err);
	if (s->form->json)
		json_arr_end(s->j);
	return r;
}

int map_show_as(const char *on, const struct map_form *form, struct words *w,
		struct strbuf *out, struct json *j, struct skep_err *err)
{
	struct show s = { .form = form, .out = out, .j = j, .err = err };
	struct map_list l = { 0 };
	bool user;
	int r = user_wanted(on, &user, err);

	if (r || user)
		return r ? r : show_user(&s, w);
	if (!word_peek(w))
		return show_maps(&s, NULL);
	r = map_list_parse(&l, w, err);
	if (!r)
		r = words_end(w, err);
	if (!r)
		r = show_maps(&s, &l);
	map_list_free(&l);
	return r;
}
