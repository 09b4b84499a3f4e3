/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sockets_fuzz.c: text to described sockets, as output of ss and as lines KEY
 * VALUE of one socket; what is taken must have what programs rely on, and be
 * found by its own addresses.
 */
#include "call/sock.h"
#include "host/sockets.h"
#include <endian.h>
#include <netinet/in.h>
#include <stdlib.h>

static void must(bool good)
{
	if (!good)
		abort();
}

/* A packet from its remote to its local end is for it or for its like. */
static void find(const struct sock_table *t, const struct sock *s)
{
	const struct bpf_sock *f = &s->full;
	struct sock_tuple k = { .family = f->family, .protocol = f->protocol,
		.ifindex = f->bound_dev_if, .remote_port = f->dst_port,
		.local_port = htobe16((u16)f->src_port) };
	const struct sock *got;

	if (f->family == AF_INET) {
		k.remote[0] = f->dst_ip4;
		k.local[0] = f->src_ip4;
	} else {
		memcpy(k.remote, f->dst_ip6, 16);
		memcpy(k.local, f->src_ip6, 16);
	}
	got = sock_find(t, &k);
	must(!got || (got->full.protocol == f->protocol && got->full.src_port == f->src_port));
	if (f->state == SOCK_LISTEN)
		must(got != NULL);
}

static void use(const struct sockets *l)
{
	const struct sock_table t = { l->v.v, (u32)l->v.n, true };

	for (size_t i = 0; i < l->v.n; i++) {
		const struct sock *s = &l->v.v[i];

		must(s->name && *s->name && s->cookie);
		must(s->full.family == AF_INET || s->full.family == AF_INET6);
		must(s->full.src_port <= UINT16_MAX && s->group <= l->groups.n);
		must(!memcmp(&s->common, &s->full, sizeof(s->full)));
		must(sockets_find(l, s->name) >= 0 && sockets_by_cookie(l, s->cookie) >= 0);
		find(&t, s);
	}
}

static void one_socket(char *text)
{
	char why[SOCK_WHY_BYTES] = "", *at = text, *line;
	struct sockets l = { 0 };
	struct sock_text t;
	int r = 0;

	sock_text_init(&t);
	while (!r && (line = strsep(&at, "\n"))) {
		char *value = strchr(line, ' ');

		if (!value)
			break;
		*value++ = 0;
		r = sock_text_set(&t, line, value, why);
	}
	if (!r)
		r = sockets_add(&l, &t, why);
	must(!r == !*why);
	use(&l);
	sockets_free(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sockets l = { 0 };
	struct skep_err err = { 0 };
	char *text = malloc(size + 1);

	must(text != NULL);
	memcpy(text, data, size);
	text[size] = 0;
	if (!sockets_read_ss(&l, text, size, "fuzz", &err))
		use(&l);
	sockets_free(&l);
	one_socket(text);
	free(text);
	return 0;
}
