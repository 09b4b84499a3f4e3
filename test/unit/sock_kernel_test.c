/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_kernel_test.c: programs that look up and choose sockets, here among
 * described ones and on the running kernel among real ones of which these are
 * the description, in a network namespace of their own: what programs may
 * access, what they find in it, what they may choose, and what maps of sockets
 * take. Loads programs, attaches nothing.
 */
#include "call/call.h"
#include "host/hosts.h"
#include "vm/vm.h"
#include "base/os.h"
#include <stdlib.h>
#include <linux/if_ether.h>
#include "kernel_code.h"
#include "netns.h"

enum { REALS_MAX = 64, LOOKUP = BPF_PROG_TYPE_SK_LOOKUP, TC = BPF_PROG_TYPE_SCHED_CLS };

static struct real reals[REALS_MAX];
static u32 nr_reals, nr_single, nr_chosen;	/* the first NR_SINGLE are in no group */
static struct sockets described;
static u64 rng = 11;

static u32 any(u32 below)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (u32)(rng >> 33) % below;
}

static void add(struct real r)
{
	assert_true(nr_reals < REALS_MAX);
	reals[nr_reals++] = r;
	real_describe(&described, &r);
}

static void connect_to(int family, int type, const char *to, u16 port, const struct real *l)
{
	add(real_connected(family, type, to, port));
	if (type == SOCK_STREAM)
		add(real_accepted(l));
}

static int make_sockets(void **state)
{
	struct real four, six, both;

	if (no_kernel() || !netns_open())
		return 0;
	four = real_bound(AF_INET, SOCK_STREAM, "127.0.0.1", 80, REAL_MARK);
	six = real_bound(AF_INET6, SOCK_STREAM, "::1", 81, 0);
	both = real_bound(AF_INET6, SOCK_STREAM, "::", 82, 0);
	add(four);
	add(six);
	add(both);
	add(real_bound(AF_INET6, SOCK_STREAM, "::", 83, REAL_ONLY));
	add(real_bound(AF_INET, SOCK_STREAM, "0.0.0.0", 84, 0));
	add(real_bound(AF_INET, SOCK_STREAM, "127.0.0.2", 85, REAL_DEVICE));
	add(real_bound(AF_INET, SOCK_STREAM, "0.0.0.0", 88, 0));
	add(real_bound(AF_INET6, SOCK_STREAM, "::ffff:127.0.0.3", 86, 0));
	add(real_bound(AF_INET6, SOCK_STREAM, "fd00::1", 87, REAL_FREE));
	add(real_bound(AF_INET, SOCK_DGRAM, "127.0.0.1", 53, REAL_SHARE));
	add(real_bound(AF_INET, SOCK_DGRAM, "0.0.0.0", 53, REAL_SHARE));
	add(real_bound(AF_INET, SOCK_DGRAM, "127.0.0.1", 58, REAL_SHARE | REAL_DEVICE));
	add(real_bound(AF_INET6, SOCK_DGRAM, "::", 58, REAL_SHARE));
	add(real_bound(AF_INET, SOCK_DGRAM, "0.0.0.0", 54, REAL_MARK));
	add(real_bound(AF_INET6, SOCK_DGRAM, "::", 55, 0));
	add(real_bound(AF_INET6, SOCK_DGRAM, "::1", 56, 0));
	add(real_bound(AF_INET6, SOCK_DGRAM, "::", 57, REAL_ONLY));
	connect_to(AF_INET, SOCK_STREAM, "127.0.0.1", 80, &four);
	connect_to(AF_INET6, SOCK_STREAM, "::1", 81, &six);
	connect_to(AF_INET6, SOCK_STREAM, "::1", 82, &both);
	connect_to(AF_INET, SOCK_STREAM, "127.0.0.1", 82, &both);
	connect_to(AF_INET, SOCK_DGRAM, "127.0.0.1", 53, NULL);
	connect_to(AF_INET6, SOCK_DGRAM, "::1", 56, NULL);
	nr_single = nr_reals;
	for (u32 i = 0; i < 2; i++) {
		add(real_bound(AF_INET, SOCK_DGRAM, "127.0.0.1", 60, REAL_REUSE));
		add(real_bound(AF_INET6, SOCK_STREAM, "::", 61, REAL_REUSE));
	}
	return 0;
}

