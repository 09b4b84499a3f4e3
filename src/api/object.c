/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * object.c: include/skep/skep.h: owns the way from an object to programs that
 * run: open, create maps, load programs.
 */
#include "api/aot.h"
#include "api/net_file.h"
#include "api/object.h"
#include "api/registry.h"
#include "base/os.h"
#include "host/hosts.h"
#include "host/sockets.h"
#include "kernel/kernel.h"
#include "obj/obj.h"
#include "runtime/runtime.h"
#include <fcntl.h>
#include <stdlib.h>

const char *skep_version(void)
{
	return SKEP_VERSION;
}

/* ---- open ------------------------------------------------------------------ */

const u64 object_no_ticket = ~0ull;

struct skep_object *object_make(struct image *img)
{
	struct skep_object *obj = mem_alloc(sizeof(*obj));

	obj->img = img;
	obj->progs = mem_alloc(img->nr_progs * sizeof(*obj->progs));
	obj->maps = mem_alloc(img->nr_maps * sizeof(*obj->maps));
	for (u32 i = 0; i < img->nr_progs; i++)
		obj->progs[i] = (struct skep_prog){ .obj = obj, .index = i, .loaded = -1,
						  .ticket = &object_no_ticket };
	for (u32 i = 0; i < img->nr_maps; i++)
		obj->maps[i] = (struct skep_map){ .obj = obj, .index = i, .def = &img->maps[i] };
	return obj;
}

struct skep_object *object_twin(struct skep_object *obj)
{
	struct skep_object *twin = object_make(obj->img);

	twin->shares = true;
	return twin;
}

int object_open(struct skep_object **obj, const struct skep_open_opts *opts,
		const void *data, size_t bytes, const char *name, struct skep_err *err)
{
	struct target *target = mem_alloc(sizeof(*target));
	struct image *img;
	int r;

	*obj = NULL;
	if (opts) {
		target->opts.btf = opts->btf;
		target->opts.kconfig = opts->kconfig;
		target->opts.modules = opts->module_btf;
		target->opts.nr_modules = opts->nr_module_btf;
	}
	r = obj_open_for(&img, target, data, bytes, name, err);
	if (!r) {
		*obj = object_make(img);
		if (opts && opts->btf)
			(*obj)->btf = mem_strdup(opts->btf);
		if (!target->opts.btf && !target->opts.kconfig && !target->opts.nr_modules) {
			(*obj)->target = target;
			return 0;
		}
	}
	target_close(target);
	free(target);
	return r;
}

int skep_object_open_mem(struct skep_object **obj, const void *data, size_t bytes,
			     const char *name, struct skep_err *err)
{
	err_clear(err);
	return object_open(obj, NULL, data, bytes, name ? name : "object", err);
}

int skep_object_open_opts(struct skep_object **obj, const char *path,
			  const struct skep_open_opts *opts, struct skep_err *err)
{
	struct os_file f;
	int r;

	*obj = NULL;
	err_clear(err);
	if (!path)
		return err_set(err, ERR_RUN, NULL, "no object was named");
	if (opts && opts->size != sizeof(*opts))
		return err_set(err, ERR_RUN, NULL, "struct skep_open_opts has size %zu, not %zu",
			       opts->size, sizeof(*opts));
	r = os_file_read(&f, path, err);
	if (r)
		return r;
	r = object_open(obj, opts, f.data, f.size, path, err);
	os_file_close(&f);
	return r;
}

int skep_object_open(struct skep_object **obj, const char *path, struct skep_err *err)
{
	return skep_object_open_opts(obj, path, NULL, err);
}

int skep_object_set(struct skep_object *obj, const char *name, const char *value,
		    struct skep_err *err)
{
	err_clear(err);
	if (!name || !value)
		return err_set(err, ERR_GLOBAL, obj->img->file,
			       "a variable and a value are needed");
	if (obj->backend)
		return err_set(err, ERR_RUN, obj->img->file,
			       "'%s' cannot be set: the object is loaded already", name);
	return obj->aot ? object_aot_set(obj, name, value, err) :
		obj_set(obj->img, name, value, err);
}

