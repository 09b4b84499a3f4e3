/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linker.c: joins sections, resolves symbols, moves relocations. Of several
 * definitions the strong one holds, else the first weak one; the code of the
 * others stays where it is and nobody refers to it. Reads checked objects
 * (obj_scan), never changes them.
 */
#include "isa/isa.h"
#include "obj/linker_priv.h"
#include <stdlib.h>

enum { MAX_ALIGN = 1 << 20 };
#define MAX_SECTION_BYTES ((u64)1 << 31)

/* ---- sections ------------------------------------------------------------- */

static bool is_kept(const struct obj_sec *s)
{
	return s->size && s->flags & SHF_ALLOC && s->name[0] &&
	       (s->type == SHT_PROGBITS || s->type == SHT_NOBITS) &&
	       s->kind != SEC_BTF && s->kind != SEC_BTF_EXT && strcmp(s->name, ".eh_frame");
}

/* One for the whole object, equal in all inputs. */
static bool is_single(const char *name)
{
	return !strcmp(name, "license") || !strcmp(name, "version");
}

static struct out_sec *find_sec(struct linker *l, struct linker_obj *in,
				const struct obj_sec *s, u32 *index)
{
	struct out_sec *to;

	for (*index = 1; *index <= l->secs.n; ++*index)
		if (!strcmp(l->secs.v[*index - 1].name, s->name))
			return &l->secs.v[*index - 1];
	to = vec_push(&l->secs);
	*to = (struct out_sec){ .name = s->name, .type = s->type, .flags = s->flags,
				.align = 1, .from = in };
	return to;
}

static int same_contents(struct linker *l, const struct out_sec *to, struct linker_obj *in,
			 const struct obj_sec *s)
{
	bool stored = to->data.s && s->data;	/* else .bss, or empty */

	if (to->size == s->size && (stored ? !memcmp(to->data.s, s->data, s->size) :
				    !to->data.s && !s->data))
		return 0;
	return err_set(l->err, ERR_LINK, elf_in(&in->o, s),
		       "'%s' differs from that of %s", s->name, to->from->o.file);
}

static void pad(struct out_sec *to, u64 size)
{
	static const u8 zero[64];

	for (; to->type != SHT_NOBITS && to->data.n < size;)
		sb_add(&to->data, zero, min_u64(sizeof(zero), size - to->data.n));
	to->size = size;
}

static int add_sec(struct linker *l, struct linker_obj *in, u32 i)
{
	const struct obj_sec *s = &in->o.secs[i];
	u64 align = s->align ? s->align : 1, at;
	struct out_sec *to = find_sec(l, in, s, &in->sec[i]);

	if (to->type != s->type || (to->flags ^ s->flags) & (SHF_EXECINSTR | SHF_WRITE))
		return err_set(l->err, ERR_LINK, elf_in(&in->o, s),
			       "section '%s' is of another kind than in %s", s->name,
			       to->from->o.file);
	if (align & (align - 1) || align > MAX_ALIGN || s->flags & SHF_COMPRESSED)
		return err_set(l->err, ERR_ELF_SECTION, elf_in(&in->o, s),
			       "alignment %llu or compression cannot be linked",
			       (unsigned long long)align);
	if (is_single(s->name) && to->size)
		return same_contents(l, to, in, s);
	/* what begins is aligned as all of the section is, as bpftool does it */
	to->align = max_u64(to->align, align);
	at = round_up(to->size, to->align);
	if (at + s->size > MAX_SECTION_BYTES)
		return err_set(l->err, ERR_LIMIT, elf_in(&in->o, s),
			       "section '%s' would have more than %llu bytes", s->name,
			       (unsigned long long)MAX_SECTION_BYTES);
	pad(to, at);
	in->place[i] = at;
	if (s->type != SHT_NOBITS)
		sb_add(&to->data, s->data, s->size);
	to->size = at + s->size;
	return 0;
}

static int join_sections(struct linker *l)
{
	int ret = 0;

	for (u32 k = 0; k < l->n; k++) {
		struct linker_obj *in = &l->in[k];

		in->sec = arena_news(&l->arena, in->o.nr_secs, u32);
		in->place = arena_news(&l->arena, in->o.nr_secs, u64);
		in->sym = arena_news(&l->arena, in->o.nr_syms, u32);
		for (u32 i = 1; i < in->o.nr_secs && !ret; i++)
			if (is_kept(&in->o.secs[i]))
				ret = add_sec(l, in, i);
	}
	return ret;
}

