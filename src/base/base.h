/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base.h: what every file of the project may rely on: integer names, size
 * helpers and the attributes that the compilers share.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define UNUSED __attribute__((unused))

/* OFF..OFF+SIZE lies inside LIMIT bytes; immune to wrap-around. */
static inline bool in_bounds(u64 off, u64 size, u64 limit)
{
	return off <= limit && size <= limit - off;
}

static inline u64 round_up(u64 n, u64 align)
{
	return (n + align - 1) / align * align;
}

/* The value of a hex digit in either case; 16 or more for what is none. */
static inline unsigned digit_value(char c)
{
	unsigned lower = (u8)c | 0x20u;

	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 99;
}

static inline u64 max_u64(u64 a, u64 b) { return a > b ? a : b; }
static inline u64 min_u64(u64 a, u64 b) { return a < b ? a : b; }

#endif
