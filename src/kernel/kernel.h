/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel.h: the Linux kernel as a backend, through bpf(2): programs that its
 * verifier accepts run by BPF_PROG_TEST_RUN. Nothing is attached, and all that
 * is loaded and not pinned goes with the backend (or the process).
 */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include "isa/isa.h"
#include "model/backend.h"
#include "model/target.h"

/*
 * A backend whose ops->close frees it. What it needs of the running kernel's
 * types is read once, into TARGET when that is not NULL, which must live as
 * long. Errors: KERNEL, with the reason why bpf(2) cannot be used.
 */
int kernel_open(struct backend **out, struct target *target, struct skep_err *err);
/* "6.18.5" */
const char *kernel_release(const struct backend *b);

/* How programs and maps are loaded from now on. Zeroed: as always. */
struct kernel_load {
	u32 log_level;		/* of the verifier's log; 0: only of what is refused */
	void (*log)(void *arg, const char *prog, const char *text);	/* gets it */
	void *log_arg;
	u32 prog_ifindex;	/* a device whose programs these are */
	u32 prog_flags;		/* BPF_F_*, besides those of its section */
	u32 map_ifindex;	/* a device that maps are offloaded to */
};
void kernel_load_as(struct backend *b, const struct kernel_load *how);
/* The next map of B is FD, which is taken: it stands for DEF. Error: PIN, when it is of
 * another type or its elements have other sizes. */
int kernel_map_reuse(struct backend *b, const struct image_map *def, int fd,
		     struct skep_err *err);

/* MAP, of perf events, is read from now on: buffers of PAGES for each cpu. Error: KERNEL. */
int kernel_perf_pages(struct backend *b, u32 map, u32 pages, struct skep_err *err);
/* ---- probe.c: what the running kernel can do ------------------------------- */

/* 1 yes, 0 no, -EPERM when it does not tell this process. */
int kernel_has_maptype(u32 type);
int kernel_has_progtype(u32 type);
/* Programs of TYPE made for ATTACH (BPF_CGROUP_*, BPF_TRACE_* ...). */
int kernel_has_attach(u32 type, u32 attach);
/* Helper ID for programs of TYPE; -EINVAL for types whose programs must name
 * what they attach to. */
int kernel_has_helper(u32 id, u32 type);
/* Whether this process may trace the kernel's function BTF_ID (or its return) with typed
 * arguments: 0, or -errno as the kernel says. */
int kernel_traces(u32 btf_id, bool returns);
/* Whether its BTF has a function of that name; -ENOENT without BTF. */
int kernel_has_kfunc(const char *name);
/* Instructions of row OP; -EINVAL for those that name maps, functions or variables,
 * that need an arena, and for exit. */
int kernel_has_insn(enum isa_op op);
/* clang's -mcpu: 1 to 4. */
int kernel_isa_level(void);
/* Instructions that a program may have, with all capabilities. */
int kernel_max_insns(void);
/* The same for programs that device IFINDEX is to run itself; 0: for the kernel. */
int kernel_has_maptype_on(u32 type, u32 ifindex);
int kernel_has_progtype_on(u32 type, u32 ifindex);
int kernel_isa_level_on(u32 ifindex);
int kernel_max_insns_on(u32 ifindex);
int kernel_has_loops_on(u32 ifindex);	/* that are bounded; 5.3 */
/* Tells FN of each helper whether programs of TYPE may call it. 0, or -EPERM, or -EINVAL
 * when that cannot be told. */
typedef void kernel_helper_fn(void *arg, u32 id, bool has);
int kernel_helpers(u32 type, u32 ifindex, kernel_helper_fn *fn, void *arg);
int kernel_has_token(void);	/* BPF tokens, 6.9 */
u64 kernel_caps(void);		/* this process's, as bits */
u32 kernel_version_code(void);	/* KERNEL_VERSION(); 0 unknown */

#endif
