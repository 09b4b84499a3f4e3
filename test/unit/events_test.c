/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * events_test.c: programs that use ring buffers, perf event arrays, queues,
 * maps of maps and redirect maps in the checked interpreter: what readers get,
 * and what programs must not do.
 */
#include <skep/insn.h>
#include <skep/skep.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

enum { RING, PERF, QUEUE, OUTER, INNER, DEVICES, BIG, HASH };

static const struct skep_map_def inner_def = { "inner", BPF_MAP_TYPE_HASH, 4, 8, 4, 0, NULL };

static const struct skep_map_def maps[] = {
	[RING] = { "ring", BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0, NULL },
	[PERF] = { "perf", BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 2, 0, NULL },
	[QUEUE] = { "queue", BPF_MAP_TYPE_QUEUE, 0, 8, 3, 0, NULL },
	[OUTER] = { "outer", BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 3, 0, &inner_def },
	[INNER] = { "inner", BPF_MAP_TYPE_HASH, 4, 8, 4, 0, NULL },
	[DEVICES] = { "devices", BPF_MAP_TYPE_DEVMAP, 4, 4, 4, 0, NULL },
	[BIG] = { "big", BPF_MAP_TYPE_ARRAY, 4, 1 << 20, 1, 0, NULL },
	[HASH] = { "hash", BPF_MAP_TYPE_HASH, 4, 8, 4, 0, NULL },
};

static struct skep_object *load_as(const struct bpf_insn *insns, size_t n, int unverified)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .unverified = unverified };
	struct skep_object *obj;
	struct skep_err err;

	if (skep_object_from_insns(&obj, BPF_PROG_TYPE_XDP, "test", insns, n, maps, LEN(maps),
				   "GPL", &err) || skep_object_load(obj, &opts, &err))
		fail_msg("%s", skep_err_text(&err));
	return obj;
}

static struct skep_object *load(const struct bpf_insn *insns, size_t n)
{
	return load_as(insns, n, 0);
}

/* In the checked interpreter. */
static struct skep_object *load_unverified(const struct bpf_insn *insns, size_t n)
{
	return load_as(insns, n, 1);
}

static int run_with(struct skep_object *obj, struct skep_run *run, struct skep_err *err)
{
	run->data = "packet";
	run->data_bytes = 6;
	return skep_prog_run(skep_object_prog(obj, "test"), run, err);
}

static uint32_t runs(struct skep_object *obj)
{
	struct skep_run run = { .size = sizeof(run) };
	struct skep_err err;

	if (run_with(obj, &run, &err))
		fail_msg("%s", skep_err_text(&err));
	return run.retval;
}

static void faults(const struct bpf_insn *insns, size_t n, const char *text, const char *place)
{
	struct skep_object *obj = load_unverified(insns, n);
	struct skep_run run = { .size = sizeof(run) };
	struct skep_err err;

	assert_int_equal(run_with(obj, &run, &err), -EFAULT);
	if (!strstr(skep_err_text(&err), text) || !strstr(skep_err_text(&err), place))
		fail_msg("'%s', '%s' are not in: %s", text, place, skep_err_text(&err));
	skep_object_close(obj);
}
#define FAULTS(insns, text, place) faults(insns, LEN(insns), text, place)

/* ---- readers ---------------------------------------------------------------------- */

struct got {
	uint32_t n, bytes, cpu;
	char data[64];
	uint32_t stop_at;
};

static int take(void *arg, const struct skep_event *e)
{
	struct got *g = arg;

	g->n++;
	g->bytes = e->bytes;
	g->cpu = e->cpu;
	assert_int_equal((uintptr_t)e->data % 8, 0);
	memcpy(g->data, e->data, e->bytes < 64 ? e->bytes : 64);
	return g->n == g->stop_at;
}

static struct skep_map *map_of(struct skep_object *obj, int map)
{
	return skep_object_map(obj, maps[map].name);
}

#define PUT_TEXT \
	BPF_MOV64_REG(BPF_REG_6, BPF_REG_1), \
	BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 0x64636261)	/* "abcd" */
#define CALL_RESERVE(size) \
	SKEP_LD_MAP(BPF_REG_1, RING), BPF_MOV64_IMM(BPF_REG_2, size), \
	BPF_MOV64_IMM(BPF_REG_3, 0), BPF_EMIT_CALL(BPF_FUNC_ringbuf_reserve)

