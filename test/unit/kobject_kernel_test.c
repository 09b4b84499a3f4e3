/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kobject_kernel_test.c: verdicts on random walks through the kernel's structs
 * against the running kernel: arguments of tracepoints are loaded, members of any
 * offset and size, what those point at, with and without tests for NULL, and in
 * the end a helper reads through one. And on random programs that acquire and
 * release tasks, in read sections and outside. Loads programs, attaches nothing.
 */
#include "kernel_bpf.h"
#include "model/image.h"
#include "verify/verify.h"
#include <linux/btf.h>

enum { WALKS = 12000, STEPS = 5, INSNS = 256, TRACE_PRINTK = 6 };

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

static enum verdict judge(const struct image *img, struct image_prog *p, const struct btf *btf,
			  char *why, size_t size)
{
	static const struct image_func whole = { .name = "whole" };
	struct verify_opts opts = { .caps = VERIFY_CAP_ALL, .vmlinux = btf };
	struct arena arena = ARENA_INIT;
	struct verify_result r;
	struct skep_err err;

	p->funcs = &whole;
	p->nr_funcs = 1;
	assert_int_equal(verify_prog(&r, &arena, img, p, &opts, &err), 0);
	snprintf(why, size, "%s", r.nr_errors ? r.errors[0].kernel :
		 r.construct ? r.construct : "");
	arena_free(&arena);
	return r.verdict;
}

static enum verdict ours(const struct walk *w, const struct btf *btf, char *why, size_t size)
{
	struct image_prog p = { .name = "walk", .section = "tp_btf", .type = BPF_PROG_TYPE_TRACING,
		.expected_attach = BPF_TRACE_RAW_TP, .insns = w->insns, .nr_insns = w->n,
		.target = btf_type_name(btf, w->tracepoint) + strlen("btf_trace_") };
	struct image img = { .file = "walk", .license = "GPL", .progs = &p, .nr_progs = 1 };

