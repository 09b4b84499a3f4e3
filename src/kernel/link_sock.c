/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link_sock.c: programs on sockets: on all of a sockmap, or on one socket, of which this
 * process has a copy: a filter, or the choice among sockets that share a port. Socket
 * options have no link: what they attach stays with the socket.
 */
#include "kernel/link_priv.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_DETACH_REUSEPORT_BPF
#define SO_DETACH_REUSEPORT_BPF 68
#endif

/* ---- sockmaps -------------------------------------------------------------- */

static bool is_sockmap(const struct image_map *def)
{
	return def->type == BPF_MAP_TYPE_SOCKMAP || def->type == BPF_MAP_TYPE_SOCKHASH;
}

/* The map that the user names, or the only one: its number, -1 none, -2 several. */
static int find_map(const struct link_job *j)
{
	int found = -1;

	for (u32 i = 0; i < j->img->nr_maps; i++) {
		const struct image_map *def = &j->img->maps[i];

		if (!is_sockmap(def) || (*j->w->at && strcmp(def->name, j->w->at)))
			continue;
		if (found >= 0)
			return -2;
		found = (int)i;
	}
	return found;
}

static u32 attach_type(const struct link_job *j)
{
	return j->p->expected_attach || j->p->type != BPF_PROG_TYPE_SK_SKB ?
		j->p->expected_attach : BPF_SK_SKB_STREAM_VERDICT;
}

struct attached { int map, prog; u32 type; };

static void detach(struct link *l)
{
	const struct attached *at = l->undo_arg;
	union bpf_attr a = { 0 };

	a.target_fd = (u32)at->map;
	a.attach_bpf_fd = (u32)at->prog;
	a.attach_type = at->type;
	sys_bpf(BPF_PROG_DETACH, &a);
	free(l->undo_arg);
}

/* Before 6.10: it goes with the map, which is this process's. */
static int without_link(struct link_job *j, int map, u32 type)
{
	union bpf_attr a = { 0 };
	int r;

	a.target_fd = (u32)map;
	a.attach_bpf_fd = (u32)j->prog_fd;
	a.attach_type = type;
	r = sys_bpf(BPF_PROG_ATTACH, &a);
	if (r)
		return r;
	j->l->undo_arg = mem_alloc(sizeof(struct attached));
	*(struct attached *)j->l->undo_arg = (struct attached){ map, j->prog_fd, type };
	j->l->undo = detach;
	return 0;
}

int link_sockmap(struct link_job *j)
{
	struct link_attr a = { .prog_fd = (u32)j->prog_fd, .attach_type = attach_type(j) };
	int map = find_map(j), r;

	if (map == -1)
		return link_bad_where(j, "the object has no sockmap or sockhash%s%s",
				      *j->w->at ? " " : "", j->w->at);
	if (map < 0)
		return link_bad_where(j, "the object has several: --at PROG=MAP says which");
	a.target_fd = (u32)j->k->maps.v[map].fd;
	r = link_create(&a);
	if (r == -EINVAL)
		r = without_link(j, j->k->maps.v[map].fd, a.attach_type);
	else if (r >= 0)
		j->l->fd = r;
	if (r < 0)
		return link_refused(j, r, "map %s", j->img->maps[map].name);
	link_says(j, "%s", j->img->maps[map].name);
	return 0;
}

/* ---- one socket ------------------------------------------------------------ */

static void take_off(struct link *l)
{
	const int none = 0;

	setsockopt(l->fds.v[0], SOL_SOCKET, l->row->how == ATTACH_REUSEPORT ?
		   SO_DETACH_REUSEPORT_BPF : SO_DETACH_FILTER, &none, sizeof(none));
}

int link_socket(struct link_job *j)
{
	const bool group = j->l->row->how == ATTACH_REUSEPORT;
	int fd, r;

	if (j->w->sock < 0)
		return link_bad_where(j, "no socket is named (--socket FD with -p PID)");
	fd = fcntl(j->w->sock, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return link_refused(j, -errno, "the socket");
	*vec_push(&j->l->fds) = fd;
	r = setsockopt(fd, SOL_SOCKET, group ? SO_ATTACH_REUSEPORT_EBPF : SO_ATTACH_BPF,
		       &j->prog_fd, sizeof(j->prog_fd)) ? -errno : 0;
	if (r) {
		r = link_refused(j, r, "the socket");
		if (group)
			err_note(j->err, "it must share its port (SO_REUSEPORT)");
		return r;
	}
	j->l->undo = take_off;
	j->l->flags |= LINK_STAYS;
	link_says(j, "%s", "");
	return 0;
}
