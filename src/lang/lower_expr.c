/* SPDX-License-Identifier: BSD-2-Clause */
/* lower_expr.c: code of expressions. */
#include "lang/lower.h"

/* ---- variables --------------------------------------------------------------- */

/* Where the captured variables of functions at DEPTH are. */
static struct ir_insn *caps_of(struct low *w, u32 depth)
{
	struct ir_insn *at = w->up;

	if (depth == w->depth)
		return w->own;
	for (u32 d = w->depth - 1; d > depth; d--)
		at = ir_load(w->f, 8, false, at, CAPS_UP);
	return at;
}

static struct ir_insn *var_room(struct low *w, struct var *v)
{
	if (v->captured && v->ty->bytes <= 64)
		return ir_addi(w->f, caps_of(w, v->depth), v->at);
	if (v->captured)		/* in the memory of this cpu, which is everybody's */
		return w->scratch ? ir_addi(w->f, w->scratch, v->at) : low_room(w, v->ty->bytes);
	if (v->func != w->f) {
		v->func = w->f;
		v->mem = low_room(w, v->ty->bytes);
	}
	return v->mem;
}

static u32 var_ir(struct low *w, struct var *v)
{
	if (v->func != w->f) {
		v->func = w->f;
		v->ir = ir_var(w->f);
	}
	return v->ir;
}

struct val low_read_var(struct low *w, struct var *v)
{
	if (ty_is_mem(v->ty))
		return (struct val){ v->ty, var_room(w, v), SPACE_NONE };
	if (v->captured)
		return low_load(w, v->ty, caps_of(w, v->depth), v->at, SPACE_NONE);
	return (struct val){ v->ty, ir_read(w->f, var_ir(w, v)), SPACE_NONE };
}

void low_assign_var(struct low *w, struct var *v, struct val x)
{
	if (ty_is_mem(v->ty))
		low_store(w, x, v->ty, var_room(w, v), 0, true);
	else if (v->captured)
		low_store(w, x, v->ty, caps_of(w, v->depth), v->at, true);
	else
		ir_write(w->f, var_ir(w, v), low_convert(w, x.v, x.ty, v->ty));
}

static struct ir_insn *step_var(struct low *w, struct node *n)
{
	struct var *v = n->a->sem;
	const s64 one = v->ty->kind == TY_PTR && v->ty->of->bytes ? v->ty->of->bytes : 1;
	struct ir_insn *old = low_read_var(w, v).v;
	struct ir_insn *new = ir_addi(w->f, old, n->op == OP_INC ? one : -one);

	if (v->ty->kind == TY_INT)
		new = low_convert(w, new, ty_int(&w->l->types, 8, v->ty->is_signed), v->ty);
	low_assign_var(w, v, (struct val){ v->ty, new, SPACE_NONE });
	return n->post ? old : new;
}

/* ---- operators --------------------------------------------------------------- */

enum ir_op low_op(enum node_op op, bool is_signed)
{
	switch (op) {
	case OP_ADD: return IR_ADD;
	case OP_SUB: return IR_SUB;
	case OP_MUL: return IR_MUL;
	case OP_DIV: return is_signed ? IR_SDIV : IR_UDIV;
	case OP_MOD: return is_signed ? IR_SMOD : IR_UMOD;
	case OP_AND: return IR_AND;
	case OP_OR: return IR_OR;
	case OP_XOR: return IR_XOR;
	case OP_SHL: return IR_SHL;
	default: return IR_SHR;
	}
}

static struct ir_insn *scaled(struct low *w, struct ir_insn *v, const struct ty *ptr)
{
	const u32 by = ptr->of->bytes;

	return by > 1 ? ir_op2(w->f, IR_MUL, 64, v, num(w, by)) : v;
}

struct ir_insn *low_binary(struct low *w, enum node_op op, struct val a, struct val b,
			   const struct ty *t)
{
	struct ir_insn *x = a.v, *y = b.v;

	if (t->kind == TY_PTR && a.ty->kind == TY_PTR)
		y = scaled(w, y, a.ty);
	else if (t->kind == TY_PTR)
		x = scaled(w, x, b.ty);
	return ir_op2(w->f, low_op(op, t->kind == TY_INT && t->is_signed), 64, x, y);
}

