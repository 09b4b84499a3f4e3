/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * locals.c: functions, inlined calls, blocks and variables of an object, copied out
 * of its DWARF. Types are those that dwarf.c makes of it, by their final numbers.
 * Believes nothing: entries are counted against the file's size, nesting is bounded,
 * operations that name no type are left out with their place.
 */
#include "sym/locals.h"
#include "sym/dwarf_priv.h"
#include <unistd.h>

bool locals_in(const struct locals_scope *s, u64 addr)
{
	for (u32 i = 0; i < s->nr_ranges; i++)
		if (addr >= s->ranges[i].low && addr < s->ranges[i].high)
			return true;
	return false;
}

const struct locals_scope *locals_func(const struct locals *l, const char *name)
{
	for (const struct locals_scope *s = l->funcs; s; s = s->next)
		if (!strcmp(s->name, name))
			return s;
	return NULL;
}

const struct locals_scope *locals_scope_at(const struct locals_scope *func, u64 addr)
{
	const struct locals_scope *s = func, *in = func->child;

	while (in) {
		if (locals_in(in, addr)) {
			s = in;
			in = in->child;
		} else {
			in = in->next;
		}
	}
	return s;
}

const struct locals_place *locals_find(const struct locals_var *var, u64 addr)
{
	for (u32 i = 0; i < var->nr_places; i++)
		if (addr >= var->places[i].low && addr < var->places[i].high)
			return &var->places[i];
	return NULL;
}

#ifdef SYM_LIBDW

enum { MAX_SCOPES = 32, MAX_OPS = 256, MAX_PLACES = 4096 };

struct reader {
	struct conv *c;
	struct locals *l;
	struct arena *a;
};

static bool attr(const struct reader *r, Dwarf_Die *die, unsigned name, Dwarf_Attribute *a)
{
	return r->c->dw.dwarf_attr_integrate(die, name, a) != NULL;
}

static u64 number(const struct reader *r, Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute a;
	Dwarf_Word w;

	return attr(r, die, name, &a) && !r->c->dw.dwarf_formudata(&a, &w) ? w : 0;
}

static const char *copy(const struct reader *r, const char *s)
{
	return s ? arena_strdup(r->a, s) : NULL;
}

/* The file that attribute NAME of DIE says by number. */
static const char *file_of(const struct reader *r, Dwarf_Die *die, unsigned name)
{
	Dwarf_Files *files;
	Dwarf_Die unit;
	size_t n;

	if (!r->c->dw.dwarf_diecu(die, &unit, NULL, NULL) ||
	    r->c->dw.dwarf_getsrcfiles(&unit, &files, &n) || number(r, die, name) >= n)
		return NULL;
	return copy(r, r->c->dw.dwarf_filesrc(files, number(r, die, name), NULL, NULL));
}

static u32 type_of(const struct reader *r, Dwarf_Die *die)
{
	u32 id = conv_type(r->c, die);

	return id == DW_NONE || id >= r->l->btf->nr_types ? 0 : id;
}

/* ---- places -------------------------------------------------------------------- */

/* To what a conversion converts; false: to nothing that is known. */
static bool resolve(const struct reader *r, Dwarf_Attribute *a, const Dwarf_Op *from,
		    struct locals_op *to)
{
	Dwarf_Attribute implicit;
	Dwarf_Block block;
	Dwarf_Die die;
	u64 encoding;

	switch (from->atom) {
	case DW_OP_convert:
		if (!from->number) {
			to->a = 8;
			return true;
		}
		if (r->c->dw.dwarf_getlocation_die(a, from, &die))
			return false;
		to->a = number(r, &die, DW_AT_byte_size);
		encoding = number(r, &die, DW_AT_encoding);
		to->b = encoding == DW_ATE_signed || encoding == DW_ATE_signed_char;
		return to->a >= 1 && to->a <= 8;
	case DW_OP_implicit_value:
		(void)implicit;
		if (r->c->dw.dwarf_getlocation_implicit_value(a, from, &block))
			return false;
		to->a = block.length;
		to->block = arena_copy(r->a, block.data, block.length);
		return true;
	default:
		return true;
	}
}

static bool copy_ops(const struct reader *r, Dwarf_Attribute *a, const Dwarf_Op *ops, size_t n,
		     struct locals_place *p)
{
	struct locals_op *to;

