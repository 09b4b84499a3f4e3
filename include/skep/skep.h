/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * skep/skep.h: load BPF objects and run their programs in this process,
 * without root and without kernel support.
 *
 *	struct skep_object *obj;
 *	struct skep_err err;
 *
 *	if (skep_object_open(&obj, "fw.o", &err) || skep_object_load(obj, NULL, &err))
 *		return fputs(skep_err_text(&err), stderr), 1;
 *	struct skep_prog *prog = skep_object_prog(obj, "firewall");
 *	struct skep_run run = { .size = sizeof(run), .data = packet, .data_bytes = n };
 *	if (skep_prog_run(prog, &run, &err)) ...
 *	skep_object_close(obj);
 *
 * skep_object_load verifies programs as the Linux kernel would (skep-verify(1)) and
 * refuses what is not safe; what is accepted runs as native code (enum skep_jit), or
 * in an interpreter that checks nothing any more. A program that uses what the verifier
 * cannot judge yet, or that is not to be judged (skep_load_opts.unverified), runs in
 * another interpreter, which looks at every access: it ends with an error and cannot
 * touch the memory of the process.
 *
 * Calls return 0 or a negative errno and fill the struct skep_err, which may
 * be NULL. The library never prints, never exits (without memory for its own
 * small needs it aborts, with a text), has no global state.
 *
 * Threads. An object is opened, set, loaded and closed by one thread at a time. Once
 * it is loaded into the embedded engine several threads may run its programs at the
 * same time, and use its maps. Every thread gets a virtual cpu (struct
 * skep_load_opts.cpus) with its first run and keeps it as long as it lives; it is what
 * bpf_get_smp_processor_id() says and which value of a per-cpu map its programs see.
 * One thread more than there are cpus: -EAGAIN. What a run gives back (data_out,
 * ctx_out) is good until the next run of the same thread. print may be called by
 * several threads at once; a ring buffer is read by one thread at a time. Objects in
 * the kernel (SKEP_KERNEL): one thread at a time.
 */
#ifndef SKEP_SKEP_H
#define SKEP_SKEP_H

#include <skep/err.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct bpf_insn;		/* linux/bpf.h */
struct skep_object;
struct skep_prog;
struct skep_map;

/* "MAJOR.MINOR.PATCH" */
const char *skep_version(void);

/* ---- objects ------------------------------------------------------------- */

/*
 * Opens an ELF object as clang -target bpf or gcc-bpf makes it. After an error
 * of this and the next two calls *OBJ is NULL.
 */
int skep_object_open(struct skep_object **obj, const char *path, struct skep_err *err);
/* The same from memory, which is not needed afterwards; NAME is for messages. */
int skep_object_open_mem(struct skep_object **obj, const void *data, size_t bytes,
			 const char *name, struct skep_err *err);

/*
 * What an object is opened for. Objects with CO-RE relocations take the types
 * of a kernel, those with __kconfig variables its configuration; both are read
 * only when an object asks. What the kernel lacks does not fail here: a program
 * that reaches such a place ends with an error, and skep_object_load fails for
 * a __kconfig variable that is not __weak.
 */
struct skep_open_opts {
	size_t size;		/* sizeof(struct skep_open_opts) */
	const char *btf;	/* file with a kernel's types, raw BTF or ELF; a name
				   that begins with a version ("5.10.btf") says
				   LINUX_KERNEL_VERSION too. NULL: the running
				   kernel's, or else the object's own types */
	const char *kconfig;	/* its configuration, plain or gzip; NULL: the
				   running kernel's */
	const char *const *module_btf;	/* files with types of its modules, for what
					   the kernel itself lacks; with none, the
					   running kernel's when btf is NULL */
	size_t nr_module_btf;
};

/* skep_object_open with options, which may be NULL. */
int skep_object_open_opts(struct skep_object **obj, const char *path,
			  const struct skep_open_opts *opts, struct skep_err *err);

