/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * skb_kernel_test.c: programs on struct __sk_buff here and by
 * BPF_PROG_TEST_RUN on the running kernel: the same fields of the context may
 * be accessed, the same helpers called; helpers called at random give the same
 * results, packets and contexts. Loads programs, attaches nothing.
 */
#include "call/call.h"
#include "host/capture.h"
#include "host/hosts.h"
#include "model/tables.h"
#include "vm/vm.h"
#include "base/os.h"
#include <stdlib.h>
#include <linux/filter.h>
#include "kernel_bpf.h"

enum { OUT_BYTES = 65536 * 2, PACKETS = 40, KERNEL_LOG = 1 << 16 };

static const struct { u32 type, attach; const struct host *host; } types[] = {
	{ BPF_PROG_TYPE_SCHED_CLS, 0, &host_sched_cls },
	{ BPF_PROG_TYPE_SCHED_ACT, 0, &host_sched_act },
	{ BPF_PROG_TYPE_SOCKET_FILTER, 0, &host_socket_filter },
	{ BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS, &host_cgroup_skb },
	{ BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS, &host_cgroup_skb },
	{ BPF_PROG_TYPE_LWT_IN, 0, &host_lwt_in },
	{ BPF_PROG_TYPE_LWT_OUT, 0, &host_lwt_out },
	{ BPF_PROG_TYPE_LWT_XMIT, 0, &host_lwt_xmit },
	{ BPF_PROG_TYPE_LWT_SEG6LOCAL, 0, &host_lwt_seg6local },
};

/* The kernel has no test run of the last. */
#define RUNNABLE (ARRAY_LEN(types) - 1)

static char kernel_log[KERNEL_LOG];
static u64 rng;

static u32 any(u32 below)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (u32)(rng >> 33) % below;
}

/* ---- programs ---------------------------------------------------------------- */

struct code {
	struct bpf_insn insns[512];
	u32 n;
};

static void emit(struct code *c, u8 op, u8 dst, u8 src, s16 off, s32 imm)
{
	c->insns[c->n++] = (struct bpf_insn){ .code = op, .dst_reg = dst & 15,
		.src_reg = src & 15, .off = off, .imm = imm };
}

static void emit_imm(struct code *c, u8 reg, u64 v)
{
	emit(c, BPF_LD | BPF_DW | BPF_IMM, reg, 0, 0, (s32)v);
	emit(c, 0, 0, 0, 0, (s32)(v >> 32));
}

