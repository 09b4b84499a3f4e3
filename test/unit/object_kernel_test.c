/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * object_kernel_test.c: verdicts on random programs that make, use, overwrite and
 * give back objects on the stack: dynptrs, iterators, saved interrupt states, with
 * slices that outlive them, packets that move, sections, and branches around all of
 * it; against the running kernel's. Loads programs, attaches nothing.
 */
#include "kernel_bpf.h"
#include "model/image.h"
#include "verify/verify.h"

enum { PROGRAMS = 6000, STEPS = 12, INSNS = 512, PLACES = 4, MAP_MEM = 0, MAP_RING = 1 };

static u64 rng = 3;

static u32 any(u32 below)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (u32)(rng >> 33) % below;
}

/* ---- functions of the kernel ----------------------------------------------- */

enum func {
	FROM_XDP, SLICE, SLICE_RDWR, ADJUST, CLONE, SIZE, IRQ_SAVE, IRQ_RESTORE, RCU_LOCK,
	RCU_UNLOCK, ITER_NEW, ITER_NEXT, ITER_DESTROY, BITS_NEW, BITS_NEXT, BITS_DESTROY,
	TASK_FROM_PID, TASK_RELEASE, FUNCS
};

static const char *const func_names[FUNCS] = {
	"bpf_dynptr_from_xdp", "bpf_dynptr_slice", "bpf_dynptr_slice_rdwr", "bpf_dynptr_adjust",
	"bpf_dynptr_clone", "bpf_dynptr_size", "bpf_local_irq_save", "bpf_local_irq_restore",
	"bpf_rcu_read_lock", "bpf_rcu_read_unlock", "bpf_iter_num_new", "bpf_iter_num_next",
	"bpf_iter_num_destroy", "bpf_iter_bits_new", "bpf_iter_bits_next",
	"bpf_iter_bits_destroy", "bpf_task_from_pid", "bpf_task_release",
};

/* ---- programs ------------------------------------------------------------ */

/* r6 is the context, r7 and r8 what calls gave, r9 a number for branches. */
struct code {
	struct bpf_insn insns[INSNS];
	u32 n;
};

static void emit(struct code *c, u8 op, u8 dst, u8 src, s16 off, s32 imm)
{
	c->insns[c->n++] = (struct bpf_insn){ .code = op, .dst_reg = dst, .src_reg = src,
		.off = off, .imm = imm };
}

