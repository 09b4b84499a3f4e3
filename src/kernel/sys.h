/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys.h: what the files of kernel share: the system call, the backend's state,
 * and the reasons why the kernel says no.
 */
#ifndef KERNEL_SYS_H
#define KERNEL_SYS_H

#include "base/vec.h"
#include "kernel/kernel.h"
#include "kernel/perfbuf.h"
#include "kernel/ring.h"
#include "model/tables.h"

/* Of a struct_ops map: what the kernel has of it. */
struct kernel_ops {
	const struct btf *btf;	/* the kernel's */
	u32 type, wrapper;	/* the struct, and what the map holds */
	u32 at, bytes;		/* where the struct is in that, and how long that is */
	u8 *value;		/* [bytes] as it would be registered; NULL: of no such map */
};

struct perf_event_attr;

struct kernel_map {
	int fd;
	const struct image_map *def;
	u32 max_entries;	/* as created */
	struct kernel_ring ring;	/* of a ring buffer, once it was used */
	struct perfbuf *perf;	/* of a perf event array, once it was read; else NULL */
	void *mem;		/* its elements, once somebody asked; else NULL */
	bool no_batch;		/* the kernel said that it cannot */
	bool as_is;		/* not made here: ids and descriptors are the kernel's */
	struct kernel_ops ops;
};

struct kernel_prog {
	int fd;
	u32 id;			/* the kernel's */
	u8 tag[8];
	const struct image *img;
	const struct image_prog *prog;
};

struct kernel {
	struct backend b;	/* first */
	VEC(struct kernel_map) maps;
	VEC(struct kernel_prog) progs;
	const struct image *img;	/* whose types btf_fd has */
	int btf_fd;		/* -1: the kernel would not take them, or none */
	u32 cpus;		/* possible ones: values of a per-cpu map */
	u8 *out;		/* packets after test runs, OUT_BYTES */
	u8 ctx[192] __attribute__((aligned(8)));	/* struct __sk_buff after a test run */
	struct target *target;	/* the running kernel's types and configuration */
	struct target own;	/* when nobody gave one */
	u32 version;		/* KERNEL_VERSION(); 0 unknown */
	struct kernel_load how;
	u32 usdt_specs;		/* records of probes that are in use, see link_usdt.c */
	char release[66];	/* "6.18.5", for messages */
};

enum {
	OUT_BYTES = 1 << 17,	/* more than the kernel's XDP packets can have */
	NOT_SUPPORTED = -524,	/* the kernel's ENOTSUPP */
};

static inline struct kernel *kernel_of(struct backend *b)
{
	return (struct kernel *)b;
}

/* ---- sys.c -------------------------------------------------------------- */

/* bpf(2): >= 0 or -errno; goes on after a signal. */
int sys_bpf(int cmd, union bpf_attr *attr);
/* perf_event_open(2): a descriptor or -errno; goes on after a signal. */
int sys_perf_open(const struct perf_event_attr *a, s32 pid, s32 cpu);
/* CODE, -errno, as text; the kernel has one more of these than libc. */
const char *sys_error(int code);
/* NAME as an object of the kernel may be called: 15 characters. */
void sys_name(char out[BPF_OBJ_NAME_LEN], const char *name);

/* ---- why.c: notes to an error that the kernel answered CODE ---------------- */

/* A type that BPF_PROG_TEST_RUN runs, and since when it takes contexts ("" never). */
struct test_run_row {
	u32 type;
	const char *since, *ctx_since;
};
const struct test_run_row *kernel_test_run_row(u32 type);	/* NULL: it does not */

void kernel_why(struct skep_err *err, int code);
void kernel_why_map(struct kernel *k, const struct image_map *def, int code,
		    struct skep_err *err);
/* Without and with what the verifier said (LINE, or NULL). */
void kernel_why_prog(struct kernel *k, const struct image_prog *p, int code,
		     struct skep_err *err);
void kernel_why_rejected(struct kernel *k, const struct image_prog *p, const char *line,
			 struct skep_err *err);
void kernel_why_run(struct kernel *k, const struct image_prog *p, const struct test_run *t,
		    int code, struct skep_err *err);

/* probe.c: whether a verifier's log says that a helper is not to be had */
bool kernel_no_helper(const char *log);
u32 kernel_version_of(const char *s);	/* "6.9" as KERNEL_VERSION(6, 9, 0) */

/* ---- externs.c, btf.c ------------------------------------------------------- */

/* The running kernel's types, read once. Errors: FILE_*, BTF, KERNEL (none). */
int kernel_btf(struct kernel *k, const struct btf **out, struct skep_err *err);
/*
 * P's instructions with the kernel's ids of functions and variables, for free();
 * *OUT NULL when it names none. Errors: EXTERN, FILE_*, BTF.
 */
int kernel_bind_externs(struct kernel *k, struct bpf_insn **out, const struct image *img,
			const struct image_prog *p, struct skep_err *err);

