/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cfi.c: reads .eh_frame (DWARF 5, 6.4; Linux Standard Base 5.0, 10.6). Every length is
 * checked: what is damaged is an error, never a read outside; what is rare ends a stack.
 */
#include "sym/cfi.h"
#include "base/vec.h"
#include <gelf.h>
#include <stdlib.h>

enum {
	REG_BP = 6, REG_SP = 7, REG_RA = 16,	/* of the psABI of x86-64 */
	DEPTH_MAX = 16,				/* of remembered states */
	ROWS_MAX = 1 << 23,
	CIE_MAX = 1024,		/* bytes of instructions, which each function begins with */
	PTR_OMIT = 0xff, PTR_INDIRECT = 0x80,	/* DW_EH_PE_* */
};

/* DW_CFA_*: three of them have an operand in their lower six bits. */
enum {
	OP_ADVANCE = 1, OP_OFFSET = 2, OP_RESTORE = 3,
	OP_NOP = 0x00, OP_SET_LOC = 0x01, OP_ADVANCE1 = 0x02, OP_ADVANCE2 = 0x03,
	OP_ADVANCE4 = 0x04, OP_OFFSET_EXT = 0x05, OP_RESTORE_EXT = 0x06, OP_UNDEFINED = 0x07,
	OP_SAME = 0x08, OP_REGISTER = 0x09, OP_REMEMBER = 0x0a, OP_RESTORE_STATE = 0x0b,
	OP_DEF_CFA = 0x0c, OP_DEF_CFA_REG = 0x0d, OP_DEF_CFA_OFF = 0x0e, OP_DEF_CFA_EXPR = 0x0f,
	OP_EXPR = 0x10, OP_OFFSET_SF = 0x11, OP_DEF_CFA_SF = 0x12, OP_DEF_CFA_OFF_SF = 0x13,
	OP_VAL_OFFSET = 0x14, OP_VAL_OFFSET_SF = 0x15, OP_VAL_EXPR = 0x16,
	OP_ARGS_SIZE = 0x2e,
};

/* Bytes that are read in order. BAD: somebody wanted more than there are. */
struct in { const u8 *at, *end; u64 addr; bool bad; };	/* ADDR: of AT, as linked */

/* What holds at a place. */
struct state { u64 cfa_reg; s64 cfa_off; u8 cfa_kind; u8 bp; s64 bp_off; bool no_ra; };

struct cie {
	u64 code_align, ra;
	s64 data_align;
	u8 fde_enc;
	bool has_z, is_signal;
	struct in insns;
};

struct reader {
	const u8 *data;			/* the section */
	u64 bytes, addr;
	VEC(struct cfi_row) rows;
	struct state now, first, kept[DEPTH_MAX];
	u32 depth;
	u64 pc;
};

/* ---- numbers --------------------------------------------------------------- */

static u64 fixed(struct in *in, u32 n)
{
	u64 v = 0;

	if ((u64)(in->end - in->at) < n) {
		in->bad = true;
		in->at = in->end;
		return 0;
	}
	memcpy(&v, in->at, n);	/* of x86-64 alone: little-endian */
	in->at += n;
	in->addr += n;
	return v;
}

static u64 leb(struct in *in, bool is_signed)
{
	u64 v = 0;
	u32 shift = 0;
	u8 b;

	do {
		b = (u8)fixed(in, 1);
		if (shift < 64)
			v |= (u64)(b & 0x7f) << shift;
		shift += 7;
	} while (b & 0x80 && !in->bad);
	if (is_signed && b & 0x40 && shift < 64)
		v |= ~0ull << shift;
	return v;
}

static u64 uleb(struct in *in) { return leb(in, false); }
static s64 sleb(struct in *in) { return (s64)leb(in, true); }

/* N bytes at IN, which goes behind them. */
static struct in part(struct in *in, u64 n)
{
	struct in r = *in;

