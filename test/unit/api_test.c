/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * api_test.c: the public interface and nothing else: programs as arrays,
 * their maps, every kind of error, and that the headers are C++ as well.
 */
#include "api_insns.h"

/* ---- helpers ------------------------------------------------------------- */

static struct skep_object *load_unverified(const struct bpf_insn *insns, size_t n,
					   const struct skep_map_def *maps, size_t nr_maps)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .unverified = 1 };
	struct skep_object *obj = open_insns(insns, n, maps, nr_maps);
	struct skep_err err;

	if (skep_object_load(obj, &opts, &err))
		fail_msg("%s", skep_err_text(&err));
	return obj;
}

/* The error of taking a program in must have ID and contain TEXT. */
static void refused(const struct bpf_insn *insns, size_t n, int ret, const char *text)
{
	struct skep_object *obj = NULL;
	struct skep_err err;

	assert_int_equal(skep_object_from_insns(&obj, BPF_PROG_TYPE_XDP, "test", insns, n,
						NULL, 0, "GPL", &err), ret);
	if (!strstr(skep_err_text(&err), text))
		fail_msg("'%s' is not in: %s", text, skep_err_text(&err));
	assert_null(obj);
}

/* The error of running a program must contain both texts. */
static void faults(const struct bpf_insn *insns, size_t n, uint64_t budget, int ret,
		   const char *text, const char *text2)
{
	struct skep_object *obj = load_unverified(insns, n, &counters, 1);
	struct skep_run run = { .size = sizeof(run), .data = "packet",
		.data_bytes = 6, .budget = budget };
	struct skep_err err;

	assert_int_equal(skep_prog_run(skep_object_prog(obj, "test"), &run, &err), ret);
	if (!strstr(skep_err_text(&err), text) || !strstr(skep_err_text(&err), text2))
		fail_msg("'%s', '%s' are not in: %s", text, text2, skep_err_text(&err));
	/* without a place for the error it is the same */
	assert_int_equal(skep_prog_run(skep_object_prog(obj, "test"), &run, NULL), ret);
	skep_object_close(obj);
}

/* ---- programs -------------------------------------------------------------- */

static void runs_an_array(void **state)
{
	struct skep_object *obj = load_insns(pass, LEN(pass), NULL, 0);
	struct skep_prog *prog = skep_object_prog(obj, "test");
	struct skep_run run = { .size = sizeof(run), .data = "packet", .data_bytes = 6 };
	struct skep_err err;

	assert_non_null(prog);
	assert_string_equal(skep_prog_name(prog), "test");
	assert_int_equal(skep_prog_type(prog), BPF_PROG_TYPE_XDP);
	assert_int_equal(skep_prog_run(prog, &run, &err), 0);
	assert_int_equal(run.retval, 2);
	assert_int_equal(run.insns, 0);
	assert_int_equal(skep_prog_verdict(prog), SKEP_VERIFIED);
	assert_string_equal(skep_prog_note(prog), "");
	assert_int_equal(run.data_out_bytes, 6);
	assert_memory_equal(run.data_out, "packet", 6);
	assert_int_equal(run.redirect_ifindex, 0);
	assert_ptr_equal(skep_object_next_prog(obj, NULL), prog);
	assert_null(skep_object_next_prog(obj, prog));
	assert_null(skep_object_prog(obj, "other"));
	skep_object_close(obj);
	skep_object_close(NULL);
}

static void array_is_copied(void **state)
{
	struct bpf_insn insns[] = { BPF_MOV64_IMM(BPF_REG_0, 5), BPF_EXIT_INSN() };
	struct skep_object *obj = open_insns(insns, LEN(insns), NULL, 0);
	struct skep_run run = { .size = sizeof(run) };
	struct skep_err err;

	memset(insns, 0xff, sizeof(insns));
	assert_int_equal(skep_object_load(obj, NULL, &err), 0);
	assert_int_equal(skep_prog_run(skep_object_prog(obj, "test"), &run, &err), 0);
	assert_int_equal(run.retval, 5);
	skep_object_close(obj);
}

