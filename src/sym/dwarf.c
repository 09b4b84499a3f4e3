/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dwarf.c: the units of a program's DWARF, as BTF. A unit's entries get their
 * numbers first, in order, and become types then, so that references go
 * anywhere; a unit that is referred to gets its numbers at that moment. Equal
 * types become one from time to time, so that memory follows the types that
 * there are and not their copies in each unit. What comes out is parsed and
 * checked like any BTF from a file.
 */
#include "sym/dwarf_priv.h"
#include "sym/symbols.h"
#include <gelf.h>
#include <unistd.h>

#ifdef SYM_LIBDW

enum {
	MAX_DEPTH = 64,			/* of entries that hold types */
	MANY_TYPES = 500000,		/* before equal ones become one */
	MAX_BYTES = 1 << 30,		/* of types */
	MAX_SECTIONS = 1024,		/* whose variables are looked for */
	STEPS_PER_BYTE = 16,		/* of the file; damaged files need more */
};

/* ---- entries by address --------------------------------------------------------- */

static struct die_slot *slot_of(const struct die_map *m, const void *addr)
{
	u32 i = (u32)hash_bytes(&addr, sizeof(addr), 0) & (m->cap - 1);

	while (m->slots[i].addr && m->slots[i].addr != addr)
		i = (i + 1) & (m->cap - 1);
	return &m->slots[i];
}

static bool die_get(const struct die_map *m, const void *addr, u32 *id)
{
	const struct die_slot *s = m->cap ? slot_of(m, addr) : NULL;

	if (!s || !s->addr)
		return false;
	*id = s->id;
	return true;
}

static void die_put(struct die_map *m, const void *addr, u32 id)
{
	struct die_map old = *m;

	if (m->n >= m->cap / 2) {
		m->cap = m->cap ? m->cap * 2 : 1024;
		m->slots = mem_alloc(m->cap * sizeof(*m->slots));
		for (u32 i = 0; i < old.cap; i++)
			if (old.slots[i].addr)
				*slot_of(m, old.slots[i].addr) = old.slots[i];
		free(old.slots);
	}
	*slot_of(m, addr) = (struct die_slot){ addr, id };
	m->n++;
}

/* ---- numbers ---------------------------------------------------------------------- */

static int damaged(struct conv *c, const char *what)
{
	return err_set(c->err, ERR_DWARF, c->name, "%s: %s", what, c->dw.dwarf_errmsg(-1));
}

static void number_entry(struct conv *c, Dwarf_Die *die)
{
	u32 n = conv_count(c, die);

	if (!n)
		return;
	die_put(&c->dies, die->addr, c->next);
	*vec_push(&c->jobs) = *die;
	c->next += n;
}

/* Each entry must stand behind all that were seen, so that this ends. */
static void number_unit(struct conv *c, Dwarf_Die *unit)
{
	Dwarf_Die at[MAX_DEPTH + 1], *top = at;
	const u8 *seen = unit->addr;
	bool more = conv_child(c, unit, at);

	die_put(&c->units, unit->cu, 1);
	for (;;) {
		if (!more || (const u8 *)top->addr <= seen) {
			if (top == at)
				return;
			more = conv_sibling(c, --top);
			continue;
		}
		seen = top->addr;
		number_entry(c, top);
		if (conv_enters(c, top) && top < at + MAX_DEPTH &&
		    conv_child(c, top, top + 1))
			top++;
		else
			more = conv_sibling(c, top);
	}
}

static bool is_c(int language)
{
	switch (language) {
	case DW_LANG_C89:
	case DW_LANG_C:
	case DW_LANG_C99:
	case DW_LANG_C11:
	case 0x2c:	/* C17 */
	case 0x3e:	/* C23 */
		return true;
	default:
		return false;
	}
}

/* The unit of DIE, when its language is C or, as for shared parts, not said. */
static bool take_unit(struct conv *c, Dwarf_Die *die)
{
	Dwarf_Die unit;
	u32 known;
	int language;

	if (die_get(&c->units, die->cu, &known))
		return true;
	if (!c->dw.dwarf_diecu(die, &unit, NULL, NULL))
		return false;
	language = c->dw.dwarf_srclang(&unit);
	if (language != -1 && !is_c(language))
		return false;
	number_unit(c, &unit);
	return true;
}

