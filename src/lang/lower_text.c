/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lower_text.c: code of functions of texts and of memory that is read: str, buf, strlen,
 * strncmp, strstr, str_concat, memcmp. What they give is in BPF's own memory.
 */
#include "lang/lower.h"

struct val low_pointed(struct low *w, struct node *n)
{
	struct val v = low_expr(w, n);
	const struct sema s = { .l = w->l, .p = w->p };

	if (ty_is_mem(v.ty)) {
		v.space = v.space == SPACE_NONE ? SPACE_KERNEL : v.space;
		return v;
	}
	v.space = v.ty->kind == TY_PTR ? (v.ty->space == SPACE_NONE || v.ty->space == SPACE_BTF ||
					  v.ty->space == SPACE_CTX ? SPACE_KERNEL : v.ty->space) :
		  sem_space(&s);
	return v;
}

struct ir_insn *low_at_most(struct low *w, struct ir_insn *v, u32 max)
{
	const u32 var = ir_var(w->f);
	struct ir_block *big = low_block_new(w), *end = low_block_new(w);

	ir_write(w->f, var, v);
	ir_br(w->f, CC_ULE, 64, v, num(w, max), end, big);
	low_at(w, big);
	ir_write(w->f, var, num(w, max));
	ir_jmp(w->f, end);
	low_at(w, end);
	return ir_read(w->f, var);
}

void low_str_into(struct low *w, struct node *n, const struct ty *t, struct ir_insn *base,
		     s32 off, bool clean)
{
	struct node *len = n->list->next;
	struct ir_insn *size;
	struct val v;

	if (n->list->ty->kind == TY_STR && !len) {
		low_into(w, n->list, t, base, off, clean);
		return;
	}
	v = low_pointed(w, n->list);
	size = num(w, n->ty->bytes < t->bytes ? n->ty->bytes : t->bytes);
	if (len && len->kind != N_INT)
		size = low_at_most(w, low_num(w, len), (u32)size->imm);
	low_zero(w, base, off, clean ? t->bytes : 1);
	low_helper_error(w, ir_call(w->f, v.space == SPACE_USER ? BPF_FUNC_probe_read_user_str :
				    BPF_FUNC_probe_read_kernel_str, 3,
				    ir_addi(w->f, base, off), size, v.v),
			 v.space == SPACE_USER ? "probe_read_user_str" : "probe_read_kernel_str");
}

void low_buf_into(struct low *w, struct node *n, const struct ty *t, struct ir_insn *base,
		     s32 off, bool clean)
{
	const u32 room = n->ty->bytes - 4;
	struct val v = low_pointed(w, n->list);
	struct ir_insn *size = n->list->next ? low_at_most(w, low_num(w, n->list->next), room) :
			       num(w, room);

	if (clean)
		low_zero(w, base, off, t->bytes);
	ir_store(w->f, 4, base, off, size);
	ir_call(w->f, v.space == SPACE_USER ? BPF_FUNC_probe_read_user : BPF_FUNC_probe_read_kernel,
		3, ir_addi(w->f, base, off + 4), size, v.v);
}

struct ir_insn *low_strlen(struct low *w, struct node *n)
{
	struct val v = low_pointed(w, n->list);
	const u32 bytes = v.ty->kind == TY_STR ? v.ty->bytes : (u32)w->l->config.max_strlen + 1;
	struct ir_insn *tmp = low_temp(w, bytes), *got;
	const u32 var = ir_var(w->f);
	struct ir_block *good = low_block_new(w), *bad = low_block_new(w), *end = low_block_new(w);

	got = low_read_str(w, tmp, 0, bytes, v.v, v.space);
	ir_br(w->f, CC_SGT, 64, got, num(w, 0), good, bad);
	low_at(w, bad);
	ir_write(w->f, var, num(w, 0));
	ir_jmp(w->f, end);
	low_at(w, good);
	ir_write(w->f, var, ir_addi(w->f, got, -1));
	ir_jmp(w->f, end);
	low_at(w, end);
	return ir_read(w->f, var);
}

/* A string in BPF's own memory, of at least one byte. */
static struct val string_here(struct low *w, struct node *n)
{
	struct val v = low_expr(w, n);
	const u32 bytes = v.ty->kind == TY_STR ? v.ty->bytes : (u32)w->l->config.max_strlen + 1;
	struct ir_insn *tmp;

	if (v.ty->kind == TY_STR && v.space == SPACE_NONE)
		return v;
	v = ty_is_mem(v.ty) ? v : low_pointed(w, n);
	tmp = low_temp(w, bytes);
	low_zero(w, tmp, 0, 1);
	low_read_str(w, tmp, 0, bytes, v.v, v.space == SPACE_NONE ? SPACE_KERNEL : v.space);
	return (struct val){ ty_str(&w->l->types, bytes), tmp, SPACE_NONE };
}

/* A, and behind what it turned out to have B, into memory that has room for both. */
static void concat(struct low *w, const struct val a, const struct val b, struct ir_insn *to)
{
	struct ir_block *good = low_block_new(w), *end = low_block_new(w);
	struct ir_insn *got, *at;

	got = low_read_str(w, to, 0, a.ty->bytes, a.v, SPACE_KERNEL);
	ir_br(w->f, CC_SGT, 64, got, num(w, 0), good, end);
	low_at(w, good);
	at = ir_op2(w->f, IR_ADD, 64, to, ir_addi(w->f, got, -1));
	low_read_str(w, at, 0, b.ty->bytes, b.v, SPACE_KERNEL);
	ir_jmp(w->f, end);
	low_at(w, end);
}