/* Every macro of skep/insn.h in one program. */
static void every_macro(void **state)
{
	const struct bpf_insn insns[] = {
		BPF_MOV64_REG(BPF_REG_6, BPF_REG_1),
		BPF_LDX_MEM(BPF_W, BPF_REG_7, BPF_REG_1, 0),		/* data */
		BPF_LD_IMM64(BPF_REG_0, 0x100000002),
		BPF_ALU64_IMM(BPF_ADD, BPF_REG_0, 3),			/* 0x100000005 */
		BPF_MOV32_IMM(BPF_REG_2, -1),
		BPF_ALU64_REG(BPF_AND, BPF_REG_0, BPF_REG_2),		/* 5 */
		BPF_MOV32_REG(BPF_REG_3, BPF_REG_0),
		BPF_ALU32_IMM(BPF_LSH, BPF_REG_3, 4),			/* 0x50 */
		BPF_ALU32_REG(BPF_OR, BPF_REG_0, BPF_REG_3),		/* 0x55 */
		BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_0, -8),
		BPF_ST_MEM(BPF_B, BPF_REG_10, -7, 0x12),		/* 0x1255 */
		BPF_MOV64_IMM(BPF_REG_4, 1),
		BPF_ATOMIC_OP(BPF_DW, BPF_ADD, BPF_REG_10, BPF_REG_4, -8), /* 0x1256 */
		BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_10, -8),
		BPF_ENDIAN(BPF_TO_BE, BPF_REG_0, 16),			/* 0x5612 */
		BPF_JMP_IMM(BPF_JEQ, BPF_REG_4, 1, 1),
		BPF_MOV64_IMM(BPF_REG_0, 0),
		BPF_JMP_REG(BPF_JNE, BPF_REG_4, BPF_REG_6, 1),
		BPF_MOV64_IMM(BPF_REG_0, 0),
		BPF_JMP32_IMM(BPF_JLT, BPF_REG_4, 2, 1),
		BPF_MOV64_IMM(BPF_REG_0, 0),
		BPF_JMP32_REG(BPF_JGE, BPF_REG_4, BPF_REG_4, 1),
		BPF_MOV64_IMM(BPF_REG_0, 0),
		BPF_STX_MEM(BPF_H, BPF_REG_7, BPF_REG_0, 0),
		BPF_CALL_REL(2),
		BPF_JMP_A(0),
		BPF_EXIT_INSN(),
		BPF_MOV64_IMM(BPF_REG_0, 77),
		BPF_EXIT_INSN(),
	};
	struct skep_object *obj = load_unverified(insns, LEN(insns), NULL, 0);
	struct skep_run run = { .size = sizeof(run), .data = "packet", .data_bytes = 6 };
	struct skep_err err;

	if (skep_prog_run(skep_object_prog(obj, "test"), &run, &err))
		fail_msg("%s", skep_err_text(&err));
	assert_int_equal(run.retval, 77);
	assert_memory_equal(run.data_out, "\x12Vcket", 6);
	skep_object_close(obj);
}

static void repeats(void **state)
{
	struct skep_object *obj = load_insns(pass, LEN(pass), NULL, 0);
	struct skep_run run = { .size = sizeof(run), .repeat = 1000 };
	struct skep_err err;

	assert_int_equal(skep_prog_run(skep_object_prog(obj, "test"), &run, &err), 0);
	assert_int_equal(run.retval, 2);
	assert_true(run.duration_ns > 0);
	skep_object_close(obj);
}

/* A context given and taken back, as BPF_PROG_TEST_RUN has it. */
static void skb_context(void **state)
{
	const struct bpf_insn insns[] = {
		BPF_LDX_MEM(BPF_W, BPF_REG_0, BPF_REG_1, offsetof(struct __sk_buff, mark)),
		BPF_ALU64_IMM(BPF_ADD, BPF_REG_0, 1),
		BPF_STX_MEM(BPF_W, BPF_REG_1, BPF_REG_0, offsetof(struct __sk_buff, mark)),
		BPF_EXIT_INSN(),
	};
	struct __sk_buff in = { .mark = 41, .priority = 7 }, out;
	struct skep_run run = { .size = sizeof(run), .data = "an Ethernet frame",
		.data_bytes = 17, .ctx_in = &in, .ctx_in_bytes = sizeof(in) };
	struct skep_object *obj;
	struct skep_err err;

	assert_int_equal(skep_object_from_insns(&obj, BPF_PROG_TYPE_SCHED_CLS, "test", insns,
						LEN(insns), NULL, 0, "GPL", &err), 0);
	assert_int_equal(skep_object_load(obj, NULL, &err), 0);
	assert_int_equal(skep_prog_run(skep_object_prog(obj, "test"), &run, &err), 0);
	assert_int_equal(run.retval, 42);
	assert_int_equal(run.ctx_out_bytes, sizeof(out));
	memcpy(&out, run.ctx_out, sizeof(out));
	assert_int_equal(out.mark, 42);
	assert_int_equal(out.priority, 7);
	assert_int_equal(out.wire_len, 17);
	in.hash = 1;
	assert_true(skep_prog_run(skep_object_prog(obj, "test"), &run, &err) < 0);
	run.data_bytes = 13;
	assert_true(skep_prog_run(skep_object_prog(obj, "test"), &run, &err) < 0);
	assert_non_null(strstr(skep_err_text(&err), "13 bytes"));
	skep_object_close(obj);
}

