/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dynptr.c: a struct bpf_dynptr on the stack: two slots, the first at the lower
 * address. It is made by a call, dies when its bytes are written, and its slices
 * (memory that a call gave of it) die with it. One of a reserved record must be
 * given back before: all that share the reference go then.
 */
#include "verify/call.h"
#include "model/dynptr.h"

/* ---- where it lies ------------------------------------------------------- */

struct place { struct frame *f; u32 frame, n; };	/* slot N, then N - 1 */

static struct why why_of(const struct call *c, const struct reg *r, unsigned i)
{
	return (struct why){ .reg = i + 1, .ptr = r, .a = i + 1, .b = i, .t = c->row->name };
}

static bool place_of(struct verifier *v, struct state *s, const struct call *c,
		     unsigned i, struct place *p)
{
	const struct reg *r = state_reg(s, i + 1);
	struct why why = why_of(c, r, i);
	s64 off = r->off;

	if (!scalar_is_const(&r->val))
		return reject(v, REJECT_DYNPTR_VAR, c->insn, &why);
	off += (s64)scalar_value(&r->val);
	why.a = off;
	if (off % SLOT_BYTES || off > -2 * SLOT_BYTES || off < -STACK_BYTES)
		return reject(v, REJECT_DYNPTR_OFF, c->insn, &why);
	p->frame = r->frame;
	p->n = (u32)(-off / SLOT_BYTES) - 1;
	p->f = state_grow(v, s, p->frame, p->n + 1);
	v->funcs[p->f->func].stack_bytes =
		(u32)max_u64(v->funcs[p->f->func].stack_bytes, (u64)-off);
	return true;
}

static bool is_half(const struct slot *t, u8 half)
{
	return t->kind[0] == SLOT_DYNPTR && t->reg.frame == half;
}

/* ---- its end ------------------------------------------------------------- */

struct forget { struct verifier *v; u32 id; };

static void forget_slice(struct reg *r, void *arg)
{
	struct forget *f = arg;

	if (r->type != REG_MEM || r->uid != f->id)
		return;
	if (f->v->privileged)
		reg_set_unknown(f->v, r);
	else
		reg_set_none(r);
}

void slot_clear(struct verifier *v, struct slot *t)
{
	(void)v;
	memset(t->kind, SLOT_NONE, SLOT_BYTES);
	reg_set_none(&t->reg);
	t->def = 0;
}

/* The dynptr whose first slot is N of frame F is no more. */
static void destroy(struct verifier *v, struct state *s, u32 f, u32 n)
{
	struct slot *t = &s->frames[f]->slots[n];
	struct forget forget = { v, t->reg.id };

	slot_clear(v, t);
	slot_clear(v, t - 1);
	state_each(s, forget_slice, &forget);
}

static void overwrite_dynptr(struct verifier *v, struct state *s, u32 at, u32 f, u32 n)
{
	const struct slot *t = &s->frames[f]->slots[n];

	if (t->reg.ref)
		reject(v, REJECT_DYNPTR_OVERWRITE, at, NULL);
	destroy(v, s, f, t->reg.frame ? n + 1 : n);
}

void object_overwrite(struct verifier *v, struct state *s, u32 at, u32 f, u32 n)
{
	struct slot *t = &s->frames[f]->slots[n];

	if (t->kind[0] == SLOT_DYNPTR) {
		overwrite_dynptr(v, s, at, f, n);
		return;
	}
	/* what an iterator holds is lost then; its reference tells */
	memset(t->kind, v->privileged ? SLOT_MISC : SLOT_NONE, SLOT_BYTES);
	reg_set_none(&t->reg);
}

void dynptr_release(struct verifier *v, struct state *s, u32 ref)
{
	for (u32 f = 0; f < s->nr_frames; f++)
		for (u32 n = 1; n < s->frames[f]->nr_slots; n++)
			if (is_half(&s->frames[f]->slots[n], 0) &&
			    s->frames[f]->slots[n].reg.ref == ref)
				destroy(v, s, f, n);
	ref_release(v, s, ref);
}

void dynptr_leave(struct verifier *v, struct state *s, u32 frame)
{
	for (u32 f = 0; f < s->nr_frames; f++)
		for (u32 n = 1; n < s->frames[f]->nr_slots; n++)
			if (is_half(&s->frames[f]->slots[n], 0) &&
			    s->frames[f]->slots[n].reg.uid == frame)
				destroy(v, s, f, n);
}

/* ---- a new one ----------------------------------------------------------- */

/* What the call makes; 0: as the dynptr before. */
static u32 kind_made(const struct call *c)
{
	const char *name = c->row->name;

	if (!strcmp(name, "dynptr_from_mem"))
		return DYNPTR_LOCAL;
	if (!strcmp(name, "ringbuf_reserve_dynptr"))
		return DYNPTR_RECORD;
	if (!strcmp(name, "dynptr_from_skb"))
		return DYNPTR_SKB;
	if (!strcmp(name, "bpf_dynptr_from_skb_meta"))
		return DYNPTR_SKB_META;
	return strcmp(name, "dynptr_from_xdp") ? c->dynptr.kind : DYNPTR_XDP;
}

