/* SPDX-License-Identifier: BSD-2-Clause */
/* live_btf.c: types that the running kernel has: which they are, whose; and what it has of
 * structs of functions (struct_ops), whose maps have types of its own. */
#include "kernel/live_priv.h"
#include <stdlib.h>
#include <unistd.h>

int live_types_read(struct live_types *t, int fd, struct skep_err *err)
{
	struct bpf_btf_info is = { .name = (uintptr_t)t->name, .name_len = sizeof(t->name) };
	int r;

	memset(t->name, 0, sizeof(t->name));
	r = live_info(fd, &is, sizeof(is));
	if (r)
		return live_said_no("the kernel does not describe these types", r, err);
	t->id = is.id;
	t->bytes = is.btf_size;
	t->kernel = is.kernel_btf;
	return 0;
}

/* ---- struct_ops ------------------------------------------------------------------ */

int live_ops_value(int fd, void *value)
{
	u32 key = 0;
	union bpf_attr a = { .map_fd = (u32)fd, .key = (uintptr_t)&key,
			     .value = (uintptr_t)value };

	return sys_bpf(BPF_MAP_LOOKUP_ELEM, &a);
}

int live_ops_unregister(int fd)
{
	u32 key = 0;
	union bpf_attr a = { .map_fd = (u32)fd, .key = (uintptr_t)&key };

	return sys_bpf(BPF_MAP_DELETE_ELEM, &a);
}

int live_map_raw(int fd, void *info, u32 bytes)
{
	memset(info, 0, bytes);
	return live_info(fd, info, bytes);
}
