/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * events.c: what happens in a session on the way: calls, changes of maps, frames, the end.
 * Looks only when somebody wants to know; changes nothing of the run.
 */
#include "replay/session.h"
#include "maps/map.h"
#include "runtime/runtime.h"
#include <linux/bpf.h>

enum { TEXT_KEY, TEXT_OLD, TEXT_NEW, TEXT_MORE, ELEMENTS_LOOKED_AT = 1 << 16 };

bool session_wants(const struct replay *s, unsigned kinds)
{
	return (s->opts.event && s->opts.events & kinds) || s->stop_events & kinds;
}

/* A copy of N bytes at P that lasts until the next event that stops; NULL stays NULL. */
static const u8 *copy_in(struct replay *s, u32 text, const u8 *p, u64 n)
{
	struct strbuf *b = &s->event_text[text];

	sb_reset(b);
	sb_add(b, p ? p : (const u8 *)"", p ? n : 0);
	return p ? (const u8 *)sb_text(b) : NULL;
}

static void copy_event(struct replay *s, const struct replay_event *ev)
{
	const struct map *m;

	s->event = *ev;
	s->has_event = true;
	if (ev->kind == REPLAY_FAULT)
		s->event.fault.text = skep_err_text(&s->err);
	if (ev->kind != REPLAY_CHANGE)
		return;
	m = runtime_map(s->b, ev->change.map);
	s->event.change.key = copy_in(s, TEXT_KEY, ev->change.key, m->key_size);
	s->event.change.old_value = copy_in(s, TEXT_OLD, ev->change.old_value,
					    ev->change.old_bytes);
	s->event.change.new_value = copy_in(s, TEXT_NEW, ev->change.new_value,
					    ev->change.new_bytes);
}

void session_tell(struct replay *s, struct replay_event *ev)
{
	ev->prog = s->last_prog;
	ev->insn = s->last_insn;
	ev->at = s->time;
	if (s->opts.event && s->opts.events & ev->kind && ev->at >= s->told)
		s->opts.event(s->opts.arg, ev);
	if (!(s->stop_events & ev->kind) || (s->opts.stops && !s->opts.stops(s->opts.arg, ev)))
		return;
	if (!s->collect) {
		if (!s->hit)
			copy_event(s, ev);
		s->hit = true;
	} else if (ev->at < s->collect_before) {
		s->collected = ev->at;
		copy_event(s, ev);
	}
}

/* ---- elements ------------------------------------------------------------------------ */

static bool has_elements(const struct map *m)
{
	switch (m->type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_LPM_TRIE:
		return true;
	}
	return false;
}

static const u8 *element(const struct replay *s, struct map *m, const void *key)
{
	u32 cpu = s->run->cpu;

	return m->ops->peek_at ? m->ops->peek_at(m, key, cpu) : m->ops->lookup(m, key, cpu);
}

/* The key of the element whose value lies at VALUE; false: it has none, or not soon. */
static bool key_of(const struct replay *s, struct map *m, const u8 *value, struct strbuf *out)
{
	u8 *key = mem_alloc(m->key_size + 1ull);
	bool found = false;
	void *v = NULL;
	u64 pos = 0;

	for (u32 i = 0; m->ops->walk && !found && i < ELEMENTS_LOOKED_AT; i++) {
		if (!m->ops->walk(m, &pos, key, &v, s->run->cpu))
			break;
		found = v == value;
	}
	sb_reset(out);
	if (found)
		sb_add(out, key, m->key_size);
	free(key);
	return found;
}

static void tell_change(struct replay *s, const u8 *key, const u8 *old, u64 old_bytes,
			const u8 *new, u64 new_bytes)
{
	struct replay_event ev = { .kind = REPLAY_CHANGE };

	ev.change.map = (u32)s->before.map;
	ev.change.key = key;
	ev.change.old_value = old;
	ev.change.new_value = new;
	ev.change.old_bytes = old ? old_bytes : 0;
	ev.change.new_bytes = new ? new_bytes : 0;
	session_tell(s, &ev);
}

/* ---- stores into values ------------------------------------------------------------------ */

/* Where INSN stores to with these registers, or 0. */
static u64 stores_to(const struct bpf_insn *insn, const u64 *regs)
{
	u32 class = insn->code & 7, mode = insn->code & 0xe0;

	if ((class != BPF_STX && class != BPF_ST) || (mode != BPF_MEM && mode != BPF_ATOMIC))
		return 0;
	return regs[insn->dst_reg] + (u64)(s64)insn->off;
}

static void before_store(struct replay *s, u64 addr)
{
	struct before *b = &s->before;
	struct vm_where w;

	if (!addr)
		return;
	w = vm_where(s->m, addr);
	if (w.kind != VM_MAP)
		return;
	b->map = runtime_map_of(s->b, w.map->map);
	b->on = b->map >= 0;
	b->value = (u8 *)(uintptr_t)w.start;
	b->bytes = w.bytes;
	sb_reset(&b->old);
	sb_add(&b->old, b->value, b->bytes);
}

static void after_store(struct replay *s)
{
	struct before *b = &s->before;
	bool key;

	b->on = false;
	if (!b->value || !memcmp(b->old.s, b->value, b->bytes))
		return;
	key = key_of(s, runtime_map(s->b, (u32)b->map), b->value, &b->key);
	tell_change(s, key ? (u8 *)b->key.s : NULL, (u8 *)b->old.s, b->bytes, b->value, b->bytes);
}

/* ---- steps ------------------------------------------------------------------------------ */

static void tell_frame(struct replay *s, enum replay_event_kind kind, u32 frame)
{
	struct replay_event ev = { .kind = kind };

	ev.frame.frame = frame;
	session_tell(s, &ev);
}

