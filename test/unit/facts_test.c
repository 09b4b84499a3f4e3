/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * facts_test.c: what the verifier tells of accepted programs (verify/facts.h),
 * where invariants know, where they only know that they do not, and where only
 * paths accept. Whether it is true is contain_test's question.
 */
#include "base/strbuf.h"
#include "btf/build.h"
#include "isa/isa.h"
#include "model/uapi.h"
#include "obj/obj.h"
#include "verify/facts.h"
#include "verify/verify.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

static struct image_map maps[] = {
	{ .name = "a", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 64,
	  .max_entries = 1 },
	{ .name = "b", .type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 8,
	  .max_entries = 8 },
	{ .name = "c", .type = UAPI_MAP_TYPE_ARENA, .map_flags = BPF_F_MMAPABLE,
	  .max_entries = 4 },
};

static struct isa_code code;
static struct image *img;
static struct arena arena;
static const struct facts *facts;
static struct verify_result result;

/* Types of the program's functions, and these; NULL and none. */
static struct btf *types;
static struct image_func *funcs;
static u32 nr_funcs;

/* Judges an XDP program. */
static void judge(const char *text, unsigned flags)
{
	const struct verify_opts opts = { .caps = VERIFY_CAP_ALL,
					  .flags = flags };
	struct skep_err err;

	vec_free(&code);	/* of a test that failed */
	memset(&result, 0xa5, sizeof(result));	/* nothing of it is read */
	if (isa_asm(&code, text, strlen(text), "facts", &err) ||
	    obj_from_insns(&img, BPF_PROG_TYPE_XDP, "facts", code.v, (u32)code.n, maps,
			   ARRAY_LEN(maps), "GPL", &err))
		fail_msg("%s", err.text);
	if (types) {
		img->btf = types;
		img->progs[0].funcs = funcs;
		img->progs[0].nr_funcs = nr_funcs;
	}
	if (verify_prog(&result, &arena, img, &img->progs[0], &opts, &err))
		fail_msg("%s", err.text);
	if (result.verdict != VERDICT_OK)
		fail_msg("%s", result.nr_errors ? result.errors[0].text : result.construct);
	assert_true(!result.facts == !(opts.flags & VERIFY_FACTS));
	facts = result.facts;
}

static void done(void)
{
	vec_free(&code);
	image_free(img);
	arena_free(&arena);
}

static void want(const struct fact_reg *r, const char *text)
{
	struct strbuf out = { 0 };

	fact_text(&out, r);
	assert_string_equal(sb_text(&out), text);
	sb_free(&out);
}

static void reg(u32 insn, unsigned r, const char *text)
{
	want(facts_reg(facts, insn, r), text);
}

/* The number or pointer in slot N. */
static void slot(u32 insn, unsigned n, const char *text)
{
	const struct fact_slot *s = facts_slot(facts, insn, n);

	assert_non_null(s->reg);
	assert_int_equal(s->byte[0], FACT_BYTE_PART);
	want(s->reg, text);
}

static void no_slot(u32 insn, unsigned n)
{
	assert_int_equal(facts_slot(facts, insn, n)->byte[0], FACT_BYTE_UNKNOWN);
	assert_null(facts_slot(facts, insn, n)->reg);
}

static void touches(u32 insn, enum fact_kind kind, u32 map)
{
	struct fact_access a = facts_access(facts, insn);

	assert_int_equal(fact_one_kind(&a), kind);
	assert_int_equal(a.map, map);
}

/* ---- nobody asks -------------------------------------------------------- */

static void unasked(void **unused UNUSED)
{
	judge("r0 = 2\n"
	      "exit\n", 0);
	assert_null(facts);
	done();
}

/* ---- one path ------------------------------------------------------------ */

