/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prog_run.c: `skep prog run`: a program of the kernel by BPF_PROG_TEST_RUN, on data and a
 * context of files; what it leaves goes to files or, "-", is printed. Nothing is attached.
 */
#include "cli/prog_cmd.h"
#include <ctype.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	ROOM = 32 << 10,	/* for what comes out, as in bpftool */
	ROOM_MAX = 16 << 20,
};

struct run_files {
	const char *data_in, *data_out, *ctx_in, *ctx_out;
	u32 data_room, ctx_room, repeat;
	bool has_repeat;
};

/* ---- words -------------------------------------------------------------------------- */

static int run_word(struct tool *t, struct run_files *f)
{
	const struct { const char *name; const char **text; u32 *number; } rows[] = {
		{ "data_in", &f->data_in, NULL }, { "data_out", &f->data_out, NULL },
		{ "data_size_out", NULL, &f->data_room }, { "ctx_in", &f->ctx_in, NULL },
		{ "ctx_out", &f->ctx_out, NULL }, { "ctx_size_out", NULL, &f->ctx_room },
		{ "repeat", NULL, &f->repeat },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!word_take(&t->w, rows[i].name))
			continue;
		f->has_repeat |= rows[i].number == &f->repeat;
		return rows[i].text ? tool_word(t, rows[i].name, rows[i].text) :
				      word_u32(&t->w, rows[i].name, rows[i].number, &t->err);
	}
	return err_set(&t->err, ERR_USAGE, NULL, "'%s' is nothing that a run takes; there are "
		       "data_in, data_out, data_size_out, ctx_in, ctx_out, ctx_size_out and "
		       "repeat", word_peek(&t->w));
}

static int run_words(struct tool *t, struct run_files *f)
{
	int r = 0;

	while (!r && word_peek(&t->w))
		r = run_word(t, f);
	if (r)
		return r;
	if (f->data_in && f->ctx_in && !strcmp(f->data_in, "-") && !strcmp(f->ctx_in, "-"))
		return err_set(&t->err, ERR_USAGE, NULL, "data_in and ctx_in cannot both be "
			       "standard input");
	if (f->data_room > ROOM_MAX || f->ctx_room > ROOM_MAX)
		return err_set(&t->err, ERR_LIMIT, NULL, "data_size_out and ctx_size_out are at "
			       "most %d", ROOM_MAX);
	if (!f->data_in && !f->ctx_in && !f->has_repeat)
		return err_set(&t->err, ERR_USAGE, NULL, "what does it run on? data_in FILE, "
			       "ctx_in FILE; or repeat N for what takes neither");
	return 0;
}

/* ---- what comes out ------------------------------------------------------------------- */

/* 16 bytes a line: where, in hexadecimal by two, as characters by eight. */
static void put_hex(struct strbuf *out, const u8 *p, u32 n)
{
	for (u32 at = 0; at < n; at += 16) {
		sb_printf(out, "%07x\t", at);
		for (u32 i = at; i < at + 16; i++) {
			if (i < n)
				sb_printf(out, "%02x", p[i]);
			else
				sb_puts(out, "  ");
			sb_puts(out, i % 2 ? " " : "");
		}
		sb_puts(out, "| ");
		for (u32 i = at; i < n && i < at + 16; i++) {
			sb_puts(out, i == at + 8 ? " " : "");
			sb_putc(out, isprint(p[i]) ? (char)p[i] : '.');
		}
		sb_putc(out, '\n');
	}
}

static int write_file(const char *path, const u8 *p, u32 n, struct skep_err *err)
{
	struct os_out out;
	int r = os_out_open(&out, path, err);

	if (r)
		return r;
	fwrite(p, 1, n, out.f);
	return os_out_commit(&out, err);
}

/* N bytes of P to PATH; those of "-" are called NAME. */
static int put_bytes(struct tool *t, const char *name, const char *path, const u8 *p, u32 n)
{
	if (!path || !n)
		return 0;
	if (strcmp(path, "-"))
		return write_file(path, p, n, &t->err);
	if (!t->form.json) {
		put_hex(&t->out, p, n);
		return 0;
	}
	json_arr(&t->j, name);
	for (u32 i = 0; i < n; i++)
		json_u64(&t->j, NULL, p[i]);
	json_arr_end(&t->j);
	return 0;
}

