/* SPDX-License-Identifier: BSD-2-Clause */
/* prog.h: a program that is run on both sides, and random numbers for it. */
#ifndef DIFF_PROG_H
#define DIFF_PROG_H

#include "isa/isa.h"

enum { PROG_MAX = 4096 };

struct diff_prog {
	struct bpf_insn v[PROG_MAX];	/* maps and externs by index, as in an image */
	u32 n;			/* slots */
	u32 type, attach;	/* BPF_PROG_TYPE_*, expected attach type */
};

static inline void prog_copy(struct diff_prog *to, const struct diff_prog *from)
{
	to->n = from->n;
	to->type = from->type;
	to->attach = from->attach;
	memcpy(to->v, from->v, from->n * sizeof(*from->v));
}

static inline u64 gen_random(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* Below N. */
static inline u32 gen_below(u64 *state, u32 n) { return (u32)(gen_random(state) >> 20) % n; }

#endif
