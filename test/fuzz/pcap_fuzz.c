/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcap_fuzz: any bytes as a capture. Reads it from memory, once more after
 * capture_rewind, and out of a pipe in pieces: the same packets and the same
 * result each time. An error has a text and a place.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/hash.h"
#include "host/capture.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* What reading to the end gave. */
struct outcome {
	u64 packets, hash;
	int code, id;
};

static void must(bool good)
{
	if (!good)
		abort();
}

static void take(struct capture *c, const struct packet *p, struct outcome *o)
{
	const struct capture_iface *i = capture_iface(c, p->iface);

	must(p->bytes <= CAPTURE_PACKET_MAX && p->bytes <= p->wire_bytes);
	must(p->number == ++o->packets);
	must(i && i->link == p->link);
	o->hash = hash_bytes(p->data, p->bytes, o->hash ^ p->time_ns);
	o->hash ^= p->wire_bytes ^ (u64)p->iface << 32;
	if (i->name)
		o->hash = hash_bytes(i->name, strlen(i->name), o->hash);
}

/* R is what opening or rewinding C returned; C is not NULL if that is 0. */
static struct outcome read_all(struct capture *c, int r, struct skep_err *err)
{
	struct outcome o = { 0 };
	struct packet p;

	while (!r && (r = capture_next(c, &p, err)) > 0) {
		take(c, &p, &o);
		r = 0;
		must(o.packets <= 1 << 24);
	}
	o.code = r;
	if (r < 0) {
		must(err->code == r && strstr(err->text, ": error: "));
		o.id = err->id;
	}
	return o;
}

static bool same(const struct outcome *a, const struct outcome *b)
{
	return a->packets == b->packets && a->hash == b->hash &&
	       a->code == b->code && a->id == b->id;
}

/*
 * A pipe that gives DATA in up to 15 pieces: each write of a packet-mode pipe
 * is one read. Returns the end to read from.
 */
static int pipe_of(const u8 *data, size_t size)
{
	size_t piece = size / 15 + 1, n;
	int fd[2];

	must(!pipe2(fd, O_DIRECT | O_CLOEXEC));
	for (size_t at = 0; at < size; at += n) {
		n = min_u64(piece, size - at);
		must(write(fd[1], data + at, n) == (ssize_t)n);
	}
	close(fd[1]);
	return fd[0];
}

static struct outcome read_pipe(const u8 *data, size_t size)
{
	int fd = pipe_of(data, size), r;
	struct skep_err err = { 0 };
	struct capture *c;
	struct outcome o;
	char path[32];

	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	r = capture_open(&c, path, &err);
	close(fd);
	o = read_all(c, r, &err);
	capture_close(c);
	return o;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct skep_err err = { 0 };
	struct capture *c;
	struct outcome first, again;
	int r = capture_open_mem(&c, "fuzz", data, size, &err);

	first = read_all(c, r, &err);
	must(r || capture_is(data, size));
	if (c) {
		again = read_all(c, capture_rewind(c, &err), &err);
		must(same(&first, &again));
	}
	capture_close(c);
	if (size > 15 * 4096)
		return 0;
	again = read_pipe(data, size);
	must(same(&first, &again));
	return 0;
}
