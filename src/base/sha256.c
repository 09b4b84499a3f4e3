/* SPDX-License-Identifier: BSD-2-Clause */
/* sha256.c: FIPS 180-4, section 6.2. */
#include "base/sha256.h"

enum { BLOCK = 64, LENGTH_AT = 56 };

/* The first 32 bits of the fractions of the cube roots of the first 64 primes. */
static const u32 round_constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static u32 rotr(u32 x, unsigned n) { return x >> n | x << (32 - n); }

static u32 load_be32(const u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

static void schedule(u32 w[64], const u8 *block)
{
	for (u32 i = 0; i < 16; i++)
		w[i] = load_be32(block + 4 * i);
	for (u32 i = 16; i < 64; i++) {
		u32 a = w[i - 15], b = w[i - 2];

		w[i] = w[i - 16] + (rotr(a, 7) ^ rotr(a, 18) ^ a >> 3) + w[i - 7] +
		       (rotr(b, 17) ^ rotr(b, 19) ^ b >> 10);
	}
}

static void compress(u32 h[8], const u8 *block)
{
	u32 w[64], v[8];

	schedule(w, block);
	memcpy(v, h, sizeof(v));
	for (u32 i = 0; i < 64; i++) {
		u32 s1 = rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25);
		u32 t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + round_constants[i] + w[i];
		u32 s0 = rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22);
		u32 t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));

		memmove(v + 1, v, 7 * sizeof(*v));
		v[4] += t1;
		v[0] = t1 + t2;
	}
	for (u32 i = 0; i < 8; i++)
		h[i] += v[i];
}

/* The last bytes, a bit, and how many bits there were. */
static void finish(u32 h[8], const u8 *tail, size_t left, u64 bits)
{
	u8 block[2 * BLOCK] = { 0 };
	size_t bytes = left < LENGTH_AT ? BLOCK : 2 * BLOCK;

	memcpy(block, tail, left);
	block[left] = 0x80;
	for (u32 i = 0; i < 8; i++)
		block[bytes - 1 - i] = (u8)(bits >> 8 * i);
	for (size_t at = 0; at < bytes; at += BLOCK)
		compress(h, block + at);
}

void sha256(u8 out[32], const void *data, size_t n)
{
	u32 h[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
	const u8 *p = data;
	size_t at = 0;

	for (; n - at >= BLOCK; at += BLOCK)
		compress(h, p + at);
	finish(h, p + at, n - at, (u64)n * 8);
	for (u32 i = 0; i < 8; i++)
		for (u32 k = 0; k < 4; k++)
			out[4 * i + k] = (u8)(h[i] >> (24 - 8 * k));
}
