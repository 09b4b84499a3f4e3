/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port_xdp.c: AF_XDP sockets in copy mode. A small XDP program on the interface
 * (generic mode, held by a BPF link) gives the frames of one receive queue to
 * the socket; other queues go on to the stack. Frames lie in memory shared with
 * the kernel (the UMEM): the first part for receiving, the second for sending.
 * The rings and their rules are those of linux/if_xdp.h.
 * Never: replaces a program that somebody else attached.
 */
#include "host/port.h"
#include <linux/bpf.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/os.h"

enum {
	CHUNK_BYTES = 4096,
	/* powers of 2: sizes of rings, too */
	TX_CHUNKS = 512,
	RX_CHUNKS_MAX = 4096,
	RX_CHUNKS_MIN = 1024,	/* with TX_CHUNKS less than the usual ulimit -l */
	BIND_TRIES = 60,
	BIND_WAIT_MS = 5,
	KICKS_MAX = 1000,	/* system calls without progress, then give up */
};

/* One side writes entries and then producer, the other reads and then writes
 * consumer; both count on and wrap at 2^32. */
struct ring {
	u32 *producer, *consumer;
	u8 *entries;
	u32 mask;
	void *map;
	size_t map_bytes;
};

struct xdp_port {
	struct port p;
	u8 *umem;
	u32 rx_chunks;
	size_t umem_bytes;
	struct ring rx, tx, fill, done;
	u64 held[PORT_BATCH];	/* chunks that the caller has */
	u32 nr_held;
	u64 free[TX_CHUNKS];	/* chunks to send from */
	u32 nr_free;
	u32 left;		/* in the ring and counted as not sent */
	int why;		/* errno of the last call that sent nothing */
	int map_fd, prog_fd, link_fd;
};

static const char needs_socket[] = "CAP_NET_RAW in the network namespace";
static const char needs_bpf[] =
	"CAP_BPF and CAP_NET_ADMIN, and not in a user namespace of its own";

/* ---- rings -------------------------------------------------------------------- */

static u32 load(const u32 *at) { return __atomic_load_n(at, __ATOMIC_ACQUIRE); }
static void store(u32 *at, u32 v) { __atomic_store_n(at, v, __ATOMIC_RELEASE); }

static u64 *address_at(const struct ring *r, u32 i)
{
	return (u64 *)(void *)r->entries + (i & r->mask);
}

static struct xdp_desc *desc_at(const struct ring *r, u32 i)
{
	return (struct xdp_desc *)(void *)r->entries + (i & r->mask);
}

static int map_ring(struct port *p, struct ring *r, const struct xdp_ring_offset *off,
		    off_t place, u32 entries, size_t entry_bytes, struct skep_err *err)
{
	u8 *map;

	r->map_bytes = off->desc + entries * entry_bytes;
	map = mmap(NULL, r->map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
		   p->fd, place);
	if (map == MAP_FAILED)
		return port_failed(p, "mapping a ring", needs_socket, err);
	r->map = map;
	r->producer = (u32 *)(void *)(map + off->producer);
	r->consumer = (u32 *)(void *)(map + off->consumer);
	r->entries = map + off->desc;
	r->mask = entries - 1;
	return 0;
}

static void unmap_ring(struct ring *r)
{
	if (r->map)
		munmap(r->map, r->map_bytes);
}

/* ---- the socket ------------------------------------------------------------------ */

/* As many frames as the limit of locked memory allows; 0 or -errno. */
static int make_umem(struct xdp_port *x, struct skep_err *err)
{
	struct xdp_umem_reg reg = { .chunk_size = CHUNK_BYTES };
	int r;

	x->rx_chunks = x->p.dirs & PORT_IN ? RX_CHUNKS_MAX : RX_CHUNKS_MIN;
	x->umem_bytes = (x->rx_chunks + TX_CHUNKS) * (size_t)CHUNK_BYTES;
	x->umem = os_map_lazy(x->umem_bytes);
	if (!x->umem)
		return err_set(err, ERR_NO_MEM, x->p.name, "no memory for frames");
	reg.addr = (uintptr_t)x->umem;
	for (;; x->rx_chunks /= 2) {
		reg.len = (x->rx_chunks + TX_CHUNKS) * (u64)CHUNK_BYTES;
		if (!setsockopt(x->p.fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)))
			return 0;
		if (errno != ENOBUFS || x->rx_chunks <= RX_CHUNKS_MIN)
			break;
	}
	r = port_failed(&x->p, "frames for AF_XDP", needs_socket, err);
	err_help(err, "they are %u KiB of locked memory: ulimit -l, or CAP_IPC_LOCK",
		 (unsigned)(reg.len >> 10));
	return r;
}

