/* SPDX-License-Identifier: BSD-2-Clause */
/* run.c: room around the packet of an skb. */
#include "model/run.h"

bool skb_room(struct run *run, u32 head, u32 tail)
{
	struct packet_buf *p = &run->pkt;
	struct skb_view *s = &run->skb;
	u8 *first = s->mac && s->mac < p->data ? s->mac : p->data;
	u64 bytes = (u64)(p->data_end - first);
	s64 by;

	if ((u64)(p->data - p->hard_start) >= head && (u64)(p->hard_end - p->data_end) >= tail)
		return true;
	if (bytes + tail + SKB_HEAD_BYTES > (u64)(p->hard_end - p->hard_start))
		return false;
	by = p->hard_start + SKB_HEAD_BYTES - first;
	memmove(first + by, first, bytes);
	p->data += by;
	p->data_end += by;
	p->data_meta += by;
	s->mac = s->mac ? s->mac + by : NULL;
	s->net = s->net ? s->net + by : NULL;
	s->transport = s->transport ? s->transport + by : NULL;
	s->head += by;
	return (u64)(p->data - p->hard_start) >= head;
}

enum {
	SHARED_INFO = 320,	/* the kernel's records behind each buffer */
	KMALLOC_MIN = 512, KMALLOC_MAX = 4 << 20,
};

u32 skb_head_bytes(u64 bytes)
{
	u64 all = KMALLOC_MIN;

	while (all < bytes + SHARED_INFO)
		all *= 2;
	return all <= KMALLOC_MAX ? (u32)all - SHARED_INFO : 0;
}
