/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map_show.c: the contents of maps as people and tools read them: keys and
 * values typed by BTF, per-cpu values summed (text, where they are numbers and
 * nothing else: map_sum.c) or one by one (JSON).
 */
#include "cli/run.h"
#include <stdlib.h>

enum {
	SHOW_MAX = 16,		/* elements of a map in text; the rest is counted */
	ZEROES_MAX = 64,	/* entries of an array that JSON has with its zeroes */
	SORT_MAX = 1 << 16,	/* elements of a map in order of their keys */
	LINE_COLUMNS = 76,
};

struct show {
	struct skep_object *obj;
	const struct image_map *def;
	struct map_info info;
	u32 index;
	unsigned key_flags;	/* BTF_SHOW_* */
	struct btf_show_as as;	/* which names are addresses */
	const struct str_list *net;
	bool net_key;		/* the whole key is one */
	u8 *key, *next, *value;
	u8 *sorted;		/* keys in order, for maps without an order */
	u64 nr_sorted, at;
	bool sparse;		/* elements of nothing but zeroes are left out */
	u64 run_end;		/* of the touched elements from AT on */
	bool by_cpu;		/* values have no sum: text shows those of each cpu */
};

/* Maps that are shown at all. */
static bool is_shown(const struct image_map *m)
{
	return m->kind != IMAGE_MAP_RODATA && m->type != BPF_MAP_TYPE_PROG_ARRAY &&
	       m->type != BPF_MAP_TYPE_RINGBUF && m->type != BPF_MAP_TYPE_USER_RINGBUF &&
	       m->type != BPF_MAP_TYPE_PERF_EVENT_ARRAY;
}

