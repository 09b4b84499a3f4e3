/* SPDX-License-Identifier: BSD-2-Clause */
/* fib.h: bodies of the helpers that look at the described network (call/net.h). */
#ifndef CALL_FIB_H
#define CALL_FIB_H

#include "call/bodies.h"
#include "call/net.h"

HELPER_BODY(call_xdp_fib_lookup);
HELPER_BODY(call_skb_fib_lookup);

/*
 * Makes the link layer header of a packet that bpf_redirect_neigh sends, by what
 * it asked for (run->skb.neigh). False: no route, no neighbour or no IP packet;
 * the kernel would drop the packet or wait for the neighbour.
 */
bool fib_neigh_header(struct run *run);

#endif
