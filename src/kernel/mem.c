/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mem.c: memory of maps that this process and programs see at once: arrays with
 * BPF_F_MMAPABLE (5.5) and arenas (6.9), to which only this gives an address.
 */
#include "kernel/sys.h"
#include "model/uapi.h"
#include <sys/mman.h>
#include <unistd.h>

static bool is_arena(const struct kernel_map *m)
{
	return m->def->type == UAPI_MAP_TYPE_ARENA;
}

static size_t mem_bytes(const struct kernel_map *m)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return is_arena(m) ? m->max_entries * page :
			     round_up(m->def->value_size, 8) * m->max_entries;
}

static size_t mapped_bytes(const struct kernel_map *m)
{
	return round_up(mem_bytes(m), (size_t)sysconf(_SC_PAGESIZE));
}

static void *map_at(const struct kernel_map *m, int prot)
{
	void *at = is_arena(m) ? (void *)(uintptr_t)m->def->map_extra : NULL;
	int flags = MAP_SHARED | (at ? MAP_FIXED_NOREPLACE : 0);
	void *mem = mmap(at, mapped_bytes(m), prot, flags, m->fd, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

void *kernel_map_mem(struct backend *b, u32 map, size_t *bytes)
{
	struct kernel_map *m = kernel_map(b, map);

	if (!m || (!is_arena(m) && (m->def->type != BPF_MAP_TYPE_ARRAY ||
				    (!(m->def->map_flags & BPF_F_MMAPABLE) &&
				     m->def->kind != IMAGE_MAP_DATA))))
		return NULL;
	*bytes = mem_bytes(m);
	if (!m->mem)
		m->mem = map_at(m, PROT_READ | PROT_WRITE);
	if (!m->mem)		/* frozen: may be looked at */
		m->mem = map_at(m, PROT_READ);
	return m->mem;
}

int kernel_arena_open(struct kernel_map *m)
{
	m->mem = map_at(m, PROT_READ | PROT_WRITE);
	if (!m->mem)
		return -errno;
	if (m->def->init)
		memcpy(m->mem, m->def->init, m->def->init_bytes);
	return 0;
}

void kernel_map_unmap(struct kernel_map *m)
{
	if (m->mem)
		munmap(m->mem, mapped_bytes(m));
	m->mem = NULL;
}
