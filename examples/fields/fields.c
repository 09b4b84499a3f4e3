// SPDX-License-Identifier: BSD-2-Clause
/*
 * fields.c: a socket filter that reads requests out of the traffic: the name
 * and type that a DNS query asks for (RFC 1035), the method, path and host of
 * an HTTP/1 request (RFC 9112). Each becomes a record in the ring buffer;
 * other packets are not kept. IPv4 and IPv6, under one VLAN tag at most.
 *
 *	clang -O2 -g -target bpf -mcpu=v3 -c fields.c -o fields.o
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define TEXT_BYTES 128
#define PORT_DNS 53
#define PORT_HTTP 80
#define DNS_HEADER 12

enum kind { DNS_QUERY = 1, HTTP_REQUEST };

struct record {
	__u32 kind;		/* enum kind */
	__u32 dns_type;		/* 1 A, 28 AAAA, ... */
	char method[8];
	char name[TEXT_BYTES];	/* of DNS, or HTTP's Host */
	char path[TEXT_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, char[TEXT_BYTES]);
	__type(value, __u64);
} names SEC(".maps");

/* Where a record grows: too big for the stack beside its copy of the packet. */
struct scratch {
	struct record r;
	char text[2 * TEXT_BYTES];
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

__u64 lost;			/* records that found no room */

/* From the network header on: some sockets show their filter the Ethernet header
 * before it, others do not. */
static __always_inline long load(struct __sk_buff *skb, __u32 off, void *to, __u32 bytes)
{
	return bpf_skb_load_bytes_relative(skb, off, to, bytes, BPF_HDR_START_NET);
}

static __always_inline int load16(struct __sk_buff *skb, __u32 off)
{
	__be16 v;

	return load(skb, off, &v, sizeof(v)) ? -1 : bpf_ntohs(v);
}

static __always_inline int load8(struct __sk_buff *skb, __u32 off)
{
	__u8 v;

	return load(skb, off, &v, sizeof(v)) ? -1 : v;
}

/* What there is of the packet from OFF, as text with a 0 behind it. The length may
 * count an Ethernet header, too. */
static __always_inline int load_text(struct __sk_buff *skb, __u32 off, struct scratch *s)
{
	__u32 bytes = skb->len - off;

	if ((int)bytes <= 0)
		return 0;
	if (bytes > sizeof(s->text) - 1)
		bytes = sizeof(s->text) - 1;
	__builtin_memset(s->text, 0, sizeof(s->text));
	if (!load(skb, off, s->text, bytes))
		return 1;
	return bytes > ETH_HLEN && !load(skb, off, s->text, bytes - ETH_HLEN);
}

/* Offset of the layer 4 header, its protocol in *PROTO; -1 = none. */
static __always_inline int find_l4(struct __sk_buff *skb, int *proto)
{
	int type = bpf_ntohs(skb->protocol), off = 0, ihl;

	if (type == ETH_P_8021Q) {
		type = load16(skb, off + 2);
		off += 4;
	}
	if (type == ETH_P_IPV6) {
		*proto = load8(skb, off + 6);
		return off + 40;
	}
	if (type != ETH_P_IP)
		return -1;
	ihl = load8(skb, off) & 15;
	if (ihl < 5 || load16(skb, off + 6) & 0x1fff)
		return -1;
	*proto = load8(skb, off + 9);
	return off + ihl * 4;
}

/* ---- DNS: labels, each with its length in front, joined by dots ---------- */

struct labels {
	struct scratch *s;
	__u32 left;		/* bytes of this label to come */
	__u32 at;		/* in the text */
	int ended;
};

static long dns_byte(__u64 i, struct labels *l)
{
	__u32 out = i - 1;
	__u8 c;

	l->at = i;
	if (i >= TEXT_BYTES)
		return 1;
	c = l->s->text[i];
	if (l->left) {
		l->left--;
		if (out < TEXT_BYTES - 1)
			l->s->r.name[out] = c;
		return 0;
	}
	l->ended = !c;
	if (!c || c > 63)	/* queries have no pointers */
		return 1;
	l->left = c;
	if (i && out < TEXT_BYTES - 1)
		l->s->r.name[out] = '.';
	return 0;
}

static __always_inline int parse_dns(struct __sk_buff *skb, int off, struct scratch *s)
{
	struct labels l = { .s = s };
	int flags = load16(skb, off + 2);

	if (flags < 0 || flags & 0xf800 || load16(skb, off + 4) != 1)
		return 0;	/* an answer, or no plain query */
	if (!load_text(skb, off + DNS_HEADER, s))
		return 0;
	s->r.kind = DNS_QUERY;
	bpf_loop(TEXT_BYTES, dns_byte, &l, 0);
	s->r.dns_type = load16(skb, off + DNS_HEADER + l.at + 1);
	return l.ended;
}

/* ---- HTTP: "METHOD /path HTTP/1.1\r\n", then lines, one of them "Host: " ---- */

enum http_state { METHOD, PATH, LINE, HEADER, HOST };

struct request {
	struct scratch *s;
	enum http_state state;
	__u32 n;		/* bytes of what the state reads */
	int good;		/* method and path were there */
};

static __always_inline void go(struct request *q, enum http_state state)
{
	q->state = state;
	q->n = 0;
}

/* C belongs to a text of SIZE bytes at TO. */
static __always_inline void put(struct request *q, char *to, __u32 size, char c)
{
	__u32 n = q->n++;

	if (n < size - 1)
		to[n] = c;
}

static __always_inline long in_header(struct request *q, char c)
{
	static const char host[] = "host: ";
	__u32 n = q->n;

	if (n >= sizeof(host) - 1 || (c | 0x20) != (host[n] | 0x20))
		go(q, LINE);
	else if (++q->n == sizeof(host) - 1)
		go(q, HOST);
	return c == '\r' && !n;		/* the empty line: no more headers */
}

static long http_byte(__u64 i, struct request *q)
{
	struct record *r = &q->s->r;
	char c;

	if (i >= sizeof(q->s->text))
		return 1;
	c = q->s->text[i];
	if (!c)
		return 1;
	switch (q->state) {
	case METHOD:
		if (c == ' ')
			go(q, PATH);
		else if (c < 'A' || c > 'Z')
			return 1;
		else
			put(q, r->method, sizeof(r->method), c);
		return 0;
	case PATH:
		if (!q->n && c != '/')
			return 1;
		q->good = 1;
		if (c == ' ')
			go(q, LINE);
		else
			put(q, r->path, sizeof(r->path), c);
		return 0;
	case LINE:
		if (c == '\n')
			go(q, HEADER);
		return 0;
	case HEADER:
		return in_header(q, c);
	case HOST:
		if (c == '\r')
			return 1;
		put(q, r->name, sizeof(r->name), c);
		return 0;
	}
	return 1;
}

static __always_inline int parse_http(struct __sk_buff *skb, int off, struct scratch *s)
{
	struct request q = { .s = s };

	if (!load_text(skb, off, s))
		return 0;
	s->r.kind = HTTP_REQUEST;
	bpf_loop(sizeof(s->text), http_byte, &q, 0);
	return q.good;
}

/* ---- the filter -------------------------------------------------------------- */

static __always_inline int parse(struct __sk_buff *skb, struct scratch *s)
{
	int proto = 0, off = find_l4(skb, &proto), header;

	if (off < 0)
		return 0;
	if (proto == IPPROTO_UDP && load16(skb, off + 2) == PORT_DNS)
		return parse_dns(skb, off + 8, s);
	if (proto != IPPROTO_TCP || load16(skb, off + 2) != PORT_HTTP)
		return 0;
	header = load8(skb, off + 12);
	return header < 0 ? 0 : parse_http(skb, off + (header >> 4) * 4, s);
}

SEC("socket")
int fields(struct __sk_buff *skb)
{
	__u32 zero = 0;
	__u64 one = 1, *n;
	struct scratch *s = bpf_map_lookup_elem(&scratch, &zero);

	if (!s)
		return 0;
	__builtin_memset(&s->r, 0, sizeof(s->r));
	if (!parse(skb, s))
		return 0;
	if (bpf_ringbuf_output(&records, &s->r, sizeof(s->r), 0))
		__sync_fetch_and_add(&lost, 1);
	n = bpf_map_lookup_elem(&names, s->r.name);
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&names, s->r.name, &one, BPF_NOEXIST);
	return skb->len;
}

char _license[] SEC("license") = "Dual BSD/GPL";
