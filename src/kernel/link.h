/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link.h: programs attached to the running kernel, by rows of model/attach.def. In: a
 * program that the kernel's backend has loaded, and where it goes. Out: a struct link,
 * whose descriptors own what is attached: closing them detaches, and so does the end of
 * the process, killed or not. What has no such descriptor in Linux (filters of clsact,
 * routes, socket options) is undone by link_detach alone, and LINK_STAYS says so.
 * Never attaches by a way that outlives the process where there is another one.
 *
 * Errors: ATTACH (the kernel says no), ATTACH_WHERE (the target is not named, or not
 * well), ATTACH_FIND (it is not there), ATTACH_BUSY (somebody else is there),
 * ATTACH_KIND (nothing attaches such programs here).
 */
#ifndef KERNEL_LINK_H
#define KERNEL_LINK_H

#include "base/vec.h"
#include "model/attach.h"
#include "model/backend.h"

/* Where a program goes. Zeroed but for descriptors, which are -1: link_where_init. */
struct link_where {
	const char *at;		/* what its section says after the prefix, or what a user
				   says instead; "" nothing */
	u32 ifindex;		/* a network device of this process's name space; 0 none */
	const char *dev;	/* its name, for messages */
	int cgroup, netns;	/* open files; -1 none */
	int sock;		/* a socket of which this process has a copy; -1 none */
	int map;		/* an iterator's, another than the object's; 0 none */
	u32 pid;		/* only in this process; 0: in all */
	u64 ref;		/* UPROBE: where a u16 is in the file that counts who
				   looks, a probe's semaphore; 0 none */
	bool has_cookie;
	u64 cookie;		/* what bpf_get_attach_cookie gives the program */
};
void link_where_init(struct link_where *w);

enum link_flag {
	LINK_STAYS = 1,		/* if the process is killed, what is attached stays */
	LINK_ALL_PIDS = 2,	/* fires in all processes although one was named: the
				   kernel cannot tell them apart at such a place */
	LINK_READS = 4,		/* an iterator: link_read */
	LINK_ONCE = 8,		/* has run, and is not attached any more */
};

struct link {
	const struct attach_row *row;
	u32 prog;		/* the backend's number */
	const char *name;	/* the program's, of the image */
	char *text;		/* where it is: "uprobe /bin/sh:main"; owned */
	unsigned flags;		/* LINK_* */
	int fd;			/* of the link, -1: there is none */
	VEC(int) fds;		/* others whose closing detaches: perf events, and links of
				   one program at several places */
	u32 id;			/* the link's, of the kernel; 0 none */
	u32 places;		/* at how many it is attached */
	s64 retval;		/* of LINK_ONCE */
	void (*undo)(struct link *l);	/* before descriptors are closed; or NULL */
	void *undo_arg;		/* owned by undo */
};

/*
 * Attaches program PROG of B, the kernel's backend, as its section says: *L is filled,
 * and detached already after an error.
 */
int link_attach(struct link *l, struct backend *b, u32 prog, const struct link_where *w,
		struct skep_err *err);
/*
 * Registers the struct of functions that map MAP of B is, of the image: a congestion
 * control, a scheduler.
 */
int link_attach_ops(struct link *l, struct backend *b, u32 map, struct skep_err *err);
void link_detach(struct link *l);	/* zeroed: fine */
/* The same of what is here alone: what is pinned, or stays by itself, stays. */
void link_leave(struct link *l);

/*
 * Is it still there? False when the kernel has detached it, as when its device is gone
 * or the cgroup was removed.
 */
bool link_lives(const struct link *l);
/* Reads what an iterator says, to its end: FN gets it in parts; 0 or -errno. */
int link_read(const struct link *l, void (*fn)(void *arg, const char *text, size_t n),
	      void *arg);
/* Before object_load: what must be known of W for program P when it is loaded, such as
 * which direction; changes P. Errors as above. */
int link_prepare(struct image_prog *p, const struct link_where *w, struct skep_err *err);

/* ---- of a kernel's backend ----------------------------------------------------- */

int kernel_prog_fd(struct backend *b, u32 prog);	/* -EBADF: none; not owned */
u32 kernel_prog_id(struct backend *b, u32 prog);
int kernel_map_own_fd(struct backend *b, u32 map);	/* the map itself; not owned */

#endif
