/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lower_mem.c: memory of scripts' values: temporaries, reading what pointers point to,
 * copying, comparing. Small objects are on the stack; larger ones in memory of the cpu,
 * which a program asks for once.
 */
#include "lang/lower.h"

enum {
	STACK_MAX = 320,	/* bytes for objects; the rest of 512 is for registers */
	SLOT_MAX = 64,
	INLINE_MAX = 128,	/* bytes that are copied one word after the other */
	ZERO_MAX = 192,
};

bool ty_is_mem(const struct ty *t)
{
	switch (t->kind) {
	case TY_STR:
	case TY_BUF:
	case TY_ARRAY:
	case TY_CSTRUCT:
	case TY_TUPLE:
	case TY_RECORD:
	case TY_INET:
	case TY_MAC:
	case TY_USYM:
	case TY_STACK:
		return true;
	default:
		return false;
	}
}

/* ---- room -------------------------------------------------------------------- */

static struct ir_insn *from_scratch(struct low *w, u32 bytes)
{
	const u32 at = *w->scratch_at;

	*w->scratch_at = at + (u32)round_up(bytes, 8);
	if (*w->scratch_at > *w->scratch_max)
		*w->scratch_max = *w->scratch_at;
	*w->wants_scratch = true;
	return w->scratch ? ir_addi(w->f, w->scratch, at) : ir_slot(w->f, 8, 8);
}

struct ir_insn *low_room(struct low *w, u32 bytes)
{
	const u32 size = (u32)round_up(bytes ? bytes : 1, 8);

	struct ir_insn *at;

	if (size > SLOT_MAX || w->stack_used + size > STACK_MAX) {
		at = from_scratch(w, size);
		w->rooms_end = *w->scratch_at;
		return at;
	}
	w->stack_used += size;
	return ir_slot(w->f, size, 8);
}

struct ir_insn *low_temp(struct low *w, u32 bytes)
{
	const u32 size = (u32)round_up(bytes ? bytes : 1, 8);

	if (size > SLOT_MAX)
		return from_scratch(w, size);
	for (size_t i = 0; i < w->temps.n; i++)
		if (!w->temps.v[i].taken && w->temps.v[i].bytes == size) {
			w->temps.v[i].taken = true;
			return w->temps.v[i].slot;
		}
	if (w->stack_used + size > STACK_MAX)
		return from_scratch(w, size);
	w->stack_used += size;
	*vec_push(&w->temps) = (struct temp){ ir_slot(w->f, size, 8), size, true };
	return w->temps.v[w->temps.n - 1].slot;
}

/* Those that were taken since the statement began. */
void low_temps_free(struct low *w, size_t slots, u32 scratch)
{
	for (size_t i = slots; i < w->temps.n; i++)
		w->temps.v[i].taken = false;
	*w->scratch_at = scratch > w->rooms_end ? scratch : w->rooms_end;
}

/* ---- copying ----------------------------------------------------------------- */

void low_read(struct low *w, struct ir_insn *to, u32 bytes, struct ir_insn *addr,
	      enum ty_space space)
{
	const bool user = space == SPACE_USER;

	low_helper_error(w, ir_call(w->f, user ? BPF_FUNC_probe_read_user :
				    BPF_FUNC_probe_read_kernel, 3, to, num(w, bytes), addr),
			 user ? "probe_read_user" : "probe_read_kernel");
}

void low_copy(struct low *w, struct ir_insn *to, s32 off, struct ir_insn *from, s32 from_off,
	      u32 bytes)
{
	if (bytes <= INLINE_MAX)
		ir_copy(w->f, to, off, from, from_off, bytes);
	else
		low_read(w, ir_addi(w->f, to, off), bytes, ir_addi(w->f, from, from_off),
			 SPACE_KERNEL);
}

void low_zero(struct low *w, struct ir_insn *base, s32 off, u32 bytes)
{
	if (bytes <= ZERO_MAX)
		ir_zero(w->f, base, off, bytes);
	else
		low_read(w, ir_addi(w->f, base, off), bytes,
			 ir_mapval(w->f, low_zero_map(w->l, bytes), 0), SPACE_KERNEL);
}

struct ir_insn *low_read_str(struct low *w, struct ir_insn *base, s32 off, u32 bytes,
			     struct ir_insn *addr, enum ty_space space)
{
	const bool user = space == SPACE_USER;
	struct ir_insn *r = ir_call(w->f, user ? BPF_FUNC_probe_read_user_str :
				    BPF_FUNC_probe_read_kernel_str, 3, ir_addi(w->f, base, off),
				    num(w, bytes), addr);

