/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dump_raw.c: one type as `bpftool btf dump` prints it, as text and as JSON,
 * from one description: each fact is written once and goes to either form.
 */
#include "btf/btf.h"

/* Exactly one of the two is set. */
struct raw {
	const struct btf *btf;
	struct strbuf *text;
	struct json *json;
};

static void text(struct raw *r, const char *key, const char *value)
{
	if (r->json)
		json_str(r->json, key, value);
	else
		sb_printf(r->text, " %s=%s", key, value);
}

static void number(struct raw *r, const char *key, u32 value)
{
	if (r->json)
		json_u64(r->json, key, value);
	else
		sb_printf(r->text, " %s=%u", key, value);
}

static const char *name_at(const struct raw *r, u32 off)
{
	const char *s = btf_str(r->btf, off);

	return *s ? s : "(anon)";
}

/* ---- parts ------------------------------------------------------------------ */

static void part(struct raw *r, u32 name_off)
{
	if (r->json) {
		json_obj(r->json, NULL);
		json_str(r->json, "name", name_at(r, name_off));
	} else {
		sb_printf(r->text, "\n\t'%s'", name_at(r, name_off));
	}
}

static void part_end(struct raw *r)
{
	if (r->json)
		json_obj_end(r->json);
}

static void members(struct raw *r, const struct btf_type *t)
{
	const struct btf_member *m = (const void *)(t + 1);

	for (u32 i = 0; i < btf_vlen(t); i++) {
		u32 off = m[i].offset, bits = 0;

		if (btf_kflag(t)) {
			bits = BTF_MEMBER_BITFIELD_SIZE(off);
			off = BTF_MEMBER_BIT_OFFSET(off);
		}
		part(r, m[i].name_off);
		number(r, "type_id", m[i].type);
		number(r, "bits_offset", off);
		if (bits)
			number(r, "bitfield_size", bits);
		part_end(r);
	}
}

static void enum_value(struct raw *r, bool is_signed, bool wide, u64 value)
{
	if (r->json && is_signed)
		json_s64(r->json, "val", (s64)value);
	else if (r->json)
		json_u64(r->json, "val", value);
	else if (is_signed)
		sb_printf(r->text, " val=%lld%s", (long long)value, wide ? "LL" : "");
	else
		sb_printf(r->text, " val=%llu%s", (unsigned long long)value,
			  wide ? "ULL" : "");
}

static void enumerators(struct raw *r, const struct btf_type *t)
{
	const struct btf_enum *e = (const void *)(t + 1);
	const struct btf_enum64 *e64 = (const void *)(t + 1);
	bool wide = btf_kind(t) == BTF_KIND_ENUM64, sign = btf_kflag(t);

	for (u32 i = 0; i < btf_vlen(t); i++) {
		u64 value;

		if (wide)
			value = (u64)e64[i].val_hi32 << 32 | e64[i].val_lo32;
		else
			value = sign ? (u64)(s64)e[i].val : (u32)e[i].val;
		part(r, wide ? e64[i].name_off : e[i].name_off);
		enum_value(r, sign, wide, value);
		part_end(r);
	}
}

static void params(struct raw *r, const struct btf_type *t)
{
	const struct btf_param *p = (const void *)(t + 1);

	for (u32 i = 0; i < btf_vlen(t); i++) {
		part(r, p[i].name_off);
		number(r, "type_id", p[i].type);
		part_end(r);
	}
}

static void variables(struct raw *r, const struct btf_type *t)
{
	const struct btf_var_secinfo *v = (const void *)(t + 1);

	for (u32 i = 0; i < btf_vlen(t); i++) {
		const struct btf_type *var = btf_type(r->btf, v[i].type);

		if (r->json)
			json_obj(r->json, NULL);
		else
			sb_printf(r->text, "\n\ttype_id=%u", v[i].type);
		if (r->json)
			number(r, "type_id", v[i].type);
		number(r, "offset", v[i].offset);
		number(r, "size", v[i].size);
		if (r->json)
			json_obj_end(r->json);
		else if (var)
			sb_printf(r->text, " (%s '%s')", btf_kind(var) == BTF_KIND_FUNC ?
				  "FUNC" : "VAR", name_at(r, var->name_off));
	}
}

/* "vlen" and, in JSON, an array KEY of what PRINT prints. */
static void parts(struct raw *r, const struct btf_type *t, const char *key,
		  void (*print)(struct raw *r, const struct btf_type *t))
{
	number(r, "vlen", btf_vlen(t));
	if (r->json)
		json_arr(r->json, key);
	print(r, t);
	if (r->json)
		json_arr_end(r->json);
}

/* ---- kinds ------------------------------------------------------------------- */

static const char *int_encoding(u32 encoding)
{
	static const char *const names[] = {
		[0] = "(none)", [BTF_INT_SIGNED] = "SIGNED",
		[BTF_INT_CHAR] = "CHAR", [BTF_INT_BOOL] = "BOOL",
	};

	return encoding < ARRAY_LEN(names) && names[encoding] ? names[encoding] : "UNKN";
}

