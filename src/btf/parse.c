/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parse.c: from the bytes of a .BTF section to a struct btf that needs no
 * further tests. Three passes, each linear: find the records, check each
 * record by itself, then follow "contains" edges to give every type its size
 * and to refuse chains without an end. Never keeps a pointer into its input.
 */
#include "btf/btf.h"
#include "base/os.h"
#include <stdlib.h>

enum {
	MAX_TYPES = 0x100000,	/* BTF_MAX_TYPE and one, as in the kernel */
	MAX_NAME = 4096,	/* bytes; keeps checks linear */
	MAX_NEST = 64,		/* kernel: 32 */
};

enum {
	K_NAME = 1,	/* must have a name */
	K_REF = 2,	/* the third word is a type id, else a size */
	K_VLEN = 4,	/* vlen counts records; else it must be 0 */
	K_CHAIN = 8,	/* a link of a chain that leads to one type */
};

/* What follows struct btf_type: FIXED bytes, then vlen times EACH bytes. */
static const struct kind_row {
	const char *name;
	u8 fixed, each, flags;
} kinds[] = {
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

struct parse {
	struct btf *btf;
	struct arena *arena;
	const char *where;
	struct skep_err *err;
	bool swap;
	struct btf_header hdr;
	u8 *state;	/* [nr_types] of the last pass: 0 unseen, IN_WORK, depth */
};

static u32 load32(const struct parse *p, const u8 *from)
{
	u32 v;

	memcpy(&v, from, sizeof(v));
	return p->swap ? __builtin_bswap32(v) : v;
}

#define type_err(p, id, fmt, ...) \
	err_set((p)->err, ERR_BTF, (p)->where, "type %u (%s) " fmt, id, \
		kind_name((p)->btf, id), ##__VA_ARGS__)

static const char *kind_name(const struct btf *btf, u32 id)
{
	u32 kind = btf_kind(btf->types[id]);

	return kind < ARRAY_LEN(kinds) && kinds[kind].name ? kinds[kind].name : "void";
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
	p->swap = h->magic == __builtin_bswap16(BTF_MAGIC);
	if (h->magic != BTF_MAGIC && !p->swap)
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
	u32 n = p->hdr.str_len;

	if (!n || s[0] || s[n - 1])
		return err_set(p->err, ERR_BTF, p->where,
			       "strings do not begin and end with a NUL byte");
	p->btf->strings = arena_copy(p->arena, s, n);
	p->btf->string_bytes = n;
	return 0;
}

/* ---- pass 1: where each type begins ----------------------------------- */

/* Size of the record at T with LEFT bytes before the end, or 0. */
static size_t record_bytes(const struct btf_type *t, size_t left)
{
	const struct kind_row *k;
	size_t n = sizeof(*t);

	if (left < n || btf_kind(t) >= ARRAY_LEN(kinds))
		return 0;
	k = &kinds[btf_kind(t)];
	if (!k->name)
		return 0;
	n += k->fixed + (size_t)k->each * btf_vlen(t);
	return n <= left ? n : 0;
}

static int record_bad(struct parse *p, const struct btf_type *t, u32 id,
		      size_t off, size_t left)
{
	u32 kind = left < sizeof(*t) ? 0 : btf_kind(t);
	bool known = kind < ARRAY_LEN(kinds) && kinds[kind].name;

	if (left < sizeof(*t) || known)
		return err_set(p->err, ERR_BTF, p->where,
			       "type %u at 0x%zx ends behind the section's last type byte",
			       id, off);
	return err_set(p->err, ERR_BTF, p->where,
		       "type %u at 0x%zx has kind %u; 1..%zu are known", id,
		       off, kind, ARRAY_LEN(kinds) - 1);
}

/* Fills TYPES when it is not NULL. */
static int scan_types(struct parse *p, const u8 *types, const struct btf_type **out,
		      u32 *nr)
{
	size_t off = 0, len = p->hdr.type_len;
	u32 id = 1;

	for (; off < len; id++) {
		const struct btf_type *t = (const void *)(types + off);
		size_t n = record_bytes(t, len - off);

		if (!n)
			return record_bad(p, t, id, off, len - off);
		if (id >= MAX_TYPES)
			return err_set(p->err, ERR_BTF, p->where,
				       "more than %d types", MAX_TYPES - 1);
		if (out)
			out[id] = t;
		off += n;
	}
	*nr = id;
	return 0;
}

static int parse_types(struct parse *p, const u8 *data)
{
	static const struct btf_type void_type;
	struct btf *btf = p->btf;
	u32 n = p->hdr.type_len / 4;
	u32 *words;
	int ret;

	/* every field of every record is a 32-bit word */
	words = arena_copy(p->arena, data + p->hdr.hdr_len + p->hdr.type_off,
			   p->hdr.type_len);
	for (u32 i = 0; p->swap && i < n; i++)
		words[i] = __builtin_bswap32(words[i]);
	ret = scan_types(p, (u8 *)words, NULL, &btf->nr_types);
	if (ret)
		return ret;
	btf->types = arena_news(p->arena, btf->nr_types, const struct btf_type *);
	btf->types[0] = &void_type;
	return scan_types(p, (u8 *)words, btf->types, &n);
}

/* ---- pass 2: each record by itself ------------------------------------ */

static int check_name(struct parse *p, u32 id, u32 off, bool wanted)
{
	const struct btf *btf = p->btf;
	const u8 *s;
	size_t n;

	if (off >= btf->string_bytes)
		return type_err(p, id, "has a name at 0x%x; strings have 0x%x bytes",
				off, btf->string_bytes);
	s = (const u8 *)btf->strings + off;
	if (wanted && !*s)
		return type_err(p, id, "has no name");
	for (n = 0; s[n]; n++)
		if (s[n] < ' ' || s[n] == 0x7f || n >= MAX_NAME)
			return type_err(p, id, "has a name with byte 0x%02x at position %zu",
					s[n], n);
	return 0;
}

static int check_id(struct parse *p, u32 id, u32 ref)
{
	if (ref >= p->btf->nr_types)
		return type_err(p, id, "refers to type %u; there are %u", ref,
				p->btf->nr_types);
	return 0;
}

/* REF must be something that a value, a parameter or a pointer can have. */
static int check_ref(struct parse *p, u32 id, u32 ref)
{
	int ret = check_id(p, id, ref);
	u32 kind = ret ? 0 : btf_kind(p->btf->types[ref]);

	if (kind == BTF_KIND_VAR || kind == BTF_KIND_DATASEC ||
	    kind == BTF_KIND_DECL_TAG || kind == BTF_KIND_FUNC)
		return type_err(p, id, "refers to type %u (%s), which is none",
				ref, kind_name(p->btf, ref));
	return ret;
}

static int check_int(struct parse *p, u32 id, const struct btf_type *t)
{
	u32 v = *(const u32 *)(t + 1);
	u32 bits = BTF_INT_BITS(v), off = BTF_INT_OFFSET(v);

	if (t->size != 1 && t->size != 2 && t->size != 4 && t->size != 8 &&
	    t->size != 16)
		return type_err(p, id, "has %u bytes", t->size);
	if (!bits || bits + off > t->size * 8)
		return type_err(p, id, "has %u bits at %u in %u bytes", bits,
				off, t->size);
	return 0;
}

static int check_members(struct parse *p, u32 id, const struct btf_type *t)
{
	const struct btf_member *m = (const void *)(t + 1);
	int ret = 0;

	for (u32 i = 0; i < btf_vlen(t) && !ret; i++) {
		ret = check_name(p, id, m[i].name_off, false);
		if (!ret)
			ret = check_ref(p, id, m[i].type);
	}
	return ret;
}

static int check_params(struct parse *p, u32 id, const struct btf_type *t)
{
	const struct btf_param *a = (const void *)(t + 1);
	int ret = 0;

	for (u32 i = 0; i < btf_vlen(t) && !ret; i++) {
		ret = check_name(p, id, a[i].name_off, false);
		if (!ret)
			ret = check_ref(p, id, a[i].type);
	}
	return ret;
}

/* Names of enumerators; the records are 8 bytes, of enum64 12. */
static int check_enum(struct parse *p, u32 id, const struct btf_type *t)
{
	size_t each = kinds[btf_kind(t)].each;
	const u8 *e = (const u8 *)(t + 1);
	int ret = 0;

	if (t->size != 1 && t->size != 2 && t->size != 4 && t->size != 8)
		return type_err(p, id, "has %u bytes", t->size);
	for (u32 i = 0; i < btf_vlen(t) && !ret; i++)
		ret = check_name(p, id, *(const u32 *)(e + i * each), true);
	return ret;
}

static int check_datasec(struct parse *p, u32 id, const struct btf_type *t)
{
	const struct btf_var_secinfo *v = (const void *)(t + 1);
	int ret = 0;

	for (u32 i = 0; i < btf_vlen(t) && !ret; i++) {
		u32 kind;

		ret = check_id(p, id, v[i].type);
		if (ret)
			break;
		kind = btf_kind(p->btf->types[v[i].type]);
		if (kind != BTF_KIND_VAR && kind != BTF_KIND_FUNC)
			ret = type_err(p, id, "holds type %u, which is no variable",
				       v[i].type);
		else if (t->size && !in_bounds(v[i].offset, v[i].size, t->size))
			ret = type_err(p, id, "of %u bytes has a variable at %u of %u bytes",
				       t->size, v[i].offset, v[i].size);
	}
	return ret;
}

static int check_array(struct parse *p, u32 id, const struct btf_type *t)
{
	const struct btf_array *a = (const void *)(t + 1);
	int ret = check_ref(p, id, a->type);

	return ret ? ret : check_ref(p, id, a->index_type);
}

static int check_func(struct parse *p, u32 id, const struct btf_type *t)
{
	if (btf_kind(p->btf->types[t->type]) != BTF_KIND_FUNC_PROTO)
		return type_err(p, id, "has type %u, which is no prototype", t->type);
	return 0;
}

static int check_kind(struct parse *p, u32 id, const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		return check_int(p, id, t);
	case BTF_KIND_ARRAY:
		return check_array(p, id, t);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return check_members(p, id, t);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return check_enum(p, id, t);
	case BTF_KIND_FUNC:
		return check_func(p, id, t);
	case BTF_KIND_FUNC_PROTO:
		return check_params(p, id, t);
	case BTF_KIND_DATASEC:
		return check_datasec(p, id, t);
	case BTF_KIND_FLOAT:
		return t->size == 2 || t->size == 4 || t->size == 8 ||
		       t->size == 12 || t->size == 16 ? 0 :
		       type_err(p, id, "has %u bytes", t->size);
	default:
		return 0;
	}
}

static int check_type(struct parse *p, u32 id)
{
	const struct btf_type *t = p->btf->types[id];
	const struct kind_row *k = &kinds[btf_kind(t)];
	int ret = check_name(p, id, t->name_off, k->flags & K_NAME);

	if (!ret && !(k->flags & K_VLEN) && btf_vlen(t))
		ret = type_err(p, id, "has %u members", btf_vlen(t));
	if (!ret && (k->flags & K_REF))
		ret = btf_kind(t) == BTF_KIND_DECL_TAG ?
			check_id(p, id, t->type) : check_ref(p, id, t->type);
	return ret ? ret : check_kind(p, id, t);
}

/* ---- pass 3: chains and sizes ------------------------------------------ */

/* The type that T leads to when declarations are read outwards, or 0. */
static u32 chain_next(const struct btf_type *t)
{
	if (!(kinds[btf_kind(t)].flags & K_CHAIN))
		return 0;
	return btf_kind(t) == BTF_KIND_ARRAY ?
		((const struct btf_array *)(t + 1))->type : t->type;
}

/*
 * Every type has at most one successor here, so walks that stop at what an
 * earlier walk saw are linear in all, and meeting the own mark is a cycle.
 */
static int check_chains(struct parse *p)
{
	struct btf *btf = p->btf;
	u32 *mark = mem_alloc(btf->nr_types * sizeof(*mark));
	int ret = 0;

	for (u32 start = 1; start < btf->nr_types && !ret; start++) {
		u32 id = start;

		if (mark[start])
			continue;
		while (id && !mark[id]) {
			mark[id] = start;
			id = chain_next(btf->types[id]);
		}
		if (id && mark[id] == start)
			ret = type_err(p, id, "leads back to itself");
	}
	free(mark);
	return ret;
}

/* Child I that ID contains by value. False when there are no more. */
static bool child(const struct btf *btf, u32 id, u32 i, u32 *out)
{
	const struct btf_type *t = btf->types[id];

	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		if (i < btf_vlen(t))
			*out = ((const struct btf_member *)(t + 1))[i].type;
		return i < btf_vlen(t);
	case BTF_KIND_DATASEC:
		if (i < btf_vlen(t))
			*out = ((const struct btf_var_secinfo *)(t + 1))[i].type;
		return i < btf_vlen(t);
	case BTF_KIND_ARRAY:
		*out = ((const struct btf_array *)(t + 1))->type;
		return i == 0;
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
	case BTF_KIND_VAR:
		*out = t->type;
		return i == 0;
	default:
		return false;
	}
}

