/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctx_rate: nanoseconds of a load of a context field, struct __sk_buff's mark: by the
 * field's row, as the checked interpreter makes it, and rewritten into a load of
 * struct run, as the fast one does; each in turns with a load of the stack in the
 * same interpreter, so that the difference is the context's. Prints medians.
 */
#include "bench.h"
#include "base/os.h"
#include "isa/isa.h"
#include "obj/obj.h"
#include "verify/rewrite.h"
#include "vm/vm.h"
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 15, LOOPS = 20000, LOADS = 32 };

struct code {
	struct image *img;
	struct arena arena;
	struct vm_code *fast, *checked;
};

/* LOOPS times LOADS loads of WHAT. */
static void make(struct code *c, const char *what)
{
	struct vm_bind bind = { .prog_type = BPF_PROG_TYPE_SCHED_CLS,
				.ctx = ctx_desc(BPF_PROG_TYPE_SCHED_CLS) };
	struct strbuf text = { 0 };
	struct isa_code code = { 0 };
	struct verify_result v;
	struct rewrite rw;
	struct skep_err err;
	u32 at;

	sb_printf(&text, "r6 = r1\n*(u32 *)(r10 - 8) = 0\nr7 = %d\nr0 = 0\nloop:\n", LOOPS);
	for (int i = 0; i < LOADS; i++)
		sb_printf(&text, "r1 = %s\n", what);
	sb_puts(&text, "r7 += -1\nif r7 != 0 goto loop\nexit\n");
	must(isa_asm(&code, sb_text(&text), text.n, "program", &err), &err);
	must(obj_from_insns(&c->img, bind.prog_type, "p", code.v, code.n, NULL, 0, "GPL", &err),
	     &err);
	must(verify_prog(&v, &c->arena, c->img, c->img->progs, NULL, &err), &err);
	if (v.verdict != VERDICT_OK ||
	    rewrite_prog(&rw, &c->arena, c->img, c->img->progs, &v, &at))
		abort();
	bind.insns = c->img->progs[0].insns;
	bind.nr_insns = c->img->progs[0].nr_insns;
	must(vm_code_new(&c->checked, &bind, VM_CHECKED, "p", &err), &err);
	bind.insns = rw.insns;
	bind.nr_insns = rw.nr_insns;
	bind.origin = rw.origin;
	must(vm_code_new(&c->fast, &bind, VM_FAST, "p", &err), &err);
	sb_free(&text);
	vec_free(&code);
}

static void drop(struct code *c)
{
	vm_code_free(c->fast);
	vm_code_free(c->checked);
	image_free(c->img);
	arena_free(&c->arena);
}

static double once(struct vm_machine *m, const struct vm_code *code, struct run *run)
{
	u64 start = os_clock_ns(), ret;

	if (vm_run(m, code, run, 1u << 30, &ret))
		abort();
	return (double)(os_clock_ns() - start) / (LOOPS * LOADS);
}

int main(void)
{
	double t[4][ROUNDS];
	struct code ctx = { 0 }, stack = { 0 };
	struct vm_machine *m = vm_machine_new();
	static struct run run;

	make(&ctx, "*(u32 *)(r6 + 8)");
	make(&stack, "*(u32 *)(r10 - 8)");
	for (int i = 0; i < ROUNDS; i++) {
		t[0][i] = once(m, ctx.fast, &run);
		t[1][i] = once(m, stack.fast, &run);
		t[2][i] = once(m, ctx.checked, &run);
		t[3][i] = once(m, stack.checked, &run);
	}
	printf("load of a context field: %.2f ns rewritten (stack %.2f), %.2f ns by the table "
	       "(stack %.2f) [medians of %d]\n", median(t[0], ROUNDS), median(t[1], ROUNDS),
	       median(t[2], ROUNDS), median(t[3], ROUNDS), ROUNDS);
	drop(&ctx);
	drop(&stack);
	vm_machine_free(m);
	return 0;
}
