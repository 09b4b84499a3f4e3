/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prog_dump.c: a program's instructions as the kernel's verifier left them, in bpftool's
 * form: prototypes and source lines by the program's types, functions by /proc/kallsyms.
 */
#include "cli/prog_view.h"
#include "isa/isa.h"
#include "model/tables.h"
#include <ctype.h>
#include <stdlib.h>

enum { TYPE_DEPTH = 32 };	/* of pointers to pointers */

struct symbol { u64 addr; const char *name; u32 bytes; };	/* not ended */

struct prog_text {
	struct strbuf *out;
	struct json *j;
	const struct prog_dump_opts *o;
	struct live_code code;
	struct arena arena;
	struct btf *btf;	/* NULL: none */
	struct os_file syms;	/* /proc/kallsyms */
	u64 base;		/* from which calls count; 0 not known */
	VEC(struct symbol) called;	/* in order of their addresses */
	u32 func, lines;	/* the next function, how many lines were printed */
	struct strbuf text;
	bool by_place;		/* calls within the program have no name */
};

/* ---- symbols ---------------------------------------------------------------------- */

static bool is_subcall(const struct bpf_insn *i) { return i->src_reg == BPF_PSEUDO_CALL; }

static bool is_call(const struct bpf_insn *i) { return i->code == (BPF_JMP | BPF_CALL); }

/* Where a call goes; 0 when that is not known. */
static u64 call_address(const struct prog_text *d, const struct bpf_insn *i)
{
	if (is_subcall(i))
		return (u32)i->imm < d->code.nr_ksyms ? d->code.ksyms[i->imm] : 0;
	return d->base ? d->base + (u64)(s64)i->imm : 0;
}

static int by_address(const void *a, const void *b)
{
	u64 x = ((const struct symbol *)a)->addr, y = ((const struct symbol *)b)->addr;

	return x < y ? -1 : x > y;
}

static struct symbol *symbol_at(const struct prog_text *d, u64 addr)
{
	const struct symbol key = { .addr = addr };

	return d->called.n ? bsearch(&key, d->called.v, d->called.n, sizeof(key), by_address) :
	       NULL;
}

static void want_calls(struct prog_text *d)
{
	size_t n = 0;

	for (u32 i = 0; i < d->code.nr_insns; i += isa_slots(&d->code.insns[i]))
		if (is_call(&d->code.insns[i]) && call_address(d, &d->code.insns[i]))
			*vec_push(&d->called) = (struct symbol){
				.addr = call_address(d, &d->code.insns[i]) };
	if (d->called.n)
		qsort(d->called.v, d->called.n, sizeof(*d->called.v), by_address);
	for (size_t i = 0; i < d->called.n; i++)
		if (!n || d->called.v[n - 1].addr != d->called.v[i].addr)
			d->called.v[n++] = d->called.v[i];
	d->called.n = n;
}

/* Calls FN with each line's address and name. */
static void each_symbol(struct prog_text *d,
			void (*fn)(struct prog_text *d, u64 addr, const char *name, u32 bytes))
{
	const char *p = (const char *)d->syms.data, *end = p + d->syms.size, *nl;
	u64 addr;

	for (; p < end && (nl = memchr(p, '\n', (size_t)(end - p))); p = nl + 1) {
		for (addr = 0; p < nl && isxdigit((unsigned char)*p); p++)
			addr = addr << 4 | (u64)(*p <= '9' ? *p - '0' : (*p | 32) - 'a' + 10);
		p += 3;		/* " T " */
		if (p < nl)
			fn(d, addr, p, (u32)strcspn(p, "\t\n "));
	}
}

static void take_base(struct prog_text *d, u64 addr, const char *name, u32 bytes)
{
	static const char is[] = "__bpf_call_base";

	if (bytes == sizeof(is) - 1 && !memcmp(name, is, bytes))
		d->base = addr;
}

static void take_name(struct prog_text *d, u64 addr, const char *name, u32 bytes)
{
	struct symbol *s = symbol_at(d, addr);

	if (s && !s->name) {
		s->name = name;
		s->bytes = bytes;
	}
}

static void read_symbols(struct prog_text *d)
{
	bool any = false;

	for (u32 i = 0; i < d->code.nr_insns; i += isa_slots(&d->code.insns[i]))
		any |= is_call(&d->code.insns[i]);
	if (!any || os_file_read(&d->syms, "/proc/kallsyms", NULL))
		return;
	each_symbol(d, take_base);
	want_calls(d);
	each_symbol(d, take_name);
}

