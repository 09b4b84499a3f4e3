/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lower_unwind.c: dw_ustack(): a process' stack followed by the rows of .eh_frame that the
 * tracer has put into maps (run_unwind.c): which code the process has mapped where, and for
 * each address how the caller is found. One function for all programs goes up one frame;
 * bpf_loop calls it. A stack is kept once, under a hash of its addresses.
 */
#include "lang/lower.h"
#include "sym/cfi.h"
#include <stdlib.h>

/* What the function is given: on the program's stack, since it has pointers. */
enum at {
	AT_IP = 0, AT_SP = 8, AT_BP = 16,
	AT_SPACE = 24,		/* address of the process' struct lang_space */
	AT_FRAMES = 32,		/* of how many there are, and their addresses */
	AT_EXACT = 40,		/* 1: IP is what is next, not where a call returns to */
	AT_SKIP = 48,		/* frames that are left out */
	AT_HASH = 56,
	AT_BYTES = 64
};
enum { FRAMES_MASK = 127, ROUNDS = 23, FIRST_STEP = 1 << (ROUNDS - 1) };
enum { ROW = sizeof(struct cfi_row) };
_Static_assert(ROW == 16 && sizeof(struct lang_space_part) == 32, "shifts below");

struct low_regs { s32 ip, sp, bp; };	/* places in struct pt_regs */

/* ---- maps -------------------------------------------------------------------- */

static u32 named_map(struct lang *l, const struct ir_map *def)
{
	for (u32 m = 0; m < l->ir.maps.n; m++)
		if (!strcmp(l->ir.maps.v[m].name, def->name))
			return m;
	return ir_map_add(&l->ir, def);
}

static u32 rows_map(struct lang *l)
{
	l->unit->rows = "skep_rows";
	return named_map(l, &(struct ir_map){ .name = l->unit->rows, .type = BPF_MAP_TYPE_ARRAY,
			 .key_bytes = 4, .value_bytes = ROW, .max_entries = 1 });
}

static u32 spaces_map(struct lang *l)
{
	l->unit->spaces = "skep_spaces";
	return named_map(l, &(struct ir_map){ .name = l->unit->spaces, .type = BPF_MAP_TYPE_HASH,
			 .key_bytes = 4, .value_bytes = sizeof(struct lang_space),
			 .max_entries = LANG_SPACES });
}

static u32 kept_map(struct lang *l, const struct lang_stacks *s)
{
	return named_map(l, &(struct ir_map){ .name = s->bpf_name[0], .type = BPF_MAP_TYPE_HASH,
			 .key_bytes = 8, .value_bytes = 8 + 8 * s->frames,
			 .max_entries = (u32)max_u64(16384, min_u64(32768,
								    l->config.max_map_keys)) });
}

/* ---- the function of one frame ----------------------------------------------- */

struct step {
	struct low w;
	struct ir_insn *st, *space, *ip, *sp, *bp, *key, *word;
	struct ir_block *stop;		/* returns 1: no more frames */
};

static struct ir_insn *plus(struct step *s, struct ir_insn *a, struct ir_insn *b)
{
	return ir_op2(s->w.f, IR_ADD, 64, a, b);
}

static struct ir_insn *field(struct step *s, s32 at)
{
	return ir_load(s->w.f, 8, false, s->st, at);
}

/* Goes on where CC holds of A and B, else stops. */
static void must(struct step *s, enum ir_cc cc, struct ir_insn *a, struct ir_insn *b)
{
	struct ir_block *good = low_block_new(&s->w);

	ir_br(s->w.f, cc, 64, a, b, good, s->stop);
	low_at(&s->w, good);
}

/* The word of the process at ADDR; one that cannot be read ends the stack. */
static struct ir_insn *word_at(struct step *s, struct ir_insn *addr)
{
	ir_store(s->w.f, 8, s->word, 0, num(&s->w, 0));
	must(s, CC_EQ, ir_call(s->w.f, BPF_FUNC_probe_read_user, 3, s->word, num(&s->w, 8), addr),
	     num(&s->w, 0));
	return ir_load(s->w.f, 8, false, s->word, 0);
}

