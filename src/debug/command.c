/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * command.c: a line of the command line: which command it means, and what it says.
 * Commands stand in command.def; each is a function in one of cmd_*.c.
 */
#include "debug/command.h"
#include <ctype.h>

static const struct cmd_row rows[] = {
#define COMMAND(name, abbr, fn, repeats, usage, help) \
	{ name, abbr, cmd_##fn, repeats, usage, help },
#include "debug/command.def"
#undef COMMAND
};

static const struct info_row infos[] = {
	{ "args", info_args }, { "breakpoints", info_breakpoints },
	{ "display", info_display }, { "frame", info_frame },
	{ "functions", info_functions }, { "line", info_line }, { "locals", info_locals },
	{ "maps", info_maps }, { "packet", info_packet }, { "program", info_program },
	{ "registers", info_registers }, { "variables", info_variables },
	{ "watchpoints", info_breakpoints },
};

enum { MAX_NESTING = 16 };

void say(struct debug *d, const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sb_puts(d->out, text);
}

int bad_command(struct skep_err *err, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = err_vset(err, ERR_DEBUG_COMMAND, NULL, fmt, ap);
	va_end(ap);
	return r;
}

void dbg_say_error(struct debug *d, const struct skep_err *e)
{
	const char *text = e->text;

	/* gdb says what is wrong and no more; the id stays, as everywhere */
	if (!strncmp(text, "error: ", 7))
		text += 7;
	sb_puts(d->out, text);
	if (d->out->n && d->out->s[d->out->n - 1] != '\n')
		sb_putc(d->out, '\n');
}

int cmd_number(const struct cmd_args *a, u64 otherwise, u64 *n, struct skep_err *err)
{
	char *end;

	*n = otherwise;
	if (!*a->text)
		return 0;
	errno = 0;
	*n = strtoull(a->text, &end, 0);
	if (*end || errno || !isdigit((u8)*a->text))
		return bad_command(err, "%s takes a number, not '%s'", a->name, a->text);
	return 0;
}

/* ---- which command ---------------------------------------------------------------- */

static bool has_abbr(const char *list, const char *name, size_t n)
{
	for (const char *p = list; *p; p += *p == ' ') {
		size_t len = strcspn(p, " ");

		if (len == n && !memcmp(p, name, n))
			return true;
		p += len;
	}
	return false;
}

/* By its name, an abbreviation or a beginning that only one has. */
static const struct cmd_row *find(const char *name, size_t n, struct skep_err *err)
{
	const struct cmd_row *found = NULL;
	struct strbuf many = { 0 };
	u32 fits = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strncmp(rows[i].name, name, n) && !has_abbr(rows[i].abbr, name, n))
			continue;
		if (strlen(rows[i].name) == n || has_abbr(rows[i].abbr, name, n)) {
			sb_free(&many);
			return &rows[i];
		}
		sb_printf(&many, "%s%s", fits++ ? ", " : "", rows[i].name);
		found = &rows[i];
	}
	if (fits > 1)
		bad_command(err, "Ambiguous command \"%.*s\": %s.", (int)n, name, sb_text(&many));
	else if (!fits)
		bad_command(err, "Undefined command: \"%.*s\".  Try \"help\".", (int)n, name);
	sb_free(&many);
	return fits == 1 ? found : NULL;
}

/* P is a format, and no path. */
static bool has_format(const struct cmd_row *row, const char *p)
{
	size_t n = strcspn(p, " \t");

	if (row->fn == cmd_source || row->fn == cmd_show_echo)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((u8)p[i]))
			return false;
	return n < sizeof(((struct cmd_args *)0)->fmt);
}

/* "print/x foo": the command, its format and the rest, which stays in LINE. */
static const struct cmd_row *parse(char *line, struct cmd_args *a, struct skep_err *err)
{
	const struct cmd_row *row;
	char *p = line;
	size_t n = 0;

	while (isalnum((u8)p[n]) || p[n] == '-' || p[n] == '_')
		n++;
	row = find(p, n ? n : strcspn(p, " /"), err);
	if (!row)
		return NULL;
	a->name = row->name;
	p += n;
	while (isspace((u8)*p))
		p++;
	if (*p == '/' && has_format(row, p + 1)) {
		n = strcspn(p + 1, " \t");
		memcpy(a->fmt, p + 1, n);
		p += n + 1;
		while (isspace((u8)*p))
			p++;
	}
	a->text = p;
	return row;
}

/* ---- lines ------------------------------------------------------------------------- */

static char *strip(const char *line)
{
	char *s = mem_strdup(line + strspn(line, " \t")), *end = s + strlen(s);

	while (end > s && isspace((u8)end[-1]))
		*--end = 0;
	return s;
}

