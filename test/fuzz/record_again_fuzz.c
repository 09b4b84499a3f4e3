/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record_again_fuzz: runs of the kernel that never were, computed again. The input is a program
 * (test/unit/vm_gen.h), which of its instructions tell, and what they told. Whatever
 * that is, no memory may be touched that is not ours, and each run ends.
 */
#include "obj/obj.h"
#include "replay/again.h"
#include "unit/vm_gen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RUNS = 3, VALUE = 64, BUDGET = 5000 };

static const struct image_map maps[] = {
	{ .name = "array", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = VALUE,
	  .max_entries = 1 },
	{ .name = "hash", .type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = VALUE,
	  .max_entries = 4 },
	{ .name = "percpu", .type = BPF_MAP_TYPE_PERCPU_HASH, .key_size = 8, .value_size = 12,
	  .max_entries = 4 },
	{ .name = "ring", .type = BPF_MAP_TYPE_RINGBUF, .max_entries = 4096 },
	{ .name = "constants", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = VALUE,
	  .max_entries = 1, .kind = IMAGE_MAP_RODATA },
};

/* What the input says a run saw: a part of it each time. */
static void run(struct again *a, const u8 *words, size_t n, u32 i)
{
	struct skep_err err = { 0 };

	if (again_item(a, &(struct record_item){ .kind = RECORD_RUN,
			.run = { .number = i + 1, .cpu = i & 1 } }, &err))
		return;
	again_item(a, &(struct record_item){ .kind = RECORD_SEEN,
		.seen = { i & RECORD_SEEN_CUT, { words, n } } }, &err);
	again_item(a, &(struct record_item){ .kind = RECORD_RESULT }, &err);
}

static void compare(struct again *a)
{
	for (u32 i = 0; i < ARRAY_LEN(maps); i++) {
		struct skep_err err = { 0 };
		struct record_item item = { .kind = RECORD_MAP, .map = { .index = i } };

		if (!again_item(a, &item, &err))
			again_compare(a, &item.map);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t head = size < 4 ? size : 2 + size / 2, left = size - head;
	struct skep_err err = { 0 };
	struct image *img;
	struct again *a;
	struct gen g;
	u8 saw[GEN_SLOTS];

	gen_make(&g, data, head);
	if (obj_from_insns(&img, BPF_PROG_TYPE_XDP, "fuzz", g.slots, g.n, maps, ARRAY_LEN(maps),
			   "GPL", &err))
		return 0;
	for (u32 i = 0; i < g.n; i++)
		saw[i] = left ? data[head + i % left] & 7 : SAW_VALUE;
	a = again_new("fuzz", NULL, NULL);
	again_give(a, img);
	again_limit(a, BUDGET);
	again_item(a, &(struct record_item){ .kind = RECORD_OPTION,
		.option = { { "cpus", 4 }, { "2", 1 } } }, &err);
	again_item(a, &(struct record_item){ .kind = RECORD_PLAN, .plan = { 0, { saw, g.n } } },
		   &err);
	for (u32 i = 0; i < RUNS; i++)
		run(a, data + head, left - left * i / RUNS, i);
	compare(a);
	again_free(a);
	return 0;
}