static void emit_exit(struct code *c, s32 ret)
{
	emit(c, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, ret);
	emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int load(const struct code *c, u32 t)
{
	union bpf_attr a = { .prog_type = types[t].type, .insns = (uintptr_t)c->insns,
		.insn_cnt = c->n, .license = (uintptr_t)"GPL", .log_level = 1,
		.log_size = KERNEL_LOG, .log_buf = (uintptr_t)kernel_log,
		.expected_attach_type = types[t].attach };

	kernel_log[0] = 0;
	return sys_bpf(BPF_PROG_LOAD, &a);
}

/* ---- what may be accessed ------------------------------------------------------ */

/* One access of WIDTH bytes at OFF of the context. */
static bool kernel_allows(u32 t, u32 off, u32 i, bool write)
{
	static const u8 sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW };
	struct code c = { .n = 0 };
	int fd;

	emit(&c, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
	if (write)
		emit(&c, BPF_STX | BPF_MEM | sizes[i], 1, 0, (s16)off, 0);
	else
		emit(&c, BPF_LDX | BPF_MEM | sizes[i], 0, 1, (s16)off, 0);
	emit_exit(&c, 0);
	fd = load(&c, t);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void context(void **state)
{
	need_old_kernel();
	for (u32 t = 0; t < ARRAY_LEN(types); t++) {
		const struct ctx_desc *d = ctx_desc(types[t].type);

		for (u32 k = 0; k < d->nr_fields * 8; k++) {
			const struct ctx_field *row = &d->fields[k / 8], *f;
			bool write = k % 8 >= 4, mine;

			f = ctx_field(d, row->off, 1u << k % 4);
			mine = f && f->flags & (write ? CTX_WRITE : CTX_READ);
			if (write)	/* only cb in parts */
				mine &= f && (f->flags & CTX_ARRAY || f->size == 1u << k % 4);
			if (kernel_allows(t, row->off, k % 4, write) != mine)
				fail_msg("type %u: %s of %u bytes of '%s': %s here", types[t].type,
					 write ? "write" : "read", 1u << k % 4, row->name,
					 mine ? "allowed" : "refused");
		}
	}
}

static void helpers(void **state)
{
	need_kernel_since(6, 18, "fewer helpers for some program types");
	for (u32 t = 0; t < ARRAY_LEN(types); t++)
		for (u32 id = 1; id <= 211; id++) {
			struct code c = { .n = 0 };
			int fd;

			if (!call_helper(id, types[t].type))
				continue;
			emit(&c, BPF_JMP | BPF_CALL, 0, 0, 0, (s32)id);
			emit_exit(&c, 0);
			fd = load(&c, t);
			if (fd >= 0)
				close(fd);
			if (strstr(kernel_log, "cannot use helper") ||
			    strstr(kernel_log, "unknown func"))
				fail_msg("%s is not for type %u", helper_row(id)->name,
					 types[t].type);
		}
}

/* ---- running on both sides ----------------------------------------------------- */

struct world {
	struct run run;
	struct vm_machine *m;
	u8 *buffer;
	struct __sk_buff ctx_in;
	u8 out[OUT_BYTES];
	struct packet packets[PACKETS];
	u32 nr_packets;
};

static void world_open(struct world *w)
{
	struct capture *c;
	struct skep_err err;
	struct packet p;

	w->m = vm_machine_new();
	w->buffer = os_map_lazy(host_sched_cls.buffer_bytes);
	assert_non_null(w->buffer);
	assert_int_equal(capture_open(&c, "examples/firewall/traffic.pcapng", &err), 0);
	while (w->nr_packets < PACKETS - 2 && capture_next(c, &p, &err) > 0) {
		u8 *copy;

		if (p.number % 23 && p.number > 10)
			continue;
		copy = mem_alloc(p.bytes);
		memcpy(copy, p.data, p.bytes);
		p.data = copy;
		w->packets[w->nr_packets++] = p;
	}
	capture_close(c);
}

/* Packets that the capture does not have: two VLAN tags; hardly more than an
 * Ethernet header. */
static void world_odd(struct world *w)
{
	static const u8 tagged[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x88, 0xa8, 0, 5,
				     0x81, 0, 0x20, 6, 8, 0, 0x45, 0, 0, 20, 1, 2, 3, 4, 64, 17,
				     0, 0, 1, 2, 3, 4, 5, 6, 7, 8 };
	static const u8 brief[] = { 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 1, 0, 2,
				    255, 255 };
	const struct { const u8 *p; u32 n; } odd[] = { { tagged, sizeof(tagged) },
						       { brief, sizeof(brief) } };

	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		u8 *copy = mem_alloc(odd[i].n);

		memcpy(copy, odd[i].p, odd[i].n);
		w->packets[w->nr_packets++] = (struct packet){ .data = copy, .bytes = odd[i].n };
	}
}

static void world_close(struct world *w)
{
	for (u32 i = 0; i < w->nr_packets; i++)
		free((void *)w->packets[i].data);
	os_unmap(w->buffer, host_sched_cls.buffer_bytes);
	vm_machine_free(w->m);
	free(w);
}

static void show(const struct code *c)
{
	for (u32 i = 0; i < c->n; i++)
		if (c->insns[i].code == (BPF_LDX | BPF_MEM | BPF_W) && c->n < 9)
			print_message("  load at %d\n", c->insns[i].off);
		else if (c->insns[i].code == (BPF_JMP | BPF_CALL))
			print_message("  call %s\n", helper_row((u32)c->insns[i].imm)->name);
		else if (c->insns[i].code == (BPF_LD | BPF_DW | BPF_IMM))
			print_message("  r%u = 0x%x\n", c->insns[i].dst_reg,
				      (u32)c->insns[i].imm);
}

static int run_kernel(struct world *w, int fd, const struct packet *p, struct __sk_buff *ctx,
		      union bpf_attr *a)
{
	*a = (union bpf_attr){ .test = { .prog_fd = (u32)fd, .data_in = (uintptr_t)p->data,
		.data_size_in = p->bytes, .data_out = (uintptr_t)w->out,
		.data_size_out = sizeof(w->out), .ctx_in = (uintptr_t)&w->ctx_in,
		.ctx_size_in = sizeof(w->ctx_in), .ctx_out = (uintptr_t)ctx,
		.ctx_size_out = sizeof(*ctx) } };
	return sys_bpf(BPF_PROG_TEST_RUN, a);
}

static void compare_fields(const struct __sk_buff *mine, const struct __sk_buff *theirs)
{
	const u32 *a = (const u32 *)mine, *b = (const u32 *)theirs;

	for (size_t i = 0; i < sizeof(*mine) / 4; i++)
		if (a[i] != b[i])
			print_message("  context word at %zu: 0x%x, kernel 0x%x\n", i * 4, a[i],
				      b[i]);
}

static void run_both(struct world *w, u32 t, const struct code *c, const struct vm_code *code,
		     int fd, const struct packet *p)
{
	struct test_run run = { .data = p->data, .bytes = p->bytes, .budget = 10000,
		.ctx_in = &w->ctx_in, .ctx_in_bytes = sizeof(w->ctx_in) };
	struct __sk_buff ctx;
	union bpf_attr a;
	struct skep_err err;
	u64 ret;
	int mine, theirs = run_kernel(w, fd, p, &ctx, &a);

	mine = types[t].host->begin(&w->run, w->buffer, &run, &err);
	if (theirs == -ENOMEM && t > 1)	/* its buffer cannot grow for an Ethernet header */
		return;
	if (mine || theirs) {
		if (!mine != !theirs)
			fail_msg("run refused: %d, kernel %d", mine, theirs);
		return;
	}
	if (vm_run(w->m, code, &w->run, 10000, &ret))
		fail_msg("fault: %s", vm_fault(w->m)->text);
	types[t].host->finish(&w->run, &run);
	if ((u32)ret == a.test.retval && run.bytes_out == a.test.data_size_out &&
	    !memcmp(run.data_out, w->out, run.bytes_out) &&
	    !memcmp(run.ctx_out, &ctx, sizeof(ctx)))
		return;
	print_message("type %u, attach type %u\n", types[t].type, types[t].attach);
	show(c);
	compare_fields(run.ctx_out, &ctx);
	for (u32 i = 0; i < run.bytes_out && i < a.test.data_size_out; i++)
		if (run.data_out[i] != w->out[i]) {
			print_message("  byte %u: %02x, kernel %02x\n", i, run.data_out[i],
				      w->out[i]);
			break;
		}
	fail_msg("type %u, packet of %u bytes: %d and %u bytes, kernel %d and %u", types[t].type,
		 p->bytes, (s32)ret, run.bytes_out, (s32)a.test.retval, a.test.data_size_out);
}

static void run_code(struct world *w, u32 t, const struct code *c)
{
	struct vm_bind bind = { .insns = c->insns, .nr_insns = c->n, .prog_type = types[t].type,
		.helper = call_helper, .ctx = ctx_desc(types[t].type) };
	struct vm_code *code;
	struct skep_err err;
	int fd = load(c, t);

	if (fd < 0) {
		show(c);
		fail_msg("the kernel refuses the program: %s", kernel_log);
	}
	if (vm_code_new(&code, &bind, VM_CHECKED, "test", &err))
		fail_msg("%s", err.text);
	for (u32 i = 0; i < w->nr_packets; i++)
		run_both(w, t, c, code, fd, &w->packets[i]);
	vm_code_free(code);
	close(fd);
}

/* ---- calls at random ------------------------------------------------------------ */

enum { ARG_LIST = 16 };

/* A helper and values worth giving it; MEM stands for 16 bytes of stack. */
struct call {
	u32 id;
	struct { u32 n; u64 v[ARG_LIST]; } args[4];
};

#define MEM 0x4d454d4d454d4d45ull
#define V(...) { sizeof((u64[]){ __VA_ARGS__ }) / 8, { __VA_ARGS__ } }
#define OFFSETS V(0, 1, 2, 10, 12, 14, 16, 24, 30, 36, 40, 54, 100, 0xffff, 0x10000, 0x7fffffff)
#define DIFFS V(0, 1, 0x1234, 0xffff, 0x10000, 0x12345678, 0xffffffff)

static const struct call calls[] = {
	{ BPF_FUNC_skb_load_bytes, { OFFSETS, V(MEM), V(1, 4, 16) } },
	{ BPF_FUNC_skb_load_bytes_relative, { OFFSETS, V(MEM), V(1, 4, 16), V(0, 1, 2) } },
	{ BPF_FUNC_skb_store_bytes, { OFFSETS, V(MEM), V(1, 4, 16), V(0, 1, 2, 3, 4) } },
	{ BPF_FUNC_l3_csum_replace, { OFFSETS, DIFFS, DIFFS, V(0, 2, 4, 2, 4, 3, 16) } },
	{ BPF_FUNC_l3_csum_replace, { OFFSETS, V(0), DIFFS, V(0) } },
	{ BPF_FUNC_l4_csum_replace, { OFFSETS, DIFFS, DIFFS, V(0, 2, 4, 0x12, 0x14, 0x24, 0x34,
							     0x64, 0x84, 0x104) } },
	{ BPF_FUNC_l4_csum_replace, { OFFSETS, V(0), DIFFS, V(0, 0x10, 0x20, 0x30, 0x60) } },
	{ BPF_FUNC_csum_update, { DIFFS } },
	{ BPF_FUNC_csum_level, { V(0, 1, 2, 3, 4) } },
	{ BPF_FUNC_skb_pull_data, { V(0, 14, 34, 60, 1000, 100000) } },
	{ BPF_FUNC_skb_change_type, { V(0, 1, 2, 3, 4) } },
	{ BPF_FUNC_set_hash, { DIFFS } },
	{ BPF_FUNC_set_hash_invalid, { { 0 } } },
	{ BPF_FUNC_skb_set_tstamp, { V(0, 1, 1000000), V(0, 1, 2, 3) } },
	{ BPF_FUNC_skb_ecn_set_ce, { { 0 } } },
	{ BPF_FUNC_get_route_realm, { { 0 } } },
	{ BPF_FUNC_skb_vlan_push, { V(0x0081, 0xa888, 0x0008, 0), V(0, 5, 0x1001, 0xffff) } },
	{ BPF_FUNC_skb_vlan_pop, { { 0 } } },
	{ BPF_FUNC_skb_change_head, { V(0, 1, 14, 20, 1000, 16064, 65600, 0x80000000),
				      V(0, 0, 0, 1) } },
	/* not shorter than the headers that bpf_skb_adjust_room moves: it moves what
	   lies behind with them, which the kernel has not set */
	{ BPF_FUNC_skb_change_tail, { V(0, 13, 74, 80, 100, 1000, 16064, 16065, 65551, 65550),
				      V(0, 0, 0, 1) } },
	{ BPF_FUNC_skb_change_proto, { V(0x0008, 0xdd86, 0x0008, 0xdd86, 0x0081),
				       V(0, 0, 0, 1) } },
	{ BPF_FUNC_skb_adjust_room, { V(0, 4, 8, 20, 50, 0xffc, 0x1000, -4ull, -8ull, -20ull,
					-40ull),
				      V(0, 1, 0, 1, 2), V(0, 1, 2, 4, 6, 8, 0xa, 0x12, 0x14, 0x20,
				      0x22, 0x80, 0x100, 0x0e00000000000042, 0x0e00000000000002,
				      0x40) } },
	{ BPF_FUNC_redirect, { V(1, 7), V(0, 1, 2, 4) } },
	{ BPF_FUNC_redirect_peer, { V(1, 7), V(0, 1) } },
	{ BPF_FUNC_redirect_neigh, { V(1, 7), V(0), V(0), V(0, 1) } },
};

static void emit_call(struct code *c, const struct call *call, u32 i)
{
	bool ctx = helper_row(call->id)->args[0] == ARG_CTX;

	if (ctx)
		emit(c, BPF_ALU64 | BPF_MOV | BPF_X, 1, 6, 0, 0);
	for (u32 k = 0; k < 4; k++) {
		u8 reg = (u8)(k + 1 + ctx);
		u64 v = call->args[k].n ? call->args[k].v[any(call->args[k].n)] : 0;

		if (!call->args[k].n)
			break;
		if (v != MEM) {
			emit_imm(c, reg, v);
			continue;
		}
		emit(c, BPF_ALU64 | BPF_MOV | BPF_X, reg, 10, 0, 0);
		emit(c, BPF_ALU64 | BPF_ADD | BPF_K, reg, 0, 0, -16);
	}
	emit(c, BPF_JMP | BPF_CALL, 0, 0, 0, (s32)call->id);
	emit(c, BPF_STX | BPF_MEM | BPF_W, 6, 0, (s16)(offsetof(struct __sk_buff, cb) + i * 4), 0);
}

/* The loopback device's: all others are whose we do not know. */
static const struct call check_mtu = {
	BPF_FUNC_check_mtu, { V(0, 1), V(MEM), V(0, 1, -5ull, -0x41424344ull, -0x41424334ull,
				-0x41420000ull, 65000, 70000), V(0, 0, 1, 2) }
};

/* A load as classic BPF makes it; outside the packet it ends the program. */
static void emit_ld(struct code *c)
{
	static const s32 at[] = { 0, 1, 12, 14, 30, 60, 1000, SKF_NET_OFF, SKF_NET_OFF + 9,
		SKF_NET_OFF + 1000, SKF_LL_OFF, SKF_LL_OFF + 12, SKF_LL_OFF + 13, -1, -3,
		SKF_LL_OFF - 1, INT32_MAX };
	static const u8 sizes[] = { BPF_B, BPF_H, BPF_W };
	u8 mode = any(2) ? BPF_ABS : BPF_IND;

	if (mode == BPF_IND)
		emit(c, BPF_ALU64 | BPF_MOV | BPF_K, 8, 0, 0, (s32)any(20) - 5);
	emit(c, BPF_LD | mode | sizes[any(3)], 0, mode == BPF_IND ? 8 : 0, 0,
	     at[any(ARRAY_LEN(at))]);
	emit(c, BPF_STX | BPF_MEM | BPF_W, 6, 0, offsetof(struct __sk_buff, cb[2]), 0);
}

/* All fields that can be read become one number in cb[3], the stack in cb[4]. */
static void emit_fields(struct code *c, u32 t)
{
	const struct ctx_desc *d = ctx_desc(types[t].type);

	emit(c, BPF_ALU64 | BPF_MOV | BPF_K, 7, 0, 0, 1);
	for (u32 i = 0; i < d->nr_fields; i++) {
		const struct ctx_field *f = &d->fields[i];
		u8 width = f->size == 8 ? BPF_DW : f->size == 1 ? BPF_B : BPF_W;

		if (!(f->flags & CTX_READ) || f->flags & (CTX_PKT | CTX_OBJ) ||
		    !strcmp(f->name, "hash"))
			continue;
		emit(c, BPF_LDX | BPF_MEM | width, 0, 6, (s16)f->off, 0);
		emit(c, BPF_ALU64 | BPF_MUL | BPF_K, 7, 0, 0, 31);
		emit(c, BPF_ALU64 | BPF_ADD | BPF_X, 7, 0, 0, 0);
	}
	emit(c, BPF_STX | BPF_MEM | BPF_W, 6, 7, offsetof(struct __sk_buff, cb[3]), 0);
	emit(c, BPF_LDX | BPF_MEM | BPF_W, 0, 10, -16, 0);
	emit(c, BPF_LDX | BPF_MEM | BPF_W, 1, 10, -4, 0);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_X, 0, 1, 0, 0);
	emit(c, BPF_STX | BPF_MEM | BPF_W, 6, 0, offsetof(struct __sk_buff, cb[4]), 0);
}

