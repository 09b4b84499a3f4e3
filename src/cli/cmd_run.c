/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_run.c: `skep run`: a program of an object, the packets of captures or live
 * ports, and what came of it: verdicts, packets, map contents.
 */
#include "api/registry.h"
#include "cli/coverage.h"
#include "cli/native.h"
#include "cli/run_opts.h"
#include "host/hosts.h"
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- operands -------------------------------------------------------------------- */

static int sort_operands(struct job *j, const struct str_list *operands)
{
	struct str_list paths = { 0 };
	int r = 0;

	for (size_t i = 0; !r && i < operands->n; i++) {
		const char *path = operands->v[i];
		enum input_kind kind;

		if (port_is_name(path) && access(path, F_OK)) {
			*vec_push(&j->o.ports.in) = path;
			continue;
		}
		r = input_kind(&kind, path, j->err);
		if (r)
			break;
		if (kind == INPUT_OTHER)
			r = err_set(j->err, ERR_FILE_KIND, path,
				    "neither a BPF object, a C file, instructions "
				    "nor a packet capture");
		else if (kind == INPUT_CAPTURE)
			*vec_push(&j->captures) = path;
		else
			*vec_push(&paths) = path;
	}
	if (!r)
		r = run_check_files(j, &paths);
	for (size_t i = 0; i < j->choice.names.n; i++)
		*vec_push(&j->o.load.progs) = j->choice.names.v[i];
	if (!r)
		r = input_objects(&j->choice.objs, &paths, &j->o.load, j->err);
	vec_free(&paths);
	return r;
}

static const struct image_prog *image_prog_of(const struct job *j)
{
	return &j->prog->obj->img->progs[j->prog->index];
}

/* ---- loading --------------------------------------------------------------------- */

static int no_map(struct job *j, const char *name)
{
	const struct image *img = j->prog->obj->img;
	int r = err_set(j->err, ERR_MAP_NAME, img->file, "there is no map '%s'", name);

	for (u32 i = 0; i < img->nr_maps; i++)
		err_note(j->err, "it has '%s'", img->maps[i].name);
	suggest_map(j->err, j->prog->obj, name);
	return r;
}

/* What a recording does not have elsewhere. */
static int not_recorded(struct job *j, const struct image_map *map)
{
	err_set(j->err, ERR_RECORD_MAP, NULL, "--map fills '%s' with threads, cgroups or files of "
		"this machine, which a recording does not have elsewhere", map->name);
	err_help(j->err, "let the program make these elements, or leave out --record");
	return j->err->code;
}

/* ARG is NAME=FILE. */
static int load_map(struct job *j, struct skep_object *obj, const char *arg)
{
	const char *eq = strchr(arg, '=');
	char *name;
	int map, r;

	if (!eq)
		return err_set(j->err, ERR_USAGE, NULL,
			       "--map takes NAME=FILE, not '%s'", arg);
	name = mem_strdup(arg);
	name[eq - arg] = 0;
	map = image_map_find(obj->img, name);
	if (map < 0)
		r = no_map(j, name);
	else if (j->recorder && !recorder_fills(obj->img->maps[map].type))
		r = not_recorded(j, &obj->img->maps[map]);
	else
		r = map_load_json(obj, (u32)map, eq + 1, NULL, j->err);
	free(name);
	return r;
}

int run_load_maps(struct job *j, struct skep_object *obj)
{
	int r = 0;

	for (size_t i = 0; !r && i < j->o.maps.n; i++)
		r = load_map(j, obj, j->o.maps.v[i]);
	return r;
}

/* Before the object is loaded. */
static int record_start(struct job *j, struct skep_load_opts *opts)
{
	struct skep_object *obj = j->prog->obj;

	if (!obj->elf)
		return err_set(j->err, ERR_USAGE, obj->img->file, "--record is for objects: "
			       "these are instructions by themselves");
	if (image_map_find(obj->img, j->o.record) >= 0) {
		err_set(j->err, ERR_USAGE, NULL, "--record takes MAP=TYPE or a file, and '%s' is "
			"a map", j->o.record);
		err_help(j->err, "a file of that name is ./%s", j->o.record);
		return j->err->code;
	}
	j->recorder = recorder_new();
	recorder_load_opts(j->recorder, obj, obj->elf, obj->elf_bytes, opts);
	return 0;
}

