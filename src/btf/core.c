/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core.c: resolving CO-RE relocations. The target's types are gone through
 * once, for all names that the object asks about; a relocation is then decided
 * among the few types of its name, which must agree. A name that the
 * target lacks is looked for in its modules, as libbpf does. Equal records are
 * decided once. Never changes types.
 */
#include "btf/core_match.h"
#include "base/hash.h"
#include <stdio.h>

/* A type of the target that has a wanted name. */
struct cand {
	u32 id, next;		/* next: index in cands + 1, 0 = last */
	u32 module;		/* index in modules + 1, 0 = of the target itself */
};

/* An essential name that some relocation's type has, and the types of that name
 * in the target itself and in its modules. */
struct cand_list { u32 first, last; };	/* in cands + 1; 0 = none */
struct wanted { struct cand_list lists[2]; };
enum { IN_TARGET, IN_MODULES };

struct memo {
	const char *access;
	u32 type_id, kind;
	struct core_result res;
};

struct core {
	struct arena *arena;
	const struct btf *local, *target;
	const char *target_name;
	core_used_fn *used;		/* NULL: nobody asks */
	void *used_arg;
	core_modules_fn *find_modules;	/* NULL: there are none, or they were found */
	void *find_arg;
	const struct core_module *modules;
	u32 nr_modules;
	struct strtab names;		/* to wanted */
	struct wanted *wanted;
	struct cand *cands;
	struct memo *memos;		/* a hash table with free places */
	u32 nr_wanted, cap_wanted, nr_cands, cap_cands, memo_mask, nr_relos;
	u32 kinds;			/* bits: kinds of wanted types */
	u64 starts[1024];		/* bits: how wanted names begin */
	bool ready;
};

struct core *core_new(struct arena *arena, const struct btf *local,
		      const struct btf *target, const char *target_name)
{
	struct core *c = arena_new(arena, struct core);

	c->arena = c->names.arena = arena;
	c->local = local;
	c->target = target;
	c->target_name = target_name;
	return c;
}

void core_set_modules(struct core *c, core_modules_fn *find, void *arg)
{
	c->find_modules = find;
	c->find_arg = arg;
}

/* ---- candidates --------------------------------------------------------------- */

/* The array at V with room for one more of SIZE bytes. */
void core_set_used(struct core *c, core_used_fn *used, void *arg)
{
	c->used = used;
	c->used_arg = arg;
}

static void *grow(struct core *c, void *v, u32 n, u32 *cap, size_t size)
{
	void *to;

	if (n < *cap)
		return v;
	*cap = *cap ? *cap * 2 : 64;
	to = arena_array(c->arena, *cap, size);
	if (n)
		memcpy(to, v, n * size);
	return to;
}

/* Of the first three letters. */
static u32 start_bit(const char *name)
{
	u32 v = (u8)name[0];

	if (name[0] && name[1])
		v |= (u32)(u8)name[1] << 8 | (u32)(u8)name[2] << 16;
	return (v * 0x9e3779b1u) >> 16;
}

/* How NAME, and NAME with a flavour, begin. */
static void want_start(struct core *c, const char *name)
{
	const size_t n = strlen(name);
	char start[4] = "___";
	u32 bit = start_bit(name);

	c->starts[bit / 64] |= 1ull << bit % 64;
	memcpy(start, name, min_u64(n, 3));
	bit = start_bit(start);
	c->starts[bit / 64] |= 1ull << bit % 64;
}

/* NAME without flavour, NUL-terminated. */
static const char *essential(struct core *c, const char *name)
{
	size_t n = core_essential(name);

	return name[n] ? arena_strndup(c->arena, name, n) : name;
}

static void want_name(struct core *c, const char *name)
{
	u32 i;

	name = essential(c, name);
	if (strtab_get(&c->names, name, &i))
		return;
	c->wanted = grow(c, c->wanted, c->nr_wanted, &c->cap_wanted, sizeof(*c->wanted));
	c->wanted[c->nr_wanted] = (struct wanted){ 0 };
	strtab_put(&c->names, name, c->nr_wanted++);
	want_start(c, name);
}

void core_want(struct core *c, const struct btf_core_relo *relos, u32 n)
{
	u32 last = 0;

	c->nr_relos += n;
	for (u32 i = 0; i < n; i++) {
		u32 id = relos[i].type_id;

		if (id == last || !*btf_type_name(c->local, id))
			continue;
		last = id;
		c->kinds |= 1u << btf_kind(btf_type(c->local, id));
		want_name(c, btf_type_name(c->local, id));
	}
}

