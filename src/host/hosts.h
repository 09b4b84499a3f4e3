/* SPDX-License-Identifier: BSD-2-Clause */
/* hosts.h: the hosts of the embedded engine, for runtime_open. */
#ifndef HOST_HOSTS_H
#define HOST_HOSTS_H

#include "model/host.h"

extern const struct host host_xdp;	/* xdp.c: packets to XDP programs */

/* skb.c: packets to programs on struct __sk_buff */
extern const struct host host_socket_filter, host_sched_cls, host_sched_act;
extern const struct host host_cgroup_skb, host_lwt_in, host_lwt_out;
extern const struct host host_lwt_xmit, host_lwt_seg6local;

extern const struct host host_flow_dissector;	/* flow.c */

/* sk_lookup.c: packets to programs that choose a socket */
extern const struct host host_sk_lookup, host_sk_reuseport;

extern const struct host host_raw_tp;		/* raw_tp.c: words to raw tracepoints */

extern const struct host host_sk_skb;		/* sk_skb.c: payloads to sockmaps' */

/* skb.c: is the packet one that there is room for, with its Ethernet header? */
int host_check_packet(const struct test_run *t, struct skep_err *err);

/* All of them, NULL-terminated. */
extern const struct host *const host_all[];

#endif
