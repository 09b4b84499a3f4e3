/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btf_file.c: the BTF of any file: raw, or the .BTF section of an ELF file of
 * any machine, class and byte order (BPF objects, vmlinux, kernel modules, with
 * .BTF.base, what they take from the kernel). Looks at nothing else of the file.
 */
#include "obj/obj.h"
#include <gelf.h>

/* A section, bounds checked; bytes 0 when it is not there. */
static int find_section(Elf *elf, const struct os_file *file, const char *path,
			const char *wanted, GElf_Shdr *out, struct skep_err *err)
{
	Elf_Scn *scn = NULL;
	size_t strings;
	bool found = false;

	memset(out, 0, sizeof(*out));
	if (elf_getshdrstrndx(elf, &strings))
		return err_set(err, ERR_ELF, path, "no section names: %s", elf_errmsg(-1));
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr sh;
		const char *name = gelf_getshdr(scn, &sh) ?
			elf_strptr(elf, strings, sh.sh_name) : NULL;

		if (!name || strcmp(name, wanted))
			continue;
		if (found)
			return err_set(err, ERR_ELF_SECTION, path, "two sections %s", wanted);
		if (sh.sh_type == SHT_NOBITS || sh.sh_flags & SHF_COMPRESSED ||
		    !in_bounds(sh.sh_offset, sh.sh_size, file->size))
			return err_set(err, ERR_ELF_SECTION, path,
				       "section %s at 0x%llx, %llu bytes, is not in the file",
				       wanted, (unsigned long long)sh.sh_offset,
				       (unsigned long long)sh.sh_size);
		*out = sh;
		found = true;
	}
	return 0;
}

static int sections_of(const struct os_file *file, const char *path, GElf_Shdr *types,
		       GElf_Shdr *base, struct skep_err *err)
{
	Elf *elf;
	int ret;

	elf_version(EV_CURRENT);
	elf = elf_memory((char *)(uintptr_t)file->data, file->size);
	if (!elf || elf_kind(elf) != ELF_K_ELF)
		ret = err_set(err, ERR_ELF, path, "no ELF file: %s", elf_errmsg(-1));
	else
		ret = find_section(elf, file, path, ".BTF", types, err);
	if (!ret && !types->sh_size)
		ret = err_set(err, ERR_BTF, path,
			      "no section .BTF; clang -target bpf -g makes one");
	if (!ret)
		ret = find_section(elf, file, path, ".BTF.base", base, err);
	elf_end(elf);
	return ret;
}

/* A module's types by themselves, then on BASE unless it is NULL. */
static int open_module(struct btf_file *f, const struct os_file *file, const char *path,
		       const GElf_Shdr *types, const GElf_Shdr *distilled,
		       const struct btf *base, struct skep_err *err)
{
	const char *where = arena_printf(&f->arena, "%s:.BTF", path);
	struct btf *old, *split;
	int ret = btf_parse(&old, &f->arena, file->data + distilled->sh_offset,
			    distilled->sh_size,
			    arena_printf(&f->arena, "%s:.BTF.base", path), err);

	if (!ret)
		ret = btf_parse_split(&split, &f->arena, old, file->data + types->sh_offset,
				      types->sh_size, where, err);
	if (ret)
		return ret;
	if (base)
		return btf_relocate(&f->btf, &f->arena, split, base, where, err);
	f->btf = split;
	return 0;
}

int obj_open_btf(struct btf_file *f, const char *path, const struct btf *base,
		 struct skep_err *err)
{
	struct os_file file;
	int ret = os_file_read(&file, path, err);

	if (!ret)
		return obj_read_btf(f, &file, path, base, err);
	memset(f, 0, sizeof(*f));
	return ret;
}

int obj_read_btf(struct btf_file *f, struct os_file *from, const char *path,
		 const struct btf *base, struct skep_err *err)
{
	struct os_file file = *from;
	GElf_Shdr sh = { 0 }, distilled = { 0 };
	int ret;

	memset(f, 0, sizeof(*f));
	if (!obj_is_elf(file.data, file.size))
		return btf_open_read(f, &file, path, base, err);
	ret = sections_of(&file, path, &sh, &distilled, err);
	if (!ret && distilled.sh_size)
		ret = open_module(f, &file, path, &sh, &distilled, base, err);
	else if (!ret)
		ret = btf_parse_split(&f->btf, &f->arena, base, file.data + sh.sh_offset,
				      sh.sh_size, arena_printf(&f->arena, "%s:.BTF", path),
				      err);
	if (!ret && !base)
		btf_guess_addr(f->btf);
	os_file_close(&file);
	if (ret)
		btf_close_file(f);
	return ret;
}
