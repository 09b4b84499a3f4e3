/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rewrite_test.c: what verified programs become for engines that check nothing:
 * each way to read and write each context does the same as in the checked
 * interpreter, which converts the rows of ctx/<type>.def itself; dead code, loads
 * that may fault, jumps over what grew, programs of both engines in one another.
 */
#include "btf/btf.h"
#include "isa/isa.h"
#include "model/access.h"
#include "obj/obj.h"
#include "runtime/runtime.h"
#include "verify/rewrite.h"
#include "vm/vm.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <skep/insn.h>

enum { MEMSX = 0x80, CTX_BYTES = 256, BUDGET = 1000 };

/* Compiled by each tier, after both interpreters (enum vm_mode). */
enum { ONE_PASS = VM_FAST + 1, OPTIMISED, ENGINES };

struct both {			/* one program in all engines */
	struct image *img;
	struct arena arena;
	struct rewrite rw;
	struct vm_code *code[ENGINES];
	struct jit_code *jit[ENGINES];
	struct vm_map map;
	u8 value[64];
	const char *lacks;
};

/* Where it has a lock, that lies behind what programs write. */
enum { LOCK_AT = 16 };
static struct image_map value_map = { .name = "v", .type = BPF_MAP_TYPE_ARRAY,
	.key_size = 4, .value_size = 64, .max_entries = 1 };

static u64 lock(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, struct run *run)
{
	assert_int_equal(*(u32 *)r1, 0);
	*(u32 *)r1 = 1;
	return 0;
}

static u64 unlock(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, struct run *run)
{
	*(u32 *)r1 = 0;
	return 0;
}

static helper_fn helper(u32 id, u32 type)
{
	return id == BPF_FUNC_spin_lock ? lock : id == BPF_FUNC_spin_unlock ? unlock : NULL;
}

static u32 engines(void) { return jit_available() ? ENGINES : VM_FAST + 1; }

/* False: the verifier does not take it. */
static bool both_open(struct both *b, u32 type, u32 attach, const struct bpf_insn *v, size_t n)
{
	struct vm_bind bind = { .insns = v, .nr_insns = (u32)n, .prog_type = type,
		.maps = &b->map, .nr_maps = 1, .ctx = ctx_desc(type), .helper = helper };
	struct skep_err err = { 0 };
	struct verify_result r;
	u32 at;

	*b = (struct both){ .arena = ARENA_INIT };
	b->map = (struct vm_map){ .map = b, .type = value_map.type, .key_size = 4,
		.value_size = 64, .mem = { .base = b->value, .nr = 1, .stride = 64,
					   .value_bytes = 64 } };
	assert_int_equal(obj_from_insns(&b->img, type, "p", v, n, &value_map, 1, "GPL", &err), 0);
	b->img->progs[0].expected_attach = attach;
	assert_int_equal(verify_prog(&r, &b->arena, b->img, b->img->progs, NULL, &err), 0);
	if (r.verdict != VERDICT_OK)
		return false;
	b->lacks = rewrite_prog(&b->rw, &b->arena, b->img, b->img->progs, &r, &at);
	assert_int_equal(vm_code_new(&b->code[VM_CHECKED], &bind, VM_CHECKED, "p", &err), 0);
	if (b->lacks)
		return true;
	bind.insns = b->rw.insns;
	bind.nr_insns = b->rw.nr_insns;
	bind.origin = b->rw.origin;
	bind.stale_stack = b->rw.stale_stack;
	for (u32 e = VM_FAST; e < engines(); e++)
		assert_int_equal(vm_code_new(&b->code[e], &bind, VM_FAST, "p", &err), 0);
	for (u32 e = ONE_PASS; e < engines(); e++) {
		enum jit_tier tier = e == OPTIMISED ? JIT_OPT : JIT_FAST;

		assert_int_equal(runtime_native(&b->jit[e], b->code[e], &b->rw, tier, "p", &err),
				 0);
		assert_int_equal(jit_tier(b->jit[e]), tier);
	}
	return true;
}

static void both_close(struct both *b)
{
	for (u32 e = 0; e < ENGINES; e++) {
		vm_code_free(b->code[e]);
		jit_free(b->jit[e]);
	}
	image_free(b->img);
	arena_free(&b->arena);
}

/* ---- every access to a context -------------------------------------------- */

static u8 frame[64];

