/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lower.c: from typed scripts to intermediate code: statements, loops, programs. A loop
 * over a map is a function that the kernel calls for each element; what it shares with
 * the code around lies in memory that it is given. A program that needs memory of its cpu
 * is made a second time, with it.
 */
#include "lang/lower.h"
#include "kernel/kernel.h"
#include <stdlib.h>

enum { ROUNDS_MAX = 1 << 23, FEW_ROUNDS = 8, CPU_BYTES_MAX = 1 << 15 };

void low_at(struct low *w, struct ir_block *b)
{
	ir_at(w->f, b);
	ir_seal(b);
}

/* ---- maps that every program may need ---------------------------------------- */

static u32 data_map(struct lang *l, const char *name, u32 type, u32 bytes, u32 flags)
{
	const struct ir_map def = { .name = name, .type = type, .key_bytes = 4,
		.value_bytes = (u32)round_up(bytes, 8), .max_entries = 1, .flags = flags };

	return ir_map_add(&l->ir, &def);
}

u32 low_zero_map(struct lang *l, u32 bytes)
{
	const u32 size = (u32)round_up(bytes, 8);

	if (!l->zero_map)
		l->zero_map = 1 + data_map(l, ".bss.zero", BPF_MAP_TYPE_ARRAY, size, 0);
	if (l->ir.maps.v[l->zero_map - 1].value_bytes < size)
		l->ir.maps.v[l->zero_map - 1].value_bytes = size;
	return l->zero_map - 1;
}

static u32 counters_map(struct lang *l)
{
	const u32 n = LC_FIRST_MAP + (u32)l->maps.n;

	if (!l->unit->counters) {
		l->unit->counters = ".bss.counters";
		l->counters_map = data_map(l, l->unit->counters, BPF_MAP_TYPE_ARRAY, 8 * n, 0);
	}
	return l->counters_map;
}

void low_count(struct low *w, u32 i)
{
	ir_addto(w->f, 8, ir_mapval(w->f, counters_map(w->l), 8 * i), 0, num(w, 1));
}

struct ir_insn *low_counter(struct low *w, u32 i)
{
	return ir_load(w->f, 8, false, ir_mapval(w->f, counters_map(w->l), 8 * i), 0);
}

u32 low_ring(struct lang *l)
{
	u64 bytes = l->config.perf_rb_pages ? l->config.perf_rb_pages * 4096 : 64 * 4096,
	    size = 4096;

	if (l->unit->ring)
		return l->ring_map;
	while (size < bytes && size < 1u << 30)
		size *= 2;
	l->unit->ring = "skep_ring";
	l->ring_map = ir_map_add(&l->ir, &(struct ir_map){ .name = l->unit->ring,
				 .type = BPF_MAP_TYPE_RINGBUF, .max_entries = (u32)size });
	return l->ring_map;
}

/* Places in a table of stacks: more when a script wants many keys. */
static u32 stack_places(const struct lang *l)
{
	u32 n = 4096;

	while (n < 16384 && n < l->config.max_map_keys / 8)
		n *= 2;
	return n;
}

/* Values are as many frames as asked for. */
u32 low_stack_map(struct lang *l, u32 i, u32 level)
{
	const struct lang_stacks *s = &l->unit->stacks.v[i];

	for (u32 m = 0; m < l->ir.maps.n; m++)
		if (!strcmp(l->ir.maps.v[m].name, s->bpf_name[level]))
			return m;
	return ir_map_add(&l->ir, &(struct ir_map){ .name = s->bpf_name[level],
			  .type = BPF_MAP_TYPE_STACK_TRACE, .key_bytes = 4,
			  .value_bytes = 8 * s->frames, .max_entries = stack_places(l) });
}

/* ---- statements -------------------------------------------------------------- */

/* Iterators that loops around hold, up to UNTIL. */
static void drop_iterators(struct low *w, const struct loop *until)
{
	for (const struct loop *l = w->loops; l && l != until; l = l->outer)
		if (l->iter)
			ir_kfunc(w->f, "bpf_iter_num_destroy", 1, l->iter);
}

/* Out of the function that is called here. */
static void leave(struct low *w)
{
	drop_iterators(w, w->inner->loops);
	ir_jmp(w->f, w->inner->end);
}

