/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * share.c: making and opening pinned files (share.h). A file has its name only when it
 * is complete. Who opens one believes nothing that it has not compared with its own
 * computation: the sizes of all parts follow from the definition.
 */
#include "maps/share_in.h"
#include "base/hash.h"
#include "base/os.h"
#include "btf/build.h"
#include <stdlib.h>

/* ---- the head --------------------------------------------------------------------- */

/* Fills in where the parts are; true when there is no overflow. */
static bool head_layout(struct share_head *h, u32 page)
{
	if (h->cpus > SHARE_CPUS_MAX || h->btf_bytes > SHARE_BTF_MAX ||
	    h->area_bytes >= AREA_TOO_BIG)
		return false;
	h->head_bytes = sizeof(*h);
	h->page = page;
	h->btf_at = sizeof(*h);
	h->state_at = round_up(h->btf_at + h->btf_bytes, page);
	h->state_bytes = share_counts_at(h->cpus) + (h->cpus + 1) * sizeof(struct map_counts);
	h->area_at = round_up(h->state_at + h->state_bytes, page);
	h->file_bytes = h->area_at + round_up(h->area_bytes, page);
	return true;
}

static u64 head_sum(const struct share_head *h, const void *btf)
{
	u64 sum = hash_bytes(h, offsetof(struct share_head, sum), SHARE_VERSION);

	return h->btf_bytes ? hash_bytes(btf, h->btf_bytes, sum) : sum;
}

/* Bytes of the area in a file: a ring's second mapping takes none. */
static u64 bytes_in_file(const struct map_ops *ops, u64 bytes, u32 max_entries)
{
	return ops->ring ? AREA_PAGE + (u64)max_entries : bytes;
}

static bool head_fill(struct share_head *h, const struct map *m, const struct strbuf *btf,
		      const u32 types[2])
{
	*h = (struct share_head){ .version = SHARE_VERSION, .order = SHARE_ORDER,
		.btf_bytes = btf->n, .area_bytes = bytes_in_file(m->ops, m->mem_bytes,
								 m->max_entries),
		.type = m->type, .key_size = m->key_size, .value_size = m->value_size,
		.max_entries = m->max_entries, .map_flags = m->map_flags, .cpus = m->cpus,
		.map_extra = m->map_extra, .key_type = types[0], .value_type = types[1],
		.seed = m->seed };
	memcpy(h->magic, SHARE_MAGIC, sizeof(h->magic));
	memcpy(h->name, m->name, min_u64(strlen(m->name), SHARE_NAME - 1));
	if (!head_layout(h, os_page()))
		return false;
	h->sum = head_sum(h, sb_text(btf));
	return true;
}

/* ---- mapping -------------------------------------------------------------------------- */

static struct share *share_new(int fd, const char *path, const struct share_head *h)
{
	struct share *sh = mem_alloc(sizeof(*sh));

	sh->fd = fd;
	sh->path = mem_strdup(path);
	sh->pid = os_pid();
	sh->cpus = h->cpus;
	sh->state_bytes = h->state_bytes;
	sh->state = os_shared_map(fd, h->state_at, h->state_bytes, NULL);
	if (sh->state)
		sh->guards[0] = os_guard(sh->state, round_up(h->state_bytes, h->page), &sh->torn);
	return sh;
}

static void share_free(struct share *sh)
{
	if (!sh)
		return;
	os_guard_end(sh->guards[0]);
	os_guard_end(sh->guards[1]);
	os_unmap(sh->state, sh->state_bytes);
	os_shared_close(sh->fd);
	free(sh->path);
	free(sh);
}

/* The area, at WHERE or (NULL) anywhere. */
static u8 *area_map(const struct share *sh, const struct share_head *h,
		    const struct map_ops *ops, void *where)
{
	if (ops->ring)
		return os_shared_ring(sh->fd, h->area_at, AREA_PAGE, h->max_entries, where);
	return os_shared_map(sh->fd, h->area_at, round_up(h->area_bytes, h->page), where);
}

static void area_guard(struct map *m, const struct share_head *h)
{
	m->share->guards[1] = os_guard(m->mem, round_up(m->mem_bytes, h->page), &m->share->torn);
}

