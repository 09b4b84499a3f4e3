/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frags_kernel_test.c: XDP programs on packets of any size here and by
 * BPF_PROG_TEST_RUN on the running kernel, with and without xdp.frags: helpers
 * called at random give the same results and leave the same packets, whose
 * linear part is the same. Loads programs, attaches nothing.
 */
#include "call/call.h"
#include "host/capture.h"
#include "host/hosts.h"
#include "vm/vm.h"
#include "base/os.h"
#include <stdlib.h>
#include "kernel_code.h"

enum { TYPE = BPF_PROG_TYPE_XDP, FRAGS = 1 << 5, ROUNDS = 400, PACKETS = 6,
       KERNEL_MAX = XDP_LINEAR_BYTES + 17 * 4096, OUT_BYTES = 1 << 17 };

static u8 data[OUT_BYTES], out[OUT_BYTES];
static u64 rng = 3;

static u32 any(u32 below)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (u32)(rng >> 33) % below;
}

/* r7 = r7 * 31 + r0 */
static void note_r0(struct code *c)
{
	emit(c, BPF_ALU64 | BPF_MUL | BPF_K, 7, 0, 0, 31);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_X, 7, 0, 0, 0);
}

static s32 some_size(void)
{
	static const s32 odd[] = { 0, 1, 13, 14, 15, 64, 3505, 3506, 3519, 3520, 3521, 4095, 4096,
				   4097, 7615, 7616, 7617, 65535, 65536 };

	return any(2) ? odd[any(ARRAY_LEN(odd))] : (s32)any(any(2) ? 5000 : 70000);
}

static void adjust(struct code *c)
{
	static const s32 ids[] = { BPF_FUNC_xdp_adjust_head, BPF_FUNC_xdp_adjust_tail,
				   BPF_FUNC_xdp_adjust_tail, BPF_FUNC_xdp_adjust_meta };
	u32 i = any(4);
	s32 by = i == 3 ? 4 * ((s32)any(20) - 10) : some_size();

	emit_copy(c, 1, 6);
	emit_mov(c, 2, any(2) ? by : -by);
	emit_call(c, ids[i]);
	note_r0(c);
}

static void touch(struct code *c)
{
	bool store = any(2);

	emit_copy(c, 1, 6);
	emit_mov(c, 2, some_size());
	emit_copy(c, 3, 10);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_K, 3, 0, 0, -16);
	emit_mov(c, 4, 1 + (s32)any(16));
	emit_call(c, store ? BPF_FUNC_xdp_store_bytes : BPF_FUNC_xdp_load_bytes);
	note_r0(c);
	emit(c, BPF_LDX | BPF_MEM | BPF_DW, 0, 10, -16, 0);
	note_r0(c);
}

static void lengths(struct code *c)
{
	emit_copy(c, 1, 6);
	emit_call(c, BPF_FUNC_xdp_get_buff_len);
	note_r0(c);
	emit(c, BPF_LDX | BPF_MEM | BPF_W, 1, 6, offsetof(struct xdp_md, data), 0);
	emit(c, BPF_LDX | BPF_MEM | BPF_W, 0, 6, offsetof(struct xdp_md, data_end), 0);
	emit(c, BPF_ALU64 | BPF_SUB | BPF_X, 0, 1, 0, 0);
	note_r0(c);
}

