/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jit: how fast compiled programs are, and how fast they are compiled. Programs are
 * those of bench/jit/bodies.h; results are compared before anything is measured.
 *
 *	gcc		the C source: the faster of -O1 and -O2 without vectors; the yardstick
 *	again		gcc -O2 without vectors of the bytecode by way of C (jit_to_c.c)
 *	opt, fast	our two compilers
 *	aot		the same as opt, but without an address in the code, as `skep aot`
 *			writes it; against opt
 *	interp		our interpreters, the fast and the checked one
 *	kernel		the running kernel's compiler, without what an empty program costs
 *			there; opt against it: both without
 *
 * All sides take turns; a side's time in a round is its shortest turn, and each ratio
 * is the median of those of the rounds. Times are of the thread, not of the clock.
 *
 * Figures: the geometric mean of opt at most 1.15 of gcc and 0.85 of the kernel, of
 * fast at most 1.40 of gcc, of aot at most 1.05 of opt; no row of opt above 1.6 (or 1.1
 * of again, where that is above 1.5), none above 1.1 of the kernel. Compiling: fast 30
 * million instructions a second, opt 1.5 us each of 4,000 and 2 us each of 64,000.
 *
 * In: the object of bodies.h and three shared objects, which bench/jit.sh makes, and
 * names of programs, or all are measured; "compile" names what measures compiling.
 */
#include "base/os.h"
#include "bench.h"
#include "call/call.h"
#include "jit/jit.h"
#include "maps/map.h"
#include "obj/obj.h"
#include "skep/skep.h"
#include "unit/jit_apart.h"
#include "vm/vm.h"
#include <dlfcn.h>
#include <math.h>
#include <time.h>

enum { ROUNDS = 15, TURNS = 8, TURN_US = 60, MEM = 65536, MAPS = 8 };
enum side { GCC1, GCC2, AGAIN, OPT, AOT, FAST, INTERP, CHECKED, KERNEL, SIDES,
	    GCCS = OPT };

static const char *const names[] = { "gcc -O1", "gcc -O2", "again", "opt", "aot", "one pass",
				     "interp", "checked", "kernel" };

struct body {
	const struct image_prog *prog;
	const struct image *img;
	const struct map *maps[MAPS];	/* struct map; NULL: memory */
	u8 *mem[MAPS];
	unsigned (*gcc[GCCS])(void);
	helper_fn native[2], aot;
	struct vm_code *code, *checked;
	struct skep_prog *kernel;
	u32 times[SIDES];		/* runs in a turn */
	double ns[SIDES][ROUNDS];
	double none[SIDES][ROUNDS];	/* the same for an empty program, if asked for */
};

static struct { u64 table[APART_MAX]; struct run run; } of_run;	/* the table: of aot */
static struct run *const run = &of_run.run;
static struct vm_machine *machine;

/* ---- our side -------------------------------------------------------------------- */

static u64 address(void *arg, u32 at)
{
	const struct body *b = arg;
	const struct bpf_insn *in = &b->prog->insns[at];

	return isa_op(in) == OP_LDDW_MAP_IDX ? (u64)b->maps[in->imm] :
	       (u64)b->mem[in->imm] + (u32)in[1].imm;
}

/* Of map values, whose places are one entry. */
static u64 more_of(void *arg, enum jit_what what, u32 at, u64 value UNUSED)
{
	const struct body *b = arg;
	const struct bpf_insn *in = &b->prog->insns[at];

	return what == JIT_ADDRESS && isa_op(in) != OP_LDDW_MAP_IDX ? (u32)in[1].imm : 0;
}

static helper_fn body_of(void *arg, u32 at)
{
	const struct body *b = arg;

	return call_helper((u32)b->prog->insns[at].imm, BPF_PROG_TYPE_SCHED_CLS);
}

static u32 params(void *arg, u32 at)
{
	const struct body *b = arg;

	return b->prog->insns[at].imm == BPF_FUNC_map_lookup_elem ? 6 : 0x3e;
}

