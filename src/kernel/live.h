/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * live.h: what the running kernel has already, whoever loaded it: maps, programs
 * and types by id, by name or by the pin that names them. Nothing here creates or
 * attaches. Errors: KERNEL (the kernel says no), PIN (nothing, or something else,
 * at that path), LIVE (there is none).
 */
#ifndef KERNEL_LIVE_H
#define KERNEL_LIVE_H

#include "base/arena.h"
#include "model/backend.h"
#include "btf/btf.h"

enum live_kind { LIVE_PROG, LIVE_MAP, LIVE_BTF, LIVE_LINK };

/* The next id behind *ID, 0 before the first: 0, -ENOENT at the end, -EPERM. */
int live_next(enum live_kind kind, u32 *id);
/* A descriptor, or an error. */
int live_open(enum live_kind kind, u32 id, struct skep_err *err);
int live_open_pin(enum live_kind kind, const char *path, struct skep_err *err);
/* What FD is, an enum live_kind; -1: nothing of bpf(2). */
int live_kind_of(int fd);
/* The id of what FD is; 0 when that cannot be told. */
u32 live_id(enum live_kind kind, int fd);

struct live_map {
	int fd;
	char *file;		/* NULL; a map of the embedded engine: the file that it is
				   pinned as, owned, and then FD is -1 */
	u64 entries;		/* of such a map: how many there are now */
	u32 cpus;		/* and for how many cpus */
	u32 id, type, key_size, value_size, max_entries, flags;
	u64 extra;
	u32 btf_id, key_type, value_type;
	u32 ops_type;		/* of a struct_ops map: its type in the kernel's BTF */
	u32 ifindex;		/* of a device that it is offloaded to */
	char name[16];
	u64 memlock;		/* bytes */
	s32 owner_type;		/* of the programs in a prog array; -1: none yet */
	bool owner_jited, frozen;
};
/* Takes FD; closed by live_map_close, after an error at once. */
int live_map_read(struct live_map *m, int fd, struct skep_err *err);
/* The same without memlock, owner and frozen, which cost more than all else. */
int live_map_look(struct live_map *m, int fd, struct skep_err *err);
void live_map_close(struct live_map *m);
/* Element INDEX of an array FD, as long as its values are: 0 or -errno. */
int live_map_element(int fd, u32 index, void *value);

struct live_prog {
	int fd;
	u32 id, type;
	u8 tag[8];
	char name[16];
	u64 runs, run_ns;	/* 0 while the kernel does not count */
	u64 misses;		/* runs that did not happen, as the program ran already */
	u64 loaded_at;		/* ns since the machine started */
	u32 uid;		/* whose process loaded it */
	u32 xlated, jited;	/* bytes; 0: not shown, or not compiled */
	u32 nr_maps;
	u32 btf_id;
	u32 ifindex;		/* of a device that it is offloaded to */
	u32 attach_obj, attach_btf;	/* what it is made for: a function of these types */
	bool gpl;
};
/* Does not take FD; it is closed after an error. */
int live_prog_read(struct live_prog *p, int fd, struct skep_err *err);
/* The ids of the maps that program FD uses: at most CAP, how many there are. */
u32 live_prog_maps(int fd, u32 *ids, u32 cap);
/* What its owner is charged for, in bytes; 0 when that cannot be told. */
u64 live_memlock(int fd);

/* A program's instructions, as the kernel's verifier left them, and where they are from. */
struct live_code {
	struct bpf_insn *insns;
	struct bpf_func_info *funcs;	/* by instruction */
	struct bpf_line_info *lines;
	u64 *ksyms;		/* addresses of its functions, compiled; 0 not shown */
	u32 nr_insns, nr_funcs, nr_lines, nr_ksyms;
};
/* Freed by live_code_free, also after an error. */
int live_code_read(struct live_code *c, int fd, struct skep_err *err);
void live_code_free(struct live_code *c);

/* The same as its compiler made them. */
struct live_jit {
	u8 *bytes;		/* of all functions, behind each other */
	u64 *ksyms;		/* where each begins; 0 not shown */
	u32 *lens;		/* how long each is */
	struct bpf_func_info *funcs;
	struct bpf_line_info *lines;
	u64 *line_addrs;	/* where the code of each line begins */
	u32 nr_bytes, nr_ksyms, nr_funcs, nr_types, nr_lines;
};
/* Freed by live_jit_free, also after an error. */
int live_jit_read(struct live_jit *c, int fd, struct skep_err *err);
void live_jit_free(struct live_jit *c);

/* ---- live_run.c ------------------------------------------------------------------ */

