/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sockets.c: descriptions of sockets into what programs see of them. What a
 * description leaves open is as a socket of its kind has it: a TCP socket
 * without a remote end listens, a UDP socket is not connected.
 */
#include "host/sockets.h"
#include <arpa/inet.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>

enum { ADDR_BYTES = 128, V4_OF_V6 = 0x7f000006 };

static const u32 any_addr[4];

static const struct { const char *name; u32 state; } states[] = {
	{ "ESTAB", 1 }, { "ESTABLISHED", 1 }, { "SYN-SENT", 2 }, { "SYN-RECV", 12 },
	{ "FIN-WAIT-1", 4 }, { "FIN-WAIT-2", 5 }, { "TIME-WAIT", 6 }, { "UNCONN", 7 },
	{ "CLOSE", 7 }, { "CLOSE-WAIT", 8 }, { "LAST-ACK", 9 }, { "LISTEN", 10 },
	{ "CLOSING", 11 },
};

static int why_not(char why[SOCK_WHY_BYTES], const char *fmt, ...) PRINTF_LIKE(2, 3);
static int why_not(char why[SOCK_WHY_BYTES], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, SOCK_WHY_BYTES, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* ---- values -------------------------------------------------------------------- */

static int set_number(u64 *out, const char *s, u64 most, char why[SOCK_WHY_BYTES])
{
	char *end;

	errno = 0;
	*out = strtoull(s, &end, 0);
	if (*s < '0' || *s > '9' || *end || errno)
		return why_not(why, "'%.60s' is no number", s);
	return *out <= most ? 0 : why_not(why, "%llu is more than %llu",
					  (unsigned long long)*out, (unsigned long long)most);
}

static int set_u32(u32 *out, const char *s, u32 most, char why[SOCK_WHY_BYTES])
{
	u64 v = 0;
	int r = set_number(&v, s, most, why);

	*out = (u32)v;
	return r;
}

static int set_bool(bool *out, const char *s, char why[SOCK_WHY_BYTES])
{
	*out = !strcmp(s, "1") || !strcmp(s, "true");
	return *out || !strcmp(s, "0") || !strcmp(s, "false") ? 0 :
		why_not(why, "'%.60s' is neither true nor false", s);
}

static int set_protocol(struct sock_text *t, const char *s, char why[SOCK_WHY_BYTES])
{
	if (!strcasecmp(s, "tcp"))
		t->protocol = IPPROTO_TCP;
	else if (!strcasecmp(s, "udp"))
		t->protocol = IPPROTO_UDP;
	else
		return why_not(why, "'%.60s' is neither tcp nor udp", s);
	return 0;
}

static int set_state(struct sock_text *t, const char *s, char why[SOCK_WHY_BYTES])
{
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (!strcasecmp(s, states[i].name)) {
			t->state = states[i].state;
			return 0;
		}
	return why_not(why, "'%.60s' is no state: ESTAB, LISTEN, UNCONN and others as ss has them",
		       s);
}

static int set_device(u32 *ifindex, const char *s, char why[SOCK_WHY_BYTES])
{
	if (*s >= '0' && *s <= '9')
		return set_u32(ifindex, s, INT32_MAX, why);
	*ifindex = if_nametoindex(s);
	return *ifindex ? 0 : why_not(why, "there is no interface '%.60s' here: give its number",
				      s);
}

/* ---- ends ------------------------------------------------------------------------ */

/* Cuts "ADDR:PORT" at its last colon: the port behind it, ADDR in OUT without
 * brackets and device. */
static int cut_end(const char *s, char out[ADDR_BYTES], u16 *port, u32 *ifindex,
		   char why[SOCK_WHY_BYTES])
{
	const char *colon = strrchr(s, ':');
	size_t n = colon ? (size_t)(colon - s) : 0;
	char *device;
	u32 number = 0;
	int r = 0;

	if (!n || n >= ADDR_BYTES)
		return why_not(why, "'%.60s' is no ADDRESS:PORT", s);
	memcpy(out, s, n);
	out[n] = 0;
	if (strcmp(colon + 1, "*"))
		r = set_u32(&number, colon + 1, UINT16_MAX, why);
	*port = (u16)number;
	device = strchr(out, '%');
	if (!r && device) {	/* 10.0.0.1%lo, [fe80::1]%lo, [fe80::1%lo] */
		char name[ADDR_BYTES], *rest = device + strcspn(device, "]");

		snprintf(name, sizeof(name), "%.*s", (int)(rest - device - 1), device + 1);
		r = set_device(ifindex, name, why);
		memmove(device, rest, strlen(rest) + 1);
	}
	return r;
}

/* Sets one end; which family it says in *FAMILY: 0 = neither, as "*". */
static int set_end(u32 addr[4], u16 *port, u32 *family, u32 *ifindex, const char *s,
		   char why[SOCK_WHY_BYTES])
{
	char text[ADDR_BYTES], *at = text;
	size_t n;
	int r = cut_end(s, text, port, ifindex, why);

	if (r)
		return r;
	memset(addr, 0, 16);
	*family = 0;
	if (!strcmp(text, "*"))
		return 0;
	n = strlen(text);
	if (at[0] == '[' && at[n - 1] == ']') {
		at[n - 1] = 0;
		at++;
	}
	if (inet_pton(AF_INET, at, addr) == 1)
		*family = AF_INET;
	else if (inet_pton(AF_INET6, at, addr) == 1)
		*family = AF_INET6;
	return *family ? 0 : why_not(why, "'%.60s' is no address", text);
}

static int join_family(struct sock_text *t, u32 family, char why[SOCK_WHY_BYTES])
{
	if (family && t->family && t->family != family)
		return why_not(why, "one end is IPv4, the other IPv6");
	if (family)
		t->family = family;
	return 0;
}

static int set_local(struct sock_text *t, const char *s, char why[SOCK_WHY_BYTES])
{
	u32 family;
	int r = set_end(t->local, &t->local_port, &family, &t->ifindex, s, why);

	t->has_local = true;
	return r ? r : join_family(t, family, why);
}

/* "0.0.0.0:*" is none, which is how ss prints it. */
static int set_remote(struct sock_text *t, const char *s, char why[SOCK_WHY_BYTES])
{
	u32 family, nowhere = 0;
	int r = set_end(t->remote, &t->remote_port, &family, &nowhere, s, why);

	t->has_remote = t->remote_port || memcmp(t->remote, any_addr, 16);
	return r ? r : join_family(t, family, why);
}

/* ---- fields ---------------------------------------------------------------------- */

static const struct { const char *name; u16 at, bytes; } tcp_fields[] = {
#define TCP_FIELD(name) { #name, offsetof(struct bpf_tcp_sock, name), \
	sizeof(((struct bpf_tcp_sock *)0)->name) },
#include "model/ctx/sock.def"
#undef TCP_FIELD
};

