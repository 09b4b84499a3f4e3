/* SPDX-License-Identifier: BSD-2-Clause */
/* frames.c: what functions that wait for another one have in their registers. */
#include "vm/machine.h"

bool vm_frame_saved(const struct vm_machine *m, u32 frame, u64 regs[4])
{
	u32 below = frame;

	if (frame >= m->depth)
		return false;
	if (m->frames[frame + 1].ip) {
		memcpy(regs, m->frames[frame + 1].saved, sizeof(m->frames[0].saved));
		return true;
	}
	/* who called a helper that calls back has its registers still; only those of the
	   outermost such are known where */
	while (below && m->frames[below].ip)
		below--;
	if (!below)
		memcpy(regs, m->r + 6, 4 * sizeof(*regs));
	return !below;
}