struct skep_load_opts run_load_opts(struct job *j)
{
	return (struct skep_load_opts){
		.size = sizeof(struct skep_load_opts), .cpus = (u32)j->o.cpus,
		.print = j->o.quiet ? NULL : messages_print, .print_arg = &j->messages,
		.engine = j->on == ON_KERNEL ? SKEP_KERNEL : SKEP_USER,
		.clock = j->capture_clock ? SKEP_CLOCK_RUN : SKEP_CLOCK_REAL,
		.routes = j->o.routes, .pins = j->o.pins, .unverified = j->o.unverified,
		.jit = j->o.jit, .counts = j->o.coverage != NULL,
	};
}

/* The programs that are to run, and what packets are to them. */
static int choose(struct job *j)
{
	int r = j->o.sockets ? sockets_open(&j->sockets, j->o.sockets, j->err) : 0;

	j->choice.on_user = j->on == ON_USER;
	r = r ? r : choice_make(&j->choice);
	j->prog = j->choice.first;
	if (!r && j->on != ON_USER && image_prog_of(j)->at_mac)
		r = err_set(j->err, ERR_USAGE, NULL, "classic BPF is for --on user: the "
			    "kernel's test runs show socket filters no Ethernet header");
	return r ? r : meta_open(&j->meta, skep_prog_type(j->prog), j->on == ON_USER, j->err);
}

/* Into the engines, recorded if that was asked for. */
static int load_engines(struct job *j)
{
	struct skep_load_opts opts = run_load_opts(j);
	int r = j->o.record ? record_start(j, &opts) : 0;

	if (!r)
		r = choice_load(&j->choice, &opts);
	if (!r && j->recorder)
		r = recorder_begin(j->recorder, j->prog->obj, j->o.record, j->err);
	if (!r && !j->o.quiet && j->on != ON_KERNEL) {
		engine_notes(j->prog->obj, j->o.verbose, j->o.jit_name);
		network_notes(j->prog->obj->img, skep_prog_type(j->prog), j->o.routes,
			      j->on == ON_BOTH);
	}
	j->both.as_json = j->o.json;
	return !r && j->on == ON_BOTH ? both_open(&j->both, j->prog, j->err) : r;
}

static int load_state(struct job *j)
{
	int r = j->o.sockets ? object_sockets(j->prog->obj, &j->sockets, j->err) : 0;

	if (!r)
		r = run_load_maps(j, j->prog->obj);
	return !r && j->both.twin ? run_load_maps(j, j->both.twin) : r;
}

static int watch_events(struct job *j)
{
	j->events.json = j->o.json;
	j->events.verbose = j->o.verbose;
	j->events.net = &j->o.net;
	j->events.leave_pinned = j->o.pins;
	j->prints = !j->o.quiet && messages_come_from(j->prog->obj->img);
	j->both.events = &j->events;
	return events_open(&j->events, j->prog->obj, &j->o.records, j->err);
}

static int open_outputs(struct job *j)
{
	int r = watch_events(j);

	if (!r)
		engine_watch(j->prog->obj, j->o.stats);
	r = r ? r : map_show_check(j->prog->obj, &j->o.net, j->err);
	if (!r)
		r = verdicts_open(&j->v, skep_prog_type(j->prog), j->o.verdicts,
				  j->o.expect, j->err);
	if (!r && j->o.output)
		r = capture_out_open(&j->out, j->o.output, j->err);
	return r ? r : ports_open(&j->ports, &j->o.ports, skep_prog_type(j->prog), j->err);
}

static int load(struct job *j)
{
	int r = choose(j);

	j->messages.all = j->o.verbose;
	r = r ? r : load_engines(j);
	r = r ? r : load_state(j);
	return r ? r : open_outputs(j);
}

/* ---- packets --------------------------------------------------------------------------- */

/* Packets so far, those that the program was not asked about included. */
static u64 seen(const struct job *j)
{
	return j->packets + j->left_out;
}

