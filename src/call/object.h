/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * object.h: memory that programs allocate: local objects and cpumasks, with a
 * count of references. References are programs' (lent by the engine) or map
 * values' (fields with __kptr); what has none is free: at once, or, when a map value has
 * had it, as soon as every execution has ended that was under way then.
 */
#ifndef CALL_OBJECT_H
#define CALL_OBJECT_H

#include "base/keep.h"
#include "model/run.h"

/* BYTES of zeroes with one reference, which RUN's program gets, or 0. */
u64 object_new(struct run *run, u64 bytes, enum lent_kind kind);
/* A copy of the BYTES at FROM that no program has: as if a map value had it; or 0. */
u64 object_keep(struct objects *o, const void *from, u64 bytes, enum lent_kind kind);
/* The memory of the object at AT when it is of KIND, or NULL. */
void *object_of_kind(const struct objects *o, u64 at, enum lent_kind kind);
/* One reference more for the program; 0: it has none any more. */
u64 object_get(struct run *run, u64 at);
/* One less; the engine has seen that the program had it. */
void object_put(u64 at);
/* Makes what RUN's objects lie in, before several threads may. */
void objects_open(struct run *run);
/* A reference that a map value has had: it is gone with the value. */
void object_gone(void *objects, u64 at);
void objects_free(struct objects *o);
/* Tells what runs change (base/keep.h); O may be NULL. */
void objects_keep(struct objects *o, keep_fn keep, void *arg);

#endif
