/* SPDX-License-Identifier: BSD-2-Clause */
/* prog_print.c: programs of the kernel in bpftool's forms. */
#include "cli/prog_view.h"
#include "model/tables.h"
#include <inttypes.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdlib.h>
#include <time.h>

enum { VALUE_MAX = 1 << 24 };	/* bytes of a data section */
#define METADATA "bpf_metadata_"

/* ---- pins and maps ------------------------------------------------------------------- */

static bool is_pin_of(const struct live_pin *pin, const struct live_prog *p)
{
	return pin->kind == LIVE_PROG && pin->id == p->id;
}

static bool any_is_pinned(const struct live_pins *pins)
{
	for (size_t i = 0; pins && i < pins->n; i++)
		if (pins->v[i].kind == LIVE_PROG)
			return true;
	return false;
}

static void json_pins(struct json *j, const struct live_prog *p, const struct live_pins *pins)
{
	if (!any_is_pinned(pins))
		return;
	json_arr(j, "pinned");
	for (size_t i = 0; i < pins->n; i++)
		if (is_pin_of(&pins->v[i], p))
			json_str(j, NULL, pins->v[i].path);
	json_arr_end(j);
}

/* The ids of its maps, *N of them, for free(). */
static u32 *map_ids(const struct live_prog *p, u32 *n)
{
	u32 *ids = mem_alloc(((size_t)p->nr_maps + 1) * sizeof(*ids));

	*n = p->nr_maps ? (u32)min_u64(live_prog_maps(p->fd, ids, p->nr_maps), p->nr_maps) : 0;
	return ids;
}

/* ---- metadata: variables of .rodata that are called so -------------------------------- */

static bool can_be_rodata(const struct live_map *m)
{
	return m->type == BPF_MAP_TYPE_ARRAY && m->key_size == sizeof(u32) &&
	       m->max_entries == 1 && m->value_type && m->value_size <= VALUE_MAX &&
	       strstr(m->name, ".rodata");
}

/* Of map ID, for live_map_close. */
static bool open_rodata(struct live_map *m, u32 id)
{
	struct skep_err unused;
	int fd = live_open(LIVE_MAP, id, &unused);

	if (fd < 0 || live_map_look(m, fd, &unused))
		return false;
	if (can_be_rodata(m))
		return true;
	live_map_close(m);
	return false;
}

/* A variable by the name that is printed, its value at DATA. */
typedef void metadata_fn(void *arg, const char *name, const struct btf *btf, u32 type,
			 const u8 *data, u32 bytes);

static bool each_variable(const struct btf *btf, const struct live_map *m, const u8 *value,
			  metadata_fn *fn, void *arg)
{
	const struct btf_type *sec = btf_type(btf, m->value_type);
	const struct btf_var_secinfo *v = (const struct btf_var_secinfo *)(sec + 1);
	bool any = false;

	for (u32 i = 0; i < btf_vlen(sec); i++) {
		const char *name = btf_type_name(btf, v[i].type);

		if (strncmp(name, METADATA, strlen(METADATA)) ||
		    !in_bounds(v[i].offset, v[i].size, m->value_size))
			continue;
		any = true;
		fn(arg, name + strlen(METADATA), btf, btf_type(btf, v[i].type)->type,
		   value + v[i].offset, v[i].size);
	}
	return any;
}

static bool map_metadata(const struct live_map *m, metadata_fn *fn, void *arg)
{
	u8 *value = mem_alloc(m->value_size + 1);
	struct arena arena = { 0 };
	struct skep_err unused;
	struct btf *btf;
	bool any = false;

	if (!live_btf(&btf, &arena, m->btf_id, NULL, &unused) &&
	    m->value_type < btf->nr_types &&
	    btf_kind(btf_type(btf, m->value_type)) == BTF_KIND_DATASEC &&
	    !live_map_element(m->fd, 0, value))
		any = each_variable(btf, m, value, fn, arg);
	arena_free(&arena);
	free(value);
	return any;
}

/* Of the first map that has any. */
static void each_metadata(const u32 *ids, u32 n, metadata_fn *fn, void *arg)
{
	struct live_map m;
	bool any = false;

	for (u32 i = 0; i < n && !any; i++) {
		if (!open_rodata(&m, ids[i]))
			continue;
		any = map_metadata(&m, fn, arg);
		live_map_close(&m);
	}
}

struct metadata_out {
	struct json *j;
	struct strbuf *out;
	bool any;
};

static void json_metadata(void *arg, const char *name, const struct btf *btf, u32 type,
			  const u8 *data, u32 bytes)
{
	struct metadata_out *to = arg;

	if (!to->any)
		json_obj(to->j, "metadata");
	to->any = true;
	btf_show_json(to->j, name, btf, type, data, bytes, 0);
}

static void print_metadata(void *arg, const char *name, const struct btf *btf, u32 type,
			   const u8 *data, u32 bytes)
{
	struct metadata_out *to = arg;
	struct json j = { .out = to->out, .tool = true };

	sb_printf(to->out, "%s\n\t\t%s = ", to->any ? "" : "\n\tmetadata:", name);
	to->any = true;
	btf_show_json(&j, NULL, btf, type, data, bytes, 0);
}

/* ---- facts -------------------------------------------------------------------------- */

/* When, in seconds of this machine's clock. */
static time_t loaded_at(const struct live_prog *p)
{
	struct timespec now, since;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &since);
	return (now.tv_sec - since.tv_sec) +
	       (now.tv_nsec - since.tv_nsec + (s64)p->loaded_at) / 1000000000;
}

