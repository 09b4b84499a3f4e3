/* SPDX-License-Identifier: BSD-2-Clause */
/* ports.h: where the packets of `skep run` come from and go, besides captures. */
#ifndef CLI_PORTS_H
#define CLI_PORTS_H

#include "cli/cli.h"
#include "host/port.h"
#include "model/backend.h"

struct ports_opts {
	struct str_list in;	/* names of live ports to read */
	struct str_list targets;	/* NAME=IFINDEX[,out=FILE|PORT] */
	const char *pass;	/* port for what passed; NULL = none */
	u64 count, seconds;	/* when to stop; 0 = never */
};

/* What one --port says. */
struct port_target {
	char *name;
	u32 ifindex;		/* redirects to this number come here */
	struct port *port;	/* or NULL */
	struct capture_out *out;	/* or NULL */
	const char *where;	/* name of either; NULL = packets are counted only */
	u64 packets;
};

struct ports {
	VEC(struct port *) all;	/* the first nr_in are read */
	size_t nr_in;
	VEC(struct port_target) targets;
	struct port *pass;
	bool both;		/* what arrives at PASS goes out of the input */
	u64 unresolved;		/* bpf_redirect_neigh knew no neighbour */
	u32 unresolved_ifindex;	/* of the first of them */
	u64 astray;		/* redirected to where nothing is */
	u32 astray_ifindex;	/* of the first of them */
	size_t turn;		/* which input is asked first */
	u64 left;		/* packets until --count */
	u64 deadline;		/* os_clock_ns; 0 = none */
	u32 prog_type;		/* whose verdicts are followed */
	int signals;		/* signalfd of SIGINT and SIGTERM; -1 = none */
	bool stopped;
};

/* S is zeroed. */
int ports_open(struct ports *s, const struct ports_opts *o, u32 prog_type,
	       struct skep_err *err);
/* Releases everything; files that were not committed do not appear. */
void ports_close(struct ports *s);

/*
 * Waits for packets: the number of them with their port in *IN, 0 when the run
 * is to end (a signal, --count, --seconds), or -errno. First sends what
 * ports_deliver left to send.
 */
int ports_next(struct ports *s, struct packet p[PORT_BATCH], struct port **in,
	       struct skep_err *err);

/* Does any verdict send a packet somewhere? */
bool ports_wanted(const struct ports *s);
/* Sends packet P, as T left it, and its copies on; IN is NULL for captures. */
int ports_deliver(struct ports *s, struct port *in, const struct packet *p,
		  const struct test_run *t, struct skep_err *err);
/* Sends and writes what is left. */
int ports_finish(struct ports *s, struct skep_err *err);

void ports_text(struct strbuf *out, struct ports *s);
void ports_json(struct json *j, struct ports *s);
/* Says on stderr what was lost. */
void ports_warn(struct ports *s);

#endif
