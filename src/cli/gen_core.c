/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gen_core.c: `skep gen min_core_btf`: of a kernel's types, those that CO-RE relocations of
 * some objects look at, as a file that goes with them to kernels that show no types.
 */
#include "btf/core.h"
#include "cli/gen.h"
#include "obj/obj.h"

/* The records of all programs of the object at PATH. */
static int add_object(struct core_min *m, const char *path, struct skep_err *err)
{
	VEC(struct btf_core_relo) relos = { 0 };
	struct image *img = NULL;
	struct os_file f;
	int r = input_read(&f, path, err);

	if (r)
		return r;
	r = obj_open(&img, f.data, f.size, path, err);
	if (!r && !img->btf)
		r = err_set(err, ERR_BTF, path, "the object has no types, so no relocations "
			    "by them");
	for (u32 i = 0; !r && i < img->nr_progs; i++)
		for (u32 k = 0; k < img->progs[i].nr_cores; k++)
			*vec_push(&relos) = img->progs[i].cores[k].relo;
	if (!r)
		r = core_min_add(m, img->btf, relos.v, (u32)relos.n, path, err);
	vec_free(&relos);
	if (img)
		image_free(img);
	os_file_close(&f);
	return r;
}

static int write_types(const char *path, const struct strbuf *b, struct skep_err *err)
{
	struct os_out o;
	int r = os_out_open(&o, path, err);

	if (r)
		return r;
	fwrite(b->s, 1, b->n, o.f);
	return os_out_commit(&o, err);
}

int gen_min_core(const char *from, const char *to, const char **objs, size_t n,
		 struct skep_err *err)
{
	struct str_list out = { .v = &to, .n = 1 }, in = { 0 };
	struct arena arena = { 0 };
	struct strbuf b = { 0 };
	struct btf_file kernel;
	struct core_min *m;
	int r;

	*vec_push(&in) = from;
	for (size_t i = 0; i < n; i++)
		*vec_push(&in) = objs[i];
	r = outputs_check(&out, &in, err);
	vec_free(&in);
	if (!r)
		r = obj_open_btf(&kernel, from, NULL, err);
	if (r)
		return r;
	m = core_min_new(&arena, kernel.btf, from);
	for (size_t i = 0; !r && i < n; i++)
		r = add_object(m, objs[i], err);
	if (!r) {
		core_min_write(m, &b);
		r = write_types(to, &b, err);
	}
	sb_free(&b);
	arena_free(&arena);
	btf_close_file(&kernel);
	return r;
}
