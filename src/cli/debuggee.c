/* SPDX-License-Identifier: BSD-2-Clause */
/* debuggee.c: see debuggee.h. */
#include "cli/debuggee.h"
#include "host/hosts.h"
#include "replay/record.h"
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

/* ---- packets ------------------------------------------------------------------- */

static bool wants_packets(u32 type)
{
	for (const struct host *const *h = host_all; *h; h++)
		if ((*h)->prog_type == type)
			return *h != &host_raw_tp;
	return false;
}

/* The capture stands before packet NUMBER afterwards; of what cannot be read twice only
 * forward. */
static int seek(struct debuggee *d, u64 number, struct skep_err *err)
{
	int r = 0;

	if (!d->capture)
		r = capture_open(&d->capture, d->input, err);
	if (!r && number <= d->taken) {
		r = capture_rewind(d->capture, err);
		d->taken = 0;
	}
	return r;
}

static int bad_link(const struct debuggee *d, const struct packet *p, struct skep_err *err)
{
	const char *name = capture_link_name(p->link);

	return err_set(err, ERR_PCAP_LINK, d->input, "packet %" PRIu64 " has link type %s (%u); "
		       "programs take Ethernet frames", p->number, name ? name : "unknown",
		       p->link);
}

/* The next packet that the program is asked about. */
static int next_packet(struct debuggee *d, struct packet *p, struct skep_err *err)
{
	int r;

	while ((r = capture_next(d->capture, p, err)) > 0) {
		if (p->link != LINK_ETHERNET)
			return bad_link(d, p, err);
		if (meta_packet(&d->meta, p)) {
			d->taken++;
			return 1;
		}
	}
	return r;
}

static int input(void *arg, u64 number, struct test_run *t, struct skep_err *err)
{
	struct debuggee *d = arg;
	const struct image_prog *p = &d->obj->img->progs[d->setup.prog];
	struct packet pkt;
	int r;

	meta_run(&d->meta, t);
	t->at_mac = p->at_mac;
	if (!d->input)
		return number == 1;
	r = seek(d, number, err);
	while (!r && d->taken < number && (r = next_packet(d, &pkt, err)) > 0)
		r = d->taken == number;
	if (r <= 0)
		return r;
	t->data = pkt.data;
	t->bytes = pkt.bytes;
	t->now_ns = pkt.time_ns;
	return 1;
}

/* Can it be read twice? */
static bool is_file(const struct debuggee *d)
{
	struct stat st;

	return !d->input || (!stat(d->input, &st) && S_ISREG(st.st_mode));
}

/* What cannot be read twice is not counted. */
static int count(void *arg, u64 most, u64 *n, struct skep_err *err)
{
	struct debuggee *d = arg;
	struct capture *capture = d->capture;
	u64 taken = d->taken;
	struct packet pkt;
	int r = 0;

	*n = d->input ? most : 1;
	if (!d->input || !is_file(d))
		return 0;
	d->capture = NULL;
	d->taken = 0;
	r = capture_open(&d->capture, d->input, err);
	while (!r && d->taken < most && (r = next_packet(d, &pkt, err)) > 0)
		r = 0;
	*n = d->taken;
	capture_close(d->capture);
	d->capture = capture;
	d->taken = taken;
	return r;
}

/* ---- maps ------------------------------------------------------------------------ */

/* ARG is NAME=FILE: which MAP of OBJ, and FILE. */
static int map_of(const struct skep_object *obj, const char *arg, int *map, const char **file,
		  struct skep_err *err)
{
	const char *eq = strchr(arg, '=');
	char *name;
	int r = 0;

	if (!eq)
		return err_set(err, ERR_USAGE, NULL, "--map takes NAME=FILE, not '%s'", arg);
	name = mem_strdup(arg);
	name[eq - arg] = 0;
	*file = eq + 1;
	*map = image_map_find(obj->img, name);
	if (*map < 0) {
		r = err_set(err, ERR_MAP_NAME, obj->img->file, "there is no map '%s'", name);
		suggest_map(err, obj, name);
	}
	free(name);
	return r;
}

