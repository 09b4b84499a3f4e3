/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * elf.c: sections, symbols and relocations of an object, checked. libelf finds
 * the section headers; contents are read in place, so that what a header says
 * is compared with the file before anything is touched. Never interprets a
 * section beyond its kind.
 */
#include "obj/open.h"
#include "obj/obj.h"
#include <elf.h>
#include <gelf.h>
#include <stdlib.h>

enum { MAX_NAME = 4096 };

bool obj_is_elf(const u8 *data, size_t bytes)
{
	return bytes >= SELFMAG && !memcmp(data, ELFMAG, SELFMAG);
}

const char *elf_at(struct obj *o, const struct obj_sec *s, u64 off)
{
	return arena_printf(&o->tmp, "%s:%s+0x%llx", o->file, s->name,
			    (unsigned long long)off);
}

const char *elf_in(struct obj *o, const struct obj_sec *s)
{
	return arena_printf(&o->tmp, "%s:%s", o->file, s->name);
}

/* ---- header ------------------------------------------------------------ */

static int check_order(struct obj *o, u8 order)
{
	u8 host = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB :
							      ELFDATA2MSB;

	if (order == host)
		return 0;
	if (order != ELFDATA2LSB && order != ELFDATA2MSB)
		return err_set(o->err, ERR_ELF, o->file,
			       "ELF byte order %u; 1 and 2 are known", order);
	return err_set(o->err, ERR_UNSUPPORTED, o->file,
		       "%s-endian object on a machine of the other byte order",
		       order == ELFDATA2MSB ? "big" : "little");
}

static int check_header(struct obj *o)
{
	Elf64_Ehdr h;
	int ret;

	if (!obj_is_elf(o->data, o->bytes) || o->bytes < sizeof(h))
		return err_set(o->err, ERR_ELF, o->file,
			       "%zu bytes that are no ELF object", o->bytes);
	memcpy(&h, o->data, sizeof(h));
	if (h.e_ident[EI_CLASS] != ELFCLASS64)
		return err_set(o->err, ERR_ELF, o->file,
			       "not a 64-bit ELF object");
	ret = check_order(o, h.e_ident[EI_DATA]);
	if (ret)
		return ret;
	if (h.e_machine != EM_BPF)
		return err_set(o->err, ERR_ELF, o->file,
			       "ELF machine %u; BPF objects have %u (compile with -target bpf)",
			       h.e_machine, EM_BPF);
	if (h.e_type != ET_REL)
		return err_set(o->err, ERR_ELF, o->file,
			       "ELF type %u; a relocatable object has %u",
			       h.e_type, ET_REL);
	if (h.e_shentsize != sizeof(Elf64_Shdr) || h.e_shoff < sizeof(h) ||
	    !in_bounds(h.e_shoff, max_u64(h.e_shnum, 1) * sizeof(Elf64_Shdr),
		       o->bytes))
		return err_set(o->err, ERR_ELF_SECTION, o->file,
			       "section headers at 0x%llx, %u of %u bytes, do not fit %zu bytes",
			       (unsigned long long)h.e_shoff, h.e_shnum,
			       h.e_shentsize, o->bytes);
	return 0;
}

/* ---- sections ------------------------------------------------------------ */

/* NAME, or NAME followed by a dot and more. */
static bool is_family(const char *s, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(s, name, n) && (!s[n] || s[n] == '.');
}

static enum sec_kind data_kind(const char *name)
{
	static const struct { const char *name; enum sec_kind kind; } exact[] = {
		{ ".maps", SEC_MAPS },	 { "license", SEC_LICENSE },
		{ ".BTF", SEC_BTF },	 { ".BTF.ext", SEC_BTF_EXT },
		{ "maps", SEC_OLD_MAPS },
		{ ".addr_space.1", SEC_ARENA },
		{ ".percpu", SEC_DATA },
	}, family[] = {
		{ ".data", SEC_DATA },	 { ".rodata", SEC_RODATA },
		{ ".bss", SEC_BSS },	 { ".struct_ops", SEC_STRUCT_OPS },
		{ "?.struct_ops", SEC_STRUCT_OPS },
	};