static void make(struct code *c)
{
	u32 n = 1 + any(6);

	c->n = 0;
	emit_copy(c, 6, 1);
	emit_mov(c, 7, 0);
	emit(c, BPF_LD | BPF_DW | BPF_IMM, 0, 0, 0, 0x01020304);
	emit(c, 0, 0, 0, 0, 0x05060708);
	emit(c, BPF_STX | BPF_MEM | BPF_DW, 10, 0, -16, 0);
	emit(c, BPF_STX | BPF_MEM | BPF_DW, 10, 0, -8, 0);
	lengths(c);
	for (; n; n--)
		switch (any(4)) {
		case 0:
		case 1:
			adjust(c);
			break;
		case 2:
			touch(c);
			break;
		default:
			lengths(c);
		}
	lengths(c);
	emit_copy(c, 0, 7);
	emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

struct world {
	struct run run;
	struct vm_machine *m;
	u8 *buffer;
};

/* Some context that a run takes, or perhaps not. */
static bool make_ctx(struct xdp_md *ctx, u32 bytes)
{
	*ctx = (struct xdp_md){ .data = any(3) ? 4 * any(60) : 0,
		.data_end = any(3) ? bytes : any(bytes + 2) };
	return any(2);
}

static int run_user(struct world *w, const struct vm_code *code, const struct xdp_md *ctx,
		    u32 bytes, struct test_run *t)
{
	struct skep_err err;
	u64 ret;
	int r;

	*t = (struct test_run){ .data = data, .bytes = bytes, .ctx_in = ctx,
		.ctx_in_bytes = ctx ? sizeof(*ctx) : 0 };
	r = host_xdp.begin(&w->run, w->buffer, t, &err);
	if (r)
		return r;
	if (vm_run(w->m, code, &w->run, 10000, &ret))
		fail_msg("fault: %s", vm_fault(w->m)->text);
	t->retval = (u32)ret;
	return 0;
}

/* Without metadata in front: after a failed change of it there may be none. */
static void compare(const struct world *w, const struct test_run *t, const union bpf_attr *a,
		    const struct xdp_md *ctx, u32 bytes)
{
	const struct packet_buf *p = &w->run.pkt;
	u32 meta = ctx->data <= a->test.data_size_out ? ctx->data : 0;

	if (t->retval != a->test.retval || packet_bytes(p) != a->test.data_size_out - meta ||
	    (u32)(p->data_end - p->data) != ctx->data_end - ctx->data ||
	    memcmp(p->data, out + meta, packet_bytes(p)))
		fail_msg("packet of %u bytes: 0x%x, %u bytes, %u of them linear; kernel 0x%x, %u, "
			 "%u", bytes, t->retval, packet_bytes(p),
			 (u32)(p->data_end - p->data), a->test.retval,
			 a->test.data_size_out - meta, ctx->data_end - ctx->data);
}

static void run_both(struct world *w, const struct vm_code *code, int fd, u32 bytes)
{
	struct xdp_md in, ctx = { 0 };
	bool has_ctx = make_ctx(&in, bytes);
	const struct xdp_md whole = { .data_end = bytes };
	struct test_run t;
	union bpf_attr a = { .test = { .prog_fd = (u32)fd, .data_in = (uintptr_t)data,
		.data_size_in = bytes, .data_out = (uintptr_t)out, .data_size_out = OUT_BYTES,
		.ctx_in = (uintptr_t)(has_ctx ? &in : &whole), .ctx_size_in = sizeof(in),
		.ctx_out = (uintptr_t)&ctx, .ctx_size_out = sizeof(ctx) } };
	int theirs = sys_bpf(BPF_PROG_TEST_RUN, &a);
	int mine = run_user(w, code, has_ctx ? &in : NULL, bytes, &t);

	if (!mine != !theirs)
		fail_msg("packet of %u bytes, data %u, data_end %u: %d, kernel %d", bytes, in.data,
			 in.data_end, mine, theirs);
	if (!mine)
		compare(w, &t, &a, &ctx, bytes);
}

static void run_code(struct world *w, const struct code *c, u32 flags)
{
	struct vm_bind bind = { .insns = c->insns, .nr_insns = c->n, .prog_type = TYPE,
		.helper = call_helper, .ctx = ctx_desc(TYPE) };
	struct vm_code *code;
	struct skep_err err;
	int fd = code_load(c, TYPE, BPF_XDP, flags);

	if (fd < 0)
		fail_msg("the kernel refuses the program: %s", code_log);
	if (vm_code_new(&code, &bind, VM_CHECKED, "test", &err))
		fail_msg("%s", err.text);
	for (u32 i = 0; i < PACKETS; i++) {
		u32 bytes = (u32)some_size() + (any(8) ? 0 : 8000);

		run_both(w, code, fd, bytes < 14 ? 14 : bytes > KERNEL_MAX ? KERNEL_MAX : bytes);
	}
	vm_code_free(code);
	close(fd);
}

static void frags(void **state)
{
	struct world w = { .m = vm_machine_new(), .buffer = os_map_lazy(host_xdp.buffer_bytes) };

	need_kernel();
	for (u32 i = 0; i < OUT_BYTES; i++)
		data[i] = (u8)any(256);
	for (u32 i = 0; i < ROUNDS; i++) {
		struct code c;

		make(&c);
		run_code(&w, &c, i % 2 ? FRAGS : 0);
	}
	os_unmap(w.buffer, host_xdp.buffer_bytes);
	vm_machine_free(w.m);
}

/* The message of an access that would have been good without fragments. */
static void fault(void **state)
{
	struct world w = { .m = vm_machine_new(), .buffer = os_map_lazy(host_xdp.buffer_bytes) };
	struct code c = { .n = 0 };
	struct vm_bind bind = { .insns = c.insns, .prog_type = TYPE, .helper = call_helper,
		.ctx = ctx_desc(TYPE) };
	struct test_run t = { .data = data, .bytes = 9000 };
	struct vm_code *code;
	struct skep_err err;
	u64 ret;

	emit(&c, BPF_LDX | BPF_MEM | BPF_W, 2, 1, 0, 0);
	emit(&c, BPF_LDX | BPF_MEM | BPF_W, 0, 2, 3518, 0);
	emit_exit(&c, 2);
	bind.nr_insns = c.n;
	assert_int_equal(vm_code_new(&code, &bind, VM_CHECKED, "test", &err), 0);
	assert_int_equal(host_xdp.begin(&w.run, w.buffer, &t, &err), 0);
	assert_int_equal(vm_run(w.m, code, &w.run, 100, &ret), -EFAULT);
	assert_string_equal(vm_fault(w.m)->text, "bytes 3518..3521 of the packet are read, only "
			    "0..3519 are in its linear part, 5480 more in fragments");
	vm_code_free(code);
	os_unmap(w.buffer, host_xdp.buffer_bytes);
	vm_machine_free(w.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(frags), cmocka_unit_test(fault) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