/*
 * Sets a global variable, or a part of one ("cfg.ports[2]"), before the object
 * is loaded: integers (decimal, 0x, negative, 'c'), true and false, names of
 * enumerations, text for arrays of char, IPv4, IPv6 and MAC addresses in
 * network order where the size fits. Types come from the object's BTF.
 */
int skep_object_set(struct skep_object *obj, const char *name, const char *value,
		    struct skep_err *err);

/* A map for programs that come without an object; sizes in bytes. */
struct skep_map_def {
	const char *name;	/* may be NULL */
	uint32_t type;		/* BPF_MAP_TYPE_* */
	uint32_t key_size, value_size, max_entries, map_flags;
	const struct skep_map_def *inner;	/* of maps of maps: what the maps in
						   it are like; else NULL */
};

/*
 * Makes an object of one program from N raw instructions (see skep/insn.h).
 * They name map i of MAPS by SKEP_LD_MAP(reg, i). PROG_TYPE is BPF_PROG_TYPE_*,
 * NAME that of the program; LICENSE may be NULL.
 */
int skep_object_from_insns(struct skep_object **obj, uint32_t prog_type,
			   const char *name, const struct bpf_insn *insns, size_t n,
			   const struct skep_map_def *maps, size_t nr_maps,
			   const char *license, struct skep_err *err);

enum skep_engine {
	SKEP_USER,		/* embedded in this process */
	SKEP_KERNEL,		/* bpf(2), for those who may */
};

enum skep_clock {
	SKEP_CLOCK_REAL,	/* the system's */
	SKEP_CLOCK_RUN,		/* struct skep_run.now_ns: runs can be repeated */
};

/* Which compiler makes native code of verified programs; nothing else is ever compiled. */
enum skep_jit {
	SKEP_JIT_AUTO,		/* the optimising one, for programs of up to 20,000
				   instructions: it takes about a microsecond for each;
				   for longer ones the other */
	SKEP_JIT_OFF,		/* none: they are interpreted */
	SKEP_JIT_FAST,		/* in one pass: 20 ns for each instruction */
	SKEP_JIT_OPT,		/* the optimising one, however long it takes */
};

struct skep_load_opts {
	size_t size;		/* sizeof(struct skep_load_opts) */
	enum skep_engine engine;
	uint32_t cpus;		/* values of a per-cpu map; 0 = cpus of the machine */
	uint64_t rand_seed;	/* of bpf_get_prandom_u32(); 0 = from the clock */
	/* one message of bpf_printk(): N bytes, the last a newline; NULL = dropped */
	void (*print)(void *arg, const char *text, size_t n);
	void *print_arg;
	/* What bpf_ktime_get_ns and bpf_timer go by. */
	enum skep_clock clock;
	/* 1: bpf_probe_read and its like may read all memory of this process, as
	   a tracer needs; it is no place for programs that nobody trusts. 0: what
	   the program could read anyway; all else is -EFAULT. */
	int probe;
	/* A file that describes links, neighbours, routes and rules, as the ip
	   command writes them in JSON (see skep-run(1), --routes): what
	   bpf_fib_lookup, bpf_redirect_neigh and bpf_check_mtu look at. NULL: no
	   packet is forwarded (BPF_FIB_LKUP_RET_NOT_FWDED). */
	const char *routes;
	/* A folder. Maps that the object wants pinned (LIBBPF_PIN_BY_NAME) are those
	   that are pinned there, which must be like the object's, or new ones, which
	   are pinned there and stay. SKEP_KERNEL: in a file system of type bpf.
	   SKEP_USER: in any, each map a file that other processes open at the same
	   time; "" is $XDG_RUNTIME_DIR/skep. NULL: nothing is pinned. */
	const char *pins;
	/* SKEP_USER, 1: nothing is verified, all programs run in the checked
	   interpreter, which stops those that do what they must not. */
	int unverified;
	/* SKEP_USER. What cannot be compiled (this processor has no compiler, or the
	   system gives no executable memory) is interpreted; skep_prog_engine() says
	   why. */
	enum skep_jit jit;
	/* SKEP_USER. Who called the program, for bpf_get_task_stack and its like: at most MAX
	   return addresses, the innermost first, of USER's or the kernel's side; how many.
	   NULL: nobody knows, -EFAULT. Called by the thread that runs the program. */
	uint32_t (*stack)(void *arg, bool user, uint64_t *ips, uint32_t max);
	void *stack_arg;
	/* SKEP_USER, 1: how often each instruction runs is counted (skep_prog_counts), by
	   one thread at a time. Programs are verified and run in the checked interpreter. */
	int counts;
};

