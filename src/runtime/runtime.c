/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runtime.c: struct backend over maps, vm and hosts. A program runs through
 * the host of its type, which makes the context and reads it afterwards.
 */
#include "runtime/runtime.h"
#include "call/call.h"
#include "base/vec.h"
#include "maps/map.h"
#include "vm/vm.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct runtime_prog {
	const struct image *img;
	const struct image_prog *prog;
	const struct host *host;
	struct vm_code *code;
	struct vm_map *maps;	/* what the code is bound to */
	bool in_place;		/* may run on a packet without room around it */
};

struct runtime {
	struct backend b;	/* first */
	struct runtime_opts opts;
	VEC(struct map *) maps;
	VEC(struct runtime_prog *) progs;
	struct vm_machine *machine;
	struct run run;
	u8 *buffer;		/* of the host in use */
	u64 buffer_bytes;
};

static struct runtime *rt_of(struct backend *b)
{
	return (struct runtime *)b;
}

/* ---- maps --------------------------------------------------------------- */

static struct map *rt_map(struct backend *b, u32 map)
{
	struct runtime *rt = rt_of(b);

	return map < rt->maps.n ? rt->maps.v[map] : NULL;
}

/* A section of global data is stored once, before programs can see it. */
static int map_fill(struct map *m, const struct image_map *def, struct skep_err *err)
{
	u32 zero = 0;
	int r = 0;

	if (def->init)
		r = map_user_update(m, &zero, def->init, BPF_ANY);
	if (!r && def->kind == IMAGE_MAP_RODATA)
		r = map_freeze(m);
	if (r)
		return err_set(err, ERR_MAP_UPDATE, NULL, "initial contents of map '%s': %s",
			       def->name, strerror(-r));
	return 0;
}

static int rt_map_create(struct backend *b, const struct image_map *def,
			 struct skep_err *err)
{
	struct runtime *rt = rt_of(b);
	const struct map_attr attr = {
		.name = def->name, .type = def->type, .key_size = def->key_size,
		.value_size = def->value_size, .max_entries = def->max_entries,
		.map_flags = def->map_flags, .map_extra = def->map_extra,
		.lock_at = def->lock_at,
	};
	struct map *m;
	int r = map_create(&m, &attr, rt->opts.cpus, err);

	if (r)
		return r;
	r = map_fill(m, def, err);
	if (r)
		map_free(m);
	else
		*vec_push(&rt->maps) = m;
	return r;
}

static int rt_map_info(struct backend *b, u32 map, struct map_info *info)
{
	struct map *m = rt_map(b, map);

	if (!m)
		return -EBADF;
	*info = (struct map_info){
		.name = m->name, .row = m->row, .key_size = m->key_size,
		.value_size = m->value_size, .max_entries = m->max_entries,
		.map_flags = m->map_flags, .value_bytes = map_user_value_bytes(m),
		.value_stride = m->value_stride, .cpus = m->row->percpu ? m->cpus : 1,
		.count = m->ops->count(m),
	};
	return 0;
}

static int rt_map_lookup(struct backend *b, u32 map, const void *key, void *value, u64 flags)
{
	struct map *m = rt_map(b, map);

	return m ? map_user_lookup(m, key, value, flags) : -EBADF;
}

static int rt_map_update(struct backend *b, u32 map, const void *key, const void *value, u64 flags)
{
	struct map *m = rt_map(b, map);

	return m ? map_user_update(m, key, value, flags) : -EBADF;
}

static int rt_map_delete(struct backend *b, u32 map, const void *key)
{
	struct map *m = rt_map(b, map);

	return m ? map_user_delete(m, key) : -EBADF;
}

static int rt_map_next_key(struct backend *b, u32 map, const void *key, void *next)
{
	struct map *m = rt_map(b, map);

	return m ? map_user_next_key(m, key, next) : -EBADF;
}

static int rt_map_freeze(struct backend *b, u32 map)
{
	struct map *m = rt_map(b, map);

	return m ? map_freeze(m) : -EBADF;
}

/* ---- programs ------------------------------------------------------------ */

static const struct host *find_host(const struct runtime *rt, u32 prog_type)
{
	for (const struct host *const *h = rt->opts.hosts; *h; h++)
		if ((*h)->prog_type == prog_type)
			return *h;
	return NULL;
}

static struct vm_map *bind_maps(struct runtime *rt, const struct image *img, const u32 *maps)
{
	struct vm_map *vm = mem_alloc(img->nr_maps * sizeof(*vm));

	for (u32 i = 0; i < img->nr_maps; i++) {
		struct map *m = rt->maps.v[maps[i]];

		vm[i] = (struct vm_map){ .map = m, .key_size = m->key_size,
			.value_size = m->value_size, .mem = m->ops->values(m) };
	}
	return vm;
}

static void prog_free(struct runtime_prog *p)
{
	vm_code_free(p->code);
	free(p->maps);
	free(p);
}

