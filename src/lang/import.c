/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * import.c: import "x.bt", "x.h", "x.bpf.c" or a folder of them. Each file is read once, however
 * often and in whatever circle it is imported; what it has comes before what imports it.
 */
#include "base/os.h"
#include "lang/expand.h"
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { MAX_IMPORT = 16 << 20, MAX_FILES = 1000 };

static struct node *import_list(struct expand *x, struct node *list, const char *dir);

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n >= k && !strcmp(s + n - k, end);
}

static bool was_read(struct expand *x, const char *real)
{
	for (size_t i = 0; i < x->imported.n; i++)
		if (!strcmp(x->imported.v[i], real))
			return true;
	*vec_push(&x->imported) = real;
	return false;
}

static struct node **list_end(struct node **at)
{
	while (*at)
		at = &(*at)->next;
	return at;
}

static const char *folder_of(struct expand *x, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? arena_strndup(&x->s->arena, path, (size_t)(slash - path) + 1) : ".";
}

/* Who may write there decides what root runs. */
static bool is_safe(struct expand *x, const struct node *n, const char *path)
{
	const char *dir = folder_of(x, path);
	struct stat st;

	if (!stat(dir, &st) && st.st_mode & S_IWOTH)
		diag_error(x->s, n->at, "refusing to import from %s, which everybody may write",
			   dir);
	else if (!stat(path, &st) && st.st_mode & S_IWOTH)
		diag_error(x->s, n->at, "refusing to import %s, which everybody may write", path);
	else
		return true;
	return false;
}

static const struct source *read_source(struct expand *x, const struct node *n,
					const char *path)
{
	struct os_file f;
	struct skep_err err;
	const struct source *src;

	struct stat st;

	if (stat(path, &st) || !S_ISREG(st.st_mode) || os_file_read(&f, path, &err)) {
		diag_error(x->s, n->at, "cannot import %s: it cannot be read", path);
		return NULL;
	}
	if (f.size > MAX_IMPORT || x->imported.n > MAX_FILES) {
		diag_error(x->s, n->at, "cannot import %s: %s", path, f.size > MAX_IMPORT ?
			   "it is larger than 16 MiB" : "there are more than 1000 files");
		os_file_close(&f);
		return NULL;
	}
	src = script_source_copy(x->s, path, f.data, (u32)f.size);
	os_file_close(&f);
	return src;
}

/* A header: C as it stands. */
static struct node *import_c(struct expand *x, const struct source *src)
{
	struct node *n = node_new(x->s, N_CPART, (struct span){ src, 0, src->bytes });

	n->text = src->text;
	n->text_n = src->bytes;
	n->high = 1;
	return n;
}

static struct node *import_script(struct expand *x, const struct source *src, const char *path)
{
	struct node *saved = x->s->list, *list;

	x->s->list = NULL;
	parse_script(x->s, src);
	list = x->s->list;
	x->s->list = saved;
	for (struct node *n = list; n; n = n->next)
		if (n->kind == N_CONFIG)
			diag_error(x->s, n->at, "an imported script cannot have config");
	return import_list(x, list, folder_of(x, path));
}

/* Functions in C, for the compiler. */
static void note_c(struct expand *x, const struct node *n, const char *path)
{
	struct script_c *c = arena_new(&x->s->arena, struct script_c), **end = &x->s->c_files;

	*c = (struct script_c){ .path = path, .at = n->at };
	while (*end)
		end = &(*end)->next;
	*end = c;
}

static struct node *import_file(struct expand *x, const struct node *n, const char *path)
{
	char *real = realpath(path, NULL);
	const struct source *src;
	bool again = real && was_read(x, arena_strdup(&x->s->arena, real));

	free(real);
	if (again || !is_safe(x, n, path))
		return NULL;
	if (ends_with(path, ".bpf.c")) {
		note_c(x, n, path);
		return NULL;
	}
	if (!ends_with(path, ".bt") && !ends_with(path, ".h")) {
		diag_error(x->s, n->at, "cannot import %s: it is no .bt, .h or .bpf.c file, and no "
			   "folder", path);
		return NULL;
	}
	src = read_source(x, n, path);
	if (!src)
		return NULL;
	return ends_with(path, ".h") ? import_c(x, src) : import_script(x, src, path);
}

static int is_wanted(const struct dirent *d)
{
	return ends_with(d->d_name, ".bt") || ends_with(d->d_name, ".h") ||
	       ends_with(d->d_name, ".bpf.c");
}

static struct node *import_folder(struct expand *x, const struct node *n, const char *path)
{
	struct node *list = NULL;
	struct dirent **names;
	int k = scandir(path, &names, is_wanted, alphasort);

	if (k < 0) {
		diag_error(x->s, n->at, "cannot import %s: %s", path, strerror(errno));
		return NULL;
	}
	for (int i = 0; i < k; i++) {
		const char *file = arena_printf(&x->s->arena, "%s/%s", path, names[i]->d_name);

		*list_end(&list) = import_file(x, n, file);
		free(names[i]);
	}
	free(names);
	return list;
}

/* Tries the script's own folder, DIR, then those that the user gave. */
static const char *find(struct expand *x, const char *dir, const char *name, struct stat *st)
{
	const char *path;

	path = *name == '/' ? name : arena_printf(&x->s->arena, "%s%s%s", dir,
						  ends_with(dir, "/") ? "" : "/", name);
	for (u32 i = 0; stat(path, st) && *name != '/'; i++) {
		if (i >= x->o->nr_dirs)
			return NULL;
		path = arena_printf(&x->s->arena, "%s/%s", x->o->dirs[i], name);
	}
	return stat(path, st) ? NULL : path;
}

static struct node *import(struct expand *x, const struct node *n, const char *dir)
{
	struct stat st;
	const char *path = find(x, dir, n->text, &st);

	if (!path) {
		diag_error(x->s, n->at, "cannot import %s: %s", n->text, strerror(errno));
		return NULL;
	}
	return S_ISDIR(st.st_mode) ? import_folder(x, n, path) : import_file(x, n, path);
}

/* ---- where they stand ----------------------------------------------------------- */

struct in_block {
	struct expand *x;
	const char *dir;
	struct node **end;	/* of what they import */
};

static void import_in(void *arg, struct node **at)
{
	struct in_block *in = arg;

	if ((*at)->kind == N_IMPORT) {
		*in->end = import(in->x, *at, in->dir);
		in->end = list_end(in->end);
		return;
	}
	expand_children(*at, import_in, in);
}

/* LIST, of a file in DIR, with what is imported before each part that imports it. */
static struct node *import_list(struct expand *x, struct node *list, const char *dir)
{
	struct node *all = NULL, **end = &all, *next;

	for (struct node *n = list; n; n = next) {
		struct in_block in = { x, dir, end };
		struct node *self = n;

		next = n->next;
		n->next = NULL;
		import_in(&in, &self);
		end = list_end(in.end);
		if (n->kind == N_IMPORT)
			continue;
		*end = n;
		end = &n->next;
	}
	return all;
}

void expand_imports(struct expand *x)
{
	const char *dir = x->o->nr_dirs ? x->o->dirs[0] : ".";
	char *real = x->s->list ? realpath(x->s->list->at.src->name, NULL) : NULL;

	if (real)	/* who imports the script itself has it already */
		was_read(x, arena_strdup(&x->s->arena, real));
	free(real);
	x->s->list = import_list(x, x->s->list, dir);
}
