/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run_unwind.c: what dw_ustack() needs of the processes that it is for: the rows of
 * .eh_frame of each file that one of them has mapped, once, in one map, and for each process
 * where it has mapped them. Programs that a watched process starts are watched, too.
 */
#include "lang/run_in.h"
#include "sym/cfi.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROWS_LEAST = 1 << 20, ROWS_MOST = 1 << 23, AT_ONCE = 4096 };

struct unwound { u64 dev, ino; u32 row, rows; };	/* a file */

struct unwind {
	s32 rows, spaces;	/* maps */
	u32 used, room;		/* of the map of rows */
	u32 nr_spaces;
	u64 no_rows, too_many;	/* files that did not fit; processes */
	bool parts;		/* a process has more parts of code than a space takes */
	VEC(struct unwound) files;
};

/* ---- before programs are loaded ------------------------------------------------ */

/* Bytes of code that PID has mapped. */
static u64 code_bytes(u32 pid)
{
	char path[64], line[4400], perm[8];
	u64 from, to, sum = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &from, &to, perm) == 3 &&
		    perm[2] == 'x')
			sum += to - from;
	if (f)
		fclose(f);
	return sum;
}

u32 run_unwind_rows(const struct trace_run *o)
{
	enum { PER_ROW = 10 };	/* of what compilers make; the least that was seen is 13 */
	u64 n = ROWS_LEAST;

	for (u32 i = 0; i < o->nr_dwarf_pids; i++)
		n += code_bytes(o->dwarf_pids[i]) / PER_ROW;
	return (u32)min_u64(n, ROWS_MOST);
}

/* ---- rows ------------------------------------------------------------------------ */

static bool put_rows(struct run *r, u32 at, const struct cfi_row *rows, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		const u32 key = at + i;

		if (r->b->ops->map_update(r->b, (u32)r->unwind->rows, &key, &rows[i], BPF_ANY))
			return false;
	}
	return true;
}

/* The rows of the file that PART is of, which are in the map from then on. */
static struct unwound rows_of(struct run *r, const struct run_part *part)
{
	struct unwind *u = r->unwind;
	struct unwound f = { part->dev, part->ino, u->used, 0 };
	struct cfi_row *rows = NULL;
	struct sym_file file;
	char path[64];
	u32 n = 0;

	for (size_t i = 0; i < u->files.n; i++)
		if (u->files.v[i].dev == part->dev && u->files.v[i].ino == part->ino)
			return u->files.v[i];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", part->fd);
	if (!sym_open(&file, part->fd >= 0 ? path : part->path, NULL)) {
		sym_cfi_read(&file, &rows, &n, NULL);
		sym_close(&file);
	}
	if (n > u->room - u->used)
		u->no_rows++;
	else if (put_rows(r, u->used, rows, n))
		f.rows = n;
	u->used += f.rows;
	free(rows);
	*vec_push(&u->files) = f;
	return f;
}

/* What addresses of PART have more than they were linked with; false: it is no code. */
static bool bias_of(const struct run_part *part, u64 *bias)
{
	struct sym_file file;
	char path[64];
	bool found = false;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", part->fd);
	if (sym_open(&file, part->fd >= 0 ? path : part->path, NULL))
		return false;
	for (u32 i = 0; i < file.nr_parts && !found; i++) {
		const struct sym_part *p = &file.parts[i];

		found = p->exec && part->off < p->off + p->bytes && p->off < part->off +
			(part->to - part->from);
		*bias = part->from - (p->addr + part->off - p->off);
	}
	sym_close(&file);
	return found;
}

/* ---- processes --------------------------------------------------------------------- */

static int by_from(const void *a, const void *b)
{
	const struct lang_space_part *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

void run_unwind_put(struct run *r, u32 pid)
{
	struct run_part *parts = mem_alloc(LANG_SPACE_PARTS * sizeof(*parts));
	struct lang_space *to = mem_alloc(sizeof(*to));
	const u32 n = run_space_parts(r, pid, parts, LANG_SPACE_PARTS);

	memset(to, 0, sizeof(*to));
	r->unwind->parts |= n == LANG_SPACE_PARTS;
	for (u32 i = 0; i < n; i++) {
		const struct unwound f = rows_of(r, &parts[i]);
		u64 bias;

		if (f.rows && bias_of(&parts[i], &bias))
			to->part[to->n++] = (struct lang_space_part){ parts[i].from, parts[i].to,
				bias, f.row, f.rows };
	}
	qsort(to->part, to->n, sizeof(to->part[0]), by_from);
	if (to->n && r->b->ops->map_update(r->b, (u32)r->unwind->spaces, &pid, to, BPF_ANY))
		r->unwind->too_many++;
	free(parts);
	free(to);
}

void run_unwind_drop(struct run *r, u32 pid)
{
	r->b->ops->map_delete(r->b, (u32)r->unwind->spaces, &pid);
}

/* ---- the whole ----------------------------------------------------------------------- */

void run_unwind_open(struct run *r)
{
	const struct lang_unit *u = r->o->unit;

	if (!u->spaces)
		return;
	r->unwind = mem_alloc(sizeof(*r->unwind));
	*r->unwind = (struct unwind){ .rows = run_map(r, u->rows), .spaces = run_map(r, u->spaces),
				      .room = run_unwind_rows(r->o) };
	for (u32 i = 0; i < r->o->nr_dwarf_pids; i++)
		run_space_watch(r, r->o->dwarf_pids[i]);
}

void run_unwind_say(struct run *r, u64 without)
{
	const struct unwind *u = r->unwind;

	if (!u)
		return;
	if (without && !r->o->no_warnings)
		sb_printf(&r->errors, "WARNING: %" PRIu64 " stacks of dw_ustack have one frame: "
			  "nothing is known of their processes\nHINT: -p PID, -c CMD or "
			  "--dwarf-pid PID names those that it is for\n", without);
	if (u->no_rows)
		sb_printf(&r->errors, "WARNING: %" PRIu64 " files are too large for dw_ustack: "
			  "their frames end stacks\n", u->no_rows);
	if (u->parts)
		sb_printf(&r->errors, "WARNING: a process has more than %u parts of code: "
			  "dw_ustack knows those that were mapped last\n",
			  (unsigned)LANG_SPACE_PARTS - 1);
	if (u->too_many)
		sb_printf(&r->errors, "WARNING: dw_ustack has room for %u processes; %" PRIu64
			  " were not taken\n", (unsigned)LANG_SPACES, u->too_many);
}

void run_unwind_close(struct run *r)
{
	if (r->unwind)
		vec_free(&r->unwind->files);
	free(r->unwind);
}
