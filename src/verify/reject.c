/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reject.c: the one way to refuse a program. Fills in the texts of reject.def;
 * each source line is refused once, so that one mistake on many paths is one
 * message.
 */
#include "verify/inv.h"
#include "verify/call.h"
#include "verify/log.h"
#include "verify/names.h"
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
	switch (id) {		/* a number twice does not compile */
#define REJECT(name, number, kernel, text, help) case number:
#include "verify/reject.def"
		break;
	default:
		return NULL;
	}
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

void reg_type_log(struct strbuf *out, const struct reg *r)
{
	put_type(out, r, false);
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
	struct verifier *v;
	u32 insn;
	bool helper;		/* it is about a call of one */
};

static void put_num(struct fill *f, s64 n)
{
	sb_printf(&f->out, "%lld", (long long)n);
}

static void put_var(struct fill *f)
{
	if (f->ptr && !f->ptr->val.bits.mask)
		sb_printf(&f->out, "%#llx", (unsigned long long)f->ptr->val.bits.value);
	else if (f->ptr)
		sb_printf(&f->out, "(0x%llx; 0x%llx)",
			  (unsigned long long)f->ptr->val.bits.value,
			  (unsigned long long)f->ptr->val.bits.mask);
}

/* " smin=2 smax=7": what is known of a number that is returned. */
static void put_limits(struct fill *f)
{
	if (!f->ptr)
		return;
	if (f->ptr->val.smin > INT64_MIN)
		sb_printf(&f->out, " smin=%lld", (long long)f->ptr->val.smin);
	if (f->ptr->val.smax < INT64_MAX)
		sb_printf(&f->out, " smax=%lld", (long long)f->ptr->val.smax);
}

/* The kinds of registers, for people. */
static const char *const type_words[REG_TYPES] = {
	[REG_NONE] = "nothing", [REG_SCALAR] = "a number", [REG_ANY] = "nothing certain",
	[REG_CTX] = "the context", [REG_MAP] = "a map",
	[REG_MAP_VALUE] = "the address of a map value",
	[REG_MAP_KEY] = "the address of a map key",
	[REG_STACK] = "the address of a local variable",
	[REG_PACKET_META] = "a packet's data_meta", [REG_PACKET] = "a packet address",
	[REG_PACKET_END] = "data_end", [REG_FLOW_KEYS] = "flow keys",
	[REG_SOCKET] = "a socket", [REG_SOCK_COMMON] = "a socket",
	[REG_TCP_SOCK] = "a TCP socket", [REG_XDP_SOCK] = "an XDP socket",
	[REG_TP_BUFFER] = "a tracepoint's buffer", [REG_BTF] = "a kernel object",
	[REG_MEM] = "the address of memory", [REG_BUF] = "a buffer",
	[REG_ARENA] = "an arena address", [REG_FUNC] = "a function",
	[REG_DYNPTR] = "a dynptr",
};

static void put_words(struct fill *f)
{
	if (!f->ptr)
		return;
	if (reg_gone(f->ptr) && !reg_is_null(f->ptr)) {
		sb_puts(&f->out, "an address that is no longer valid");
		return;
	}
	sb_puts(&f->out, reg_is_null(f->ptr) ? "NULL" : type_words[f->ptr->type]);
	if (f->ptr->flags & REG_OR_NULL)
		sb_puts(&f->out, " or NULL");
}

static void put_unread(struct fill *f)
{
	if (f->why->want)
		sb_puts(&f->out, f->why->want);
	else if (f->ptr && reg_gone(f->ptr))
		sb_puts(&f->out, "holds an address that is no longer valid");
	else
		sb_puts(&f->out, "was never written on this path");
}

/* "byte 3", "bytes 26..29" */
static void put_bytes(struct fill *f)
{
	const struct why *w = f->why;

	if (w->size <= 1)
		sb_printf(&f->out, "byte %lld", (long long)w->off);
	else
		sb_printf(&f->out, "bytes %lld..%lld", (long long)w->off,
			  (long long)(w->off + w->size - 1));
}

