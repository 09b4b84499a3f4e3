/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel.c: opening and closing the kernel as a backend. */
#include "kernel/sys.h"
#include "base/os.h"
#include "obj/obj.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Reads "0-3" or "0-3,8" of /sys: one more than the highest. */
static u32 possible_cpus(void)
{
	FILE *f = fopen("/sys/devices/system/cpu/possible", "re");
	unsigned last = 0, n;

	if (!f)
		return (u32)os_cpu_count();
	while (fscanf(f, "%u", &n) == 1) {
		last = n;
		fgetc(f);	/* '-' or ',' */
	}
	fclose(f);
	return last + 1;
}

static void kernel_close(struct backend *b)
{
	struct kernel *k = kernel_of(b);

	for (size_t i = 0; i < k->progs.n; i++)
		close(k->progs.v[i].fd);
	for (size_t i = 0; i < k->maps.n; i++) {
		kernel_ring_close(&k->maps.v[i].ring);
		perfbuf_close(k->maps.v[i].perf);
		kernel_map_unmap(&k->maps.v[i]);
		kernel_ops_close(&k->maps.v[i].ops);
		close(k->maps.v[i].fd);
	}
	if (k->btf_fd >= 0)
		close(k->btf_fd);
	target_close(&k->own);
	vec_free(&k->progs);
	vec_free(&k->maps);
	free(k->out);
	free(k);
}

static const struct backend_ops kernel_ops = {
	.name = "kernel",
	.close = kernel_close,
	.image = kernel_image,
	.map_create = kernel_map_create,
	.map_info = kernel_map_info,
	.map_lookup = kernel_map_lookup,
	.map_update = kernel_map_update,
	.map_delete = kernel_map_delete,
	.map_lookup_delete = kernel_map_lookup_delete,
	.map_read = kernel_map_read,
	.map_fd = kernel_map_fd,
	.map_write = kernel_map_write,
	.map_next_key = kernel_map_next_key,
	.map_freeze = kernel_map_freeze,
	.map_read_batch = kernel_map_read_batch,
	.map_write_batch = kernel_map_write_batch,
	.map_pin = kernel_map_pin,
	.map_get = kernel_map_get,
	.map_mem = kernel_map_mem,
	.map_like = kernel_map_like,
	.map_drop = kernel_map_drop,
	.prog_load = kernel_prog_load,
	.test_run = kernel_test_run,
	.test_run_batch = kernel_test_run_batch,
};

/* Whether bpf(2) may be used at all, by the smallest map. */
static int try_it(struct skep_err *err)
{
	union bpf_attr a = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4,
		.max_entries = 1 };
	int fd = sys_bpf(BPF_MAP_CREATE, &a), r;

	if (fd >= 0)
		return close(fd);
	r = err_set(err, ERR_KERNEL, NULL, "the kernel does not let this process use BPF: %s",
		    sys_error(fd));
	kernel_why(err, fd);
	return r;
}

/* "6.1.192" even where uname(2) says 6.1.0-57-amd64. */
static void name_release(struct kernel *k)
{
	u32 v = k->version;
	struct utsname u;

	if (v && (v & 0xff) < 255) {
		snprintf(k->release, sizeof(k->release), "%u.%u.%u", v >> 16, v >> 8 & 0xff,
			 v & 0xff);
		return;
	}
	uname(&u);
	memcpy(k->release, u.release, sizeof(k->release) - 1);
	k->release[strcspn(k->release, "-")] = 0;
}

int kernel_open(struct backend **out, struct target *target, struct skep_err *err)
{
	struct kernel *k;
	int r = try_it(err);

	*out = NULL;
	if (r)
		return r;
	k = mem_alloc(sizeof(*k));
	k->b.ops = &kernel_ops;
	k->btf_fd = -1;
	k->cpus = possible_cpus();
	k->out = mem_alloc(OUT_BYTES);
	k->target = target ? target : &k->own;
	k->version = target_version(k->target);
	name_release(k);
	*out = &k->b;
	return 0;
}

void kernel_load_as(struct backend *b, const struct kernel_load *how)
{
	kernel_of(b)->how = *how;
}

const char *kernel_release(const struct backend *b)
{
	return ((const struct kernel *)b)->release;
}
