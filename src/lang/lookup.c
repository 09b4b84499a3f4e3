/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lookup.c: names of C: types and constants of the script's C part, then of the running
 * kernel's types, which are opened when first a script asks.
 */
#include "lang/cdecl.h"
#include "lang/out.h"
#include "lang/sema.h"
#include "sym/symbols.h"
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

const struct btf *lang_kernel(struct lang *l)
{
	struct skep_err err;

	if (l->kernel_asked)
		return l->kernel;
	l->kernel_asked = true;
	if (!btf_open_file(&l->kernel_file, "/sys/kernel/btf/vmlinux", NULL, &err))
		l->kernel = l->kernel_file.btf;
	return l->kernel;
}

/* NAME as one of BTF's: "struct foo", "foo_t". */
static u32 find_in(struct lang *l, const struct btf *btf, const char *name)
{
	static const struct { const char *word; u32 kind; } words[] = {
		{ "struct ", BTF_KIND_STRUCT }, { "union ", BTF_KIND_UNION },
		{ "enum ", BTF_KIND_ENUM } };
	u32 id;

	if (!btf)
		return 0;
	if (l->c && btf == l->c->btf)
		return cdecl_type(l->c, name);
	if (btf == l->kernel)
		btf_index(l->kernel_file.btf, l->arena);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strncmp(name, words[i].word, strlen(words[i].word))) {
			id = btf_find(btf, name + strlen(words[i].word), words[i].kind);
			return id || words[i].kind != BTF_KIND_ENUM ? id :
			       btf_find(btf, name + 5, BTF_KIND_ENUM64);
		}
	id = btf_find(btf, name, BTF_KIND_TYPEDEF);
	return id ? id : btf_find(btf, name, BTF_KIND_INT);
}

/* A name alone may be a struct's. */
static u32 find_record(struct lang *l, const struct btf *btf, const char *name)
{
	u32 id = find_in(l, btf, arena_printf(l->arena, "struct %s", name));

	return id ? id : find_in(l, btf, arena_printf(l->arena, "union %s", name));
}

bool lang_find_type(struct lang *l, const char *name, const struct btf **btf, u32 *id)
{
	const struct btf *own = l->c ? l->c->btf : NULL;

	*btf = own;
	*id = find_in(l, own, name);
	for (size_t i = 0; !*id && i < l->dwarf.n; i++) {
		*btf = l->dwarf.v[i]->btf;
		*id = find_in(l, *btf, name);
	}
	if (!*id) {
		*btf = lang_kernel(l);
		*id = find_in(l, *btf, name);
	}
	if (!*id) {
		*btf = own;
		*id = find_record(l, own, name);
	}
	if (!*id) {
		*btf = l->kernel;
		*id = find_record(l, l->kernel, name);
	}
	return *id != 0;
}

const char *lang_nearest_type(struct lang *l, const char *name)
{
	static const struct { const char *word; u32 kind; } kinds[] = {
		{ "struct ", BTF_KIND_STRUCT }, { "union ", BTF_KIND_UNION },
		{ "enum ", BTF_KIND_ENUM },
	};
	const struct btf *btf = lang_kernel(l);
	const char *near = NULL;
	VEC(const char *) names = { 0 };

	for (u32 k = 0; btf && !near && k < ARRAY_LEN(kinds); k++) {
		const size_t n = strlen(kinds[k].word);

		if (strncmp(name, kinds[k].word, n))
			continue;
		for (u32 id = 1; id < btf->nr_types; id++)
			if (btf_kind(btf_type(btf, id)) == kinds[k].kind &&
			    *btf_type_name(btf, id))
				*vec_push(&names) = btf_type_name(btf, id);
		near = err_nearest(name + n, names.v, names.n);
		near = near ? arena_printf(l->arena, "%s%s", kinds[k].word, near) : NULL;
	}
	vec_free(&names);
	return near;
}

/* ---- constants --------------------------------------------------------------- */