static bool lookup(void *arg UNUSED, u32 at UNUSED, u64 map, struct map_inline *out)
{
	const struct map *m = (const struct map *)map;

	if (!m->ops->inlined)
		return false;
	m->ops->inlined(m, out);
	return true;
}

/* DIR of JIT_DUMP gets the machine code. */
static void dump(const struct body *b, const struct jit_code *c, u32 t)
{
	const char *dir = getenv("JIT_DUMP");
	char path[512];
	u32 bytes;
	const u8 *mem = jit_bytes(c, &bytes);
	FILE *f;

	if (!dir)
		return;
	snprintf(path, sizeof(path), "%s/%s.%s", dir, b->prog->name,
		 t == 2 ? "aot" : t ? "opt" : "fast");
	f = fopen(path, "w");
	if (f && fwrite(mem, 1, bytes, f) != bytes)
		perror(path);
	if (f)
		fclose(f);
}

static void compile(struct body *b)
{
	const struct jit_bind bind = { .insns = b->prog->insns, .nr_insns = b->prog->nr_insns,
		.arg = b, .address = address, .body = body_of, .params = params,
		.lookup = lookup };
	static struct vm_map maps[MAPS];
	struct vm_bind vm = { .insns = bind.insns, .nr_insns = bind.nr_insns,
		.prog_type = BPF_PROG_TYPE_SCHED_CLS, .maps = maps,
		.nr_maps = b->img->nr_maps, .helper = call_helper };
	struct skep_err err = { 0 };

	for (u32 i = 0; i < b->img->nr_maps; i++)
		maps[i] = (struct vm_map){ .map = (void *)b->maps[i],
			.mem = { .base = b->mem[i], .nr = 1, .stride = MEM, .value_bytes = MEM } };
	for (enum jit_tier t = JIT_FAST; t <= JIT_OPT; t++) {
		struct jit_code *c;

		must(jit_compile(&c, &bind, t, b->prog->name, &err), &err);
		if (jit_tier(c) != t)
			printf("%s was not compiled by tier %u\n", b->prog->name, t);
		b->native[t] = jit_func(c);
		dump(b, c, t);
	}
	if (apart_available()) {
		struct jit_code *c;

		apart_run = (u64 *)run;
		apart_more = more_of;
		must(apart_make(&c, &bind, JIT_OPT, &err), &err);
		b->aot = jit_func(c);
		dump(b, c, 2);
	}
	must(vm_code_new(&b->code, &vm, VM_FAST, b->prog->name, &err), &err);
	must(vm_code_new(&b->checked, &vm, VM_CHECKED, b->prog->name, &err), &err);
}

/* Maps of the object: memory for global data, the rest as they are, with keys. */
static void make_maps(struct body *b)
{
	static struct map *maps[MAPS];
	static u8 *mem;
	struct skep_err err = { 0 };

	if (!mem)
		mem = mem_alloc(MEM + 64);
	for (u32 i = 0; i < b->img->nr_maps && i < MAPS; i++) {
		const struct image_map *m = &b->img->maps[i];
		const struct map_attr attr = { .name = m->name, .type = m->type,
			.key_size = m->key_size, .value_size = m->value_size,
			.max_entries = m->max_entries };

		b->mem[i] = mem;
		if (m->kind != IMAGE_MAP_USER)
			continue;
		if (!maps[i]) {
			must(map_create(&maps[i], &attr, 1, &err), &err);
			for (u64 k = 0; k < 256; k++)
				map_user_update(maps[i], &k, &(u64){ k * 3 }, 0);
		}
		b->maps[i] = maps[i];
	}
}

/* ---- the data -------------------------------------------------------------------- */

/* What all of them begin with. */
static void fill(u8 *mem)
{
	static const u8 packet[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8, 0, 0x45 };
	u64 x = 0x2545f4914f6cdd1d;

	for (u32 i = 0; i < MEM; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		mem[i] = (u8)(x >> 24);
	}
	for (u32 i = 0; i < 17; i++) {
		memcpy(mem + 64 * i, packet, sizeof(packet));
		mem[64 * i + 23] = 6;
	}
	for (u32 i = 0; i < 1024; i++)	/* strcmp_: alike for a while */
		mem[4096 + i] = i % 32 < 20 ? mem[1024 + i] : mem[4096 + i];
	for (u32 i = 0; i < 1024; i++)	/* bsearch: ascending */
		memcpy(mem + 40960 + 4 * i, &i, 4);
	memset(mem + 60000, 0, 4);
	memset(mem + 26624, 0, 1024);	/* histogram */
}