/*
 * attach.c: the id, of the kernel's types or of a program's, of what P is made for, 0 when
 * it is made for none; ATTACH becomes the member of a struct of functions, PROG the
 * descriptor of that program, to be closed; 0 none. Errors: EXTERN, for what this kernel
 * or program does not have; LIVE, BTF.
 */
int kernel_attach_id(struct kernel *k, const struct image *img, const struct image_prog *p,
		     u32 *id, u32 *attach, u32 *prog, struct skep_err *err);

/* What P is made for as the kernel's types call it, and the kind of that type: 0 for
 * programs that are made for none. */
u32 kernel_attach_name(const struct image_prog *p, char *name, size_t size);

/*
 * ops.c: DEF, a struct of functions of the image, as the kernel has it; programs in it
 * come with kernel_ops_loaded. What program P is made for: the kernel's struct and the
 * number of its member. Error: EXTERN.
 */
int kernel_ops_open(struct kernel *k, struct kernel_ops *ops, const struct image_map *def,
		    struct skep_err *err);
void kernel_ops_close(struct kernel_ops *ops);
int kernel_ops_prog(struct kernel *k, const struct image *img, const struct image_prog *p,
		    u32 *type, u32 *member, struct skep_err *err);
/* PROG of the image is FD: where structs name it. */
void kernel_ops_loaded(struct kernel *k, u32 prog, int fd);

/* The own types of IMG as the kernel takes them, *BYTES for free(). */
void *kernel_btf_raw(const struct image *img, u32 *bytes);

/* ---- map.c, prog.c, run.c: the backend's operations ----------------------- */

struct kernel_map *kernel_map(struct backend *b, u32 map);	/* NULL: none */
/* The same for element calls: 0, -EBADF, or NOT_SUPPORTED for structs of functions,
 * which a store registers. */
int kernel_elements(struct backend *b, u32 map, struct kernel_map **out);
/* All of INFO but how many elements there are. */
void kernel_map_shape(struct backend *b, const struct kernel_map *m, struct map_info *info);
int kernel_map_create(struct backend *b, const struct image_map *def, struct skep_err *err);
int kernel_map_like(struct backend *b, u32 outer, u32 *number, struct skep_err *err);
int kernel_map_drop(struct backend *b, u32 map);
int kernel_map_info(struct backend *b, u32 map, struct map_info *info);
int kernel_map_lookup(struct backend *b, u32 map, const void *key, void *value, u64 flags);
int kernel_map_update(struct backend *b, u32 map, const void *key, const void *value, u64 flags);
int kernel_map_delete(struct backend *b, u32 map, const void *key);
int kernel_map_lookup_delete(struct backend *b, u32 map, const void *key, void *value,
			     u64 flags);
int kernel_map_next_key(struct backend *b, u32 map, const void *key, void *next);
/* batch.c */
int kernel_map_read_batch(struct backend *b, u32 map, struct map_batch *it, void *keys,
			  void *values, u32 *n);
int kernel_map_write_batch(struct backend *b, u32 map, const void *keys, const void *values,
			   u32 *n, u64 flags);
/* pin.c */
int kernel_map_pin(struct backend *b, u32 map, const char *path, struct skep_err *err);
int kernel_map_get(struct backend *b, const struct image_map *def, const char *path,
		   struct skep_err *err);
/* mem.c */
int kernel_arena_open(struct kernel_map *m);	/* and stores what it begins with */
void *kernel_map_mem(struct backend *b, u32 map, size_t *bytes);
void kernel_map_unmap(struct kernel_map *m);
/* ring.c */
s64 kernel_map_read(struct backend *b, u32 map, map_event_fn fn, void *arg);
int kernel_map_write(struct backend *b, u32 map, const void *data, u64 bytes);
int kernel_map_fd(struct backend *b, u32 map);
int kernel_map_freeze(struct backend *b, u32 map);
/* Before its maps are created: their keys and values have types of IMG. */
void kernel_image(struct backend *b, const struct image *img);
/* prog.c: where S is in the strings of BTF, or 0; functions of P as the kernel takes them
 * (NULL: some have no type), its lines, for free(); BPF_F_* that its section asks for.
 * map.c: types whose maps may have types. */
u32 kernel_string_off(const struct btf *btf, const char *s);
struct bpf_func_info *kernel_func_info(const struct image_prog *p);
struct bpf_line_info *kernel_line_info(const struct image *img, const struct image_prog *p);
u32 kernel_prog_flags(const struct image_prog *p);
bool kernel_map_takes_btf(u32 type);
int kernel_prog_load(struct backend *b, const struct image *img, u32 prog, const u32 *maps,
		     const struct rewrite *code, struct skep_err *err);
int kernel_test_run(struct backend *b, u32 prog, struct test_run *t, struct skep_err *err);
int kernel_test_run_batch(struct backend *b, u32 prog, struct test_run *t,
			  struct test_packet *pkts, u32 *n, struct skep_err *err);

#endif