	low_helper_error(w, r, user ? "probe_read_user_str" : "probe_read_kernel_str");
	return r;
}

/* How many bytes at OFF from ADDR can be read at once: the stack wants them aligned. */
static u32 piece(const struct ir_insn *addr, s32 off, u32 left)
{
	u32 size = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
	s64 at = off;

	while (addr->op == IR_ADD && addr->args[1]->op == IR_CONST) {
		at += addr->args[1]->imm;
		addr = addr->args[0];
	}
	while (addr->op == IR_SLOT && at % size)
		size /= 2;
	return size;
}

/* The literal TEXT of N bytes in BYTES, the rest 0. */
void low_text(struct low *w, struct ir_insn *base, s32 off, const char *text, u32 n, u32 bytes)
{
	u32 at = 0;

	n = n < bytes ? n : bytes;
	while (at < n) {
		const u32 size = piece(base, off + (s32)at, bytes - at);
		u64 v = 0;

		memcpy(&v, text + at, n - at < size ? n - at : size);
		ir_store(w->f, size, base, off + (s32)at, num(w, (s64)v));
		at += size;
	}
	if (at < bytes)
		low_zero(w, base, off + (s32)at, bytes - at);
}

/* ---- numbers ----------------------------------------------------------------- */

static bool is_signed(const struct ty *t)
{
	return t->kind == TY_INT || t->kind == TY_ENUM ? t->is_signed : false;
}

struct ir_insn *low_convert(struct low *w, struct ir_insn *v, const struct ty *from,
			    const struct ty *to)
{
	if (to->kind == TY_BOOL)
		return from->kind == TY_BOOL ? v : ir_set(w->f, CC_NE, 64, v, num(w, 0));
	if (to->bytes >= 8 || (from->bytes <= to->bytes && is_signed(from) == is_signed(to)) ||
	    from->kind == TY_BOOL)
		return v;
	return ir_conv(w->f, is_signed(to) ? IR_SEXT : IR_ZEXT, to->bytes, v);
}

static struct ir_insn *load_number(struct low *w, const struct ty *t, struct ir_insn *addr,
				   s32 off, enum ty_space space)
{
	struct ir_insn *tmp;

	if (space == SPACE_NONE || space == SPACE_BTF || space == SPACE_CTX)
		return ir_load(w->f, t->bytes, is_signed(t), addr, off);
	tmp = low_temp(w, 8);
	low_read(w, tmp, t->bytes, ir_addi(w->f, addr, off), space);
	return ir_load(w->f, t->bytes, is_signed(t), tmp, 0);
}

struct val low_load(struct low *w, const struct ty *t, struct ir_insn *addr, s32 off,
		    enum ty_space space)
{
	if (ty_is_mem(t))
		return (struct val){ t, ir_addi(w->f, addr, off), space };
	return (struct val){ t, load_number(w, t, addr, off, space), SPACE_NONE };
}

/* ---- storing ----------------------------------------------------------------- */

static void store_str(struct low *w, struct val v, const struct ty *t, struct ir_insn *base,
		      s32 off, bool clean)
{
	const u32 n = v.ty->bytes < t->bytes ? v.ty->bytes : t->bytes;

	if (v.space == SPACE_NONE) {
		low_copy(w, base, off, v.v, 0, n);
		if (n < t->bytes)
			low_zero(w, base, off + (s32)n, clean ? t->bytes - n : 1);
		else if (t->bytes < v.ty->bytes)
			ir_store(w->f, 1, base, off + (s32)t->bytes - 1, num(w, 0));
		return;
	}
	low_zero(w, base, off, clean ? t->bytes : 1);
	low_read_str(w, base, off, n, v.v, v.space);
}

static void store_fields(struct low *w, struct val v, const struct ty *t, struct ir_insn *base,
			 s32 off, bool clean)
{
	u32 end = 0;

	for (u32 i = 0; i < t->nr_fields; i++) {
		const struct ty_field *to = &t->fields[i], *from = &v.ty->fields[i];

		for (u32 j = 0; to->name && j < v.ty->nr_fields; j++)
			if (!strcmp(v.ty->fields[j].name, to->name))
				from = &v.ty->fields[j];
		if (to->off > end)
			ir_zero(w->f, base, off + (s32)end, to->off - end);
		low_store(w, low_load(w, from->ty, v.v, (s32)from->off, v.space), to->ty, base,
			  off + (s32)to->off, clean);
		end = to->off + to->ty->bytes;
	}
	if (end < t->bytes)
		ir_zero(w->f, base, off + (s32)end, t->bytes - end);
}