static void put_proved(struct fill *f)
{
	s32 range = f->ptr ? f->ptr->range : 0;
	u64 most;

	if (packet_beyond(f->why, &most) && most)
		sb_printf(&f->out, "at an offset that may be %llu: no check against data_end "
			  "counts there", (unsigned long long)most);
	else if (packet_beyond(f->why, &most))
		sb_printf(&f->out, "and no check against data_end proves more than %u bytes",
			  MAX_PKT_OFF);
	else if (range <= 0 && packet_check(f->v, f->ptr))
		sb_puts(&f->out, "and the check against data_end does not prove that");
	else if (range <= 0)
		sb_puts(&f->out, "and no check against data_end is on this path");
	else
		sb_printf(&f->out, "only %d byte%s proved to exist", range,
			  range == 1 ? " is" : "s are");
}

/* "bpf_map_lookup_elem()": helpers are known without the prefix. */
static void put_function(struct fill *f)
{
	const char *name = f->why->t ? f->why->t : "";

	if (strchr(name, ' '))
		sb_puts(&f->out, name);
	else
		sb_printf(&f->out, "%s%s()", f->helper && strncmp(name, "bpf_", 4) ? "bpf_" : "",
			  name);
}

/* "'n'", or "the pointer in r0": what the source calls a pointer. */
static void put_ptr(struct fill *f)
{
	char name[NAME_BYTES];

	if (f->ptr && f->ptr->at && !reg_gone(f->ptr) &&
	    name_assigned(f->v, f->ptr->at - 1, name))
		sb_printf(&f->out, "'%s'", name);
	else
		sb_printf(&f->out, "the pointer in r%u", f->why->reg);
}

/* What was acquired by the instruction {b}. */
static void put_owner(struct fill *f)
{
	char name[NAME_BYTES];

	if (name_assigned(f->v, (u32)f->why->b, name))
		sb_printf(&f->out, "'%s'", name);
	else
		sb_puts(&f->out, "what was acquired");
}

/* "'&key'": the argument of the call that register {reg} is. */
static void put_arg(struct fill *f)
{
	char name[NAME_BYTES];

	if (f->why->reg && name_argument(f->v, f->insn, f->why->reg - 1, name))
		sb_printf(&f->out, "'%s'", name);
	else
		sb_printf(&f->out, "r10 %+lld", (long long)f->why->off);
}

/* What the instruction does to memory. */
static void put_used(struct fill *f)
{
	switch (f->insn < f->v->nr_insns ? isa_rows[f->v->points[f->insn].op].kind : 0) {
	case KIND_LDX:
	case KIND_LDXSX:
		sb_puts(&f->out, "read");
		break;
	case KIND_ST:
	case KIND_STX:
		sb_puts(&f->out, "written");
		break;
	default:
		sb_puts(&f->out, "used");
	}
}

/* "a value of map 'stats' (member 'hits')" */
static void put_value(struct fill *f)
{
	const struct image_map *map;
	char member[NAME_BYTES];

	if (!f->ptr || f->ptr->type != REG_MAP_VALUE) {
		sb_puts(&f->out, !f->ptr ? "memory" :
			f->ptr->type == REG_MAP_KEY ? "a map key" :
			reg_is_packet(f->ptr) ? "the packet" : "the memory");
		return;
	}
	map = map_of(f->v, f->ptr);
	name_member(f->v, map, f->why->off, member);
	sb_printf(&f->out, map->kind == IMAGE_MAP_USER ? "a value of map '%s'%s" :
							 "section '%s'%s",
		  map->name ? map->name : "?", member);
}

