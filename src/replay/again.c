/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * again.c: see again.h. An object is opened once more, gets the instructions that ran, and
 * what each run saw comes from its words, in order. A run that asks for more words than
 * there are, for fewer, or that gives something else, is another one: that is told with the
 * instruction. Nothing of a recording is believed.
 */
#include "replay/again.h"
#include "isa/isa.h"
#include "model/run.h"
#include "obj/obj.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	BUDGET = 1 << 26,		/* instructions of a run */
	RECORD_MAX = 1 << 20,		/* bytes of a record that is shown */
	CPUS_MAX = 1 << 13,
};

struct again_prog {
	struct vm_code *code;
	u8 *saw;		/* [nr_insns], or NULL: it did not tell */
};

struct again {
	char *file;
	again_fn fn;
	void *arg;
	struct image *img;
	struct again_prog *progs;
	struct vm_map *maps;
	struct again_mem mem;
	struct vm_machine *m;
	struct run *run;
	struct vm_foreign foreign;
	u32 cpus;
	u64 budget;
	/* the run */
	struct record_run in;
	const struct again_prog *prog;
	const struct image_prog *image;
	const u8 *words;
	u64 nr_words, at;
	bool cut, ended;	/* there are no more, as the kernel had no room */
	bool left;		/* ... as it went on in another program; ENDED: here, too */
	u8 scratch[8] __attribute__((aligned(8)));	/* of an atomic */
	u64 scratch_addr;
	u32 scratch_bytes;	/* that it may have changed */
};

/* ---- words ------------------------------------------------------------------- */

static void differs(struct again *a, const char *text)
{
	vm_foreign_fault(a->m, text);
}

/* The next word, or false: the run ends here. */
static bool word(struct again *a, u64 *v)
{
	*v = 0;
	if (a->at < a->nr_words) {
		memcpy(v, a->words + 8 * a->at++, sizeof(*v));
		return true;
	}
	a->ended = a->cut;
	differs(a, a->cut ? "the rest of the run is not recorded" :
			    "it sees more here than it saw in the kernel");
	return false;
}

/* BYTES of words, of which only so many count. */
static const u8 *words(struct again *a, u64 bytes)
{
	u64 n = (bytes + 7) / 8;
	const u8 *v = a->words + 8 * a->at;

	if (bytes <= TELL_BLOCK && n <= a->nr_words - a->at) {
		a->at += n;
		return v;
	}
	a->ended = a->cut;
	differs(a, a->cut ? "the rest of the run is not recorded" :
			    "it is told more here than it was in the kernel");
	return NULL;
}

static unsigned saw(const struct again *a, u32 slot)
{
	return a->prog->saw[slot] & SAW_WHAT;
}

/* ---- memory ------------------------------------------------------------------ */

/* What the last atomic left. */
static void settle(struct again *a)
{
	if (a->scratch_bytes)
		again_write(&a->mem, a->scratch_addr, a->scratch, a->scratch_bytes);
	a->scratch_bytes = 0;
}

static int on_load(void *arg, struct vm_machine *m, u32 slot, u64 addr, u32 size, u64 *val)
{
	struct again *a = arg;

	(void)m;
	settle(a);
	if (saw(a, slot) != SAW_VALUE)
		return 0;
	if (!word(a, val))
		return -1;
	if (!vm_in_stack(a->m, addr))
		again_write(&a->mem, addr, val, size);
	return 1;
}

static bool on_store(void *arg, struct vm_machine *m, u32 slot, u64 addr, u32 size, u64 val)
{
	struct again *a = arg;

	(void)m, (void)slot;
	settle(a);
	again_write(&a->mem, addr, &val, size);
	return true;
}

static void *on_atomic(void *arg, struct vm_machine *m, u32 slot, u64 addr, u32 size)
{
	struct again *a = arg;
	u64 old = 0;
	bool told = saw(a, slot) == SAW_VALUE;
	void *p = a->scratch;

	settle(a);
	if (told && !word(a, &old))
		return NULL;
	if (vm_in_stack(m, addr)) {
		p = vm_stack_mem(m, addr, size);
		if (p && told)
			memcpy(p, &old, size);
		return p;
	}
	if (told || again_read(&a->mem, addr, &old, size)) {
		a->scratch_addr = addr;
		a->scratch_bytes = size;
	} else {
		again_write(&a->mem, addr, NULL, size);
	}
	memcpy(a->scratch, &old, size);
	return p;
}