/* The metadata stands before the packet. */
static void xdp_context(void **state)
{
	const struct bpf_insn insns[] = {
		BPF_LDX_MEM(BPF_W, BPF_REG_2, BPF_REG_1, offsetof(struct xdp_md, data_meta)),
		BPF_LDX_MEM(BPF_W, BPF_REG_0, BPF_REG_2, 0),
		BPF_LDX_MEM(BPF_W, BPF_REG_3, BPF_REG_1,
			    offsetof(struct xdp_md, ingress_ifindex)),
		BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_3),
		BPF_EXIT_INSN(),
	};
	struct xdp_md in = { .data = 4, .data_end = 18, .ingress_ifindex = 5 };
	struct skep_run run = { .size = sizeof(run), .data = "\1\0\0\0packet of 14 b",
		.data_bytes = 18, .ctx_in = &in, .ctx_in_bytes = sizeof(in) };
	struct skep_object *obj = load_unverified(insns, LEN(insns), NULL, 0);
	struct skep_err err;

	if (skep_prog_run(skep_object_prog(obj, "test"), &run, &err))
		fail_msg("%s", skep_err_text(&err));
	assert_int_equal(run.retval, 6);
	in.data = 3;
	assert_true(skep_prog_run(skep_object_prog(obj, "test"), &run, &err) < 0);
	run.size--;
	assert_true(skep_prog_run(skep_object_prog(obj, "test"), &run, &err) < 0);
	assert_non_null(strstr(skep_err_text(&err), "struct skep_run has size"));
	skep_object_close(obj);
}

static void needs_loading(void **state)
{
	struct skep_object *obj = open_insns(pass, LEN(pass), &counters, 1);
	struct skep_run run = { .size = sizeof(run) };
	uint32_t key = 0;
	uint64_t value = 0;
	struct skep_err err;

	assert_true(skep_prog_run(skep_object_prog(obj, "test"), &run, &err) < 0);
	assert_non_null(strstr(skep_err_text(&err), "is not loaded"));
	assert_int_equal(skep_map_lookup(skep_object_map(obj, "counters"), &key, &value), -EBADF);
	assert_int_equal(skep_object_load(obj, NULL, &err), 0);
	assert_true(skep_object_load(obj, NULL, &err) < 0);
	assert_non_null(strstr(skep_err_text(&err), "loaded already"));
	skep_object_close(obj);
}

static void options_have_a_size(void **state)
{
	struct skep_object *obj = open_insns(pass, LEN(pass), NULL, 0);
	struct skep_load_opts opts = { .cpus = 2 };
	struct skep_err err;

	assert_true(skep_object_load(obj, &opts, &err) < 0);
	assert_non_null(strstr(skep_err_text(&err), "has size 0"));
	opts.size = sizeof(opts) + 8;
	assert_true(skep_object_load(obj, &opts, NULL) < 0);
	opts.size = sizeof(opts);
	assert_int_equal(skep_object_load(obj, &opts, &err), 0);
	skep_object_close(obj);
}

/* ---- errors ----------------------------------------------------------------- */

static void bad_instructions(void **state)
{
	const struct bpf_insn unknown[] = { SKEP_INSN(0xff, 0, 0, 0, 0), BPF_EXIT_INSN() };
	const struct bpf_insn no_register[] = { BPF_MOV64_IMM(12, 0), BPF_EXIT_INSN() };
	const struct bpf_insn reserved[] = { SKEP_INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 1) };
	const struct bpf_insn half[] = { SKEP_INSN(BPF_LD | BPF_DW | BPF_IMM, 0, 0, 0, 1) };
	const struct bpf_insn outside[] = { BPF_JMP_A(5), BPF_EXIT_INSN() };
	const struct bpf_insn before[] = { BPF_JMP_A(-2), BPF_EXIT_INSN() };
	const struct bpf_insn into[] = { BPF_JMP_A(1), BPF_LD_IMM64(0, 1), BPF_EXIT_INSN() };
	const struct bpf_insn call[] = { BPF_CALL_REL(7), BPF_EXIT_INSN() };

	refused(unknown, LEN(unknown), -EINVAL, "test:0");
	refused(no_register, LEN(no_register), -EINVAL, "test:0");
	refused(reserved, LEN(reserved), -EINVAL, "test:0");
	refused(half, LEN(half), -EINVAL, "test:0");
	refused(outside, LEN(outside), -EINVAL, "test:0");
	refused(before, LEN(before), -EINVAL, "test:0");
	refused(into, LEN(into), -EINVAL, "test:0");
	refused(call, LEN(call), -EINVAL, "test:0");
	refused(pass, 0, -EINVAL, "");
}

