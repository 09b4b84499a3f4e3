/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gdbjit.c: compiled programs for gdb(1), where the environment has SKEP_GDB. In: machine
 * code and what its pieces were made of. Out: an ELF file in memory for each program, with
 * its functions, how to find callers (DWARF 4, .debug_frame), and, when the object has lines,
 * those. Never reads the code itself: that is at its address, of type NOBITS here.
 */
#include "base/os.h"
#include "base/strbuf.h"
#include "jit/jit.h"
#include "runtime/gdbjit.h"
#include "runtime/private.h"
#include <elf.h>
#include <stdlib.h>

struct gdb_list __jit_debug_descriptor = { .version = 1 };

/* gdb has a breakpoint here: it must be called, and do nothing. */
__attribute__((noinline)) void __jit_debug_register_code(void)
{
	__asm__ volatile("" ::: "memory");
}

enum { S_NONE, S_TEXT, S_SYMTAB, S_STRTAB, S_FRAME, S_ABBREV, S_INFO, S_LINE, S_NAMES, S_MAX };

static const struct { const char *name; u32 type; u64 flags; } sections[S_MAX] = {
	[S_NONE] = { "", SHT_NULL, 0 },
	[S_TEXT] = { ".text", SHT_NOBITS, SHF_ALLOC | SHF_EXECINSTR },
	[S_SYMTAB] = { ".symtab", SHT_SYMTAB, 0 },
	[S_STRTAB] = { ".strtab", SHT_STRTAB, 0 },
	[S_FRAME] = { ".debug_frame", SHT_PROGBITS, 0 },
	[S_ABBREV] = { ".debug_abbrev", SHT_PROGBITS, 0 },
	[S_INFO] = { ".debug_info", SHT_PROGBITS, 0 },
	[S_LINE] = { ".debug_line", SHT_PROGBITS, 0 },
	[S_NAMES] = { ".shstrtab", SHT_STRTAB, 0 },
};

/* What differs among processors. DWARF's numbers of the stack pointer and of what has the
 * return address; how far above the former the caller's stack ends at a function's start. */
static const struct cpu {
	const char *name;
	u16 machine;
	u8 sp, ret;
	u8 dist;
} cpus[] = {
	{ "x86_64", EM_X86_64, 7, 16, 8 },
	{ "aarch64", EM_AARCH64, 31, 30, 0 },
};

struct func {
	u64 start, end;
	const char *name;
	const struct image_line *line;	/* where it begins, or NULL */
};

