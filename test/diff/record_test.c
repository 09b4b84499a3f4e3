/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record_test.c: random programs (gen.h) on the running kernel, as they are and as they tell
 * what they see (replay/kernel.h): both do the same to a packet and to maps; and what the
 * second one told gives the same result and the same maps when it is computed again
 * (replay/again.h). A word that is changed is found out, or changes nothing.
 *
 *	DIFF_SEED=N, DIFF_RUNS=N, DIFF_SECONDS=N	as diff_test has them
 *
 * Loads; attaches nothing.
 */
#include "api/object.h"
#include "diff/gen.h"
#include "diff/report.h"
#include "base/os.h"
#include "obj/obj.h"
#include "replay/again.h"
#include "replay/digest.h"
#include "unit/kernel_bpf.h"
#include <inttypes.h>

enum { SECONDS = 4, CPUS_MAX = 1024 };

struct tally { u64 runs, same, no_verdict, not_told, refused, volatiles, tampered, found; };

/* ---- a program, twice -------------------------------------------------------------------- */

static struct image_map map_of(const struct diff_map *m)
{
	return (struct image_map){ .name = m->attr.name, .type = m->attr.type,
		.key_size = m->attr.key_size, .value_size = m->attr.value_size,
		.max_entries = m->attr.max_entries, .map_flags = m->attr.map_flags,
		.kind = m->frozen ? IMAGE_MAP_RODATA : IMAGE_MAP_USER };
}

static struct image *image_of(const struct diff_prog *p)
{
	struct image_map maps[NR_MAPS];
	struct image *img;
	struct skep_err err;

	for (u32 i = 0; i < NR_MAPS; i++)
		maps[i] = map_of(&gen_scene.maps[i]);
	if (obj_from_insns(&img, p->type, "random", p->v, p->n, maps, NR_MAPS, "GPL", &err))
		fail_msg("%s", skep_err_text(&err));
	for (u32 i = 0; i < NR_MAPS; i++)
		if (gen_scene.maps[i].init)
			img->maps[i].init = arena_copy(&img->arena, gen_scene.maps[i].init,
						       img->maps[i].value_size);
	img->externs = (struct image_extern *)(uintptr_t)gen_scene.externs;
	img->nr_externs = gen_scene.nr_externs;
	return img;
}

static bool load(struct skep_object *obj, struct skep_err *err)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .engine = SKEP_KERNEL };
	static const u32 first;

	return !object_load(obj, &opts, &(struct prog_set){ &first, 1 }, err);
}

static void give_slots(const struct skep_object *obj, const struct tell *t)
{
	static const u32 zero;
	void *slots = tell_slots(t);

	assert_int_equal(obj->backend->ops->map_update(obj->backend, t->slots, &zero, slots, 0), 0);
	free(slots);
}

/* ---- what it told ---------------------------------------------------------------------------- */

struct told {
	struct again *again;
	u64 n;
	u8 *data;		/* of the last one */
	u32 bytes;
};

static int keep(void *arg, const struct map_event *e)
{
	struct told *t = arg;

	t->n++;
	free(t->data);
	t->data = mem_alloc(e->bytes);
	t->bytes = e->bytes;
	memcpy(t->data, e->data, e->bytes);
	return 0;
}

static int give(struct again *a, const struct record_item *item, struct skep_err *err)
{
	*err = (struct skep_err){ 0 };
	return again_item(a, item, err);
}

/* The run that T is, once more; 0, or as again_item says. */
static int compute(struct again *a, const struct told *t, const struct tell *tell,
		   struct skep_err *err)
{
	char cpus[16];
	struct tell_head h;
	int r;

	memcpy(&h, t->data, sizeof(h));
	snprintf(cpus, sizeof(cpus), "%u", tell->cpus);
	r = give(a, &(struct record_item){ .kind = RECORD_OPTION,
		.option = { { "cpus", 4 }, { cpus, strlen(cpus) } } }, err);
	r = r ? r : give(a, &(struct record_item){ .kind = RECORD_PLAN,
		.plan = { 0, { tell->plans[0].saw, again_image(a)->progs[0].nr_insns } } }, err);
	r = r ? r : give(a, &(struct record_item){ .kind = RECORD_RUN,
		.run = { .number = 1, .cpu = h.cpu } }, err);
	r = r ? r : give(a, &(struct record_item){ .kind = RECORD_SEEN,
		.seen = { h.pos > t->bytes - sizeof(h) ? RECORD_SEEN_CUT : 0,
			  { t->data + sizeof(h), t->bytes - sizeof(h) } } }, err);
	return r ? r : give(a, &(struct record_item){ .kind = RECORD_RESULT,
		.result = { .retval = (u32)h.ret } }, err);
}

