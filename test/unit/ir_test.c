/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ir_test.c: intermediate code: text that is read and written is the same, what is wrong is
 * said, and the cases of test/lang/ir: compiled for instruction sets 3 and 4, with and
 * without passes, verified, run on the embedded engine and in the kernel. Lines of a case
 * that begin with "# ":
 *	returns N	the program's result
 *	stack N		bytes of it that "main" takes at most
 *	error TEXT	it does not compile, and the message has this
 *	llvm N M	instructions that clang 19 -O2 makes of c/NAME.c for sets 3 and 4 (0: it
 *			does not compile that); ours are at most a tenth more
 */
#include "api/object.h"
#include "kernel_bpf.h"
#include "verify/verify.h"
#include "ir_gen.h"
#include "ir_eval.h"
#include "base/os.h"
#include <glob.h>
#include <stdlib.h>
#include <cmocka.h>

enum { PACKET = 64 };
struct variant { u32 isa; bool optimise; };
static const struct variant variants[] = { { 3, false }, { 3, true }, { 4, false }, { 4, true } };

static bool have_kernel(void)
{
	struct map_attr m = { .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8,
			      .max_entries = 1 };
	int fd = kmap_create(&m);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Judged, not run: the engine runs no programs of some types. */
static void verify(const struct strbuf *elf, const char *name)
{
	struct skep_object *obj;
	struct skep_err err = { 0 };
	struct arena a = ARENA_INIT;
	struct verify_result r;

	if (skep_object_open_mem(&obj, elf->s, elf->n, name, &err) ||
	    verify_prog(&r, &a, obj->img, &obj->img->progs[0], NULL, &err))
		fail_msg("%s: %s", name, skep_err_text(&err));
	assert_int_equal(r.verdict, VERDICT_OK);
	skep_object_close(obj);
	arena_free(&a);
}

static void run(const struct strbuf *elf, enum skep_engine engine, const char *name, u32 *retval)
{
	static const u8 packet[PACKET] = { 0 };
	struct skep_load_opts opts = { .size = sizeof(opts), .engine = engine,
				       .jit = SKEP_JIT_OFF };
	struct skep_run r = { .size = sizeof(r), .data = packet, .data_bytes = PACKET };
	struct skep_object *obj;
	struct skep_err err = { 0 };

	if (skep_object_open_mem(&obj, elf->s, elf->n, name, &err) ||
	    skep_object_load(obj, &opts, &err) ||
	    (retval && skep_prog_run(skep_object_prog(obj, "main"), &r, &err)))
		fail_msg("%s: %s", name, skep_err_text(&err));
	if (retval)
		*retval = r.retval;
	skep_object_close(obj);
}

/* ---- text -------------------------------------------------------------------------------- */

static char *text_of(struct ir_unit *u, struct strbuf *out)
{
	sb_reset(out);
	ir_print(out, u);
	return out->s;
}

/* What was written is read and written again: the same but for the order in which phis name
 * predecessors, and so the same when that is read and written. */
static void test_text(void **state)
{
	for (u64 seed = 1; seed < 60; seed++) {
		struct arena a = ARENA_INIT;
		struct ir_unit u, v, w;
		struct strbuf one = { 0 }, two = { 0 }, three = { 0 };
		struct skep_err err = { 0 };
		struct gen g;

		ir_open(&u, &a);
		ir_open(&v, &a);
		ir_open(&w, &a);
		gen_unit(&g, &u, seed);
		for (size_t i = 0; i < u.funcs.n; i++) {
			ir_settle(u.funcs.v[i]);
			if (seed % 2)
				ir_opt(u.funcs.v[i]);
		}
		if (ir_parse(&v, text_of(&u, &one), &err) || ir_parse(&w, text_of(&v, &two), &err))
			fail_msg("%s\n%s", skep_err_text(&err), one.s);
		assert_int_equal(two.n, one.n);
		assert_string_equal(text_of(&w, &three), two.s);
		ir_close(&u);
		ir_close(&v);
		ir_close(&w);
		sb_free(&one);
		sb_free(&two);
		sb_free(&three);
		arena_free(&a);
	}
}

static const struct { const char *text, *error; } wrong[] = {
	{ "exit %1\n", "neither a map nor a function" },
	{ "func f section s\n\texit %1\n", "outside of a block" },
	{ "func f section s\nb1:\n", "b1 is empty" },
	{ "func f section s\nb1:\n\t%1 = const 0\n", "the block does not end" },
	{ "func f section s\nb1:\n\texit %1\n", "an operand is not there" },
	{ "func f section s\nb1:\n\t%1 = add64 %1 %1\n\texit %1\n", "an operand is not there" },
	{ "func f section s\nb1:\n\t%1 = const x\n", "no number at x" },
	{ "func f section s\nb1:\n\t%1 = const 1 2\n", "more than the instruction takes at 2" },
	{ "func f section s\nb1:\n\t%1 = frob 1\n", "no instruction for this place" },
	{ "func f section s\nb1:\n\tconst 1\n", "no instruction for this place" },
	{ "func f section s\nb1:\n\t%1 = add16 %1 %1\n\texit %1\n", "neither 32 nor 64" },
	{ "func f section s\nb1:\n\t%1 = const 1\n\t%1 = const 2\n", "a value that is there" },
	{ "func f section s\nb1:\n\t%1 = slot 0\n\texit %1\n", "out of range" },
	{ "func f section s\nb1:\n\t%1 = map 0\n\texit %1\n", "out of range" },
	{ "func f section s\nb1:\n\tjmp b1\n", "function's first block" },
	{ "func f section s\nb1:\n\tjmp b2\n", "a block that is not there" },
	{ "func f section s\nb1:\n\tjmp b2\nb2:\n\t%1 = phi b2 %1\n\texit %1\n",
	  "not there at a predecessor's end" },
	{ "func f section s\nb1:\n\t%1 = const 1\n\tbr64 eq %1 %1 b2 b2\nb2:\n\texit %1\n",
	  "disagree" },
	{ "func f section s\nb1:\n\t%1 = ctx\n\t%2 = load3 %1 + 0\n\texit %2\n", "no such size" },
	{ "map m init 0\n", "not as many digits" },
};

static void test_wrong(void **state)
{
	for (u32 i = 0; i < ARRAY_LEN(wrong); i++) {
		struct arena a = ARENA_INIT;
		struct ir_unit u;
		struct skep_err err = { 0 };

		ir_open(&u, &a);
		if (!ir_parse(&u, wrong[i].text, &err))
			fail_msg("taken: %s", wrong[i].text);
		if (!strstr(skep_err_text(&err), wrong[i].error))
			fail_msg("%s: %s", wrong[i].text, skep_err_text(&err));
		ir_close(&u);
		arena_free(&a);
	}
}

/* ---- cases --------------------------------------------------------------------------------- */

/* Behind "# WORD " of the case; NULL: it has none. */
static const char *note(const char *text, const char *word)
{
	char key[32];
	const char *at;

	snprintf(key, sizeof(key), "# %s ", word);
	at = strstr(text, key);
	return at ? at + strlen(key) : NULL;
}

static struct ir_func *main_of(struct ir_unit *u)
{
	return u->funcs.v[u->funcs.n - 1];
}

static void check_limits(const char *name, const char *text, const struct variant *v)
{
	struct arena a = ARENA_INIT;
	struct ir_unit u;
	struct ir_code code;
	struct skep_err err = { 0 };
	const char *stack = note(text, "stack"), *llvm = note(text, "llvm");
	u32 three, four, most;

	ir_open(&u, &a);
	u.isa_level = v->isa;
	assert_int_equal(ir_parse(&u, text, &err), 0);
	if (v->optimise)
		ir_opt(main_of(&u));
	assert_int_equal(emit_func(&code, main_of(&u), &err), 0);
	if (stack && code.stack_bytes > strtoul(stack, NULL, 0))
		fail_msg("%s: %u bytes of stack", name, code.stack_bytes);
	if (llvm && v->optimise && sscanf(llvm, "%u %u", &three, &four) == 2) {
		most = v->isa == 3 ? three : four;
		if (most && code.nr_insns > most + most / 10)
			fail_msg("%s: %u instructions, of LLVM %u", name, code.nr_insns, most);
	}
	ir_close(&u);
	arena_free(&a);
}

static void try_case(const char *name, const char *text, const struct variant *v, bool kernel)
{
	struct arena a = ARENA_INIT;
	struct ir_unit u;
	struct strbuf elf = { 0 };
	struct skep_err err = { 0 };
	const char *want = note(text, "returns"), *error = note(text, "error");
	u32 got = 0;
	int ret;

	ir_open(&u, &a);
	u.isa_level = v->isa;
	u.optimise = v->optimise;
	if (ir_parse(&u, text, &err))
		fail_msg("%s: %s", name, skep_err_text(&err));
	ret = ir_object(&elf, &u, &err);
	if (!ret != !error || (error && strncmp(strstr(skep_err_text(&err), "error: ") + 7, error,
						strcspn(error, "\n"))))
		fail_msg("%s: %s", name, ret ? skep_err_text(&err) : "it compiles");
	if (!ret) {
		verify(&elf, name);
		if (want)
			run(&elf, SKEP_USER, name, &got);
		if (want)
			assert_int_equal(got, strtoul(want, NULL, 0));
		if (kernel)
			run(&elf, SKEP_KERNEL, name, want ? &got : NULL);
		if (want)
			assert_int_equal(got, strtoul(want, NULL, 0));
		check_limits(name, text, v);
	}
	ir_close(&u);
	sb_free(&elf);
	arena_free(&a);
}

static void test_cases(void **state)
{
	bool kernel = have_kernel();
	glob_t g;

	assert_int_equal(glob(TEST_DIR "/lang/ir/*.txt", 0, NULL, &g), 0);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct os_file f;
		struct skep_err err = { 0 };
		char *text;

		assert_int_equal(os_file_read(&f, g.gl_pathv[i], &err), 0);
		text = strndup((const char *)f.data, f.size);
		for (u32 k = 0; k < ARRAY_LEN(variants); k++)
			try_case(g.gl_pathv[i], text, &variants[k], kernel);
		free(text);
		os_file_close(&f);
	}
	globfree(&g);
}