struct work {
	const struct runtime_prog *p;
	const struct rewrite *rw;
	const struct cpu *cpu;
	u64 base, end;
	const struct jit_step *steps;
	u32 nr_steps;
	VEC(struct func) funcs;
	VEC(const char *) files;
	struct strbuf out[S_MAX];
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

/* ---- functions --------------------------------------------------------------------- */

static u32 origin(const struct work *w, u32 slot)
{
	return slot < w->rw->nr_insns ? w->rw->origin[slot] : 0;
}

static const struct image_line *line_of(const struct work *w, u32 slot)
{
	return slot < w->rw->nr_insns ? image_line(w->p->prog, w->rw->origin[slot]) : NULL;
}

/* A function that C calls begins twice: there it calls itself. */
static void find_funcs(struct work *w)
{
	for (u32 i = 0; i < w->nr_steps; i++) {
		const struct jit_step *s = &w->steps[i];
		const struct image_func *f = image_func(w->p->prog, origin(w, s->slot));

		if (!s->begins || (i && s->slot == w->steps[i - 1].slot))
			continue;
		if (w->funcs.n)
			w->funcs.v[w->funcs.n - 1].end = w->base + s->off;
		*vec_push(&w->funcs) = (struct func){ w->base + s->off, w->end,
			f ? f->name : w->p->prog->name, line_of(w, s->slot) };
	}
}

static void put_symbols(struct work *w)
{
	struct strbuf *names = &w->out[S_STRTAB];

	put_name(names, "");
	sb_add(&w->out[S_SYMTAB], &(Elf64_Sym){ 0 }, sizeof(Elf64_Sym));
	for (size_t i = 0; i < w->funcs.n; i++) {
		const struct func *f = &w->funcs.v[i];
		const Elf64_Sym sym = { .st_name = (u32)names->n, .st_value = f->start,
			.st_size = f->end - f->start, .st_shndx = S_TEXT,
			.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC) };

		sb_add(&w->out[S_SYMTAB], &sym, sizeof(sym));
		put_name(names, f->name);
	}
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

static void put_cie(struct work *w)
{
	struct strbuf *b = &w->out[S_FRAME];
	size_t from = length(b);

	put4(b, ~0u);
	put1(b, 1);		/* version */
	put_name(b, "");
	put_uleb(b, 1);
	put_sleb(b, -FACTOR);
	put1(b, w->cpu->ret);
	put_def(b, w->cpu->sp, w->cpu->dist);
	if (w->cpu->dist)
		put_saved(b, w->cpu->ret, w->cpu->dist);
	entry_end(b, from);
}

/* The one that begins at step I; gives the next one's. */
static u32 put_fde(struct work *w, u32 i)
{
	struct strbuf *b = &w->out[S_FRAME];
	const struct jit_step *s = w->steps;
	size_t from = length(b);
	u32 at = s[i].off, next = i + 1;

	while (next < w->nr_steps && !s[next].begins)
		next++;
	put4(b, 0);		/* the CIE */
	put8(b, w->base + at);
	put8(b, (next < w->nr_steps ? w->base + s[next].off : w->end) - (w->base + at));
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
	struct strbuf *b = &w->out[S_LINE];
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
	const struct jit_place *v = jit_places(w->p->jit, &n);

	for (u32 i = 0; i < n; i++) {
		bool first = false;

		for (; f < w->funcs.n && w->funcs.v[f].start <= w->base + v[i].off; f++) {
			put_row(w, &last, w->funcs.v[f].start, w->funcs.v[f].line);
			first = true;
		}
		if (first || line_of(w, v[i].slot) != line)
			put_row(w, &last, w->base + v[i].off, line_of(w, v[i].slot));
		line = line_of(w, v[i].slot);
	}
	put1(&w->out[S_LINE], LNS_ADVANCE_PC);
	put_uleb(&w->out[S_LINE], w->end - last.addr);
}

static void put_line_header(struct work *w)
{
	static const u8 operands[LNS_COUNT] = { 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1 };
	struct strbuf *b = &w->out[S_LINE];
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
	struct strbuf *b = &w->out[S_LINE];
	size_t from = length(b);

	put2(b, 4);		/* version */
	put_line_header(w);
	put1(b, 0);
	put_uleb(b, 9);
	put1(b, LNE_SET_ADDRESS);
	put8(b, w->base);
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

static void put_func(struct work *w, const struct func *f)
{
	struct strbuf *b = &w->out[S_INFO];

	put_uleb(b, FUNC);
	put_name(b, f->name);
	put_uleb(b, f->line ? file_of(w, f->line) : 1);
	put_uleb(b, f->line ? f->line->line : 0);
	put8(b, f->start);
	put8(b, f->end - f->start);
}

static void put_info(struct work *w)
{
	struct strbuf *b = &w->out[S_INFO];
	size_t from = length(b);

	put2(b, 4);		/* version */
	put4(b, 0);		/* in .debug_abbrev */
	put1(b, 8);		/* bytes of addresses */
	put_uleb(b, UNIT);
	put_name(b, "skep");
	put1(b, LANG_C99);
	put_name(b, w->files.v[0]);
	put8(b, w->base);
	put8(b, w->end - w->base);
	put4(b, 0);		/* in .debug_line */
	for (size_t i = 0; i < w->funcs.n; i++)
		put_func(w, &w->funcs.v[i]);
	put1(b, 0);
	length_is(b, from);
	sb_add(&w->out[S_ABBREV], abbrevs, sizeof(abbrevs));
}

/* ---- the file ---------------------------------------------------------------------- */

static void put_headers(struct work *w, struct strbuf *file, Elf64_Shdr *sh)
{
	const Elf64_Ehdr eh = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64,
			     __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB,
			     EV_CURRENT },
		.e_type = ET_EXEC, .e_machine = w->cpu->machine, .e_version = EV_CURRENT,
		.e_shoff = sizeof(eh), .e_ehsize = sizeof(eh), .e_shentsize = sizeof(*sh),
		.e_shnum = S_MAX, .e_shstrndx = S_NAMES,
	};
	u64 at = sizeof(eh) + S_MAX * sizeof(*sh);

