/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fib.c: bpf_fib_lookup on the network that the host describes (run->net), and
 * the link layer header that bpf_redirect_neigh asks for. Without a description
 * no packet is forwarded.
 */
#include "call/fib.h"
#include "model/uapi.h"
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <endian.h>
#include <sys/socket.h>

enum {
	FIB_DIRECT = 1, FIB_OUTPUT = 2,
	FIB_FLAGS = FIB_DIRECT | FIB_OUTPUT | UAPI_FIB_SKIP_NEIGH | UAPI_FIB_TBID |
		    UAPI_FIB_SRC | UAPI_FIB_MARK,
	TBID_AT = 48, MARK_AT = 52,	/* in struct bpf_fib_lookup: unions of newer headers */
	IP4_MTU_MIN = 68, IP6_MTU_MIN = 1280,	/* devices below have no such protocol */
	VLAN_BYTES = 4,
};

/* One lookup on its way. */
struct lookup {
	const struct net *net;
	struct bpf_fib_lookup *p;
	u32 flags;
	bool check_mtu;
	u32 mtu;		/* 0 = not looked at */
	struct net_flow flow;
	struct net_result res;
};

/* ---- what is looked for ---------------------------------------------------------- */

static void make_flow(struct lookup *l, u8 family)
{
	const struct bpf_fib_lookup *p = l->p;
	bool out = l->flags & FIB_OUTPUT;
	struct net_flow *f = &l->flow;

	*f = (struct net_flow){ .family = family, .proto = p->l4_protocol,
		.sport = be16toh(p->sport), .dport = be16toh(p->dport),
		.iif = out ? (u32)NET_LOOPBACK : p->ifindex, .oif = out ? p->ifindex : 0,
		.prefer = p->ifindex, .has_source = !out };
	if (l->flags & UAPI_FIB_MARK)
		memcpy(&f->mark, (const u8 *)p + MARK_AT, sizeof(f->mark));
	if (family == NET_IP4) {
		f->tos = p->tos;
		memcpy(f->saddr.b, &p->ipv4_src, 4);
		memcpy(f->daddr.b, &p->ipv4_dst, 4);
	} else {
		f->label = p->flowinfo;
		memcpy(f->saddr.b, p->ipv6_src, 16);
		memcpy(f->daddr.b, p->ipv6_dst, 16);
	}
}

static int find_route(struct lookup *l)
{
	struct bpf_fib_lookup *p = l->p;
	u32 table = NET_TABLE_MAIN;

	if (!(l->flags & FIB_DIRECT))
		return net_lookup(l->net, &l->flow, &l->res);
	if (l->flags & UAPI_FIB_TBID) {
		memcpy(&table, (u8 *)p + TBID_AT, sizeof(table));
		memset((u8 *)p + TBID_AT, 0, sizeof(table));
	}
	return net_lookup_table(l->net, table, &l->flow, &l->res);
}

/* 0 or BPF_FIB_LKUP_RET_*: what no packet is forwarded for. */
static int outcome(int err, u8 type)
{
	if (err == -EINVAL || (!err && type == RTN_BLACKHOLE))
		return BPF_FIB_LKUP_RET_BLACKHOLE;
	if (err == -EHOSTUNREACH || (!err && type == RTN_UNREACHABLE))
		return BPF_FIB_LKUP_RET_UNREACHABLE;
	if (err == -EACCES || (!err && type == RTN_PROHIBIT))
		return BPF_FIB_LKUP_RET_PROHIBIT;
	return err || type != RTN_UNICAST ? BPF_FIB_LKUP_RET_NOT_FWDED : 0;
}

static int outcome6(int err, u8 type)
{
	return outcome(err ? -ENETUNREACH : 0, type);
}

/* ---- what is said of it ---------------------------------------------------------- */

static int too_long(struct lookup *l)
{
	if (!l->check_mtu)
		return 0;
	l->mtu = net_mtu(l->net, &l->res);
	if (l->p->tot_len <= l->mtu)
		return 0;
	l->p->mtu_result = (u16)l->mtu;
	return BPF_FIB_LKUP_RET_FRAG_NEEDED;
}

static void set_source4(struct lookup *l)
{
	struct net_ip ip = { 0 };

	net_source(l->net, &l->res, &l->flow.daddr, &ip);
	memcpy(&l->p->ipv4_src, ip.b, 4);
}

static bool set_source6(struct lookup *l)
{
	struct net_ip ip;

	if (!net_source(l->net, &l->res, &l->flow.daddr, &ip))
		return false;
	memcpy(l->p->ipv6_src, ip.b, 16);
	return true;
}

/* The address of the next machine takes the place of the packet's own. */
static void set_gateway(struct lookup *l, struct net_ip *next, u8 *family)
{
	const struct net_hop *h = l->res.hop;

	*next = h->has_gw ? h->gw : l->flow.daddr;
	*family = h->has_gw ? h->gw_family : l->flow.family;
	if (!h->has_gw)
		return;
	if (h->gw_family == NET_IP4) {
		memcpy(&l->p->ipv4_dst, h->gw.b, 4);
		return;
	}
	l->p->family = AF_INET6;
	memcpy(l->p->ipv6_dst, h->gw.b, 16);
}

