/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mtu.c: bpf_check_mtu. Links are those of the described network (run->net).
 * Where nobody describes one, each takes what an Ethernet device takes, the
 * loopback device (1) its 64 KiB.
 */
#include "call/net.h"
#include "call/skb.h"
#include "maps/map.h"
#include <linux/bpf.h>
#include <linux/if_ether.h>

enum { LOOPBACK_MTU = 65536, ETHERNET_MTU = 1500 };

struct size { u32 mtu, header; };

/* False: there is no such link. */
static bool size_of(const struct run *run, u32 ifindex, struct size *s)
{
	const struct net_link *l = run->net ? net_link(run->net, ifindex) : NULL;

	if (run->net && !l)
		return false;
	*s = l ? (struct size){ l->mtu, l->header } :
	     (struct size){ ifindex == NET_LOOPBACK ? LOOPBACK_MTU : ETHERNET_MTU, ETH_HLEN };
	return true;
}

/* BYTES at layer 2; *L3 is 0 or the length at layer 3 to look at instead, and
 * becomes the MTU. */
static u64 check(struct size s, s64 bytes, s32 diff, u32 *l3, bool gso)
{
	u32 given;

	memcpy(&given, l3, sizeof(given));
	if (given)
		bytes = (s32)(given + s.header);
	memcpy(l3, &s.mtu, sizeof(s.mtu));
	return bytes + diff <= (s64)s.mtu + s.header || gso ? BPF_MTU_CHK_RET_SUCCESS :
							      BPF_MTU_CHK_RET_FRAG_NEEDED;
}

HELPER_BODY(call_xdp_check_mtu)
{
	u32 ifindex = (u32)r2 ? (u32)r2 : run->xdp.ingress_ifindex;
	struct size s;

	if (r5)
		return call_error(-EINVAL);
	if (!size_of(run, ifindex, &s))
		return call_error(-ENODEV);
	return check(s, run->pkt.data_end - run->pkt.data, (s32)r4, call_ptr(r3),
		     false);
}

HELPER_BODY(call_skb_check_mtu)
{
	u32 ifindex = (u32)r2 ? (u32)r2 : run->skb.ifindex, given;
	struct size s;

	memcpy(&given, call_ptr(r3), sizeof(given));
	if (r5 & ~(u64)BPF_MTU_CHK_SEGS || (r5 && ((s32)r4 || given)))
		return call_error(-EINVAL);
	if (!size_of(run, ifindex, &s))
		return call_error(-ENODEV);
	return check(s, run->skb.len, (s32)r4, call_ptr(r3), run->skb.gso_size);
}