static int write_packet(struct job *j, const struct capture_iface *in, const struct packet *p,
			const struct test_run *t)
{
	struct packet out = *p;
	int r;

	r = capture_out_iface(j->out, in, &out.iface, j->err);
	if (r)
		return r;
	out.data = t->data_out;
	out.bytes = t->bytes_out;
	out.wire_bytes = t->bytes_out + (p->wire_bytes - p->bytes);
	return capture_out_write(j->out, &out, meta_verdict_kind(j->v.prog_type), t->retval,
				 j->err);
}

static int on_packet(struct job *j, const struct capture_iface *in, const struct packet *p,
		     const struct test_run *t, u64 number)
{
	verdicts_add(&j->v, number, t->retval);
	if (j->o.verbose && j->o.json) {
		struct json js = { .out = &j->text };

		sb_reset(&j->text);
		meta_json(&j->meta, &js, number, p, t);
		puts(sb_text(&j->text));
	} else if (j->o.verbose) {
		meta_text(&j->meta, number, p, t);
	}
	return j->out ? write_packet(j, in, p, t) : 0;
}

static int bad_link(struct job *j, const char *path, u64 number, u32 link)
{
	const char *name = capture_link_name(link);

	return err_set(j->err, ERR_PCAP_LINK, path,
		       "packet %" PRIu64
		       " has link type %s (%u); programs take Ethernet frames",
		       number, name ? name : "unknown", link);
}

/* Adds to a message which packet it was about. */
static int at_packet(struct job *j, int r, const char *path, u64 number, u32 bytes)
{
	err_note(j->err, "on packet %" PRIu64 " of %s (%u bytes)", number, path, bytes);
	return r;
}

/* Nothing but verdicts is wanted of the packets. */
static int run_batches(struct job *j, const char *path, struct capture *c, struct test_run *t)
{
	struct backend *b = j->prog->obj->backend;
	struct test_packet p[64];
	u64 number = 0;		/* in this capture */
	u32 link;
	int got, r = 0;

	while (!r && (got = capture_batch(c, p, ARRAY_LEN(p), &link, j->err)) > 0) {
		u32 n = (u32)got;

		if (unlikely(link != LINK_ETHERNET))
			return bad_link(j, path, number + 1, link);
		r = b->ops->test_run_batch(b, (u32)j->prog->loaded, t, p, &n, j->err);
		if (unlikely(r))
			at_packet(j, r, path, number + n + 1, p[n].bytes);
		for (u32 i = 0; i < n; i++) {
			if (unlikely(p[i].left_out)) {
				j->left_out++;
				continue;
			}
			j->cut += p[i].bytes < p[i].wire_bytes;
			verdicts_count(&j->v, p[i].retval);
			j->packets++;
		}
		number += n;
	}
	return r ? r : got;
}

/* What comes of packet P, which the program was asked about. */
static int packet_done(struct job *j, const struct capture_iface *in, const struct packet *p,
		       const struct test_run *t)
{
	int r;

	j->packets++;
	j->repeat_ns += t->duration_ns;
	j->cut += p->bytes < p->wire_bytes;
	r = on_packet(j, in, p, t, seen(j));
	if (!r && ports_wanted(&j->ports))
		r = ports_deliver(&j->ports, NULL, p, t, j->err);
	if (r)
		return r;
	if (j->on == ON_BOTH)
		both_records(&j->both, p->number, seen(j));
	events_read(&j->events, seen(j));
	return 0;
}

static int one_packet(struct job *j, const char *path, struct capture *c, const struct packet *p,
		      struct test_run *t)
{
	struct backend *b = j->prog->obj->backend;
	int r;

	if (p->link != LINK_ETHERNET)
		return bad_link(j, path, p->number, p->link);
	t->data = p->data;
	t->bytes = p->bytes;
	if (!meta_packet(&j->meta, p)) {
		j->left_out++;
		return 0;
	}
	t->now_ns = j->now = max_u64(j->now, p->time_ns);
	j->messages.packet = j->packets + 1;
	r = j->on == ON_BOTH ? both_packet(&j->both, p->number, t, j->err) :
			       b->ops->test_run(b, (u32)j->prog->loaded, t, j->err);
	if (r < 0)
		return at_packet(j, r, path, p->number, p->bytes);
	if (!r)
		return packet_done(j, capture_iface(c, p->iface), p, t);
	j->left_out += j->on != ON_BOTH;
	return 0;
}

