/* SPDX-License-Identifier: BSD-2-Clause */
/* l4.h: the ends of the TCP or UDP flow that a frame belongs to. */
#ifndef HOST_L4_H
#define HOST_L4_H

#include "base/base.h"

/* Addresses and ports in network order, an IPv4 address in addr[0]. The remote
 * end is the packet's source. */
struct l4 {
	u32 family, protocol;	/* AF_INET, AF_INET6; IPPROTO_TCP, IPPROTO_UDP */
	u32 remote[4], local[4];
	u16 remote_port, local_port;
	u16 eth_protocol;	/* in network order */
	u32 net, transport;	/* offsets of the headers */
};

/* False when the Ethernet frame has no TCP or UDP header, or not so much of it
 * that the ports are there. VLAN tags and IPv6 extension headers are passed. */
bool l4_parse(struct l4 *l, const u8 *frame, u32 bytes);

#endif