static void ring_output(void **state)
{
	static const struct bpf_insn insns[] = {
		PUT_TEXT,
		SKEP_LD_MAP(BPF_REG_1, RING),
		BPF_MOV64_REG(BPF_REG_2, BPF_REG_10),
		BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, -8),
		BPF_MOV64_IMM(BPF_REG_3, 5),
		BPF_MOV64_IMM(BPF_REG_4, 0),
		BPF_EMIT_CALL(BPF_FUNC_ringbuf_output),
		BPF_EXIT_INSN(),
	};
	struct skep_object *obj = load(insns, LEN(insns));
	struct skep_map *ring = map_of(obj, RING);
	struct got g = { .stop_at = 3 };
	uint32_t n = 0;

	while (!runs(obj))
		n++;
	assert_int_equal(n, (4096 - 1) / 16);
	assert_int_equal((int32_t)runs(obj), -EAGAIN);
	assert_int_equal(skep_map_lost(ring), 2);
	assert_int_equal(skep_map_read(ring, take, &g), 3);
	assert_int_equal(g.bytes, 5);
	assert_memory_equal(g.data, "abcd\0", 5);
	g = (struct got){ 0 };
	assert_int_equal(skep_map_read(ring, take, &g), n - 3);
	assert_int_equal(skep_map_read(ring, take, &g), 0);
	/* the ring goes around many times */
	for (int i = 0; i < 2000; i++) {
		assert_int_equal(runs(obj), 0);
		assert_int_equal(skep_map_read(ring, take, &g), 1);
		assert_memory_equal(g.data, "abcd\0", 5);
	}
	assert_int_equal(skep_map_read(map_of(obj, HASH), take, &g), -524);
	skep_object_close(obj);
}

static void ring_reserve(void **state)
{
	static const struct bpf_insn insns[] = {
		CALL_RESERVE(16),
		BPF_JMP_IMM(BPF_JEQ, BPF_REG_0, 0, 17),
		BPF_MOV64_REG(BPF_REG_7, BPF_REG_0),
		BPF_ST_MEM(BPF_DW, BPF_REG_7, 0, 0x64636261),
		BPF_ST_MEM(BPF_DW, BPF_REG_7, 8, 7),
		CALL_RESERVE(24),
		BPF_JMP_IMM(BPF_JEQ, BPF_REG_0, 0, 3),
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_0),
		BPF_MOV64_IMM(BPF_REG_2, 0),
		BPF_EMIT_CALL(BPF_FUNC_ringbuf_discard),
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_7),
		BPF_MOV64_IMM(BPF_REG_2, 0),
		BPF_EMIT_CALL(BPF_FUNC_ringbuf_submit),
		BPF_MOV64_IMM(BPF_REG_0, 2),
		BPF_EXIT_INSN(),
		BPF_EXIT_INSN(),
	};
	struct skep_object *obj = load(insns, LEN(insns));
	struct got g = { 0 };

	for (int i = 0; i < 300; i++) {
		assert_int_equal(runs(obj), 2);
		assert_int_equal(skep_map_read(map_of(obj, RING), take, &g), 1);
		assert_int_equal(g.bytes, 16);
		assert_memory_equal(g.data, "abcd\0\0\0\0\7\0\0\0\0\0\0\0", 16);
	}
	skep_object_close(obj);
}

