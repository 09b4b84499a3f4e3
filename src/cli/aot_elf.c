/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aot_elf.c: native code as a relocatable object (ELF64 of x86-64 or AArch64). In: code and
 * data, which have no address in them. Out: sections, symbols, and the two relocations that
 * lead from the descriptor to them. Knows nothing of BPF.
 */
#include "cli/aot_file.h"
#include <elf.h>
#include <stdlib.h>

/* Those that symbols are for come first: the number of each is the symbol's, too. */
enum { S_NONE, S_TEXT, S_DATA, S_ABBREV, S_LINE, S_SYMBOLS, S_DESC = S_SYMBOLS, S_RELA, S_FRAME,
       S_FRAME_RELA, S_INFO, S_INFO_RELA, S_LINE_RELA, S_STACK, S_SYMTAB, S_STRTAB, S_NAMES,
       S_MAX };

#define RELA(name, of) { name, SHT_RELA, SHF_INFO_LINK, 8, sizeof(Elf64_Rela), of }

static const struct section {
	const char *name;
	u32 type;
	u64 flags, align, entry;
	u32 of;			/* of relocations: what they are in */
} sections[S_MAX] = {
	[S_NONE] = { "", SHT_NULL, 0, 0, 0, 0 },
	[S_TEXT] = { ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 64, 0, 0 },
	[S_DATA] = { ".rodata", SHT_PROGBITS, SHF_ALLOC, 16, 0, 0 },
	[S_ABBREV] = { ".debug_abbrev", SHT_PROGBITS, 0, 1, 0, 0 },
	[S_LINE] = { ".debug_line", SHT_PROGBITS, 0, 1, 0, 0 },
	[S_DESC] = { ".data.rel.ro", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 8, 0, 0 },
	[S_RELA] = RELA(".rela.data.rel.ro", S_DESC),
	[S_FRAME] = { ".eh_frame", SHT_PROGBITS, SHF_ALLOC, 8, 0, 0 },
	[S_FRAME_RELA] = RELA(".rela.eh_frame", S_FRAME),
	[S_INFO] = { ".debug_info", SHT_PROGBITS, 0, 1, 0, 0 },
	[S_INFO_RELA] = RELA(".rela.debug_info", S_INFO),
	[S_LINE_RELA] = RELA(".rela.debug_line", S_LINE),
	/* says that nobody needs a stack that can be executed */
	[S_STACK] = { ".note.GNU-stack", SHT_PROGBITS, 0, 1, 0, 0 },
	[S_SYMTAB] = { ".symtab", SHT_SYMTAB, 0, 8, sizeof(Elf64_Sym), 0 },
	[S_STRTAB] = { ".strtab", SHT_STRTAB, 0, 1, 0, 0 },
	[S_NAMES] = { ".shstrtab", SHT_STRTAB, 0, 1, 0, 0 },
};

/* What processors call the same things. */
static const struct machine {
	u32 frame;		/* type of .eh_frame */
	u32 abs64, abs32, pc32;	/* relocations */
} x86_64 = { SHT_X86_64_UNWIND, R_X86_64_64, R_X86_64_32, R_X86_64_PC32 },
  aarch64 = { SHT_PROGBITS, R_AARCH64_ABS64, R_AARCH64_ABS32, R_AARCH64_PREL32 };

struct elf {
	const struct machine *machine;
	u16 number;		/* EM_* */
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
	for (u32 s = S_TEXT; s < S_SYMBOLS; s++)
		put_symbol(e, "", "", s, 0, 0, STB_LOCAL, STT_SECTION);
	for (size_t i = 0; i < aot->dwarf.funcs.n; i++) {
		const struct dwarf_func *f = &aot->dwarf.funcs.v[i];

		if (f->is_prog) {
			sb_reset(&prefix);
			sb_printf(&prefix, "%s.", f->name);
		} else {
			put_symbol(e, sb_text(&prefix), f->name, S_TEXT, f->start,
				   f->end - f->start, STB_LOCAL, STT_FUNC);
		}
	}
	e->nr_local = (u32)(e->out[S_SYMTAB].n / sizeof(Elf64_Sym));
	sb_free(&prefix);
}

