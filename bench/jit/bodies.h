/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bodies.h: what bench/jit.c measures, as C that is compiled both natively and to
 * BPF. Each body works on the global array mem (MEM bytes, the same everywhere)
 * and gives a number, which is compared. Loops have fixed ends and indexes are
 * masked, so that any verifier takes them. What is stored does not lie a multiple of
 * 4096 from what is loaded, which processors take for the same now and then.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;

enum { MEM = 65536, MASK = MEM - 1 };

#define U32(at) (*(volatile u32 *)(mem + ((at) & (MASK & ~3u))))
#define ROL32(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define ROL64(x, n) ((x) << (n) | (x) >> (64 - (n)))

struct eth { u8 dst[6], src[6]; u16 proto; } __attribute__((packed));
struct ip { u8 ihl, tos; u16 len, id, frag; u8 ttl, proto; u16 sum; u32 src, dst; }
	__attribute__((packed));
struct tcp { u16 src, dst; u32 seq, ack; u16 flags; } __attribute__((packed));

static inline u32 swap16(u32 x) { return (x >> 8 & 0xff) | (x << 8 & 0xff00); }

static inline u64 parse_at(u32 at)
{
	const struct eth *e = (const struct eth *)(mem + (at & 0x7fff));
	const struct ip *ip = (const struct ip *)(e + 1);
	const struct tcp *t = (const struct tcp *)(ip + 1);

	if (e->proto != 8 || (ip->ihl & 15) != 5 || ip->proto != 6)
		return 1;
	return (u64)ip->src << 16 ^ ip->dst ^ swap16(t->src) ^ (u64)swap16(t->dst) << 32 ^
	       t->seq ^ e->src[3];
}

BODY(empty)
{
	return 0;
}

BODY(parse1)
{
	return parse_at(64);
}

BODY(parse16)
{
	u64 h = 0;

	for (u32 i = 0; i < 16; i++)
		h = h * 31 + parse_at(64 * i);
	return h;
}

BODY(intsum)
{
	u64 s = 0, x = mem[5];

	for (u32 i = 0; i < 4000; i++) {
		s += (u64)i ^ x;
		x = x * 3 + 1;
	}
	return s;
}

BODY(fnv1a)
{
	u32 h = 2166136261u;

	for (u32 i = 0; i < 4096; i++)
		h = (h ^ mem[i]) * 16777619u;
	return h;
}

BODY(wcopy)
{
	volatile u64 *to = (volatile u64 *)(mem + 32768), *from = (volatile u64 *)mem;

	for (u32 i = 0; i < 128; i++)
		to[i] = from[i];
	return to[77];
}

BODY(csum)
{
	u64 s = 0;

	for (u32 i = 0; i < 1500; i += 2)
		s += *(u16 *)(mem + i);
	s = (s & 0xffff) + (s >> 16);
	return ~((s & 0xffff) + (s >> 16)) & 0xffff;
}

BODY(matmul)
{
	u32 *a = (u32 *)mem, *b = a + 64, *c = a + 8192, sum = 0;

	for (u32 i = 0; i < 8; i++)
		for (u32 j = 0; j < 8; j++) {
			u32 s = 0;

			for (u32 k = 0; k < 8; k++)
				s += a[i * 8 + k] * b[k * 8 + j];
			c[i * 8 + j] = s;
			sum ^= s;
		}
	return sum;
}

BODY(sieve)
{
	u8 *s = mem + 49152;
	u32 n = 0;

	for (u32 i = 0; i < 2048; i++)
		*(volatile u8 *)(s + i) = 0;
	for (u32 i = 2; i < 46; i++)
		for (u32 j = i * i; j < 2048 && !s[i]; j += i)
			s[j & 2047] = 1;
	for (u32 i = 2; i < 2048; i++)
		n += !s[i];
	return n;
}

BODY(bsearch)
{
	u32 *t = (u32 *)(mem + 40960), found = 0;

	for (u32 i = 0; i < 64; i++) {
		u32 key = mem[i * 7] * 4u, lo = U32(60000);	/* 0, but no verifier knows */

		for (u32 step = 512; step; step >>= 1)
			lo += t[(lo + step) & 1023] <= key ? step : 0;
		found = found * 3 + lo;
	}
	return found;
}