static void record_faults(void **state)
{
	static const struct bpf_insn kept[] = {
		CALL_RESERVE(16), BPF_MOV64_IMM(BPF_REG_0, 2), BPF_EXIT_INSN(),
	}, twice[] = {
		CALL_RESERVE(16), BPF_MOV64_REG(BPF_REG_7, BPF_REG_0),
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_7), BPF_MOV64_IMM(BPF_REG_2, 0),
		BPF_EMIT_CALL(BPF_FUNC_ringbuf_submit),
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_7), BPF_MOV64_IMM(BPF_REG_2, 0),
		BPF_EMIT_CALL(BPF_FUNC_ringbuf_submit), BPF_EXIT_INSN(),
	}, after[] = {
		CALL_RESERVE(16), BPF_MOV64_REG(BPF_REG_7, BPF_REG_0),
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_7), BPF_MOV64_IMM(BPF_REG_2, 0),
		BPF_EMIT_CALL(BPF_FUNC_ringbuf_submit),
		BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_7, 0), BPF_EXIT_INSN(),
	}, beyond[] = {
		CALL_RESERVE(16), BPF_ST_MEM(BPF_DW, BPF_REG_0, 12, 0), BPF_EXIT_INSN(),
	}, head[] = {
		CALL_RESERVE(16), BPF_ST_MEM(BPF_W, BPF_REG_0, -8, 0), BPF_EXIT_INSN(),
	}, inside[] = {
		CALL_RESERVE(16), BPF_MOV64_REG(BPF_REG_1, BPF_REG_0),
		BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, 8), BPF_MOV64_IMM(BPF_REG_2, 0),
		BPF_EMIT_CALL(BPF_FUNC_ringbuf_submit), BPF_EXIT_INSN(),
	}, wrong_map[] = {
		SKEP_LD_MAP(BPF_REG_1, HASH), BPF_MOV64_IMM(BPF_REG_2, 8),
		BPF_MOV64_IMM(BPF_REG_3, 0), BPF_EMIT_CALL(BPF_FUNC_ringbuf_reserve),
		BPF_EXIT_INSN(),
	}, no_values[] = {
		PUT_TEXT, SKEP_LD_MAP(BPF_REG_1, RING), BPF_MOV64_REG(BPF_REG_2, BPF_REG_10),
		BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, -8),
		BPF_EMIT_CALL(BPF_FUNC_map_lookup_elem), BPF_EXIT_INSN(),
	};

	FAULTS(kept, "the record reserved here is neither submitted nor discarded",
	       "instruction 4");
	FAULTS(twice, "argument 1 of bpf_ringbuf_submit is no record", "instruction 11");
	FAULTS(after, "a record is read that the program has given back", "instruction 9");
	FAULTS(beyond, "bytes 12..19 of a record are written, it has 16", "instruction 5");
	FAULTS(head, "bytes -8..-5 of a record are written, it has 16", "instruction 5");
	FAULTS(inside, "is no record that the program has reserved", "instruction 8");
	FAULTS(wrong_map, "argument 1 of bpf_ringbuf_reserve is the wrong map: the helper is "
	       "not for hash maps", "instruction 4");
	FAULTS(no_values, "the helper is not for ringbuf maps", "instruction 6");
}

/* A record that a faulty program left does not stop the reader. */
static void ring_after_fault(void **state)
{
	static const struct bpf_insn insns[] = {
		CALL_RESERVE(2000), BPF_EXIT_INSN(),
	};
	struct skep_object *obj = load_unverified(insns, LEN(insns));
	struct got g = { 0 };
	struct skep_run run;

	for (int i = 0; i < 10; i++) {
		run = (struct skep_run){ .size = sizeof(run) };
		assert_int_equal(run_with(obj, &run, NULL), -EFAULT);
		assert_int_equal(skep_map_read(map_of(obj, RING), take, &g), 0);
	}
	assert_int_equal(skep_map_lost(map_of(obj, RING)), 0);
	skep_object_close(obj);
}

/* The same of one that was verified and is stopped by its budget. */
static void ring_after_budget(void **state)
{
	static const struct bpf_insn insns[] = {
		CALL_RESERVE(16), BPF_JMP_IMM(BPF_JNE, BPF_REG_0, 0, 2),
		BPF_MOV64_IMM(BPF_REG_0, 1), BPF_EXIT_INSN(),
		BPF_MOV64_REG(BPF_REG_7, BPF_REG_0), BPF_MOV64_IMM(BPF_REG_8, 100000),
		BPF_ALU64_IMM(BPF_SUB, BPF_REG_8, 1), BPF_JMP_IMM(BPF_JNE, BPF_REG_8, 0, -2),
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_7), BPF_MOV64_IMM(BPF_REG_2, 0),
		BPF_EMIT_CALL(BPF_FUNC_ringbuf_submit),
		BPF_MOV64_IMM(BPF_REG_0, 0), BPF_EXIT_INSN(),
	};
	struct skep_object *obj = load(insns, LEN(insns));
	struct skep_run run;
	struct got g = { 0 };

	for (int i = 0; i < 10; i++) {
		run = (struct skep_run){ .size = sizeof(run), .budget = 1000 };
		assert_int_equal(run_with(obj, &run, NULL), -ELOOP);
		assert_int_equal(skep_map_read(map_of(obj, RING), take, &g), 0);
		assert_int_equal(runs(obj), 0);
		assert_int_equal(skep_map_read(map_of(obj, RING), take, &g), 1);
	}
	assert_int_equal(skep_map_lost(map_of(obj, RING)), 0);
	skep_object_close(obj);
}