void low_store(struct low *w, struct val v, const struct ty *t, struct ir_insn *base, s32 off,
	       bool clean)
{
	if (!ty_is_mem(t)) {
		ir_store(w->f, t->bytes, base, off, low_convert(w, v.v, v.ty, t));
		return;
	}
	if (t->kind == TY_STR && v.ty->kind == TY_STR) {
		store_str(w, v, t, base, off, clean);
		return;
	}
	if ((t->kind == TY_TUPLE || t->kind == TY_RECORD) && t != v.ty) {
		store_fields(w, v, t, base, off, clean);
		return;
	}
	if (v.space == SPACE_NONE)
		low_copy(w, base, off, v.v, 0, v.ty->bytes < t->bytes ? v.ty->bytes : t->bytes);
	else
		low_read(w, ir_addi(w->f, base, off), t->bytes, v.v, v.space);
	if (v.space == SPACE_NONE && v.ty->bytes < t->bytes)
		low_zero(w, base, off + (s32)v.ty->bytes, t->bytes - v.ty->bytes);
}

/* ---- comparing --------------------------------------------------------------- */

/* V in BPF's own memory. */
static struct val here(struct low *w, struct val v)
{
	struct ir_insn *to;

	if (v.space == SPACE_NONE)
		return v;
	to = low_temp(w, v.ty->bytes);
	low_store(w, v, v.ty, to, 0, true);
	return (struct val){ v.ty, to, SPACE_NONE };
}

/* Word by word: jumps to NO at the first that differs from WANT. */
struct ir_insn *low_equal_text(struct low *w, struct val a, const char *text, u32 n)
{
	struct ir_block *no = low_block_new(w), *end = low_block_new(w);
	const u32 var = ir_var(w->f), bytes = n + 1;
	u32 at = 0;

	a = here(w, a);
	if (bytes > a.ty->bytes) {
		ir_write(w->f, var, num(w, 0));
		ir_jmp(w->f, end);
		at = bytes;
	}
	while (at < bytes) {
		const u32 size = piece(a.v, (s32)at, bytes - at);
		struct ir_block *next = low_block_new(w);
		u64 v = 0;

		memcpy(&v, text + at, n - at < size ? n - at : size);
		ir_br(w->f, CC_EQ, 64, ir_load(w->f, size, false, a.v, (s32)at),
		      num(w, (s64)v), next, no);
		low_at(w, next);
		at += size;
		if (at >= bytes) {
			ir_write(w->f, var, num(w, 1));
			ir_jmp(w->f, end);
		}
	}
	low_at(w, no);
	ir_write(w->f, var, num(w, 0));
	ir_jmp(w->f, end);
	low_at(w, end);
	return ir_read(w->f, var);
}

/* Of the SIZE bytes X: the highest bit of each that is 0, exact for the first one. */
static struct ir_insn *zero_bytes(struct low *w, struct ir_insn *x, u32 size)
{
	const u64 ones = 0x0101010101010101 >> (64 - 8 * size);
	struct ir_insn *less = ir_op2(w->f, IR_SUB, 64, x, num(w, (s64)ones));
	struct ir_insn *not = ir_op2(w->f, IR_XOR, 64, x, num(w, -1));

	return ir_op2(w->f, IR_AND, 64, ir_op2(w->f, IR_AND, 64, less, not),
		      num(w, (s64)(ones << 7)));
}

/*
 * SIZE bytes of two strings at I, or the one at AT when I is NULL: DIFF is what differs up to
 * the first NUL of A; the result is other than 0 when nothing behind them matters.
 */
static struct ir_insn *compare_piece(struct low *w, struct val a, struct val b, struct ir_insn *i,
				     u32 at, u32 size, struct ir_insn **diff)
{
	struct ir_insn *from = i ? ir_op2(w->f, IR_ADD, 64, a.v, i) : a.v;
	struct ir_insn *with = i ? ir_op2(w->f, IR_ADD, 64, b.v, i) : b.v;
	struct ir_insn *x = ir_load(w->f, size, false, from, (s32)at);
	struct ir_insn *y = ir_load(w->f, size, false, with, (s32)at);
	struct ir_insn *zero = zero_bytes(w, x, size), *mask;

	mask = ir_op2(w->f, IR_XOR, 64, zero, ir_addi(w->f, zero, -1));	/* no NUL: all bits */
	*diff = ir_op2(w->f, IR_AND, 64, ir_op2(w->f, IR_XOR, 64, x, y), mask);
	return ir_op2(w->f, IR_OR, 64, *diff, zero);
}

