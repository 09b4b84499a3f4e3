/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link.c: programs as the engines and the kernel want them: the function,
 * followed by every function that it reaches, each once, in the order in which
 * a reader who follows calls meets them (libbpf's order). References are filled
 * in as functions are laid down; line and function records move with them.
 */
#include "obj/open.h"

/* Slots of all programs together: shared subprograms are copied, and a
 * hostile object must not turn a few bytes into gigabytes. */
enum { MAX_LINKED_INSNS = 8 << 20 };

struct frame { u32 func, next_ref; };

struct link {
	struct obj *o;
	u32 number;		/* of the program, from 1 */
	u32 nr_insns, nr_lines, nr_cores;
	VEC(u32) order;		/* functions in order of place */
	VEC(struct frame) stack;
	u64 total;		/* slots of all programs so far */
};

/* ---- which functions, where ------------------------------------------------ */

static int place(struct link *l, u32 index)
{
	struct obj *o = l->o;
	struct obj_func *f = &o->funcs[index];
	const struct obj_sec *s = &o->secs[f->sec];

	f->placed_for = l->number;
	f->placed_at = l->nr_insns;
	l->nr_insns += f->nr_insns;
	l->nr_lines += f->nr_lines;
	l->nr_cores += f->nr_cores;
	l->total += f->nr_insns;
	if (l->total > MAX_LINKED_INSNS)
		return err_set(o->err, ERR_LIMIT, elf_in(o, s),
			       "the object's programs have more than %d instructions in all",
			       MAX_LINKED_INSNS);
	*vec_push(&l->order) = index;
	*vec_push(&l->stack) = (struct frame){ .func = index };
	return 0;
}

/* Follows calls depth first, on a stack of our own. */
static int place_all(struct link *l, u32 root)
{
	struct obj *o = l->o;
	int ret = place(l, root);

	while (l->stack.n && !ret) {
		struct frame *top = &l->stack.v[l->stack.n - 1];
		const struct obj_func *f = &o->funcs[top->func];
		const struct obj_ref *ref;

		if (top->next_ref == f->nr_refs) {
			l->stack.n--;
			continue;
		}
		ref = &o->refs.v[f->first_ref + top->next_ref++];
		if ((ref->kind == REF_CALL || ref->kind == REF_FUNC) &&
		    o->funcs[ref->target].placed_for != l->number)
			ret = place(l, ref->target);
	}
	return ret;
}

/* ---- laying down ------------------------------------------------------------- */

static void patch(struct link *l, struct bpf_insn *insns, u32 at,
		  const struct obj_ref *ref)
{
	struct bpf_insn *insn = &insns[at];
	u32 to = ref->kind == REF_CALL || ref->kind == REF_FUNC ?
		l->o->funcs[ref->target].placed_at : ref->target;

	switch (ref->kind) {
	case REF_CALL:
		insn->imm = (s32)(to - at - 1);
		return;
	case REF_FUNC:
		insn->src_reg = BPF_PSEUDO_FUNC;
		insn->imm = (s32)(to - at - 1);
		insn[1].imm = 0;
		return;
	case REF_MAP:
		insn->src_reg = BPF_PSEUDO_MAP_IDX;
		insn->imm = (s32)to;
		insn[1].imm = 0;
		return;
	case REF_VALUE:
		insn->src_reg = BPF_PSEUDO_MAP_IDX_VALUE;
		insn->imm = (s32)to;
		insn[1].imm = (s32)ref->off;
		return;
	case REF_ADDR:
		insn->imm = (s32)l->o->img->externs[to].addr;
		insn[1].imm = (s32)(l->o->img->externs[to].addr >> 32);
		return;
	case REF_NOTHING:
		insn->src_reg = 0;
		insn->imm = insn->code == (BPF_JMP | BPF_CALL) ? IMAGE_POISON : 0;
		return;
	case REF_EXTERN:
		insn->src_reg = insn->code == (BPF_JMP | BPF_CALL) ?
			BPF_PSEUDO_KFUNC_CALL : BPF_PSEUDO_BTF_ID;
		insn->imm = (s32)to;
		if (insn->src_reg == BPF_PSEUDO_BTF_ID)
			insn[1].imm = 0;
		return;
	}
}

static void lay_func(struct link *l, struct bpf_insn *insns, const struct obj_func *f)
{
	struct obj *o = l->o;

	memcpy(insns + f->placed_at, o->secs[f->sec].code + f->insn,
	       f->nr_insns * sizeof(*insns));
	for (u32 i = 0; i < f->nr_refs; i++) {
		const struct obj_ref *ref = &o->refs.v[f->first_ref + i];

		patch(l, insns, f->placed_at + ref->insn, ref);
	}
}

static u32 lay_lines(struct link *l, struct image_line *lines, const struct obj_func *f)
{
	const struct btf_ext_sec *x = l->o->secs[f->sec].ext;
	u32 n = 0;

	for (u32 i = 0; i < f->nr_lines; i++) {
		const struct btf_line *from = &x->lines[f->first_line + i];
		u32 insn = from->insn_bytes / INSN_BYTES - f->insn + f->placed_at;

		/* of several records for one instruction the last one holds */
		if (n && lines[n - 1].insn == insn)
			n--;
		lines[n++] = (struct image_line){
			.insn = insn, .line = from->line, .col = from->col,
			.file = from->file, .text = from->text,
		};
	}
	return n;
}

static u32 lay_cores(struct link *l, struct image_core *cores, const struct obj_func *f)
{
	for (u32 i = 0; i < f->nr_cores; i++) {
		cores[i] = l->o->cores.v[f->first_core + i];
		cores[i].insn += f->placed_at;
	}
	return f->nr_cores;
}

static void lay_all(struct link *l, struct image_prog *prog)
{
	struct arena *arena = &l->o->img->arena;
	struct bpf_insn *insns = arena_news(arena, l->nr_insns, struct bpf_insn);
	struct image_func *funcs = arena_news(arena, l->order.n, struct image_func);
	struct image_line *lines = arena_news(arena, l->nr_lines, struct image_line);
	struct image_core *cores = arena_news(arena, l->nr_cores, struct image_core);

	for (u32 i = 0; i < l->order.n; i++) {
		const struct obj_func *f = &l->o->funcs[l->order.v[i]];

		lay_func(l, insns, f);
		prog->nr_cores += lay_cores(l, cores + prog->nr_cores, f);
		prog->nr_lines += lay_lines(l, lines + prog->nr_lines, f);
		funcs[i] = (struct image_func){
			.insn = f->placed_at, .name = f->name,
			.type_id = f->type_id, .global = f->global,
		};
	}
	prog->insns = insns;
	prog->nr_insns = l->nr_insns;
	prog->funcs = funcs;
	prog->nr_funcs = (u32)l->order.n;
	prog->lines = lines;
	prog->cores = cores;
	dead_mark(prog, cores);
}

static int link_prog(struct link *l, u32 root)
{
	int ret;

	l->number++;
	l->nr_insns = l->nr_lines = l->nr_cores = 0;
	l->order.n = l->stack.n = 0;
	ret = place_all(l, root);
	if (!ret)
		lay_all(l, &l->o->img->progs[l->o->funcs[root].prog]);
	return ret;
}

int progs_link(struct obj *o)
{
	struct link l = { .o = o };
	int ret = 0;

	for (u32 i = 0; i < o->nr_funcs && !ret; i++)
		if (o->funcs[i].prog >= 0)
			ret = link_prog(&l, i);
	vec_free(&l.order);
	vec_free(&l.stack);
	return ret;
}
