/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_kernel.h: `skep replay` of what `skep attach --record` wrote (replay/again.h). */
#ifndef CLI_REPLAY_KERNEL_H
#define CLI_REPLAY_KERNEL_H

#include "cli/cli.h"
#include "replay/record.h"

struct replay_kernel {
	u64 only;		/* the run that is shown; 0: as VERBOSE says */
	bool verbose;		/* runs, and what they sent */
	bool json, quiet;
};

/* Is the recording of programs that ran in the kernel? It begins anew afterwards. */
bool replay_is_kernel(struct record_reader *r);
/* The whole of it: exit status. */
int replay_kernel(struct record_reader *r, const struct replay_kernel *how);

#endif
