/* SPDX-License-Identifier: BSD-2-Clause */
/* out_syscall.c: names of this machine's system calls. */
#include "lang/out.h"

static const struct { const char *name; s32 nr; } rows[] = {
#if defined(__aarch64__)
#define SYSCALL(name, x64, a64) { #name, a64 },
#else
#define SYSCALL(name, x64, a64) { #name, x64 },
#endif
#include "lang/syscall.def"
#undef SYSCALL
};

const char *out_syscall_name(u64 nr)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].nr >= 0 && (u64)rows[i].nr == nr)
			return rows[i].name;
	return NULL;
}

s64 out_syscall_number(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].name, name))
			return rows[i].nr;
	return -1;
}