u32 conv_type(struct conv *c, Dwarf_Die *die)
{
	Dwarf_Die t = *die, to;
	u32 id;

	for (int i = 0; i < MAX_DEPTH; i++) {
		if (!conv_ref(c, &t, &to))
			return c->dw.dwarf_hasattr_integrate(&t, DW_AT_type) ? DW_NONE : 0;
		if (die_get(&c->dies, to.addr, &id))
			return id;
		if (c->dw.dwarf_tag(&to) != DW_TAG_atomic_type)
			return take_unit(c, &to) && die_get(&c->dies, to.addr, &id) ?
				id : DW_NONE;
		t = to;
	}
	return DW_NONE;
}

/* ---- from numbers to types ----------------------------------------------------------- */

static void renumber(struct conv *c, const u32 *map)
{
	for (u32 i = 0; i < c->dies.cap; i++)
		c->dies.slots[i].id = map[c->dies.slots[i].id];
	for (size_t i = 0; i < c->vars.n; i++)
		c->vars.v[i].id = map[c->vars.v[i].id];
	c->next = btf_build_next(&c->b);
}

static void merge(struct conv *c, bool all)
{
	u32 *map = mem_alloc(btf_build_next(&c->b) * sizeof(u32));

	if (all)
		btf_build_dedup(&c->b, map);
	else
		btf_build_dedup_part(&c->b, map);
	renumber(c, map);
	c->merged = c->next;
	free(map);
}

/* All that has a number becomes types. */
static int add_numbered(struct conv *c)
{
	for (size_t i = 0; i < c->jobs.n; i++) {
		Dwarf_Die die = c->jobs.v[i];	/* more may come meanwhile */

		conv_add(c, &die);
		if (c->b.types.n > MAX_BYTES)
			return err_set(c->err, ERR_LIMIT, c->name,
				       "more than %d bytes of types", MAX_BYTES);
	}
	assert(c->next == btf_build_next(&c->b) && "an entry made what it was counted for");
	c->jobs.n = 0;
	for (size_t i = 0; i < c->tags.n; i++)
		btf_build_tag(&c->b, c->tags.v[i].text, c->tags.v[i].id,
			      c->tags.v[i].component);
	c->tags.n = 0;
	c->next = btf_build_next(&c->b);
	if (c->next - c->merged > MANY_TYPES && c->next / 2 > c->merged)
		merge(c, false);
	return 0;
}

static int add_unit(struct conv *c, Dwarf_Die *unit, u8 unit_type, Dwarf_Die *split)
{
	if (c->dw.dwarf_tag(unit) == DW_TAG_partial_unit)
		return 0;	/* taken by those that use it */
	if (unit_type == DW_UT_skeleton) {
		/* its types are in a file of their own */
		if (c->dw.dwarf_tag(split) != DW_TAG_compile_unit) {
			c->rep->other_units++;
			return 0;
		}
		unit = split;
	}
	if (!is_c(c->dw.dwarf_srclang(unit)) || !take_unit(c, unit)) {
		c->rep->other_units++;
		return 0;
	}
	c->rep->units += c->dw.dwarf_tag(unit) == DW_TAG_compile_unit;
	return add_numbered(c);
}

static int add_units(struct conv *c, Dwarf *dwarf)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit, split;
	uint8_t type;
	int ret;

	while (!(ret = c->dw.dwarf_get_units(dwarf, cu, &cu, NULL, &type, &unit, &split))) {
		ret = add_unit(c, &unit, type, &split);
		if (ret)
			return ret;
	}
	if (ret < 0)
		return damaged(c, "damaged debug information");
	if (c->steps > c->max_steps)
		return err_set(c->err, ERR_DWARF, c->name,
			       "debug information repeats itself; gave up after %llu entries",
			       (unsigned long long)c->steps);
	if (!c->rep->units)
		return err_set(c->err, ERR_DWARF, c->name,
			       "no compile unit in C; %u in other languages",
			       c->rep->other_units);
	return 0;
}

/* ---- symbols --------------------------------------------------------------------------- */

