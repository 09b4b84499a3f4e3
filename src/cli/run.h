/* SPDX-License-Identifier: BSD-2-Clause */
/* run.h: the parts of `skep run`. */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "api/object.h"
#include "cli/cli.h"
#include "host/capture.h"
#include "host/sockets.h"
#include "isa/isa.h"
#include "model/run.h"

/* ---- choice.c: which programs run ------------------------------------------------- */

struct choice {
	struct object_list objs;
	struct str_list names;		/* of --prog */
	bool on_user;			/* not (also) on the kernel */
	struct skep_prog *first;
	VEC(u32) chain;			/* it and those that go on after it, by index */
	VEC(u32) next;			/* the latter as the backend numbers them */
	struct skep_err *err;
};

/* Fills in first and chain. Errors: PROG_NONE, PROG_MANY, USAGE. */
int choice_make(struct choice *c);
/* Loads their object; fills in next. */
int choice_load(struct choice *c, const struct skep_load_opts *opts);
void choice_free(struct choice *c);

/* ---- engine.c: what runs the programs, and why ------------------------------------- */

/* What --jit NAME is, NULL: not given; or a usage error. */
int engine_jit(const struct command *cmd, const char *name, bool on_kernel, enum skep_jit *jit);
/* Says on stderr that a program runs with checks although it was to be verified, or is not
 * compiled as it was to be; VERBOSE: what each runs as. JIT: of --jit, or NULL. */
void engine_notes(const struct skep_object *obj, bool verbose, const char *jit);
/* Programs by how they run, to stderr; or "programs". */
void engine_stats(const struct skep_object *obj);
/* With ON operations on maps are counted from now on. Member "operations" of map MAP's object. */
void engine_watch(const struct skep_object *obj, bool on);
void engine_map_json(struct json *j, const struct skep_object *obj, u32 map);
void engine_stats_json(struct json *j, const struct skep_object *obj);
/* "as native code of one pass". */
const char *engine_text(const struct skep_prog *prog);
/* "verdict" and "engine". */
void engine_json(struct json *j, const struct skep_prog *prog);
/* Says why the object of PROG was not loaded, as `skep verify` does; false: not for
 * its programs. With JSON a document of it goes to standard output, too. PROG may be
 * NULL. */
bool engine_refused(const struct skep_prog *prog, bool json);

/* ---- verdicts.c: what programs answered, counted, written and compared ------- */

enum { VERDICT_SLOTS = 16 };	/* small answers are counted without search */

struct verdict_count { u32 value; u64 n; };

struct expectation { u64 number; u32 value; };

struct verdicts {
	u32 prog_type;
	u64 small[VERDICT_SLOTS];
	VEC(struct verdict_count) big;
	u32 *slots;			/* of big by value: index + 1, 0 = free */
	size_t nr_slots;		/* a power of two, or 0 */
	struct os_out out;		/* of --verdicts; out.f NULL = none */
	VEC(struct expectation) expect;	/* of --expect, sorted by number */
	const char *expect_file;	/* NULL = none */
	size_t at;			/* next expectation */
	u64 differ;
	u64 stopped;		/* runs that have no verdict: something stopped them */
	FILE *report;		/* where differences are printed */
};

/* V is zeroed but for REPORT. */
int verdicts_open(struct verdicts *v, u32 prog_type, const char *out, const char *expect,
		  struct skep_err *err);
/* Files and compares verdict VALUE of packet NUMBER; counts it. */
void verdicts_add(struct verdicts *v, u64 number, u32 value);
static inline void verdicts_count(struct verdicts *v, u32 value);
/* After the last packet: what was expected of packets that did not come, and
 * how many verdicts differ. */
void verdicts_end(struct verdicts *v, u64 packets);
int verdicts_commit(struct verdicts *v, struct skep_err *err);
void verdicts_free(struct verdicts *v);	/* removes what was not committed */
/* All counts, most frequent first; *N of them. Freed by the caller. */
/* "verdicts": their counts by name. */
void verdicts_json(const struct verdicts *v, struct json *j);
struct verdict_count *verdicts_sorted(const struct verdicts *v, size_t *n);
/* The table of them; PACKETS are all. */
void verdicts_text(struct strbuf *out, const struct verdicts *v, u64 packets);
/* "XDP_PASS", or the number in BUF. */
const char *verdict_text(u32 prog_type, u32 value, char buf[16]);

void verdicts_count_big(struct verdicts *v, u32 value);

static inline void verdicts_count(struct verdicts *v, u32 value)
{
	if (likely(value < VERDICT_SLOTS))
		v->small[value]++;
	else
		verdicts_count_big(v, value);
}

/* ---- meta.c: what packets come with beside their bytes ---------------------- */

struct meta_opts {
	u64 ifindex, queue, mark, priority, flow_flags;
	const char *tstamp;	/* "capture", or NULL */
	struct str_list owner;	/* NAME=N of --skb */
};

struct meta {
	struct meta_opts o;
	u32 prog_type;
	bool has_ctx;		/* IN is given to the program */
	struct skb_owner owner;
	bool capture_time;	/* skb->tstamp is the time of capture */
	struct __sk_buff in;	/* of the packet at hand */
	struct bpf_flow_keys flow;	/* the same for flow dissectors */
	struct bpf_sk_lookup lookup;	/* and for sk_lookup on a kernel */
	bool has_lookup;
};

