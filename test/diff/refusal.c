/* SPDX-License-Identifier: BSD-2-Clause */
/* refusal.c: see refusal.h. */
#include "diff/refusal.h"
#include <ctype.h>
#include <stdio.h>

static const struct refusal rows[] = {
#define REFUSAL(name, ours, pattern, why) { name, pattern, ours, why },
#include "diff/refusal.def"
#undef REFUSAL
};

static bool starts(const char *line, const char *with)
{
	return !strncmp(line, with, strlen(with));
}

/* Lines that end every log, or tell of the state. */
static bool is_chatter(const char *line)
{
	return !*line || starts(line, "verification time ") || starts(line, "stack depth ") ||
	       starts(line, "insns processed ") || starts(line, "; ") ||
	       starts(line, "mark_precise") || starts(line, "old state:") ||
	       starts(line, "cur state:") || isdigit((u8)*line);
}

void refusal_read(struct diff_verdict *v, s32 error, char *log)
{
	char *at = log, *line;

	*v = (struct diff_verdict){ .error = error };
	while ((line = strsep(&at, "\n"))) {
		if (sscanf(line, "processed %u insns (limit %*u) max_states_per_insn %*u "
			   "total_states %u peak_states %u", &v->insns, &v->states, &v->peak))
			continue;
		if (!is_chatter(line))
			snprintf(v->line, sizeof(v->line), "%s", line);
	}
	if (!error && !starts(v->line, "verifier bug"))
		v->line[0] = 0;
}

static const char *skip_number(const char *s)
{
	if (*s == '-' || *s == '+')
		s++;
	if (s[0] == '0' && s[1] == 'x')
		s += 2;
	while (isxdigit((u8)*s))
		s++;
	return s;
}

bool refusal_matches(const char *pattern, const char *line)
{
	for (; *pattern; pattern++) {
		if (*pattern == '*') {
			do
				if (refusal_matches(pattern + 1, line))
					return true;
			while (*line++);
			return false;
		}
		if (*pattern == '#') {
			const char *end = skip_number(line);

			if (end == line)
				return false;
			line = end;
		} else if (*pattern != *line++) {
			return false;
		}
	}
	return !*line;
}

const struct refusal *refusal_of(const struct diff_verdict *v)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (refusal_matches(rows[i].pattern, v->line))
			return &rows[i];
	return NULL;
}

u32 refusal_index(const struct refusal *r) { return (u32)(r - rows); }