/* A map that is another one than in the kernel, or NULL. */
static const char *other_map(const struct again *a, const struct skep_object *obj)
{
	for (u32 i = 0; i < NR_MAPS; i++) {
		struct record_map m;

		if (again_is_followed(obj->img->maps[i].type) && map_digest(obj, i, &m) &&
		    again_compare(a, &m) == AGAIN_OTHER)
			return obj->img->maps[i].name;
	}
	return NULL;
}

/* Some word is another one: whatever comes of it, nothing breaks. */
static void tamper(const struct diff_prog *p, struct told *t, const struct tell *tell,
		   const struct skep_object *obj, u64 seed, struct tally *n)
{
	struct again *a = again_new("tampered", NULL, NULL);
	u64 words = (t->bytes - sizeof(struct tell_head)) / 8, state = seed;
	struct skep_err err;

	if (words) {
		u8 *at = t->data + sizeof(struct tell_head) + 8 * gen_below(&state, (u32)words);

		at[gen_below(&state, 8)] ^= (u8)(1 + gen_below(&state, 255));
		again_give(a, image_of(p));
		n->tampered++;
		n->found += compute(a, t, tell, &err) || other_map(a, obj);
	}
	again_free(a);
}

/* ---- both ------------------------------------------------------------------------------------ */

static int run_on(const struct skep_object *obj, const struct diff_packet *pkt, struct test_run *t,
		  u8 *out)
{
	struct skep_err err;
	int r;

	*t = (struct test_run){ .data = pkt->data, .bytes = pkt->bytes };
	r = obj->backend->ops->test_run(obj->backend, 0, t, &err);
	if (!r && t->data_out && t->bytes_out <= OUT_BYTES)
		memcpy(out, t->data_out, t->bytes_out);
	return r;
}

/* Does what it does depend on when and where? */
static bool is_volatile(const struct diff_prog *p)
{
	static const s32 ids[] = { BPF_FUNC_ktime_get_ns, BPF_FUNC_ktime_get_boot_ns,
		BPF_FUNC_ktime_get_coarse_ns, BPF_FUNC_ktime_get_tai_ns, BPF_FUNC_jiffies64,
		BPF_FUNC_get_prandom_u32, BPF_FUNC_get_smp_processor_id,
		BPF_FUNC_get_numa_node_id, BPF_FUNC_get_current_pid_tgid };

	for (u32 i = 0; i < p->n; i += isa_slots(&p->v[i]))
		for (u32 k = 0; k < ARRAY_LEN(ids); k++)
			if (isa_op(&p->v[i]) == OP_CALL && p->v[i].imm == ids[k])
				return true;
	return false;
}

static void compare_runs(const struct skep_object *plain, const struct skep_object *tells,
			 const struct diff_prog *p, const struct diff_packet *pkt, u64 seed,
			 struct tally *n)
{
	static u8 out[2][OUT_BYTES];
	struct test_run a, b;
	int r = run_on(plain, pkt, &a, out[0]);

	assert_int_equal(run_on(tells, pkt, &b, out[1]), r);
	n->volatiles += is_volatile(p);
	if (r || is_volatile(p))
		return;
	if (a.retval != b.retval || a.bytes_out != b.bytes_out ||
	    memcmp(out[0], out[1], a.bytes_out))
		fail_msg("seed 0x%" PRIx64 ": it gives %u and %u bytes, %u and %u when it tells",
			 seed,  a.retval, a.bytes_out, b.retval, b.bytes_out);
	for (u32 i = 0; i < NR_MAPS; i++) {
		struct record_map x, y;

		if (map_digest(plain, i, &x) && map_digest(tells, i, &y) &&
		    (x.count != y.count || x.digest != y.digest))
			fail_msg("seed 0x%" PRIx64 ": map %s is another one when it tells", seed,
				 plain->img->maps[i].name);
	}
}