static void set_done(struct lookup *l)
{
	l->p->h_vlan_TCI = 0;
	l->p->h_vlan_proto = 0;
	if (l->mtu)
		l->p->mtu_result = (u16)l->mtu;
}

static int set_hop(struct lookup *l)
{
	struct bpf_fib_lookup *p = l->p;
	const struct net_hop *h = l->res.hop;
	const struct net_neigh *e;
	struct net_ip next;
	u8 family;

	if (h->encap)
		return BPF_FIB_LKUP_RET_UNSUPP_LWT;
	p->rt_metric = l->res.route->metric;
	p->ifindex = h->ifindex;
	if (l->flags & UAPI_FIB_SRC && l->flow.family == NET_IP4)
		set_source4(l);
	set_gateway(l, &next, &family);
	if (l->flags & UAPI_FIB_SRC && l->flow.family == NET_IP6 && !set_source6(l))
		return UAPI_FIB_RET_NO_SRC;
	if (!(l->flags & UAPI_FIB_SKIP_NEIGH)) {
		e = net_neigh(l->net, family, h->ifindex, &next);
		if (!e || !e->valid)
			return BPF_FIB_LKUP_RET_NO_NEIGH;
		memcpy(p->dmac, e->mac, ETH_ALEN);
		memcpy(p->smac, net_link(l->net, h->ifindex)->mac, ETH_ALEN);
	}
	set_done(l);
	return BPF_FIB_LKUP_RET_SUCCESS;
}

/* ---- the helper ------------------------------------------------------------------- */

static bool stays_near(const struct net_ip *ip)
{
	static const struct net_ip loopback = { { [15] = 1 } };

	return ip->b[0] == 0xff || (ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80) ||
	       !memcmp(ip, &loopback, sizeof(loopback));
}

static bool forwards(const struct net_link *in, u8 family)
{
	return in->forward[family] && in->mtu >= (family == NET_IP4 ? IP4_MTU_MIN : IP6_MTU_MIN);
}

static s64 look_up(struct lookup *l, u8 family)
{
	const struct net_link *in;
	int r;

	make_flow(l, family);
	if (family == NET_IP6 && (stays_near(&l->flow.daddr) || stays_near(&l->flow.saddr)))
		return BPF_FIB_LKUP_RET_NOT_FWDED;
	in = net_link(l->net, l->p->ifindex);
	if (!in)
		return -ENODEV;
	if (!forwards(in, family))
		return BPF_FIB_LKUP_RET_FWD_DISABLED;
	r = find_route(l);
	if (family == NET_IP4)
		r = outcome(r, l->res.route ? l->res.route->type : 0);
	else
		r = outcome6(r, l->res.route ? l->res.route->type : 0);
	if (r)
		return r;
	net_select_hop(&l->flow, &l->res);
	r = too_long(l);
	return r ? r : set_hop(l);
}

static s64 fib_lookup(const struct run *run, struct bpf_fib_lookup *p, u32 flags, bool check_mtu)
{
	struct lookup l = { .net = run->net, .p = p, .flags = flags, .check_mtu = check_mtu };

	if (p->family != AF_INET && p->family != AF_INET6)
		return -EAFNOSUPPORT;
	if (!run->net)
		return BPF_FIB_LKUP_RET_NOT_FWDED;
	return look_up(&l, p->family == AF_INET ? NET_IP4 : NET_IP6);
}

static bool bad_arguments(u64 bytes, u64 flags)
{
	return (s32)bytes < (s32)sizeof(struct bpf_fib_lookup) || (u32)flags & ~(u32)FIB_FLAGS;
}

HELPER_BODY(call_xdp_fib_lookup)
{
	struct bpf_fib_lookup p;
	s64 ret;

	if (bad_arguments(r3, r4))
		return call_error(-EINVAL);
	memcpy(&p, call_ptr(r2), sizeof(p));
	ret = fib_lookup(run, &p, (u32)r4, true);
	memcpy(call_ptr(r2), &p, sizeof(p));
	return (u64)ret;
}

/* ---- bpf_redirect_neigh ------------------------------------------------------------ */

/* What bpf_redirect_neigh names, else the gateway of the packet's own route. */
struct next { u8 family; bool own; struct net_ip ip; };	/* own: of this machine */

/* IPv4 packets go to neighbours of both families, IPv6 packets to their own. */
static bool named_next(const struct run *run, const struct net_flow *f, struct next *to)
{
	struct bpf_redir_neigh nh;

	*to = (struct next){ 0 };
	memcpy(&nh, run->skb.neigh, sizeof(nh));
	if (nh.nh_family != AF_INET && nh.nh_family != AF_INET6)
		return false;
	to->family = nh.nh_family == AF_INET ? NET_IP4 : NET_IP6;
	memcpy(to->ip.b, nh.ipv6_nh, net_ip_bytes(to->family));
	return f->family == NET_IP4 || to->family == NET_IP6;
}