/* ---- instructions ------------------------------------------------------------------ */

static void put_subcall(const struct prog_text *d, struct strbuf *out, const struct bpf_insn *i)
{
	u64 addr = call_address(d, i);
	const struct symbol *s = symbol_at(d, addr);

	sb_printf(out, "pc%+d", d->code.nr_ksyms || i->off ? i->off : i->imm);
	if (d->by_place)
		return;
	if (s && s->name)
		sb_printf(out, "#%.*s", (int)s->bytes, s->name);
	else if (addr)
		sb_printf(out, "#0x%llx", (unsigned long long)addr);
}

static void put_helper(const struct prog_text *d, struct strbuf *out, const struct bpf_insn *i)
{
	const struct helper_row *row = i->src_reg ? NULL : helper_row((u32)i->imm);
	u64 addr = call_address(d, i);
	const struct symbol *s = symbol_at(d, addr);

	if (row)
		sb_printf(out, "bpf_%s", row->name);
	else if (s && s->name)
		sb_add(out, s->name, s->bytes);
	else if (addr)
		sb_printf(out, "0x%llx", (unsigned long long)addr);
	else
		sb_puts(out, i->src_reg ? "kernel-function" : "unknown");
	sb_printf(out, "#%d", i->imm);
}

static void put_load(struct strbuf *out, const struct bpf_insn *i)
{
	switch (i->src_reg) {
	case BPF_PSEUDO_MAP_FD:
		sb_printf(out, "map[id:%d]", i->imm);
		break;
	case BPF_PSEUDO_MAP_VALUE:
		sb_printf(out, "map[id:%d][0]+%u", i->imm, (u32)i[1].imm);
		break;
	case BPF_PSEUDO_FUNC:
		sb_printf(out, "subprog[%+d]", i->imm);
		break;
	default:
		sb_printf(out, "0x%llx", (unsigned long long)(u32)i->imm |
			  (unsigned long long)(u32)i[1].imm << 32);
	}
}

static bool put_name(void *arg, struct strbuf *out, const struct bpf_insn *i)
{
	const struct prog_text *d = arg;

	if (isa_is_lddw(i))
		put_load(out, i);
	else if (is_subcall(i))
		put_subcall(d, out, i);
	else
		put_helper(d, out, i);
	return true;
}

static void json_hex(struct json *j, const char *key, const u8 *p, u32 n)
{
	char text[8];

	json_arr(j, key);
	for (u32 i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "0x%02x", p[i]);
		json_str(j, NULL, text);
	}
	json_arr_end(j);
}

static void json_opcodes(struct json *j, const struct bpf_insn *i, unsigned slots)
{
	const u8 *bytes = (const u8 *)i;
	char text[8];

	json_obj(j, "opcodes");
	snprintf(text, sizeof(text), "0x%02x", i->code);
	json_str(j, "code", text);
	snprintf(text, sizeof(text), "0x%x", i->src_reg);
	json_str(j, "src_reg", text);
	snprintf(text, sizeof(text), "0x%x", i->dst_reg);
	json_str(j, "dst_reg", text);
	json_hex(j, "off", bytes + 2, 2);
	json_hex(j, "imm", bytes + 4, slots * (u32)sizeof(*i) - 4);
	json_obj_end(j);
}

static void print_opcodes(struct strbuf *out, const struct bpf_insn *i, unsigned slots)
{
	const u8 *bytes = (const u8 *)i;

	sb_puts(out, "       ");
	for (u32 n = 0; n < slots * sizeof(*i); n++)
		sb_printf(out, "%s%02x", n ? " " : "", bytes[n]);
	sb_putc(out, '\n');
}

/* ---- prototypes -------------------------------------------------------------------- */

static void put_type(struct strbuf *out, const struct btf *btf, u32 id, u32 depth);

static void put_args(struct strbuf *out, const struct btf *btf, const struct btf_type *proto,
		     u32 depth)
{
	const struct btf_param *arg = (const struct btf_param *)(proto + 1);

	sb_putc(out, '(');
	for (u32 i = 0; i < btf_vlen(proto); i++) {
		sb_puts(out, i ? ", " : "");
		if (!arg[i].type && !arg[i].name_off) {
			sb_puts(out, "...");
			continue;
		}
		put_type(out, btf, arg[i].type, depth);
		if (!arg[i].name_off && out->n && out->s[out->n - 1] == ' ')
			out->n--;
		sb_puts(out, btf_str(btf, arg[i].name_off));
	}
	sb_putc(out, ')');
}

