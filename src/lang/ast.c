/* SPDX-License-Identifier: BSD-2-Clause */
/* ast.c: a script's memory: sources, nodes, copies of them. */
#include "lang/cdecl.h"

void script_open(struct script *s)
{
	memset(s, 0, sizeof(*s));
	s->diags_end = &s->diags;
}

void script_free(struct script *s)
{
	cpp_free(s);
	arena_free(&s->arena);
	memset(s, 0, sizeof(*s));
}

static u32 count_lines(const char *text, u32 bytes)
{
	u32 n = 1;

	for (const char *p = text; (p = memchr(p, '\n', bytes - (size_t)(p - text))); p++)
		n++;
	return n;
}

const struct source *script_source(struct script *s, const char *name, const char *text,
				   u32 bytes)
{
	struct source *src = arena_new(&s->arena, struct source);
	u32 *lines, n = 0;

	src->name = arena_strdup(&s->arena, name);
	src->text = text;
	src->bytes = bytes;
	src->nr_lines = count_lines(text, bytes);
	lines = arena_news(&s->arena, src->nr_lines, u32);
	lines[n++] = 0;
	for (const char *p = text; (p = memchr(p, '\n', bytes - (size_t)(p - text))); p++)
		lines[n++] = (u32)(p - text) + 1;
	src->lines = lines;
	return src;
}

const struct source *script_source_copy(struct script *s, const char *name, const void *data,
					u32 bytes)
{
	char *text = arena_alloc(&s->arena, (size_t)bytes + 1);

	memcpy(text, data, bytes);
	return script_source(s, name, text, bytes);
}

struct node *node_new(struct script *s, enum node_kind kind, struct span at)
{
	struct node *n = arena_new(&s->arena, struct node);

	n->kind = kind;
	n->at = at;
	return n;
}

struct node *node_copy(struct script *s, const struct node *n)
{
	struct node *copy;

	if (!n)
		return NULL;
	copy = arena_copy(&s->arena, n, sizeof(*n));
	copy->next = NULL;
	copy->a = node_copy(s, n->a);
	copy->b = node_copy(s, n->b);
	copy->c = node_copy(s, n->c);
	copy->type = node_copy(s, n->type);
	copy->list = node_copy_list(s, n->list);
	return copy;
}

struct node *node_copy_list(struct script *s, const struct node *list)
{
	struct node *first = NULL, **end = &first;

	for (; list; list = list->next) {
		*end = node_copy(s, list);
		end = &(*end)->next;
	}
	return first;
}

struct span span_join(struct span a, struct span b)
{
	if (!a.src)
		return b;
	if (a.src != b.src)
		return a;
	if (b.from < a.from)
		a.from = b.from;
	if (b.to > a.to)
		a.to = b.to;
	return a;
}

bool node_is_braced(const struct node *n)
{
	switch (n->kind) {
	case N_BLOCK: case N_IF: case N_WHILE: case N_UNROLL: case N_FORMAP: case N_FORRANGE:
		return true;
	default:
		return false;
	}
}

const char *node_kind_name(enum node_kind kind)
{
	static const char *const names[] = {
#define NODE(kind, name) name,
#include "lang/ast.def"
#undef NODE
	};

	return names[kind];
}
