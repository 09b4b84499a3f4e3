/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map.h: maps of the embedded engine. One file per map type fills a struct
 * map_ops; semantics, flags and errno are the kernel's (6.18).
 *
 * A map is one flat, position-independent area (mem): header, index, elements,
 * free list, all linked by element numbers, never by addresses, so that the
 * same layout works on the heap and in a file shared by processes. Elements
 * are never unmapped while the map lives: a pointer from a lookup stays
 * memory-safe. An update builds a new element and publishes it by one store;
 * the old one keeps its value until it is reused.
 */
#ifndef MAPS_MAP_H
#define MAPS_MAP_H

#include "base/err.h"
#include "model/mapmem.h"
#include "model/tables.h"
#include <linux/bpf.h>

struct map;

struct map_attr {
	const char *name;
	u32 type, key_size, value_size, max_entries, map_flags;
	u64 map_extra;
};

struct map_ops {
	u32 type;
	/* Refuses attributes as the kernel would: fills ERR_MAP_ATTR, whose
	   text gives the kernel's errno name. */
	int (*check)(const struct map_attr *a, struct skep_err *err);
	/* Bytes of the area for attributes that passed check; U64_MAX = too big */
	u64 (*bytes)(const struct map_attr *a, u32 cpus);
	void (*init)(struct map *m);	/* mem is zeroed */
	struct map_mem (*values)(const struct map *m);
	/* CPU is the caller's slot; a per-cpu map gives that slot's value. */
	void *(*lookup)(struct map *m, const void *key, u32 cpu);
	int (*update)(struct map *m, const void *key, const void *value, u64 flags, u32 cpu);
	int (*remove)(struct map *m, const void *key);
	/* NEXT after KEY in the kernel's order; KEY NULL or absent = the first;
	   -ENOENT at the end. */
	int (*next_key)(struct map *m, const void *key, void *next);
	u64 (*count)(const struct map *m);	/* elements now in it */
};

struct map {
	const struct map_ops *ops;
	const struct maptype_row *row;
	const char *name;		/* owned */
	u32 type, key_size, value_size, max_entries, map_flags;
	u64 map_extra;
	u32 cpus;			/* slots of per-cpu values */
	u32 value_stride;		/* value_size rounded up to 8 */
	bool frozen;			/* no writes from outside programs */
	u8 *mem;			/* the flat area */
	u64 mem_bytes;
};

/* Creates a map; memory is committed as it is touched. Errors: MAP_TYPE,
 * MAP_ATTR, MAP_SIZE. */
int map_create(struct map **out, const struct map_attr *attr, u32 cpus,
	       struct skep_err *err);
void map_free(struct map *m);

/* ---- the program's side (helpers) --------------------------------------- */
/* ops->lookup, update, remove as they are. */

/* ---- the user's side (bpf(2) semantics) ---------------------------------- */

/* Bytes of a value as user space sees it: value_size, or cpus * value_stride
 * for per-cpu maps. */
u64 map_user_value_bytes(const struct map *m);
/* 0 or the kernel's -errno: -ENOENT, -E2BIG, -EEXIST, -EINVAL, -EPERM ... */
int map_user_lookup(struct map *m, const void *key, void *value, u64 flags);
int map_user_update(struct map *m, const void *key, const void *value, u64 flags);
int map_user_delete(struct map *m, const void *key);
int map_user_next_key(struct map *m, const void *key, void *next);
int map_freeze(struct map *m);

#endif
