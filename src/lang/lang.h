/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lang.h: the compiler's state, from a script's text to its object: what place.c, sema.c
 * and lower.c share. In: text and the options of `skep trace`. Out: a struct lang_unit.
 * Nothing here attaches or prints.
 */
#ifndef LANG_LANG_H
#define LANG_LANG_H

#include "base/err.h"
#include "base/hash.h"
#include "lang/ast.h"
#include "lang/ir.h"
#include "lang/unit.h"
#include "sym/usdt.h"
#include <regex.h>

struct lang_opts {
	const char *const *args;	/* $1, ... */
	u32 nr_args;
	const char *const *dirs;	/* for import */
	u32 nr_dirs;
	const u32 *pids;	/* -p: only these processes */
	u32 nr_pids;
	const char *filter;	/* --probe-filter: a regular expression, or NULL */
	const char *functions;	/* --traceable-functions: a file, or NULL */
	bool has_child;		/* -c: cpid is known when it runs */
	bool unsafe;
	bool portable;		/* --emit-elf: fields by CO-RE */
	bool user;		/* --on user: the embedded engine */
	bool report_errors;	/* -k: what helpers answer */
	bool keep_tests, keep_benches;	/* --test, --bench */
	u32 isa_level;		/* 0: what the kernel has */
	/* Compiles PATH with the arguments EXTRA to an object; NULL: nobody does */
	int (*compile_c)(struct os_file *f, const char *path, char *const *extra,
			 struct skep_err *err);
};

/* An argument of a probe by name. */
struct place_arg {
	const char *name;
	const struct ty *ty;
	u32 off;		/* in the context; of REGS probes: which argument */
	u32 bytes;		/* there */
	bool data_loc;		/* u32 at OFF: where in the context it is, and how long */
};

/* A BPF program that the kernel has, and its types. */
struct lang_bpf { u32 prog; const struct btf *btf; };

/* A tracepoint of system call NR that is at the raw one of all (place_syscall.c): STATUS is
 * where in the task its kind of system call stands. */
struct lang_raw { bool is, enter; s64 nr; u32 status; };

/* One attach point, wildcards resolved. */
struct place {
	enum lang_probe kind;
	const char *text;	/* "tracepoint:syscalls:sys_enter_open" */
	const char *section;	/* of the program */
	const char *at;		/* behind the prefix */
	const char *func;	/* what the builtin "func" says; NULL: nothing */
	const char *provider;	/* what "probetype" says */
	u64 period;
	u32 signal;
	const char *pin;
	const struct place_arg *args;
	u32 nr_args;
	u64 ref;		/* USDT: where its semaphore is in the file; 0 none */
	struct lang_bpf bpf;	/* FENTRY, FEXIT: whose function it is; 0 the kernel's */
	struct lang_raw raw;	/* TRACEPOINT */
	const struct ty *ret;	/* FEXIT, typed kretprobes and uretprobes; or NULL */
	struct usdt_arg *usdt;	/* USDT: where arguments are */
	u32 nr_usdt;
	u64 layout;		/* equal: the same args */
	struct node *node;	/* N_ATTACH */
};

/* A scratch variable. */
struct var {
	const char *name;
	const struct ty *ty;	/* NULL: not known yet */
	struct node *first;
	u32 depth;		/* of functions: 0 the program, 1 a callback in it, ... */
	u32 sets;		/* how often it is assigned */
	bool declared;		/* let with a type */
	bool literal;		/* so far it has got numbers that stand there: it has no sign yet */
	bool captured;		/* a callback uses it: it is in memory */
	bool used;
	struct var *next;	/* of the program */
	/* lower.c */
	u32 ir;			/* a variable of IR; or, captured, its place: */
	s32 at;
	struct ir_insn *mem;	/* of aggregates: where it is */
	void *func;		/* which function the above is of */
};

/* A map. */
struct map_var {
	const char *name;
	const struct ty *key, *value;	/* NULL: not known yet */
	struct node *first;
	struct node *decl;	/* MAPDECL or NULL */
	u32 decl_type, decl_max;
	bool scalar, keyed;	/* what was seen */
	bool wrong;		/* it got what has no type */
	bool many;
	u32 index;		/* in unit.maps and in this order */
	u32 ir;			/* number of the object's map */
	u32 zero;		/* hist and its like: of a map of zeros; 0 none (1 + number) */
	bool percpu;
	u32 set_at;
	const struct prog *last_user;	/* scope.c's */
};

/* A program: a probe with one layout of arguments. */
struct prog {
	struct node *probe;	/* N_PROBE: its own copy */
	VEC(struct place *) places;
	const struct place *place;	/* the first one */
	struct var *vars;
	const char *name;	/* of the function */
	struct ir_func *func;
	u32 scratch;		/* its key in the scratch map */
};

/* A name that was asked for; TY NULL: there is no such constant. */
struct lang_constant { const char *name; s64 value; const struct ty *ty; };

