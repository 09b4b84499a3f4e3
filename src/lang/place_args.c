/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * place_args.c: the arguments of a probe by name: of tracepoints from their format file, of
 * BTF-typed ones and the kernel's functions from its types, of programs' functions from
 * debug information.
 */
#include "base/hash.h"
#include "kernel/tracefs.h"
#include "lang/sema.h"
#include "sym/dwarf.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { ARGS_MAX = 64 };

struct list { struct lang *l; struct place *p; struct place_arg v[ARGS_MAX]; u32 n; };

static void add(struct list *a, struct place_arg arg)
{
	if (a->n < ARGS_MAX && arg.ty)
		a->v[a->n++] = arg;
}

static void finish(struct list *a)
{
	u64 h = a->p->layout ? a->p->layout : 1;

	a->p->args = arena_copy(a->l->arena, a->v, (a->n + 1) * sizeof(a->v[0]));
	a->p->nr_args = a->n;
	for (u32 i = 0; i < a->n; i++) {
		const u64 words[] = { h, (uintptr_t)a->v[i].ty, a->v[i].off, a->v[i].data_loc };

		h = hash_bytes(words, sizeof(words), 2) ^
		    hash_bytes(a->v[i].name, strlen(a->v[i].name), 3);
	}
	a->p->layout = h;
}

/* ---- tracepoints ------------------------------------------------------------- */

static u32 number_after(const char *line, const char *word)
{
	const char *at = strstr(line, word);

	return at ? (u32)strtoul(at + strlen(word), NULL, 10) : 0;
}

static const struct ty *pointer_type(struct lang *l, const char *text, bool user)
{
	const enum ty_space space = user ? SPACE_USER : SPACE_KERNEL;
	const struct btf *btf;
	const struct ty *of = ty_void(&l->types);
	char name[128];
	const char *s = text;
	size_t n;
	u32 id, stars = 0;

	for (const char *c = text; *c; c++)
		stars += *c == '*';
	while (!strncmp(s, "const ", 6))
		s += 6;
	n = strcspn(s, "*");
	while (n && s[n - 1] == ' ')
		n--;
	snprintf(name, sizeof(name), "%.*s", (int)n, s);
	if (strstr(name, " const"))
		*strstr(name, " const") = 0;
	if (!strcmp(name, "char"))
		of = ty_int(&l->types, 1, true);
	else if (lang_find_type(l, name, &btf, &id))
		of = ty_btf(&l->types, btf, id, space);
	of = of ? of : ty_void(&l->types);
	while (stars-- > 1)
		of = ty_ptr(&l->types, of, space);
	return ty_ptr(&l->types, of, space);
}

/* TYPE NAME or TYPE NAME[N], as the format file says. */
static void field(struct list *a, char *text, u32 off, u32 size, bool is_signed)
{
	const bool user = strstr(a->p->text, ":syscalls:") != NULL;
	char *bracket = strchr(text, '['), *name;
	const bool data_loc = strstr(text, "__data_loc") || strstr(text, "__rel_loc");
	struct place_arg arg = { .off = off, .bytes = size, .data_loc = data_loc };
	u32 n = 0;

	if (bracket && !data_loc) {
		n = (u32)strtoul(bracket + 1, NULL, 10);
		*bracket = 0;
	}
	name = strrchr(text, ' ');
	if (!name)
		return;
	*name++ = 0;
	while (*name == '*')
		name++;
	arg.name = arena_strdup(a->l->arena, name);
	if (data_loc) {
		arg.ty = ty_int(&a->l->types, 4, false);
	} else if (strchr(text, '*') && !bracket) {
		arg.ty = pointer_type(a->l, text, user);
	} else if (bracket) {
		const u32 each = n && size % n == 0 ? size / n : 1;

		n = size / each;
		arg.ty = each > 8 || (each & (each - 1))
				 ? NULL
				 : ty_array(&a->l->types, ty_int(&a->l->types, each, is_signed), n,
					    SPACE_NONE);
	} else if (size == 1 || size == 2 || size == 4 || size == 8) {
		arg.ty = ty_int(&a->l->types, size, is_signed);
	}
	add(a, arg);
}

static void tracepoint(struct list *a)
{
	struct strbuf b = { 0 };
	char path[320];

	snprintf(path, sizeof(path), "events/%s/format", a->p->at);
	if (tracefs_read(&b, path))
		return;
	/* Fields that all events have are before byte 8: the kernel lets no program see them. */
	for (char *line = b.s; line && *line;) {
		char *end = strchr(line, '\n'), *next = end ? end + 1 : line + strlen(line);
		char *at, text[256];
		u32 off;

		if (end)
			*end = 0;
		at = strstr(line, "field:");
		off = at ? number_after(line, "offset:") : 0;
		if (off >= 8) {
			snprintf(text, sizeof(text), "%.*s", (int)strcspn(at + 6, ";"), at + 6);
			field(a, text, off, number_after(line, "size:"),
			      number_after(line, "signed:"));
		}
		line = next;
	}
	sb_free(&b);
}

/* ---- types of functions ------------------------------------------------------ */

/* Parameters of function ID from FIRST on; STEP: how far apart they are. */
static void parameters(struct list *a, const struct btf *btf, u32 id, u32 first, u32 step,
		       enum ty_space space)
{
	const struct btf_type *proto = btf_type(btf, btf_type(btf, id)->type);
	const struct btf_param *p = (const struct btf_param *)(proto + 1);

