/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_debug.c: `skep debug`: a program, its input and the debugger's command line. What
 * commands mean is src/debug/command.def; here is where they come from: -ex and -x,
 * a terminal (with libedit when it is installed), or a pipe.
 */
#include "cli/debuggee.h"
#include "debug/dap.h"
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct session {
	struct debuggee d;
	struct str_list commands;	/* of -ex and -x, in their order */
	struct str_list files;		/* of --command, for --help */
	VEC(char *) made;		/* strings of a launch */
	struct strbuf out;
	bool batch, quiet, dap;
	struct editor {
		char *(*readline)(const char *prompt);
		int (*add_history)(const char *line);
	} edit;
};

static struct debug *interruptible;	/* whom Ctrl-C stops */

static void on_interrupt(int sig)
{
	if (interruptible)
		interruptible->interrupted = 1;
}

static void catch_interrupts(struct debug *d)
{
	struct sigaction sa = { .sa_handler = on_interrupt };

	interruptible = d;
	sigaction(SIGINT, &sa, NULL);
}

/* ---- lines ------------------------------------------------------------------------ */

static const char prompt[] = "(skep) ";
static struct debug *completing;

/* libedit asks for one word after the other. */
static char *complete(const char *text, int state)
{
	static const char *words[64];
	static u32 n, at;

	if (!state) {
		at = 0;
		n = completing ? dbg_complete(completing, text, words, ARRAY_LEN(words)) : 0;
	}
	return at < n ? strdup(words[at++]) : NULL;
}

/* Until there is something to read; false: Ctrl-C came, also just before the wait. */
static bool wait_key(void)
{
	struct pollfd p = { .fd = 0, .events = POLLIN };
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, &old);
	while (!interruptible->interrupted && ppoll(&p, 1, NULL, &old) < 0 && errno == EINTR)
		;
	sigprocmask(SIG_SETMASK, &old, NULL);
	return !interruptible->interrupted;
}

/* For libedit, which itself reads on after a signal. -1: the end, or Ctrl-C. */
static int read_key(void *file)
{
	u8 c;
	ssize_t n;

	do {
		if (!wait_key())
			return -1;
		n = read(0, &c, 1);
	} while (n < 0 && errno == EINTR);
	return n == 1 ? c : -1;
}

static void open_editor(struct session *s)
{
	void *lib = isatty(0) && isatty(1) ? os_lib_open("libedit.so.2") : NULL;
	char *(**entry)(const char *, int);
	int (**getc)(void *);

	if (!lib)
		return;
	*(void **)&s->edit.readline = os_lib_sym(lib, "readline");
	*(void **)&s->edit.add_history = os_lib_sym(lib, "add_history");
	entry = os_lib_sym(lib, "rl_completion_entry_function");
	if (entry)
		*entry = complete;
	getc = os_lib_sym(lib, "rl_getc_function");
	if (getc)
		*getc = read_key;
	completing = &s->d.debug;
}

/* With libedit; NULL: there is none, or Ctrl-C, which gives its caller the terminal back. */
static char *edit_line(struct session *s)
{
	char *line = s->edit.readline(prompt);

	if (line && *line && s->edit.add_history)
		s->edit.add_history(line);
	return line;
}

