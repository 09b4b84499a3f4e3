/* SPDX-License-Identifier: BSD-2-Clause */
/* log.c: see log.h. */
#include "verify/log.h"
#include "verify/call.h"
#include <stdio.h>

enum { ALIGN_STEP = 8, ALIGN_AT = 40 };

/* ---- instructions -------------------------------------------------------- */

/* What helpers are called; all other operands are the instruction's own. */
static bool put_helper(void *arg, struct strbuf *out, const struct bpf_insn *insn)
{
	const struct helper_row *row = helper_row((u32)insn->imm);

	(void)arg;
	if (insn->code != (BPF_JMP | BPF_CALL) || insn->src_reg)
		return false;
	sb_printf(out, "%s%s#%d", row ? "bpf_" : "", row ? row->name : "unknown", insn->imm);
	return true;
}

static void put_insn(struct verifier *v, struct strbuf *out, u32 at)
{
	isa_disasm_kernel(out, &v->insns[at], put_helper, NULL);
}

/* ---- registers ----------------------------------------------------------- */

static void put_attr(struct strbuf *out, bool *more, const char *key, s64 n)
{
	sb_printf(out, "%s%s=%lld", *more ? "," : "", key, (long long)n);
	*more = true;
}

static void put_map(struct verifier *v, struct strbuf *out, const struct reg *r, bool *more)
{
	const struct image_map *map = map_of(v, r);

	if (map->name && *map->name) {
		sb_printf(out, "%smap=%s", *more ? "," : "", map->name);
		*more = true;
	}
	put_attr(out, more, "ks", map->key_size);
	put_attr(out, more, "vs", map->value_size);
}

/* "smin=0,...": what scalar_log has between its brackets. */
static void put_ranges(struct strbuf *out, const struct scalar *val, bool *more)
{
	struct strbuf text = { 0 };
	const char *s;

	scalar_log(&text, val, 0, NULL);
	s = strchr(sb_text(&text), '(');
	if (s && s[1] != ')')
		sb_printf(out, "%s%.*s", *more ? "," : "", (int)strlen(s) - 2, s + 1);
	sb_free(&text);
}

static void put_attrs(struct verifier *v, struct strbuf *out, const struct reg *r)
{
	bool more = false;

	sb_putc(out, '(');
	if (r->id && !(r->type == REG_MAP_VALUE && !(r->flags & REG_OR_NULL)))
		put_attr(out, &more, "id", r->id);
	if (r->ref)
		put_attr(out, &more, "ref_obj_id", r->ref);
	if (r->type == REG_MAP || r->type == REG_MAP_VALUE || r->type == REG_MAP_KEY)
		put_map(v, out, r, &more);
	if (r->off)
		put_attr(out, &more, "off", r->off);
	if (reg_is_packet(r))
		put_attr(out, &more, "r", r->range < 0 ? 0 : r->range);
	if (r->type == REG_MEM)
		put_attr(out, &more, "sz", r->bytes);
	if (!scalar_is_const(&r->val))
		put_ranges(out, &r->val, &more);
	else if (scalar_value(&r->val))
		sb_printf(out, "%simm=%llx", more ? "," : "",
			  (unsigned long long)scalar_value(&r->val));
	sb_putc(out, ')');
}

/* A register of frame N. */
static void put_reg(struct verifier *v, struct strbuf *out, const struct reg *r, u32 n)
{
	s32 delta = r->off;

	if (r->type == REG_SCALAR || r->type == REG_ANY) {
		scalar_log(out, &r->val, r->id, r->flags & REG_LINKED ? &delta : NULL);
		return;
	}
	reg_type_log(out, r);
	if (r->type != REG_STACK) {
		put_attrs(v, out, r);
		return;
	}
	if (r->frame != n)
		sb_printf(out, "[%u]", r->frame);
	if (scalar_is_const(&r->val))
		sb_printf(out, "%lld", (long long)r->off + (long long)scalar_value(&r->val));
	else
		put_attrs(v, out, r);
}

/* ---- stack slots --------------------------------------------------------- */

