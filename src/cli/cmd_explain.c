/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_explain.c: what an error id means; takes SKEP-E0107, E0107 or 107, and
 * lists all without. What it says of the verifier's reasons beside reject.def is
 * in explain.txt, whose examples are tested.
 */
#include "cli/cli.h"
#include "verify/verify.h"
#include <ctype.h>
#include <stdlib.h>

enum { MAX_ID = 9999 };

/* The whole of explain.txt. */
__asm__(".pushsection .rodata\n"
	".globl cli_explain_text\n.hidden cli_explain_text\n"
	"cli_explain_text:\n.incbin \"src/cli/explain.txt\"\n.byte 0\n"
	".popsection");
extern const char cli_explain_text[];

/* The number in TEXT, or -1. */
static int parse_id(const char *text)
{
	char *end;
	long id;

	if (!strncasecmp(text, "SKEP-", 5))
		text += 5;
	if (*text == 'E' || *text == 'e')
		text++;
	id = strtol(text, &end, 10);
	return isdigit((unsigned char)*text) && !*end && id <= MAX_ID ? (int)id : -1;
}

/* ---- explain.txt ----------------------------------------------------------- */

/* What follows the line that begins with HEAD and NAME, before END; NULL: none. */
static const char *after_line(const char *s, const char *end, const char *head,
			      const char *name)
{
	size_t h = strlen(head), n = strlen(name);

	for (; s && s < end; s = strchr(s, '\n'), s = s ? s + 1 : NULL)
		if (!strncmp(s, head, h) && !strncmp(s + h, name, n) && s[h + n] == '\n')
			return s + h + n + 1;
	return NULL;
}

static const char *case_end(const char *s)
{
	const char *end = strstr(s, "\n=== ");

	return end ? end + 1 : s + strlen(s);
}

/* A line of an example in C that says what only one of the two programs has: what
 * becomes of KEEPS, whether lines are printed; false: another line. */
static bool conditional(const char *s, bool fixed, bool *keeps)
{
	if (!strncmp(s, "#ifdef FIXED", 12))
		*keeps = fixed;
	else if (!strncmp(s, "#ifndef FIXED", 13))
		*keeps = !fixed;
	else if (!strncmp(s, "#else", 5))
		*keeps = !*keeps;
	else if (!strncmp(s, "#endif", 6))
		*keeps = true;
	else
		return false;
	return true;
}

/* Prints the example in C of the case S..END: the wrong program, or the FIXED one. */
static void print_c(const char *s, const char *end, bool fixed, const char *title)
{
	bool keeps = true;

	s = after_line(s, end, "-- ", "c");
	if (!s)
		return;
	printf("%s", title);
	while (s < end && strncmp(s, "-- ", 3)) {
		int n = (int)strcspn(s, "\n");

		if (!conditional(s, fixed, &keeps) && keeps)
			printf("%s%.*s\n", n ? "\t" : "", n, s);
		s += n + (s[n] == '\n');
	}
}

/* Prints section NAME of the case S..END, each line after INDENT. */
static bool print_section(const char *s, const char *end, const char *name,
			  const char *title, const char *indent)
{
	s = after_line(s, end, "-- ", name);
	if (!s)
		return false;
	printf("%s", title);
	while (s < end && strncmp(s, "-- ", 3)) {
		int n = (int)strcspn(s, "\n");

		printf("%s%.*s\n", indent, n, s);
		s += n + (s[n] == '\n');
	}
	return true;
}

static void print_example(const char *name)
{
	const char *s = after_line(cli_explain_text,
				   cli_explain_text + strlen(cli_explain_text), "=== ", name);
	const char *end = s ? case_end(s) : NULL;

	if (!s)
		return;
	print_section(s, end, "why", "\n", "");
	print_section(s, end, "wrong", "\nwrong:\n", "\t");
	print_section(s, end, "right", "\nright:\n", "\t");
	print_c(s, end, false, "\nwrong, in C:\n");
	print_c(s, end, true, "\nright, in C:\n");
}

/* ---- the verifier's reasons ------------------------------------------------ */

/* What stands for the keys that are words in a text; others become N. */
static const struct { const char *key, *word; } patterns[] = {
	{ "type", "TYPE" }, { "words", "KIND OF POINTER" }, { "ptr", "'p'" },
	{ "bytes", "bytes A..B" }, { "are", "are" }, { "used", "used" },
	{ "proved", "only N bytes are proved to exist" }, { "value", "a map value" },
	{ "unread", "was never written on this path" }, { "arg", "'p'" },
	{ "context", "N bytes of the context may not be read or written by programs of this type" },
	{ "want", "WHAT IT TAKES" }, { "bare", "TYPE" }, { "types", "TYPES" }, { "fn", "HELPER()" },
	{ "owner", "'p'" }, { "s", "NAME" }, { "t", "NAME" }, { "limits", " smin=A smax=B" },
	{ "var", "VAR" }, { "a", "A" }, { "b", "B" },
};

static const char *pattern(const char *key, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		if (strlen(patterns[i].key) == n && !memcmp(patterns[i].key, key, n))
			return patterns[i].word;
	return "N";
}

/* TEXT of reject.def with words for what varies in it. */
static void print_pattern(const char *text)
{
	for (; *text; text++) {
		size_t n = strcspn(text + 1, "}");

		if (*text != '{') {
			putchar(*text);
			continue;
		}
		fputs(pattern(text + 1, n), stdout);
		text += n + 1;
	}
	putchar('\n');
}

static bool explain_rejection(unsigned id)
{
	const struct reject_row *row = reject_row(id);

	if (!row)
		return false;
	printf("SKEP-E%04u: ", id);
	print_pattern(row->text);
	if (row->help)
		printf("help: %s\n", row->help);
	printf("kernel: ");
	print_pattern(row->kernel);
	print_example(row->name);
	return true;
}

/* ---- the command ----------------------------------------------------------- */

static bool explain(int id)
{
	const char *text = id < 0 ? NULL : skep_err_explain(id);

	if (text)
		printf("SKEP-E%04d: %s\n", id, text);
	return text || (id > 0 && explain_rejection((unsigned)id));
}

/* Up to the first full stop: one that a space follows; names have some inside. */
static size_t first_sentence(const char *text)
{
	const char *stop = strstr(text, ". ");
	size_t n = strlen(text);

	return stop ? (size_t)(stop - text) : n - (n && text[n - 1] == '.');
}

/* Every id with the beginning of what it means. */
static void list_ids(void)
{
	for (int id = 1; id <= MAX_ID; id++) {
		const struct reject_row *row = reject_row((unsigned)id);
		const char *text = skep_err_explain(id);

		if (text)
			printf("SKEP-E%04d  %.*s\n", id, (int)first_sentence(text), text);
		else if (row)
			printf("SKEP-E%04d  ", id), print_pattern(row->text);
	}
}

int cmd_explain(const struct command *cmd, int argc, char **argv)
{
	const struct opt opts[] = { { 0 } };
	struct opt_result res;
	int status = EXIT_YES;

	if (!opts_parse(&res, cmd, opts, argc, argv))
		return res.status;
	if (!res.operands.n)
		list_ids();
	for (size_t i = 0; i < res.operands.n; i++)
		if (!explain(parse_id(res.operands.v[i])))
			status = usage_error("there is no error '%s'", res.operands.v[i]);
	vec_free(&res.operands);
	return status;
}
