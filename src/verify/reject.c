/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reject.c: the one way to refuse a program. Fills in the texts of reject.def;
 * each source line is refused once, so that one mistake on many paths is one
 * message.
 */
#include "verify/inv.h"
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>

static const struct reject_row rows[] = {
#define REJECT(name, id, kernel, text, help) \
	{ REJECT_##name, #name, kernel, text, help },
#include "verify/reject.def"
};

const struct reject_row *reject_row(unsigned id)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].id == id)
			return &rows[i];
	return NULL;
}

const char *verdict_word(enum verdict v)
{
	static const char *const text[] = { "ok", "rejected", "not judged" };

	return text[v];
}

static const char *const type_names[REG_TYPES] = {
	[REG_NONE] = "?", [REG_SCALAR] = "scalar", [REG_ANY] = "scalar",
	[REG_CTX] = "ctx", [REG_MAP] = "map_ptr", [REG_MAP_VALUE] = "map_value",
	[REG_MAP_KEY] = "map_key", [REG_STACK] = "fp",
	[REG_PACKET_META] = "pkt_meta", [REG_PACKET] = "pkt",
	[REG_PACKET_END] = "pkt_end", [REG_FLOW_KEYS] = "flow_keys",
	[REG_SOCKET] = "sock", [REG_SOCK_COMMON] = "sock_common",
	[REG_TCP_SOCK] = "tcp_sock", [REG_XDP_SOCK] = "xdp_sock",
	[REG_TP_BUFFER] = "tp_buffer", [REG_BTF] = "ptr_", [REG_MEM] = "mem",
	[REG_BUF] = "buf", [REG_ARENA] = "arena", [REG_FUNC] = "func",
	[REG_DYNPTR] = "dynptr_ptr",
};

/* The kernel's prefixes, in its order. */
static const struct { u16 flag; const char *text; } flag_names[] = {
	{ REG_RDONLY, "rdonly_" }, { REG_RECORD, "ringbuf_" },
	{ REG_USER, "user_" }, { REG_PERCPU, "percpu_" },
	{ REG_UNTRUSTED, "untrusted_" }, { REG_TRUSTED, "trusted_" },
	{ REG_RCU, "rcu_" },
};

static void put_type(struct strbuf *b, const struct reg *r, bool bare)
{
	for (size_t i = 0; i < ARRAY_LEN(flag_names); i++)
		if (r->flags & flag_names[i].flag)
			sb_puts(b, flag_names[i].text);
	sb_puts(b, type_names[r->type]);
	if (r->type == REG_BTF && r->btf && !bare)
		sb_puts(b, btf_type_name(r->btf, r->btf_id));
	if (r->flags & REG_OR_NULL)
		sb_puts(b, r->type == REG_BTF ? "or_null_" : "_or_null");
}

const char *reg_type_text(const struct reg *r)
{
	return type_names[r->type];
}

/* ---- filling in ---------------------------------------------------------- */

struct fill {
	struct strbuf out;
	const struct why *why;
	const struct reg *ptr;
};

static void put_num(struct fill *f, s64 n)
{
	sb_printf(&f->out, "%lld", (long long)n);
}

static void put_var(struct fill *f)
{
	if (f->ptr)
		sb_printf(&f->out, "(0x%llx; 0x%llx)",
			  (unsigned long long)f->ptr->val.bits.value,
			  (unsigned long long)f->ptr->val.bits.mask);
}

static bool key_is(const char *key, size_t n, const char *name)
{
	return strlen(name) == n && !memcmp(key, name, n);
}

static void put_key(struct fill *f, const char *key, size_t n)
{
	const struct why *w = f->why;

	if (key_is(key, n, "reg"))
		put_num(f, w->reg);
	else if (key_is(key, n, "type") && f->ptr)
		put_type(&f->out, f->ptr, false);
	else if (key_is(key, n, "bare") && f->ptr)
		put_type(&f->out, f->ptr, true);
	else if (key_is(key, n, "off"))
		put_num(f, w->off);
	else if (key_is(key, n, "size"))
		put_num(f, w->size);
	else if (key_is(key, n, "end"))
		put_num(f, w->off + w->size - 1);
	else if (key_is(key, n, "id"))
		put_num(f, f->ptr ? f->ptr->id : 0);
	else if (key_is(key, n, "range"))
		put_num(f, f->ptr ? f->ptr->range : 0);
	else if (key_is(key, n, "var"))
		put_var(f);
	else if (key_is(key, n, "a"))
		put_num(f, w->a);
	else if (key_is(key, n, "b"))
		put_num(f, w->b);
	else if (key_is(key, n, "s"))
		sb_puts(&f->out, w->s ? w->s : "");
	else if (key_is(key, n, "want"))
		sb_puts(&f->out, w->want ? w->want : w->s ? w->s : "");
	else if (key_is(key, n, "t"))
		sb_puts(&f->out, w->t ? w->t : "");
	else
		sb_add(&f->out, key, n);
}

/* FORMAT with its {keys} filled in, in the arena of the result. */
static const char *fill_in(struct verifier *v, const char *format,
			   const struct why *why)
{
	struct fill f = { .why = why, .ptr = why->ptr };
	const char *s, *end, *text;

	for (s = format; *s; s = end) {
		end = strchr(s, '{');
		if (!end) {
			sb_puts(&f.out, s);
			break;
		}
		sb_add(&f.out, s, (size_t)(end - s));
		s = end + 1;
		end = strchr(s, '}');
		assert(end && "reject.def: { without }");
		put_key(&f, s, (size_t)(end - s));
		end++;
	}
	text = arena_strdup(v->arena, sb_text(&f.out));
	sb_free(&f.out);
	return text;
}

