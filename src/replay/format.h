/* SPDX-License-Identifier: BSD-2-Clause */
/* format.h: between writer and reader of recordings: how items and blocks lie in a file. */
#ifndef REPLAY_FORMAT_H
#define REPLAY_FORMAT_H

#include "replay/record.h"

/*
 * The file begins with RECORD_MAGIC, the version and 0, 4 bytes each. Then blocks: RECORD_BLOCK,
 * 4 bytes; how many bytes of items, 4; their digest, 8; the items. All numbers are little
 * endian. An item is its kind, a NUM, and its fields (record.def).
 */
enum { RECORD_HEAD_BYTES = 16, RECORD_BLOCK_HEAD = 16, RECORD_BLOCK = 0x4b434c42 };

#define RECORD_BYTES_MAX (1u << 30)	/* of one member */

enum record_type { FIELD_NUM, FIELD_WORD, FIELD_BYTES };

struct record_field {
	u8 kind, type;		/* enum record_kind, record_type */
	u8 size;		/* of the member, of NUM */
	u16 at;			/* in struct record_item */
};

/* The fields of items of KIND: *N of them. */
const struct record_field *record_fields(u32 kind, u32 *n);

#endif
