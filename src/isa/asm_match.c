/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * asm_match.c: one statement of assembly against the templates of insn.def,
 * which are the only table of syntax. In goes text, out come the slots or the
 * place and the expectations at which the best row failed.
 *
 * Rows are found by a hash of the statement's look: its first register or
 * character, the operator after it, and what follows "=". The hash of a row is
 * that of a sample text made from its template, by the same function.
 */
#include "isa/asm.h"

/* ---- characters ------------------------------------------------------- */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c; }

static bool is_letter(char c)
{
	return (lower(c) >= 'a' && lower(c) <= 'z') || c == '_' || c == '.' ||
	       c == '$';
}

bool asm_word_char(char c)
{
	return is_letter(c) || is_digit(c);
}

static bool is_operator(char c)
{
	return c && strchr("=<>!&|^+-*/%", c);
}

const char *asm_skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\r')
		p++;
	return p;
}

/* A register's letter at P, or 0; the register may be one that is not there. */
static char reg_class(const char *p)
{
	char c = lower(*p);

	return (c == 'r' || c == 'w') && is_digit(p[1]) ? c : 0;
}

/* ---- the index -------------------------------------------------------- */

static unsigned look_of(const char *p)
{
	char first, op;

	p = asm_skip_blanks(p);
	first = *p;
	if (p[0] == 'i' && p[1] == 'f' && !asm_word_char(p[2])) {
		p = asm_skip_blanks(p + 2);
		first = 'a';	/* keeps "if r1" apart from "r1" */
	}
	if (!reg_class(p))
		return (u8)first;
	first = (char)(first == 'a' ? reg_class(p) - 32 : reg_class(p));
	while (asm_word_char(*p))
		p++;
	p = asm_skip_blanks(p);
	op = *p;
	if (op != '=' || p[1] == '=')
		return (u8)(first * 7 + op * 31);
	p = asm_skip_blanks(p + 1);
	if ((*p == '-' || *p == '+') && is_digit(p[1]))
		p++;
	if (is_digit(*p))
		return (u8)(first * 7 + '0');
	return (u8)(first * 7 + (reg_class(p) ? reg_class(p) : *p) * 3);
}

/* Text that TEMPLATE takes; sub-registers as REG32 ('r' or 'w'). */
static void sample_of(const char *template, char reg32, char *buf, size_t size)
{
	size_t n = 0;

	for (const char *t = template; *t && n + 3 < size; t++) {
		char c = *t;

		if (c != '%') {
			buf[n++] = c;
			continue;
		}
		c = *++t;
		if (c == 'd' || c == 's' || c == 'D' || c == 'S') {
			buf[n++] = c >= 'a' ? 'r' : reg32;
			buf[n++] = '1';
		} else if (c == '%') {
			buf[n++] = '%';
		} else if (c == 'i' || c == 'l') {
			buf[n++] = '1';
		}
	}
	buf[n] = 0;
}

/*
 * Loads, stores and atomics below 64 bits are printed with r or w registers,
 * by dialect and -mcpu; it is one encoding, so both are taken.
 */
static bool takes_both(const struct isa_row *row)
{
	if (row->width == 64)
		return false;
	return row->kind == KIND_LDX || row->kind == KIND_STX ||
	       (row->kind >= KIND_ATOMIC_ADD && row->kind <= KIND_ATOMIC_STREL);
}

/* Appends to the chain of LOOK, so that rows are tried in the table's order. */
static void index_add(struct asm_index *x, unsigned look, unsigned op,
		      const char *text)
{
	u16 *at = &x->head[look];

	while (*at) {
		if (x->links[*at].text == text)
			return;
		at = &x->links[*at].next;
	}
	assert(x->n < ARRAY_LEN(x->links));
	*at = (u16)x->n;
	x->links[x->n++] = (struct asm_link){ text, (u8)op, 0 };
}

static void index_row(struct asm_index *x, unsigned op, const char *text)
{
	char sample[128];

	sample_of(text, 'w', sample, sizeof(sample));
	index_add(x, look_of(sample), op, text);
	if (takes_both(&isa_rows[op])) {
		sample_of(text, 'r', sample, sizeof(sample));
		index_add(x, look_of(sample), op, text);
	}
}

static const struct alias { u8 op; const char *text; } aliases[] = {
#define INSN(...)
#define ALIAS(name, text) { OP_##name, text },
#include "isa/insn.def"
};

