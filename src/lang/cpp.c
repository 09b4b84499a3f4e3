/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpp.c: C's preprocessor as far as scripts need it: #define, #undef, #if and its
 * like, #include "x.h". What <x.h> has is known from BTF, so it is not read.
 */
#include "lang/cpp.h"
#include "base/os.h"
#include <stdlib.h>
#include <unistd.h>

enum { MAX_INCLUDE = 16 << 20, MAX_DEPTH = 32, MAX_WORDS = 1 << 20, MAX_IF = 64,
	MAX_BODY = 1 << 16 };

/* A file, or the C part of one, that is being read. */
struct unit {
	struct cpp *c;
	struct lexer lex;
	u32 end;
	/* what is open of #if: is it read, has one of its branches been, is the rest dead */
	struct { bool on, done; } ifs[MAX_IF];
	u32 nr_ifs;
};

static void read_text(struct cpp *c, const struct source *src, u32 from, u32 to);

/* ---- macros --------------------------------------------------------------------- */

struct cmacro *cpp_macro(const struct script *s, const char *name)
{
	u32 i;

	if (!s->cpp || !strtab_get(&s->cpp->names, name, &i) || i == UINT32_MAX)
		return NULL;
	return s->cpp->macros.v[i];
}

static struct cmacro *macro_of(struct cpp *c, const struct token *t)
{
	char name[128];
	u32 i;

	if (t->text_n >= sizeof(name))
		return NULL;
	memcpy(name, t->text, t->text_n);
	name[t->text_n] = 0;
	return strtab_get(&c->names, name, &i) && i != UINT32_MAX ? c->macros.v[i] : NULL;
}

static struct cmacro *define(struct cpp *c, const char *name, const char *body, bool params,
			     struct span at)
{
	struct cmacro *m = arena_new(&c->s->arena, struct cmacro);

	m->name = name;
	m->body = script_source(c->s, name, body, (u32)strlen(body));
	m->params = params;
	m->at = at;
	strtab_put(&c->names, name, (u32)c->macros.n);
	*vec_push(&c->macros) = m;
	return m;
}

static void too_many(struct cpp *c, struct span at)
{
	if (!c->stop)
		diag_error(c->s, at, "the C part becomes more than a million words");
	c->stop = true;
}

/* ---- macros with parameters ----------------------------------------------------- */

static s32 param_of(const struct cmacro *m, const struct token *t)
{
	for (u32 i = 0; i < m->nr_names; i++)
		if (t->kind == T_IDENT && strlen(m->names[i]) == t->text_n &&
		    !memcmp(m->names[i], t->text, t->text_n))
			return (s32)i;
	return -1;
}

/* Has the body # or ##, or the macro "..."? */
static bool is_special(const struct cmacro *m)
{
	for (u32 i = 0; i < m->nr_names; i++)
		if (strstr(m->names[i], "..."))
			return true;
	return m->body->text && strchr(m->body->text, '#');
}

const struct source *cpp_call(struct script *s, const struct cmacro *m, const char *const *args,
			      u32 n, struct span call)
{
	struct lexer lex = { .s = s, .src = m->body, .quiet = true };
	struct strbuf b = { 0 };
	struct source *src;
	struct token t;
	u32 last = 0;

	if (n != m->nr_names || is_special(m)) {
		if (is_special(m))
			diag_error(s, call, "macro %s: #, ## and ... are not there", m->name);
		else
			diag_error(s, call, "macro %s takes %u arguments (%u given)", m->name,
				   m->nr_names, n);
		return NULL;
	}
	for (lex_next(&lex, &t); t.kind != T_END; lex_next(&lex, &t)) {
		const s32 i = param_of(m, &t);

		sb_add(&b, m->body->text + last, (i < 0 ? t.to : t.from) - last);
		if (i >= 0)
			sb_puts(&b, args[i]);
		last = t.to;
		if (b.n > MAX_BODY)
			break;
	}
	if (b.n > MAX_BODY) {
		diag_error(s, call, "macro %s becomes more than %d bytes", m->name, MAX_BODY);
		sb_free(&b);
		return NULL;
	}
	src = (struct source *)(uintptr_t)script_source_copy(s, m->body->name, sb_text(&b),
							     (u32)b.n);
	src->via = arena_copy(&s->arena, &call, sizeof(call));
	sb_free(&b);
	return src;
}

