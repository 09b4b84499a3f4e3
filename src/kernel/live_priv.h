/* SPDX-License-Identifier: BSD-2-Clause */
/* live_priv.h: what the files of live.h share. Nobody else includes it. */
#ifndef KERNEL_LIVE_PRIV_H
#define KERNEL_LIVE_PRIV_H

#include "kernel/live.h"
#include "kernel/sys.h"

/* The kernel answered CODE: WHAT does not work. */
int live_said_no(const char *what, int code, struct skep_err *err);
/* What the kernel says of FD, BYTES of it: 0 or -errno. */
int live_info(int fd, void *info, u32 bytes);

#endif