static void set_half(struct verifier *v, struct slot *t, const struct reg *r, u8 half)
{
	memset(t->kind, SLOT_DYNPTR, SLOT_BYTES);
	t->reg = *r;
	t->reg.frame = half;
	t->def = def_new(v, 0, 0);
}

void arg_dynptr_out(struct verifier *v, struct state *s, struct call *c, unsigned i)
{
	const struct reg *r = state_reg(s, i + 1);
	struct why why = why_of(c, r, i);
	struct place p;
	struct reg made;

	if (r->type != REG_STACK) {
		reject(v, r->type == REG_DYNPTR ? REJECT_DYNPTR_USED : REJECT_DYNPTR_STACK,
		       c->insn, &why);
		return;
	}
	if (!place_of(v, s, c, i, &p))
		return;
	slices_overwrite(v, s, p.frame, p.n - 1, p.n);
	for (u32 n = p.n - 1; n <= p.n; n++)
		if (slot_kind_is_object(p.f->slots[n].kind[0]))
			object_overwrite(v, s, c->insn, p.frame, n);
	reg_set_ptr(&made, REG_DYNPTR, 0);
	made.dynptr = kind_made(c);
	made.uid = c->dynptr.frame;	/* of a clone */
	made.id = ++v->next_id;
	if (made.dynptr == DYNPTR_RECORD)
		made.ref = c->dynptr.ref ? c->dynptr.ref : ref_acquire(v, s, REF_PTR);
	if (made.ref && !c->dynptr.ref)
		ref_find(s, made.ref)->insn = c->insn;
	set_half(v, &p.f->slots[p.n], &made, 0);
	set_half(v, &p.f->slots[p.n - 1], &made, 1);
}

/* ---- one that is there --------------------------------------------------- */

/* A constant dynptr, which a function was given: as it was. */
static bool check_given(struct verifier *v, const struct call *c, const struct reg *r,
			struct why why)
{
	why.a = r->off;
	if (!scalar_is_const(&r->val))
		return reject(v, REJECT_VAR_ACCESS, c->insn, &why);
	why.a += (s64)scalar_value(&r->val);
	if (why.a)
		return reject(v, REJECT_CTX_MODIFIED, c->insn, &why);
	return true;
}

/* What the argument is; false after a rejection. */
static bool initialized(struct verifier *v, struct state *s, const struct call *c,
			unsigned i, struct dynptr_at *d)
{
	const struct reg *r = state_reg(s, i + 1);
	struct why why = why_of(c, r, i);
	struct place p;

	if (r->type == REG_DYNPTR) {
		*d = (struct dynptr_at){ r->dynptr, r->id, 0, r->frame };
		return check_given(v, c, r, why);
	}
	if (r->type != REG_STACK)
		return reject(v, REJECT_DYNPTR_STACK, c->insn, &why);
	if (!place_of(v, s, c, i, &p))
		return false;
	if (!is_half(&p.f->slots[p.n], 0))
		return reject(v, REJECT_DYNPTR_NONE, c->insn, &why);
	def_read(v, p.f->slots[p.n].def);
	def_read(v, p.f->slots[p.n - 1].def);
	r = &p.f->slots[p.n].reg;
	*d = (struct dynptr_at){ r->dynptr, r->id, r->ref, (u8)r->uid };
	return true;
}

void arg_dynptr(struct verifier *v, struct state *s, struct call *c, unsigned i)
{
	if (initialized(v, s, c, i, &c->dynptr) && !c->into.kind)
		c->into = c->dynptr;
}

static void arg_dynptr_record(struct verifier *v, struct state *s, struct call *c, unsigned i)
{
	const struct reg *r = state_reg(s, i + 1);
	struct why why = why_of(c, r, i);

	if (!initialized(v, s, c, i, &c->dynptr))
		return;
	if (c->dynptr.kind != DYNPTR_RECORD)
		reject(v, REJECT_DYNPTR_KIND, c->insn, &why);
	else if (!c->dynptr.ref)
		reject(v, REJECT_DYNPTR_UNOWNED, c->insn, &why);
	c->release = c->dynptr.ref;
	c->release_dynptr = true;
}

/* ---- parts --------------------------------------------------------------- */

/*
 * A slice of a packet that does not lie in one piece is in the buffer that the call was
 * given: it lasts as long as that. On the stack others must not write there as long as
 * the slice may, or neither knows what is there. (The kernel does not ask.)
 */
static u32 stack_part(u32 frame, u32 from, u32 to)
{
	return 1 + (frame << 16 | from << 8 | to);
}

