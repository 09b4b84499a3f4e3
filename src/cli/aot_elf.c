/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aot_elf.c: native code as a relocatable object (x86-64, ELF64). In: code and data, which
 * have no address in them. Out: sections, symbols, and the two relocations that lead from
 * the descriptor to them. Knows nothing of BPF.
 */
#include "cli/aot_file.h"
#include <elf.h>
#include <stdlib.h>

enum { S_NONE, S_TEXT, S_DATA, S_DESC, S_RELA, S_STACK, S_SYMTAB, S_STRTAB, S_NAMES, S_MAX };

static const struct section {
	const char *name;
	u32 type;
	u64 flags, align, entry;
} sections[S_MAX] = {
	[S_NONE] = { "", SHT_NULL, 0, 0, 0 },
	[S_TEXT] = { ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 64, 0 },
	[S_DATA] = { ".rodata", SHT_PROGBITS, SHF_ALLOC, 16, 0 },
	[S_DESC] = { ".data.rel.ro", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 8, 0 },
	[S_RELA] = { ".rela.data.rel.ro", SHT_RELA, SHF_INFO_LINK, 8, sizeof(Elf64_Rela) },
	/* says that nobody needs a stack that can be executed */
	[S_STACK] = { ".note.GNU-stack", SHT_PROGBITS, 0, 1, 0 },
	[S_SYMTAB] = { ".symtab", SHT_SYMTAB, 0, 8, sizeof(Elf64_Sym) },
	[S_STRTAB] = { ".strtab", SHT_STRTAB, 0, 1, 0 },
	[S_NAMES] = { ".shstrtab", SHT_STRTAB, 0, 1, 0 },
};

struct elf {
	struct strbuf out[S_MAX];
	u32 nr_local;		/* symbols */
};

static void put_name(struct strbuf *b, const char *s) { sb_add(b, s, strlen(s) + 1); }

/* ---- symbols ------------------------------------------------------------------------- */

static void put_symbol(struct elf *e, const char *prefix, const char *name, u32 section, u64 at,
		       u64 bytes, u32 bind, u32 type)
{
	struct strbuf *names = &e->out[S_STRTAB];
	const Elf64_Sym sym = {
		.st_name = *prefix || *name ? (u32)names->n : 0,
		.st_info = ELF64_ST_INFO(bind, type), .st_shndx = (u16)section,
		.st_value = at, .st_size = bytes,
	};

	sb_add(&e->out[S_SYMTAB], &sym, sizeof(sym));
	if (!sym.st_name)
		return;
	sb_puts(names, prefix);
	put_name(names, name);
}

/* Local ones come first. Subprograms are called PROG.FUNC: two programs may have them. */
static void put_locals(struct elf *e, const struct aot_out *aot)
{
	struct strbuf prefix = { 0 };

	put_symbol(e, "", "", 0, 0, 0, STB_LOCAL, STT_NOTYPE);
	for (u32 s = S_TEXT; s <= S_DATA; s++)
		put_symbol(e, "", "", s, 0, 0, STB_LOCAL, STT_SECTION);
	for (size_t i = 0; i < aot->symbols.n; i++) {
		const struct aot_symbol *s = &aot->symbols.v[i];

		if (s->is_prog) {
			sb_reset(&prefix);
			sb_printf(&prefix, "%s.", s->name);
		} else {
			put_symbol(e, sb_text(&prefix), s->name, S_TEXT, s->at, s->bytes,
				   STB_LOCAL, STT_FUNC);
		}
	}
	e->nr_local = (u32)(e->out[S_SYMTAB].n / sizeof(Elf64_Sym));
	sb_free(&prefix);
}

static void put_globals(struct elf *e, const struct aot_out *aot, const char *name)
{
	struct strbuf prefix = { 0 };

	sb_printf(&prefix, "%s_", name);
	for (size_t i = 0; i < aot->symbols.n; i++) {
		const struct aot_symbol *s = &aot->symbols.v[i];

		if (s->is_prog)
			put_symbol(e, sb_text(&prefix), s->name, S_TEXT, s->at, s->bytes,
				   STB_GLOBAL, STT_FUNC);
	}
	put_symbol(e, "", name, S_DESC, 0, sizeof(struct skep_aot), STB_GLOBAL, STT_OBJECT);
	sb_free(&prefix);
}

/* ---- the descriptor ------------------------------------------------------------------ */

/* What lies AT in the descriptor is the address of SECTION, whose symbol has its number. */
static void put_rela(struct elf *e, u64 at, u32 section)
{
	const Elf64_Rela rela = { at, ELF64_R_INFO((u64)section, R_X86_64_64), 0 };

	sb_add(&e->out[S_RELA], &rela, sizeof(rela));
}

static void put_descriptor(struct elf *e, const struct aot_out *aot)
{
	struct skep_aot d;

	aot_describe(&d, aot);
	sb_add(&e->out[S_DESC], &d, sizeof(d));
	put_rela(e, offsetof(struct skep_aot, text), S_TEXT);
	put_rela(e, offsetof(struct skep_aot, data), S_DATA);
}

/* ---- the file ------------------------------------------------------------------------ */

static void put_header(const struct elf *e, struct strbuf *file)
{
	const Elf64_Ehdr eh = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_REL, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
		.e_shoff = sizeof(eh), .e_ehsize = sizeof(eh),
		.e_shentsize = sizeof(Elf64_Shdr), .e_shnum = S_MAX, .e_shstrndx = S_NAMES,
	};
	u64 at = sizeof(eh) + S_MAX * sizeof(Elf64_Shdr), name = 0;

	sb_add(file, &eh, sizeof(eh));
	for (u32 i = 0; i < S_MAX; i++) {
		const struct section *s = &sections[i];
		Elf64_Shdr sh = {
			.sh_name = (u32)name, .sh_type = s->type, .sh_flags = s->flags,
			.sh_offset = i ? round_up(at, 64) : 0, .sh_size = e->out[i].n,
			.sh_addralign = s->align, .sh_entsize = s->entry,
		};

		if (i == S_RELA || i == S_SYMTAB) {
			sh.sh_link = i == S_RELA ? S_SYMTAB : S_STRTAB;
			sh.sh_info = i == S_RELA ? S_DESC : e->nr_local;
		}
		sb_add(file, &sh, sizeof(sh));
		at = i ? sh.sh_offset + sh.sh_size : at;
		name += strlen(s->name) + 1;
	}
}

void aot_elf(struct strbuf *file, const struct aot_out *aot, const char *name)
{
	struct elf e = { .nr_local = 0 };

	sb_add(&e.out[S_TEXT], aot->text.s, aot->text.n);
	sb_add(&e.out[S_DATA], aot->data.s, aot->data.n);
	put_name(&e.out[S_STRTAB], "");
	put_descriptor(&e, aot);
	put_locals(&e, aot);
	put_globals(&e, aot, name);
	for (u32 i = 0; i < S_MAX; i++)
		put_name(&e.out[S_NAMES], sections[i].name);
	put_header(&e, file);
	for (u32 i = S_TEXT; i < S_MAX; i++) {
		while (file->n % 64)
			sb_putc(file, 0);
		sb_add(file, e.out[i].s ? e.out[i].s : "", e.out[i].n);
	}
	for (u32 i = 0; i < S_MAX; i++)
		sb_free(&e.out[i]);
}