/* Is a call of M at LEX, behind its name? Then LEX goes behind it; BODY: what it becomes, or
 * NULL after an error. */
static bool takes_call(struct lexer *lex, const struct cmacro *m, struct span at,
		       const struct source **body)
{
	const char *args[PARAMS_MAX], *text = lex->src->text;
	struct lexer l = *lex;
	u32 n = 0, depth = 0, from;
	struct token t;

	lex_next(&l, &t);
	if (t.kind != T_PUNCT || t.op != TOK1('('))
		return false;
	from = t.to;
	for (lex_next(&l, &t); t.kind != T_END; lex_next(&l, &t)) {
		const bool ends = t.kind == T_PUNCT && !depth && (t.op == TOK1(',') ||
								   t.op == TOK1(')'));

		depth += t.kind == T_PUNCT && t.op == TOK1('(');
		depth -= t.kind == T_PUNCT && t.op == TOK1(')') && depth;
		if (!ends)
			continue;
		if (n < PARAMS_MAX && (t.op == TOK1(',') || n || t.from > from))
			args[n++] = arena_strndup(&lex->s->arena, text + from, t.from - from);
		from = t.to;
		if (t.op == TOK1(')'))
			break;
	}
	lex->pos = l.pos;
	*body = cpp_call(lex->s, m, args, n, at);
	return true;
}

/* M, which stands right before LEX, becomes its words; false: it stays as it is. Calls may
 * have calls of the same macro as arguments, so only their depth is bounded. */
static bool replace(struct cpp *c, struct ctoks *out, struct lexer *lex, struct cmacro *m,
		    struct span at, bool defined)
{
	const struct source *body = m->body;

	if (m->params ? c->calls >= CALLS_MAX || !takes_call(lex, m, at, &body) : m->busy)
		return false;
	m->busy = !m->params;
	c->calls += m->params;
	if (body)
		cpp_words(c, out, body, at, defined);
	c->calls -= m->params;
	m->busy = false;
	return true;
}

void cpp_words(struct cpp *c, struct ctoks *out, const struct source *src, struct span at,
	       bool defined)
{
	struct lexer lex = { .s = c->s, .src = src };
	bool keep = false;
	u32 parens = 0;

	for (;;) {
		struct ctok t;
		struct cmacro *m;

		lex_next(&lex, &t.t);
		if (t.t.kind == T_END || c->stop)
			return;
		t.at = at.src ? at : (struct span){ src, t.t.from, t.t.to };
		m = t.t.kind == T_IDENT && !keep ? macro_of(c, &t.t) : NULL;
		if (m && replace(c, out, &lex, m, t.at, defined))
			continue;
		*vec_push(out) = t;
		if (out->n > MAX_WORDS)
			too_many(c, t.at);
		parens = keep && ctok_is(&t, TOK1('('));
		keep = defined && (ctok_word(&t, "defined") || parens);
	}
}

/* ---- directives ----------------------------------------------------------------- */

/* The line at the lexer, from behind "#", those that it goes on in and comments made
 * spaces. */
