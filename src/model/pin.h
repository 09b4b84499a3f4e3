/* SPDX-License-Identifier: BSD-2-Clause */
/* pin.h: is what is pinned what an object wants? The same for all engines. */
#ifndef MODEL_PIN_H
#define MODEL_PIN_H

#include "model/image.h"

/* What a pinned map says of itself. */
struct pin_info {
	u32 type, key_size, value_size, max_entries, map_flags;
};

/* 0, or PIN with each property in which the map at PATH is another than DEF. */
int pin_check(const struct pin_info *is, const struct image_map *def, const char *path,
	      struct skep_err *err);

#endif
