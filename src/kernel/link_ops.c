/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link_ops.c: structs of functions (struct_ops) become known to the kernel: a congestion
 * control, a scheduler. Those of .struct_ops.link by a link (6.4); others by storing
 * their map's element, which stays while the map does, and deleting it.
 */
#include "kernel/link_priv.h"
#include "model/uapi.h"
#include <stdlib.h>
#include <stdio.h>

enum { STRUCT_OPS = 44 };	/* BPF_STRUCT_OPS, an attach type */

static int refused(struct kernel *k, const struct image_map *def, int code, struct skep_err *err)
{
	const bool busy = code == -EEXIST || code == -EBUSY;
	int r = err_set(err, busy ? ERR_ATTACH_BUSY : ERR_ATTACH, NULL, "kernel %s does not "
			"register '%s': %s", k->release, def->name, sys_error(code));

	if (code == -EEXIST)
		err_note(err, "there is one of the same name already");
	if (code == -EINVAL)
		err_note(err, "the struct lacks a member that it must have, or a value in it "
			 "does not suit the kernel");
	if (code == -EPERM)
		kernel_why(err, code);
	return r;
}

static void unregister(struct link *l)
{
	u32 key = 0;
	union bpf_attr a = { .map_fd = *(u32 *)l->undo_arg, .key = (uintptr_t)&key };

	sys_bpf(BPF_MAP_DELETE_ELEM, &a);
	free(l->undo_arg);
}

static int store(const struct kernel_map *m)
{
	u32 key = 0;
	union bpf_attr a = { .map_fd = (u32)m->fd };

	a.key = (uintptr_t)&key;
	a.value = (uintptr_t)m->ops.value;
	return sys_bpf(BPF_MAP_UPDATE_ELEM, &a);
}

static int attach(struct link *l, const struct kernel_map *m)
{
	const struct link_attr a = { .prog_fd = (u32)m->fd, .attach_type = STRUCT_OPS };
	int r = store(m);

	if (r)
		return r;
	if (m->def->map_flags & UAPI_F_LINK) {
		l->fd = link_create(&a);
		return l->fd < 0 ? l->fd : 0;
	}
	l->undo_arg = mem_alloc(sizeof(u32));
	*(u32 *)l->undo_arg = (u32)m->fd;
	l->undo = unregister;
	return 0;
}

int link_attach_ops(struct link *l, struct backend *b, u32 map, struct skep_err *err)
{
	static const struct attach_row row = { "struct_ops+", ATTACH_STRUCT_OPS, ATTACH_TO_NONE,
		"5.6" };
	struct kernel *k = kernel_of(b);
	const struct kernel_map *m = &k->maps.v[map];
	int r;

	*l = (struct link){ .row = &row, .name = m->def->name, .fd = -1, .places = 1 };
	r = attach(l, m);
	if (r) {
		link_detach(l);
		return refused(k, m->def, r, err);
	}
	if (asprintf(&l->text, "struct_ops %s", btf_type_name(m->ops.btf, m->ops.type)) < 0)
		mem_out(64);
	return 0;
}
