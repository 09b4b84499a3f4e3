/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * native.c: verified programs to native code (jit), bound to what the interpreters
 * are bound to (vm). What cannot be compiled is interpreted, and says why.
 */
#include "call/call.h"
#include "jit/jit.h"
#include "model/rewrite.h"
#include "runtime/private.h"
#include "base/os.h"

/* The optimising compiler takes a microsecond for an instruction, and verifying took as
 * long or longer. Nobody waits for a program of this size; a bigger one is compiled in one
 * pass unless the other is asked for. */
enum { AUTO_SLOTS = 20000 };

static s64 slot(void *code, u64 addr) { return jit_slot(code, addr); }

static struct vm_code *code_of(void *arg) { return ((struct binding *)arg)->code; }

static u64 address(void *arg, u32 at) { return vm_native_address(code_of(arg), at); }
static helper_fn body(void *arg, u32 at) { return vm_native_body(code_of(arg), at); }
static u32 params(void *arg, u32 at) { return vm_native_params(code_of(arg), at); }

static u64 site(void *arg, u32 at, bool calls)
{
	const struct binding *b = arg;

	return vm_native_site(b->code, at, calls && !b->noted);
}

static u32 cost(void *arg, u32 at) { return vm_native_cost(code_of(arg), at); }

static bool lookup(void *arg UNUSED, u32 at UNUSED, u64 map, struct map_inline *out)
{
	const struct map *m = (const struct map *)(uintptr_t)map;

	if (!m->ops->inlined)
		return false;
	m->ops->inlined(m, out);
	return true;
}

static enum jit_tier tier_for(enum runtime_jit asked, u32 slots)
{
	if (asked == RUNTIME_JIT_AUTO)
		return slots <= AUTO_SLOTS && jit_optimises() ? JIT_OPT : JIT_FAST;
	return asked == RUNTIME_JIT_OPT ? JIT_OPT : JIT_FAST;
}

void runtime_use(struct vm_code *code, struct jit_code *c, u64 bound)
{
	struct vm_native n = { .fn = jit_func(c), .entry = jit_entry(c), .bound = bound,
			       .arg = c, .slot = slot };
	u32 bytes;

	n.start = (uintptr_t)jit_bytes(c, &bytes);
	n.bytes = bytes;
	vm_code_native(code, &n);
}

struct jit_bind runtime_bind(struct binding *b)
{
	const struct vm_map *pages = vm_native_arena(b->code);
	const struct rewrite *rw = b->rw;
	struct jit_bind bind = {
		.insns = rw->insns, .nr_insns = rw->nr_insns, .arg = b,
		.address = address, .body = body, .params = params, .site = site,
		.lookup = lookup, .tail = vm_native_tail, .packet = vm_native_packet,
		.probe = vm_native_probe, .counts = !rw->bound, .ends = rw->ends, .cost = cost,
		.clear_stack = rw->stale_reads, .frames = vm_native_frames(b->code, call_asks),
	};

	if (pages)
		bind.arena = (struct jit_arena){ pages->window, (uintptr_t)pages->known,
						 (uintptr_t)pages, vm_native_arena_at() };
	return bind;
}

int runtime_native(struct jit_code **out, struct vm_code *code, const struct rewrite *rw,
		   enum jit_tier tier, const char *where, struct skep_err *err)
{
	struct binding b = { .code = code, .rw = rw, .noted = vm_code_noted(code) };
	const struct jit_bind bind = runtime_bind(&b);
	int r = jit_compile(out, &bind, tier, where, err);

	if (!r)
		runtime_use(code, *out, rw->bound);
	return r;
}

static const char *compile(struct runtime_prog *p, const struct rewrite *rw, enum jit_tier tier,
			   const char *where)
{
	u64 start = os_clock_ns();
	struct skep_err err = { 0 };

	if (runtime_native(&p->jit, p->code, rw, tier, where, &err))
		return err.id == ERR_JIT_MEM ? "the system gives no memory for native code" :
			"the compiler does not have one of its instructions";
	p->tier.ns = os_clock_ns() - start;
	runtime_perf_map(p, rw);
	runtime_gdb_tell(p, rw);
	jit_bytes(p->jit, &p->tier.bytes);
	p->tier.tier = jit_tier(p->jit) == JIT_OPT ? TIER_JIT_OPT : TIER_JIT_FAST;
	if (jit_tier(p->jit) == tier)
		return NULL;
	return jit_optimises() ? "the optimising compiler gives up on it" :
		"there is no optimising compiler for this processor";
}

void runtime_compile(const struct runtime *rt, struct runtime_prog *p,
		     const struct rewrite *code, const char *where)
{
	enum runtime_jit asked = rt->opts.jit;
	enum jit_tier tier = code ? tier_for(asked, code->nr_insns) : JIT_FAST;

	p->tier = (struct prog_tier){ .tier = code ? TIER_INTERP : TIER_CHECKED,
				      .slots = code ? code->nr_insns : p->prog->nr_insns };
	if (!code || asked == RUNTIME_JIT_OFF)
		return;
	if (asked == RUNTIME_JIT_AUTO && !rt->opts.sampled && runtime_aot_use(rt, p, code))
		p->tier.tier = TIER_AOT;
	else if (!jit_available())
		p->tier.note = "there is no compiler for this processor";
	else if (vm_native_lacks(p->code))
		p->tier.note = vm_native_lacks(p->code);
	else
		p->tier.note = compile(p, code, tier, where);
}