static struct image_map image_of(const struct skep_map_def *def)
{
	return (struct image_map){
		.name = def->name ? def->name : "", .type = def->type,
		.key_size = def->key_size, .value_size = def->value_size,
		.max_entries = def->max_entries, .map_flags = def->map_flags,
	};
}

int skep_object_from_insns(struct skep_object **obj, uint32_t prog_type,
			       const char *name, const struct bpf_insn *insns, size_t n,
			       const struct skep_map_def *maps, size_t nr_maps,
			       const char *license, struct skep_err *err)
{
	struct image_map *defs = mem_alloc(2 * nr_maps * sizeof(*defs)), *inner = defs + nr_maps;
	struct image *img;
	int r;

	*obj = NULL;
	err_clear(err);
	for (size_t i = 0; i < nr_maps; i++) {
		defs[i] = image_of(&maps[i]);
		if (!maps[i].inner)
			continue;
		inner[i] = image_of(maps[i].inner);
		defs[i].inner = &inner[i];
	}
	r = obj_from_insns(&img, prog_type, name, insns, n, defs, (u32)nr_maps, license, err);
	free(defs);
	if (!r)
		*obj = object_make(img);
	return r;
}

static void drop_target(struct skep_object *obj)
{
	if (!obj->target)
		return;
	target_close(obj->target);
	free(obj->target);
	obj->target = NULL;
}

void skep_object_close(struct skep_object *obj)
{
	if (!obj)
		return;
	registry_drop(obj);
	if (obj->backend)
		obj->backend->ops->close(obj->backend);
	drop_target(obj);
	object_judge_free(obj);
	object_aot_free(obj);
	free(obj->btf);
	free(obj->elf);
	if (!obj->shares)
		image_free(obj->img);
	if (obj->own_sockets)
		sockets_free(obj->own_sockets);
	free(obj->own_sockets);
	free(obj->progs);
	free(obj->maps);
	free(obj);
}

/* ---- load ------------------------------------------------------------------- */

static bool has_prog_array(const struct image *img)
{
	for (u32 m = 0; m < img->nr_maps; m++)
		if (img->maps[m].type == BPF_MAP_TYPE_PROG_ARRAY)
			return true;
	return false;
}

/* The attach type of programs that maps of TYPE run; 0 = none. */
static u32 second_attach(u32 type)
{
	if (!map_runs_programs(type))
		return 0;
	return type == BPF_MAP_TYPE_CPUMAP ? BPF_XDP_CPUMAP : BPF_XDP_DEVMAP;
}

/* Program I may run on what others redirect to a map of the object. */
static bool is_second(const struct image *img, u32 i)
{
	for (u32 m = 0; m < img->nr_maps; m++)
		if (second_attach(img->maps[m].type) == img->progs[i].expected_attach &&
		    img->progs[i].expected_attach && img->maps[m].value_size == 8)
			return true;
	return false;
}

/* With a prog array, every program of the same type may be tail-called. */
static bool is_wanted(const struct image *img, u32 i, const struct prog_set *only)
{
	if (!only)
		return img->progs[i].autoload;
	for (size_t k = 0; k < only->n; k++)
		if (only->v[k] == i)
			return true;
	if (img->progs[i].type == BPF_PROG_TYPE_XDP && is_second(img, i))
		return true;
	return has_prog_array(img) && img->progs[i].type == img->progs[only->v[0]].type;
}

static bool is_needed(const struct image *img, u32 map, const struct prog_set *only)
{
	for (u32 i = 0; i < img->nr_progs; i++)
		if (is_wanted(img, i, only) && image_uses_map(&img->progs[i], map))
			return true;
	return false;
}

/* Did somebody pin map I meanwhile, and is its number free for that one? */
static bool pin_lost(struct skep_object *obj, u32 i, int r)
{
	struct backend *b = obj->backend;
	struct map_info info;

	return r == -EEXIST && b->ops->map_drop && !b->ops->map_drop(b, i) &&
	       b->ops->map_info(b, i, &info) == -EBADF;
}