static int set_tcp(struct sock_text *t, const char *key, const char *value,
		   char why[SOCK_WHY_BYTES])
{
	for (size_t i = 0; i < ARRAY_LEN(tcp_fields); i++) {
		u64 v = 0;
		u32 v32;
		int r;

		if (strcmp(key, tcp_fields[i].name))
			continue;
		r = set_number(&v, value, tcp_fields[i].bytes == 4 ? UINT32_MAX : UINT64_MAX, why);
		v32 = (u32)v;
		memcpy((u8 *)&t->tcp + tcp_fields[i].at, tcp_fields[i].bytes == 4 ? (void *)&v32 :
		       (void *)&v, tcp_fields[i].bytes);
		return r;
	}
	return why_not(why, "there is no field '%.60s'", key);
}

static int set_group(struct sock_text *t, const char *s, char why[SOCK_WHY_BYTES])
{
	t->own_group = !strcmp(s, "true") || !strcmp(s, "1");
	t->group = t->own_group || !strcmp(s, "false") || !strcmp(s, "0") ? NULL : s;
	return *s ? 0 : why_not(why, "a group has a name, or is true");
}

static int set_family(struct sock_text *t, const char *s, char why[SOCK_WHY_BYTES])
{
	u32 family = !strcasecmp(s, "ipv4") ? AF_INET : !strcasecmp(s, "ipv6") ? AF_INET6 : 0;

	return family ? join_family(t, family, why) :
			why_not(why, "'%.60s' is neither ipv4 nor ipv6", s);
}

static int set_queue(struct sock_text *t, const char *s, char why[SOCK_WHY_BYTES])
{
	u32 v;
	int r = set_u32(&v, s, UINT16_MAX - 1, why);

	t->queue = (s32)v;
	return r;
}

const char *sock_text_keys(void)
{
	return "name, protocol, state, family, local, remote, cookie, mark, priority, ifindex, "
	       "rx_queue, reuseport, v6only, and those of struct bpf_tcp_sock";
}

void sock_text_init(struct sock_text *t)
{
	memset(t, 0, sizeof(*t));
	t->queue = -1;
}

