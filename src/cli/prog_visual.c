/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prog_visual.c: how control flows through a program of the kernel, in DOT, as bpftool
 * prints it: a cluster for each function, a node for each run of instructions that is
 * entered at its first and left at its last.
 */
#include "cli/prog_view.h"
#include "isa/isa.h"
#include <linux/bpf.h>
#include <stdlib.h>

enum { ENTRY, EXIT, FIRST };	/* numbers of nodes */

struct graph {
	struct strbuf *out;
	struct prog_text *text;
	const struct bpf_insn *insns;
	u32 n;
	u8 *marks;		/* [n + 1] */
	u32 *nodes;		/* [n + 1] the node that begins there */
	struct strbuf line;
};

enum mark { FUNCTION = 1, BLOCK = 2 };	/* begins here */

static bool is_jump(const struct bpf_insn *i)
{
	u8 class = BPF_CLASS(i->code), op = BPF_OP(i->code);

	return (class == BPF_JMP && op != BPF_CALL) || class == BPF_JMP32;
}

static bool is_exit(const struct bpf_insn *i) { return i->code == (BPF_JMP | BPF_EXIT); }

static bool is_goto(const struct bpf_insn *i)
{
	return is_jump(i) && BPF_OP(i->code) == BPF_JA;
}

/* Where the jump at AT leads: JMP32 | JA has its distance in imm. */
static u32 target(const struct graph *g, u32 at)
{
	const struct bpf_insn *i = &g->insns[at];
	s64 to = (s64)at + 1 + (i->code == (BPF_JMP32 | BPF_JA) ? i->imm : i->off);

	return to < 0 || to > g->n ? g->n : (u32)to;
}

/* The function that the instruction at AT calls, or gives to be called; 0: none. */
static u32 callee(const struct graph *g, u32 at)
{
	const struct bpf_insn *i = &g->insns[at];
	s64 to = -1;

	if (i->code == (BPF_JMP | BPF_CALL) && i->src_reg == BPF_PSEUDO_CALL)
		to = (s64)at + 1 + (i->off ? i->off : i->imm);
	else if (isa_is_lddw(i) && i->src_reg == BPF_PSEUDO_FUNC)
		to = (s64)at + 1 + i->imm;
	return to <= 0 || to >= g->n ? 0 : (u32)to;
}

static void mark_all(struct graph *g)
{
	g->marks[0] = FUNCTION | BLOCK;
	for (u32 at = 0; at < g->n; at += isa_slots(&g->insns[at])) {
		if (callee(g, at))
			g->marks[callee(g, at)] |= FUNCTION | BLOCK;
		if (!is_jump(&g->insns[at]))
			continue;
		g->marks[at + 1] |= BLOCK;
		if (!is_exit(&g->insns[at]))
			g->marks[target(g, at)] |= BLOCK;
	}
}

/* ---- nodes ------------------------------------------------------------------------- */

/* What has a meaning in a label of this shape is escaped. */
static void put_label(struct strbuf *out, const char *s)
{
	for (; *s; s++) {
		if (strchr("\"\\<>{}|&", *s))
			sb_putc(out, '\\');
		sb_putc(out, *s);
	}
}

static void put_end_node(struct graph *g, u32 fn, u32 node)
{
	sb_printf(g->out, "\tfn_%u_bb_%u [shape=Mdiamond,style=filled,label=\"%s\"];\n\n", fn,
		  node, node == ENTRY ? "ENTRY" : "EXIT");
}

/* The instructions from AT to the end of its block, numbered from START; where that is. */
static u32 put_node(struct graph *g, u32 fn, u32 start, u32 at)
{
	bool first = true;

	sb_printf(g->out, "\tfn_%u_bb_%u [shape=record,style=filled,label=\"{", fn, g->nodes[at]);
	do {
		sb_printf(g->out, "%s%4u: ", first ? "" : " | ", at - start);
		sb_reset(&g->line);
		prog_text_insn(g->text, &g->line, at);
		put_label(g->out, sb_text(&g->line));
		sb_puts(g->out, "\\l\\\n");
		first = false;
		at += isa_slots(&g->insns[at]);
	} while (at < g->n && !g->marks[at]);
	sb_puts(g->out, "}\"];\n\n");
	return at;
}