/* IP becomes frame I, unless it is to be left out. */
static void keep_frame(struct step *s)
{
	struct low *w = &s->w;
	struct ir_block *some = low_block_new(w), *none = low_block_new(w);
	struct ir_insn *i = ir_arg(w->f, 0), *skip = field(s, AT_SKIP), *frames, *at;

	i = ir_conv(w->f, IR_ZEXT, 4, i);
	ir_br(w->f, CC_UGE, 64, i, skip, some, none);
	low_at(w, some);
	frames = field(s, AT_FRAMES);
	i = ir_op2(w->f, IR_SUB, 64, i, skip);
	at = ir_op2(w->f, IR_SHL, 64, ir_op2(w->f, IR_AND, 64, i, num(w, FRAMES_MASK)), num(w, 3));
	ir_store(w->f, 8, plus(s, frames, at), 8, s->ip);
	ir_store(w->f, 8, frames, 0, ir_addi(w->f, i, 1));
	ir_store(w->f, 8, s->st, AT_HASH, ir_op2(w->f, IR_MUL, 64,
		 ir_op2(w->f, IR_XOR, 64, field(s, AT_HASH), s->ip),
		 num(w, (s64)0x9e3779b97f4a7c15)));
	ir_jmp(w->f, none);
	low_at(w, none);
}

/* The part of the process' code that has LOOK: the last that begins at or before it. */
static struct ir_insn *find_part(struct step *s, struct ir_insn *look)
{
	struct low *w = &s->w;
	struct ir_insn *n = ir_load(w->f, 4, false, s->space, 0), *at, *part;
	const u32 pos = ir_var(w->f);

	ir_write(w->f, pos, ir_load(w->f, 4, false, s->space, 4));	/* 0, unseen */
	for (u32 step = 128; step; step /= 2) {
		struct ir_block *there = low_block_new(w), *take = low_block_new(w);
		struct ir_block *next = low_block_new(w);

		at = ir_addi(w->f, ir_read(w->f, pos), step);
		ir_br(w->f, CC_ULT, 64, at, n, there, next);
		low_at(w, there);
		part = plus(s, s->space, ir_op2(w->f, IR_SHL, 64, ir_op2(w->f, IR_AND, 64, at,
			    num(w, LANG_SPACE_PARTS)), num(w, 5)));
		ir_br(w->f, CC_ULE, 64, ir_load(w->f, 8, false, part, 8), look, take, next);
		low_at(w, take);
		ir_write(w->f, pos, at);
		ir_jmp(w->f, next);
		low_at(w, next);
	}
	part = ir_op2(w->f, IR_AND, 64, ir_read(w->f, pos), num(w, LANG_SPACE_PARTS));
	part = plus(s, s->space, ir_op2(w->f, IR_SHL, 64, part, num(w, 5)));
	must(s, CC_NE, n, num(w, 0));
	must(s, CC_UGE, look, ir_load(w->f, 8, false, part, 8));
	must(s, CC_ULT, look, ir_load(w->f, 8, false, part, 16));
	return part;
}

static struct ir_insn *row_at(struct step *s, struct ir_insn *pos, struct ir_block *none)
{
	struct low *w = &s->w;
	struct ir_block *has = low_block_new(w);
	struct ir_insn *row;

	ir_store(w->f, 4, s->key, 0, pos);
	row = ir_call(w->f, BPF_FUNC_map_lookup_elem, 2, ir_map(w->f, rows_map(w->l)), s->key);
	ir_br(w->f, CC_NE, 64, row, num(w, 0), has, none);
	low_at(w, has);
	return row;
}

/* The row of PART's file that holds for LOOK. */
static struct ir_insn *find_row(struct step *s, struct ir_insn *part, struct ir_insn *look)
{
	struct low *w = &s->w;
	struct ir_block *head = low_block_new(w), *body = low_block_new(w), *there, *take, *next;
	struct ir_block *end = low_block_new(w);
	struct ir_insn *addr, *last, *at, *row;
	const u32 pos = ir_var(w->f), round = ir_var(w->f);