	if ((u64)(in->end - in->at) < n) {
		in->bad = true;
		n = (u64)(in->end - in->at);
	}
	r.end = r.at + n;
	in->at += n;
	in->addr += n;
	return r;
}

/* A pointer as ENC (DW_EH_PE_*) has it; ABSOLUTE: a length, not relative to anything. */
static u64 pointer(struct in *in, u8 enc, bool absolute)
{
	const u64 here = in->addr;
	u64 v;

	switch (enc & 0x0f) {
	case 0x00:
	case 0x04:
	case 0x0c: v = fixed(in, 8); break;
	case 0x01: v = uleb(in); break;
	case 0x02: v = fixed(in, 2); break;
	case 0x03: v = fixed(in, 4); break;
	case 0x09: v = (u64)sleb(in); break;
	case 0x0a: v = (u64)(s16)fixed(in, 2); break;
	case 0x0b: v = (u64)(s32)fixed(in, 4); break;
	default: in->bad = true; return 0;
	}
	if (absolute || !(enc & 0x70))
		return v;
	if ((enc & 0x70) != 0x10)	/* to other places than here: nobody does that */
		in->bad = true;
	return v + here;
}

/* ---- expressions ------------------------------------------------------------- */

static bool is_plt(const struct in *e, s64 *from)
{
	static const u8 want[] = { 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0, 0x2a, 0x33, 0x24, 0x22 };

	if (e->end - e->at != sizeof(want))
		return false;
	for (u32 i = 0; i < sizeof(want); i++)
		if (i != 6 && e->at[i] != want[i])
			return false;
	*from = e->at[6] - 0x30;	/* DW_OP_lit */
	return *from >= 0 && *from < 16;
}

/* "breg N, OFF" and, DEREF, what is there. */
static bool is_at(struct in e, u8 reg, bool deref, s64 *off)
{
	const bool right = fixed(&e, 1) == 0x70u + reg;

	*off = sleb(&e);
	return right && !e.bad && (!deref || fixed(&e, 1) == 0x06) && !e.bad && e.at == e.end;
}

static void cfa_expression(struct state *s, struct in e, bool is_signal)
{
	s64 off = 0;

	s->cfa_off = 0;
	s->cfa_kind = CFI_END;
	if (is_plt(&e, &s->cfa_off))
		s->cfa_kind = CFI_PLT;
	else if (is_signal && is_at(e, REG_SP, true, &off) && off == 160)
		s->cfa_kind = CFI_SIGNAL;
	else if (is_at(e, REG_BP, true, &s->cfa_off))
		s->cfa_kind = CFI_DEREF;
}

/* ---- states ------------------------------------------------------------------ */

static void cfa_register(struct state *s, u64 reg)
{
	s->cfa_reg = reg;
	s->cfa_kind = reg == REG_SP ? CFI_SP : reg == REG_BP ? CFI_BP : CFI_END;
}

/* The rule of REG: at OFF from the frame, or (elsewhere) not known. */
static void set_rule(struct state *s, u64 reg, u8 bp, s64 off)
{
	if (reg == REG_BP) {
		s->bp = bp;
		s->bp_off = off;
	} else if (reg == REG_RA) {
		s->no_ra = bp != CFI_BP_AT_CFA || off != -8;
	}
}

static void restore(struct reader *r, u64 reg)
{
	if (reg == REG_BP) {
		r->now.bp = r->first.bp;
		r->now.bp_off = r->first.bp_off;
	} else if (reg == REG_RA) {
		r->now.no_ra = r->first.no_ra;
	}
}

static void add_row(struct reader *r, u64 pc, const struct state *s)
{
	struct cfi_row row = { .pc = pc, .off = (s32)s->cfa_off, .cfa = s->cfa_kind, .bp = s->bp,
			       .bp_off = (s16)s->bp_off };

	if (s->cfa_off != row.off || (s->no_ra && s->cfa_kind != CFI_SIGNAL))
		row.cfa = CFI_END;
	if (s->bp_off != row.bp_off)
		row.bp = CFI_BP_GONE;
	if (row.cfa == CFI_END)
		row.off = 0, row.bp = 0, row.bp_off = 0;
	*vec_push(&r->rows) = row;
}