	return judge(&img, &p, btf, why, size);
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

/* ---- tasks ------------------------------------------------------------------ */

enum task_func { ACQUIRE, RELEASE, LOCK, UNLOCK, TASK_FUNCS };

static const char *const task_funcs[TASK_FUNCS] = {
	"bpf_task_acquire", "bpf_task_release", "bpf_rcu_read_lock", "bpf_rcu_read_unlock",
};

enum { MEMBERS_MAX = 64, DEPTH = 3, GET_CURRENT = 158, TASK_PROGRAMS = 6000 };

struct tasks {
	u32 ids[TASK_FUNCS];
	u32 members[MEMBERS_MAX], nr;	/* offsets of pointers to tasks */
	bool sleeps, locked;		/* of the program at hand */
};

static void kcall(struct walk *w, enum task_func f)
{
	emit(w, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, (s32)f);
}

/* One of r6..r9, which hold tasks or 0. */
static u8 some(void) { return (u8)(6 + any(4)); }

static void load_task(struct walk *w, const struct tasks *t, u8 dst, u8 src)
{
	emit(w, BPF_LDX | BPF_MEM | BPF_DW, dst, src, (s16)t->members[any(t->nr)], 0);
}

static void section(struct walk *w, struct tasks *t)
{
	t->locked = any(12) ? !t->locked : t->locked;
	kcall(w, t->locked ? LOCK : UNLOCK);
}

static void block(struct walk *w, struct tasks *t, u32 depth);

/* A task is acquired, and released behind what happens meanwhile. */
static void acquired(struct walk *w, struct tasks *t, u32 depth)
{
	u8 reg = some();
	u32 jump;
	bool locked = t->locked;

	emit(w, BPF_ALU64 | BPF_MOV | BPF_X, 1, some(), 0, 0);
	if (any(3)) {
		emit(w, BPF_JMP | BPF_JNE, 1, 0, 2, 0);
		emit_end(w);
	}
	kcall(w, ACQUIRE);
	emit(w, BPF_ALU64 | BPF_MOV | BPF_X, reg, 0, 0, 0);
	jump = w->n;
	emit(w, BPF_JMP | BPF_JEQ, reg, 0, 0, 0);
	if (depth < DEPTH && any(2))
		block(w, t, depth + 1);
	emit(w, BPF_ALU64 | BPF_MOV | BPF_X, 1, any(10) ? reg : some(), 0, 0);
	if (any(15))
		kcall(w, RELEASE);
	emit(w, BPF_ALU64 | BPF_MOV, reg, 0, 0, 0);
	if (t->locked != locked)
		section(w, t);
	w->insns[jump].off = (s16)(w->n - jump - 1);
}

static void block(struct walk *w, struct tasks *t, u32 depth)
{
	u32 steps = 1 + any(4);

	while (steps-- && w->n < INSNS - 40)
		switch (any(6)) {
		case 0: acquired(w, t, depth); break;
		case 1: case 2: {
			u8 src = some();

			emit(w, BPF_JMP | BPF_JEQ, src, 0, 1, 0);
			load_task(w, t, some(), src);
			break;
		}
		case 3: load_task(w, t, some(), some()); break;
		case 4: section(w, t); break;
		default:
			emit(w, BPF_JMP | BPF_CALL, 0, 0, 0, GET_CURRENT);
			emit(w, BPF_ALU64 | BPF_MOV | BPF_X, some(), 0, 0, 0);
		}
}

static void make_tasks(struct walk *w, struct tasks *t)
{
	w->n = 0;
	t->locked = false;
	t->sleeps = any(2);
	emit(w, BPF_JMP | BPF_CALL, 0, 0, 0, GET_CURRENT);
	for (u8 r = 6; r <= 9; r++)
		emit(w, BPF_ALU64 | BPF_MOV | BPF_X, r, 0, 0, 0);
	block(w, t, 0);
	if (t->locked)
		kcall(w, UNLOCK);
	emit_end(w);
}

static u32 task_type(const struct tasks *t)
{
	return t->sleeps ? BPF_PROG_TYPE_SYSCALL : BPF_PROG_TYPE_TRACEPOINT;
}

static bool tasks_theirs(const struct walk *w, const struct tasks *t)
{
	struct bpf_insn insns[INSNS];
	union bpf_attr a = {
		.prog_type = task_type(t), .prog_flags = t->sleeps ? 16 : 0,
		.insns = (uintptr_t)insns, .insn_cnt = w->n, .license = (uintptr_t)"GPL",
	};
	int fd;

	memcpy(insns, w->insns, w->n * sizeof(*insns));
	for (u32 i = 0; i < w->n; i++)
		if (insns[i].code == (BPF_JMP | BPF_CALL) &&
		    insns[i].src_reg == BPF_PSEUDO_KFUNC_CALL)
			insns[i].imm = (s32)t->ids[insns[i].imm];
	fd = sys_bpf(BPF_PROG_LOAD, &a);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static enum verdict tasks_ours(const struct walk *w, const struct tasks *t,
			       const struct btf *btf, char *why, size_t size)
{
	struct image_extern externs[TASK_FUNCS] = { 0 };
	struct image_prog p = { .name = "tasks", .section = "", .type = task_type(t),
		.target = "", .insns = w->insns, .nr_insns = w->n };
	struct image img = { .file = "tasks", .license = "GPL", .progs = &p, .nr_progs = 1,
		.externs = externs, .nr_externs = TASK_FUNCS };

	for (u32 i = 0; i < TASK_FUNCS; i++)
		externs[i] = (struct image_extern){ .name = task_funcs[i], .kind = IMAGE_KFUNC };
	return judge(&img, &p, btf, why, size);
}

static void find_tasks(struct tasks *t, const struct btf *btf)
{
	u32 id = btf_find(btf, "task_struct", BTF_KIND_STRUCT);

	for (u32 i = 0; i < TASK_FUNCS; i++)
		t->ids[i] = btf_find(btf, task_funcs[i], BTF_KIND_FUNC);
	for (u32 i = 0; i < btf_vlen(btf_type(btf, id)) && t->nr < MEMBERS_MAX; i++) {
		struct btf_member_info m = btf_member(btf, btf_type(btf, id), i);
		const struct btf_type *p = btf_type(btf, btf_skip_mods(btf, m.type_id));

		if (btf_kind(p) == BTF_KIND_PTR && btf_skip_mods(btf, p->type) == id)
			t->members[t->nr++] = m.bit_off / 8;
	}
}

static void test_tasks(void **state)
{
	struct tasks t = { 0 };
	struct btf_file f;
	u32 accepted = 0, differ = 0;
	char why[256];

	(void)state;
	need_kernel();
	if (btf_open_file(&f, "/sys/kernel/btf/vmlinux", NULL, NULL))
		skip();
	btf_index(f.btf, &f.arena);
	find_tasks(&t, f.btf);
	if (!t.nr || !t.ids[ACQUIRE])
		skip();
	for (u32 i = 0; i < TASK_PROGRAMS; i++) {
		struct walk w;
		bool good;
		enum verdict v;

		make_tasks(&w, &t);
		good = tasks_theirs(&w, &t);
		v = tasks_ours(&w, &t, f.btf, why, sizeof(why));
		accepted += good;
		if (v == (good ? VERDICT_OK : VERDICT_REJECTED))
			continue;
		differ++;
		print_message("program %u: the kernel says %s, we say %s %s\n", i,
			      good ? "ok" : "rejected", verdict_word(v), why);
		show(&w);
	}
	btf_close_file(&f);
	print_message("%u programs, %u accepted by the kernel\n", TASK_PROGRAMS, accepted);
	assert_int_equal(differ, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walks), cmocka_unit_test(test_tasks)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
