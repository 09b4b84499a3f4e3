/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * edit.h: takes instructions out of a program or puts some in; jumps, calls and
 * addresses of functions keep leading to the same instructions. What led to one
 * that is gone leads to the one behind it.
 */
#ifndef DIFF_EDIT_H
#define DIFF_EDIT_H

#include "diff/prog.h"

/* The slots [at, at + n), which are whole instructions. */
void edit_remove(struct diff_prog *p, u32 at, u32 n);
/* N slots before AT, which is an instruction or the end. False: no room. The new
 * ones are not adjusted. */
bool edit_insert(struct diff_prog *p, u32 at, const struct bpf_insn *v, u32 n);
/* The instruction that INSN at AT leads to, or false. */
bool edit_target(const struct bpf_insn *insn, u32 at, u32 *target);
/* Makes INSN at AT lead to TARGET; false when the field cannot hold that. */
bool edit_set_target(struct bpf_insn *insn, u32 at, u32 target);
/* The Nth of the instructions, in slots, and how many there are. */
u32 edit_count(const struct diff_prog *p);
u32 edit_nth(const struct diff_prog *p, u32 n);

#endif