static void bad_runs(void **state)
{
	const struct bpf_insn null[] = {
		BPF_MOV64_IMM(BPF_REG_1, 0), BPF_LDX_MEM(BPF_W, BPF_REG_0, BPF_REG_1, 8),
		BPF_EXIT_INSN(),
	};
	const struct bpf_insn packet[] = {
		BPF_LDX_MEM(BPF_W, BPF_REG_2, BPF_REG_1, 0),
		BPF_LDX_MEM(BPF_H, BPF_REG_0, BPF_REG_2, 12), BPF_EXIT_INSN(),
	};
	const struct bpf_insn loop[] = { BPF_JMP_A(-1) };
	const struct bpf_insn helper[] = { BPF_EMIT_CALL(99999), BPF_EXIT_INSN() };
	const struct bpf_insn frames[] = { BPF_CALL_REL(-1), BPF_EXIT_INSN() };
	const struct bpf_insn end[] = { BPF_MOV64_IMM(BPF_REG_0, 0) };
	const struct bpf_insn map[] = {
		SKEP_LD_MAP_VALUE(BPF_REG_1, 0, 8 * 4), BPF_ST_MEM(BPF_B, BPF_REG_1, 0, 1),
		BPF_EXIT_INSN(),
	};

	faults(null, LEN(null), 0, -EFAULT, "a NULL pointer is read", "test:1");
	faults(packet, LEN(packet), 0, -EFAULT,
	       "bytes 12..13 of the packet are read, only 0..5 exist", "test:1");
	faults(loop, LEN(loop), 500, -ELOOP, "500 instructions executed", "test:0");
	faults(helper, LEN(helper), 0, -EOPNOTSUPP, "there is no helper number 99999", "test:0");
	faults(frames, LEN(frames), 0, -E2BIG, "no more than 8 frames", "test:0");
	faults(end, LEN(end), 0, -EFAULT, "past the last instruction", "test");
	faults(map, LEN(map), 0, -EFAULT,
	       "bytes 8..8 of a map value are written, it has 8", "test:2");
}

/* What the verifier refuses is not loaded, and says why in parts. */
static void rejected(void **state)
{
	const struct bpf_insn insns[] = {
		BPF_LDX_MEM(BPF_W, BPF_REG_2, BPF_REG_1, 0),
		BPF_LDX_MEM(BPF_H, BPF_REG_0, BPF_REG_2, 12), BPF_EXIT_INSN(),
	};
	struct skep_object *obj = open_insns(insns, LEN(insns), NULL, 0);
	struct skep_reason why = { .size = sizeof(why) };
	struct skep_run run = { .size = sizeof(run), .data = "packet", .data_bytes = 6 };
	const struct skep_load_opts opts = { .size = sizeof(opts), .unverified = 1 };
	struct skep_err err;

	assert_string_equal(skep_object_reasons(obj), "");
	assert_int_equal(skep_object_load(obj, NULL, &err), -EACCES);
	assert_int_equal(err.id, 201);
	assert_int_equal(skep_object_reason(obj, 0, &why), 0);
	assert_int_equal(why.id, 201);
	assert_int_equal(why.insn, 1);
	assert_null(why.file);
	assert_string_equal(why.program, "test");
	assert_string_equal(why.kernel,
			    "invalid access to packet, off=12 size=2, R2(id=0,off=12,r=0)");
	assert_string_equal(why.text, skep_err_text(&err));
	assert_string_equal(why.text, skep_object_reasons(obj));
	assert_non_null(strstr(why.text, "help: "));
	assert_int_equal(skep_object_reason(obj, 1, &why), -ENOENT);
	why.size--;
	assert_int_equal(skep_object_reason(obj, 0, &why), -EINVAL);
	assert_int_equal(skep_object_load(obj, NULL, NULL), -EACCES);
	assert_true(skep_prog_run(skep_object_prog(obj, "test"), &run, &err) < 0);
	/* ... unless somebody says so; then it is the run that ends */
	assert_int_equal(skep_object_load(obj, &opts, &err), 0);
	assert_string_equal(skep_object_reasons(obj), "");
	assert_int_equal(skep_prog_verdict(skep_object_prog(obj, "test")), SKEP_UNVERIFIED);
	assert_int_equal(skep_prog_run(skep_object_prog(obj, "test"), &run, &err), -EFAULT);
	skep_object_close(obj);
}