static void put_array(struct strbuf *out, const struct btf *btf, const struct btf_type *t,
		      u32 depth)
{
	const struct btf_array *a = (const struct btf_array *)(t + 1);

	put_type(out, btf, a->type, depth);
	sb_printf(out, "[%u]", a->nelems);
}

/* What stands before the name in a declaration, with a space at its end. */
static void put_type(struct strbuf *out, const struct btf *btf, u32 id, u32 depth)
{
	const struct btf_type *t = id && id < btf->nr_types ? btf_type(btf, id) : NULL;
	const char *name = t ? btf_str(btf, t->name_off) : "void";

	if (depth > TYPE_DEPTH)
		return;
	switch (t ? btf_kind(t) : BTF_KIND_INT) {
	case BTF_KIND_STRUCT: sb_printf(out, "struct %s ", name); break;
	case BTF_KIND_UNION: sb_printf(out, "union %s ", name); break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64: sb_printf(out, "enum %s ", name); break;
	case BTF_KIND_FWD:
		sb_printf(out, "%s %s ", btf_kflag(t) ? "union" : "struct", name);
		break;
	case BTF_KIND_ARRAY: put_array(out, btf, t, depth + 1); break;
	case BTF_KIND_PTR:
		put_type(out, btf, t->type, depth + 1);
		sb_puts(out, "* ");
		break;
	case BTF_KIND_CONST:
		sb_puts(out, "const ");
		put_type(out, btf, t->type, depth + 1);
		break;
	case BTF_KIND_VOLATILE:
		sb_puts(out, "volatile ");
		put_type(out, btf, t->type, depth + 1);
		break;
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG: put_type(out, btf, t->type, depth + 1); break;
	case BTF_KIND_FUNC_PROTO:
		put_type(out, btf, t->type, depth + 1);
		put_args(out, btf, t, depth + 1);
		break;
	default: sb_printf(out, "%s ", name);
	}
}

void prog_type_text(struct strbuf *out, const struct btf *btf, u32 proto)
{
	const struct btf_type *t = btf_type(btf, proto);

	put_type(out, btf, t->type, 0);
	put_args(out, btf, t, 0);
}

/* "int f(struct xdp_md * ctx)" of a function; nothing when types do not say. */
static const char *prototype(struct prog_text *d, u32 id)
{
	const struct btf_type *f = id < d->btf->nr_types ? btf_type(d->btf, id) : NULL, *proto;

	sb_reset(&d->text);
	if (!f || btf_kind(f) != BTF_KIND_FUNC)
		return "";
	proto = btf_type(d->btf, f->type);
	put_type(&d->text, d->btf, proto->type, 0);
	sb_puts(&d->text, btf_str(d->btf, f->name_off));
	put_args(&d->text, d->btf, proto, 0);
	return sb_text(&d->text);
}

static void put_function(struct prog_text *d, u32 at)
{
	const struct live_code *c = &d->code;
	const char *proto;

	if (!d->btf || d->func >= c->nr_funcs || c->funcs[d->func].insn_off != at)
		return;
	proto = prototype(d, c->funcs[d->func++].type_id);
	if (*proto && d->o->json)
		json_str(d->j, "proto", proto);
	else if (*proto)
		sb_printf(d->out, "%s:\n", proto);
}

/* ---- lines ------------------------------------------------------------------------ */

/* The line of instruction AT, the last at or before it of those that were not printed. */
static const struct bpf_line_info *line_at(const struct prog_text *d, u32 at)
{
	const struct live_code *c = &d->code;
	u32 i = d->lines;

	while (i < c->nr_lines && c->lines[i].insn_off <= at)
		i++;
	return i > d->lines ? &c->lines[i - 1] : NULL;
}

static void json_line(struct prog_text *d, const struct bpf_line_info *l, const char *text)
{
	json_str(d->j, "src", text);
	if (!d->o->linum)
		return;
	json_str(d->j, "file", btf_str(d->btf, l->file_name_off));
	if (BPF_LINE_INFO_LINE_NUM(l->line_col))
		json_u64(d->j, "line_num", BPF_LINE_INFO_LINE_NUM(l->line_col));
	if (BPF_LINE_INFO_LINE_COL(l->line_col))
		json_u64(d->j, "line_col", BPF_LINE_INFO_LINE_COL(l->line_col));
}