/* What hosts fill in, with a number of its own in each byte. */
static void fill(struct run *run, u64 seed)
{
	const size_t from = offsetof(struct run, xdp), to = offsetof(struct run, socks);

	memset(run, 0, sizeof(*run));
	for (size_t i = from; i < to; i++)
		((u8 *)run)[i] = (u8)((i + seed) * 0x9e3779b1u >> 13);
	run->pkt = (struct packet_buf){ .data = frame + 8, .data_end = frame + 56,
		.data_meta = frame + 4, .hard_start = frame, .hard_end = frame + 64 };
}

struct outcome {
	u64 value;
	u8 views[offsetof(struct run, socks)];
};

static void outcome(struct both *b, u32 engine, u64 seed, struct outcome *o)
{
	static struct vm_machine *m;
	static struct run run;
	u64 ret;

	m = m ? m : vm_machine_new();
	fill(&run, seed);
	memset(b->value, 0xee, sizeof(b->value));
	if (vm_run(m, b->code[engine], &run, BUDGET, &ret))
		fail_msg("%s", vm_fault(m)->text);
	memcpy(&o->value, b->value, sizeof(o->value));
	/* what engines keep for themselves lies between the views */
	memset(&run.turn, 0, offsetof(struct run, xdp) - offsetof(struct run, turn));
	memcpy(o->views, &run, sizeof(o->views));
}

/* How many programs were run. */
static u32 compare(u32 type, u32 attach, const struct bpf_insn *access, const char *what)
{
	const struct bpf_insn p[] = {
		SKEP_INSN(BPF_LD | BPF_DW | BPF_IMM, 7, BPF_PSEUDO_MAP_IDX_VALUE, 0, 0), { 0 },
		SKEP_INSN(BPF_LD | BPF_DW | BPF_IMM, 2, 0, 0, 0x1234ffff), { .imm = 0x56789abc },
		SKEP_INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
		*access,
		SKEP_INSN(BPF_STX | BPF_MEM | BPF_DW, 7, 0, 0, 0),
		SKEP_INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1),
		SKEP_INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	static struct outcome a, b;
	struct both t;
	bool ok = both_open(&t, type, attach, p, ARRAY_LEN(p));

	if (ok && t.lacks)
		fail_msg("type %u, %s at %d: %s", type, what, access->off, t.lacks);
	for (u32 i = 0; ok && i < 4 * (engines() - 1); i++) {
		u32 e = VM_FAST + i % (engines() - 1);

		outcome(&t, VM_CHECKED, i / 4, &a);
		outcome(&t, e, i / 4, &b);
		if (a.value != b.value)
			fail_msg("type %u, %s at %d: 0x%llx checked, 0x%llx in engine %u", type,
				 what, access->off, (unsigned long long)a.value,
				 (unsigned long long)b.value, e);
		if (memcmp(a.views, b.views, sizeof(a.views)))
			fail_msg("type %u, %s at %d stores another thing", type, what, access->off);
	}
	both_close(&t);
	return ok;
}

static u32 compare_at(u32 type, u32 attach, s16 off)
{
	static const u8 sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW };
	static const s32 imms[] = { 0, 5, 0xfffe, 0xffff, 0x10000, -1 };
	u32 n = 0;

	for (u32 i = 0; i < ARRAY_LEN(sizes); i++) {
		struct bpf_insn in = { .code = BPF_LDX | BPF_MEM | sizes[i], .src_reg = 1,
				       .off = off };

		n += compare(type, attach, &in, "load");
		in.code = (u8)(BPF_LDX | MEMSX | sizes[i]);
		if (sizes[i] != BPF_DW)
			n += compare(type, attach, &in, "load with sign");
		in = (struct bpf_insn){ .code = BPF_STX | BPF_MEM | sizes[i], .dst_reg = 1,
					.src_reg = 2, .off = off };
		n += compare(type, attach, &in, "store");
		in = (struct bpf_insn){ .code = BPF_ST | BPF_MEM | sizes[i], .dst_reg = 1,
					.off = off };
		for (u32 k = 0; k < ARRAY_LEN(imms); k++) {
			in.imm = imms[k];
			n += compare(type, attach, &in, "store of a constant");
		}
	}
	return n;
}

