/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * insn.c: where instructions begin around a place in a file. They are counted from where
 * one surely begins: the function's symbol; without it where the table for unwinding has
 * a function (.eh_frame_hdr, which strip leaves), or the section.
 */
#include "sym/insn.h"
#include <gelf.h>
#include <string.h>

static u64 read32(const u8 *at)
{
	s32 v;

	memcpy(&v, at, sizeof(v));
	return (u64)(s64)v;
}

/*
 * The last function that the unwind table has at or before ADDR; 0: none. Of the forms that
 * the table may have, only that which linkers write: sorted pairs of 4 bytes, from the
 * table's own address.
 */
static u64 unwound_before(const struct sym_file *f, u64 addr)
{
	enum { HEAD = 12, PAIR = 8 };
	static const u8 form[4] = { 1, 0x1b, 0x03, 0x3b };
	const u8 *t = NULL;
	u64 lo = 0, n;
	GElf_Phdr ph;
	size_t nr = 0;

	elf_getphdrnum(f->elf, &nr);
	for (size_t i = 0; i < nr && !t; i++)
		if (gelf_getphdr(f->elf, (int)i, &ph) && ph.p_type == PT_GNU_EH_FRAME)
			t = sym_bytes(f, ph.p_offset, ph.p_filesz);
	if (!t || ph.p_filesz < HEAD || memcmp(t, form, sizeof(form)))
		return 0;
	n = min_u64(read32(t + 8) & UINT32_MAX, (ph.p_filesz - HEAD) / PAIR);
	for (u64 hi = n; lo < hi;) {
		const u64 mid = (lo + hi) / 2;

		if (ph.p_vaddr + read32(t + HEAD + mid * PAIR) <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? ph.p_vaddr + read32(t + HEAD + (lo - 1) * PAIR) : 0;
}

/* Where the section of code with ADDR begins; 0: none has it. */
static u64 section_of(const struct sym_file *f, u64 addr)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while ((scn = elf_nextscn(f->elf, scn)))
		if (gelf_getshdr(scn, &sh) && sh.sh_flags & SHF_EXECINSTR &&
		    addr - sh.sh_addr < sh.sh_size)
			return sh.sh_addr;
	return 0;
}

struct before { u64 addr, from; struct sym *best; };

/* The last function that begins at or before an address: of assembly it may have no size. */
static int take_nearer(void *arg, const struct sym *s)
{
	struct before *b = arg;

	if (s->addr <= b->addr && s->addr >= b->from && (!b->best->name || s->addr > b->best->addr))
		*b->best = *s;
	return 0;
}

static u64 known_before(const struct sym_file *f, u64 addr, struct sym_insn *r)
{
	const u64 section = section_of(f, addr), at = max_u64(unwound_before(f, addr), section);
	struct before b = { addr, at, &r->func };

	if (!sym_at(f, addr, &r->func)) {
		r->func.name = NULL;
		sym_each(f, take_nearer, &b);
	}
	if (!r->func.name)
		return at;
	r->func_off = (u64)sym_offset(f, r->func.addr);
	return r->func.addr;
}

static struct sym_insn x86_at(const struct sym_file *f, u64 off, u64 start, struct sym_insn r)
{
	for (u64 at = start; at <= off;) {
		const u64 there = f->file.size - at;
		const u32 n = sym_x86_length(f->file.data + at, there);

		if (at == off) {
			r.kind = SYM_INSN_BEGINS;
			return r;
		}
		if (!n)
			break;
		r.prev = at;
		at += n;
		r.next = at;
	}
	r.kind = r.next > off ? SYM_INSN_INSIDE : SYM_INSN_UNKNOWN;
	return r;
}

struct sym_insn sym_insn_at(const struct sym_file *f, u64 off)
{
	struct sym_insn r = { .kind = SYM_INSN_UNKNOWN };
	const u64 from = known_before(f, (u64)sym_address(f, off), &r);
	const s64 start = from ? sym_offset(f, from) : -1;

	if (f->machine == EM_X86_64 && f->is64 && start >= 0 && (u64)start <= off)
		return x86_at(f, off, (u64)start, r);
	if (f->machine == EM_AARCH64) {
		r.kind = off % 4 ? SYM_INSN_INSIDE : SYM_INSN_BEGINS;
		r.prev = off & ~(u64)3;
		r.next = r.prev + 4;
	}
	return r;
}