static int on_loop(void *arg, struct vm_machine *m, u32 slot)
{
	struct again *a = arg;
	u64 ended;

	(void)m;
	settle(a);
	if (saw(a, slot) != SAW_LOOP) {
		differs(a, "the kernel was not there");
		return -1;
	}
	return word(a, &ended) ? !ended : -1;
}

static int on_packet(void *arg, struct vm_machine *m, u32 slot, u64 *val)
{
	struct again *a = arg;

	(void)m;
	settle(a);
	if (saw(a, slot) != SAW_VALUE) {
		differs(a, "the kernel was not there");
		return -1;
	}
	return word(a, val) ? *val != TELL_OUTSIDE : -1;
}

/* Memory of the program, wherever it is. False: not all of it is known. */
static bool get_bytes(struct again *a, u64 addr, void *to, u64 bytes)
{
	const void *p;

	if (!vm_in_stack(a->m, addr))
		return again_read(&a->mem, addr, to, bytes);
	p = bytes ? vm_stack_mem(a->m, addr, bytes) : NULL;
	if (p)
		memcpy(to, p, bytes);
	return p || !bytes;
}

static void set_bytes(struct again *a, u64 addr, const void *from, u64 bytes)
{
	void *p;

	if (!addr || !bytes)
		return;
	if (!vm_in_stack(a->m, addr)) {
		again_write(&a->mem, addr, from, bytes);
		return;
	}
	p = vm_stack_mem(a->m, addr, bytes);
	if (p)
		memcpy(p, from, bytes);
}

/* ---- what calls did ---------------------------------------------------------- */

/* The map that register REG is, or FACT_NO_MAP. */
static u32 map_of(const struct again *a, u64 reg)
{
	u64 i = (reg - (u64)a->maps) / sizeof(*a->maps);

	return reg >= (u64)a->maps && i < a->img->nr_maps && reg == (u64)&a->maps[i] ?
		(u32)i : FACT_NO_MAP;
}

static void tell(struct again *a, struct again_event *e)
{
	e->run = a->in.number;
	e->prog = a->in.prog;
	e->cpu = a->in.cpu;
	e->ns = a->in.now_ns;
	if (a->fn)
		a->fn(a->arg, e);
}

static bool is_followed(const struct again *a, u32 map)
{
	return map < a->img->nr_maps && again_is_followed(a->img->maps[map].type) &&
		!a->img->maps[map].inner;
}

static void lookup_done(struct again *a, const u64 *r, u64 ret)
{
	u32 map = map_of(a, r[1]);
	u8 *key;

	if (!is_followed(a, map))
		return;
	key = arena_news(&a->mem.run, a->img->maps[map].key_size, u8);
	if (get_bytes(a, r[2], key, a->img->maps[map].key_size))
		again_found(&a->mem, map, a->in.cpu, key, ret);
	else
		a->mem.outside[map] = true;
}

static void update_done(struct again *a, const u64 *r, u64 ret)
{
	u32 map = map_of(a, r[1]);
	struct again_event e = { .kind = AGAIN_UPDATE, .map = map };
	u8 *key, *value;

	if (!is_followed(a, map) || (s32)ret)
		return;
	e.key_bytes = a->img->maps[map].key_size;
	e.value_bytes = a->img->maps[map].value_size;
	e.key = key = arena_news(&a->mem.run, e.key_bytes, u8);
	e.value = value = arena_news(&a->mem.run, e.value_bytes, u8);
	e.whole = get_bytes(a, r[3], value, e.value_bytes);
	if (get_bytes(a, r[2], key, e.key_bytes)) {
		again_updated(&a->mem, map, a->in.cpu, key, value, e.whole);
		tell(a, &e);
	} else {
		a->mem.outside[map] = true;
	}
}

static void delete_done(struct again *a, const u64 *r, u64 ret)
{
	u32 map = map_of(a, r[1]);
	struct again_event e = { .kind = AGAIN_DELETE, .map = map };
	u8 *key;

	if (!is_followed(a, map) || (s32)ret)
		return;
	e.key_bytes = a->img->maps[map].key_size;
	e.key = key = arena_news(&a->mem.run, e.key_bytes, u8);
	if (get_bytes(a, r[2], key, e.key_bytes)) {
		again_deleted(&a->mem, map, a->in.cpu, key);
		tell(a, &e);
	} else {
		a->mem.outside[map] = true;
	}
}

