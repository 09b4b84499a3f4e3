/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format.h: the text formats of bpf_trace_printk, bpf_trace_vprintk and
 * bpf_snprintf: what the kernel accepts and how it prints it.
 */
#ifndef CALL_FORMAT_H
#define CALL_FORMAT_H

#include "model/format.h"
#include "model/run.h"

/*
 * Writes at most SIZE bytes with the closing NUL to OUT and returns the length
 * of the whole text, or -EINVAL (-ENOSPC: arguments too large) and nothing is
 * written. FMT is searched for its NUL in FMT_SIZE bytes; the pointers of %s
 * and %pI4 are read only as far as run->readable allows: else they are empty.
 */
s64 format_text(char *out, u64 size, const char *fmt, u64 fmt_size,
		const u64 *args, u32 nr_args, struct run *run);

#endif