static char *take_line(struct unit *u)
{
	const char *s = u->lex.src->text;
	struct strbuf b = { 0 };
	char *line;

	while (u->lex.pos < u->end && s[u->lex.pos] != '\n') {
		u32 left = u->end - u->lex.pos;
		const char *p = s + u->lex.pos, *end;

		if (left > 1 && p[0] == '/' && p[1] == '/') {
			end = memchr(p, '\n', left);
			u->lex.pos = end ? (u32)(end - s) : u->end;
		} else if (left > 1 && p[0] == '/' && p[1] == '*') {
			end = memmem(p + 2, left - 2, "*/", 2);
			u->lex.pos = end ? (u32)(end - s) + 2 : u->end;
			sb_putc(&b, ' ');
		} else if (left > 1 && p[0] == '\\' && (p[1] == '\n' || p[1] == '\r')) {
			u->lex.pos += p[1] == '\r' && left > 2 && p[2] == '\n' ? 3 : 2;
		} else {
			sb_putc(&b, *p);
			u->lex.pos++;
		}
	}
	while (b.n && strchr(" \t\r", b.s[b.n - 1]))
		b.s[--b.n] = 0;
	line = arena_strdup(&u->c->s->arena, sb_text(&b));
	sb_free(&b);
	return line;
}

static const char *skip_space(const char *s)
{
	return s + strspn(s, " \t");
}

static size_t name_length(const char *s)
{
	size_t n = 0;

	while (is_name_char(s[n]))
		n++;
	return is_name_start(*s) ? n : 0;
}

/* Parameters at S, behind "(". */
static void read_names(struct cpp *c, struct cmacro *m, const char *s)
{
	m->names = arena_news(&c->s->arena, PARAMS_MAX, const char *);
	for (s = skip_space(s); *s && *s != ')' && m->nr_names < PARAMS_MAX; s = skip_space(s)) {
		const size_t n = strcspn(s, " \t,)");

		m->names[m->nr_names++] = arena_strndup(&c->s->arena, s, n);
		s = skip_space(s + n);
		s += *s == ',';
	}
}

static void do_define(struct unit *u, const char *s, struct span at)
{
	size_t n = name_length(s);
	bool params = s[n] == '(';
	struct cmacro *m;
	const char *body;

	if (!n) {
		diag_error(u->c->s, at, "#define needs a name");
		return;
	}
	body = params ? strchr(s + n, ')') : s + n;
	body = !body ? "" : params ? body + 1 : body;
	m = define(u->c, arena_strndup(&u->c->s->arena, s, n), skip_space(body), params, at);
	if (params)
		read_names(u->c, m, s + n + 1);
}

static void do_undef(struct unit *u, const char *s)
{
	strtab_put(&u->c->names, arena_strndup(&u->c->s->arena, s, name_length(s)), UINT32_MAX);
}

static bool if_name(void *arg, struct cexpr *e, bool is_sizeof, s64 *value)
{
	struct cpp *c = arg;
	bool is_defined = ctok_word(e->t, "defined"), paren;

	*value = 0;
	if (is_sizeof)
		return false;
	e->t++;
	if (!is_defined)
		return true;
	paren = e->t < e->end && ctok_is(e->t, TOK1('('));
	e->t += paren;
	if (e->t == e->end || e->t->t.kind != T_IDENT)
		return false;
	*value = macro_of(c, &e->t->t) != NULL;
	e->t++;
	if (paren && (e->t == e->end || !ctok_is(e->t, TOK1(')'))))
		return false;
	e->t += paren;
	return true;
}

static bool is_true(struct unit *u, const char *s, struct span at)
{
	struct script *sc = u->c->s;
	struct ctoks toks = { 0 };
	struct cexpr e = { .name = if_name, .arg = u->c };
	s64 v;

	cpp_words(u->c, &toks, script_source(sc, at.src->name, s, (u32)strlen(s)), at, true);
	e.t = toks.v;
	e.end = toks.n ? toks.v + toks.n : toks.v;
	if (!cconst(&e, &v) || e.t != e.end) {
		diag_error(sc, at, "#if: %s", e.wrong ? e.wrong : "the condition has no end");
		v = 0;
	}
	vec_free(&toks);
	return v;
}

static bool is_on(const struct unit *u)
{
	return !u->nr_ifs || u->ifs[u->nr_ifs - 1].on;
}