/* A verdict is for the values of read-only variables: nobody changes them then. */
static void frozen_values(void **state)
{
	struct skep_object *obj;
	struct skep_map *map;
	struct skep_err err;
	uint32_t zero = 0;
	uint8_t *value;

	assert_int_equal(skep_object_open(&obj, "examples/firewall/firewall.o", &err), 0);
	assert_int_equal(skep_object_set(obj, "vlan_tags_max", "1", &err), 0);
	assert_int_equal(skep_object_load(obj, NULL, &err), 0);
	map = skep_object_map(obj, ".rodata");
	assert_non_null(map);
	value = calloc(1, skep_map_value_bytes(map));
	assert_non_null(value);
	assert_int_equal(skep_map_lookup(map, &zero, value), 0);
	assert_int_equal(skep_map_update(map, &zero, value, 0), -EPERM);
	assert_int_equal(skep_map_delete(map, &zero), -EPERM);
	assert_true(skep_object_set(obj, "vlan_tags_max", "2", &err) < 0);
	free(value);
	skep_object_close(obj);
}

/* A verified program has no limit but one that is asked for. */
static void budget(void **state)
{
	const struct bpf_insn insns[] = {
		BPF_MOV64_IMM(BPF_REG_0, 10000000), BPF_MOV64_IMM(BPF_REG_1, 0),
		BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, 2), BPF_ALU64_IMM(BPF_SUB, BPF_REG_0, 1),
		BPF_JMP_IMM(BPF_JNE, BPF_REG_0, 0, -3), BPF_EXIT_INSN(),
	};
	struct skep_object *obj = load_insns(insns, LEN(insns), NULL, 0);
	struct skep_prog *prog = skep_object_prog(obj, "test");
	struct skep_run run = { .size = sizeof(run) };
	struct skep_err err;

	assert_int_equal(skep_prog_run(prog, &run, &err), 0);
	run.budget = 1000000;
	assert_int_equal(skep_prog_run(prog, &run, &err), -ELOOP);
	assert_non_null(strstr(skep_err_text(&err), "error: 1000000 instructions"));
	run.budget = 0;
	assert_int_equal(skep_prog_run(prog, &run, &err), 0);
	skep_object_close(obj);
}

static void bad_objects(void **state)
{
	struct skep_object *obj = NULL;
	const struct skep_map_def bad = {
		.name = "bad", .type = BPF_MAP_TYPE_ARRAY, .key_size = 3, .value_size = 8,
		.max_entries = 1,
	};
	struct skep_err err;

	assert_true(skep_object_open(&obj, "/nonexistent/x.o", &err) < 0);
	assert_non_null(strstr(skep_err_text(&err), "/nonexistent/x.o"));
	assert_true(skep_object_open_mem(&obj, "no ELF at all", 13, "mem.o", &err) < 0);
	assert_non_null(strstr(skep_err_text(&err), "mem.o"));
	assert_true(skep_object_open_mem(&obj, "", 0, "mem.o", NULL) < 0);
	obj = open_insns(pass, LEN(pass), &bad, 1);
	assert_true(skep_object_load(obj, NULL, &err) < 0);
	assert_non_null(strstr(skep_err_text(&err), "bad"));
	skep_object_close(obj);
}

static void other_program_type(void **state)
{
	struct skep_object *obj;
	struct skep_err err;

	assert_int_equal(skep_object_from_insns(&obj, BPF_PROG_TYPE_KPROBE, "probe", pass,
						LEN(pass), NULL, 0, "GPL", &err), 0);
	assert_true(skep_object_load(obj, NULL, &err) < 0);
	assert_non_null(strstr(skep_err_text(&err), "cannot run yet"));
	skep_object_close(obj);
}

/* ---- messages ---------------------------------------------------------------- */

