/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sample.c: where the time of programs goes, by looking at intervals where their thread is
 * (base/os_tick.c). In: the engine as it runs, compiled or interpreted. Out: how often each
 * instruction, and what it calls, was seen, and the calls on the way there.
 *
 * Compiled code is known by its addresses. What it calls is C, whose frames nobody
 * describes: the call has noted itself in run.at, and its return address is on the stack
 * above; and so are those of the functions around, each behind a call of the function that
 * it is of. All that runs in the signal handler looks only at what was there before.
 */
#include "base/os.h"
#include "isa/isa.h"
#include "jit/jit.h"
#include "runtime/private.h"
#include <stdlib.h>

enum { STACKS = 4096, SCAN_BYTES = 64 << 10 };

/* A program's machine code. */
struct range {
	u64 start, end;
	const struct runtime_prog *p;
	u32 nr;			/* in the sampler's progs */
};

struct sampler {
	struct runtime *rt;
	u64 every_ns;
	struct ticks *ticks;
	u64 top;		/* nothing of programs lies above it on the stack */
	struct range *ranges;
	u32 nr_ranges;
	struct sample_prog *progs;
	struct sample_stack *stacks;	/* [STACKS]; samples 0: nothing there */
	struct sampled out;
};

/* A place in compiled code: its slot of the rewrite. */
struct code_spot { const struct range *in; u32 slot; };

/* ---- compiled code ------------------------------------------------------------------- */

static const struct range *range_of(const struct sampler *s, u64 addr)
{
	for (u32 i = 0; i < s->nr_ranges; i++)
		if (addr - s->ranges[i].start < s->ranges[i].end - s->ranges[i].start)
			return &s->ranges[i];
	return NULL;
}

/* The first slot of the function that has ADDR. */
static u32 func_at(const struct range *in, u64 addr)
{
	u32 n, lo = 0, hi, off = (u32)(addr - in->start);
	const struct jit_step *v = jit_steps(in->p->jit, &n);

	for (hi = n; hi - lo > 1;) {
		u32 mid = (lo + hi) / 2;

		if (v[mid].off <= off)
			lo = mid;
		else
			hi = mid;
	}
	return n ? v[lo].slot : 0;
}

static u32 origin(const struct runtime_prog *p, u32 slot)
{
	return slot < p->rw->nr_insns ? p->rw->origin[slot] : 0;
}

static const struct image_func *func_of(const struct runtime_prog *p, u32 slot)
{
	return image_func(p->prog, origin(p, slot));
}

/* What makes a function's frame stands before the code of its first slot. */
static struct code_spot spot_at(const struct range *in, u64 addr)
{
	u32 func = func_at(in, addr);
	s64 slot = jit_slot(in->p->jit, addr);

	if (slot < 0 || func_of(in->p, (u32)slot) != func_of(in->p, func))
		slot = func;
	return (struct code_spot){ in, (u32)slot };
}

/* Is C a call from which control comes to OF: BODY, the same call; else one of OF's
 * function, or of what calls back to it? */
static bool leads_to(const struct code_spot *c, const struct code_spot *of, bool body)
{
	const struct bpf_insn *in = &c->in->p->rw->insns[c->slot];
	s64 delta;

	if (in->code != (BPF_JMP | BPF_CALL))
		return false;
	if (body)
		return c->in == of->in && c->slot == of->slot;
	if (in->src_reg != BPF_PSEUDO_CALL)
		return true;
	return c->in == of->in && isa_target(in, &delta) &&
	       func_of(c->in->p, (u32)(c->slot + 1 + delta)) == func_of(of->in->p, of->slot);
}

/* Is WORD the address behind such a call? */
static bool is_behind(const struct sampler *s, u64 word, const struct code_spot *of, bool body,
		      struct code_spot *out)
{
	const struct range *in = range_of(s, word - 1);

	if (!in)
		return false;
	*out = spot_at(in, word - 1);
	return leads_to(out, of, body);
}

/* A word of the stack, whatever lies there. */
__attribute__((no_sanitize_address))
static u64 stack_word(u64 at) { return *(const volatile u64 *)(uintptr_t)at; }

/* The first such word of LINK, where processors keep one that is not yet on the stack (0:
 * not this one), *AT and those above it. *AT is behind it then. */
static bool find_call(const struct sampler *s, u64 link, u64 *at, const struct code_spot *of,
		      bool body, struct code_spot *out)
{
	u64 end = min_u64(s->top, *at + SCAN_BYTES);

	if (link && is_behind(s, link, of, body, out))
		return true;
	for (; *at + sizeof(u64) <= end; *at += sizeof(u64))
		if (is_behind(s, stack_word(*at), of, body, out)) {
			*at += sizeof(u64);
			return true;
		}
	return false;
}

