/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops.c: struct_ops: an object's struct of functions as the kernel has it. Members
 * are found by name in the kernel's types; the map's value, laid out as there, gets
 * the descriptors of programs once they are loaded. It stays here: storing it is what
 * registers the struct, and nothing here does.
 */
#include "btf/core.h"
#include "kernel/sys.h"
#include <stdio.h>
#include <stdlib.h>

#define PREFIX "bpf_struct_ops_"	/* of the type that the map holds */

static const char *struct_name(char out[128], const struct image *img, const struct image_map *def)
{
	const char *name = btf_type_name(img->btf, def->value_type);

	snprintf(out, 128, "%.*s", (int)core_essential(name), name);
	return out;
}

/* The name nearest to WORD of those that the kernel has. */
static void suggest(const struct btf *btf, const char *word, struct skep_err *err)
{
	VEC(const char *) names = { 0 };
	const char *near;

	for (u32 id = 1; id < btf->nr_types; id++)
		if (btf_kind(btf_type(btf, id)) == BTF_KIND_STRUCT &&
		    !strncmp(btf_type_name(btf, id), PREFIX, strlen(PREFIX)))
			*vec_push(&names) = btf_type_name(btf, id) + strlen(PREFIX);
	near = err_nearest(word, names.v, names.n);
	if (near)
		err_help(err, "did you mean 'struct %s'?", near);
	vec_free(&names);
}

/* Where the struct lies in WRAPPER, or -1. */
static s64 place_of(const struct btf *btf, u32 wrapper, u32 type)
{
	const struct btf_type *t = btf_type(btf, wrapper);

	for (u32 i = 0; i < btf_vlen(t); i++) {
		struct btf_member_info m = btf_member(btf, t, i);

		if (m.type_id == type)
			return m.bit_off / 8;
	}
	return -1;
}

static int find_struct(struct kernel *k, struct kernel_ops *ops, const struct image_map *def,
		       struct skep_err *err)
{
	const struct btf *btf = ops->btf;
	char name[128], wrapper[160];
	s64 at;
	int r;

	struct_name(name, k->img, def);
	snprintf(wrapper, sizeof(wrapper), PREFIX "%s", name);
	ops->type = btf_find(btf, name, BTF_KIND_STRUCT);
	ops->wrapper = btf_find(btf, wrapper, BTF_KIND_STRUCT);
	at = ops->type && ops->wrapper ? place_of(btf, ops->wrapper, ops->type) : -1;
	ops->at = (u32)at;
	ops->bytes = (u32)btf_bytes(btf, ops->wrapper);
	if (at >= 0 && (u64)at + btf_bytes(btf, ops->type) <= ops->bytes)
		return 0;
	r = err_set(err, ERR_EXTERN, NULL, "kernel %s takes no programs for 'struct %s', which "
		    "'%s' is", k->release, name, def->name);
	suggest(btf, name, err);
	return r;
}

/* ---- members ------------------------------------------------------------------- */

/* The member of that NAME of the kernel's struct: its number, or -1. */
static s32 find_member(const struct kernel_ops *ops, const char *name)
{
	const struct btf_type *t = btf_type(ops->btf, ops->type);

	for (u32 i = 0; *name && i < btf_vlen(t); i++)
		if (!strcmp(btf_member(ops->btf, t, i).name, name))
			return (s32)i;
	return -1;
}

static const struct image_op *program_at(const struct image_map *def, u32 off)
{
	for (u32 i = 0; i < def->nr_ops; i++)
		if (def->ops[i].off == off)
			return &def->ops[i];
	return NULL;
}

static bool is_zero(const u8 *v, u64 bytes)
{
	while (bytes--)
		if (v[bytes])
			return false;
	return true;
}

static bool points_to(const struct btf *btf, u32 type, u32 kind)
{
	const struct btf_type *t = btf_type(btf, btf_skip_mods(btf, type));

	return btf_kind(t) == BTF_KIND_PTR &&
	       (!kind || btf_kind(btf_type(btf, btf_skip_mods(btf, t->type))) == kind);
}

