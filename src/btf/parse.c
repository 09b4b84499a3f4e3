/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parse.c: from the bytes of a .BTF section to a struct btf: checks the header;
 * scan.c finds the records, check.c does the rest. Keeps no pointer into its input
 * unless the caller says that it stays.
 */
#include "btf/parse.h"

const struct kind_row btf_kinds[NR_BTF_KINDS] = {
	[BTF_KIND_INT] = { "int", 4, 0, K_NAME },
	[BTF_KIND_PTR] = { "pointer", 0, 0, K_REF | K_CHAIN },
	[BTF_KIND_ARRAY] = { "array", sizeof(struct btf_array), 0, K_CHAIN },
	[BTF_KIND_STRUCT] = { "struct", 0, sizeof(struct btf_member), K_VLEN },
	[BTF_KIND_UNION] = { "union", 0, sizeof(struct btf_member), K_VLEN },
	[BTF_KIND_ENUM] = { "enum", 0, sizeof(struct btf_enum), K_VLEN },
	[BTF_KIND_FWD] = { "forward declaration", 0, 0, K_NAME },
	[BTF_KIND_TYPEDEF] = { "typedef", 0, 0, K_NAME | K_REF | K_CHAIN },
	[BTF_KIND_VOLATILE] = { "volatile", 0, 0, K_REF | K_CHAIN },
	[BTF_KIND_CONST] = { "const", 0, 0, K_REF | K_CHAIN },
	[BTF_KIND_RESTRICT] = { "restrict", 0, 0, K_REF | K_CHAIN },
	[BTF_KIND_FUNC] = { "function", 0, 0, K_REF | K_VLEN },
	[BTF_KIND_FUNC_PROTO] = { "prototype", 0, sizeof(struct btf_param),
				  K_REF | K_VLEN | K_CHAIN },
	[BTF_KIND_VAR] = { "variable", sizeof(struct btf_var), 0, K_NAME | K_REF },
	[BTF_KIND_DATASEC] = { "section", 0, sizeof(struct btf_var_secinfo), K_NAME | K_VLEN },
	[BTF_KIND_FLOAT] = { "float", 0, 0, K_NAME },
	[BTF_KIND_DECL_TAG] = { "declaration tag", sizeof(struct btf_decl_tag), 0, K_NAME | K_REF },
	[BTF_KIND_TYPE_TAG] = { "type tag", 0, 0, K_NAME | K_REF | K_CHAIN },
	[BTF_KIND_ENUM64] = { "enum64", 0, sizeof(struct btf_enum64), K_VLEN },
};

static u32 load32(const struct parse *p, const u8 *from)
{
	u32 v;

	memcpy(&v, from, sizeof(v));
	return p->btf->swapped ? __builtin_bswap32(v) : v;
}

/* ---- the header ------------------------------------------------------ */

static int parse_header(struct parse *p, const u8 *data, size_t bytes)
{
	struct btf_header *h = &p->hdr;
	size_t body;

	if (bytes < sizeof(*h))
		return err_set(p->err, ERR_BTF, p->where,
			       "%zu bytes are no BTF; its header has %zu", bytes,
			       sizeof(*h));
	memcpy(h, data, sizeof(*h));
	p->btf->swapped = h->magic == __builtin_bswap16(BTF_MAGIC);
	if (h->magic != BTF_MAGIC && !p->btf->swapped)
		return err_set(p->err, ERR_BTF, p->where,
			       "starts with 0x%04x, not with BTF's magic 0x%04x",
			       h->magic, BTF_MAGIC);
	if (h->version != BTF_VERSION)
		return err_set(p->err, ERR_BTF, p->where,
			       "BTF version %u; only %u is known", h->version, BTF_VERSION);
	h->hdr_len = load32(p, data + offsetof(struct btf_header, hdr_len));
	h->type_off = load32(p, data + offsetof(struct btf_header, type_off));
	h->type_len = load32(p, data + offsetof(struct btf_header, type_len));
	h->str_off = load32(p, data + offsetof(struct btf_header, str_off));
	h->str_len = load32(p, data + offsetof(struct btf_header, str_len));
	if (h->hdr_len < sizeof(*h) || h->hdr_len > bytes)
		return err_set(p->err, ERR_BTF, p->where,
			       "header length %u does not fit %zu bytes of BTF",
			       h->hdr_len, bytes);
	body = bytes - h->hdr_len;
	if (!in_bounds(h->type_off, h->type_len, body) || h->type_len % 4)
		return err_set(p->err, ERR_BTF, p->where,
			       "types at 0x%x, %u bytes, do not fit %zu bytes",
			       h->type_off, h->type_len, body);
	if (!in_bounds(h->str_off, h->str_len, body))
		return err_set(p->err, ERR_BTF, p->where,
			       "strings at 0x%x, %u bytes, do not fit %zu bytes",
			       h->str_off, h->str_len, body);
	return 0;
}