static bool packet_flow(const struct run *run, struct net_flow *f)
{
	const u8 *ip = run->pkt.data + ETH_HLEN;
	u64 have = (u64)(run->pkt.data_end - ip);

	*f = (struct net_flow){ .iif = NET_LOOPBACK, .oif = run->skb.redirect_ifindex,
		.prefer = run->skb.redirect_ifindex, .mark = run->skb.mark,
		.has_source = true };
	if (run->skb.protocol == htobe16(ETH_P_IP) && have >= sizeof(struct iphdr)) {
		f->tos = ip[1];
		f->proto = ip[9];
		memcpy(f->saddr.b, ip + offsetof(struct iphdr, saddr), 4);
		memcpy(f->daddr.b, ip + offsetof(struct iphdr, daddr), 4);
		return true;
	}
	f->family = NET_IP6;
	if (run->skb.protocol != htobe16(ETH_P_IPV6) || have < sizeof(struct ipv6hdr))
		return false;
	memcpy(&f->label, ip, sizeof(f->label));
	f->label &= htobe32(0x0fffffff);
	f->proto = ip[6];
	memcpy(f->saddr.b, ip + offsetof(struct ipv6hdr, saddr), 16);
	memcpy(f->daddr.b, ip + offsetof(struct ipv6hdr, daddr), 16);
	return true;
}

/* IPv4 packets without a route, or with one that refuses them, are for a neighbour
 * on the device: it was named. */
static bool routed_next(const struct run *run, const struct net_flow *f, struct next *to)
{
	struct net_result res;

	*to = (struct next){ .family = f->family, .ip = f->daddr };
	if (net_lookup(run->net, f, &res))
		return f->family == NET_IP4;
	to->own = f->family == NET_IP4 && res.route->type == RTN_LOCAL;
	if (res.hop->has_gw)
		*to = (struct next){ .family = res.hop->gw_family, .ip = res.hop->gw };
	return to->own || res.route->type == RTN_UNICAST ||
	       (f->family == NET_IP6 && res.route->type == RTN_MULTICAST);
}

static void multicast_mac(const struct net_ip *ip, u8 mac[ETH_ALEN])
{
	mac[0] = mac[1] = 0x33;
	memcpy(mac + 2, ip->b + 12, 4);
}

/* Devices without ARP send all to their own address. */
static bool next_mac(const struct net *n, const struct net_link *l, const struct next *to,
		     u8 mac[ETH_ALEN])
{
	const struct net_neigh *e = net_neigh(n, to->family, l->ifindex, &to->ip);

	if (to->family == NET_IP6 && to->ip.b[0] == 0xff)
		multicast_mac(&to->ip, mac);
	else if (e && e->valid)
		memcpy(mac, e->mac, ETH_ALEN);
	else if (l->loopback || l->no_arp)
		memcpy(mac, l->mac, ETH_ALEN);
	else
		return false;
	return true;
}

/* What is for this machine goes out with the loopback device's addresses. */
bool fib_neigh_header(struct run *run)
{
	static const u8 nobody[ETH_ALEN];
	const struct net_link *l = net_link(run->net, run->skb.redirect_ifindex);
	u8 *eth = run->pkt.data, mac[ETH_ALEN];
	struct net_flow f;
	struct next to;

	if (!l || !l->up || run->skb.len < ETH_HLEN || eth[0] & 1 || !packet_flow(run, &f))
		return false;
	if (!(run->skb.redirect_flags & SKB_REDIRECT_NEXTHOP ? named_next(run, &f, &to) :
							      routed_next(run, &f, &to)))
		return false;
	if (!to.own && !next_mac(run->net, l, &to, mac))
		return false;
	memcpy(eth, to.own ? nobody : mac, ETH_ALEN);
	memcpy(eth + ETH_ALEN, to.own ? nobody : l->mac, ETH_ALEN);
	memcpy(eth + 2 * ETH_ALEN, &run->skb.protocol, 2);
	return true;
}

/* ---- bpf_fib_lookup on an skb -------------------------------------------------------- */

/* The packet itself is what may be too long, when no length is given. */
static s64 fits(const struct run *run, struct bpf_fib_lookup *p)
{
	const struct net_link *l = net_link(run->net, p->ifindex);
	bool fit = l->up && (run->skb.len <= l->mtu + l->header + VLAN_BYTES || run->skb.gso_size);

	p->mtu_result = (u16)l->mtu;
	return fit ? BPF_FIB_LKUP_RET_SUCCESS : BPF_FIB_LKUP_RET_FRAG_NEEDED;
}

HELPER_BODY(call_skb_fib_lookup)
{
	struct bpf_fib_lookup p;
	bool given;
	s64 ret;

	if (bad_arguments(r3, r4))
		return call_error(-EINVAL);
	memcpy(&p, call_ptr(r2), sizeof(p));
	given = p.tot_len;
	ret = fib_lookup(run, &p, (u32)r4, given);
	if (ret == BPF_FIB_LKUP_RET_SUCCESS && !given && run->net)
		ret = fits(run, &p);
	memcpy(call_ptr(r2), &p, sizeof(p));
	return (u64)ret;
}
