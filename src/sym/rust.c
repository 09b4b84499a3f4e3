/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rust.c: names of Rust, after RFC 2603 ("v0") and in the older form that looks like C++.
 * Hashes of crates and of instances are left out. A name that refers to its own parts can
 * be as long as one likes; what is longer than MAX_OUT is not read.
 */
#include "sym/demangle_in.h"
#include "base/strbuf.h"
#include <ctype.h>
#include <stdlib.h>

enum { MAX_OUT = 8192, MAX_DEPTH = 128, HASH = 17 };

struct rust {
	const char *s;		/* behind "_R" */
	size_t at, n;
	u32 depth;
	u64 bound;		/* lifetimes that binders around have named */
	bool bad, quiet;	/* QUIET: read, not written */
	struct strbuf out;
};

static void path(struct rust *r, bool value);
static void type(struct rust *r);

/* ---- letters ------------------------------------------------------------- */

static void put(struct rust *r, const char *s)
{
	if (!r->quiet && !r->bad)
		sb_puts(&r->out, s);
	r->bad |= r->out.n > MAX_OUT;
}

static char peek(const struct rust *r)
{
	return r->at < r->n && !r->bad ? r->s[r->at] : 0;
}

static bool eat(struct rust *r, char c)
{
	if (peek(r) != c)
		return false;
	r->at++;
	return true;
}

static bool enter(struct rust *r)
{
	r->bad |= ++r->depth > MAX_DEPTH;
	return !r->bad;
}

static u64 decimal(struct rust *r)
{
	u64 v = 0;

	r->bad |= !isdigit((unsigned char)peek(r));
	if (eat(r, '0'))
		return 0;
	while (isdigit((unsigned char)peek(r)) && v < 1 << 24)
		v = v * 10 + (u64)(r->s[r->at++] - '0');
	return v;
}

static int digit62(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : islower((unsigned char)c) ? c - 'a' + 10 :
	       isupper((unsigned char)c) ? c - 'A' + 36 : -1;
}

/* "_" is 0, "0_" is 1. */
static u64 base62(struct rust *r)
{
	u64 v = 0;

	if (eat(r, '_'))
		return 0;
	while (!r->bad && !eat(r, '_')) {
		const int d = digit62(peek(r));

		r->bad |= d < 0 || v > (UINT64_MAX - 61) / 62;
		v = v * 62 + (u64)d;
		r->at++;
	}
	return v + 1;
}

/* TAG base62, or nothing, which is 0. */
static u64 optional62(struct rust *r, char tag)
{
	return eat(r, tag) ? base62(r) + 1 : 0;
}

/* ---- identifiers --------------------------------------------------------- */

struct ident { const char *s; size_t n; u64 number; bool puny; };

static struct ident ident(struct rust *r)
{
	struct ident i = { .number = optional62(r, 's'), .puny = eat(r, 'u') };

	i.n = decimal(r);
	eat(r, '_');
	r->bad |= i.n > r->n - r->at;
	if (r->bad)
		return (struct ident){ .s = "" };
	i.s = r->s + r->at;
	r->at += i.n;
	return i;
}

static void put_ident(struct rust *r, const struct ident *i)
{
	if (i->puny)
		put(r, "punycode{");
	if (!r->quiet && !r->bad)
		sb_add(&r->out, i->s, i->n);
	if (i->puny)
		put(r, "}");
}

/* What stands at an earlier place. */
static void again(struct rust *r, void (*fn)(struct rust *, bool), bool value)
{
	const size_t tag = r->at - 1;
	const u64 to = base62(r);
	const size_t back = r->at;

	r->bad |= to >= tag;
	if (r->bad || r->quiet)
		return;
	r->at = to;
	fn(r, value);
	r->at = back;
}

/* ---- lifetimes ----------------------------------------------------------- */

static void lifetime(struct rust *r, u64 index)
{
	char name[24] = "'_";
	const u64 depth = r->bound - index;

	if (index && index <= r->bound)
		snprintf(name, sizeof(name), depth < 26 ? "'%c" : "'_%d",
			 depth < 26 ? (int)('a' + depth) : (int)depth);
	r->bad |= index > r->bound;
	put(r, name);
}

/* for<'a, 'b>: how many. */
static u64 binder(struct rust *r)
{
	const u64 n = optional62(r, 'G');

	r->bad |= n > 64;
	if (!n || r->bad)
		return 0;
	put(r, "for<");
	for (u64 i = 0; i < n; i++) {
		r->bound++;
		put(r, i ? ", " : "");
		lifetime(r, 1);
	}
	put(r, "> ");
	return n;
}

/* ---- constants ----------------------------------------------------------- */