	for (u32 i = first; i < btf_vlen(proto); i++) {
		const char *name = btf_str(btf, p[i].name_off);

		add(a, (struct place_arg){ .name = *name ? name :
		    arena_printf(a->l->arena, "arg%u", i - first), .off = step * (i - first),
		    .bytes = 8, .ty = ty_btf(&a->l->types, btf, p[i].type, space) });
	}
	if (proto->type)
		a->p->ret = ty_btf(&a->l->types, btf, proto->type, space);
}

static void raw_tracepoint(struct list *a)
{
	const struct btf *btf = lang_kernel(a->l);
	u32 id = btf ? btf_find(btf, arena_printf(a->l->arena, "__traceiter_%s", a->p->at),
				BTF_KIND_FUNC) : 0;

	if (id)
		parameters(a, btf, id, 1, 8, SPACE_BTF);
	a->p->ret = NULL;
}

/* Numbers as they are, and what points somewhere as a number. */
static const struct ty *word_type(struct lang *l, const struct btf *btf, u32 id)
{
	const struct ty *t = ty_btf(&l->types, btf, id, SPACE_NONE);

	return t && ty_is_number(t) ? t : ty_int(&l->types, 8, false);
}

/* Of a BPF program: its types are not the kernel's. */
static void prog_function(struct list *a)
{
	const struct btf *btf = a->p->bpf.btf;
	const u32 id = btf_find(btf, a->p->at, BTF_KIND_FUNC);
	const struct btf_type *proto;
	const struct btf_param *p;

	if (!id)
		return;
	proto = btf_type(btf, btf_type(btf, id)->type);
	p = (const struct btf_param *)(proto + 1);
	for (u32 i = 0; i < btf_vlen(proto); i++) {
		const char *name = btf_str(btf, p[i].name_off);

		add(a, (struct place_arg){ .name = *name ? name :
		    arena_printf(a->l->arena, "arg%u", i), .off = 8 * i, .bytes = 8,
		    .ty = word_type(a->l, btf, p[i].type) });
	}
	if (proto->type)
		a->p->ret = word_type(a->l, btf, proto->type);
}

static void typed_function(struct list *a)
{
	const struct btf *btf = lang_kernel(a->l);
	u32 id = btf ? btf_find(btf, a->p->at, BTF_KIND_FUNC) : 0;

	if (id)
		parameters(a, btf, id, 0, 8, SPACE_BTF);
}

/* Types of the program or library PATH, which are read once; NULL: it has none. */
static const struct btf *dwarf_of(struct lang *l, const char *path)
{
	struct dwarf_report rep;
	struct skep_err err;
	struct strbuf raw = { 0 };
	struct lang_dwarf *d;

	for (size_t i = 0; i < l->dwarf.n; i++)
		if (!strcmp(l->dwarf.v[i]->path, path))
			return l->dwarf.v[i]->btf;
	d = arena_new(l->arena, struct lang_dwarf);
	d->path = arena_strdup(l->arena, path);
	if (!dwarf_to_btf(&raw, path, &rep, &err))
		btf_parse(&d->btf, l->arena, (const u8 *)raw.s, raw.n, path, &err);
	sb_free(&raw);
	if (d->btf)
		*vec_push(&l->dwarf) = d;
	return d->btf;
}

static void user_function(struct list *a)
{
	const char *colon = strrchr(a->p->at, ':');
	const struct btf *btf = dwarf_of(a->l, arena_strndup(a->l->arena, a->p->at,
						(size_t)(colon - a->p->at)));
	u32 id = btf && a->p->func ? btf_find(btf, a->p->func, BTF_KIND_FUNC) : 0;

	if (id && !isdigit((u8)colon[1]))	/* in the middle registers are others */
		parameters(a, btf, id, 0, 1, SPACE_USER);
	if (a->n > 6)
		a->n = 6;
	if (a->p->kind == LP_URETPROBE)	/* at its end the registers hold something else */
		a->n = 0;
}

static void iterator(struct list *a)
{
	const struct btf *btf = lang_kernel(a->l);
	char name[128];
	u32 id;

	snprintf(name, sizeof(name), "bpf_iter__%s", a->p->at);
	id = btf ? btf_find(btf, name, BTF_KIND_STRUCT) : 0;
	for (u32 i = 0; id && i < btf_vlen(btf_type(btf, id)); i++) {
		const struct btf_member_info m = btf_member(btf, btf_type(btf, id), i);
		const u32 to = btf_skip_mods(btf, m.type_id);
		const struct btf_member_info in = btf_kind(btf_type(btf, to)) == BTF_KIND_UNION ?
			btf_member(btf, btf_type(btf, to), 0) : m;
		const struct ty *t = ty_btf(&a->l->types, btf, in.type_id, SPACE_BTF);

		add(a, (struct place_arg){ .name = in.name, .off = m.bit_off / 8, .ty = t,
					   .bytes = t ? t->bytes : 0 });
	}
}

void place_args(struct lang *l, struct place *p)
{
	struct list *a;

	if (p->args)
		return;
	a = arena_new(l->arena, struct list);
	a->l = l;
	a->p = p;
	switch (p->kind) {
	case LP_TRACEPOINT: tracepoint(a); break;
	case LP_RAWTP: raw_tracepoint(a); break;
	case LP_FENTRY:
	case LP_FEXIT:
		if (p->bpf.prog)
			prog_function(a);
		else
			typed_function(a);
		break;
	case LP_UPROBE:
	case LP_URETPROBE: user_function(a); break;
	case LP_ITER: iterator(a); break;
	default: break;
	}
	finish(a);
}
