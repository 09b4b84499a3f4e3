/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prog_jited.c: `skep prog dump jited`: native code of a program of the kernel: function by
 * function, the source line before what was made of it. Instructions are read by
 * libcapstone; without it bytes are all there is.
 */
#include "cli/machine.h"
#include "cli/prog_view.h"
#include <ctype.h>
#include <stdlib.h>
#include <sys/utsname.h>

struct native {
	struct strbuf *out;
	struct json *j;
	const struct prog_dump_opts *o;
	struct live_jit jit;
	struct prog_text *text;	/* for prototypes; NULL: not shown */
	struct machine *machine;
	struct os_file syms;	/* /proc/kallsyms */
	struct strbuf insn;
	u32 line;		/* the next one */
};

/* ---- names -------------------------------------------------------------------------- */

/* The symbol at ADDR as "bpf_prog_TAG_NAME", for free(), or NULL. */
static char *name_at(const struct native *n, u64 addr)
{
	const char *p = (const char *)n->syms.data, *end = p + n->syms.size, *nl;

	for (; addr && p < end && (nl = memchr(p, '\n', (size_t)(end - p))); p = nl + 1) {
		u64 at = 0;

		for (; isxdigit((unsigned char)*p); p++)
			at = at << 4 | (u64)(*p <= '9' ? *p - '0' : (*p | 32) - 'a' + 10);
		if (at == addr && nl - p > 3)
			return strndup(p + 3, strcspn(p + 3, "\t\n "));
	}
	return NULL;
}

static void put_name(struct native *n, u32 func)
{
	u64 addr = func < n->jit.nr_ksyms ? n->jit.ksyms[func] : 0;
	char *name = name_at(n, addr), number[32];

	snprintf(number, sizeof(number), "0x%llx", (unsigned long long)addr);
	if (n->j)
		json_str(n->j, "name", name ? name : number);
	else
		sb_printf(n->out, "%s:\n", name ? name : number);
	free(name);
}

static void put_proto(struct native *n, u32 func)
{
	const char *proto = n->text && func < n->jit.nr_types ?
		prog_text_proto(n->text, n->jit.funcs[func].type_id) : "";

	if (*proto && n->j)
		json_str(n->j, "proto", proto);
	else if (*proto)
		sb_printf(n->out, "%s:\n", proto);
}

/* ---- lines ---------------------------------------------------------------------------- */

static void json_source(struct native *n, const struct bpf_line_info *l, const char *text)
{
	const struct btf *btf = prog_text_types(n->text);

	json_str(n->j, "src", text);
	if (!n->o->linum)
		return;
	json_str(n->j, "file", btf_str(btf, l->file_name_off));
	json_u64(n->j, "line_num", BPF_LINE_INFO_LINE_NUM(l->line_col));
	json_u64(n->j, "line_col", BPF_LINE_INFO_LINE_COL(l->line_col));
}

/* The line whose code begins at ADDR, the last of several. */
static void put_line(struct native *n, u64 addr)
{
	const struct btf *btf = n->text ? prog_text_types(n->text) : NULL;
	const struct bpf_line_info *l = NULL;
	const char *text;

	while (n->line < n->jit.nr_lines && n->jit.line_addrs[n->line] <= addr)
		if (n->jit.line_addrs[n->line++] == addr)
			l = &n->jit.lines[n->line - 1];
	if (!l || !btf)
		return;
	text = btf_str(btf, l->line_off);
	while (isspace((unsigned char)*text))
		text++;
	if (n->j) {
		json_source(n, l, text);
		return;
	}
	sb_printf(n->out, "; %s", text);
	if (n->o->linum)
		sb_printf(n->out, " [file:%s line_num:%u line_col:%u]",
			  btf_str(btf, l->file_name_off), BPF_LINE_INFO_LINE_NUM(l->line_col),
			  BPF_LINE_INFO_LINE_COL(l->line_col));
	sb_putc(n->out, '\n');
}

/* ---- instructions ------------------------------------------------------------------------ */

