/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cbpf_run.c: the kernel's conditions on a classic BPF program, and a run of
 * a program that fulfils them. In goes the program and a packet, out comes the
 * number of bytes to keep. Never reads outside the packet; always ends, since
 * jumps only lead forward.
 */
#include "isa/cbpf.h"

enum { MEM_WORDS = BPF_MEMWORDS };

/* ---- checking --------------------------------------------------------- */

static bool uses_mem(const struct sock_filter *f)
{
	switch (BPF_CLASS(f->code)) {
	case BPF_ST:
	case BPF_STX:
		return true;
	case BPF_LD:
	case BPF_LDX:
		return BPF_MODE(f->code) == BPF_MEM;
	}
	return false;
}

static bool is_alu_k(const struct sock_filter *f, unsigned op)
{
	return f->code == (BPF_ALU | op | BPF_K);
}

static bool is_packet_load(const struct sock_filter *f)
{
	return BPF_CLASS(f->code) == BPF_LD && BPF_MODE(f->code) == BPF_ABS;
}

/* Why instruction AT alone cannot stand in a program of N, or NULL. */
static const char *check_insn(const struct sock_filter *f, size_t n, size_t at)
{
	size_t left = n - at - 1;	/* instructions behind it */

	if (!cbpf_row(f->code))
		return "unknown opcode";
	if ((is_alu_k(f, BPF_DIV) || is_alu_k(f, BPF_MOD)) && !f->k)
		return "division by a constant 0";
	if ((is_alu_k(f, BPF_LSH) || is_alu_k(f, BPF_RSH)) && f->k > 31)
		return "shift by more than 31";
	if (uses_mem(f) && f->k >= MEM_WORDS)
		return "M[] has 16 words";
	if (f->code == (BPF_JMP | BPF_JA) && f->k >= left)
		return "jump leads outside the program";
	if (cbpf_is_cond(f) && (f->jt >= left || f->jf >= left))
		return "jump leads outside the program";
	if (is_packet_load(f) && f->k >= (u32)SKF_AD_OFF &&
	    !cbpf_ancillary(f->k))
		return "no ancillary data has this offset";
	return NULL;
}

/*
 * Every word of M[] must be written before it is read, on all ways there.
 * ON_ENTRY[i] has the bits of the words written on every jump to i so far;
 * WRITTEN is of the way that falls through, and all ones where none does.
 */
static bool mem_step(const struct sock_filter *f, size_t at, u16 *on_entry,
		     u16 *written)
{
	*written &= on_entry[at];
	switch (BPF_CLASS(f->code)) {
	case BPF_ST:
	case BPF_STX:
		*written |= (u16)(1u << f->k);
		break;
	case BPF_JMP:
		if (cbpf_is_cond(f)) {
			on_entry[at + 1 + f->jt] &= *written;
			on_entry[at + 1 + f->jf] &= *written;
		} else {
			on_entry[at + 1 + f->k] &= *written;
		}
		*written = UINT16_MAX;
		break;
	default:
		return !uses_mem(f) || *written >> f->k & 1;
	}
	return true;
}

static int fail(const char *where, size_t at, const char *why,
		struct skep_err *err)
{
	char place[256];

	snprintf(place, sizeof(place), "%s:%zu", where ? where : "insn", at);
	return err_set(err, ERR_CBPF, place, "%s", why);
}

static int check_mem(const struct sock_filter *v, size_t n, const char *where,
		     struct skep_err *err)
{
	u16 on_entry[CBPF_MAX_INSNS], written = 0;

	memset(on_entry, 0xff, n * sizeof(*on_entry));
	for (size_t at = 0; at < n; at++)
		if (!mem_step(&v[at], at, on_entry, &written))
			return fail(where, at, "word of M[] is read that not "
				    "all ways here have written", err);
	return 0;
}

int cbpf_check(const struct sock_filter *v, size_t n, const char *where,
	       struct skep_err *err)
{
	if (n < 1 || n > CBPF_MAX_INSNS)
		return err_set(err, ERR_CBPF, where, "%zu instructions; a "
			       "program has 1..%d", n, CBPF_MAX_INSNS);
	for (size_t at = 0; at < n; at++) {
		const char *why = check_insn(&v[at], n, at);

		if (why)
			return fail(where, at, why, err);
	}
	if (BPF_CLASS(v[n - 1].code) != BPF_RET)
		return fail(where, n - 1, "the last instruction must be ret",
			    err);
	return check_mem(v, n, where, err);
}