static void packet(void **unused UNUSED)
{
	u64 value;

	judge("r6 = r1\n"			/* 0 */
	      "r2 = *(u32 *)(r6 + 0)\n"		/* 1: data */
	      "r3 = *(u32 *)(r6 + 4)\n"		/* 2: data_end */
	      "r4 = r2\n"			/* 3 */
	      "r4 += 14\n"			/* 4 */
	      "if r4 > r3 goto out\n"		/* 5 */
	      "w5 = *(u8 *)(r2 + 13)\n"		/* 6 */
	      "r5 &= 7\n"			/* 7 */
	      "r2 += r5\n"			/* 8 */
	      "r4 = r2\n"			/* 9 */
	      "r4 += 2\n"			/* 10 */
	      "if r4 > r3 goto out\n"		/* 11 */
	      "*(u8 *)(r2 + 1) = 0\n"		/* 12 */
	      "r2 += -9\n"			/* 13: not in the packet, perhaps */
	      "if r5 > 7 goto never\n"		/* 14 */
	      "out: r0 = 2\n"			/* 15 */
	      "exit\n"				/* 16 */
	      "never: r0 = 1\n"		/* 17 */
	      "exit\n", VERIFY_FACTS);
	assert_true(facts_bounded(facts));
	reg(0, 1, "ctx at 0");
	reg(0, 10, "stack at 0");
	reg(0, 2, "unknown");
	touches(1, FACT_CTX, FACT_NO_MAP);
	reg(3, 2, "packet at 0");
	reg(3, 3, "packet end");
	reg(6, 2, "packet at 0, 14 bytes");
	reg(6, 4, "packet at 14");
	touches(6, FACT_PACKET, FACT_NO_MAP);
	reg(7, 5, "number 0..255");
	reg(12, 2, "packet at 0..7, 2 bytes");
	touches(12, FACT_PACKET, FACT_NO_MAP);
	reg(14, 2, "packet at -9..-2");
	assert_false(facts_const(facts, 12, 5, &value));
	assert_true(facts_const(facts, 16, 0, &value));
	assert_int_equal(value, 2);
	assert_true(facts_reached(facts, 16));
	assert_false(facts_reached(facts, 17));
	assert_int_equal(facts_access(facts, 16).kinds, 0);
	done();
}

/* ---- several ways -------------------------------------------------------- */

static void ways(void **unused UNUSED)
{
	unsigned flags;

	judge("r7 = map[idx:0][0]+8\n"		/* 0 */
	      "r1 = map[idx:0]\n"		/* 2 */
	      "*(u64 *)(r10 - 8) = 1\n"		/* 4 */
	      "*(u64 *)(r10 - 16) = r7\n"	/* 5 */
	      "call 7\n"			/* 6: prandom */
	      "r8 = r0\n"			/* 7 */
	      "r1 = map[idx:0]\n"		/* 8 */
	      "if r8 == 0 goto l1\n"		/* 10 */
	      "*(u64 *)(r10 - 8) = 5\n"		/* 11 */
	      "*(u64 *)(r10 - 16) = 3\n"	/* 12 */
	      "r7 = r10\n"			/* 13 */
	      "r7 += -32\n"			/* 14 */
	      "r1 = map[idx:1]\n"		/* 15 */
	      "l1: *(u64 *)(r7 + 0) = 9\n"	/* 17 */
	      "*(u32 *)(r10 - 20) = 0\n"	/* 18 */
	      "r2 = r10\n"			/* 19 */
	      "r2 += -20\n"			/* 20 */
	      "call 1\n"			/* 21: lookup */
	      "if r0 == 0 goto out\n"		/* 22 */
	      "r1 = map[idx:1]\n"		/* 23 */
	      "r2 = r10\n"			/* 25 */
	      "r2 += -20\n"			/* 26 */
	      "call 1\n"			/* 27 */
	      "r9 = *(u64 *)(r10 - 8)\n"	/* 28 */
	      "out: r0 = 2\n"			/* 29 */
	      "exit\n", VERIFY_FACTS);
	assert_true(facts_bounded(facts));
	reg(11, 7, "map value 0 at 8");
	reg(17, 7, "unknown");
	assert_int_equal(facts_access(facts, 17).kinds, 1u << FACT_MAP_VALUE | 1u << FACT_STACK);
	touches(5, FACT_STACK, FACT_NO_MAP);
	slot(12, 1, "map value 0 at 8");
	slot(17, 0, "number 1 or 5");
	no_slot(17, 1);
	no_slot(28, 0);		/* the store at 17 may have been to the stack */
	assert_int_equal(facts_call_map(facts, 21, 1, &flags), FACT_NO_MAP);
	assert_int_equal(facts_call_map(facts, 27, 1, &flags), 1);
	assert_int_equal(flags, 0);
	reg(28, 0, "map value 1 at 0 or NULL");
	done();
}

/* ---- functions ----------------------------------------------------------- */