static void advance(struct reader *r, u64 by)
{
	add_row(r, r->pc, &r->now);
	r->pc += by;
}

static void remember(struct reader *r, struct in *in, bool back)
{
	if (back && r->depth) {
		r->now = r->kept[--r->depth];
	} else if (!back && r->depth < DEPTH_MAX) {
		r->kept[r->depth++] = r->now;
	} else {
		in->bad = true;
	}
}

/* ---- instructions ------------------------------------------------------------ */

static void expression(struct reader *r, struct in *in, u64 reg, bool is_value)
{
	const struct in e = part(in, uleb(in));
	s64 off = 0;

	if (!is_value && is_at(e, REG_BP, false, &off))
		set_rule(&r->now, reg, CFI_BP_AT_BP, off);
	else
		set_rule(&r->now, reg, CFI_BP_GONE, 0);
}

static void rules(struct reader *r, struct in *in, const struct cie *c, u8 op)
{
	const u64 reg = uleb(in);

	switch (op) {
	case OP_OFFSET_EXT:
		set_rule(&r->now, reg, CFI_BP_AT_CFA, (s64)uleb(in) * c->data_align);
		break;
	case OP_OFFSET_SF:
		set_rule(&r->now, reg, CFI_BP_AT_CFA, sleb(in) * c->data_align);
		break;
	case OP_RESTORE_EXT: restore(r, reg); break;
	case OP_SAME: set_rule(&r->now, reg, CFI_BP_SAME, 0); break;
	case OP_EXPR:
	case OP_VAL_EXPR: expression(r, in, reg, op == OP_VAL_EXPR); break;
	case OP_UNDEFINED: set_rule(&r->now, reg, CFI_BP_GONE, 0); break;
	default:	/* REGISTER, VAL_OFFSET, VAL_OFFSET_SF */
		leb(in, op == OP_VAL_OFFSET_SF);
		set_rule(&r->now, reg, CFI_BP_GONE, 0);
	}
}

static void frame(struct reader *r, struct in *in, const struct cie *c, u8 op)
{
	switch (op) {
	case OP_DEF_CFA:
		cfa_register(&r->now, uleb(in));
		r->now.cfa_off = (s64)uleb(in);
		break;
	case OP_DEF_CFA_SF:
		cfa_register(&r->now, uleb(in));
		r->now.cfa_off = sleb(in) * c->data_align;
		break;
	case OP_DEF_CFA_REG: cfa_register(&r->now, uleb(in)); break;
	case OP_DEF_CFA_OFF: r->now.cfa_off = (s64)uleb(in); break;
	case OP_DEF_CFA_OFF_SF: r->now.cfa_off = sleb(in) * c->data_align; break;
	default: cfa_expression(&r->now, part(in, uleb(in)), c->is_signal);
	}
}

static void extended(struct reader *r, struct in *in, const struct cie *c, u8 op)
{
	switch (op) {
	case OP_NOP: break;
	case OP_SET_LOC:
		add_row(r, r->pc, &r->now);
		r->pc = pointer(in, c->fde_enc, false);
		break;
	case OP_ADVANCE1: advance(r, fixed(in, 1) * c->code_align); break;
	case OP_ADVANCE2: advance(r, fixed(in, 2) * c->code_align); break;
	case OP_ADVANCE4: advance(r, fixed(in, 4) * c->code_align); break;
	case OP_REMEMBER:
	case OP_RESTORE_STATE: remember(r, in, op == OP_RESTORE_STATE); break;
	case OP_ARGS_SIZE: uleb(in); break;
	case OP_DEF_CFA:
	case OP_DEF_CFA_SF:
	case OP_DEF_CFA_REG:
	case OP_DEF_CFA_OFF:
	case OP_DEF_CFA_OFF_SF:
	case OP_DEF_CFA_EXPR: frame(r, in, c, op); break;
	case OP_OFFSET_EXT:
	case OP_OFFSET_SF:
	case OP_RESTORE_EXT:
	case OP_SAME:
	case OP_UNDEFINED:
	case OP_REGISTER:
	case OP_EXPR:
	case OP_VAL_EXPR:
	case OP_VAL_OFFSET:
	case OP_VAL_OFFSET_SF: rules(r, in, c, op); break;
	default: in->bad = true;
	}
}

