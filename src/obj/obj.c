/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * obj.c: opening: the order of steps, the licence, the last check. Whatever
 * comes out of here consists of instructions that isa_check accepts, whose
 * map references are indexes of maps that exist and whose calls land on
 * functions.
 */
#include "obj/obj.h"
#include "isa/isa.h"
#include "obj/open.h"
#include <stdlib.h>

static struct image *image_new(const char *file)
{
	struct arena arena = ARENA_INIT;
	struct image *img = arena_new(&arena, struct image);

	img->file = arena_strdup(&arena, file);
	img->license = "";
	img->arena = arena;
	return img;
}

/* ---- from an object ------------------------------------------------------ */

static int read_license(struct obj *o)
{
	const struct obj_sec *s;
	u32 i;
	int ret = elf_only(o, SEC_LICENSE, &i);

	if (ret || !i)
		return ret;
	s = &o->secs[i];
	o->img->license = arena_strndup(&o->img->arena, (const char *)s->data, s->size);
	return 0;
}

static int check_progs(struct obj *o)
{
	int ret = 0;

	for (u32 i = 0; i < o->img->nr_progs && !ret; i++) {
		const struct image_prog *p = &o->img->progs[i];

		ret = isa_check(p->insns, p->nr_insns,
				arena_printf(&o->tmp, "%s:%s", o->file, p->name),
				o->err);
	}
	return ret;
}

int obj_scan(struct obj *o, const u8 *data, size_t bytes, const char *file,
	     struct skep_err *err)
{
	int ret;

	*o = (struct obj){
		.img = image_new(file), .file = file, .err = err,
		.data = data, .bytes = bytes,
	};
	o->globals.arena = o->datasecs.arena = o->externs.arena = &o->tmp;
	ret = elf_read(o);
	return ret ? ret : types_read(o);
}

void obj_drop(struct obj *o)
{
	image_free(o->img);
	arena_free(&o->tmp);
}

static int open_obj(struct image **out, struct obj *o)
{
	static int (*const steps[])(struct obj *) = {
		elf_read, sections_note, types_read, externs_read, maps_read,
		kconfig_read, ksyms_read, read_license, funcs_read, relocs_read,
		cores_apply, progs_choose, maps_values, progs_link,
		check_progs,
	};
	int ret = 0;

	o->img = image_new(o->file);
	o->globals.arena = o->datasecs.arena = o->externs.arena = &o->tmp;
	o->extern_index.arena = &o->tmp;
	for (size_t i = 0; i < ARRAY_LEN(steps) && !ret; i++)
		ret = steps[i](o);
	vec_free(&o->refs);
	vec_free(&o->cores);
	arena_free(&o->tmp);
	if (ret) {
		image_free(o->img);
		o->img = NULL;
	}
	*out = o->img;
	return ret;
}

int obj_open(struct image **out, const u8 *data, size_t bytes,
	     const char *file, struct skep_err *err)
{
	return obj_open_for(out, NULL, data, bytes, file, err);
}

int obj_open_for(struct image **out, struct target *target, const u8 *data,
		 size_t bytes, const char *file, struct skep_err *err)
{
	struct obj o = { .file = file, .err = err, .data = data, .bytes = bytes,
			 .target = target };

	return open_obj(out, &o);
}

int obj_open_undecided(struct image **out, const u8 *data, size_t bytes, const char *file,
		       struct skep_err *err)
{
	struct obj o = { .file = file, .err = err, .data = data, .bytes = bytes,
			 .undecided = true };

	return open_obj(out, &o);
}

/* ---- from instructions ----------------------------------------------------- */

/* Map indexes in range; other pseudo loads than an image has are refused. */
static int check_loads(const struct image *img, const struct image_prog *p,
		       struct skep_err *err)
{
	for (u32 i = 0; i < p->nr_insns; i += isa_slots(&p->insns[i])) {
		const struct bpf_insn *insn = &p->insns[i];
		char where[256];

		if (!isa_is_lddw(insn) || !insn->src_reg ||
		    insn->src_reg == BPF_PSEUDO_FUNC)
			continue;
		image_where(where, sizeof(where), img, p, i);
		if (insn->src_reg != BPF_PSEUDO_MAP_IDX &&
		    insn->src_reg != BPF_PSEUDO_MAP_IDX_VALUE)
			return err_set(err, ERR_UNSUPPORTED, where,
				       "64-bit load of kind %u; maps are given by index (%u, %u)",
				       insn->src_reg, BPF_PSEUDO_MAP_IDX,
				       BPF_PSEUDO_MAP_IDX_VALUE);
		if ((u32)insn->imm >= img->nr_maps)
			return err_set(err, ERR_INSN, where,
				       "map %u is used; there are %u",
				       (u32)insn->imm, img->nr_maps);
	}
	return 0;
}