static int load_map(struct skep_object *obj, const char *arg, struct skep_err *err)
{
	const char *file;
	int map, r = map_of(obj, arg, &map, &file, err);

	return r ? r : map_load_json(obj, (u32)map, file, NULL, err);
}

int debuggee_check_maps(const struct debuggee *d, struct skep_err *err)
{
	const char *file;
	int map, r = 0;

	for (size_t i = 0; !r && i < d->o.maps.n; i++)
		r = map_of(d->obj, d->o.maps.v[i], &map, &file, err);
	return r;
}

static int prepare(void *arg, struct skep_object *obj, struct skep_err *err)
{
	struct debuggee *d = arg;
	int r = d->o.sockets ? object_sockets(obj, &d->socks, err) : 0;

	for (size_t i = 0; !r && i < d->o.maps.n; i++)
		r = load_map(obj, d->o.maps.v[i], err);
	return r;
}

/* ---- objects ----------------------------------------------------------------------- */

static void print(void *arg, const char *text, size_t n)
{
	dbg_print(arg, text, n);
}

/* The only program, or the one that NAME or the packets are for. */
static int choose(struct debuggee *d, struct skep_err *err)
{
	struct choice c = { .err = err, .on_user = true };
	int r = 0;

	if (!d->o.prog && d->obj->img->nr_progs == 1)
		return 0;
	*vec_push(&c.objs) = d->obj;
	if (d->o.prog)
		*vec_push(&c.names) = d->o.prog;
	r = choice_make(&c);
	if (!r)
		d->setup.prog = c.first->index;
	vec_free(&c.objs);
	choice_free(&c);
	return r;
}

static int check_input(const struct debuggee *d, struct skep_err *err)
{
	const struct image_prog *p = &d->obj->img->progs[d->setup.prog];
	const struct progtype_row *row = progtype_row(p->type);

	if (!d->input && wants_packets(p->type))
		return err_set(err, ERR_DEBUG_INPUT, d->file, "program '%s' (%s) gets packets: "
			       "give a capture", p->name, row->name);
	if (d->input && !wants_packets(p->type))
		return err_set(err, ERR_DEBUG_INPUT, d->file, "program '%s' (%s) gets no packets: "
			       "leave the capture out", p->name, row ? row->name : "?");
	return 0;
}

static int open_object(struct debuggee *d, struct skep_err *err)
{
	enum input_kind kind;
	int r = input_kind(&kind, d->file, err);

	if (!r && kind != INPUT_ELF && kind != INPUT_C && kind != INPUT_CODE)
		r = err_set(err, ERR_FILE_KIND, d->file,
			    "neither a BPF object, a C file nor a recording");
	if (!r)
		r = kind == INPUT_CODE ? os_file_read(&d->elf, d->file, err) :
			input_read(&d->elf, d->file, err);
	if (!r && kind == INPUT_CODE)
		r = load_code(&d->obj, &d->o.load, &d->elf, input_name(d->file), err);
	else if (!r)
		r = load_open(&d->obj, &d->o.load, d->elf.data, d->elf.size,
			      input_name(d->file), err);
	if (!r && !d->obj->img->nr_progs)
		r = err_set(err, ERR_PROG_NONE, d->file, "there is no program in it");
	if (!r)
		r = load_ready(&d->obj, 1, &d->o.load, err);
	if (!r)
		r = choose(d, err);
	if (!r)
		r = check_input(d, err);
	if (!r && d->o.sockets)
		r = sockets_open(&d->socks, d->o.sockets, err);
	if (r)
		return r;
	if (kind != INPUT_CODE) {
		d->setup.elf = d->elf.data;
		d->setup.elf_bytes = d->elf.size;
	}
	d->meta.o = d->o.meta;
	return meta_open(&d->meta, d->obj->img->progs[d->setup.prog].type, true, err);
}

/* ---- recordings ----------------------------------------------------------------------- */

