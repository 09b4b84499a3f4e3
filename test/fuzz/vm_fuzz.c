/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_fuzz.c: the checked interpreter. The input is a packet's size, its
 * metadata's size and 8 bytes for each instruction, made into a program that
 * passes isa_check; test/unit/vm_gen.h says what must hold when it runs.
 */
#include "unit/vm_gen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct gen g;

	if (!w.machine)
		world_init(&w);
	gen_make(&g, data, size);
	gen_run(&w, &g);
	return 0;
}
