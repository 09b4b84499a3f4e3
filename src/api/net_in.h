/* SPDX-License-Identifier: BSD-2-Clause */
/* net_in.h: what net_file.c and net_parts.c share. */
#ifndef API_NET_IN_H
#define API_NET_IN_H

#include "api/net_file.h"
#include "base/json_tree.h"

struct net_reader {
	struct net *net;
	struct arena arena;
	const char *where;
	struct skep_err *err;
	u8 rule_family;		/* of the rules at hand */
};

/* An error at V's line and column. */
int net_bad(const struct net_reader *r, enum err_id id, const struct json_node *v,
	    const char *fmt, ...) PRINTF_LIKE(4, 5);

/* One element each, of the arrays that the ip command writes. */
int net_read_link(struct net_reader *r, const struct json_node *e);
int net_read_addrs(struct net_reader *r, const struct json_node *e);
int net_read_neigh(struct net_reader *r, const struct json_node *e);
int net_read_route(struct net_reader *r, const struct json_node *e);
int net_read_rule(struct net_reader *r, const struct json_node *e);
int net_read_conf(struct net_reader *r, const struct json_node *e);

#endif
