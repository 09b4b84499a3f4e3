/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aot.h: what `skep aot` writes and skep_object_open_aot reads: native code, and data of
 * this layout. Places are bytes from the beginning of the data, at multiples of 8; texts end
 * with a NUL. It is linked into the process that reads it and as trusted as that: what is
 * checked is that it is whole, and for this library and machine.
 */
#ifndef API_AOT_H
#define API_AOT_H

#include "api/object.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "runtime/dwarf.h"
#include "runtime/runtime.h"
#include "skep/aot.h"

struct aot_place { u64 at, n; };	/* n: elements, of bytes or of what it says */

struct aot_head {
	struct aot_place object;	/* the BPF object */
	struct aot_place file;		/* its name, for messages */
	struct aot_place refs;		/* struct aot_ref */
	struct aot_place progs;		/* struct aot_prog */
	struct aot_place maps;		/* struct aot_map: all of the image */
	u32 cpu;			/* of jit_write */
	u32 nr_progs;			/* of the image */
};

/* A program that was compiled. */
struct aot_prog {
	struct aot_place name;
	u32 index;			/* in the image */
	u32 type, expected_attach;
	/* of its code */
	u32 text, bytes, start;
	struct aot_place funcs;		/* struct aot_func */
	/* as the target had it, and as it was rewritten: struct bpf_insn, u32 */
	struct aot_place insns, code, origin;
	u64 bound, stale_reads;
	u32 stack_bytes;
	u8 stale_stack, ends, writes_packet;
};

struct aot_map {
	struct aot_place name;
	u32 type, key_size, value_size;
	struct aot_place init;		/* bytes that it begins with; 0: zeros */
};

/* ---- aot_write.c -------------------------------------------------------------- */

struct aot_opts {
	const char *processor;		/* "x86_64" */
	u32 cpu;			/* that it can, as of jit_write */
	const char *file;		/* for messages later */
	const void *object;		/* what OBJ was opened from */
	size_t bytes;
};

struct aot_out {
	struct strbuf text, data;
	u32 machine;			/* EM_* */
	struct dwarf dwarf;		/* of it, also its functions; names are the object's */
};

/*
 * Compiles the programs of OBJ that are loaded, with SKEP_JIT_OFF. Errors: AOT_PROG, with
 * what is not judged or not compiled.
 */
int object_aot(struct skep_object *obj, const struct aot_opts *opts, struct aot_out *out,
	       struct skep_err *err);
void aot_out_free(struct aot_out *out);
/* What describes OUT, but for where it lies. */
void aot_describe(struct skep_aot *d, const struct aot_out *out);
u64 aot_hash(const void *data, size_t bytes);

/* ---- aot.c ----------------------------------------------------------------------- */

/* What an object that was opened so has besides. */
struct object_aot {
	struct runtime_aot rt;
	struct rewrite *code;		/* by index in the image; insns NULL: it was left out */
};

/* May it be loaded so? Error: RUN (into the kernel). */
int object_aot_ready(const struct skep_object *obj, const struct skep_load_opts *opts,
		     struct skep_err *err);
/* The programs are as they were judged. */
void object_aot_judged(struct skep_object *obj);
void object_aot_free(struct skep_object *obj);
/* skep_object_set for constants that the code has. Error: AOT_SET. */
int object_aot_set(struct skep_object *obj, const char *name, const char *value,
		   struct skep_err *err);

#endif