/* Did the instruction that was begun last end a function? */
static bool exited(const struct replay *s)
{
	return s->began && s->prog->obj->img->progs[s->last_prog].insns[s->last_insn].code ==
	       (BPF_JMP | BPF_EXIT);
}

/* A callback that has ended may be followed by the same in the same frame. */
void events_step(struct replay *s, const struct vm_step *step)
{
	bool over = exited(s);

	if (s->before.on)
		after_store(s);
	if (!session_wants(s, REPLAY_ENTER | REPLAY_LEAVE))
		return;
	if (over)
		tell_frame(s, REPLAY_LEAVE, s->last_frame);
	if (!s->began || step->frame > s->last_frame || step->code != s->last_code ||
	    (over && step->frame == s->last_frame))
		tell_frame(s, REPLAY_ENTER, step->frame);
}

void events_begin(struct replay *s, const struct vm_step *step)
{
	const struct image_prog *p = &s->prog->obj->img->progs[s->last_prog];

	if (session_wants(s, REPLAY_CHANGE))
		before_store(s, stores_to(&p->insns[step->insn], step->regs));
}

/* ---- calls ------------------------------------------------------------------------------- */

static struct map *map_arg(const struct vm_called *c)
{
	u32 arg = c->id == BPF_FUNC_perf_event_output ? 1 : 0;

	return (struct map *)(uintptr_t)c->args[arg];
}

static bool changes_element(const struct vm_called *c)
{
	return (c->id == BPF_FUNC_map_update_elem || c->id == BPF_FUNC_map_delete_elem) &&
	       has_elements(map_arg(c));
}

void events_before_call(struct replay *s, const struct vm_called *c)
{
	struct before *b = &s->before;
	struct map *m = map_arg(c);
	const u8 *old;

	if (!session_wants(s, REPLAY_CHANGE) || !changes_element(c))
		return;
	old = element(s, m, (const void *)(uintptr_t)c->args[1]);
	b->found = old != NULL;
	b->count = m->ops->count(m);
	sb_reset(&b->old);
	sb_reset(&b->key);
	sb_add(&b->key, (const void *)(uintptr_t)c->args[1], m->key_size);
	if (old)
		sb_add(&b->old, old, m->value_size);
}

/* One that was found, and no new one: in tries a shorter prefix is found as well. */
static void element_changed(struct replay *s, const struct vm_called *c, struct map *m)
{
	const struct before *b = &s->before;
	bool update = c->id == BPF_FUNC_map_update_elem;
	const u8 *new = update ? element(s, m, b->key.s) : NULL;
	const u8 *old = b->found && m->ops->count(m) <= b->count ? (u8 *)sb_text(&b->old) : NULL;

	tell_change(s, (u8 *)sb_text(&b->key), old, m->value_size, new, m->value_size);
}

/* What a queue, a ring buffer or a perf event array got, or gave. */
static void record_changed(struct replay *s, const struct vm_called *c, const struct map *m)
{
	const u64 *a = c->args;

	switch (c->id) {
	case BPF_FUNC_map_push_elem:
		tell_change(s, NULL, NULL, 0, (u8 *)(uintptr_t)a[1], m->value_size);
		break;
	case BPF_FUNC_map_pop_elem:
		tell_change(s, NULL, (u8 *)(uintptr_t)a[1], m->value_size, NULL, 0);
		break;
	case BPF_FUNC_ringbuf_output:
		tell_change(s, NULL, NULL, 0, (u8 *)(uintptr_t)a[1], a[2]);
		break;
	case BPF_FUNC_perf_event_output:
		tell_change(s, NULL, NULL, 0, (u8 *)(uintptr_t)a[3], (u32)a[4]);
		break;
	}
}

static bool changes_records(const struct vm_called *c)
{
	return c->id == BPF_FUNC_map_push_elem || c->id == BPF_FUNC_map_pop_elem ||
	       c->id == BPF_FUNC_ringbuf_output || c->id == BPF_FUNC_perf_event_output;
}

static void tell_changed(struct replay *s, const struct vm_called *c, u64 ret)
{
	bool one = changes_element(c);
	struct map *m = map_arg(c);

	if ((!one && !changes_records(c)) || (s32)ret)
		return;
	s->before.map = runtime_map_of(s->b, m);
	if (s->before.map < 0)
		return;
	if (one)
		element_changed(s, c, m);
	else
		record_changed(s, c, m);
}

void events_after_call(struct replay *s, const struct vm_called *c, u64 ret, bool taped)
{
	struct replay_event ev = { .kind = REPLAY_CALL };

	ev.call.id = c->id;
	ev.call.name = c->row->name;
	ev.call.ret = ret;
	ev.call.taped = taped;
	memcpy(ev.call.args, c->args, sizeof(ev.call.args));
	if (session_wants(s, REPLAY_CALL))
		session_tell(s, &ev);
	if (session_wants(s, REPLAY_CHANGE))
		tell_changed(s, c, ret);
}

/* ---- the end --------------------------------------------------------------------------------- */

void events_end(struct replay *s)
{
	struct replay_event ev = { .kind = s->status < 0 ? REPLAY_FAULT : REPLAY_VERDICT };

	if (s->before.on)
		after_store(s);
	if (s->status < 0) {
		ev.fault.error = (u32)s->err.id;
		ev.fault.text = skep_err_text(&s->err);
	} else {
		ev.verdict.retval = s->result.retval;
	}
	session_tell(s, &ev);
}

void events_free(struct replay *s)
{
	for (size_t i = 0; i < ARRAY_LEN(s->event_text); i++)
		sb_free(&s->event_text[i]);
	sb_free(&s->before.key);
	sb_free(&s->before.old);
}
