/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gdbjit.c: compiled programs for gdb(1), where the environment has SKEP_GDB: an ELF file in
 * memory for each program, with its functions and what dwarf.c tells of them. The code is at
 * its address, of type NOBITS here.
 */
#include "base/os.h"
#include "base/strbuf.h"
#include "runtime/dwarf.h"
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

static const struct { const char *name; u32 type; u64 flags; enum dwarf_part part; }
sections[S_MAX] = {
	[S_NONE] = { "", SHT_NULL, 0, 0 },
	[S_TEXT] = { ".text", SHT_NOBITS, SHF_ALLOC | SHF_EXECINSTR, 0 },
	[S_SYMTAB] = { ".symtab", SHT_SYMTAB, 0, 0 },
	[S_STRTAB] = { ".strtab", SHT_STRTAB, 0, 0 },
	[S_FRAME] = { ".debug_frame", SHT_PROGBITS, 0, DWARF_FRAME },
	[S_ABBREV] = { ".debug_abbrev", SHT_PROGBITS, 0, DWARF_ABBREV },
	[S_INFO] = { ".debug_info", SHT_PROGBITS, 0, DWARF_INFO },
	[S_LINE] = { ".debug_line", SHT_PROGBITS, 0, DWARF_LINE },
	[S_NAMES] = { ".shstrtab", SHT_STRTAB, 0, 0 },
};

struct work {
	struct dwarf d;
	u16 machine;
	u64 base, end;
	struct strbuf own[S_MAX];	/* what is no DWARF */
};

static void put1(struct strbuf *b, u8 v) { sb_add(b, &v, 1); }
static void put_name(struct strbuf *b, const char *s) { sb_add(b, s, strlen(s) + 1); }

static struct strbuf *out(struct work *w, u32 section)
{
	return sections[section].part ? &w->d.out[sections[section].part] : &w->own[section];
}

static void put_symbols(struct work *w)
{
	struct strbuf *names = &w->own[S_STRTAB];

	put_name(names, "");
	sb_add(&w->own[S_SYMTAB], &(Elf64_Sym){ 0 }, sizeof(Elf64_Sym));
	for (size_t i = 0; i < w->d.funcs.n; i++) {
		const struct dwarf_func *f = &w->d.funcs.v[i];
		const Elf64_Sym sym = { .st_name = (u32)names->n, .st_value = f->start,
			.st_size = f->end - f->start, .st_shndx = S_TEXT,
			.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC) };

		sb_add(&w->own[S_SYMTAB], &sym, sizeof(sym));
		put_name(names, f->name);
	}
}

/* ---- the file ---------------------------------------------------------------------- */

static void put_headers(struct work *w, struct strbuf *file, Elf64_Shdr *sh)
{
	const Elf64_Ehdr eh = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64,
			     __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB,
			     EV_CURRENT },
		.e_type = ET_EXEC, .e_machine = w->machine, .e_version = EV_CURRENT,
		.e_shoff = sizeof(eh), .e_ehsize = sizeof(eh), .e_shentsize = sizeof(*sh),
		.e_shnum = S_MAX, .e_shstrndx = S_NAMES,
	};
	u64 at = sizeof(eh) + S_MAX * sizeof(*sh);

	for (u32 i = S_TEXT; i < S_MAX; i++) {
		sh[i].sh_type = sections[i].type;
		sh[i].sh_flags = sections[i].flags;
		sh[i].sh_offset = at;
		if (i != S_TEXT)
			sh[i].sh_size = out(w, i)->n;
		sh[i].sh_addralign = 1;
		at += round_up(out(w, i)->n, 8);
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
		sh[i].sh_name = (u32)w->own[S_NAMES].n;
		put_name(&w->own[S_NAMES], sections[i].name);
	}
	put_headers(w, file, sh);
	for (u32 i = S_TEXT; i < S_MAX; i++) {
		sb_add(file, sb_text(out(w, i)), out(w, i)->n);
		while (file->n % 8)
			put1(file, 0);
	}
}

static void describe(struct work *w, struct strbuf *file)
{
	put_symbols(w);
	put_file(w, file);
	for (u32 i = 0; i < S_MAX; i++)
		sb_free(&w->own[i]);
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

void runtime_gdb_tell(struct runtime_prog *p, const struct rewrite *rw)
{
	const char *asked = getenv("SKEP_GDB");
	struct dwarf_prog prog = { .prog = p->prog, .rw = rw, .code = p->jit };
	struct strbuf file = { 0 };
	struct work w = { .base = 0 };
	u32 bytes;

	if (!asked || !*asked)
		return;
	prog.base = w.base = (uintptr_t)jit_bytes(p->jit, &bytes);
	w.end = w.base + bytes;
	w.machine = strcmp(jit_processor(p->jit), "x86_64") ? EM_AARCH64 : EM_X86_64;
	if (!dwarf_add(&w.d, &prog))
		return;
	describe(&w, &file);
	dwarf_free(&w.d);
	p->gdb = mem_alloc(sizeof(*p->gdb));
	*p->gdb = (struct gdb_file){ .data = file.s, .bytes = file.n };
	add(p->gdb);
}
