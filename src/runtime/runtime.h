/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runtime.h: the embedded engine: owns maps and decoded programs and runs them: those
 * that were verified compiled to native code, or in the fast interpreter where there is
 * no compiler or no memory for code; others in the checked one. Several
 * threads may run programs, each on a virtual cpu of its own (seat.c), and use maps;
 * what opens, loads and closes is for one thread. Separate runtimes are independent.
 */
#ifndef RUNTIME_RUNTIME_H
#define RUNTIME_RUNTIME_H

#include "base/vec.h"
#include "jit/jit.h"
#include "model/host.h"
#include "model/rewrite.h"
#include <skep/skep.h>

struct map;
struct tape;
struct vm_machine;

/* Which compiler is for verified programs. */
enum runtime_jit {
	RUNTIME_JIT_AUTO,	/* the optimising one up to a size (native.c) */
	RUNTIME_JIT_OFF, RUNTIME_JIT_FAST, RUNTIME_JIT_OPT,
};

/* ---- for who looks into runs of this thread: look.c ---- */

/* What the calling thread runs programs of B with. Errors: THREADS, NO_MEM. */
int runtime_look(struct backend *b, struct vm_machine **m, struct run **run,
		 struct skep_err *err);
/* Tells what runs of this thread change (base/keep.h). False: of a map that is in a file
 * nobody can. */
bool runtime_keep(struct backend *b, keep_fn keep, void *arg);
/* Is there nothing that this does not tell, in the run that has stopped (vm_keepable)? */
bool runtime_keepable(struct backend *b);
/* What runs of this thread ask instead of the machine from now on; gives what it was. */
struct tape *runtime_tape_set(struct backend *b, struct tape *t);
/* Before what was told is put back: what a run has besides is given up. */
void runtime_restoring(struct backend *b);
/* USER of vm_bind: program INDEX of *IMG. */
u32 runtime_prog_of(const void *user, const struct image **img);
/* MAP of vm_map: its number, or -1. */
s64 runtime_map_of(struct backend *b, const void *map);
struct map *runtime_map(struct backend *b, u32 number);	/* NULL: there is none */

/* ---- code that was compiled before: aot.c ---- */

/* What an entry of the table below the run holds. */
struct aot_ref {
	u32 what;		/* enum jit_what, of program PROG of the image */
	u32 prog, at;		/* slot of its rewrite; JIT_VALUES, JIT_LOOKUP: a map */
	/* JIT_VALUES: the map is like this, or the code is not for it */
	u32 nr, stride, zero;
	u64 cpu_step;
};

/* A function as C calls it is OFF bytes into the code; for messages, SLOT is there. */
struct aot_func { u32 off, slot; };

/* What a program was compiled to. */
struct aot_code {
	const u8 *code;		/* executable; NULL: it was not compiled */
	u32 bytes, start;	/* C calls it so many bytes from there */
	const struct aot_func *funcs;	/* that callbacks may be */
	u32 nr_funcs;
};

struct runtime_aot {
	const struct aot_ref *refs;
	u32 nr_refs;
	const struct aot_code *progs;	/* by index in the image */
};

struct runtime_opts {
	const struct host *const *hosts;	/* NULL-terminated */
	u32 cpus;		/* virtual cpu slots; 0 = as many as the machine has */
	u64 rand_seed;		/* of bpf_get_prandom_u32; 0 = from the clock */
	void (*print)(void *arg, const char *text, size_t n);	/* bpf_printk */
	void *print_arg;
	bool probe;		/* programs may read all memory of this process */
	enum runtime_jit jit;
	bool counts;		/* vm_count() of what runs in the checked interpreter */
	const struct run_who *who;	/* run->task.who; lives as long as the backend */
	bool sampled;		/* programs note what a sampler wants to know */
	u32 (*stack)(void *arg, bool user, u64 *ips, u32 max);	/* run->stack */
	void *stack_arg;
	bool virtual_clock;	/* time is that of struct test_run */
	struct net *net;	/* what programs see of a network, or NULL; the runtime
				   frees it */
	struct tape *tape;	/* who is asked instead of helpers (model/tape.h), or NULL */
	u64 map_seed;		/* of hash tables: map I of the runtime gets another one,
				   the same each time; 0 = nobody can guess them */
	const struct runtime_aot *aot;	/* with RUNTIME_JIT_AUTO: programs are compiled
				   already; or NULL */
};

/* A backend whose ops->close frees it. */
int runtime_open(struct backend **out, const struct runtime_opts *opts,
		 struct skep_err *err);

/* Compiles CODE, which was decoded from RW, and makes it run so until *OUT is freed, which
 * is after CODE. Errors as of jit_compile. */
int runtime_native(struct jit_code **out, struct vm_code *code, const struct rewrite *rw,
		   enum jit_tier tier, const char *where, struct skep_err *err);

/* ---- where programs spend their time: sample.c ---- */

enum { SAMPLE_DEPTH = 9 };	/* a function of each frame, and what it calls */

/* A place in a program: PROGS[prog] of what was sampled, and a slot of the image's. */
struct sample_spot { u32 prog, insn; };

/* Samples of one kind: the calls, innermost first. */
struct sample_stack {
	struct sample_spot at[SAMPLE_DEPTH];
	u32 depth;
	bool calls;		/* in what the innermost instruction calls */
	u64 samples;
};

/* PROG: index in the image. By slot [nr]: in the instruction itself, and in what it calls. */
struct sample_prog { u32 prog, nr; u64 *own, *called; };

/* What was seen so far. */
struct sampled {
	u64 samples, inside;	/* all, and those in programs */
	u64 unknown;		/* of those inside: whose callers are not in STACKS */
	const struct sample_prog *progs;
	u32 nr_progs;
	const struct sample_stack *stacks;	/* those of no samples are none */
	u32 nr_stacks;
};

struct sampler;
/* Of programs of B, a runtime that was opened with SAMPLED and has loaded all. Between go
 * and pause it looks every EVERY_NS where the calling thread is; false: the system has no
 * timer for that. */
struct sampler *runtime_sampler_new(struct backend *b, u64 every_ns);
bool runtime_sampler_go(struct sampler *s);
void runtime_sampler_pause(struct sampler *s);
/* Of a sampler that pauses; as long as that lives. */
const struct sampled *runtime_sampled(struct sampler *s);
void runtime_sampler_free(struct sampler *s);	/* NULL is fine; before B is closed */

/* The entries that several programs' code has, as it is written. */
struct aot_table {
	VEC(struct aot_ref) refs;
	VEC(u64) values;	/* of each, in this process */
};

/*
 * Compiles program PROG of B, a runtime that it was loaded into from CODE, its rewrite, so that
 * the code has no address in it: what it needs of a process is in T, whose entries are added.
 * PROCESSOR and CPU as of jit_write. Error: UNSUPPORTED.
 */
int runtime_aot_write(struct jit_code **out, struct backend *b, u32 prog,
		      const struct rewrite *code, struct aot_table *t, const char *processor,
		      u32 cpu, struct skep_err *err);
void aot_table_free(struct aot_table *t);
/* What the code depends on besides T: another number, another engine. */
u64 runtime_aot_abi(void);

#endif
