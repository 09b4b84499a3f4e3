/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os.h: every primitive of the operating system that the other layers use:
 * memory, files, clocks, cpus, libraries loaded on first use. Nothing else in
 * src/ below the engines calls the system directly.
 */
#ifndef BASE_OS_H
#define BASE_OS_H

#include "base/err.h"
#include "base/keep.h"
#include <stdio.h>

/* ---- memory --------------------------------------------------------- */

/* SIZE zeroed bytes for free(); aborts with a text when there are none. */
void *mem_alloc(size_t size);
/* Asks for large pages for what lies in BYTES at P. */
void os_mem_huge(void *p, size_t bytes);
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
/* The same. Who uses one of the first OFTEN bytes uses one far from it next: when they are
 * more than the processor finds at once, large pages are asked for. */
void *os_map_dense(size_t size, size_t often);
/*
 * HEAD + 2 * DATA bytes, both multiples of the page size: the second DATA bytes
 * are the same memory as the first, so that what passes the end is in one piece.
 */
void *os_map_ring(size_t head, size_t data);
void os_unmap(void *p, size_t size);
/*
 * SIZE and MORE bytes as of os_map_lazy that begin at a multiple of SIZE, a power of two: at
 * WANTED when there is room. NULL when there is none at all. The page at P: has anybody
 * touched it? Bytes that are 0 again, and not touched.
 */
void *os_map_window(u64 wanted, size_t size, size_t more);
bool os_page_touched(const void *p);
void os_page_drop(void *p, size_t size);
/*
 * The next bytes in [*FROM, TO) of such a mapping at BASE that may be other
 * than 0: [*FROM, the result), of whole pages where they lie inside; the result
 * is TO, and *FROM too, when there are none. Takes all for touched where the
 * system does not tell.
 */
size_t os_map_touched(const void *base, size_t *from, size_t to);

/*
 * Memory for native code: SIZE bytes, a multiple of 4096, to write to; near
 * NEAR (within 2 GiB) when there is room. NULL: the system refuses. Sealing
 * makes the first BYTES executable and no longer writable and gives the rest
 * back: 0, or -1 when the system refuses.
 */
void *os_exec_alloc(size_t size, const void *near);
int os_exec_seal(void *p, size_t *size, size_t bytes);
void os_exec_free(void *p, size_t size);	/* NULL is fine */

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

/* The names in a directory, sorted, but "." and ".."; each, and the array, for
 * free(). NULL and *N = 0 when it cannot be read. */
char **os_dir_names(const char *path, size_t *n);

/* A file without a name, in memory; -errno. What it holds, closing it. */
int os_temp_open(void);
int os_temp_read(int fd, struct os_file *f, struct skep_err *err);

/* ---- files that processes map together (os_share.c) ------------------- */

/*
 * A new file for PATH of BYTES, all allocated, that has no name yet (*TEMP: or that
 * one): its descriptor or -errno, -ENOSPC and -EFBIG among them. The name, once it is
 * complete: 0, -EEXIST, ... os_shared_drop gives up what has no name, or the other
 * name.
 */
int os_shared_new(const char *path, u64 bytes, char **temp);
int os_shared_name(int fd, const char *path, char *temp);
void os_shared_drop(int fd, char *temp);	/* FD below 0: stays open */
/* An existing regular file of *BYTES to read and write; -errno. */
int os_shared_open(const char *path, u64 *bytes);
void os_shared_close(int fd);
bool os_shared_read(int fd, u64 at, void *to, size_t bytes);
u64 os_shared_room(const char *path);	/* bytes free where PATH is or would be */
u64 os_dir_room(const char *dir);
/* Is PATH a file, and not a pin in a file system of type bpf? Is it in such a one, or
 * would be: 1; 0 not; -1: there is no such folder. */
bool os_is_plain_file(const char *path);
int os_in_bpf_fs(const char *path);

/* Maps BYTES at AT, at WHERE or (NULL) anywhere; the second as os_map_ring does.
 * NULL: refused. Children of fork have no part in it. */
void *os_shared_map(int fd, u64 at, u64 bytes, void *where);
void *os_shared_ring(int fd, u64 at, u64 head, u64 data, void *where);
/*
 * What another process cuts off the file below P reads as zero from then on, and
 * *TORN is 1; without this a process ends with SIGBUS. Installs a handler of that
 * signal where there is another one, to which it passes on what is not its own.
 */
struct guard;
struct guard *os_guard(const void *p, size_t bytes, u32 *torn);
void os_guard_end(struct guard *g);	/* NULL is fine */

/* Waits until WORD, which processes share, is no longer SEEN and somebody says so, for at
 * most MS; may come back before. Wakes all who wait. */
void os_shared_sleep(const u32 *word, u32 seen, u32 ms);
void os_shared_wake(const u32 *word);

/* Locks on bytes of an open file, behind its end. They go with who holds them. */
#define OS_LOCKS_AT (1ull << 60)
bool os_shared_lock(int fd, u64 byte, bool wait);
void os_shared_unlock(int fd, u64 byte);
bool os_shared_locked(int fd, u64 byte);	/* by another open file */

/* The folder of this user for what lasts as long as the session, for free(); NULL:
 * there is none. */
