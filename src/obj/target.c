/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * target.c: what a target has, read when it is first asked for: types, the
 * kernel's configuration, its version, addresses of its symbols. The running
 * kernel's where no file was named. Never writes anything.
 */
#include "obj/obj.h"
#include "base/vec.h"
#include <stdlib.h>
#include <unistd.h>

#define VMLINUX "/sys/kernel/btf/vmlinux"

/* ---- types ---------------------------------------------------------------- */

int target_btf(struct target *t, const struct btf **out, struct skep_err *err)
{
	int ret = 0;

	*out = t->btf.btf;
	if (*out)
		return 0;
	t->btf_name = t->opts.btf ? t->opts.btf : VMLINUX;
	if (t->opts.btf)
		ret = obj_open_btf(&t->btf, t->opts.btf, NULL, err);
	else if (!t->btf_tried && btf_open_file(&t->btf, VMLINUX, NULL, NULL))
		t->btf.btf = NULL;
	t->btf_tried = true;
	*out = t->btf.btf;
	return ret;
}

/* ---- version ---------------------------------------------------------------- */

/* "6.1.55-x" as KERNEL_VERSION(6, 1, 55), 0 for what is none. */
static u32 parse_version(const char *s)
{
	unsigned a, b, c = 0;

	if (sscanf(s, "%3u.%3u.%5u", &a, &b, &c) < 2)
		return 0;
	return a << 16 | (b & 0xff) << 8 | (c > 255 ? 255 : c);
}

/* Distributions whose release does not say what it was made from. */
static u32 distro_version(const char *build)
{
	struct os_file f;
	const char *at = strstr(build, "Debian ");
	char text[128], last[32];
	u32 v = at ? parse_version(at + 7) : 0;

	if (v || os_file_read(&f, "/proc/version_signature", NULL))
		return v;
	snprintf(text, sizeof(text), "%.*s", (int)min_u64(f.size, 127), (const char *)f.data);
	if (sscanf(text, "Ubuntu %*s %31s", last) == 1)
		v = parse_version(last);
	os_file_close(&f);
	return v;
}

u32 target_version(struct target *t)
{
	const char *slash = t->opts.btf ? strrchr(t->opts.btf, '/') : NULL;
	char release[128], build[128];

	if (!t->version && t->opts.btf)
		t->version = parse_version(slash ? slash + 1 : t->opts.btf);
	if (t->version)
		return t->version;
	os_kernel(release, build, sizeof(release));
	t->version = distro_version(build);
	if (!t->version)
		t->version = parse_version(release);
	return t->version;
}

/* ---- configuration ------------------------------------------------------------ */

/*
 * zlib, which libelf brings along, is loaded when a file is compressed: most
 * objects ask for no configuration.
 */
#ifdef SKEP_STATIC
void *gzopen(const char *path, const char *mode);
int gzread(void *f, void *buf, unsigned n);
int gzclose(void *f);
#endif

struct gz {
	void *(*open)(const char *path, const char *mode);
	int (*read)(void *f, void *buf, unsigned n);
	int (*close)(void *f);
};

static bool gz_load(struct gz *gz)
{
#ifdef SKEP_STATIC
	*gz = (struct gz){ gzopen, gzread, gzclose };
	return true;
#else
	void *lib = os_lib_open("libz.so.1");

	if (!lib)
		return false;
	gz->open = (void *(*)(const char *, const char *))os_lib_sym(lib, "gzopen");
	gz->read = (int (*)(void *, void *, unsigned))os_lib_sym(lib, "gzread");
	gz->close = (int (*)(void *))os_lib_sym(lib, "gzclose");
	return gz->open && gz->read && gz->close;
#endif
}

enum { CONFIG_BYTES_MAX = 64 << 20 };

static int gz_read(struct strbuf *out, const char *path, struct skep_err *err)
{
	char *buf = mem_alloc(1 << 16);
	struct gz gz;
	void *f;
	int n = -1;

	if (!gz_load(&gz)) {
		free(buf);
		return err_set(err, ERR_NO_LIB, path, "reading it takes zlib (libz.so.1)");
	}
	f = gz.open(path, "rb");
	while (f && (n = gz.read(f, buf, 1 << 16)) > 0 && out->n < CONFIG_BYTES_MAX)
		sb_add(out, buf, (size_t)n);
	if (f)
		gz.close(f);
	free(buf);
	return n ? err_set(err, ERR_FILE_READ, path, "damaged or too large gzip data") : 0;
}

