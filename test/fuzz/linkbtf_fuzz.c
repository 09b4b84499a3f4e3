/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linkbtf_fuzz.c: the linker's types. The input is the length of a .BTF (2
 * bytes), that .BTF and a .BTF.ext; they take the place of those of an object
 * that is sound, which is then linked with another. What comes out must be an
 * object that can be linked again, with types that can be read.
 */
#include "obj/linker.h"
#include "obj/obj.h"
#include <gelf.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes);

static struct os_file sound[2];

static bool read_sound(void)
{
	struct skep_err err;

	return sound[0].data ||
	       (!os_file_read(&sound[0], TEST_DIR "/obj/link-a.o", &err) &&
		!os_file_read(&sound[1], TEST_DIR "/obj/link-b.o", &err));
}

static Elf64_Shdr *section(u8 *elf, const char *name)
{
	const Elf64_Ehdr *h = (const void *)elf;
	Elf64_Shdr *sh = (Elf64_Shdr *)(void *)(elf + h->e_shoff);
	const char *names = (const char *)elf + sh[h->e_shstrndx].sh_offset;

	for (u32 i = 1; i < h->e_shnum; i++)
		if (!strcmp(names + sh[i].sh_name, name))
			return &sh[i];
	abort();
}

/* The sound object with N bytes at DATA as its section NAME. */
static void replace(u8 *elf, size_t *end, const char *name, const u8 *data, size_t n)
{
	Elf64_Shdr *sh = section(elf, name);

	*end = round_up(*end, 8);
	memcpy(elf + *end, data, n);
	sh->sh_offset = *end;
	sh->sh_size = n;
	*end += n;
}

static void link_again(const struct os_file *out)
{
	const struct linker_input one = { out->data, out->size, "linked.o" };
	struct skep_err err = { 0 };
	struct os_file again;
	struct image *img;

	if (obj_link(&again, &one, 1, &err)) {
		fputs(err.text, stderr);
		abort();
	}
	os_file_close(&again);
	if (!obj_open(&img, out->data, out->size, "linked.o", &err))
		image_free(img);
	else if (!strstr(err.text, "error: "))
		abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
	size_t n = bytes < 2 ? 0 : min_u64(data[0] | (u64)data[1] << 8, bytes - 2), end;
	struct linker_input in[2];
	struct skep_err err = { 0 };
	struct os_file out;
	u8 *elf;

	if (bytes < 2 || !read_sound())
		return 0;
	end = sound[0].size;
	elf = mem_alloc(end + bytes + 32);
	memcpy(elf, sound[0].data, end);
	replace(elf, &end, ".BTF", data + 2, n);
	replace(elf, &end, ".BTF.ext", data + 2 + n, bytes - 2 - n);
	in[0] = (struct linker_input){ elf, end, "a.o" };
	in[1] = (struct linker_input){ sound[1].data, sound[1].size, "b.o" };
	if (!obj_link(&out, in, 2, &err)) {
		link_again(&out);
		os_file_close(&out);
	} else if (!err.code || !strstr(err.text, "error: ")) {
		abort();
	}
	free(elf);
	return 0;
}
