/* SPDX-License-Identifier: BSD-2-Clause */
/* live.c: what the running kernel has already. */
#include "kernel/live_priv.h"
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PIN_DEPTH = 32,		/* folders in each other */
	BTF_BYTES_MAX = 64 << 20,
};

/* As in bpf(2)'s commands and in the links of /proc/self/fd. */
static const struct live_row {
	const char *name, *link;
	int next, open;
} rows[] = {
	[LIVE_PROG] = { "program", "bpf-prog", BPF_PROG_GET_NEXT_ID, BPF_PROG_GET_FD_BY_ID },
	[LIVE_MAP] = { "map", "bpf-map", BPF_MAP_GET_NEXT_ID, BPF_MAP_GET_FD_BY_ID },
	[LIVE_BTF] = { "BTF", "btf", BPF_BTF_GET_NEXT_ID, BPF_BTF_GET_FD_BY_ID },
	[LIVE_LINK] = { "link", "bpf-link", BPF_LINK_GET_NEXT_ID, BPF_LINK_GET_FD_BY_ID },
};

int live_said_no(const char *what, int code, struct skep_err *err)
{
	int r = err_set(err, ERR_KERNEL, NULL, "%s: %s", what, sys_error(code));

	kernel_why(err, code);
	return r;
}

/* ---- ids and descriptors --------------------------------------------------------- */

int live_next(enum live_kind kind, u32 *id)
{
	union bpf_attr a = { .start_id = *id };
	int r = sys_bpf(rows[kind].next, &a);

	if (!r)
		*id = a.next_id;
	return r;
}

int live_open(enum live_kind kind, u32 id, struct skep_err *err)
{
	union bpf_attr a = { .prog_id = id };	/* as all ids lie */
	int fd = sys_bpf(rows[kind].open, &a);
	char what[64];

	if (fd >= 0)
		return fd;
	if (fd == -ENOENT)
		return err_set(err, ERR_LIVE, NULL, "the kernel has no %s with id %u",
			       rows[kind].name, id);
	snprintf(what, sizeof(what), "%s %u cannot be opened", rows[kind].name, id);
	return live_said_no(what, fd, err);
}

int live_kind_of(int fd)
{
	char link[64], to[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, to, sizeof(to) - 1);
	to[n < 0 ? 0 : n] = 0;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strstr(to, rows[i].link))
			return (int)i;
	return strstr(to, "bpf_link") ? LIVE_LINK : -1;	/* of one that was just made */
}

static int open_any_pin(const char *path)
{
	union bpf_attr a = { .pathname = (uintptr_t)path };

	return sys_bpf(BPF_OBJ_GET, &a);
}

static int no_pin(const char *path, int code, struct skep_err *err)
{
	int r = err_set(err, ERR_PIN, path, "nothing can be opened there: %s", sys_error(code));

	if ((code == -EPERM || code == -EACCES || code == -EINVAL) && !access(path, F_OK))
		err_note(err, "pins live in a file system of type bpf, as mounted at "
			 "/sys/fs/bpf; this is another file");
	kernel_why(err, code == -ENOENT ? 0 : code);
	return r;
}

int live_open_pin(enum live_kind kind, const char *path, struct skep_err *err)
{
	int fd = open_any_pin(path), is;

	if (fd < 0)
		return no_pin(path, fd, err);
	is = live_kind_of(fd);
	if (is == (int)kind)
		return fd;
	close(fd);
	return err_set(err, ERR_PIN, path, "%s%s is pinned there, not a %s",
		       is < 0 ? "" : "a ", is < 0 ? "something else" : rows[is].name,
		       rows[kind].name);
}

int live_info(int fd, void *info, u32 bytes)
{
	union bpf_attr a = { .info = { .bpf_fd = (u32)fd, .info_len = bytes,
				       .info = (uintptr_t)info } };

	return sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &a);
}

u32 live_id(enum live_kind kind, int fd)
{
	union {
		struct bpf_prog_info prog;
		struct bpf_map_info map;
		struct bpf_btf_info btf;
		struct bpf_link_info link;
	} u = { 0 };
	const u32 bytes[] = { [LIVE_PROG] = sizeof(u.prog), [LIVE_MAP] = sizeof(u.map),
			      [LIVE_BTF] = sizeof(u.btf), [LIVE_LINK] = sizeof(u.link) };

	if (live_info(fd, &u, bytes[kind]))
		return 0;
	return kind == LIVE_BTF ? u.btf.id : u.prog.id;
}

/* ---- maps ------------------------------------------------------------------------------ */

/* What only the text of the descriptor says. */
static void read_fdinfo(struct live_map *m)
{
	char path[64], line[128];
	unsigned long long v;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", m->fd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "memlock: %llu", &v) == 1)
			m->memlock = v;
		else if (sscanf(line, "owner_prog_type: %llu", &v) == 1)
			m->owner_type = (s32)v;
		else if (sscanf(line, "owner_jited: %llu", &v) == 1)
			m->owner_jited = v;
		else if (sscanf(line, "frozen: %llu", &v) == 1)
			m->frozen = v;
	}
	if (f)
		fclose(f);
}

