/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bpftool.c: skep called by the name bpftool: its options before, between and behind the
 * words, its objects shortened, `version` and `batch`, its exit status (255 for all that
 * fails). In: a command line of bpftool's. The work is done by skep's own commands, which
 * have the same grammar.
 */
#include "cli/tool.h"
#include <unistd.h>

enum {
	FAILED = 255,
	WORDS_MAX = 64,		/* of a line of a batch file, as in bpftool */
	NESTED_MAX = 16,	/* batch files in batch files */
};

/* The version whose grammar, keys and forms these are, and libbpf's whose rules for
 * objects, which scripts ask for. */
#define LIKE_BPFTOOL "7.1.0"
#define LIKE_LIBBPF "1.1"

/* Its objects in the order in which a shortened one is looked for, with the options that
 * skep's command for it gets, those that it does not have being nothing to it (opts.c);
 * NULL: not a command of skep. `skep map -n` is another option. */
static const struct object { const char *name, *letters; } objects[] = {
	{ "help", NULL }, { "batch", NULL }, { "prog", "jpfdLnml" }, { "map", "jpfdLml" },
	{ "link", "jpfdLnml" }, { "cgroup", "jpfdLnml" }, { "perf", "jpfdLnml" },
	{ "net", "jpfdLnml" }, { "feature", "jpfdLnml" }, { "btf", "jpfdLnmlB" },
	{ "gen", "jpfdLnml" }, { "struct_ops", "jpfdLnml" }, { "iter", "jpfdLnml" },
	{ "version", NULL },
};

static const struct global { const char *name; char letter; bool takes_value; } globals[] = {
	{ "json", 'j', false }, { "pretty", 'p', false }, { "help", 'h', false },
	{ "version", 'V', false }, { "bpffs", 'f', false }, { "mapcompat", 'm', false },
	{ "nomount", 'n', false }, { "debug", 'd', false }, { "legacy", 'l', false },
	{ "use-loader", 'L', false }, { "base-btf", 'B', true },
};

struct guise {
	const struct command *commands;
	size_t nr_commands;
	bool given[128];	/* by letter */
	const char *base;
	struct str_list words;
	u32 nested;		/* batch files that are open */
};

bool bpftool_is(const char *argv0)
{
	const char *slash = argv0 ? strrchr(argv0, '/') : NULL;

	return argv0 && !strcmp(slash ? slash + 1 : argv0, "bpftool");
}

static bool is_json(const struct guise *g) { return g->given['j'] || g->given['p']; }

static const struct command *command_of(const struct guise *g, const char *name)
{
	for (size_t i = 0; i < g->nr_commands; i++)
		if (!strcmp(g->commands[i].name, name))
			return &g->commands[i];
	return NULL;
}

/* ---- options ----------------------------------------------------------------------- */

static const struct global *by_name(const char *name, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(globals); i++)
		if (strlen(globals[i].name) == n && !memcmp(globals[i].name, name, n))
			return &globals[i];
	return NULL;
}

static const struct global *by_letter(char c)
{
	for (size_t i = 0; i < ARRAY_LEN(globals); i++)
		if (globals[i].letter == c)
			return &globals[i];
	return NULL;
}

/* VALUE is what was attached, or NULL. */
static int take(struct guise *g, const struct global *o, const char *value, char **argv, int *at)
{
	if (o->takes_value && !value)
		value = argv[*at + 1] ? argv[++*at] : NULL;
	if (o->takes_value && !value)
		return usage_error("--%s needs FILE", o->name);
	if (o->takes_value)
		g->base = value;
	g->given[(u8)o->letter] = true;
	return 0;
}

static int take_long(struct guise *g, const char *arg, char **argv, int *at)
{
	const char *eq = strchr(arg, '=');
	const struct global *o = by_name(arg, eq ? (size_t)(eq - arg) : strlen(arg));

	if (!o)
		return usage_error("unrecognized option '--%s'", arg);
	return take(g, o, eq ? eq + 1 : NULL, argv, at);
}

static int take_letters(struct guise *g, const char *arg, char **argv, int *at)
{
	int r = 0;

	for (; !r && *arg; arg++) {
		const struct global *o = by_letter(*arg);

		if (!o)
			return usage_error("unrecognized option '-%c'", *arg);
		r = take(g, o, o->takes_value && arg[1] ? arg + 1 : NULL, argv, at);
		if (o->takes_value)
			break;
	}
	return r;
}

/* Options are taken wherever they stand; 0, or an exit status. */
static int parse(struct guise *g, int argc, char **argv)
{
	bool only_words = false;
	int r = 0;

	for (int at = 1; !r && at < argc; at++) {
		char *arg = argv[at];

		if (only_words || arg[0] != '-' || !arg[1])
			*vec_push(&g->words) = arg;
		else if (!strcmp(arg, "--"))
			only_words = true;
		else if (arg[1] == '-')
			r = take_long(g, arg + 2, argv, &at);
		else
			r = take_letters(g, arg + 1, argv, &at);
	}
	return r;
}

