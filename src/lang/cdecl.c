/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cdecl.c: declarations of C: struct, union, enum, typedef, with pointers, arrays, bit
 * fields, pointers to functions and the attributes that place members. Functions and
 * variables of headers are passed over.
 */
#include "lang/ctype.h"
#include <stdio.h>

enum { MAX_DEPTH = 100 };

struct attributes { u32 aligned; bool packed; };

static struct ctype *parse_spec(struct cdecl_parser *p, struct attributes *a, bool *is_typedef);
static struct ctype *parse_declarator(struct cdecl_parser *p, struct ctype *base,
				      const char **name);

/* ---- words ---------------------------------------------------------------------- */

static const struct ctok *tok(const struct cdecl_parser *p)
{
	static const struct ctok none;

	return p->t < p->end ? p->t : &none;
}

static bool is(const struct cdecl_parser *p, u32 op)
{
	return p->t < p->end && ctok_is(p->t, op);
}

static bool is_word(const struct cdecl_parser *p, const char *word)
{
	return p->t < p->end && ctok_word(p->t, word);
}

static void next(struct cdecl_parser *p)
{
	if (p->t < p->end)
		p->t++;
}

static void fail_at(struct cdecl_parser *p, const struct ctok *t, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
static void fail_at(struct cdecl_parser *p, const struct ctok *t, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (p->panic)
		return;
	p->panic = true;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (t >= p->end && p->end > p->out->first)
		t = p->end - 1;
	diag_error(p->s, t < p->end ? t->at : (struct span){ 0 }, "C: %s", text);
}

static bool take(struct cdecl_parser *p, u32 op)
{
	if (!is(p, op))
		return false;
	next(p);
	return true;
}

static void expect(struct cdecl_parser *p, u32 op, const char *what)
{
	if (!take(p, op))
		fail_at(p, p->t, "expected %s", what);
}

static const char *text_of(struct cdecl_parser *p)
{
	return arena_strndup(&p->s->arena, p->t->t.text, p->t->t.text_n);
}

/* Over "( ... )" or "{ ... }" or "[ ... ]", which begins here. */
static void skip_balanced(struct cdecl_parser *p)
{
	u32 depth = 0;

	do {
		if (is(p, TOK1('(')) || is(p, TOK1('{')) || is(p, TOK1('[')))
			depth++;
		if (is(p, TOK1(')')) || is(p, TOK1('}')) || is(p, TOK1(']')))
			depth--;
		next(p);
	} while (depth && p->t < p->end);
}

/* ---- constants ------------------------------------------------------------------ */

static bool size_of(struct cdecl_parser *p, struct cexpr *e, s64 *value)
{
	struct attributes a = { 0 };
	const struct ctok *saved = p->t;
	const char *name;
	struct ctype *t = NULL;
	bool ignored;

	p->t = e->t;
	if (take(p, TOK1('('))) {
		t = parse_spec(p, &a, &ignored);
		t = t ? parse_declarator(p, t, &name) : NULL;
		expect(p, TOK1(')'), "')'");
	}
	e->t = p->t;
	p->t = saved;
	if (!t || p->panic || !ctype_complete(p, t))
		return false;
	*value = (s64)ctype_real(t)->bytes;
	return true;
}

static bool value_of_name(void *arg, struct cexpr *e, bool is_sizeof, s64 *value)
{
	struct cdecl_parser *p = arg;
	char name[128];

	if (is_sizeof)
		return size_of(p, e, value);
	if (e->t->t.text_n >= sizeof(name))
		return false;
	memcpy(name, e->t->t.text, e->t->t.text_n);
	name[e->t->t.text_n] = 0;
	e->t++;
	return cdecl_constant(p->out, name, value);
}

static s64 parse_const(struct cdecl_parser *p)
{
	struct cexpr e = { .t = p->t, .end = p->end, .name = value_of_name, .arg = p };
	s64 v = 0;

	if (!cconst(&e, &v))
		fail_at(p, e.where, "%s", e.wrong);
	p->t = e.wrong ? p->t : e.t;
	return v;
}

/* ---- attributes ----------------------------------------------------------------- */

static void one_attribute(struct cdecl_parser *p, struct attributes *a)
{
	bool aligned = is_word(p, "aligned") || is_word(p, "__aligned__");
	const struct ctok *at = p->t;
	s64 v = 16;	/* the largest that anything wants */

	if (is_word(p, "packed") || is_word(p, "__packed__"))
		a->packed = true;
	next(p);
	if (!is(p, TOK1('(')))
		goto done;
	if (!aligned) {
		skip_balanced(p);
		return;
	}
	next(p);
	v = parse_const(p);
	expect(p, TOK1(')'), "')'");
done:
	if (!aligned)
		return;
	if (v < 1 || v > 4096 || v & (v - 1))
		fail_at(p, at, "an alignment is a power of two up to 4096");
	else if ((u32)v > a->aligned)
		a->aligned = (u32)v;
}

static void parse_attributes(struct cdecl_parser *p, struct attributes *a)
{
	while (!p->panic && (is_word(p, "__attribute__") || is_word(p, "__attribute"))) {
		next(p);
		expect(p, TOK1('('), "'(('");
		expect(p, TOK1('('), "'(('");
		while (!p->panic && p->t < p->end && !is(p, TOK1(')'))) {
			one_attribute(p, a);
			take(p, TOK1(','));
		}
		expect(p, TOK1(')'), "'))'");
		expect(p, TOK1(')'), "'))'");
	}
}

/* ---- struct and union ----------------------------------------------------------- */

static struct cmember *new_member(struct cdecl_parser *p, const char *name, struct ctype *t,
				  const struct attributes *a)
{
	struct cmember *m = arena_new(&p->s->arena, struct cmember);

	m->name = name;
	m->type = t;
	m->packed = a->packed;
	m->align = a->aligned;
	return m;
}

static void parse_width(struct cdecl_parser *p, struct cmember *m)
{
	const struct ctype *t = ctype_real(m->type);
	const struct ctok *at = p->t;
	s64 bits = parse_const(p);
	bool fits = t->kind == C_INT || t->kind == C_ENUM ||
		    (t->kind == C_KERNEL && t->bytes <= 8);

	m->is_field = true;
	m->bits = (u32)bits;
	if (!p->panic && !fits)
		fail_at(p, at, "a bit field is an integer");
	else if (!p->panic && (bits < 0 || (u64)bits > t->bytes * 8 || (!bits && *m->name)))
		fail_at(p, at, "a bit field of this type has 1 to %llu bits",
			(unsigned long long)t->bytes * 8);
}

static void check_member(struct cdecl_parser *p, const struct ctok *at, struct cmember *m)
{
	struct ctype *t = m->type;

	if (p->panic)
		return;
	if (ctype_real(t)->kind == C_FUNC)
		fail_at(p, at, "a member cannot be a function");
	else if (ctype_real(t)->kind == C_VOID || !ctype_complete(p, t))
		fail_at(p, at, "the size of member '%s' is not known: its type '%s' is only "
			"declared", m->name, ctype_real(t)->name);
}

/* "int a, *b, c:3;" */
static struct cmember **parse_members(struct cdecl_parser *p, struct cmember **end)
{
	struct attributes all = { 0 };
	bool ignored;
	const struct ctok *at = p->t;
	struct ctype *base = parse_spec(p, &all, &ignored);

	do {
		struct attributes a = all;
		const char *name = "";
		struct ctype *t;
		bool bare = is(p, TOK1(';')), field;

		if (p->panic)
			return end;
		at = bare ? at : p->t;
		t = is(p, TOK1(':')) || bare ? base : parse_declarator(p, base, &name);
		if (p->panic)
			return end;
		if (bare && (base->kind != C_RECORD || *base->name))
			break;	/* declares the type alone */
		*end = new_member(p, name, t, &a);
		field = take(p, TOK1(':'));
		check_member(p, at, *end);
		if (field)
			parse_width(p, *end);
		parse_attributes(p, &a);
		(*end)->packed = a.packed;
		(*end)->align = a.aligned;
		end = &(*end)->next;
	} while (!p->panic && take(p, TOK1(',')));
	if (!is(p, TOK1('}')))		/* the last ";" may be left out */
		expect(p, TOK1(';'), "';'");
	return end;
}

static void parse_body(struct cdecl_parser *p, struct ctype *t, const struct attributes *before)
{
	struct attributes a = *before;
	struct cmember **end = &t->members;
	const struct ctok *at = p->t;

	next(p);
	while (!p->panic && p->t < p->end && !is(p, TOK1('}')))
		if (!take(p, TOK1(';')))
			end = parse_members(p, end);
	expect(p, TOK1('}'), "'}'");
	parse_attributes(p, &a);
	t->packed = a.packed;
	if (!p->panic && !ctype_layout(t, a.aligned))
		fail_at(p, at, "this is larger than 256 MiB");
}

static struct ctype *parse_record(struct cdecl_parser *p)
{
	struct attributes a = { 0 };
	bool is_union = is_word(p, "union"), is_new;
	const struct ctok *at = p->t;
	struct ctype *t;

	next(p);
	parse_attributes(p, &a);
	if (tok(p)->t.kind == T_IDENT) {
		at = p->t;
		t = ctype_tag(p, arena_printf(&p->s->arena, "%s %s", is_union ? "union" : "struct",
					      text_of(p)), &is_new);
		next(p);
		parse_attributes(p, &a);
	} else {
		t = ctype_new(p, C_RECORD);
		t->is_union = is_union;
	}
	if (!is(p, TOK1('{'))) {
		if (!*t->name)
			fail_at(p, p->t, "expected '{'");
		return t;
	}
	if (t->done || t->members)
		fail_at(p, at, "'%s' is defined twice", t->name);
	else if (++p->depth > MAX_DEPTH)
		fail_at(p, at, "this nests deeper than %d levels", MAX_DEPTH);
	else
		parse_body(p, t, &a);
	p->depth--;
	return t;
}

/* ---- enum ----------------------------------------------------------------------- */

static void set_enum_size(struct ctype *t, bool packed)
{
	s64 low = 0, high = 0;

	for (struct cvalue *v = t->values; v; v = v->next) {
		low = v->value < low ? v->value : low;
		high = v->value > high ? v->value : high;
	}
	t->is_signed = low < 0;
	t->bytes = low < INT32_MIN || high > (low < 0 ? INT32_MAX : (s64)UINT32_MAX) ? 8 : 4;
	if (packed)
		t->bytes = low >= -128 && high <= (low < 0 ? 127 : 255) ? 1 :
			   low >= -32768 && high <= (low < 0 ? 32767 : 65535) ? 2 : t->bytes;
	t->align = (u32)t->bytes;
	t->done = true;
}

static void add_constant(struct cdecl_parser *p, const char *name, s64 value)
{
	strtab_put(&p->out->constants, name, (u32)p->out->values.n);
	*vec_push(&p->out->values) = value;
}

static void parse_values(struct cdecl_parser *p, struct ctype *t)
{
	struct cvalue **end = &t->values;
	s64 value = 0;

	next(p);
	while (!p->panic && p->t < p->end && !is(p, TOK1('}'))) {
		struct cvalue *v = arena_new(&p->s->arena, struct cvalue);

		if (p->t->t.kind != T_IDENT) {
			fail_at(p, p->t, "expected a name");
			return;
		}
		v->name = text_of(p);
		next(p);
		if (take(p, TOK1('=')))
			value = parse_const(p);
		v->value = value;
		value = (s64)((u64)value + 1);
		add_constant(p, v->name, v->value);
		*end = v;
		end = &v->next;
		if (!take(p, TOK1(',')))
			break;
	}
	expect(p, TOK1('}'), "'}'");
}

static struct ctype *parse_enum(struct cdecl_parser *p)
{
	struct attributes a = { 0 };
	struct ctype *t;
	bool is_new;

	next(p);
	parse_attributes(p, &a);
	if (tok(p)->t.kind == T_IDENT) {
		t = ctype_tag(p, arena_printf(&p->s->arena, "enum %s", text_of(p)), &is_new);
		next(p);
	} else {
		t = ctype_new(p, C_ENUM);
	}
	if (!is(p, TOK1('{'))) {
		if (!*t->name)
			fail_at(p, p->t, "expected '{'");
		return t;
	}
	if (t->done)
		fail_at(p, p->t, "'%s' is defined twice", t->name);
	parse_values(p, t);
	parse_attributes(p, &a);
	if (!p->panic)
		set_enum_size(t, a.packed);
	return t;
}

/* ---- what a declaration begins with --------------------------------------------- */

struct words { u32 is_unsigned, is_signed, longs, shorts, chars, ints, floats, doubles; };

/* One of the words that together name an arithmetic type. */
static bool take_word(struct cdecl_parser *p, struct words *w)
{
	const struct { const char *word; u32 *count; } words[] = {
		{ "unsigned", &w->is_unsigned }, { "signed", &w->is_signed },
		{ "__signed__", &w->is_signed }, { "long", &w->longs }, { "short", &w->shorts },
		{ "char", &w->chars }, { "int", &w->ints }, { "float", &w->floats },
		{ "double", &w->doubles },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (is_word(p, words[i].word)) {
			++*words[i].count;
			next(p);
			return true;
		}
	return false;
}

static struct ctype *arithmetic(struct cdecl_parser *p, const struct words *w)
{
	bool u = w->is_unsigned;
	struct ctype *t;

	if (w->floats || w->doubles) {
		t = ctype_new(p, C_FLOAT);
		t->bytes = w->floats ? 4 : w->longs ? 16 : 8;
		t->align = (u32)t->bytes;
		t->name = w->floats ? "float" : w->longs ? "long double" : "double";
		t->done = true;
		return t;
	}
	if (w->chars)	/* plain char has a sign, as bpftrace has it on every machine */
		return ctype_int(p, u ? "unsigned char" : w->is_signed ? "signed char" : "char", 1,
				 !u);
	if (w->shorts)
		return ctype_int(p, u ? "unsigned short" : "short", 2, !u);
	if (w->longs > 1)
		return ctype_int(p, u ? "unsigned long long" : "long long", 8, !u);
	if (w->longs)
		return ctype_int(p, u ? "unsigned long" : "long", 8, !u);
	return ctype_int(p, u ? "unsigned int" : "int", 4, !u);
}

/* Words that say nothing about the type. */
static bool skip_word(struct cdecl_parser *p, bool *is_typedef)
{
	static const char *const words[] = {
		"const", "volatile", "restrict", "__restrict", "extern", "static", "inline",
		"__inline", "__extension__", "register", "_Atomic",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (is_word(p, words[i])) {
			next(p);
			return true;
		}
	if (!is_word(p, "typedef"))
		return false;
	*is_typedef = true;
	next(p);
	return true;
}

static struct ctype *parse_type_name(struct cdecl_parser *p)
{
	const char *name;
	struct ctype *t;

	if (tok(p)->t.kind != T_IDENT) {
		fail_at(p, p->t, "expected a type");
		return NULL;
	}
	name = text_of(p);
	if (!strcmp(name, "void")) {
		next(p);
		return ctype_new(p, C_VOID);
	}
	if (!strcmp(name, "_Bool")) {
		next(p);
		return ctype_int(p, "_Bool", 1, false);
	}
	t = ctype_named(p, name);
	if (!t) {
		fail_at(p, p->t, "unknown type '%s'", name);
		if (p->s->cpp && p->s->cpp->skipped)
			diag_hint(p->s, "headers in <> are not read, types of the kernel are known "
				  "from its BTF; declare it here, or #include \"FILE\"");
		return NULL;
	}
	next(p);
	return t;
}

static struct ctype *parse_spec(struct cdecl_parser *p, struct attributes *a, bool *is_typedef)
{
	struct words w = { 0 };
	struct ctype *t = NULL;
	bool any = false;

	*is_typedef = false;
	for (;;) {
		parse_attributes(p, a);
		if (p->panic)
			return NULL;
		if (skip_word(p, is_typedef))
			continue;
		if (!t && take_word(p, &w)) {
			any = true;
			continue;
		}
		if (t || any)
			return t ? t : arithmetic(p, &w);
		if (is_word(p, "struct") || is_word(p, "union"))
			t = parse_record(p);
		else if (is_word(p, "enum"))
			t = parse_enum(p);
		else
			t = parse_type_name(p);
		if (!t)
			return NULL;
	}
}

/* ---- declarators ---------------------------------------------------------------- */

static bool is_name(const struct cdecl_parser *p)
{
	return tok(p)->t.kind == T_IDENT && !is_word(p, "__attribute__");
}

/* "[N]", "[N][M]", "(...)" behind a name. */
static struct ctype *parse_suffixes(struct cdecl_parser *p, struct ctype *base)
{
	const struct ctok *at = p->t;
	struct ctype *t, *of;
	s64 n = 0;

	if (is(p, TOK1('('))) {
		skip_balanced(p);
		t = ctype_new(p, C_FUNC);
		t->of = base;
		return t;
	}
	if (!is(p, TOK1('[')))
		return base;
	next(p);
	if (!is(p, TOK1(']')))
		n = parse_const(p);
	expect(p, TOK1(']'), "']'");
	if (p->panic || ++p->depth > MAX_DEPTH) {
		fail_at(p, at, "this nests deeper than %d levels", MAX_DEPTH);
		return base;
	}
	of = parse_suffixes(p, base);
	p->depth--;
	if (!p->panic && (ctype_real(of)->kind == C_FUNC || ctype_real(of)->kind == C_VOID ||
			  !ctype_complete(p, of)))
		fail_at(p, at, "elements of an array need a size");
	if (p->panic)
		return base;
	t = n < 0 ? NULL : ctype_array(p, of, (u64)n);
	if (!t)
		fail_at(p, at, "an array has 0 to 4294967295 elements and at most 256 MiB");
	return t ? t : base;
}

static struct ctype *parse_pointers(struct cdecl_parser *p, struct ctype *base)
{
	struct attributes a = { 0 };
	bool ignored = false;

	while (take(p, TOK1('*'))) {
		base = ctype_ptr(p, base);
		while (skip_word(p, &ignored))
			;
		parse_attributes(p, &a);
	}
	return base;
}

/* "(*f)(int)": what is in parentheses is read after what is behind them. */
static struct ctype *parse_nested(struct cdecl_parser *p, struct ctype *base, const char **name)
{
	const struct ctok *inner = p->t + 1, *behind;
	struct ctype *t;

	skip_balanced(p);
	t = parse_suffixes(p, base);
	behind = p->t;
	p->t = inner;
	t = parse_declarator(p, t, name);
	expect(p, TOK1(')'), "')'");
	p->t = behind;
	return t;
}

static struct ctype *parse_declarator(struct cdecl_parser *p, struct ctype *base,
				      const char **name)
{
	struct ctype *t = parse_pointers(p, base);

	*name = "";
	if (++p->depth > MAX_DEPTH) {
		fail_at(p, p->t, "this nests deeper than %d levels", MAX_DEPTH);
	} else if (is(p, TOK1('(')) && p->t + 1 < p->end &&
		   (ctok_is(p->t + 1, TOK1('*')) || ctok_is(p->t + 1, TOK1('(')))) {
		t = parse_nested(p, t, name);
	} else {
		if (is_name(p)) {
			*name = text_of(p);
			next(p);
		}
		t = parse_suffixes(p, t);
	}
	p->depth--;
	return t;
}

/* ---- declarations --------------------------------------------------------------- */

static void add_typedef(struct cdecl_parser *p, const char *name, struct ctype *of)
{
	struct ctype *t;

	if (!*name || p->panic)
		return;
	t = ctype_new(p, C_TYPEDEF);
	t->name = name;
	t->of = of;
	t->done = true;
	strtab_put(&p->names, name, (u32)p->named.n);
	*vec_push(&p->named) = t;
}

/* Behind an initialiser: to "," or ";". */
static void skip_initialiser(struct cdecl_parser *p)
{
	while (p->t < p->end && !is(p, TOK1(',')) && !is(p, TOK1(';')))
		if (is(p, TOK1('{')) || is(p, TOK1('(')) || is(p, TOK1('[')))
			skip_balanced(p);
		else
			next(p);
}

/* Does what P is at begin a declaration of its own? */
static bool is_next(const struct cdecl_parser *p)
{
	return is_word(p, "struct") || is_word(p, "union") || is_word(p, "enum") ||
	       is_word(p, "typedef");
}

static void parse_declaration(struct cdecl_parser *p)
{
	struct attributes a = { 0 };
	bool is_typedef, braced;
	struct ctype *base = parse_spec(p, &a, &is_typedef);
	const char *name;

	braced = p->t > p->out->first && ctok_is(p->t - 1, TOK1('}'));
	if (p->panic || take(p, TOK1(';')))
		return;
	/* a definition of a script has no ";", also not behind its attributes */
	if (!is_typedef && (braced || p->t == p->end || is_next(p)))
		return;
	do {
		struct ctype *t = parse_declarator(p, base, &name);

		parse_attributes(p, &a);
		if (is_typedef)
			add_typedef(p, name, t);
		if (is(p, TOK1('{'))) {	/* a function's body */
			skip_balanced(p);
			return;
		}
		if (take(p, TOK1('=')))
			skip_initialiser(p);
	} while (!p->panic && take(p, TOK1(',')));
	expect(p, TOK1(';'), "';'");
}

static void resync(struct cdecl_parser *p)
{
	p->panic = false;
	p->depth = 0;
	while (p->t < p->end && !is(p, TOK1(';')))
		if (is(p, TOK1('{')))
			skip_balanced(p);
		else
			next(p);
	next(p);
}

static void parse_all(struct cdecl_parser *p)
{
	while (p->t < p->end) {
		const struct ctok *before = p->t;

		if (take(p, TOK1(';')))
			continue;
		parse_declaration(p);
		if (p->panic || p->t == before)
			resync(p);
	}
}

/* ---- interface ------------------------------------------------------------------ */

int cdecl_parse(struct script *s, const struct node *cpart, const struct btf *kernel,
		struct cdecl *out)
{
	u32 errors = s->nr_errors;
	struct cdecl_parser p = { .s = s, .out = out, .kernel = kernel };
	struct skep_err err;

	cpp_run(s, cpart, NULL, 0);
	*out = (struct cdecl){ .s = s, .first = s->cpp ? s->cpp->toks.v : NULL };
	out->types.arena = out->constants.arena = p.tags.arena = p.names.arena = &s->arena;
	p.all_end = &p.all;
	if (s->cpp && s->cpp->toks.n) {
		p.t = s->cpp->toks.v;
		p.end = p.t + s->cpp->toks.n;
		parse_all(&p);
	}
	if (p.all && s->nr_errors == errors && ctype_btf(&p, &err))
		diag_error(s, cpart->at, "C: %s", skep_err_text(&err));
	vec_free(&p.named);
	return s->nr_errors == errors ? 0 : -1;
}

void cdecl_free(struct cdecl *c)
{
	vec_free(&c->values);
}

/* A number of a #define, which may name others. */
struct define { const struct cdecl *c; u32 depth; };

static bool value_of_define(const struct cdecl *c, const char *name, u32 depth, s64 *value);

static bool define_name(void *arg, struct cexpr *e, bool is_sizeof, s64 *value)
{
	struct define *d = arg;
	char name[128];

	if (is_sizeof || e->t->t.text_n >= sizeof(name))
		return false;
	memcpy(name, e->t->t.text, e->t->t.text_n);
	name[e->t->t.text_n] = 0;
	e->t++;
	return value_of_define(d->c, name, d->depth + 1, value);
}

static bool value_of_define(const struct cdecl *c, const char *name, u32 depth, s64 *value)
{
	struct cmacro *m = cpp_macro(c->s, name);
	struct define d = { c, depth };
	struct ctoks toks = { 0 };
	struct cexpr e = { .name = define_name, .arg = &d };
	bool ok;
	u32 i;

	if (strtab_get(&c->constants, name, &i)) {
		*value = c->values.v[i];
		return true;
	}
	if (!m || m->params || depth > 20)
		return false;
	cpp_words(c->s->cpp, &toks, m->body, m->at, false);
	e.t = toks.v;
	e.end = toks.n ? toks.v + toks.n : toks.v;
	ok = toks.n && cconst(&e, value) && e.t == e.end;
	vec_free(&toks);
	return ok;
}

bool cdecl_constant(const struct cdecl *c, const char *name, s64 *value)
{
	return value_of_define(c, name, 0, value);
}

u32 cdecl_type(const struct cdecl *c, const char *name)
{
	u32 id;

	return strtab_get(&c->types, name, &id) ? id : 0;
}