static const struct { u32 type, attach, at_least; } contexts[] = {
	{ BPF_PROG_TYPE_XDP, 0, 5 }, { BPF_PROG_TYPE_XDP, BPF_XDP_DEVMAP, 6 },
	{ BPF_PROG_TYPE_SOCKET_FILTER, 0, 150 }, { BPF_PROG_TYPE_SCHED_CLS, 0, 150 },
	{ BPF_PROG_TYPE_SCHED_ACT, 0, 150 },
	{ BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS, 150 },
	{ BPF_PROG_TYPE_LWT_IN, 0, 150 }, { BPF_PROG_TYPE_LWT_OUT, 0, 150 },
	{ BPF_PROG_TYPE_LWT_XMIT, 0, 150 }, { BPF_PROG_TYPE_LWT_SEG6LOCAL, 0, 150 },
	{ BPF_PROG_TYPE_SK_SKB, 0, 150 },
	{ BPF_PROG_TYPE_FLOW_DISSECTOR, BPF_FLOW_DISSECTOR, 3 },
	{ BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP, 20 },
	{ BPF_PROG_TYPE_SK_REUSEPORT, BPF_SK_REUSEPORT_SELECT, 8 },
};

static void every_access(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(contexts); i++) {
		u32 n = 0;

		for (s16 off = 0; off < CTX_BYTES; off++)
			n += compare_at(contexts[i].type, contexts[i].attach, off);
		if (n < contexts[i].at_least)
			fail_msg("type %u: %u accesses alone", contexts[i].type, n);
		print_message("# type %u: %u ways to access the context\n", contexts[i].type, n);
	}
}

/* ---- the rest of a program -------------------------------------------------- */

static const struct bpf_insn *assemble(const char *text, size_t *n)
{
	struct isa_code code = { 0 };
	struct skep_err err;

	if (isa_asm(&code, text, strlen(text), "test", &err))
		fail_msg("%s", err.text);
	*n = code.n;
	return code.v;
}

/* Result of TEXT in all engines, which must be the same. */
static u64 result(u32 type, const char *text, struct both *b)
{
	static struct outcome a, c;
	size_t n;
	const struct bpf_insn *v = assemble(text, &n);

	if (!both_open(b, type, 0, v, n))
		fail_msg("not accepted: %s", text);
	assert_null(b->lacks);
	outcome(b, VM_CHECKED, 1, &a);
	for (u32 e = VM_FAST; e < engines(); e++) {
		outcome(b, e, 1, &c);
		assert_int_equal(a.value, c.value);
		assert_memory_equal(a.views, c.views, sizeof(a.views));
	}
	free((void *)(uintptr_t)v);
	return a.value;
}

/* A store to queue_mapping becomes two instructions: jumps, calls and addresses of
 * functions go around and over it. */
static void growth(void **state)
{
	struct both b;

	(void)state;
	assert_int_equal(result(BPF_PROG_TYPE_SCHED_CLS,
		"	r6 = r1\n"
		"	r7 = map[idx:0][0]+0\n"
		"	r8 = 3\n"
		"	r9 = 0\n"
		"loop:	r2 = 70000\n"
		"	*(u32 *)(r6 + 12) = r2\n"
		"	r2 = r8\n"
		"	*(u32 *)(r6 + 12) = r2\n"
		"	if r8 == 2 goto over\n"
		"	r1 = r6\n"
		"	call add\n"
		"	r9 += r0\n"
		"	*(u32 *)(r6 + 12) = r8\n"
		"over:	r8 += -1\n"
		"	if r8 != 0 goto loop\n"
		"	*(u64 *)(r7 + 0) = r9\n"
		"	r0 = 0\n"
		"	exit\n"
		"add:	r0 = *(u32 *)(r1 + 12)\n"
		"	r2 = 9\n"
		"	*(u32 *)(r1 + 12) = r2\n"
		"	r0 += 10\n"
		"	exit\n", &b), 10 + 3 + 10 + 1);
	assert_true(b.rw.nr_insns > b.img->progs[0].nr_insns);
	for (u32 i = 1; i < b.rw.nr_insns; i++)
		assert_in_range(b.rw.origin[i], b.rw.origin[i - 1], b.rw.origin[i - 1] + 2);
	both_close(&b);
}

