/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linker_elf.c: the linked object as a file, written by libelf: the joined
 * sections, their relocations, .BTF, .BTF.ext, symbols, names.
 */
#include "obj/linker_priv.h"
#include <gelf.h>
#include <libelf.h>
#include <unistd.h>

struct writer {
	struct linker *l;
	Elf *elf;
	struct strbuf names, strings, symbols;
};

static u32 add_name(struct strbuf *b, const char *s)
{
	u32 at = (u32)b->n;

	sb_add(b, s, strlen(s) + 1);
	return at;
}

/* A section of BYTES bytes at DATA, which must live until the file is written. */
static bool put_section(struct writer *w, const char *name, const Elf64_Shdr *h,
			const void *data, u64 bytes, Elf_Type type)
{
	Elf_Scn *scn = elf_newscn(w->elf);
	Elf_Data *d = scn ? elf_newdata(scn) : NULL;
	Elf64_Shdr *to = d ? elf64_getshdr(scn) : NULL;

	if (!to)
		return false;
	*to = *h;
	to->sh_name = add_name(&w->names, name);
	d->d_buf = h->sh_type == SHT_NOBITS ? NULL : (void *)(uintptr_t)data;
	d->d_size = bytes;
	d->d_align = h->sh_addralign ? h->sh_addralign : 1;
	d->d_type = type;
	d->d_version = EV_CURRENT;
	return true;
}

static bool put_contents(struct writer *w)
{
	bool ok = true;

	for (size_t i = 0; i < w->l->secs.n && ok; i++) {
		const struct out_sec *s = &w->l->secs.v[i];
		Elf64_Shdr h = { .sh_type = s->type, .sh_flags = s->flags & ~(u64)SHF_GROUP,
				 .sh_addralign = s->align };

		if (s->flags & SHF_MERGE)	/* joined strings are no longer sorted */
			h.sh_flags &= ~(u64)(SHF_MERGE | SHF_STRINGS);
		ok = put_section(w, s->name, &h, s->data.s, s->size, ELF_T_BYTE);
	}
	return ok;
}

static bool put_relocs(struct writer *w, u32 symtab)
{
	bool ok = true;

	for (size_t i = 0; i < w->l->secs.n && ok; i++) {
		const struct out_sec *s = &w->l->secs.v[i];
		Elf64_Shdr h = {
			.sh_type = SHT_REL, .sh_flags = SHF_INFO_LINK, .sh_addralign = 8,
			.sh_entsize = sizeof(Elf64_Rel), .sh_link = symtab,
			.sh_info = (u32)i + 1,
		};

		if (s->relocs.n)
			ok = put_section(w, arena_printf(&w->l->arena, ".rel%s", s->name), &h,
					 s->relocs.s, s->relocs.n, ELF_T_REL);
	}
	return ok;
}

static bool put_types(struct writer *w)
{
	const Elf64_Shdr h = { .sh_type = SHT_PROGBITS, .sh_addralign = 4 };
	const struct linker *l = w->l;
	bool ok = true;

	if (l->btf.n)
		ok = put_section(w, ".BTF", &h, l->btf.s, l->btf.n, ELF_T_BYTE);
	if (ok && l->ext.n)
		ok = put_section(w, ".BTF.ext", &h, l->ext.s, l->ext.n, ELF_T_BYTE);
	return ok;
}

static u32 count_relocs(const struct linker *l)
{
	u32 n = 0;

	for (size_t i = 0; i < l->secs.n; i++)
		n += l->secs.v[i].relocs.n != 0;
	return n;
}

static bool put_symbols(struct writer *w, u32 strtab)
{
	const struct linker *l = w->l;
	Elf64_Shdr h = {
		.sh_type = SHT_SYMTAB, .sh_addralign = 8, .sh_entsize = sizeof(Elf64_Sym),
		.sh_link = strtab, .sh_info = l->nr_locals,
	};
	const Elf64_Shdr names = { .sh_type = SHT_STRTAB, .sh_addralign = 1 };

	sb_add(&w->strings, "", 1);
	for (size_t i = 0; i < l->syms.n; i++) {
		Elf64_Sym y = l->syms.v[i].y;

		if (l->syms.v[i].name[0])
			y.st_name = add_name(&w->strings, l->syms.v[i].name);
		sb_add(&w->symbols, &y, sizeof(y));
	}
	return put_section(w, ".symtab", &h, w->symbols.s, w->symbols.n, ELF_T_SYM) &&
	       put_section(w, ".strtab", &names, w->strings.s, w->strings.n, ELF_T_BYTE);
}

/* The section of section names is the last: nothing is added to it then. */
static bool put_names(struct writer *w)
{
	const Elf64_Shdr h = { .sh_type = SHT_STRTAB, .sh_addralign = 1 };
	Elf_Scn *scn;
	Elf_Data *d;

	if (!put_section(w, ".shstrtab", &h, NULL, 0, ELF_T_BYTE))
		return false;
	scn = elf_getscn(w->elf, elf_ndxscn(elf_nextscn(w->elf, NULL)));
	for (Elf_Scn *next = scn; next; next = elf_nextscn(w->elf, next))
		scn = next;
	d = elf_getdata(scn, NULL);
	d->d_buf = w->names.s;
	d->d_size = w->names.n;
	elf64_getehdr(w->elf)->e_shstrndx = (u16)elf_ndxscn(scn);
	return true;
}

static bool put_all(struct writer *w)
{
	const struct linker *l = w->l;
	u32 symtab = (u32)l->secs.n + count_relocs(l) + !!l->btf.n + !!l->ext.n + 1;
	Elf64_Ehdr *h = elf64_newehdr(w->elf);

	if (!h)
		return false;
	memcpy(h->e_ident, ELFMAG, SELFMAG);
	h->e_ident[EI_CLASS] = ELFCLASS64;
	h->e_ident[EI_DATA] = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB :
									  ELFDATA2MSB;
	h->e_type = ET_REL;
	h->e_machine = EM_BPF;
	h->e_version = EV_CURRENT;
	sb_add(&w->names, "", 1);
	return put_contents(w) && put_relocs(w, symtab) && put_types(w) &&
	       put_symbols(w, symtab + 1) && put_names(w) &&
	       elf_update(w->elf, ELF_C_WRITE) >= 0;
}

int linker_write(struct linker *l, struct os_file *out)
{
	struct writer w = { .l = l };
	int fd = os_temp_open(), ret = 0;

	if (fd < 0)
		return err_set(l->err, ERR_FILE_WRITE, NULL, "a file in memory: %s",
			       strerror(-fd));
	elf_version(EV_CURRENT);
	w.elf = elf_begin(fd, ELF_C_WRITE, NULL);
	if (!w.elf || !put_all(&w))
		ret = err_set(l->err, ERR_LINK, NULL, "libelf: %s", elf_errmsg(-1));
	elf_end(w.elf);
	sb_free(&w.names);
	sb_free(&w.strings);
	sb_free(&w.symbols);
	if (ret)
		close(fd);
	else
		ret = os_temp_read(fd, out, l->err);
	return ret;
}
