/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ir_text.c: intermediate code as text, for -d ir and for tests: one instruction a line,
 * values "%ID", blocks "bID:". What ir_print() writes, ir_parse() reads; not types and
 * source lines. The reader trusts nothing: what it made is checked (ir_check).
 */
#include "lang/ir_in.h"
#include <ctype.h>
#include <stdio.h>

const struct ir_row ir_rows[IR_COUNT] = {
#define IR(op, name, what) { name, what },
#include "lang/ir.def"
#undef IR
};

const char *const ir_cc_names[] = {
	"eq", "ne", "ult", "ule", "ugt", "uge", "slt", "sle", "sgt", "sge", "test",
};

/* ---- writing ------------------------------------------------------------------------ */

static bool has_width(enum ir_op op)
{
	return (op >= IR_ADD && op <= IR_NEG) || op == IR_SET || op == IR_BR;
}

static bool has_size(enum ir_op op)
{
	return (op >= IR_SEXT && op <= IR_BSWAP) || (op >= IR_LOAD && op <= IR_ADDTO);
}

static void put_place(struct strbuf *out, const struct ir_insn *base, s32 off)
{
	sb_printf(out, " %%%u %c %lld", ir_real((struct ir_insn *)base)->id, off < 0 ? '-' : '+',
		  off < 0 ? -(long long)off : (long long)off);
}

static void put_args(struct strbuf *out, const struct ir_insn *i, u32 from)
{
	for (u32 a = from; a < i->nr_args; a++)
		sb_printf(out, " %%%u", ir_real(i->args[a])->id);
}

static void put_const(struct strbuf *out, const struct ir_insn *i)
{
	sb_printf(out, " %lld", (long long)i->imm);
	if (i->core)
		sb_printf(out, " core %u %u %s", i->core->kind, i->core->type, i->core->path);
}

static void put_memory(struct strbuf *out, const struct ir_insn *i)
{
	if (i->op == IR_ZERO || i->op == IR_COPY)
		sb_printf(out, " %lld", (long long)i->imm);
	put_place(out, i->args[0], i->off);
	if (i->op == IR_COPY)
		put_place(out, i->args[1], i->src_off);
	else
		put_args(out, i, 1);
	if (i->op == IR_LOAD && i->core)
		sb_printf(out, " core %u %u %s", i->core->kind, i->core->type, i->core->path);
}

static void put_phi(struct strbuf *out, const struct ir_insn *i)
{
	for (size_t p = 0; p < i->block->preds.n; p++)
		sb_printf(out, " b%u %%%u", i->block->preds.v[p]->id,
			  i->phi && i->phi[p] ? ir_real(i->phi[p])->id : 0);
}

static void put_name(struct strbuf *out, const struct ir_insn *i)
{
	if (ir_is(i, IRF_V))
		sb_printf(out, "%%%u = ", i->id);
	sb_puts(out, ir_rows[i->op].name);
	if (i->op == IR_LOAD && i->sx)
		sb_putc(out, 's');
	if (has_width(i->op))
		sb_printf(out, "%u", i->width);
	if (has_size(i->op))
		sb_printf(out, "%u", i->size);
	if (i->op == IR_SET || i->op == IR_BR)
		sb_printf(out, " %s", ir_cc_names[i->cc]);
}

static void put_rest(struct strbuf *out, const struct ir_insn *i)
{
	switch (i->op) {
	case IR_CONST: put_const(out, i); break;
	case IR_PHI: put_phi(out, i); break;
	case IR_LOAD: case IR_STORE: case IR_ADDTO: case IR_ZERO: case IR_COPY:
		put_memory(out, i);
		break;
	case IR_MAPVAL:
		sb_printf(out, " %lld + %u", (long long)i->imm, (u32)i->off);
		break;
	case IR_KFUNC: case IR_CCALL:
		sb_printf(out, " %s", i->name);
		put_args(out, i, 0);
		break;
	case IR_ARG: case IR_SLOT: case IR_MAP: case IR_FUNC: case IR_FRESH: case IR_CALL:
	case IR_KVAR:
	case IR_SUBCALL:
		sb_printf(out, " %lld", (long long)i->imm);
		put_args(out, i, 0);
		break;
	default:
		put_args(out, i, 0);
	}
	for (u32 t = 0; ir_is(i, IRF_T) && t < 2 && i->to[t]; t++)
		sb_printf(out, " b%u", i->to[t]->id);
}

