/* SPDX-License-Identifier: BSD-2-Clause */
/* world.c: see world.h. */
#include "diff/world.h"
#include "base/os.h"
#include "call/call.h"
#include "diff/dump.h"
#include "diff/edit.h"
#include "diff/refusal.h"
#include "host/hosts.h"
#include "unit/kernel_bpf.h"
#include "vm/vm.h"
#include <linux/btf.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

enum {
	LOG_BYTES = 1 << 16, LOG_STATS = 4, FUNCS_MAX = 256, FAR_BYTES = 1 << 20,
	PROG_ARRAYS_MAX = 16, PAGE = 4096,
};

/* What can be seen of a run. */
struct seen {
	s32 error;		/* of the run: 0 or -errno */
	u32 retval, bytes;
	u8 packet[OUT_BYTES];
	struct __sk_buff ctx;	/* of types that have it */
	struct dump maps;
	struct vm_fault fault;	/* kind NONE on the kernel */
};

/* The kernel ties a prog array to the first type of program that uses it. */
struct prog_array {
	u32 map, type, attach;
	int fd;
};

struct ring {			/* of the kernel's: two pages, then data */
	u64 *read, *written;
	const u8 *data;
	u32 bytes;
};

struct world {
	struct diff_scene scene;
	struct map *maps[WORLD_MAPS];
	struct vm_map vm[WORLD_MAPS];
	struct vm_machine *machine;
	const struct vm_code *code;	/* what runs, for tail calls into it */
	struct run run;
	u8 *buffer;
	u8 *far;		/* a context that the fast interpreter must not touch */
	bool kernel;		/* it can be asked; then: */
	int fds[WORLD_MAPS], btf;
	u32 externs[WORLD_EXTERNS];	/* BTF ids */
	struct ring rings[WORLD_MAPS];
	struct prog_array arrays[PROG_ARRAYS_MAX];
	u32 nr_arrays, cpus;
	char log[LOG_BYTES];
};

const struct diff_scene *world_scene(const struct world *w) { return &w->scene; }

static const struct host *host_of(u32 type)
{
	for (const struct host *const *h = host_all; *h; h++)
		if ((*h)->prog_type == type)
			return *h;
	return NULL;
}