static void need_sockets(void)
{
	need_kernel();
	if (nr_reals)
		return;
	print_message("skipped: no network namespace\n");
	skip();
}

/* ---- running on both sides ------------------------------------------------------ */

struct world {
	struct run run;
	struct vm_machine *m;
	u8 *buffer;
	struct sock_table table;
	struct vm_map maps[1];
	int map_fd;
};

static struct sock *sock_number(void *arg, u32 n)
{
	struct world *w = arg;

	return n < w->table.n ? &w->table.v[n] : NULL;
}

static void world_open(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->m = vm_machine_new();
	w->buffer = os_map_lazy(host_sched_cls.buffer_bytes);
	w->table = (struct sock_table){ described.v.v, (u32)described.v.n, true };
	w->run.socks = &w->table;
	w->map_fd = -1;
}

static void world_close(struct world *w)
{
	if (w->maps[0].map)
		map_free(w->maps[0].map);
	if (w->map_fd >= 0)
		close(w->map_fd);
	os_unmap(w->buffer, host_sched_cls.buffer_bytes);
	vm_machine_free(w->m);
}

static struct vm_code *decode(const struct world *w, const struct code *c, u32 type)
{
	struct vm_bind bind = { .insns = c->insns, .nr_insns = c->n, .prog_type = type,
		.helper = call_helper, .ctx = ctx_desc(type), .maps = w->maps,
		.nr_maps = w->maps[0].map ? 1 : 0 };
	struct vm_code *code;
	struct skep_err err;

	if (vm_code_new(&code, &bind, VM_CHECKED, "test", &err))
		fail_msg("%s", err.text);
	return code;
}

static int load_both(const struct world *w, const struct code *c, u32 type, u32 attach)
{
	union bpf_attr a = { .prog_type = type, .insns = (uintptr_t)c->insns, .insn_cnt = c->n,
		.license = (uintptr_t)"GPL", .log_level = 1, .log_size = CODE_LOG,
		.log_buf = (uintptr_t)code_log, .expected_attach_type = attach,
		.fd_array = (uintptr_t)&w->map_fd };
	int fd = sys_bpf(BPF_PROG_LOAD, &a);

	if (fd < 0)
		fail_msg("the kernel refuses the program: %s", code_log);
	return fd;
}

/* ---- what may be accessed ---------------------------------------------------------- */

static void contexts(void **state)
{
	need_kernel();
	compare_context(LOOKUP, BPF_SK_LOOKUP, 1);
	compare_context(BPF_PROG_TYPE_SK_REUSEPORT, BPF_SK_REUSEPORT_SELECT, 1);
}

static void helpers(void **state)
{
	need_kernel();
	compare_helpers(LOOKUP, BPF_SK_LOOKUP, call_helper);
	compare_helpers(BPF_PROG_TYPE_SK_REUSEPORT, BPF_SK_REUSEPORT_SELECT, call_helper);
}

static void emit_return_if_null(struct code *c, u8 reg)
{
	emit(c, BPF_JMP | BPF_JNE | BPF_K, reg, 0, 2, 0);
	emit_exit(c, 0);
}

/* A pointer of kind KIND in r6. */
static void emit_pointer(struct code *c, u8 kind)
{
	emit(c, BPF_LDX | BPF_MEM | BPF_DW, 1, 1, offsetof(struct __sk_buff, sk), 0);
	emit_return_if_null(c, 1);
	if (kind == OBJ_SOCK || kind == OBJ_TCP_SOCK) {
		emit_call(c, kind == OBJ_SOCK ? BPF_FUNC_sk_fullsock : BPF_FUNC_tcp_sock);
		emit_return_if_null(c, 0);
		emit_copy(c, 6, 0);
	} else {
		emit_copy(c, 6, 1);
	}
}