/* ---- running ------------------------------------------------------------------------ */

static u64 run_once(struct body *b, enum side s)
{
	switch (s) {
	case GCC1:
	case GCC2:
	case AGAIN: return b->gcc[s]();
	case OPT: return b->native[JIT_OPT]((u64)run, 0, 0, 0, 0, run);
	case AOT: return b->aot((u64)run, 0, 0, 0, 0, run);
	case FAST: return b->native[JIT_FAST]((u64)run, 0, 0, 0, 0, run);
	case CHECKED: return vm_exec(machine, b->checked, run, VM_BUDGET_FAST);
	default: return vm_exec(machine, b->code, run, VM_BUDGET_FAST);
	}
}

static u32 kernel_run(struct body *b, u32 times)
{
	static const u8 packet[64];
	struct skep_run r = { .size = sizeof(r), .data = packet, .data_bytes = sizeof(packet),
			      .repeat = times };
	struct skep_err err = { 0 };

	must(skep_prog_run(b->kernel, &r, &err), &err);
	return (u32)r.retval;
}

static double thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

/* Lookups are the maps', not the compilers': they are shown, and not in the
 * means. Their values are no memory that the checked interpreter here knows. */
static bool looks_up(const struct body *b)
{
	return !strcmp(b->prog->name, "amap") || !strcmp(b->prog->name, "hmap");
}

static bool missing(const struct body *b, enum side s)
{
	if (s < GCCS)
		return !b->gcc[s];
	return (s == KERNEL && !b->kernel) || (s == AOT && !b->aot) ||
	       (s == CHECKED && looks_up(b));
}

/* Nanoseconds that one run takes. */
static double turn(struct body *b, enum side s, u32 times)
{
	double start = thread_ns();

	if (s == KERNEL)
		kernel_run(b, times);
	else
		for (u32 i = 0; i < times; i++)
			run_once(b, s);
	return (thread_ns() - start) / times;
}

/* What the kernel does around the runs takes a few microseconds. */
static u32 times_for(struct body *b, enum side s)
{
	double want = s == KERNEL ? 10e3 * TURN_US : 1e3 * TURN_US;
	u32 n = 1;

	if (missing(b, s))
		return 0;
	while (turn(b, s, n) * n < want / 2)
		n *= 2;
	return n;
}

static void compare(struct body *b)
{
	u32 want = (u32)run_once(b, b->gcc[0] ? GCC1 : OPT);

	for (enum side s = GCC1; s < SIDES; s++) {
		u32 got;

		if (missing(b, s))
			continue;
		got = s == KERNEL ? kernel_run(b, 1) : (u32)run_once(b, s);
		if (got != want) {
			printf("%s: %s gives 0x%x, expected 0x%x\n", b->prog->name, names[s], got,
			       want);
			exit(1);
		}
	}
}

static struct body *empty;	/* measured first */

static void shortest(double *to, struct body *b, enum side s)
{
	*to = fmin(*to, turn(b, s, b->times[s]));
}

/* The shortest of TURNS for each side. */
static void measure_round(struct body *b, u32 round)
{
	for (enum side s = GCC1; s < SIDES; s++)
		b->ns[s][round] = b->none[s][round] = missing(b, s) ? NAN : INFINITY;
	for (u32 i = 0; i < TURNS; i++)
		for (enum side s = GCC1; s < SIDES; s++) {
			if (missing(b, s) || (s == KERNEL && i % 2))
				continue;
			shortest(&b->ns[s][round], b, s);
			if (s == KERNEL || s == OPT)
				shortest(&b->none[s][round], empty, s);
		}
}