static void functions(void **unused UNUSED)
{
	judge("r6 = 7\n"			/* 0 */
	      "*(u64 *)(r10 - 8) = 4\n"		/* 1 */
	      "r1 = r10\n"			/* 2 */
	      "r1 += -8\n"			/* 3 */
	      "r2 = 0\n"			/* 4 */
	      "call f\n"			/* 5 */
	      "r1 = r10\n"			/* 6 */
	      "r1 += -16\n"			/* 7 */
	      "r2 = 3\n"			/* 8 */
	      "call f\n"			/* 9 */
	      "r0 = r6\n"			/* 10 */
	      "exit\n"				/* 11 */
	      "f: r6 = r2\n"			/* 12 */
	      "*(u64 *)(r1 + 0) = r2\n"		/* 13 */
	      "*(u64 *)(r10 - 8) = r2\n"	/* 14 */
	      "*(u8 *)(r10 - 13) = r2\n"	/* 15: no part of a register */
	      "*(u8 *)(r10 - 12) = 0\n"	/* 16 */
	      "r0 = 0\n"			/* 17 */
	      "exit\n", VERIFY_FACTS);
	reg(12, 6, "unknown");
	reg(13, 1, "stack at -16 or -8, 1 up");
	reg(13, 6, "number 0..3");
	touches(13, FACT_STACK, FACT_NO_MAP);
	reg(10, 6, "number 7");
	slot(6, 0, "number 0");
	slot(10, 1, "number 3");
	slot(17, 0, "number 0..3");
	assert_int_equal(facts_slot(facts, 17, 1)->byte[2], FACT_BYTE_UNKNOWN);
	assert_int_equal(facts_slot(facts, 17, 1)->byte[3], FACT_BYTE_NUMBER);
	assert_int_equal(facts_slot(facts, 17, 1)->byte[4], FACT_BYTE_ZERO);
	done();
}

/* ---- memory that may not be there ---------------------------------------- */

static void arena_memory(void **unused UNUSED)
{
	judge("r1 = map[idx:2]\n"		/* 0 */
	      "r2 = 64\n"			/* 2 */
	      "r2 = addr_space_cast(r2, 0, 1)\n"	/* 3 */
	      "r2 += 8\n"			/* 4 */
	      "r3 = *(u64 *)(r2 + 0)\n"	/* 5 */
	      "r0 = 2\n"			/* 6 */
	      "exit\n", VERIFY_FACTS);
	reg(5, 2, "arena at any number");
	touches(5, FACT_ARENA, FACT_NO_MAP);
	assert_int_equal(facts_access(facts, 5).flags, FACT_FAULTS);
	done();
}

/* ---- what invariants cannot resolve -------------------------------------- */

/* Slot 0 is R7 on one way and a number on the other; only paths know which of them
 * leads to what follows. */
#define EITHER(r7) \
	"r6 = r1\n"			/* 0 */ \
	r7				/* 1 */ \
	"*(u64 *)(r10 - 24) = 77\n"	/* 3 */ \
	"call 7\n"			/* 4 */ \
	"*(u64 *)(r10 - 8) = r7\n"	/* 5 */ \
	"if r0 == 0 goto both\n"	/* 6 */ \
	"*(u64 *)(r10 - 8) = 5\n"	/* 7 */ \
	"both: r9 = 3\n"		/* 8 */ \
	"if r0 != 0 goto out\n"		/* 9 */ \
	"r1 = *(u64 *)(r10 - 8)\n"	/* 10 */
#define OF_MAP "r7 = map[idx:0][0]+8\n"
#define OF_STACK "r7 = r10\n r7 += -32\n"

static void unresolved_store(void **unused UNUSED)
{
	judge(EITHER(OF_MAP)
	      "*(u64 *)(r1 + 0) = 1\n"		/* 11 */
	      "r8 = *(u64 *)(r10 - 24)\n"	/* 12 */
	      "out: r0 = 2\n"			/* 13 */
	      "exit\n", VERIFY_FACTS);
	assert_true(facts_bounded(facts));
	slot(10, 2, "number 77");
	no_slot(10, 0);
	reg(11, 1, "unknown");
	touches(11, FACT_MAP_VALUE, 0);
	no_slot(12, 2);			/* the store may have been to the stack */
	reg(12, 9, "number 3");
	reg(13, 8, "unknown");
	done();
}

