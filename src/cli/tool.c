/* SPDX-License-Identifier: BSD-2-Clause */
/* tool.c: from words to a command of bpftool's grammar, and its output. */
#include "cli/tool.h"
#include "cli/user_view.h"

/* ---- output --------------------------------------------------------------------- */

int tool_finish(struct tool *t) { return view_finish(&t->form, &t->out); }

int tool_done(struct tool *t) { return view_done(&t->form, &t->out, &t->j); }

int tool_no_more(struct tool *t) { return words_end(&t->w, &t->err); }

void tool_begin(struct tool *t, bool one)
{
	if (t->form.json && !one)
		json_arr(&t->j, NULL);
}

int tool_end(struct tool *t, bool one)
{
	if (t->form.json && !one)
		json_arr_end(&t->j);
	return tool_finish(t);
}

int tool_show_user(struct tool *t, enum user_kind kind)
{
	const struct user_show s = { kind, t->form.json, &t->out, &t->j };
	int r;

	tool_begin(t, false);
	r = user_show(&s, &t->w, &t->err);
	return r ? r : tool_end(t, false);
}

int tool_word(struct tool *t, const char *what, const char **out)
{
	*out = word_next(&t->w);
	return *out ? 0 : err_set(&t->err, ERR_USAGE, NULL, "%s is missing", what);
}

int tool_pin(struct tool *t, int fd, const char *what)
{
	const char *path;
	int r = tool_word(t, "the pin's path", &path);

	if (!r)
		r = tool_no_more(t);
	if (!r && !t->no_mount)
		r = live_pins_mount(path, &t->err);
	if (!r)
		r = live_pin_as(fd, what, path, &t->err);
	return r ? r : tool_done(t);
}

void tool_pins(struct tool *t)
{
	if (t->form.pins)
		live_pins_read(&t->pins);
}

/* ---- help ------------------------------------------------------------------------ */

enum { COLUMNS = 98 };

/* USAGE from column AT on; what does not fit in a line goes on under its beginning, behind
 * an optional part. */
static void put_wrapped(struct strbuf *out, size_t at, const char *usage)
{
	size_t column = at;

	for (const char *end; *usage; usage = end) {
		end = strstr(usage + 1, " [");
		if (!end)
			end = usage + strlen(usage);
		if (column > at && column + (size_t)(end - usage) > COLUMNS) {
			sb_printf(out, "\n%*s", (int)at - 1, "");
			column = at;
		}
		sb_add(out, usage, (size_t)(end - usage));
		column += (size_t)(end - usage);
	}
	sb_putc(out, '\n');
}

void tool_usage(struct strbuf *out, const char *kind, int width, const char *name,
		const char *usage)
{
	const size_t from = out->n;

	sb_printf(out, "%s %s %s ", out->n ? "      " : "Usage:", report_tool(), kind);
	sb_printf(out, *usage ? "%-*s " : "%.*s", *usage ? width : (int)strlen(name), name);
	put_wrapped(out, out->n - from, usage);
}

int tool_help(struct tool *t)
{
	const struct tool_kind *k = t->kind;

	if (t->form.json)
		return tool_done(t);
	for (u32 i = 0; i < k->nr_commands; i++)
		tool_usage(&t->out, k->name, 6, k->commands[i].name, k->commands[i].usage);
	sb_printf(&t->out, "\n%s", k->words);
	return print_out(&t->out);
}

/* The same for --help, which has a heading already. */
static void list_commands(struct strbuf *out, const struct tool_kind *k)
{
	for (u32 i = 0; i < k->nr_commands; i++)
		tool_listed(out, k->commands[i].name, k->commands[i].usage);
	sb_printf(out, "\n%s", k->words);
}

void tool_listed(struct strbuf *out, const char *name, const char *usage)
{
	const size_t from = out->n;

	sb_printf(out, *usage ? "  %-10s " : "  %s", name);
	put_wrapped(out, out->n - from, usage);
}

/* ---- commands --------------------------------------------------------------------- */