/* Slot I of frame N. */
static void put_slot(struct verifier *v, struct strbuf *out, const struct slot *t, u32 slot,
		     u32 n)
{
	static const char letters[] = "?rm0dif";
	bool any = false;

	for (u32 i = 0; i < SLOT_BYTES; i++)
		any |= t->kind[i] != SLOT_NONE;
	if (!any)
		return;
	sb_printf(out, " fp-%u=", (slot + 1) * SLOT_BYTES);
	for (u32 i = SLOT_BYTES; i-- > 0;) {
		if (t->kind[i] == SLOT_SPILL && t->kind[0] == SLOT_SPILL) {
			put_reg(v, out, &t->reg, n);
			return;
		}
		sb_putc(out, letters[t->kind[i]]);
	}
}

/* ---- states -------------------------------------------------------------- */

/* Registers of MASK, and slot SLOT (-1: none, -2: all) of the last frame. */
static void put_state(struct verifier *v, const struct state *s, u32 n, u32 mask, s64 slot)
{
	struct strbuf *out = v->opts->log;
	const struct frame *f = s->frames[n];

	if (n)
		sb_printf(out, " frame%u:", n);
	for (unsigned r = 0; r < NR_REGS; r++) {
		if (!(mask >> r & 1) || f->regs[r].type == REG_NONE)
			continue;
		sb_printf(out, " R%u=", r);
		put_reg(v, out, &f->regs[r], n);
	}
	for (u32 i = 0; i < f->nr_slots; i++)
		if (slot == -2 || slot == (s64)i)
			put_slot(v, out, &f->slots[i], i, n);
	for (u32 i = 0; i < s->nr_refs; i++)
		sb_printf(out, "%s%u", i ? "," : " refs=", s->refs[i].id);
}

static void put_whole(struct verifier *v, const struct state *s, u32 n)
{
	put_state(v, s, n, (1u << NR_REGS) - 1, -2);
	sb_putc(v->opts->log, '\n');
}

static void end_line(struct verifier *v)
{
	if (v->log_open)
		sb_putc(v->opts->log, '\n');
	v->log_open = false;
}

/* ---- what happens -------------------------------------------------------- */

static void put_live(struct verifier *v, u32 at)
{
	struct strbuf *out = v->opts->log;

	sb_printf(out, "%7u: ", at);
	for (unsigned r = 0; r < REG_FP; r++)
		sb_putc(out, v->points[at].live >> r & 1 ? (char)('0' + r) : '.');
	sb_putc(out, ' ');
	put_insn(v, out, at);
	sb_putc(out, '\n');
}

void log_head(struct verifier *v)
{
	struct strbuf *out = v->opts->log;

	if (!out || v->opts->log_level < 2)
		return;
	for (u32 i = 0; i < v->nr_funcs && v->nr_funcs > 1; i++)
		sb_printf(out, "func#%u @%u\n", i, v->funcs[i].start);
	sb_puts(out, "Live regs before insn:\n");
	for (u32 at = 0; at < v->nr_insns; at++)
		if (!(v->points[at].flags & POINT_LDDW2))
			put_live(v, at);
}

void log_from(struct verifier *v, const struct state *s, u32 from)
{
	if (!v->opts->log)
		return;
	end_line(v);
	v->log_from = from + 1;
	v->log_state = true;
}

static void put_from(struct verifier *v, const struct state *s)
{
	if (v->log_from)
		sb_printf(v->opts->log, "\nfrom %u to %u:", v->log_from - 1, s->insn);
}

void log_covered(struct verifier *v, const struct state *s)
{
	if (!v->opts->log || v->opts->log_level < 2)
		return;
	end_line(v);
	put_from(v, s);
	if (v->log_from)
		sb_puts(v->opts->log, " safe\n");
	else
		sb_printf(v->opts->log, "%u: safe\n", s->insn);
	v->log_from = 0;
}

void log_before(struct verifier *v, const struct state *s)
{
	struct strbuf *out = v->opts->log;
	u32 n = s->nr_frames - 1;
	size_t start;

	if (!out)
		return;
	end_line(v);
	if (v->log_state) {
		if (v->log_from && v->opts->log_level < 2) {
			sb_putc(out, ' ');	/* behind the branch */
		} else if (v->log_from) {
			put_from(v, s);
			put_whole(v, s, n);
		}
		sb_printf(out, "%u:", s->insn);
		put_whole(v, s, n);
	}
	v->log_from = 0;
	v->log_state = false;
	start = out->n;
	sb_printf(out, "%u: ", s->insn);
	put_insn(v, out, s->insn);
	v->log_width = (u32)(out->n - start);
	v->log_open = true;
}