/* ---- symbols ---------------------------------------------------------------- */

static u32 add_sym(struct linker *l, struct linker_obj *in, u32 i)
{
	const struct obj_sym *y = &in->o.syms[i];
	bool placed = y->sec != SYM_UNDEF && y->sec != SYM_NOWHERE;
	struct out_sym *to = vec_push(&l->syms);

	*to = (struct out_sym){
		.name = y->name, .from = in, .index = i,
		.y = {
			.st_info = ELF64_ST_INFO(y->bind, y->type), .st_other = y->vis,
			.st_value = y->value + (placed ? in->place[y->sec] : 0),
			.st_size = y->size,
			.st_shndx = placed ? (u16)in->sec[y->sec] :
				    y->sec == SYM_UNDEF ? SHN_UNDEF : SHN_ABS,
		},
	};
	return (u32)l->syms.n - 1;
}

static void add_section_syms(struct linker *l)
{
	*vec_push(&l->syms) = (struct out_sym){ .name = "" };
	for (u32 i = 1; i <= l->secs.n; i++)
		*vec_push(&l->syms) = (struct out_sym){
			.name = "",
			.y = { .st_info = ELF64_ST_INFO(STB_LOCAL, STT_SECTION),
			       .st_shndx = (u16)i },
		};
}

/* The symbol of an output section has its number. */
static void add_locals(struct linker *l, struct linker_obj *in)
{
	for (u32 i = 1; i < in->o.nr_syms; i++) {
		const struct obj_sym *y = &in->o.syms[i];

		if (y->bind != STB_LOCAL)
			continue;
		if (y->type == STT_FILE)
			add_sym(l, in, i);
		if (y->sec == SYM_UNDEF || y->sec == SYM_NOWHERE || !in->sec[y->sec])
			continue;
		in->sym[i] = y->type == STT_SECTION ? in->sec[y->sec] : add_sym(l, in, i);
	}
}

static int rank(const Elf64_Sym *y)
{
	bool strong = ELF64_ST_BIND(y->st_info) != STB_WEAK;

	return (y->st_shndx != SHN_UNDEF) * 2 + strong;
}

static const char *sym_place(const struct out_sym *s)
{
	struct obj *o = &s->from->o;
	const struct obj_sym *y = &o->syms[s->index];

	return y->sec == SYM_NOWHERE ? o->file : elf_at(o, &o->secs[y->sec], y->value);
}

/* The new one is at the end of syms. */
static int resolve(struct linker *l, u32 old_index, bool *take_new)
{
	struct out_sym *old = &l->syms.v[old_index], *now = &l->syms.v[l->syms.n - 1];
	u8 vis = (u8)max_u64(old->y.st_other, now->y.st_other);

	if (rank(&old->y) == 3 && rank(&now->y) == 3 && old->y.st_shndx == now->y.st_shndx &&
	    old->y.st_shndx <= l->secs.n && is_single(l->secs.v[old->y.st_shndx - 1].name))
		return 0;
	if (rank(&old->y) == 3 && rank(&now->y) == 3) {
		err_set(l->err, ERR_LINK, sym_place(now), "'%s' is defined twice", now->name);
		err_note(l->err, "the other one is at %s", sym_place(old));
		err_help(l->err, "make one of them static or __weak");
		return l->err->code;
	}
	if (ELF64_ST_TYPE(old->y.st_info) && ELF64_ST_TYPE(now->y.st_info) &&
	    ELF64_ST_TYPE(old->y.st_info) != ELF64_ST_TYPE(now->y.st_info)) {
		err_set(l->err, ERR_LINK, sym_place(now),
			"'%s' is a function in one object and a variable in another",
			now->name);
		err_note(l->err, "the other one is at %s", sym_place(old));
		return l->err->code;
	}
	*take_new = rank(&now->y) > rank(&old->y);
	/* hidden in one object is hidden; a declaration alone hides nothing */
	if (rank(&old->y) >= 2 && rank(&now->y) >= 2)
		old->y.st_other = now->y.st_other = vis;
	return 0;
}

