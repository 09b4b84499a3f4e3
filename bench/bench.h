/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench.h: what benchmark programs share. Two sides of a comparison run in
 * turns within one process, and medians are printed, so that the machine's
 * mood is in both.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "base/err.h"
#include <stdio.h>
#include <stdlib.h>

static inline void must(int r, const struct skep_err *err)
{
	if (r >= 0)
		return;
	fputs(skep_err_text(err), stderr);
	exit(1);
}

static inline int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts V, too. */
static inline double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_size);
	return v[n / 2];
}

#endif
