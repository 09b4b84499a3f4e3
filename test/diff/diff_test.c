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
#include <stdlib.h>
#include "unit/kernel_bpf.h"

enum { RUNS = 2000, MAPS = 3, PACKET_MAX = 512, BUDGET = 1000000 };

static const struct map_attr attrs[MAPS] = {
	{ .name = "value", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
	  .value_size = VALUE_BYTES, .max_entries = 1 },
	{ .name = "hash", .type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = HASH_BYTES,
	  .max_entries = KEYS },
	{ .name = "result", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
	  .value_size = RESULT_BYTES, .max_entries = 1 },
};

/* What can be seen of a run. */
struct seen {
	u32 retval, bytes;
	u8 packet[PACKET_MAX + 512];
	u8 value[VALUE_BYTES], result[RESULT_BYTES];
	u8 hash[KEYS][HASH_BYTES];
	bool in_hash[KEYS];
};

struct world {
	struct map *maps[MAPS];
	struct vm_map vm[MAPS];
	int fds[MAPS];
	struct vm_machine *machine;
	struct run run;
	u8 *buffer;
	u8 packet[PACKET_MAX];
	u32 bytes;
	char log[1 << 16];
};

static void world_init(struct world *w)
{
	struct skep_err err;

	for (u32 i = 0; i < MAPS; i++) {
		assert_int_equal(map_create(&w->maps[i], &attrs[i], 1, &err), 0);
		w->vm[i] = (struct vm_map){ .map = w->maps[i], .key_size = attrs[i].key_size,
			.value_size = attrs[i].value_size,
			.mem = w->maps[i]->ops->values(w->maps[i]) };
		w->fds[i] = kmap_create(&attrs[i]);
	}
	w->machine = vm_machine_new();
	w->buffer = mem_alloc(host_xdp.buffer_bytes);
}

static void world_free(struct world *w)
{
	for (u32 i = 0; i < MAPS; i++) {
		map_free(w->maps[i]);
		close(w->fds[i]);
	}
	vm_machine_free(w->machine);
	free(w->buffer);
	free(w);
}

/* ---- the embedded engine ------------------------------------------------------ */

static void maps_reset(struct world *w)
{
	static const u8 zeroes[RESULT_BYTES];
	u32 key = 0;

	map_user_update(w->maps[0], &key, zeroes, BPF_ANY);
	map_user_update(w->maps[2], &key, zeroes, BPF_ANY);
	for (; key < KEYS; key++)
		map_user_delete(w->maps[1], &key);
}

static void maps_read(struct world *w, struct seen *s)
{
	u32 key = 0;

	map_user_lookup(w->maps[0], &key, s->value, 0);
	map_user_lookup(w->maps[2], &key, s->result, 0);
	for (; key < KEYS; key++)
		s->in_hash[key] = !map_user_lookup(w->maps[1], &key, s->hash[key], 0);
}

static void run_user(struct world *w, const struct gen_prog *p, enum vm_mode mode, struct seen *s)
{
	const struct test_run t = { .data = w->packet, .bytes = w->bytes };
	const struct vm_bind bind = { .insns = p->v, .nr_insns = p->n,
		.prog_type = BPF_PROG_TYPE_XDP, .maps = w->vm, .nr_maps = MAPS,
		.helper = call_helper, .ctx = ctx_desc(BPF_PROG_TYPE_XDP) };
	const struct packet_buf *pkt = &w->run.pkt;
	struct vm_code *code;
	struct skep_err err;
	const u8 *from;
	u64 ret;

	memset(s, 0, sizeof(*s));
	maps_reset(w);
	if (vm_code_new(&code, &bind, mode, "diff", &err) ||
	    host_xdp.begin(&w->run, w->buffer, &t, &err))
		fail_msg("%s", err.text);
	if (mode == VM_FAST)
		ret = vm_run_fast(code, &w->run, &w->run);
	else if (vm_run(w->machine, code, &w->run, BUDGET, &ret))
		fail_msg("a program that the kernel accepts: instruction %u: %s",
			 vm_fault(w->machine)->insn, vm_fault(w->machine)->text);
	s->retval = (u32)ret;
	/* the kernel gives the metadata, too */
	from = pkt->data_meta < pkt->data ? pkt->data_meta : pkt->data;
	s->bytes = (u32)(pkt->data_end - from);
	memcpy(s->packet, from, s->bytes);
	maps_read(w, s);
	vm_code_free(code);
}

