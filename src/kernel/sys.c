/* SPDX-License-Identifier: BSD-2-Clause */
/* sys.c: the bpf system call. */
#include "kernel/sys.h"
#include <ctype.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOAD_TRIES = 64 };

int sys_bpf(int cmd, union bpf_attr *attr)
{
	int again = 0;
	long r;

	do	/* EAGAIN: a signal came while the verifier was at work */
		r = syscall(SYS_bpf, cmd, attr, sizeof(*attr));
	while (r < 0 && (errno == EINTR ||
			 (errno == EAGAIN && cmd == BPF_PROG_LOAD && ++again < LOAD_TRIES)));
	return r < 0 ? -errno : (int)r;
}

const char *sys_error(int code)
{
	return code == NOT_SUPPORTED ? "Operation not supported" : strerror(-code);
}

void sys_name(char out[BPF_OBJ_NAME_LEN], const char *name)
{
	size_t i;

	memset(out, 0, BPF_OBJ_NAME_LEN);
	for (i = 0; name[i] && i < BPF_OBJ_NAME_LEN - 1; i++)
		out[i] = isalnum((unsigned char)name[i]) || name[i] == '.' ? name[i] : '_';
}