static void do_if(struct unit *u, bool yes, struct span at)
{
	bool outer = is_on(u);

	if (u->nr_ifs == MAX_IF) {
		diag_error(u->c->s, at, "#if nests deeper than %d levels", MAX_IF);
		u->c->stop = true;
		return;
	}
	u->ifs[u->nr_ifs].on = outer && yes;
	u->ifs[u->nr_ifs++].done = !outer || yes;
}

/* #else, #elif: YES is asked only when no branch was read. */
static void do_else(struct unit *u, const char *cond, struct span at)
{
	u32 i = u->nr_ifs - 1;

	if (!u->nr_ifs) {
		diag_error(u->c->s, at, "#else without #if");
		return;
	}
	u->ifs[i].on = !u->ifs[i].done && (!cond || is_true(u, cond, at));
	u->ifs[i].done |= u->ifs[i].on;
}

/* ---- include -------------------------------------------------------------------- */

static const char *find_header(struct unit *u, const char *name)
{
	struct arena *a = &u->c->s->arena;
	const char *from = u->lex.src->name, *slash = strrchr(from, '/'), *path;

	if (*name == '/')
		return name;
	path = arena_printf(a, "%.*s%s", slash ? (int)(slash - from + 1) : 0, from, name);
	for (u32 i = 0; access(path, R_OK) && i < u->c->nr_dirs; i++)
		path = arena_printf(a, "%s/%s", u->c->dirs[i], name);
	return path;
}

static void include(struct unit *u, const char *path, struct span at)
{
	struct script *s = u->c->s;
	struct os_file f;
	struct skep_err err;
	const struct source *src;

	if (access(path, R_OK)) {
		diag_error(s, at, "cannot include %s: %s", path, strerror(errno));
		return;
	}
	if (os_file_read(&f, path, &err)) {
		diag_error(s, at, "cannot include %s: it cannot be read", path);
		return;
	}
	if (f.size > MAX_INCLUDE || u->c->depth == MAX_DEPTH) {
		diag_error(s, at, "cannot include %s: %s", path, f.size > MAX_INCLUDE ?
			   "it is larger than 16 MiB" : "headers include each other without end");
		os_file_close(&f);
		return;
	}
	src = script_source_copy(s, path, f.data, (u32)f.size);
	os_file_close(&f);
	u->c->depth++;
	read_text(u->c, src, 0, src->bytes);
	u->c->depth--;
}

static void do_include(struct unit *u, const char *s, struct span at)
{
	const char *end = *s == '"' ? strchr(s + 1, '"') : NULL;

	if (end)
		include(u, find_header(u, arena_strndup(&u->c->s->arena, s + 1,
							(size_t)(end - s - 1))), at);
	else if (*s == '<' && strchr(s, '>'))
		u->c->skipped = true;
	else
		diag_error(u->c->s, at, "#include needs \"FILE\" or <FILE>");
}

/* ---- reading -------------------------------------------------------------------- */

static bool starts(const char **s, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*s, word, n) || is_name_char((*s)[n]))
		return false;
	*s = skip_space(*s + n);
	return true;
}

static bool name_is_defined(struct unit *u, const char *s)
{
	const char *name = arena_strndup(&u->c->s->arena, s, name_length(s));
	u32 i;

	return strtab_get(&u->c->names, name, &i) && i != UINT32_MAX;
}

static void do_endif(struct unit *u, struct span at)
{
	if (u->nr_ifs)
		u->nr_ifs--;
	else
		diag_error(u->c->s, at, "#endif without #if");
}

/* Conditions, which are followed also where nothing is read. */
static bool do_condition(struct unit *u, const char *s, struct span at)
{
	if (starts(&s, "ifdef"))
		do_if(u, name_is_defined(u, s), at);
	else if (starts(&s, "ifndef"))
		do_if(u, !name_is_defined(u, s), at);
	else if (starts(&s, "if"))
		do_if(u, is_on(u) && is_true(u, s, at), at);
	else if (starts(&s, "elif"))
		do_else(u, s, at);
	else if (starts(&s, "else"))
		do_else(u, NULL, at);
	else if (starts(&s, "endif"))
		do_endif(u, at);
	else
		return false;
	return true;
}