/* The slot that a local call or a function's address at INSN leads to. */
static bool func_target(const struct bpf_insn *insn, u32 at, s64 *to)
{
	bool call = insn->code == (BPF_JMP | BPF_CALL) &&
		    insn->src_reg == BPF_PSEUDO_CALL;

	*to = (s64)at + 1 + insn->imm;
	return call || (isa_is_lddw(insn) && insn->src_reg == BPF_PSEUDO_FUNC);
}

static int find_funcs(struct image *img, struct image_prog *p, struct skep_err *err)
{
	bool *begins = mem_alloc(p->nr_insns);
	struct image_func *funcs;
	u32 n = 1, k = 0;
	s64 to;
	int ret = 0;

	begins[0] = true;
	for (u32 i = 0; i < p->nr_insns && !ret; i += isa_slots(&p->insns[i])) {
		if (!func_target(&p->insns[i], i, &to))
			continue;
		if (to < 0 || to >= p->nr_insns) {
			ret = err_set(err, ERR_JUMP, p->name,
				      "function address at instruction %u leads to %lld of %u",
				      i, (long long)to, p->nr_insns);
			break;
		}
		n += !begins[to];
		begins[to] = true;
	}
	p->funcs = funcs = arena_news(&img->arena, n, struct image_func);
	for (u32 i = 0; i < p->nr_insns; i++)
		if (begins[i])
			funcs[k++] = (struct image_func){
				.insn = i, .name = i ? arena_printf(&img->arena,
					"func_%u", i) : p->name,
				.global = !i,
			};
	p->nr_funcs = k;
	free(begins);
	return ret;
}

static void copy_map(struct image *img, struct image_map *to, const struct image_map *from)
{
	struct arena *a = &img->arena;

	*to = *from;
	to->name = arena_strdup(a, from->name);
	if (from->inner) {	/* inner maps hold no maps themselves */
		struct image_map *inner = arena_copy(a, from->inner, sizeof(*inner));

		inner->name = arena_strdup(a, inner->name);
		to->inner = inner;
	}
	if (from->init)
		to->init = arena_copy(a, from->init, from->init_bytes ? from->init_bytes :
				      from->value_size);
	if (from->slots)
		to->slots = arena_copy(a, from->slots,
				       from->nr_slots * sizeof(*from->slots));
}

int obj_from_insns(struct image **out, u32 prog_type, const char *name,
		   const struct bpf_insn *insns, size_t n,
		   const struct image_map *maps, u32 nr_maps,
		   const char *license, struct skep_err *err)
{
	struct image *img;
	struct image_prog *p;
	int ret;

	*out = NULL;
	if (!n || n > INT32_MAX)
		return err_set(err, ERR_INSN, name, "%zu instructions; a program has 1..%d",
			       n, INT32_MAX);
	ret = isa_check(insns, n, name, err);
	if (ret)
		return ret;
	img = image_new(name);
	img->license = arena_strdup(&img->arena, license ? license : "");
	img->maps = arena_news(&img->arena, nr_maps, struct image_map);
	for (img->nr_maps = 0; img->nr_maps < nr_maps; img->nr_maps++)
		copy_map(img, &img->maps[img->nr_maps], &maps[img->nr_maps]);
	img->progs = p = arena_new(&img->arena, struct image_prog);
	img->nr_progs = 1;
	*p = (struct image_prog){
		.name = arena_strdup(&img->arena, name), .section = "", .target = "",
		.type = prog_type, .autoload = true, .nr_insns = (u32)n,
		.insns = arena_copy(&img->arena, insns, n * sizeof(*insns)),
	};
	ret = find_funcs(img, p, err);
	if (!ret)
		ret = check_loads(img, p, err);
	if (ret) {
		image_free(img);
		return ret;
	}
	*out = img;
	return 0;
}
