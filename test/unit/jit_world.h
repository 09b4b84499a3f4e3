/* SPDX-License-Identifier: BSD-2-Clause */
/* jit_world.h: native code in the world of vm_world.h. */
#ifndef JIT_WORLD_H
#define JIT_WORLD_H

#include "jit_apart.h"
#include "vm_world.h"

struct native {
	struct world *w;
	const struct bpf_insn *insns;
	struct jit_code *code;
	struct native *progs;		/* of the prog array */
	u32 nr_progs, tail_calls;
};

/* One test at a time runs: what tail calls see. */
static struct native *native_first;

/* From now on code has no address in it. */
static bool native_apart;

static u64 native_address(void *arg, u32 at)
{
	const struct native *n = arg;
	const struct vm_map *m = &n->w->maps[n->insns[at].imm];

	return isa_op(&n->insns[at]) == OP_LDDW_MAP_IDX ? (u64)m->map :
	       (u64)m->mem.base + (u32)n->insns[at + 1].imm;
}

static helper_fn native_body(void *arg, u32 at)
{
	const struct native *n = arg;

	return world_helper((u32)n->insns[at].imm, BPF_PROG_TYPE_XDP);
}

static u64 native_junk(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	return a + b + c + d + e + f;
}

/* Leaves other numbers where C passes arguments. */
static u64 (*volatile native_scribble)(u64, u64, u64, u64, u64, u64) = native_junk;

static void *native_tail(struct run *run, struct map *map, u32 index)
{
	struct native *n = native_first;

	native_scribble(7, 7, 7, 7, 7, 7);
	if ((u8 *)map != &n->w->tags[3] || index >= n->nr_progs ||
	    n->tail_calls >= VM_TAIL_CALLS_MAX)
		return NULL;
	n->tail_calls++;
	return jit_entry(n->progs[index].code);
}

static s64 native_packet(struct run *run, s32 off, u32 size)
{
	return vm_packet_load(run, off, size);
}

static u64 native_callback(struct run *run, u64 func, const u64 a[5])
{
	const struct run_frame *frames = run->frames;
	u64 ret = ((helper_fn)(uintptr_t)func)(a[0], a[1], a[2], a[3], a[4], run);

	run->frames = frames;
	return ret;
}

/* Compiles; 0 or the error. Programs of odd length note their frames. */
static int native_make(struct native *n, struct world *w, enum jit_tier tier,
		       const struct bpf_insn *insns, size_t nr, struct skep_err *err)
{
	const struct jit_bind bind = {
		.insns = insns, .nr_insns = (u32)nr, .arg = n, .address = native_address,
		.body = native_body, .tail = native_tail, .packet = native_packet,
		.frames = nr & 1,
	};

	*n = (struct native){ .w = w, .insns = insns };
	apart_run = (u64 *)&w->run;
	return native_apart ? apart_make(&n->code, &bind, tier, err) :
		jit_compile(&n->code, &bind, tier, "case", err);
}

/* Runs program 0 of PROGS, the prog array's slots. */
static inline u64 native_run(struct native *progs, u32 nr, void *ctx)
{
	struct run *run = &progs->w->run;

	progs->progs = progs;
	progs->nr_progs = nr;
	progs->tail_calls = 0;
	native_first = progs;
	run->callback = native_callback;
	run->stop = false;
	run->frames = NULL;
	return jit_func(progs->code)((u64)ctx, 0, 0, 0, 0, run);
}

#endif