static void measure(struct body *b)
{
	compare(b);
	for (enum side s = GCC1; s < SIDES; s++)
		b->times[s] = times_for(b, s);
	for (u32 i = 0; i < ROUNDS; i++)
		measure_round(b, i);
}

/* ---- the table ----------------------------------------------------------------------- */

static double time_of(const struct body *b, enum side s, u32 round)
{
	double ns = b->ns[s][round];

	if (s == GCC1)
		return fmin(ns, b->ns[GCC2][round]);
	return s == KERNEL && b != empty ? fmax(ns - b->none[s][round], 0.1) : ns;
}

/* Medians over the rounds. */
static double ns_of(const struct body *b, enum side s)
{
	double v[ROUNDS];

	for (u32 i = 0; i < ROUNDS; i++)
		v[i] = time_of(b, s, i);
	return median(v, ROUNDS);
}

static double ratio(const struct body *b, enum side s, enum side to)
{
	double v[ROUNDS];

	for (u32 i = 0; i < ROUNDS; i++)
		v[i] = (time_of(b, s, i) - (to == KERNEL && b != empty ? b->none[s][i] : 0)) /
		       time_of(b, to, i);
	return median(v, ROUNDS);
}

static const char *mark(const struct body *b)
{
	double opt = ratio(b, OPT, GCC1), again = ratio(b, AGAIN, GCC1);

	if (b == empty || looks_up(b))
		return "";
	if (opt > 1.6 && !(again > 1.5 && ratio(b, OPT, AGAIN) <= 1.1))
		return "  > 1.6";
	return b->kernel && ratio(b, OPT, KERNEL) > 1.1 ? "  > kernel" : "";
}

static void show(const struct body *b)
{
	printf("%-10.*s %9.1f %6.2f %6.2f %7.2f %9.2f %7.1f %8.1f %7.2f %11.2f%s\n",
	       (int)strcspn(b->prog->name, "_"), b->prog->name, ns_of(b, GCC1),
	       ratio(b, AGAIN, GCC1), ratio(b, OPT, GCC1), ratio(b, AOT, OPT),
	       ratio(b, FAST, GCC1), ratio(b, INTERP, GCC1), ratio(b, CHECKED, GCC1),
	       ratio(b, KERNEL, GCC1), ratio(b, OPT, KERNEL), mark(b));
}

static double mean(const struct body *b, u32 n, enum side s, enum side to)
{
	double sum = 0;
	u32 k = 0;

	for (u32 i = 0; i < n; i++) {
		if (looks_up(&b[i]) || &b[i] == empty ||
		    missing(&b[i], s) || missing(&b[i], to))
			continue;
		sum += log(ratio(&b[i], s, to));
		k++;
	}
	return exp(sum / k);
}

static void table(const struct body *b, u32 n)
{
	printf("%-10s %9s %6s %6s %7s %9s %7s %8s %7s %11s\n", "", "gcc ns", "again", "opt",
	       "aot/opt", "one pass", "interp", "checked", "kernel", "opt/kernel");
	for (u32 i = 0; i < n; i++)
		show(&b[i]);
	printf("%-10s %9s %6.2f %6.2f %7.2f %9.2f %7.1f %8.1f %7.2f %11.2f\n", "mean", "",
	       mean(b, n, AGAIN, GCC1), mean(b, n, OPT, GCC1), mean(b, n, AOT, OPT),
	       mean(b, n, FAST, GCC1), mean(b, n, INTERP, GCC1), mean(b, n, CHECKED, GCC1),
	       mean(b, n, KERNEL, GCC1), mean(b, n, OPT, KERNEL));
	puts("limits                       1.15    1.05      1.40                                 "
	     "0.85");
}

/* ---- how fast programs are compiled --------------------------------------------------- */

enum { BLOCK = 12, TRIES = 5 };
enum shape { BLOCKS, EXITS, LOOPS, SHAPES };

static const char *const shapes[] = { "blocks", "exits", "loops" };