/* Out of a loop's function, which tells those around it what else is left. */
static void leave_loop(struct low *w, struct ir_insn *what)
{
	if (w->record)
		ir_call(w->f, BPF_FUNC_ringbuf_discard, 2, w->record, num(w, 0));
	drop_iterators(w, NULL);
	ir_store(w->f, 8, w->up, CAPS_RETURNED, what);
	ir_exit(w->f, num(w, 1));
}

/* return of a function, perhaps in a loop over a map. */
static void give_back(struct low *w, struct node *n)
{
	if (n->b)
		low_assign_var(w, n->b->sem, low_expr(w, n->a));
	else if (n->a)
		low_expr(w, n->a);
	if (w->inner)
		leave(w);
	else
		leave_loop(w, num(w, RETURNED_FUNCTION));
}

/* A loop over a map was left by more than break. */
static void go_on_leaving(struct low *w)
{
	struct ir_insn *what = ir_load(w->f, 8, false, w->own, CAPS_RETURNED);
	struct ir_block *all;

	if (w->inner) {
		struct ir_block *here = low_block_new(w);

		all = low_block_new(w);
		ir_br(w->f, CC_EQ, 64, what, num(w, RETURNED_FUNCTION), here, all);
		low_at(w, here);
		leave(w);
		low_at(w, all);
		what = num(w, RETURNED_PROGRAM);
	}
	if (w->depth)
		leave_loop(w, what);
	else
		low_return(w);
}

struct val low_fncall(struct low *w, struct node *n)
{
	struct inner in = { w->inner, w->loops, low_block_new(w) };

	for (struct node *let = n->list; let; let = let->next)
		low_statement(w, let);
	w->inner = &in;
	low_block(w, n->b);
	w->inner = in.outer;
	ir_jmp(w->f, in.end);
	low_at(w, in.end);
	return n->a ? low_read_var(w, n->a->sem) : (struct val){ n->ty, num(w, 0), SPACE_NONE };
}

void low_return(struct low *w)
{
	if (w->depth) {
		leave_loop(w, num(w, RETURNED_PROGRAM));
		return;
	}
	if (w->record)
		ir_call(w->f, BPF_FUNC_ringbuf_discard, 2, w->record, num(w, 0));
	drop_iterators(w, NULL);
	low_release_scratch(w);
	ir_exit(w->f, num(w, 0));
}

static void low_return_value(struct low *w, struct node *n)
{
	struct ir_insn *v = n ? low_num(w, n) : NULL;

	if (!v || w->depth || w->p->place->kind != LP_TEST) {
		low_return(w);
		return;
	}
	drop_iterators(w, NULL);
	ir_exit(w->f, v);
}

static void go_dead(struct low *w)
{
	low_at(w, low_block_new(w));
}

static void jump(struct low *w, bool again)
{
	struct loop *l = w->loops;

	if (!l) {			/* the body is a function */
		ir_exit(w->f, num(w, !again));
	} else {
		ir_jmp(w->f, again ? l->next : l->end);
	}
}

static void assign(struct low *w, struct node *n)
{
	struct var *v;
	struct val x;

	if (!n->a) {
		low_expr(w, n->b);
		return;
	}
	if (n->a->kind == N_MAP) {
		low_map_assign(w, n);
		return;
	}
	v = n->a->sem;
	if (!n->op && ty_is_mem(v->ty) && n->b->kind != N_VAR) {
		const struct val to = low_read_var(w, v);	/* its memory */
		struct ir_insn *tmp = low_temp(w, v->ty->bytes);

		low_into(w, n->b, v->ty, tmp, 0, true);
		low_copy(w, to.v, 0, tmp, 0, v->ty->bytes);
		return;
	}
	x = low_expr(w, n->b);
	if (n->op)
		x = (struct val){ v->ty, low_binary(w, n->op, low_read_var(w, v), x, v->ty),
				  SPACE_NONE };
	low_assign_var(w, v, x);
}

static void let(struct low *w, struct node *n)
{
	struct var *v = n->a->sem;

	if (!v->ty)
		return;
	if (!n->b && ty_is_mem(v->ty))
		low_zero(w, low_read_var(w, v).v, 0, v->ty->bytes);
	else if (!n->b)
		low_assign_var(w, v, (struct val){ v->ty, num(w, 0), SPACE_NONE });
	else if (ty_is_mem(v->ty))
		low_into(w, n->b, v->ty, low_read_var(w, v).v, 0, true);
	else
		low_assign_var(w, v, low_expr(w, n->b));
}