static void const_number(struct rust *r, char kind)
{
	const bool minus = eat(r, 'n');
	char text[32];
	u64 v = 0;
	u32 digits = 0;

	for (; isxdigit((unsigned char)peek(r)) && !isupper((unsigned char)peek(r)); digits++)
		v = v << 4 | (u64)digit62(r->s[r->at++]);
	r->bad |= !eat(r, '_') || digits > 16;
	if (kind == 'b')
		snprintf(text, sizeof(text), "%s", v ? "true" : "false");
	else if (kind == 'c')
		snprintf(text, sizeof(text), v >= 32 && v < 127 ? "'%c'" : "'\\u{%x}'", (int)v);
	else
		snprintf(text, sizeof(text), "%s%llu", minus ? "-" : "", (unsigned long long)v);
	put(r, text);
}

static void constant(struct rust *r, bool value)
{
	const char kind = peek(r);

	if (!enter(r))
		return;
	r->at++;
	if (kind == 'B')
		again(r, constant, value);
	else if (kind == 'p')
		put(r, "_");
	else if (kind && strchr("ahilmnosxtyjbc", kind))
		const_number(r, kind);
	else
		r->bad = true;
	r->depth--;
}

/* ---- types --------------------------------------------------------------- */

static const char *basic(char c)
{
	static const char *const names[] = {
		"i8", "bool", "char", "f64", "str", "f32", NULL, "u8", "isize", "usize", NULL,
		"i32", "u32", "i128", "u128", "_", NULL, NULL, "i16", "u16", "()", "...", NULL,
		"i64", "u64", "!",
	};

	return islower((unsigned char)c) ? names[c - 'a'] : NULL;
}

/* Until E, with commas between: how many. */
static u32 types(struct rust *r)
{
	u32 n = 0;

	for (; !r->bad && !eat(r, 'E'); n++) {
		put(r, n ? ", " : "");
		type(r);
	}
	return n;
}

static void generic_args(struct rust *r)
{
	for (u32 n = 0; !r->bad && !eat(r, 'E'); n++) {
		put(r, n ? ", " : "");
		if (eat(r, 'L'))
			lifetime(r, base62(r));
		else if (eat(r, 'K'))
			constant(r, false);
		else
			type(r);
	}
}

static void abi(struct rust *r)
{
	struct ident i;

	put(r, "extern \"");
	if (eat(r, 'C')) {
		put(r, "C");
	} else {
		i = ident(r);
		for (size_t k = 0; k < i.n; k++)
			put(r, (char[]){ i.s[k] == '_' ? '-' : i.s[k], 0 });
	}
	put(r, "\" ");
}

static void fn_type(struct rust *r)
{
	const u64 bound = binder(r);

	if (eat(r, 'U'))
		put(r, "unsafe ");
	if (eat(r, 'K'))
		abi(r);
	put(r, "fn(");
	types(r);
	put(r, ")");
	if (!eat(r, 'u')) {
		put(r, " -> ");
		type(r);
	}
	r->bound -= bound;
}

/* The path of a trait of dyn, whose arguments stay open for its associated types: true. */
static bool open_path(struct rust *r)
{
	if (!eat(r, 'I')) {
		path(r, false);
		return false;
	}
	path(r, false);
	put(r, "<");
	generic_args(r);
	return true;
}

static void dyn_type(struct rust *r)
{
	u64 bound, life;

	put(r, "dyn ");
	bound = binder(r);
	for (u32 n = 0; !r->bad && !eat(r, 'E'); n++) {
		bool open;

		put(r, n ? " + " : "");
		open = open_path(r);
		while (eat(r, 'p')) {
			struct ident i;

			put(r, open ? ", " : "<");
			open = true;
			i = ident(r);
			put_ident(r, &i);
			put(r, " = ");
			type(r);
		}
		put(r, open ? ">" : "");
	}
	r->bound -= bound;
	r->bad |= !eat(r, 'L');
	life = base62(r);
	if (life) {
		put(r, " + ");
		lifetime(r, life);
	}
}

static void reference(struct rust *r, const char *what)
{
	u64 life;

	put(r, "&");
	if (eat(r, 'L') && (life = base62(r))) {
		lifetime(r, life);
		put(r, " ");
	}
	put(r, what);
	type(r);
}

static void array(struct rust *r, bool sized)
{
	put(r, "[");
	type(r);
	if (sized) {
		put(r, "; ");
		constant(r, false);
	}
	put(r, "]");
}

static void tuple(struct rust *r)
{
	put(r, "(");
	put(r, types(r) == 1 ? ",)" : ")");
}

static void type_again(struct rust *r, bool value)
{
	(void)value;
	type(r);
}

static void pointer(struct rust *r, const char *what)
{
	put(r, what);
	type(r);
}

static void type(struct rust *r)
{
	const char c = peek(r), *name = basic(c);

	if (!enter(r))
		return;
	r->at++;
	switch (name ? 0 : c) {
	case 0: put(r, name ? name : ""); r->bad |= !name; break;
	case 'A': array(r, true); break;
	case 'S': array(r, false); break;
	case 'T': tuple(r); break;
	case 'R': reference(r, ""); break;
	case 'Q': reference(r, "mut "); break;
	case 'P': pointer(r, "*const "); break;
	case 'O': pointer(r, "*mut "); break;
	case 'F': fn_type(r); break;
	case 'D': dyn_type(r); break;
	case 'B': again(r, type_again, false); break;
	default:
		r->at--;
		path(r, false);
	}
	r->depth--;
}

