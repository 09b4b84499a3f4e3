/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dwarf.c: machine code and what its pieces were made of, as DWARF. Never reads the code
 * itself.
 */
#include "runtime/dwarf.h"

/* What differs among processors. DWARF's numbers of the stack pointer and of what has the
 * return address; how far above the former the caller's stack ends at a function's start. */
static const struct cpu {
	const char *name;
	u8 sp, ret;
	u8 dist;
} cpus[] = {
	{ "x86_64", 7, 16, 8 },
	{ "aarch64", 31, 30, 0 },
};

struct work {
	struct dwarf *d;
	const struct dwarf_prog *p;
	const struct cpu *cpu;
	u64 base, end;
	const struct jit_step *steps;
	u32 nr_steps;
	const struct dwarf_func *funcs;	/* of the program */
	size_t nr_funcs;
	VEC(const char *) files;
};

/* ---- pieces of DWARF ------------------------------------------------------------ */

static void put1(struct strbuf *b, u8 v) { sb_add(b, &v, 1); }
static void put2(struct strbuf *b, u16 v) { sb_add(b, &v, 2); }
static void put4(struct strbuf *b, u32 v) { sb_add(b, &v, 4); }
static void put8(struct strbuf *b, u64 v) { sb_add(b, &v, 8); }
static void put_name(struct strbuf *b, const char *s) { sb_add(b, s, strlen(s) + 1); }

static void put_uleb(struct strbuf *b, u64 v)
{
	for (; v > 0x7f; v >>= 7)
		put1(b, (u8)(v | 0x80));
	put1(b, (u8)v);
}

static void put_sleb(struct strbuf *b, s64 v)
{
	for (; v < -64 || v > 63; v >>= 7)
		put1(b, (u8)(v | 0x80));
	put1(b, (u8)(v & 0x7f));
}

/* A length that is not known yet, and what fills it in. */
static size_t length(struct strbuf *b)
{
	put4(b, 0);
	return b->n;
}

static void length_is(struct strbuf *b, size_t from)
{
	memcpy(b->s + from - 4, &(u32){ (u32)(b->n - from) }, 4);
}

/* The address of ADD in section TO, where code is at its address; an object file's linker
 * puts it there. */
static void put_fix(struct work *w, enum dwarf_part in, enum dwarf_part to, u64 add, u8 bytes,
		    bool pc)
{
	struct strbuf *b = &w->d->out[in];
	u64 v = w->d->object ? 0 : add;

	if (w->d->object)
		*vec_push(&w->d->fixes) = (struct dwarf_fix){ in, to, b->n, add, bytes, pc };
	sb_add(b, &v, bytes);
}

/* ---- functions --------------------------------------------------------------------- */

static u32 origin(const struct work *w, u32 slot)
{
	return slot < w->p->rw->nr_insns ? w->p->rw->origin[slot] : 0;
}

static const struct image_line *line_of(const struct work *w, u32 slot)
{
	return slot < w->p->rw->nr_insns ?
		image_line(w->p->prog, w->p->rw->origin[slot]) : NULL;
}

/* A function that C calls begins twice: there it calls itself. */
static void find_funcs(struct work *w)
{
	size_t first = w->d->funcs.n;

	for (u32 i = 0; i < w->nr_steps; i++) {
		const struct jit_step *s = &w->steps[i];
		const struct image_func *f = image_func(w->p->prog, origin(w, s->slot));

		if (!s->begins || (i && s->slot == w->steps[i - 1].slot))
			continue;
		if (w->d->funcs.n > first)
			w->d->funcs.v[w->d->funcs.n - 1].end = w->base + s->off;
		*vec_push(&w->d->funcs) = (struct dwarf_func){ w->base + s->off, w->end,
			f && s->slot ? f->name : w->p->prog->name, line_of(w, s->slot), !s->slot };
	}
	w->funcs = &w->d->funcs.v[first];
	w->nr_funcs = w->d->funcs.n - first;
}

/* ---- how callers are found ---------------------------------------------------------- */

enum { CFA_ADVANCE4 = 0x04, CFA_OFFSET_EXTENDED = 0x05, CFA_DEF = 0x0c, FACTOR = 8 };

static void put_def(struct strbuf *b, u8 base, u32 dist)
{
	put1(b, CFA_DEF);
	put_uleb(b, base);
	put_uleb(b, dist);
}

static void put_saved(struct strbuf *b, u8 reg, u32 at)
{
	put1(b, CFA_OFFSET_EXTENDED);
	put_uleb(b, reg);
	put_uleb(b, at / FACTOR);
}

/* Entries are padded with operations that do nothing. */
static void entry_end(struct strbuf *b, size_t from)
{
	while (b->n % 8)
		put1(b, 0);
	length_is(b, from);
}

/* Of .eh_frame: addresses are 4 bytes, from where they stand. */
enum { PC_SDATA4 = 0x1b };