/* ---- what is long --------------------------------------------------------------------------- */

/* A jump over 40,000 instructions that each store, by TEST and by a comparison. */
static void build_long(struct ir_unit *u, enum ir_cc cc)
{
	static const u8 init[8] = { 0 };
	struct ir_map data = { .name = ".data", .type = BPF_MAP_TYPE_ARRAY, .key_bytes = 4,
			       .value_bytes = 8, .max_entries = 1, .init = init };
	u32 map = ir_map_add(u, &data);
	struct ir_func *f = ir_func_new(u, "main", "socket", 0);
	struct ir_block *far = ir_block_new(f), *end = ir_block_new(f);
	struct ir_insn *at = ir_mapval(f, map, 0), *len = ir_load(f, 4, false, ir_ctx(f), 0), *v;

	ir_br(f, cc, 64, len, ir_const(f, 2), end, far);
	ir_seal(far);
	ir_at(f, far);
	for (u32 i = 0; i < 20000; i++) {
		v = ir_load(f, 8, false, at, 0);
		ir_store(f, 8, at, 0, ir_op2(f, IR_XOR, 64, v, ir_const(f, i)));
	}
	ir_jmp(f, end);
	ir_seal(end);
	ir_at(f, end);
	ir_exit(f, ir_const(f, 7));
}

