/* SPDX-License-Identifier: BSD-2-Clause */
/* digest: arithmetic without branches: SHA-256, ChaCha20 and SipHash of a packet. */
#include "common.h"

static const __u32 k256[64] = {
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

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32[32]);
} out SEC(".maps");

static __always_inline __u32 rotr(__u32 v, unsigned n) { return v >> n | v << (32 - n); }

SEC("xdp")
int sha256(struct xdp_md *ctx)
{
	__u32 *in = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end, zero = 0;
	__u32 *w, h[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
			      0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
	__u32 a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], z = h[7];
	__u32 *digest = bpf_map_lookup_elem(&out, &zero);

	if (in + 16 > end || !digest)
		return XDP_PASS;
	w = digest + 16;	/* more than the stack of a BPF program holds */
#pragma clang loop unroll(full)
	for (int i = 0; i < 16; i++)
		w[i] = bpf_ntohl(in[i]);
#pragma clang loop unroll(full)
	for (int i = 0; i < 64; i++) {
		__u32 x = w[i & 15], s1, s0, t1, t2;

		if (i >= 16) {
			__u32 p = w[(i - 15) & 15], q = w[(i - 2) & 15];

			s0 = rotr(p, 7) ^ rotr(p, 18) ^ p >> 3;
			s1 = rotr(q, 17) ^ rotr(q, 19) ^ q >> 10;
			x = w[i & 15] += s0 + w[(i - 7) & 15] + s1;
		}
		s1 = rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25);
		t1 = z + s1 + ((e & f) ^ (~e & g)) + k256[i] + x;
		s0 = rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22);
		t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
		keep(t2);
		z = g; g = f; f = e; e = d + t1; d = c; c = b; b = a; a = t1 + t2;
	}
	digest[0] = h[0] + a; digest[1] = h[1] + b; digest[2] = h[2] + c; digest[3] = h[3] + d;
	digest[4] = h[4] + e; digest[5] = h[5] + f; digest[6] = h[6] + g; digest[7] = h[7] + z;
	return XDP_PASS;
}

#define QR(a, b, c, d) \
	x[a] += x[b]; x[d] = rotl(x[d] ^ x[a], 16); \
	x[c] += x[d]; x[b] = rotl(x[b] ^ x[c], 12); \
	x[a] += x[b]; x[d] = rotl(x[d] ^ x[a], 8); \
	x[c] += x[d]; x[b] = rotl(x[b] ^ x[c], 7);

SEC("xdp")
int chacha(struct xdp_md *ctx)
{
	__u32 *in = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end, zero = 0;
	__u32 *key = bpf_map_lookup_elem(&out, &zero), x[16];

	if (in + 16 > end || !key)
		return XDP_PASS;
#pragma clang loop unroll(full)
	for (int i = 0; i < 16; i++)
		x[i] = key[i];
#pragma clang loop unroll(full)
	for (int i = 0; i < 10; i++) {
		QR(0, 4, 8, 12) QR(1, 5, 9, 13) QR(2, 6, 10, 14) QR(3, 7, 11, 15)
		QR(0, 5, 10, 15) QR(1, 6, 11, 12) QR(2, 7, 8, 13) QR(3, 4, 9, 14)
	}
#pragma clang loop unroll(full)
	for (int i = 0; i < 16; i++)
		in[i] ^= x[i] + key[i];
	return XDP_TX;
}

#define ROUND \
	v0 += v1; v1 = rotl64(v1, 13); v1 ^= v0; v0 = rotl64(v0, 32); \
	v2 += v3; v3 = rotl64(v3, 16); v3 ^= v2; \
	v0 += v3; v3 = rotl64(v3, 21); v3 ^= v0; \
	v2 += v1; v1 = rotl64(v1, 17); v1 ^= v2; v2 = rotl64(v2, 32);

SEC("xdp")
int siphash(struct xdp_md *ctx)
{
	__u64 *in = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u64 v0 = 0x736f6d6570736575, v1 = 0x646f72616e646f6d;
	__u64 v2 = 0x6c7967656e657261, v3 = 0x7465646279746573;

#pragma clang loop unroll(full)
	for (int i = 0; i < 32; i++) {
		__u64 m;

		if (in + i + 1 > end)
			break;
		m = in[i];
		v3 ^= m;
		ROUND ROUND
		v0 ^= m;
	}
	v2 ^= 0xff;
	ROUND ROUND ROUND ROUND
	return (v0 ^ v1 ^ v2 ^ v3) & 1 ? XDP_PASS : XDP_DROP;
}
