/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host/port.h: live ports: Ethernet frames out of the network and into it.
 *
 *	tap:NAME		a TAP device; it is made when it is not there
 *	packet:IFACE		a copy of what IFACE receives (AF_PACKET)
 *	xdp:IFACE[/QUEUE]	what a receive queue of IFACE gets, instead of the
 *				kernel's stack (AF_XDP, generic mode)
 *
 * In: names of devices in the network namespace of the process. Out: frames,
 * and counts of all that was lost on the way. What a port makes (a device, a
 * BPF link, promiscuous mode) ends with it, however the process ends.
 * Never: loses a frame without counting it, or blocks in recv.
 *
 * Errors: PORT_NAME, PORT_OPEN, PORT_RIGHTS when opening; PORT_READ later.
 */
#ifndef HOST_PORT_H
#define HOST_PORT_H

#include "host/capture.h"

enum port_dir {
	PORT_IN = 1,
	PORT_OUT = 2,
};

/* The most frames that one port_recv gives. */
enum { PORT_BATCH = 64 };

struct port_stats {
	u64 received;	/* given to the caller */
	u64 lost;	/* dropped by the kernel: nobody read in time */
	u64 unread;	/* still waiting to be read */
	u64 sent;
	u64 failed;	/* not sent */
	int why;	/* errno of the first that was not sent; 0 = unknown */
};

struct port;

struct port_ops {
	const char *kind;	/* what stands before ":" */
	size_t bytes;		/* of the kind's struct, which begins with a port */
	int (*open)(struct port *p, struct skep_err *err);
	/* Up to N <= PORT_BATCH frames: how many, 0 when none waits, or
	   -errno. */
	int (*recv)(struct port *p, struct packet *pkts, u32 n, struct skep_err *err);
	void (*send)(struct port *p, const u8 *data, u32 bytes);
	void (*flush)(struct port *p);	/* NULL: send keeps nothing */
	/* Brings stats.lost and stats.unread up to date. */
	void (*count)(struct port *p);
	void (*close)(struct port *p);	/* also after a failed open */
};

struct port {
	const struct port_ops *ops;
	char *name;		/* as given, for messages */
	char *iface;		/* the device; in xdp.c without the queue */
	unsigned dirs;		/* of enum port_dir */
	int fd;			/* readable when frames wait; -1 = not open */
	u32 ifindex;
	u32 queue;		/* number of the receive queue */
	struct port_stats stats;
};

extern const struct port_ops port_tap, port_packet, port_xdp;

/* Does NAME begin as the name of a port does? */
bool port_is_name(const char *name);
/* On error *P is NULL, which port_close accepts. */
int port_open(struct port **p, const char *name, unsigned dirs, struct skep_err *err);
void port_close(struct port *p);

/*
 * Up to N frames in PKTS, which stay valid, and may be written to, until the
 * next port_recv on P. The number of them, 0 when none waits, or -errno.
 */
int port_recv(struct port *p, struct packet *pkts, u32 n, struct skep_err *err);
/* Sends a frame now or at port_flush; what cannot be sent is counted. */
void port_send(struct port *p, const u8 *data, u32 bytes);
void port_flush(struct port *p);
/* All counts; for the end, as frames that wait may be taken to count them. */
const struct port_stats *port_stats(struct port *p);

/* ---- for the kinds of ports (port.c) ------------------------------------ */

/* Fills p->ifindex; PORT_OPEN when there is no such interface, or when it has
 * no Ethernet frames. */
int port_find_iface(struct port *p, struct skep_err *err);
/* Fills ERR for what errno says, "WHAT: REASON"; NEEDS names the privilege that
 * is missing when the reason is one. */
int port_failed(struct port *p, const char *what, const char *needs, struct skep_err *err);
/* A frame that errno kept from being sent. */
void port_not_sent(struct port *p, u64 frames, int why);
/* PORT_READ with what is wrong with the socket, or 0 when nothing is. */
int port_check_socket(struct port *p, struct skep_err *err);

#endif
