/* SPDX-License-Identifier: BSD-2-Clause */
/* world.c: see world.h. */
#include "diff/world_inner.h"
#include "base/os.h"
#include "call/call.h"
#include "diff/refusal.h"
#include "host/hosts.h"
#include "diff/verdict.h"
#include "runtime/private.h"
#include "runtime/runtime.h"
#include "unit/kernel_bpf.h"
#include "verify/rewrite.h"
#include "vm/vm.h"
#include <linux/btf.h>
#include <linux/if_ether.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/time.h>

const struct diff_scene *world_scene(const struct world *w) { return &w->scene; }

const struct host *world_host(u32 type)
{
	for (const struct host *const *h = host_all; *h; h++)
		if ((*h)->prog_type == type)
			return *h;
	return NULL;
}

bool world_runs(u32 type)
{
	return world_host(type) && type != BPF_PROG_TYPE_LWT_SEG6LOCAL;
}

/* ---- making one ------------------------------------------------------------------ */

/* One type for every function: int f(void). Callbacks need it. */
static int load_btf(void)
{
	static const struct {
		struct btf_header h;
		struct btf_type number;
		u32 number_bits;
		struct btf_type proto, func;
		char strings[7];
	} btf = {
		.h = { .magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(btf.h),
		       .type_len = 40, .str_off = 40, .str_len = sizeof(btf.strings) },
		.number = { .name_off = 1, .info = BTF_KIND_INT << 24, .size = 4 },
		.number_bits = BTF_INT_SIGNED << 24 | 32,
		.proto = { .info = BTF_KIND_FUNC_PROTO << 24, .type = 1 },
		.func = { .name_off = 5, .info = BTF_KIND_FUNC << 24, .type = 2 },
		.strings = "\0int\0f",
	};
	union bpf_attr a = { .btf = (uintptr_t)&btf, .btf_size = sizeof(btf.h) + 40 + 7 };
	int fd = sys_bpf(BPF_BTF_LOAD, &a);

	assert_true(fd >= 0);
	return fd;
}

static int element(int cmd, int fd, const void *key, const void *value)
{
	union bpf_attr a = { .map_fd = (u32)fd, .key = (uintptr_t)key,
		.value = (uintptr_t)value };

	return sys_bpf(cmd, &a);
}

static int kernel_lookup(void *w, u32 map, const void *key, void *value)
{
	return element(BPF_MAP_LOOKUP_ELEM, ((struct world *)w)->fds[map], key, value);
}

static int kernel_update(void *w, u32 map, const void *key, const void *value)
{
	return element(BPF_MAP_UPDATE_ELEM, ((struct world *)w)->fds[map], key, value);
}

static void ring_open(struct world *w, u32 map)
{
	u32 bytes = w->scene.maps[map].attr.max_entries;
	void *mine = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, w->fds[map], 0);
	u8 *rest = mmap(NULL, PAGE + 2 * bytes, PROT_READ, MAP_SHARED, w->fds[map], PAGE);

	assert_true(mine != MAP_FAILED && rest != MAP_FAILED);
	w->rings[map] = (struct ring){ mine, (u64 *)rest, rest + PAGE, bytes };
}

static void first_values(struct world *w, u32 map)
{
	const struct diff_map *m = &w->scene.maps[map];

	for (u32 key = 0; m->init && key < m->attr.max_entries; key++) {
		assert_int_equal(map_user_update(w->maps[map], &key, m->init, BPF_ANY), 0);
		if (w->kernel)
			assert_int_equal(kernel_update(w, map, &key, m->init), 0);
	}
	if (m->frozen && w->kernel)
		assert_int_equal(element(BPF_MAP_FREEZE, w->fds[map], NULL, NULL), 0);
}

/* NULL, or why the map cannot be made. */
static const char *map_open(struct world *w, u32 i, struct skep_err *err)
{
	const struct map_attr *a = &w->scene.maps[i].attr;

	w->fds[i] = -1;
	if (map_create(&w->maps[i], a, 1, err))
		return err->text;
	w->vm[i] = (struct vm_map){ .map = w->maps[i], .type = a->type,
		.key_size = a->key_size, .value_size = a->value_size,
		.mem = w->maps[i]->ops->values(w->maps[i]) };
	if (w->kernel && a->type != BPF_MAP_TYPE_PROG_ARRAY) {
		w->fds[i] = kmap_create(a);
		if (w->fds[i] < 0)
			return strerror(-w->fds[i]);
	}
	if (w->kernel && a->type == BPF_MAP_TYPE_RINGBUF)
		ring_open(w, i);
	first_values(w, i);
	return NULL;
}