static void compute_again(const struct skep_object *tells, const struct tell *t,
			  const struct diff_prog *p, u64 seed, struct tally *n)
{
	struct backend *b = tells->backend;
	struct told told = { 0 };
	struct again *a = again_new("random", NULL, NULL);
	struct skep_err err;

	b->ops->map_read(b, t->ring, keep, &told);
	if (told.n) {		/* packets that the kernel takes for none do not run */
		again_give(a, image_of(p));
		if (compute(a, &told, t, &err))
			fail_msg("seed 0x%" PRIx64 ": %s", seed, skep_err_text(&err));
		if (other_map(a, tells))
			fail_msg("seed 0x%" PRIx64 ": map %s is another one when the run is "
				 "computed again", seed, other_map(a, tells));
		n->same++;
		tamper(p, &told, t, tells, seed, n);
	}
	free(told.data);
	again_free(a);
}

static void one(const struct gen_level *level, u64 seed, const struct diff_packet *pkt,
		struct tally *n)
{
	static struct diff_prog p;
	const struct verify_opts o = { .caps = VERIFY_CAP_ALL, .flags = VERIFY_FACTS };
	struct arena arena = ARENA_INIT;
	struct skep_object *plain, *tells = NULL;
	struct verify_result v;
	struct tell tell = { 0 };
	struct skep_err err = { 0 };
	struct image *img;

	gen_program(&p, level, seed, 0);
	img = image_of(&p);
	plain = object_make(img);
	n->runs++;
	if (verify_prog(&v, &arena, img, &img->progs[0], &o, &err) || v.verdict != VERDICT_OK) {
		n->no_verdict++;
	} else {
		tell_begin(&tell, img, (u32)os_cpu_count());
		tells = object_make(tell.img);
		tells->shares = true;
		if (tell_prog(&tell, img, 0, &v)) {
			n->not_told++;
		} else if (!load(plain, &err)) {
			n->no_verdict++;
		} else if (!load(tells, &err)) {
			n->refused++;
			print_message("# seed 0x%" PRIx64 ": %s", seed, skep_err_text(&err));
		} else {
			give_slots(tells, &tell);
			compare_runs(plain, tells, &p, pkt, seed, n);
			compute_again(tells, &tell, &p, seed, n);
		}
	}
	skep_object_close(tells);
	tell_free(&tell);
	skep_object_close(plain);
	arena_free(&arena);
}

/* What can be told, and needs no types. */
static const struct gen_level *simple_level(void)
{
	static struct gen_level level;
	char why[400];
	struct world *w = world_new(&gen_scene, why, sizeof(why));

	if (!w || !level_read(&level, w, why, sizeof(why)))
		fail_msg("%s", why);
	world_free(w);
	level.kfuncs = false;
	for (u32 i = 0; i < LEVEL_TYPES; i++)
		level.helpers[i][BPF_FUNC_tail_call] = level.helpers[i][BPF_FUNC_loop] =
			level.helpers[i][BPF_FUNC_for_each_map_elem] = false;
	return &level;
}

static void random_programs(void **unused UNUSED)
{
	u64 state = env_number("DIFF_SEED", os_clock_ns());
	struct effort e;
	const struct gen_level *level;
	struct tally n = { 0 };

	need_kernel();
	level = simple_level();
	e = effort_new(SECONDS);
	print_message("# DIFF_SEED=0x%" PRIx64 "\n", state);
	while (effort_goes_on(&e)) {
		struct diff_packet pkt;
		u64 seed = gen_random(&state);

		gen_packet(&pkt, &state);
		one(level, seed, &pkt, &n);
	}
	print_message("# %" PRIu64 " programs: %" PRIu64 " computed again, %" PRIu64 " without a "
		      "verdict, %" PRIu64 " cannot be told, %" PRIu64 " refused by the kernel as "
		      "they tell; of %" PRIu64 " with another word %" PRIu64 " were found out\n",
		      n.runs, n.same, n.no_verdict, n.not_told, n.refused, n.tampered, n.found);
	assert_true(n.same > n.runs / 3);
	assert_true(n.refused <= n.runs / 50);
	assert_true(n.found > n.tampered / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_programs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
