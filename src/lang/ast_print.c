/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ast_print.c: -d ast. A line for each statement, expressions in parentheses, operator
 * first, so that what binds how can be seen and two trees can be compared as text.
 */
#include "lang/ast.h"

static const char *const op_names[] = {
	[OP_NONE] = "", [OP_ADD] = "+", [OP_SUB] = "-", [OP_MUL] = "*", [OP_DIV] = "/",
	[OP_MOD] = "%", [OP_AND] = "&", [OP_OR] = "|", [OP_XOR] = "^", [OP_SHL] = "<<",
	[OP_SHR] = ">>", [OP_LAND] = "&&", [OP_LOR] = "||", [OP_EQ] = "==", [OP_NE] = "!=",
	[OP_LT] = "<", [OP_LE] = "<=", [OP_GT] = ">", [OP_GE] = ">=", [OP_NOT] = "!",
	[OP_BNOT] = "~", [OP_NEG] = "-", [OP_DEREF] = "*", [OP_ADDR] = "&", [OP_INC] = "++",
	[OP_DEC] = "--",
};

const char *ast_op_name(enum node_op op)
{
	return op_names[op];
}

void ast_put_string(struct strbuf *out, const char *s, size_t n)
{
	sb_putc(out, '"');
	for (size_t i = 0; i < n; i++) {
		u8 c = (u8)s[i];

		if (c == '\n')
			sb_puts(out, "\\n");
		else if (c == '\t')
			sb_puts(out, "\\t");
		else if (c == '"' || c == '\\')
			sb_printf(out, "\\%c", c);
		else if (c < 32 || c == 127)
			sb_printf(out, "\\x%02x", c);
		else
			sb_putc(out, (char)c);
	}
	sb_putc(out, '"');
}

static void put(struct strbuf *out, const struct node *n);
static void put_lines(struct strbuf *out, const struct node *n, u32 depth);

static void put_list(struct strbuf *out, const struct node *n)
{
	for (; n; n = n->next) {
		sb_putc(out, ' ');
		put(out, n);
	}
}

/* (WORD A B C LIST) of what is there. */
static void put_form(struct strbuf *out, const char *word, const struct node *n)
{
	const struct node *parts[] = { n->type, n->a, n->b, n->c };

	sb_printf(out, "(%s", word);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (parts[i]) {
			sb_putc(out, ' ');
			put(out, parts[i]);
		}
	put_list(out, n->list);
	sb_putc(out, ')');
}

static void put_type(struct strbuf *out, const struct node *n)
{
	if (n->a) {
		sb_puts(out, "typeof(");
		put(out, n->a);
		sb_putc(out, ')');
	} else {
		/* one word */
		for (const char *s = n->text; *s; s++)
			sb_putc(out, *s == ' ' ? '.' : *s);
	}
	if (n->num)
		sb_printf(out, "[%llu]", (unsigned long long)n->num);
	for (const struct node *i = n->list; i; i = i->next)
		if (i->kind == N_PTR)
			sb_putc(out, '*');
		else if (i->num)
			sb_printf(out, "[%llu]", (unsigned long long)i->num);
		else
			sb_puts(out, "[]");
}

static void put_map(struct strbuf *out, const struct node *n)
{
	sb_puts(out, n->text);
	if (!n->a)
		return;
	sb_putc(out, '[');
	put(out, n->a);
	sb_putc(out, ']');
}

static void put_field(struct strbuf *out, const struct node *n)
{
	if (!n->a) {
		sb_printf(out, ".%s", n->text);
		return;
	}
	sb_printf(out, "(%s ", n->arrow ? "->" : ".");
	put(out, n->a);
	sb_printf(out, " %s)", n->text);
}

static void put_at(struct strbuf *out, const struct node *n)
{
	sb_puts(out, "(. ");
	put(out, n->a);
	sb_printf(out, " %llu)", (unsigned long long)n->num);
}

static void put_unary(struct strbuf *out, const struct node *n)
{
	sb_printf(out, "(%s%s ", n->post ? "post" : "", op_names[n->op]);
	put(out, n->a);
	sb_putc(out, ')');
}

static void put_call(struct strbuf *out, const struct node *n)
{
	sb_printf(out, "(call %s", n->text);
	put_list(out, n->list);
	sb_putc(out, ')');
}

static void put_named(struct strbuf *out, const struct node *n)
{
	sb_printf(out, "%s=", n->text);
	put(out, n->a);
}

/* A block as an expression: its statements are on lines of their own. */
static void put_block(struct strbuf *out, const struct node *n)
{
	sb_puts(out, "(block");
	put_list(out, n->list);
	if (n->a) {
		sb_puts(out, " => ");
		put(out, n->a);
	}
	sb_putc(out, ')');
}

static void put_assign(struct strbuf *out, const struct node *n)
{
	sb_printf(out, "(%s= ", op_names[n->op]);
	if (n->a)
		put(out, n->a);
	else
		sb_putc(out, '_');
	sb_putc(out, ' ');
	put(out, n->b);
	sb_putc(out, ')');
}

static void put_positional(struct strbuf *out, const struct node *n)
{
	if (n->num)
		sb_printf(out, "$%llu", (unsigned long long)n->num);
	else
		sb_puts(out, "$#");
}