static int parse_strings(struct parse *p, const u8 *data)
{
	const u8 *s = data + p->hdr.hdr_len + p->hdr.str_off;
	struct btf *btf = p->btf;
	u32 n = p->hdr.str_len;

	if (!p->in_place)
		s = arena_copy(p->arena, s, n);	/* before the checks */
	/* the empty name is the base's */
	if (!btf->base && (!n || s[0])) {
		err_set(p->err, ERR_BTF, p->where,
			"strings do not begin with a NUL byte");
		err_help(p->err, "BTF of a kernel module needs the kernel's as its base");
		return -EINVAL;
	}
	if (n && s[n - 1])
		return err_set(p->err, ERR_BTF, p->where,
			       "strings do not end with a NUL byte");
	if (n > UINT32_MAX - btf->first_string)
		return err_set(p->err, ERR_BTF, p->where,
			       "%u bytes of strings after the base's %u", n,
			       btf->first_string);
	btf->strings = (const char *)s;
	btf->string_bytes = btf->first_string + n;
	return 0;
}

/* ---- the whole ---------------------------------------------------- */

static int parse_types(struct parse *p, const u8 *data)
{
	const u8 *from = data + p->hdr.hdr_len + p->hdr.type_off;
	struct btf *btf = p->btf;
	u32 *words;

	/* every field of every record is a 32-bit word */
	if (p->in_place && !btf->swapped && (uintptr_t)from % 4 == 0) {
		btf->records = from;
	} else {
		words = arena_copy(p->arena, from, p->hdr.type_len);
		for (u32 i = 0; btf->swapped && i < p->hdr.type_len / 4; i++)
			words[i] = __builtin_bswap32(words[i]);
		btf->records = (u8 *)words;
	}
	return btf_scan(p);
}

int btf_parse_into(struct parse *p, const struct btf *base, const u8 *data,
		   size_t bytes)
{
	int ret;

	*p->btf = (struct btf){
		.base = base,
		.first_id = base ? base->nr_types : 1,
		.first_string = base ? base->string_bytes : 0,
		.addr_bytes = base ? base->addr_bytes : 8,
		.trusted = p->trusted && (!base || base->trusted),
	};
	ret = parse_header(p, data, bytes);
	if (!ret)
		ret = parse_strings(p, data);
	if (!ret)
		ret = parse_types(p, data);
	return ret || p->btf->trusted ? ret : btf_check(p);
}

int btf_parse_split(struct btf **out, struct arena *arena,
		    const struct btf *base, const u8 *data, size_t bytes,
		    const char *where, struct skep_err *err)
{
	struct parse p = {
		.btf = arena_new(arena, struct btf),
		.arena = arena, .where = where, .err = err,
	};
	int ret = btf_parse_into(&p, base, data, bytes);

	*out = ret ? NULL : p.btf;
	return ret;
}

int btf_parse(struct btf **out, struct arena *arena, const u8 *data,
	      size_t bytes, const char *where, struct skep_err *err)
{
	return btf_parse_split(out, arena, NULL, data, bytes, where, err);
}

int btf_datasec_set(struct btf *btf, u32 id, u32 bytes,
		    const u32 *offsets, const char *where, struct skep_err *err)
{
	/* objects come through btf_parse, which copied the records */
	struct btf_type *t = (struct btf_type *)btf_type(btf, id);
	struct btf_var_secinfo *v = (void *)(t + 1);

	for (u32 i = 0; i < btf_vlen(t); i++) {
		if (!in_bounds(offsets[i], v[i].size, bytes))
			return err_set(err, ERR_BTF, where,
				       "type %u ('%s') of %u bytes has '%s' at %u of %u bytes",
				       id, btf_type_name(btf, id), bytes,
				       btf_type_name(btf, v[i].type),
				       offsets[i], v[i].size);
		v[i].offset = offsets[i];
	}
	t->size = bytes;
	return 0;
}