/* An access to the context that is not offered. */
static void put_context(struct fill *f)
{
	const struct why *w = f->why;
	const char *name = name_context(f->v, w->off);

	if (name)
		sb_printf(&f->out, "%lld byte%s at %lld of the context (member '%s' of struct %s) "
			  "may not be ", (long long)w->size, w->size == 1 ? "" : "s",
			  (long long)w->off, name, f->v->ctx->name);
	else
		sb_printf(&f->out, "the context has no member at %lld of which %lld bytes may be ",
			  (long long)w->off, (long long)w->size);
	put_used(f);
	sb_printf(&f->out, " by programs of type %s", prog_type_name(f->v));
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
	else if (key_is(key, n, "words"))
		put_words(f);
	else if (key_is(key, n, "context"))
		put_context(f);
	else if (key_is(key, n, "unread"))
		put_unread(f);
	else if (key_is(key, n, "fn"))
		put_function(f);
	else if (key_is(key, n, "bytes"))
		put_bytes(f);
	else if (key_is(key, n, "are"))
		sb_puts(&f->out, f->why->size <= 1 ? "is" : "are");
	else if (key_is(key, n, "proved"))
		put_proved(f);
	else if (key_is(key, n, "value"))
		put_value(f);
	else if (key_is(key, n, "ptr"))
		put_ptr(f);
	else if (key_is(key, n, "owner"))
		put_owner(f);
	else if (key_is(key, n, "used"))
		put_used(f);
	else if (key_is(key, n, "arg"))
		put_arg(f);
	else if (key_is(key, n, "prog"))
		sb_puts(&f->out, prog_type_name(f->v));
	else if (key_is(key, n, "limits"))
		put_limits(f);
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
static const char *fill_in(struct verifier *v, const char *format, u32 insn,
			   const struct why *why)
{
	struct fill f = { .why = why, .ptr = why->ptr, .v = v, .insn = insn,
			  .helper = insn < v->nr_insns && (v->points[insn].op == OP_CALL ||
							   v->points[insn].op == OP_CALL_KFUNC) };
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

/* ---- the rejection ------------------------------------------------------- */

static struct verify_error *error_new(struct verifier *v, enum reject_id id,
				      u32 insn, const struct why *why)
{
	static const struct why nothing;
	const struct reject_row *row = reject_row(id);
	struct verify_error *e = arena_new(v->arena, struct verify_error);

	why = why ? why : &nothing;
	e->id = id;
	e->insn = insn;
	e->text = fill_in(v, row->text, insn, why);
	e->kernel = fill_in(v, row->kernel, insn, why);
	e->help = help_for(v, e, why, row->help);
	if (e->help && strstr(e->help, "{s}"))
		e->help = fill_in(v, e->help, insn, why);
	notes_add(v, e, why);
	return e;
}

/* A program that is refused is followed for so long, for more reasons. */
enum { MORE_VISITED = 20000 };

int reject(struct verifier *v, enum reject_id id, u32 insn, const struct why *why)
{
	if (v->inv)
		return inv_refuse(v, id, insn);
	for (size_t i = 0; i < v->errors.n; i++)
		if (same_place(v, v->errors.v[i].insn, insn))
			return 0;
	*vec_push(&v->errors) = *error_new(v, id, insn, why);
	log_line(v, v->errors.v[v->errors.n - 1].kernel);
	if (v->errors.n == 1)
		v->last = 2 * v->visited + MORE_VISITED;
	v->stop = v->errors.n >= v->max_errors;
	return 0;
}

void warn(struct verifier *v, enum reject_id id, u32 insn, const struct why *why)
{
	if (v->inv)
		return;
	for (size_t i = 0; i < v->warnings.n; i++)
		if (same_place(v, v->warnings.v[i].insn, insn))
			return;
	*vec_push(&v->warnings) = *error_new(v, id, insn, why);
}

int reject_or_warn(struct verifier *v, enum reject_id id, u32 insn,
		   const struct why *why)
{
	if (!v->privileged)
		return reject(v, id, insn, why);
	warn(v, id, insn, why);
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
