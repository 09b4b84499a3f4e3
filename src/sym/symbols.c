/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * symbols.c: symbol tables of ELF files, by libelf. The versions of a dynamic symbol are
 * in two tables beside it: a number for each symbol, and names for numbers.
 */
#include "sym/symbols.h"
#include "base/vec.h"
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NEAR_MAX = 20000, ID_MAX = 64 };

/* ---- opening --------------------------------------------------------------- */

/* libelf takes memory as if it were to write to it, and does not. */
static Elf *elf_of(const u8 *data, u64 size)
{
	elf_version(EV_CURRENT);
	return elf_memory((char *)(uintptr_t)data, size);
}

/* BASE: where it begins in the file. */
static void read_parts(struct sym_file *f, u64 base)
{
	size_t n = 0;
	GElf_Phdr ph;

	if (elf_getphdrnum(f->elf, &n))
		return;
	n = min_u64(n, 4096);
	f->parts = mem_alloc(n * sizeof(*f->parts));
	for (size_t i = 0; i < n; i++)
		if (gelf_getphdr(f->elf, (int)i, &ph) && ph.p_type == PT_LOAD)
			f->parts[f->nr_parts++] = (struct sym_part){ ph.p_vaddr,
				base + ph.p_offset,
				ph.p_filesz, ph.p_flags & PF_X };
}

/* The section of TYPE, or called NAME; NULL: none. */
static Elf_Scn *find_section(Elf *elf, u32 type, const char *name, GElf_Shdr *sh)
{
	Elf_Scn *scn = NULL;
	size_t names = 0;
	const char *s;

	elf_getshdrstrndx(elf, &names);
	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, sh) && sh->sh_type != SHT_NOBITS) {
			s = name ? elf_strptr(elf, names, sh->sh_name) : NULL;
			if (name ? s && !strcmp(s, name) : sh->sh_type == type)
				return scn;
		}
	return NULL;
}

/* Hexadecimal, or "". */
static void build_id(Elf *elf, char out[2 * ID_MAX + 1])
{
	GElf_Shdr sh;
	Elf_Scn *scn = find_section(elf, 0, ".note.gnu.build-id", &sh);
	Elf_Data *d = scn ? elf_getdata(scn, NULL) : NULL;
	size_t name, desc;
	GElf_Nhdr note;

	out[0] = 0;
	if (!d || !gelf_getnote(d, 0, &note, &name, &desc) || note.n_descsz > ID_MAX)
		return;
	for (u32 i = 0; i < note.n_descsz; i++)
		snprintf(out + 2 * i, 3, "%02x", ((const u8 *)d->d_buf)[desc + i]);
}

/* Programs that run may be cut meanwhile: what is gone reads as zero. */
static struct guard *guard(const struct os_file *f)
{
	static u32 torn;	/* nobody asks */

	return f->mapped ? os_guard(f->data, f->size, &torn) : NULL;
}

/* What `strip` took away may be in a file of its own. */
static void open_debug(struct sym_file *f)
{
	char id[2 * ID_MAX + 1], path[2 * ID_MAX + 64];
	GElf_Shdr sh;

	if (find_section(f->elf, SHT_SYMTAB, NULL, &sh))
		return;
	build_id(f->elf, id);
	if (strlen(id) < 4)
		return;
	snprintf(path, sizeof(path), "/usr/lib/debug/.build-id/%.2s/%s.debug", id, id + 2);
	if (access(path, R_OK) || os_file_read(&f->debug_file, path, NULL))
		return;
	f->guards[1] = guard(&f->debug_file);
	f->debug = elf_of(f->debug_file.data, f->debug_file.size);
}

/* The file of PATH, or of the archive that PATH is in, and where in it M is. */
static int read_file(struct sym_file *f, const char *path, struct sym_member *m,
		     struct skep_err *err)
{
	const size_t n = sym_archive_len(path);
	char *archive;
	int r;

	if (!path[n] || !access(path, F_OK)) {
		r = os_file_read(&f->file, path, err);
		f->guards[0] = r ? NULL : guard(&f->file);
		*m = (struct sym_member){ 0, f->file.size };
		return r;
	}
	archive = mem_strdup(path);
	archive[n] = 0;
	r = os_file_read(&f->file, archive, err);
	free(archive);
	if (r)
		return r;
	f->guards[0] = guard(&f->file);
	return sym_zip_find(&f->file, path, m, err);
}