static void push(struct sample_stack *st, const struct code_spot *c)
{
	st->at[st->depth++] = (struct sample_spot){ c->in->nr, origin(c->in->p, c->slot) };
}

/* The functions around C, whose frame is at AT. LINK as of find_call. */
static void push_callers(const struct sampler *s, struct sample_stack *st, struct code_spot c,
			 u64 link, u64 at)
{
	while (st->depth < SAMPLE_DEPTH && func_of(c.in->p, c.slot) &&
	       func_of(c.in->p, c.slot)->insn) {
		struct code_spot outer;

		if (!find_call(s, link, &at, &c, false, &outer))
			break;
		push(st, &outer);
		c = outer;
		link = 0;
	}
}

/* The call that is under way, when it is one of compiled code. */
static bool called_spot(const struct sampler *s, struct code_spot *out)
{
	const struct last_seat *l = &runtime_last;
	const void *at = l->rt == s->rt ? l->seat->run.at : NULL, *user;

	if (!at)
		return false;
	out->slot = vm_native_at(at, &user);
	for (u32 i = 0; i < s->nr_ranges; i++)
		if (s->ranges[i].p == user) {
			out->in = &s->ranges[i];
			return true;
		}
	return false;
}

static void look_compiled(const struct sampler *s, struct sample_stack *st,
			  const struct os_tick *t)
{
	const struct range *in = range_of(s, t->pc);
	struct code_spot c, call;
	u64 at = t->sp & ~7ull;

	if (in) {
		c = spot_at(in, t->pc);
		push(st, &c);
		push_callers(s, st, c, t->link, at);
	} else if (called_spot(s, &call) && find_call(s, t->link, &at, &call, true, &c)) {
		st->calls = true;
		push(st, &c);
		push_callers(s, st, c, 0, at);
	}
}

/* ---- interpreted code ---------------------------------------------------------------- */

static bool is_body_call(const struct runtime_prog *p, u32 insn)
{
	const struct bpf_insn *in = &p->prog->insns[insn];

	return insn < p->prog->nr_insns && in->code == (BPF_JMP | BPF_CALL) &&
	       in->src_reg != BPF_PSEUDO_CALL;
}

static u32 number_of(const struct sampler *s, const struct runtime_prog *p)
{
	for (u32 i = 0; i < s->rt->progs.n; i++)
		if (s->rt->progs.v[i] == p)
			return i;
	return 0;
}

/* The function that the call at AT leads to: its first instruction; 0: it is no such call. */
static u32 target_of(const struct image_prog *p, u32 at)
{
	const struct bpf_insn *in = &p->insns[at];
	s64 delta;

	return in->code == (BPF_JMP | BPF_CALL) && in->src_reg == BPF_PSEUDO_CALL &&
	       isa_target(in, &delta) ? (u32)(at + 1 + delta) : 0;
}

static void drop(struct sample_stack *st, u32 i)
{
	memmove(&st->at[i], &st->at[i + 1], (--st->depth - i) * sizeof(st->at[0]));
}

/* A call may have a frame that does not say yet who calls, and a function that ends have
 * left its own: then the next call does not lead to where the program is. */
static void mend(const struct sampler *s, struct sample_stack *st)
{
	const struct image_prog *p = s->rt->progs.v[st->at[0].prog]->prog;
	const struct image_func *f = image_func(p, st->at[0].insn);
	struct sample_spot *at = st->at;
	bool outer = st->depth > 1 && at[1].prog == at->prog;
	u32 leads = outer ? target_of(p, at[1].insn) : 0;

	if (!f || st->depth == SAMPLE_DEPTH || (st->depth > 1 && !outer) ||
	    (outer ? leads && leads == f->insn : !f->insn))
		return;
	if (outer && (!f->insn || target_of(p, at->insn) || !memcmp(at, at + 1, sizeof(*at)))) {
		drop(st, 1);
	} else if (p->insns[at->insn].code == (BPF_JMP | BPF_EXIT) && (!outer || leads)) {
		memmove(at + 2, at + 1, (st->depth++ - 1) * sizeof(*at));
		at[1] = (struct sample_spot){ at->prog, leads };
	}
}