/* Struct members and array elements must have a size of their own. */
static bool has_size(const struct btf *btf, u32 id)
{
	return btf_size(btf, id) >= 0;
}

/*
 * __uint(max_entries, 0xffffffff) is an array of that many int: such types are
 * fine as long as nothing has them as its value.
 */
#define ARRAY_BYTES_MAX (1ull << 48)

static int size_array(struct parse *p, u32 id, const struct btf_type *t)
{
	const struct btf_array *a = (const void *)(t + 1);
	struct btf *btf = p->btf;

	if (!has_size(btf, a->type))
		return type_err(p, id, "has elements of type %u, which has no size",
				a->type);
	if (__builtin_mul_overflow(btf->sizes[a->type], a->nelems, &btf->sizes[id]) ||
	    btf->sizes[id] > ARRAY_BYTES_MAX)
		return type_err(p, id, "has %u elements of %llu bytes", a->nelems,
				(unsigned long long)btf->sizes[a->type]);
	return 0;
}

static int size_struct(struct parse *p, u32 id, const struct btf_type *t)
{
	struct btf *btf = p->btf;

	btf->sizes[id] = t->size;
	for (u32 i = 0; i < btf_vlen(t); i++) {
		struct btf_member_info m = btf_member(btf, t, i);
		u64 bits = m.bit_size ? m.bit_size : btf->sizes[m.type_id] * 8;

		if (!has_size(btf, m.type_id))
			return type_err(p, id, "has member '%s' of type %u, which has no size",
					m.name, m.type_id);
		if (!in_bounds(m.bit_off, bits, (u64)t->size * 8))
			return type_err(p, id, "of %u bytes has '%s' at bit %u with %llu bits",
					t->size, m.name, m.bit_off,
					(unsigned long long)bits);
		if (m.bit_size > 128 || (!m.bit_size && m.bit_off % 8))
			return type_err(p, id, "has member '%s' at bit %u, %u bits",
					m.name, m.bit_off, m.bit_size);
	}
	return 0;
}

