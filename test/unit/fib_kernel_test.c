/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fib_kernel_test.c: bpf_fib_lookup and bpf_check_mtu here and on the running
 * kernel by BPF_PROG_TEST_RUN: random routes, rules and neighbours in a network
 * namespace of the test's own, their description by the ip command, and random
 * questions. Every byte of struct bpf_fib_lookup and every answer is compared.
 */
#include "call/call.h"
#include "model/uapi.h"
#include "fib_net.h"
#include <arpa/inet.h>

enum { LOOKUPS = 12000, ALL_FLAGS = 0x3f, PACKET = 100 };

static u64 rng = 6;

static u32 any(u32 below)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (u32)(rng >> 33) % below;
}

/* ---- the program ------------------------------------------------------------------ */

/* What it works on, in an array map. */
struct io {
	struct bpf_fib_lookup p;
	u64 flags, ret;
	u32 mtu_ifindex, mtu_len;
	s64 mtu_diff, mtu_ret;
};

struct prog {
	struct bpf_insn insns[64];
	u32 n, type;
	int map, fd;
};

static void emit(struct prog *c, u8 op, u8 dst, u8 src, s16 off, s32 imm)
{
	c->insns[c->n++] = (struct bpf_insn){ .code = op, .dst_reg = dst & 15,
		.src_reg = src & 15, .off = off, .imm = imm };
}

static void emit_at(struct prog *c, u8 reg, s32 off)
{
	emit(c, BPF_ALU64 | BPF_MOV | BPF_X, reg, 7, 0, 0);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_K, reg, 0, 0, off);
}

