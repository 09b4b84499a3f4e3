/* SPDX-License-Identifier: BSD-2-Clause */
/* packet.c: the head of a packet in words and as bytes. Believes no length. */
#include "debug/command.h"
#include <arpa/inet.h>
#include <ctype.h>

enum { SHOWN = 128 };

struct head { struct strbuf *out; const u8 *p; u32 at, n; };

static u16 be16(const u8 *p) { return (u16)(p[0] << 8 | p[1]); }
static u32 be32(const u8 *p) { return (u32)be16(p) << 16 | be16(p + 2); }

/* N more bytes are there; they are taken. */
static const u8 *take(struct head *h, u32 n)
{
	if (!in_bounds(h->at, n, h->n))
		return NULL;
	h->at += n;
	return h->p + h->at - n;
}

static void put_mac(struct strbuf *out, const u8 *m)
{
	for (int i = 0; i < 6; i++)
		sb_printf(out, "%s%02x", i ? ":" : "", m[i]);
}

static void put_ip(struct strbuf *out, int family, const u8 *a)
{
	char text[INET6_ADDRSTRLEN];

	sb_puts(out, inet_ntop(family, a, text, sizeof(text)));
}

static void put_l4(struct head *h, u8 proto)
{
	const u8 *p = take(h, proto == 6 ? 20 : 8);

	if (!p)
		return;
	if (proto == 6) {
		static const char flags[] = "FSRPAUEC";

		sb_printf(h->out, "TCP      %u > %u, seq %u, ack %u, flags ", be16(p),
			  be16(p + 2), be32(p + 4), be32(p + 8));
		for (int i = 0; i < 8; i++)
			if (p[13] >> i & 1)
				sb_putc(h->out, flags[i]);
		sb_printf(h->out, ", window %u\n", be16(p + 14));
	} else if (proto == 17) {
		sb_printf(h->out, "UDP      %u > %u, length %u\n", be16(p), be16(p + 2),
			  be16(p + 4));
	} else if (proto == 1 || proto == 58) {
		sb_printf(h->out, "%s   type %u, code %u\n", proto == 1 ? "ICMP  " : "ICMPv6",
			  p[0], p[1]);
	}
}

static void put_ipv4(struct head *h)
{
	const u8 *p = take(h, 20);
	u32 more = p ? (p[0] & 15u) * 4 : 0;

	if (!p)
		return;
	sb_puts(h->out, "IPv4     ");
	put_ip(h->out, AF_INET, p + 12);
	sb_puts(h->out, " > ");
	put_ip(h->out, AF_INET, p + 16);
	sb_printf(h->out, ", protocol %u, ttl %u, length %u", p[9], p[8], be16(p + 2));
	if (be16(p + 6) & 0x3fff)
		sb_printf(h->out, ", fragment at %u", (be16(p + 6) & 0x1fffu) * 8);
	sb_putc(h->out, '\n');
	if (more >= 20 && take(h, more - 20) && !(be16(p + 6) & 0x1fff))
		put_l4(h, p[9]);
}

static void put_ipv6(struct head *h)
{
	const u8 *p = take(h, 40);

	if (!p)
		return;
	sb_puts(h->out, "IPv6     ");
	put_ip(h->out, AF_INET6, p + 8);
	sb_puts(h->out, " > ");
	put_ip(h->out, AF_INET6, p + 24);
	sb_printf(h->out, ", next header %u, hop limit %u, length %u\n", p[6], p[7], be16(p + 4));
	put_l4(h, p[6]);
}

static void put_arp(struct head *h)
{
	const u8 *p = take(h, 28);

	if (!p)
		return;
	sb_printf(h->out, "ARP      %s, ", be16(p + 6) == 1 ? "request" : "reply");
	put_ip(h->out, AF_INET, p + 14);
	sb_puts(h->out, " > ");
	put_ip(h->out, AF_INET, p + 24);
	sb_putc(h->out, '\n');
}

static void put_ethernet(struct head *h)
{
	const u8 *p = take(h, 14);
	u16 type;

	if (!p)
		return;
	type = be16(p + 12);
	sb_puts(h->out, "Ethernet ");
	put_mac(h->out, p + 6);
	sb_puts(h->out, " > ");
	put_mac(h->out, p);
	sb_printf(h->out, ", type 0x%04x\n", type);
	while ((type == 0x8100 || type == 0x88a8) && (p = take(h, 4))) {
		type = be16(p + 2);
		sb_printf(h->out, "VLAN     id %u, priority %u, type 0x%04x\n",
			  be16(p) & 0xfffu, p[0] >> 5, type);
	}
	if (type == 0x0800)
		put_ipv4(h);
	else if (type == 0x86dd)
		put_ipv6(h);
	else if (type == 0x0806)
		put_arp(h);
}

void packet_text(struct strbuf *out, const u8 *p, u32 bytes)
{
	struct head h = { out, p, 0, bytes };

	sb_printf(out, "%u bytes\n", bytes);
	/* programs behind the network layer get it without its Ethernet header */
	if (bytes >= 20 && p[0] >> 4 == 4 && be16(p + 2) <= bytes && be16(p + 2) >= 20)
		put_ipv4(&h);
	else
		put_ethernet(&h);
	for (u32 i = 0; i < bytes && i < SHOWN; i += 16) {
		sb_printf(out, "%04x ", i);
		for (u32 k = i; k < i + 16; k++)
			if (k < bytes)
				sb_printf(out, " %02x", p[k]);
			else
				sb_puts(out, "   ");
		sb_puts(out, "  ");
		for (u32 k = i; k < i + 16 && k < bytes; k++)
			sb_putc(out, isprint(p[k]) ? (char)p[k] : '.');
		sb_putc(out, '\n');
	}
	if (bytes > SHOWN)
		sb_printf(out, "... %u more\n", bytes - SHOWN);
}
