/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ksyms.c: what an object expects of a kernel: __kconfig and __ksym variables
 * and functions, which the compiler lists in the BTF sections .kconfig and
 * .ksyms. They stay symbolic but for addresses of variables without a type.
 * Never refuses an object for what a kernel lacks.
 */
#include "obj/obj.h"
#include "obj/open.h"
#include <elf.h>

static enum image_extern_kind kind_of(const struct btf *btf, u32 id, bool config)
{
	const struct btf_type *t = btf_type(btf, id);

	if (config)
		return IMAGE_KCONFIG;
	if (btf_kind(t) == BTF_KIND_FUNC)
		return IMAGE_KFUNC;
	return btf_skip_mods(btf, t->type) ? IMAGE_KSYM_VAR : IMAGE_KSYM_ADDR;
}

/* Those that nothing in the object defines; SEC is .kconfig or .ksyms. */
static void add_externs(struct obj *o, u32 sec, bool config)
{
	const struct btf *btf = o->img->btf;
	const struct btf_type *t = btf_type(btf, sec);
	const struct btf_var_secinfo *v = (const void *)(t + 1);
	u32 sym, dup;

	for (u32 i = 0; i < btf_vlen(t); i++) {
		const char *name = btf_type_name(btf, v[i].type);
		struct image_extern *e = &o->img->externs[o->img->nr_externs];

		if (!strtab_get(&o->globals, name, &sym) || o->syms[sym].sec != SYM_UNDEF ||
		    strtab_get(&o->extern_index, name, &dup))
			continue;
		*e = (struct image_extern){
			.name = name, .kind = kind_of(btf, v[i].type, config),
			.type_id = v[i].type, .weak = o->syms[sym].bind == STB_WEAK,
		};
		if (e->kind != IMAGE_KFUNC)
			e->type_id = btf_type(btf, v[i].type)->type;
		strtab_put(&o->extern_index, name, o->img->nr_externs++);
	}
}

int externs_read(struct obj *o)
{
	u32 config = 0, ksyms = 0, n = 0;

	if (!o->img->btf)
		return 0;
	if (strtab_get(&o->datasecs, ".kconfig", &config))
		n += btf_vlen(btf_type(o->img->btf, config));
	if (strtab_get(&o->datasecs, ".ksyms", &ksyms))
		n += btf_vlen(btf_type(o->img->btf, ksyms));
	o->img->externs = arena_news(&o->img->arena, n, struct image_extern);
	if (config)
		add_externs(o, config, true);
	if (ksyms)
		add_externs(o, ksyms, false);
	return 0;
}

/* ---- addresses --------------------------------------------------------------- */

static void note_hidden(struct obj *o, const struct image_extern *e)
{
	if (e->found && !e->addr)
		image_note(o->img, "the system hides kernel addresses: '%s' is 0 "
			   "(kernel.kptr_restrict; root may see them)", e->name);
}

int ksyms_read(struct obj *o)
{
	struct image *img = o->img;
	const char **names = arena_news(&o->tmp, img->nr_externs, const char *);
	u32 *at = arena_news(&o->tmp, img->nr_externs, u32), n = 0;
	u64 *addrs = arena_news(&o->tmp, img->nr_externs, u64);
	bool *found = arena_news(&o->tmp, img->nr_externs, bool);

	for (u32 i = 0; i < img->nr_externs; i++)
		if (img->externs[i].kind == IMAGE_KSYM_ADDR) {
			names[n] = img->externs[i].name;
			at[n++] = i;
		}
	if (!n || !o->target)
		return 0;
	if (!target_symbols(o->target, names, n, addrs, found))
		image_note(img, "/proc/kallsyms cannot be read: kernel symbols such as "
			   "'%s' have no address", names[0]);
	for (u32 i = 0; i < n; i++) {
		img->externs[at[i]].addr = addrs[i];
		img->externs[at[i]].found = found[i];
		note_hidden(o, &img->externs[at[i]]);
	}
	return 0;
}

/* ---- references ---------------------------------------------------------------- */

int ref_extern(struct obj *o, const struct obj_sym *sym, const char *where,
	       struct obj_ref *ref)
{
	bool call = ref->kind == REF_CALL;
	const struct image_extern *e;
	u32 i;

	if (!strtab_get(&o->extern_index, sym->name, &i)) {
		if (sym->bind != STB_WEAK)
			return reloc_undefined(o, sym, where);
		ref->kind = REF_NOTHING;
		return 0;
	}
	e = &o->img->externs[i];
	if (call && e->kind != IMAGE_KFUNC)
		return err_set(o->err, ERR_ELF_RELOC, where,
			       "'%s' is called and is no function", e->name);
	ref->target = i;
	ref->kind = REF_EXTERN;
	if (e->kind == IMAGE_KCONFIG) {
		ref->kind = REF_VALUE;
		ref->target = (u32)image_map_find(o->img, ".kconfig");
		ref->off = e->off;
	} else if (e->kind == IMAGE_KSYM_ADDR && !o->undecided &&
		   (e->found || e->weak)) {
		ref->kind = REF_ADDR;
	}
	return 0;
}

int obj_ready(const struct image *img, struct skep_err *err)
{
	for (u32 i = 0; i < img->nr_externs; i++) {
		const struct image_extern *e = &img->externs[i];
		int ret;

		if (e->kind != IMAGE_KCONFIG || e->weak || e->found)
			continue;
		ret = err_set(err, ERR_KCONFIG, img->file,
			      "the kernel's configuration does not have '%s'", e->name);
		err_help(err, "name another configuration with --kconfig FILE, or declare "
			 "the variable __weak");
		return ret;
	}
	return 0;
}
