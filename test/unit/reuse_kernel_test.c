/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reuse_kernel_test.c: programs that choose among the sockets of a SO_REUSEPORT
 * group. The kernel has no test run for them, so real packets are sent to real
 * sockets in a network namespace of their own: the one that gets a packet is the
 * one that our engine chooses for it, and what the program learns on the way
 * (fields, bytes, error codes) decides which one that is.
 */
#include "call/call.h"
#include "host/hosts.h"
#include "vm/vm.h"
#include <poll.h>
#include <stdlib.h>
#include <linux/if_ether.h>
#include "kernel_code.h"
#include "netns.h"

#ifndef SO_ATTACH_REUSEPORT_EBPF
#define SO_ATTACH_REUSEPORT_EBPF 52
#endif

enum { TYPE = BPF_PROG_TYPE_SK_REUSEPORT, GROUP = 8, OTHERS = 16, PORT = 60,
       HEADERS = 14 + 20 + 8 };

static struct real reals[64];
static u32 nr_reals;
static struct sockets described;
static struct sock_table table;
static u64 rng = 5;

static u32 any(u32 below)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (u32)(rng >> 33) % below;
}

static struct sock *sock_number(void *arg, u32 n)
{
	return n < described.v.n ? &described.v.v[n] : NULL;
}

static void add(struct real r)
{
	reals[nr_reals++] = r;
	real_describe(&described, &r);
}

/* The group, then sockets that are not in it, each for a reason of its own. */
static void make_sockets(void)
{
	struct real listener = real_bound(AF_INET, SOCK_STREAM, "127.0.0.1", 70, 0);

	struct real group[GROUP];

	/* Linux finds the one that came last, as ss lists it: the first in a list */
	for (u32 i = GROUP; i > 0; i--)
		group[i - 1] = real_bound(AF_INET, SOCK_DGRAM, "127.0.0.1", PORT, REAL_REUSE);
	for (u32 i = 0; i < GROUP; i++)
		add(group[i]);
	add(real_bound(AF_INET, SOCK_DGRAM, "127.0.0.1", 61, REAL_REUSE));
	add(real_bound(AF_INET6, SOCK_DGRAM, "::1", PORT, REAL_REUSE));
	add(real_bound(AF_INET, SOCK_STREAM, "127.0.0.1", 62, REAL_REUSE));
	add(real_bound(AF_INET, SOCK_DGRAM, "127.0.0.1", 63, 0));
	add(listener);
	add(real_connected(AF_INET, SOCK_STREAM, "127.0.0.1", 70));
	table = (struct sock_table){ described.v.v, (u32)described.v.n, true };
}

/* ---- maps ----------------------------------------------------------------------- */

struct maps {
	struct vm_map vm[2];	/* the group's array; any sockets */
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

static void map_put(struct maps *m, u32 i, u32 key, u32 sock, int expected)
{
	u64 number = sock, fd = (u64)reals[sock].fd;
	union bpf_attr a = { .map_fd = (u32)m->fds[i], .key = (uintptr_t)&key,
		.value = (uintptr_t)&fd };
	int theirs = sys_bpf(BPF_MAP_UPDATE_ELEM, &a);

	if (map_user_update(m->vm[i].map, &key, &number, 0) != theirs || theirs != expected)
		fail_msg("socket %u into map %u: kernel %d", sock, i, theirs);
}

static void maps_open(struct maps *m)
{
	map_make(m, 0, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, GROUP);
	map_make(m, 1, BPF_MAP_TYPE_SOCKMAP, OTHERS);
	for (u32 i = 0; i < GROUP; i++)
		map_put(m, 0, i, i, 0);
	for (u32 i = GROUP; i < nr_reals; i++)
		map_put(m, 1, i - GROUP, i, 0);
	/* no socket is in maps of both kinds */
	map_put(m, 1, OTHERS - 1, 3, -EBUSY);
	map_put(m, 0, 0, GROUP, -EBUSY);
}

/* ---- the program -------------------------------------------------------------------- */

static void emit_select(struct code *c, s32 map, u8 key)
{
	emit(c, BPF_STX | BPF_MEM | BPF_W, 10, key, -4, 0);
	emit_copy(c, 1, 6);
	emit(c, BPF_LD | BPF_DW | BPF_IMM, 2, BPF_PSEUDO_MAP_IDX, 0, map);
	emit(c, 0, 0, 0, 0, 0);
	emit_copy(c, 3, 10);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_K, 3, 0, 0, -4);
	emit_mov(c, 4, (s32)any(3));
	emit_call(c, BPF_FUNC_sk_select_reuseport);
}