static void put_func(struct strbuf *out, const struct ir_func *f)
{
	if (f->section)
		sb_printf(out, "func %s section %s\n", f->name, f->section);
	else
		sb_printf(out, "func %s args %u\n", f->name, f->nr_args);
	for (size_t i = 0; i < f->slots.n; i++)
		sb_printf(out, "slot %u align %u\n", f->slots.v[i].bytes, f->slots.v[i].align);
	for (const struct ir_block *b = f->first; b; b = b->next) {
		sb_printf(out, "b%u:\n", b->id);
		for (const struct ir_insn *i = b->first; i; i = i->next) {
			sb_putc(out, '\t');
			put_name(out, i);
			put_rest(out, i);
			sb_putc(out, '\n');
		}
	}
}

static void put_map(struct strbuf *out, const struct ir_map *m)
{
	sb_printf(out, "map %s type %u key %u value %u entries %u flags %u", m->name, m->type,
		  m->key_bytes, m->value_bytes, m->max_entries, m->flags);
	if (m->init) {
		sb_puts(out, " init ");
		for (u32 i = 0; i < m->value_bytes; i++)
			sb_printf(out, "%02x", ((const u8 *)m->init)[i]);
	}
	sb_puts(out, "\n");
}

void ir_print(struct strbuf *out, const struct ir_unit *u)
{
	for (size_t i = 0; i < u->maps.n; i++)
		put_map(out, &u->maps.v[i]);
	for (size_t i = 0; i < u->funcs.n; i++)
		put_func(out, u->funcs.v[i]);
}

/* ---- reading ------------------------------------------------------------------------ */

enum { WORDS_MAX = 600, ID_MAX = 1 << 22 };

struct reader {
	struct ir_unit *u;
	struct ir_func *f;
	struct skep_err *err;
	const char *text;		/* the rest */
	u32 line;
	char *words[WORDS_MAX];		/* of this line */
	u32 n, at;
	int bad;
	struct { struct ir_insn **v; size_t n, cap; } values;	/* of the function, by id */
	struct { struct ir_block **v; size_t n, cap; } blocks;
	VEC(struct ir_block *) order;	/* as they are written */
};

static int fail(struct reader *r, const char *what)
{
	char where[32];

	snprintf(where, sizeof(where), "ir:%u", r->line);
	if (!r->bad)
		r->bad = err_set(r->err, ERR_LANG_IR, where, "%s%s%s", what,
				 r->at && r->at <= r->n ? " at " : "",
				 r->at && r->at <= r->n ? r->words[r->at - 1] : "");
	return r->bad;
}

/* The next line's words; brackets and commas are for the eye. False at the end. */
static bool next_line(struct reader *r)
{
	size_t n = strcspn(r->text, "\n");
	char *s;

	if (!*r->text)
		return false;
	s = arena_strndup(r->u->arena, r->text, n);
	r->text += n + (r->text[n] == '\n');
	r->line++;
	s[strcspn(s, ";#")] = 0;
	r->n = r->at = 0;
	for (s = strtok(s, " \t,[]"); s && r->n < WORDS_MAX; s = strtok(NULL, " \t,[]"))
		r->words[r->n++] = s;
	return true;
}

static const char *word(struct reader *r)
{
	if (r->at < r->n)
		return r->words[r->at++];
	fail(r, "the line ends too early");
	return "";
}

static s64 number(struct reader *r)
{
	const char *s = word(r);
	char *end;
	s64 v;

	errno = 0;
	v = *s == '-' ? strtoll(s, &end, 0) : (s64)strtoull(s, &end, 0);
	if (end == s || *end || errno)
		fail(r, "no number");
	return v;
}

