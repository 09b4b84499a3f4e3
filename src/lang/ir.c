/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ir.c: building of intermediate code: instructions at a block's end, blocks and the jumps
 * between them, variables that become SSA values on the fly (Braun and others, "Simple and
 * efficient construction of static single assignment form", 2013; without recursion).
 * A phi that turns out to be superfluous leaves its block at once, and what refers to it
 * finds the real value by ir_real(); ir_settle() ends that. Reads and writes no text
 * (ir_text.c) and improves nothing (ir_opt.c).
 */
#include "lang/ir_in.h"
#include <stdarg.h>

void ir_open(struct ir_unit *u, struct arena *arena)
{
	*u = (struct ir_unit){ .arena = arena, .license = "GPL", .isa_level = 3,
			       .optimise = true };
	btf_build_open(&u->btf, arena);
	*vec_push(&u->lines) = (struct ir_line){ .file = "" };
}

static void func_free(struct ir_func *f)
{
	for (struct ir_block *b = f->first; b; b = b->next) {
		vec_free(&b->preds);
		vec_free(&b->waits);
	}
	vec_free(&f->slots);
	free(f->defs.keys);
	free(f->defs.vals);
	f->defs = (struct ir_defs){ 0 };
}

void ir_forget(struct ir_unit *u, size_t n)
{
	while (u->funcs.n > n)
		func_free(u->funcs.v[--u->funcs.n]);
}

void ir_close(struct ir_unit *u)
{
	ir_forget(u, 0);
	vec_free(&u->funcs);
	vec_free(&u->maps);
	vec_free(&u->ksyms);
	vec_free(&u->lines);
	btf_build_free(&u->btf);
}

u32 ir_map_add(struct ir_unit *u, const struct ir_map *def)
{
	*vec_push(&u->maps) = *def;
	return (u32)u->maps.n - 1;
}

void ir_ksym_add(struct ir_unit *u, const char *name, u32 proto, bool weak)
{
	*vec_push(&u->ksyms) = (struct ir_ksym){ .name = name, .proto = proto, .weak = weak };
}

u32 ir_kvar_add(struct ir_unit *u, const char *name, u32 type)
{
	for (size_t i = 0; i < u->ksyms.n; i++)
		if (u->ksyms.v[i].is_var && !strcmp(u->ksyms.v[i].name, name))
			return (u32)i;
	*vec_push(&u->ksyms) = (struct ir_ksym){ .name = name, .proto = type, .is_var = true };
	return (u32)u->ksyms.n - 1;
}

u32 ir_line_add(struct ir_unit *u, const char *file, const char *text, u32 line, u32 col)
{
	*vec_push(&u->lines) = (struct ir_line){ file, text, line, col };
	return (u32)u->lines.n - 1;
}

/* ---- functions and blocks ----------------------------------------------------------- */

struct ir_func *ir_func_new(struct ir_unit *u, const char *name, const char *section,
			    u32 nr_args)
{
	struct ir_func *f = arena_new(u->arena, struct ir_func);

	*f = (struct ir_func){ .unit = u, .name = name, .section = section,
			       .nr_args = nr_args, .index = (u32)u->funcs.n };
	*vec_push(&u->funcs) = f;
	ir_at(f, ir_block_new(f));
	ir_seal(f->first);
	return f;
}

struct ir_block *ir_block_new(struct ir_func *f)
{
	struct ir_block *b = arena_new(f->unit->arena, struct ir_block);

	b->func = f;
	b->id = ++f->nr_blocks;
	if (f->last)
		f->last->next = b;
	else
		f->first = b;
	f->last = b;
	return b;
}

void ir_at(struct ir_func *f, struct ir_block *b)
{
	f->at = b;
}

bool ir_ended(const struct ir_func *f)
{
	return ir_has_end(f->at);
}

/* ---- instructions ------------------------------------------------------------------- */

struct ir_insn *ir_insn_new(struct ir_func *f, enum ir_op op)
{
	struct ir_insn *i = arena_new(f->unit->arena, struct ir_insn);

	i->op = op;
	i->width = 64;
	i->size = 8;
	i->line = f->line;
	i->id = ++f->nr_insns;
	return i;
}

void ir_insert(struct ir_block *b, struct ir_insn *before, struct ir_insn *i)
{
	i->block = b;
	i->next = before;
	i->prev = before ? before->prev : b->last;
	*(i->prev ? &i->prev->next : &b->first) = i;
	*(before ? &before->prev : &b->last) = i;
}

void ir_remove(struct ir_insn *i)
{
	struct ir_block *b = i->block;

	*(i->prev ? &i->prev->next : &b->first) = i->next;
	*(i->next ? &i->next->prev : &b->last) = i->prev;
	i->block = NULL;
}

/* At the end of what is built; behind a block's end it belongs to nothing. */
static struct ir_insn *add(struct ir_func *f, enum ir_op op)
{
	struct ir_insn *i = ir_insn_new(f, op);

	if (!ir_ended(f))
		ir_insert(f->at, NULL, i);
	return i;
}

static struct ir_insn *add1(struct ir_func *f, enum ir_op op, struct ir_insn *a)
{
	struct ir_insn *i = add(f, op);

	i->args[i->nr_args++] = a;
	return i;
}

static struct ir_insn *add2(struct ir_func *f, enum ir_op op, struct ir_insn *a,
			    struct ir_insn *b)
{
	struct ir_insn *i = add1(f, op, a);

	i->args[i->nr_args++] = b;
	return i;
}

static struct ir_insn *add_imm(struct ir_func *f, enum ir_op op, s64 imm)
{
	struct ir_insn *i = add(f, op);

	i->imm = imm;
	return i;
}

struct ir_insn *ir_const(struct ir_func *f, s64 v)
{
	return add_imm(f, IR_CONST, v);
}

struct ir_insn *ir_core_const(struct ir_func *f, s64 v, u32 kind, u32 type, const char *path)
{
	struct ir_insn *i = add_imm(f, IR_CONST, v);
	struct ir_core *core = arena_new(f->unit->arena, struct ir_core);

	*core = (struct ir_core){ kind, type, path };
	i->core = core;
	return i;
}

/* Of the function's beginning, so that every block may use it. */
static struct ir_insn *at_start(struct ir_func *f, enum ir_op op, s64 imm)
{
	struct ir_insn *i = ir_insn_new(f, op);

	i->imm = imm;
	i->line = 0;
	ir_insert(f->first, f->first->first, i);
	return i;
}

struct ir_insn *ir_ctx(struct ir_func *f)
{
	if (!f->ctx)
		f->ctx = at_start(f, IR_CTX, 0);
	return f->ctx;
}

struct ir_insn *ir_arg(struct ir_func *f, u32 i)
{
	return at_start(f, IR_ARG, i);
}

struct ir_insn *ir_op2(struct ir_func *f, enum ir_op op, u32 width, struct ir_insn *a,
		       struct ir_insn *b)
{
	struct ir_insn *i = add2(f, op, a, b);

	i->width = (u8)width;
	return i;
}

struct ir_insn *ir_addi(struct ir_func *f, struct ir_insn *a, s64 n)
{
	return n ? add2(f, IR_ADD, a, ir_const(f, n)) : a;
}

struct ir_insn *ir_neg(struct ir_func *f, u32 width, struct ir_insn *a)
{
	struct ir_insn *i = add1(f, IR_NEG, a);

	i->width = (u8)width;
	return i;
}

struct ir_insn *ir_conv(struct ir_func *f, enum ir_op op, u32 size, struct ir_insn *a)
{
	struct ir_insn *i = add1(f, op, a);

	i->size = (u8)size;
	return i;
}

struct ir_insn *ir_set(struct ir_func *f, enum ir_cc cc, u32 width, struct ir_insn *a,
		       struct ir_insn *b)
{
	struct ir_insn *i = add2(f, IR_SET, a, b);

	i->width = (u8)width;
	i->cc = cc;
	return i;
}

u32 ir_slot_new(struct ir_func *f, u32 bytes, u32 align)
{
	*vec_push(&f->slots) = (struct ir_slot){ .bytes = bytes, .align = align };
	return (u32)f->slots.n - 1;
}

struct ir_insn *ir_slot(struct ir_func *f, u32 bytes, u32 align)
{
	return add_imm(f, IR_SLOT, ir_slot_new(f, bytes, align));
}

void ir_fresh(struct ir_func *f, struct ir_insn *slot)
{
	add_imm(f, IR_FRESH, slot->imm);
}

struct ir_insn *ir_map(struct ir_func *f, u32 map)
{
	return add_imm(f, IR_MAP, map);
}

struct ir_insn *ir_mapval(struct ir_func *f, u32 map, u32 off)
{
	struct ir_insn *i = add_imm(f, IR_MAPVAL, map);

	i->off = (s32)off;
	return i;
}

struct ir_insn *ir_kvar(struct ir_func *f, u32 kvar)
{
	return add_imm(f, IR_KVAR, kvar);
}

struct ir_insn *ir_funcptr(struct ir_func *f, const struct ir_func *callback)
{
	return add_imm(f, IR_FUNC, callback->index);
}

struct ir_insn *ir_load(struct ir_func *f, u32 size, bool sx, struct ir_insn *base, s32 off)
{
	struct ir_insn *i = add1(f, IR_LOAD, base);

	i->size = (u8)size;
	i->sx = sx && size < 8;
	i->off = off;
	return i;
}

void ir_store(struct ir_func *f, u32 size, struct ir_insn *base, s32 off, struct ir_insn *v)
{
	struct ir_insn *i = add2(f, IR_STORE, base, v);

	i->size = (u8)size;
	i->off = off;
}

void ir_addto(struct ir_func *f, u32 size, struct ir_insn *base, s32 off, struct ir_insn *v)
{
	struct ir_insn *i = add2(f, IR_ADDTO, base, v);

	i->size = (u8)size;
	i->off = off;
}

struct ir_insn *ir_xchg(struct ir_func *f, struct ir_insn *base, struct ir_insn *v)
{
	return add2(f, IR_XCHG, v, base);
}

void ir_zero(struct ir_func *f, struct ir_insn *base, s32 off, u32 bytes)
{
	struct ir_insn *i;

	if (!bytes)
		return;
	i = add1(f, IR_ZERO, base);
	i->off = off;
	i->imm = bytes;
}

void ir_copy(struct ir_func *f, struct ir_insn *to, s32 to_off, struct ir_insn *from,
	     s32 from_off, u32 bytes)
{
	struct ir_insn *i;

	if (!bytes)
		return;
	i = add2(f, IR_COPY, to, from);
	i->off = to_off;
	i->src_off = from_off;
	i->imm = bytes;
}

static struct ir_insn *add_call(struct ir_func *f, enum ir_op op, s64 imm, u32 n, va_list ap)
{
	struct ir_insn *i = add_imm(f, op, imm);

	assert(n <= ARRAY_LEN(i->args) && "a call has at most five operands");
	for (i->nr_args = 0; i->nr_args < n; i->nr_args++)
		i->args[i->nr_args] = va_arg(ap, struct ir_insn *);
	return i;
}

struct ir_insn *ir_call(struct ir_func *f, u32 helper, u32 n, ...)
{
	struct ir_insn *i;
	va_list ap;

	va_start(ap, n);
	i = add_call(f, IR_CALL, helper, n, ap);
	va_end(ap);
	return i;
}

struct ir_insn *ir_kfunc(struct ir_func *f, const char *name, u32 n, ...)
{
	struct ir_insn *i;
	va_list ap;

	va_start(ap, n);
	i = add_call(f, IR_KFUNC, 0, n, ap);
	va_end(ap);
	i->name = name;
	return i;
}

struct ir_insn *ir_ccall(struct ir_func *f, const char *name, u32 n, struct ir_insn *const *v)
{
	struct ir_insn *i = add_imm(f, IR_CCALL, 0);

	i->name = name;
	for (i->nr_args = 0; i->nr_args < n; i->nr_args++)
		i->args[i->nr_args] = v[i->nr_args];
	return i;
}

struct ir_insn *ir_subcall(struct ir_func *f, const struct ir_func *to, u32 n, ...)
{
	struct ir_insn *i;
	va_list ap;

	va_start(ap, n);
	i = add_call(f, IR_SUBCALL, to->index, n, ap);
	va_end(ap);
	return i;
}

void ir_jmp(struct ir_func *f, struct ir_block *to)
{
	struct ir_insn *i;

	if (ir_ended(f))
		return;
	assert(!to->sealed && "a jump to a block whose predecessors are all known");
	i = add(f, IR_JMP);
	i->to[0] = to;
	*vec_push(&to->preds) = f->at;
}

void ir_br(struct ir_func *f, enum ir_cc cc, u32 width, struct ir_insn *a, struct ir_insn *b,
	   struct ir_block *yes, struct ir_block *no)
{
	struct ir_insn *i;

	if (ir_ended(f))
		return;
	if (yes == no) {
		ir_jmp(f, yes);
		return;
	}
	assert(!yes->sealed && !no->sealed && "a jump to a block that is sealed");
	i = add2(f, IR_BR, a, b);
	i->cc = cc;
	i->width = (u8)width;
	i->to[0] = yes;
	i->to[1] = no;
	*vec_push(&yes->preds) = f->at;
	*vec_push(&no->preds) = f->at;
}

void ir_exit(struct ir_func *f, struct ir_insn *v)
{
	add1(f, IR_EXIT, v);
}

/* ---- variables ---------------------------------------------------------------------- */

u32 ir_var(struct ir_func *f)
{
	return f->nr_vars++;
}

static u64 def_key(const struct ir_block *b, u32 var)
{
	return (u64)b->id << 32 | var;
}

static u32 def_slot(const struct ir_defs *d, u64 key)
{
	u32 at = (u32)((key * 0x9e3779b97f4a7c15u) >> 32) & (d->cap - 1);

	while (d->keys[at] && d->keys[at] != key)
		at = (at + 1) & (d->cap - 1);
	return at;
}

static void defs_grow(struct ir_defs *d)
{
	struct ir_defs old = *d;

	d->cap = old.cap ? old.cap * 2 : 64;
	d->keys = mem_alloc(d->cap * sizeof(*d->keys));
	d->vals = mem_alloc(d->cap * sizeof(struct ir_insn *));
	memset(d->keys, 0, d->cap * sizeof(*d->keys));
	for (u32 i = 0; i < old.cap; i++) {
		if (!old.keys[i])
			continue;
		u32 at = def_slot(d, old.keys[i]);

		d->keys[at] = old.keys[i];
		d->vals[at] = old.vals[i];
	}
	free(old.keys);
	free(old.vals);
}

static void def_put(struct ir_func *f, struct ir_block *b, u32 var, struct ir_insn *v)
{
	struct ir_defs *d = &f->defs;
	u32 at;

	if (d->n * 2 >= d->cap)
		defs_grow(d);
	at = def_slot(d, def_key(b, var));
	d->n += !d->keys[at];
	d->keys[at] = def_key(b, var);
	d->vals[at] = v;
}

static struct ir_insn *def_get(const struct ir_func *f, const struct ir_block *b, u32 var)
{
	return f->defs.cap ? f->defs.vals[def_slot(&f->defs, def_key(b, var))] : NULL;
}

static struct ir_insn *phi_new(struct ir_func *f, struct ir_block *b, u32 var)
{
	struct ir_insn *phi = ir_insn_new(f, IR_PHI);

	phi->imm = var;
	ir_insert(b, b->first, phi);
	def_put(f, b, var, phi);
	return phi;
}

/* A phi whose operands are being found out. */
struct open_phi { struct ir_insn *phi; u32 next; };
struct open_phis { struct open_phi *v; size_t n, cap; };

static void open_push(struct ir_func *f, struct open_phis *todo, struct ir_insn *phi)
{
	phi->phi = arena_news(f->unit->arena, phi->block->preds.n, struct ir_insn *);
	*vec_push(todo) = (struct open_phi){ phi, 0 };
}

/* The value where no predecessor decides; what it takes to know it is put into TODO. */
static struct ir_insn *found_at(struct ir_func *f, struct ir_block *b, u32 var,
				struct open_phis *todo)
{
	struct ir_insn *v = def_get(f, b, var);

	if (v)
		return v;
	if (!b->sealed) {
		v = phi_new(f, b, var);
		*vec_push(&b->waits) = v;
	} else if (b->preds.n > 1) {
		v = phi_new(f, b, var);
		open_push(f, todo, v);
	} else {
		v = at_start(f, IR_CONST, 0);
	}
	return v;
}

/* The value of VAR at the end of B. Blocks with one predecessor are passed, and remember
 * what was found; NR_BLOCKS of them are a circle that nothing reaches. */
static struct ir_insn *value_at(struct ir_func *f, struct ir_block *b, u32 var,
				struct open_phis *todo)
{
	struct ir_block *top = b;
	struct ir_insn *v;
	u32 steps = 0;

	while (!def_get(f, top, var) && top->sealed && top->preds.n == 1 &&
	       steps++ < f->nr_blocks)
		top = top->preds.v[0];
	v = steps > f->nr_blocks ? at_start(f, IR_CONST, 0) : found_at(f, top, var, todo);
	for (; b != top; b = b->preds.v[0])
		def_put(f, b, var, v);
	def_put(f, top, var, v);
	return v;
}

/* Of one value other than itself a phi is that value. */
static void phi_try_same(struct ir_func *f, struct ir_insn *phi)
{
	struct ir_insn *same = NULL;

	for (size_t i = 0; i < phi->block->preds.n; i++) {
		struct ir_insn *v = ir_real(phi->phi[i]);

		if (v == phi || v == same)
			continue;
		if (same)
			return;
		same = v;
	}
	ir_remove(phi);
	phi->same = same ? same : at_start(f, IR_CONST, 0);
}

static void complete(struct ir_func *f, struct open_phis *todo)
{
	while (todo->n) {
		struct open_phi *top = &todo->v[todo->n - 1];
		struct ir_insn *phi = top->phi;
		u32 i = top->next++;

		if (i < phi->block->preds.n) {
			phi->phi[i] = value_at(f, phi->block->preds.v[i], (u32)phi->imm, todo);
			continue;
		}
		todo->n--;
		phi_try_same(f, phi);
	}
}

void ir_write(struct ir_func *f, u32 var, struct ir_insn *v)
{
	def_put(f, f->at, var, v);
}

struct ir_insn *ir_read(struct ir_func *f, u32 var)
{
	struct open_phis todo = { 0 };
	struct ir_insn *v = value_at(f, f->at, var, &todo);

	complete(f, &todo);
	vec_free(&todo);
	return ir_real(v);
}

void ir_seal(struct ir_block *b)
{
	struct open_phis todo = { 0 };

	if (b->sealed)
		return;
	b->sealed = true;
	for (size_t i = 0; i < b->waits.n; i++) {
		open_push(b->func, &todo, b->waits.v[i]);
		complete(b->func, &todo);
	}
	vec_free(&todo);
	vec_free(&b->waits);
}

/* ---- the end of building ------------------------------------------------------------ */

static void mark_reached(struct ir_func *f)
{
	struct { struct ir_block **v; size_t n, cap; } todo = { 0 };

	for (struct ir_block *b = f->first; b; b = b->next)
		b->order = 0;
	f->first->order = 1;
	*vec_push(&todo) = f->first;
	while (todo.n) {
		struct ir_block *b = todo.v[--todo.n];

		for (u32 i = 0; i < ir_nr_to(b); i++) {
			if (b->last->to[i]->order)
				continue;
			b->last->to[i]->order = 1;
			*vec_push(&todo) = b->last->to[i];
		}
	}
	vec_free(&todo);
}

void ir_pred_remove(struct ir_block *b, u32 at)
{
	size_t n = --b->preds.n;

	memmove(&b->preds.v[at], &b->preds.v[at + 1], (n - at) * sizeof(*b->preds.v));
	for (struct ir_insn *i = b->first; i && i->op == IR_PHI; i = i->next)
		memmove(&i->phi[at], &i->phi[at + 1], (n - at) * sizeof(*i->phi));
}

static void drop_preds(struct ir_block *b)
{
	for (u32 i = (u32)b->preds.n; i-- > 0; )
		if (!b->preds.v[i]->order)
			ir_pred_remove(b, i);
}

void ir_drop_unreached(struct ir_func *f)
{
	struct ir_block **at = &f->first;

	mark_reached(f);
	f->last = NULL;
	while (*at) {
		struct ir_block *b = *at;

		if (!b->order) {
			*at = b->next;
			vec_free(&b->preds);
			vec_free(&b->waits);
			continue;
		}
		drop_preds(b);
		f->last = b;
		at = &b->next;
	}
}

static void settle_insn(struct ir_insn *i)
{
	for (u32 a = 0; a < i->nr_args; a++)
		i->args[a] = ir_real(i->args[a]);
	if (i->op == IR_PHI)
		for (size_t p = 0; p < i->block->preds.n; p++)
			i->phi[p] = ir_real(i->phi[p]);
}

void ir_settle_operands(struct ir_func *f)
{
	for (struct ir_block *b = f->first; b; b = b->next)
		for (struct ir_insn *i = b->first; i; i = i->next)
			settle_insn(i);
}

/* A block without an end returns 0. */
static void close_block(struct ir_func *f, struct ir_block *b)
{
	if (ir_has_end(b))
		return;
	ir_at(f, b);
	ir_exit(f, ir_const(f, 0));
}

void ir_settle(struct ir_func *f)
{
	if (f->settled)
		return;
	for (struct ir_block *b = f->first; b; b = b->next) {
		ir_seal(b);
		close_block(f, b);
	}
	ir_drop_unreached(f);
	ir_settle_operands(f);
	f->settled = true;
}