/* ---- paths --------------------------------------------------------------- */

static void nested(struct rust *r, bool value)
{
	const char space = peek(r);
	char number[32];
	struct ident i;

	r->bad |= !isalpha((unsigned char)space);
	r->at++;
	path(r, value);
	i = ident(r);
	if (islower((unsigned char)space)) {
		put(r, i.n ? "::" : "");
		put_ident(r, &i);
		return;
	}
	put(r, "::{");
	put(r, space == 'C' ? "closure" : space == 'S' ? "shim" : (char[]){ space, 0 });
	put(r, i.n ? ":" : "");
	put_ident(r, &i);
	snprintf(number, sizeof(number), "#%llu}", (unsigned long long)i.number);
	put(r, number);
}

/* <TYPE> or <TYPE as TRAIT>; OF: where the implementation stands, which nobody shows. */
static void implementation(struct rust *r, bool of, bool trait)
{
	const bool quiet = r->quiet;

	if (of) {
		optional62(r, 's');
		r->quiet = true;
		path(r, false);
		r->quiet = quiet;
	}
	put(r, "<");
	type(r);
	if (trait) {
		put(r, " as ");
		path(r, false);
	}
	put(r, ">");
}

static void path(struct rust *r, bool value)
{
	const char c = peek(r);
	struct ident i;

	if (!enter(r))
		return;
	r->at++;
	switch (c) {
	case 'C':
		i = ident(r);
		put_ident(r, &i);
		break;
	case 'N': nested(r, value); break;
	case 'M': implementation(r, true, false); break;
	case 'X': implementation(r, true, true); break;
	case 'Y': implementation(r, false, true); break;
	case 'B': again(r, path, value); break;
	case 'I':
		path(r, value);
		put(r, value ? "::<" : "<");
		generic_args(r);
		put(r, ">");
		break;
	default: r->bad = true;
	}
	r->depth--;
}

char *demangle_rust(const char *name)
{
	struct rust r = { .s = name + 2, .n = strcspn(name + 2, ".$") };

	if (strncmp(name, "_R", 2))
		return NULL;
	path(&r, true);
	if (r.at < r.n && !r.bad) {	/* the crate that made it of a generic one */
		r.quiet = true;
		path(&r, false);
	}
	if (!r.bad && r.at == r.n && r.out.n)
		return r.out.s;
	sb_free(&r.out);
	return NULL;
}

/* ---- the older form ------------------------------------------------------ */

static const struct { const char *from, *to; } escapes[] = {
	{ "$SP$", "@" }, { "$BP$", "*" }, { "$RF$", "&" }, { "$LT$", "<" }, { "$GT$", ">" },
	{ "$LP$", "(" }, { "$RP$", ")" }, { "$C$", "," }, { "..", "::" },
};

/* One letter or escape of S: how many bytes it took. */
static size_t unescape(struct strbuf *b, const char *s, size_t n)
{
	char *end;
	unsigned long v;

	for (size_t i = 0; i < ARRAY_LEN(escapes); i++)
		if (n >= strlen(escapes[i].from) &&
		    !strncmp(s, escapes[i].from, strlen(escapes[i].from))) {
			sb_puts(b, escapes[i].to);
			return strlen(escapes[i].from);
		}
	if (n > 3 && s[0] == '$' && s[1] == 'u') {
		v = strtoul(s + 2, &end, 16);
		if (*end == '$' && v >= 32 && v < 127) {
			sb_putc(b, (char)v);
			return (size_t)(end + 1 - s);
		}
	}
	sb_putc(b, *s);
	return 1;
}

static bool is_hash(const char *s, size_t n)
{
	return n == HASH && s[0] == 'h' && strspn(s + 1, "0123456789abcdef") >= HASH - 1;
}

char *demangle_rust_old(const char *name)
{
	struct strbuf b = { 0 };
	const char *s = name + 3;
	bool hash = false;

	if (strncmp(name, "_ZN", 3))
		return NULL;
	while (isdigit((unsigned char)*s) && !hash) {
		char *end;
		const size_t n = strtoul(s, &end, 10);

		s = end;
		if (!n || strnlen(s, n) < n)
			break;
		hash = is_hash(s, n) && s[n] == 'E';
		if (!hash && b.n)
			sb_puts(&b, "::");
		/* a leading escape has a letter before it */
		for (size_t i = *s == '_' && s[1] == '$'; !hash && i < n;)
			i += unescape(&b, s + i, n - i);
		s += n;
	}
	if (hash && b.n)
		return b.s;
	sb_free(&b);
	return NULL;
}