	for (size_t i = 0; i < ARRAY_LEN(exact); i++)
		if (!strcmp(name, exact[i].name))
			return exact[i].kind;
	for (size_t i = 0; i < ARRAY_LEN(family); i++)
		if (is_family(name, family[i].name))
			return family[i].kind;
	return strncmp(name, "maps/", 5) ? SEC_OTHER : SEC_OLD_MAPS;
}

static enum sec_kind sec_kind(const struct obj_sec *s)
{
	switch (s->type) {
	case SHT_SYMTAB:
		return SEC_SYMTAB;
	case SHT_SYMTAB_SHNDX:
		return SEC_SYM_INDEX;
	case SHT_NOBITS:
		if (s->size && !strcmp(s->name, ".addr_space.1"))
			return SEC_ARENA;
		return s->size && is_family(s->name, ".bss") ? SEC_BSS : SEC_OTHER;
	case SHT_PROGBITS:
		if (!s->size)
			return SEC_OTHER;
		return s->flags & SHF_EXECINSTR ? SEC_CODE : data_kind(s->name);
	default:
		return SEC_OTHER;
	}
}

/* The string at OFF of a section of strings, or NULL. */
static const char *strtab_at(const struct obj_sec *s, u64 off)
{
	const char *p;

	if (s->type != SHT_STRTAB || off >= s->size || s->flags & SHF_COMPRESSED)
		return NULL;
	p = (const char *)s->data + off;
	return memchr(p, 0, min_u64(s->size - off, MAX_NAME)) ? p : NULL;
}

static int section_bad(struct obj *o, u32 i, const char *what)
{
	const struct obj_sec *s = &o->secs[i];

	return err_set(o->err, ERR_ELF_SECTION, o->file, "section %u (%s) %s",
		       i, s->name ? s->name : "no name", what);
}

static int load_section(struct obj *o, u32 i, const Elf64_Shdr *h)
{
	struct obj_sec *s = &o->secs[i];

	*s = (struct obj_sec){
		.type = h->sh_type, .flags = h->sh_flags, .size = h->sh_size,
		.entsize = h->sh_entsize, .align = h->sh_addralign, .link = h->sh_link,
		.info = h->sh_info, .map = -1,
	};
	if (!i || s->type == SHT_NULL) {
		s->type = SHT_NULL;
		s->size = 0;
		return 0;
	}
	if (s->type == SHT_NOBITS)
		return 0;
	if (!in_bounds(h->sh_offset, h->sh_size, o->bytes))
		return err_set(o->err, ERR_ELF_SECTION, o->file,
			       "section %u at 0x%llx, %llu bytes, ends behind the file's %zu bytes",
			       i, (unsigned long long)h->sh_offset,
			       (unsigned long long)h->sh_size, o->bytes);
	/* sections do not share bytes, so copies of all are no more than the file */
	o->sec_bytes += h->sh_size;
	if (o->sec_bytes > o->bytes)
		return err_set(o->err, ERR_ELF_SECTION, o->file,
			       "section %u at 0x%llx, %llu bytes, overlaps another",
			       i, (unsigned long long)h->sh_offset,
			       (unsigned long long)h->sh_size);
	s->data = o->data + h->sh_offset;
	return 0;
}

static int name_section(struct obj *o, u32 i, u32 name,
			const struct obj_sec *names)
{
	struct obj_sec *s = &o->secs[i];

	s->name = s->type == SHT_NULL ? "" : strtab_at(names, name);
	if (!s->name)
		return section_bad(o, i, "has a name that is no string of the section names");
	s->kind = sec_kind(s);
	if (s->kind == SEC_OTHER)
		return 0;
	if (s->flags & SHF_COMPRESSED)
		return err_set(o->err, ERR_UNSUPPORTED, elf_in(o, s),
			       "section is compressed");
	if (s->kind == SEC_CODE && s->size % INSN_BYTES)
		return err_set(o->err, ERR_ELF_SECTION, elf_in(o, s),
			       "%llu bytes of code; instructions have %d bytes",
			       (unsigned long long)s->size, INSN_BYTES);
	if (s->size > UINT32_MAX)
		return section_bad(o, i, "is larger than 4 GiB");
	return 0;
}

