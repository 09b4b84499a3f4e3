/* SPDX-License-Identifier: BSD-2-Clause */
/* netlink.c: messages to and from the kernel's routing sockets. */
#include "kernel/netlink.h"
#include "base/vec.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LIST_TRIES = 8 };	/* until a list does not change meanwhile */

/* ---- making them ----------------------------------------------------------- */

void *nl_begin(struct nl_msg *m, u16 type, u16 flags, size_t bytes)
{
	memset(m, 0, sizeof(*m));
	m->h.nlmsg_type = type;
	m->h.nlmsg_flags = (u16)(NLM_F_REQUEST | NLM_F_ACK | flags);
	m->h.nlmsg_len = (u32)NLMSG_LENGTH(bytes);
	m->h.nlmsg_seq = 1;
	return NLMSG_DATA(&m->h);
}

struct rtattr *nl_add(struct nl_msg *m, u16 type, const void *data, size_t bytes)
{
	struct rtattr *a = (void *)(m->bytes + NLMSG_ALIGN(m->h.nlmsg_len));

	assert(NLMSG_ALIGN(m->h.nlmsg_len) + RTA_SPACE(bytes) <= NL_MAX);
	a->rta_type = type;
	a->rta_len = (u16)RTA_LENGTH(bytes);
	if (bytes)
		memcpy(RTA_DATA(a), data, bytes);
	m->h.nlmsg_len = (u32)(NLMSG_ALIGN(m->h.nlmsg_len) + RTA_SPACE(bytes));
	return a;
}

void nl_u32(struct nl_msg *m, u16 type, u32 v)
{
	nl_add(m, type, &v, sizeof(v));
}

void nl_str(struct nl_msg *m, u16 type, const char *s)
{
	nl_add(m, type, s, strlen(s) + 1);
}

struct rtattr *nl_nest(struct nl_msg *m, u16 type)
{
	return nl_add(m, (u16)(type | NLA_F_NESTED), NULL, 0);
}

void nl_nest_end(struct nl_msg *m, struct rtattr *a)
{
	a->rta_len = (u16)(m->bytes + m->h.nlmsg_len - (u8 *)a);
}

/* ---- reading them ---------------------------------------------------------- */

static const struct rtattr *find(const struct rtattr *a, size_t left, u16 type, size_t size)
{
	while (left >= sizeof(*a) && a->rta_len >= sizeof(*a) && a->rta_len <= left) {
		size_t step = RTA_ALIGN(a->rta_len);

		if ((a->rta_type & NLA_TYPE_MASK) == type)
			return a->rta_len - RTA_LENGTH(0) >= size ? a : NULL;
		if (step >= left)
			break;
		left -= step;
		a = (const void *)((const u8 *)a + step);
	}
	return NULL;
}

const struct rtattr *nl_find(const struct nlmsghdr *h, size_t bytes, u16 type, size_t size)
{
	size_t at = NLMSG_ALIGN(NLMSG_LENGTH(bytes));

	if (at > h->nlmsg_len)
		return NULL;
	return find((const void *)((const u8 *)h + at), h->nlmsg_len - at, type, size);
}

const struct rtattr *nl_find_in(const struct rtattr *a, u16 type, size_t size)
{
	return a ? find(RTA_DATA(a), a->rta_len - RTA_LENGTH(0), type, size) : NULL;
}

u32 nl_get_u32(const struct rtattr *a)
{
	u32 v = 0;

	if (a && a->rta_len >= RTA_LENGTH(sizeof(v)))
		memcpy(&v, RTA_DATA(a), sizeof(v));
	return v;
}

const char *nl_get_str(const struct rtattr *a)
{
	size_t n = a ? a->rta_len - RTA_LENGTH(0) : 0;
	const char *s = a ? RTA_DATA(a) : "";

	return n && !s[n - 1] ? s : "";
}

/* ---- sockets --------------------------------------------------------------- */

static int open_socket(void)
{
	enum { EXT_ACK = 11 };		/* NETLINK_EXT_ACK, 4.12: errors have a text */
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), on = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_NETLINK, EXT_ACK, &on, sizeof(on));
	return fd;
}

