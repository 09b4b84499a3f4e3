/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linked.h: random programs of numbers alone, all of them safe: copies, sums and
 * differences in 32 and 64 bits, sign extensions, spills of every width, conditions
 * that leave the program. For what a comparison of one number tells of those that
 * are related to it; runs tell whether it is so (contain_test).
 */
#ifndef DIFF_LINKED_H
#define DIFF_LINKED_H

#include "diff/gen.h"

void linked_program(struct diff_prog *p, u64 seed);

#endif