void asm_index_init(struct asm_index *x)
{
	memset(x, 0, sizeof(*x));
	x->n = 1;
	for (unsigned op = 0; op < OP_MAX; op++)
		index_row(x, op, isa_rows[op].text);
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
		index_row(x, aliases[i].op, aliases[i].text);
}

/* ---- operands --------------------------------------------------------- */

/*
 * Readers take the place P and return the place behind what they read, or NULL
 * after noting in M how far they got.
 */
static const char *fail(struct asm_insn *m, const char *at, const char *want)
{
	if (at > m->stop || !m->n_wants) {
		m->stop = at;
		m->n_wants = 0;
	}
	if (at == m->stop && m->n_wants < ASM_WANTS)
		m->wants[m->n_wants++] = want;
	return NULL;
}

/* Digits without a sign; *BIG when they do not fit 64 bits. */
static const char *digits(const char *p, u64 *value, bool *big)
{
	unsigned base = p[0] == '0' && lower(p[1]) == 'x' ? 16 : 10;
	const char *start = base == 16 ? p += 2 : p;

	*value = 0;
	for (; digit_value(*p) < base; p++) {
		*big |= __builtin_mul_overflow(*value, base, value);
		*big |= __builtin_add_overflow(*value, digit_value(*p), value);
	}
	if (p == start || asm_word_char(*p))
		return NULL;
	/* 010 is 8 to some assemblers and 10 to others. */
	return base == 10 && *start == '0' && p > start + 1 ? NULL : p;
}

/*
 * A number of MIN..MAX at P; one that is outside is noted in M and read on, so
 * that the message is about the range and not about syntax.
 */
static const char *number(struct asm_insn *m, const char *p, s64 min, u64 max,
			  u64 *value)
{
	const char *start = p;
	bool minus = *p == '-', big = false;

	if (*p == '-' || *p == '+')
		p = asm_skip_blanks(p + 1);
	p = digits(p, value, &big);
	if (!p)
		return fail(m, start, "@a number");
	if (!m->range && (big || *value > (minus ? -(u64)min : max))) {
		m->range = start;
		m->range_min = min;
		m->range_max = max;
	}
	if (minus)
		*value = -*value;
	return p;
}

static const char *number32(struct asm_insn *m, const char *p, s32 *value)
{
	u64 v;

	p = number(m, p, INT32_MIN, UINT32_MAX, &v);
	if (p)
		*value = (s32)(u32)v;
	return p;
}

static const char *number64(struct asm_insn *m, const char *p)
{
	u64 v;

	p = number(m, p, INT64_MIN, UINT64_MAX, &v);
	if (p) {
		m->slot[0].imm = (s32)(u32)v;
		m->slot[1].imm = (s32)(u32)(v >> 32);
	}
	return p;
}

/* An optional "+ N" or "- N"; without one, the field stays 0. */
static const char *displacement(struct asm_insn *m, const char *p, bool is_off)
{
	const char *q = asm_skip_blanks(p);
	u64 v;

	if (*q != '+' && *q != '-') {
		fail(m, q, "@'+' or '-' and a number");
		return p;
	}
	if (is_off)
		p = number(m, q, INT16_MIN, INT16_MAX, &v);
	else
		p = number(m, q, INT32_MIN, INT32_MAX, &v);
	if (!p)
		return NULL;
	if (is_off)
		m->slot[0].off = (s16)(u16)v;
	else
		m->slot[0].imm = (s32)(u32)v;
	return p;
}

static const char *reg(struct asm_insn *m, const char *p, char directive,
		       bool both)
{
	bool is_dst = lower(directive) == 'd';
	bool is_sub = directive < 'a';
	const char *text = is_sub ? "@a register w0..w10" : "@a register r0..r10";
	unsigned field = is_dst ? FIELD_DST : FIELD_SRC, n;
	char want = is_sub ? 'w' : 'r', c = lower(*p);
	const char *q = p + 1;

	if (c != want && !(both && (c == 'r' || c == 'w')))
		return fail(m, p, text);
	if (!is_digit(*q) || (q[0] == '0' && is_digit(q[1])))
		return fail(m, p, text);
	n = (unsigned)(*q++ - '0');
	if (is_digit(*q))
		n = n * 10 + (unsigned)(*q++ - '0');
	if (n > BPF_REG_10 || asm_word_char(*q))
		return fail(m, p, text);
	if (m->seen & field) {
		if (n != (is_dst ? m->slot[0].dst_reg : m->slot[0].src_reg))
			return fail(m, p, "@the same register as before");
	} else if (is_dst) {
		m->slot[0].dst_reg = n & 15;
	} else {
		m->slot[0].src_reg = n & 15;
	}
	m->seen |= field;
	return q;
}

