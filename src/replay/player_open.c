/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * player_open.c: what runs of a recording have in common: the object, its programs as they
 * were, options. What a recording says is compared with what is there before anything is done
 * with it; instructions in it are verified, or run with checks, as those of any object.
 */
#include "replay/player_in.h"
#include "isa/isa.h"
#include "model/sock.h"
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CPUS_MAX = 4096 };

int player_bad(const struct player *p, struct skep_err *err, const char *what)
{
	return err_set(err, ERR_RECORD_BAD, record_name(p->r), "byte %" PRIu64 ": %s", p->item.at,
		       what);
}

static int unfit(const struct player *p, struct skep_err *err, const char *what, const char *name)
{
	return err_set(err, ERR_RECORD_OBJECT, record_name(p->r), "%s '%s' of the recording is "
		       "not in %s, or is another kind there", what, name, p->obj->img->file);
}

int player_peek(struct player *p, struct skep_err *err)
{
	int got = 1;

	if (!p->have)
		got = record_next(p->r, &p->item, err);
	p->have = got > 0;
	return got;
}

/* ---- options ------------------------------------------------------------------------ */

const char *player_option(const struct player *p, const char *name)
{
	for (size_t i = 0; i < p->options.n; i++)
		if (!strcmp(p->options.v[i].name, name))
			return p->options.v[i].value;
	return "";
}

static char *text_of(const struct record_bytes *b)
{
	char *s = mem_alloc(b->n + 1);

	if (b->n)
		memcpy(s, b->v, b->n);
	return s;
}

static int unknown(const struct player *p, struct skep_err *err, const char *name)
{
	return err_set(err, ERR_RECORD_VERSION, record_name(p->r), "byte %" PRIu64
		       ": the recording has an option '%s', which this skep does not know",
		       p->item.at, name);
}

static int on_option(struct player *p, struct skep_err *err)
{
	static const char *const known[] = { "skep", "source", "kernel", "cpus", "rand_seed",
		"map_seed", "sockets", "routes", "unverified" };
	const struct record_option *o = &p->item.option;
	struct option *mine = vec_push(&p->options);

	*mine = (struct option){ text_of(&o->name), text_of(&o->value) };
	if (!strcmp(mine->name, "sockets")) {
		p->socks = o->value.v;
		p->socks_bytes = o->value.n;
	}
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (!strcmp(mine->name, known[i]))
			return 0;
	return unknown(p, err, mine->name);
}

/* A decimal number, 0 when the option is not there. */
static int number(const struct player *p, const char *name, u64 *n, struct skep_err *err)
{
	const char *s = player_option(p, name);
	char *end;

	errno = 0;
	*n = strtoull(s, &end, 10);
	if (!*end && !errno && (!*s || (*s >= '0' && *s <= '9')))
		return 0;
	return err_set(err, ERR_RECORD_BAD, record_name(p->r), "option '%s' is '%.40s', no number",
		       name, s);
}

/* ---- the object ------------------------------------------------------------------------ */

static int on_object(struct player *p, struct skep_err *err)
{
	const struct record_object *o = &p->item.object;
	char *name = text_of(&o->name);
	int r;

	r = object_open(&p->recorded, NULL, o->elf.v ? o->elf.v : "", o->elf.n, name, err);
	free(name);
	p->obj = p->opts.with ? p->opts.with : p->recorded;
	for (u32 i = 0; !r && i < p->recorded->img->nr_progs; i++)
		*vec_push(&p->progs) = (struct listed){ 0 };
	return r;
}

static void *own(struct player *p, const struct record_bytes *b)
{
	void *copy = mem_alloc(b->n + 1);

	if (b->n)
		memcpy(copy, b->v, b->n);
	*vec_push(&p->owned) = copy;
	return copy;
}

/* The type that a program was loaded as. */
static int set_type(struct player *p, struct image_prog *ip, u32 type, struct skep_err *err)
{
	const struct progtype_row *row = progtype_row(type);
	const struct sec_row *sec = row ? progtype_find(row->name) : NULL;

	if (ip->type == type)
		return 0;
	if (!sec)
		return player_bad(p, err, "a program is of a type that there is not");
	ip->sec = sec;
	ip->type = sec->type;
	ip->expected_attach = sec->attach;
	return 0;
}

