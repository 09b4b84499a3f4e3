/* SPDX-License-Identifier: BSD-2-Clause */
/* effects.c: access to effect.def. */
#include "model/tables.h"
#include <linux/bpf.h>

static const struct { const char *key, *text; } rows[] = {
#define EFFECT(name, key, text) { key, text },
#include "model/effect.def"
#undef EFFECT
};

static const struct { u16 helper; u8 effect; } calls[] = {
#define CALLS(helper, name) { BPF_FUNC_##helper, EFFECT_##name },
#include "model/effect.def"
#undef CALLS
};

const char *effect_key(enum effect e) { return rows[e].key; }
const char *effect_text(enum effect e) { return rows[e].text; }

u32 helper_effects(u32 id)
{
	u32 mask = 0;

	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (calls[i].helper == id)
			mask |= 1u << calls[i].effect;
	return mask;
}