/*
 * Verifies the programs, creates the maps and readies the programs to run. OPTS may
 * be NULL. -EACCES when a program is not safe: ERR has the first reason, as
 * skep-verify(1) prints it, and the next calls have all of them. The values of
 * read-only global variables count as they are now; nobody can change them later.
 */
int skep_object_load(struct skep_object *obj, const struct skep_load_opts *opts,
		     struct skep_err *err);

/* Why a program is not safe. */
struct skep_reason {
	size_t size;		/* sizeof(struct skep_reason) */
	int id;			/* N of SKEP-EN */
	const char *program;
	uint32_t insn;		/* its slot there */
	const char *file;	/* source; NULL: there is no line information */
	uint32_t line, column;	/* column 0: unknown */
	const char *message;	/* one line */
	const char *help;	/* a way out; or NULL */
	const char *kernel;	/* the line of the kernel's log */
	const char *text;	/* all of it, with notes, in lines */
};

/* Why skep_object_load failed, all reasons in lines; "" when it was not that. */
const char *skep_object_reasons(const struct skep_object *obj);
/* The Nth of them, from 0: 0, -ENOENT behind the last, -EINVAL for a wrong size. Texts
 * live as long as OBJ, and no longer than until it is loaded again. */
int skep_object_reason(const struct skep_object *obj, uint32_t n, struct skep_reason *reason);

void skep_object_close(struct skep_object *obj);	/* NULL is fine */

/* By name, or NULL. The next after PROG (NULL = the first), or NULL. */
struct skep_prog *skep_object_prog(struct skep_object *obj, const char *name);
struct skep_prog *skep_object_next_prog(struct skep_object *obj, struct skep_prog *prog);
struct skep_map *skep_object_map(struct skep_object *obj, const char *name);
struct skep_map *skep_object_next_map(struct skep_object *obj, struct skep_map *map);

/* ---- programs -------------------------------------------------------------- */

const char *skep_prog_name(const struct skep_prog *prog);
const char *skep_prog_section(const struct skep_prog *prog);
uint32_t skep_prog_type(const struct skep_prog *prog);	/* BPF_PROG_TYPE_* */

enum skep_verdict {
	SKEP_UNVERIFIED,	/* nobody has asked: not loaded, SKEP_KERNEL, or unverified */
	SKEP_VERIFIED,		/* runs without checks, unless skep_prog_note() says
				   what the engine lacks for that */
	SKEP_NOT_JUDGED,	/* skep_prog_note() says why; runs with checks */
};

enum skep_verdict skep_prog_verdict(const struct skep_prog *prog);
/* Why a program that was to be verified runs with checks; "" when it does not. */
const char *skep_prog_note(const struct skep_prog *prog);

enum skep_tier {
	SKEP_TIER_KERNEL,
	SKEP_TIER_CHECKED,	/* interpreted, with checks */
	SKEP_TIER_FAST,		/* interpreted without: it was verified */
	SKEP_TIER_JIT_FAST, SKEP_TIER_JIT_OPT,	/* native code, see enum skep_jit */
	SKEP_TIER_AOT,		/* native code that was compiled before (skep/aot.h) */
};