static bool literal(const struct node *n)
{
	return n->kind == N_INT;
}

static enum ir_cc cc_of(enum node_op op, bool is_signed)
{
	switch (op) {
	case OP_EQ: return CC_EQ;
	case OP_NE: return CC_NE;
	case OP_LT: return is_signed ? CC_SLT : CC_ULT;
	case OP_LE: return is_signed ? CC_SLE : CC_ULE;
	case OP_GT: return is_signed ? CC_SGT : CC_UGT;
	default: return is_signed ? CC_SGE : CC_UGE;
	}
}

static bool compared_signed(struct low *w, const struct node *n)
{
	const struct ty *a = n->a->ty, *b = n->b->ty, *t;

	if (a->kind == TY_PTR || b->kind == TY_PTR)
		return false;
	t = ty_join(w->l, ty_stored(w->l, a), ty_stored(w->l, b), literal(n->a), literal(n->b));
	return t && t->kind == TY_INT && t->is_signed;
}

static struct ir_insn *compare_mem(struct low *w, struct node *n)
{
	struct ir_insn *eq;

	if (n->b->kind == N_STR)
		eq = low_equal_text(w, low_expr(w, n->a), n->b->text, n->b->text_n);
	else if (n->a->kind == N_STR)
		eq = low_equal_text(w, low_expr(w, n->b), n->a->text, n->a->text_n);
	else
		eq = low_equal(w, low_expr(w, n->a), low_expr(w, n->b));
	return n->op == OP_EQ ? eq : ir_op2(w->f, IR_XOR, 64, eq, num(w, 1));
}

static bool is_compare(const struct node *n)
{
	return n->kind == N_BINARY && n->op >= OP_EQ && n->op <= OP_GE;
}

void low_cond(struct low *w, struct node *n, struct ir_block *yes, struct ir_block *no)
{
	struct ir_block *mid;

	if (n->kind == N_BINARY && (n->op == OP_LAND || n->op == OP_LOR)) {
		mid = low_block_new(w);
		if (n->op == OP_LAND)
			low_cond(w, n->a, mid, no);
		else
			low_cond(w, n->a, yes, mid);
		low_at(w, mid);
		low_cond(w, n->b, yes, no);
	} else if (n->kind == N_UNARY && n->op == OP_NOT) {
		low_cond(w, n->a, no, yes);
	} else if (is_compare(n) && !ty_is_mem(n->a->ty)) {
		struct ir_insn *a = low_num(w, n->a), *b = low_num(w, n->b);

		ir_br(w->f, cc_of(n->op, compared_signed(w, n)), 64, a, b, yes, no);
	} else {
		ir_br(w->f, CC_NE, 64, low_num(w, n), num(w, 0), yes, no);
	}
}

/* A condition as a number. */
static struct ir_insn *truth(struct low *w, struct node *n)
{
	struct ir_block *yes = low_block_new(w), *no = low_block_new(w), *end = low_block_new(w);
	const u32 var = ir_var(w->f);

	low_cond(w, n, yes, no);
	low_at(w, yes);
	ir_write(w->f, var, num(w, 1));
	ir_jmp(w->f, end);
	low_at(w, no);
	ir_write(w->f, var, num(w, 0));
	ir_jmp(w->f, end);
	low_at(w, end);
	return ir_read(w->f, var);
}

static struct ir_insn *binary(struct low *w, struct node *n)
{
	struct val a, b;

	if (n->op == OP_LAND || n->op == OP_LOR)
		return truth(w, n);
	if (n->op >= OP_EQ && n->op <= OP_GE) {
		struct ir_insn *x, *y;

		if (ty_is_mem(n->a->ty))
			return compare_mem(w, n);
		x = low_num(w, n->a);
		y = low_num(w, n->b);
		return ir_set(w->f, cc_of(n->op, compared_signed(w, n)), 64, x, y);
	}
	a = low_expr(w, n->a);
	b = low_expr(w, n->b);
	return low_binary(w, n->op, a, b, n->ty);
}

static struct val deref(struct low *w, struct node *n)
{
	struct val p = low_expr(w, n->a);
	const enum ty_space space = p.ty->kind == TY_PTR ? p.ty->space : SPACE_KERNEL;

