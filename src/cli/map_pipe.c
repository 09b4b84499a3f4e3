/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map_pipe.c: `skep map event_pipe`: what programs put into perf event arrays of the
 * kernel, in bpftool's forms; and into ring buffers, of the kernel and in files. Records
 * that are read are gone from the map: so are those that another reader waits for. Attaches
 * nothing.
 */
#include "cli/map_pipe.h"
#include <ctype.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct pipe_job {
	const struct pipe_opts *o;
	struct map_view v;
	struct perfbuf *perf;
	struct json j;
	struct strbuf out;
	u64 events;
	bool broken;		/* standard output takes no more */
};

static volatile sig_atomic_t stopped;
static void stop(int sig) { (void)sig; stopped = 1; }

/* ---- records ------------------------------------------------------------------------- */

/* What is there goes out at once; not 0: no more is wanted. */
static int record_done(struct pipe_job *p)
{
	p->broken = print_out(&p->out) != EXIT_YES || fflush(stdout);
	sb_reset(&p->out);
	p->events++;
	return p->broken || (p->o->events && p->events >= p->o->events);
}

static void data_json(struct json *j, const u8 *data, u32 bytes)
{
	json_arr(j, "data");
	for (u32 i = 0; i < bytes; i++)
		json_u64(j, NULL, data[i]);
	json_arr_end(j);
}

static void perf_json(struct json *j, const struct perfbuf_record *r)
{
	json_obj(j, NULL);
	json_u64(j, "type", r->type);
	json_u64(j, "cpu", r->cpu);
	json_u64(j, "index", r->index);
	if (r->data) {
		json_u64(j, "timestamp", r->time_ns);
		data_json(j, r->data, r->bytes);
	} else if (r->lost) {
		json_obj(j, "lost");
		json_u64(j, "id", r->id);
		json_u64(j, "count", r->lost);
		json_obj_end(j);
	}
	json_obj_end(j);
}

static void perf_text(struct strbuf *out, const struct perfbuf_record *r)
{
	if (r->data) {
		sb_printf(out, "== @%" PRIu64 ".%09" PRIu64 " CPU: %u index: %u =====\n",
			  r->time_ns / 1000000000, r->time_ns % 1000000000, r->cpu, r->index);
		map_print_bytes(out, r->data, r->bytes);
		sb_putc(out, '\n');
	} else if (r->type == PERF_RECORD_LOST) {
		sb_printf(out, "lost %" PRIu64 " events\n", r->lost);
	} else {
		sb_printf(out, "unknown event type=%u size=%u\n", r->type, r->record_bytes);
	}
}

static int on_perf(void *arg, const struct perfbuf_record *r)
{
	struct pipe_job *p = arg;

	if (p->o->json)
		perf_json(&p->j, r);
	else
		perf_text(&p->out, r);
	return record_done(p);
}

static int on_ring(void *arg, const struct map_event *e)
{
	struct pipe_job *p = arg;

	if (p->o->json) {
		json_obj(&p->j, NULL);
		json_u64(&p->j, "bytes", e->bytes);
		data_json(&p->j, e->data, e->bytes);
		json_obj_end(&p->j);
	} else {
		sb_printf(&p->out, "== %u bytes =====\n", e->bytes);
		map_print_bytes(&p->out, e->data, e->bytes);
		sb_putc(&p->out, '\n');
	}
	return record_done(p);
}

/* ---- waiting --------------------------------------------------------------------------- */

static s64 read_some(struct pipe_job *p)
{
	return p->perf ? perfbuf_read(p->perf, on_perf, p) :
			 p->v.b->ops->map_read(p->v.b, p->v.number, on_ring, p);
}

static bool wanted(const struct pipe_job *p)
{
	return !stopped && !p->broken && (!p->o->events || p->events < p->o->events);
}

/* Signals come while it waits, and at no other time. */
static int read_all(struct pipe_job *p, struct skep_err *err)
{
	const struct timespec at_once = { 0 };
	struct pollfd fd = { .events = POLLIN };
	sigset_t none;
	s64 r = 0;

	fd.fd = p->perf ? perfbuf_fd(p->perf) : p->v.b->ops->map_fd(p->v.b, p->v.number);
	if (fd.fd < 0)
		return err_set(err, ERR_MAP_READ, p->v.live.file, "nobody can wait for records of "
			       "map '%s': %s", p->v.info.name, strerror(-fd.fd));
	sigemptyset(&none);
	while (wanted(p)) {
		r = read_some(p);
		/* -EBUSY: another process reads just now */
		if (r < 0 && r != -EBUSY)
			return err_set(err, ERR_MAP_READ, p->v.live.file, "records of map '%s' "
				       "cannot be read: %s", p->v.info.name, strerror((int)-r));
		if (wanted(p))
			ppoll(&fd, 1, r > 0 ? &at_once : NULL, &none);
	}
	return 0;
}

static void catch(sigset_t *before)
{
	const struct sigaction on = { .sa_handler = stop };
	const int sigs[] = { SIGINT, SIGHUP, SIGTERM };
	sigset_t all;

	sigemptyset(&all);
	for (size_t i = 0; i < ARRAY_LEN(sigs); i++) {
		sigaction(sigs[i], &on, NULL);
		sigaddset(&all, sigs[i]);
	}
	sigprocmask(SIG_BLOCK, &all, before);
}