static void views(void **state)
{
	static const struct ctx_desc *const descs[] = { &sock_common_desc, &sock_full_desc,
							&sock_tcp_desc };
	static const u8 sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW };

	need_kernel();
	for (size_t d = 0; d < ARRAY_LEN(descs); d++)
		for (u32 k = 0; k < (descs[d]->size + 8) * 4; k++) {
			const struct ctx_field *f = ctx_field(descs[d], k / 4, 1u << k % 4);
			bool mine = f && f->flags & CTX_READ;
			struct code c = { .n = 0 };

			emit_pointer(&c, descs[d]->kind);
			emit(&c, BPF_LDX | BPF_MEM | sizes[k % 4], 0, 6, (s16)(k / 4), 0);
			emit_exit(&c, 0);
			if (code_loads(&c, TC, 0) != mine)
				fail_msg("%s: %u bytes at %u: %s here", descs[d]->name,
					 1u << k % 4, k / 4, mine ? "allowed" : "refused");
		}
}

/* ---- by addresses ------------------------------------------------------------------- */

/* r7 = r7 * 31 + each field of the socket in r6 that may be read. */
static void emit_fields(struct code *c, const struct ctx_desc *d, bool foreign, bool any_queue)
{
	for (u32 i = 0; i < d->nr_fields; i++) {
		const struct ctx_field *f = &d->fields[i];

		if (!(f->flags & CTX_READ) || (foreign && strstr(f->name, "_ip4")))
			continue;
		/* no option tells on which queue packets of a connection came */
		if (any_queue && !strcmp(f->name, "rx_queue_mapping"))
			continue;
		for (u32 at = 0; at < f->size; at += 4) {
			emit(c, BPF_LDX | BPF_MEM | (f->size == 2 ? BPF_H : BPF_W), 0, 6,
			     (s16)(f->off + at), 0);
			emit(c, BPF_ALU64 | BPF_MUL | BPF_K, 7, 0, 0, 31);
			emit(c, BPF_ALU64 | BPF_ADD | BPF_X, 7, 0, 0, 0);
		}
	}
}

struct ask {
	s32 helper;
	u32 bytes;
	union { struct bpf_sock_tuple t; u32 words[9]; } tuple;
	s32 netns, flags;
};

static void emit_ask(struct code *c, const struct ask *q)
{
	for (u32 i = 0; i < 9; i++)
		emit(c, BPF_ST | BPF_MEM | BPF_W, 10, 0, (s16)(-40 + 4 * (s32)i),
		     (s32)q->tuple.words[i]);
	emit_copy(c, 2, 10);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -40);
	emit_mov(c, 3, (s32)q->bytes);
	emit_mov(c, 4, q->netns);
	emit_mov(c, 5, q->flags);
	emit_call(c, q->helper);
}

/* What the helpers give that make another pointer of the socket in r8. XDP has
 * none of them. */
static void emit_others(struct code *c)
{
	emit_copy(c, 1, 8);
	emit_call(c, BPF_FUNC_tcp_sock);
	emit(c, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1, 0);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_K, 7, 0, 0, 1000);
	emit_copy(c, 1, 8);
	emit_call(c, BPF_FUNC_sk_fullsock);
	emit(c, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3, 0);
	emit(c, BPF_LDX | BPF_MEM | BPF_W, 1, 0, offsetof(struct bpf_sock, mark), 0);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_X, 7, 1, 0, 0);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_K, 7, 0, 0, 2000);
	emit_copy(c, 1, 8);
	emit_call(c, BPF_FUNC_get_listener_sock);
	emit(c, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1, 0);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_K, 7, 0, 0, 4000);
}

/* Asks, and makes a number of all that it can learn of the answer. */
static void make_ask(struct code *c, const struct ask *q, u32 type)
{
	bool common = q->helper == BPF_FUNC_skc_lookup_tcp, foreign = q->bytes != 12;

	c->n = 0;
	emit_mov(c, 7, 1);
	emit_ask(c, q);
	emit_return_if_null(c, 0);
	emit_copy(c, 6, 0);
	emit_copy(c, 8, 0);
	emit_fields(c, common ? &sock_common_desc : &sock_full_desc, foreign, true);
	if (type == TC)
		emit_others(c);
	emit_copy(c, 1, 8);
	emit_call(c, BPF_FUNC_sk_release);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_X, 7, 0, 0, 0);
	emit_copy(c, 0, 7);
	emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static u32 run_user(struct world *w, const struct code *c, u32 type, const u8 *data, u32 bytes)
{
	const struct host *host = type == TC ? &host_sched_cls : &host_xdp;
	struct vm_code *code = decode(w, c, type);
	struct test_run t = { .data = data, .bytes = bytes, .ifindex = 1 };
	struct skep_err err;
	u64 ret;

	if (host->begin(&w->run, w->buffer, &t, &err))
		fail_msg("%s", err.text);
	if (vm_run(w->m, code, &w->run, 10000, &ret))
		fail_msg("fault: %s", vm_fault(w->m)->text);
	vm_code_free(code);
	return (u32)ret;
}

