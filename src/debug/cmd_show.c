/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_show.c: commands that print values: expressions, variables, registers, memory. */
#include "debug/command.h"
#include <ctype.h>
#include <inttypes.h>

static bool is_format(char c) { return c && strchr("xduotcazs", c); }

static int formatted(struct debug *d, const struct cmd_args *a, struct show_opts *o,
		     struct skep_err *err)
{
	*o = d->show;
	o->top = true;
	o->format = a->fmt[0];
	if (a->fmt[0] && (!is_format(a->fmt[0]) || a->fmt[1]))
		return bad_command(err, "print takes one of the formats x d u o t c a z s, not "
				   "'%s'", a->fmt);
	return 0;
}

/* ---- print ------------------------------------------------------------------------- */

static bool is_scalar(const struct value_env *env, const struct value *v)
{
	u32 kind = dtype_kind(env->types, v->type);

	return !v->repeat && !dtype_is_record(env->types, v->type) && kind != BTF_KIND_ARRAY &&
	       kind != BTF_KIND_FLOAT;
}

/* A value that stays, as history has it. */
static struct value kept(struct debug *d, const struct value_env *env, const struct value *v)
{
	struct value n = *v;
	struct skep_err err;

	if (v->kind == VALUE_BYTES)
		n.bytes = arena_copy(&d->arena, v->bytes, v->nr_bytes);
	else if (v->kind == VALUE_GONE)
		n.gone = arena_strdup(&d->arena, v->gone);
	else if (v->kind == VALUE_MEM && is_scalar(env, v))
		value_load(env, v, &n, &err);
	return n;
}

/* Of what has parts some must be there: that none is is an error, as gdb has it. */
static int readable(const struct value_env *env, const struct value *v, struct skep_err *err)
{
	struct value first = *v, n;
	u64 any;

	if (v->kind != VALUE_MEM)
		return 0;
	if (is_scalar(env, v))
		return value_load(env, v, &n, err);
	for (u32 bytes = 1; bytes <= 8; bytes *= 2)
		if (env->load(env->arg, v->addr, bytes, &any))
			return 0;
	first.type = types_basic(env->types, BASIC_CHAR);
	first.repeat = 0;
	return dtype_bytes(env->types, v->type) ? value_load(env, &first, &n, err) : 0;
}

int cmd_show_print(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	struct value_env env = dbg_env_here(d);
	struct show_opts o;
	struct value v;
	int r = formatted(d, a, &o, err);

	if (!r)
		r = expr_eval(&v, &env, *a->text ? a->text : "$", err);
	if (!r)
		r = readable(&env, &v, err);
	if (r)
		return r;
	*vec_push(&d->history) = kept(d, &env, &v);
	say(d, "$%zu = ", d->history.n);
	d->show.format = o.format;
	value_show(d->out, &env, &v, &o);
	d->show.format = 0;
	sb_putc(d->out, '\n');
	return 0;
}

int cmd_show_echo(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	for (const char *p = a->text; *p; p++) {
		bool escaped = *p == '\\' && p[1];

		p += escaped;
		sb_putc(d->out, escaped && *p == 'n' ? '\n' : escaped && *p == 't' ? '\t' : *p);
	}
	return 0;
}

static int type_of(struct debug *d, const char *text, struct dtype *ty, u32 *repeat,
		   struct skep_err *err)
{
	struct value_env env = dbg_env_here(d);
	struct value v;
	int r;

	*repeat = 0;
	if (expr_type(ty, &env, text))
		return 0;
	r = expr_eval(&v, &env, text, err);
	if (!r && v.kind == VALUE_MAP)
		r = err_set(err, ERR_DEBUG_EXPR, NULL, "'%s' is a map: info maps has its types",
			    text);
	if (!r) {
		*ty = v.type;
		*repeat = v.repeat;
	}
	return r;
}

