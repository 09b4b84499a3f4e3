/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aot.c: native code that is made in one process and runs in others. In: what the compiler
 * asks for (jit_bind), as for code that runs here. Out: code without an address in it, and
 * what each entry of the table below the run is to hold. Who runs it fills the table by the
 * same functions of vm and maps that code is bound to which is made on the spot: so there is
 * one way to bind, and what is not in the table cannot be called.
 *
 * The code is trusted as the process's own is; what it relies on is compared (AOT_MAP,
 * runtime_aot_abi).
 */
#include "base/hash.h"
#include "isa/isa.h"
#include "runtime/private.h"
#include <stdlib.h>

/* ---- what entries hold -------------------------------------------------------------- */

/* How far VALUE, which code has at slot AT, is from what the entry has: values of a map and
 * places of a program have one each. */
static u64 more_of(const struct vm_code *code, const struct rewrite *rw, u32 what, u32 at,
		   u64 value)
{
	if (what == JIT_SITE)
		return vm_native_site_off(at);
	if (what == JIT_WINDOW)
		return value - vm_native_arena(code)->window;
	return what == JIT_ADDRESS && isa_op(&rw->insns[at]) == OP_LDDW_IDX_VAL ?
		(u32)rw->insns[at + 1].imm : 0;
}

/* How the map is laid out; false: nobody looks into it without a call. */
static bool inlined(const struct runtime_prog *p, u32 map, struct map_inline *out)
{
	const struct map *m = map < p->img->nr_maps ? p->maps[map].map : NULL;

	memset(out, 0, sizeof(*out));
	if (!m || !m->ops->inlined)
		return false;
	m->ops->inlined(m, out);
	return true;
}

static u64 probe_of(const struct bpf_insn *in)
{
	static const u8 bytes[] = { [BPF_W >> 3] = 4, [BPF_H >> 3] = 2, [BPF_B >> 3] = 1,
				    [BPF_DW >> 3] = 8 };
	bool sign;

	rewrite_is_probe(in, &sign);
	return (uintptr_t)vm_native_probe(bytes[BPF_SIZE(in->code) >> 3], sign);
}

static u64 address_of(const struct runtime_prog *p, const struct rewrite *rw, u32 at)
{
	u64 v = vm_native_address(p->code, at);

	return v - more_of(p->code, rw, JIT_ADDRESS, at, v);
}

static u64 arena_value(const struct vm_map *pages, u32 what)
{
	switch (pages ? what : JIT_WHATS) {
	case JIT_WINDOW: return pages->window;
	case JIT_KNOWN: return (uintptr_t)pages->known;
	case JIT_ARENA: return (uintptr_t)pages;
	case JIT_ARENA_AT: return (uintptr_t)vm_native_arena_at();
	default: return 0;
	}
}

/* What entry R of P holds in this process; 0: there is no such thing. */
static u64 value_of(const struct runtime_prog *p, const struct rewrite *rw,
		    const struct aot_ref *r)
{
	struct map_inline m;

	switch ((enum jit_what)r->what) {
	case JIT_ADDRESS: return address_of(p, rw, r->at);
	case JIT_BODY: return (uintptr_t)vm_native_body(p->code, r->at);
	case JIT_SITE: return vm_native_sites(p->code);
	case JIT_PROBE: return probe_of(&rw->insns[r->at]);
	case JIT_TAIL: return (uintptr_t)vm_native_tail;
	case JIT_PACKET: return (uintptr_t)vm_native_packet;
	case JIT_VALUES:
		return inlined(p, r->at, &m) && !m.fn && m.nr == r->nr && m.stride == r->stride &&
		       m.cpu_step == r->cpu_step ? (uintptr_t)m.base : 0;
	case JIT_LOOKUP: return inlined(p, r->at, &m) ? (uintptr_t)m.fn : 0;
	default: return arena_value(vm_native_arena(p->code), r->what);
	}
}

static int other(const struct runtime_prog *p, const struct aot_ref *r, struct skep_err *err)
{
	bool map = r->what == JIT_VALUES || r->what == JIT_LOOKUP;

	return err_set(err, ERR_AOT_MAP, p->img->file, "%s%s%s not as it was when program '%s' was "
		       "compiled", map ? "map '" : "what it refers to is",
		       map ? p->img->maps[r->at].name : "", map ? "' is" : "", p->prog->name);
}

int runtime_aot_fill(struct runtime *rt, const struct runtime_prog *p, const struct rewrite *rw,
		     struct skep_err *err)
{
	const struct runtime_aot *aot = rt->opts.aot;
	u32 number = (u32)(p->prog - p->img->progs);

	for (u32 i = 0; i < aot->nr_refs; i++) {
		const struct aot_ref *r = &aot->refs[i];
		u64 v;

		if (r->prog != number)
			continue;
		v = value_of(p, rw, r);
		if (!v)
			return other(p, r, err);
		rt->table[aot->nr_refs - 1 - i] = v;
	}
	runtime_changed(rt);
	return 0;
}

/* ---- running ------------------------------------------------------------------------- */

