/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * asm.c: text to slots. Cuts text into statements, keeps the labels, and
 * reports errors with line, column and the line itself; asm_match.c reads the
 * single instruction. Takes any bytes. Does not judge programs: what it gives
 * may still fail isa_check.
 */
#include "base/hash.h"
#include "isa/asm.h"

struct fixup {
	const char *name;	/* the label's use in the text */
	size_t name_n;
	size_t insn;		/* slot whose FIELD is the distance to it */
	unsigned field;
};

/* A label "N:", which may stand more than once; "Nb" and "Nf" mean it. */
struct numeric { u64 number; size_t insn, order; };

struct assembler {
	struct asm_index index;
	struct isa_code *code;
	char *text;		/* a copy with comments blanked, ends in NUL */
	const char *source;	/* the original, of the same length */
	size_t text_bytes;
	const char *file;
	struct skep_err *err;
	struct arena arena;	/* names */
	struct strtab labels;	/* name to slot */
	VEC(const char *) names;
	VEC(struct numeric) numerics;
	VEC(struct fixup) fixups;
};

/* ---- messages --------------------------------------------------------- */

/* The line that begins at START of the source, with a caret at COL, from 1. */
static void quote_line(struct assembler *a, const char *start, size_t line, size_t col)
{
	size_t left = (size_t)(a->source + a->text_bytes - start);
	const char *end = left ? memchr(start, '\n', left) : NULL;

	err_source(a->err, (unsigned)line, (unsigned)col,
		   arena_strndup(&a->arena, start, end ? (size_t)(end - start) : left));
}