static int prog_decode(struct runtime *rt, struct runtime_prog *p, const u32 *maps,
		       struct skep_err *err)
{
	const struct image_prog *ip = p->prog;
	struct vm_bind bind = {
		.insns = ip->insns, .nr_insns = ip->nr_insns, .prog_type = ip->type,
		.nr_maps = p->img->nr_maps, .helper = call_helper,
		.ctx = ctx_desc(ip->type), .user = p,
	};
	char where[256];

	bind.maps = p->maps = bind_maps(rt, p->img, maps);
	snprintf(where, sizeof(where), "%s:%s", p->img->file, ip->name);
	return vm_code_new(&p->code, &bind, VM_CHECKED, where, err);
}

/* Whether a packet has the same bounds before and after the program. */
static bool keeps_bounds(const struct image_prog *prog)
{
	for (u32 i = 0; i < prog->nr_insns; i++) {
		const struct bpf_insn *in = &prog->insns[i];

		if (in->code == (BPF_JMP | BPF_CALL) && !in->src_reg &&
		    (in->imm == BPF_FUNC_tail_call || helper_moves_packet((u32)in->imm)))
			return false;
	}
	return true;
}

/* What programs of host H run with. */
static int rt_ready(struct runtime *rt, const struct host *h, struct skep_err *err)
{
	if (!rt->machine)
		rt->machine = vm_machine_new();
	if (rt->buffer_bytes >= h->buffer_bytes)
		return 0;
	os_unmap(rt->buffer, rt->buffer_bytes);
	rt->buffer = os_map_lazy(h->buffer_bytes);
	rt->buffer_bytes = rt->buffer ? h->buffer_bytes : 0;
	if (!rt->buffer)
		return err_set(err, ERR_NO_MEM, NULL,
			       "no memory for a packet buffer of %" PRIu64 " bytes",
			       h->buffer_bytes);
	return 0;
}

static int rt_prog_load(struct backend *b, const struct image *img, u32 prog,
			const u32 *maps, struct skep_err *err)
{
	struct runtime *rt = rt_of(b);
	struct runtime_prog *p = mem_alloc(sizeof(*p));
	const struct progtype_row *row = progtype_row(img->progs[prog].type);
	int r;

	p->img = img;
	p->prog = &img->progs[prog];
	p->host = find_host(rt, p->prog->type);
	if (p->prog->type == BPF_PROG_TYPE_UNSPEC)
		r = err_set(err, ERR_SEC_NAME, img->file,
			    "program '%s': section '%s' names no program type",
			    p->prog->name, p->prog->section);
	else if (!p->host)
		r = err_set(err, ERR_PROG_TYPE, img->file,
			    "program '%s' is of type %s, which the embedded engine cannot run yet",
			    p->prog->name, row ? row->name : "unspecified");
	else
		r = rt_ready(rt, p->host, err);
	p->in_place = p->host && p->host->same_context && keeps_bounds(p->prog);
	if (!r)
		r = prog_decode(rt, p, maps, err);
	if (r)
		prog_free(p);
	else
		*vec_push(&rt->progs) = p;
	return r;
}

static const struct vm_code *rt_tail_target(struct run *run, struct map *map, u32 index)
{
	struct runtime *rt = (struct runtime *)((u8 *)run - offsetof(struct runtime, run));
	s64 prog = map->type == BPF_MAP_TYPE_PROG_ARRAY ? map_fd_slot(map, index) : -1;

	return prog < 0 || (u64)prog >= rt->progs.n ? NULL : rt->progs.v[prog]->code;
}

/* ---- running -------------------------------------------------------------- */

static enum err_id fault_err(enum vm_fault_kind kind)
{
	switch (kind) {
	case VM_FAULT_BUDGET:
		return ERR_BUDGET;
	case VM_FAULT_FRAMES:
		return ERR_FRAMES;
	case VM_FAULT_HELPER:
		return ERR_HELPER;
	default:
		return ERR_FAULT;
	}
}

static int rt_fault(const struct runtime *rt, struct skep_err *err)
{
	const struct vm_fault *f = vm_fault(rt->machine);
	const struct runtime_prog *p = f->user;
	const struct image_line *line = image_line(p->prog, f->insn);
	const struct image_func *func = image_func(p->prog, f->insn);
	char where[512];
	int r;

	image_where(where, sizeof(where), p->img, p->prog, f->insn);
	r = err_set(err, fault_err(f->kind), where, "%s", f->text);
	if (line && line->text[0])
		err_source(err, line->line, line->col, line->text);
	if (func && strcmp(func->name, p->prog->name))
		err_note(err, "in '%s', program '%s', instruction %u", func->name, p->prog->name,
			 f->insn);
	else
		err_note(err, "program '%s', instruction %u", p->prog->name, f->insn);
	if (f->kind == VM_FAULT_BUDGET)
		err_help(err, "a longer run needs --budget N (struct skep_run.budget)");
	return r;
}

static int run_once(struct runtime *rt, const struct runtime_prog *p, struct test_run *t,
		    struct skep_err *err)
{
	u64 ret;
	int r = p->host->begin(&rt->run, rt->buffer, t, err);