static void json_opcodes(struct native *n, const u8 *code, u32 bytes)
{
	char text[8];

	json_arr(n->j, "opcodes");
	for (u32 i = 0; i < bytes; i++) {
		snprintf(text, sizeof(text), "0x%02x", code[i]);
		json_str(n->j, NULL, text);
	}
	json_arr_end(n->j);
}

/* "mov %rsp, %rbp" as an operation and its operands: what stands between commas that are
 * not in parentheses. */
static void json_insn(struct native *n, const char *text)
{
	size_t len = strcspn(text, " "), depth = 0;
	const char *from, *p;

	json_strn(n->j, "operation", text, len);
	json_arr(n->j, "operands");
	for (p = from = text + len + (text[len] == ' '); *from; p++) {
		depth += *p == '(';
		depth -= *p == ')' && depth;
		if (*p && (*p != ',' || depth))
			continue;
		json_strn(n->j, NULL, from, (size_t)(p - from));
		from = *p ? p + 1 + (p[1] == ' ') : p;
		if (!*p)
			break;
		p = from - 1;
	}
	json_arr_end(n->j);
}

static u32 put_insn(struct native *n, const u8 *code, u32 bytes, u32 at, u64 base)
{
	char pc[16];
	u32 len;

	sb_reset(&n->insn);
	len = machine_text(n->machine, &n->insn, code + at, bytes - at, base + at);
	if (!n->j) {
		put_line(n, base + at);
		sb_printf(n->out, "%4x:\t%s\n", at, sb_text(&n->insn));
		if (n->o->opcodes) {
			sb_putc(n->out, '\t');
			for (u32 i = 0; i < len; i++)
				sb_printf(n->out, "%s%02x", i ? " " : "", code[at + i]);
			sb_putc(n->out, '\n');
		}
		return len;
	}
	json_obj(n->j, NULL);
	put_line(n, base + at);
	snprintf(pc, sizeof(pc), "0x%x", at);
	json_str(n->j, "pc", pc);
	json_insn(n, sb_text(&n->insn));
	if (n->o->opcodes)
		json_opcodes(n, code + at, len);
	json_obj_end(n->j);
	return len;
}

static void put_function(struct native *n, u32 func, const u8 *code, u32 bytes)
{
	u64 base = func < n->jit.nr_ksyms ? n->jit.ksyms[func] : 0;

	if (n->j)
		json_obj(n->j, NULL);
	put_proto(n, func);
	put_name(n, func);
	if (n->j)
		json_arr(n->j, "insns");
	n->line = 0;
	for (u32 at = 0; at < bytes;)
		at += put_insn(n, code, bytes, at, base);
	if (n->j) {
		json_arr_end(n->j);
		json_obj_end(n->j);
	} else {
		sb_putc(n->out, '\n');
	}
}

static void put_functions(struct native *n)
{
	const u32 count = n->jit.nr_funcs ? n->jit.nr_funcs : 1;
	u32 at = 0;

	for (u32 i = 0; i < count; i++) {
		u32 bytes = n->jit.nr_funcs ? n->jit.lens[i] : n->jit.nr_bytes;

		put_function(n, i, n->jit.bytes + at, bytes);
		at += bytes;
	}
}

int prog_dump_jited(struct strbuf *out, struct json *j, const struct live_prog *p,
		    const struct prog_dump_opts *o, struct skep_err *err)
{
	struct native n = { .out = out, .j = j, .o = o };
	int r = live_jit_read(&n.jit, p->fd, err);
	struct skep_err unused;
	struct utsname u;

	if (!r) {
		uname(&u);
		if (!strcmp(u.machine, "x86_64") || !strcmp(u.machine, "aarch64"))
			n.machine = machine_open(u.machine);
		machine_att(n.machine);
		prog_text_open(&n.text, p, &unused);
		if (os_file_read(&n.syms, "/proc/kallsyms", NULL))
			n.syms = (struct os_file){ 0 };
		put_functions(&n);
	}
	machine_close(n.machine);
	prog_text_close(n.text);
	if (n.syms.data)
		os_file_close(&n.syms);
	sb_free(&n.insn);
	live_jit_free(&n.jit);
	return r;
}