/* Reports an error at place AT of the text; returns its errno. */
static PRINTF_LIKE(4, 5) int fail_at(struct assembler *a, enum err_id id,
				     const char *at, const char *fmt, ...)
{
	size_t pos = (size_t)(at - a->text), line = 1, start = 0;
	char place[512];
	va_list ap;
	int code;

	for (size_t i = 0; i < pos; i++) {
		if (a->text[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	snprintf(place, sizeof(place), "%s:%zu:%zu", a->file, line,
		 pos - start + 1);
	va_start(ap, fmt);
	code = err_vset(a->err, id, place, fmt, ap);
	va_end(ap);
	quote_line(a, a->source + start, line, pos - start + 1);
	return code;
}

/* The thing at P for a message: a word, a number or one character. */
static void found_text(const char *p, char *buf, size_t size)
{
	size_t n = 0;

	if (asm_at_end(p)) {
		snprintf(buf, size, "the end of the line");
		return;
	}
	while (asm_word_char(p[n]) && n < 40)
		n++;
	if (n)
		snprintf(buf, size, "'%.*s'", (int)n, p);
	else if (*p > 32 && *p < 127)
		snprintf(buf, size, "'%c'", *p);
	else
		snprintf(buf, size, "byte 0x%02x", (u8)*p);
}

/* "did you mean": the wanted words that resemble the word at P. */
static void help_nearest(struct assembler *a, const char *p,
			 char (*wants)[48], unsigned n)
{
	const char *words[ASM_WANTS], *near;
	char word[48];

	if (!asm_word_char(*p))
		return;
	found_text(p, word, sizeof(word));
	for (unsigned i = 0; i < n; i++)
		words[i] = wants[i];
	near = err_nearest(word, words, n);
	if (near && *near == '\'')
		err_help(a->err, "did you mean %s?", near);
}

/* "A, B or C" of N wants; of many only the first. */
static void list_wants(char *buf, size_t size, char (*wants)[48], unsigned n)
{
	enum { SHOWN = 6 };
	size_t used = 0;

	*buf = 0;
	for (unsigned i = 0; i < n && used < size; i++) {
		if (i == SHOWN) {
			snprintf(buf + used, size - used, ", ...");
			return;
		}
		used += (size_t)snprintf(buf + used, size - used, "%s%s",
			!i ? "" : i + 1 < n ? ", " : " or ", wants[i]);
	}
}

/* No row fits the statement at P: says how far the best one came. */
static int fail_syntax(struct assembler *a, const char *p, int opcode)
{
	char wants[ASM_WANTS][48], found[48], list[300];
	struct asm_insn m;
	int code;

	asm_explain(p, opcode, &m);
	found_text(m.stop, found, sizeof(found));
	for (unsigned i = 0; i < m.n_wants; i++)
		asm_want_text(m.wants[i], wants[i], sizeof(wants[i]));
	list_wants(list, sizeof(list), wants, m.n_wants);
	if (m.stop == asm_skip_blanks(p))
		code = fail_at(a, ERR_ASM, m.stop,
			       "no instruction starts with %s", found);
	else
		code = fail_at(a, ERR_ASM, m.stop, "expected %s, found %s",
			       list, found);
	help_nearest(a, m.stop, wants, m.n_wants);
	return code;
}

/* ---- text ------------------------------------------------------------- */

/* '#' begins a comment unless it joins two words, as in "call name#12". */
static bool starts_hash_comment(const char *start, const char *p)
{
	return p == start || !asm_word_char(p[-1]) ||
	       !(asm_word_char(p[1]) || p[1] == '-' || p[1] == '+');
}

/* Blanks the comment at P, of which newlines stay; returns its end. */
static char *blank_comment(char *p)
{
	bool block = p[0] == '/' && p[1] == '*';

	if (block) {
		*p++ = ' ';
		*p++ = ' ';
	}
	for (; *p; p++) {
		if (block && p[0] == '*' && p[1] == '/') {
			p[0] = p[1] = ' ';
			return p + 2;
		}
		if (*p == '\n' && !block)
			return p;
		if (*p != '\n')
			*p = ' ';
	}
	return p;
}

/* Makes a->text; bytes of 0 become 1, which no statement contains. */
static void copy_text(struct assembler *a)
{
	char *p = mem_alloc(a->text_bytes + 1);

	a->text = p;
	if (a->text_bytes)
		memcpy(p, a->source, a->text_bytes);
	for (size_t i = 0; i < a->text_bytes; i++)
		if (!p[i])
			p[i] = 1;
	while (*p) {
		if ((p[0] == '/' && (p[1] == '/' || p[1] == '*')) ||
		    (*p == '#' && starts_hash_comment(a->text, p)))
			p = blank_comment(p);
		else
			p++;
	}
}

/* ---- labels ----------------------------------------------------------- */

static int define_numeric(struct assembler *a, const char *p)
{
	u64 number = 0;

	for (const char *q = p; *q >= '0' && *q <= '9'; q++)
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, *q - '0', &number))
			return fail_at(a, ERR_ASM_LABEL, p,
				       "label number does not fit 64 bits");
	*vec_push(&a->numerics) = (struct numeric){
		number, a->code->n, a->numerics.n };
	return 0;
}

static int define_label(struct assembler *a, const char *p, size_t n)
{
	char *name;
	u32 slot;

	if (*p >= '0' && *p <= '9')
		return define_numeric(a, p);
	name = arena_strndup(&a->arena, p, n);
	if (strtab_get(&a->labels, name, &slot))
		return fail_at(a, ERR_ASM_LABEL, p,
			       "label '%s' is defined twice; it already names "
			       "slot %u", name, slot);
	strtab_put(&a->labels, name, (u32)a->code->n);
	*vec_push(&a->names) = name;
	return 0;
}

static bool is_number(const char *p, size_t n)
{
	for (; n; n--, p++)
		if (*p < '0' || *p > '9')
			return false;
	return true;
}

/*
 * Takes the labels at *P and moves it behind them. The number that bpftool
 * and llvm-objdump print before each instruction is one too.
 */
static int take_labels(struct assembler *a, const char **p)
{
	for (;;) {
		const char *start = *p = asm_skip_blanks(*p), *q;
		size_t n = 0;
		int code;

		while (asm_word_char(start[n]))
			n++;
		q = asm_skip_blanks(start + n);
		if (!n || *q != ':')
			return 0;
		if (*start >= '0' && *start <= '9' && !is_number(start, n))
			return fail_at(a, ERR_ASM_LABEL, start,
				       "a label is a name or a decimal number");
		code = define_label(a, start, n);
		if (code)
			return code;
		*p = q + 1;
	}
}

static int order_numeric(const void *pa, const void *pb)
{
	const struct numeric *a = pa, *b = pb;

	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

/*
 * The last "N:" that is at or before slot AT, or the first behind it. Labels
 * are sorted by number, then by place.
 */
static bool find_numeric(struct assembler *a, const struct fixup *f, s64 *slot)
{
	bool back = f->name[f->name_n - 1] == 'b';
	size_t lo = 0, hi = a->numerics.n;
	u64 number = strtoull(f->name, NULL, 10);
	const struct numeric *v = a->numerics.v;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v[mid].number < number ||
		    (v[mid].number == number && v[mid].insn <= f->insn))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (back && !lo)
		return false;
	lo -= back;
	if (lo >= a->numerics.n || v[lo].number != number)
		return false;
	*slot = (s64)v[lo].insn;
	return true;
}

static int fail_label(struct assembler *a, const struct fixup *f,
		      const char *name)
{
	int code = fail_at(a, ERR_ASM_LABEL, f->name,
			   "label '%.64s' is not defined", name);
	const char *near = err_nearest(name, a->names.v,
				       min_u64(a->names.n, 1000));

	if (near)
		err_help(a->err, "did you mean '%s'?", near);
	if (a->code->v[f->insn].code == (BPF_JMP | BPF_CALL))
		err_help(a->err, "helpers are called by number: \"call 12\" or "
			 "\"call %.64s#12\"", name);
	return code;
}

static int resolve(struct assembler *a, const struct fixup *f)
{
	char *name = arena_strndup(&a->arena, f->name, f->name_n);
	struct bpf_insn *insn = &a->code->v[f->insn];
	bool found;
	u32 named;
	s64 to;

	if (*name >= '0' && *name <= '9') {
		found = find_numeric(a, f, &to);
	} else {
		found = strtab_get(&a->labels, name, &named);
		to = named;
	}
	if (!found)
		return fail_label(a, f, name);
	to -= (s64)f->insn + 1;
	if (f->field == FIELD_IMM) {
		insn->imm = (s32)to;
	} else if (to < INT16_MIN || to > INT16_MAX) {
		int code = fail_at(a, ERR_ASM_RANGE, f->name,
			"label '%.64s' is %lld slots away; this jump reaches "
			"-32768..32767", name, (long long)to);

		err_help(a->err, "\"gotol\" reaches everywhere");
		return code;
	} else {
		insn->off = (s16)to;
	}
	return 0;
}

static int resolve_all(struct assembler *a)
{
	if (a->numerics.n)
		qsort(a->numerics.v, a->numerics.n, sizeof(*a->numerics.v),
		      order_numeric);
	for (size_t i = 0; i < a->fixups.n; i++) {
		int code = resolve(a, &a->fixups.v[i]);

		if (code)
			return code;
	}
	return 0;
}

/* ---- statements ------------------------------------------------------- */

/* Two hex digits at P, or -1. */
static int hex_byte(const char *p)
{
	unsigned high = digit_value(p[0]), low = high < 16 ? digit_value(p[1]) : 16;

	return low < 16 ? (int)(high << 4 | low) : -1;
}

/* ".raw 0x..." with 16 digits a slot, in the order of the file. */
static int take_raw(struct assembler *a, const char **pp)
{
	const char *p = asm_skip_blanks(*pp);

	do {
		u8 b[sizeof(struct bpf_insn)];
		const char *q = p + 2;

		if (p[0] != '0' || p[1] != 'x')
			return fail_at(a, ERR_ASM, p, "expected 0x and the 16 "
				       "hex digits of a slot");
		for (size_t i = 0; i < sizeof(b); i++, q += 2) {
			int v = hex_byte(q);

			if (v < 0)
				break;
			b[i] = (u8)v;
		}
		if (q != p + 2 + 2 * sizeof(b) || asm_word_char(*q))
			return fail_at(a, ERR_ASM, p, "a slot has exactly 16 "
				       "hex digits behind 0x");
		memcpy(vec_push(a->code), b, sizeof(b));
		p = asm_skip_blanks(q);
	} while (!asm_at_end(p));
	*pp = p;
	return 0;
}

static int take_insn(struct assembler *a, const char **p, int opcode)
{
	struct asm_insn m;

	if (!asm_match(&a->index, *p, opcode, &m))
		return fail_syntax(a, *p, opcode);
	if (m.range && m.range_min < 0)
		return fail_at(a, ERR_ASM_RANGE, m.range,
			       "number does not fit: this field takes "
			       "%lld..%llu", (long long)m.range_min,
			       (unsigned long long)m.range_max);
	if (m.range)
		return fail_at(a, ERR_ASM_RANGE, m.range,
			       "number does not fit: this field takes 0..%llu",
			       (unsigned long long)m.range_max);
	if (m.label_field)
		*vec_push(&a->fixups) = (struct fixup){
			m.label, m.label_n, a->code->n, m.label_field };
	for (unsigned i = 0; i < m.slots; i++)
		*vec_push(a->code) = m.slot[i];
	*p = m.end;
	return 0;
}

/* One statement: labels, then at most one instruction. */
static int take_statement(struct assembler *a, const char **p)
{
	int code = take_labels(a, p), opcode = -1;

	if (code || asm_at_end(*p))
		return code;
	if (!strncmp(*p, ".raw", 4) && !asm_word_char((*p)[4])) {
		*p += 4;
		return take_raw(a, p);
	}
	/* bpftool and the verifier print "(b7) " before each instruction. */
	if (**p == '(') {
		opcode = hex_byte(*p + 1);
		if (opcode < 0 || (*p)[3] != ')')
			return fail_at(a, ERR_ASM, *p, "an instruction starts "
				       "with '(' only as in \"(b7) r1 = 5\"");
		*p += 4;
	}
	return take_insn(a, p, opcode);
}

int isa_asm(struct isa_code *code, const char *text, size_t text_bytes,
	    const char *file, struct skep_err *err)
{
	struct assembler *a = mem_alloc(sizeof(*a));
	const char *p;
	int ret = 0;

	*a = (struct assembler){ .code = code, .source = text, .file = file,
				 .text_bytes = text_bytes, .err = err };
	a->labels.arena = &a->arena;
	asm_index_init(&a->index);
	copy_text(a);
	for (p = a->text; !ret; p++) {
		ret = take_statement(a, &p);
		if (!ret && !*p)
			break;
	}
	if (!ret)
		ret = resolve_all(a);
	vec_free(&a->names);
	vec_free(&a->numerics);
	vec_free(&a->fixups);
	arena_free(&a->arena);
	free(a->text);
	free(a);
	return ret;
}