	if (r)
		return r;
	ret = vm_exec(rt->machine, p->code, &rt->run, t->budget);
	if (unlikely(rt->run.stop))
		return rt_fault(rt, err);
	t->retval = (u32)ret;
	t->insns = rt->run.insns;
	if (p->host->finish) {
		p->host->finish(&rt->run, t);
		return 0;
	}
	t->data_out = rt->run.pkt.data;
	t->bytes_out = (u32)(rt->run.pkt.data_end - rt->run.pkt.data);
	t->redirect_ifindex = rt->run.xdp.redirect_ifindex;
	return 0;
}

/* Apart, so that one run is a short function. */
__attribute__((noinline))
static int run_many(struct runtime *rt, const struct runtime_prog *p, struct test_run *t,
		    struct skep_err *err)
{
	u64 start = os_clock_ns();
	int r = 0;

	for (u32 i = 0; !r && i < t->repeat; i++)
		r = run_once(rt, p, t, err);
	t->duration_ns = (os_clock_ns() - start) / t->repeat;
	return r;
}

static int no_prog(u32 prog, struct skep_err *err)
{
	return err_set(err, ERR_RUN, NULL, "there is no program number %u", prog);
}

static int rt_test_run(struct backend *b, u32 prog, struct test_run *t, struct skep_err *err)
{
	struct runtime *rt = rt_of(b);

	if (unlikely(prog >= rt->progs.n))
		return no_prog(prog, err);
	if (unlikely(t->repeat > 1))
		return run_many(rt, rt->progs.v[prog], t, err);
	return run_once(rt, rt->progs.v[prog], t, err);
}

static int batch_copied(struct runtime *rt, const struct runtime_prog *p, struct test_run *t,
			struct test_packet *pkts, u32 *n, struct skep_err *err)
{
	for (u32 i = 0; i < *n; i++) {
		int r;

		t->data = pkts[i].data;
		t->bytes = pkts[i].bytes;
		r = run_once(rt, p, t, err);
		if (unlikely(r)) {
			*n = i;
			return r;
		}
		pkts[i].retval = t->retval;
	}
	return 0;
}

/* The context is made for the first packet; the program runs on the packets
 * where they lie. */
static int batch_in_place(struct runtime *rt, const struct runtime_prog *p,
			  const struct test_run *t, struct test_packet *pkts, u32 *n,
			  struct skep_err *err)
{
	const struct test_run none = { .ifindex = t->ifindex, .rx_queue = t->rx_queue };
	int r = p->host->begin(&rt->run, rt->buffer, &none, err);

	for (u32 i = 0; !r && i < *n; i++) {
		run_packet(&rt->run, pkts[i].data, pkts[i].bytes);
		pkts[i].retval = (u32)vm_exec(rt->machine, p->code, &rt->run, t->budget);
		if (unlikely(rt->run.stop)) {
			*n = i;
			return rt_fault(rt, err);
		}
	}
	return r;
}

static int rt_test_run_batch(struct backend *b, u32 prog, struct test_run *t,
			     struct test_packet *pkts, u32 *n, struct skep_err *err)
{
	struct runtime *rt = rt_of(b);
	const struct runtime_prog *p;

	if (unlikely(prog >= rt->progs.n))
		return no_prog(prog, err);
	p = rt->progs.v[prog];
	return p->in_place ? batch_in_place(rt, p, t, pkts, n, err) :
			     batch_copied(rt, p, t, pkts, n, err);
}

/* ---- open and close --------------------------------------------------------- */

static void rt_close(struct backend *b)
{
	struct runtime *rt = rt_of(b);

	for (size_t i = 0; i < rt->progs.n; i++)
		prog_free(rt->progs.v[i]);
	for (size_t i = 0; i < rt->maps.n; i++)
		map_free(rt->maps.v[i]);
	vec_free(&rt->progs);
	vec_free(&rt->maps);
	if (rt->machine)
		vm_machine_free(rt->machine);
	os_unmap(rt->buffer, rt->buffer_bytes);
	free(rt);
}

static const struct backend_ops rt_ops = {
	.name = "user",
	.close = rt_close,
	.map_create = rt_map_create,
	.map_info = rt_map_info,
	.map_lookup = rt_map_lookup,
	.map_update = rt_map_update,
	.map_delete = rt_map_delete,
	.map_next_key = rt_map_next_key,
	.map_freeze = rt_map_freeze,
	.prog_load = rt_prog_load,
	.test_run = rt_test_run,
	.test_run_batch = rt_test_run_batch,
};

int runtime_open(struct backend **out, const struct runtime_opts *opts,
		 struct skep_err *err)
{
	struct runtime *rt = mem_alloc(sizeof(*rt));

	rt->b.ops = &rt_ops;
	rt->opts = *opts;
	if (!rt->opts.cpus)
		rt->opts.cpus = (u32)os_cpu_count();
	rt->run.rand = opts->rand_seed ? opts->rand_seed : os_clock_ns();
	rt->run.print = opts->print;
	rt->run.print_arg = opts->print_arg;
	rt->run.tail_target = rt_tail_target;
	*out = &rt->b;
	return 0;
}