static u32 run_kernel(struct world *w, const struct code *c, u32 type, const u8 *data, u32 bytes)
{
	int fd = load_both(w, c, type, 0);
	union bpf_attr a = { .test = { .prog_fd = (u32)fd, .data_in = (uintptr_t)data,
		.data_size_in = bytes } };
	int r = sys_bpf(BPF_PROG_TEST_RUN, &a);

	close(fd);
	if (r)
		fail_msg("the kernel does not run the program: %s", strerror(-r));
	return a.test.retval;
}

/* An end of some socket, or something like it. */
static void some_end(u32 addr[4], u16 *port, bool v6, const struct sock *s, bool remote)
{
	const struct bpf_sock *f = &s->full;

	memset(addr, 0, 16);
	if (v6)
		memcpy(addr, remote ? f->dst_ip6 : f->src_ip6, 16);
	else
		addr[0] = remote ? f->dst_ip4 : f->src_ip4;
	*port = remote ? f->dst_port : htons((u16)f->src_port);
	if (!addr[0] && !addr[3] && any(2))	/* any address: this host's */
		addr[v6 ? 3 : 0] = v6 ? htonl(1) : htonl(0x7f000001);
	if (!*port || !any(8))
		*port = htons((u16)(80 + any(10)));
	if (!any(10))
		addr[v6 ? 3 : 0] = htonl(0x7f000001 + any(3));
}

static void some_ask(struct ask *q)
{
	const struct sock *s = &described.v.v[any(nr_single)];
	bool v6 = any(8) ? s->full.family == AF_INET6 : any(2);
	u32 local[4], remote[4];
	u16 lport, rport;

	some_end(local, &lport, v6, s, false);
	some_end(remote, &rport, v6, s, true);
	*q = (struct ask){ .bytes = v6 ? 36 : 12, .netns = any(20) ? -1 : 0, .flags = !any(20) };
	q->helper = any(8) ? s->full.protocol == IPPROTO_UDP ? BPF_FUNC_sk_lookup_udp :
		any(2) ? BPF_FUNC_skc_lookup_tcp : BPF_FUNC_sk_lookup_tcp :
		any(2) ? BPF_FUNC_sk_lookup_udp : BPF_FUNC_sk_lookup_tcp;
	if (v6) {
		memcpy(q->tuple.t.ipv6.saddr, remote, 16);
		memcpy(q->tuple.t.ipv6.daddr, local, 16);
		q->tuple.t.ipv6.sport = rport;
		q->tuple.t.ipv6.dport = lport;
	} else {
		q->tuple.t.ipv4.saddr = remote[0];
		q->tuple.t.ipv4.daddr = local[0];
		q->tuple.t.ipv4.sport = rport;
		q->tuple.t.ipv4.dport = lport;
	}
	if (!any(30))
		q->bytes = 16;
}

