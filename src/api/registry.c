/* SPDX-License-Identifier: BSD-2-Clause */
/* registry.c: what this process tells of its objects. What fails here fails silently: a
 * program does not depend on somebody's looking at it. */
#include "api/registry.h"
#include "base/json.h"
#include "base/os.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct link {
	u32 prog;
	char *kind, *where;
};

struct registry {
	char *path;		/* of the file */
	u32 pid;		/* whose it is: not of children that fork makes */
	u32 serial;
	u64 start, loaded_at;
	VEC(struct link) links;
};

/* ---- the folder ---------------------------------------------------------------------- */

/* A folder of this user's that nobody else can write to. */
static bool is_private(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       !(st.st_mode & 022);
}

static char *below(char *dir, const char *name, bool make)
{
	struct strbuf path = { 0 };

	sb_printf(&path, "%s/%s", dir, name);
	free(dir);
	if (make)
		os_dir_make(sb_text(&path));
	return path.s;
}

/* OWN is $SKEP_REGISTRY or NULL: that, or the user's folder for the session. */
static char *base_dir(const char *own)
{
	if (own && *own != '/')
		return NULL;	/* "off" */
	return own ? mem_strdup(own) : getuid() == geteuid() ? os_runtime_dir() : NULL;
}

/* The folder's path, there or not. */
static char *path_of(const char *own, bool make)
{
	char *dir = base_dir(own);

	if (dir && !own)
		dir = below(below(dir, "skep", make), ".live", make);
	else if (dir && make)
		os_dir_make(dir);
	return dir;
}

char *registry_dir(bool make)
{
	char *dir = path_of(secure_getenv("SKEP_REGISTRY"), make);

	if (dir && !is_private(dir)) {
		free(dir);
		dir = NULL;
	}
	return dir;
}

/* There is no folder: will the first process that has something to tell make it? */
static bool can_come(const char *own)
{
	char *base = own ? NULL : base_dir(own);
	struct stat st;
	const bool is = base && !stat(base, &st) && S_ISDIR(st.st_mode);

	free(base);
	return is;
}

bool registry_absent(char *why, size_t n)
{
	const char *own = secure_getenv("SKEP_REGISTRY");
	char *dir = path_of(own, false);
	struct stat st;
	const bool there = dir && !lstat(dir, &st);
	const bool absent = !dir || (there ? !is_private(dir) : !can_come(own));

	if (!dir && own)
		snprintf(why, n, "SKEP_REGISTRY is '%.200s', no absolute path", own);
	else if (!dir)
		snprintf(why, n, "neither SKEP_REGISTRY nor XDG_RUNTIME_DIR names a folder");
	else if (!there)
		snprintf(why, n, "there is no folder %.200s", dir);
	else
		snprintf(why, n, "%.200s is no folder that this user alone can write to", dir);
	free(dir);
	return absent;
}

/* ---- the text -------------------------------------------------------------------------- */

static void put_prog(struct json *j, const struct skep_object *obj, u32 i)
{
	static const char *const tiers[] = { "kernel", "checked", "fast", "jit-fast", "jit-opt",
					     "aot" };
	static const char *const verdicts[] = { [SKEP_UNVERIFIED] = "not verified",
		[SKEP_VERIFIED] = "verified", [SKEP_NOT_JUDGED] = "not judged" };
	const struct image_prog *p = &obj->img->progs[i];
	const struct progtype_row *row = progtype_row(p->type);
	struct skep_prog_engine e = { .size = sizeof(e) };
	u8 tag[8];
	char hex[17];

	skep_prog_engine(&obj->progs[i], &e);
	image_tag(tag, p);
	for (size_t k = 0; k < sizeof(tag); k++)
		snprintf(hex + 2 * k, 3, "%02x", tag[k]);
	json_obj(j, NULL);
	json_u64(j, "id", i);
	json_str(j, "name", p->name);
	json_str(j, "section", p->section ? p->section : "");
	json_str(j, "type", row ? row->name : "unknown");
	json_str(j, "tag", hex);
	json_bool(j, "gpl", license_is_gpl(obj->img->license));
	json_str(j, "verdict", verdicts[obj->progs[i].verdict]);
	json_str(j, "engine", tiers[e.tier]);
	json_u64(j, "xlated", p->nr_insns * sizeof(*p->insns));
	json_u64(j, "jited", e.code_bytes);
	json_arr(j, "maps");
	for (u32 m = 0; m < obj->img->nr_maps; m++)
		if (image_uses_map(p, m))
			json_u64(j, NULL, m);
	json_arr_end(j);
	json_obj_end(j);
}

