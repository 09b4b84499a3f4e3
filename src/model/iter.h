/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iter.h: what the 16 bytes of a struct bpf_iter_bits are here. They lie where an
 * unverified program could change them: see dynptr.h.
 */
#ifndef MODEL_ITER_H
#define MODEL_ITER_H

#include "base/base.h"

struct iter_bits {
	u64 word;	/* of 64 bits; else the address of a copy, lent to the program */
	s32 nr, bit;	/* how many there are, the one given last */
};
_Static_assert(sizeof(struct iter_bits) == 16, "as struct bpf_iter_bits");

#endif