/* ---- running ---------------------------------------------------------- */

struct machine {
	u32 a, x, mem[MEM_WORDS];
	const u8 *packet;
	u32 bytes, wire_bytes;
};

/* SIZE bytes of the packet at OFF, big-endian; false when outside. */
static bool load(const struct machine *m, u64 off, unsigned size, u32 *v)
{
	if (!in_bounds(off, size, m->bytes))
		return false;
	*v = 0;
	for (; size; size--)
		*v = *v << 8 | m->packet[off++];
	return true;
}

static unsigned load_size(const struct sock_filter *f)
{
	switch (BPF_SIZE(f->code)) {
	case BPF_W: return 4;
	case BPF_H: return 2;
	}
	return 1;
}

/* LD and LDX; false ends the program with verdict 0. */
static bool run_load(struct machine *m, const struct sock_filter *f)
{
	bool to_x = BPF_CLASS(f->code) == BPF_LDX;
	u32 v = f->k;

	switch (BPF_MODE(f->code)) {
	case BPF_ABS:
		if (!load(m, f->k, load_size(f), &v))
			return false;
		break;
	case BPF_IND:
		if (!load(m, (u64)m->x + f->k, load_size(f), &v))
			return false;
		break;
	case BPF_MSH:
		if (!load(m, f->k, 1, &v))
			return false;
		v = (v & 15) << 2;
		break;
	case BPF_MEM:
		v = m->mem[f->k];
		break;
	case BPF_LEN:
		v = m->wire_bytes;
		break;
	}
	if (to_x)
		m->x = v;
	else
		m->a = v;
	return true;
}

/* False at a division by 0. Shifts by 32 and more give 0. */
static bool run_alu(struct machine *m, const struct sock_filter *f)
{
	u32 s = BPF_SRC(f->code) == BPF_X ? m->x : f->k, a = m->a;

	switch (BPF_OP(f->code)) {
	case BPF_ADD: a += s; break;
	case BPF_SUB: a -= s; break;
	case BPF_MUL: a *= s; break;
	case BPF_AND: a &= s; break;
	case BPF_OR: a |= s; break;
	case BPF_XOR: a ^= s; break;
	case BPF_LSH: a = s < 32 ? a << s : 0; break;
	case BPF_RSH: a = s < 32 ? a >> s : 0; break;
	case BPF_NEG: a = -a; break;
	case BPF_DIV:
		if (!s)
			return false;
		a /= s;
		break;
	case BPF_MOD:
		if (!s)
			return false;
		a %= s;
		break;
	}
	m->a = a;
	return true;
}

/* How many instructions a jump skips. */
static u32 run_jump(const struct machine *m, const struct sock_filter *f)
{
	u32 s = BPF_SRC(f->code) == BPF_X ? m->x : f->k;
	bool taken = false;

	switch (BPF_OP(f->code)) {
	case BPF_JA: return f->k;
	case BPF_JEQ: taken = m->a == s; break;
	case BPF_JGT: taken = m->a > s; break;
	case BPF_JGE: taken = m->a >= s; break;
	case BPF_JSET: taken = (m->a & s) != 0; break;
	}
	return taken ? f->jt : f->jf;
}

u32 cbpf_run(const struct sock_filter *v, size_t n, const u8 *packet,
	     u32 bytes, u32 wire_bytes)
{
	struct machine m = { .packet = packet, .bytes = bytes,
			     .wire_bytes = wire_bytes };

	for (size_t at = 0; at < n; at++) {
		const struct sock_filter *f = &v[at];

		switch (BPF_CLASS(f->code)) {
		case BPF_LD:
		case BPF_LDX:
			if (!run_load(&m, f))
				return 0;
			break;
		case BPF_ST: m.mem[f->k] = m.a; break;
		case BPF_STX: m.mem[f->k] = m.x; break;
		case BPF_ALU:
			if (!run_alu(&m, f))
				return 0;
			break;
		case BPF_JMP: at += run_jump(&m, f); break;
		case BPF_RET: return f->code & BPF_A ? m.a : f->k;
		case BPF_MISC:
			if (f->code & BPF_TXA)
				m.a = m.x;
			else
				m.x = m.a;
			break;
		}
	}
	return 0;	/* not reached by checked programs */
}
