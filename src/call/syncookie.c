/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syncookie.c: cookies for connections whose state nobody keeps. A cookie has the minute in
 * its upper byte and below it which of four segment sizes was agreed, both hidden by keyed
 * hashes of the addresses and ports; it is good for two minutes. The keys are this
 * process's own.
 */
#include "call/bodies.h"
#include "base/os.h"
#include <endian.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>

enum { SIZES = 4, AGE = 2, LOW = 0xffffff, MSS_V4 = 536, MSS_V6 = 1220 };

static const u16 sizes_v4[SIZES] = { 536, 1300, 1440, 1460 };
static const u16 sizes_v6[SIZES] = { 1220, 1420, 1440, 8940 };

/* Who talks to whom: what both sides of a connection have, as a packet of the client says. */
struct flow {
	u8 addrs[32];
	u32 ports, bytes;
};

/* ---- keyed hashes: SipHash-2-4 ----------------------------------------------------- */

static u64 rol(u64 v, u32 n) { return v << n | v >> (64 - n); }

static void sip_round(u64 v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rol(v[1], 13) ^ v[0];
	v[3] = rol(v[3], 16) ^ v[2];
	v[0] = rol(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rol(v[1], 17) ^ v[2];
	v[3] = rol(v[3], 21) ^ v[0];
	v[2] = rol(v[2], 32);
}

static u64 sip(const u64 key[2], const u64 *words, u32 n)
{
	u64 v[4] = { key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
		     key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u };

	for (u32 i = 0; i <= n; i++) {
		u64 word = i < n ? words[i] : (u64)n * 8 << 56;

		v[3] ^= word;
		sip_round(v);
		sip_round(v);
		v[0] ^= word;
	}
	v[2] ^= 0xff;
	for (u32 i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* One of two hashes of F and MORE. */
static u32 hash(const struct flow *f, u32 more, u32 which)
{
	static u64 keys[2][2];
	static u32 state;	/* 0: no keys yet, 1: being made, 2: there */
	u64 words[6] = { 0 };

	while (__atomic_load_n(&state, __ATOMIC_ACQUIRE) != 2) {
		u32 none = 0;

		if (!__atomic_compare_exchange_n(&state, &none, 1, false, __ATOMIC_ACQUIRE,
						 __ATOMIC_RELAXED))
			continue;
		os_random(keys, sizeof(keys));
		__atomic_store_n(&state, 2, __ATOMIC_RELEASE);
	}
	memcpy(words, f->addrs, sizeof(f->addrs));
	words[4] = f->ports;
	words[5] = (u64)f->bytes << 32 | more;
	return (u32)sip(keys[which], words, 6);
}

/* ---- cookies --------------------------------------------------------------------------- */

static u32 minute(const struct run *run) { return (u32)(clock_ns(run) / 60000000000u); }

static u32 make(const struct flow *f, u32 seq, u32 now, u32 index)
{
	return hash(f, 0, 0) + seq + (now << 24) + ((hash(f, now, 1) + index) & LOW);
}

static bool holds(const struct flow *f, u32 seq, u32 cookie, u32 now)
{
	u32 rest = cookie - hash(f, 0, 0) - seq, age = (now - (rest >> 24)) & 0xff;

	return age < AGE && ((rest - hash(f, now - age, 1)) & LOW) < SIZES;
}

/* ---- packets ------------------------------------------------------------------------------ */

/* The segment size that the options of TH say; 0: none. */
static u32 option_mss(const u8 *th, u32 bytes)
{
	u32 mss = 0;

	for (u32 at = sizeof(struct tcphdr); at < bytes && th[at] != TCPOPT_EOL;) {
		u32 left = bytes - at, n;

		if (th[at] == TCPOPT_NOP) {
			at++;
			continue;
		}
		n = left > 1 ? th[at + 1] : 0;
		if (n < 2 || n > left)
			break;
		if (th[at] == TCPOPT_MAXSEG && n == TCPOLEN_MAXSEG && (th[at + 2] || th[at + 3]))
			mss = (u32)th[at + 2] << 8 | th[at + 3];
		at += n;
	}
	return mss;
}

static struct flow flow_v4(u64 ip, const struct tcphdr *th)
{
	struct flow f = { .bytes = 8 };

	memcpy(f.addrs, (u8 *)call_ptr(ip) + offsetof(struct iphdr, saddr), 8);
	memcpy(&f.ports, &th->source, 4);
	return f;
}

static struct flow flow_v6(u64 ip, const struct tcphdr *th)
{
	struct flow f = { .bytes = 32 };

	memcpy(f.addrs, (u8 *)call_ptr(ip) + offsetof(struct ip6_hdr, ip6_src), 32);
	memcpy(&f.ports, &th->source, 4);
	return f;
}

/* For the header at R2, of R3 bytes with its options: the cookie, and above it the size. */
static u64 generate(const struct run *run, u64 r2, u64 r3, const struct flow *f,
		    const u16 sizes[SIZES], u32 otherwise)
{
	const u8 *bytes = call_ptr(r2);
	u32 n = (u32)r3, mss, i = SIZES - 1;
	struct tcphdr th;

	memcpy(&th, bytes, sizeof(th));
	mss = option_mss(bytes, n);
	mss = mss ? mss : otherwise;
	while (i && mss < sizes[i])
		i--;
	return make(f, be32toh(th.seq), minute(run), i) | (u64)sizes[i] << 32;
}

/* Is R2 a whole TCP header of R3 bytes? */
static bool is_header(u64 r2, u64 r3, struct tcphdr *th)
{
	if ((u32)r3 < sizeof(*th))
		return false;
	memcpy(th, call_ptr(r2), sizeof(*th));
	return th->doff * 4u == (u32)r3;
}

HELPER_BODY(call_gen_syncookie_v4)
{
	struct tcphdr th;
	struct flow f;

	if (!is_header(r2, r3, &th))
		return call_error(-EINVAL);
	f = flow_v4(r1, &th);
	return generate(run, r2, r3, &f, sizes_v4, MSS_V4);
}

HELPER_BODY(call_gen_syncookie_v6)
{
	struct tcphdr th;
	struct flow f;

	if (!is_header(r2, r3, &th))
		return call_error(-EINVAL);
	f = flow_v6(r1, &th);
	return generate(run, r2, r3, &f, sizes_v6, MSS_V6);
}

static u64 check(const struct run *run, const struct tcphdr *th, const struct flow *f)
{
	bool good = holds(f, be32toh(th->seq) - 1, be32toh(th->ack_seq) - 1, minute(run));

	return call_error(good ? 0 : -EACCES);
}

HELPER_BODY(call_check_syncookie_v4)
{
	struct tcphdr th;
	struct flow f;

	memcpy(&th, call_ptr(r2), sizeof(th));
	f = flow_v4(r1, &th);
	return check(run, &th, &f);
}

HELPER_BODY(call_check_syncookie_v6)
{
	struct tcphdr th;
	struct flow f;

	memcpy(&th, call_ptr(r2), sizeof(th));
	f = flow_v6(r1, &th);
	return check(run, &th, &f);
}
