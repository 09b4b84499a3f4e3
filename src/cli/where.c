/* SPDX-License-Identifier: BSD-2-Clause */
/* where.c: what the options of `skep attach` name: devices, cgroups, name spaces, sockets. */
#include "cli/attach.h"
#include <ctype.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_pidfd_getfd
enum { SYS_pidfd_getfd = 438 };
#endif
#ifndef SYS_pidfd_open
enum { SYS_pidfd_open = 434 };
#endif

/* ---- network name spaces --------------------------------------------------- */

static bool all_digits(const char *s)
{
	return *s && s[strspn(s, "0123456789")] == 0;
}

static int open_netns(const char *name, struct skep_err *err)
{
	char path[512];
	int fd;

	if (strchr(name, '/'))
		snprintf(path, sizeof(path), "%s", name);
	else if (all_digits(name))
		snprintf(path, sizeof(path), "/proc/%s/ns/net", name);
	else
		snprintf(path, sizeof(path), "/var/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, ERR_ATTACH_FIND, path, "there is no network name space '%s': "
			       "%s", name, strerror(errno));
	return fd;
}

/* Devices are looked for, and programs attached, in the name space of this process. */
static int enter_netns(struct link_where *w, const char *name, struct skep_err *err)
{
	if (!name) {
		w->netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		return 0;
	}
	w->netns = open_netns(name, err);
	if (w->netns < 0)
		return w->netns;
	if (!setns(w->netns, CLONE_NEWNET))
		return 0;
	return err_set(err, ERR_ATTACH_WHERE, NULL, "--netns %s: %s", name,
		       errno == EINVAL ? "it is no network name space" : strerror(errno));
}

/* ---- the others ------------------------------------------------------------ */

static int find_device(struct link_where *w, const char *name, struct skep_err *err)
{
	struct if_nameindex *all;
	VEC(const char *) names = { 0 };
	const char *near;
	int r;

	w->dev = name;
	w->ifindex = if_nametoindex(name);
	if (w->ifindex)
		return 0;
	r = err_set(err, ERR_ATTACH_FIND, NULL, "there is no network device '%s'", name);
	all = if_nameindex();
	for (struct if_nameindex *i = all; i && i->if_index; i++)
		*vec_push(&names) = i->if_name;
	near = err_nearest(name, names.v, names.n);
	if (near)
		err_help(err, "did you mean '%s'?", near);
	if (all)
		if_freenameindex(all);
	vec_free(&names);
	return r;
}

static int find_cgroup(struct link_where *w, const char *path, struct skep_err *err)
{
	w->cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->cgroup >= 0)
		return 0;
	return err_set(err, ERR_ATTACH_FIND, path, "there is no such cgroup: %s", strerror(errno));
}

/* A copy of descriptor NUMBER of process PID. */
static int copy_socket(struct link_where *w, u64 number, u32 pid, struct skep_err *err)
{
	struct stat st;
	int fd;

	if (!pid)
		return err_set(err, ERR_USAGE, NULL, "--socket is a descriptor of the process that "
			       "-p names");
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd >= 0) {
		w->sock = (int)syscall(SYS_pidfd_getfd, fd, (unsigned)number, 0);
		close(fd);
	}
	if (w->sock < 0)
		return err_set(err, ERR_ATTACH_FIND, NULL, "descriptor %u of process %u: %s",
			       (unsigned)number, pid, strerror(errno));
	if (fstat(w->sock, &st) || !S_ISSOCK(st.st_mode))
		return err_set(err, ERR_ATTACH_WHERE, NULL, "descriptor %u of process %u is no "
			       "socket", (unsigned)number, pid);
	return 0;
}

int where_enter(const struct where_opts *o, struct skep_err *err)
{
	struct link_where w = { .netns = -1 };
	int r = o->netns ? enter_netns(&w, o->netns, err) : 0;

	if (w.netns >= 0)
		close(w.netns);
	return r;
}

int where_open(struct link_where *w, const struct where_opts *o, u32 pid, struct skep_err *err)
{
	int r;

	link_where_init(w);
	w->pid = pid;
	r = enter_netns(w, o->netns, err);
	if (!r && o->dev)
		r = find_device(w, o->dev, err);
	if (!r && o->cgroup)
		r = find_cgroup(w, o->cgroup, err);
	if (!r && o->sock != UINT64_MAX)
		r = copy_socket(w, o->sock, pid, err);
	return r;
}

void where_close(struct link_where *w)
{
	if (w->cgroup >= 0)
		close(w->cgroup);
	if (w->netns >= 0)
		close(w->netns);
	if (w->sock >= 0)
		close(w->sock);
	link_where_init(w);
}

/* ---- one program ----------------------------------------------------------- */

/* The part of ARG behind "NAME=" when it is for P, all of it when it is for everyone;
 * NULL when it is for another one. What is before a "=" is a name when it looks so. */
static const char *meant_for(const char *arg, const struct image_prog *p)
{
	size_t n = 0;

	while (isalnum((unsigned char)arg[n]) || arg[n] == '_')
		n++;
	if (arg[n] != '=')
		return arg;
	return strlen(p->name) == n && !memcmp(arg, p->name, n) ? arg + n + 1 : NULL;
}

static int set_cookie(struct link_where *w, const char *text, struct skep_err *err)
{
	char *end;

	errno = 0;
	w->cookie = strtoull(text, &end, 0);
	w->has_cookie = true;
	if (errno || *end || !isdigit((unsigned char)*text))
		return err_set(err, ERR_USAGE, NULL, "--cookie takes a number, not '%s'", text);
	return 0;
}

int where_of(struct link_where *w, const struct where_opts *o, const struct image_prog *p,
	     struct skep_err *err)
{
	int r = 0;

	w->at = p->target;
	for (size_t i = 0; i < o->at.n; i++) {
		const char *at = meant_for(o->at.v[i], p);

		if (at)
			w->at = at;
	}
	w->has_cookie = false;
	w->cookie = 0;
	for (size_t i = 0; !r && i < o->cookies.n; i++) {
		const char *text = meant_for(o->cookies.v[i], p);

		if (text)
			r = set_cookie(w, text, err);
	}
	return r;
}

static bool is_for_one(const struct object_list *objs, const char *arg)
{
	for (size_t i = 0; i < objs->n; i++)
		for (u32 k = 0; k < objs->v[i]->img->nr_progs; k++)
			if (meant_for(arg, &objs->v[i]->img->progs[k]))
				return true;
	return false;
}

int where_check(const struct where_opts *o, const struct object_list *objs, struct skep_err *err)
{
	const struct str_list *const lists[] = { &o->at, &o->cookies };

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		for (size_t k = 0; k < lists[i]->n; k++) {
			char *name = mem_strdup(lists[i]->v[k]);
			int r = 0;

			name[strcspn(name, "=")] = 0;
			if (!is_for_one(objs, lists[i]->v[k]))
				r = no_program(objs, name, err);
			free(name);
			if (r)
				return r;
		}
	return 0;
}
