/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_test.c: random programs (gen.h) in both interpreters and on the running
 * kernel: the same result, packet and maps. Prints the seed; a program that
 * differs is shrunk and shown with it.
 *
 *	DIFF_SEED=N	other programs
 *	DIFF_RUNS=N	how many of them (2,000 if not said)
 *
 * Loads; attaches nothing.
 */
#include "diff/gen.h"
#include "call/call.h"
#include "host/hosts.h"
#include "vm/vm.h"
#include "base/os.h"
#include <inttypes.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include "unit/kernel_bpf.h"

enum { RUNS = 2000, PACKET_MAX = 512, OUT_BYTES = 16384, BUDGET = 1000000, TYPES = 2 };

static const struct map_attr attrs[NR_MAPS] = {
	[MAP_VALUE] = { .name = "value", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
		.value_size = VALUE_BYTES, .max_entries = 1 },
	[MAP_HASH] = { .name = "hash", .type = BPF_MAP_TYPE_HASH, .key_size = 4,
		.value_size = HASH_BYTES, .max_entries = KEYS },
	[MAP_RESULT] = { .name = "result", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
		.value_size = RESULT_BYTES, .max_entries = 1 },
	[MAP_QUEUE] = { .name = "queue", .type = BPF_MAP_TYPE_QUEUE, .value_size = 8,
		.max_entries = QUEUE_ENTRIES },
	[MAP_LIFO] = { .name = "stack", .type = BPF_MAP_TYPE_STACK, .value_size = 8,
		.max_entries = QUEUE_ENTRIES },
	[MAP_LPM] = { .name = "lpm", .type = BPF_MAP_TYPE_LPM_TRIE,
		.key_size = sizeof(struct gen_prefix), .value_size = 8,
		.max_entries = PREFIXES - 2, .map_flags = BPF_F_NO_PREALLOC },
	[MAP_PERCPU] = { .name = "percpu", .type = BPF_MAP_TYPE_PERCPU_ARRAY, .key_size = 4,
		.value_size = 8, .max_entries = KEYS },
	[MAP_TEXT] = { .name = "text", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
		.value_size = TEXT_BYTES, .max_entries = 1, .map_flags = BPF_F_RDONLY_PROG },
	[MAP_RING] = { .name = "ring", .type = BPF_MAP_TYPE_RINGBUF, .max_entries = RING_BYTES },
	[MAP_PROGS] = { .name = "progs", .type = BPF_MAP_TYPE_PROG_ARRAY, .key_size = 4,
		.value_size = 4, .max_entries = 2 },
};

static const struct type { u32 type; const struct host *host; } types[TYPES] = {
	{ BPF_PROG_TYPE_XDP, &host_xdp }, { BPF_PROG_TYPE_SCHED_CLS, &host_sched_cls },
};

/* What can be seen of a run. */
struct seen {
	u32 retval, bytes;
	u8 packet[OUT_BYTES];
	u8 value[VALUE_BYTES], result[RESULT_BYTES];
	u8 hash[KEYS][HASH_BYTES];
	bool in_hash[KEYS];
	u64 queue[2][QUEUE_ENTRIES + 1], nr_queue[2];
	u64 lpm[PREFIXES];
	bool in_lpm[PREFIXES];
	u64 percpu[KEYS];
	u8 ring[RING_BYTES];	/* lengths and records */
	u32 ring_bytes;
	struct vm_fault fault;	/* kind NONE on the kernel */
};

struct world {
	struct map *maps[NR_MAPS];
	struct vm_map vm[NR_MAPS];
	int fds[NR_MAPS], progs[TYPES], btf;
	u64 *ring_read, *ring_written;	/* of the kernel's: two pages, then data */
	const u8 *ring;
	struct vm_machine *machine;
	const struct vm_code *code;	/* what runs, for tail calls into it */
	struct run run;
	u8 *buffer;
	u8 packet[PACKET_MAX];
	u32 bytes, cpus;
	char log[1 << 16];
};

/* ---- both sides ---------------------------------------------------------------- */

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

static int update(int fd, const void *key, const void *value)
{
	union bpf_attr a = { .map_fd = (u32)fd, .key = (uintptr_t)key,
		.value = (uintptr_t)value };

	return sys_bpf(BPF_MAP_UPDATE_ELEM, &a);
}

static void world_ring(struct world *w)
{
	const int fd = w->fds[MAP_RING];
	void *mine = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	u8 *rest = mmap(NULL, 4096 + 2 * RING_BYTES, PROT_READ, MAP_SHARED, fd, 4096);

	assert_true(mine != MAP_FAILED && rest != MAP_FAILED);
	w->ring_read = mine;
	w->ring_written = (u64 *)rest;
	w->ring = rest + 4096;
}