	there = low_block_new(w), take = low_block_new(w), next = low_block_new(w);
	addr = ir_op2(w->f, IR_SUB, 64, look, ir_load(w->f, 8, false, part, 24));
	ir_write(w->f, pos, ir_load(w->f, 4, false, part, 32));
	last = plus(s, ir_read(w->f, pos), ir_load(w->f, 4, false, part, 36));
	ir_write(w->f, round, num(w, 0));
	ir_jmp(w->f, head);
	ir_at(w->f, head);
	ir_br(w->f, CC_ULT, 64, ir_read(w->f, round), num(w, ROUNDS), body, end);
	low_at(w, body);
	at = plus(s, ir_read(w->f, pos), ir_op2(w->f, IR_SHR, 64, num(w, FIRST_STEP),
						ir_read(w->f, round)));
	ir_br(w->f, CC_ULT, 64, at, last, there, next);
	low_at(w, there);
	row = row_at(s, at, s->stop);
	ir_br(w->f, CC_ULE, 64, ir_load(w->f, 8, false, row, 0), addr, take, next);
	low_at(w, take);
	ir_write(w->f, pos, at);
	ir_jmp(w->f, next);
	low_at(w, next);
	ir_write(w->f, round, ir_addi(w->f, ir_read(w->f, round), 1));
	ir_jmp(w->f, head);
	ir_seal(head);
	low_at(w, end);
	row = row_at(s, ir_read(w->f, pos), s->stop);
	must(s, CC_ULE, ir_load(w->f, 8, false, row, 0), addr);
	return row;
}

/* Where a signal has interrupted: the registers are in the ucontext, struct sigcontext_64
 * from byte 40 on. */
static void from_signal(struct step *s)
{
	struct low *w = &s->w;
	struct ir_insn *v = word_at(s, ir_addi(w->f, s->sp, 168));

	ir_store(w->f, 8, s->st, AT_IP, v);
	v = word_at(s, ir_addi(w->f, s->sp, 120));
	ir_store(w->f, 8, s->st, AT_BP, v);
	v = word_at(s, ir_addi(w->f, s->sp, 160));
	ir_store(w->f, 8, s->st, AT_SP, v);
	ir_store(w->f, 8, s->st, AT_EXACT, num(w, 1));
	ir_exit(w->f, num(w, 0));
}

/* A block for values of KIND that are KNOWN; what follows is for others. */
static struct ir_block *when(struct step *s, struct ir_insn *kind, s64 known)
{
	struct ir_block *yes = low_block_new(&s->w), *no = low_block_new(&s->w);

	ir_br(s->w.f, CC_EQ, 64, kind, num(&s->w, known), yes, no);
	low_at(&s->w, no);
	return yes;
}

/* The address of the caller's frame, by ROW. */
static struct ir_insn *caller_frame(struct step *s, struct ir_insn *row)
{
	struct low *w = &s->w;
	struct ir_insn *kind = ir_load(w->f, 1, false, row, 12);
	struct ir_insn *off = ir_load(w->f, 4, true, row, 8), *far;
	struct ir_block *sp = when(s, kind, CFI_SP), *bp = when(s, kind, CFI_BP);
	struct ir_block *plt = when(s, kind, CFI_PLT), *at = when(s, kind, CFI_DEREF);
	struct ir_block *sig = when(s, kind, CFI_SIGNAL), *end = low_block_new(w);
	const u32 cfa = ir_var(w->f);

	ir_jmp(w->f, s->stop);
	low_at(w, sig);
	from_signal(s);
	low_at(w, sp);
	ir_write(w->f, cfa, plus(s, s->sp, off));
	ir_jmp(w->f, end);
	low_at(w, bp);
	ir_write(w->f, cfa, plus(s, s->bp, off));
	ir_jmp(w->f, end);
	low_at(w, plt);
	far = ir_set(w->f, CC_UGE, 64, ir_op2(w->f, IR_AND, 64, s->ip, num(w, 15)), off);
	ir_write(w->f, cfa, ir_addi(w->f, plus(s, s->sp, ir_op2(w->f, IR_SHL, 64, far,
								num(w, 3))), 8));
	ir_jmp(w->f, end);
	low_at(w, at);
	ir_write(w->f, cfa, word_at(s, plus(s, s->bp, off)));
	ir_jmp(w->f, end);
	low_at(w, end);
	return ir_read(w->f, cfa);
}