/* A member M of the object's struct into the value, when it is no program. */
static int copy_member(struct kernel *k, struct kernel_ops *ops, const struct image_map *def,
		       const struct btf_member_info *m, struct skep_err *err)
{
	const u32 off = m->bit_off / 8;
	const u64 bytes = btf_bytes(k->img->btf, m->type_id);
	const struct image_op *op = program_at(def, off);
	const bool empty = !op && (!def->init || is_zero(def->init + off, bytes));
	const s32 i = m->bit_size ? -1 : find_member(ops, m->name);
	const char *name = btf_type_name(ops->btf, ops->type);
	struct btf_member_info to;

	if (i < 0)
		return empty ? 0 : err_set(err, ERR_EXTERN, NULL, "kernel %s's 'struct %s' has no "
					   "%s '%s', which '%s' sets", k->release, name,
					   m->bit_size ? "bit field" : "member", m->name,
					   def->name);
	to = btf_member(ops->btf, btf_type(ops->btf, ops->type), (u32)i);
	/* functions are programs, and nothing else is: a number there would be a descriptor */
	if (to.bit_size || btf_bytes(ops->btf, to.type_id) != bytes ||
	    !op == points_to(ops->btf, to.type_id, BTF_KIND_FUNC_PROTO))
		return empty ? 0 : err_set(err, ERR_EXTERN, NULL, "member '%s' of '%s' is another "
					   "in kernel %s's 'struct %s'", m->name, def->name,
					   k->release, name);
	/* addresses of the object's data mean nothing there */
	if (!empty && !op && !points_to(k->img->btf, m->type_id, 0))
		memcpy(ops->value + ops->at + to.bit_off / 8, def->init + off, bytes);
	return 0;
}

int kernel_ops_open(struct kernel *k, struct kernel_ops *ops, const struct image_map *def,
		    struct skep_err *err)
{
	const struct btf_type *t;
	int r;

	if (!k->img || !k->img->btf)
		return err_set(err, ERR_EXTERN, NULL, "'%s' has no type", def->name);
	r = kernel_btf(k, &ops->btf, err);
	if (!r)
		r = find_struct(k, ops, def, err);
	if (r)
		return r;
	ops->value = mem_alloc(ops->bytes);
	t = btf_type(k->img->btf, def->value_type);
	for (u32 i = 0; !r && i < btf_vlen(t); i++) {
		const struct btf_member_info m = btf_member(k->img->btf, t, i);

		r = copy_member(k, ops, def, &m, err);
	}
	for (u32 i = 0; !r && i < def->nr_ops; i++)
		if (find_member(ops, def->ops[i].member) < 0)
			r = err_set(err, ERR_EXTERN, NULL, "'%s' has a program at byte %u, where "
				    "no member is", def->name, def->ops[i].off);
	return r;
}

void kernel_ops_close(struct kernel_ops *ops)
{
	free(ops->value);
	*ops = (struct kernel_ops){ 0 };
}

/* ---- programs -------------------------------------------------------------------- */

/* Calls FN for each member of a struct of IMG that is program PROG. */
typedef int ops_fn(void *arg, struct kernel_map *m, const struct image_op *op);
static int each_use(struct kernel *k, u32 prog, ops_fn *fn, void *arg)
{
	for (u32 i = 0; i < k->maps.n; i++) {
		struct kernel_map *m = &k->maps.v[i];

		for (u32 j = 0; m->ops.value && j < m->def->nr_ops; j++) {
			int r = m->def->ops[j].prog == prog ? fn(arg, m, &m->def->ops[j]) : 0;

			if (r)
				return r;
		}
	}
	return 0;
}

struct made_for {
	u32 type, member;
	const char *name, *of;		/* of the member, of the struct */
	const struct kernel_map *other;	/* where it is something else; or NULL */
};

static int look_at(void *arg, struct kernel_map *m, const struct image_op *op)
{
	struct made_for *f = arg;
	const u32 member = (u32)find_member(&m->ops, op->member);

	if (!f->type)
		*f = (struct made_for){ .type = m->ops.type, .member = member, .name = op->member,
			.of = m->def->name };
	else if (f->type != m->ops.type || f->member != member)
		f->other = m;
	return 0;
}

int kernel_ops_prog(struct kernel *k, const struct image *img, const struct image_prog *p,
		    u32 *type, u32 *member, struct skep_err *err)
{
	struct made_for f = { 0 };
	int r;

	each_use(k, (u32)(p - img->progs), look_at, &f);
	if (!f.type) {
		r = err_set(err, ERR_EXTERN, img->file, "program '%s' is in no struct of functions",
			    p->name);
		err_help(err, "struct NAME ops SEC(\".struct_ops\") = { .MEMBER = (void *)%s };",
			 p->name);
		return r;
	}
	if (f.other)
		return err_set(err, ERR_EXTERN, img->file, "program '%s' is '%s' in '%s' and "
			       "another member in '%s': one program is made for one", p->name,
			       f.name, f.of, f.other->def->name);
	*type = f.type;
	*member = f.member;
	return 0;
}

static int store(void *arg, struct kernel_map *m, const struct image_op *op)
{
	const struct btf_type *t = btf_type(m->ops.btf, m->ops.type);
	const u64 fd = (u64)*(const int *)arg;
	const s32 i = find_member(&m->ops, op->member);

	memcpy(m->ops.value + m->ops.at + btf_member(m->ops.btf, t, (u32)i).bit_off / 8, &fd,
	       sizeof(fd));
	return 0;
}

void kernel_ops_loaded(struct kernel *k, u32 prog, int fd) { each_use(k, prog, store, &fd); }
