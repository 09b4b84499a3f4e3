/* SPDX-License-Identifier: BSD-2-Clause */
/* report.c: errors and results on their way out. */
#include "cli/cli.h"
#include "verify/verify.h"
#include <stdlib.h>
#include <unistd.h>

/* What a program did wrong is an answer; what kept skep from asking is not. */
static int exit_status(int id)
{
	switch (id) {
	case ERR_FAULT:
	case ERR_BUDGET:
	case ERR_FRAMES:
	case ERR_LICENSE:
	case ERR_KERNEL_REJECTED:
		return EXIT_NO;
	}
	return reject_row((unsigned)id) ? EXIT_NO : EXIT_NO_ANSWER;
}

static enum report_when colour_when;

void report_colour(enum report_when when) { colour_when = when; }

/* On a terminal only; NO_COLOR (no-color.org) and TERM=dumb say no. */
static bool wants_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (colour_when != REPORT_AUTO)
		return colour_when == REPORT_ALWAYS;
	return isatty(STDERR_FILENO) && !(no && *no) && term && strcmp(term, "dumb");
}

/* Where WORD ("error: ") begins in the line: at its start, or behind a place. */
static const char *find_word(const char *line, size_t n, const char *word)
{
	const char *at = memmem(line, n, word, strlen(word));

	return at && (at == line || at[-1] == ' ') ? at : NULL;
}

/* Is AT where LINE begins, or behind "FILE:1:2-3: "? Not in the text of a script. */
static bool behind_place(const char *line, const char *at)
{
	return at && (at == line || (at > line + 1 && at[-2] == ':' &&
				     !memchr(line, '"', (size_t)(at - line))));
}

/* A message of `skep trace`: as bpftrace has them, all of the line. */
static bool print_trace_line(const char *line, size_t n)
{
	const size_t len = n - (n && line[n - 1] == '\n');
	const bool error = behind_place(line, find_word(line, n, "ERROR: "));

	if (!error && !behind_place(line, find_word(line, n, "WARNING: ")))
		return false;
	fprintf(stderr, "\033[%sm%.*s\033[0m%s", error ? "31" : "33", (int)len, line,
		len < n ? "\n" : "");
	return true;
}

/* One line, the word that says what it is in its colour. */
static void print_line(const char *line, size_t n)
{
	static const struct { const char *word, *colour; } words[] = {
		{ "error: ", "\033[1;31m" }, { "warning: ", "\033[1;35m" },
		{ "note: ", "\033[1;36m" }, { "help: ", "\033[1;32m" },
	};

	if (print_trace_line(line, n))
		return;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		const char *at = find_word(line, n, words[i].word);
		size_t len = strlen(words[i].word) - 1;

		if (!at)
			continue;
		fprintf(stderr, "%.*s%s%.*s\033[0m%.*s", (int)(at - line), line, words[i].colour,
			(int)len, at, (int)(n - len - (size_t)(at - line)), at + len);
		return;
	}
	fwrite(line, 1, n, stderr);
}

static void print_text(const char *text)
{
	if (!wants_colour()) {
		fputs(text, stderr);
		return;
	}
	for (size_t n; *text; text += n) {
		n = strcspn(text, "\n");
		n += text[n] == '\n';
		print_line(text, n);
	}
}

static const char *command_name = "";	/* of the command that runs */
static const char *tool_name = "skep";

void report_as(const char *tool) { tool_name = tool; }

const char *report_tool(void) { return tool_name; }

void report_for(const struct command *cmd)
{
	command_name = cmd->name;
}

static bool is_bpftool(void) { return strcmp(tool_name, "skep") != 0; }

/* "error: TEXT" as scripts for bpftool know it; a place stays behind the word. */
static void as_bpftool(struct skep_err *err)
{
	char *word = strstr(err->text, "error: ");
	size_t place = word ? (size_t)(word - err->text) : 0;

	if (!word)
		return;
	memmove(err->text + 7, err->text, place);
	memcpy(err->text, "Error: ", 7);
}

/* What is not about a file is about the command. */
static void complete(struct skep_err *err)
{
	char where[64];

	snprintf(where, sizeof(where), "%s%s%s", tool_name, *command_name ? " " : "", command_name);
	if (is_bpftool())
		as_bpftool(err);
	else if (!strncmp(err->text, "error: ", 7))
		err_at(err, where);
	if (err->id == ERR_USAGE)
		err_help(err, "`%s --help` says what it takes", where);
}

int report(const struct skep_err *err)
{
	struct skep_err e = *err;

	complete(&e);
	fflush(stdout);
	print_text(skep_err_text(&e));
	return exit_status(e.id);
}

int usage_error(const char *fmt, ...)
{
	struct skep_err err;
	va_list ap;

	va_start(ap, fmt);
	err_vset(&err, ERR_USAGE, NULL, fmt, ap);
	va_end(ap);
	return report(&err);
}

int no_output(void)
{
	struct skep_err err;

	err_set(&err, ERR_FILE_WRITE, "<stdout>", "%s", strerror(errno));
	clearerr(stdout);	/* it was told */
	return report(&err);
}

/* Bytes that a terminal would obey. */
static bool is_control(char c)
{
	return ((u8)c < ' ' && c != '\n' && c != '\t') || c == 0x7f;
}

bool write_text(FILE *f, const char *s, size_t n)
{
	for (size_t at = 0, from = 0; from < n; from = at) {
		while (at < n && !is_control(s[at]))
			at++;
		if (at > from && fwrite(s + from, 1, at - from, f) != at - from)
			return false;
		for (; at < n && is_control(s[at]); at++)
			if (putc('?', f) == EOF)
				return false;
	}
	return true;
}

int print_out(const struct strbuf *b)
{
	if (write_text(stdout, sb_text(b), b->n) && !fflush(stdout))
		return EXIT_YES;
	return no_output();
}

void report_lines(const struct strbuf *b)
{
	fflush(stdout);
	if (wants_colour())
		print_text(sb_text(b));
	else
		fwrite(b->s, 1, b->n, stderr);
}

void report_text(const struct strbuf *b)
{
	struct strbuf plain = { 0 };

	sb_add(&plain, sb_text(b), b->n);
	for (size_t i = 0; i < plain.n; i++)
		if (is_control(plain.s[i]))
			plain.s[i] = '?';
	fflush(stdout);
	print_text(sb_text(&plain));
	sb_free(&plain);
}
