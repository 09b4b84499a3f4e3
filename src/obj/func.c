/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * func.c: the functions of an object, from its symbols: where each begins and
 * ends, which records of .BTF.ext are its own, and which are programs. A
 * function in a section of its own name (SEC) is a program, except a static
 * one that others call; .text holds subprograms. Only when an object has
 * nothing but .text are its global functions programs.
 */
#include "obj/open.h"
#include <elf.h>
#include <stdlib.h>

/* ---- functions -------------------------------------------------------- */

static int check_func(struct obj *o, const struct obj_sym *y)
{
	if (y->value % INSN_BYTES || y->size % INSN_BYTES ||
	    (!y->size && y->type == STT_FUNC))
		return err_set(o->err, ERR_ELF_SYMBOL,
			       elf_at(o, &o->secs[y->sec], y->value),
			       "function '%s' has %llu bytes; instructions have %d",
			       y->name, (unsigned long long)y->size, INSN_BYTES);
	if (!*y->name)
		return err_set(o->err, ERR_ELF_SYMBOL,
			       elf_at(o, &o->secs[y->sec], y->value),
			       "function without a name");
	return 0;
}

static bool is_func(const struct obj *o, const struct obj_sym *y)
{
	/* old compilers and hand-written assembly give global labels no type */
	return (y->type == STT_FUNC || (y->type == STT_NOTYPE && y->bind != STB_LOCAL)) &&
	       y->sec != SYM_UNDEF && y->sec != SYM_NOWHERE &&
	       o->secs[y->sec].kind == SEC_CODE && y->value < o->secs[y->sec].size;
}

static struct obj_func make_func(const struct obj_sym *y)
{
	bool local = y->bind == STB_LOCAL;

	return (struct obj_func){
		.name = y->name, .sec = y->sec, .prog = -1, .local = local,
		.insn = (u32)(y->value / INSN_BYTES),
		.nr_insns = (u32)(y->size / INSN_BYTES),
		.global = !local && y->vis != STV_HIDDEN && y->vis != STV_INTERNAL,
	};
}