static void low_while(struct low *w, struct node *n)
{
	struct ir_block *head = low_block_new(w), *body = low_block_new(w), *end = low_block_new(w);
	struct loop loop = { w->loops, head, end, NULL, 0 };

	ir_jmp(w->f, head);
	ir_at(w->f, head);
	low_cond(w, n->a, body, end);
	low_at(w, body);
	w->loops = &loop;
	low_block(w, n->b);
	w->loops = loop.outer;
	ir_jmp(w->f, head);
	ir_seal(head);
	low_at(w, end);
}

/* ---- loops over numbers: the verifier looks at an open-coded iterator's body once --- */

static u32 walked(const struct low *w)
{
	const struct loop *l = w->loops;

	while (l && !l->walked)
		l = l->outer;
	return l ? l->walked : 1;
}

static void counted_loop(struct low *w, struct var *v, struct ir_insn *from, struct ir_insn *to,
			 struct node *block)
{
	struct ir_block *head = low_block_new(w), *body = low_block_new(w);
	struct ir_block *next = low_block_new(w), *end = low_block_new(w);
	struct loop loop = { w->loops, next, end, NULL, 0 };
	const u32 i = ir_var(w->f);

	if (from->op == IR_CONST && to->op == IR_CONST && to->imm > from->imm)
		loop.walked = (u32)min_u64((u64)(to->imm - from->imm) * walked(w), UINT16_MAX);
	ir_write(w->f, i, from);
	ir_jmp(w->f, head);
	ir_at(w->f, head);
	ir_br(w->f, CC_SLT, 64, ir_read(w->f, i), to, body, end);
	low_at(w, body);
	if (v)
		low_assign_var(w, v, (struct val){ v->ty, ir_read(w->f, i), SPACE_NONE });
	w->loops = &loop;
	low_block(w, block);
	w->loops = loop.outer;
	ir_jmp(w->f, next);
	low_at(w, next);
	ir_write(w->f, i, ir_addi(w->f, ir_read(w->f, i), 1));
	ir_jmp(w->f, head);
	ir_seal(head);
	low_at(w, end);
}

static void blur_var(struct low *w, struct var *v, struct ir_insn *zero)
{
	if (!v->ty || v->ty->kind != TY_INT)
		return;
	if (v->captured && v->depth <= w->depth)
		low_assign_var(w, v, (struct val){ v->ty, ir_op2(w->f, IR_ADD, 64,
			       low_read_var(w, v).v, zero), SPACE_NONE });
	else if (!v->captured && v->func == w->f)
		ir_write(w->f, v->ir, ir_op2(w->f, IR_ADD, 64, ir_read(w->f, v->ir), zero));
}

/*
 * Variables that the loop changes begin it, and each of its rounds, as numbers that the
 * verifier does not know, so that one round looks to it like the next: 0 is added, which it
 * cannot see to be 0. A round that a branch leaves with a constant would be a new state else.
 */
static void blur(struct low *w, const struct node *n, struct ir_insn *zero)
{
	for (; n; n = n->next) {
		const struct node *to = n->kind == N_ASSIGN || (n->kind == N_UNARY &&
			(n->op == OP_INC || n->op == OP_DEC)) ? n->a : NULL;

		if (to && to->kind == N_VAR)
			blur_var(w, to->sem, zero);
		blur(w, n->a, zero);
		blur(w, n->b, zero);
		blur(w, n->c, zero);
		blur(w, n->list, zero);
	}
}

static struct ir_insn *unseen_zero(struct low *w)
{
	return ir_load(w->f, 8, false, ir_mapval(w->f, low_zero_map(w->l, 8), 0), 0);
}

static void iterator_loop(struct low *w, struct var *v, struct ir_insn *from, struct ir_insn *to,
			  struct ir_insn *plus, struct node *block)
{
	struct ir_block *head = low_block_new(w), *body = low_block_new(w), *end = low_block_new(w);
	struct ir_insn *it = ir_slot(w->f, 8, 8), *p;
	struct loop loop = { w->loops, head, end, it, 0 };
	struct ir_insn *zero = unseen_zero(w);

