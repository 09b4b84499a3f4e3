/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * names_dwarf.c: functions, inlined functions and lines at an address, from DWARF by libdw.
 * Units are found by their ranges, which are read at the first question; the functions of a
 * unit are read at the first question about one of them. Damaged information gives fewer
 * names, never an endless walk: each entry must stand behind all that were seen.
 */
#include "sym/names_in.h"
#include "sym/libdw.h"
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef SYM_LIBDW

enum { MAX_DEPTH = 64, MAX_PIECES = 1 << 24, MAX_SYMBOLS = 1 << 24 };

struct piece { u64 from, to; u32 of; };		/* code of a unit, or of a function */
struct pieces { struct piece *v; size_t n, cap; };	/* a VEC */

struct unit {
	Dwarf_Die die;
	bool read;
	struct pieces pieces;		/* of functions */
	VEC(Dwarf_Die) funcs;
};

struct names_dwarf {
	struct dw_lib dw;
	Dwfl *dwfl;
	Dwfl_Callbacks calls;		/* libdwfl keeps the pointer */
	Dwfl_Module *mod;
	Dwarf *dwarf;
	s64 bias;			/* of DWARF's addresses, from those of the file */
	struct pieces pieces;		/* of units */
	VEC(struct unit) units;
	const u8 *seen;			/* of the walk: nothing before it is looked at */
};

/* ---- pieces of code ------------------------------------------------------ */

static int by_from(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->of < y->of ? -1 : x->of > y->of;
}

static void add_ranges(struct names_dwarf *d, struct pieces *p, Dwarf_Die *die, u32 of)
{
	Dwarf_Addr base, from, to;
	ptrdiff_t at = 0;

	while (p->n < MAX_PIECES && (at = d->dw.dwarf_ranges(die, at, &base, &from, &to)) > 0)
		if (from < to && from)		/* 0: the linker took the function away */
			*vec_push(p) = (struct piece){ from, to, of };
}

static void sort(struct pieces *p)
{
	if (p->n)
		qsort(p->v, p->n, sizeof(*p->v), by_from);
}