/* All that ID contains has its size; computes ID's. */
static int size_one(struct parse *p, u32 id)
{
	struct btf *btf = p->btf;
	const struct btf_type *t = btf->types[id];

	switch (btf_kind(t)) {
	case BTF_KIND_PTR:
		btf->sizes[id] = btf->addr_bytes;
		return 0;
	case BTF_KIND_ARRAY:
		return size_array(p, id, t);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return size_struct(p, id, t);
	case BTF_KIND_INT:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
	case BTF_KIND_FLOAT:
	case BTF_KIND_DATASEC:
		btf->sizes[id] = t->size;
		return 0;
	case BTF_KIND_FUNC:
	case BTF_KIND_FUNC_PROTO:
	case BTF_KIND_FWD:
	case BTF_KIND_DECL_TAG:
		return 0;
	default:
		btf->sizes[id] = btf->sizes[t->type];
		return 0;
	}
}

/*
 * Depth first over "contains", on a stack of frames: a type met while it is
 * in work contains itself. state[] keeps the depth below a finished type, so
 * that the limit holds for every path.
 */
static int resolve(struct parse *p, u32 start)
{
	enum { IN_WORK = 255 };
	struct { u32 id, next; u8 depth; } stack[MAX_NEST + 1], *f = stack;
	int ret;

	*f = (typeof(*f)){ .id = start };
	p->state[start] = IN_WORK;
	for (;;) {
		u32 c;

		if (!child(p->btf, f->id, f->next, &c)) {
			ret = size_one(p, f->id);
			if (ret)
				return ret;
			p->state[f->id] = f->depth + 1;
			if (f == stack)
				return 0;
			f--;
			f->depth = (u8)max_u64(f->depth, f[1].depth + 1);
			f->next++;
		} else if (p->state[c] == IN_WORK) {
			return type_err(p, c, "contains itself");
		} else if (p->state[c]) {
			f->depth = (u8)max_u64(f->depth, p->state[c]);
			f->next++;
		} else {
			if (f == stack + MAX_NEST)
				return type_err(p, start, "nests deeper than %d levels",
						MAX_NEST);
			p->state[c] = IN_WORK;
			*++f = (typeof(*f)){ .id = c };
		}
		if (f->depth > MAX_NEST)
			return type_err(p, f->id, "nests deeper than %d levels", MAX_NEST);
	}
}