/* The caller's rbp. */
static struct ir_insn *caller_bp(struct step *s, struct ir_insn *how, struct ir_insn *off,
				 struct ir_insn *cfa)
{
	struct low *w = &s->w;
	struct ir_block *at_cfa = when(s, how, CFI_BP_AT_CFA), *at_bp = when(s, how, CFI_BP_AT_BP);
	struct ir_block *gone = when(s, how, CFI_BP_GONE), *end = low_block_new(w);
	const u32 bp = ir_var(w->f);

	ir_write(w->f, bp, s->bp);
	ir_jmp(w->f, end);
	low_at(w, gone);
	ir_write(w->f, bp, num(w, 0));
	ir_jmp(w->f, end);
	low_at(w, at_cfa);
	ir_write(w->f, bp, word_at(s, plus(s, cfa, off)));
	ir_jmp(w->f, end);
	low_at(w, at_bp);
	ir_write(w->f, bp, word_at(s, plus(s, s->bp, off)));
	ir_jmp(w->f, end);
	low_at(w, end);
	return ir_read(w->f, bp);
}

static void go_up(struct step *s)
{
	struct low *w = &s->w;
	struct ir_insn *look = ir_addi(w->f, plus(s, s->ip, field(s, AT_EXACT)), -1);
	struct ir_insn *row = find_row(s, find_part(s, look), look), *cfa, *how, *off, *v;

	how = ir_load(w->f, 1, false, row, 13);
	off = ir_load(w->f, 2, true, row, 14);
	cfa = caller_frame(s, row);
	must(s, CC_UGT, cfa, s->sp);
	v = word_at(s, ir_addi(w->f, cfa, -8));
	ir_store(w->f, 8, s->st, AT_IP, v);
	v = caller_bp(s, how, off, cfa);
	ir_store(w->f, 8, s->st, AT_BP, v);
	ir_store(w->f, 8, s->st, AT_SP, cfa);
	ir_store(w->f, 8, s->st, AT_EXACT, num(w, 0));
	ir_exit(w->f, num(w, 0));
}

void low_unwinder(struct lang *l)
{
	struct step s = { .w = { .l = l } };

	s.w.f = ir_func_new(&l->ir, "skep_unwind", NULL, 2);
	l->unwinder = s.w.f;
	s.stop = low_block_new(&s.w);
	s.key = ir_slot(s.w.f, 8, 8);
	s.word = ir_slot(s.w.f, 8, 8);
	s.st = ir_arg(s.w.f, 1);
	s.space = field(&s, AT_SPACE);
	s.ip = field(&s, AT_IP);
	s.sp = field(&s, AT_SP);
	s.bp = field(&s, AT_BP);
	must(&s, CC_NE, s.ip, num(&s.w, 0));
	keep_frame(&s);
	go_up(&s);
	low_at(&s.w, s.stop);
	ir_exit(s.w.f, num(&s.w, 1));
}

/* ---- in programs ------------------------------------------------------------- */

/* The process' registers: the context of its own probes, else what the system saved. */
static void registers(struct low *w, struct ir_insn *st)
{
	const s32 at[][2] = { { AT_IP, low_register("ip") }, { AT_SP, low_register("sp") },
			      { AT_BP, low_register("bp") } };
	const bool own = probe_flags(w->p->place->kind) & PF_USER;
	struct ir_insn *regs = own ? w->ctx : ir_call(w->f, BPF_FUNC_task_pt_regs, 1,
		ir_call(w->f, BPF_FUNC_get_current_task_btf, 0));

	for (u32 i = 0; i < ARRAY_LEN(at); i++) {
		ir_store(w->f, 8, st, at[i][0], own ? ir_load(w->f, 8, false, regs, at[i][1]) :
			 num(w, 0));
		if (!own)
			ir_call(w->f, BPF_FUNC_probe_read_kernel, 3, ir_addi(w->f, st, at[i][0]),
				num(w, 8), ir_addi(w->f, regs, at[i][1]));
	}
}

