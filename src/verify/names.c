/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * names.c: finds names in the source lines that an object carries. It reads C
 * as far as a name takes, and says nothing where it does not understand.
 */
#include "verify/names.h"
#include <ctype.h>
#include <stdio.h>

static bool is_name(char c)
{
	return isalnum((u8)c) || c == '_';
}

static bool set_name(char name[NAME_BYTES], const char *s, size_t n)
{
	if (!n || n >= NAME_BYTES || isdigit((u8)*s))
		return false;
	memcpy(name, s, n);
	name[n] = 0;
	return true;
}

static const char *line_text(const struct verifier *v, u32 insn, u32 *col)
{
	const struct image_line *line = image_line(v->prog, insn);

	*col = line ? line->col : 0;
	return line && line->text ? line->text : "";
}

/* The last '=' of S that assigns and is before END; NULL: none. */
static const char *assignment(const char *s, const char *end)
{
	const char *found = NULL;

	for (const char *p = s; p < end && *p && *p != '"'; p++) {
		if (*p != '=')
			continue;
		if (p[1] == '=')
			p++;
		else if (p > s && !strchr("=!<>+-*/%&|^", p[-1]))
			found = p;
	}
	return found;
}

bool name_assigned(const struct verifier *v, u32 insn, char name[NAME_BYTES])
{
	u32 col;
	const char *text = line_text(v, insn, &col), *eq, *end;

	eq = assignment(text, text + (col && col < strlen(text) ? col : strlen(text)));
	if (!eq || strchr(eq + 1, '{'))
		return false;
	while (eq > text && isspace((u8)eq[-1]))
		eq--;
	for (end = eq; eq > text && is_name(eq[-1]); eq--)
		;
	if (eq > text && (eq[-1] == '.' || eq[-1] == '>' || eq[-1] == ']'))
		return false;
	return set_name(name, eq, (size_t)(end - eq));
}

/* Members and names to the left: "ip->" before "saddr". */
static const char *begin_of(const char *text, const char *p)
{
	for (;;) {
		while (p > text && is_name(p[-1]))
			p--;
		if (p > text + 1 && p[-1] == '>' && p[-2] == '-')
			p -= 2;
		else if (p > text && p[-1] == '.' && p > text + 1 && is_name(p[-2]))
			p--;
		else
			return p;
	}
}

/* Behind a name with members and indexes that begins at P. */
static const char *end_of(const char *p)
{
	for (;;) {
		while (is_name(*p))
			p++;
		if (*p == '[') {
			size_t n = strcspn(p, "]");

			if (!p[n] || memchr(p + 1, '[', n - 1))
				return p;
			p += n + 1;
		} else if (p[0] == '-' && p[1] == '>' && is_name(p[2])) {
			p += 2;
		} else if (p[0] == '.' && is_name(p[1])) {
			p++;
		} else {
			return p;
		}
	}
}

bool name_at(const struct verifier *v, u32 insn, char name[NAME_BYTES])
{
	u32 col;
	const char *text = line_text(v, insn, &col), *p, *begin, *end;
	const char *stars;

	if (!col || col > strlen(text))
		return false;
	p = text + col - 1;
	for (stars = p; *p == '*'; p++)
		;
	if (!is_name(*p))
		return false;
	begin = stars < p ? stars : begin_of(text, p);
	end = end_of(p);
	if (*end == '(')	/* a call */
		return false;
	if (end - p == 6 && !memcmp(p, "return", 6))
		return false;
	return set_name(name, begin, (size_t)(end - begin));
}

/* Behind the argument that begins at P: a comma or the closing parenthesis; NULL:
 * the line ends first. */
static const char *argument_end(const char *p)
{
	int depth = 0;

	for (; *p && *p != '"'; p++) {
		depth += *p == '(' || *p == '[';
		if (!depth && (*p == ',' || *p == ')'))
			return p;
		depth -= *p == ')' || *p == ']';
	}
	return NULL;
}

