/* SPDX-License-Identifier: BSD-2-Clause */
/* json_value.h: numbers and addresses of map files, from text to bytes. */
#ifndef CLI_JSON_VALUE_H
#define CLI_JSON_VALUE_H

#include "base/base.h"

/* What numbers a place takes: those of its type, or of either where none says. */
enum sign { SIGN_NO, SIGN_YES, SIGN_ANY };

/* V as the machine stores it. */
void json_put_int(u8 *out, u64 v, u32 bytes);
/* BITS is not 0, and above 64 for wide bit fields. */
bool json_fits(u64 v, bool negative, u32 bits, enum sign sign);
/* An address as text into BYTES (4, 6 or 16) bytes of network order. */
bool json_parse_addr(const char *s, u8 *out, u32 bytes);
/* Decimal or 0x, nothing around it. */
bool json_parse_number(const char *s, u64 *v, bool *negative);
/* A number in network order: "htons(80)", "htonl(0x7f000001)", "htobe64(1)"; whether it is
 * one of BYTES, which it becomes. */
bool json_is_network(const char *s);
bool json_parse_network(const char *s, u8 *out, u32 bytes);
/* 16 bytes from up to 32 hexadecimal digits behind "0x". */
bool json_parse_wide(const char *s, u8 *out);

/* Whether the keys of maps of the type are indexes below max_entries. */
bool json_key_is_index(u32 map_type);

#endif
