/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core.c: CO-RE relocations: which there are (.BTF.ext), what they are worth
 * (btf/core.h), and the instructions that take the values. What the target has
 * no value for becomes a call of no helper, so that code which the program
 * never reaches does no harm. Happens in the sections' code, before linking.
 */
#include "btf/core.h"
#include "isa/isa.h"
#include "obj/obj.h"
#include "obj/open.h"
#include <stdlib.h>

struct apply {
	struct obj *o;
	struct core *core;
	const struct obj_sec *s;
	struct obj_func *f;		/* that the record at hand lies in */
};

/* ---- one instruction -------------------------------------------------------- */

static int core_bad(struct apply *a, const struct btf_core_relo *r, const char *fmt,
		    const char *arg)
{
	struct strbuf text = { 0 };
	int ret;

	core_describe(&text, a->o->img->btf, r);
	sb_puts(&text, ": ");
	sb_printf(&text, fmt, arg);
	ret = err_set(a->o->err, ERR_CORE, elf_at(a->o, a->s, r->insn_bytes),
		      "CO-RE relocation of %s", sb_text(&text));
	sb_free(&text);
	return ret;
}

static const struct bpf_insn poison = {
	.code = BPF_JMP | BPF_CALL, .imm = IMAGE_POISON,
};

static void poison_insn(struct bpf_insn *insn, bool two)
{
	insn[0] = poison;
	if (two)
		insn[1] = poison;
}

static u32 load_bytes(const struct bpf_insn *insn)
{
	static const u8 bytes[] = { [BPF_W >> 3] = 4, [BPF_H >> 3] = 2,
				    [BPF_B >> 3] = 1, [BPF_DW >> 3] = 8 };

	return bytes[BPF_SIZE(insn->code) >> 3];
}

static bool set_width(struct bpf_insn *insn, u32 bytes)
{
	u8 size = bytes == 1 ? BPF_B : bytes == 2 ? BPF_H : bytes == 4 ? BPF_W : BPF_DW;

	if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8)
		return false;
	insn->code = (u8)((insn->code & ~0x18) | size);
	return true;
}

static int differs(struct apply *a, const struct btf_core_relo *r, s64 has, u64 local)
{
	char text[64];

	snprintf(text, sizeof(text), "%lld, not %llu", (long long)has,
		 (unsigned long long)local);
	return core_bad(a, r, "the instruction holds %s as the types say", text);
}

/* A load or store: the offset, and the width when the field's differs. */
static int patch_mem(struct apply *a, const struct btf_core_relo *r,
		     struct core_result *v, struct bpf_insn *insn)
{
	if (v->check && (s64)insn->off != (s64)v->local)
		return differs(a, r, insn->off, v->local);
	if (v->target > INT16_MAX)
		return core_bad(a, r, "the target's offset does not fit a load's 16 bits%s", "");
	if (v->local_bytes != v->target_bytes && !v->resize) {
		v->reason = "the field has another size and is signed or no number there";
		v->poison = true;
		poison_insn(insn, false);
		return 0;
	}
	insn->off = (s16)v->target;
	if (v->local_bytes == v->target_bytes)
		return 0;
	if (load_bytes(insn) != v->local_bytes)
		return core_bad(a, r, "the instruction's width is not the field's%s", "");
	return set_width(insn, v->target_bytes) ? 0 :
	       core_bad(a, r, "no load has the width of the target's field%s", "");
}

static int patch_imm(struct apply *a, const struct btf_core_relo *r,
		     const struct core_result *v, struct bpf_insn *insn)
{
	if (BPF_SRC(insn->code) != BPF_K)
		return core_bad(a, r, "the instruction has no constant%s", "");
	if (v->check && (u32)insn->imm != (u32)v->local)
		return differs(a, r, insn->imm, v->local);
	insn->imm = (s32)v->target;
	return 0;
}

static int patch_lddw(struct apply *a, const struct btf_core_relo *r,
		      const struct core_result *v, struct bpf_insn *insn)
{
	u64 has = (u32)insn[0].imm | (u64)(u32)insn[1].imm << 32;

	if (v->check && has != v->local)
		return differs(a, r, (s64)has, v->local);
	insn[0].imm = (s32)v->target;
	insn[1].imm = (s32)(v->target >> 32);
	return 0;
}

static int patch(struct apply *a, const struct btf_core_relo *r, struct core_result *v,
		 struct bpf_insn *insn, u32 room)
{
	bool lddw = isa_is_lddw(insn);

	if (lddw && (room < 2 || insn->src_reg || insn->off || insn[1].code))
		return core_bad(a, r, "the instruction is no 64-bit constant%s", "");
	switch (lddw ? BPF_ALU : BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX:
		break;
	default:
		return core_bad(a, r, "the instruction takes no value%s", "");
	}
	if (v->poison) {
		poison_insn(insn, lddw);
		return 0;
	}
	if (lddw)
		return patch_lddw(a, r, v, insn);
	if (BPF_CLASS(insn->code) == BPF_ALU || BPF_CLASS(insn->code) == BPF_ALU64)
		return patch_imm(a, r, v, insn);
	return patch_mem(a, r, v, insn);
}

/* ---- all records --------------------------------------------------------------- */