/* Does it name a map, a function or something of a kernel by its number in the image? */
static bool names(const struct bpf_insn *in)
{
	return in->src_reg && (in->code == (BPF_LD | BPF_IMM | BPF_DW) ||
			       in->code == (BPF_JMP | BPF_CALL));
}

/* Where CO-RE puts a value another kernel's may stand, and nothing else: instruction INSN. */
static bool may_differ(const struct image_prog *ip, u32 insn, const struct bpf_insn *theirs)
{
	const struct image_core *c = image_core(ip, insn);

	if (c)
		return !names(theirs) && !names(&ip->insns[insn]);
	return insn && image_core(ip, insn - 1) && !theirs->code && !names(theirs - 1);
}

/* What the relocation came to where it was recorded. */
static void set_core(const struct image_prog *ip, u32 insn, const struct bpf_insn *theirs)
{
	struct image_core *c = (struct image_core *)(uintptr_t)image_core(ip, insn);
	bool poison = theirs->code == (BPF_JMP | BPF_CALL) && theirs->imm == IMAGE_POISON;

	if (c)
		c->status = poison ? IMAGE_CORE_POISONED : IMAGE_CORE_OK;
}

static int set_insns(struct player *p, struct image_prog *ip, const struct bpf_insn *theirs,
		     struct skep_err *err)
{
	for (u32 i = 0; i < ip->nr_insns; i++) {
		if (!memcmp(&theirs[i], &ip->insns[i], sizeof(*theirs)))
			continue;
		if (!may_differ(ip, i, &theirs[i]))
			return err_set(err, ERR_RECORD_BAD, record_name(p->r), "byte %" PRIu64
				       ": instruction %u of program '%s' is not that of the "
				       "recorded object", p->item.at, i, ip->name);
		set_core(ip, i, &theirs[i]);
	}
	ip->insns = theirs;
	return 0;
}

/* Instructions as they were after CO-RE: this machine's types do not count. */
static int on_prog(struct player *p, struct skep_err *err)
{
	const struct record_prog *rp = &p->item.prog;
	struct image *img = p->recorded->img;
	struct image_prog *ip = rp->index < img->nr_progs ? &img->progs[rp->index] : NULL;
	const struct bpf_insn *insns;
	char where[256];
	int r;

	if (!ip || rp->name.n != strlen(ip->name) || memcmp(rp->name.v, ip->name, rp->name.n))
		return player_bad(p, err, "a program is not in the recorded object");
	if (rp->insns.n != ip->nr_insns * sizeof(*ip->insns))
		return player_bad(p, err, "a program is of another length than recorded");
	snprintf(where, sizeof(where), "%s:%s", record_name(p->r), ip->name);
	insns = own(p, &rp->insns);
	r = isa_check(insns, ip->nr_insns, where, err);
	r = r ? r : set_insns(p, ip, insns, err);
	p->progs.v[rp->index] = (struct listed){ true, rp->loaded, rp->type };
	return r ? r : set_type(p, ip, rp->type, err);
}

static int on_data(struct player *p, struct skep_err *err)
{
	const struct record_data *d = &p->item.data;
	struct image *img = p->recorded->img;
	struct image_map *m = d->map < img->nr_maps ? &img->maps[d->map] : NULL;

	if (!m || (m->kind != IMAGE_MAP_DATA && m->kind != IMAGE_MAP_RODATA) ||
	    d->bytes.n != m->value_size)
		return player_bad(p, err, "variables are not those of the recorded object");
	m->init = own(p, &d->bytes);
	return 0;
}

static int on_taped(struct player *p, struct skep_err *err)
{
	const struct record_bytes *b = &p->item.taped.bits;

	if (b->n > sizeof(p->tape.wanted))
		return player_bad(p, err, "answers of helpers are recorded that there are not");
	if (b->n)
		memcpy(p->tape.wanted, b->v, b->n);
	return 0;
}

/* Its programs ran where only the kernel could see. */
static int of_kernel(const struct player *p, struct skep_err *err)
{
	err_set(err, ERR_RECORD_VERSION, record_name(p->r), "byte %" PRIu64 ": it was recorded in "
		"the kernel: its runs are not to be had on maps and packets", p->item.at);
	err_help(err, "`skep replay FILE` computes them from what they saw");
	return err->code;
}