static const char *word_end(const char *p)
{
	while (asm_word_char(*p))
		p++;
	return p;
}

static const char *label(struct asm_insn *m, const char *p, unsigned field)
{
	m->label = p;
	m->label_n = (size_t)(word_end(p) - p);
	m->label_field = field;
	return p + m->label_n;
}

/* True at "1b" and "1f": the nearest numeric label before or after. */
static bool is_numeric_label(const char *p)
{
	while (is_digit(*p))
		p++;
	return (*p == 'b' || *p == 'f') && !asm_word_char(p[1]);
}

/* "+5", "5", "pc+5" or a label. */
static const char *target(struct asm_insn *m, const char *p, char directive)
{
	unsigned field = directive == 'j' ? FIELD_OFF : FIELD_IMM;
	const char *q = p;
	u64 v;

	if (p[0] == 'p' && p[1] == 'c' && !asm_word_char(p[2]))
		q = asm_skip_blanks(p + 2);
	if (q == p || (*q != '+' && *q != '-')) {
		if (is_letter(*p) || (is_digit(*p) && is_numeric_label(p)))
			return label(m, p, field);
		q = p;
	}
	if (*q != '+' && *q != '-' && !is_digit(*q))
		return fail(m, q, "@a label or a number such as +5");
	if (field == FIELD_OFF)
		p = number(m, q, INT16_MIN, INT16_MAX, &v);
	else
		p = number(m, q, INT32_MIN, INT32_MAX, &v);
	if (!p)
		return NULL;
	if (field == FIELD_OFF)
		m->slot[0].off = (s16)(u16)v;
	else
		m->slot[0].imm = (s32)(u32)v;
	/* The kernel puts the callee's name behind "pc+5". */
	return directive == 'c' && *p == '#' ? word_end(p + 1) : p;
}

/* "12" or "map_lookup_elem#12"; the number counts. */
static const char *helper(struct asm_insn *m, const char *p)
{
	const char *q = p;

	if (is_letter(*p))
		q = word_end(p);
	if (q != p && *q == '#')
		q++;
	else if (q != p || !(is_digit(*p) || *p == '-' || *p == '+'))
		return fail(m, p, "@a helper as NUMBER or NAME#NUMBER");
	return number32(m, q, &m->slot[0].imm);
}

static const char *spaces(struct asm_insn *m, const char *p)
{
	u64 dst, src;

	p = number(m, p, 0, UINT16_MAX, &dst);
	if (!p)
		return NULL;
	p = asm_skip_blanks(p);
	if (*p != ',')
		return fail(m, p, ", ");
	p = number(m, asm_skip_blanks(p + 1), 0, UINT16_MAX, &src);
	if (p)
		m->slot[0].imm = (s32)(u32)(dst << 16 | (src & 0xffff));
	return p;
}

static const char *operand(struct asm_insn *m, const char *p, char directive,
			   const struct isa_row *row)
{
	switch (directive) {
	case 'o': case 'O':
		return displacement(m, p, true);
	case '+':
		return displacement(m, p, false);
	}
	p = asm_skip_blanks(p);
	switch (directive) {
	case 'd': case 'D': case 's': case 'S':
		return reg(m, p, directive, takes_both(row));
	case 'i':
		return number32(m, p, &m->slot[0].imm);
	case 'n':
		return number32(m, p, &m->slot[1].imm);
	case 'l':
		return number64(m, p);
	case 'j': case 'J': case 'c': case 'C':
		return target(m, p, directive);
	case 'h':
		return helper(m, p);
	}
	assert(directive == 'a');
	return spaces(m, p);
}

/* ---- templates -------------------------------------------------------- */

static bool is_directive(const char *t)
{
	return t[0] == '%' && t[1] != '%';
}

/*
 * The length of the token at T: a word, an operator (with the "s" that makes
 * it signed), or one other character. "%%" counts as two.
 */
static size_t token_len(const char *t)
{
	size_t n = 0;

	while (asm_word_char(t[n]))
		n++;
	if (n > 1 || (n == 1 && *t != 's'))
		return n;
	while (is_operator(t[n]) && !is_directive(t + n))
		n += t[n] == '%' ? 2 : 1;
	return n ? n : 1;
}