/* ---- perf events --------------------------------------------------------------------- */

static void perf_events(void **state)
{
	static const struct bpf_insn insns[] = {
		PUT_TEXT,
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_6),
		SKEP_LD_MAP(BPF_REG_2, PERF),
		BPF_LD_IMM64(BPF_REG_3, 3ull << 32 | BPF_F_CURRENT_CPU),
		BPF_MOV64_REG(BPF_REG_4, BPF_REG_10),
		BPF_ALU64_IMM(BPF_ADD, BPF_REG_4, -8),
		BPF_MOV64_IMM(BPF_REG_5, 4),
		BPF_EMIT_CALL(BPF_FUNC_perf_event_output),
		BPF_EXIT_INSN(),
	};
	struct skep_object *obj = load(insns, LEN(insns));
	struct got g = { 0 };
	uint32_t n = 0, key = 0;

	for (; !runs(obj); n++)
		;
	assert_int_equal(n, (1 << 19) / 16);
	assert_int_equal(skep_map_lost(map_of(obj, PERF)), 1);
	assert_int_equal(skep_map_read(map_of(obj, PERF), take, &g), n);
	assert_int_equal(g.bytes, 7);
	assert_memory_equal(g.data, "abcdpac", 7);
	assert_int_equal(runs(obj), 0);
	assert_int_equal(skep_map_delete(map_of(obj, PERF), &key), 0);
	assert_int_equal((int32_t)runs(obj), -ENOENT);
	skep_object_close(obj);
}

/* ---- queues --------------------------------------------------------------------------- */

static void queues(void **state)
{
	static const struct bpf_insn insns[] = {
		PUT_TEXT,
		SKEP_LD_MAP(BPF_REG_1, QUEUE), BPF_MOV64_REG(BPF_REG_2, BPF_REG_10),
		BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, -8), BPF_MOV64_IMM(BPF_REG_3, 0),
		BPF_EMIT_CALL(BPF_FUNC_map_push_elem),
		BPF_MOV64_REG(BPF_REG_7, BPF_REG_0),
		SKEP_LD_MAP(BPF_REG_1, QUEUE), BPF_MOV64_REG(BPF_REG_2, BPF_REG_10),
		BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, -16),
		BPF_EMIT_CALL(BPF_FUNC_map_peek_elem),
		BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, -16),
		BPF_MOV64_REG(BPF_REG_0, BPF_REG_7),
		BPF_EXIT_INSN(),
	};
	struct skep_object *obj = load(insns, LEN(insns));
	struct skep_map *q = map_of(obj, QUEUE);
	uint64_t v = 1;

	for (int i = 0; i < 3; i++)
		assert_int_equal(runs(obj), 0);
	assert_int_equal((int32_t)runs(obj), -E2BIG);
	assert_int_equal(skep_map_update(q, NULL, &v, BPF_EXIST), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(skep_map_lookup_delete(q, NULL, &v), 0);
		assert_int_equal(v, 0x64636261);
	}
	assert_int_equal(skep_map_lookup_delete(q, NULL, &v), 0);
	assert_int_equal(v, 1);
	assert_int_equal(skep_map_lookup(q, NULL, &v), -ENOENT);
	skep_object_close(obj);
}

/* ---- maps of maps ------------------------------------------------------------------------- */

#define KEY_IN(reg) \
	BPF_MOV64_REG(reg, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, reg, -8)