int sym_open(struct sym_file *f, const char *path, struct skep_err *err)
{
	struct sym_member m;
	GElf_Ehdr eh;
	int r;

	*f = (struct sym_file){ 0 };
	r = read_file(f, path, &m, err);
	if (r) {
		sym_close(f);
		return r;
	}
	f->path = mem_strdup(path);
	f->base = m.off;
	f->bytes = m.bytes;
	f->elf = elf_of(f->file.data + m.off, m.bytes);
	if (!f->elf || !gelf_getehdr(f->elf, &eh) ||
	    (eh.e_type != ET_EXEC && eh.e_type != ET_DYN)) {
		sym_close(f);
		return err_set(err, ERR_FILE_KIND, path, "neither a program nor a library (ELF)");
	}
	f->machine = eh.e_machine;
	f->is64 = gelf_getclass(f->elf) == ELFCLASS64;
	read_parts(f, m.off);
	open_debug(f);
	return 0;
}

void sym_close(struct sym_file *f)
{
	if (f->elf)
		elf_end(f->elf);
	if (f->debug)
		elf_end(f->debug);
	os_guard_end(f->guards[0]);
	os_guard_end(f->guards[1]);
	if (f->file.data)
		os_file_close(&f->file);
	if (f->debug_file.data)
		os_file_close(&f->debug_file);
	free(f->parts);
	free(f->path);
	*f = (struct sym_file){ 0 };
}

/* ---- versions -------------------------------------------------------------- */

struct versions {
	Elf *elf;
	Elf_Data *numbers;	/* of each symbol; NULL: there are none */
	Elf_Data *names;
	size_t strings;		/* the section of their text */
};

static void versions_open(struct versions *v, Elf *elf)
{
	GElf_Shdr sh;
	Elf_Scn *numbers = find_section(elf, SHT_GNU_versym, NULL, &sh);
	Elf_Scn *names = find_section(elf, SHT_GNU_verdef, NULL, &sh);

	*v = (struct versions){ .elf = elf };
	if (!numbers || !names)
		return;
	v->strings = sh.sh_link;
	v->numbers = elf_getdata(numbers, NULL);
	v->names = elf_getdata(names, NULL);
}

static const char *version_name(const struct versions *v, u16 number)
{
	GElf_Verdaux aux;
	GElf_Verdef def;
	int at = 0;

	while (v->names && gelf_getverdef(v->names, at, &def)) {
		if (def.vd_ndx == number && gelf_getverdaux(v->names, at + (int)def.vd_aux, &aux))
			return elf_strptr(v->elf, v->strings, aux.vda_name);
		if (!def.vd_next || def.vd_next > (u32)(v->names->d_size - (size_t)at))
			break;
		at += (int)def.vd_next;
	}
	return NULL;
}

static void set_version(struct sym *s, const struct versions *v, int i)
{
	GElf_Versym number;

	if (!v->numbers || !gelf_getversym(v->numbers, i, &number))
		return;
	s->old = number & 0x8000;
	if ((number & 0x7fff) > 1)
		s->version = version_name(v, number & 0x7fff);
}

/* ---- going through them ---------------------------------------------------- */

static int each_of(Elf *elf, u32 type, sym_fn *fn, void *arg)
{
	GElf_Shdr sh;
	Elf_Scn *scn = find_section(elf, type, NULL, &sh);
	Elf_Data *d = scn ? elf_getdata(scn, NULL) : NULL;
	struct versions v = { 0 };
	GElf_Sym es;
	int r = 0;

	if (!d)
		return 0;
	if (type == SHT_DYNSYM)
		versions_open(&v, elf);
	for (int i = 1; !r && gelf_getsym(d, i, &es); i++) {
		struct sym s = { .addr = es.st_value, .bytes = es.st_size };

		if (GELF_ST_TYPE(es.st_info) != STT_FUNC || !es.st_value ||
		    es.st_shndx == SHN_UNDEF)
			continue;
		s.name = elf_strptr(elf, sh.sh_link, es.st_name);
		if (!s.name || !*s.name)
			continue;
		set_version(&s, &v, i);
		r = fn(arg, &s);
	}
	return r;
}

bool sym_has_all(const struct sym_file *f)
{
	GElf_Shdr sh;

	return f->debug || find_section(f->elf, SHT_SYMTAB, NULL, &sh);
}

int sym_each(const struct sym_file *f, sym_fn *fn, void *arg)
{
	int r = each_of(f->elf, SHT_DYNSYM, fn, arg);

	r = r ? r : each_of(f->elf, SHT_SYMTAB, fn, arg);
	return r || !f->debug ? r : each_of(f->debug, SHT_SYMTAB, fn, arg);
}

/* ---- by name --------------------------------------------------------------- */

struct search {
	const char *name;
	size_t n;		/* of it without the version */
	const char *version;	/* or NULL */
	bool current;		/* name@@VERSION */
	struct sym best;
	bool found;
};

