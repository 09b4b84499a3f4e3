/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_fuzz: any bytes as a description of a network. What is taken answers
 * lookups with routes whose prefix the address has. An error has a text and a
 * place.
 */
#include "api/net_file.h"
#include "base/base.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

static void check_result(const struct net *n, const struct net_flow *f, int r,
			 struct net_result *res)
{
	struct net_ip ip;

	if (r) {
		must(r < 0);
		return;
	}
	must(res->route && res->hop);
	must(net_ip_under(&f->daddr, &res->route->dst, res->route->plen));
	if (!net_link(n, res->hop->ifindex))
		return;		/* routes of types that need no device */
	net_select_hop(f, res);
	net_mtu(n, res);
	net_source(n, res, &f->daddr, &ip);
	net_neigh(n, f->family, res->hop->ifindex, &f->daddr);
}

static void look_up(const struct net *n, const u8 *data, size_t size, u32 i)
{
	struct net_flow f = { .family = i & 1, .iif = i % 5, .oif = i % 3 ? 0 : i % 7,
		.prefer = i % 5, .mark = i % 4, .has_source = i % 2, .sport = (u16)(i % 9) };
	static const u32 tables[] = { 0, 253, 254, 255, 100 };
	struct net_result res;

	for (size_t k = 0; k < net_ip_bytes(f.family) && size; k++) {
		f.daddr.b[k] = data[(i * 31 + k) % size];
		f.saddr.b[k] = data[(i * 17 + k * 3) % size];
	}
	check_result(n, &f, net_lookup(n, &f, &res), &res);
	check_result(n, &f, net_lookup_table(n, tables[i % 5], &f, &res), &res);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct skep_err err = { 0 };
	struct net *n;
	int r = net_file_read(&n, data, size, "net.json", &err);

	if (r) {
		must(!n && err.code == r && strstr(err.text, ": error: "));
		must(!strncmp(err.text, "net.json:", 9));
		return 0;
	}
	for (u32 i = 0; i < 64; i++)
		look_up(n, data, size, i);
	net_free(n);
	return 0;
}