static void tag_text(char hex[17], const struct live_prog *p)
{
	for (size_t i = 0; i < sizeof(p->tag); i++)
		snprintf(hex + 2 * i, 3, "%02x", p->tag[i]);
}

void prog_json_head(struct json *j, const struct live_prog *p)
{
	const struct progtype_row *row = progtype_row(p->type);
	char hex[17], *name = prog_full_name(p);

	json_u64(j, "id", p->id);
	if (row)
		json_str(j, "type", row->name);
	else
		json_u64(j, "type", p->type);
	if (*name)
		json_str(j, "name", name);
	free(name);
	tag_text(hex, p);
	json_str(j, "tag", hex);
	json_bool(j, "gpl_compatible", p->gpl);
	if (p->run_ns) {
		json_u64(j, "run_time_ns", p->run_ns);
		json_u64(j, "run_cnt", p->runs);
	}
	if (p->misses)
		json_u64(j, "recursion_misses", p->misses);
}

static void json_device(struct json *j, const struct live_prog *p)
{
	char name[IF_NAMESIZE];

	if (!p->ifindex)
		return;
	json_obj(j, "dev");
	json_u64(j, "ifindex", p->ifindex);
	if (if_indextoname(p->ifindex, name))
		json_str(j, "ifname", name);
	json_obj_end(j);
}

static void json_sizes(struct json *j, const struct live_prog *p)
{
	u64 memlock = live_memlock(p->fd);

	if (p->loaded_at) {
		json_u64(j, "loaded_at", (u64)loaded_at(p));
		json_u64(j, "uid", p->uid);
	}
	json_u64(j, "bytes_xlated", p->xlated);
	json_bool(j, "jited", p->jited);
	if (p->jited)
		json_u64(j, "bytes_jited", p->jited);
	if (memlock)
		json_u64(j, "bytes_memlock", memlock);
}

void prog_json_facts(struct json *j, const struct live_prog *p, const struct live_pins *pins)
{
	struct metadata_out meta = { .j = j };
	u32 n, *ids = map_ids(p, &n);

	json_obj(j, NULL);
	prog_json_head(j, p);
	json_device(j, p);
	json_sizes(j, p);
	if (n) {
		json_arr(j, "map_ids");
		for (u32 i = 0; i < n; i++)
			json_u64(j, NULL, ids[i]);
		json_arr_end(j);
	}
	if (p->btf_id)
		json_u64(j, "btf_id", p->btf_id);
	json_pins(j, p, pins);
	each_metadata(ids, n, json_metadata, &meta);
	if (meta.any)
		json_obj_end(j);
	json_obj_end(j);
	free(ids);
}

void prog_print_head(struct strbuf *out, const struct live_prog *p)
{
	const struct progtype_row *row = progtype_row(p->type);
	char hex[17], *name = prog_full_name(p);

	sb_printf(out, "%u: ", p->id);
	if (row)
		sb_printf(out, "%s  ", row->name);
	else
		sb_printf(out, "type %u  ", p->type);
	if (*name)
		sb_printf(out, "name %s  ", name);
	free(name);
	tag_text(hex, p);
	sb_printf(out, "tag %s%s", hex, p->gpl ? "  gpl" : "");
	if (p->run_ns)
		sb_printf(out, " run_time_ns %" PRIu64 " run_cnt %" PRIu64, p->run_ns, p->runs);
	if (p->misses)
		sb_printf(out, " recursion_misses %" PRIu64, p->misses);
}

static void print_device(struct strbuf *out, const struct live_prog *p)
{
	char name[IF_NAMESIZE];

	if (!p->ifindex)
		return;
	if (if_indextoname(p->ifindex, name))
		sb_printf(out, "  offloaded_to %s", name);
	else
		sb_printf(out, "  offloaded_to ifindex %u", p->ifindex);
}

static void print_sizes(struct strbuf *out, const struct live_prog *p)
{
	u64 memlock = live_memlock(p->fd);
	char when[64] = "";
	time_t t = loaded_at(p);
	struct tm tm;

	if (p->loaded_at && localtime_r(&t, &tm)) {
		strftime(when, sizeof(when), "%FT%T%z", &tm);
		sb_printf(out, "\tloaded_at %s  uid %u\n", when, p->uid);
	}
	sb_printf(out, "\txlated %uB", p->xlated);
	if (p->jited)
		sb_printf(out, "  jited %uB", p->jited);
	else
		sb_puts(out, "  not jited");
	if (memlock)
		sb_printf(out, "  memlock %" PRIu64 "B", memlock);
}

void prog_print_facts(struct strbuf *out, const struct live_prog *p,
		      const struct live_pins *pins)
{
	struct metadata_out meta = { .out = out };
	u32 n, *ids = map_ids(p, &n);

	prog_print_head(out, p);
	print_device(out, p);
	sb_putc(out, '\n');
	print_sizes(out, p);
	for (u32 i = 0; i < n; i++)
		sb_printf(out, "%s%u", i ? "," : "  map_ids ", ids[i]);
	for (size_t i = 0; pins && i < pins->n; i++)
		if (is_pin_of(&pins->v[i], p))
			sb_printf(out, "\n\tpinned %s", pins->v[i].path);
	if (p->btf_id)
		sb_printf(out, "\n\tbtf_id %u", p->btf_id);
	each_metadata(ids, n, print_metadata, &meta);
	sb_putc(out, '\n');
	free(ids);
}
