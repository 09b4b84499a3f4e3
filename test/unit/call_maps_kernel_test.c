/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * call_maps_kernel_test.c: helpers on ring buffers, queues, redirect maps and
 * perf event arrays against the running kernel: the same calls on a map of
 * each side. Loads programs and makes maps, attaches nothing.
 */
#include "kernel_prog.h"

#define MAP(kind, key, value, entries) \
	{ .type = kind, .key_size = key, .value_size = value, .max_entries = entries }

static void emit_map(struct code *c, u8 reg, int fd)
{
	emit(c, BPF_LD | BPF_DW | BPF_IMM, reg, BPF_PSEUDO_MAP_FD, 0, fd);
	emit(c, 0, 0, 0, 0, 0);
}

/* A map on both sides. */
struct both {
	int fd;
	struct map *ours;
};

static struct both both_open(const struct map_attr *m)
{
	struct both b = { .fd = kmap_create(m) };

	assert_true(b.fd >= 0);
	assert_int_equal(map_create(&b.ours, m, 2, NULL), 0);
	return b;
}

static void both_close(struct both *b)
{
	close(b->fd);
	map_free(b->ours);
}

/* Reserves SIZE bytes, and ends the record at once when there was room; the
 * result is whether there was. */
static u64 ring_reserve_both(struct code *c, struct both *ring, u32 size, u64 flags, bool keep)
{
	u32 end = keep ? BPF_FUNC_ringbuf_submit : BPF_FUNC_ringbuf_discard;
	struct run run = { 0 };
	u64 rec;

	emit_map(c, 1, ring->fd);
	emit_imm(c, 2, size);
	emit_imm(c, 3, flags);
	emit_call(c, BPF_FUNC_ringbuf_reserve);
	emit(c, BPF_ALU64 | BPF_MOV | BPF_K, 7, 0, 0, 0);
	emit(c, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 4, 0);
	emit(c, BPF_ALU64 | BPF_MOV | BPF_X, 1, 0, 0, 0);
	emit(c, BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, 0);
	emit_call(c, end);
	emit(c, BPF_ALU64 | BPF_MOV | BPF_K, 7, 0, 0, 1);
	emit(c, BPF_ALU64 | BPF_MOV | BPF_X, 0, 7, 0, 0);
	rec = ours(BPF_FUNC_ringbuf_reserve, addr_of(ring->ours), size, flags, 0, 0, &run);
	if (rec)
		ours(end, rec, 0, 0, 0, 0, &run);
	return rec != 0;
}

static u64 ring_output_both(struct code *c, struct both *ring, const u8 *io, u32 size, u64 flags)
{
	struct run run = { 0 };

	emit_map(c, 1, ring->fd);
	emit_value(c, 2, c->io, IO_OUT);
	emit_imm(c, 3, size);
	emit_imm(c, 4, flags);
	emit_call(c, BPF_FUNC_ringbuf_output);
	return ours(BPF_FUNC_ringbuf_output, addr_of(ring->ours), addr_of(io + IO_OUT),
		    size, flags, 0, &run);
}

static u64 ring_query_both(struct code *c, struct both *ring, u64 what)
{
	emit_map(c, 1, ring->fd);
	emit_imm(c, 2, what);
	emit_call(c, BPF_FUNC_ringbuf_query);
	return ours(BPF_FUNC_ringbuf_query, addr_of(ring->ours), what, 0, 0, 0, NULL);
}

static void ring_case(u32 seed)
{
	static const struct map_attr attr = { .type = BPF_MAP_TYPE_RINGBUF,
					      .max_entries = 4096 };
	struct both ring = both_open(&attr);
	u8 io[IO_BYTES] = { 0 };
	u64 mine[12];
	struct code c;

	rng = seed;
	code_start(&c);
	for (u32 i = 0; i < 12; i++) {
		u32 what = any(5), size = any(4) ? any(900) + 1 : any(2000) + 1;
		u64 flags = any(8) ? any(2) : any(2) ? 1ull << any(34) : 3;

		mine[i] = what == 0 ? ring_query_both(&c, &ring, any(6)) :
			  what < 3 ? ring_output_both(&c, &ring, io, size, flags) :
			  ring_reserve_both(&c, &ring, any(8) ? size : 4090 + any(20),
					    any(8) ? 0 : 1, what == 3);
		emit_result(&c, i);
	}
	run_io(&c, io);
	for (u32 i = 0; i < 12; i++)
		if (u64_at(io + i * 8) != mine[i])
			fail_msg("ring buffer, seed %u, call %u: kernel %lld, ours %lld", seed,
				 i, (long long)u64_at(io + i * 8), (long long)mine[i]);
	both_close(&ring);
}

static void test_ringbuf(void **state)
{
	need_old_kernel();
	for (u32 i = 0; i < 300; i++)
		ring_case(i);
}

