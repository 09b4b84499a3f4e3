/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * access.h: what programs may do with their context and with sockets: which
 * bytes they may read and write at once, and which loads give pointers. The
 * rows of access.def are the kernel's own answers (tools/ctx-probe). An engine's
 * view of a context is another thing: ctx_desc of tables.h.
 */
#ifndef MODEL_ACCESS_H
#define MODEL_ACCESS_H

#include "base/base.h"
#include <linux/bpf.h>

enum access_object {
	OBJECT_CTX, OBJECT_SOCK_COMMON, OBJECT_SOCK, OBJECT_TCP_SOCK, OBJECT_XDP_SOCK,
};

/* What a load gives; OTHER: a pointer to a kernel's type. */
enum access_gives {
	GIVES_SCALAR, GIVES_PKT, GIVES_PKT_END, GIVES_PKT_META, GIVES_FLOW_KEYS, GIVES_SOCK,
	GIVES_SOCK_OR_NULL, GIVES_SOCK_COMMON_OR_NULL, GIVES_TP_BUFFER, GIVES_OTHER,
};

/*
 * Each 8 bytes of OFF..OFF+BYTES may be read and written so: bits 0..7 for each
 * byte alone, 8..11 for 2 bytes at 0, 2, 4, 6, 12..13 for 4 bytes at 0, 4, bit 14
 * for all 8. There are no other ways: all accesses are aligned.
 */
struct access_row { u32 off, bytes; u16 read, write; };
struct access_ptr { u32 off; u8 gives; };

struct access_desc {
	const char *name;	/* of the struct; "" without one */
	const struct access_row *rows;	/* sorted; the last has no bytes */
	const struct access_ptr *ptrs;	/* loads that give more than numbers, whole; the
					   last gives a scalar */
};

/* The context of programs of TYPE that attach by ATTACH; NULL: nobody knows. */
const struct access_desc *access_ctx(u32 type, u32 attach);
const struct access_desc *access_object(enum access_object object);
/* Whether SIZE bytes at OFF may be read, or written. */
bool access_ok(const struct access_desc *d, u64 off, u32 size, bool write);
/* What a load that is allowed gives. */
enum access_gives access_gives(const struct access_desc *d, u64 off);

#endif