static void collect(void *arg, const char *text, size_t n)
{
	snprintf(arg, 64, "%.*s", (int)n, text);
}

static void prints(void **state)
{
	const struct bpf_insn insns[] = {
		BPF_LD_IMM64(BPF_REG_1, 0x6425203d206e),	/* "n = %d" */
		BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_1, -8),
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_10),
		BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, -8),
		BPF_MOV64_IMM(BPF_REG_2, 8),
		BPF_MOV64_IMM(BPF_REG_3, 42),
		BPF_EMIT_CALL(BPF_FUNC_trace_printk),
		BPF_EXIT_INSN(),
	};
	struct skep_object *obj = open_insns(insns, LEN(insns), NULL, 0);
	char text[64] = "";
	const struct skep_load_opts opts = {
		.size = sizeof(opts), .print = collect, .print_arg = text,
	};
	struct skep_run run = { .size = sizeof(run) };
	struct skep_err err;

	assert_int_equal(skep_object_load(obj, &opts, &err), 0);
	if (skep_prog_run(skep_object_prog(obj, "test"), &run, &err))
		fail_msg("%s", skep_err_text(&err));
	assert_string_equal(text, "n = 42\n");
	skep_object_close(obj);
}

/* ---- C++ ----------------------------------------------------------------------- */

static void headers_are_cplusplus(void **state)
{
	FILE *cxx;

	if (system("g++ --version >/dev/null 2>&1")) {
		print_message("# no C++ compiler\n");
		skip();
	}
	cxx = popen("g++ -x c++ -std=c++17 -Wall -Wextra -pedantic -Werror -fsyntax-only "
		    "-Iinclude -", "w");
	assert_non_null(cxx);
	fputs("#include <skep/skep.h>\n#include <skep/err.h>\n"
	      "int main() { skep_err err; skep_object *obj; skep_run run = {};\n"
	      "return skep_object_open(&obj, \"x\", &err) + (int)run.retval; }\n", cxx);
	assert_int_equal(pclose(cxx), 0);
}

static void version(void **state)
{
	int major, minor, patch;

	assert_int_equal(sscanf(skep_version(), "%d.%d.%d", &major, &minor, &patch), 3);
}

/* Why a program that calls helper ID is not loaded, verified or not. */
static void load_refused(int unverified, uint32_t id, const char *license, const char *text)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .unverified = unverified };

	const struct bpf_insn insns[] = {
		BPF_MOV64_IMM(BPF_REG_0, 0), BPF_EMIT_CALL(id), BPF_EXIT_INSN(),
	};
	struct skep_object *obj = NULL;
	struct skep_err err;

	assert_int_equal(skep_object_from_insns(&obj, BPF_PROG_TYPE_XDP, "test", insns,
						LEN(insns), NULL, 0, license, &err), 0);
	assert_int_equal(skep_object_load(obj, &opts, &err) < 0, text != NULL);
	if (text && !strstr(skep_err_text(&err), text))
		fail_msg("'%s' is not in: %s", text, skep_err_text(&err));
	skep_object_close(obj);
}

static void refused_helpers(void **state)
{
	load_refused(1, BPF_FUNC_trace_printk, "BSD", "cannot call GPL-restricted function from "
		     "non-GPL compatible program: bpf_trace_printk#6, license 'BSD'");
	load_refused(1, BPF_FUNC_trace_printk, NULL, "license ''");
	load_refused(1, BPF_FUNC_skb_load_bytes, "GPL", "program of this type cannot use helper "
		     "bpf_skb_load_bytes#26: 'test' is of type xdp");
	load_refused(1, 195896080, "GPL", NULL);	/* where CO-RE found nothing */
	for (int unverified = 0; unverified < 2; unverified++)
		load_refused(unverified, BPF_FUNC_ktime_get_ns, NULL, NULL);
	load_refused(0, BPF_FUNC_trace_printk, "BSD", "SKEP-E0353");
	load_refused(0, BPF_FUNC_skb_load_bytes, "GPL", "bpf_skb_load_bytes");
	load_refused(0, 195896080, "GPL", "195896080");
}

