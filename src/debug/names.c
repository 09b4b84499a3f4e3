/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * names.c: what the names of expressions stand for in a stopped program: locals by
 * DWARF, globals and maps by the object, registers; and its memory.
 */
#include "debug/debug.h"
#include "debug/locate.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* What a struct value_env's arg is. */
struct scope { struct debug *d; const struct dbg_frame *f; };

/* ---- memory ------------------------------------------------------------------ */

/* The context's field that has BYTES at ADDR, as the program sees it; of pointers into
 * the packet all 8 bytes. */
static bool load_ctx(struct debug *d, u64 addr, u32 bytes, u64 *v)
{
	const struct run *run = replay_run(d->s);
	const struct ctx_desc *c = ctx_desc(d->img->progs[replay_prog(d->s)->index].type);
	u64 off = addr - (u64)(uintptr_t)run;
	const struct ctx_field *f;

	if (!run || !c || off >= c->size)
		return false;
	f = ctx_field(c, off, bytes);
	if (!f || !(f->flags & CTX_READ) || !(f->flags & CTX_PKT))
		return false;
	*v = 0;
	memcpy(v, (const u8 *)run + f->view_off, f->view_size);
	return true;
}

static bool read_mem(void *arg, u64 addr, void *to, u64 bytes)
{
	struct debug *d = ((struct scope *)arg)->d;

	d->asked_program = true;
	return d->s && !replay_read(d->s, addr, to, bytes);
}

static bool load_mem(void *arg, u64 addr, u32 bytes, u64 *v)
{
	struct debug *d = ((struct scope *)arg)->d;

	d->asked_program = true;
	if (!d->s)
		return false;
	if (!replay_ended(d->s) && load_ctx(d, addr, bytes, v))
		return true;
	*v = 0;
	return !replay_read(d->s, addr, v, bytes);
}

static const char *map_name_of(const struct debug *d, const struct vm_where *w, u64 addr)
{
	struct backend *b = d->obj ? d->obj->backend : NULL;

	for (u32 i = 0; b && b->ops->map_mem && i < d->img->nr_maps; i++) {
		size_t bytes;
		const u8 *mem = b->ops->map_mem(b, d->obj->maps[i].index, &bytes);

		if (mem && addr - (u64)(uintptr_t)mem < bytes)
			return d->img->maps[i].name;
	}
	return NULL;
}

void dbg_where(struct debug *d, u64 addr, struct strbuf *out)
{
	static const char *const names[] = { [VM_CTX] = "ctx", [VM_STACK] = "stack",
		[VM_PACKET] = "packet", [VM_PACKET_META] = "packet_meta", [VM_MAP] = "map value",
		[VM_KEY] = "map key", [VM_LENT] = "lent", [VM_HELD] = "object" };
	const struct run *run;
	struct vm_machine *m;
	struct vm_where w;
	const char *name;

	if (!d->s || d->at || !(m = replay_live(d->s)))
		return;
	run = replay_run(d->s);
	w = vm_where(m, addr);
	if (w.kind == VM_NOWHERE) {
		w = vm_where(m, addr - 1);
		if (w.kind == VM_STACK)
			sb_printf(out, "frame %u r10", w.frame);
		else if (run && run->pkt.data && addr == (u64)(uintptr_t)run->pkt.data_end)
			sb_puts(out, "packet end");
		return;
	}
	name = w.kind == VM_LENT ? w.region->name : w.kind == VM_MAP ? map_name_of(d, &w, addr) :
		NULL;
	name = name ? name : names[w.kind];
	/* the lowest byte of a frame is where the next one's r10 points */
	if (w.kind == VM_STACK && addr == w.start)
		sb_printf(out, "frame %u r10", w.frame + 1);
	else if (w.kind == VM_STACK)
		sb_printf(out, "frame %u r10-%" PRIu64, w.frame, w.start + w.bytes - addr);
	else if (addr == w.start)
		sb_puts(out, name);
	else
		sb_printf(out, "%s+%" PRIu64, name, addr - w.start);
}

static void show_where(void *arg, u64 addr, struct strbuf *out)
{
	dbg_where(((struct scope *)arg)->d, addr, out);
}

/* ---- locals ------------------------------------------------------------------- */