BODY(switch_)
{
	u64 acc = 1;

	for (u32 i = 0; i < 512; i++)
		switch (mem[i] & 15) {
		case 0: acc += 3; break;
		case 1: acc ^= 0x55; break;
		case 2: acc *= 7; break;
		case 3: acc -= i; break;
		case 4: acc = acc << 3 | acc >> 61; break;
		case 5: acc += acc >> 5; break;
		case 6: acc ^= i; break;
		case 7: acc += 0x1234; break;
		case 8: acc = ~acc; break;
		case 9: acc -= 99; break;
		case 10: acc ^= acc << 7; break;
		case 11: acc += i * 5; break;
		case 12: acc *= 3; break;
		case 13: acc ^= 0xff00; break;
		case 14: acc += 1; break;
		default: acc -= 2;
		}
	return acc;
}

BODY(strcmp_)
{
	u32 r = 0;

	for (u32 i = 0; i < 32; i++) {
		const u8 *a = mem + 1024 + 32 * i, *b = mem + 4096 + 32 * i;
		u32 k = 0;

		while (k < 31 && a[k] == b[k])
			k++;
		r = r * 5 + a[k] - b[k];
	}
	return r;
}

BODY(popcnt)
{
	u64 n = 0;

	for (u32 i = 0; i < 128; i++) {
		u64 x = ((u64 *)mem)[i];

		x -= x >> 1 & 0x5555555555555555ull;
		x = (x & 0x3333333333333333ull) + (x >> 2 & 0x3333333333333333ull);
		x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0full;
		n += x * 0x0101010101010101ull >> 56;
	}
	return n;
}

BODY(divmod)
{
	u64 s = 0;

	for (u32 i = 0; i < 64; i++) {
		u32 x = ((u32 *)mem)[i];

		for (u32 d = 0; d < 4; d++) {
			s = s * 3 + x % 10;
			x /= 10;
		}
	}
	return s;
}

BODY(rothash)
{
	u32 a = 1, b = 2, c = 3;

	for (u32 i = 0; i < 256; i++) {
		a += ((u32 *)mem)[i];
		a ^= ROL32(c, 14);
		b ^= ROL32(a, 11);
		c += ROL32(b, 25);
		a ^= ROL32(c, 16);
	}
	return (u64)a << 32 | (b ^ c);
}

BODY(minmax)
{
	u32 lo = ~0u, hi = 0;

	for (u32 i = 0; i < 512; i++) {
		u32 x = U32(4 * i);

		lo = x < lo ? x : lo;
		hi = x > hi ? x : hi;
	}
	return (u64)hi << 32 | lo;
}

#define QUARTER(a, b, c, d) \
	(a += b, d = ROL32(d ^ a, 16), c += d, b = ROL32(b ^ c, 12), \
	 a += b, d = ROL32(d ^ a, 8), c += d, b = ROL32(b ^ c, 7))

BODY(chacha)
{
	u32 x[16], s = 0;

	for (u32 i = 0; i < 16; i++)
		x[i] = ((u32 *)mem)[i];
	for (u32 i = 0; i < 4; i++) {
		QUARTER(x[0], x[4], x[8], x[12]);
		QUARTER(x[1], x[5], x[9], x[13]);
		QUARTER(x[2], x[6], x[10], x[14]);
		QUARTER(x[3], x[7], x[11], x[15]);
		QUARTER(x[0], x[5], x[10], x[15]);
		QUARTER(x[1], x[6], x[11], x[12]);
		QUARTER(x[2], x[7], x[8], x[13]);
		QUARTER(x[3], x[4], x[9], x[14]);
	}
	for (u32 i = 0; i < 16; i++)
		s = ROL32(s, 3) ^ x[i];
	return s;
}

static __attribute__((noinline)) u64 called(u64 a, u64 b)
{
	return (a ^ b >> 3) * 0x9e3779b9 + b;
}

