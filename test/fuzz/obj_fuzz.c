/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * obj_fuzz.c: objects and type information. ELF goes through obj_open; what
 * begins with 'x' is the length of a .BTF (2 bytes), that .BTF and a .BTF.ext;
 * all else is a .BTF. What opens is then printed in every way there is.
 */
#include "btf/core.h"
#include "isa/isa.h"
#include "obj/obj.h"
#include <stdlib.h>

static const u8 zero[4096];

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes);

static void print_type(struct strbuf *out, const struct btf *btf, u32 id)
{
	struct json j = { .out = out };
	s64 size = btf_size(btf, id);

	btf_decl_c(out, btf, id, "name");
	btf_def_c(out, btf, id);
	btf_show_json(&j, NULL, btf, id, zero,
		      (size_t)(size < 0 ? 0 : size > 4096 ? 4096 : size),
		      id % 2 ? BTF_SHOW_NET : 0);
	sb_reset(out);
}

static void print_types(const struct btf *btf)
{
	struct strbuf out = { 0 };

	for (u32 id = 0; id <= btf->nr_types && id < 64; id++)
		print_type(&out, btf, id);
	sb_free(&out);
}

static void use_prog(const struct image *img, const struct image_prog *p)
{
	char where[128];

	if (isa_check(p->insns, p->nr_insns, NULL, NULL))
		abort();
	for (u32 i = 0; i < p->nr_insns; i += isa_slots(&p->insns[i])) {
		const struct bpf_insn *insn = &p->insns[i];

		image_where(where, sizeof(where), img, p, i);
		if (isa_slots(insn) == 2 && (insn->src_reg == BPF_PSEUDO_MAP_IDX ||
		    insn->src_reg == BPF_PSEUDO_MAP_IDX_VALUE) &&
		    (u32)insn->imm >= img->nr_maps)
			abort();
		if (image_func(p, i)->insn > i)
			abort();
	}
}

/* Relocations as text; externs exist that instructions refer to. */
static void use_cores(struct image *img)
{
	struct strbuf out = { 0 };

	for (u32 i = 0; i < img->nr_progs; i++)
		for (u32 k = 0; k < img->progs[i].nr_cores; k++) {
			core_describe(&out, img->btf, &img->progs[i].cores[k].relo);
			sb_reset(&out);
		}
	sb_free(&out);
	for (u32 i = 0; i < img->nr_externs; i++)
		if (img->externs[i].type_id >= img->btf->nr_types)
			abort();
	obj_set(img, "cfg.ports[1]", "7", NULL);
	obj_set(img, "limit", "-1", NULL);
	obj_set(img, "name", "text", NULL);
}

/* Once more for a kernel whose types are those of a copy: found by name. */
static void other_types(const u8 *data, size_t bytes)
{
	struct target t = { .btf_name = "copy", .btf_tried = true, .config_tried = true,
			    .version = 0x60000 };
	struct image *first, *img;

	if (obj_open(&first, data, bytes, "fuzz.o", NULL))
		return;
	if (first->btf) {
		t.btf.btf = first->btf;
		if (!obj_open_for(&img, &t, data, bytes, "fuzz.o", NULL))
			image_free(img);
	}
	image_free(first);
	arena_free(&t.arena);
}

static void open_object(const u8 *data, size_t bytes)
{
	struct skep_err err = { 0 };
	struct image *img;

	if (obj_open(&img, data, bytes, "fuzz.o", &err)) {
		if (!err.code || !strstr(err.text, "error: "))
			abort();
		return;
	}
	use_cores(img);
	other_types(data, bytes);
	for (u32 i = 0; i < img->nr_progs; i++)
		use_prog(img, &img->progs[i]);
	for (u32 i = 0; i < img->nr_maps; i++) {
		const struct image_map *m = &img->maps[i];
		u32 sum = 0;

		for (u32 k = 0; m->init && k < m->value_size; k++)
			sum += m->init[k];
		for (u32 k = 0; k < m->nr_slots; k++)
			if (m->slots[k] < -1 || m->slots[k] >=
			    (s32)(m->inner ? img->nr_maps : img->nr_progs))
				abort();
		for (u32 k = 0; m->init && k < m->init_bytes; k++)
			sum += m->init[k];
		for (u32 k = 0; k < m->nr_ops; k++)
			if (m->ops[k].prog >= img->nr_progs)
				abort();
		if (sum == 1 && image_map_find(img, m->name) < 0)
			abort();
	}
	if (img->btf)
		print_types(img->btf);
	image_free(img);
}

static void open_types(const u8 *data, size_t bytes)
{
	struct arena arena = ARENA_INIT;
	struct skep_err err;
	struct btf *btf;
	struct btf_ext *ext;
	size_t n = bytes;
	const u8 *at = data;

	if (bytes > 3 && data[0] == 'x') {
		n = (size_t)(data[1] | data[2] << 8);
		at = data + 3;
		n = n > bytes - 3 ? bytes - 3 : n;
	}
	if (!btf_parse(&btf, &arena, at, n, "fuzz", &err)) {
		print_types(btf);
		if (at != data)
			btf_ext_parse(&ext, &arena, btf, at + n, bytes - 3 - n,
				      "fuzz", &err);
	}
	arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
	if (obj_is_elf(data, bytes))
		open_object(data, bytes);
	else
		open_types(data, bytes);
	return 0;
}