/* Three rounds of 60,000 instructions, from whose parts jumps lead to ends of their own
 * behind all: without instruction set 4 they go by islands, forward and back. 7 is left. */
static void build_loop(struct ir_unit *u)
{
	enum { PARTS = 20, EACH = 1000, ROUNDS = 3 };
	static const u8 init[16] = { 0 };
	struct ir_map data = { .name = ".data", .type = BPF_MAP_TYPE_ARRAY, .key_bytes = 4,
			       .value_bytes = 16, .max_entries = 1, .init = init };
	u32 map = ir_map_add(u, &data);
	struct ir_func *f = ir_func_new(u, "main", "socket", 0);
	struct ir_block *head = ir_block_new(f), *end = ir_block_new(f), *next = ir_block_new(f);
	struct ir_block *ends[PARTS];
	struct ir_insn *at = ir_mapval(f, map, 0), *len = ir_load(f, 4, false, ir_ctx(f), 0);
	struct ir_insn *n, *v;
	u32 round = ir_var(f);

	ir_jmp(f, head);
	ir_at(f, head);
	n = ir_read(f, round);
	ir_write(f, round, ir_addi(f, n, 1));
	ir_br(f, CC_UGE, 64, n, ir_const(f, ROUNDS), end, next);
	for (u32 p = 0; p < PARTS; p++) {
		ir_seal(next);
		ir_at(f, next);
		ends[p] = ir_block_new(f);
		next = ir_block_new(f);
		ir_br(f, CC_EQ, 64, len, ir_const(f, 5000 + p), ends[p], next);
		ir_seal(ends[p]);
		ir_seal(next);
		ir_at(f, next);
		for (u32 i = 0; i < EACH; i++) {
			v = ir_load(f, 8, false, at, 8);
			ir_store(f, 8, at, 8, ir_op2(f, IR_XOR, 64, v, ir_const(f, i)));
		}
		next = ir_block_new(f);
		ir_jmp(f, p + 1 < PARTS ? next : head);
	}
	ir_seal(head);
	ir_seal(end);
	for (u32 p = 0; p < PARTS; p++) {
		ir_at(f, ends[p]);
		ir_exit(f, ir_const(f, 100 + p));
	}
	ir_at(f, end);
	ir_exit(f, ir_addi(f, ir_read(f, round), 3));
}

