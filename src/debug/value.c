/* SPDX-License-Identifier: BSD-2-Clause */
/* value.c: loading values, their members and elements, and what pointers lead to. */
#include "debug/value.h"
#include <inttypes.h>
#include <stdlib.h>

struct value value_number(struct dtype ty, u64 n)
{
	return (struct value){ .kind = VALUE_NUMBER, .type = ty, .number = n };
}

struct value value_gone(struct dtype ty, const char *why)
{
	return (struct value){ .kind = VALUE_GONE, .type = ty, .gone = why };
}

static u64 extend(u64 n, u32 bits, bool is_signed)
{
	if (bits >= 64 || !bits)
		return n;
	n &= (1ull << bits) - 1;
	return is_signed && n >> (bits - 1) ? n | ~0ull << bits : n;
}

u64 value_extend(const struct types *t, struct dtype ty, u64 n)
{
	const char *name = btf_type_name(t->btf, dtype_plain(t, ty).id);

	if (!ty.ptrs && dtype_kind(t, ty) == BTF_KIND_INT && !strcmp(name, "_Bool"))
		return n != 0;
	return extend(n, (u32)dtype_bytes(t, ty) * 8, dtype_is_signed(t, ty));
}

/* ---- loads ---------------------------------------------------------------- */

static int gone(const struct value *v, struct skep_err *err)
{
	return err_set(err, ERR_DEBUG_GONE, NULL, "%s", v->gone);
}

static int no_memory(const struct value_env *env, u64 addr, struct skep_err *err)
{
	struct strbuf at = { 0 };
	int r;

	if (env->where)
		env->where(env->arg, addr, &at);
	r = err_set(err, ERR_DEBUG_MEM, NULL, "Cannot access memory at address 0x%" PRIx64 "%s%s%s",
		    addr, at.n ? " <" : "", sb_text(&at), at.n ? ">" : "");
	sb_free(&at);
	return r;
}

/* BYTES (1..8) at OFF of V, as a number of this machine's order. */
static int load_at(const struct value_env *env, const struct value *v, u32 off, u32 bytes,
		   u64 *out, struct skep_err *err)
{
	*out = 0;
	if (v->kind == VALUE_BYTES) {
		if (!in_bounds(off, bytes, v->nr_bytes))
			return err_set(err, ERR_DEBUG_MEM, NULL, "the value has no such bytes");
		memcpy(out, v->bytes + off, bytes);
		return 0;
	}
	return env->load(env->arg, v->addr + off, bytes, out) ? 0 :
		no_memory(env, v->addr + off, err);
}

/* As many loads as it takes, each of a power of two. */
static int load_odd(const struct value_env *env, const struct value *v, u32 off, u32 bytes,
		    u64 *out, struct skep_err *err)
{
	u64 part;

	*out = 0;
	for (u32 i = 0; i < bytes && i < 8; i++) {
		int r = load_at(env, v, off + i, 1, &part, err);

		if (r)
			return r;
		*out |= (part & 0xff) << 8 * i;
	}
	return 0;
}

static int load_bits(const struct value_env *env, const struct value *v, u64 *out,
		     struct skep_err *err)
{
	u32 first = v->bit_off / 8, bits = v->bit_off % 8;
	u32 bytes = (bits + v->bit_size + 7) / 8;
	u64 low, high = 0;
	int r = load_odd(env, v, first, bytes > 8 ? 8 : bytes, &low, err);

	if (!r && bytes > 8)
		r = load_odd(env, v, first + 8, 1, &high, err);
	if (r)
		return r;
	low = bits ? low >> bits | (bytes > 8 ? high << (64 - bits) : 0) : low;
	*out = extend(low, v->bit_size, dtype_is_signed(env->types, v->type));
	return 0;
}

/* Of 4 or 8 bytes. */
static bool is_float(const struct types *t, const struct value *v)
{
	u64 bytes = dtype_bytes(t, v->type);

	return !v->repeat && dtype_kind(t, v->type) == BTF_KIND_FLOAT && (bytes == 4 || bytes == 8);
}

