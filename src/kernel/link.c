/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link.c: attaching and detaching: which family a row of attach.def belongs to, and
 * what a kernel's no means. Families are in link_*.c.
 */
#include "kernel/link_priv.h"
#include "model/uapi.h"
#include "obj/obj.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void link_where_init(struct link_where *w)
{
	*w = (struct link_where){ .at = "", .cgroup = -1, .netns = -1, .sock = -1 };
}

int link_create(const struct link_attr *a)
{
	union bpf_attr attr = { 0 };

	_Static_assert(sizeof(*a) <= sizeof(attr), "it is one of the union's");
	memcpy(&attr, a, sizeof(*a));
	return sys_bpf(BPF_LINK_CREATE, &attr);
}

void link_says(struct link_job *j, const char *fmt, ...)
{
	char kind[32], *text = NULL, *all = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		mem_out(strlen(fmt));
	va_end(ap);
	attach_kind(j->l->row, kind);
	if (asprintf(&all, "%s%s%s", kind, *text ? " " : "", text) < 0)
		mem_out(strlen(text));
	free(text);
	free(j->l->text);
	j->l->text = all;
}

bool link_kernel_before(const struct link_job *j, const char *since)
{
	return j->k->version && j->k->version < kernel_version_of(since);
}

/* ---- why not --------------------------------------------------------------- */

static void note_busy(struct link_job *j)
{
	switch (j->l->row->target) {
	case ATTACH_TO_DEVICE:
		err_note(j->err, "something is attached there already, which is not replaced; "
			 "`bpftool net` shows it");
		return;
	case ATTACH_TO_CGROUP:
		err_note(j->err, "a program is attached to that cgroup, or to one above it, in "
			 "a way that allows no other");
		return;
	case ATTACH_TO_NETNS:
		err_note(j->err, "a program is attached to that name space already, and it "
			 "takes one");
		return;
	default:
		err_note(j->err, "a program is attached there already");
	}
}

static void note_since(struct link_job *j)
{
	const struct attach_row *row = j->l->row;
	char kind[32];

	if (!*row->since)
		err_note(j->err, "no Linux up to 7.2 attaches programs of section '%s'",
			 attach_kind(row, kind));
	else if (link_kernel_before(j, row->since))
		err_note(j->err, "attaching programs of section '%s' needs Linux %s, this is %s",
			 attach_kind(row, kind), row->since, j->k->release);
}

int link_refused(struct link_job *j, int code, const char *fmt, ...)
{
	const bool full = code == -E2BIG && j->l->row->target == ATTACH_TO_NETNS;
	const bool process = code == -ESRCH && j->w->pid;
	const bool busy = code == -EBUSY || code == -EEXIST || full;
	char text[512];
	va_list ap;
	int r;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (process)
		return err_set(j->err, ERR_ATTACH_PROCESS, NULL, "there is no process %u any more",
			       j->w->pid);
	r = err_set(j->err, busy ? ERR_ATTACH_BUSY : ERR_ATTACH, j->img->file,
		    "program '%s' is not attached to %s: %s", j->p->name, text,
		    sys_error(full ? -EBUSY : code));
	if (busy)
		note_busy(j);
	else if (code == -EPERM || code == -EACCES)
		kernel_why(j->err, -EPERM);
	else if (code == -EMFILE)
		err_note(j->err, "this process may have no more files open (ulimit -n)");
	if (code == -EINVAL || code == -ENOENT || code == NOT_SUPPORTED || code == -EOPNOTSUPP)
		note_since(j);
	return r;
}

int link_bad_where(struct link_job *j, const char *fmt, ...)
{
	char text[512], kind[32];
	va_list ap;
	int r;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r = err_set(j->err, ERR_ATTACH_WHERE, j->img->file, "program '%s' of section '%s': %s",
		    j->p->name, j->p->section, text);
	err_note(j->err, "programs of kind %s are attached to %s",
		 attach_kind(j->l->row, kind), attach_target_text(j->l->row));
	return r;
}

static int nowhere(struct link_job *j)
{
	int r = err_set(j->err, ERR_ATTACH_KIND, j->img->file, "nothing attaches program '%s' of "
			"section '%s' by itself", j->p->name, j->p->section);

	if (j->p->type == BPF_PROG_TYPE_SCHED_ACT)
		err_note(j->err, "it is an action of a filter: `tc filter ... action bpf`");
	note_since(j);
	return r;
}

static int in_map(struct link_job *j)
{
	j->l->flags |= LINK_ONCE;
	link_says(j, "in the maps that name it");
	return 0;
}

/* ---- families -------------------------------------------------------------- */

