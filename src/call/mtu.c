/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mtu.c: bpf_check_mtu. The interfaces of the embedded engine are those of its
 * user, who says nothing of their size: each takes what an Ethernet device
 * takes, the loopback device (1) its 64 KiB.
 */
#include "call/skb.h"
#include "maps/map.h"
#include <linux/bpf.h>
#include <linux/if_ether.h>

enum { LOOPBACK = 1, LOOPBACK_MTU = 65536, ETHERNET_MTU = 1500 };

static u32 mtu_of(u32 ifindex)
{
	return ifindex == LOOPBACK ? LOOPBACK_MTU : ETHERNET_MTU;
}

/* BYTES at layer 2; *L3 is 0 or the length at layer 3 to look at instead, and
 * becomes the MTU. */
static u64 check(u32 mtu, s64 bytes, s32 diff, u32 *l3, bool gso)
{
	u32 given;

	memcpy(&given, l3, sizeof(given));
	if (given)
		bytes = (s32)(given + ETH_HLEN);
	memcpy(l3, &mtu, sizeof(mtu));
	return bytes + diff <= (s64)mtu + ETH_HLEN || gso ? BPF_MTU_CHK_RET_SUCCESS :
							    BPF_MTU_CHK_RET_FRAG_NEEDED;
}

HELPER_BODY(call_xdp_check_mtu)
{
	u32 ifindex = (u32)r2 ? (u32)r2 : run->xdp.ingress_ifindex;

	if (r5)
		return call_error(-EINVAL);
	return check(mtu_of(ifindex), run->pkt.data_end - run->pkt.data, (s32)r4, call_ptr(r3),
		     false);
}

HELPER_BODY(call_skb_check_mtu)
{
	u32 ifindex = (u32)r2 ? (u32)r2 : run->skb.ifindex, given;

	memcpy(&given, call_ptr(r3), sizeof(given));
	if (r5 & ~(u64)BPF_MTU_CHK_SEGS || (r5 && ((s32)r4 || given)))
		return call_error(-EINVAL);
	return check(mtu_of(ifindex), run->skb.len, (s32)r4, call_ptr(r3), run->skb.gso_size);
}
