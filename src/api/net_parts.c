/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_parts.c: links, addresses, neighbours, routes and rules out of the JSON of
 * the ip command. Members that no lookup looks at are passed over.
 */
#include "api/net_in.h"
#include "base/hash.h"
#include "base/vec.h"
#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

/* ---- members --------------------------------------------------------------------- */

static int wrong(const struct net_reader *r, const struct json_node *v, const char *what)
{
	return net_bad(r, ERR_NET_FILE, v, "'%s' is %s, not %s", v->key ? v->key : "?", what,
		       json_kind_name(v));
}

/* The text of member KEY; *OUT stays as it is when there is none. */
static int get_text(const struct net_reader *r, const struct json_node *e, const char *key,
		    const char **out)
{
	const struct json_node *v = json_member(e, key);

	if (!v)
		return 0;
	if (v->kind != JSON_STRING)
		return wrong(r, v, "a string");
	*out = v->text;
	return 0;
}

/* Digits or 0x..., as much as MAX. */
static bool number_of(const char *text, u64 max, u64 *out)
{
	char *end;

	if (digit_value(*text) > 9)
		return false;
	errno = 0;
	*out = strtoull(text, &end, 0);
	return !*end && !errno && *out <= max;
}

/* A number, or one in a string, which is how the ip command writes some. */
static int get_number(const struct net_reader *r, const struct json_node *e, const char *key,
		      u64 max, u32 *out)
{
	const struct json_node *v = json_member(e, key);
	u64 n;

	if (!v)
		return 0;
	if (!(v->kind == JSON_STRING ? number_of(v->text, max, &n) : json_number(v, max, &n)))
		return net_bad(r, ERR_NET_FILE, v, "'%s' is a number of 0 to %llu, not %s", key,
			       (unsigned long long)max, v->text ? v->text : json_kind_name(v));
	*out = (u32)n;
	return 0;
}

static bool is_true(const struct json_node *e, const char *key)
{
	const struct json_node *v = json_member(e, key);

	return v && v->kind == JSON_BOOL && v->text[0] == 't';
}

/* Has the array of strings KEY this one? */
static bool has_word(const struct json_node *e, const char *key, const char *word)
{
	const struct json_node *v = json_member(e, key);

	for (v = v && v->kind == JSON_ARRAY ? v->child : NULL; v; v = v->next)
		if (v->kind == JSON_STRING && !strcmp(v->text, word))
			return true;
	return false;
}

static int missing(const struct net_reader *r, const struct json_node *e, const char *what,
		   const char *key)
{
	return net_bad(r, ERR_NET_FILE, e, "this %s has no '%s'", what, key);
}

/* ---- addresses --------------------------------------------------------------------- */

static bool ip_of(const char *text, u8 *family, struct net_ip *ip)
{
	*ip = (struct net_ip){ 0 };
	*family = strchr(text, ':') ? NET_IP6 : NET_IP4;
	return inet_pton(*family == NET_IP6 ? AF_INET6 : AF_INET, text, ip->b) == 1;
}

static int read_ip(const struct net_reader *r, const struct json_node *v, u8 *family,
		   struct net_ip *ip)
{
	if (v->kind == JSON_STRING && ip_of(v->text, family, ip))
		return 0;
	return net_bad(r, ERR_NET_ADDRESS, v, "'%s' is an IPv4 or IPv6 address, not %s", v->key,
		       v->text ? v->text : json_kind_name(v));
}

/* Member KEY, when it is there, is an address of FAMILY. */
static int get_ip(const struct net_reader *r, const struct json_node *e, const char *key,
		  u8 family, bool *has, struct net_ip *ip)
{
	const struct json_node *v = json_member(e, key);
	u8 own;
	int res;

	*has = v;
	if (!v)
		return 0;
	res = read_ip(r, v, &own, ip);
	if (!res && own != family)
		res = net_bad(r, ERR_NET_ADDRESS, v, "'%s' is %s, an address of the other family",
			      key, v->text);
	return res;
}

/* Are all bits behind the prefix 0? */
static bool ends_with_prefix(const struct net_ip *ip, u32 plen)
{
	for (u32 i = plen; i < 128; i++)
		if (ip->b[i / 8] >> (7 - i % 8) & 1)
			return false;
	return true;
}