static u32 stack_of(const struct dbg_frame *f)
{
	const struct image_func *in = image_func(f->prog, f->insn);
	u32 end = f->prog->nr_insns;

	for (u32 i = 0; i < f->prog->nr_funcs; i++)
		if (f->prog->funcs[i].insn > in->insn && f->prog->funcs[i].insn < end)
			end = f->prog->funcs[i].insn;
	return locate_stack(f->prog->insns, in->insn, end);
}

struct value dbg_var_value(struct debug *d, const struct dbg_frame *f,
			   const struct locals_var *var)
{
	struct dtype ty = types_of(d->types, TYPES_DWARF, var->type);
	const struct locals_place *p = locals_find(var, f->addr);
	struct scope s = { d, f };
	const struct locate l = { .regs = f->regs, .known = f->known, .stack = stack_of(f),
		.load = load_mem, .arg = &s, .arena = &d->scratch };

	if (var->fixed)
		return value_number(ty, value_extend(d->types, ty, var->value));
	if (!p)
		return value_gone(ty, "optimized out");
	return locate_value(&l, ty, (u32)min_u64(dtype_bytes(d->types, ty), UINT16_MAX), p);
}

u32 dbg_vars(const struct dbg_frame *f, bool params, const struct locals_var **out, u32 max)
{
	const struct locals_scope *s = f->func;
	u32 n = 0;

	if (!s)
		return 0;
	/* from the innermost block of the function to the function itself */
	for (const struct locals_scope *in = s->child; in;) {
		if (in->kind == LOCALS_BLOCK && locals_in(in, f->addr)) {
			s = in;
			in = in->child;
		} else {
			in = in->next;
		}
	}
	for (; s; s = s == f->func ? NULL : s->parent)
		for (u32 i = 0; i < s->nr_vars && n < max; i++)
			if (s->vars[i].param == params)
				out[n++] = &s->vars[i];
	return n;
}

static bool find_local(struct debug *d, const struct dbg_frame *f, const char *name,
		       struct value *out)
{
	const struct locals_var *vars[DBG_PLACES_MAX];
	u32 n = 0;

	if (!f)
		return false;
	for (int params = 0; params < 2; params++) {
		n = dbg_vars(f, params, vars, ARRAY_LEN(vars));
		for (u32 i = 0; i < n; i++)
			if (!strcmp(vars[i]->name, name)) {
				*out = dbg_var_value(d, f, vars[i]);
				return true;
			}
	}
	return false;
}

/* An argument of the real function, as BTF names it: known where the function begins. */
static bool find_argument(struct debug *d, const struct dbg_frame *f, const char *name,
			  struct value *out)
{
	const struct image_func *in = f && !f->func ? image_func(f->prog, f->insn) : NULL;
	const struct btf_type *func, *proto;
	const struct btf_param *p;

	if (!in || !in->type_id || !d->img->btf)
		return false;
	func = btf_type(d->img->btf, in->type_id);
	proto = btf_type(d->img->btf, func->type);
	p = (const struct btf_param *)(proto + 1);
	for (u32 i = 0; btf_kind(proto) == BTF_KIND_FUNC_PROTO && i < btf_vlen(proto) && i < 5;
	     i++) {
		struct dtype ty = types_of(d->types, TYPES_IMAGE, p[i].type);

		if (strcmp(btf_str(d->img->btf, p[i].name_off), name))
			continue;
		*out = f->insn == in->insn && f->known >> (i + 1) & 1 ?
			value_number(ty, value_extend(d->types, ty, f->regs[i + 1])) :
			value_gone(ty, "not known here: the object has no DWARF (-g)");
		return true;
	}
	return false;
}

/* ---- globals -------------------------------------------------------------------- */