static void run(struct reader *r, struct in in, const struct cie *c)
{
	while (in.at < in.end && !in.bad && r->rows.n < ROWS_MAX) {
		const u8 b = (u8)fixed(&in, 1), low = b & 0x3f;

		switch (b >> 6) {
		case OP_ADVANCE: advance(r, low * c->code_align); break;
		case OP_OFFSET:
			set_rule(&r->now, low, CFI_BP_AT_CFA, (s64)uleb(&in) * c->data_align);
			break;
		case OP_RESTORE: restore(r, low); break;
		default: extended(r, &in, c, low);
		}
	}
	if (in.bad)		/* what comes behind it is not known, either */
		r->now = (struct state){ .cfa_kind = CFI_END };
}

/* ---- entries ----------------------------------------------------------------- */

/* Augmentation data: how FDEs have pointers; 'S': a frame of the system's, for a signal. */
static bool augmented(struct cie *c, struct in *in, const char *text)
{
	struct in data;

	if (!*text)
		return true;
	if (*text != 'z')
		return false;
	c->has_z = true;
	data = part(in, uleb(in));
	for (text++; *text; text++) {
		if (*text == 'R')
			c->fde_enc = (u8)fixed(&data, 1);
		else if (*text == 'L')
			fixed(&data, 1);
		else if (*text == 'P')
			pointer(&data, (u8)fixed(&data, 1) & ~PTR_INDIRECT, false);
		else if (*text == 'S')
			c->is_signal = true;
		else if (*text != 'B' && *text != 'G')
			break;		/* what follows is not known, but how long it is */
	}
	return !data.bad;
}

/* The entry at OFF of the section: its bytes behind length and id; ID. False: the end. */
static bool entry_at(const struct reader *r, u64 off, struct in *in, u64 *id, u64 *next)
{
	struct in all = { r->data + off, r->data + r->bytes, r->addr + off, false };
	u64 n = fixed(&all, 4);

	if (n == 0xffffffff)
		n = fixed(&all, 8);
	if (all.bad || !n)
		return false;
	*in = part(&all, n);
	*next = (u64)(in->end - r->data);
	*id = fixed(in, 4);
	return !all.bad && !in->bad;
}

static bool read_cie(const struct reader *r, u64 off, struct cie *c)
{
	struct in in;
	const char *text;
	u64 id, next;
	u8 version;

	*c = (struct cie){ .fde_enc = 0 };
	if (off >= r->bytes || !entry_at(r, off, &in, &id, &next) || id)
		return false;
	version = (u8)fixed(&in, 1);
	text = (const char *)in.at;
	while (fixed(&in, 1) && !in.bad)
		;
	if (in.bad || (version != 1 && version != 3))
		return false;
	c->code_align = uleb(&in);
	c->data_align = sleb(&in);
	c->ra = version == 1 ? fixed(&in, 1) : uleb(&in);
	if (!augmented(c, &in, text) || in.bad)
		return false;
	c->insns = in;
	return c->ra == REG_RA && in.end - in.at <= CIE_MAX;
}