static void code_start(struct code *c)
{
	c->n = 0;
	emit(c, BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0);
	for (s16 at = -16; at < 0; at += 8)
		emit(c, BPF_ST | BPF_MEM | BPF_DW, 10, 0, at, 0x41424344 + at);
}

static void one_program(struct world *w, u32 t)
{
	struct code c;
	u32 n = 1 + any(12);

	code_start(&c);
	for (u32 i = 0; i < n;) {
		const struct call *call = &calls[any(ARRAY_LEN(calls))];

		if (call_helper(call->id, types[t].type))
			emit_call(&c, call, i++ % 3);
	}
	if (t < 3 && any(3))
		emit_ld(&c);
	emit_fields(&c, t);
	emit_exit(&c, 1);
	w->ctx_in = (struct __sk_buff){ .mark = any(9), .priority = any(9), .tstamp = any(3) };
	w->ctx_in.gso_segs = any(4) ? 0 : 3;
	w->ctx_in.gso_size = any(4) ? 0 : 500;
	w->ctx_in.cb[2] = 77;
	w->ctx_in.wire_len = any(4) ? 0 : 1500;
	run_code(w, t, &c);
}

/* Each field by itself, of each packet. */
static void fields(void **state)
{
	struct world *w;

	need_old_kernel();
	w = mem_alloc(sizeof(*w));
	world_open(w);
	world_odd(w);
	w->ctx_in = (struct __sk_buff){ .mark = 1, .priority = 2, .tstamp = 3, .gso_segs = 4,
		.gso_size = 5, .wire_len = 2000, .cb = { 1, 2, 3, 4, 5 }, .hwtstamp = 6 };
	for (u32 t = 0; t < RUNNABLE; t++) {
		const struct ctx_desc *d = ctx_desc(types[t].type);

		for (u32 i = 0; i < d->nr_fields; i++) {
			const struct ctx_field *f = &d->fields[i];
			u8 width = f->size == 8 ? BPF_DW : f->size == 1 ? BPF_B : BPF_W;
			struct code c = { .n = 0 };

			if (!(f->flags & CTX_READ) || f->flags & (CTX_PKT | CTX_OBJ))
				continue;
			emit(&c, BPF_LDX | BPF_MEM | width, 0, 1, (s16)f->off, 0);
			emit(&c, BPF_STX | BPF_MEM | BPF_DW, 1, 0,
			     offsetof(struct __sk_buff, cb), 0);
			emit_exit(&c, 1);
			run_code(w, t, &c);
		}
	}
	world_close(w);
}

