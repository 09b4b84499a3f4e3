/* SPDX-License-Identifier: BSD-2-Clause */
/* walk.c: questions to a parsed struct btf. None of them can fail to end. */
#include "btf/btf.h"

const struct btf_type *btf_type(const struct btf *btf, u32 id)
{
	return id < btf->nr_types ? btf->types[id] : NULL;
}

const char *btf_str(const struct btf *btf, u32 off)
{
	return off < btf->string_bytes ? btf->strings + off : "";
}

const char *btf_type_name(const struct btf *btf, u32 id)
{
	return id < btf->nr_types ? btf_str(btf, btf->types[id]->name_off) : "";
}

static bool is_mod(u32 kind)
{
	return kind == BTF_KIND_TYPEDEF || kind == BTF_KIND_CONST ||
	       kind == BTF_KIND_VOLATILE || kind == BTF_KIND_RESTRICT ||
	       kind == BTF_KIND_TYPE_TAG;
}

u32 btf_skip_mods(const struct btf *btf, u32 id)
{
	while (id < btf->nr_types && is_mod(btf_kind(btf->types[id])))
		id = btf->types[id]->type;
	return id;
}

s64 btf_size(const struct btf *btf, u32 id)
{
	id = btf_skip_mods(btf, id);
	if (id >= btf->nr_types)
		return -ENOENT;
	switch (btf_kind(btf->types[id])) {
	case BTF_KIND_UNKN:
	case BTF_KIND_FWD:
	case BTF_KIND_FUNC:
	case BTF_KIND_FUNC_PROTO:
	case BTF_KIND_DECL_TAG:
		return -ENOENT;
	case BTF_KIND_VAR:
		return btf_size(btf, btf->types[id]->type);
	default:
		return (s64)btf->sizes[id];
	}
}

u32 btf_find(const struct btf *btf, const char *name, u32 kind)
{
	for (u32 id = 1; id < btf->nr_types; id++)
		if (btf_kind(btf->types[id]) == kind &&
		    !strcmp(btf_type_name(btf, id), name))
			return id;
	return 0;
}

/* A bit field of the old encoding: an int of fewer bits than its bytes have. */
static u32 int_bits(const struct btf *btf, u32 id, u32 *off)
{
	const struct btf_type *t = btf->types[btf_skip_mods(btf, id)];
	u32 v;

	if (btf_kind(t) != BTF_KIND_INT)
		return 0;
	v = *(const u32 *)(t + 1);
	*off += BTF_INT_OFFSET(v);
	return BTF_INT_BITS(v) == t->size * 8 ? 0 : BTF_INT_BITS(v);
}

struct btf_member_info btf_member(const struct btf *btf,
				  const struct btf_type *t, u32 i)
{
	const struct btf_member *m = (const struct btf_member *)(t + 1) + i;
	struct btf_member_info info = {
		.name = btf_str(btf, m->name_off),
		.type_id = m->type,
		.bit_off = m->offset,
	};

	if (btf_kflag(t)) {
		info.bit_off = BTF_MEMBER_BIT_OFFSET(m->offset);
		info.bit_size = BTF_MEMBER_BITFIELD_SIZE(m->offset);
	}
	if (!info.bit_size)
		info.bit_size = int_bits(btf, m->type, &info.bit_off);
	if (!info.bit_size && info.bit_off % 8)
		info.bit_size = (u32)min_u64(btf->sizes[m->type] * 8, 128);
	return info;
}