/* How a program runs that is loaded. */
struct skep_prog_engine {
	size_t size;		/* sizeof(struct skep_prog_engine) */
	enum skep_tier tier;
	uint32_t insns;		/* slots that run: of the program as it was rewritten */
	uint32_t code_bytes;	/* of native code */
	uint64_t compile_ns;	/* that making it took */
	const char *note;	/* why it is not what was asked for; or "" */
};

/* 0; -EINVAL for a wrong size; -ENOENT: PROG is not loaded. */
int skep_prog_engine(const struct skep_prog *prog, struct skep_prog_engine *engine);

enum { SKEP_NO_NEIGHBOUR = 8 };

/*
 * How often the *N instructions of a program that was loaded with .counts ran so far (AT),
 * and how often something else than the next one followed (AWAY): of conditional jumps how
 * often they were taken. 64-bit immediate loads have two slots, of which the first counts.
 * 0, or -ENOENT: nobody counts. They live as long as the object is loaded.
 */
int skep_prog_counts(const struct skep_prog *prog, const uint64_t **at, const uint64_t **away,
		     uint32_t *n);

struct skep_run {
	size_t size;		/* sizeof(struct skep_run) */
	/* in */
	const void *data;	/* packet: an Ethernet frame */
	uint32_t data_bytes;
	uint32_t repeat;	/* 0 = once; each run finds what the one before left */
	uint32_t ifindex, rx_queue;
	/* Instructions per run. Verified programs end; of what they take only jumps
	   back count, with what they jump over, and 16 for a function that is called.
	   0 = 1,000,000, of verified programs 2^32 */
	uint64_t budget;
	uint64_t now_ns;	/* with SKEP_CLOCK_RUN; the clock never goes back */
	/* struct xdp_md, __sk_buff, bpf_flow_keys or bpf_sk_lookup, or NULL: the
	   fields that BPF_PROG_TEST_RUN takes, all others 0 */
	const void *ctx_in;
	uint32_t ctx_in_bytes;
	/* out */
	const void *data_out;	/* packet afterwards; valid until the next run. It is
				   DATA itself when the program never writes to packets */
	uint32_t data_out_bytes;
	uint32_t retval;
	uint32_t redirect_ifindex;	/* of bpf_redirect; 0 = none */
	uint32_t redirect_flags;	/* BPF_F_INGRESS; 2 neigh, 4 peer; with a neigh,
				   SKEP_NO_NEIGHBOUR: no route or neighbour for it */
	uint32_t tc_classid;
	uint32_t ctx_out_bytes;
	const void *ctx_out;	/* struct __sk_buff afterwards, of flow dissectors
				   struct bpf_flow_keys, of sk_lookup struct
				   bpf_sk_lookup with the socket's cookie; else
				   NULL. Valid until the next run */
	uint64_t insns;		/* executed by the last run; 0: verified, not counted */
	uint64_t duration_ns;	/* mean of the runs, when repeat > 1 */
	uint64_t socket_cookie;	/* of the socket that the program chose or assigned;
				   0 = none */
};

/* -EFAULT and the program's place in ERR when it did what it must not; -EBUSY when a
 * program is running on this thread that has called the caller (skep_load_opts.print).
 * A packet alone (no ctx_in, no repeat) to native code that neither moves nor forwards
 * packets takes some 3 ns more than the program; where that may write to packets, 4, and as
 * much as copying the packet. What it is about is the same as in the call before but for
 * data and data_bytes; else the next one takes tens of ns. */
int skep_prog_run(struct skep_prog *prog, struct skep_run *run, struct skep_err *err);

/* One of many packets. */
struct skep_packet {
	void *data;		/* the program may write to it */
	uint32_t bytes;
	uint32_t wire_bytes;	/* of a packet that was captured in part; not looked at */
	/* out */
	uint32_t retval;
	uint32_t redirect_ifindex;	/* of bpf_redirect; 0 = none */
	uint32_t left_out;	/* 1: programs of this type are not asked about it */
};