/* Slot 0 is the program that runs. */
static const struct vm_code *tail_target(struct run *run, struct map *map, u32 index)
{
	const struct world *w = (const void *)((const u8 *)run - offsetof(struct world, run));

	return index ? NULL : w->code;
}

static void world_init(struct world *w)
{
	union bpf_attr freeze;
	struct skep_err err;
	u32 key = 0;

	for (u32 i = 0; i < NR_MAPS; i++) {
		assert_int_equal(map_create(&w->maps[i], &attrs[i], 1, &err), 0);
		w->vm[i] = (struct vm_map){ .map = w->maps[i], .type = attrs[i].type,
			.key_size = attrs[i].key_size, .value_size = attrs[i].value_size,
			.mem = w->maps[i]->ops->values(w->maps[i]) };
		w->fds[i] = kmap_create(&attrs[i]);
		assert_true(w->fds[i] >= 0);
	}
	w->progs[0] = w->fds[MAP_PROGS];
	for (u32 i = 1; i < TYPES; i++)	/* each for one type */
		w->progs[i] = kmap_create(&attrs[MAP_PROGS]);
	assert_int_equal(map_user_update(w->maps[MAP_TEXT], &key, gen_text, BPF_ANY), 0);
	assert_int_equal(update(w->fds[MAP_TEXT], &key, gen_text), 0);
	freeze = (union bpf_attr){ .map_fd = (u32)w->fds[MAP_TEXT] };
	assert_int_equal(sys_bpf(BPF_MAP_FREEZE, &freeze), 0);
	world_ring(w);
	w->btf = load_btf();
	w->cpus = (u32)get_nprocs_conf();
	w->machine = vm_machine_new();
	w->buffer = os_map_lazy(host_sched_cls.buffer_bytes);
	assert_non_null(w->buffer);
	w->run.tail_target = tail_target;
}

static void world_free(struct world *w)
{
	for (u32 i = 0; i < NR_MAPS; i++) {
		map_free(w->maps[i]);
		if (i != MAP_PROGS)
			close(w->fds[i]);
	}
	for (u32 i = 0; i < TYPES; i++)
		close(w->progs[i]);
	close(w->btf);
	munmap(w->ring_read, 4096);
	munmap(w->ring_written, 4096 + 2 * RING_BYTES);
	vm_machine_free(w->machine);
	os_unmap(w->buffer, host_sched_cls.buffer_bytes);
	free(w);
}

static const struct type *type_of(const struct gen_prog *p)
{
	return &types[p->type != types[0].type];
}

/* A record of the ring buffer, behind its length. */
static void ring_record(struct seen *s, const void *data, u32 bytes)
{
	assert_true(s->ring_bytes + 4 + bytes <= sizeof(s->ring));
	memcpy(s->ring + s->ring_bytes, &bytes, 4);
	memcpy(s->ring + s->ring_bytes + 4, data, bytes);
	s->ring_bytes += 4 + bytes;
}

/* ---- the embedded engine ------------------------------------------------------ */

static int user_record(void *arg, const struct map_event *e)
{
	ring_record(arg, e->data, e->bytes);
	return 0;
}

static void maps_reset(struct world *w)
{
	static const u8 zeroes[RESULT_BYTES];
	u32 key = 0;
	u64 v;

	map_user_update(w->maps[MAP_VALUE], &key, zeroes, BPF_ANY);
	map_user_update(w->maps[MAP_RESULT], &key, zeroes, BPF_ANY);
	for (; key < KEYS; key++) {
		map_user_delete(w->maps[MAP_HASH], &key);
		map_user_update(w->maps[MAP_PERCPU], &key, zeroes, BPF_ANY);
	}
	for (u32 i = 0; i < PREFIXES; i++)
		map_user_delete(w->maps[MAP_LPM], &gen_prefixes[i]);
	for (u32 i = 0; i < 2; i++)
		while (!map_user_take(w->maps[MAP_QUEUE + i], NULL, &v, 0))
			;
}