int sock_text_set(struct sock_text *t, const char *key, const char *value,
		  char why[SOCK_WHY_BYTES])
{
	if (!strcmp(key, "name")) {
		t->name = value;
		return *value ? 0 : why_not(why, "a name is empty");
	}
	if (!strcmp(key, "protocol"))
		return set_protocol(t, value, why);
	if (!strcmp(key, "state"))
		return set_state(t, value, why);
	if (!strcmp(key, "family"))
		return set_family(t, value, why);
	if (!strcmp(key, "local"))
		return set_local(t, value, why);
	if (!strcmp(key, "remote"))
		return set_remote(t, value, why);
	if (!strcmp(key, "mark"))
		return set_u32(&t->mark, value, UINT32_MAX, why);
	if (!strcmp(key, "priority"))
		return set_u32(&t->priority, value, UINT32_MAX, why);
	if (!strcmp(key, "ifindex"))
		return set_device(&t->ifindex, value, why);
	if (!strcmp(key, "rx_queue"))
		return set_queue(t, value, why);
	if (!strcmp(key, "reuseport"))
		return set_group(t, value, why);
	if (!strcmp(key, "cookie")) {
		t->has_cookie = true;
		return set_number(&t->cookie, value, UINT64_MAX, why);
	}
	if (!strcmp(key, "v6only")) {
		t->has_v6_only = true;
		return set_bool(&t->v6_only, value, why);
	}
	return set_tcp(t, key, value, why);
}

/* ---- a whole socket ---------------------------------------------------------------- */

static int check_text(const struct sock_text *t, char why[SOCK_WHY_BYTES])
{
	bool udp = t->protocol == IPPROTO_UDP;

	if (!t->protocol)
		return why_not(why, "it has no protocol: tcp or udp");
	if (!t->has_local)
		return why_not(why, "it has no local end: ADDRESS:PORT");
	if (t->v6_only && t->family == AF_INET)
		return why_not(why, "it is IPv4 and v6only");
	if (udp && t->state && t->state != SOCK_ESTABLISHED && t->state != SOCK_CLOSE)
		return why_not(why, "a UDP socket is ESTAB or UNCONN");
	if (t->state == SOCK_LISTEN && t->has_remote)
		return why_not(why, "it listens and has a remote end");
	if (t->state == SOCK_ESTABLISHED && !t->has_remote && !udp)
		return why_not(why, "it is connected and has no remote end");
	if (!t->local_port && t->state != SOCK_CLOSE)
		return why_not(why, "its local port is 0");
	if (t->has_cookie && !t->cookie)
		return why_not(why, "its cookie is 0");
	return 0;
}

static bool is_mapped(const u32 a[4])
{
	return !a[0] && !a[1] && a[2] == htonl(0xffff);
}

/* What an address of IPv6 is to who reads the field of IPv4, as Linux has it. */
static u32 v4_of(const u32 a[4])
{
	if (!memcmp(a, any_addr, 16))
		return 0;
	return is_mapped(a) ? a[3] : htonl(V4_OF_V6);
}

/* Connections of IPv4 have their addresses in the fields of IPv6, too. */
static void map_v4(u32 to[4], u32 addr)
{
	to[2] = htonl(0xffff);
	to[3] = addr;
}

static void fill_ends(struct bpf_sock *f, const struct sock_text *t)
{
	f->src_port = t->local_port;
	f->dst_port = htons(t->remote_port);
	if (f->family == AF_INET) {
		f->src_ip4 = t->local[0];
		f->dst_ip4 = t->remote[0];
		if (t->protocol == IPPROTO_TCP && t->has_remote) {
			map_v4(f->src_ip6, f->src_ip4);
			map_v4(f->dst_ip6, f->dst_ip4);
		}
		return;
	}
	memcpy(f->src_ip6, t->local, 16);
	memcpy(f->dst_ip6, t->remote, 16);
	f->src_ip4 = v4_of(t->local);
	f->dst_ip4 = is_mapped(t->remote) || t->protocol == IPPROTO_TCP ? v4_of(t->remote) : 0;
}

static u32 state_of(const struct sock_text *t)
{
	if (t->state)
		return t->state;
	if (t->has_remote)
		return SOCK_ESTABLISHED;
	return t->protocol == IPPROTO_TCP ? SOCK_LISTEN : SOCK_CLOSE;
}

