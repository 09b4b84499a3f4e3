/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reader.c: reads the ring buffer that hosts.c fills in another process, and looks at
 * its table meanwhile.
 *
 *	cc reader.c $(pkg-config --cflags --libs skep) -o reader
 *	./reader FOLDER N	ends after N hosts
 */
#include <arpa/inet.h>
#include <errno.h>
#include <skep/skep.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct count {
	uint64_t packets, bytes;
};

struct reader {
	struct skep_map *hosts, *seen;
	int left;
};

/* Pinned by somebody sooner or later. */
static struct skep_map *map_of(const char *folder, const char *name)
{
	struct skep_object *obj;
	struct skep_err err;
	char path[4096];
	int r;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	while ((r = skep_object_open_pinned(&obj, path, &err)) == -ENOENT)
		usleep(10000);
	if (!r)
		return skep_object_next_map(obj, NULL);
	fputs(skep_err_text(&err), stderr);
	exit(1);
}

static int on_record(void *arg, const struct skep_event *e)
{
	struct reader *rd = arg;
	struct count n;
	char text[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, e->data, text, sizeof(text));
	if (!skep_map_lookup(rd->hosts, e->data, &n))
		printf("%s is new, and in the table\n", text);
	return --rd->left == 0;
}

int main(int argc, char **argv)
{
	struct reader rd = { .left = argc > 2 ? atoi(argv[2]) : 1 };

	if (argc < 2)
		return 2;
	rd.hosts = map_of(argv[1], "hosts");
	rd.seen = map_of(argv[1], "seen");
	while (rd.left && skep_map_read(rd.seen, on_record, &rd) >= 0)
		usleep(1000);
	return 0;
}