/* The enumeration of BTF that has a constant NAME; 0: none has. */
static u32 find_value(const struct btf *btf, const char *name, s64 *value)
{
	for (u32 id = btf->first_id; id < btf->nr_types; id++) {
		const struct btf_type *t = btf_type(btf, id);
		const struct btf_enum *e = (const struct btf_enum *)(t + 1);
		const struct btf_enum64 *e64 = (const struct btf_enum64 *)(t + 1);

		for (u32 i = 0; btf_kind(t) == BTF_KIND_ENUM && i < btf_vlen(t); i++)
			if (!strcmp(btf_str(btf, e[i].name_off), name)) {
				*value = btf_kflag(t) ? e[i].val : (s64)(u32)e[i].val;
				return id;
			}
		for (u32 i = 0; btf_kind(t) == BTF_KIND_ENUM64 && i < btf_vlen(t); i++)
			if (!strcmp(btf_str(btf, e64[i].name_off), name)) {
				*value = (s64)((u64)e64[i].val_hi32 << 32 | e64[i].val_lo32);
				return id;
			}
	}
	return 0;
}

static bool in_btf(struct lang *l, const struct btf *btf, const char *name, s64 *value,
		   const struct ty **ty)
{
	const u32 id = btf ? find_value(btf, name, value) : 0;

	if (id)
		*ty = ty_btf(&l->types, btf, id, SPACE_NONE);
	return id && *ty;
}

/* What the headers <signal.h>, <errno.h> and <syscall.h> define: they are not read, and BTF
 * has no such names. */
static bool in_headers(const char *name, s64 *value)
{
	enum { ERRNO_MAX = 134 };
	const char *text;

	if (!strncmp(name, "__NR_", 5) || !strncmp(name, "SYS_", 4)) {
		*value = out_syscall_number(strchr(name + 2, '_') + 1);
		return *value >= 0;
	}
	for (int i = 1; !strncmp(name, "SIG", 3) && i < NSIG; i++) {
		text = sigabbrev_np(i);
		if (text && !strcmp(text, name + 3))
			return *value = i, true;
	}
	for (int i = 1; *name == 'E' && i < ERRNO_MAX; i++) {
		text = strerrorname_np(i);
		if (text && !strcmp(text, name))
			return *value = i, true;
	}
	return false;
}

bool lang_find_constant(struct lang *l, const char *name, s64 *value, const struct ty **ty)
{
	struct lang_constant *k;

	for (size_t i = 0; i < l->constants.n; i++)
		if (!strcmp(l->constants.v[i].name, name)) {
			*value = l->constants.v[i].value;
			*ty = l->constants.v[i].ty;
			return *ty != NULL;
		}
	*ty = NULL;
	/* enumerators first: they have a type, whose names are printed */
	if (in_btf(l, l->c ? l->c->btf : NULL, name, value, ty))
		;
	else if (l->c && cdecl_constant(l->c, name, value))
		*ty = ty_int(&l->types, 8, true);
	else if (!in_btf(l, lang_kernel(l), name, value, ty) && in_headers(name, value))
		*ty = ty_int(&l->types, 8, true);
	k = vec_push(&l->constants);	/* also that there is none: a walk costs milliseconds */
	*k = (struct lang_constant){ name, *value, *ty };
	return *ty != NULL;
}

/* ---- addresses --------------------------------------------------------------- */

s64 lang_kaddr(struct lang *l, const char *name)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512], type, found[384];
	u64 addr;
	s64 r = -1;

	(void)l;
	while (f && r == -1 && fgets(line, sizeof(line), f))
		if (sscanf(line, "%" SCNx64 " %c %383s", &addr, &type, found) == 3 && addr &&
		    !strcmp(found, name))
			r = (s64)addr;
	if (f)
		fclose(f);
	return r;
}

s64 lang_uaddr(const struct place *p, const char *name)
{
	const char *colon = p->at ? strrchr(p->at, ':') : NULL;
	struct sym_file f;
	struct skep_err err;
	char path[4096];
	u64 addr;
	s64 r = -1;

	if (!colon || !(probe_flags(p->kind) & PF_USER))
		return -1;
	snprintf(path, sizeof(path), "%.*s", (int)(colon - p->at), p->at);
	if (sym_open(&f, path, &err))
		return -1;
	if (sym_value(&f, name, &addr))
		r = (s64)addr;
	sym_close(&f);
	return r;
}

s64 lang_cgroup_id(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -1 : (s64)st.st_ino;
}