static int tell_type(struct debug *d, struct cmd_args *a, bool define, struct skep_err *err)
{
	char dims[32] = "";
	struct dtype ty = { 0, 0 };
	u32 repeat = 0;
	int r = *a->text ? type_of(d, a->text, &ty, &repeat, err) :
		bad_command(err, "%s takes a type or an expression", a->name);

	if (r)
		return r;
	if (repeat)
		snprintf(dims, sizeof(dims), "[%u]", repeat);
	sb_puts(d->out, "type = ");
	if (define)
		dtype_define(d->out, d->types, ty);
	else
		dtype_text(d->out, d->types, ty, dims);
	sb_putc(d->out, '\n');
	return 0;
}

int cmd_show_ptype(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	return tell_type(d, a, true, err);
}

int cmd_show_whatis(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	return tell_type(d, a, false, err);
}

/* ---- display -------------------------------------------------------------------------- */

static void tell_display(struct debug *d, size_t i)
{
	const char *text = d->displays.v[i];	/* "FORMAT EXPR" */
	struct value_env env = dbg_env_here(d);
	struct show_opts o = d->show;
	struct skep_err err;
	struct value v;
	char slash[4] = "";

	o.top = true;
	o.format = *text == '-' ? 0 : *text;
	if (o.format)
		snprintf(slash, sizeof(slash), "/%c", o.format);
	if (expr_eval(&v, &env, text + 2, &err))
		return;		/* not known here: gdb says nothing, too */
	say(d, "%zu: %s%s%s = ", i + 1, slash, *slash ? " " : "", text + 2);
	value_show(d->out, &env, &v, &o);
	sb_putc(d->out, '\n');
}

void tell_displays(struct debug *d)
{
	for (size_t i = 0; i < d->displays.n; i++)
		if (d->displays.v[i])
			tell_display(d, i);
}

int cmd_show_display(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	struct show_opts o;
	struct strbuf text = { 0 };
	int r = formatted(d, a, &o, err);

	if (r)
		return r;
	if (!*a->text) {
		tell_displays(d);
		return 0;
	}
	sb_printf(&text, "%c %s", o.format ? o.format : '-', a->text);
	*vec_push(&d->displays) = text.s;
	if (d->s)
		tell_display(d, d->displays.n - 1);
	return 0;
}

int cmd_show_undisplay(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	u64 n;
	int r = cmd_number(a, 0, &n, err);

	if (!r && n > d->displays.n)
		return bad_command(err, "there is no display %" PRIu64, n);
	for (size_t i = 0; !r && i < d->displays.n; i++)
		if (!n || i + 1 == n) {
			free(d->displays.v[i]);
			d->displays.v[i] = NULL;
		}
	return r;
}

int info_display(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	bool any = false;

	for (size_t i = 0; i < d->displays.n; i++) {
		if (!d->displays.v[i])
			continue;
		say(d, "%zu:   %s\n", i + 1, d->displays.v[i] + 2);
		any = true;
	}
	if (!any)
		say(d, "There are no auto-display expressions now.\n");
	return 0;
}

/* ---- variables ------------------------------------------------------------------------- */

static int tell_vars(struct debug *d, bool params, const char *none, struct skep_err *err)
{
	const struct locals_var *vars[DBG_PLACES_MAX];
	const struct show_opts o = { .pretty = d->show.pretty, .top = true };
	const struct dbg_frame *f = dbg_frame(d, err);
	struct value_env env;
	u32 n;

	if (!f)
		return err->code;
	if (!d->locals) {
		*err = d->no_locals;
		return err->code;
	}
	env = dbg_env(d, f);
	n = dbg_vars(f, params, vars, ARRAY_LEN(vars));
	for (u32 i = 0; i < n; i++) {
		struct value v = dbg_var_value(d, f, vars[i]);

		say(d, "%s = ", vars[i]->name);
		value_show(d->out, &env, &v, &o);
		sb_putc(d->out, '\n');
	}
	if (!n)
		say(d, "%s\n", none);
	return 0;
}

int info_locals(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	return tell_vars(d, false, "No locals.", err);
}

int info_args(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	return tell_vars(d, true, "No arguments.", err);
}

int info_variables(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	struct value_env env = dbg_env_here(d);
	const struct show_opts o = { .top = true };
	const char *name;
	struct value v;
	u32 i = 0;

	for (; dbg_global(d, i, &name, &v); i++) {
		say(d, "%s = ", name);
		value_show(d->out, &env, &v, &o);
		sb_putc(d->out, '\n');
	}
	if (!i)
		say(d, "There are no global variables.\n");
	return 0;
}