static int bad_prefix(const struct net_reader *r, const struct json_node *v, const char *why)
{
	return net_bad(r, ERR_NET_ADDRESS, v, "'%s' is %s: %s", v->key,
		       v->kind == JSON_STRING ? v->text : json_kind_name(v), why);
}

/* ADDRESS or ADDRESS/LENGTH. */
static int read_prefix(const struct net_reader *r, const struct json_node *v, u8 *family,
		       struct net_ip *ip, u8 *plen)
{
	const char *slash = v->kind == JSON_STRING ? strchr(v->text, '/') : NULL;
	char text[64];
	u64 n;

	if (v->kind != JSON_STRING || strlen(v->text) >= sizeof(text))
		return bad_prefix(r, v, "no address or prefix");
	memcpy(text, v->text, strlen(v->text) + 1);
	if (slash)
		text[slash - v->text] = 0;
	if (!ip_of(text, family, ip))
		return bad_prefix(r, v, "no IPv4 or IPv6 address or prefix");
	n = net_ip_bytes(*family) * 8;
	if (slash && !number_of(slash + 1, n, &n))
		return bad_prefix(r, v, *family == NET_IP4 ? "the length is 0 to 32" :
							     "the length is 0 to 128");
	*plen = (u8)n;
	return ends_with_prefix(ip, *plen) ? 0 :
	       bad_prefix(r, v, "bits behind the prefix are not 0");
}

static bool mac_of(const char *text, u8 mac[6])
{
	u32 n = 0;

	for (; n < 6 && digit_value(text[0]) < 16 && digit_value(text[1]) < 16; n++) {
		mac[n] = (u8)(digit_value(text[0]) << 4 | digit_value(text[1]));
		text += 2;
		if (n < 5 && *text++ != ':')
			return false;
	}
	return n == 6 && !*text;
}

/* ---- names -------------------------------------------------------------------------- */

struct name { const char *name; u32 value; };

/* One of NAMES or a number. */
static bool name_value(const struct name *names, size_t n, const char *text, u32 *out)
{
	u64 v;

	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i].name, text)) {
			*out = names[i].value;
			return true;
		}
	if (!number_of(text, UINT32_MAX, &v))
		return false;
	*out = (u32)v;
	return true;
}

static const struct name tables[] = {
	{ "main", NET_TABLE_MAIN }, { "local", NET_TABLE_LOCAL }, { "default", NET_TABLE_DEFAULT },
	{ "unspec", 0 },
};

static const struct name scopes[] = {
	{ "global", RT_SCOPE_UNIVERSE }, { "universe", RT_SCOPE_UNIVERSE },
	{ "site", RT_SCOPE_SITE }, { "link", RT_SCOPE_LINK }, { "host", RT_SCOPE_HOST },
	{ "nowhere", RT_SCOPE_NOWHERE },
};

static const struct name types[] = {
	{ "unicast", RTN_UNICAST }, { "local", RTN_LOCAL }, { "broadcast", RTN_BROADCAST },
	{ "anycast", RTN_ANYCAST }, { "multicast", RTN_MULTICAST },
	{ "blackhole", RTN_BLACKHOLE }, { "unreachable", RTN_UNREACHABLE },
	{ "prohibit", RTN_PROHIBIT }, { "throw", RTN_THROW },
};

static const struct name protocols[] = {
	{ "icmp", 1 }, { "igmp", 2 }, { "tcp", 6 }, { "udp", 17 }, { "gre", 47 }, { "esp", 50 },
	{ "ah", 51 }, { "ipv6-icmp", 58 }, { "sctp", 132 }, { "udplite", 136 },
};

/* Member KEY is one of NAMES; *OUT stays as it is when there is none. */
static int get_name(const struct net_reader *r, const struct json_node *e, const char *key,
		    const struct name *names, size_t n, u32 *out)
{
	const struct json_node *v = json_member(e, key);
	int res;

	if (!v || (v->kind == JSON_NUMBER && !get_number(r, e, key, UINT32_MAX, out)))
		return 0;
	if (v->kind == JSON_STRING && name_value(names, n, v->text, out))
		return 0;
	res = net_bad(r, ERR_NET_FILE, v, "'%s' is %s, a name that is not known here", key,
		      v->kind == JSON_STRING ? v->text : json_kind_name(v));
	err_help(r->err, "names of /etc/iproute2 are its system's own: `ip -N` writes numbers");
	return res;
}