static void queue_case(u32 seed)
{
	static const u64 flags[] = { 0, 0, 0, 2, 2, 1, 3, 4, 1ull << 40 };
	static const u32 ids[] = { BPF_FUNC_map_push_elem, BPF_FUNC_map_push_elem,
				   BPF_FUNC_map_pop_elem, BPF_FUNC_map_peek_elem };
	struct map_attr attr = { .type = seed % 2 ? BPF_MAP_TYPE_QUEUE : BPF_MAP_TYPE_STACK,
		.value_size = 12, .max_entries = 3 };
	struct both q = both_open(&attr);
	u8 io[IO_BYTES] = { 0 }, copy[IO_BYTES];
	struct run run = { 0 };
	u64 mine[12];
	struct code c;

	rng = seed;
	code_start(&c);
	for (u32 i = IO_OUT; i < IO_BYTES; i++)
		io[i] = (u8)any(256);
	memcpy(copy, io, sizeof(io));
	for (u32 i = 0; i < 12; i++) {
		u32 id = ids[any(4)], off = IO_OUT + i * 16;
		u64 f = id == BPF_FUNC_map_push_elem ? flags[any(ARRAY_LEN(flags))] : 0;

		emit_map(&c, 1, q.fd);
		emit_value(&c, 2, c.io, off);
		emit_imm(&c, 3, f);
		emit_call(&c, id);
		emit_result(&c, i);
		mine[i] = ours(id, addr_of(q.ours), addr_of(copy + off), f, 0, 0, &run);
	}
	run_io(&c, io);
	assert_memory_equal(io, mine, sizeof(mine));
	assert_memory_equal(io + IO_OUT, copy + IO_OUT, IO_BYTES - IO_OUT);
	both_close(&q);
}

static void test_queue_helpers(void **state)
{
	need_kernel_since(6, 18, "map helpers give errors of 32 bits");
	for (u32 i = 0; i < 200; i++)
		queue_case(i);
}

static void redirect_case(u32 type)
{
	static const u64 flags[] = { 0, 1, 2, 3, 4, 8, 9, 16, 24, 1 << 30, 1ull << 32 };
	struct map_attr attr = { .type = type, .key_size = 4, .value_size = 4,
				 .max_entries = 3 };
	struct both m = both_open(&attr);
	u8 io[IO_BYTES] = { 0 };
	u32 key = 1, lo = type == BPF_MAP_TYPE_CPUMAP ? 8 : 1, n = 0;
	union bpf_attr a = { .map_fd = (u32)m.fd, .key = addr_of(&key), .value = addr_of(&lo) };
	u64 mine[22];
	struct code c;

	if (type != BPF_MAP_TYPE_XSKMAP) {
		assert_int_equal(sys_bpf(BPF_MAP_UPDATE_ELEM, &a), 0);
		assert_int_equal(map_user_update(m.ours, &key, &lo, 0), 0);
	}
	code_start(&c);
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		for (u32 k = 0; k < 2; k++, n++) {
			struct run run = { 0 };

			emit_map(&c, 1, m.fd);
			emit_imm(&c, 2, k);
			emit_imm(&c, 3, flags[i]);
			emit_call(&c, BPF_FUNC_redirect_map);
			emit_result(&c, n);
			mine[n] = ours(BPF_FUNC_redirect_map, addr_of(m.ours), k, flags[i], 0,
				       0, &run);
			assert_true((mine[n] == XDP_REDIRECT) == (run.redirect.map != NULL));
		}
	run_io(&c, io);
	for (u32 i = 0; i < n; i++)
		if (u64_at(io + i * 8) != mine[i])
			fail_msg("redirect_map type %u flags 0x%llx key %u: kernel %lld, ours %lld",
				 type, (unsigned long long)flags[i / 2], i % 2,
				 (long long)u64_at(io + i * 8), (long long)mine[i]);
	both_close(&m);
}

static void test_redirect_map(void **state)
{
	need_old_kernel();
	redirect_case(BPF_MAP_TYPE_DEVMAP);
	redirect_case(BPF_MAP_TYPE_DEVMAP_HASH);
	redirect_case(BPF_MAP_TYPE_CPUMAP);
	redirect_case(BPF_MAP_TYPE_XSKMAP);
}

/* Without an event anywhere. */
static void test_perf_errors(void **state)
{
	static const u64 flags[] = { 0, 1, 2, 3, BPF_F_CURRENT_CPU, 1ull << 32, 100ull << 32,
		101ull << 32, 1ull << 52, 1ull << 63, 101ull << 32 | 7 };
	struct map_attr attr = { .type = BPF_MAP_TYPE_PERF_EVENT_ARRAY, .key_size = 4,
				 .value_size = 4, .max_entries = 2 };
	struct both m;
	u8 io[IO_BYTES] = { 0 }, packet[PACKET] = { 0 };
	struct run run = { .pkt = { packet, packet + PACKET, packet, packet,
				    packet + PACKET } };
	u64 mine[11];
	struct code c;

	need_old_kernel();
	m = both_open(&attr);
	for (u32 key = 0; key < 2; key++)
		assert_int_equal(map_user_delete(m.ours, &key), 0);
	code_start(&c);
	for (u32 i = 0; i < ARRAY_LEN(flags); i++) {
		emit_ctx(&c, 1);
		emit_map(&c, 2, m.fd);
		emit_imm(&c, 3, flags[i]);
		emit_value(&c, 4, c.io, IO_OUT);
		emit_imm(&c, 5, 8);
		emit_call(&c, BPF_FUNC_perf_event_output);
		emit_result(&c, i);
		mine[i] = ours(BPF_FUNC_perf_event_output, 0, addr_of(m.ours), flags[i],
			       addr_of(io + IO_OUT), 8, &run);
	}
	run_io(&c, io);
	for (u32 i = 0; i < ARRAY_LEN(flags); i++)
		if (u64_at(io + i * 8) != mine[i])
			fail_msg("perf_event_output flags 0x%llx: kernel %lld, ours %lld",
				 (unsigned long long)flags[i], (long long)u64_at(io + i * 8),
				 (long long)mine[i]);
	both_close(&m);
}

