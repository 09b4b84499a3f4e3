/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lang_text_fuzz.c: any text through the whole compiler. Most of it is wrong and must be
 * answered with messages; what compiles must be accepted by our verifier and, for some, by
 * the kernel. Scripts that name files, or look at all that a system has, are left out.
 */
#include "lang_judge.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes);

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
	static const char *const not[] = { "/dev", "/proc", "/sys", "import", "include", ":*", "_*",
					   "*:", "?", "[!", "kprobe:[", "uprobe",
					   "uretprobe", "usdt" };
	char *text = malloc(bytes + 1);
	bool skip = bytes > 4096;

	memcpy(text, data, bytes);
	text[bytes] = 0;
	for (size_t i = 0; i < ARRAY_LEN(not); i++)
		skip |= memmem(text, bytes, not[i], strlen(not[i])) != NULL;
	if (!skip)
		judge_script(text, bytes, bytes % 8 == 0, false);
	free(text);
	return 0;
}
