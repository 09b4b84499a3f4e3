/* SPDX-License-Identifier: BSD-2-Clause */
/* os_process.c: processes and threads as /proc tells of them. */
#include "base/os.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Field 22 of a stat file in /proc. */
static u64 start_in(const char *file)
{
	char text[1024];
	const char *at = NULL;
	size_t n = 0;
	FILE *f = fopen(file, "re");

	if (f) {
		n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[n] = 0;
	at = strrchr(text, ')');	/* field 2 */
	for (int i = 2; at && i < 22; i++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

u64 os_thread_start(u32 id)
{
	char file[64];

	snprintf(file, sizeof(file), "/proc/self/task/%u/stat", id);
	return start_in(file);
}

u64 os_process_start(u32 pid)
{
	char file[64];

	snprintf(file, sizeof(file), "/proc/%u/stat", pid);
	return start_in(file);
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
