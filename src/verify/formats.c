/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * formats.c: formats that are constants. bpf_snprintf's are a condition of the
 * kernel's; the others are looked at when they are printed, and a bad one prints
 * nothing: that is a warning.
 */
#include "verify/call.h"
#include "model/format.h"
#include <stdio.h>

/* What is wrong with F, of which BAD is refused when NR values are passed. */
static void say_why(char *out, size_t size, const char *bad, u32 nr)
{
	struct format_spec s;
	size_t n = 1;

	if (*bad != '%') {
		snprintf(out, size, "byte 0x%02x cannot be printed", (u8)*bad);
	} else if (format_spec_read(bad + 1, &s)) {
		n = (size_t)(format_spec_read(bad + 1, &s) - bad);
		snprintf(out, size, "there is no value for '%.*s'; %u %s passed", (int)n, bad, nr,
			 nr == 1 ? "is" : "are");
	} else {
		n += strspn(bad + 1, "0123456789+- .#*lhzjt");
		n += bad[n] == 'p' ? strspn(bad + n, "pIikus456") : bad[n] > ' ' && bad[n] < 127;
		snprintf(out, size, "'%.*s' is no conversion that it knows", (int)n, bad);
	}
}

/* The constant text at R, with its end inside the first BYTES; NULL: not known. */
static const char *text_at(const struct verifier *v, const struct reg *r, u64 bytes)
{
	const struct image_map *map = r->type == REG_MAP_VALUE ? map_of(v, r) : NULL;
	u64 at = (u64)(s64)r->off + scalar_value(&r->val);

	if (!map || map->kind != IMAGE_MAP_RODATA || !map->init || !scalar_is_const(&r->val) ||
	    at >= map->value_size)
		return NULL;
	return memchr(map->init + at, 0, min_u64(bytes, map->value_size - at)) ?
	       (const char *)map->init + at : NULL;
}

static void check_printed(struct verifier *v, struct state *s, const struct call *c,
			  unsigned fmt, unsigned data)
{
	const struct reg *size = state_reg(s, fmt + 1);
	const struct reg *len = data ? state_reg(s, data + 1) : NULL;
	const char *text, *bad;
	char what[128];
	u32 nr = 3;

	if (!scalar_is_const(&size->val) || (len && !scalar_is_const(&len->val)))
		return;
	text = text_at(v, state_reg(s, fmt), scalar_value(&size->val));
	if (len)
		nr = (u32)scalar_value(&len->val) / 8;
	bad = text ? format_bad(text, nr) : NULL;
	if (!bad)
		return;
	say_why(what, sizeof(what), bad, nr);
	warn(v, REJECT_FORMAT_RUN, c->insn, &(struct why){ .s = what, .t = c->row->name });
}

void check_format(struct verifier *v, struct state *s, const struct call *c)
{
	u32 nr = (u32)(state_reg(s, 5)->val.bits.value / 8);
	const char *bad = c->fmt ? format_bad(c->fmt, nr) : NULL;
	char what[128];

	switch (c->row->id) {
	case BPF_FUNC_trace_printk:
		check_printed(v, s, c, 1, 0);
		break;
	case BPF_FUNC_trace_vprintk:
		check_printed(v, s, c, 1, 3);
		break;
	case BPF_FUNC_seq_printf:
		check_printed(v, s, c, 2, 4);
		break;
	case BPF_FUNC_snprintf:
		if (!bad)
			break;
		say_why(what, sizeof(what), bad, nr);
		reject(v, REJECT_FORMAT, c->insn, &(struct why){ .s = what, .t = c->row->name });
	}
}
