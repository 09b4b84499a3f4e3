/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kconfig.c: __kconfig variables: they get a map ".kconfig" of their own, laid
 * out as libbpf does it, with the values that the target's configuration gives
 * them. What it does not have is 0; obj_ready tells whether that will do.
 */
#include "obj/obj.h"
#include "obj/open.h"
#include <stdlib.h>

enum config_type { CONFIG_BOOL, CONFIG_TRISTATE, CONFIG_CHAR, CONFIG_INT, CONFIG_STRING };

struct config_var {
	struct image_extern *e;
	enum config_type type;
	bool is_signed;
	u32 bytes, align;
};

#define VERSION(a, b) ((a) << 16 | (b) << 8)

/* ---- types -------------------------------------------------------------------- */

static bool int_type(const struct btf_type *t, struct config_var *v)
{
	u32 enc = BTF_INT_ENCODING(*(const u32 *)(t + 1));

	v->is_signed = enc & BTF_INT_SIGNED;
	v->type = enc & BTF_INT_BOOL ? CONFIG_BOOL : t->size == 1 ? CONFIG_CHAR : CONFIG_INT;
	return t->size <= 8;
}

static bool var_type(const struct btf *btf, u32 id, struct config_var *v)
{
	const struct btf_type *t = btf_type(btf, btf_skip_mods(btf, id));

	v->bytes = v->align = (u32)btf_bytes(btf, id);
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		return int_type(t, v);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		v->type = CONFIG_TRISTATE;
		return t->size == 4 &&
		       !strcmp(btf_str(btf, t->name_off), "libbpf_tristate");
	case BTF_KIND_ARRAY:
		t = btf_type(btf, btf_skip_mods(btf, ((const struct btf_array *)(t + 1))->type));
		v->align = 1;
		if (btf_kind(t) != BTF_KIND_INT || !int_type(t, v) || v->type != CONFIG_CHAR)
			return false;
		v->type = CONFIG_STRING;
		return v->bytes;
	default:
		return false;
	}
}

/* ---- values --------------------------------------------------------------------- */

static int bad_value(struct obj *o, const struct config_var *v, const char *value,
		     const char *why)
{
	return err_set(o->err, ERR_KCONFIG, o->file, "%s=%.60s of %s %s", v->e->name, value,
		       o->target->config_name ? o->target->config_name : "the kernel", why);
}

static int set_letter(struct obj *o, const struct config_var *v, u8 *to, char c)
{
	char value[2] = { c, 0 };
	u32 tri = c == 'y' ? 1 : c == 'm' ? 2 : 0;

	switch (v->type) {
	case CONFIG_BOOL:
		if (c == 'm')
			return bad_value(o, v, value, "does not fit a bool");
		*to = c == 'y';
		return 0;
	case CONFIG_TRISTATE:
		memcpy(to, &tri, sizeof(tri));
		return 0;
	case CONFIG_CHAR:
		*to = (u8)c;
		return 0;
	default:
		return bad_value(o, v, value, "takes a bool, char or enum libbpf_tristate");
	}
}

static int set_string(struct obj *o, const struct config_var *v, u8 *to, const char *s)
{
	size_t n = strlen(s);

	if (v->type != CONFIG_STRING)
		return bad_value(o, v, s, "takes an array of char");
	if (n < 2 || s[n - 1] != '"')
		return bad_value(o, v, s, "has no closing quote");
	n -= 2;
	if (n >= v->bytes) {
		image_note(o->img, "%s is cut from %zu to %u bytes", v->e->name, n, v->bytes - 1);
		n = v->bytes - 1;
	}
	memcpy(to, s + 1, n);
	return 0;
}

static bool in_range(const struct config_var *v, u64 n)
{
	u32 bits = v->bytes * 8;

	if (bits == 64)
		return true;
	if (v->is_signed)
		return n + (1ull << (bits - 1)) < 1ull << bits;
	return !(n >> bits);
}

static void store(u8 *to, u32 bytes, u64 n)
{
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		memcpy(to, &n, bytes);
	else
		memcpy(to, (const u8 *)&n + 8 - bytes, bytes);
}

static int set_number(struct obj *o, const struct config_var *v, u8 *to, const char *s)
{
	char *end;
	u64 n;

	errno = 0;
	n = *s == '-' ? (u64)strtoll(s, &end, 0) : strtoull(s, &end, 0);
	if (errno || end == s || *end)
		return bad_value(o, v, s, "is no number, text or y, m, n");
	if (v->type != CONFIG_INT && v->type != CONFIG_CHAR)
		return bad_value(o, v, s, "takes an integer");
	if (!in_range(v, n))
		return bad_value(o, v, s, "does not fit the variable");
	store(to, v->bytes, n);
	return 0;
}