/* Member KEY names a link. */
static int get_link(const struct net_reader *r, const struct json_node *e, const char *key,
		    u32 *ifindex)
{
	const struct json_node *v = json_member(e, key);
	const struct net_link *l;
	int res;

	if (!v)
		return 0;
	if (v->kind != JSON_STRING)
		return wrong(r, v, "a string");
	l = net_link_named(r->net, v->text);
	if (l) {
		*ifindex = l->ifindex;
		return 0;
	}
	res = net_bad(r, ERR_NET_DEVICE, v, "there is no link '%s' in this file", v->text);
	err_help(r->err, "`ip -j -d addr` writes the links");
	return res;
}

/* ---- links ----------------------------------------------------------------------------- */

static bool has_ether_header(const char *link_type)
{
	return !strcmp(link_type, "ether") || !strcmp(link_type, "loopback");
}

static int link_flags(const struct net_reader *r, const struct json_node *e, struct net_link *l)
{
	const char *type = "ether", *group = "default", *mac = NULL;
	u64 n = 0;
	int res = get_text(r, e, "link_type", &type);

	if (!res)
		res = get_text(r, e, "group", &group);
	if (!res)
		res = get_text(r, e, "address", &mac);
	if (res)
		return res;
	l->header = has_ether_header(type) ? 14 : 0;
	l->up = has_word(e, "flags", "UP");
	l->loopback = has_word(e, "flags", "LOOPBACK");
	l->point_to_point = has_word(e, "flags", "POINTOPOINT");
	l->no_arp = has_word(e, "flags", "NOARP");
	l->group = number_of(group, UINT32_MAX, &n) ? (u32)n :
		   strcmp(group, "default") ? UINT32_MAX : 0;
	if (mac && l->header && !mac_of(mac, l->mac))
		return net_bad(r, ERR_NET_ADDRESS, json_member(e, "address"),
			       "'address' is a MAC address, not %s", mac);
	return 0;
}

/* What a link is may change how routes are looked up. */
static int check_kind(const struct net_reader *r, const struct json_node *e)
{
	const struct json_node *info = json_member(e, "linkinfo");
	const char *kind = "";
	int res = info ? get_text(r, info, "info_kind", &kind) : 0;

	return res || strcmp(kind, "vrf") ? res :
	       net_bad(r, ERR_UNSUPPORTED, info, "devices of kind vrf, which have tables of "
		       "their own");
}

int net_read_link(struct net_reader *r, const struct json_node *e)
{
	struct net_link l = { .mtu = 1500, .forward = { true, true } };
	const char *name = NULL;
	int res = get_text(r, e, "ifname", &name);

	if (!res)
		res = get_number(r, e, "ifindex", INT32_MAX, &l.ifindex);
	if (!res)
		res = get_number(r, e, "mtu", INT32_MAX, &l.mtu);
	if (!res)
		res = link_flags(r, e, &l);
	if (!res)
		res = check_kind(r, e);
	if (res)
		return res;
	if (!name || !*name || !l.ifindex)
		return missing(r, e, "link", !name || !*name ? "ifname" : "ifindex");
	l.name = name;
	return !net_add_link(r->net, &l) ? 0 :
	       net_bad(r, ERR_NET_TWICE, e, "a link with this name or ifindex (%s, %u) stands "
		       "above already", name, l.ifindex);
}

