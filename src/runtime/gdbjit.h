/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gdbjit.h: the names and layouts by which gdb finds code that is made at run time (its
 * JIT interface, version 1). It looks for them in each library, and stops where
 * __jit_debug_register_code is called.
 */
#ifndef RUNTIME_GDBJIT_H
#define RUNTIME_GDBJIT_H

#include "base/base.h"

struct gdb_file {		/* an ELF file in memory */
	struct gdb_file *next, *prev;
	const void *data;
	u64 bytes;
};

enum gdb_action { GDB_NOTHING, GDB_ADDED, GDB_REMOVED };

struct gdb_list {
	u32 version, action;
	struct gdb_file *changed, *first;
};

/* Protected: what another compiler in the process has by these names is not ours. */
#define GDB_NAME __attribute__((visibility("protected")))

extern struct gdb_list __jit_debug_descriptor GDB_NAME;
void __jit_debug_register_code(void) GDB_NAME;

#endif
