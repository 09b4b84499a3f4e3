/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * notes.c: what explains a rejection besides its text: where values came from,
 * the branches that lead there, the way out. In: the state at the rejection and
 * the source lines. Decides nothing.
 */
#include "verify/names.h"
#include "verify/call.h"
#include "verify/explore.h"
#include <stdarg.h>
#include <stdio.h>

enum { NOTES_MAX = 6 };

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
	char from[160], name[NAME_BYTES];

	if (!r || !r->at)
		return;
	called(v, r->at - 1, r, from, sizeof(from));
	if (name_assigned(v, r->at - 1, name))
		note(v, e, r->at - 1, "'%s' comes%s and is not compared with NULL on this path",
		     name, *from ? from : " from here");
	else
		note(v, e, r->at - 1, "it comes%s here and is not compared with NULL on this path",
		     from);
}

bool packet_beyond(const struct why *why, u64 *most)
{
	const struct reg *r = why->ptr;

	*most = r ? r->val.umax : 0;
	return r && reg_is_packet(r) && why->off >= 0 &&
	       (*most > MAX_PKT_OFF || *most + (u64)why->off + (u64)why->size > MAX_PKT_OFF);
}

const struct branch *packet_check(const struct verifier *v, const struct reg *r)
{
	const struct branch *b = v->at && r ? v->at->path : NULL;

	while (b && !(b->checks && b->packet == r->id))
		b = b->up;
	return b;
}

static void note_beyond(struct verifier *v, struct verify_error *e, const struct reg *r, u64 most)
{
	const struct branch *check = packet_check(v, r);

	if (check)
		note(v, e, check->at, "this check proves nothing: checks count up to byte %u of a "
		     "packet, and the pointer may be at %llu", MAX_PKT_OFF,
		     (unsigned long long)most + (r->off > 0 ? (u64)r->off : 0));
	else if (!most)
		note(v, e, e->insn, "checks count up to byte %u of a packet, and the pointer is "
		     "moved past it, as in a loop that only data_end ends", MAX_PKT_OFF);
}

static void note_packet(struct verifier *v, struct verify_error *e, const struct why *why)
{
	const struct reg *r = why->ptr;
	const struct branch *check = packet_check(v, r);
	u64 most;

	if (packet_beyond(why, &most))
		note_beyond(v, e, r, most);
	else if (r && r->range <= 0 && check)
		note(v, e, check->at, "this check proves none of these bytes");
	else if (r && r->range > 0 && r->uid)
		note(v, e, r->uid - 1,
		     "the last check against data_end on this path proves %d bytes",
		     r->range);
	else if (r && r->at)
		note(v, e, r->at - 1,
		     "no check of this pointer against data_end is on this path");
}

static void note_number(struct verifier *v, struct verify_error *e, const struct reg *r,
			const char *what)
{
	struct strbuf text = { 0 };

	if (!r)
		return;
	scalar_text(&text, &r->val);
	if (r->at && !reg_gone(r))
		note(v, e, r->at - 1, "%s is %s; it is made here", what, sb_text(&text));
	else
		note(v, e, e->insn, "%s is %s", what, sb_text(&text));
	sb_free(&text);
}

/* The call that made what was a pointer useless. */
static u32 gone_at(const struct reg *r)
{
	return (r->at & ~(u32)(AT_MOVED | AT_GONE)) - 1;
}

/* "bpf_sk_release()" */
static void call_name(const struct verifier *v, u32 insn, char *buf, size_t size)
{
	const struct helper_row *row = v->points[insn].op == OP_CALL ?
		helper_row((u32)v->insns[insn].imm) : NULL;

	if (row)
		snprintf(buf, size, "bpf_%s()", row->name);
	else
		snprintf(buf, size, "%s", v->points[insn].op == OP_CALL_LOCAL ?
			 "the function" : "the call");
}

