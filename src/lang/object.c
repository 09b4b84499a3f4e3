/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * object.c: the ELF object of a unit, as clang would have made it: programs in sections
 * that say where they attach, ".text" for functions that are called, ".maps" with maps
 * defined by types, sections of data, license, ".BTF" and ".BTF.ext" (functions, source
 * lines, what a loader relocates by the kernel's types), symbols, relocations. Optimises
 * and emits the unit's functions. Byte order is this machine's.
 */
#include "lang/ir_in.h"
#include "btf/core.h"
#include <elf.h>
#include <stdio.h>

#ifndef EM_BPF
#define EM_BPF 247
#endif
enum { R_64_64 = 1, R_64_32 = 10, INSN_BYTES = 8 };

struct sec {
	const char *name;
	u32 type, flags, link, info, align, entsize;
	u64 size;		/* of NOBITS; else data.n */
	struct strbuf data;
	u32 name_at;
};

struct fn {
	struct ir_func *f;
	struct ir_code code;
	u32 sec, off;		/* bytes into the section */
	u32 type;		/* BTF FUNC */
};

struct object {
	struct ir_unit *u;
	struct arena *a;
	VEC(struct sec) secs;
	struct fn *fns;
	VEC(Elf64_Sym) syms;
	struct strbuf names;
	u32 nr_locals;
	u32 *map_syms, text_sym;
	struct strtab ksyms;	/* name to symbol */
	struct strtab csyms;	/* the same of functions in C */
	VEC(const char *) ksym_names;
	u32 type_int, type_u64, type_ptr, type_u8;
	struct strbuf ext;
};

static u32 add_sec(struct object *o, const char *name, u32 type, u32 flags, u32 align)
{
	*vec_push(&o->secs) = (struct sec){ .name = name, .type = type, .flags = flags,
					    .align = align };
	return (u32)o->secs.n - 1;
}

static u32 find_sec(const struct object *o, const char *name)
{
	for (u32 i = 1; i < o->secs.n; i++)
		if (!strcmp(o->secs.v[i].name, name))
			return i;
	return 0;
}

static u32 add_sym(struct object *o, const char *name, u32 bind, u32 type, u32 sec, u64 value,
		   u64 size)
{
	Elf64_Sym y = { .st_name = (u32)o->names.n,
			.st_info = (unsigned char)ELF64_ST_INFO(bind, type),
			.st_shndx = (u16)sec, .st_value = value, .st_size = size };

	sb_add(&o->names, name, strlen(name) + 1);
	*vec_push(&o->syms) = y;
	return (u32)o->syms.n - 1;
}

/* ---- functions ---------------------------------------------------------------------- */

static int emit_all(struct object *o, struct skep_err *err)
{
	o->fns = arena_news(o->a, o->u->funcs.n + 1, struct fn);
	for (size_t i = 0; i < o->u->funcs.n; i++) {
		struct ir_func *f = o->u->funcs.v[i];
		int ret;

		ir_settle(f);
		if (o->u->optimise)
			ir_opt(f);
		o->fns[i].f = f;
		ret = emit_func(&o->fns[i].code, f, err);
		if (ret)
			return ret;
	}
	return 0;
}

static void place_funcs(struct object *o)
{
	struct strtab by = { .arena = o->a };

	for (size_t i = 0; i < o->u->funcs.n; i++) {
		struct fn *n = &o->fns[i];
		const char *name = n->f->section ? n->f->section : ".text";
		struct sec *s;

		if (!strtab_get(&by, name, &n->sec)) {
			n->sec = add_sec(o, name, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR,
					 INSN_BYTES);
			strtab_put(&by, name, n->sec);
		}
		s = &o->secs.v[n->sec];
		n->off = (u32)s->data.n;
		sb_add(&s->data, n->code.insns, n->code.nr_insns * (size_t)INSN_BYTES);
	}
}

static void name_funcs(struct object *o, bool local)
{
	for (size_t i = 0; i < o->u->funcs.n; i++) {
		struct fn *n = &o->fns[i];

		if (local != !n->f->section)
			continue;
		if (local && !o->text_sym)
			o->text_sym = add_sym(o, "", STB_LOCAL, STT_SECTION, n->sec, 0, 0);
		add_sym(o, n->f->name, local ? STB_LOCAL : STB_GLOBAL, STT_FUNC, n->sec, n->off,
			n->code.nr_insns * (u64)INSN_BYTES);
	}
}

static u32 func_type(struct object *o, const struct ir_func *f)
{
	struct btf_build *b = &o->u->btf;
	u32 proto = btf_build_proto(b, f->section ? o->type_int : o->type_u64);

	if (f->section)
		btf_build_param(b, "ctx", o->type_ptr);
	for (u32 i = 0; !f->section && i < f->nr_args; i++)
		btf_build_param(b, f->arg_names ? f->arg_names[i] :
				arena_printf(o->a, "a%u", i), o->type_u64);
	return btf_build_func(b, f->name, proto, f->section ? BTF_FUNC_GLOBAL : BTF_FUNC_STATIC);
}

/* ---- maps --------------------------------------------------------------------------- */

static bool is_data(const struct ir_map *m)
{
	return m->name[0] == '.';
}

/* ".rodata.text" as the name of a variable. */
static const char *data_name(struct object *o, const struct ir_map *m)
{
	char *s = arena_printf(o->a, "data%s", m->name);

	for (char *c = s; *c; c++)
		if (*c == '.')
			*c = '_';
	return s;
}

static void place_data(struct object *o, u32 index)
{
	const struct ir_map *m = &o->u->maps.v[index];
	struct btf_build *b = &o->u->btf;
	const char *name = data_name(o, m);
	u32 type = m->value_type, sec;
	struct btf_var_secinfo info = { .offset = 0, .size = m->value_bytes };

	sec = add_sec(o, m->name, m->init ? SHT_PROGBITS : SHT_NOBITS,
		      SHF_ALLOC | (m->rodata ? 0 : SHF_WRITE), 8);
	if (m->init)
		sb_add(&o->secs.v[sec].data, m->init, m->value_bytes);
	o->secs.v[sec].size = m->value_bytes;
	if (!type)
		type = btf_build_array(b, o->type_u8, o->type_int, m->value_bytes);
	if (m->rodata)
		type = btf_build_ref(b, BTF_KIND_CONST, "", type);
	info.type = btf_build_var(b, name, type, BTF_VAR_GLOBAL_ALLOCATED);
	btf_build_datasec(b, m->name, m->value_bytes, &info, 1);
	o->map_syms[index] = add_sym(o, name, STB_GLOBAL, STT_OBJECT, sec, 0, m->value_bytes);
}

/* int (*NAME)[N], as __uint() of libbpf's headers has it. */
struct uint_member { const char *name; u32 n, type; };

static u32 uint_type(struct object *o, u32 n)
{
	struct btf_build *b = &o->u->btf;

	return btf_build_ref(b, BTF_KIND_PTR, "", btf_build_array(b, o->type_int, o->type_int,
								  n));
}

static u32 map_type(struct object *o, const struct ir_map *m, u32 *bytes)
{
	struct btf_build *b = &o->u->btf;
	struct uint_member members[] = {
		{ "type", m->type, 0 }, { "max_entries", m->max_entries, 0 },
		{ "map_flags", m->flags, 0 },
		{ m->key_type ? "key" : "key_size", m->key_bytes, m->key_type },
		{ m->value_type ? "value" : "value_size", m->value_bytes, m->value_type },
	};
	u32 n = 0, id;

	for (u32 i = 0; i < ARRAY_LEN(members); i++) {
		struct uint_member *x = &members[i];

		if (x->n)
			x->type = x->type ? btf_build_ref(b, BTF_KIND_PTR, "", x->type) :
					    uint_type(o, x->n);
		n += x->n != 0;
	}
	*bytes = 8 * n;
	id = btf_build_record(b, "", false, *bytes);
	n = 0;
	for (u32 i = 0; i < ARRAY_LEN(members); i++)
		if (members[i].n)
			btf_build_member(b, members[i].name, members[i].type, 64 * n++, 0);
	return id;
}

static void place_maps(struct object *o)
{
	struct ir_unit *u = o->u;
	struct btf_var_secinfo *info = arena_news(o->a, u->maps.n + 1, struct btf_var_secinfo);
	u32 n = 0, at = 0, sec = 0;

	o->map_syms = arena_news(o->a, u->maps.n + 1, u32);
	for (u32 i = 0; i < u->maps.n; i++) {
		const struct ir_map *m = &u->maps.v[i];
		u32 type, bytes;

		if (is_data(m)) {
			place_data(o, i);
			continue;
		}
		if (!sec)
			sec = add_sec(o, ".maps", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 8);
		type = map_type(o, m, &bytes);
		info[n].type = btf_build_var(&u->btf, m->name, type, BTF_VAR_GLOBAL_ALLOCATED);
		info[n].offset = at;
		info[n++].size = bytes;
		o->map_syms[i] = add_sym(o, m->name, STB_GLOBAL, STT_OBJECT, sec, at, bytes);
		at += bytes;
	}
	if (!sec)
		return;
	btf_build_datasec(&u->btf, ".maps", at, info, n);
	for (; at; at -= 8)
		sb_add(&o->secs.v[sec].data, "\0\0\0\0\0\0\0", 8);
}

/* ---- functions of the kernel -------------------------------------------------------- */

static u32 plain_proto(struct object *o, u32 nr_args)
{
	u32 proto = btf_build_proto(&o->u->btf, o->type_u64);

	for (u32 i = 0; i < nr_args; i++)
		btf_build_param(&o->u->btf, arena_printf(o->a, "a%u", i), o->type_u64);
	return proto;
}

static const struct ir_ksym *told(const struct ir_unit *u, const char *name)
{
	for (size_t i = 0; i < u->ksyms.n; i++)
		if (!strcmp(u->ksyms.v[i].name, name))
			return &u->ksyms.v[i];
	return NULL;
}

static u32 args_of(const struct object *o, const char *name)
{
	for (size_t i = 0; i < o->u->funcs.n; i++)
		for (struct ir_block *b = o->u->funcs.v[i]->first; b; b = b->next)
			for (struct ir_insn *k = b->first; k; k = k->next)
				if (k->op == IR_KFUNC && !strcmp(k->name, name))
					return k->nr_args;
	return 0;
}

static void list_ksyms(struct object *o)
{
	u32 have;

	for (size_t i = 0; i < o->u->funcs.n; i++)
		for (u32 r = 0; r < o->fns[i].code.nr_relocs; r++) {
			const struct ir_reloc *at = &o->fns[i].code.relocs[r];

			if ((at->kind != RELOC_KFUNC && at->kind != RELOC_KVAR) ||
			    strtab_get(&o->ksyms, at->name, &have))
				continue;
			strtab_put(&o->ksyms, at->name, 0);
			*vec_push(&o->ksym_names) = at->name;
		}
}

static void place_ksyms(struct object *o)
{
	struct btf_var_secinfo *info;
	u32 n;

	list_ksyms(o);
	n = (u32)o->ksym_names.n;
	info = arena_news(o->a, n + 1, struct btf_var_secinfo);
	for (u32 i = 0; i < n; i++) {
		const char *name = o->ksym_names.v[i];
		const struct ir_ksym *k = told(o->u, name);
		u32 proto = k ? k->proto : plain_proto(o, args_of(o, name));

		info[i].type = k && k->is_var ?
			       btf_build_var(&o->u->btf, name, proto, BTF_VAR_GLOBAL_EXTERN) :
			       btf_build_func(&o->u->btf, name, proto, BTF_FUNC_EXTERN);
		strtab_put(&o->ksyms, name,
			   add_sym(o, name, k && k->weak ? STB_WEAK : STB_GLOBAL, STT_NOTYPE,
				   SHN_UNDEF, 0, 0));
	}
	if (n)
		btf_build_datasec(&o->u->btf, ".ksyms", 0, info, n);
}

/* Functions in C, which other objects define. */
static void place_csyms(struct object *o)
{
	u32 have;

	for (size_t i = 0; i < o->u->funcs.n; i++)
		for (u32 r = 0; r < o->fns[i].code.nr_relocs; r++) {
			const struct ir_reloc *at = &o->fns[i].code.relocs[r];

			if (at->kind == RELOC_CCALL && !strtab_get(&o->csyms, at->name, &have))
				strtab_put(&o->csyms, at->name, add_sym(o, at->name, STB_GLOBAL,
					   STT_NOTYPE, SHN_UNDEF, 0, 0));
		}
}

/* ---- relocations -------------------------------------------------------------------- */

static u32 symbol_of(const struct object *o, const struct ir_reloc *r)
{
	u32 sym = 0;

	switch (r->kind) {
	case RELOC_MAP: case RELOC_MAPVAL: return o->map_syms[r->index];
	case RELOC_FUNC: case RELOC_SUBCALL: return o->text_sym;
	case RELOC_CCALL:
		strtab_get(&o->csyms, r->name, &sym);
		return sym;
	default:
		strtab_get(&o->ksyms, r->name, &sym);
		return sym;
	}
}

/* Functions are named by their section, as clang does it: where in it, the instruction
 * says. */
static void point_at(struct object *o, const struct fn *n, const struct ir_reloc *r)
{
	u64 at = n->off + r->insn * (u64)INSN_BYTES;
	struct bpf_insn *i = (void *)(o->secs.v[n->sec].data.s + at);

	if (r->kind == RELOC_FUNC)
		i->imm = (s32)o->fns[r->index].off;
	else if (r->kind == RELOC_SUBCALL)
		i->imm = (s32)(o->fns[r->index].off / INSN_BYTES) - 1;
}

static void add_relocs(struct object *o, struct strbuf *to, const struct fn *n)
{
	for (u32 i = 0; i < n->code.nr_relocs; i++) {
		const struct ir_reloc *r = &n->code.relocs[i];
		bool call = r->kind == RELOC_SUBCALL || r->kind == RELOC_KFUNC ||
			    r->kind == RELOC_CCALL;
		Elf64_Rel rel = { .r_offset = n->off + r->insn * (u64)INSN_BYTES };

		if (r->kind == RELOC_CORE)
			continue;
		point_at(o, n, r);
		rel.r_info = ELF64_R_INFO((u64)symbol_of(o, r), call ? R_64_32 : R_64_64);
		sb_add(to, &rel, sizeof(rel));
	}
}

static void place_relocs(struct object *o)
{
	u32 n = (u32)o->secs.n;

	for (u32 s = 1; s < n; s++) {
		struct strbuf rels = { 0 };
		u32 at;

		for (size_t i = 0; i < o->u->funcs.n; i++)
			if (o->fns[i].sec == s)
				add_relocs(o, &rels, &o->fns[i]);
		if (!rels.n)
			continue;
		at = add_sec(o, arena_printf(o->a, ".rel%s", o->secs.v[s].name), SHT_REL,
			     SHF_INFO_LINK, 8);
		o->secs.v[at].info = s;
		o->secs.v[at].entsize = sizeof(Elf64_Rel);
		o->secs.v[at].data = rels;
	}
}

/* ---- .BTF.ext ----------------------------------------------------------------------- */

struct ext_header {
	u16 magic;
	u8 version, flags;
	u32 hdr_len, func_off, func_len, line_off, line_len, core_off, core_len;
};
struct ext_func { u32 insn_off, type_id; };
struct ext_line { u32 insn_off, file_off, line_off, line_col; };
struct ext_core { u32 insn_off, type_id, path_off, kind; };
struct ext_sec { u32 name_off, n; };

static u32 str(struct object *o, const char *s)
{
	return btf_build_str(&o->u->btf, s);
}

static u32 put_func(struct object *o, struct strbuf *to, const struct fn *n)
{
	struct ext_func r = { n->off, n->type };

	sb_add(to, &r, sizeof(r));
	return 1;
}

static void put_line(struct object *o, struct strbuf *to, u32 insn_off, u32 line)
{
	const struct ir_line *l = &o->u->lines.v[line];
	u32 col = l->col < 1024 ? l->col : 0;
	struct ext_line r = { insn_off, str(o, l->file ? l->file : ""),
			      str(o, l->text ? l->text : ""), l->line << 10 | col };

	sb_add(to, &r, sizeof(r));
}

/* The kernel wants one at a function's start when there is any. */
static u32 put_lines(struct object *o, struct strbuf *to, const struct fn *n)
{
	const struct ir_code *c = &n->code;
	u32 count = c->nr_lines, from = 0;

	if (!c->nr_lines || c->lines[0].insn) {
		put_line(o, to, n->off, c->nr_lines ? c->lines[0].line : 0);
		from = c->nr_lines != 0;	/* it goes on until the next one */
		count = c->nr_lines ? c->nr_lines : 1;
	}
	for (u32 i = from; i < c->nr_lines; i++)
		put_line(o, to, n->off + c->lines[i].insn * INSN_BYTES, c->lines[i].line);
	return count;
}

static u32 put_cores(struct object *o, struct strbuf *to, const struct fn *n)
{
	u32 count = 0;

	for (u32 i = 0; i < n->code.nr_relocs; i++) {
		const struct ir_reloc *r = &n->code.relocs[i];
		struct ext_core x;

		if (r->kind != RELOC_CORE)
			continue;
		x = (struct ext_core){ n->off + r->insn * INSN_BYTES, r->core->type,
				       str(o, r->core->path), r->core->kind };
		sb_add(to, &x, sizeof(x));
		count++;
	}
	return count;
}

typedef u32 put_fn(struct object *o, struct strbuf *to, const struct fn *n);

/* Records of all functions by section; gives their bytes. */
static u32 put_part(struct object *o, struct strbuf *to, u32 record, put_fn *put)
{
	struct strbuf part = { 0 }, recs = { 0 };
	u32 bytes;

	for (u32 s = 1; s < o->secs.n; s++) {
		struct ext_sec head = { 0, 0 };

		sb_reset(&recs);
		for (size_t i = 0; i < o->u->funcs.n; i++)
			if (o->fns[i].sec == s)
				head.n += put(o, &recs, &o->fns[i]);
		if (!head.n)
			continue;
		head.name_off = str(o, o->secs.v[s].name);
		sb_add(&part, &head, sizeof(head));
		sb_add(&part, recs.s, recs.n);
	}
	if (part.n) {
		sb_add(to, &record, sizeof(record));
		sb_add(to, part.s, part.n);
	}
	bytes = part.n ? (u32)part.n + 4 : 0;
	sb_free(&part);
	sb_free(&recs);
	return bytes;
}

static void place_types(struct object *o)
{
	struct ext_header h = { .magic = BTF_MAGIC, .version = BTF_VERSION,
				.hdr_len = sizeof(h) };
	struct strbuf body = { 0 };
	u32 s;

	h.func_len = put_part(o, &body, sizeof(struct ext_func), put_func);
	h.line_off = (u32)body.n;
	if (o->u->lines.n > 1)
		h.line_len = put_part(o, &body, sizeof(struct ext_line), put_lines);
	h.core_off = (u32)body.n;
	h.core_len = put_part(o, &body, sizeof(struct ext_core), put_cores);
	s = add_sec(o, ".BTF", SHT_PROGBITS, 0, 4);
	btf_build_write(&o->u->btf, &o->secs.v[s].data);
	s = add_sec(o, ".BTF.ext", SHT_PROGBITS, 0, 4);
	sb_add(&o->secs.v[s].data, &h, sizeof(h));
	sb_add(&o->secs.v[s].data, body.s, body.n);
	sb_free(&body);
}

/* ---- the file ----------------------------------------------------------------------- */

static void place_license(struct object *o)
{
	const char *l = o->u->license ? o->u->license : "";
	u32 s = add_sec(o, "license", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 1);

	struct btf_build *b = &o->u->btf;
	struct btf_var_secinfo info = { .size = (u32)strlen(l) + 1 };

	info.type = btf_build_var(b, "_license", btf_build_array(b, o->type_u8, o->type_int,
								 info.size),
				  BTF_VAR_GLOBAL_ALLOCATED);
	btf_build_datasec(b, "license", info.size, &info, 1);
	sb_add(&o->secs.v[s].data, l, strlen(l) + 1);
	add_sym(o, "_license", STB_GLOBAL, STT_OBJECT, s, 0, strlen(l) + 1);
}

static void place_symbols(struct object *o)
{
	u32 strings = add_sec(o, ".strtab", SHT_STRTAB, 0, 1), s;

	s = add_sec(o, ".symtab", SHT_SYMTAB, 0, 8);
	o->secs.v[s].link = strings;
	o->secs.v[s].info = o->nr_locals;
	o->secs.v[s].entsize = sizeof(Elf64_Sym);
	sb_add(&o->secs.v[s].data, o->syms.v, o->syms.n * sizeof(*o->syms.v));
	for (u32 i = 1; i < o->secs.n; i++) {
		if (o->secs.v[i].type == SHT_REL)
			o->secs.v[i].link = s;
		o->secs.v[i].name_at = (u32)o->names.n;
		sb_add(&o->names, o->secs.v[i].name, strlen(o->secs.v[i].name) + 1);
	}
	sb_add(&o->secs.v[strings].data, o->names.s, o->names.n);
}

static void pad(struct strbuf *out, size_t from, u32 align)
{
	while ((out->n - from) % (align ? align : 1))
		sb_putc(out, 0);
}

static Elf64_Ehdr file_header(const struct object *o, u64 shoff)
{
	Elf64_Ehdr h = {
		.e_type = ET_REL, .e_machine = EM_BPF, .e_version = EV_CURRENT,
		.e_shoff = shoff, .e_ehsize = sizeof(h), .e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = (u16)o->secs.n, .e_shstrndx = (u16)find_sec(o, ".strtab"),
	};

	memcpy(h.e_ident, ELFMAG, SELFMAG);
	h.e_ident[EI_CLASS] = ELFCLASS64;
	h.e_ident[EI_DATA] = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB :
									 ELFDATA2MSB;
	h.e_ident[EI_VERSION] = EV_CURRENT;
	return h;
}

static void write_file(struct object *o, struct strbuf *out)
{
	Elf64_Shdr *hdrs = arena_news(o->a, o->secs.n, Elf64_Shdr);
	size_t from = out->n;
	Elf64_Ehdr h = { .e_version = EV_CURRENT };

	sb_add(out, &h, sizeof(h));
	for (u32 i = 1; i < o->secs.n; i++) {
		struct sec *s = &o->secs.v[i];

		pad(out, from, s->align);
		hdrs[i] = (Elf64_Shdr){
			.sh_name = s->name_at, .sh_type = s->type, .sh_flags = s->flags,
			.sh_offset = out->n - from, .sh_link = s->link, .sh_info = s->info,
			.sh_size = s->type == SHT_NOBITS ? s->size : s->data.n,
			.sh_addralign = s->align, .sh_entsize = s->entsize,
		};
		sb_add(out, s->data.s ? s->data.s : "", s->data.n);
	}
	pad(out, from, 8);
	h = file_header(o, out->n - from);
	sb_add(out, hdrs, o->secs.n * sizeof(*hdrs));
	memcpy(out->s + from, &h, sizeof(h));
}

static void base_types(struct object *o)
{
	struct btf_build *b = &o->u->btf;

	o->type_int = btf_build_int(b, "int", 4, BTF_INT_SIGNED);
	o->type_u64 = btf_build_int(b, "unsigned long long", 8, 0);
	o->type_u8 = btf_build_int(b, "unsigned char", 1, 0);
	o->type_ptr = btf_build_ref(b, BTF_KIND_PTR, "", 0);
}

static void place_all(struct object *o)
{
	base_types(o);
	add_sec(o, "", SHT_NULL, 0, 0);
	add_sym(o, "", STB_LOCAL, STT_NOTYPE, 0, 0, 0);
	place_funcs(o);
	name_funcs(o, true);
	o->nr_locals = (u32)o->syms.n;
	name_funcs(o, false);
	for (size_t i = 0; i < o->u->funcs.n; i++)
		o->fns[i].type = func_type(o, o->fns[i].f);
	place_maps(o);
	place_license(o);
	place_ksyms(o);
	place_csyms(o);
	place_types(o);
	place_relocs(o);
	place_symbols(o);
}

int ir_object(struct strbuf *out, struct ir_unit *u, struct skep_err *err)
{
	struct arena tmp = ARENA_INIT;
	struct object o = { .u = u, .a = u->arena, .ksyms = { .arena = &tmp },
		.csyms = { .arena = &tmp } };
	int ret = emit_all(&o, err);

	if (!ret) {
		place_all(&o);
		write_file(&o, out);
	}
	for (size_t i = 0; i < o.secs.n; i++)
		sb_free(&o.secs.v[i].data);
	vec_free(&o.secs);
	vec_free(&o.syms);
	vec_free(&o.ksym_names);
	sb_free(&o.names);
	sb_free(&o.ext);
	arena_free(&tmp);
	return ret;
}