static int head_item(struct player *p, struct skep_err *err)
{
	switch (p->item.kind) {
	case RECORD_OBJECT:
		return on_object(p, err);
	case RECORD_OPTION:
		return on_option(p, err);
	case RECORD_PROG:
		return on_prog(p, err);
	case RECORD_DATA:
		return on_data(p, err);
	case RECORD_TAPED:
		return on_taped(p, err);
	case RECORD_PLAN:
		return of_kernel(p, err);
	default:
		return 1;
	}
}

static int read_head(struct player *p, struct skep_err *err)
{
	int r, got;

	while ((got = player_peek(p, err)) > 0) {
		r = head_item(p, err);
		if (r)
			return r < 0 ? r : 0;
		player_take(p);
	}
	return got;
}

/* ---- loading ---------------------------------------------------------------------------- */

struct skep_prog *player_prog(const struct player *p, u32 index)
{
	const struct image_prog *ip;
	struct skep_prog *prog;

	if (index >= p->progs.n)
		return NULL;
	if (!p->opts.with)
		return &p->obj->progs[index];
	ip = &p->recorded->img->progs[index];
	prog = skep_object_prog(p->obj, ip->name);
	return prog && skep_prog_type(prog) == ip->type ? prog : NULL;
}

static int choose(struct player *p, u32 *only, size_t *n, struct skep_err *err)
{
	for (u32 i = 0; i < p->progs.n; i++) {
		const struct skep_prog *prog = player_prog(p, i);

		if (!p->progs.v[i].loaded)
			continue;
		if (!prog)
			return unfit(p, err, "program", p->recorded->img->progs[i].name);
		only[(*n)++] = prog->index;
	}
	if (*n)
		return 0;
	return err_set(err, ERR_RECORD_BAD, record_name(p->r), "no program of it was loaded");
}

static void number_maps(struct player *p)
{
	for (u32 i = 0; i < p->recorded->img->nr_maps; i++) {
		const char *name = p->recorded->img->maps[i].name;
		int at = p->opts.with ? image_map_find(p->obj->img, name) : (int)i;

		*vec_push(&p->maps) = (u32)at;
	}
}

static int open_sockets(struct player *p, struct skep_err *err)
{
	u64 n = p->socks_bytes / sizeof(struct sock);
	struct sock *v;
	int r;

	if (!*player_option(p, "sockets") && !p->socks_bytes)
		return 0;
	if (p->socks_bytes % sizeof(struct sock) || n > UINT32_MAX)
		return err_set(err, ERR_RECORD_VERSION, record_name(p->r),
			       "its sockets are described in another way than this skep does");
	v = mem_alloc((n + 1) * sizeof(*v));
	memcpy(v, p->socks, n * sizeof(*v));
	for (u64 i = 0; i < n; i++)
		v[i].name = "socket";
	r = p->obj->backend->ops->sockets(p->obj->backend, v, (u32)n);
	free(v);
	return r ? err_set(err, ERR_RECORD_BAD, record_name(p->r), "its sockets: %s", strerror(-r))
		 : 0;
}

/* Contents of a file as a path that can be read; *FD is to be closed. */
static int as_file(const char *text, char path[32], int *fd, struct skep_err *err)
{
	*fd = os_temp_open();
	if (*fd < 0)
		return err_set(err, ERR_FILE_WRITE, NULL, "no file in memory: %s", strerror(-*fd));
	if (write(*fd, text, strlen(text)) != (ssize_t)strlen(text))
		return err_set(err, ERR_FILE_WRITE, NULL, "no file in memory: %s", strerror(errno));
	snprintf(path, 32, "/proc/self/fd/%d", *fd);
	return 0;
}

static int load_with(struct player *p, struct skep_load_opts *opts, struct skep_err *err)
{
	u32 *only = mem_alloc((p->progs.n + 1) * sizeof(*only));
	struct prog_set set = { only, 0 };
	char path[32];
	int fd = -1, r = choose(p, only, &set.n, err);

	if (!r && *player_option(p, "routes") && !p->opts.kernel) {
		r = as_file(player_option(p, "routes"), path, &fd, err);
		opts->routes = path;
	}
	if (!r)
		r = object_load(p->obj, opts, &set, err);
	if (fd >= 0)
		close(fd);
	free(only);
	return r;
}