/*
 * Runs the program once on each of *N packets, with the inputs of RUN but for data,
 * repeat and ctx_in; its results stay as they are. Programs that neither move nor
 * forward packets run on them where they lie, at a few ns each: what they write is
 * there afterwards; what others write is lost. After an error *N is the number, from
 * 0, of the packet that it is about.
 */
int skep_prog_run_packets(struct skep_prog *prog, const struct skep_run *run,
			  struct skep_packet *packets, size_t *n, struct skep_err *err);

/*
 * Timers (struct bpf_timer) run when a program is run, before it. This runs
 * those that are due without a program; a clock that is SKEP_CLOCK_RUN goes on
 * to NOW_NS. *WAITING (may be NULL) is how many wait then. Errors as of
 * skep_prog_run.
 */
int skep_object_run_timers(struct skep_object *obj, uint64_t now_ns, uint32_t *waiting,
			   struct skep_err *err);

/*
 * The sockets that programs find: BYTES of TEXT as `ss -tuaneH` prints them. Once,
 * when the object is loaded, before maps of sockets are filled: values there are
 * numbers of sockets, 0 being the first of TEXT, and cookies when they are read.
 */
int skep_object_sockets(struct skep_object *obj, const char *text, size_t bytes,
			struct skep_err *err);

/* ---- maps: bpf(2)'s element commands ---------------------------------------- */

const char *skep_map_name(const struct skep_map *map);
uint32_t skep_map_type(const struct skep_map *map);	/* BPF_MAP_TYPE_* */
uint32_t skep_map_key_bytes(const struct skep_map *map);
/* Of a value in the calls below: for per-cpu maps the values of all cpus, each
 * rounded up to 8 bytes. */
size_t skep_map_value_bytes(const struct skep_map *map);
/* Queues, stacks and bloom filters have no keys: KEY may be NULL; update pushes,
 * lookup peeks. The value of a map of maps is a map's number, 0 being the
 * object's first. The key of a storage is the number of a described socket, the id of a
 * thread of this process, or an open descriptor of a cgroup's directory or of a file; the
 * value of a CGROUP_ARRAY is such a descriptor.
 * 0 or the kernel's -errno: -ENOENT, -EEXIST, -E2BIG, -EINVAL ... The value of
 * a prog array is the number of a program, 0 being the object's first; -EBADF
 * when there is none or it is not loaded. */
int skep_map_lookup(struct skep_map *map, const void *key, void *value);
int skep_map_update(struct skep_map *map, const void *key, const void *value, uint64_t flags);
int skep_map_delete(struct skep_map *map, const void *key);
/* Both in one step: of hash types, queues and stacks; -524 of others. */
int skep_map_lookup_delete(struct skep_map *map, const void *key, void *value);
/* KEY NULL = the first; -ENOENT after the last. */
int skep_map_next_key(struct skep_map *map, const void *key, void *next);
/* FLAGS: BPF_F_LOCK copies under the value's spin lock. */
int skep_map_lookup_flags(struct skep_map *map, const void *key, void *value, uint64_t flags);

/*
 * Many elements at once, of arrays, hash types and tries; -524 of others, but types with
 * keys can be read. Reading gives up
 * to *N elements from the place FROM on (NULL: the start); *N is how many there were, and
 * TO, of the key's bytes and 8 at least, is the place to go on from. -ENOENT with or after
 * the last of them. What lookup_delete gives is no longer in the map: of hash types only.
 * Updates and deletions end with the first that fails, and *N is how many did not. FLAGS is
 * 0 or BPF_F_LOCK.
 */
int skep_map_lookup_batch(struct skep_map *map, const void *from, void *to, void *keys,
			  void *values, uint32_t *n);