static bool holds_maps(u32 type)
{
	return type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

/* Queues, stacks and bloom filters. */
static bool is_keyless(const struct show *s) { return !s->info.key_size; }

/* Has it so many entries that zeroes are left out? Their number tells as much. */
static bool is_array_above(const struct show *s, u32 entries)
{
	return s->info.max_entries > entries &&
	       (s->def->type == BPF_MAP_TYPE_ARRAY ||
		s->def->type == BPF_MAP_TYPE_PERCPU_ARRAY);
}

static bool is_in(const struct str_list *names, const char *name)
{
	for (size_t i = 0; names && i < names->n; i++)
		if (!strcmp(names->v[i], name))
			return true;
	return false;
}

static bool is_address_size(u32 bytes) { return bytes == 4 || bytes == 6 || bytes == 16; }

/* Map NUMBER of the engine, which is as DEF says. */
static bool show_open_as(struct show *s, struct skep_object *obj, const struct image_map *def,
			 u32 number, const struct str_list *net)
{
	struct backend *b = obj->backend;

	*s = (struct show){ .obj = obj, .def = def, .index = number };
	if (net)
		s->as = (struct btf_show_as){ .names = net->v, .nr = net->n };
	if (!is_shown(def) || b->ops->map_info(b, number, &s->info))
		return false;
	s->sparse = is_array_above(s, ZEROES_MAX);
	s->key_flags = s->def->type == BPF_MAP_TYPE_LPM_TRIE ? BTF_SHOW_NET : 0;
	s->net = net;
	s->by_cpu = s->info.row->percpu && s->info.cpus > 1 &&
		    !map_sum_can(obj->img->btf, def->value_type, s->info.value_size);
	s->net_key = is_in(net, s->def->name) && is_address_size(s->info.key_size);
	s->key = mem_alloc(s->info.key_size);
	s->next = mem_alloc(s->info.key_size);
	s->value = mem_alloc(s->info.value_bytes);
	return true;
}

static bool show_open(struct show *s, struct skep_object *obj, u32 i, const struct str_list *net)
{
	return !obj->maps[i].absent && show_open_as(s, obj, &obj->img->maps[i], i, net);
}

static void show_close(struct show *s)
{
	free(s->key);
	free(s->next);
	free(s->value);
	free(s->sorted);
}

/* The next element of an array that may be other than 0. */
static bool touched_next(struct show *s, bool first)
{
	struct backend *b = s->obj->backend;
	u32 key;

	if (first)
		s->at = s->run_end = 0;
	for (;;) {
		if (s->at >= s->run_end &&
		    b->ops->map_touched(b, s->index, &s->at, &s->run_end))
			return false;
		key = (u32)s->at++;
		memcpy(s->key, &key, sizeof(key));
		if (!b->ops->map_lookup(b, s->index, s->key, s->value, 0))
			return true;
	}
}

/* Steps to the next element that can be read; FIRST starts. */
static bool show_next(struct show *s, bool first)
{
	struct backend *b = s->obj->backend;

	if (first)
		s->at = 0;
	if (s->sparse && b->ops->map_touched)
		return touched_next(s, first);
	if (is_keyless(s))
		return b->ops->map_nth && !b->ops->map_nth(b, s->index, s->at++, s->value);

	while (!b->ops->map_next_key(b, s->index, first ? NULL : s->key, s->next)) {
		memcpy(s->key, s->next, s->info.key_size);
		if (!b->ops->map_lookup(b, s->index, s->key, s->value, 0))
			return true;
		first = false;
	}
	return false;
}

/* Integers by value where memory holds the low byte first, else by bytes. */
static int compare_keys(const void *a, const void *b, void *arg)
{
	const struct show *s = arg;
	u64 x = 0, y = 0;

	if (s->info.key_size > 8)
		return memcmp(a, b, s->info.key_size);
	memcpy(&x, a, s->info.key_size);
	memcpy(&y, b, s->info.key_size);
	return x < y ? -1 : x > y;
}

static bool is_hash(u32 type)
{
	return type == BPF_MAP_TYPE_HASH || type == BPF_MAP_TYPE_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_LRU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_HASH_OF_MAPS || type == BPF_MAP_TYPE_DEVMAP_HASH;
}

/* Hash maps have no order of their own; people want one. */
static void sort_keys(struct show *s)
{
	struct backend *b = s->obj->backend;
	u32 size = s->info.key_size;
	u8 *last = NULL;

	if (!is_hash(s->def->type) || s->info.count > SORT_MAX)
		return;
	s->sorted = mem_alloc((s->info.count + 1) * size);
	while (s->nr_sorted < s->info.count &&
	       !b->ops->map_next_key(b, s->index, last, s->sorted + s->nr_sorted * size))
		last = s->sorted + s->nr_sorted++ * size;
	qsort_r(s->sorted, s->nr_sorted, size, compare_keys, s);
}

/* The next element in the order of the text. */
static bool text_next(struct show *s, bool first)
{
	struct backend *b = s->obj->backend;

	if (!s->sorted)
		return show_next(s, first);
	while (s->at < s->nr_sorted) {
		memcpy(s->key, s->sorted + s->at++ * s->info.key_size, s->info.key_size);
		if (!b->ops->map_lookup(b, s->index, s->key, s->value, 0))
			return true;
	}
	return false;
}

/* ---- values ------------------------------------------------------------------ */

/* Without a type: an integer when it has an integer's size, else bytes. */
static void untyped(struct json *j, const char *key, const u8 *data, u32 bytes)
{
	char text[8];
	u64 v = 0;

	if (bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		memcpy((u8 *)&v + 8 - bytes, data, bytes);
#else
		memcpy(&v, data, bytes);
#endif
		json_u64(j, key, v);
		return;
	}
	json_arr(j, key);
	for (u32 i = 0; i < bytes; i++) {
		snprintf(text, sizeof(text), "0x%02x", data[i]);
		json_str(j, NULL, text);
	}
	json_arr_end(j);
}

static void show_data(const struct show *s, struct json *j, const char *key, u32 type,
		      const u8 *data, u32 bytes, unsigned flags)
{
	struct btf_show_as as = s->as;

	as.flags = flags;
	if (s->obj->img->btf && type)
		btf_show_json_as(j, key, s->obj->img->btf, type, data, bytes, &as);
	else
		untyped(j, key, data, bytes);
}

void map_show_bytes(struct json *j, const char *name, const struct image *img,
		    const struct image_map *map, bool key, const u8 *data, u32 bytes)
{
	const struct btf_show_as as = { 0 };
	u32 type = key ? map->key_type : map->value_type;

	if (img->btf && type)
		btf_show_json_as(j, name, img->btf, type, data, bytes, &as);
	else
		untyped(j, name, data, bytes);
}

static void element_json(struct show *s, struct json *j);

/* The value of a map of maps is a map of the object, by its name, or one that was
 * made for it: its elements. */
static void show_inner(const struct show *s, struct json *j, const char *key)
{
	struct show in;
	u32 number;

	memcpy(&number, s->value, sizeof(number));
	if (number < s->obj->img->nr_maps) {
		json_str(j, key, s->obj->img->maps[number].name);
		return;
	}
	json_arr(j, key);
	if (show_open_as(&in, s->obj, s->def->inner, number, s->net)) {
		sort_keys(&in);
		for (bool ok = text_next(&in, true); ok; ok = text_next(&in, false))
			element_json(&in, j);
		show_close(&in);
	}
	json_arr_end(j);
}

static void show_value(const struct show *s, struct json *j, const char *key)
{
	if (holds_maps(s->def->type))
		show_inner(s, j, key);
	else
		show_data(s, j, key, s->def->value_type, s->value, s->info.value_size, 0);
}

static void show_key(const struct show *s, struct json *j, const char *name)
{
	if (s->net_key)
		btf_show_address(j, name, s->key, s->info.key_size);
	else
		show_data(s, j, name, s->def->key_type, s->key, s->info.key_size, s->key_flags);
}

/* ---- sums over cpus -------------------------------------------------------------- */

/* Replaces the first cpu's value by the sum of all. */
static void sum_cpus(struct show *s)
{
	const struct btf *btf = s->obj->img->btf;

	for (u32 cpu = 1; cpu < s->info.cpus; cpu++) {
		const u8 *v = s->value + (size_t)cpu * s->info.value_stride;

		map_sum_add(btf, s->def->value_type, s->value, v, s->info.value_size);
	}
}

/* ---- names of addresses ------------------------------------------------------- */

static void add_names(struct str_list *names, const struct btf *btf, u32 id)
{
	const struct btf_type *t = btf_type(btf, id);
	u32 kind = btf_kind(t);

	if (kind == BTF_KIND_VAR)
		*vec_push(names) = btf_type_name(btf, id);
	for (u32 i = 0; (kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION) && i < btf_vlen(t); i++)
		*vec_push(names) = btf_member(btf, t, i).name;
}

int map_show_check(const struct skep_object *obj, const struct str_list *net,
		   struct skep_err *err)
{
	const struct image *img = obj->img;
	struct str_list names = { 0 };
	int r = 0;

	for (u32 i = 0; net->n && i < img->nr_maps; i++)
		*vec_push(&names) = img->maps[i].name;
	for (u32 id = 1; net->n && img->btf && id < img->btf->nr_types; id++)
		add_names(&names, img->btf, id);
	for (size_t i = 0; !r && i < net->n; i++) {
		const char *near;

		if (*net->v[i] && is_in(&names, net->v[i]))
			continue;
		near = err_nearest(net->v[i], names.v, names.n);
		r = err_set(err, ERR_USAGE, NULL, "--net: no member, variable or map is called "
			    "'%s'", net->v[i]);
		if (near && *near)
			err_help(err, "did you mean %s?", near);
	}
	vec_free(&names);
	return r;
}

/* ---- text --------------------------------------------------------------------------- */

static bool all_zero(const u8 *p, u64 n)
{
	for (u64 i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

static bool is_scalar(const struct show *s, u32 type, u32 bytes)
{
	u32 kind;

	if (!s->obj->img->btf || !type)
		return bytes <= 8;
	kind = btf_kind(btf_type(s->obj->img->btf, btf_skip_mods(s->obj->img->btf, type)));
	return kind == BTF_KIND_INT || kind == BTF_KIND_ENUM || kind == BTF_KIND_ENUM64;
}

static void element_text(struct show *s, struct strbuf *out)
{
	struct json j = { .out = out };

	if (!is_keyless(s)) {
		show_key(s, &j, NULL);
		sb_puts(out, ": ");
		j.comma = false;
	}
	show_value(s, &j, NULL);
}

/* Several short elements share a line, as in "  0: 11962   1: 0   2: 0". */
static void add_element(struct strbuf *out, const struct strbuf *el, bool inline_ok, size_t *column)
{
	if (inline_ok && *column && *column + 3 + el->n <= LINE_COLUMNS) {
		sb_puts(out, "   ");
		*column += 3 + el->n;
	} else {
		sb_puts(out, *column ? "\n  " : "  ");
		*column = 2 + el->n;
	}
	sb_puts(out, sb_text(el));
}

/* Its name stands before it already. */
static void show_variable(const struct show *s, struct json *j, const struct btf_type *var,
			  const u8 *data, u32 bytes)
{
	const struct btf *btf = s->obj->img->btf;

	if (is_in(s->net, btf_str(btf, var->name_off)) && is_address_size(bytes))
		btf_show_address(j, NULL, data, bytes);
	else
		btf_show_json_as(j, NULL, btf, var->type, data, bytes, &s->as);
}

/* A data section: its variables, as "  packets_seen: 10983". */
static void show_variables(struct show *s, struct strbuf *out)
{
	const struct btf *btf = s->obj->img->btf;
	const struct btf_type *t = btf_type(btf, s->def->value_type);
	const struct btf_var_secinfo *v = (const struct btf_var_secinfo *)(t + 1);
	struct strbuf el = { 0 };
	size_t column = 0;

	if (!show_next(s, true))
		return;
	for (u32 i = 0; i < btf_vlen(t); i++) {
		const struct btf_type *var = btf_type(btf, v[i].type);
		struct json j = { .out = &el };

		if (!in_bounds(v[i].offset, v[i].size, s->info.value_size))
			continue;
		sb_reset(&el);
		sb_printf(&el, "%s: ", btf_str(btf, var->name_off));
		show_variable(s, &j, var, s->value + v[i].offset, v[i].size);
		add_element(out, &el, is_scalar(s, var->type, v[i].size), &column);
	}
	sb_puts(out, column ? "\n" : "");
	sb_free(&el);
}

static bool is_datasec(const struct show *s)
{
	const struct btf *btf = s->obj->img->btf;

	return btf && s->def->value_type &&
	       btf_kind(btf_type(btf, s->def->value_type)) == BTF_KIND_DATASEC;
}

static const u8 *value_of_cpu(const struct show *s, u32 cpu)
{
	return s->value + (size_t)cpu * s->info.value_stride;
}

static void cpu_text(struct show *s, struct strbuf *out, const char *who, u32 cpu, size_t *column)
{
	struct strbuf el = { 0 };
	struct json j = { .out = &el };

	show_key(s, &j, NULL);
	sb_printf(&el, ", %s: ", who);
	j.comma = false;
	show_data(s, &j, NULL, s->def->value_type, value_of_cpu(s, cpu), s->info.value_size, 0);
	add_element(out, &el, false, column);
	sb_free(&el);
}

/* An element without a sum: a line for each cpu that has something. */
static void element_by_cpu(struct show *s, struct strbuf *out, size_t *column)
{
	bool any = false;
	char who[24];

	for (u32 cpu = 0; cpu < s->info.cpus; cpu++) {
		if (all_zero(value_of_cpu(s, cpu), s->info.value_size))
			continue;
		snprintf(who, sizeof(who), "cpu %u", cpu);
		cpu_text(s, out, who, cpu, column);
		any = true;
	}
	if (!any)
		cpu_text(s, out, "all cpus", 0, column);
}

/* Is there nothing in the element, on no cpu? Sums where there are some. */
static bool is_empty(struct show *s)
{
	if (s->by_cpu)
		return all_zero(s->value, s->info.value_bytes);
	sum_cpus(s);
	return all_zero(s->value, s->info.value_size);
}

static void show_elements(struct show *s, struct strbuf *out)
{
	bool scalars = is_scalar(s, s->def->key_type, s->info.key_size) &&
		       is_scalar(s, s->def->value_type, s->info.value_size);
	u64 shown = 0, more = 0;
	struct strbuf el = { 0 };
	size_t column = 0;

	sort_keys(s);
	for (bool ok = text_next(s, true); ok; ok = text_next(s, false)) {
		if (is_empty(s) && s->sparse)
			continue;
		if (shown == SHOW_MAX) {
			more++;
			continue;
		}
		shown++;
		if (s->by_cpu) {
			element_by_cpu(s, out, &column);
			continue;
		}
		sb_reset(&el);
		element_text(s, &el);
		add_element(out, &el, scalars, &column);
	}
	sb_puts(out, column ? "\n" : "");
	if (more)
		sb_printf(out, "  ... and %llu more (--json has all)\n", (unsigned long long)more);
	if (s->sparse && s->info.max_entries > shown + more)
		sb_printf(out, "  all other %llu values are 0\n",
			  (unsigned long long)(s->info.max_entries - shown - more));
	sb_free(&el);
}

void map_show_text(struct strbuf *out, struct skep_object *obj, u32 i, const struct str_list *net)
{
	struct show s;

	if (!show_open(&s, obj, i, net))
		return;
	s.sparse = is_array_above(&s, SHOW_MAX);
	sb_printf(out, "map %s (%s, %llu", s.info.name, s.info.row->name,
		  (unsigned long long)s.info.count);
	if (s.info.max_entries)		/* storages have as many as there are owners */
		sb_printf(out, " of %u", s.info.max_entries);
	sb_puts(out, !s.info.row->percpu ? ")\n" : s.by_cpu ? ", by cpu)\n" :
		", summed over cpus)\n");
	if (is_datasec(&s))
		show_variables(&s, out);
	else
		show_elements(&s, out);
	show_close(&s);
}

/* ---- JSON ------------------------------------------------------------------------------ */

static void element_json(struct show *s, struct json *j)
{
	json_obj(j, NULL);
	if (!is_keyless(s))
		show_key(s, j, "key");
	if (!s->info.row->percpu) {
		show_value(s, j, "value");
		json_obj_end(j);
		return;
	}
	json_arr(j, "values");
	for (u32 cpu = 0; cpu < s->info.cpus; cpu++) {
		json_obj(j, NULL);
		json_u64(j, "cpu", cpu);
		show_data(s, j, "value", s->def->value_type,
			  s->value + (size_t)cpu * s->info.value_stride, s->info.value_size, 0);
		json_obj_end(j);
	}
	json_arr_end(j);
	json_obj_end(j);
}

void map_show_json(struct json *j, struct skep_object *obj, u32 i, const struct str_list *net)
{
	struct show s;

	if (!show_open(&s, obj, i, net))
		return;
	json_obj(j, NULL);
	json_str(j, "name", s.info.name);
	json_str(j, "type", s.info.row->name);
	json_u64(j, "max_entries", s.info.max_entries);
	json_u64(j, "count", s.info.count);
	engine_map_json(j, obj, i);
	json_arr(j, "elements");
	for (bool ok = show_next(&s, true); ok; ok = show_next(&s, false))
		if (!s.sparse || !all_zero(s.value, s.info.value_bytes))
			element_json(&s, j);
	json_arr_end(j);
	json_obj_end(j);
	show_close(&s);
}

/* ---- two engines ------------------------------------------------------------------------- */

/* What is not compared, by the type of the map. */
enum { MASK_EVICTED, MASK_CPU, POINTER_DEPTH = 16 };
static const struct { u32 type; int what; } masks[] = {
#define MASK(type, what) { type, MASK_##what },
#include "cli/both.def"
#undef MASK
};

static bool is_masked(u32 type, int what)
{
	for (size_t i = 0; i < ARRAY_LEN(masks); i++)
		if (masks[i].type == type && masks[i].what == what)
			return true;
	return false;
}

/* Clears the heads of lists in the BYTES at P, of type ID: addresses of each engine. */
static void clear_heads(const struct btf *btf, u32 id, u8 *p, u32 bytes, u32 depth)
{
	const struct btf_type *t = btf_type(btf, btf_skip_mods(btf, id));
	const struct btf_array *a = (const struct btf_array *)(t + 1);
	const char *name = btf_str(btf, t->name_off);
	u32 size;

	if (depth > POINTER_DEPTH)
		return;
	if (btf_kind(t) == BTF_KIND_ARRAY && (size = (u32)btf_bytes(btf, a->type)))
		for (u32 i = 0; i < a->nelems && (i + 1) * size <= bytes; i++)
			clear_heads(btf, a->type, p + i * size, size, depth + 1);
	if (btf_kind(t) != BTF_KIND_STRUCT || t->size > bytes)
		return;
	if (!strcmp(name, "bpf_list_head") || !strcmp(name, "bpf_rb_root")) {
		memset(p, 0, t->size);
		return;
	}
	for (u32 i = 0; i < btf_vlen(t); i++) {
		const struct btf_member_info m = btf_member(btf, t, i);

		if (!m.bit_size && m.bit_off / 8 <= t->size)
			clear_heads(btf, m.type_id, p + m.bit_off / 8, t->size - m.bit_off / 8,
				    depth + 1);
	}
}

/* Pointers that a value has are each engine's own. */
static void clear_pointers(struct show *s)
{
	const struct image_map *def = s->def;
	const struct btf *btf = s->obj->img->btf;

	if (btf && def->value_type && btf_bytes(btf, def->value_type) <= s->info.value_size)
		clear_heads(btf, def->value_type, s->value, s->info.value_size, 0);
	for (u32 i = 0; i < def->nr_kptrs; i++)
		if (in_bounds(def->kptrs[i], 8, s->info.value_size))
			memset(s->value + def->kptrs[i], 0, 8);
}

/* The element of S with the key that is in it. */
static void this_element(struct show *s, struct strbuf *out)
{
	sb_reset(out);
	if (!s->info.row->percpu)
		clear_pointers(s);
	if (is_masked(s->def->type, MASK_CPU))
		sum_cpus(s);
	element_text(s, out);
}

/* Looks KEY up in S; false when it is not there. */
static bool show_at(struct show *s, const u8 *key)
{
	struct backend *b = s->obj->backend;

	memcpy(s->key, key, s->info.key_size);
	return !b->ops->map_lookup(b, s->index, s->key, s->value, 0);
}

struct diff {
	map_diff_fn *tell;
	void *arg;
	u64 evicted;	/* elements that one side alone has, and may */
};

/* Elements of FROM that are not in OTHER, and, for the user's side, that differ. */
static void diff_elements(struct diff *d, struct show *from, struct show *other, bool user)
{
	struct strbuf one = { 0 }, two = { 0 };
	const char *map = from->info.name;

	for (bool ok = text_next(from, true); ok; ok = text_next(from, false)) {
		bool both = show_at(other, from->key);

		if (both && !user)
			continue;
		if (!both && is_masked(from->def->type, MASK_EVICTED)) {
			d->evicted++;
			continue;
		}
		this_element(from, &one);
		if (!both) {
			d->tell(d->arg, map, user ? sb_text(&one) : NULL,
				user ? NULL : sb_text(&one));
			continue;
		}
		this_element(other, &two);
		if (strcmp(sb_text(&one), sb_text(&two)))
			d->tell(d->arg, map, sb_text(&one), sb_text(&two));
	}
	sb_free(&one);
	sb_free(&two);
}

void map_show_diff(struct skep_object *a, struct skep_object *b, u32 i, map_diff_fn *tell,
		   void *arg)
{
	struct diff d = { tell, arg, 0 };
	struct show user, kernel;

	/* without keys nothing can be compared */
	if (!a->img->maps[i].key_size || !show_open(&user, a, i, NULL))
		return;
	user.sparse = false;	/* a zero here may be none there */
	if (show_open(&kernel, b, i, NULL)) {
		kernel.sparse = false;
		sort_keys(&user);
		diff_elements(&d, &user, &kernel, true);
		diff_elements(&d, &kernel, &user, false);
		show_close(&kernel);
	}
	show_close(&user);
	if (d.evicted)
		fprintf(stderr, "note: map %s: %llu elements are on one side only; which ones maps "
			"of type %s give up is each engine's own choice\n",
			a->img->maps[i].name, (unsigned long long)d.evicted,
			maptype_row(a->img->maps[i].type)->name);
}