	if (!n || n > MAX_OPS)
		return false;
	to = arena_news(r->a, n, struct locals_op);
	for (size_t i = 0; i < n; i++) {
		to[i] = (struct locals_op){ ops[i].atom, ops[i].number, ops[i].number2, NULL };
		if (!resolve(r, a, &ops[i], &to[i]))
			return false;
	}
	p->ops = to;
	p->nr_ops = (u32)n;
	return true;
}

static void read_places(const struct reader *r, Dwarf_Die *die, struct locals_var *v)
{
	VEC(struct locals_place) places = { 0 };
	Dwarf_Addr base, low, high;
	Dwarf_Attribute a;
	Dwarf_Op *ops;
	ptrdiff_t at = 0;
	size_t n;

	if (!attr(r, die, DW_AT_location, &a))
		return;
	while (places.n < MAX_PLACES &&
	       (at = r->c->dw.dwarf_getlocations(&a, at, &base, &low, &high, &ops, &n)) > 0) {
		struct locals_place p = { .low = low, .high = high };

		if (low < high && copy_ops(r, &a, ops, n, &p))
			*vec_push(&places) = p;
	}
	v->nr_places = (u32)places.n;
	v->places = places.n ? arena_copy(r->a, places.v, places.n * sizeof(*places.v)) : NULL;
	vec_free(&places);
}

static void read_var(const struct reader *r, Dwarf_Die *die, struct locals_var *v)
{
	Dwarf_Attribute a, origin;
	Dwarf_Die from = *die;
	int line = 0;

	*v = (struct locals_var){ .name = copy(r, r->c->dw.dwarf_diename(die)),
		.param = r->c->dw.dwarf_tag(die) == DW_TAG_formal_parameter };
	/* what is inlined says its type where it is written */
	if (r->c->dw.dwarf_attr(die, DW_AT_abstract_origin, &origin))
		r->c->dw.dwarf_formref_die(&origin, &from);
	v->type = type_of(r, &from);
	if (!r->c->dw.dwarf_decl_line(&from, &line))
		v->line = (u32)line;
	if (attr(r, die, DW_AT_const_value, &a)) {
		Dwarf_Word w;

		v->fixed = !r->c->dw.dwarf_formudata(&a, &w);
		v->value = v->fixed ? w : 0;
	} else {
		read_places(r, die, v);
	}
}

/* ---- scopes -------------------------------------------------------------------- */

static void read_ranges(const struct reader *r, Dwarf_Die *die, struct locals_scope *s)
{
	VEC(struct locals_range) ranges = { 0 };
	Dwarf_Addr base, low, high;
	ptrdiff_t at = 0;

	while (ranges.n < MAX_PLACES &&
	       (at = r->c->dw.dwarf_ranges(die, at, &base, &low, &high)) > 0)
		if (low < high)
			*vec_push(&ranges) = (struct locals_range){ low, high };
	s->nr_ranges = (u32)ranges.n;
	s->ranges = ranges.n ? arena_copy(r->a, ranges.v, ranges.n * sizeof(*ranges.v)) : NULL;
	vec_free(&ranges);
}

static bool is_var(int tag) { return tag == DW_TAG_variable || tag == DW_TAG_formal_parameter; }

static bool is_scope(int tag)
{
	return tag == DW_TAG_lexical_block || tag == DW_TAG_inlined_subroutine;
}

static struct locals_scope *read_scope(const struct reader *r, Dwarf_Die *die,
				       struct locals_scope *parent, unsigned depth);

static void read_inside(const struct reader *r, Dwarf_Die *die, struct locals_scope *s,
			unsigned depth)
{
	VEC(struct locals_var) vars = { 0 };
	struct locals_scope **last = &s->child;
	Dwarf_Die in;

	for (bool more = conv_child(r->c, die, &in); more; more = conv_sibling(r->c, &in)) {
		int tag = r->c->dw.dwarf_tag(&in);

		if (is_var(tag)) {
			read_var(r, &in, vec_push(&vars));
			if (!vars.v[vars.n - 1].name)
				vars.n--;
		} else if (is_scope(tag) && depth < MAX_SCOPES) {
			*last = read_scope(r, &in, s, depth + 1);
			last = &(*last)->next;
		}
	}
	s->nr_vars = (u32)vars.n;
	s->vars = vars.n ? arena_copy(r->a, vars.v, vars.n * sizeof(*vars.v)) : NULL;
	vec_free(&vars);
}