/* ---- what it says of itself --------------------------------------------------------- */

static void put_json(struct strbuf *out)
{
	putchar('\n');
	fflush(stdout);
	sb_free(out);
}

static int print_version(const struct guise *g)
{
	struct strbuf out = { 0 };
	struct json j = { .out = &out, .pretty = g->given['p'], .tool = true };

	if (!is_json(g)) {
		printf("bpftool v%s\nusing skep v%s\nfeatures: libbpf_strict\n", LIKE_BPFTOOL,
		       skep_version());
		return 0;
	}
	json_obj(&j, NULL);
	json_str(&j, "version", LIKE_BPFTOOL);
	json_str(&j, "libbpf_version", LIKE_LIBBPF);
	json_str(&j, "skep_version", skep_version());
	json_obj(&j, "features");
	json_bool(&j, "libbfd", false);
	json_bool(&j, "libbpf_strict", true);
	json_bool(&j, "skeletons", false);
	json_obj_end(&j);
	json_obj_end(&j);
	fputs(sb_text(&out), stdout);
	put_json(&out);
	return 0;
}

static int print_help(const struct guise *g, FILE *to)
{
	bool first = true;

	if (is_json(g)) {
		puts("null");
		return 0;
	}
	fputs("Usage: bpftool [OPTIONS] OBJECT { COMMAND | help }\n"
	      "       bpftool batch file FILE\n"
	      "       bpftool version\n\n"
	      "       OBJECT := {", to);
	for (size_t i = 0; i < ARRAY_LEN(objects); i++) {
		if (!objects[i].letters || !command_of(g, objects[i].name))
			continue;
		fprintf(to, "%s %s", first ? "" : " |", objects[i].name);
		first = false;
	}
	fputs(" }\n       OPTIONS := {", to);
	for (size_t i = 0; i < ARRAY_LEN(globals); i++)
		fprintf(to, "%s%s -%c|--%s%s", i ? " |" : "", i == 6 ? "\n                   " : "",
			globals[i].letter, globals[i].name, globals[i].takes_value ? " FILE" : "");
	fputs(" }\n", to);
	return 0;
}

/* ---- one command --------------------------------------------------------------------- */

static const struct object *object_of(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(objects); i++)
		if (!strncmp(objects[i].name, word, strlen(word)))
			return &objects[i];
	return NULL;
}

/* CMD with those of the options that it has, and WORDS behind the first. */
static int run_as_skep(const struct guise *g, const struct object *o, const struct command *cmd,
		       const struct str_list *words)
{
	char flags[16][3], **argv = mem_alloc((words->n + 24) * sizeof(*argv));
	int argc = 0, nr_flags = 0, status;

	argv[argc++] = (char *)(uintptr_t)cmd->name;
	for (const char *l = o->letters; *l; l++) {
		if (!g->given[(u8)*l])
			continue;
		snprintf(flags[nr_flags], sizeof(flags[0]), "-%c", *l);
		argv[argc++] = flags[nr_flags++];
		if (*l == 'B')
			argv[argc++] = (char *)(uintptr_t)g->base;
	}
	argv[argc++] = (char[]){ "--" };
	for (size_t i = 1; i < words->n; i++)
		argv[argc++] = (char *)(uintptr_t)words->v[i];
	report_for(cmd);
	status = cmd->run(cmd, argc, argv);
	free(argv);
	return status;
}

static int batch(struct guise *g, const struct str_list *words);

static int dispatch(struct guise *g, const struct str_list *words)
{
	const struct object *o = words->n ? object_of(words->v[0]) : &objects[0];
	const struct command *cmd = o && o->letters ? command_of(g, o->name) : NULL;

	if (cmd)
		return run_as_skep(g, o, cmd, words);
	if (!o || o->letters)
		return usage_error("no object '%s'; `bpftool help` lists them", words->v[0]);
	if (!strcmp(o->name, "batch"))
		return batch(g, words);
	return !strcmp(o->name, "version") ? print_version(g) : print_help(g, stdout);
}

/* ---- batch --------------------------------------------------------------------------- */

struct lines {
	FILE *f;
	char *text;		/* of the line that was read last, and what continues it */
	size_t cap;
	struct str_list words;	/* of it */
};

/* A line, or several of which all but the last end in a backslash; false at the end. */
static bool read_line(struct lines *l)
{
	struct strbuf all = { 0 };
	bool any = false, more = true;
	ssize_t n;

	while (more && (n = getline(&l->text, &l->cap, l->f)) >= 0) {
		any = true;
		while (n && (l->text[n - 1] == '\n' || l->text[n - 1] == '\r'))
			n--;
		more = n && l->text[n - 1] == '\\';
		sb_add(&all, l->text, (size_t)n - more);
	}
	free(l->text);
	l->text = mem_strdup(sb_text(&all));
	l->cap = strlen(l->text) + 1;
	sb_free(&all);
	return any;
}