static void read_table(struct conv *c, Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh)
{
	Elf_Data *d = elf_getdata(scn, NULL);
	u64 n = d && sh->sh_entsize ? min_u64(d->d_size, sh->sh_size) / sh->sh_entsize : 0;

	for (u64 i = 0; i < n && i < INT32_MAX; i++) {
		GElf_Sym sym;
		const char *name;

		if (!gelf_getsym(d, (int)i, &sym) || sym.st_shndx == SHN_UNDEF ||
		    GELF_ST_TYPE(sym.st_info) != STT_FUNC)
			continue;
		name = elf_strptr(elf, sh->sh_link, sym.st_name);
		if (name && *name)
			strtab_put(&c->symbols, name, 1);
	}
}

static void read_symbols(struct conv *c, Elf *elf)
{
	Elf_Scn *scn = NULL;

	c->symbols.arena = &c->arena;
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr sh;

		if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_SYMTAB)
			read_table(c, elf, scn, &sh);
	}
}

/* ---- sections of variables ------------------------------------------------------------ */

static int var_order(const void *a, const void *b)
{
	const struct dw_var *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* The variables, sorted, that lie in section SH. */
static void add_section(struct conv *c, const struct btf *btf, const char *name,
			const GElf_Shdr *sh, u64 bias)
{
	VEC(struct btf_var_secinfo) in = { 0 };
	u64 end = 0;

	for (size_t i = 0; i < c->vars.n && in.n < BTF_MAX_VLEN; i++) {
		u64 off = c->vars.v[i].addr + bias - sh->sh_addr;
		u64 bytes = btf_bytes(btf, c->vars.v[i].id);

		/* no two of them at one place */
		if (!bytes || off < end || !in_bounds(off, bytes, sh->sh_size))
			continue;
		*vec_push(&in) = (struct btf_var_secinfo){
			c->vars.v[i].id, (u32)off, (u32)bytes,
		};
		end = off + bytes;
	}
	if (in.n)
		btf_build_datasec(&c->b, name, (u32)sh->sh_size, in.v, (u32)in.n);
	vec_free(&in);
}

static void add_sections(struct conv *c, const struct btf *btf, Elf *elf, u64 bias)
{
	Elf_Scn *scn = NULL;
	size_t strings;
	u32 n = 0;

	if (elf_getshdrstrndx(elf, &strings))
		return;
	if (c->vars.n)
		qsort(c->vars.v, c->vars.n, sizeof(*c->vars.v), var_order);
	while ((scn = elf_nextscn(elf, scn)) && n++ < MAX_SECTIONS) {
		GElf_Shdr sh;
		const char *name = gelf_getshdr(scn, &sh) ?
			elf_strptr(elf, strings, sh.sh_name) : NULL;

		if (name && *name && sh.sh_flags & SHF_ALLOC && !(sh.sh_flags & SHF_TLS) &&
		    sh.sh_size <= UINT32_MAX)
			add_section(c, btf, name, &sh, bias);
	}
}

/* ---- all of it ------------------------------------------------------------------------- */

static int write_checked(struct conv *c, struct strbuf *out, struct btf **btf)
{
	size_t from = out->n;

	btf_build_write(&c->b, out);
	return btf_parse(btf, &c->arena, (const u8 *)out->s + from, out->n - from,
			 c->name, c->err);
}

static int convert(struct conv *c, Dwarf *dwarf, Elf *elf, u64 bias, struct strbuf *out,
		   conv_fn *fn, void *arg)
{
	GElf_Ehdr eh;
	size_t size = 0, start = out->n;
	struct btf *btf;
	int ret;

	if (!gelf_getehdr(elf, &eh) || !elf_rawfile(elf, &size))
		return err_set(c->err, ERR_ELF, c->name, "no ELF file: %s", elf_errmsg(-1));
	c->big_endian = eh.e_ident[EI_DATA] == ELFDATA2MSB;
	c->max_steps = (u64)size * STEPS_PER_BYTE + (1 << 20);
	btf_build_open(&c->b, &c->arena);
	/* what arrays are indexed by; DWARF names nothing */
	btf_build_int(&c->b, "__ARRAY_SIZE_TYPE__", 4, 0);
	c->next = c->merged = btf_build_next(&c->b);
	read_symbols(c, elf);
	ret = add_units(c, dwarf);
	if (ret)
		return ret;
	merge(c, true);
	ret = write_checked(c, out, &btf);
	if (ret)
		return ret;
	btf_guess_addr(btf);
	if (fn)
		return fn(c, btf, dwarf, arg);
	if (!c->vars.n)
		return 0;
	add_sections(c, btf, elf, bias);
	out->n = start;
	return write_checked(c, out, &btf);
}

static int open_and_convert(struct conv *c, Dwfl *dwfl, struct strbuf *out, conv_fn *fn,
			    void *arg)
{
	Dwfl_Module *mod = c->dw.dwfl_report_offline(dwfl, "", c->path,
						     sym_member_fd(c->path));
	Dwarf_Addr dwarf_bias = 0;
	GElf_Addr elf_bias = 0;
	Dwarf *dwarf;
	Elf *elf;

	if (!mod)
		return err_set(c->err, ERR_ELF, c->name, "no ELF file: %s",
			       c->dw.dwfl_errmsg(-1));
	c->dw.dwfl_report_end(dwfl, NULL, NULL);
	elf = c->dw.dwfl_module_getelf(mod, &elf_bias);
	dwarf = elf ? c->dw.dwfl_module_getdwarf(mod, &dwarf_bias) : NULL;
	if (!dwarf) {
		err_set(c->err, ERR_DWARF, c->name, "no debug information: %s",
			c->dw.dwfl_errmsg(-1));
		err_help(c->err, "compile with -g, or install the file's debug symbols");
		return c->err->code;
	}
	return convert(c, dwarf, elf, dwarf_bias - elf_bias, out, fn, arg);
}

static void conv_free(struct conv *c)
{
	btf_build_free(&c->b);
	free(c->dies.slots);
	free(c->units.slots);
	vec_free(&c->jobs);
	vec_free(&c->vars);
	vec_free(&c->tags);
	arena_free(&c->arena);
}

int conv_run(struct conv *c, struct strbuf *out, conv_fn *fn, void *arg)
{
	int ret = dw_lib_open(&c->dw, c->err);
	Dwfl_Callbacks calls;
	Dwfl *dwfl;

	if (ret)
		return ret;
	calls = (Dwfl_Callbacks){
		.find_elf = c->dw.dwfl_build_id_find_elf,
		.find_debuginfo = c->dw.dwfl_standard_find_debuginfo,
		.section_address = c->dw.dwfl_offline_section_address,
	};
	dwfl = c->dw.dwfl_begin(&calls);
	if (!dwfl)
		return err_set(c->err, ERR_NO_LIB, c->name, "libdw: %s", c->dw.dwfl_errmsg(-1));
	elf_version(EV_CURRENT);
	ret = open_and_convert(c, dwfl, out, fn, arg);
	c->rep->types = (u32)c->b.offs.n;
	c->dw.dwfl_end(dwfl);
	conv_free(c);
	return ret;
}

int dwarf_to_btf(struct strbuf *out, const char *path, struct dwarf_report *rep,
		 struct skep_err *err)
{
	struct conv c = { .path = path, .name = path, .rep = rep, .err = err };
	struct os_file file;
	int ret = dw_lib_open(&c.dw, err);

	memset(rep, 0, sizeof(*rep));
	/* for a precise reason when it cannot be read, or is something else */
	if (ret)
		return ret;
	if (path[sym_archive_len(path)] && access(path, F_OK))
		return conv_run(&c, out, NULL, NULL);
	ret = os_file_read(&file, path, err);
	if (ret)
		return ret;
	if (file.size < SELFMAG || memcmp(file.data, ELFMAG, SELFMAG))
		ret = err_set(err, ERR_ELF, path, "no ELF file");
	os_file_close(&file);
	return ret ? ret : conv_run(&c, out, NULL, NULL);
}

#else

int dwarf_to_btf(struct strbuf *out, const char *path, struct dwarf_report *rep,
		 struct skep_err *err)
{
	memset(rep, 0, sizeof(*rep));
	return err_set(err, ERR_NO_LIB, path, "this skep was built without libdw, "
		       "which reads DWARF");
}

#endif