static int set_text(struct obj *o, const struct config_var *v, u8 *to, const char *s)
{
	if (*s == '"')
		return set_string(o, v, to, s);
	if ((*s == 'y' || *s == 'm' || *s == 'n') && !s[1])
		return set_letter(o, v, to, *s);
	return set_number(o, v, to, s);
}

/* What is no configuration but a fact about the kernel. */
static bool fact(struct obj *o, const char *name, u64 *n)
{
	u32 version = target_version(o->target);

	if (!strcmp(name, "LINUX_KERNEL_VERSION"))
		*n = version;
	else if (!strcmp(name, "LINUX_HAS_BPF_COOKIE"))
		*n = version >= VERSION(5, 15);
	else if (!strcmp(name, "LINUX_HAS_SYSCALL_WRAPPER"))
		*n = version >= VERSION(4, 19);	/* x86 4.17, arm64 4.19 */
	else
		return false;
	return true;
}

static int set_var(struct obj *o, const struct config_var *v, u8 *to)
{
	const char *text;
	u64 n = 0;
	int ret;

	if (!o->target)
		return 0;
	if (!strncmp(v->e->name, "LINUX_", 6)) {
		v->e->found = fact(o, v->e->name, &n);
		if (v->e->found && (v->type == CONFIG_STRING || !in_range(v, n)))
			return bad_value(o, v, "a number", "does not fit the variable");
		if (v->e->found)
			store(to, v->bytes, n);
		return 0;
	}
	ret = target_config(o->target, v->e->name, &text, o->err);
	if (ret || !text)
		return ret;
	v->e->found = true;
	return set_text(o, v, to, text);
}

/* ---- the map ----------------------------------------------------------------------- */

static int layout_order(const void *a, const void *b)
{
	const struct config_var *x = a, *y = b;

	if (x->align != y->align)
		return x->align > y->align ? -1 : 1;
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? -1 : 1;
	return strcmp(x->e->name, y->e->name);
}

static int collect(struct obj *o, struct config_var *v, u32 *n)
{
	for (u32 i = 0; i < o->img->nr_externs; i++) {
		struct image_extern *e = &o->img->externs[i];

		if (e->kind != IMAGE_KCONFIG)
			continue;
		v[*n].e = e;
		if (!var_type(o->img->btf, e->type_id, &v[*n]))
			return err_set(o->err, ERR_KCONFIG, o->file,
				       "'%s' has a type that no configuration value has",
				       e->name);
		++*n;
	}
	qsort(v, *n, sizeof(*v), layout_order);
	return 0;
}

/* Tells the BTF section where its variables lie. */
static int set_offsets(struct obj *o, u32 bytes)
{
	const struct btf *btf = o->img->btf;
	const struct btf_type *t;
	const struct btf_var_secinfo *v;
	u32 id, k, *offs;

	if (!strtab_get(&o->datasecs, ".kconfig", &id))
		return 0;
	t = btf_type(btf, id);
	v = (const void *)(t + 1);
	offs = arena_news(&o->tmp, btf_vlen(t), u32);
	for (u32 i = 0; i < btf_vlen(t); i++)
		if (strtab_get(&o->extern_index, btf_type_name(btf, v[i].type), &k))
			offs[i] = o->img->externs[k].off;
	return btf_datasec_set(o->img->btf, id, bytes, offs, o->file, o->err);
}

static void append_map(struct obj *o, u8 *value, u32 bytes)
{
	struct image *img = o->img;
	struct image_map *maps = arena_news(&img->arena, img->nr_maps + 1, struct image_map);
	struct image_map *m = &maps[img->nr_maps];

	if (img->nr_maps)
		memcpy(maps, img->maps, img->nr_maps * sizeof(*maps));
	*m = (struct image_map){
		.name = ".kconfig", .kind = IMAGE_MAP_RODATA, .type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4, .value_size = bytes, .max_entries = 1,
		.map_flags = BPF_F_RDONLY_PROG, .init = value,
	};
	strtab_get(&o->datasecs, ".kconfig", &m->value_type);
	img->maps = maps;
	img->nr_maps++;
}

int kconfig_read(struct obj *o)
{
	struct config_var *v = arena_news(&o->tmp, o->img->nr_externs, struct config_var);
	u32 n = 0;
	u64 bytes = 0;
	u8 *value;
	int ret = collect(o, v, &n);

	if (ret || !n)
		return ret;
	for (u32 i = 0; i < n; i++) {
		bytes = round_up(bytes, v[i].align);
		v[i].e->off = (u32)bytes;
		bytes += v[i].bytes;
		if (bytes > 1 << 20)
			return err_set(o->err, ERR_LIMIT, o->file,
				       "more than 1 MiB of configuration values");
	}
	value = arena_alloc(&o->img->arena, bytes);
	for (u32 i = 0; i < n && !ret; i++)
		ret = set_var(o, &v[i], value + v[i].e->off);
	if (!ret)
		ret = set_offsets(o, (u32)bytes);
	if (!ret)
		append_map(o, value, (u32)bytes);
	return ret;
}