int live_map_look(struct live_map *m, int fd, struct skep_err *err)
{
	struct bpf_map_info is = { 0 };
	int r = live_info(fd, &is, sizeof(is));

	if (r) {
		close(fd);
		return live_said_no("the kernel does not describe the map", r, err);
	}
	*m = (struct live_map){
		.fd = fd, .id = is.id, .type = is.type, .key_size = is.key_size,
		.value_size = is.value_size, .max_entries = is.max_entries,
		.flags = is.map_flags, .extra = is.map_extra, .btf_id = is.btf_id,
		.key_type = is.btf_key_type_id, .value_type = is.btf_value_type_id,
		.ops_type = is.btf_vmlinux_value_type_id, .ifindex = is.ifindex,
		.owner_type = -1,
	};
	memcpy(m->name, is.name, sizeof(m->name));
	m->name[sizeof(m->name) - 1] = 0;
	return 0;
}

int live_map_read(struct live_map *m, int fd, struct skep_err *err)
{
	int r = live_map_look(m, fd, err);

	if (!r)
		read_fdinfo(m);
	return r;
}

void live_map_close(struct live_map *m)
{
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
	free(m->file);
	m->file = NULL;
}

int live_map_element(int fd, u32 index, void *value)
{
	union bpf_attr a = { .map_fd = (u32)fd, .key = (uintptr_t)&index,
			     .value = (uintptr_t)value };

	return sys_bpf(BPF_MAP_LOOKUP_ELEM, &a);
}

u32 live_map_adopt(struct backend *b, struct live_map *m, struct image_map *def)
{
	struct kernel *k = kernel_of(b);

	*def = (struct image_map){
		.name = m->name, .type = m->type, .key_size = m->key_size,
		.value_size = m->value_size, .max_entries = m->max_entries,
		.map_flags = m->flags, .map_extra = m->extra,
		.key_type = m->key_type, .value_type = m->value_type,
	};
	*vec_push(&k->maps) = (struct kernel_map){
		.fd = m->fd, .def = def, .max_entries = m->max_entries, .as_is = true };
	m->fd = -1;
	return (u32)k->maps.n - 1;
}

bool live_map_shape(struct backend *b, u32 map, struct map_info *info)
{
	kernel_map_shape(b, kernel_map(b, map), info);
	return info->row;
}

/* ---- counts ------------------------------------------------------------------------------- */

int live_stats_open(struct skep_err *err)
{
	union bpf_attr a = { .enable_stats.type = BPF_STATS_RUN_TIME };
	int fd = sys_bpf(BPF_ENABLE_STATS, &a);

	return fd >= 0 ? fd : live_said_no("the kernel does not count runs", fd, err);
}

/* ---- types ---------------------------------------------------------------------------------- */

/* The bytes of FD, for free(). */
static u8 *types_of(int fd, struct bpf_btf_info *is)
{
	u8 *data;

	*is = (struct bpf_btf_info){ 0 };
	if (live_info(fd, is, sizeof(*is)) || is->btf_size > BTF_BYTES_MAX)
		return NULL;
	data = mem_alloc(is->btf_size + 1);
	*is = (struct bpf_btf_info){ .btf = (uintptr_t)data, .btf_size = is->btf_size };
	if (!live_info(fd, is, sizeof(*is)))
		return data;
	free(data);
	return NULL;
}

int live_btf(struct btf **out, struct arena *arena, u32 id, const struct btf *base,
	     struct skep_err *err)
{
	int fd = live_open(LIVE_BTF, id, err), r;
	struct bpf_btf_info is;
	char where[32];
	u8 *data;

	if (fd < 0)
		return fd;
	data = types_of(fd, &is);
	close(fd);
	snprintf(where, sizeof(where), "BTF %u", id);
	if (!data)
		return err_set(err, ERR_KERNEL, where, "the kernel does not show these types");
	r = btf_parse_split(out, arena, base, data, is.btf_size, where, err);
	free(data);
	return r;
}

/* ---- pins ----------------------------------------------------------------------------------- */

static void add_pin(struct live_pins *pins, const char *path)
{
	int fd = open_any_pin(path), kind = fd < 0 ? -1 : live_kind_of(fd);

	if (kind >= 0)
		*vec_push(pins) = (struct live_pin){ (enum live_kind)kind,
			live_id((enum live_kind)kind, fd), mem_strdup(path) };
	if (fd >= 0)
		close(fd);
}

static void walk_pins(struct live_pins *pins, const char *dir, u32 depth)
{
	char path[4096];
	struct stat st;
	size_t n = 0;
	char **names = depth < PIN_DEPTH ? os_dir_names(dir, &n) : NULL;

	for (size_t i = 0; i < n; i++) {
		bool fits = snprintf(path, sizeof(path), "%s/%s", dir, names[i]) <
			    (int)sizeof(path);

		if (!fits || lstat(path, &st))
			continue;
		if (S_ISDIR(st.st_mode))
			walk_pins(pins, path, depth + 1);
		else if (S_ISREG(st.st_mode))
			add_pin(pins, path);
	}
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

void live_pins_read(struct live_pins *pins)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *m;

	while (mounts && (m = getmntent(mounts)))
		if (!strcmp(m->mnt_type, "bpf"))
			walk_pins(pins, m->mnt_dir, 0);
	if (mounts)
		endmntent(mounts);
}

void live_pins_free(struct live_pins *pins)
{
	for (size_t i = 0; i < pins->n; i++)
		free(pins->v[i].path);
	vec_free(pins);
}