/* A record of BYTES at ADDR, if the helper gave RET 0. */
static void output_done(struct again *a, u64 map, u64 addr, u64 bytes, u64 ret)
{
	struct again_event e = { .kind = AGAIN_RECORD, .map = map_of(a, map) };
	u8 *value;

	if (ret || e.map == FACT_NO_MAP || bytes > RECORD_MAX)
		return;
	value = arena_news(&a->mem.run, bytes, u8);
	e.whole = get_bytes(a, addr, value, bytes);
	e.value = value;
	e.value_bytes = (u32)bytes;
	tell(a, &e);
}

static void reserve_done(struct again *a, const u64 *r, u64 ret)
{
	u32 map = map_of(a, r[1]);

	if (ret && map != FACT_NO_MAP && r[2] <= RECORD_MAX)
		again_reserved(&a->mem, map, ret, (u32)r[2]);
}

static void submit_done(struct again *a, u64 addr)
{
	struct again_region *p = again_record(&a->mem, addr);
	struct again_event e = { .kind = AGAIN_RECORD, .whole = true };

	if (!p)
		return;
	e.map = p->map;
	e.value = p->value;
	e.value_bytes = p->bytes;
	for (u32 i = 0; i < p->bytes; i++)
		e.whole &= p->known[i];
	tell(a, &e);
	p->bytes = 0;
}

static void call_done(struct again *a, u32 id, const u64 *r, u64 ret)
{
	struct again_region *p;

	switch (id) {
	case BPF_FUNC_map_lookup_elem:
		lookup_done(a, r, ret);
		break;
	case BPF_FUNC_map_update_elem:
		update_done(a, r, ret);
		break;
	case BPF_FUNC_map_delete_elem:
		delete_done(a, r, ret);
		break;
	case BPF_FUNC_ringbuf_output:
		output_done(a, r[1], r[2], r[3], ret);
		break;
	case BPF_FUNC_perf_event_output:
		output_done(a, r[2], r[4], r[5], ret);
		break;
	case BPF_FUNC_ringbuf_reserve:
		reserve_done(a, r, ret);
		break;
	case BPF_FUNC_ringbuf_submit:
		submit_done(a, r[1]);
		break;
	case BPF_FUNC_ringbuf_discard:
		p = again_record(&a->mem, r[1]);
		if (p)
			p->bytes = 0;
		break;
	}
}

/* ---- calls ------------------------------------------------------------------- */

/* A callback is for an element: where its key and value are. */
static bool walked(struct again *a, const u64 *args)
{
	u32 map = map_of(a, args[0]);
	const u8 *key = map < a->img->nr_maps ? words(a, a->img->maps[map].key_size) : NULL;

	if (!key)
		return false;
	again_write(&a->mem, args[1], key, a->img->maps[map].key_size);
	if (is_followed(a, map))
		again_found(&a->mem, map, a->in.cpu, key, args[2]);
	return true;
}

/* Runs the callback as often as the kernel did; WALKS: for elements of the map in r1. */
static bool call_back(struct again *a, const struct plan_call *c, const u64 *r, bool walks)
{
	u64 tag, args[5];

	while (word(a, &tag) && tag == 1) {
		memset(args, 0, sizeof(args));
		for (u32 i = 0; i < c->cb_args; i++)
			if (!word(a, &args[i]))
				return false;
		args[c->cb_args] = r[c->ctx_reg];
		if (walks)	/* the map is that of the replay */
			args[0] = r[1];
		if (walks && !walked(a, args))
			return false;
		if (!vm_code_holds(a->prog->code, r[c->func_reg])) {
			differs(a, "the callback is no function of the program");
			return false;
		}
		a->run->callback(a->run, r[c->func_reg], args);
		if (a->run->stop)
			return false;
	}
	if (!a->run->stop && tag)
		differs(a, "the kernel did not call back here");
	return !a->run->stop;
}

/* Without a word for it the kernel went on in another program, which is another run. */
static u64 tail_call(struct again *a)
{
	u64 nowhere;

	if (a->left && a->at == a->nr_words) {
		a->ended = true;
		differs(a, "it goes on in another program");
	} else if (word(a, &nowhere) && nowhere) {
		differs(a, "the kernel made no tail call here");
	}
	return UINT64_MAX;
}

