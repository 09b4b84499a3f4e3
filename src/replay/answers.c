/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * answers.c: what helpers answer whose answers depend on the machine: the first time they are
 * asked, and what they said is kept; whenever the run comes there again they say the same.
 */
#include "replay/session.h"
#include <linux/bpf.h>
#include <stdio.h>

static bool bit(const u8 *bits, u64 bytes, u32 id)
{
	return id / 8 < bytes && bits[id / 8] >> id % 8 & 1;
}

static bool is_taped(const struct replay *s, u32 id)
{
	return id && (s->taped ? bit(s->taped, s->taped_bytes, id) : helper_is_outside(id));
}

/* Where helper ID leaves *BYTES, or NULL. */
static u8 *out_of(const struct vm_called *c, u64 *bytes)
{
	int i = helper_out(c->id);

	*bytes = i < 0 ? 0 : (u32)c->args[i + 1];
	return i < 0 ? NULL : (u8 *)(uintptr_t)c->args[i];
}

static u64 call(const struct vm_called *c)
{
	const u64 *a = c->args;

	return c->fn(a[0], a[1], a[2], a[3], a[4], c->run);
}

/* The engine's clock stands still for timers; who asks for the time gets it. */
static u64 call_clocked(struct replay *s, const struct vm_called *c)
{
	u64 ret;

	if (!s->real_clock)
		return call(c);
	c->run->clock.is_virtual = false;
	ret = call(c);
	c->run->clock.is_virtual = true;
	return ret;
}

static u64 first_answer(struct replay *s, const struct vm_called *c)
{
	struct answer a = { .id = c->id, .out = s->outs.n };
	const u8 *out = out_of(c, &a.out_bytes);

	s->in_call = true;
	a.ret = call_clocked(s, c);
	s->in_call = false;
	if (a.out_bytes)
		sb_add(&s->outs, out, a.out_bytes);
	*vec_push(&s->answers) = a;
	s->at_answer++;
	return a.ret;
}

/* The recorded run called something else here, or asked the machine. */
static u64 differs(struct replay *s, const char *does)
{
	const struct answer *a = s->at_answer < s->answers.n ?
				 &s->answers.v[s->at_answer] : NULL;
	const struct helper_row *row = a ? helper_row(a->id) : NULL;

	if (!s->differs)
		err_set(&s->err, ERR_RECORD_DIFFERS, NULL, "instruction %u of program '%s' %s, the "
			"recorded run %s%s", s->last_insn,
			s->prog->obj->img->progs[s->last_prog].name, does,
			row ? "called bpf_" : "", row ? row->name :
			a ? "asked the machine something else" : "called no more helpers");
	s->differs = s->abandon = true;
	return 0;
}

static u64 called_other(struct replay *s, const struct vm_called *c)
{
	char does[80];

	snprintf(does, sizeof(does), "calls bpf_%s", c->row->name);
	return differs(s, does);
}

static u64 same_answer(struct replay *s, const struct vm_called *c)
{
	const struct answer *a = &s->answers.v[s->at_answer];
	u64 bytes;
	u8 *out = out_of(c, &bytes);

	if (a->id != c->id)
		return called_other(s, c);
	if (min_u64(bytes, a->out_bytes))
		memcpy(out, s->outs.s + a->out, min_u64(bytes, a->out_bytes));
	s->at_answer++;
	return a->ret;
}

u64 answer_call(struct replay *s, const struct vm_called *c, bool *taped)
{
	*taped = is_taped(s, c->id);
	if (!*taped)
		return call(c);
	if (s->at_answer < s->answers.n)
		return same_answer(s, c);
	return s->taped ? called_other(s, c) : first_answer(s, c);
}

/* ---- what the machine was asked -------------------------------------------------------- */

static struct replay *asking(struct tape *t)
{
	return (struct replay *)((u8 *)t - offsetof(struct replay, asked));
}

static bool knows(struct tape *t, u32 fact, void *out, u64 bytes)
{
	struct replay *s = asking(t);
	const struct answer *a = s->at_answer < s->answers.n ?
				 &s->answers.v[s->at_answer] : NULL;

	if (s->in_call || s->abandon || (!a && !s->taped))
		return false;
	if (!a || a->id != fact || a->out_bytes != bytes) {
		differs(s, "asks the machine something");
		memset(out, 0, bytes);
		return true;
	}
	if (bytes)
		memcpy(out, s->outs.s + a->out, bytes);
	s->at_answer++;
	return true;
}

static void note(struct tape *t, u32 fact, const void *v, u64 bytes)
{
	struct replay *s = asking(t);

	if (s->in_call || s->abandon)
		return;
	*vec_push(&s->answers) = (struct answer){ fact, 0, s->outs.n, bytes };
	if (bytes)
		sb_add(&s->outs, v, bytes);
	s->at_answer++;
}

void answers_open(struct replay *s)
{
	s->asked = (struct tape){ .knows = knows, .note = note };
}

void answers_of_tape(struct replay *s, const struct replay_tape *t)
{
	s->taped = mem_alloc(t->taped_bytes + 1);
	memcpy(s->taped, t->taped, t->taped_bytes);
	s->taped_bytes = t->taped_bytes;
	for (size_t i = 0; i < t->nr_calls; i++) {
		const struct record_call *c = &t->calls[i];

		*vec_push(&s->answers) = (struct answer){ c->id, c->ret, s->outs.n, c->out.n };
		if (c->out.n)
			sb_add(&s->outs, c->out.v, c->out.n);
	}
}
