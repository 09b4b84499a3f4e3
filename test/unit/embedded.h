/* SPDX-License-Identifier: BSD-2-Clause */
/* embedded.h: BPF objects inside other files, as commands carry them. */
#ifndef TEST_EMBEDDED_H
#define TEST_EMBEDDED_H

#include "base/os.h"
#include <elf.h>

/* The next BPF object in F at or after *AT; its length, 0 when there is none. */
static inline size_t embedded_next(const struct os_file *f, size_t *at)
{
	static const u8 magic[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };

	for (; *at + sizeof(Elf64_Ehdr) < f->size; ++*at) {
		const u8 *p = memmem(f->data + *at, f->size - *at, magic, sizeof(magic));
		Elf64_Ehdr h;

		*at = p ? (size_t)(p - f->data) : f->size;
		if (!p || !in_bounds(*at, sizeof(h), f->size))
			return 0;
		memcpy(&h, p, sizeof(h));
		if (h.e_machine == EM_BPF && in_bounds(h.e_shoff, 64ull * h.e_shnum, f->size - *at))
			return h.e_shoff + 64ull * h.e_shnum;
	}
	return 0;
}

#endif