static int read_addr(struct net_reader *r, const struct json_node *e, u32 ifindex)
{
	const struct json_node *local = json_member(e, "local"), *peer = json_member(e, "address");
	struct net_addr a = { .ifindex = ifindex, .secondary = is_true(e, "secondary"),
		.deprecated = is_true(e, "deprecated"), .home = is_true(e, "home"),
		.tentative = is_true(e, "tentative") && !is_true(e, "optimistic"),
		.temporary = is_true(e, "temporary") };
	u32 plen = 0, scope = 0;
	bool has;
	int res;

	if (!local)
		return 0;
	res = read_ip(r, local, &a.family, &a.ip);
	a.net = a.ip;
	if (!res)
		res = get_ip(r, e, "address", a.family, &has, peer ? &a.net : &a.ip);
	if (!res)
		res = get_number(r, e, "prefixlen", net_ip_bytes(a.family) * 8, &plen);
	if (!res)
		res = get_name(r, e, "scope", scopes, ARRAY_LEN(scopes), &scope);
	a.plen = (u8)plen;
	a.scope = (u8)scope;
	if (!res)
		net_add_addr(r->net, &a);
	return res;
}

int net_read_addrs(struct net_reader *r, const struct json_node *e)
{
	const struct json_node *info = json_member(e, "addr_info");
	u32 ifindex = 0;
	int res = get_link(r, e, "ifname", &ifindex);

	if (info && info->kind != JSON_ARRAY)
		return wrong(r, info, "an array");
	for (const struct json_node *a = info ? info->child : NULL; !res && a; a = a->next)
		res = read_addr(r, a, ifindex);
	return res;
}

int net_read_conf(struct net_reader *r, const struct json_node *e)
{
	const char *family = "", *name = "";
	u32 ifindex = 0;
	int res = get_text(r, e, "family", &family);

	if (!res)
		res = get_text(r, e, "interface", &name);
	if (res || !strcmp(name, "all") || !strcmp(name, "default") ||
	    (strcmp(family, "inet") && strcmp(family, "inet6")))
		return res;
	res = get_link(r, e, "interface", &ifindex);
	if (!res && !ifindex)
		res = missing(r, e, "netconf", "interface");
	if (!res && json_member(e, "forwarding"))
		net_link(r->net, ifindex)->forward[!strcmp(family, "inet6")] =
			is_true(e, "forwarding");
	return res;
}

/* ---- neighbours ------------------------------------------------------------------------ */

static bool is_valid(const struct json_node *e)
{
	static const char *const states[] = { "PERMANENT", "NOARP", "REACHABLE", "STALE",
		"DELAY", "PROBE" };

	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (has_word(e, "state", states[i]))
			return true;
	return !json_member(e, "state");
}

/* A MAC address; tunnels have an IPv4 address there. */
static int neigh_address(const struct net_reader *r, const struct json_node *e,
			 struct net_neigh *n)
{
	const struct json_node *v = json_member(e, "lladdr");
	struct net_ip ip;
	u8 family;

	n->valid = is_valid(e) && v;
	if (!v || (v->kind == JSON_STRING && mac_of(v->text, n->mac)))
		return 0;
	if (v->kind != JSON_STRING || !ip_of(v->text, &family, &ip) || family != NET_IP4)
		return net_bad(r, ERR_NET_ADDRESS, v, "'lladdr' is a MAC address, not %s",
			       v->text ? v->text : json_kind_name(v));
	memset(n->mac, 0, sizeof(n->mac));
	memcpy(n->mac, ip.b, 4);
	return 0;
}

int net_read_neigh(struct net_reader *r, const struct json_node *e)
{
	const struct json_node *dst = json_member(e, "dst");
	struct net_neigh n = { .ifindex = 0 };
	int res;

	if (json_member(e, "proxy"))
		return 0;
	if (!dst)
		return missing(r, e, "neighbour", "dst");
	res = read_ip(r, dst, &n.family, &n.ip);
	if (!res)
		res = get_link(r, e, "dev", &n.ifindex);
	if (!res)
		res = neigh_address(r, e, &n);
	if (res)
		return res;
	if (!n.ifindex)
		return missing(r, e, "neighbour", "dev");
	return !net_add_neigh(r->net, &n) ? 0 :
	       net_bad(r, ERR_NET_TWICE, e, "this neighbour, %s, stands above already", dst->text);
}

/* ---- routes ---------------------------------------------------------------------------- */

struct hops { struct net_hop *v; size_t n, cap; };

/* {"family": "inet6", "host": ...}, the gateway of another family. */
static int read_via(const struct net_reader *r, const struct json_node *via, struct net_hop *h)
{
	const struct json_node *host = json_member(via, "host");

	if (!host)
		return missing(r, via, "gateway", "host");
	h->has_gw = true;
	return read_ip(r, host, &h->gw_family, &h->gw);
}

