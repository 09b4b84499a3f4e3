/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runtime.c: struct backend over maps, vm and hosts. A program runs through
 * the host of its type, which makes the context and reads it afterwards.
 */
#include "runtime/private.h"
#include "call/call.h"
#include "call/fib.h"
#include "call/object.h"
#include "call/timer.h"
#include "btf/core.h"
#include "isa/isa.h"
#include "maps/share.h"
#include "jit/jit.h"
#include "model/rewrite.h"
#include <inttypes.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- maps --------------------------------------------------------------- */

/* ---- maps for everybody -------------------------------------------------------- */

/* A section of global data is stored once, before programs can see it. */
static int map_fill(struct map *m, const struct image_map *def, struct skep_err *err)
{
	u32 zero = 0;
	int r = 0;

	if (m->window && def->init)
		memcpy(m->elems, def->init, def->init_bytes);
	else if (def->init && def->type != BPF_MAP_TYPE_STRUCT_OPS)
		r = map_user_update(m, &zero, def->init, BPF_ANY);
	if (!r && def->kind == IMAGE_MAP_RODATA)
		r = map_freeze(m);
	if (r)
		return err_set(err, ERR_MAP_UPDATE, NULL, "initial contents of map '%s': %s",
			       def->name, strerror(-r));
	return 0;
}

static struct map_attr attr_of(const struct image_map *def)
{
	struct map_attr a = {
		.name = def->name, .type = def->type, .key_size = def->key_size,
		.value_size = def->value_size, .max_entries = def->max_entries,
		.map_flags = def->map_flags, .map_extra = def->map_extra,
		.lock_at = def->lock_at, .timer_at = def->timer_at,
		.work_at = def->work_at,
		.nr_kptrs = def->nr_kptrs,
	};

	memcpy(a.kptrs, def->kptrs, sizeof(a.kptrs));
	memcpy(a.kptr_types, def->kptr_types, sizeof(a.kptr_types));
	return a;
}

static struct sock *rt_sock_of(void *arg, u32 n)
{
	const struct runtime *rt = arg;

	return n < rt->socks.n ? &rt->socks.v[n] : NULL;
}

/* The list is copied: its names stay the caller's. */
static int rt_sockets(struct backend *b, const struct sock *v, u32 n)
{
	struct runtime *rt = rt_of(b);

	if (rt->socks.v)
		return -EBUSY;
	rt->socks.v = mem_alloc((n + 1ull) * sizeof(*v));
	if (n)
		memcpy(rt->socks.v, v, n * sizeof(*v));
	rt->socks.n = n;
	rt->socks.described = true;
	return 0;
}

static int rt_map_create(struct backend *b, const struct image_map *def,
			 struct skep_err *err)
{
	struct runtime *rt = rt_of(b);
	struct map_attr attr = attr_of(def), inner;
	struct map *m;
	int r;

	if (def->inner) {
		inner = attr_of(def->inner);
		attr.inner = &inner;
	}
	attr.sock_of = rt_sock_of;
	attr.sock_arg = rt;
	r = runtime_map_make(rt, &attr, &m, err);
	if (r)
		return r;
	m->variables = def->kind == IMAGE_MAP_DATA;
	r = map_fill(m, def, err);
	if (r)
		map_free(m);
	else
		runtime_map_add(rt, m);
	return r;
}

static int rt_map_info(struct backend *b, u32 map, struct map_info *info)
{
	struct map *m = rt_map(b, map);
	struct map_counts did;

	if (!m)
		return -EBADF;
	map_counts(m, &did);
	*info = (struct map_info){
		.name = m->name, .row = m->row, .key_size = m->key_size,
		.value_size = m->value_size, .max_entries = m->max_entries,
		.map_flags = m->map_flags, .value_bytes = map_user_value_bytes(m),
		.value_stride = m->value_stride, .cpus = m->row->percpu ? m->cpus : 1,
		.count = m->ops->count(m), .lost = m->ops->lost ? m->ops->lost(m) : 0,
		.frozen = map_is_frozen(m), .path = share_path(m), .torn = share_torn(m),
		.users = share_users(m), .watched = map_watched(m), .lookups = did.lookups,
		.hits = did.hits, .updates = did.updates, .deletes = did.deletes,
	};
	return 0;
}

