/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cbpf_translate.c: classic BPF to eBPF for a socket filter. Takes a program
 * that cbpf_check has passed, gives one that isa_check passes and that has the
 * verdict of cbpf_run on every packet: also where the kernel's own translation
 * differs from libpcap, in the sum of X and k that passes 32 bits (the load is
 * outside the packet) and in shifts by 32 and more (0).
 *
 *	A in r0, X in r7 (both zero above 32 bits), the skb in r6 for
 *	LD_ABS and LD_IND, r8 for a moment, M[i] at r10 - 64 + 4 * i
 */
#include "isa/cbpf.h"

enum { A = BPF_REG_0, CTX = BPF_REG_6, X = BPF_REG_7, TMP = BPF_REG_8 };

/* The most slots that one classic instruction becomes (ldxb 4*([k]&0xf)). */
enum { MAX_SLOTS = 6 };
_Static_assert(CBPF_MAX_INSNS * MAX_SLOTS < INT16_MAX,
	       "every jump fits the 16 bits of off");

/* The jump at SLOT leads to the classic instruction TO. */
struct jump { size_t slot, to; };

struct translation {
	struct isa_code *out;
	VEC(size_t) starts;	/* first slot of each classic instruction */
	VEC(struct jump) jumps;
};

static void emit(struct translation *t, unsigned code, unsigned dst,
		 unsigned src, int off, u32 imm)
{
	*vec_push(t->out) = (struct bpf_insn){
		(u8)code, dst & 15, src & 15, (s16)off, (s32)imm };
}

/* A jump to the classic instruction TO. */
static void emit_jump(struct translation *t, unsigned code, unsigned dst,
		      unsigned src, u32 imm, size_t to)
{
	*vec_push(&t->jumps) = (struct jump){ t->out->n, to };
	emit(t, code, dst, src, 0, imm);
}

