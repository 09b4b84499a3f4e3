/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os.h: every primitive of the operating system that the other layers use:
 * memory, files, clocks, cpus, libraries loaded on first use. Nothing else in
 * src/ below the engines calls the system directly.
 */
#ifndef BASE_OS_H
#define BASE_OS_H

#include "base/err.h"
#include <stdio.h>

/* ---- memory --------------------------------------------------------- */

/* SIZE zeroed bytes for free(); aborts with a text when there are none. */
void *mem_alloc(size_t size);
/* realloc() that does not return NULL. */
void *mem_resize(void *p, size_t size);
char *mem_strdup(const char *s);
/* Says that BYTES are not to be had and aborts. */
_Noreturn void mem_out(size_t bytes);

/*
 * SIZE zeroed bytes of address space that is committed page by page as it is
 * touched; NULL when the system refuses. For maps, whose size users choose.
 */
void *os_map_lazy(size_t size);
/*
 * HEAD + 2 * DATA bytes, both multiples of the page size: the second DATA bytes
 * are the same memory as the first, so that what passes the end is in one piece.
 */
void *os_map_ring(size_t head, size_t data);
void os_unmap(void *p, size_t size);

/* ---- files ---------------------------------------------------------- */

/* A whole file in memory, read-only. */
struct os_file {
	const u8 *data;		/* size bytes; not NUL-terminated */
	size_t size;
	bool mapped;		/* data is a mapping, else heap */
	bool sysfs;		/* the kernel made it: nobody can change it */
};

/* "-" is standard input. Refuses directories. Error ids: FILE_*. */
int os_file_read(struct os_file *f, const char *path, struct skep_err *err);
void os_file_close(struct os_file *f);

/*
 * A file that appears under its name only when it is complete: written without
 * a name, or beside it where the file system cannot do that, and named by
 * os_out_commit; os_out_abort leaves nothing. "-" is standard output; a name
 * that exists and is no regular file (a pipe, /dev/null) is written in place. A
 * symbolic link stays, and what it points to is replaced.
 */
struct os_out {
	FILE *f;
	char *path;		/* as given, for messages */
	char *to;		/* the name that the file gets */
	char *temp;		/* the name that it has, or NULL */
	bool unnamed;		/* it has none yet */
};

int os_out_open(struct os_out *o, const char *path, struct skep_err *err);
int os_out_commit(struct os_out *o, struct skep_err *err);
void os_out_abort(struct os_out *o);

/* A file without a name, in memory; -errno. What it holds, closing it. */
int os_temp_open(void);
int os_temp_read(int fd, struct os_file *f, struct skep_err *err);

/* ---- time and machine ------------------------------------------------ */

u64 os_clock_ns(void);		/* CLOCK_MONOTONIC */
u64 os_clock_real_ns(void);	/* CLOCK_REALTIME: since 1970 */
u64 os_clock_boot_ns(void);	/* CLOCK_BOOTTIME */
u64 os_clock_tai_ns(void);	/* CLOCK_TAI */
u64 os_clock_coarse_ns(void);	/* CLOCK_MONOTONIC_COARSE */
u64 os_clock_cpu_ns(void);	/* CLOCK_PROCESS_CPUTIME_ID */
int os_cpu_count(void);		/* cpus that may exist; at least 1 */
void os_yield(void);		/* lets another thread run */
/* uname(2)'s release and version, cut to SIZE bytes; "" when unknown. */
void os_kernel(char *release, char *build, size_t size);
u64 os_pid_tgid(void);		/* process id << 32 | thread id */

/* ---- libraries on first use ------------------------------------------ */

/* dlopen and dlsym; NULL when not there. Handles are never closed. */
void *os_lib_open(const char *soname);
void *os_lib_sym(void *lib, const char *name);

#endif