/* ---- edges -------------------------------------------------------------------------- */

static void put_edge(struct graph *g, u32 fn, u32 from, u32 to)
{
	sb_printf(g->out, "\tfn_%u_bb_%u:s -> fn_%u_bb_%u:n [style=\"solid,bold\", color=black, "
		  "weight=10, constraint=true];\n", fn, from, fn, to);
}

/* What may follow the block of NODE whose last instruction is LAST and that ends at END. */
static void put_edges(struct graph *g, u32 fn, u32 node, u32 last, u32 end, u32 func_end)
{
	const struct bpf_insn *i = &g->insns[last];
	u32 to;

	if (is_exit(i)) {
		put_edge(g, fn, node, EXIT);
		return;
	}
	if (!is_goto(i) && end < func_end)
		put_edge(g, fn, node, g->nodes[end]);
	to = is_jump(i) ? target(g, last) : func_end;
	if (to < func_end && g->nodes[to])
		put_edge(g, fn, node, g->nodes[to]);
}

static void put_all_edges(struct graph *g, u32 fn, u32 start, u32 end)
{
	u32 node = FIRST, last = start;

	put_edge(g, fn, ENTRY, FIRST);
	for (u32 at = start; at < end; at = last + isa_slots(&g->insns[last])) {
		last = at;
		if (g->nodes[at])
			node = g->nodes[at];
		if (last + isa_slots(&g->insns[last]) >= end ||
		    g->marks[last + isa_slots(&g->insns[last])])
			put_edges(g, fn, node, last, last + isa_slots(&g->insns[last]), end);
	}
	sb_printf(g->out, "\tfn_%u_bb_%u:s -> fn_%u_bb_%u:n [style=\"invis\", constraint=true];\n",
		  fn, ENTRY, fn, EXIT);
}

/* ---- functions ------------------------------------------------------------------------ */

static u32 function_end(const struct graph *g, u32 start)
{
	u32 at = start + 1;

	while (at < g->n && !(g->marks[at] & FUNCTION))
		at++;
	return at;
}

static void put_function(struct graph *g, u32 fn, u32 start, u32 end)
{
	u32 node = FIRST;

	for (u32 at = start; at < end; at++)
		if (g->marks[at])
			g->nodes[at] = node++;
	sb_printf(g->out, "subgraph \"cluster_%u\" {\n\tstyle=\"dashed\";\n\tcolor=\"black\";\n"
		  "\tlabel=\"func_%u ()\";\n", fn, fn);
	put_end_node(g, fn, ENTRY);
	for (u32 at = start; at < end;)
		at = put_node(g, fn, start, at);
	put_end_node(g, fn, EXIT);
	put_all_edges(g, fn, start, end);
	sb_puts(g->out, "}\n");
}

int prog_dump_graph(struct strbuf *out, const struct live_prog *p, struct skep_err *err)
{
	struct graph g = { .out = out };
	int r = prog_text_open(&g.text, p, err);
	u32 fn = 0;

	if (r)
		return r;
	g.insns = prog_text_code(g.text)->insns;
	g.n = prog_text_code(g.text)->nr_insns;
	g.marks = mem_alloc(g.n + 2);
	g.nodes = mem_alloc((g.n + 2) * sizeof(*g.nodes));
	mark_all(&g);
	sb_puts(out, "digraph \"DOT graph for eBPF program\" {\n");
	for (u32 at = 0, end; at < g.n; at = end) {
		end = function_end(&g, at);
		put_function(&g, fn++, at, end);
	}
	sb_puts(out, "}\n");
	free(g.marks);
	free(g.nodes);
	sb_free(&g.line);
	prog_text_close(g.text);
	return 0;
}
