/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btf_list.c: `skep btf show`: types that the running kernel has, and the programs and
 * maps whose types they are, the newest first.
 */
#include "cli/btf_view.h"
#include "cli/prog_view.h"
#include <stdlib.h>
#include <unistd.h>

struct user { u32 btf, id; };	/* program or map ID has types BTF */
struct users { struct user *v; size_t n, cap; };	/* a VEC */

struct listing {
	struct tool *t;
	struct users progs, maps;	/* by BTF, then by id downwards */
};

static int by_btf(const void *a, const void *b)
{
	const struct user *x = a, *y = b;

	if (x->btf != y->btf)
		return x->btf < y->btf ? -1 : 1;
	return x->id > y->id ? -1 : x->id < y->id;
}

static void sort(struct users *u)
{
	if (u->n)
		qsort(u->v, u->n, sizeof(*u->v), by_btf);
}

static void take_prog(void *arg, const struct live_prog *p)
{
	struct listing *l = arg;

	if (p->btf_id)
		*vec_push(&l->progs) = (struct user){ p->btf_id, p->id };
}

/* A map may go while we look. */
static void take_maps(struct listing *l)
{
	struct skep_err unused;
	struct live_map m;
	u32 id = 0;
	int fd;

	while (!live_next(LIVE_MAP, &id)) {
		fd = live_open(LIVE_MAP, id, &unused);
		if (fd < 0 || live_map_read(&m, fd, &unused))
			continue;
		if (m.btf_id)
			*vec_push(&l->maps) = (struct user){ m.btf_id, m.id };
		live_map_close(&m);
	}
}

/* The first user of BTF, N of them. */
static const struct user *users_of(const struct users *u, u32 btf, size_t *n)
{
	size_t low = 0, high = u->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (u->v[mid].btf < btf)
			low = mid + 1;
		else
			high = mid;
	}
	for (*n = 0; low + *n < u->n && u->v[low + *n].btf == btf;)
		++*n;
	return u->v + low;
}

static void json_users(struct json *j, const char *key, const struct users *u, u32 btf)
{
	size_t n;
	const struct user *v = users_of(u, btf, &n);

	json_arr(j, key);
	for (size_t i = 0; i < n; i++)
		json_u64(j, NULL, v[i].id);
	json_arr_end(j);
}

static void print_users(struct strbuf *out, const char *key, const struct users *u, u32 btf)
{
	size_t n;
	const struct user *v = users_of(u, btf, &n);

	for (size_t i = 0; i < n; i++)
		sb_printf(out, "%s%s%s%u", i ? "," : "  ", i ? "" : key, i ? "" : " ", v[i].id);
}

static void show_one(struct listing *l, const struct live_types *b)
{
	struct json *j = &l->t->j;

	if (!l->t->form.json) {
		sb_printf(&l->t->out, "%u: ", b->id);
		if (b->kernel)
			sb_printf(&l->t->out, "name [%s]  ", b->name);
		else
			sb_printf(&l->t->out, "name %s  ", *b->name ? b->name : "<anon>");
		sb_printf(&l->t->out, "size %uB", b->bytes);
		print_users(&l->t->out, "prog_ids", &l->progs, b->id);
		print_users(&l->t->out, "map_ids", &l->maps, b->id);
		sb_putc(&l->t->out, '\n');
		return;
	}
	json_obj(j, NULL);
	json_u64(j, "id", b->id);
	json_u64(j, "size", b->bytes);
	json_users(j, "prog_ids", &l->progs, b->id);
	json_users(j, "map_ids", &l->maps, b->id);
	json_bool(j, "kernel", b->kernel);
	if (*b->name)
		json_str(j, "name", b->name);
	json_obj_end(j);
}

static int show_id(struct listing *l, u32 id, struct skep_err *err)
{
	struct live_types b;
	int fd = live_open(LIVE_BTF, id, err), r;

	if (fd < 0)
		return fd;
	r = live_types_read(&b, fd, err);
	if (!r)
		show_one(l, &b);
	close(fd);
	return r;
}

/* Types may go while we look. */
static int show_all(struct listing *l)
{
	struct skep_err unused;
	u32 id = 0;
	int r;

	while (!(r = live_next(LIVE_BTF, &id)))
		show_id(l, id, &unused);
	if (r == -ENOENT)
		return 0;
	return err_set(&l->t->err, ERR_KERNEL, NULL, "the kernel does not list its types: %s",
		       strerror(-r));
}

int btf_list(struct tool *t)
{
	struct listing l = { .t = t };
	const bool one = word_peek(&t->w);
	u32 id = 0;
	int r = 0;

	if (one && !word_take(&t->w, "id"))
		return err_set(&t->err, ERR_USAGE, NULL, "'%s' names no types; there is id N",
			       word_peek(&t->w));
	if (one)
		r = word_u32(&t->w, "the id", &id, &t->err);
	if (!r)
		r = tool_no_more(t);
	if (!r)
		r = prog_each(take_prog, &l, &t->err);
	if (r)
		return r;
	take_maps(&l);
	sort(&l.progs);
	sort(&l.maps);
	tool_begin(t, one);
	r = one ? show_id(&l, id, &t->err) : show_all(&l);
	vec_free(&l.progs);
	vec_free(&l.maps);
	return r ? r : tool_end(t, one);
}