/* The next datagram, in BUF, which grows: its bytes, or -errno. */
static ssize_t receive(int fd, u8 **buf, size_t *room)
{
	ssize_t n;

	do
		n = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n > *room) {
		free(*buf);
		*room = (size_t)n;
		*buf = mem_alloc(*room);
	}
	do
		n = recv(fd, *buf, *room, 0);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* The text that an answer carries behind the message that it repeats. */
static void read_text(const struct nlmsghdr *h, char *why, size_t size)
{
	enum { CAPPED = 0x100, HAS_TEXT = 0x200, TEXT = 1 };	/* NLM_F_*, NLMSGERR_ATTR_MSG */
	const struct nlmsgerr *e = NLMSG_DATA(h);
	size_t bytes = sizeof(*e);

	if (!why || !(h->nlmsg_flags & HAS_TEXT))
		return;
	if (!(h->nlmsg_flags & CAPPED) && e->msg.nlmsg_len >= sizeof(e->msg))
		bytes += e->msg.nlmsg_len - sizeof(e->msg);
	snprintf(why, size, "%s", nl_get_str(nl_find(h, bytes, TEXT, 1)));
}

static int answer(int fd, char *why, size_t size)
{
	size_t room = 0;
	u8 *buf = NULL;
	ssize_t n = receive(fd, &buf, &room);
	const struct nlmsghdr *h = (const void *)buf;
	int r = n < 0 ? (int)n : -EIO;

	if (n >= (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)) && h->nlmsg_len <= (u32)n &&
	    h->nlmsg_type == NLMSG_ERROR) {
		r = ((const struct nlmsgerr *)NLMSG_DATA(h))->error;
		read_text(h, why, size);
	}
	free(buf);
	return r;
}

int nl_send(const struct nl_msg *m, char *why, size_t size)
{
	int fd = open_socket(), r;

	if (why)
		*why = 0;
	if (fd < 0)
		return fd;
	r = send(fd, m, m->h.nlmsg_len, 0) < 0 ? -errno : answer(fd, why, size);
	close(fd);
	return r;
}

/* ---- lists ----------------------------------------------------------------- */

/* Messages of a datagram that were of a list: 1 go on, 0 the end, or -errno. */
static int take(const u8 *buf, size_t n, nl_entry_fn *fn, void *arg)
{
	enum { CHANGED = 0x10 };	/* NLM_F_DUMP_INTR */
	const struct nlmsghdr *h = (const void *)buf;

	for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
		if (h->nlmsg_flags & CHANGED)
			return -EINTR;
		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		if (h->nlmsg_type == NLMSG_ERROR)
			return h->nlmsg_len < NLMSG_LENGTH(sizeof(int)) ? -EIO :
			       *(const int *)NLMSG_DATA(h);
		fn(arg, h);
	}
	return 1;
}

/* Copies are kept until the list is whole: who gets entries gets each once. */
struct copies {
	VEC(struct nlmsghdr *) v;
};

static void keep(void *arg, const struct nlmsghdr *h)
{
	struct nlmsghdr *copy = mem_alloc(h->nlmsg_len);

	memcpy(copy, h, h->nlmsg_len);
	*vec_push(&((struct copies *)arg)->v) = copy;
}

static void drop(struct copies *c)
{
	for (size_t i = 0; i < c->v.n; i++)
		free(c->v.v[i]);
	vec_free(&c->v);
}

static int read_list(const struct nl_msg *m, struct copies *c)
{
	int fd = open_socket(), r = 1;
	size_t room = 0;
	u8 *buf = NULL;
	ssize_t n;

	if (fd < 0)
		return fd;
	if (send(fd, m, m->h.nlmsg_len, 0) < 0)
		r = -errno;
	while (r > 0) {
		n = receive(fd, &buf, &room);
		r = n < 0 ? (int)n : take(buf, (size_t)n, keep, c);
	}
	free(buf);
	close(fd);
	return r;
}

int nl_list(struct nl_msg *m, nl_entry_fn *fn, void *arg)
{
	int r = -EINTR;

	m->h.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	for (u32 i = 0; i < LIST_TRIES && r == -EINTR; i++) {
		struct copies c = { 0 };

		r = read_list(m, &c);
		for (size_t e = 0; !r && e < c.v.n; e++)
			fn(arg, c.v.v[e]);
		drop(&c);
	}
	return r;
}
