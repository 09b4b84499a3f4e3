/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow_kernel_test.c: flow dissectors here and by BPF_PROG_TEST_RUN on the
 * running kernel: the same fields may be accessed, the same helpers called, the
 * same input is refused, and the keys are the same byte for byte. Loads
 * programs, attaches nothing.
 */
#include "call/call.h"
#include "host/capture.h"
#include "host/hosts.h"
#include "vm/vm.h"
#include <stdlib.h>
#include "kernel_code.h"

enum { TYPE = BPF_PROG_TYPE_FLOW_DISSECTOR, ROUNDS = 60, PACKETS = 30 };

static u64 rng = 7;

static u32 any(u32 below)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (u32)(rng >> 33) % below;
}

static void context(void **state)
{
	need_kernel();
	compare_context(TYPE, BPF_FLOW_DISSECTOR, 0);
}

static void helpers(void **state)
{
	need_kernel();
	compare_helpers(TYPE, BPF_FLOW_DISSECTOR, call_helper);
}

struct world {
	struct run run;
	struct vm_machine *m;
	u8 *buffer;
	struct bpf_flow_keys in;
	bool has_in;
};

static void world_open(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->m = vm_machine_new();
	w->buffer = mem_alloc(host_flow_dissector.buffer_bytes);
}

static void world_close(struct world *w)
{
	vm_machine_free(w->m);
	free(w->buffer);
}

/* What the kernel says: the keys in OUT, or -errno. */
static int run_kernel(const struct world *w, int fd, const u8 *data, u32 bytes,
		      struct bpf_flow_keys *out, u32 *retval)
{
	union bpf_attr a = { .test = { .prog_fd = (u32)fd, .data_in = (uintptr_t)data,
		.data_size_in = bytes, .data_out = (uintptr_t)out,
		.data_size_out = sizeof(*out) } };
	int r;

	if (w->has_in) {
		a.test.ctx_in = (uintptr_t)&w->in;
		a.test.ctx_size_in = sizeof(w->in);
	}
	r = sys_bpf(BPF_PROG_TEST_RUN, &a);
	*retval = a.test.retval;
	if (!r)
		assert_int_equal(a.test.data_size_out, sizeof(*out));
	return r;
}

static int run_user(struct world *w, const struct vm_code *code, const u8 *data, u32 bytes,
		    struct bpf_flow_keys *out, u32 *retval)
{
	struct test_run t = { .data = data, .bytes = bytes, .budget = 1000 };
	struct skep_err err;
	u64 ret;
	int r;

	if (w->has_in) {
		t.ctx_in = &w->in;
		t.ctx_in_bytes = sizeof(w->in);
	}
	r = host_flow_dissector.begin(&w->run, w->buffer, &t, &err);
	if (r)
		return r;
	if (vm_run(w->m, code, &w->run, 1000, &ret))
		fail_msg("fault: %s", vm_fault(w->m)->text);
	host_flow_dissector.finish(&w->run, &t);
	*retval = (u32)ret;
	memcpy(out, t.ctx_out, sizeof(*out));
	assert_int_equal(t.bytes_out, bytes);
	assert_memory_equal(t.data_out, data, bytes);
	return 0;
}

static void compare(struct world *w, const struct vm_code *code, int fd, const u8 *data,
		    u32 bytes)
{
	struct bpf_flow_keys mine = { 0 }, theirs = { 0 };
	u32 answer = 0, expected = 0;
	int a = run_user(w, code, data, bytes, &mine, &answer);
	int b = run_kernel(w, fd, data, bytes, &theirs, &expected);

	if (!a != !b)
		fail_msg("packet of %u bytes: %d, kernel %d", bytes, a, b);
	if (a)
		return;
	if (answer != expected || memcmp(&mine, &theirs, sizeof(mine)))
		fail_msg("packet of %u bytes: %u, nhoff %u, thoff %u; kernel %u, %u, %u", bytes,
			 answer, mine.nhoff, mine.thoff, expected, theirs.nhoff, theirs.thoff);
}

static struct vm_code *decode(const struct code *c)
{
	struct vm_bind bind = { .insns = c->insns, .nr_insns = c->n, .prog_type = TYPE,
		.helper = call_helper, .ctx = ctx_desc(TYPE) };
	struct vm_code *code;
	struct skep_err err;

	if (vm_code_new(&code, &bind, VM_CHECKED, "test", &err))
		fail_msg("%s", err.text);
	return code;
}

static int must_load(const struct code *c)
{
	int fd = code_load(c, TYPE, BPF_FLOW_DISSECTOR, 0);

	if (fd < 0)
		fail_msg("the kernel refuses the program: %s", code_log);
	return fd;
}