/* The bytes of map I, a data section: memory that is there as long as the run, or a copy. */
static bool section_value(struct debug *d, u32 i, u32 off, struct value *v)
{
	const struct image_map *m = &d->img->maps[i];
	struct backend *b = d->obj ? d->obj->backend :
		d->s ? replay_prog(d->s)->obj->backend : NULL;
	const struct skep_object *obj = d->obj ? d->obj : d->s ? replay_prog(d->s)->obj : NULL;
	u8 *copy = arena_alloc(&d->scratch, m->value_size);
	size_t bytes;
	void *mem;

	v->kind = VALUE_BYTES;
	if (d->s)
		replay_live(d->s);
	mem = b && b->ops->map_mem ? b->ops->map_mem(b, obj->maps[i].index, &bytes) : NULL;
	if (mem && d->s && !replay_ended(d->s)) {
		v->kind = VALUE_MEM;
		v->addr = (u64)(uintptr_t)mem + off;
		return true;
	}
	if (mem)
		memcpy(copy, mem, min_u64(bytes, m->value_size));
	else if (!b || b->ops->map_lookup(b, obj->maps[i].index, &(u32){ 0 }, copy, 0))
		memcpy(copy, m->init ? m->init : copy, m->init ? m->value_size : 0);
	v->bytes = copy + off;
	v->nr_bytes = m->value_size - off;
	return true;
}

static const struct btf_var_secinfo *section_var(const struct debug *d, const struct image_map *m,
						 u32 i)
{
	const struct btf_type *sec;

	if (m->kind == IMAGE_MAP_USER || !d->img->btf || !m->value_type)
		return NULL;
	sec = btf_type(d->img->btf, m->value_type);
	if (btf_kind(sec) != BTF_KIND_DATASEC || i >= btf_vlen(sec))
		return NULL;
	return (const struct btf_var_secinfo *)(sec + 1) + i;
}

/* Variable AT of map M as a value. */
static bool variable(struct debug *d, u32 m, const struct btf_var_secinfo *at,
		     const char **name, struct value *out)
{
	const struct btf_type *var = btf_type(d->img->btf, at->type);

	*name = btf_str(d->img->btf, var->name_off);
	if (!out)
		return true;
	*out = (struct value){ .type = types_of(d->types, TYPES_IMAGE, var->type) };
	return at->offset < d->img->maps[m].value_size && section_value(d, m, at->offset, out);
}

bool dbg_global(struct debug *d, u32 i, const char **name, struct value *out)
{
	const struct btf_var_secinfo *at;

	for (u32 m = 0; m < d->img->nr_maps; m++)
		for (u32 k = 0; (at = section_var(d, &d->img->maps[m], k)); k++)
			if (!i--)
				return variable(d, m, at, name, out);
	return false;
}

static bool find_global(struct debug *d, const char *name, struct value *out)
{
	const struct btf_var_secinfo *at;
	const char *is;

	for (u32 m = 0; m < d->img->nr_maps; m++)
		for (u32 k = 0; (at = section_var(d, &d->img->maps[m], k)); k++)
			if (variable(d, m, at, &is, NULL) && !strcmp(is, name))
				return variable(d, m, at, &is, out);
	return false;
}

/* ---- maps ------------------------------------------------------------------------ */

static const struct skep_object *loaded(const struct debug *d)
{
	return d->obj ? d->obj : d->s ? replay_prog(d->s)->obj : NULL;
}

/* Of keys and values without BTF: numbers, or bytes. */
static struct dtype part_type(const struct debug *d, u32 btf_type_id, u32 bytes, u32 *repeat)
{
	*repeat = 0;
	if (d->img->btf && btf_type_id)
		return types_of(d->types, TYPES_IMAGE, btf_type_id);
	switch (bytes) {
	case 1:
		return types_basic(d->types, BASIC_UCHAR);
	case 2:
		return types_basic(d->types, BASIC_USHORT);
	case 4:
		return types_basic(d->types, BASIC_UINT);
	case 8:
		return types_basic(d->types, BASIC_ULONG);
	default:
		*repeat = bytes;
		return types_basic(d->types, BASIC_UCHAR);
	}
}

static struct value key_value(const struct debug *d, u32 map, const u8 *key)
{
	const struct image_map *m = &d->img->maps[map];
	struct value v = { .kind = VALUE_BYTES, .bytes = key, .nr_bytes = m->key_size };

	v.type = part_type(d, m->key_type, m->key_size, &v.repeat);
	return v;
}

