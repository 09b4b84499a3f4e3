/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach_record.c: see attach_record.h. Between the object that was opened and the kernel
 * stands another one with instrumented programs; what these put into the ring buffer goes to
 * the file as runs. Says by name what is not recorded, and counts what is lost.
 */
#include "cli/attach_record.h"
#include "kernel/kernel.h"
#include "isa/isa.h"
#include "obj/obj.h"
#include "replay/again.h"
#include "replay/digest.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FLUSH_NS 1000000000ull

bool record_names_file(const char *arg)
{
	const char *eq = strchr(arg, '=');

	return !eq || memchr(arg, '/', (size_t)(eq - arg));
}

/* ---- which programs ---------------------------------------------------------- */

static void say_not(const struct attach_record *r, u32 prog, u32 insn, const char *why)
{
	char where[512];

	image_where(where, sizeof(where), r->from->img, &r->from->img->progs[prog], insn);
	if (!r->quiet)
		fprintf(stderr, "note: '%s' is not recorded: %s: %s\n",
			r->from->img->progs[prog].name, where, why);
}

static int refuse(const struct attach_record *r, u32 prog, u32 insn, const char *why,
		  struct skep_err *err)
{
	char where[512];

	image_where(where, sizeof(where), r->from->img, &r->from->img->progs[prog], insn);
	return err_set(err, ERR_RECORD_PROG, where, "'%s' cannot be recorded: %s",
		       r->from->img->progs[prog].name, why);
}

/* The program stays as it is, or, with ALL, that is an error. */
static int not_recorded(const struct attach_record *r, u32 prog, u32 insn, const char *why,
			struct skep_err *err)
{
	if (r->all)
		return refuse(r, prog, insn, why, err);
	say_not(r, prog, insn, why);
	return 0;
}

/* Why V is no verdict to go by; at *INSN. NULL: it is. */
static const char *doubt(const struct verify_result *v, u32 *insn)
{
	*insn = v->verdict == VERDICT_REJECTED ? v->errors[0].insn : v->construct_insn;
	switch (v->verdict) {
	case VERDICT_OK:
		return NULL;
	case VERDICT_REJECTED:
		return "the verifier here does not accept it";
	default:
		return v->construct;
	}
}

/* Programs that ask whether a kernel has something are judged with its types, too. */
static int open_types(struct attach_record *r, struct skep_err *err)
{
	int rc;

	if (r->types_tried)
		return 0;
	r->types_tried = true;
	rc = target_btf(&r->types, &r->opts.vmlinux, err);
	if (rc || !r->opts.vmlinux)
		return rc;
	btf_index(r->types.btf.btf, &r->types.btf.arena);
	return target_modules(&r->types, &r->opts.modules, &r->opts.nr_modules, err);
}

static int tell_one(struct attach_record *r, u32 i, struct skep_err *err)
{
	const struct image *img = r->from->img;
	struct arena arena = ARENA_INIT;
	struct verify_result v;
	const char *why;
	u32 insn;
	int rc = open_types(r, err);

	if (!rc)
		rc = verify_prog(&v, &arena, img, &img->progs[i], &r->opts, err);
	if (!rc) {
		why = doubt(&v, &insn);
		if (!why) {
			why = tell_prog(&r->tell, img, i, &v);
			insn = r->tell.plans[i].insn;
		}
		r->tells[i] = !why;
		rc = why ? not_recorded(r, i, insn, why, err) : 0;
	}
	arena_free(&arena);
	return rc;
}

static u32 count_tells(const struct attach_record *r)
{
	u32 n = 0;

	for (u32 i = 0; i < r->from->img->nr_progs; i++)
		n += r->tells[i];
	return n;
}

static int no_program_tells(const struct attach_record *r, struct skep_err *err)
{
	return err_set(err, ERR_RECORD_NONE, r->from->img->file,
		       "there is no program that can be recorded");
}

int attach_record_open(struct attach_record *r, struct skep_object **obj, const bool *wanted,
		       struct skep_err *err)
{
	int rc = 0;

	r->from = *obj;
	r->tells = mem_alloc(r->from->img->nr_progs + 1ul);
	r->opts = (struct verify_opts){ .caps = VERIFY_CAP_ALL, .flags = VERIFY_FACTS,
		.policy = POLICY_USER };
	r->types.opts.btf = r->from->btf;
	tell_begin(&r->tell, r->from->img, (u32)os_cpu_count());
	for (u32 i = 0; !rc && i < r->from->img->nr_progs; i++)
		if (wanted[i])
			rc = tell_one(r, i, err);
	if (!rc && !count_tells(r))
		rc = no_program_tells(r, err);
	if (rc)
		return rc;
	*obj = r->obj = object_make(r->tell.img);
	r->obj->shares = true;
	r->obj->kernel = r->from->kernel;
	r->obj->target = r->from->target;
	r->from->target = NULL;
	return 0;
}