/* What the verifier takes for an argument of KIND, map or no map. */
static void emit_arg(struct code *c, u8 reg, u8 kind, int map)
{
	switch (kind) {
	case ARG_CTX:
		emit_ctx(c, reg);
		return;
	case ARG_MAP:
		emit_map(c, reg, map);
		return;
	case ARG_SIZE:
	case ARG_ALLOC_SIZE:
	case ARG_SIZE_0:
		emit_imm(c, reg, 8);
		return;
	case ARG_ANY:
		emit_imm(c, reg, 0);
		return;
	}
	emit(c, BPF_ALU64 | BPF_MOV | BPF_X, reg, 10, 0, 0);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_K, reg, 0, 0, -64);
}

/* The pairs of helpers and map types that the verifier lets through. */
static bool kernel_takes(u32 id, const struct map_attr *attr)
{
	int map = kmap_create(attr), fd;
	static char log[1 << 16];
	struct code c;
	bool takes;

	assert_true(map >= 0);
	code_start(&c);
	emit_imm(&c, 0, 0);
	for (u32 off = 8; off <= 64; off += 8)
		emit(&c, BPF_STX | BPF_MEM | BPF_DW, 10, 0, (s16)-off, 0);
	for (u8 i = 0; i < 5; i++)
		emit_arg(&c, i + 1, helper_row(id)->args[i], map);
	emit_call(&c, id);
	emit_imm(&c, 0, 0);
	emit(&c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	fd = load(&c, BPF_PROG_TYPE_XDP, "GPL", log, sizeof(log));
	takes = fd >= 0 || strstr(log, "Unreleased reference");
	if (fd >= 0)
		close(fd);
	close(map);
	code_end(&c);
	return takes;
}

static void test_helper_maps(void **state)
{
	static const struct map_attr attrs[] = {
		MAP(BPF_MAP_TYPE_HASH, 4, 8, 4),
		MAP(BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 4),
		MAP(BPF_MAP_TYPE_LRU_HASH, 4, 8, 4),
		MAP(BPF_MAP_TYPE_ARRAY, 4, 8, 4),
		MAP(BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 4),
		MAP(BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 4),
		MAP(BPF_MAP_TYPE_CGROUP_ARRAY, 4, 4, 4),
		MAP(BPF_MAP_TYPE_DEVMAP, 4, 4, 4),
		MAP(BPF_MAP_TYPE_DEVMAP_HASH, 4, 4, 4),
		MAP(BPF_MAP_TYPE_CPUMAP, 4, 4, 2),
		MAP(BPF_MAP_TYPE_XSKMAP, 4, 4, 4),
		MAP(BPF_MAP_TYPE_QUEUE, 0, 8, 4),
		MAP(BPF_MAP_TYPE_STACK, 0, 8, 4),
		MAP(BPF_MAP_TYPE_BLOOM_FILTER, 0, 8, 4),
		MAP(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096),
	};
	static const u32 ids[] = { BPF_FUNC_map_lookup_elem, BPF_FUNC_map_update_elem,
		BPF_FUNC_map_delete_elem, BPF_FUNC_map_push_elem, BPF_FUNC_map_pop_elem,
		BPF_FUNC_map_peek_elem, BPF_FUNC_redirect_map, BPF_FUNC_tail_call,
		BPF_FUNC_ringbuf_output, BPF_FUNC_ringbuf_reserve, BPF_FUNC_ringbuf_query,
		BPF_FUNC_perf_event_output, BPF_FUNC_map_lookup_percpu_elem };

	need_old_kernel();
	for (size_t i = 0; i < ARRAY_LEN(attrs); i++)
		for (size_t k = 0; k < ARRAY_LEN(ids); k++) {
			bool kernel = kernel_takes(ids[k], &attrs[i]);

			if (kernel != helper_takes_map(ids[k], attrs[i].type))
				fail_msg("bpf_%s, %s: the kernel %s", helper_row(ids[k])->name,
					 maptype_row(attrs[i].type)->name,
					 kernel ? "takes it" : "refuses it");
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ringbuf),
		cmocka_unit_test(test_queue_helpers),
		cmocka_unit_test(test_redirect_map),
		cmocka_unit_test(test_perf_errors),
		cmocka_unit_test(test_helper_maps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