static int run_packets(struct job *j, const char *path, struct capture *c, struct test_run *t)
{
	struct packet p;
	int r = 0, got = 0;

	while (!r && (got = capture_next(c, &p, j->err)) > 0)
		r = one_packet(j, path, c, &p, t);
	return r ? r : got;
}

/* Nothing is to be done for each packet before the next one runs. */
static bool is_plain(const struct job *j)
{
	return !j->o.verbose && !j->out && !j->o.verdicts && !j->o.expect &&
	       j->o.repeat <= 1 && j->on != ON_BOTH && !j->events.maps.n && !j->prints &&
	       !j->capture_clock && !j->meta.capture_time;
}

struct test_run run_test(const struct job *j)
{
	struct test_run t = { .repeat = (u32)j->o.repeat, .budget = j->o.budget, .ifindex = 1,
		.next = j->choice.next.v, .nr_next = (u32)j->choice.next.n,
		.at_mac = image_prog_of(j)->at_mac };

	meta_run(&j->meta, &t);
	return t;
}

static int run_capture(struct job *j, const char *path, struct capture *c)
{
	struct test_run t = run_test(j);

	if (is_plain(j) && !ports_wanted(&j->ports))
		return run_batches(j, path, c, &t);
	return run_packets(j, path, c, &t);
}

/* Timers that are due by now, and with --linger those of so much time more. */
static int last_timers(struct job *j)
{
	struct backend *b = j->prog->obj->backend;
	u64 end = j->now + j->o.linger * 1000000;

	j->messages.packet = 0;
	return b->ops->timers_run ?
	       b->ops->timers_run(b, end, j->o.budget, &j->timers, j->err) : 0;
}

/* N packets that arrived at IN. */
static int run_arrived(struct job *j, struct port *in, const struct packet *p, int n,
		       struct test_run *t)
{
	const struct capture_iface iface = { .link = LINK_ETHERNET, .name = in->iface };
	struct backend *b = j->prog->obj->backend;
	int r = 0;

	for (int i = 0; !r && i < n; i++) {
		meta_packet(&j->meta, &p[i]);
		j->messages.packet = j->packets + 1;
		t->data = p[i].data;
		t->bytes = p[i].bytes;
		r = b->ops->test_run(b, (u32)j->prog->loaded, t, j->err);
		if (r > 0) {
			j->left_out++;
			r = 0;
			continue;
		}
		if (r)
			return at_packet(j, r, in->name, p[i].number, p[i].bytes);
		j->packets++;
		j->repeat_ns += t->duration_ns;
		j->cut += p[i].bytes < p[i].wire_bytes;
		r = on_packet(j, &iface, &p[i], t, seen(j));
		if (!r)
			r = ports_deliver(&j->ports, in, &p[i], t, j->err);
		events_read(&j->events, seen(j));
	}
	return r;
}

/* The same by a program that leaves packets where they lie. */
static int run_arrived_batch(struct job *j, struct port *in, const struct packet *p, int got,
			     struct test_run *t)
{
	struct backend *b = j->prog->obj->backend;
	struct test_packet q[PORT_BATCH];
	u32 n = (u32)got;
	int r;

	for (u32 i = 0; i < n; i++)
		q[i] = (struct test_packet){ .data = (u8 *)(uintptr_t)p[i].data,
			.bytes = p[i].bytes, .wire_bytes = p[i].wire_bytes };
	r = b->ops->test_run_batch(b, (u32)j->prog->loaded, t, q, &n, j->err);
	if (unlikely(r))
		at_packet(j, r, in->name, p[n].number, p[n].bytes);
	for (u32 i = 0; i < n; i++) {
		struct test_run done = { .retval = q[i].retval, .data_out = q[i].data,
			.bytes_out = q[i].bytes, .redirect_ifindex = q[i].redirect_ifindex };
		int bad = ports_deliver(&j->ports, in, &p[i], &done, r ? NULL : j->err);

		j->cut += p[i].bytes < p[i].wire_bytes;
		verdicts_count(&j->v, q[i].retval);
		r = r ? r : bad;
	}
	j->packets += n;
	return r;
}

