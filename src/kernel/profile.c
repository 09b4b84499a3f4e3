/* SPDX-License-Identifier: BSD-2-Clause */
/* profile.c: the two programs, their maps, the counters of each cpu. */
#include "kernel/profile.h"
#include "kernel/sys.h"
#include <linux/perf_event.h>
#include <skep/insn.h>
#include <unistd.h>

enum { R0, R1, R2, R3, R4, R6 = 6, R7, R8, R9, R10 };
enum { MAP_EVENTS, MAP_BEFORE, MAP_SUMS, MAP_RUNS, NR_MAPS };
enum { PROG_BEFORE, PROG_BEHIND, NR_PROGS };
enum {
	VALUE = sizeof(struct profile_value),
	KEY = -(PROFILE_MAX + 1) * (int)VALUE,	/* where a key is on the stack */
	BEFORE_NOTHING = 8,	/* enabled: 0 when the program began before we did */
};

struct profile {
	struct backend *b;
	struct image img;
	struct image_map maps[NR_MAPS];
	struct image_prog progs[NR_PROGS];
	struct image_func funcs[NR_PROGS];
	VEC(struct bpf_insn) code[NR_PROGS];
	u32 n, cpus;
	VEC(int) fds;		/* of counters, then of links */
};

/* ---- the programs --------------------------------------------------------------------- */

static void emit(struct profile *p, u32 prog, struct bpf_insn insn)
{
	*vec_push(&p->code[prog]) = insn;
}

static void load_map(struct profile *p, u32 prog, u32 map)
{
	emit(p, prog, SKEP_INSN(BPF_LD | BPF_DW | BPF_IMM, R1, BPF_PSEUDO_MAP_IDX, 0, map));
	emit(p, prog, SKEP_INSN(0, 0, 0, 0, 0));
}

/* Ends the program when r0 is (BPF_JEQ), or is not (BPF_JNE), 0. */
static void end_if(struct profile *p, u32 prog, u32 op)
{
	const u32 other = op == BPF_JEQ ? BPF_JNE : BPF_JEQ;

	emit(p, prog, BPF_JMP_IMM(other, R0, 0, 2));
	emit(p, prog, BPF_MOV64_IMM(R0, 0));
	emit(p, prog, BPF_EXIT_INSN());
}

/* r6 = the cpu */
static void which_cpu(struct profile *p, u32 prog)
{
	emit(p, prog, BPF_EMIT_CALL(BPF_FUNC_get_smp_processor_id));
	emit(p, prog, BPF_MOV64_REG(R6, R0));
}

static s32 stack_of(u32 metric) { return -(s32)(metric + 1) * (s32)VALUE; }

/* Counter METRIC of cpu r6 to its place on the stack. */
static void read_counter(struct profile *p, u32 prog, u32 metric)
{
	emit(p, prog, BPF_MOV64_REG(R2, R6));
	emit(p, prog, BPF_ALU64_IMM(BPF_ADD, R2, metric * p->cpus));
	load_map(p, prog, MAP_EVENTS);
	emit(p, prog, BPF_MOV64_REG(R3, R10));
	emit(p, prog, BPF_ALU64_IMM(BPF_ADD, R3, stack_of(metric)));
	emit(p, prog, BPF_MOV64_IMM(R4, VALUE));
	emit(p, prog, BPF_EMIT_CALL(BPF_FUNC_perf_event_read_value));
	end_if(p, prog, BPF_JNE);
}

/* REG = element KEY of MAP */
static void look_up(struct profile *p, u32 prog, u32 map, u32 key, u32 reg)
{
	emit(p, prog, BPF_ST_MEM(BPF_W, R10, KEY, key));
	emit(p, prog, BPF_MOV64_REG(R2, R10));
	emit(p, prog, BPF_ALU64_IMM(BPF_ADD, R2, KEY));
	load_map(p, prog, map);
	emit(p, prog, BPF_EMIT_CALL(BPF_FUNC_map_lookup_elem));
	end_if(p, prog, BPF_JEQ);
	emit(p, prog, BPF_MOV64_REG(reg, R0));
}

static void finish(struct profile *p, u32 prog)
{
	emit(p, prog, BPF_MOV64_IMM(R0, 0));
	emit(p, prog, BPF_EXIT_INSN());
}