/* The registers that instruction AT reads or writes, as far as they are shown. */
static u32 touched(const struct verifier *v, u32 at)
{
	enum isa_op op = v->points[at].op;
	unsigned kind = isa_rows[op].kind, fields = isa_fields(op);
	u32 mask = 0;

	if (kind == KIND_CALL || kind == KIND_CALL_KFUNC)
		return 1;
	if (fields & FIELD_DST)
		mask |= 1u << v->insns[at].dst_reg;
	if ((fields & FIELD_SRC) && kind != KIND_LDDW && kind != KIND_CALL_LOCAL)
		mask |= 1u << v->insns[at].src_reg;
	return mask;
}

/* The slot that a load or store uses, -1: none, or not one. */
static s64 used_slot(const struct verifier *v, const struct state *s, u32 at)
{
	unsigned kind = isa_rows[v->points[at].op].kind;
	bool load = kind == KIND_LDX || kind == KIND_LDXSX;
	const struct reg *r = state_reg(s, load ? v->insns[at].src_reg : v->insns[at].dst_reg);
	s64 off = (s64)r->off + v->insns[at].off;

	if ((kind != KIND_ST && kind != KIND_STX && !load) || r->type != REG_STACK ||
	    !scalar_is_const(&r->val) || r->frame + 1u != s->nr_frames)
		return -1;
	off += (s64)scalar_value(&r->val);
	return off < 0 ? (-off - 1) / SLOT_BYTES : -1;
}

static void put_call(struct verifier *v, const struct state *s)
{
	end_line(v);
	sb_puts(v->opts->log, "caller:\n");
	put_whole(v, s, s->nr_frames - 2);
	sb_puts(v->opts->log, "callee:\n");
	put_whole(v, s, s->nr_frames - 1);
	v->log_state = true;
}

static void put_return(struct verifier *v, const struct state *s, u32 at)
{
	end_line(v);
	sb_printf(v->opts->log, "to caller at %u:\n", s->insn);
	put_whole(v, s, s->nr_frames - 1);
	v->log_from = at + 1;
	v->log_state = true;
}

void log_after(struct verifier *v, const struct state *s, u32 at)
{
	struct strbuf *out = v->opts->log;
	unsigned kind = isa_rows[v->points[at].op].kind;
	u32 pos = v->log_width + 1, to;

	if (!out || !v->log_open)
		return;
	if (kind == KIND_EXIT || kind == KIND_CALL_LOCAL) {
		if (kind == KIND_CALL_LOCAL && s->nr_frames > 1 && s->insn != at + 1)
			put_call(v, s);
		else if (kind == KIND_EXIT && s->insn != at + 1)
			put_return(v, s, at);
		return;
	}
	if (!touched(v, at))
		return;
	to = (u32)round_up(pos + ALIGN_STEP / 2 > ALIGN_AT ? pos + ALIGN_STEP / 2 : ALIGN_AT,
			   ALIGN_STEP);
	sb_printf(out, "%*s;", (int)(to - pos - 1), "");
	put_state(v, s, s->nr_frames - 1, touched(v, at), used_slot(v, s, at));
}

void log_line(struct verifier *v, const char *line)
{
	if (!v->opts->log)
		return;
	end_line(v);
	sb_printf(v->opts->log, "%s\n", line);
}

void log_tail(struct verifier *v)
{
	struct strbuf *out = v->opts->log;

	if (!out)
		return;
	end_line(v);
	if (!v->errors.n && v->opts->log_level < 2)
		out->n = 0;	/* the last path alone says nothing */
	sb_printf(out, "processed %llu insns (limit %llu) max_states_per_insn %u "
		  "total_states %u peak_states %u mark_read 0\n",
		  (unsigned long long)v->visited, (unsigned long long)v->limit, v->most_kept,
		  v->result->states, v->peak_kept);
}
