/* SPDX-License-Identifier: BSD-2-Clause */
/* sys.c: the system calls of programs and of events. */
#include "kernel/sys.h"
#include <ctype.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOAD_TRIES = 64 };

/* The end of a field, as of the last one of a command's part of the union. */
#define END(field) (offsetof(union bpf_attr, field) + sizeof(((union bpf_attr *)0)->field))

/*
 * How much of the union belongs to CMD. What is behind a part that was given values may
 * be anything (C11 6.7.9: of a union its first named member alone), and some compilers leave
 * it so; the kernel refuses what is not 0 there.
 */
static size_t attr_bytes(int cmd)
{
	switch (cmd) {
	case BPF_MAP_LOOKUP_ELEM:
	case BPF_MAP_UPDATE_ELEM:
	case BPF_MAP_DELETE_ELEM:
	case BPF_MAP_GET_NEXT_KEY:
	case BPF_MAP_LOOKUP_AND_DELETE_ELEM:
	case BPF_MAP_FREEZE: return END(flags);
	case BPF_MAP_LOOKUP_BATCH:
	case BPF_MAP_LOOKUP_AND_DELETE_BATCH:
	case BPF_MAP_UPDATE_BATCH:
	case BPF_MAP_DELETE_BATCH: return END(batch.flags);
	case BPF_PROG_LOAD: return sizeof(union bpf_attr);
	case BPF_OBJ_PIN:
	case BPF_OBJ_GET: return END(file_flags);
	case BPF_PROG_TEST_RUN: return END(test.batch_size);
	case BPF_PROG_GET_NEXT_ID:
	case BPF_MAP_GET_NEXT_ID:
	case BPF_BTF_GET_NEXT_ID:
	case BPF_LINK_GET_NEXT_ID:
	case BPF_PROG_GET_FD_BY_ID:
	case BPF_MAP_GET_FD_BY_ID:
	case BPF_BTF_GET_FD_BY_ID:
	case BPF_LINK_GET_FD_BY_ID: return END(open_flags);
	case BPF_OBJ_GET_INFO_BY_FD: return END(info.info);
	case BPF_RAW_TRACEPOINT_OPEN: return END(raw_tracepoint) + sizeof(u64);
	case BPF_BTF_LOAD: return END(btf_log_level);
	case BPF_TASK_FD_QUERY: return END(task_fd_query);
	case BPF_LINK_DETACH: return END(link_detach);
	case BPF_ENABLE_STATS: return END(enable_stats);
	case BPF_ITER_CREATE: return END(iter_create);
	case BPF_PROG_BIND_MAP: return END(prog_bind_map);
	default: return END(map_extra);		/* of { 0 }: the first one's part */
	}
}

int sys_bpf(int cmd, union bpf_attr *attr)
{
	int again = 0;
	long r;

	do	/* EAGAIN: a signal came while the verifier was at work */
		r = syscall(SYS_bpf, cmd, attr, attr_bytes(cmd));
	while (r < 0 && (errno == EINTR ||
			 (errno == EAGAIN && cmd == BPF_PROG_LOAD && ++again < LOAD_TRIES)));
	return r < 0 ? -errno : (int)r;
}

int sys_perf_open(const struct perf_event_attr *a, s32 pid, s32 cpu)
{
	long fd;

	do	/* it waits for locks of the process that is looked at */
		fd = syscall(SYS_perf_event_open, a, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : (int)fd;
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
