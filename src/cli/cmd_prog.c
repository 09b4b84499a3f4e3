/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_prog.c: programs that the running kernel has, in bpftool's grammar: which commands
 * there are, and the short ones: shows and pins programs, attaches them to socket maps and
 * the flow dissector of this name space. The longer ones are in prog_*.c.
 */
#include "cli/prog_cmd.h"
#include "cli/user_view.h"
#include <unistd.h>

/* ---- show -------------------------------------------------------------------------- */

static void show_prog(void *arg, const struct live_prog *p)
{
	struct tool *t = arg;

	if (t->form.json)
		prog_json_facts(&t->j, p, &t->pins);
	else
		prog_print_facts(&t->out, p, &t->pins);
}

static int show_progs(struct tool *t)
{
	struct prog_list l = { 0 };
	int r = prog_list_parse(&l, &t->w, &t->err);
	bool one = l.n == 1;

	if (!r)
		r = tool_no_more(t);
	if (!r)
		tool_begin(t, one);
	for (size_t i = 0; !r && i < l.n; i++)
		show_prog(t, &l.v[i]);
	prog_list_free(&l);
	return r ? r : tool_end(t, one);
}

static int prog_show(struct tool *t)
{
	bool user;
	int r = user_wanted(t->on, &user, &t->err);

	if (r || user)
		return r ? r : tool_show_user(t, USER_PROG);
	tool_pins(t);
	if (word_peek(&t->w))
		return show_progs(t);
	tool_begin(t, false);
	r = prog_each(show_prog, t, &t->err);
	return r ? r : tool_end(t, false);
}

/* ---- pin --------------------------------------------------------------------------- */

static int prog_pin(struct tool *t)
{
	int fd = prog_parse(&t->w, &t->err), r;

	if (fd < 0)
		return fd;
	r = tool_pin(t, fd, "the program");
	close(fd);
	return r;
}

/* ---- attach ------------------------------------------------------------------------- */

/* What programs are attached to by id, without a link. */
static const struct place { const char *name, *other; u32 type; bool on_map; } places[] = {
	{ "sk_msg_verdict", "msg_verdict", BPF_SK_MSG_VERDICT, true },
	{ "sk_skb_verdict", "skb_verdict", 38, true },
	{ "sk_skb_stream_verdict", "stream_verdict", BPF_SK_SKB_STREAM_VERDICT, true },
	{ "sk_skb_stream_parser", "stream_parser", BPF_SK_SKB_STREAM_PARSER, true },
	{ "flow_dissector", "flow_dissector", BPF_FLOW_DISSECTOR, false },
};

static int no_place(const char *word, struct skep_err *err)
{
	const char *names[ARRAY_LEN(places)], *near;
	int r = err_set(err, ERR_USAGE, NULL, "%s%s%s: programs are attached here as "
			"sk_msg_verdict, sk_skb_verdict, sk_skb_stream_verdict, "
			"sk_skb_stream_parser or flow_dissector", word ? "'" : "",
			word ? word : "as what", word ? "'" : "?");

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		names[i] = places[i].name;
	near = word ? err_nearest(word, names, ARRAY_LEN(places)) : NULL;
	if (near)
		err_help(err, "did you mean %s?", near);
	err_help(err, "`%s attach OBJ` attaches programs of all other types", "skep");
	return r;
}

static const struct place *find_place(const char *word)
{
	for (size_t i = 0; word && i < ARRAY_LEN(places); i++)
		if (!strcmp(places[i].name, word) || !strcmp(places[i].other, word))
			return &places[i];
	return NULL;
}

/* The map that must follow; 0 for a place that takes none, though one is read as well. */
static int parse_target(struct tool *t, const struct place *p)
{
	struct map_list l = { 0 };
	int r, fd = 0;

	if (!p->on_map && !word_peek(&t->w))
		return 0;
	r = map_list_parse(&l, &t->w, &t->err);
	if (!r && (l.n > 1 || l.v[0].fd < 0))
		r = err_set(&t->err, ERR_LIVE, NULL, "%s", l.n > 1 ? "several maps are called so; "
			    "give an id" : "that is a map of the embedded engine");
	if (!r && p->on_map) {
		fd = l.v[0].fd;
		l.v[0].fd = -1;
	}
	map_list_free(&l);
	return r ? r : fd;
}

static int attach(struct tool *t, int prog, bool on)
{
	const char *word = word_next(&t->w);
	const struct place *p = find_place(word);
	int map = p ? parse_target(t, p) : no_place(word, &t->err), r;

	if (map < 0)
		return map;
	r = tool_no_more(t);
	if (!r)
		r = live_prog_attach(prog, map, p->type, on, p->name, &t->err);
	if (map)
		close(map);
	return r ? r : tool_done(t);
}

static int attach_or_detach(struct tool *t, bool on)
{
	int prog = prog_parse(&t->w, &t->err), r;

	if (prog < 0)
		return prog;
	r = attach(t, prog, on);
	close(prog);
	return r;
}

static int prog_attach(struct tool *t) { return attach_or_detach(t, true); }
static int prog_detach(struct tool *t) { return attach_or_detach(t, false); }

/* ---- commands ------------------------------------------------------------------------ */

int cmd_prog(const struct command *cmd, int argc, char **argv)
{
	static const struct tool_command rows[] = {
		{ "show", "[PROG]", prog_show },
		{ "list", "[PROG]", prog_show },
		{ "help", "", tool_help },
		{ "dump", "xlated PROG [file FILE|opcodes|linum|visual]", prog_dump_command },
		{ "dump", "jited PROG [file FILE|opcodes|linum]", prog_dump_command },
		{ "pin", "PROG FILE", prog_pin },
		{ "load", "OBJ PATH [type TYPE] [map {idx N|name NAME} MAP] "
		  "[offload_dev NAME|xdpmeta_dev NAME] [pinmaps DIR] [autoattach] "
		  "[kernel_btf FILE]", prog_load_first },
		{ "loadall", "OBJ DIR [as above]", prog_load_all },
		{ "attach", "PROG ATTACH_TYPE [MAP]", prog_attach },
		{ "detach", "PROG ATTACH_TYPE [MAP]", prog_detach },
		{ "run", "PROG [data_in FILE [data_out FILE [data_size_out N]]] [ctx_in FILE "
		  "[ctx_out FILE [ctx_size_out N]]] [repeat N]", prog_run },
		{ "tracelog", "[stdout PROG|stderr PROG]", prog_tracelog },
		{ "profile", "PROG [duration SECONDS] METRIC...", prog_profile },
	};
	static const struct tool_kind kind = {
		"prog", "programs", rows, ARRAY_LEN(rows),
		"PROG is id N, name NAME, tag TAG or pinned FILE; MAP is id N, name NAME or pinned "
		"FILE.\nATTACH_TYPE is sk_msg_verdict, sk_skb_verdict, sk_skb_stream_verdict, "
		"sk_skb_stream_parser\n(of a socket map) or flow_dissector (of this name space). "
		"METRIC is cycles,\ninstructions, l1d_loads, llc_misses, itlb_misses or "
		"dtlb_misses. A FILE \"-\" is standard\ninput or output.\n",
		"jpfdLnmlU",
	};

	return tool_main(&kind, cmd, argc, argv);
}
