/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reloc.c: what each instruction refers to. Calls and 64-bit loads carry
 * relocations, except calls inside a section, which are relative already. The
 * result is a list of references per function, relative to it, so that a
 * function can be laid down anywhere by copying. Never changes the code.
 *
 * Where the target's distance stands in the instruction, clang counts it from
 * the symbol. GNU as up to 2.40 stores the whole distance from the section's
 * beginning, in bytes, calls less one ("old gas").
 */
#include "isa/isa.h"
#include "obj/open.h"
#include <elf.h>

/* ---- what a symbol stands for ------------------------------------------- */

int reloc_undefined(struct obj *o, const struct obj_sym *sym, const char *where)
{
	u32 id;

	if (strtab_get(&o->externs, sym->name, &id)) {
		bool config = !strcmp(btf_type_name(o->img->btf, id), ".kconfig");

		return err_set(o->err, ERR_UNSUPPORTED, where,
			       "%s '%s' (%s)",
			       config ? "kernel configuration value" : "kernel symbol",
			       sym->name, config ? "__kconfig" : "__ksym");
	}
	if (sym->bind == STB_WEAK)
		return err_set(o->err, ERR_UNSUPPORTED, where,
			       "weak symbol '%s' without a definition", sym->name);
	return err_set(o->err, ERR_EXTERN, where, "'%s' is not defined",
		       *sym->name ? sym->name : "symbol without a name");
}

static const char *at_insn(struct obj *o, const struct obj_func *f, u32 insn)
{
	return elf_at(o, &o->secs[f->sec], (f->insn + (u64)insn) * INSN_BYTES);
}

/* A reference to the function at byte OFF of section SEC. */
static int ref_func(struct obj *o, const struct obj_func *from, u32 sec,
		    u64 off, struct obj_ref *ref)
{
	int f = o->secs[sec].kind == SEC_CODE ? funcs_at(o, sec, off) : -1;

	if (f < 0)
		return err_set(o->err, ERR_ELF_RELOC, at_insn(o, from, ref->insn),
			       "no function begins at %s+0x%llx, which is called here",
			       o->secs[sec].name, (unsigned long long)off);
	o->funcs[f].called = true;
	ref->target = (u32)f;
	return 0;
}

static int ref_value(struct obj *o, const struct obj_func *from,
		     const struct obj_sec *s, u64 off, struct obj_ref *ref)
{
	if (off >= s->size)
		return err_set(o->err, ERR_ELF_RELOC, at_insn(o, from, ref->insn),
			       "address %s%+lld lies outside the section's %llu bytes",
			       s->name, (long long)off, (unsigned long long)s->size);
	ref->kind = REF_VALUE;
	ref->target = (u32)s->map;
	ref->off = (u32)off;
	return 0;
}

static int ref_map(struct obj *o, const struct obj_func *from, u32 sec, u64 off,
		   struct obj_ref *ref)
{
	int map = maps_at(o, sec, off);

	if (map < 0)
		return err_set(o->err, ERR_ELF_RELOC, at_insn(o, from, ref->insn),
			       "no map is defined at %s+0x%llx", o->secs[sec].name,
			       (unsigned long long)off);
	ref->kind = REF_MAP;
	ref->target = (u32)map;
	return 0;
}

/* ---- relocated instructions ---------------------------------------------- */

/* Bytes from the symbol's section to what R at INSN means. */
static u64 reloc_off(const struct obj *o, const struct obj_reloc *r, s64 in_place)
{
	u64 value = o->syms[r->sym].value;

	if (r->has_addend)
		return value + (u64)r->addend;
	return o->old_gas ? (u64)in_place : value + (u64)in_place;
}

static s64 call_in_place(const struct obj *o, const struct bpf_insn *insn)
{
	return o->old_gas ? (s64)insn->imm + 1 : ((s64)insn->imm + 1) * INSN_BYTES;
}