/* The value of an element; of per-cpu maps one for each cpu, in a row. */
static struct value element_value(struct debug *d, u32 map, const struct map_info *info,
				  const u8 *bytes)
{
	const struct image_map *m = &d->img->maps[map];
	struct value v = { .kind = VALUE_BYTES, .bytes = bytes, .nr_bytes = m->value_size };
	u8 *row;

	v.type = part_type(d, m->value_type, m->value_size, &v.repeat);
	if (!info->row->percpu)
		return v;
	row = arena_alloc(&d->scratch, (size_t)m->value_size * info->cpus);
	for (u32 i = 0; i < info->cpus; i++)
		memcpy(row + (size_t)i * m->value_size, bytes + (size_t)i * info->value_stride,
		       m->value_size);
	v.bytes = row;
	v.nr_bytes = m->value_size * info->cpus;
	v.repeat = v.repeat ? v.repeat * info->cpus : info->cpus;
	return v;
}

int dbg_map_each(struct debug *d, u32 map, dbg_element_fn *fn, void *arg)
{
	const struct skep_object *obj = loaded(d);
	const struct image_map *m = &d->img->maps[map];
	struct map_info info;
	u8 *key, *value;
	int r;

	if (!obj)
		return -ESRCH;
	if (d->s)
		replay_live(d->s);
	map = obj->maps[map].index;
	obj->backend->ops->map_info(obj->backend, map, &info);
	key = arena_alloc(&d->scratch, m->key_size + 8u);
	r = obj->backend->ops->map_next_key(obj->backend, map, NULL, key);
	while (!r) {
		u8 *next = arena_alloc(&d->scratch, m->key_size + 8u);
		struct value k = key_value(d, map, key), v;

		value = arena_alloc(&d->scratch, info.value_bytes + 8);
		if (!obj->backend->ops->map_lookup(obj->backend, map, key, value, 0)) {
			v = element_value(d, map, &info, value);
			if (!fn(arg, &k, &v))
				return 0;
		}
		r = obj->backend->ops->map_next_key(obj->backend, map, key, next);
		key = next;
	}
	return r == -ENOENT ? 0 : r;
}

/* V, a number or a struct, as a key of MAP. */
static int key_bytes(const struct value_env *env, const struct image_map *m,
		     const struct value *v, u8 *key, struct skep_err *err)
{
	bool compound = v->kind != VALUE_NUMBER && (v->repeat ||
		dtype_is_record(env->types, v->type) ||
		dtype_kind(env->types, v->type) == BTF_KIND_ARRAY);
	struct value n;
	int r;

	if (compound) {
		if (value_copy(env, v, key, m->key_size) == m->key_size)
			return 0;
		return err_set(err, ERR_DEBUG_EXPR, NULL, "keys of '%s' have %u bytes", m->name,
			       m->key_size);
	}
	r = value_load(env, v, &n, err);
	if (r)
		return r;
	if (m->key_size > 8)
		return err_set(err, ERR_DEBUG_EXPR, NULL, "keys of '%s' have %u bytes, a number "
			       "has 8: *(struct TYPE *)ADDRESS or a variable is wanted", m->name,
			       m->key_size);
	memcpy(key, &n.number, m->key_size);
	return 0;
}

static bool key_type(void *arg, const struct value *map, struct dtype *out)
{
	const struct scope *s = arg;
	const struct image_map *m = &s->d->img->maps[map->map];

	*out = types_of(s->d->types, TYPES_IMAGE, m->key_type);
	return m->key_type;
}

static int element(void *arg, const struct value *map, const struct value *key,
		   struct value *out, struct skep_err *err)
{
	struct scope *s = arg;
	struct debug *d = s->d;
	const struct skep_object *obj = loaded(d);
	const struct image_map *m = &d->img->maps[map->map];
	struct value_env env = dbg_env(d, s->f);
	struct map_info info;
	u8 *k, *v;
	int r;

	if (!obj)
		return err_set(err, ERR_DEBUG_STATE, NULL, "The program is not being run.");
	if (d->s && !d->at)
		replay_live(d->s);
	k = arena_alloc(&d->scratch, m->key_size + 8u);
	r = key_bytes(&env, m, key, k, err);
	if (r)
		return r;
	obj->backend->ops->map_info(obj->backend, obj->maps[map->map].index, &info);
	v = arena_alloc(&d->scratch, info.value_bytes + 8);
	r = obj->backend->ops->map_lookup(obj->backend, obj->maps[map->map].index, k, v, 0);
	if (r)
		return err_set(err, ERR_DEBUG_GONE, NULL,
			       r == -ENOENT ? "map '%s' has no such key" :
			       "elements of map '%s' cannot be looked up", m->name);
	*out = element_value(d, map->map, &info, v);
	return 0;
}

