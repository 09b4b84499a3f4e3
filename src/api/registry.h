/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * registry.h: which programs, maps and links processes have in the embedded engine, for
 * `skep prog show --on user` and its like. A process tells of each object that it has
 * loaded in a file of its own, JSON text of which others only read: registry.c. Reading
 * trusts none of it: registry_read.c.
 *
 * The folder is $SKEP_REGISTRY, or skep/.live in the user's folder for the session
 * ($XDG_RUNTIME_DIR), which only the user can write to; SKEP_REGISTRY=off, or no such
 * folder: nothing is written anywhere, and nothing fails. The file is called PID.N, is
 * whole from the moment it has that name, and goes with the object; that of a process
 * that was killed goes when somebody looks. A child of fork() tells of nothing that its
 * parent loaded.
 */
#ifndef API_REGISTRY_H
#define API_REGISTRY_H

#include "api/object.h"

/* ---- registry.c: what this process tells -------------------------------------------- */

/* OBJ is loaded, and is to be closed. */
void registry_publish(struct skep_object *obj);
void registry_drop(struct skep_object *obj);
/* Program PROG of OBJ is attached: KIND says how ("port"), WHERE to what. */
void registry_link(struct skep_object *obj, u32 prog, const char *kind, const char *where);

/* ---- registry_read.c: what others tell ------------------------------------------------- */

struct registry_prog {
	u32 id;			/* of the object, as those of maps and links are */
	const char *name, *section, *type, *tag, *engine;	/* "xdp", "jit-opt" */
	const char *verdict;
	bool gpl;
	u32 xlated, jited;	/* bytes */
	u32 *maps, nr_maps;
};
struct registry_map {
	u32 id, type, key_size, value_size, max_entries, flags;
	const char *name, *pin;	/* NULL: it is not pinned */
};
struct registry_link {
	u32 id, prog;
	const char *kind, *where;
};
/* One object of one process. */
struct registry_object {
	u32 pid, serial, uid;
	char comm[16];
	const char *file;
	u64 loaded_at;		/* s since 1970 */
	struct registry_prog *progs;
	struct registry_map *maps;
	struct registry_link *links;
	u32 nr_progs, nr_maps, nr_links;
	/* who wrote it, and where pid and start mean something */
	u64 start, ns;
};

/* What N bytes of DATA tell, in memory of A. Errors: JSON; false text is never printed as
 * it is: names have no control characters. */
int registry_parse(struct registry_object *o, struct arena *a, const void *data, size_t n,
		   const char *where, struct skep_err *err);

/*
 * Calls FN with each object of a process that is there, by process and number; for root
 * those of all users. Takes away what processes of this user that are gone have left.
 * BAD is told of each file that is none.
 */
typedef void registry_fn(void *arg, const struct registry_object *o);
typedef void registry_bad_fn(void *arg, const char *path, const struct skep_err *why);
void registry_each(registry_fn *fn, registry_bad_fn *bad, void *arg);

/* The folder, for free(), or NULL; MAKE: it is made when it is not there. */
char *registry_dir(bool make);
/* Why there is none that a process could tell anything in, in N bytes of WHY; false: there
 * is one, or the first process that has something to tell makes it. */
bool registry_absent(char *why, size_t n);

enum { REGISTRY_BYTES = 16 << 20 };	/* that a file may have */

#endif