/* E is a route with one hop, or an element of its nexthops. */
static int read_hop(const struct net_reader *r, const struct json_node *e, u8 family,
		    struct net_hop *h)
{
	const struct json_node *via = json_member(e, "via");
	int res = get_ip(r, e, "gateway", family, &h->has_gw, &h->gw);

	h->gw_family = family;
	if (!res && via)
		res = read_via(r, via, h);
	if (!res)
		res = get_number(r, e, "weight", 256, &h->weight);
	if (!res)
		res = get_link(r, e, "dev", &h->ifindex);
	if (!res && !h->weight)
		res = net_bad(r, ERR_NET_FILE, json_member(e, "weight"), "a weight of 0");
	h->dead = has_word(e, "flags", "dead");
	h->encap = json_member(e, "encap");
	return res;
}

static int read_hops(const struct net_reader *r, const struct json_node *e, u8 family,
		     struct hops *hops)
{
	const struct json_node *list = json_member(e, "nexthops");
	int res = 0;

	if (list && (list->kind != JSON_ARRAY || !list->child))
		return net_bad(r, ERR_NET_FILE, list, "'nexthops' is an array of next hops");
	for (const struct json_node *n = list ? list->child : e; !res && n;
	     n = list ? n->next : NULL) {
		struct net_hop *h = vec_push(hops);

		*h = (struct net_hop){ .weight = 1 };
		res = read_hop(r, n, family, h);
		if (!res && !h->ifindex && (h->has_gw || list))
			res = missing(r, n, "next hop", "dev");
	}
	return res;
}

/* IPv6 routes say how much their router is preferred. */
static u8 default_family(const struct json_node *e)
{
	const struct json_node *gw = json_member(e, "gateway"), *hops = json_member(e, "nexthops");

	if (!gw && hops && hops->child)
		gw = json_member(hops->child, "gateway");
	if (!gw)
		gw = json_member(e, "prefsrc");
	if (gw && gw->kind == JSON_STRING)
		return strchr(gw->text, ':') ? NET_IP6 : NET_IP4;
	return json_member(e, "pref") ? NET_IP6 : NET_IP4;
}

static int route_prefix(const struct net_reader *r, const struct json_node *e,
			struct net_route *to)
{
	const struct json_node *dst = json_member(e, "dst"), *from = json_member(e, "from");
	u8 family;
	int res = 0;

	if (!dst)
		return missing(r, e, "route", "dst");
	if (dst->kind == JSON_STRING && !strcmp(dst->text, "default"))
		to->family = default_family(e);
	else
		res = read_prefix(r, dst, &to->family, &to->dst, &to->plen);
	if (res || !from || (from->kind == JSON_STRING && !strcmp(from->text, "all")))
		return res;
	res = read_prefix(r, from, &family, &to->src, &to->src_plen);
	if (!res && (family != NET_IP6 || to->family != NET_IP6))
		res = bad_prefix(r, from, "only IPv6 has routes by source");
	return res;
}

/* [{"mtu": 1400}]; the ip command does not write that a metric is locked, so
 * "lock": ["mtu"] may be added by hand. */
static int route_metrics(const struct net_reader *r, const struct json_node *e,
			 struct net_route *to)
{
	const struct json_node *m = json_member(e, "metrics");
	int res = 0;

	for (m = m && m->kind == JSON_ARRAY ? m->child : NULL; !res && m; m = m->next) {
		res = get_number(r, m, "mtu", INT32_MAX, &to->mtu);
		to->mtu_locked |= has_word(m, "lock", "mtu");
	}
	return res;
}

/* As scores: a higher one wins. */
static u8 route_pref(const struct json_node *e)
{
	const struct json_node *v = json_member(e, "pref");

	if (!v || v->kind != JSON_STRING)
		return 1;
	return !strcmp(v->text, "high") ? 2 : !strcmp(v->text, "low") ? 0 : 1;
}