static void note_gone(struct verifier *v, struct verify_error *e, const struct reg *r)
{
	char name[80];

	if (!r || !reg_gone(r) || reg_is_null(r))
		return;
	call_name(v, gone_at(r), name, sizeof(name));
	if (r->at & AT_MOVED)
		note(v, e, gone_at(r), "%s may move the packet: addresses in it that were taken "
		     "before are no longer valid", name);
	else
		note(v, e, gone_at(r), "%s gave it back here: it is not the program's now", name);
}

/* The helper that the call at INSN is of, and its map; false: it has none. */
static bool map_argument(const struct verifier *v, u32 insn, const struct helper_row **row,
			 const struct image_map **map)
{
	const struct reg *r;

	*row = insn < v->nr_insns && v->points[insn].op == OP_CALL ?
		helper_row((u32)v->insns[insn].imm) : NULL;
	for (unsigned i = 0; *row && v->at && i < 5; i++) {
		r = state_reg(v->at, i + 1);
		if ((*row)->args[i] != ARG_MAP || r->type != REG_MAP)
			continue;
		*map = map_of(v, r);
		return true;
	}
	return false;
}

/* "key": what argument I of the helper is of a map; NULL: nothing. */
static const char *map_part(const struct helper_row *row, u32 i)
{
	switch (i < 5 ? row->args[i] : ARG_NONE) {
	case ARG_KEY:
		return "key";
	case ARG_VALUE:
	case ARG_VALUE_OUT:
	case ARG_VALUE_OR_NULL:
		return "value";
	default:
		return NULL;
	}
}

/* A key or value that is too short, or memory that was asked for with too few bytes. */
static void note_size(struct verifier *v, struct verify_error *e, const struct why *why)
{
	const struct reg *r = why->ptr;
	const struct image_map *map;
	const struct helper_row *row;
	const char *part = NULL;

	if (map_argument(v, e->insn, &row, &map))
		part = map_part(row, why->reg - 1);
	if (part && e->id == REJECT_STACK && why->off < 0 && why->off >= -STACK_BYTES)
		note(v, e, e->insn, "argument %u is the %s of map '%s': %lld bytes wanted, %lld "
		     "there", why->reg, part, map->name, (long long)why->size,
		     (long long)-why->off);
	else if (part)
		note(v, e, e->insn, "argument %u is the %s of map '%s': %lld bytes wanted",
		     why->reg, part, map->name, (long long)why->size);
	else if (r && r->type == REG_MEM && r->at && (r->flags & REG_RECORD))
		note(v, e, r->at - 1, "the record is reserved here, with %u bytes", r->bytes);
}

static void note_stack(struct verifier *v, struct verify_error *e)
{
	for (u32 i = 0; i < v->nr_funcs; i++)
		if (v->funcs[i].stack_bytes)
			note(v, e, v->funcs[i].start, "%s() uses %u bytes of stack",
			     v->funcs[i].name, v->funcs[i].stack_bytes);
}

