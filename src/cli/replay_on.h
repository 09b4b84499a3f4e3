/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_on.h: what `skep replay --on kernel` cannot have again, for people. */
#ifndef CLI_REPLAY_ON_H
#define CLI_REPLAY_ON_H

#include "replay/player.h"

/* Appends what programs of OBJ that are loaded ask the kernel anew, by name: "bpf_ktime_get_ns,
 * bpf_get_prandom_u32". Appends nothing when there is nothing. */
void replay_on_names(struct strbuf *out, const struct skep_object *obj);

#endif