static void put_cie(struct work *w)
{
	struct strbuf *b = &w->d->out[DWARF_FRAME];
	size_t from = length(b);
	bool eh = w->d->object;

	put4(b, eh ? 0 : ~0u);
	put1(b, 1);		/* version */
	put_name(b, eh ? "zR" : "");
	put_uleb(b, 1);
	put_sleb(b, -FACTOR);
	put1(b, w->cpu->ret);
	if (eh) {
		put_uleb(b, 1);
		put1(b, PC_SDATA4);
	}
	put_def(b, w->cpu->sp, w->cpu->dist);
	if (w->cpu->dist)
		put_saved(b, w->cpu->ret, w->cpu->dist);
	entry_end(b, from);
}

/* Which CIE, where the code is that begins at START, and how long. */
static void put_fde_head(struct work *w, u64 start, u64 bytes)
{
	struct strbuf *b = &w->d->out[DWARF_FRAME];

	if (!w->d->object) {
		put4(b, 0);
		put8(b, start);
		put8(b, bytes);
		return;
	}
	put4(b, (u32)b->n);
	put_fix(w, DWARF_FRAME, DWARF_TEXT, start, 4, true);
	put4(b, (u32)bytes);
	put_uleb(b, 0);		/* nothing more */
}

/* The one that begins at step I; gives the next one's. */
static u32 put_fde(struct work *w, u32 i)
{
	struct strbuf *b = &w->d->out[DWARF_FRAME];
	const struct jit_step *s = w->steps;
	size_t from = length(b);
	u32 at = s[i].off, next = i + 1;

	while (next < w->nr_steps && !s[next].begins)
		next++;
	put_fde_head(w, w->base + at,
		     (next < w->nr_steps ? w->base + s[next].off : w->end) - (w->base + at));
	for (; i < next; at = s[i++].off) {
		if (s[i].off != at) {
			put1(b, CFA_ADVANCE4);
			put4(b, s[i].off - at);
		}
		put_def(b, s[i].base, s[i].dist);
		if (s[i].saved != JIT_NO_REG)
			put_saved(b, s[i].saved, s[i].at);
	}
	entry_end(b, from);
	return next;
}

static void put_frames(struct work *w)
{
	if (!w->d->out[DWARF_FRAME].n)
		put_cie(w);
	for (u32 i = 0; i < w->nr_steps;)
		i = put_fde(w, i);
}

/* ---- lines ------------------------------------------------------------------------- */

enum { LNS_COPY = 1, LNS_ADVANCE_PC, LNS_ADVANCE_LINE, LNS_SET_FILE, LNS_SET_COLUMN,
       LNS_COUNT = 12, LNE_END = 1, LNE_SET_ADDRESS = 2 };

/* The number of LINE's file, from 1. */
static u32 file_of(struct work *w, const struct image_line *line)
{
	const char *name = image_line_file(line);

	for (size_t i = 0; i < w->files.n; i++)
		if (!strcmp(w->files.v[i], name))
			return (u32)i + 1;
	*vec_push(&w->files) = name;
	return (u32)w->files.n;
}

static void find_files(struct work *w)
{
	for (u32 i = 0; i < w->p->prog->nr_lines; i++)
		file_of(w, &w->p->prog->lines[i]);
}

struct row { u64 addr; u32 file, line, col; };

/* The row after *LAST, which it becomes. Line 0 is of nothing. */
static void put_row(struct work *w, struct row *last, u64 addr, const struct image_line *line)
{
	struct strbuf *b = &w->d->out[DWARF_LINE];
	struct row row = { addr, line ? file_of(w, line) : last->file, line ? line->line : 0,
			   line ? line->col : 0 };

	put1(b, LNS_ADVANCE_PC);
	put_uleb(b, row.addr - last->addr);
	put1(b, LNS_ADVANCE_LINE);
	put_sleb(b, (s64)row.line - last->line);
	put1(b, LNS_SET_FILE);
	put_uleb(b, row.file);
	put1(b, LNS_SET_COLUMN);
	put_uleb(b, row.col);
	put1(b, LNS_COPY);
	*last = row;
}

/* Functions begin before the first of their instructions: with what makes their frame. */
static void put_rows(struct work *w)
{
	const struct image_line *line = NULL;
	struct row last = { w->base, 1, 1, 0 };
	size_t f = 0;
	u32 n;
	const struct jit_place *v = jit_places(w->p->code, &n);

	for (u32 i = 0; i < n; i++) {
		bool first = false;

		for (; f < w->nr_funcs && w->funcs[f].start <= w->base + v[i].off; f++) {
			put_row(w, &last, w->funcs[f].start, w->funcs[f].line);
			first = true;
		}
		if (first || line_of(w, v[i].slot) != line)
			put_row(w, &last, w->base + v[i].off, line_of(w, v[i].slot));
		line = line_of(w, v[i].slot);
	}
	put1(&w->d->out[DWARF_LINE], LNS_ADVANCE_PC);
	put_uleb(&w->d->out[DWARF_LINE], w->end - last.addr);
}