	w->stack_used += 8;
	blur(w, block->list, zero);
	ir_kfunc(w->f, "bpf_iter_num_new", 3, it, from, to);
	ir_jmp(w->f, head);
	ir_at(w->f, head);
	p = ir_kfunc(w->f, "bpf_iter_num_next", 1, it);
	ir_br(w->f, CC_NE, 64, p, num(w, 0), body, end);
	low_at(w, body);
	blur(w, block->list, zero);
	if (v) {
		struct ir_insn *i = ir_load(w->f, 4, true, p, 0);

		if (plus)
			i = ir_op2(w->f, IR_ADD, 64, plus, i);
		low_assign_var(w, v, (struct val){ v->ty, i, SPACE_NONE });
	}
	w->loops = &loop;
	low_block(w, block);
	w->loops = loop.outer;
	ir_jmp(w->f, head);
	ir_seal(head);
	low_at(w, end);
	ir_kfunc(w->f, "bpf_iter_num_destroy", 1, it);
}

/*
 * An iterator counts from 0, so that bounds of 64 bits are right; it gives no more than
 * 2^23 elements: a loop of more rounds says so and does not run.
 */
static struct ir_insn *rounds_of(struct low *w, struct ir_insn *from, struct ir_insn *to)
{
	const u32 n = ir_var(w->f);
	struct ir_block *some = low_block_new(w), *none = low_block_new(w);
	struct ir_block *big = low_block_new(w), *fits = low_block_new(w), *end = low_block_new(w);
	struct ir_insn *all;

	ir_br(w->f, CC_SLT, 64, from, to, some, none);
	low_at(w, none);
	ir_write(w->f, n, num(w, 0));
	ir_jmp(w->f, end);
	low_at(w, some);
	all = ir_op2(w->f, IR_SUB, 64, to, from);
	ir_br(w->f, CC_ULE, 64, all, num(w, ROUNDS_MAX), fits, big);
	low_at(w, fits);
	ir_write(w->f, n, all);
	ir_jmp(w->f, end);
	low_at(w, big);
	low_complain(w, "this loop has more than 8388608 rounds and does not run");
	ir_write(w->f, n, num(w, 0));
	ir_jmp(w->f, end);
	low_at(w, end);
	return ir_read(w->f, n);
}

static void number_loop(struct low *w, struct var *v, struct ir_insn *from, struct ir_insn *to,
			struct node *block)
{
	const bool known = from->op == IR_CONST && to->op == IR_CONST;
	/* rounds of loops in loops multiply, and so do the ways through them */
	const bool few = known && (to->imm <= from->imm ||
				   (u64)(to->imm - from->imm) * walked(w) <= FEW_ROUNDS);
	const bool narrow = known && from->imm >= INT32_MIN && to->imm <= INT32_MAX &&
			    to->imm - from->imm <= ROUNDS_MAX;

	if (few || !lang_has_iterators(w->l))
		counted_loop(w, v, from, to, block);
	else if (narrow)
		iterator_loop(w, v, from, to, NULL, block);
	else
		iterator_loop(w, v, num(w, 0), rounds_of(w, from, to), from, block);
}

static void for_range(struct low *w, struct node *n)
{
	struct ir_insn *from = low_num(w, n->list), *to = low_num(w, n->list->next);

	number_loop(w, n->a->sem, from, to, n->c);
}

static void unroll(struct low *w, struct node *n)
{
	struct sema s = { .l = w->l, .p = w->p };
	s64 v = 0;

	sem_const(&s, n->a, &v);
	number_loop(w, NULL, num(w, 0), num(w, v), n->b);
}

/* ---- loops over maps --------------------------------------------------------- */

/* $kv of the callback: (key, value). */
static void set_element(struct low *w, struct node *n)
{
	struct map_var *m = n->b->sem;
	struct var *v = n->a->sem;
	const struct ty_field *key = &v->ty->fields[0], *value = &v->ty->fields[1];
	struct ir_insn *to = low_read_var(w, v).v;

	low_store(w, low_load(w, m->key, ir_arg(w->f, 1), 0, SPACE_NONE), key->ty, to,
		  (s32)key->off, true);
	if (ty_is_agg(m->value)) {
		struct node at = *n->b, k = *n->a;	/* the sum over all cpus */

		k.kind = N_AT;
		k.a = n->a;
		k.num = 0;
		k.ty = m->key;
		at.a = &k;
		ir_store(w->f, 8, to, (s32)value->off, low_map_number(w, &at));
	} else {
		low_store(w, low_load(w, m->value, ir_arg(w->f, 2), 0, SPACE_NONE), value->ty, to,
			  (s32)value->off, true);
	}
}