	return low_load(w, n->ty, p.v, 0, space);
}

/* Where a field is that is not read. */
static struct ir_insn *address_of(struct low *w, struct node *n);

static struct val unary(struct low *w, struct node *n)
{
	struct ir_insn *v;

	switch (n->op) {
	case OP_INC:
	case OP_DEC:
		v = n->a->kind == N_MAP ? low_map_step(w, n) : step_var(w, n);
		break;
	case OP_DEREF:
		return deref(w, n);
	case OP_ADDR:
		v = address_of(w, n->a);
		break;
	case OP_NOT:
		v = ir_set(w->f, CC_EQ, 64, low_num(w, n->a), num(w, 0));
		break;
	case OP_NEG:
		v = ir_neg(w->f, 64, low_num(w, n->a));
		break;
	default:
		v = ir_op2(w->f, IR_XOR, 64, low_num(w, n->a), num(w, -1));
	}
	return (struct val){ n->ty, v, SPACE_NONE };
}

/* ---- parts of things --------------------------------------------------------- */

/* BITS at BIT of the bytes from OFF: what is around is read, and cut. */
static struct val bit_field(struct low *w, const struct ty *t, struct ir_insn *base,
			    const struct field_place *f, enum ty_space space)
{
	const u32 bits = f->bit_off + f->bit_size;
	const u32 bytes = bits <= 8 ? 1 : bits <= 16 ? 2 : bits <= 32 ? 4 : 8;
	const struct ty *word = ty_int(&w->l->types, bytes, false);
	struct ir_insn *v = low_load(w, word, base, (s32)f->off, space).v;

	v = ir_op2(w->f, IR_SHL, 64, v, num(w, 64 - bits));
	v = ir_op2(w->f, t->is_signed ? IR_SAR : IR_SHR, 64, v, num(w, 64 - f->bit_size));
	return (struct val){ t, v, SPACE_NONE };
}

/* A struct's address, of a pointer or a struct. */
static struct ir_insn *struct_at(struct low *w, struct node *n, enum ty_space *space)
{
	struct val v = low_expr(w, n);

	if (v.ty->kind == TY_PTR)
		*space = v.ty->space == SPACE_CTX ? SPACE_CTX : v.ty->space;
	else
		*space = v.space;
	return v.v;
}

static bool is_args(const struct node *n)
{
	return n->kind == N_IDENT && !strcmp(n->text, "args");
}

static struct val record_field(struct low *w, struct node *n, u32 i)
{
	struct val v = low_expr(w, n->a);
	const struct ty_field *f = &n->a->ty->fields[i];

	return low_load(w, f->ty, v.v, (s32)f->off, v.space);
}

static u32 field_index(const struct ty *t, const char *name)
{
	u32 i = 0;

	while (i < t->nr_fields && strcmp(t->fields[i].name, name))
		i++;
	return i;
}

/* Members of an iterator's context are there before the program begins. */
static struct ir_insn *iter_member(struct low *w, const struct node *n)
{
	const struct field_place *f = n->sem;

	if (w->p->place->kind != LP_ITER || n->a->kind != N_IDENT || strcmp(n->a->text, "ctx"))
		return NULL;
	return f->off / 8 < ARRAY_LEN(w->iter_ptrs) ? w->iter_ptrs[f->off / 8] : NULL;
}

/* The offset of a member as whoever loads the object finds it. */
static struct ir_insn *field_offset(struct low *w, const struct node *n, const struct ty *of)
{
	const struct field_place *f = n->sem;
	const u32 type = low_core_type(w, of);

	return type ? ir_core_const(w->f, (s64)f->off, BPF_CORE_FIELD_BYTE_OFFSET, type, f->path) :
	       num(w, (s64)f->off);
}

static struct val field(struct low *w, struct node *n)
{
	const struct field_place *f = n->sem;
	enum ty_space space;
	struct ir_insn *base;

