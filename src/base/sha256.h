/* SPDX-License-Identifier: BSD-2-Clause */
/* sha256.h: SHA-256 (FIPS 180-4) of bytes in memory: what programs' tags are made of. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include "base/base.h"

void sha256(u8 out[32], const void *data, size_t n);

#endif