/* Compares the token of N template characters at T with the text at P. */
static const char *token(struct asm_insn *m, const char *p, const char *t,
			 size_t n)
{
	const char *start = p = asm_skip_blanks(p);
	const char *end = t + n, *want = t;

	for (; t < end; t++, p++) {
		if (*t == '%')
			t++;
		if (*p != *t)
			return fail(m, start, want);
	}
	if (asm_word_char(end[-1]) && asm_word_char(*p))
		return fail(m, start, want);
	return p;
}

static const char *match_template(struct asm_insn *m, const char *p,
				  const char *t, const struct isa_row *row)
{
	while (p && *t) {
		size_t n;

		if (*t == ' ') {
			t++;
		} else if (is_directive(t)) {
			p = operand(m, p, t[1], row);
			t += 2;
		} else {
			n = token_len(t);
			p = token(m, p, t, n);
			t += n;
		}
	}
	return p;
}

/* What llvm-objdump appends to a jump, "<prog+0x18>". */
static const char *skip_symbol(const char *p)
{
	const char *q = p = asm_skip_blanks(p);

	if (*q != '<')
		return p;
	while (!asm_at_end(q) && *q != '>')
		q++;
	return *q == '>' ? asm_skip_blanks(q + 1) : p;
}

static void set_selector(struct bpf_insn *insn, const struct isa_row *row)
{
	switch (row->sel) {
	case SEL_OFF: insn->off = row->val; break;
	case SEL_SRC: insn->src_reg = row->val & 15; break;
	case SEL_IMM: insn->imm = row->val; break;
	}
}

static void forget_operands(struct asm_insn *m)
{
	memset(m->slot, 0, sizeof(m->slot));
	m->seen = m->label_field = 0;
	m->range = NULL;
}

static bool match_row(struct asm_insn *m, const char *p, unsigned op,
		      const char *text)
{
	const struct isa_row *row = &isa_rows[op];

	forget_operands(m);
	m->slot[0].code = row->opcode;
	set_selector(&m->slot[0], row);
	p = match_template(m, p, text, row);
	if (!p)
		return false;
	p = skip_symbol(p);
	if (!asm_at_end(p))
		return fail(m, p, "@the end of the line");
	m->slots = isa_slots(&m->slot[0]);
	m->end = p;
	return true;
}

static bool row_allowed(unsigned op, int opcode)
{
	return opcode < 0 || isa_rows[op].opcode == opcode;
}

bool asm_match(const struct asm_index *x, const char *p, int opcode,
	       struct asm_insn *m)
{
	m->n_wants = 0;
	m->stop = p;
	for (unsigned i = x->head[look_of(p)]; i; i = x->links[i].next)
		if (row_allowed(x->links[i].op, opcode) &&
		    match_row(m, p, x->links[i].op, x->links[i].text))
			return true;
	return false;
}

/* ---- explaining ------------------------------------------------------- */

static bool same_want(const char *a, const char *b)
{
	size_t n;

	if (*a == '@' || *b == '@')
		return !strcmp(a, b);
	n = token_len(a);
	return n == token_len(b) && !strncmp(a, b, n);
}

/* Keeps of the wants each that was not there before. */
static void drop_doubles(struct asm_insn *m)
{
	unsigned kept = 0;

	for (unsigned i = 0, k; i < m->n_wants; i++) {
		for (k = 0; k < kept; k++)
			if (same_want(m->wants[k], m->wants[i]))
				break;
		if (k == kept)
			m->wants[kept++] = m->wants[i];
	}
	m->n_wants = kept;
}

void asm_explain(const char *p, int opcode, struct asm_insn *m)
{
	m->n_wants = 0;
	m->stop = p;
	for (unsigned op = 0; op < OP_MAX; op++) {
		if (!row_allowed(op, opcode))
			continue;
		match_row(m, p, op, isa_rows[op].text);
		drop_doubles(m);
	}
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
		if (!row_allowed(aliases[i].op, opcode))
			continue;
		match_row(m, p, aliases[i].op, aliases[i].text);
		drop_doubles(m);
	}
}

void asm_want_text(const char *want, char *buf, size_t size)
{
	size_t n = token_len(want), used = 0;

	if (*want == '@') {
		snprintf(buf, size, "%s", want + 1);
		return;
	}
	buf[used++] = '\'';
	for (size_t i = 0; i < n && used + 2 < size; i++) {
		if (want[i] == '%')
			i++;
		buf[used++] = want[i];
	}
	buf[used++] = '\'';
	buf[used] = 0;
}
