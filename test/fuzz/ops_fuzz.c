/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops_fuzz.c: objects with structs of functions, as the kernel is to have them
 * (kernel/ops.c). The kernel's types are those of test/obj/ops-kernel.o, so that no
 * kernel is needed; programs get numbers that no descriptor has.
 */
#include "kernel/sys.h"
#include "obj/obj.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes);

/* 0, or an error with a text. */
static bool worked(int r, const struct skep_err *err)
{
	if (r && (r != err->code || !strstr(err->text, "error: ")))
		abort();
	return !r;
}

static void open_maps(struct kernel *k)
{
	for (u32 i = 0; i < k->img->nr_maps; i++) {
		struct kernel_map m = { .fd = -1, .def = &k->img->maps[i] };
		struct skep_err err = { 0 };

		if (m.def->type == BPF_MAP_TYPE_STRUCT_OPS &&
		    !worked(kernel_ops_open(k, &m.ops, m.def, &err), &err))
			kernel_ops_close(&m.ops);
		*vec_push(&k->maps) = m;
	}
}

static void load_programs(struct kernel *k)
{
	for (u32 i = 0; i < k->img->nr_progs; i++) {
		struct skep_err err = { 0 };
		u32 type, member;

		if (worked(kernel_ops_prog(k, k->img, &k->img->progs[i], &type, &member, &err),
			   &err))
			kernel_ops_loaded(k, i, 1 << 20);
	}
}

/* Reads all of each value. */
static void close_maps(struct kernel *k)
{
	u32 sum = 0;

	for (u32 i = 0; i < k->maps.n; i++) {
		struct kernel_ops *ops = &k->maps.v[i].ops;

		for (u32 j = 0; ops->value && j < ops->bytes; j++)
			sum += ops->value[j];
		kernel_ops_close(ops);
	}
	if (sum == 1u << 31)
		abort();
	vec_free(&k->maps);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
	static struct target target = { .opts = { .btf = TEST_DIR "/obj/ops-kernel.o" } };
	struct kernel k = { .btf_fd = -1, .target = &target, .release = "6.18" };
	struct skep_err err = { 0 };
	struct image *img;

	if (!worked(obj_open(&img, data, bytes, "fuzz.o", &err), &err))
		return 0;
	k.img = img;
	open_maps(&k);
	load_programs(&k);
	close_maps(&k);
	image_free(img);
	return 0;
}