static void unresolved_load(void **unused UNUSED)
{
	judge(EITHER(OF_MAP)
	      "r8 = *(u64 *)(r1 + 0)\n"		/* 11 */
	      "r8 &= 3\n"			/* 12 */
	      "r7 += r8\n"			/* 13 */
	      "*(u8 *)(r7 + 0) = 1\n"		/* 14 */
	      "out: r0 = 2\n"			/* 15 */
	      "exit\n", VERIFY_FACTS);
	assert_true(facts_bounded(facts));
	touches(11, FACT_MAP_VALUE, 0);
	slot(12, 2, "number 77");	/* a load changes nothing */
	reg(12, 8, "number any number");
	reg(14, 7, "map value 0 at 8..11");
	done();
}

/* OP, through r1: of register R nothing is known afterwards, nor of the stack if STORES. */
static void unresolved_op(const char *op, unsigned r, bool stores)
{
	char text[1024];

	snprintf(text, sizeof(text), EITHER(OF_MAP)
		 "r8 = 4\n"			/* 11 */
		 "r0 = 5\n"			/* 12 */
		 "%s\n"				/* 13 */
		 "r7 = 0\n"			/* 14 */
		 "out: r0 = 2\n"		/* 15 */
		 "exit\n", op);
	judge(text, VERIFY_FACTS);
	assert_true(facts_bounded(facts));
	reg(13, 8, "number 4");
	reg(13, 0, "number 5");
	reg(14, r, "number any number");
	reg(14, r ? 0 : 8, r ? "number 5" : "number 4");
	if (stores)
		no_slot(14, 2);
	else
		slot(14, 2, "number 77");
	done();
}

static void unresolved_atomic(void **unused UNUSED)
{
	unresolved_op("r8 = atomic_fetch_add((u64 *)(r1 + 0), r8)", 8, true);
	unresolved_op("r8 = xchg_64(r1 + 0, r8)", 8, true);
	unresolved_op("r0 = cmpxchg_64(r1 + 0, r0, r8)", 0, true);
	unresolved_op("r8 = load_acquire((u64 *)(r1 + 0))", 8, false);
}

static void unresolved_call(void **unused UNUSED)
{
	unsigned flags;

	judge(EITHER(OF_MAP)
	      "r3 = r1\n"			/* 11 */
	      "r1 = map[idx:1]\n"		/* 12 */
	      "*(u32 *)(r10 - 12) = 0\n"	/* 14 */
	      "r2 = r10\n"			/* 15 */
	      "r2 += -12\n"			/* 16 */
	      "r4 = 0\n"			/* 17 */
	      "call 2\n"			/* 18: update */
	      "r8 = *(u64 *)(r10 - 24)\n"	/* 19 */
	      "out: r0 = 2\n"			/* 20 */
	      "exit\n", VERIFY_FACTS);
	assert_true(facts_bounded(facts));
	assert_int_equal(facts_call_map(facts, 18, 1, &flags), 1);
	slot(18, 2, "number 77");
	no_slot(19, 2);			/* all is forgotten */
	reg(19, 9, "number any number");
	done();
}

/* Where even forgetting does not help: which function is called back? */
static void unresolved_callback(void **unused UNUSED)
{
	judge(EITHER(OF_STACK)
	      "r3 = r1\n"			/* 11 */
	      "r1 = map[idx:1]\n"		/* 12 */
	      "r2 = subprog[+5]\n"		/* 14 */
	      "r4 = r0\n"			/* 16 */
	      "call 164\n"			/* 17: for_each_map_elem */
	      "out: r0 = 2\n"			/* 18 */
	      "exit\n"				/* 19 */
	      "r0 = 0\n"			/* 20 */
	      "exit\n", VERIFY_FACTS);
	assert_false(facts_bounded(facts));
	assert_true(facts_reached(facts, 20));
	done();
}

/* A loop that is entered at two places is for paths alone. */
/* Half of a number may be the address of a packet: a member of the context, which an
 * engine makes whole. */