/* Loads, reckons, jumps over the next and stores. */
static void fill_block(struct bpf_insn *v, u32 at)
{
	const struct bpf_insn block[BLOCK] = {
		{ BPF_LDX | BPF_MEM | BPF_DW, 1, 6, (s16)(at % 64 * 8), 0 },
		{ BPF_ALU64 | BPF_XOR | BPF_X, 0, 1, 0, 0 },
		{ BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, (s32)at },
		{ BPF_ALU64 | BPF_MOV | BPF_X, 2, 0, 0, 0 },
		{ BPF_ALU64 | BPF_RSH | BPF_K, 2, 0, 0, (s32)(at % 5 + 1) },
		{ BPF_JMP | BPF_JGT | BPF_K, 2, 0, 1, (s32)(at * 97) },
		{ BPF_ALU64 | BPF_XOR | BPF_X, 0, 2, 0, 0 },
		{ BPF_STX | BPF_MEM | BPF_DW, 10, 0, (s16)(-8 * (s32)(at % 60 + 1)), 0 },
		{ BPF_LDX | BPF_MEM | BPF_W, 3, 6, (s16)(at % 32 * 4), 0 },
		{ BPF_ALU | BPF_ADD | BPF_X, 3, 2, 0, 0 },
		{ BPF_ALU64 | BPF_ADD | BPF_X, 0, 3, 0, 0 },
		{ BPF_STX | BPF_MEM | BPF_W, 6, 3, (s16)(at % 32 * 4), 0 },
	};

	memcpy(v, block, sizeof(block));
}

/* N instructions: blocks one after the other; each with a way out to the end, as far as
 * jumps reach; each a loop, four of them in one, those in another and so on. */
static void make_large(struct bpf_insn *v, u32 n, enum shape shape)
{
	u32 at = 2, first[8], k = 0;

	v[0] = (struct bpf_insn){ BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0 };
	v[1] = (struct bpf_insn){ BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0 };
	for (; at + BLOCK + 8 < n; k++) {
		for (u32 i = 0, m = k; i < ARRAY_LEN(first); i++, m /= 4) {
			first[i] = at;
			if (m % 4)
				break;
		}
		fill_block(v + at, at);
		if (shape == EXITS && n - at < 32000)
			v[at + 5].off = (s16)(n - 2 - (at + 5));
		at += BLOCK;
		for (u32 i = 0, m = k; shape == LOOPS && i < ARRAY_LEN(first); i++, m /= 4) {
			if (at - first[i] < 32000)
				v[at] = (struct bpf_insn){ BPF_JMP | BPF_JGT | BPF_K, 0, 0,
					(s16)(first[i] - at - 1), (s32)i + 7 };
			at += at - first[i] < 32000;
			if (m % 4 != 3)
				break;
		}
	}
	while (at + 1 < n)
		v[at++] = (struct bpf_insn){ BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, 1 };
	v[at] = (struct bpf_insn){ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 };
}

static double compile_ns(const struct jit_bind *bind, enum jit_tier t)
{
	double best = INFINITY;

	for (u32 i = 0; i < TRIES; i++) {
		struct skep_err err = { 0 };
		struct jit_code *c;
		double start = thread_ns();

		must(jit_compile(&c, bind, t, "large", &err), &err);
		best = fmin(best, thread_ns() - start);
		if (jit_tier(c) != t)
			printf("large programs are not compiled by tier %u\n", t);
		jit_free(c);
	}
	return best;
}

static void compile_times(void)
{
	static const u32 sizes[] = { 1000, 4000, 16000, 64000 };
	struct bpf_insn *v = mem_alloc(64000 * sizeof(*v));

	for (enum shape s = BLOCKS; s < SHAPES; s++)
		for (u32 i = 0; i < ARRAY_LEN(sizes); i++) {
			u32 n = sizes[i];
			const struct jit_bind bind = { .insns = v, .nr_insns = n };

			make_large(v, n, s);
			printf("compiling %5u instructions (%s): one pass %5.1f million/s,"
			       " opt %5.2f us each\n", n, shapes[s],
			       1e3 * n / compile_ns(&bind, JIT_FAST),
			       compile_ns(&bind, JIT_OPT) / n / 1e3);
		}
	puts("limits: one pass 30; opt 1.50 of 4,000, 2.00 of 64,000");
	free(v);
}

