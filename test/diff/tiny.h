/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tiny.h: small random programs of few states: numbers below 16 in registers and slots,
 * loops of all kinds that go on or end as these say, functions and callbacks that change
 * their caller's slots, pointers and numbers in one slot; here and there an access that is
 * wrong for one number. For all runs at once (model.h), and what a verifier takes for
 * followed.
 *
 * Numbers are in r6..r9 and in four slots below r10, then a slot that has a pointer, two
 * of iterators, one that counts. Functions have the address of the four slots in r6.
 */
#ifndef DIFF_TINY_H
#define DIFF_TINY_H

#include "diff/gen.h"

void tiny_program(struct diff_prog *p, u64 seed);

#endif