static void unresolved_context(void **unused UNUSED)
{
	judge("r6 = r1\n"			/* 0 */
	      "r0 = 0\n"			/* 1 */
	      "r9 = 3\n"			/* 2 */
	      "*(u64 *)(r10 - 24) = 77\n"	/* 3 */
	      "call 7\n"			/* 4 */
	      "*(u64 *)(r10 - 8) = r6\n"	/* 5 */
	      "if r0 == 0 goto both\n"		/* 6 */
	      "*(u64 *)(r10 - 8) = 5\n"	/* 7 */
	      "both: r9 = 3\n"			/* 8 */
	      "if r0 != 0 goto out\n"		/* 9 */
	      "r1 = *(u64 *)(r10 - 8)\n"	/* 10 */
	      "r8 = *(u32 *)(r1 + 0)\n"	/* 11 */
	      "r7 = r8\n"			/* 12 */
	      "out: r0 = 2\n"			/* 13 */
	      "exit\n", VERIFY_FACTS);
	assert_true(facts_bounded(facts));
	reg(11, 1, "unknown");
	reg(12, 8, "number any number");
	done();
}

/* Each with an int for parameter and result; the first is the program. */
static void with_types(struct image_func *list, u32 n)
{
	static struct arena mem = ARENA_INIT;
	struct strbuf out = { 0 };
	struct btf_build b;
	struct skep_err err;
	u32 number, proto;

	btf_build_open(&b, &mem);
	number = btf_build_int(&b, "int", 4, BTF_INT_SIGNED);
	proto = btf_build_proto(&b, number);
	btf_build_param(&b, "x", number);
	for (u32 i = 0; i < n; i++)
		list[i].type_id = btf_build_func(&b, list[i].name, proto,
						list[i].global ? BTF_FUNC_GLOBAL :
						BTF_FUNC_STATIC);
	btf_build_write(&b, &out);
	assert_int_equal(btf_parse(&types, &mem, (u8 *)out.s, out.n, "built", &err), 0);
	funcs = list;
	nr_funcs = n;
	sb_free(&out);
	btf_build_free(&b);
}

/* What a function holds that the program calls, and a global function, too. */
static void of_both_callers(void **unused UNUSED)
{
	static struct image_func list[] = { { .insn = 0, .name = "prog", .global = true },
		{ .insn = 6, .name = "g", .global = true }, { .insn = 9, .name = "f" } };

	with_types(list, ARRAY_LEN(list));
	judge("	r1 = 1\n"
	      "	call f\n"
	      "	r1 = 5\n"
	      "	call g\n"
	      "	r0 = 1\n"
	      "	exit\n"
	      "g:	r1 &= 7\n"
	      "	call f\n"
	      "	exit\n"
	      "f:	*(u64 *)(r10 - 8) = r1\n"
	      "	r0 = 0\n"
	      "	exit\n", VERIFY_FACTS);
	reg(10, 1, "number 0..7");
	slot(10, 0, "number 0..7");
	types = NULL;
	done();
}

/* ---- the stack ------------------------------------------------------------- */

/* Stack that nobody may have written counts as read, and how deep it goes. */
static void stack_is(const char *text, bool stale, u32 bytes)
{
	judge(text, 0);
	assert_int_equal(result.stale_slots != 0, stale);
	assert_int_equal(result.stack_bytes, bytes);
	done();
}

static void stack_of(void **unused UNUSED)
{
#define INDEX "r1 = *(u32 *)(r1 + 12)\n r1 &= 7\n r2 = r10\n r2 += -40\n r2 += r1\n"
	stack_is("*(u64 *)(r10 - 40) = 1\n r0 = *(u64 *)(r10 - 40)\n r0 = 1\n exit\n", false, 48);
	stack_is("r0 = *(u64 *)(r10 - 40)\n r0 = 1\n exit\n", true, 48);
	stack_is(INDEX "*(u8 *)(r2 + 0) = 1\n r0 = 1\n exit\n", true, 48);
	stack_is("*(u64 *)(r10 - 40) = 1\n" INDEX "*(u8 *)(r2 + 0) = 1\n r0 = 1\n exit\n",
		 false, 48);
	/* a key that nobody wrote; what a helper may leave as it is */
	stack_is("r1 = map[idx:0]\n r2 = r10\n r2 += -40\n call 1\n r0 = 1\n exit\n", true, 48);
	stack_is("r3 = r1\n r1 = r10\n r1 += -40\n r2 = 8\n call 113\n r0 = 1\n exit\n", true, 48);
	stack_is("*(u64 *)(r10 - 40) = 1\n r3 = r1\n r1 = r10\n r1 += -40\n r2 = 8\n call 113\n"
		 "r0 = 1\n exit\n", false, 48);
	stack_is("*(u64 *)(r10 - 40) = 1\n call f\n r0 = 1\n exit\n"
		 "f: *(u64 *)(r10 - 16) = 1\n r0 = 0\n exit\n", false, 64);
#undef INDEX
	/* where states are joined: a pointer there, and nothing on the other way */
	judge("r6 = r1\n call 7\n if r0 > 5 goto l\n *(u64 *)(r10 - 40) = r6\n l: r1 = map[idx:0]\n"
	      "r2 = r10\n r2 += -40\n call 1\n r0 = 1\n exit\n", VERIFY_NO_PATHS);
	assert_true(result.stale_slots);
	done();
	judge("r6 = r1\n *(u64 *)(r10 - 40) = 1\n call 7\n if r0 > 5 goto l\n"
	      "*(u64 *)(r10 - 40) = r6\n l: r1 = map[idx:0]\n r2 = r10\n r2 += -40\n call 1\n"
	      "r0 = 1\n exit\n", VERIFY_NO_PATHS);
	assert_false(result.stale_slots);
	done();
}

