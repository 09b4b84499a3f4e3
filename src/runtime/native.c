/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * native.c: verified programs to native code (jit), bound to what the interpreters
 * are bound to (vm). What cannot be compiled is interpreted, and says why.
 */
#include "jit/jit.h"
#include "model/rewrite.h"
#include "runtime/private.h"
#include "base/os.h"

/* The optimising compiler takes a microsecond for an instruction, and verifying took as
 * long or longer. Nobody waits for a program of this size; a bigger one is compiled in one
 * pass unless the other is asked for. */
enum { AUTO_SLOTS = 20000 };

static u64 address(void *code, u32 at) { return vm_native_address(code, at); }
static helper_fn body(void *code, u32 at) { return vm_native_body(code, at); }
static u32 params(void *code, u32 at) { return vm_native_params(code, at); }
static s64 slot(void *code, u64 addr) { return jit_slot(code, addr); }
static u64 site(void *code, u32 at) { return vm_native_site(code, at); }

static enum jit_tier tier_for(enum runtime_jit asked, u32 slots)
{
	if (asked == RUNTIME_JIT_AUTO)
		return slots <= AUTO_SLOTS ? JIT_OPT : JIT_FAST;
	return asked == RUNTIME_JIT_OPT ? JIT_OPT : JIT_FAST;
}

static int compile(struct runtime_prog *p, const struct rewrite *code, enum jit_tier tier,
		   const char *where, struct skep_err *err)
{
	const struct jit_bind bind = {
		.insns = code->insns, .nr_insns = code->nr_insns, .arg = p->code,
		.address = address, .body = body, .params = params, .site = site,
		.tail = vm_native_tail, .packet = vm_native_packet, .probe = vm_native_probe,
		.counts = !code->bound, .clear_stack = code->stale_reads,
	};
	u64 start = os_clock_ns();
	int r = jit_compile(&p->jit, &bind, tier, where, err);

	p->tier.ns = os_clock_ns() - start;
	return r;
}

/* Programs are P's compiled code from now on. */
static void use(struct runtime_prog *p, u64 bound, enum jit_tier asked)
{
	struct vm_native n = { .fn = jit_func(p->jit), .entry = jit_entry(p->jit),
			       .bound = bound, .arg = p->jit, .slot = slot };

	n.start = (uintptr_t)jit_bytes(p->jit, &p->tier.bytes);
	n.bytes = p->tier.bytes;
	vm_code_native(p->code, &n);
	p->tier.tier = jit_tier(p->jit) == JIT_OPT ? TIER_JIT_OPT : TIER_JIT_FAST;
	if (jit_tier(p->jit) != asked)
		p->tier.note = "the optimising compiler gives up on it";
}

void runtime_compile(const struct runtime *rt, struct runtime_prog *p,
		     const struct rewrite *code, const char *where)
{
	enum runtime_jit asked = rt->opts.jit;
	enum jit_tier tier = code ? tier_for(asked, code->nr_insns) : JIT_FAST;
	struct skep_err err = { 0 };

	p->tier = (struct prog_tier){ .tier = code ? TIER_INTERP : TIER_CHECKED,
				      .slots = code ? code->nr_insns : p->prog->nr_insns };
	if (!code || asked == RUNTIME_JIT_OFF)
		return;
	if (!jit_available())
		p->tier.note = "there is no compiler for this processor";
	else if (vm_native_lacks(p->code))
		p->tier.note = vm_native_lacks(p->code);
	else if (compile(p, code, tier, where, &err))
		p->tier.note = err.id == ERR_JIT_MEM ?
			"the system gives no memory for native code" :
			"the compiler does not have one of its instructions";
	else
		use(p, code->bound, tier);
}