static void test_long(void **state)
{
	static const enum ir_cc ccs[] = { CC_EQ, CC_TEST };
	bool kernel = have_kernel();

	for (u32 k = 0; k < 6; k++) {
		struct arena a = ARENA_INIT;
		struct ir_unit u;
		struct strbuf elf = { 0 };
		struct skep_err err = { 0 };
		u32 got = 0;
		int ret;

		ir_open(&u, &a);
		u.isa_level = k % 2 ? 4 : 3;
		u.optimise = false;
		if (k < 4)
			build_long(&u, ccs[k / 2]);
		else
			build_loop(&u);
		ret = ir_object(&elf, &u, &err);
		assert_int_equal(ret, 0);
		run(&elf, SKEP_USER, "long", &got);
		assert_int_equal(got, 7);
		if (kernel)
			run(&elf, SKEP_KERNEL, "long", &got);
		assert_int_equal(got, 7);
		ir_close(&u);
		sb_free(&elf);
		arena_free(&a);
	}
}

/* ---- what a kernel has -------------------------------------------------------------------- */

static void compile(struct ir_unit *u, struct strbuf *elf)
{
	struct skep_err err = { 0 };

	if (ir_object(elf, u, &err))
		fail_msg("%s", skep_err_text(&err));
}

/* struct task_struct { int pid; } of the object's own: where the kernel's is, it says. */
static u32 task_type(struct ir_unit *u)
{
	u32 n = btf_build_int(&u->btf, "int", 4, BTF_INT_SIGNED);
	u32 t = btf_build_record(&u->btf, "task_struct", false, 4);

	btf_build_member(&u->btf, "pid", n, 0, 0);
	return t;
}

/* The pid by a load whose offset is relocated, by a number that is, and by a helper: the
 * same. bpf_get_current_task_btf() gives a pointer that may be followed. */