static void emit_move(struct translation *t, unsigned dst, unsigned src)
{
	emit(t, BPF_ALU | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static void emit_const(struct translation *t, unsigned dst, u32 k)
{
	emit(t, BPF_ALU | BPF_MOV | BPF_K, dst, 0, 0, k);
}

static void emit_drop(struct translation *t)
{
	emit_const(t, A, 0);
	emit(t, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* ---- ancillary loads -------------------------------------------------- */

enum { FLAG_BE16 = 1, FLAG_DROP_0 = 2 };

#define FIELD(name) offsetof(struct __sk_buff, name)

/* SKF_AD_* that the context has; BE16 where it has it in network order. */
static const struct context_field {
	u16 ad, offset;
	u8 flags;
} context_fields[] = {
	{ SKF_AD_PROTOCOL, FIELD(protocol), FLAG_BE16 },
	{ SKF_AD_PKTTYPE, FIELD(pkt_type), 0 },
	{ SKF_AD_IFINDEX, FIELD(ifindex), FLAG_DROP_0 },
	{ SKF_AD_MARK, FIELD(mark), 0 },
	{ SKF_AD_QUEUE, FIELD(queue_mapping), 0 },
	{ SKF_AD_RXHASH, FIELD(hash), 0 },
	{ SKF_AD_VLAN_TAG, FIELD(vlan_tci), 0 },
	{ SKF_AD_VLAN_TAG_PRESENT, FIELD(vlan_present), 0 },
	{ SKF_AD_VLAN_TPID, FIELD(vlan_proto), FLAG_BE16 },
};

static void emit_field(struct translation *t, unsigned dst, unsigned offset)
{
	emit(t, BPF_LDX | BPF_MEM | BPF_W, dst, CTX, (int)offset, 0);
}

static void emit_context_field(struct translation *t,
			       const struct context_field *field)
{
	emit_field(t, A, field->offset);
	if (field->flags & FLAG_BE16)
		emit(t, BPF_ALU | BPF_END | BPF_TO_BE, A, 0, 0, 16);
	/* A packet without a device has no index; the kernel drops it. */
	if (field->flags & FLAG_DROP_0) {
		emit(t, BPF_JMP | BPF_JNE | BPF_K, A, 0, 1, 0);
		emit(t, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	}
}

/* False for what a socket filter cannot know. */
static bool ancillary(struct translation *t, u32 ad)
{
	switch (ad) {
	case SKF_AD_ALU_XOR_X:
		emit(t, BPF_ALU | BPF_XOR | BPF_X, A, X, 0, 0);
		return true;
	case SKF_AD_CPU:
		emit(t, BPF_JMP | BPF_CALL, 0, 0, 0,
		     BPF_FUNC_get_smp_processor_id);
		return true;
	case SKF_AD_RANDOM:
		emit(t, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_prandom_u32);
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(context_fields); i++) {
		if (context_fields[i].ad != ad)
			continue;
		emit_context_field(t, &context_fields[i]);
		return true;
	}
	return false;
}

/* ---- instructions ----------------------------------------------------- */

static int mem_offset(u32 k)
{
	return (int)k * 4 - BPF_MEMWORDS * 4;
}

/* X = 4 * (byte at K & 15), the length of an IPv4 header; A stays. */
static void load_header_length(struct translation *t, u32 k)
{
	emit_move(t, TMP, A);
	emit(t, BPF_LD | BPF_ABS | BPF_B, 0, 0, 0, k);
	emit(t, BPF_ALU | BPF_AND | BPF_K, A, 0, 0, 15);
	emit(t, BPF_ALU | BPF_LSH | BPF_K, A, 0, 0, 2);
	emit_move(t, X, A);
	emit_move(t, A, TMP);
}

/*
 * K beyond INT32_MAX are the kernel's offsets from other headers (SKF_NET_OFF);
 * those are left to the engine, as LD_ABS and LD_IND have them too.
 */
static void load_indirect(struct translation *t, const struct sock_filter *f)
{
	if (f->k <= INT32_MAX) {
		emit(t, BPF_JMP | BPF_JLE | BPF_K, X, 0, 2, INT32_MAX - f->k);
		emit_drop(t);
	}
	emit(t, BPF_LD | BPF_IND | BPF_SIZE(f->code), 0, X, 0, f->k);
}

static bool translate_load(struct translation *t, const struct sock_filter *f)
{
	unsigned dst = BPF_CLASS(f->code) == BPF_LDX ? X : A;

	switch (BPF_MODE(f->code)) {
	case BPF_ABS:
		if (f->k >= (u32)SKF_AD_OFF)
			return ancillary(t, f->k - (u32)SKF_AD_OFF);
		emit(t, BPF_LD | BPF_ABS | BPF_SIZE(f->code), 0, 0, 0, f->k);
		break;
	case BPF_IND:
		load_indirect(t, f);
		break;
	case BPF_MSH:
		load_header_length(t, f->k);
		break;
	case BPF_MEM:
		emit(t, BPF_LDX | BPF_MEM | BPF_W, dst, BPF_REG_10,
		     mem_offset(f->k), 0);
		break;
	case BPF_LEN:
		emit_field(t, dst, FIELD(len));
		break;
	default:
		emit_const(t, dst, f->k);
	}
	return true;
}

static void translate_alu(struct translation *t, const struct sock_filter *f)
{
	unsigned op = BPF_OP(f->code);
	bool by_x = op != BPF_NEG && BPF_SRC(f->code) == BPF_X;

	if (by_x && (op == BPF_DIV || op == BPF_MOD)) {
		emit(t, BPF_JMP | BPF_JNE | BPF_K, X, 0, 2, 0);
		emit_drop(t);
	}
	if (by_x)
		emit(t, BPF_ALU | op | BPF_X, A, X, 0, 0);
	else
		emit(t, BPF_ALU | op, A, 0, 0, op == BPF_NEG ? 0 : f->k);
	if (by_x && (op == BPF_LSH || op == BPF_RSH)) {
		emit(t, BPF_JMP | BPF_JLE | BPF_K, X, 0, 1, 31);
		emit_const(t, A, 0);
	}
}

/* The opposite of a condition, or 0 for JSET, which has none. */
static unsigned opposite(unsigned op)
{
	switch (op) {
	case BPF_JEQ: return BPF_JNE;
	case BPF_JGT: return BPF_JLE;
	case BPF_JGE: return BPF_JLT;
	}
	return 0;
}

static void translate_jump(struct translation *t, const struct sock_filter *f,
			   size_t at)
{
	unsigned op = BPF_OP(f->code);
	bool by_x = BPF_SRC(f->code) == BPF_X;
	size_t yes = at + 1 + f->jt, no = at + 1 + f->jf;

	if (op == BPF_JA || yes == no) {
		emit_jump(t, BPF_JMP | BPF_JA, 0, 0, 0,
			  op == BPF_JA ? at + 1 + f->k : yes);
		return;
	}
	if (!f->jt && opposite(op)) {
		op = opposite(op);
		yes = no;
		no = at + 1;
	}
	emit_jump(t, BPF_JMP32 | op | BPF_SRC(f->code), A, by_x ? X : 0,
		  by_x ? 0 : f->k, yes);
	if (no != at + 1)
		emit_jump(t, BPF_JMP | BPF_JA, 0, 0, 0, no);
}

/* False when F cannot be translated. */
static bool translate_insn(struct translation *t, const struct sock_filter *f,
			   size_t at)
{
	switch (BPF_CLASS(f->code)) {
	case BPF_LD:
	case BPF_LDX:
		return translate_load(t, f);
	case BPF_ST:
	case BPF_STX:
		emit(t, BPF_STX | BPF_MEM | BPF_W, BPF_REG_10,
		     BPF_CLASS(f->code) == BPF_ST ? A : X, mem_offset(f->k), 0);
		break;
	case BPF_ALU:
		translate_alu(t, f);
		break;
	case BPF_JMP:
		translate_jump(t, f, at);
		break;
	case BPF_RET:
		if (!(f->code & BPF_A))
			emit_const(t, A, f->k);
		emit(t, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
		break;
	case BPF_MISC:
		if (f->code & BPF_TXA)
			emit_move(t, A, X);
		else
			emit_move(t, X, A);
		break;
	}
	return true;
}

static void resolve_jumps(struct translation *t)
{
	for (size_t i = 0; i < t->jumps.n; i++) {
		const struct jump *j = &t->jumps.v[i];
		s64 off = (s64)t->starts.v[j->to] - (s64)j->slot - 1;

		assert(off >= 0 && off <= INT16_MAX);
		t->out->v[j->slot].off = (s16)off;
	}
}

int cbpf_translate(struct isa_code *out, const struct sock_filter *v, size_t n,
		   const char *where, struct skep_err *err)
{
	struct translation t = { .out = out };
	char place[256];
	int code = 0;

	emit(&t, BPF_ALU64 | BPF_MOV | BPF_X, CTX, BPF_REG_1, 0, 0);
	emit_const(&t, A, 0);
	emit_const(&t, X, 0);
	for (size_t at = 0; at < n && !code; at++) {
		*vec_push(&t.starts) = out->n;
		if (translate_insn(&t, &v[at], at))
			continue;
		snprintf(place, sizeof(place), "%s:%zu", where ? where : "insn",
			 at);
		code = err_set(err, ERR_CBPF, place, "[%s] is not in the "
			       "context of a socket filter",
			       cbpf_ancillary(v[at].k));
	}
	if (!code)
		resolve_jumps(&t);
	vec_free(&t.starts);
	vec_free(&t.jumps);
	return code;
}