static int not_in_kernel(const struct player *p, struct skep_err *err, const char *what)
{
	return err_set(err, ERR_RECORD_KERNEL, record_name(p->r), "%s", what);
}

/* The kernel has its own clocks, cpus, sockets and routes. */
static int load_kernel(struct player *p, struct skep_err *err)
{
	struct skep_load_opts opts = { .size = sizeof(opts), .engine = SKEP_KERNEL };

	for (u32 i = 0; i < p->progs.n; i++) {
		const struct skep_prog *prog = p->progs.v[i].loaded ? player_prog(p, i) : NULL;

		if (prog && p->obj->img->progs[prog->index].at_mac)
			return not_in_kernel(p, err, "it is of classic BPF, to which the kernel's "
					     "test runs show no Ethernet header");
	}
	if (*player_option(p, "sockets") || p->socks_bytes)
		return not_in_kernel(p, err, "its runs find sockets that were described: the "
				     "kernel has its own");
	if (*player_option(p, "routes"))
		return not_in_kernel(p, err, "its runs look at routes that were described: the "
				     "kernel has its own");
	return load_with(p, &opts, err);
}

static int load(struct player *p, struct skep_err *err)
{
	struct skep_load_opts opts = { .size = sizeof(opts), .clock = SKEP_CLOCK_RUN,
		.jit = p->opts.jit };
	u64 cpus, unverified;
	int r = number(p, "cpus", &cpus, err);

	r = r ? r : number(p, "rand_seed", &opts.rand_seed, err);
	r = r ? r : number(p, "map_seed", &p->replay.map_seed, err);
	r = r ? r : number(p, "unverified", &unverified, err);
	if (!r && cpus > CPUS_MAX)
		r = err_set(err, ERR_RECORD_BAD, record_name(p->r), "%" PRIu64 " cpus", cpus);
	if (!r && p->opts.kernel) {
		r = load_kernel(p, err);
		number_maps(p);
		return r;
	}
	if (r)
		return r;
	opts.cpus = cpus ? (u32)cpus : 1;
	opts.unverified = unverified || p->opts.unverified;
	p->tape.call = player_call;
	p->tape.knows = player_knows;
	p->replay.tape = &p->tape;
	p->obj->replay = &p->replay;
	r = load_with(p, &opts, err);
	if (r)
		return r;
	number_maps(p);
	return open_sockets(p, err);
}

static int open_all(struct player *p, struct skep_err *err)
{
	int r = read_head(p, err);

	if (!r && !p->recorded)
		r = err_set(err, ERR_RECORD_CUT, record_name(p->r), "the recording has no object");
	return r ? r : load(p, err);
}

static int player_start(struct player **out, struct record_reader *r,
			const struct player_opts *opts, struct skep_err *err)
{
	struct player *p = mem_alloc(sizeof(*p));
	int res;

	p->r = r;
	if (opts)
		p->opts = *opts;
	res = open_all(p, err);
	if (res)
		player_free(p);
	*out = res ? NULL : p;
	return res;
}

int player_open(struct player **out, const char *path, const struct player_opts *opts,
		struct skep_err *err)
{
	struct record_reader *r;
	int res = record_open(&r, path, err);

	*out = NULL;
	return res ? res : player_start(out, r, opts, err);
}

int player_open_mem(struct player **out, const void *data, u64 bytes, const char *name,
		    const struct player_opts *opts, struct skep_err *err)
{
	struct record_reader *r;
	int res = record_open_mem(&r, data, bytes, name, err);

	*out = NULL;
	return res ? res : player_start(out, r, opts, err);
}

void player_free(struct player *p)
{
	if (!p)
		return;
	skep_object_close(p->recorded);
	for (size_t i = 0; i < p->options.n; i++) {
		free(p->options.v[i].name);
		free(p->options.v[i].value);
	}
	for (size_t i = 0; i < p->owned.n; i++)
		free(p->owned.v[i]);
	vec_free(&p->options);
	vec_free(&p->progs);
	vec_free(&p->owned);
	vec_free(&p->maps);
	vec_free(&p->calls);
	vec_free(&p->next);
	vec_free(&p->ends);
	free(p->used);
	record_reader_close(p->r);
	free(p);
}

struct skep_object *player_object(const struct player *p) { return p->obj; }

