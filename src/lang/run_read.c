/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run_read.c: records of the ring buffer and what they ask for; reading, clearing and
 * printing maps; writing results.
 */
#include "lang/run_in.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- writing ----------------------------------------------------------------- */

static bool write_all(int fd, const char *s, size_t n)
{
	while (n) {
		ssize_t w = write(fd, s, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return false;
		s += w;
		n -= (size_t)w;
	}
	return true;
}

void run_flush(struct run *r, bool all)
{
	if (r->errors.n) {
		if (r->o->say)
			r->o->say(&r->errors);
		else
			write_all(STDERR_FILENO, r->errors.s, r->errors.n);
		sb_reset(&r->errors);
	}
	if (r->text.n && (all || r->text.n >= r->o->flush)) {
		if (!r->broken && !write_all(r->o->out, r->text.s, r->text.n)) {
			if (errno != EPIPE) {	/* who reads has gone: nothing to say */
				sb_printf(&r->errors, "ERROR: results cannot be written: %s\n",
					  strerror(errno));
				r->status = 1;
			}
			r->broken = true;
			r->ended = true;
		}
		sb_reset(&r->text);
	}
}

/* ---- maps -------------------------------------------------------------------- */

struct elements {
	u8 *keys, *values;
	size_t n, cap;
	size_t last;		/* where the key is that was read last */
	u64 key_bytes, value_bytes;
	u32 stride;
};

static void grow(struct elements *e)
{
	if (e->n < e->cap)
		return;
	e->cap = e->cap ? e->cap * 2 : 64;
	e->keys = mem_resize(e->keys, e->cap * e->key_bytes);
	e->values = mem_resize(e->values, e->cap * e->value_bytes);
}

static bool is_set(const struct run *r, const struct lang_map *m, const u8 *value, u32 stride)
{
	u64 set = 0;

	for (u32 c = 0; c < (m->percpu ? r->out.cpus : 1); c++) {
		u64 one;

		memcpy(&one, value + (u64)c * stride + m->set_at, 8);
		set |= one;
	}
	return set;
}

static void read_elements(struct run *r, u32 i, struct elements *e)
{
	const struct lang_map *m = &r->o->unit->maps.v[i];
	const u32 map = (u32)r->map[i];
	struct map_info info;
	const u8 *prev;
	bool any = false;

	*e = (struct elements){ 0 };
	if (r->b->ops->map_info(r->b, map, &info))
		return;
	e->key_bytes = info.key_size;
	e->value_bytes = info.value_bytes;
	e->stride = m->percpu ? info.value_stride : (u32)info.value_bytes;
	r->out.cpus = m->percpu ? info.cpus : 1;
	/* keys that programs delete meanwhile begin the walk anew: it ends all the same */
	while (e->n < 2 * (size_t)m->max_entries + 2) {
		u8 *key, *value;

		grow(e);		/* moves what is there */
		prev = any ? e->keys + e->last * e->key_bytes : NULL;
		key = e->keys + e->n * e->key_bytes;
		value = e->values + e->n * e->value_bytes;
		if (r->b->ops->map_next_key(r->b, map, prev, key))
			break;
		any = true;
		e->last = e->n;
		if (!r->b->ops->map_lookup(r->b, map, key, value, 0) &&
		    (m->key || is_set(r, m, value, e->stride)))
			e->n++;
		else if (!m->key)
			break;
	}
}

static void free_elements(struct elements *e)
{
	free(e->keys);
	free(e->values);
}

void run_print_map(struct run *r, u32 i, u64 top, u64 div, bool at_end)
{
	const struct lang_map *m = &r->o->unit->maps.v[i];
	struct elements e;
	struct out_elem *v;

	read_elements(r, i, &e);
	if (!e.n && !at_end && !m->key)		/* one that nobody has set is 0 */
		e.n = 1;
	v = mem_alloc((e.n + 1) * sizeof(*v));
	for (size_t k = 0; k < e.n; k++)
		v[k] = (struct out_elem){ m->key ? e.keys + k * e.key_bytes : NULL,
					  e.values + k * e.value_bytes };
	if (at_end && r->o->folded && out_is_folded(m))
		out_folded(&r->out, r->o->folded, m, v, e.n, e.stride);
	else if (e.n || !at_end)
		out_map(&r->out, m, v, e.n, e.stride, top, div);
	free(v);
	free_elements(&e);
}

/* All keys go, or all values become 0. */
static void empty(struct run *r, u32 i, bool zero)
{
	const struct lang_map *m = &r->o->unit->maps.v[i];
	struct elements e;

	read_elements(r, i, &e);
	for (size_t k = 0; k < e.n; k++) {
		u8 *key = e.keys + k * e.key_bytes, *value = e.values + k * e.value_bytes;

		if (m->key && !zero) {
			r->b->ops->map_delete(r->b, (u32)r->map[i], key);
			continue;
		}
		for (u32 c = 0; c < r->out.cpus; c++)	/* what was set stays set */
			memset(value + (u64)c * e.stride, 0,
			       zero && !m->key ? m->set_at : e.stride);
		r->b->ops->map_update(r->b, (u32)r->map[i], key, value, BPF_ANY);
	}
	free_elements(&e);
}

/* ---- files and commands ------------------------------------------------------ */

static void copy_out(struct run *r, FILE *f, const char *type, u64 max)
{
	struct strbuf b = { 0 };
	char buf[4096];
	size_t n;

	while (b.n < max && (n = fread(buf, 1, sizeof(buf), f)) > 0)
		sb_add(&b, buf, b.n + n > max ? (size_t)(max - b.n) : n);
	out_text(&r->out, type, sb_text(&b), b.n);
	sb_free(&b);
}

static void cat(struct run *r, const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);	/* waits for no pipe */
	FILE *f = fd < 0 ? NULL : fdopen(fd, "re");

	if (!f) {
		sb_printf(&r->errors, "ERROR: failed to open file '%s' (%s)\n", path,
			  strerror(errno));
		return;
	}
	copy_out(r, f, "cat", r->o->unit->config.max_cat_bytes);
	fclose(f);
}

