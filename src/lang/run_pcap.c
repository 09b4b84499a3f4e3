/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run_pcap.c: what skboutput() writes: packets as they come from the perf buffers into
 * pcap files of link type RAW (no link header), which are there from the beginning. The
 * layout is draft-ietf-opsawg-pcap's, in the byte order of this machine.
 */
#include "lang/run_in.h"
#include "kernel/kernel.h"
#include <inttypes.h>

enum { LINK_RAW = 101, MAGIC_US = 0xa1b2c3d4u };

struct pcap_file { u32 magic; u16 major, minor; u32 zone, sigfigs, snaplen, link; };
struct pcap_packet { u32 sec, usec, caplen, len; };

static struct run_pcap *file_of(struct run *r, const char *path)
{
	for (size_t i = 0; i < r->pcaps.n; i++)
		if (!strcmp(r->pcaps.v[i].path, path))
			return &r->pcaps.v[i];
	return NULL;
}

static int open_file(struct run *r, const char *path)
{
	const struct pcap_file head = { MAGIC_US, 2, 4, 0, 0, LANG_PACKET_MAX, LINK_RAW };
	struct run_pcap *p;

	if (file_of(r, path))
		return 0;
	p = vec_push(&r->pcaps);
	*p = (struct run_pcap){ .path = path, .f = fopen(path, "we") };
	if (!p->f || fwrite(&head, sizeof(head), 1, p->f) != 1)
		return err_set(r->err, ERR_FILE_OPEN, path, "%s", strerror(errno));
	return 0;
}

int run_pcap_open(struct run *r)
{
	const struct lang_unit *u = r->o->unit;
	int rc = 0;

	r->packets = u->packets ? run_map(r, u->packets) : -1;
	for (size_t i = 0; !rc && i < u->records.n; i++)
		if (u->records.v[i].action == LA_SKBOUTPUT)
			rc = open_file(r, u->records.v[i].format);
	if (!rc && r->packets >= 0)
		rc = kernel_perf_pages(r->b, (u32)r->packets, u->packet_pages, r->err);
	return rc;
}

static int on_packet(void *arg, const struct map_event *e)
{
	struct run *r = arg;
	struct lang_packet head;
	const struct lang_record *rec;
	struct run_pcap *p;
	struct pcap_packet to;
	u64 time;

	if (e->bytes < sizeof(head))
		return 0;
	memcpy(&head, e->data, sizeof(head));
	if (head.index >= r->o->unit->records.n || head.bytes > e->bytes - sizeof(head))
		return 0;
	rec = &r->o->unit->records.v[head.index];
	p = file_of(r, rec->format);
	if (!p || head.bytes <= rec->skip)	/* nothing is left of it */
		return 0;
	time = (head.time + (u64)r->out.boot_to_real) / 1000;
	to = (struct pcap_packet){ (u32)(time / 1000000), (u32)(time % 1000000),
				   (u32)head.bytes - rec->skip, (u32)head.bytes - rec->skip };
	if (fwrite(&to, sizeof(to), 1, p->f) != 1 ||
	    fwrite(e->data + sizeof(head) + rec->skip, to.caplen, 1, p->f) != 1)
		r->pcap_failed = errno;
	return 0;
}

void run_pcap_read(struct run *r)
{
	if (r->packets < 0)
		return;
	while (r->b->ops->map_read(r->b, (u32)r->packets, on_packet, r) > 0)
		;
	for (size_t i = 0; i < r->pcaps.n; i++)
		if (r->pcaps.v[i].f && fflush(r->pcaps.v[i].f))
			r->pcap_failed = errno;
}

int run_pcap_fd(struct run *r)
{
	return r->packets < 0 ? -1 : r->b->ops->map_fd(r->b, (u32)r->packets);
}

/* What was lost, and what could not be written. */
void run_pcap_close(struct run *r)
{
	struct map_info info = { 0 };

	run_pcap_read(r);
	if (r->packets >= 0 && !r->b->ops->map_info(r->b, (u32)r->packets, &info) && info.lost)
		sb_printf(&r->errors, "WARNING: Lost %" PRIu64 " packets: their buffer was full\n"
			  "HINT: config = { perf_rb_pages = %u }\n", info.lost,
			  2 * r->o->unit->packet_pages);
	if (r->pcap_failed)
		sb_printf(&r->errors, "ERROR: packets cannot be written: %s\n",
			  strerror(r->pcap_failed));
	for (size_t i = 0; i < r->pcaps.n; i++)
		if (r->pcaps.v[i].f)
			fclose(r->pcaps.v[i].f);
	vec_free(&r->pcaps);
}