static void emit_calls(struct prog *c)
{
	emit(c, BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0);
	emit(c, BPF_LD | BPF_DW | BPF_IMM, 7, BPF_PSEUDO_MAP_VALUE, 0, c->map);
	emit(c, 0, 0, 0, 0, 0);
	emit(c, BPF_ALU64 | BPF_MOV | BPF_X, 1, 6, 0, 0);
	emit_at(c, 2, offsetof(struct io, p));
	emit(c, BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, sizeof(struct bpf_fib_lookup));
	emit(c, BPF_LDX | BPF_MEM | BPF_DW, 4, 7, offsetof(struct io, flags), 0);
	emit(c, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_fib_lookup);
	emit(c, BPF_STX | BPF_MEM | BPF_DW, 7, 0, offsetof(struct io, ret), 0);
	emit(c, BPF_ALU64 | BPF_MOV | BPF_X, 1, 6, 0, 0);
	emit(c, BPF_LDX | BPF_MEM | BPF_W, 2, 7, offsetof(struct io, mtu_ifindex), 0);
	emit_at(c, 3, offsetof(struct io, mtu_len));
	emit(c, BPF_LDX | BPF_MEM | BPF_DW, 4, 7, offsetof(struct io, mtu_diff), 0);
	emit(c, BPF_ALU64 | BPF_MOV | BPF_K, 5, 0, 0, 0);
	emit(c, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_check_mtu);
	emit(c, BPF_STX | BPF_MEM | BPF_DW, 7, 0, offsetof(struct io, mtu_ret), 0);
	emit(c, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
	emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void prog_open(struct prog *c, u32 type)
{
	static char log[1 << 14];
	struct map_attr m = { .type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
		.value_size = sizeof(struct io), .max_entries = 1 };
	union bpf_attr a = { .prog_type = type, .insns = (uintptr_t)c->insns,
		.license = (uintptr_t)"GPL", .log_level = 1, .log_size = sizeof(log),
		.log_buf = (uintptr_t)log };

	*c = (struct prog){ .type = type, .map = kmap_create(&m) };
	assert_true(c->map >= 0);
	emit_calls(c);
	a.insn_cnt = c->n;
	c->fd = sys_bpf(BPF_PROG_LOAD, &a);
	if (c->fd < 0)
		fail_msg("the kernel refuses the program: %s", log);
}

static void prog_close(struct prog *c)
{
	close(c->fd);
	close(c->map);
}

static void run_kernel(const struct prog *c, struct io *io)
{
	static u8 packet[PACKET] = { [12] = 8, [14] = 0x45 };
	u32 key = 0;
	union bpf_attr a = { .map_fd = (u32)c->map, .key = (uintptr_t)&key,
		.value = (uintptr_t)io };
	union bpf_attr t = { .test = { .prog_fd = (u32)c->fd, .data_in = (uintptr_t)packet,
		.data_size_in = PACKET } };

	assert_int_equal(sys_bpf(BPF_MAP_UPDATE_ELEM, &a), 0);
	assert_int_equal(sys_bpf(BPF_PROG_TEST_RUN, &t), 0);
	assert_int_equal(sys_bpf(BPF_MAP_LOOKUP_ELEM, &a), 0);
}

static void run_ours(const struct prog *c, const struct net *net, struct io *io)
{
	static u8 packet[PACKET];
	struct run run = { .net = net, .pkt = { packet, packet + PACKET, packet, packet,
		packet + PACKET }, .skb = { .len = PACKET, .ifindex = 1 },
		.xdp = { .ingress_ifindex = 1 } };
	helper_fn fib = call_helper(BPF_FUNC_fib_lookup, c->type);
	helper_fn mtu = call_helper(BPF_FUNC_check_mtu, c->type);

	io->ret = fib(0, (uintptr_t)&io->p, sizeof(io->p), io->flags, 0, &run);
	io->mtu_ret = (s64)mtu(0, io->mtu_ifindex, (uintptr_t)&io->mtu_len, (u64)io->mtu_diff, 0,
			       &run);
}

/* ---- questions ---------------------------------------------------------------------- */

static void show(const char *name, const struct io *io)
{
	const u8 *p = (const u8 *)&io->p;

	print_message("%-7s ret %lld, mtu %lld %u:", name, (long long)io->ret,
		      (long long)io->mtu_ret, io->mtu_len);
	for (size_t i = 0; i < sizeof(io->p); i++)
		print_message("%s%02x", i % 4 ? "" : " ", p[i]);
	print_message("\n");
}

/* The nets that routes are made in. */
static u32 any_ip4(void)
{
	static const u32 nets[] = { 0x0a000000, 0x0a000100, 0x0a010000, 0xac100000, 0x7f000000,
		0xc0a80000, 0x0a020000 };
	u32 ip = nets[any(ARRAY_LEN(nets))];

	switch (any(4)) {
	case 0:
		return __builtin_bswap32(ip | any(8));
	case 1:
		return __builtin_bswap32(ip | any(256) << 8 | any(4));
	case 2:
		return __builtin_bswap32(ip | any(65536));
	}
	return any(8) ? __builtin_bswap32(ip | any(1 << 20)) : any(UINT32_MAX);
}

static void any_question(struct io *io)
{
	static const u32 tables[] = { 254, 255, 253, 100, 101, 0, 77, UINT32_MAX };
	struct bpf_fib_lookup *p = &io->p;

	for (size_t i = 0; i < sizeof(*p); i++)
		((u8 *)p)[i] = (u8)any(256);
	p->family = any(50) ? AF_INET : (u8)any(12);
	p->ifindex = any(20) ? 1 + any(6) : any(UINT32_MAX);
	p->tos = any(3) ? (u8)(any(8) << 2) : (u8)any(256);
	p->l4_protocol = any(2) ? 6 : 17;
	p->sport = (u16)(any(4) << 8);
	p->dport = (u16)(any(4) << 8);
	p->tot_len = any(2) ? 0 : (u16)(1200 + any(500));
	p->ipv4_src = any(8) ? any_ip4() : 0;
	p->ipv4_dst = any_ip4();
	io->flags = any(30) ? any(ALL_FLAGS + 1) : any(UINT32_MAX);
	if (io->flags & UAPI_FIB_TBID)
		memcpy((u8 *)p + 48, &tables[any(ARRAY_LEN(tables))], 4);
	if (io->flags & UAPI_FIB_MARK)
		memcpy((u8 *)p + 52, &(u32){ any(4) }, 4);
	io->mtu_ifindex = any(8);
	io->mtu_len = any(3) ? 0 : 1300 + any(300);
	io->mtu_diff = any(2) ? 0 : (s32)any(3000) - 1000;
}

struct tally { u32 by_ret[16], bad; };

static void compare(const struct prog *c, const struct net *net, const struct io *ask_,
		    struct tally *t)
{
	struct io mine = *ask_, theirs = *ask_;

	run_kernel(c, &theirs);
	run_ours(c, net, &mine);
	if (theirs.ret < ARRAY_LEN(t->by_ret))
		t->by_ret[theirs.ret]++;
	if (!memcmp(&mine, &theirs, sizeof(mine)))
		return;
	if (t->bad++ >= 10)
		return;
	print_message("flags 0x%llx, type %u\n", (unsigned long long)ask_->flags, c->type);
	show("asked", ask_);
	show("ours", &mine);
	show("kernel", &theirs);
}

static void ask_many(const struct net *net, u32 n, struct tally *t)
{
	static const u32 types[] = { BPF_PROG_TYPE_XDP, BPF_PROG_TYPE_SCHED_CLS };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct prog c;

		prog_open(&c, types[i]);
		for (u32 k = 0; k < n; k++) {
			struct io io = { 0 };

			any_question(&io);
			compare(&c, net, &io, t);
		}
		prog_close(&c);
	}
}

/* ---- networks ------------------------------------------------------------------------ */

static void add_links(struct strbuf *b)
{
	sb_printf(b, "link add v2 type veth peer name v3\n");
	sb_printf(b, "link set v2 mtu 1400\nlink set v3 mtu 1280\n");
	for (int i = 0; i < 4; i++)
		sb_printf(b, "link set v%d up\n", i);
	sb_printf(b, "link set lo up\naddr add 10.0.0.1/24 dev v0\naddr add 10.0.0.5/24 dev v0\n"
		  "addr add 10.0.1.1/24 dev v0 scope link\naddr add 10.1.0.1/16 dev v2\n"
		  "addr add 192.168.0.1/24 dev v1\naddr add 10.2.0.1 peer 10.2.0.2/24 dev v3\n");
}

static const char *any_gateway(void)
{
	static const char *const via[] = { "via 10.0.0.2 dev v0", "via 10.0.0.3", "via 10.1.0.9",
		"via 10.1.3.4 dev v2", "via 192.168.0.7", "dev v1", "dev v3", "dev v0 scope link",
		"via inet6 fe80::7 dev v0", "via 10.2.0.2", "dev lo",
		"via 10.0.0.2 dev v0 src 10.1.0.1", "via 10.0.0.4 mtu 1300",
		"via 10.99.0.1 dev v2 onlink", "via 10.0.0.2 mtu lock 1250",
		"encap ip id 5 dst 10.0.0.2 dev v0" };

	return via[any(ARRAY_LEN(via))];
}

static void add_route4(struct strbuf *b)
{
	static const char *const types[] = { "blackhole", "unreachable", "prohibit", "throw" };
	u32 ip = __builtin_bswap32(any_ip4()), plen = 4 + any(29);
	bool plain = any(6);

	ip &= UINT32_MAX << (32 - plen);
	sb_printf(b, "route append %s %u.%u.%u.%u/%u %s ", plain ? "" : types[any(4)], ip >> 24,
		  ip >> 16 & 255, ip >> 8 & 255, ip & 255, plen, plain ? any_gateway() : "");
	if (!any(4))
		sb_printf(b, "metric %u ", any(3));
	if (!any(5))
		sb_printf(b, "tos 0x%x ", any(8) << 2);
	if (!any(3))
		sb_printf(b, "table %u ", any(2) ? 100 + any(2) : 253);
	sb_putc(b, '\n');
}

static void add_neighs(struct strbuf *b)
{
	static const char *const states[] = { "permanent", "reachable", "stale", "noarp",
		"failed" };
	static const char *const ips[] = { "10.0.0.2", "10.0.0.3", "10.1.0.9", "10.1.3.4",
		"192.168.0.7", "10.2.0.2", "10.99.0.1", "fe80::7" };

	for (size_t i = 0; i < ARRAY_LEN(ips); i++)
		for (int dev = 0; dev < 4; dev++)
			if (any(3))
				sb_printf(b, "neigh add %s lladdr 02:00:00:00:%02zx:%02x dev v%d "
					  "nud %s\n", ips[i], i, dev, dev, states[any(5)]);
	for (int i = 0; i < 40; i++)
		sb_printf(b, "neigh add 10.0.0.%d lladdr 02:00:00:00:ff:%02x dev v0\n"
			  "neigh add 10.1.0.%d lladdr 02:00:00:00:fe:%02x dev v2\n", i, i, i, i);
}

static void add_rules(struct strbuf *b)
{
	static const char *const rules[] = { "from 10.0.0.0/8 lookup 100 pref 100",
		"to 172.16.0.0/12 lookup 101 pref 110", "fwmark 1 lookup 100 pref 120",
		"fwmark 2/3 lookup 101 pref 121", "iif v0 lookup 101 pref 130",
		"oif v2 lookup 100 pref 140", "tos 0x10 lookup 100 pref 150",
		"ipproto udp dport 1-2 lookup 101 pref 160",
		"not from 10.1.0.0/16 lookup 101 pref 170",
		"from 10.1.2.0/24 blackhole pref 180", "from 10.1.3.0/24 prohibit pref 181",
		"from 10.1.4.0/24 unreachable pref 182", "sport 3 goto 200 pref 90",
		"lookup 101 suppress_prefixlength 20 pref 200", "iif lo lookup 253 pref 210",
		"uidrange 5-9 lookup 253 pref 50", "fwmark 3 nop pref 60" };

	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (any(2))
			sb_printf(b, "rule add %s\n", rules[i]);
}

static const char *why_not;

static void network(u32 routes, bool rules, struct tally *t)
{
	struct strbuf b = { 0 };
	struct net *net;

	assert_int_equal(system("ip route flush table 100 2>/dev/null; "
				"ip route flush table 101 2>/dev/null; "
				"ip route flush table 253 2>/dev/null; "
				"ip route flush table main proto boot 2>/dev/null; "
				"ip neigh flush all nud all 2>/dev/null; true"), 0);
	for (u32 i = 0; i < routes; i++)
		add_route4(&b);
	add_neighs(&b);
	if (rules)
		add_rules(&b);
	ip_batch(&b, "");
	net = describe();
	ask_many(net, LOOKUPS / 4, t);
	net_free(net);
	sb_free(&b);
}

static void needs(void)
{
	need_kernel();
	if (!why_not)
		return;
	print_message("skipped: %s\n", why_not);
	skip();
}

static void report(const struct tally *t)
{
	for (u32 i = 0; i < 10; i++)
		print_message("# answer %u: %u times\n", i, t->by_ret[i]);
	assert_int_equal(t->bad, 0);
}

/* ---- several next hops --------------------------------------------------------------- */

/* Where the kernel's choice does not hang on its secret: by the device that is
 * asked for, or by the packet's source. */
static void hops_known(const struct prog *c, const struct net *net, struct tally *t)
{
	static const u32 sources[] = { 0x0a000001, 0x0a010001 };

	for (u32 i = 0; i < 2000; i++) {
		bool out = any(2);
		struct io io = { .flags = out ? 2 | (any(32) & ~8u) : any(32) & ~10u };

		io.p = (struct bpf_fib_lookup){ .family = AF_INET, .l4_protocol = 6,
			.ifindex = if_nametoindex(any(2) ? "v0" : "v2"),
			.ipv4_dst = __builtin_bswap32(0x0a320000 | any(65536)),
			.ipv4_src = __builtin_bswap32(sources[any(2)]) };
		compare(c, net, &io, t);
	}
}

/* How many of N flows go by v0. */
static u32 share(const struct prog *c, const struct net *net, u32 n, bool kernel)
{
	u32 by_v0 = 0;

	for (u32 i = 0; i < n; i++) {
		struct io io = { .flags = UAPI_FIB_SKIP_NEIGH };

		io.p = (struct bpf_fib_lookup){ .family = AF_INET, .ifindex = if_nametoindex("v1"),
			.ipv4_dst = __builtin_bswap32(0x0a320000 | i),
			.ipv4_src = __builtin_bswap32(0x0a630000 | i) };
		if (kernel)
			run_kernel(c, &io);
		else
			run_ours(c, net, &io);
		assert_int_equal(io.ret, BPF_FIB_LKUP_RET_SUCCESS);
		assert_true(io.p.ifindex == if_nametoindex("v0") ||
			    io.p.ifindex == if_nametoindex("v2"));
		by_v0 += io.p.ifindex == if_nametoindex("v0");
	}
	return by_v0;
}

static void next_hops(void **state)
{
	struct tally t = { .bad = 0 };
	struct strbuf b = { 0 };
	struct net *net;
	struct prog c;
	u32 mine, theirs;

	needs();
	sb_printf(&b, "route flush table main proto boot\nroute add 10.50.0.0/16 "
		  "nexthop via 10.0.0.2 dev v0 weight 3 nexthop via 10.1.0.9 dev v2 weight 1\n");
	ip_batch(&b, "");
	sb_free(&b);
	net = describe();
	prog_open(&c, BPF_PROG_TYPE_XDP);
	hops_known(&c, net, &t);
	mine = share(&c, net, 4000, false);
	theirs = share(&c, net, 4000, true);
	print_message("# of 4000 by the hop of weight 3 of 4: %u, kernel %u\n", mine, theirs);
	assert_true(mine > 2800 && mine < 3200 && theirs > 2800 && theirs < 3200);
	prog_close(&c);
	net_free(net);
	assert_int_equal(t.bad, 0);
}

/* Before anybody adds a rule: afterwards the namespace is never as it was. */
static void ipv4(void **state)
{
	struct tally t = { .bad = 0 };
	struct strbuf b = { 0 };

	needs();
	add_links(&b);
	ip_batch(&b, "");
	sb_free(&b);
	for (int i = 0; i < 3; i++)	/* v3 does not forward */
		let_forward4((char[]){ 'v', (char)('0' + i), 0 });
	for (u32 i = 0; i < 4; i++)
		network(20 + i * 60, false, &t);
	report(&t);
}

static void ipv4_rules(void **state)
{
	struct tally t = { .bad = 0 };

	needs();
	for (u32 i = 0; i < 6; i++)
		network(20 + i * 40, true, &t);
	report(&t);
}

/* ---- IPv6 ----------------------------------------------------------------------------- */

static const char *any_ip6(char buf[64])
{
	static const char *const nets[] = { "fd00:0:0:%x::%x", "fd00:1::%x:%x", "fd00:%x::%x",
		"2001:db8:%x::%x", "2002:%x::%x", "fd00:0:0:%x:%x::1", "fe80::%x:%x",
		"ff0e::%x:%x" };
	u32 net = any(40);

	snprintf(buf, 64, nets[net < 8 ? net : net % 6], any(4), any(6));
	return buf;
}

static struct net_ip any_addr6(void)
{
	char buf[64];
	struct net_ip ip;

	assert_int_equal(inet_pton(AF_INET6, any_ip6(buf), ip.b), 1);
	return ip;
}

/* Metrics are all different: with equal ones a host, unlike a router, asks which
 * neighbour it can reach. */
static void add_route6(struct strbuf *b, u32 metric)
{
	static const char *const via[] = { "via fd00::2 dev v0", "via fd00:1::9", "dev v1",
		"dev v3", "via fd00:0:0:3::7 dev v1", "dev v2 src fd00:1::1" };
	static const char *const types[] = { "blackhole", "unreachable", "prohibit", "throw" };
	struct net_ip ip = any_addr6();
	u32 plen = 16 + any(113);
	bool plain = any(6);
	char text[64];

	for (u32 i = plen; i < 128; i++)
		ip.b[i / 8] &= (u8)~(0x80 >> i % 8);
	inet_ntop(AF_INET6, ip.b, text, sizeof(text));
	sb_printf(b, "route add %s %s/%u %s metric %u ", plain ? "" : types[any(4)], text, plen,
		  plain ? via[any(ARRAY_LEN(via))] : "", metric);
	if (!any(6))
		sb_printf(b, "from fd00:%x::/%u ", any(2), 32 + 32 * any(2));
	if (!any(4))
		sb_printf(b, "table %u ", 100 + any(2));
	sb_putc(b, '\n');
}

static void add_links6(struct strbuf *b)
{
	for (int i = 0; i < 4; i++)
		sb_printf(b, "link set v%d down\nlink set v%d addrgenmode none\n"
			  "link set v%d up\n", i, i, i);
	sb_printf(b, "addr add fd00::1/64 dev v0 nodad\naddr add 2002:1::1/48 dev v0 nodad\n"
		  "addr add fd00:1::1/32 dev v2 nodad\naddr add fd00:0:0:3::1/64 dev v1 nodad\n"
		  "addr add 2001:db8::5/64 dev v3 nodad preferred_lft 0\n"
		  "addr add fe80::1/64 dev v3 nodad\naddr add 2001:db8:1::6/64 dev v3 nodad\n");
	/* all can be reached */
	sb_printf(b, "neigh replace fd00::2 lladdr 02:00:00:00:00:01 dev v0\n"
		  "neigh replace fd00:1::9 lladdr 02:00:00:00:00:02 dev v2\n"
		  "neigh replace fd00:0:0:3::7 lladdr 02:00:00:00:00:03 dev v1\n");
}

static void add_rules6(struct strbuf *b)
{
	static const char *const rules[] = { "from fd00::/32 lookup 100 pref 100",
		"to 2001:db8::/32 lookup 101 pref 110", "iif v0 lookup 101 pref 130",
		"not from fd00:1::/32 lookup 101 pref 170",
		"lookup 101 suppress_prefixlength 40 pref 200" };

	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (any(2))
			sb_printf(b, "rule add %s\n", rules[i]);
}

/* What the kernel says of the way to DST. */
struct way {
	int err;
	u32 table, metric, oif, plen, type;
	struct net_ip gw, source;
};

static void read_way(const struct nlmsghdr *h, struct way *w)
{
	const struct rtmsg *m = NLMSG_DATA(h);
	const struct rtattr *a = RTM_RTA(m);
	int left = (int)RTM_PAYLOAD(h);

	w->plen = m->rtm_dst_len;
	w->type = m->rtm_type;
	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		void *to = a->rta_type == RTA_TABLE ? &w->table : a->rta_type == RTA_PRIORITY ?
			   &w->metric : a->rta_type == RTA_OIF ? (void *)&w->oif :
			   a->rta_type == RTA_GATEWAY ? (void *)&w->gw :
			   a->rta_type == RTA_PREFSRC ? (void *)&w->source : NULL;

		if (to)
			memcpy(to, RTA_DATA(a), RTA_PAYLOAD(a));
	}
}

