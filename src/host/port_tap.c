/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port_tap.c: TAP devices. A frame that the network stack sends into the
 * device comes to us, and a frame of ours arrives at the stack. The kernel does
 * checksums and segmentation before, as no offload is offered.
 */
#include "host/port.h"
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/os.h"

enum {
	FRAME_MAX = 65535 + 18,		/* the biggest MTU, Ethernet and a VLAN tag */
	SLOT_BYTES = 68 << 10,
	QUEUE_MAX = 1 << 16,		/* far more than a device keeps */
};

struct tap {
	struct port p;
	u8 *slots;		/* PORT_BATCH of them, committed as used */
	u32 dropped;		/* by the device, before we came */
};

static const char needs_admin[] =
	"CAP_NET_ADMIN in the network namespace, or a device made for this user "
	"(ip tuntap add dev NAME mode tap user USER)";

/* The device's own count of frames that found no room; wraps at 2^32. */
static u32 dropped(const struct tap *t)
{
	struct ifaddrs *all;
	u32 n = 0;

	if (getifaddrs(&all))
		return 0;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		if (i->ifa_addr && i->ifa_addr->sa_family == AF_PACKET && i->ifa_data &&
		    !strcmp(i->ifa_name, t->p.iface))
			n = ((const struct rtnl_link_stats *)i->ifa_data)->tx_dropped;
	freeifaddrs(all);
	return n;
}

/* A device that we made is ours to bring up. */
static int bring_up(struct port *p, struct skep_err *err)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;
	struct ifreq req = { 0 };

	memcpy(req.ifr_name, p->iface, strlen(p->iface));
	req.ifr_flags = IFF_UP;
	r = s < 0 ? -1 : ioctl(s, SIOCSIFFLAGS, &req);
	if (r)
		r = port_failed(p, "bringing the device up", needs_admin, err);
	if (s >= 0)
		close(s);
	return r;
}

static int attach(struct port *p, struct skep_err *err)
{
	struct ifreq req = { .ifr_flags = IFF_TAP | IFF_NO_PI };

	memcpy(req.ifr_name, p->iface, strlen(p->iface));
	if (!ioctl(p->fd, TUNSETIFF, &req))
		return 0;
	if (errno == EINVAL)
		return err_set(err, ERR_PORT_OPEN, p->name,
			       "'%s' is there and is no TAP device of one queue", p->iface);
	if (errno == EBUSY)
		return err_set(err, ERR_PORT_OPEN, p->name,
			       "another process holds '%s'", p->iface);
	return port_failed(p, "the TAP device", needs_admin, err);
}

static int tap_open(struct port *p, struct skep_err *err)
{
	struct tap *t = (struct tap *)p;
	bool made = !if_nametoindex(p->iface);
	int r;

	p->queue = 0;
	p->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (p->fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO))
		return err_set(err, ERR_PORT_OPEN, p->name,
			       "no /dev/net/tun: the kernel has no CONFIG_TUN, or this "
			       "container has no such device");
	if (p->fd < 0)
		return port_failed(p, "/dev/net/tun", "access to that file", err);
	r = attach(p, err);
	if (r)
		return r;
	p->ifindex = if_nametoindex(p->iface);
	t->dropped = dropped(t);
	t->slots = os_map_lazy(PORT_BATCH * SLOT_BYTES);
	if (!t->slots)
		return err_set(err, ERR_NO_MEM, p->name, "no memory for frames");
	return made ? bring_up(p, err) : 0;
}

static int tap_recv(struct port *p, struct packet *pkts, u32 n, struct skep_err *err)
{
	struct tap *t = (struct tap *)p;
	u64 now = 0;
	u32 got = 0;

	while (got < n) {
		u8 *slot = t->slots + (size_t)got * SLOT_BYTES;
		ssize_t bytes = read(p->fd, slot, SLOT_BYTES);

		if (bytes < 0 && errno == EINTR)
			continue;
		if (bytes < 0 && (errno == EAGAIN || got))
			break;		/* an error comes again */
		if (bytes < 0)
			return err_set(err, ERR_PORT_READ, p->name, "%s", strerror(errno));
		if (!now)
			now = os_clock_real_ns();
		pkts[got++] = (struct packet){ .data = slot, .bytes = (u32)bytes,
			.wire_bytes = (u32)bytes, .time_ns = now };
	}
	return (int)got;
}

static void tap_send(struct port *p, const u8 *data, u32 bytes)
{
	ssize_t r;

	do
		r = bytes > FRAME_MAX ? (errno = EMSGSIZE, -1) : write(p->fd, data, bytes);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		port_not_sent(p, 1, errno);
	else
		p->stats.sent++;
}

static void tap_count(struct port *p)
{
	struct tap *t = (struct tap *)p;
	struct packet pkt;

	if (!(p->dirs & PORT_IN))
		return;		/* nobody meant to read */
	p->stats.lost = (u32)(dropped(t) - t->dropped);
	/* The device does not tell how many wait. */
	for (int i = 0; i < QUEUE_MAX && tap_recv(p, &pkt, 1, NULL) > 0; i++)
		p->stats.unread++;
}

static void tap_close(struct port *p)
{
	os_unmap(((struct tap *)p)->slots, PORT_BATCH * SLOT_BYTES);
}

const struct port_ops port_tap = {
	.kind = "tap",
	.bytes = sizeof(struct tap),
	.open = tap_open,
	.recv = tap_recv,
	.send = tap_send,
	.count = tap_count,
	.close = tap_close,
};
