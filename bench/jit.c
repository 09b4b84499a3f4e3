/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jit: how fast compiled programs are: bench/jit/bodies.h as native code of gcc (the
 * faster of -O1 and -O2 without vectors), by both tiers, in the fast interpreter and
 * in the running kernel, in turns, medians of ROUNDS. Results are compared first.
 * Figures: the optimising tier's geometric mean at most 1.15 of native and 0.85 of the
 * kernel, one pass at most 1.40 of native.
 *
 * In: the object of bodies.h and its two shared objects, which bench/jit.sh makes.
 */
#include "base/os.h"
#include "bench.h"
#include "call/call.h"
#include "jit/jit.h"
#include "maps/map.h"
#include "obj/obj.h"
#include "skep/skep.h"
#include "vm/vm.h"
#include <dlfcn.h>
#include <math.h>

enum { ROUNDS = 15, TURN_US = 3000, MEM = 65536, MAPS = 8 };
enum side { GCC1, GCC2, OPT, FAST, INTERP, KERNEL, SIDES };

static const char *const names[] = { "gcc -O1", "gcc -O2", "opt", "one pass", "interp",
				     "kernel" };

struct body {
	const struct image_prog *prog;
	const struct image *img;
	const struct map *maps[MAPS];	/* struct map; NULL: memory */
	u8 *mem[MAPS];
	unsigned (*gcc[2])(void);
	helper_fn native[2];
	struct vm_code *code;
	struct skep_prog *kernel;
	double ns[SIDES][ROUNDS], mid[SIDES];
};

static struct run run;
static struct vm_machine *machine;

/* ---- our side -------------------------------------------------------------------- */

static u64 address(void *arg, u32 at)
{
	const struct body *b = arg;
	const struct bpf_insn *in = &b->prog->insns[at];

	return isa_op(in) == OP_LDDW_MAP_IDX ? (u64)b->maps[in->imm] :
	       (u64)b->mem[in->imm] + (u32)in[1].imm;
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

static void compile(struct body *b)
{
	const struct jit_bind bind = { .insns = b->prog->insns, .nr_insns = b->prog->nr_insns,
		.arg = b, .address = address, .body = body_of, .params = params };
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
	}
	must(vm_code_new(&b->code, &vm, VM_FAST, b->prog->name, &err), &err);
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
	memset(mem + 24576, 0, 1024);	/* histogram */
}

/* ---- running ------------------------------------------------------------------------ */

static u64 run_once(struct body *b, enum side s)
{
	switch (s) {
	case GCC1:
	case GCC2: return b->gcc[s]();
	case OPT: return b->native[JIT_OPT]((u64)&run, 0, 0, 0, 0, &run);
	case FAST: return b->native[JIT_FAST]((u64)&run, 0, 0, 0, 0, &run);
	default: return vm_exec(machine, b->code, &run, VM_BUDGET_FAST);
	}
}

static double kernel_ns(struct body *b, u32 times, u32 *ret)
{
	static const u8 packet[64];
	struct skep_run r = { .size = sizeof(r), .data = packet, .data_bytes = sizeof(packet),
			      .repeat = times };
	struct skep_err err = { 0 };

	must(skep_prog_run(b->kernel, &r, &err), &err);
	*ret = (u32)r.retval;
	return (double)r.duration_ns;
}

static double turn(struct body *b, enum side s, u32 times)
{
	u64 start = os_clock_ns();
	u32 ret;

	if (s == KERNEL)
		return b->kernel ? kernel_ns(b, times, &ret) : NAN;
	for (u32 i = 0; i < times; i++)
		run_once(b, s);
	return (double)(os_clock_ns() - start) / times;
}

static u32 times_for(struct body *b, enum side s)
{
	u32 n = 1;

	if (s == KERNEL) {
		u32 ret;
		double ns = b->kernel ? kernel_ns(b, 16, &ret) : 1;

		return ns < 1 ? TURN_US * 1000 : (u32)(TURN_US * 1000 / ns) + 1;
	}
	while (turn(b, s, n) * n < TURN_US * 500)
		n *= 2;
	return n;
}

static void compare(struct body *b)
{
	u32 want = 0;

	for (enum side s = GCC1; s < SIDES; s++) {
		u32 got;

		if (s <= GCC2 && !b->gcc[s])
			continue;
		if (s == KERNEL) {
			if (!b->kernel)
				continue;
			kernel_ns(b, 1, &got);
		} else {
			got = (u32)run_once(b, s);
		}
		if (s == (b->gcc[0] ? GCC1 : OPT))
			want = got;
		if (got != want) {
			printf("%s: %s gives 0x%x, expected 0x%x\n", b->prog->name, names[s], got,
			       want);
			exit(1);
		}
	}
}