static int ref_sym(struct obj *o, const struct obj_func *from,
		   const struct obj_reloc *r, s64 in_place, struct obj_ref *ref)
{
	const struct obj_sym *y = &o->syms[r->sym];
	u64 off = reloc_off(o, r, in_place);

	if (y->sec == SYM_UNDEF)
		return ref_extern(o, y, at_insn(o, from, ref->insn), ref);
	if (y->sec == SYM_NOWHERE || ref->kind == REF_CALL)
		goto code_only;
	switch (o->secs[y->sec].kind) {
	case SEC_MAPS:
	case SEC_OLD_MAPS:
	case SEC_STRUCT_OPS:
		return ref_map(o, from, y->sec, off, ref);
	case SEC_ARENA:
	case SEC_DATA:
	case SEC_RODATA:
	case SEC_BSS:
		return ref_value(o, from, &o->secs[y->sec], off, ref);
	case SEC_CODE:
		return ref_func(o, from, y->sec, off, ref);
	default:
		return err_set(o->err, ERR_UNSUPPORTED, at_insn(o, from, ref->insn),
			       "'%s' in section '%s', which is neither data nor code",
			       y->name, o->secs[y->sec].name);
	}
code_only:
	if (y->sec != SYM_NOWHERE && o->secs[y->sec].kind == SEC_CODE)
		return ref_func(o, from, y->sec, off, ref);
	return err_set(o->err, ERR_ELF_RELOC, at_insn(o, from, ref->insn),
		       "'%s' is no function and no variable", y->name);
}

static int bad_place(struct obj *o, const struct obj_func *from,
		     const struct obj_reloc *r, const struct obj_ref *ref)
{
	bool known = r->type == R_BPF_64_32 || r->type == R_BPF_64_64;

	return err_set(o->err, ERR_ELF_RELOC, at_insn(o, from, ref->insn), known ?
		       "relocation of type %u to '%s' at an instruction without one" :
		       "relocation of unknown type %u to '%s'",
		       r->type, o->syms[r->sym].name);
}

static bool is_call(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) &&
	       insn->src_reg == BPF_PSEUDO_CALL;
}

static int ref_reloc(struct obj *o, const struct obj_func *from,
		     const struct bpf_insn *insn, const struct obj_reloc *r,
		     struct obj_ref *ref)
{
	if (r->type == R_BPF_64_32 && is_call(insn)) {
		ref->kind = REF_CALL;
		return ref_sym(o, from, r, call_in_place(o, insn), ref);
	}
	if (r->type == R_BPF_64_64 && isa_is_lddw(insn) && !insn->src_reg) {
		ref->kind = REF_FUNC;
		return ref_sym(o, from, r, insn->imm, ref);
	}
	return bad_place(o, from, r, ref);
}

/* Without relocation: a call inside the section, or nothing. */
static int ref_plain(struct obj *o, const struct obj_func *from,
		     const struct bpf_insn *insn, struct obj_ref *ref, bool *found)
{
	*found = is_call(insn);
	if (*found) {
		ref->kind = REF_CALL;
		return ref_func(o, from, from->sec,
				(u64)((from->insn + (s64)ref->insn + 1 + insn->imm) *
				      INSN_BYTES), ref);
	}
	if (isa_is_lddw(insn) && insn->src_reg)
		return err_set(o->err, ERR_UNSUPPORTED, at_insn(o, from, ref->insn),
			       "64-bit load of kind %u without a relocation",
			       insn->src_reg);
	if (isa_op(insn) == OP_CALL_KFUNC)	/* which one is for a symbol to say */
		return err_set(o->err, ERR_UNSUPPORTED, at_insn(o, from, ref->insn),
			       "call of a function of the kernel without a relocation");
	return 0;
}

/* ---- functions, sections ----------------------------------------------------- */

struct cursor { const struct obj_reloc *r; u32 n; };

static int read_insn(struct obj *o, struct obj_func *f,
		     const struct bpf_insn *insn, u32 at, struct cursor *c)
{
	u64 off = (f->insn + (u64)at) * INSN_BYTES;
	struct obj_ref ref = { .insn = at };
	bool found = true;
	int ret;

	if (isa_is_lddw(insn) && at + 1 >= f->nr_insns)
		return err_set(o->err, ERR_INSN, at_insn(o, f, at),
			       "function '%s' ends in the middle of a 64-bit load",
			       f->name);
	if (c->n && c->r->off == off) {
		ret = ref_reloc(o, f, insn, c->r, &ref);
		c->r++;
		c->n--;
	} else {
		ret = ref_plain(o, f, insn, &ref, &found);
	}
	if (!ret && found)
		*vec_push(&o->refs) = ref;
	return ret;
}