static void note(struct code *c, u8 reg)
{
	emit(c, BPF_ALU64 | BPF_MUL | BPF_K, 7, 0, 0, 31);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_X, 7, reg, 0, 0);
}

/* Bytes of the packet, from its transport or network header. */
static void emit_bytes(struct code *c)
{
	bool relative = any(2);
	u32 at = any(any(3) ? 12 : 60);

	emit(c, BPF_ST | BPF_MEM | BPF_DW, 10, 0, -16, 0);
	emit_copy(c, 1, 6);
	emit_mov(c, 2, (s32)at);
	emit_copy(c, 3, 10);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_K, 3, 0, 0, -16);
	emit_mov(c, 4, 2);
	emit_mov(c, 5, 1);
	emit_call(c, relative ? BPF_FUNC_skb_load_bytes_relative : BPF_FUNC_skb_load_bytes);
	note(c, 0);
	/* what the kernel fills in is its own affair: IP's id, UDP's checksum */
	if (relative || at == 5 || at == 6 || at == 7)
		return;
	emit(c, BPF_LDX | BPF_MEM | BPF_H, 0, 10, -16, 0);
	note(c, 0);
}

/* R7 becomes a number of what the context says. */
static void emit_fields(struct code *c)
{
	static const s16 words[] = { offsetof(struct sk_reuseport_md, len),
		offsetof(struct sk_reuseport_md, eth_protocol),
		offsetof(struct sk_reuseport_md, ip_protocol),
		offsetof(struct sk_reuseport_md, bind_inany) };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		emit(c, BPF_LDX | BPF_MEM | BPF_W, 0, 6, words[i], 0);
		note(c, 0);
	}
	emit(c, BPF_LDX | BPF_MEM | BPF_DW, 1, 6, offsetof(struct sk_reuseport_md, sk), 0);
	emit(c, BPF_LDX | BPF_MEM | BPF_W, 0, 1, offsetof(struct bpf_sock, src_port), 0);
	note(c, 0);
	emit(c, BPF_LDX | BPF_MEM | BPF_DW, 1, 6, offsetof(struct sk_reuseport_md, sk), 0);
	emit_call(c, BPF_FUNC_get_socket_cookie);
	note(c, 0);
	emit(c, BPF_LDX | BPF_MEM | BPF_DW, 1, 6,
	     offsetof(struct sk_reuseport_md, migrating_sk), 0);
	emit_call(c, BPF_FUNC_get_socket_cookie);
	note(c, 0);
	emit(c, BPF_LDX | BPF_MEM | BPF_DW, 1, 6, offsetof(struct sk_reuseport_md, data), 0);
	emit(c, BPF_LDX | BPF_MEM | BPF_DW, 0, 6, offsetof(struct sk_reuseport_md, data_end), 0);
	emit_copy(c, 2, 1);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, 8);
	emit(c, BPF_JMP | BPF_JGT | BPF_X, 2, 0, 6, 0);
	emit(c, BPF_LDX | BPF_MEM | BPF_W, 0, 1, 0, 0);	/* both ports */
	note(c, 0);
	emit(c, BPF_LDX | BPF_MEM | BPF_H, 0, 1, 4, 0);	/* the length */
	note(c, 0);
}

/* A first choice among all sockets; when it fails a second one, by the error. */
static void make(struct code *c)
{
	c->n = 0;
	emit_copy(c, 6, 1);
	emit_mov(c, 7, (s32)any(100));
	emit_fields(c);
	for (u32 n = any(3); n; n--)
		emit_bytes(c);
	emit_copy(c, 8, 7);
	emit(c, BPF_ALU64 | BPF_RSH | BPF_K, 8, 0, 0, 7);
	emit(c, BPF_ALU64 | BPF_XOR | BPF_X, 8, 7, 0, 0);
	emit(c, BPF_ALU64 | BPF_AND | BPF_K, 8, 0, 0, OTHERS - 1);
	emit_select(c, 1, 8);
	emit(c, BPF_JMP | BPF_JNE | BPF_K, 0, 0, 2, 0);
	emit_exit(c, SK_PASS);
	emit_copy(c, 8, 0);
	emit(c, BPF_ALU64 | BPF_NEG, 8, 0, 0, 0);
	emit(c, BPF_ALU64 | BPF_AND | BPF_K, 8, 0, 0, GROUP - 1);
	emit_select(c, 0, 8);
	emit_exit(c, any(20) ? SK_PASS : SK_DROP);
}

/* ---- packets ------------------------------------------------------------------------- */