static void inner_maps(void **state)
{
	static const struct bpf_insn insns[] = {
		BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 1),
		SKEP_LD_MAP(BPF_REG_1, OUTER), KEY_IN(BPF_REG_2),
		BPF_EMIT_CALL(BPF_FUNC_map_lookup_elem),
		BPF_JMP_IMM(BPF_JNE, BPF_REG_0, 0, 2),
		BPF_MOV64_IMM(BPF_REG_0, 1), BPF_EXIT_INSN(),
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_0), KEY_IN(BPF_REG_2),
		BPF_EMIT_CALL(BPF_FUNC_map_lookup_elem),
		BPF_JMP_IMM(BPF_JNE, BPF_REG_0, 0, 2),
		BPF_MOV64_IMM(BPF_REG_0, 2), BPF_EXIT_INSN(),
		BPF_MOV64_IMM(BPF_REG_1, 5),
		BPF_ATOMIC_OP(BPF_DW, BPF_ADD, BPF_REG_0, BPF_REG_1, 0),
		BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_0, 0),
		BPF_EXIT_INSN(),
	};
	struct skep_object *obj = load(insns, LEN(insns));
	uint32_t key = 1, number = INNER, id = 99;
	uint64_t v = 40;

	assert_int_equal(runs(obj), 1);
	assert_int_equal(skep_map_lookup(map_of(obj, OUTER), &key, &id), -ENOENT);
	assert_int_equal(skep_map_update(map_of(obj, OUTER), &key, &number, 0), 0);
	assert_int_equal(skep_map_lookup(map_of(obj, OUTER), &key, &id), 0);
	assert_int_equal(id, INNER);
	assert_int_equal(runs(obj), 2);
	assert_int_equal(skep_map_update(map_of(obj, INNER), &key, &v, 0), 0);
	assert_int_equal(runs(obj), 45);
	assert_int_equal(runs(obj), 50);
	number = QUEUE;
	assert_int_equal(skep_map_update(map_of(obj, OUTER), &key, &number, 0), -EINVAL);
	number = 99;
	assert_int_equal(skep_map_update(map_of(obj, OUTER), &key, &number, 0), -EBADF);
	skep_object_close(obj);
}

/* The same numbers mean the same maps in the kernel, where it may be asked. */
static void inner_maps_kernel(void **state)
{
	static const struct bpf_insn insns[] = { BPF_MOV64_IMM(BPF_REG_0, 2), BPF_EXIT_INSN() };
	struct skep_load_opts opts = { .size = sizeof(opts), .engine = SKEP_KERNEL };
	uint32_t key = 1, number = INNER, id = 99;
	uint64_t v = 7, out = 0;
	struct skep_object *obj;
	struct skep_err err;

	assert_int_equal(skep_object_from_insns(&obj, BPF_PROG_TYPE_XDP, "test", insns, LEN(insns),
						maps, LEN(maps), "GPL", &err), 0);
	if (skep_object_load(obj, &opts, &err)) {
		print_message("skipped: %s", skep_err_text(&err));
		skep_object_close(obj);
		skip();
	}
	assert_int_equal(skep_map_update(map_of(obj, OUTER), &key, &number, 0), 0);
	assert_int_equal(skep_map_lookup(map_of(obj, OUTER), &key, &id), 0);
	assert_int_equal(id, INNER);
	number = QUEUE;
	assert_int_equal(skep_map_update(map_of(obj, OUTER), &key, &number, 0), -EINVAL);
	assert_int_equal(skep_map_update(map_of(obj, QUEUE), NULL, &v, 0), 0);
	assert_int_equal(skep_map_lookup_delete(map_of(obj, QUEUE), NULL, &out), 0);
	assert_int_equal(out, 7);
	skep_object_close(obj);
}

static void inner_faults(void **state)
{
	static const struct bpf_insn update[] = {
		BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 0),
		SKEP_LD_MAP(BPF_REG_1, OUTER), KEY_IN(BPF_REG_2), KEY_IN(BPF_REG_3),
		BPF_MOV64_IMM(BPF_REG_4, 0),
		BPF_EMIT_CALL(BPF_FUNC_map_update_elem), BPF_EXIT_INSN(),
	}, no_map[] = {
		BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 0),
		SKEP_LD_MAP(BPF_REG_1, OUTER), BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, 8),
		KEY_IN(BPF_REG_2), BPF_EMIT_CALL(BPF_FUNC_map_lookup_elem), BPF_EXIT_INSN(),
	};

	FAULTS(update, "not for array_of_maps maps", "instruction 8");
	FAULTS(no_map, "argument 1 of bpf_map_lookup_elem is no map", "instruction 6");
}