static void maps_read(struct world *w, struct seen *s)
{
	u32 key = 0;

	map_user_lookup(w->maps[MAP_VALUE], &key, s->value, 0);
	map_user_lookup(w->maps[MAP_RESULT], &key, s->result, 0);
	for (; key < KEYS; key++) {
		s->in_hash[key] = !map_user_lookup(w->maps[MAP_HASH], &key, s->hash[key], 0);
		map_user_lookup(w->maps[MAP_PERCPU], &key, &s->percpu[key], 0);
	}
	for (u32 i = 0; i < PREFIXES; i++)
		s->in_lpm[i] = !map_user_lookup(w->maps[MAP_LPM], &gen_prefixes[i], &s->lpm[i], 0);
	for (u32 i = 0; i < 2; i++)
		while (s->nr_queue[i] <= QUEUE_ENTRIES &&
		       !map_user_take(w->maps[MAP_QUEUE + i], NULL,
				      &s->queue[i][s->nr_queue[i]], 0))
			s->nr_queue[i]++;
	w->maps[MAP_RING]->ops->read(w->maps[MAP_RING], user_record, s);
}

static void user_packet(struct world *w, const struct type *type, struct seen *s)
{
	const struct packet_buf *pkt = &w->run.pkt;
	const u8 *from = pkt->data;

	if (type->type == BPF_PROG_TYPE_XDP && pkt->data_meta < from)
		from = pkt->data_meta;	/* the kernel gives the metadata, too */
	s->bytes = (u32)(pkt->data_end - from);
	assert_true(s->bytes <= sizeof(s->packet));
	memcpy(s->packet, from, s->bytes);
}

static void run_user(struct world *w, const struct gen_prog *p, enum vm_mode mode, struct seen *s)
{
	const struct test_run t = { .data = w->packet, .bytes = w->bytes };
	const struct type *type = type_of(p);
	const struct vm_bind bind = { .insns = p->v, .nr_insns = p->n,
		.prog_type = p->type, .maps = w->vm, .nr_maps = NR_MAPS,
		.helper = call_helper, .ctx = ctx_desc(p->type) };
	struct vm_code *code;
	struct skep_err err;
	u64 ret;

	memset(s, 0, sizeof(*s));
	maps_reset(w);
	if (vm_code_new(&code, &bind, mode, "diff", &err) ||
	    type->host->begin(&w->run, w->buffer, &t, &err))
		fail_msg("%s", err.text);
	w->code = code;
	if (mode == VM_FAST) {
		ret = vm_run_fast(code, &w->run, &w->run);
	} else if (vm_run(w->machine, code, &w->run, BUDGET, &ret)) {
		s->fault = *vm_fault(w->machine);
		ret = 0;
	}
	s->retval = (u32)ret;
	user_packet(w, type, s);
	maps_read(w, s);
	vm_code_free(code);
}

/* ---- the kernel ------------------------------------------------------------------ */

static int element(int cmd, int fd, const void *key, const void *value)
{
	union bpf_attr a = { .map_fd = (u32)fd, .key = (uintptr_t)key,
		.value = (uintptr_t)value };

	return sys_bpf(cmd, &a);
}

static int kernel_load(struct world *w, const struct gen_prog *p)
{
	struct bpf_func_info funcs[1 + NR_FUNCS];
	union bpf_attr a = { .prog_type = p->type, .insns = (uintptr_t)p->v,
		.insn_cnt = p->n, .license = (uintptr_t)"GPL", .fd_array = (uintptr_t)w->fds,
		.prog_name = "skep_diff", .prog_btf_fd = (u32)w->btf,
		.func_info = (uintptr_t)funcs, .func_info_cnt = p->nr_funcs,
		.func_info_rec_size = sizeof(*funcs) };
	int fd;

	for (u32 i = 0; i < p->nr_funcs; i++)
		funcs[i] = (struct bpf_func_info){ i ? p->funcs[i] : 0, 3 };
	w->fds[MAP_PROGS] = w->progs[type_of(p) - types];
	fd = sys_bpf(BPF_PROG_LOAD, &a);
	if (fd >= 0)
		return fd;
	a.log_level = 1;
	a.log_buf = (uintptr_t)w->log;
	a.log_size = sizeof(w->log);
	return sys_bpf(BPF_PROG_LOAD, &a);
}

static void kernel_reset(struct world *w)
{
	static u64 zeroes[RESULT_BYTES];	/* of all cpus, too */
	u32 key = 0;
	u64 v;

	assert_int_equal(update(w->fds[MAP_VALUE], &key, zeroes), 0);
	assert_int_equal(update(w->fds[MAP_RESULT], &key, zeroes), 0);
	for (; key < KEYS; key++) {
		element(BPF_MAP_DELETE_ELEM, w->fds[MAP_HASH], &key, NULL);
		assert_int_equal(update(w->fds[MAP_PERCPU], &key, zeroes), 0);
	}
	for (u32 i = 0; i < PREFIXES; i++)
		element(BPF_MAP_DELETE_ELEM, w->fds[MAP_LPM], &gen_prefixes[i], NULL);
	for (u32 i = 0; i < 2; i++)
		while (!element(BPF_MAP_LOOKUP_AND_DELETE_ELEM, w->fds[MAP_QUEUE + i], NULL, &v))
			;
}

