/* SPDX-License-Identifier: BSD-2-Clause */
/* pin.c: see pin.h. */
#include "model/pin.h"

/* Says each property in which the pinned map is another than DEF. */
static bool differs(const struct pin_info *is, const struct image_map *def, struct skep_err *err)
{
	const struct maptype_row *row = maptype_row(is->type), *want = maptype_row(def->type);
	const struct { const char *name; u32 is, want; } rows[] = {
		{ "key_size", is->key_size, def->key_size },
		{ "value_size", is->value_size, def->value_size },
		{ "max_entries", is->max_entries, def->max_entries },
		{ "map_flags", is->map_flags, def->map_flags },
	};
	bool differ = is->type != def->type;

	if (differ)
		err_note(err, "it is a map of type %s, the object wants %s",
			 row ? row->name : "unknown", want ? want->name : "unknown");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].is == rows[i].want)
			continue;
		err_note(err, "its %s is %u, the object wants %u", rows[i].name, rows[i].is,
			 rows[i].want);
		differ = true;
	}
	return differ;
}

int pin_check(const struct pin_info *is, const struct image_map *def, const char *path,
	      struct skep_err *err)
{
	struct skep_err notes = { 0 };
	int r;

	if (!differs(is, def, &notes))
		return 0;
	r = err_set(err, ERR_PIN, path, "the map that is pinned there is another than '%s'",
		    def->name);
	differs(is, def, err);
	err_help(err, "remove the pin (rm %s) or pin the new map elsewhere", path);
	return r;
}