	if (is_args(n->a))
		return low_arg_field(w, n);
	if (n->a->ty->kind == TY_RECORD)
		return record_field(w, n, field_index(n->a->ty, n->text));
	base = iter_member(w, n);
	if (base)
		return (struct val){ n->ty, base, SPACE_NONE };
	base = struct_at(w, n->a, &space);
	if (f->bit_size)
		return bit_field(w, n->ty, base, f, space);
	if (w->l->opts->portable && (space == SPACE_KERNEL || space == SPACE_BTF))
		return low_load(w, n->ty, ir_op2(w->f, IR_ADD, 64, base, field_offset(w, n,
				n->a->ty->kind == TY_PTR ? n->a->ty->of : n->a->ty)), 0, space);
	return low_load(w, n->ty, base, (s32)f->off, space);
}

/* V when it is below N, else 0: an index that the verifier believes. */
struct ir_insn *low_below(struct low *w, struct ir_insn *v, u32 n)
{
	const u32 var = ir_var(w->f);
	struct ir_block *big, *end;

	if (v->op == IR_CONST)
		return (u64)v->imm < n ? v : num(w, 0);
	big = low_block_new(w), end = low_block_new(w);
	ir_write(w->f, var, v);
	ir_br(w->f, CC_ULT, 64, v, num(w, n), end, big);
	low_at(w, big);
	ir_write(w->f, var, num(w, 0));
	ir_jmp(w->f, end);
	low_at(w, end);
	return ir_read(w->f, var);
}

static struct val element(struct low *w, struct node *n)
{
	struct val a = low_expr(w, n->a);
	const u32 size = n->ty->bytes;
	enum ty_space space = a.ty->kind == TY_PTR ? a.ty->space : a.space;
	struct ir_insn *i, *off;

	if (a.ty->kind == TY_TUPLE || a.ty->kind == TY_RECORD)
		return record_field(w, n, (u32)n->num);
	i = low_num(w, n->b);
	if (a.space == SPACE_NONE && a.ty->kind != TY_PTR) {	/* no further than it goes */
		const u32 nr = a.ty->kind == TY_STR ? a.ty->bytes : a.ty->n;

		off = low_below(w, i, nr);
	} else {
		off = i;
		if (space == SPACE_BTF && i->op != IR_CONST)
			space = SPACE_KERNEL;
	}
	off = size > 1 ? ir_op2(w->f, IR_MUL, 64, off, num(w, size)) : off;
	return low_load(w, n->ty, ir_op2(w->f, IR_ADD, 64, a.v, off), 0, space);
}

static struct ir_insn *address_of(struct low *w, struct node *n)
{
	enum ty_space space;

	if (n->kind == N_VAR) {
		struct var *v = n->sem;

		return ty_is_mem(v->ty) ? low_read_var(w, v).v :
		       ir_addi(w->f, caps_of(w, v->depth), v->at);
	}
	if (n->kind == N_MAP)
		return ir_mapval(w->f, ((struct map_var *)n->sem)->ir, 0);
	if (n->kind == N_FIELD && !is_args(n->a) && n->a->ty->kind != TY_RECORD)
		return ir_addi(w->f, struct_at(w, n->a, &space),
			       (s32)((const struct field_place *)n->sem)->off);
	return low_expr(w, n).v;
}

/* ---- others ------------------------------------------------------------------ */

static struct val cast(struct low *w, struct node *n)
{
	struct val v = low_expr(w, n->a);
	struct ir_insn *to;

	if (n->ty == v.ty)
		return v;
	if (ty_is_mem(v.ty) && ty_is_mem(n->ty)) {
		if (v.ty->kind == TY_STR && n->ty->kind == TY_STR && n->ty->bytes != v.ty->bytes) {
			to = low_temp(w, n->ty->bytes);
			low_store(w, v, n->ty, to, 0, true);
			return (struct val){ n->ty, to, SPACE_NONE };
		}
		return (struct val){ n->ty, v.v, v.space };
	}
	if (ty_is_mem(v.ty)) {		/* an array as a number */
		const u32 bytes = v.ty->bytes >= 8   ? 8
				  : v.ty->bytes >= 4 ? 4
				  : v.ty->bytes >= 2 ? 2
						     : 1;

		v = low_load(w, ty_int(&w->l->types, bytes, false), v.v, 0, v.space);
		return (struct val){ n->ty, low_convert(w, v.v, v.ty, n->ty), SPACE_NONE };
	}
	if (ty_is_mem(n->ty)) {
		if (n->ty->kind == TY_STR || n->ty->kind == TY_BUF)	/* of a pointer */
			return (struct val){ n->ty, v.v, v.ty->kind == TY_PTR && v.ty->space ?
					     v.ty->space : SPACE_KERNEL };
		to = low_temp(w, n->ty->bytes);
		ir_store(w->f,
			 n->ty->bytes >= 8   ? 8
			 : n->ty->bytes >= 4 ? 4
			 : n->ty->bytes >= 2 ? 2
					     : 1,
			 to, 0, v.v);
		return (struct val){ n->ty, to, SPACE_NONE };
	}
	return (struct val){ n->ty, low_convert(w, v.v, v.ty, n->ty), SPACE_NONE };
}

