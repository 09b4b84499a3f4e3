/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lines.c: from a line of source to addresses. All units' line tables are gone through: a
 * header's line has code in many. A statement may begin at several places, before and in a
 * loop, say; the first in each function is what a debugger would stop at.
 */
#include "sym/lines.h"
#include "base/vec.h"
#include "sym/libdw.h"
#include <stdlib.h>
#include <string.h>

#ifdef SYM_LIBDW

struct search {
	struct dw_lib dw;
	const struct sym_source *at;
	struct sym_lines *out;
	VEC(u64) addrs;
};

/* Is PATH the file that was named, whole or by its last parts? */
static bool is_file(const struct search *s, const char *path)
{
	const char *file = s->at->file;
	size_t n, k;

	while (!strncmp(file, "./", 2))
		file += 2;
	n = strlen(path), k = strlen(file);
	return n >= k && !strcmp(path + n - k, file) && (n == k || path[n - k - 1] == '/');
}

static void note_near(struct search *s, u32 line)
{
	struct sym_lines *o = s->out;

	if (line && line < s->at->line && line > o->before)
		o->before = line;
	if (line > s->at->line && (!o->behind || line < o->behind))
		o->behind = line;
}

static void see_line(struct search *s, Dwarf_Line *l)
{
	bool begins = false, ends = false;
	int line = 0, col = 0;
	Dwarf_Addr addr;
	const char *path = s->dw.dwarf_linesrc(l, NULL, NULL);

	if (!path || !is_file(s, path) || s->dw.dwarf_lineno(l, &line) ||
	    s->dw.dwarf_linebeginstatement(l, &begins) || s->dw.dwarf_lineendsequence(l, &ends) ||
	    !begins || ends || s->dw.dwarf_lineaddr(l, &addr) || !addr)
		return;
	s->out->has_file = true;
	if (s->dw.dwarf_linecol(l, &col))
		col = 0;
	if ((u32)line == s->at->line && (!s->at->col || (u32)col == s->at->col))
		*vec_push(&s->addrs) = addr;
	else
		note_near(s, (u32)line);
}

static void all_units(struct search *s, Dwarf *dwarf)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Lines *lines;
	Dwarf_Die die;
	u8 type;
	size_t n;

	while (!s->dw.dwarf_get_units(dwarf, cu, &cu, NULL, &type, &die, NULL)) {
		if (s->dw.dwarf_getsrclines(&die, &lines, &n))
			continue;
		for (size_t i = 0; i < n; i++)
			see_line(s, s->dw.dwarf_onesrcline(lines, i));
	}
}

static int by_number(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Of each function the first. */
static void take_firsts(struct search *s, const struct sym_file *f)
{
	struct sym fn, last = { .name = NULL };
	bool known, same;

	if (s->addrs.n)
		qsort(s->addrs.v, s->addrs.n, sizeof(u64), by_number);
	s->out->addrs = mem_alloc((s->addrs.n + 1) * sizeof(u64));
	for (size_t i = 0; i < s->addrs.n; i++) {
		if (sym_offset(f, s->addrs.v[i]) < 0)	/* the linker took it away */
			continue;
		known = sym_at(f, s->addrs.v[i], &fn);
		same = known ? last.name && last.addr == fn.addr :
		       i && s->addrs.v[i] == s->addrs.v[i - 1];
		if (!same)
			s->out->addrs[s->out->n++] = s->addrs.v[i];
		last = known ? fn : (struct sym){ .name = NULL };
	}
}

static int search(struct search *s, const struct sym_file *f, Dwfl *dwfl, struct skep_err *err)
{
	Dwfl_Module *mod = s->dw.dwfl_report_offline(dwfl, "", f->path,
						     sym_member_fd(f->path));
	Dwarf_Addr bias;
	Dwarf *dwarf;

	if (!mod || s->dw.dwfl_report_end(dwfl, NULL, NULL))
		return err_set(err, ERR_ELF, f->path, "libdw: %s", s->dw.dwfl_errmsg(-1));
	dwarf = s->dw.dwfl_module_getdwarf(mod, &bias);
	if (!dwarf)
		return err_set(err, ERR_DWARF, f->path, "it has no debug information, which says "
			       "where lines of source are: compile it with -g");
	all_units(s, dwarf);
	take_firsts(s, f);
	return 0;
}

int sym_lines_find(struct sym_lines *out, const struct sym_file *f, const struct sym_source *at,
		   struct skep_err *err)
{
	struct search s = { .at = at, .out = out };
	Dwfl_Callbacks calls;
	Dwfl *dwfl;
	int r = dw_lib_open(&s.dw, err);

	*out = (struct sym_lines){ 0 };
	if (r)
		return r;
	calls = (Dwfl_Callbacks){ .find_elf = s.dw.dwfl_build_id_find_elf,
		.find_debuginfo = s.dw.dwfl_standard_find_debuginfo,
		.section_address = s.dw.dwfl_offline_section_address };
	dwfl = s.dw.dwfl_begin(&calls);
	if (!dwfl)
		return err_set(err, ERR_NO_LIB, f->path, "libdw: %s", s.dw.dwfl_errmsg(-1));
	r = search(&s, f, dwfl, err);
	s.dw.dwfl_end(dwfl);
	vec_free(&s.addrs);
	return r;
}

#else

int sym_lines_find(struct sym_lines *out, const struct sym_file *f, const struct sym_source *at,
		   struct skep_err *err)
{
	*out = (struct sym_lines){ 0 };
	return err_set(err, ERR_NO_LIB, f->path, "this skep was built without libdw, which reads "
		       "DWARF");
}

#endif
