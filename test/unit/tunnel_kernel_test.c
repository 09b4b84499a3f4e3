/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tunnel_kernel_test.c: the helpers on tunnel metadata here and on the running
 * kernel by BPF_PROG_TEST_RUN: random calls in a row on one packet, with sizes
 * and flags good and bad. All memory and answers are compared. Loads programs,
 * attaches nothing.
 */
#include "call/call.h"
#include "kernel_bpf.h"

enum { PROGRAMS = 3000, CALLS = 6, SLOT = 512, IO_BYTES = 8192, RESULTS = CALLS * SLOT };

static u64 rng = 9;

static u32 any(u32 below)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (u32)(rng >> 33) % below;
}

struct call { u32 id, size; u64 flags; };

struct prog {
	struct bpf_insn insns[256];
	u32 n;
	int map, fd;
};

static void emit(struct prog *c, u8 op, u8 dst, u8 src, s16 off, s32 imm)
{
	c->insns[c->n++] = (struct bpf_insn){ .code = op, .dst_reg = dst & 15,
		.src_reg = src & 15, .off = off, .imm = imm };
}

static void emit_imm(struct prog *c, u8 reg, u64 v)
{
	emit(c, BPF_LD | BPF_DW | BPF_IMM, reg, 0, 0, (s32)v);
	emit(c, 0, 0, 0, 0, (s32)(v >> 32));
}

static void emit_call(struct prog *c, const struct call *call, u32 i)
{
	emit(c, BPF_ALU64 | BPF_MOV | BPF_X, 1, 6, 0, 0);
	emit(c, BPF_ALU64 | BPF_MOV | BPF_X, 2, 7, 0, 0);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, (s32)i * SLOT);
	emit_imm(c, 3, call->size);
	emit_imm(c, 4, call->flags);
	emit(c, BPF_JMP | BPF_CALL, 0, 0, 0, (s32)call->id);
	emit(c, BPF_STX | BPF_MEM | BPF_DW, 7, 0, (s16)(RESULTS + i * 8), 0);
}

static void prog_open(struct prog *c, const struct call *calls)
{
	static char log[1 << 14];
	union bpf_attr a = { .prog_type = any(2) ? BPF_PROG_TYPE_SCHED_CLS :
		BPF_PROG_TYPE_LWT_XMIT, .insns = (uintptr_t)c->insns,
		.license = (uintptr_t)"GPL", .log_level = 1, .log_size = sizeof(log),
		.log_buf = (uintptr_t)log };

	c->n = 0;
	emit(c, BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0);
	emit(c, BPF_LD | BPF_DW | BPF_IMM, 7, BPF_PSEUDO_MAP_VALUE, 0, c->map);
	emit(c, 0, 0, 0, 0, 0);
	for (u32 i = 0; i < CALLS; i++)
		emit_call(c, &calls[i], i);
	emit(c, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
	emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	a.insn_cnt = c->n;
	c->fd = sys_bpf(BPF_PROG_LOAD, &a);
	if (c->fd < 0)
		fail_msg("the kernel refuses the program: %s", log);
}

static void run_kernel(const struct prog *c, u8 *io)
{
	static u8 packet[100] = { [12] = 8, [14] = 0x45 };
	u32 key = 0;
	union bpf_attr a = { .map_fd = (u32)c->map, .key = (uintptr_t)&key,
		.value = (uintptr_t)io };
	union bpf_attr t = { .test = { .prog_fd = (u32)c->fd, .data_in = (uintptr_t)packet,
		.data_size_in = sizeof(packet) } };

	assert_int_equal(sys_bpf(BPF_MAP_UPDATE_ELEM, &a), 0);
	assert_int_equal(sys_bpf(BPF_PROG_TEST_RUN, &t), 0);
	assert_int_equal(sys_bpf(BPF_MAP_LOOKUP_ELEM, &a), 0);
}

static void run_ours(const struct call *calls, u8 *io)
{
	struct run run = { .cpu = 0 };

	for (u32 i = 0; i < CALLS; i++) {
		helper_fn fn = call_helper(calls[i].id, BPF_PROG_TYPE_SCHED_CLS);
		u64 r = fn(0, (uintptr_t)io + i * SLOT, calls[i].size, calls[i].flags, 0, &run);

		memcpy(io + RESULTS + i * 8, &r, 8);
	}
}

static void any_call(struct call *c)
{
	static const u32 ids[] = { BPF_FUNC_skb_set_tunnel_key, BPF_FUNC_skb_get_tunnel_key,
		BPF_FUNC_skb_set_tunnel_opt, BPF_FUNC_skb_get_tunnel_opt };
	static const u32 sizes[] = { 44, 44, 44, 44, 8, 22, 24, 28 };

	c->id = ids[any(ARRAY_LEN(ids))];
	c->flags = any(12) ? any(32) & (any(2) ? 17 : 31) : any(2) ? any(64) : 1ull << any(64);
	if (c->id == BPF_FUNC_skb_set_tunnel_key || c->id == BPF_FUNC_skb_get_tunnel_key)
		c->size = any(8) ? sizes[any(ARRAY_LEN(sizes))] : 1 + any(60);
	else
		c->size = any(4) ? 4 * (1 + any(40)) : 1 + any(300);
}

/* A key whose fields that must be 0 mostly are. */
static void any_memory(u8 *io)
{
	for (u32 i = 0; i < IO_BYTES; i++)
		io[i] = (u8)any(256);
	for (u32 i = 0; i < CALLS; i++) {
		if (any(6))
			memset(io + i * SLOT + 22, 0, 2);
		if (any(3))
			memset(io + i * SLOT + 24, 0, 4);
	}
}

static void show(const struct call *calls, const u8 *mine, const u8 *theirs)
{
	for (u32 i = 0; i < CALLS; i++) {
		s64 a, b;
		u32 at = i * SLOT;

		memcpy(&a, mine + RESULTS + i * 8, 8);
		memcpy(&b, theirs + RESULTS + i * 8, 8);
		while (at < (i + 1) * SLOT - 1 && mine[at] == theirs[at])
			at++;
		print_message("%s size %u flags 0x%llx: %lld, kernel %lld; byte %u %02x %02x\n",
			      helper_row(calls[i].id)->name, calls[i].size,
			      (unsigned long long)calls[i].flags, (long long)a, (long long)b,
			      at - i * SLOT, mine[at], theirs[at]);
	}
	fail_msg("the kernel and skep differ");
}

static void same(void **state)
{
	static u8 mine[IO_BYTES], theirs[IO_BYTES];
	struct map_attr m = { .type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
		.value_size = IO_BYTES, .max_entries = 1 };
	struct prog c;

	need_kernel();
	c.map = kmap_create(&m);
	assert_true(c.map >= 0);
	for (u32 i = 0; i < PROGRAMS; i++) {
		struct call calls[CALLS];

		for (u32 k = 0; k < CALLS; k++)
			any_call(&calls[k]);
		prog_open(&c, calls);
		any_memory(mine);
		memcpy(theirs, mine, sizeof(mine));
		run_kernel(&c, theirs);
		run_ours(calls, mine);
		close(c.fd);
		if (memcmp(mine, theirs, sizeof(mine)))
			show(calls, mine, theirs);
	}
	close(c.map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