bool world_runs(u32 type)
{
	return host_of(type) && type != BPF_PROG_TYPE_LWT_SEG6LOCAL;
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

struct world *world_new(const struct diff_scene *scene, char *why, size_t n)
{
	struct world *w = mem_alloc(sizeof(*w));
	const char *bad = NULL;
	struct skep_err err;

	assert_true(scene->nr_maps <= WORLD_MAPS && scene->nr_externs <= WORLD_EXTERNS);
	w->scene = *scene;
	w->kernel = !no_kernel();
	for (u32 i = 0; i < scene->nr_maps && !bad; i++) {
		bad = map_open(w, i, &err);
		if (bad)
			snprintf(why, n, "map '%s': %s", scene->maps[i].attr.name, bad);
	}
	externs_find(w);
	w->btf = w->kernel ? load_btf() : -1;
	w->cpus = (u32)get_nprocs_conf();
	w->machine = vm_machine_new();
	w->buffer = os_map_lazy(host_sched_cls.buffer_bytes);
	w->far = mmap(NULL, FAR_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(w->buffer && w->far != MAP_FAILED);
	w->run.tail_target = tail_target;
	if (!bad)
		return w;
	world_free(w);
	return NULL;
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
	if (w->kernel)
		kernel_close(w);
	for (u32 i = 0; i < w->scene.nr_maps && w->maps[i]; i++)
		map_free(w->maps[i]);
	vm_machine_free(w->machine);
	os_unmap(w->buffer, host_sched_cls.buffer_bytes);
	munmap(w->far, FAR_BYTES);
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

/* What the fast interpreter makes of a context: it has the verifier's program,
 * in which loads from it are rewritten. Ours are not, and hit FAR. */
static sigjmp_buf far_jump;
static const u8 *far_page;

static void far_hit(int sig, siginfo_t *info, void *uc UNUSED)
{
	const u8 *at = info->si_addr;

	if (at >= far_page && at < far_page + FAR_BYTES)
		siglongjmp(far_jump, 1);
	signal(sig, SIG_DFL);
}

/* False when it cannot: the program looks at its context. */
static bool run_fast(struct world *w, const struct vm_code *code, u64 *ret)
{
	const struct sigaction sa = { .sa_sigaction = far_hit, .sa_flags = SA_SIGINFO };
	struct sigaction old;
	volatile bool ok = false;

	far_page = w->far;
	sigaction(SIGSEGV, &sa, &old);
	if (!sigsetjmp(far_jump, 1)) {
		*ret = vm_run_fast(code, &w->run, w->far + FAR_BYTES / 2);
		ok = true;
	}
	sigaction(SIGSEGV, &old, NULL);
	return ok;
}

static bool run_code(struct world *w, const struct vm_code *code, enum vm_mode mode,
		     struct seen *s)
{
	u64 ret = 0;

	w->code = code;
	if (mode == VM_FAST) {
		if (!run_fast(w, code, &ret))
			return false;
	} else if (vm_run(w->machine, code, &w->run, BUDGET, &ret)) {
		s->fault = *vm_fault(w->machine);
	}
	s->retval = (u32)ret;
	return true;
}

/* False: this mode cannot tell. */
static bool run_user(struct world *w, const struct diff_prog *p, const struct diff_packet *pkt,
		     enum vm_mode mode, struct seen *s)
{
	const struct vm_bind bind = { .insns = p->v, .nr_insns = p->n,
		.prog_type = p->type, .maps = w->vm, .nr_maps = w->scene.nr_maps,
		.externs = w->scene.externs, .nr_externs = w->scene.nr_externs,
		.helper = call_helper, .kfunc = call_kfunc, .ctx = ctx_desc(p->type) };
	const struct dump_side side = { w, 1, user_lookup, user_update, user_remove, user_take,
		user_next, user_records };
	struct test_run t = { .data = pkt->data, .bytes = pkt->bytes };
	const struct host *host = host_of(p->type);
	struct vm_code *code;
	struct skep_err err;
	bool ran;

	memset(s, 0, offsetof(struct seen, maps));
	s->fault.kind = VM_FAULT_NONE;
	if (vm_code_new(&code, &bind, mode, "diff", &err)) {
		if (mode == VM_FAST)
			return false;	/* helpers that only the checked one has */
		fail_msg("%s", err.text);
	}
	s->error = host->begin(&w->run, w->buffer, &t, &err);
	ran = s->error || run_code(w, code, mode, s);
	if (!s->error)
		user_packet(host, w, &t, s);
	dump_maps(&s->maps, &side, &w->scene);
	vm_code_free(code);
	return ran;
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
static u32 functions(const struct diff_prog *p, struct bpf_func_info *info)
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

static int kernel_load(struct world *w, const struct diff_prog *p, struct diff_verdict *v)
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
	a.func_info_cnt = functions(p, funcs);
	w->log[0] = 0;
	fd = sys_bpf(BPF_PROG_LOAD, &a);
	refusal_read(v, fd < 0 ? fd : 0, w->log);
	return fd;
}

void world_judge(struct world *w, const struct diff_prog *p, struct diff_verdict *v)
{
	int fd = kernel_load(w, p, v);

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

/* What differs goes into TEXT. */
static bool differ(const struct world *w, char *text, size_t n, const struct seen *a,
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

static void compare_fast(struct world *w, const struct diff_prog *p,
			 const struct diff_packet *pkt, const struct seen *checked,
			 struct diff_result *r)
{
	static struct seen fast;
	static const char prefix[] = "fast interpreter: ";
	const size_t n = sizeof(prefix) - 1;

	if (!run_user(w, p, pkt, VM_FAST, &fast) ||
	    !differ(w, r->what + n, sizeof(r->what) - n, &fast, checked))
		return;
	memcpy(r->what, prefix, n);
	r->outcome = DIFF_DIFFERS;
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

static void run(struct world *w, const struct diff_prog *p, int fd,
		const struct diff_packet *pkt, struct diff_result *r)
{
	static struct seen checked, other;

	run_user(w, p, pkt, VM_CHECKED, &checked);
	r->outcome = DIFF_BUDGET;
	if (checked.fault.kind == VM_FAULT_BUDGET)
		return;
	run_kernel(w, p, fd, pkt, &other);
	if (is_short(p, pkt)) {
		compare_short(&checked, &other, r);
		return;
	}
	r->outcome = differ(w, r->what, sizeof(r->what), &checked, &other) ?
		     DIFF_DIFFERS : DIFF_SAME;
	if (r->outcome == DIFF_SAME)
		compare_fast(w, p, pkt, &checked, r);
}

void world_run(struct world *w, const struct diff_prog *p, const struct diff_packet *pkt,
	       struct diff_result *r)
{
	int fd = kernel_load(w, p, &r->kernel);

	r->outcome = DIFF_REFUSED;
	r->what[0] = 0;
	if (fd < 0)
		return;
	run(w, p, fd, pkt, r);
	close(fd);
}

/* ---- any program ------------------------------------------------------------------- */

/* Helpers whose results are each side's own, or that reach out of the test. */
static bool is_own(u32 helper)
{
	switch (helper) {
	case BPF_FUNC_ktime_get_ns:
	case BPF_FUNC_ktime_get_boot_ns:
	case BPF_FUNC_ktime_get_coarse_ns:
	case BPF_FUNC_ktime_get_tai_ns:
	case BPF_FUNC_jiffies64:
	case BPF_FUNC_get_prandom_u32:
	case BPF_FUNC_get_smp_processor_id:
	case BPF_FUNC_get_numa_node_id:
	case BPF_FUNC_get_current_pid_tgid:
	case BPF_FUNC_get_current_uid_gid:
	case BPF_FUNC_get_current_comm:
	case BPF_FUNC_get_current_task:
	case BPF_FUNC_get_current_task_btf:
	case BPF_FUNC_get_current_cgroup_id:
	case BPF_FUNC_get_current_ancestor_cgroup_id:
	case BPF_FUNC_get_cgroup_classid:
	case BPF_FUNC_get_hash_recalc:
	case BPF_FUNC_get_socket_cookie:
	case BPF_FUNC_get_socket_uid:
	case BPF_FUNC_get_netns_cookie:
	case BPF_FUNC_skb_cgroup_id:
	case BPF_FUNC_skb_ancestor_cgroup_id:
	case BPF_FUNC_skb_cgroup_classid:
	case BPF_FUNC_skb_under_cgroup:
	case BPF_FUNC_current_task_under_cgroup:
	case BPF_FUNC_perf_event_output:
	case BPF_FUNC_trace_printk:
	case BPF_FUNC_trace_vprintk:
	case BPF_FUNC_probe_read:
	case BPF_FUNC_probe_read_kernel:
	case BPF_FUNC_probe_read_kernel_str:
	case BPF_FUNC_probe_read_str:
	case BPF_FUNC_probe_read_user:
	case BPF_FUNC_probe_read_user_str:
	case BPF_FUNC_fib_lookup:
	case BPF_FUNC_check_mtu:
	case BPF_FUNC_clone_redirect:
	case BPF_FUNC_ringbuf_query:
	case BPF_FUNC_timer_start:
	case BPF_FUNC_per_cpu_ptr:
	case BPF_FUNC_map_lookup_percpu_elem:
		return true;
	}
	return false;
}

/* Uninitialised bytes may follow a packet that gets shorter and then moves. */
static bool all_known(const struct world *w, const struct diff_prog *p)
{
	for (u32 i = 0; i < p->n; i += isa_slots(&p->v[i])) {
		u32 id = (u32)p->v[i].imm;

		switch (isa_op(&p->v[i])) {
		case OP_CALL:
			if (is_own(id) || id == BPF_FUNC_skb_adjust_room ||
			    (id != BPF_FUNC_tail_call && !call_helper(id, p->type)))
				return false;
			break;
		case OP_CALL_KFUNC:
			if (id >= w->scene.nr_externs || !call_kfunc(w->scene.externs[id].name))
				return false;
			break;
		case OP_LDDW_BTF_ID:
			return false;
		default:
			break;
		}
	}
	return true;
}

/* May this thread see what is none of a program's business? */
static void may_see(bool yes)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];
	const u32 admin = 1u << CAP_SYS_ADMIN, perfmon = 1u << (CAP_PERFMON - 32);

	assert_int_equal(syscall(SYS_capget, &h, d), 0);
	d[0].effective = yes ? d[0].effective | (d[0].permitted & admin) :
			       d[0].effective & ~admin;
	d[1].effective = yes ? d[1].effective | (d[1].permitted & perfmon) :
			       d[1].effective & ~perfmon;
	assert_int_equal(syscall(SYS_capset, &h, d), 0);
}

/* The lowest byte of a frame that instructions [FROM, TO) may mean. */
static s32 frame_depth(const struct diff_prog *p, u32 from, u32 to)
{
	s32 depth = 0;

	for (u32 i = from; i < to; i += isa_slots(&p->v[i])) {
		const struct bpf_insn *in = &p->v[i];
		u8 class = BPF_CLASS(in->code);
		s32 at = class == BPF_LDX || class == BPF_ST || class == BPF_STX ? in->off :
			 isa_op(in) == OP_ADD64_K ? in->imm : 0;

		if (at < depth && at >= -512)
			depth = at;
	}
	return depth;
}

/* P with frames that begin as zeroes: those of the kernel begin as anything, and
 * without CAP_PERFMON, too, it lets a program read the rest of a slot of which a
 * part was written. */
static bool with_clear_frames(struct diff_prog *to, const struct diff_prog *p)
{
	struct bpf_func_info funcs[FUNCS_MAX];
	struct bpf_insn clear[64];
	u32 n = functions(p, funcs), end = p->n;

	prog_copy(to, p);
	while (n-- > 0) {
		u32 at = funcs[n].insn_off, slots = (u32)(7 - frame_depth(p, at, end)) / 8;

		for (u32 i = 0; i < slots; i++)
			clear[i] = (struct bpf_insn){ .code = BPF_ST | BPF_MEM | BPF_DW,
				.dst_reg = BPF_REG_10, .off = (s16)(-8 * (s32)(i + 1)) };
		if (!edit_insert(to, at, clear, slots))
			return false;
		end = at;
	}
	return true;
}

void world_run_any(struct world *w, const struct diff_prog *p, const struct diff_packet *pkt,
		   struct diff_result *r)
{
	static struct diff_prog clear;
	struct diff_verdict careful;
	int fd = kernel_load(w, p, &r->kernel);

	r->outcome = DIFF_REFUSED;
	r->what[0] = 0;
	if (fd < 0)
		return;
	close(fd);
	r->outcome = DIFF_SKIPPED;
	snprintf(r->what, sizeof(r->what), "helpers or type");
	if (!world_runs(p->type) || !all_known(w, p) || !with_clear_frames(&clear, p))
		return;
	r->what[0] = 0;
	may_see(false);
	fd = kernel_load(w, &clear, &careful);
	may_see(true);
	if (fd < 0) {
		snprintf(r->what, sizeof(r->what), "%s", careful.line);
		return;
	}
	run(w, &clear, fd, pkt, r);
	close(fd);
}

int world_run_user(struct world *w, const struct diff_prog *p, const struct diff_packet *pkt,
		   u32 *retval)
{
	static struct seen s;

	run_user(w, p, pkt, VM_CHECKED, &s);
	*retval = s.retval;
	return s.fault.kind ? -EFAULT : s.error;
}