static s64 slot_of(void *arg, u64 addr)
{
	const struct aot_code *c = arg;

	for (u32 i = 0; i < c->nr_funcs; i++)
		if (addr == (uintptr_t)c->code + c->funcs[i].off)
			return c->funcs[i].slot;
	return -1;
}

bool runtime_aot_use(const struct runtime *rt, struct runtime_prog *p, const struct rewrite *rw)
{
	const struct runtime_aot *aot = rt->opts.aot;
	const struct aot_code *c = aot ? &aot->progs[p->prog - p->img->progs] : NULL;

	if (!c || !c->code)
		return false;
	vm_code_native(p->code, &(struct vm_native){
		.fn = (helper_fn)(uintptr_t)(c->code + c->start),
		.entry = (void *)(uintptr_t)(c->code + c->start),
		.start = (uintptr_t)c->code, .bytes = c->bytes, .bound = rw->bound,
		.arg = (void *)(uintptr_t)c, .slot = slot_of });
	p->tier.bytes = c->bytes;
	return true;
}

/* ---- writing ------------------------------------------------------------------------- */

/* The map whose values, or whose function for lookups, VALUE is; the call at slot AT was
 * just asked about. */
static u32 map_of(const struct binding *b, enum jit_what what, u64 value)
{
	const struct runtime_prog *p = vm_code_user(b->code);
	struct map_inline m;
	u32 i = 0;

	for (; i < p->img->nr_maps; i++)
		if (inlined(p, i, &m) && value == (what == JIT_LOOKUP ? (uintptr_t)m.fn :
						   (uintptr_t)m.base))
			break;
	return i;
}

static struct aot_ref ref_of(const struct binding *b, enum jit_what what, u32 at, u64 value)
{
	const struct runtime_prog *p = vm_code_user(b->code);
	struct aot_ref r = { .what = what, .prog = b->prog, .at = at };
	struct map_inline m;

	if (what != JIT_VALUES && what != JIT_LOOKUP)
		return r;
	r.at = map_of(b, what, value);
	if (what == JIT_LOOKUP || !inlined(p, r.at, &m))
		return r;
	r.nr = m.nr;
	r.stride = m.stride;
	r.cpu_step = m.cpu_step;
	return r;
}

static u32 entry(void *arg, enum jit_what what, u32 at, u64 value, u64 *more)
{
	struct binding *b = arg;
	struct aot_table *t = b->table;

	*more = more_of(b->code, b->rw, what, at, value);
	value -= *more;
	for (u32 i = 0; i < t->refs.n; i++)
		if (t->refs.v[i].what == what && t->values.v[i] == value)
			return i;
	*vec_push(&t->refs) = ref_of(b, what, at, value);
	*vec_push(&t->values) = value;
	return (u32)t->refs.n - 1;
}

int runtime_aot_write(struct jit_code **out, struct backend *be, u32 prog,
		      const struct rewrite *code, struct aot_table *t, const char *processor,
		      u32 cpu, struct skep_err *err)
{
	const struct runtime_prog *p = rt_of(be)->progs.v[prog];
	struct binding b = { .code = p->code, .rw = code, .table = t,
			     .prog = (u32)(p->prog - p->img->progs) };
	struct jit_bind bind = runtime_bind(&b);
	char where[256];

	bind.entry = entry;
	snprintf(where, sizeof(where), "%s:%s", p->img->file, p->prog->name);
	if (vm_native_lacks(p->code))
		return err_set(err, ERR_AOT_PROG, where, "it has %s", vm_native_lacks(p->code));
	return jit_write(out, &bind, processor, cpu, where, err);
}

void aot_table_free(struct aot_table *t)
{
	vec_free(&t->refs);
	vec_free(&t->values);
}

/* ---- what it relies on --------------------------------------------------------------- */

static u64 hash_ctx(u64 h, const struct ctx_desc *d)
{
	for (u32 i = 0; d && i < d->nr_fields; i++) {
		const struct ctx_field *f = &d->fields[i];
		const u16 v[] = { f->off, f->size, f->flags, f->view_off, f->view_size };

		h = hash_bytes(f->name, strlen(f->name), hash_bytes(v, sizeof(v), h));
	}
	return h;
}

/* Of struct run, what compiled code reaches itself; of the rewrite, what it means. */
u64 runtime_aot_abi(void)
{
	static const u32 layout[] = {
		sizeof(struct run), offsetof(struct run, at), offsetof(struct run, stop),
		offsetof(struct run, left), offsetof(struct run, cpu), offsetof(struct run, alone),
		offsetof(struct run, frames), sizeof(struct run_frame), RUN_STACK_BYTES,
		JIT_CALL_COST,
		sizeof(struct aot_ref), REWRITE_PROBE, REWRITE_PROBE_SX, REWRITE_TRAP,
		REWRITE_ARENA, REWRITE_REG, VM_ARENA_PAGE, VM_ARENA_GUARD, JIT_WHATS,
	};
	u64 h = hash_bytes(layout, sizeof(layout), vm_native_site_off(1));

	h = hash_bytes(SKEP_VERSION, sizeof(SKEP_VERSION), h);
	for (u32 type = 0; type < 64; type++)
		h = hash_ctx(h, ctx_desc(type));
	return h;
}
