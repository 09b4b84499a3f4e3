/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * read.c: reads recordings. Nothing of a file is believed: lengths are compared with what is
 * there before anything is looked at, numbers with what their member holds, and items stand
 * where record.h says or are refused. What numbers mean is for who replays.
 */
#include "replay/format.h"
#include "base/os.h"
#include <inttypes.h>
#include <stdlib.h>

/* How far the sequence of items is. */
enum phase { AT_OBJECT, AT_HEAD, AT_BETWEEN, IN_RUN, AT_MAPS, AT_END };

struct record_reader {
	struct os_file file;
	bool owned;		/* FILE is ours to close */
	char *name;
	u64 next;		/* the next block */
	u64 at, end;		/* what is left of its items */
	enum phase phase;
	bool of_run;		/* IN_RUN: not of timers */
	u64 runs;		/* that are whole so far */
};

static u64 le_at(const u8 *p, u32 bytes)
{
	u64 v = 0;

	for (u32 i = 0; i < bytes; i++)
		v |= (u64)p[i] << 8 * i;
	return v;
}

static int bad(const struct record_reader *r, struct skep_err *err, const char *what)
{
	return err_set(err, ERR_RECORD_BAD, r->name, "byte %" PRIu64 ": %s", r->at, what);
}

static int cut(const struct record_reader *r, struct skep_err *err)
{
	return err_set(err, ERR_RECORD_CUT, r->name, "the recording ends at byte %zu, before its "
		       "end; %" PRIu64 " run%s of it %s whole", r->file.size, r->runs,
		       r->runs == 1 ? "" : "s", r->runs == 1 ? "is" : "are");
}

/* ---- opening --------------------------------------------------------------------- */

static int check_head(const struct record_reader *r, struct skep_err *err)
{
	const u8 *p = r->file.data;
	u64 version;

	if (r->file.size < 8 || memcmp(p, RECORD_MAGIC, 8))
		return err_set(err, ERR_RECORD_KIND, r->name, "this is no recording");
	if (r->file.size < RECORD_HEAD_BYTES)
		return cut(r, err);
	version = le_at(p + 8, 4);
	if (version == RECORD_VERSION && !le_at(p + 12, 4))
		return 0;
	return err_set(err, ERR_RECORD_VERSION, r->name, "the recording is of format %" PRIu64
		       ", this skep reads format %d", version, RECORD_VERSION);
}

static int reader_new(struct record_reader **out, const struct os_file *f, bool owned,
		      const char *name, struct skep_err *err)
{
	struct record_reader *r = mem_alloc(sizeof(*r));
	int bad_head;

	r->file = *f;
	r->owned = owned;
	r->name = mem_strdup(name);
	record_rewind(r);
	bad_head = check_head(r, err);
	if (bad_head)
		record_reader_close(r);
	*out = bad_head ? NULL : r;
	return bad_head;
}

int record_open(struct record_reader **out, const char *path, struct skep_err *err)
{
	struct os_file f;
	int r = os_file_read(&f, path, err);

	*out = NULL;
	return r ? r : reader_new(out, &f, true, path, err);
}

int record_open_mem(struct record_reader **out, const void *data, u64 bytes, const char *name,
		    struct skep_err *err)
{
	return reader_new(out, &(struct os_file){ .data = data, .size = bytes }, false, name, err);
}

void record_rewind(struct record_reader *r)
{
	r->next = RECORD_HEAD_BYTES;
	r->at = r->end = 0;
	r->phase = AT_OBJECT;
	r->runs = 0;
}

const char *record_name(const struct record_reader *r) { return r->name; }

void record_reader_close(struct record_reader *r)
{
	if (!r)
		return;
	if (r->owned)
		os_file_close(&r->file);
	free(r->name);
	free(r);
}

/* ---- blocks ------------------------------------------------------------------------ */

/* 1: there is another one, whose bytes are whole. */
static int block_next(struct record_reader *r, struct skep_err *err)
{
	const u8 *p = r->file.data + r->next;
	u64 left = r->file.size - r->next, bytes;

	r->at = r->next;
	if (r->phase == AT_END)
		return left ? bad(r, err, "bytes behind the end of the recording") : 0;
	if (left < RECORD_BLOCK_HEAD)
		return cut(r, err);
	if (le_at(p, 4) != RECORD_BLOCK)
		return bad(r, err, "no block begins here");
	bytes = le_at(p + 4, 4);
	if (bytes > left - RECORD_BLOCK_HEAD)
		return cut(r, err);
	if (record_digest(p + RECORD_BLOCK_HEAD, bytes, 0) != le_at(p + 8, 8))
		return bad(r, err, "the checksum of the block that begins here is wrong");
	r->at = r->next + RECORD_BLOCK_HEAD;
	r->end = r->next = r->at + bytes;
	return 1;
}