/* The program that the kernel did not take is the first that is not loaded. */
bool attach_record_again(struct attach_record *r, const bool *wanted, struct skep_err *err)
{
	const struct image *img = r->from->img;
	u32 i = 0;

	if (!r->obj || r->all || (err->id != ERR_KERNEL_REJECTED && err->id != ERR_KERNEL))
		return false;
	while (i < img->nr_progs && (!wanted[i] || r->obj->progs[i].loaded >= 0))
		i++;
	if (i == img->nr_progs || !r->tells[i])
		return false;
	say_not(r, i, 0, "the kernel does not take it so:");
	report(err);
	r->tells[i] = false;
	r->tell.img->progs[i] = img->progs[i];
	err_clear(err);
	return true;
}

/* ---- the file ---------------------------------------------------------------- */

static struct record_bytes bytes_of(const void *v, u64 n)
{
	return (struct record_bytes){ v, n };
}

static struct record_bytes text_of(const char *s) { return bytes_of(s, strlen(s)); }

static void add_option(struct attach_record *r, const char *name, const char *value)
{
	record_add(r->w, &(struct record_item){ .kind = RECORD_OPTION,
		.option = { text_of(name), text_of(value) } });
}

static void add_options(struct attach_record *r)
{
	char number[16];

	add_option(r, "skep", skep_version());
	add_option(r, "source", "kernel");
	add_option(r, "kernel", kernel_release(r->obj->backend));
	snprintf(number, sizeof(number), "%u", (u32)os_cpu_count());
	add_option(r, "cpus", number);
}

static void add_prog(struct attach_record *r, u32 i)
{
	const struct image_prog *p = &r->from->img->progs[i];

	record_add(r->w, &(struct record_item){ .kind = RECORD_PROG,
		.prog = { .index = i, .type = p->type, .loaded = r->tells[i],
			  .name = text_of(p->name),
			  .insns = bytes_of(p->insns, p->nr_insns * sizeof(*p->insns)) } });
}

static void add_plan(struct attach_record *r, u32 i)
{
	const struct image_prog *p = &r->from->img->progs[i];

	record_add(r->w, &(struct record_item){ .kind = RECORD_PLAN,
		.plan = { i, bytes_of(r->tell.plans[i].saw, p->nr_insns) } });
}

/* Variables are what they are here, whatever the object says: --set, and what depends on
 * the kernel. */
static void add_variables(struct attach_record *r)
{
	const struct image *img = r->from->img;

	for (u32 i = 0; i < img->nr_maps; i++)
		if (img->maps[i].kind != IMAGE_MAP_USER && img->maps[i].init)
			record_add(r->w, &(struct record_item){ .kind = RECORD_DATA,
				.data = { i, bytes_of(img->maps[i].init,
						      img->maps[i].value_size) } });
}

static void add_head(struct attach_record *r)
{
	const struct image *img = r->from->img;

	record_add(r->w, &(struct record_item){ .kind = RECORD_OBJECT,
		.object = { text_of(img->file), bytes_of(r->from->elf, r->from->elf_bytes) } });
	add_options(r);
	for (u32 i = 0; i < img->nr_progs; i++)
		add_prog(r, i);
	add_variables(r);
	for (u32 i = 0; i < img->nr_progs; i++)
		if (r->tells[i])
			add_plan(r, i);
	record_add(r->w, &(struct record_item){ .kind = RECORD_TAPED });
}

int attach_record_begin(struct attach_record *r, struct skep_err *err)
{
	struct backend *b = r->obj->backend;
	static const u32 zero;
	void *slots = tell_slots(&r->tell);
	int rc = b->ops->map_update(b, r->tell.slots, &zero, slots, BPF_ANY);

	free(slots);
	if (rc)
		return err_set(err, ERR_MAP_UPDATE, NULL, "the memory of recorded runs: %s",
			       strerror(-rc));
	if (!count_tells(r))
		return no_program_tells(r, err);
	rc = record_create(&r->w, r->path, err);
	if (!rc)
		add_head(r);
	return rc;
}

/* ---- maps -------------------------------------------------------------------- */

static void add_element(struct attach_record *r, u32 map, const struct map_info *info,
			const u8 *key, const u8 *value)
{
	record_add(r->w, &(struct record_item){ .kind = RECORD_UPDATE,
		.change = { .map = map, .key = bytes_of(key, info->key_size),
			    .value = bytes_of(value, info->value_bytes) } });
}