static int read_config(struct strbuf *out, const char *path, struct skep_err *err)
{
	struct os_file f;
	int ret = os_file_read(&f, path, err);

	if (ret)
		return ret;
	if (f.size > 2 && f.data[0] == 0x1f && f.data[1] == 0x8b)
		ret = gz_read(out, path, err);
	else
		sb_add(out, f.data, f.size);
	os_file_close(&f);
	return ret;
}

/* Lines NAME=VALUE; all others are comments. */
static void parse_config(struct target *t, char *text)
{
	VEC(const char *) values = { 0 };

	t->config.arena = &t->arena;
	for (char *next, *line = text; *line; line = next) {
		size_t n = strcspn(line, "\n");
		char *eq = memchr(line, '=', n);

		next = line + n + !!line[n];
		if (line[0] == '#' || !eq)
			continue;
		line[n] = *eq = 0;
		strtab_put(&t->config, line, (u32)values.n);
		*vec_push(&values) = eq + 1;
	}
	t->nr_values = (u32)values.n;
	t->values = arena_copy(&t->arena, values.v, values.n * sizeof(*values.v));
	vec_free(&values);
}

static int open_config(struct target *t, struct skep_err *err)
{
	char release[128], build[128], boot[160];
	struct strbuf text = { 0 };
	int ret;

	os_kernel(release, build, sizeof(release));
	snprintf(boot, sizeof(boot), "/boot/config-%s", release);
	t->config_name = t->opts.kconfig ? t->opts.kconfig : "/proc/config.gz";
	ret = read_config(&text, t->config_name, t->opts.kconfig ? err : NULL);
	if (ret && !t->opts.kconfig) {
		sb_reset(&text);
		ret = read_config(&text, boot, NULL);
		t->config_name = ret ? "/proc/config.gz" : arena_strdup(&t->arena, boot);
	}
	if (!ret && memchr(sb_text(&text), 0, text.n))
		ret = err_set(t->opts.kconfig ? err : NULL, ERR_KCONFIG, t->config_name,
			      "no configuration: it has bytes of zero");
	if (!ret)
		parse_config(t, arena_strndup(&t->arena, sb_text(&text), text.n));
	sb_free(&text);
	/* the running kernel may show none: then nothing is set */
	return t->opts.kconfig ? ret : 0;
}

int target_config(struct target *t, const char *name, const char **out,
		  struct skep_err *err)
{
	int ret = t->config_tried ? 0 : open_config(t, err);
	u32 i;

	*out = NULL;
	if (ret)
		return ret;
	t->config_tried = true;
	if (strtab_get(&t->config, name, &i))
		*out = t->values[i];
	return 0;
}

/* ---- symbols -------------------------------------------------------------------- */

/* A line of /proc/kallsyms: ADDRESS TYPE NAME, perhaps a tab and [MODULE]. */
static void take_symbol(const char *line, size_t n, const struct strtab *wanted,
			u64 *addrs, bool *found)
{
	char name[512];
	const char *at;
	char *end;
	u64 addr = strtoull(line, &end, 16);
	size_t len;
	u32 i;

	if ((size_t)(end - line) + 3 >= n || *end != ' ')
		return;
	at = end + 3;
	len = min_u64(strcspn(at, "\t\n"), (u64)(line + n - at));
	if (len >= sizeof(name))
		return;
	memcpy(name, at, len);
	name[len] = 0;
	if (!strtab_get(wanted, name, &i) || found[i])
		return;
	found[i] = true;
	addrs[i] = addr;
}

bool target_symbols(struct target *t, const char *const *names, u32 n, u64 *addrs,
		    bool *found)
{
	struct strtab wanted = { .arena = &t->arena };
	struct os_file f;

	for (u32 i = 0; i < n; i++)
		strtab_put(&wanted, names[i], i);
	if (os_file_read(&f, "/proc/kallsyms", NULL))
		return false;
	for (size_t at = 0; at < f.size;) {
		const char *line = (const char *)f.data + at;
		const char *nl = memchr(line, '\n', f.size - at);

		if (!nl)
			break;
		take_symbol(line, (size_t)(nl - line) + 1, &wanted, addrs, found);
		at += (size_t)(nl - line) + 1;
	}
	os_file_close(&f);
	return true;
}

void target_close(struct target *t)
{
	target_close_modules(t);
	btf_close_file(&t->btf);
	arena_free(&t->arena);
}