/* ---- maps ------------------------------------------------------------------------------ */

static void map_type(struct debug *d, u32 id, u32 bytes, struct strbuf *out)
{
	sb_reset(out);
	if (d->img->btf && id)
		dtype_text(out, d->types, types_of(d->types, TYPES_IMAGE, id), "");
	else
		sb_printf(out, "%u bytes", bytes);
}

int info_maps(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	struct strbuf key = { 0 }, value = { 0 };
	u32 n = 0;

	for (u32 i = 0; i < d->img->nr_maps; i++) {
		const struct image_map *m = &d->img->maps[i];
		const struct maptype_row *row = maptype_row(m->type);

		if (m->kind != IMAGE_MAP_USER)
			continue;
		if (!n++)
			say(d, "%-16s %-16s %9s  %-20s %s\n", "Name", "Type", "Entries", "Key",
			    "Value");
		map_type(d, m->key_type, m->key_size, &key);
		map_type(d, m->value_type, m->value_size, &value);
		say(d, "%-16s %-16s %9u  %-20s %s\n", m->name, row ? row->name : "?",
		    m->max_entries, sb_text(&key), sb_text(&value));
	}
	if (!n)
		say(d, "There are no maps.\n");
	sb_free(&key);
	sb_free(&value);
	return 0;
}

/* ---- registers --------------------------------------------------------------------------- */

/* Bits that are the same each time: "0x..0", of numbers that are not wholly known. */
static void put_bits(struct strbuf *out, const struct fact_reg *f)
{
	struct tnum bits = f->val.bits;
	bool told = f->kind == FACT_NUMBER && bits.mask && ~bits.mask &&
		(bits.value || ~bits.mask >> (64 - __builtin_clzll(bits.mask | 1)) == 0 ||
		 bits.mask & (bits.mask + 1));

	if (told)
		sb_printf(out, ", bits 0x%" PRIx64 " of 0x%" PRIx64, bits.value, ~bits.mask);
}

/* What the verifier knows of REG before the instruction of F. */
static void put_fact(struct debug *d, const struct dbg_frame *f, unsigned reg,
		     struct strbuf *out)
{
	const struct verify_result *v = debug_verdict(d, f->index);
	const struct fact_reg *fact;

	if (v->verdict != VERDICT_OK || !v->facts)
		return;
	fact = facts_reg(v->facts, f->insn, reg);
	if (fact->kind == FACT_UNKNOWN) {
		sb_puts(out, "-");
		return;
	}
	if (fact->map != FACT_NO_MAP && fact->map < d->img->nr_maps)
		sb_printf(out, "%s: ", d->img->maps[fact->map].name);
	fact_text(out, fact);
	put_bits(out, fact);
}

void dbg_register_text(struct strbuf *out, struct debug *d, const struct dbg_frame *f,
		       unsigned reg)
{
	struct strbuf fact = { 0 };
	size_t from;

	if (!(f->known >> reg & 1)) {
		sb_puts(out, "<not saved>");
		return;
	}
	sb_printf(out, "0x%" PRIx64 " <", f->regs[reg]);
	from = out->n;
	dbg_where(d, f->regs[reg], out);
	if (out->n == from)
		sb_printf(out, "%" PRId64, (s64)f->regs[reg]);
	sb_putc(out, '>');
	put_fact(d, f, reg, &fact);
	if (fact.n > 1)
		sb_printf(out, ", verifier: %s", sb_text(&fact));
	sb_free(&fact);
}

static void tell_register(struct debug *d, const struct dbg_frame *f, unsigned reg)
{
	struct strbuf is = { 0 }, fact = { 0 };
	u64 v = f->regs[reg];

	if (!(f->known >> reg & 1)) {
		say(d, "r%-4u <not saved>\n", reg);
		return;
	}
	dbg_where(d, v, &is);
	if (!is.n)
		sb_printf(&is, "%" PRId64, (s64)v);
	put_fact(d, f, reg, &fact);
	say(d, "r%-4u 0x%-18" PRIx64 " %-24s%s%s\n", reg, v, sb_text(&is), fact.n ? " " : "",
	    sb_text(&fact));
	sb_free(&is);
	sb_free(&fact);
}