static int match(void *arg, const struct sym *s)
{
	struct search *w = arg;
	/* symbol tables of programs have versions in the name */
	size_t n = strcspn(s->name, "@");
	const char *version = s->name[n] ? s->name + n + 1 + (s->name[n + 1] == '@') : s->version;
	bool old = s->name[n] ? s->name[n + 1] != '@' : s->old;

	if (n != w->n || memcmp(s->name, w->name, n))
		return 0;
	if (w->version && (!version || strcmp(version, w->version) || (w->current && old)))
		return 0;
	if (w->found && (old || w->version))
		return 0;
	w->best = *s;
	w->found = true;
	return !old;
}

static bool value_in(Elf *elf, u32 type, const char *name, u64 *addr)
{
	GElf_Shdr sh;
	Elf_Scn *scn = find_section(elf, type, NULL, &sh);
	Elf_Data *d = scn ? elf_getdata(scn, NULL) : NULL;
	GElf_Sym es;
	const char *s;

	for (int i = 1; d && gelf_getsym(d, i, &es); i++) {
		if (es.st_shndx == SHN_UNDEF || es.st_shndx == SHN_ABS ||
		    GELF_ST_TYPE(es.st_info) == STT_TLS)
			continue;
		s = elf_strptr(elf, sh.sh_link, es.st_name);
		if (s && !strncmp(s, name, strlen(name)) &&
		    (!s[strlen(name)] || s[strlen(name)] == '@')) {
			*addr = es.st_value;
			return true;
		}
	}
	return false;
}

bool sym_value(const struct sym_file *f, const char *name, u64 *addr)
{
	return value_in(f->elf, SHT_DYNSYM, name, addr) ||
	       value_in(f->elf, SHT_SYMTAB, name, addr) ||
	       (f->debug && value_in(f->debug, SHT_SYMTAB, name, addr));
}

struct near { const char **v; size_t n, cap; };	/* a VEC */

static int collect(void *arg, const struct sym *s)
{
	struct near *all = arg;

	*vec_push(all) = s->name;
	return all->n == NEAR_MAX;
}

static void suggest(const struct sym_file *f, const char *name, struct skep_err *err)
{
	struct near all = { 0 };
	const char *near;
	u64 addr;

	sym_each(f, collect, &all);
	near = err_nearest(name, all.v, all.n);
	if (sym_value(f, name, &addr))
		err_note(err, "'%s' is there and is no function: a variable, or one of several "
			 "functions that is chosen when the program starts (IFUNC)", name);
	else if (near)
		err_help(err, "did you mean '%s'?", near);
	else if (!all.n)
		err_note(err, "it is stripped: no function of it has a name; an offset in the "
			 "file does without");
	else if (!f->debug && all.n < NEAR_MAX)
		err_note(err, "%zu of its functions have names", all.n);
	vec_free(&all);
}

int sym_find(const struct sym_file *f, const char *text, struct sym *out, struct skep_err *err)
{
	struct search w = { .name = text, .n = strcspn(text, "@") };
	int r;

	if (text[w.n]) {
		w.current = text[w.n + 1] == '@';
		w.version = text + w.n + 1 + w.current;
	}
	sym_each(f, match, &w);
	if (w.found) {
		*out = w.best;
		return 0;
	}
	r = err_set(err, ERR_ATTACH_FIND, f->path, "there is no function '%s'", text);
	suggest(f, text, err);
	return r;
}

/* ---- by place -------------------------------------------------------------- */

struct place { u64 addr; struct sym *out; bool found; };

static int holds(void *arg, const struct sym *s)
{
	struct place *p = arg;

	if (p->addr - s->addr >= (s->bytes ? s->bytes : 1))
		return 0;
	*p->out = *s;
	p->found = true;
	return 1;
}

bool sym_at(const struct sym_file *f, u64 addr, struct sym *out)
{
	struct place p = { addr, out, false };

	sym_each(f, holds, &p);
	return p.found;
}

s64 sym_offset(const struct sym_file *f, u64 addr)
{
	for (u32 i = 0; i < f->nr_parts; i++)
		if (addr - f->parts[i].addr < f->parts[i].bytes)
			return (s64)(addr - f->parts[i].addr + f->parts[i].off);
	return -1;
}

s64 sym_address(const struct sym_file *f, u64 off)
{
	for (u32 i = 0; i < f->nr_parts; i++)
		if (f->parts[i].exec && off - f->parts[i].off < f->parts[i].bytes)
			return (s64)(off - f->parts[i].off + f->parts[i].addr);
	return -1;
}

const u8 *sym_bytes(const struct sym_file *f, u64 off, u64 bytes)
{
	return in_bounds(off, bytes, f->file.size) ? f->file.data + off : NULL;
}