BODY(calls)
{
	u64 a = mem[1];

	for (u32 i = 0; i < 256; i++)
		a = called(a, i);
	return a;
}

BODY(crc32)
{
	const u32 *t = (const u32 *)(mem + 8192);
	u32 c = ~0u;

	for (u32 i = 0; i < 1024; i++)
		c = t[(c ^ mem[i]) & 255] ^ c >> 8;
	return ~c;
}

BODY(xorshift)
{
	u64 x = ((u64 *)mem)[3] | 1, s = 0;

	for (u32 i = 0; i < 1000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		s += x >> 32;
	}
	return s;
}

#define SIPROUND \
	(v0 += v1, v1 = ROL64(v1, 13) ^ v0, v0 = ROL64(v0, 32), v2 += v3, \
	 v3 = ROL64(v3, 16) ^ v2, v0 += v3, v3 = ROL64(v3, 21) ^ v0, v2 += v1, \
	 v1 = ROL64(v1, 17) ^ v2, v2 = ROL64(v2, 32))

BODY(siphash)
{
	u64 v0 = 0x736f6d6570736575ull, v1 = 0x646f72616e646f6dull, v2 = 0x6c7967656e657261ull,
	    v3 = 0x7465646279746573ull;

	for (u32 i = 0; i < 64; i++) {
		u64 m = ((u64 *)mem)[i];

		v3 ^= m;
		SIPROUND;
		SIPROUND;
		v0 ^= m;
	}
	return v0 ^ v1 ^ v2 ^ v3;
}

BODY(base64)
{
	const u8 *t = mem + 16384;
	u32 s = 0;

	for (u32 i = 0; i < 384; i += 3) {
		u32 a = mem[i], b = mem[i + 1], c = mem[i + 2];
		u32 at = i / 3 * 4;
		u8 *out;

		asm volatile("" : "+r"(at));	/* or the next is left out */
		out = mem + 22528 + (at & 1020);
		out[0] = t[a >> 2];
		out[1] = t[(a << 4 | b >> 4) & 63];
		out[2] = t[(b << 2 | c >> 6) & 63];
		out[3] = t[c & 63];
		s += out[2];
	}
	return s;
}

BODY(histogram)
{
	u32 *h = (u32 *)(mem + 26624);
	u64 s = 0;

	for (u32 i = 0; i < 1024; i++)
		h[mem[i]]++;
	for (u32 i = 0; i < 256; i++) {
		s = s * 7 + h[i];
		h[i] = 0;
	}
	return s;
}

BODY(utf8)
{
	u32 chars = 0, bad = 0, more = 0;

	for (u32 i = 0; i < 1024; i++) {
		u8 c = mem[i];

		if (more) {
			more--;
			if ((c & 0xc0) != 0x80) {
				bad++;
				more = 0;
			}
		} else if (c >= 0xf0) {
			more = 3;
			chars++;
		} else if (c >= 0xe0) {
			more = 2;
			chars++;
		} else if (c >= 0xc0) {
			more = 1;
			chars++;
		} else {
			chars++;
		}
	}
	return (u64)chars << 32 | bad;
}

BODY(gcd)
{
	u64 s = 0;

	for (u32 i = 0; i < 32; i++) {
		u32 a = ((u32 *)mem)[i] | 1, b = ((u32 *)mem)[i + 32] | 1;

		for (u32 k = 0; k < 24 && b; k++) {
			u32 r = a % b;

			a = b;
			b = r;
		}
		s = s * 5 + a;
	}
	return s;
}

BODY(adler)
{
	u32 a = 1, b = 0;

	for (u32 i = 0; i < 2048; i++) {
		a += mem[i];
		b += a;
	}
	return b % 65521 << 16 | a % 65521;
}

BODY(matchlen)
{
	u32 s = 0;

	for (u32 i = 0; i < 64; i++) {
		u32 k = 0, at = 512 + mem[i], from = mem[i + 64];

		while (k < 32 && mem[at + k] == mem[from + k])
			k++;
		s += k * i + 1;
	}
	return s;
}