struct show_map {
	struct debug *d;
	struct value_env env;
	struct strbuf *out;
	u32 map, n;
};

/* The key of a trie of IP addresses: "10.1.0.0/16"; false: it is another one. */
static bool put_prefix(struct show_map *s, const struct value *key)
{
	const struct image_map *m = &s->d->img->maps[s->map];
	char text[INET6_ADDRSTRLEN];
	u8 raw[20];
	u32 bits;

	if (m->type != BPF_MAP_TYPE_LPM_TRIE || (m->key_size != 8 && m->key_size != 20) ||
	    s->d->show.format || value_copy(&s->env, key, raw, m->key_size) != m->key_size)
		return false;
	memcpy(&bits, raw, sizeof(bits));
	inet_ntop(m->key_size == 8 ? AF_INET : AF_INET6, raw + sizeof(bits), text, sizeof(text));
	sb_printf(s->out, "%s/%u", text, bits);
	return true;
}

/* What a slot of a prog array has: a program by name; false: it is none of the object's. */
static bool put_prog(struct show_map *s, const struct value *value)
{
	const struct skep_object *obj = loaded(s->d);
	struct skep_err err;
	struct value n;

	if (s->d->img->maps[s->map].type != BPF_MAP_TYPE_PROG_ARRAY ||
	    value_load(&s->env, value, &n, &err))
		return false;
	for (u32 i = 0; i < s->d->img->nr_progs; i++)
		if (obj->progs[i].loaded == (s64)(u32)n.number) {
			sb_puts(s->out, s->d->img->progs[i].name);
			return true;
		}
	return false;
}

static bool show_element(void *arg, const struct value *key, const struct value *value)
{
	struct show_map *s = arg;
	const struct show_opts o = { .format = s->d->show.format };

	if (s->n++)
		sb_puts(s->out, ", ");
	if (s->n > 200) {
		sb_puts(s->out, "...");
		return false;
	}
	sb_putc(s->out, '[');
	if (!put_prefix(s, key))
		value_show(s->out, &s->env, key, &o);
	sb_puts(s->out, "] = ");
	if (!put_prog(s, value))
		value_show(s->out, &s->env, value, &o);
	return true;
}

static void show_map(void *arg, u32 map, struct strbuf *out)
{
	struct scope *sc = arg;
	struct show_map s = { sc->d, dbg_env(sc->d, sc->f), out, map, 0 };
	const struct maptype_row *row = maptype_row(sc->d->img->maps[map].type);
	int r;

	sb_printf(out, "%s {", row ? row->name : "map");
	r = dbg_map_each(sc->d, map, show_element, &s);
	sb_puts(out, r == -ESRCH ? "<not being run>}" : r ? "<no elements to look up>}" : "}");
}

/* ---- names ------------------------------------------------------------------------ */

static bool find_register(const struct debug *d, const struct dbg_frame *f, const char *name,
			  struct value *out)
{
	struct dtype ty = types_basic(d->types, BASIC_ULONG);
	int reg = !strcmp(name, "sp") || !strcmp(name, "fp") ? 10 : -1;

	if (name[0] == 'r' && isdigit((u8)name[1]) && atoi(name + 1) <= 10 && strlen(name) <= 3)
		reg = atoi(name + 1);
	if (!f || (reg < 0 && strcmp(name, "pc")))
		return false;
	if (reg < 0)
		*out = value_number(ty, f->insn);
	else if (f->known >> reg & 1)
		*out = value_number(ty, f->regs[reg]);
	else
		*out = value_gone(ty, "not saved");
	return true;
}

/* $, $$, $N */
static bool find_history(const struct debug *d, const char *name, struct value *out)
{
	size_t n = d->history.n, back = strspn(name, "$"), at;

	if (name[back] && !isdigit((u8)name[back]))
		return false;
	if (isdigit((u8)name[0]))
		at = (size_t)atol(name);
	else
		at = name[back] ? n - (size_t)atol(name + back) : n - back;
	if (!at || at > n)
		return false;
	*out = d->history.v[at - 1];
	return true;
}