/* Headers from ELF, in order; sh_name goes to NAMES. */
static int load_headers(struct obj *o, Elf *elf, u32 *names)
{
	for (u32 i = 0; i < o->nr_secs; i++) {
		Elf_Scn *scn = elf_getscn(elf, i);
		GElf_Shdr h;
		int ret;

		/* by copy: in the file the headers may lie at odd addresses */
		if (!scn || !gelf_getshdr(scn, &h))
			return err_set(o->err, ERR_ELF_SECTION, o->file,
				       "section %u: %s", i, elf_errmsg(-1));
		names[i] = h.sh_name;
		ret = load_section(o, i, &h);
		if (ret)
			return ret;
	}
	return 0;
}

static int read_sections(struct obj *o, Elf *elf)
{
	size_t n, names_index;
	u32 *names;
	int ret;

	if (elf_getshdrnum(elf, &n) || elf_getshdrstrndx(elf, &names_index))
		return err_set(o->err, ERR_ELF_SECTION, o->file,
			       "section headers: %s", elf_errmsg(-1));
	if (n > o->bytes / sizeof(Elf64_Shdr) || names_index >= n)
		return err_set(o->err, ERR_ELF_SECTION, o->file,
			       "%zu sections, names in section %zu, do not fit %zu bytes",
			       n, names_index, o->bytes);
	o->nr_secs = (u32)n;
	o->secs = arena_news(&o->tmp, n, struct obj_sec);
	names = arena_news(&o->tmp, n, u32);
	ret = load_headers(o, elf, names);
	for (u32 i = 0; i < n && !ret; i++)
		ret = name_section(o, i, names[i], &o->secs[names_index]);
	return ret;
}

/* Notes which section holds the relocations of which. */
static int pair_reloc(struct obj *o, u32 i)
{
	const struct obj_sec *s = &o->secs[i];
	size_t each = s->type == SHT_REL ? sizeof(Elf64_Rel) : sizeof(Elf64_Rela);
	struct obj_sec *to;

	if (s->info >= o->nr_secs || !s->info)
		return section_bad(o, i, "relocates a section that does not exist");
	to = &o->secs[s->info];
	if (to->kind != SEC_CODE && to->kind != SEC_MAPS && to->kind != SEC_STRUCT_OPS)
		return 0;
	if (s->entsize != each || s->size % each || s->size > UINT32_MAX)
		return section_bad(o, i, "has entries of a size that no relocation has");
	if (s->link >= o->nr_secs || o->secs[s->link].kind != SEC_SYMTAB)
		return section_bad(o, i, "does not link to the symbols");
	if (s->flags & SHF_COMPRESSED)
		return section_bad(o, i, "is compressed");
	if (to->rel)
		return section_bad(o, i, "relocates a section that another relocates already");
	to->rel = i;
	return 0;
}

static int pair_relocs(struct obj *o)
{
	int ret = 0;

	for (u32 i = 1; i < o->nr_secs && !ret; i++)
		if (o->secs[i].type == SHT_REL || o->secs[i].type == SHT_RELA)
			ret = pair_reloc(o, i);
	return ret;
}

int elf_only(struct obj *o, enum sec_kind kind, u32 *out)
{
	*out = 0;
	for (u32 i = 1; i < o->nr_secs; i++) {
		if (o->secs[i].kind != kind)
			continue;
		if (*out)
			return section_bad(o, i, "is the second of its kind");
		*out = i;
	}
	return 0;
}

/* ---- symbols --------------------------------------------------------------- */

static int symbol_bad(struct obj *o, u32 i, const char *what)
{
	return err_set(o->err, ERR_ELF_SYMBOL, o->file, "symbol %u (%s) %s", i,
		       o->syms[i].name ? o->syms[i].name : "no name", what);
}