void low_concat_into(struct low *w, struct node *n, const struct ty *t, struct ir_insn *base,
		     s32 off, bool clean)
{
	const struct val a = string_here(w, n->list), b = string_here(w, n->list->next);
	const struct ty *all = ty_str(&w->l->types, a.ty->bytes + b.ty->bytes - 1);
	struct ir_insn *tmp;

	if (t->bytes >= all->bytes) {
		low_zero(w, base, off, clean ? t->bytes : 1);
		concat(w, a, b, ir_addi(w->f, base, off));
		return;
	}
	tmp = low_temp(w, all->bytes);		/* and then as much as there is room for */
	low_zero(w, tmp, 0, 1);
	concat(w, a, b, tmp);
	low_store(w, (struct val){ all, tmp, SPACE_NONE }, t, base, off, clean);
}

struct ir_insn *low_strncmp(struct low *w, struct node *n)
{
	struct val a = string_here(w, n->list), b = string_here(w, n->list->next);
	struct sema s = { .l = w->l, .p = w->p };
	s64 len = 0;

	if (!sem_const(&s, n->list->next->next, &len) || len < 0)
		len = a.ty->bytes;
	if (!len)
		return num(w, 0);
	if ((u64)len < a.ty->bytes)
		a.ty = ty_str(&w->l->types, (u32)len);
	if ((u64)len < b.ty->bytes)
		b.ty = ty_str(&w->l->types, (u32)len);
	return ir_op2(w->f, IR_XOR, 64, low_equal(w, a, b), num(w, 1));
}

/* Every place, and there byte by byte. */
struct ir_insn *low_strstr(struct low *w, struct node *n)
{
	struct val hay = string_here(w, n->list), needle = string_here(w, n->list->next);
	struct ir_block *outer = low_block_new(w), *inner = low_block_new(w);
	struct ir_block *byte = low_block_new(w), *same = low_block_new(w),
			*more = low_block_new(w);
	struct ir_block *next = low_block_new(w), *step = low_block_new(w), *no = low_block_new(w);
	struct ir_block *yes = low_block_new(w), *end = low_block_new(w), *try = low_block_new(w);
	const u32 i = ir_var(w->f), j = ir_var(w->f), r = ir_var(w->f);
	struct ir_insn *x, *y, *at;

	ir_write(w->f, i, num(w, 0));
	ir_jmp(w->f, outer);
	ir_at(w->f, outer);
	ir_br(w->f, CC_ULT, 64, ir_read(w->f, i), num(w, hay.ty->bytes), try, no);
	low_at(w, try);
	ir_write(w->f, j, num(w, 0));
	ir_jmp(w->f, inner);
	ir_at(w->f, inner);
	at = ir_op2(w->f, IR_ADD, 64, ir_read(w->f, i), ir_read(w->f, j));
	ir_br(w->f, CC_ULT, 64, at, num(w, hay.ty->bytes), byte, next);
	low_at(w, byte);
	y = ir_load(w->f, 1, false, ir_op2(w->f, IR_ADD, 64, needle.v, ir_read(w->f, j)), 0);
	ir_br(w->f, CC_EQ, 64, y, num(w, 0), yes, same);
	low_at(w, same);
	x = ir_load(w->f, 1, false, ir_op2(w->f, IR_ADD, 64, hay.v, at), 0);
	ir_br(w->f, CC_EQ, 64, x, y, more, next);
	low_at(w, more);
	ir_write(w->f, j, ir_addi(w->f, ir_read(w->f, j), 1));
	ir_br(w->f, CC_ULT, 64, ir_read(w->f, j), num(w, needle.ty->bytes), inner, yes);
	ir_seal(inner);
	low_at(w, next);
	x = ir_load(w->f, 1, false, ir_op2(w->f, IR_ADD, 64, hay.v, ir_read(w->f, i)), 0);
	ir_br(w->f, CC_EQ, 64, x, num(w, 0), no, step);
	low_at(w, step);
	ir_write(w->f, i, ir_addi(w->f, ir_read(w->f, i), 1));
	ir_jmp(w->f, outer);
	ir_seal(outer);
	low_at(w, yes);
	ir_write(w->f, r, ir_read(w->f, i));
	ir_jmp(w->f, end);
	low_at(w, no);
	ir_write(w->f, r, num(w, -1));
	ir_jmp(w->f, end);
	low_at(w, end);
	return ir_read(w->f, r);
}

struct ir_insn *low_memcmp(struct low *w, struct node *n)
{
	struct val a = low_pointed(w, n->list), b = low_pointed(w, n->list->next);
	struct sema s = { .l = w->l, .p = w->p };
	struct ir_insn *x, *y;
	const struct ty *t;
	s64 len = 0;

	if (!sem_const(&s, n->list->next->next, &len) || len < 1 || len > 512)
		return num(w, 0);
	t = ty_array(&w->l->types, ty_int(&w->l->types, 1, false), (u32)len, SPACE_NONE);
	x = low_temp(w, (u32)len);
	y = low_temp(w, (u32)len);
	low_read(w, x, (u32)len, a.v, a.space);
	low_read(w, y, (u32)len, b.v, b.space);
	return ir_op2(w->f, IR_XOR, 64, low_equal(w, (struct val){ t, x, SPACE_NONE },
						  (struct val){ t, y, SPACE_NONE }), num(w, 1));
}
