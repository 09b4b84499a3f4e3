/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aot.c: opens what `skep aot` wrote. The BPF object in it makes the image, with the types
 * of its own; then instructions and values are put in that the target of the compiler gave,
 * so that the image is the one that was verified, whatever this machine is.
 */
#include "api/aot.h"
#include "base/hash.h"
#include "obj/obj.h"
#include <elf.h>
#include <stdlib.h>

/* ---- reading ------------------------------------------------------------------------- */

u64 aot_hash(const void *data, size_t bytes) { return hash_bytes(data, bytes, bytes); }

static const void *place(const struct skep_aot *aot, struct aot_place p)
{
	return (const u8 *)aot->data + p.at;
}

static const struct aot_head *head_of(const struct skep_aot *aot)
{
	return aot->data;
}

static u32 machine(void)
{
#if defined(__x86_64__)
	return EM_X86_64;
#elif defined(__aarch64__)
	return EM_AARCH64;
#else
	return EM_NONE;
#endif
}

static int damaged(const char *what, struct skep_err *err)
{
	return err_set(err, ERR_AOT_DAMAGED, NULL, "this is not what skep aot wrote: %s", what);
}

/* Is it whole? */
static int check_whole(const struct skep_aot *aot, struct skep_err *err)
{
	if (!aot || memcmp(aot->magic, SKEP_AOT_MAGIC, sizeof(aot->magic)))
		return damaged("it begins with something else", err);
	if (aot->size != sizeof(*aot) || !aot->data || !aot->text ||
	    aot->data_bytes < sizeof(struct aot_head))
		return damaged("sizes are others", err);
	if (aot->hash != aot_hash(aot->data, aot->data_bytes))
		return damaged("its data have changed", err);
	return 0;
}

/* Who made it may have laid out the data otherwise. */
static int check_abi(const struct skep_aot *aot, struct skep_err *err)
{
	int r;

	if (aot->abi == runtime_aot_abi())
		return 0;
	if (!strncmp(aot->made_by, SKEP_VERSION, sizeof(aot->made_by)))
		r = err_set(err, ERR_AOT_ABI, NULL, "native code of another build of skep than "
			    "this library, both %s", SKEP_VERSION);
	else
		r = err_set(err, ERR_AOT_ABI, NULL, "native code of skep %.*s does not fit this "
			    "library, skep %s", (int)sizeof(aot->made_by), aot->made_by,
			    SKEP_VERSION);
	err_help(err, "compile it again with the skep aot that belongs to the library");
	return r;
}

static int check_cpu(const struct skep_aot *aot, struct skep_err *err)
{
	u32 lacks = head_of(aot)->cpu & ~jit_cpu();
	struct strbuf names = { 0 };
	int r;

	if (!lacks)
		return 0;
	jit_cpu_names(&names, aot->machine == EM_X86_64 ? "x86_64" : "aarch64", lacks);
	r = err_set(err, ERR_AOT_MACHINE, NULL, "native code for processors with %s, which this "
		    "one does not have", sb_text(&names));
	err_help(err, "skep aot --cpu baseline compiles for all of the kind");
	sb_free(&names);
	return r;
}

static int check(const struct skep_aot *aot, struct skep_err *err)
{
	int r = check_whole(aot, err);

	if (!r && aot->machine != machine())
		r = err_set(err, ERR_AOT_MACHINE, NULL, "native code for another kind of processor "
			    "(ELF machine %u, this one is %u)", aot->machine, machine());
	r = r ? r : check_abi(aot, err);
	return r ? r : check_cpu(aot, err);
}

const void *skep_aot_object(const struct skep_aot *aot, size_t *bytes)
{
	if (check_whole(aot, NULL))
		return NULL;
	*bytes = head_of(aot)->object.n;
	return place(aot, head_of(aot)->object);
}

/* ---- the image ---------------------------------------------------------------------- */

/* The object in it gives the same programs and maps again. */
static bool same_image(const struct skep_aot *aot, const struct image *img)
{
	const struct aot_head *h = head_of(aot);
	const struct aot_prog *p = place(aot, h->progs);
	const struct aot_map *m = place(aot, h->maps);

	if (img->nr_progs != h->nr_progs || img->nr_maps != h->maps.n)
		return false;
	for (u32 i = 0; i < h->progs.n; i++)
		if (p[i].index >= img->nr_progs ||
		    img->progs[p[i].index].nr_insns != p[i].insns.n ||
		    strcmp(img->progs[p[i].index].name, place(aot, p[i].name)))
			return false;
	for (u32 i = 0; i < h->maps.n; i++)
		if (img->maps[i].type != m[i].type || img->maps[i].key_size != m[i].key_size ||
		    img->maps[i].value_size != m[i].value_size ||
		    strcmp(img->maps[i].name, place(aot, m[i].name)))
			return false;
	return true;
}

static void take_progs(const struct skep_aot *aot, struct image *img)
{
	const struct aot_prog *p = place(aot, head_of(aot)->progs);

	for (u32 i = 0; i < img->nr_progs; i++)
		img->progs[i].autoload = false;
	for (u32 i = 0; i < head_of(aot)->progs.n; i++) {
		struct image_prog *to = &img->progs[p[i].index];

		to->autoload = true;
		to->insns = place(aot, p[i].insns);
		to->type = p[i].type;
		to->expected_attach = p[i].expected_attach;
		to->nr_cores = 0;	/* they were for these types */
	}
}