/* The map that is pinned as PATH, or a new one, which is pinned there then. */
static int get_or_pin(struct skep_object *obj, u32 i, const char *path, struct skep_err *err)
{
	const struct image_map *def = &obj->img->maps[i];
	const struct backend_ops *ops = obj->backend->ops;
	int r = ops->map_get(obj->backend, def, path, err);

	if (r <= 0)
		return r;
	r = ops->map_create(obj->backend, def, err);
	if (!r)
		r = ops->map_pin(obj->backend, i, path, err);
	return pin_lost(obj, i, r) ? ops->map_get(obj->backend, def, path, err) : r;
}

/* In DIR; "" is the user's own folder. */
static int load_pinned(struct skep_object *obj, u32 i, const char *dir, struct skep_err *err)
{
	const struct image_map *def = &obj->img->maps[i];
	struct strbuf path = { 0 };
	int r = pin_path(&path, dir, def->pin_path ? def->pin_path : def->name, err);

	if (!r)
		r = get_or_pin(obj, i, sb_text(&path), err);
	sb_free(&path);
	return r;
}

/* Somebody gave a map that stands for map I. */
static int load_reused(struct skep_object *obj, u32 i, struct skep_err *err)
{
	int fd = fcntl(obj->kernel->maps[i], F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return err_set(err, ERR_KERNEL, NULL, "%s", strerror(errno));
	return kernel_map_reuse(obj->backend, &obj->img->maps[i], fd, err);
}

/* Map numbers are indexes of the image, so what cannot be made leaves a place. */
static int load_map(struct skep_object *obj, u32 i, const struct prog_set *only,
		    const char *pins, struct skep_err *err)
{
	const struct backend_ops *ops = obj->backend->ops;
	const struct image_map none = {
		.name = obj->img->maps[i].name, .type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4, .value_size = 4, .max_entries = 1,
	};
	int r;

	if (obj->kernel && obj->kernel->maps && obj->kernel->maps[i] >= 0)
		return load_reused(obj, i, err);
	if (pins && ops->map_get && obj->img->maps[i].pinning)
		return load_pinned(obj, i, pins, err);
	r = ops->map_create(obj->backend, &obj->img->maps[i], err);
	if (r != -ENOTSUP || is_needed(obj->img, i, only))
		return r;
	err_clear(err);
	obj->maps[i].absent = true;
	return ops->map_create(obj->backend, &none, err);
}

static int load_maps(struct skep_object *obj, const struct prog_set *only, const char *pins,
		     struct skep_err *err)
{
	for (u32 i = 0; i < obj->img->nr_maps; i++) {
		int r = load_map(obj, i, only, pins, err);

		if (r) {
			err_at(err, obj->img->file);
			return r;
		}
	}
	return 0;
}

/* Programs that the embedded engine cannot run are refused by it, not judged. */
static bool has_host(u32 prog_type)
{
	for (const struct host *const *h = host_all; *h; h++)
		if ((*h)->prog_type == prog_type)
			return true;
	return false;
}

static int judge_progs(struct skep_object *obj, const struct prog_set *only, struct skep_err *err)
{
	u32 *progs, n = 0;
	int r;

	if (obj->aot) {
		object_aot_judged(obj);
		return 0;
	}
	progs = mem_alloc(obj->img->nr_progs * sizeof(*progs));
	for (u32 i = 0; i < obj->img->nr_progs; i++)
		if (is_wanted(obj->img, i, only) && has_host(obj->img->progs[i].type))
			progs[n++] = i;
	r = object_judge(obj, progs, n, err);
	free(progs);
	return r;
}

static int load_prog(struct skep_object *obj, u32 i, const u32 *maps, s64 *next,
		     struct skep_err *err)
{
	const struct backend_ops *ops = obj->backend->ops;
	struct skep_prog *p = &obj->progs[i];
	int r = ops->prog_load(obj->backend, obj->img, i, maps, p->fast ? &p->code : NULL, err);

	p->loaded = r ? -1 : (*next)++;
	if (!r && ops->prog_ticket)
		p->ticket = ops->prog_ticket(obj->backend, (u32)p->loaded);
	return r;
}

static int load_progs(struct skep_object *obj, const struct prog_set *only, struct skep_err *err)
{
	const struct image *img = obj->img;
	u32 *maps = mem_alloc(img->nr_maps * sizeof(*maps));
	s64 next = 0;
	int r = 0;

	for (u32 i = 0; i < img->nr_maps; i++)
		maps[i] = i;
	/* those that were asked for first: the first that cannot be loaded is told */
	for (size_t i = 0; !r && only && i < only->n; i++)
		r = load_prog(obj, only->v[i], maps, &next, err);
	for (u32 i = 0; !r && i < img->nr_progs; i++)
		if (is_wanted(img, i, only) && obj->progs[i].loaded < 0)
			r = load_prog(obj, i, maps, &next, err);
	free(maps);
	return r;
}

/* The backend's number of the program whose index is PROG, or -EBADF. */
static s64 loaded(const struct skep_object *obj, u32 prog)
{
	return prog >= obj->img->nr_progs || obj->progs[prog].loaded < 0 ? -EBADF :
		obj->progs[prog].loaded;
}

/* VALUE of a devmap or cpumap names a program, which is made for it. */
static int update_second(struct skep_object *obj, u32 type, u32 map, const void *key,
			 const void *value, u64 flags)
{
	struct backend *b = obj->backend;
	u32 words[2], attach = second_attach(type);
	s64 prog;

	memcpy(words, value, sizeof(words));
	if ((s32)words[1] <= 0)
		return b->ops->map_update(b, map, key, value, flags);
	prog = loaded(obj, words[1] - 1);
	if (prog < 0 || obj->img->progs[words[1] - 1].expected_attach != attach)
		return -EBADF;
	words[1] = (u32)prog + 1;
	return b->ops->map_update(b, map, key, words, flags);
}

/* A prog array holds programs of the type that those have which use it, as in the
 * kernel: the context goes from one to the next. */
static bool fits_array(const struct skep_object *obj, u32 map, u32 prog)
{
	const struct image *img = obj->img;

	for (u32 i = 0; i < img->nr_progs; i++)
		if (loaded(obj, i) >= 0 && img->progs[i].type != img->progs[prog].type &&
		    image_uses_map(&img->progs[i], map))
			return false;
	return true;
}

int object_map_update(struct skep_object *obj, const struct image_map *def, u32 map,
		      const void *key, const void *value, u64 flags)
{
	struct backend *b = obj->backend;
	s64 number;
	u32 prog;

	if (map_runs_programs(def->type) && def->value_size == 8)
		return update_second(obj, def->type, map, key, value, flags);
	if (def->type == BPF_MAP_TYPE_PROG_ARRAY) {
		memcpy(&prog, value, sizeof(prog));
		number = loaded(obj, prog);
		if (number < 0)
			return (int)number;
		if (!fits_array(obj, map, prog))
			return -EINVAL;
		prog = (u32)number;
		value = &prog;
	}
	return b->ops->map_update(b, map, key, value, flags);
}

/* The key of slot I: a number of BYTES bytes, of which the first 8 count; false
 * when it does not fit. */
static bool slot_key(u8 *key, u32 bytes, u32 i)
{
	u32 n = (u32)min_u64(bytes, sizeof(u64));
	u64 v = i;

	if (n < sizeof(i) && i >> n * 8)
		return false;
	memset(key, 0, bytes);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v <<= 8 * (sizeof(v) - n);
#endif
	memcpy(key, &v, n);
	return true;
}

/* Puts what M's definition names into its slots: programs, maps. */
static int fill_slots(struct skep_object *obj, u32 m, struct skep_err *err)
{
	const struct image_map *def = &obj->img->maps[m];
	u8 *key = mem_alloc(def->key_size + sizeof(u32));
	int r = 0;

	for (u32 i = 0; !r && i < def->nr_slots; i++) {
		u32 number = (u32)def->slots[i];

		if (def->slots[i] < 0)
			continue;
		if (!slot_key(key, def->key_size, i))
			r = err_set(err, ERR_MAP_UPDATE, obj->img->file, "slot %u of map '%s': "
				    "no key of %u bytes", i, def->name, def->key_size);
		else if ((r = object_map_update(obj, def, m, key, &number, BPF_ANY)))
			err_set(err, ERR_MAP_UPDATE, obj->img->file, "slot %u of map '%s': %s",
				i, def->name, strerror(-r));
	}
	free(key);
	return r;
}

/* Only the checked interpreter counts instructions. */
static void all_checked(struct skep_object *obj)
{
	for (u32 i = 0; i < obj->img->nr_progs; i++)
		if (obj->progs[i].fast) {
			obj->progs[i].fast = false;
			obj->progs[i].note = "its instructions are counted";
		}
}

int object_load(struct skep_object *obj, const struct skep_load_opts *opts,
		const struct prog_set *only, struct skep_err *err)
{
	struct runtime_opts ro = { .hosts = host_all, .aot = obj->aot ? &obj->aot->rt : NULL,
				   .sampled = obj->sampled, .who = obj->who };
	int r;

	if (obj->backend)
		return err_set(err, ERR_RUN, obj->img->file, "the object is loaded already");
	if (opts) {
		ro.jit = (enum runtime_jit)opts->jit;
		ro.cpus = opts->cpus;
		ro.rand_seed = opts->rand_seed;
		ro.print = opts->print;
		ro.print_arg = opts->print_arg;
		ro.probe = opts->probe;
		ro.stack = opts->stack;
		ro.stack_arg = opts->stack_arg;
		ro.counts = opts->counts;
		ro.virtual_clock = opts->clock == SKEP_CLOCK_RUN;
	}
	if (obj->replay) {
		ro.tape = obj->replay->tape;
		ro.map_seed = obj->replay->map_seed;
	}
	object_judge_free(obj);
	r = obj->aot ? object_aot_ready(obj, opts, err) : obj_ready(obj->img, err);
	if (!r && !(opts && (opts->unverified || opts->engine == SKEP_KERNEL)))
		r = judge_progs(obj, only, err);
	if (!r && opts && opts->counts)
		all_checked(obj);
	if (!r && opts && opts->routes && opts->engine == SKEP_USER)
		r = net_file_open(&ro.net, opts->routes, err);
	if (r)
		return r;
	if (opts && opts->engine == SKEP_KERNEL) {
		r = kernel_open(&obj->backend, obj->target, err);
		if (!r && obj->kernel)
			kernel_load_as(obj->backend, &obj->kernel->load);
	} else {
		drop_target(obj);
		r = runtime_open(&obj->backend, &ro, err);
	}
	if (!r && obj->backend->ops->image)
		obj->backend->ops->image(obj->backend, obj->img);
	if (!r)
		r = load_maps(obj, only, opts ? opts->pins : NULL, err);
	if (!r)
		r = load_progs(obj, only, err);
	for (u32 i = 0; !r && i < obj->img->nr_maps; i++)
		r = fill_slots(obj, i, err);
	if (r && obj->backend) {
		for (u32 i = 0; i < obj->img->nr_progs; i++)
			obj->progs[i].ticket = &object_no_ticket;
		obj->backend->ops->close(obj->backend);
		obj->backend = NULL;
	}
	if (!r && !(opts && opts->engine == SKEP_KERNEL))
		registry_publish(obj);
	return r;
}

int skep_object_load(struct skep_object *obj, const struct skep_load_opts *opts,
			 struct skep_err *err)
{
	err_clear(err);
	if (opts && opts->size != sizeof(*opts))
		return err_set(err, ERR_RUN, NULL, "struct skep_load_opts has size %zu, not %zu",
			       opts->size, sizeof(*opts));
	return object_load(obj, opts, NULL, err);
}

/* ---- programs ------------------------------------------------------------------ */

struct skep_prog *skep_object_prog(struct skep_object *obj, const char *name)
{
	for (u32 i = 0; i < obj->img->nr_progs; i++)
		if (!strcmp(obj->img->progs[i].name, name))
			return &obj->progs[i];
	return NULL;
}

struct skep_prog *skep_object_next_prog(struct skep_object *obj, struct skep_prog *prog)
{
	u32 i = prog ? prog->index + 1 : 0;

	return i < obj->img->nr_progs ? &obj->progs[i] : NULL;
}

static const struct image_prog *prog_image(const struct skep_prog *prog)
{
	return &prog->obj->img->progs[prog->index];
}

const char *skep_prog_name(const struct skep_prog *prog)
{
	return prog_image(prog)->name;
}

const char *skep_prog_section(const struct skep_prog *prog)
{
	return prog_image(prog)->section;
}

uint32_t skep_prog_type(const struct skep_prog *prog)
{
	return prog_image(prog)->type;
}

int skep_prog_engine(const struct skep_prog *prog, struct skep_prog_engine *engine)
{
	struct backend *b = prog->obj->backend;
	struct prog_tier t = { .tier = TIER_KERNEL, .slots = prog_image(prog)->nr_insns };

	if (engine->size != sizeof(*engine))
		return -EINVAL;
	if (!b || prog->loaded < 0)
		return -ENOENT;
	if (b->ops->prog_tier)
		b->ops->prog_tier(b, (u32)prog->loaded, &t);
	engine->tier = (enum skep_tier)t.tier;
	engine->insns = t.slots;
	engine->code_bytes = t.bytes;
	engine->compile_ns = t.ns;
	engine->note = t.note ? t.note : "";
	return 0;
}

int skep_prog_counts(const struct skep_prog *prog, const uint64_t **at, const uint64_t **away,
		     uint32_t *n)
{
	struct backend *b = prog->obj->backend;

	*at = b && b->ops->prog_counts && prog->loaded >= 0 ?
	      b->ops->prog_counts(b, (u32)prog->loaded, away) : NULL;
	*n = prog->obj->img->progs[prog->index].nr_insns;
	return *at ? 0 : -ENOENT;
}

const struct jit_code *prog_native(const struct skep_prog *prog)
{
	struct backend *b = prog->obj->backend;

	return b && b->ops->prog_native && prog->loaded >= 0 ?
	       b->ops->prog_native(b, (u32)prog->loaded) : NULL;
}

/* ---- maps ------------------------------------------------------------------------ */

int skep_map_pin(struct skep_map *map, const char *path, struct skep_err *err)
{
	struct backend *b = map->obj->backend;
	struct strbuf whole = { 0 };
	int r;

	err_clear(err);
	if (!b)
		return err_set(err, ERR_RUN, map->obj->img->file, "the object is not loaded");
	r = pin_path(&whole, strchr(path, '/') ? NULL : "", path, err);
	if (!r)
		r = b->ops->map_pin(b, map->index, sb_text(&whole), err);
	sb_free(&whole);
	return r;
}

struct skep_map *skep_object_map(struct skep_object *obj, const char *name)
{
	int i = image_map_find(obj->img, name);

	return i < 0 ? NULL : &obj->maps[i];
}

struct skep_map *skep_object_next_map(struct skep_object *obj, struct skep_map *map)
{
	u32 i = map ? map->index + 1 : 0;

	return i < obj->img->nr_maps ? &obj->maps[i] : NULL;
}

const char *skep_map_name(const struct skep_map *map) { return map->def->name; }
uint32_t skep_map_type(const struct skep_map *map) { return map->def->type; }
uint32_t skep_map_key_bytes(const struct skep_map *map) { return map->def->key_size; }
uint32_t skep_map_number(const struct skep_map *map) { return map->index; }

int skep_map_new_inner(struct skep_map **inner, struct skep_map *outer, struct skep_err *err)
{
	struct backend *b = outer->obj->backend;
	u32 number;
	int r;

	*inner = NULL;
	err_clear(err);
	if (!b)
		return err_set(err, ERR_RUN, outer->obj->img->file, "the object is not loaded");
	r = b->ops->map_like(b, outer->index, &number, err);
	if (r)
		return r;
	*inner = mem_alloc(sizeof(**inner));
	**inner = (struct skep_map){ .obj = outer->obj, .index = number,
				     .def = outer->def->inner };
	return 0;
}

void skep_map_drop(struct skep_map *inner)
{
	if (!inner || inner->def == &inner->obj->img->maps[inner->index])
		return;		/* the object's own */
	inner->obj->backend->ops->map_drop(inner->obj->backend, inner->index);
	free(inner);
}

size_t skep_map_value_bytes(const struct skep_map *map)
{
	struct backend *b = map->obj->backend;
	struct map_info info;

	return !b || b->ops->map_info(b, map->index, &info) ? 0 : info.value_bytes;
}

int skep_map_lookup(struct skep_map *map, const void *key, void *value)
{
	struct backend *b = map->obj->backend;

	return b ? b->ops->map_lookup(b, map->index, key, value, 0) : -EBADF;
}

int skep_map_update(struct skep_map *map, const void *key, const void *value, uint64_t flags)
{
	return map->obj->backend ?
	       object_map_update(map->obj, map->def, map->index, key, value, flags) : -EBADF;
}

int skep_map_delete(struct skep_map *map, const void *key)
{
	struct backend *b = map->obj->backend;

	return b ? b->ops->map_delete(b, map->index, key) : -EBADF;
}

int skep_map_next_key(struct skep_map *map, const void *key, void *next)
{
	struct backend *b = map->obj->backend;

	return b ? b->ops->map_next_key(b, map->index, key, next) : -EBADF;
}

int skep_map_lookup_delete(struct skep_map *map, const void *key, void *value)
{
	struct backend *b = map->obj->backend;

	if (!b)
		return -EBADF;
	return b->ops->map_lookup_delete ?
	       b->ops->map_lookup_delete(b, map->index, key, value, 0) : -ENOTSUP;
}

struct reader {
	int (*fn)(void *arg, const struct skep_event *e);
	void *arg;
};

static int read_event(void *arg, const struct map_event *e)
{
	const struct reader *r = arg;
	const struct skep_event out = { .cpu = e->cpu, .bytes = e->bytes, .data = e->data };

	return r->fn(r->arg, &out);
}

int64_t skep_map_read(struct skep_map *map,
		      int (*fn)(void *arg, const struct skep_event *e), void *arg)
{
	struct backend *b = map->obj->backend;
	struct reader r = { fn, arg };

	if (!b)
		return -EBADF;
	return b->ops->map_read ? b->ops->map_read(b, map->index, read_event, &r) : -ENOTSUP;
}

int skep_map_fd(struct skep_map *map)
{
	struct backend *b = map->obj->backend;

	return b ? b->ops->map_fd(b, map->index) : -EBADF;
}

int skep_map_write(struct skep_map *map, const void *data, size_t bytes)
{
	struct backend *b = map->obj->backend;

	return b ? b->ops->map_write(b, map->index, data, bytes) : -EBADF;
}

uint64_t skep_map_lost(const struct skep_map *map)
{
	struct backend *b = map->obj->backend;
	struct map_info info;

	return !b || b->ops->map_info(b, map->index, &info) ? 0 : info.lost;
}

int object_sockets(struct skep_object *obj, const struct sockets *s, struct skep_err *err)
{
	struct backend *b = obj->backend;

	if (!b->ops->sockets)
		return err_set(err, ERR_USAGE, NULL, "sockets are described to the embedded "
			       "engine; a kernel has its own");
	if (b->ops->sockets(b, s->v.v, (u32)s->v.n))
		return err_set(err, ERR_USAGE, NULL, "sockets are described already");
	obj->sockets = s;
	return 0;
}

int skep_object_sockets(struct skep_object *obj, const char *text, size_t bytes,
			struct skep_err *err)
{
	struct sockets *s;
	int r;

	err_clear(err);
	if (!obj->backend)
		return err_set(err, ERR_USAGE, obj->img->file, "sockets are described to an "
			       "object that is loaded");
	s = mem_alloc(sizeof(*s));
	r = sockets_read_ss(s, text, bytes, "sockets", err);
	if (!r)
		r = sockets_check(s, "sockets", err);
	if (!r)
		r = object_sockets(obj, s, err);
	if (r) {
		sockets_free(s);
		free(s);
	} else {
		obj->own_sockets = s;
	}
	return r;
}