/* Whether the program leaves packets where they lie: asked with none. */
static bool runs_in_place(struct job *j, struct test_run *t)
{
	struct backend *b = j->prog->obj->backend;
	u32 none = 0;

	return !b->ops->test_run_batch(b, (u32)j->prog->loaded, t, NULL, &none, j->err) &&
	       t->in_place;
}

/* For who asks what runs where (api/registry.h). */
static void tell_ports(const struct job *j)
{
	for (size_t i = 0; i < j->ports.nr_in; i++)
		registry_link(j->prog->obj, j->prog->index, "port", j->ports.all.v[i]->name);
}

static int run_ports(struct job *j)
{
	struct test_run t = { .repeat = (u32)j->o.repeat, .budget = j->o.budget,
		.next = j->choice.next.v, .nr_next = (u32)j->choice.next.n,
		.at_mac = image_prog_of(j)->at_mac };
	bool batch = is_plain(j) && runs_in_place(j, &t);
	struct packet p[PORT_BATCH];
	struct port *in;
	int got = 0, r = 0;

	tell_ports(j);
	while (!r && (got = ports_next(&j->ports, p, &in, j->err)) > 0) {
		t.ifindex = in->ifindex;
		t.rx_queue = in->queue;
		meta_run(&j->meta, &t);
		r = batch ? run_arrived_batch(j, in, p, got, &t) :
			    run_arrived(j, in, p, got, &t);
		if (j->o.verbose)
			fflush(stdout);
	}
	return r ? r : got;
}

static int run_inputs(struct job *j)
{
	u64 start = os_clock_cpu_ns();
	int r = 0;

	for (size_t i = 0; !r && i < j->captures.n; i++) {
		struct capture *c;

		r = capture_open(&c, j->captures.v[i], j->err);
		if (!r)
			r = run_capture(j, j->captures.v[i], c);
		capture_close(c);
	}
	if (!r && j->ports.nr_in)
		r = run_ports(j);
	if (!r)
		r = last_timers(j);
	j->ns = os_clock_cpu_ns() - start;
	return r;
}

/* ---- results -------------------------------------------------------------------------- */

static u64 ns_per_packet(const struct job *j)
{
	u64 ns = j->o.repeat > 1 && j->on != ON_BOTH ? j->repeat_ns : j->ns;

	return j->packets ? (ns + j->packets / 2) / j->packets : 0;
}

static void results_text(struct strbuf *out, struct job *j)
{
	const struct progtype_row *row = progtype_row(j->v.prog_type);
	struct skep_object *obj = j->prog->obj;

	for (size_t i = 0; i < j->choice.chain.n; i++)
		sb_printf(out, "%s%s", i ? ", " : "", obj->img->progs[j->choice.chain.v[i]].name);
	sb_printf(out, " (%s): %" PRIu64 " packets, %" PRIu64 " ns/packet\n", row->name,
		  j->packets, ns_per_packet(j));
	if (j->packets)
		verdicts_text(out, &j->v, j->packets);
	ports_text(out, &j->ports);
	for (u32 i = 0; i < obj->img->nr_maps; i++)
		map_show_text(out, obj, i, &j->o.net);
	events_text(&j->events, out);
}

static void program_json(struct json *js, struct job *j)
{
	const struct image *img = j->prog->obj->img;

	json_str(js, "object", img->file);
	json_str(js, "program", skep_prog_name(j->prog));
	if (j->choice.chain.n > 1) {
		json_arr(js, "chain");
		for (size_t i = 0; i < j->choice.chain.n; i++)
			json_str(js, NULL, img->progs[j->choice.chain.v[i]].name);
		json_arr_end(js);
	}
	json_str(js, "type", progtype_row(j->v.prog_type)->name);
	if (j->on != ON_KERNEL)
		engine_json(js, j->prog);
	if (j->o.stats)
		engine_stats_json(js, j->prog->obj);
}

