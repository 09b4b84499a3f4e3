/* SPDX-License-Identifier: BSD-2-Clause */
/* hosts.h: the hosts of the embedded engine, for runtime_open. */
#ifndef HOST_HOSTS_H
#define HOST_HOSTS_H

#include "model/host.h"

extern const struct host host_xdp;	/* xdp.c: packets to XDP programs */

/* All of them, NULL-terminated. */
extern const struct host *const host_all[];

#endif