/* ---- the command ------------------------------------------------------------------------- */

static int wrong_type(const struct live_map *m, struct skep_err *err)
{
	char title[64];

	map_title(title, m);
	return err_set(err, ERR_MAP_TYPE, m->file, "%s of type %s is no perf event array and no "
		       "ring buffer", title, maptype_row(m->type) ? maptype_row(m->type)->name :
		       "?");
}

static int open_map(struct pipe_job *p, struct live_map *m, struct skep_err *err)
{
	const struct perfbuf_opts o = { .one = p->o->one, .cpu = p->o->cpu, .index = p->o->index };
	bool perf = m->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY;
	int r = perf || m->type == BPF_MAP_TYPE_RINGBUF ? 0 : wrong_type(m, err);

	if (!r && !perf && p->o->one)
		r = err_set(err, ERR_USAGE, NULL, "cpu and index are for perf event arrays: a ring "
			    "buffer is one for all cpus");
	if (!r && perf)
		r = perfbuf_open(&p->perf, m->fd, m->max_entries, &o, err);
	return r ? r : map_view_open(&p->v, m, err);
}

static int run(struct pipe_job *p, struct skep_err *err)
{
	sigset_t before;
	int r, status = EXIT_YES;

	catch(&before);
	if (!p->o->json)
		fprintf(stderr, "reading map '%s'; ^C ends it\n", p->v.info.name);
	else
		json_arr(&p->j, NULL);
	r = read_all(p, err);
	if (!r && p->o->json) {
		json_arr_end(&p->j);
		sb_putc(&p->out, '\n');
		status = print_out(&p->out);
	}
	if (p->perf && perfbuf_lost(p->perf) > perfbuf_told(p->perf))
		fprintf(stderr, "warning: %" PRIu64 " more events were lost\n",
			perfbuf_lost(p->perf) - perfbuf_told(p->perf));
	sigprocmask(SIG_SETMASK, &before, NULL);
	return r ? r : p->broken ? EXIT_NO_ANSWER : status;
}

int map_pipe(const struct pipe_opts *o, struct live_map *m, struct skep_err *err)
{
	struct pipe_job p = { .o = o };
	int r = open_map(&p, m, err);

	p.j = (struct json){ .out = &p.out, .pretty = o->pretty, .tool = true };
	if (!r)
		r = run(&p, err);
	perfbuf_close(p.perf);
	map_view_close(&p.v);
	sb_free(&p.out);
	return r;
}

/* ---- samples --------------------------------------------------------------------- */

static int sample_bytes(struct words *w, struct strbuf *out, struct skep_err *err)
{
	const char *word = word_peek(w);
	int base = word && !strcmp(word, "hex") ? 16 : 0;
	char *end;

	if (base)
		word_next(w);
	while ((word = word_next(w))) {
		unsigned long v = strtoul(word, &end, base);

		if (!isxdigit((u8)*word) || *end || v > UINT8_MAX)
			return err_set(err, ERR_USAGE, NULL, "'%s' is no byte of the sample (%zu)",
				       word, out->n + 1);
		sb_putc(out, (char)v);
	}
	return 0;
}

static int sample_file(struct words *w, struct strbuf *out, struct skep_err *err)
{
	const char *path = word_next(w);
	struct os_file f;
	int r = path ? words_end(w, err) : err_set(err, ERR_USAGE, NULL, "file FILE: which one?");

	if (!r)
		r = os_file_read(&f, path, err);
	if (r)
		return r;
	sb_add(out, f.data, f.size);
	os_file_close(&f);
	return 0;
}

static int write_sample(const struct map_view *v, const struct strbuf *data, struct skep_err *err)
{
	const struct backend_ops *ops = v->b->ops;
	int r = ops->map_write ? ops->map_write(v->b, v->number, data->s, data->n) : -EOPNOTSUPP;
	char title[64];

	if (!r)
		return 0;
	map_title(title, &v->live);
	if (r == -E2BIG)
		return err_set(err, ERR_MAP_DATA, v->live.file, "%s has %u bytes; a sample of %zu "
			       "and its head do not fit", title, v->live.max_entries, data->n);
	err_set(err, ERR_MAP_UPDATE, v->live.file, "%s: nothing stored: %s", title, r == -ENOSPC ?
		"there is no room until a program drains it" : strerror(-r));
	return r;
}

int map_push_sample(const struct map_view *v, struct words *w, struct skep_err *err)
{
	struct strbuf data = { 0 };
	int r;

	if (!word_peek(w) || !word_take(w, "value"))
		return err_set(err, ERR_USAGE, NULL, "the sample is missing: value DATA, or value "
			       "file FILE");
	r = word_peek(w) && !strcmp(word_peek(w), "file") ?
		(word_next(w), sample_file(w, &data, err)) : sample_bytes(w, &data, err);
	if (!r && !data.n)
		r = err_set(err, ERR_USAGE, NULL, "a sample has at least one byte");
	if (!r)
		r = write_sample(v, &data, err);
	sb_free(&data);
	return r;
}
