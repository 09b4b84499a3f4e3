/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * native.c: `skep disasm --jit`: what programs are compiled to, in the order in which
 * it lies in memory: source lines, BPF instructions on the left, machine code on the
 * right. The optimising compiler moves, merges and removes instructions: a BPF
 * instruction stands where machine code is that was made for it, maybe several times,
 * maybe never.
 */
#include "cli/native.h"
#include "cli/cli.h"
#include "cli/machine.h"
#include "isa/isa.h"
#include "jit/jit.h"
#include "model/image.h"

enum { LEFT = 48 };	/* columns of the BPF side */

struct listing {
	struct strbuf *out;
	struct json *j;
	const struct skep_prog *prog;
	const struct image_prog *image;
	struct machine *machine;
	const u8 *code;
	u32 bytes;
	const struct image_line *line;	/* that was shown last */
};

static u32 columns(const char *s, size_t n)
{
	u32 at = 0;

	for (size_t i = 0; i < n; i++)
		at += s[i] == '\t' ? 8 - at % 8 : 1;
	return at;
}

/* The instruction of the program that SLOT of its rewrite was made of. */
static void left_of(const struct listing *l, struct strbuf *left, u32 slot)
{
	u32 at = l->prog->code.origin[slot];

	sb_printf(left, "%6u: ", at);
	isa_disasm(left, l->image->insns, l->image->nr_insns, at);
}

static void source_of(struct listing *l, u32 slot)
{
	const struct image_line *line = image_line(l->image, l->prog->code.origin[slot]);

	if (!line || line == l->line || !line->text[0])
		return;
	sb_printf(l->out, "; %s:%u: %s\n", image_line_file(line), line->line,
		  line->text + strspn(line->text, " \t"));
	l->line = line;
}

/* Machine code from FROM to END, the first line behind LEFT. */
static void right_of(const struct listing *l, const struct strbuf *left, u32 from, u32 end)
{
	struct strbuf text = { 0 };
	bool first = true;

	while (from < end) {
		u32 used = first ? columns(sb_text(left), left->n) : 0, n;

		sb_reset(&text);
		n = machine_text(l->machine, &text, l->code + from, end - from, from);
		if (first)
			sb_puts(l->out, sb_text(left));
		sb_printf(l->out, "%*s  %5x: %s\n", used < LEFT ? (int)(LEFT - used) : 0, "", from,
			  sb_text(&text));
		first = false;
		from += n;
	}
	sb_free(&text);
}

static void text_range(struct listing *l, s64 slot, u32 from, u32 end)
{
	struct strbuf left = { 0 };

	if (slot >= 0) {
		source_of(l, (u32)slot);
		left_of(l, &left, (u32)slot);
	}
	right_of(l, &left, from, end);
	sb_free(&left);
}

static void json_range(struct listing *l, s64 slot, u32 from, u32 end)
{
	struct strbuf text = { 0 };

	while (from < end) {
		u32 n;

		sb_reset(&text);
		n = machine_text(l->machine, &text, l->code + from, end - from, from);
		json_obj(l->j, NULL);
		json_u64(l->j, "off", from);
		json_u64(l->j, "bytes", n);
		if (slot >= 0)
			json_u64(l->j, "insn", l->prog->code.origin[slot]);
		json_str(l->j, "text", sb_text(&text));
		json_obj_end(l->j);
		from += n;
	}
	sb_free(&text);
}

/* Calls SHOW for each piece of code that is of one instruction. */
static void each_range(struct listing *l, const struct jit_code *code,
		       void (*show)(struct listing *l, s64 slot, u32 from, u32 end))
{
	u32 n;
	const struct jit_place *p = jit_places(code, &n);

	if (!n || p[0].off)
		show(l, -1, 0, n ? p[0].off : l->bytes);
	for (u32 i = 0; i < n; i++)
		show(l, p[i].slot, p[i].off, i + 1 < n ? p[i + 1].off : l->bytes);
}

static const char *tier_name(const struct jit_code *code)
{
	return jit_tier(code) == JIT_OPT ? "opt" : "fast";
}

int native_tier(enum skep_jit *tier, const char *name)
{
	static const char *const names[] = { [SKEP_JIT_OFF] = "off", [SKEP_JIT_FAST] = "fast",
		[SKEP_JIT_OPT] = "opt" };

	for (u32 i = SKEP_JIT_OFF; i < ARRAY_LEN(names); i++)
		if (!strcmp(name, names[i])) {
			*tier = (enum skep_jit)i;
			return EXIT_YES;
		}
	return usage_error("--jit takes off, fast or opt, not '%s'", name);
}

int native_show(struct strbuf *out, struct json *j, const struct skep_prog *prog,
		struct skep_err *err)
{
	const struct jit_code *code = prog_native(prog);
	struct skep_prog_engine engine = { .size = sizeof(engine) };
	struct listing l = { .out = out, .j = j, .prog = prog,
			     .image = &prog->obj->img->progs[prog->index] };

	if (!code) {
		bool known = !skep_prog_engine(prog, &engine);

		return err_set(err, ERR_RUN, prog->obj->img->file,
			       "program '%s' has no native code%s%s", l.image->name,
			       known && *engine.note ? ": " : "", known ? engine.note : "");
	}
	l.code = jit_bytes(code, &l.bytes);
	l.machine = machine_open(jit_processor(code));
	if (j) {
		json_str(j, "processor", jit_processor(code));
		json_str(j, "tier", tier_name(code));
		json_arr(j, "code");
		each_range(&l, code, json_range);
		json_arr_end(j);
	} else {
		sb_printf(out, "%s: %s, %s, %u bytes for %u instructions\n", l.image->name,
			  jit_processor(code), tier_name(code), l.bytes, l.image->nr_insns);
		each_range(&l, code, text_range);
	}
	machine_close(l.machine);
	return 0;
}
