/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stream_kernel_test.c: verdict programs of sockmaps. The kernel has no test run
 * for them, so messages go through real connections in a network namespace of
 * their own: the socket that gets a message is the one that our engine sends it
 * to, and what the program saw of it is the same. Attaches to its own maps.
 */
#include "call/call.h"
#include "host/hosts.h"
#include "vm/vm.h"
#include <poll.h>
#include <stdlib.h>
#include <linux/if_ether.h>
#include "kernel_code.h"
#include "netns.h"

enum { TYPE = BPF_PROG_TYPE_SK_SKB, PAIRS = 4, PAYLOAD_MAX = 64, HEADERS = 14 + 20 + 20,
       WAIT_MS = 1000 };

static struct real clients[PAIRS], servers[PAIRS], listener;
static struct sockets described;
static struct sock_table table;
static bool by_hash;		/* a sockhash, not a sockmap */
static u64 rng = 9;

static u32 any(u32 below)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (u32)(rng >> 33) % below;
}

static struct sock *sock_number(void *arg, u32 n)
{
	return n < described.v.n ? &described.v.v[n] : NULL;
}

/* ---- maps ----------------------------------------------------------------------- */

struct maps {
	struct vm_map vm[2];	/* the map of sockets; a sum of what the program saw */
	int fds[2];
};

static void map_make(struct maps *m, u32 i, u32 type, u32 entries)
{
	const struct map_attr attr = { .name = "m", .type = type, .key_size = 4,
		.value_size = 8, .max_entries = entries, .sock_of = sock_number };
	struct skep_err err;
	struct map *map;

	if (map_create(&map, &attr, 1, &err))
		fail_msg("%s", err.text);
	m->vm[i] = (struct vm_map){ .map = map, .type = type, .key_size = 4, .value_size = 8,
		.mem = map->ops->values(map) };
	m->fds[i] = kmap_create(&attr);
	assert_true(m->fds[i] >= 0);
}

static void put(struct maps *m, u32 key, u32 number, int fd)
{
	u64 mine = number, theirs = (u64)fd;
	union bpf_attr a = { .map_fd = (u32)m->fds[0], .key = (uintptr_t)&key,
		.value = (uintptr_t)&theirs };

	assert_int_equal(sys_bpf(BPF_MAP_UPDATE_ELEM, &a), 0);
	assert_int_equal(map_user_update(m->vm[0].map, &key, &mine, 0), 0);
}

static u64 kernel_sum(const struct maps *m)
{
	u32 zero = 0;
	u64 v = 0;
	union bpf_attr a = { .map_fd = (u32)m->fds[1], .key = (uintptr_t)&zero,
		.value = (uintptr_t)&v };

	assert_int_equal(sys_bpf(BPF_MAP_LOOKUP_ELEM, &a), 0);
	return v;
}

static u64 user_sum(const struct maps *m)
{
	u32 zero = 0;
	u64 v = 0;

	assert_int_equal(map_user_lookup(m->vm[1].map, &zero, &v, 0), 0);
	return v;
}

/* ---- the program -------------------------------------------------------------------- */

static void note(struct code *c)
{
	emit(c, BPF_ALU64 | BPF_MUL | BPF_K, 7, 0, 0, 31);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_X, 7, 0, 0, 0);
}

static void emit_map(struct code *c, u8 reg, s32 map)
{
	emit(c, BPF_LD | BPF_DW | BPF_IMM, reg, BPF_PSEUDO_MAP_IDX, 0, map);
	emit(c, 0, 0, 0, 0, 0);
}

/* R7 becomes a number of what the context says. */
static void emit_context(struct code *c)
{
	static const s16 words[] = {
		offsetof(struct __sk_buff, len), offsetof(struct __sk_buff, family),
		offsetof(struct __sk_buff, remote_ip4), offsetof(struct __sk_buff, local_ip4),
		offsetof(struct __sk_buff, remote_port), offsetof(struct __sk_buff, local_port) };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		emit(c, BPF_LDX | BPF_MEM | BPF_W, 0, 6, words[i], 0);
		note(c);
	}
	emit(c, BPF_ST | BPF_MEM | BPF_DW, 10, 0, -16, 0);
	emit_copy(c, 1, 6);
	emit_mov(c, 2, (s32)any(PAYLOAD_MAX));
	emit_copy(c, 3, 10);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_K, 3, 0, 0, -16);
	emit_mov(c, 4, 1 + (s32)any(8));
	emit_call(c, BPF_FUNC_skb_load_bytes);
	note(c);
	emit(c, BPF_LDX | BPF_MEM | BPF_DW, 0, 10, -16, 0);
	note(c);
	emit_copy(c, 1, 6);
	emit_mov(c, 2, (s32)any(PAYLOAD_MAX));
	emit_call(c, BPF_FUNC_skb_pull_data);
	note(c);
}