/* ---- the whole ------------------------------------------------------------------------- */

static void *symbol(void *lib, const char *prefix, const char *name)
{
	char text[64];

	snprintf(text, sizeof(text), "%s%s", prefix, name);
	return dlsym(lib, text);
}

static void *open_native(const char *path)
{
	void *lib = dlopen(path, RTLD_NOW);
	u8 *(*mem)(void);

	if (!lib) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	*(void **)&mem = dlsym(lib, "bodies_mem");
	fill(mem());
	return lib;
}

static struct skep_object *open_kernel(const char *path)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .engine = SKEP_KERNEL };
	struct skep_object *obj;
	struct skep_err err = { 0 };
	u8 *mem = mem_alloc(MEM);
	u32 zero = 0;

	if (skep_object_open(&obj, path, &err) || skep_object_load(obj, &opts, &err)) {
		printf("without the kernel: %s", skep_err_text(&err));
		return NULL;
	}
	fill(mem);
	if (skep_map_update(skep_object_map(obj, ".bss"), &zero, mem, 0))
		printf("the kernel's memory is not filled\n");
	for (u64 k = 0; k < 256; k++) {
		skep_map_update(skep_object_map(obj, "array"), &k, &(u64){ k * 3 }, 0);
		skep_map_update(skep_object_map(obj, "hash"), &k, &(u64){ k * 3 }, 0);
	}
	free(mem);
	return obj;
}

static bool is_named(char **list, const char *name)
{
	while (*list && strncmp(*list, name, strlen(*list)))
		list++;
	return *list;
}

static void give(void *lib, const char *name, u64 value)
{
	u64 *to = dlsym(lib, name);

	if (to)
		*to = value;
}

/* Native code looks up in the same maps by the same function. */
static void give_maps(const struct body *b, void *lib)
{
	void *maps = dlsym(lib, "bodies_maps");
	int array = image_map_find(b->img, "array"), hash = image_map_find(b->img, "hash");

	if (maps)
		memcpy(maps, b->maps, sizeof(b->maps));
	give(lib, "bodies_array", (u64)b->maps[array]);
	give(lib, "bodies_hash", (u64)b->maps[hash]);
	give(lib, "bodies_run", (u64)run);
	give(lib, "bodies_lookup", (u64)call_helper(BPF_FUNC_map_lookup_elem,
						    BPF_PROG_TYPE_SCHED_CLS));
}

int main(int argc, char **argv)
{
	struct skep_object *kernel;
	struct skep_err err = { 0 };
	struct image *img;
	struct os_file f;
	struct body *b;
	void *lib[GCCS];
	u32 n = 0;

	if (argc < 2 + GCCS) {
		puts("run by bench/jit.sh");
		return 0;
	}
	must(os_file_read(&f, argv[1], &err), &err);
	must(obj_open(&img, f.data, f.size, argv[1], &err), &err);
	for (u32 i = 0; i < GCCS; i++)
		lib[i] = open_native(argv[2 + i]);
	kernel = open_kernel(argv[1]);
	b = mem_alloc(img->nr_progs * sizeof(*b));
	machine = vm_machine_new();
	for (u32 i = 0; i < img->nr_progs; i++) {
		const char *name = img->progs[i].name;

		if (argc > 2 + GCCS && strcmp(name, "empty") && !is_named(argv + 2 + GCCS, name))
			continue;
		b[n].prog = &img->progs[i];
		b[n].img = img;
		make_maps(&b[n]);
		fill(b[n].mem[0]);
		compile(&b[n]);
		b[n].kernel = kernel ? skep_object_prog(kernel, name) : NULL;
		for (u32 k = 0; k < GCCS; k++) {
			*(void **)&b[n].gcc[k] = symbol(lib[k], "run_", name);
			give_maps(&b[n], lib[k]);
		}
		empty = b;
		measure(&b[n++]);
	}
	table(b, n);
	if (argc == 2 + GCCS || is_named(argv + 2 + GCCS, "compile"))
		compile_times();
	return 0;
}