static void put(struct strbuf *out, const struct node *n)
{
	if (!n)
		return;
	switch (n->kind) {
	case N_INT: sb_printf(out, "%llu", (unsigned long long)n->num); break;
	case N_BOOL: sb_puts(out, n->num ? "true" : "false"); break;
	case N_STR: ast_put_string(out, n->text, n->text_n); break;
	case N_IDENT: case N_VAR: sb_puts(out, n->text); break;
	case N_MAP: put_map(out, n); break;
	case N_POS: put_positional(out, n); break;
	case N_UNARY: put_unary(out, n); break;
	case N_BINARY: put_form(out, op_names[n->op], n); break;
	case N_TERNARY: put_form(out, n->b ? "?" : "?:", n); break;
	case N_FIELD: put_field(out, n); break;
	case N_AT: put_at(out, n); break;
	case N_NAMED: put_named(out, n); break;
	case N_CALL: put_call(out, n); break;
	case N_TYPE: put_type(out, n); break;
	case N_BLOCK: put_block(out, n); break;
	case N_EXPR: put(out, n->a); break;
	case N_ASSIGN: put_assign(out, n); break;
	case N_IMPORT:
		sb_puts(out, "(import ");
		ast_put_string(out, n->text, n->text_n);
		sb_putc(out, ')');
		break;
	case N_IF: put_form(out, n->comptime ? "comptime-if" : "if", n); break;
	case N_INDEX: put_form(out, n->a ? "[]" : "index", n); break;
	default: put_form(out, node_kind_name(n->kind), n); break;
	}
}

/* ---- lines ---------------------------------------------------------------------- */

static void indent(struct strbuf *out, u32 depth)
{
	for (; depth; depth--)
		sb_puts(out, "  ");
}

static void put_body(struct strbuf *out, const struct node *block, u32 depth)
{
	if (!block)
		return;
	put_lines(out, block->list, depth);
	if (block->a) {
		indent(out, depth);
		sb_puts(out, "=> ");
		put(out, block->a);
		sb_putc(out, '\n');
	}
}

/* WORD HEAD and the body below. */
static void put_compound(struct strbuf *out, const struct node *n, const struct node *body,
			 u32 depth)
{
	sb_puts(out, n->comptime ? "comptime-" : "");
	sb_puts(out, node_kind_name(n->kind));
	for (const struct node *i = n->a; i; i = NULL) {
		sb_putc(out, ' ');
		put(out, i);
	}
	if (n->b && n->b != body) {
		sb_putc(out, ' ');
		put(out, n->b);
	}
	put_list(out, n->list);
	sb_putc(out, '\n');
	put_body(out, body, depth + 1);
}

static void put_if(struct strbuf *out, const struct node *n, u32 depth)
{
	put_compound(out, n, n->b, depth);
	for (n = n->c; n && n->kind == N_IF; n = n->c) {
		indent(out, depth);
		sb_puts(out, "else ");
		put_compound(out, n, n->b, depth);
	}
	if (n) {
		indent(out, depth);
		sb_puts(out, "else\n");
		put_body(out, n, depth + 1);
	}
}

static void put_lines(struct strbuf *out, const struct node *n, u32 depth)
{
	for (; n; n = n->next) {
		indent(out, depth);
		switch (n->kind) {
		case N_IF: put_if(out, n, depth); break;
		case N_WHILE: case N_UNROLL: put_compound(out, n, n->b, depth); break;
		case N_FORMAP: case N_FORRANGE: put_compound(out, n, n->c, depth); break;
		case N_BLOCK:
			sb_puts(out, "block\n");
			put_body(out, n, depth + 1);
			break;
		default:
			put(out, n);
			sb_putc(out, '\n');
		}
	}
}

/* ---- the file ------------------------------------------------------------------- */

static void put_attaches(struct strbuf *out, const struct node *probe)
{
	sb_puts(out, "probe");
	for (const struct node *n = probe->list; n; n = n->next)
		sb_printf(out, " %s%s%s", n->name ? n->name : "", n->name ? "=" : "", n->text);
	sb_putc(out, '\n');
	if (probe->a) {
		sb_puts(out, "  / ");
		put(out, probe->a);
		sb_putc(out, '\n');
	}
}

static void put_c(struct strbuf *out, const struct node *n)
{
	sb_puts(out, "c ");
	ast_put_string(out, n->text, n->text_n);
	sb_putc(out, '\n');
}

static void put_part(struct strbuf *out, const struct node *n);

static void put_either(struct strbuf *out, const struct node *n)
{
	for (const struct node *i = n; i; i = i->a) {
		sb_puts(out, i == n ? "either\n" : "or\n");
		for (const struct node *probe = i->list; probe; probe = probe->next)
			put_part(out, probe);
	}
	sb_puts(out, "end of either\n");
}

static void put_part(struct strbuf *out, const struct node *n)
{
	switch (n->kind) {
	case N_EITHER:
		put_either(out, n);
		return;
	case N_CPART:
		put_c(out, n);
		return;
	case N_PROBE:
		put_attaches(out, n);
		break;
	case N_MAPDECL:
		sb_printf(out, "let %s = %s(%llu)\n", n->text, n->type ? n->type->text : "",
			  (unsigned long long)n->num);
		return;
	case N_MACRO: case N_FN:
		sb_printf(out, "%s %s", node_kind_name(n->kind), n->text);
		put_list(out, n->list);
		if (n->type) {
			sb_puts(out, " : ");
			put_type(out, n->type);
		}
		sb_putc(out, '\n');
		break;
	default:
		put(out, n);
		sb_putc(out, '\n');
		return;
	}
	put_body(out, n->b, 1);
}

void ast_print(struct strbuf *out, const struct script *s)
{
	for (const struct node *n = s->list; n; n = n->next)
		put_part(out, n);
}