static void random_calls(void **state)
{
	struct world *w;

	need_kernel_since(6, 18, "bpf_check_mtu leaves another length when it fails");
	w = mem_alloc(sizeof(*w));
	world_open(w);
	world_odd(w);
	rng = 7;
	for (u32 t = 0; t < RUNNABLE; t++)
		for (u32 i = 0; i < (t < 2 ? 600 : 200); i++)
			one_program(w, t);
	world_close(w);
}

/* Many tags, or much room with segments (of any length then), until the kernel's
 * buffer must grow in front: what that does to the headers shows in the shortest
 * length and in loads relative to them. */
static void one_headroom(struct world *w, u32 t, u32 i)
{
	static const struct call push[] = {
		{ BPF_FUNC_skb_vlan_push, { V(0x0081, 0xa888), V(5) } },
		{ BPF_FUNC_skb_change_head, { V(4, 14, 60), V(0) } },
		{ BPF_FUNC_skb_change_head, { V(65536, 65600, 65664, 65586, 200), V(0) } },
		{ BPF_FUNC_skb_adjust_room, { V(4, 20, 60), V(0, 1), V(0) } },
	}, tail = { BPF_FUNC_skb_change_tail, { V(14, 20, 30, 40, 60, 64, 80, 100, 130), V(0) } };
	const struct call *call = &push[any(ARRAY_LEN(push))];
	u32 n = call == &push[2] ? 1 : any(i % 2 ? 45 : 3);
	struct code c;

	if (!call_helper(call->id, types[t].type) || !call_helper(tail.id, types[t].type))
		return;
	code_start(&c);
	while (n--)
		emit_call(&c, call, 0);
	emit_call(&c, &tail, 1);
	if (t < 3)
		emit_ld(&c);
	emit_fields(&c, t);
	emit_exit(&c, 1);
	w->ctx_in = (struct __sk_buff){ .gso_size = call == &push[2] ? 500 : 0 };
	run_code(w, t, &c);
}