static void packets_json(struct json *js, struct job *j)
{
	json_u64(js, "packets", j->packets);
	json_u64(js, "packets_cut", j->cut);
	if (j->left_out)
		json_u64(js, "packets_left_out", j->left_out);
	json_u64(js, "timers_waiting", j->timers);
	json_u64(js, "ns_per_packet", ns_per_packet(j));
	verdicts_json(&j->v, js);
	if (j->o.expect) {
		json_u64(js, "verdicts_expected", j->v.expect.n);
		json_u64(js, "verdicts_differ", j->v.differ);
	}
	ports_json(js, &j->ports);
}

static void results_json(struct strbuf *out, struct job *j)
{
	struct json js = { .out = out, .pretty = !j->o.verbose };
	struct skep_object *obj = j->prog->obj;

	json_obj(&js, NULL);
	program_json(&js, j);
	packets_json(&js, j);
	json_arr(&js, "maps");
	for (u32 i = 0; i < obj->img->nr_maps; i++)
		map_show_json(&js, obj, i, &j->o.net);
	json_arr_end(&js);
	events_json(&j->events, &js);
	if (j->on == ON_BOTH)
		both_json(&j->both, &js, &j->o.net);
	if (j->profile && !*j->o.profile)
		profile_json(&js, j->profile, j->o.insns);
	json_obj_end(&js);
	sb_putc(out, '\n');
}

static void warn(struct job *j)
{
	u64 odd = 0;

	if (j->cut)
		fprintf(stderr,
			"note: %" PRIu64 " of %" PRIu64
			" packets were cut by the capture's snapshot length; "
			"the program saw the captured bytes\n",
			j->cut, j->packets);
	meta_left_out(j->v.prog_type, j->left_out);
	ports_warn(&j->ports);
	if (j->timers)
		fprintf(stderr, "note: timers that still wait after the last packet: %u%s\n",
			j->timers, j->capture_clock ? "; --linger MS lets time go on" : "");
	if (j->v.prog_type != BPF_PROG_TYPE_XDP)
		return;
	for (u32 i = XDP_REDIRECT + 1; i < VERDICT_SLOTS; i++)
		odd += j->v.small[i];
	for (size_t i = 0; i < j->v.big.n; i++)
		odd += j->v.big.v[i].n;
	if (odd)
		fprintf(stderr,
			"warning: %" PRIu64
			" packets got a return value above XDP_REDIRECT; "
			"the kernel takes that as XDP_ABORTED\n",
			odd);
}

/* The text does not go where packets or verdicts go. */
static int print_results(struct job *j)
{
	struct strbuf out = { 0 };
	int r;

	if (profile_is_alone(&j->o))
		;
	else if (j->o.json)
		results_json(&out, j);
	else if (j->on == ON_BOTH)
		both_text(&j->both);
	else if (!j->o.quiet && !is_stdout(j->o.output) && !is_stdout(j->o.verdicts))
		results_text(&out, j);
	if (j->profile && !*j->o.profile && !j->o.json)
		profile_put(&out, j->profile, j->o.format, j->o.insns);
	r = print_out(&out);
	sb_free(&out);
	if (j->o.stats && !j->o.json)
		engine_stats(j->prog->obj);
	if (!j->o.quiet)
		warn(j);
	return r;
}

static int write_coverage(struct job *j)
{
	struct coverage c = { .arena = ARENA_INIT };
	int r;

	coverage_add(&c, j->prog->obj);
	r = coverage_write(&c, j->o.coverage, j->err);
	coverage_free(&c);
	return r;
}

static int write_profile(struct job *j)
{
	struct strbuf text = { 0 };
	struct os_out out;
	int r = os_out_open(&out, j->o.profile, j->err);

	if (r)
		return r;
	profile_put(&text, j->profile, j->o.format, j->o.insns);
	fwrite(text.s, 1, text.n, out.f);
	sb_free(&text);
	return os_out_commit(&out, j->err);
}

