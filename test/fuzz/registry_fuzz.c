/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * registry_fuzz.c: any text as what a process tells of an object. What is taken has whole
 * texts without control characters, and arrays as long as it says.
 */
#include "api/registry.h"
#include <stdlib.h>

static u64 sum;

static void text(const char *s)
{
	if (!s)
		abort();
	for (; *s; s++) {
		if ((u8)*s < ' ' || *s == 0x7f)
			abort();
		sum += (u8)*s;
	}
}

static void use(const struct registry_object *o)
{
	text(o->file);
	for (u32 i = 0; i < o->nr_progs; i++) {
		const struct registry_prog *p = &o->progs[i];

		text(p->name);
		text(p->section);
		text(p->type);
		text(p->tag);
		text(p->engine);
		text(p->verdict);
		for (u32 k = 0; k < p->nr_maps; k++)
			sum += p->maps[k];
	}
	for (u32 i = 0; i < o->nr_maps; i++) {
		text(o->maps[i].name);
		if (o->maps[i].pin)
			text(o->maps[i].pin);
	}
	for (u32 i = 0; i < o->nr_links; i++) {
		text(o->links[i].kind);
		text(o->links[i].where);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);
int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
	struct arena arena = ARENA_INIT;
	struct registry_object o;
	struct skep_err err = { 0 };

	if (!registry_parse(&o, &arena, data, n, "file", &err))
		use(&o);
	else if (!err.code)
		abort();
	arena_free(&arena);
	return 0;
}
