/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json_store.h: JSON as bytes of a type, between those that fill maps from it (map_json.c)
 * and json_store.c, which has values. Only where there is libjansson.
 */
#ifndef CLI_JSON_STORE_H
#define CLI_JSON_STORE_H

#include "cli/jansson.h"
#include "cli/json_at.h"
#include "cli/run.h"

enum { STEPS_MAX = 32, PATH_BYTES = 256 };

/* What is loaded, and where it is. */
struct json_load {
	struct json_lib lib;
	struct skep_object *obj;
	const struct image_map *def;
	struct map_info info;
	u32 index;		/* the engine's number */
	s64 made;		/* map that was made for the element at hand, or -1 */
	const char *where;	/* "deny.json" */
	const struct os_file *text;
	struct json_step steps[STEPS_MAX];	/* to the value at hand */
	u32 depth;			/* may be above STEPS_MAX */
	char path[PATH_BYTES];		/* the same as text: "[3].key.addr" */
	u64 cpus_seen;			/* of the element at hand, the first 64 */
	struct json_values *values;	/* outside maps: of TYPE, 0 unknown */
	u32 type;
	struct skep_err *err;
};

/* "FILE:LINE:COL" of the value at hand. */
void json_place(const struct json_load *l, char *where, size_t size);
int json_bad(struct json_load *l, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Goes to member KEY, or to element INDEX when KEY is NULL, of the value at hand. What it
 * returns leads back. */
size_t json_enter(struct json_load *l, const char *key, size_t index);
int json_back(struct json_load *l, size_t n, int r);
/* The text in V, NULL for what is none or holds a NUL. */
const char *json_text_of(const struct json_load *l, const json_t *v);
const char *json_kindof(const json_t *v);
bool json_holds_maps(const struct json_load *l);
/* Stores V as TYPE, 0 unknown, in BYTES. Error: MAP_DATA. */
int json_store(struct json_load *l, u32 type, const json_t *v, u8 *out, u32 bytes);
/* Reads F and gives LOAD its root. Errors: JSON, and LOAD's. */
typedef int json_load_fn(struct json_load *l, const json_t *root);
int json_parse(struct json_load *l, const struct os_file *f, json_load_fn *load);

#endif