/* Variables as they were set then; they may be set again. */
static void take_values(const struct skep_aot *aot, struct image *img)
{
	const struct aot_map *m = place(aot, head_of(aot)->maps);

	for (u32 i = 0; i < img->nr_maps; i++) {
		u8 *init;

		if (!m[i].init.n)
			continue;
		init = arena_alloc(&img->arena, m[i].init.n);
		memcpy(init, place(aot, m[i].init), m[i].init.n);
		img->maps[i].init = init;
	}
}

/* ---- code --------------------------------------------------------------------------- */

static struct rewrite rewrite_of(const struct skep_aot *aot, const struct aot_prog *p)
{
	return (struct rewrite){
		.insns = place(aot, p->code), .nr_insns = (u32)p->code.n,
		.origin = place(aot, p->origin), .stale_stack = p->stale_stack,
		.stale_reads = p->stale_reads, .writes_packet = p->writes_packet,
		.ends = p->ends, .bound = p->bound,
		.stack_bytes = p->stack_bytes,
	};
}

static struct object_aot *code_of(const struct skep_aot *aot)
{
	const struct aot_head *h = head_of(aot);
	const struct aot_prog *p = place(aot, h->progs);
	struct aot_code *progs = mem_alloc(h->nr_progs * sizeof(*progs));
	struct object_aot *o = mem_alloc(sizeof(*o));

	o->code = mem_alloc(h->nr_progs * sizeof(*o->code));
	o->rt = (struct runtime_aot){ place(aot, h->refs), (u32)h->refs.n, progs };
	for (u32 i = 0; i < h->progs.n; i++) {
		o->code[p[i].index] = rewrite_of(aot, &p[i]);
		progs[p[i].index] = (struct aot_code){
			.code = (const u8 *)aot->text + p[i].text, .bytes = p[i].bytes,
			.start = p[i].start, .funcs = place(aot, p[i].funcs),
			.nr_funcs = (u32)p[i].funcs.n };
	}
	return o;
}

int skep_object_open_aot(struct skep_object **obj, const struct skep_aot *aot,
			 struct skep_err *err)
{
	const struct aot_head *h;
	struct image *img;
	int r;

	*obj = NULL;
	err_clear(err);
	r = check(aot, err);
	if (r)
		return r;
	h = head_of(aot);
	r = obj_open(&img, place(aot, h->object), h->object.n, place(aot, h->file), err);
	if (r)
		return r;
	if (!same_image(aot, img)) {
		image_free(img);
		return damaged("its object gives other programs or maps", err);
	}
	take_progs(aot, img);
	take_values(aot, img);
	*obj = object_make(img);
	(*obj)->aot = code_of(aot);
	return 0;
}

/* ---- for object.c ---------------------------------------------------------------------- */

void object_aot_judged(struct skep_object *obj)
{
	for (u32 i = 0; i < obj->img->nr_progs; i++) {
		struct skep_prog *p = &obj->progs[i];

		if (!obj->aot->code[i].insns)
			continue;
		p->verdict = SKEP_VERIFIED;
		p->fast = true;
		p->code = obj->aot->code[i];
	}
}

void object_aot_free(struct skep_object *obj)
{
	if (!obj->aot)
		return;
	free((void *)(uintptr_t)obj->aot->rt.progs);
	free(obj->aot->code);
	free(obj->aot);
}

int object_aot_ready(const struct skep_object *obj, const struct skep_load_opts *opts,
		     struct skep_err *err)
{
	int r;

	if (!opts || opts->engine == SKEP_USER)
		return 0;
	r = err_set(err, ERR_RUN, obj->img->file, "what skep aot compiled runs in a process, not "
		    "in the kernel");
	err_help(err, "skep_aot_object() gives the object that it was made of");
	return r;
}

static bool is_constant(const struct image_map *m)
{
	return m->kind == IMAGE_MAP_RODATA && m->init;
}

/* Copies of what constants are. */
static u8 **keep_constants(const struct image *img)
{
	u8 **was = mem_alloc(img->nr_maps * sizeof(*was));

	for (u32 i = 0; i < img->nr_maps; i++)
		if (is_constant(&img->maps[i])) {
			was[i] = mem_alloc(img->maps[i].value_size);
			memcpy(was[i], img->maps[i].init, img->maps[i].value_size);
		}
	return was;
}

/* They are again what they were; did any change? */
static bool restore_constants(struct image *img, u8 **was)
{
	bool changed = false;

	for (u32 i = 0; i < img->nr_maps; i++) {
		struct image_map *m = &img->maps[i];

		if (was[i] && memcmp(was[i], m->init, m->value_size)) {
			changed = true;
			memcpy((void *)(uintptr_t)m->init, was[i], m->value_size);
		}
		free(was[i]);
	}
	free(was);
	return changed;
}

int object_aot_set(struct skep_object *obj, const char *name, const char *value,
		   struct skep_err *err)
{
	u8 **was = keep_constants(obj->img);
	int r = obj_set(obj->img, name, value, err);

	if (!restore_constants(obj->img, was) || r)
		return r;
	r = err_set(err, ERR_AOT_SET, obj->img->file, "'%s' is a constant of programs that were "
		    "compiled before", name);
	err_help(err, "skep aot --set %s=%s", name, value);
	return r;
}