/* One of two values; MEM: which is stored at ADDR. */
static void choose(struct low *w, struct node *n, struct ir_insn *addr, s32 off, u32 var,
		   const struct ty *t)
{
	struct ir_block *yes = low_block_new(w), *no = low_block_new(w), *end = low_block_new(w);
	struct node *arm[2] = { n->b, n->c };
	struct ir_block *at[2] = { yes, no };
	struct ir_insn *same = NULL;

	if (n->b) {
		low_cond(w, n->a, yes, no);
	} else {
		same = low_num(w, n->a);
		ir_br(w->f, CC_NE, 64, same, num(w, 0), yes, no);
	}
	for (u32 i = 0; i < 2; i++) {
		low_at(w, at[i]);
		if (t->kind == TY_VOID)
			low_expr(w, arm[i]);
		else if (addr)
			low_into(w, arm[i], t, addr, off, true);
		else
			ir_write(w->f, var,
				 arm[i] ? low_convert(w, low_num(w, arm[i]), arm[i]->ty, t) : same);
		ir_jmp(w->f, end);
	}
	low_at(w, end);
}

static struct val chosen(struct low *w, struct node *n)
{
	struct val v = { n->ty, NULL, SPACE_NONE };
	u32 var = 0;

	if (n->ty->kind == TY_VOID) {
		choose(w, n, NULL, 0, 0, n->ty);
		v.v = num(w, 0);
	} else if (ty_is_mem(n->ty)) {
		v.v = low_temp(w, n->ty->bytes);
		choose(w, n, v.v, 0, 0, n->ty);
	} else {
		var = ir_var(w->f);
		choose(w, n, NULL, 0, var, n->ty);
		v.v = ir_read(w->f, var);
	}
	return v;
}

static struct val if_expr(struct low *w, struct node *n)
{
	struct sema s = { .l = w->l, .p = w->p };
	s64 v;

	if (n->comptime && sem_const(&s, n->a, &v)) {
		struct node *arm = v ? n->b : n->c;

		return arm ? low_expr(w, arm) : (struct val){ n->ty, num(w, 0), SPACE_NONE };
	}
	if (n->ty->kind == TY_VOID) {
		struct ir_block *yes = low_block_new(w), *no = low_block_new(w);
		struct ir_block *end = low_block_new(w);

		low_cond(w, n->a, yes, no);
		low_at(w, yes);
		low_expr(w, n->b);
		ir_jmp(w->f, end);
		low_at(w, no);
		if (n->c)
			low_expr(w, n->c);
		ir_jmp(w->f, end);
		low_at(w, end);
		return (struct val){ n->ty, num(w, 0), SPACE_NONE };
	}
	return chosen(w, n);
}

/* What has to be built somewhere. */
static struct val built(struct low *w, struct node *n)
{
	struct ir_insn *to = low_temp(w, n->ty->bytes);

	low_into(w, n, n->ty, to, 0, true);
	return (struct val){ n->ty, to, SPACE_NONE };
}

static struct val block_value(struct low *w, struct node *n)
{
	low_block(w, n);
	return n->a ? low_expr(w, n->a) : (struct val){ n->ty, num(w, 0), SPACE_NONE };
}

