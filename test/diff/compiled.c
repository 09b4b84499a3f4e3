/* SPDX-License-Identifier: BSD-2-Clause */
/* compiled.c: see compiled.h. */
#include "diff/compiled.h"
#include "base/os.h"
#include "diff/dump.h"
#include "obj/obj.h"
#include <stdio.h>

enum { VALUE_MAX = 1 << 14, RING_BYTES = 4096 };

static bool refuse(char *why, size_t n, const char *what, const char *name)
{
	snprintf(why, n, "%s '%s'", what, name);
	return false;
}

/* Types that only judging needs. */
static bool may_exist(u32 type)
{
	return type == BPF_MAP_TYPE_PERF_EVENT_ARRAY || type == BPF_MAP_TYPE_STACK_TRACE ||
	       type == BPF_MAP_TYPE_CGROUP_ARRAY || type == BPF_MAP_TYPE_DEVMAP ||
	       type == BPF_MAP_TYPE_CPUMAP || type == BPF_MAP_TYPE_BLOOM_FILTER;
}

static bool map_take(struct compiled *o, u32 i, char *why, size_t n)
{
	const struct image_map *m = &o->img->maps[i];
	struct diff_map *to = &o->maps[i];

	to->attr = (struct map_attr){ .name = m->name, .type = m->type, .key_size = m->key_size,
		.value_size = m->value_size, .map_extra = m->map_extra,
		.map_flags = m->map_flags & ~(u32)BPF_F_MMAPABLE,
		.max_entries = (u32)min_u64(m->max_entries, COMPILED_ENTRIES) };
	to->frozen = m->kind == IMAGE_MAP_RODATA;
	to->init = m->init;
	if (m->type == BPF_MAP_TYPE_RINGBUF)
		to->attr.max_entries = RING_BYTES;
	if (m->lock_at || m->timer_at || m->inner || m->value_size > VALUE_MAX ||
	    to->attr.map_flags & (BPF_F_RDONLY | BPF_F_WRONLY))
		return refuse(why, n, "no plain map", m->name);
	if (dump_compares(to) || m->type == BPF_MAP_TYPE_PROG_ARRAY)
		return true;
	o->runs = false;
	return may_exist(m->type) || refuse(why, n, "map of a type that is not made", m->name);
}

bool compiled_open(struct compiled *o, const char *path, char *why, size_t n)
{
	struct os_file file;
	struct skep_err err;

	memset(o, 0, sizeof(*o));
	o->runs = true;
	if (os_file_read(&file, path, &err))
		return refuse(why, n, "cannot be read", path);
	if (obj_open(&o->img, file.data, file.size, path, &err))
		snprintf(why, n, "%.*s", (int)n - 1, err.text);
	os_file_close(&file);
	if (!o->img)
		return false;
	o->scene = (struct diff_scene){ o->maps, o->img->nr_maps, o->img->externs,
		o->img->nr_externs };
	for (u32 i = 0; i < o->img->nr_externs; i++)
		if (o->img->externs[i].kind != IMAGE_KFUNC)
			return refuse(why, n, "needs a variable", o->img->externs[i].name);
	if (o->img->nr_maps > WORLD_MAPS || o->img->nr_externs > WORLD_EXTERNS)
		return refuse(why, n, "too many maps or functions", path);
	for (u32 i = 0; i < o->img->nr_maps; i++)
		if (!map_take(o, i, why, n))
			return false;
	return true;
}

void compiled_close(struct compiled *o) { image_free(o->img); }

bool compiled_prog(const struct compiled *o, u32 i, struct diff_prog *p)
{
	const struct image_prog *from = &o->img->progs[i];

	if (!from->type || from->nr_insns > PROG_MAX || (from->sec && from->sec->flags))
		return false;
	p->type = from->type;
	p->attach = from->type == BPF_PROG_TYPE_KPROBE ? 0 : from->expected_attach;
	p->n = from->nr_insns;
	memcpy(p->v, from->insns, p->n * sizeof(*p->v));
	return true;
}