/* By place; of several names for one place the most visible comes first. */
static int func_order(const void *a, const void *b)
{
	const struct obj_func *x = a, *y = b;

	if (x->sec != y->sec)
		return x->sec < y->sec ? -1 : 1;
	if (x->insn != y->insn)
		return x->insn < y->insn ? -1 : 1;
	if (x->local != y->local)
		return x->local ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* A label without size reaches to the next one, or to its section's end. */
static void size_labels(struct obj *o)
{
	for (u32 i = o->nr_funcs; i-- > 0;) {
		struct obj_func *f = &o->funcs[i];
		u32 end = (u32)(o->secs[f->sec].size / INSN_BYTES);
		u32 k = i + 1;

		if (f->nr_insns)
			continue;
		if (k < o->nr_funcs && o->funcs[k].sec == f->sec) {
			if (o->funcs[k].insn == f->insn)
				end = f->insn + o->funcs[k].nr_insns;
			else
				end = o->funcs[k].insn;
		}
		f->nr_insns = end - f->insn;
	}
}

/* Drops second names; refuses functions that share instructions. */
static int unique_funcs(struct obj *o)
{
	u32 n = 0;

	for (u32 i = 0; i < o->nr_funcs; i++) {
		struct obj_func *f = &o->funcs[i];
		const struct obj_func *last = n ? &o->funcs[n - 1] : NULL;

		if (last && last->sec == f->sec &&
		    f->insn < last->insn + last->nr_insns) {
			if (last->insn == f->insn && last->nr_insns == f->nr_insns)
				continue;
			return err_set(o->err, ERR_ELF_SYMBOL,
				       elf_at(o, &o->secs[f->sec], f->insn * 8ull),
				       "function '%s' begins inside '%s'",
				       f->name, last->name);
		}
		o->funcs[n++] = *f;
	}
	o->nr_funcs = n;
	return 0;
}

static int collect_funcs(struct obj *o)
{
	u32 n = 0;

	for (u32 i = 0; i < o->nr_syms; i++)
		n += is_func(o, &o->syms[i]);
	o->funcs = arena_news(&o->tmp, n, struct obj_func);
	for (u32 i = 0; i < o->nr_syms; i++) {
		const struct obj_sym *y = &o->syms[i];
		int ret;

		if (!is_func(o, y))
			continue;
		ret = check_func(o, y);
		if (ret)
			return ret;
		o->funcs[o->nr_funcs++] = make_func(y);
	}
	qsort(o->funcs, o->nr_funcs, sizeof(*o->funcs), func_order);
	size_labels(o);
	return unique_funcs(o);
}

int funcs_at(const struct obj *o, u32 sec, u64 off)
{
	const struct obj_sec *s = &o->secs[sec];
	u32 lo = s->first_func, hi = lo + s->nr_funcs;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (o->funcs[mid].insn * 8ull < off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->first_func + s->nr_funcs &&
	       o->funcs[lo].insn * 8ull == off ? (int)lo : -1;
}

/* ---- .BTF.ext ------------------------------------------------------------ */

static int check_records(struct obj *o, const struct obj_sec *s)
{
	const struct btf_ext_sec *x = s->ext;

	for (u32 i = 0; i < x->nr_lines; i++) {
		u32 at = x->lines[i].insn_bytes;

		if (at % INSN_BYTES || at >= s->size ||
		    (i && at < x->lines[i - 1].insn_bytes))
			return err_set(o->err, ERR_BTF_EXT, elf_at(o, s, at),
				       "line record %u is out of order or outside the section",
				       i);
	}
	for (u32 i = 0; i < x->nr_funcs; i++)
		if (x->funcs[i].insn_bytes >= s->size)
			return err_set(o->err, ERR_BTF_EXT,
				       elf_at(o, s, x->funcs[i].insn_bytes),
				       "function record %u is outside the section", i);
	return 0;
}

/* Both the functions and the lines rise, so one pass deals lines out. */
static void deal_records(struct obj *o, u32 sec)
{
	const struct obj_sec *s = &o->secs[sec];
	const struct btf_ext_sec *x = s->ext;
	u32 line = 0;

	for (u32 i = s->first_func; i < s->first_func + s->nr_funcs; i++) {
		struct obj_func *f = &o->funcs[i];
		u64 begin = f->insn * 8ull, end = begin + f->nr_insns * 8ull;

		while (line < x->nr_lines && x->lines[line].insn_bytes < begin)
			line++;
		f->first_line = line;
		while (line < x->nr_lines && x->lines[line].insn_bytes < end)
			line++;
		f->nr_lines = line - f->first_line;
	}
	for (u32 i = 0; i < x->nr_funcs; i++) {
		int f = funcs_at(o, sec, x->funcs[i].insn_bytes);

		/* linkers leave those of weak functions that lost */
		if (f >= 0)
			o->funcs[f].type_id = x->funcs[i].type_id;
	}
}

int funcs_read(struct obj *o)
{
	int ret = collect_funcs(o);

	if (ret)
		return ret;
	for (u32 i = 0; i < o->nr_funcs; i++) {
		struct obj_func *f = &o->funcs[i];
		struct obj_sec *s = &o->secs[f->sec];

		f->name = arena_strdup(&o->img->arena, f->name);
		if (!s->nr_funcs++)
			s->first_func = i;
	}
	for (u32 i = 1; i < o->nr_secs; i++) {
		struct obj_sec *s = &o->secs[i];

		if (s->kind != SEC_CODE)
			continue;
		s->code = arena_copy(&o->tmp, s->data, s->size);
		if (!s->ext || !s->nr_funcs)
			continue;
		ret = check_records(o, s);
		if (ret)
			return ret;
		deal_records(o, i);
	}
	return 0;
}

/* ---- programs -------------------------------------------------------------- */

static bool is_prog(const struct obj *o, const struct obj_func *f, bool text_only)
{
	if (!strcmp(o->secs[f->sec].name, ".text"))
		return text_only && !f->local;
	return !f->local || !f->called;
}

static struct image_prog make_prog(struct obj *o, const struct obj_func *f)
{
	const char *name = arena_strdup(&o->img->arena, o->secs[f->sec].name);
	const char *plain = name + (name[0] == '?');
	const struct sec_row *sec = sec_row(plain);
	bool guessed = !sec;

	if (guessed)
		sec = sec_guess(plain);
	return (struct image_prog){
		.name = f->name, .section = name, .sec = sec,
		.target = sec ? sec_target(sec, plain) : "", .guessed = guessed && sec,
		.type = sec ? sec->type : BPF_PROG_TYPE_UNSPEC,
		.expected_attach = sec ? sec->attach : 0,
		.autoload = name[0] != '?',
	};
}

static u32 count_progs(const struct obj *o, bool text_only)
{
	u32 n = 0;

	for (u32 i = 0; i < o->nr_funcs; i++)
		n += is_prog(o, &o->funcs[i], text_only);
	return n;
}

int progs_choose(struct obj *o)
{
	bool text_only = !count_progs(o, false);
	u32 n = count_progs(o, text_only);

	o->img->progs = arena_news(&o->img->arena, n, struct image_prog);
	for (u32 i = 0; i < o->nr_funcs; i++) {
		struct obj_func *f = &o->funcs[i];

		if (!is_prog(o, f, text_only))
			continue;
		f->prog = (int)o->img->nr_progs;
		o->img->progs[o->img->nr_progs++] = make_prog(o, f);
	}
	return 0;
}
