/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * branchy.h: small random programs of conditions, loops, spills and accesses at
 * offsets that are bounded now and then: some are safe, many are not. For what
 * follows or joins paths.
 *
 * r6 the context, r7 the value of map 0; r0, r8, r9 numbers; below r10 four
 * slots of numbers and two that may hold pointers.
 */
#ifndef DIFF_BRANCHY_H
#define DIFF_BRANCHY_H

#include "diff/gen.h"

void branchy_program(struct diff_prog *p, u64 seed);

#endif