static int results(struct tool *t, const struct run_files *f, const struct live_test *run)
{
	int r;

	if (t->form.json)
		json_obj(&t->j, NULL);
	r = put_bytes(t, "data_out", f->data_out, run->data_out,
		      (u32)min_u64(run->data_bytes, run->data_room));
	if (!r)
		r = put_bytes(t, "ctx_out", f->ctx_out, run->ctx_out,
			      (u32)min_u64(run->ctx_out_bytes, run->ctx_room));
	if (r)
		return r;
	if (t->form.json) {
		json_u64(&t->j, "retval", run->retval);
		json_u64(&t->j, "duration", run->duration);
		json_obj_end(&t->j);
	} else {
		sb_printf(&t->out, "Return value: %u, duration%s: %uns\n", run->retval,
			  f->repeat > 1 ? " (average)" : "", run->duration);
	}
	return tool_finish(t);
}

/* ---- the run ----------------------------------------------------------------------------- */

static int read_input(const char *path, struct os_file *f, const void **data, u32 *bytes,
		      struct skep_err *err)
{
	int r = path ? os_file_read(f, path, err) : 0;

	if (r || !path)
		return r;
	if (f->size > INT32_MAX)
		return err_set(err, ERR_LIMIT, path, "%zu bytes for a test run, at most %d",
			       f->size, INT32_MAX);
	*data = f->size ? (const void *)f->data : "";
	*bytes = (u32)f->size;
	return 0;
}

static u32 type_of(int fd)
{
	struct skep_err unused;
	struct live_prog p;
	int copy = dup(fd);

	if (copy < 0 || live_prog_read(&p, copy, &unused))
		return 0;
	close(copy);
	return p.type;
}

/* Room is given only where something went in: types that take none of it refuse it. */
static void make_room(struct live_test *run, const struct run_files *f)
{
	run->data_room = run->data ? f->data_room : 0;
	run->ctx_room = run->ctx && f->ctx_out ? f->ctx_room : 0;
	run->data_out = run->data ? mem_alloc((size_t)run->data_room + 1) : NULL;
	run->ctx_out = run->ctx_room ? mem_alloc((size_t)run->ctx_room + 1) : NULL;
}

/* Programs of this type change their context where it lies, and run once. */
static int run_syscall(int fd, struct live_test *run, struct skep_err *err)
{
	struct live_test in_place = { .ctx_bytes = run->ctx_bytes,
		.repeat = run->repeat > 1 ? run->repeat : 0 };
	u8 *ctx = mem_alloc((size_t)run->ctx_bytes + 1);
	int r;

	if (run->ctx)
		in_place.ctx = memcpy(ctx, run->ctx, run->ctx_bytes);
	r = live_prog_test(fd, &in_place, err);
	run->retval = in_place.retval;
	run->ctx_out_bytes = (u32)min_u64(run->ctx_bytes, run->ctx_room);
	if (run->ctx_out)
		memcpy(run->ctx_out, ctx, run->ctx_out_bytes);
	free(ctx);
	return r;
}

static int run_on(struct tool *t, int fd, const struct run_files *f, struct live_test *run)
{
	const u32 type = type_of(fd);
	int r;

	run->repeat = f->repeat;
	if (type == BPF_PROG_TYPE_RAW_TRACEPOINT && f->repeat == 1)
		run->repeat = 0;	/* which it says in its way */
	make_room(run, f);
	r = type == BPF_PROG_TYPE_SYSCALL && !run->data ? run_syscall(fd, run, &t->err) :
							  live_prog_test(fd, run, &t->err);
	if (r)
		live_prog_test_why(type, run, &t->err);
	else
		r = results(t, f, run);
	free(run->data_out);
	free(run->ctx_out);
	return r;
}

int prog_run(struct tool *t)
{
	struct run_files f = { .data_room = ROOM, .ctx_room = ROOM };
	struct os_file data = { 0 }, ctx = { 0 };
	struct live_test run = { 0 };
	int fd = prog_parse(&t->w, &t->err), r;

	if (fd < 0)
		return fd;
	r = run_words(t, &f);
	if (!r)
		r = read_input(f.data_in, &data, &run.data, &run.bytes, &t->err);
	if (!r)
		r = read_input(f.ctx_in, &ctx, &run.ctx, &run.ctx_bytes, &t->err);
	if (!r)
		r = run_on(t, fd, &f, &run);
	if (data.data)
		os_file_close(&data);
	if (ctx.data)
		os_file_close(&ctx);
	close(fd);
	return r;
}