/* A program that reads 8 bytes at an address of this process, and its clock. */
static void probe_and_clock(void **state)
{
	static const char secret[8] = "secret!";
	const struct bpf_insn insns[] = {
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, -8),
		BPF_MOV64_IMM(BPF_REG_2, 8), BPF_LD_IMM64(BPF_REG_3, (uint64_t)(uintptr_t)secret),
		BPF_EMIT_CALL(BPF_FUNC_probe_read_kernel),
		BPF_MOV64_REG(BPF_REG_6, BPF_REG_0), BPF_EMIT_CALL(BPF_FUNC_ktime_get_ns),
		BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_6), BPF_EXIT_INSN(),
	};
	struct skep_load_opts opts = { .size = sizeof(opts), .clock = SKEP_CLOCK_RUN };
	struct skep_run run = {
		.size = sizeof(run), .data = "packet", .data_bytes = 6, .now_ns = 1000,
	};
	uint32_t waiting = 7;

	for (opts.probe = 0; opts.probe < 2; opts.probe++) {
		struct skep_object *obj = open_insns(insns, LEN(insns), NULL, 0);

		assert_int_equal(skep_object_run_timers(obj, 0, NULL, NULL), -EINVAL);
		assert_int_equal(skep_object_load(obj, &opts, NULL), 0);
		run.now_ns = 1000;
		assert_int_equal(skep_prog_run(skep_object_prog(obj, "test"), &run, NULL), 0);
		assert_int_equal(run.retval, opts.probe ? 1000 : 1000 - EFAULT);
		run.now_ns = 500;	/* the clock does not go back */
		assert_int_equal(skep_object_run_timers(obj, 2000, &waiting, NULL), 0);
		assert_int_equal(waiting, 0);
		assert_int_equal(skep_prog_run(skep_object_prog(obj, "test"), &run, NULL), 0);
		assert_int_equal(run.retval, opts.probe ? 2000 : 2000 - EFAULT);
		skep_object_close(obj);
	}
}

/* ---- sockets --------------------------------------------------------------------- */

/* A socket map of an object, its only socket, and a program that chooses it. */
static void sockets(void **state)
{
	static const char text[] = "tcp LISTEN 0 128 10.0.0.1:80 0.0.0.0:* ino:1 sk:2a <->\n";
	static const struct skep_map_def def = { .name = "socks",
		.type = BPF_MAP_TYPE_SOCKMAP, .key_size = 4, .value_size = 8, .max_entries = 1 };
	const struct bpf_insn insns[] = {
		BPF_MOV64_REG(BPF_REG_6, BPF_REG_1), BPF_ST_MEM(BPF_W, BPF_REG_10, -4, 0),
		BPF_MOV64_REG(BPF_REG_2, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, -4),
		SKEP_LD_MAP(BPF_REG_1, 0), BPF_EMIT_CALL(BPF_FUNC_map_lookup_elem),
		BPF_JMP_IMM(BPF_JEQ, BPF_REG_0, 0, 7), BPF_MOV64_REG(BPF_REG_7, BPF_REG_0),
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_6), BPF_MOV64_REG(BPF_REG_2, BPF_REG_0),
		BPF_MOV64_IMM(BPF_REG_3, 0), BPF_EMIT_CALL(BPF_FUNC_sk_assign),
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_7), BPF_EMIT_CALL(BPF_FUNC_sk_release),
		BPF_MOV64_IMM(BPF_REG_0, 1), BPF_EXIT_INSN(),
	};
	const struct bpf_sk_lookup in = { .family = 2, .protocol = 6, .local_port = 80 };
	struct skep_run run = { .size = sizeof(run), .ctx_in = &in, .ctx_in_bytes = sizeof(in) };
	struct skep_object *obj;
	struct skep_map *map;
	struct skep_err err;
	uint64_t number = 0, cookie = 0;
	uint32_t key = 0;

	assert_int_equal(skep_object_from_insns(&obj, BPF_PROG_TYPE_SK_LOOKUP, "test", insns,
						LEN(insns), &def, 1, "GPL", &err), 0);
	assert_int_equal(skep_object_sockets(obj, text, sizeof(text) - 1, &err), -EINVAL);
	assert_int_equal(skep_object_load(obj, NULL, &err), 0);
	assert_int_equal(skep_object_sockets(obj, "tcp", 3, &err), -EINVAL);
	assert_non_null(strstr(skep_err_text(&err), "sockets:1: error: 1 words"));
	assert_int_equal(skep_object_sockets(obj, text, sizeof(text) - 1, &err), 0);
	assert_int_equal(skep_object_sockets(obj, text, sizeof(text) - 1, &err), -EINVAL);
	map = skep_object_map(obj, "socks");
	assert_int_equal(skep_map_update(map, &key, &number, BPF_ANY), 0);
	assert_int_equal(skep_map_lookup(map, &key, &cookie), 0);
	assert_int_equal(cookie, 0x2a);
	assert_int_equal(skep_prog_run(skep_object_next_prog(obj, NULL), &run, &err), 0);
	assert_int_equal(run.retval, 1);
	assert_int_equal(run.socket_cookie, 0x2a);
	assert_int_equal(((const struct bpf_sk_lookup *)run.ctx_out)->cookie, 0x2a);
	run = (struct skep_run){ .size = sizeof(run) };
	assert_int_equal(skep_prog_run(skep_object_next_prog(obj, NULL), &run, &err), -EINVAL);
	assert_non_null(strstr(skep_err_text(&err), "are not asked about such a packet"));
	skep_object_close(obj);
}

