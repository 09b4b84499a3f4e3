/* SPDX-License-Identifier: BSD-2-Clause */
/* config.c: settings: defaults, then the script's config block, then the environment. */
#include "lang/lang.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum kind { K_u64, K_bool, K_CONFIG_STR };

static const struct { const char *name; u32 at; enum kind kind; } rows[] = {
#define CONFIG(name, type, value) { #name, offsetof(struct lang_config, name), K_##type },
#undef CONFIG_STR
#include "lang/config.def"
#undef CONFIG
};
#define CONFIG_STR const char *

/* Settings that are one of some words, and these. */
static const struct { const char *name, *words; } choices[] = {
	{ "cache_user_symbols", "PER_PID PER_PROGRAM NONE 0 1" },
	{ "missing_probes", "error warn ignore" },
	{ "stack_mode", "bpftrace perf raw build_id" },
};

/* The words that setting NAME takes; NULL: any. */
static const char *words_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(choices); i++)
		if (!strcmp(choices[i].name, name))
			return choices[i].words;
	return strncmp(name, "unstable_", 9) ? NULL : "enable warn error";
}

static bool is_one_of(const char *text, const char *words)
{
	const size_t n = strlen(text);

	for (const char *w = words; n && w; w = strchr(w, ' '), w += w != NULL)
		if (!strncmp(w, text, n) && (!w[n] || w[n] == ' '))
			return true;
	return false;
}

static bool set(struct lang *l, u32 row, const char *text)
{
	void *at = (u8 *)&l->config + rows[row].at;
	char *end;
	u64 v;

	switch (rows[row].kind) {
	case K_u64:
		v = strtoull(text, &end, 0);
		if (end == text || *end || *text == '-')
			return false;
		memcpy(at, &v, sizeof(v));
		return true;
	case K_bool:
		*(bool *)at = !strcmp(text, "true") || !strcmp(text, "1");
		return *(bool *)at || !strcmp(text, "false") || !strcmp(text, "0");
	default:
		if (words_of(rows[row].name) && !is_one_of(text, words_of(rows[row].name)))
			return false;
		*(const char **)at = arena_strdup(l->arena, text);
		return true;
	}
}

/* The row of NAME, also as an environment variable is written; -1: none. */
static int find(const char *name)
{
	char low[64];
	size_t i;

	if (!strncasecmp(name, "BPFTRACE_", 9))
		name += 9;
	for (i = 0; name[i] && i < sizeof(low) - 1; i++)
		low[i] = (char)tolower((unsigned char)name[i]);
	low[i] = 0;
	if (!strcmp(low, "strlen"))
		return find("max_strlen");
	for (size_t r = 0; r < ARRAY_LEN(rows); r++)
		if (!strcmp(rows[r].name, low))
			return (int)r;
	return -1;
}

static const char *text_of(struct lang *l, const struct node *v)
{
	if (v->kind == N_STR || v->kind == N_IDENT)
		return v->text;
	if (v->kind == N_BOOL)
		return v->num ? "true" : "false";
	if (v->kind == N_INT)
		return arena_printf(l->arena, "%llu", (unsigned long long)v->num);
	return NULL;
}

const char *lang_config_nearest(const char *name)
{
	const char *names[ARRAY_LEN(rows)];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		names[i] = rows[i].name;
	return err_nearest(name, names, ARRAY_LEN(rows));
}

static void one(struct lang *l, const struct node *n)
{
	const char *near, *text = text_of(l, n->a);
	const int r = find(n->text);

	if (r >= 0 && text && set(l, (u32)r, text))
		return;
	if (r >= 0) {
		diag_error(l->script, n->at, "Invalid value for %s: it takes %s", rows[r].name,
			   rows[r].kind == K_u64 ? "a number" : rows[r].kind == K_bool ?
			   "true or false" : words_of(rows[r].name) ? words_of(rows[r].name) :
			   "a word");
		return;
	}
	near = lang_config_nearest(n->text);
	diag_error(l->script, n->at, "Unrecognized config variable: %s", n->text);
	if (near)
		diag_hint(l->script, "did you mean %s?", near);
}

/* ---- config, in a script ----------------------------------------------------- */

bool lang_config_value(struct lang *l, struct node *n, const char *name)
{
	const u8 *at;
	size_t r;

	for (r = 0; r < ARRAY_LEN(rows) && strcmp(rows[r].name, name); r++)
		;
	if (r == ARRAY_LEN(rows))
		return false;
	at = (const u8 *)&l->config + rows[r].at;
	n->a = n->list = NULL;
	switch (rows[r].kind) {
	case K_u64:
		n->kind = N_INT;
		n->num = *(const u64 *)at;
		n->is_unsigned = true;
		break;
	case K_bool:
		n->kind = N_BOOL;
		n->num = *(const bool *)at;
		break;
	default:
		n->kind = N_STR;
		n->text = *(const char *const *)at;
		n->text_n = (u32)strlen(n->text);
	}
	return true;
}

void lang_config_record(struct lang *l, struct node *n)
{
	struct node **end = &n->list;

	n->kind = N_RECORD;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		*end = node_new(l->script, N_NAMED, n->at);
		(*end)->text = rows[r].name;
		(*end)->a = node_new(l->script, N_INT, n->at);
		lang_config_value(l, (*end)->a, rows[r].name);
		end = &(*end)->next;
	}
}

static void environment(struct lang *l)
{
	char name[80];

	for (u32 r = 0; r < ARRAY_LEN(rows); r++) {
		const char *v;
		size_t n = (size_t)snprintf(name, sizeof(name), "BPFTRACE_%s", rows[r].name);

		for (size_t i = 0; i < n; i++)
			name[i] = (char)toupper((unsigned char)name[i]);
		v = getenv(name);
		if (!v && !strcmp(rows[r].name, "max_strlen"))
			v = getenv("BPFTRACE_STRLEN");
		if (v && !set(l, r, v))
			diag_error(l->script, (struct span){ 0 }, "%s: '%s' is not a value for it",
				   name, v);
	}
}

void lang_config_read(struct lang *l)
{
	l->config = (struct lang_config){
#define CONFIG(name, type, value) .name = value,
#include "lang/config.def"
#undef CONFIG
	};
	for (struct node *n = l->script->list; n; n = n->next)
		for (struct node *e = n->kind == N_CONFIG ? n->list : NULL; e; e = e->next)
			one(l, e);
	environment(l);
	if (l->config.max_strlen > 64 * 1024 || l->config.max_strlen < 8)
		diag_error(l->script, (struct span){ 0 }, "max_strlen is 8 to 65536, not %llu",
			   (unsigned long long)l->config.max_strlen);
}