/* Before a route's own TOS, a string, stands that of its encapsulation, a number. */
static int route_tos(const struct net_reader *r, const struct json_node *e, u32 *tos)
{
	u64 n;

	if (!json_member(e, "encap"))
		return get_number(r, e, "tos", UINT8_MAX, tos);
	for (const struct json_node *m = e->child; m; m = m->next)
		if (!strcmp(m->key, "tos") && m->kind == JSON_STRING &&
		    number_of(m->text, UINT8_MAX, &n))
			*tos = (u32)n;
	return 0;
}

static int route_numbers(const struct net_reader *r, const struct json_node *e,
			 struct net_route *to)
{
	u32 type = RTN_UNICAST, scope = RT_SCOPE_UNIVERSE, tos = 0;
	int res = get_name(r, e, "type", types, ARRAY_LEN(types), &type);

	if (!res)
		res = get_name(r, e, "scope", scopes, ARRAY_LEN(scopes), &scope);
	if (!res)
		res = get_name(r, e, "table", tables, ARRAY_LEN(tables), &to->table);
	if (!res)
		res = get_number(r, e, "metric", UINT32_MAX, &to->metric);
	if (!res)
		res = route_tos(r, e, &tos);
	if (!res)
		res = get_ip(r, e, "prefsrc", to->family, &to->has_source, &to->source);
	to->type = (u8)type;
	to->scope = (u8)scope;
	to->tos = (u8)tos;
	to->pref = route_pref(e);
	return res;
}

/* Types that end a search need no device. */
static bool needs_device(const struct net_route *to)
{
	return to->type != RTN_BLACKHOLE && to->type != RTN_UNREACHABLE &&
	       to->type != RTN_PROHIBIT && to->type != RTN_THROW;
}

/* Routes may differ in nothing that a lookup looks at. */
static u64 hash_all(const struct json_node *v, u64 seed)
{
	seed = hash_bytes(v->text ? v->text : "", v->text ? strlen(v->text) : 0, seed + v->kind);
	for (const struct json_node *m = v->child; m; m = m->next)
		seed = hash_all(m, m->key ? hash_bytes(m->key, strlen(m->key), seed) : seed);
	return seed;
}

static int add_route(const struct net_reader *r, const struct json_node *e, struct net_route *to,
		     const struct hops *hops)
{
	to->hops = hops->v;
	to->nr_hops = (u32)hops->n;
	to->rest = hash_all(e, 0);
	if (needs_device(to) && !hops->v[0].ifindex)
		return missing(r, e, "route", "dev");
	return !net_add_route(r->net, to) ? 0 :
	       net_bad(r, ERR_NET_TWICE, e, "the same route stands above already");
}

int net_read_route(struct net_reader *r, const struct json_node *e)
{
	struct net_route to = { .table = NET_TABLE_MAIN };
	struct hops hops = { 0 };
	int res = route_prefix(r, e, &to);

	if (!res)
		res = route_numbers(r, e, &to);
	if (!res)
		res = route_metrics(r, e, &to);
	if (!res)
		res = read_hops(r, e, to.family, &hops);
	if (!res)
		res = add_route(r, e, &to, &hops);
	vec_free(&hops);
	return res;
}

/* ---- rules ------------------------------------------------------------------------------- */

static int rule_prefix(const struct net_reader *r, const struct json_node *e, const char *key,
		       const char *len, struct net_ip *ip, u8 *plen)
{
	const struct json_node *v = json_member(e, key);
	u32 n = net_ip_bytes(r->rule_family) * 8;
	bool has;
	int res;

	if (!v || (v->kind == JSON_STRING && !strcmp(v->text, "all")))
		return 0;
	res = get_ip(r, e, key, r->rule_family, &has, ip);
	if (!res)
		res = get_number(r, e, len, n, &n);
	*plen = (u8)n;
	return res;
}

static int rule_ports(const struct net_reader *r, const struct json_node *e, const char *one,
		      const char *first, const char *last, u16 range[2])
{
	u32 from = 0, to = 0;
	int res = get_number(r, e, one, UINT16_MAX, &from);

	to = from;
	if (!res)
		res = get_number(r, e, first, UINT16_MAX, &from);
	if (!res)
		res = get_number(r, e, last, UINT16_MAX, &to);
	range[0] = (u16)from;
	range[1] = (u16)to;
	return res;
}