static bool is_recording(const char *path)
{
	char head[sizeof(RECORD_MAGIC)] = "";
	FILE *f = fopen(path, "rb");
	bool yes = f && fread(head, 1, sizeof(head) - 1, f) == sizeof(head) - 1 &&
		!strcmp(head, RECORD_MAGIC);

	if (f)
		fclose(f);
	return yes;
}

/* The object that is in it, and whose runs these are. */
static int open_recording(struct debuggee *d, struct skep_err *err)
{
	const struct replay_opts none = { 0 };
	struct record_reader *reader;
	struct record_item item = { 0 };
	struct replay *s;
	int r = record_open(&reader, d->file, err);

	while (!r && item.kind != RECORD_OBJECT) {
		r = record_next(reader, &item, err);
		r = r < 0 ? r : r ? 0 : err_set(err, ERR_DEBUG_INPUT, d->file,
						"there is no object in the recording");
	}
	if (!r) {
		u8 *copy = mem_alloc(item.object.elf.n + 1);

		memcpy(copy, item.object.elf.v, item.object.elf.n);
		d->elf = (struct os_file){ .data = copy, .size = item.object.elf.n };
		r = load_open(&d->obj, &d->o.load, copy, item.object.elf.n, d->file, err);
	}
	record_reader_close(reader);
	if (!r)
		r = replay_open_recorded(&s, d->file, 1, &none, err);
	if (r)
		return r;
	d->setup.prog = replay_prog(s)->index;
	replay_close(s);
	if (d->setup.prog >= d->obj->img->nr_progs)
		return err_set(err, ERR_DEBUG_INPUT, d->file, "the object has no such program");
	d->setup.recording = d->file;
	d->setup.elf = d->elf.data;
	d->setup.elf_bytes = d->elf.size;
	return 0;
}

/* ---- all of it ---------------------------------------------------------------------------- */

static int check_opts(const struct debuggee *d, struct skep_err *err)
{
	if (d->o.clock && strcmp(d->o.clock, "real") && strcmp(d->o.clock, "capture"))
		return err_set(err, ERR_USAGE, NULL, "--clock is real or capture, not '%s'",
			       d->o.clock);
	return 0;
}

int debuggee_open(struct debuggee *d, const char *file, const char *capture,
		  struct strbuf *out, struct skep_err *err)
{
	int r = check_opts(d, err);

	if (r)
		return r;
	d->file = mem_strdup(file);
	d->input = capture ? mem_strdup(capture) : NULL;
	d->debug.out = out;
	r = is_recording(file) ? open_recording(d, err) : open_object(d, err);
	if (r)
		return r;
	d->setup.obj = d->obj;
	d->setup.name = input_name(d->file);
	d->setup.budget = d->o.budget;
	d->setup.arg = d;
	d->setup.input = input;
	d->setup.count = count;
	d->setup.once = !is_file(d);
	d->setup.prepare = prepare;
	d->setup.load = (struct skep_load_opts){ .cpus = (u32)d->o.cpus, .print = print,
		.print_arg = &d->debug, .routes = d->o.routes, .rand_seed = 1,
		.clock = d->o.clock && !strcmp(d->o.clock, "capture") ? SKEP_CLOCK_RUN :
			SKEP_CLOCK_REAL };
	d->opened = true;
	return debug_open(&d->debug, &d->setup, err);
}

void debuggee_verdict(struct debuggee *d, struct strbuf *out)
{
	const struct image_prog *p = &d->obj->img->progs[d->setup.prog];
	const struct verify_result *v = debug_verdict(&d->debug, d->setup.prog);

	if (v->verdict == VERDICT_OK)
		return;
	verify_reasons(out, d->obj->img, p, v);
	sb_printf(out, "note: %s: '%s' is %s; each of its accesses is checked when it is made\n",
		  d->setup.name, p->name, verdict_word(v->verdict));
}

void debuggee_close(struct debuggee *d)
{
	if (d->opened)
		debug_close(&d->debug);
	if (d->obj)
		skep_object_close(d->obj);
	capture_close(d->capture);
	if (d->o.sockets)
		sockets_free(&d->socks);
	os_file_close(&d->elf);
	free(d->file);
	free(d->input);
}