	for (u32 i = S_TEXT; i < S_MAX; i++) {
		sh[i].sh_type = sections[i].type;
		sh[i].sh_flags = sections[i].flags;
		sh[i].sh_offset = at;
		if (i != S_TEXT)
			sh[i].sh_size = w->out[i].n;
		sh[i].sh_addralign = 1;
		at += round_up(w->out[i].n, 8);
	}
	sb_add(file, &eh, sizeof(eh));
	sb_add(file, sh, S_MAX * sizeof(*sh));
}

static void put_file(struct work *w, struct strbuf *file)
{
	Elf64_Shdr sh[S_MAX] = {
		[S_TEXT] = { .sh_addr = w->base, .sh_size = w->end - w->base },
		[S_SYMTAB] = { .sh_link = S_STRTAB, .sh_info = 1, .sh_entsize = sizeof(Elf64_Sym) },
	};

	for (u32 i = 0; i < S_MAX; i++) {
		sh[i].sh_name = (u32)w->out[S_NAMES].n;
		put_name(&w->out[S_NAMES], sections[i].name);
	}
	put_headers(w, file, sh);
	for (u32 i = S_TEXT; i < S_MAX; i++) {
		sb_add(file, sb_text(&w->out[i]), w->out[i].n);
		while (file->n % 8)
			put1(file, 0);
	}
}

static void describe(struct work *w, struct strbuf *file)
{
	find_funcs(w);
	put_symbols(w);
	put_frames(w);
	find_files(w);
	if (w->files.n) {
		put_lines(w);
		put_info(w);
	}
	put_file(w, file);
	for (u32 i = 0; i < S_MAX; i++)
		sb_free(&w->out[i]);
	vec_free(&w->funcs);
	vec_free(&w->files);
}

/* ---- the list ---------------------------------------------------------------------- */

static u32 list_lock;

static void tell(enum gdb_action what, struct gdb_file *f)
{
	struct gdb_list *list = &__jit_debug_descriptor;

	list->action = what;
	list->changed = f;
	__jit_debug_register_code();
	list->action = GDB_NOTHING;
	list->changed = NULL;
}

static void add(struct gdb_file *f)
{
	struct gdb_list *list = &__jit_debug_descriptor;

	map_spin_lock(&list_lock, MAP_USER);
	f->next = list->first;
	if (f->next)
		f->next->prev = f;
	list->first = f;
	tell(GDB_ADDED, f);
	map_spin_unlock(&list_lock);
}

void runtime_gdb_forget(struct runtime_prog *p)
{
	struct gdb_file *f = p->gdb;

	if (!f)
		return;
	map_spin_lock(&list_lock, MAP_USER);
	*(f->prev ? &f->prev->next : &__jit_debug_descriptor.first) = f->next;
	if (f->next)
		f->next->prev = f->prev;
	tell(GDB_REMOVED, f);
	map_spin_unlock(&list_lock);
	free((void *)(uintptr_t)f->data);
	free(f);
	p->gdb = NULL;
}

static const struct cpu *cpu_of(const struct jit_code *code)
{
	for (size_t i = 0; i < ARRAY_LEN(cpus); i++)
		if (!strcmp(cpus[i].name, jit_processor(code)))
			return &cpus[i];
	return NULL;
}

void runtime_gdb_tell(struct runtime_prog *p, const struct rewrite *rw)
{
	const char *asked = getenv("SKEP_GDB");
	struct work w = { .p = p, .rw = rw, .cpu = cpu_of(p->jit) };
	struct strbuf file = { 0 };
	u32 bytes;

	if (!asked || !*asked || !w.cpu)
		return;
	w.base = (uintptr_t)jit_bytes(p->jit, &bytes);
	w.end = w.base + bytes;
	w.steps = jit_steps(p->jit, &w.nr_steps);
	describe(&w, &file);
	p->gdb = mem_alloc(sizeof(*p->gdb));
	*p->gdb = (struct gdb_file){ .data = file.s, .bytes = file.n };
	add(p->gdb);
}