/* ---- the kernel ------------------------------------------------------------------ */

static void element(int cmd, int fd, u32 key, void *value, int want)
{
	union bpf_attr a = { .map_fd = (u32)fd, .key = (uintptr_t)&key,
		.value = (uintptr_t)value };
	int r = sys_bpf(cmd, &a);

	assert_true(!r || r == want);
}

static int kernel_load(struct world *w, const struct gen_prog *p)
{
	union bpf_attr a = { .prog_type = BPF_PROG_TYPE_XDP, .insns = (uintptr_t)p->v,
		.insn_cnt = p->n, .license = (uintptr_t)"GPL", .fd_array = (uintptr_t)w->fds,
		.prog_name = "skep_diff" };
	int fd = sys_bpf(BPF_PROG_LOAD, &a);

	if (fd >= 0)
		return fd;
	a.log_level = 1;
	a.log_buf = (uintptr_t)w->log;
	a.log_size = sizeof(w->log);
	return sys_bpf(BPF_PROG_LOAD, &a);
}

static void run_kernel(struct world *w, int fd, struct seen *s)
{
	static u8 zeroes[RESULT_BYTES];
	union bpf_attr a = { .test = { .prog_fd = (u32)fd, .data_in = (uintptr_t)w->packet,
		.data_size_in = w->bytes, .data_out = (uintptr_t)s->packet,
		.data_size_out = sizeof(s->packet) } };

	memset(s, 0, sizeof(*s));
	element(BPF_MAP_UPDATE_ELEM, w->fds[0], 0, zeroes, 0);
	element(BPF_MAP_UPDATE_ELEM, w->fds[2], 0, zeroes, 0);
	for (u32 key = 0; key < KEYS; key++)
		element(BPF_MAP_DELETE_ELEM, w->fds[1], key, NULL, -ENOENT);
	assert_int_equal(sys_bpf(BPF_PROG_TEST_RUN, &a), 0);
	s->retval = a.test.retval;
	s->bytes = a.test.data_size_out;
	element(BPF_MAP_LOOKUP_ELEM, w->fds[0], 0, s->value, 0);
	element(BPF_MAP_LOOKUP_ELEM, w->fds[2], 0, s->result, 0);
	for (u32 key = 0; key < KEYS; key++) {
		union bpf_attr l = { .map_fd = (u32)w->fds[1], .key = (uintptr_t)&key,
			.value = (uintptr_t)s->hash[key] };

		s->in_hash[key] = !sys_bpf(BPF_MAP_LOOKUP_ELEM, &l);
	}
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

/* What differs, or NULL. */
static const char *difference(const struct seen *a, const struct seen *b)
{
	if (a->retval != b->retval)
		return "the result";
	if (memcmp(a->result, b->result, RESULT_BYTES))
		return word_of(a->result, b->result);
	if (memcmp(a->value, b->value, VALUE_BYTES))
		return "the value of map 0";
	if (memcmp(a->in_hash, b->in_hash, sizeof(a->in_hash)))
		return "which keys map 1 has";
	if (memcmp(a->hash, b->hash, sizeof(a->hash)))
		return "the values of map 1";
	if (a->bytes != b->bytes)
		return "the packet's length";
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
	run_kernel(w, fd, &other);
	close(fd);
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
			u64 skip = shrink(w, seed);

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
	if (refused > runs / 20) {
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