/* The rows of the FDE at IN, whose CIE is C. */
static void read_fde(struct reader *r, struct in in, const struct cie *c)
{
	const u64 from = pointer(&in, c->fde_enc, false), n = pointer(&in, c->fde_enc, true);
	const struct state end = { .cfa_kind = CFI_END };
	const size_t was = r->rows.n;

	if (c->has_z)
		part(&in, uleb(&in));
	if (in.bad || !n || !from || from + n < from)
		return;
	r->now = (struct state){ .cfa_kind = CFI_END, .bp = CFI_BP_SAME };
	r->depth = 0;
	r->pc = from;
	run(r, c->insns, c);
	r->rows.n = was;	/* a CIE does not advance */
	r->pc = from;
	r->first = r->now;
	run(r, in, c);
	if (r->pc < from + n)
		add_row(r, r->pc, &r->now);
	add_row(r, from + n, &end);
}

static void read_all(struct reader *r)
{
	struct cie c = { .ra = 0 };
	u64 last = UINT64_MAX, next, id;
	bool good = false;
	struct in in;

	for (u64 off = 0; off + 4 < r->bytes && r->rows.n < ROWS_MAX; off = next) {
		u64 field, cie;

		if (!entry_at(r, off, &in, &id, &next))
			break;
		field = (u64)(in.at - r->data) - 4;
		cie = field - id;
		if (!id)
			continue;
		if (cie != last)
			good = read_cie(r, cie, &c);
		last = cie;
		if (good)
			read_fde(r, in, &c);
	}
}

/* ---- the table ----------------------------------------------------------------- */

/* Where one function ends and the next begins, the next one counts. */
static int by_pc(const void *a, const void *b)
{
	const struct cfi_row *x = a, *y = b;

	if (x->pc != y->pc)
		return x->pc < y->pc ? -1 : 1;
	return (x->cfa != CFI_END) - (y->cfa != CFI_END);
}

static bool same_rule(const struct cfi_row *a, const struct cfi_row *b)
{
	return a->cfa == b->cfa && a->off == b->off && a->bp == b->bp && a->bp_off == b->bp_off;
}

static u32 squeeze(struct cfi_row *v, u32 n)
{
	u32 to = 0;

	qsort(v, n, sizeof(*v), by_pc);
	for (u32 i = 0; i < n; i++) {
		if (to && v[to - 1].pc == v[i].pc)
			to--;
		if (!to || !same_rule(&v[to - 1], &v[i]))
			v[to++] = v[i];
	}
	return to;
}

static bool find_section(const struct sym_file *f, struct reader *r)
{
	size_t names = 0;
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;
	const char *name;

	elf_getshdrstrndx(f->elf, &names);
	while ((scn = elf_nextscn(f->elf, scn))) {
		if (!gelf_getshdr(scn, &sh) || sh.sh_type == SHT_NOBITS)
			continue;
		name = elf_strptr(f->elf, names, sh.sh_name);
		if (!name || strcmp(name, ".eh_frame") || !in_bounds(sh.sh_offset, sh.sh_size,
								     f->bytes))
			continue;
		r->data = f->file.data + f->base + sh.sh_offset;
		r->bytes = sh.sh_size;
		r->addr = sh.sh_addr;
		return true;
	}
	return false;
}

int sym_cfi_read(const struct sym_file *f, struct cfi_row **rows, u32 *n, struct skep_err *err)
{
	struct reader r = { .data = NULL };

	*rows = NULL;
	*n = 0;
	if (f->machine != EM_X86_64)
		return err_set(err, ERR_FILE_KIND, f->path, "stacks are unwound on x86-64 alone");
	if (!find_section(f, &r))
		return err_set(err, ERR_FILE_KIND, f->path, "it has no .eh_frame");
	read_all(&r);
	if (!r.rows.n)
		return err_set(err, ERR_FILE_KIND, f->path, "its .eh_frame describes nothing");
	*rows = r.rows.v;
	*n = squeeze(r.rows.v, (u32)r.rows.n);
	return 0;
}

const struct cfi_row *sym_cfi_at(const struct cfi_row *rows, u32 n, u64 addr)
{
	u32 low = 0, high = n;

	while (low < high) {
		const u32 mid = low + (high - low) / 2;

		if (rows[mid].pc <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? &rows[low - 1] : NULL;
}