static const char *linkage(u32 value)
{
	static const char *const names[] = { "static", "global", "extern" };

	return value < ARRAY_LEN(names) ? names[value] : "(unknown)";
}

static void integer(struct raw *r, const struct btf_type *t)
{
	u32 v = *(const u32 *)(t + 1);

	number(r, "size", t->size);
	number(r, "bits_offset", BTF_INT_OFFSET(v));
	number(r, "nr_bits", BTF_INT_BITS(v));
	text(r, "encoding", int_encoding(BTF_INT_ENCODING(v)));
}

static void array(struct raw *r, const struct btf_type *t)
{
	const struct btf_array *a = (const void *)(t + 1);

	number(r, "type_id", a->type);
	number(r, "index_type_id", a->index_type);
	number(r, "nr_elems", a->nelems);
}

static void record(struct raw *r, const struct btf_type *t)
{
	number(r, "size", t->size);
	parts(r, t, "members", members);
}

static void enumeration(struct raw *r, const struct btf_type *t)
{
	text(r, "encoding", btf_kflag(t) ? "SIGNED" : "UNSIGNED");
	number(r, "size", t->size);
	parts(r, t, "values", enumerators);
}

static void forward(struct raw *r, const struct btf_type *t)
{
	text(r, "fwd_kind", btf_kflag(t) ? "union" : "struct");
}

static void prototype(struct raw *r, const struct btf_type *t)
{
	number(r, "ret_type_id", t->type);
	parts(r, t, "params", params);
}

static void reference(struct raw *r, const struct btf_type *t)
{
	number(r, "type_id", t->type);
}

static void function(struct raw *r, const struct btf_type *t)
{
	number(r, "type_id", t->type);
	text(r, "linkage", linkage(btf_vlen(t)));
}

static void variable(struct raw *r, const struct btf_type *t)
{
	number(r, "type_id", t->type);
	if (r->text)
		sb_putc(r->text, ',');
	text(r, "linkage", linkage(((const struct btf_var *)(t + 1))->linkage));
}

static void section(struct raw *r, const struct btf_type *t)
{
	number(r, "size", t->size);
	parts(r, t, "vars", variables);
}

static void floating(struct raw *r, const struct btf_type *t)
{
	number(r, "size", t->size);
}

static void tag(struct raw *r, const struct btf_type *t)
{
	s32 component = ((const struct btf_decl_tag *)(t + 1))->component_idx;

	number(r, "type_id", t->type);
	if (r->json)
		json_s64(r->json, "component_idx", component);
	else
		sb_printf(r->text, " component_idx=%d", component);
}

static const struct {
	const char *name;
	void (*print)(struct raw *r, const struct btf_type *t);
} kinds[NR_BTF_KINDS] = {
	[BTF_KIND_INT] = { "INT", integer },
	[BTF_KIND_PTR] = { "PTR", reference },
	[BTF_KIND_ARRAY] = { "ARRAY", array },
	[BTF_KIND_STRUCT] = { "STRUCT", record },
	[BTF_KIND_UNION] = { "UNION", record },
	[BTF_KIND_ENUM] = { "ENUM", enumeration },
	[BTF_KIND_FWD] = { "FWD", forward },
	[BTF_KIND_TYPEDEF] = { "TYPEDEF", reference },
	[BTF_KIND_VOLATILE] = { "VOLATILE", reference },
	[BTF_KIND_CONST] = { "CONST", reference },
	[BTF_KIND_RESTRICT] = { "RESTRICT", reference },
	[BTF_KIND_FUNC] = { "FUNC", function },
	[BTF_KIND_FUNC_PROTO] = { "FUNC_PROTO", prototype },
	[BTF_KIND_VAR] = { "VAR", variable },
	[BTF_KIND_DATASEC] = { "DATASEC", section },
	[BTF_KIND_FLOAT] = { "FLOAT", floating },
	[BTF_KIND_DECL_TAG] = { "DECL_TAG", tag },
	[BTF_KIND_TYPE_TAG] = { "TYPE_TAG", reference },
	[BTF_KIND_ENUM64] = { "ENUM64", enumeration },
};

void btf_raw_text(struct strbuf *out, const struct btf *btf, u32 id)
{
	struct raw r = { .btf = btf, .text = out };
	const struct btf_type *t = btf_type(btf, id);

	if (!t || !kinds[btf_kind(t)].name)
		return;
	sb_printf(out, "[%u] %s '%s'", id, kinds[btf_kind(t)].name,
		  name_at(&r, t->name_off));
	kinds[btf_kind(t)].print(&r, t);
	sb_putc(out, '\n');
}

void btf_raw_json(struct json *j, const struct btf *btf, u32 id)
{
	struct raw r = { .btf = btf, .json = j };
	const struct btf_type *t = btf_type(btf, id);

	if (!t || !kinds[btf_kind(t)].name)
		return;
	json_obj(j, NULL);
	json_u64(j, "id", id);
	json_str(j, "kind", kinds[btf_kind(t)].name);
	json_str(j, "name", name_at(&r, t->name_off));
	kinds[btf_kind(t)].print(&r, t);
	json_obj_end(j);
}
