/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_explain.c: what an error id means; takes SKEP-E0107, E0107 or 107. */
#include "cli/cli.h"
#include "verify/verify.h"
#include <ctype.h>
#include <stdlib.h>

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
	return isdigit((unsigned char)*text) && !*end && id <= 9999 ? (int)id : -1;
}

/* A reason of the verifier's; what varies stands in braces. */
static bool explain_rejection(unsigned id)
{
	const struct reject_row *row = reject_row(id);

	if (!row)
		return false;
	printf("SKEP-E%04u: %s\n", id, row->text);
	if (row->help)
		printf("help: %s\n", row->help);
	printf("kernel: %s\n", row->kernel);
	return true;
}

int cmd_explain(const struct command *cmd, int argc, char **argv)
{
	const struct opt opts[] = { { 0 } };
	struct opt_result res;
	int status = EXIT_YES;

	if (!opts_parse(&res, cmd, opts, argc, argv))
		return res.status;
	if (!res.operands.n)
		status = usage_error("which error? give an id like SKEP-E0801");
	for (size_t i = 0; i < res.operands.n; i++) {
		int id = parse_id(res.operands.v[i]);
		const char *text = id < 0 ? NULL : skep_err_explain(id);

		if (text) {
			printf("SKEP-E%04d: %s\n", id, text);
			continue;
		}
		if (id > 0 && explain_rejection((unsigned)id))
			continue;
		status = usage_error("there is no error '%s'", res.operands.v[i]);
	}
	vec_free(&res.operands);
	return status;
}
