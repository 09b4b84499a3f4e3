/* SPDX-License-Identifier: BSD-2-Clause */
/* port.c: live ports by name, and what all kinds of them share. */
#include "host/port.h"
#include <net/if.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/os.h"
#include "base/vec.h"

static const struct port_ops *const kinds[] = { &port_tap, &port_packet, &port_xdp };

static const struct port_ops *kind_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t n = strlen(kinds[i]->kind);

		if (!strncmp(name, kinds[i]->kind, n) && name[n] == ':')
			return kinds[i];
	}
	return NULL;
}

bool port_is_name(const char *name)
{
	return kind_of(name) != NULL;
}

/* Splits "IFACE/QUEUE"; only xdp has queues. */
static int parse_device(struct port *p, const char *device, struct skep_err *err)
{
	char *slash, *end;
	unsigned long queue;

	p->iface = mem_strdup(device);
	slash = strchr(p->iface, '/');
	p->queue = UINT32_MAX;
	if (slash && p->ops == &port_xdp) {
		queue = strtoul(slash + 1, &end, 10);
		if (slash[1] < '0' || slash[1] > '9' || *end || queue > UINT16_MAX)
			return err_set(err, ERR_PORT_NAME, p->name,
				       "'%s' is no number of a queue", slash + 1);
		p->queue = (u32)queue;
		*slash = 0;
	}
	if (!*p->iface || strlen(p->iface) >= IFNAMSIZ || strpbrk(p->iface, "/%: \t\n"))
		return err_set(err, ERR_PORT_NAME, p->name,
			       "'%s' is no name of an interface: 1 to %d characters "
			       "without '/', ':', '%%' and spaces", p->iface, IFNAMSIZ - 1);
	return 0;
}

int port_open(struct port **out, const char *name, unsigned dirs, struct skep_err *err)
{
	const struct port_ops *ops = kind_of(name);
	struct port *p;
	int r;

	*out = NULL;
	if (!ops)
		return err_set(err, ERR_PORT_NAME, name, "a port is tap:NAME, "
			       "packet:INTERFACE or xdp:INTERFACE[/QUEUE]");
	p = mem_alloc(ops->bytes);
	p->ops = ops;
	p->name = mem_strdup(name);
	p->dirs = dirs;
	p->fd = -1;
	r = parse_device(p, strchr(name, ':') + 1, err);
	if (!r)
		r = ops->open(p, err);
	if (r)
		port_close(p);
	else
		*out = p;
	return r;
}

void port_close(struct port *p)
{
	if (!p)
		return;
	p->ops->close(p);
	if (p->fd >= 0)
		close(p->fd);
	free(p->iface);
	free(p->name);
	free(p);
}

int port_recv(struct port *p, struct packet *pkts, u32 n, struct skep_err *err)
{
	int got = p->ops->recv(p, pkts, n < PORT_BATCH ? n : PORT_BATCH, err);

	for (int i = 0; i < got; i++) {
		pkts[i].number = ++p->stats.received;
		pkts[i].link = LINK_ETHERNET;
		pkts[i].iface = 0;
	}
	return got;
}

void port_send(struct port *p, const u8 *data, u32 bytes)
{
	p->ops->send(p, data, bytes);
}

void port_flush(struct port *p)
{
	if (p->ops->flush)
		p->ops->flush(p);
}

const struct port_stats *port_stats(struct port *p)
{
	p->ops->count(p);
	return &p->stats;
}

/* ---- for the kinds --------------------------------------------------------- */

static int no_iface(struct port *p, struct skep_err *err)
{
	struct if_nameindex *all = if_nameindex();
	VEC(const char *) names = { 0 };
	const char *near;
	int r;

	r = err_set(err, ERR_PORT_OPEN, p->name,
		    "there is no interface '%s' in this network namespace", p->iface);
	for (struct if_nameindex *i = all; i && i->if_index; i++)
		*vec_push(&names) = i->if_name;
	near = err_nearest(p->iface, names.v, names.n);
	if (near)
		err_help(err, "did you mean '%s'?", near);
	vec_free(&names);
	if (all)
		if_freenameindex(all);
	return r;
}

int port_find_iface(struct port *p, struct skep_err *err)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;
	struct ifreq req = { 0 };

	p->ifindex = if_nametoindex(p->iface);
	memcpy(req.ifr_name, p->iface, strlen(p->iface));
	r = s < 0 || !p->ifindex ? 0 : ioctl(s, SIOCGIFHWADDR, &req);
	if (s >= 0)
		close(s);
	if (!p->ifindex || r)
		return no_iface(p, err);
	if (s >= 0 && req.ifr_hwaddr.sa_family != ARPHRD_ETHER &&
	    req.ifr_hwaddr.sa_family != ARPHRD_LOOPBACK)
		return err_set(err, ERR_PORT_OPEN, p->name, "'%s' has no Ethernet frames "
			       "(ARPHRD type %u)", p->iface, req.ifr_hwaddr.sa_family);
	return 0;
}

int port_failed(struct port *p, const char *what, const char *needs, struct skep_err *err)
{
	int code = errno, r;

	if (code != EPERM && code != EACCES)
		return err_set(err, ERR_PORT_OPEN, p->name, "%s: %s", what, strerror(code));
	r = err_set(err, ERR_PORT_RIGHTS, p->name, "%s: %s; this needs %s", what,
		    strerror(code), needs);
	return r;
}

void port_not_sent(struct port *p, u64 frames, int why)
{
	p->stats.failed += frames;
	if (!p->stats.why)
		p->stats.why = why;
}

int port_check_socket(struct port *p, struct skep_err *err)
{
	int code = 0;
	socklen_t n = sizeof(code);

	if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &code, &n) || !code)
		return 0;
	return err_set(err, ERR_PORT_READ, p->name, "%s", strerror(code));
}
