/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kobject_kernel_test.c: verdicts on random walks through the kernel's structs
 * against the running kernel: arguments of tracepoints are loaded, members of any
 * offset and size, what those point at, with and without tests for NULL, and in
 * the end a helper reads through one. Loads programs, attaches nothing.
 */
#include "kernel_bpf.h"
#include "model/image.h"
#include "verify/verify.h"
#include <linux/btf.h>

enum { WALKS = 12000, STEPS = 5, INSNS = 64, TRACE_PRINTK = 6 };

static u64 rng = 7;

static u32 any(u32 below)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (u32)(rng >> 33) % below;
}

/* ---- programs ------------------------------------------------------------ */

struct walk {
	struct bpf_insn insns[INSNS];
	u32 n;
	u32 tracepoint;		/* the TYPEDEF btf_trace_NAME */
};

static void emit(struct walk *w, u8 op, u8 dst, u8 src, s16 off, s32 imm)
{
	w->insns[w->n++] = (struct bpf_insn){ .code = op, .dst_reg = dst, .src_reg = src,
		.off = off, .imm = imm };
}

static void emit_end(struct walk *w)
{
	emit(w, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
	emit(w, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* The end follows behind the branch, so that code stays reachable. */
static void emit_null_test(struct walk *w, u8 reg)
{
	emit(w, BPF_JMP | BPF_JNE | BPF_K, reg, 0, 2, 0);
	emit_end(w);
}

static void emit_load(struct walk *w, u8 dst, u8 src)
{
	static const u8 sizes[] = { BPF_DW, BPF_DW, BPF_DW, BPF_W, BPF_H, BPF_B };
	u32 off = any(5) ? any(any(2) ? 24 : 96) * 8 : any(any(2) ? 600 : 6000);

	emit(w, BPF_LDX | BPF_MEM | sizes[off % 4 ? 4 + any(2) : off % 8 ? 3 + any(3) : any(6)],
	     dst, src, (s16)off, 0);
}

static void emit_print(struct walk *w, u8 reg)
{
	emit(w, BPF_ALU64 | BPF_MOV | BPF_X, 1, reg, 0, 0);
	if (any(2))
		emit(w, BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, (s32)any(64) * 8);
	emit(w, BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, (s32)(1 + any(16)));
	emit(w, BPF_JMP | BPF_CALL, 0, 0, 0, TRACE_PRINTK);
}

static void make(struct walk *w)
{
	u32 steps = 1 + any(STEPS);

	w->n = 0;
	emit(w, BPF_LDX | BPF_MEM | BPF_DW, 6, 1, (s16)(any(any(3) ? 1 : 4) * 8), 0);
	for (u32 i = 0; i < steps; i++) {
		if (!any(4))
			emit_null_test(w, 6);
		if (!any(12))
			emit(w, BPF_ALU64 | BPF_ADD | BPF_K, 6, 0, 0, (s32)any(200) - 20);
		emit_load(w, any(2) ? 6 : 7, 6);
	}
	if (!any(5))
		emit_print(w, 6);
	emit_end(w);
}

/* ---- the kernel's verdict and ours ---------------------------------------- */

static bool theirs(const struct walk *w)
{
	union bpf_attr a = {
		.prog_type = BPF_PROG_TYPE_TRACING, .expected_attach_type = BPF_TRACE_RAW_TP,
		.insns = (uintptr_t)w->insns, .insn_cnt = w->n, .license = (uintptr_t)"GPL",
		.attach_btf_id = w->tracepoint,
	};
	int fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &a, sizeof(a));

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static enum verdict ours(const struct walk *w, const struct btf *btf, char *why, size_t size)
{
	static const struct image_func whole = { .name = "walk" };
	struct image_prog p = { .name = "walk", .section = "tp_btf", .type = BPF_PROG_TYPE_TRACING,
		.expected_attach = BPF_TRACE_RAW_TP, .insns = w->insns, .nr_insns = w->n,
		.target = btf_type_name(btf, w->tracepoint) + strlen("btf_trace_"),
		.funcs = &whole, .nr_funcs = 1 };
	struct image img = { .file = "walk", .license = "GPL", .progs = &p, .nr_progs = 1 };
	struct verify_opts opts = { .caps = VERIFY_CAP_ALL, .vmlinux = btf };
	struct arena arena = ARENA_INIT;
	struct verify_result r;
	struct skep_err err;

	assert_int_equal(verify_prog(&r, &arena, &img, &p, &opts, &err), 0);
	snprintf(why, size, "%s", r.nr_errors ? r.errors[0].kernel :
		 r.construct ? r.construct : "");
	arena_free(&arena);
	return r.verdict;
}

static void show(const struct walk *w)
{
	for (u32 i = 0; i < w->n; i++)
		print_message("  %2u: op %02x dst %u src %u off %d imm %d\n", i,
			      w->insns[i].code, w->insns[i].dst_reg, w->insns[i].src_reg,
			      w->insns[i].off, w->insns[i].imm);
}

/* ---- the test ------------------------------------------------------------- */

enum { TRACEPOINTS_MAX = 4096 };

static u32 find_tracepoints(const struct btf *btf, u32 *ids)
{
	u32 n = 0;

	for (u32 id = 1; id < btf->nr_types && n < TRACEPOINTS_MAX; id++)
		if (btf_kind(btf_type(btf, id)) == BTF_KIND_TYPEDEF &&
		    !strncmp(btf_type_name(btf, id), "btf_trace_", 10))
			ids[n++] = id;
	return n;
}

static void test_walks(void **state)
{
	static u32 ids[TRACEPOINTS_MAX];
	u32 n, accepted = 0, differ = 0;
	struct btf_file f;
	char why[256];

	(void)state;
	need_kernel();
	if (btf_open_file(&f, "/sys/kernel/btf/vmlinux", NULL, NULL))
		skip();
	btf_index(f.btf, &f.arena);
	n = find_tracepoints(f.btf, ids);
	for (u32 i = 0; i < WALKS && n; i++) {
		struct walk w = { .tracepoint = ids[any(n)] };
		bool good;
		enum verdict v;

		make(&w);
		good = theirs(&w);
		v = ours(&w, f.btf, why, sizeof(why));
		accepted += good;
		if (v == (good ? VERDICT_OK : VERDICT_REJECTED))
			continue;
		differ++;
		print_message("%s: the kernel says %s, we say %s %s\n",
			      btf_type_name(f.btf, w.tracepoint), good ? "ok" : "rejected",
			      verdict_word(v), why);
		show(&w);
	}
	btf_close_file(&f);
	print_message("%u walks, %u accepted by the kernel\n", WALKS, accepted);
	assert_int_equal(differ, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_walks) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