static int add_global(struct linker *l, struct linker_obj *in, u32 i)
{
	const struct obj_sym *y = &in->o.syms[i];
	bool take_new = false;
	u32 at, old;
	int ret;

	if (y->sec != SYM_UNDEF && y->sec != SYM_NOWHERE && !in->sec[y->sec])
		return 0;
	at = add_sym(l, in, i);
	if (!strtab_get(&l->globals, y->name, &old)) {
		strtab_put(&l->globals, y->name, at);
		in->sym[i] = at;
		return 0;
	}
	ret = resolve(l, old, &take_new);
	if (take_new)
		l->syms.v[old] = l->syms.v[at];
	l->syms.n--;
	in->sym[i] = old;
	return ret;
}

static int join_symbols(struct linker *l)
{
	int ret = 0;

	if (l->secs.n >= SHN_LORESERVE / 2)
		return err_set(l->err, ERR_LIMIT, l->in[0].o.file, "%zu sections", l->secs.n);
	add_section_syms(l);
	for (u32 k = 0; k < l->n; k++)
		add_locals(l, &l->in[k]);
	l->nr_locals = (u32)l->syms.n;
	for (u32 k = 0; k < l->n; k++)
		for (u32 i = 1; i < l->in[k].o.nr_syms && !ret; i++)
			if (l->in[k].o.syms[i].bind != STB_LOCAL)
				ret = add_global(l, &l->in[k], i);
	return ret;
}

/* ---- relocations ---------------------------------------------------------------- */

/* Adds BY to the number of BYTES at AT. */
static void add_at(u8 *at, u32 bytes, u64 by)
{
	u64 v = 0;

	memcpy(&v, at, bytes);
	v += by;
	memcpy(at, &v, bytes);
}

/*
 * The number in place counts from the symbol (clang). A section's symbol moves
 * to the beginning of the joined section; other conventions are turned into
 * that of clang.
 */
static void move_target(struct linker_obj *in, const Elf64_Rela *r, bool has_addend,
			u32 type, u8 *at, bool code)
{
	const struct obj_sym *y = &in->o.syms[ELF64_R_SYM(r->r_info)];
	bool section = y->type == STT_SECTION;
	u64 by = section ? in->place[y->sec] : 0;
	struct bpf_insn insn;
	bool call;

	if (!code) {
		u32 bytes = type == RELOC_ABS64 ? 8 : 4;

		add_at(at, bytes, by + (has_addend ? (u64)r->r_addend : 0));
		return;
	}
	memcpy(&insn, at, sizeof(insn));
	call = insn.code == (BPF_JMP | BPF_CALL);
	if (has_addend)
		insn.imm = call ? (s32)(r->r_addend / INSN_BYTES - 1) : (s32)r->r_addend;
	else if (in->o.old_gas)
		insn.imm = call ? (s32)(((s64)insn.imm + 1 - (s64)y->value) / INSN_BYTES - 1) :
				  (s32)((s64)insn.imm - (s64)y->value);
	insn.imm = (s32)((u32)insn.imm + (u32)(call ? by / INSN_BYTES : by));
	memcpy(at, &insn, sizeof(insn));
}

static int add_reloc(struct linker *l, struct linker_obj *in, u32 sec, const Elf64_Rela *r,
		     bool has_addend)
{
	const struct obj_sec *s = &in->o.secs[sec];
	struct out_sec *to = &l->secs.v[in->sec[sec] - 1];
	u32 sym = (u32)ELF64_R_SYM(r->r_info), type = (u32)ELF64_R_TYPE(r->r_info);
	bool code = s->flags & SHF_EXECINSTR;
	u32 bytes = code || type == RELOC_ABS64 ? 8 : 4;
	u64 at = in->place[sec] + r->r_offset;
	Elf64_Rel out;

	if (type == R_BPF_NONE)
		return 0;
	if (sym >= in->o.nr_syms || !in_bounds(r->r_offset, bytes, s->size) || !s->data)
		return err_set(l->err, ERR_ELF_RELOC, elf_at(&in->o, s, r->r_offset),
			       "relocation to symbol %u of %u at no %u bytes of the section",
			       sym, in->o.nr_syms, bytes);
	if (code ? type != R_BPF_64_64 && type != R_BPF_64_32 :
		   type != RELOC_ABS64 && type != RELOC_ABS32 &&
		   type != RELOC_NODYLD32)
		return err_set(l->err, ERR_ELF_RELOC, elf_at(&in->o, s, r->r_offset),
			       "relocation of unknown type %u to '%s'", type,
			       in->o.syms[sym].name);
	if (!in->sym[sym])
		return err_set(l->err, ERR_ELF_RELOC, elf_at(&in->o, s, r->r_offset),
			       "relocation to '%s', which is not linked",
			       in->o.syms[sym].name);
	move_target(in, r, has_addend, type, (u8 *)to->data.s + at, code);
	out = (Elf64_Rel){ at, ELF64_R_INFO((u64)in->sym[sym], type) };
	sb_add(&to->relocs, &out, sizeof(out));
	return 0;
}