/* What explains a rejection besides its text. */
static void add_origin(struct verifier *v, struct verify_error *e, const struct why *why)
{
	switch (e->id) {
	case REJECT_OR_NULL:
	case REJECT_ARG_NULL:
	case REJECT_ARG_NULL_MEM:
	case REJECT_PTR_ARITH_NULL:
		note_null(v, e, why->ptr);
		break;
	case REJECT_PACKET:
		note_packet(v, e, why);
		break;
	case REJECT_ARG_TYPE:
	case REJECT_NOT_PTR:
	case REJECT_REG_UNINIT:
		note_gone(v, e, why->ptr);
		break;
	case REJECT_STACK_TOTAL:
		note_stack(v, e);
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
		note_number(v, e, why->ptr, "the offset that is added");
		break;
	case REJECT_PTR_FAR:
		note(v, e, e->insn, "what is added to the pointer may be as little as %lld",
		     (long long)why->a);
		break;
	case REJECT_STACK:
	case REJECT_MEM:
	case REJECT_MAP_VALUE:
	case REJECT_STACK_INDIRECT:
		note_size(v, e, why);
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


/* ---- the path ------------------------------------------------------------ */

enum { PATH_SHOWN = 6 };

static u32 line_of(const struct verifier *v, u32 insn)
{
	const struct image_line *line = image_line(v->prog, insn);

	return line ? line->line : 0;
}

static void put_branch(const struct verifier *v, struct strbuf *out, const struct branch *b)
{
	u32 from = line_of(v, b->at), to = line_of(v, b->to);
	char name[NAME_BYTES];

	if (out->n)
		sb_puts(out, ", ");
	if (!from)
		sb_printf(out, "insn %u to %u", b->at, b->to);
	else if (b->made && name_assigned(v, b->made - 1, name))
		sb_printf(out, "%u '%s' is %sNULL", from, name, b->null ? "" : "not ");
	else if (b->made)
		sb_printf(out, "%u the pointer is %sNULL", from, b->null ? "" : "not ");
	else
		sb_printf(out, "%u to %u", from, to);
}

static void note_path(struct verifier *v, struct verify_error *e)
{
	const struct branch *last[PATH_SHOWN];
	struct strbuf out = { 0 };
	u32 n = 0;

	for (const struct branch *b = v->at ? v->at->path : NULL; b && n < PATH_SHOWN; b = b->up)
		last[n++] = b;
	if (!n)
		return;
	while (n)
		put_branch(v, &out, last[--n]);
	note(v, e, VERIFY_NOWHERE, "path: %s", sb_text(&out));
	sb_free(&out);
}

/* Whether what was done before on the path decides. */
static bool path_matters(enum reject_id id)
{
	switch (id) {
	case REJECT_REG_UNINIT:
	case REJECT_STACK_UNINIT:
	case REJECT_STACK_INDIRECT:
	case REJECT_LEAK:
	case REJECT_LOCK_EXIT:
	case REJECT_SECTION_EXIT:
	case REJECT_TAIL_REF:
	case REJECT_RET_RANGE:
	case REJECT_RET_UNKNOWN:
		return true;
	default:
		return false;
	}
}

void notes_add(struct verifier *v, struct verify_error *e, const struct why *why)
{
	add_origin(v, e, why);
	if (path_matters(e->id))
		note_path(v, e);
}

/* ---- the way out --------------------------------------------------------- */

static bool returns_nothing(const struct verifier *v, const struct image_func *f)
{
	const struct btf *btf = v->img->btf;
	const struct btf_type *t = btf && f->type_id ? btf_type(btf, f->type_id) : NULL;

	t = t && btf_kind(t) == BTF_KIND_FUNC ? btf_type(btf, t->type) : NULL;
	return t && btf_kind(t) == BTF_KIND_FUNC_PROTO && !t->type;
}

/* Of the function that INSN is in: what it returns is no verdict, unless it is the program. */
static const char *leave(const struct verifier *v, u32 insn)
{
	const struct image_func *f = image_func(v->prog, insn);

	if (f && f->insn)
		return returns_nothing(v, f) ? "return;" : "return 0;";
	switch (v->prog->type) {
	case BPF_PROG_TYPE_XDP:
		return "return XDP_PASS;";
	case BPF_PROG_TYPE_SCHED_CLS:
	case BPF_PROG_TYPE_SCHED_ACT:
		return "return TC_ACT_OK;";
	default:
		return "return 0;";
	}
}

static const char *help_null(struct verifier *v, const struct verify_error *e,
			     const struct reg *r, const char *help)
{
	char name[NAME_BYTES];
	u32 line = line_of(v, e->insn);

	if (!line || !r || !r->at || !name_assigned(v, r->at - 1, name))
		return help;
	return arena_printf(v->arena, "before line %u: if (!%s) %s", line, name, leave(v, e->insn));
}

struct find { const struct verifier *v; char *name; bool found; };

static void find_end(struct reg *r, void *arg)
{
	struct find *f = arg;

	if (r->type == REG_PACKET_END && r->at && !f->found)
		f->found = name_assigned(f->v, r->at - 1, f->name);
}

static const char *help_beyond(struct verifier *v, u32 insn, u64 most)
{
	if (!most)
		return "bound the loop, too: for (int i = 0; i < 1500 && ...; i++)";
	return arena_printf(v->arena, "bound the number before it is added to the pointer: "
			    "if (n > 2047) %s or n &= 2047;", leave(v, insn));
}

/* The access is through a struct: "ip->saddr"; its end is compared. */
static const char *help_packet(struct verifier *v, const struct verify_error *e,
			       const struct why *why, const char *help)
{
	const struct reg *r = why->ptr;
	u64 most;
	char name[NAME_BYTES], end[NAME_BYTES] = "data_end";
	struct find f = { v, end, false };
	u32 line = line_of(v, e->insn);
	char *arrow;

	if (packet_beyond(why, &most))
		return help_beyond(v, e->insn, most);
	if (!line || !name_at(v, e->insn, name))
		return help;
	arrow = strstr(name, "->");
	if (arrow)
		*arrow = 0;
	else if (name[0] != '*')
		return help;
	if (r && r->uid && name_compared(v, r->uid - 1, end))
		;	/* as in the check that there is */
	else if (v->at)
		state_each((struct state *)v->at, find_end, &f);
	return arena_printf(v->arena, "before line %u: if ((void *)(%s + 1) > %s) %s", line,
			    name + (name[0] == '*'), end, leave(v, e->insn));
}

static const char *help_gone(struct verifier *v, const struct verify_error *e,
			     const struct reg *r, const char *help)
{
	u32 line;

	if (!r || !reg_gone(r) || reg_is_null(r))
		return help;
	line = line_of(v, gone_at(r));
	if (r->at & AT_MOVED)
		return !line ? "load data and data_end again after the call, and compare again" :
			arena_printf(v->arena, "after line %u load data and data_end again, and "
				     "compare again", line);
	if (e->id == REJECT_ARG_TYPE)
		return !line ? "give it back once" :
			arena_printf(v->arena, "give it back once: line %u did", line);
	return !line ? "use it before it is given back" :
		arena_printf(v->arena, "use it before line %u, which gives it back", line);
}

static const char *help_context(struct verifier *v, const struct verify_error *e,
				const struct why *why, const char *help)
{
	const char *name = name_context(v, why->off);
	unsigned kind = isa_rows[v->points[e->insn].op].kind;

	if (name && !strncmp(name, "data", 4) && !strcmp(v->ctx->name, "__sk_buff"))
		return "read the packet by bpf_skb_load_bytes(), write it by bpf_skb_store_bytes()";
	if (name && (kind == KIND_ST || kind == KIND_STX) &&
	    access_ok(v->ctx, (u64)why->off, (u32)why->size, false))
		return "it may only be read: keep what you compute in a variable or in a map";
	return help;
}

static const char *help_negative(struct verifier *v, u32 insn)
{
	return arena_printf(v->arena, "test that it is not negative: if (i < 0) %s or make it "
			    "unsigned and compare it with the size", leave(v, insn));
}

/* An access at a known offset: there is no index to check. */
static const char *help_size(struct verifier *v, const struct verify_error *e,
			     const struct why *why, const char *help)
{
	const struct reg *r = why->ptr;
	const struct image_map *map;
	const struct helper_row *row;

	if (!r || !scalar_is_const(&r->val))
		return help;
	if (v->points[e->insn].op == OP_CALL && !map_part(helper_row((u32)v->insns[e->insn].imm),
							  why->reg - 1))
		return "pass a size that the memory has: sizeof(buffer), or compare with it first";
	if (map_argument(v, e->insn, &row, &map))
		return arena_printf(v->arena, "pass the address of a variable of the type that the "
				    "map's %s has", map_part(row, why->reg - 1));
	if (r->type == REG_MEM && (r->flags & REG_RECORD))
		return "reserve as many bytes as the struct has: sizeof(*e)";
	return arena_printf(v->arena, "the offset is a constant: stay inside, or make the "
			    "%s larger",
			    e->id == REJECT_STACK ? "variable" :
			    e->id == REJECT_MAP_VALUE ? "value" : "memory");
}

static const char *help_leak(struct verifier *v, u32 insn, const char *help)
{
	const struct helper_row *row = v->points[insn].op == OP_CALL ?
		helper_row((u32)v->insns[insn].imm) : NULL;
	char name[NAME_BYTES];

	if (!row)
		return help;
	if (!name_assigned(v, insn, name))
		snprintf(name, sizeof(name), "...");
	if (row->id == BPF_FUNC_ringbuf_reserve)
		return arena_printf(v->arena,
				    "bpf_ringbuf_discard(%s, 0); before the return", name);
	return strstr(row->name, "sk") ?
		arena_printf(v->arena, "bpf_sk_release(%s); before the return", name) : help;
}

/* Of some types nobody knows what they are offered: all counts as offered. */
static bool knows_type(u32 type)
{
	return progtype_row(type) && !(helper_offered(BPF_FUNC_sysctl_get_name, type) &&
				       helper_offered(BPF_FUNC_lwt_push_encap, type));
}

/* Who may call the helper. */
static const char *help_helper(struct verifier *v, const struct why *why, const char *help)
{
	struct strbuf out = { 0 };

	for (u32 type = 1; type < 64; type++)
		if (knows_type(type) && helper_offered((u32)why->a, type))
			sb_printf(&out, "%s%s", out.n ? ", " : "", progtype_row(type)->name);
	if (out.n)
		help = arena_printf(v->arena, "it is for programs of these types: %s",
				    sb_text(&out));
	sb_free(&out);
	return help;
}

/* The names of what may be returned. */
static const char *help_result(struct verifier *v, const struct why *why, const char *help)
{
	struct strbuf out = { 0 };

	for (s64 n = why->a; n <= why->b && n - why->a < 16; n++) {
		const char *name = verdict_name(v->prog->type, (u32)n);

		if (name)
			sb_printf(&out, "%s%lld (%s)", out.n ? ", " : "", (long long)n, name);
	}
	if (out.n)
		help = arena_printf(v->arena, "return on every path one of %s", sb_text(&out));
	else if (why->want)
		help = arena_printf(v->arena, "return %s on every path", why->want);
	sb_free(&out);
	return help;
}

static const char *help_uninit(struct verifier *v, const struct verify_error *e,
			       const struct why *why, const char *help)
{
	char name[NAME_BYTES];

	if (why->b)
		return "store a number there, or load the program with CAP_PERFMON";
	if (!why->reg || !name_argument(v, e->insn, why->reg - 1, name) || name[0] != '&')
		return help;
	return arena_printf(v->arena, "initialise all of it, also what lies between its members: "
			    "__builtin_memset(%s, 0, sizeof(%s)); before it is filled in",
			    name, name + 1);
}

const char *help_for(struct verifier *v, const struct verify_error *e,
		     const struct why *why, const char *help)
{
	switch (e->id) {
	case REJECT_OR_NULL:
	case REJECT_ARG_NULL:
	case REJECT_ARG_NULL_MEM:
	case REJECT_PTR_ARITH_NULL:
		return help_null(v, e, why->ptr, help);
	case REJECT_PACKET:
		return help_packet(v, e, why, help);
	case REJECT_ARG_TYPE:
	case REJECT_NOT_PTR:
	case REJECT_REG_UNINIT:
		return help_gone(v, e, why->ptr, help);
	case REJECT_CTX:
		return help_context(v, e, why, help);
	case REJECT_PTR_FAR:
		return why->a < 0 ? help_negative(v, e->insn) : help;
	case REJECT_STACK:
	case REJECT_MEM:
	case REJECT_MAP_VALUE:
		return help_size(v, e, why, help);
	case REJECT_LEAK:
		return help_leak(v, (u32)why->b, help);
	case REJECT_HELPER_TYPE:
		return help_helper(v, why, help);
	case REJECT_RET_RANGE:
	case REJECT_RET_UNKNOWN:
		return help_result(v, why, help);
	case REJECT_STACK_INDIRECT:
		return help_uninit(v, e, why, help);
	default:
		return help;
	}
}