static const struct tool_command *find(const struct tool_kind *k, const char *name)
{
	for (u32 i = 0; i < k->nr_commands; i++)
		if (!strncmp(k->commands[i].name, name, strlen(name)))
			return &k->commands[i];
	return NULL;
}

static int unknown(struct tool *t, const char *name)
{
	const struct tool_kind *k = t->kind;
	VEC(const char *) names = { 0 };
	int r = err_set(&t->err, ERR_USAGE, NULL, "no command '%s' for %s", name, k->things);
	const char *near;

	for (u32 i = 0; i < k->nr_commands; i++)
		*vec_push(&names) = k->commands[i].name;
	near = err_nearest(name, names.v, names.n);
	if (near)
		err_help(&t->err, "did you mean '%s %s %s'?", report_tool(), k->name, near);
	vec_free(&names);
	return r;
}

/* Without a word the first command is meant. */
static int run(struct tool *t)
{
	const char *name = word_next(&t->w);
	const struct tool_command *c = name && *name ? find(t->kind, name) : t->kind->commands;
	int r = c ? user_refused(t->on, c->name, &t->err) : unknown(t, name);

	return r ? r : c->run(t);
}

/* ---- options ----------------------------------------------------------------------- */

/* Those of the table that KIND has, and what it prints of its commands. */
static void take_opts(struct opt out[], struct tool *t, const char *commands)
{
	const struct opt all[] = {
		{ "json", 'j', OPT_FLAG, NULL, "as JSON, with bpftool's keys", &t->form.json },
		{ "pretty", 'p', OPT_FLAG, NULL, "the same in lines", &t->form.pretty },
		{ "bpffs", 'f', OPT_FLAG, NULL, "show where they are pinned", &t->form.pins },
		{ "debug", 'd', OPT_FLAG, NULL, "print what the kernel's verifier says",
		  &t->debug },
		{ "use-loader", 'L', OPT_FLAG, NULL, "load, and pin nothing", &t->no_pin },
		{ "nomount", 'n', OPT_FLAG, NULL, "mount nothing where pins are to be",
		  &t->no_mount },
		{ "mapcompat", 'm', OPT_FLAG, NULL, "nothing: old definitions of maps are taken",
		  &t->ignored },
		{ "legacy", 'l', OPT_FLAG, NULL, "nothing: old objects are taken", &t->ignored },
		{ "base-btf", 'B', OPT_STR, "FILE", "the BTF that FILE goes on after", &t->base },
		{ "output", 'o', OPT_STR, "FILE", "where gen writes to", &t->output },
	};
	u32 n = 0;

	out[n++] = (struct opt){ "", 0, OPT_COMMANDS, NULL, commands, NULL };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (strchr(t->kind->letters, all[i].letter))
			out[n++] = all[i];
	if (strchr(t->kind->letters, 'U'))
		out[n++] = (struct opt){ "on", 0, OPT_STR, "ENGINE", "show: of the kernel "
			"(default), or user: of the embedded engine in this user's processes",
			&t->on };
	if (strchr(t->kind->letters, 'B'))
		out[n++] = (struct opt){ "base", 0, OPT_STR, "FILE", "the same", &t->base };
	out[n] = (struct opt){ 0 };
}

int tool_main(const struct tool_kind *kind, const struct command *cmd, int argc, char **argv)
{
	struct tool t = { .kind = kind };
	struct strbuf usages = { 0 };
	struct opt_result res;
	struct opt opts[16];
	int status;

	list_commands(&usages, kind);
	take_opts(opts, &t, sb_text(&usages));
	if (!opts_parse(&res, cmd, opts, argc, argv)) {
		sb_free(&usages);
		return res.status;
	}
	t.form.json |= t.form.pretty;
	t.w = (struct words){ res.operands.v, res.operands.n, 0 };
	t.j = (struct json){ .out = &t.out, .pretty = t.form.pretty, .tool = true };
	status = run(&t);
	if (status < 0)
		status = view_failed(&t.form, &t.out, &t.j, &t.err);
	live_pins_free(&t.pins);
	sb_free(&t.out);
	sb_free(&usages);
	vec_free(&res.operands);
	return status;
}
