/* SPDX-License-Identifier: BSD-2-Clause */
/* os_process.c: processes and threads as /proc tells of them. */
#include "base/os.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { STAT_BYTES = 1024 };

static void read_stat(char text[STAT_BYTES], const char *file)
{
	size_t n = 0;
	FILE *f = fopen(file, "re");

	if (f) {
		n = fread(text, 1, STAT_BYTES - 1, f);
		fclose(f);
	}
	text[n] = 0;
}

/* Where field I (from 3 on) of a stat file in /proc begins; "" when there is none. */
static const char *stat_field(const char *text, int i)
{
	const char *at = strrchr(text, ')');	/* field 2: a name, of any characters */

	for (; at && i > 2; i--)
		at = strchr(at + 1, ' ');
	return at ? at + 1 : "";
}

static u64 stat_number(const char *text, int i)
{
	return strtoull(stat_field(text, i), NULL, 10);
}

/* Did it end, and nobody has waited for it yet? Where other threads go on the first one
 * is a zombie, too. */
static bool is_zombie(const char *text)
{
	return strchr("ZX", *stat_field(text, 3)) && stat_number(text, 20) <= 1;
}

u64 os_thread_start(u32 id)
{
	char file[64], text[STAT_BYTES];

	snprintf(file, sizeof(file), "/proc/self/task/%u/stat", id);
	read_stat(text, file);
	return stat_number(text, 22);
}

u64 os_process_start(u32 pid)
{
	char file[64], text[STAT_BYTES];

	snprintf(file, sizeof(file), "/proc/%u/stat", pid);
	read_stat(text, file);
	return is_zombie(text) ? 0 : stat_number(text, 22);
}

bool os_process_owner(u32 pid, u32 *uid)
{
	char file[64];
	struct stat st;

	snprintf(file, sizeof(file), "/proc/%u", pid);
	if (stat(file, &st))
		return false;
	*uid = st.st_uid;
	return true;
}

void os_process_comm(u32 pid, char name[16])
{
	char file[64];
	FILE *f;

	memset(name, 0, 16);
	snprintf(file, sizeof(file), "/proc/%u/comm", pid);
	f = fopen(file, "re");
	if (!f)
		return;
	if (fgets(name, 16, f))
		name[strcspn(name, "\n")] = 0;
	fclose(f);
}