static bool take(struct reader *r, const char *what)
{
	if (r->at < r->n && !strcmp(r->words[r->at], what))
		return r->at++, true;
	return false;
}

static s64 named_number(struct reader *r, const char *name, s64 otherwise)
{
	return take(r, name) ? number(r) : otherwise;
}

static u32 id_of(struct reader *r, char mark)
{
	const char *s = word(r);
	char *end = NULL;
	unsigned long v = 0;

	if (*s == mark && isdigit((u8)s[1]))
		v = strtoul(s + 1, &end, 10);
	if (!v || v > ID_MAX || (*end && strcmp(end, ":")))
		return fail(r, mark == '%' ? "no value" : "no block"), 1;
	return (u32)v;
}

/* Values may be used before their line: they are made when they are first named. */
static struct ir_insn *value_of(struct reader *r, u32 id)
{
	while (r->values.n <= id)
		*vec_push(&r->values) = NULL;
	if (!r->values.v[id]) {
		r->values.v[id] = ir_insn_new(r->f, IR_COUNT);
		r->values.v[id]->id = id;
	}
	return r->values.v[id];
}

static struct ir_insn *value(struct reader *r)
{
	return value_of(r, id_of(r, '%'));
}

static struct ir_block *block_of(struct reader *r, u32 id)
{
	while (r->blocks.n <= id)
		*vec_push(&r->blocks) = NULL;
	if (!r->blocks.v[id]) {
		r->blocks.v[id] = ir_block_new(r->f);
		r->blocks.v[id]->id = id;
	}
	return r->blocks.v[id];
}

static void read_args(struct reader *r, struct ir_insn *i, u32 max)
{
	while (i->nr_args < max && r->at < r->n && r->words[r->at][0] == '%')
		i->args[i->nr_args++] = value(r);
}

static s32 read_off(struct reader *r)
{
	bool minus = take(r, "-");

	if (!minus && !take(r, "+"))
		fail(r, "no offset");
	return (s32)(minus ? -number(r) : number(r));
}

static void read_core(struct reader *r, struct ir_insn *i)
{
	struct ir_core *core;

	if (!take(r, "core"))
		return;
	core = arena_new(r->u->arena, struct ir_core);
	core->kind = (u32)number(r);
	core->type = (u32)number(r);
	core->path = word(r);
	i->core = core;
}

static void read_memory(struct reader *r, struct ir_insn *i)
{
	if (i->op == IR_ZERO || i->op == IR_COPY)
		i->imm = number(r);
	i->args[i->nr_args++] = value(r);
	i->off = read_off(r);
	if (i->op == IR_LOAD || i->op == IR_ZERO)
		return read_core(r, i);
	i->args[i->nr_args++] = value(r);
	if (i->op == IR_COPY)
		i->src_off = read_off(r);
	read_core(r, i);
}

/* "b1 %2 b3 %4": operands in the order of the line, put right at the function's end. */
static void read_phi(struct reader *r, struct ir_insn *i)
{
	u32 n = 0;

	i->phi = arena_news(r->u->arena, r->n, struct ir_insn *);
	i->args[0] = arena_alloc(r->u->arena, r->n * sizeof(struct ir_block *));
	while (r->at < r->n && !r->bad) {
		((struct ir_block **)i->args[0])[n] = block_of(r, id_of(r, 'b'));
		i->phi[n++] = value(r);
	}
	i->imm = n;
}

static void read_cc(struct reader *r, struct ir_insn *i)
{
	const char *s = word(r);

	for (u32 c = 0; c < CC_COUNT; c++) {
		if (!strcmp(s, ir_cc_names[c])) {
			i->cc = (enum ir_cc)c;
			return;
		}
	}
	fail(r, "no condition");
}

static void read_end(struct reader *r, struct ir_insn *i)
{
	read_args(r, i, i->op == IR_BR ? 2 : i->op == IR_EXIT);
	for (u32 t = 0; t < (i->op == IR_BR ? 2u : i->op == IR_JMP); t++) {
		i->to[t] = block_of(r, id_of(r, 'b'));
		*vec_push(&i->to[t]->preds) = i->block;
	}
}