struct val low_expr(struct low *w, struct node *n)
{
	switch (n->kind) {
	case N_INT:
	case N_BOOL:
	case N_SIZEOF:
	case N_OFFSETOF:
		return (struct val){ n->ty, num(w, (s64)n->num), SPACE_NONE };
	case N_IDENT:
		if (n->sem == n)
			return (struct val){ n->ty, num(w, (s64)n->num), SPACE_NONE };
		return low_call(w, n);
	case N_CALL:
		return low_call(w, n);
	case N_VAR:
		return low_read_var(w, n->sem);
	case N_MAP:
		return low_map_read(w, n);
	case N_UNARY:
		return unary(w, n);
	case N_BINARY:
		return (struct val){ n->ty, binary(w, n), SPACE_NONE };
	case N_TERNARY:
		return chosen(w, n);
	case N_FIELD:
		return field(w, n);
	case N_AT:
		return record_field(w, n, (u32)n->num);
	case N_INDEX:
		return element(w, n);
	case N_CAST:
		return cast(w, n);
	case N_COMPTIME:
		return low_expr(w, n->a);
	case N_IF:
		return if_expr(w, n);
	case N_BLOCK:
		return block_value(w, n);
	case N_FNCALL:
		return low_fncall(w, n);
	default:
		return built(w, n);
	}
}

struct ir_insn *low_num(struct low *w, struct node *n)
{
	return low_expr(w, n).v;
}

/* ---- into memory ------------------------------------------------------------- */

static void tuple_into(struct low *w, struct node *n, const struct ty *t, struct ir_insn *base,
		       s32 off, bool clean)
{
	u32 end = 0, i = 0;

	for (struct node *e = n->list; e; e = e->next, i++) {
		const struct ty_field *f =
			&t->fields[n->kind == N_RECORD ? field_index(t, e->text) : i];

		if (n->kind == N_TUPLE && f->off > end)
			ir_zero(w->f, base, off + (s32)end, f->off - end);
		low_into(w, n->kind == N_RECORD ? e->a : e, f->ty, base, off + (s32)f->off, clean);
		end = f->off + f->ty->bytes;
	}
	if (n->kind == N_TUPLE && end < t->bytes)
		ir_zero(w->f, base, off + (s32)end, t->bytes - end);
}

static void typeinfo_into(struct low *w, struct node *n, const struct ty *t,
			  struct ir_insn *base, s32 off)
{
	const struct ty *is = n->sem;
	const char *kind = ty_kind_name(is->kind), *full = sem_name(w->l, is);

	ir_store(w->f, 8, base, off, num(w, is->id));
	low_text(w, base, off + (s32)t->fields[1].off, kind, (u32)strlen(kind),
		 t->fields[1].ty->bytes);
	low_text(w, base, off + (s32)t->fields[2].off, full, (u32)strlen(full),
		 t->fields[2].ty->bytes);
}

/* A record's padding. */
static bool is_constructor(const struct node *n, const struct ty *t)
{
	return (n->kind == N_TUPLE && t->kind == TY_TUPLE) ||
	       (n->kind == N_RECORD && t->kind == TY_RECORD);
}

void low_into(struct low *w, struct node *n, const struct ty *t, struct ir_insn *base, s32 off,
	      bool clean)
{
	if (is_constructor(n, t)) {
		if (n->kind == N_RECORD)
			low_zero(w, base, off, t->bytes);
		tuple_into(w, n, t, base, off, clean);
	} else if (n->kind == N_STR && t->kind == TY_STR) {
		low_text(w, base, off, n->text, n->text_n, clean ? t->bytes :
			 n->text_n + 1 < t->bytes ? n->text_n + 1 : t->bytes);
	} else if (n->kind == N_MAP && ty_is_mem(t)) {
		low_map_into(w, n, t, base, off);
	} else if (n->kind == N_TYPEINFO) {
		typeinfo_into(w, n, t, base, off);
	} else if ((n->kind == N_TERNARY || (n->kind == N_IF && !n->comptime)) && ty_is_mem(t)) {
		choose(w, n, base, off, 0, t);
	} else if ((n->kind == N_CALL || (n->kind == N_IDENT && n->sem != n)) && ty_is_mem(t) &&
		   low_call_into(w, n, t, base, off, clean)) {
		return;
	} else {
		low_store(w, low_expr(w, n), t, base, off, clean);
	}
}