static struct ir_func *loop_function(struct low *w, struct node *n)
{
	struct low in = { .l = w->l, .p = w->p, .depth = w->depth + 1, .scratch_at = w->scratch_at,
			  .wants_scratch = w->wants_scratch, .scratch_max = w->scratch_max };
	const u32 scratch = *w->scratch_at;

	in.f = ir_func_new(&w->l->ir, arena_printf(w->l->arena, "%s_%zu", w->p->name,
						   w->l->ir.funcs.n), NULL, 4);
	in.up = ir_arg(in.f, 3);
	in.ctx = ir_load(in.f, 8, false, in.up, CAPS_CTX);
	if (w->scratch_caps)
		in.scratch = ir_load(in.f, 8, false, in.up, w->scratch_caps);
	else if (w->scratch)
		low_get_scratch(&in);
	low_open_caps(&in, low_has_callbacks(n->c));
	blur(&in, n->c->list, unseen_zero(&in));
	set_element(&in, n);
	low_block(&in, n->c);
	ir_exit(in.f, num(&in, 0));
	vec_free(&in.temps);
	*w->scratch_at = scratch;
	return in.f;
}

void low_for_map(struct low *w, struct node *n)
{
	struct map_var *m = n->b->sem;
	struct ir_func *f = loop_function(w, n);
	struct ir_block *gone = low_block_new(w), *end = low_block_new(w);

	blur(w, n->c->list, unseen_zero(w));
	ir_store(w->f, 8, w->own, CAPS_RETURNED, num(w, 0));
	ir_call(w->f, BPF_FUNC_for_each_map_elem, 4, ir_map(w->f, m->ir), ir_funcptr(w->f, f),
		w->own, num(w, 0));
	ir_br(w->f, CC_NE, 64, ir_load(w->f, 8, false, w->own, CAPS_RETURNED), num(w, 0), gone,
	      end);
	low_at(w, gone);
	go_on_leaving(w);
	low_at(w, end);
}

/* ---- the dispatcher ---------------------------------------------------------- */

/*
 * The line that AT of SRC is in, as the object has it. Of a long one a piece that begins at
 * a multiple of STEP: the line of a script of one line is not kept for each statement.
 */
static const char *line_text(struct lang *l, const struct source *src, u32 at, u32 col)
{
	enum { STEP = 256, LONGEST = 2 * STEP };
	const u32 skip = col > STEP ? (col - 1) / STEP * STEP - STEP / 2 : 0;
	const char *from = src->text + (at - (col - 1)) + skip;
	const size_t n = strnlen(from, LONGEST);
	const char *end = memchr(from, '\n', n);

	if (l->last_line.from != from)
		l->last_line.copy = arena_strndup(l->arena, from, end ? (size_t)(end - from) : n);
	l->last_line.from = from;
	return l->last_line.copy;
}

static u32 line_of(struct low *w, const struct node *n)
{
	const struct source *src = n->at.src;
	u32 col;

	if (!src)
		return 0;
	col = source_col(src, n->at.from);
	return ir_line_add(&w->l->ir, src->name, line_text(w->l, src, n->at.from, col),
			   source_line(src, n->at.from), col);
}

/* Is what there is so far surely too much for a program? Said once. The rest costs nothing. */
static bool is_too_long(struct low *w, const struct node *n)
{
	/* Of what is built a third and more goes away. */
	enum { PROGRAM_MAX = 1000000, BUILT_MAX = 3 * PROGRAM_MAX };

	if (w->f->nr_insns < BUILT_MAX)
		return false;
	if (!w->l->script->nr_errors) {
		diag_error(w->l->script, n->at, "this probe is too long: up to here it makes more "
			   "than the %d instructions that a BPF program may have", PROGRAM_MAX);
		diag_hint(w->l->script, "a loop, or several probes");
	}
	return true;
}

