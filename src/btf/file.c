/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * file.c: raw BTF from files. What sysfs shows was made or checked by the
 * kernel and cannot change: it is used where it is mapped. Everything else may
 * change under our feet and is copied before it is checked.
 */
#include "btf/parse.h"
#include "base/os.h"

void btf_guess_addr(struct btf *btf)
{
	static const char *const names[] = {
		"long unsigned int", "long int", "long", "unsigned long",
	};

	for (u32 id = btf->first_id; id < btf->nr_types; id++) {
		const struct btf_type *t = btf_type(btf, id);

		if (btf_kind(t) != BTF_KIND_INT || (t->size != 4 && t->size != 8))
			continue;
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			if (!strcmp(btf_str(btf, t->name_off), names[i])) {
				btf->addr_bytes = t->size;
				return;
			}
	}
}

int btf_open_read(struct btf_file *f, const struct os_file *file,
		  const char *path, const struct btf *base, struct skep_err *err)
{
	struct parse p = {
		.arena = &f->arena, .where = path, .err = err,
		.in_place = file->sysfs, .trusted = file->sysfs,
	};
	int ret;

	memset(f, 0, sizeof(*f));
	f->file = *file;
	p.btf = arena_new(&f->arena, struct btf);
	ret = btf_parse_into(&p, base, file->data, file->size);
	if (ret) {
		btf_close_file(f);
		return ret;
	}
	f->btf = p.btf;
	if (!base)
		btf_guess_addr(f->btf);
	if (!p.in_place)
		os_file_close(&f->file);
	return 0;
}

int btf_open_file(struct btf_file *f, const char *path, const struct btf *base,
		  struct skep_err *err)
{
	struct os_file file;
	int ret = os_file_read(&file, path, err);

	memset(f, 0, sizeof(*f));
	return ret ? ret : btf_open_read(f, &file, path, base, err);
}

void btf_close_file(struct btf_file *f)
{
	arena_free(&f->arena);
	os_file_close(&f->file);
	f->btf = NULL;
}