/* What an empty line says from now on. */
static void remember(struct debug *d, const char *line, const struct cmd_row *row)
{
	free(d->last);
	d->last = !row->repeats ? NULL : row->repeats == 1 ? mem_strdup(line) :
		mem_strdup(row->name);
}

void dbg_command(struct debug *d, const char *text)
{
	char *line = strip(text), *copy;
	struct skep_err err = { 0 };
	struct cmd_args a = { 0 };
	const struct cmd_row *row;

	if (!*line && d->last) {
		free(line);
		line = mem_strdup(d->last);
	}
	if (!*line || *line == '#') {
		free(line);
		return;
	}
	copy = mem_strdup(line);
	row = parse(copy, &a, &err);
	if (row)
		remember(d, line, row);
	if (!row || row->fn(d, &a, &err)) {
		dbg_say_error(d, &err);
		d->status = d->status ? d->status : 1;
	}
	free(copy);
	free(line);
	arena_free(&d->scratch);
}

bool dbg_command_file(struct debug *d, const char *path)
{
	struct skep_err err;
	struct os_file f;
	const u8 *p, *end;
	bool was_quit = d->quit;

	if (d->nesting >= MAX_NESTING) {
		say(d, "%s: command files that read each other, more than %d\n", path,
		    MAX_NESTING);
		return false;
	}
	if (os_file_read(&f, path, &err)) {
		dbg_say_error(d, &err);
		return false;
	}
	d->nesting++;
	for (p = f.data, end = p + f.size; p < end && !(d->quit && !was_quit);) {
		const u8 *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl ? nl : end) - p);
		char *line = mem_alloc(n + 1);

		memcpy(line, p, n);
		if (line[strspn(line, " \t")])
			dbg_command(d, line);
		free(line);
		p += n + 1;
	}
	d->nesting--;
	os_file_close(&f);
	return true;
}

u32 dbg_complete(struct debug *d, const char *line, const char **out, u32 max)
{
	size_t n = strlen(line);
	u32 k = 0;

	if (strchr(line, ' '))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(rows) && k < max; i++)
		if (!strncmp(rows[i].name, line, n))
			out[k++] = rows[i].name;
	return k;
}

/* ---- commands about commands --------------------------------------------------------- */

int cmd_quit(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	d->quit = true;
	return 0;
}

int cmd_source(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	if (!*a->text)
		return bad_command(err, "source takes a file");
	if (!dbg_command_file(d, a->text))
		d->status = d->status ? d->status : 1;
	return 0;
}

int cmd_help(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	const struct cmd_row *row;

	if (*a->text) {
		row = find(a->text, strcspn(a->text, " "), err);
		if (!row)
			return err->code;
		say(d, "%s%s%s%s%s\nUsage: %s %s\n%s\n", row->name, *row->abbr ? " (" : "",
		    row->abbr, *row->abbr ? ")" : "", ":", row->name, row->usage, row->help);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		say(d, "%-17s %s\n", rows[i].name, rows[i].help);
	say(d, "\nUnambiguous beginnings will do; an empty line says the last command again.\n");
	return 0;
}

int cmd_info(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	size_t n = strcspn(a->text, " /");
	const struct info_row *found = NULL;

	for (size_t i = 0; n && i < ARRAY_LEN(infos); i++) {
		if (strncmp(infos[i].name, a->text, n))
			continue;
		if (!found || strlen(infos[i].name) == n)
			found = &infos[i];
	}
	if (!found)
		return bad_command(err, "info takes args, breakpoints, display, frame, functions, "
				   "line, locals, maps, packet, program, registers or variables");
	a->text += n;
	a->text += strspn(a->text, " ");
	return found->fn(d, a, err);
}

/* "var $x = 1", "$x = 1", "print pretty on" */
int cmd_set(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	struct value_env env = dbg_env_here(d);
	const char *p = a->text;
	struct value v;

	if (!strncmp(p, "print pretty", 12) || !strncmp(p, "p pretty", 8)) {
		d->show.pretty = !strstr(p, " off");
		return 0;
	}
	if (!strncmp(p, "pagination", 10) || !strncmp(p, "confirm", 7) ||
	    !strncmp(p, "width", 5) || !strncmp(p, "height", 6))
		return 0;	/* of gdb's command files; there is no paging here */
	if (!strncmp(p, "var ", 4) || !strncmp(p, "variable ", 9))
		p = strchr(p, ' ') + 1;
	p += strspn(p, " ");
	if (*p != '$' || !strchr(p, '='))
		return err_set(err, ERR_DEBUG_CHANGE, NULL, "the program's memory and registers "
			       "cannot be changed: its run could not be had again; $NAME can be "
			       "set");
	return expr_eval(&v, &env, p, err);
}