static void put_map(struct json *j, const struct skep_object *obj, u32 i)
{
	const struct image_map *m = &obj->img->maps[i];
	struct backend *b = obj->backend;
	struct map_info info = { 0 };

	if (obj->maps[i].absent || b->ops->map_info(b, obj->maps[i].index, &info))
		return;
	json_obj(j, NULL);
	json_u64(j, "id", i);
	json_str(j, "name", m->name);
	json_u64(j, "type", m->type);
	json_u64(j, "key", info.key_size);
	json_u64(j, "value", info.value_size);
	json_u64(j, "max_entries", info.max_entries);
	json_u64(j, "flags", m->map_flags);
	if (info.path)
		json_str(j, "pin", info.path);
	json_obj_end(j);
}

static void put_links(struct json *j, const struct registry *g)
{
	json_arr(j, "links");
	for (size_t i = 0; i < g->links.n; i++) {
		json_obj(j, NULL);
		json_u64(j, "id", i);
		json_u64(j, "prog", g->links.v[i].prog);
		json_str(j, "kind", g->links.v[i].kind);
		json_str(j, "where", g->links.v[i].where);
		json_obj_end(j);
	}
	json_arr_end(j);
}

static void put_object(struct strbuf *out, const struct skep_object *obj)
{
	const struct registry *g = obj->registry;
	struct json j = { .out = out };
	u64 dev, ns = 0;

	os_pid_ns(&dev, &ns);
	json_obj(&j, NULL);
	json_u64(&j, "skep", 1);
	json_u64(&j, "pid", g->pid);
	json_u64(&j, "serial", g->serial);
	json_u64(&j, "start", g->start);
	json_u64(&j, "ns", ns);
	json_u64(&j, "loaded_at", g->loaded_at);
	json_str(&j, "object", obj->img->file ? obj->img->file : "");
	json_arr(&j, "programs");
	for (u32 i = 0; i < obj->img->nr_progs; i++)
		if (obj->progs[i].loaded >= 0)
			put_prog(&j, obj, i);
	json_arr_end(&j);
	json_arr(&j, "maps");
	for (u32 i = 0; i < obj->img->nr_maps; i++)
		put_map(&j, obj, i);
	json_arr_end(&j);
	put_links(&j, g);
	json_obj_end(&j);
	sb_putc(out, '\n');
}

/* ---- the file ---------------------------------------------------------------------------- */

/* Its name once it is whole, which no one else has: or another text under the same name. */
static bool write_as(const char *path, const struct strbuf *text)
{
	struct strbuf temp = { 0 };
	int fd;
	bool ok;

	sb_printf(&temp, "%s.new", path);
	fd = open(sb_text(&temp), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	ok = fd >= 0 && write(fd, text->s, text->n) == (ssize_t)text->n;
	if (fd >= 0)
		close(fd);
	ok = ok && !rename(sb_text(&temp), path);
	if (!ok && fd >= 0)
		unlink(sb_text(&temp));
	sb_free(&temp);
	return ok;
}

static void write_object(struct skep_object *obj)
{
	struct registry *g = obj->registry;
	struct strbuf text = { 0 };

	put_object(&text, obj);
	if (text.n <= REGISTRY_BYTES)
		write_as(g->path, &text);
	sb_free(&text);
}

/* Numbers of the objects of this process. */
static u32 next_serial(void)
{
	static u32 last;

	return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

void registry_publish(struct skep_object *obj)
{
	char *dir = registry_dir(false);
	struct strbuf path = { 0 };
	struct registry *g;

	if (!dir)
		dir = registry_dir(true);
	if (!dir)
		return;
	g = mem_alloc(sizeof(*g));
	g->pid = os_pid();
	g->serial = next_serial();
	g->start = os_process_start(g->pid);
	g->loaded_at = os_clock_real_ns() / 1000000000;
	sb_printf(&path, "%s/%u.%u", dir, g->pid, g->serial);
	g->path = path.s;
	free(dir);
	obj->registry = g;
	write_object(obj);
}

void registry_link(struct skep_object *obj, u32 prog, const char *kind, const char *where)
{
	struct registry *g = obj->registry;

	if (!g || g->pid != os_pid())
		return;
	*vec_push(&g->links) = (struct link){ prog, mem_strdup(kind), mem_strdup(where) };
	write_object(obj);
}

void registry_drop(struct skep_object *obj)
{
	struct registry *g = obj->registry;

	if (!g)
		return;
	if (g->pid == os_pid())
		unlink(g->path);
	for (size_t i = 0; i < g->links.n; i++) {
		free(g->links.v[i].kind);
		free(g->links.v[i].where);
	}
	vec_free(&g->links);
	free(g->path);
	free(g);
	obj->registry = NULL;
}
