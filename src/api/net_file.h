/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_file.h: descriptions of a network, as the ip command writes them in JSON:
 * any of `ip -j -d addr` (or link), `ip -j -d route show table all`, `ip -j
 * neigh`, `ip -j rule`, `ip -6 -j rule`, `ip -j netconf`, one after the other.
 */
#ifndef API_NET_FILE_H
#define API_NET_FILE_H

#include "base/err.h"
#include "call/net.h"

/* WHERE is for messages. Errors: JSON, NET_FILE, NET_DEVICE, NET_ADDRESS,
 * NET_TWICE, UNSUPPORTED. */
int net_file_read(struct net **net, const void *data, size_t bytes, const char *where,
		  struct skep_err *err);
/* The same of a file. Errors also: FILE_*. */
int net_file_open(struct net **net, const char *path, struct skep_err *err);

#endif
