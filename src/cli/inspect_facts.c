/* SPDX-License-Identifier: BSD-2-Clause */
/* inspect_facts.c: what both forms of `skep inspect` say of maps and types. */
#include "cli/inspect.h"

static const struct { u32 bit; const char *name; } flag_names[] = {
	{ BPF_F_NO_PREALLOC, "no_prealloc" }, { BPF_F_NO_COMMON_LRU, "no_common_lru" },
	{ BPF_F_NUMA_NODE, "numa_node" }, { BPF_F_RDONLY, "rdonly" },
	{ BPF_F_WRONLY, "wronly" }, { BPF_F_ZERO_SEED, "zero_seed" },
	{ BPF_F_RDONLY_PROG, "rdonly_prog" }, { BPF_F_WRONLY_PROG, "wronly_prog" },
	{ BPF_F_MMAPABLE, "mmapable" }, { BPF_F_INNER_MAP, "inner_map" },
};

void inspect_flags(struct strbuf *out, u32 flags)
{
	sb_reset(out);
	for (size_t i = 0; i < ARRAY_LEN(flag_names); i++)
		if (flags & flag_names[i].bit) {
			sb_printf(out, "%s%s", out->n ? "," : "", flag_names[i].name);
			flags &= ~flag_names[i].bit;
		}
	if (flags)
		sb_printf(out, "%s0x%x", out->n ? "," : "", flags);
}

const char *inspect_prog_type(const struct image_prog *p)
{
	const struct progtype_row *row = progtype_row(p->type);

	return row ? row->name : "?";
}

const char *inspect_map_type(const struct image_map *m)
{
	const struct maptype_row *row = maptype_row(m->type);

	return row ? row->name : "?";
}

void inspect_type(struct strbuf *out, const struct image *img, u32 type, u32 bytes)
{
	sb_reset(out);
	if (img->btf && type && btf_kind(btf_type(img->btf, type)) != BTF_KIND_DATASEC) {
		btf_decl_c(out, img->btf, type, "");
		sb_printf(out, " (%u)", bytes);
	} else {
		sb_printf(out, "%u bytes", bytes);
	}
}

/* ---- variables --------------------------------------------------------------- */

static const struct btf_type *datasec(const struct image *img, const struct image_map *m)
{
	const struct btf_type *t;

	if (m->kind == IMAGE_MAP_USER || !img->btf || !m->value_type)
		return NULL;
	t = btf_type(img->btf, m->value_type);
	return btf_kind(t) == BTF_KIND_DATASEC ? t : NULL;
}

/* Is ID, on the way to its type, both const and volatile? Arrays are through
 * their elements. */
static bool is_const_volatile(const struct btf *btf, u32 id)
{
	bool is_const = false, is_volatile = false;

	for (;;) {
		const struct btf_type *t = btf_type(btf, id);

		switch (btf_kind(t)) {
		case BTF_KIND_CONST:
			is_const = true;
			break;
		case BTF_KIND_VOLATILE:
			is_volatile = true;
			break;
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_RESTRICT:
			break;
		case BTF_KIND_ARRAY:
			id = ((const struct btf_array *)(t + 1))->type;
			continue;
		default:
			return is_const && is_volatile;
		}
		id = t->type;
	}
}

bool inspect_var(struct inspect_var *v, const struct image *img, const struct image_map *m, u32 i)
{
	const struct btf_type *sec = datasec(img, m), *var;
	const struct btf_var_secinfo *info;

	if (!sec || i >= btf_vlen(sec))
		return false;
	info = (const struct btf_var_secinfo *)(sec + 1) + i;
	var = btf_type(img->btf, info->type);
	*v = (struct inspect_var){ .name = btf_str(img->btf, var->name_off), .type = var->type,
		.off = info->offset, .bytes = info->size };
	v->settable = m->kind == IMAGE_MAP_RODATA && is_const_volatile(img->btf, var->type);
	return true;
}

void inspect_value(struct json *j, const char *key, const struct image *img,
		   const struct image_map *m, const struct inspect_var *v)
{
	u8 *zero = NULL;
	const u8 *at;

	if (!in_bounds(v->off, v->bytes, m->value_size) ||
	    (!m->init && v->bytes > INSPECT_VALUE_MAX)) {
		json_none(j, key);
		return;
	}
	if (!m->init)
		zero = mem_alloc(v->bytes);
	at = zero ? zero : m->init + v->off;
	btf_show_json(j, key, img->btf, v->type, at, v->bytes, 0);
	free(zero);
}

bool inspect_wants(const struct inspect *o, const struct image_prog *p)
{
	return !o->prog || !strcmp(o->prog, p->name);
}
