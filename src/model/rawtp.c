/* SPDX-License-Identifier: BSD-2-Clause */
/* rawtp.c: access to rawtp.def and iter.def: arguments of what is traced. */
#include "model/tables.h"

char rawtp_arg(const char *tracepoint, u32 i)
{
	static const struct { const char *name, *args; } rows[] = {
#define RAWTP(name, args) { #name, args },
#include "model/rawtp.def"
#undef RAWTP
	};

	for (size_t n = 0; n < ARRAY_LEN(rows); n++)
		if (!strcmp(rows[n].name, tracepoint))
			return i < strlen(rows[n].args) ? rows[n].args[i] : '-';
	return '-';
}

char iter_arg(const char *target, u32 i)
{
	static const struct { const char *name, *args; } rows[] = {
#define ITER(name, args) { #name, args },
#include "model/iter.def"
#undef ITER
	};

	for (size_t n = 0; n < ARRAY_LEN(rows); n++)
		if (!strcmp(rows[n].name, target))
			return i && i <= strlen(rows[n].args) ? rows[n].args[i - 1] : 0;
	return 0;
}