static void externs_find(struct world *w)
{
	struct btf_file f;
	struct skep_err err;

	if (!w->scene.nr_externs || !w->kernel)
		return;
	if (btf_open_file(&f, "/sys/kernel/btf/vmlinux", NULL, &err))
		fail_msg("%s", err.text);
	for (u32 i = 0; i < w->scene.nr_externs; i++)
		w->externs[i] = btf_find(f.btf, w->scene.externs[i].name, BTF_KIND_FUNC);
	btf_close_file(&f);
}

/* Slot 0 of a prog array is the program that runs. */
static const struct vm_code *tail_target(struct run *run, struct map *map, u32 index)
{
	const struct world *w = (const void *)((const u8 *)run - offsetof(struct world, run));

	for (u32 i = 0; i < w->scene.nr_maps; i++)
		if (w->maps[i] == map)
			return index || !w->scene.maps[i].self ? NULL : w->code;
	return NULL;
}

/* The packet's buffer is at AT, or somewhere above the heap. */
static void engine_open(struct world *w, void *at)
{
	w->machine = vm_machine_new();
	w->buffer = mmap(at, host_sched_cls.buffer_bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(w->buffer != MAP_FAILED);
	w->run.tail_target = tail_target;
}

static bool maps_open(struct world *w, bool reverse, char *why, size_t n)
{
	const u32 nr = w->scene.nr_maps;
	struct skep_err err;

	for (u32 k = 0; k < nr; k++) {
		u32 i = reverse ? nr - 1 - k : k;
		const char *bad = map_open(w, i, &err);

		if (!bad)
			continue;
		snprintf(why, n, "map '%s': %s", w->scene.maps[i].attr.name, bad);
		return false;
	}
	return true;
}

struct world *world_new(const struct diff_scene *scene, char *why, size_t n)
{
	struct world *w = mem_alloc(sizeof(*w));
	bool ok;

	assert_true(scene->nr_maps <= WORLD_MAPS && scene->nr_externs <= WORLD_EXTERNS);
	w->scene = *scene;
	w->kernel = !no_kernel();
	ok = maps_open(w, false, why, n);
	externs_find(w);
	w->btf = w->kernel ? load_btf() : -1;
	w->cpus = (u32)get_nprocs_conf();
	engine_open(w, NULL);
	if (ok)
		return w;
	world_free(w);
	return NULL;
}

/* What lies behind what is mostly the other way around: the packet before the heap,
 * where context and stack are. */
struct world *world_twin(struct world *w)
{
	struct world *t = w->twin;
	char why[200];

	if (t)
		return t;
	t = w->twin = mem_alloc(sizeof(*t));
	t->scene = w->scene;
	t->btf = -1;
	engine_open(t, (void *)BELOW_HEAP);
	if (!maps_open(t, true, why, sizeof(why)))
		fail_msg("%s", why);
	return t;
}

static void kernel_close(struct world *w)
{
	for (u32 i = 0; i < w->scene.nr_maps; i++) {
		if (w->rings[i].bytes) {
			munmap(w->rings[i].read, PAGE);
			munmap(w->rings[i].written, PAGE + 2 * w->rings[i].bytes);
		}
		if (w->maps[i] && w->fds[i] >= 0 &&
		    w->scene.maps[i].attr.type != BPF_MAP_TYPE_PROG_ARRAY)
			close(w->fds[i]);
	}
	for (u32 i = 0; i < w->nr_arrays; i++)
		close(w->arrays[i].fd);
	close(w->btf);
}

void world_free(struct world *w)
{
	if (w->twin)
		world_free(w->twin);
	if (w->kernel)
		kernel_close(w);
	for (u32 i = 0; i < w->scene.nr_maps; i++)
		if (w->maps[i])
			map_free(w->maps[i]);
	vm_machine_free(w->machine);
	os_unmap(w->buffer, host_sched_cls.buffer_bytes);
	free(w);
}

/* ---- the embedded engine ------------------------------------------------------ */

static int user_lookup(void *w, u32 map, const void *key, void *value)
{
	return map_user_lookup(((struct world *)w)->maps[map], key, value, 0);
}

static int user_update(void *w, u32 map, const void *key, const void *value)
{
	return map_user_update(((struct world *)w)->maps[map], key, value, BPF_ANY);
}

static int user_remove(void *w, u32 map, const void *key)
{
	return map_user_delete(((struct world *)w)->maps[map], key);
}

static int user_take(void *w, u32 map, void *value)
{
	return map_user_take(((struct world *)w)->maps[map], NULL, value, 0);
}

static int user_next(void *w, u32 map, void *next)
{
	return map_user_next_key(((struct world *)w)->maps[map], NULL, next);
}

static s64 user_records(void *w, u32 map, map_event_fn fn, void *to)
{
	struct map *m = ((struct world *)w)->maps[map];

	return m->ops->read(m, fn, to);
}

/* For types that do not see the Ethernet header the kernel puts one in front of the
 * packet in the end; the run fails when its buffer cannot grow for that. */
static bool no_room(const struct host *host, const struct run *run)
{
	const struct skb_view *s = &run->skb;
	u32 type = host->prog_type;

	return type != BPF_PROG_TYPE_XDP && type != BPF_PROG_TYPE_SCHED_CLS &&
	       type != BPF_PROG_TYPE_SCHED_ACT && run->pkt.data - s->head < ETH_HLEN &&
	       !skb_head_bytes(s->head_bytes + 16);
}

static void user_packet(const struct host *host, struct world *w, struct test_run *t,
			struct seen *s)
{
	const struct packet_buf *pkt = &w->run.pkt;

	if (host->finish) {
		host->finish(&w->run, t);
		memcpy(&s->ctx, t->ctx_out, min_u64(sizeof(s->ctx), t->ctx_out_bytes));
	} else {	/* the kernel gives the metadata, too */
		t->data_out = pkt->data_meta < pkt->data ? pkt->data_meta : pkt->data;
		t->bytes_out = (u32)(pkt->data_end - t->data_out);
	}
	s->bytes = t->bytes_out;
	if (s->bytes > sizeof(s->packet))	/* as the kernel: in part, and says so */
		s->error = -ENOSPC;
	memcpy(s->packet, t->data_out, min_u64(sizeof(s->packet), s->bytes));
}

void world_count_fast(const struct world *w, u64 *ran, u64 *not, u64 *one_pass)
{
	*one_pass = w->one_pass;
	*ran = w->fast;
	*not = w->not_fast;
}

static void run_code(struct world *w, const struct vm_code *code, struct seen *s)
{
	u64 ret = 0;

	w->code = code;
	if (vm_run(w->machine, code, &w->run, BUDGET, &ret))
		s->fault = *vm_fault(w->machine);
	s->retval = (u32)ret;
}

static struct vm_bind bind_of(const struct world *w, const struct diff_prog *p)
{
	return (struct vm_bind){ .insns = p->v, .nr_insns = p->n,
		.prog_type = p->type, .maps = w->vm, .nr_maps = w->scene.nr_maps,
		.externs = w->scene.externs, .nr_externs = w->scene.nr_externs,
		.helper = call_helper, .kfunc = call_kfunc, .ctx = ctx_desc(p->type) };
}

struct vm_code *world_code(const struct world *w, const struct diff_prog *p, enum vm_mode mode,
			   struct skep_err *err)
{
	const struct vm_bind bind = bind_of(w, p);
	struct vm_code *code;

	return vm_code_new(&code, &bind, mode, "diff", err) ? NULL : code;
}

static void dump_user(struct world *w, struct dump *d)
{
	const struct dump_side side = { w, 1, user_lookup, user_update, user_remove, user_take,
		user_next, user_records };

	dump_maps(d, &side, &w->scene);
}

void world_reset(struct world *w)
{
	static struct dump ignored;

	dump_user(w, &ignored);
}

enum engine { CHECKED, FAST, ONE_PASS, OPTIMISED, APART, ENGINES };

/* A map is what its entry has; of its values some distance is left. */
static u64 more_of(void *arg, enum jit_what what, u32 at, u64 value)
{
	const struct binding *b = arg;

	return what == JIT_ADDRESS && isa_op(&b->rw->insns[at]) == OP_LDDW_MAP_IDX ? 0 :
		apart_some(arg, what, at, value);
}

/* As `skep aot` does, to run here. */
static struct jit_code *compile_apart(struct world *w, struct vm_code *code,
				      const struct rewrite *rw)
{
	struct binding b = { .code = code, .rw = rw };
	const struct jit_bind bind = runtime_bind(&b);
	struct jit_code *jit;
	struct skep_err err;

	apart_run = (u64 *)&w->run;
	apart_n = 0;
	apart_more = more_of;
	if (apart_make(&jit, &bind, JIT_OPT, &err))
		fail_msg("%s", err.text);
	runtime_use(code, jit, rw->bound);
	return jit;
}

static struct jit_code *compile(struct world *w, struct vm_code *code, const struct rewrite *rw,
				enum engine e)
{
	enum jit_tier tier = e == OPTIMISED ? JIT_OPT : JIT_FAST;
	struct jit_code *jit;
	struct skep_err err;

	if (runtime_native(&jit, code, rw, tier, "diff", &err))
		fail_msg("%s", err.text);
	w->one_pass += jit_tier(jit) != tier;
	return jit;
}

/* P with its input in the engine that BIND is for. RW: of all but CHECKED. */
static void run_user(struct world *w, const struct diff_prog *p, const struct diff_packet *pkt,
		     const struct vm_bind *bind, enum engine e, const struct rewrite *rw,
		     struct seen *s)
{
	struct jit_code *jit = NULL;
	struct test_run t = { .data = pkt->data, .bytes = pkt->bytes };
	const struct host *host = world_host(p->type);
	struct skep_err err;
	struct vm_code *code;

	memset(s, 0, offsetof(struct seen, maps));
	s->fault.kind = VM_FAULT_NONE;
	if (vm_code_new(&code, bind, e == CHECKED ? VM_CHECKED : VM_FAST, "diff", &err))
		fail_msg("%s", err.text);
	if (e > FAST)
		jit = e == APART ? compile_apart(w, code, rw) : compile(w, code, rw, e);
	s->error = host->begin(&w->run, w->buffer, &t, &err);
	w->run.pkt_read_only = host->read_only;
	if (!s->error)
		run_code(w, code, s);
	if (!s->error && no_room(host, &w->run))
		s->error = -ENOMEM;
	else if (!s->error)
		user_packet(host, w, &t, s);
	dump_user(w, &s->maps);
	vm_code_free(code);
	jit_free(jit);
}

static void run_checked(struct world *w, const struct diff_prog *p,
			const struct diff_packet *pkt, struct seen *s)
{
	const struct vm_bind bind = bind_of(w, p);

	run_user(w, p, pkt, &bind, CHECKED, NULL, s);
}

/* The program as the fast interpreter has it; false: not at all. */
static bool rewrite(const struct world *w, const struct diff_prog *p, struct arena *arena,
		    struct rewrite *out)
{
	const struct verify_opts opts = { .caps = VERIFY_CAP_ALL, .max_errors = 1 };
	struct skep_err err;
	struct verify_result v;
	struct image *img = verdict_image(&w->scene, p, &err);
	bool ok;
	u32 at;

	if (!img)
		return false;
	ok = !verify_prog(&v, arena, img, &img->progs[0], &opts, &err) &&
	     v.verdict == VERDICT_OK &&
	     !rewrite_prog(out, arena, img, &img->progs[0], &v, &at);
	image_free(img);
	return ok;
}

/* ---- the kernel ------------------------------------------------------------------ */

static int kernel_remove(void *w, u32 map, const void *key)
{
	return element(BPF_MAP_DELETE_ELEM, ((struct world *)w)->fds[map], key, NULL);
}

static int kernel_take(void *w, u32 map, void *value)
{
	const struct world *of = w;

	return element(BPF_MAP_LOOKUP_AND_DELETE_ELEM, of->fds[map], NULL, value);
}

static int kernel_next(void *w, u32 map, void *next)
{
	return element(BPF_MAP_GET_NEXT_KEY, ((struct world *)w)->fds[map], NULL, next);
}

/* The complete records of the kernel's ring buffer. */
static s64 kernel_records(void *arg, u32 map, map_event_fn fn, void *to)
{
	const struct ring *r = &((struct world *)arg)->rings[map];
	u64 at = *r->read, end = __atomic_load_n(r->written, __ATOMIC_ACQUIRE);
	s64 n = 0;

	while (at < end) {
		const u8 *record = r->data + (at & (r->bytes - 1));
		struct map_event e = { .data = record + BPF_RINGBUF_HDR_SZ };
		u32 head;

		memcpy(&head, record, 4);
		assert_false(head & BPF_RINGBUF_BUSY_BIT);
		e.bytes = head & ~BPF_RINGBUF_DISCARD_BIT;
		if (!(head & BPF_RINGBUF_DISCARD_BIT)) {
			fn(to, &e);
			n++;
		}
		at += round_up(e.bytes + BPF_RINGBUF_HDR_SZ, 8);
	}
	__atomic_store_n(r->read, end, __ATOMIC_RELEASE);
	return n;
}

/* ---- loading --------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	const u32 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The functions that calls and addresses of functions name; all of one type. */
u32 world_functions(const struct diff_prog *p, struct bpf_func_info *info)
{
	u32 at[FUNCS_MAX], n = 1, m = 0;

	at[0] = 0;
	for (u32 i = 0; i < p->n && n < FUNCS_MAX; i += isa_slots(&p->v[i])) {
		enum isa_op op = isa_op(&p->v[i]);

		if (op == OP_CALL_LOCAL || op == OP_LDDW_FUNC)
			at[n++] = i + 1 + (u32)p->v[i].imm;
	}
	qsort(at, n, sizeof(*at), by_number);
	for (u32 i = 0; i < n; i++)
		if (!i || at[i] != at[i - 1])
			info[m++] = (struct bpf_func_info){ at[i], 3 };
	return m;
}

static int prog_array(struct world *w, u32 map, const struct diff_prog *p)
{
	struct prog_array *a = w->arrays;

	for (u32 i = 0; i < w->nr_arrays; i++, a++)
		if (a->map == map && a->type == p->type && a->attach == p->attach)
			return a->fd;
	assert_true(w->nr_arrays++ < PROG_ARRAYS_MAX);
	*a = (struct prog_array){ map, p->type, p->attach, kmap_create(&w->scene.maps[map].attr) };
	assert_true(a->fd >= 0);
	return a->fd;
}

/* The program with the kernel's numbers. */
static void bind_program(struct world *w, struct bpf_insn *to, const struct diff_prog *p)
{
	for (u32 i = 0; i < w->scene.nr_maps; i++)
		if (w->scene.maps[i].attr.type == BPF_MAP_TYPE_PROG_ARRAY)
			w->fds[i] = prog_array(w, i, p);
	memcpy(to, p->v, p->n * sizeof(*to));
	for (u32 i = 0; i < p->n; i += isa_slots(&to[i]))
		if (isa_op(&to[i]) == OP_CALL_KFUNC && (u32)to[i].imm < w->scene.nr_externs)
			to[i].imm = (s32)w->externs[to[i].imm];
}

enum { LOAD_SECONDS = 10 };

static void give_up(int unused UNUSED) {}

/*
 * An emulated kernel may look at one program for many minutes. It gives up with EAGAIN
 * when a signal waits.
 */
static int load_in_time(union bpf_attr *a, char *log)
{
	const struct sigaction wake = { .sa_handler = give_up };
	const struct itimerval limit = { .it_value.tv_sec = LOAD_SECONDS }, none = { 0 };
	int fd;

	sigaction(SIGALRM, &wake, NULL);
	setitimer(ITIMER_REAL, &limit, NULL);
	fd = sys_bpf(BPF_PROG_LOAD, a);
	setitimer(ITIMER_REAL, &none, NULL);
	if (fd == -EAGAIN)
		snprintf(log, LOG_BYTES, "the kernel was too slow");
	return fd;
}

int world_load(struct world *w, const struct diff_prog *p, struct diff_verdict *v)
{
	static struct bpf_insn insns[PROG_MAX];
	struct bpf_func_info funcs[FUNCS_MAX];
	union bpf_attr a = { .prog_type = p->type, .expected_attach_type = p->attach,
		.insns = (uintptr_t)insns, .insn_cnt = p->n, .license = (uintptr_t)"GPL",
		.fd_array = (uintptr_t)w->fds, .prog_name = "skep_diff",
		.prog_btf_fd = (u32)w->btf, .func_info = (uintptr_t)funcs,
		.func_info_rec_size = sizeof(*funcs), .log_level = LOG_STATS,
		.log_buf = (uintptr_t)w->log, .log_size = LOG_BYTES };
	int fd;

	bind_program(w, insns, p);
	a.func_info_cnt = world_functions(p, funcs);
	w->log[0] = 0;
	fd = load_in_time(&a, w->log);
	refusal_read(v, fd < 0 ? fd : 0, w->log);
	return fd;
}

void world_judge(struct world *w, const struct diff_prog *p, struct diff_verdict *v)
{
	int fd = world_load(w, p, v);

	if (fd >= 0)
		close(fd);
}

/* ---- running ---------------------------------------------------------------------- */

/* The program goes into slot 0 of its prog arrays; it stays there until the next
 * one comes, because the kernel waits long when a slot becomes empty. */
static void tail_slots(struct world *w, const struct diff_prog *p, int fd)
{
	u32 slot = 0, done = 0;

	for (u32 i = 0; i < p->n; i += isa_slots(&p->v[i])) {
		u32 map = (u32)p->v[i].imm;

		if (isa_op(&p->v[i]) != OP_LDDW_MAP_IDX || map >= w->scene.nr_maps ||
		    !w->scene.maps[map].self || done >> map & 1)
			continue;
		done |= 1u << map;
		assert_int_equal(kernel_update(w, map, &slot, &fd), 0);
	}
}

static void run_kernel(struct world *w, const struct diff_prog *p, int fd,
		       const struct diff_packet *pkt, struct seen *s)
{
	const struct dump_side side = { w, w->cpus, kernel_lookup, kernel_update, kernel_remove,
		kernel_take, kernel_next, kernel_records };
	union bpf_attr a = { .test = { .prog_fd = (u32)fd, .data_in = (uintptr_t)pkt->data,
		.data_size_in = pkt->bytes, .data_out = (uintptr_t)s->packet,
		.data_size_out = sizeof(s->packet) } };

	memset(s, 0, offsetof(struct seen, maps));
	s->fault.kind = VM_FAULT_NONE;
	if (p->type != BPF_PROG_TYPE_XDP) {
		a.test.ctx_out = (uintptr_t)&s->ctx;
		a.test.ctx_size_out = sizeof(s->ctx);
	}
	tail_slots(w, p, fd);
	s->error = sys_bpf(BPF_PROG_TEST_RUN, &a);
	s->retval = a.test.retval;
	s->bytes = s->error && s->error != -ENOSPC ? 0 : a.test.data_size_out;
	dump_maps(&s->maps, &side, &w->scene);
}

/* ---- comparing --------------------------------------------------------------------- */

static bool numbers_differ(char *text, size_t n, const char *what, s64 a, s64 b)
{
	if (a != b)
		snprintf(text, n, "%s: %lld, other %lld", what, (long long)a, (long long)b);
	return a != b;
}

static bool bytes_differ(char *text, size_t n, const char *what, const void *a, const void *b,
			 u32 bytes)
{
	const u8 *x = a, *y = b;
	u32 i = 0;

	while (i < bytes && x[i] == y[i])
		i++;
	if (i < bytes)
		snprintf(text, n, "%s: byte %u is 0x%02x, other 0x%02x", what, i, x[i], y[i]);
	return i < bytes;
}

static bool maps_differ(const struct world *w, char *text, size_t n, const struct seen *a,
			const struct seen *b)
{
	u32 map, byte;

	if (!dump_differs(&a->maps, &b->maps, w->scene.nr_maps, &map, &byte))
		return false;
	snprintf(text, n, "map '%s' (%u bytes, other %u) from byte %u",
		 w->scene.maps[map].attr.name, a->maps.at[map + 1] - a->maps.at[map],
		 b->maps.at[map + 1] - b->maps.at[map], byte);
	return true;
}

bool world_differ(const struct world *w, char *text, size_t n, const struct seen *a,
		  const struct seen *b)
{
	if (a->fault.kind) {
		snprintf(text, n, "fault: insn %u: %s", a->fault.insn, a->fault.text);
		return true;
	}
	return numbers_differ(text, n, "error of the run", a->error, b->error) ||
	       (!a->error && numbers_differ(text, n, "result", (s32)a->retval, (s32)b->retval)) ||
	       maps_differ(w, text, n, a, b) ||
	       numbers_differ(text, n, "packet length", a->bytes, b->bytes) ||
	       bytes_differ(text, n, "packet", a->packet, b->packet,
			    (u32)min_u64(a->bytes, OUT_BYTES)) ||
	       (!a->error && bytes_differ(text, n, "context", &a->ctx, &b->ctx, sizeof(a->ctx)));
}

/* P as RW, in one engine after the other; false: all did what CHECKED says. */
static bool engines_differ(struct world *w, const struct diff_prog *p,
			   const struct diff_packet *pkt, const struct rewrite *rw,
			   const struct seen *checked, char *what, size_t size)
{
	static const char *const names[ENGINES] = { "", "fast interpreter: ", "one pass: ",
						    "optimised: ", "apart: " };
	const enum engine last = apart_available() ? APART : jit_available() ? OPTIMISED : FAST;
	struct vm_bind bind = bind_of(w, p);
	static struct seen seen;

	bind.insns = rw->insns;
	bind.nr_insns = rw->nr_insns;
	bind.origin = rw->origin;
	bind.stale_stack = rw->stale_stack;
	for (enum engine e = FAST; e <= last; e++) {
		const size_t n = strlen(names[e]);

		run_user(w, p, pkt, &bind, e, rw, &seen);
		memcpy(what, names[e], n + 1);
		if (world_differ(w, what + n, size - n, &seen, checked))
			return true;
	}
	*what = 0;
	return false;
}

static void compare_fast(struct world *w, const struct diff_prog *p,
			 const struct diff_packet *pkt, const struct seen *checked,
			 struct diff_result *r)
{
	struct arena arena = ARENA_INIT;
	struct rewrite rw;
	bool ok = rewrite(w, p, &arena, &rw);

	w->fast += ok;
	w->not_fast += !ok;
	if (ok && engines_differ(w, p, pkt, &rw, checked, r->what, sizeof(r->what)))
		r->outcome = DIFF_DIFFERS;
	arena_free(&arena);
}

/* The kernel does not run on packets without the header that they promise; the
 * embedded engine does: captures have such packets, and so have networks. */
static bool is_short(const struct diff_prog *p, const struct diff_packet *pkt)
{
	u32 proto = pkt->bytes < ETH_HLEN ? 0 : (u32)pkt->data[12] << 8 | pkt->data[13];

	if (p->type == BPF_PROG_TYPE_XDP)
		return pkt->bytes < ETH_HLEN;
	return (proto == ETH_P_IP && pkt->bytes < ETH_HLEN + 20) ||
	       (proto == ETH_P_IPV6 && pkt->bytes < ETH_HLEN + 40);
}

static void compare_short(const struct seen *checked, const struct seen *other,
			  struct diff_result *r)
{
	r->outcome = DIFF_SAME;
	if (checked->error || other->error != -EINVAL) {
		r->outcome = DIFF_DIFFERS;
		snprintf(r->what, sizeof(r->what), "error of the run on a short packet: %d, other "
			 "%d", checked->error, other->error);
	}
}

void world_compare(struct world *w, const struct diff_prog *p, int fd,
		   const struct diff_packet *pkt, struct diff_result *r)
{
	static struct seen checked, other;

	run_checked(w, p, pkt, &checked);
	r->outcome = DIFF_BUDGET;
	if (checked.fault.kind == VM_FAULT_BUDGET)
		return;
	run_kernel(w, p, fd, pkt, &other);
	if (is_short(p, pkt)) {
		compare_short(&checked, &other, r);
		return;
	}
	r->outcome = world_differ(w, r->what, sizeof(r->what), &checked, &other) ?
		     DIFF_DIFFERS : DIFF_SAME;
	if (r->outcome == DIFF_SAME)
		compare_fast(w, p, pkt, &checked, r);
}

void world_run(struct world *w, const struct diff_prog *p, const struct diff_packet *pkt,
	       struct diff_result *r)
{
	int fd = world_load(w, p, &r->kernel);

	r->outcome = DIFF_REFUSED;
	r->what[0] = 0;
	if (fd < 0)
		return;
	world_compare(w, p, fd, pkt, r);
	close(fd);
}

void world_run_checked(struct world *w, const struct diff_prog *p,
		       const struct diff_packet *pkt, struct seen *s)
{
	run_checked(w, p, pkt, s);
}

int world_run_user(struct world *w, const struct diff_prog *p, const struct diff_packet *pkt,
		   u32 *retval)
{
	static struct seen s;

	run_checked(w, p, pkt, &s);
	*retval = s.retval;
	return s.fault.kind ? -EFAULT : s.error;
}