/* The sum goes into the second map. */
static void emit_sum(struct code *c)
{
	emit(c, BPF_ST | BPF_MEM | BPF_W, 10, 0, -4, 0);
	emit_map(c, 1, 1);
	emit_copy(c, 2, 10);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4);
	emit_call(c, BPF_FUNC_map_lookup_elem);
	emit(c, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1, 0);
	emit(c, BPF_STX | BPF_MEM | BPF_DW, 0, 7, 0, 0);
}

/* Redirects to an element, or what is none, into what it has received. */
static void make(struct code *c)
{
	static const s32 flags[] = { 1, 1, 1, 1, 1, 2, 3 };

	c->n = 0;
	emit_copy(c, 6, 1);
	emit_mov(c, 7, 1);
	emit_context(c);
	emit_sum(c);
	if (!any(8)) {
		emit_exit(c, any(2) ? SK_PASS : SK_DROP);
		return;
	}
	emit_copy(c, 1, 6);
	emit_map(c, 2, 0);
	emit_mov(c, 3, (s32)any(PAIRS + 3));
	if (by_hash) {
		emit(c, BPF_STX | BPF_MEM | BPF_W, 10, 3, -8, 0);
		emit_copy(c, 3, 10);
		emit(c, BPF_ALU64 | BPF_ADD | BPF_K, 3, 0, 0, -8);
	}
	emit_mov(c, 4, flags[any(ARRAY_LEN(flags))]);
	emit_call(c, by_hash ? BPF_FUNC_sk_redirect_hash : BPF_FUNC_sk_redirect_map);
	emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* ---- messages ------------------------------------------------------------------------ */

static u16 port_of(int fd, bool remote)
{
	union address a;
	socklen_t n = sizeof(a);

	assert_int_equal(remote ? getpeername(fd, &a.a, &n) : getsockname(fd, &a.a, &n), 0);
	return a.v4.sin_port;
}

static void make_frame(u8 *p, u32 pair, u32 bytes)
{
	const u16 type = htons(ETH_P_IP), total = htons((u16)(40 + bytes));
	const u16 ports[] = { port_of(clients[pair].fd, false), port_of(clients[pair].fd, true) };
	const u32 home = htonl(0x7f000001);

	memset(p, 0, HEADERS);
	memcpy(p + 12, &type, 2);
	p[14] = 0x45;
	memcpy(p + 16, &total, 2);
	p[23] = IPPROTO_TCP;
	memcpy(p + 26, &home, 4);
	memcpy(p + 30, &home, 4);
	memcpy(p + 34, ports, 4);
	p[46] = 5 << 4;
	for (u32 i = 0; i < bytes; i++)
		p[HEADERS + i] = (u8)any(256);
}

/* Which server gets the message within MS, which is as it was sent; or -1. */
static int receiver(const u8 *sent, u32 bytes, int ms)
{
	struct pollfd fds[PAIRS];
	u8 got[PAYLOAD_MAX + 1];

	for (u32 i = 0; i < PAIRS; i++)
		fds[i] = (struct pollfd){ .fd = servers[i].fd, .events = POLLIN };
	if (poll(fds, PAIRS, ms) <= 0)
		return -1;
	for (int i = 0; i < PAIRS; i++)
		if (fds[i].revents & POLLIN) {
			assert_int_equal(recv(fds[i].fd, got, sizeof(got), 0), bytes);
			assert_memory_equal(got, sent, bytes);
			return i;
		}
	return -1;
}

/* The server that our engine sends it to; -1: it is dropped. */
static int chosen(struct run *run, struct vm_machine *m, const struct vm_code *code,
		  const u8 *frame, u32 bytes, u32 pair)
{
	static u8 buffer[1 << 18];
	struct test_run t = { .data = frame, .bytes = bytes, .ifindex = 1 };
	struct skep_err err;
	u64 ret;

	assert_int_equal(host_sk_skb.begin(run, buffer, &t, &err), 0);
	if (vm_run(m, code, run, 10000, &ret))
		fail_msg("fault: %s", vm_fault(m)->text);
	t.retval = (u32)ret;
	host_sk_skb.finish(run, &t);
	if (t.retval == SK_DROP)
		return -1;
	return t.sock ? (int)(t.sock - table.v) : (int)pair;
}

static void one_message(struct maps *maps, struct run *run, struct vm_machine *m,
			const struct vm_code *code, u32 round)
{
	static u8 frame[HEADERS + PAYLOAD_MAX];
	u32 pair = any(PAIRS), bytes = 1 + any(PAYLOAD_MAX);
	int mine, theirs;

	make_frame(frame, pair, bytes);
	mine = chosen(run, m, code, frame, HEADERS + bytes, pair);
	assert_int_equal(send(clients[pair].fd, frame + HEADERS, bytes, 0), bytes);
	theirs = receiver(frame + HEADERS, bytes, mine < 0 ? 20 : WAIT_MS);
	if (mine != theirs)
		fail_msg("round %u, connection %u: to %d, kernel %d", round, pair, mine, theirs);
	assert_int_equal(user_sum(maps), kernel_sum(maps));
}

/* Sockets take the program that the map has when they come. */
static void put_all(struct maps *maps)
{
	for (u32 i = 0; i < PAIRS; i++)
		put(maps, i, i, servers[i].fd);
	put(maps, PAIRS, PAIRS, listener.fd);
}

static void take_all(struct maps *maps)
{
	for (u32 key = 0; key <= PAIRS; key++) {
		union bpf_attr a = { .map_fd = (u32)maps->fds[0], .key = (uintptr_t)&key };

		assert_int_equal(sys_bpf(BPF_MAP_DELETE_ELEM, &a), 0);
		assert_int_equal(map_user_delete(maps->vm[0].map, &key), 0);
	}
}

static void attach(const struct maps *maps, int prog)
{
	union bpf_attr a = { .target_fd = (u32)maps->fds[0], .attach_bpf_fd = (u32)prog,
		.attach_type = BPF_SK_SKB_STREAM_VERDICT };

	assert_int_equal(sys_bpf(BPF_PROG_ATTACH, &a), 0);
}

static void program(struct maps *maps, struct run *run, struct vm_machine *m, u32 round)
{
	struct code c;
	struct vm_bind bind = { .insns = c.insns, .prog_type = TYPE, .helper = call_helper,
		.ctx = ctx_desc(TYPE), .maps = maps->vm, .nr_maps = 2 };
	union bpf_attr a = { .prog_type = TYPE, .insns = (uintptr_t)c.insns,
		.license = (uintptr_t)"GPL", .log_level = 1, .log_size = CODE_LOG,
		.log_buf = (uintptr_t)code_log, .expected_attach_type = BPF_SK_SKB_STREAM_VERDICT,
		.fd_array = (uintptr_t)maps->fds };
	struct vm_code *code;
	struct skep_err err;
	int fd;

	make(&c);
	bind.nr_insns = a.insn_cnt = c.n;
	fd = sys_bpf(BPF_PROG_LOAD, &a);
	if (fd < 0)
		fail_msg("the kernel refuses the program: %s", code_log);
	attach(maps, fd);
	put_all(maps);
	if (vm_code_new(&code, &bind, VM_CHECKED, "test", &err))
		fail_msg("%s", err.text);
	one_message(maps, run, m, code, round);
	vm_code_free(code);
	take_all(maps);
	close(fd);
}

/* Anew for each message: a connection that got another's is of no more use, as
 * the kernel counts its bytes for its own. */
static void connect_all(void)
{
	for (u32 i = 0; i < PAIRS; i++) {
		clients[i] = real_connected(AF_INET, SOCK_STREAM, "127.0.0.1", 80);
		servers[i] = real_accepted(&listener);
		real_describe(&described, &servers[i]);
	}
	real_describe(&described, &listener);
	table = (struct sock_table){ described.v.v, (u32)described.v.n, true };
}

static void close_all(void)
{
	for (u32 i = 0; i < PAIRS; i++) {
		close(clients[i].fd);
		close(servers[i].fd);
	}
	sockets_free(&described);
}

static void streams(u32 type, u32 rounds)
{
	struct run run = { .socks = &table };
	struct vm_machine *m = vm_machine_new();
	struct maps maps;

	need_kernel();
	if (!netns_open()) {
		print_message("skipped: no network namespace\n");
		skip();
	}
	listener = real_bound(AF_INET, SOCK_STREAM, "127.0.0.1", 80, 0);
	by_hash = type == BPF_MAP_TYPE_SOCKHASH;
	map_make(&maps, 0, type, PAIRS + 2);
	map_make(&maps, 1, BPF_MAP_TYPE_ARRAY, 1);
	for (u32 i = 0; i < rounds; i++) {
		connect_all();
		program(&maps, &run, m, i);
		close_all();
	}
	map_free(maps.vm[0].map);
	map_free(maps.vm[1].map);
	close(listener.fd);
	vm_machine_free(m);
}

static void by_map(void **state) { streams(BPF_MAP_TYPE_SOCKMAP, 100); }
static void by_key(void **state) { streams(BPF_MAP_TYPE_SOCKHASH, 50); }

static void context(void **state)
{
	need_kernel();
	compare_context(TYPE, BPF_SK_SKB_STREAM_VERDICT, SK_PASS);
	compare_helpers(TYPE, BPF_SK_SKB_STREAM_VERDICT, call_helper);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(context), cmocka_unit_test(by_map), cmocka_unit_test(by_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