static void dead_code(void **state)
{
	struct both b;
	u32 traps = 0;

	(void)state;
	assert_int_equal(result(BPF_PROG_TYPE_XDP,
		"	r7 = map[idx:0][0]+0\n"
		"	r0 = 1\n"
		"	if r0 == 1 goto on\n"
		"	r1 = 0x1122334455667788 ll\n"
		"	r0 = *(u64 *)(r1 + 0)\n"
		"	exit\n"
		"on:	*(u64 *)(r7 + 0) = r0\n"
		"	exit\n", &b), 1);
	for (u32 i = 0; i < b.rw.nr_insns; i++)
		traps += b.rw.insns[i].code == REWRITE_TRAP;
	assert_int_equal(traps, 4);
	both_close(&b);
}

/* Stack that a privileged loader may read though nobody wrote it is 0 in each run. */
static void stale_stack(void **state)
{
	static const char text[] =
		"	r7 = map[idx:0][0]+0\n"
		"	r1 = *(u64 *)(r10 - 32)\n"
		"	*(u64 *)(r7 + 0) = r1\n"
		"	r1 = -1\n"
		"	*(u64 *)(r10 - 32) = r1\n"
		"	r0 = 1\n"
		"	exit\n";
	static struct outcome o;
	struct both b;

	(void)state;
	assert_int_equal(result(BPF_PROG_TYPE_XDP, text, &b), 0);
	assert_true(b.rw.stale_stack);
	for (u32 i = 0; i < 3 * engines(); i++) {
		outcome(&b, i % engines(), 1, &o);
		assert_int_equal(o.value, 0);
	}
	both_close(&b);
}

/* One path has written, the other reads what is there. */
static void stale_slot(void **state)
{
	static const char text[] =
		"	r7 = map[idx:0][0]+0\n"
		"	r2 = *(u32 *)(r1 + 12)\n"
		"	r1 = *(u32 *)(r1 + 16)\n"
		"	*(u64 *)(r10 - 8) = r1\n"
		"	if r2 == 77 goto write\n"
		"skip:	r1 = *(u8 *)(r10 - 24)\n"
		"	r2 = 0\n"
		"	*(u64 *)(r7 + 0) = r1\n"
		"	r2 = r10\n"
		"	r2 += -24\n"
		"	r1 = -1\n"
		"	*(u64 *)(r2 + 0) = r1\n"
		"	r0 = 1\n"
		"	exit\n"
		"write:	*(u8 *)(r10 - 24) = r1\n"
		"	goto skip\n";
	static struct outcome o;
	struct both b;

	(void)state;
	assert_int_equal(result(BPF_PROG_TYPE_XDP, text, &b), 0);
	assert_true(b.rw.stale_reads & 1 << 2);
	for (u32 i = 0; i < 3 * engines(); i++) {
		outcome(&b, i % engines(), 1, &o);
		assert_int_equal(o.value, 0);
	}
	both_close(&b);
}

/* Does it write to packets? */
static void writes(void **state)
{
#define BYTE "r2 = *(u32 *)(r1 + 0)\n" "r3 = *(u32 *)(r1 + 4)\n" "r4 = r2\n" "r4 += 1\n" \
	"r0 = 1\n" "if r4 > r3 goto out\n"
	static const struct { const char *text; bool writes; } progs[] = {
		{ "r0 = 1\n" "exit\n", false },
		{ BYTE "r3 = *(u8 *)(r2 + 0)\n" "*(u8 *)(r10 - 1) = r3\n" "out: exit\n", false },
		{ BYTE "r7 = map[idx:0][0]+0\n" "lock *(u64 *)(r7 + 0) += r0\n" "out: exit\n",
		  false },
		{ BYTE "*(u8 *)(r2 + 0) = 7\n" "out: exit\n", true },
		{ BYTE "r7 = map[idx:0][0]+0\n" "if r3 == r0 goto store\n" "r2 = r7\n"
		  "store: *(u8 *)(r2 + 0) = r0\n" "out: exit\n", true },
		{ BYTE "*(u64 *)(r10 - 8) = r2\n" "r1 = r10\n" "call f\n" "r0 = 1\n" "out: exit\n"
		  "f: r1 = *(u64 *)(r1 - 8)\n" "*(u8 *)(r1 + 0) = 7\n" "r0 = 0\n" "exit\n", true },
		{ BYTE "if r0 == 1 goto out\n" "*(u8 *)(r2 + 0) = 7\n" "out: exit\n", false },
	};
#undef BYTE

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(progs); i++) {
		size_t n;
		const struct bpf_insn *v = assemble(progs[i].text, &n);
		struct both b;

		assert_true(both_open(&b, BPF_PROG_TYPE_XDP, 0, v, n));
		if (b.rw.writes_packet != progs[i].writes)
			fail_msg("%zu: %d", i, b.rw.writes_packet);
		both_close(&b);
		free((void *)(uintptr_t)v);
	}
}