/* Before the program: its maps come first, so that little is between the counters. */
static void make_before(struct profile *p)
{
	which_cpu(p, PROG_BEFORE);
	for (u32 m = 0; m < p->n; m++) {
		read_counter(p, PROG_BEFORE, m);
		look_up(p, PROG_BEFORE, MAP_BEFORE, m, R7);
		for (s32 w = 0; w < (s32)VALUE; w += 8) {
			emit(p, PROG_BEFORE, BPF_LDX_MEM(BPF_DW, R1, R10, stack_of(m) + w));
			emit(p, PROG_BEFORE, BPF_STX_MEM(BPF_DW, R7, R1, w));
		}
	}
	finish(p, PROG_BEFORE);
}

/* r8[w] += what is on the stack - r7[w] */
static void add_up(struct profile *p, u32 metric)
{
	for (s32 w = 0; w < (s32)VALUE; w += 8) {
		emit(p, PROG_BEHIND, BPF_LDX_MEM(BPF_DW, R1, R10, stack_of(metric) + w));
		emit(p, PROG_BEHIND, BPF_LDX_MEM(BPF_DW, R2, R7, w));
		emit(p, PROG_BEHIND, BPF_ALU64_REG(BPF_SUB, R1, R2));
		emit(p, PROG_BEHIND, BPF_LDX_MEM(BPF_DW, R3, R8, w));
		emit(p, PROG_BEHIND, BPF_ALU64_REG(BPF_ADD, R3, R1));
		emit(p, PROG_BEHIND, BPF_STX_MEM(BPF_DW, R8, R3, w));
	}
}

static void make_behind(struct profile *p)
{
	which_cpu(p, PROG_BEHIND);
	for (u32 m = 0; m < p->n; m++)
		read_counter(p, PROG_BEHIND, m);
	for (u32 m = 0; m < p->n; m++) {
		look_up(p, PROG_BEHIND, MAP_BEFORE, m, R7);
		look_up(p, PROG_BEHIND, MAP_SUMS, m, R8);
		emit(p, PROG_BEHIND, BPF_LDX_MEM(BPF_DW, R0, R7, BEFORE_NOTHING));
		end_if(p, PROG_BEHIND, BPF_JEQ);
		add_up(p, m);
	}
	look_up(p, PROG_BEHIND, MAP_RUNS, 0, R7);
	emit(p, PROG_BEHIND, BPF_LDX_MEM(BPF_DW, R1, R7, 0));
	emit(p, PROG_BEHIND, BPF_ALU64_IMM(BPF_ADD, R1, 1));
	emit(p, PROG_BEHIND, BPF_STX_MEM(BPF_DW, R7, R1, 0));
	finish(p, PROG_BEHIND);
}

/* ---- what is loaded --------------------------------------------------------------------- */

static void define_maps(struct profile *p)
{
	const struct image_map maps[NR_MAPS] = {
		{ .name = "events", .type = BPF_MAP_TYPE_PERF_EVENT_ARRAY, .key_size = 4,
		  .value_size = 4, .max_entries = p->n * p->cpus },
		{ .name = "before", .type = BPF_MAP_TYPE_PERCPU_ARRAY, .key_size = 4,
		  .value_size = VALUE, .max_entries = p->n },
		{ .name = "sums", .type = BPF_MAP_TYPE_PERCPU_ARRAY, .key_size = 4,
		  .value_size = VALUE, .max_entries = p->n },
		{ .name = "runs", .type = BPF_MAP_TYPE_PERCPU_ARRAY, .key_size = 4,
		  .value_size = 8, .max_entries = 1 },
	};

	memcpy(p->maps, maps, sizeof(maps));
}

static void define_progs(struct profile *p, u32 id, const char *name)
{
	static const char *const names[NR_PROGS] = { "before", "behind" };
	static const u32 attach[NR_PROGS] = { BPF_TRACE_FENTRY, BPF_TRACE_FEXIT };

	for (u32 i = 0; i < NR_PROGS; i++) {
		p->funcs[i] = (struct image_func){ .name = names[i] };
		p->progs[i] = (struct image_prog){
			.name = names[i], .section = "", .target = name, .of_prog = id,
			.type = BPF_PROG_TYPE_TRACING, .expected_attach = attach[i],
			.autoload = true, .insns = p->code[i].v, .nr_insns = (u32)p->code[i].n,
			.funcs = &p->funcs[i], .nr_funcs = 1,
		};
	}
	p->img = (struct image){ .file = "prog profile", .license = "GPL", .maps = p->maps,
		.nr_maps = NR_MAPS, .progs = p->progs, .nr_progs = NR_PROGS };
}