static struct way kernel_way(const struct net_flow *f, u32 flags)
{
	static const struct net_ip zero;
	union { struct nlmsghdr h; u8 b[4096]; } m = { .h = {
		.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)), .nlmsg_type = RTM_GETROUTE,
		.nlmsg_flags = NLM_F_REQUEST } };
	struct rtmsg *r = NLMSG_DATA(&m.h);
	struct way w = { 0 };

	*r = (struct rtmsg){ .rtm_family = AF_INET6, .rtm_dst_len = 128, .rtm_flags = flags };
	put_attr(&m.h, RTA_DST, &f->daddr, 16);
	if (memcmp(&f->saddr, &zero, 16)) {
		put_attr(&m.h, RTA_SRC, &f->saddr, 16);
		r->rtm_src_len = 128;
	}
	if (f->iif)
		put_attr(&m.h, RTA_IIF, &f->iif, 4);
	w.err = ask(&m.h, sizeof(m));
	if (!w.err)
		read_way(&m.h, &w);
	return w;
}

static struct way our_way(const struct net *net, const struct net_flow *f)
{
	struct net_result res;
	struct way w = { .err = net_lookup(net, f, &res) };

	if (w.err)
		return w;
	switch (res.route->type) {	/* which the kernel answers as errors here */
	case RTN_BLACKHOLE:
		return (struct way){ .err = -EINVAL };
	case RTN_UNREACHABLE:
		return (struct way){ .err = -EHOSTUNREACH };
	case RTN_PROHIBIT:
		return (struct way){ .err = -EACCES };
	}
	w.table = res.route->table;
	w.metric = res.route->metric;
	w.oif = res.hop->ifindex;
	w.plen = res.route->plen;
	w.type = res.route->type;
	w.gw = res.hop->gw;
	return w;
}