static int finish(struct job *j)
{
	int r = ports_finish(&j->ports, j->err), differ = EXIT_YES;

	if (!r)
		r = verdicts_commit(&j->v, j->err);
	if (!r && j->o.coverage)
		r = write_coverage(j);
	if (!r && j->o.profile)
		r = run_profile_make(j);
	if (!r && j->o.profile && *j->o.profile)
		r = write_profile(j);
	if (!r && j->out) {
		r = capture_out_commit(j->out, j->err);
		j->out = NULL;
	}
	if (r)
		return report(j->err);
	verdicts_end(&j->v, seen(j));
	if (j->on == ON_BOTH)
		differ = both_end(&j->both);
	r = print_results(j);
	return r ? r : j->v.differ ? EXIT_NO : differ;
}

/* A capture that ends too early: what its intact packets gave is shown; files
 * are not written. Packets that arrived do not come again: when a port goes
 * away, all that they gave is shown and written. */
static int stop_early(struct job *j)
{
	if (j->err->id == ERR_PORT_READ) {
		report(j->err);
		finish(j);
		return EXIT_NO_ANSWER;
	}
	if (j->err->id == ERR_PCAP_CUT && j->packets) {
		err_note(j->err, "the results are those of the %" PRIu64 " packets before%s",
			 j->packets, j->out || j->v.out.f ? "; no file was written" : "");
		if (j->on == ON_BOTH)
			both_end(&j->both);
		print_results(j);
	}
	return report(j->err);
}

/* ---- the command ------------------------------------------------------------------------- */

/* However the runs ended: what stopped them is in it. */
static int record_end(struct job *j)
{
	struct skep_err err;

	return j->recorder && recorder_end(j->recorder, &err) ? report(&err) : EXIT_YES;
}

static int run_job(struct job *j)
{
	int r, recorded;

	if (load(j))
		return engine_refused(j->prog, j->o.json) ? EXIT_NO : report(j->err);
	r = run_inputs(j);
	messages_end(&j->messages);
	recorded = record_end(j);
	if (!r && object_pins_whole(j->prog->obj, j->err))
		return report(j->err);
	r = r ? stop_early(j) : finish(j);
	return recorded ? recorded : r;
}

static void job_free(struct job *j)
{
	capture_out_abort(j->out);
	recorder_free(j->recorder);
	run_profile_free(j->profile);
	both_close(&j->both);
	ports_close(&j->ports);
	verdicts_free(&j->v);
	events_close(&j->events);
	input_close(&j->choice.objs);
	sockets_free(&j->sockets);
	vec_free(&j->captures);
	choice_free(&j->choice);
	vec_free(&j->o.maps);
	vec_free(&j->o.records);
	vec_free(&j->o.net);
	load_opts_free(&j->o.load);
	vec_free(&j->meta.o.owner);
	vec_free(&j->o.ports.in);
	vec_free(&j->o.ports.targets);
	sb_free(&j->text);
}

static int run_on(const struct command *cmd, struct job *j, const struct str_list *operands)
{
	int status = run_check_record(cmd, j);

	if (!status)
		status = sort_operands(j, operands) ? report(j->err) : run_check(cmd, j);
	return status ? status : run_job(j);
}

int cmd_run(const struct command *cmd, int argc, char **argv)
{
	struct skep_err err = { 0 };
	struct job j = { .o.budget = NO_BUDGET, .o.repeat = 1,
		.o.cpus = (u64)os_cpu_count(), .v.report = stdout, .err = &err,
		.choice.err = &err };
	const struct opt opts[] = {
		RUN_WHAT_OPTS(&j), RUN_PORT_OPTS(&j), RUN_STATE_OPTS(&j), RUN_SHOW_OPTS(&j),
		RUN_HOW_OPTS(&j), RUN_PROFILE_OPTS(&j.o), RUN_ENGINE_OPTS(&j),
		RUN_PACKET_OPTS(&j), LOAD_OPTS(&j.o.load), RUN_PRINT_OPTS(&j),
		{0}};
	struct opt_result res;
	int status;

	if (!opts_parse(&res, cmd, opts, argc, argv))
		return job_free(&j), res.status;
	if (j.o.json)	/* one document, and nothing else */
		j.v.report = stderr;
	status = run_on(cmd, &j, &res.operands);
	job_free(&j);
	vec_free(&res.operands);
	return status;
}
