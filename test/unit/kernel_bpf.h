/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel_bpf.h: bpf(2) for tests that compare with the running kernel. It must
 * be 6.18 or later: an older one differs in places.
 */
#ifndef TEST_KERNEL_BPF_H
#define TEST_KERNEL_BPF_H

#include "base/base.h"
#include "maps/map.h"
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <cmocka.h>

static inline int sys_bpf(int cmd, union bpf_attr *a)
{
	long r = syscall(SYS_bpf, cmd, a, sizeof(*a));

	return r < 0 ? -errno : (int)r;
}

static inline int kmap_create(const struct map_attr *m)
{
	union bpf_attr a = { .map_type = m->type, .key_size = m->key_size,
		.value_size = m->value_size, .max_entries = m->max_entries,
		.map_flags = m->map_flags, .map_extra = m->map_extra };

	return sys_bpf(BPF_MAP_CREATE, &a);
}

/* The reason why the kernel cannot be asked, or NULL. */
static inline const char *no_kernel(void)
{
	struct map_attr m = { .type = BPF_MAP_TYPE_HASH, .key_size = 4,
		.value_size = 4, .max_entries = 1 };
	struct utsname u;
	int fd = kmap_create(&m), major = 0, minor = 0;

	if (fd < 0)
		return "bpf(2) is not allowed here";
	close(fd);
	uname(&u);
	sscanf(u.release, "%d.%d", &major, &minor);
	return major * 1000 + minor < 6018 ? "the kernel is older than 6.18" : NULL;
}

static inline void need_kernel(void)
{
	const char *why = no_kernel();

	if (!why)
		return;
	print_message("skipped: %s\n", why);
	skip();
}

#endif
