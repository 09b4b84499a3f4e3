/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layout.c: where a C compiler puts members, compared with where the types say
 * they are. Structs that attributes or other compilers laid out get padding and
 * __attribute__((packed)), so that every member and size comes out right.
 * Never prints more than a few lines for a gap, whatever its size.
 */
#include "btf/dump.h"

enum {
	PACKED = 0x80,		/* in header.layouts[]; the rest is the alignment */
	MAX_LEVELS = 256,
	LONG_BITS = 64,
	MAX_LONGS = 16,		/* of padding, before it becomes an array */
};

static u32 align_of(struct dump *d, u32 id, u32 level);

/* Bits of the type of bit field M. */
static u32 unit_bits(struct dump *d, const struct btf_member_info *m)
{
	u64 bytes = btf_bytes(d->btf, m->type_id);

	return (u32)(bytes ? min_u64(bytes, 16) : 1) * 8;
}

/* First place at OFF or after it where C puts M. */
static u64 natural(struct dump *d, u64 off, const struct btf_member_info *m,
		   bool packed)
{
	u32 unit;

	if (!m->bit_size)
		return round_up(off, packed ? 8 : align_of(d, m->type_id, 0) * 8);
	unit = unit_bits(d, m);
	if (packed || off % unit + m->bit_size <= unit)
		return off;
	return round_up(off, unit);
}

/* Alignment and PACKED of a struct or union. */
static u8 layout_of(struct dump *d, u32 id, u32 level)
{
	const struct btf_type *t = btf_type(d->btf, id);
	u32 most = 1;
	bool fits = true;

	for (u32 i = 0; i < btf_vlen(t); i++) {
		struct btf_member_info m = btf_member(d->btf, t, i);
		u32 align = align_of(d, m.type_id, level + 1);

		most = (u32)max_u64(most, align);
		if (!m.bit_size)
			fits = fits && m.bit_off % (align * 8) == 0;
		else
			fits = fits && m.bit_off % unit_bits(d, &m) + m.bit_size <=
			       unit_bits(d, &m);
	}
	return fits && t->size % most == 0 ? (u8)most : 1 | PACKED;
}

static u8 layout(struct dump *d, u32 id, u32 level)
{
	u8 *l = &d->h->layouts[id];

	if (!*l && level < MAX_LEVELS)
		*l = layout_of(d, id, level);
	return *l ? *l : 1;
}

/* Of a scalar of SIZE bytes: the biggest power of two that divides it. */
static u32 scalar_align(u32 size)
{
	return size ? (u32)min_u64(size & -size, 16) : 1;
}

static u32 align_of(struct dump *d, u32 id, u32 level)
{
	for (u32 i = 0; i < MAX_LEVELS; i++) {
		const struct btf_type *t;

		id = btf_skip_mods(d->btf, id);
		t = btf_type(d->btf, id);
		switch (t ? btf_kind(t) : BTF_KIND_UNKN) {
		case BTF_KIND_ARRAY:
			id = ((const struct btf_array *)(t + 1))->type;
			break;
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
			return layout(d, id, level) & ~PACKED;
		case BTF_KIND_PTR:
			return d->btf->addr_bytes;
		case BTF_KIND_INT:
		case BTF_KIND_FLOAT:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
			return scalar_align(t->size);
		default:
			return 1;
		}
	}
	return 1;
}

bool layout_packed(struct dump *d, u32 id)
{
	return layout(d, id, 0) & PACKED;
}

/* ---- padding ---------------------------------------------------------------- */

static void begin(struct strbuf *out, u32 indent)
{
	while (indent--)
		sb_putc(out, '\t');
}

/* An unnamed bit field has no alignment; it must not cross its type's unit. */
static void pad_bits(struct strbuf *out, u64 off, u64 to, u32 indent)
{
	while (off < to) {
		u64 n = min_u64(to - off, LONG_BITS - off % LONG_BITS);

		begin(out, indent);
		sb_printf(out, "long: %u;\n", (u32)n);
		off += n;
	}
}

static void pad_bytes(struct dump *d, struct strbuf *out, u64 bytes, u32 indent)
{
	begin(out, indent);
	sb_printf(out, "unsigned char __pad%u[%llu];\n", d->h->nr_pads++,
		  (unsigned long long)bytes);
}

static void pad(struct dump *d, struct strbuf *out, u64 off, u64 to, u32 indent)
{
	u64 byte = round_up(off, 8);

	if (to - off <= MAX_LONGS * LONG_BITS) {
		pad_bits(out, off, to, indent);
		return;
	}
	pad_bits(out, off, byte, indent);
	pad_bytes(d, out, (to - byte) / 8, indent);
	pad_bits(out, to - to % 8, to, indent);
}

/* All members of a union begin at 0, so that padding is one member. */
static void pad_union(struct dump *d, struct strbuf *out, u64 off, u64 bytes,
		      u32 align, u32 indent)
{
	if (round_up(round_up(off, 8) / 8, align) < bytes)
		pad_bytes(d, out, bytes, indent);
}

void layout_pad(struct dump *d, struct strbuf *out, u32 id, u64 off,
		const struct btf_member_info *m, u32 indent)
{
	const struct btf_type *t = btf_type(d->btf, id);
	u32 align = layout(d, id, 0) & ~PACKED;
	u64 bits = (u64)t->size * 8;

	if (btf_kind(t) == BTF_KIND_UNION) {
		if (!m)
			pad_union(d, out, off, t->size, align, indent);
	} else if (!m) {
		if (round_up(round_up(off, 8), align * 8) < bits)
			pad(d, out, off, bits, indent);
	} else if (natural(d, off, m, layout_packed(d, id)) < m->bit_off) {
		pad(d, out, off, m->bit_off, indent);
	}
}