static void measure(struct body *b)
{
	u32 times[SIDES];

	compare(b);
	for (enum side s = GCC1; s < SIDES; s++)
		times[s] = s <= GCC2 && !b->gcc[s] ? 0 : times_for(b, s);
	for (u32 i = 0; i < ROUNDS; i++)
		for (enum side s = GCC1; s < SIDES; s++)
			b->ns[s][i] = times[s] ? turn(b, s, times[s]) : NAN;
	for (enum side s = GCC1; s < SIDES; s++)
		b->mid[s] = median(b->ns[s], ROUNDS);
}

/* ---- the table ----------------------------------------------------------------------- */

static double scalar(const struct body *b)
{
	return b->mid[GCC1] < b->mid[GCC2] ? b->mid[GCC1] : b->mid[GCC2];
}

static void show(const struct body *b, double empty)
{
	double best = scalar(b), kernel = b->mid[KERNEL] - empty;

	if (b->gcc[0])
		printf("%-10s %9.1f ns  opt %5.2f  one pass %5.2f  interp %6.1f  kernel %5.2f"
		       "  opt/kernel %5.2f\n", b->prog->name, best, b->mid[OPT] / best,
		       b->mid[FAST] / best, b->mid[INTERP] / best, kernel / best,
		       b->mid[OPT] / kernel);
	else
		printf("%-10s opt %9.1f ns  one pass %5.2f of it  interp %6.1f  kernel %5.2f\n",
		       b->prog->name, b->mid[OPT], b->mid[FAST] / b->mid[OPT],
		       b->mid[INTERP] / b->mid[OPT], kernel / b->mid[OPT]);
}

static void means(const struct body *b, u32 n, double empty)
{
	double opt = 0, fast = 0, kernel = 0, interp = 0;
	u32 k = 0, with = 0;

	for (u32 i = 0; i < n; i++) {
		double best = scalar(&b[i]);

		if (!b[i].gcc[0] || !strcmp(b[i].prog->name, "empty"))
			continue;
		k++;
		opt += log(b[i].mid[OPT] / best);
		fast += log(b[i].mid[FAST] / best);
		interp += log(b[i].mid[INTERP] / best);
		if (b[i].kernel) {
			with++;
			kernel += log(b[i].mid[OPT] / (b[i].mid[KERNEL] - empty));
		}
	}
	printf("geometric means of %u: optimised %.2f of gcc (limit 1.15), one pass %.2f"
	       " (limit 1.40), interpreter %.1f; optimised %.2f of the kernel (limit 0.85)\n", k,
	       exp(opt / k), exp(fast / k), exp(interp / k), with ? exp(kernel / with) : NAN);
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

int main(int argc, char **argv)
{
	struct skep_object *kernel;
	struct skep_err err = { 0 };
	struct image *img;
	struct os_file f;
	struct body *b;
	void *lib[2];
	double empty = 0;

	if (argc != 4) {
		puts("run by bench/jit.sh");
		return 0;
	}
	must(os_file_read(&f, argv[1], &err), &err);
	must(obj_open(&img, f.data, f.size, argv[1], &err), &err);
	for (int i = 0; i < 2; i++)
		lib[i] = open_native(argv[2 + i]);
	kernel = open_kernel(argv[1]);
	b = mem_alloc(img->nr_progs * sizeof(*b));
	machine = vm_machine_new();
	for (u32 i = 0; i < img->nr_progs; i++) {
		b[i].prog = &img->progs[i];
		b[i].img = img;
		make_maps(&b[i]);
		fill(b[i].mem[0]);
		compile(&b[i]);
		b[i].kernel = kernel ? skep_object_prog(kernel, b[i].prog->name) : NULL;
		for (int n = 0; n < 2; n++)
			*(void **)&b[i].gcc[n] = symbol(lib[n], "run_", b[i].prog->name);
		measure(&b[i]);
		if (!strcmp(b[i].prog->name, "empty"))
			empty = b[i].mid[KERNEL];
	}
	for (u32 i = 0; i < img->nr_progs; i++)
		show(&b[i], empty);
	means(b, img->nr_progs, empty);
	return 0;
}