static int check_all(struct parse *p)
{
	struct btf *btf = p->btf;
	int ret = 0;

	for (u32 id = 1; id < btf->nr_types && !ret; id++)
		ret = check_type(p, id);
	if (!ret)
		ret = check_chains(p);
	if (ret)
		return ret;
	btf->sizes = arena_news(p->arena, btf->nr_types, u64);
	p->state = mem_alloc(btf->nr_types);
	p->state[0] = 1;
	for (u32 id = 1; id < btf->nr_types && !ret; id++)
		if (!p->state[id])
			ret = resolve(p, id);
	free(p->state);
	return ret;
}

int btf_parse(struct btf **out, struct arena *arena, const u8 *data,
	      size_t bytes, const char *where, struct skep_err *err)
{
	struct parse p = { .arena = arena, .where = where, .err = err };
	int ret = parse_header(&p, data, bytes);

	*out = NULL;
	if (ret)
		return ret;
	p.btf = arena_new(arena, struct btf);
	p.btf->addr_bytes = 8;
	ret = parse_strings(&p, data);
	if (!ret)
		ret = parse_types(&p, data);
	if (!ret)
		ret = check_all(&p);
	if (!ret)
		*out = p.btf;
	return ret;
}

int btf_datasec_set(struct btf *btf, u32 id, u32 bytes,
		    const u32 *offsets, const char *where, struct skep_err *err)
{
	/* the records are ours: parse_types copied them */
	struct btf_type *t = (struct btf_type *)btf->types[id];
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
	btf->sizes[id] = bytes;
	return 0;
}