static void add_cand(struct core *c, u32 module, u32 id, const char *name)
{
	struct cand_list *list;
	u32 i;

	if (!strtab_get(&c->names, essential(c, name), &i))
		return;
	list = &c->wanted[i].lists[module ? IN_MODULES : IN_TARGET];
	c->cands = grow(c, c->cands, c->nr_cands, &c->cap_cands, sizeof(*c->cands));
	c->cands[c->nr_cands++] = (struct cand){ .id = id, .module = module };
	if (list->last)
		c->cands[list->last - 1].next = c->nr_cands;
	else
		list->first = c->nr_cands;
	list->last = c->nr_cands;
}

static const struct btf *btf_of(const struct core *c, u32 module)
{
	return module ? c->modules[module - 1].btf : c->target;
}

static const char *name_of(const struct core *c, u32 module)
{
	return module ? c->modules[module - 1].name : c->target_name;
}

/* Those that are of one of KINDS; of a module, only the types that it adds. */
static void find_own(struct core *c, u32 module, const struct btf *btf, u32 kinds)
{
	const u32 n = btf->nr_types - btf->first_id;

	if (!module && btf->base)
		find_own(c, module, btf->base, kinds);
	for (u32 i = 0; i < n; i++) {
		const char *name;
		u32 bit;

		if (!(kinds >> btf_own_kind(btf, i) & 1))
			continue;
		name = btf_str(btf, btf_own(btf, i)->name_off);
		bit = start_bit(name);
		if (c->starts[bit / 64] >> bit % 64 & 1)
			add_cand(c, module, btf->first_id + i, name);
	}
}

static void find_cands(struct core *c, u32 module)
{
	const struct btf *btf = btf_of(c, module);
	u32 kinds = c->kinds, enums = 1u << BTF_KIND_ENUM | 1u << BTF_KIND_ENUM64;

	if (kinds & enums)
		kinds |= enums;
	find_own(c, module, btf, kinds);
}

static int find_in_modules(struct core *c, struct skep_err *err)
{
	core_modules_fn *find = c->find_modules;
	int r;

	if (!find)
		return 0;
	r = find(c->find_arg, &c->modules, &c->nr_modules, err);
	if (r)
		return r;
	c->find_modules = NULL;
	for (u32 i = 1; i <= c->nr_modules; i++)
		find_cands(c, i);
	return 0;
}

static void get_ready(struct core *c)
{
	if (c->ready)
		return;
	c->ready = true;
	if (c->local != c->target)
		find_cands(c, 0);
	for (c->memo_mask = 15; c->memo_mask / 2 < c->nr_relos; c->memo_mask = c->memo_mask * 2 + 1)
		;
	c->memos = arena_news(c->arena, c->memo_mask + 1ull, struct memo);
}

/* ---- values --------------------------------------------------------------------- */

/* What a field, a type or an enumerator is worth. */
struct value {
	u64 v;
	u32 bytes, type_id;	/* FIELD_BYTE_OFFSET of no bit field */
	bool none;		/* there is no value: poison */
	bool loose;		/* the instruction may hold another local value */
	const char *bad;	/* why the record makes no sense */
};

/* Where a load of whole bytes finds the field, and the field in it. */
struct place {
	u32 type_id;
	u64 bit_off, bits;
	u64 byte_off, bytes;
	bool bitfield;
};

/* The narrowest aligned load, at least as wide as the declared type, that
 * covers all bits; false above 8 bytes. */
static bool cover_bits(struct place *f)
{
	for (f->byte_off = f->bit_off / 8 / f->bytes * f->bytes;
	     f->bit_off + f->bits - f->byte_off * 8 > f->bytes * 8;
	     f->byte_off = f->bit_off / 8 / f->bytes * f->bytes) {
		if (f->bytes >= 8)
			return false;
		f->bytes *= 2;
	}
	return true;
}

static bool find_place(const struct core_path *p, struct place *f)
{
	const struct core_step *last = &p->steps[p->n - 1];
	struct btf_member_info m = btf_member(p->btf, btf_type(p->btf, last->type_id), last->idx);

	f->type_id = btf_skip_mods(p->btf, m.type_id);
	f->bit_off = p->bit_off;
	f->bits = m.bit_size;
	f->bytes = btf_bytes(p->btf, f->type_id);
	f->byte_off = f->bit_off / 8;
	f->bitfield = f->bits;
	if (f->bitfield)
		return f->bytes && cover_bits(f);
	f->bits = f->bytes * 8;
	return true;
}

