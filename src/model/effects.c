/* SPDX-License-Identifier: BSD-2-Clause */
/* effects.c: access to effect.def and cap.def. */
#include "model/tables.h"
#include "model/uapi.h"
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

struct cap_row { u16 type; u8 cap; };

static const struct cap_row prog_rows[] = {
#define PROG_CAP(type, cap) { type, NEED_##cap },
#include "model/cap.def"
#undef PROG_CAP
};

static const struct cap_row map_rows[] = {
#define MAP_CAP(type, cap) { BPF_MAP_TYPE_##type, NEED_##cap },
#include "model/cap.def"
#undef MAP_CAP
};

static const struct { u16 helper; u8 cap; } helper_rows[] = {
#define HELPER_CAP(helper, cap) { BPF_FUNC_##helper, NEED_##cap },
#include "model/cap.def"
#undef HELPER_CAP
};

static const struct { u16 helper, type; } free_rows[] = {
#define HELPER_FREE(helper, type) { BPF_FUNC_##helper, BPF_PROG_TYPE_##type },
#include "model/cap.def"
#undef HELPER_FREE
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

static unsigned caps_of(const struct cap_row *v, size_t n, u32 type)
{
	unsigned caps = 0;

	for (size_t i = 0; i < n; i++)
		if (v[i].type == type)
			caps |= v[i].cap;
	return caps;
}

unsigned progtype_caps(u32 type)
{
	return caps_of(prog_rows, ARRAY_LEN(prog_rows), type);
}

unsigned maptype_caps(u32 type)
{
	return caps_of(map_rows, ARRAY_LEN(map_rows), type);
}

unsigned helper_caps(u32 id, u32 type)
{
	unsigned caps = 0;

	for (size_t i = 0; i < ARRAY_LEN(free_rows); i++)
		if (free_rows[i].helper == id && free_rows[i].type == type)
			return 0;
	for (size_t i = 0; i < ARRAY_LEN(helper_rows); i++)
		if (helper_rows[i].helper == id)
			caps |= helper_rows[i].cap;
	return caps;
}