static u64 answer(struct again *a, const struct plan_call *c, u32 slot, u32 id, const u64 *r)
{
	u64 ret = 0;

	if (c->tail)
		return tail_call(a);
	if (c->func_reg && !call_back(a, c, r, a->prog->saw[slot] & SAW_KEY))
		return 0;
	if (c->has_ret && !word(a, &ret))
		return 0;
	for (u32 i = 0; i < c->nr_outs; i++) {
		u64 bytes = c->outs[i].size_reg ? r[c->outs[i].size_reg] : c->outs[i].bytes;
		const u8 *out = words(a, bytes);

		if (!out)
			return 0;
		set_bytes(a, r[c->outs[i].reg], out, bytes);
	}
	call_done(a, id, r, ret);
	return ret;
}

static u32 map_among(const struct again *a, const u64 *r)
{
	u32 map = FACT_NO_MAP;

	for (u32 i = 1; map == FACT_NO_MAP && i <= 5; i++)
		map = map_of(a, r[i]);
	return map;
}

static u64 on_call(void *arg, struct vm_machine *m, u32 slot, const u64 *r)
{
	struct again *a = arg;
	const struct bpf_insn *in = &a->image->insns[slot];
	struct plan_call c;
	const char *why;
	u64 v = 0;

	(void)m;
	settle(a);
	if (isa_is_lddw(in)) {
		if (saw(a, slot) == SAW_VALUE)
			word(a, &v);
		return v;
	}
	why = saw(a, slot) != SAW_CALL ? "the kernel was not there" :
		plan_call(&c, a->img, a->image, in, map_among(a, r));
	if (why) {
		differs(a, why);
		return 0;
	}
	return answer(a, &c, slot, isa_op(in) == OP_CALL ? (u32)in->imm : 0, r);
}

/* ---- what runs have in common ------------------------------------------------ */

static int misfit(const struct again *a, struct skep_err *err, const char *what)
{
	return err_set(err, ERR_RECORD_OBJECT, a->file, "%s", what);
}

static int damaged(const struct again *a, struct skep_err *err, const char *what)
{
	return err_set(err, ERR_RECORD_BAD, a->file, "%s", what);
}

void again_give(struct again *a, struct image *img)
{
	a->img = img;
	a->progs = mem_alloc((img->nr_progs + 1ul) * sizeof(*a->progs));
}

static int take_object(struct again *a, const struct record_object *o, struct skep_err *err)
{
	struct image *img;
	char name[256];
	int r;

	snprintf(name, sizeof(name), "%.*s", (int)min_u64(o->name.n, 255), (const char *)o->name.v);
	r = obj_open(&img, o->elf.v, o->elf.n, name, err);
	if (!r)
		again_give(a, img);
	return r;
}

/* Its instructions as they were loaded. */
static int take_prog(struct again *a, const struct record_prog *p, struct skep_err *err)
{
	struct image_prog *to = p->index < a->img->nr_progs ? &a->img->progs[p->index] : NULL;
	u64 n = p->insns.n / sizeof(struct bpf_insn);
	char where[300];

	if (!to || p->name.n != strlen(to->name) || memcmp(p->name.v, to->name, p->name.n) ||
	    n != to->nr_insns || p->insns.n % sizeof(struct bpf_insn) || !progtype_row(p->type))
		return misfit(a, err, "a program is not the one that its object has");
	to->type = p->type;
	to->insns = arena_copy(&a->img->arena, p->insns.v, p->insns.n);
	snprintf(where, sizeof(where), "%s:%s", a->file, to->name);
	return isa_check(to->insns, n, where, err);
}

static int take_plan(struct again *a, const struct record_plan *p, struct skep_err *err)
{
	if (p->prog >= a->img->nr_progs || p->saw.n != a->img->progs[p->prog].nr_insns)
		return damaged(a, err, "what a program tells is not for its instructions");
	a->progs[p->prog].saw = arena_copy(&a->img->arena, p->saw.v, p->saw.n);
	return 0;
}

static int take_option(struct again *a, const struct record_option *o, struct skep_err *err)
{
	char number[16];

	if (o->name.n != 4 || memcmp(o->name.v, "cpus", 4))
		return 0;
	snprintf(number, sizeof(number), "%.*s", (int)min_u64(o->value.n, 15),
		 (const char *)o->value.v);
	a->cpus = (u32)strtoul(number, NULL, 10);
	return a->cpus && a->cpus <= CPUS_MAX ? 0 :
		damaged(a, err, "there is no such number of cpus");
}