static bool is_signed(const struct btf_type *t)
{
	if (btf_is_any_enum(t))
		return btf_kflag(t);
	return btf_kind(t) == BTF_KIND_INT &&
	       BTF_INT_ENCODING(btf_int_word(t)) & BTF_INT_SIGNED;
}

static u64 left_shift(const struct place *f)
{
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		return 64 - (f->bit_off + f->bits - f->byte_off * 8);
	return (8 - f->bytes) * 8 + (f->bit_off - f->byte_off * 8);
}

static void elem_value(const struct core_path *p, u32 kind, struct value *v)
{
	u32 id = p->steps[p->n - 1].type_id;

	if (kind == CORE_FIELD_BYTE_OFFSET) {
		v->v = p->bit_off / 8;
		v->bytes = (u32)btf_bytes(p->btf, id);
		v->type_id = id;
	} else if (kind == CORE_FIELD_BYTE_SIZE) {
		v->v = btf_bytes(p->btf, id);
	} else {
		v->bad = "asks for sign or shift of an array element";
	}
}

static void member_value(const struct core_path *p, u32 kind, struct value *v)
{
	struct place f;

	if (!find_place(p, &f)) {
		v->bad = "is to a bit field that no load of 8 bytes covers";
		return;
	}
	v->loose = f.bitfield;
	switch (kind) {
	case CORE_FIELD_BYTE_OFFSET:
		v->v = f.byte_off;
		v->bytes = f.bitfield ? 0 : (u32)f.bytes;
		v->type_id = f.type_id;
		break;
	case CORE_FIELD_BYTE_SIZE:
		v->v = f.bytes;
		break;
	case CORE_FIELD_SIGNED:
		v->v = is_signed(btf_type(p->btf, f.type_id));
		v->loose = false;
		break;
	case CORE_FIELD_LSHIFT:
		v->v = left_shift(&f);
		v->loose = true;
		break;
	case CORE_FIELD_RSHIFT:
		v->v = 64 - f.bits;
		v->loose = false;
		break;
	}
	if ((kind == CORE_FIELD_LSHIFT || kind == CORE_FIELD_RSHIFT) && v->v > 64)
		v->bad = "asks for shifts of more than 8 bytes";
}

static void enum_value(const struct core_path *p, struct value *v)
{
	v->v = core_enum_value(btf_type(p->btf, p->steps[0].type_id), p->steps[0].idx);
}

/* P NULL: what the target lacks. */
static struct value value_of(const struct core_path *p, u32 kind)
{
	struct value v = { 0 };

	switch (kind) {
	case CORE_FIELD_EXISTS:
	case CORE_ENUMVAL_EXISTS:
	case CORE_TYPE_EXISTS:
	case CORE_TYPE_MATCHES:
		v.v = !!p;
		break;
	case CORE_TYPE_ID_LOCAL:
	case CORE_TYPE_ID_TARGET:
		v.v = p ? p->root : 0;
		v.loose = true;
		break;
	case CORE_TYPE_SIZE:
		v.v = p ? btf_bytes(p->btf, p->root) : 0;
		break;
	case CORE_ENUMVAL_VALUE:
		v.none = !p;
		if (p)
			enum_value(p, &v);
		break;
	default:
		v.none = !p;
		if (p && p->steps[p->n - 1].name)
			member_value(p, kind, &v);
		else if (p)
			elem_value(p, kind, &v);
	}
	return v;
}

/* ---- one relocation --------------------------------------------------------------- */

struct job {
	struct core *c;
	const struct btf_core_relo *relo;
	struct core_path local, path, best;
	struct value local_value, value;	/* value: of best */
	u32 found;			/* candidates that have the path */
	u32 seen;			/* candidates of a kind that fits */
	u32 best_module;
	u32 near, near_module;		/* one that has not; 0 none */
	struct core_path near_path;	/* as far as it goes there */
	const char *where;
	struct skep_err *err;
};

static int bad(struct job *j, const char *what, const char *why)
{
	struct strbuf text = { 0 };
	int r;

	core_describe(&text, j->c->local, j->relo);
	r = err_set(j->err, ERR_CORE, j->where, "CO-RE relocation of %s: %s %s",
		    sb_text(&text), what, why);
	sb_free(&text);
	return r;
}

