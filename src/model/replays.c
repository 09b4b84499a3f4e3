/* SPDX-License-Identifier: BSD-2-Clause */
/* replays.c: access to replay.def. Each row of the two other tables names one there. */
#include "model/tables.h"
#include <linux/bpf.h>

enum {
#define REPLAY(name, how) OF_##name = REPLAY_##how,
#include "model/replay.def"
#undef REPLAY
};

static const u8 helpers[] = {
#define HELPER(id, name, since, gpl, ret, a1, a2, a3, a4, a5) [id] = OF_##name,
#define HELPER_OTHER(id, name, since, gpl) [id] = REPLAY_NONE,
#include "model/helper.def"
#undef HELPER
#undef HELPER_OTHER
};

static const struct { const char *name; u8 how; } kfuncs[] = {
#define KFUNC(name, since, who, ret, a1, a2, a3, a4, a5) { #name, OF_##name },
#include "model/kfunc.def"
#undef KFUNC
};

enum replay_class helper_replay(u32 id)
{
	return id < ARRAY_LEN(helpers) ? (enum replay_class)helpers[id] : REPLAY_NONE;
}

enum replay_class kfunc_replay(const struct helper_row *row)
{
	for (size_t i = 0; i < ARRAY_LEN(kfuncs); i++)
		if (!strcmp(kfuncs[i].name, row->name))
			return (enum replay_class)kfuncs[i].how;
	return REPLAY_NONE;
}

bool helper_is_outside(u32 id) { return helper_replay(id) == REPLAY_TAPED; }