static void make_frame(u8 *p, u16 source, u32 payload)
{
	const u16 words[] = { htons(source), htons(PORT), htons((u16)(8 + payload)) };
	const u32 home = htonl(0x7f000001);
	const u16 type = htons(ETH_P_IP), bytes = htons((u16)(28 + payload));

	memset(p, 0, HEADERS);
	memcpy(p + 12, &type, 2);
	p[14] = 0x45;
	memcpy(p + 16, &bytes, 2);
	p[22] = 64;
	p[23] = IPPROTO_UDP;
	memcpy(p + 26, &home, 4);
	memcpy(p + 30, &home, 4);
	memcpy(p + 34, words, 6);
	for (u32 i = 0; i < payload; i++)
		p[HEADERS + i] = (u8)any(256);
}

/* Who got the packet: a number of the group, or -1. */
static int receiver(void)
{
	struct pollfd fds[GROUP];
	u8 byte[1];

	for (u32 i = 0; i < GROUP; i++)
		fds[i] = (struct pollfd){ .fd = reals[i].fd, .events = POLLIN };
	if (poll(fds, GROUP, 0) <= 0)
		return -1;
	for (int i = 0; i < GROUP; i++)
		if (fds[i].revents & POLLIN) {
			recv(fds[i].fd, byte, 1, MSG_DONTWAIT);
			return i;
		}
	return -1;
}

static int sent_to(u16 source, const u8 *payload, u32 bytes)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	union address from, to;
	socklen_t n = address(&from, AF_INET, "127.0.0.1", source);

	address(&to, AF_INET, "127.0.0.1", PORT);
	assert_int_equal(bind(fd, &from.a, n), 0);
	sendto(fd, payload, bytes, 0, &to.a, n);
	close(fd);
	return receiver();
}

static int chosen(struct run *run, struct vm_machine *m, const struct vm_code *code,
		  const u8 *frame, u32 bytes)
{
	static u8 buffer[1 << 18];
	struct test_run t = { .data = frame, .bytes = bytes, .ifindex = 1 };
	struct skep_err err;
	u64 ret;

	assert_int_equal(host_sk_reuseport.begin(run, buffer, &t, &err), 0);
	if (vm_run(m, code, run, 10000, &ret))
		fail_msg("fault: %s", vm_fault(m)->text);
	t.retval = (u32)ret;
	host_sk_reuseport.finish(run, &t);
	if (t.retval == SK_DROP)
		return -1;
	return t.sock ? (int)(t.sock - table.v) : -2;
}

static void program(const struct maps *maps, struct run *run, struct vm_machine *m, u32 round)
{
	struct code c;
	struct vm_bind bind = { .insns = c.insns, .prog_type = TYPE, .helper = call_helper,
		.ctx = ctx_desc(TYPE), .maps = maps->vm, .nr_maps = 2 };
	union bpf_attr a = { .prog_type = TYPE, .insns = (uintptr_t)c.insns,
		.license = (uintptr_t)"GPL", .log_level = 1, .log_size = CODE_LOG,
		.log_buf = (uintptr_t)code_log, .expected_attach_type = BPF_SK_REUSEPORT_SELECT,
		.fd_array = (uintptr_t)maps->fds };
	static u8 frame[HEADERS + 64];
	struct vm_code *code;
	struct skep_err err;
	int fd;

	make(&c);
	bind.nr_insns = a.insn_cnt = c.n;
	fd = sys_bpf(BPF_PROG_LOAD, &a);
	if (fd < 0)
		fail_msg("the kernel refuses the program: %s", code_log);
	assert_int_equal(setsockopt(reals[0].fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &fd,
				    sizeof(fd)), 0);
	if (vm_code_new(&code, &bind, VM_CHECKED, "test", &err))
		fail_msg("%s", err.text);
	for (u32 i = 0; i < 8; i++) {
		u32 payload = 1 + any(60);
		u16 source = (u16)(20000 + any(20000));
		int mine, theirs;

		make_frame(frame, source, payload);
		mine = chosen(run, m, code, frame, HEADERS + payload);
		theirs = sent_to(source, frame + HEADERS, payload);
		/* without a choice the kernel's hash chooses */
		if (mine != theirs && (mine != -2 || theirs < 0))
			fail_msg("program %u, packet %u: socket %d, kernel %d", round, i, mine,
				 theirs);
	}
	vm_code_free(code);
	close(fd);
}

static void groups(void **state)
{
	struct run run = { .socks = &table };
	struct vm_machine *m = vm_machine_new();
	struct maps maps;

	need_kernel();
	if (!netns_open()) {
		print_message("skipped: no network namespace\n");
		skip();
	}
	make_sockets();
	maps_open(&maps);
	for (u32 i = 0; i < 150; i++)
		program(&maps, &run, m, i);
	map_free(maps.vm[0].map);
	map_free(maps.vm[1].map);
	sockets_free(&described);
	vm_machine_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(groups) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