/* The one that begins last of those that hold ADDR, looking a few back; -1: none. */
static s64 find(const struct pieces *p, u64 addr)
{
	size_t low = 0, high = p->n;

	while (low < high) {
		const size_t mid = (low + high) / 2;

		if (p->v[mid].from <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	for (u32 tries = 0; low-- && tries < MAX_DEPTH; tries++)
		if (addr < p->v[low].to)
			return p->v[low].of;
	return -1;
}

/* ---- units and their functions ------------------------------------------- */

static void read_units(struct names_dwarf *d)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die die, split;
	u8 type;

	while (!d->dw.dwarf_get_units(d->dwarf, cu, &cu, NULL, &type, &die, &split)) {
		const u32 i = (u32)d->units.n;

		if (d->dw.dwarf_tag(&die) == DW_TAG_partial_unit)
			continue;
		add_ranges(d, &d->pieces, &die, i);
		if (type == DW_UT_skeleton && d->dw.dwarf_tag(&split) == DW_TAG_compile_unit)
			die = split;
		*vec_push(&d->units) = (struct unit){ .die = die };
	}
	sort(&d->pieces);
}

/* The next entry in its place, the first one or after another; false: there is none, or one
 * before what was seen. */
static bool step(struct names_dwarf *d, Dwarf_Die *die, Dwarf_Die *to, bool child)
{
	const int r = child ? d->dw.dwarf_child(die, to) : d->dw.dwarf_siblingof(die, to);

	if (r || (const u8 *)to->addr <= d->seen)
		return false;
	d->seen = to->addr;
	return true;
}

static bool holds_functions(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_module || tag == DW_TAG_class_type ||
	       tag == DW_TAG_structure_type || tag == DW_TAG_union_type ||
	       tag == DW_TAG_enumeration_type;
}

static void read_functions(struct names_dwarf *d, struct unit *u, Dwarf_Die *of, u32 depth)
{
	Dwarf_Die at;

	for (bool more = step(d, of, &at, true); more; more = step(d, &at, &at, false)) {
		const int tag = d->dw.dwarf_tag(&at);

		if (tag == DW_TAG_subprogram) {
			add_ranges(d, &u->pieces, &at, (u32)u->funcs.n);
			*vec_push(&u->funcs) = at;
		} else if (holds_functions(tag) && depth < MAX_DEPTH) {
			read_functions(d, u, &at, depth + 1);
		}
	}
}

static Dwarf_Die *function_at(struct names_dwarf *d, struct unit *u, u64 addr)
{
	s64 i;

	if (!u->read) {
		u->read = true;
		d->seen = u->die.addr;
		read_functions(d, u, &u->die, 0);
		sort(&u->pieces);
	}
	i = find(&u->pieces, addr);
	return i < 0 ? NULL : &u->funcs.v[i];
}

/* ---- what was inlined ---------------------------------------------------- */

struct chain { Dwarf_Die v[MAX_DEPTH]; u32 n; };	/* outermost first */

/* The functions that are inlined in OF at ADDR. */
static bool inlined_at(struct names_dwarf *d, Dwarf_Die *of, u64 addr, struct chain *c, u32 depth)
{
	Dwarf_Die at;

	for (bool more = step(d, of, &at, true); more; more = step(d, &at, &at, false)) {
		const int tag = d->dw.dwarf_tag(&at);
		const int in = tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block ?
			d->dw.dwarf_haspc(&at, addr) : 0;

		if (depth >= MAX_DEPTH || c->n >= MAX_DEPTH)
			return false;
		if (tag == DW_TAG_inlined_subroutine && in > 0) {
			c->v[c->n++] = at;
			inlined_at(d, &at, addr, c, depth + 1);
			return true;
		}
		/* blocks without code of their own may hold inlined functions */
		if (tag == DW_TAG_lexical_block &&
		    (in > 0 || (!d->dw.dwarf_hasattr(&at, DW_AT_low_pc) &&
				!d->dw.dwarf_hasattr(&at, DW_AT_ranges))) &&
		    inlined_at(d, &at, addr, c, depth + 1))
			return true;
	}
	return false;
}

static const char *name_of(struct names_dwarf *d, struct sym_names *n, Dwarf_Die *die)
{
	Dwarf_Attribute a;
	const char *s = NULL;

	if (d->dw.dwarf_attr_integrate(die, DW_AT_linkage_name, &a) ||
	    d->dw.dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &a))
		s = d->dw.dwarf_formstring(&a);
	s = s ? s : d->dw.dwarf_diename(die);
	return s ? names_text(n, s) : NULL;
}

/* ---- lines --------------------------------------------------------------- */

static void line_at(struct names_dwarf *d, Dwarf_Die *unit, u64 addr, struct sym_frame *f)
{
	Dwarf_Line *l = d->dw.dwarf_getsrc_die(unit, addr);
	int line;

	if (!l || d->dw.dwarf_lineno(l, &line) || line <= 0)
		return;
	f->file = d->dw.dwarf_linesrc(l, NULL, NULL);
	f->line = f->file ? (u32)line : 0;
}

static bool number(struct names_dwarf *d, Dwarf_Die *die, unsigned which, Dwarf_Word *v)
{
	Dwarf_Attribute a;

	return d->dw.dwarf_attr(die, which, &a) && !d->dw.dwarf_formudata(&a, v);
}

/* Where INLINED is called from. */
static void line_of_call(struct names_dwarf *d, Dwarf_Die *unit, Dwarf_Die *inlined,
			 struct sym_frame *f)
{
	Dwarf_Word file, line;
	Dwarf_Files *files;
	size_t n;

	if (!number(d, inlined, DW_AT_call_file, &file) ||
	    !number(d, inlined, DW_AT_call_line, &line) ||
	    d->dw.dwarf_getsrcfiles(unit, &files, &n) || file >= n)
		return;
	f->file = d->dw.dwarf_filesrc(files, file, NULL, NULL);
	f->line = f->file ? (u32)line : 0;
}