/* Relocations below the byte OFF lie between functions, or in one's second slot. */
static int skip_relocs(struct obj *o, const struct obj_func *f, struct cursor *c,
		       u64 off)
{
	for (; c->n && c->r->off < off; c->r++, c->n--)
		if (c->r->off >= f->insn * 8ull)
			return err_set(o->err, ERR_ELF_RELOC,
				       elf_at(o, &o->secs[f->sec], c->r->off),
				       "relocation to '%s' in the middle of an instruction",
				       o->syms[c->r->sym].name);
	return 0;
}

static int read_func(struct obj *o, struct obj_func *f, struct cursor *c)
{
	const struct bpf_insn *code = o->secs[f->sec].code + f->insn;
	int ret = 0;

	f->first_ref = (u32)o->refs.n;
	for (u32 at = 0; at < f->nr_insns && !ret; at++) {
		ret = skip_relocs(o, f, c, (f->insn + (u64)at) * INSN_BYTES);
		if (!ret)
			ret = read_insn(o, f, &code[at], at, c);
		at += isa_is_lddw(&code[at]);
	}
	if (!ret)
		ret = skip_relocs(o, f, c, (f->insn + (u64)f->nr_insns) * INSN_BYTES);
	f->nr_refs = (u32)o->refs.n - f->first_ref;
	return ret;
}

static int read_section(struct obj *o, const struct obj_sec *s)
{
	struct obj_reloc *r;
	struct cursor c;
	int ret = elf_relocs(o, s, &r, &c.n);

	c.r = r;
	for (u32 i = 0; i < s->nr_funcs && !ret; i++)
		ret = read_func(o, &o->funcs[s->first_func + i], &c);
	return ret;
}

/* ---- old gas ------------------------------------------------------------------- */

static bool made_by_gcc(const struct obj *o)
{
	for (u32 i = 1; i < o->nr_secs; i++) {
		const struct obj_sec *s = &o->secs[i];

		if (!strcmp(s->name, ".comment") && s->data && s->size > 5)
			return !memcmp(s->data, "\0GCC:", 5) ||
			       !memcmp(s->data, "GCC:", 4);
	}
	return false;
}

/*
 * Looks for one relocation that speaks for either convention: to a symbol
 * that is not at its section's beginning. Old gas repeats the value in place.
 */
static int vote(const struct obj *o, const struct obj_sec *s, const struct obj_reloc *r)
{
	struct bpf_insn copy, *insn = &copy;
	u64 value = o->syms[r->sym].value;

	memcpy(insn, s->data + r->off, sizeof(*insn));
	if (!value || r->has_addend || o->syms[r->sym].sec == SYM_UNDEF)
		return 0;
	if (is_call(insn))
		return insn->imm == -1 ? -1 : (u64)((s64)insn->imm + 1) == value;
	return isa_is_lddw(insn) && (u64)insn->imm < value ? -1 : 1;
}

int relocs_dialect(struct obj *o)
{
	if (!made_by_gcc(o))
		return 0;
	o->old_gas = true;
	for (u32 i = 1; i < o->nr_secs; i++) {
		const struct obj_sec *s = &o->secs[i];
		struct obj_reloc *r;
		u32 n = 0;
		int ret = s->kind == SEC_CODE ? elf_relocs(o, s, &r, &n) : 0;

		if (ret)
			return ret;
		for (u32 k = 0; k < n; k++)
			if (vote(o, s, &r[k]) < 0)
				o->old_gas = false;
	}
	return 0;
}

int relocs_read(struct obj *o)
{
	int ret = relocs_dialect(o);

	for (u32 i = 1; i < o->nr_secs && !ret; i++)
		if (o->secs[i].kind == SEC_CODE)
			ret = read_section(o, &o->secs[i]);
	return ret;
}
