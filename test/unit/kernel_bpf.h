/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel_bpf.h: bpf(2) for tests that compare with the running kernel. It must
 * be 6.1 or later, and 6.18 or later for most.
 */
#ifndef TEST_KERNEL_BPF_H
#define TEST_KERNEL_BPF_H

#include "base/base.h"
#include "maps/map.h"
#include <linux/bpf.h>
#include <linux/btf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <cmocka.h>

#ifndef KERNEL_SYS_H	/* else there is one */
static inline int sys_bpf(int cmd, union bpf_attr *a)
{
	long r = syscall(SYS_bpf, cmd, a, sizeof(*a));

	return r < 0 ? -errno : (int)r;
}
#endif

static inline int kmap_create(const struct map_attr *m)
{
	union bpf_attr a = { .map_type = m->type, .key_size = m->key_size,
		.value_size = m->value_size, .max_entries = m->max_entries,
		.map_flags = m->map_flags, .map_extra = m->map_extra };

	return sys_bpf(BPF_MAP_CREATE, &a);
}

static inline int kmap_op(int cmd, int fd, const void *key, const void *value, u64 flags)
{
	union bpf_attr a = { .map_fd = (u32)fd, .key = (uintptr_t)key,
		.value = (uintptr_t)value, .flags = flags };

	return sys_bpf(cmd, &a);
}

/* Types 1, an int, and 2, a struct of BYTES, as BTF: a descriptor. */
static inline int btf_of(u32 bytes)
{
	struct { struct btf_header h; u32 type[7]; char text[10]; } b = {
		.h = { .magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(b.h),
		       .type_len = sizeof(b.type), .str_off = sizeof(b.type),
		       .str_len = 9 },
		.type = { 1, BTF_KIND_INT << 24, 4, 1u << 24 | 32,
			  5, BTF_KIND_STRUCT << 24, bytes },
		.text = "\0int\0val",
	};
	union bpf_attr a = { .btf = (uintptr_t)&b,
			     .btf_size = sizeof(b.h) + sizeof(b.type) + 9 };

	return sys_bpf(BPF_BTF_LOAD, &a);
}

/* 6018 for Linux 6.18. */
static inline int kernel_version(void)
{
	struct utsname u;
	int major = 0, minor = 0;

	uname(&u);
	sscanf(u.release, "%d.%d", &major, &minor);
	return major * 1000 + minor;
}

/* The reason why the kernel cannot be asked, or NULL. */
static inline const char *no_kernel(void)
{
	struct map_attr m = { .type = BPF_MAP_TYPE_HASH, .key_size = 4,
		.value_size = 4, .max_entries = 1 };
	int fd = kmap_create(&m);

	if (fd < 0)
		return "bpf(2) is not allowed here";
	close(fd);
	return kernel_version() < 6001 ? "the kernel is older than 6.1" : NULL;
}

static inline void skip_as(const char *why)
{
	print_message("# %s\n", why);
	skip();
}

/* For what is the same on Linux 6.1 and 6.18. */
static inline void need_old_kernel(void)
{
	const char *why = no_kernel();

	if (why)
		skip_as(why);
}

/* For what was otherwise before MAJOR.MINOR (or up to 6.1, where nobody knows
 * when it came). WHAT it is. */
static inline void need_kernel_since(int major, int minor, const char *what)
{
	char why[200];

	need_old_kernel();
	if (kernel_version() >= major * 1000 + minor)
		return;
	snprintf(why, sizeof(why), "a kernel before %d.%d: %s", major, minor, what);
	skip_as(why);
}

/* For what was made for 6.18 and compared with no other. */
static inline void need_kernel(void)
{
	need_kernel_since(6, 18, "compared with 6.18 only");
}

#endif