static void use_share(struct map *m, struct share *sh)
{
	map_counts_free(m);
	m->share = sh;
	m->counts = (struct map_counts *)((u8 *)sh->state + share_counts_at(m->cpus));
	m->watched = &sh->state->watched;
}

void share_close(struct map *m)
{
	share_leave(m);
	m->watched = &m->watched_here;
	m->counts = NULL;
	share_free(m->share);
	m->share = NULL;
}

/* ---- making --------------------------------------------------------------------------- */

static int no_room(const struct map *m, const char *path, const struct share_head *h, int code,
		   struct skep_err *err)
{
	int r;

	if (code != -ENOSPC && code != -EFBIG && code != -EDQUOT) {
		r = err_set(err, ERR_PIN, path, "map '%s' cannot be pinned there: %s", m->name,
			    strerror(-code));
		if (os_in_bpf_fs(path) == 1) {
			err_note(err, "it is in a file system of type bpf: there the kernel's maps "
				 "are pinned (--on kernel)");
			err_help(err, "name another folder");
		} else if (code == -ENOENT) {
			err_note(err, "the folder does not exist");
		}
		return code == -EEXIST ? r : code;
	}
	r = err_set(err, ERR_SHARE_SPACE, path, "map '%s' does not fit: its file takes %llu KB "
		    "(%s)", m->name, (unsigned long long)h->file_bytes >> 10,
		    code == -ENOSPC ? "ENOSPC" : code == -EFBIG ? "EFBIG" : "EDQUOT");
	if (code == -ENOSPC)
		err_note(err, "%llu KB are free there",
			 (unsigned long long)os_shared_room(path) >> 10);
	return r;
}

static int write_head(int fd, const struct share_head *h, const struct strbuf *btf)
{
	u8 *p = os_shared_map(fd, 0, h->state_at, NULL);

	if (!p)
		return -ENOMEM;
	memcpy(p, h, sizeof(*h));
	if (btf->n)
		memcpy(p + h->btf_at, btf->s, btf->n);
	os_unmap(p, h->state_at);
	return 0;
}

/* Of lazy memory only what was touched; nobody writes to it now. */
static int copy_area(const struct map *m, int fd, const struct share_head *h)
{
	u8 *p = os_shared_map(fd, h->area_at, h->area_bytes, NULL);
	size_t from = 0, to;

	if (!p)
		return -ENOMEM;
	while ((to = os_map_touched(m->mem, &from, h->area_bytes)) > from) {
		memcpy(p + from, m->mem + from, to - from);
		from = to;
	}
	((struct area_head *)p)->lock = 0;	/* of nobody there */
	os_unmap(p, h->area_bytes);
	return 0;
}

static int write_state(const struct map *m, int fd, const struct share_head *h)
{
	struct share_state *state = os_shared_map(fd, h->state_at, h->state_bytes, NULL);

	if (!state)
		return -ENOMEM;
	state->frozen = m->frozen;
	os_unmap(state, h->state_bytes);
	return 0;
}

static int fill_new(const struct map *m, int fd, const struct share_head *h,
		    const struct strbuf *btf)
{
	int r = write_head(fd, h, btf);

	if (!r)
		r = write_state(m, fd, h);
	return r ? r : copy_area(m, fd, h);
}

/* From here on M lies in the file. */
static int move_in(struct map *m, int fd, const char *path, const struct share_head *h,
		   struct skep_err *err)
{
	struct share *sh = share_new(fd, path, h);

	if (!sh->state || !area_map(sh, h, m->ops, m->mem)) {
		share_free(sh);
		return no_room(m, path, h, -ENOMEM, err);
	}
	use_share(m, sh);
	area_guard(m, h);
	return share_join(m, err);
}

/* Complete before it has a name; others may use it before this process does. */
static int make_file(struct map *m, const char *path, const struct share_head *h,
		     const struct strbuf *btf, struct skep_err *err)
{
	char *temp;
	int fd = os_shared_new(path, h->file_bytes, &temp), r;

	if (fd < 0)
		return no_room(m, path, h, fd, err);
	r = fill_new(m, fd, h, btf);
	if (!r)
		r = os_shared_name(fd, path, temp);
	os_shared_drop(r ? fd : -1, temp);
	return r ? no_room(m, path, h, r, err) : move_in(m, fd, path, h, err);
}

