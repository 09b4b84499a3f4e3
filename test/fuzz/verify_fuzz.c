/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verify_fuzz.c: the verifier, and that it is right: what it accepts runs in the
 * checked interpreter, which must find nothing wrong, and rewritten in the fast one
 * and compiled by both tiers, which must do the same, where no address gets into
 * results. The input is as in vm_fuzz.c: 8 bytes for each instruction, made into a
 * program that passes isa_check; it begins with the context in r9, the packet in r6,
 * checked for 14 bytes, a map value in r7 and the stack in r8.
 */
#include "unit/vm_gen.h"
#include "api/object.h"
#include "verify/verify.h"

enum { FUZZ_LIMIT = 30000, ETHERNET = 14 };

static const struct skep_map_def maps[WORLD_MAPS] = {
	{ "values", BPF_MAP_TYPE_ARRAY, 4, 16, 1, 0, NULL },
	{ "constants", BPF_MAP_TYPE_ARRAY, 4, 16, 1, BPF_F_RDONLY_PROG, NULL },
	{ "hash", BPF_MAP_TYPE_HASH, 4, 8, 4, 0, NULL },
	{ "progs", BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 4, 0, NULL },
	{ "array", BPF_MAP_TYPE_ARRAY, 4, 24, 8, 0, NULL },
};

static void prologue(struct gen *g)
{
	gen_add(g, BPF_ALU64 | BPF_MOV | BPF_X, 9, 1, 0, 0);
	gen_add(g, BPF_LDX | BPF_MEM | BPF_W, 6, 9, 0, 0);
	gen_add(g, BPF_LDX | BPF_MEM | BPF_W, 2, 9, 4, 0);
	gen_add(g, BPF_ALU64 | BPF_MOV | BPF_X, 3, 6, 0, 0);
	gen_add(g, BPF_ALU64 | BPF_ADD | BPF_K, 3, 0, 0, ETHERNET);
	gen_add(g, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1);
	gen_add(g, BPF_JMP | BPF_JLE | BPF_X, 3, 2, 1, 0);
	gen_add(g, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	gen_add(g, BPF_LD | BPF_DW | BPF_IMM, 7, BPF_PSEUDO_MAP_IDX_VALUE, 0, 0);
	gen_add(g, 0, 0, 0, 0, 0);
	gen_add(g, BPF_ALU64 | BPF_MOV | BPF_X, 8, 10, 0, 0);
	gen_add(g, BPF_ST | BPF_MEM | BPF_DW, 10, 0, -8, 0);
	gen_add(g, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_prandom_u32);
}

static void make(struct gen *g, const u8 *b, size_t n)
{
	memset(g, 0, sizeof(*g));
	prologue(g);
	while (n >= 8 && g->insns < GEN_INSNS) {
		gen_insn(g, b);
		b += 8;
		n -= 8;
	}
	g->start[g->insns++] = g->n;
	gen_add(g, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	gen_targets(g);
}

/* What the interpreter must never say of a program that was accepted. */
static bool is_fault(int id)
{
	return id == ERR_FAULT || id == ERR_FRAMES || id == ERR_HELPER;
}

/* What came of a run. */
struct seen {
	bool ran;
	u32 retval, bytes, elements;
	u8 packet[128], maps[1024];
};

static void look(struct seen *s, struct skep_object *obj, const struct skep_run *r)
{
	struct skep_map *m = NULL;
	u32 n = 0;

	s->retval = r->retval;
	s->bytes = r->data_out_bytes;
	memcpy(s->packet, r->data_out, min_u64(s->bytes, sizeof(s->packet)));
	while ((m = skep_object_next_map(obj, m)))
		for (u32 key = 0; key < 16 && n + 32 <= sizeof(s->maps); key++)
			if (skep_map_type(m) != BPF_MAP_TYPE_PROG_ARRAY &&
			    !skep_map_lookup(m, &key, s->maps + n)) {
				s->elements++;
				n += 32;
			}
}

static struct seen run(const struct gen *g, int unverified, enum skep_jit jit)
{
	u8 packet[64] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8, 0, 0x45 };
	struct skep_load_opts opts = { .size = sizeof(opts), .rand_seed = 7,
				       .clock = SKEP_CLOCK_RUN, .unverified = unverified,
				       .jit = jit };
	struct skep_run r = { .size = sizeof(r), .data = packet, .data_bytes = sizeof(packet),
			      .budget = 4 * FUZZ_LIMIT };
	struct seen s = { 0 };
	struct skep_object *obj;
	struct skep_err err = { 0 };

	if (skep_object_from_insns(&obj, BPF_PROG_TYPE_XDP, "fuzz", g->slots, g->n, maps,
				   WORLD_MAPS, "GPL", &err))
		abort();
	if (skep_object_load(obj, &opts, &err)) {
		gen_require(err.code != -EACCES, g, "accepted, and then not");
	} else if (!skep_prog_run(skep_object_prog(obj, "fuzz"), &r, &err)) {
		s.ran = true;
		look(&s, obj, &r);
	} else if (is_fault(err.id)) {
		fprintf(stderr, "%s", skep_err_text(&err));
		gen_require(false, g, "accepted, and at fault");
	}
	skep_object_close(obj);
	return s;
}

static void compare(const struct gen *g, bool no_addresses)
{
	struct seen checked = run(g, 1, SKEP_JIT_OFF);

	for (enum skep_jit jit = SKEP_JIT_OFF; jit <= SKEP_JIT_OPT; jit++) {
		struct seen s = run(g, 0, jit);

		/* the budget is counted in two ways */
		if (no_addresses && checked.ran && s.ran)
			gen_require(!memcmp(&checked, &s, sizeof(s)), g,
				    "the engines do not do the same");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct verify_opts opts = { .limit_insns = FUZZ_LIMIT };
	struct arena arena = ARENA_INIT;
	struct verify_result r;
	struct skep_object *obj;
	struct skep_err err = { 0 };
	struct gen g;

	if (size < 1)
		return 0;
	opts.caps = data[0] & 1 ? VERIFY_CAP_ALL : 0;
	opts.policy = data[0] & 2 ? POLICY_KERNEL : POLICY_USER;
	opts.flags = data[0] & 4 ? VERIFY_FACTS : 0;
	make(&g, data + 1, size - 1);
	if (skep_object_from_insns(&obj, BPF_PROG_TYPE_XDP, "fuzz", g.slots, g.n, maps,
				   WORLD_MAPS, "GPL", &err))
		return 0;
	if (!verify_prog(&r, &arena, obj->img, &obj->img->progs[0], &opts, &err) &&
	    r.verdict == VERDICT_OK) {
		gen_require(!r.facts == !opts.flags, &g, "facts of what is accepted, when asked");
		compare(&g, !(opts.caps & VERIFY_CAP_PERFMON));
	}
	arena_free(&arena);
	skep_object_close(obj);
	return 0;
}