static int size_rings(struct xdp_port *x, struct skep_err *err)
{
	const struct { int opt; unsigned dirs; u32 entries; } rings[] = {
		{ XDP_UMEM_FILL_RING, PORT_IN | PORT_OUT, x->rx_chunks },
		{ XDP_UMEM_COMPLETION_RING, PORT_IN | PORT_OUT, TX_CHUNKS },
		{ XDP_RX_RING, PORT_IN, x->rx_chunks },
		{ XDP_TX_RING, PORT_OUT, TX_CHUNKS },
	};

	for (size_t i = 0; i < ARRAY_LEN(rings); i++)
		if (x->p.dirs & rings[i].dirs &&
		    setsockopt(x->p.fd, SOL_XDP, rings[i].opt, &rings[i].entries, sizeof(u32)))
			return port_failed(&x->p, "a ring for AF_XDP", needs_socket, err);
	return 0;
}

static int map_rings(struct xdp_port *x, struct skep_err *err)
{
	struct xdp_mmap_offsets off;
	socklen_t n = sizeof(off);
	struct port *p = &x->p;
	int r;

	if (getsockopt(p->fd, SOL_XDP, XDP_MMAP_OFFSETS, &off, &n) || n != sizeof(off))
		return err_set(err, ERR_PORT_OPEN, p->name,
			       "AF_XDP of a kernel before 5.4");
	r = map_ring(p, &x->fill, &off.fr, (off_t)XDP_UMEM_PGOFF_FILL_RING, x->rx_chunks,
		     sizeof(u64), err);
	if (!r)
		r = map_ring(p, &x->done, &off.cr, (off_t)XDP_UMEM_PGOFF_COMPLETION_RING,
			     TX_CHUNKS, sizeof(u64), err);
	if (!r && p->dirs & PORT_IN)
		r = map_ring(p, &x->rx, &off.rx, XDP_PGOFF_RX_RING, x->rx_chunks,
			     sizeof(struct xdp_desc), err);
	if (!r && p->dirs & PORT_OUT)
		r = map_ring(p, &x->tx, &off.tx, XDP_PGOFF_TX_RING, TX_CHUNKS,
			     sizeof(struct xdp_desc), err);
	return r;
}

/* All chunks for receiving go to the kernel, the others into our list. */
static void deal_chunks(struct xdp_port *x)
{
	for (u32 i = 0; i < x->rx_chunks; i++)
		*address_at(&x->fill, i) = (u64)i * CHUNK_BYTES;
	store(x->fill.producer, x->rx_chunks);
	for (u32 i = 0; i < TX_CHUNKS; i++)
		x->free[x->nr_free++] = (u64)(x->rx_chunks + i) * CHUNK_BYTES;
}

/* The kernel lets go of the queue of a closed socket a little later. */
static int try_bind(struct port *p, const struct sockaddr_xdp *to)
{
	int r;

	for (int i = 0; (r = bind(p->fd, (const struct sockaddr *)to, sizeof(*to))) &&
	     errno == EBUSY && i < BIND_TRIES; i++)
		poll(NULL, 0, BIND_WAIT_MS);
	return r;
}

static int bind_socket(struct port *p, struct skep_err *err)
{
	const struct sockaddr_xdp to = {
		.sxdp_family = AF_XDP, .sxdp_flags = XDP_COPY,
		.sxdp_ifindex = p->ifindex, .sxdp_queue_id = p->queue,
	};

	if (!try_bind(p, &to))
		return 0;
	if (errno == EINVAL)
		return err_set(err, ERR_PORT_OPEN, p->name, "'%s' has no queue %u",
			       p->iface, p->queue);
	if (errno == EBUSY)
		return err_set(err, ERR_PORT_OPEN, p->name,
			       "another AF_XDP socket has queue %u of '%s'",
			       p->queue, p->iface);
	return port_failed(p, "binding to the interface", needs_socket, err);
}

/* ---- the program in front of it ---------------------------------------------------- */

/* BYTES: of CMD's part of the union; what is behind may be anything. */
static int sys_bpf(enum bpf_cmd cmd, union bpf_attr *attr, size_t bytes)
{
	return (int)syscall(SYS_bpf, cmd, attr, bytes);
}

#define END(field) (offsetof(union bpf_attr, field) + sizeof(((union bpf_attr *)0)->field))