/* Types of a traced binary. */
struct lang_dwarf { const char *path; struct btf *btf; };

/* A struct of the kernel in the object's BTF. */
struct core_type { u32 of, id; };

struct lang {
	struct script *script;
	struct arena *arena;
	const struct lang_opts *opts;
	struct ty_table types;
	struct lang_unit *unit;
	const struct btf *kernel;	/* the running kernel's types, or NULL */
	struct btf_file kernel_file;
	bool kernel_asked;
	struct cdecl *c;		/* of the C part, or NULL */
	VEC(struct lang_c *) c_files;	/* cfile.h */
	VEC(struct lang_constant) constants;	/* that were asked for */
	VEC(struct map_var *) maps;
	struct strtab map_names;	/* places in it */
	VEC(struct prog *) progs;
	VEC(struct prog *) unused;	/* functions that are only checked */
	struct lang_config config;
	u32 cpus;			/* possible ones */
	/* this process's name space of processes, when it is not the first one; else 0 */
	struct { u64 dev, ino; } own_ns;
	/* numbers of ir's maps */
	u32 zero_map;			/* 1 + number; 0: not there */
	u32 counters_map, ring_map, packet_map;	/* when the unit has their names */
	u32 scratch_map;		/* UINT32_MAX: not there */
	VEC(struct core_type) core_types;
	struct ir_unit ir;
	VEC(struct lang_dwarf *) dwarf;	/* of traced binaries */
	regex_t filter;			/* of opts->filter, when HAS_FILTER */
	bool has_filter;
	struct ir_func *unwinder;	/* lower_unwind.c's, or NULL */
	u32 nr_places;
	u32 said_unstable;		/* bits: features whose warning was said */
	struct { const char *from, *copy; } last_line;	/* of a source: lower.c's */
};

/* ---- compile.c --------------------------------------------------------------- */

/*
 * The whole way. UNIT and SCRIPT are zeroed; what they hold lives until lang_free.
 * LANG_WRONG: the script has errors (diag_print); else 0 or -errno with ERR.
 */
enum { LANG_WRONG = 1 };
int lang_compile(struct lang *l, struct script *script, struct lang_unit *unit,
		 const struct source *src, const struct lang_opts *o, struct skep_err *err);
void lang_free(struct lang *l);
/* Has the target open-coded iterators over numbers? */
bool lang_has_iterators(struct lang *l);

/* Prepares L for lang_list alone. */
void lang_open(struct lang *l, struct script *script, struct lang_unit *unit,
	       const struct lang_opts *o);

/* ---- choose.c ---------------------------------------------------------------- */

/* either { } or { } become the probes that can be attached; errors are the script's. */
void lang_choose(struct lang *l);

/* ---- list.c ------------------------------------------------------------------ */

/* Appends the names of probes that match PATTERN (NULL: all), with their arguments: how
 * many. */
u32 lang_list(struct lang *l, const char *pattern, bool args, struct strbuf *out);

/* ---- config.c ---------------------------------------------------------------- */

/* Defaults, the environment, the script's blocks. */
void lang_config_read(struct lang *l);
/* N becomes what setting NAME has; false: there is none. Or a record of all. */
bool lang_config_value(struct lang *l, struct node *n, const char *name);
void lang_config_record(struct lang *l, struct node *n);
/* The name of a setting that is spelled like NAME, or NULL. */
const char *lang_config_nearest(const char *name);

/* ---- place.c ----------------------------------------------------------------- */

/* What kind of probe NAME is, in any of its spellings; -1: none. */
int probe_kind(const char *name, size_t n);
const char *probe_name(enum lang_probe kind);
unsigned probe_flags(enum lang_probe kind);
/* All places of one N_ATTACH, appended to OUT; errors are the script's. */
struct places { struct place **v; size_t n, cap; };	/* a VEC */
void place_resolve(struct lang *l, struct node *attach, struct places *out);
/* Their arguments, when a program asks for them: place_args.c. */
void place_args(struct lang *l, struct place *p);

/* ---- sema.c ------------------------------------------------------------------ */

/* The type of every expression, variable and map; errors are the script's. */
void sema_run(struct lang *l);
/* The running kernel's types, which are read when first somebody asks; NULL: none. */
const struct btf *lang_kernel(struct lang *l);
/* A named type of C: "struct foo", "foo_t", "int": from the C part, then the kernel. */
bool lang_find_type(struct lang *l, const char *name, const struct btf **btf, u32 *id);
/* A constant of an enumeration or a macro of the C part. TY: of which. */
bool lang_find_constant(struct lang *l, const char *name, s64 *value, const struct ty **ty);
/* As values are stored: integers have 8 bytes. */
const struct ty *ty_stored(struct lang *l, const struct ty *t);

/* ---- lower.c ----------------------------------------------------------------- */

/* Makes l->ir of what sema.c left, and fills l->unit. */
int lower_run(struct lang *l, struct skep_err *err);

#endif