u32 names_dwarf_at(struct sym_names *n, u64 addr, struct sym_frame *v, u32 max, u64 *entry)
{
	struct names_dwarf *d = n->dwarf;
	const u64 at = d ? addr + (u64)d->bias : 0;
	struct chain c = { .n = 0 };
	struct unit *u;
	Dwarf_Die *func;
	Dwarf_Addr low;
	s64 i;
	u32 got = 0;

	if (!d || !d->dwarf)
		return 0;
	if (!d->units.n)
		read_units(d);
	i = find(&d->pieces, at);
	u = i < 0 ? NULL : &d->units.v[i];
	func = u ? function_at(d, u, at) : NULL;
	if (!func)
		return 0;
	d->seen = func->addr;
	inlined_at(d, func, at, &c, 0);
	for (u32 k = c.n + 1; k-- && got < max; got++) {
		v[got] = (struct sym_frame){ .inlined = k > 0 };
		v[got].name = name_of(d, n, k ? &c.v[k - 1] : func);
		v[got].name = v[got].name ? v[got].name : "??";
		if (k == c.n)
			line_at(d, &u->die, at, &v[got]);
		else
			line_of_call(d, &u->die, &c.v[k], &v[got]);
	}
	*entry = d->dw.dwarf_lowpc(func, &low) ? addr : low - (u64)d->bias;
	return got;
}

/* ---- opening ------------------------------------------------------------- */

/* What stripped files carry compressed, or have in a file of their own. */
static void add_symbols(struct sym_names *n, u64 bias)
{
	struct names_dwarf *d = n->dwarf;
	const int all = d->dw.dwfl_module_getsymtab(d->mod);

	for (int i = 1; i < all && i < MAX_SYMBOLS; i++) {
		GElf_Sym s;
		GElf_Addr addr;
		const char *name = d->dw.dwfl_module_getsym_info(d->mod, i, &s, &addr, NULL, NULL,
								 NULL);

		if (name && *name && s.st_value && s.st_shndx != SHN_UNDEF &&
		    (GELF_ST_TYPE(s.st_info) == STT_FUNC ||
		     GELF_ST_TYPE(s.st_info) == STT_GNU_IFUNC))
			names_add(n, addr - bias, s.st_size, name);
	}
}

static void open_module(struct sym_names *n, const char *path, int fd)
{
	struct names_dwarf *d = n->dwarf;
	Dwarf_Addr dwarf_bias = 0;
	GElf_Addr bias = 0;

	d->calls = (Dwfl_Callbacks){
		.find_elf = d->dw.dwfl_build_id_find_elf,
		.find_debuginfo = d->dw.dwfl_standard_find_debuginfo,
		.section_address = d->dw.dwfl_offline_section_address,
	};
	d->dwfl = d->dw.dwfl_begin(&d->calls);
	if (!d->dwfl)
		return;
	fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	d->mod = d->dw.dwfl_report_offline(d->dwfl, path, path, fd);
	if (!d->mod && fd >= 0)
		close(fd);	/* it takes what it can use */
	d->dw.dwfl_report_end(d->dwfl, NULL, NULL);
	if (!d->mod || !d->dw.dwfl_module_getelf(d->mod, &bias))
		return;
	if (!sym_has_all(&n->f))
		add_symbols(n, bias);
	d->dwarf = n->o.lines ? d->dw.dwfl_module_getdwarf(d->mod, &dwarf_bias) : NULL;
	d->bias = (s64)(bias - dwarf_bias);
}

void names_dwarf_open(struct sym_names *n, const char *path, int fd)
{
	struct skep_err err;

	if (!n->o.lines && sym_has_all(&n->f))
		return;
	n->dwarf = mem_alloc(sizeof(*n->dwarf));
	memset(n->dwarf, 0, sizeof(*n->dwarf));
	if (dw_lib_open(&n->dwarf->dw, &err)) {
		free(n->dwarf);
		n->dwarf = NULL;
		return;
	}
	open_module(n, path, fd);
}

void names_dwarf_close(struct sym_names *n)
{
	struct names_dwarf *d = n->dwarf;

	if (!d)
		return;
	if (d->dwfl)
		d->dw.dwfl_end(d->dwfl);
	for (size_t i = 0; i < d->units.n; i++) {
		vec_free(&d->units.v[i].pieces);
		vec_free(&d->units.v[i].funcs);
	}
	vec_free(&d->units);
	vec_free(&d->pieces);
	free(d);
}

#else

void names_dwarf_open(struct sym_names *n, const char *path, int fd)
{
	(void)n;
	(void)path;
	(void)fd;
}

void names_dwarf_close(struct sym_names *n)
{
	(void)n;
}

u32 names_dwarf_at(struct sym_names *n, u64 addr, struct sym_frame *v, u32 max, u64 *entry)
{
	(void)n;
	(void)addr;
	(void)v;
	(void)max;
	(void)entry;
	return 0;
}

#endif