/* Loads that fault give 0, those of memory what is there. */
static void probes(void **state)
{
	const struct bpf_insn p[] = {
		SKEP_INSN(BPF_LD | BPF_DW | BPF_IMM, 7, BPF_PSEUDO_MAP_IDX_VALUE, 0, 0), { 0 },
		SKEP_INSN(BPF_LDX | REWRITE_PROBE | BPF_W, 0, 7, 8, 0),
		SKEP_INSN(BPF_LDX | REWRITE_PROBE_SX | BPF_B, 2, 7, 8, 0),
		SKEP_INSN(BPF_ALU64 | BPF_ADD | BPF_X, 0, 2, 0, 0),
		SKEP_INSN(BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, 8),
		SKEP_INSN(BPF_LDX | REWRITE_PROBE | BPF_DW, 3, 3, 0, 0),
		SKEP_INSN(BPF_ALU64 | BPF_ADD | BPF_X, 0, 3, 0, 0),
		SKEP_INSN(BPF_LDX | REWRITE_PROBE | BPF_DW, 3, 7, 60, 0),
		SKEP_INSN(BPF_ALU64 | BPF_ADD | BPF_X, 0, 3, 0, 0),
		SKEP_INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	u8 value[64];
	struct vm_map map = { .map = value, .type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
		.value_size = 64, .mem = { .base = value, .nr = 1, .stride = 64,
					   .value_bytes = 64 } };
	const struct vm_bind bind = { .insns = p, .nr_insns = ARRAY_LEN(p), .maps = &map,
		.nr_maps = 1, .prog_type = BPF_PROG_TYPE_XDP };
	struct vm_machine *m = vm_machine_new();
	static struct run run;
	struct vm_code *code;
	struct skep_err err;
	u64 ret;

	(void)state;
	memset(value, 0xff, sizeof(value));
	for (u32 e = VM_FAST; e < engines(); e++) {
		const struct rewrite rw = { .insns = p, .nr_insns = ARRAY_LEN(p) };
		struct jit_code *jit = NULL;

		assert_int_equal(vm_code_new(&code, &bind, VM_FAST, "probe", &err), 0);
		if (e > VM_FAST)
			assert_int_equal(runtime_native(&jit, code, &rw, e == OPTIMISED ? JIT_OPT :
							JIT_FAST, "probe", &err), 0);
		assert_int_equal(vm_run(m, code, &run, BUDGET, &ret), 0);
		assert_int_equal(ret, 0xfffffffeull);
		vm_code_free(code);
		jit_free(jit);
	}
	vm_machine_free(m);
}

/* A run that its budget ends leaves no lock behind. */
static void lock_of_a_run(void **state)
{
	static const char text[] =
		"	r6 = map[idx:0][0]+16\n"
		"	r1 = r6\n"
		"	call 93\n"
		"	r7 = 100000\n"
		"loop:	r7 += -1\n"
		"	if r7 != 0 goto loop\n"
		"	r1 = r6\n"
		"	call 94\n"
		"	r0 = 1\n"
		"	exit\n";
	struct vm_machine *m = vm_machine_new();
	static struct run run;
	struct both b;
	size_t n;
	const struct bpf_insn *v = assemble(text, &n);
	u64 ret;

	(void)state;
	value_map.lock_at = 1 + LOCK_AT;
	assert_true(both_open(&b, BPF_PROG_TYPE_XDP, 0, v, n));
	value_map.lock_at = 0;
	assert_null(b.lacks);
	for (u32 i = 0; i < 3 * engines(); i++) {
		u32 e = i % engines();

		assert_int_equal(vm_run(m, b.code[e], &run, 1000, &ret), -EFAULT);
		assert_int_equal(vm_fault(m)->kind, VM_FAULT_BUDGET);
		assert_int_equal(b.value[LOCK_AT], 0);
		assert_int_equal(vm_run(m, b.code[e], &run, 1000000, &ret), 0);
		assert_int_equal(ret, 1);
		assert_int_equal(b.value[LOCK_AT], 0);
	}
	vm_machine_free(m);
	both_close(&b);
	free((void *)(uintptr_t)v);
}

/* What a program of type syscall that calls FUNCTION lacks; TYPES: the kernel's, or NULL. */
static const char *syscall_lacks(const struct bpf_insn *v, size_t n, const char *function,
				 const struct btf *types)
{
	struct image_extern called = { .name = function, .kind = IMAGE_KFUNC };
	const struct verify_opts opts = { .caps = VERIFY_CAP_ALL, .vmlinux = types };
	struct arena arena = ARENA_INIT;
	struct verify_result r;
	struct rewrite rw;
	struct image *img;
	struct skep_err err;
	const char *lacks;
	u32 at;

	assert_int_equal(obj_from_insns(&img, BPF_PROG_TYPE_SYSCALL, "p", v, n, &value_map, 1,
					"GPL", &err), 0);
	img->externs = &called;
	img->nr_externs = 1;
	assert_int_equal(verify_prog(&r, &arena, img, img->progs, &opts, &err), 0);
	assert_int_equal(r.verdict, VERDICT_OK);
	lacks = rewrite_prog(&rw, &arena, img, img->progs, &r, &at);
	image_free(img);
	arena_free(&arena);
	return lacks;
}

/* Bytes from the beginning of the kernel's struct TYPE to MEMBER. */
static u32 member_at(const struct btf *btf, const char *type, const char *member)
{
	const struct btf_type *t = btf_type(btf, btf_find(btf, type, BTF_KIND_STRUCT));

	for (u32 i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf_member(btf, t, i).name, member))
			return btf_member(btf, t, i).bit_off / 8;
	return 0;
}