static const char *why_no_facts(struct debug *d, u32 index)
{
	switch (debug_verdict(d, index)->verdict) {
	case VERDICT_REJECTED:
		return "the program is rejected, so nothing is known for certain";
	case VERDICT_NOT_JUDGED:
		return "the program is not judged";
	default:
		return debug_verdict(d, index)->facts ? NULL : "there are no facts";
	}
}

int info_registers(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	const struct dbg_frame *f = dbg_frame(d, err);
	const char *why;
	char *end;

	if (!f)
		return err->code;
	if (*a->text) {
		const char *name = a->text + (*a->text == '$');
		unsigned long reg = strtoul(name + (*name == 'r'), &end, 10);

		if (*name != 'r' || *end || reg > 10 || end == name + 1)
			return bad_command(err, "Invalid register `%s'", name);
		tell_register(d, f, (unsigned)reg);
		return 0;
	}
	why = why_no_facts(d, f->index);
	say(d, "%-5s %-20s %-24s %s\n", "", "value", "is", why ? "" : "verifier");
	for (unsigned reg = 0; reg <= 10; reg++)
		tell_register(d, f, reg);
	say(d, "pc    %u\n", f->insn);
	if (why)
		say(d, "(%s)\n", why);
	return 0;
}

int info_program(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	const struct image_prog *p = &d->img->progs[d->setup->prog];
	const struct progtype_row *row = progtype_row(p->type);
	const struct verify_result *v = debug_verdict(d, d->setup->prog);
	struct strbuf text = { 0 };

	say(d, "%s, type %s, %u instructions, verdict: %s\n", p->name, row ? row->name : "?",
	    p->nr_insns, verdict_word(v->verdict));
	verify_reasons(&text, d->img, p, v);
	sb_puts(d->out, sb_text(&text));
	sb_free(&text);
	if (!d->s)
		say(d, "It is not being run.\n");
	else
		say(d, "%s %" PRIu64 ", %" PRIu64 " instructions executed%s.\n",
		    d->run.data ? "Packet" : "Run", d->input, replay_time(d->s),
		    replay_ended(d->s) ? ", ended" : "");
	return 0;
}

int info_packet(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	const struct run *run;
	const struct test_run *t;
	int r = dbg_stands(d, err);

	if (r)
		return r;
	replay_live(d->s);
	run = replay_run(d->s);
	t = replay_ended(d->s) ? replay_result(d->s) : NULL;
	if (run && run->pkt.data)
		packet_text(d->out, run->pkt.data, (u32)(run->pkt.data_end - run->pkt.data));
	else if (t && t->data_out)
		packet_text(d->out, t->data_out, t->bytes_out);
	else
		say(d, "The program has no packet.\n");
	return 0;
}

/* ---- memory ------------------------------------------------------------------------------- */

/* "8xb": how many, and what of. */
static int memory_format(struct debug *d, const struct cmd_args *a, u32 *count,
			 struct skep_err *err)
{
	const char *p = a->fmt;
	char *end;
	unsigned long n = strtoul(p, &end, 10);

	*count = end == p ? 1 : (u32)min_u64(n, 4096);
	for (p = end; *p; p++) {
		if (strchr("bhwg", *p))
			d->x_size = *p;
		else if (is_format(*p) || *p == 'i')
			d->x_format = *p;
		else
			return bad_command(err, "x takes a count, one of x d u o t c a z s i and "
					   "one of b h w g, not '%s'", a->fmt);
	}
	d->x_format = d->x_format ? d->x_format : 'x';
	d->x_size = d->x_size ? d->x_size : 'w';
	return 0;
}

static void put_address(struct debug *d, u64 addr)
{
	struct strbuf where = { 0 };

	dbg_where(d, addr, &where);
	say(d, "0x%" PRIx64, addr);
	if (where.n)
		say(d, " <%s>", sb_text(&where));
	sb_puts(d->out, ":");
	sb_free(&where);
}

