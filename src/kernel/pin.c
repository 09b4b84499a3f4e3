/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pin.c: maps by name in the file system for pins (/sys/fs/bpf), the only
 * things that outlive the process. A pinned map is taken only where it is like
 * the definition in the object.
 */
#include "base/os.h"
#include "kernel/live.h"
#include "kernel/sys.h"
#include "model/pin.h"
#include <stdio.h>
#include <unistd.h>

/* ---- pins -------------------------------------------------------------------------- */

static int pin_error(const struct kernel *k, const char *what, const char *path, int code,
		     struct skep_err *err)
{
	int r = err_set(err, ERR_PIN, path, "kernel %s does not %s: %s", k->release, what,
			sys_error(code));

	switch (code) {
	case -EEXIST:
		err_note(err, "something is pinned there already");
		break;
	case -ENOENT:
		err_note(err, "the folder does not exist");
		break;
	case -EPERM:
	case -EINVAL:
		err_note(err, "pins live in a file system of type bpf, as mounted at /sys/fs/bpf");
		if (!os_in_bpf_fs(path))
			err_help(err, "name a folder there; maps of the embedded engine (without "
				 "--on kernel) are files in any other");
		break;
	}
	kernel_why(err, code);
	return r;
}

int kernel_map_pin(struct backend *b, u32 map, const char *path, struct skep_err *err)
{
	const struct kernel_map *m = kernel_map(b, map);
	union bpf_attr a = { .pathname = (uintptr_t)path };
	int r;

	if (!m)
		return err_set(err, ERR_PIN, path, "there is no map number %u", map);
	a.bpf_fd = (u32)m->fd;
	r = sys_bpf(BPF_OBJ_PIN, &a);
	return r ? pin_error(kernel_of(b), "pin the map", path, r, err) : 0;
}

static int is_like(int fd, const struct image_map *def, const char *path, struct skep_err *err)
{
	struct bpf_map_info info = { 0 };
	union bpf_attr a = { .info = { .bpf_fd = (u32)fd, .info_len = sizeof(info),
		.info = (uintptr_t)&info } };

	if (live_kind_of(fd) != LIVE_MAP || sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &a))
		return err_set(err, ERR_PIN, path, "what is pinned there is no map");
	return pin_check(&(struct pin_info){ info.type, info.key_size, info.value_size,
					     info.max_entries, info.map_flags }, def, path, err);
}

int kernel_map_reuse(struct backend *b, const struct image_map *def, int fd,
		     struct skep_err *err)
{
	struct bpf_map_info is = { 0 };
	union bpf_attr a = { .info = { .bpf_fd = (u32)fd, .info_len = sizeof(is),
		.info = (uintptr_t)&is } };
	struct kernel_map m = { .fd = fd, .def = def };

	if (sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &a) || is.type != def->type ||
	    is.key_size != def->key_size || is.value_size != def->value_size) {
		close(fd);
		return err_set(err, ERR_PIN, NULL, "map %u cannot stand for '%s': it is of type %u "
			       "with keys of %u and values of %u bytes, not of type %u with %u and "
			       "%u", is.id, def->name, is.type, is.key_size, is.value_size,
			       def->type, def->key_size, def->value_size);
	}
	m.max_entries = is.max_entries;
	*vec_push(&kernel_of(b)->maps) = m;
	return 0;
}

int kernel_map_get(struct backend *b, const struct image_map *def, const char *path,
		   struct skep_err *err)
{
	struct kernel *k = kernel_of(b);
	struct kernel_map m = { .def = def, .max_entries = def->max_entries };
	union bpf_attr a = { .pathname = (uintptr_t)path };
	int r;

	m.fd = sys_bpf(BPF_OBJ_GET, &a);
	if (m.fd == -ENOENT)
		return 1;
	if (m.fd < 0)
		return pin_error(k, "open the map", path, m.fd, err);
	r = is_like(m.fd, def, path, err);
	if (r)
		close(m.fd);
	else
		*vec_push(&k->maps) = m;
	return r;
}
