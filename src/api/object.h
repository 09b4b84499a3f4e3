/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * object.h: the inside of struct skep_object for the command line, which
 * shows more of an object than the public interface does.
 */
#ifndef API_OBJECT_H
#define API_OBJECT_H

#include "base/strbuf.h"
#include "kernel/kernel.h"
#include "model/backend.h"
#include "model/rewrite.h"
#include "model/target.h"
#include "skep/skep.h"

extern const u64 object_no_ticket;	/* where programs' ticket is that have none */

struct skep_prog {
	struct skep_object *obj;
	u32 index;
	s64 loaded;		/* the backend's number, or -1 */
	const u64 *ticket;	/* of the engine (prog_ticket), or object_no_ticket */
	enum skep_verdict verdict;
	const char *note;	/* why it is not FAST although somebody asked, or NULL */
	u32 note_insn;
	bool fast;		/* verified, and runs without checks: as CODE says */
	struct rewrite code;
};
struct skep_map {
	struct skep_object *obj;
	u32 index;		/* the backend's number */
	const struct image_map *def;
	bool absent;		/* the backend has no such maps, and nothing that
				   is loaded needs it: a place holder is there */
};

/* For a load into the kernel. */
struct object_kernel {
	struct kernel_load load;
	const int *maps;	/* by image index: a map that stands for the object's, -1: none;
				   not owned. NULL: none does */
};

/* How the embedded engine loads it besides: for runs that are to be had again. */
struct object_replay {
	struct tape *tape;	/* runtime_opts.tape, .map_seed */
	u64 map_seed;
};

struct skep_object {
	struct image *img;
	bool shares;		/* img belongs to another object */
	struct backend *backend;	/* NULL until loaded */
	struct target *target;	/* what the running kernel showed when the object was
				   opened; kept for a load into it, or NULL */
	char *btf;		/* what it was opened with, or NULL */
	struct skep_prog *progs;	/* by image index */
	struct arena arena;	/* of what the verifier said; lives as long */
	struct strbuf reasons;	/* why it was not loaded: lines */
	struct skep_reason *reason;	/* the same one by one, with their text */
	u32 nr_reasons;
	struct skep_map *maps;		/* by image index, as the backend's */
	const struct sockets *sockets;	/* that are described; NULL: none are */
	struct sockets *own_sockets;	/* of skep_object_sockets, or NULL */
	const struct object_replay *replay;	/* or NULL */
	const struct object_kernel *kernel;	/* how the kernel loads it, or NULL */
	struct registry *registry;	/* what others see of it (registry.h), or NULL */
	u8 *elf;			/* the file that it was opened from, where somebody
					   keeps that; or NULL */
	u64 elf_bytes;
	struct object_aot *aot;	/* what `skep aot` made of it (aot.h), or NULL */
	const struct run_who *who;	/* who programs are told that calls them; or NULL */
	bool sampled;		/* it is to be loaded so that a sampler (runtime.h) can look */
};

struct sockets;
/* Describes sockets to the engine of OBJ, which is loaded; S lives as long as OBJ.
 * Errors: USAGE. */
int object_sockets(struct skep_object *obj, const struct sockets *s, struct skep_err *err);

/* Opens what is in memory; OPTS may be NULL. */
int object_open(struct skep_object **obj, const struct skep_open_opts *opts,
		const void *data, size_t bytes, const char *name, struct skep_err *err);

/* The native code of a loaded program (jit/jit.h); its slots are those of prog->code.
 * NULL: it has none. */
const struct jit_code *prog_native(const struct skep_prog *prog);

/* An object of IMG, which is its own now. */
struct skep_object *object_make(struct image *img);

/* The same object once more, to be loaded into another engine; lives no longer
 * than OBJ. */
struct skep_object *object_twin(struct skep_object *obj);

/* Programs of one type, by image index; at least one. */
struct prog_set { const u32 *v; size_t n; };

/*
 * Loads the programs of ONLY and, when the object has prog arrays, all of their
 * type; all autoloaded programs when ONLY is NULL.
 */
int object_load(struct skep_object *obj, const struct skep_load_opts *opts,
		const struct prog_set *only, struct skep_err *err);

/* ---- pinned.c ---------------------------------------------------------------- */

/* Appends the path of NAME in DIR; DIR "" is the user's own folder, which is made, NULL
 * none: NAME is a path. Error: PIN. */
int pin_path(struct strbuf *out, const char *dir, const char *name, struct skep_err *err);

/* The map in file PATH as an object of no programs, loaded. Errors: FILE_OPEN, PIN,
 * SHARE_FILE, SHARE_MEMBERS. */
int object_open_pinned(struct skep_object **obj, const char *path, struct skep_err *err);
/* Are the files of OBJ's pinned maps what they were? SHARE_FILE: somebody truncated one. */
int object_pins_whole(const struct skep_object *obj, struct skep_err *err);

/* ---- judge.c ----------------------------------------------------------------- */

/*
 * Asks the verifier about the N programs of OBJ whose indexes are PROGS and rewrites
 * those that it accepts. -EACCES with its first reason in ERR and all of them in OBJ
 * when it refuses one.
 */
int object_judge(struct skep_object *obj, const u32 *progs, u32 n, struct skep_err *err);
void object_judge_free(struct skep_object *obj);

/* Do values of a map of TYPE name programs that run on what is redirected there? */
static inline bool map_runs_programs(u32 type)
{
	return type == BPF_MAP_TYPE_DEVMAP || type == BPF_MAP_TYPE_DEVMAP_HASH ||
	       type == BPF_MAP_TYPE_CPUMAP;
}

/*
 * The user's update of map number MAP, which is as DEF says. The value of a prog
 * array is a program's index in the object (u32), the second word of a value of
 * such maps 1 + index, 0 for none; -EBADF when that is not loaded or not made for
 * it.
 */
int object_map_update(struct skep_object *obj, const struct image_map *def, u32 map,
		      const void *key, const void *value, u64 flags);

#endif