static int tell_memory(struct debug *d, const struct value_env *env, u32 count,
		       struct skep_err *err)
{
	static const enum basic types[] = { BASIC_CHAR, BASIC_SHORT, BASIC_INT, BASIC_LONG };
	u32 size = d->x_size == 'b' ? 0 : d->x_size == 'h' ? 1 : d->x_size == 'g' ? 3 : 2;
	const struct show_opts o = { .format = d->x_format == 'x' ? 'z' : d->x_format };
	u32 row = size == 3 ? 2 : size == 0 ? 8 : size == 1 ? 8 : 4;
	struct value v = { .kind = VALUE_MEM, .type = types_basic(env->types, types[size]) }, n;

	for (u32 i = 0; i < count; i++, d->x_addr += 1u << size) {
		int r;

		v.addr = d->x_addr;
		r = value_load(env, &v, &n, err);
		if (r) {
			sb_puts(d->out, i % row ? "\n" : "");
			return r;
		}
		if (i % row == 0)
			put_address(d, v.addr);
		sb_putc(d->out, '\t');
		value_show(d->out, env, &n, &o);
		if (i % row == row - 1 || i + 1 == count)
			sb_putc(d->out, '\n');
	}
	return 0;
}

static int tell_strings(struct debug *d, const struct value_env *env, u32 count,
			struct skep_err *err)
{
	const struct show_opts o = { .format = 's', .limit = 200 };
	u64 byte;

	for (u32 i = 0; i < count; i++) {
		struct value v = { .kind = VALUE_MEM, .addr = d->x_addr, .repeat = 0,
				   .type = types_basic(env->types, BASIC_CHAR) };

		while (v.repeat < 200 && env->load(env->arg, v.addr + v.repeat, 1, &byte) && byte)
			v.repeat++;
		if (!v.repeat && !env->load(env->arg, v.addr, 1, &byte))
			return value_load(env, &v, &v, err);
		put_address(d, v.addr);
		sb_putc(d->out, '\t');
		if (v.repeat)
			value_show(d->out, env, &v, &o);
		else
			sb_puts(d->out, "\"\"");
		sb_putc(d->out, '\n');
		d->x_addr += v.repeat + 1;
	}
	return 0;
}

/* Addresses of instructions are slots. */
static int tell_insns(struct debug *d, u32 count, struct skep_err *err)
{
	const struct dbg_frame *f = dbg_frame(d, err);

	if (!f)
		return err->code;
	for (u32 i = 0; i < count; i++) {
		struct strbuf text = { 0 };

		if (d->x_addr >= f->prog->nr_insns)
			return err_set(err, ERR_DEBUG_MEM, NULL, "'%s' has %u slots",
				       f->prog->name, f->prog->nr_insns);
		dbg_place_text(&text, f->prog, (u32)d->x_addr);
		say(d, "%s %" PRIu64 " <%s>:\t", d->x_addr == f->insn ? "=>" : "  ", d->x_addr,
		    sb_text(&text));
		sb_reset(&text);
		dbg_insn_text(&text, d->img, f->prog, (u32)d->x_addr);
		say(d, "%s\n", sb_text(&text));
		sb_free(&text);
		d->x_addr += isa_slots(&f->prog->insns[d->x_addr]);
	}
	return 0;
}

int cmd_show_memory(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	struct value_env env = dbg_env_here(d);
	struct value v, n;
	u32 count;
	int r = memory_format(d, a, &count, err);

	if (!r && *a->text)
		r = expr_eval(&v, &env, a->text, err);
	/* what has an address stands for that, as arrays do */
	if (!r && *a->text && v.kind == VALUE_MEM && (v.repeat || !dtype_bytes(env.types, v.type) ||
	    dtype_is_record(env.types, v.type)))
		n = value_number(dtype_pointer(v.type), v.addr);
	else if (!r && *a->text)
		r = value_load(&env, &v, &n, err);
	if (r)
		return r;
	if (*a->text)
		d->x_addr = n.number;
	if (d->x_format == 'i')
		return tell_insns(d, count, err);
	return d->x_format == 's' ? tell_strings(d, &env, count, err) :
		tell_memory(d, &env, count, err);
}