static void read_rest(struct reader *r, struct ir_insn *i)
{
	if (i->op == IR_SET || i->op == IR_BR)
		read_cc(r, i);
	switch (i->op) {
	case IR_CONST:
		i->imm = number(r);
		read_core(r, i);
		break;
	case IR_PHI: read_phi(r, i); break;
	case IR_LOAD: case IR_STORE: case IR_ADDTO: case IR_ZERO: case IR_COPY:
		read_memory(r, i);
		break;
	case IR_MAPVAL:
		i->imm = number(r);
		i->off = read_off(r);
		break;
	case IR_KFUNC: case IR_CCALL:
		i->name = word(r);
		read_args(r, i, 5);
		break;
	case IR_ARG: case IR_SLOT: case IR_MAP: case IR_FUNC: case IR_FRESH: case IR_CALL:
	case IR_KVAR:
	case IR_SUBCALL:
		i->imm = number(r);
		read_args(r, i, ir_is_call(i) ? 5 : 0);
		break;
	case IR_JMP: case IR_BR: case IR_EXIT: read_end(r, i); break;
	default: read_args(r, i, 2);
	}
}

/* "add64", "loads2": the operation, and the number behind it. */
static bool read_op(struct ir_insn *i, const char *s)
{
	for (u32 op = 0; op < IR_COUNT; op++) {
		size_t n = strlen(ir_rows[op].name);
		const char *rest = s + n;
		u32 v;

		if (strncmp(s, ir_rows[op].name, n))
			continue;
		i->sx = op == IR_LOAD && *rest == 's';
		rest += i->sx;
		v = (u32)strtoul(rest, NULL, 10);
		if ((*rest && !isdigit((u8)*rest)) ||
		    !*rest == (has_width((enum ir_op)op) || has_size((enum ir_op)op)))
			continue;
		i->op = (enum ir_op)op;
		if (has_width(i->op))
			i->width = (u8)v;
		if (has_size(i->op))
			i->size = (u8)v;
		return true;
	}
	return false;
}

static void read_insn(struct reader *r)
{
	struct ir_insn *i;
	bool named = r->words[0][0] == '%';

	if (named) {
		i = value(r);
		if (i->block || !take(r, "=")) {
			fail(r, "a value that is there, or no '='");
			return;
		}
	} else {
		i = ir_insn_new(r->f, IR_COUNT);
		i->id = 0;
	}
	if (!read_op(i, word(r)) || ir_is(i, IRF_V) != named || ir_ended(r->f)) {
		fail(r, "no instruction for this place");
		return;
	}
	ir_insert(r->f->at, NULL, i);
	read_rest(r, i);
	if (i->op == IR_CTX)
		r->f->ctx = i;
	if (r->at < r->n && !r->bad)
		r->at++, fail(r, "more than the instruction takes");
}

static void read_block(struct reader *r)
{
	struct ir_block *b = block_of(r, id_of(r, 'b'));

	if (b->sealed)
		fail(r, "a block that is there");
	b->sealed = true;
	*vec_push(&r->order) = b;
	ir_at(r->f, b);
}

static void read_init(struct reader *r, struct ir_map *m)
{
	const char *hex = word(r);
	u8 *to = arena_alloc(r->u->arena, m->value_bytes);

	if (strlen(hex) != 2 * (size_t)m->value_bytes)
		fail(r, "not as many digits as the value has");
	for (u32 i = 0; i < m->value_bytes && !r->bad; i++)
		to[i] = (u8)(digit_value(hex[2 * i]) << 4 | (digit_value(hex[2 * i + 1]) & 15));
	m->init = to;
}

static void read_map(struct reader *r)
{
	struct ir_map m = { .name = word(r) };

	m.type = (u32)named_number(r, "type", BPF_MAP_TYPE_ARRAY);
	m.key_bytes = (u32)named_number(r, "key", 4);
	m.value_bytes = (u32)named_number(r, "value", 8);
	m.max_entries = (u32)named_number(r, "entries", 1);
	m.flags = (u32)named_number(r, "flags", 0);
	m.rodata = !strncmp(m.name, ".rodata", 7);
	if (take(r, "init"))
		read_init(r, &m);
	ir_map_add(r->u, &m);
}