/* Which route: as the kernel finds the way of a packet that came in. */
static u32 ways(const struct net *net, u32 n)
{
	u32 bad = 0;

	for (u32 i = 0; i < n; i++) {
		u32 in = 1 + any(5);
		struct net_flow f = { .family = NET_IP6, .iif = in, .prefer = in,
			.daddr = any_addr6(), .saddr = any_addr6(), .has_source = true };
		struct way mine, theirs = kernel_way(&f, RTM_F_FIB_MATCH);
		char text[64], from[64];

		if (theirs.type == RTN_LOCAL || theirs.type == RTN_ANYCAST || f.daddr.b[0] > 0xfd)
			continue;
		mine = our_way(net, &f);
		theirs.source = (struct net_ip){ { 0 } };
		if (mine.type == RTN_THROW || !memcmp(&mine, &theirs, sizeof(mine)))
			continue;
		if (bad++ < 5)
			print_message("%s from %s in %u: %d, /%u of %u, metric %u, out %u, type "
				      "%u; kernel %d, /%u of %u, metric %u, out %u, type %u\n",
				      inet_ntop(AF_INET6, &f.daddr, text, 64),
				      inet_ntop(AF_INET6, &f.saddr, from, 64), in, mine.err,
				      mine.plen, mine.table, mine.metric, mine.oif, mine.type,
				      theirs.err, theirs.plen, theirs.table, theirs.metric,
				      theirs.oif, theirs.type);
	}
	return bad;
}