/*
 * Two strings, up to the first NUL, by words where they lie well. There is one branch a
 * word: each is a way that the verifier has to follow later, and it gives up at 8192.
 */
static struct ir_insn *equal_strings(struct low *w, struct val a, struct val b)
{
	const u32 n = a.ty->bytes < b.ty->bytes ? a.ty->bytes : b.ty->bytes;
	const u32 step = piece(b.v, 0, piece(a.v, 0, n < 8 ? 1 : 8)), whole = n - n % step;
	struct ir_block *head = low_block_new(w), *body = low_block_new(w);
	struct ir_block *more = low_block_new(w), *rest = low_block_new(w);
	struct ir_block *end = low_block_new(w);
	const u32 i = ir_var(w->f), var = ir_var(w->f);
	struct ir_insn *at, *diff, *stop;

	ir_write(w->f, i, num(w, 0));
	ir_write(w->f, var, num(w, 0));
	ir_jmp(w->f, head);
	ir_at(w->f, head);
	ir_br(w->f, CC_ULT, 64, ir_read(w->f, i), num(w, whole), body, rest);
	low_at(w, body);
	at = ir_read(w->f, i);
	stop = compare_piece(w, a, b, at, 0, step, &diff);
	ir_write(w->f, var, diff);
	ir_br(w->f, CC_EQ, 64, stop, num(w, 0), more, end);
	low_at(w, more);
	ir_write(w->f, i, ir_addi(w->f, at, step));
	ir_jmp(w->f, head);
	ir_seal(head);
	low_at(w, rest);
	for (u32 k = whole; k < n; k++) {
		struct ir_block *next = low_block_new(w);

		stop = compare_piece(w, a, b, NULL, k, 1, &diff);
		ir_write(w->f, var, diff);
		ir_br(w->f, CC_EQ, 64, stop, num(w, 0), next, end);
		low_at(w, next);
	}
	ir_jmp(w->f, end);
	low_at(w, end);
	return ir_set(w->f, CC_EQ, 64, ir_read(w->f, var), num(w, 0));
}

/* N bytes that are all compared. */
static struct ir_insn *equal_bytes(struct low *w, struct ir_insn *a, struct ir_insn *b, u32 n)
{
	struct ir_insn *diff = num(w, 0);

	for (u32 at = 0; at < n;) {
		const u32 left = piece(a, (s32)at, n - at), size = piece(b, (s32)at, left);
		struct ir_insn *x = ir_load(w->f, size, false, a, (s32)at);
		struct ir_insn *y = ir_load(w->f, size, false, b, (s32)at);

		diff = ir_op2(w->f, IR_OR, 64, diff, ir_op2(w->f, IR_XOR, 64, x, y));
		at += size;
	}
	return ir_set(w->f, CC_EQ, 64, diff, num(w, 0));
}

static struct ir_insn *equal_fields(struct low *w, struct val a, struct val b)
{
	struct ir_insn *all = num(w, 1);

	for (u32 i = 0; i < a.ty->nr_fields; i++) {
		const struct ty_field *x = &a.ty->fields[i], *y = &b.ty->fields[i];
		struct val p = low_load(w, x->ty, a.v, (s32)x->off, SPACE_NONE);
		struct val q = low_load(w, y->ty, b.v, (s32)y->off, SPACE_NONE);

		all = ir_op2(w->f, IR_AND, 64, all, low_equal(w, p, q));
	}
	return all;
}

struct ir_insn *low_equal(struct low *w, struct val a, struct val b)
{
	if (!ty_is_mem(a.ty))
		return ir_set(w->f, CC_EQ, 64, a.v, b.v);
	a = here(w, a);
	b = here(w, b);
	if (a.ty->kind == TY_STR)
		return equal_strings(w, a, b);
	if (a.ty->kind == TY_TUPLE || a.ty->kind == TY_RECORD)
		return equal_fields(w, a, b);
	return equal_bytes(w, a.v, b.v, a.ty->bytes < b.ty->bytes ? a.ty->bytes : b.ty->bytes);
}