static int make_map(struct xdp_port *x, struct skep_err *err)
{
	union bpf_attr make = { .map_type = BPF_MAP_TYPE_XSKMAP, .key_size = 4,
		.value_size = 4, .max_entries = x->p.queue + 1, .map_name = "skep_xsks" };
	union bpf_attr put = { .key = (uintptr_t)&x->p.queue, .value = (uintptr_t)&x->p.fd };

	x->map_fd = sys_bpf(BPF_MAP_CREATE, &make, END(map_extra));
	if (x->map_fd < 0)
		return port_failed(&x->p, "an XSKMAP", needs_bpf, err);
	put.map_fd = (u32)x->map_fd;
	if (sys_bpf(BPF_MAP_UPDATE_ELEM, &put, END(flags)))
		return port_failed(&x->p, "the socket in the XSKMAP", needs_bpf, err);
	return 0;
}

/* return bpf_redirect_map(&xsks, ctx->rx_queue_index, XDP_PASS); */
static int load_program(struct xdp_port *x, struct skep_err *err)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_LDX | BPF_W | BPF_MEM, .dst_reg = 2, .src_reg = 1,
		  .off = offsetof(struct xdp_md, rx_queue_index) },
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 1,
		  .src_reg = BPF_PSEUDO_MAP_FD, .imm = x->map_fd },
		{ 0 },		/* second half */
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect_map },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr a = { .prog_type = BPF_PROG_TYPE_XDP,
		.insn_cnt = ARRAY_LEN(insns), .insns = (uintptr_t)insns,
		.license = (uintptr_t)"Dual BSD/GPL", .prog_name = "skep_to_socket" };

	x->prog_fd = sys_bpf(BPF_PROG_LOAD, &a, sizeof(a));
	return x->prog_fd < 0 ? port_failed(&x->p, "the XDP program that feeds the socket",
					    needs_bpf, err) : 0;
}

static int attach(struct xdp_port *x, struct skep_err *err)
{
	union bpf_attr a = { .link_create = { .prog_fd = (u32)x->prog_fd,
		.target_ifindex = x->p.ifindex, .attach_type = BPF_XDP,
		.flags = XDP_FLAGS_SKB_MODE } };
	int r = make_map(x, err);

	if (!r)
		r = load_program(x, err);
	if (r)
		return r;
	a.link_create.prog_fd = (u32)x->prog_fd;
	x->link_fd = sys_bpf(BPF_LINK_CREATE, &a, END(link_create.flags));
	if (x->link_fd >= 0)
		return 0;
	if (errno == EBUSY || errno == EEXIST)
		return err_set(err, ERR_PORT_OPEN, x->p.name,
			       "'%s' has an XDP program already", x->p.iface);
	return port_failed(&x->p, "attaching the XDP program", needs_bpf, err);
}

/* ---- opening and closing -------------------------------------------------------------- */

static u32 count_queues(const struct port *p)
{
	struct ethtool_channels c = { .cmd = ETHTOOL_GCHANNELS };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;
	struct ifreq req = { .ifr_data = (void *)&c };

	memcpy(req.ifr_name, p->iface, strlen(p->iface));
	r = s < 0 ? -1 : ioctl(s, SIOCETHTOOL, &req);
	if (s >= 0)
		close(s);
	return r ? 1 : c.rx_count + c.combined_count;
}

/* Only one queue may be left out: else frames would go by unseen. */
static int choose_queue(struct port *p, struct skep_err *err)
{
	u32 n = p->queue == UINT32_MAX ? count_queues(p) : 1;
	int r;

	if (p->queue == UINT32_MAX)
		p->queue = 0;
	if (n <= 1 || !(p->dirs & PORT_IN))
		return 0;
	r = err_set(err, ERR_PORT_NAME, p->name, "'%s' has %u receive queues, and a port is "
		    "one of them", p->iface, n);
	err_help(err, "xdp:%s/0 is the first; the others' frames go on to the stack", p->iface);
	return r;
}