/* Which source: as the kernel finds the way of its own packets. */
static u32 sources(const struct net *net, u32 n)
{
	u32 bad = 0;

	for (u32 i = 0; i < n; i++) {
		struct net_flow f = { .family = NET_IP6, .daddr = any_addr6() };
		struct way theirs = kernel_way(&f, 0);
		struct net_ip mine = { { 0 } };
		char text[3][64];

		if (theirs.err || theirs.type != RTN_UNICAST)
			continue;
		if (memcmp(&theirs.source, &(struct net_ip){ { 0xfd, 0, 0, 1, [15] = 1 } }, 16) ||
		    theirs.oif != if_nametoindex("v2"))	/* a route may say so */
			net_select_addr6(net, theirs.oif, &f.daddr, &mine);
		else
			continue;
		if (memcmp(&mine, &theirs.source, 16) && bad++ < 5)
			print_message("to %s by %u: from %s, kernel %s\n",
				      inet_ntop(AF_INET6, &f.daddr, text[0], 64), theirs.oif,
				      inet_ntop(AF_INET6, &mine, text[1], 64),
				      inet_ntop(AF_INET6, &theirs.source, text[2], 64));
	}
	return bad;
}

static void any_question6(struct io *io)
{
	any_question(io);
	io->p.family = AF_INET6;
	memcpy(io->p.ipv6_src, any_addr6().b, 16);
	memcpy(io->p.ipv6_dst, any_addr6().b, 16);
	io->p.flowinfo = any(2) ? any(UINT32_MAX) : 0;
}

