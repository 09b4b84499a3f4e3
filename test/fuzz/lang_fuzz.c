/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lang_fuzz.c: scripts. Any text is read; what is read is written by --fmt as the same
 * script, and again the same; macros, imports and the C part end, whatever they say.
 */
#include "lang/cdecl.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes);

/* What --fmt makes of TEXT; NULL: it has errors. */
static char *format(const char *text, size_t bytes)
{
	struct script s;
	struct strbuf out = { 0 };
	bool ok;

	script_open(&s);
	ok = fmt_script(&out, &s, script_source(&s, "stdin", text, (u32)bytes));
	if (!ok && s.nr_errors && s.diags && strstr(s.diags->text, "would not be the same"))
		abort();
	script_free(&s);
	if (!ok)
		sb_free(&out);
	return ok ? out.s ? out.s : strdup("") : NULL;
}

static void expand(const char *text, size_t bytes)
{
	static const char *const args[] = { "12", "vfs_read", "-7", "--name=value", "--yes" };
	static const char *const dirs[] = { "test/fuzz/corpus/lang/dir" };
	struct expand_opts o = { .args = args, .nr_args = 5, .dirs = dirs, .nr_dirs = 1 };
	struct script s;
	struct strbuf out = { 0 };
	struct cdecl c;

	script_open(&s);
	parse_script(&s, script_source(&s, "stdin", text, (u32)bytes));
	if (!s.nr_errors)
		expand_script(&s, &o);
	for (const struct node *n = s.list; n; n = n->next)
		if (n->kind == N_CPART) {
			cdecl_parse(&s, n, NULL, &c);
			cdecl_free(&c);
			break;
		}
	ast_print(&out, &s);
	diag_print(&out, &s);
	sb_free(&out);
	script_free(&s);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
	char *text = malloc(bytes + 1), *once, *twice;

	memcpy(text, data, bytes);
	text[bytes] = 0;
	once = format(text, bytes);
	if (once) {
		twice = format(once, strlen(once));
		if (!twice || strcmp(once, twice))
			abort();
		free(twice);
	}
	if (!memmem(text, bytes, "/dev", 4) && !memmem(text, bytes, "/proc", 5))
		expand(text, bytes);
	free(once);
	free(text);
	return 0;
}