/* A test run. What is NULL is not given. */
struct live_test {
	const void *data, *ctx;
	void *data_out, *ctx_out;
	u32 bytes, ctx_bytes, data_room, ctx_room, repeat;
	/* out */
	u32 retval, duration, data_bytes, ctx_out_bytes;	/* ns, mean of all runs */
};
/* Error: KERNEL. Adds what is known of the reason to it, for programs of TYPE. */
int live_prog_test(int fd, struct live_test *t, struct skep_err *err);
void live_prog_test_why(u32 type, const struct live_test *t, struct skep_err *err);
/* What program FD has written to its STREAM, 1 or 2 as a process's (6.17), at most ROOM bytes
 * of it, which it has no longer then: how many, or -errno. */
int live_prog_stream(int fd, u32 stream, void *to, u32 room);
/* Attaches PROG as TYPE (BPF_SK_MSG_VERDICT ...), called NAME, to MAP, 0 for this name space,
 * or detaches it. It stays when the process ends. Error: ATTACH. */
int live_prog_attach(int prog, int map, u32 type, bool on, const char *name,
		     struct skep_err *err);
/* Mounts a file system of type bpf at /sys/fs/bpf when PATH is there and none is. Error: PIN. */
int live_pins_mount(const char *path, struct skep_err *err);

enum live_link_type {		/* of Linux's, BPF_LINK_TYPE_* */
	LINK_RAW_TP = 1, LINK_TRACING, LINK_CGROUP, LINK_ITER, LINK_NETNS, LINK_XDP,
	LINK_PERF_EVENT, LINK_KPROBE_MULTI, LINK_STRUCT_OPS, LINK_NETFILTER, LINK_TCX,
	LINK_UPROBE_MULTI, LINK_NETKIT, LINK_SOCKMAP,
};
/* A link. What its type does not have is 0. */
struct live_link {
	int fd;
	u32 id, type, prog;
	char *name;		/* of a tracepoint, an iterator, a probed file; owned, or NULL */
	u32 attach;		/* BPF_CGROUP_* ... */
	u32 ifindex, netns;	/* 0 when that is gone */
	u64 cgroup;
	u32 obj, btf;		/* a function: of program OBJ or, 0, of the kernel */
	u32 map;		/* of an iterator, a struct of functions, a sockmap */
	u32 order, tid, pid;	/* of an iterator over cgroups, over tasks */
	u32 pf, hook, flags;	/* of netfilter; flags also of probes at many places */
	s32 priority;
	u32 count;		/* at how many places */
	u64 missed;
};
/* Takes FD; closed by live_link_close, after an error at once. */
int live_link_read(struct live_link *l, int fd, struct skep_err *err);
void live_link_close(struct live_link *l);
int live_link_detach(const struct live_link *l, struct skep_err *err);

/* Gives what FD is, called WHAT in messages, the name PATH in a file system of type
 * bpf. Errors: PIN, KERNEL. */
int live_pin_as(int fd, const char *what, const char *path, struct skep_err *err);

/* The kernel counts all programs' runs, for whoever asks, while the descriptor that this
 * gives is open (5.8). Error: KERNEL. */
int live_stats_open(struct skep_err *err);

/*
 * The types called ID, their bytes and themselves in ARENA. Those of a module of
 * the kernel continue BASE, which is NULL when there is none.
 */
int live_btf(struct btf **out, struct arena *arena, u32 id, const struct btf *base,
	     struct skep_err *err);

/* Which types FD is. */
struct live_types {
	u32 id, bytes;
	bool kernel;		/* of the kernel or a module of it, which NAME is */
	char name[64];
};
int live_types_read(struct live_types *t, int fd, struct skep_err *err);

/* The element of map FD, a struct of functions of the kernel; taking it back; what the
 * kernel says of a map, as its own struct bpf_map_info. 0 or -errno. */
int live_ops_value(int fd, void *value);
int live_ops_unregister(int fd);
int live_map_raw(int fd, void *info, u32 bytes);

/*
 * Makes M, whose descriptor goes over, the next map of B, the kernel's backend.
 * Elements of maps of programs and maps are the kernel's: ids when they are read,
 * descriptors when they are stored. DEF lives as long as B and is filled here.
 */
u32 live_map_adopt(struct backend *b, struct live_map *m, struct image_map *def);
/* What it is like; all but how many elements it has. False: of a type that is
 * unknown here. */
bool live_map_shape(struct backend *b, u32 map, struct map_info *info);

/* A pin in the file system of type bpf. */
struct live_pin {
	enum live_kind kind;
	u32 id;
	char *path;
};
struct live_pins { struct live_pin *v; size_t n, cap; };	/* a VEC */
/* All pins that are mounted here, of maps and programs. */
void live_pins_read(struct live_pins *pins);
void live_pins_free(struct live_pins *pins);

#endif