static int take_data(struct again *a, const struct record_data *d, struct skep_err *err)
{
	struct image_map *map = d->map < a->img->nr_maps ? &a->img->maps[d->map] : NULL;

	if (!map || map->kind == IMAGE_MAP_USER || d->bytes.n != map->value_size)
		return misfit(a, err, "its variables are not those of the object");
	map->init = arena_copy(&a->img->arena, d->bytes.v, d->bytes.n);
	return 0;
}

/* Maps are addresses: constants are memory, variables the model's. */
static void make_maps(struct again *a)
{
	a->maps = mem_alloc((a->img->nr_maps + 1ul) * sizeof(*a->maps));
	for (u32 i = 0; i < a->img->nr_maps; i++) {
		const struct image_map *def = &a->img->maps[i];
		struct vm_map *map = &a->maps[i];

		*map = (struct vm_map){ .map = map, .type = def->type, .key_size = def->key_size,
					.value_size = def->value_size };
		if (def->kind == IMAGE_MAP_RODATA)
			map->mem = (struct map_mem){ again_variables(&a->mem, i), 1,
				def->value_size, def->value_size, .read_only = true };
		else if (def->type == BPF_MAP_TYPE_ARRAY && def->key_size == 4 &&
			 def->max_entries == 1)
			map->mem.base = again_variables(&a->mem, i);
	}
}

static void make_ready(struct again *a)
{
	if (a->maps)
		return;
	for (u32 i = 0; i < a->img->nr_externs; i++)	/* what is there is recorded */
		if (a->img->externs[i].weak)
			a->img->externs[i].weak = false;
	again_mem_open(&a->mem, a->img, a->cpus ? a->cpus : 1);
	make_maps(a);
}

static int make_code(struct again *a, u32 i, struct skep_err *err)
{
	const struct image_prog *p = &a->img->progs[i];
	const struct vm_bind bind = { .insns = p->insns, .nr_insns = p->nr_insns,
		.prog_type = p->type, .maps = a->maps, .nr_maps = a->img->nr_maps,
		.externs = a->img->externs, .nr_externs = a->img->nr_externs, .user = p };
	char where[300];

	if (a->progs[i].code)
		return 0;
	snprintf(where, sizeof(where), "%s:%s", a->file, p->name);
	return vm_code_new(&a->progs[i].code, &bind, VM_CHECKED, where, err);
}

/* ---- runs -------------------------------------------------------------------- */

static int take_run(struct again *a, const struct record_run *in, struct skep_err *err)
{
	if (in->prog >= a->img->nr_progs || !a->progs[in->prog].saw)
		return damaged(a, err, "a run is of a program that tells nothing");
	make_ready(a);
	if (in->cpu >= a->mem.cpus)
		return damaged(a, err, "a run is on a cpu that is not there");
	a->in = *in;
	a->prog = &a->progs[in->prog];
	a->image = &a->img->progs[in->prog];
	a->nr_words = a->at = 0;
	a->cut = a->left = a->ended = false;
	return make_code(a, in->prog, err);
}

static void take_seen(struct again *a, const struct record_seen *s)
{
	a->words = s->words.v;
	a->nr_words = s->words.n / 8;
	a->cut = s->flags & RECORD_SEEN_CUT;
	a->left = s->flags & RECORD_SEEN_LEFT;
}

/* "run 7 of 'on_exec'": what did not go as it went. */
static int not_the_same(const struct again *a, u32 insn, const char *text, struct skep_err *err)
{
	char where[512];
	const struct image_line *line = image_line(a->image, insn);
	int r;

	image_where(where, sizeof(where), a->img, a->image, insn);
	r = err_set(err, ERR_RECORD_DIFFERS, where, "run %" PRIu64 " of '%s' is not what it was in "
		    "the kernel: %s", a->in.number, a->image->name, text);
	if (line && line->text[0])
		err_source(err, line->line, line->col, line->text);
	err_note(err, "instruction %u, after %" PRIu64 " of %" PRIu64 " things that it saw", insn,
		 a->at, a->nr_words);
	return r;
}