/* The best one so far and the one at hand. */
static int ambiguous(struct job *j, const struct cand *cand)
{
	struct core *c = j->c;
	const char *what;
	int r;

	if (cand->module == j->best_module)
		what = arena_printf(c->arena, "types %u and %u of", j->best.root, cand->id);
	else
		what = arena_printf(c->arena, "type %u of %s and type %u of", j->best.root,
				    name_of(c, j->best_module), cand->id);
	r = bad(j, what, name_of(c, cand->module));
	err_note(j->err, "both fit and give different values (%llu, %llu)",
		 (unsigned long long)j->value.v,
		 (unsigned long long)value_of(&j->path, j->relo->kind).v);
	err_help(j->err, "name the wanted one by members that only it has, or by another kind");
	return r;
}

static int take_cand(struct job *j, const struct cand *cand)
{
	struct value v;
	int r = core_path_match(&j->path, &j->local, btf_of(j->c, cand->module), cand->id,
				j->relo->kind);

	if (r < 0)
		return bad(j, "the types", "are too deep or too many to compare");
	if (!r) {
		j->near = cand->id;
		j->near_module = cand->module;
		j->near_path = j->path;
		return 0;
	}
	if (j->c->used && !cand->module)
		j->c->used(j->c->used_arg, &j->path, j->relo->kind);
	v = value_of(&j->path, j->relo->kind);
	if (v.bad)
		return bad(j, "in the target it", v.bad);
	if (j->found && (j->path.bit_off != j->best.bit_off || v.v != j->value.v ||
			 v.none != j->value.none))
		return ambiguous(j, cand);
	if (!j->found++) {
		j->best = j->path;
		j->best_module = cand->module;
		j->value = v;
	}
	return 0;
}

static int take_list(struct job *j, u32 wanted, u32 which)
{
	const struct core *c = j->c;
	const struct btf_type *t = btf_type(c->local, j->relo->type_id);
	int r = 0;

	for (u32 k = c->wanted[wanted].lists[which].first; k && !r; k = c->cands[k - 1].next) {
		const struct cand *cand = &c->cands[k - 1];

		if (!core_kinds_fit(t, btf_type(btf_of(c, cand->module), cand->id)))
			continue;
		j->seen++;
		r = take_cand(j, cand);
	}
	return r;
}

static int take_all(struct job *j)
{
	const char *name = btf_type_name(j->c->local, j->relo->type_id);
	u32 i = 0;
	int r;

	if (!*name)
		return bad(j, "a type", "without a name cannot be found elsewhere");
	/* core_want has seen the name */
	strtab_get(&j->c->names, essential(j->c, name), &i);
	r = take_list(j, i, IN_TARGET);
	/* a type of the kernel itself hides those of modules, also when it lacks the field */
	if (!r && !j->seen)
		r = find_in_modules(j->c, j->err);
	if (!r && !j->seen)
		r = take_list(j, i, IN_MODULES);
	if (!r && !j->found)
		j->value = value_of(NULL, j->relo->kind);
	return r;
}

/* A load may follow the field's width when no sign has to be extended. */
static bool may_resize(const struct job *j)
{
	const struct btf_type *a = btf_type(j->local.btf, btf_skip_mods(j->local.btf,
							 j->local_value.type_id));
	const struct btf_type *b = btf_type(j->best.btf, btf_skip_mods(j->best.btf,
							 j->value.type_id));

	if (btf_kind(a) == BTF_KIND_PTR && btf_kind(b) == BTF_KIND_PTR)
		return true;
	return btf_kind(a) == BTF_KIND_INT && btf_kind(b) == BTF_KIND_INT &&
	       !is_signed(a) && !is_signed(b);
}

/* ---- why not -------------------------------------------------------------------------- */

enum { MEMBERS_MAX = 512 };	/* looked at for the nearest name */

struct members { const char *names[MEMBERS_MAX]; u32 n; };

static void list_members(struct members *list, const struct btf *btf, u32 id, u32 depth)
{
	const struct btf_type *t = btf_type(btf, btf_skip_mods(btf, id));

	for (u32 i = 0; btf_is_composite(t) && i < btf_vlen(t) && list->n < MEMBERS_MAX; i++) {
		struct btf_member_info m = btf_member(btf, t, i);

		if (*m.name)
			list->names[list->n++] = m.name;
		else if (depth < 4)
			list_members(list, btf, m.type_id, depth + 1);
	}
}