static int not_scalar(const struct value_env *env, const struct value *v, struct skep_err *err)
{
	struct strbuf type = { 0 };
	int r;

	if (v->kind == VALUE_MAP)
		return err_set(err, ERR_DEBUG_EXPR, NULL,
			       "a map is no number; its elements are MAP[KEY]");
	dtype_text(&type, env->types, v->type, "");
	r = err_set(err, ERR_DEBUG_EXPR, NULL, "a value of type '%s' is no %s", sb_text(&type),
		    is_float(env->types, v) ? "integer: cast it" : "number");
	sb_free(&type);
	return r;
}

int value_load_scalar(const struct value_env *env, const struct value *v, struct value *out,
		      struct skep_err *err)
{
	const struct types *t = env->types;
	u64 bytes = dtype_bytes(t, v->type), n;
	u32 kind = dtype_kind(t, v->type);
	struct dtype inner;
	int r;

	if (v->kind == VALUE_GONE)
		return gone(v, err);
	if (v->kind == VALUE_NUMBER) {
		*out = *v;
		return 0;
	}
	if ((kind == BTF_KIND_ARRAY || v->repeat) && v->kind == VALUE_MEM) {
		inner = v->type;
		if (!v->repeat)
			dtype_inner(t, v->type, &inner);
		*out = value_number(dtype_pointer(inner), v->addr);
		return 0;
	}
	if (kind == BTF_KIND_FUNC_PROTO && v->kind == VALUE_MEM) {
		*out = value_number(dtype_pointer(v->type), v->addr);
		return 0;
	}
	if (v->kind == VALUE_MAP || v->repeat || !bytes || bytes > 8 ||
	    !(dtype_is_integer(t, v->type) || kind == BTF_KIND_PTR || is_float(t, v)))
		return not_scalar(env, v, err);
	if (v->bit_size)
		r = load_bits(env, v, &n, err);
	else if (bytes & (bytes - 1))
		r = load_odd(env, v, 0, (u32)bytes, &n, err);
	else
		r = load_at(env, v, 0, (u32)bytes, &n, err);
	if (r)
		return r;
	*out = value_number(v->type, n);
	/* a field of the context that is a pointer keeps all of its bytes */
	if (!v->bit_size && !(v->kind == VALUE_MEM && bytes == 4 && n >> 32))
		out->number = value_extend(t, v->type, n);
	return 0;
}

int value_load(const struct value_env *env, const struct value *v, struct value *out,
	       struct skep_err *err)
{
	if (v->kind != VALUE_MAP && v->kind != VALUE_GONE && is_float(env->types, v))
		return not_scalar(env, v, err);
	return value_load_scalar(env, v, out, err);
}

u64 value_copy(const struct value_env *env, const struct value *v, void *to, u64 n)
{
	u64 have = 0;

	switch (v->kind) {
	case VALUE_NUMBER:
		n = min_u64(n, dtype_bytes(env->types, v->type));
		memcpy(to, &v->number, min_u64(n, 8));
		return min_u64(n, 8);
	case VALUE_BYTES:
		memcpy(to, v->bytes, min_u64(n, v->nr_bytes));
		return min_u64(n, v->nr_bytes);
	case VALUE_MEM:
		if (env->read && env->read(env->arg, v->addr, to, n))
			return n;
		/* what is no plain memory, or ends, goes byte by byte */
		for (u64 byte; have < n && env->load(env->arg, v->addr + have, 1, &byte); have++)
			((u8 *)to)[have] = (u8)byte;
		return have;
	default:
		return 0;
	}
}

/* ---- parts ---------------------------------------------------------------- */

/* Bytes OFF on of V are of type TY. */
static struct value part_of(const struct value *v, struct dtype ty, u64 off)
{
	struct value p = *v;

	p.type = ty;
	p.repeat = p.bit_off = p.bit_size = 0;
	if (v->kind == VALUE_BYTES) {
		off = min_u64(off, v->nr_bytes);
		p.bytes += off;
		p.nr_bytes -= (u32)off;
	} else {
		p.addr += off;
	}
	return p;
}