static bool find_special(const struct debug *d, const char *name, struct value *out)
{
	struct dtype ty = types_basic(d->types, BASIC_ULONG);

	/* conditions may ask before it runs */
	if (!strcmp(name, "_time"))
		*out = value_number(ty, !d->s ? 0 : d->at ? d->at_time : replay_time(d->s));
	else if (!strcmp(name, "_packet"))
		*out = value_number(ty, d->input);
	else if (!strcmp(name, "_exitcode") && d->s && replay_ended(d->s))
		*out = value_number(types_basic(d->types, BASIC_INT),
				    (u64)(s64)(s32)replay_result(d->s)->retval);
	else
		return false;
	return true;
}

static int find_dollar(const struct debug *d, const struct dbg_frame *f, const char *name,
		       struct value *out)
{
	if (find_register(d, f, name, out) || find_history(d, name, out) ||
	    find_special(d, name, out))
		return 0;
	for (size_t i = 0; i < d->vars.n; i++)
		if (!strcmp(d->vars.v[i].name, name)) {
			*out = d->vars.v[i].value;
			return 0;
		}
	return 1;
}

/* A function stands for its first instruction, as x/i and break *INSN count. */
static int find_function(const struct debug *d, const char *name, struct value *out)
{
	const struct image_prog *p = &d->img->progs[d->setup->prog];

	for (u32 i = 0; i < p->nr_funcs; i++)
		if (!strcmp(p->funcs[i].name, name)) {
			*out = value_number(types_basic(d->types, BASIC_ULONG), p->funcs[i].insn);
			return 0;
		}
	return 1;
}

static int find_name(void *arg, const char *name, bool dollar, struct value *out,
		     struct skep_err *err)
{
	struct scope *s = arg;
	int map;

	if (dollar)
		return find_dollar(s->d, s->f, name, out);
	if (find_local(s->d, s->f, name, out) || find_argument(s->d, s->f, name, out) ||
	    find_global(s->d, name, out)) {
		s->d->asked_program = true;
		return 0;
	}
	map = image_map_find(s->d->img, name);
	if (map < 0)
		return find_function(s->d, name, out);
	s->d->asked_program = true;
	*out = (struct value){ .kind = VALUE_MAP, .map = (u32)map };
	return 0;
}

/* A value that stays when the program goes on. */
static struct value kept(struct debug *d, const struct value *v)
{
	struct value k = *v;

	if (v->kind == VALUE_BYTES)
		k.bytes = arena_copy(&d->arena, v->bytes, v->nr_bytes);
	if (v->kind == VALUE_GONE)
		k.gone = arena_strdup(&d->arena, v->gone);
	return k;
}

static int assign(void *arg, const char *name, const struct value *v, struct skep_err *err)
{
	struct debug *d = ((struct scope *)arg)->d;
	struct value old;

	if (find_register(d, ((struct scope *)arg)->f, name, &old))
		return err_set(err, ERR_DEBUG_CHANGE, NULL, "registers cannot be changed: runs "
			       "could not be had again");
	for (size_t i = 0; i < d->vars.n; i++)
		if (!strcmp(d->vars.v[i].name, name)) {
			d->vars.v[i].value = kept(d, v);
			return 0;
		}
	*vec_push(&d->vars) = (struct dbg_var){ mem_strdup(name), kept(d, v) };
	return 0;
}

struct value_env dbg_env(struct debug *d, const struct dbg_frame *frame)
{
	struct scope *s = arena_new(&d->scratch, struct scope);

	*s = (struct scope){ d, frame };
	return (struct value_env){ .types = d->types, .arena = &d->scratch, .arg = s,
		.load = load_mem, .read = read_mem, .name = find_name, .element = element,
		.key_type = key_type,
		.assign = assign, .where = show_where, .show_map = show_map };
}

struct value_env dbg_env_here(struct debug *d)
{
	return dbg_env(d, dbg_frames(d) ? &d->frames[d->selected] : NULL);
}