static void put_line_header(struct work *w)
{
	static const u8 operands[LNS_COUNT] = { 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1 };
	struct strbuf *b = &w->d->out[DWARF_LINE];
	size_t from = length(b);

	put1(b, 1);		/* bytes of the shortest instruction */
	put1(b, 1);		/* operations in one */
	put1(b, 1);		/* rows are where statements begin */
	put1(b, 0);		/* no special operations are used, from here ... */
	put1(b, 1);
	put1(b, LNS_COUNT + 1);	/* ... to here */
	sb_add(b, operands, sizeof(operands));
	put1(b, 0);		/* no directories */
	for (size_t i = 0; i < w->files.n; i++) {
		put_name(b, w->files.v[i]);
		sb_add(b, "\0\0", 3);	/* directory, time, size: unknown */
	}
	put1(b, 0);
	length_is(b, from);
}

static void put_lines(struct work *w)
{
	struct strbuf *b = &w->d->out[DWARF_LINE];
	size_t from = length(b);

	put2(b, 4);		/* version */
	put_line_header(w);
	put1(b, 0);
	put_uleb(b, 9);
	put1(b, LNE_SET_ADDRESS);
	put_fix(w, DWARF_LINE, DWARF_TEXT, w->base, 8, false);
	put_rows(w);
	put1(b, 0);
	put_uleb(b, 1);
	put1(b, LNE_END);
	length_is(b, from);
}

/* ---- the program and its functions --------------------------------------------------- */

enum { UNIT = 1, FUNC = 2 };

/* Of DWARF 4: tag, children, pairs of attribute and form. */
static const u8 abbrevs[] = {
	UNIT, 0x11, 1,		/* DW_TAG_compile_unit */
	0x25, 0x08,		/* producer, string */
	0x13, 0x0b,		/* language, data1 */
	0x03, 0x08,		/* name, string */
	0x11, 0x01,		/* low_pc, addr */
	0x12, 0x07,		/* high_pc, data8 */
	0x10, 0x17,		/* stmt_list, sec_offset */
	0, 0,
	FUNC, 0x2e, 0,		/* DW_TAG_subprogram */
	0x03, 0x08,		/* name, string */
	0x3a, 0x0f,		/* decl_file, udata */
	0x3b, 0x0f,		/* decl_line, udata */
	0x11, 0x01,		/* low_pc, addr */
	0x12, 0x07,		/* high_pc, data8 */
	0x3f, 0x19,		/* external, flag_present */
	0x27, 0x19,		/* prototyped, flag_present */
	0, 0,
	0,
};
enum { LANG_C99 = 0x0c };

static void put_func(struct work *w, const struct dwarf_func *f)
{
	struct strbuf *b = &w->d->out[DWARF_INFO];

	put_uleb(b, FUNC);
	put_name(b, f->name);
	put_uleb(b, f->line ? file_of(w, f->line) : 1);
	put_uleb(b, f->line ? f->line->line : 0);
	put_fix(w, DWARF_INFO, DWARF_TEXT, f->start, 8, false);
	put8(b, f->end - f->start);
}

static void put_info(struct work *w, u64 lines)
{
	struct strbuf *b = &w->d->out[DWARF_INFO];
	size_t from = length(b);

	put2(b, 4);		/* version */
	put_fix(w, DWARF_INFO, DWARF_ABBREV, 0, 4, false);
	put1(b, 8);		/* bytes of addresses */
	put_uleb(b, UNIT);
	put_name(b, "skep");
	put1(b, LANG_C99);
	put_name(b, w->files.v[0]);
	put_fix(w, DWARF_INFO, DWARF_TEXT, w->base, 8, false);
	put8(b, w->end - w->base);
	put_fix(w, DWARF_INFO, DWARF_LINE, lines, 4, false);
	for (size_t i = 0; i < w->nr_funcs; i++)
		put_func(w, &w->funcs[i]);
	put1(b, 0);
	length_is(b, from);
	if (!w->d->out[DWARF_ABBREV].n)
		sb_add(&w->d->out[DWARF_ABBREV], abbrevs, sizeof(abbrevs));
}

/* ---- the whole ---------------------------------------------------------------------- */

static const struct cpu *cpu_of(const struct jit_code *code)
{
	for (size_t i = 0; i < ARRAY_LEN(cpus); i++)
		if (!strcmp(cpus[i].name, jit_processor(code)))
			return &cpus[i];
	return NULL;
}

bool dwarf_add(struct dwarf *d, const struct dwarf_prog *p)
{
	struct work w = { .d = d, .p = p, .cpu = cpu_of(p->code), .base = p->base };
	u64 lines = d->out[DWARF_LINE].n;
	u32 bytes;

	if (!w.cpu)
		return false;
	jit_bytes(p->code, &bytes);
	w.end = w.base + bytes;
	w.steps = jit_steps(p->code, &w.nr_steps);
	find_funcs(&w);
	put_frames(&w);
	find_files(&w);
	if (w.files.n) {
		put_lines(&w);
		put_info(&w, lines);
	}
	vec_free(&w.files);
	return true;
}

void dwarf_free(struct dwarf *d)
{
	for (u32 i = 0; i < DWARF_PARTS; i++)
		sb_free(&d->out[i]);
	vec_free(&d->fixes);
	vec_free(&d->funcs);
}