static void build_core(struct ir_unit *u)
{
	struct ir_func *f = ir_func_new(u, "main", "raw_tp/sys_enter", 0);
	struct ir_core *core = arena_new(u->arena, struct ir_core);
	struct ir_insn *task = ir_call(f, BPF_FUNC_get_current_task_btf, 0), *pid, *off, *there;

	*core = (struct ir_core){ 0, task_type(u), "0:0" };
	pid = ir_load(f, 4, true, task, 0);
	pid->core = core;
	off = ir_core_const(f, 0, 0, core->type, "0:0");
	there = ir_load(f, 4, true, ir_op2(f, IR_ADD, 64, task, off), 0);
	ir_exit(f, ir_op2(f, IR_SUB, 64, pid, there));
}

static void build_kfunc(struct ir_unit *u)
{
	u32 proto = btf_build_proto(&u->btf, 0);
	struct ir_func *f = ir_func_new(u, "main", "raw_tp/sys_enter", 0);

	ir_ksym_add(u, "bpf_rcu_read_lock", proto, false);
	ir_ksym_add(u, "bpf_rcu_read_unlock", proto, false);
	ir_kfunc(f, "bpf_rcu_read_lock", 0);
	ir_kfunc(f, "bpf_rcu_read_unlock", 0);
	ir_exit(f, ir_const(f, 0));
}

static u32 count_cores(const struct strbuf *elf)
{
	struct skep_object *obj;
	struct skep_err err = { 0 };
	u32 n, moved = 0;

	assert_int_equal(skep_object_open_mem(&obj, elf->s, elf->n, "core", &err), 0);
	n = obj->img->progs[0].nr_cores;
	for (u32 i = 0; i < n; i++)
		moved += obj->img->progs[0].cores[i].target != 0;
	skep_object_close(obj);
	assert_int_equal(moved, n);
	return n;
}

/* What the verifier says quotes the script. */
static void test_lines(void **state)
{
	struct ir_map m = { .name = "m", .type = BPF_MAP_TYPE_HASH, .key_bytes = 8,
			    .value_bytes = 8, .max_entries = 1 };
	struct arena a = ARENA_INIT;
	struct ir_unit u;
	struct ir_func *f;
	struct ir_insn *key;
	struct skep_object *obj;
	struct skep_err err = { 0 };
	struct strbuf elf = { 0 };

	ir_open(&u, &a);
	ir_map_add(&u, &m);
	f = ir_func_new(&u, "main", "socket", 0);
	f->line = ir_line_add(&u, "count.bt", "BEGIN {", 1, 1);
	key = ir_slot(f, 8, 8);
	ir_store(f, 8, key, 0, ir_const(f, 1));
	f->line = ir_line_add(&u, "count.bt", "\t@x[1]++;", 2, 2);
	ir_exit(f, ir_load(f, 8, false, ir_call(f, BPF_FUNC_map_lookup_elem, 2, ir_map(f, 0), key),
			   0));
	compile(&u, &elf);
	assert_int_equal(skep_object_open_mem(&obj, elf.s, elf.n, "lines", &err), 0);
	assert_int_equal(skep_object_load(obj, NULL, &err), -EACCES);
	assert_non_null(strstr(skep_err_text(&err), "count.bt:2:2: error: "));
	assert_non_null(strstr(skep_err_text(&err), "@x[1]++;"));
	skep_object_close(obj);
	ir_close(&u);
	sb_free(&elf);
	arena_free(&a);
}

static void test_kernel(void **state)
{
	if (!have_kernel() || access("/sys/kernel/btf/vmlinux", R_OK))
		skip();
	for (u32 k = 0; k < 4; k++) {
		struct arena a = ARENA_INIT;
		struct ir_unit u;
		struct strbuf elf = { 0 };

		ir_open(&u, &a);
		u.optimise = k % 2;
		(k < 2 ? build_core : build_kfunc)(&u);
		compile(&u, &elf);
		assert_int_equal(count_cores(&elf), k < 2 ? 2 : 0);
		run(&elf, SKEP_KERNEL, k < 2 ? "core" : "kfunc", NULL);
		ir_close(&u);
		sb_free(&elf);
		arena_free(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text), cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_cases), cmocka_unit_test(test_long),
		cmocka_unit_test(test_lines), cmocka_unit_test(test_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