static void read_func(struct reader *r)
{
	const char *name = word(r);
	const char *section = take(r, "section") ? word(r) : NULL;
	u32 args = (u32)named_number(r, "args", 0);

	r->f = ir_func_new(r->u, name, section, args);
	r->f->first->sealed = false;
	r->f->at = NULL;
	r->values.n = r->blocks.n = r->order.n = 0;
}

static void read_slot(struct reader *r)
{
	u32 bytes = (u32)number(r);

	ir_slot_new(r->f, bytes, (u32)named_number(r, "align", 8));
}

/* Operands in the order of the predecessors. */
static void order_phi(struct reader *r, struct ir_insn *i)
{
	struct ir_block **from = (struct ir_block **)i->args[0];
	struct ir_insn **by = arena_news(r->u->arena, i->block->preds.n, struct ir_insn *);
	u32 n = (u32)i->imm;

	for (size_t p = 0; p < i->block->preds.n; p++)
		for (u32 k = 0; k < n; k++)
			if (from[k] == i->block->preds.v[p])
				by[p] = i->phi[k];
	i->phi = by;
	i->args[0] = NULL;
	i->imm = 0;
}

/* Values and blocks keep the numbers of the text; what has none gets the next. */
static void number_rest(struct reader *r)
{
	struct ir_func *f = r->f;

	f->nr_insns = (u32)r->values.n;
	f->nr_blocks = (u32)r->blocks.n;
	for (struct ir_block *b = f->first; b; b = b->next)
		for (struct ir_insn *i = b->first; i; i = i->next)
			i->id = i->id ? i->id : ++f->nr_insns;
}

/* Blocks stand as they were written; the first block of ir_func_new() is not among them. */
static void end_func(struct reader *r)
{
	struct ir_func *f = r->f;

	for (size_t i = 0; f && i < r->blocks.n; i++)
		if (r->blocks.v[i] && !r->blocks.v[i]->sealed)
			fail(r, "a jump to a block that is not there");
	if (!f || r->bad)
		return;
	f->first = f->last = NULL;
	for (size_t i = 0; i < r->order.n; i++) {
		struct ir_block *b = r->order.v[i];

		*(f->last ? &f->last->next : &f->first) = b;
		f->last = b;
		b->next = NULL;
		for (struct ir_insn *k = b->first; k && k->op == IR_PHI; k = k->next)
			order_phi(r, k);
	}
	f->settled = true;
	number_rest(r);
	if (!r->bad && ir_check(f, r->u->arena))
		r->bad = err_set(r->err, ERR_LANG_IR, f->name, "%s", ir_check(f, r->u->arena));
}

static void read_line(struct reader *r)
{
	const char *first = r->n ? r->words[0] : "";

	if (!r->n)
		return;
	if (!strcmp(first, "map")) {
		r->at = 1;
		read_map(r);
	} else if (!strcmp(first, "func")) {
		end_func(r);
		r->at = 1;
		read_func(r);
	} else if (!r->f) {
		fail(r, "neither a map nor a function");
	} else if (!strcmp(first, "slot")) {
		r->at = 1;
		read_slot(r);
	} else if (*first == 'b' && first[strlen(first) - 1] == ':') {
		read_block(r);
	} else if (!r->f->at) {
		fail(r, "an instruction outside of a block");
	} else {
		read_insn(r);
	}
}

int ir_parse(struct ir_unit *u, const char *text, struct skep_err *err)
{
	struct reader r = { .u = u, .text = text, .err = err };

	while (!r.bad && next_line(&r))
		read_line(&r);
	r.n = r.at = 0;
	end_func(&r);
	vec_free(&r.values);
	vec_free(&r.blocks);
	vec_free(&r.order);
	return r.bad;
}