static void directive(struct unit *u, u32 from)
{
	const char *s = skip_space(take_line(u));
	struct span at = { u->lex.src, from, u->lex.pos };

	if (do_condition(u, s, at) || !is_on(u))
		return;
	if (starts(&s, "define"))
		do_define(u, s, at);
	else if (starts(&s, "undef"))
		do_undef(u, s);
	else if (starts(&s, "include"))
		do_include(u, s, at);
	else if (starts(&s, "error"))
		diag_error(u->c->s, at, "#error %.200s", s);
	else if (!starts(&s, "pragma") && !starts(&s, "warning") && *s)
		diag_error(u->c->s, at, "unknown directive #%.50s", s);
}

/* Is what is before POS in its line white space? */
static bool is_first(const struct source *src, u32 pos)
{
	while (pos && (src->text[pos - 1] == ' ' || src->text[pos - 1] == '\t'))
		pos--;
	return !pos || src->text[pos - 1] == '\n';
}

/* The words from FROM on, up to a "#" that begins a line or to the end. */
static void take_words(struct unit *u)
{
	struct ctok t;
	struct cmacro *m;

	t.t.kind = T_END;
	lex_skip(&u->lex);
	if (u->lex.pos >= u->end)
		return;
	if (u->lex.src->text[u->lex.pos] == '#' && is_first(u->lex.src, u->lex.pos)) {
		u32 from = u->lex.pos++;

		directive(u, from);
		return;
	}
	lex_next(&u->lex, &t.t);
	if (!is_on(u))
		return;
	t.at = (struct span){ u->lex.src, t.t.from, t.t.to };
	m = t.t.kind == T_IDENT ? macro_of(u->c, &t.t) : NULL;
	if (m && replace(u->c, &u->c->toks, &u->lex, m, t.at, false))
		return;
	if (u->c->toks.n > MAX_WORDS)
		too_many(u->c, t.at);
	*vec_push(&u->c->toks) = t;
}

static void read_text(struct cpp *c, const struct source *src, u32 from, u32 to)
{
	struct unit u = { .c = c, .lex = { .s = c->s, .src = src, .pos = from }, .end = to };

	while (u.lex.pos < u.end && !c->stop) {
		u32 before = u.lex.pos;

		u.lex.quiet = !is_on(&u);
		take_words(&u);
		if (u.lex.pos == before)
			u.lex.pos++;
	}
	if (u.nr_ifs && !c->stop)
		diag_error(c->s, (struct span){ src, from, from }, "#if without #endif");
}

static void predefine(struct cpp *c)
{
	static const char *const names[] = {
#ifdef __aarch64__
		"__aarch64__",
#else
		"__x86_64__",
#endif
		"__BPF__", "BPFTRACE_HAVE_BTF", "__KERNEL__", "__LP64__",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		define(c, names[i], "1", false, (struct span){ 0 });
}

void cpp_run(struct script *s, const struct node *list, const char *const *dirs, u32 nr_dirs)
{
	struct cpp *c;

	if (s->cpp)
		return;
	for (; list && list->kind != N_CPART; list = list->next)
		;
	if (!list)
		return;
	c = s->cpp = arena_new(&s->arena, struct cpp);
	c->s = s;
	c->dirs = dirs;
	c->nr_dirs = nr_dirs;
	c->names.arena = &s->arena;
	predefine(c);
	for (; list; list = list->next)
		if (list->kind == N_CPART)
			read_text(c, list->at.src, list->at.from, list->at.to);
}

void cpp_free(struct script *s)
{
	if (!s->cpp)
		return;
	vec_free(&s->cpp->toks);
	vec_free(&s->cpp->macros);
}
