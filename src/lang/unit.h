/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unit.h: a compiled script: the object that runs, and what whoever attaches it and reads
 * its records must know. lower.c makes it; run.c attaches and reads; out_text.c and
 * out_json.c print.
 */
#ifndef LANG_UNIT_H
#define LANG_UNIT_H

#include "base/strbuf.h"
#include "base/vec.h"
#include "lang/type.h"

enum lang_probe {
#define PROBE(name, ...) LP_##name,
#include "lang/probe.def"
#undef PROBE
	LP_COUNT
};

enum probe_flag { PF_OURS = 1, PF_ONCE = 2, PF_REGS = 4, PF_RET = 8, PF_USER = 16, PF_BTF = 32,
		  PF_EVENT = 64 };

/* One attachment of one program. */
struct lang_place {
	enum lang_probe kind;
	const char *text;	/* as the builtin "probe" says it:
				   "tracepoint:syscalls:sys_enter_open" */
	const char *prog;	/* of the object */
	const char *at;		/* what its section says after the prefix: link_where.at */
	u64 ref;		/* link_where.ref */
	u64 period;		/* INTERVAL: ns between its runs */
	u32 signal;		/* SELF: its number */
	const char *pin;	/* ITER: a path, or NULL */
	u32 of_prog;		/* FENTRY, FEXIT: of that BPF program; 0 of the kernel */
};

/* A map of the script, whose value has the bytes of its type. What is behind them in the
 * object's map is the tracer's: of scalar ones u64 set, other than 0 when there is a value. */
struct lang_map {
	const char *name;	/* "@x"; "@" */
	const char *bpf_name;
	const struct ty *key;	/* NULL: scalar; of several keys a tuple */
	bool many;		/* @x[a, b]: not @x[(a, b)] */
	const struct ty *value;
	u32 max_entries;
	bool percpu;		/* a value per cpu: out adds them up as the type says */
	u32 set_at;		/* of scalar ones: where u64 set is */
	u32 lost;		/* index in counters: updates that found no room */
};

/* A record of the ring buffer: u32 index in unit.records; u32 0; then the arguments. */
enum lang_action {
#define ACTION(name) LA_##name,
#include "lang/action.def"
#undef ACTION
	LA_COUNT
};

/* What comes before a packet of skboutput(), in the map of packets. */
struct lang_packet { u64 index, time, bytes; };	/* of unit.records; CLOCK_BOOTTIME */
enum { LANG_PACKET_MAX = 65000 };	/* a record of perf has 16 bits for its length */

struct lang_arg { const struct ty *ty; u32 off; };	/* from the record's start */

struct lang_record {
	enum lang_action action;
	const char *format;	/* of printf and its like, strftime; NULL else */
	struct lang_arg *args;
	u32 nr_args;
	u32 bytes;
	s32 map;		/* index in unit.maps; -1 none */
	u32 skip;		/* SKBOUTPUT: bytes at a packet's beginning */
	const char *where;	/* "stdin:1:9-12", for what is said about this place */
	const char *source;	/* of a macro's code: lines that name its calls; or NULL */
};

/* Values of TY_STACK: what bpf_get_stackid gave, and whose it is. */
struct lang_stack {
	s64 id;			/* negative: -errno */
	u32 pid;		/* of a user's stack */
	u32 level;		/* in which of its tables it is */
};
/* Values of TY_USYM. */
struct lang_usym { u64 addr; u32 pid, probe; };
/* Values of TY_INET: family AF_INET or AF_INET6. */
struct lang_inet { u64 family; u8 addr[16]; };

enum { LANG_STACK_LEVELS = 4 };
struct lang_stacks {
	const char *bpf_name[LANG_STACK_LEVELS];
	u32 frames;
	bool user;
	bool dwarf;	/* of dw_ustack: one hash map, by lang_stack.id, of a count and as many
			   addresses as FRAMES */
};

/* What a process has mapped, for dw_ustack: by FROM, each part with the rows of its file
 * (sym/cfi.h) in the map of rows. BIAS: what an address has more than it was linked with. */
struct lang_space_part { u64 from, to, bias; u32 row, rows; };
enum { LANG_SPACE_PARTS = 255, LANG_SPACES = 64 };
struct lang_space { u32 n, zero; struct lang_space_part part[LANG_SPACE_PARTS + 1]; };

/*
 * Values of TY_HIST with k bits: u64 counts of: below 0; 0 to 2^k - 1, each; then 2^k equal
 * parts of each range [2^e, 2^(e+1)) for e from k to 63. Of TY_LHIST: below min; steps from
 * min, the last one ends at max; max and above.
 */
/* Values of TY_AVG, TY_STATS, TY_MIN, TY_MAX in their map. */
struct lang_avg { s64 total; u64 count; };
struct lang_minmax { s64 value; u64 set; };
/* TY_TSERIES: of each bucket. */
struct lang_tseries { s64 value; u64 meta, epoch; };

#define CONFIG_STR const char *
struct lang_config {
#define CONFIG(name, type, value) type name;
#include "lang/config.def"
#undef CONFIG
};

struct lang_unit {
	struct arena *arena;
	struct strbuf elf;	/* the object */
	VEC(struct lang_place) places;
	VEC(struct lang_map) maps;
	VEC(struct lang_record) records;
	VEC(struct lang_stacks) stacks;	/* TY_STACK: par[2] is an index */
	VEC(const char *) texts;	/* TY_STRFTIME, TY_CGROUP_PATH: par[0] is an index */
	struct lang_config config;
	u32 packet_pages;	/* of each cpu's buffer of packets */
	/* bpf names of maps that are there when a script needs them, else NULL */
	const char *ring;	/* records */
	const char *packets, *rows, *spaces;	/* of skboutput; of dw_ustack */
	const char *counters;	/* one element of u64: enum lang_counter, then those of maps */
};

/* CPID and START (ns of CLOCK_BOOTTIME) are set before any program runs. */
enum lang_counter { LC_LOST, LC_STACK_LOST, LC_NO_ROWS, LC_CPID, LC_START, LC_FIRST_MAP };

#endif