struct overwrite { struct verifier *v; u32 frame, from, to; };

static void forget_overwritten(struct reg *r, void *arg)
{
	struct overwrite *o = arg;
	u32 part = r->buffer - 1;

	if (r->type != REG_MEM || !r->buffer || part >> 16 != o->frame ||
	    (part >> 8 & 0xff) > o->to || (part & 0xff) < o->from)
		return;
	if (o->v->privileged)
		reg_set_unknown(o->v, r);
	else
		reg_set_none(r);
}

void slices_overwrite(struct verifier *v, struct state *s, u32 f, u32 from, u32 to)
{
	struct overwrite o = { v, f, from, to };

	if (v->buffers)
		state_each(s, forget_overwritten, &o);
}

static void lies_in(struct verifier *v, struct reg *r0, const struct reg *buf)
{
	s64 first = buf->off + buf->val.smin, end = buf->off + buf->val.smax + (s64)r0->bytes;

	if (buf->type == REG_MEM) {
		r0->ref = r0->ref ? r0->ref : buf->ref;
		r0->frame = r0->frame > buf->frame ? r0->frame : buf->frame;
		r0->buffer = buf->buffer;
	} else if (buf->type == REG_STACK && r0->bytes) {
		r0->buffer = stack_part(buf->frame, (u32)(-end / SLOT_BYTES),
					(u32)((-first - 1) / SLOT_BYTES));
	}
	v->buffers |= r0->buffer != 0;
}

bool writes_packet(const struct verifier *v)
{
	switch (v->prog->type) {
	case BPF_PROG_TYPE_SCHED_CLS:
	case BPF_PROG_TYPE_SCHED_ACT:
	case BPF_PROG_TYPE_XDP:
	case BPF_PROG_TYPE_LWT_XMIT:
	case BPF_PROG_TYPE_SK_SKB:
	case BPF_PROG_TYPE_SK_MSG:
	case BPF_PROG_TYPE_CGROUP_SOCKOPT:
		return true;
	default:
		return false;
	}
}

bool writes_dynptr(const char *name)
{
	static const char *const names[] = {
		"dynptr_copy", "dynptr_memset", "probe_read_kernel_dynptr",
		"probe_read_kernel_str_dynptr", "probe_read_user_dynptr",
		"probe_read_user_str_dynptr",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

bool dynptr_moves_packet(const struct dynptr_at *d)
{
	return d->kind == DYNPTR_SKB || d->kind == DYNPTR_SKB_META || d->kind == DYNPTR_GIVEN;
}

void ret_slice(struct verifier *v, struct state *s, const struct call *c, unsigned flags)
{
	struct reg *r0 = state_reg(s, 0);
	bool packet = c->dynptr.kind == DYNPTR_SKB || c->dynptr.kind == DYNPTR_XDP ||
		      c->dynptr.kind == DYNPTR_SKB_META || c->dynptr.kind == DYNPTR_GIVEN;

	reg_set_ptr(r0, REG_MEM, flags | REG_OR_NULL | (packet ? REG_SLICE : 0));
	r0->bytes = (u32)c->const_size;
	/* what a slice shows stays when its dynptr is overwritten; a map's value
	   or a record does, too, but the kernel takes what bpf_dynptr_data() gave */
	r0->uid = c->is_kfunc ? 0 : c->dynptr.id;
	r0->ref = c->dynptr.ref;
	r0->frame = c->dynptr.frame;
	r0->id = ++v->next_id;
	if (packet && v->opts->policy == POLICY_USER && !v->stop)
		lies_in(v, r0, &c->buffer);
}

/* ---- entry --------------------------------------------------------------- */

bool arg_on_stack(struct verifier *v, struct state *s, struct call *c, unsigned i)
{
	switch (c->row->args[i]) {
	case ARG_DYNPTR:
		if (!check_readable(v, s, c->insn, i + 1))
			arg_dynptr(v, s, c, i);
		return true;
	case ARG_DYNPTR_OUT:
		if (!check_readable(v, s, c->insn, i + 1))
			arg_dynptr_out(v, s, c, i);
		return true;
	case ARG_DYNPTR_RECORD:
		if (!check_readable(v, s, c->insn, i + 1))
			arg_dynptr_record(v, s, c, i);
		return true;
	case ARG_KPTR_SLOT:
		if (!check_readable(v, s, c->insn, i + 1))
			arg_kptr_slot(v, s, c, i);
		return true;
	case ARG_OBJECT_OR_NULL:
		if (!check_readable(v, s, c->insn, i + 1))
			arg_kptr_object(v, s, c, i);
		return true;
	default:
		return false;
	}
}

void dynptr_arg(struct verifier *v, struct state *s, u32 at, unsigned i, const char *name)
{
	const struct helper_row row = { .name = name };
	struct call c = { .insn = at, .row = &row };

	arg_dynptr(v, s, &c, i);
}
