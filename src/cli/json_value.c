/* SPDX-License-Identifier: BSD-2-Clause */
/* json_value.c: numbers and addresses of map files, from text to bytes. */
#include "cli/json_value.h"
#include "model/uapi.h"
#include <linux/bpf.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define HEX_DIGITS "0123456789abcdefABCDEF"

void json_put_int(u8 *out, u64 v, u32 bytes)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	memcpy(out, (u8 *)&v + 8 - bytes, bytes);
#else
	memcpy(out, &v, bytes);
#endif
}

/* BITS is not 0, and above 64 for wide bit fields. */
bool json_fits(u64 v, bool negative, u32 bits, enum sign sign)
{
	if (negative)
		return sign != SIGN_NO && (bits >= 64 || -v <= 1ull << (bits - 1));
	if (sign == SIGN_YES)
		bits--;
	return bits >= 64 || v < 1ull << bits;
}

/* An address as text into BYTES bytes of network order. */
bool json_parse_addr(const char *s, u8 *out, u32 bytes)
{
	unsigned m[6];
	char end;

	if (bytes == 4)
		return inet_pton(AF_INET, s, out) == 1;
	if (bytes == 16)
		return inet_pton(AF_INET6, s, out) == 1;
	if (bytes != 6 || s[strspn(s, HEX_DIGITS ":")] ||
	    sscanf(s, "%2x:%2x:%2x:%2x:%2x:%2x%c", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5],
		   &end) != 6)
		return false;
	for (int i = 0; i < 6; i++)
		out[i] = (u8)m[i];
	return true;
}

bool json_parse_number(const char *s, u64 *v, bool *negative)
{
	int base = strncasecmp(s + (*s == '-'), "0x", 2) ? 10 : 16;	/* never octal */
	char *end;

	errno = 0;
	*negative = *s == '-';
	if (s[*negative] < '0' || s[*negative] > '9')
		return false;
	*v = *negative ? (u64)strtoll(s, &end, base) : strtoull(s, &end, base);
	return !*end && !errno;
}

static const struct { const char *name; u32 bytes; } networks[] = {
	{ "htons(", 2 }, { "htonl(", 4 }, { "htobe64(", 8 },
};

bool json_is_network(const char *s)
{
	for (size_t i = 0; i < ARRAY_LEN(networks); i++)
		if (!strncmp(s, networks[i].name, strlen(networks[i].name)))
			return true;
	return false;
}

bool json_parse_network(const char *s, u8 *out, u32 bytes)
{
	char digits[32];
	bool negative;
	size_t i = 0, n;
	u64 v;

	while (i < ARRAY_LEN(networks) && (networks[i].bytes != bytes ||
	       strncmp(s, networks[i].name, strlen(networks[i].name))))
		i++;
	if (i == ARRAY_LEN(networks))
		return false;
	s += strlen(networks[i].name);
	n = strcspn(s, ")");
	if (n >= sizeof(digits) || strcmp(s + n, ")"))
		return false;
	memcpy(digits, s, n);
	digits[n] = 0;
	if (!json_parse_number(digits, &v, &negative) ||
	    !json_fits(v, negative, bytes * 8, SIGN_NO))
		return false;
	for (i = 0; i < bytes; i++)
		out[i] = (u8)(v >> 8 * (bytes - 1 - i));
	return true;
}

/* 16 bytes from up to 32 hexadecimal digits behind "0x". */
bool json_parse_wide(const char *s, u8 *out)
{
	size_t n = strlen(s);
	u64 lo, hi = 0;
	char part[17];

	if (n < 3 || n > 34 || strncmp(s, "0x", 2) || s[2 + strspn(s + 2, HEX_DIGITS)])
		return false;
	if (n > 18) {
		snprintf(part, sizeof(part), "%.*s", (int)n - 18, s + 2);
		hi = strtoull(part, NULL, 16);
	}
	lo = strtoull(n > 18 ? s + n - 16 : s + 2, NULL, 16);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	memcpy(out, &hi, 8);
	memcpy(out + 8, &lo, 8);
#else
	memcpy(out, &lo, 8);
	memcpy(out + 8, &hi, 8);
#endif
	return true;
}

bool json_key_is_index(u32 map_type)
{
	switch (map_type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
	case BPF_MAP_TYPE_DEVMAP_HASH:
	case BPF_MAP_TYPE_SOCKHASH:
	case BPF_MAP_TYPE_LPM_TRIE:
	case BPF_MAP_TYPE_QUEUE:
	case BPF_MAP_TYPE_STACK:
		return false;
	default:
		return true;
	}
}
