/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netns.h: a network namespace of the test's own with addresses on its loopback
 * device, and real sockets in it, described as users would describe them.
 */
#ifndef TEST_NETNS_H
#define TEST_NETNS_H

#include "host/sockets.h"
#include "kernel_bpf.h"
#include <arpa/inet.h>
#include <linux/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif

/* A socket of the system and what is said of it. */
struct real {
	int fd;
	int family, type;
	u64 cookie;
};

union address {
	struct sockaddr a;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Gives the loopback device address 127.0.0.1 and whatever else of 127/8. */
static inline bool netns_open(void)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING };
	int fd, bad;

	if (unshare(CLONE_NEWNET))
		return false;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	bad = fd < 0 || ioctl(fd, SIOCSIFFLAGS, &r);
	close(fd);
	return !bad;
}

static inline socklen_t address(union address *to, int family, const char *text, u16 port)
{
	memset(to, 0, sizeof(*to));
	to->a.sa_family = (sa_family_t)family;
	if (family == AF_INET) {
		to->v4.sin_port = htons(port);
		assert_int_equal(inet_pton(AF_INET, text, &to->v4.sin_addr), 1);
		return sizeof(to->v4);
	}
	to->v6.sin6_port = htons(port);
	assert_int_equal(inet_pton(AF_INET6, text, &to->v6.sin6_addr), 1);
	return sizeof(to->v6);
}

enum { REAL_REUSE = 1, REAL_ONLY = 2, REAL_MARK = 4, REAL_DEVICE = 8, REAL_FREE = 16,
       REAL_SHARE = 32 };

static inline void set_one(int fd, int level, int option)
{
	int one = 1;

	assert_int_equal(setsockopt(fd, level, option, &one, sizeof(one)), 0);
}

static inline u64 cookie_of(int fd)
{
	u64 cookie = 0;
	socklen_t n = sizeof(cookie);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &n), 0);
	return cookie;
}

/* A bound socket; one of TCP listens. */
static inline struct real real_bound(int family, int type, const char *at, u16 port, int flags)
{
	struct real r = { .fd = socket(family, type, 0), .family = family, .type = type };
	union address a;
	socklen_t n = address(&a, family, at, port);

	assert_true(r.fd >= 0);
	if (flags & REAL_REUSE)
		set_one(r.fd, SOL_SOCKET, SO_REUSEPORT);
	if (flags & REAL_SHARE)
		set_one(r.fd, SOL_SOCKET, SO_REUSEADDR);
	if (flags & REAL_ONLY)
		set_one(r.fd, IPPROTO_IPV6, IPV6_V6ONLY);
	if (flags & REAL_MARK)
		set_one(r.fd, SOL_SOCKET, SO_MARK);
	if (flags & REAL_FREE)
		set_one(r.fd, family == AF_INET ? SOL_IP : SOL_IPV6,
			family == AF_INET ? IP_FREEBIND : IPV6_FREEBIND);
	if (flags & REAL_DEVICE)
		assert_int_equal(setsockopt(r.fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3), 0);
	if (bind(r.fd, &a.a, n))
		fail_msg("bind %s:%u: %s", at, port, strerror(errno));
	if (type == SOCK_STREAM)
		assert_int_equal(listen(r.fd, 8), 0);
	r.cookie = cookie_of(r.fd);
	return r;
}

static inline struct real real_connected(int family, int type, const char *to, u16 port)
{
	struct real r = { .fd = socket(family, type, 0), .family = family, .type = type };
	union address a;
	socklen_t n = address(&a, family, to, port);

	if (connect(r.fd, &a.a, n))
		fail_msg("connect %s:%u: %s", to, port, strerror(errno));
	r.cookie = cookie_of(r.fd);
	return r;
}

static inline struct real real_accepted(const struct real *l)
{
	struct real r = { .fd = accept(l->fd, NULL, NULL), .family = l->family, .type = l->type };

	assert_true(r.fd >= 0);
	r.cookie = cookie_of(r.fd);
	return r;
}

/* "[::1]:80" */
static inline void end_text(char *out, size_t size, const union address *a)
{
	char text[INET6_ADDRSTRLEN];

	if (a->a.sa_family == AF_INET)
		snprintf(out, size, "%s:%u", inet_ntop(AF_INET, &a->v4.sin_addr, text,
						       sizeof(text)), ntohs(a->v4.sin_port));
	else
		snprintf(out, size, "[%s]:%u", inet_ntop(AF_INET6, &a->v6.sin6_addr, text,
							 sizeof(text)), ntohs(a->v6.sin6_port));
}

static inline int option_of(int fd, int level, int option)
{
	int v = 0;
	socklen_t n = sizeof(v);

	getsockopt(fd, level, option, &v, &n);
	return v;
}

static inline void set_field(struct sock_text *t, const char *key, const char *value)
{
	char why[SOCK_WHY_BYTES];

	if (sock_text_set(t, key, value, why))
		fail_msg("%s = %s: %s", key, value, why);
}

static inline void set_number_field(struct sock_text *t, const char *key, u64 v)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	set_field(t, key, text);
}

/* Adds a description of R, made of what the system says. */
static inline void real_describe(struct sockets *l, const struct real *r)
{
	char text[64], why[SOCK_WHY_BYTES], device[IFNAMSIZ] = "";
	socklen_t n = sizeof(union address), d = sizeof(device);
	union address a;
	struct sock_text t;

	sock_text_init(&t);
	set_field(&t, "protocol", r->type == SOCK_STREAM ? "tcp" : "udp");
	assert_int_equal(getsockname(r->fd, &a.a, &n), 0);
	end_text(text, sizeof(text), &a);
	set_field(&t, "local", text);
	n = sizeof(a);
	if (!getpeername(r->fd, &a.a, &n)) {
		end_text(text, sizeof(text), &a);
		set_field(&t, "remote", text);
	}
	set_number_field(&t, "cookie", r->cookie);
	set_number_field(&t, "mark", (u64)option_of(r->fd, SOL_SOCKET, SO_MARK));
	set_number_field(&t, "priority", (u64)option_of(r->fd, SOL_SOCKET, SO_PRIORITY));
	if (r->family == AF_INET6)
		set_field(&t, "v6only", option_of(r->fd, IPPROTO_IPV6, IPV6_V6ONLY) ? "1" : "0");
	if (!getsockopt(r->fd, SOL_SOCKET, SO_BINDTODEVICE, device, &d) && device[0])
		set_field(&t, "ifindex", device);
	if (option_of(r->fd, SOL_SOCKET, SO_REUSEPORT))
		set_field(&t, "reuseport", "true");
	if (sockets_add(l, &t, why))
		fail_msg("%s", why);
}

#endif