/* ---- once for each line -------------------------------------------------- */

static bool same_place(const struct verifier *v, u32 a, u32 b)
{
	const struct image_line *la = image_line(v->prog, a);
	const struct image_line *lb = image_line(v->prog, b);

	if (a == b)
		return true;
	return la && lb && la->line == lb->line && la->file == lb->file;
}

/* ---- where it came from -------------------------------------------------- */

enum { NOTES_MAX = 4 };

static void note(struct verifier *v, struct verify_error *e, u32 insn, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
static void note(struct verifier *v, struct verify_error *e, u32 insn, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (!e->notes) {
		e->notes = arena_news(v->arena, NOTES_MAX, const char *);
		e->note_insns = arena_news(v->arena, NOTES_MAX, u32);
	}
	if (e->nr_notes == NOTES_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	e->note_insns[e->nr_notes] = insn;
	e->notes[e->nr_notes++] = arena_strdup(v->arena, text);
}

/* "bpf_map_lookup_elem(&stats)" for the call at INSN; "" for what is none. */
static void called(const struct verifier *v, u32 insn, const struct reg *r, char *buf,
		   size_t size)
{
	const struct helper_row *row = v->points[insn].op == OP_CALL ?
		helper_row((u32)v->insns[insn].imm) : NULL;
	bool of_map = r->type == REG_MAP_VALUE || r->type == REG_MAP;

	if (row && of_map)
		snprintf(buf, size, " from bpf_%s(&%s, ...)", row->name,
			 v->img->maps[r->map].name);
	else if (row)
		snprintf(buf, size, " from bpf_%s()", row->name);
	else
		buf[0] = 0;
}

static void note_null(struct verifier *v, struct verify_error *e, const struct reg *r)
{
	char from[160];

	if (!r || !r->at)
		return;
	called(v, r->at - 1, r, from, sizeof(from));
	note(v, e, r->at - 1, "it comes%s here and is not compared with NULL on this path",
	     from);
}

static void note_packet(struct verifier *v, struct verify_error *e, const struct reg *r)
{
	if (r && r->range > 0 && r->uid)
		note(v, e, r->uid - 1,
		     "the last check against data_end on this path proves %d bytes",
		     r->range);
	else if (r && r->at)
		note(v, e, r->at - 1, "no check of this pointer against data_end is on this path");
}

static void note_number(struct verifier *v, struct verify_error *e, const struct reg *r,
			const char *what)
{
	struct strbuf text = { 0 };

	if (!r)
		return;
	scalar_text(&text, &r->val);
	if (r->at)
		note(v, e, r->at - 1, "%s made here is %s", what, sb_text(&text));
	else
		note(v, e, e->insn, "%s is %s", what, sb_text(&text));
	sb_free(&text);
}

/* What explains a rejection besides its text. */
static void add_notes(struct verifier *v, struct verify_error *e, const struct why *why)
{
	switch (e->id) {
	case REJECT_OR_NULL:
	case REJECT_ARG_NULL:
	case REJECT_ARG_NULL_MEM:
	case REJECT_PTR_ARITH_NULL:
		note_null(v, e, why->ptr);
		break;
	case REJECT_PACKET:
		note_packet(v, e, why->ptr);
		break;
	case REJECT_LEAK:
		note(v, e, (u32)why->b, "acquired here; nothing gives it back before the end");
		break;
	case REJECT_UNBOUNDED:
	case REJECT_NEGATIVE:
	case REJECT_RANGE_MIN:
	case REJECT_RANGE_MAX:
	case REJECT_STACK_VAR:
	case REJECT_STACK_VAR_RANGE:
		note_number(v, e, why->ptr, "the variable part of the offset");
		break;
	case REJECT_ARG_SIZE_NEG:
	case REJECT_ARG_SIZE_MAX:
	case REJECT_ARG_SIZE_ZERO:
		note_number(v, e, why->ptr, "the size");
		break;
	default:
		break;
	}
}

static struct verify_error *error_new(struct verifier *v, enum reject_id id,
				      u32 insn, const struct why *why)
{
	static const struct why nothing;
	const struct reject_row *row = reject_row(id);
	struct verify_error *e = arena_new(v->arena, struct verify_error);

	why = why ? why : &nothing;
	e->id = id;
	e->insn = insn;
	e->text = fill_in(v, row->text, why);
	e->kernel = fill_in(v, row->kernel, why);
	e->help = row->help;
	add_notes(v, e, why);
	return e;
}

int reject(struct verifier *v, enum reject_id id, u32 insn, const struct why *why)
{
	if (v->inv)
		return inv_refuse(v, id, insn);
	for (size_t i = 0; i < v->errors.n; i++)
		if (same_place(v, v->errors.v[i].insn, insn))
			return 0;
	*vec_push(&v->errors) = *error_new(v, id, insn, why);
	v->stop = v->errors.n >= v->max_errors;
	return 0;
}

int reject_or_warn(struct verifier *v, enum reject_id id, u32 insn,
		   const struct why *why)
{
	if (!v->privileged)
		return reject(v, id, insn, why);
	if (v->inv)
		return 0;
	for (size_t i = 0; i < v->warnings.n; i++)
		if (same_place(v, v->warnings.v[i].insn, insn))
			return 0;
	*vec_push(&v->warnings) = *error_new(v, id, insn, why);
	return 0;
}

void not_judged(struct verifier *v, u32 insn, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	if (v->inv) {
		inv_refuse(v, (enum reject_id)0, insn);
		return;
	}
	if (v->construct)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	v->construct = arena_strdup(v->arena, text);
	v->construct_insn = insn;
	v->stop = true;
}