static void look_interpreted(const struct sampler *s, struct sample_stack *st)
{
	const struct last_seat *l = &runtime_last;
	struct vm_spot v[SAMPLE_DEPTH];

	if (l->rt != s->rt)
		return;
	st->depth = vm_spots(l->seat->machine, v, SAMPLE_DEPTH);
	for (u32 i = 0; i < st->depth; i++)
		st->at[i] = (struct sample_spot){ number_of(s, v[i].user), v[i].insn };
	if (st->depth && st->at[0].insn < s->progs[st->at[0].prog].nr)
		mend(s, st);
	st->calls = st->depth && is_body_call(s->rt->progs.v[st->at[0].prog], st->at[0].insn);
}

/* ---- what was seen ----------------------------------------------------------------- */

static u32 hash(const struct sample_stack *st)
{
	u32 h = st->calls;

	for (u32 i = 0; i < st->depth; i++)
		h = (h ^ (st->at[i].prog * 40503u + st->at[i].insn)) * 2654435761u;
	return h >> 8;
}

static bool same(const struct sample_stack *a, const struct sample_stack *b)
{
	return a->depth == b->depth && a->calls == b->calls &&
	       !memcmp(a->at, b->at, a->depth * sizeof(*a->at));
}

static void add_stack(struct sampler *s, const struct sample_stack *st)
{
	u32 at = hash(st) % STACKS;

	for (u32 i = 0; i < STACKS; i++, at = (at + 1) % STACKS) {
		struct sample_stack *to = &s->stacks[at];

		if (to->samples && !same(to, st))
			continue;
		if (!to->samples) {
			*to = *st;
			to->samples = 0;
		}
		to->samples++;
		return;
	}
	s->out.unknown++;	/* too many different ones */
}

static void on_tick(void *arg, const struct os_tick *t)
{
	struct sampler *s = arg;
	struct sample_stack st;
	struct sample_prog *p;

	st.depth = 0;
	st.calls = false;
	look_compiled(s, &st, t);
	if (!st.depth)
		look_interpreted(s, &st);
	s->out.samples++;
	p = st.depth ? &s->progs[st.at[0].prog] : NULL;
	if (!p || st.at[0].insn >= p->nr)
		return;
	s->out.inside++;
	++*(st.calls ? &p->called[st.at[0].insn] : &p->own[st.at[0].insn]);
	add_stack(s, &st);
}

/* ---- samplers ------------------------------------------------------------------------ */

static void add_prog(struct sampler *s, u32 i)
{
	const struct runtime_prog *p = s->rt->progs.v[i];
	u32 bytes;

	s->progs[i] = (struct sample_prog){ .prog = (u32)(p->prog - p->img->progs),
		.nr = p->prog->nr_insns, .own = mem_alloc(p->prog->nr_insns * sizeof(u64)),
		.called = mem_alloc(p->prog->nr_insns * sizeof(u64)) };
	if (!p->jit)
		return;
	s->ranges[s->nr_ranges] = (struct range){ .start = (uintptr_t)jit_bytes(p->jit, &bytes),
						  .p = p, .nr = i };
	s->ranges[s->nr_ranges].end = s->ranges[s->nr_ranges].start + bytes;
	s->nr_ranges++;
}

struct sampler *runtime_sampler_new(struct backend *b, u64 every_ns)
{
	struct sampler *s = mem_alloc(sizeof(*s));
	u32 n = (u32)rt_of(b)->progs.n;

	s->rt = rt_of(b);
	s->every_ns = every_ns;
	s->ranges = mem_alloc(n * sizeof(*s->ranges) + 1);
	s->progs = mem_alloc(n * sizeof(*s->progs) + 1);
	s->stacks = mem_alloc(STACKS * sizeof(*s->stacks));
	for (u32 i = 0; i < n; i++)
		add_prog(s, i);
	s->out.progs = s->progs;
	s->out.nr_progs = n;
	return s;
}

bool runtime_sampler_go(struct sampler *s)
{
	s->top = (uintptr_t)__builtin_frame_address(0);
	s->ticks = os_ticks_start(s->every_ns, on_tick, s);
	return s->ticks;
}

void runtime_sampler_pause(struct sampler *s)
{
	os_ticks_end(s->ticks);
	s->ticks = NULL;
}

const struct sampled *runtime_sampled(struct sampler *s)
{
	s->out.stacks = s->stacks;
	s->out.nr_stacks = STACKS;
	return &s->out;
}

void runtime_sampler_free(struct sampler *s)
{
	if (!s)
		return;
	runtime_sampler_pause(s);
	for (u32 i = 0; i < s->out.nr_progs; i++) {
		free(s->progs[i].own);
		free(s->progs[i].called);
	}
	free(s->ranges);
	free(s->progs);
	free(s->stacks);
	free(s);
}