int share_create(struct map *m, const char *path, const struct share_types *types,
		 struct skep_err *err)
{
	u32 ids[2] = { 0 };
	struct strbuf btf = { 0 };
	struct share_head h;
	int r = share_check(m, types, err);

	if (r)
		return r;
	if (m->share)
		return err_set(err, ERR_PIN, path, "map '%s' is pinned already, as %s", m->name,
			       m->share->path);
	if (types && types->btf) {
		ids[0] = types->key_type;
		ids[1] = types->value_type;
		btf_subset(&btf, types->btf, ids, 2);
	}
	if (head_fill(&h, m, &btf, ids))
		r = make_file(m, path, &h, &btf, err);
	else
		r = err_set(err, ERR_SHARE_SPACE, path, "map '%s' is too large for a pinned file, "
			    "or for more than %d cpus", m->name, SHARE_CPUS_MAX);
	sb_free(&btf);
	return r;
}

/* ---- opening --------------------------------------------------------------------------- */

/* A file on its way to be a map. */
struct reader {
	const char *path;
	int fd;
	u64 bytes;		/* of the file */
	struct share_head h;
	u8 *btf;
	struct map_attr attr;
	char name[SHARE_NAME + 1];
	struct skep_err *err;
};

static PRINTF_LIKE(2, 3) int bad(struct reader *rd, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = err_vset(rd->err, ERR_SHARE_FILE, rd->path, fmt, ap);
	va_end(ap);
	return r;
}

static int check_kind(struct reader *rd)
{
	const struct share_head *h = &rd->h;

	if (rd->bytes < sizeof(*h) || !os_shared_read(rd->fd, 0, &rd->h, sizeof(rd->h)))
		return bad(rd, "%llu bytes are no pinned map (EINVAL)",
			   (unsigned long long)rd->bytes);
	if (memcmp(h->magic, SHARE_MAGIC, sizeof(h->magic)))
		return bad(rd, "it is no pinned map (EINVAL)");
	if (h->order != SHARE_ORDER)
		return bad(rd, "it was made on a machine with another byte order (EINVAL)");
	if (h->version != SHARE_VERSION)
		return bad(rd, "it is of version %u of the format; this skep has version %d "
			   "(EINVAL)", h->version, SHARE_VERSION);
	if (h->page < os_page() || h->page & (h->page - 1) || h->page > 1 << 24)
		return bad(rd, "it was made on a machine with pages of %u bytes (EINVAL)",
			   h->page);
	return 0;
}

static int check_parts(struct reader *rd)
{
	struct share_head want = rd->h;

	if (!head_layout(&want, rd->h.page) || memcmp(&want, &rd->h, sizeof(want)))
		return bad(rd, "its parts do not lie where they belong (EINVAL)");
	if (rd->bytes != rd->h.file_bytes)
		return bad(rd, "it has %llu bytes instead of %llu: somebody has %s it (EINVAL)",
			   (unsigned long long)rd->bytes, (unsigned long long)rd->h.file_bytes,
			   rd->bytes < rd->h.file_bytes ? "truncated" : "added to");
	return 0;
}

static int read_btf(struct reader *rd)
{
	rd->btf = mem_alloc(rd->h.btf_bytes + 1);
	if (!os_shared_read(rd->fd, rd->h.btf_at, rd->btf, rd->h.btf_bytes))
		return bad(rd, "it ends in its types (EINVAL)");
	if (head_sum(&rd->h, rd->btf) != rd->h.sum)
		return bad(rd, "its head or its types are damaged: the checksum differs (EINVAL)");
	return 0;
}

