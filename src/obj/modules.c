/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * modules.c: the types of a target's modules, opened when the kernel itself
 * lacks a type. The running kernel's stand beside its own in sysfs and are taken
 * in the order in which modules were loaded, which is that of their numbers and
 * the one that libbpf goes by. Types that were named with --btf have those modules
 * only that were named with them.
 */
#include "obj/obj.h"
#include "base/vec.h"
#include <stdlib.h>

#define SYS_BTF "/sys/kernel/btf/"

/* A module and its line in /proc/modules, which has the youngest first; those
 * that it does not name are older. */
struct module { const char *name; u32 line; };

static int load_order(const void *x, const void *y)
{
	const struct module *a = x, *b = y;

	return a->line != b->line ? (a->line > b->line ? -1 : 1) : strcmp(a->name, b->name);
}

static void find_lines(struct module *m, size_t n)
{
	struct os_file f;
	u32 line = 0;

	if (os_file_read(&f, "/proc/modules", NULL))
		return;
	for (size_t at = 0, len; at < f.size; at += len + 1) {
		const char *s = (const char *)f.data + at;
		const char *nl = memchr(s, '\n', f.size - at);

		len = nl ? (size_t)(nl - s) : f.size - at;
		line++;
		for (size_t i = 0; i < n; i++) {
			size_t name = strlen(m[i].name);

			if (len > name && !memcmp(s, m[i].name, name) && s[name] == ' ')
				m[i].line = line;
		}
	}
	os_file_close(&f);
}

/* Modules in sysfs, oldest first. */
static struct module *list_modules(struct arena *arena, size_t *n)
{
	char **names = os_dir_names(SYS_BTF, n);
	struct module *m = arena_news(arena, *n + 1, struct module);
	size_t kept = 0;

	for (size_t i = 0; i < *n; i++) {
		if (strcmp(names[i], "vmlinux"))
			m[kept++] = (struct module){ arena_strdup(arena, names[i]), UINT32_MAX };
		free(names[i]);
	}
	free(names);
	*n = kept;
	find_lines(m, kept);
	if (kept)
		qsort(m, kept, sizeof(*m), load_order);
	return m;
}

static void add_module(struct target *t, struct btf_file *f, const char *name)
{
	t->module_files[t->nr_modules] = f;
	t->modules[t->nr_modules++] = (struct core_module){ f->btf, name };
}

static void make_room(struct target *t, size_t n)
{
	t->module_files = arena_news(&t->arena, n + 1, struct btf_file *);
	t->modules = arena_news(&t->arena, n + 1, struct core_module);
}

static int open_named(struct target *t, struct skep_err *err)
{
	make_room(t, t->opts.nr_modules);
	for (size_t i = 0; i < t->opts.nr_modules; i++) {
		struct btf_file *f = arena_new(&t->arena, struct btf_file);
		int ret = obj_open_btf(f, t->opts.modules[i], t->btf.btf, err);

		if (ret)
			return ret;
		add_module(t, f, t->opts.modules[i]);
	}
	return 0;
}

/* One that went away meanwhile, or whose types nobody may read, is left out. */
static void open_running(struct target *t)
{
	size_t n;
	struct module *m = list_modules(&t->arena, &n);

	make_room(t, n);
	for (size_t i = 0; i < n; i++) {
		struct btf_file *f = arena_new(&t->arena, struct btf_file);
		const char *path = arena_printf(&t->arena, SYS_BTF "%s", m[i].name);

		if (!btf_open_file(f, path, t->btf.btf, NULL))
			add_module(t, f, path);
	}
}

int target_modules(struct target *t, const struct core_module **out, u32 *n,
		   struct skep_err *err)
{
	int ret = 0;

	if (!t->modules && t->opts.nr_modules)
		ret = open_named(t, err);
	else if (!t->modules && !t->opts.btf)
		open_running(t);
	*out = t->modules;
	*n = t->nr_modules;
	return ret;
}

void target_close_modules(struct target *t)
{
	for (u32 i = 0; i < t->nr_modules; i++)
		btf_close_file(t->module_files[i]);
	t->nr_modules = 0;
}