void low_statement(struct low *w, struct node *n)
{
	const u32 scratch = *w->scratch_at;
	const size_t temps = w->temps.n;
	bool taken[256];

	if (is_too_long(w, n))
		return;
	for (size_t i = 0; i < temps && i < ARRAY_LEN(taken); i++)
		taken[i] = w->temps.v[i].taken;
	w->f->line = line_of(w, n);
	w->at = n;
	switch (n->kind) {
	case N_EXPR:
		low_expr(w, n->a);
		break;
	case N_ASSIGN:
		assign(w, n);
		break;
	case N_LET:
		let(w, n);
		break;
	case N_WHILE:
		low_while(w, n);
		break;
	case N_FORMAP:
		low_for_map(w, n);
		break;
	case N_FORRANGE:
		for_range(w, n);
		break;
	case N_UNROLL:
		unroll(w, n);
		break;
	case N_RETURN:
		if (n->text)
			give_back(w, n);
		else
			low_return_value(w, n->a);
		go_dead(w);
		break;
	case N_BREAK:
	case N_CONTINUE:
		jump(w, n->kind == N_CONTINUE);
		go_dead(w);
		break;
	default:
		low_expr(w, n);
	}
	low_temps_free(w, temps, scratch);
	for (size_t i = 0; i < temps && i < ARRAY_LEN(taken); i++)
		w->temps.v[i].taken = taken[i];
}

void low_block(struct low *w, struct node *n)
{
	const u32 rooms = w->rooms_end;

	for (struct node *i = n->list; i; i = i->next)
		low_statement(w, i);
	w->rooms_end = rooms;	/* its variables are gone when the statement around it ends */
}

/* ---- programs ---------------------------------------------------------------- */

/* At the raw tracepoint of all system calls: only the one that is meant, of 64 bits. */
static void only_syscall(struct low *w)
{
	enum { TS_COMPAT = 2 };		/* of thread_info.status, asm/thread_info.h */
	const struct lang_raw *raw = &w->p->place->raw;
	struct ir_block *this, *wide, *out;
	struct ir_insn *nr, *task;

	if (!raw->is)
		return;
	this = low_block_new(w), wide = low_block_new(w), out = low_block_new(w);
	nr = raw->enter ? ir_load(w->f, 8, false, w->ctx, 8) :
	     ir_load(w->f, 8, false, ir_load(w->f, 8, false, w->ctx, 0),
		     low_register("orig_ax"));
	ir_br(w->f, CC_EQ, 64, nr, num(w, raw->nr), this, out);
	low_at(w, this);
	task = ir_call(w->f, BPF_FUNC_get_current_task_btf, 0);
	ir_br(w->f, CC_TEST, 64, ir_load(w->f, 4, false, task, (s32)raw->status),
	      num(w, TS_COMPAT), out, wide);
	low_at(w, out);
	ir_exit(w->f, num(w, 0));
	low_at(w, wide);
}

static void only_pids(struct low *w)
{
	const struct lang_opts *o = w->l->opts;
	const unsigned flags = probe_flags(w->p->place->kind);
	struct ir_block *in, *out;
	struct ir_insn *pid;

	if (!o->nr_pids || flags & PF_OURS || w->p->place->kind == LP_ITER)
		return;
	pid = ir_op2(w->f, IR_SHR, 64, ir_call(w->f, BPF_FUNC_get_current_pid_tgid, 0), num(w, 32));
	in = low_block_new(w), out = low_block_new(w);
	for (u32 i = 0; i < o->nr_pids; i++) {
		struct ir_block *next = i + 1 < o->nr_pids ? low_block_new(w) : out;

		ir_br(w->f, CC_EQ, 64, pid, num(w, o->pids[i]), in, next);
		if (next != out)
			low_at(w, next);
	}
	low_at(w, out);
	ir_exit(w->f, num(w, 0));
	low_at(w, in);
}

/* Members of an iterator's context are pointers that can be NULL: at the end. */
static void check_iterator(struct low *w)
{
	const struct place *p = w->p->place;
	struct ir_block *none, *next;

	if (p->kind != LP_ITER)
		return;
	none = low_block_new(w);
	for (u32 i = 0; i < p->nr_args && i < ARRAY_LEN(w->iter_ptrs); i++) {
		const struct place_arg *a = &p->args[i];
		struct ir_insn *v = ir_load(w->f, a->bytes, false, w->ctx, (s32)a->off);

		w->iter_ptrs[a->off / 8 < 4 ? a->off / 8 : 3] = v;
		if (a->ty->kind != TY_PTR)
			continue;
		next = low_block_new(w);
		ir_br(w->f, CC_NE, 64, v, num(w, 0), next, none);
		low_at(w, next);
	}
	next = low_block_new(w);
	ir_jmp(w->f, next);
	low_at(w, none);
	ir_exit(w->f, num(w, 0));
	low_at(w, next);
}