static int rt_map_watch(struct backend *b, u32 map, bool on)
{
	struct map *m = rt_map(b, map);

	return m ? map_watch(m, on) : -EBADF;
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

	for (u32 i = 0; i < img->nr_maps; i++)
		vm[i] = rt->maps.v[maps[i]]->vm;
	return vm;
}

static void prog_free(struct runtime_prog *p)
{
	runtime_gdb_forget(p);
	jit_free(p->jit);
	vm_code_free(p->code);
	free(p->maps);
	free(p);
}

static int prog_decode(struct runtime *rt, struct runtime_prog *p, const u32 *maps,
		       const struct rewrite *code, struct skep_err *err)
{
	const struct image_prog *ip = p->prog;
	struct vm_bind bind = {
		.insns = ip->insns, .nr_insns = ip->nr_insns, .prog_type = ip->type,
		.nr_maps = p->img->nr_maps, .helper = call_helper, .kfunc = call_kfunc,
		.ctx = ctx_desc(ip->type), .user = p,
		.externs = p->img->externs, .nr_externs = p->img->nr_externs,
		.instead = call_taped, .tape = rt->opts.tape,
		.noted = rt->opts.sampled,
	};
	char where[256];
	int r;

	bind.maps = p->maps = bind_maps(rt, p->img, maps);
	p->rw = code;
	if (code) {
		bind.insns = code->insns;
		bind.nr_insns = code->nr_insns;
		bind.origin = code->origin;
		bind.stale_stack = code->stale_stack;
	}
	snprintf(where, sizeof(where), "%s:%s", p->img->file, ip->name);
	r = vm_code_new(&p->code, &bind, code ? VM_FAST : VM_CHECKED, where, err);
	if (!r)
		runtime_compile(rt, p, code, where);
	return r;
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

/* Whether what becomes of a packet may take more than its verdict. */
static bool forwards(const struct image_prog *prog, const struct image *img)
{
	bool maps = false, calls = false;

	for (u32 i = 0; i < img->nr_maps; i++)
		maps |= img->maps[i].type == BPF_MAP_TYPE_DEVMAP ||
			img->maps[i].type == BPF_MAP_TYPE_DEVMAP_HASH ||
			img->maps[i].type == BPF_MAP_TYPE_CPUMAP;
	for (u32 i = 0; maps && i < prog->nr_insns; i++)
		calls |= prog->insns[i].code == (BPF_JMP | BPF_CALL) && !prog->insns[i].src_reg &&
			 prog->insns[i].imm == BPF_FUNC_redirect_map;
	return calls;
}

/* What programs of host H run with. */
static void rt_ready(struct runtime *rt, const struct host *h)
{
	rt->buffer_bytes = max_u64(rt->buffer_bytes, h->buffer_bytes);
	runtime_changed(rt);
}

static int no_type(const struct image *img, const struct image_prog *p, struct skep_err *err)
{
	const char *near = sec_nearest(p->section);

	err_set(err, ERR_SEC_NAME, img->file, "program '%s': section '%s' names no program type",
		p->name, p->section);
	if (near)
		err_help(err, "did you mean SEC(\"%s\")?", near);
	return err ? err->code : -EINVAL;
}

static int rt_prog_load(struct backend *b, const struct image *img, u32 prog,
			const u32 *maps, const struct rewrite *code, struct skep_err *err)
{
	struct runtime *rt = rt_of(b);
	struct runtime_prog *p = mem_alloc(sizeof(*p));
	const struct progtype_row *row = progtype_row(img->progs[prog].type);
	int r;

	p->img = img;
	rt->run.btf = img->btf;
	p->prog = &img->progs[prog];
	p->host = find_host(rt, p->prog->type);
	if (p->prog->type == BPF_PROG_TYPE_UNSPEC)
		r = no_type(img, p->prog, err);
	else if (!p->host)
		r = err_set(err, ERR_PROG_TYPE, img->file,
			    "program '%s' is of type %s, which the embedded engine cannot run yet",
			    p->prog->name, row ? row->name : "unspecified");
	else
		r = runtime_check_calls(p, err);
	if (!r)
		rt_ready(rt, p->host);
	p->in_place = p->host && p->host->same_context && keeps_bounds(p->prog) &&
		      !forwards(p->prog, img);
	if (!r)
		r = prog_decode(rt, p, maps, code, err);
	if (!r && p->tier.tier == TIER_AOT)
		r = runtime_aot_fill(rt, p, code, err);
	if (!r && (rt->opts.counts || rt->opts.sampled) && !code)
		vm_count(p->code);
	if (!r)
		p->budget = vm_budget(p->code, 0);
	if (r) {
		prog_free(p);
		return r;
	}
	runtime_single_judge(p, code);
	*vec_push(&rt->progs) = p;
	runtime_new_tickets(rt);
	return r;
}

static void rt_prog_tier(struct backend *b, u32 prog, struct prog_tier *t)
{
	*t = rt_of(b)->progs.v[prog]->tier;
}

static const u64 *rt_prog_counts(struct backend *b, u32 prog, const u64 **away)
{
	const struct vm_counts c = vm_code_counts(rt_of(b)->progs.v[prog]->code);

	*away = c.away;
	return c.at;
}

static const struct jit_code *rt_prog_native(struct backend *b, u32 prog)
{
	return rt_of(b)->progs.v[prog]->jit;
}

static const struct vm_code *rt_tail_target(struct run *run, struct map *map, u32 index)
{
	struct runtime *rt = rt_of_run(run);
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

/* The program reached what the target's types have no value for. */
static int core_fault(const struct image *img, const struct image_core *core,
		      const char *where, struct skep_err *err)
{
	struct strbuf text = { 0 };
	int r;

	core_describe(&text, img->btf, &core->relo);
	r = err_set(err, ERR_CORE, where, "CO-RE relocation of %s failed: %s", sb_text(&text),
		    core->reason);
	sb_free(&text);
	return r;
}

int runtime_fault(const struct seat *s, struct skep_err *err)
{
	const struct vm_fault *f = vm_fault(s->machine);
	const struct runtime_prog *p = f->user;
	const struct image_line *line = image_line(p->prog, f->insn);
	const struct image_func *func = image_func(p->prog, f->insn);
	const struct image_core *core = image_core(p->prog, f->insn);
	char where[512];
	int r;

	image_where(where, sizeof(where), p->img, p->prog, f->insn);
	if (f->kind == VM_FAULT_HELPER && core)
		r = core_fault(p->img, core, where, err);
	else
		r = err_set(err, fault_err(f->kind), where, "%s", f->text);
	if (line && line->text[0])
		err_source(err, line->line, line->col, line->text);
	if (func && strcmp(func->name, p->prog->name))
		err_note(err, "in '%s', program '%s', instruction %u", func->name, p->prog->name,
			 f->insn);
	else
		err_note(err, "program '%s', instruction %u", p->prog->name, f->insn);
	if (f->kind == VM_FAULT_HELPER && core)
		err_help(err, "choose with bpf_core_field_exists() and a second flavour of the "
			 "struct, or give another kernel's types with --btf FILE");
	if (f->kind == VM_FAULT_BUDGET)
		err_help(err, "a longer run needs --budget N (struct skep_run.budget)");
	return r;
}

/* ---- timers ---------------------------------------------------------------- */

enum { CALLBACKS_MAX = 1 << 20 };	/* between two executions */

static const struct vm_code *code_with(const struct runtime *rt, u64 func)
{
	for (size_t i = 0; i < rt->progs.n; i++)
		if (vm_code_holds(rt->progs.v[i]->code, func))
			return rt->progs.v[i]->code;
	return NULL;
}

/* The callback gets a copy of the key: it may delete the element. */
static int timer_callback(struct seat *s, const struct timer_call *c, u64 budget,
			  struct skep_err *err)
{
	const struct vm_code *code = code_with(s->rt, c->func);
	u8 *key = mem_alloc(c->map->key_size);
	const u64 args[3] = { (uintptr_t)c->map, (uintptr_t)key, (uintptr_t)c->value };
	int r = 0;

	map_value_key(c->map, c->value, key);
	s->run.clock.ns = max_u64(s->run.clock.ns, c->at);
	run_enter(s);
	if (code)
		vm_exec_func(s->machine, code, &s->run, c->func, args, c->map->key_size,
			     vm_budget(code, budget));
	run_leave(s);
	if (code && s->run.stop) {
		r = runtime_fault(s, err);
		err_note(err, "in the callback of a timer in map '%s'", c->map->name);
	}
	free(key);
	return r;
}

/* All that are due at NOW, in their order. */
static int timers_due(struct seat *s, u64 now, u64 budget, struct skep_err *err)
{
	struct timer_call c;
	int r = 0;

	for (u32 n = 0; !r && timers_take(s->run.timers, s->run.cpu, now, &c); n++) {
		if (n == CALLBACKS_MAX)
			return err_set(err, ERR_BUDGET, NULL, "timers of map '%s' start each "
				       "other without end: %d callbacks between two packets",
				       c.map->name, CALLBACKS_MAX);
		r = timer_callback(s, &c, budget, err);
	}
	if (r)
		timers_done(s->run.timers, s->run.cpu);
	return r;
}

/* A virtual clock is one for all threads. */
static u64 clock_on(struct runtime *rt, u64 now_ns)
{
	u64 now = __atomic_load_n(&rt->now, __ATOMIC_RELAXED);

	while (now < now_ns && !__atomic_compare_exchange_n(&rt->now, &now, now_ns, true,
							    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	return max_u64(now, now_ns);
}

/* Before an execution at NOW_NS: the clock, and timers that were due before. */
static inline int tick(struct seat *s, u64 now_ns, u64 budget, struct skep_err *err)
{
	struct run_clock *clock = &s->run.clock;
	int r = 0;

	if (unlikely(__atomic_load_n(&s->rt->dead, __ATOMIC_RELAXED)))
		runtime_reap(s->rt);
	if (unlikely(s->run.timers && timers_waiting(s->run.timers)))
		r = timers_due(s, clock->is_virtual ? max_u64(now_ns, clock->ns) :
			       os_clock_ns(), budget, err);
	if (clock->is_virtual)
		clock->ns = clock_on(s->rt, max_u64(clock->ns, now_ns));
	return r;
}

static int rt_timers_run(struct backend *b, u64 now_ns, u64 budget, u32 *waiting,
			 struct skep_err *err)
{
	struct seat *s;
	int r = runtime_seat_run(rt_of(b), &s, err);

	if (!r)
		r = tick(s, now_ns, budget, err);
	*waiting = r != -EAGAIN && s->run.timers ? timers_waiting(s->run.timers) : 0;
	return r;
}

/* ---- executions -------------------------------------------------------------- */

static inline u64 exec(struct seat *s, const struct runtime_prog *p, u64 budget)
{
	return vm_exec(s->machine, p->code, &s->run, budget ? budget : p->budget);
}

int runtime_exec(struct seat *s, const struct runtime_prog *p, u64 budget, u32 *ret,
		 struct skep_err *err)
{
	run_enter(s);
	*ret = (u32)exec(s, p, budget);
	run_leave(s);
	return s->run.stop ? runtime_fault(s, err) : 0;
}

static int rt_copy(struct run *run, u32 ifindex)
{
	return forward_copy(seat_of_run(run), XDP_REDIRECT, ifindex);
}

enum { TCX_GOES_ON = UINT32_MAX };	/* TCX_NEXT, as programs return it */

static inline void give_copies(struct seat *s, struct test_run *t)
{
	t->copies = s->copies.v.v;
	t->nr_copies = (u32)s->copies.v.n;
}

/* Does the packet go the way of bpf_redirect_neigh, which makes its header? */
static bool to_neighbour(const struct seat *s, const struct test_run *t)
{
	const struct run *run = &s->run;

	return run->net && !t->alone && t->retval == TC_ACT_REDIRECT &&
	       run->skb.redirect_ifindex && run->skb.redirect_flags & SKB_REDIRECT_NEIGH;
}

/* Makes the context for T. */
static inline int run_begin(struct seat *s, const struct runtime_prog *p,
			    const struct test_run *t, struct skep_err *err)
{
	int r = tick(s, t->now_ns, t->budget, err);

	if (unlikely(s->copies.v.n))
		forward_reset(s);
	if (likely(!r))
		r = p->host->begin(&s->run, s->buffer, t, err);
	s->run.pkt_read_only = p->host->read_only;
	return r;
}

/* The program, and those behind it, in the context as it is. */
static inline int run_exec(struct seat *s, const struct runtime_prog *p, struct test_run *t,
			   struct skep_err *err)
{
	u64 ret;

	run_enter(s);
	ret = exec(s, p, t->budget);
	t->insns = s->run.insns;
	for (u32 i = 0; unlikely(i < t->nr_next) && !s->run.stop && (u32)ret == TCX_GOES_ON; i++) {
		ret = exec(s, s->rt->progs.v[t->next[i]], t->budget);
		t->insns += s->run.insns;
	}
	run_leave(s);
	t->retval = (u32)ret;
	return unlikely(s->run.stop) ? runtime_fault(s, err) : 0;
}

/* What became of the packet. */
static inline int run_end(struct seat *s, const struct runtime_prog *p, struct test_run *t,
			  struct skep_err *err)
{
	int r = 0;

	if (p->host->finish) {
		t->unresolved = to_neighbour(s, t) && !fib_neigh_header(&s->run);
		p->host->finish(&s->run, t);
		give_copies(s, t);
		return 0;
	}
	t->data_out = s->run.pkt.data;
	t->bytes_out = packet_bytes(&s->run.pkt);
	t->redirect_ifindex = s->run.xdp.redirect_ifindex;
	t->forwarded = unlikely(!t->alone && forward_wanted(s, t->retval));
	if (t->forwarded)
		r = forward_redirect(s, t->budget, err);
	give_copies(s, t);
	return r;
}

static int run_once(struct seat *s, const struct runtime_prog *p, struct test_run *t,
		    struct skep_err *err)
{
	int r = run_begin(s, p, t, err);

	if (likely(!r))
		r = run_exec(s, p, t, err);
	return likely(!r) ? run_end(s, p, t, err) : r;
}

/* What a run left that the next must not find: copies, the machine of another program. */
__attribute__((noinline))
static void repeat_again(struct seat *s, const struct runtime_prog *p, u64 budget, helper_fn *fn)
{
	if (s->copies.v.n)
		forward_reset(s);
	vm_many_end(s->machine);
	vm_many(s->machine, p->code, &s->run, budget, fn);
}

/* The repeated runs of a compiled program that nothing is needed for but itself; false: this
 * is none. */
static bool repeat_compiled(struct seat *s, const struct runtime_prog *p, struct test_run *t)
{
	const struct vm_code *const *ready = vm_many_ready(s->machine);
	u64 budget = t->budget ? t->budget : p->budget;
	struct run *run = &s->run;
	helper_fn fn;

	if (run->clock.is_virtual || run->timers || t->nr_next ||
	    !vm_many(s->machine, p->code, run, budget, &fn))
		return false;
	for (u32 i = 0; i < t->repeat && !run->stop; i++) {
		if (unlikely(__atomic_load_n(&s->rt->dead, __ATOMIC_RELAXED)))
			runtime_reap(s->rt);
		if (unlikely(*ready != p->code || s->copies.v.n))
			repeat_again(s, p, budget, &fn);
		run->left = (s64)budget;
		run->frames = NULL;
		run_begins(run);
		t->retval = (u32)fn((u64)run, 0, 0, 0, 0, run);
		run_ends(run);
	}
	t->insns = 0;
	return true;
}

/*
 * As the kernel's test run repeats: each run finds the packet and its context as the one
 * before left them. Of what they sent on their way only the last one's is kept.
 */
__attribute__((noinline))
static int run_many(struct seat *s, const struct runtime_prog *p, struct test_run *t,
		    struct skep_err *err)
{
	int r = run_begin(s, p, t, err);
	u64 start = os_clock_thread_ns();
	bool done = !r && repeat_compiled(s, p, t);

	if (done && s->run.stop) {
		vm_many_end(s->machine);
		return runtime_fault(s, err);
	}
	for (u32 i = 0; !done && !r && i < t->repeat; i++) {
		if (i)
			r = tick(s, t->now_ns, t->budget, err);
		if (unlikely(s->copies.v.n))
			forward_reset(s);
		if (likely(!r))
			r = run_exec(s, p, t, err);
	}
	t->duration_ns = (os_clock_thread_ns() - start) / t->repeat;
	return r ? r : run_end(s, p, t, err);
}

static int no_prog(u32 prog, struct skep_err *err)
{
	return err_set(err, ERR_RUN, NULL, "there is no program number %u", prog);
}

static int rt_test_run(struct backend *b, u32 prog, struct test_run *t, struct skep_err *err)
{
	struct seat *s;
	int r = runtime_seat_run(rt_of(b), &s, err);

	if (unlikely(r))
		return r;
	if (unlikely(prog >= s->rt->progs.n))
		return no_prog(prog, err);
	if (unlikely(t->repeat > 1))
		return run_many(s, s->rt->progs.v[prog], t, err);
	return run_once(s, s->rt->progs.v[prog], t, err);
}

static int batch_copied(struct seat *s, const struct runtime_prog *p, struct test_run *t,
			struct test_packet *pkts, u32 *n, struct skep_err *err)
{
	for (u32 i = 0; i < *n; i++) {
		int r;

		t->data = pkts[i].data;
		t->bytes = pkts[i].bytes;
		r = run_once(s, p, t, err);
		if (unlikely(r < 0)) {
			*n = i;
			return r;
		}
		pkts[i].left_out = r > 0;
		pkts[i].retval = t->retval;
		pkts[i].redirect_ifindex = t->redirect_ifindex;
	}
	return 0;
}

/* A packet of several fragments among packets that run where they lie. */
static int batch_one_copied(struct seat *s, const struct runtime_prog *p,
			    const struct test_run *t, struct test_packet *pkt,
			    struct skep_err *err)
{
	struct test_run one = *t;
	int r;

	one.data = pkt->data;
	one.bytes = pkt->bytes;
	r = run_once(s, p, &one, err);
	if (r)
		return r;
	memcpy(pkt->data, one.data_out, pkt->bytes);
	pkt->retval = one.retval;
	pkt->redirect_ifindex = one.redirect_ifindex;
	pkt->left_out = false;
	return 0;
}

/* Of a program that leaves nothing behind (single.c): r0, and the packet's bounds before. */
static u32 many_plain(struct run *run, const struct runtime *rt, helper_fn fn,
		      struct test_packet *pkts, u32 n)
{
	u32 i;

	for (i = 0; i < n && pkts[i].bytes <= XDP_LINEAR_BYTES; i++) {
		if (unlikely(__atomic_load_n(&rt->dead, __ATOMIC_RELAXED)))
			break;
		run->pkt.data = pkts[i].data;
		run->pkt.data_end = pkts[i].data + pkts[i].bytes;
		pkts[i].retval = (u32)fn((u64)run, 0, 0, 0, 0, run);
		pkts[i].redirect_ifindex = 0;
		pkts[i].left_out = false;
		if (unlikely(run->stop))
			break;
	}
	return i;
}

static u32 many_others(struct run *run, const struct runtime *rt, helper_fn fn,
		       struct test_packet *pkts, u32 n, u64 budget)
{
	u32 i;

	for (i = 0; i < n && pkts[i].bytes <= XDP_LINEAR_BYTES; i++) {
		if (unlikely(__atomic_load_n(&rt->dead, __ATOMIC_RELAXED)))
			break;
		run_packet(run, pkts[i].data, pkts[i].bytes);
		run->left = (s64)budget;
		run->frames = NULL;
		pkts[i].retval = (u32)fn((u64)run, 0, 0, 0, 0, run);
		pkts[i].redirect_ifindex = run->xdp.redirect_ifindex;
		pkts[i].left_out = false;
		if (unlikely(run->stop))
			break;
	}
	return i;
}

/*
 * Compiled programs: the packets that nothing but the program is needed for, *DONE how many.
 * All of them, but for fragments and timers that wait.
 */
static int many_compiled(struct seat *s, const struct runtime_prog *p, const struct test_run *t,
			 struct test_packet *pkts, u32 n, u32 *done, struct skep_err *err)
{
	u64 budget = t->budget ? t->budget : p->budget;
	struct run *run = &s->run;
	helper_fn fn;

	run->pkt_read_only = false;
	if (!n || run->clock.is_virtual || run->timers ||
	    !vm_many(s->machine, p->code, run, budget, &fn))
		return 0;
	*done = p->plain ? many_plain(run, s->rt, fn, pkts, n) :
			   many_others(run, s->rt, fn, pkts, n, budget);
	if (!run->stop)
		return 0;
	vm_many_end(s->machine);
	return runtime_fault(s, err);
}

/* The context is made for the first packet; the program runs on the packets
 * where they lie. */
static int batch_in_place(struct seat *s, const struct runtime_prog *p,
			  const struct test_run *t, struct test_packet *pkts, u32 *n,
			  struct skep_err *err)
{
	const struct test_run none = { .ifindex = t->ifindex, .rx_queue = t->rx_queue };
	int r = p->host->begin(&s->run, s->buffer, &none, err);
	u32 i = 0;

	run_enter(s);		/* for all of them */
	r = r ? r : many_compiled(s, p, t, pkts, *n, &i, err);
	s->run.pkt_read_only = false;
	for (; !r && i < *n; i++) {
		struct test_packet *pkt = &pkts[i];

		if (unlikely(pkt->bytes > XDP_LINEAR_BYTES)) {
			r = batch_one_copied(s, p, t, pkt, err);
			s->run.pkt_read_only = false;
			if (r)
				break;
			continue;
		}
		r = tick(s, 0, t->budget, err);
		if (unlikely(r))
			break;
		run_packet(&s->run, pkt->data, pkt->bytes);
		pkt->retval = (u32)exec(s, p, t->budget);
		pkt->redirect_ifindex = s->run.xdp.redirect_ifindex;
		pkt->left_out = false;
		if (unlikely(s->run.stop)) {
			r = runtime_fault(s, err);
			break;
		}
	}
	run_leave(s);
	if (unlikely(r))
		*n = i;
	return r;
}

static int rt_test_run_batch(struct backend *b, u32 prog, struct test_run *t,
			     struct test_packet *pkts, u32 *n, struct skep_err *err)
{
	const struct runtime_prog *p;
	struct seat *s;
	int r = runtime_seat_run(rt_of(b), &s, err);

	if (unlikely(r)) {
		*n = 0;
		return r;
	}
	if (unlikely(prog >= s->rt->progs.n))
		return no_prog(prog, err);
	p = s->rt->progs.v[prog];
	t->in_place = p->in_place;
	return p->in_place ? batch_in_place(s, p, t, pkts, n, err) :
			     batch_copied(s, p, t, pkts, n, err);
}

/* ---- open and close --------------------------------------------------------- */

static void rt_close(struct backend *b)
{
	struct runtime *rt = rt_of(b);

	for (size_t i = 0; i < rt->progs.n; i++)
		prog_free(rt->progs.v[i]);
	rt->progs.n = 0;	/* maps that go would tell them */
	runtime_maps_free(rt);
	vec_free(&rt->progs);
	runtime_seats_free(rt);
	timers_free(rt->run.timers);
	net_free(rt->opts.net);
	objects_free(rt->run.objects);
	free(rt->socks.v);
	free(rt);
}

static const struct backend_ops rt_ops = {
	.name = "user",
	.close = rt_close,
	.image = rt_image,
	.map_create = rt_map_create,
	.map_info = rt_map_info,
	.map_watch = rt_map_watch,
	.map_lookup = rt_map_lookup,
	.map_update = rt_map_update,
	.map_delete = rt_map_delete,
	.map_lookup_delete = rt_map_lookup_delete,
	.map_nth = rt_map_nth,
	.map_read = rt_map_read,
	.map_fd = rt_map_fd,
	.map_write = rt_map_write,
	.map_next_key = rt_map_next_key,
	.map_read_batch = rt_map_read_batch,
	.map_take_batch = rt_map_take_batch,
	.map_write_batch = rt_map_write_batch,
	.map_delete_batch = rt_map_delete_batch,
	.map_touched = rt_map_touched,
	.map_freeze = rt_map_freeze,
	.map_mem = rt_map_mem,
	.map_like = rt_map_like,
	.map_drop = rt_map_drop,
	.map_pin = rt_map_pin,
	.map_get = rt_map_get,
	.prog_load = rt_prog_load,
	.prog_tier = rt_prog_tier,
	.prog_native = rt_prog_native,
	.prog_counts = rt_prog_counts,
	.prog_ticket = rt_prog_ticket,
	.test_run = rt_test_run,
	.test_run_single = rt_test_run_single,
	.test_run_batch = rt_test_run_batch,
	.timers_run = rt_timers_run,
	.sockets = rt_sockets,
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
	rt->run.nr_cpus = rt->opts.cpus;
	runtime_seats_open(rt);
	rt->run.print = opts->print;
	rt->run.print_arg = opts->print_arg;
	rt->run.stack = opts->stack;
	rt->run.stack_arg = opts->stack_arg;
	rt->sections = (struct run_sections){ runtime_sections_mark, runtime_sections_left, rt };
	rt->run.sections = &rt->sections;
	rt->run.tail_target = rt_tail_target;
	rt->run.copy = rt_copy;
	rt->run.socks = &rt->socks;
	rt->run.task.probe = opts->probe;
	rt->run.task.who = opts->who;
	rt->run.clock.is_virtual = opts->virtual_clock;
	rt->run.net = opts->net;
	rt->run.tape = opts->tape;
	rt->watch.committed = runtime_committed;
	rt->run.watch = &rt->watch;
	*out = &rt->b;
	return 0;
}