static void describe(char *path)
{
	static const char text[] =
		"[{\"ifindex\":7,\"ifname\":\"e\",\"flags\":[\"UP\"],\"link_type\":\"ether\","
		"\"address\":\"02:00:00:00:00:07\"}]"
		"[{\"dst\":\"10.0.0.0/8\",\"gateway\":\"10.0.0.1\",\"dev\":\"e\"}]"
		"[{\"dst\":\"10.0.0.1\",\"dev\":\"e\",\"lladdr\":\"02:00:00:00:00:01\"}]";
	FILE *f;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	fputs(text, f);
	fclose(f);
}

/* A packet for 10.x.x.x goes to the gateway; for others there is no neighbour. */
static void routes(void **state)
{
	const struct bpf_insn insns[] = {
		BPF_MOV64_IMM(BPF_REG_1, 7), BPF_MOV64_IMM(BPF_REG_2, 0),
		BPF_MOV64_IMM(BPF_REG_3, 0), BPF_MOV64_IMM(BPF_REG_4, 0),
		BPF_EMIT_CALL(BPF_FUNC_redirect_neigh), BPF_EXIT_INSN(),
	};
	static const unsigned char header[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 7, 8, 0 };
	unsigned char packet[34] = { [12] = 8, [14] = 0x45, [30] = 10, [33] = 9 };
	char path[] = "/tmp/skep-routes-XXXXXX";
	struct skep_load_opts opts = { .size = sizeof(opts), .routes = path };
	struct skep_run run = { .size = sizeof(run), .data = packet, .data_bytes = 34 };
	struct skep_object *obj;
	struct skep_err err;

	describe(path);
	assert_int_equal(skep_object_from_insns(&obj, BPF_PROG_TYPE_SCHED_CLS, "test", insns,
						LEN(insns), NULL, 0, "GPL", &err), 0);
	assert_int_equal(skep_object_load(obj, &opts, &err), 0);
	assert_int_equal(skep_prog_run(skep_object_prog(obj, "test"), &run, &err), 0);
	assert_int_equal(run.redirect_ifindex, 7);
	assert_int_equal(run.redirect_flags, 2);
	assert_memory_equal(run.data_out, header, sizeof(header));
	packet[30] = 11;
	assert_int_equal(skep_prog_run(skep_object_prog(obj, "test"), &run, &err), 0);
	assert_int_equal(run.redirect_flags, 2 | SKEP_NO_NEIGHBOUR);
	skep_object_close(obj);
	remove(path);
	assert_int_equal(skep_object_from_insns(&obj, BPF_PROG_TYPE_SCHED_CLS, "test", insns,
						LEN(insns), NULL, 0, "GPL", &err), 0);
	assert_int_equal(skep_object_load(obj, &opts, &err), -ENOENT);
	skep_object_close(obj);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version),
		cmocka_unit_test(runs_an_array),
		cmocka_unit_test(array_is_copied),
		cmocka_unit_test(every_macro),
		cmocka_unit_test(repeats),
		cmocka_unit_test(skb_context),
		cmocka_unit_test(xdp_context),
		cmocka_unit_test(needs_loading),
		cmocka_unit_test(options_have_a_size),
		cmocka_unit_test(bad_instructions),
		cmocka_unit_test(bad_runs),
		cmocka_unit_test(rejected),
		cmocka_unit_test(frozen_values),
		cmocka_unit_test(budget),
		cmocka_unit_test(bad_objects),
		cmocka_unit_test(other_program_type),
		cmocka_unit_test(prints),
		cmocka_unit_test(refused_helpers),
		cmocka_unit_test(probe_and_clock),
		cmocka_unit_test(sockets),
		cmocka_unit_test(routes),
		cmocka_unit_test(headers_are_cplusplus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