/* The word at *AT, quotes taken off; NULL at the end of the line or before "#". */
static char *next_word(char **at)
{
	char *p = *at + strspn(*at, " \t"), *from = p, *to = p, quote = 0;

	if (!*p || *p == '#')
		return NULL;
	for (; *p && (quote || !strchr(" \t", *p)); p++) {
		if (quote ? *p == quote : *p == '\'' || *p == '"')
			quote = quote ? 0 : *p;
		else
			*to++ = *p;
	}
	*at = *p ? p + 1 : p;
	*to = 0;
	return from;
}

static int split(struct lines *l)
{
	char *at = l->text, *word;

	l->words.n = 0;
	while ((word = next_word(&at)))
		*vec_push(&l->words) = word;
	return l->words.n <= WORDS_MAX ? 0 :
		usage_error("a line of %zu words; a batch file's have up to %d", l->words.n,
			    WORDS_MAX);
}

/* What the command prints becomes OUT, as far as there is memory to keep it in. */
static int run_kept(struct guise *g, const struct str_list *words, struct strbuf *out)
{
	int kept = os_temp_open(), old = kept < 0 ? -1 : dup(STDOUT_FILENO), status;
	struct skep_err unused;
	struct os_file f;

	fflush(stdout);
	if (old < 0 || dup2(kept, STDOUT_FILENO) < 0)
		return usage_error("its output cannot be kept: %s", strerror(errno));
	status = dispatch(g, words);
	fflush(stdout);
	dup2(old, STDOUT_FILENO);
	close(old);
	if (os_temp_read(kept, &f, &unused))
		return FAILED;
	while (f.size && f.data[f.size - 1] == '\n')
		f.size--;
	sb_add(out, f.data, f.size);
	os_file_close(&f);
	return status;
}

/* Lines behind the first stand as far in as what is around them. */
static void indent(struct strbuf *out, const struct strbuf *text, bool pretty)
{
	for (size_t i = 0; i < text->n; i++) {
		sb_putc(out, text->s[i]);
		if (pretty && text->s[i] == '\n')
			sb_puts(out, "        ");
	}
}

/* A line of the file, with -j as a member of the array that is open. */
static int run_line(struct guise *g, const struct str_list *words, struct json *j)
{
	struct strbuf text = { 0 }, out = { 0 };
	int status;

	if (!is_json(g))
		return dispatch(g, words);
	json_obj(j, NULL);
	json_arr(j, "command");
	for (size_t i = 0; i < words->n; i++)
		json_str(j, NULL, words->v[i]);
	json_arr_end(j);
	status = run_kept(g, words, &text);
	indent(&out, &text, j->pretty);
	json_raw(j, "output", out.n ? sb_text(&out) : "null");
	json_obj_end(j);
	sb_free(&text);
	sb_free(&out);
	write_text(stdout, j->out->s, j->out->n);
	sb_reset(j->out);
	return status;
}

static int run_lines(struct guise *g, struct lines *l)
{
	struct strbuf out = { 0 };
	struct json j = { .out = &out, .pretty = g->given['p'], .tool = true };
	int status = 0;
	u32 done = 0;

	if (is_json(g))
		json_arr(&j, NULL);
	while (!status && read_line(l)) {
		status = split(l);
		if (status || !l->words.n)
			continue;
		status = run_line(g, &l->words, &j);
		done++;
	}
	if (is_json(g)) {
		json_arr_end(&j);
		puts(sb_text(&out));
		sb_free(&out);
	} else if (!status) {
		printf("processed %u commands\n", done);
	}
	return status;
}

static int batch(struct guise *g, const struct str_list *words)
{
	const char *path = words->n > 2 ? words->v[2] : NULL;
	struct lines l = { 0 };
	int status;

	if (!path || strcmp(words->v[1], "file"))
		return usage_error("batch takes the words of a file: batch file FILE, - for "
				   "standard input");
	if (words->n > 3)
		return usage_error("'%s' is one word too many", words->v[3]);
	if (g->nested >= NESTED_MAX)
		return usage_error("batch files in %d others", NESTED_MAX);
	l.f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	if (!l.f)
		return usage_error("Can't open file (%s): %s", path, strerror(errno));
	g->nested++;
	status = run_lines(g, &l);
	g->nested--;
	if (l.f != stdin)
		fclose(l.f);
	free(l.text);
	vec_free(&l.words);
	return status;
}

int bpftool_main(const struct command *commands, size_t n, int argc, char **argv)
{
	struct guise g = { .commands = commands, .nr_commands = n };
	int status;

	report_as("bpftool");
	status = parse(&g, argc, argv);
	if (!status && g.given['V'])
		status = print_version(&g);
	else if (!status && g.given['h'])
		status = print_help(&g, stdout);
	else if (!status)
		status = dispatch(&g, &g.words);
	vec_free(&g.words);
	return status ? FAILED : 0;
}