char *os_runtime_dir(void);
bool os_dir_make(const char *path);	/* for this user alone; true when it is there */
u32 os_pid(void);
bool os_process_lives(u32 pid);
u32 os_page(void);	/* bytes */

/* ---- time and machine ------------------------------------------------ */

u64 os_clock_ns(void);		/* CLOCK_MONOTONIC */
u64 os_clock_real_ns(void);	/* CLOCK_REALTIME: since 1970 */
u64 os_clock_boot_ns(void);	/* CLOCK_BOOTTIME */
u64 os_clock_tai_ns(void);	/* CLOCK_TAI */
u64 os_clock_coarse_ns(void);	/* CLOCK_MONOTONIC_COARSE */
u64 os_clock_cpu_ns(void);	/* CLOCK_PROCESS_CPUTIME_ID */
u64 os_clock_thread_ns(void);	/* CLOCK_THREAD_CPUTIME_ID */

/* ---- where the thread is, at intervals (os_tick.c) ------------------------ */

struct os_tick { u64 pc, sp, link; };	/* LINK: where the processor has one; else 0 */
/* Runs as a signal handler: may only look at memory and write to its own. */
typedef void os_tick_fn(void *arg, const struct os_tick *at);
struct ticks;
/* FN is called so, of the calling thread, by SIGPROF. NULL: the system gives no timer, or
 * somebody has asked already. */
struct ticks *os_ticks_start(u64 every_ns, os_tick_fn *fn, void *arg);
void os_ticks_end(struct ticks *t);	/* NULL is fine */
int os_cpu_count(void);		/* cpus that may exist; at least 1 */
void os_random(void *to, size_t bytes);	/* nobody can guess */
void os_yield(void);		/* lets another thread run */
/* uname(2)'s release and version, cut to SIZE bytes; "" when unknown. */
void os_kernel(char *release, char *build, size_t size);
/* Adds N bytes to file PATH, which is made when it is not there; 0, or -errno: among
 * them -ELOOP when it is a link. */
int os_append(const char *path, const void *data, size_t n);
/* Not 0 there while the process surely has one thread; NULL: the C library does not say.
 * Threads that it did not make (clone(2)) do not count. */
const char *os_single_threaded(void);
u64 os_pid_tgid(void);		/* process id << 32 | thread id */
bool os_thread_lives(u32 id);	/* is there such a thread in this process? */
/* All threads' stores so far are seen by who looks afterwards, and the other way
 * round; false when the system cannot. */
bool os_membarrier(void);
u64 os_uid_gid(void);		/* real group id << 32 | user id */
void os_comm(char name[16]);	/* of the calling thread, padded with zeroes */
/* The id of this process's cgroup (v2), or of its ancestor at LEVEL (0 = the
 * root, -1 = itself); 0 when there is none. */
u64 os_cgroup_id(int level);
/* The path of the cgroup (v2) that thread ID of this process is in, or that has ID; from
 * the root, "/" being it. False when there is none, or it is longer. */
bool os_cgroup_of_thread(u32 id, char *path, size_t size);
bool os_cgroup_find(u64 id, char *path, size_t size);
/* The id of the cgroup PATH's ancestor at LEVEL; 0 when it has none. */
u64 os_cgroup_at(const char *path, int level);
u64 os_cgroup_of_fd(int fd);	/* of an open directory; 0 when it is no cgroup */
bool os_inode_of_fd(int fd, u64 *dev, u64 *ino);	/* of an open file */
/* When thread ID of this process began, in a unit of the system's; 0: there is none. */
u64 os_thread_start(u32 id);
/* The same of process PID, 0 also when it has ended and nobody has waited for it; who owns
 * it, false: there is none; its name. */
u64 os_process_start(u32 pid);
bool os_process_owner(u32 pid, u32 *uid);
void os_process_comm(u32 pid, char name[16]);
/* Device and inode of this process's pid name space; false when unknown. */
bool os_pid_ns(u64 *dev, u64 *ino);
/* BYTES at address FROM of this process to TO; -EFAULT, with part of it copied
 * perhaps, where nothing is mapped. No signal is raised. */
int os_mem_read(void *to, u64 from, u64 bytes);

/* ---- functions that stop in the middle (os_fiber.c) --------------------- */

struct os_fiber;
struct os_fiber *os_fiber_new(void);	/* NULL: no memory */
void os_fiber_free(struct os_fiber *f);	/* which does not run; NULL is fine */
/* FN(ARG) is to run, on the fiber's own stack; os_fiber_enter lets it: until it ends (false) or
 * calls os_fiber_leave (true), which returns when it is entered again. */
void os_fiber_start(struct os_fiber *f, void (*fn)(void *arg), void *arg);
bool os_fiber_enter(struct os_fiber *f);
void os_fiber_leave(struct os_fiber *f);
/* Of one that has stopped: its stack and place. False: this build cannot put them back. */
void os_fiber_keep(struct os_fiber *f, keep_fn keep, void *arg);
bool os_fiber_keeps(void);

/* ---- libraries on first use ------------------------------------------ */

/* dlopen and dlsym; NULL when not there. Handles are never closed. */
void *os_lib_open(const char *soname);
void *os_lib_sym(void *lib, const char *name);

#endif
