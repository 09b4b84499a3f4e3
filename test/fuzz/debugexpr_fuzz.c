/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * debugexpr_fuzz.c: the debugger's expressions: each line is one, on the types of an object
 * with DWARF; names, memory and map elements are there for all that ask. What is refused
 * has a message; what is not can be printed in every form.
 */
#include "debug/value.h"
#include "obj/obj.h"
#include "sym/locals.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes);

static const u8 memory[256] = { 1, 2, 3, 'a', 'b', 0, 0xff, 0x80 };

static bool load(void *arg, u64 addr, u32 bytes, u64 *v)
{
	if (!in_bounds(addr, bytes, sizeof(memory)))
		return false;
	*v = 0;
	memcpy(v, memory + addr, bytes);
	return true;
}

/* Names by their first letter: numbers, records, maps, what is optimised out. */
static int name(void *arg, const char *s, bool dollar, struct value *out, struct skep_err *err)
{
	const struct types *t = arg;
	u32 id = (u8)*s * 3u % t->btf->nr_types;

	if (dollar || *s < 'a')
		return 1;
	*out = (struct value){ .type = { *s % 2 ? id : t->basics[*s % NR_BASICS], *s % 3 == 0 } };
	switch (*s % 5) {
	case 0:
		*out = value_number(out->type, (u8)s[1] * 0x0101010101010101ull);
		return 0;
	case 1:
		*out = value_gone(out->type, "optimized out");
		return 0;
	case 2:
		out->kind = VALUE_BYTES;
		out->bytes = memory + 8;
		out->nr_bytes = 64;
		return 0;
	case 3:
		out->kind = VALUE_MAP;
		return 0;
	default:
		out->kind = VALUE_MEM;
		out->addr = (u8)s[1];
		return 0;
	}
}

static int element(void *arg, const struct value *map, const struct value *key,
		   struct value *out, struct skep_err *err)
{
	const struct types *t = arg;

	*out = (struct value){ .kind = VALUE_BYTES, .bytes = memory, .nr_bytes = 16,
		.type = types_basic(t, BASIC_UINT), .repeat = 4 };
	return 0;
}

static bool key_type(void *arg, const struct value *map, struct dtype *out)
{
	const struct types *t = arg;

	*out = map->type;
	return map->type.id && map->type.id < t->btf->nr_types;
}

static struct types *open_types(void)
{
	const char *path = TEST_DIR "/obj/debug.o";
	const struct btf *parts[2] = { NULL, NULL };
	struct locals *l = NULL;
	struct types *t;
	struct image *img;
	struct os_file f;

	if (os_file_read(&f, path, NULL) || obj_open(&img, f.data, f.size, path, NULL))
		abort();
	parts[TYPES_IMAGE] = img->btf;
	if (!locals_open(&l, f.data, f.size, path, NULL))
		parts[TYPES_DWARF] = l->btf;
	if (types_open(&t, parts, path, NULL))
		abort();
	locals_free(l);
	image_free(img);
	os_file_close(&f);
	return t;
}

static void compute(const struct value_env *env, const char *line)
{
	static const char formats[] = "\0xduotcazs";
	struct skep_err err = { 0 };
	struct strbuf out = { 0 };
	struct value v;
	struct dtype ty;

	if (expr_type(&ty, env, line)) {
		dtype_text(&out, env->types, ty, "x");
		dtype_define(&out, env->types, ty);
	}
	if (expr_eval(&v, env, line, &err)) {
		if (!strstr(err.text, "error: "))
			abort();
	} else {
		for (size_t i = 0; i < sizeof(formats) - 1; i++)
			value_show(&out, env, &v, &(struct show_opts){ .format = formats[i],
				   .pretty = i % 2, .top = true, .limit = 20 });
	}
	sb_free(&out);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
	static struct types *t;
	struct arena arena = ARENA_INIT;
	char *text = malloc(bytes + 1), *save = NULL;
	struct value_env env;

	if (!t)
		t = open_types();
	env = (struct value_env){ .types = t, .arena = &arena, .arg = t, .load = load,
		.name = name, .element = element, .key_type = key_type };
	memcpy(text, data, bytes);
	text[bytes] = 0;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		compute(&env, l);
	free(text);
	arena_free(&arena);
	return 0;
}
