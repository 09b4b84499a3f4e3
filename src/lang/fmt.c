/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmt.c: --fmt. The tree says where statements and blocks are; what is in them is written
 * word by word as it stands in the source, so that numbers, strings and parentheses stay
 * as they are. Comments stay where they are between the words, of several blank lines one
 * stays, and so does a line break inside a statement. What comes out is parsed again: a
 * script that would mean something else is not printed.
 */
#include "base/vec.h"
#include "lang/token.h"
#include <stdlib.h>

struct fmt {
	struct strbuf *out;
	struct script *s;
	const struct source *src;
	VEC(const struct node *) blocks;	/* in the source's order, as the others */
	VEC(u32) casts;		/* where types of casts end: before ")" */
	VEC(u32) stars;		/* "*" of types */
	u32 pos;		/* all before it is written */
	u32 indent;
	u32 blank;		/* an empty line is due before what comes */
	bool fresh;		/* nothing in this block yet */
};

/* ---- what the tree knows -------------------------------------------------------- */

static void collect(struct fmt *f, const struct node *n)
{
	for (; n; n = n->next) {
		if (n->kind == N_BLOCK)
			*vec_push(&f->blocks) = n;
		if (n->kind == N_CAST)
			*vec_push(&f->casts) = n->type->at.to;
		if (n->kind == N_PTR)
			*vec_push(&f->stars) = n->at.from;
		/* the children's own lists are theirs */
		const struct node *parts[] = { n->type, n->a, n->b, n->c };

		for (size_t i = 0; i < ARRAY_LEN(parts); i++)
			if (parts[i])
				collect(f, parts[i]);
		collect(f, n->list);
	}
}

static int by_from(const void *a, const void *b)
{
	u32 x = (*(const struct node *const *)a)->at.from;
	u32 y = (*(const struct node *const *)b)->at.from;

	return x < y ? -1 : x > y;
}