/* Keys read and written at random, and what bpf_skb_load_bytes gives. */
static void make(struct code *c)
{
	static const s32 answers[] = { 0, 2, 129, 1, 7, 255 };
	static const u8 sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW };
	u32 n = 1 + any(6);

	c->n = 0;
	emit_copy(c, 6, 1);
	emit(c, BPF_LDX | BPF_MEM | BPF_DW, 7, 6, offsetof(struct __sk_buff, flow_keys), 0);
	emit(c, BPF_ST | BPF_MEM | BPF_DW, 10, 0, -8, -1);
	emit_mov(c, 2, (s32)any(20));
	emit_copy(c, 3, 10);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_K, 3, 0, 0, -8);
	emit_mov(c, 4, 8);
	emit_call(c, BPF_FUNC_skb_load_bytes);
	emit(c, BPF_LDX | BPF_MEM | BPF_DW, 1, 10, -8, 0);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_X, 0, 1, 0, 0);
	emit(c, BPF_STX | BPF_MEM | BPF_W, 7, 0, offsetof(struct bpf_flow_keys, flow_label), 0);
	for (; n; n--) {
		u32 size = any(4), at = any(56 >> size) << size;

		if (any(3)) {
			emit_mov(c, 0, (s32)any(2) ? (s32)any(100) : (s32)any(INT32_MAX));
			emit(c, BPF_STX | BPF_MEM | sizes[size], 7, 0, (s16)at, 0);
		} else {
			emit(c, BPF_LDX | BPF_MEM | sizes[size], 0, 7, (s16)at, 0);
			emit(c, BPF_STX | BPF_MEM | BPF_DW, 7, 0, 16, 0);
		}
	}
	emit_exit(c, answers[any(ARRAY_LEN(answers))]);
}

static void keys(void **state)
{
	struct capture *c;
	struct world w;
	struct skep_err err;
	struct packet p;
	u32 n = 0;

	need_kernel();
	world_open(&w);
	for (u32 i = 0; i < ROUNDS; i++) {
		struct code prog;
		struct vm_code *code;
		int fd;

		make(&prog);
		code = decode(&prog);
		fd = must_load(&prog);
		w.has_in = i % 2;
		w.in.flags = any(8);
		n = 0;
		assert_int_equal(capture_open(&c, "examples/firewall/traffic.pcapng", &err), 0);
		while (n++ < PACKETS && capture_next(c, &p, &err) > 0)
			compare(&w, code, fd, p.data, p.bytes);
		capture_close(c);
		vm_code_free(code);
		close(fd);
	}
	world_close(&w);
}

/* Sizes of packets, and bytes of the keys that a run takes. */
static void input(void **state)
{
	static u8 data[4096];
	static const u32 sizes[] = { 0, 1, 13, 14, 15, 64, 4000 };
	struct code prog = { .n = 0 };
	struct vm_code *code;
	struct world w;
	int fd;

	need_kernel();
	emit_exit(&prog, 0);
	world_open(&w);
	code = decode(&prog);
	fd = must_load(&prog);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		compare(&w, code, fd, data, sizes[i]);
	w.has_in = true;
	for (size_t i = 0; i < sizeof(w.in); i++) {
		memset(&w.in, 0, sizeof(w.in));
		((u8 *)&w.in)[i] = 1;
		compare(&w, code, fd, data, 64);
	}
	vm_code_free(code);
	close(fd);
	world_close(&w);
}

/* What the verifier refuses is a fault: packets and keys beyond their end are
 * not written. */
static void faults(void **state)
{
	static const struct { u8 op; s16 off; const char *text; } bad[] = {
		{ BPF_STX | BPF_MEM | BPF_W, 56, "bytes 56..59 of a bpf_flow_keys are written, "
		  "it has 56" },
		{ BPF_STX | BPF_MEM | BPF_W, 54, "bytes 54..57 of a bpf_flow_keys are written, "
		  "it has 56" },
	};
	static const u8 data[64];
	struct world w;

	world_open(&w);
	for (size_t i = 0; i <= ARRAY_LEN(bad); i++) {
		bool packet = i == ARRAY_LEN(bad);
		struct test_run t = { .data = data, .bytes = sizeof(data) };
		struct code c = { .n = 0 };
		struct vm_code *code;
		struct skep_err err;
		u64 ret;

		emit(&c, BPF_LDX | BPF_MEM | (packet ? BPF_W : BPF_DW), 2, 1, packet ?
		     offsetof(struct __sk_buff, data) : offsetof(struct __sk_buff, flow_keys), 0);
		emit(&c, packet ? BPF_STX | BPF_MEM | BPF_B : bad[i].op, 2, 10,
		     packet ? 0 : bad[i].off, 0);
		emit_exit(&c, 0);
		code = decode(&c);
		assert_int_equal(host_flow_dissector.begin(&w.run, w.buffer, &t, &err), 0);
		w.run.pkt_read_only = host_flow_dissector.read_only;
		assert_int_equal(vm_run(w.m, code, &w.run, 100, &ret), -EFAULT);
		assert_string_equal(vm_fault(w.m)->text, packet ? "the packet is written, and it "
				    "is read-only to programs of this type" : bad[i].text);
		vm_code_free(code);
	}
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(context), cmocka_unit_test(helpers), cmocka_unit_test(keys),
		cmocka_unit_test(input), cmocka_unit_test(faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