int skep_map_lookup_delete_batch(struct skep_map *map, const void *from, void *to, void *keys,
				 void *values, uint32_t *n);
int skep_map_update_batch(struct skep_map *map, const void *keys, const void *values,
			  uint32_t *n, uint64_t flags);
int skep_map_delete_batch(struct skep_map *map, const void *keys, uint32_t *n);

/* From now on only programs change the map: 0, -EPERM (it is so already, or may not be
 * written to), -EBUSY after skep_map_memory(). */
int skep_map_freeze(struct skep_map *map);
/*
 * All elements of an array with BPF_F_MMAPABLE, each at a multiple of 8 bytes, for as long
 * as the object is open; what is stored there programs see at once. So are the variables of
 * a section (.data, .bss) as it is laid out. NULL of other maps, and of those that are
 * frozen.
 */
void *skep_map_memory(struct skep_map *map, size_t *bytes);

/*
 * Gives a map of a loaded object a name that outlives the process: PATH, with
 * SKEP_USER without a slash in $XDG_RUNTIME_DIR/skep. There it is a file that other
 * processes open, and all of them use the same elements. No other thread may use the
 * map meanwhile. Removing the file unpins it; who has it open goes on. Fails with
 * -EEXIST when something is pinned there, -ENOSPC when there is no room for all of
 * it, -ENOTSUP when its values hold what is good in this process only, which ERR
 * names. A child of fork must open it anew.
 */
int skep_map_pin(struct skep_map *map, const char *path, struct skep_err *err);
/*
 * The map that was pinned as PATH by the embedded engine of some process, as an
 * object without programs, which is loaded; skep_object_next_map(obj, NULL) is the
 * map. Closing the object leaves it pinned.
 */
int skep_object_open_pinned(struct skep_object **obj, const char *path, struct skep_err *err);

/*
 * A map of the kind that OUTER, a map of maps, holds: empty, and in OUTER when
 * skep_map_update() puts its number there. It lives until it is dropped here and
 * in no map of maps any more, and while a program that looked it up runs.
 */
int skep_map_new_inner(struct skep_map **inner, struct skep_map *outer, struct skep_err *err);
uint32_t skep_map_number(const struct skep_map *map);
/* Gives up such a map before the object is closed; no others. */
void skep_map_drop(struct skep_map *inner);

/* A record that a program left in a ring buffer or perf event array. */
struct skep_event {
	uint32_t cpu;		/* of the program; 0 for ring buffers */
	uint32_t bytes;
	const void *data;	/* aligned to 8 bytes; gone after the call */
};

/*
 * Gives FN every complete record, oldest first (cpu by cpu for perf event
 * arrays), and frees it; FN ends that, after the record, by anything but 0.
 * How many there were, or a negative errno: -524 for other map types.
 */
int64_t skep_map_read(struct skep_map *map,
		      int (*fn)(void *arg, const struct skep_event *e), void *arg);
/*
 * A descriptor for poll(2), select(2) and epoll(7) that is readable when a ring
 * buffer may have records that nobody has seen: then skep_map_read(), which also
 * makes it unreadable. A program wakes the reader when that has read everything
 * before its record, or with BPF_RB_FORCE_WAKEUP, never with BPF_RB_NO_WAKEUP, as in
 * the kernel. It is the object's: do not read or close it. For a map in a file, which
 * programs of other processes write to, a thread waits, with all signals blocked, until
 * the object is closed; it looks by itself every 100 ms, so a record whose producer was
 * killed before it could wake anybody is seen then. Negative errno: -524 for other map
 * types.
 */
int skep_map_fd(struct skep_map *map);
/* Puts a sample into a user ring buffer, for a program that drains it: 0, -E2BIG,
 * -ENOSPC; -524 for other map types. */
int skep_map_write(struct skep_map *map, const void *data, size_t bytes);
/* Records that found no room so far. */
uint64_t skep_map_lost(const struct skep_map *map);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