/* ---- items --------------------------------------------------------------------------- */

static bool get_num(struct record_reader *r, u64 *v)
{
	*v = 0;
	for (u32 shift = 0; shift < 64 && r->at < r->end; shift += 7) {
		u8 b = r->file.data[r->at++];

		if (shift == 63 && b > 1)
			return false;
		*v |= (u64)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return true;
	}
	return false;
}

/* Stores V in a member of SIZE bytes; false when it does not fit. */
static bool number_set(void *p, u32 size, u64 v)
{
	u32 v32 = (u32)v;

	switch (size) {
	case 1:
		*(bool *)p = v != 0;
		return v <= 1;
	case 4:
		memcpy(p, &v32, sizeof(v32));
		return v == v32;
	default:
		memcpy(p, &v, sizeof(v));
		return true;
	}
}

static bool get_field(struct record_reader *r, struct record_item *item,
		      const struct record_field *f)
{
	void *p = (u8 *)item + f->at;
	struct record_bytes *bytes = p;
	u64 v;

	if (f->type == FIELD_WORD) {
		if (r->end - r->at < 8)
			return false;
		v = le_at(r->file.data + r->at, 8);
		r->at += 8;
		return number_set(p, 8, v);
	}
	if (!get_num(r, &v))
		return false;
	if (f->type == FIELD_NUM)
		return number_set(p, f->size, v);
	if (v > r->end - r->at || v > RECORD_BYTES_MAX)
		return false;
	*bytes = (struct record_bytes){ v ? r->file.data + r->at : NULL, v };
	r->at += v;
	return true;
}

/* What comes after an item of KIND in PHASE; -1: it must not stand there. */
static int phase_after(enum phase phase, u32 kind)
{
	switch (kind) {
	case RECORD_OBJECT:
		return phase == AT_OBJECT ? AT_HEAD : -1;
	case RECORD_OPTION:
	case RECORD_PROG:
	case RECORD_PLAN:
	case RECORD_TAPED:
	case RECORD_DATA:
		return phase == AT_HEAD ? AT_HEAD : -1;
	case RECORD_UPDATE:
	case RECORD_DELETE:
	case RECORD_READ:
	case RECORD_WRITE:
	case RECORD_LIKE:
	case RECORD_DROP:
		return phase == AT_HEAD || phase == AT_BETWEEN ? AT_BETWEEN : -1;
	case RECORD_RUN:
	case RECORD_TIMERS:
		return phase == AT_HEAD || phase == AT_BETWEEN ? IN_RUN : -1;
	case RECORD_MEM:
	case RECORD_CALL:
	case RECORD_SEEN:
		return phase == IN_RUN ? IN_RUN : -1;
	case RECORD_RESULT:
		return phase == IN_RUN ? AT_BETWEEN : -1;
	case RECORD_MAP:
		return phase == AT_HEAD || phase == AT_BETWEEN || phase == AT_MAPS ? AT_MAPS : -1;
	case RECORD_END:
		return phase != AT_OBJECT && phase != IN_RUN && phase != AT_END ? AT_END : -1;
	}
	return -1;
}

static int get_item(struct record_reader *r, struct record_item *item, struct skep_err *err)
{
	u64 kind, begin = r->at;
	const struct record_field *f;
	int phase;
	u32 n;

	if (!get_num(r, &kind) || !kind || kind >= RECORD_KINDS)
		return bad(r, err, "there is no such kind of item");
	*item = (struct record_item){ .kind = (enum record_kind)kind, .at = begin };
	f = record_fields((u32)kind, &n);
	for (u32 i = 0; i < n; i++)
		if (!get_field(r, item, &f[i]))
			return bad(r, err, "an item has a number that is too big, or ends behind "
				   "its block");
	phase = phase_after(r->phase, (u32)kind);
	if (phase < 0) {
		r->at = begin;
		return bad(r, err, "an item stands where it must not");
	}
	r->phase = (enum phase)phase;
	r->runs += kind == RECORD_RESULT && r->of_run;
	if (kind == RECORD_RUN || kind == RECORD_TIMERS)
		r->of_run = kind == RECORD_RUN;
	return 1;
}

int record_next(struct record_reader *r, struct record_item *item, struct skep_err *err)
{
	int got = 1;

	while (got > 0 && r->at == r->end)
		got = block_next(r, err);
	return got > 0 ? get_item(r, item, err) : got;
}