/* The complete records of the kernel's ring buffer. */
static void kernel_ring(struct world *w, struct seen *s)
{
	u64 at = *w->ring_read, end = __atomic_load_n(w->ring_written, __ATOMIC_ACQUIRE);

	while (at < end) {
		const u8 *record = w->ring + (at & (RING_BYTES - 1));
		u32 bytes;

		memcpy(&bytes, record, 4);
		assert_false(bytes >> 30);	/* neither busy nor discarded */
		ring_record(s, record + BPF_RINGBUF_HDR_SZ, bytes);
		at += round_up(bytes + BPF_RINGBUF_HDR_SZ, 8);
	}
	__atomic_store_n(w->ring_read, end, __ATOMIC_RELEASE);
}

static void kernel_percpu(struct world *w, u32 key, u64 *sum)
{
	u64 v[256] = { 0 };

	assert_true(w->cpus <= ARRAY_LEN(v));
	assert_int_equal(element(BPF_MAP_LOOKUP_ELEM, w->fds[MAP_PERCPU], &key, v), 0);
	for (u32 i = 0; i < w->cpus; i++)
		*sum += v[i];
}

static void kernel_read(struct world *w, struct seen *s)
{
	u32 key = 0;

	element(BPF_MAP_LOOKUP_ELEM, w->fds[MAP_VALUE], &key, s->value);
	element(BPF_MAP_LOOKUP_ELEM, w->fds[MAP_RESULT], &key, s->result);
	for (; key < KEYS; key++) {
		s->in_hash[key] = !element(BPF_MAP_LOOKUP_ELEM, w->fds[MAP_HASH], &key,
					   s->hash[key]);
		kernel_percpu(w, key, &s->percpu[key]);
	}
	for (u32 i = 0; i < PREFIXES; i++)
		s->in_lpm[i] = !element(BPF_MAP_LOOKUP_ELEM, w->fds[MAP_LPM], &gen_prefixes[i],
					&s->lpm[i]);
	for (u32 i = 0; i < 2; i++)
		while (s->nr_queue[i] <= QUEUE_ENTRIES &&
		       !element(BPF_MAP_LOOKUP_AND_DELETE_ELEM, w->fds[MAP_QUEUE + i], NULL,
				&s->queue[i][s->nr_queue[i]]))
			s->nr_queue[i]++;
	kernel_ring(w, s);
}

/* False when the kernel does not run it on this packet. */
static bool run_kernel(struct world *w, const struct gen_prog *p, int fd, struct seen *s)
{
	union bpf_attr a = { .test = { .prog_fd = (u32)fd, .data_in = (uintptr_t)w->packet,
		.data_size_in = w->bytes, .data_out = (uintptr_t)s->packet,
		.data_size_out = sizeof(s->packet) } };
	u32 slot = 0;
	int r;

	memset(s, 0, sizeof(*s));
	kernel_reset(w);
	if (p->tails)	/* the kernel waits long when a slot changes */
		assert_int_equal(update(w->fds[MAP_PROGS], &slot, &fd), 0);
	r = sys_bpf(BPF_PROG_TEST_RUN, &a);
	if (p->tails)
		element(BPF_MAP_DELETE_ELEM, w->fds[MAP_PROGS], &slot, NULL);
	assert_true(!r || r == -EINVAL);
	s->retval = a.test.retval;
	s->bytes = a.test.data_size_out;
	kernel_read(w, s);
	return !r;
}

/* ---- comparing --------------------------------------------------------------------- */

/* Which word of map 2 differs. */
static const char *word_of(const u8 *a, const u8 *b)
{
	static char text[96];
	u32 i = 0;
	u64 x, y;

	while (!memcmp(a + 8 * i, b + 8 * i, 8))
		i++;
	memcpy(&x, a + 8 * i, 8);
	memcpy(&y, b + 8 * i, 8);
	snprintf(text, sizeof(text), "word %u of the result (0x%" PRIx64 ", other 0x%" PRIx64 ")",
		 i, x, y);
	return text;
}

#define PART(a, b, of) (memcmp(&(a)->of, &(b)->of, sizeof((a)->of)) != 0)

/* What differs in maps, or NULL. */
static const char *map_difference(const struct seen *a, const struct seen *b)
{
	if (PART(a, b, value))
		return "the value of map 0";
	if (PART(a, b, in_hash))
		return "which keys the hash map has";
	if (PART(a, b, hash))
		return "the values of the hash map";
	if (PART(a, b, nr_queue) || PART(a, b, queue))
		return "the queue or the stack";
	if (PART(a, b, in_lpm) || PART(a, b, lpm))
		return "the trie";
	if (PART(a, b, percpu))
		return "the per-cpu array";
	return PART(a, b, ring_bytes) || PART(a, b, ring) ? "the ring buffer" : NULL;
}