static void print_line(struct prog_text *d, const struct bpf_line_info *l, const char *text)
{
	sb_printf(d->out, "; %s", text);
	if (d->o->linum)
		sb_printf(d->out, " [file:%s line_num:%u line_col:%u]",
			  btf_str(d->btf, l->file_name_off), BPF_LINE_INFO_LINE_NUM(l->line_col),
			  BPF_LINE_INFO_LINE_COL(l->line_col));
	sb_putc(d->out, '\n');
}

static void put_line(struct prog_text *d, u32 at)
{
	const struct bpf_line_info *l = d->btf ? line_at(d, at) : NULL;
	const char *text;

	if (!l)
		return;
	d->lines++;
	text = btf_str(d->btf, l->line_off);
	while (isspace((unsigned char)*text))
		text++;
	if (d->o->json)
		json_line(d, l, text);
	else
		print_line(d, l, text);
}

/* ---- all of it -------------------------------------------------------------------- */

static void json_insn(struct prog_text *d, u32 at, unsigned slots)
{
	const struct bpf_insn *i = &d->code.insns[at];

	json_obj(d->j, NULL);
	put_function(d, at);
	put_line(d, at);
	sb_reset(&d->text);
	isa_disasm_kernel(&d->text, i, put_name, d);
	json_str(d->j, "disasm", sb_text(&d->text));
	if (d->o->opcodes)
		json_opcodes(d->j, i, slots);
	json_obj_end(d->j);
}

static void print_insn(struct prog_text *d, u32 at, unsigned slots)
{
	const struct bpf_insn *i = &d->code.insns[at];

	put_function(d, at);
	put_line(d, at);
	sb_printf(d->out, "%4u: ", at);
	isa_disasm_kernel(d->out, i, put_name, d);
	sb_putc(d->out, '\n');
	if (d->o->opcodes)
		print_opcodes(d->out, i, slots);
}

static void put_insns(struct prog_text *d)
{
	unsigned slots;

	for (u32 at = 0; at < d->code.nr_insns; at += slots) {
		slots = isa_slots(&d->code.insns[at]);
		if (at + slots > d->code.nr_insns)
			slots = 1;	/* room for a second one is there */
		if (d->o->json)
			json_insn(d, at, slots);
		else
			print_insn(d, at, slots);
	}
}

static int text_open(struct prog_text *d, const struct live_prog *p, struct skep_err *err)
{
	struct skep_err unused;
	int r = live_code_read(&d->code, p->fd, err);

	if (r)
		return r;
	if (p->btf_id && live_btf(&d->btf, &d->arena, p->btf_id, NULL, &unused))
		d->btf = NULL;
	read_symbols(d);
	return 0;
}

static void text_close(struct prog_text *d)
{
	if (d->syms.data)
		os_file_close(&d->syms);
	vec_free(&d->called);
	sb_free(&d->text);
	live_code_free(&d->code);
	arena_free(&d->arena);
}

int prog_text_open(struct prog_text **out, const struct live_prog *p, struct skep_err *err)
{
	int r;

	*out = mem_alloc(sizeof(**out));
	(*out)->by_place = true;
	r = text_open(*out, p, err);
	if (!r)
		return 0;
	prog_text_close(*out);
	*out = NULL;
	return r;
}

void prog_text_close(struct prog_text *t)
{
	if (t)
		text_close(t);
	free(t);
}

const struct live_code *prog_text_code(const struct prog_text *t) { return &t->code; }

const struct btf *prog_text_types(const struct prog_text *t) { return t->btf; }

const char *prog_text_proto(struct prog_text *t, u32 id)
{
	return t->btf ? prototype(t, id) : "";
}

void prog_text_insn(struct prog_text *t, struct strbuf *out, u32 at)
{
	isa_disasm_kernel(out, &t->code.insns[at], put_name, t);
}

int prog_dump(struct strbuf *out, struct json *j, const struct live_prog *p,
	      const struct prog_dump_opts *o, struct skep_err *err)
{
	struct prog_text d = { .out = out, .j = j, .o = o };
	int r = text_open(&d, p, err);

	if (!r)
		put_insns(&d);
	text_close(&d);
	return r;
}