/* The section of symbol I from st_shndx, or from the table of large indexes. */
static int symbol_section(struct obj *o, u32 i, u16 shndx,
			  const struct obj_sec *index)
{
	struct obj_sym *y = &o->syms[i];

	y->sec = shndx;
	if (shndx == SHN_XINDEX) {
		if (!in_bounds(i * 4ull, 4, index->size))
			return symbol_bad(o, i, "has no entry in the table of section indexes");
		memcpy(&y->sec, index->data + i * 4ull, 4);
	} else if (shndx >= SHN_LORESERVE) {
		y->sec = SYM_NOWHERE;
		return 0;
	}
	if (y->sec >= o->nr_secs)
		return symbol_bad(o, i, "lies in a section that does not exist");
	return 0;
}

static int load_symbol(struct obj *o, u32 i, const u8 *from,
		       const struct obj_sec *names, const struct obj_sec *index)
{
	struct obj_sym *y = &o->syms[i];
	Elf64_Sym raw;
	int ret;

	memcpy(&raw, from, sizeof(raw));
	*y = (struct obj_sym){
		.name = strtab_at(names, raw.st_name), .value = raw.st_value,
		.size = raw.st_size, .type = ELF64_ST_TYPE(raw.st_info),
		.bind = ELF64_ST_BIND(raw.st_info),
		.vis = ELF64_ST_VISIBILITY(raw.st_other),
	};
	if (!y->name)
		return symbol_bad(o, i, "has a name that is no string of the symbol names");
	ret = symbol_section(o, i, raw.st_shndx, index);
	if (ret || y->sec == SYM_UNDEF || y->sec == SYM_NOWHERE)
		return ret;
	if (y->type == STT_SECTION && !*y->name)
		y->name = o->secs[y->sec].name;
	if ((y->type == STT_FUNC || y->type == STT_OBJECT) &&
	    !in_bounds(y->value, y->size, o->secs[y->sec].size))
		return err_set(o->err, ERR_ELF_SYMBOL,
			       elf_at(o, &o->secs[y->sec], y->value),
			       "symbol %u (%s) of %llu bytes lies outside %llu bytes",
			       i, y->name, (unsigned long long)y->size,
			       (unsigned long long)o->secs[y->sec].size);
	return 0;
}

static int read_symbols(struct obj *o)
{
	u32 table, index;
	const struct obj_sec *s;
	int ret = elf_only(o, SEC_SYMTAB, &table);

	if (!ret)
		ret = elf_only(o, SEC_SYM_INDEX, &index);
	if (ret || !table)
		return ret;
	s = &o->secs[table];
	if (s->entsize != sizeof(Elf64_Sym) || s->size % sizeof(Elf64_Sym) ||
	    s->link >= o->nr_secs || o->secs[s->link].type != SHT_STRTAB)
		return err_set(o->err, ERR_ELF_SECTION, elf_in(o, s),
			       "%llu bytes of symbols with %llu bytes each, names in section %u",
			       (unsigned long long)s->size,
			       (unsigned long long)s->entsize, s->link);
	o->nr_syms = (u32)(s->size / sizeof(Elf64_Sym));
	o->syms = arena_news(&o->tmp, o->nr_syms, struct obj_sym);
	for (u32 i = 0; i < o->nr_syms && !ret; i++) {
		const struct obj_sym *y = &o->syms[i];

		ret = load_symbol(o, i, s->data + i * sizeof(Elf64_Sym),
				  &o->secs[s->link], &o->secs[index]);
		if (!ret && y->bind != STB_LOCAL && *y->name)
			strtab_put(&o->globals, y->name, i);
	}
	return ret;
}

/* ---- relocations ------------------------------------------------------------ */

static struct obj_reloc load_reloc(const u8 *from, bool has_addend)
{
	Elf64_Rela r = { 0 };