static void set(struct code *c, u8 reg, s32 n) { emit(c, BPF_ALU64 | BPF_MOV, reg, 0, 0, n); }
static void copy(struct code *c, u8 to, u8 from)
{
	emit(c, BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
}

static void call(struct code *c, u32 helper)
{
	emit(c, BPF_JMP | BPF_CALL, 0, 0, 0, (s32)helper);
}

static void kcall(struct code *c, enum func f)
{
	emit(c, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, (s32)f);
}

static void map(struct code *c, u8 reg, u8 kind, u32 index)
{
	emit(c, BPF_LD | BPF_DW | BPF_IMM, reg, kind, 0, (s32)index);
	emit(c, 0, 0, 0, 0, 0);
}

/* What the program probably holds at each place: steps are mostly of use then. */
enum holds { NOTHING, MEMORY, PACKET, RECORD, NUMBERS, BITS, IRQ };
static enum holds held[PLACES];
static u32 here = PLACES;	/* the place that the step is about; PLACES: any */

/* The address of one of the places on the stack; rarely beside it. */
static s32 place(void)
{
	if (here < PLACES && any(40))
		return -16 * (s32)(1 + here);
	return -16 * (s32)(1 + any(PLACES)) + (any(25) ? 0 : 8);
}

static void place_at(struct code *c, u8 reg, s32 off)
{
	copy(c, reg, 10);
	emit(c, BPF_ALU64 | BPF_ADD, reg, 0, 0, off);
}

/* What r0 is is kept, mostly after a test for NULL. */
static void keep(struct code *c)
{
	u8 reg = (u8)(7 + any(2));

	if (any(6)) {
		emit(c, BPF_JMP | BPF_JNE, 0, 0, 1, 0);
		set(c, 0, 0);
	}
	copy(c, reg, 0);
	if (any(2))
		return;
	emit(c, BPF_JMP | BPF_JEQ, reg, 0, 1, 0);
	emit(c, any(2) ? BPF_LDX | BPF_MEM | BPF_B : BPF_ALU64 | BPF_MOV | BPF_X, 0, reg, 0, 0);
}

static void use(struct code *c)
{
	u8 reg = (u8)(7 + any(2));

	emit(c, BPF_JMP | BPF_JEQ, reg, 0, 1, 0);
	if (any(3))
		emit(c, BPF_LDX | BPF_MEM | BPF_B, 0, reg, (s16)any(9), 0);
	else
		emit(c, BPF_ST | BPF_MEM | BPF_B, reg, 0, (s16)any(9), 1);
}

static void make_dynptr(struct code *c, u32 how)
{
	s32 at = place();

	if (how == 0) {
		map(c, 1, BPF_PSEUDO_MAP_IDX_VALUE, MAP_MEM);
		set(c, 2, 32);
		set(c, 3, 0);
		place_at(c, 4, at);
		call(c, BPF_FUNC_dynptr_from_mem);
	} else if (how == 1) {
		map(c, 1, BPF_PSEUDO_MAP_IDX, MAP_RING);
		set(c, 2, 32);
		set(c, 3, 0);
		place_at(c, 4, at);
		call(c, BPF_FUNC_ringbuf_reserve_dynptr);
	} else {
		copy(c, 1, 6);
		set(c, 2, 0);
		place_at(c, 3, at);
		kcall(c, FROM_XDP);
	}
}

static void give_back(struct code *c)
{
	place_at(c, 1, place());
	set(c, 2, 0);
	call(c, any(2) ? BPF_FUNC_ringbuf_submit_dynptr : BPF_FUNC_ringbuf_discard_dynptr);
}

static void slice(struct code *c, u32 how)
{
	place_at(c, 1, place());
	set(c, 2, 0);
	set(c, 3, how ? 0 : 8);
	set(c, 4, 8);
	if (how)
		kcall(c, how == 1 ? SLICE : SLICE_RDWR);
	else
		call(c, BPF_FUNC_dynptr_data);
	keep(c);
}

static void with_dynptr(struct code *c, u32 how)
{
	place_at(c, 1, place());
	set(c, 2, any(2));
	set(c, 3, 4);
	if (how == 0)
		kcall(c, SIZE);
	else if (how == 1)
		kcall(c, ADJUST);
	else {
		place_at(c, 2, place());
		kcall(c, CLONE);
	}
}

static void read_write(struct code *c)
{
	bool write = any(2);

	place_at(c, write ? 1 : 3, place());
	set(c, write ? 2 : 4, 0);
	place_at(c, write ? 3 : 1, any(3) ? -96 : place());
	set(c, write ? 4 : 2, 8);
	set(c, 5, 0);
	if (write)
		emit(c, BPF_ST | BPF_MEM | BPF_DW, 10, 0, -96, 0);
	call(c, write ? BPF_FUNC_dynptr_write : BPF_FUNC_dynptr_read);
}

static void iterate(struct code *c, u32 how)
{
	bool bits = any(2);

	place_at(c, 1, place());
	set(c, 2, 0);
	set(c, 3, 3);
	kcall(c, (bits ? BITS_NEW : ITER_NEW) + (enum func)how);
	if (how == 1)
		keep(c);
}

static void task(struct code *c)
{
	if (any(2)) {
		set(c, 1, 1);
		kcall(c, TASK_FROM_PID);
		keep(c);
		return;
	}
	copy(c, 1, (u8)(7 + any(2)));
	emit(c, BPF_JMP | BPF_JEQ, 1, 0, 1, 0);
	kcall(c, TASK_RELEASE);
}

static void wild_step(struct code *c)
{
	u32 jump = c->n;
	bool branch = !any(7);

	if (branch)
		emit(c, BPF_JMP | BPF_JEQ, 9, 0, 0, (s32)any(4));
	switch (any(12)) {
	case 0: make_dynptr(c, 1); break;
	case 1: make_dynptr(c, any(2) ? 0 : 2); break;
	case 2: give_back(c); break;
	case 3: slice(c, any(3)); break;
	case 4: with_dynptr(c, any(3)); break;
	case 5: read_write(c); break;
	case 6: use(c); break;
	case 7: emit(c, BPF_ST | BPF_MEM | BPF_DW, 10, 0, (s16)place(), 0); break;
	case 8: place_at(c, 1, place()); kcall(c, any(2) ? IRQ_SAVE : IRQ_RESTORE); break;
	case 9: iterate(c, any(3)); break;
	case 10: kcall(c, any(2) ? RCU_LOCK : RCU_UNLOCK); break;
	default:
		if (any(2)) {
			task(c);
			break;
		}
		copy(c, 1, 6);
		set(c, 2, 0);
		call(c, BPF_FUNC_xdp_adjust_head);
	}
	if (branch)
		c->insns[jump].off = (s16)(c->n - jump - 1);
}

static void iterator(struct code *c, bool bits, enum func what)
{
	place_at(c, 1, place());
	set(c, 2, 0);
	set(c, 3, 3);
	kcall(c, (bits ? BITS_NEW : ITER_NEW) + what);
	if (what == 1)
		keep(c);
}

static void irq(struct code *c, enum func f)
{
	place_at(c, 1, -16 * (s32)(1 + here));
	kcall(c, f);
}

static enum holds begin(struct code *c)
{
	switch (any(6)) {
	case 0: make_dynptr(c, 0); return MEMORY;
	case 1: make_dynptr(c, 1); return RECORD;
	case 2: make_dynptr(c, 2); return PACKET;
	case 3: iterator(c, false, 0); return NUMBERS;
	case 4: iterator(c, true, 0); return BITS;
	default: irq(c, IRQ_SAVE); return IRQ;
	}
}

static void finish(struct code *c)
{
	switch (held[here]) {
	case RECORD: give_back(c); break;
	case NUMBERS: iterator(c, false, 2); break;
	case BITS: iterator(c, true, 2); break;
	case IRQ: irq(c, IRQ_RESTORE); break;
	default:
		if (any(2))
			emit(c, BPF_ST | BPF_MEM | BPF_DW, 10, 0, (s16)(-16 * (s32)(1 + here)), 0);
	}
	held[here] = NOTHING;
}

static void work(struct code *c)
{
	switch (any(3) ? held[here] : NOTHING) {
	case MEMORY: case PACKET: case RECORD:
		switch (any(3)) {
		case 0: slice(c, held[here] == PACKET ? 1 + any(2) : 0); break;
		case 1: read_write(c); break;
		default: with_dynptr(c, any(2)); break;
		}
		break;
	case NUMBERS: case BITS: iterator(c, held[here] == BITS, 1); break;
	default: use(c);
	}
}

static void step(struct code *c)
{
	here = any(PLACES);
	if (!any(20)) {
		here = PLACES;
		wild_step(c);
	} else if (held[here] == NOTHING) {
		held[here] = begin(c);
	} else if (any(3)) {
		work(c);
	} else {
		finish(c);
	}
}

static void make(struct code *c)
{
	u32 steps = 1 + any(STEPS);

	memset(held, 0, sizeof(held));
	here = PLACES;
	c->n = 0;
	copy(c, 6, 1);
	set(c, 7, 0);
	set(c, 8, 0);
	call(c, BPF_FUNC_get_prandom_u32);
	copy(c, 9, 0);
	while (steps--)
		step(c);
	for (here = 0; here < PLACES; here++)
		if (any(12))
			finish(c);
	here = PLACES;
	set(c, 0, 2);
	emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* ---- the kernel's verdict and ours ---------------------------------------- */

struct world {
	int fds[2];
	u32 ids[FUNCS];		/* in the kernel's types */
	struct btf_file types;
};

static bool theirs(const struct world *w, const struct code *c, char *log, u32 bytes)
{
	struct bpf_insn insns[INSNS];
	union bpf_attr a = {
		.prog_type = BPF_PROG_TYPE_XDP, .insns = (uintptr_t)insns, .insn_cnt = c->n,
		.license = (uintptr_t)"GPL", .fd_array = (uintptr_t)w->fds,
		.log_level = 1, .log_buf = (uintptr_t)log, .log_size = bytes,
	};
	int fd;

	memcpy(insns, c->insns, c->n * sizeof(*insns));
	for (u32 i = 0; i < c->n; i++)
		if (insns[i].code == (BPF_JMP | BPF_CALL) &&
		    insns[i].src_reg == BPF_PSEUDO_KFUNC_CALL)
			insns[i].imm = (s32)w->ids[insns[i].imm];
	log[0] = 0;
	fd = sys_bpf(BPF_PROG_LOAD, &a);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static enum verdict ours(const struct world *w, const struct code *c, char *why, size_t size)
{
	static const struct image_func whole = { .name = "objects" };
	struct image_map maps[] = {
		{ .name = "mem", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 64,
		  .max_entries = 1 },
		{ .name = "ring", .type = BPF_MAP_TYPE_RINGBUF, .max_entries = 4096 },
	};
	struct image_extern externs[FUNCS] = { 0 };
	struct image_prog p = { .name = "objects", .section = "xdp", .type = BPF_PROG_TYPE_XDP,
		.target = "", .insns = c->insns, .nr_insns = c->n, .funcs = &whole,
		.nr_funcs = 1 };
	struct image img = { .file = "objects", .license = "GPL", .progs = &p, .nr_progs = 1,
		.maps = maps, .nr_maps = 2, .externs = externs, .nr_externs = FUNCS };
	struct verify_opts opts = { .caps = VERIFY_CAP_ALL, .vmlinux = w->types.btf };
	struct arena arena = ARENA_INIT;
	struct verify_result r;
	struct skep_err err;

	for (u32 i = 0; i < FUNCS; i++)
		externs[i] = (struct image_extern){ .name = func_names[i], .kind = IMAGE_KFUNC };
	assert_int_equal(verify_prog(&r, &arena, &img, &p, &opts, &err), 0);
	snprintf(why, size, "%s", r.nr_errors ? r.errors[0].kernel :
		 r.construct ? r.construct : "");
	arena_free(&arena);
	return r.verdict;
}

static void show(const struct code *c)
{
	for (u32 i = 0; i < c->n; i++)
		print_message("  %2u: op %02x dst %u src %u off %d imm %d\n", i,
			      c->insns[i].code, c->insns[i].dst_reg, c->insns[i].src_reg,
			      c->insns[i].off, c->insns[i].imm);
}

static bool calls(const struct code *c, u8 src, s32 what)
{
	for (u32 i = 0; i < c->n; i++)
		if (c->insns[i].code == (BPF_JMP | BPF_CALL) && c->insns[i].src_reg == src &&
		    c->insns[i].imm == what)
			return true;
	return false;
}

/* The kernel lets a slice of a record live on when the record is given back. */
static bool is_known(const struct code *c, bool good, const char *why)
{
	return good && strstr(why, "invalid mem access 'scalar'") &&
	       calls(c, 0, BPF_FUNC_ringbuf_reserve_dynptr) &&
	       (calls(c, BPF_PSEUDO_KFUNC_CALL, SLICE) ||
		calls(c, BPF_PSEUDO_KFUNC_CALL, SLICE_RDWR));
}

/* ---- the test ------------------------------------------------------------- */

static void open_world(struct world *w)
{
	struct map_attr mem = { .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 64,
		.max_entries = 1 };
	struct map_attr ring = { .type = BPF_MAP_TYPE_RINGBUF, .max_entries = 4096 };

	if (btf_open_file(&w->types, "/sys/kernel/btf/vmlinux", NULL, NULL))
		skip();
	btf_index(w->types.btf, &w->types.arena);
	for (u32 i = 0; i < FUNCS; i++) {
		w->ids[i] = btf_find(w->types.btf, func_names[i], BTF_KIND_FUNC);
		if (!w->ids[i])
			skip();
	}
	w->fds[MAP_MEM] = kmap_create(&mem);
	w->fds[MAP_RING] = kmap_create(&ring);
	assert_true(w->fds[0] >= 0 && w->fds[1] >= 0);
}

static void close_world(struct world *w)
{
	close(w->fds[0]);
	close(w->fds[1]);
	btf_close_file(&w->types);
}

static void test_objects(void **state)
{
	static char log[1 << 16];
	struct world w;
	u32 accepted = 0, differ = 0;
	char why[256];

	(void)state;
	need_kernel();
	open_world(&w);
	for (u32 i = 0; i < PROGRAMS; i++) {
		struct code c;
		bool good;
		enum verdict v;

		make(&c);
		good = theirs(&w, &c, log, sizeof(log));
		v = ours(&w, &c, why, sizeof(why));
		accepted += good;
		if (v == (good ? VERDICT_OK : VERDICT_REJECTED) || is_known(&c, good, why))
			continue;
		differ++;
		print_message("program %u: the kernel says %s, we say %s %s\n%s", i,
			      good ? "ok" : "rejected", verdict_word(v), why, log);
		show(&c);
	}
	close_world(&w);
	print_message("%u programs, %u accepted by the kernel\n", PROGRAMS, accepted);
	assert_int_equal(differ, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_objects) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
