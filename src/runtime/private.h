/* SPDX-License-Identifier: BSD-2-Clause */
/* private.h: what the files of runtime share. */
#ifndef RUNTIME_PRIVATE_H
#define RUNTIME_PRIVATE_H

#include "base/vec.h"
#include "maps/map.h"
#include "model/sock.h"
#include "runtime/runtime.h"
#include "runtime/single.h"
#include "vm/vm.h"

struct runtime_prog {
	const struct image *img;
	const struct image_prog *prog;
	const struct rewrite *rw;	/* NULL: it runs as it is */
	const struct host *host;
	struct vm_code *code;
	struct vm_map *maps;	/* what the code is bound to */
	u64 budget;		/* when nobody says otherwise */
	u64 ticket;		/* no other program of the process has or had it */
	struct jit_code *jit;	/* what it was compiled to, or NULL */
	struct gdb_file *gdb;	/* what gdb knows of it, or NULL */
	struct prog_tier tier;
	bool in_place;		/* may run on a packet without room around it */
	bool copies, plain;	/* as of struct runtime_single */
};

struct runtime_map {
	struct map *m;
	struct vm_map vm;	/* the same for the engine */
	int event_fd;		/* of a ring buffer that somebody waits for; else -1 */
	struct sleeper *sleeper;	/* who waits for other processes, for EVENT_FD */
	u32 held;		/* by its creator and by maps of maps; 0: it goes when
				   no program runs */
};

/* What left a program on its way, in memory of its own each. */
struct copies {
	VEC(struct test_copy) v;
	u64 bytes;
};

/* A virtual cpu, and what the thread that has it runs programs with. */
struct seat {
	struct run run;		/* first */
	struct runtime *rt;
	u32 version;		/* what of RT its run knows */
	u32 depth;		/* of programs that run, one from another */
	struct vm_machine *machine;
	u8 *buffer;		/* of the host in use */
	u64 buffer_bytes;
	struct copies copies;	/* of the run at hand */
	bool forwards;		/* second programs run, and their packet is on the heap */
};

enum { SEAT_LENT = ~0u };	/* owner of a cpu that another seat's program runs on */

struct runtime {
	struct backend b;	/* first */
	struct runtime_opts opts;
	const struct image *img;	/* whose maps are created, or NULL */
	u32 lock;		/* of what changes after loading; runs do without */
	u64 serial;		/* no other runtime at this address had it */
	u32 version;		/* grows when seats are to look again */
	bool files;		/* some map is or was in a file: other processes may see it */
	struct seat **seats;	/* by cpu; NULL: nobody had it yet */
	u32 *owners;		/* thread ids; 0 = nobody's */
	u64 refused;		/* runs of threads that got no cpu */
	u64 now;		/* what a virtual clock shows */
	VEC(struct runtime_map *) maps;	/* NULL: gone. It moves only, never changes */
	VEC(void *) old;	/* where maps was: others may still look there */
	u32 dead;		/* of them are held by nobody */
	u32 shared;		/* of them have cpus that processes share */
	bool resort;		/* the next two are out of date */
	/* nr_inner maps by the address of their struct map, and by that of their
	   values: what lookups in maps of maps may have given to programs */
	struct runtime_map **by_map, **by_addr;
	size_t nr_inner;
	VEC(struct runtime_prog *) progs;
	struct run run;		/* how those of seats begin */
	struct run_sections sections;
	u64 buffer_bytes;	/* that hosts of loaded programs want */
	struct sock_table socks;	/* that are described */
	struct ring_watch watch;
	u64 *table;		/* opts.aot->nr_refs entries as they lie below each seat:
				   the last one first */
};

static inline struct runtime *rt_of(struct backend *b)
{
	return (struct runtime *)b;
}

static inline struct seat *seat_of_run(struct run *run) { return (struct seat *)run; }
static inline struct runtime *rt_of_run(struct run *run) { return seat_of_run(run)->rt; }

/* NULL: there is no such map, or it is gone for users. */
static inline struct map *rt_map(struct backend *b, u32 map)
{
	const struct runtime *rt = rt_of(b);
	const struct runtime_map *r;

	if (map >= __atomic_load_n(&rt->maps.n, __ATOMIC_ACQUIRE))
		return NULL;
	r = __atomic_load_n(&__atomic_load_n(&rt->maps.v, __ATOMIC_ACQUIRE)[map], __ATOMIC_ACQUIRE);
	return r && __atomic_load_n(&r->held, __ATOMIC_RELAXED) ? r->m : NULL;
}