static struct locals_scope *read_scope(const struct reader *r, Dwarf_Die *die,
				       struct locals_scope *parent, unsigned depth)
{
	struct locals_scope *s = arena_new(r->a, struct locals_scope);
	int tag = r->c->dw.dwarf_tag(die), line = 0;
	Dwarf_Attribute origin;
	Dwarf_Die from = *die;

	s->parent = parent;
	s->kind = tag == DW_TAG_subprogram ? LOCALS_FUNC :
		  tag == DW_TAG_inlined_subroutine ? LOCALS_INLINED : LOCALS_BLOCK;
	if (s->kind != LOCALS_BLOCK) {
		const char *name = r->c->dw.dwarf_diename(die);

		if (r->c->dw.dwarf_attr(die, DW_AT_abstract_origin, &origin))
			r->c->dw.dwarf_formref_die(&origin, &from);
		s->name = name ? copy(r, name) : "?";
		s->file = file_of(r, &from, DW_AT_decl_file);
		s->line = r->c->dw.dwarf_decl_line(&from, &line) ? 0 : (u32)line;
	}
	if (s->kind == LOCALS_INLINED) {
		s->call_file = file_of(r, die, DW_AT_call_file);
		s->call_line = (u32)number(r, die, DW_AT_call_line);
	}
	read_ranges(r, die, s);
	read_inside(r, die, s, depth);
	return s;
}

static void read_unit(const struct reader *r, Dwarf_Die *unit, struct locals_scope ***last)
{
	Dwarf_Die in;

	for (bool more = conv_child(r->c, unit, &in); more; more = conv_sibling(r->c, &in)) {
		struct locals_scope *s;

		if (r->c->dw.dwarf_tag(&in) != DW_TAG_subprogram)
			continue;
		s = read_scope(r, &in, NULL, 0);
		if (!s->nr_ranges)
			continue;	/* declared, or inlined everywhere */
		**last = s;
		*last = &s->next;
	}
}

static int read_all(struct conv *c, const struct btf *btf, Dwarf *dwarf, void *arg)
{
	struct locals *l = arg;
	const struct reader r = { c, l, &l->arena };
	struct locals_scope **last = &l->funcs;
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit, split;
	uint8_t type;
	u32 bytes;
	void *raw = btf_raw(btf, &bytes);
	int ret = btf_parse(&l->btf, &l->arena, raw, bytes, c->name, c->err);

	free(raw);
	if (ret)
		return ret;
	l->btf->addr_bytes = 8;
	while (!c->dw.dwarf_get_units(dwarf, cu, &cu, NULL, &type, &unit, &split))
		if (c->dw.dwarf_tag(&unit) == DW_TAG_compile_unit)
			read_unit(&r, &unit, &last);
	return 0;
}

/* libdw opens files: the bytes get a name for as long as it reads. */
static int with_path(struct conv *c, struct strbuf *raw, const void *data, size_t bytes,
		     struct locals *l)
{
	int fd = os_temp_open(), ret;
	char path[64];

	if (fd < 0 || write(fd, data, bytes) != (ssize_t)bytes) {
		if (fd >= 0)
			close(fd);
		return err_set(c->err, ERR_DWARF, c->name, "no memory for a copy");
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	c->path = path;
	ret = conv_run(c, raw, read_all, l);
	close(fd);
	return ret;
}

int locals_open(struct locals **out, const void *data, size_t bytes, const char *name,
		struct skep_err *err)
{
	struct locals *l = mem_alloc(sizeof(*l));
	struct dwarf_report rep = { 0 };
	struct conv c = { .name = name, .rep = &rep, .err = err };
	struct strbuf raw = { 0 };
	int ret = with_path(&c, &raw, data, bytes, l);

	sb_free(&raw);
	*out = l;
	if (!ret)
		return 0;
	locals_free(l);
	*out = NULL;
	return ret;
}

#else

int locals_open(struct locals **out, const void *data, size_t bytes, const char *name,
		struct skep_err *err)
{
	*out = NULL;
	return err_set(err, ERR_NO_LIB, name, "this skep was built without libdw, which reads "
		       "DWARF");
}

#endif

void locals_free(struct locals *l)
{
	if (l)
		arena_free(&l->arena);
	free(l);
}