/* Is it a map that could be made here, and of that size? */
static int check_attr(struct reader *rd)
{
	const struct share_head *h = &rd->h;
	const struct map_ops *ops = map_ops_of(h->type);
	u64 bytes;

	memcpy(rd->name, h->name, SHARE_NAME);
	rd->attr = (struct map_attr){ .name = rd->name, .type = h->type, .key_size = h->key_size,
		.value_size = h->value_size, .max_entries = h->max_entries,
		.map_flags = h->map_flags, .map_extra = h->map_extra };
	if (!ops || !ops->shares)
		return bad(rd, "maps of type %u are not shared (EINVAL)", h->type);
	if (!h->cpus || ops->check(&rd->attr, rd->err))
		return bad(rd, "its definition makes no map (EINVAL)");
	bytes = ops->bytes(&rd->attr, h->cpus);
	if (bytes_in_file(ops, bytes, h->max_entries) != h->area_bytes)
		return bad(rd, "its area has %llu bytes, which its definition does not (EINVAL)",
			   (unsigned long long)h->area_bytes);
	return 0;
}

static int parse_types(struct reader *rd, struct share_types *types, struct arena *arena)
{
	struct btf *btf = NULL;
	int r = 0;

	if (!types)
		return 0;
	*types = (struct share_types){ 0 };
	if (rd->h.btf_bytes)
		r = btf_parse(&btf, arena, rd->btf, rd->h.btf_bytes, rd->path, rd->err);
	if (r || !btf)
		return r;
	if (rd->h.key_type >= btf->nr_types || rd->h.value_type >= btf->nr_types)
		return bad(rd, "its types lack that of its keys or values (EINVAL)");
	*types = (struct share_types){ btf, rd->h.key_type, rd->h.value_type };
	if ((types->key_type && btf_bytes(btf, types->key_type) != rd->h.key_size) ||
	    (types->value_type && btf_bytes(btf, types->value_type) != rd->h.value_size))
		return bad(rd, "its types have other sizes than its keys and values (EINVAL)");
	return 0;
}

static int check_all(struct reader *rd, struct share_types *types, struct arena *arena)
{
	int r = check_kind(rd);

	if (!r)
		r = check_parts(rd);
	if (!r)
		r = read_btf(rd);
	if (!r)
		r = check_attr(rd);
	return r ? r : parse_types(rd, types, arena);
}

/* Whatever comes of it, the descriptor is the map's or closed. */
static int map_file(struct map **out, struct reader *rd)
{
	const struct map_ops *ops = map_ops_of(rd->h.type);
	struct share *sh = share_new(rd->fd, rd->path, &rd->h);
	u8 *mem = sh->state ? area_map(sh, &rd->h, ops, NULL) : NULL;
	int r;

	if (!mem) {
		share_free(sh);
		return err_set(rd->err, ERR_MAP_SIZE, rd->path, "no memory to map %llu KB (ENOMEM)",
			       (unsigned long long)rd->h.file_bytes >> 10);
	}
	*out = map_place(&rd->attr, rd->h.cpus, mem, rd->h.seed);
	use_share(*out, sh);
	area_guard(*out, &rd->h);
	r = share_join(*out, rd->err);
	if (!r)
		return 0;
	map_free(*out);
	*out = NULL;
	return r;
}

int share_open(struct map **out, const char *path, struct share_types *types,
	       struct arena *arena, struct skep_err *err)
{
	struct reader rd = { .path = path, .err = err };
	int r;

	*out = NULL;
	rd.fd = os_shared_open(path, &rd.bytes);
	if (rd.fd == -ENOENT)
		return -ENOENT;
	if (rd.fd == -EISDIR || rd.fd == -EINVAL)
		return bad(&rd, "it is no regular file (EINVAL)");
	if (rd.fd < 0) {
		r = err_set(err, ERR_PIN, path, "it cannot be opened to read and write: %s",
			    strerror(-rd.fd));
		return rd.fd == -EEXIST ? r : rd.fd;
	}
	r = check_all(&rd, types, arena);
	if (r)
		os_shared_close(rd.fd);
	else
		r = map_file(out, &rd);
	free(rd.btf);
	return r;
}

bool share_has_cpus(const struct map *m)
{
	return m->share && (m->ops->adopt || m->row->percpu);
}

bool share_torn(const struct map *m) { return m->share && load_relaxed(&m->share->torn); }
bool share_frozen(const struct map *m) { return load_relaxed(&m->share->state->frozen); }
void share_freeze(struct map *m) { store_relaxed(&m->share->state->frozen, 1); }
const char *share_path(const struct map *m) { return m->share ? m->share->path : NULL; }
