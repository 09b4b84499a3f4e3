/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * printk.h: what programs print with bpf_trace_printk, as fields. The kernel has one
 * such stream for all programs; this reader has a trace buffer of its own (an instance
 * of tracefs) and takes nothing from others who read. It tells its own programs' lines
 * from others' by the kernel's stack, where the program's tag stands.
 *
 * The buffer has a name in tracefs; a child process that waits for the end of this one
 * removes it, so that it goes, too, when this one is killed.
 */
#ifndef KERNEL_PRINTK_H
#define KERNEL_PRINTK_H

#include "model/backend.h"

struct printk;

struct printk_line {
	const char *text;	/* N bytes, without the newline at the end */
	size_t n;
	const char *program;	/* of this backend; NULL: the kernel does not tell */
	char comm[17];
	u32 pid;		/* of the thread */
	u32 cpu;
	u64 time_us;		/* the trace clock's */
	char flags[16];		/* of interrupts and preemption, as the kernel writes them */
};
typedef void printk_fn(void *arg, const struct printk_line *l);

/* Of the programs that B has loaded, and loads; B NULL: of all that there are. Error:
 * KERNEL. */
int printk_open(struct printk **out, struct backend *b, struct skep_err *err);
void printk_close(struct printk *p);	/* NULL is fine */
int printk_fd(const struct printk *p);	/* readable when there is something */
/* Gives FN all lines that are there; 0 or -errno. */
int printk_read(struct printk *p, printk_fn *fn, void *arg);
/* Lines that found no room, of whoever's. */
u64 printk_lost(const struct printk *p);

#endif
