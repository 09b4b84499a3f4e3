/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mutate.h: a program that is a little wrong, or another one: operands,
 * numbers, jumps and opcodes change, instructions go, come twice or change
 * places. What comes out passes isa_check.
 */
#ifndef DIFF_MUTATE_H
#define DIFF_MUTATE_H

#include "diff/world.h"

/* One to three changes, a function of SEED. False: none was found. */
bool mutate_program(struct diff_prog *p, u64 seed, const struct diff_scene *scene);

#endif