/* Without rows there is one frame. */
static void one_frame(struct low *w, struct ir_insn *st, struct ir_insn *frames, u32 skip)
{
	struct ir_insn *ip = ir_load(w->f, 8, false, st, AT_IP);

	low_count(w, LC_NO_ROWS);
	if (skip)
		return;
	ir_store(w->f, 8, frames, 0, num(w, 1));
	ir_store(w->f, 8, frames, 8, ip);
	ir_store(w->f, 8, st, AT_HASH, ip);
}

/* The stack of hash ID is in the map from now on. */
static void keep_stack(struct low *w, u32 map, struct ir_insn *id, struct ir_insn *frames)
{
	struct ir_block *new = low_block_new(w), *lost = low_block_new(w), *end = low_block_new(w);
	struct ir_insn *key = low_temp(w, 8);

	ir_store(w->f, 8, key, 0, id);
	ir_br(w->f, CC_EQ, 64, ir_call(w->f, BPF_FUNC_map_lookup_elem, 2, ir_map(w->f, map), key),
	      num(w, 0), new, end);
	low_at(w, new);
	ir_br(w->f, CC_NE, 64, ir_call(w->f, BPF_FUNC_map_update_elem, 4, ir_map(w->f, map), key,
				       frames, num(w, BPF_ANY)), num(w, 0), lost, end);
	low_at(w, lost);
	low_count(w, LC_STACK_LOST);
	ir_jmp(w->f, end);
	low_at(w, end);
}

struct ir_insn *low_unwind(struct low *w, const struct node *n, struct ir_insn *pid,
			   struct ir_insn **frames)
{
	const struct lang_stacks *to = &w->l->unit->stacks.v[n->ty->par[2]];
	const u32 skip = (u32)n->num;
	struct ir_block *has = low_block_new(w), *none = low_block_new(w), *end = low_block_new(w);
	struct ir_insn *key = low_temp(w, 8), *space, *id;

	if (!w->unwind) {
		w->unwind = ir_slot(w->f, AT_BYTES, 8);
		w->stack_used += AT_BYTES;
	}
	*frames = low_temp(w, 8 + 8 * (FRAMES_MASK + 1));
	registers(w, w->unwind);
	ir_store(w->f, 8, w->unwind, AT_FRAMES, *frames);
	ir_store(w->f, 8, w->unwind, AT_EXACT, num(w, 1));
	ir_store(w->f, 8, w->unwind, AT_SKIP, num(w, skip));
	ir_store(w->f, 8, w->unwind, AT_HASH, num(w, 0));
	ir_store(w->f, 8, *frames, 0, num(w, 0));
	ir_store(w->f, 8, key, 0, num(w, 0));
	ir_store(w->f, 4, key, 0, pid);
	space = ir_call(w->f, BPF_FUNC_map_lookup_elem, 2, ir_map(w->f, spaces_map(w->l)), key);
	ir_br(w->f, CC_NE, 64, space, num(w, 0), has, none);
	low_at(w, none);
	one_frame(w, w->unwind, *frames, skip);
	ir_jmp(w->f, end);
	low_at(w, has);
	ir_store(w->f, 8, w->unwind, AT_SPACE, space);
	ir_call(w->f, BPF_FUNC_loop, 4, num(w, to->frames + skip),
		ir_funcptr(w->f, w->l->unwinder), w->unwind, num(w, 0));
	ir_jmp(w->f, end);
	low_at(w, end);
	id = ir_op2(w->f, IR_SHR, 64, ir_load(w->f, 8, false, w->unwind, AT_HASH), num(w, 1));
	return id;
}

void low_unwind_keep(struct low *w, const struct node *n, struct ir_insn *id,
		     struct ir_insn *frames)
{
	keep_stack(w, kept_map(w->l, &w->l->unit->stacks.v[n->ty->par[2]]), id, frames);
}