u32 value_children(const struct types *t, const struct value *v)
{
	struct dtype plain = dtype_plain(t, v->type);

	if (v->repeat)
		return v->repeat;
	if (dtype_is_record(t, plain))
		return btf_vlen(btf_type(t->btf, plain.id));
	return dtype_elements(t, plain);
}

struct value value_child(const struct types *t, const struct value *v, u32 i, const char **name)
{
	struct dtype plain = dtype_plain(t, v->type), inner;
	struct btf_member_info m;
	struct value p;

	*name = NULL;
	if (v->repeat)
		return part_of(v, v->type, i * dtype_bytes(t, v->type));
	if (!dtype_is_record(t, plain)) {
		dtype_inner(t, plain, &inner);
		return part_of(v, inner, i * dtype_bytes(t, inner));
	}
	m = btf_member(t->btf, btf_type(t->btf, plain.id), i);
	*name = m.name;
	if (!m.bit_size)
		return part_of(v, (struct dtype){ m.type_id, 0 }, m.bit_off / 8);
	p = part_of(v, (struct dtype){ m.type_id, 0 }, m.bit_off / 8);
	p.bit_off = m.bit_off % 8;
	p.bit_size = m.bit_size;
	return p;
}

enum { MAX_NEST = 16 };

static bool find_member(const struct types *t, const struct value *v, const char *name,
			unsigned depth, struct value *out)
{
	u32 n = dtype_is_record(t, v->type) ? value_children(t, v) : 0;

	for (u32 i = 0; i < n; i++) {
		const char *is;
		struct value p = value_child(t, v, i, &is);

		if (!strcmp(is, name)) {
			*out = p;
			return true;
		}
		if (!*is && depth < MAX_NEST && find_member(t, &p, name, depth + 1, out))
			return true;
	}
	return false;
}

static void suggest_member(const struct types *t, const struct value *v, const char *name,
			   struct skep_err *err)
{
	u32 n = value_children(t, v);
	const char **names = mem_alloc((n + 1) * sizeof(*names)), *near;

	for (u32 i = 0; i < n; i++)
		value_child(t, v, i, &names[i]);
	near = err_nearest(name, names, n);
	if (near && *near)
		err_help(err, "did you mean '%s'?", near);
	free(names);
}

int value_member(const struct value_env *env, const struct value *v, const char *name,
		 struct value *out, struct skep_err *err)
{
	struct strbuf type = { 0 };
	int r;

	if (v->kind == VALUE_GONE)
		return gone(v, err);
	if (v->kind != VALUE_MAP && dtype_is_record(env->types, v->type) && !v->repeat) {
		if (find_member(env->types, v, name, 0, out))
			return 0;
		r = err_set(err, ERR_DEBUG_EXPR, NULL, "There is no member named %s.", name);
		suggest_member(env->types, v, name, err);
		return r;
	}
	if (v->kind != VALUE_MAP)
		dtype_text(&type, env->types, v->type, "");
	r = err_set(err, ERR_DEBUG_EXPR, NULL, "'%s' has no members, it is no struct or union",
		    v->kind == VALUE_MAP ? "a map" : sb_text(&type));
	sb_free(&type);
	return r;
}

int value_deref(const struct value_env *env, const struct value *v, struct value *out,
		struct skep_err *err)
{
	struct dtype inner;
	struct value p;
	int r = value_load(env, v, &p, err);

	if (r)
		return r;
	if (dtype_is_integer(env->types, p.type))	/* as gdb: *ADDR is a long there */
		inner = types_basic(env->types, BASIC_LONG);
	else if (!dtype_inner(env->types, p.type, &inner))
		return not_scalar(env, &p, err);
	else if (!dtype_bytes(env->types, inner) &&
		 dtype_kind(env->types, inner) != BTF_KIND_FUNC_PROTO)
		return err_set(err, ERR_DEBUG_EXPR, NULL, dtype_is_record(env->types, inner) ||
			       dtype_kind(env->types, inner) == BTF_KIND_FWD ?
			       "the type is incomplete: it is only declared" :
			       "Attempt to take contents of a non-pointer value: it is void *; "
			       "cast it first");
	*out = (struct value){ .kind = VALUE_MEM, .type = inner, .addr = p.number };
	return 0;
}