static int rule_mark(const struct net_reader *r, const struct json_node *e, struct net_rule *to)
{
	int res;

	if (!json_member(e, "fwmark"))
		return 0;
	to->mask = UINT32_MAX;
	res = get_number(r, e, "fwmark", UINT32_MAX, &to->mark);
	return res ? res : get_number(r, e, "fwmask", UINT32_MAX, &to->mask);
}

static int rule_uid(const struct net_reader *r, const struct json_node *e, struct net_rule *to)
{
	int res = get_number(r, e, "uid_start", UINT32_MAX, &to->uid[0]);

	to->has_uid = json_member(e, "uid_start");
	return res ? res : get_number(r, e, "uid_end", UINT32_MAX, &to->uid[1]);
}

static int rule_selectors(const struct net_reader *r, const struct json_node *e,
			  struct net_rule *to)
{
	u32 tos = 0, proto = 0;
	int res = rule_prefix(r, e, "src", "srclen", &to->src, &to->src_plen);

	if (!res)
		res = rule_prefix(r, e, "dst", "dstlen", &to->dst, &to->dst_plen);
	if (!res)
		res = rule_mark(r, e, to);
	if (!res)
		res = rule_uid(r, e, to);
	if (!res)
		res = get_text(r, e, "iif", &to->iif);
	if (!res)
		res = get_text(r, e, "oif", &to->oif);
	if (!res)
		res = get_number(r, e, "tos", UINT8_MAX, &tos);
	if (!res)
		res = get_name(r, e, "ipproto", protocols, ARRAY_LEN(protocols), &proto);
	if (!res)
		res = rule_ports(r, e, "sport", "sport_start", "sport_end", to->sport);
	if (!res)
		res = rule_ports(r, e, "dport", "dport_start", "dport_end", to->dport);
	to->tos = (u8)tos;
	to->proto = (u8)proto;
	to->invert = json_member(e, "not");
	to->never = json_member(e, "tun_id") || json_member(e, "l3mdev");
	return res;
}

static const struct name actions[] = {
	{ "blackhole", NET_BLACKHOLE }, { "unreachable", NET_UNREACHABLE },
	{ "prohibit", NET_PROHIBIT }, { "nop", NET_NOP },
};

static int rule_action(const struct net_reader *r, const struct json_node *e, struct net_rule *to)
{
	u32 action = NET_TO_TABLE, plen = 0, group = 0;
	int res = get_name(r, e, "action", actions, ARRAY_LEN(actions), &action);

	if (json_member(e, "goto"))
		action = NET_GOTO;
	if (json_member(e, "nop"))
		action = NET_NOP;
	if (!res)
		res = get_number(r, e, "goto", UINT32_MAX, &to->target);
	if (!res)
		res = get_name(r, e, "table", tables, ARRAY_LEN(tables), &to->table);
	if (!res)
		res = get_number(r, e, "suppress_prefixlen", 128, &plen);
	if (!res)
		res = get_number(r, e, "suppress_ifgroup", UINT32_MAX, &group);
	to->action = (u8)action;
	to->suppress_plen = json_member(e, "suppress_prefixlen") ? (s32)plen : -1;
	to->suppress_group = json_member(e, "suppress_ifgroup") ? (s64)group : -1;
	return res;
}

/* Newer selectors, which would make a rule mean less than it seems to. */
static int check_selectors(const struct net_reader *r, const struct json_node *e)
{
	static const char *const unknown[] = { "dscp", "flowlabel", "dscp_mask", "sport_mask",
		"dport_mask" };

	for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
		if (json_member(e, unknown[i]))
			return net_bad(r, ERR_UNSUPPORTED, json_member(e, unknown[i]),
				       "rules by %s", unknown[i]);
	return 0;
}

int net_read_rule(struct net_reader *r, const struct json_node *e)
{
	struct net_rule to = { .family = r->rule_family };
	int res = check_selectors(r, e);

	if (!json_member(e, "priority"))
		return missing(r, e, "rule", "priority");
	if (!res)
		res = get_number(r, e, "priority", UINT32_MAX, &to.priority);
	if (!res)
		res = rule_selectors(r, e, &to);
	if (!res)
		res = rule_action(r, e, &to);
	if (!res)
		net_add_rule(r->net, &to);
	return res;
}