bool name_argument(const struct verifier *v, u32 insn, u32 i, char name[NAME_BYTES])
{
	u32 col;
	const char *text = line_text(v, insn, &col), *p, *end;

	if (!col || col > strlen(text))
		return false;
	for (p = text + col - 1; is_name(*p); p++)
		;
	if (*p != '(')		/* the column of "return f(x)" is that of return */
		p = strchr(p, '(');
	for (end = p; end; i--) {
		p = end + 1 + strspn(end + 1, " ");
		end = argument_end(p);
		if (!i || !end || *end == ')')
			break;
	}
	return end && !i && set_name(name, p, (size_t)(end - p));
}

bool name_compared(const struct verifier *v, u32 insn, char name[NAME_BYTES])
{
	u32 col;
	const char *text = line_text(v, insn, &col), *p = strstr(text, "> "), *end;

	if (!p)
		p = strstr(text, ">= ");
	if (!p)
		return false;
	p += strcspn(p, " ");
	p += strspn(p, " ");
	for (end = p; is_name(*end); end++)
		;
	return (*end == ')' || *end == ' ') && set_name(name, p, (size_t)(end - p));
}

const char *prog_type_name(const struct verifier *v)
{
	const struct progtype_row *row = progtype_row(v->prog->type);

	return row ? row->name : "unknown";
}

/* ---- members of map values ------------------------------------------------ */

static void variable(const struct btf *btf, const struct btf_type *t, s64 off,
		     char name[NAME_BYTES])
{
	const struct btf_var_secinfo *v = (const void *)(t + 1);

	for (u32 i = 0; i < btf_vlen(t); i++)
		if (off >= v[i].offset && off < (s64)v[i].offset + v[i].size)
			snprintf(name, NAME_BYTES, " (variable '%s')",
				 btf_type_name(btf, v[i].type));
}

static void member(const struct btf *btf, const struct btf_type *t, s64 off,
		   char name[NAME_BYTES])
{
	for (u32 i = 0; i < btf_vlen(t); i++) {
		struct btf_member_info m = btf_member(btf, t, i);
		s64 size = btf_size(btf, m.type_id);

		if (off >= (s64)m.bit_off / 8 && off < (s64)m.bit_off / 8 + size && *m.name)
			snprintf(name, NAME_BYTES, " (member '%s')", m.name);
	}
}

void name_member(const struct verifier *v, const struct image_map *map, s64 off,
		 char name[NAME_BYTES])
{
	const struct btf *btf = v->img->btf;
	const struct btf_type *t;

	name[0] = 0;
	if (!btf || !map->value_type || off < 0)
		return;
	t = btf_type(btf, btf_skip_mods(btf, map->value_type));
	if (!t)
		return;
	if (btf_kind(t) == BTF_KIND_DATASEC)
		variable(btf, t, off, name);
	else if (btf_kind(t) == BTF_KIND_STRUCT)
		member(btf, t, off, name);
}

/* ---- members of the context ------------------------------------------------ */

static const char *member_at(const struct btf *btf, const char *structure, s64 off)
{
	u32 id = btf ? btf_find(btf, structure, BTF_KIND_STRUCT) : 0;
	const struct btf_type *t = id ? btf_type(btf, id) : NULL;

	for (u32 i = 0; t && i < btf_vlen(t); i++) {
		struct btf_member_info m = btf_member(btf, t, i);
		s64 at = (s64)m.bit_off / 8;

		if (off >= at && off < at + (s64)btf_size(btf, m.type_id) && *m.name)
			return m.name;
	}
	return NULL;
}

const char *name_context(const struct verifier *v, s64 off)
{
	const char *name = NULL;

	if (v->ctx && *v->ctx->name)
		name = member_at(v->img->btf, v->ctx->name, off);
	if (!name && v->ctx && *v->ctx->name)
		name = member_at(v->opts->vmlinux, v->ctx->name, off);
	return name;
}