/* Which fields differ. */
static void show_fields(struct world *w, const struct ask *q, u32 type)
{
	static const u8 packet[64];
	const struct ctx_desc *d = q->helper == BPF_FUNC_skc_lookup_tcp ? &sock_common_desc :
				   &sock_full_desc;

	for (u32 off = 0; off < d->size; off += 4) {
		struct code c = { .n = 0 };
		u32 mine, theirs;

		if (!ctx_field(d, off, 4) || !(ctx_field(d, off, 4)->flags & CTX_READ))
			continue;
		emit_ask(&c, q);
		emit_return_if_null(&c, 0);
		emit(&c, BPF_LDX | BPF_MEM | BPF_W, 7, 0, (s16)off, 0);
		emit_copy(&c, 1, 0);
		emit_call(&c, BPF_FUNC_sk_release);
		emit_copy(&c, 0, 7);
		emit(&c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
		mine = run_user(w, &c, type, packet, sizeof(packet));
		theirs = run_kernel(w, &c, type, packet, sizeof(packet));
		if (mine != theirs)
			print_message("  %s: 0x%x, kernel 0x%x\n", ctx_field(d, off, 4)->name,
				      mine, theirs);
	}
}

static void lookups(void **state)
{
	static const u8 packet[64];
	struct world w;
	u32 found = 0;

	need_sockets();
	world_open(&w);
	for (u32 i = 0; i < 1500; i++) {
		u32 type = i % 3 ? TC : BPF_PROG_TYPE_XDP, mine, theirs;
		struct ask q;
		struct code c;

		some_ask(&q);
		make_ask(&c, &q, type);
		mine = run_user(&w, &c, type, packet, sizeof(packet));
		theirs = run_kernel(&w, &c, type, packet, sizeof(packet));
		found += theirs != 0;
		if (mine != theirs) {
			for (u32 k = 0; k < q.bytes / 4; k++)
				print_message("  0x%08x\n", q.tuple.words[k]);
			show_fields(&w, &q, type);
			fail_msg("round %u: %s, %u bytes, netns %d: 0x%x, kernel 0x%x", i,
				 helper_row((u32)q.helper)->name, q.bytes, q.netns, mine, theirs);
		}
	}
	assert_in_range(found, 300, 1400);
	world_close(&w);
}

/* What skb->sk is in a test run: of packets of all kinds. */
static void skb_sock(void **state)
{
	static u8 packet[64] = { [12] = 8, [14] = 0x45, [26] = 1, 2, 3, 4, 5, 6, 7, 8 };
	static const u16 protocols[] = { ETH_P_IP, ETH_P_IPV6, ETH_P_ARP };
	struct world w;

	need_kernel();
	world_open(&w);
	for (u32 i = 0; i < 6; i++) {
		const u16 proto = htons(protocols[i / 2]);
		struct code c = { .n = 0 };

		memcpy(packet + 12, &proto, 2);
		packet[14] = i / 2 == 1 ? 0x60 : 0x45;
		emit_mov(&c, 7, 1);
		emit_pointer(&c, i % 2 ? OBJ_SOCK : OBJ_SOCK_COMMON);
		emit_fields(&c, i % 2 ? &sock_full_desc : &sock_common_desc, false, false);
		emit_copy(&c, 0, 7);
		emit(&c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
		if (run_user(&w, &c, TC, packet, sizeof(packet)) !=
		    run_kernel(&w, &c, TC, packet, sizeof(packet)))
			fail_msg("protocol 0x%x, %s", protocols[i / 2], i % 2 ? "full" : "common");
	}
	world_close(&w);
}

/* ---- maps of sockets ---------------------------------------------------------------- */

static int kernel_update(int fd, const void *key, const void *value, u64 flags)
{
	union bpf_attr a = { .map_fd = (u32)fd, .key = (uintptr_t)key,
		.value = (uintptr_t)value, .flags = flags };

	return sys_bpf(BPF_MAP_UPDATE_ELEM, &a);
}

static int kernel_lookup(int fd, const void *key, void *value)
{
	union bpf_attr a = { .map_fd = (u32)fd, .key = (uintptr_t)key,
		.value = (uintptr_t)value };

	return sys_bpf(BPF_MAP_LOOKUP_ELEM, &a);
}

static int kernel_delete(int fd, const void *key)
{
	union bpf_attr a = { .map_fd = (u32)fd, .key = (uintptr_t)key };

	return sys_bpf(BPF_MAP_DELETE_ELEM, &a);
}

static void map_open(struct world *w, u32 type, u32 value_size, u32 entries)
{
	const struct map_attr attr = { .name = "socks", .type = type, .key_size = 4,
		.value_size = value_size, .max_entries = entries, .sock_of = sock_number,
		.sock_arg = w };
	struct skep_err err;
	struct map *m;

	if (map_create(&m, &attr, 1, &err))
		fail_msg("%s", err.text);
	w->map_fd = kmap_create(&attr);
	assert_true(w->map_fd >= 0);
	w->maps[0] = (struct vm_map){ .map = m, .type = type, .key_size = 4,
		.value_size = value_size, .mem = m->ops->values(m) };
}

/* A socket leaves an array that is gone some time later only. */
static void map_close(struct world *w)
{
	for (u32 key = 0; key < 4; key++) {
		map_user_delete(w->maps[0].map, &key);
		kernel_delete(w->map_fd, &key);
	}
	map_free(w->maps[0].map);
	close(w->map_fd);
	w->maps[0].map = NULL;
	w->map_fd = -1;
}

static void same_code(const char *what, u32 type, u32 sock, int mine, int theirs)
{
	if (mine != theirs)
		fail_msg("%s of type %u, socket %u (%s): %d, kernel %d", what, type, sock,
			 described.v.v[sock].name, mine, theirs);
}

/* Elements put, read and taken out at random. */
static void map_rounds(struct world *w, u32 type, u32 value_size)
{
	struct map *m = w->maps[0].map;

	for (u32 i = 0; i < 400; i++) {
		u32 sock = any(nr_reals), key = any(5), op = any(4);
		u64 mine = 0, theirs = 0, flags = any(6) ? any(2) ? 0 : any(3) : 3, n = sock,
		    fd = (u64)reals[sock].fd;
		int a, b;

		if (op < 2) {
			same_code("update", type, sock, map_user_update(m, &key, &n, flags),
				  kernel_update(w->map_fd, &key, &fd, flags));
		} else if (op == 2) {
			a = map_user_lookup(m, &key, &mine, 0);
			b = kernel_lookup(w->map_fd, &key, &theirs);
			same_code("lookup", type, sock, a, b);
			if (value_size == 8)
				assert_int_equal(mine, theirs);
		} else {
			same_code("delete", type, sock, map_user_delete(m, &key),
				  kernel_delete(w->map_fd, &key));
		}
	}
}

static void sock_maps(void **state)
{
	static const u32 types[] = { BPF_MAP_TYPE_SOCKMAP, BPF_MAP_TYPE_SOCKHASH,
				     BPF_MAP_TYPE_REUSEPORT_SOCKARRAY };
	struct world w;

	need_sockets();
	world_open(&w);
	for (size_t i = 0; i < 2 * ARRAY_LEN(types); i++) {
		map_open(&w, types[i / 2], i % 2 ? 8 : 4, 4);
		map_rounds(&w, types[i / 2], i % 2 ? 8 : 4);
		map_close(&w);
	}
	world_close(&w);
}

/* ---- choosing one ---------------------------------------------------------------------- */

/* r7 = r7 * 31 + r0 */
static void note_r0(struct code *c)
{
	emit(c, BPF_ALU64 | BPF_MUL | BPF_K, 7, 0, 0, 31);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_X, 7, 0, 0, 0);
}

/* Assigns element KEY of the map, when it is there. */
static void emit_assign(struct code *c, s32 key, s32 flags)
{
	u32 at;

	emit(c, BPF_ST | BPF_MEM | BPF_W, 10, 0, -4, key);
	emit(c, BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_IDX, 0, 0);
	emit(c, 0, 0, 0, 0, 0);
	emit_copy(c, 2, 10);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4);
	emit_call(c, BPF_FUNC_map_lookup_elem);
	at = c->n;
	emit(c, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 0, 0);
	emit_copy(c, 8, 0);
	emit_copy(c, 1, 6);
	emit_copy(c, 2, 8);
	emit_mov(c, 3, flags);
	emit_call(c, BPF_FUNC_sk_assign);
	note_r0(c);
	emit_copy(c, 1, 8);
	emit_call(c, BPF_FUNC_sk_release);
	c->insns[at].off = (s16)(c->n - at - 1);
}

