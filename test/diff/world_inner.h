/* SPDX-License-Identifier: BSD-2-Clause */
/* world_inner.h: what world.c and world_any.c share. */
#ifndef DIFF_WORLD_INNER_H
#define DIFF_WORLD_INNER_H

#include "diff/dump.h"
#include "diff/world.h"
#include "unit/jit_apart.h"
#include "vm/vm.h"

enum {
	LOG_BYTES = 1 << 16, LOG_STATS = 4, FUNCS_MAX = 256,
	PROG_ARRAYS_MAX = 16, PAGE = 4096, BELOW_HEAP = 0x10000000,
};

/* What can be seen of a run. */
struct seen {
	s32 error;		/* of the run: 0 or -errno */
	u32 retval, bytes;
	u8 packet[OUT_BYTES];
	struct __sk_buff ctx;	/* of types that have it */
	struct dump maps;
	struct vm_fault fault;	/* kind NONE on the kernel */
};

/* The kernel ties a prog array to the first type of program that uses it. */
struct prog_array {
	u32 map, type, attach;
	int fd;
};

struct ring {			/* of the kernel's: two pages, then data */
	u64 *read, *written;
	const u8 *data;
	u32 bytes;
};

struct world {
	struct diff_scene scene;
	struct map *maps[WORLD_MAPS];
	struct vm_map vm[WORLD_MAPS];
	struct vm_machine *machine;
	const struct vm_code *code;	/* what runs, for tail calls into it */
	u64 table[APART_MAX];	/* below the run, for code without addresses */
	struct run run;
	u8 *buffer;
	u64 fast, not_fast;	/* programs that engines without checks ran, and did not */
	u64 one_pass;		/* that the optimising compiler gave up on */
	bool kernel;		/* it can be asked; then: */
	int fds[WORLD_MAPS], btf;
	u32 externs[WORLD_EXTERNS];	/* BTF ids */
	struct ring rings[WORLD_MAPS];
	struct prog_array arrays[PROG_ARRAYS_MAX];
	u32 nr_arrays, cpus;
	char log[LOG_BYTES];
	struct world *twin;	/* see world_twin; NULL = none yet */
};

/* Who runs programs of TYPE, or NULL. */
const struct host *world_host(u32 type);
/* What the embedded engine makes of P, for the checked interpreter; vm_code_free. */
struct vm_code *world_code(const struct world *w, const struct diff_prog *p, enum vm_mode mode,
			   struct skep_err *err);
/* The embedded engine's maps are as at the start. */
void world_reset(struct world *w);
/* The same scene without the kernel, at other addresses. */
struct world *world_twin(struct world *w);
/* Loads P: a file descriptor or -errno, and the verdict. */
int world_load(struct world *w, const struct diff_prog *p, struct diff_verdict *v);
/* Runs P, which the kernel has as FD, and compares. */
void world_compare(struct world *w, const struct diff_prog *p, int fd,
		   const struct diff_packet *pkt, struct diff_result *r);
/* In the checked interpreter. */
void world_run_checked(struct world *w, const struct diff_prog *p,
		       const struct diff_packet *pkt, struct seen *s);
/* What differs goes into TEXT. */
bool world_differ(const struct world *w, char *text, size_t n, const struct seen *a,
		  const struct seen *b);
/* Where P's functions begin. */
u32 world_functions(const struct diff_prog *p, struct bpf_func_info *info);

#endif