static int xdp_open(struct port *p, struct skep_err *err)
{
	struct xdp_port *x = (struct xdp_port *)p;
	int r;

	x->map_fd = x->prog_fd = x->link_fd = -1;
	r = port_find_iface(p, err);
	if (!r)
		r = choose_queue(p, err);
	if (r)
		return r;
	p->fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (p->fd < 0 && errno == EAFNOSUPPORT)
		return err_set(err, ERR_PORT_OPEN, p->name,
			       "the kernel has no CONFIG_XDP_SOCKETS");
	if (p->fd < 0)
		return port_failed(p, "an AF_XDP socket", needs_socket, err);
	r = make_umem(x, err);
	if (!r)
		r = size_rings(x, err);
	if (!r)
		r = map_rings(x, err);
	if (r)
		return r;
	deal_chunks(x);
	r = bind_socket(p, err);
	return r || !(p->dirs & PORT_IN) ? r : attach(x, err);
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void xdp_close(struct port *p)
{
	struct xdp_port *x = (struct xdp_port *)p;

	close_fd(x->link_fd);	/* detaches */
	close_fd(x->prog_fd);
	close_fd(x->map_fd);
	close_fd(p->fd);
	p->fd = -1;
	unmap_ring(&x->rx);
	unmap_ring(&x->tx);
	unmap_ring(&x->fill);
	unmap_ring(&x->done);
	os_unmap(x->umem, x->umem_bytes);
}

/* ---- receiving ----------------------------------------------------------------------- */

/* What the caller had goes back to the kernel. There is room: the ring has as
 * many places as there are chunks. */
static void refill(struct xdp_port *x)
{
	u32 at = *x->fill.producer;

	for (u32 i = 0; i < x->nr_held; i++)
		*address_at(&x->fill, at + i) = x->held[i];
	store(x->fill.producer, at + x->nr_held);
	x->nr_held = 0;
}

static int xdp_recv(struct port *p, struct packet *pkts, u32 n, struct skep_err *err)
{
	struct xdp_port *x = (struct xdp_port *)p;
	u32 at = *x->rx.consumer, waiting = load(x->rx.producer) - at, got;
	u64 now;

	if (x->nr_held)
		refill(x);
	if (!waiting)
		return port_check_socket(p, err);
	now = os_clock_real_ns();
	for (got = 0; got < n && got < waiting; got++) {
		const struct xdp_desc *d = desc_at(&x->rx, at + got);

		x->held[x->nr_held++] = d->addr & ~(u64)(CHUNK_BYTES - 1);
		pkts[got] = (struct packet){ .data = x->umem + d->addr, .bytes = d->len,
			.wire_bytes = d->len, .time_ns = now };
	}
	store(x->rx.consumer, at + got);
	return (int)got;
}

static void xdp_count(struct port *p)
{
	struct xdp_port *x = (struct xdp_port *)p;
	struct xdp_statistics st = { 0 };
	socklen_t n = sizeof(st);

	if (getsockopt(p->fd, SOL_XDP, XDP_STATISTICS, &st, &n))
		return;
	if (p->dirs & PORT_IN) {
		p->stats.lost = st.rx_dropped + st.rx_ring_full;
		p->stats.unread = load(x->rx.producer) - *x->rx.consumer;
	}
	if (p->dirs & PORT_OUT) {
		u32 left = *x->tx.producer - load(x->tx.consumer);

		if (left > x->left)
			port_not_sent(p, left - x->left, x->why);
		x->left = left;
	}
}

/* ---- sending -------------------------------------------------------------------------- */

/* Chunks that the kernel is done with. */
static void reclaim(struct xdp_port *x)
{
	u32 at = *x->done.consumer, n = load(x->done.producer) - at;

	for (u32 i = 0; i < n && x->nr_free < TX_CHUNKS; i++)
		x->free[x->nr_free++] = *address_at(&x->done, at + i);
	store(x->done.consumer, at + n);
}

/* The kernel sends what is in the ring, a part of it for each call. */
static void xdp_flush(struct port *p)
{
	struct xdp_port *x = (struct xdp_port *)p;
	u32 end = *x->tx.producer, before = load(x->tx.consumer);

	for (int idle = 0; before != end && idle < KICKS_MAX;) {
		int r = (int)sendto(p->fd, NULL, 0, MSG_DONTWAIT, NULL, 0), code = errno;
		u32 now = load(x->tx.consumer);

		p->stats.sent += now - before;
		idle = now == before ? idle + 1 : 0;
		before = now;
		reclaim(x);
		x->why = r < 0 ? code : 0;
		if (r < 0 && code != EAGAIN && code != EBUSY && code != ENOBUFS && code != EINTR)
			break;
	}
}

static void xdp_send(struct port *p, const u8 *data, u32 bytes)
{
	struct xdp_port *x = (struct xdp_port *)p;
	u32 at = *x->tx.producer;
	u64 chunk;

	if (bytes > CHUNK_BYTES) {
		port_not_sent(p, 1, EMSGSIZE);
		return;
	}
	if (!x->nr_free || at - load(x->tx.consumer) >= TX_CHUNKS)
		xdp_flush(p);
	reclaim(x);
	if (!x->nr_free || at - load(x->tx.consumer) >= TX_CHUNKS) {
		port_not_sent(p, 1, ENOBUFS);
		return;
	}
	chunk = x->free[--x->nr_free];
	memcpy(x->umem + chunk, data, bytes);
	*desc_at(&x->tx, at) = (struct xdp_desc){ .addr = chunk, .len = bytes };
	store(x->tx.producer, at + 1);
}

const struct port_ops port_xdp = {
	.kind = "xdp",
	.bytes = sizeof(struct xdp_port),
	.open = xdp_open,
	.recv = xdp_recv,
	.send = xdp_send,
	.flush = xdp_flush,
	.count = xdp_count,
	.close = xdp_close,
};