/* What is chosen by now: its port. */
static void emit_chosen(struct code *c)
{
	emit(c, BPF_LDX | BPF_MEM | BPF_DW, 1, 6, offsetof(struct bpf_sk_lookup, sk), 0);
	emit_mov(c, 0, 0);
	emit(c, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1, 0);
	emit(c, BPF_LDX | BPF_MEM | BPF_W, 0, 1, offsetof(struct bpf_sock, src_port), 0);
	note_r0(c);
}

/* Drops when all that it noted adds up to an odd number. */
static void make_lookup(struct code *c)
{
	u32 n = 1 + any(3);

	c->n = 0;
	emit_copy(c, 6, 1);
	emit_mov(c, 7, (s32)any(2));
	for (; n; n--) {
		if (any(6)) {
			emit_assign(c, (s32)any(nr_reals + 1), any(6) ? (s32)any(4) : 4);
		} else {
			emit_copy(c, 1, 6);
			emit_mov(c, 2, 0);
			emit_mov(c, 3, (s32)any(3));
			emit_call(c, BPF_FUNC_sk_assign);
			note_r0(c);
		}
		emit_chosen(c);
	}
	for (s16 at = 8; at < 68; at += 4) {
		emit(c, BPF_LDX | BPF_MEM | BPF_W, 0, 6, at, 0);
		note_r0(c);
	}
	for (s32 by = 16; by; by /= 2) {
		emit_copy(c, 0, 7);
		emit(c, BPF_ALU64 | BPF_RSH | BPF_K, 0, 0, 0, by);
		emit(c, BPF_ALU64 | BPF_XOR | BPF_X, 7, 0, 0, 0);
	}
	emit_copy(c, 0, 7);
	emit(c, BPF_ALU64 | BPF_AND | BPF_K, 0, 0, 0, 1);
	emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static struct bpf_sk_lookup some_context(void)
{
	struct bpf_sk_lookup in = { .family = any(20) ? any(2) ? AF_INET : AF_INET6 : any(12),
		.protocol = any(20) ? any(2) ? IPPROTO_TCP : IPPROTO_UDP : any(300),
		.remote_port = (u16)any(65536), .local_port = any(20) ? any(65536) : any(1 << 20),
		.remote_ip4 = any(100), .local_ip4 = any(100), .cookie = !any(30),
		.ingress_ifindex = !any(30) };

	for (u32 i = 0; i < 4; i++) {
		in.remote_ip6[i] = any(100);
		in.local_ip6[i] = any(100);
	}
	return in;
}

static void lookup_both(struct world *w, const struct vm_code *code, int fd)
{
	struct bpf_sk_lookup in = some_context(), out = { 0 };
	union bpf_attr a = { .test = { .prog_fd = (u32)fd, .ctx_in = (uintptr_t)&in,
		.ctx_size_in = sizeof(in), .ctx_out = (uintptr_t)&out,
		.ctx_size_out = sizeof(out) } };
	struct test_run t = { .ctx_in = &in, .ctx_in_bytes = sizeof(in) };
	struct skep_err err;
	int theirs = sys_bpf(BPF_PROG_TEST_RUN, &a);
	int mine = host_sk_lookup.begin(&w->run, NULL, &t, &err);
	u64 ret;

	if (!mine != !theirs)
		fail_msg("family %u, port %u: %d, kernel %d", in.family, in.local_port, mine,
			 theirs);
	if (mine)
		return;
	if (vm_run(w->m, code, &w->run, 10000, &ret))
		fail_msg("fault: %s", vm_fault(w->m)->text);
	t.retval = (u32)ret;
	host_sk_lookup.finish(&w->run, &t);
	nr_chosen += out.cookie != 0;
	if (t.retval != a.test.retval || memcmp(t.ctx_out, &out, sizeof(out)))
		fail_msg("family %u, protocol %u: %u, cookie %llu; kernel %u, %llu", in.family,
			 in.protocol, t.retval,
			 (unsigned long long)((const struct bpf_sk_lookup *)t.ctx_out)->cookie,
			 a.test.retval, (unsigned long long)out.cookie);
}

static void choices(void **state)
{
	struct world w;

	need_sockets();
	world_open(&w);
	map_open(&w, BPF_MAP_TYPE_SOCKMAP, 8, REALS_MAX);
	for (u32 i = 0; i < nr_single; i++) {
		u64 number = i, fd = (u64)reals[i].fd;

		assert_int_equal(map_user_update(w.maps[0].map, &i, &number, 0),
				 kernel_update(w.map_fd, &i, &fd, 0));
	}
	for (u32 i = 0; i < 200; i++) {
		struct code c;
		struct vm_code *code;
		int fd;

		make_lookup(&c);
		code = decode(&w, &c, LOOKUP);
		fd = load_both(&w, &c, LOOKUP, BPF_SK_LOOKUP);
		for (u32 k = 0; k < 10; k++)
			lookup_both(&w, code, fd);
		vm_code_free(code);
		close(fd);
	}
	assert_in_range(nr_chosen, 100, 1900);
	map_close(&w);
	world_close(&w);
}

/* ---- what no verifier would let through -------------------------------------------------- */

static void expect_fault(struct world *w, const struct code *c, const char *text)
{
	static const u8 packet[64];
	struct vm_code *code = decode(w, c, TC);
	struct test_run t = { .data = packet, .bytes = sizeof(packet) };
	struct skep_err err;
	u64 ret;

	assert_int_equal(host_sched_cls.begin(&w->run, w->buffer, &t, &err), 0);
	assert_int_equal(vm_run(w->m, code, &w->run, 1000, &ret), -EFAULT);
	assert_string_equal(vm_fault(w->m)->text, text);
	vm_code_free(code);
}

static void faults(void **state)
{
	char why[SOCK_WHY_BYTES];
	struct ask q = { .helper = BPF_FUNC_sk_lookup_udp, .bytes = 12, .netns = -1 };
	struct sockets one = { 0 };
	struct sock_text t;
	struct code c = { .n = 0 };
	struct world w;

	sock_text_init(&t);
	set_field(&t, "protocol", "udp");
	set_field(&t, "local", "0.0.0.0:53");
	assert_int_equal(sockets_add(&one, &t, why), 0);
	world_open(&w);
	w.table = (struct sock_table){ one.v.v, 1, true };
	q.tuple.t.ipv4.dport = htons(53);
	emit_ask(&c, &q);
	emit_exit(&c, 0);
	expect_fault(&w, &c, "the socket that is acquired here is not released");
	c.n = 0;
	emit_ask(&c, &q);
	emit_copy(&c, 6, 0);
	emit_copy(&c, 1, 0);
	emit_call(&c, BPF_FUNC_sk_release);
	emit(&c, BPF_LDX | BPF_MEM | BPF_W, 0, 6, 4, 0);
	emit_exit(&c, 0);
	expect_fault(&w, &c, "a struct bpf_sock is read that the program has given back");
	c.n = 0;
	emit_ask(&c, &q);
	emit_copy(&c, 6, 0);
	emit(&c, BPF_STX | BPF_MEM | BPF_W, 6, 7, 16, 0);
	emit_exit(&c, 0);
	expect_fault(&w, &c, "a struct bpf_sock is written, and it is read-only");
	c.n = 0;
	emit(&c, BPF_LDX | BPF_MEM | BPF_DW, 6, 1, offsetof(struct __sk_buff, sk), 0);
	emit(&c, BPF_LDX | BPF_MEM | BPF_W, 0, 6, 16, 0);
	emit_exit(&c, 0);
	expect_fault(&w, &c, "bytes 16..19 of a struct sock_common are read: no field that "
		     "allows it");
	c.n = 0;
	emit(&c, BPF_LDX | BPF_MEM | BPF_DW, 1, 1, offsetof(struct __sk_buff, sk), 0);
	emit_call(&c, BPF_FUNC_sk_release);
	emit_exit(&c, 0);
	expect_fault(&w, &c, "argument 1 of bpf_sk_release is no socket that the program has "
		     "acquired");
	sockets_free(&one);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contexts), cmocka_unit_test(helpers), cmocka_unit_test(views),
		cmocka_unit_test(skb_sock), cmocka_unit_test(lookups),
		cmocka_unit_test(sock_maps), cmocka_unit_test(choices), cmocka_unit_test(faults),
	};

	return cmocka_run_group_tests(tests, make_sockets, NULL);
}