/* What lies in an object of the kernel is no object of the engine's. */
static void kernel_objects(void **state)
{
	struct bpf_insn code[] = {
		BPF_EMIT_CALL(BPF_FUNC_get_current_task_btf), BPF_MOV64_REG(BPF_REG_1, BPF_REG_0),
		BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, 0), BPF_MOV64_IMM(BPF_REG_2, 0),
		BPF_MOV64_IMM(BPF_REG_3, 0), BPF_MOV64_IMM(BPF_REG_4, 0),
		SKEP_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, 0),
		BPF_MOV64_IMM(BPF_REG_0, 0), BPF_EXIT_INSN(),
	};
	struct btf_file f;

	(void)state;
	if (btf_open_file(&f, "/sys/kernel/btf/vmlinux", NULL, NULL))
		skip();
	code[2].imm = (s32)member_at(f.btf, "task_struct", "cpus_mask");
	assert_true(code[2].imm);
	assert_non_null(syscall_lacks(code, ARRAY_LEN(code), "bpf_cpumask_first", f.btf));
	/* the task itself is one */
	code[2].imm = 0;
	assert_null(syscall_lacks(code, ARRAY_LEN(code), "bpf_send_signal_task", f.btf));
	btf_close_file(&f);
}

/* What such a program is given is its caller's: the kernel's alone. */
static void kernel_memory(void **state)
{
	static const char begin[] =	/* a dynptr of a map's value; a buffer for it */
		"r6 = r1\n r1 = map[idx:0][0]+0\n r2 = 16\n r3 = 0\n r4 = r10\n r4 += -16\n"
		"*(u64 *)(r10 - 24) = 0\n call 197\n r1 = r10\n r1 += -16\n r2 = 0\n r4 = 8\n";
	static const char *const buffers[] = { "r3 = r10\n r3 += -24\n", "r3 = r6\n" };

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(buffers); i++) {
		struct bpf_insn code[40];
		struct strbuf text = { 0 };
		size_t n;
		const struct bpf_insn *p;

		sb_printf(&text, "%s%sr5 = 0\n r0 = 0\n exit\n", begin, buffers[i]);
		p = assemble(sb_text(&text), &n);
		memcpy(code, p, n * sizeof(*p));
		/* in place of "r5 = 0" */
		code[n - 3] = SKEP_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, 0);
		assert_int_equal(syscall_lacks(code, n, "bpf_dynptr_slice", NULL) != NULL,
				 i);
		sb_free(&text);
		free((void *)(uintptr_t)p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_access),
		cmocka_unit_test(growth),
		cmocka_unit_test(dead_code),
		cmocka_unit_test(stale_stack),
		cmocka_unit_test(stale_slot),
		cmocka_unit_test(writes),
		cmocka_unit_test(probes),
		cmocka_unit_test(lock_of_a_run),
		cmocka_unit_test(kernel_memory),
		cmocka_unit_test(kernel_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
