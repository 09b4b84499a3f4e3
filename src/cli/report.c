/* SPDX-License-Identifier: BSD-2-Clause */
/* report.c: errors and results on their way out. */
#include "cli/cli.h"

/* What a program did wrong is an answer; what kept skep from asking is not. */
static int exit_status(int id)
{
	switch (id) {
	case ERR_FAULT:
	case ERR_FRAMES:
	case ERR_KERNEL_REJECTED:
		return EXIT_NO;
	}
	return EXIT_NO_ANSWER;
}

int report(const struct skep_err *err)
{
	fflush(stdout);
	fputs(skep_err_text(err), stderr);
	return exit_status(err->id);
}

int usage_error(const struct command *cmd, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "skep %s: ", cmd->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nhelp: `skep %s --help` says what it takes\n", cmd->name);
	return EXIT_NO_ANSWER;
}

int print_out(const struct strbuf *b)
{
	if (fwrite(sb_text(b), 1, b->n, stdout) == b->n && !fflush(stdout))
		return EXIT_YES;
	perror("skep: standard output");
	return EXIT_NO_ANSWER;
}