static inline bool run_under_way(const struct seat *s) { return s->run.turn.on; }

/* Programs may have pointers to maps and objects between the two. */
static inline void run_enter(struct seat *s)
{
	if (!s->depth++)
		run_begins(&s->run);
}

static inline void run_leave(struct seat *s)
{
	if (!--s->depth)
		run_ends(&s->run);
}

/* What stopped the last run. */
int runtime_fault(const struct seat *s, struct skep_err *err);

/* ---- single.c ----------------------------------------------------------------------- */

const u64 *rt_prog_ticket(struct backend *b, u32 prog);
/* All programs of RT have another ticket. */
void runtime_new_tickets(struct runtime *rt);
/* What single.h needs to know of P, which is compiled, from CODE. */
void runtime_single_judge(struct runtime_prog *p, const struct rewrite *code);
int rt_test_run_single(struct backend *b, u32 prog, struct skep_run *run, struct skep_err *err);

/* ---- seat.c ------------------------------------------------------------------------- */

void runtime_seats_open(struct runtime *rt);
void runtime_seats_free(struct runtime *rt);
/* Where a thread sat last. Part of its own block, so that no call finds it. */
struct last_seat {
	const struct runtime *rt;
	u64 serial;
	struct seat *seat;
};
extern _Thread_local __attribute__((tls_model("initial-exec"))) struct last_seat runtime_last;

int runtime_seat_slow(struct runtime *rt, struct seat **out, struct skep_err *err);

/* What the calling thread runs programs with. Errors: THREADS (-EAGAIN), NO_MEM. */
static inline int runtime_seat(struct runtime *rt, struct seat **out, struct skep_err *err)
{
	const struct last_seat *l = &runtime_last;

	if (unlikely(l->rt != rt || l->serial != rt->serial ||
		     l->seat->version != __atomic_load_n(&rt->version, __ATOMIC_ACQUIRE)))
		return runtime_seat_slow(rt, out, err);
	*out = l->seat;
	return 0;
}

/* The same, for a run of any kind that is no part of another one. Error also: NESTED. */
int runtime_seat_run(struct runtime *rt, struct seat **out, struct skep_err *err);
/* Lends a cpu that no thread has; false when one has it. */
bool runtime_cpu_borrow(struct runtime *rt, u32 cpu);
void runtime_cpu_return(struct runtime *rt, u32 cpu);
/* Does no program run now? One that starts later sees all that was stored before. */
bool runtime_idle(const struct runtime *rt);
/* struct run_sections, of runtime ARG. */
bool runtime_sections_mark(void *arg, u64 *seen);
bool runtime_sections_left(void *arg, const u64 *seen);
/* Seats are to look again at what they have from RT. */
static inline void runtime_changed(struct runtime *rt)
{
	__atomic_fetch_add(&rt->version, 1, __ATOMIC_RELEASE);
	runtime_new_tickets(rt);
}
void runtime_lock(struct runtime *rt);
void runtime_unlock(struct runtime *rt);

/* ---- maps.c ------------------------------------------------------------------------- */

/* Creates a map as ATTR says, which this completes. Errors as of map_create. */
int runtime_map_make(struct runtime *rt, struct map_attr *attr, struct map **out,
		     struct skep_err *err);
/* The number of M from now on; RT owns it. */
u32 runtime_map_add(struct runtime *rt, struct map *m);
/* Map ID of runtime ARG is held by so many more. */
void runtime_held(void *arg, u32 id, int by);
/* Frees the maps that nobody holds, unless a program runs. */
void runtime_reap(struct runtime *rt);
void runtime_maps_free(struct runtime *rt);
int rt_map_like(struct backend *b, u32 outer, u32 *number, struct skep_err *err);
int rt_map_drop(struct backend *b, u32 map);

/* ---- wait.c: who waits for records ------------------------------------------------- */

void runtime_committed(struct run *run, const void *record, u64 flags);
/* The ring buffer M is in a file from now on: programs wake readers in other processes. */
void runtime_ring_shared(struct runtime *rt, const struct map *m);
void runtime_sleeper_end(struct runtime_map *r);
int rt_map_fd(struct backend *b, u32 map);
s64 rt_map_read(struct backend *b, u32 map, map_event_fn fn, void *arg);

/* ---- check.c ------------------------------------------------------------------------ */

/* Refuses calls that the kernel would refuse. Errors: HELPER, LICENSE. */
int runtime_check_calls(const struct runtime_prog *p, struct skep_err *err);

