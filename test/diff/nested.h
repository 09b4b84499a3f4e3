/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nested.h: random programs of loops in loops, two to four deep, that all end and are safe:
 * counted up, down and by steps in a register or on the stack, over bpf_iter_num, by
 * bpf_loop, by may_goto; in them, as people write them, look-ups and updates of maps,
 * records of a ring buffer, indexes that are masked or compared, numbers that are kept and
 * changed, ways round and out. For what a verifier needs to see that nests end.
 *
 * The program has numbers in r6, r8, r9 and in four slots below r10; loops count in a
 * register or in a slot of their depth. Functions that bpf_loop calls have a frame like
 * that, and the address of their caller's four slots in r7.
 */
#ifndef DIFF_NESTED_H
#define DIFF_NESTED_H

#include "diff/gen.h"

void nested_program(struct diff_prog *p, u64 seed);

#endif
