/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record_fuzz: hostile recordings. The input is the items of a block, which gets the
 * checksum that it must have; the object in it, programs, changes and runs are then what
 * the input says. The same bytes are also read as a whole file. Nothing may crash, run for
 * ever or read what is not there, verified or not.
 */
#include "replay/format.h"
#include "replay/player.h"
#include <stdlib.h>

enum { RUNS_MAX = 64, BUDGET = 20000 };

static void put_le(u8 *to, u64 v, u32 bytes)
{
	for (u32 i = 0; i < bytes; i++)
		to[i] = (u8)(v >> 8 * i);
}

/* A recording of one block with these items. */
static u8 *wrap(const u8 *data, size_t size, u64 *bytes)
{
	u8 *file = calloc(1, RECORD_HEAD_BYTES + RECORD_BLOCK_HEAD + size + 1);
	u8 *block = file + RECORD_HEAD_BYTES;

	memcpy(file, RECORD_MAGIC, 8);
	put_le(file + 8, RECORD_VERSION, 4);
	put_le(block, RECORD_BLOCK, 4);
	put_le(block + 4, size, 4);
	put_le(block + 8, record_digest(data, size, 0), 8);
	if (size)
		memcpy(block + RECORD_BLOCK_HEAD, data, size);
	*bytes = RECORD_HEAD_BYTES + RECORD_BLOCK_HEAD + size;
	return file;
}

static void read_all(const void *file, u64 bytes)
{
	struct record_reader *r;
	struct record_item item;
	struct skep_err err;

	if (record_open_mem(&r, file, bytes, "fuzz", &err))
		return;
	while (record_next(r, &item, &err) > 0)
		;
	record_reader_close(r);
}

static void play(const u8 *file, u64 bytes, bool unverified)
{
	const struct player_opts opts = { .jit = SKEP_JIT_OFF, .unverified = unverified,
		.budget = BUDGET, .repeat_max = 2 };
	struct player_run run;
	struct skep_err err;
	struct player *p;

	if (player_open_mem(&p, file, bytes, "fuzz", &opts, &err))
		return;
	for (int i = 0; i < RUNS_MAX && player_next(p, &run, &err) > 0; i++)
		;
	player_maps(p, NULL, NULL);
	player_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	u64 bytes;
	u8 *file;

	read_all(data, size);
	if (!size)
		return 0;
	file = wrap(data + 1, size - 1, &bytes);
	read_all(file, bytes);
	play(file, bytes, data[0] & 1);
	free(file);
	return 0;
}
