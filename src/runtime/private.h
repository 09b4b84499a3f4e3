/* SPDX-License-Identifier: BSD-2-Clause */
/* private.h: what the files of runtime share. */
#ifndef RUNTIME_PRIVATE_H
#define RUNTIME_PRIVATE_H

#include "base/vec.h"
#include "maps/map.h"
#include "model/sock.h"
#include "runtime/runtime.h"
#include "vm/vm.h"

struct runtime_prog {
	const struct image *img;
	const struct image_prog *prog;
	const struct host *host;
	struct vm_code *code;
	struct vm_map *maps;	/* what the code is bound to */
	u64 budget;		/* when nobody says otherwise */
	bool in_place;		/* may run on a packet without room around it */
};

struct runtime_map {
	struct map *m;
	struct vm_map vm;	/* the same for the engine */
	u32 held;		/* by its creator and by maps of maps; 0: it goes when
				   no program runs */
};

/* What left a program on its way, in memory of its own each. */
struct copies {
	VEC(struct test_copy) v;
	u64 bytes;
};

struct runtime {
	struct backend b;	/* first */
	struct runtime_opts opts;
	VEC(struct runtime_map *) maps;	/* NULL: gone */
	u32 dead;		/* of them are held by nobody */
	u32 running;		/* programs may have pointers to maps */
	bool resort;		/* the next two are out of date */
	/* nr_inner maps by the address of their struct map, and by that of their
	   values: what lookups in maps of maps may have given to programs */
	struct runtime_map **by_map, **by_addr;
	size_t nr_inner;
	VEC(struct runtime_prog *) progs;
	struct vm_machine *machine;
	struct run run;
	u8 *buffer;		/* of the host in use */
	u64 buffer_bytes;
	struct copies copies;	/* of the run at hand */
	struct sock_table socks;	/* that are described */
};

static inline struct runtime *rt_of(struct backend *b)
{
	return (struct runtime *)b;
}

static inline struct runtime *rt_of_run(struct run *run)
{
	return (struct runtime *)((u8 *)run - offsetof(struct runtime, run));
}

/* NULL: there is no such map, or it is gone for users. */
static inline struct map *rt_map(struct backend *b, u32 map)
{
	const struct runtime *rt = rt_of(b);

	return map < rt->maps.n && rt->maps.v[map] && rt->maps.v[map]->held ?
	       rt->maps.v[map]->m : NULL;
}

/* ---- maps.c ------------------------------------------------------------------------- */

/* Creates a map as ATTR says, which this completes. Errors as of map_create. */
int runtime_map_make(struct runtime *rt, struct map_attr *attr, struct map **out,
		     struct skep_err *err);
/* The number of M from now on; RT owns it. */
u32 runtime_map_add(struct runtime *rt, struct map *m);
/* Map ID of runtime ARG is held by so many more. */
void runtime_held(void *arg, u32 id, int by);
/* Frees the maps that nobody holds, unless a program runs. */
void runtime_reap(struct runtime *rt);
void runtime_maps_free(struct runtime *rt);

/* Runs program P in the context as it is; *RET is what it answers. Errors as of
 * test_run. */
int runtime_exec(struct runtime *rt, const struct runtime_prog *p, u64 budget, u32 *ret,
		 struct skep_err *err);

/* ---- forward.c: where packets go from a program -------------------------------- */

void forward_reset(struct runtime *rt);
/* Adds a copy of the packet of RT->run; -ENOMEM when there are too many. */
int forward_copy(struct runtime *rt, u32 verdict, u32 ifindex);
/* Whether what bpf_redirect_map chose takes more than a look at its ifindex. */
bool forward_wanted(const struct runtime *rt, u32 verdict);
/* After a program answered XDP_REDIRECT: broadcasts, programs of devmaps and
 * cpumaps. The packet is afterwards as before. */
int forward_redirect(struct runtime *rt, u64 budget, struct skep_err *err);

#endif
