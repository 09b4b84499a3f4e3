/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel.h: the Linux kernel as a backend, through bpf(2): programs that its
 * verifier accepts run by BPF_PROG_TEST_RUN. Nothing is attached, and all that
 * is loaded goes with the backend (or the process).
 */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include "model/backend.h"

/*
 * A backend whose ops->close frees it. Errors: KERNEL, with the reason why
 * bpf(2) cannot be used.
 */
int kernel_open(struct backend **out, struct skep_err *err);
/* "6.18.5" */
const char *kernel_release(const struct backend *b);

#endif