/* ---- redirection ----------------------------------------------------------------------------- */

static uint32_t redirects(uint32_t key, uint64_t flags, uint32_t *ifindex)
{
	const struct bpf_insn insns[] = {
		SKEP_LD_MAP(BPF_REG_1, DEVICES), BPF_MOV64_IMM(BPF_REG_2, (int)key),
		BPF_LD_IMM64(BPF_REG_3, flags),
		BPF_EMIT_CALL(BPF_FUNC_redirect_map), BPF_EXIT_INSN(),
	};
	struct skep_object *obj = load(insns, LEN(insns));
	uint32_t two = 2, eth = 77;
	struct skep_run run = { .size = sizeof(run) };

	assert_int_equal(skep_map_update(map_of(obj, DEVICES), &two, &eth, 0), 0);
	assert_int_equal(run_with(obj, &run, NULL), 0);
	*ifindex = run.redirect_ifindex;
	skep_object_close(obj);
	return run.retval;
}

static void redirect_maps(void **state)
{
	uint32_t ifindex;

	assert_int_equal(redirects(2, 0, &ifindex), XDP_REDIRECT);
	assert_int_equal(ifindex, 77);
	assert_int_equal(redirects(1, XDP_PASS, &ifindex), XDP_PASS);
	assert_int_equal(ifindex, 0);
	assert_int_equal(redirects(9, 0, &ifindex), XDP_ABORTED);
	assert_int_equal(redirects(2, 4, &ifindex), XDP_ABORTED);
	assert_int_equal(redirects(1, BPF_F_BROADCAST, &ifindex), XDP_REDIRECT);
	assert_int_equal(ifindex, 0);
}

/* ---- work of helpers counts ------------------------------------------------------ */

/* 1 MB a call: the budget ends after as many calls as it pays for. */
static void helper_budget(void **state)
{
	static const struct bpf_insn insns[] = {
		SKEP_LD_MAP_VALUE(BPF_REG_6, BIG, 0),
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_6), BPF_MOV64_IMM(BPF_REG_2, 1 << 20),
		BPF_MOV64_IMM(BPF_REG_3, 0), BPF_MOV64_IMM(BPF_REG_4, 0),
		BPF_MOV64_IMM(BPF_REG_5, 0), BPF_EMIT_CALL(BPF_FUNC_csum_diff),
		BPF_JMP_A(-7),
	};
	struct skep_object *obj = load_unverified(insns, LEN(insns));
	struct skep_run run = { .size = sizeof(run), .budget = 1000000 };
	struct skep_err err;

	assert_int_equal(run_with(obj, &run, &err), -ELOOP);
	assert_non_null(strstr(skep_err_text(&err), "1000000 instructions"));
	skep_object_close(obj);
}

/* What is counted as executed is instructions alone. */
static void helper_insns(void **state)
{
	static const struct bpf_insn insns[] = {
		SKEP_LD_MAP_VALUE(BPF_REG_1, BIG, 0), BPF_MOV64_IMM(BPF_REG_2, 1 << 20),
		BPF_MOV64_IMM(BPF_REG_3, 0), BPF_MOV64_IMM(BPF_REG_4, 0),
		BPF_MOV64_IMM(BPF_REG_5, 0), BPF_EMIT_CALL(BPF_FUNC_csum_diff),
		BPF_EXIT_INSN(),
	};
	struct skep_object *obj = load_unverified(insns, LEN(insns));
	struct skep_run run = { .size = sizeof(run) };

	assert_int_equal(run_with(obj, &run, NULL), 0);
	assert_int_equal(run.insns, 7);
	skep_object_close(obj);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ring_output),
		cmocka_unit_test(ring_reserve),
		cmocka_unit_test(record_faults),
		cmocka_unit_test(ring_after_fault),
		cmocka_unit_test(ring_after_budget),
		cmocka_unit_test(perf_events),
		cmocka_unit_test(queues),
		cmocka_unit_test(inner_maps),
		cmocka_unit_test(inner_maps_kernel),
		cmocka_unit_test(inner_faults),
		cmocka_unit_test(redirect_maps),
		cmocka_unit_test(helper_budget),
		cmocka_unit_test(helper_insns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