static const char *number_text(const char *what, u32 a, u32 b)
{
	static char text[96];

	snprintf(text, sizeof(text), "%s (%d, other %d)", what, (s32)a, (s32)b);
	return text;
}

/* What differs, or NULL. */
static const char *difference(const struct seen *a, const struct seen *b)
{
	const char *what;

	if (a->fault.kind)
		return a->fault.text;
	if (a->retval != b->retval)
		return number_text("the result", a->retval, b->retval);
	if (PART(a, b, result))
		return word_of(a->result, b->result);
	what = map_difference(a, b);
	if (what)
		return what;
	if (a->bytes != b->bytes)
		return number_text("the packet's length", a->bytes, b->bytes);
	return memcmp(a->packet, b->packet, a->bytes) ? "the packet" : NULL;
}

/* The program of SEED without SKIP: NULL, or what differs. *TAKEN: the kernel
 * has loaded it. */
static const char *diff(struct world *w, u64 seed, u64 skip, bool *taken)
{
	static struct gen_prog p;
	static struct seen checked, other;
	const char *what = NULL;
	int fd;

	gen_program(&p, seed, skip);
	fd = kernel_load(w, &p);
	*taken = fd >= 0;
	if (fd < 0)
		return NULL;
	*taken = run_kernel(w, &p, fd, &other);
	close(fd);
	if (!*taken)
		return NULL;
	run_user(w, &p, VM_CHECKED, &checked);
	what = difference(&checked, &other);
	if (what || p.packet)
		return what;
	run_user(w, &p, VM_FAST, &other);
	return difference(&checked, &other) ? "what the fast interpreter did" : NULL;
}

/* Leaves out what the difference does not need. */
static u64 shrink(struct world *w, u64 seed)
{
	u64 skip = 0;
	bool taken;

	for (u32 i = 0; i < GEN_STATEMENTS; i++)
		if (diff(w, seed, skip | 1ull << i, &taken))
			skip |= 1ull << i;
	return skip;
}

static void show(struct world *w, u64 seed, u64 skip)
{
	static struct gen_prog p;
	struct strbuf text = { 0 };

	gen_program(&p, seed, skip);
	for (u32 i = 0; i < p.n; i += isa_slots(&p.v[i])) {
		sb_printf(&text, "%4u: ", i);
		isa_disasm(&text, p.v, p.n, i);
		sb_putc(&text, '\n');
	}
	fprintf(stderr, "seed 0x%" PRIx64 ", statements left out 0x%" PRIx64
		", packet of %u bytes\n%s", seed, skip, w->bytes, sb_text(&text));
	sb_free(&text);
}

static u64 from_env(const char *name, u64 otherwise)
{
	const char *s = getenv(name);

	return s ? strtoull(s, NULL, 0) : otherwise;
}

static void new_packet(struct world *w, u64 *state)
{
	w->bytes = 14 + (u32)(gen_random(state) % (PACKET_MAX - 14));
	for (u32 i = 0; i < w->bytes; i++)
		w->packet[i] = (u8)gen_random(state);
}

static void random_programs(void **unused UNUSED)
{
	u64 state = from_env("DIFF_SEED", os_clock_ns()), runs = from_env("DIFF_RUNS", RUNS);
	u64 refused = 0, last_refused = 0;
	struct world *w;

	need_kernel();
	w = mem_alloc(sizeof(*w));
	world_init(w);
	print_message("# DIFF_SEED=0x%" PRIx64 "\n", state);
	for (u64 i = 0; i < runs; i++) {
		u64 seed = gen_random(&state);
		const char *what;
		bool taken;

		new_packet(w, &state);
		what = diff(w, seed, 0, &taken);
		if (what) {
			u64 skip;

			print_message("# %s differs\n", what);
			skip = shrink(w, seed);

			show(w, seed, skip);
			fail_msg("%s differs", diff(w, seed, skip, &taken));
		}
		if (!taken) {
			refused++;
			last_refused = seed;
		}
	}
	print_message("# %" PRIu64 " programs, %" PRIu64 " of them refused by the kernel\n", runs,
		      refused);
	if (refused > runs / 10) {
		show(w, last_refused, 0);
		fail_msg("too many are refused: %s", w->log + max_u64(strlen(w->log), 600) - 600);
	}
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_programs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