static int by_number(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

static bool has(const u32 *v, size_t n, u32 x)
{
	return n && bsearch(&x, v, n, sizeof(x), by_number);
}

static const struct node *block_at(const struct fmt *f, u32 from)
{
	struct node key = { .at.from = from };
	const struct node *k = &key;
	const struct node *const *hit;

	hit = f->blocks.n ? bsearch(&k, f->blocks.v, f->blocks.n, sizeof(k), by_from) : NULL;
	return hit ? *hit : NULL;
}

/* ---- lines ---------------------------------------------------------------------- */

static bool at_line_start(const struct fmt *f)
{
	return !f->out->n || f->out->s[f->out->n - 1] == '\n';
}

static void spaces(struct fmt *f, u32 n)
{
	for (; n; n--)
		sb_putc(f->out, ' ');
}

/* A new line, indented, for what comes next. */
static void new_line(struct fmt *f)
{
	if (!at_line_start(f))
		sb_putc(f->out, '\n');
	if (f->blank && !f->fresh)
		sb_putc(f->out, '\n');
	f->blank = 0;
	f->fresh = false;
	spaces(f, f->indent);
}

static void continue_line(struct fmt *f)
{
	if (!at_line_start(f))
		sb_putc(f->out, '\n');
	spaces(f, f->indent + 4);
}

/* ---- comments ------------------------------------------------------------------- */

static char at(const struct fmt *f, u32 pos)
{
	return pos < f->src->bytes ? f->src->text[pos] : 0;
}

static bool is_comment(const struct fmt *f, u32 pos)
{
	return at(f, pos) == '/' && (at(f, pos + 1) == '/' || at(f, pos + 1) == '*');
}

static u32 comment_end(const struct fmt *f, u32 pos)
{
	const char *s = f->src->text + pos, *end;
	size_t n = f->src->bytes - pos;

	if (s[1] == '/') {
		end = memchr(s, '\n', n);
		return end ? (u32)(end - f->src->text) : f->src->bytes;
	}
	end = memmem(s + 2, n - 2, "*/", 2);
	return end ? (u32)(end - f->src->text) + 2 : f->src->bytes;
}

static u32 width_to(u32 col, char c)
{
	return c == '\t' ? col / 8 * 8 + 8 : col + 1;
}

/* The column of POS in its line. */
static u32 column(const struct fmt *f, u32 pos)
{
	u32 col = 0;

	for (u32 i = f->src->lines[source_line(f->src, pos) - 1]; i < pos; i++)
		col = width_to(col, at(f, i));
	return col;
}

static u32 trim_end(const struct fmt *f, u32 from, u32 to)
{
	while (to > from && strchr(" \t\r", f->src->text[to - 1]))
		to--;
	return to;
}

/* The comment [FROM, TO), whose further lines move as its first one does. */
static void put_comment(struct fmt *f, u32 from, u32 to)
{
	u32 old = column(f, from), col, end, now = 0;

	for (u32 i = (u32)f->out->n; i && f->out->s[i - 1] != '\n'; i--)
		now++;
	for (;;) {
		const char *nl = memchr(f->src->text + from, '\n', to - from);

		end = nl ? (u32)(nl - f->src->text) : to;
		sb_add(f->out, f->src->text + from, trim_end(f, from, end) - from);
		if (!nl)
			return;
		sb_putc(f->out, '\n');
		col = 0;
		for (from = end + 1; from < to && strchr(" \t\r", at(f, from)); from++)
			col = width_to(col, at(f, from));
		if (from < to && at(f, from) != '\n')
			spaces(f, now + (col > old ? col - old : 0));
	}
}

/* ---- between statements --------------------------------------------------------- */

/* The comments from f->pos to TO, each on its line, or behind what is before it there. */
static void put_gap(struct fmt *f, u32 to)
{
	u32 newlines = f->fresh && at_line_start(f), end;

	while (f->pos < to) {
		if (!is_comment(f, f->pos)) {
			newlines += at(f, f->pos++) == '\n';
			continue;
		}
		end = comment_end(f, f->pos);
		f->blank |= newlines > 1;
		if (!newlines && !at_line_start(f))
			sb_putc(f->out, ' ');
		else
			new_line(f);
		put_comment(f, f->pos, end);
		f->pos = end;
		newlines = 0;
	}
	f->blank |= newlines > 1;
}

/* ---- words ---------------------------------------------------------------------- */

struct word {
	struct token t;
	bool value;	/* ends a value: an operator behind it has two sides */
	bool prefix;	/* an operator before its value */
};

struct words {
	struct lexer lex;
	struct word last, now;
	u32 depth;	/* of parentheses */
	bool let;	/* in let, before "=" */
};

static bool is_op(const struct word *w, u32 op)
{
	return w->t.kind == T_PUNCT && w->t.op == op;
}

static bool is_word(const struct word *w, const char *text)
{
	return w->t.kind == T_IDENT && w->t.text_n == strlen(text) &&
	       !memcmp(w->t.text, text, w->t.text_n);
}

/* Words that no value ends with. */
static bool is_keyword(const struct word *w)
{
	return is_word(w, "return") || is_word(w, "comptime") || is_word(w, "else") ||
	       is_word(w, "if") || is_word(w, "while") || is_word(w, "for") ||
	       is_word(w, "let");
}

static bool ends_value(const struct fmt *f, const struct words *w)
{
	const struct word *n = &w->now;

	if (n->t.kind != T_PUNCT)
		return !is_keyword(n);
	if (is_op(n, TOK1(')')))
		return !has(f->casts.v, f->casts.n, w->last.t.to);
	if (is_op(n, TOK2('+', '+')) || is_op(n, TOK2('-', '-')))
		return w->last.value;
	return is_op(n, TOK1(']')) || is_op(n, TOK1('}'));
}

/* "!", "~", and "-", "*", "&", "++", "--" without a value before them. */
static bool is_prefix(const struct words *w)
{
	u32 op = w->now.t.op;

	if (w->now.t.kind != T_PUNCT)
		return false;
	if (op == TOK1('!') || op == TOK1('~'))
		return true;
	return !w->last.value && (op == TOK1('-') || op == TOK1('*') || op == TOK1('&') ||
				  op == TOK2('+', '+') || op == TOK2('-', '-'));
}

static bool is_in(u32 op, const char *chars)
{
	return op < 256 && op && strchr(chars, (int)op);
}

/* Does a space stand after the last word, whatever comes? */
static bool space_after(const struct fmt *f, const struct words *w)
{
	const struct word *l = &w->last;
	char next = f->src->text[w->now.t.from];

	if (l->prefix)	/* "- -1" is no "--1" */
		return (next == '-' || next == '+' || next == '&') &&
		       f->src->text[l->t.to - 1] == next;
	if (is_op(l, TOK1(')')) && !l->value)
		return false;
	if (l->t.kind == T_PUNCT)
		return !is_in(l->t.op, "([.$") && l->t.op != TOK2('-', '>') &&
		       l->t.op != TOK2('.', '.') &&
		       !(w->depth && l->t.op == TOK1('=') && !w->let);
	return true;
}

/* Does one stand before this word? */
static bool space_before(const struct fmt *f, const struct words *w)
{
	const struct word *l = &w->last, *n = &w->now;

	if (n->t.kind != T_PUNCT || n->prefix)
		return true;
	if (is_in(n->t.op, "),;].") || n->t.op == TOK2('-', '>') || n->t.op == TOK2('.', '.'))
		return false;
	if (n->t.op == TOK1('[') && has(f->stars.v, f->stars.n, l->t.from))
		return false;
	if (is_in(n->t.op, "(["))
		return l->t.kind == T_PUNCT ? !l->value : is_keyword(l);
	if (n->t.op == TOK1(':'))
		return !w->let && !is_op(l, TOK1('?'));
	if (n->t.op == TOK2('+', '+') || n->t.op == TOK2('-', '-'))
		return false;
	if (has(f->stars.v, f->stars.n, n->t.from))
		return false;
	return !(w->depth && n->t.op == TOK1('=') && !w->let);
}

/* The comments between two words. True: a line ended, or what comes goes on a new one. */
static bool put_inner_gap(struct fmt *f, u32 to)
{
	bool line = false, wrote_line = false;
	u32 end;

	while (f->pos < to) {
		if (!is_comment(f, f->pos)) {
			line |= at(f, f->pos++) == '\n';
			continue;
		}
		end = comment_end(f, f->pos);
		if (line || wrote_line)
			continue_line(f);
		else
			sb_putc(f->out, ' ');
		put_comment(f, f->pos, end);
		wrote_line = at(f, f->pos + 1) == '/';
		line = false;
		f->pos = end;
	}
	if (line || wrote_line)
		continue_line(f);
	return line || wrote_line;
}

static void put_block(struct fmt *f, const struct node *n, bool own_line);

static bool ignores_line(const struct words *w)
{
	return is_op(&w->now, TOK1('{')) || is_word(&w->now, "else");
}

/* What is between the last word and this one. */
static void put_between(struct fmt *f, const struct words *w)
{
	u32 to = w->now.t.from, i;
	bool space = space_after(f, w) && space_before(f, w);

	for (i = f->pos; i < to && !is_comment(f, i); i++)
		;
	if (i == to && ignores_line(w))
		f->pos = to;
	if (!put_inner_gap(f, to) && space)
		sb_putc(f->out, ' ');
	f->pos = to;
}

static void put_word(struct fmt *f, struct words *w)
{
	const struct node *block = is_op(&w->now, TOK1('{')) ?
				   block_at(f, w->now.t.from) : NULL;

	if (block) {
		put_block(f, block, false);
		w->lex.pos = w->now.t.to = f->pos;
		w->now.value = true;
		w->now.t.op = TOK1('}');
		return;
	}
	sb_add(f->out, f->src->text + w->now.t.from, w->now.t.to - w->now.t.from);
	f->pos = w->now.t.to;
	w->depth += is_op(&w->now, TOK1('(')) || is_op(&w->now, TOK1('['));
	w->depth -= w->depth && (is_op(&w->now, TOK1(')')) || is_op(&w->now, TOK1(']')));
	if (is_word(&w->now, "let"))
		w->let = true;
	if (is_op(&w->now, TOK1('=')) && !w->depth)
		w->let = false;
}

/* The words from f->pos, which is at the first, to TO. */
static void put_words(struct fmt *f, u32 to, bool let)
{
	struct words w = { .lex = { .s = f->s, .src = f->src, .pos = f->pos, .quiet = true },
			   .let = let };

	for (bool first = true;; first = false) {
		w.last = w.now;
		lex_next(&w.lex, &w.now.t);
		if (w.now.t.kind == T_END || w.now.t.from >= to)
			return;
		if (w.lex.pos > to)	/* "/" behind a predicate */
			w.now.t.to = w.lex.pos = to;
		w.now.value = ends_value(f, &w);
		w.now.prefix = is_prefix(&w);
		if (!first)
			put_between(f, &w);
		put_word(f, &w);
	}
}

/* ---- blocks --------------------------------------------------------------------- */

static void put_statement(struct fmt *f, const struct node *n, bool value)
{
	put_gap(f, n->at.from);
	new_line(f);
	put_words(f, n->at.to, false);
	if (!value && !node_is_braced(n))
		sb_putc(f->out, ';');
}

/* "{ ... }" at f->pos; OWN_LINE: of a probe. */
static void put_block(struct fmt *f, const struct node *n, bool own_line)
{
	u32 end = n->at.to ? n->at.to - 1 : 0;
	size_t before;

	f->pos = n->at.from + 1;
	sb_putc(f->out, '{');
	before = f->out->n;
	f->indent += 2;
	f->fresh = true;
	f->blank = 0;
	for (const struct node *i = n->list; i; i = i->next)
		put_statement(f, i, false);
	if (n->a)
		put_statement(f, n->a, true);
	put_gap(f, end);
	f->indent -= 2;
	f->fresh = true;
	if (f->out->n > before || own_line)
		new_line(f);
	f->fresh = false;
	f->blank = 0;
	sb_putc(f->out, '}');
	f->pos = end + 1;
}

/* ---- parts of the file ---------------------------------------------------------- */

/* Where CHAR is next, behind comments. */
static u32 find_next(const struct fmt *f, u32 pos, char c)
{
	while (pos < f->src->bytes)
		if (is_comment(f, pos))
			pos = comment_end(f, pos);
		else if (at(f, pos) == c)
			break;
		else
			pos++;
	return pos;
}

static void put_attach(struct fmt *f, const struct node *n)
{
	put_gap(f, n->at.from);
	new_line(f);
	sb_printf(f->out, "%s%s%s", n->name ? n->name : "", n->name ? "=" : "", n->text);
	f->pos = n->at.to;
	if (!n->next)
		return;
	sb_putc(f->out, ',');
	put_gap(f, find_next(f, f->pos, ','));
	f->pos++;
}

static void put_predicate(struct fmt *f, const struct node *pred)
{
	u32 from = find_next(f, f->pos, '/');
	char first = at(f, pred->at.from);

	put_gap(f, from);
	f->blank = 0;
	new_line(f);
	sb_putc(f->out, '/');
	f->pos = from + 1;
	/* no comment may come to be */
	if (first == '*' || first == '/')
		sb_putc(f->out, ' ');
	put_inner_gap(f, pred->at.from);
	f->pos = pred->at.from;
	put_words(f, pred->at.to, false);
	from = find_next(f, f->pos, '/');
	put_inner_gap(f, from);
	sb_putc(f->out, '/');
	f->pos = from + 1;
}

static void put_body(struct fmt *f, const struct node *block)
{
	put_gap(f, block->at.from);
	f->blank = 0;
	new_line(f);
	put_block(f, block, true);
}

static void put_probe(struct fmt *f, const struct node *n)
{
	for (const struct node *i = n->list; i; i = i->next) {
		put_attach(f, i);
		f->blank = 0;
	}
	if (n->a)
		put_predicate(f, n->a);
	put_body(f, n->b);
}

/* Groups of probes, each in braces. */
static void put_either(struct fmt *f, const struct node *n)
{
	for (const struct node *i = n; i; i = i->a) {
		if (i == n)
			new_line(f);
		sb_puts(f->out, i == n ? "either {" : " or {");
		f->pos = find_next(f, i->at.from, '{') + 1;
		f->indent += 2;
		f->fresh = true;
		f->blank = 0;
		for (const struct node *probe = i->list; probe; probe = probe->next) {
			put_gap(f, probe->at.from);
			put_probe(f, probe);
			f->blank = 1;
		}
		put_gap(f, find_next(f, f->pos, '}'));
		f->indent -= 2;
		f->blank = 0;
		f->fresh = false;
		new_line(f);
		sb_putc(f->out, '}');
		f->pos = find_next(f, f->pos, '}') + 1;
		if (i->a)	/* comments between the groups come before the second one's */
			f->pos = find_next(f, i->a->at.from, '{');
	}
}

static void put_config(struct fmt *f, const struct node *n)
{
	new_line(f);
	sb_puts(f->out, "config = {");
	f->indent += 2;
	f->fresh = true;
	f->pos = find_next(f, n->at.from, '{') + 1;
	for (const struct node *i = n->list; i; i = i->next) {
		put_gap(f, i->at.from);
		new_line(f);
		sb_printf(f->out, "%s = ", i->text);
		f->pos = i->a->at.from;
		put_words(f, i->at.to, false);
		sb_putc(f->out, ';');
	}
	put_gap(f, find_next(f, f->pos, '}'));
	f->indent -= 2;
	f->blank = 0;
	f->fresh = false;
	new_line(f);
	sb_putc(f->out, '}');
	f->pos = n->at.to;
}

static void put_c(struct fmt *f, const struct node *n)
{
	u32 to = trim_end(f, n->at.from, n->at.to);

	new_line(f);
	sb_add(f->out, n->text, to - n->at.from);
	f->pos = n->at.to;
}

/* macro, fn: a head and a body. */
static void put_definition(struct fmt *f, const struct node *n)
{
	new_line(f);
	put_words(f, n->b->at.from, true);
	put_body(f, n->b);
}

static void put_line(struct fmt *f, const struct node *n)
{
	new_line(f);
	put_words(f, n->at.to, false);
	f->pos = n->at.to;
}

static void put_part(struct fmt *f, const struct node *n)
{
	put_gap(f, n->at.from);
	switch (n->kind) {
	case N_CPART: put_c(f, n); break;
	case N_CONFIG: put_config(f, n); break;
	case N_MACRO: case N_FN: put_definition(f, n); break;
	case N_PROBE: put_probe(f, n); break;
	case N_EITHER: put_either(f, n); break;
	default: put_line(f, n); break;
	}
	/* what has a body stands by itself */
	f->blank = n->kind != N_IMPORT && n->kind != N_MAPDECL && n->kind != N_CPART;
}

static void put_shebang(struct fmt *f)
{
	const char *end;

	if (f->src->bytes < 2 || f->src->text[0] != '#' || f->src->text[1] != '!')
		return;
	end = memchr(f->src->text, '\n', f->src->bytes);
	f->pos = end ? (u32)(end - f->src->text) : f->src->bytes;
	sb_add(f->out, f->src->text, trim_end(f, 0, f->pos));
}

/* ---- all of it ------------------------------------------------------------------ */

/* Is OUT, parsed, the tree of S? */
static bool is_same(const struct strbuf *out, const struct script *s)
{
	struct script other;
	struct strbuf a = { 0 }, b = { 0 };
	bool same;

	script_open(&other);
	parse_script(&other, script_source(&other, "", sb_text(out), (u32)out->n));
	ast_print(&a, s);
	ast_print(&b, &other);
	same = !other.nr_errors && a.n == b.n && !memcmp(sb_text(&a), sb_text(&b), a.n);
	script_free(&other);
	sb_free(&a);
	sb_free(&b);
	return same;
}

bool fmt_script(struct strbuf *out, struct script *s, const struct source *src)
{
	struct fmt f = { .out = out, .s = s, .src = src };

	parse_script(s, src);
	if (s->nr_errors)
		return false;
	collect(&f, s->list);
	if (f.blocks.n)
		qsort(f.blocks.v, f.blocks.n, sizeof(*f.blocks.v), by_from);
	if (f.casts.n)
		qsort(f.casts.v, f.casts.n, sizeof(*f.casts.v), by_number);
	if (f.stars.n)
		qsort(f.stars.v, f.stars.n, sizeof(*f.stars.v), by_number);
	put_shebang(&f);
	f.fresh = f.pos == 0;
	for (const struct node *n = s->list; n; n = n->next)
		put_part(&f, n);
	put_gap(&f, src->bytes);
	if (!at_line_start(&f))
		sb_putc(out, '\n');
	vec_free(&f.blocks);
	vec_free(&f.casts);
	vec_free(&f.stars);
	if (is_same(out, s))
		return true;
	diag_error(s, (struct span){ 0 }, "written in another way the script would not be the "
		   "same; it is left as it is");
	return false;
}