/* What map I has before anything runs: of variables the object tells. */
static void add_elements(struct attach_record *r, u32 map)
{
	struct backend *b = r->obj->backend;
	struct map_info info;
	u8 *key, *next, *value;

	if (b->ops->map_info(b, map, &info))
		return;
	key = mem_alloc(2ull * info.key_size + info.value_bytes + 1);
	next = key + info.key_size;
	value = next + info.key_size;
	for (int rc = b->ops->map_next_key(b, map, NULL, next); !rc;
	     rc = b->ops->map_next_key(b, map, key, next)) {
		memcpy(key, next, info.key_size);
		if (!b->ops->map_lookup(b, map, key, value, 0))
			add_element(r, map, &info, key, value);
	}
	free(key);
}

static bool is_followed(const struct image_map *map)
{
	return map->kind == IMAGE_MAP_USER && again_is_followed(map->type) && !map->inner;
}

static bool is_array(u32 type)
{
	return type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

void attach_record_maps(struct attach_record *r, bool arrays)
{
	const struct image *img = r->w ? r->from->img : NULL;

	for (u32 i = 0; img && i < img->nr_maps; i++)
		if (is_followed(&img->maps[i]) && (arrays || !is_array(img->maps[i].type)))
			add_elements(r, i);
}

static bool uses(const struct image_prog *p, u32 map)
{
	for (u32 i = 0; i < p->nr_insns; i += isa_slots(&p->insns[i])) {
		const struct bpf_insn *in = &p->insns[i];

		if (isa_is_lddw(in) && (u32)in->imm == map &&
		    (in->src_reg == BPF_PSEUDO_MAP_IDX || in->src_reg == BPF_PSEUDO_MAP_IDX_VALUE))
			return true;
	}
	return false;
}

/* Do only programs that are recorded use it? */
static bool is_ours(const struct attach_record *r, u32 map)
{
	bool used = false;

	for (u32 i = 0; i < r->from->img->nr_progs; i++) {
		if (r->obj->progs[i].loaded < 0 || !uses(&r->from->img->progs[i], map))
			continue;
		used = true;
		if (!r->tells[i])
			return false;
	}
	return used;
}

/* What maps have at the end, where runs that are recorded are all that made it so. */
static void add_ends(struct attach_record *r, const struct tell_tail *t)
{
	const struct image *img = r->from->img;
	struct record_item item = { .kind = RECORD_MAP };

	if (t->no_room || t->no_slot || r->cut || r->late)
		return;
	for (u32 i = 0; i < img->nr_maps; i++)
		if (!img->maps[i].pinning && is_ours(r, i) &&
		    (is_followed(&img->maps[i]) || img->maps[i].kind == IMAGE_MAP_DATA) &&
		     map_digest(r->obj, i, &item.map))
			record_add(r->w, &item);
}

/* ---- runs -------------------------------------------------------------------- */

static void write_run(struct attach_record *r, const struct tell_head *h, const u8 *words,
		      u64 bytes)
{
	bool cut = h->pos > bytes;
	u32 flags = (cut ? RECORD_SEEN_CUT : 0u) | (h->flags & TELL_LEFT ? RECORD_SEEN_LEFT : 0u);

	r->cut += cut;
	record_add(r->w, &(struct record_item){ .kind = RECORD_RUN,
		.run = { .number = ++r->runs, .prog = h->prog, .cpu = h->cpu, .now_ns = h->ns } });
	record_add(r->w, &(struct record_item){ .kind = RECORD_SEEN,
		.seen = { flags, bytes_of(words, bytes) } });
	record_add(r->w, &(struct record_item){ .kind = RECORD_RESULT,
		.result = { .retval = flags & RECORD_SEEN_LEFT ? 0 : (u32)h->ret } });
}

/* The run that left for a tail call which led nowhere, or NULL. */
static struct told *told_before(const struct attach_record *r, const struct tell_head *h)
{
	for (size_t i = r->told.n; i-- > 0;) {
		struct told *t = &r->told.v[i];

		if (t->h.flags & TELL_LEFT && t->h.ns == h->ns && t->h.prog == h->prog)
			return t;
	}
	return NULL;
}

static void told_more(struct attach_record *r, const struct tell_head *h, const u8 *words,
		      u64 bytes)
{
	struct told *t = told_before(r, h);
	bool cut;
	u8 *all;

	if (!t) {
		r->late++;
		return;
	}
	cut = t->h.pos > t->bytes || h->pos > bytes;
	all = mem_alloc(t->bytes + bytes + 1);
	memcpy(all, t->words, t->bytes);
	memcpy(all + t->bytes, words, bytes);
	free(t->words);
	t->words = all;
	t->bytes += bytes;
	t->h.pos = cut ? UINT32_MAX : (u32)t->bytes;
	t->h.flags = h->flags & TELL_LEFT;
	t->h.ret = h->ret;
	t->read = r->reads;
}

static void told_add(struct attach_record *r, const struct tell_head *h, const u8 *words,
		     u64 bytes)
{
	u8 *copy = mem_alloc(bytes + 1);

	memcpy(copy, words, bytes);
	*vec_push(&r->told) = (struct told){ *h, copy, bytes, r->reads };
}

/* Those that wait for what a tail call came to, and what came behind them: after two more
 * reads, in 20 ms, nothing more comes. */
static void told_write(struct attach_record *r, bool all)
{
	size_t n = 0;

	for (; n < r->told.n; n++) {
		struct told *t = &r->told.v[n];

		if (t->h.flags & TELL_LEFT && !all && r->reads - t->read < 2)
			break;
		write_run(r, &t->h, t->words, t->bytes);
		free(t->words);
	}
	r->told.n -= n;
	if (n && r->told.n)
		memmove(r->told.v, r->told.v + n, r->told.n * sizeof(*r->told.v));
}

static int on_run(void *arg, const struct map_event *e)
{
	struct attach_record *r = arg;
	const u8 *words = e->data + sizeof(struct tell_head);
	struct tell_head h;

	if (e->bytes < sizeof(h))
		return 0;
	memcpy(&h, e->data, sizeof(h));
	if (h.flags & TELL_MORE)
		told_more(r, &h, words, e->bytes - sizeof(h));
	else if (h.flags & TELL_LEFT || r->told.n)
		told_add(r, &h, words, e->bytes - sizeof(h));
	else
		write_run(r, &h, words, e->bytes - sizeof(h));
	return 0;
}

/* What is older than a second stays when this process is killed. */
static void flush(struct attach_record *r)
{
	const u64 now = os_clock_ns();

	if (r->flushed == r->runs || now - r->flushed_ns < FLUSH_NS)
		return;
	record_flush(r->w);
	r->flushed = r->runs;
	r->flushed_ns = now;
}

void attach_record_read(struct attach_record *r)
{
	struct backend *b = r->obj ? r->obj->backend : NULL;

	if (!b || !r->w)
		return;
	r->reads++;
	while (b->ops->map_read(b, r->tell.ring, on_run, r) > 0)
		;
	told_write(r, false);
	flush(r);
}

/* Runs that nobody will see. */
static struct tell_tail lost(const struct attach_record *r)
{
	const struct image_map *map = &r->tell.img->maps[r->tell.slots];
	struct backend *b = r->obj->backend;
	static const u32 zero;
	u8 *value = mem_alloc(map->value_size);
	struct tell_tail tail = { 0 };

	if (!b->ops->map_lookup(b, r->tell.slots, &zero, value, 0))
		memcpy(&tail, value + map->value_size - sizeof(tail), sizeof(tail));
	free(value);
	return tail;
}

static void say_end(const struct attach_record *r, const struct tell_tail *t)
{
	u32 n = count_tells(r);

	fprintf(stderr, "%s: %" PRIu64 " run%s of %u program%s\n", r->path, r->runs,
		r->runs == 1 ? "" : "s", n, n == 1 ? "" : "s");
	if (r->cut)
		fprintf(stderr, "note: %" PRIu64 " of them were too long and are recorded in "
			"part\n", r->cut);
	if (r->late)
		fprintf(stderr, "warning: %" PRIu64 " runs are recorded up to a tail call that led "
			"nowhere: the rest came too late\n", r->late);
	if (t->no_room)
		fprintf(stderr, "warning: %" PRIu64 " runs are not recorded: the ring buffer "
			"was full\n", t->no_room);
	if (t->no_slot)
		fprintf(stderr, "warning: %" PRIu64 " runs are not recorded: more than %d were "
			"under way on a cpu\n", t->no_slot, TELL_SLOTS);
}

int attach_record_end(struct attach_record *r, struct skep_err *err)
{
	struct tell_tail t;
	int rc;

	if (!r->w)
		return 0;
	attach_record_read(r);
	told_write(r, true);
	t = lost(r);
	add_ends(r, &t);
	rc = record_close(r->w, err);
	r->w = NULL;
	if (!rc && !r->quiet)
		say_end(r, &t);
	return rc;
}

void attach_record_close(struct attach_record *r)
{
	struct skep_err err = { 0 };
	struct stat st;

	if (r->w)
		record_close(r->w, &err);
	if (r->w && !r->runs && !lstat(r->path, &st) && S_ISREG(st.st_mode))
		unlink(r->path);	/* it failed before anything ran */
	r->w = NULL;
	for (size_t i = 0; i < r->told.n; i++)
		free(r->told.v[i].words);
	vec_free(&r->told);
	skep_object_close(r->obj);
	if (r->from)
		tell_free(&r->tell);
	target_close(&r->types);
	free(r->tells);
}
