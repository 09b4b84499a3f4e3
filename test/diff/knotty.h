/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * knotty.h: random programs, most of them safe, in which ways meet that hold
 * different things: pointers to several kinds of memory or NULL in one register
 * or slot, numbers of all widths in one slot, packets that were proved to have
 * more or fewer bytes, stacks that are written at offsets that are not known, by
 * a function, a callback or a helper. For what joins states and forgets.
 *
 * r6 the context, r7 the value of map 0, r8 and r9 numbers; below r10 eight slots
 * of numbers, two of pointers, one that counts trips, a key, a dynptr.
 */
#ifndef DIFF_KNOTTY_H
#define DIFF_KNOTTY_H

#include "diff/gen.h"

void knotty_program(struct diff_prog *p, u64 seed);

#endif