/* ---- what is not judged well -------------------------------------------------- */

/* A program that is refused is followed twice: results are of the second time. */
static void refused(void **unused UNUSED)
{
	static const char text[] = "call 7\n r1 = 0\n r2 = 0\n r3 = 0\n r4 = 0\n r5 = 0\n"
				   "r1 = 0\n if r0 == 0 goto l\n r1 = 0\n goto l\n l: r0 = 2\n"
				   "r0 = *(u8 *)(r0 + 0)\n exit\n";
	struct skep_err err;

	assert_int_equal(isa_asm(&code, text, strlen(text), "facts", &err), 0);
	assert_int_equal(obj_from_insns(&img, BPF_PROG_TYPE_XDP, "facts", code.v, (u32)code.n, maps,
					ARRAY_LEN(maps), "GPL", &err), 0);
	assert_int_equal(verify_prog(&result, &arena, img, &img->progs[0], NULL, &err), 0);
	assert_int_equal(result.verdict, VERDICT_REJECTED);
	assert_int_equal(result.states, 1);
	done();
}

/* No instruction: nothing of it is looked at. */
static void no_program(void **unused UNUSED)
{
	static const char text[] = "r0 = 2\n exit\n";
	struct bpf_insn bad = { .code = 0xff };
	struct image_prog prog;
	struct skep_err err;

	assert_int_equal(isa_asm(&code, text, strlen(text), "facts", &err), 0);
	assert_int_equal(obj_from_insns(&img, BPF_PROG_TYPE_XDP, "facts", code.v, (u32)code.n, maps,
					ARRAY_LEN(maps), "GPL", &err), 0);
	prog = img->progs[0];
	prog.insns = &bad;
	prog.nr_insns = 1;
	assert_true(verify_prog(&result, &arena, img, &prog, NULL, &err) < 0);
	done();
}

static void irreducible(void **unused UNUSED)
{
	judge("r7 = map[idx:0][0]+8\n"		/* 0 */
	      "call 7\n"			/* 2 */
	      "r8 = 0\n"			/* 3 */
	      "if r0 == 0 goto middle\n"	/* 4 */
	      "head: r8 += 1\n"			/* 5 */
	      "*(u64 *)(r7 + 0) = 1\n"		/* 6 */
	      "middle: r8 += 1\n"		/* 7 */
	      "if r8 < 10 goto head\n"		/* 8 */
	      "r0 = 2\n"			/* 9 */
	      "exit\n", VERIFY_FACTS);
	assert_false(facts_bounded(facts));
	reg(9, 7, "unknown");
	assert_int_equal(facts_slots(facts, 9), 0);
	touches(6, FACT_MAP_VALUE, 0);
	assert_true(facts_reached(facts, 9));
	done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unasked),
		cmocka_unit_test(packet),
		cmocka_unit_test(ways),
		cmocka_unit_test(functions),
		cmocka_unit_test(arena_memory),
		cmocka_unit_test(unresolved_store),
		cmocka_unit_test(unresolved_load),
		cmocka_unit_test(unresolved_atomic),
		cmocka_unit_test(unresolved_call),
		cmocka_unit_test(unresolved_callback),
		cmocka_unit_test(unresolved_context),
		cmocka_unit_test(of_both_callers),
		cmocka_unit_test(stack_of),
		cmocka_unit_test(refused),
		cmocka_unit_test(no_program),
		cmocka_unit_test(irreducible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