/* NAME with other underscores around it, else the nearest in spelling. */
static const char *nearest(const struct members *list, const char *name)
{
	for (u32 i = 0; i < list->n; i++) {
		const char *s = list->names[i] + strspn(list->names[i], "_");

		if (*s && !strcmp(s, name + strspn(name, "_")))
			return list->names[i];
	}
	return err_nearest(name, list->names, list->n);
}

/* The type that P has reached. */
static u32 reached(const struct core_path *p)
{
	const struct core_step *s = &p->steps[p->n - 1];

	if (!p->n || !s->name)
		return p->n ? s->type_id : p->root;
	return btf_member(p->btf, btf_type(p->btf, s->type_id), s->idx).type_id;
}

static const char *why_no_field(struct job *j)
{
	struct core *c = j->c;
	const char *place = name_of(c, j->near_module);
	const struct core_path *p = &j->near_path;
	const char *name = p->n < j->local.n ? j->local.steps[p->n].name : NULL;
	struct members list = { .n = 0 };
	const char *near;

	if (!name)
		return arena_printf(c->arena, "no such array element in %s", place);
	list_members(&list, p->btf, reached(p), 0);
	near = nearest(&list, name);
	if (near && !strcmp(near, name))
		return arena_printf(c->arena, "'%s' has another kind of type in %s", name,
				    place);
	return arena_printf(c->arena, near ? "no such field in %s; nearest name there is '%s'" :
			    "no such field in %s", place, near);
}

static const char *why_not(struct job *j)
{
	struct core *c = j->c;

	if (!j->near && c->nr_modules)
		return arena_printf(c->arena, "no such type in %s and its %u module%s",
				    c->target_name, c->nr_modules,
				    c->nr_modules == 1 ? "" : "s");
	if (!j->near)
		return arena_printf(c->arena, "no such type in %s", c->target_name);
	if (core_is_field(j->relo->kind))
		return why_no_field(j);
	return arena_printf(c->arena, "no such enumerator in %s",
			    name_of(c, j->near_module));
}

/* ---- resolving --------------------------------------------------------------------------- */

static int resolve(struct job *j, struct core_result *res)
{
	const char *why;
	int r = 0;

	if (j->relo->kind >= NR_CORE_KINDS)
		return err_set(j->err, ERR_CORE, j->where,
			       "CO-RE relocation of kind %u; 0..%d are known",
			       j->relo->kind, NR_CORE_KINDS - 1);
	if (!core_path_parse(&j->local, j->c->local, j->relo, &why))
		return bad(j, "its access string", why);
	j->local_value = value_of(&j->local, j->relo->kind);
	if (j->local_value.bad)
		return bad(j, "it", j->local_value.bad);
	if (j->relo->kind == CORE_TYPE_ID_LOCAL || j->c->local == j->c->target)
		j->value = j->local_value;
	else
		r = take_all(j);
	if (r)
		return r;
	*res = (struct core_result){
		.local = j->local_value.v, .target = j->value.v, .poison = j->value.none,
		.check = !j->local_value.loose,
		.local_bytes = j->local_value.bytes, .target_bytes = j->value.bytes,
		.resize = j->found && j->value.bytes && may_resize(j),
		.reason = j->value.none ? why_not(j) : NULL,
	};
	return 0;
}

/* The place of RELO in the memo: its own, or a free one. */
static struct memo *memo_at(struct core *c, const struct btf_core_relo *relo)
{
	u64 h = (uintptr_t)relo->access * 0x9e3779b97f4a7c15ull +
		(relo->type_id * 16ull + relo->kind) * 0xbf58476d1ce4e5b9ull;

	for (u32 i = (u32)(h >> 32);; i++) {
		struct memo *m = &c->memos[i & c->memo_mask];

		if (!m->access || (m->access == relo->access && m->type_id == relo->type_id &&
				   m->kind == relo->kind))
			return m;
	}
}

int core_resolve(struct core *c, const struct btf_core_relo *relo,
		 struct core_result *res, const char *where, struct skep_err *err)
{
	struct memo *m;

	get_ready(c);
	m = memo_at(c, relo);
	if (!m->access) {
		struct job j = { .c = c, .relo = relo, .where = where, .err = err };
		int r = resolve(&j, &m->res);

		if (r)
			return r;
		m->access = relo->access;
		m->type_id = relo->type_id;
		m->kind = relo->kind;
	}
	*res = m->res;
	return 0;
}