static void headroom(void **state)
{
	struct world *w;

	need_kernel();
	w = mem_alloc(sizeof(*w));
	world_open(w);
	rng = 13;
	for (u32 t = 0; t < RUNNABLE; t++)
		for (u32 i = 0; i < 150; i++)
			one_headroom(w, t, i);
	world_close(w);
}

/* With a length to look at or, the first word of the stack being 0, the packet's. */
static void mtu(void **state)
{
	struct world *w;

	need_kernel_since(6, 18, "bpf_check_mtu leaves another length when it fails");
	w = mem_alloc(sizeof(*w));
	world_open(w);
	rng = 11;
	for (u32 t = 0; t < 2; t++)
		for (u32 i = 0; i < 60; i++) {
			struct code c;

			code_start(&c);
			if (i % 2)
				emit(&c, BPF_ST | BPF_MEM | BPF_W, 10, 0, -16, 0);
			emit_call(&c, &check_mtu, 0);
			emit_fields(&c, t);
			emit_exit(&c, 1);
			w->ctx_in = (struct __sk_buff){ .gso_size = any(4) ? 0 : 500 };
			run_code(w, t, &c);
		}
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(context),
		cmocka_unit_test(helpers),
		cmocka_unit_test(fields),
		cmocka_unit_test(random_calls),
		cmocka_unit_test(headroom),
		cmocka_unit_test(mtu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
