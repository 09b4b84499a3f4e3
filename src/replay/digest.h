/* SPDX-License-Identifier: BSD-2-Clause */
/* digest.h: what maps hold, in a few bytes: the same on any engine and machine. */
#ifndef REPLAY_DIGEST_H
#define REPLAY_DIGEST_H

#include "api/object.h"
#include "replay/record.h"

/* Of map INDEX of OBJ, which is loaded: elements that are not all 0 where all are there
 * (arrays); false: of records that come and go, and of what has no keys to ask by. */
bool map_digest(const struct skep_object *obj, u32 index, struct record_map *out);

#endif