static void put_globals(struct elf *e, const struct aot_out *aot, const char *name)
{
	struct strbuf prefix = { 0 };

	sb_printf(&prefix, "%s_", name);
	for (size_t i = 0; i < aot->dwarf.funcs.n; i++) {
		const struct dwarf_func *f = &aot->dwarf.funcs.v[i];

		if (f->is_prog)
			put_symbol(e, sb_text(&prefix), f->name, S_TEXT, f->start,
				   f->end - f->start, STB_GLOBAL, STT_FUNC);
	}
	put_symbol(e, "", name, S_DESC, 0, sizeof(struct skep_aot), STB_GLOBAL, STT_OBJECT);
	sb_free(&prefix);
}

/* ---- the descriptor ------------------------------------------------------------------ */

/* In what RELA is of, AT, is the address of ADD in SECTION. */
static void put_rela(struct elf *e, u32 rela, u64 at, u32 section, u64 add, u32 type)
{
	const Elf64_Rela r = { at, ELF64_R_INFO((u64)section, type), (s64)add };

	sb_add(&e->out[rela], &r, sizeof(r));
}

static void put_dwarf(struct elf *e, const struct dwarf *d)
{
	static const u8 of[] = { [DWARF_TEXT] = S_TEXT, [DWARF_FRAME] = S_FRAME,
		[DWARF_ABBREV] = S_ABBREV, [DWARF_INFO] = S_INFO, [DWARF_LINE] = S_LINE };
	static const u8 rela[] = { [DWARF_FRAME] = S_FRAME_RELA, [DWARF_INFO] = S_INFO_RELA,
				   [DWARF_LINE] = S_LINE_RELA };

	for (u32 i = DWARF_FRAME; i < DWARF_PARTS; i++)
		sb_add(&e->out[of[i]], sb_text(&d->out[i]), d->out[i].n);
	for (size_t i = 0; i < d->fixes.n; i++) {
		const struct dwarf_fix *f = &d->fixes.v[i];

		put_rela(e, rela[f->in], f->at, of[f->to], f->add,
			 f->pc ? e->machine->pc32 :
			 f->bytes == 4 ? e->machine->abs32 : e->machine->abs64);
	}
}

static void put_descriptor(struct elf *e, const struct aot_out *aot)
{
	struct skep_aot d;

	aot_describe(&d, aot);
	sb_add(&e->out[S_DESC], &d, sizeof(d));
	put_rela(e, S_RELA, offsetof(struct skep_aot, text), S_TEXT, 0,
		 e->machine->abs64);
	put_rela(e, S_RELA, offsetof(struct skep_aot, data), S_DATA, 0, e->machine->abs64);
}

/* ---- the file ------------------------------------------------------------------------ */

static void put_header(const struct elf *e, struct strbuf *file)
{
	const Elf64_Ehdr eh = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_REL, .e_machine = e->number, .e_version = EV_CURRENT,
		.e_shoff = sizeof(eh), .e_ehsize = sizeof(eh),
		.e_shentsize = sizeof(Elf64_Shdr), .e_shnum = S_MAX, .e_shstrndx = S_NAMES,
	};
	u64 at = sizeof(eh) + S_MAX * sizeof(Elf64_Shdr), name = 0;

	sb_add(file, &eh, sizeof(eh));
	for (u32 i = 0; i < S_MAX; i++) {
		const struct section *s = &sections[i];
		Elf64_Shdr sh = {
			.sh_name = (u32)name,
			.sh_type = i == S_FRAME ? e->machine->frame : s->type, .sh_flags = s->flags,
			.sh_offset = i ? round_up(at, 64) : 0, .sh_size = e->out[i].n,
			.sh_addralign = s->align, .sh_entsize = s->entry,
		};

		if (s->of || i == S_SYMTAB) {
			sh.sh_link = s->of ? S_SYMTAB : S_STRTAB;
			sh.sh_info = s->of ? s->of : e->nr_local;
		}
		sb_add(file, &sh, sizeof(sh));
		at = i ? sh.sh_offset + sh.sh_size : at;
		name += strlen(s->name) + 1;
	}
}

void aot_elf(struct strbuf *file, const struct aot_out *aot, const char *name)
{
	struct elf e = { .number = (u16)aot->machine,
			 .machine = aot->machine == EM_AARCH64 ? &aarch64 : &x86_64 };

	sb_add(&e.out[S_TEXT], aot->text.s, aot->text.n);
	sb_add(&e.out[S_DATA], aot->data.s, aot->data.n);
	put_name(&e.out[S_STRTAB], "");
	put_descriptor(&e, aot);
	put_dwarf(&e, &aot->dwarf);
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