static void predicate(struct low *w, struct node *n)
{
	struct ir_block *yes, *no;

	if (!n)
		return;
	w->f->line = line_of(w, n);
	yes = low_block_new(w), no = low_block_new(w);
	low_cond(w, n, yes, no);
	low_at(w, no);
	low_release_scratch(w);
	ir_exit(w->f, num(w, 0));
	low_at(w, yes);
}

/* False: it needs memory of its cpu, and SCRATCH is not yet. */
static bool program(struct lang *l, struct prog *p, bool scratch, u32 *most)
{
	bool wants = false;
	u32 at = low_is_guarded(p) ? 8 : 0;
	struct low w = { .l = l, .p = p, .wants_scratch = &wants, .scratch_at = &at,
			 .scratch_max = most };

	for (struct var *v = p->vars; v; v = v->next)
		v->func = NULL;
	p->func = w.f = ir_func_new(&l->ir, p->name, p->place->section, 1);
	w.f->line = line_of(&w, p->probe);
	w.ctx = ir_ctx(w.f);
	only_syscall(&w);
	only_pids(&w);
	check_iterator(&w);
	if (scratch)
		low_get_scratch(&w);
	low_open_caps(&w, low_has_callbacks(p->probe->b) ||
		      (p->probe->a && low_has_callbacks(p->probe->a)));
	predicate(&w, p->probe->a);
	low_block(&w, p->probe->b);
	if (p->probe->b->a)
		low_expr(&w, p->probe->b->a);
	low_release_scratch(&w);
	ir_exit(w.f, num(&w, 0));
	vec_free(&w.temps);
	return scratch || !wants;
}

static void places(struct lang *l, const struct prog *p)
{
	for (size_t i = 0; i < p->places.n; i++) {
		const struct place *at = p->places.v[i];

		*vec_push(&l->unit->places) = (struct lang_place){ .kind = at->kind,
			.text = at->text, .prog = p->name, .at = at->at, .period = at->period,
			.signal = at->signal, .pin = at->pin, .ref = at->ref,
			.of_prog = at->bpf.prog };
	}
}

int lower_run(struct lang *l, struct skep_err *err)
{
	u32 most = 8, users = 0;

	low_maps(l);
	l->scratch_map = UINT32_MAX;
	for (size_t i = 0; i < l->unit->stacks.n && !l->unwinder; i++)
		if (l->unit->stacks.v[i].dwarf)
			low_unwinder(l);
	for (size_t i = 0; i < l->progs.n; i++) {
		const size_t funcs = l->ir.funcs.n, records = l->unit->records.n;

		if (!program(l, l->progs.v[i], false, &most)) {
			ir_forget(&l->ir, funcs);
			l->unit->records.n = records;
			if (l->scratch_map == UINT32_MAX)
				l->scratch_map = data_map(l, "skep_scratch",
							  BPF_MAP_TYPE_PERCPU_ARRAY, 8, 0);
			l->progs.v[i]->scratch = users;
			users += low_is_guarded(l->progs.v[i]) ? LOW_SCRATCH_LEVELS : 1;
			program(l, l->progs.v[i], true, &most);
		}
		places(l, l->progs.v[i]);
	}
	if (l->scratch_map != UINT32_MAX && most > CPU_BYTES_MAX && !l->opts->user) {
		diag_error(l->script, (struct span){ 0 }, "the texts of a statement need %u bytes, "
			   "and Linux gives %u", most, CPU_BYTES_MAX);
		diag_hint(l->script, "config = { max_strlen = %llu }",
			  (unsigned long long)l->config.max_strlen / 2);
	}
	if (l->scratch_map != UINT32_MAX) {
		l->ir.maps.v[l->scratch_map].value_bytes = (u32)round_up(most, 8);
		l->ir.maps.v[l->scratch_map].max_entries = users;
	}
	return 0;
}