/* Without it. A pipe has no prompt that Ctrl-C could come back to. */
static char *plain_line(struct session *s)
{
	bool tty = isatty(0);
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	if (tty) {
		fputs(prompt, stdout);
		fflush(stdout);
	}
	if (tty && !wait_key())
		return NULL;
	do {
		clearerr(stdin);
		errno = 0;
		n = getline(&line, &room, stdin);
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		return line;
	free(line);
	return NULL;
}

/* The next line, for free(); NULL at the end of input. Ctrl-C drops what was typed. */
static char *read_line(struct session *s)
{
	struct debug *d = &s->d.debug;
	char *line;

	for (;;) {
		d->interrupted = 0;	/* of a command that had ended before it came */
		line = s->edit.readline ? edit_line(s) : plain_line(s);
		if (line || !d->interrupted || !isatty(0))
			return line;
		if (!write_text(stdout, "Quit\n", 5) || fflush(stdout))
			return NULL;
	}
}

/* What a command said goes out before the next one. */
static int flush(struct session *s)
{
	int r = 0;

	if (s->out.n && !write_text(stdout, s->out.s, s->out.n))
		r = no_output();
	sb_reset(&s->out);
	if (fflush(stdout))
		r = no_output();
	return r;
}

static int do_command(struct session *s, const char *line)
{
	s->d.debug.interrupted = 0;
	dbg_command(&s->d.debug, line);
	return flush(s);
}

static int converse(struct session *s)
{
	struct debug *d = &s->d.debug;
	int r = 0;

	for (size_t i = 0; !r && i < s->commands.n && !d->quit; i++)
		r = do_command(s, s->commands.v[i]);
	free(d->last);	/* an empty line is no command of -ex again */
	d->last = NULL;
	if (s->batch)
		return r ? r : d->status ? EXIT_NO_ANSWER : EXIT_YES;
	open_editor(s);
	while (!r && !d->quit) {
		char *line = read_line(s);

		if (!line)
			break;
		r = do_command(s, line);
		free(line);
	}
	return r;
}

/* ---- the protocol of editors ---------------------------------------------------------- */

static int bad_launch(struct skep_err *err, const char *what)
{
	return err_set(err, ERR_DAP, NULL, "launch: %s", what);
}

/* Strings of an object member, "NAME": "VALUE", as NAME=VALUE in LIST. */
static void add_pairs(struct session *s, const struct json_node *args, const char *key,
		      struct str_list *list)
{
	const struct json_node *o = json_member(args, key);

	for (o = o && o->kind == JSON_OBJECT ? o->child : NULL; o; o = o->next) {
		struct strbuf b = { 0 };

		sb_printf(&b, "%s=%s", o->key, o->text ? o->text : "");
		*vec_push(&s->made) = b.s;
		*vec_push(list) = b.s;
	}
}

/* A string member that lives as long as the session; NULL: there is none. */
static const char *kept(struct session *s, const struct json_node *args, const char *key)
{
	const struct json_node *m = json_member(args, key);

	if (!m || m->kind != JSON_STRING)
		return NULL;
	*vec_push(&s->made) = mem_strdup(m->text);
	return s->made.v[s->made.n - 1];
}

static void take_launch(struct session *s, const struct json_node *args)
{
	struct debuggee_opts *o = &s->d.o;

	o->prog = kept(s, args, "prog");
	o->load.btf = kept(s, args, "btf");
	o->routes = kept(s, args, "routes");
	o->sockets = kept(s, args, "sockets");
	o->clock = kept(s, args, "clock");
	add_pairs(s, args, "maps", &o->maps);
	add_pairs(s, args, "set", &o->load.set);
	o->budget = dap_u64(args, "budget", o->budget);
	o->meta.ifindex = dap_u64(args, "ifindex", o->meta.ifindex);
}

/* Said at once, not when the program is to run. */
static int check_launch(struct session *s, const struct json_node *args, struct skep_err *err)
{
	u64 packet = dap_u64(args, "packet", 1);
	int r = debuggee_check_maps(&s->d, err);

	if (!r && !packet)
		r = bad_launch(err, "packets are numbered from 1");
	return r ? r : dbg_has_input(&s->d.debug, packet, err);
}

/* Another one may be tried. */
static void launch_failed(struct session *s)
{
	struct debuggee_opts o = s->d.o;

	debuggee_close(&s->d);
	o.maps.n = 0;
	s->d = (struct debuggee){ .o = o };
}

/* What is launched: the same as the operands and options of the command line. */
static int launch(void *arg, const struct json_node *args, struct strbuf *out,
		  struct debug **d, struct skep_err *err)
{
	struct session *s = arg;
	const char *file, *capture, *cwd;
	int r;

	if (!args || args->kind != JSON_OBJECT)
		return bad_launch(err, "there are no arguments");
	file = kept(s, args, "program");
	capture = kept(s, args, "capture");
	cwd = kept(s, args, "cwd");
	if (!file)
		return bad_launch(err, "\"program\" is the object, C file or recording");
	if (cwd && chdir(cwd))
		return bad_launch(err, "\"cwd\" is no folder to go to");
	take_launch(s, args);
	r = debuggee_open(&s->d, file, capture, out, err);
	r = r ? r : check_launch(s, args, err);
	if (r) {
		launch_failed(s);
		return r;
	}
	debuggee_verdict(&s->d, out);
	*d = &s->d.debug;
	return 0;
}

/* The protocol has standard output for itself: what else would write there must not. */
static int serve(struct session *s)
{
	const struct dap_host host = { .arg = s, .launch = launch };
	struct skep_err err = { 0 };
	int out = dup(1), r;

	if (out < 0 || dup2(2, 1) < 0)
		return no_output();
	signal(SIGPIPE, SIG_IGN);
	r = dap_serve(0, out, &host, &err);
	close(out);
	return r ? report(&err) : EXIT_YES;
}

/* ---- the command ------------------------------------------------------------------- */

/* Error TEXT, which stops nothing, as a note. */
static void put_note(struct strbuf *out, const char *text)
{
	const char *word = strstr(text, "error: ");

	if (word)
		sb_printf(out, "%.*snote: %s", (int)(word - text), text, word + 7);
	else
		sb_printf(out, "note: %s", text);
}

static int debug(struct session *s, const struct str_list *operands)
{
	struct strbuf verdict = { 0 };
	struct skep_err err = { 0 };
	int r;

	if (s->dap)
		return operands->n ? usage_error("--dap takes no operands: the editor says what is "
						 "to be debugged") : serve(s);
	if (!operands->n || operands->n > 2)
		return usage_error("debug takes an object, a C file or a recording, and a capture");
	if (debuggee_open(&s->d, operands->v[0], operands->n > 1 ? operands->v[1] : NULL, &s->out,
			  &err))
		return report(&err);
	if (!s->quiet) {
		debuggee_verdict(&s->d, &verdict);
		if (!s->d.debug.locals)
			put_note(&verdict, s->d.debug.no_locals.text);
		if (verdict.n && verdict.s[verdict.n - 1] != '\n')
			sb_putc(&verdict, '\n');
		report_text(&verdict);
	}
	sb_free(&verdict);
	catch_interrupts(&s->d.debug);
	r = converse(s);
	interruptible = NULL;
	return r;
}

/* gdb's words for options: -ex CMD, -x FILE, -batch; FILE becomes a command, so that all
 * come in their order. */
static char **gdb_words(int argc, char **argv, struct str_list *made)
{
	char **out = mem_alloc(((size_t)argc + 1) * sizeof(*out));

	for (int i = 0; i < argc; i++) {
		bool file = !strcmp(argv[i], "-x") || !strcmp(argv[i], "--command") ||
			!strcmp(argv[i], "-command");

		out[i] = argv[i];
		if (i && (file || !strcmp(argv[i], "-ex") || !strcmp(argv[i], "-eval-command")))
			out[i] = (char *)(uintptr_t)"--ex";
		else if (i && !strcmp(argv[i], "-batch"))
			out[i] = (char *)(uintptr_t)"--batch";
		if (i && file && i + 1 < argc) {
			struct strbuf b = { 0 };

			sb_printf(&b, "source %s", argv[++i]);
			out[i] = b.s;
			*vec_push(made) = b.s;
		}
	}
	return out;
}

static void session_free(struct session *s)
{
	debuggee_close(&s->d);
	vec_free(&s->commands);
	vec_free(&s->files);
	vec_free(&s->d.o.maps);
	vec_free(&s->d.o.meta.owner);
	load_opts_free(&s->d.o.load);
	sb_free(&s->out);
	for (size_t i = 0; i < s->made.n; i++)
		free(s->made.v[i]);
	vec_free(&s->made);
}

int cmd_debug(const struct command *cmd, int argc, char **argv)
{
	struct session s = { .d.o.cpus = (u64)os_cpu_count() };
	struct debuggee_opts *o = &s.d.o;
	struct str_list made = { 0 };
	const struct opt opts[] = {
		{"prog", 0, OPT_STR, "NAME", "the program, when the object has several", &o->prog},
		{"map", 'm', OPT_LIST, "NAME=FILE", "fill map NAME from a JSON file before the run",
		 &o->maps},
		{"ex", 0, OPT_LIST, "COMMAND", "do COMMAND first (also -ex)", &s.commands},
		{"command", 'x', OPT_LIST, "FILE", "do the commands of FILE first", &s.files},
		{"batch", 0, OPT_FLAG, NULL, "end after these commands (also -batch)", &s.batch},
		{"dap", 0, OPT_FLAG, NULL,
		 "the Debug Adapter Protocol on standard input and output", &s.dap},
		{"quiet", 'q', OPT_FLAG, NULL, "say nothing of the verdict", &s.quiet},
		{"budget", 0, OPT_U64, "N", "instructions that one run may take", &o->budget},
		{"clock", 0, OPT_STR, "WHICH",
		 "what programs see: real (default), or capture: the packets' times", &o->clock},
		{"cpus", 0, OPT_U64, "N", "values of a per-cpu map (default: cpus of the machine)",
		 &o->cpus},
		{"routes", 0, OPT_STR, "FILE", "links, routes and neighbours for programs",
		 &o->routes},
		{"sockets", 0, OPT_STR, "FILE", "sockets that programs find", &o->sockets},
		{"ifindex", 0, OPT_U64, "N", "the interface that packets come from",
		 &o->meta.ifindex},
		{"queue", 0, OPT_U64, "N", "its receive queue", &o->meta.queue},
		{"mark", 0, OPT_U64, "N", "skb->mark of every packet", &o->meta.mark},
		{"priority", 0, OPT_U64, "N", "skb->priority of every packet", &o->meta.priority},
		{"skb", 0, OPT_LIST, "NAME=N", "what every packet belongs to", &o->meta.owner},
		LOAD_OPTS(&o->load),
		{0}};
	char **words = gdb_words(argc, argv, &made);
	struct opt_result res;
	int status;

	if (!opts_parse(&res, cmd, opts, argc, words)) {
		status = res.status;
	} else {
		status = debug(&s, &res.operands);
		vec_free(&res.operands);
	}
	session_free(&s);
	for (size_t i = 0; i < made.n; i++)
		free((void *)(uintptr_t)made.v[i]);
	vec_free(&made);
	free(words);
	return status;
}