static int load(struct profile *p, struct skep_err *err)
{
	static const u32 numbers[NR_MAPS] = { MAP_EVENTS, MAP_BEFORE, MAP_SUMS, MAP_RUNS };
	int r = 0;

	for (u32 i = 0; !r && i < NR_MAPS; i++)
		r = p->b->ops->map_create(p->b, &p->maps[i], err);
	for (u32 i = 0; !r && i < NR_PROGS; i++)
		r = p->b->ops->prog_load(p->b, &p->img, i, numbers, NULL, err);
	return r;
}

/* ---- counters ---------------------------------------------------------------------------- */

/* Counter M on CPU, into the map: cpus that are off have none. */
static int open_counter(struct profile *p, const struct profile_metric *m, u32 number, u32 cpu,
			struct skep_err *err)
{
	struct perf_event_attr a = { .size = sizeof(a), .type = m->type, .config = m->config,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING };
	int fd = sys_perf_open(&a, -1, (s32)cpu);
	u32 key = number * p->cpus + cpu;
	int r;

	if (fd == -ENODEV)
		return 0;
	if (fd < 0)
		return err_set(err, ERR_COUNTERS, NULL, "this machine does not count %s on cpu "
			       "%u: %s", m->name, cpu, strerror(-fd));
	*vec_push(&p->fds) = fd;
	r = kernel_map_update(p->b, MAP_EVENTS, &key, &fd, BPF_ANY);
	return r ? err_set(err, ERR_COUNTERS, NULL, "the kernel does not take the counter of %s: "
			   "%s", m->name, strerror(-r)) : 0;
}

static int open_counters(struct profile *p, const struct profile_metric *m, struct skep_err *err)
{
	int r = 0;

	for (u32 i = 0; !r && i < p->n; i++)
		for (u32 cpu = 0; !r && cpu < p->cpus; cpu++)
			r = open_counter(p, &m[i], i, cpu, err);
	if (!r && !p->fds.n)
		r = err_set(err, ERR_COUNTERS, NULL, "no cpu of this machine counts");
	return r;
}

/* The first of the two first: then each end that is seen has a beginning. */
static int attach(struct profile *p, struct skep_err *err)
{
	for (u32 i = 0; i < NR_PROGS; i++) {
		union bpf_attr a = { .raw_tracepoint = {
			.prog_fd = (u32)kernel_of(p->b)->progs.v[i].fd } };
		int fd = sys_bpf(BPF_RAW_TRACEPOINT_OPEN, &a);

		if (fd < 0)
			return err_set(err, ERR_ATTACH, NULL, "nothing can be attached to the "
				       "program: %s", sys_error(fd));
		*vec_push(&p->fds) = fd;
	}
	return 0;
}

/* ---- all --------------------------------------------------------------------------------- */

int profile_open(struct profile **out, u32 id, const char *name, const struct profile_metric *m,
		 u32 n, struct skep_err *err)
{
	struct profile *p = mem_alloc(sizeof(*p));
	int r = kernel_open(&p->b, NULL, err);

	p->n = n;
	if (!r) {
		p->cpus = kernel_of(p->b)->cpus;
		make_before(p);
		make_behind(p);
		define_maps(p);
		define_progs(p, id, name);
		r = load(p, err);
	}
	if (!r)
		r = open_counters(p, m, err);
	if (!r)
		r = attach(p, err);
	if (r) {
		profile_close(p);
		p = NULL;
	}
	*out = p;
	return r;
}

/* Element KEY of per-cpu MAP, of 8-byte words, added up. */
static int sum_of(struct profile *p, u32 map, u32 key, u64 *words, u32 n)
{
	u64 *all = mem_alloc((size_t)p->cpus * n * sizeof(*all));
	int r = kernel_map_lookup(p->b, map, &key, all, 0);

	memset(words, 0, n * sizeof(*words));
	for (u32 i = 0; !r && i < p->cpus * n; i++)
		words[i % n] += all[i];
	free(all);
	return r;
}

int profile_read(struct profile *p, u64 *runs, struct profile_value *v)
{
	int r = sum_of(p, MAP_RUNS, 0, runs, 1);

	for (u32 i = 0; !r && i < p->n; i++) {
		u64 words[3];

		r = sum_of(p, MAP_SUMS, i, words, 3);
		v[i] = (struct profile_value){ words[0], words[1], words[2] };
	}
	return r;
}

void profile_close(struct profile *p)
{
	if (!p)
		return;
	while (p->fds.n)	/* links before counters */
		close(p->fds.v[--p->fds.n]);
	vec_free(&p->fds);
	if (p->b)
		p->b->ops->close(p->b);
	for (u32 i = 0; i < NR_PROGS; i++)
		vec_free(&p->code[i]);
	free(p);
}