	memcpy(&r, from, has_addend ? sizeof(Elf64_Rela) : sizeof(Elf64_Rel));
	return (struct obj_reloc){
		.off = r.r_offset, .type = (u32)ELF64_R_TYPE(r.r_info),
		.sym = (u32)ELF64_R_SYM(r.r_info), .addend = r.r_addend,
		.has_addend = has_addend,
	};
}

static int reloc_order(const void *a, const void *b)
{
	const struct obj_reloc *x = a, *y = b;

	return x->off < y->off ? -1 : x->off > y->off;
}

static int check_reloc(struct obj *o, const struct obj_sec *s,
		       const struct obj_reloc *r, u32 i)
{
	if (r[i].sym >= o->nr_syms)
		return err_set(o->err, ERR_ELF_RELOC, elf_at(o, s, r[i].off),
			       "relocation to symbol %u; there are %u",
			       r[i].sym, o->nr_syms);
	if (r[i].off % INSN_BYTES || !in_bounds(r[i].off, INSN_BYTES, s->size))
		return err_set(o->err, ERR_ELF_RELOC, elf_at(o, s, r[i].off),
			       "relocation to '%s' points at no 8 bytes of the section's %llu",
			       o->syms[r[i].sym].name,
			       (unsigned long long)s->size);
	if (i && r[i - 1].off == r[i].off)
		return err_set(o->err, ERR_ELF_RELOC, elf_at(o, s, r[i].off),
			       "two relocations at one place");
	return 0;
}

int elf_relocs(struct obj *o, const struct obj_sec *s, struct obj_reloc **out,
	       u32 *n)
{
	const struct obj_sec *from = &o->secs[s->rel];
	bool has_addend = from->type == SHT_RELA;
	bool sorted = true;
	struct obj_reloc *r;
	int ret = 0;

	*n = s->rel ? (u32)(from->size / from->entsize) : 0;
	*out = r = arena_news(&o->tmp, *n, struct obj_reloc);
	for (u32 i = 0; i < *n; i++) {
		r[i] = load_reloc(from->data + i * from->entsize, has_addend);
		sorted &= !i || r[i - 1].off <= r[i].off;
	}
	if (!sorted)
		qsort(r, *n, sizeof(*r), reloc_order);
	for (u32 i = 0; i < *n && !ret; i++)
		ret = check_reloc(o, s, r, i);
	return ret;
}

/* Sections of any name hold variables when code refers to them. */
static int find_variables(struct obj *o)
{
	for (u32 i = 1; i < o->nr_secs; i++) {
		struct obj_reloc *r;
		u32 n = 0;
		int ret = o->secs[i].kind == SEC_CODE ? elf_relocs(o, &o->secs[i], &r, &n) : 0;

		if (ret)
			return ret;
		for (u32 k = 0; k < n; k++) {
			u32 sec = o->syms[r[k].sym].sec;
			struct obj_sec *to = sec < o->nr_secs ? &o->secs[sec] : NULL;

			if (!to || to->kind != SEC_OTHER || !(to->flags & SHF_ALLOC) ||
			    to->flags & SHF_COMPRESSED || to->size > UINT32_MAX || !to->size)
				continue;
			if (to->type == SHT_NOBITS)
				to->kind = SEC_BSS;
			else if (to->type == SHT_PROGBITS)
				to->kind = to->flags & SHF_WRITE ? SEC_DATA : SEC_RODATA;
		}
	}
	return 0;
}

int elf_read(struct obj *o)
{
	int ret = check_header(o);
	Elf *elf;

	if (ret)
		return ret;
	elf_version(EV_CURRENT);
	/* the prototype lacks const; an image opened so is only read */
	elf = elf_memory((char *)o->data, o->bytes);
	if (!elf)
		return err_set(o->err, ERR_ELF, o->file, "%s", elf_errmsg(-1));
	ret = read_sections(o, elf);
	elf_end(elf);
	if (!ret)
		ret = pair_relocs(o);
	if (!ret)
		ret = read_symbols(o);
	return ret ? ret : find_variables(o);
}
