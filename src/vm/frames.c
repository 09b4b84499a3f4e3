/* SPDX-License-Identifier: BSD-2-Clause */
/* frames.c: what functions that wait for another one have in their registers. */
#include "vm/machine.h"

bool vm_frame_saved(const struct vm_machine *m, u32 frame, u64 regs[4])
{
	if (frame >= m->depth)
		return false;
	memcpy(regs, m->frames[frame + 1].saved, sizeof(m->frames[0].saved));
	return true;
}