static int by_family(struct link_job *j)
{
	switch ((enum attach_how)j->l->row->how) {
	case ATTACH_TRACEPOINT: return link_tracepoint(j);
	case ATTACH_PERF_EVENT: return link_perf_event(j);
	case ATTACH_KPROBE:
	case ATTACH_KRETPROBE:
	case ATTACH_KSYSCALL:
	case ATTACH_KRETSYSCALL: return link_kprobe(j);
	case ATTACH_UPROBE:
	case ATTACH_URETPROBE: return link_uprobe(j);
	case ATTACH_USDT: return link_usdt(j);
	case ATTACH_KPROBE_MULTI:
	case ATTACH_KRETPROBE_MULTI: return link_kprobe_multi(j);
	case ATTACH_UPROBE_MULTI:
	case ATTACH_URETPROBE_MULTI: return link_uprobe_multi(j);
	case ATTACH_RAW_TP: return link_raw_tp(j);
	case ATTACH_LOADED: return link_loaded(j);
	case ATTACH_ITER: return link_iter(j);
	case ATTACH_XDP: return link_xdp(j);
	case ATTACH_TCX: return link_tcx(j);
	case ATTACH_CLSACT: return link_clsact(j);
	case ATTACH_NETKIT: return link_netkit(j);
	case ATTACH_CGROUP:
	case ATTACH_CGROUP_LSM: return link_cgroup(j);
	case ATTACH_NETNS: return link_netns(j);
	case ATTACH_NETFILTER: return link_netfilter(j);
	case ATTACH_SOCKMAP: return link_sockmap(j);
	case ATTACH_SOCKET:
	case ATTACH_REUSEPORT: return link_socket(j);
	case ATTACH_LWT:
	case ATTACH_LWT_SEG6: return link_lwt(j);
	case ATTACH_FREPLACE: return link_freplace(j);
	case ATTACH_RUN_ONCE: return link_run_once(j);
	case ATTACH_IN_MAP: return in_map(j);
	case ATTACH_STRUCT_OPS:
	case ATTACH_LIRC:
	case ATTACH_NOWHERE: break;
	}
	return nowhere(j);
}

static u32 link_id(int fd)
{
	struct bpf_link_info info = { 0 };
	union bpf_attr a = { .info = { .bpf_fd = (u32)fd, .info_len = sizeof(info),
		.info = (uintptr_t)&info } };

	return fd < 0 || sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &a) ? 0 : info.id;
}

static int attach(struct link_job *j)
{
	int r;

	j->l->row = attach_row(j->p->sec);
	if (!j->l->row)
		return err_set(j->err, ERR_ATTACH_KIND, j->img->file, "nothing is known of how "
			       "program '%s' of section '%s' is attached", j->p->name,
			       j->p->section);
	r = by_family(j);
	if (r)
		return r;
	j->l->id = link_id(j->l->fd);
	if (!j->l->places)
		j->l->places = 1;
	return 0;
}

int link_attach(struct link *l, struct backend *b, u32 prog, const struct link_where *w,
		struct skep_err *err)
{
	struct kernel *k = kernel_of(b);
	const struct kernel_prog *kp = &k->progs.v[prog];
	struct link_job j = { k, l, kp->img, kp->prog, kp->fd, w, err };
	int r;

	*l = (struct link){ .prog = prog, .name = kp->prog->name, .fd = -1 };
	r = attach(&j);
	if (r)
		link_detach(l);
	return r;
}

void link_detach(struct link *l)
{
	if (!l->row)
		return;
	if (l->undo)
		l->undo(l);
	if (l->fd >= 0)
		close(l->fd);
	for (size_t i = 0; i < l->fds.n; i++)
		close(l->fds.v[i]);
	vec_free(&l->fds);
	free(l->text);
	*l = (struct link){ .fd = -1 };
}

void link_leave(struct link *l)
{
	if (l->row && l->undo)
		free(l->undo_arg);
	l->undo = NULL;
	link_detach(l);
}

bool link_lives(const struct link *l)
{
	struct bpf_link_info info = { 0 };
	union bpf_attr a = { .info = { .bpf_fd = (u32)l->fd, .info_len = sizeof(info),
		.info = (uintptr_t)&info } };

	if (l->fd < 0 || sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &a))
		return true;
	/* what a link is on is its first word, 0 when that is gone */
	switch (l->row->how) {
	case ATTACH_XDP:
	case ATTACH_TCX:
	case ATTACH_CLSACT:
	case ATTACH_NETKIT: return info.xdp.ifindex != 0;
	case ATTACH_CGROUP: return info.cgroup.cgroup_id != 0;
	case ATTACH_NETNS: return info.netns.netns_ino != 0;
	default: return true;
	}
}

/* ---- of the backend -------------------------------------------------------- */

int kernel_prog_fd(struct backend *b, u32 prog)
{
	struct kernel *k = kernel_of(b);

	return prog < k->progs.n ? k->progs.v[prog].fd : -EBADF;
}

u32 kernel_prog_id(struct backend *b, u32 prog)
{
	struct kernel *k = kernel_of(b);

	return prog < k->progs.n ? k->progs.v[prog].id : 0;
}

int kernel_map_own_fd(struct backend *b, u32 map)
{
	const struct kernel_map *m = kernel_map(b, map);

	return m ? m->fd : -EBADF;
}
