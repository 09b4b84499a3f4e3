/* SPDX-License-Identifier: BSD-2-Clause */
/* place.c: what section names say of a place in a program: PATH:SYMBOL+OFFSET. */
#include "sym/symbols.h"
#include <ctype.h>
#include <stdlib.h>

static bool parse_number(const char *text, u64 *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 0);
	return isdigit((unsigned char)*text) && !*end && !errno;
}

/* SYMBOL[@VERSION][+OFFSET] or OFFSET at TEXT, which is changed. */
static bool parse_symbol(struct sym_place *p, char *text)
{
	char *plus = strrchr(text, '+');

	if (parse_number(text, &p->off)) {
		p->symbol = "";
		return true;
	}
	if (plus) {
		*plus = 0;
		if (!parse_number(plus + 1, &p->off))
			return false;
	}
	p->symbol = text;
	return *text && *text != '@';
}

static bool parse(struct sym_place *p, bool usdt)
{
	char *colon = strrchr(p->path, ':'), *name;

	if (!colon || colon == p->path)
		return false;
	*colon = 0;
	name = colon + 1;
	if (!usdt)
		return parse_symbol(p, name);
	colon = strrchr(p->path, ':');
	if (!colon || colon == p->path)
		return false;
	*colon = 0;
	p->provider = colon + 1;
	p->symbol = name;
	return *p->provider && *name;
}

bool sym_place_parse(struct sym_place *p, const char *text, bool usdt)
{
	*p = (struct sym_place){ .path = mem_strdup(text) };
	if (parse(p, usdt))
		return true;
	sym_place_free(p);
	return false;
}

void sym_place_free(struct sym_place *p)
{
	free(p->path);
	*p = (struct sym_place){ 0 };
}
