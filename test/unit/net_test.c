/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_test.c: the tables of a network: a search among many prefixes finds what a
 * look at all of them finds, in time that does not grow with their number; rules
 * and neighbours.
 */
#include "base/os.h"
#include "call/net.h"
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static u64 rng = 3;

static u32 any(u32 below)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (u32)(rng >> 33) % below;
}

static struct net_ip any_ip(u32 bits)
{
	struct net_ip ip = { { 0 } };

	for (u32 i = 0; i < bits / 8; i++)	/* many have a beginning in common */
		ip.b[i] = (u8)(any(3) ? any(4) : any(256));
	return ip;
}

static struct net_route any_route(u8 family, struct net_hop *hop)
{
	u32 bits = net_ip_bytes(family) * 8;
	struct net_route r = { .family = family, .type = RTN_UNICAST, .table = NET_TABLE_MAIN,
		.plen = (u8)any(bits + 1), .dst = any_ip(bits), .hops = hop, .nr_hops = 1,
		.metric = any(3), .pref = 1 };

	for (u32 i = r.plen; i < bits; i++)
		r.dst.b[i / 8] &= (u8)~(0x80 >> i % 8);
	return r;
}

struct all { struct net_route v[3000]; size_t n; };

/* The longest, of equals the lowest metric. */
static const struct net_route *scan(const struct all *a, u8 family, const struct net_ip *ip)
{
	const struct net_route *best = NULL;

	for (size_t i = 0; i < a->n; i++) {
		const struct net_route *r = &a->v[i];

		if (r->family != family || !net_ip_under(ip, &r->dst, r->plen))
			continue;
		if (!best || r->plen > best->plen ||
		    (r->plen == best->plen && r->metric < best->metric))
			best = r;
	}
	return best;
}

static void same_as_scan(void **state)
{
	static struct all all;
	struct net_hop hop = { .ifindex = 7, .weight = 1 };
	struct net *n = net_new();
	u32 found = 0;

	net_add_link(n, &(struct net_link){ .ifindex = 7, .name = "e", .mtu = 1500 });
	while (all.n < ARRAY_LEN(all.v)) {
		struct net_route r = any_route((u8)any(2), &hop);

		if (!net_add_route(n, &r))
			all.v[all.n++] = r;
	}
	net_ready(n);
	for (u32 i = 0; i < 20000; i++) {
		u8 family = (u8)any(2);
		struct net_flow f = { .family = family, .iif = 7, .prefer = 7, .has_source = true,
			.daddr = any_ip(net_ip_bytes(family) * 8) };
		const struct net_route *r = scan(&all, family, &f.daddr);
		struct net_result res;
		int got = net_lookup(n, &f, &res);

		assert_int_equal(!got, r != NULL);
		if (!r)
			continue;
		found++;
		assert_int_equal(res.route->plen, r->plen);
		assert_int_equal(res.route->metric, r->metric);
	}
	assert_true(found > 5000);
	net_free(n);
}

static u64 ns_per_lookup(u32 routes)
{
	struct net_hop hop = { .ifindex = 7, .weight = 1 };
	struct net *n = net_new();
	struct net_result res;
	u64 best = UINT64_MAX;

	for (u32 i = 0; i < routes; i++) {
		struct net_route r = any_route(NET_IP4, &hop);

		net_add_route(n, &r);
	}
	net_ready(n);
	for (int k = 0; k < 5; k++) {
		u64 start = os_clock_cpu_ns();

		for (u32 i = 0; i < 20000; i++) {
			struct net_flow f = { .daddr = any_ip(32) };

			net_lookup(n, &f, &res);
		}
		best = min_u64(best, (os_clock_cpu_ns() - start) / 20000);
	}
	net_free(n);
	return best;
}

/* A look at all of them would take 1000 times as long. */
static void many(void **state)
{
	u64 few = ns_per_lookup(200), lots = ns_per_lookup(200000);

	print_message("# %llu ns among 200 routes, %llu ns among 200000\n",
		      (unsigned long long)few, (unsigned long long)lots);
	assert_true(lots < few * 50);
}

static void twice(void **state)
{
	struct net_hop hop = { .ifindex = 7, .weight = 1 };
	struct net_route r = { .family = NET_IP4, .type = RTN_UNICAST, .hops = &hop,
		.nr_hops = 1, .table = 5 };
	struct net_neigh e = { .ifindex = 7, .ip = { { 1, 2, 3, 4 } } };
	struct net_link l = { .ifindex = 7, .name = "e" }, same = { .ifindex = 8, .name = "e" };
	struct net *n = net_new();

	assert_int_equal(net_add_link(n, &l), 0);
	assert_int_equal(net_add_link(n, &l), -EEXIST);
	assert_int_equal(net_add_link(n, &same), -EEXIST);
	assert_int_equal(net_add_neigh(n, &e), 0);
	assert_int_equal(net_add_neigh(n, &e), -EEXIST);
	assert_int_equal(net_add_route(n, &r), 0);
	assert_int_equal(net_add_route(n, &r), -EEXIST);
	r.metric = 1;
	assert_int_equal(net_add_route(n, &r), 0);
	net_ready(n);
	assert_non_null(net_neigh(n, NET_IP4, 7, &e.ip));
	assert_null(net_neigh(n, NET_IP4, 8, &e.ip));
	assert_null(net_neigh(n, NET_IP6, 7, &e.ip));
	net_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_as_scan),
		cmocka_unit_test(many),
		cmocka_unit_test(twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
