/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format.h: what may stand in the formats of bpf_trace_printk, bpf_snprintf and
 * the like, as Linux 6.18 reads them. The verifier checks constant formats with
 * it, engines every one before they print.
 */
#ifndef MODEL_FORMAT_H
#define MODEL_FORMAT_H

#include "base/base.h"

enum {
	FORMAT_ARGS_MAX = 12,
	FORMAT_WIDTH_MAX = (1 << 23) - 1,	/* of a field: more counts as this */
};

/* One conversion: %FLAGS WIDTH KIND. */
struct format_spec {
	bool left, zero, plus, space;
	u32 width;
	char kind;	/* d u x X c s p (as a number), S (symbol), 4 and 6 (IP) */
	char variant;	/* of IP: 'i' or 'I' */
	u8 bytes;	/* of the number */
};

/* The conversion whose '%' stands before F; returns what follows it, or NULL when it
 * is none. */
const char *format_spec_read(const char *f, struct format_spec *s);

/*
 * The first place of F that is refused when NR values are passed: a byte that cannot
 * be printed, a conversion that is none, or one without a value. NULL: all is well.
 */
const char *format_bad(const char *f, u32 nr);

#endif
