/* SPDX-License-Identifier: BSD-2-Clause */
/* broken.c: what is asked for in the environment. See broken.h. */
#include "broken.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned broken_at = BROKEN_MAX;
char broken_seen[BROKEN_MAX];

__attribute__((constructor)) static void read_environment(void)
{
	const char *at = getenv("BREAK");

	memset(broken_seen, '0', sizeof(broken_seen));
	if (at)
		broken_at = (unsigned)atoi(at);
}

__attribute__((destructor)) static void write_seen(void)
{
	const char *path = getenv("BREAK_SEEN");
	FILE *f = path ? fopen(path, "w") : NULL;

	if (!f)
		return;
	fwrite(broken_seen, 1, sizeof(broken_seen), f);
	fclose(f);
}
