/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loopy.h: small random programs, some of them safe, of what a verifier forgets or
 * widens: loops of all kinds (counted, by may_goto, by an iterator, by bpf_loop) whose
 * bodies change numbers in registers, on the stack and on callers' stacks; copies that
 * stay linked through spills, sums and calls, and conditions on one of them; numbers
 * that come from two ways and matter later. For pruning, widening and joins.
 *
 * The program has numbers in r6, r8 and r9 and in four slots below r10, two slots of
 * pointers behind them, then counters and a place in the packet; r7 is the value of
 * map 0. Functions and callbacks have the address of the four slots in r6.
 */
#ifndef DIFF_LOOPY_H
#define DIFF_LOOPY_H

#include "diff/gen.h"

void loopy_program(struct diff_prog *p, u64 seed);

#endif