static void command(struct run *r, const char *line)
{
	FILE *f;

	run_flush(r, true);
	f = popen(line, "re");
	if (!f) {
		sb_printf(&r->errors, "ERROR: system(): %s\n", strerror(errno));
		return;
	}
	copy_out(r, f, "syscall", UINT64_MAX);
	pclose(f);
}

/* ---- records ----------------------------------------------------------------- */

static u64 word(const u8 *p)
{
	u64 v;

	memcpy(&v, p, 8);
	return v;
}

static void do_record(struct run *r, const struct lang_record *rec, const u8 *data, u32 bytes)
{
	struct strbuf text = { 0 };

	switch (rec->action) {
	case LA_WARNF:
		if (!r->o->no_warnings)
			out_record(&r->out, rec, data, bytes, &r->errors);
		break;
	case LA_CAT:
	case LA_SYSTEM:
		out_format(&r->out, &text, rec->format, rec->args, rec->nr_args, data);
		if (rec->action == LA_CAT)
			cat(r, sb_text(&text));
		else
			command(r, sb_text(&text));
		sb_free(&text);
		break;
	case LA_PRINT_MAP:
		run_print_map(r, (u32)rec->map, word(data + 8), word(data + 16), false);
		break;
	case LA_CLEAR:
	case LA_ZERO:
		empty(r, (u32)rec->map, rec->action == LA_ZERO);
		break;
	case LA_UNWATCH:
		run_unwatch(r, rec, word(data + 8));
		break;
	case LA_EXIT:
		r->status = (int)word(data + 8);
		r->ended = true;
		break;
	default:
		out_record(&r->out, rec, data, bytes, &r->errors);
		if (rec->action == LA_ASSERT) {
			r->status = 1;
			r->ended = true;
		}
	}
}

static int on_record(void *arg, const struct map_event *e)
{
	struct run *r = arg;
	const u64 index = e->bytes >= 8 ? word(e->data) : UINT64_MAX;

	if (index < r->o->unit->records.n && !r->discard)
		do_record(r, &r->o->unit->records.v[index], e->data, e->bytes);
	return 0;
}

void run_read(struct run *r)
{
	if (r->ring < 0)
		return;
	while (r->b->ops->map_read(r->b, (u32)r->ring, on_record, r) > 0)
		if (!r->discard && !r->holds)
			run_flush(r, !r->o->flush);
}