/* ---- native.c ----------------------------------------------------------------------- */

/* Compiles P, which CODE, its BIND and its P->code are of, when RT is to. Without code it
 * runs interpreted, and P->tier says why. */
void runtime_compile(const struct runtime *rt, struct runtime_prog *p,
		     const struct rewrite *code, const char *where);

/* ---- pin.c: maps in files ------------------------------------------------------------ */

void rt_image(struct backend *b, const struct image *img);
int rt_map_pin(struct backend *b, u32 map, const char *path, struct skep_err *err);
int rt_map_get(struct backend *b, const struct image_map *def, const char *path,
	       struct skep_err *err);
/* Is cpu I this process's in all shared maps? Those of other processes it is not. */
bool runtime_cpu_shared(struct runtime *rt, u32 cpu);
void runtime_cpu_unshare(struct runtime *rt, u32 cpu);

/* What jit_bind.arg is. */
struct binding {
	struct vm_code *code;
	const struct rewrite *rw;
	struct aot_table *table;	/* of code that is written somewhere; else NULL */
	bool noted;		/* all calls note where they are in run.at */
	u32 prog;		/* index in the image */
};

struct jit_bind runtime_bind(struct binding *b);
/* CODE runs as C from now on, which is for this process. */
void runtime_use(struct vm_code *code, struct jit_code *c, u64 bound);

/* ---- aot.c ---- */

/* P is compiled already, and runs so from now on; false: there is no code for it. */
bool runtime_aot_use(const struct runtime *rt, struct runtime_prog *p, const struct rewrite *rw);
/* Fills what P, which is loaded, tells of the table. Error: AOT_MAP. */
int runtime_aot_fill(struct runtime *rt, const struct runtime_prog *p, const struct rewrite *rw,
		     struct skep_err *err);

/* ---- perfmap.c ---- */

/* Tells perf(1) where the functions of P, which is compiled, are, when it is asked for. */
void runtime_perf_map(const struct runtime_prog *p, const struct rewrite *rw);

/* ---- gdbjit.c ---- */

/* Tells gdb(1) of P, which is compiled, when it is asked for; and that it goes. */
void runtime_gdb_tell(struct runtime_prog *p, const struct rewrite *rw);
void runtime_gdb_forget(struct runtime_prog *p);

/* ---- elements.c: as struct backend has them ----------------------------------------- */

int rt_map_lookup(struct backend *b, u32 map, const void *key, void *value, u64 flags);
int rt_map_update(struct backend *b, u32 map, const void *key, const void *value,
		u64 flags);
int rt_map_delete(struct backend *b, u32 map, const void *key);
int rt_map_lookup_delete(struct backend *b, u32 map, const void *key, void *value,
		u64 flags);
int rt_map_nth(struct backend *b, u32 map, u64 n, void *value);
int rt_map_write(struct backend *b, u32 map, const void *data, u64 bytes);
int rt_map_next_key(struct backend *b, u32 map, const void *key, void *next);
int rt_map_touched(struct backend *b, u32 map, u64 *from, u64 *to);
int rt_map_freeze(struct backend *b, u32 map);
void *rt_map_mem(struct backend *b, u32 map, size_t *bytes);
int rt_map_read_batch(struct backend *b, u32 map, struct map_batch *it, void *keys,
		void *values, u32 *n);
int rt_map_take_batch(struct backend *b, u32 map, struct map_batch *it, void *keys,
		void *values, u32 *n);
int rt_map_write_batch(struct backend *b, u32 map, const void *keys, const void *values,
		u32 *n, u64 flags);
int rt_map_delete_batch(struct backend *b, u32 map, const void *keys, u32 *n);

/* Runs program P in the context as it is; *RET is what it answers. Errors as of
 * test_run. */
int runtime_exec(struct seat *s, const struct runtime_prog *p, u64 budget, u32 *ret,
		 struct skep_err *err);

/* ---- forward.c: where packets go from a program -------------------------------- */

void forward_reset(struct seat *s);
/* Adds a copy of the packet of S->run; -ENOMEM when there are too many. */
int forward_copy(struct seat *s, u32 verdict, u32 ifindex);
/* Whether what bpf_redirect_map chose takes more than a look at its ifindex. */
bool forward_wanted(const struct seat *s, u32 verdict);
/* After a program answered XDP_REDIRECT: broadcasts, programs of devmaps and
 * cpumaps. The packet is afterwards as before. */
int forward_redirect(struct seat *s, u64 budget, struct skep_err *err);

#endif
