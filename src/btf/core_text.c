/* SPDX-License-Identifier: BSD-2-Clause */
/* core_text.c: CO-RE relocations as text. Takes damaged ones too. */
#include "btf/core_match.h"

const char *core_kind_name(u32 kind)
{
	static const char *const names[NR_CORE_KINDS] = {
		[CORE_FIELD_BYTE_OFFSET] = "field_byte_offset",
		[CORE_FIELD_BYTE_SIZE] = "field_byte_size",
		[CORE_FIELD_EXISTS] = "field_exists",
		[CORE_FIELD_SIGNED] = "field_signed",
		[CORE_FIELD_LSHIFT] = "field_lshift_u64",
		[CORE_FIELD_RSHIFT] = "field_rshift_u64",
		[CORE_TYPE_ID_LOCAL] = "type_id_local",
		[CORE_TYPE_ID_TARGET] = "type_id_target",
		[CORE_TYPE_EXISTS] = "type_exists",
		[CORE_TYPE_SIZE] = "type_size",
		[CORE_ENUMVAL_EXISTS] = "enumval_exists",
		[CORE_ENUMVAL_VALUE] = "enumval_value",
		[CORE_TYPE_MATCHES] = "type_matches",
	};

	return kind < NR_CORE_KINDS ? names[kind] : NULL;
}

static void add_path(struct strbuf *out, const struct core_path *p)
{
	if (p->steps[0].idx)
		sb_printf(out, "[%u]", p->steps[0].idx);
	for (u32 i = 1; i < p->n; i++) {
		if (p->steps[i].name)
			sb_printf(out, ".%s", p->steps[i].name);
		else
			sb_printf(out, "[%u]", p->steps[i].idx);
	}
}

void core_describe(struct strbuf *out, const struct btf *btf,
		   const struct btf_core_relo *relo)
{
	struct core_path p;
	const char *why;

	if (*btf_type_name(btf, relo->type_id))
		btf_decl_c(out, btf, relo->type_id, "");
	else
		sb_printf(out, "type %u", relo->type_id);
	if (relo->kind < NR_CORE_KINDS && core_path_parse(&p, btf, relo, &why)) {
		if (core_is_field(relo->kind))
			add_path(out, &p);
		else if (core_is_enum(relo->kind))
			sb_printf(out, "::%s", p.steps[0].name);
	}
	sb_printf(out, " (%s)", relo->access);
}