static int join_relocs_of(struct linker *l, struct linker_obj *in, u32 i)
{
	const struct obj_sec *s = &in->o.secs[i];
	bool has_addend = s->type == SHT_RELA;
	size_t each = has_addend ? sizeof(Elf64_Rela) : sizeof(Elf64_Rel);
	int ret = 0;

	if (s->info >= in->o.nr_secs || !in->sec[s->info])
		return 0;
	if (s->size % each || s->flags & SHF_COMPRESSED)
		return err_set(l->err, ERR_ELF_SECTION, elf_in(&in->o, s),
			       "%llu bytes of relocations with %zu bytes each",
			       (unsigned long long)s->size, each);
	for (u64 at = 0; at < s->size && !ret; at += each) {
		Elf64_Rela r = { 0 };

		memcpy(&r, s->data + at, each);
		ret = add_reloc(l, in, s->info, &r, has_addend);
	}
	return ret;
}

static int join_relocs(struct linker *l)
{
	int ret = 0;

	for (u32 k = 0; k < l->n && !ret; k++) {
		struct obj *o = &l->in[k].o;

		ret = relocs_dialect(o);
		for (u32 i = 1; i < o->nr_secs && !ret; i++)
			if (o->secs[i].type == SHT_REL || o->secs[i].type == SHT_RELA)
				ret = join_relocs_of(l, &l->in[k], i);
	}
	return ret;
}

/* ---- all -------------------------------------------------------------------------- */

static void linker_free(struct linker *l)
{
	for (u32 i = 0; i < l->n; i++)
		obj_drop(&l->in[i].o);
	for (size_t i = 0; i < l->secs.n; i++) {
		sb_free(&l->secs.v[i].data);
		sb_free(&l->secs.v[i].relocs);
	}
	vec_free(&l->secs);
	vec_free(&l->syms);
	sb_free(&l->btf);
	sb_free(&l->ext);
	arena_free(&l->arena);
}

int obj_link(struct os_file *out, const struct linker_input *in, u32 n, struct skep_err *err)
{
	static int (*const steps[])(struct linker *) = {
		join_sections, join_symbols, join_relocs, linker_types,
	};
	struct linker l = { .err = err };
	int ret = 0;

	l.globals.arena = &l.arena;
	l.in = arena_news(&l.arena, n, struct linker_obj);
	for (; l.n < n && !ret; l.n++)
		ret = obj_scan(&l.in[l.n].o, in[l.n].data, in[l.n].bytes, in[l.n].file, err);
	for (size_t i = 0; i < ARRAY_LEN(steps) && !ret; i++)
		ret = steps[i](&l);
	if (!ret)
		ret = linker_write(&l, out);
	linker_free(&l);
	return ret;
}

static bool uses_other(const struct obj *o, const struct obj *other)
{
	u32 i;

	for (u32 k = 1; k < o->nr_syms; k++) {
		const struct obj_sym *y = &o->syms[k];

		if (y->sec == SYM_UNDEF && *y->name &&
		    strtab_get(&other->globals, y->name, &i) && other->syms[i].sec != SYM_UNDEF)
			return true;
	}
	return false;
}

bool obj_link_needed(const struct linker_input *in, u32 n)
{
	struct obj *o = mem_alloc(n * sizeof(*o));
	struct skep_err err = { 0 };
	bool needed = false;
	int ret = 0;
	u32 k = 0;

	for (; k < n && !ret; k++)
		ret = obj_scan(&o[k], in[k].data, in[k].bytes, in[k].file, &err);
	for (u32 i = 0; i < n && !ret && !needed; i++)
		for (u32 j = 0; j < n && !needed; j++)
			needed = i != j && uses_other(&o[i], &o[j]);
	while (k-- > 0)
		obj_drop(&o[k]);
	free(o);
	return needed;
}