/* All of the helper, as far as the namespace forwards IPv6: that takes a setting
 * which this test does not change. */
static void ask_many6(const struct net *net, u32 n, struct tally *t)
{
	struct prog c;

	prog_open(&c, BPF_PROG_TYPE_XDP);
	for (u32 k = 0; k < n; k++) {
		struct io io = { 0 };

		any_question6(&io);
		compare(&c, net, &io, t);
	}
	prog_close(&c);
}

static void network6(u32 routes, bool rules, struct tally *t)
{
	struct strbuf b = { 0 };
	struct net *net;

	assert_int_equal(system("ip -6 route flush table 100 2>/dev/null; "
				"ip -6 route flush table 101 2>/dev/null; "
				"ip -6 route flush table main proto boot 2>/dev/null; true"), 0);
	for (u32 i = 0; i < routes; i++)
		add_route6(&b, 1 + i);
	if (rules)
		add_rules6(&b);
	ip_batch(&b, "-6");
	net = describe();
	t->bad += ways(net, LOOKUPS / 4);
	t->bad += sources(net, LOOKUPS / 8);
	ask_many6(net, LOOKUPS / 4, t);
	net_free(net);
	sb_free(&b);
}

static void ipv6(void **state)
{
	struct tally t = { .bad = 0 };
	struct strbuf b = { 0 };

	needs();
	add_links6(&b);
	ip_batch(&b, "");
	sb_free(&b);
	for (u32 i = 0; i < 8; i++)
		network6(20 + i * 40, i > 3, &t);
	report(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4),
		cmocka_unit_test(next_hops),
		cmocka_unit_test(ipv4_rules),
		cmocka_unit_test(ipv6),
	};

	if (!no_kernel())
		why_not = no_netns();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
