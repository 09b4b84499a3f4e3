/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_link.c: links of the running kernel, in bpftool's grammar: shows, pins and detaches
 * them.
 */
#include "cli/prog_cmd.h"
#include "cli/user_view.h"

static void show_link(void *arg, const struct live_link *l)
{
	struct tool *t = arg;

	if (t->form.json)
		link_json_facts(&t->j, l, &t->pins);
	else
		link_print_facts(&t->out, l, &t->pins);
}

static int show_links(struct tool *t)
{
	struct link_list l = { 0 };
	int r = link_list_parse(&l, &t->w, &t->err);

	if (!r)
		r = tool_no_more(t);
	if (!r)
		show_link(t, &l.v[0]);
	link_list_free(&l);
	return r ? r : tool_end(t, true);
}

static int link_show(struct tool *t)
{
	bool user;
	int r = user_wanted(t->on, &user, &t->err);

	if (r || user)
		return r ? r : tool_show_user(t, USER_LINK);
	tool_pins(t);
	if (word_peek(&t->w))
		return show_links(t);
	tool_begin(t, false);
	r = link_each(show_link, t, &t->err);
	return r ? r : tool_end(t, false);
}

static int link_pin(struct tool *t)
{
	struct link_list l = { 0 };
	int r = link_list_parse(&l, &t->w, &t->err);

	if (!r)
		r = tool_pin(t, l.v[0].fd, "the link");
	link_list_free(&l);
	return r;
}

static int link_detach_command(struct tool *t)
{
	struct link_list l = { 0 };
	int r = link_list_parse(&l, &t->w, &t->err);

	if (!r)
		r = tool_no_more(t);
	if (!r)
		r = live_link_detach(&l.v[0], &t->err);
	link_list_free(&l);
	return r ? r : tool_done(t);
}

int cmd_link(const struct command *cmd, int argc, char **argv)
{
	static const struct tool_command rows[] = {
		{ "show", "[LINK]", link_show },
		{ "list", "[LINK]", link_show },
		{ "help", "", tool_help },
		{ "pin", "LINK FILE", link_pin },
		{ "detach", "LINK", link_detach_command },
	};
	static const struct tool_kind kind = {
		"link", "links", rows, ARRAY_LEN(rows), "LINK is id N or pinned FILE.\n", "jpfnU",
	};

	return tool_main(&kind, cmd, argc, argv);
}