static int judge(struct again *a, u64 ret, u32 retval, struct skep_err *err)
{
	const struct vm_fault *f = vm_fault(a->m);
	char text[128];

	if (a->ended)
		return 0;
	if (a->run->stop)
		return not_the_same(a, f->insn, f->text, err);
	if (a->at < a->nr_words) {
		snprintf(text, sizeof(text), "it ends, and had seen %" PRIu64 " things more there",
			 a->nr_words - a->at);
		return not_the_same(a, 0, text, err);
	}
	if (a->left)
		return not_the_same(a, 0, "it ends, and went on in another program there", err);
	if ((u32)ret == retval)
		return 0;
	snprintf(text, sizeof(text), "it gives %" PRId32 ", and gave %" PRId32 " there",
		 (s32)ret, (s32)retval);
	return not_the_same(a, 0, text, err);
}

static int take_result(struct again *a, const struct record_result *r, struct skep_err *err)
{
	struct again_event begin = { .kind = AGAIN_BEGIN }, end = { .kind = AGAIN_END };
	u64 ret;
	int rc;

	if (!a->prog || !a->prog->code)
		return damaged(a, err, "a result is of no run");
	again_mem_run(&a->mem);
	vm_foreign_set(a->m, &a->foreign);
	a->scratch_bytes = 0;
	tell(a, &begin);
	ret = vm_exec(a->m, a->prog->code, a->run, a->budget);
	settle(a);
	rc = judge(a, ret, r->retval, err);
	end.retval = (u32)ret;
	end.cut = a->ended && !a->left;
	end.left = a->ended && a->left;
	tell(a, &end);
	return rc;
}

static int take_update(struct again *a, const struct record_change *c, struct skep_err *err)
{
	make_ready(a);
	if (!is_followed(a, c->map) || c->key.n != a->img->maps[c->map].key_size ||
	    c->value.n != again_value_bytes(&a->mem, c->map))
		return misfit(a, err, "an element is none of a map of the object");
	again_given(&a->mem, c->map, c->key.v, c->value.v);
	return 0;
}

static int check_map(const struct again *a, const struct record_map *m, struct skep_err *err)
{
	return m->index < a->img->nr_maps ? 0 : damaged(a, err, "there is no such map");
}

int again_item(struct again *a, const struct record_item *item, struct skep_err *err)
{
	if (!a->img && item->kind != RECORD_OBJECT)
		return damaged(a, err, "there is no object");
	switch (item->kind) {
	case RECORD_OBJECT:
		return take_object(a, &item->object, err);
	case RECORD_OPTION:
		return take_option(a, &item->option, err);
	case RECORD_PROG:
		return take_prog(a, &item->prog, err);
	case RECORD_PLAN:
		return take_plan(a, &item->plan, err);
	case RECORD_DATA:
		return take_data(a, &item->data, err);
	case RECORD_UPDATE:
		return take_update(a, &item->change, err);
	case RECORD_RUN:
		return take_run(a, &item->run, err);
	case RECORD_SEEN:
		take_seen(a, &item->seen);
		return 0;
	case RECORD_RESULT:
		return take_result(a, &item->result, err);
	case RECORD_MAP:
		make_ready(a);
		return check_map(a, &item->map, err);
	case RECORD_TAPED: case RECORD_END:
		return 0;
	default:
		return damaged(a, err, "an item is none of recordings of the kernel");
	}
}

enum again_map again_compare(const struct again *a, const struct record_map *m)
{
	return again_map_is(&a->mem, m);
}

const struct image *again_image(const struct again *a) { return a->img; }

void again_limit(struct again *a, u64 insns) { a->budget = insns; }

struct again *again_new(const char *file, again_fn fn, void *arg)
{
	struct again *a = mem_alloc(sizeof(*a));

	a->file = mem_strdup(file);
	a->fn = fn;
	a->arg = arg;
	a->budget = BUDGET;
	a->m = vm_machine_new();
	a->run = mem_alloc(sizeof(*a->run));
	a->foreign = (struct vm_foreign){ a, on_load, on_store, on_atomic, on_loop, on_packet,
					  on_call };
	return a;
}

void again_free(struct again *a)
{
	if (!a)
		return;
	if (a->maps)
		again_mem_close(&a->mem);
	for (u32 i = 0; a->img && i < a->img->nr_progs; i++)
		vm_code_free(a->progs[i].code);
	image_free(a->img);
	vm_machine_free(a->m);
	free(a->run);
	free(a->progs);
	free(a->maps);
	free(a->file);
	free(a);
}
