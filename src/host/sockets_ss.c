/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sockets_ss.c: sockets as `ss -tuaneH` prints them, one a line: kind, state, two
 * queues, local end, remote end, and details of which the cookie (sk:), the mark
 * and v6only are taken. -H (no header line) may be left out, and so may -e.
 *
 * Sockets that listen, or wait unconnected, on the same address are a
 * SO_REUSEPORT group: without that option there could be no two.
 */
#include "host/sockets.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORDS_MAX = 64, LINE_MAX_BYTES = 4096 };

static int set_cookie(struct sock_text *t, const char *hex, char why[SOCK_WHY_BYTES])
{
	char text[32];

	snprintf(text, sizeof(text), "0x%.20s", hex);
	return sock_text_set(t, "cookie", text, why);
}

/* WORD is a detail as "sk:1a"; most are not for programs. */
static int set_detail(struct sock_text *t, const char *word, char why[SOCK_WHY_BYTES])
{
	if (!strncmp(word, "sk:", 3))
		return set_cookie(t, word + 3, why);
	if (!strncmp(word, "fwmark:", 7))
		return sock_text_set(t, "mark", word + 7, why);
	if (!strncmp(word, "v6only:", 7))
		return sock_text_set(t, "v6only", word + 7, why);
	return 0;
}

/* 1: no socket that programs find. */
static int read_words(struct sock_text *t, char *const *w, u32 n, char why[SOCK_WHY_BYTES])
{
	int r;

	if (strcmp(w[0], "tcp") && strcmp(w[0], "udp"))
		return 1;
	if (n < 6) {
		snprintf(why, SOCK_WHY_BYTES, "%u words, a socket has 6: kind, state, two queues, "
			 "local and remote end", n);
		return -EINVAL;
	}
	sock_text_init(t);
	r = sock_text_set(t, "protocol", w[0], why);
	r = r ? r : sock_text_set(t, "state", w[1], why);
	r = r ? r : sock_text_set(t, "local", w[4], why);
	r = r ? r : sock_text_set(t, "remote", w[5], why);
	for (u32 i = 6; !r && i < n; i++)
		r = set_detail(t, w[i], why);
	return r;
}

static u32 split(char *line, char *words[WORDS_MAX])
{
	char *at = line, *w;
	u32 n = 0;

	while ((w = strsep(&at, " \t\r")))
		if (*w && n < WORDS_MAX)
			words[n++] = w;
	return n;
}

static int bad_line(struct skep_err *err, const char *file, u32 line, const char *why)
{
	char where[512];

	snprintf(where, sizeof(where), "%s:%u", file, line);
	err_set(err, ERR_SOCKETS, where, "%s", why);
	err_help(err, "give the output of `ss -tuaneH`, or JSON");
	return err->code;
}

static int read_line(struct sockets *l, char *line, const char *file, u32 number,
		     struct skep_err *err)
{
	char *words[WORDS_MAX], why[SOCK_WHY_BYTES] = "";
	u32 n = split(line, words);
	struct sock_text t;
	int r;

	if (!n || !strcmp(words[0], "Netid"))
		return 0;
	r = read_words(&t, words, n, why);
	if (r > 0)
		return bad_line(err, file, number, "the line begins with neither tcp nor udp");
	if (!r)
		r = sockets_add(l, &t, why);
	return r ? bad_line(err, file, number, why) : 0;
}

/* ---- groups ---------------------------------------------------------------------- */

struct waiting { struct bpf_sock key; u32 index; };

/* Of sockets that wait for packets of anybody: what those of one group share. */
static bool waits(const struct sock *s, u32 index, struct waiting *w)
{
	const struct bpf_sock *f = &s->full;

	if (f->dst_port || (f->state != SOCK_LISTEN && f->state != SOCK_CLOSE))
		return false;
	memset(w, 0, sizeof(*w));
	w->key = (struct bpf_sock){ .bound_dev_if = f->bound_dev_if, .family = f->family,
		.protocol = f->protocol, .src_ip4 = f->src_ip4, .src_port = f->src_port,
		.state = f->state };
	memcpy(w->key.src_ip6, f->src_ip6, 16);
	w->index = index;
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct waiting *x = a, *y = b;
	int r = memcmp(&x->key, &y->key, sizeof(x->key));

	return r ? r : (x->index > y->index) - (x->index < y->index);
}

static void join_groups(struct sockets *l)
{
	struct waiting *w = mem_alloc((l->v.n + 1) * sizeof(*w));
	size_t n = 0;

	for (size_t i = 0; i < l->v.n; i++)
		n += waits(&l->v.v[i], (u32)i, &w[n]);
	qsort(w, n, sizeof(*w), compare);
	for (size_t i = 1; i < n; i++) {
		struct sock *before = &l->v.v[w[i - 1].index], *s = &l->v.v[w[i].index];

		if (memcmp(&w[i - 1].key, &w[i].key, sizeof(w[i].key)))
			continue;
		if (!before->group) {
			*vec_push(&l->groups) = before->name;
			before->group = (u32)l->groups.n;
		}
		s->group = before->group;
		s->name = arena_printf(&l->names, "%s #%llu", before->name,
				       (unsigned long long)s->cookie);
	}
	free(w);
}

int sockets_read_ss(struct sockets *l, const char *text, size_t n, const char *file,
		    struct skep_err *err)
{
	char line[LINE_MAX_BYTES];
	u32 number = 0;
	int r = 0;

	for (size_t at = 0; !r && at < n; number++) {
		const char *end = memchr(text + at, '\n', n - at);
		size_t bytes = end ? (size_t)(end - text - at) : n - at;

		if (bytes >= sizeof(line))
			return bad_line(err, file, number + 1, "the line is too long");
		if (memchr(text + at, 0, bytes))
			return bad_line(err, file, number + 1, "the line has a NUL byte");
		memcpy(line, text + at, bytes);
		line[bytes] = 0;
		r = read_line(l, line, file, number + 1, err);
		at += bytes + 1;
	}
	if (!r)
		join_groups(l);
	return r;
}