/* M is zeroed but for O. Errors: USAGE. */
int meta_open(struct meta *m, u32 prog_type, bool on_user, struct skep_err *err);
/* What is the same for all packets. M stays where it is during the run. */
void meta_run(const struct meta *m, struct test_run *t);
/* How a capture says what verdicts of the type mean. */
enum capture_verdict meta_verdict_kind(u32 prog_type);
/* Says on stderr that the program was not asked about N packets, when there are any. */
void meta_left_out(u32 prog_type, u64 n);
/* Before each packet; false: the program is not asked about it. */
bool meta_packet(struct meta *m, const struct packet *p);
/* The line of -v, and the object of -v --json. */
void meta_text(const struct meta *m, u64 number, const struct packet *p, const struct test_run *t);
void meta_json(const struct meta *m, struct json *js, u64 number, const struct packet *p,
	       const struct test_run *t);

/* ---- flow_keys.c: what flow dissectors left ---------------------------------- */

void flow_keys_text(const struct test_run *t);
void flow_keys_json(struct json *js, const struct test_run *t);

/* ---- sockets.c: the file of --sockets ------------------------------------------ */

/* Errors: FILE_*, JSON, SOCKETS, NO_LIB. */
int sockets_open(struct sockets *l, const char *path, struct skep_err *err);
/* For map files: whether values of maps of TYPE are sockets; the number of the one
 * called NAME or, without NAME, with cookie *N (-EINVAL and WHY); why a map refuses
 * one, by its errno (NULL: as any map may). */
bool sockets_in(u32 map_type);
int sockets_number(const struct sockets *l, const char *name, u64 *n, char why[SOCK_WHY_BYTES]);
const char *sockets_refused(int code);

/* ---- network.c: what programs see of a network --------------------------------- */

/* Says on stderr what programs of PROG_TYPE see without --routes, and on the kernel. */
void network_notes(const struct image *img, u32 prog_type, bool routes, bool on_kernel);

struct events;

/* ---- both.c: two engines side by side -------------------------------------- */

struct both {
	struct skep_prog *user, *kernel;	/* user NULL: not in use */
	struct skep_object *twin;		/* what the kernel has loaded */
	u64 packets, left_out, maps;
	u64 differ[2];		/* differences of packets, of maps */
	struct verdicts kernel_v;	/* the kernel's, counted */
	struct events *events;	/* shows what the embedded engine's records are */
	bool as_json;		/* differences are kept, not printed */
	struct strbuf text;	/* of JSON: the differences */
	struct json json;
};

/* Loads what PROG's object is into the kernel, too. */
int both_open(struct both *b, struct skep_prog *prog, struct skep_err *err);
/* Runs T on both; the results are the embedded engine's. 1: the kernel takes
 * no packet of that size, nothing was run. */
int both_packet(struct both *b, u64 number, struct test_run *t, struct skep_err *err);
/* Compares the records that it left, and shows the embedded engine's as those of
 * packet SHOWN. */
void both_records(struct both *b, u64 number, u64 shown);
/* Compares the maps; the exit status. */
int both_end(struct both *b);
/* What came out of it: a line, and members of the JSON document. */
void both_text(const struct both *b);
void both_json(struct both *b, struct json *j, const struct str_list *net);
void both_close(struct both *b);

/* ---- messages.c: bpf_printk --------------------------------------------------- */

struct messages {
	bool all;
	u64 packet;		/* that runs; 0 = none */
	u64 lines;
};

void messages_print(void *arg, const char *text, size_t n);	/* ARG: struct messages */
void messages_end(const struct messages *m);
/* May programs of IMG print? */
bool messages_come_from(const struct image *img);

/* ---- events.c: records of ring buffers and perf event arrays ------------------ */

struct event_map {
	u32 index;		/* of the image */
	u32 type;		/* of its records, in BTF; 0 = none */
	u64 records, bytes;
};

struct event {
	u64 packet;
	u32 map, type, cpu, bytes;
	size_t off;		/* in data */
};

struct events {
	bool json, verbose;	/* verbose: printed at once, else kept for JSON */
	struct skep_object *obj;
	VEC(struct event_map) maps;	/* empty: nothing to read */
	VEC(struct event) kept;
	struct strbuf data;	/* of kept records */
	struct strbuf line;	/* of the record at hand */
	const struct str_list *net;	/* names of addresses, or NULL */
	u64 packet;
	struct event_map *at;	/* the map that is read */
	bool leave_pinned;	/* records of pinned maps are for who opens those */
};

/* E is zeroed but for JSON, VERBOSE, NET and LEAVE_PINNED; OBJ is loaded. RECORDS are of the form
 * MAP=TYPE. Errors: USAGE, MAP_NAME. */
int events_open(struct events *e, struct skep_object *obj, const struct str_list *records,
		struct skep_err *err);
void events_close(struct events *e);
/* Reads what came with PACKET. */
void events_read(struct events *e, u64 packet);
/* Takes record M of map INDEX, which came with PACKET and was read by somebody else. */
void events_take(struct events *e, u64 packet, u32 index, const struct map_event *m);
void events_text(const struct events *e, struct strbuf *out);
void events_json(const struct events *e, struct json *j);

#endif
