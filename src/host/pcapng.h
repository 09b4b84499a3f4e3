/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host/pcapng.h: numbers of draft-ietf-opsawg-pcapng that reader and writer
 * share.
 */
#ifndef HOST_PCAPNG_H
#define HOST_PCAPNG_H

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_IFACE = 1,
	BLOCK_OBSOLETE = 2,	/* the packet block of old */
	BLOCK_SIMPLE = 3,
	BLOCK_PACKET = 6,	/* enhanced */

	OPT_END = 0,
	OPT_IF_NAME = 2,
	OPT_USERAPPL = 4,
	OPT_VERDICT = 7,	/* of a packet */
	OPT_IF_TSRESOL = 9,
	OPT_IF_TSOFFSET = 14,
};

#define BYTE_ORDER_MAGIC 0x1a2b3c4du

#endif