/* A symbol's relocation at the same place would fight over the value. */
static bool has_ref(const struct obj *o, const struct obj_func *f, u32 insn)
{
	u32 lo = f->first_ref, hi = lo + f->nr_refs;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (o->refs.v[mid].insn < insn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < f->first_ref + f->nr_refs && o->refs.v[lo].insn == insn;
}

/* What R is worth, into its instruction. */
static int make_one(struct apply *a, const struct btf_core_relo *r, struct core_result *v)
{
	u32 at = r->insn_bytes / INSN_BYTES - a->f->insn;
	int ret = core_resolve(a->core, r, v, NULL, a->o->err);

	if (!ret)
		return patch(a, r, v, &a->s->code[a->f->insn + at], a->f->nr_insns - at);
	err_at(a->o->err, elf_at(a->o, a->s, r->insn_bytes));
	return ret;
}

static int apply_one(struct apply *a, const struct btf_core_relo *r)
{
	struct obj *o = a->o;
	u32 at = r->insn_bytes / INSN_BYTES - a->f->insn;
	struct core_result v = { 0 };
	int ret;

	if (has_ref(o, a->f, at))
		return core_bad(a, r, "a symbol's relocation is at the same instruction%s", "");
	ret = o->undecided ? 0 : make_one(a, r, &v);
	if (ret)
		return ret;
	*vec_push(&o->cores) = (struct image_core){
		.insn = at, .relo = *r, .local = v.local, .target = v.poison ? 0 : v.target,
		.status = v.poison ? IMAGE_CORE_POISONED : IMAGE_CORE_OK,
		.reason = v.poison ? arena_strdup(&o->img->arena, v.reason) : NULL,
	};
	a->f->nr_cores++;
	return 0;
}

static int relo_order(const void *x, const void *y)
{
	const struct btf_core_relo *a = x, *b = y;

	return a->insn_bytes < b->insn_bytes ? -1 : a->insn_bytes > b->insn_bytes;
}

static void sort_relos(struct btf_ext_sec *x)
{
	for (u32 i = 1; i < x->nr_cores; i++)
		if (x->cores[i - 1].insn_bytes > x->cores[i].insn_bytes) {
			qsort(x->cores, x->nr_cores, sizeof(*x->cores), relo_order);
			return;
		}
}

/* Functions and records rise together. */
static int apply_section(struct apply *a)
{
	const struct btf_ext_sec *x = a->s->ext;
	struct obj_func *f = a->o->funcs + a->s->first_func, *end = f + a->s->nr_funcs;
	int ret = 0;

	for (u32 i = 0; i < x->nr_cores && !ret; i++) {
		const struct btf_core_relo *r = &x->cores[i];
		u32 insn = r->insn_bytes / INSN_BYTES;

		while (f < end && f->insn + f->nr_insns <= insn)
			if (++f < end)
				f->first_core = (u32)a->o->cores.n;
		if (r->insn_bytes % INSN_BYTES || f == end || insn < f->insn)
			return err_set(a->o->err, ERR_BTF_EXT,
				       elf_at(a->o, a->s, r->insn_bytes),
				       "CO-RE record %u is at no instruction of a function", i);
		if (i && x->cores[i - 1].insn_bytes == r->insn_bytes)
			return core_bad(a, r, "another is at the same instruction%s", "");
		a->f = f;
		ret = apply_one(a, r);
	}
	return ret;
}

/* Does some record ask about a kernel? */
static bool need_target(const struct obj *o)
{
	for (u32 i = 0; i < o->ext->nr_secs; i++)
		for (u32 k = 0; k < o->ext->secs[i].nr_cores; k++)
			if (o->ext->secs[i].cores[k].kind != CORE_TYPE_ID_LOCAL)
				return true;
	return false;
}

static int find_types(struct obj *o, const struct btf **btf, const char **name)
{
	struct target *t = o->target;
	int ret = 0;

	*btf = NULL;
	if (t && need_target(o))
		ret = target_btf(t, btf, o->err);
	if (*btf) {
		o->img->types = *name = arena_strdup(&o->img->arena, t->btf_name);
		return ret;
	}
	*btf = o->img->btf;
	*name = "the object's own types";
	if (!ret && t && need_target(o))
		image_note(o->img, "this system has no kernel types (%s); the object's own "
			   "stand in, another kernel's come with --btf FILE", t->btf_name);
	return ret;
}

static int find_modules(void *arg, const struct core_module **out, u32 *n,
			struct skep_err *err)
{
	return target_modules(arg, out, n, err);
}

int cores_apply(struct obj *o)
{
	struct apply a = { .o = o };
	const struct btf *btf;
	const char *name;
	u32 n = 0;
	int ret = 0;

	for (u32 i = 0; o->ext && i < o->ext->nr_secs; i++)
		n += o->ext->secs[i].nr_cores;
	if (!n)
		return 0;
	ret = find_types(o, &btf, &name);
	if (ret)
		return ret;
	a.core = core_new(&o->tmp, o->img->btf, btf, name);
	if (o->target && btf != o->img->btf)
		core_set_modules(a.core, find_modules, o->target);
	for (u32 i = 0; i < o->ext->nr_secs; i++) {
		sort_relos(&o->ext->secs[i]);
		core_want(a.core, o->ext->secs[i].cores, o->ext->secs[i].nr_cores);
	}
	for (u32 i = 1; i < o->nr_secs && !ret; i++) {
		a.s = &o->secs[i];
		if (a.s->kind != SEC_CODE || !a.s->ext)
			continue;
		if (a.s->nr_funcs)
			o->funcs[a.s->first_func].first_core = (u32)o->cores.n;
		ret = apply_section(&a);
	}
	return ret;
}
