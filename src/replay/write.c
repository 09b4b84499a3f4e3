/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * write.c: writes recordings. Items are collected to blocks, which go to the file when they
 * are big enough, so that a recording of any length needs the memory of one block; what is
 * in the file then is whole, whatever becomes of the process.
 */
#include "replay/format.h"
#include "base/strbuf.h"
#include "base/os.h"
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK_ENOUGH = 1 << 14 };

struct record_writer {
	FILE *f;
	char *path;
	struct strbuf block;	/* items that are not in the file yet */
	u64 runs, bytes;
	int failed;		/* errno of the first write that did not work */
};

static void put_le(u8 *to, u64 v, u32 bytes)
{
	for (u32 i = 0; i < bytes; i++)
		to[i] = (u8)(v >> 8 * i);
}

static void put(struct record_writer *w, const void *data, size_t n)
{
	if (!w->failed && n && fwrite(data, 1, n, w->f) != n)
		w->failed = errno ? errno : EIO;
	w->bytes += n;
}

static void add_num(struct strbuf *b, u64 v)
{
	u8 out[10];
	u32 n = 0;

	for (; v >= 0x80; v >>= 7)
		out[n++] = (u8)(v | 0x80);
	out[n++] = (u8)v;
	sb_add(b, out, n);
}

static u64 number_at(const void *p, u32 size)
{
	u64 v = 0;

	switch (size) {
	case 1:
		return *(const u8 *)p;
	case 4:
		return *(const u32 *)p;
	default:
		memcpy(&v, p, sizeof(v));
		return v;
	}
}

static void add_field(struct strbuf *b, const struct record_item *item,
		      const struct record_field *f)
{
	const void *p = (const u8 *)item + f->at;
	const struct record_bytes *bytes = p;
	u8 word[8];

	switch (f->type) {
	case FIELD_NUM:
		add_num(b, number_at(p, f->size));
		break;
	case FIELD_WORD:
		put_le(word, number_at(p, 8), 8);
		sb_add(b, word, 8);
		break;
	default:
		add_num(b, bytes->n);
		if (bytes->n)
			sb_add(b, bytes->v, bytes->n);
	}
}

/* ---- the file ------------------------------------------------------------------ */

static void block_out(struct record_writer *w)
{
	u8 head[RECORD_BLOCK_HEAD];

	if (!w->block.n)
		return;
	put_le(head, RECORD_BLOCK, 4);
	put_le(head + 4, w->block.n, 4);
	put_le(head + 8, record_digest(w->block.s, w->block.n, 0), 8);
	put(w, head, sizeof(head));
	put(w, w->block.s, w->block.n);
	sb_reset(&w->block);
	if (!w->failed && fflush(w->f))
		w->failed = errno;
}

void record_flush(struct record_writer *w) { block_out(w); }

int record_create(struct record_writer **out, const char *path, struct skep_err *err)
{
	struct record_writer *w;
	u8 head[RECORD_HEAD_BYTES] = RECORD_MAGIC;
	FILE *f = fopen(path, "wb");

	*out = NULL;
	if (!f)
		return err_set(err, ERR_FILE_WRITE, path, "cannot be written: %s", strerror(errno));
	*out = w = mem_alloc(sizeof(*w));
	w->f = f;
	w->path = mem_strdup(path);
	put_le(head + 8, RECORD_VERSION, 4);
	put(w, head, sizeof(head));
	return 0;
}

void record_add(struct record_writer *w, const struct record_item *item)
{
	u32 n;
	const struct record_field *f = record_fields(item->kind, &n);

	add_num(&w->block, item->kind);
	for (u32 i = 0; i < n; i++)
		add_field(&w->block, item, &f[i]);
	w->runs += item->kind == RECORD_RUN;
	if (w->block.n >= BLOCK_ENOUGH)
		block_out(w);
}

u64 record_runs(const struct record_writer *w) { return w->runs; }
u64 record_bytes_written(const struct record_writer *w) { return w->bytes + w->block.n; }

static void writer_free(struct record_writer *w)
{
	sb_free(&w->block);
	free(w->path);
	free(w);
}

void record_abandon(struct record_writer *w)
{
	if (!w)
		return;
	record_flush(w);
	fclose(w->f);
	writer_free(w);
}

int record_close(struct record_writer *w, struct skep_err *err)
{
	int r = 0;

	if (!w)
		return 0;
	record_add(w, &(struct record_item){ .kind = RECORD_END, .end.runs = w->runs });
	record_flush(w);
	if (fclose(w->f) && !w->failed)
		w->failed = errno;
	if (w->failed)
		r = err_set(err, ERR_FILE_WRITE, w->path, "%s: the recording ends before its end",
			    strerror(w->failed));
	writer_free(w);
	return r;
}