static u32 group_number(struct sockets *l, const char *name)
{
	for (size_t i = 0; i < l->groups.n; i++)
		if (!strcmp(l->groups.v[i], name))
			return (u32)i + 1;
	*vec_push(&l->groups) = arena_strdup(&l->names, name);
	return (u32)l->groups.n;
}

/* "tcp 10.0.0.1:80", with the remote end of those that have one. */
static const char *make_name(struct sockets *l, const struct sock_text *t, u32 family)
{
	char a[INET6_ADDRSTRLEN] = "?", b[INET6_ADDRSTRLEN] = "?";
	const char *left = family == AF_INET6 ? "[" : "", *right = *left ? "]" : "";
	const char *proto = t->protocol == IPPROTO_TCP ? "tcp" : "udp";

	inet_ntop((int)family, t->local, a, sizeof(a));
	inet_ntop((int)family, t->remote, b, sizeof(b));
	if (!t->has_remote)
		return arena_printf(&l->names, "%s %s%s%s:%u", proto, left, a, right,
				    t->local_port);
	return arena_printf(&l->names, "%s %s%s%s:%u %s%s%s:%u", proto, left, a, right,
			    t->local_port, left, b, right, t->remote_port);
}

static u32 group_of(struct sockets *l, const struct sock_text *t, const char *address)
{
	if (t->group)
		return group_number(l, t->group);
	return t->own_group ? group_number(l, address) : 0;
}

int sockets_add(struct sockets *l, const struct sock_text *t, char why[SOCK_WHY_BYTES])
{
	u32 family = t->family ? t->family : AF_INET6;
	struct sock *s, made = { .tcp = t->tcp, .v6_only = t->v6_only };
	const char *address;
	int r = check_text(t, why);

	if (r)
		return r;
	if (l->v.n >= SOCKETS_MAX)
		return why_not(why, "more than %d sockets", SOCKETS_MAX);
	address = make_name(l, t, family);
	made.full = (struct bpf_sock){ .bound_dev_if = t->ifindex, .family = family,
		.type = t->protocol == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM,
		.protocol = t->protocol, .mark = t->mark, .priority = t->priority,
		.state = state_of(t), .rx_queue_mapping = t->queue };
	fill_ends(&made.full, t);
	made.common = made.full;
	made.cookie = t->has_cookie ? t->cookie : l->v.n + 1;
	made.name = t->name ? arena_strdup(&l->names, t->name) : address;
	made.group = group_of(l, t, address);
	s = vec_push(&l->v);
	*s = made;
	return 0;
}

/* ---- all of them ------------------------------------------------------------------ */

static int by_cookie(const void *a, const void *b)
{
	const struct sock *const *x = a, *const *y = b;

	return ((*x)->cookie > (*y)->cookie) - ((*x)->cookie < (*y)->cookie);
}

static int by_name(const void *a, const void *b)
{
	const struct sock *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

int sockets_check(const struct sockets *l, const char *path, struct skep_err *err)
{
	const struct sock **v = mem_alloc((l->v.n + 1) * sizeof(struct sock *));
	int r = 0;

	for (size_t i = 0; i < l->v.n; i++)
		v[i] = &l->v.v[i];
	qsort(v, l->v.n, sizeof(struct sock *), by_cookie);
	for (size_t i = 1; !r && i < l->v.n; i++)
		if (v[i]->cookie == v[i - 1]->cookie)
			r = err_set(err, ERR_SOCKETS, path, "sockets '%s' and '%s' have the same "
				    "cookie, %llu", v[i - 1]->name, v[i]->name,
				    (unsigned long long)v[i]->cookie);
	qsort(v, l->v.n, sizeof(struct sock *), by_name);
	for (size_t i = 1; !r && i < l->v.n; i++)
		if (!strcmp(v[i]->name, v[i - 1]->name))
			r = err_set(err, ERR_SOCKETS, path, "two sockets are called '%s'; give "
				    "each a name", v[i]->name);
	free(v);
	return r;
}

s64 sockets_by_cookie(const struct sockets *l, u64 cookie)
{
	for (size_t i = 0; i < l->v.n; i++)
		if (l->v.v[i].cookie == cookie)
			return (s64)i;
	return -1;
}

s64 sockets_find(const struct sockets *l, const char *name)
{
	for (size_t i = 0; i < l->v.n; i++)
		if (!strcmp(l->v.v[i].name, name))
			return (s64)i;
	return -1;
}

void sockets_free(struct sockets *l)
{
	vec_free(&l->v);
	vec_free(&l->groups);
	arena_free(&l->names);
}
